/* Table properties that say how data files are written. The names are the reference's
 * (org.apache.iceberg.TableProperties); values that make no sense count as not set, but for a codec that we
 * do not have. */
#ifndef FIRN_SERVICES_LOAD_PROPERTIES_INTERNAL_H
#define FIRN_SERVICES_LOAD_PROPERTIES_INTERNAL_H

#include "formats/parquet/writer.h"
#include "iceberg/meta/metadata.h"

/* In `arena`, borrowing from the metadata. */
FIRN_MUST_USE firn_status firn_load_parquet_options(const firn_metadata *table, firn_arena *arena,
                                                    firn_parquet_writer_options *out, firn_error *err);
/* 0: not said. */
uint64_t firn_load_target_bytes(const firn_metadata *table);

#endif
