/* Single values as bytes. Spec: Appendix D, Binary single-value serialization; Schema Evolution, the table of
 * lengths of bounds. */
#include "iceberg/types/value.h"

#include <assert.h>
#include <string.h>

enum { DECIMAL_MAX_BYTES = 16, UUID_BYTES = 16 };

__extension__ typedef unsigned __int128 wide_bits;

static uint64_t little_endian(firn_bytes in) {
  uint64_t v = 0;
  for (size_t i = 0; i < in.len; i++) {
    v |= (uint64_t)in.data[i] << (8 * i);
  }
  return v;
}

static float float_of(firn_bytes in) {
  uint32_t bits = (uint32_t)little_endian(in);
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

static double double_of(firn_bytes in) {
  uint64_t bits = little_endian(in);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

/* Sign-extended, whatever its length. */
static firn_decimal decimal_of(firn_bytes in) {
  wide_bits v = (in.data[0] & 0x80) != 0 ? ~(wide_bits)0 : 0;
  for (size_t i = 0; i < in.len; i++) {
    v = (v << 8) | in.data[i];
  }
  return (firn_decimal)v;
}

static firn_status bad_length(firn_bytes in, const firn_field *type, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "%zu bytes are no value of type %s", in.len,
                        firn_kind_name(type->kind));
}

/* Spec: Schema Evolution: four bytes for a timestamp are the date it was before its promotion. */
static firn_status read_timestamp(firn_bytes in, const firn_field *type, firn_value *out, firn_error *err) {
  if (in.len == 8) {
    out->i64 = (int64_t)little_endian(in);
    return FIRN_OK;
  }
  bool zoned = type->kind == FIRN_KIND_TIMESTAMPTZ || type->kind == FIRN_KIND_TIMESTAMPTZ_NS;
  int64_t per_day = type->kind == FIRN_KIND_TIMESTAMP_NS ? INT64_C(86400000000000) : INT64_C(86400000000);
  if (in.len != 4 || zoned ||
      __builtin_mul_overflow((int64_t)(int32_t)little_endian(in), per_day, &out->i64)) {
    return bad_length(in, type, err);
  }
  return FIRN_OK;
}

static firn_status read_decimal(firn_bytes in, const firn_field *type, firn_value *out, firn_error *err) {
  if (in.len == 0 || in.len > DECIMAL_MAX_BYTES) {
    return bad_length(in, type, err);
  }
  out->dec = decimal_of(in);
  if (!firn_decimal_fits(out->dec, type->precision)) {
    return firn_error_set(err, FIRN_CORRUPT, "a decimal has more than %u digits", type->precision);
  }
  return FIRN_OK;
}

static firn_status read_fixed_width(firn_bytes in, const firn_field *type, firn_value *out, firn_error *err) {
  switch (type->kind) {
    case FIRN_KIND_BOOLEAN:
      if (in.len == 1) {
        out->boolean = in.data[0] != 0;
        return FIRN_OK;
      }
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      if (in.len == 4) {
        out->i32 = (int32_t)little_endian(in);
        return FIRN_OK;
      }
      break;
    case FIRN_KIND_LONG:
      if (in.len == 8 || in.len == 4) {
        out->i64 = in.len == 8 ? (int64_t)little_endian(in) : (int32_t)little_endian(in);
        return FIRN_OK;
      }
      break;
    case FIRN_KIND_TIME:
      if (in.len == 8) {
        out->i64 = (int64_t)little_endian(in);
        return FIRN_OK;
      }
      break;
    case FIRN_KIND_FLOAT:
      if (in.len == 4) {
        out->f32 = float_of(in);
        return FIRN_OK;
      }
      break;
    case FIRN_KIND_DOUBLE:
      if (in.len == 8 || in.len == 4) {
        out->f64 = in.len == 8 ? double_of(in) : (double)float_of(in);
        return FIRN_OK;
      }
      break;
    default:
      break;
  }
  return bad_length(in, type, err);
}

static firn_status read_bytes(firn_bytes in, const firn_field *type, firn_value *out, firn_error *err) {
  if ((type->kind == FIRN_KIND_UUID && in.len != UUID_BYTES) ||
      (type->kind == FIRN_KIND_FIXED && in.len != type->width)) {
    return bad_length(in, type, err);
  }
  out->bytes = in; /* text may be cut inside of a code point by others: a bound all the same */
  return FIRN_OK;
}

firn_status firn_value_read(firn_bytes in, const firn_field *type, firn_value *out, firn_error *err) {
  firn_value made = {.kind = type->kind};
  switch (type->kind) {
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      FIRN_TRY(read_timestamp(in, type, &made, err));
      break;
    case FIRN_KIND_DECIMAL:
      FIRN_TRY(read_decimal(in, type, &made, err));
      break;
    case FIRN_KIND_STRING:
    case FIRN_KIND_BINARY:
    case FIRN_KIND_UUID:
    case FIRN_KIND_FIXED:
      FIRN_TRY(read_bytes(in, type, &made, err));
      break;
    case FIRN_KIND_UNKNOWN:
    case FIRN_KIND_STRUCT:
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
    case FIRN_KIND_VARIANT:
    case FIRN_KIND_GEOMETRY:
    case FIRN_KIND_GEOGRAPHY:
      return firn_error_set(err, FIRN_UNSUPPORTED, "%s has no form as a single value",
                            firn_kind_name(type->kind));
    default:
      FIRN_TRY(read_fixed_width(in, type, &made, err));
  }
  *out = made;
  return FIRN_OK;
}

bool firn_bound_read(firn_bytes in, const firn_field *type, firn_value *out) {
  firn_value made;
  if (in.data == NULL || firn_value_read(in, type, &made, NULL) != FIRN_OK) {
    return false;
  }
  if ((made.kind == FIRN_KIND_FLOAT && made.f32 != made.f32) ||
      (made.kind == FIRN_KIND_DOUBLE && made.f64 != made.f64)) {
    return false;
  }
  *out = made;
  return true;
}

size_t firn_decimal_bytes(firn_decimal v, uint8_t out[16]) {
  wide_bits bits = (wide_bits)v;
  size_t n = DECIMAL_MAX_BYTES;
  for (size_t i = 0; i < DECIMAL_MAX_BYTES; i++) {
    out[i] = (uint8_t)(bits >> (8 * (DECIMAL_MAX_BYTES - 1 - i)));
  }
  /* A byte in front is needed only when the next one's first bit does not say the sign. */
  uint8_t filler = v < 0 ? 0xFF : 0x00;
  size_t skip = 0;
  while (n - skip > 1 && out[skip] == filler && (out[skip + 1] & 0x80) == (filler & 0x80)) {
    skip++;
  }
  memmove(out, out + skip, n - skip);
  return n - skip;
}

static void add_float(float v, firn_builder *out) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  firn_builder_add_u32le(out, bits);
}

static void add_double(double v, firn_builder *out) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  firn_builder_add_u64le(out, bits);
}

void firn_value_write(const firn_value *v, firn_builder *out) {
  assert(!v->is_null);
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      firn_builder_add_u8(out, v->boolean ? 1 : 0);
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      firn_builder_add_u32le(out, (uint32_t)v->i32);
      break;
    case FIRN_KIND_FLOAT:
      add_float(v->f32, out);
      break;
    case FIRN_KIND_DOUBLE:
      add_double(v->f64, out);
      break;
    case FIRN_KIND_DECIMAL: {
      uint8_t bytes[DECIMAL_MAX_BYTES];
      size_t n = firn_decimal_bytes(v->dec, bytes);
      firn_builder_add(out, (firn_bytes){bytes, n});
      break;
    }
    default:
      if (firn_kind_is_bytes(v->kind)) {
        firn_builder_add(out, v->bytes);
      } else {
        firn_builder_add_u64le(out, (uint64_t)v->i64);
      }
  }
}
