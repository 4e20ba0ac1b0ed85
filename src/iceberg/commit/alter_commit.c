/* A list of changes against whoever else changes the table. */
#include <string.h>

#include "iceberg/commit/alter_internal.h"
#include "iceberg/commit/retry_internal.h"

typedef struct race {
  firn_catalog *catalog;
  firn_ctx *ctx;
  const firn_table_id *table;
  const firn_alter *alter;
  firn_arena *arena;
  firn_retry retry;
  int64_t n_attempts;
  const char *table_uuid;                           /* NULL: not seen yet */
  bool is_open;                                     /* an answer was lost, and the table has not told yet */
  bool was_refused;                                 /* perhaps an echo of a commit that did happen */
  int64_t newest_schema, newest_spec, newest_order; /* ids on the base of the last attempt */
  firn_alter_result result;                         /* of the last attempt */
  firn_status last_status;
  firn_error last_error;
} race;

/* --- whether a table shows what an attempt wanted --- */

static bool shows_schema(const race *r, const firn_metadata_fields *f, const firn_schema *schema) {
  for (size_t i = 0; i < f->n_schemas; i++) {
    if (f->schemas[i].schema_id > r->newest_schema && firn_schema_equal(&f->schemas[i], schema)) {
      return true;
    }
  }
  return false;
}

static bool shows_spec(const race *r, const firn_metadata_fields *f, const firn_partition_spec *spec) {
  for (size_t i = 0; i < f->n_specs; i++) {
    if (f->specs[i].spec_id > r->newest_spec && firn_partition_spec_equal(&f->specs[i], spec)) {
      return true;
    }
  }
  return false;
}

static bool shows_order(const race *r, const firn_metadata_fields *f, const firn_sort_order *order) {
  for (size_t i = 0; i < f->n_sort_orders; i++) {
    bool is_new = f->sort_orders[i].order_id > r->newest_order || order->n_fields == 0;
    if (is_new && firn_sort_order_equal(&f->sort_orders[i], order)) {
      return true;
    }
  }
  return false;
}

static bool shows_properties(const firn_metadata_fields *f, const firn_update *u) {
  for (size_t i = 0; i < u->properties.n; i++) {
    const char *now = firn_properties_get(&f->properties, u->properties.items[i].key);
    if (now == NULL || strcmp(now, u->properties.items[i].value) != 0) {
      return false;
    }
  }
  return true;
}

static bool lacks_properties(const firn_metadata_fields *f, const firn_update *u) {
  for (size_t i = 0; i < u->keys.n; i++) {
    if (firn_properties_get(&f->properties, u->keys.items[i]) != NULL) {
      return false;
    }
  }
  return true;
}

static bool shows_ref(const firn_metadata *m, const firn_ref *ref) {
  const firn_ref *now = firn_metadata_ref_named(m, ref->name);
  return now != NULL && now->snapshot_id == ref->snapshot_id && now->is_branch == ref->is_branch &&
         now->min_snapshots_to_keep == ref->min_snapshots_to_keep &&
         now->max_snapshot_age_ms == ref->max_snapshot_age_ms && now->max_ref_age_ms == ref->max_ref_age_ms;
}

/* What was added and then set is there when it was added; what was set by its id must be set still. */
static bool shows_update(const race *r, const firn_metadata *m, const firn_update *u) {
  const firn_metadata_fields *f = firn_metadata_get(m);
  switch (u->kind) {
    case FIRN_UPDATE_UPGRADE_FORMAT_VERSION:
      return f->format_version >= u->id;
    case FIRN_UPDATE_ADD_SCHEMA:
      return shows_schema(r, f, &u->schema);
    case FIRN_UPDATE_ADD_SPEC:
      return shows_spec(r, f, &u->spec);
    case FIRN_UPDATE_ADD_SORT_ORDER:
      return shows_order(r, f, &u->sort_order);
    case FIRN_UPDATE_SET_CURRENT_SCHEMA:
      return u->id == FIRN_LAST_ADDED || u->id == f->current_schema_id;
    case FIRN_UPDATE_SET_DEFAULT_SPEC:
      return u->id == FIRN_LAST_ADDED || u->id == f->default_spec_id;
    case FIRN_UPDATE_SET_DEFAULT_SORT_ORDER:
      return u->id == FIRN_LAST_ADDED || u->id == f->default_sort_order_id;
    case FIRN_UPDATE_SET_LOCATION:
      return strcmp(f->location, u->text) == 0;
    case FIRN_UPDATE_SET_PROPERTIES:
      return shows_properties(f, u);
    case FIRN_UPDATE_REMOVE_PROPERTIES:
      return lacks_properties(f, u);
    case FIRN_UPDATE_SET_SNAPSHOT_REF:
      return shows_ref(m, &u->ref);
    case FIRN_UPDATE_REMOVE_SNAPSHOT_REF:
      return firn_metadata_ref_named(m, u->text) == NULL;
    default:
      return false;
  }
}

static bool shows_attempt(const race *r, const firn_metadata *m) {
  for (size_t i = 0; i < r->result.n_updates; i++) {
    if (!shows_update(r, m, &r->result.updates[i])) {
      return false;
    }
  }
  return r->result.n_updates > 0;
}

/* An attempt whose requirements no longer hold cannot happen any more. */
static bool may_still_happen(const race *r, const firn_metadata *m) {
  for (size_t i = 0; i < r->result.n_requirements; i++) {
    if (firn_requirement_check(&r->result.requirements[i], m, NULL) != FIRN_OK) {
      return false;
    }
  }
  return true;
}

/* --- rounds --- */

static firn_status load_table(race *r, firn_table *table, firn_error *err) {
  for (int64_t i = 0;; i++) {
    firn_status status = firn_catalog_table_load(r->catalog, r->ctx, r->table, table, err);
    bool worth_waiting = r->is_open || status == FIRN_BUSY;
    if (status == FIRN_OK || !worth_waiting || i >= r->retry.n_checks) {
      return status;
    }
    FIRN_TRY(firn_retry_wait(r->ctx, r->retry.check_min_wait_ms, r->retry.check_max_wait_ms, i, err));
  }
}

/* Spec: a table's UUID never changes; another one is another table under the same name. */
static firn_status check_identity(race *r, const firn_metadata *base, firn_error *err) {
  const char *uuid = firn_metadata_get(base)->table_uuid;
  uuid = uuid == NULL ? "" : uuid;
  if (r->table_uuid == NULL) {
    firn_retry_read(&r->retry, &firn_metadata_get(base)->properties, 0, r->ctx);
    r->table_uuid = firn_arena_text(r->arena, firn_bytes_of(uuid));
    return r->table_uuid != NULL ? FIRN_OK : firn_alter_no_memory(err);
  }
  if (strcmp(r->table_uuid, uuid) == 0) {
    return FIRN_OK;
  }
  r->is_open = false; /* nothing can happen to a table that is gone */
  return firn_error_set(err, FIRN_INVALID, "table UUID does not match: %s is gone, under its name is now %s",
                        r->table_uuid, uuid);
}

static void note_base(race *r, const firn_metadata_fields *f) {
  r->newest_schema = r->newest_spec = r->newest_order = INT32_MIN;
  for (size_t i = 0; i < f->n_schemas; i++) {
    r->newest_schema =
        f->schemas[i].schema_id > r->newest_schema ? f->schemas[i].schema_id : r->newest_schema;
  }
  for (size_t i = 0; i < f->n_specs; i++) {
    r->newest_spec = f->specs[i].spec_id > r->newest_spec ? f->specs[i].spec_id : r->newest_spec;
  }
  for (size_t i = 0; i < f->n_sort_orders; i++) {
    r->newest_order =
        f->sort_orders[i].order_id > r->newest_order ? f->sort_orders[i].order_id : r->newest_order;
  }
}

static bool may_try_again(const race *r) {
  return r->n_attempts <= r->retry.n_retries && firn_ctx_monotonic_us(r->ctx) <= r->retry.give_up_us;
}

static firn_status out_of_attempts(const race *r, firn_error *err) {
  if (err != NULL) {
    *err = r->last_error;
  }
  /* A lost answer that the table has refuted since was a lost race. */
  bool refuted = r->last_status == FIRN_UNCERTAIN && !r->is_open;
  return firn_error_while(err, refuted ? FIRN_CONFLICT : r->last_status, "%lld attempts",
                          (long long)r->n_attempts);
}

static firn_status swap(race *r, firn_error *err) {
  const firn_table_commit commit = {.table = *r->table,
                                    .n_requirements = r->result.n_requirements,
                                    .requirements = r->result.requirements,
                                    .n_updates = r->result.n_updates,
                                    .updates = r->result.updates};
  return firn_catalog_commit(r->catalog, r->ctx, &commit, 1, NULL, err);
}

/* FIRN_OK with `*done` false: try again. */
static firn_status try_round(race *r, bool *done, firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(load_table(r, &table, err));
  FIRN_TRY(check_identity(r, table.metadata, err));
  if ((r->is_open || r->was_refused) && shows_attempt(r, table.metadata)) {
    *done = r->result.is_committed = true; /* whoever answered what: it is in */
    return FIRN_OK;
  }
  r->is_open = r->is_open && may_still_happen(r, table.metadata);
  if (r->n_attempts > 0 && !may_try_again(r)) {
    return out_of_attempts(r, err);
  }
  /* While an attempt is open its requirements hold, so this plan is the same one and only one of them can
   * happen; or it sets what may be set twice. */
  firn_alter_result plan;
  FIRN_TRY(firn_alter_plan(table.metadata, r->alter->changes, r->alter->n_changes,
                           firn_ctx_now_us(r->ctx) / 1000, r->arena, &plan, err));
  r->result = plan;
  if (r->alter->dry_run || plan.n_updates == 0) {
    *done = true;
    return FIRN_OK;
  }
  note_base(r, firn_metadata_get(table.metadata));
  r->n_attempts++;
  r->last_status = swap(r, &r->last_error);
  switch (r->last_status) {
    case FIRN_OK:
      *done = r->result.is_committed = true;
      return FIRN_OK;
    case FIRN_UNCERTAIN:
      r->is_open = true;
      return FIRN_OK;
    case FIRN_CONFLICT:
    case FIRN_BUSY:
      r->was_refused = true;
      return FIRN_OK;
    default:
      if (err != NULL) {
        *err = r->last_error;
      }
      return r->last_status;
  }
}

static firn_status race_to_the_end(race *r, firn_error *err) {
  bool done = false;
  FIRN_TRY(try_round(r, &done, err));
  for (int64_t nth = 0; !done; nth++) {
    if (may_try_again(r)) {
      FIRN_TRY(firn_retry_wait(r->ctx, r->retry.min_wait_ms, r->retry.max_wait_ms, nth, err));
    }
    FIRN_TRY(try_round(r, &done, err)); /* the last one only looks */
  }
  return FIRN_OK;
}

firn_status firn_alter_commit(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *table,
                              const firn_alter *alter, firn_arena *arena, firn_alter_result *out,
                              firn_error *err) {
  race r = {.catalog = catalog,
            .ctx = ctx,
            .table = table,
            .alter = alter,
            .arena = arena,
            .retry = FIRN_RETRY_INIT};
  firn_status status = race_to_the_end(&r, err);
  if (status != FIRN_OK && r.is_open) {
    return firn_error_while(err, FIRN_UNCERTAIN,
                            "the answer to a commit was lost, so the changes may or may not be in the table");
  }
  FIRN_TRY(status);
  if (out != NULL) {
    *out = r.result;
  }
  return FIRN_OK;
}
