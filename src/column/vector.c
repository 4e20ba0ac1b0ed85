#include "column/vector.h"

#include <inttypes.h>
#include <string.h>

static firn_status no_memory(size_t capacity, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a vector of %zu values", capacity);
}

/* How many bytes the `values` of `capacity` values take; false when that is no number. */
static bool values_size(firn_kind kind, size_t capacity, size_t *out) {
  if (kind == FIRN_KIND_BOOLEAN) {
    *out = firn_bit_words(capacity) * sizeof(uint64_t);
    return capacity <= SIZE_MAX - 63;
  }
  if (kind == FIRN_KIND_LIST || kind == FIRN_KIND_MAP) {
    return capacity < SIZE_MAX && !__builtin_mul_overflow(capacity + 1, sizeof(int32_t), out);
  }
  return !__builtin_mul_overflow(capacity, firn_kind_value_size(kind), out);
}

static firn_status new_vector(const firn_field *field, size_t capacity, int depth, firn_arena *arena,
                              firn_vector *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  size_t size = 0;
  firn_vector v = {.kind = field->kind, .n_children = field->n_children};
  if (!values_size(field->kind, capacity, &size)) {
    return no_memory(capacity, err);
  }
  v.values = size == 0 ? NULL : firn_arena_alloc(arena, size);
  v.children = v.n_children == 0 ? NULL : firn_new_n(arena, firn_vector, v.n_children);
  if ((size > 0 && v.values == NULL) || (v.n_children > 0 && v.children == NULL)) {
    return no_memory(capacity, err);
  }
  for (uint32_t i = 0; i < v.n_children; i++) {
    FIRN_TRY(new_vector(&field->children[i], capacity, depth + 1, arena, &v.children[i], err));
  }
  *out = v;
  return FIRN_OK;
}

firn_status firn_vector_new(const firn_field *field, size_t capacity, firn_arena *arena, firn_vector *out,
                            firn_error *err) {
  return new_vector(field, capacity, 0, arena, out, err);
}

static void *moved(firn_arena *arena, const void *from, size_t used, size_t size) {
  void *to = firn_arena_alloc(arena, size);
  if (to != NULL && used > 0 && from != NULL) {
    memcpy(to, from, used);
  }
  return to;
}

firn_status firn_vector_grow(firn_vector *v, size_t capacity, firn_arena *arena, firn_error *err) {
  size_t used = 0;
  size_t size = 0;
  if (capacity < v->len) {
    return firn_error_set(err, FIRN_INVALID, "a vector of %zu values cannot grow to %zu", v->len, capacity);
  }
  if (!values_size(v->kind, v->len, &used) || !values_size(v->kind, capacity, &size)) {
    return no_memory(capacity, err);
  }
  void *values = size == 0 ? NULL : moved(arena, v->values, used, size);
  size_t words = firn_bit_words(v->len) * sizeof(uint64_t);
  uint64_t *validity = v->validity == NULL
                           ? NULL
                           : moved(arena, v->validity, words, firn_bit_words(capacity) * sizeof(uint64_t));
  if ((size > 0 && values == NULL) || (v->validity != NULL && validity == NULL)) {
    return no_memory(capacity, err);
  }
  for (uint32_t i = 0; v->kind == FIRN_KIND_STRUCT && i < v->n_children; i++) {
    FIRN_TRY(firn_vector_grow(&v->children[i], capacity, arena, err));
  }
  if (validity != NULL) { /* new values are valid until someone says otherwise */
    for (size_t i = v->len; i < capacity && i % 64 != 0; i++) {
      firn_bit_set(validity, i);
    }
    memset(validity + firn_bit_words(v->len), 0xFF,
           (firn_bit_words(capacity) - firn_bit_words(v->len)) * sizeof(uint64_t));
  }
  v->values = values;
  v->validity = validity;
  return FIRN_OK;
}

firn_status firn_vector_need_validity(firn_vector *v, size_t capacity, firn_arena *arena, firn_error *err) {
  if (v->validity != NULL) {
    return FIRN_OK;
  }
  uint64_t *validity = firn_new_n(arena, uint64_t, firn_bit_words(capacity));
  if (validity == NULL) {
    return no_memory(capacity, err);
  }
  memset(validity, 0xFF, firn_bit_words(capacity) * sizeof(uint64_t));
  v->validity = validity;
  return FIRN_OK;
}

firn_status firn_batch_new(const firn_field *schema, size_t capacity, firn_arena *arena, firn_batch *out,
                           firn_error *err) {
  firn_vector *columns = firn_new_n(arena, firn_vector, schema->n_children);
  if (columns == NULL) {
    return no_memory(capacity, err);
  }
  for (uint32_t i = 0; i < schema->n_children; i++) {
    FIRN_TRY(new_vector(&schema->children[i], capacity, 1, arena, &columns[i], err));
  }
  *out = (firn_batch){.schema = schema, .columns = columns};
  return FIRN_OK;
}

static firn_status copy_bytes(firn_vector *v, firn_arena *arena, firn_error *err) {
  size_t total = 0;
  for (size_t i = 0; i < v->len; i++) {
    total += v->bytes[i].len;
  }
  uint8_t *into = firn_arena_alloc_bytes(arena, total);
  if (into == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of values", total);
  }
  for (size_t i = 0; i < v->len; i++) {
    size_t len = v->bytes[i].len;
    if (len > 0) {
      memcpy(into, v->bytes[i].data, len);
    }
    v->bytes[i].data = into;
    into += len;
  }
  return FIRN_OK;
}

static firn_status copy_vector(const firn_vector *from, int depth, firn_arena *arena, firn_vector *to,
                               firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  size_t size = 0;
  size_t words = firn_bit_words(from->len) * sizeof(uint64_t);
  *to = *from;
  if (!values_size(from->kind, from->len, &size)) {
    return no_memory(from->len, err);
  }
  to->values = from->values == NULL ? NULL : moved(arena, from->values, size, size);
  to->validity = from->validity == NULL ? NULL : moved(arena, from->validity, words, words);
  to->children = firn_new_n(arena, firn_vector, from->n_children);
  if ((from->values != NULL && to->values == NULL) || (from->validity != NULL && to->validity == NULL) ||
      to->children == NULL) {
    return no_memory(from->len, err);
  }
  if (firn_kind_is_bytes(from->kind)) {
    FIRN_TRY(copy_bytes(to, arena, err));
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    FIRN_TRY(copy_vector(&from->children[i], depth + 1, arena, &to->children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_batch_copy(const firn_batch *from, firn_arena *arena, firn_batch *out, firn_error *err) {
  firn_field *schema = firn_new(arena, firn_field);
  firn_vector *columns = firn_new_n(arena, firn_vector, from->schema->n_children);
  if (schema == NULL || columns == NULL) {
    return no_memory(from->n_rows, err);
  }
  FIRN_TRY(firn_field_copy(from->schema, arena, schema, err));
  for (uint32_t i = 0; i < schema->n_children; i++) {
    FIRN_TRY(copy_vector(&from->columns[i], 0, arena, &columns[i], err));
  }
  *out = (firn_batch){.schema = schema, .n_rows = from->n_rows, .columns = columns};
  return FIRN_OK;
}

static size_t count_nulls(const firn_vector *v) {
  size_t set = 0;
  for (size_t w = 0; w < v->len / 64; w++) {
    set += (size_t)__builtin_popcountll(v->validity[w]);
  }
  if (v->len % 64 != 0) {
    uint64_t last = v->validity[v->len / 64] & ((UINT64_C(1) << (v->len % 64)) - 1);
    set += (size_t)__builtin_popcountll(last);
  }
  return v->len - set;
}

/* `under_nulls`: a struct above is null in places, where even a required value may be empty. */
static firn_status check_vector(const firn_vector *v, const firn_field *field, size_t len, bool under_nulls,
                                int depth, firn_error *err);

static firn_status check_entries(const firn_vector *v, size_t *n, firn_error *err) {
  *n = 0;
  if (v->len == 0 && v->offsets == NULL) {
    return FIRN_OK;
  }
  if (v->offsets == NULL || v->offsets[0] != 0) {
    return firn_error_set(err, FIRN_INVALID, "offsets do not begin at 0");
  }
  for (size_t i = 0; i < v->len; i++) {
    if (v->offsets[i + 1] < v->offsets[i]) {
      return firn_error_set(err, FIRN_INVALID, "offset %zu is %" PRId32 " after %" PRId32, i + 1,
                            v->offsets[i + 1], v->offsets[i]);
    }
  }
  *n = (size_t)v->offsets[v->len];
  return FIRN_OK;
}

static firn_status check_children(const firn_vector *v, const firn_field *field, bool under_nulls, int depth,
                                  firn_error *err) {
  size_t n = v->len;
  under_nulls = under_nulls || v->n_nulls > 0;
  if (field->kind != FIRN_KIND_STRUCT) {
    FIRN_TRY(check_entries(v, &n, err));
    under_nulls = false; /* a null list has no entries */
  }
  for (uint32_t i = 0; i < v->n_children; i++) {
    const firn_field *child = &field->children[i];
    firn_status status = check_vector(&v->children[i], child, n, under_nulls, depth + 1, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "%s", child->name == NULL ? "a child" : child->name);
    }
  }
  return FIRN_OK;
}

/* Runs of bytes must have an address, and those of a fixed width that width. */
static firn_status check_bytes(const firn_vector *v, const firn_field *field, bool under_nulls,
                               firn_error *err) {
  size_t width = field->kind == FIRN_KIND_UUID    ? 16
                 : field->kind == FIRN_KIND_FIXED ? field->width
                                                  : SIZE_MAX;
  for (size_t i = 0; i < v->len; i++) {
    if (firn_vector_is_null(v, i)) {
      continue;
    }
    if (v->bytes[i].data == NULL && v->bytes[i].len > 0) {
      return firn_error_set(err, FIRN_INVALID, "value %zu has a length and no address", i);
    }
    if (width != SIZE_MAX && v->bytes[i].len != width && !(under_nulls && v->bytes[i].len == 0)) {
      return firn_error_set(err, FIRN_INVALID, "value %zu has %zu bytes, not %zu", i, v->bytes[i].len, width);
    }
  }
  return FIRN_OK;
}

static firn_status check_vector(const firn_vector *v, const firn_field *field, size_t len, bool under_nulls,
                                int depth, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  if (v->kind != field->kind || v->n_children != field->n_children) {
    return firn_error_set(err, FIRN_INVALID, "a vector of %s where the schema says %s",
                          firn_kind_name(v->kind), firn_kind_name(field->kind));
  }
  bool is_entries = v->kind == FIRN_KIND_LIST || v->kind == FIRN_KIND_MAP;
  bool needs_values = firn_kind_value_size(v->kind) > 0 || v->kind == FIRN_KIND_BOOLEAN || is_entries;
  if (v->len != len) {
    return firn_error_set(err, FIRN_INVALID, "%zu values where %zu belong", v->len, len);
  }
  if (needs_values && len > 0 && v->values == NULL) {
    return firn_error_set(err, FIRN_INVALID, "no values");
  }
  size_t n_nulls = v->kind == FIRN_KIND_UNKNOWN ? len : v->validity == NULL ? 0 : count_nulls(v);
  if (v->n_nulls != n_nulls) {
    return firn_error_set(err, FIRN_INVALID, "%zu nulls are counted, %zu are there", v->n_nulls, n_nulls);
  }
  if (firn_kind_is_bytes(v->kind)) {
    FIRN_TRY(check_bytes(v, field, under_nulls, err));
  }
  return firn_kind_is_nested(v->kind) ? check_children(v, field, under_nulls, depth, err) : FIRN_OK;
}

firn_status firn_batch_check(const firn_batch *batch, firn_error *err) {
  if (batch->schema == NULL || batch->schema->kind != FIRN_KIND_STRUCT) {
    return firn_error_set(err, FIRN_INVALID, "a batch's schema must be a struct");
  }
  firn_vector all = {.kind = FIRN_KIND_STRUCT,
                     .len = batch->n_rows,
                     .n_children = batch->schema->n_children,
                     .children = batch->columns};
  return check_vector(&all, batch->schema, batch->n_rows, false, 0, err);
}
