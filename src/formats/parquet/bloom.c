#include "formats/parquet/bloom_internal.h"

#include <math.h>
#include <xxhash.h>

#include "formats/thrift/thrift.h"

enum { WORDS = 8 };

static const uint32_t salts[WORDS] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                      0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

uint64_t firn_bloom_hash(firn_bytes value) {
  return XXH64(value.data, value.len, 0);
}

size_t firn_bloom_size(size_t n, double fpp) {
  double p = fpp > 0 && fpp < 1 ? fpp : 0.01;
  double bits = -8.0 * (double)n / log1p(-pow(p, 1.0 / 8));
  size_t size = FIRN_BLOOM_BLOCK;
  while (size < FIRN_BLOOM_MAX_BYTES && (double)size * 8 < bits) {
    size *= 2;
  }
  return size;
}

static size_t block_of(size_t size, uint64_t hash) {
  return (size_t)(((hash >> 32) * (size / FIRN_BLOOM_BLOCK)) >> 32) * FIRN_BLOOM_BLOCK;
}

void firn_bloom_add(uint8_t *filter, size_t size, uint64_t hash) {
  uint32_t block[WORDS];
  uint8_t *at = filter + block_of(size, hash);
  memcpy(block, at, sizeof block);
  for (int i = 0; i < WORDS; i++) {
    block[i] |= UINT32_C(1) << (((uint32_t)hash * salts[i]) >> 27);
  }
  memcpy(at, block, sizeof block);
}

bool firn_bloom_may_contain(const uint8_t *filter, size_t size, uint64_t hash) {
  uint32_t block[WORDS];
  memcpy(block, filter + block_of(size, hash), sizeof block);
  for (int i = 0; i < WORDS; i++) {
    if ((block[i] >> (((uint32_t)hash * salts[i]) >> 27) & 1) == 0) {
      return false;
    }
  }
  return true;
}

/* A union with its first field, an empty struct, set: split block, XXHASH, uncompressed. */
static void write_first(firn_thrift_writer *w, int16_t id) {
  firn_thrift_write_struct(w, id);
  firn_thrift_write_struct(w, 1);
  firn_thrift_write_end(w);
  firn_thrift_write_end(w);
}

void firn_bloom_write(const uint8_t *filter, size_t size, firn_builder *to) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(to);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, (int32_t)size);
  write_first(&w, 2);
  write_first(&w, 3);
  write_first(&w, 4);
  firn_thrift_write_end(&w);
  firn_builder_add(to, (firn_bytes){filter, size});
}
