/* The world that a simulated firn lives in: a disk, clocks and random numbers, all from one seed, on one
 * thread. And a second stream of random numbers, for what happens to it.
 *
 * Whoever finds something wrong calls world_fail, which says the seed and ends the program. */
#ifndef FIRN_TESTS_WORLD_H
#define FIRN_TESTS_WORLD_H

#include "base/ctx.h"
#include "sim/disk.h"

typedef struct world {
  uint64_t seed;
  const char *scenario;
  uint64_t chance; /* the state of world_below */
  uint64_t random; /* the state of what the program gets */
  int64_t now_us, monotonic_us;
  disk *disk;
  bool is_hurt; /* something is broken on purpose: failures are no news */
  firn_env env;
  firn_ctx ctx; /* without deadline */
} world;

/* `w` may not move. SQLite's random numbers, which are the process's, start over too. */
void world_open(world *w, const char *scenario, uint64_t seed);
void world_close(world *w);

/* Below `n`, which is not 0. */
uint64_t world_below(world *w, uint64_t n);
/* One time in `n`. */
bool world_chance(world *w, uint64_t n);
void world_pass(world *w, int64_t duration_us);
/* The wall clock jumps, the other does not. */
void world_set_back(world *w, int64_t by_us);

_Noreturn void world_fail(const world *w, const char *format, ...) FIRN_PRINTF(2, 3);

#endif
