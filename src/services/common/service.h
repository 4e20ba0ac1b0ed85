/* A long-running service: a step that is run again and again on a thread of its own, until it is told to
 * stop.
 *
 * Services are written as steps so that a test can run a whole firn on one thread, step by step, from a seed.
 * A step does what is due and returns soon. */
#ifndef FIRN_SERVICES_COMMON_SERVICE_H
#define FIRN_SERVICES_COMMON_SERVICE_H

#include "base/ctx.h"
#include "base/error.h"
#include "services/common/health.h"

enum { FIRN_STEP_IDLE = -1 }; /* nothing is due until somebody wakes the service */

typedef struct firn_service_ops {
  const char *name;
  /* `*wait_us`: when to call again; 0: at once; FIRN_STEP_IDLE. With `is_draining` everything that is there
   * is due now, whatever its period; FIRN_STEP_IDLE then means that nothing is left. FIRN_BUSY, FIRN_TIMEOUT,
   * FIRN_CONFLICT, FIRN_IO and FIRN_NOMEM are tried again after a pause that doubles from 100 ms to 10 s, the
   * service is troubled meanwhile; after any other failure it stops for good. */
  firn_status (*step)(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err);
} firn_service_ops;

/* A service without its thread: what a step's outcome means. For the thread, and for tests that step services
 * themselves, on a virtual clock. Begin with ops and self alone. */
typedef struct firn_service_loop {
  const firn_service_ops *ops;
  void *self;
  bool is_troubled; /* the last step failed, and is tried again */
  int64_t pause_us;
} firn_service_loop;

/* One step. A failure that is tried again is FIRN_OK with `is_troubled`, the pause in `*wait_us` and the text
 * in `err`, which may not be NULL here; any other is what it is, and there must be no further step. */
FIRN_MUST_USE firn_status firn_service_loop_step(firn_service_loop *l, firn_ctx *ctx, bool is_draining,
                                                 int64_t *wait_us, firn_error *err);

typedef struct firn_service firn_service;

/* Starts a thread, which needs the system's own clock. `on_failed` (may be NULL) is called on it when the
 * service has stopped for good. */
FIRN_MUST_USE firn_status firn_service_start(const firn_service_ops *ops, void *self, firn_ctx *ctx,
                                             firn_health *health,
                                             void (*on_failed)(void *arg, const firn_error *err), void *arg,
                                             firn_service **out, firn_error *err);
/* Something may be due. Any thread; quick. */
void firn_service_wake(firn_service *s);
/* Drains it: returns when nothing is left, when it has failed (with that failure), or at the deadline
 * (monotonic): FIRN_TIMEOUT. It stays draining; what wakes it is drained too. */
FIRN_MUST_USE firn_status firn_service_drain(firn_service *s, firn_ctx *ctx, int64_t deadline_us,
                                             firn_error *err);
/* Ends the thread after the step that is under way. NULL is fine. */
void firn_service_stop(firn_service *s);

#endif
