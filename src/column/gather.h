/* Rows from several batches of one schema, in any order: what sorting needs. */
#ifndef FIRN_COLUMN_GATHER_H
#define FIRN_COLUMN_GATHER_H

#include "column/vector.h"

typedef struct firn_row_ref {
  uint32_t batch, row;
} firn_row_ref;

/* The rows `rows[0..n)`, in that order, in `arena`. Runs of bytes are borrowed from the batches. FIRN_LIMIT
 * when they hold too many list entries for one batch. */
FIRN_MUST_USE firn_status firn_batches_gather(const firn_batch *batches, size_t n_batches,
                                              const firn_row_ref *rows, size_t n, firn_arena *arena,
                                              firn_batch *out, firn_error *err);

#endif
