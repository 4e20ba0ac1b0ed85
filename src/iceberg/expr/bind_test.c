#include "filters.h"
#include "iceberg/expr/evaluate.h"

typedef struct binding {
  const char *text, *wanted;
} binding;

static void check_bindings(const binding *cases, size_t n) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  for (size_t i = 0; i < n; i++) {
    const firn_expr *e = bound(cases[i].text, &schema, &arena), *again;
    firn_error err;
    check_text(e, cases[i].wanted, cases[i].text, &arena);
    CHECK_OK(firn_expr_bind(e, &schema, false, &arena, &again, &err));
    assert_true(firn_expr_equal(e, again));
    /* Read back from its text and bound, it is the same. */
    assert_true(firn_expr_equal(e, bound(firn_expr_text(e, &arena), &schema, &arena)));
  }
}

static void whole_numbers_become_any_number(void **state) {
  (void)state;
  static const binding cases[] = {
      {"i = 5", "i = 5"},
      {"l = 5", "l = 5"},
      {"d = 5", "d = 5.0e0"},
      {"f = 5", "f = 5.0e0"},
      {"dec = 5", "dec = 5.00"},
      {"dec = -5", "dec = -5.00"},
      {"date = 1", "date = '1970-01-02'"},
      {"ts = 1", "ts = '1970-01-01T00:00:00.000001'"},
      {"tstz = 1", "tstz = '1970-01-01T00:00:00.000001+00:00'"},
      {"ns = 1", "ns = '1970-01-01T00:00:00.000001000'"},
      {"time = 1", "time = '00:00:00.000001'"},
      {"time = 86400000000", "time = 86400000000"}, /* a foreign file may hold it */
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void a_number_beyond_the_type_decides(void **state) {
  (void)state;
  static const binding cases[] = {
      {"i < 3000000000", "i is not null"},
      {"i <= 3000000000", "i is not null"},
      {"i > 3000000000", "false"},
      {"i >= 3000000000", "false"},
      {"i = 3000000000", "false"},
      {"i != 3000000000", "true"},
      {"i < -3000000000", "false"},
      {"i >= -3000000000", "i is not null"},
      {"i < 2147483647", "i < 2147483647"},
      {"i < 2147483648", "i is not null"},
      {"i > -2147483648", "i > -2147483648"},
      {"i > -2147483649", "i is not null"},
      {"i in (1, 3000000000)", "i = 1"},
      {"i in (3000000000, -3000000000)", "false"},
      {"i not in (1, 3000000000)", "i != 1"},
      {"i not in (3000000000)", "true"},
      {"must < 9223372036854775808", "true"}, /* a required column is not null */
      {"l > 9223372036854775807", "l > 9223372036854775807"},
      {"l > 9223372036854775808", "false"},
      {"l > 1e300", "false"},
      {"l < 1e300", "l is not null"},
      {"l < 1.7e38", "l is not null"},
      {"dec < 10000000", "dec is not null"},
      {"dec = 10000000", "false"},
      {"dec > 9999999.99", "dec > 9999999.99"},
      {"dec > 9999999.999", "dec > 9999999.99"},
      {"wide < 1e30", "wide is not null"},
      {"date > 3000000000", "false"},
      {"ns < '2300-01-01'", "ns is not null"},
      {"ns < '1500-01-01'", "false"},
      {"ns > 9223372036854775807", "false"},
      {"f < 1e300", "f < infinity"},
      {"f <= 1e300", "f < infinity"},
      {"f > 1e300", "f >= infinity"},
      {"f >= -1e300", "f > -infinity"},
      {"f < -1e300", "f <= -infinity"},
      {"f = 1e300", "false"},
      {"f != 1e300", "true"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void a_number_between_two_values_moves_to_the_one_before(void **state) {
  (void)state;
  static const binding cases[] = {
      {"i < 5.5", "i <= 5"},
      {"i <= 5.5", "i <= 5"},
      {"i > 5.5", "i > 5"},
      {"i >= 5.5", "i > 5"},
      {"i = 5.5", "false"},
      {"i != 5.5", "true"},
      {"i = 5.0", "i = 5"},
      {"i < -5.5", "i <= -6"},
      {"i > -5.5", "i > -6"},
      {"i < 2147483647.5", "i <= 2147483647"},
      {"i > -2147483648.5", "i is not null"},
      {"i < 5.5e0", "i <= 5"},
      {"l >= -0.5e0", "l > -1"},
      {"l in (1.5, 2, 2.0, 3e0)", "l in (2, 3)"},
      {"dec < 1.005", "dec <= 1.00"},
      {"dec < -1.005", "dec <= -1.01"},
      {"dec = 1.005", "false"},
      {"dec = 1.5", "dec = 1.50"},
      {"dec = 1.500", "dec = 1.50"},
      {"dec = 0.1e0", "dec = 0.10"}, /* the digits that a person wrote, not the binary fraction */
      {"wide = 123456789012345678.0123456789", "wide = 123456789012345678.0123456789"},
      {"ts < '2024-01-01T00:00:00.0000005'", "ts <= '2024-01-01T00:00:00.000000'"},
      {"ts = '2024-01-01T00:00:00.0000000'", "ts = '2024-01-01T00:00:00.000000'"},
      {"time > '00:00:00.0000001'", "time > '00:00:00.000000'"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void text_becomes_what_the_column_is(void **state) {
  (void)state;
  static const binding cases[] = {
      {"i = '7'", "i = 7"},
      {"i < '7.5'", "i <= 7"},
      {"d = '1.5'", "d = 1.5e0"},
      {"d = 'Infinity'", "d = infinity"},
      {"dec = '1.5'", "dec = 1.50"},
      {"b = 'TRUE'", "b = true"},
      {"date = '2024-02-29'", "date = '2024-02-29'"},
      {"time = '12:30:00'", "time = '12:30:00.000000'"},
      {"ts >= '2024-01-01'", "ts >= '2024-01-01T00:00:00.000000'"},
      {"ts = '2024-01-01 12:00:00'", "ts = '2024-01-01T12:00:00.000000'"},
      {"tstz = '2024-01-01'", "tstz = '2024-01-01T00:00:00.000000+00:00'"},
      {"tstz = '2024-01-01 12:00:00.5'", "tstz = '2024-01-01T12:00:00.500000+00:00'"},
      {"tstz = '2024-01-01T12:00:00+02:00'", "tstz = '2024-01-01T10:00:00.000000+00:00'"},
      {"tstz = '2024-01-01T12:00:00Z'", "tstz = '2024-01-01T12:00:00.000000+00:00'"},
      {"nstz = '2024-01-01T12:00:00.123456789Z'", "nstz = '2024-01-01T12:00:00.123456789+00:00'"},
      {"u = 'F79C3E09-677C-4BBD-A479-3F349CB785E7'", "u = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"},
      {"u = x'f79c3e09677c4bbda4793f349cb785e7'", "u = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"},
      {"fix = '0001ff'", "fix = x'0001ff'"},
      {"bin = '0001FF'", "bin = x'0001ff'"},
      {"bin = x''", "bin = x''"},
      {"s = ''", "s = ''"},
      {"s = 'it''s'", "s = 'it''s'"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void not_goes_down_to_the_predicates(void **state) {
  (void)state;
  static const binding cases[] = {
      {"not i < 1", "i >= 1"},
      {"not i <= 1", "i > 1"},
      {"not i > 1", "i <= 1"},
      {"not i >= 1", "i < 1"},
      {"not i = 1", "i != 1"},
      {"not i != 1", "i = 1"},
      {"not i is null", "i is not null"},
      {"not i is not null", "i is null"},
      {"not d is nan", "d is not nan"},
      {"not i in (1, 2)", "i not in (1, 2)"},
      {"not i not in (1, 2)", "i in (1, 2)"},
      {"not s like 'a%'", "s not like 'a%'"},
      {"not (i = 1 and l = 2)", "i != 1 or l != 2"},
      {"not (i = 1 or not (l = 2 and d is nan))", "i != 1 and l = 2 and d is nan"},
      {"not (not (not i = 1))", "i != 1"},
      {"not i < 3000000000", "false"},
      {"not i = 3000000000", "true"},
      {"not true", "false"},
      {"i = 1 and (must is null or l = 2 and d = 3 and f = 4) and s = 'x'",
       "i = 1 and l = 2 and d = 3.0e0 and f = 4.0e0 and s = 'x'"},
      {"d < nan and i = 1", "d is not null and d is not nan and i = 1"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void predicates_fold(void **state) {
  (void)state;
  static const binding cases[] = {
      {"must is null", "false"},
      {"must is not null", "true"},
      {"st.x is null", "st.x is null"}, /* required, but in a struct that may be null */
      {"strict.x is null", "false"},
      {"strict is null", "false"},
      {"must is null or i = 1", "i = 1"},
      {"must is null and i = 1", "false"},
      {"i in (3, 1, 2, 1)", "i in (1, 2, 3)"},
      {"i in (1, 1)", "i = 1"},
      {"i not in (1, 1)", "i != 1"},
      {"s in ('b', 'a', 'b')", "s in ('a', 'b')"},
      {"d in (0.0e0, -0.0e0)", "d = 0.0e0"}, /* the two zeros are equal */
      {"s like '%'", "s is not null"},
      {"s not like '%'", "s is null"},
      {"d = nan", "d is nan"},
      {"d != nan", "d is not nan"},
      {"d < nan", "d is not null and d is not nan"},
      {"d <= nan", "d is not null"},
      {"d > nan", "false"},
      {"d >= nan", "d is nan"},
      {"d in (1, nan)", "d = 1.0e0 or d is nan"},
      {"d not in (1, nan)", "d != 1.0e0 and d is not nan"},
      {"l < nan", "l is not null"},
      {"st is not null", "st is not null"},
      {"list is null", "list is null"},
      {"i between 5 and 7", "i >= 5 and i <= 7"},
      {"i not between 5 and 7", "i < 5 or i > 7"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void terms_may_be_transforms(void **state) {
  (void)state;
  static const binding cases[] = {
      {"bucket[16](l) = 3", "bucket[16](l) = 3"},
      {"day(ts) = '2024-06-15'", "day(ts) = '2024-06-15'"},
      {"day(ts) = 5", "day(ts) = '1970-01-06'"},
      {"hour(ts) < 5", "hour(ts) < 5"},
      {"year(date) = 54", "year(date) = 54"},
      {"truncate[2](s) in ('ab', 'cd')", "truncate[2](s) in ('ab', 'cd')"},
      {"truncate[10](dec) = 1.5", "truncate[10](dec) = 1.50"},
      {"void(i) is null", "true"},
      {"void(i) = 1", "false"},
      {"void(i) != 1", "true"},
      {"not hour(tstz) is null", "hour(tstz) is not null"},
  };
  check_bindings(cases, FIRN_COUNT_OF(cases));
}

static void a_name_in_another_case_is_found_when_asked(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  firn_error err;
  const firn_expr *e;
  CHECK_OK(firn_expr_bind(parsed("MUST = 1 and ST.y = 'a' and sT.X = 2", &arena), &schema, true, &arena, &e,
                          &err));
  assert_int_equal(e->right->field->id, 19);
  CHECK_STATUS(firn_expr_bind(parsed("MUST = 1", &arena), &schema, false, &arena, &e, &err), FIRN_NOT_FOUND);
  CHECK_STATUS(firn_expr_bind(parsed("case = 1", &arena), &schema, true, &arena, &e, &err), FIRN_INVALID);
  CHECK_SAYS("case fits 2 columns");
  CHECK_OK(firn_expr_bind(parsed("Case = 1", &arena), &schema, true, &arena, &e, &err)); /* its very name */
  assert_int_equal(e->field->id, 25);
}

static void refuses_what_cannot_be_meant(void **state) {
  (void)state;
  static const struct {
    const char *text;
    firn_status status;
    const char *says;
  } cases[] = {
      {"nobody = 1", FIRN_NOT_FOUND, "there is no column nobody"},
      {"st.z = 1", FIRN_NOT_FOUND, "there is no column st.z"},
      {"i = 1 or nobody is null", FIRN_NOT_FOUND, "nobody"},
      {"true or nobody is null", FIRN_OK, ""}, /* folded before anybody asks */
      {"list.element = 1", FIRN_INVALID, "lies in a list or a map"},
      {"st = 1", FIRN_INVALID, "st is a struct: it can only be null or not null"},
      {"list = 'a'", FIRN_INVALID, "is a list"},
      {"i is nan", FIRN_INVALID, "i is a int, which is never NaN"},
      {"i like 'a%'", FIRN_INVALID, "only text starts with something"},
      {"bin like 'a%'", FIRN_INVALID, "only text"},
      {"i = 'abc'", FIRN_INVALID, "column i"},
      {"i = true", FIRN_INVALID, "column i"},
      {"s = 1", FIRN_INVALID, "column s"},
      {"b = 1", FIRN_INVALID, "column b"},
      {"date = '2024-13-01'", FIRN_INVALID, "column date"},
      {"date = '2024-02-30'", FIRN_INVALID, "column date"},
      {"date = 'today'", FIRN_INVALID, "column date"},
      {"ts = '2024-01-01T25:00:00'", FIRN_INVALID, "column ts"},
      {"ts = '2024-01-01T12:00:00+02:00'", FIRN_INVALID,
       "column ts"}, /* what it would be there, nobody knows */
      {"u = 'f79c3e09'", FIRN_INVALID, "column u"},
      {"u = x'f79c'", FIRN_INVALID, "2 bytes are no uuid"},
      {"fix = x'00'", FIRN_INVALID, "1 bytes are no fixed"},
      {"bin = '0'", FIRN_INVALID, "column bin"},
      {"bin = '0g'", FIRN_INVALID, "column bin"},
      {"i in (1, 'x')", FIRN_INVALID, "column i"},
      {"year(must) = 1", FIRN_INVALID, "transform year takes no long"},
      {"hour(date) = 1", FIRN_INVALID, "transform hour takes no date"},
      {"bucket[4](d) = 1", FIRN_INVALID, "takes no double"},
  };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_expr *e;
    firn_error err = {.text = ""};
    firn_status status = firn_expr_bind(parsed(cases[i].text, &arena), &schema, false, &arena, &e, &err);
    if (status != cases[i].status) {
      fail_msg("%s: %s: %s", cases[i].text, firn_status_name(status), err.text);
    }
    CHECK_SAYS(cases[i].says);
  }
}

static void literals_of_other_kinds_are_taken(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  const int64_t noon = INT64_C(1704110400000000); /* 2024-01-01T12:00 */
  const struct {
    const char *name;
    firn_value value;
    const char *wanted;
  } cases[] = {
      {"date", {.kind = FIRN_KIND_TIMESTAMP, .i64 = noon}, "date <= '2024-01-01'"},
      {"date",
       {.kind = FIRN_KIND_TIMESTAMP, .i64 = noon / 2 * 2 - noon % 86400000000},
       "date < '2024-01-01'"},
      {"date", {.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = noon * 1000}, "date <= '2024-01-01'"},
      {"ts", {.kind = FIRN_KIND_DATE, .i32 = 19723}, "ts < '2024-01-01T00:00:00.000000'"},
      {"ns", {.kind = FIRN_KIND_DATE, .i32 = 19723}, "ns < '2024-01-01T00:00:00.000000000'"},
      {"ns", {.kind = FIRN_KIND_DATE, .i32 = 2000000}, "ns is not null"},
      {"tstz", {.kind = FIRN_KIND_TIMESTAMP, .i64 = noon}, "tstz < '2024-01-01T12:00:00.000000+00:00'"},
      {"ts", {.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = noon * 1000 + 1}, "ts <= '2024-01-01T12:00:00.000000'"},
      {"ns", {.kind = FIRN_KIND_TIMESTAMP, .i64 = noon}, "ns < '2024-01-01T12:00:00.000000000'"},
      {"i", {.kind = FIRN_KIND_INT, .i32 = 4}, "i < 4"},
      {"l", {.kind = FIRN_KIND_FLOAT, .f32 = 1.5F}, "l <= 1"},
      {"d", {.kind = FIRN_KIND_FLOAT, .f32 = 0.1F}, "d < 0.10000000149011612e0"},
      {"f", {.kind = FIRN_KIND_DOUBLE, .f64 = 0.1}, "f < 0.1e0"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_expr *e =
        firn_expr_compare(FIRN_EXPR_LT, cases[i].name, (firn_literal){.value = cases[i].value}, &arena);
    firn_error err;
    CHECK_OK(firn_expr_bind(e, &schema, false, &arena, &e, &err));
    check_text(e, cases[i].wanted, cases[i].name, &arena);
  }
}

static void a_time_of_day_is_no_timestamp(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  firn_literal time = {.value = {.kind = FIRN_KIND_TIME, .i64 = 1}};
  const firn_expr *e = firn_expr_compare(FIRN_EXPR_EQ, "ts", time, &arena);
  CHECK_STATUS(firn_expr_bind(e, &schema, false, &arena, &e, NULL), FIRN_INVALID);
}

static void a_column_of_unknown_type_is_always_null(void **state) {
  (void)state;
  static const firn_field column = {.id = 1, .name = "x", .kind = FIRN_KIND_UNKNOWN};
  static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                              .name = "",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = 1,
                                              .children = &column}};
  static const binding cases[] = {{"x is null", "true"}, {"x = 1", "false"},      {"x != 1", "true"},
                                  {"x in (1)", "false"}, {"not x = 'a'", "true"}, {"x like 'a%'", "false"}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    check_text(bound(cases[i].text, &schema, &arena), cases[i].wanted, cases[i].text, &arena);
  }
}

static void deep_nesting_has_an_end(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  const firn_expr *e = firn_expr_compare(FIRN_EXPR_EQ, "i", firn_literal_long(1), &arena);
  const firn_expr *one = e;
  for (int i = 0; i < 400; i++) { /* AND and OR in turn: no chain that could be made even */
    e = i % 2 == 0 ? firn_expr_or(e, one, &arena) : firn_expr_and(e, one, &arena);
  }
  CHECK_STATUS(firn_expr_bind(e, &schema, false, &arena, &e, NULL), FIRN_LIMIT);
}

static firn_status bind_much(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_field columns[] = {{.id = 1, .name = "a", .kind = FIRN_KIND_DOUBLE},
                                       {.id = 2, .name = "u", .kind = FIRN_KIND_UUID}};
  static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                              .name = "",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = 2,
                                              .children = columns}};
  static const char text[] =
      "a in (1, 2, nan) or not (a < 1.25 and u = 'f79c3e09-677c-4bbd-a479-3f349cb785e7')";
  const firn_expr *e;
  const int32_t *ids;
  size_t n;
  FIRN_TRY(firn_expr_parse(firn_bytes_of(text), &arena, &e, NULL));
  FIRN_TRY(firn_expr_bind(e, &schema, false, &arena, &e, NULL));
  FIRN_TRY(firn_expr_field_ids(e, &arena, &ids, &n, NULL));
  return firn_expr_text(e, &arena) == NULL ? FIRN_NOMEM : FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(bind_much);
}

RUN_TESTS(whole_numbers_become_any_number, a_number_beyond_the_type_decides,
          a_number_between_two_values_moves_to_the_one_before, text_becomes_what_the_column_is,
          not_goes_down_to_the_predicates, predicates_fold, terms_may_be_transforms,
          a_name_in_another_case_is_found_when_asked, refuses_what_cannot_be_meant,
          literals_of_other_kinds_are_taken, a_time_of_day_is_no_timestamp,
          a_column_of_unknown_type_is_always_null, deep_nesting_has_an_end, survives_oom)
