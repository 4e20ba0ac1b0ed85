#include "iceberg/commit/append.h"

#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/append_internal.h"

/* --- one attempt: everything that it would commit, then the swap --- */

static void choose_snapshot_id(firn_appending *a, const firn_metadata *base) {
  while (a->snapshot_id == 0 || (!a->has_manifests && firn_metadata_snapshot(base, a->snapshot_id) != NULL)) {
    uint64_t random;
    firn_ctx_random(a->ctx, &random, sizeof random);
    a->snapshot_id = (int64_t)(random >> 1);
  }
}

static void find_parent(const firn_appending *a, firn_append_attempt *attempt) {
  const firn_ref *head = firn_metadata_ref_named(attempt->base, a->branch);
  const firn_snapshot *parent = head != NULL ? firn_metadata_snapshot(attempt->base, head->snapshot_id)
                                             : firn_metadata_current_snapshot(attempt->base);
  attempt->has_parent = parent != NULL;
  attempt->parent = parent != NULL ? *parent : (firn_snapshot){0};
}

static firn_status write_list(firn_appending *a, int number, firn_append_attempt *attempt,
                              firn_arena *scratch, firn_error *err) {
  const firn_manifest_list_options options = {
      .format_version = 2,
      .snapshot_id = a->snapshot_id,
      .has_parent = attempt->has_parent,
      .parent_snapshot_id = attempt->parent.snapshot_id,
      .sequence_number = attempt->snapshot.sequence_number,
      .codec = FIRN_CODEC_DEFLATE,
      .env = a->ctx->env,
  };
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_manifest_list_write(&options, attempt->manifests.items, attempt->manifests.n, &b, err));
  firn_bytes bytes;
  FIRN_TRY(firn_builder_finish(&b, &bytes, err));
  char *name = firn_arena_printf(scratch, "snap-%" PRId64 "-%d-%s.avro", a->snapshot_id, number, a->uuid);
  attempt->list = name == NULL ? NULL : firn_table_file_location(attempt->base, name, a->arena);
  if (attempt->list == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a manifest list");
  }
  FIRN_TRY(firn_appending_wrote(a, attempt->list, err));
  firn_status status = firn_table_file_write(a->catalog->stores, a->ctx, attempt->list, bytes, err);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "writing manifest list %s", attempt->list);
}

static firn_status make_snapshot(firn_appending *a, int number, firn_append_attempt *attempt,
                                 firn_arena *scratch, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(attempt->base);
  if (m->last_sequence_number == INT64_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "the table has no sequence number left");
  }
  int64_t now_ms = firn_ctx_now_us(a->ctx) / 1000;
  attempt->snapshot = (firn_snapshot){
      .snapshot_id = a->snapshot_id,
      .has_parent = attempt->has_parent,
      .parent_snapshot_id = attempt->parent.snapshot_id,
      .sequence_number = m->last_sequence_number + 1,
      .timestamp_ms = now_ms < m->last_updated_ms ? m->last_updated_ms : now_ms, /* time goes forward */
      .operation = "append",
      .has_schema_id = true,
      .schema_id = m->current_schema_id,
  };
  FIRN_TRY(firn_append_summary(a, attempt, scratch, &attempt->snapshot.summary, err));
  FIRN_TRY(write_list(a, number, attempt, scratch, err));
  attempt->snapshot.manifest_list = attempt->list;
  return FIRN_OK;
}

firn_status firn_append_prepare(firn_appending *a, int number, firn_append_attempt *attempt,
                                firn_arena *scratch, firn_error *err) {
  if (a->append->validate != NULL) {
    FIRN_TRY(a->append->validate(a->append->validate_arg, attempt->base, a->ctx, err));
  }
  FIRN_TRY(firn_append_check(a->append, attempt->base, err));
  choose_snapshot_id(a, attempt->base);
  FIRN_TRY(firn_append_write_manifests(a, attempt->base, err));
  find_parent(a, attempt);
  FIRN_TRY(firn_append_gather(a, attempt, scratch, err));
  return attempt->is_in_already ? FIRN_OK : make_snapshot(a, number, attempt, scratch, err);
}

firn_status firn_append_swap(firn_appending *a, const firn_append_attempt *attempt, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(attempt->base);
  const firn_ref *head = firn_metadata_ref_named(attempt->base, a->branch);
  firn_requirement requirements[2];
  size_t n_requirements = 0;
  requirements[n_requirements++] = (firn_requirement){.kind = FIRN_ASSERT_REF_SNAPSHOT_ID,
                                                      .text = a->branch,
                                                      .has_snapshot_id = head != NULL,
                                                      .id = head == NULL ? 0 : head->snapshot_id};
  if (m->table_uuid != NULL) {
    requirements[n_requirements++] =
        (firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = m->table_uuid};
  }
  firn_ref ref = head != NULL ? *head : (firn_ref){.name = a->branch, .is_branch = true};
  ref.snapshot_id = a->snapshot_id; /* and its retention stays */
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ADD_SNAPSHOT, .snapshot = attempt->snapshot},
      {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = ref},
      {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = a->append->properties},
  };
  const firn_table_commit commit = {
      .table = *a->table,
      .n_requirements = n_requirements,
      .requirements = requirements,
      .n_updates = a->append->properties.n > 0 ? 3 : 2,
      .updates = updates,
  };
  return firn_catalog_commit(a->catalog, a->ctx, &commit, 1, NULL, err);
}

/* What was written for other attempts than the one that is in the table. */
void firn_append_tidy_up(firn_appending *a, const firn_append_attempt *winner) {
  for (size_t i = 0; i < a->n_written; i++) {
    bool used = strcmp(a->written[i], winner->list) == 0;
    for (size_t k = 0; k < winner->manifests.n && !used; k++) {
      used = winner->manifests.items[k]->added_snapshot_id == a->snapshot_id &&
             strcmp(a->written[i], winner->manifests.items[k]->path) == 0;
    }
    if (!used) {
      firn_table_file_discard(a->catalog->stores, a->ctx, a->written[i]);
    }
  }
}

/* --- the whole --- */

firn_status firn_append_commit(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *table,
                               const firn_append *append, firn_arena *arena, firn_append_result *result,
                               firn_error *err) {
  FIRN_AUTO_ARENA own = FIRN_ARENA_INIT(0);
  firn_appending a = {.catalog = catalog,
                      .ctx = ctx,
                      .table = table,
                      .append = append,
                      .branch = append->branch == NULL ? "main" : append->branch,
                      .arena = &own};
  firn_append_result made;
  firn_uuid_text(firn_uuid_v4(ctx), a.uuid);
  FIRN_TRY(firn_append_race(&a, arena, &made, err));
  if (result != NULL) {
    *result = made;
  }
  return FIRN_OK;
}
