#include "base/ctx.h"

#include "test.h"

static void says_when_to_stop(void **state) {
  (void)state;
  firn_error err;
  firn_ctx ctx = *test_ctx();
  CHECK_OK(firn_ctx_check(&ctx, &err));
  ctx.deadline_us = firn_ctx_monotonic_us(&ctx) + 1000;
  CHECK_OK(firn_ctx_check(&ctx, &err));
  ctx.env->sleep_us(ctx.env->self, 1000);
  CHECK_STATUS(firn_ctx_check(&ctx, &err), FIRN_TIMEOUT);
  atomic_bool cancel = false;
  ctx.deadline_us = 0;
  ctx.cancel = &cancel;
  CHECK_OK(firn_ctx_check(&ctx, &err));
  atomic_store(&cancel, true);
  CHECK_STATUS(firn_ctx_check(&ctx, &err), FIRN_CANCELLED);
}

static void the_system_has_clocks_and_random_numbers(void **state) {
  (void)state;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  assert_true(firn_ctx_now_us(&ctx) > INT64_C(1700000000000000)); /* November 2023 */
  int64_t before = firn_ctx_monotonic_us(&ctx);
  firn_env_system.sleep_us(NULL, 2000);
  assert_true(firn_ctx_monotonic_us(&ctx) - before >= 2000);
  uint8_t one[1000] = {0}, two[1000] = {0};
  firn_ctx_random(&ctx, one, sizeof one);
  firn_ctx_random(&ctx, two, sizeof two);
  assert_memory_not_equal(one, two, sizeof one);
  assert_memory_not_equal(one + 990, (uint8_t[10]){0}, 10); /* filled to the end */
  firn_ctx_random(&ctx, one, 0);
}

RUN_TESTS(says_when_to_stop, the_system_has_clocks_and_random_numbers)
