#include "rows/text_internal.h"

#include "base/json.h"
#include "base/number.h"
#include "base/time.h"
#include "base/uuid.h"
#include "iceberg/types/value.h"

enum { MAX_DIGITS = 76, MAX_EXPONENT = 1000, LONGEST_TIME = 64, UUID_BYTES = 16 };

/* --- numbers --- */

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

bool firn_text_is_number(firn_bytes text, bool *is_integer) {
  size_t i = text.len > 0 && text.data[0] == '-' ? 1 : 0;
  size_t start = i;
  while (i < text.len && is_digit(text.data[i])) {
    i++;
  }
  if (i == start || (text.data[start] == '0' && i - start > 1)) { /* 007 is a code, no number */
    return false;
  }
  *is_integer = i == text.len;
  if (i < text.len && text.data[i] == '.') {
    size_t point = i++;
    while (i < text.len && is_digit(text.data[i])) {
      i++;
    }
    if (i == point + 1) {
      return false;
    }
  }
  if (i < text.len && (text.data[i] | 0x20) == 'e') {
    i++;
    i += i < text.len && (text.data[i] == '+' || text.data[i] == '-');
    size_t digits = i;
    while (i < text.len && is_digit(text.data[i])) {
      i++;
    }
    if (i == digits) {
      return false;
    }
  }
  return i == text.len;
}

/* A decimal number taken apart: digits without zeros at either end, and the place of the point: the number is
 * 0.DIGITS * 10^point. */
typedef struct parts {
  bool negative;
  unsigned n;
  long point;
  uint8_t digits[MAX_DIGITS];
} parts;

static bool take_exponent(firn_bytes text, long *out) {
  size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
  long v = 0;
  if (i == text.len) {
    return false;
  }
  for (size_t k = i; k < text.len; k++) {
    if (!is_digit(text.data[k])) {
      return false;
    }
    v = v < MAX_EXPONENT ? v * 10 + (text.data[k] - '0') : MAX_EXPONENT;
  }
  *out = text.data[0] == '-' ? -v : v;
  return true;
}

static bool take_apart(firn_bytes text, parts *out) {
  size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
  bool is_behind = false, is_any = false;
  *out = (parts){.negative = i == 1 && text.data[0] == '-'};
  for (; i < text.len && (text.data[i] | 0x20) != 'e'; i++) {
    uint8_t c = text.data[i];
    if (c == '.' && !is_behind) {
      is_behind = true;
      continue;
    }
    if (!is_digit(c)) {
      return false;
    }
    is_any = true;
    if (out->n == 0 && c == '0') { /* zeros in front only move the point */
      out->point -= is_behind;
      continue;
    }
    if (out->n == MAX_DIGITS) {
      return false;
    }
    out->digits[out->n++] = (uint8_t)(c - '0');
    out->point += !is_behind;
  }
  long exponent = 0;
  if (!is_any || (i < text.len && !take_exponent(firn_bytes_part(text, i + 1, text.len), &exponent))) {
    return false;
  }
  out->point = out->n == 0 ? 0 : out->point + exponent;
  while (out->n > 0 && out->digits[out->n - 1] == 0) {
    out->n--;
  }
  return true;
}

bool firn_number_digits(firn_bytes text, unsigned *before, unsigned *behind) {
  parts p;
  if (!take_apart(text, &p) || p.point > MAX_DIGITS || (long)p.n - p.point > MAX_DIGITS) {
    return false;
  }
  *before = p.point > 0 ? (unsigned)p.point : 0;
  *behind = (long)p.n > p.point ? (unsigned)((long)p.n - p.point) : 0;
  return true;
}

bool firn_decimal_of_number(firn_bytes text, unsigned precision, unsigned scale, firn_decimal *out) {
  parts p;
  if (!take_apart(text, &p) || (long)p.n - p.point > (long)scale ||
      (p.n > 0 && p.point + (long)scale > (long)precision)) {
    return false;
  }
  firn_decimal v = 0; /* at most `precision` digits, 38: no overflow */
  for (unsigned i = 0; i < p.n; i++) {
    v = v * 10 + p.digits[i];
  }
  for (long i = (long)p.n - p.point; p.n > 0 && i < (long)scale; i++) {
    v *= 10;
  }
  *out = p.negative ? -v : v;
  return true;
}

static firn_status set_integer(firn_column *column, size_t i, firn_bytes number, bool is_integer) {
  firn_json_token token = {.kind = FIRN_JSON_NUMBER, .raw = number, .is_integer = is_integer};
  int64_t v;
  if (!is_integer) { /* 1.0 and 1e3 are integers all the same */
    firn_decimal exact;
    if (!firn_decimal_of_number(number, 19, 0, &exact) || exact < INT64_MIN || exact > INT64_MAX) {
      return FIRN_INVALID;
    }
    v = (int64_t)exact;
  } else if (firn_json_int64(&token, &v, NULL) != FIRN_OK) {
    return FIRN_INVALID;
  }
  if (column->field->kind == FIRN_KIND_LONG) {
    column->v->i64[i] = v;
  } else if (v >= INT32_MIN && v <= INT32_MAX) {
    column->v->i32[i] = (int32_t)v;
  } else {
    return FIRN_INVALID;
  }
  firn_column_set_valid(column, i);
  return FIRN_OK;
}

static firn_status set_floating(firn_column *column, size_t i, double v) {
  if (column->field->kind == FIRN_KIND_DOUBLE) {
    column->v->f64[i] = v;
  } else {
    bool is_finite = v - v == 0;
    if (is_finite && (v > (double)__FLT_MAX__ || v < -(double)__FLT_MAX__)) {
      return FIRN_INVALID;
    }
    column->v->f32[i] = (float)v;
  }
  firn_column_set_valid(column, i);
  return FIRN_OK;
}

firn_status firn_column_set_number(firn_column *column, size_t i, firn_bytes number, bool is_integer,
                                   firn_error *err) {
  double v;
  switch (column->field->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
      return set_integer(column, i, number, is_integer);
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
      if (!firn_number_to_double(number, &v)) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for a number of %zu bytes", number.len);
      }
      return v - v != 0 ? FIRN_INVALID : set_floating(column, i, v);
    case FIRN_KIND_DECIMAL:
      if (!firn_decimal_of_number(number, column->field->precision, column->field->scale,
                                  &column->v->dec[i])) {
        return FIRN_INVALID;
      }
      firn_column_set_valid(column, i);
      return FIRN_OK;
    default:
      return FIRN_INVALID;
  }
}

static firn_status set_number_text(firn_column *column, size_t i, firn_bytes text, firn_error *err) {
  bool is_integer;
  bool is_plus = text.len > 1 && text.data[0] == '+';
  firn_bytes number = is_plus ? firn_bytes_part(text, 1, text.len) : text;
  if (firn_text_is_number(number, &is_integer) && !(is_plus && number.data[0] == '-')) {
    return firn_column_set_number(column, i, number, is_integer, err);
  }
  firn_json_token token = {.kind = FIRN_JSON_STRING, .raw = text};
  double v;
  bool is_floating = column->field->kind == FIRN_KIND_FLOAT || column->field->kind == FIRN_KIND_DOUBLE;
  if (is_floating && firn_json_double(&token, &v, NULL) == FIRN_OK) { /* NaN and the infinities */
    return set_floating(column, i, v);
  }
  firn_decimal exact; /* "007" where a number is wanted */
  if (column->field->kind == FIRN_KIND_DECIMAL &&
      firn_decimal_of_number(number, column->field->precision, column->field->scale, &exact)) {
    column->v->dec[i] = exact;
    firn_column_set_valid(column, i);
    return FIRN_OK;
  }
  return FIRN_INVALID;
}

/* --- times --- */

bool firn_text_date(firn_bytes text, int32_t *out) {
  bool may_be = text.len >= 10 && (is_digit(text.data[0]) || text.data[0] == '+' || text.data[0] == '-');
  return may_be && firn_date_parse(text, out, NULL) == FIRN_OK;
}

bool firn_text_timestamp(firn_bytes text, firn_kind kind, int64_t *out) {
  uint8_t copy[LONGEST_TIME + 3];
  bool zoned = kind == FIRN_KIND_TIMESTAMPTZ || kind == FIRN_KIND_TIMESTAMPTZ_NS;
  bool ns = kind == FIRN_KIND_TIMESTAMP_NS || kind == FIRN_KIND_TIMESTAMPTZ_NS;
  if (text.len < 19 || text.len > LONGEST_TIME) {
    return false;
  }
  const uint8_t *blank = memchr(text.data, ' ', text.len);
  size_t len = text.len;
  if (blank != NULL || (zoned && text.data[len - 3] != ':')) {
    memcpy(copy, text.data, len);
    if (blank != NULL) {
      copy[blank - text.data] = 'T';
    }
    if (zoned && (copy[len - 3] == '+' || copy[len - 3] == '-')) { /* hours alone */
      memcpy(copy + len, ":00", 3);
      len += 3;
    }
    text = (firn_bytes){copy, len};
  }
  return firn_timestamp_parse(text, ns ? FIRN_NANOS : FIRN_MICROS, zoned, out, NULL) == FIRN_OK;
}

static bool set_time(firn_column *column, size_t i, firn_bytes text) {
  switch (column->field->kind) {
    case FIRN_KIND_DATE:
      return firn_text_date(text, &column->v->i32[i]);
    case FIRN_KIND_TIME:
      return firn_time_parse(text, FIRN_MICROS, &column->v->i64[i], NULL) == FIRN_OK;
    default:
      return firn_text_timestamp(text, column->field->kind, &column->v->i64[i]);
  }
}

/* --- bytes --- */

static int hex_digit(uint8_t c) {
  if (is_digit(c)) {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static firn_status set_hex(firn_columns *c, firn_column *column, size_t i, firn_bytes text, firn_error *err) {
  size_t len = text.len / 2;
  if (text.len % 2 != 0 || (column->field->kind == FIRN_KIND_FIXED && len != column->field->width)) {
    return FIRN_INVALID;
  }
  uint8_t *bytes = firn_arena_alloc_bytes(&c->arena, len);
  if (bytes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a value of %zu bytes", len);
  }
  for (size_t k = 0; k < len; k++) {
    int high = hex_digit(text.data[2 * k]), low = hex_digit(text.data[2 * k + 1]);
    if (high < 0 || low < 0) {
      return FIRN_INVALID;
    }
    bytes[k] = (uint8_t)(high << 4 | low);
  }
  column->v->bytes[i] = (firn_bytes){bytes, len};
  firn_column_set_valid(column, i);
  return FIRN_OK;
}

static firn_status set_uuid(firn_columns *c, firn_column *column, size_t i, firn_bytes text,
                            firn_error *err) {
  firn_uuid uuid;
  if (firn_uuid_parse(text, &uuid, NULL) != FIRN_OK) {
    return FIRN_INVALID;
  }
  firn_bytes copy = firn_arena_copy(&c->arena, (firn_bytes){uuid.bytes, UUID_BYTES});
  if (copy.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a UUID");
  }
  column->v->bytes[i] = copy;
  firn_column_set_valid(column, i);
  return FIRN_OK;
}

static bool set_boolean(firn_column *column, size_t i, firn_bytes text) {
  static const char *const words[] = {"false", "true", "FALSE", "TRUE", "False", "True"};
  for (size_t k = 0; k < FIRN_COUNT_OF(words); k++) {
    if (firn_bytes_is(text, words[k])) {
      firn_column_set_bit(column, i, k % 2 == 1);
      return true;
    }
  }
  return false;
}

firn_status firn_column_set_text(firn_columns *c, firn_column *column, size_t i, firn_bytes text,
                                 firn_error *err) {
  switch (column->field->kind) {
    case FIRN_KIND_STRING:
      column->v->bytes[i] = text;
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
    case FIRN_KIND_DECIMAL:
      return set_number_text(column, i, text, err);
    case FIRN_KIND_BOOLEAN:
      if (!set_boolean(column, i, text)) {
        return FIRN_INVALID;
      }
      break;
    case FIRN_KIND_DATE:
    case FIRN_KIND_TIME:
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      if (!set_time(column, i, text)) {
        return FIRN_INVALID;
      }
      break;
    case FIRN_KIND_UUID:
      return set_uuid(c, column, i, text, err);
    case FIRN_KIND_FIXED:
    case FIRN_KIND_BINARY:
      return set_hex(c, column, i, text, err);
    default:
      return FIRN_INVALID;
  }
  firn_column_set_valid(column, i);
  return FIRN_OK;
}
