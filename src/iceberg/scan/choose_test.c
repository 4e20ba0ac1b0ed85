#include "iceberg/scan/choose.h"

#include "test.h"

/* Snapshots 1 (schema 0), 2 and 3 (schema 1), 4 (on branch "audit" alone); the log went back to 1 once (a
 * rollback), and names 9, which has expired. Times are 2024-01-01T00:00:00Z and days after. */
static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"s3://b/t\","
    "\"last-sequence-number\":4,\"last-updated-ms\":1704499200000,\"last-column-id\":2,"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"old\",\"required\":false,\"type\":\"int\"}]},"
    "{\"type\":\"struct\",\"schema-id\":1,\"fields\":["
    "{\"id\":1,\"name\":\"new\",\"required\":false,\"type\":\"long\"}]}],"
    "\"current-schema-id\":1,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"default-spec-id\":0,"
    "\"last-partition-id\":999,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,"
    "\"properties\":{},\"current-snapshot-id\":3,\"snapshots\":["
    "{\"snapshot-id\":1,\"sequence-number\":1,\"timestamp-ms\":1704067200000,\"schema-id\":0,"
    "\"manifest-list\":\"s3://b/1.avro\",\"summary\":{\"operation\":\"append\"}},"
    "{\"snapshot-id\":2,\"parent-snapshot-id\":1,\"sequence-number\":2,\"timestamp-ms\":1704153600000,"
    "\"manifest-list\":\"s3://b/2.avro\",\"summary\":{\"operation\":\"append\"}},"
    "{\"snapshot-id\":3,\"parent-snapshot-id\":1,\"sequence-number\":3,\"timestamp-ms\":1704326400000,"
    "\"schema-id\":1,\"manifest-list\":\"s3://b/3.avro\",\"summary\":{\"operation\":\"append\"}},"
    "{\"snapshot-id\":4,\"parent-snapshot-id\":1,\"sequence-number\":4,\"timestamp-ms\":1704326400500,"
    "\"schema-id\":0,\"manifest-list\":\"s3://b/4.avro\",\"summary\":{\"operation\":\"append\"}}],"
    "\"snapshot-log\":[{\"timestamp-ms\":1704067200000,\"snapshot-id\":1},"
    "{\"timestamp-ms\":1704153600000,\"snapshot-id\":2},"
    "{\"timestamp-ms\":1704240000000,\"snapshot-id\":1},"
    "{\"timestamp-ms\":1704283200000,\"snapshot-id\":9},"
    "{\"timestamp-ms\":1704326400000,\"snapshot-id\":3}],\"metadata-log\":[],"
    "\"refs\":{\"main\":{\"snapshot-id\":3,\"type\":\"branch\"},"
    "\"audit\":{\"snapshot-id\":4,\"type\":\"branch\"},"
    "\"year-end\":{\"snapshot-id\":1,\"type\":\"tag\"},"
    "\"20240101\":{\"snapshot-id\":2,\"type\":\"tag\"},"
    "\"2024-01-02\":{\"snapshot-id\":4,\"type\":\"tag\"}}}";

static firn_metadata *read_table(const char *json) {
  firn_error err;
  firn_metadata *m = NULL;
  CHECK_OK(firn_metadata_read(firn_bytes_of(json), &m, &err));
  return m;
}

/* The chosen snapshot's id, 0 for none, -1 for FIRN_NOT_FOUND; `schema_id` may be NULL. */
static int64_t choose(const firn_metadata *m, firn_snapshot_choice choice, int32_t *schema_id,
                      firn_error *err) {
  const firn_snapshot *snapshot = NULL;
  const firn_schema *schema = NULL;
  firn_status status = firn_snapshot_choose(m, &choice, &snapshot, &schema, err);
  if (status != FIRN_OK) {
    assert_int_equal(status, FIRN_NOT_FOUND);
    return -1;
  }
  assert_non_null(schema);
  if (schema_id != NULL) {
    *schema_id = schema->schema_id;
  }
  return snapshot == NULL ? 0 : snapshot->snapshot_id;
}

static int64_t choose_version(const firn_metadata *m, const char *text, int32_t *schema_id, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_snapshot_choice choice;
  CHECK_STATUS(firn_snapshot_choice_of_version(firn_bytes_of(text), &arena, &choice, err), FIRN_OK);
  return choose(m, choice, schema_id, err);
}

static void the_current_snapshot_comes_with_the_current_schema(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  int32_t schema = -1;
  assert_int_equal(choose(m, (firn_snapshot_choice){0}, &schema, &err), 3);
  assert_int_equal(schema, 1);
}

static void an_id_comes_with_its_own_schema(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  int32_t schema = -1;
  assert_int_equal(choose(m, (firn_snapshot_choice){.kind = FIRN_CHOOSE_ID, .id = 1}, &schema, &err), 1);
  assert_int_equal(schema, 0);
  assert_int_equal(choose(m, (firn_snapshot_choice){.kind = FIRN_CHOOSE_ID, .id = 2}, &schema, &err), 2);
  assert_int_equal(schema, 1); /* it does not say: the current one */
  assert_int_equal(choose(m, (firn_snapshot_choice){.kind = FIRN_CHOOSE_ID, .id = 7}, NULL, &err), -1);
  CHECK_SAYS("no snapshot 7; the current one of its 4 is 3");
}

/* Trap 68: by the log, in which a rollback shows, not by parents. */
static void a_time_goes_by_the_log(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  static const struct {
    int64_t ms, id;
  } cases[] = {{1704067200000, 1}, {1704153599999, 1}, {1704153600000, 2},   {1704239999999, 2},
               {1704240000000, 1}, {1704326400000, 3}, {INT64_MAX / 1000, 3}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_TIME, .timestamp_ms = cases[i].ms};
    assert_int_equal(choose(m, choice, NULL, &err), cases[i].id);
  }
  int32_t schema = -1;
  firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_TIME, .timestamp_ms = 1704067200001};
  (void)choose(m, choice, &schema, &err);
  assert_int_equal(schema, 0);
}

static void a_time_without_an_answer_says_why(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  firn_snapshot_choice choice = {.kind = FIRN_CHOOSE_TIME, .timestamp_ms = 1704067199999};
  assert_int_equal(choose(m, choice, NULL, &err), -1);
  CHECK_SAYS("begins at 2024-01-01T00:00:00.000000+00:00, after 2023-12-31T23:59:59.999000+00:00");
  choice.timestamp_ms = 1704283200000;
  assert_int_equal(choose(m, choice, NULL, &err), -1);
  CHECK_SAYS("snapshot 9, current at 2024-01-03T12:00:00.000000+00:00, has expired");
  choice.timestamp_ms = INT64_MIN;
  assert_int_equal(choose(m, choice, NULL, &err), -1);
}

static void a_branch_is_read_with_the_current_schema_and_a_tag_with_its_own(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  int32_t schema = -1;
  assert_int_equal(choose_version(m, "audit", &schema, &err), 4);
  assert_int_equal(schema, 1);
  assert_int_equal(choose_version(m, "year-end", &schema, &err), 1);
  assert_int_equal(schema, 0);
  assert_int_equal(choose_version(m, "main", NULL, &err), 3);
}

static void a_slip_in_a_name_is_answered_with_the_nearest(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  assert_int_equal(choose_version(m, "audti", NULL, &err), -1);
  CHECK_SAYS("no branch or tag 'audti'; is 'audit' meant?");
  assert_int_equal(choose_version(m, "something else", NULL, &err), -1);
  CHECK_SAYS("it has 5 others");
}

static void a_version_is_an_id_or_a_name_or_a_time(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(table);
  assert_int_equal(choose_version(m, " 2 ", NULL, &err), 2);
  assert_int_equal(choose_version(m, "20240101", NULL, &err), 2);   /* no such id, but a tag */
  assert_int_equal(choose_version(m, "2024-01-02", NULL, &err), 4); /* a tag before a time */
  assert_int_equal(choose_version(m, "2024-01-05", NULL, &err), 3);
  assert_int_equal(choose_version(m, "2024-01-02 00:00:00", NULL, &err), 2);
  assert_int_equal(choose_version(m, "99999999999999999999", NULL, &err), -1); /* too long for an id */
  CHECK_SAYS("no branch or tag");
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_snapshot_choice choice;
  CHECK_STATUS(firn_snapshot_choice_of_version(FIRN_LITERAL("  "), &arena, &choice, &err), FIRN_INVALID);
  CHECK_STATUS(firn_snapshot_choice_of_version((firn_bytes){NULL, 0}, &arena, &choice, &err), FIRN_INVALID);
  CHECK_STATUS(firn_snapshot_choice_of_version(FIRN_LITERAL("a\0b"), &arena, &choice, &err), FIRN_INVALID);
}

static void a_time_is_read_in_all_its_forms(void **state) {
  (void)state;
  firn_error err;
  const int64_t noon = INT64_C(1718452800000); /* 2024-06-15T12:00:00Z */
  static const struct {
    const char *text;
    int64_t offset_ms; /* from noon */
  } cases[] = {
      {"2024-06-15", -43200000},
      {" 2024-06-15 ", -43200000},
      {"2024-06-15 12:00:00", 0},
      {"2024-06-15 12:00", 0},
      {"2024-06-15T12:00:00Z", 0},
      {"2024-06-15t12:00:00z", 0},
      {"2024-06-15 12:00:00 UTC", 0},
      {"2024-06-15 12:00:00.5", 500},
      {"2024-06-15 12:00:00.123456", 123},
      {"2024-06-15 12:00:00.999999999", 999},
      {"2024-06-15 14:00:00+02:00", 0},
      {"2024-06-15 14:00:00 +02:00", 0},
      {"2024-06-15 14:00:00+0200", 0},
      {"2024-06-15 14:00:00+02", 0},
      {"2024-06-15T04:30:00.25-07:30", 250},
      {"1969-12-31 23:59:59.9995", -1 - noon}, /* floors, before 1970 too */
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_snapshot_choice choice;
    CHECK_OK(firn_snapshot_choice_of_time(firn_bytes_of(cases[i].text), &choice, &err));
    assert_int_equal(choice.kind, FIRN_CHOOSE_TIME);
    assert_int_equal(choice.timestamp_ms, noon + cases[i].offset_ms);
  }
}

static void what_is_no_time_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      "2024",
                                      "2024-06",
                                      "2024-13-01",
                                      "2024-06-31",
                                      "2024-06-15 ",
                                      "2024-06-15x12:00:00",
                                      "2024-06-15 12",
                                      "2024-06-15 25:00:00",
                                      "2024-06-15 12:00:00+",
                                      "2024-06-15 12:00:00+2",
                                      "2024-06-15 12:00:00+24:00",
                                      "2024-06-15 12:00:00+02:0x",
                                      "2024-06-15 12:00:00+02000",
                                      "2024-06-15 12:00:00 CET",
                                      "2024-06-15 Z",
                                      "2024-06-15 12:00:00 and a text that is far too long for any time",
                                      "1718452800",
                                      "yesterday"};
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    firn_error err;
    firn_snapshot_choice choice;
    firn_status wanted = i == 5 ? FIRN_OK : FIRN_INVALID; /* blanks around it do no harm */
    CHECK_STATUS(firn_snapshot_choice_of_time(firn_bytes_of(texts[i]), &choice, &err), wanted);
  }
}

static void a_table_without_snapshots_has_a_current_one_that_is_none(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = read_table(
      "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"s3://b/"
      "t\","
      "\"last-sequence-number\":0,\"last-updated-ms\":1,\"last-column-id\":0,"
      "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[]}],\"current-schema-id\":0,"
      "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"default-spec-id\":0,\"last-partition-id\":999,"
      "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0}");
  assert_int_equal(choose(m, (firn_snapshot_choice){0}, NULL, &err), 0);
  assert_int_equal(choose_version(m, "main", NULL, &err), 0);
  assert_int_equal(choose_version(m, "2024-01-01", NULL, &err), -1);
  CHECK_SAYS("no log of snapshots");
  assert_int_equal(choose_version(m, "17", NULL, &err), -1);
  CHECK_SAYS("no snapshot 17, nor any other");
}

static firn_status make_choice(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_snapshot_choice choice;
  firn_error err;
  return firn_snapshot_choice_of_version(FIRN_LITERAL("audit"), &arena, &choice, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(make_choice);
}

RUN_TESTS(the_current_snapshot_comes_with_the_current_schema, an_id_comes_with_its_own_schema,
          a_time_goes_by_the_log, a_time_without_an_answer_says_why,
          a_branch_is_read_with_the_current_schema_and_a_tag_with_its_own,
          a_slip_in_a_name_is_answered_with_the_nearest, a_version_is_an_id_or_a_name_or_a_time,
          a_time_is_read_in_all_its_forms, what_is_no_time_is_refused,
          a_table_without_snapshots_has_a_current_one_that_is_none, survives_oom)
