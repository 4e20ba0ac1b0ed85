/* The smallest and largest of the values of a page, found in one pass. NaN is counted and otherwise left out;
 * a zero becomes -0.0 as minimum and +0.0 as maximum. */
#ifndef FIRN_FORMATS_PARQUET_EXTREMES_INTERNAL_H
#define FIRN_FORMATS_PARQUET_EXTREMES_INTERNAL_H

#include "formats/parquet/bounds_internal.h"

typedef struct firn_extremes {
  bool any; /* false: no value, or nothing but NaN */
  size_t n_nans;
  union {
    struct {
      int64_t min, max;
    } number; /* BOOLEAN, INT32, INT64 */
    struct {
      double min, max;
    } real; /* FLOAT, DOUBLE */
    struct {
      size_t min_at, min_len, max_at, max_len;
    } run; /* where they lie in some buffer */
  };
} firn_extremes;

/* Values as in firn_leaf_run; for every order but those of runs of bytes. */
void firn_extremes_add(firn_extremes *e, firn_bound_order order, const void *values, size_t n);

/* Which of `n` > 0 runs are the smallest and the largest. */
void firn_extremes_of_runs(firn_bound_order order, const firn_bytes *values, size_t n, size_t *min,
                           size_t *max);

/* A run that lies at `at` in `buffer`, like those known already. */
void firn_extremes_add_run(firn_extremes *e, firn_bound_order order, const uint8_t *buffer, size_t at,
                           size_t len);

/* Both as bytes in `room` or in `buffer`; `e->any` must hold. */
void firn_extremes_get(const firn_extremes *e, firn_bound_order order, const uint8_t *buffer,
                       uint8_t room[16], firn_bytes *min, firn_bytes *max);

#endif
