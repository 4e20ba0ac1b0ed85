#include "base/pool.h"

#include <stdatomic.h>

#include "test.h"

enum { N = 1000 };

typedef struct counts {
  firn_pool *pool;
  atomic_int runs[N];
  atomic_int total;
  size_t fail_at; /* N: never */
} counts;

static firn_status count_one(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)ctx;
  counts *c = arg;
  atomic_fetch_add(&c->runs[i], 1);
  atomic_fetch_add(&c->total, 1);
  return i == c->fail_at ? firn_error_set(err, FIRN_CORRUPT, "task %zu", i) : FIRN_OK;
}

static firn_status count_many(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)i;
  counts *c = arg;
  return firn_pool_for_each(c->pool, ctx, N, count_one, c, err);
}

static void every_index_runs_once(void **state) {
  (void)state;
  firn_error err;
  for (unsigned n_threads = 0; n_threads < 4; n_threads++) {
    firn_pool *pool = NULL;
    CHECK_OK(firn_pool_open(n_threads, &pool, &err));
    counts c = {.fail_at = N};
    CHECK_OK(firn_pool_for_each(pool, test_ctx(), N, count_one, &c, &err));
    for (size_t i = 0; i < N; i++) {
      assert_int_equal(c.runs[i], 1);
    }
    CHECK_OK(firn_pool_for_each(pool, test_ctx(), 0, count_one, &c, &err));
    assert_int_equal(c.total, N);
    firn_pool_close(pool);
  }
}

static void works_without_a_pool(void **state) {
  (void)state;
  firn_error err;
  counts c = {.fail_at = N};
  CHECK_OK(firn_pool_for_each(NULL, test_ctx(), N, count_one, &c, &err));
  assert_int_equal(c.total, N);
  c = (counts){.fail_at = 3};
  CHECK_STATUS(firn_pool_for_each(NULL, test_ctx(), N, count_one, &c, &err), FIRN_CORRUPT);
  assert_int_equal(c.total, 4);
}

static void loops_nest(void **state) {
  (void)state;
  firn_error err;
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(3, &pool, &err));
  counts c = {.pool = pool, .fail_at = N};
  CHECK_OK(firn_pool_for_each(pool, test_ctx(), 20, count_many, &c, &err));
  assert_int_equal(c.total, 20 * N);
  firn_pool_close(pool);
}

static void a_failure_ends_the_loop(void **state) {
  (void)state;
  firn_error err;
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(2, &pool, &err));
  for (size_t i = 0; i < 100; i++) {
    counts c = {.pool = pool, .fail_at = i};
    CHECK_STATUS(firn_pool_for_each(pool, test_ctx(), N, count_one, &c, &err), FIRN_CORRUPT);
    CHECK_SAYS("task ");
    assert_int_equal(err.status, FIRN_CORRUPT);
    assert_int_equal(c.runs[i], 1);
    CHECK_STATUS(firn_pool_for_each(pool, test_ctx(), 4, count_many, &c, NULL), FIRN_CORRUPT);
  }
  firn_pool_close(pool);
}

static void cancelling_ends_the_loop(void **state) {
  (void)state;
  firn_error err;
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(2, &pool, &err));
  atomic_bool cancel = true;
  firn_ctx ctx = *test_ctx();
  ctx.cancel = &cancel;
  counts c = {.fail_at = N};
  CHECK_STATUS(firn_pool_for_each(pool, &ctx, N, count_one, &c, &err), FIRN_CANCELLED);
  CHECK_STATUS(firn_pool_for_each(NULL, &ctx, N, count_one, &c, &err), FIRN_CANCELLED);
  assert_int_equal(c.total, 0);
  firn_pool_close(pool);
}

static firn_status open_and_close(void) {
  firn_pool *pool = NULL;
  FIRN_TRY(firn_pool_open(1, &pool, NULL));
  firn_pool_close(pool);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(open_and_close);
  CHECK_STATUS(firn_pool_open(1000000, &(firn_pool *){NULL}, NULL), FIRN_LIMIT);
  firn_pool_close(NULL);
}

RUN_TESTS(every_index_runs_once, works_without_a_pool, loops_nest, a_failure_ends_the_loop,
          cancelling_ends_the_loop, survives_oom)
