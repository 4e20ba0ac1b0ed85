/* What every long operation carries (firn_ctx) and the outside world behind it (firn_env).
 *
 * Nothing below `apps` reads the clock, random numbers or the environment in another way, so a test can run
 * the whole system on one thread, from a seed. A firn_env is constant once made and threads may share it; a
 * firn_ctx belongs to one operation, and the tasks of a pool that serve it may share it. */
#ifndef FIRN_BASE_CTX_H
#define FIRN_BASE_CTX_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct firn_log;      /* base/log.h */
struct firn_metrics;  /* base/metrics.h */
struct firn_pool;     /* base/pool.h */
struct firn_file_ops; /* base/file.h */

typedef struct firn_env {
  int64_t (*now_us)(void *self);       /* wall clock: microseconds since 1970-01-01T00:00Z */
  int64_t (*monotonic_us)(void *self); /* for deadlines and durations only */
  void (*sleep_us)(void *self, int64_t duration_us);
  void (*random)(void *self, void *into, size_t len); /* unpredictable bytes */
  void *self;
  const struct firn_file_ops *files; /* NULL: the system's own */
  struct firn_log *log;              /* NULL: nothing is logged */
  struct firn_metrics *metrics;      /* NULL: nothing is counted */
  struct firn_pool *pool;            /* NULL: everything runs on the caller's thread */
} firn_env;

/* The system's clock and random numbers, no log, no metrics, no pool. Copy it and fill in the rest. */
extern const firn_env firn_env_system;

typedef struct firn_ctx {
  const firn_env *env;
  int64_t deadline_us;       /* by env->monotonic_us; 0: none */
  const atomic_bool *cancel; /* NULL: cannot be cancelled */
  const char *trace_id;      /* NULL: none */
} firn_ctx;

#define FIRN_CTX_INIT(environment) {.env = (environment)}

/* FIRN_CANCELLED or FIRN_TIMEOUT when it is time to stop. Loops that may last ask once per unit of work. */
FIRN_MUST_USE firn_status firn_ctx_check(const firn_ctx *ctx, firn_error *err);

static inline int64_t firn_ctx_now_us(const firn_ctx *ctx) {
  return ctx->env->now_us(ctx->env->self);
}
static inline int64_t firn_ctx_monotonic_us(const firn_ctx *ctx) {
  return ctx->env->monotonic_us(ctx->env->self);
}
static inline void firn_ctx_random(const firn_ctx *ctx, void *into, size_t len) {
  ctx->env->random(ctx->env->self, into, len);
}

#endif
