/* Metrics as text for Prometheus (exposition format 0.0.4). */
#ifndef FIRN_SERVICES_COMMON_PROMETHEUS_H
#define FIRN_SERVICES_COMMON_PROMETHEUS_H

#include "base/builder.h"
#include "base/metrics.h"

#define FIRN_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* All metrics of all sets. Values are in the units of their names; of a histogram's buckets every second is
 * written, so that bounds are powers of two. NULL: nothing. */
void firn_prometheus_write(const firn_metrics *m, firn_builder *out);

/* The parts, for those who count by labels: `labels` is `route="events.post"` or "". */
void firn_prometheus_begin(const firn_metric *metric, firn_builder *out);
void firn_prometheus_value(const firn_metric_value *v, const char *labels, firn_builder *out);

#endif
