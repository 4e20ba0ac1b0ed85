/* Partition specs and sort orders: names, ids, what is taken up again. */
#include "test_alter.h"

static firn_status apply_text(firn_metadata **m, firn_change_kind kind, const char *text, firn_error *err) {
  const firn_change change = {.kind = kind, .text = text};
  return alter_apply(m, &change, 1, err);
}

/* One step, and the spec after it, which begins with its id; else it is refused with this text. */
typedef struct step {
  firn_change_kind kind;
  const char *text;
  const char *wanted;
} step;

static void check_steps(int32_t version, const char *partition_by, const step *steps, size_t n) {
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(alter_table(version, ALTER_SCHEMA, partition_by, "", &m, &err));
  for (size_t i = 0; i < n; i++) {
    firn_status status = apply_text(&m, steps[i].kind, steps[i].text, &err);
    if (steps[i].wanted[0] < '0' || steps[i].wanted[0] > '9') {
      assert_int_not_equal(status, FIRN_OK);
      CHECK_SAYS(steps[i].wanted);
    } else {
      CHECK_OK(status);
      assert_string_equal(alter_spec(m, &arena), steps[i].wanted);
    }
  }
}

#define CHECK_STEPS(version, by, ...)                            \
  do {                                                           \
    static const step steps_[] = {__VA_ARGS__};                  \
    check_steps((version), (by), steps_, FIRN_COUNT_OF(steps_)); \
  } while (0)

#define ADD FIRN_CHANGE_ADD_PARTITION
#define DROP FIRN_CHANGE_DROP_PARTITION
#define SET FIRN_CHANGE_SET_PARTITIONING

static void fields_come_and_go_with_their_ids(void **state) {
  (void)state;
  CHECK_STEPS(2, "", {ADD, "day(at)", "1: 1000 at_day 2 day"},
              {ADD, "bucket(16, id), name",
               "2: 1000 at_day 2 day, 1001 id_bucket_16 1 bucket[16], 1002 name 3 identity"},
              {DROP, "at_day", "3: 1001 id_bucket_16 1 bucket[16], 1002 name 3 identity"},
              /* back at the end, with the id it had */
              {ADD, "day(at)", "4: 1001 id_bucket_16 1 bucket[16], 1002 name 3 identity, 1000 at_day 2 day"},
              {DROP, "bucket(16, id), name", "1: 1000 at_day 2 day"}, /* that spec was there */
              {ADD, "bucket(16, id) as b", "5: 1000 at_day 2 day, 1003 b 1 bucket[16]"}, /* another name */
              {DROP, "b", "1: 1000 at_day 2 day"}, {DROP, "days(at)", "0:"});
  /* of a new table the name is shorter; it is kept when the field comes back */
  CHECK_STEPS(2, "bucket(16, id)", {DROP, "id_bucket", "1:"},
              {ADD, "bucket(16, id)", "0: 1000 id_bucket 1 bucket[16]"},
              {ADD, "bucket(8, id)", "2: 1000 id_bucket 1 bucket[16], 1001 id_bucket_8 1 bucket[8]"});
  CHECK_STEPS(2, "", {ADD, "truncate(3, name)", "1: 1000 name_trunc_3 3 truncate[3]"},
              {ADD, "place.city", "2: 1000 name_trunc_3 3 truncate[3], 1001 place.city 11 identity"});
}

static void from_days_to_hours_and_back(void **state) {
  (void)state;
  CHECK_STEPS(2, "hour(at)", {SET, "days(at)", "1: 1001 at_day 2 day"},
              {SET, "hour(at)", "0: 1000 at_hour 2 hour"},
              {ADD, "day(at)", "2: 1000 at_hour 2 hour, 1001 at_day 2 day"}, {SET, "", "3:"},
              {SET, "bucket(4, id), day(at)", "4: 1002 id_bucket_4 1 bucket[4], 1001 at_day 2 day"},
              {SET, "day(at), bucket(4, id)", "5: 1001 at_day 2 day, 1002 id_bucket_4 1 bucket[4]"},
              {SET, "day(at) as d, bucket(4, id)", "6: 1001 d 2 day, 1002 id_bucket_4 1 bucket[4]"},
              {SET, "day(at) as d, bucket(4, id)", "6: 1001 d 2 day, 1002 id_bucket_4 1 bucket[4]"},
              {SET, "name, identity(day)", "7: 1003 name 3 identity, 1004 day 4 identity"});
}

static void version_1_keeps_places_as_void(void **state) {
  (void)state;
  CHECK_STEPS(
      1, "day(at), name", {DROP, "at_day", "1: 1000 at_day 2 void, 1001 name 3 identity"},
      {ADD, "bucket(4, id)", "2: 1000 at_day 2 void, 1001 name 3 identity, 1002 id_bucket_4 1 bucket[4]"},
      /* its name is given to the new one */
      {ADD, "day(at)",
       "3: 1000 at_day_1000 2 void, 1001 name 3 identity, 1002 id_bucket_4 1 bucket[4], 1003 at_day 2 "
       "day"},
      {DROP, "at_day_1000", "no partition field at_day_1000"},
      {SET, "name",
       "4: 1000 at_day_1000 2 void, 1001 name 3 identity, 1002 id_bucket_4 1 void, 1003 at_day 2 void"});
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(alter_table(1, ALTER_SCHEMA, "day(at)", "", &m, &err));
  /* the column may go with it, and the version may change */
  const firn_change all[] = {{.kind = DROP, .text = "day(at)"},
                             {.kind = FIRN_CHANGE_DROP_COLUMN, .name = "at"}};
  CHECK_OK(alter_apply(&m, all, 2, &err));
  assert_string_equal(alter_spec(m, &arena), "1: 1000 at_day 2 void");
  const firn_change up = {.kind = FIRN_CHANGE_UPGRADE, .id = 2};
  CHECK_OK(alter_apply(&m, &up, 1, &err));
  CHECK_OK(apply_text(&m, ADD, "name", &err));
  assert_string_equal(alter_spec(m, &arena), "2: 1000 at_day 2 void, 1001 name 3 identity");
}

static void dropped_and_added_in_one_list_it_stays(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "day(at), name", "", &m, &err));
  const firn_change same[] = {{.kind = DROP, .text = "at_day"},
                              {.kind = ADD, .text = "day(at)"},
                              {.kind = ADD, .text = "bucket(4, id)"},
                              {.kind = DROP, .text = "id_bucket_4"}};
  CHECK_OK(firn_alter_plan(m, same, 4, 2000, &arena, &plan, &err));
  assert_int_equal(plan.n_updates, 0);
  const firn_change renamed[] = {{.kind = DROP, .text = "at_day"}, {.kind = ADD, .text = "day(at) as d"}};
  CHECK_OK(alter_apply(&m, renamed, 2, &err));
  assert_string_equal(alter_spec(m, &arena), "1: 1000 d 2 day, 1001 name 3 identity");
  const firn_change rename = {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "d", .to = "when"};
  CHECK_OK(alter_apply(&m, &rename, 1, &err));
  assert_string_equal(alter_spec(m, &arena), "2: 1000 when 2 day, 1001 name 3 identity");
}

static void what_clashes_is_refused(void **state) {
  (void)state;
  CHECK_STEPS(
      2, "day(at), name", {ADD, "day(at)", "partition field at_day does that already"},
      {ADD, "identity(name)", "partition field name does that already"},
      {ADD, "bucket(4, id) as at_day", "there is a partition field at_day already"},
      {ADD, "bucket(4, id) as day", "a column has its name"},
      {ADD, "year(at), month(at)", "another time of at redundant"},
      {ADD, "bucket(4, id), bucket(4, id)", "does that already"}, {ADD, "", "no partition field is named"},
      {ADD, "nix", "there is no column nix"}, {ADD, "day(name)", "day takes no string"},
      {ADD, NULL, "nothing is said"}, {DROP, "nix", "there is no partition field nix"},
      {DROP, "", "there is no partition field"}, {DROP, "hour(at)", "there is no partition field hour(at)"},
      {DROP, "day(at", "ends where"}, {DROP, "id_bucket", "there is no partition field id_bucket"},
      {SET, "day(at), hour(at)", "redundant"}, {FIRN_CHANGE_SET_SORT_ORDER, "nix", "there is no column nix"},
      {SET, "day(at), name", "0: 1000 at_day 2 day, 1001 name 3 identity"});
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "day(at), name", "", &m, &err));
  static const firn_change kept[] = {
      {.kind = ADD, .text = "day(at)", .if_not_exists = true},
      {.kind = DROP, .text = "nix", .if_exists = true},
  };
  CHECK_OK(alter_apply(&m, kept, 2, &err));
  assert_int_equal(firn_metadata_get(m)->n_specs, 1);
  static const firn_change renames[] = {
      {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "nix", .to = "x"},
      {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "at_day", .to = "name"},
      {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "at_day", .to = "day"},
      {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "at_day", .to = NULL},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(renames); i++) {
    assert_int_not_equal(alter_apply(&m, &renames[i], 1, &err), FIRN_OK);
  }
}

static void a_spec_may_use_a_column_of_the_same_list(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "day(at)", "name", &m, &err));
  static const firn_change all[] = {
      {.kind = FIRN_CHANGE_ADD_COLUMN, .name = "region", .field = {.kind = FIRN_KIND_STRING}},
      {.kind = SET, .text = "region"},
      {.kind = FIRN_CHANGE_SET_SORT_ORDER, .text = "region desc, bucket(4, id)"},
      {.kind = FIRN_CHANGE_DROP_COLUMN, .name = "at"},
      {.kind = FIRN_CHANGE_DROP_COLUMN, .name = "name"},
      {.kind = FIRN_CHANGE_RENAME_COLUMN, .name = "region", .to = "zone"},
  };
  CHECK_OK(alter_apply(&m, all, FIRN_COUNT_OF(all), &err));
  assert_string_equal(alter_spec(m, &arena), "1: 1001 region 22 identity");
  assert_string_equal(alter_order(m, &arena), "2: 22 identity desc last, 1 bucket[4] asc first");
}

static void sort_orders_are_taken_up_again(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  static const char *const steps[][2] = {
      {"", "0:"},
      {"at desc", "1: 2 identity desc last"},
      {"id, name desc nulls first", "2: 1 identity asc first, 3 identity desc first"},
      {"at desc nulls last", "1: 2 identity desc last"},
      {"", "0:"},
      {"day(at)", "3: 2 day asc first"},
  };
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &m, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(steps); i++) {
    CHECK_OK(apply_text(&m, FIRN_CHANGE_SET_SORT_ORDER, steps[i][0], &err));
    assert_string_equal(alter_order(m, &arena), steps[i][1]);
  }
  /* a table that was never unsorted */
  FIRN_AUTO_METADATA *sorted = NULL;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "id", &sorted, &err));
  CHECK_OK(apply_text(&sorted, FIRN_CHANGE_SET_SORT_ORDER, "", &err));
  assert_string_equal(alter_order(sorted, &arena), "0:");
}

static void the_plan_has_its_requirements(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "day(at)", "", &m, &err));
  const firn_change add = {.kind = ADD, .text = "bucket(4, id)"};
  CHECK_OK(firn_alter_plan(m, &add, 1, 2000, &arena, &plan, &err));
  for (size_t i = 1; i < plan.n_requirements; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_requirement_write(&plan.requirements[i], &w);
  }
  assert_int_equal(plan.requirements[0].kind, FIRN_ASSERT_TABLE_UUID);
  CHECK_BYTES(firn_builder_bytes(&b),
              "{\"type\":\"assert-last-assigned-partition-id\",\"last-assigned-partition-id\":1000}"
              "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0}"
              "{\"type\":\"assert-default-spec-id\",\"default-spec-id\":0}");
  firn_builder_reset(&b);
  for (size_t i = 0; i < plan.n_updates; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_update_write(&plan.updates[i], &w);
  }
  CHECK_BYTES(
      firn_builder_bytes(&b),
      "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":1,\"fields\":[{\"name\":\"at_day\",\"transform\":"
      "\"day\",\"source-id\":2,\"field-id\":1000},{\"name\":\"id_bucket_4\",\"transform\":\"bucket[4]\","
      "\"source-id\":1,\"field-id\":1001}]}}{\"action\":\"set-default-spec\",\"spec-id\":-1}");
}

static firn_status change_spec(void) {
  static const firn_change all[] = {{.kind = DROP, .text = "at_day"},
                                    {.kind = ADD, .text = "bucket(4, id), name as n"},
                                    {.kind = FIRN_CHANGE_RENAME_PARTITION, .name = "n", .to = "m"},
                                    {.kind = FIRN_CHANGE_SET_SORT_ORDER, .text = "at desc"}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(alter_table(1, ALTER_SCHEMA, "day(at)", "", &m, NULL));
  return alter_apply(&m, all, FIRN_COUNT_OF(all), NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(change_spec);
}

RUN_TESTS(fields_come_and_go_with_their_ids, from_days_to_hours_and_back, version_1_keeps_places_as_void,
          dropped_and_added_in_one_list_it_stays, what_clashes_is_refused,
          a_spec_may_use_a_column_of_the_same_list, sort_orders_are_taken_up_again,
          the_plan_has_its_requirements, survives_oom)
