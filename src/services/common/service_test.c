#include "services/common/service.h"

#include <pthread.h>
#include <unistd.h>

#include "test.h"

/* A service that does what the test wants. */
typedef struct fixture {
  firn_env env;
  firn_ctx ctx;
  firn_health *health;
  firn_service *service;
  pthread_mutex_t lock; /* guards the rest */
  int n_steps, n_draining_steps, n_failed;
  int work;     /* pieces: one a step */
  int failures; /* steps that fail from now on */
  firn_status failure;
  char failed_text[512];
} fixture;

static firn_status step(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err) {
  (void)ctx;
  fixture *f = self;
  firn_status status = FIRN_OK;
  pthread_mutex_lock(&f->lock);
  f->n_steps++;
  f->n_draining_steps += is_draining;
  if (f->failures > 0) {
    f->failures--;
    status = firn_error_set(err, f->failure, "the store is away");
  } else if (f->work > 0) {
    f->work--;
    *wait_us = f->work > 0 ? 0 : FIRN_STEP_IDLE;
  } else {
    *wait_us = FIRN_STEP_IDLE;
  }
  pthread_mutex_unlock(&f->lock);
  return status;
}

static const firn_service_ops ops = {"tester", step};

static void on_failed(void *arg, const firn_error *err) {
  fixture *f = arg;
  pthread_mutex_lock(&f->lock);
  f->n_failed++;
  memcpy(f->failed_text, err->text, sizeof err->text);
  pthread_mutex_unlock(&f->lock);
}

static void start(fixture *f) {
  firn_error err;
  f->env = firn_env_system;
  f->ctx = (firn_ctx)FIRN_CTX_INIT(&f->env);
  pthread_mutex_init(&f->lock, NULL);
  CHECK_OK(firn_health_open(&f->health, &err));
  CHECK_OK(firn_service_start(&ops, f, &f->ctx, f->health, on_failed, f, &f->service, &err));
}

static void stop(fixture *f) {
  firn_service_stop(f->service);
  firn_health_close(f->health);
  pthread_mutex_destroy(&f->lock);
}

static int look(fixture *f, const int *what) {
  pthread_mutex_lock(&f->lock);
  int value = *what;
  pthread_mutex_unlock(&f->lock);
  return value;
}

static void wait_until(fixture *f, const int *what, int at_least) {
  for (int i = 0; i < 5000; i++) {
    if (look(f, what) >= at_least) {
      return;
    }
    usleep(1000);
  }
  fail_msg("%d after five seconds, not %d", look(f, what), at_least);
}

static int64_t soon(fixture *f, int64_t ms) {
  return firn_ctx_monotonic_us(&f->ctx) + ms * 1000;
}

static void works_until_it_is_idle_and_when_woken(void **state) {
  (void)state;
  fixture f = {.work = 10};
  start(&f);
  wait_until(&f, &f.n_steps, 10);
  usleep(20000);
  assert_int_equal(look(&f, &f.n_steps), 10); /* idle */
  assert_true(firn_health_is_ready(f.health));
  firn_service_wake(f.service);
  wait_until(&f, &f.n_steps, 11);
  usleep(20000);
  assert_int_equal(look(&f, &f.n_steps), 11);
  stop(&f);
}

static void tries_again_after_a_pause(void **state) {
  (void)state;
  static const firn_status again[] = {FIRN_BUSY, FIRN_TIMEOUT, FIRN_CONFLICT, FIRN_IO, FIRN_NOMEM};
  for (size_t i = 0; i < FIRN_COUNT_OF(again); i++) {
    firn_error err;
    fixture f = {.work = 1, .failures = 2, .failure = again[i]};
    int64_t started = firn_ctx_monotonic_us(&(firn_ctx)FIRN_CTX_INIT(&firn_env_system));
    start(&f);
    wait_until(&f, &f.n_steps, 1);
    usleep(20000);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(4096);
    firn_health_write(f.health, &b);
    CHECK_BYTES(firn_builder_bytes(&b),
                "{\"ready\":true,\"services\":[{\"name\":\"tester\",\"state\":\"troubled\","
                "\"text\":\"the store is away\"}]}");
    firn_service_wake(f.service); /* does not shorten the pause */
    wait_until(&f, &f.n_steps, 3);
    assert_true(firn_ctx_monotonic_us(&f.ctx) - started >= 300000); /* 100 ms and 200 ms */
    CHECK_OK(firn_service_drain(f.service, &f.ctx, soon(&f, 5000), &err));
    firn_builder_reset(&b);
    firn_health_write(f.health, &b);
    CHECK_BYTES(firn_builder_bytes(&b),
                "{\"ready\":true,\"services\":[{\"name\":\"tester\",\"state\":\"ready\"}]}");
    stop(&f);
  }
}

static void stops_for_good_after_any_other_failure(void **state) {
  (void)state;
  static const firn_status final[] = {FIRN_INVALID, FIRN_CORRUPT, FIRN_UNCERTAIN, FIRN_DENIED,
                                      FIRN_NOT_FOUND};
  for (size_t i = 0; i < FIRN_COUNT_OF(final); i++) {
    firn_error err;
    fixture f = {.work = 1, .failures = 1, .failure = final[i]};
    start(&f);
    wait_until(&f, &f.n_failed, 1);
    assert_string_equal(f.failed_text, "the store is away");
    assert_false(firn_health_is_ready(f.health));
    firn_service_wake(f.service);
    usleep(5000);
    assert_int_equal(look(&f, &f.n_steps), 1);
    CHECK_STATUS(firn_service_drain(f.service, &f.ctx, soon(&f, 5000), &err), final[i]);
    CHECK_SAYS("the service tester has stopped: the store is away");
    stop(&f);
    assert_int_equal(f.n_failed, 1);
  }
}

static void drains_what_is_there(void **state) {
  (void)state;
  firn_error err;
  fixture f = {.work = 0};
  start(&f);
  wait_until(&f, &f.n_steps, 1);
  pthread_mutex_lock(&f.lock);
  f.work = 100; /* and nobody wakes it */
  pthread_mutex_unlock(&f.lock);
  CHECK_OK(firn_service_drain(f.service, &f.ctx, soon(&f, 5000), &err));
  assert_int_equal(look(&f, &f.work), 0);
  assert_int_equal(look(&f, &f.n_draining_steps), 100);
  pthread_mutex_lock(&f.lock);
  f.work = 5; /* something comes late */
  pthread_mutex_unlock(&f.lock);
  firn_service_wake(f.service);
  CHECK_OK(firn_service_drain(f.service, &f.ctx, soon(&f, 5000), &err));
  assert_int_equal(look(&f, &f.work), 0);
  stop(&f);
}

static void a_drain_has_a_deadline(void **state) {
  (void)state;
  firn_error err;
  fixture f = {.work = 1, .failures = 1000, .failure = FIRN_IO};
  start(&f);
  wait_until(&f, &f.n_steps, 1);
  int64_t started = firn_ctx_monotonic_us(&f.ctx);
  CHECK_STATUS(firn_service_drain(f.service, &f.ctx, soon(&f, 150), &err), FIRN_TIMEOUT);
  CHECK_SAYS("the service tester was not done in time: the store is away");
  assert_in_range(firn_ctx_monotonic_us(&f.ctx) - started, 140000, 10000000);
  stop(&f);
}

/* The same without a thread, as a simulation steps it. */
static void a_step_needs_no_thread(void **state) {
  (void)state;
  firn_error err;
  fixture f = {.failures = 20, .failure = FIRN_BUSY};
  pthread_mutex_init(&f.lock, NULL);
  firn_service_loop l = {.ops = &ops, .self = &f};
  firn_ctx *ctx = test_ctx();
  int64_t wait_us, pause_us = 100000;
  for (int i = 0; i < 20; i++) {
    CHECK_OK(firn_service_loop_step(&l, ctx, false, &wait_us, &err));
    assert_true(l.is_troubled);
    assert_int_equal(wait_us, pause_us);
    pause_us = pause_us * 2 < 10000000 ? pause_us * 2 : 10000000;
  }
  CHECK_OK(firn_service_loop_step(&l, ctx, false, &wait_us, &err));
  assert_false(l.is_troubled);
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  f.failures = 1;
  CHECK_OK(firn_service_loop_step(&l, ctx, false, &wait_us, &err));
  assert_int_equal(wait_us, 100000); /* from the beginning */
  f.failures = 1;
  f.failure = FIRN_CORRUPT;
  CHECK_STATUS(firn_service_loop_step(&l, ctx, false, &wait_us, &err), FIRN_CORRUPT);
  pthread_mutex_destroy(&f.lock);
}

RUN_TESTS(works_until_it_is_idle_and_when_woken, tries_again_after_a_pause,
          stops_for_good_after_any_other_failure, drains_what_is_there, a_drain_has_a_deadline,
          a_step_needs_no_thread)
