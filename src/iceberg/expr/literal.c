#include "iceberg/expr/literal_internal.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/number.h"
#include "base/uuid.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/literal_time_internal.h"

enum { MAX_DIGITS = 38, MAX_EXPONENT = 9999, UUID_BYTES = 16 };

/* A number to be placed among others: unscaled * 10^exponent. */
typedef struct number {
  firn_decimal unscaled;
  int exponent;
} number;

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

/* "e-12" at the end of a number: what it moves the point by. */
static bool take_exponent(firn_bytes text, int *out) {
  size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
  int v = 0;
  if (at == text.len) {
    return false;
  }
  for (size_t i = at; i < text.len; i++) {
    if (!is_digit(text.data[i])) {
      return false;
    }
    v = v * 10 + (text.data[i] - '0');
    if (v > MAX_EXPONENT) {
      return false;
    }
  }
  *out = text.data[0] == '-' ? -v : v;
  return true;
}

bool firn_decimal_literal(firn_bytes text, firn_decimal *unscaled, int *exponent) {
  size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
  bool negative = at == 1 && text.data[0] == '-', point = false, any = false;
  firn_decimal v = 0;
  int digits = 0, behind = 0, moved = 0;
  for (; at < text.len && (is_digit(text.data[at]) || (text.data[at] == '.' && !point)); at++) {
    if (text.data[at] == '.') {
      point = true;
      continue;
    }
    any = true;
    if (digits > 0 || text.data[at] != '0') {
      digits++;
    }
    if (digits > MAX_DIGITS) {
      return false;
    }
    v = v * 10 + (text.data[at] - '0');
    behind += point;
  }
  if (!any || (at < text.len && (text.data[at] | 0x20) != 'e') ||
      (at < text.len && !take_exponent(firn_bytes_part(text, at + 1, text.len), &moved)) ||
      behind > MAX_EXPONENT) {
    return false;
  }
  *unscaled = negative ? -v : v;
  *exponent = moved - behind;
  return true;
}

static firn_status not_a(const firn_literal *in, const firn_field *type, firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "%s %s is no %s",
                        in->value.kind == FIRN_KIND_STRING ? "the text" : "a literal of type",
                        in->value.kind == FIRN_KIND_STRING ? "given" : firn_kind_name(in->value.kind),
                        firn_kind_name(type->kind));
}

static bool is_word(firn_bytes text, const char *lower) {
  size_t len = strlen(lower);
  if (text.len != len) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if ((text.data[i] | 0x20) != (uint8_t)lower[i]) {
      return false;
    }
  }
  return true;
}

/* NaN and the infinities, as people and JSON write them. */
static bool special_of(firn_bytes text, double *out) {
  bool negative = text.len > 1 && text.data[0] == '-';
  firn_bytes rest =
      firn_bytes_part(text, negative || (text.len > 1 && text.data[0] == '+') ? 1 : 0, text.len);
  if (is_word(rest, "nan")) {
    *out = (double)NAN;
    return true;
  }
  if (is_word(rest, "inf") || is_word(rest, "infinity")) {
    *out = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
  }
  return false;
}

/* The numbers that a literal can be: exactly, or as a double. */
typedef enum number_kind { NO_NUMBER, IS_EXACT, IS_DOUBLE } number_kind;

static number_kind number_of(const firn_literal *in, number *exact, double *real) {
  *exact = (number){0, 0};
  switch (in->value.kind) {
    case FIRN_KIND_INT:
      exact->unscaled = in->value.i32;
      return IS_EXACT;
    case FIRN_KIND_LONG:
      exact->unscaled = in->value.i64;
      return IS_EXACT;
    case FIRN_KIND_DECIMAL:
      *exact = (number){in->value.dec, -(int)in->scale};
      return IS_EXACT;
    case FIRN_KIND_FLOAT:
      *real = (double)in->value.f32;
      return IS_DOUBLE;
    case FIRN_KIND_DOUBLE:
      *real = in->value.f64;
      return IS_DOUBLE;
    case FIRN_KIND_STRING:
      if (special_of(in->value.bytes, real)) {
        return IS_DOUBLE;
      }
      return firn_decimal_literal(in->value.bytes, &exact->unscaled, &exact->exponent) ? IS_EXACT : NO_NUMBER;
    default:
      return NO_NUMBER;
  }
}

/* unscaled * 10^exponent as a multiple of 10^-scale, down to the next one. */
static firn_fit place(number n, unsigned scale, firn_decimal *out) {
  int shift = n.exponent + (int)scale;
  firn_decimal v = n.unscaled;
  for (; shift > 0 && v != 0; shift--) {
    if (__builtin_mul_overflow(v, (firn_decimal)10, &v)) {
      return n.unscaled < 0 ? FIRN_FIT_BELOW : FIRN_FIT_ABOVE;
    }
  }
  bool rest = false;
  for (; shift < 0 && v != 0; shift++) {
    rest = rest || v % 10 != 0;
    v /= 10;
  }
  *out = v - (rest && n.unscaled < 0 ? 1 : 0);
  return rest ? FIRN_FIT_BETWEEN : FIRN_FIT_EXACT;
}

/* The digits that a person would write for a double, as engines compare decimals with it. */
static number number_of_double(double v) {
  char text[FIRN_NUMBER_MAX];
  number n = {0, 0};
  size_t len = firn_number_of_double(v, text);
  bool read = firn_decimal_literal((firn_bytes){(const uint8_t *)text, len}, &n.unscaled, &n.exponent);
  assert(read);
  (void)read;
  return n;
}

static firn_fit place_double_in_integers(double v, firn_decimal *out) {
  const double beyond = 1e19; /* any integer type ends before */
  if (v != v || v > beyond) {
    return FIRN_FIT_ABOVE; /* NaN is greater than every number */
  }
  if (v < -beyond) {
    return FIRN_FIT_BELOW;
  }
  double whole = floor(v);
  *out = (firn_decimal)whole;
  return whole < v || whole > v ? FIRN_FIT_BETWEEN : FIRN_FIT_EXACT;
}

static firn_status to_exact(const firn_literal *in, const firn_field *type, firn_value *out, firn_fit *fit,
                            firn_error *err) {
  number exact;
  double real = 0;
  firn_decimal v = 0;
  bool is_decimal = type->kind == FIRN_KIND_DECIMAL;
  switch (number_of(in, &exact, &real)) {
    case NO_NUMBER:
      return not_a(in, type, err);
    case IS_EXACT:
      *fit = place(exact, is_decimal ? type->scale : 0, &v);
      break;
    default:
      if (is_decimal && real - real == 0) {
        *fit = place(number_of_double(real), type->scale, &v);
      } else {
        *fit = place_double_in_integers(real, &v);
      }
  }
  if (*fit > FIRN_FIT_BETWEEN) {
    return FIRN_OK;
  }
  bool fits = is_decimal ? firn_decimal_fits(v, type->precision)
                         : v >= (type->kind == FIRN_KIND_INT ? INT32_MIN : INT64_MIN) &&
                               v <= (type->kind == FIRN_KIND_INT ? INT32_MAX : INT64_MAX);
  if (!fits) {
    *fit = v < 0 ? FIRN_FIT_BELOW : FIRN_FIT_ABOVE;
  } else if (is_decimal) {
    out->dec = v;
  } else if (type->kind == FIRN_KIND_INT) {
    out->i32 = (int32_t)v;
  } else {
    out->i64 = (int64_t)v;
  }
  return FIRN_OK;
}

static firn_status exact_to_double(number n, double *out, firn_error *err) {
  char digits[FIRN_DECIMAL_TEXT_MAX];
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_bytes built;
  (void)firn_decimal_text(n.unscaled, 0, digits);
  firn_builder_addf(&text, "%se%d", digits, n.exponent);
  FIRN_TRY(firn_builder_finish(&text, &built, err));
  if (!firn_number_to_double(built, out)) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a number");
  }
  return FIRN_OK;
}

static firn_status to_real(const firn_literal *in, const firn_field *type, firn_value *out, firn_fit *fit,
                           firn_error *err) {
  number exact;
  double v = 0;
  switch (number_of(in, &exact, &v)) {
    case NO_NUMBER:
      return not_a(in, type, err);
    case IS_EXACT:
      FIRN_TRY(exact_to_double(exact, &v, err));
      if (v - v != 0) {
        *fit = v < 0 ? FIRN_FIT_BELOW : FIRN_FIT_ABOVE;
        return FIRN_OK;
      }
      break;
    default:
      break;
  }
  *fit = FIRN_FIT_EXACT;
  if (type->kind == FIRN_KIND_DOUBLE) {
    out->f64 = v;
  } else if (v - v == 0 && (v > (double)FLT_MAX || v < -(double)FLT_MAX)) {
    *fit = v < 0 ? FIRN_FIT_BELOW : FIRN_FIT_ABOVE;
  } else {
    out->f32 = (float)v;
  }
  return FIRN_OK;
}

static int hex_digit(uint8_t c) {
  if (is_digit(c)) {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static firn_status bytes_of_hex(const firn_literal *in, const firn_field *type, firn_arena *arena,
                                firn_bytes *out, firn_error *err) {
  firn_bytes text = in->value.bytes;
  uint8_t *bytes = text.len % 2 == 0 ? firn_arena_alloc_bytes(arena, text.len / 2) : NULL;
  if (text.len % 2 != 0) {
    return not_a(in, type, err);
  }
  if (bytes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a literal");
  }
  for (size_t i = 0; i < text.len; i += 2) {
    int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
    if (high < 0 || low < 0) {
      return not_a(in, type, err);
    }
    bytes[i / 2] = (uint8_t)(high << 4 | low);
  }
  *out = (firn_bytes){bytes, text.len / 2};
  return FIRN_OK;
}

static firn_status uuid_of_text(const firn_literal *in, const firn_field *type, firn_arena *arena,
                                firn_bytes *out, firn_error *err) {
  firn_uuid uuid;
  if (firn_uuid_parse(in->value.bytes, &uuid, NULL) != FIRN_OK) {
    return not_a(in, type, err);
  }
  *out = firn_arena_copy(arena, (firn_bytes){uuid.bytes, sizeof uuid.bytes});
  return out->data == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a literal") : FIRN_OK;
}

static firn_status to_bytes(const firn_literal *in, const firn_field *type, firn_arena *arena,
                            firn_value *out, firn_error *err) {
  firn_kind from = in->value.kind;
  bool is_text = from == FIRN_KIND_STRING;
  out->bytes = in->value.bytes;
  if (type->kind == FIRN_KIND_STRING) {
    return is_text ? FIRN_OK : not_a(in, type, err);
  }
  if (is_text) {
    FIRN_TRY(type->kind == FIRN_KIND_UUID ? uuid_of_text(in, type, arena, &out->bytes, err)
                                          : bytes_of_hex(in, type, arena, &out->bytes, err));
  } else if (from != FIRN_KIND_BINARY && from != FIRN_KIND_FIXED && from != FIRN_KIND_UUID) {
    return not_a(in, type, err);
  }
  if ((type->kind == FIRN_KIND_UUID && out->bytes.len != UUID_BYTES) ||
      (type->kind == FIRN_KIND_FIXED && out->bytes.len != type->width)) {
    return firn_error_set(err, FIRN_INVALID, "%zu bytes are no %s", out->bytes.len,
                          firn_kind_name(type->kind));
  }
  return FIRN_OK;
}

static firn_status to_boolean(const firn_literal *in, const firn_field *type, firn_value *out,
                              firn_error *err) {
  if (in->value.kind == FIRN_KIND_BOOLEAN) {
    out->boolean = in->value.boolean;
    return FIRN_OK;
  }
  out->boolean = in->value.kind == FIRN_KIND_STRING && is_word(in->value.bytes, "true");
  if (!out->boolean && (in->value.kind != FIRN_KIND_STRING || !is_word(in->value.bytes, "false"))) {
    return not_a(in, type, err);
  }
  return FIRN_OK;
}

firn_status firn_literal_convert(const firn_literal *in, const firn_field *type, firn_arena *arena,
                                 firn_value *out, firn_fit *fit, firn_error *err) {
  firn_value made = {.kind = type->kind};
  assert(!in->value.is_null);
  *fit = FIRN_FIT_EXACT;
  switch (type->kind) {
    case FIRN_KIND_BOOLEAN:
      FIRN_TRY(to_boolean(in, type, &made, err));
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_DECIMAL:
      FIRN_TRY(to_exact(in, type, &made, fit, err));
      break;
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
      FIRN_TRY(to_real(in, type, &made, fit, err));
      break;
    case FIRN_KIND_DATE:
    case FIRN_KIND_TIME:
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      if (!firn_literal_time(&in->value, type->kind, &made, fit)) {
        return not_a(in, type, err);
      }
      break;
    case FIRN_KIND_STRING:
    case FIRN_KIND_UUID:
    case FIRN_KIND_FIXED:
    case FIRN_KIND_BINARY:
      FIRN_TRY(to_bytes(in, type, arena, &made, err));
      break;
    default:
      return not_a(in, type, err);
  }
  *out = made;
  return FIRN_OK;
}
