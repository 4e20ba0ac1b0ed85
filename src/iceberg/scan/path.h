/* A table found by the path of its folder or of a metadata file, without a catalog: for reading only.
 *
 * The newest metadata is the one that metadata/version-hint.text names, or the last of the versions that
 * follow it; without a hint the one with the highest number. A table that was moved is read where it was
 * found. Spec: File System Tables. */
#ifndef FIRN_ICEBERG_SCAN_PATH_H
#define FIRN_ICEBERG_SCAN_PATH_H

#include "iceberg/meta/metadata.h"
#include "iceberg/scan/object.h"

/* `*out` is the caller's reference; the texts are in `arena`. FIRN_NOT_FOUND when there is no metadata. */
FIRN_MUST_USE firn_status firn_path_table_open(firn_stores *stores, firn_ctx *ctx, const char *path,
                                               firn_arena *arena, firn_metadata **out,
                                               const char **metadata_location, firn_moved *moved,
                                               firn_error *err);

#endif
