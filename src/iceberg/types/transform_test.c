#include "iceberg/types/transform.h"

#include <stdlib.h>
#include <time.h>

#include "test.h"

static firn_transform transform(const char *text, firn_arena *arena) {
  firn_error err;
  firn_transform t;
  CHECK_OK(firn_transform_read(firn_bytes_of(text), arena, &t, &err));
  return t;
}

/* Applies `text` to a value of `source` and wants success. */
static firn_value applied(const char *text, firn_field source, firn_value in) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_transform t = transform(text, &arena);
  firn_value out;
  CHECK_OK(firn_transform_apply(&t, &source, &in, &arena, &out, &err));
  return out;
}

static int64_t applied_i64(const char *text, firn_kind kind, int64_t v) {
  return applied(text, (firn_field){.kind = kind}, (firn_value){.kind = kind, .i64 = v}).i64;
}
static int32_t applied_i32(const char *text, firn_kind kind, int64_t v) {
  firn_value in = {.kind = kind, .i64 = v};
  if (kind == FIRN_KIND_INT || kind == FIRN_KIND_DATE) {
    in.i32 = (int32_t)v;
  }
  return applied(text, (firn_field){.kind = kind}, in).i32;
}

static firn_status status_of(const char *text, firn_field source, firn_value in) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_transform t = transform(text, &arena);
  firn_value out;
  return firn_transform_apply(&t, &source, &in, &arena, &out, NULL);
}

static void reads_what_it_writes(void **state) {
  (void)state;
  static const char *const texts[] = {
      "identity", "year", "month", "day", "hour", "void", "bucket[16]", "truncate[2147483647]", "zorder[3]"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    firn_transform t = transform(texts[i], &arena);
    char text[64];
    firn_transform_text(&t, text);
    assert_string_equal(text, texts[i]);
    assert_true(firn_transform_equal(&t, &t));
  }
  firn_transform a = transform("bucket[4]", &arena), b = transform("bucket[5]", &arena);
  assert_false(firn_transform_equal(&a, &b));
}

static void an_unknown_transform_is_kept_by_name(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_transform t = transform("hilbert[9]", &arena);
  assert_int_equal(t.kind, FIRN_TRANSFORM_UNKNOWN);
  assert_string_equal(t.text, "hilbert[9]");
  firn_field source = {.kind = FIRN_KIND_INT}, result = {.kind = FIRN_KIND_LONG};
  assert_true(firn_transform_takes(&t, &source));
  firn_transform_result(&t, &source, &result);
  assert_int_equal(result.kind, FIRN_KIND_UNKNOWN);
  CHECK_STATUS(status_of("hilbert[9]", source, (firn_value){.kind = FIRN_KIND_INT}), FIRN_UNSUPPORTED);
}

static void refuses_bad_widths(void **state) {
  (void)state;
  static const char *const bad[] = {"bucket",
                                    "bucket[]",
                                    "bucket[0]",
                                    "bucket[-1]",
                                    "bucket[x]",
                                    "truncate[0]",
                                    "truncate[",
                                    "bucket[1",
                                    "bucket[1]x",
                                    "truncate",
                                    "",
                                    "bucket[2147483648]",
                                    "truncate[99999999999999999999]"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_transform t;
    CHECK_STATUS(firn_transform_read(firn_bytes_of(bad[i]), &arena, &t, NULL), FIRN_CORRUPT);
  }
}

/* Spec: Truncate Transform Details. */
static void truncated_numbers_go_down_even_below_zero(void **state) {
  (void)state;
  assert_int_equal(applied_i32("truncate[10]", FIRN_KIND_INT, 1), 0);
  assert_int_equal(applied_i32("truncate[10]", FIRN_KIND_INT, -1), -10);
  assert_int_equal(applied_i32("truncate[10]", FIRN_KIND_INT, -10), -10);
  assert_int_equal(applied_i32("truncate[2147483647]", FIRN_KIND_INT, INT32_MAX), INT32_MAX);
  assert_int_equal(applied_i64("truncate[10]", FIRN_KIND_LONG, 19), 10);
  assert_int_equal(applied_i64("truncate[10]", FIRN_KIND_LONG, -11), -20);
  firn_field type = {.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2};
  assert_true(applied("truncate[50]", type, (firn_value){.kind = FIRN_KIND_DECIMAL, .dec = 1065}).dec ==
              1050);
  assert_true(applied("truncate[10]", type, (firn_value){.kind = FIRN_KIND_DECIMAL, .dec = -5}).dec == -10);
}

static void a_truncated_number_that_does_not_fit_is_an_error(void **state) {
  (void)state;
  firn_field i32 = {.kind = FIRN_KIND_INT}, i64 = {.kind = FIRN_KIND_LONG},
             dec = {.kind = FIRN_KIND_DECIMAL, .precision = 2};
  CHECK_STATUS(status_of("truncate[10]", i32, (firn_value){.kind = FIRN_KIND_INT, .i32 = INT32_MIN}),
               FIRN_LIMIT);
  CHECK_STATUS(status_of("truncate[10]", i64, (firn_value){.kind = FIRN_KIND_LONG, .i64 = INT64_MIN}),
               FIRN_LIMIT);
  CHECK_STATUS(status_of("truncate[50]", dec, (firn_value){.kind = FIRN_KIND_DECIMAL, .dec = -99}),
               FIRN_LIMIT);
}

static void text_is_truncated_by_code_points_and_bytes_by_bytes(void **state) {
  (void)state;
  firn_field text = {.kind = FIRN_KIND_STRING}, binary = {.kind = FIRN_KIND_BINARY};
  firn_value in = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("iceberg")};
  CHECK_BYTES(applied("truncate[3]", text, in).bytes, "ice");
  CHECK_BYTES(applied("truncate[30]", text, in).bytes, "iceberg");
  in.bytes = FIRN_LITERAL("\xc3\xa9\xf0\x9f\x90\xa7z"); /* one of two bytes, one of four, one of one */
  CHECK_BYTES(applied("truncate[1]", text, in).bytes, "\xc3\xa9");
  CHECK_BYTES(applied("truncate[2]", text, in).bytes, "\xc3\xa9\xf0\x9f\x90\xa7");
  in.kind = FIRN_KIND_BINARY;
  CHECK_BYTES(applied("truncate[3]", binary, in).bytes, "\xc3\xa9\xf0");
}

static void time_parts_floor_before_1970(void **state) {
  (void)state;
  static const char *const parts[] = {"year", "month", "day", "hour"};
  for (size_t i = 0; i < FIRN_COUNT_OF(parts); i++) {
    assert_int_equal(applied_i32(parts[i], FIRN_KIND_TIMESTAMP, -1), -1);
    assert_int_equal(applied_i32(parts[i], FIRN_KIND_TIMESTAMPTZ, 0), 0);
    assert_int_equal(applied_i32(parts[i], FIRN_KIND_TIMESTAMP_NS, -1), -1);
    assert_int_equal(applied_i32(parts[i], FIRN_KIND_TIMESTAMPTZ_NS, 0), 0);
  }
  assert_int_equal(applied_i32("year", FIRN_KIND_DATE, -1), -1);
  assert_int_equal(applied_i32("month", FIRN_KIND_DATE, -1), -1);
  assert_int_equal(applied_i32("day", FIRN_KIND_DATE, -1), -1);
  assert_int_equal(applied_i32("year", FIRN_KIND_DATE, -365), -1);
  assert_int_equal(applied_i32("year", FIRN_KIND_DATE, -366), -2);
}

static void time_parts_count_from_1970(void **state) {
  (void)state;
  int64_t us = INT64_C(1512123175038194); /* 2017-12-01T10:12:55.038194 */
  assert_int_equal(applied_i32("year", FIRN_KIND_TIMESTAMP, us), 47);
  assert_int_equal(applied_i32("month", FIRN_KIND_TIMESTAMP, us), 575);
  assert_int_equal(applied_i32("day", FIRN_KIND_TIMESTAMP, us), 17501);
  assert_int_equal(applied_i32("hour", FIRN_KIND_TIMESTAMP, us), 420034);
  assert_int_equal(applied_i32("hour", FIRN_KIND_TIMESTAMP_NS, us * 1000 + 999), 420034);
  firn_transform day = {.kind = FIRN_TRANSFORM_DAY};
  firn_field source = {.kind = FIRN_KIND_TIMESTAMP}, result = {0};
  firn_transform_result(&day, &source, &result);
  assert_int_equal(result.kind, FIRN_KIND_DATE);
}

static void time_parts_are_in_utc_whatever_the_session_zone(void **state) {
  (void)state;
  static const char *const zones[] = {"America/New_York", "Asia/Kathmandu", "UTC"};
  for (size_t i = 0; i < FIRN_COUNT_OF(zones); i++) {
    assert_int_equal(setenv("TZ", zones[i], 1), 0);
    tzset();
    /* 2017-12-01T00:30Z: the day before in New York, an hour with a half in Kathmandu. */
    assert_int_equal(applied_i32("day", FIRN_KIND_TIMESTAMPTZ, INT64_C(1512088200000000)), 17501);
    assert_int_equal(applied_i32("hour", FIRN_KIND_TIMESTAMPTZ, INT64_C(1512088200000000)), 17501 * 24);
    assert_int_equal(applied_i32("year", FIRN_KIND_TIMESTAMP, INT64_C(1512088200000000)), 47);
  }
}

static void an_hour_beyond_32_bits_is_refused(void **state) {
  (void)state;
  firn_field us = {.kind = FIRN_KIND_TIMESTAMP};
  CHECK_STATUS(status_of("hour", us, (firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = INT64_MAX}),
               FIRN_LIMIT);
  CHECK_STATUS(status_of("hour", us, (firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = INT64_MIN}),
               FIRN_LIMIT);
  int64_t last = INT32_MAX * INT64_C(3600000000);
  assert_int_equal(applied_i32("hour", FIRN_KIND_TIMESTAMP, last), INT32_MAX);
  /* The coarser parts of the farthest times fit. */
  assert_int_equal(applied_i32("day", FIRN_KIND_TIMESTAMP, INT64_MAX), 106751991);
  assert_int_equal(applied_i32("year", FIRN_KIND_DATE, INT32_MAX), 5879610);
  assert_int_equal(applied_i32("month", FIRN_KIND_DATE, INT32_MIN), -70555327); /* -5877641-06 */
}

static void null_gives_null(void **state) {
  (void)state;
  static const char *const texts[] = {"identity", "bucket[4]", "truncate[4]", "void"};
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    firn_value out = applied(texts[i], (firn_field){.kind = FIRN_KIND_INT},
                             (firn_value){.kind = FIRN_KIND_INT, .is_null = true});
    assert_true(out.is_null);
  }
  assert_true(
      applied("void", (firn_field){.kind = FIRN_KIND_INT}, (firn_value){.kind = FIRN_KIND_INT}).is_null);
}

static void a_bucket_is_the_hash_without_its_sign(void **state) {
  (void)state;
  firn_field date = {.kind = FIRN_KIND_DATE};
  firn_value in = {.kind = FIRN_KIND_DATE, .i32 = 17486}; /* hash -653330422 */
  assert_int_equal(applied("bucket[100]", date, in).i32, (-653330422 & INT32_MAX) % 100);
}

static void takes_only_the_types_of_the_specification(void **state) {
  (void)state;
  static const struct {
    const char *transform;
    firn_kind refused;
  } cases[] = {
      {"bucket[2]", FIRN_KIND_BOOLEAN}, {"bucket[2]", FIRN_KIND_DOUBLE},  {"bucket[2]", FIRN_KIND_VARIANT},
      {"truncate[2]", FIRN_KIND_DATE},  {"truncate[2]", FIRN_KIND_FIXED}, {"truncate[2]", FIRN_KIND_UUID},
      {"hour", FIRN_KIND_DATE},         {"year", FIRN_KIND_LONG},         {"day", FIRN_KIND_TIME},
      {"identity", FIRN_KIND_STRUCT},   {"identity", FIRN_KIND_GEOMETRY}, {"identity", FIRN_KIND_VARIANT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    CHECK_STATUS(status_of(cases[i].transform, (firn_field){.kind = cases[i].refused},
                           (firn_value){.kind = cases[i].refused}),
                 FIRN_INVALID);
  }
}

static void check_human(const char *text, firn_field source, firn_value result, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_transform t = transform(text, &arena);
  assert_string_equal(firn_transform_human(&t, &source, &result, &arena), wanted);
}

static void a_day_may_be_an_int_or_a_date(void **state) {
  (void)state;
  firn_field any = {.kind = FIRN_KIND_TIMESTAMP};
  check_human("day", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = 19889}, "2024-06-15");
  check_human("day", any, (firn_value){.kind = FIRN_KIND_DATE, .i32 = 19889}, "2024-06-15");
}

static void people_read_dates_and_texts(void **state) {
  (void)state;
  firn_field any = {.kind = FIRN_KIND_TIMESTAMP};
  check_human("year", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = 54}, "2024");
  check_human("month", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = 54 * 12 + 5}, "2024-06");
  check_human("month", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = -1}, "1969-12");
  check_human("day", any, (firn_value){.kind = FIRN_KIND_DATE, .i32 = 19889}, "2024-06-15");
  check_human("hour", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = 19889 * 24 + 13}, "2024-06-15-13");
  check_human("hour", any, (firn_value){.kind = FIRN_KIND_INT, .i32 = -1}, "1969-12-31-23");
  check_human("day", any, (firn_value){.kind = FIRN_KIND_DATE, .is_null = true}, "null");
  check_human("void", any, (firn_value){.kind = FIRN_KIND_TIMESTAMP, .is_null = true}, "null");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = 1512123175038190},
              "2017-12-01T10:12:55.03819");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_TIMESTAMPTZ, .i64 = 0},
              "1970-01-01T00:00:00+00:00");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_BINARY, .bytes = FIRN_LITERAL("ab\xff\xfe")},
              "YWL//g==");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_BINARY, .bytes = FIRN_LITERAL("abc")}, "YWJj");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_BOOLEAN, .boolean = true}, "true");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = 1.5}, "1.5");
  check_human("identity", any, (firn_value){.kind = FIRN_KIND_LONG, .i64 = INT64_MIN},
              "-9223372036854775808");
  check_human("truncate[50]", (firn_field){.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
              (firn_value){.kind = FIRN_KIND_DECIMAL, .dec = -1050}, "-10.50");
  check_human(
      "identity", (firn_field){.kind = FIRN_KIND_UUID},
      (firn_value){.kind = FIRN_KIND_UUID,
                   .bytes = FIRN_LITERAL("\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7")},
      "f79c3e09-677c-4bbd-a479-3f349cb785e7");
}

RUN_TESTS(reads_what_it_writes, an_unknown_transform_is_kept_by_name, refuses_bad_widths,
          truncated_numbers_go_down_even_below_zero, a_truncated_number_that_does_not_fit_is_an_error,
          text_is_truncated_by_code_points_and_bytes_by_bytes, time_parts_floor_before_1970,
          time_parts_count_from_1970, time_parts_are_in_utc_whatever_the_session_zone,
          an_hour_beyond_32_bits_is_refused, null_gives_null, a_bucket_is_the_hash_without_its_sign,
          takes_only_the_types_of_the_specification, a_day_may_be_an_int_or_a_date,
          people_read_dates_and_texts)
