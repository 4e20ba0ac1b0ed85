#include "iceberg/types/value.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

firn_value firn_value_at(const firn_vector *v, size_t i) {
  assert(!firn_kind_is_nested(v->kind) && i < v->len);
  firn_value out = {.kind = v->kind, .is_null = v->kind == FIRN_KIND_UNKNOWN || firn_vector_is_null(v, i)};
  if (out.is_null) {
    return out;
  }
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      out.boolean = firn_bit(v->bits, i);
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      out.i32 = v->i32[i];
      break;
    case FIRN_KIND_FLOAT:
      out.f32 = v->f32[i];
      break;
    case FIRN_KIND_DOUBLE:
      out.f64 = v->f64[i];
      break;
    case FIRN_KIND_DECIMAL:
      out.dec = v->dec[i];
      break;
    default:
      if (firn_kind_is_bytes(v->kind)) {
        out.bytes = v->bytes[i];
      } else {
        out.i64 = v->i64[i];
      }
  }
  return out;
}

/* The bits of a number in an order that integers compare rightly: -infinity < -0.0 < +0.0 < infinity < NaN,
 * every NaN the same one. */
static int64_t ordered_bits(double v) {
  if (v != v) {
    return INT64_C(0x7FF8000000000000);
  }
  int64_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits < 0 ? INT64_MIN - bits - 1 : bits;
}

static int compare_i64(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

int firn_value_compare(const firn_value *a, const firn_value *b) {
  if (a->is_null || b->is_null) {
    return (int)b->is_null - (int)a->is_null;
  }
  assert(a->kind == b->kind);
  switch (a->kind) {
    case FIRN_KIND_BOOLEAN:
      return (int)a->boolean - (int)b->boolean;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      return compare_i64(a->i32, b->i32);
    case FIRN_KIND_FLOAT:
      return compare_i64(ordered_bits((double)a->f32), ordered_bits((double)b->f32));
    case FIRN_KIND_DOUBLE:
      return compare_i64(ordered_bits(a->f64), ordered_bits(b->f64));
    case FIRN_KIND_DECIMAL:
      return (a->dec > b->dec) - (a->dec < b->dec);
    default:
      return firn_kind_is_bytes(a->kind) ? firn_bytes_compare(a->bytes, b->bytes)
                                         : compare_i64(a->i64, b->i64);
  }
}

bool firn_value_equal(const firn_value *a, const firn_value *b) {
  return a->kind == b->kind && a->is_null == b->is_null && firn_value_compare(a, b) == 0;
}

static uint64_t hash_i64(int64_t v, uint64_t seed) {
  return XXH3_64bits_withSeed(&v, sizeof v, seed);
}

uint64_t firn_value_hash(const firn_value *v) {
  uint64_t seed = (uint64_t)v->kind;
  if (v->is_null) {
    return hash_i64(-1, ~seed);
  }
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      return hash_i64(v->boolean, seed);
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      return hash_i64(v->i32, seed);
    case FIRN_KIND_FLOAT:
      return hash_i64(ordered_bits((double)v->f32), seed);
    case FIRN_KIND_DOUBLE:
      return hash_i64(ordered_bits(v->f64), seed);
    case FIRN_KIND_DECIMAL:
      return XXH3_64bits_withSeed(&v->dec, sizeof v->dec, seed);
    default:
      if (!firn_kind_is_bytes(v->kind)) {
        return hash_i64(v->i64, seed);
      }
      return XXH3_64bits_withSeed(v->bytes.len == 0 ? (const void *)"" : v->bytes.data, v->bytes.len, seed);
  }
}

firn_status firn_value_copy(const firn_value *from, firn_arena *arena, firn_value *out, firn_error *err) {
  firn_value copy = *from;
  if (!from->is_null && firn_kind_is_bytes(from->kind)) {
    copy.bytes = firn_arena_copy(arena, from->bytes);
    if (copy.bytes.data == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a value of %zu bytes", from->bytes.len);
    }
  }
  *out = copy;
  return FIRN_OK;
}
