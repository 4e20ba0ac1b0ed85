#include "base/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"

typedef struct histogram {
  atomic_uint_least64_t buckets[FIRN_METRIC_BUCKETS];
} histogram;

typedef struct slot {
  const firn_metric *metric;
  atomic_int_least64_t value;
  histogram *histogram; /* of a HISTOGRAM only */
} slot;

typedef struct placed_set {
  const firn_metric_set *set;
  size_t first; /* its first slot */
} placed_set;

struct firn_metrics {
  size_t n_sets, n_slots;
  placed_set *sets; /* by address, to be searched by halves */
  slot *slots;
  histogram *histograms;
};

static int by_address(const void *a, const void *b) {
  uintptr_t left = (uintptr_t)((const placed_set *)a)->set, right = (uintptr_t)((const placed_set *)b)->set;
  return (left > right) - (left < right);
}

static void place(firn_metrics *m, const firn_metric_set *const *sets, size_t n_sets) {
  size_t at = 0, n_histograms = 0;
  for (size_t s = 0; s < n_sets; s++) {
    m->sets[s] = (placed_set){sets[s], at};
    for (size_t i = 0; i < sets[s]->n; i++, at++) {
      m->slots[at].metric = &sets[s]->metrics[i];
      if (sets[s]->metrics[i].kind == FIRN_METRIC_HISTOGRAM) {
        m->slots[at].histogram = &m->histograms[n_histograms++];
      }
    }
  }
  qsort(m->sets, n_sets, sizeof *m->sets, by_address);
}

firn_status firn_metrics_open(const firn_metric_set *const *sets, size_t n_sets, firn_metrics **out,
                              firn_error *err) {
  size_t n_slots = 0, n_histograms = 0;
  for (size_t s = 0; s < n_sets; s++) {
    for (size_t i = 0; i < sets[s]->n; i++) {
      n_histograms += sets[s]->metrics[i].kind == FIRN_METRIC_HISTOGRAM;
    }
    n_slots += sets[s]->n;
  }
  firn_metrics *m = firn_alloc(sizeof *m);
  if (m == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for metrics");
  }
  m->n_sets = n_sets;
  m->n_slots = n_slots;
  m->sets = firn_alloc(n_sets * sizeof *m->sets + 1); /* one more, so that nothing is not NULL */
  m->slots = firn_alloc(n_slots * sizeof *m->slots + 1);
  m->histograms = firn_alloc(n_histograms * sizeof *m->histograms + 1);
  if (m->sets == NULL || m->slots == NULL || m->histograms == NULL) {
    firn_metrics_close(m);
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu metrics", n_slots);
  }
  place(m, sets, n_sets);
  *out = m;
  return FIRN_OK;
}

void firn_metrics_close(firn_metrics *m) {
  if (m != NULL) {
    firn_free(m->sets);
    firn_free(m->slots);
    firn_free(m->histograms);
    firn_free(m);
  }
}

static slot *find(const firn_ctx *ctx, const firn_metric_set *set, size_t i) {
  firn_metrics *m = ctx->env->metrics;
  if (m == NULL) {
    return NULL;
  }
  assert(i < set->n);
  placed_set wanted = {.set = set};
  const placed_set *found = bsearch(&wanted, m->sets, m->n_sets, sizeof *m->sets, by_address);
  return found == NULL ? NULL : &m->slots[found->first + i];
}

void firn_metric_add(const firn_ctx *ctx, const firn_metric_set *set, size_t i, int64_t delta) {
  slot *s = find(ctx, set, i);
  if (s != NULL) {
    assert(s->histogram == NULL);
    atomic_fetch_add_explicit(&s->value, delta, memory_order_relaxed);
  }
}

/* 0, then 1, 2, 3, 4, 6, 8, 12: bucket 2k ends at 2^k and 2k+1 at 3 * 2^(k-1). */
int64_t firn_metric_bucket_bound(size_t bucket) {
  if (bucket <= 1) {
    return (int64_t)bucket;
  }
  if (bucket >= FIRN_METRIC_BUCKETS - 1) {
    return INT64_MAX;
  }
  int64_t power = INT64_C(1) << (bucket / 2);
  return bucket % 2 == 0 ? power : power + power / 2;
}

static size_t bucket_of(int64_t value) {
  if (value <= 1) {
    return value <= 0 ? 0 : 1;
  }
  unsigned bits = 63 - (unsigned)__builtin_clzll((uint64_t)value); /* 2^bits <= value */
  size_t bucket = (size_t)bits * 2;
  while (bucket < FIRN_METRIC_BUCKETS - 1 && firn_metric_bucket_bound(bucket) < value) {
    bucket++;
  }
  return bucket < FIRN_METRIC_BUCKETS - 1 ? bucket : FIRN_METRIC_BUCKETS - 1;
}

void firn_metric_observe(const firn_ctx *ctx, const firn_metric_set *set, size_t i, int64_t value) {
  slot *s = find(ctx, set, i);
  if (s != NULL) {
    assert(s->histogram != NULL);
    atomic_fetch_add_explicit(&s->value, value > 0 ? value : 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->histogram->buckets[bucket_of(value)], 1, memory_order_relaxed);
  }
}

bool firn_metrics_next(const firn_metrics *m, size_t *at, firn_metric_value *out) {
  if (*at >= m->n_slots) {
    return false;
  }
  slot *s = &m->slots[(*at)++];
  *out = (firn_metric_value){.metric = s->metric,
                             .value = atomic_load_explicit(&s->value, memory_order_relaxed)};
  for (size_t i = 0; i < FIRN_METRIC_BUCKETS && s->histogram != NULL; i++) {
    out->buckets[i] = atomic_load_explicit(&s->histogram->buckets[i], memory_order_relaxed);
    out->count += out->buckets[i];
  }
  return true;
}
