/* A pool of threads, made by the application and lent to the library, which starts none of its own.
 *
 * Threads may share a pool. Parallel work is a loop that ends before the function does; a task may itself
 * call firn_pool_for_each on the same pool. */
#ifndef FIRN_BASE_POOL_H
#define FIRN_BASE_POOL_H

#include "base/ctx.h"

typedef struct firn_pool firn_pool;

/* `n_threads` counts helpers beside the callers' own threads; 0 makes a pool in which callers do everything.
 */
FIRN_MUST_USE firn_status firn_pool_open(unsigned n_threads, firn_pool **out, firn_error *err);
void firn_pool_close(firn_pool *pool); /* NULL is fine; no loop may be running */

typedef firn_status (*firn_task)(void *arg, size_t i, firn_ctx *ctx, firn_error *err);

/* Runs task(arg, i) for every i below `n`, the caller's thread helping, and returns when none is left
 * running. After the first failure (or cancellation, or deadline of `ctx`) no further index is started; that
 * failure is returned. `pool` may be NULL: the caller does everything, in order. */
FIRN_MUST_USE firn_status firn_pool_for_each(firn_pool *pool, firn_ctx *ctx, size_t n, firn_task task,
                                             void *arg, firn_error *err);

#endif
