#include "formats/parquet/bounds_internal.h"

#include "test.h"

static const firn_bound_limit sixteen = {.bytes = 0, .code_points = 16}, four_bytes = {.bytes = 4};

static firn_bytes upper(firn_bound_order order, firn_bytes v, firn_bound_limit limit, bool *is_there) {
  static uint8_t room[FIRN_BOUND_ROOM];
  firn_bytes out = {NULL, 0};
  *is_there = firn_bound_upper(order, v, limit, room, &out);
  return out;
}

static void check_upper(const char *v, const char *wanted) {
  bool is_there;
  firn_bytes out = upper(FIRN_BOUND_TEXT, firn_bytes_of(v), (firn_bound_limit){.code_points = 2}, &is_there);
  assert_int_equal(is_there, wanted != NULL);
  if (wanted != NULL) {
    CHECK_BYTES(out, wanted);
    assert_true(firn_bytes_compare(out, firn_bytes_of(v)) >= 0);
  }
}

static void upper_bounds_of_text_step_over_surrogates_and_carry(void **state) {
  (void)state;
  check_upper("ab", "ab");
  check_upper("abc", "ac");
  check_upper(
      "a\x7F"
      "c",
      "a\xC2\x80");
  check_upper("a\xED\x9F\xBFz", "a\xEE\x80\x80");         /* U+D7FF -> U+E000 */
  check_upper("a\xEF\xBF\xBFz", "a\xF0\x90\x80\x80");     /* U+FFFF -> U+10000 */
  check_upper("a\xF4\x8F\xBF\xBFz", "b");                 /* U+10FFFF carries */
  check_upper("\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBFz", NULL); /* nothing is larger */
  check_upper("\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF");
  check_upper("a\xFF", NULL); /* no UTF-8 */
  check_upper("", "");
}

static void lower_bounds_of_text_are_cut_at_code_points(void **state) {
  (void)state;
  firn_bytes out;
  firn_bytes umlauts = FIRN_LITERAL("\xC3\xA4\xC3\xB6\xC3\xBC");
  assert_true(firn_bound_lower(FIRN_BOUND_TEXT, umlauts, (firn_bound_limit){.code_points = 2}, &out));
  CHECK_BYTES(out, "\xC3\xA4\xC3\xB6");
  assert_true(firn_bound_lower(FIRN_BOUND_TEXT, umlauts, (firn_bound_limit){.bytes = 3}, &out));
  CHECK_BYTES(out, "\xC3\xA4");
  assert_true(firn_bound_lower(FIRN_BOUND_TEXT, umlauts, sixteen, &out));
  assert_int_equal(out.len, 6);
  assert_false(firn_bound_lower(FIRN_BOUND_TEXT, FIRN_LITERAL("a\xC3"), sixteen, &out));
}

static void bytes_carry_too(void **state) {
  (void)state;
  bool is_there;
  firn_bytes out = upper(FIRN_BOUND_BYTES, FIRN_LITERAL("\x01\x02\x03\x04\x05"), four_bytes, &is_there);
  assert_true(is_there && firn_bytes_equal(out, FIRN_LITERAL("\x01\x02\x03\x05")));
  out = upper(FIRN_BOUND_BYTES, FIRN_LITERAL("\x01\x02\xFF\xFF\x05"), four_bytes, &is_there);
  assert_true(is_there && firn_bytes_equal(out, FIRN_LITERAL("\x01\x03")));
  (void)upper(FIRN_BOUND_BYTES, FIRN_LITERAL("\xFF\xFF\xFF\xFF\x05"), four_bytes, &is_there);
  assert_false(is_there);
  out = upper(FIRN_BOUND_BYTES, FIRN_LITERAL("\xFF\xFF\xFF\xFF"), four_bytes, &is_there);
  assert_true(is_there && out.len == 4);
}

static void random_bounds_enclose_their_value(void **state) {
  (void)state;
  (void)test_ctx();
  for (int round = 0; round < 3000; round++) {
    uint8_t v[40], room[FIRN_BOUND_ROOM];
    size_t len = test_random() % sizeof v;
    for (size_t i = 0; i < len; i++) {
      v[i] = test_random() % 3 == 0 ? 0xFF : (uint8_t)test_random();
    }
    firn_bytes value = {v, len}, low, high;
    firn_bound_limit limit = {.bytes = 1 + test_random() % 20};
    assert_true(firn_bound_lower(FIRN_BOUND_BYTES, value, limit, &low));
    assert_true(low.len <= limit.bytes && firn_bytes_compare(low, value) <= 0);
    if (firn_bound_upper(FIRN_BOUND_BYTES, value, limit, room, &high)) {
      assert_true(high.len <= limit.bytes && firn_bytes_compare(high, value) >= 0);
    }
  }
}

static int compare(firn_bound_order order, const void *a, const void *b, size_t len) {
  return firn_bound_compare(order, (firn_bytes){a, len}, (firn_bytes){b, len});
}

static void orders_are_those_of_the_types(void **state) {
  (void)state;
  int32_t i[] = {-1, 1};
  int64_t l[] = {INT64_MIN, 1};
  float f[] = {-1.5F, 0.5F, -0.0F, 0.0F};
  double d[] = {-1.5, 0.5};
  assert_true(compare(FIRN_BOUND_INT32, &i[0], &i[1], 4) < 0);
  assert_true(compare(FIRN_BOUND_INT64, &l[0], &l[1], 8) < 0);
  assert_true(compare(FIRN_BOUND_FLOAT, &f[0], &f[1], 4) < 0);
  assert_true(compare(FIRN_BOUND_FLOAT, &f[2], &f[3], 4) == 0);
  assert_true(compare(FIRN_BOUND_DOUBLE, &d[1], &d[0], 8) > 0);
  assert_true(compare(FIRN_BOUND_BYTES, "\xFF", "\x01", 1) > 0);
  assert_true(compare(FIRN_BOUND_DECIMAL, "\xFF\xFF", "\x00\x01", 2) < 0);
  assert_true(compare(FIRN_BOUND_DECIMAL, "\xFF\xFE", "\xFF\xFF", 2) < 0);
  assert_true(compare(FIRN_BOUND_DECIMAL, "\x01\x00", "\x00\xFF", 2) > 0);
  assert_true(compare(FIRN_BOUND_BOOLEAN, "\x00", "\x01", 1) < 0);
}

static void decimals_are_shortened(void **state) {
  (void)state;
  uint8_t room[FIRN_BOUND_ROOM];
  static const struct {
    int32_t v;
    size_t len;
    uint8_t first;
  } wanted[] = {{0, 1, 0x00},   {-1, 1, 0xFF},   {127, 1, 0x7F},
                {128, 2, 0x00}, {-128, 1, 0x80}, {-129, 2, 0xFF}};
  firn_parquet_node leaf = {.logical = FIRN_LOGICAL_DECIMAL, .type = FIRN_PARQUET_INT32};
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    firn_bytes out = firn_bound_single_value(&leaf, (firn_bytes){(const uint8_t *)&wanted[i].v, 4}, room);
    assert_int_equal(out.len, wanted[i].len);
    assert_int_equal(out.data[0], wanted[i].first);
  }
  leaf.type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
  firn_bytes out = firn_bound_single_value(&leaf, FIRN_LITERAL("\xFF\xFF\xFF\x80\x01"), room);
  assert_true(firn_bytes_equal(out, FIRN_LITERAL("\x80\x01")));
}

RUN_TESTS(upper_bounds_of_text_step_over_surrogates_and_carry, lower_bounds_of_text_are_cut_at_code_points,
          bytes_carry_too, random_bounds_enclose_their_value, orders_are_those_of_the_types,
          decimals_are_shortened)
