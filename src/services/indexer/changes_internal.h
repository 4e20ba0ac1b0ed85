/* What became of a table's files between two of its snapshots: by the manifests that only one of them has, so
 * that appends, rewrites, deletions, rollbacks and any number of snapshots at once are one case. */
#ifndef FIRN_SERVICES_INDEXER_CHANGES_INTERNAL_H
#define FIRN_SERVICES_INDEXER_CHANGES_INTERNAL_H

#include "iceberg/meta/manifest.h"
#include "io/stores.h"

typedef struct firn_changes {
  firn_arena arena;
  bool is_whole; /* there was nothing to compare with: `added` is all that is live, `removed` not known */
  size_t n_added, n_removed;
  firn_data_file *added; /* without statistics */
  const char **removed;
} firn_changes;

/* From the snapshot `from` (NULL: from nothing) to `to` (NULL: an empty table) of `metadata`. FIRN_NOT_FOUND:
 * something of them is gone; one may then ask without `from`. */
FIRN_MUST_USE firn_status firn_changes_read(const firn_metadata *metadata, const firn_snapshot *from,
                                            const firn_snapshot *to, firn_stores *stores, firn_ctx *ctx,
                                            firn_changes *out, firn_error *err);
void firn_changes_free(firn_changes *c); /* fine on {0} */

/* Whether a path is among them: a set of texts that somebody else keeps. */
typedef struct firn_path_set {
  firn_arena arena;
  size_t n, n_slots;
  const char **slots;
} firn_path_set;

FIRN_MUST_USE firn_status firn_path_set_add(firn_path_set *set, const char *path, firn_error *err);
bool firn_path_set_has(const firn_path_set *set, firn_bytes path);
void firn_path_set_free(firn_path_set *set); /* fine on {0} */
#define FIRN_AUTO_PATH_SET FIRN_AUTO(firn_path_set_free) firn_path_set

#endif
