#include "formats/parquet/extremes_internal.h"

#include <assert.h>
#include <math.h>

static void add_numbers(firn_extremes *e, int64_t min, int64_t max) {
  e->number.min = !e->any || min < e->number.min ? min : e->number.min;
  e->number.max = !e->any || max > e->number.max ? max : e->number.max;
  e->any = true;
}

static void add_bools(firn_extremes *e, const uint8_t *v, size_t n) {
  uint8_t all = 1, some = 0;
  for (size_t i = 0; i < n; i++) {
    all &= v[i];
    some |= v[i];
  }
  add_numbers(e, all, some);
}

static void add_int32(firn_extremes *e, const int32_t *v, size_t n) {
  int32_t min = v[0], max = v[0];
  for (size_t i = 1; i < n; i++) {
    min = v[i] < min ? v[i] : min;
    max = v[i] > max ? v[i] : max;
  }
  add_numbers(e, min, max);
}

static void add_int64(firn_extremes *e, const int64_t *v, size_t n) {
  int64_t min = v[0], max = v[0];
  for (size_t i = 1; i < n; i++) {
    min = v[i] < min ? v[i] : min;
    max = v[i] > max ? v[i] : max;
  }
  add_numbers(e, min, max);
}

/* Comparisons with NaN are false, so it changes nothing; infinities at the start are undone by `seen`. */
static void add_reals(firn_extremes *e, const float *floats, const double *doubles, size_t n) {
  double min = (double)INFINITY, max = -(double)INFINITY;
  size_t n_nans = 0;
  for (size_t i = 0; i < n; i++) {
    double v = floats != NULL ? (double)floats[i] : doubles[i];
    min = v < min ? v : min;
    max = v > max ? v : max;
    n_nans += v != v;
  }
  e->n_nans += n_nans;
  if (n_nans == n) {
    return;
  }
  e->real.min = !e->any || min < e->real.min ? min : e->real.min;
  e->real.max = !e->any || max > e->real.max ? max : e->real.max;
  e->any = true;
}

void firn_extremes_add(firn_extremes *e, firn_bound_order order, const void *values, size_t n) {
  if (n == 0) {
    return;
  }
  switch (order) {
    case FIRN_BOUND_BOOLEAN:
      add_bools(e, values, n);
      return;
    case FIRN_BOUND_INT32:
      add_int32(e, values, n);
      return;
    case FIRN_BOUND_INT64:
      add_int64(e, values, n);
      return;
    case FIRN_BOUND_FLOAT:
      add_reals(e, values, NULL, n);
      return;
    case FIRN_BOUND_DOUBLE:
      add_reals(e, NULL, values, n);
      return;
    case FIRN_BOUND_NONE:
    case FIRN_BOUND_BYTES:
    case FIRN_BOUND_TEXT:
    case FIRN_BOUND_DECIMAL:
      return;
  }
}

/* The first eight bytes as a number that is ordered like them, which settles most comparisons. */
static inline uint64_t prefix_of(firn_bytes v, uint64_t flip) {
  uint64_t prefix = 0;
  if (v.len >= sizeof prefix) {
    memcpy(&prefix, v.data, sizeof prefix);
    prefix = __builtin_bswap64(prefix);
  } else {
    for (size_t i = 0; i < v.len; i++) {
      prefix |= (uint64_t)v.data[i] << (56 - 8 * i);
    }
  }
  return prefix ^ flip; /* the sign of decimals */
}

void firn_extremes_of_runs(firn_bound_order order, const firn_bytes *values, size_t n, size_t *min,
                           size_t *max) {
  uint64_t flip = order == FIRN_BOUND_DECIMAL ? UINT64_C(1) << 63 : 0;
  uint64_t low = prefix_of(values[0], flip), high = low;
  *min = *max = 0;
  for (size_t i = 1; i < n; i++) {
    uint64_t prefix = prefix_of(values[i], flip);
    if (prefix < low || (prefix == low && firn_bytes_compare(values[i], values[*min]) < 0)) {
      low = prefix;
      *min = i;
    } else if (prefix > high || (prefix == high && firn_bytes_compare(values[i], values[*max]) > 0)) {
      high = prefix;
      *max = i;
    }
  }
}

void firn_extremes_add_run(firn_extremes *e, firn_bound_order order, const uint8_t *buffer, size_t at,
                           size_t len) {
  firn_bytes v = {buffer + at, len};
  if (!e->any || firn_bound_compare(order, v, (firn_bytes){buffer + e->run.min_at, e->run.min_len}) < 0) {
    e->run.min_at = at;
    e->run.min_len = len;
  }
  if (!e->any || firn_bound_compare(order, v, (firn_bytes){buffer + e->run.max_at, e->run.max_len}) > 0) {
    e->run.max_at = at;
    e->run.max_len = len;
  }
  e->any = true;
}

static void put(uint8_t *to, const void *from, size_t size, firn_bytes *out) {
  memcpy(to, from, size);
  *out = (firn_bytes){to, size};
}

static void get_reals(double min, double max, bool is_float, uint8_t room[16], firn_bytes *out_min,
                      firn_bytes *out_max) {
  min = min == 0 ? -0.0 : min;
  max = max == 0 ? 0.0 : max;
  if (is_float) {
    put(room, &(float){(float)min}, sizeof(float), out_min);
    put(room + 8, &(float){(float)max}, sizeof(float), out_max);
  } else {
    put(room, &min, sizeof min, out_min);
    put(room + 8, &max, sizeof max, out_max);
  }
}

void firn_extremes_get(const firn_extremes *e, firn_bound_order order, const uint8_t *buffer,
                       uint8_t room[16], firn_bytes *min, firn_bytes *max) {
  assert(e->any);
  switch (order) {
    case FIRN_BOUND_FLOAT:
    case FIRN_BOUND_DOUBLE:
      get_reals(e->real.min, e->real.max, order == FIRN_BOUND_FLOAT, room, min, max);
      return;
    case FIRN_BOUND_BOOLEAN:
    case FIRN_BOUND_INT32:
    case FIRN_BOUND_INT64: { /* little endian: the low bytes come first */
      size_t size = order == FIRN_BOUND_BOOLEAN ? 1 : order == FIRN_BOUND_INT32 ? 4 : 8;
      put(room, &e->number.min, size, min);
      put(room + 8, &e->number.max, size, max);
      return;
    }
    case FIRN_BOUND_NONE:
    case FIRN_BOUND_BYTES:
    case FIRN_BOUND_TEXT:
    case FIRN_BOUND_DECIMAL:
      *min = (firn_bytes){buffer + e->run.min_at, e->run.min_len};
      *max = (firn_bytes){buffer + e->run.max_at, e->run.max_len};
      return;
  }
}
