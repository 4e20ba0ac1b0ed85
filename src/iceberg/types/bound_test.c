#include "iceberg/types/value.h"

#include "test.h"

/* The upper bound of text cut to `n` code points; NULL where there is none. */
static const char *upper(firn_kind kind, const char *value, size_t n, firn_arena *arena) {
  firn_error err;
  firn_bytes out;
  bool exists = false;
  CHECK_OK(firn_bound_upper(kind, firn_bytes_of(value), n, arena, &out, &exists, &err));
  return exists ? firn_arena_text(arena, out) : NULL;
}

static void a_lower_bound_is_cut_at_a_code_point(void **state) {
  (void)state;
  firn_error err;
  firn_bytes out;
  CHECK_OK(firn_bound_lower(FIRN_KIND_STRING, FIRN_LITERAL("\xc3\xa9\xf0\x9f\x90\xa7z"), 2, &out, &err));
  CHECK_BYTES(out, "\xc3\xa9\xf0\x9f\x90\xa7");
  CHECK_OK(firn_bound_lower(FIRN_KIND_STRING, FIRN_LITERAL("abc"), 16, &out, &err));
  CHECK_BYTES(out, "abc");
  CHECK_OK(firn_bound_lower(FIRN_KIND_BINARY, FIRN_LITERAL("\xc3\xa9z"), 1, &out, &err));
  CHECK_BYTES(out, "\xc3");
  /* What is no UTF-8 still has a prefix. */
  CHECK_OK(firn_bound_lower(FIRN_KIND_STRING, FIRN_LITERAL("\xff\xc3\x28"), 2, &out, &err));
  CHECK_BYTES(out, "\xff\xc3");
}

static void an_upper_bound_that_is_whole_stays_exact(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(upper(FIRN_KIND_STRING, "abc", 3, &arena), "abc");
  assert_string_equal(upper(FIRN_KIND_STRING, "", 0, &arena), "");
  assert_string_equal(upper(FIRN_KIND_BINARY, "\xff", 1, &arena), "\xff");
}

static void an_upper_bound_that_is_cut_grows_its_last_code_point(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(upper(FIRN_KIND_STRING, "abcdef", 3, &arena), "abd");
  assert_string_equal(upper(FIRN_KIND_STRING, "ab\x7fz", 3, &arena),
                      "ab\xc2\x80"); /* it may need more bytes */
  assert_string_equal(upper(FIRN_KIND_STRING, "a\xdf\xbfz", 2, &arena), "a\xe0\xa0\x80");
  assert_string_equal(upper(FIRN_KIND_STRING, "a\xef\xbf\xbfz", 2, &arena), "a\xf0\x90\x80\x80");
}

static void an_upper_bound_skips_surrogates(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(upper(FIRN_KIND_STRING, "\xed\x9f\xbfz", 1, &arena), "\xee\x80\x80"); /* D7FF, E000 */
}

static void an_upper_bound_carries_left_and_ends_where_nothing_is_beyond(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  assert_string_equal(upper(FIRN_KIND_STRING, "a\xf4\x8f\xbf\xbfz", 2, &arena), "b");
  assert_null(upper(FIRN_KIND_STRING, "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbfz", 2, &arena));
  assert_null(upper(FIRN_KIND_STRING, "abc", 0, &arena));
  assert_string_equal(upper(FIRN_KIND_BINARY, "a\xff\xffz", 3, &arena), "b");
  assert_null(upper(FIRN_KIND_BINARY, "\xff\xffz", 2, &arena));
  assert_null(upper(FIRN_KIND_STRING, "\xff\xfez", 2, &arena)); /* no UTF-8: nothing is promised */
}

static void every_cut_is_a_bound_of_random_text(void **state) {
  (void)state;
  (void)test_ctx();
  static const char *const points[] = {
      "a", "\x7f", "\xc3\xa9", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"};
  for (int round = 0; round < 500; round++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    char text[64] = "";
    size_t len = 0;
    for (uint64_t n = test_random() % 10; n > 0; n--) {
      const char *point = points[test_random() % FIRN_COUNT_OF(points)];
      memcpy(text + len, point, strlen(point));
      len += strlen(point);
    }
    firn_bytes value = {(const uint8_t *)text, len}, low, high;
    bool exists;
    size_t n = test_random() % 10;
    firn_error err;
    CHECK_OK(firn_bound_lower(FIRN_KIND_STRING, value, n, &low, &err));
    CHECK_OK(firn_bound_upper(FIRN_KIND_STRING, value, n, &arena, &high, &exists, &err));
    assert_true(firn_bytes_compare(low, value) <= 0);
    assert_true(!exists || firn_bytes_compare(high, value) >= 0);
  }
}

static void other_kinds_are_not_cut(void **state) {
  (void)state;
  firn_bytes out;
  CHECK_STATUS(firn_bound_lower(FIRN_KIND_LONG, FIRN_LITERAL("12345678"), 4, &out, NULL), FIRN_INVALID);
}

RUN_TESTS(a_lower_bound_is_cut_at_a_code_point, an_upper_bound_that_is_whole_stays_exact,
          an_upper_bound_that_is_cut_grows_its_last_code_point, an_upper_bound_skips_surrogates,
          an_upper_bound_carries_left_and_ends_where_nothing_is_beyond, every_cut_is_a_bound_of_random_text,
          other_kinds_are_not_cut)
