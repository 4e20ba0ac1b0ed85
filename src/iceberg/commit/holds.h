/* Whether a snapshot holds given data files: for those who have lost the word of where they were, and must
 * not append twice. Reads every manifest, so it is not for every day. */
#ifndef FIRN_ICEBERG_COMMIT_HOLDS_H
#define FIRN_ICEBERG_COMMIT_HOLDS_H

#include "iceberg/meta/manifest.h"
#include "io/stores.h"

/* `paths` are sorted by strcmp. `held` has a flag for each of them, set where the path is live. */
FIRN_MUST_USE firn_status firn_snapshot_holds(firn_stores *stores, firn_ctx *ctx,
                                              const firn_metadata *metadata, const firn_snapshot *snapshot,
                                              const char *const *paths, size_t n, bool *held,
                                              firn_error *err);

#endif
