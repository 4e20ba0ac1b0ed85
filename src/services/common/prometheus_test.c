#include "services/common/prometheus.h"

#include <stdio.h>
#include <stdlib.h>

#include "test.h"

enum { READS, OPEN, READ_US };
static const firn_metric metrics[] = {
    [READS] = {"firn_reads_total", "Ranges read", FIRN_METRIC_COUNTER, 1},
    [OPEN] = {"firn_open_files", "Open files", FIRN_METRIC_GAUGE, 1},
    [READ_US] = {"firn_read_seconds", "Time of one read", FIRN_METRIC_HISTOGRAM, 1e-6},
};
static const firn_metric_set set = {metrics, FIRN_COUNT_OF(metrics)};

static firn_metrics *counted(firn_env *env) {
  firn_error err;
  firn_metrics *m = NULL;
  CHECK_OK(firn_metrics_open((const firn_metric_set *const[]){&set}, 1, &m, &err));
  *env = firn_env_system;
  env->metrics = m;
  firn_ctx ctx = FIRN_CTX_INIT(env);
  firn_metric_add(&ctx, &set, READS, INT64_C(9007199254740993)); /* one more than a double holds */
  firn_metric_add(&ctx, &set, OPEN, -3);
  firn_metric_observe(&ctx, &set, READ_US, 0);
  firn_metric_observe(&ctx, &set, READ_US, 3);
  firn_metric_observe(&ctx, &set, READ_US, 1000000);
  firn_metric_observe(&ctx, &set, READ_US, INT64_MAX / 2);
  return m;
}

static void check_has(const char *text, const char *line) {
  char whole[256];
  (void)snprintf(whole, sizeof whole, "\n%s\n", line);
  if (strstr(text, whole) == NULL) {
    fail_msg("no line %s", line);
  }
}

static void writes_every_kind(void **state) {
  (void)state;
  firn_env env;
  firn_metrics *m = counted(&env);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  firn_prometheus_write(m, &b);
  firn_builder_add_u8(&b, '\0');
  const char *text = (const char *)b.data;
  assert_non_null(strstr(text,
                         "# HELP firn_reads_total Ranges read\n# TYPE firn_reads_total counter\n"
                         "firn_reads_total 9007199254740993\n"));
  check_has(text, "# TYPE firn_open_files gauge");
  check_has(text, "firn_open_files -3");
  check_has(text, "# TYPE firn_read_seconds histogram");
  check_has(text, "firn_read_seconds_bucket{le=\"2e-06\"} 1");
  check_has(text, "firn_read_seconds_bucket{le=\"4e-06\"} 2");
  check_has(text, "firn_read_seconds_bucket{le=\"1.048576\"} 3");
  check_has(text, "firn_read_seconds_bucket{le=\"+Inf\"} 4");
  check_has(text, "firn_read_seconds_count 4");
  firn_metrics_close(m);
}

/* Bounds and counts only grow, and the last bucket is the count. */
static void buckets_are_cumulative(void **state) {
  (void)state;
  firn_env env;
  firn_metrics *m = counted(&env);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  firn_prometheus_write(m, &b);
  firn_builder_add_u8(&b, '\0');
  double last_bound = -1;
  unsigned long long last_count = 0;
  int n = 0;
  const char *at = (const char *)b.data;
  while ((at = strstr(at, "_bucket{le=\"")) != NULL) {
    at += strlen("_bucket{le=\"");
    double bound = strncmp(at, "+Inf", 4) == 0 ? 1e300 : strtod(at, NULL);
    unsigned long long count = strtoull(strstr(at, "} ") + 2, NULL, 10);
    assert_true(bound > last_bound);
    assert_true(count >= last_count);
    last_bound = bound;
    last_count = count;
    n++;
  }
  assert_int_equal(last_count, 4);
  assert_in_range(n, 30, 50);
  firn_metrics_close(m);
}

static void writes_labels(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 20);
  firn_prometheus_value(&(firn_metric_value){.metric = &metrics[READS], .value = 7}, "route=\"a\"", &b);
  CHECK_BYTES(firn_builder_bytes(&b), "firn_reads_total{route=\"a\"} 7\n");
  firn_builder_reset(&b);
  firn_prometheus_value(&(firn_metric_value){.metric = &metrics[READ_US], .value = 5, .buckets[4] = 2},
                        "route=\"a\"", &b);
  firn_builder_add_u8(&b, '\0');
  check_has((const char *)b.data, "firn_read_seconds_bucket{route=\"a\",le=\"4e-06\"} 2");
  check_has((const char *)b.data, "firn_read_seconds_sum{route=\"a\"} 5e-06");
  check_has((const char *)b.data, "firn_read_seconds_count{route=\"a\"} 2");
}

static void without_metrics_there_is_nothing(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_prometheus_write(NULL, &b);
  assert_int_equal(b.len, 0);
}

RUN_TESTS(writes_every_kind, buckets_are_cumulative, writes_labels, without_metrics_there_is_nothing)
