#include "iceberg/types/schema.h"

#include "test.h"

static firn_status read_schema(const char *json, firn_arena *arena, firn_schema *out, firn_error *err) {
  const firn_json_value *tree;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(json), arena, &tree, err));
  return firn_schema_read(tree, arena, out, err);
}

static const char *written(const firn_schema *schema, firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_error err;
  firn_bytes out;
  firn_schema_write(schema, &w);
  CHECK_OK(firn_builder_finish(&b, &out, &err));
  return firn_arena_text(arena, out);
}

static const char nested_json[] =
    "{\"type\":\"struct\",\"schema-id\":3,\"identifier-field-ids\":[1,6],\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\",\"doc\":\"the \\\"key\\\"\"},"
    "{\"id\":2,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":7,\"element\":"
    "\"string\","
    "\"element-required\":true}},"
    "{\"id\":3,\"name\":\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":8,\"key\":\"string\","
    "\"value-id\":9,"
    "\"value\":{\"type\":\"struct\",\"fields\":[{\"id\":10,\"name\":\"x\",\"required\":true,\"type\":"
    "\"double\"}]},"
    "\"value-required\":false}},"
    "{\"id\":4,\"name\":\"place\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":6,\"name\":\"city\",\"required\":true,\"type\":\"string\",\"initial-default\":\"Bern\",\"write-"
    "default\":\"Ulm\"}]}},"
    "{\"id\":5,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9, "
    "2)\",\"initial-default\":\"1.50\"}]}";

static void reads_what_it_writes(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_schema s, again;
  CHECK_OK(read_schema(nested_json, &arena, &s, &err));
  assert_string_equal(written(&s, &arena), nested_json);
  assert_int_equal(s.schema_id, 3);
  assert_int_equal(s.n_identifier_ids, 2);
  assert_int_equal(s.identifier_ids[1], 6);
  assert_int_equal(firn_schema_last_id(&s), 10);
  CHECK_OK(read_schema(nested_json, &arena, &again, &err));
  assert_true(firn_schema_equal(&s, &again));
}

static void every_type_of_every_version_has_a_text(void **state) {
  (void)state;
  static const char *const texts[] = {"unknown",
                                      "boolean",
                                      "int",
                                      "long",
                                      "float",
                                      "double",
                                      "date",
                                      "time",
                                      "timestamp",
                                      "timestamptz",
                                      "timestamp_ns",
                                      "timestamptz_ns",
                                      "string",
                                      "uuid",
                                      "binary",
                                      "variant",
                                      "fixed[16]",
                                      "decimal(38, 38)",
                                      "geometry",
                                      "geometry(srid:4326)",
                                      "geography",
                                      "geography(srid:4326)",
                                      "geography(OGC:CRS84, karney)"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    firn_field field = {.id = 1}, again = {.id = 1};
    firn_error err;
    CHECK_OK(firn_type_read(firn_bytes_of(texts[i]), &arena, &field, &err));
    assert_string_equal(firn_type_text(&field, &arena), texts[i]);
    CHECK_OK(firn_type_read(firn_bytes_of(firn_type_text(&field, &arena)), &arena, &again, &err));
    assert_true(firn_field_same_type(&field, &again));
  }
}

static void type_texts_may_hold_blanks(void **state) {
  (void)state;
  static const struct {
    const char *given, *wanted;
  } cases[] = {{"decimal(9,2)", "decimal(9, 2)"},
               {" decimal( 9 , 2 ) ", "decimal(9, 2)"},
               {"decimal (9,2)", "decimal(9, 2)"},
               {"fixed[ 4 ]", "fixed[4]"},
               {"geometry( srid:4326 )", "geometry(srid:4326)"},
               {"geography(srid:4326,spherical)", "geography(srid:4326, spherical)"},
               {"geography( srid:4326 , andoyer )", "geography(srid:4326, andoyer)"}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_field field = {0};
    firn_error err;
    CHECK_OK(firn_type_read(firn_bytes_of(cases[i].given), &arena, &field, &err));
    assert_string_equal(firn_type_text(&field, &arena), cases[i].wanted);
  }
}

static void refuses_types_that_do_not_exist(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "integer",
                                    "decimal",
                                    "decimal(0, 0)",
                                    "decimal(39, 0)",
                                    "decimal(9)",
                                    "decimal(9, 10)",
                                    "decimal(-1, 0)",
                                    "decimal(9, 2",
                                    "decimal(,)",
                                    "fixed",
                                    "fixed[]",
                                    "fixed[-1]",
                                    "fixed[9999999999]",
                                    "geometry()",
                                    "geography(a, flat)",
                                    "long long",
                                    "struct"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_field field;
    CHECK_STATUS(firn_type_read(firn_bytes_of(bad[i]), &arena, &field, NULL), FIRN_CORRUPT);
  }
}

static void finds_fields_by_dotted_name_and_id(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_schema s;
  CHECK_OK(read_schema(nested_json, &arena, &s, &err));
  static const struct {
    const char *name;
    int32_t id;
  } cases[] = {{"id", 1},      {"tags.element", 7}, {"m.key", 8},
               {"m.value", 9}, {"m.value.x", 10},   {"place.city", 6}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_field *field = firn_schema_find(&s, cases[i].name);
    assert_non_null(field);
    assert_int_equal(field->id, cases[i].id);
    assert_string_equal(firn_schema_name_of(&s, cases[i].id, &arena), cases[i].name);
  }
  assert_null(firn_schema_find(&s, "place."));
  assert_null(firn_schema_find(&s, "place.town"));
  assert_null(firn_schema_find(&s, "city"));
  assert_null(firn_schema_name_of(&s, 99, &arena));
  assert_null(firn_schema_name_of(&s, FIRN_NO_ID, &arena));
}

static void a_dot_in_a_name_is_no_path(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_schema s;
  CHECK_OK(read_schema(
      "{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":"
      "{\"type\":\"struct\",\"fields\":[{\"id\":2,\"name\":\"c\",\"required\":false,\"type\":\"int\"}]}},"
      "{\"id\":3,\"name\":\"a.b\",\"required\":false,\"type\":\"int\"}]}",
      &arena, &s, &err));
  assert_int_equal(s.schema_id, 0); /* v1 may lack the id */
  assert_int_equal(firn_schema_find(&s, "a.b")->id, 3);
  assert_int_equal(firn_schema_find(&s, "a.c")->id, 2);
}

static void new_ids_go_to_a_whole_level_before_its_children(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_schema s, fresh;
  CHECK_OK(read_schema(nested_json, &arena, &s, &err));
  int32_t last = 100;
  CHECK_OK(firn_schema_assign_ids(&s, &last, &arena, &fresh, &err));
  assert_int_equal(last, 110);
  static const struct {
    const char *name;
    int32_t id;
  } wanted[] = {{"id", 101},        {"tags", 102},         {"m", 103},     {"place", 104},
                {"price", 105},     {"tags.element", 106}, {"m.key", 107}, {"m.value", 108},
                {"m.value.x", 109}, {"place.city", 110}};
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    assert_int_equal(firn_schema_find(&fresh, wanted[i].name)->id, wanted[i].id);
  }
  assert_int_equal(fresh.identifier_ids[0], 101);
  assert_int_equal(fresh.identifier_ids[1], 110);
  assert_false(firn_schema_equal(&s, &fresh));
  assert_int_equal(firn_schema_find(&s, "id")->id, 1); /* the original is untouched */
  last = INT32_MAX - 203;
  CHECK_STATUS(firn_schema_assign_ids(&s, &last, &arena, &fresh, NULL), FIRN_LIMIT);
}

/* One field of the schema replaced, to see that it is refused and why. */
static void check_refused(const char *fields, const char *more, const char *says) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_schema s;
  const char *json =
      firn_arena_printf(&arena, "{\"type\":\"struct\",\"schema-id\":1,\"fields\":[%s]%s}", fields, more);
  assert_int_equal(read_schema(json, &arena, &s, &err), FIRN_CORRUPT);
  CHECK_SAYS(says);
}

static void refuses_what_the_specification_forbids(void **state) {
  (void)state;
  check_refused(
      "{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"int\"},{\"id\":2,\"name\":\"a\",\"required\":"
      "true,"
      "\"type\":\"int\"}",
      "", "two fields are called a");
  check_refused(
      "{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"int\"},{\"id\":2,\"name\":\"b\",\"required\":"
      "true,"
      "\"type\":{\"type\":\"list\",\"element-id\":1,\"element\":\"int\",\"element-required\":true}}",
      "", "two fields have the id 1");
  check_refused("{\"id\":-1,\"name\":\"a\",\"required\":true,\"type\":\"int\"}", "", "not negative");
  check_refused("{\"name\":\"a\",\"required\":true,\"type\":\"int\"}", "", "\"id\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"type\":\"int\"}", "", "\"required\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"snow\"}", "",
                "field a: there is no type \"snow\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"required\":true}", "", "field a: \"type\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":{\"type\":\"set\"}}", "", "\"type\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"int\",\"initial-default\":\"x\"}", "",
                "\"initial-default\"");
  check_refused("{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"variant\",\"write-default\":1}", "",
                "must be null");
}

static void identifier_fields_must_be_required_and_primitive(void **state) {
  (void)state;
  static const char fields[] =
      "{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\"},{\"id\":2,\"name\":\"b\",\"required\":"
      "true,\"type\":"
      "\"double\"},{\"id\":3,\"name\":\"l\",\"required\":true,\"type\":{\"type\":\"list\",\"element-id\":4,"
      "\"element\":"
      "\"int\",\"element-required\":true}},{\"id\":5,\"name\":\"s\",\"required\":false,\"type\":{\"type\":"
      "\"struct\","
      "\"fields\":[{\"id\":6,\"name\":\"x\",\"required\":true,\"type\":\"int\"}]}}";
  check_refused(fields, ",\"identifier-field-ids\":[1]", "identifier field a");
  check_refused(fields, ",\"identifier-field-ids\":[2]", "identifier field b");
  check_refused(fields, ",\"identifier-field-ids\":[3]", "identifier field l");
  check_refused(fields, ",\"identifier-field-ids\":[4]", "identifier field 4");
  check_refused(fields, ",\"identifier-field-ids\":[6]", "identifier field 6");
  check_refused(fields, ",\"identifier-field-ids\":[7]", "identifier field 7");
  check_refused(fields, ",\"identifier-field-ids\":[\"x\"]", "identifier-field-ids");
  check_refused(fields, ",\"identifier-field-ids\":{}", "identifier-field-ids");
}

static void refuses_types_nested_too_deeply(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int depth = FIRN_TYPE_MAX_DEPTH - 1; depth <= FIRN_TYPE_MAX_DEPTH; depth++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_builder_add_text(
        &b, "{\"type\":\"struct\",\"fields\":[{\"id\":999,\"name\":\"a\",\"required\":false,\"type\":");
    for (int i = 0; i < depth; i++) {
      firn_builder_addf(&b,
                        "{\"type\":\"list\",\"element-id\":%d,\"element-required\":false,\"element\":", i);
    }
    firn_builder_add_text(&b, "\"int\"");
    for (int i = 0; i < depth + 2; i++) {
      firn_builder_add_text(&b, i == depth ? "}]" : "}");
    }
    firn_builder_add_u8(&b, 0);
    firn_schema s;
    firn_error err;
    CHECK_STATUS(read_schema((const char *)b.data, &arena, &s, &err),
                 depth < FIRN_TYPE_MAX_DEPTH ? FIRN_OK : FIRN_LIMIT);
  }
}

static void differences_show(void **state) {
  (void)state;
  static const struct {
    const char *from, *to;
  } changes[] = {{"the ", "The "},
                 {"\"id\":10", "\"id\":11"},
                 {"Bern", "Thun"},
                 {"Ulm", "Uhl"},
                 {"price", "cost"},
                 {"double", "float"},
                 {"9, 2", "8, 2"},
                 {"[1,6]", "[6,1]"},
                 {"\"element-required\":true", "\"element-required\":false"}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_schema s;
  CHECK_OK(read_schema(nested_json, &arena, &s, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(changes); i++) {
    const char *at = strstr(nested_json, changes[i].from);
    const char *json = firn_arena_printf(&arena, "%.*s%s%s", (int)(at - nested_json), nested_json,
                                         changes[i].to, at + strlen(changes[i].from));
    firn_schema other;
    CHECK_OK(read_schema(json, &arena, &other, &err));
    assert_false(firn_schema_equal(&s, &other));
  }
}

static void broken_json_is_an_error_and_never_a_crash(void **state) {
  (void)state;
  size_t len = strlen(nested_json);
  char *text = firn_alloc(len + 1);
  for (size_t i = 0; i < len; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_schema s;
    memcpy(text, nested_json, len);
    text[i] = '\0';
    CHECK_STATUS(read_schema(text, &arena, &s, NULL), FIRN_CORRUPT);
    memcpy(text, nested_json, len + 1);
    text[i] ^= 0x11;
    firn_status status = read_schema(text, &arena, &s, NULL);
    assert_true(status == FIRN_OK || status == FIRN_CORRUPT || status == FIRN_LIMIT);
  }
  firn_free(text);
}

static firn_status round_trip(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_schema s, fresh;
  int32_t last = 0;
  FIRN_TRY(read_schema(nested_json, &arena, &s, NULL));
  FIRN_TRY(firn_schema_assign_ids(&s, &last, &arena, &fresh, NULL));
  firn_schema_write(&s, &w);
  if (firn_schema_name_of(&s, 10, &arena) == NULL) {
    return FIRN_NOMEM;
  }
  firn_bytes out;
  FIRN_TRY(firn_builder_finish(&b, &out, NULL));
  CHECK_BYTES(out, nested_json);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(round_trip);
}

RUN_TESTS(reads_what_it_writes, every_type_of_every_version_has_a_text, type_texts_may_hold_blanks,
          refuses_types_that_do_not_exist, finds_fields_by_dotted_name_and_id, a_dot_in_a_name_is_no_path,
          new_ids_go_to_a_whole_level_before_its_children, refuses_what_the_specification_forbids,
          identifier_fields_must_be_required_and_primitive, refuses_types_nested_too_deeply, differences_show,
          broken_json_is_an_error_and_never_a_crash, survives_oom)
