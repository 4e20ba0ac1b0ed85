#include "services/fetch/cache_internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "io/stores.h"
#include "services/fetch/fetch.h"
#include "test_archive.h"

enum { FILES = 12, ROWS = 40, THREADS = 8 };

/* A store whose reads take a while and are counted, so that threads meet. */
typedef struct slow_store {
  firn_store base;
  firn_store *inner;
  atomic_size_t n_reads;
  atomic_int failing; /* FIRN_...: what reads answer; 0: nothing */
  long pause_ns;
} slow_store;

static firn_status slow_read(firn_store *s, firn_ctx *ctx, const char *path, firn_range *ranges, size_t n,
                             firn_object_info *info, firn_error *err) {
  slow_store *slow = (slow_store *)s;
  atomic_fetch_add(&slow->n_reads, 1);
  struct timespec pause = {.tv_nsec = slow->pause_ns};
  (void)nanosleep(&pause, NULL);
  firn_status failing = (firn_status)atomic_load(&slow->failing);
  if (failing != FIRN_OK) {
    return firn_error_set(err, failing, "made to fail");
  }
  return firn_store_read(slow->inner, ctx, path, ranges, n, info, err);
}

static const firn_store_ops slow_ops = {.scheme = "slow", .read = slow_read};

typedef struct world {
  firn_ctx ctx;
  firn_store *memory;
  slow_store slow;
  firn_file_cache *cache;
  firn_arena arena;
  firn_event events[FILES][ROWS];
} world;

static const char *path_of(size_t file) {
  static const char *const paths[FILES] = {"a/0.parquet", "a/1.parquet", "a/2.parquet",  "a/3.parquet",
                                           "b/4.parquet", "b/5.parquet", "b/6.parquet",  "b/7.parquet",
                                           "c/8.parquet", "c/9.parquet", "c/10.parquet", "c/11.parquet"};
  return paths[file];
}

static void start(world *w, size_t max_bytes, long pause_ns) {
  firn_error err;
  *w = (world){.ctx = FIRN_CTX_INIT(&firn_env_system)};
  CHECK_OK(firn_memory_store_open(0, &w->memory, &err));
  w->slow.base = (firn_store){.ops = &slow_ops, .root = ""};
  w->slow.inner = w->memory;
  w->slow.pause_ns = pause_ns;
  CHECK_OK(firn_file_cache_open(max_bytes, &w->cache, &err));
  for (size_t f = 0; f < FILES; f++) {
    for (size_t i = 0; i < ROWS; i++) {
      w->events[f][i] = test_archive_event(f * 1000 + i, i * 11, &w->arena);
    }
    const test_archive_options small = {.page_bytes = 1024};
    CHECK_OK(test_archive_put(w->memory, &w->ctx, path_of(f), w->events[f], ROWS, &small, &err));
  }
}

static void stop(world *w) {
  firn_file_cache_close(w->cache);
  firn_store_close(w->memory);
  firn_arena_free(&w->arena);
}

static firn_status fetch_row(world *w, size_t file, int64_t row, firn_arena *arena, firn_event *out,
                             firn_error *err) {
  firn_cached_file *hold = NULL;
  FIRN_TRY(firn_file_cache_get(w->cache, &w->ctx, &w->slow.base, path_of(file), &hold, err));
  firn_archive_rows rows = {.n = 1, .rows = &row, .what = FIRN_FETCH_DATA | FIRN_FETCH_HEADER};
  firn_status status = firn_archive_file_read(firn_cached_file_of(hold), &w->ctx, &rows, arena, out, err);
  firn_file_cache_release(w->cache, hold);
  return status;
}

static bool is_event(const firn_event *got, const firn_event *wanted) {
  return firn_bytes_equal(got->data, wanted->data) &&
         firn_bytes_equal(got->texts[FIRN_EVENT_ID], wanted->texts[FIRN_EVENT_ID]);
}

typedef struct worker {
  world *w;
  pthread_barrier_t *begin;
  unsigned seed;
  size_t n_rounds, n_wrong;
  firn_status status;
} worker;

static void *ask_at_random(void *arg) {
  worker *me = arg;
  (void)pthread_barrier_wait(me->begin);
  for (size_t i = 0; i < me->n_rounds; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    firn_event e;
    me->seed = me->seed * 1664525 + 1013904223;
    size_t file = me->seed >> 8 & 0xffff;
    file = file % FILES;
    int64_t row = (int64_t)(me->seed >> 24) % ROWS;
    me->status = fetch_row(me->w, file, row, &arena, &e, &err);
    if (me->status != FIRN_OK) {
      return NULL;
    }
    me->n_wrong += is_event(&e, &me->w->events[file][row]) ? 0 : 1;
  }
  return NULL;
}

static void *ask_for_one(void *arg) {
  worker *me = arg;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_event e;
  (void)pthread_barrier_wait(me->begin);
  me->status = fetch_row(me->w, 3, 5, &arena, &e, &err);
  me->n_wrong = me->status != FIRN_OK || is_event(&e, &me->w->events[3][5]) ? 0 : 1;
  return NULL;
}

static void run(world *w, void *(*body)(void *), size_t n_rounds, worker workers[THREADS]) {
  pthread_t threads[THREADS];
  pthread_barrier_t begin;
  assert_int_equal(pthread_barrier_init(&begin, NULL, THREADS), 0);
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i] = (worker){.w = w, .begin = &begin, .seed = i * 77 + 1, .n_rounds = n_rounds};
    assert_int_equal(pthread_create(&threads[i], NULL, body, &workers[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  (void)pthread_barrier_destroy(&begin);
}

/* Every thread gets its rows while files are thrown out and opened anew all the time. */
static void a_tiny_budget_under_threads_gives_right_rows(void **state) {
  (void)state;
  world w;
  worker workers[THREADS];
  start(&w, 60 << 10, 0); /* two or three of the twelve */
  run(&w, ask_at_random, 60, workers);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(workers[i].status, FIRN_OK);
    assert_int_equal(workers[i].n_wrong, 0);
  }
  firn_file_cache_count count = firn_file_cache_counts(w.cache);
  assert_in_range(count.bytes, 1, 60 << 10);
  assert_in_range(count.n_files, 1, FILES - 1);
  assert_true(count.n_evicted > 0 && count.n_hits > 0);
  assert_int_equal(count.n_hits + count.n_opened, THREADS * 60);
  stop(&w);
}

static void a_file_that_many_ask_for_at_once_is_opened_once(void **state) {
  (void)state;
  world w;
  worker workers[THREADS];
  start(&w, 1 << 20, 20000000);
  run(&w, ask_for_one, 1, workers);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(workers[i].status, FIRN_OK);
    assert_int_equal(workers[i].n_wrong, 0);
  }
  firn_file_cache_count count = firn_file_cache_counts(w.cache);
  assert_int_equal(count.n_opened, 1);
  assert_int_equal(count.n_hits, THREADS - 1);
  assert_int_equal(atomic_load(&w.slow.n_reads), 1 + THREADS); /* its end, and a payload for each */
  stop(&w);
}

/* Who waits for another's opening is told what became of it, and the next to come tries again. */
static void a_failure_is_shared_and_not_kept(void **state) {
  (void)state;
  world w;
  worker workers[THREADS];
  start(&w, 1 << 20, 20000000);
  atomic_store(&w.slow.failing, FIRN_IO);
  run(&w, ask_for_one, 1, workers);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(workers[i].status, FIRN_IO);
  }
  assert_int_equal(firn_file_cache_counts(w.cache).n_files, 0);
  /* An opener that ran out of time says nothing about the file: the others try for themselves. */
  atomic_store(&w.slow.failing, FIRN_TIMEOUT);
  size_t before = atomic_load(&w.slow.n_reads);
  run(&w, ask_for_one, 1, workers);
  assert_int_equal(atomic_load(&w.slow.n_reads) - before, THREADS);
  atomic_store(&w.slow.failing, FIRN_OK);
  run(&w, ask_for_one, 1, workers);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(workers[i].status, FIRN_OK);
  }
  stop(&w);
}

static void the_least_recently_used_go_first(void **state) {
  (void)state;
  firn_error err;
  world w;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_event e;
  start(&w, 1 << 20, 0);
  CHECK_OK(fetch_row(&w, 0, 0, &arena, &e, &err));
  size_t one = firn_file_cache_counts(w.cache).bytes;
  stop(&w);
  start(&w, 3 * one + one / 2, 0);
  static const size_t asked[] = {0, 1, 2, 0, 3, 0, 2};
  for (size_t i = 0; i < FIRN_COUNT_OF(asked); i++) {
    CHECK_OK(fetch_row(&w, asked[i], 0, &arena, &e, &err));
  }
  firn_file_cache_count count = firn_file_cache_counts(w.cache);
  assert_int_equal(count.n_files, 3);
  assert_int_equal(count.n_opened, 4); /* 1 has gone, 0, 2 and 3 have not */
  assert_int_equal(count.n_evicted, 1);
  stop(&w);
}

static void a_file_beyond_the_budget_is_read_and_not_kept(void **state) {
  (void)state;
  firn_error err;
  world w;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_event e;
  start(&w, 1, 0);
  CHECK_OK(fetch_row(&w, 0, 1, &arena, &e, &err));
  assert_true(is_event(&e, &w.events[0][1]));
  assert_int_equal(firn_file_cache_counts(w.cache).n_files, 0);
  assert_int_equal(firn_file_cache_counts(w.cache).bytes, 0);
  stop(&w);
}

static world *shared;

static firn_status open_two(void) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_event e;
  firn_file_cache *mine = NULL;
  FIRN_TRY(firn_file_cache_open(1 << 20, &mine, &err));
  shared->cache = mine;
  firn_status status = fetch_row(shared, 0, 1, &arena, &e, &err);
  status = status == FIRN_OK ? fetch_row(shared, 1, 1, &arena, &e, &err) : status;
  firn_file_cache_close(mine);
  shared->cache = NULL;
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  world w;
  start(&w, 1, 0);
  firn_file_cache_close(w.cache);
  w.cache = NULL;
  shared = &w;
  check_survives_oom(open_two);
  stop(&w);
}

RUN_TESTS(a_tiny_budget_under_threads_gives_right_rows, a_file_that_many_ask_for_at_once_is_opened_once,
          a_failure_is_shared_and_not_kept, the_least_recently_used_go_first,
          a_file_beyond_the_budget_is_read_and_not_kept, survives_oom)
