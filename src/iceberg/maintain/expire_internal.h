/* One expiry: shared by the expire*.c files.
 *
 *   expire.c        the whole: plan, commit, remove
 *   expire_plan.c   which snapshots and references go
 *   expire_files.c  which files nobody needs any more */
#ifndef FIRN_ICEBERG_MAINTAIN_EXPIRE_INTERNAL_H
#define FIRN_ICEBERG_MAINTAIN_EXPIRE_INTERNAL_H

#include "iceberg/maintain/expire.h"

/* In the arena of whoever made it. */
typedef struct firn_expire_plan {
  size_t n_snapshots;
  int64_t *snapshots; /* to be removed, in the order of the metadata */
  size_t n_refs;
  const char **refs; /* the same */
} firn_expire_plan;

FIRN_MUST_USE firn_status firn_expire_make_plan(const firn_metadata *metadata, const firn_expire *how,
                                                int64_t now_ms, firn_arena *arena, firn_expire_plan *out,
                                                firn_error *err);

/* The files that `before` needs and `after` does not: lists, manifests, statistics. Data files never. */
typedef struct firn_expire_files {
  size_t n_lists, n_manifests, n_statistics;
  size_t n, capacity;
  const char **items; /* all of them: statistics, manifests, then the lists that name them */
} firn_expire_files;

/* `gone` are the snapshots of `before` that `after` does not have. */
FIRN_MUST_USE firn_status firn_expire_find_files(firn_stores *stores, firn_ctx *ctx,
                                                 const firn_metadata *before, const firn_metadata *after,
                                                 firn_arena *arena, firn_expire_files *out, firn_error *err);

#endif
