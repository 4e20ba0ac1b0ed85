#include "column/gather.h"

/* The same vector of every batch, and the rows that are wanted of them. */
typedef struct gathering {
  const firn_vector *const *from;
  size_t n_from;
  const firn_row_ref *rows;
  size_t n;
  firn_arena *arena;
} gathering;

static firn_status no_memory(size_t n, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to gather %zu rows", n);
}

static firn_status gather_nulls(const gathering *g, firn_vector *out, firn_error *err) {
  bool is_any = false;
  for (size_t i = 0; i < g->n_from; i++) {
    is_any = is_any || g->from[i]->n_nulls > 0;
  }
  if (out->kind == FIRN_KIND_UNKNOWN) { /* null whatever stands in the bitmap */
    out->n_nulls = g->n;
    return FIRN_OK;
  }
  if (!is_any) {
    return FIRN_OK;
  }
  out->validity = firn_new_n(g->arena, uint64_t, firn_bit_words(g->n));
  if (out->validity == NULL) {
    return no_memory(g->n, err);
  }
  for (size_t i = 0; i < g->n; i++) {
    if (firn_vector_is_null(g->from[g->rows[i].batch], g->rows[i].row)) {
      out->n_nulls++;
    } else {
      firn_bit_set(out->validity, i);
    }
  }
  return FIRN_OK;
}

static void gather_values(const gathering *g, size_t size, firn_vector *out) {
  switch (size) {
    case 4:
      for (size_t i = 0; i < g->n; i++) {
        out->i32[i] = g->from[g->rows[i].batch]->i32[g->rows[i].row];
      }
      break;
    case 8:
      for (size_t i = 0; i < g->n; i++) {
        out->i64[i] = g->from[g->rows[i].batch]->i64[g->rows[i].row];
      }
      break;
    default: /* decimals and views */
      for (size_t i = 0; i < g->n; i++) {
        memcpy((uint8_t *)out->values + i * size,
               (const uint8_t *)g->from[g->rows[i].batch]->values + g->rows[i].row * size, size);
      }
  }
}

static void gather_bits(const gathering *g, firn_vector *out) {
  for (size_t i = 0; i < g->n; i++) {
    if (firn_bit(g->from[g->rows[i].batch]->bits, g->rows[i].row)) {
      firn_bit_set(out->bits, i);
    }
  }
}

static firn_status gather_vector(const gathering *g, firn_kind kind, uint32_t n_children, firn_vector *out,
                                 firn_error *err);

static firn_status gather_children(const gathering *g, firn_vector *out, firn_error *err) {
  const firn_vector **from = firn_new_n(g->arena, const firn_vector *, g->n_from);
  out->children = firn_new_n(g->arena, firn_vector, out->n_children);
  if (from == NULL || out->children == NULL) {
    return no_memory(g->n, err);
  }
  for (uint32_t i = 0; i < out->n_children; i++) {
    for (size_t k = 0; k < g->n_from; k++) {
      from[k] = &g->from[k]->children[i];
    }
    gathering below = *g;
    below.from = from;
    FIRN_TRY(gather_vector(&below, from[0]->kind, from[0]->n_children, &out->children[i], err));
  }
  return FIRN_OK;
}

/* Lists and maps: new offsets, and the rows of their entries for the children. */
static firn_status gather_entries(const gathering *g, firn_vector *out, firn_error *err) {
  size_t total = 0;
  for (size_t i = 0; i < g->n; i++) {
    const int32_t *offsets = g->from[g->rows[i].batch]->offsets + g->rows[i].row;
    total += (size_t)(offsets[1] - offsets[0]);
  }
  if (total > INT32_MAX) { /* before memory is taken for them */
    return firn_error_set(err, FIRN_LIMIT, "%zu list entries in one batch are too many", total);
  }
  firn_row_ref *entries = firn_new_n(g->arena, firn_row_ref, total);
  out->offsets = firn_new_n(g->arena, int32_t, g->n + 1);
  if (entries == NULL || out->offsets == NULL) {
    return no_memory(g->n, err);
  }
  size_t at = 0;
  for (size_t i = 0; i < g->n; i++) {
    const int32_t *offsets = g->from[g->rows[i].batch]->offsets + g->rows[i].row;
    for (int32_t k = offsets[0]; k < offsets[1]; k++) {
      entries[at++] = (firn_row_ref){g->rows[i].batch, (uint32_t)k};
    }
    out->offsets[i + 1] = (int32_t)at;
  }
  gathering below = *g;
  below.rows = entries;
  below.n = total;
  return gather_children(&below, out, err);
}

static firn_status gather_vector(const gathering *g, firn_kind kind, uint32_t n_children, firn_vector *out,
                                 firn_error *err) {
  *out = (firn_vector){.kind = kind, .len = g->n, .n_children = n_children};
  FIRN_TRY(gather_nulls(g, out, err));
  if (kind == FIRN_KIND_UNKNOWN) { /* has no values */
    return FIRN_OK;
  }
  if (kind == FIRN_KIND_LIST || kind == FIRN_KIND_MAP) {
    return gather_entries(g, out, err);
  }
  if (kind == FIRN_KIND_STRUCT) {
    return gather_children(g, out, err);
  }
  bool is_bits = kind == FIRN_KIND_BOOLEAN;
  size_t size = firn_kind_value_size(kind);
  out->values = is_bits ? (void *)firn_new_n(g->arena, uint64_t, firn_bit_words(g->n))
                        : firn_arena_alloc_n(g->arena, g->n, size);
  if (out->values == NULL) {
    return no_memory(g->n, err);
  }
  if (is_bits) {
    gather_bits(g, out);
  } else {
    gather_values(g, size, out);
  }
  return FIRN_OK;
}

firn_status firn_batches_gather(const firn_batch *batches, size_t n_batches, const firn_row_ref *rows,
                                size_t n, firn_arena *arena, firn_batch *out, firn_error *err) {
  const firn_field *schema = batches[0].schema;
  const firn_vector **from = firn_new_n(arena, const firn_vector *, n_batches);
  firn_vector *columns = firn_new_n(arena, firn_vector, schema->n_children);
  if (from == NULL || columns == NULL) {
    return no_memory(n, err);
  }
  for (uint32_t i = 0; i < schema->n_children; i++) {
    for (size_t k = 0; k < n_batches; k++) {
      from[k] = &batches[k].columns[i];
    }
    gathering g = {from, n_batches, rows, n, arena};
    FIRN_TRY(gather_vector(&g, from[0]->kind, from[0]->n_children, &columns[i], err));
  }
  *out = (firn_batch){.schema = schema, .n_rows = n, .columns = columns};
  return FIRN_OK;
}
