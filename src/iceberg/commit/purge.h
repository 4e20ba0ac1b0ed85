/* Removing what a dropped table leaves: the files that its metadata reaches. Not orphan removal: what the
 * metadata does not name stays. */
#ifndef FIRN_ICEBERG_COMMIT_PURGE_H
#define FIRN_ICEBERG_COMMIT_PURGE_H

#include "iceberg/commit/catalog.h"

typedef struct firn_purge_result {
  uint64_t n_data_files;     /* data and delete files removed; a file that was gone already counts */
  uint64_t n_metadata_files; /* manifests, manifest lists, statistics, metadata files removed */
  uint64_t n_failed;         /* files that could not be read or removed */
  bool kept_data;            /* gc.enabled=false: data files may belong to other tables too */
  firn_error first_failure;  /* why, where n_failed is not 0 */
} firn_purge_result;

/* Call it after the table is out of its catalog. `location` is the metadata's own file (NULL: unknown, it
 * stays). Removes data and delete files, then the manifest that names them, then the list that names the
 * manifest, the metadata files last: what could not be removed stays reachable, and a second purge goes on
 * where this one ended. Memory does not grow with the number of data files. Fails only when it is cancelled
 * or out of memory; else the result tells. */
FIRN_MUST_USE firn_status firn_table_purge(firn_stores *stores, firn_ctx *ctx, const firn_metadata *metadata,
                                           const char *location, firn_purge_result *result, firn_error *err);

#endif
