#include "base/ctx.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
  struct timespec t;
  (void)clock_gettime(id, &t); /* cannot fail for these two clocks */
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t system_now_us(void *self) {
  (void)self;
  return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(void *self) {
  (void)self;
  return read_clock(CLOCK_MONOTONIC);
}

static void system_sleep_us(void *self, int64_t duration_us) {
  (void)self;
  struct timespec t = {.tv_sec = duration_us / 1000000, .tv_nsec = duration_us % 1000000 * 1000};
  while (duration_us > 0 && nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}

static void system_random(void *self, void *into, size_t len) {
  (void)self;
  unsigned char *at = into;
  while (len > 0) {
    ssize_t n = getrandom(at, len > 256 ? 256 : len, 0);
    if (n > 0) {
      at += n;
      len -= (size_t)n;
    }
  }
}

const firn_env firn_env_system = {
    .now_us = system_now_us,
    .monotonic_us = system_monotonic_us,
    .sleep_us = system_sleep_us,
    .random = system_random,
};

firn_status firn_ctx_check(const firn_ctx *ctx, firn_error *err) {
  if (ctx->cancel != NULL && atomic_load_explicit(ctx->cancel, memory_order_relaxed)) {
    return firn_error_set(err, FIRN_CANCELLED, "cancelled");
  }
  if (ctx->deadline_us != 0 && firn_ctx_monotonic_us(ctx) >= ctx->deadline_us) {
    return firn_error_set(err, FIRN_TIMEOUT, "the deadline has passed");
  }
  return FIRN_OK;
}
