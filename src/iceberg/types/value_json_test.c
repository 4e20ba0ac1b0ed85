#include "iceberg/types/value.h"

#include "test.h"

static const char *json_of(const firn_value *v, const firn_field *type, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_value_write_json(v, type, &w);
  firn_bytes out;
  firn_error err;
  CHECK_OK(firn_builder_finish(&b, &out, &err));
  return firn_arena_text(arena, out);
}

static firn_status parse(const char *json, const firn_field *type, firn_arena *arena, firn_value *out) {
  const firn_json_value *tree;
  firn_error err;
  CHECK_OK(firn_json_tree_read(firn_bytes_of(json), arena, &tree, &err));
  return firn_value_read_json(tree, type, arena, out, NULL);
}

/* `v` is written as `json`, and `json` reads as `v`. */
static void check_json(firn_field type, firn_value v, const char *json) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  v.kind = type.kind;
  assert_string_equal(json_of(&v, &type, &arena), json);
  firn_value back;
  CHECK_STATUS(parse(json, &type, &arena, &back), FIRN_OK);
  assert_true(firn_value_equal(&v, &back));
}

/* The examples of the specification's table, and their neighbours. */
static void single_values_have_the_json_of_the_specification(void **state) {
  (void)state;
  check_json((firn_field){.kind = FIRN_KIND_BOOLEAN}, (firn_value){.boolean = true}, "true");
  check_json((firn_field){.kind = FIRN_KIND_INT}, (firn_value){.i32 = 34}, "34");
  check_json((firn_field){.kind = FIRN_KIND_LONG}, (firn_value){.i64 = INT64_MIN}, "-9223372036854775808");
  check_json((firn_field){.kind = FIRN_KIND_LONG}, (firn_value){.i64 = 3051729675574597004},
             "3051729675574597004");
  check_json((firn_field){.kind = FIRN_KIND_FLOAT}, (firn_value){.f32 = 1.0f}, "1.0");
  check_json((firn_field){.kind = FIRN_KIND_DOUBLE}, (firn_value){.f64 = -0.5}, "-0.5");
  check_json((firn_field){.kind = FIRN_KIND_DOUBLE}, (firn_value){.f64 = __builtin_nan("")}, "\"NaN\"");
  check_json((firn_field){.kind = FIRN_KIND_FLOAT}, (firn_value){.f32 = -__builtin_inff()}, "\"-Infinity\"");
  check_json((firn_field){.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2}, (firn_value){.dec = 1420},
             "\"14.20\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = 17486}, "\"2017-11-16\"");
  check_json((firn_field){.kind = FIRN_KIND_TIME}, (firn_value){.i64 = 81068123456}, "\"22:31:08.123456\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMP}, (firn_value){.i64 = 1510871468123456},
             "\"2017-11-16T22:31:08.123456\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMPTZ}, (firn_value){.i64 = 1510871468123456},
             "\"2017-11-16T22:31:08.123456+00:00\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMP_NS}, (firn_value){.i64 = 1510871468123456789},
             "\"2017-11-16T22:31:08.123456789\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMPTZ_NS}, (firn_value){.i64 = 1510871468123456789},
             "\"2017-11-16T22:31:08.123456789+00:00\"");
  check_json((firn_field){.kind = FIRN_KIND_STRING}, (firn_value){.bytes = FIRN_LITERAL("ice\"berg")},
             "\"ice\\\"berg\"");
  check_json(
      (firn_field){.kind = FIRN_KIND_UUID},
      (firn_value){.bytes = FIRN_LITERAL("\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7")},
      "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"");
  check_json((firn_field){.kind = FIRN_KIND_FIXED, .width = 4},
             (firn_value){.bytes = FIRN_LITERAL("\0\x01\x02\xff")}, "\"000102ff\"");
  check_json((firn_field){.kind = FIRN_KIND_BINARY}, (firn_value){.bytes = FIRN_LITERAL("")}, "\"\"");
  check_json((firn_field){.kind = FIRN_KIND_INT}, (firn_value){.is_null = true}, "null");
}

static void times_before_1970_and_far_years_are_written_right(void **state) {
  (void)state;
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMP}, (firn_value){.i64 = -1},
             "\"1969-12-31T23:59:59.999999\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = -719529}, "\"-0001-12-31\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = -719528}, "\"0000-01-01\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = INT32_MAX}, "\"+5881580-07-11\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = INT32_MIN}, "\"-5877641-06-23\"");
  check_json((firn_field){.kind = FIRN_KIND_DATE}, (firn_value){.i32 = 11016}, "\"2000-02-29\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMPTZ}, (firn_value){.i64 = INT64_MAX},
             "\"+294247-01-10T04:00:54.775807+00:00\"");
  check_json((firn_field){.kind = FIRN_KIND_TIMESTAMPTZ}, (firn_value){.i64 = INT64_MIN},
             "\"-290308-12-21T19:59:05.224192+00:00\"");
}

static void every_day_reads_back(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field type = {.kind = FIRN_KIND_DATE};
  for (int32_t day = -800000; day < 800000; day += 397) {
    firn_value v = {.kind = FIRN_KIND_DATE, .i32 = day}, back;
    CHECK_STATUS(parse(json_of(&v, &type, &arena), &type, &arena, &back), FIRN_OK);
    assert_int_equal(back.i32, day);
    firn_arena_reset(&arena);
  }
}

static void a_time_with_zone_must_be_utc(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field tz = {.kind = FIRN_KIND_TIMESTAMPTZ}, plain = {.kind = FIRN_KIND_TIMESTAMP};
  firn_value v;
  CHECK_STATUS(parse("\"2017-11-16T22:31:08+00:00\"", &tz, &arena, &v), FIRN_OK);
  CHECK_STATUS(parse("\"2017-11-16T22:31:08.5Z\"", &tz, &arena, &v), FIRN_OK);
  assert_int_equal(v.i64, 1510871468500000);
  CHECK_STATUS(parse("\"2017-11-16T22:31:08+01:00\"", &tz, &arena, &v), FIRN_CORRUPT);
  CHECK_STATUS(parse("\"2017-11-16T22:31:08\"", &tz, &arena, &v), FIRN_CORRUPT);
  CHECK_STATUS(parse("\"2017-11-16T22:31:08+00:00\"", &plain, &arena, &v), FIRN_CORRUPT);
}

static void refuses_what_is_no_value_of_the_type(void **state) {
  (void)state;
  static const struct {
    firn_field type;
    const char *json;
  } cases[] = {
      {{.kind = FIRN_KIND_BOOLEAN}, "1"},
      {{.kind = FIRN_KIND_INT}, "2147483648"},
      {{.kind = FIRN_KIND_INT}, "1.0"},
      {{.kind = FIRN_KIND_INT}, "\"1\""},
      {{.kind = FIRN_KIND_LONG}, "9223372036854775808"},
      {{.kind = FIRN_KIND_LONG}, "true"},
      {{.kind = FIRN_KIND_FLOAT}, "1e39"},
      {{.kind = FIRN_KIND_DOUBLE}, "\"1.0\""},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2}, "14.20"},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2}, "\"14.2\""},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 3, .scale = 2}, "\"14.20\""},
      {{.kind = FIRN_KIND_DATE}, "\"2017-02-29\""},
      {{.kind = FIRN_KIND_DATE}, "\"2017-13-01\""},
      {{.kind = FIRN_KIND_DATE}, "\"2017-1-01\""},
      {{.kind = FIRN_KIND_DATE}, "\"12017-01-01\""},
      {{.kind = FIRN_KIND_DATE}, "\"+9999999-01-01\""},
      {{.kind = FIRN_KIND_DATE}, "17486"},
      {{.kind = FIRN_KIND_TIME}, "\"24:00:00\""},
      {{.kind = FIRN_KIND_TIME}, "\"22:31:08.\""},
      {{.kind = FIRN_KIND_TIME}, "\"22:31:08Z\""},
      {{.kind = FIRN_KIND_TIMESTAMP}, "\"2017-11-16 22:31:08\""},
      {{.kind = FIRN_KIND_TIMESTAMP_NS}, "\"2517-11-16T22:31:08\""},
      {{.kind = FIRN_KIND_UUID}, "\"f79c3e09677c4bbda4793f349cb785e7\""},
      {{.kind = FIRN_KIND_UUID}, "\"f79c3e09-677c-4bbd-a479-3f349cb785eg\""},
      {{.kind = FIRN_KIND_FIXED, .width = 2}, "\"000102\""},
      {{.kind = FIRN_KIND_BINARY}, "\"0\""},
      {{.kind = FIRN_KIND_BINARY}, "\"0x\""},
      {{.kind = FIRN_KIND_STRING}, "[]"},
      {{.kind = FIRN_KIND_UNKNOWN}, "0"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_value v;
    CHECK_STATUS(parse(cases[i].json, &cases[i].type, &arena, &v), FIRN_CORRUPT);
  }
}

static void hexadecimal_reads_in_either_case(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_value v;
  CHECK_STATUS(parse("\"00AbCDef\"", &(firn_field){.kind = FIRN_KIND_BINARY}, &arena, &v), FIRN_OK);
  assert_memory_equal(v.bytes.data, "\0\xab\xcd\xef", 4);
}

/* A column of struct<1: a int, 2: l list<3: string>, 4: m map<5: int, 6: date>>, three rows. */
static const firn_field element[] = {{.id = 3, .name = "element", .kind = FIRN_KIND_STRING}};
static const firn_field entry[] = {{.id = 5, .name = "key", .kind = FIRN_KIND_INT, .required = true},
                                   {.id = 6, .name = "value", .kind = FIRN_KIND_DATE}};
static const firn_field fields[] = {
    {.id = 1, .name = "a", .kind = FIRN_KIND_INT},
    {.id = 2, .name = "l", .kind = FIRN_KIND_LIST, .n_children = 1, .children = element},
    {.id = 4, .name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = entry}};
static const firn_field nested = {
    .id = 9, .name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 3, .children = fields};

static void check_nested(bool by_id, const char *const wanted[3]) {
  uint64_t a_valid[] = {5}, s_valid[] = {3}, d_valid[] = {1};
  int32_t a[] = {7, 0, 0}, list_at[] = {0, 2, 2, 2}, map_at[] = {0, 2, 2, 2}, keys[] = {1, 2},
          days[] = {0, 0};
  firn_bytes texts[] = {FIRN_LITERAL("x"), FIRN_LITERAL("")};
  firn_vector element_vector = {.kind = FIRN_KIND_STRING, .len = 2, .bytes = texts};
  firn_vector entry_vectors[] = {
      {.kind = FIRN_KIND_INT, .len = 2, .i32 = keys},
      {.kind = FIRN_KIND_DATE, .len = 2, .validity = d_valid, .n_nulls = 1, .i32 = days}};
  firn_vector columns[] = {
      {.kind = FIRN_KIND_INT, .len = 3, .validity = a_valid, .n_nulls = 1, .i32 = a},
      {.kind = FIRN_KIND_LIST, .len = 3, .offsets = list_at, .n_children = 1, .children = &element_vector},
      {.kind = FIRN_KIND_MAP, .len = 3, .offsets = map_at, .n_children = 2, .children = entry_vectors}};
  firn_vector v = {.kind = FIRN_KIND_STRUCT,
                   .len = 3,
                   .validity = s_valid,
                   .n_nulls = 1,
                   .n_children = 3,
                   .children = columns};
  for (size_t i = 0; i < 3; i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    if (by_id) {
      firn_vector_write_json_by_id(&v, &nested, i, &w);
    } else {
      firn_vector_write_json(&v, &nested, i, &w);
    }
    CHECK_BYTES(firn_builder_bytes(&b), wanted[i]);
  }
}

static void nested_values_are_keyed_by_name_for_people(void **state) {
  (void)state;
  check_nested(false,
               (const char *const[]){
                   "{\"a\":7,\"l\":[\"x\",\"\"],\"m\":{\"keys\":[1,2],\"values\":[\"1970-01-01\",null]}}",
                   "{\"a\":null,\"l\":[],\"m\":{\"keys\":[],\"values\":[]}}", "null"});
}

static void nested_values_are_keyed_by_field_id_for_the_specification(void **state) {
  (void)state;
  check_nested(true,
               (const char *const[]){
                   "{\"1\":7,\"2\":[\"x\",\"\"],\"4\":{\"keys\":[1,2],\"values\":[\"1970-01-01\",null]}}",
                   "{\"2\":[],\"4\":{\"keys\":[],\"values\":[]}}", "null"});
}

static firn_status read_and_write(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  const firn_json_value *tree;
  FIRN_TRY(firn_json_tree_read(FIRN_LITERAL("\"00ff\""), &arena, &tree, NULL));
  firn_field type = {.kind = FIRN_KIND_BINARY};
  firn_value v;
  FIRN_TRY(firn_value_read_json(tree, &type, &arena, &v, NULL));
  firn_value_write_json(&v, &type, &w);
  firn_bytes out;
  FIRN_TRY(firn_builder_finish(&b, &out, NULL));
  CHECK_BYTES(out, "\"00ff\"");
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_and_write);
}

RUN_TESTS(single_values_have_the_json_of_the_specification, times_before_1970_and_far_years_are_written_right,
          every_day_reads_back, a_time_with_zone_must_be_utc, refuses_what_is_no_value_of_the_type,
          hexadecimal_reads_in_either_case, nested_values_are_keyed_by_name_for_people,
          nested_values_are_keyed_by_field_id_for_the_specification, survives_oom)
