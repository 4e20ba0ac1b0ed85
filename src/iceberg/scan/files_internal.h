/* What the halves of planning share: which manifests (files_list.c), and which of their entries (files.c). */
#ifndef FIRN_ICEBERG_SCAN_FILES_INTERNAL_H
#define FIRN_ICEBERG_SCAN_FILES_INTERNAL_H

#include "iceberg/scan/files.h"

typedef struct firn_chosen_manifest {
  firn_manifest_file file; /* without partition summaries */
  int64_t snapshot_id;     /* of an incremental scan: only what that snapshot added */
} firn_chosen_manifest;

typedef struct firn_chosen_manifests {
  size_t n, capacity;
  firn_chosen_manifest *items;
} firn_chosen_manifests;

/* Whether a manifest may hold files that match; files.c knows. */
typedef firn_status (*firn_manifest_judge)(void *arg, const firn_manifest_file *m, bool *may,
                                           firn_error *err);

/* The manifests of data that are to be read, in `arena`. FIRN_UNSUPPORTED for a snapshot with delete files.
 */
FIRN_MUST_USE firn_status firn_manifests_choose(const firn_files_options *options, firn_manifest_judge judge,
                                                void *arg, firn_ctx *ctx, firn_arena *arena,
                                                firn_chosen_manifests *out, firn_error *err);

#endif
