#include "iceberg/maintain/expire.h"

#include "iceberg/commit/property.h"
#include "iceberg/commit/table_file.h"
#include "iceberg/maintain/expire_internal.h"

typedef struct expiry {
  firn_catalog *catalog;
  firn_ctx *ctx;
  const firn_table_id *table;
  firn_table before, after;
  firn_metadata *planned; /* what `after` will be, when nobody else commits */
  firn_expire_plan plan;
  firn_expire_files files;
  bool knows_files; /* every list that tells what is needed could be read */
  firn_arena arena;
} expiry;

static void end_expiry(expiry *e) {
  firn_table_release(&e->before);
  firn_table_release(&e->after);
  firn_metadata_unref(e->planned);
  firn_arena_free(&e->arena);
}

/* Every reference is a fence: one that moved meanwhile may need what we are about to forget. */
static firn_status requirements_of(expiry *e, const firn_requirement **out, size_t *n, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(e->before.metadata);
  firn_requirement *all = firn_new_n(&e->arena, firn_requirement, m->n_refs + 1);
  if (all == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu requirements", m->n_refs + 1);
  }
  for (size_t i = 0; i < m->n_refs; i++) {
    all[i] = (firn_requirement){.kind = FIRN_ASSERT_REF_SNAPSHOT_ID,
                                .text = m->refs[i].name,
                                .has_snapshot_id = true,
                                .id = m->refs[i].snapshot_id};
  }
  *n = m->n_refs;
  if (m->table_uuid != NULL) {
    all[(*n)++] = (firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = m->table_uuid};
  }
  *out = all;
  return FIRN_OK;
}

/* References before the snapshots that they hold. */
static firn_status updates_of(expiry *e, const firn_update **out, size_t *n, firn_error *err) {
  const firn_expire_plan *plan = &e->plan;
  firn_update *all = firn_new_n(&e->arena, firn_update, plan->n_refs + 1);
  if (all == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu updates", plan->n_refs + 1);
  }
  for (size_t i = 0; i < plan->n_refs; i++) {
    all[i] = (firn_update){.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = plan->refs[i]};
  }
  *n = plan->n_refs;
  if (plan->n_snapshots > 0) {
    all[(*n)++] = (firn_update){.kind = FIRN_UPDATE_REMOVE_SNAPSHOTS,
                                .ids = {.n = plan->n_snapshots, .items = plan->snapshots}};
  }
  *out = all;
  return FIRN_OK;
}

/* Before the commit, so that nothing has happened when there is no memory. A table whose lists cannot be read
 * can forget snapshots all the same. */
static firn_status find_files(expiry *e, firn_error *err) {
  firn_status status = firn_expire_find_files(e->catalog->stores, e->ctx, e->before.metadata, e->planned,
                                              &e->arena, &e->files, err);
  if (status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT) {
    return status;
  }
  e->knows_files = status == FIRN_OK;
  return FIRN_OK;
}

/* Whether the table is as planned, or has less: a snapshot that came in between may need any file. */
static bool is_as_planned(const expiry *e) {
  const firn_metadata_fields *after = firn_metadata_get(e->after.metadata);
  for (size_t i = 0; i < after->n_snapshots; i++) {
    if (firn_metadata_snapshot(e->planned, after->snapshots[i].snapshot_id) == NULL) {
      return false;
    }
  }
  return true;
}

/* The snapshots are forgotten, so nothing here fails: what stays is an orphan. */
static void remove_files(const expiry *e, firn_expired *out) {
  for (size_t i = 0; i < e->files.n; i++) {
    out->n_left += !firn_table_file_discard(e->catalog->stores, e->ctx, e->files.items[i]);
  }
}

static firn_status expire(expiry *e, bool is_dry, firn_expired *out, firn_error *err) {
  firn_table_commit c = {.table = *e->table};
  FIRN_TRY(requirements_of(e, &c.requirements, &c.n_requirements, err));
  FIRN_TRY(updates_of(e, &c.updates, &c.n_updates, err));
  FIRN_TRY(firn_updates_apply(e->before.metadata, NULL, c.updates, c.n_updates,
                              firn_ctx_now_us(e->ctx) / 1000, &e->planned, err));
  FIRN_TRY(find_files(e, err));
  if (!is_dry) {
    FIRN_TRY(firn_catalog_commit(e->catalog, e->ctx, &c, 1, &e->after, err));
  }
  *out = (firn_expired){.n_snapshots = e->plan.n_snapshots, .n_refs = e->plan.n_refs};
  if (!e->knows_files || (!is_dry && !is_as_planned(e))) {
    out->n_left = e->plan.n_snapshots; /* a list each, at least */
    return FIRN_OK;
  }
  out->n_lists = e->files.n_lists;
  out->n_manifests = e->files.n_manifests;
  out->n_statistics = e->files.n_statistics;
  if (!is_dry) {
    remove_files(e, out);
  }
  return FIRN_OK;
}

firn_status firn_expire_snapshots(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *table,
                                  const firn_expire *how, firn_expired *out, firn_error *err) {
  expiry e FIRN_AUTO(end_expiry) = {.catalog = catalog, .ctx = ctx, .table = table};
  *out = (firn_expired){0};
  FIRN_TRY(firn_catalog_table_load(catalog, ctx, table, &e.before, err));
  if (!firn_property_bool(&firn_metadata_get(e.before.metadata)->properties, FIRN_PROPERTY_GC_ENABLED,
                          true)) {
    return firn_error_set(err, FIRN_INVALID,
                          "the table has gc.enabled=false: its files may belong to other tables too");
  }
  FIRN_TRY(
      firn_expire_make_plan(e.before.metadata, how, firn_ctx_now_us(ctx) / 1000, &e.arena, &e.plan, err));
  bool is_any = e.plan.n_snapshots > 0 || e.plan.n_refs > 0;
  return is_any ? expire(&e, how->is_dry, out, err) : FIRN_OK;
}
