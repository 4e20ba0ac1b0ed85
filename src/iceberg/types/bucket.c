/* The hash of the bucket transform. Spec: Appendix B, 32-bit Hash Requirements. */
#include <string.h>

#include "base/hash.h"
#include "base/time.h"
#include "iceberg/types/transform.h"

/* Everything that counts is hashed as eight bytes, little endian: an int hashes like the long it may become.
 */
static uint32_t hash_long(int64_t v) {
  uint8_t bytes[8];
  for (unsigned i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)((uint64_t)v >> (8 * i));
  }
  return firn_murmur3((firn_bytes){bytes, sizeof bytes});
}

/* Every NaN is one NaN, and both zeros one zero. */
static uint32_t hash_double(double v) {
  int64_t bits = INT64_C(0x7FF8000000000000);
  double canonical = v + 0.0; /* -0.0 + 0.0 is 0.0 */
  if (v == v) {
    memcpy(&bits, &canonical, sizeof bits);
  }
  return hash_long(bits);
}

uint32_t firn_bucket_hash(const firn_value *v) {
  uint8_t decimal[16];
  if (v->is_null) {
    return 0;
  }
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      return hash_long(v->boolean);
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      return hash_long(v->i32);
    case FIRN_KIND_FLOAT:
      return hash_double((double)v->f32);
    case FIRN_KIND_DOUBLE:
      return hash_double(v->f64);
    case FIRN_KIND_DECIMAL:
      return firn_murmur3((firn_bytes){decimal, firn_decimal_bytes(v->dec, decimal)});
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return hash_long(firn_floor_div(v->i64, 1000)); /* as microseconds, whatever the precision */
    default:
      return firn_kind_is_bytes(v->kind) ? firn_murmur3(v->bytes) : hash_long(v->i64);
  }
}
