#include "services/load/load.h"

#include "base/alloc.h"
#include "iceberg/commit/append.h"
#include "services/load/load_internal.h"

enum { DEFAULT_MEMORY = 256 << 20 };

static firn_status open_load(firn_load *l, firn_ctx *ctx, firn_error *err) {
  if (l->options.memory_bytes == 0) {
    l->options.memory_bytes = DEFAULT_MEMORY;
  }
  firn_load_files_options files = {
      .stores = l->options.catalog->stores,
      .memory_bytes = l->options.memory_bytes,
      .max_open_files = l->options.max_open_files,
      .target_file_bytes = l->options.target_file_bytes,
  };
  FIRN_TRY(firn_load_files_open(&files, &l->files, err));
  return firn_load_table_open(l, ctx, err);
}

firn_status firn_load_open(const firn_load_options *options, firn_ctx *ctx, firn_load **out,
                           firn_error *err) {
  firn_load *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a load");
  }
  l->options = *options;
  l->last_commit_us = firn_ctx_monotonic_us(ctx);
  firn_status status = open_load(l, ctx, err);
  if (status != FIRN_OK) {
    firn_load_close(l, ctx);
    return firn_error_while(err, status, "loading into %s", options->table.name);
  }
  *out = l;
  return FIRN_OK;
}

/* --- commits --- */

/* The table must still be the one that the files were written for. Whatever others did to its schema, specs
 * and orders meanwhile, the files stay good: ids tell. */
static firn_status check_table(void *arg, const firn_metadata *base, firn_ctx *ctx, firn_error *err) {
  const firn_load *l = arg;
  const char *ours = firn_metadata_get(l->table.metadata)->table_uuid;
  const char *now = firn_metadata_get(base)->table_uuid;
  (void)ctx;
  if (ours != NULL && now != NULL && strcmp(ours, now) != 0) {
    return firn_error_set(err, FIRN_INVALID, "%s was dropped, and another table has its name now",
                          l->options.table.name);
  }
  return FIRN_OK;
}

static void count_files(firn_load *l, const firn_data_file *files, size_t n) {
  l->result.n_commits++;
  l->result.n_files += n;
  l->result.n_rows += l->n_uncommitted;
  for (size_t i = 0; i < n; i++) {
    l->result.bytes_written += (uint64_t)files[i].size_bytes;
  }
  l->n_uncommitted = 0;
}

static firn_status commit(firn_load *l, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_append append = {.validate = check_table, .validate_arg = l};
  firn_append_result result;
  FIRN_TRY(firn_load_files_finish(l->files, ctx, &append.files, &append.n_files, err));
  if (append.n_files == 0) {
    return FIRN_OK;
  }
  firn_status status =
      firn_append_commit(l->options.catalog, ctx, &l->options.table, &append, &arena, &result, err);
  if (status == FIRN_OK) {
    count_files(l, append.files, append.n_files);
    l->result.snapshot_id = result.snapshot.snapshot_id;
  }
  if (status == FIRN_OK || status == FIRN_UNCERTAIN) { /* after a lost answer they may be in the table */
    firn_load_files_keep(l->files, ctx);
  }
  return status;
}

/* --- batches --- */

static bool same_names(const firn_field *a, const firn_field *b) {
  for (uint32_t i = 0; i < a->n_children; i++) {
    const char *x = a->children[i].name == NULL ? "" : a->children[i].name;
    const char *y = b->children[i].name == NULL ? "" : b->children[i].name;
    if (strcmp(x, y) != 0 || !same_names(&a->children[i], &b->children[i])) {
      return false;
    }
  }
  return true;
}

static bool is_fit_for(const firn_load *l, const firn_field *source) {
  return l->has_fit && firn_field_same_type(&l->source, source) && same_names(&l->source, source);
}

static firn_status try_fit(firn_load *l, const firn_field *source, firn_fit_gap *gap, firn_error *err) {
  firn_arena_reset(&l->fit_arena);
  FIRN_TRY(firn_field_copy(source, &l->fit_arena, &l->source, err));
  firn_fit_how how = {.promote = l->options.evolution == FIRN_LOAD_FULL, .by_id = l->is_source_ours};
  return firn_fit_new(firn_load_root(l), &l->source, how, &l->fit_arena, &l->fit, gap, err);
}

static bool is_gap(const firn_fit_gap *gap) {
  return gap->n_new + gap->n_promotions + gap->n_optional > 0 || gap->refusal != NULL;
}

/* Makes the table, or what it lacks, and the way from these batches to it. */
static firn_status need_fit(firn_load *l, firn_ctx *ctx, const firn_field *source, firn_error *err) {
  if (is_fit_for(l, source)) {
    return FIRN_OK;
  }
  if (l->table.metadata == NULL) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_schema schema = {0};
    FIRN_TRY(firn_fit_schema(source, &arena, &schema.root, err));
    schema.root.required = true;
    FIRN_TRY(firn_load_table_make(l, ctx, &schema, err));
  }
  firn_fit_gap gap;
  FIRN_TRY(try_fit(l, source, &gap, err));
  if (is_gap(&gap)) {
    FIRN_TRY(firn_load_table_widen(l, ctx, &gap, err));
    FIRN_TRY(try_fit(l, source, &gap, err));
  }
  if (is_gap(&gap)) { /* somebody changes it faster than we do */
    return firn_error_set(err, FIRN_CONFLICT, "the table's schema changes while rows are loaded into it");
  }
  l->has_fit = true;
  return FIRN_OK;
}

static bool is_commit_due(const firn_load *l, firn_ctx *ctx) {
  const firn_load_options *o = &l->options;
  return (o->commit_every > 0 && l->n_uncommitted >= o->commit_every) ||
         (o->commit_every_us > 0 && firn_ctx_monotonic_us(ctx) - l->last_commit_us >= o->commit_every_us);
}

/* A column that rows lack becomes optional. */
static firn_status make_optional(firn_load *l, firn_ctx *ctx, const firn_field *field, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *name = firn_schema_name_of(firn_metadata_current_schema(l->table.metadata), field->id, &arena);
  if (name == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the name of a column");
  }
  firn_fit_gap gap = {.n_optional = 1, .optional = &name};
  return firn_load_table_widen(l, ctx, &gap, err);
}

/* The batch as the table has it, in the scratch. */
static firn_status fit_batch(firn_load *l, firn_ctx *ctx, const firn_batch *batch, firn_batch *out,
                             firn_error *err) {
  for (;;) {
    const firn_field *missing;
    FIRN_TRY(need_fit(l, ctx, batch->schema, err));
    firn_arena_reset(&l->scratch);
    firn_status status =
        firn_fit_apply(&l->fit, batch, l->n_source_rows + 1, &l->scratch, out, &missing, err);
    if (status != FIRN_INVALID || missing == NULL || l->options.evolution != FIRN_LOAD_FULL) {
      return status;
    }
    FIRN_TRY(make_optional(l, ctx, missing, err));
  }
}

static firn_status take_batch(firn_load *l, firn_ctx *ctx, const firn_batch *batch, firn_error *err) {
  FIRN_TRY(firn_ctx_check(ctx, err));
  firn_batch fitted;
  if (batch->n_rows == 0) { /* its schema counts all the same */
    return need_fit(l, ctx, batch->schema, err);
  }
  FIRN_TRY(fit_batch(l, ctx, batch, &fitted, err));
  FIRN_TRY(firn_load_files_write(l->files, ctx, &fitted, err));
  l->n_source_rows += batch->n_rows;
  l->n_uncommitted += batch->n_rows;
  if (l->options.progress != NULL) {
    l->options.progress(l->options.progress_arg, l->result.n_rows + l->n_uncommitted, l->result.bytes_read);
  }
  if (!is_commit_due(l, ctx)) {
    return FIRN_OK;
  }
  FIRN_TRY(commit(l, ctx, err));
  l->last_commit_us = firn_ctx_monotonic_us(ctx);
  return firn_load_table_refresh(l, ctx, err); /* others may have changed it */
}

firn_status firn_load_batch(firn_load *l, firn_ctx *ctx, const firn_batch *batch, firn_error *err) {
  if (l->failed != FIRN_OK) {
    return firn_error_set(err, l->failed, "an earlier batch failed: the load lacks rows and is given up");
  }
  l->failed = take_batch(l, ctx, batch, err);
  return l->failed;
}

firn_status firn_load_finish(firn_load *l, firn_ctx *ctx, firn_load_result *out, firn_error *err) {
  if (l->failed != FIRN_OK) {
    return firn_error_set(err, l->failed, "an earlier batch failed: the load lacks rows and is given up");
  }
  if (l->table.metadata == NULL) {
    l->failed = firn_error_set(err, FIRN_INVALID, "there are no rows that a table could be made for");
    return l->failed;
  }
  l->failed = commit(l, ctx, err);
  FIRN_TRY(l->failed);
  l->is_finished = true;
  if (out != NULL) {
    *out = l->result;
  }
  return FIRN_OK;
}

const firn_load_result *firn_load_so_far(const firn_load *l) {
  return &l->result;
}

void firn_load_close(firn_load *l, firn_ctx *ctx) {
  if (l == NULL) {
    return;
  }
  firn_load_files_close(l->files, ctx);
  if (!l->is_finished && l->result.n_commits == 0 && l->failed != FIRN_UNCERTAIN) {
    firn_load_table_undo(l, ctx);
  }
  firn_table_release(&l->table);
  firn_arena_free(&l->fit_arena);
  firn_arena_free(&l->scratch);
  firn_free(l);
}
