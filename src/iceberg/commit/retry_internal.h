/* How often and how patiently a commit is tried, as the table's properties say: shared by appends and
 * alterations. */
#ifndef FIRN_ICEBERG_COMMIT_RETRY_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_RETRY_INTERNAL_H

#include "base/ctx.h"
#include "iceberg/meta/metadata.h"

typedef struct firn_retry {
  int64_t n_retries, min_wait_ms, max_wait_ms;
  int64_t n_checks, check_min_wait_ms, check_max_wait_ms; /* looks at the table after a lost answer */
  int64_t give_up_us;                                     /* monotonic */
} firn_retry;

/* Before the table has been seen: the reference's defaults for looks at it, and no retries. */
#define FIRN_RETRY_INIT {.n_checks = 3, .check_min_wait_ms = 1000, .check_max_wait_ms = 60 * 1000}

/* `asked`: that many retries; 0: as the table says; less: none. */
void firn_retry_read(firn_retry *r, const firn_properties *p, int asked, const firn_ctx *ctx);

/* Full jitter: anything up to a bound that doubles each time, so that those who collided do not meet again.
 * `nth` counts from 0. */
FIRN_MUST_USE firn_status firn_retry_wait(firn_ctx *ctx, int64_t min_ms, int64_t max_ms, int64_t nth,
                                          firn_error *err);

#endif
