/* From what a Parquet writer knows of its file to the entry of a manifest. Follows the Iceberg specification:
 * Manifests, Data File Fields (metrics). */
#ifndef FIRN_ICEBERG_WRITE_DATA_FILE_H
#define FIRN_ICEBERG_WRITE_DATA_FILE_H

#include "formats/parquet/writer.h"
#include "iceberg/meta/manifest.h"

/* Fills content, format, counts, sizes, metrics and split offsets of `out`, in `arena`; path, spec and
 * partition are the caller's. Texts of `info` are borrowed. */
FIRN_MUST_USE firn_status firn_data_file_of_parquet(const firn_parquet_file_info *info, firn_arena *arena,
                                                    firn_data_file *out, firn_error *err);

#endif
