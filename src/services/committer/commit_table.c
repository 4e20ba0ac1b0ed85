/* One table: what is pending for it into one append, and its position alone. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/uuid.h"
#include "iceberg/commit/append.h"
#include "iceberg/commit/holds.h"
#include "services/committer/committer_internal.h"

enum { FOLDS = 8, KEEP_UP_TRIES = 3 };

/* What one append would bring, by what the table said when it was loaded. */
typedef struct fold {
  firn_committer *c;
  firn_followed *t;
  size_t index; /* of `t` */
  const firn_metadata *metadata;
  firn_arena *arena;
  firn_log_positions base; /* what the table says */
  firn_log_positions goal; /* what it will say */
  size_t n_files, capacity;
  firn_data_file *files;
  bool has_moved; /* an attempt found the table at other positions, or with another schema */
} fold;

static firn_status table_is_gone(const firn_committer *c, const firn_followed *t, firn_error *err) {
  const firn_pending_record *r = &c->pending.items[0];
  return firn_error_set(
      err, FIRN_NOT_FOUND,
      "%s is gone (dropped or renamed), and the commit log has files for it, from record %" PRIu64
      " on: bring it back under this name, by firn table rename or firn table register",
      t->name, r->position);
}

/* --- folding --- */

static firn_status check_uuid(const fold *f, const firn_pending_record *r,
                              const firn_commit_record_table *table, firn_error *err) {
  const char *uuid = firn_metadata_get(f->metadata)->table_uuid;
  if (uuid != NULL && strcmp(uuid, table->uuid) == 0) {
    return FIRN_OK;
  }
  return firn_error_set(
      err, FIRN_INVALID,
      "%s is another table now (UUID %s): record %" PRIu64
      " of the commit log has files for %s. Bring that one back under this name, or, to go on "
      "without its files, set the new one's property " FIRN_POSITIONS_PROPERTY "%s to {\"%" PRId32
      "\":%" PRIu64 "}",
      f->t->name, uuid == NULL ? "unknown" : uuid, r->position, table->uuid, f->c->options.log->id,
      r->partition, r->position + 1);
}

static firn_status add_files(fold *f, const firn_pending_record *r, const firn_commit_record_table *table,
                             firn_error *err) {
  firn_data_file *bound;
  FIRN_TRY(check_uuid(f, r, table, err));
  firn_status status = firn_commit_record_bind(table, f->metadata, f->arena, &bound, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s cannot take record %" PRIu64 " of the commit log", f->t->name,
                            r->position);
  }
  for (size_t i = 0; i < table->n_files; i++) {
    f->files = firn_arena_grow(f->arena, f->files, f->n_files, &f->capacity, sizeof *f->files);
    if (f->files == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu files", f->n_files + 1);
    }
    f->files[f->n_files++] = bound[i];
  }
  return FIRN_OK;
}

/* The files of records that the table does not cover yet. */
static firn_status gather(fold *f, firn_error *err) {
  const firn_pending *p = &f->c->pending;
  for (size_t i = 0; i < p->n; i++) {
    const firn_pending_record *r = &p->items[i];
    if (r->position < firn_positions_get(&f->base, r->partition)) {
      continue;
    }
    for (size_t k = 0; k < r->record.n_tables; k++) {
      if (r->tables[k] == f->index && r->record.tables[k].n_files > 0) {
        FIRN_TRY(add_files(f, r, &r->record.tables[k], err));
      }
    }
  }
  FIRN_TRY(firn_positions_copy(&f->base, f->arena, &f->goal, err));
  return firn_positions_merge(&f->goal, &f->c->next, f->arena, err);
}

/* --- a table that says nothing --- */

static int compare_texts(const void *a, const void *b) {
  const char *left, *right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return strcmp(left, right);
}

/* A table with snapshots and without any position in this log: most often one that was made in another way
 * and gets its first files from here. But if a file of ours is in it, the position was there and is lost. */
static firn_status check_not_in_yet(const fold *f, firn_ctx *ctx, firn_error *err) {
  const firn_snapshot *head = firn_metadata_current_snapshot(f->metadata);
  if (f->base.n > 0 || head == NULL) {
    return FIRN_OK;
  }
  const char **paths = firn_new_n(f->arena, const char *, f->n_files);
  bool *held = firn_new_n(f->arena, bool, f->n_files);
  if (paths == NULL || held == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu paths", f->n_files);
  }
  for (size_t i = 0; i < f->n_files; i++) {
    paths[i] = f->files[i].path;
  }
  qsort(paths, f->n_files, sizeof *paths, compare_texts);
  FIRN_TRY(firn_snapshot_holds(f->c->options.catalog->stores, ctx, f->metadata, head, paths, f->n_files, held,
                               err));
  for (size_t i = 0; i < f->n_files; i++) {
    if (held[i]) {
      return firn_error_set(
          err, FIRN_INVALID,
          "%s has files of commit log %s and no longer says how many (%s is one): somebody took "
          "both its property " FIRN_POSITIONS_PROPERTY
          "%s and the snapshots that say it too. Set that property to the first record whose "
          "files are not in it: {\"0\":N}",
          f->t->name, f->c->options.log->id, paths[i], f->c->options.log->id);
    }
  }
  return FIRN_OK;
}

/* --- the append --- */

/* Manifests are written once for all attempts, so a table that has moved on ends the append: the files are
 * folded anew. */
static firn_status still_the_same(void *arg, const firn_metadata *base, firn_ctx *ctx, firn_error *err) {
  fold *f = arg;
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions now;
  (void)ctx;
  FIRN_TRY(firn_positions_of(base, f->c->options.log->id, FIRN_COMMITTER_BRANCH, &scratch, &now, err));
  bool same_schema =
      firn_metadata_get(base)->current_schema_id == firn_metadata_get(f->metadata)->current_schema_id;
  if (same_schema && firn_positions_reach(&now, &f->base) && firn_positions_reach(&f->base, &now)) {
    return FIRN_OK;
  }
  f->has_moved = true;
  return firn_error_set(err, FIRN_CONFLICT, "the table has moved on");
}

/* The part of `goal` that this commit changes. */
static firn_status changed_part(const fold *f, firn_log_positions *out, firn_error *err) {
  firn_log_positions changed = {0};
  for (size_t i = 0; i < f->goal.n; i++) {
    const firn_log_position *p = &f->goal.items[i];
    if (p->next > firn_positions_get(&f->base, p->partition)) {
      FIRN_TRY(firn_positions_raise(&changed, p->partition, p->next, f->arena, err));
    }
  }
  *out = changed;
  return FIRN_OK;
}

static void count_commit(const fold *f, firn_ctx *ctx, int64_t began_us) {
  int64_t rows = 0, bytes = 0;
  for (size_t i = 0; i < f->n_files; i++) {
    rows += f->files[i].record_count;
    bytes += f->files[i].size_bytes;
  }
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_COMMITS, 1);
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_FILES, (int64_t)f->n_files);
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_ROWS, rows);
  firn_metric_add(ctx, &firn_committer_metrics, FIRN_COMMITTER_BYTES, bytes);
  firn_metric_observe(ctx, &firn_committer_metrics, FIRN_COMMITTER_COMMIT_US,
                      firn_ctx_monotonic_us(ctx) - began_us);
  FIRN_LOG_WITH(ctx, FIRN_LOG_INFO, "committed", FIRN_LOG_TEXT("table", f->t->name),
                FIRN_LOG_INT("files", (int64_t)f->n_files), FIRN_LOG_INT("rows", rows));
}

static firn_status append_fold(fold *f, firn_ctx *ctx, firn_error *err) {
  const char *log_id = f->c->options.log->id;
  char commit_id[FIRN_UUID_TEXT];
  firn_log_positions changed;
  firn_uuid_text(firn_uuid_v7(ctx), commit_id);
  FIRN_TRY(changed_part(f, &changed, err));
  const firn_property summary[] = {
      {"firn.commit-id", commit_id},
      {firn_arena_printf(f->arena, FIRN_POSITIONS_SUMMARY "%s", log_id),
       firn_positions_text(&changed, f->arena)},
  };
  const firn_property property = {firn_arena_printf(f->arena, FIRN_POSITIONS_PROPERTY "%s", log_id),
                                  firn_positions_text(&f->goal, f->arena)};
  if (summary[1].key == NULL || summary[1].value == NULL || property.key == NULL || property.value == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for positions");
  }
  const firn_append append = {
      .n_files = f->n_files,
      .files = f->files,
      .summary = {FIRN_COUNT_OF(summary), summary},
      .properties = {1, &property},
      .branch = FIRN_COMMITTER_BRANCH,
      .validate = still_the_same,
      .validate_arg = f,
  };
  int64_t began_us = firn_ctx_monotonic_us(ctx);
  FIRN_TRY(firn_append_commit(f->c->options.catalog, ctx, &f->t->id, &append, f->arena, NULL, err));
  count_commit(f, ctx, began_us);
  return FIRN_OK;
}

/* One fold of a freshly loaded table. `*again`: the table was another one by the time of the commit. */
static firn_status fold_once(firn_committer *c, firn_ctx *ctx, firn_followed *t, bool *again,
                             firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  firn_status status = firn_catalog_table_load(c->options.catalog, ctx, &t->id, &table, err);
  if (status == FIRN_NOT_FOUND) {
    return table_is_gone(c, t, err);
  }
  FIRN_TRY(status);
  fold f = {.c = c, .t = t, .index = (size_t)(t - c->tables), .metadata = table.metadata, .arena = &scratch};
  FIRN_TRY(firn_committer_look(c, ctx, t, table.metadata, &scratch, &f.base, err));
  FIRN_TRY(gather(&f, err));
  if (f.n_files == 0) {
    return firn_committer_note(c, t, &f.base, err);
  }
  FIRN_TRY(check_not_in_yet(&f, ctx, err));
  status = append_fold(&f, ctx, err);
  if (status == FIRN_OK) {
    status = firn_committer_note(c, t, &f.goal, err);
    if (c->options.on_commit != NULL) {
      c->options.on_commit(c->options.arg);
    }
    firn_committer_expire(c, ctx, t);
    return status;
  }
  *again = f.has_moved;
  return status;
}

static bool has_files(const firn_committer *c, const firn_followed *t) {
  size_t index = (size_t)(t - c->tables);
  for (size_t i = 0; i < c->pending.n; i++) {
    const firn_pending_record *r = &c->pending.items[i];
    for (size_t k = 0; k < r->record.n_tables; k++) {
      if (r->tables[k] == index && r->record.tables[k].n_files > 0 &&
          r->position >= firn_positions_get(&t->stored, r->partition)) {
        return true;
      }
    }
  }
  return false;
}

firn_status firn_committer_commit(firn_committer *c, firn_ctx *ctx, firn_followed *t, firn_error *err) {
  if (!has_files(c, t)) {
    return FIRN_OK;
  }
  for (int i = 0;; i++) {
    bool again = false;
    firn_status status = fold_once(c, ctx, t, &again, err);
    /* Dropped or replaced after it was loaded: the next look says it better. */
    again = again || (i == 0 && (status == FIRN_NOT_FOUND || status == FIRN_INVALID));
    if (again && i < FOLDS && c->has_begun) {
      continue;
    }
    if (status == FIRN_UNCERTAIN) { /* the next look at the table tells; its fence keeps rows from doubling */
      return firn_error_while(err, FIRN_BUSY, "%s will be looked at again", t->name);
    }
    return status;
  }
}

/* --- the position alone --- */

/* No snapshot, and yet the head of the branch is the fence: a commit in between wins. */
static firn_status set_property(firn_committer *c, firn_ctx *ctx, const firn_followed *t,
                                const firn_metadata *metadata, const firn_log_positions *goal,
                                firn_arena *arena, firn_error *err) {
  const firn_property property = {firn_arena_printf(arena, FIRN_POSITIONS_PROPERTY "%s", c->options.log->id),
                                  firn_positions_text(goal, arena)};
  if (property.key == NULL || property.value == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for positions");
  }
  const firn_ref *head = firn_metadata_ref_named(metadata, FIRN_COMMITTER_BRANCH);
  const char *uuid = firn_metadata_get(metadata)->table_uuid;
  const firn_requirement requirements[] = {
      {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID,
       .text = FIRN_COMMITTER_BRANCH,
       .has_snapshot_id = head != NULL,
       .id = head == NULL ? 0 : head->snapshot_id},
      {.kind = FIRN_ASSERT_TABLE_UUID, .text = uuid},
  };
  const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &property}};
  const firn_table_commit commit = {.table = t->id,
                                    .n_requirements = uuid == NULL ? 1 : 2,
                                    .requirements = requirements,
                                    .n_updates = 1,
                                    .updates = &update};
  return firn_catalog_commit(c->options.catalog, ctx, &commit, 1, NULL, err);
}

static firn_status keep_up_once(firn_committer *c, firn_ctx *ctx, firn_followed *t, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  firn_log_positions stored, goal;
  firn_status status = firn_catalog_table_load(c->options.catalog, ctx, &t->id, &table, err);
  if (status == FIRN_NOT_FOUND) {
    t->is_there = false; /* nothing that the log may free was for it */
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_TRY(firn_committer_look(c, ctx, t, table.metadata, &scratch, &stored, err));
  FIRN_TRY(firn_positions_copy(&stored, &scratch, &goal, err));
  FIRN_TRY(firn_positions_merge(&goal, &c->done, &scratch, err));
  if (!firn_positions_reach(&stored, &goal)) {
    FIRN_TRY(set_property(c, ctx, t, table.metadata, &goal, &scratch, err));
  }
  return firn_committer_note(c, t, &goal, err);
}

firn_status firn_committer_keep_up(firn_committer *c, firn_ctx *ctx, firn_followed *t, firn_error *err) {
  for (int i = 0;; i++) {
    firn_status status = keep_up_once(c, ctx, t, err);
    bool may_repeat = status == FIRN_CONFLICT || status == FIRN_UNCERTAIN; /* it sets the same thing again */
    if (!may_repeat || i >= KEEP_UP_TRIES || !c->has_begun) {
      return status == FIRN_UNCERTAIN ? firn_error_while(err, FIRN_BUSY, "%s", t->name) : status;
    }
  }
}
