#include "filters.h"

static const char *const kept[] = {
    "true",
    "false",
    "a = 1",
    "a != -1",
    "a < 1.50",
    "a <= 1.",
    "a > 1.0e0",
    "a >= -1.5e-300",
    "a = 9223372036854775807",
    "a = 9223372036854775808.",
    "a = 'it''s'",
    "a = ''",
    "a = x'00ff'",
    "a = x''",
    "a = true",
    "a = nan",
    "a = infinity",
    "a = -infinity",
    "a is null",
    "a is not null",
    "a is nan",
    "a is not nan",
    "a in (1, 'two', 3.0)",
    "a not in ('x')",
    "a like 'pre%'",
    "a not like '%'",
    "a like '100\\%\\_\\\\ it''s%'",
    "a.b.c = 1",
    "\"we ird\".x = 1",
    "\"a\"\"b\" = 1",
    "\"select.1\" = 1",
    "\"null\" = 1",
    "x.null = 1",
    "na\303\257ve = 'caf\303\251'",
    "bucket[16](id) = 3",
    "truncate[4](name) = 'abcd'",
    "day(ts) = '2024-06-15'",
    "void(\"a b\") is null",
    "not a = 1",
    "not (a = 1 and b = 2)",
    "not (not a = 1 or b = 2)",
    "a = 1 and b = 2",
    "a = 1 or b = 2 and c = 3",
    "(a = 1 or b = 2) and c = 3",
    "a = 1 and b = 2 and c = 3 and d = 4 and e = 5",
    "a = 1 or b = 2 or c = 3 or d = 4 and e = 5 or f = 6",
    "a = 1 and (b = 2 and c = 3)",
    "a = 1 and (b = 2 and (c = 3 and d = 4))",
    "(a = 1 or b = 2 or c = 3) or d = 4",
    "(a = 1 and b = 2 or c = 3) and not (d = 4 or e = 5)",
};

static void what_is_written_reads_back_the_same(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(kept); i++) {
    const firn_expr *e = parsed(kept[i], &arena);
    bool is_quoted_whole = strstr(kept[i], "\"we ird\".x") != NULL; /* shown as one name in quotes */
    check_text(e, is_quoted_whole ? "\"we ird.x\" = 1" : kept[i], kept[i], &arena);
    assert_true(firn_expr_equal(parsed(firn_expr_text(e, &arena), &arena), e));
  }
}

static void other_spellings_mean_the_same(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"A = 1 AND b <> 2", "A = 1 and b != 2"},
      {"a Is Not Null", "a is not null"},
      {"a=1or b=2", "a = 1 or b = 2"},
      {"a between 1 and 5", "a >= 1 and a <= 5"},
      {"a not between 1 and 5", "a < 1 or a > 5"},
      {"a between 1 and 5 and b = 2", "a >= 1 and a <= 5 and b = 2"},
      {"a in ()", "false"},
      {"a not in ()", "true"},
      {"a = +5", "a = 5"},
      {"a = 1E3", "a = 1000.0e0"},
      {"a = X'aB'", "a = x'ab'"},
      {"a = inf", "a = infinity"},
      {"a like 'abc'", "a = 'abc'"},
      {"a not like 'abc'", "a != 'abc'"},
      {"a like 'abc%%'", "a like 'abc%'"},
      {"a like '\\a'", "a = '\\a'"},
      {"\"a\".\"b\" = 1", "a.b = 1"},
      {"a.\"b c\" = 1", "\"a.b c\" = 1"},
      {"bucket(16, id) = 3", "bucket[16](id) = 3"},
      {"Truncate ( 4 , s ) = 'a'", "truncate[4](s) = 'a'"},
      {"days(ts) = 1", "day(ts) = 1"},
      {"HOURS(ts) = 1", "hour(ts) = 1"},
      {"identity(a) = 1", "a = 1"},
      {"true and a = 1", "a = 1"},
      {"a = 1 or true", "true"},
      {"not not a = 1", "a = 1"},
      {"not false", "true"},
      {"((a = 1))", "a = 1"},
      {" \t\r\n a = 1 \n", "a = 1"},
      {"day = 1", "day = 1"}, /* a column may have the name of a transform */
      {"ts >= '2024-01-01' and (region in ('eu', 'us') or not name like 'test%') and bucket[16](id) = 3",
       "ts >= '2024-01-01' and (region in ('eu', 'us') or not name like 'test%') and bucket[16](id) = 3"},
  };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(pairs); i++) {
    check_text(parsed(pairs[i][0], &arena), pairs[i][1], pairs[i][0], &arena);
  }
}

static void numbers_keep_what_they_say(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_literal *l = parsed("a = 1.50", &arena)->literals;
  assert_int_equal(l->value.kind, FIRN_KIND_DECIMAL);
  assert_true(l->value.dec == 150 && l->scale == 2);
  l = parsed("a = 15", &arena)->literals;
  assert_true(l->value.kind == FIRN_KIND_LONG && l->value.i64 == 15);
  l = parsed("a = 15e0", &arena)->literals;
  assert_true(l->value.kind == FIRN_KIND_DOUBLE && l->value.f64 > 14.9 && l->value.f64 < 15.1);
  l = parsed("a = 12345678901234567890", &arena)->literals;
  assert_true(l->value.kind == FIRN_KIND_DECIMAL && l->scale == 0);
  l = parsed("a = 1234567890123456789012345678901234567890", &arena)->literals; /* 40 digits */
  assert_int_equal(l->value.kind, FIRN_KIND_DOUBLE);
  l = parsed("a = 0.0000000000000000000000000000000000000001", &arena)->literals;
  assert_int_equal(l->value.kind, FIRN_KIND_DOUBLE);
}

static void says_where_it_goes_wrong(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"", "filter: at its end, the name of a column is expected"},
      {"a", "filter: at its end, =, !=, <, <=, >, >=, in, between, like or is is expected"},
      {"a =", "at its end, a number, a 'text', x'00', true or false is expected"},
      {"a = b", "at byte 5, a number, a 'text', x'00', true or false is expected, not b"},
      {"a = 1 b", "at byte 7, and, or, or its end is expected, not b"},
      {"a = 1 and", "at its end, the name of a column is expected"},
      {"a = 'open", "at byte 5, a quote is opened and never closed"},
      {"\"open = 1", "at byte 1, a quote is opened and never closed"},
      {"(a = 1", "at its end, ) is expected"},
      {"a = 1)", "at byte 6, and, or, or its end is expected, not )"},
      {"a in 1", "at byte 6, ( is expected, not 1"},
      {"a in (1, )", "at byte 10, a number"},
      {"a in (1 2)", "at byte 9, , is expected, not 2"},
      {"a not 1", "at byte 7, in, between or like is expected, not 1"},
      {"a is 1", "at byte 6, null or nan is expected, not 1"},
      {"a like 1", "at byte 8, a pattern in quotes is expected"},
      {"a like 'a_b'", "a pattern like 'prefix%', without other wildcards"},
      {"a like '%b'", "a pattern like 'prefix%', without other wildcards"},
      {"a between 1 or 2", "at byte 13, and is expected, not or"},
      {"and = 1", "at byte 1, the name of a column is expected, not and"},
      {"lower(a) = 1", "a transform in front of it"},
      {"bucket(id) = 3", "at byte 8, a width is expected, not id"},
      {"bucket[0](id) = 3", "a width from 1 to 2147483647"},
      {"bucket[99999999999](id) = 3", "a width from 1 to 2147483647"},
      {"day[3](ts) = 3", "of bucket or truncate is expected"},
      {"a = x'0'", "an even number of hexadecimal digits"},
      {"a = x'zz'", "hexadecimal digits"},
      {"a = 1e999", "a number that a double can hold is expected"},
      {"a = 1.e5", "a number with digits around its point"},
      {"a ; drop", "at byte 3"},
      {"a = \303\251t\303\251", "not \303\251t\303\251"},
  };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_expr *e;
    firn_error err = {.text = ""};
    CHECK_STATUS(firn_expr_parse(firn_bytes_of(cases[i].text), &arena, &e, &err), FIRN_INVALID);
    CHECK_SAYS(cases[i].says);
  }
  const firn_expr *e;
  CHECK_STATUS(firn_expr_parse(FIRN_LITERAL("a = '\377'"), &arena, &e, NULL), FIRN_INVALID);
  CHECK_STATUS(firn_expr_parse(FIRN_LITERAL("a = '\0'"), &arena, &e, NULL), FIRN_INVALID);
}

/* Cuts and changes of each text: an error or an expression, and no read beyond the end. */
static void survives_any_text(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(kept); i++) {
    size_t len = strlen(kept[i]);
    for (size_t cut = 0; cut <= 2 * len; cut++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      size_t size = cut <= len ? cut : len;
      uint8_t *copy = firn_alloc(size + (size == 0));
      assert_non_null(copy);
      memcpy(copy, kept[i], size);
      if (cut > len) {
        copy[cut - len - 1] ^= (uint8_t)(1 + cut % 255);
      }
      const firn_expr *e;
      if (firn_expr_parse((firn_bytes){copy, size}, &arena, &e, NULL) == FIRN_OK) {
        assert_true(firn_expr_equal(parsed(firn_expr_text(e, &arena), &arena), e));
      }
      firn_free(copy);
    }
  }
}

static firn_status parse_repeated(const char *what, size_t times, const char *end) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  const firn_expr *e;
  for (size_t i = 0; i < times; i++) {
    firn_builder_add_text(&text, what);
  }
  firn_builder_add_text(&text, end);
  return firn_expr_parse(firn_builder_bytes(&text), &arena, &e, NULL);
}

static void bounds_what_it_reads(void **state) {
  (void)state;
  CHECK_STATUS(parse_repeated("(", 200, "a = 1"), FIRN_INVALID);
  CHECK_STATUS(parse_repeated("(", 2000000, "a = 1"), FIRN_LIMIT);
  CHECK_STATUS(parse_repeated("not ", 2000, "a = 1"), FIRN_LIMIT);
  CHECK_STATUS(parse_repeated("a = 1 or ", 10000, "a = 1"), FIRN_OK);
  CHECK_STATUS(parse_repeated("a = 1 or ", 70000, "a = 1"), FIRN_LIMIT);
  CHECK_STATUS(parse_repeated("'", 100001, ""), FIRN_INVALID);
}

static firn_status parse_much(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char text[] = "bucket(16, \"a b\") in (1, 2, 3) and (x = x'00' or not y like 'a%') or z = 1e5";
  const firn_expr *e;
  FIRN_TRY(firn_expr_parse(firn_bytes_of(text), &arena, &e, NULL));
  return firn_expr_text(e, &arena) == NULL ? FIRN_NOMEM : FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(parse_much);
}

RUN_TESTS(what_is_written_reads_back_the_same, other_spellings_mean_the_same, numbers_keep_what_they_say,
          says_where_it_goes_wrong, survives_any_text, bounds_what_it_reads, survives_oom)
