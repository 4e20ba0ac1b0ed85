#include "base/json_write.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/number.h"
#include "test.h"

static void write_document(firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "a", "x");
  firn_json_key(w, "list");
  firn_json_begin_array(w);
  firn_json_write_int64(w, 1);
  firn_json_begin_array(w);
  firn_json_end_array(w);
  firn_json_begin_object(w);
  firn_json_end_object(w);
  firn_json_write_null(w);
  firn_json_end_array(w);
  firn_json_add_int64(w, "n", INT64_MIN);
  firn_json_add_bool(w, "t", true);
  firn_json_key_bytes(w, FIRN_LITERAL("raw"));
  firn_json_write_raw(w, FIRN_LITERAL("[1, 2]"));
  firn_json_key(w, "f");
  firn_json_write_bool(w, false);
  firn_json_end_object(w);
}

static void places_commas_and_colons(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  write_document(&w);
  CHECK_BYTES(firn_builder_bytes(&b),
              "{\"a\":\"x\",\"list\":[1,[],{},null],\"n\":-9223372036854775808,\"t\":true,"
              "\"raw\":[1, 2],\"f\":false}");
}

static void indents(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  w.indent = 2;
  write_document(&w);
  CHECK_BYTES(firn_builder_bytes(&b),
              "{\n  \"a\": \"x\",\n  \"list\": [\n    1,\n    [],\n    {},\n    null\n  ],\n"
              "  \"n\": -9223372036854775808,\n  \"t\": true,\n  \"raw\": [1, 2],\n  \"f\": false\n}");
  assert_true(firn_json_is_valid(firn_builder_bytes(&b)));
}

static firn_bytes written(firn_builder *b, firn_bytes text) {
  firn_builder_reset(b);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_json_write_bytes(&w, text);
  return firn_builder_bytes(b);
}

static void escapes_text(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_BYTES(written(&b, FIRN_LITERAL("a\"\\/\b\f\n\r\t\x01\x1f\x7f\xC3\xA9\xF0\x9F\x98\x80z")),
              "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xC3\xA9\xF0\x9F\x98\x80z\"");
  CHECK_BYTES(written(&b, FIRN_LITERAL("\0")), "\"\\u0000\"");
  CHECK_BYTES(written(&b, FIRN_LITERAL("a\xFF\xC3z\xED\xA0\x80")),
              "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK_BYTES(written(&b, (firn_bytes){NULL, 0}), "\"\"");
}

static void any_text_reads_back(void **state) {
  (void)state;
  (void)test_ctx();
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int round = 0; round < 3000; round++) {
    uint8_t text[40];
    size_t len = test_random() % sizeof text;
    for (size_t i = 0; i < len; i++) {
      uint64_t r = test_random();
      text[i] = (r & 1) != 0 ? (uint8_t)(r >> 8 & 0x7F) : (uint8_t)"\"\\\n\0abc\x1f"[r >> 8 & 7];
    }
    firn_json j;
    firn_json_token token;
    firn_bytes back;
    firn_error err;
    firn_json_init(&j, written(&b, (firn_bytes){text, len}));
    CHECK_OK(firn_json_next(&j, &token, &err));
    CHECK_OK(firn_json_text(&token, &arena, &back, &err));
    assert_true(firn_bytes_equal(back, (firn_bytes){text, len}));
    firn_arena_reset(&arena);
  }
}

static void check_double(double v, const char *wanted) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_write_double(&w, v);
  CHECK_BYTES(firn_builder_bytes(&b), wanted);
}

static void check_float(float v, const char *wanted) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_write_float(&w, v);
  CHECK_BYTES(firn_builder_bytes(&b), wanted);
}

static void numbers_are_the_shortest(void **state) {
  (void)state;
  check_double(0, "0.0");
  check_double(-0.0, "-0.0");
  check_double(1, "1.0");
  check_double(-100, "-100.0");
  check_double(0.1, "0.1");
  check_double(0.1 + 0.2, "0.30000000000000004");
  check_double(1.0 / 3, "0.3333333333333333");
  check_double(123456789.125, "123456789.125");
  check_double(1e15, "1000000000000000.0");
  check_double(1e16, "1e+16");
  check_double(9007199254740993.0, "9007199254740992.0");
  check_double(0.0001, "0.0001");
  check_double(0.00001, "1e-05");
  check_double(1.5e300, "1.5e+300");
  check_double(5e-324, "5e-324");
  check_double(1.7976931348623157e308, "1.7976931348623157e+308");
  check_double(2.2250738585072014e-308, "2.2250738585072014e-308");
  check_double(5.684341886080802e-14, "5.684341886080802e-14"); /* 2^-44 lies below a gap twice as wide */
  check_double(9.5367431640625e-07, "9.5367431640625e-07");
  check_double(NAN, "\"NaN\"");
  check_double(INFINITY, "\"Infinity\"");
  check_double(-INFINITY, "\"-Infinity\"");
  check_float(0.1F, "0.1");
  check_float(16777216.0F, "16777216.0");
  check_float(3.4028235e38F, "3.4028235e+38");
  check_float(1e-45F, "1e-45");
  check_float(-1.17549435e-38F, "-1.1754944e-38");
  check_float(NAN, "\"NaN\"");
}

static void any_double_reads_back(void **state) {
  (void)state;
  (void)test_ctx();
  for (int i = 0; i < 20000; i++) {
    union {
      uint64_t bits;
      double v;
    } d = {.bits = test_random()};
    union {
      uint32_t bits;
      float v;
    } f = {.bits = (uint32_t)test_random()};
    char text[FIRN_NUMBER_MAX];
    if (isfinite(d.v)) {
      size_t len = firn_number_of_double(d.v, text);
      assert_true(len < sizeof text && len == strlen(text));
      double back;
      assert_true(firn_number_to_double((firn_bytes){(const uint8_t *)text, len}, &back));
      assert_true(back == d.v);
      assert_true(firn_json_is_valid((firn_bytes){(const uint8_t *)text, len}));
    }
    if (isfinite(f.v)) {
      size_t len = firn_number_of_float(f.v, text);
      assert_true(len == strlen(text));
      assert_true(strtof(text, NULL) == f.v);
    }
  }
}

static void numbers_of_few_digits_read_back(void **state) {
  (void)state;
  (void)test_ctx();
  for (int i = 0; i < 20000; i++) {
    char written_text[FIRN_NUMBER_MAX], text[64];
    unsigned n_fraction = (unsigned)(test_random() % 16);
    uint64_t whole = test_random() >> (14 + test_random() % 50); /* at most 50 bits: 15 digits */
    (void)snprintf(text, sizeof text, "%llue-%u", (unsigned long long)whole, n_fraction);
    double v = strtod(text, NULL), back;
    size_t len = firn_number_of_double(v, written_text);
    assert_true(firn_number_to_double((firn_bytes){(const uint8_t *)written_text, len}, &back));
    assert_true(back == v);
    assert_true(len <= strlen(text) + 4); /* as short as it was, but for its point and zeros around it */
  }
}

static void integers_are_exact(void **state) {
  (void)state;
  static const int64_t values[] = {0, 7, -7, 10, INT64_MAX, INT64_MIN, INT64_MIN + 1, 1000000000000000000};
  for (size_t i = 0; i < FIRN_COUNT_OF(values); i++) {
    char text[FIRN_NUMBER_MAX], wanted[FIRN_NUMBER_MAX];
    size_t len = firn_number_of_int64(values[i], text);
    (void)snprintf(wanted, sizeof wanted, "%lld", (long long)values[i]);
    assert_string_equal(text, wanted);
    assert_int_equal(len, strlen(wanted));
  }
}

static void the_locale_does_not_matter(void **state) {
  (void)state;
  if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL && setlocale(LC_NUMERIC, "fr_FR.UTF-8") == NULL) {
    print_message("SKIPPED: no locale with a decimal comma is installed\n");
    return;
  }
  check_double(0.1 + 0.2, "0.30000000000000004");
  double v;
  assert_true(firn_number_to_double(FIRN_LITERAL("1234567890.12345678901"), &v));
  assert_true(v == 1234567890.12345678901);
  (void)setlocale(LC_NUMERIC, "C");
}

static firn_status build(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  w.indent = 40;
  write_document(&w);
  firn_bytes out;
  return firn_builder_finish(&b, &out, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(build);
}

RUN_TESTS(places_commas_and_colons, indents, escapes_text, any_text_reads_back, numbers_are_the_shortest,
          any_double_reads_back, numbers_of_few_digits_read_back, integers_are_exact,
          the_locale_does_not_matter, survives_oom)
