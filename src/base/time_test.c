#include "base/time.h"

#include "test.h"

static void days_go_there_and_back(void **state) {
  (void)state;
  assert_int_equal(firn_days_of_date((firn_date){1970, 1, 1}), 0);
  assert_int_equal(firn_days_of_date((firn_date){2000, 3, 1}), 11017);
  assert_int_equal(firn_days_of_date((firn_date){1969, 12, 31}), -1);
  assert_int_equal(firn_days_of_date((firn_date){0, 1, 1}), -719528);
  firn_date expected = {-1, 12, 30};
  for (int64_t days = firn_days_of_date((firn_date){-1, 12, 30}); days < 4000000; days += 1) {
    firn_date date = firn_date_of_days(days); /* the calendar, kept by hand */
    assert_true(date.year == expected.year && date.month == expected.month && date.day == expected.day);
    assert_true(firn_days_of_date(date) == days);
    expected.day++;
    if (!firn_date_is_real(expected)) {
      expected = (firn_date){expected.year + (expected.month == 12), expected.month % 12 + 1, 1};
    }
  }
  for (int64_t days = INT32_MIN; days <= INT32_MAX; days += 999983) {
    firn_date date = firn_date_of_days(days);
    assert_true(firn_date_is_real(date) && firn_days_of_date(date) == days);
  }
  assert_true(firn_date_of_days(firn_days_of_date((firn_date){-400, 2, 29})).day == 29);
  assert_false(firn_date_is_real((firn_date){1900, 2, 29}));
  assert_true(firn_date_is_real((firn_date){2000, 2, 29}));
}

static void divisions_floor(void **state) {
  (void)state;
  assert_int_equal(firn_floor_div(-1, 10), -1);
  assert_int_equal(firn_floor_div(-10, 10), -1);
  assert_int_equal(firn_floor_div(9, 10), 0);
  assert_int_equal(firn_floor_mod(-1, 10), 9);
  assert_int_equal(firn_floor_mod(-10, 10), 0);
  assert_true(firn_floor_div(INT64_MIN, FIRN_US_PER_DAY) == -106751992);
}

typedef struct moment {
  const char *text;
  int64_t us;
} moment;

static void reads_rfc3339(void **state) {
  (void)state;
  static const moment good[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2025-06-15T12:00:00Z", INT64_C(1749988800000000)},
      {"2025-06-15T12:00:00.123456Z", INT64_C(1749988800123456)},
      {"2025-06-15t12:00:00.1z", INT64_C(1749988800100000)},
      {"2025-06-15T14:30:00+02:30", INT64_C(1749988800000000)},
      {"2025-06-15T00:00:00.5-12:00", INT64_C(1749988800500000)},
      {"2025-06-15T12:00:00-00:00", INT64_C(1749988800000000)},
      {"2025-06-15T12:00:00.123456999999999999999999Z", INT64_C(1749988800123456)},
      {"1969-12-31T23:59:59.9999999Z", -1},
      {"1969-12-31T23:59:59.999999Z", -1},
      {"1970-01-01T00:00:00+23:59", INT64_C(-86340000000)},
      {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)},
      {"2016-12-31T23:59:60.25Z", INT64_C(1483228800250000)},
      {"2017-01-01T05:29:60+05:30", INT64_C(1483228800000000)},
      {"0000-01-01T00:00:00Z", INT64_C(-62167219200000000)},
      {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
      {"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(good); i++) {
    firn_error err;
    int64_t us;
    CHECK_OK(firn_rfc3339_parse(firn_bytes_of(good[i].text), FIRN_MICROS, &us, &err));
    if (us != good[i].us) {
      fail_msg("%s became %ld", good[i].text, (long)us);
    }
    for (size_t len = 0; len + 1 < strlen(good[i].text); len++) { /* every cut, the fraction's apart */
      firn_bytes cut = {(const uint8_t *)good[i].text, len};
      assert_int_not_equal(firn_rfc3339_parse(cut, FIRN_MICROS, &us, NULL), FIRN_OK);
    }
  }
}

static void refuses_what_is_not_rfc3339(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "x",
                                    "2025-06-15",
                                    "2025-06-15T12:00:00",
                                    "2025-06-15 12:00:00Z",
                                    "2025-06-15T12:00Z",
                                    "2025-6-15T12:00:00Z",
                                    "2025-06-15T12:00:00.Z",
                                    "2025-06-15T12:00:00,5Z",
                                    "2025-06-15T12:00:00Z ",
                                    " 2025-06-15T12:00:00Z",
                                    "2025-13-15T12:00:00Z",
                                    "2025-00-15T12:00:00Z",
                                    "2025-06-31T12:00:00Z",
                                    "2025-06-00T12:00:00Z",
                                    "2023-02-29T12:00:00Z",
                                    "2025-06-15T24:00:00Z",
                                    "2025-06-15T12:60:00Z",
                                    "2025-06-15T12:00:61Z",
                                    "2025-06-15T12:00:60Z",
                                    "2025-06-15T23:59:60+01:00",
                                    "2025-06-15T12:00:00+24:00",
                                    "2025-06-15T12:00:00+01:60",
                                    "2025-06-15T12:00:00+0100",
                                    "2025-06-15T12:00:00+01",
                                    "2025-06-15T12:00:00UTC",
                                    "+2025-06-15T12:00:00Z",
                                    "-2025-06-15T12:00:00Z",
                                    "12025-06-15T12:00:00Z",
                                    "20250615T120000Z",
                                    "2025-06-15T12:00:00Z\n",
                                    "2025-W24-7T12:00:00Z",
                                    "\xEF\xBC\x92"
                                    "025-06-15T12:00:00Z"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    int64_t us;
    if (firn_rfc3339_parse(firn_bytes_of(bad[i]), FIRN_MICROS, &us, NULL) != FIRN_INVALID) {
      fail_msg("%s was taken", bad[i]);
    }
  }
  firn_error err;
  int64_t us;
  CHECK_STATUS(firn_rfc3339_parse(FIRN_LITERAL("2025-06-15T12:00:00"), FIRN_MICROS, &us, &err), FIRN_INVALID);
  assert_string_equal(err.text, "not a time (RFC 3339): it has no offset from UTC");
  CHECK_STATUS(firn_rfc3339_parse((firn_bytes){NULL, 0}, FIRN_MICROS, &us, &err), FIRN_INVALID);
}

static void nanos_have_a_smaller_range(void **state) {
  (void)state;
  static const moment edges[] = {{"2262-04-11T23:47:16.854775807Z", INT64_MAX},
                                 {"1677-09-21T00:12:43.145224192Z", INT64_MIN},
                                 {"1969-12-31T23:59:59.999999999Z", -1},
                                 {"1970-01-01T00:00:00.0000000019Z", 1}};
  firn_error err;
  int64_t ns;
  for (size_t i = 0; i < FIRN_COUNT_OF(edges); i++) {
    CHECK_OK(firn_rfc3339_parse(firn_bytes_of(edges[i].text), FIRN_NANOS, &ns, &err));
    assert_true(ns == edges[i].us);
  }
  CHECK_STATUS(firn_rfc3339_parse(FIRN_LITERAL("2262-04-11T23:47:16.854775808Z"), FIRN_NANOS, &ns, &err),
               FIRN_INVALID);
  CHECK_SAYS("does not fit in 64 bits");
  CHECK_STATUS(firn_rfc3339_parse(FIRN_LITERAL("1677-09-21T00:12:43.145224191Z"), FIRN_NANOS, &ns, &err),
               FIRN_INVALID);
}

static void writes_the_json_forms(void **state) {
  (void)state;
  char text[FIRN_TIME_TEXT_MAX];
  (void)firn_timestamp_text(INT64_C(1749988800123456), FIRN_MICROS, true, text);
  assert_string_equal(text, "2025-06-15T12:00:00.123456+00:00");
  (void)firn_timestamp_text(INT64_C(1749988800000000), FIRN_MICROS, false, text);
  assert_string_equal(text, "2025-06-15T12:00:00.000000");
  (void)firn_timestamp_text(-1, FIRN_NANOS, true, text);
  assert_string_equal(text, "1969-12-31T23:59:59.999999999+00:00");
  (void)firn_timestamp_text(INT64_MAX, FIRN_MICROS, true, text);
  assert_string_equal(text, "+294247-01-10T04:00:54.775807+00:00");
  (void)firn_timestamp_text(INT64_MIN, FIRN_MICROS, false, text);
  assert_string_equal(text, "-290308-12-21T19:59:05.224192");
  (void)firn_date_text(0, text);
  assert_string_equal(text, "1970-01-01");
  (void)firn_date_text(-719529, text);
  assert_string_equal(text, "-0001-12-31");
  (void)firn_date_text(INT32_MAX, text);
  assert_string_equal(text, "+5881580-07-11");
  (void)firn_time_text(INT64_C(81068123456), FIRN_MICROS, text);
  assert_string_equal(text, "22:31:08.123456");
  (void)firn_time_text(FIRN_NS_PER_DAY - 1, FIRN_NANOS, text);
  assert_string_equal(text, "23:59:59.999999999");
}

static void any_moment_reads_back(void **state) {
  (void)state;
  (void)test_ctx();
  for (int i = 0; i < 20000; i++) {
    int64_t v = (int64_t)(test_random() >> (test_random() % 40));
    v = (i & 1) != 0 ? -v : v;
    v = i < 4 ? (i < 2 ? INT64_MIN + i : INT64_MAX - i) : v;
    firn_time_unit unit = (i & 2) != 0 ? FIRN_NANOS : FIRN_MICROS;
    bool zoned = (i & 4) != 0;
    char text[FIRN_TIME_TEXT_MAX];
    size_t len = firn_timestamp_text(v, unit, zoned, text);
    assert_true(len == strlen(text) && len < sizeof text);
    firn_error err;
    int64_t back;
    CHECK_OK(firn_timestamp_parse(firn_bytes_of(text), unit, zoned, &back, &err));
    assert_true(back == v);
    CHECK_STATUS(firn_timestamp_parse(firn_bytes_of(text), unit, !zoned, &back, NULL), FIRN_INVALID);

    int32_t days = (int32_t)v, days_back;
    len = firn_date_text(days, text);
    CHECK_OK(firn_date_parse((firn_bytes){(const uint8_t *)text, len}, &days_back, &err));
    assert_int_equal(days_back, days);

    int64_t clock = firn_floor_mod(v, unit == FIRN_NANOS ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY);
    len = firn_time_text(clock, unit, text);
    CHECK_OK(firn_time_parse((firn_bytes){(const uint8_t *)text, len}, unit, &back, &err));
    assert_true(back == clock);
  }
}

static void reads_the_json_forms(void **state) {
  (void)state;
  firn_error err;
  int64_t v;
  int32_t days;
  CHECK_OK(firn_timestamp_parse(FIRN_LITERAL("2017-11-16T22:31:08"), FIRN_MICROS, false, &v, &err));
  assert_true(v == INT64_C(1510871468000000));
  CHECK_OK(firn_timestamp_parse(FIRN_LITERAL("2017-11-16T14:31:08-08:00"), FIRN_MICROS, true, &v, &err));
  assert_true(v == INT64_C(1510871468000000));
  CHECK_OK(firn_time_parse(FIRN_LITERAL("22:31:08"), FIRN_MICROS, &v, &err));
  assert_true(v == INT64_C(81068000000));
  CHECK_OK(firn_date_parse(FIRN_LITERAL("2017-11-16"), &days, &err));
  assert_int_equal(days, 17486);
  static const char *const bad_dates[] = {"2017-11-16T", "17-11-16",          "2017-02-30", "+99999999-01-01",
                                          "-12-01-01",   "+9999999999-01-01", "2017-11-1",  ""};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad_dates); i++) {
    CHECK_STATUS(firn_date_parse(firn_bytes_of(bad_dates[i]), &days, NULL), FIRN_INVALID);
  }
  static const char *const bad_times[] = {"24:00:00", "23:59:60", "1:00:00", "10:00", "10:00:00Z", ""};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad_times); i++) {
    CHECK_STATUS(firn_time_parse(firn_bytes_of(bad_times[i]), FIRN_MICROS, &v, NULL), FIRN_INVALID);
  }
  CHECK_STATUS(
      firn_timestamp_parse(FIRN_LITERAL("+294247-01-10T04:00:54.775808"), FIRN_MICROS, false, &v, NULL),
      FIRN_INVALID);
}

RUN_TESTS(days_go_there_and_back, divisions_floor, reads_rfc3339, refuses_what_is_not_rfc3339,
          nanos_have_a_smaller_range, writes_the_json_forms, any_moment_reads_back, reads_the_json_forms)
