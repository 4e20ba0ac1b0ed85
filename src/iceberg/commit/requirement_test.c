#include "test_table.h"

#define UUID "9c12d441-03fe-4693-9a96-a0705ddf69c1"

/* A table with one snapshot, 42, on main and a tag on it. */
static firn_status make_table(firn_metadata **out, firn_error *err) {
  FIRN_AUTO_METADATA *empty = NULL;
  FIRN_TRY(test_table_new(TEST_LOCATION, true, NULL, test_ctx(), &empty, err));
  int64_t now = firn_metadata_get(empty)->last_updated_ms;
  const firn_update updates[] = {
      {.kind = FIRN_UPDATE_ADD_SNAPSHOT,
       .snapshot = {.snapshot_id = 42,
                    .sequence_number = 1,
                    .timestamp_ms = now,
                    .manifest_list = TEST_LOCATION "/metadata/snap-42.avro",
                    .operation = "append"}},
      {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "main", .snapshot_id = 42, .is_branch = true}},
      {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "gold", .snapshot_id = 42}},
  };
  return firn_updates_apply(empty, NULL, updates, 3, now, out, err);
}

static firn_status check(firn_requirement r, const firn_metadata *base, firn_error *err) {
  return firn_requirement_check(&r, base, err);
}

static void a_table_that_is_as_expected_passes(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(make_table(&m, &err));
  const firn_metadata_fields *f = firn_metadata_get(m);
  const firn_requirement good[] = {
      {.kind = FIRN_ASSERT_TABLE_UUID, .text = f->table_uuid},
      {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main", .has_snapshot_id = true, .id = 42},
      {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "gold", .has_snapshot_id = true, .id = 42},
      {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "dev"},
      {.kind = FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID, .id = 3},
      {.kind = FIRN_ASSERT_CURRENT_SCHEMA_ID, .id = 0},
      {.kind = FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID, .id = 1000},
      {.kind = FIRN_ASSERT_DEFAULT_SPEC_ID, .id = 0},
      {.kind = FIRN_ASSERT_DEFAULT_SORT_ORDER_ID, .id = 0},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(good); i++) {
    CHECK_OK(check(good[i], m, &err));
  }
}

static void failures_have_the_texts_of_the_reference(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(make_table(&m, &err));
  const struct {
    firn_requirement r;
    const char *text;
  } bad[] = {
      {{.kind = FIRN_ASSERT_CREATE}, "Requirement failed: table already exists"},
      {{.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main"},
       "Requirement failed: branch main was created concurrently"},
      {{.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "gold"},
       "Requirement failed: tag gold was created concurrently"},
      {{.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main", .has_snapshot_id = true, .id = 41},
       "Requirement failed: branch main has changed: expected id 41 != 42"},
      {{.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "dev", .has_snapshot_id = true, .id = 41},
       "Requirement failed: branch or tag dev is missing, expected 41"},
      {{.kind = FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID, .id = 2},
       "Requirement failed: last assigned field id changed: expected id 2 != 3"},
      {{.kind = FIRN_ASSERT_CURRENT_SCHEMA_ID, .id = 1},
       "Requirement failed: current schema changed: expected id 1 != 0"},
      {{.kind = FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID, .id = 999},
       "Requirement failed: last assigned partition id changed: expected id 999 != 1000"},
      {{.kind = FIRN_ASSERT_DEFAULT_SPEC_ID, .id = 1},
       "Requirement failed: default partition spec changed: expected id 1 != 0"},
      {{.kind = FIRN_ASSERT_DEFAULT_SORT_ORDER_ID, .id = 1},
       "Requirement failed: default sort order changed: expected id 1 != 0"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    CHECK_STATUS(check(bad[i].r, m, &err), FIRN_CONFLICT);
    assert_string_equal(err.text, bad[i].text);
  }
}

static void a_foreign_uuid_is_named_beside_the_tables_own(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(make_table(&m, &err));
  CHECK_STATUS(check((firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = UUID}, m, &err),
               FIRN_CONFLICT);
  char wanted[200];
  (void)snprintf(wanted, sizeof wanted, "Requirement failed: UUID does not match: expected %s != " UUID,
                 firn_metadata_get(m)->table_uuid);
  assert_string_equal(err.text, wanted);
}

static void a_uuid_is_compared_whatever_its_case(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  CHECK_OK(make_table(&m, &err));
  char upper[37];
  for (size_t i = 0; i < sizeof upper; i++) {
    char c = firn_metadata_get(m)->table_uuid[i];
    upper[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
  }
  CHECK_OK(check((firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = upper}, m, &err));
}

static void a_table_that_does_not_exist_meets_only_what_asks_nothing_of_it(void **state) {
  (void)state;
  firn_error err;
  CHECK_OK(check((firn_requirement){.kind = FIRN_ASSERT_CREATE}, NULL, &err));
  CHECK_OK(check((firn_requirement){.kind = FIRN_ASSERT_REF_SNAPSHOT_ID, .text = "main"}, NULL, &err));
  CHECK_OK(check((firn_requirement){.kind = FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID, .id = 7}, NULL, &err));
  CHECK_STATUS(check((firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = UUID}, NULL, &err),
               FIRN_CONFLICT);
  CHECK_STATUS(check((firn_requirement){.kind = FIRN_ASSERT_DEFAULT_SPEC_ID}, NULL, &err), FIRN_CONFLICT);
}

/* --- JSON --- */

static const char *const all[] = {
    "{\"type\":\"assert-create\"}",
    "{\"type\":\"assert-table-uuid\",\"uuid\":\"" UUID "\"}",
    "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":8744736658442914487}",
    "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":null}",
    "{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":3}",
    "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0}",
    "{\"type\":\"assert-last-assigned-partition-id\",\"last-assigned-partition-id\":1000}",
    "{\"type\":\"assert-default-spec-id\",\"default-spec-id\":0}",
    "{\"type\":\"assert-default-sort-order-id\",\"default-sort-order-id\":0}",
};

static firn_status read(firn_bytes text, firn_arena *arena, firn_requirement *out, firn_error *err) {
  const firn_json_value *json;
  FIRN_TRY(firn_json_tree_read(text, arena, &json, err));
  return firn_requirement_read(json, arena, out, err);
}

static firn_status round_trips(void) {
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_requirement r;
    firn_bytes text;
    FIRN_TRY(read(firn_bytes_of(all[i]), &arena, &r, NULL));
    firn_requirement_write(&r, &w);
    FIRN_TRY(firn_builder_finish(&b, &text, NULL));
    CHECK_BYTES(text, all[i]);
  }
  return FIRN_OK;
}

static void every_requirement_is_read_and_written(void **state) {
  (void)state;
  CHECK_STATUS(round_trips(), FIRN_OK);
}

static void a_snapshot_id_of_63_bits_is_kept_whole(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_requirement r;
  CHECK_OK(read(FIRN_LITERAL("{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\","
                             "\"snapshot-id\":9223372036854775807}"),
                &arena, &r, &err));
  assert_true(r.has_snapshot_id);
  assert_int_equal(r.id, INT64_MAX);
}

static void a_missing_snapshot_id_asserts_that_the_ref_does_not_exist(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_requirement r;
  CHECK_OK(read(FIRN_LITERAL("{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"dev\"}"), &arena, &r, &err));
  assert_false(r.has_snapshot_id);
}

static void refuses_every_cut_and_unknown_kinds(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    for (size_t len = 0; len < strlen(all[i]); len++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_requirement r;
      CHECK_STATUS(read((firn_bytes){(const uint8_t *)all[i], len}, &arena, &r, NULL), FIRN_CORRUPT);
    }
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_requirement r;
  firn_error err;
  CHECK_STATUS(read(FIRN_LITERAL("{\"type\":\"assert-weather\"}"), &arena, &r, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("unknown requirement \"assert-weather\"");
  CHECK_STATUS(read(FIRN_LITERAL("{\"type\":\"assert-table-uuid\"}"), &arena, &r, &err), FIRN_CORRUPT);
  CHECK_SAYS("requirement assert-table-uuid");
  CHECK_STATUS(read(FIRN_LITERAL("{\"uuid\":\"x\"}"), &arena, &r, &err), FIRN_CORRUPT);
  CHECK_STATUS(
      read(FIRN_LITERAL("{\"type\":\"assert-default-spec-id\",\"default-spec-id\":\"0\"}"), &arena, &r, &err),
      FIRN_CORRUPT);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(round_trips);
}

RUN_TESTS(a_table_that_is_as_expected_passes, failures_have_the_texts_of_the_reference,
          a_foreign_uuid_is_named_beside_the_tables_own, a_uuid_is_compared_whatever_its_case,
          a_table_that_does_not_exist_meets_only_what_asks_nothing_of_it,
          every_requirement_is_read_and_written, a_snapshot_id_of_63_bits_is_kept_whole,
          a_missing_snapshot_id_asserts_that_the_ref_does_not_exist, refuses_every_cut_and_unknown_kinds,
          survives_oom)
