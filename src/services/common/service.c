#include "services/common/service.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"

#define FIRST_PAUSE_US INT64_C(100000)
#define LONGEST_PAUSE_US INT64_C(10000000)
#define LONGEST_WAIT_US INT64_C(3600000000) /* then a step that finds nothing to do */

struct firn_service {
  firn_service_loop loop; /* the thread's alone, as is what follows up to `thread` */
  firn_ctx ctx;
  firn_health *health;
  size_t i;
  void (*on_failed)(void *arg, const firn_error *err);
  void *arg;
  pthread_t thread;

  pthread_mutex_t lock; /* guards the rest; never held in a step */
  pthread_cond_t changed;
  bool is_woken, is_draining, is_stopping;
  bool is_drained;
  firn_status failed;
  firn_error error; /* of the failure, or of the trouble it is in */
};

static bool is_tried_again(firn_status status) {
  return status == FIRN_BUSY || status == FIRN_TIMEOUT || status == FIRN_CONFLICT || status == FIRN_IO ||
         status == FIRN_NOMEM;
}

firn_status firn_service_loop_step(firn_service_loop *l, firn_ctx *ctx, bool is_draining, int64_t *wait_us,
                                   firn_error *err) {
  *wait_us = 0;
  firn_status status = l->ops->step(l->self, ctx, is_draining, wait_us, err);
  l->is_troubled = is_tried_again(status);
  if (!l->is_troubled) {
    l->pause_us = 0;
    return status;
  }
  l->pause_us = l->pause_us == 0 ? FIRST_PAUSE_US : l->pause_us * 2;
  l->pause_us = l->pause_us < LONGEST_PAUSE_US ? l->pause_us : LONGEST_PAUSE_US;
  *wait_us = l->pause_us;
  return FIRN_OK;
}

static struct timespec timespec_of(int64_t monotonic_us) {
  return (struct timespec){.tv_sec = monotonic_us / 1000000, .tv_nsec = monotonic_us % 1000000 * 1000};
}

/* Until the next step is due. Called and left with the lock held. A service in trouble is not woken before
 * its pause is over, but it is told at once that it must drain. */
static void wait(firn_service *s, int64_t wait_us, bool was_draining) {
  bool is_long = wait_us == FIRN_STEP_IDLE || wait_us > LONGEST_WAIT_US;
  struct timespec until = timespec_of(firn_ctx_monotonic_us(&s->ctx) + (is_long ? LONGEST_WAIT_US : wait_us));
  while (wait_us != 0 && !s->is_stopping && s->is_draining == was_draining &&
         (!s->is_woken || s->loop.is_troubled)) {
    if (pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &until) == ETIMEDOUT) {
      return;
    }
  }
}

/* Says how it is when that has changed. */
static void report(firn_service *s, bool was_troubled, firn_status status, const firn_error *err) {
  firn_log_field name = FIRN_LOG_TEXT("service", s->loop.ops->name);
  if (status != FIRN_OK) {
    firn_health_set(s->health, s->i, FIRN_HEALTH_STOPPED, err->text);
    FIRN_LOG_WITH(&s->ctx, FIRN_LOG_ERROR, "a service has stopped", name, FIRN_LOG_TEXT("error", err->text));
  } else if (s->loop.is_troubled) {
    firn_health_set(s->health, s->i, FIRN_HEALTH_TROUBLED, err->text);
    if (!was_troubled) {
      FIRN_LOG_WITH(&s->ctx, FIRN_LOG_WARN, "a service is in trouble and tries again", name,
                    FIRN_LOG_TEXT("error", err->text));
    }
  } else {
    firn_health_set(s->health, s->i, FIRN_HEALTH_READY, NULL);
    if (was_troubled) {
      FIRN_LOG_WITH(&s->ctx, FIRN_LOG_INFO, "a service is well again", name);
    }
  }
}

static void *run(void *arg) {
  firn_service *s = arg;
  pthread_mutex_lock(&s->lock);
  while (!s->is_stopping && s->failed == FIRN_OK) {
    bool is_draining = s->is_draining, was_troubled = s->loop.is_troubled;
    s->is_woken = s->is_drained = false;
    pthread_mutex_unlock(&s->lock);
    int64_t wait_us;
    firn_error err = {.status = FIRN_OK};
    firn_status status = firn_service_loop_step(&s->loop, &s->ctx, is_draining, &wait_us, &err);
    report(s, was_troubled, status, &err);
    pthread_mutex_lock(&s->lock);
    s->failed = status;
    s->error = err;
    s->is_drained = is_draining && wait_us == FIRN_STEP_IDLE;
    if (status != FIRN_OK || s->is_drained) {
      pthread_cond_broadcast(&s->changed);
    }
    if (status == FIRN_OK) {
      wait(s, wait_us, is_draining);
    }
  }
  bool has_failed = s->failed != FIRN_OK;
  pthread_mutex_unlock(&s->lock);
  if (!has_failed) {
    firn_health_set(s->health, s->i, FIRN_HEALTH_STOPPED, NULL);
  } else if (s->on_failed != NULL) {
    s->on_failed(s->arg, &s->error); /* nobody writes it any more */
  }
  return NULL;
}

/* Signals are for the application's own threads. */
static int start_thread(firn_service *s) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = failed != 0 ? failed : pthread_create(&s->thread, NULL, run, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was; cannot fail */
  return failed;
}

static void free_service(firn_service *s) {
  pthread_cond_destroy(&s->changed);
  pthread_mutex_destroy(&s->lock);
  firn_free(s);
}

firn_status firn_service_start(const firn_service_ops *ops, void *self, firn_ctx *ctx, firn_health *health,
                               void (*on_failed)(void *arg, const firn_error *err), void *arg,
                               firn_service **out, firn_error *err) {
  firn_service *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the service %s", ops->name);
  }
  s->loop = (firn_service_loop){.ops = ops, .self = self};
  s->ctx = (firn_ctx)FIRN_CTX_INIT(ctx->env);
  s->health = health;
  s->on_failed = on_failed;
  s->arg = arg;
  (void)pthread_mutex_init(&s->lock, NULL); /* neither can fail with default attributes */
  (void)pthread_cond_init(&s->changed, NULL);
  firn_status status = firn_health_add(health, ops->name, &s->i, err);
  int failed = status == FIRN_OK ? start_thread(s) : 0;
  if (failed != 0) {
    status =
        firn_error_set(err, FIRN_LIMIT, "starting the service %s: %s", ops->name, strerrordesc_np(failed));
  }
  if (status != FIRN_OK) {
    free_service(s);
    return status;
  }
  *out = s;
  return FIRN_OK;
}

void firn_service_wake(firn_service *s) {
  pthread_mutex_lock(&s->lock);
  bool was_woken = s->is_woken;
  s->is_woken = true;
  s->is_drained = false;
  if (!was_woken) {
    pthread_cond_broadcast(&s->changed);
  }
  pthread_mutex_unlock(&s->lock);
}

firn_status firn_service_drain(firn_service *s, firn_ctx *ctx, int64_t deadline_us, firn_error *err) {
  (void)ctx;
  struct timespec until = timespec_of(deadline_us);
  pthread_mutex_lock(&s->lock);
  if (!s->is_draining) {
    s->is_draining = true;
    s->is_drained = false;
    pthread_cond_broadcast(&s->changed);
  }
  while (!s->is_drained && s->failed == FIRN_OK &&
         pthread_cond_clockwait(&s->changed, &s->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT) {
  }
  firn_status status = s->failed != FIRN_OK ? s->failed : s->is_drained ? FIRN_OK : FIRN_TIMEOUT;
  firn_error told = s->error;
  pthread_mutex_unlock(&s->lock);
  if (status == FIRN_TIMEOUT) {
    return firn_error_set(err, status, "the service %s was not done in time%s%s", s->loop.ops->name,
                          told.status != FIRN_OK ? ": " : "", told.status != FIRN_OK ? told.text : "");
  }
  return status == FIRN_OK
             ? FIRN_OK
             : firn_error_set(err, status, "the service %s has stopped: %s", s->loop.ops->name, told.text);
}

void firn_service_stop(firn_service *s) {
  if (s == NULL) {
    return;
  }
  pthread_mutex_lock(&s->lock);
  s->is_stopping = true;
  pthread_cond_broadcast(&s->changed);
  pthread_mutex_unlock(&s->lock);
  (void)pthread_join(s->thread, NULL); /* ours and joinable */
  free_service(s);
}
