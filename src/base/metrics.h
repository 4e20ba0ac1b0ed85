/* Counters, gauges and histograms. A room describes its own in one constant set; the application makes a
 * firn_metrics of all sets and puts it into the firn_env; library code counts through its context.
 *
 *   enum { READS, READ_US };
 *   static const firn_metric store_metrics[] = {
 *     [READS] = {"firn_store_reads_total", "Ranges read from stores", FIRN_METRIC_COUNTER, 1},
 *     [READ_US] = {"firn_store_read_seconds", "Time of one read", FIRN_METRIC_HISTOGRAM, 1e-6}};
 *   const firn_metric_set firn_store_metrics = {store_metrics, FIRN_COUNT_OF(store_metrics)};
 *
 *   firn_metric_add(ctx, &firn_store_metrics, READS, 1);
 *
 * Without a firn_metrics in the environment, or with a set that it does not have, nothing happens. Threads
 * may share it: all values are relaxed atomics, so a reader may see one a moment before another. */
#ifndef FIRN_BASE_METRICS_H
#define FIRN_BASE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

typedef struct firn_metrics firn_metrics;

typedef enum firn_metric_kind {
  FIRN_METRIC_COUNTER,   /* only grows */
  FIRN_METRIC_GAUGE,     /* goes up and down */
  FIRN_METRIC_HISTOGRAM, /* how often values of which size were seen */
} firn_metric_kind;

typedef struct firn_metric {
  const char *name; /* as Prometheus has them: base unit last, _total for counters */
  const char *help;
  firn_metric_kind kind;
  double scale; /* what one counted unit is of the unit in the name: 1e-6 for microseconds as seconds */
} firn_metric;

typedef struct firn_metric_set {
  const firn_metric *metrics;
  size_t n;
} firn_metric_set;

/* Buckets are half a power of two wide: values up to 0, 1, 2, 3, 4, 6, 8, 12, 16, ... and, the last, all
 * larger ones. */
enum { FIRN_METRIC_BUCKETS = 84 };

FIRN_MUST_USE firn_status firn_metrics_open(const firn_metric_set *const *sets, size_t n_sets,
                                            firn_metrics **out, firn_error *err);
void firn_metrics_close(firn_metrics *m); /* NULL is fine; nobody may use it any more */

/* Counters and gauges. */
void firn_metric_add(const firn_ctx *ctx, const firn_metric_set *set, size_t i, int64_t delta);
/* Histograms. Negative values count as 0. */
void firn_metric_observe(const firn_ctx *ctx, const firn_metric_set *set, size_t i, int64_t value);

/* The largest value of a bucket; INT64_MAX for the last. */
int64_t firn_metric_bucket_bound(size_t bucket);

typedef struct firn_metric_value {
  const firn_metric *metric;
  int64_t value;                         /* COUNTER, GAUGE; HISTOGRAM: the sum of what was seen */
  uint64_t count;                        /* HISTOGRAM: how many were seen */
  uint64_t buckets[FIRN_METRIC_BUCKETS]; /* HISTOGRAM: of them, in each bucket alone */
} firn_metric_value;

/* All metrics, set by set: begin with 0 in `*at`. False after the last. */
bool firn_metrics_next(const firn_metrics *m, size_t *at, firn_metric_value *out);

#endif
