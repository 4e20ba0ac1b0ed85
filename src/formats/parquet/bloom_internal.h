/* Split-block bloom filters. Spec: BloomFilter.md. Hashes are XXH64, seed 0, of plain-encoded values without
 * a length. */
#ifndef FIRN_FORMATS_PARQUET_BLOOM_INTERNAL_H
#define FIRN_FORMATS_PARQUET_BLOOM_INTERNAL_H

#include "base/builder.h"
#include "base/bytes.h"

enum { FIRN_BLOOM_BLOCK = 32, FIRN_BLOOM_MAX_BYTES = 128 << 20 };

uint64_t firn_bloom_hash(firn_bytes value);

/* Bytes of a filter for `n` values that admits one of `1 / fpp` others: a power of two, which some readers
 * want. */
size_t firn_bloom_size(size_t n, double fpp);

/* `filter` has `size` bytes, a multiple of FIRN_BLOOM_BLOCK. */
void firn_bloom_add(uint8_t *filter, size_t size, uint64_t hash);
bool firn_bloom_may_contain(const uint8_t *filter, size_t size, uint64_t hash);

/* Head and filter as they stand in a file. */
void firn_bloom_write(const uint8_t *filter, size_t size, firn_builder *to);

#endif
