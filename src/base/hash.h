/* Hashes whose values are stored in files, so they may never change. None is fit for secrets. */
#ifndef FIRN_BASE_HASH_H
#define FIRN_BASE_HASH_H

#include "base/bytes.h"

/* Murmur3, the x86 variant of 32 bits, seed 0: Iceberg's bucket transform (specification, appendix B). */
uint32_t firn_murmur3(firn_bytes bytes);

/* CRC-32 (IEEE 802.3; gzip, Avro, Parquet). Begin with 0; what it returns goes on with further bytes. */
uint32_t firn_crc32(uint32_t so_far, firn_bytes bytes);

/* XXH64, seed 0: Parquet's bloom filters. */
uint64_t firn_xxh64(firn_bytes bytes);

/* XXH3 of 64 bits: journals. The second is the first of all parts one behind the other. */
uint64_t firn_xxh3(uint64_t seed, firn_bytes bytes);
uint64_t firn_xxh3_parts(uint64_t seed, const firn_bytes *parts, size_t n_parts);

#endif
