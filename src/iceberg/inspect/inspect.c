#include "iceberg/inspect/inspect.h"

#include <strings.h>

#include "base/alloc.h"
#include "iceberg/inspect/inspect_internal.h"

enum { MOST_ROWS = 2048, BATCH_BYTES = 8 << 20 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a metadata table");
}

/* --- tables that follow from the metadata alone --- */

static firn_status mark_ancestors(firn_inspect *i, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  i->is_ancestor = firn_new_n(&i->arena, bool, m->n_snapshots);
  if (i->is_ancestor == NULL) {
    return no_memory(err);
  }
  const firn_snapshot *s = firn_metadata_current_snapshot(i->options.metadata);
  while (s != NULL && !i->is_ancestor[s - m->snapshots]) { /* a snapshot met twice ends a circle */
    i->is_ancestor[s - m->snapshots] = true;
    s = s->has_parent ? firn_metadata_snapshot(i->options.metadata, s->parent_snapshot_id) : NULL;
  }
  return FIRN_OK;
}

static void put_parent(firn_inspect *i, firn_vector *v, const firn_snapshot *s) {
  if (s == NULL || !s->has_parent) {
    firn_cell_null(&i->c, v);
  } else {
    firn_cell_long(&i->c, v, s->parent_snapshot_id);
  }
}

static void put_summary(firn_inspect *i, firn_vector *v, const firn_snapshot *s) {
  if (s == NULL || s->operation == NULL) {
    firn_cell_null(&i->c, v);
  } else {
    firn_cell_properties(&i->c, v, &s->summary);
  }
}

static firn_status history_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  (void)ctx;
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  if (i->is_ancestor == NULL) {
    FIRN_TRY(mark_ancestors(i, err));
  }
  *is_over = i->next == m->n_snapshot_log;
  if (*is_over) {
    return FIRN_OK;
  }
  const firn_snapshot_log_entry *e = &m->snapshot_log[i->next++];
  const firn_snapshot *s = firn_metadata_snapshot(i->options.metadata, e->snapshot_id); /* may have expired */
  firn_vector **v = i->cells;
  firn_cell_time_ms(&i->c, *v++, e->timestamp_ms);
  firn_cell_long(&i->c, *v++, e->snapshot_id);
  put_parent(i, *v++, s);
  firn_cell_bool(&i->c, *v++, s != NULL && i->is_ancestor[s - m->snapshots]);
  firn_cell_text(&i->c, *v++, i->options.table_name == NULL ? "" : i->options.table_name);
  put_parent(i, *v++, s);
  firn_cell_text(&i->c, *v++, s == NULL ? NULL : s->operation);
  put_summary(i, *v++, s);
  if (s == NULL) {
    firn_cell_null(&i->c, *v);
  } else {
    firn_cell_time_ms(&i->c, *v, s->timestamp_ms);
  }
  return FIRN_OK;
}

static firn_status snapshots_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  (void)ctx;
  (void)err;
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  *is_over = i->next == m->n_snapshots;
  if (*is_over) {
    return FIRN_OK;
  }
  const firn_snapshot *s = &m->snapshots[i->next++];
  firn_vector **v = i->cells;
  firn_cell_time_ms(&i->c, *v++, s->timestamp_ms);
  firn_cell_long(&i->c, *v++, s->snapshot_id);
  put_parent(i, *v++, s);
  firn_cell_text(&i->c, *v++, s->operation);
  firn_cell_text(&i->c, *v++, s->manifest_list);
  put_summary(i, *v, s);
  return FIRN_OK;
}

/* Zero means that it is not set. */
static void put_set(firn_inspect *i, firn_vector *v, int64_t n) {
  if (n == 0) {
    firn_cell_null(&i->c, v);
  } else if (v != NULL && v->kind == FIRN_KIND_INT) {
    firn_cell_int(&i->c, v, n > INT32_MAX ? INT32_MAX : (int32_t)n);
  } else {
    firn_cell_long(&i->c, v, n);
  }
}

static firn_status refs_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  (void)ctx;
  (void)err;
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  *is_over = i->next == m->n_refs;
  if (*is_over) {
    return FIRN_OK;
  }
  const firn_ref *r = &m->refs[i->next++];
  firn_vector **v = i->cells;
  firn_cell_text(&i->c, *v++, r->name);
  firn_cell_text(&i->c, *v++, r->is_branch ? "BRANCH" : "TAG");
  firn_cell_long(&i->c, *v++, r->snapshot_id);
  put_set(i, *v++, r->max_ref_age_ms);
  put_set(i, *v++, r->min_snapshots_to_keep);
  put_set(i, *v, r->max_snapshot_age_ms);
  return FIRN_OK;
}

/* The files before, then the one that is read here. */
static firn_status metadata_log_row(firn_inspect *i, firn_ctx *ctx, bool *is_over, firn_error *err) {
  (void)ctx;
  (void)err;
  const firn_metadata_fields *m = firn_metadata_get(i->options.metadata);
  *is_over = i->next > m->n_metadata_log;
  if (*is_over) {
    return FIRN_OK;
  }
  bool is_last = i->next == m->n_metadata_log;
  int64_t at = is_last ? m->last_updated_ms : m->metadata_log[i->next].timestamp_ms;
  const char *file = is_last ? i->options.metadata_location : m->metadata_log[i->next].metadata_file;
  const firn_snapshot_log_entry *latest = firn_metadata_log_at(i->options.metadata, at);
  const firn_snapshot *s =
      latest == NULL ? NULL : firn_metadata_snapshot(i->options.metadata, latest->snapshot_id);
  i->next++;
  firn_vector **v = i->cells;
  firn_cell_time_ms(&i->c, *v++, at);
  firn_cell_text(&i->c, *v++, file == NULL ? "" : file);
  if (latest == NULL) {
    firn_cell_null(&i->c, *v++);
  } else {
    firn_cell_long(&i->c, *v++, latest->snapshot_id);
  }
  if (s == NULL || !s->has_schema_id) {
    firn_cell_null(&i->c, *v++);
  } else {
    firn_cell_int(&i->c, *v++, s->schema_id);
  }
  if (s == NULL) {
    firn_cell_null(&i->c, *v);
  } else {
    firn_cell_long(&i->c, *v, s->sequence_number);
  }
  return FIRN_OK;
}

/* --- kinds --- */

static const struct {
  const char *name;
  firn_inspect_row *row;
} tables[] = {
    [FIRN_INSPECT_HISTORY] = {"history", history_row},
    [FIRN_INSPECT_SNAPSHOTS] = {"snapshots", snapshots_row},
    [FIRN_INSPECT_REFS] = {"refs", refs_row},
    [FIRN_INSPECT_METADATA_LOG_ENTRIES] = {"metadata_log_entries", metadata_log_row},
    [FIRN_INSPECT_FILES] = {"files", firn_inspect_file_row},
    [FIRN_INSPECT_DATA_FILES] = {"data_files", firn_inspect_file_row},
    [FIRN_INSPECT_DELETE_FILES] = {"delete_files", firn_inspect_file_row},
    [FIRN_INSPECT_MANIFESTS] = {"manifests", firn_inspect_manifest_row},
    [FIRN_INSPECT_ENTRIES] = {"entries", firn_inspect_file_row},
    [FIRN_INSPECT_PARTITIONS] = {"partitions", firn_inspect_partition_row},
    [FIRN_INSPECT_ALL_FILES] = {"all_files", firn_inspect_file_row},
    [FIRN_INSPECT_ALL_DATA_FILES] = {"all_data_files", firn_inspect_file_row},
    [FIRN_INSPECT_ALL_DELETE_FILES] = {"all_delete_files", firn_inspect_file_row},
    [FIRN_INSPECT_ALL_MANIFESTS] = {"all_manifests", firn_inspect_manifest_row},
    [FIRN_INSPECT_ALL_ENTRIES] = {"all_entries", firn_inspect_file_row},
};

bool firn_inspect_kind_of(firn_bytes name, firn_inspect_kind *out) {
  for (size_t i = 0; i < FIRN_COUNT_OF(tables); i++) {
    if (name.len == strlen(tables[i].name) &&
        strncasecmp((const char *)name.data, tables[i].name, name.len) == 0) {
      *out = (firn_inspect_kind)i;
      return true;
    }
  }
  return false;
}

const char *firn_inspect_name(firn_inspect_kind kind) {
  return tables[kind].name;
}

bool firn_inspect_is_of_snapshot(firn_inspect_kind kind) {
  return kind >= FIRN_INSPECT_FILES && kind <= FIRN_INSPECT_PARTITIONS;
}

firn_status firn_inspect_columns(firn_inspect_kind kind, const firn_metadata *metadata, firn_arena *arena,
                                 firn_field *out, firn_error *err) {
  firn_metadata_columns columns;
  FIRN_TRY(firn_columns_make(kind, metadata, arena, &columns, err));
  *out = columns.root;
  return FIRN_OK;
}

/* --- open, next, close --- */

static firn_status choose_columns(firn_inspect *i, firn_error *err) {
  const firn_inspect_options *o = &i->options;
  uint32_t n_all = i->columns.root.n_children;
  uint32_t n = o->columns == NULL ? n_all : (uint32_t)o->n_columns;
  i->root = i->columns.root;
  i->root.n_children = n;
  firn_field *children = firn_new_n(&i->arena, firn_field, n);
  i->wanted = firn_new_n(&i->arena, uint32_t, n);
  i->cells = firn_new_n(&i->arena, firn_vector *, n_all);
  bool *is_wanted = firn_new_n(&i->arena, bool, n_all);
  if (children == NULL || i->wanted == NULL || i->cells == NULL || is_wanted == NULL) {
    return no_memory(err);
  }
  for (uint32_t k = 0; k < n; k++) {
    uint32_t column = o->columns == NULL ? k : o->columns[k];
    if (column >= n_all || is_wanted[column]) {
      return firn_error_set(err, FIRN_INVALID, "column %u of %s is not there, or wanted twice",
                            (unsigned)column, firn_inspect_name(o->kind));
    }
    is_wanted[column] = true;
    children[k] = i->columns.root.children[column];
    i->wanted[k] = column;
  }
  i->root.children = children;
  return FIRN_OK;
}

static size_t width_of(const firn_field *f) {
  size_t width = firn_kind_value_size(f->kind) + 1;
  for (uint32_t i = 0; i < f->n_children; i++) {
    width += width_of(&f->children[i]);
  }
  return width;
}

/* A power of two, as cells want it; fewer rows where there are very many columns. */
static size_t rows_for(size_t width) {
  size_t rows = MOST_ROWS;
  while (rows > 1 && rows * width > BATCH_BYTES) {
    rows /= 2;
  }
  return rows;
}

firn_status firn_inspect_open(const firn_inspect_options *options, firn_ctx *ctx, firn_inspect **out,
                              firn_error *err) {
  (void)ctx;
  FIRN_AUTO_INSPECT *i = firn_alloc(sizeof *i);
  if (i == NULL) {
    return no_memory(err);
  }
  i->options = *options;
  i->moved = options->moved == NULL ? (firn_moved){0} : *options->moved;
  FIRN_TRY(firn_columns_make(options->kind, options->metadata, &i->arena, &i->columns, err));
  FIRN_TRY(choose_columns(i, err));
  i->batch_rows = rows_for(width_of(&i->root));
  *out = FIRN_HAND_OVER(i);
  return FIRN_OK;
}

const firn_field *firn_inspect_schema(const firn_inspect *i) {
  return &i->root;
}

static firn_status begin_batch(firn_inspect *i, firn_error *err) {
  firn_arena_reset(&i->batch_arena);
  FIRN_TRY(firn_batch_new(&i->root, i->batch_rows, &i->batch_arena, &i->batch, err));
  for (uint32_t k = 0; k < i->root.n_children; k++) {
    i->cells[i->wanted[k]] = &i->batch.columns[k];
  }
  i->c = (firn_cells){.arena = &i->batch_arena, .capacity = i->batch_rows};
  return FIRN_OK;
}

/* The columns as they were made take `empty`; what is copied into the batch is what bounds it. */
static firn_status fill_batch(firn_inspect *i, firn_ctx *ctx, size_t empty, firn_error *err) {
  while (i->batch.n_rows < i->batch_rows && i->batch_arena.used_bytes - empty < BATCH_BYTES) {
    FIRN_TRY(tables[i->options.kind].row(i, ctx, &i->is_over, err));
    if (i->c.failed) {
      return no_memory(err);
    }
    if (i->is_over) {
      break;
    }
    i->batch.n_rows++;
  }
  return FIRN_OK;
}

firn_status firn_inspect_next(firn_inspect *i, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  *out = NULL;
  if (i->is_over) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_ctx_check(ctx, err));
  FIRN_TRY(begin_batch(i, err));
  firn_status status = fill_batch(i, ctx, i->batch_arena.used_bytes, err);
  if (status != FIRN_OK) {
    i->is_over = true;
    return firn_error_while(err, status, "%s", firn_inspect_name(i->options.kind));
  }
  *out = i->batch.n_rows > 0 ? &i->batch : NULL;
  return FIRN_OK;
}

void firn_inspect_close(firn_inspect *i) {
  if (i == NULL) {
    return;
  }
  firn_walk_end(&i->walk);
  firn_arena_free(&i->batch_arena);
  firn_arena_free(&i->arena);
  firn_free(i);
}

void firn_inspect_close_pointer(firn_inspect **i) {
  firn_inspect_close(*i);
}
