/* A metadata table: one reader, which hands on what iceberg/inspect yields, less the columns not wanted. */
#include "services/sql/sources_internal.h"

#include "base/alloc.h"

typedef struct inspect_source {
  firn_sql_source base;
  firn_table_view view;
  firn_inspect_options options;
  firn_arena arena;
  firn_field schema;
} inspect_source;

typedef struct inspect_scan {
  const inspect_source *source;
  size_t n_columns;
  uint32_t *columns;
  firn_field *fields;
} inspect_scan;

typedef struct inspect_reader {
  const inspect_scan *scan;
  firn_inspect *rows;
  firn_field schema;
  firn_batch batch;
  firn_vector columns[];
} inspect_reader;

static void scan_close(firn_sql_scan *scan) {
  inspect_scan *s = (inspect_scan *)scan;
  if (s != NULL) {
    firn_free(s->columns);
    firn_free(s->fields);
    firn_free(s);
  }
}

static firn_status scan_open(const firn_sql_source *source, const uint32_t *columns, size_t n, firn_ctx *ctx,
                             firn_sql_scan **out, firn_error *err) {
  (void)ctx;
  inspect_scan *s = firn_alloc(sizeof *s);
  if (s != NULL) {
    s->columns = firn_alloc((n + 1) * sizeof *s->columns);
    s->fields = firn_alloc((n + 1) * sizeof *s->fields);
  }
  if (s == NULL || s->columns == NULL || s->fields == NULL) {
    scan_close((firn_sql_scan *)s);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a metadata table");
  }
  s->source = (const inspect_source *)source;
  s->n_columns = n;
  for (size_t i = 0; i < n; i++) {
    s->columns[i] = columns[i];
    s->fields[i] = source->schema->children[columns[i]];
  }
  *out = (firn_sql_scan *)s;
  return FIRN_OK;
}

static double scan_progress(firn_sql_scan *scan) {
  (void)scan;
  return 0;
}

static firn_status reader_open(firn_sql_scan *scan, firn_ctx *ctx, firn_sql_reader **out, firn_error *err) {
  const inspect_scan *s = (const inspect_scan *)scan;
  inspect_reader *r = firn_alloc(sizeof *r + s->n_columns * sizeof r->columns[0]);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to read a metadata table");
  }
  r->scan = s;
  r->schema = s->source->schema;
  r->schema.n_children = (uint32_t)s->n_columns;
  r->schema.children = s->fields;
  r->batch = (firn_batch){.schema = &r->schema, .columns = r->columns};
  firn_status status = firn_inspect_open(&s->source->options, ctx, &r->rows, err);
  if (status != FIRN_OK) {
    firn_free(r);
    return status;
  }
  *out = (firn_sql_reader *)r;
  return FIRN_OK;
}

static firn_status reader_next(firn_sql_reader *reader, firn_ctx *ctx, const firn_batch **out,
                               firn_error *err) {
  inspect_reader *r = (inspect_reader *)reader;
  FIRN_TRY(firn_ctx_check(ctx, err));
  const firn_batch *all;
  FIRN_TRY(firn_inspect_next(r->rows, ctx, &all, err));
  *out = NULL;
  if (all != NULL) {
    for (size_t i = 0; i < r->scan->n_columns; i++) {
      r->columns[i] = all->columns[r->scan->columns[i]];
    }
    r->batch.n_rows = all->n_rows;
    *out = &r->batch;
  }
  return FIRN_OK;
}

static void reader_close(firn_sql_reader *reader) {
  inspect_reader *r = (inspect_reader *)reader;
  if (r != NULL) {
    firn_inspect_close(r->rows);
    firn_free(r);
  }
}

static const firn_sql_source_ops inspect_ops = {
    .open = scan_open,
    .progress = scan_progress,
    .close = scan_close,
    .reader_open = reader_open,
    .next = reader_next,
    .reader_close = reader_close,
};

/* Opened once for its columns; every reading opens it anew. */
static firn_status learn_schema(inspect_source *s, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_INSPECT *rows = NULL;
  FIRN_TRY(firn_inspect_open(&s->options, ctx, &rows, err));
  return firn_field_copy(firn_inspect_schema(rows), &s->arena, &s->schema, err);
}

firn_status firn_inspect_source_open(const firn_table_view *view, firn_inspect_kind kind, firn_ctx *ctx,
                                     firn_sql_source **out, firn_error *err) {
  inspect_source *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a metadata table");
  }
  s->view = *view;
  s->options = (firn_inspect_options){
      .kind = kind,
      .table_name = view->table_name,
      .metadata = view->metadata,
      .metadata_location = view->metadata_location,
      .snapshot = view->snapshot,
      .stores = view->stores,
      .moved = &s->view.moved,
  };
  firn_status status = learn_schema(s, ctx, err);
  if (status != FIRN_OK) {
    firn_arena_free(&s->arena);
    firn_free(s);
    return status;
  }
  s->base = (firn_sql_source){.ops = &inspect_ops, .schema = &s->schema, .n_rows = -1, .max_readers = 1};
  *out = &s->base;
  return FIRN_OK;
}

void firn_source_close(firn_sql_source *source) {
  if (source == NULL) {
    return;
  }
  if (source->ops == &inspect_ops) {
    firn_arena_free(&((inspect_source *)source)->arena);
  }
  firn_free(source);
}
