/* Snapshot expiry: forgets old snapshots and removes the manifest lists, manifests and statistics that only
 * they needed. Spec: Snapshot Retention Policy.
 *
 * Kept are heads of branches and tags, what a reference's own retention asks for, the newest
 * `history.expire.min-snapshots-to-keep` of each branch, everything younger than the age, and, on each
 * branch, the newest snapshot that has a summary key which begins with one of `keep_newest_of`: there a
 * producer finds where it was. References whose head is older than their `max-ref-age-ms` (or the table's
 * `history.expire.max-ref-age-ms`) go, `main` never. Data files are never removed here: an index may name
 * them.
 *
 * A manifest stays in the lists of all snapshots between the one that brought it and the one that dropped it.
 * So which manifests are still needed is told by few lists: of those that remain, the heads, those whose
 * parent is not there (any more), the parents of those that went, and all that are older than a snapshot
 * whose parent went in an earlier expiry. */
#ifndef FIRN_ICEBERG_MAINTAIN_EXPIRE_H
#define FIRN_ICEBERG_MAINTAIN_EXPIRE_H

#include "iceberg/commit/catalog.h"

typedef struct firn_expire {
  int64_t older_than_us; /* wall clock; snapshots from before may go */
  int32_t keep_at_least; /* of each branch; 0: the table's property, else 1 */
  size_t n_keep_newest_of;
  const char *const *keep_newest_of; /* "firn.log." */
  bool is_dry;                       /* only counts */
} firn_expire;

typedef struct firn_expired {
  size_t n_snapshots, n_refs;
  size_t n_lists, n_manifests, n_statistics; /* files removed, or to be removed */
  size_t n_left;                             /* files that could not be removed: orphans now */
} firn_expired;

/* One commit at most. FIRN_CONFLICT: somebody else was faster; nothing happened. After FIRN_UNCERTAIN no file
 * is removed, nor where a list that tells what is needed cannot be read, nor when a snapshot came in between.
 * A reference that somebody sets to an expiring snapshot in that very moment goes with it, for no catalog
 * can fence names that are not there yet. FIRN_INVALID for a table with gc.enabled=false. */
FIRN_MUST_USE firn_status firn_expire_snapshots(firn_catalog *catalog, firn_ctx *ctx,
                                                const firn_table_id *table, const firn_expire *how,
                                                firn_expired *out, firn_error *err);

#endif
