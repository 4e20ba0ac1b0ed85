/* A source of the SQL engine over batches in memory, for unit tests. Each batch is handed out as a copy that
 * is gone when the following is asked for; batches must not be longer than the engine's vectors. All
 * functions are static. */
#ifndef FIRN_BATCH_SOURCE_H
#define FIRN_BATCH_SOURCE_H

#include "base/alloc.h"
#include "services/sql/source_internal.h"

typedef struct batch_source {
  firn_sql_source base;
  const firn_batch *batches;
  size_t n;
} batch_source;

typedef struct batch_scan {
  const batch_source *source;
  const uint32_t *columns;
  size_t n_columns;
  atomic_size_t next;
  firn_arena arena;
} batch_scan;

typedef struct batch_reader {
  batch_scan *scan;
  firn_batch batch;
  firn_arena arena;
} batch_reader;

FIRN_UNUSED static firn_status batch_scan_open(const firn_sql_source *s, const uint32_t *columns, size_t n,
                                               firn_ctx *ctx, firn_sql_scan **out, firn_error *err) {
  (void)ctx;
  batch_scan *scan = firn_alloc(sizeof *scan);
  if (scan == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  uint32_t *kept = firn_new_n(&scan->arena, uint32_t, n + 1);
  if (kept == NULL) {
    firn_free(scan);
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  memcpy(kept, columns, n * sizeof *columns);
  scan->source = (const batch_source *)s;
  scan->columns = kept;
  scan->n_columns = n;
  *out = (firn_sql_scan *)scan;
  return FIRN_OK;
}

FIRN_UNUSED static double batch_scan_progress(firn_sql_scan *s) {
  batch_scan *scan = (batch_scan *)s;
  return scan->source->n == 0 ? 1 : (double)scan->next / (double)scan->source->n;
}

FIRN_UNUSED static void batch_scan_close(firn_sql_scan *s) {
  firn_arena_free(&((batch_scan *)s)->arena);
  firn_free(s);
}

FIRN_UNUSED static firn_status batch_reader_open(firn_sql_scan *s, firn_ctx *ctx, firn_sql_reader **out,
                                                 firn_error *err) {
  (void)ctx;
  batch_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  r->scan = (batch_scan *)s;
  *out = (firn_sql_reader *)r;
  return FIRN_OK;
}

FIRN_UNUSED static firn_status batch_choose(batch_reader *r, const firn_batch *whole, firn_error *err) {
  size_t n = r->scan->n_columns;
  firn_field *fields = firn_new_n(&r->arena, firn_field, n + 1);
  firn_field *root = firn_new(&r->arena, firn_field);
  firn_vector *vectors = firn_new_n(&r->arena, firn_vector, n + 1);
  if (fields == NULL || root == NULL || vectors == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  for (size_t i = 0; i < n; i++) {
    fields[i] = whole->schema->children[r->scan->columns[i]];
    vectors[i] = whole->columns[r->scan->columns[i]];
  }
  *root = *whole->schema;
  root->children = fields;
  root->n_children = (uint32_t)n;
  firn_batch chosen = {.schema = root, .n_rows = whole->n_rows, .columns = vectors};
  return firn_batch_copy(&chosen, &r->arena, &r->batch, err);
}

FIRN_UNUSED static firn_status batch_next(firn_sql_reader *reader, firn_ctx *ctx, const firn_batch **out,
                                          firn_error *err) {
  (void)ctx;
  batch_reader *r = (batch_reader *)reader;
  firn_arena_reset(&r->arena);
  size_t at = atomic_fetch_add(&r->scan->next, 1);
  *out = NULL;
  if (at >= r->scan->source->n) {
    return FIRN_OK;
  }
  FIRN_TRY(batch_choose(r, &r->scan->source->batches[at], err));
  *out = &r->batch;
  return FIRN_OK;
}

FIRN_UNUSED static void batch_reader_close(firn_sql_reader *reader) {
  firn_arena_free(&((batch_reader *)reader)->arena);
  firn_free(reader);
}

/* `schema` and `batches` are borrowed. */
FIRN_UNUSED static void batch_source_init(batch_source *s, const firn_field *schema,
                                          const firn_batch *batches, size_t n) {
  static const firn_sql_source_ops ops = {.open = batch_scan_open,
                                          .progress = batch_scan_progress,
                                          .close = batch_scan_close,
                                          .reader_open = batch_reader_open,
                                          .next = batch_next,
                                          .reader_close = batch_reader_close};
  *s = (batch_source){
      .base = {.ops = &ops, .schema = schema, .n_rows = -1, .max_readers = 4}, .batches = batches, .n = n};
}

#endif
