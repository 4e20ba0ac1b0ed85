/* Reads the run length and bit-packing hybrid: levels, dictionary indexes, booleans.
 * Follows parquet-format: Encodings.md, RLE.
 *
 * The input must be readable for FIRN_RLE_PADDING bytes beyond its end (they are not interpreted). */
#ifndef FIRN_FORMATS_PARQUET_RLE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_RLE_INTERNAL_H

#include "base/bytes.h"

enum { FIRN_RLE_PADDING = 64 };

typedef struct firn_rle {
  const uint8_t *at, *end; /* the next run */
  unsigned width;          /* bits of a value, at most 32 */
  uint64_t n_repeats;      /* left of a run of `value` */
  uint32_t value;
  const uint8_t *packed; /* a run of packed values ... */
  uint64_t packed_at;    /* ... of which so many were taken ... */
  uint64_t n_packed;     /* ... and so many are left */
} firn_rle;

firn_rle firn_rle_over(firn_bytes in, unsigned width);

/* Makes sure that a run has begun and is not used up; false at the end of the input. */
bool firn_rle_begin_run(firn_rle *r);

/* The next `n` values; false when there are fewer or one is larger than `max`. */
bool firn_rle_read_u8(firn_rle *r, uint8_t max, uint8_t *out, size_t n);
/* Of width 1, as bits from `at` on; `n_set` (may be NULL) grows by those that are set. */
bool firn_rle_read_bits(firn_rle *r, uint64_t *bits, size_t at, size_t n, size_t *n_set);
bool firn_rle_skip(firn_rle *r, size_t n);

/* Values [first, first + n) of packed ones. */
void firn_unpack_u32(const uint8_t *packed, uint64_t first, unsigned width, uint32_t *out, size_t n);
void firn_unpack_u8(const uint8_t *packed, uint64_t first, unsigned width, uint8_t *out, size_t n);

/* Writes the low `n` bits (at most 64) of `v` at bit `at`. */
void firn_bits_put(uint64_t *bits, size_t at, uint64_t v, size_t n);
/* 64 bits from bit `at` of bytes that are readable for 16 bytes from there. */
uint64_t firn_bits_get(const uint8_t *bytes, uint64_t at);
/* Sets or clears bits [at, at + n). */
void firn_bits_fill(uint64_t *bits, size_t at, size_t n, bool set);

#endif
