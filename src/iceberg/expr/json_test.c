#include "filters.h"

static const firn_expr *read_json(const char *json, firn_arena *arena, firn_status *status, firn_error *err) {
  const firn_json_value *tree;
  const firn_expr *e = NULL;
  assert_int_equal(firn_json_tree_read(firn_bytes_of(json), arena, &tree, NULL), FIRN_OK);
  *status = firn_expr_read(tree, arena, &e, err);
  return e;
}

static const firn_expr *read_ok(const char *json, firn_arena *arena) {
  firn_status status;
  firn_error err;
  const firn_expr *e = read_json(json, arena, &status, &err);
  if (status != FIRN_OK) {
    fail_msg("%s: %s", json, err.text);
  }
  return e;
}

static const char *written(const firn_expr *e, firn_arena *arena) {
  FIRN_AUTO_BUILDER to = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&to);
  firn_expr_write(e, &w);
  firn_bytes built;
  return firn_builder_finish(&to, &built, NULL) == FIRN_OK ? firn_arena_text(arena, built) : NULL;
}

/* JSON as it is written, and the same as text. */
static const char *const forms[][2] = {
    {"true", "true"},
    {"false", "false"},
    {"{\"type\":\"is-null\",\"term\":\"a\"}", "a is null"},
    {"{\"type\":\"not-null\",\"term\":\"a.b\"}", "a.b is not null"},
    {"{\"type\":\"is-nan\",\"term\":\"a\"}", "a is nan"},
    {"{\"type\":\"not-nan\",\"term\":\"a\"}", "a is not nan"},
    {"{\"type\":\"eq\",\"term\":\"a\",\"value\":1}", "a = 1"},
    {"{\"type\":\"not-eq\",\"term\":\"a\",\"value\":-9223372036854775808}", "a != -9223372036854775808"},
    {"{\"type\":\"lt\",\"term\":\"a\",\"value\":1.5}", "a < 1.5e0"},
    {"{\"type\":\"lt-eq\",\"term\":\"a\",\"value\":true}", "a <= true"},
    {"{\"type\":\"gt\",\"term\":\"a\",\"value\":\"x\"}", "a > 'x'"},
    {"{\"type\":\"gt-eq\",\"term\":\"a\",\"value\":\"2024-01-01\"}", "a >= '2024-01-01'"},
    {"{\"type\":\"starts-with\",\"term\":\"a\",\"value\":\"x\"}", "a like 'x%'"},
    {"{\"type\":\"not-starts-with\",\"term\":\"a\",\"value\":\"x\"}", "a not like 'x%'"},
    {"{\"type\":\"in\",\"term\":\"a\",\"values\":[1,2,3]}", "a in (1, 2, 3)"},
    {"{\"type\":\"not-in\",\"term\":\"a\",\"values\":[\"x\",\"y\"]}", "a not in ('x', 'y')"},
    {"{\"type\":\"eq\",\"term\":{\"type\":\"transform\",\"transform\":\"bucket[16]\",\"term\":\"a\"},"
     "\"value\":3}",
     "bucket[16](a) = 3"},
    {"{\"type\":\"not\",\"child\":{\"type\":\"eq\",\"term\":\"a\",\"value\":1}}", "not a = 1"},
    {"{\"type\":\"and\",\"left\":{\"type\":\"eq\",\"term\":\"a\",\"value\":1},"
     "\"right\":{\"type\":\"or\",\"left\":{\"type\":\"eq\",\"term\":\"b\",\"value\":2},"
     "\"right\":{\"type\":\"is-null\",\"term\":\"c\"}}}",
     "a = 1 and (b = 2 or c is null)"},
    {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":\"1.50\","
     "\"data-type\":\"decimal(38, 2)\"}}",
     "a = 1.50"},
    {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":\"00ff\","
     "\"data-type\":\"binary\"}}",
     "a = x'00ff'"},
    {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":\"Infinity\","
     "\"data-type\":\"double\"}}",
     "a = infinity"},
};

static void writes_and_reads_the_specifications_form(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(forms); i++) {
    const firn_expr *e = parsed(forms[i][1], &arena);
    assert_string_equal(written(e, &arena), forms[i][0]);
    assert_true(firn_expr_equal(read_ok(forms[i][0], &arena), e));
  }
}

static void reads_what_others_write(void **state) {
  (void)state;
  static const char *const others[][2] = {
      {"{\"type\":\"true\"}", "true"},
      {"{\"type\":\"false\"}", "false"},
      {"{\"type\":\"literal\",\"value\":true}", "true"},
      {"{\"type\":\"NOT_NULL\",\"term\":\"a\"}", "a is not null"},
      {"{\"type\":\"eq\",\"term\":{\"type\":\"reference\",\"term\":\"a\"},\"value\":1}", "a = 1"},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":1}}", "a = 1"},
      /* the newer names */
      {"{\"type\":\"eq\",\"left\":{\"type\":\"reference\",\"name\":\"a\"},\"right\":1}", "a = 1"},
      {"{\"type\":\"is-null\",\"child\":{\"type\":\"reference\",\"name\":\"a\"}}", "a is null"},
      {"{\"type\":\"in\",\"child\":{\"type\":\"reference\",\"name\":\"a\"},\"values\":{\"type\":\"literals\","
       "\"values\":[\"1.5\",\"2.5\"],\"data-type\":\"decimal(5, 1)\"}}",
       "a in (1.5, 2.5)"},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":5,\"data-type\":\"int\"}}",
       "a = 5"},
      /* numbers that a double would round */
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":12345678901234567890}", "a = 12345678901234567890."},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":1.2345678901234567890123}", "a = 1.2345678901234567890123"},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":0.10}", "a = 0.1e0"},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":1e3}", "a = 1000.0e0"},
      {"{\"type\":\"in\",\"term\":\"a\",\"values\":[]}", "false"},
      {"{\"type\":\"not-in\",\"term\":\"a\",\"values\":[]}", "true"},
  };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(others); i++) {
    check_text(read_ok(others[i][0], &arena), others[i][1], others[i][0], &arena);
  }
}

static void a_bound_one_is_written_by_name_with_values_as_the_specification_has_them(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"dec = 1.5", "{\"type\":\"eq\",\"term\":\"dec\",\"value\":\"1.50\"}"},
      {"date = '2024-06-15'", "{\"type\":\"eq\",\"term\":\"date\",\"value\":\"2024-06-15\"}"},
      {"tstz < '2024-06-15'",
       "{\"type\":\"lt\",\"term\":\"tstz\",\"value\":\"2024-06-15T00:00:00.000000+00:00\"}"},
      {"bin in ('0a', 'FF')", "{\"type\":\"in\",\"term\":\"bin\",\"values\":[\"0a\",\"ff\"]}"},
      {"d = 2", "{\"type\":\"eq\",\"term\":\"d\",\"value\":2.0}"},
      {"i = 2", "{\"type\":\"eq\",\"term\":\"i\",\"value\":2}"},
      {"st.x = 2", "{\"type\":\"eq\",\"term\":\"st.x\",\"value\":2}"},
      {"day(ts) = 1",
       "{\"type\":\"eq\",\"term\":{\"type\":\"transform\",\"transform\":\"day\",\"term\":\"ts\"},"
       "\"value\":\"1970-01-02\"}"},
  };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_expr *e = bound(cases[i][0], &schema, &arena), *again;
    firn_error err;
    assert_string_equal(written(e, &arena), cases[i][1]);
    CHECK_OK(firn_expr_bind(read_ok(cases[i][1], &arena), &schema, false, &arena, &again, &err));
    assert_true(firn_expr_equal(e, again));
  }
}

static void refuses_what_is_no_expression(void **state) {
  (void)state;
  static const struct {
    const char *json;
    firn_status status;
  } cases[] = {
      {"1", FIRN_CORRUPT},
      {"null", FIRN_CORRUPT},
      {"[]", FIRN_CORRUPT},
      {"{}", FIRN_CORRUPT},
      {"{\"type\":1}", FIRN_CORRUPT},
      {"{\"type\":\"literal\",\"value\":1}", FIRN_CORRUPT},
      {"{\"type\":\"overlaps\",\"term\":\"a\"}", FIRN_UNSUPPORTED},
      {"{\"type\":\"\",\"term\":\"a\"}", FIRN_UNSUPPORTED},
      {"{\"type\":\"not\"}", FIRN_CORRUPT},
      {"{\"type\":\"and\",\"left\":true}", FIRN_CORRUPT},
      {"{\"type\":\"and\",\"left\":true,\"right\":null}", FIRN_CORRUPT},
      {"{\"type\":\"and\",\"left\":true,\"right\":3}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\"}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"value\":1}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":null}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":[1]}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"reference\",\"name\":\"b\"}}",
       FIRN_UNSUPPORTED},
      {"{\"type\":\"eq\",\"term\":3,\"value\":1}", FIRN_UNSUPPORTED},
      {"{\"type\":\"eq\",\"left\":{\"type\":\"reference\",\"id\":4},\"right\":1}", FIRN_UNSUPPORTED},
      {"{\"type\":\"eq\",\"left\":{\"type\":\"apply\",\"function\":\"f\",\"arguments\":[]},\"right\":1}",
       FIRN_UNSUPPORTED},
      {"{\"type\":\"eq\",\"term\":{\"type\":\"transform\",\"transform\":\"zorder\",\"term\":\"a\"},\"value\":"
       "3}",
       FIRN_UNSUPPORTED},
      {"{\"type\":\"eq\",\"term\":{\"type\":\"transform\",\"transform\":\"bucket[x]\",\"term\":\"a\"},"
       "\"value\":3}",
       FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":{\"type\":\"transform\",\"term\":\"a\"},\"value\":3}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\\u0000\",\"value\":1}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":1e999}", FIRN_CORRUPT},
      {"{\"type\":\"in\",\"term\":\"a\",\"values\":1}", FIRN_CORRUPT},
      {"{\"type\":\"in\",\"term\":\"a\",\"values\":[1,null]}", FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":\"x\",\"data-type\":"
       "\"int\"}}",
       FIRN_CORRUPT},
      {"{\"type\":\"eq\",\"term\":\"a\",\"value\":{\"type\":\"literal\",\"value\":1,\"data-type\":7}}",
       FIRN_CORRUPT},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_status status;
    firn_error err = {.text = ""};
    (void)read_json(cases[i].json, &arena, &status, &err);
    if (status != cases[i].status || err.text[0] == '\0') {
      fail_msg("%s: %s: %s", cases[i].json, firn_status_name(status), err.text);
    }
  }
}

static firn_status read_nested(size_t depth) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  const firn_json_value *tree;
  const firn_expr *e;
  for (size_t i = 0; i < depth; i++) {
    firn_builder_add_text(&text,
                          "{\"type\":\"and\",\"right\":{\"type\":\"is-null\",\"term\":\"a\"},\"left\":");
  }
  firn_builder_add_text(&text, "{\"type\":\"is-nan\",\"term\":\"b\"}");
  for (size_t i = 0; i < depth; i++) {
    firn_builder_add_text(&text, "}");
  }
  assert_int_equal(firn_json_tree_read(firn_builder_bytes(&text), &arena, &tree, NULL), FIRN_OK);
  return firn_expr_read(tree, &arena, &e, NULL);
}

static firn_status read_wide(size_t n) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  const firn_json_value *tree;
  const firn_expr *e;
  firn_builder_add_text(&text, "{\"type\":\"in\",\"term\":\"a\",\"values\":[0");
  for (size_t i = 1; i < n; i++) {
    firn_builder_addf(&text, ",%zu", i);
  }
  firn_builder_add_text(&text, "]}");
  assert_int_equal(firn_json_tree_read(firn_builder_bytes(&text), &arena, &tree, NULL), FIRN_OK);
  return firn_expr_read(tree, &arena, &e, NULL);
}

static void bounds_what_it_reads(void **state) {
  (void)state;
  CHECK_STATUS(read_nested(250), FIRN_OK);
  CHECK_STATUS(read_nested(300), FIRN_LIMIT);
  CHECK_STATUS(read_wide(60000), FIRN_OK);
  CHECK_STATUS(read_wide(70000), FIRN_LIMIT);
}

static firn_status read_and_write(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *tree;
  const firn_expr *e;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(forms[18][0]), &arena, &tree, NULL));
  FIRN_TRY(firn_expr_read(tree, &arena, &e, NULL));
  if (written(e, &arena) == NULL) {
    return FIRN_NOMEM;
  }
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(forms[19][0]), &arena, &tree, NULL));
  return firn_expr_read(tree, &arena, &e, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_and_write);
}

RUN_TESTS(writes_and_reads_the_specifications_form, reads_what_others_write,
          a_bound_one_is_written_by_name_with_values_as_the_specification_has_them,
          refuses_what_is_no_expression, bounds_what_it_reads, survives_oom)
