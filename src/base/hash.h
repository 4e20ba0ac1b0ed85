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

#endif
