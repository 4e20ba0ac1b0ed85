#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "test.h"

/* Texts with a zero byte inside are given with their length. */
#define TEXT(literal) {(const uint8_t *)("" literal), sizeof(literal) - 1}

static const firn_bytes accepted[] = {
    /* structure */
    TEXT("{}"),
    TEXT("[]"),
    TEXT(" \t\r\n[ \t\r\n] \t\r\n"),
    TEXT("[[],[[]],{}]"),
    TEXT("{\"a\":{\"b\":[{}]}}"),
    TEXT("{\"\":0}"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("[1 , 2\n,3]"),
    TEXT("{ \"a\" : 1 , \"b\" : [ ] }"),
    TEXT("null"),
    TEXT("true"),
    TEXT("false"),
    TEXT("\"\""),
    TEXT("7"),
    TEXT(" 7 "),
    TEXT("[null,true,false]"),
    /* numbers */
    TEXT("0"),
    TEXT("-0"),
    TEXT("-1"),
    TEXT("10"),
    TEXT("0.0"),
    TEXT("-0.0"),
    TEXT("1.25"),
    TEXT("1e5"),
    TEXT("1E5"),
    TEXT("1e+5"),
    TEXT("1e-5"),
    TEXT("0e0"),
    TEXT("0e+1"),
    TEXT("1.5E-300"),
    TEXT("1e400"),
    TEXT("123456789012345678901234567890"),
    TEXT("-9223372036854775808"),
    TEXT("[-0]"),
    TEXT("1e0000001"),
    /* strings */
    TEXT("\"abc\""),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\\u00e9\\uABCD\""),
    TEXT("\"\\ud83d\\uDE00\""),
    TEXT("\"\x7f\""),
    TEXT("\"/\""),
    TEXT("\"'\""),
    TEXT("\"\\\\\""),
    TEXT("\"\\uFFFF\""),
    TEXT("[\"[{\\\"\"]"),
    /* UTF-8: the first and last of each length, and around the surrogates */
    TEXT("\"\xC2\x80\xDF\xBF\""),
    TEXT("\"\xE0\xA0\x80\xEF\xBF\xBF\""),
    TEXT("\"\xED\x9F\xBF\xEE\x80\x80\""),
    TEXT("\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""),
    TEXT("{\"\xC3\xA9\":\"\xE2\x82\xAC\"}"),
};

static const firn_bytes refused[] = {
    /* nothing, or more than one value */
    TEXT(""),
    TEXT(" "),
    TEXT("1 2"),
    TEXT("{}{}"),
    TEXT("[],"),
    TEXT("true false"),
    TEXT("\"a\"\"b\""),
    TEXT("[]\0"),
    TEXT("\xEF\xBB\xBF[]"),
    TEXT("[]]"),
    TEXT("{}}"),
    TEXT("[1]x"),
    TEXT("1x"),
    /* structure */
    TEXT("["),
    TEXT("{"),
    TEXT("]"),
    TEXT("}"),
    TEXT("[1"),
    TEXT("[1,"),
    TEXT("[1,]"),
    TEXT("[,1]"),
    TEXT("[,]"),
    TEXT("[1,,2]"),
    TEXT("[1 2]"),
    TEXT("[1:2]"),
    TEXT("[}"),
    TEXT("{]"),
    TEXT("[1}"),
    TEXT("{\"a\":1]"),
    TEXT("{,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{\"a\":1,}"),
    TEXT("{\"a\":1,,\"b\":2}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\"::1}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{1:1}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{null:1}"),
    TEXT("{[]:1}"),
    TEXT("{\"a\":1:2}"),
    TEXT("{\"a\",1}"),
    TEXT(":1"),
    TEXT(","),
    TEXT("[\"a\":1]"),
    TEXT("{\"a\":[}"),
    TEXT("[{]}"),
    /* space and comments */
    TEXT("[\f]"),
    TEXT("[\v1]"),
    TEXT("[1\xC2\xA0]"),
    TEXT("[1]//"),
    TEXT("/**/1"),
    TEXT("[1]#"),
    TEXT("\0[]"),
    TEXT("[\0]"),
    TEXT("[1\0]"),
    /* words */
    TEXT("nul"),
    TEXT("nulll"),
    TEXT("True"),
    TEXT("TRUE"),
    TEXT("fals"),
    TEXT("truefalse"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("-Infinity"),
    TEXT("undefined"),
    TEXT("[nul]"),
    TEXT("[tru,e]"),
    TEXT("t"),
    TEXT("[f"),
    TEXT("nu11"),
    /* numbers */
    TEXT("-"),
    TEXT("+1"),
    TEXT("01"),
    TEXT("-01"),
    TEXT("00"),
    TEXT("1."),
    TEXT(".5"),
    TEXT("-.5"),
    TEXT("1.e5"),
    TEXT("1e"),
    TEXT("1e+"),
    TEXT("1e5.5"),
    TEXT("1.2.3"),
    TEXT("0x10"),
    TEXT("1_000"),
    TEXT("1,000"),
    TEXT("--1"),
    TEXT("1-"),
    TEXT("1+2"),
    TEXT("- 1"),
    TEXT("1e 5"),
    TEXT("[1e]"),
    TEXT("[-]"),
    TEXT("[1.]"),
    TEXT("[-a]"),
    TEXT("\xEF\xBC\x91"),
    TEXT("1f"),
    TEXT("0e"),
    TEXT("[0123]"),
    TEXT("-\0"),
    /* strings */
    TEXT("\""),
    TEXT("\"abc"),
    TEXT("\"abc\\\""),
    TEXT("\"\\"),
    TEXT("\"\\x41\""),
    TEXT("\"\\'\""),
    TEXT("\"\\0\""),
    TEXT("\"\\U0041\""),
    TEXT("\"\\u\""),
    TEXT("\"\\u004\""),
    TEXT("\"\\u004g\""),
    TEXT("\"\\u 041\""),
    TEXT("\"\\\n\""),
    TEXT("\"\n\""),
    TEXT("\"\t\""),
    TEXT("\"\0\""),
    TEXT("\"\x1f\""),
    TEXT("'a'"),
    TEXT("\"\\\0\""),
    TEXT("\"\\\xC3\xA9\""),
    TEXT("\"\\u00"),
    TEXT("abc"),
    TEXT("[\"a]"),
    TEXT("{\"a:1}"),
    /* surrogates in escapes */
    TEXT("\"\\ud800\""),
    TEXT("\"\\udc00\""),
    TEXT("\"\\ud800x\""),
    TEXT("\"\\ud800\\n\""),
    TEXT("\"\\ud800\\u0041\""),
    TEXT("\"\\ud800\\ud800\""),
    TEXT("\"\\udc00\\ud800\""),
    TEXT("\"\\ud83d\\ude\""),
    TEXT("\"\\uDBFF\\u\""),
    TEXT("\"\\ud83d\\"),
    /* UTF-8 */
    TEXT("\"\x80\""),
    TEXT("\"\xBF\""),
    TEXT("\"\xC0\x80\""),
    TEXT("\"\xC1\xBF\""),
    TEXT("\"\xC2\""),
    TEXT("\"\xC2"),
    TEXT("\"\xC2\x41\""),
    TEXT("\"\xE0\x9F\xBF\""),
    TEXT("\"\xE2\x82\""),
    TEXT("\"\xED\xA0\x80\""),
    TEXT("\"\xED\xBF\xBF\""),
    TEXT("\"\xF0\x8F\xBF\xBF\""),
    TEXT("\"\xF0\x9F\x98\""),
    TEXT("\"\xF4\x90\x80\x80\""),
    TEXT("\"\xF5\x80\x80\x80\""),
    TEXT("\"\xF8\x88\x80\x80\x80\""),
    TEXT("\"\xFF\""),
    TEXT("\"\xFE\xFF\""),
    TEXT("{\"\xC3\":1}"),
    TEXT("\"\xE2\x28\xA1\""),
    TEXT("\xC3\xA9"),
    TEXT("\"\xE2\x82\xAC\xA0\""),
};

/* The text in a block of its own size, so that ASan sees every read beyond its end. */
static uint8_t *own_block(firn_bytes text) {
  uint8_t *copy = firn_alloc_raw(text.len);
  assert_non_null(copy);
  if (text.len > 0) {
    memcpy(copy, text.data, text.len);
  }
  return copy;
}

static bool valid(firn_bytes text) {
  uint8_t *copy = own_block(text);
  bool is_valid = firn_json_is_valid((firn_bytes){copy, text.len});
  firn_free(copy);
  return is_valid;
}

static void accepts_json_and_nothing_else(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(accepted); i++) {
    if (!valid(accepted[i])) {
      fail_msg("refused: %.*s", FIRN_FORMAT_BYTES(accepted[i]));
    }
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(refused); i++) {
    if (valid(refused[i])) {
      fail_msg("accepted (%zu): %.*s", i, FIRN_FORMAT_BYTES(refused[i]));
    }
  }
}

#define DOCUMENT                                                                      \
  "{\"id\":\"a\\u00e9\\n\",\"n\":[-1,2.50,1e3,true,false,null,\"\"],\"o\":{\"\":{}}," \
  "\"\xE2\x82\xAC\":\"\xF0\x9F\x98\x80 \\ud83d\\ude00\"}"

static void refuses_every_cut(void **state) {
  (void)state;
  for (size_t len = 0; len < sizeof DOCUMENT - 1; len++) {
    assert_false(valid((firn_bytes){(const uint8_t *)DOCUMENT, len}));
  }
  assert_true(valid(FIRN_LITERAL(DOCUMENT)));
}

static void survives_every_flipped_byte(void **state) {
  (void)state;
  char text[sizeof DOCUMENT];
  for (size_t i = 0; i < sizeof DOCUMENT - 1; i++) {
    for (int flip = 1; flip < 256; flip += 3) {
      memcpy(text, DOCUMENT, sizeof text);
      text[i] = (char)(text[i] ^ flip);
      (void)valid((firn_bytes){(const uint8_t *)text, sizeof text - 1}); /* either answer, no crash */
    }
  }
}

static void yields_tokens_in_order(void **state) {
  (void)state;
  static const struct {
    firn_json_kind kind;
    const char *raw;
    bool flag; /* has_escapes or is_integer */
  } wanted[] = {
      {FIRN_JSON_OBJECT, "{", false},
      {FIRN_JSON_KEY, "id", false},
      {FIRN_JSON_STRING, "a\\u00e9\\n", true},
      {FIRN_JSON_KEY, "n", false},
      {FIRN_JSON_ARRAY, "[", false},
      {FIRN_JSON_NUMBER, "-1", true},
      {FIRN_JSON_NUMBER, "2.50", false},
      {FIRN_JSON_NUMBER, "1e3", false},
      {FIRN_JSON_TRUE, "true", false},
      {FIRN_JSON_FALSE, "false", false},
      {FIRN_JSON_NULL, "null", false},
      {FIRN_JSON_STRING, "", false},
      {FIRN_JSON_ARRAY_END, "]", false},
      {FIRN_JSON_KEY, "o", false},
      {FIRN_JSON_OBJECT, "{", false},
      {FIRN_JSON_KEY, "", false},
      {FIRN_JSON_OBJECT, "{", false},
      {FIRN_JSON_OBJECT_END, "}", false},
      {FIRN_JSON_OBJECT_END, "}", false},
      {FIRN_JSON_KEY, "\xE2\x82\xAC", false},
      {FIRN_JSON_STRING, "\xF0\x9F\x98\x80 \\ud83d\\ude00", true},
      {FIRN_JSON_OBJECT_END, "}", false},
      {FIRN_JSON_END, "", false},
      {FIRN_JSON_END, "", false},
  };
  firn_error err;
  firn_json j;
  firn_json_init(&j, FIRN_LITERAL(DOCUMENT));
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    firn_json_token token;
    CHECK_OK(firn_json_next(&j, &token, &err));
    assert_int_equal(token.kind, wanted[i].kind);
    CHECK_BYTES(token.raw, wanted[i].raw);
    assert_int_equal(token.has_escapes || token.is_integer, wanted[i].flag);
  }
}

static void walks_members_with_their_exact_spans(void **state) {
  (void)state;
  static const char text[] = " { \"a\" : [1, {\"x\" :2 } ] , \"b\":\"q\\\"\", \"c\": 3.0 ,\"d\" :{ } } ";
  static const char *const keys[] = {"a", "b", "c", "d"};
  static const char *const values[] = {"[1, {\"x\" :2 } ]", "q\\\"", "3.0", "{ }"};
  static const firn_json_kind kinds[] = {FIRN_JSON_ARRAY, FIRN_JSON_STRING, FIRN_JSON_NUMBER,
                                         FIRN_JSON_OBJECT};
  firn_error err;
  firn_json j;
  firn_json_token token, key, value;
  firn_json_init(&j, firn_bytes_of(text));
  CHECK_OK(firn_json_next(&j, &token, &err));
  for (size_t i = 0; i < 4; i++) {
    CHECK_OK(firn_json_next_member(&j, &key, &value, &err));
    assert_int_equal(key.kind, FIRN_JSON_KEY);
    assert_int_equal(value.kind, kinds[i]);
    CHECK_BYTES(key.raw, keys[i]);
    CHECK_BYTES(value.raw, values[i]);
  }
  CHECK_OK(firn_json_next_member(&j, &key, &value, &err));
  assert_int_equal(key.kind, FIRN_JSON_OBJECT_END);
  CHECK_OK(firn_json_next(&j, &token, &err));
  assert_int_equal(token.kind, FIRN_JSON_END);
}

static void walks_items(void **state) {
  (void)state;
  firn_error err;
  firn_json j;
  firn_json_token token;
  firn_json_init(&j, FIRN_LITERAL("[{\"a\":[1]}, 2 ,[]]"));
  CHECK_OK(firn_json_next(&j, &token, &err));
  static const char *const items[] = {"{\"a\":[1]}", "2", "[]"};
  for (size_t i = 0; i < 3; i++) {
    CHECK_OK(firn_json_next_item(&j, &token, &err));
    CHECK_BYTES(token.raw, items[i]);
  }
  CHECK_OK(firn_json_next_item(&j, &token, &err));
  assert_int_equal(token.kind, FIRN_JSON_ARRAY_END);
}

static void skips_a_value_with_its_exact_span(void **state) {
  (void)state;
  firn_error err;
  firn_json j;
  firn_json_token token;
  firn_bytes span;
  firn_json_init(&j, FIRN_LITERAL(" {\"a\" : \"x\" , \"b\" : [ 1 ] , \"c\": true }"));
  CHECK_OK(firn_json_next(&j, &token, &err));
  static const char *const spans[] = {"\"x\"", "[ 1 ]", "true"};
  for (size_t i = 0; i < 3; i++) {
    CHECK_OK(firn_json_next(&j, &token, &err));
    assert_int_equal(token.kind, FIRN_JSON_KEY);
    CHECK_OK(firn_json_skip(&j, &span, &err));
    CHECK_BYTES(span, spans[i]);
  }
  firn_json_init(&j, FIRN_LITERAL(" [1, [2] ] "));
  CHECK_OK(firn_json_skip(&j, &span, &err));
  CHECK_BYTES(span, "[1, [2] ]");
  CHECK_OK(firn_json_next(&j, &token, &err));
  assert_int_equal(token.kind, FIRN_JSON_END);
}

static void refuses_to_be_misused(void **state) {
  (void)state;
  firn_json j;
  firn_json_token token, value;
  firn_bytes span;
  firn_json_init(&j, FIRN_LITERAL("{\"a\":1}"));
  CHECK_STATUS(firn_json_next(&j, &token, NULL), FIRN_OK);
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_INVALID); /* a key stands there */
  CHECK_STATUS(firn_json_next(&j, &token, NULL), FIRN_CORRUPT);
  firn_json_init(&j, FIRN_LITERAL("[]"));
  CHECK_STATUS(firn_json_next(&j, &token, NULL), FIRN_OK);
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_INVALID);
  firn_json_init(&j, FIRN_LITERAL("[1]"));
  CHECK_STATUS(firn_json_next_member(&j, &token, &value, NULL), FIRN_INVALID);
  firn_json_init(&j, FIRN_LITERAL("{}"));
  CHECK_STATUS(firn_json_next_item(&j, &token, NULL), FIRN_INVALID);
  firn_json_init(&j, FIRN_LITERAL("1"));
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_OK);
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_INVALID);
}

static firn_status read_all(firn_bytes text, firn_error *err) {
  firn_json j;
  firn_json_init(&j, text);
  for (;;) {
    firn_json_token token;
    FIRN_TRY(firn_json_next(&j, &token, err));
    if (token.kind == FIRN_JSON_END) {
      return FIRN_OK;
    }
  }
}

static void errors_name_the_offset(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"[1, 2", "JSON at offset 5: the text ends too early"},
      {"[1, x]", "JSON at offset 4: a value was expected"},
      {"{\"a\" 1}", "JSON at offset 5: a colon was expected"},
      {"{\"a\":1 1}", "JSON at offset 7: a comma or } was expected"},
      {"[1 1]", "JSON at offset 3: a comma or ] was expected"},
      {"{1}", "JSON at offset 1: a key was expected"},
      {"[] []", "JSON at offset 3: something follows the value"},
      {"\"a\tb\"", "JSON at offset 2: a control character in a string"},
      {"\"a\\qb\"", "JSON at offset 2: a wrong escape"},
      {"\"a\\ud800\"", "JSON at offset 2: a wrong escape"},
      {"\"ab\xFF\"", "JSON at offset 3: the string is not UTF-8"},
      {"[1.x]", "JSON at offset 3: a digit was expected"},
      {"[01]", "JSON at offset 2: a comma or ] was expected"},
      {"[trux]", "JSON at offset 4: a value was expected"},
      {"[tru", "JSON at offset 4: the text ends too early"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_error err;
    assert_int_equal(read_all(firn_bytes_of(cases[i].text), &err), FIRN_CORRUPT);
    assert_string_equal(err.text, cases[i].says);
  }
}

static void depth_has_a_bound(void **state) {
  (void)state;
  enum { DEEP = 10000 };
  char text[DEEP + 1];
  firn_error err;
  memset(text, '[', DEEP);
  assert_int_equal(read_all((firn_bytes){(const uint8_t *)text, DEEP}, &err), FIRN_LIMIT);
  CHECK_SAYS("offset 512: nested deeper than 512");
  firn_json j;
  firn_bytes span;
  firn_json_init(&j, (firn_bytes){(const uint8_t *)text, DEEP});
  assert_int_equal(firn_json_skip(&j, &span, &err), FIRN_LIMIT);
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_CORRUPT);
  memset(text, '[', 512);
  memset(text + 512, ']', 512);
  CHECK_OK(read_all((firn_bytes){(const uint8_t *)text, 1024}, &err));
  for (size_t i = 0; i < 1500; i++) {
    memcpy(text + i * 5, "{\"\":[", 5);
  }
  assert_int_equal(read_all((firn_bytes){(const uint8_t *)text, 7500}, &err), FIRN_LIMIT);
}

static firn_json_token first_token(const char *text) {
  firn_json j;
  firn_json_token token;
  firn_json_init(&j, firn_bytes_of(text));
  CHECK_STATUS(firn_json_next(&j, &token, NULL), FIRN_OK);
  return token;
}

static void int64_is_exact(void **state) {
  (void)state;
  firn_error err;
  static const struct {
    const char *text;
    int64_t v;
  } good[] = {{"0", 0},
              {"-0", 0},
              {"9223372036854775807", INT64_MAX},
              {"-9223372036854775808", INT64_MIN},
              {"9007199254740993", INT64_C(9007199254740993)}};
  for (size_t i = 0; i < FIRN_COUNT_OF(good); i++) {
    firn_json_token token = first_token(good[i].text);
    int64_t v;
    CHECK_OK(firn_json_int64(&token, &v, &err));
    assert_true(v == good[i].v);
  }
  static const char *const bad[] = {"9223372036854775808",
                                    "-9223372036854775809",
                                    "1.0",
                                    "1e3",
                                    "\"1\"",
                                    "18446744073709551616",
                                    "null",
                                    "99999999999999999999999999"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_json_token token = first_token(bad[i]);
    int64_t v;
    CHECK_STATUS(firn_json_int64(&token, &v, NULL), FIRN_INVALID);
  }
}

static void double_is_the_nearest(void **state) {
  (void)state;
  firn_error err;
  static const struct {
    const char *text;
    double v;
  } good[] = {
      {"0.1", 0.1},
      {"-2.5", -2.5},
      {"1e3", 1000},
      {"123456789012345678", 123456789012345678.0},
      {"1e-400", 0},
      {"5e-324", 5e-324},
      {"1.5E300", 1.5e300},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"0.000000000000000000001", 1e-21},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"9007199254740993", 9007199254740992.0},
      {"\"Infinity\"", INFINITY},
      {"\"-Infinity\"", -INFINITY},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(good); i++) {
    firn_json_token token = first_token(good[i].text);
    double v;
    CHECK_OK(firn_json_double(&token, &v, &err));
    assert_true(v == good[i].v);
  }
  double v;
  firn_json_token token = first_token("\"NaN\"");
  CHECK_OK(firn_json_double(&token, &v, &err));
  assert_true(isnan(v));
  static const char *const bad[] = {"1e400", "-1e400", "\"nan\"", "\"1\"", "true", "null", "{}"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    token = first_token(bad[i]);
    CHECK_STATUS(firn_json_double(&token, &v, NULL), FIRN_INVALID);
  }
}

static void text_is_unescaped(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes text;
  firn_json_token token = first_token("\"\\\"\\\\\\/\\b\\f\\n\\r\\tA\\u0041\\u00e9\\u20AC\\ud83d\\ude00z\"");
  CHECK_OK(firn_json_text(&token, &arena, &text, &err));
  CHECK_BYTES(text, "\"\\/\b\f\n\r\tAA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
  token = first_token("\"plain\"");
  CHECK_OK(firn_json_text(&token, &arena, &text, &err));
  assert_ptr_equal(text.data, token.raw.data);
  token = first_token("\"\\u0000\"");
  CHECK_OK(firn_json_text(&token, &arena, &text, &err));
  assert_int_equal(text.len, 1);
  assert_int_equal(text.data[0], 0);
  token = first_token("17");
  CHECK_STATUS(firn_json_text(&token, &arena, &text, NULL), FIRN_INVALID);
}

static firn_status unescape_and_convert(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes text;
  firn_json_token token = first_token("\"\\n\"");
  FIRN_TRY(firn_json_text(&token, &arena, &text, NULL));
  static char digits[301];
  memset(digits, '7', 300);
  token = first_token(digits);
  double v;
  FIRN_TRY(firn_json_double(&token, &v, NULL));
  return v > 7.7e299 ? FIRN_OK : FIRN_INVALID;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(unescape_and_convert);
}

RUN_TESTS(accepts_json_and_nothing_else, refuses_every_cut, survives_every_flipped_byte,
          yields_tokens_in_order, walks_members_with_their_exact_spans, walks_items,
          skips_a_value_with_its_exact_span, refuses_to_be_misused, errors_name_the_offset, depth_has_a_bound,
          int64_is_exact, double_is_the_nearest, text_is_unescaped, survives_oom)
