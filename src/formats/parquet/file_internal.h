/* An open file, as its readers see it. */
#ifndef FIRN_FORMATS_PARQUET_FILE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_FILE_INTERNAL_H

#include "formats/parquet/reader.h"

struct firn_parquet_file {
  firn_parquet_source source;
  firn_arena arena;
  const firn_parquet_metadata *metadata;
  firn_bytes tail; /* the end of the file, kept: indexes and filters lie there as a rule */
  uint64_t tail_offset;
  firn_parquet_offset_index *
      *kept; /* by leaf, then by row group; NULL where they were not asked to be kept */
};

/* Fills ranges: from the tail where it holds them, the others in one call to the source. */
FIRN_MUST_USE firn_status firn_parquet_file_fetch(const firn_parquet_file *f, firn_ctx *ctx,
                                                  firn_parquet_range *ranges, size_t n, firn_error *err);

#endif
