/* Rows of a batch by their numbers: what partition fan-out and sorting need. */
#ifndef FIRN_COLUMN_TAKE_H
#define FIRN_COLUMN_TAKE_H

#include "column/vector.h"

/* The rows `rows[0..n)` of `from`, in that order, in `arena`. Runs of bytes are borrowed from `from`. */
FIRN_MUST_USE firn_status firn_batch_take(const firn_batch *from, const uint32_t *rows, size_t n,
                                          firn_arena *arena, firn_batch *out, firn_error *err);

#endif
