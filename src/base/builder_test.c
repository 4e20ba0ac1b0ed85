#include "base/builder.h"

#include "base/cursor.h"
#include "test.h"

static void builds_and_grows(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_add_text(&b, "snow");
  firn_builder_add(&b, (firn_bytes){NULL, 0});
  firn_builder_addf(&b, " %d %s", 7, "ice");
  firn_builder_add_u8(&b, '!');
  firn_bytes out;
  CHECK_OK(firn_builder_finish(&b, &out, &err));
  CHECK_BYTES(out, "snow 7 ice!");
  firn_builder_reset(&b);
  for (int i = 0; i < 10000; i++) {
    firn_builder_addf(&b, "%04d", i);
  }
  assert_int_equal(b.len, 40000);
  assert_memory_equal(b.data + 4 * 1234, "1234", 4);
}

static void a_bound_is_kept_and_remembered(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(10);
  firn_builder_add_text(&b, "12345");
  firn_builder_add_text(&b, "67890");
  firn_bytes out;
  CHECK_OK(firn_builder_finish(&b, &out, &err));
  CHECK_BYTES(out, "1234567890");
  firn_builder_add_text(&b, "1");
  CHECK_STATUS(firn_builder_finish(&b, &out, &err), FIRN_LIMIT);
  CHECK_SAYS("more than 10 bytes");
  assert_null(firn_builder_reserve(&b, 1));
  assert_int_equal(b.len, 10);
  firn_builder_reset(&b);
  firn_builder_add_text(&b, "again");
  CHECK_OK(firn_builder_finish(&b, &out, &err));
  CHECK_BYTES(out, "again");
  assert_null(firn_builder_reserve(&b, SIZE_MAX));
  CHECK_STATUS(firn_builder_finish(&b, &out, &err), FIRN_LIMIT);
}

static void a_cursor_reads_what_a_builder_wrote(void **state) {
  (void)state;
  static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(values); i++) {
    firn_builder_add_varint(&b, values[i]);
    firn_builder_add_zigzag(&b, (int64_t)values[i]);
    firn_builder_add_u32le(&b, (uint32_t)values[i]);
    firn_builder_add_u64le(&b, values[i]);
  }
  firn_cursor c = firn_cursor_over(firn_builder_bytes(&b));
  for (size_t i = 0; i < FIRN_COUNT_OF(values); i++) {
    assert_true(firn_cursor_varint(&c) == values[i]);
    assert_true(firn_cursor_zigzag(&c) == (int64_t)values[i]);
    assert_true(firn_cursor_u32le(&c) == (uint32_t)values[i]);
    assert_true(firn_cursor_u64le(&c) == values[i]);
  }
  assert_false(c.bad);
  assert_int_equal(firn_cursor_left(&c), 0);
}

static void a_cursor_remembers_its_first_overrun(void **state) {
  (void)state;
  firn_cursor c = firn_cursor_over(FIRN_LITERAL("abc"));
  assert_int_equal(firn_cursor_u8(&c), 'a');
  assert_int_equal(firn_cursor_take(&c, 3).len, 0);
  assert_true(c.bad);
  assert_int_equal(firn_cursor_u8(&c), 0);
  assert_int_equal(firn_cursor_left(&c), 0);
  static const char *const bad[] = {"", "\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
                                    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) { /* cut short, beyond 64 bits, eleven bytes */
    c = firn_cursor_over(firn_bytes_of(bad[i]));
    assert_int_equal(firn_cursor_varint(&c), 0);
    assert_true(c.bad);
  }
  c = firn_cursor_over((firn_bytes){NULL, 0});
  assert_int_equal(firn_cursor_take(&c, 0).len, 0);
  assert_false(c.bad);
  assert_int_equal(firn_cursor_take(&c, UINT64_MAX).len, 0);
  assert_true(c.bad);
}

static firn_status build_and_copy(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int i = 0; i < 500; i++) {
    firn_builder_addf(&b, "%d,", i);
  }
  firn_bytes out;
  return firn_builder_finish_copy(&b, &arena, &out, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(build_and_copy);
}

RUN_TESTS(builds_and_grows, a_bound_is_kept_and_remembered, a_cursor_reads_what_a_builder_wrote,
          a_cursor_remembers_its_first_overrun, survives_oom)
