/* Sets of rows as runs: which rows of a row group may match. */
#ifndef FIRN_ICEBERG_SCAN_ROW_RANGES_INTERNAL_H
#define FIRN_ICEBERG_SCAN_ROW_RANGES_INTERNAL_H

#include "base/arena.h"
#include "base/error.h"

typedef struct firn_row_range {
  int64_t first, end; /* never empty */
} firn_row_range;

typedef struct firn_row_ranges {
  size_t n, capacity;
  firn_row_range *items; /* ascending, apart from each other */
} firn_row_ranges;

/* Adds rows at or behind the last ones; nothing when there are none. */
FIRN_MUST_USE firn_status firn_row_ranges_add(firn_row_ranges *r, int64_t first, int64_t end,
                                              firn_arena *arena, firn_error *err);
/* What is in both, in either. In `arena`. */
FIRN_MUST_USE firn_status firn_row_ranges_both(const firn_row_ranges *a, const firn_row_ranges *b,
                                               firn_arena *arena, firn_row_ranges *out, firn_error *err);
FIRN_MUST_USE firn_status firn_row_ranges_either(const firn_row_ranges *a, const firn_row_ranges *b,
                                                 firn_arena *arena, firn_row_ranges *out, firn_error *err);

#endif
