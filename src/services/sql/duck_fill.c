/* Firn's vectors into DuckDB's. */
#include "services/sql/duck_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

typedef struct filling {
  const duck_api *api;
  bool is_text_checked;
  firn_error *err;
} filling;

static firn_status fill(const filling *f, const firn_vector *from, const firn_field *field,
                        const uint64_t *parent, duck_vector into);

static bool is_all_null(const firn_vector *v) {
  return v->kind == FIRN_KIND_UNKNOWN;
}

/* Nulls of the vector and of the struct it lies in: the engine looks at the innermost alone. Gives the bits
 * written; NULL: nothing is null. */
static uint64_t *write_validity(const filling *f, const firn_vector *from, const uint64_t *parent,
                                duck_vector into) {
  bool has_nulls = from->validity != NULL && from->n_nulls > 0;
  if (from->len == 0 || (!has_nulls && parent == NULL && !is_all_null(from))) {
    return NULL;
  }
  f->api->vector_ensure_validity_writable(into);
  uint64_t *bits = f->api->vector_get_validity(into);
  for (size_t word = 0; word < firn_bit_words(from->len); word++) {
    uint64_t own = is_all_null(from) ? 0 : has_nulls ? from->validity[word] : UINT64_MAX;
    bits[word] = parent == NULL ? own : own & parent[word];
  }
  return bits;
}

static void fill_booleans(const firn_vector *from, bool *into) {
  for (size_t i = 0; i < from->len; i++) {
    into[i] = firn_bit(from->bits, i);
  }
}

static void fill_decimals(const firn_vector *from, unsigned precision, void *into) {
  size_t n = from->len;
  if (precision <= 4) {
    for (size_t i = 0; i < n; i++) {
      ((int16_t *)into)[i] = (int16_t)from->dec[i];
    }
  } else if (precision <= 9) {
    for (size_t i = 0; i < n; i++) {
      ((int32_t *)into)[i] = (int32_t)from->dec[i];
    }
  } else if (precision <= 18) {
    for (size_t i = 0; i < n; i++) {
      ((int64_t *)into)[i] = (int64_t)from->dec[i];
    }
  } else if (n > 0) {
    memcpy(into, from->dec, n * sizeof *from->dec); /* lower half first, as here */
  }
}

static uint64_t big_endian(const uint8_t *bytes) {
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) {
    v = v << 8 | bytes[i];
  }
  return v;
}

/* Sixteen bytes as a number whose first bit is turned, so that signed comparison sorts them. */
static firn_status fill_uuids(const filling *f, const firn_vector *from, duck_hugeint *into) {
  for (size_t i = 0; i < from->len; i++) {
    firn_bytes value = from->bytes[i];
    if (value.len != 16) {
      if (firn_vector_is_null(from, i)) {
        into[i] = (duck_hugeint){0, 0};
        continue;
      }
      return firn_error_set(f->err, FIRN_CORRUPT, "a UUID has %zu bytes", value.len);
    }
    into[i] = (duck_hugeint){.lower = big_endian(value.data + 8),
                             .upper = (int64_t)(big_endian(value.data) ^ (UINT64_C(1) << 63))};
  }
  return FIRN_OK;
}

/* The engine takes for granted that text is UTF-8. */
static firn_status check_text(const filling *f, const firn_vector *from) {
  for (size_t i = 0; i < from->len; i++) {
    firn_bytes value = from->bytes[i];
    if (!firn_utf8_is_valid(value)) {
      return firn_error_set(f->err, FIRN_CORRUPT, "a text is not UTF-8");
    }
  }
  return FIRN_OK;
}

static firn_status fill_text(const filling *f, const firn_vector *from, duck_text *into) {
  for (size_t i = 0; i < from->len; i++) {
    firn_bytes value = from->bytes[i];
    duck_text text = {.len = (uint32_t)value.len};
    if (value.len > UINT32_MAX) {
      return firn_error_set(f->err, FIRN_LIMIT, "a value of %zu bytes is more than a query can hold",
                            value.len);
    }
    if (value.len > DUCK_TEXT_INLINE) {
      memcpy(text.far.prefix, value.data, sizeof text.far.prefix);
      text.far.at = (const char *)value.data;
    } else if (value.len > 0) {
      memcpy(text.inlined, value.data, value.len);
    }
    into[i] = text;
  }
  return FIRN_OK;
}

static firn_status fill_struct(const filling *f, const firn_vector *from, const firn_field *field,
                               const uint64_t *valid, duck_vector into) {
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(
        fill(f, &from->children[i], &field->children[i], valid, f->api->struct_vector_get_child(into, i)));
  }
  return FIRN_OK;
}

static firn_status fill_entries(const filling *f, const firn_vector *from, duck_vector into,
                                duck_vector *entries) {
  duck_list_entry *lists = f->api->vector_get_data(into);
  for (size_t i = 0; i < from->len; i++) {
    lists[i] = (duck_list_entry){.offset = (uint64_t)from->offsets[i],
                                 .len = (uint64_t)(from->offsets[i + 1] - from->offsets[i])};
  }
  uint64_t n = from->len == 0 ? 0 : (uint64_t)from->offsets[from->len];
  for (uint32_t i = 0; i < from->n_children; i++) {
    if (from->children[i].len != n) {
      return firn_error_set(f->err, FIRN_CORRUPT, "lists of %" PRIu64 " elements have %zu", n,
                            from->children[i].len);
    }
  }
  if (f->api->list_vector_reserve(into, n) != DUCK_SUCCESS ||
      f->api->list_vector_set_size(into, n) != DUCK_SUCCESS) {
    return firn_error_set(f->err, FIRN_NOMEM, "no memory for the elements of a list");
  }
  *entries = f->api->list_vector_get_child(into);
  return FIRN_OK;
}

static firn_status fill_list(const filling *f, const firn_vector *from, const firn_field *field,
                             duck_vector into) {
  duck_vector entries;
  FIRN_TRY(fill_entries(f, from, into, &entries));
  return fill(f, &from->children[0], &field->children[0], NULL, entries);
}

static firn_status fill_map(const filling *f, const firn_vector *from, const firn_field *field,
                            duck_vector into) {
  duck_vector entries; /* structs of key and value */
  FIRN_TRY(fill_entries(f, from, into, &entries));
  for (uint32_t i = 0; i < 2; i++) {
    FIRN_TRY(
        fill(f, &from->children[i], &field->children[i], NULL, f->api->struct_vector_get_child(entries, i)));
  }
  return FIRN_OK;
}

static firn_status fill(const filling *f, const firn_vector *from, const firn_field *field,
                        const uint64_t *parent, duck_vector into) {
  const uint64_t *valid = write_validity(f, from, parent, into);
  void *data = f->api->vector_get_data(into);
  switch (field->kind) {
    case FIRN_KIND_UNKNOWN:
      return FIRN_OK;
    case FIRN_KIND_BOOLEAN:
      fill_booleans(from, data);
      return FIRN_OK;
    case FIRN_KIND_DECIMAL:
      fill_decimals(from, field->precision, data);
      return FIRN_OK;
    case FIRN_KIND_UUID:
      return fill_uuids(f, from, data);
    case FIRN_KIND_STRUCT:
      return fill_struct(f, from, field, valid, into);
    case FIRN_KIND_LIST:
      return fill_list(f, from, field, into);
    case FIRN_KIND_MAP:
      return fill_map(f, from, field, into);
    default:
      break;
  }
  if (field->kind == FIRN_KIND_STRING && !f->is_text_checked) {
    FIRN_TRY(check_text(f, from));
  }
  if (firn_kind_is_bytes(field->kind)) {
    return fill_text(f, from, data);
  }
  if (from->len > 0) {
    memcpy(data, from->values, from->len * firn_kind_value_size(field->kind));
  }
  return FIRN_OK;
}

firn_status firn_duck_fill(const duck_api *api, const firn_vector *from, const firn_field *field,
                           bool is_text_checked, duck_vector into, firn_error *err) {
  return fill(&(filling){.api = api, .is_text_checked = is_text_checked, .err = err}, from, field, NULL,
              into);
}
