/* Primitive types as text. Spec: Appendix C, Schemas: the canonical forms are written; blanks around
 * parameters are read too. */
#include "iceberg/types/schema.h"
#include "iceberg/types/type_text_internal.h"

enum { MAX_PRECISION = 38, MAX_TYPE_TEXT = 4096 };

static const firn_kind plain_kinds[] = {
    FIRN_KIND_UNKNOWN,   FIRN_KIND_BOOLEAN,     FIRN_KIND_INT,          FIRN_KIND_LONG,
    FIRN_KIND_FLOAT,     FIRN_KIND_DOUBLE,      FIRN_KIND_DATE,         FIRN_KIND_TIME,
    FIRN_KIND_TIMESTAMP, FIRN_KIND_TIMESTAMPTZ, FIRN_KIND_TIMESTAMP_NS, FIRN_KIND_TIMESTAMPTZ_NS,
    FIRN_KIND_STRING,    FIRN_KIND_UUID,        FIRN_KIND_BINARY,       FIRN_KIND_VARIANT,
    FIRN_KIND_GEOMETRY,  FIRN_KIND_GEOGRAPHY,
};

static firn_bytes trimmed(firn_bytes text) {
  while (text.len > 0 && text.data[0] == ' ') {
    text = firn_bytes_part(text, 1, text.len - 1);
  }
  while (text.len > 0 && text.data[text.len - 1] == ' ') {
    text.len--;
  }
  return text;
}

/* What stands between `open` and the closing character at the end, when `text` is `name` and that. */
static bool parameters_of(firn_bytes text, const char *name, char open, char close, firn_bytes *out) {
  size_t len = strlen(name);
  if (!firn_bytes_has_prefix(text, firn_bytes_of(name))) {
    return false;
  }
  firn_bytes rest = trimmed(firn_bytes_part(text, len, text.len - len));
  if (rest.len < 2 || rest.data[0] != (uint8_t)open || rest.data[rest.len - 1] != (uint8_t)close) {
    return false;
  }
  *out = trimmed(firn_bytes_part(rest, 1, rest.len - 2));
  return true;
}

/* A decimal number of up to nine digits, nothing else. */
static bool small_number(firn_bytes text, uint32_t *out) {
  uint32_t n = 0;
  if (text.len == 0 || text.len > 9) {
    return false;
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    n = n * 10 + (uint32_t)(text.data[i] - '0');
  }
  *out = n;
  return true;
}

/* Cuts "a, b" at its first comma; false when there is none. */
static bool cut_at_comma(firn_bytes text, firn_bytes *left, firn_bytes *right) {
  const uint8_t *comma = text.len == 0 ? NULL : memchr(text.data, ',', text.len);
  if (comma == NULL) {
    return false;
  }
  size_t at = (size_t)(comma - text.data);
  *left = trimmed(firn_bytes_part(text, 0, at));
  *right = trimmed(firn_bytes_part(text, at + 1, text.len - at - 1));
  return true;
}

static firn_status read_decimal(firn_bytes parameters, firn_field *out, firn_error *err) {
  firn_bytes left, right;
  uint32_t precision, scale;
  if (!cut_at_comma(parameters, &left, &right) || !small_number(left, &precision) ||
      !small_number(right, &scale) || precision == 0 || precision > MAX_PRECISION || scale > precision) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "decimal(%.*s) needs a precision of 1 to 38 and a scale of at most that",
                          FIRN_FORMAT_BYTES(parameters));
  }
  out->kind = FIRN_KIND_DECIMAL;
  out->precision = (uint8_t)precision;
  out->scale = (uint8_t)scale;
  return FIRN_OK;
}

static firn_status read_fixed(firn_bytes parameters, firn_field *out, firn_error *err) {
  uint32_t width;
  if (!small_number(parameters, &width)) {
    return firn_error_set(err, FIRN_CORRUPT, "fixed[%.*s] needs a length", FIRN_FORMAT_BYTES(parameters));
  }
  out->kind = FIRN_KIND_FIXED;
  out->width = width;
  return FIRN_OK;
}

static firn_status read_geo(firn_kind kind, firn_bytes parameters, firn_arena *arena, firn_field *out,
                            firn_error *err) {
  static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer", "karney"};
  firn_bytes crs = parameters, algorithm = {NULL, 0};
  if (kind == FIRN_KIND_GEOGRAPHY && cut_at_comma(parameters, &crs, &algorithm)) {
    bool known = false;
    for (size_t i = 0; i < FIRN_COUNT_OF(algorithms); i++) {
      known = known || firn_bytes_is(algorithm, algorithms[i]);
    }
    if (!known) {
      return firn_error_set(err, FIRN_CORRUPT, "geography has no edge algorithm \"%.*s\"",
                            FIRN_FORMAT_BYTES(algorithm));
    }
  }
  if (crs.len == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "%s() has no coordinate reference system", firn_kind_name(kind));
  }
  out->kind = kind;
  out->crs = firn_arena_text(arena, crs);
  out->algorithm = algorithm.len == 0 ? NULL : firn_arena_text(arena, algorithm);
  if (out->crs == NULL || (algorithm.len > 0 && out->algorithm == NULL)) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a type");
  }
  return FIRN_OK;
}

firn_status firn_type_read(firn_bytes text, firn_arena *arena, firn_field *out, firn_error *err) {
  firn_bytes trim = trimmed(text), parameters;
  if (trim.len > MAX_TYPE_TEXT) {
    return firn_error_set(err, FIRN_LIMIT, "the text of a type has %zu bytes", trim.len);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(plain_kinds); i++) {
    if (firn_bytes_is(trim, firn_kind_name(plain_kinds[i]))) {
      out->kind = plain_kinds[i];
      return FIRN_OK;
    }
  }
  if (parameters_of(trim, "decimal", '(', ')', &parameters)) {
    return read_decimal(parameters, out, err);
  }
  if (parameters_of(trim, "fixed", '[', ']', &parameters)) {
    return read_fixed(parameters, out, err);
  }
  if (parameters_of(trim, "geometry", '(', ')', &parameters)) {
    return read_geo(FIRN_KIND_GEOMETRY, parameters, arena, out, err);
  }
  if (parameters_of(trim, "geography", '(', ')', &parameters)) {
    return read_geo(FIRN_KIND_GEOGRAPHY, parameters, arena, out, err);
  }
  return firn_error_set(err, FIRN_CORRUPT, "there is no type \"%.*s\"",
                        FIRN_FORMAT_BYTES(firn_bytes_part(trim, 0, 80)));
}

void firn_type_add_text(const firn_field *field, firn_builder *to) {
  firn_builder_add_text(to, firn_kind_name(field->kind));
  if (field->kind == FIRN_KIND_DECIMAL) {
    firn_builder_addf(to, "(%u, %u)", field->precision, field->scale);
  } else if (field->kind == FIRN_KIND_FIXED) {
    firn_builder_addf(to, "[%u]", field->width);
  } else if (field->crs != NULL && field->algorithm != NULL) {
    firn_builder_addf(to, "(%s, %s)", field->crs, field->algorithm);
  } else if (field->crs != NULL) {
    firn_builder_addf(to, "(%s)", field->crs);
  } else if (field->algorithm != NULL) {
    firn_builder_addf(to, "(OGC:CRS84, %s)", field->algorithm); /* Spec: Primitive Types, the default CRS */
  }
}

const char *firn_type_text(const firn_field *field, firn_arena *arena) {
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_type_add_text(field, &text);
  firn_bytes built;
  if (firn_builder_finish(&text, &built, NULL) != FIRN_OK) {
    return NULL;
  }
  return firn_arena_text(arena, built);
}
