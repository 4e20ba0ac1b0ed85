/* Values of one type as values of another, when they stay what they were. */
#include <inttypes.h>
#include <limits.h>

#include "base/number.h"
#include "base/time.h"
#include "iceberg/types/schema.h"
#include "iceberg/types/value.h"
#include "services/load/fit_internal.h"

enum { MAX_SCALE = 38 };

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

static bool is_exact_number(firn_kind k) {
  return k == FIRN_KIND_INT || k == FIRN_KIND_LONG || k == FIRN_KIND_DECIMAL;
}
static bool is_nanos(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP_NS || k == FIRN_KIND_TIMESTAMPTZ_NS;
}
static bool is_timestamp(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP || k == FIRN_KIND_TIMESTAMPTZ || is_nanos(k);
}
static bool is_zoned(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMPTZ || k == FIRN_KIND_TIMESTAMPTZ_NS;
}

static bool is_uuid_like(const firn_field *f) {
  return f->kind == FIRN_KIND_UUID || (f->kind == FIRN_KIND_FIXED && f->width == 16);
}

static bool is_same(const firn_field *from, const firn_field *to) {
  if (from->kind == FIRN_KIND_DECIMAL && to->kind == FIRN_KIND_DECIMAL) {
    return from->scale == to->scale && from->precision <= to->precision;
  }
  return (is_uuid_like(from) && is_uuid_like(to)) ||
         (from->kind == to->kind && (from->kind != FIRN_KIND_FIXED || from->width == to->width));
}

bool firn_fit_may_convert(const firn_field *from, const firn_field *to) {
  if (from->kind == FIRN_KIND_UNKNOWN || is_same(from, to)) {
    return true;
  }
  switch (to->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_DECIMAL:
      return is_exact_number(from->kind);
    case FIRN_KIND_FLOAT:
      return from->kind == FIRN_KIND_DOUBLE;
    case FIRN_KIND_DOUBLE:
      return from->kind == FIRN_KIND_FLOAT || is_exact_number(from->kind);
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMP_NS:
      return from->kind == FIRN_KIND_DATE || (is_timestamp(from->kind) && !is_zoned(from->kind));
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return is_zoned(from->kind);
    default:
      return false;
  }
}

static firn_decimal power_of_ten(unsigned n) {
  firn_decimal p = 1;
  for (unsigned i = 0; i < n; i++) {
    p *= 10;
  }
  return p;
}

static firn_decimal exact_at(const firn_vector *v, size_t i) {
  return v->kind == FIRN_KIND_INT ? v->i32[i] : v->kind == FIRN_KIND_LONG ? v->i64[i] : v->dec[i];
}

/* The unscaled value at another scale; false when digits would be lost. */
static bool rescale(firn_decimal v, unsigned from, unsigned to, firn_decimal *out) {
  unsigned by = to > from ? to - from : from - to;
  if (by > MAX_SCALE) {
    *out = 0;
    return v == 0;
  }
  if (to >= from) {
    return !__builtin_mul_overflow(v, power_of_ten(to - from), out);
  }
  firn_decimal divisor = power_of_ten(from - to);
  *out = v / divisor;
  return v % divisor == 0;
}

static bool put_exact(firn_decimal v, const firn_field *to, size_t i, firn_vector *out) {
  switch (to->kind) {
    case FIRN_KIND_INT:
      out->i32[i] = (int32_t)v;
      return v >= INT32_MIN && v <= INT32_MAX;
    case FIRN_KIND_LONG:
      out->i64[i] = (int64_t)v;
      return v >= INT64_MIN && v <= INT64_MAX;
    default:
      out->dec[i] = v;
      return firn_decimal_fits(v, to->precision);
  }
}

static bool exact_number(const firn_vector *in, const firn_field *from, const firn_field *to, size_t i,
                         firn_vector *out) {
  firn_decimal v;
  unsigned from_scale = from->kind == FIRN_KIND_DECIMAL ? from->scale : 0;
  unsigned to_scale = to->kind == FIRN_KIND_DECIMAL ? to->scale : 0;
  return rescale(exact_at(in, i), from_scale, to_scale, &v) && put_exact(v, to, i, out);
}

static bool to_double(const firn_vector *in, const firn_field *from, size_t i, firn_vector *out) {
  if (from->kind == FIRN_KIND_FLOAT) {
    out->f64[i] = (double)in->f32[i];
    return true;
  }
  if (from->kind == FIRN_KIND_DECIMAL) {
    char text[FIRN_DECIMAL_TEXT_MAX];
    size_t len = firn_decimal_text(in->dec[i], from->scale, text);
    return firn_number_to_double((firn_bytes){(const uint8_t *)text, len}, &out->f64[i]);
  }
  int64_t v = (int64_t)exact_at(in, i);
  out->f64[i] = (double)v;
  return v >= -EXACT_IN_DOUBLE && v <= EXACT_IN_DOUBLE;
}

static bool to_float(const firn_vector *in, size_t i, firn_vector *out) {
  double v = in->f64[i];
  bool is_finite = v - v == 0;
  if (is_finite && (v > (double)__FLT_MAX__ || v < -(double)__FLT_MAX__)) {
    return false;
  }
  out->f32[i] = (float)v;
  return !is_finite || (double)out->f32[i] == v;
}

static bool to_timestamp(const firn_vector *in, const firn_field *from, const firn_field *to, size_t i,
                         firn_vector *out) {
  if (from->kind == FIRN_KIND_DATE) {
    int64_t a_day = is_nanos(to->kind) ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY;
    return !__builtin_mul_overflow(in->i32[i], a_day, &out->i64[i]);
  }
  if (is_nanos(from->kind)) {
    out->i64[i] = in->i64[i] / 1000;
    return in->i64[i] % 1000 == 0;
  }
  return !__builtin_mul_overflow(in->i64[i], 1000, &out->i64[i]);
}

static bool convert_one(const firn_vector *in, const firn_field *from, const firn_field *to, size_t i,
                        firn_vector *out) {
  switch (to->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_DECIMAL:
      return exact_number(in, from, to, i, out);
    case FIRN_KIND_DOUBLE:
      return to_double(in, from, i, out);
    case FIRN_KIND_FLOAT:
      return to_float(in, i, out);
    default:
      return to_timestamp(in, from, to, i, out);
  }
}

static void show_value(const firn_vector *v, const firn_field *type, size_t i, char *into, size_t size) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(256);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_vector_write_json(v, type, i, &w);
  firn_bytes text = firn_builder_bytes(&b);
  size_t len = text.len < size - 1 ? text.len : size - 1;
  if (len > 0) {
    memcpy(into, text.data, len);
  }
  into[len] = '\0';
}

static firn_status refuse(const firn_vector *in, const firn_field *from, const firn_field *to, size_t i,
                          firn_error *err) {
  char value[64];
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(4096);
  show_value(in, from, i, value, sizeof value);
  const char *type = firn_type_text(to, &arena);
  return firn_error_set(err, FIRN_INVALID, "%s is no %s", value,
                        type == NULL ? firn_kind_name(to->kind) : type);
}

static firn_status all_null(const firn_field *to, size_t n, firn_arena *arena, firn_vector *out,
                            firn_error *err) {
  FIRN_TRY(firn_vector_new(to, n, arena, out, err));
  out->len = n;
  out->validity = firn_new_n(arena, uint64_t, firn_bit_words(n));
  if (out->validity == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu nulls", n);
  }
  out->n_nulls = n;
  for (uint32_t i = 0; to->kind == FIRN_KIND_STRUCT && i < out->n_children; i++) {
    FIRN_TRY(all_null(&to->children[i], n, arena, &out->children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_fit_convert(const firn_vector *from, const firn_field *from_type, const firn_field *to,
                             size_t n, firn_arena *arena, firn_vector *out, size_t *bad_row,
                             firn_error *err) {
  if (from == NULL || from_type->kind == FIRN_KIND_UNKNOWN) {
    return all_null(to, n, arena, out, err);
  }
  *out = *from;
  out->kind = to->kind;
  if (is_same(from_type, to)) {
    return FIRN_OK;
  }
  out->values = firn_arena_alloc_n(arena, n, firn_kind_value_size(to->kind));
  if (out->values == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu values", n);
  }
  for (size_t i = 0; i < n; i++) {
    if (!firn_vector_is_null(from, i) && !convert_one(from, from_type, to, i, out)) {
      *bad_row = i;
      return refuse(from, from_type, to, i, err);
    }
  }
  return FIRN_OK;
}
