#include "services/common/prometheus.h"

#include <inttypes.h>
#include <math.h>

#include "base/number.h"

static const char *const kinds[] = {
    [FIRN_METRIC_COUNTER] = "counter", [FIRN_METRIC_GAUGE] = "gauge", [FIRN_METRIC_HISTOGRAM] = "histogram"};

/* Whole numbers as they are: a counter of bytes must not lose its last digits to a double's text. */
static void add_scaled(firn_builder *out, int64_t value, double scale) {
  if (scale == 1) {
    firn_builder_addf(out, "%" PRId64, value);
    return;
  }
  char text[FIRN_NUMBER_MAX];
  /* 5 microseconds are 5e-06 seconds: 5 * 1e-6 is a little less, 5 / 1e6 is not. */
  double scaled = scale < 1 ? (double)value / nearbyint(1 / scale) : (double)value * scale;
  (void)firn_number_of_double(scaled, text);
  firn_builder_add_text(out, text);
}

void firn_prometheus_begin(const firn_metric *metric, firn_builder *out) {
  firn_builder_addf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                    kinds[metric->kind]);
}

static void add_line(const char *name, const char *suffix, const char *labels, firn_builder *out) {
  firn_builder_addf(out, labels[0] == '\0' ? "%s%s%s " : "%s%s{%s} ", name, suffix, labels);
}

static void add_bucket(const firn_metric *m, const char *labels, int64_t bound, uint64_t count,
                       firn_builder *out) {
  firn_builder_addf(out, "%s_bucket{%s%sle=\"", m->name, labels, labels[0] == '\0' ? "" : ",");
  if (bound == INT64_MAX) {
    firn_builder_add_text(out, "+Inf");
  } else {
    add_scaled(out, bound, m->scale);
  }
  firn_builder_addf(out, "\"} %" PRIu64 "\n", count);
}

/* Larger values than these (2^40 microseconds are 12 days) are all in the last bucket. */
enum { LAST_WRITTEN = 80 };

static void add_histogram(const firn_metric_value *v, const char *labels, firn_builder *out) {
  uint64_t so_far = 0;
  for (size_t i = 0; i < FIRN_METRIC_BUCKETS; i++) {
    so_far += v->buckets[i];
    if (i > 0 && i <= LAST_WRITTEN && i % 2 == 0) {
      add_bucket(v->metric, labels, firn_metric_bucket_bound(i), so_far, out);
    }
  }
  add_bucket(v->metric, labels, INT64_MAX, so_far, out);
  add_line(v->metric->name, "_sum", labels, out);
  add_scaled(out, v->value, v->metric->scale);
  firn_builder_add_u8(out, '\n');
  add_line(v->metric->name, "_count", labels, out);
  firn_builder_addf(out, "%" PRIu64 "\n", so_far);
}

void firn_prometheus_value(const firn_metric_value *v, const char *labels, firn_builder *out) {
  if (v->metric->kind == FIRN_METRIC_HISTOGRAM) {
    add_histogram(v, labels, out);
    return;
  }
  add_line(v->metric->name, "", labels, out);
  add_scaled(out, v->value, v->metric->scale);
  firn_builder_add_u8(out, '\n');
}

void firn_prometheus_write(const firn_metrics *m, firn_builder *out) {
  firn_metric_value v;
  size_t at = 0;
  while (m != NULL && firn_metrics_next(m, &at, &v)) {
    firn_prometheus_begin(v.metric, out);
    firn_prometheus_value(&v, "", out);
  }
}
