/* Writes the hybrid of run lengths and bit packing. Spec: Encodings.md, RLE (3): without length in front. */
#ifndef FIRN_FORMATS_PARQUET_HYBRID_WRITE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_HYBRID_WRITE_INTERNAL_H

#include "base/builder.h"

/* Bits that hold every number up to `max`; 0 for 0. */
unsigned firn_bit_width(uint32_t max);

/* Levels, up to 8 bits wide; dictionary indexes, up to 32. Every value fits in `width` bits. */
void firn_hybrid_write_levels(firn_builder *to, const uint8_t *values, size_t n, unsigned width);
void firn_hybrid_write_indexes(firn_builder *to, const uint32_t *values, size_t n, unsigned width);

#endif
