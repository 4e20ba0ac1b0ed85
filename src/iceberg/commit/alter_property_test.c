/* Properties, version, location; what follows the columns. */
#include "test_alter.h"

#include "iceberg/commit/alter_mapping_internal.h"

#define KIND(k) .kind = FIRN_CHANGE_##k

static firn_status set(firn_metadata **m, const char *key, const char *value, firn_error *err) {
  const firn_property one = {key, value};
  const firn_change change = {KIND(SET_PROPERTIES), .properties = {1, &one}};
  return alter_apply(m, &change, 1, err);
}

static firn_status unset(firn_metadata **m, const char *key, firn_error *err) {
  const firn_change change = {KIND(REMOVE_PROPERTIES), .n_names = 1, .names = &key};
  return alter_apply(m, &change, 1, err);
}

static void properties_are_set_and_removed(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_OK(set(&m, "a", "1", &err));
  CHECK_OK(set(&m, "b", "", &err));
  assert_string_equal(firn_metadata_property(m, "a"), "1");
  assert_string_equal(firn_metadata_property(m, "b"), "");
  CHECK_OK(unset(&m, "a", &err));
  CHECK_OK(unset(&m, "a", &err)); /* not there: nothing to do */
  assert_null(firn_metadata_property(m, "a"));
  const firn_property twice[] = {{"c", "1"}, {"c", "2"}, {"b", ""}};
  const char *const gone[] = {"c"};
  const firn_change in_order[] = {{KIND(SET_PROPERTIES), .properties = {3, twice}},
                                  {KIND(REMOVE_PROPERTIES), .n_names = 1, .names = gone}};
  CHECK_OK(firn_alter_plan(m, in_order, 2, 2000, &arena, &plan, &err));
  assert_int_equal(plan.n_updates, 0);
  CHECK_OK(alter_apply(&m, in_order, 1, &err));
  assert_string_equal(firn_metadata_property(m, "c"), "2");
}

static void reserved_ones_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(1, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_STATUS(set(&m, "uuid", "x", &err), FIRN_INVALID);
  CHECK_SAYS("setting properties: uuid is no property");
  CHECK_STATUS(unset(&m, "current-snapshot-id", &err), FIRN_INVALID);
  CHECK_STATUS(unset(&m, "format-version", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "", "x", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, NULL, "x", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "x", NULL, &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "x", "\xff", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "\xff", "x", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "format-version", "two", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "format-version", "0", &err), FIRN_INVALID);
  CHECK_STATUS(set(&m, "format-version", "3", &err), FIRN_UNSUPPORTED);
  CHECK_OK(set(&m, "format-version", "2", &err));
  assert_int_equal(firn_metadata_get(m)->format_version, 2);
  CHECK_STATUS(set(&m, "format-version", "1", &err), FIRN_INVALID);
  CHECK_SAYS("cannot go back to 1");
  firn_change up = {KIND(UPGRADE), .id = 2};
  CHECK_OK(alter_apply(&m, &up, 1, &err));
  up.id = INT64_MAX;
  CHECK_STATUS(alter_apply(&m, &up, 1, &err), FIRN_INVALID);
}

static void the_location_has_no_slash_at_its_end(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  firn_change move = {KIND(SET_LOCATION), .text = "s3://b/t//"};
  CHECK_OK(alter_apply(&m, &move, 1, &err));
  assert_string_equal(firn_metadata_get(m)->location, "s3://b/t");
  move.text = "";
  CHECK_STATUS(alter_apply(&m, &move, 1, &err), FIRN_INVALID);
  move.text = NULL;
  CHECK_STATUS(alter_apply(&m, &move, 1, &err), FIRN_INVALID);
}

static void properties_follow_their_columns(void **state) {
  (void)state;
  static const firn_property about[] = {
      {"write.metadata.metrics.column.name", "full"},
      {"write.metadata.metrics.column.place.city", "counts"},
      {"write.parquet.bloom-filter-enabled.column.n", "true"},
      {"write.parquet.stats-enabled.column.id", "false"},
      {"write.metadata.metrics.column.nix", "none"},
      {"write.metadata.metrics.default", "none"},
  };
  static const firn_change changes[] = {{KIND(RENAME_COLUMN), .name = "name", .to = "who"},
                                        {KIND(RENAME_COLUMN), .name = "place", .to = "where"},
                                        {KIND(DROP_COLUMN), .name = "n"}};
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  const firn_change set_all = {KIND(SET_PROPERTIES), .properties = {FIRN_COUNT_OF(about), about}};
  CHECK_OK(alter_apply(&m, &set_all, 1, &err));
  CHECK_OK(alter_apply(&m, changes, FIRN_COUNT_OF(changes), &err));
  assert_null(firn_metadata_property(m, "write.metadata.metrics.column.name"));
  assert_string_equal(firn_metadata_property(m, "write.metadata.metrics.column.who"), "full");
  assert_string_equal(firn_metadata_property(m, "write.metadata.metrics.column.where.city"), "counts");
  assert_null(firn_metadata_property(m, "write.parquet.bloom-filter-enabled.column.n"));
  assert_string_equal(firn_metadata_property(m, "write.parquet.stats-enabled.column.id"), "false");
  assert_string_equal(firn_metadata_property(m, "write.metadata.metrics.column.nix"), "none");
  assert_string_equal(firn_metadata_property(m, "write.metadata.metrics.default"), "none");
}

static void the_name_mapping_learns_new_names(void **state) {
  (void)state;
  static const firn_field in_struct[] = {{.name = "x", .kind = FIRN_KIND_INT}};
  static const firn_change changes[] = {
      {KIND(RENAME_COLUMN), .name = "name", .to = "who"},
      {KIND(DROP_COLUMN), .name = "n"},
      {KIND(RENAME_COLUMN), .name = "day", .to = "n"}, /* the name of one that went */
      {KIND(ADD_COLUMN), .name = "s",
       .field = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = in_struct}},
      {KIND(ADD_COLUMN), .name = "place.zip", .field = {.kind = FIRN_KIND_INT}},
      {KIND(RENAME_COLUMN), .name = "place.city", .to = "town"}};
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  CHECK_OK(set(&m, "schema.name-mapping.default",
               "[ {\"field-id\": 1, \"names\": [\"id\", \"ID\"]}, {\"field-id\":3,\"names\":[\"name\"]},"
               "{\"field-id\":4,\"names\":[\"day\"]},{\"field-id\":10,\"names\":[\"n\"]},{\"names\":[\"n\","
               "\"other\"]},"
               "{\"field-id\":5,\"names\":[\"place\"],\"fields\":[{\"field-id\":11,\"names\":[\"city\"]}]}]",
               &err));
  CHECK_OK(alter_apply(&m, changes, FIRN_COUNT_OF(changes), &err));
  assert_string_equal(
      firn_metadata_property(m, "schema.name-mapping.default"),
      "[{\"field-id\":1,\"names\":[\"id\",\"ID\"]},{\"field-id\":3,\"names\":[\"name\",\"who\"]},{\"field-"
      "id\":4,"
      "\"names\":[\"day\",\"n\"]},{\"names\":[\"other\"]},{\"field-id\":5,\"names\":[\"place\"],\"fields\":[{"
      "\"field-id\":11,\"names\":[\"city\",\"town\"]},{\"field-id\":24,\"names\":[\"zip\"]}]},{\"field-id\":"
      "22,"
      "\"names\":[\"s\"],\"fields\":[{\"field-id\":23,\"names\":[\"x\"]}]}]");
}

static void a_mapping_that_nobody_can_read_stays(void **state) {
  (void)state;
  static const char *const texts[] = {"",   "{",
                                      "{}", "[1, null, {\"names\":3}, {\"field-id\":\"x\"}]",
                                      "7",  "[{\"field-id\":3,\"names\":[\"name\"],\"fields\":{\"a\":1}}]"};
  const firn_change rename = {KIND(RENAME_COLUMN), .name = "name", .to = "who"};
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    FIRN_AUTO_METADATA *m = NULL;
    firn_error err = {0};
    CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
    CHECK_OK(set(&m, "schema.name-mapping.default", texts[i], &err));
    CHECK_OK(alter_apply(&m, &rename, 1, &err));
    if (texts[i][0] != '[') {
      assert_string_equal(firn_metadata_property(m, "schema.name-mapping.default"), texts[i]);
    }
  }
}

static firn_status update_mapping(void) {
  static const firn_field before[] = {{.id = 1, .name = "a", .kind = FIRN_KIND_INT}};
  static const firn_field after[] = {{.id = 1, .name = "b", .kind = FIRN_KIND_INT},
                                     {.id = 2, .name = "a", .kind = FIRN_KIND_INT}};
  const firn_schema from = {.root = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = before}};
  const firn_schema to = {.root = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = after}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *text;
  FIRN_TRY(
      firn_alter_mapping_update("[{\"field-id\":1,\"names\":[\"a\"]}]", &from, &to, &arena, &text, NULL));
  assert_string_equal(text, "[{\"field-id\":1,\"names\":[\"b\"]},{\"field-id\":2,\"names\":[\"a\"]}]");
  return FIRN_OK;
}

static firn_status change_properties(void) {
  static const firn_property about[] = {{"write.metadata.metrics.column.name", "full"}, {"x", "y"}};
  static const char *const gone[] = {"write.parquet.compression-codec"};
  static const firn_change changes[] = {{KIND(SET_PROPERTIES), .properties = {2, about}},
                                        {KIND(REMOVE_PROPERTIES), .n_names = 1, .names = gone},
                                        {KIND(RENAME_COLUMN), .name = "name", .to = "who"}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(alter_table(2, ALTER_SCHEMA, "", "", &m, NULL));
  FIRN_TRY(alter_apply(&m, &changes[0], 1, NULL));
  return alter_apply(&m, changes, 3, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(update_mapping);
  check_survives_oom(change_properties);
}

RUN_TESTS(properties_are_set_and_removed, reserved_ones_are_refused, the_location_has_no_slash_at_its_end,
          properties_follow_their_columns, the_name_mapping_learns_new_names,
          a_mapping_that_nobody_can_read_stays, survives_oom)
