/* Single values as JSON. Spec: Appendix D, JSON single-value serialization. Hexadecimal digits are written in
 * lower case, as in the specification's example, and read in either. */
#include <assert.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "base/uuid.h"
#include "iceberg/types/value.h"

enum { UUID_BYTES = 16 };

static const char hex_digits[] = "0123456789abcdef";

static firn_time_unit unit_of(firn_kind kind) {
  bool ns = kind == FIRN_KIND_TIMESTAMP_NS || kind == FIRN_KIND_TIMESTAMPTZ_NS;
  return ns ? FIRN_NANOS : FIRN_MICROS;
}

static bool is_zoned(firn_kind kind) {
  return kind == FIRN_KIND_TIMESTAMPTZ || kind == FIRN_KIND_TIMESTAMPTZ_NS;
}

static firn_json_token token_of(const firn_json_value *v) {
  bool integer = true;
  for (size_t i = 0; i < v->text.len; i++) {
    uint8_t c = v->text.data[i];
    integer = integer && c != '.' && c != 'e' && c != 'E';
  }
  return (firn_json_token){.kind = v->kind, .raw = v->text, .is_integer = integer};
}

static firn_status not_a(const firn_field *type, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "the JSON is no value of type %s", firn_kind_name(type->kind));
}

static firn_status read_integer(const firn_json_value *json, const firn_field *type, firn_value *out,
                                firn_error *err) {
  firn_json_token token = token_of(json);
  int64_t v;
  if (json->kind != FIRN_JSON_NUMBER || firn_json_int64(&token, &v, NULL) != FIRN_OK) {
    return not_a(type, err);
  }
  if (type->kind == FIRN_KIND_LONG) {
    out->i64 = v;
    return FIRN_OK;
  }
  if (v < INT32_MIN || v > INT32_MAX) {
    return not_a(type, err);
  }
  out->i32 = (int32_t)v;
  return FIRN_OK;
}

static firn_status read_floating(const firn_json_value *json, const firn_field *type, firn_value *out,
                                 firn_error *err) {
  firn_json_token token = token_of(json);
  double v;
  if ((json->kind != FIRN_JSON_NUMBER && json->kind != FIRN_JSON_STRING) ||
      firn_json_double(&token, &v, NULL) != FIRN_OK) {
    return not_a(type, err);
  }
  if (type->kind == FIRN_KIND_DOUBLE) {
    out->f64 = v;
    return FIRN_OK;
  }
  bool finite = v - v == 0;
  if (finite && (v > (double)FLT_MAX || v < -(double)FLT_MAX)) {
    return not_a(type, err);
  }
  out->f32 = (float)v;
  return FIRN_OK;
}

static int hex_value(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of hexadecimal digits into `out`, which has room for half of them. */
static bool read_hex(firn_bytes text, uint8_t *out) {
  if (text.len % 2 != 0) {
    return false;
  }
  for (size_t i = 0; i < text.len; i += 2) {
    int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
    if (high < 0 || low < 0) {
      return false;
    }
    out[i / 2] = (uint8_t)(high << 4 | low);
  }
  return true;
}

static firn_status read_bytes(const firn_json_value *json, const firn_field *type, firn_arena *arena,
                              firn_value *out, firn_error *err) {
  firn_bytes text = json->text;
  if (type->kind == FIRN_KIND_STRING) {
    out->bytes = firn_arena_copy(arena, text);
    return out->bytes.data == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a value") : FIRN_OK;
  }
  bool uuid = type->kind == FIRN_KIND_UUID;
  firn_uuid parsed;
  if ((uuid && firn_uuid_parse(text, &parsed, NULL) != FIRN_OK) ||
      (type->kind == FIRN_KIND_FIXED && text.len != (size_t)type->width * 2)) {
    return not_a(type, err);
  }
  size_t len = uuid ? UUID_BYTES : text.len / 2;
  uint8_t *bytes = firn_arena_alloc_bytes(arena, len);
  if (bytes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a value");
  }
  if (uuid) {
    memcpy(bytes, parsed.bytes, sizeof parsed.bytes);
  } else if (!read_hex(text, bytes)) {
    return not_a(type, err);
  }
  out->bytes = (firn_bytes){bytes, len};
  return FIRN_OK;
}

/* Spec: a time with zone has the zone "+00:00". The "Z" of others is understood. */
static bool is_utc(firn_bytes text) {
  size_t n = text.len;
  return (n > 1 && text.data[n - 1] == 'Z') ||
         firn_bytes_is(firn_bytes_part(text, n < 6 ? 0 : n - 6, 6), "+00:00");
}

static firn_status read_text(const firn_json_value *json, const firn_field *type, firn_value *out,
                             firn_error *err) {
  firn_bytes text = json->text;
  bool read;
  switch (type->kind) {
    case FIRN_KIND_DECIMAL:
      read = firn_decimal_of_text(text, type->precision, type->scale, &out->dec);
      break;
    case FIRN_KIND_DATE:
      read = firn_date_parse(text, &out->i32, NULL) == FIRN_OK;
      break;
    case FIRN_KIND_TIME:
      read = firn_time_parse(text, FIRN_MICROS, &out->i64, NULL) == FIRN_OK;
      break;
    default: {
      bool zoned = is_zoned(type->kind);
      read = (!zoned || is_utc(text)) &&
             firn_timestamp_parse(text, unit_of(type->kind), zoned, &out->i64, NULL) == FIRN_OK;
    }
  }
  return read ? FIRN_OK : not_a(type, err);
}

firn_status firn_value_read_json(const firn_json_value *json, const firn_field *type, firn_arena *arena,
                                 firn_value *out, firn_error *err) {
  firn_value made = {.kind = type->kind};
  if (firn_kind_is_nested(type->kind) || type->kind >= FIRN_KIND_VARIANT) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s has no form as a single value",
                          firn_kind_name(type->kind));
  }
  if (json->kind == FIRN_JSON_NULL) {
    made.is_null = true;
    *out = made;
    return FIRN_OK;
  }
  switch (type->kind) {
    case FIRN_KIND_UNKNOWN:
      return not_a(type, err);
    case FIRN_KIND_BOOLEAN:
      if (json->kind != FIRN_JSON_TRUE && json->kind != FIRN_JSON_FALSE) {
        return not_a(type, err);
      }
      made.boolean = json->kind == FIRN_JSON_TRUE;
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
      FIRN_TRY(read_integer(json, type, &made, err));
      break;
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
      FIRN_TRY(read_floating(json, type, &made, err));
      break;
    default:
      if (json->kind != FIRN_JSON_STRING) {
        return not_a(type, err);
      }
      FIRN_TRY(firn_kind_is_bytes(type->kind) ? read_bytes(json, type, arena, &made, err)
                                              : read_text(json, type, &made, err));
  }
  *out = made;
  return FIRN_OK;
}

static void write_hex(firn_bytes bytes, firn_json_writer *w) {
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  uint8_t *room = bytes.len > SIZE_MAX / 2 ? NULL : firn_builder_reserve(&text, bytes.len * 2);
  for (size_t i = 0; i < bytes.len && room != NULL; i++) {
    room[2 * i] = (uint8_t)hex_digits[bytes.data[i] >> 4];
    room[2 * i + 1] = (uint8_t)hex_digits[bytes.data[i] & 15];
  }
  if (room == NULL && w->to->failed == FIRN_OK) {
    w->to->failed = text.failed != FIRN_OK ? text.failed : FIRN_LIMIT;
  }
  firn_json_write_bytes(w, (firn_bytes){room, room == NULL ? 0 : bytes.len * 2});
}

static void write_uuid(firn_bytes bytes, firn_json_writer *w) {
  char text[FIRN_UUID_TEXT];
  firn_uuid uuid;
  memcpy(uuid.bytes, bytes.data, sizeof uuid.bytes);
  firn_uuid_text(uuid, text);
  firn_json_write_text(w, text);
}

static void write_bytes(const firn_value *v, firn_json_writer *w) {
  if (v->kind == FIRN_KIND_STRING) {
    firn_json_write_bytes(w, v->bytes);
  } else if (v->kind == FIRN_KIND_UUID && v->bytes.len == UUID_BYTES) {
    write_uuid(v->bytes, w);
  } else {
    write_hex(v->bytes, w);
  }
}

static void write_time(const firn_value *v, firn_json_writer *w) {
  char text[FIRN_TIME_TEXT_MAX];
  size_t len;
  if (v->kind == FIRN_KIND_DATE) {
    len = firn_date_text(v->i32, text);
  } else if (v->kind != FIRN_KIND_TIME) {
    len = firn_timestamp_text(v->i64, unit_of(v->kind), is_zoned(v->kind), text);
  } else if (v->i64 >= 0 && v->i64 < FIRN_US_PER_DAY) {
    len = firn_time_text(v->i64, FIRN_MICROS, text);
  } else {
    firn_json_write_int64(w, v->i64); /* a foreign file's time that is no time of any day: shown as it is */
    return;
  }
  firn_json_write_bytes(w, (firn_bytes){(const uint8_t *)text, len});
}

void firn_value_write_json(const firn_value *v, const firn_field *type, firn_json_writer *w) {
  if (v->is_null) {
    firn_json_write_null(w);
    return;
  }
  char decimal[FIRN_DECIMAL_TEXT_MAX];
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      firn_json_write_bool(w, v->boolean);
      break;
    case FIRN_KIND_INT:
      firn_json_write_int64(w, v->i32);
      break;
    case FIRN_KIND_LONG:
      firn_json_write_int64(w, v->i64);
      break;
    case FIRN_KIND_FLOAT:
      firn_json_write_float(w, v->f32);
      break;
    case FIRN_KIND_DOUBLE:
      firn_json_write_double(w, v->f64);
      break;
    case FIRN_KIND_DECIMAL:
      (void)firn_decimal_text(v->dec, type->scale, decimal);
      firn_json_write_text(w, decimal);
      break;
    case FIRN_KIND_UNKNOWN:
      firn_json_write_null(w);
      break;
    default:
      if (firn_kind_is_bytes(v->kind)) {
        write_bytes(v, w);
      } else {
        write_time(v, w);
      }
  }
}

/* The two faces of structs. */
typedef enum face { BY_NAME, BY_ID } face;

static void write_any(const firn_vector *v, const firn_field *type, size_t i, face keys, firn_json_writer *w);

static void write_struct(const firn_vector *v, const firn_field *type, size_t i, face keys,
                         firn_json_writer *w) {
  firn_json_begin_object(w);
  for (uint32_t k = 0; k < type->n_children; k++) {
    const firn_field *field = &type->children[k];
    if (keys == BY_NAME) {
      firn_json_key(w, field->name);
    } else if (firn_vector_is_null(&v->children[k], i) || field->kind == FIRN_KIND_UNKNOWN) {
      continue;
    } else {
      char id[16];
      (void)snprintf(id, sizeof id, "%d", field->id);
      firn_json_key(w, id);
    }
    write_any(&v->children[k], field, i, keys, w);
  }
  firn_json_end_object(w);
}

static void write_items(const firn_vector *v, uint32_t child, const firn_field *type, size_t i, face keys,
                        firn_json_writer *w) {
  firn_json_begin_array(w);
  for (int32_t k = v->offsets[i]; k < v->offsets[i + 1]; k++) {
    write_any(&v->children[child], &type->children[child], (size_t)k, keys, w);
  }
  firn_json_end_array(w);
}

static void write_any(const firn_vector *v, const firn_field *type, size_t i, face keys,
                      firn_json_writer *w) {
  if (firn_kind_is_nested(type->kind) && firn_vector_is_null(v, i)) {
    firn_json_write_null(w);
    return;
  }
  switch (type->kind) {
    case FIRN_KIND_STRUCT:
      write_struct(v, type, i, keys, w);
      break;
    case FIRN_KIND_LIST:
      write_items(v, 0, type, i, keys, w);
      break;
    case FIRN_KIND_MAP:
      firn_json_begin_object(w);
      firn_json_key(w, "keys");
      write_items(v, 0, type, i, keys, w);
      firn_json_key(w, "values");
      write_items(v, 1, type, i, keys, w);
      firn_json_end_object(w);
      break;
    default: {
      firn_value value = firn_value_at(v, i);
      firn_value_write_json(&value, type, w);
    }
  }
}

void firn_vector_write_json(const firn_vector *v, const firn_field *type, size_t i, firn_json_writer *w) {
  write_any(v, type, i, BY_NAME, w);
}

void firn_vector_write_json_by_id(const firn_vector *v, const firn_field *type, size_t i,
                                  firn_json_writer *w) {
  write_any(v, type, i, BY_ID, w);
}
