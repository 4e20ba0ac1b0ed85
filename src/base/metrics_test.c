#include "base/metrics.h"

#include "base/pool.h"
#include "test.h"

enum { READS, OPEN, READ_US };
static const firn_metric first_metrics[] = {
    [READS] = {"reads_total", "Reads", FIRN_METRIC_COUNTER, 1},
    [OPEN] = {"open", "Open files", FIRN_METRIC_GAUGE, 1},
    [READ_US] = {"read_seconds", "Time of one read", FIRN_METRIC_HISTOGRAM, 1e-6},
};
static const firn_metric second_metrics[] = {{"writes_total", "Writes", FIRN_METRIC_COUNTER, 1}};
static const firn_metric_set first = {first_metrics, FIRN_COUNT_OF(first_metrics)};
static const firn_metric_set second = {second_metrics, FIRN_COUNT_OF(second_metrics)};
static const firn_metric_set stranger = {second_metrics, FIRN_COUNT_OF(second_metrics)};
static const firn_metric_set *const sets[] = {&second, &first};

static void counts_and_exports(void **state) {
  (void)state;
  firn_error err;
  firn_env env = *test_ctx()->env;
  CHECK_OK(firn_metrics_open(sets, 2, &env.metrics, &err));
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  firn_metric_add(&ctx, &first, READS, 2);
  firn_metric_add(&ctx, &first, READS, 3);
  firn_metric_add(&ctx, &first, OPEN, 1);
  firn_metric_add(&ctx, &first, OPEN, -4);
  firn_metric_add(&ctx, &second, 0, 7);
  firn_metric_add(&ctx, &stranger, 0, 9);
  firn_metric_observe(&ctx, &first, READ_US, 5);
  firn_metric_observe(&ctx, &first, READ_US, 6);
  firn_metric_observe(&ctx, &first, READ_US, 7);
  firn_metric_observe(&ctx, &first, READ_US, -1);

  size_t at = 0;
  firn_metric_value v;
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_string_equal(v.metric->name, "writes_total");
  assert_int_equal(v.value, 7);
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_string_equal(v.metric->name, "reads_total");
  assert_int_equal(v.value, 5);
  assert_int_equal(v.count, 0);
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_int_equal(v.value, -3);
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_string_equal(v.metric->name, "read_seconds");
  assert_int_equal(v.value, 18);
  assert_int_equal(v.count, 4);
  assert_int_equal(v.buckets[0], 1);
  assert_int_equal(v.buckets[5], 2); /* up to 6 */
  assert_int_equal(v.buckets[6], 1); /* up to 8 */
  assert_false(firn_metrics_next(env.metrics, &at, &v));
  firn_metrics_close(env.metrics);
}

static void buckets_hold_what_they_say(void **state) {
  (void)state;
  static const int64_t bounds[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
  for (size_t i = 0; i < FIRN_COUNT_OF(bounds); i++) {
    assert_int_equal(firn_metric_bucket_bound(i), bounds[i]);
  }
  firn_error err;
  firn_env env = *test_ctx()->env;
  CHECK_OK(firn_metrics_open(sets, 2, &env.metrics, &err));
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  for (size_t i = 0; i < FIRN_METRIC_BUCKETS;
       i++) { /* the bound itself, and the next value, which lies behind it */
    int64_t bound = firn_metric_bucket_bound(i);
    firn_metric_observe(&ctx, &first, READ_US, bound);
    if (bound < INT64_MAX) {
      firn_metric_observe(&ctx, &first, READ_US, bound + 1);
    }
  }
  size_t at = 3;
  firn_metric_value v;
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  for (size_t i = 0; i < FIRN_METRIC_BUCKETS; i++) {
    assert_int_equal(v.buckets[i], i == 0 ? 1 : 2);
  }
  firn_metrics_close(env.metrics);
}

static void without_metrics_nothing_happens(void **state) {
  (void)state;
  firn_metric_add(test_ctx(), &first, READS, 1);
  firn_metric_observe(test_ctx(), &first, READ_US, 1);
  firn_metrics_close(NULL);
}

static firn_status count_some(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)arg;
  (void)err;
  firn_metric_add(ctx, &first, READS, 1);
  firn_metric_observe(ctx, &first, READ_US, (int64_t)i);
  return FIRN_OK;
}

static void threads_lose_no_count(void **state) {
  (void)state;
  firn_error err;
  firn_env env = *test_ctx()->env;
  CHECK_OK(firn_metrics_open(sets, 2, &env.metrics, &err));
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  firn_pool *pool = NULL;
  CHECK_OK(firn_pool_open(3, &pool, &err));
  CHECK_OK(firn_pool_for_each(pool, &ctx, 2000, count_some, NULL, &err));
  firn_pool_close(pool);
  size_t at = 1;
  firn_metric_value v;
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_int_equal(v.value, 2000);
  at = 3;
  assert_true(firn_metrics_next(env.metrics, &at, &v));
  assert_int_equal(v.count, 2000);
  assert_int_equal(v.value, 1999000);
  firn_metrics_close(env.metrics);
}

static firn_status open_and_close(void) {
  firn_metrics *m = NULL;
  FIRN_TRY(firn_metrics_open(sets, 2, &m, NULL));
  firn_metrics_close(m);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(open_and_close);
}

RUN_TESTS(counts_and_exports, buckets_hold_what_they_say, without_metrics_nothing_happens,
          threads_lose_no_count, survives_oom)
