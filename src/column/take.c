#include "column/take.h"

static firn_status no_memory(size_t n, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to take %zu rows", n);
}

static void take_values(const firn_vector *from, const uint32_t *rows, size_t n, size_t size,
                        firn_vector *out) {
  switch (size) {
    case 4:
      for (size_t i = 0; i < n; i++) {
        out->i32[i] = from->i32[rows[i]];
      }
      break;
    case 8:
      for (size_t i = 0; i < n; i++) {
        out->i64[i] = from->i64[rows[i]];
      }
      break;
    case sizeof(firn_bytes): /* decimals and views; a size known here makes the copies single instructions */
      for (size_t i = 0; i < n; i++) {
        memcpy((uint8_t *)out->values + i * sizeof(firn_bytes),
               (const uint8_t *)from->values + rows[i] * sizeof(firn_bytes), sizeof(firn_bytes));
      }
      break;
    default:
      for (size_t i = 0; i < n; i++) {
        memcpy((uint8_t *)out->values + i * size, (const uint8_t *)from->values + rows[i] * size, size);
      }
  }
}

static firn_status take_nulls(const firn_vector *from, const uint32_t *rows, size_t n, firn_arena *arena,
                              firn_vector *out, firn_error *err) {
  if (from->kind == FIRN_KIND_UNKNOWN) { /* null whatever stands in the bitmap */
    out->n_nulls = n;
    return FIRN_OK;
  }
  if (from->validity == NULL) {
    return FIRN_OK;
  }
  out->validity = firn_new_n(arena, uint64_t, firn_bit_words(n));
  if (out->validity == NULL) {
    return no_memory(n, err);
  }
  for (size_t i = 0; i < n; i++) {
    if (firn_bit(from->validity, rows[i])) {
      firn_bit_set(out->validity, i);
    } else {
      out->n_nulls++;
    }
  }
  return FIRN_OK;
}

static firn_status take_vector(const firn_vector *from, const uint32_t *rows, size_t n, firn_arena *arena,
                               firn_vector *out, firn_error *err);

/* Lists and maps: new offsets, and the entries' rows for the children. */
static firn_status take_entries(const firn_vector *from, const uint32_t *rows, size_t n, firn_arena *arena,
                                firn_vector *out, firn_error *err) {
  size_t total = 0;
  out->offsets = firn_new_n(arena, int32_t, n + 1);
  for (size_t i = 0; i < n; i++) {
    total += (size_t)(from->offsets[rows[i] + 1] - from->offsets[rows[i]]);
  }
  if (total > INT32_MAX) { /* before memory is taken for them */
    return firn_error_set(err, FIRN_LIMIT, "%zu list entries in one batch are too many", total);
  }
  uint32_t *entries = firn_new_n(arena, uint32_t, total);
  out->children = firn_new_n(arena, firn_vector, from->n_children);
  if (out->offsets == NULL || entries == NULL || out->children == NULL) {
    return no_memory(n, err);
  }
  size_t at = 0;
  for (size_t i = 0; i < n; i++) {
    for (int32_t j = from->offsets[rows[i]]; j < from->offsets[rows[i] + 1]; j++) {
      entries[at++] = (uint32_t)j;
    }
    out->offsets[i + 1] = (int32_t)at;
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    FIRN_TRY(take_vector(&from->children[i], entries, total, arena, &out->children[i], err));
  }
  return FIRN_OK;
}

static firn_status take_vector(const firn_vector *from, const uint32_t *rows, size_t n, firn_arena *arena,
                               firn_vector *out, firn_error *err) {
  *out = (firn_vector){.kind = from->kind, .len = n, .n_children = from->n_children};
  FIRN_TRY(take_nulls(from, rows, n, arena, out, err));
  if (from->kind == FIRN_KIND_UNKNOWN) { /* has no values */
    return FIRN_OK;
  }
  if (from->kind == FIRN_KIND_LIST || from->kind == FIRN_KIND_MAP) {
    return take_entries(from, rows, n, arena, out, err);
  }
  if (from->kind == FIRN_KIND_STRUCT) {
    out->children = firn_new_n(arena, firn_vector, from->n_children);
    if (out->children == NULL) {
      return no_memory(n, err);
    }
    for (uint32_t i = 0; i < from->n_children; i++) {
      FIRN_TRY(take_vector(&from->children[i], rows, n, arena, &out->children[i], err));
    }
    return FIRN_OK;
  }
  bool is_bits = from->kind == FIRN_KIND_BOOLEAN;
  size_t size = firn_kind_value_size(from->kind);
  out->values =
      is_bits ? (void *)firn_new_n(arena, uint64_t, firn_bit_words(n)) : firn_arena_alloc_n(arena, n, size);
  if (out->values == NULL) {
    return no_memory(n, err);
  }
  if (!is_bits) {
    take_values(from, rows, n, size, out);
    return FIRN_OK;
  }
  for (size_t i = 0; i < n; i++) {
    if (firn_bit(from->bits, rows[i])) {
      firn_bit_set(out->bits, i);
    }
  }
  return FIRN_OK;
}

firn_status firn_batch_take(const firn_batch *from, const uint32_t *rows, size_t n, firn_arena *arena,
                            firn_batch *out, firn_error *err) {
  firn_batch taken = {.schema = from->schema, .n_rows = n};
  taken.columns = firn_new_n(arena, firn_vector, from->schema->n_children);
  if (taken.columns == NULL) {
    return no_memory(n, err);
  }
  for (uint32_t i = 0; i < from->schema->n_children; i++) {
    FIRN_TRY(take_vector(&from->columns[i], rows, n, arena, &taken.columns[i], err));
  }
  *out = taken;
  return FIRN_OK;
}
