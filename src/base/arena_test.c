#include "base/arena.h"

#include "test.h"

static void grows_and_resets(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int round = 0; round < 3; round++) {
    for (size_t i = 1; i < 2000; i++) {
      uint8_t *bytes = firn_arena_alloc(&arena, i);
      assert_non_null(bytes);
      assert_int_equal((uintptr_t)bytes % 16, 0);
      assert_int_equal(bytes[i - 1], 0);
      memset(bytes, 0xAB, i);
    }
    firn_arena_reset(&arena);
  }
}

static void keeps_its_bound(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(10000);
  assert_null(firn_arena_alloc(&arena, 10001));
  assert_non_null(firn_arena_alloc(&arena, 9000));
  assert_null(firn_arena_alloc(&arena, 2000));
  firn_arena_reset(&arena);
  assert_non_null(firn_arena_alloc(&arena, 9000));
}

static void refuses_a_product_that_overflows(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_null(firn_arena_alloc_n(&arena, SIZE_MAX / 2, 3));
}

static void copies_text(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(firn_arena_text(&arena, FIRN_LITERAL("snow")), "snow");
  assert_string_equal(firn_arena_printf(&arena, "%s-%d", "ice", 7), "ice-7");
  firn_bytes empty = firn_arena_copy(&arena, (firn_bytes){NULL, 0});
  assert_non_null(empty.data);
  assert_int_equal(empty.len, 0);
}

static firn_status fill(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int i = 0; i < 20; i++) {
    if (firn_arena_alloc(&arena, 3000) == NULL) {
      return FIRN_NOMEM;
    }
  }
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(fill);
}

RUN_TESTS(grows_and_resets, keeps_its_bound, refuses_a_product_that_overflows, copies_text, survives_oom)
