/* Stored values of a fixed width become values of their kind. */
#include <string.h>

#include "column/vector.h"
#include "formats/parquet/values_internal.h"

enum {
  JULIAN_DAY_OF_EPOCH = 2440588,
  HALF_EXPONENT_BIAS = 15,
  HALF_MANTISSA_BITS = 10,
  DECIMAL_BYTES = 16,
};

__extension__ typedef unsigned __int128 wide_unsigned;

static uint32_t load32(const uint8_t *at) {
  uint32_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static uint64_t load64(const uint8_t *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static void uint32_to_long(const uint8_t *in, size_t n, int64_t *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = load32(in + 4 * i);
  }
}

static void uint64_to_decimal(const uint8_t *in, size_t n, firn_decimal *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = (firn_decimal)load64(in + 8 * i);
  }
}

static void int32_to_decimal(const uint8_t *in, size_t n, firn_decimal *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = (int32_t)load32(in + 4 * i);
  }
}

static void int64_to_decimal(const uint8_t *in, size_t n, firn_decimal *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = (int64_t)load64(in + 8 * i);
  }
}

static float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half >> 15) << 31;
  uint32_t exponent = (half >> HALF_MANTISSA_BITS) & 0x1F;
  uint32_t mantissa = half & 0x3FF;
  uint32_t bits;
  if (exponent == 0x1F) {
    bits = sign | UINT32_C(0x7F800000) | mantissa << 13;
  } else if (exponent != 0) {
    bits = sign | (exponent + 127 - HALF_EXPONENT_BIAS) << 23 | mantissa << 13;
  } else { /* zero, or a number too small for an exponent: a multiple of 2^-24 */
    float f = (float)mantissa * 0x1p-24F;
    memcpy(&bits, &f, sizeof bits);
    bits |= sign;
  }
  float out;
  memcpy(&out, &bits, sizeof out);
  return out;
}

static void halves_to_float(const uint8_t *in, size_t n, float *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = half_to_float((uint16_t)(in[2 * i] | in[2 * i + 1] << 8));
  }
}

static void millis32_to_micros(const uint8_t *in, size_t n, int64_t *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = (int64_t)(int32_t)load32(in + 4 * i) * 1000;
  }
}

static bool millis64_to_micros(const uint8_t *in, size_t n, int64_t *out) {
  bool bad = false;
  for (size_t i = 0; i < n; i++) {
    bad |= __builtin_mul_overflow((int64_t)load64(in + 8 * i), INT64_C(1000), &out[i]);
  }
  return !bad;
}

static bool nanos_to_micros(const uint8_t *in, size_t n, int64_t *out) {
  bool bad = false;
  for (size_t i = 0; i < n; i++) {
    int64_t nanos = (int64_t)load64(in + 8 * i);
    bad |= nanos % 1000 != 0;
    out[i] = nanos / 1000;
  }
  return !bad;
}

/* Straight to microseconds: through nanoseconds every year after 2262 would wrap around. The sum is taken
 * modulo 2^64 on purpose: Spark writes days that wrapped for years near the end of its range, and reading
 * them in the same way gives the right value back. */
static void int96_to_micros(const uint8_t *in, size_t n, int64_t *out) {
  for (size_t i = 0; i < n; i++) {
    int64_t nanos = (int64_t)load64(in + 12 * i);
    int64_t day = (int64_t)(int32_t)load32(in + 12 * i + 8) - JULIAN_DAY_OF_EPOCH;
    int64_t micros = nanos / 1000 - (nanos % 1000 < 0);
    out[i] = (int64_t)((uint64_t)day * UINT64_C(86400000000) + (uint64_t)micros);
  }
}

bool firn_parquet_decimal_of(firn_bytes big_endian, void *out) {
  if (big_endian.len == 0) {
    return false;
  }
  uint8_t sign = (big_endian.data[0] & 0x80) != 0 ? 0xFF : 0;
  while (big_endian.len > DECIMAL_BYTES) { /* wider ones must be padding */
    if (big_endian.data[0] != sign || ((big_endian.data[1] ^ sign) & 0x80) != 0) {
      return false;
    }
    big_endian.data++;
    big_endian.len--;
  }
  uint8_t wide[DECIMAL_BYTES];
  memset(wide, sign, sizeof wide);
  memcpy(wide + DECIMAL_BYTES - big_endian.len, big_endian.data, big_endian.len);
  uint64_t high = __builtin_bswap64(load64(wide));
  uint64_t low = __builtin_bswap64(load64(wide + 8));
  firn_decimal v = (firn_decimal)((wide_unsigned)high << 64 | low);
  memcpy(out, &v, sizeof v);
  return true;
}

static bool fixed_to_decimal(const uint8_t *in, size_t width, size_t n, firn_decimal *out) {
  for (size_t i = 0; i < n; i++) {
    if (!firn_parquet_decimal_of((firn_bytes){in + i * width, width}, &out[i])) {
      return false;
    }
  }
  return true;
}

static void fixed_views(const uint8_t *in, size_t width, size_t n, firn_bytes *out) {
  for (size_t i = 0; i < n; i++) {
    out[i] = (firn_bytes){in + i * width, width};
  }
}

firn_status firn_parquet_convert_fixed(firn_parquet_convert convert, const uint8_t *in, size_t width,
                                       size_t n, void *out, firn_error *err) {
  bool fits = true;
  if (n == 0) {
    return FIRN_OK;
  }
  switch (convert) {
    case FIRN_CONVERT_COPY4:
      memcpy(out, in, n * 4);
      break;
    case FIRN_CONVERT_COPY8:
      memcpy(out, in, n * 8);
      break;
    case FIRN_CONVERT_UINT32:
      uint32_to_long(in, n, out);
      break;
    case FIRN_CONVERT_UINT64:
      uint64_to_decimal(in, n, out);
      break;
    case FIRN_CONVERT_HALF:
      halves_to_float(in, n, out);
      break;
    case FIRN_CONVERT_MILLIS4:
      millis32_to_micros(in, n, out);
      break;
    case FIRN_CONVERT_MILLIS8:
      fits = millis64_to_micros(in, n, out);
      break;
    case FIRN_CONVERT_NANOS8:
      if (!nanos_to_micros(in, n, out)) {
        return firn_error_set(err, FIRN_UNSUPPORTED, "a time has nanoseconds; times have microseconds here");
      }
      break;
    case FIRN_CONVERT_INT96:
      int96_to_micros(in, n, out);
      break;
    case FIRN_CONVERT_DECIMAL4:
      int32_to_decimal(in, n, out);
      break;
    case FIRN_CONVERT_DECIMAL8:
      int64_to_decimal(in, n, out);
      break;
    case FIRN_CONVERT_DECIMAL_FIXED:
      fits = fixed_to_decimal(in, width, n, out);
      break;
    case FIRN_CONVERT_FIXED:
      fixed_views(in, width, n, out);
      break;
    case FIRN_CONVERT_BITS:
    case FIRN_CONVERT_BYTES:
    case FIRN_CONVERT_TEXT:
    case FIRN_CONVERT_DECIMAL_BYTES:
    case FIRN_CONVERT_NOTHING:
      fits = false;
      break; /* not of a fixed width */
  }
  return fits ? FIRN_OK : firn_error_set(err, FIRN_CORRUPT, "a value is outside the range of its type");
}
