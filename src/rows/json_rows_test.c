#include "rows/json_rows.h"

#include "base/builder.h"
#include "test_rows.h"

static const test_rows_how plainly = {0};

static void infers_types_of_all_rows(void **state) {
  (void)state;
  CHECK_ROWS(
      "{\"a\":1,\"b\":1.5,\"c\":\"x\",\"d\":true}\n"
      "\n"
      "{\"b\":2,\"d\":false,\"c\":null,\"e\":[1,2]}\r\n"
      "{\"f\":{\"x\":1},\"e\":[]}",
      &plainly,
      "struct<a long, b double, c string, d boolean, e list<long>, f struct<x long>>\n"
      "{\"a\":1,\"b\":1.5,\"c\":\"x\",\"d\":true,\"e\":null,\"f\":null}\n"
      "{\"a\":null,\"b\":2.0,\"c\":null,\"d\":false,\"e\":[1,2],\"f\":null}\n"
      "{\"a\":null,\"b\":null,\"c\":null,\"d\":null,\"e\":[],\"f\":{\"x\":1}}\n");
}

static void infers_times_where_all_agree(void **state) {
  (void)state;
  CHECK_ROWS(
      "{\"z\":\"2024-01-02T03:04:05Z\",\"t\":\"2024-01-02 "
      "03:04:05.5\",\"d\":\"2024-02-29\",\"s\":\"2024-01-02\"}\n"
      "{\"z\":\"2024-01-02 "
      "03:04:05+02\",\"t\":\"1969-12-31T23:59:59\",\"d\":\"0001-01-01\",\"s\":\"2024-02-30\"}\n",
      &plainly,
      "struct<z timestamptz, t timestamp, d date, s string>\n"
      "{\"z\":\"2024-01-02T03:04:05.000000+00:00\",\"t\":\"2024-01-02T03:04:05.500000\",\"d\":\"2024-02-29\","
      "\"s\":\"2024-01-02\"}\n"
      "{\"z\":\"2024-01-02T01:04:05.000000+00:00\",\"t\":\"1969-12-31T23:59:59.000000\",\"d\":\"0001-01-01\","
      "\"s\":\"2024-02-30\"}\n");
  CHECK_ROWS("{\"m\":\"2024-01-02T03:04:05Z\"}\n{\"m\":\"2024-01-02T03:04:05\"}\n", &plainly,
             "struct<m string>\n{\"m\":\"2024-01-02T03:04:05Z\"}\n{\"m\":\"2024-01-02T03:04:05\"}\n");
}

static void numbers_at_the_limits_stay_what_they_are(void **state) {
  (void)state;
  CHECK_ROWS(
      "{\"l\":9223372036854775807,\"u\":18446744073709551615,\"h\":123456789012345678901234567890123456789,"
      "\"i\":9007199254740993,\"d\":1e308,\"z\":-0,\"e\":1E2}\n"
      "{\"l\":-9223372036854775808,\"u\":0,\"h\":1,\"i\":0.5,\"d\":-4.9e-324,\"z\":0,\"e\":100}\n",
      &plainly,
      "struct<l long, u decimal, h string, i string, d double, z long, e double>\n"
      "{\"l\":9223372036854775807,\"u\":\"18446744073709551615\",\"h\":"
      "\"123456789012345678901234567890123456789\","
      "\"i\":\"9007199254740993\",\"d\":1e+308,\"z\":0,\"e\":100.0}\n"
      "{\"l\":-9223372036854775808,\"u\":\"0\",\"h\":\"1\",\"i\":\"0.5\",\"d\":-5e-324,\"z\":0,\"e\":100.0}"
      "\n");
  CHECK_REFUSED("{\"d\":0.5}\n{\"d\":1e309}\n", &plainly, "line 2: d is 1e309, which is no double");
}

static void what_is_never_there_is_left_out(void **state) {
  (void)state;
  CHECK_ROWS("{\"a\":1,\"n\":null,\"l\":[],\"o\":{},\"p\":{\"q\":null},\"m\":[null]}\n", &plainly,
             "struct<a long>\n{\"a\":1}\n");
  CHECK_ROWS("{}\n{}\n", &plainly, "struct<>\n{}\n{}\n");
  CHECK_ROWS("", &plainly, "struct<>\n");
  CHECK_ROWS(" \n\r\n", &plainly, "struct<>\n");
}

static void mixed_kinds_become_text(void **state) {
  (void)state;
  CHECK_ROWS("{\"m\":1}\n{\"m\":\"a \\u00fc\"}\n{\"m\":{\"x\": [1, null]}}\n{\"m\":true}\n{\"m\":null}\n",
             &plainly,
             "struct<m string>\n{\"m\":\"1\"}\n{\"m\":\"a ü\"}\n{\"m\":\"{\\\"x\\\": [1, "
             "null]}\"}\n{\"m\":\"true\"}\n"
             "{\"m\":null}\n");
}

static void an_array_of_objects_is_rows(void **state) {
  (void)state;
  CHECK_ROWS("\xEF\xBB\xBF [ {\"a\":1} ,\n{\"a\":\n2}]\n", &plainly,
             "struct<a long>\n{\"a\":1}\n{\"a\":2}\n");
  CHECK_ROWS("[]", &plainly, "struct<>\n");
  CHECK_REFUSED("[{\"a\":1}", &plainly, "the array ends early, behind row 1");
  CHECK_REFUSED("[{\"a\":1} {\"a\":2}]", &plainly, "row 2: no comma stands before it");
  CHECK_REFUSED("[{\"a\":1},]", &plainly, "row 2: no JSON");
  CHECK_REFUSED("[{\"a\":1}] x", &plainly, "something stands behind the end of the array");
  CHECK_REFUSED("[{\"a\":1}, 2]", &plainly, "row 2: no JSON that is a row: it is JSON, but no object");
}

static void objects_may_hold_line_ends(void **state) {
  (void)state;
  CHECK_ROWS("{\n  \"a\": 1\n}\n{\n  \"a\": \"}\\\"\"\n}\n", &plainly,
             "struct<a string>\n{\"a\":\"1\"}\n{\"a\":\"}\\\"\"}\n");
}

static void says_the_line_that_is_no_json(void **state) {
  (void)state;
  CHECK_REFUSED("{\"a\":1}\n\n{\"a\":}\n", &plainly, "line 3: no JSON that is a row: JSON at offset 5");
  CHECK_REFUSED("{\"a\":1}\n{\"a\":1} {\"a\":2}\n", &plainly, "line 2: no JSON");
  CHECK_REFUSED("{\"a\":1}\n{\"a\":\"\xFF\"}\n", &plainly, "line 2: no JSON");
  CHECK_REFUSED("{\"a\":1}\n{\"a\":\"\0\"}\n", &plainly, "line 2: no JSON");
  CHECK_REFUSED("{\"a\":1}\n7\n", &plainly, "line 2: no JSON that is a row: it is JSON, but no object");
  CHECK_REFUSED("{\"a\":1,\"b\":2,\"a\":3}\n", &plainly, "line 1: the key \"a\" is given twice");
  CHECK_REFUSED("\x1F\x8B\x08", &plainly, "packed by gzip");
  CHECK_REFUSED("\xFF\xFE{", &plainly, "UTF-16");
}

static const firn_field map_parts[] = {{.name = "key", .kind = FIRN_KIND_STRING, .required = true},
                                       {.name = "value", .kind = FIRN_KIND_INT}};
static const firn_field inner[] = {{.name = "x", .kind = FIRN_KIND_INT}};
static const firn_field element = {
    .name = "element", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = inner};
static const firn_field given_fields[] = {
    {.name = "i", .kind = FIRN_KIND_INT},
    {.name = "Price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.name = "u", .kind = FIRN_KIND_UUID},
    {.name = "b", .kind = FIRN_KIND_BINARY},
    {.name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = map_parts},
    {.name = "l", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
    {.name = "t", .kind = FIRN_KIND_TIME},
    {.name = "f", .kind = FIRN_KIND_FLOAT},
};
static const firn_field given = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(given_fields), .children = given_fields};

static const test_rows_how with_schema = {.options = {.schema = &given}};
static const test_rows_how noting = {.options = {.schema = &given, .note_unknown = true}};
#define GIVEN                                                                                           \
  "struct<i int, Price decimal, u uuid, b binary, m list<stringint>, l list<struct<x int>>, t time, f " \
  "float>\n"

static void a_given_schema_holds(void **state) {
  (void)state;
  CHECK_ROWS(
      "{\"i\":1.0,\"price\":12.50,\"u\":\"F79C3E09-677c-4bbd-a479-3f349cb785e7\",\"b\":\"00Ff\","
      "\"m\":{\"k\":1,\"j\":null},\"l\":[{\"x\":1},null,{}],\"t\":\"01:02:03\",\"f\":\"NaN\",\"other\":[1]}\n"
      "{\"PRICE\":\"-1e2\",\"m\":{\"keys\":[\"a\"],\"values\":[2]},\"\\u0069\":5,\"f\":1e38}\n",
      &with_schema,
      GIVEN
      "{\"i\":1,\"Price\":\"12.50\",\"u\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\",\"b\":\"00ff\","
      "\"m\":{\"keys\":[\"k\",\"j\"],\"values\":[1,null]},\"l\":[{\"x\":1},null,{\"x\":null}],"
      "\"t\":\"01:02:03.000000\",\"f\":\"NaN\"}\n"
      "{\"i\":5,\"Price\":\"-100.00\",\"u\":null,\"b\":null,\"m\":{\"keys\":[\"a\"],\"values\":[2]},\"l\":"
      "null,"
      "\"t\":null,\"f\":1e+38}\n");
}

static void values_that_do_not_fit_are_refused(void **state) {
  (void)state;
  CHECK_REFUSED("{\"i\":1.5}", &with_schema, "line 1: i is 1.5, which is no int");
  CHECK_REFUSED("{\"i\":2147483648}", &with_schema, "line 1: i is 2147483648, which is no int");
  CHECK_REFUSED("{\"i\":\"1\"}", &with_schema, "line 1: i is \"1\", which is no int");
  CHECK_REFUSED("{\"price\":1.234}", &with_schema, "Price is 1.234, which is no decimal");
  CHECK_REFUSED("{\"price\":12345678.00}", &with_schema, "which is no decimal");
  CHECK_REFUSED("{\"price\":1e-400000000000}", &with_schema, "which is no decimal");
  CHECK_REFUSED("{\"u\":\"f79c\"}", &with_schema, "which is no uuid");
  CHECK_REFUSED("{\"b\":\"0g\"}", &with_schema, "which is no binary");
  CHECK_REFUSED("{\"b\":\"000\"}", &with_schema, "which is no binary");
  CHECK_REFUSED("{\"m\":{\"keys\":[\"a\"],\"values\":[]}}", &with_schema, "which is no map");
  CHECK_REFUSED("{\"m\":{\"keys\":[null],\"values\":[1]}}", &with_schema, "which is no map");
  CHECK_REFUSED("{\"m\":[1]}", &with_schema, "which is no map");
  CHECK_REFUSED("{\"l\":{}}", &with_schema, "which is no list");
  CHECK_REFUSED("{\"l\":[{\"x\":1},{\"x\":true}]}", &with_schema, "l.element.x is true, which is no int");
  CHECK_REFUSED("{\"f\":1e39}", &with_schema, "which is no float");
  CHECK_REFUSED("{\"f\":\"1\"}", &with_schema, "which is no float");
  CHECK_REFUSED("{\"t\":\"24:00:00\"}", &with_schema, "which is no time");
}

static void stops_before_a_row_that_needs_a_wider_schema(void **state) {
  (void)state;
  CHECK_ROWS(
      "{\"i\":1}\n{\"i\":2,\"n\":null,\"e\":[]}\n{\"i\":3,\"new\":1,\"l\":[{\"y\":true}]}\n{\"new\":1.5,"
      "\"n\":\"now\"}\n",
      &noting,
      GIVEN
      "{\"i\":1,\"Price\":null,\"u\":null,\"b\":null,\"m\":null,\"l\":null,\"t\":null,\"f\":null}\n"
      "{\"i\":2,\"Price\":null,\"u\":null,\"b\":null,\"m\":null,\"l\":null,\"t\":null,\"f\":null}\n"
      "+struct<new double, l list<struct<y boolean>>, n string> line 3 has a field new that the schema "
      "lacks\n");
  CHECK_ROWS("{\"i\":4294967296,\"price\":1234567890.5,\"f\":1e100}\n", &noting,
             GIVEN "+struct<i long, Price decimal, f double> line 1: i is 4294967296, which is no int\n");
  CHECK_ROWS("{\"l\":[{\"x\":1},{\"x\":3000000000}]}\n", &noting,
             GIVEN "+struct<l list<struct<x long>>> line 1: l.element.x is 3000000000, which is no int\n");
  CHECK_REFUSED("{\"i\":1.5}", &noting, "line 1: i is 1.5, which is no int");
  CHECK_REFUSED("{\"price\":0.001}", &noting, "which is no decimal");
}

static void goes_on_with_another_schema(void **state) {
  (void)state;
  static const firn_field narrow[] = {{.name = "a", .kind = FIRN_KIND_INT}};
  static const firn_field wide[] = {{.name = "a", .kind = FIRN_KIND_LONG},
                                    {.name = "b", .kind = FIRN_KIND_STRING}};
  static const firn_field schemas[] = {{.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = narrow},
                                       {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = wide}};
  test_input in = {FIRN_LITERAL("{\"a\":1}\n{\"a\":5000000000,\"b\":\"x\"}\n"), 3};
  firn_rows_options options = {.schema = &schemas[0], .note_unknown = true};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ROWS *rows = NULL;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  const firn_batch *batch;
  CHECK_OK(firn_json_rows_open((firn_rows_input){test_input_read, &in}, &options, ctx, &rows, &err));
  CHECK_OK(firn_rows_next(rows, ctx, &batch, &err));
  assert_int_equal(batch->n_rows, 1);
  CHECK_STATUS(firn_rows_next(rows, ctx, &batch, &err), FIRN_INVALID);
  CHECK_OK(firn_rows_set_schema(rows, &schemas[1], &err));
  assert_null(rows->unknown);
  CHECK_OK(firn_rows_next(rows, ctx, &batch, &err));
  firn_json_rows_write(batch, &b);
  CHECK_BYTES(firn_builder_bytes(&b), "{\"a\":5000000000,\"b\":\"x\"}\n");
  assert_int_equal(rows->n_rows, 2);
  CHECK_OK(firn_rows_next(rows, ctx, &batch, &err));
  assert_null(batch);
}

static firn_status count_refused(void *self, uint64_t row, const char *reason, firn_bytes raw,
                                 firn_error *err) {
  uint64_t *sum = self;
  (void)err;
  assert_true(raw.len > 0 && reason[0] != '\0');
  *sum = *sum * 10 + row;
  return FIRN_OK;
}

static void refused_rows_leave_nothing_behind(void **state) {
  (void)state;
  uint64_t refused = 0;
  test_rows_how how = {.options = {.schema = &given, .refused = count_refused, .refused_self = &refused}};
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  CHECK_OK(test_read_rows(FIRN_LITERAL("{\"i\":1,\"l\":[{\"x\":1}]}\n"
                                       "{\"b\":\"aa\",\"l\":[{\"x\":2},{\"x\":3},{\"x\":\"\"}],\"i\":2}\n"
                                       "not json\n"
                                       "{\"l\":[{}],\"m\":{\"k\":7}}\n"
                                       "{\"m\":{\"a\":1,\"b\":\"\"}}\n"
                                       "{\"i\":3}\n"),
                          &how, &b, &err));
  assert_int_equal(refused, 235);
  CHECK_BYTES(
      firn_builder_bytes(&b), GIVEN
      "{\"i\":1,\"Price\":null,\"u\":null,\"b\":null,\"m\":null,\"l\":[{\"x\":1}],\"t\":null,\"f\":null}\n"
      "{\"i\":null,\"Price\":null,\"u\":null,\"b\":null,\"m\":{\"keys\":[\"k\"],\"values\":[7]},\"l\":[{"
      "\"x\":null}],"
      "\"t\":null,\"f\":null}\n"
      "{\"i\":3,\"Price\":null,\"u\":null,\"b\":null,\"m\":null,\"l\":null,\"t\":null,\"f\":null}\n");
}

/* --- hostile --- */

/* Endless lines, without ever holding one of them. */
static firn_status read_endless(void *self, firn_ctx *ctx, uint8_t *into, size_t room, size_t *got,
                                firn_error *err) {
  uint64_t *given_so_far = self;
  (void)ctx;
  (void)err;
  memset(into, 'x', room);
  if (*given_so_far == 0) {
    memcpy(into, "{\"a\":\"", 6);
  }
  *given_so_far += room;
  *got = room;
  return FIRN_OK;
}

static void a_line_without_end_is_refused_in_time(void **state) {
  (void)state;
  uint64_t n_read = 0;
  firn_rows_options options = {.max_row_bytes = 1 << 20, .sample_bytes = 1 << 16};
  FIRN_AUTO_ROWS *rows = NULL;
  firn_error err;
  const firn_batch *batch;
  CHECK_OK(firn_json_rows_open((firn_rows_input){read_endless, &n_read}, &options, test_ctx(), &rows, &err));
  CHECK_STATUS(firn_rows_next(rows, test_ctx(), &batch, &err), FIRN_LIMIT);
  CHECK_SAYS("line 1 is longer than 1048576 bytes");
  assert_true(n_read < 4 << 20);
}

static void deep_nesting_is_text_or_refused(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_builder_add_text(&text, "{\"a\":");
  for (int i = 0; i < 100; i++) {
    firn_builder_add_text(&text, "[");
  }
  firn_builder_add_text(&text, "1");
  for (int i = 0; i < 100; i++) {
    firn_builder_add_text(&text, "]");
  }
  firn_builder_add_text(&text, "}\n");
  CHECK_OK(test_read_rows(firn_builder_bytes(&text), &plainly, &b, &err));
  for (int i = 0; i < 100000; i++) {
    firn_builder_add_text(&text, "{\"a\":");
  }
  firn_builder_reset(&b);
  CHECK_STATUS(test_read_rows(firn_builder_bytes(&text), &plainly, &b, &err), FIRN_LIMIT);
}

static void too_many_fields_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err;
  for (int i = 0; i < 10001; i++) {
    firn_builder_addf(&text, "{\"key%d\":1}\n", i);
  }
  CHECK_STATUS(test_read_rows(firn_builder_bytes(&text), &plainly, &b, &err), FIRN_LIMIT);
  CHECK_SAYS("more than 10000 different fields");
  firn_builder_reset(&text);
  firn_builder_addf(&text, "{\"%01025d\":1}\n", 0);
  CHECK_STATUS(test_read_rows(firn_builder_bytes(&text), &plainly, &b, &err), FIRN_LIMIT);
  CHECK_REFUSED("{\"a\\u0000b\":1}\n", &plainly, "zero byte");
}

static const char sample[] =
    "{\"a\":1,\"b\":[{\"c\":\"x\\u00e9\"}],\"d\":\"2024-01-01\"}\n{\"a\":-2.5e3,\"b\":[],\"e\":{\"f\":null,"
    "\"g\":true}}\n";

/* Whatever happens to the bytes: rows or one sentence. */
static void survives_damage(void **state) {
  (void)state;
  uint8_t copy[sizeof sample];
  for (size_t len = 0; len < sizeof sample; len++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    FIRN_IGNORE(test_read_rows((firn_bytes){(const uint8_t *)sample, len}, &plainly, &b, NULL));
    FIRN_IGNORE(test_read_rows((firn_bytes){(const uint8_t *)sample, len}, &noting, &b, NULL));
  }
  for (size_t i = 0; i < sizeof sample - 1; i++) {
    for (int flip = 1; flip < 256; flip = flip * 2 + 1) {
      memcpy(copy, sample, sizeof copy);
      copy[i] ^= (uint8_t)flip;
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      FIRN_IGNORE(test_read_rows((firn_bytes){copy, sizeof copy - 1}, &plainly, &b, NULL));
      FIRN_IGNORE(test_read_rows((firn_bytes){copy, sizeof copy - 1}, &noting, &b, NULL));
    }
  }
}

static firn_status read_sample(void) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(test_read_rows(firn_bytes_of(sample), &plainly, &b, NULL));
  return test_read_rows(
      FIRN_LITERAL("{\"m\":{\"k\":1},\"l\":[{\"z\":1}],\"u\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"}"),
      &noting, &b, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_sample);
}

RUN_TESTS(infers_types_of_all_rows, infers_times_where_all_agree, numbers_at_the_limits_stay_what_they_are,
          what_is_never_there_is_left_out, mixed_kinds_become_text, an_array_of_objects_is_rows,
          objects_may_hold_line_ends, says_the_line_that_is_no_json, a_given_schema_holds,
          values_that_do_not_fit_are_refused, stops_before_a_row_that_needs_a_wider_schema,
          goes_on_with_another_schema, refused_rows_leave_nothing_behind,
          a_line_without_end_is_refused_in_time, deep_nesting_is_text_or_refused, too_many_fields_are_refused,
          survives_damage, survives_oom)
