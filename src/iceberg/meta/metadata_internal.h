/* How table metadata is made: filled (by reading or by copying), then frozen. Shared by the metadata_*.c
 * files of this room. */
#ifndef FIRN_ICEBERG_META_METADATA_INTERNAL_H
#define FIRN_ICEBERG_META_METADATA_INTERNAL_H

#include <stdatomic.h>

#include "iceberg/meta/metadata.h"

struct firn_metadata {
  atomic_size_t refs;
  firn_arena arena; /* everything below lives here */
  firn_metadata_fields f;
  size_t n_places;  /* a power of two */
  uint32_t *places; /* snapshots by id: their number plus one, 0 where nothing is; open addressing */
};

/* One reference, nothing in it yet. */
FIRN_MUST_USE firn_status firn_metadata_blank(firn_metadata **out, firn_error *err);
/* Copies everything that `from` points at into `m`. */
FIRN_MUST_USE firn_status firn_metadata_fill(firn_metadata *m, const firn_metadata_fields *from,
                                             firn_error *err);
/* Checks the parts against each other and makes the index; `wrong` is the status of what does not fit:
 * FIRN_CORRUPT for what was read, FIRN_INVALID for what a caller made. */
FIRN_MUST_USE firn_status firn_metadata_freeze(firn_metadata *m, firn_status wrong, firn_error *err);
/* What freezing checks beside the snapshots. */
FIRN_MUST_USE firn_status firn_metadata_check(const firn_metadata *m, firn_status wrong, firn_error *err);

/* A snapshot whose object has begun on `j`: tables have thousands, so no tree is made of them. Keys of the
 * summary that `before`, the snapshot read before it (NULL: none), has in the same place are shared with it.
 */
FIRN_MUST_USE firn_status firn_snapshot_next(firn_json *j, const firn_snapshot *before, firn_arena *arena,
                                             firn_snapshot *out, firn_error *err);

#endif
