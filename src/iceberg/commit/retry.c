#include "iceberg/commit/property.h"
#include "iceberg/commit/retry_internal.h"

enum { SLEEP_SLICE_US = 100 * 1000, MAX_SHIFT = 30, HOUR_MS = 3600 * 1000 };

static firn_status sleep_for(firn_ctx *ctx, int64_t us, firn_error *err) {
  while (us > 0) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    int64_t slice = us < SLEEP_SLICE_US ? us : SLEEP_SLICE_US; /* so that a cancellation is heard */
    ctx->env->sleep_us(ctx->env->self, slice);
    us -= slice;
  }
  return firn_ctx_check(ctx, err);
}

firn_status firn_retry_wait(firn_ctx *ctx, int64_t min_ms, int64_t max_ms, int64_t nth, firn_error *err) {
  int shift = nth > MAX_SHIFT ? MAX_SHIFT : (int)nth;
  int64_t bound_ms = min_ms > (max_ms >> shift) ? max_ms : min_ms << shift;
  uint64_t random;
  firn_ctx_random(ctx, &random, sizeof random);
  return sleep_for(ctx, (int64_t)(random % ((uint64_t)bound_ms * 1000 + 1)), err);
}

/* Whatever a table's property says: not negative, and no longer than an hour. */
static int64_t not_negative(const firn_properties *p, const char *key, int64_t otherwise) {
  int64_t v = firn_property_int64(p, key, otherwise);
  return v < 0 ? 0 : v;
}

static int64_t up_to_an_hour(const firn_properties *p, const char *key, int64_t otherwise) {
  int64_t v = not_negative(p, key, otherwise);
  return v > HOUR_MS ? HOUR_MS : v;
}

void firn_retry_read(firn_retry *r, const firn_properties *p, int asked, const firn_ctx *ctx) {
  r->n_retries = asked > 0 ? asked : asked < 0 ? 0 : not_negative(p, FIRN_PROPERTY_RETRIES, 4);
  r->min_wait_ms = not_negative(p, FIRN_PROPERTY_RETRY_MIN_WAIT_MS, 100);
  r->max_wait_ms = up_to_an_hour(p, FIRN_PROPERTY_RETRY_MAX_WAIT_MS, 60 * 1000);
  r->n_checks = not_negative(p, FIRN_PROPERTY_CHECKS, 3);
  r->check_min_wait_ms = not_negative(p, FIRN_PROPERTY_CHECK_MIN_WAIT_MS, 1000);
  r->check_max_wait_ms = up_to_an_hour(p, FIRN_PROPERTY_CHECK_MAX_WAIT_MS, 60 * 1000);
  int64_t total_ms = not_negative(p, FIRN_PROPERTY_RETRY_TOTAL_MS, HOUR_MS / 2);
  int64_t now_us = firn_ctx_monotonic_us(ctx);
  r->give_up_us = total_ms > (INT64_MAX - now_us) / 1000 ? INT64_MAX : now_us + total_ms * 1000;
}
