/* Snapshot expiry: forgets old snapshots and removes the manifest lists and manifests that only they needed.
 *
 * Kept are heads of branches and tags, what a reference's own retention asks for, the newest
 * `history.expire.min-snapshots-to-keep`, everything younger than the age, and every snapshot that holds the
 * newest position of a live producer (a summary key that begins with one of `keep_newest_of`). Data files are
 * never removed here: an index may name them (see maintain/orphans, later). Spec: Snapshot Retention Policy.
 */
#ifndef FIRN_ICEBERG_MAINTAIN_EXPIRE_H
#define FIRN_ICEBERG_MAINTAIN_EXPIRE_H

#include "iceberg/commit/catalog.h"

typedef struct firn_expire {
  int64_t older_than_us; /* wall clock; a snapshot of that time or older may go */
  int32_t keep_at_least; /* 0: the table's property, else 1 */
  size_t n_keep_newest_of;
  const char *const *keep_newest_of; /* "firn.log." */
  bool is_dry;                       /* only counts */
} firn_expire;

typedef struct firn_expired {
  size_t n_snapshots, n_lists, n_manifests;
} firn_expired;

/* One commit at most. FIRN_CONFLICT: somebody else was faster; nothing happened. After FIRN_UNCERTAIN nothing
 * is removed. Files that cannot be removed are left, and counted as such in the log. */
FIRN_MUST_USE firn_status firn_expire_snapshots(firn_catalog *catalog, firn_ctx *ctx,
                                                const firn_table_id *table, const firn_expire *how,
                                                firn_expired *out, firn_error *err);

#endif
