#include "iceberg/scan/file_part_internal.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to read columns");
}

firn_status firn_file_part_init(firn_file_part *p, uint32_t n, uint32_t n_leaves, firn_arena *arena,
                                firn_error *err) {
  *p = (firn_file_part){.wanted = {.id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .required = true}};
  p->places = firn_new_n(arena, uint32_t, n);
  p->columns.children = firn_new_n(arena, firn_projection, n);
  p->leaves = firn_new_n(arena, bool, n_leaves);
  firn_field *fields = firn_new_n(arena, firn_field, n);
  p->wanted.children = fields;
  return p->places == NULL || p->columns.children == NULL || p->leaves == NULL || fields == NULL
             ? no_memory(err)
             : FIRN_OK;
}

void firn_file_part_add(firn_file_part *p, const firn_projection *column, uint32_t place) {
  uint32_t at = p->wanted.n_children++;
  firn_field *fields = (firn_field *)(uintptr_t)p->wanted.children; /* ours, made above */
  fields[at] = *column->wanted;
  p->places[at] = place;
  p->columns.children[at] = *column;
  p->columns.n_children++;
}

firn_status firn_file_part_open(firn_file_part *p, const firn_file_part_options *options, firn_arena *arena,
                                firn_error *err) {
  const firn_field *schema = options->schema;
  firn_projection_mark(&p->columns, schema, p->leaves);
  firn_projection_renumber(&p->columns, schema, p->leaves);
  uint32_t *columns = firn_new_n(arena, uint32_t, schema->n_children);
  if (columns == NULL) {
    return no_memory(err);
  }
  size_t n = 0;
  for (uint32_t i = 0, leaf = 0; i < schema->n_children; i++) {
    bool is_read = false;
    for (uint32_t left = firn_field_leaves(&schema->children[i]); left > 0; left--) {
      is_read = p->leaves[leaf++] || is_read;
    }
    columns[n] = i;
    n += is_read;
  }
  firn_parquet_reader_options how = {.n_columns = n,
                                     .columns = columns,
                                     .leaves = p->leaves,
                                     .seeks = true,
                                     .whole_groups = options->whole_groups};
  return n == 0 ? FIRN_OK : firn_parquet_reader_open(options->file, &how, &p->reader, err);
}

static firn_status read_rows(firn_file_part *p, firn_ctx *ctx, int64_t first, size_t max_rows, int64_t ahead,
                             firn_error *err) {
  if (p->at != first || p->ahead != ahead) {
    FIRN_TRY(firn_parquet_reader_seek(p->reader, first, ahead, err));
    p->at = first;
    p->ahead = ahead;
  }
  const firn_batch *batch;
  FIRN_TRY(firn_parquet_reader_next_rows(p->reader, ctx, max_rows, &batch, err));
  if (batch == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "rows are counted that are not there");
  }
  p->n_rows = batch->n_rows;
  p->vectors = batch->columns;
  p->at += (int64_t)batch->n_rows;
  return FIRN_OK;
}

firn_status firn_file_part_read(firn_file_part *p, firn_ctx *ctx, int64_t first, size_t max_rows,
                                int64_t ahead, firn_error *err) {
  p->is_projected = false;
  p->n_rows = max_rows;
  return p->reader == NULL ? FIRN_OK : read_rows(p, ctx, first, max_rows, ahead, err);
}

firn_status firn_file_part_project(firn_file_part *p, const firn_batch **out, firn_error *err) {
  *out = &p->batch;
  if (p->is_projected) {
    return FIRN_OK;
  }
  firn_arena_reset(&p->arena);
  p->batch = (firn_batch){.schema = &p->wanted, .n_rows = p->n_rows};
  p->batch.columns = firn_new_n(&p->arena, firn_vector, p->wanted.n_children);
  if (p->batch.columns == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < p->wanted.n_children; i++) {
    FIRN_TRY(firn_projection_apply(&p->columns.children[i], p->vectors, p->n_rows, &p->arena,
                                   &p->batch.columns[i], err));
  }
  p->is_projected = true;
  return FIRN_OK;
}

void firn_file_part_close(firn_file_part *p) {
  firn_parquet_reader_close(p->reader);
  firn_arena_free(&p->arena);
}
