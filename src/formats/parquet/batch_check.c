/* What a batch must be before a row of it is written. */
#include <assert.h>
#include <inttypes.h>

#include "formats/parquet/shred_internal.h"

/* `live` says which values count: those whose parents are all there. A byte each; NULL: all. */
static firn_status check(firn_arena *scratch, const firn_field *field, const firn_vector *v, size_t len,
                         const uint8_t *live, firn_error *err);

static bool counts(const firn_vector *v, const uint8_t *live, size_t i) {
  return (live == NULL || live[i] != 0) && !firn_vector_is_null(v, i);
}

static firn_status check_required(const firn_vector *v, size_t len, const uint8_t *live, firn_error *err) {
  if (v->validity == NULL && v->kind != FIRN_KIND_UNKNOWN) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < len; i++) {
    if ((live == NULL || live[i] != 0) && firn_vector_is_null(v, i)) {
      return firn_error_set(err, FIRN_INVALID, "value %zu is null and the column is required", i);
    }
  }
  return FIRN_OK;
}

static firn_status check_decimals(const firn_field *field, const firn_vector *v, size_t len,
                                  const uint8_t *live, firn_error *err) {
  firn_decimal end = 1;
  for (unsigned i = 0; i < field->precision; i++) {
    end *= 10;
  }
  for (size_t i = 0; i < len; i++) {
    if ((v->dec[i] >= end || v->dec[i] <= -end) && counts(v, live, i)) {
      return firn_error_set(err, FIRN_INVALID, "value %zu does not fit in decimal(%u, %u)", i,
                            field->precision, field->scale);
    }
  }
  return FIRN_OK;
}

static firn_status check_widths(size_t width, const firn_vector *v, size_t len, const uint8_t *live,
                                firn_error *err) {
  for (size_t i = 0; i < len; i++) {
    if (v->bytes[i].len != width && counts(v, live, i)) {
      return firn_error_set(err, FIRN_INVALID, "value %zu has %zu bytes, not %zu", i, v->bytes[i].len, width);
    }
  }
  return FIRN_OK;
}

static firn_status check_struct(firn_arena *scratch, const firn_field *field, const firn_vector *v,
                                size_t len, const uint8_t *live, firn_error *err) {
  uint8_t *below = NULL;
  if (live != NULL || v->validity != NULL) {
    below = firn_arena_alloc_bytes(scratch, len);
    if (below == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory to check %zu values", len);
    }
    for (size_t i = 0; i < len; i++) {
      below[i] = counts(v, live, i);
    }
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(check(scratch, &field->children[i], &v->children[i], len, below, err));
  }
  return FIRN_OK;
}

/* Entries of a list that is not there are skipped, whatever the offsets say. */
static firn_status check_entries(firn_arena *scratch, const firn_field *field, const firn_vector *v,
                                 size_t len, const uint8_t *live, firn_error *err) {
  size_t n = len == 0 ? 0 : (size_t)v->offsets[len];
  uint8_t *below = firn_arena_alloc_bytes(scratch, n);
  if (below == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to check %zu entries", n);
  }
  memset(below, 0, n);
  for (size_t i = 0; i < len; i++) {
    int32_t from = v->offsets[i], end = v->offsets[i + 1];
    if (from < 0 || end < from || (size_t)end > n) {
      return firn_error_set(err, FIRN_INVALID, "offset %zu is %" PRId32 " after %" PRId32, i + 1, end, from);
    }
    if (counts(v, live, i)) {
      memset(below + from, 1, (size_t)(end - from));
    }
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(check(scratch, &field->children[i], &v->children[i], n, below, err));
  }
  return FIRN_OK;
}

static firn_status check_value(firn_arena *scratch, const firn_field *field, const firn_vector *v, size_t len,
                               const uint8_t *live, firn_error *err) {
  enum { UUID_WIDTH = 16 };
  if (v->kind != field->kind || v->len < len) {
    return firn_error_set(err, FIRN_INVALID, "%zu values of type %s came where %zu of %s belong", v->len,
                          firn_kind_name(v->kind), len, firn_kind_name(field->kind));
  }
  if (field->required) {
    FIRN_TRY(check_required(v, len, live, err));
  }
  switch (field->kind) {
    case FIRN_KIND_STRUCT:
      return check_struct(scratch, field, v, len, live, err);
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
      return check_entries(scratch, field, v, len, live, err);
    case FIRN_KIND_DECIMAL:
      return check_decimals(field, v, len, live, err);
    case FIRN_KIND_FIXED:
      return check_widths(field->width, v, len, live, err);
    case FIRN_KIND_UUID:
      return check_widths(UUID_WIDTH, v, len, live, err);
    default:
      return FIRN_OK;
  }
}

static firn_status check(firn_arena *scratch, const firn_field *field, const firn_vector *v, size_t len,
                         const uint8_t *live, firn_error *err) {
  firn_status status = check_value(scratch, field, v, len, live, err);
  return status == FIRN_OK
             ? FIRN_OK
             : firn_error_while(err, status, "%s", field->name == NULL ? "element" : field->name);
}

firn_status firn_batch_check_for_write(const firn_field *schema, const firn_batch *batch, firn_error *err) {
  if (!firn_field_same_type(schema, batch->schema)) {
    return firn_error_set(err, FIRN_INVALID, "the batch has another schema than the file");
  }
  if (batch->n_rows > INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "a batch of %zu rows", batch->n_rows);
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  for (uint32_t i = 0; i < schema->n_children; i++) {
    firn_arena_reset(&scratch);
    FIRN_TRY(check(&scratch, &schema->children[i], &batch->columns[i], batch->n_rows, NULL, err));
  }
  return FIRN_OK;
}

static size_t text_bytes(const firn_vector *v, size_t first, size_t end) {
  size_t sum = 0;
  if (firn_kind_is_bytes(v->kind)) {
    for (size_t i = first; i < end; i++) {
      sum += v->bytes[i].len;
    }
    return sum;
  }
  if (v->kind == FIRN_KIND_LIST || v->kind == FIRN_KIND_MAP) {
    first = (size_t)v->offsets[first];
    end = (size_t)v->offsets[end];
  }
  for (uint32_t i = 0; i < v->n_children; i++) {
    sum += text_bytes(&v->children[i], first, end);
  }
  return sum;
}

size_t firn_batch_text_bytes(const firn_batch *batch, size_t first, size_t n) {
  size_t sum = 0;
  for (uint32_t i = 0; i < batch->schema->n_children && n > 0; i++) {
    sum += text_bytes(&batch->columns[i], first, first + n);
  }
  return sum;
}
