/* The live data files of a snapshot: manifest list, manifests, entries, one at a time. Follows the Iceberg
 * specification: Scan Planning, as far as no filter is given yet.
 *
 * Delete files are not applied yet: a snapshot that has any is refused with FIRN_UNSUPPORTED, never read
 * wrong. */
#ifndef FIRN_ICEBERG_SCAN_FILES_H
#define FIRN_ICEBERG_SCAN_FILES_H

#include "iceberg/meta/manifest.h"
#include "iceberg/scan/object.h"

typedef struct firn_files firn_files;

/* `metadata`, `snapshot` and `stores` are borrowed. */
FIRN_MUST_USE firn_status firn_files_open(const firn_metadata *metadata, const firn_snapshot *snapshot,
                                          firn_stores *stores, const firn_moved *moved, firn_ctx *ctx,
                                          firn_files **out, firn_error *err);
/* `*out` is NULL after the last; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_files_next(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out,
                                          firn_error *err);
void firn_files_close(firn_files *f);
void firn_files_close_pointer(firn_files **f);
#define FIRN_AUTO_FILES FIRN_AUTO(firn_files_close_pointer) firn_files

/* The manifests of a snapshot, in `arena`: from its list, or, in old v1 tables, one by one. */
FIRN_MUST_USE firn_status firn_snapshot_manifests(const firn_snapshot *snapshot, firn_stores *stores,
                                                  const firn_moved *moved, firn_ctx *ctx, firn_arena *arena,
                                                  const firn_manifest_file **out, size_t *n, firn_error *err);

#endif
