#include "iceberg/types/value.h"

#include "test.h"

static firn_bytes written(const firn_value *v, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_bytes out;
  firn_value_write(v, &b);
  CHECK_OK(firn_builder_finish_copy(&b, arena, &out, &err));
  return out;
}

static void check_binary(firn_field type, firn_value v, const void *bytes, size_t len) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  v.kind = type.kind;
  firn_bytes got = written(&v, &arena);
  assert_int_equal(got.len, len);
  assert_memory_equal(got.data, bytes, len);
  firn_value back;
  CHECK_OK(firn_value_read(got, &type, &back, &err));
  assert_true(firn_value_equal(&v, &back));
}

/* Spec: Appendix D: mixed byte orders are on purpose. */
static void single_values_have_the_bytes_of_the_specification(void **state) {
  (void)state;
  check_binary((firn_field){.kind = FIRN_KIND_BOOLEAN}, (firn_value){.boolean = true}, "\x01", 1);
  check_binary((firn_field){.kind = FIRN_KIND_INT}, (firn_value){.i32 = -2}, "\xfe\xff\xff\xff", 4);
  check_binary((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = 1}, "\x01\0\0\0", 4);
  check_binary((firn_field){.kind = FIRN_KIND_LONG}, (firn_value){.i64 = 258}, "\x02\x01\0\0\0\0\0\0", 8);
  check_binary((firn_field){.kind = FIRN_KIND_TIME}, (firn_value){.i64 = 3}, "\x03\0\0\0\0\0\0\0", 8);
  check_binary((firn_field){.kind = FIRN_KIND_TIMESTAMPTZ_NS}, (firn_value){.i64 = -1},
               "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  check_binary((firn_field){.kind = FIRN_KIND_FLOAT}, (firn_value){.f32 = 1.0f}, "\0\0\x80\x3f", 4);
  check_binary((firn_field){.kind = FIRN_KIND_DOUBLE}, (firn_value){.f64 = -0.0}, "\0\0\0\0\0\0\0\x80", 8);
  check_binary((firn_field){.kind = FIRN_KIND_STRING}, (firn_value){.bytes = FIRN_LITERAL("snow")}, "snow",
               4);
  check_binary((firn_field){.kind = FIRN_KIND_UUID}, (firn_value){.bytes = FIRN_LITERAL("0123456789abcdef")},
               "0123456789abcdef", 16);
  check_binary((firn_field){.kind = FIRN_KIND_FIXED, .width = 3}, (firn_value){.bytes = FIRN_LITERAL("abc")},
               "abc", 3);
}

static void a_decimal_is_its_fewest_bytes_big_endian(void **state) {
  (void)state;
  firn_field type = {.kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 2};
  check_binary(type, (firn_value){.dec = 0}, "\0", 1);
  check_binary(type, (firn_value){.dec = 1420}, "\x05\x8c", 2);
  check_binary(type, (firn_value){.dec = 127}, "\x7f", 1);
  check_binary(type, (firn_value){.dec = 128}, "\0\x80", 2);
  check_binary(type, (firn_value){.dec = -1}, "\xff", 1);
  check_binary(type, (firn_value){.dec = -128}, "\x80", 1);
  check_binary(type, (firn_value){.dec = -129}, "\xff\x7f", 2);
  firn_decimal largest = 0;
  for (int i = 0; i < 38; i++) {
    largest = largest * 10 + 9;
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_value v = {.kind = FIRN_KIND_DECIMAL, .dec = -largest};
  assert_int_equal(written(&v, &arena).len, 16);
  check_binary(type, v, written(&v, &arena).data, 16);
}

static void a_bound_written_before_a_promotion_is_known_by_its_length(void **state) {
  (void)state;
  firn_value v;
  firn_error err;
  CHECK_OK(
      firn_value_read(FIRN_LITERAL("\xfe\xff\xff\xff"), &(firn_field){.kind = FIRN_KIND_LONG}, &v, &err));
  assert_int_equal(v.i64, -2);
  CHECK_OK(firn_value_read(FIRN_LITERAL("\0\0\x80\x3f"), &(firn_field){.kind = FIRN_KIND_DOUBLE}, &v, &err));
  assert_true(v.f64 == 1.0);
  CHECK_OK(firn_value_read(FIRN_LITERAL("\xff\xff\xff\xff"), &(firn_field){.kind = FIRN_KIND_TIMESTAMP}, &v,
                           &err));
  assert_int_equal(v.i64, INT64_C(-86400000000));
  CHECK_OK(
      firn_value_read(FIRN_LITERAL("\x01\0\0\0"), &(firn_field){.kind = FIRN_KIND_TIMESTAMP_NS}, &v, &err));
  assert_int_equal(v.i64, INT64_C(86400000000000));
  /* The specification knows no promotion from date to a time with zone, nor a day beyond 64 bits. */
  CHECK_STATUS(
      firn_value_read(FIRN_LITERAL("\x01\0\0\0"), &(firn_field){.kind = FIRN_KIND_TIMESTAMPTZ}, &v, NULL),
      FIRN_CORRUPT);
  CHECK_STATUS(firn_value_read(FIRN_LITERAL("\xff\xff\xff\x7f"),
                               &(firn_field){.kind = FIRN_KIND_TIMESTAMP_NS}, &v, NULL),
               FIRN_CORRUPT);
}

static void a_bound_of_a_wrong_length_is_ignored_whatever_its_type(void **state) {
  (void)state;
  uint8_t bytes[40];
  memset(bytes, 0x01, sizeof bytes);
  for (firn_kind kind = FIRN_KIND_UNKNOWN; kind <= FIRN_KIND_GEOGRAPHY; kind++) {
    firn_field type = {.kind = kind, .precision = 38, .width = 7};
    for (size_t len = 0; len <= sizeof bytes; len++) {
      /* A copy of just this length, so that a read beyond it is seen. */
      uint8_t *copy = firn_alloc(len == 0 ? 1 : len);
      memcpy(copy, bytes, len);
      firn_value v;
      firn_status status = firn_value_read((firn_bytes){copy, len}, &type, &v, NULL);
      bool wanted = kind == FIRN_KIND_STRING || kind == FIRN_KIND_BINARY;
      switch (kind) {
        case FIRN_KIND_BOOLEAN:
          wanted = len == 1;
          break;
        case FIRN_KIND_INT:
        case FIRN_KIND_DATE:
        case FIRN_KIND_FLOAT:
          wanted = len == 4;
          break;
        case FIRN_KIND_LONG:
        case FIRN_KIND_DOUBLE:
        case FIRN_KIND_TIMESTAMP:
          wanted = len == 4 || len == 8;
          break;
        case FIRN_KIND_TIMESTAMP_NS: /* day 0x01010101 is beyond its years */
        case FIRN_KIND_TIMESTAMPTZ:
        case FIRN_KIND_TIMESTAMPTZ_NS:
        case FIRN_KIND_TIME:
          wanted = len == 8;
          break;
        case FIRN_KIND_DECIMAL:
          wanted = len >= 1 && len <= 16;
          break;
        case FIRN_KIND_UUID:
          wanted = len == 16;
          break;
        case FIRN_KIND_FIXED:
          wanted = len == 7;
          break;
        default:
          break;
      }
      assert_int_equal(status == FIRN_OK, wanted);
      assert_int_equal(firn_bound_read((firn_bytes){copy, len}, &type, &v), wanted);
      firn_free(copy);
    }
  }
}

static void a_text_bound_cut_inside_of_a_code_point_is_a_bound_all_the_same(void **state) {
  (void)state;
  firn_value v;
  assert_true(firn_bound_read(FIRN_LITERAL("caf\xc3"), &(firn_field){.kind = FIRN_KIND_STRING}, &v));
  CHECK_BYTES(v.bytes, "caf\xc3");
}

static void a_nan_bound_says_nothing(void **state) {
  (void)state;
  firn_value v;
  assert_false(firn_bound_read(FIRN_LITERAL("\0\0\xc0\x7f"), &(firn_field){.kind = FIRN_KIND_FLOAT}, &v));
  assert_false(firn_bound_read(FIRN_LITERAL("\0\0\xc0\x7f"), &(firn_field){.kind = FIRN_KIND_DOUBLE}, &v));
  assert_false(
      firn_bound_read(FIRN_LITERAL("\0\0\0\0\0\0\xf8\xff"), &(firn_field){.kind = FIRN_KIND_DOUBLE}, &v));
  assert_true(firn_bound_read(FIRN_LITERAL("\0\0\x80\x7f"), &(firn_field){.kind = FIRN_KIND_FLOAT}, &v));
  assert_false(firn_bound_read((firn_bytes){NULL, 0}, &(firn_field){.kind = FIRN_KIND_STRING}, &v));
}

static void a_decimal_bound_beyond_its_digits_is_refused(void **state) {
  (void)state;
  firn_value v;
  firn_field type = {.kind = FIRN_KIND_DECIMAL, .precision = 2};
  CHECK_STATUS(firn_value_read(FIRN_LITERAL("\x64"), &type, &v, NULL), FIRN_CORRUPT);    /* 100 */
  CHECK_STATUS(firn_value_read(FIRN_LITERAL("\x9d"), &type, &v, NULL), FIRN_OK);         /* -99 */
  CHECK_STATUS(firn_value_read(FIRN_LITERAL("\xff\xff\x9d"), &type, &v, NULL), FIRN_OK); /* padded */
  assert_true(v.dec == -99);
}

static firn_value of_double(double v) {
  return (firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = v};
}

static void numbers_have_one_order_with_zeros_and_nan(void **state) {
  (void)state;
  double inf = __builtin_inf(), nan = __builtin_nan("");
  const double ordered[] = {-inf, -2.5, -1.0, -0.0, 0.0, 1e-300, 1.0, inf, nan};
  for (size_t i = 0; i < FIRN_COUNT_OF(ordered); i++) {
    for (size_t k = 0; k < FIRN_COUNT_OF(ordered); k++) {
      firn_value a = of_double(ordered[i]), b = of_double(ordered[k]);
      int wanted = (i > k) - (i < k), got = firn_value_compare(&a, &b);
      assert_int_equal((got > 0) - (got < 0), wanted);
      firn_value c = {.kind = FIRN_KIND_FLOAT, .f32 = (float)ordered[i]};
      firn_value d = {.kind = FIRN_KIND_FLOAT, .f32 = (float)ordered[k]};
      if (ordered[i] != 1e-300 && ordered[k] != 1e-300) { /* which is 0 as a float */
        got = firn_value_compare(&c, &d);
        assert_int_equal((got > 0) - (got < 0), wanted);
      }
    }
  }
}

/* Trap: partition tuples compare floats by their bits, with one NaN. */
static void partition_values_equal_by_bits_with_one_nan(void **state) {
  (void)state;
  firn_value plus = of_double(0.0), minus = of_double(-0.0);
  firn_value nan = of_double(__builtin_nan("")), other_nan = of_double(-__builtin_nan("7"));
  firn_value null = {.kind = FIRN_KIND_DOUBLE, .is_null = true}, also_null = null;
  also_null.f64 = 3;
  assert_false(firn_value_equal(&plus, &minus));
  assert_true(firn_value_equal(&nan, &other_nan));
  assert_true(firn_value_hash(&nan) == firn_value_hash(&other_nan));
  assert_true(firn_value_equal(&null, &also_null));
  assert_true(firn_value_hash(&null) == firn_value_hash(&also_null));
  assert_false(firn_value_equal(&null, &plus));
  assert_true(firn_value_compare(&null, &plus) < 0);
  assert_true(firn_value_compare(&plus, &null) > 0);
  firn_value other_kind = {.kind = FIRN_KIND_FLOAT};
  assert_false(firn_value_equal(&plus, &other_kind));
}

/* U+E000 comes before U+10000 in UTF-8, after it in UTF-16; bytes of a uuid count unsigned. */
static void text_and_uuids_compare_as_unsigned_bytes(void **state) {
  (void)state;
  firn_value low = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("\xee\x80\x80")};
  firn_value high = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("\xf0\x90\x80\x80")};
  assert_true(firn_value_compare(&low, &high) < 0);
  firn_value a = {.kind = FIRN_KIND_UUID, .bytes = FIRN_LITERAL("\x7f-23456789abcdef")};
  firn_value b = {.kind = FIRN_KIND_UUID, .bytes = FIRN_LITERAL("\x80-23456789abcdef")};
  assert_true(firn_value_compare(&a, &b) < 0);
}

static void values_come_out_of_vectors(void **state) {
  (void)state;
  uint64_t validity[] = {5}, bits[] = {4};
  int32_t i32[] = {1, 2, 3};
  int64_t i64[] = {4, 5, 6};
  firn_bytes bytes[] = {FIRN_LITERAL("a"), FIRN_LITERAL("b"), FIRN_LITERAL("c")};
  firn_vector v = {.kind = FIRN_KIND_DATE, .len = 3, .validity = validity, .n_nulls = 1, .i32 = i32};
  assert_int_equal(firn_value_at(&v, 2).i32, 3);
  assert_true(firn_value_at(&v, 1).is_null);
  v = (firn_vector){.kind = FIRN_KIND_BOOLEAN, .len = 3, .bits = bits};
  assert_false(firn_value_at(&v, 0).boolean);
  assert_true(firn_value_at(&v, 2).boolean);
  v = (firn_vector){.kind = FIRN_KIND_TIMESTAMPTZ, .len = 3, .i64 = i64};
  assert_int_equal(firn_value_at(&v, 1).i64, 5);
  v = (firn_vector){.kind = FIRN_KIND_BINARY, .len = 3, .bytes = bytes};
  CHECK_BYTES(firn_value_at(&v, 1).bytes, "b");
  v = (firn_vector){.kind = FIRN_KIND_UNKNOWN, .len = 3};
  assert_true(firn_value_at(&v, 1).is_null);
}

static firn_status copy_one(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_value from = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("packed snow")}, to;
  FIRN_TRY(firn_value_copy(&from, &arena, &to, NULL));
  CHECK_BYTES(to.bytes, "packed snow");
  assert_true(to.bytes.data != from.bytes.data);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(copy_one);
}

static void decimals_have_texts_of_exact_scale(void **state) {
  (void)state;
  static const struct {
    int64_t unscaled;
    unsigned scale;
    const char *text;
  } cases[] = {{1420, 2, "14.20"}, {-5, 2, "-0.05"}, {0, 0, "0"},
               {0, 3, "0.000"},    {7, 0, "7"},      {-120, 1, "-12.0"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    char text[FIRN_DECIMAL_TEXT_MAX];
    firn_decimal back;
    (void)firn_decimal_text(cases[i].unscaled, cases[i].scale, text);
    assert_string_equal(text, cases[i].text);
    assert_true(firn_decimal_of_text(firn_bytes_of(text), 38, cases[i].scale, &back));
    assert_true(back == cases[i].unscaled);
  }
  firn_decimal v;
  static const char *const bad[] = {"",     "-",      ".",    "1",      "1.2",    "1.234",   "1.2x",
                                    "1..2", "1e2",    "1E",   " 1.00",  "123.45", "1E-",     "1E-3",
                                    "E-2",  "1.0E-2", "1E-x", "--1E-2", "1E-002", "99999E-2"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    assert_false(firn_decimal_of_text(firn_bytes_of(bad[i]), 4, 2, &v));
  }
  assert_false(firn_decimal_of_text(FIRN_LITERAL("1."), 4, 0, &v));
  /* Others write small ones like this; the scale is the same. */
  assert_true(firn_decimal_of_text(FIRN_LITERAL("-1E-2"), 4, 2, &v) && v == -1);
  assert_true(firn_decimal_of_text(FIRN_LITERAL("1.2e-1"), 4, 2, &v) && v == 12);
  assert_true(firn_decimal_of_text(FIRN_LITERAL("0E-2"), 4, 2, &v) && v == 0);
  char largest[] = "-99999999999999999999999999999999999999", text[FIRN_DECIMAL_TEXT_MAX];
  assert_true(firn_decimal_of_text(firn_bytes_of(largest), 38, 0, &v));
  (void)firn_decimal_text(v, 0, text);
  assert_string_equal(text, largest);
  (void)firn_decimal_text(v, 38, text);
  assert_string_equal(text, "-0.99999999999999999999999999999999999999");
  assert_false(firn_decimal_of_text(FIRN_LITERAL("100000000000000000000000000000000000000"), 38, 0, &v));
  firn_decimal lowest = (firn_decimal)((__extension__(unsigned __int128) 1) << 127);
  (void)firn_decimal_text(lowest, 0, text);
  assert_string_equal(text, "-170141183460469231731687303715884105728");
}

RUN_TESTS(single_values_have_the_bytes_of_the_specification, a_decimal_is_its_fewest_bytes_big_endian,
          a_bound_written_before_a_promotion_is_known_by_its_length,
          a_bound_of_a_wrong_length_is_ignored_whatever_its_type,
          a_text_bound_cut_inside_of_a_code_point_is_a_bound_all_the_same, a_nan_bound_says_nothing,
          a_decimal_bound_beyond_its_digits_is_refused, numbers_have_one_order_with_zeros_and_nan,
          partition_values_equal_by_bits_with_one_nan, text_and_uuids_compare_as_unsigned_bytes,
          values_come_out_of_vectors, survives_oom, decimals_have_texts_of_exact_scale)
