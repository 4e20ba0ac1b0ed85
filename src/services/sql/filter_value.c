#include "services/sql/filter_value_internal.h"

#include "base/builder.h"
#include "base/number.h"
#include "base/time.h"

static bool is_type(firn_bytes id, const char *name) {
  return firn_bytes_is(id, name);
}

static bool read_double(const firn_json_value *v, double *out) {
  return v->kind == FIRN_JSON_NUMBER && firn_number_to_double(v->text, out);
}

/* A number that fits in 64 bits without a sign. */
static bool read_u64(const firn_json_value *v, uint64_t *out) {
  if (v == NULL || v->kind != FIRN_JSON_NUMBER || v->text.len == 0 || v->text.len > 20) {
    return false;
  }
  uint64_t n = 0;
  for (size_t i = 0; i < v->text.len; i++) {
    uint8_t c = v->text.data[i];
    if (c < '0' || c > '9' || n > (UINT64_MAX - (uint64_t)(c - '0')) / 10) {
      return false;
    }
    n = n * 10 + (uint64_t)(c - '0');
  }
  *out = n;
  return true;
}

/* {"upper": signed, "lower": unsigned}, or a number. */
static bool read_wide(const firn_json_value *v, firn_decimal *out) {
  int64_t upper;
  uint64_t lower;
  if (v->kind == FIRN_JSON_NUMBER) {
    bool fits = firn_json_value_int64(v, &upper);
    *out = upper;
    return fits;
  }
  const firn_json_value *high = firn_json_get(v, "upper");
  if (high == NULL || !firn_json_value_int64(high, &upper) || !read_u64(firn_json_get(v, "lower"), &lower)) {
    return false;
  }
  *out = (firn_decimal)upper * ((firn_decimal)1 << 64) + lower;
  return true;
}

static bool decimal_literal(const firn_json_value *v, unsigned scale, firn_literal *out) {
  enum { PRECISION_MAX = 38 };
  firn_decimal unscaled;
  if (scale > PRECISION_MAX || !read_wide(v, &unscaled) || !firn_decimal_fits(unscaled, PRECISION_MAX)) {
    return false;
  }
  *out = (firn_literal){.value = {.kind = FIRN_KIND_DECIMAL, .dec = unscaled},
                        .precision = PRECISION_MAX,
                        .scale = (uint8_t)scale};
  return true;
}

static bool scale_of(const firn_json_value *type, unsigned *out) {
  const firn_json_value *scale = firn_json_get_some(firn_json_get_some(type, "type_info"), "scale");
  int64_t v;
  if (scale == NULL || !firn_json_value_int64(scale, &v) || v < 0 || v > 38) {
    return false;
  }
  *out = (unsigned)v;
  return true;
}

/* The engine keeps UUIDs with their first bit turned. */
static bool uuid_literal(const firn_json_value *v, firn_arena *arena, firn_literal *out) {
  firn_decimal wide;
  uint8_t *bytes = firn_arena_alloc_bytes(arena, 16);
  if (bytes == NULL || !read_wide(v, &wide)) {
    return false;
  }
  for (size_t i = 0; i < 16; i++) {
    bytes[15 - i] = (uint8_t)(wide & 0xFF);
    wide >>= 8;
  }
  bytes[0] ^= 0x80;
  *out = (firn_literal){.value = {.kind = FIRN_KIND_UUID, .bytes = {bytes, 16}}};
  return true;
}

static int hex(uint8_t c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

/* \xAA for a byte that is no plain letter. */
static bool blob_literal(const firn_json_value *v, firn_arena *arena, firn_literal *out) {
  if (v->kind != FIRN_JSON_STRING) {
    return false;
  }
  uint8_t *bytes = firn_arena_alloc_bytes(arena, v->text.len + 1);
  size_t n = 0;
  for (size_t i = 0; bytes != NULL && i < v->text.len; n++) {
    if (v->text.data[i] != '\\') {
      bytes[n] = v->text.data[i++];
      continue;
    }
    if (i + 3 >= v->text.len || v->text.data[i + 1] != 'x' || hex(v->text.data[i + 2]) < 0 ||
        hex(v->text.data[i + 3]) < 0) {
      return false;
    }
    bytes[n] = (uint8_t)(hex(v->text.data[i + 2]) * 16 + hex(v->text.data[i + 3]));
    i += 4;
  }
  *out = (firn_literal){.value = {.kind = FIRN_KIND_BINARY, .bytes = {bytes, n}}};
  return bytes != NULL;
}

static bool whole_literal(const firn_json_value *v, firn_kind kind, firn_literal *out) {
  int64_t n;
  if (!firn_json_value_int64(v, &n) || (kind == FIRN_KIND_DATE && (n < INT32_MIN || n > INT32_MAX))) {
    return false;
  }
  *out = (firn_literal){.value = {.kind = kind}};
  if (kind == FIRN_KIND_DATE) {
    out->value.i32 = (int32_t)n;
  } else {
    out->value.i64 = n;
  }
  return true;
}

static bool float_literal(const firn_json_value *v, bool is_double, firn_literal *out) {
  double d;
  if (!read_double(v, &d)) {
    return false;
  }
  *out = (firn_literal){.value = {.kind = is_double ? FIRN_KIND_DOUBLE : FIRN_KIND_FLOAT}};
  if (is_double) {
    out->value.f64 = d;
  } else {
    out->value.f32 = (float)d;
  }
  return true;
}

bool firn_filter_literal(const firn_json_value *constant, firn_arena *arena, firn_literal *out) {
  static const struct {
    const char *id;
    firn_kind kind;
  } whole[] = {
      {"TINYINT", FIRN_KIND_LONG},        {"SMALLINT", FIRN_KIND_LONG},
      {"INTEGER", FIRN_KIND_LONG},        {"BIGINT", FIRN_KIND_LONG},
      {"UTINYINT", FIRN_KIND_LONG},       {"USMALLINT", FIRN_KIND_LONG},
      {"UINTEGER", FIRN_KIND_LONG},       {"UBIGINT", FIRN_KIND_LONG},
      {"DATE", FIRN_KIND_DATE},           {"TIME", FIRN_KIND_TIME},
      {"TIMESTAMP", FIRN_KIND_TIMESTAMP}, {"TIMESTAMP WITH TIME ZONE", FIRN_KIND_TIMESTAMPTZ},
  };
  const firn_json_value *is_null = firn_json_get(constant, "is_null");
  const firn_json_value *type = firn_json_get_some(constant, "type"),
                        *v = firn_json_get_some(constant, "value");
  const firn_json_value *id = firn_json_get_some(type, "id");
  if (is_null == NULL || is_null->kind != FIRN_JSON_FALSE || v == NULL || id == NULL ||
      id->kind != FIRN_JSON_STRING) {
    return false;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(whole); i++) {
    if (is_type(id->text, whole[i].id)) {
      return whole_literal(v, whole[i].kind, out);
    }
  }
  if (is_type(id->text, "BOOLEAN")) {
    *out = firn_literal_bool(v->kind == FIRN_JSON_TRUE);
    return v->kind == FIRN_JSON_TRUE || v->kind == FIRN_JSON_FALSE;
  }
  if (is_type(id->text, "VARCHAR")) {
    *out = (firn_literal){.value = {.kind = FIRN_KIND_STRING, .bytes = v->text}};
    return v->kind == FIRN_JSON_STRING && firn_json_get_some(type, "type_info") == NULL;
  }
  unsigned scale = 0;
  if (is_type(id->text, "DECIMAL")) {
    return scale_of(type, &scale) && decimal_literal(v, scale, out);
  }
  if (is_type(id->text, "HUGEINT")) {
    return decimal_literal(v, 0, out);
  }
  if (is_type(id->text, "FLOAT") || is_type(id->text, "DOUBLE")) {
    return float_literal(v, is_type(id->text, "DOUBLE"), out);
  }
  if (is_type(id->text, "UUID")) {
    return uuid_literal(v, arena, out);
  }
  return is_type(id->text, "BLOB") && blob_literal(v, arena, out);
}

bool firn_filter_cast_is_known(const firn_field *field, const firn_json_value *type) {
  const firn_json_value *id = firn_json_get_some(type, "id");
  unsigned scale;
  if (id == NULL || id->kind != FIRN_JSON_STRING) {
    return false;
  }
  switch (field->kind) {
    case FIRN_KIND_INT:
      return is_type(id->text, "BIGINT") || is_type(id->text, "HUGEINT") || is_type(id->text, "DECIMAL");
    case FIRN_KIND_LONG:
      return is_type(id->text, "HUGEINT") || is_type(id->text, "DECIMAL");
    case FIRN_KIND_DECIMAL: /* not where digits are rounded away */
      return is_type(id->text, "DECIMAL") && scale_of(type, &scale) && scale >= field->scale;
    case FIRN_KIND_DATE:
      return is_type(id->text, "TIMESTAMP");
    case FIRN_KIND_TIMESTAMP: /* the engine's time zone is UTC */
      return is_type(id->text, "TIMESTAMP WITH TIME ZONE") || is_type(id->text, "DATE");
    case FIRN_KIND_TIMESTAMPTZ:
      return is_type(id->text, "DATE");
    default:
      return false;
  }
}

static const firn_expr *unknown(bool *is_exact) {
  *is_exact = false;
  return firn_expr_constant(true);
}

/* What is not null, or nothing. */
static const firn_expr *not_null_or_none(const firn_filter_term *term, bool all, firn_arena *arena) {
  return all ? firn_expr_unary(FIRN_EXPR_NOT_NULL, term->name, arena) : firn_expr_constant(false);
}

/* op on the column's own kind; NOT_EQ is true for null in firn and not in SQL. */
static const firn_expr *plain(const firn_filter_term *term, firn_expr_op op, firn_literal literal,
                              firn_arena *arena) {
  const firn_expr *e = firn_expr_compare(op, term->name, literal, arena);
  return op != FIRN_EXPR_NOT_EQ
             ? e
             : firn_expr_and(e, firn_expr_unary(FIRN_EXPR_NOT_NULL, term->name, arena), arena);
}

/* low <= column < high, where cast(column) is one value; for the other comparisons the end that it has. */
static const firn_expr *in_range(const firn_filter_term *term, firn_expr_op op, firn_literal low,
                                 firn_literal high, firn_arena *arena) {
  switch (op) {
    case FIRN_EXPR_LT:
      return plain(term, FIRN_EXPR_LT, low, arena);
    case FIRN_EXPR_GT_EQ:
      return plain(term, FIRN_EXPR_GT_EQ, low, arena);
    case FIRN_EXPR_LT_EQ:
      return plain(term, FIRN_EXPR_LT, high, arena);
    case FIRN_EXPR_GT:
      return plain(term, FIRN_EXPR_GT_EQ, high, arena);
    case FIRN_EXPR_EQ:
      return firn_expr_and(plain(term, FIRN_EXPR_GT_EQ, low, arena), plain(term, FIRN_EXPR_LT, high, arena),
                           arena);
    default:
      return firn_expr_or(plain(term, FIRN_EXPR_LT, low, arena), plain(term, FIRN_EXPR_GT_EQ, high, arena),
                          arena);
  }
}

/* cast(time as date) op day. */
static const firn_expr *time_by_day(const firn_filter_term *term, firn_expr_op op, int32_t day,
                                    firn_arena *arena, bool *is_exact) {
  const int32_t last = INT32_MAX / 40; /* far beyond what 64 bits of microseconds hold */
  if (day < -last || day > last) {
    return unknown(is_exact);
  }
  firn_literal low = {.value = {.kind = term->field->kind, .i64 = day * FIRN_US_PER_DAY}}, high = low;
  high.value.i64 += FIRN_US_PER_DAY;
  return in_range(term, op, low, high, arena);
}

/* cast(date as timestamp) op time: a date is its midnight. */
static const firn_expr *date_by_time(const firn_filter_term *term, firn_expr_op op, int64_t us,
                                     firn_arena *arena, bool *is_exact) {
  int64_t day = firn_floor_div(us, FIRN_US_PER_DAY);
  bool is_midnight = firn_floor_mod(us, FIRN_US_PER_DAY) == 0;
  firn_literal literal = {.value = {.kind = FIRN_KIND_DATE, .i32 = (int32_t)day}};
  if (day < INT32_MIN || day > INT32_MAX) {
    return unknown(is_exact);
  }
  if (is_midnight) {
    return plain(term, op, literal, arena);
  }
  switch (op) {
    case FIRN_EXPR_LT:
    case FIRN_EXPR_LT_EQ:
      return plain(term, FIRN_EXPR_LT_EQ, literal, arena);
    case FIRN_EXPR_GT:
    case FIRN_EXPR_GT_EQ:
      return plain(term, FIRN_EXPR_GT, literal, arena);
    default:
      return not_null_or_none(term, op == FIRN_EXPR_NOT_EQ, arena);
  }
}

static firn_literal zero(const firn_literal *like, bool is_negative) {
  firn_literal z = *like;
  if (z.value.kind == FIRN_KIND_DOUBLE) {
    z.value.f64 = is_negative ? -0.0 : 0.0;
  } else {
    z.value.f32 = is_negative ? -0.0F : 0.0F;
  }
  return z;
}

/* The engine's zero has no sign; bounds of files have. */
static const firn_expr *by_zero(const firn_filter_term *term, firn_expr_op op, firn_literal literal,
                                firn_arena *arena) {
  firn_literal low = zero(&literal, true), high = zero(&literal, false);
  switch (op) {
    case FIRN_EXPR_LT:
    case FIRN_EXPR_GT_EQ:
      return plain(term, op, low, arena);
    case FIRN_EXPR_GT:
    case FIRN_EXPR_LT_EQ:
      return plain(term, op, high, arena);
    case FIRN_EXPR_EQ:
      return firn_expr_and(plain(term, FIRN_EXPR_GT_EQ, low, arena),
                           plain(term, FIRN_EXPR_LT_EQ, high, arena), arena);
    default:
      return firn_expr_or(plain(term, FIRN_EXPR_LT, low, arena), plain(term, FIRN_EXPR_GT, high, arena),
                          arena);
  }
}

static bool is_zero(const firn_literal *l) {
  return (l->value.kind == FIRN_KIND_DOUBLE && l->value.f64 == 0) ||
         (l->value.kind == FIRN_KIND_FLOAT && l->value.f32 == 0);
}

/* Bytes that have another order here than there are only equal or not. */
static bool orders_alike(firn_kind kind, firn_expr_op op) {
  bool is_equality = op == FIRN_EXPR_EQ || op == FIRN_EXPR_NOT_EQ;
  return (kind != FIRN_KIND_UUID && kind != FIRN_KIND_FIXED) || is_equality;
}

static bool is_of_kind(const firn_field *field, const firn_literal *l) {
  switch (field->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_DECIMAL:
      return l->value.kind == FIRN_KIND_LONG || l->value.kind == FIRN_KIND_DECIMAL;
    case FIRN_KIND_FIXED:
      return l->value.kind == FIRN_KIND_BINARY && l->value.bytes.len == field->width;
    case FIRN_KIND_BOOLEAN:
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
    case FIRN_KIND_DATE:
    case FIRN_KIND_TIME:
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_STRING:
    case FIRN_KIND_UUID:
    case FIRN_KIND_BINARY:
      return l->value.kind == field->kind;
    default:
      return false;
  }
}

const firn_expr *firn_filter_compare(const firn_filter_term *term, firn_expr_op op, firn_literal literal,
                                     firn_arena *arena, bool *is_exact) {
  firn_kind kind = term->field->kind;
  *is_exact = true;
  if (is_type(term->cast_type, "DATE") && literal.value.kind == FIRN_KIND_DATE) {
    return time_by_day(term, op, literal.value.i32, arena, is_exact);
  }
  if (kind == FIRN_KIND_DATE && is_type(term->cast_type, "TIMESTAMP") &&
      literal.value.kind == FIRN_KIND_TIMESTAMP) {
    return date_by_time(term, op, literal.value.i64, arena, is_exact);
  }
  if (kind == FIRN_KIND_TIMESTAMP && is_type(term->cast_type, "TIMESTAMP WITH TIME ZONE") &&
      literal.value.kind == FIRN_KIND_TIMESTAMPTZ) {
    literal.value.kind = FIRN_KIND_TIMESTAMP;
  }
  if (!is_of_kind(term->field, &literal) || !orders_alike(kind, op)) {
    return unknown(is_exact);
  }
  if (kind == FIRN_KIND_FIXED) {
    literal.value.kind = FIRN_KIND_FIXED;
  }
  return is_zero(&literal) ? by_zero(term, op, literal, arena) : plain(term, op, literal, arena);
}
