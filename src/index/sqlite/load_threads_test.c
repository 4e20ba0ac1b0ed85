/* Searches beside a load see all of it or nothing. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "index/index.h"
#include "test.h"

enum { ROWS = 20, LOADS = 25, READERS = 3 };

typedef struct shared {
  firn_index *index;
  firn_ctx *ctx;
  atomic_bool is_over;
  atomic_int n_wrong, n_searches;
} shared;

/* No checks of cmocka's here: they belong to the main thread. */
static void *search_on(void *arg) {
  shared *s = arg;
  while (!atomic_load(&s->is_over)) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_index_hits hits;
    firn_index_count count;
    firn_error err;
    const firn_index_query q = {.subject = FIRN_LITERAL("s"), .limit = FIRN_INDEX_MAX_LIMIT};
    bool is_right = firn_index_search(s->index, s->ctx, &q, &arena, &hits, &err) == FIRN_OK &&
                    firn_index_count_of(s->index, s->ctx, &count, &err) == FIRN_OK && hits.n % ROWS == 0 &&
                    count.n_rows >= hits.n;
    atomic_fetch_add(&s->n_wrong, !is_right);
    atomic_fetch_add(&s->n_searches, 1);
  }
  return NULL;
}

static void load(shared *s, int n) {
  firn_error err;
  firn_index_load *l = NULL;
  char path[32];
  (void)snprintf(path, sizeof path, "%d.parquet", n);
  CHECK_OK(firn_index_load_begin(s->index, s->ctx, &l, &err));
  CHECK_OK(firn_index_load_file(l, s->ctx, "t", path, &err));
  for (int64_t row = 0; row < ROWS; row++) {
    const firn_index_row r = {
        .subject = FIRN_LITERAL("s"), .has_time = true, .time_us = n * ROWS + row, .row = row};
    CHECK_OK(firn_index_load_row(l, s->ctx, &r, &err));
  }
  CHECK_OK(firn_index_load_commit(l, s->ctx, &err));
  firn_index_load_close(l);
}

static void searches_beside_loads_see_them_whole(void **state) {
  (void)state;
  firn_error err;
  shared s = {.ctx = test_ctx()};
  char path[4200];
  pthread_t readers[READERS];
  (void)snprintf(path, sizeof path, "%s/index.db", test_folder());
  CHECK_OK(firn_sqlite_index_open(path, s.ctx, &s.index, &err));
  for (int i = 0; i < READERS; i++) {
    assert_int_equal(pthread_create(&readers[i], NULL, search_on, &s), 0);
  }
  for (int n = 0; n < LOADS; n++) {
    load(&s, n);
  }
  while (atomic_load(&s.n_searches) < 2 * READERS) {
  }
  atomic_store(&s.is_over, true);
  for (int i = 0; i < READERS; i++) {
    assert_int_equal(pthread_join(readers[i], NULL), 0);
  }
  assert_int_equal(atomic_load(&s.n_wrong), 0);
  firn_index_close(s.index);
}

RUN_TESTS(searches_beside_loads_see_them_whole)
