#include "sim/world.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

/* Each look takes a microsecond, as looks do. */
static int64_t now(void *self) {
  world *w = self;
  return w->now_us++;
}

static int64_t monotonic(void *self) {
  world *w = self;
  return w->monotonic_us++;
}

static void sleep_on(void *self, int64_t duration_us) {
  world_pass(self, duration_us);
}

static void random_bytes(void *self, void *into, size_t len) {
  world *w = self;
  uint8_t *at = into;
  for (size_t i = 0; i < len; i++) {
    at[i] = (uint8_t)next(&w->random);
  }
}

void world_open(world *w, const char *scenario, uint64_t seed) {
  *w = (world){.seed = seed,
               .scenario = scenario,
               .chance = seed * 3 + 1,
               .random = ~seed,
               .now_us = INT64_C(1749988800000000), /* 2025-06-15T12:00:00Z */
               .monotonic_us = 1000000};
  w->disk = disk_new(seed);
  disk_set_clock(w->disk, now, w);
  w->env = (firn_env){.now_us = now,
                      .monotonic_us = monotonic,
                      .sleep_us = sleep_on,
                      .random = random_bytes,
                      .self = w,
                      .files = disk_ops(w->disk)};
  w->ctx = (firn_ctx)FIRN_CTX_INIT(&w->env);
  (void)sqlite3_initialize();
  (void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, (int)(seed % 1000000 + 1), (sqlite3 *)NULL);
}

void world_close(world *w) {
  disk_free(w->disk);
}

uint64_t world_below(world *w, uint64_t n) {
  return next(&w->chance) % n;
}

bool world_chance(world *w, uint64_t n) {
  return world_below(w, n) == 0;
}

void world_pass(world *w, int64_t duration_us) {
  w->now_us += duration_us;
  w->monotonic_us += duration_us;
}

void world_set_back(world *w, int64_t by_us) {
  w->now_us -= by_us;
}

void world_fail(const world *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)fprintf(stderr, "crash_sim: seed %" PRIu64 ": ", w->seed);
  (void)vfprintf(stderr, format, args);
  (void)fprintf(stderr, "\n  again: crash_sim --scenario %s --seeds %" PRIu64 " 1 --trace trace.txt\n",
                w->scenario, w->seed);
  va_end(args);
  exit(1);
}
