#include "test_table.h"

#include "iceberg/commit/metadata_file.h"

/* Ids as a client may give them: any. Nested, so that the order of new ids shows. */
#define NESTED                                                                                     \
  "{\"type\":\"struct\",\"schema-id\":4,\"identifier-field-ids\":[30],\"fields\":["                \
  "{\"id\":10,\"name\":\"place\",\"required\":true,\"type\":{\"type\":\"struct\",\"fields\":["     \
  "{\"id\":11,\"name\":\"lat\",\"required\":false,\"type\":\"double\"},"                           \
  "{\"id\":12,\"name\":\"a.b\",\"required\":false,\"type\":\"string\"}]}},"                        \
  "{\"id\":20,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":21," \
  "\"element-required\":false,\"element\":\"string\"}},"                                           \
  "{\"id\":30,\"name\":\"id\",\"required\":true,\"type\":\"long\"}]}"

static firn_status create(const firn_table_create *how, firn_metadata **out, firn_error *err) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_update *updates;
  size_t n;
  FIRN_TRY(firn_table_create_updates(how, TEST_LOCATION, ctx->env, &arena, &updates, &n, err));
  return firn_updates_apply(NULL, NULL, updates, n, firn_ctx_now_us(ctx) / 1000, out, err);
}

static void ids_are_given_a_whole_level_before_its_children(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(NESTED, &arena, &schema, &err));
  const firn_partition_field by_text = {.source_id = 12,
                                        .field_id = 7777,
                                        .name = "t",
                                        .transform = {.kind = FIRN_TRANSFORM_TRUNCATE, .width = 2}};
  const firn_partition_spec spec = {.spec_id = 9, .n_fields = 1, .fields = &by_text};
  const firn_sort_field by_id = {.source_id = 30, .descending = true, .nulls_last = true};
  const firn_sort_order order = {.order_id = 9, .n_fields = 1, .fields = &by_id};
  const firn_table_create how = {.schema = &schema, .spec = &spec, .sort_order = &order};
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(create(&how, &m, &err));
  const firn_schema *fresh = firn_metadata_current_schema(m);
  assert_int_equal(fresh->schema_id, 0);
  assert_int_equal(fresh->root.children[0].id, 1);
  assert_int_equal(fresh->root.children[1].id, 2);
  assert_int_equal(fresh->root.children[2].id, 3);
  assert_int_equal(fresh->root.children[0].children[0].id, 4);
  assert_int_equal(fresh->root.children[0].children[1].id, 5);
  assert_int_equal(fresh->root.children[1].children[0].id, 6);
  assert_int_equal(fresh->n_identifier_ids, 1);
  assert_int_equal(fresh->identifier_ids[0], 3);
  assert_int_equal(firn_metadata_get(m)->last_column_id, 6);
  const firn_partition_spec *made = firn_metadata_default_spec(m);
  assert_int_equal(made->spec_id, 0);
  assert_int_equal(made->fields[0].source_id, 5); /* found by its place: its name has a dot in it */
  assert_int_equal(made->fields[0].field_id, 1000);
  const firn_sort_order *sorted = firn_metadata_sort_order(m, 1);
  assert_non_null(sorted);
  assert_int_equal(firn_metadata_get(m)->default_sort_order_id, 1);
  assert_int_equal(sorted->fields[0].source_id, 3);
  assert_true(sorted->fields[0].descending);
}

static void a_partition_over_a_column_that_is_not_there_is_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(NESTED, &arena, &schema, &err));
  const firn_partition_field missing = {.source_id = 99, .name = "x"};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &missing};
  const firn_table_create how = {.schema = &schema, .spec = &spec};
  firn_metadata *m = NULL;
  CHECK_STATUS(create(&how, &m, &err), FIRN_INVALID);
  CHECK_SAYS("no field 99");
}

static void properties_that_only_command_are_not_stored(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(NESTED, &arena, &schema, &err));
  static const firn_property given[] = {
      {"format-version", "2"}, {"uuid", "x"}, {"owner", "ops"}, {"write.parquet.compression-codec", "gzip"}};
  const firn_table_create how = {.schema = &schema, .properties = {4, given}};
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(create(&how, &m, &err));
  assert_int_equal(firn_metadata_get(m)->properties.n, 2);
  assert_string_equal(firn_metadata_property(m, "owner"), "ops");
  assert_string_equal(firn_metadata_property(m, "write.parquet.compression-codec"), "gzip");
}

static void the_wanted_version_is_made_or_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(NESTED, &arena, &schema, &err));
  static const struct {
    const char *text;
    int32_t number;
    firn_status status;
    int32_t made;
  } cases[] = {{NULL, 0, FIRN_OK, 2}, {NULL, 1, FIRN_OK, 1},         {"1", 0, FIRN_OK, 1},
               {"2", 0, FIRN_OK, 2},  {"3", 0, FIRN_UNSUPPORTED, 0}, {NULL, 3, FIRN_UNSUPPORTED, 0},
               {"1", 2, FIRN_OK, 2},  {"0", 0, FIRN_UNSUPPORTED, 0}, {NULL, -1, FIRN_INVALID, 0}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const firn_property version = {"format-version", cases[i].text};
    const firn_table_create how = {.schema = &schema,
                                   .properties = {cases[i].text == NULL ? 0 : 1, &version},
                                   .format_version = cases[i].number};
    FIRN_AUTO_METADATA *m = NULL;
    CHECK_STATUS(create(&how, &m, &err), cases[i].status);
    if (cases[i].status == FIRN_OK) {
      assert_int_equal(firn_metadata_get(m)->format_version, cases[i].made);
    }
  }
}

static firn_status create_once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  FIRN_TRY(test_schema_read(NESTED, &arena, &schema, NULL));
  const firn_partition_field by_id = {.source_id = 30, .name = "i"};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &by_id};
  const firn_table_create how = {.schema = &schema, .spec = &spec};
  FIRN_AUTO_METADATA *m = NULL;
  return create(&how, &m, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(create_once);
}

RUN_TESTS(ids_are_given_a_whole_level_before_its_children,
          a_partition_over_a_column_that_is_not_there_is_refused, properties_that_only_command_are_not_stored,
          the_wanted_version_is_made_or_refused, survives_oom)
