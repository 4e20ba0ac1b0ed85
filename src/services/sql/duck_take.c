/* DuckDB's vectors into firn's. */
#include "services/sql/duck_internal.h"

#include <string.h>

#include "column/take.h"
#include "iceberg/types/value.h"
#include "services/sql/duck_text_internal.h"

typedef struct taking {
  const duck_api *api;
  firn_arena *arena;
  firn_error *err;
} taking;

static firn_status take(const taking *t, duck_vector from, const firn_duck_column *column, size_t n,
                        firn_vector *out);

static firn_status no_memory(const taking *t) {
  return firn_error_set(t->err, FIRN_NOMEM, "no memory for the rows of a result");
}

/* Room for `n` values of `size` bytes. */
static void *room(const taking *t, size_t n, size_t size) {
  return firn_arena_alloc_n(t->arena, n + 1, size);
}

static size_t count_nulls(const uint64_t *valid, size_t n) {
  size_t n_valid = 0;
  for (size_t word = 0; word < n / 64; word++) {
    n_valid += (size_t)__builtin_popcountll(valid[word]);
  }
  if (n % 64 != 0) {
    n_valid += (size_t)__builtin_popcountll(valid[n / 64] & ((UINT64_C(1) << (n % 64)) - 1));
  }
  return n - n_valid;
}

/* What stands where there is no value is what the engine's memory held before: it must not get out. */
static void clear_nulls(const firn_vector *v, void *values, size_t size) {
  for (size_t i = 0; v->n_nulls > 0 && i < v->len; i++) {
    if (!firn_bit(v->validity, i)) {
      memset((char *)values + i * size, 0, size);
    }
  }
}

static firn_status take_booleans(const taking *t, const uint8_t *data, firn_vector *out) {
  out->bits = room(t, firn_bit_words(out->len), sizeof *out->bits);
  if (out->bits == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (data[i] != 0 && !firn_vector_is_null(out, i)) {
      firn_bit_set(out->bits, i);
    }
  }
  return FIRN_OK;
}

/* Integers of one width or another into wider ones. */
static int64_t integer_at(duck_type_id id, const void *data, size_t i) {
  switch ((int)id) {
    case DUCK_TINYINT:
      return ((const int8_t *)data)[i];
    case DUCK_UTINYINT:
      return ((const uint8_t *)data)[i];
    case DUCK_SMALLINT:
      return ((const int16_t *)data)[i];
    case DUCK_USMALLINT:
      return ((const uint16_t *)data)[i];
    case DUCK_UINTEGER:
      return ((const uint32_t *)data)[i];
    case DUCK_INTEGER:
      return ((const int32_t *)data)[i];
    default:
      return ((const int64_t *)data)[i];
  }
}

static firn_status take_small(const taking *t, duck_type_id id, const void *data, firn_vector *out) {
  out->i32 = room(t, out->len, sizeof *out->i32);
  if (out->i32 == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    out->i32[i] = firn_vector_is_null(out, i) ? 0 : (int32_t)integer_at(id, data, i);
  }
  return FIRN_OK;
}

static firn_status take_unsigned(const taking *t, const uint32_t *data, firn_vector *out) {
  out->i64 = room(t, out->len, sizeof *out->i64);
  if (out->i64 == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    out->i64[i] = firn_vector_is_null(out, i) ? 0 : (int64_t)data[i];
  }
  return FIRN_OK;
}

/* The smallest and the largest of each type are the engine's infinities. */
static firn_status no_infinity(const taking *t) {
  return firn_error_set(t->err, FIRN_UNSUPPORTED,
                        "an infinite date or time is in the result, which no Iceberg type has: cast it to "
                        "VARCHAR");
}

static firn_status take_dates(const taking *t, int32_t *data, firn_vector *out) {
  clear_nulls(out, data, sizeof *data);
  for (size_t i = 0; i < out->len; i++) {
    if ((data[i] == INT32_MAX || data[i] == -INT32_MAX) && !firn_vector_is_null(out, i)) {
      return no_infinity(t);
    }
  }
  out->i32 = data;
  return FIRN_OK;
}

/* Timestamps in units of `factor` microseconds, or as they are. */
static firn_status take_times(const taking *t, const int64_t *data, int64_t factor, firn_vector *out) {
  out->i64 = room(t, out->len, sizeof *out->i64);
  if (out->i64 == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (firn_vector_is_null(out, i)) {
      continue;
    }
    if (data[i] == INT64_MAX || data[i] == -INT64_MAX) {
      return no_infinity(t);
    }
    if (__builtin_mul_overflow(data[i], factor, &out->i64[i])) {
      return firn_error_set(t->err, FIRN_LIMIT, "a timestamp does not fit 64 bits of microseconds");
    }
  }
  return FIRN_OK;
}

static firn_decimal wide_at(duck_type_id id, const void *data, size_t i) {
  if (id == DUCK_UBIGINT) {
    return (firn_decimal)((const uint64_t *)data)[i];
  }
  firn_decimal v;
  memcpy(&v, (const char *)data + i * sizeof v, sizeof v); /* vectors need not be aligned to 16 */
  return v;
}

static firn_status take_decimals(const taking *t, const firn_duck_column *column, const void *data,
                                 firn_vector *out) {
  unsigned precision = column->field.precision;
  bool is_exact = column->id == DUCK_DECIMAL; /* of the engine's making: it fits */
  out->dec = room(t, out->len, sizeof *out->dec);
  if (out->dec == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (firn_vector_is_null(out, i)) {
      continue;
    }
    if (is_exact && precision <= 18) {
      out->dec[i] = precision <= 4   ? ((const int16_t *)data)[i]
                    : precision <= 9 ? ((const int32_t *)data)[i]
                                     : ((const int64_t *)data)[i];
      continue;
    }
    out->dec[i] = wide_at(column->id, data, i);
    bool is_negative = column->id != DUCK_UHUGEINT;
    if (!is_exact && (!firn_decimal_fits(out->dec[i], precision) || (!is_negative && out->dec[i] < 0))) {
      return firn_error_set(t->err, FIRN_UNSUPPORTED,
                            "column %s holds a whole number of more than 38 digits: cast it to VARCHAR",
                            column->field.name);
    }
  }
  return FIRN_OK;
}

static void put_big_endian(uint64_t v, uint8_t *out) {
  for (int i = 7; i >= 0; i--, v >>= 8) {
    out[i] = (uint8_t)v;
  }
}

static firn_status take_uuids(const taking *t, const duck_hugeint *data, firn_vector *out) {
  out->bytes = room(t, out->len, sizeof *out->bytes);
  uint8_t *bytes = firn_arena_alloc_bytes(t->arena, out->len * 16 + 1);
  if (out->bytes == NULL || bytes == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (!firn_vector_is_null(out, i)) {
      put_big_endian((uint64_t)data[i].upper ^ (UINT64_C(1) << 63), bytes + i * 16);
      put_big_endian(data[i].lower, bytes + i * 16 + 8);
      out->bytes[i] = (firn_bytes){bytes + i * 16, 16};
    }
  }
  return FIRN_OK;
}

static firn_status take_text(const taking *t, const duck_text *data, firn_vector *out) {
  out->bytes = room(t, out->len, sizeof *out->bytes);
  if (out->bytes == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (!firn_vector_is_null(out, i)) {
      out->bytes[i] = firn_duck_text_bytes(&data[i]);
    }
  }
  return FIRN_OK;
}

static firn_status take_enums(const taking *t, const firn_duck_column *column, const void *data,
                              firn_vector *out) {
  out->bytes = room(t, out->len, sizeof *out->bytes);
  if (out->bytes == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (firn_vector_is_null(out, i)) {
      continue;
    }
    uint64_t code = (uint64_t)integer_at(column->codes, data, i);
    if (code < column->n_dictionary) {
      out->bytes[i] = column->dictionary[code];
    }
  }
  return FIRN_OK;
}

/* Types that are shown as text. */
static firn_status take_as_text(const taking *t, const firn_duck_column *column, const void *data,
                                firn_vector *out) {
  out->bytes = room(t, out->len, sizeof *out->bytes);
  if (out->bytes == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    if (!firn_vector_is_null(out, i)) {
      FIRN_TRY(firn_duck_show(column->id, data, i, t->arena, &out->bytes[i], t->err));
    }
  }
  return FIRN_OK;
}

static firn_status take_struct(const taking *t, duck_vector from, const firn_duck_column *column,
                               firn_vector *out) {
  out->n_children = column->n_children;
  out->children = room(t, column->n_children, sizeof *out->children);
  if (out->children == NULL) {
    return no_memory(t);
  }
  for (uint32_t i = 0; i < column->n_children; i++) {
    FIRN_TRY(
        take(t, t->api->struct_vector_get_child(from, i), &column->children[i], out->len, &out->children[i]));
  }
  return FIRN_OK;
}

/* The elements of lists as they lie in the child: entries may come in any order, share elements and leave
 * gaps. */
typedef struct elements {
  uint32_t *rows; /* NULL: all that there are, in order */
  size_t n;
} elements;

static firn_status list_elements(const taking *t, const duck_list_entry *lists, size_t n_there,
                                 firn_vector *out, elements *wanted) {
  out->offsets = room(t, out->len + 1, sizeof *out->offsets);
  if (out->offsets == NULL) {
    return no_memory(t);
  }
  bool in_order = true;
  uint64_t n = 0;
  for (size_t i = 0; i < out->len; i++) {
    duck_list_entry list = firn_vector_is_null(out, i) ? (duck_list_entry){n, 0} : lists[i];
    in_order = in_order && (list.len == 0 || list.offset == n);
    n += list.len;
    if (n > INT32_MAX || (list.len > 0 && list.offset + list.len > n_there)) {
      return firn_error_set(t->err, FIRN_LIMIT, "the lists of a batch have more elements than fit one");
    }
    out->offsets[i + 1] = (int32_t)n;
  }
  *wanted = (elements){.n = (size_t)n};
  if (in_order) {
    return FIRN_OK;
  }
  wanted->rows = room(t, (size_t)n, sizeof *wanted->rows);
  if (wanted->rows == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    for (int32_t k = out->offsets[i]; k < out->offsets[i + 1]; k++) {
      wanted->rows[k] = (uint32_t)(lists[i].offset + (uint64_t)(k - out->offsets[i]));
    }
  }
  return FIRN_OK;
}

/* One child of a list, its rows as wanted. */
static firn_status take_elements(const taking *t, duck_vector from, const firn_duck_column *column,
                                 const elements *wanted, size_t n_there, firn_vector *out) {
  if (wanted->rows == NULL) {
    return take(t, from, column, wanted->n, out);
  }
  firn_vector all;
  FIRN_TRY(take(t, from, column, n_there, &all));
  firn_field root = {.id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column->field};
  firn_batch batch = {.schema = &root, .n_rows = n_there, .columns = &all}, taken;
  FIRN_TRY(firn_batch_take(&batch, wanted->rows, wanted->n, t->arena, &taken, t->err));
  *out = taken.columns[0];
  return FIRN_OK;
}

static firn_status take_list(const taking *t, duck_vector from, const firn_duck_column *column,
                             firn_vector *out) {
  size_t n_there = (size_t)t->api->list_vector_get_size(from);
  elements wanted;
  FIRN_TRY(list_elements(t, t->api->vector_get_data(from), n_there, out, &wanted));
  out->n_children = column->n_children;
  out->children = room(t, column->n_children, sizeof *out->children);
  if (out->children == NULL) {
    return no_memory(t);
  }
  duck_vector entries = t->api->list_vector_get_child(from);
  for (uint32_t i = 0; i < column->n_children; i++) {
    duck_vector child = column->id == DUCK_MAP ? t->api->struct_vector_get_child(entries, i) : entries;
    FIRN_TRY(take_elements(t, child, &column->children[i], &wanted, n_there, &out->children[i]));
  }
  return FIRN_OK;
}

/* Arrays are lists of one length; where one is null, its elements are passed over. */
static firn_status take_array(const taking *t, duck_vector from, const firn_duck_column *column,
                              firn_vector *out) {
  size_t n_there = out->len * column->array_size;
  duck_list_entry *lists = room(t, out->len, sizeof *lists);
  if (lists == NULL) {
    return no_memory(t);
  }
  for (size_t i = 0; i < out->len; i++) {
    lists[i] = (duck_list_entry){i * column->array_size, column->array_size};
  }
  elements wanted;
  FIRN_TRY(list_elements(t, lists, n_there, out, &wanted));
  out->n_children = 1;
  out->children = room(t, 1, sizeof *out->children);
  if (out->children == NULL) {
    return no_memory(t);
  }
  return take_elements(t, t->api->array_vector_get_child(from), &column->children[0], &wanted, n_there,
                       &out->children[0]);
}

/* The text of the one member that each value has: the engine keeps a tag, then all members. */
static firn_status take_union(const taking *t, duck_vector from, const firn_duck_column *column,
                              firn_vector *out) {
  const uint8_t *tags = t->api->vector_get_data(t->api->struct_vector_get_child(from, 0));
  firn_vector *members = room(t, column->n_children, sizeof *members);
  out->bytes = room(t, out->len, sizeof *out->bytes);
  if (members == NULL || out->bytes == NULL) {
    return no_memory(t);
  }
  for (uint32_t i = 0; i < column->n_children; i++) {
    FIRN_TRY(
        take(t, t->api->struct_vector_get_child(from, i + 1), &column->children[i], out->len, &members[i]));
  }
  out->validity = room(t, firn_bit_words(out->len), sizeof *out->validity);
  if (out->validity == NULL) {
    return no_memory(t);
  }
  out->n_nulls = 0;
  for (size_t i = 0; i < out->len; i++) {
    uint8_t tag = tags[i];
    if (tag >= column->n_children || firn_vector_is_null(&members[tag], i)) {
      out->n_nulls++;
      continue;
    }
    firn_bit_set(out->validity, i);
    FIRN_TRY(firn_duck_show_value(&members[tag], &column->children[tag].field, i, t->arena, &out->bytes[i],
                                  t->err));
  }
  return FIRN_OK;
}

static firn_status take_nested(const taking *t, duck_vector from, const firn_duck_column *column,
                               firn_vector *out) {
  switch ((int)column->id) {
    case DUCK_STRUCT:
      return take_struct(t, from, column, out);
    case DUCK_ARRAY:
      return take_array(t, from, column, out);
    case DUCK_UNION:
      return take_union(t, from, column, out);
    default:
      return take_list(t, from, column, out);
  }
}

static firn_status take_flat(const taking *t, void *data, const firn_duck_column *column, firn_vector *out) {
  switch ((int)column->id) {
    case DUCK_BOOLEAN:
      return take_booleans(t, data, out);
    case DUCK_TINYINT:
    case DUCK_SMALLINT:
    case DUCK_UTINYINT:
    case DUCK_USMALLINT:
      return take_small(t, column->id, data, out);
    case DUCK_UINTEGER:
      return take_unsigned(t, data, out);
    case DUCK_UBIGINT:
    case DUCK_HUGEINT:
    case DUCK_UHUGEINT:
    case DUCK_DECIMAL:
      return take_decimals(t, column, data, out);
    case DUCK_DATE:
      return take_dates(t, data, out);
    case DUCK_TIMESTAMP:
    case DUCK_TIMESTAMP_TZ:
    case DUCK_TIMESTAMP_NS:
      return take_times(t, data, 1, out);
    case DUCK_TIMESTAMP_MS:
      return take_times(t, data, 1000, out);
    case DUCK_TIMESTAMP_S:
      return take_times(t, data, 1000000, out);
    case DUCK_VARCHAR:
    case DUCK_BLOB:
    case DUCK_GEOMETRY:
      return take_text(t, data, out);
    case DUCK_ENUM:
      return take_enums(t, column, data, out);
    case DUCK_UUID:
      return take_uuids(t, data, out);
    case DUCK_INTERVAL:
    case DUCK_TIME_TZ:
    case DUCK_TIME_NS:
    case DUCK_BIT:
    case DUCK_BIGNUM:
      return take_as_text(t, column, data, out);
    default: /* integers and floats of one width here and there */
      clear_nulls(out, data, firn_kind_value_size(out->kind));
      out->values = data;
      return FIRN_OK;
  }
}

static firn_status take(const taking *t, duck_vector from, const firn_duck_column *column, size_t n,
                        firn_vector *out) {
  *out = (firn_vector){.kind = column->field.kind, .len = n};
  if (column->id == DUCK_SQLNULL) {
    out->n_nulls = n;
    return FIRN_OK;
  }
  uint64_t *valid = t->api->vector_get_validity(from);
  out->n_nulls = valid == NULL ? 0 : count_nulls(valid, n);
  out->validity = out->n_nulls == 0 ? NULL : valid;
  if (column->n_children > 0 || column->id == DUCK_STRUCT) {
    return take_nested(t, from, column, out);
  }
  return take_flat(t, t->api->vector_get_data(from), column, out);
}

firn_status firn_duck_take(const duck_api *api, duck_vector from, const firn_duck_column *column, size_t n,
                           firn_arena *arena, firn_vector *out, firn_error *err) {
  return take(&(taking){.api = api, .arena = arena, .err = err}, from, column, n, out);
}
