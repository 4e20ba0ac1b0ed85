/* Branches, tags, rollback. */
#include "test_alter.h"

/* Snapshots 1 <- 2 <- 3 (main), 2 <- 4 (branch dev), 1 a tag; each a second after the one before. */
static firn_status make_history(firn_metadata **m, firn_error *err) {
  FIRN_AUTO_METADATA *empty = NULL;
  static const int64_t parents[] = {0, 1, 2, 2};
  firn_update updates[8] = {0};
  FIRN_TRY(alter_table(2, ALTER_SCHEMA, "", "", &empty, err));
  size_t n = 0;
  for (int64_t i = 0; i < 4; i++) {
    updates[n++] = (firn_update){.kind = FIRN_UPDATE_ADD_SNAPSHOT,
                                 .snapshot = {.snapshot_id = i + 1,
                                              .has_parent = i > 0,
                                              .parent_snapshot_id = parents[i],
                                              .sequence_number = i + 1,
                                              .timestamp_ms = 1000 + 1000 * i,
                                              .manifest_list = "memory://lake/x.avro",
                                              .operation = "append"}};
  }
  updates[n++] = (firn_update){.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                               .ref = {.name = "main", .snapshot_id = 3, .is_branch = true}};
  updates[n++] = (firn_update){.kind = FIRN_UPDATE_SET_SNAPSHOT_REF,
                               .ref = {.name = "dev", .snapshot_id = 4, .is_branch = true}};
  updates[n++] =
      (firn_update){.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = {.name = "first", .snapshot_id = 1}};
  return firn_updates_apply(empty, NULL, updates, n, 5000, m, err);
}

#define AT_ID(snapshot) {.kind = FIRN_AT_ID, .id = (snapshot)}
#define AT_TIME(ms) {.kind = FIRN_AT_TIME, .id = (ms)}
#define AT_REF(named) {.kind = FIRN_AT_REF, .ref = (named)}
#define KIND(k) .kind = FIRN_CHANGE_##k

static void refs_are_made_moved_and_dropped(void **state) {
  (void)state;
  static const struct {
    firn_change change;
    const char *refs;
  } steps[] = {
      {{KIND(CREATE_BRANCH), .name = "b"}, "main 3, dev 4, #first 1, b 3"},
      {{KIND(CREATE_TAG), .name = "t", .at = AT_ID(2), .max_ref_age_ms = 7},
       "main 3, dev 4, #first 1, b 3, #t 2 (0 0 7)"},
      {{KIND(CREATE_BRANCH), .name = "c", .at = AT_REF("first"), .min_snapshots_to_keep = 3,
        .max_snapshot_age_ms = 4},
       "main 3, dev 4, #first 1, b 3, #t 2 (0 0 7), c 1 (3 4 0)"},
      {{KIND(REPLACE_BRANCH), .name = "c", .at = AT_ID(4), .max_ref_age_ms = 5},
       "main 3, dev 4, #first 1, b 3, #t 2 (0 0 7), c 4 (3 4 5)"},
      {{KIND(SET_RETENTION), .name = "c", .min_snapshots_to_keep = -1, .max_snapshot_age_ms = 9},
       "main 3, dev 4, #first 1, b 3, #t 2 (0 0 7), c 4 (0 9 5)"},
      {{KIND(REPLACE_TAG), .name = "t", .at = AT_ID(3)},
       "main 3, dev 4, #first 1, b 3, #t 3 (0 0 7), c 4 (0 9 5)"},
      {{KIND(DROP_BRANCH), .name = "b"}, "main 3, dev 4, #first 1, #t 3 (0 0 7), c 4 (0 9 5)"},
      {{KIND(DROP_TAG), .name = "t"}, "main 3, dev 4, #first 1, c 4 (0 9 5)"},
      {{KIND(RENAME_REF), .name = "c", .to = "d"}, "main 3, dev 4, #first 1, d 4 (0 9 5)"},
      {{KIND(DROP_BRANCH), .name = "d"}, "main 3, dev 4, #first 1"},
      {{KIND(DROP_BRANCH), .name = "nix", .if_exists = true}, "main 3, dev 4, #first 1"},
      {{KIND(DROP_TAG), .name = "nix", .if_exists = true}, "main 3, dev 4, #first 1"},
      {{KIND(CREATE_BRANCH), .name = "dev", .if_not_exists = true}, "main 3, dev 4, #first 1"},
      {{KIND(SET_RETENTION), .name = "main", .min_snapshots_to_keep = 2}, "main 3 (2 0 0), dev 4, #first 1"},
      {{KIND(ROLLBACK), .at = AT_ID(2)}, "main 2 (2 0 0), dev 4, #first 1"},
      {{KIND(FAST_FORWARD), .name = "main", .to = "dev"}, "main 4 (2 0 0), dev 4, #first 1"},
      {{KIND(FAST_FORWARD), .name = "main", .to = "dev"}, "main 4 (2 0 0), dev 4, #first 1"},
      {{KIND(ROLLBACK), .at = AT_REF("first")}, "main 1 (2 0 0), dev 4, #first 1"},
      {{KIND(SET_CURRENT), .at = AT_ID(3)}, "main 3 (2 0 0), dev 4, #first 1"},
      {{KIND(ROLLBACK), .at = AT_TIME(3000)}, "main 2 (2 0 0), dev 4, #first 1"},
      {{KIND(ROLLBACK), .at = AT_TIME(1001)}, "main 1 (2 0 0), dev 4, #first 1"},
      {{KIND(SET_CURRENT), .at = AT_REF("dev")}, "main 4 (2 0 0), dev 4, #first 1"},
      {{KIND(REPLACE_BRANCH), .name = "main", .at = AT_ID(3)}, "main 3 (2 0 0), dev 4, #first 1"},
  };
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  CHECK_OK(make_history(&m, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(steps); i++) {
    CHECK_OK(alter_apply(&m, &steps[i].change, 1, &err));
    assert_string_equal(alter_refs(m, &arena), steps[i].refs);
    assert_int_equal(firn_metadata_get(m)->current_snapshot_id,
                     firn_metadata_ref_named(m, "main")->snapshot_id);
  }
}

static void a_time_is_looked_up_in_the_history(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(make_history(&m, &err)); /* whose log has one entry: 3, since 3000 */
  firn_change tag = {KIND(CREATE_TAG), .name = "t", .at = AT_TIME(3000)};
  CHECK_OK(alter_apply(&m, &tag, 1, &err));
  assert_int_equal(firn_metadata_ref_named(m, "t")->snapshot_id, 3);
  tag = (firn_change){KIND(CREATE_TAG), .name = "u", .at = AT_TIME(2999)};
  CHECK_STATUS(alter_apply(&m, &tag, 1, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("history does not reach back");
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  static const struct {
    firn_change change;
    firn_status status;
    const char *says;
  } cases[] = {
      {{KIND(CREATE_BRANCH), .name = "dev"}, FIRN_EXISTS, "making a branch: there is a branch dev already"},
      {{KIND(CREATE_TAG), .name = "dev", .if_not_exists = true},
       FIRN_EXISTS,
       "there is a branch dev already"},
      {{KIND(CREATE_TAG), .name = "main"}, FIRN_EXISTS, "there is a branch main already"},
      {{KIND(CREATE_TAG), .name = "t", .at = AT_ID(99)}, FIRN_NOT_FOUND, "there is no snapshot 99"},
      {{KIND(CREATE_TAG), .name = "t", .at = AT_REF("nix")}, FIRN_NOT_FOUND, "no branch or tag nix"},
      {{KIND(CREATE_TAG), .name = "t", .at = AT_REF(NULL)}, FIRN_NOT_FOUND, "without a name"},
      {{KIND(CREATE_TAG), .name = "t", .min_snapshots_to_keep = 1}, FIRN_INVALID, "only branches keep"},
      {{KIND(CREATE_TAG), .name = "t\xfe"}, FIRN_INVALID, "not UTF-8"},
      {{KIND(CREATE_BRANCH), .name = "b", .max_ref_age_ms = -2}, FIRN_INVALID, "greater than 0"},
      {{KIND(CREATE_BRANCH), .name = "b", .min_snapshots_to_keep = INT64_MAX}, FIRN_INVALID, "more than"},
      {{KIND(REPLACE_BRANCH), .name = "first", .at = AT_ID(1)}, FIRN_INVALID, "first is a tag, not a branch"},
      {{KIND(REPLACE_TAG), .name = "dev", .at = AT_ID(1)}, FIRN_INVALID, "dev is a branch, not a tag"},
      {{KIND(REPLACE_TAG), .name = "nix", .at = AT_ID(1)}, FIRN_NOT_FOUND, "there is no tag nix"},
      {{KIND(DROP_BRANCH), .name = "main"}, FIRN_INVALID, "main cannot be dropped"},
      {{KIND(DROP_TAG), .name = "main"}, FIRN_INVALID, "main cannot be dropped"},
      {{KIND(DROP_BRANCH), .name = "first", .if_exists = true}, FIRN_INVALID, "first is a tag"},
      {{KIND(DROP_BRANCH), .name = "nix"}, FIRN_NOT_FOUND, "there is no branch nix"},
      {{KIND(RENAME_REF), .name = "main", .to = "x"}, FIRN_INVALID, "main keeps its name"},
      {{KIND(RENAME_REF), .name = "dev", .to = "main"}, FIRN_INVALID, "main keeps its name"},
      {{KIND(RENAME_REF), .name = "dev", .to = "first"}, FIRN_EXISTS, "there is a tag first already"},
      {{KIND(RENAME_REF), .name = "dev"}, FIRN_INVALID, "new name of a branch or tag is missing"},
      {{KIND(SET_RETENTION), .name = "first", .max_snapshot_age_ms = 1}, FIRN_INVALID, "only branches keep"},
      {{KIND(FAST_FORWARD), .name = "main", .to = "dev"}, FIRN_INVALID, "it is not an ancestor of dev"},
      {{KIND(FAST_FORWARD), .name = "main", .to = "first"}, FIRN_INVALID, "it is not an ancestor of first"},
      {{KIND(FAST_FORWARD), .name = "main", .to = NULL}, FIRN_NOT_FOUND, "without a name"},
      {{KIND(FAST_FORWARD), .name = "first", .to = "main"}, FIRN_INVALID, "first is a tag"},
      {{KIND(ROLLBACK), .at = AT_ID(4)}, FIRN_INVALID, "snapshot 4 is not an ancestor of the current one"},
      {{KIND(ROLLBACK), .at = AT_ID(9)}, FIRN_NOT_FOUND, "there is no snapshot 9"},
      {{KIND(ROLLBACK), .at = AT_TIME(1000)}, FIRN_NOT_FOUND, "no snapshot from before that time"},
      {{KIND(SET_CURRENT), .at = AT_ID(-1)}, FIRN_NOT_FOUND, "there is no snapshot -1"},
  };
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(make_history(&m, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    err = (firn_error){0};
    if (alter_apply(&m, &cases[i].change, 1, &err) != cases[i].status) {
      print_error("case %zu: %s\n", i, err.text);
    }
    assert_int_equal(err.status, cases[i].status);
    CHECK_SAYS(cases[i].says);
  }
  FIRN_AUTO_METADATA *empty = NULL;
  CHECK_OK(alter_table(2, ALTER_SCHEMA, "", "", &empty, &err));
  const firn_change of_nothing[] = {{KIND(CREATE_BRANCH), .name = "b"}, {KIND(ROLLBACK), .at = AT_TIME(9)}};
  for (size_t i = 0; i < FIRN_COUNT_OF(of_nothing); i++) {
    CHECK_STATUS(alter_apply(&empty, &of_nothing[i], 1, &err), FIRN_INVALID);
    CHECK_SAYS("the table has no snapshot yet");
  }
}

static void parents_may_run_in_a_circle(void **state) {
  (void)state;
  static const char text[] =
      "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"memory://"
      "lake/t\","
      "\"last-sequence-number\":2,\"last-updated-ms\":5,\"last-column-id\":1,\"current-schema-id\":0,"
      "\"schemas\":[{"
      "\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"x\",\"required\":false,\"type\":"
      "\"int\"}]}],"
      "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"last-partition-id\":999,"
      "\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"current-snapshot-id\":"
      "1,"
      "\"snapshots\":[{\"snapshot-id\":1,\"parent-snapshot-id\":2,\"timestamp-ms\":5,\"sequence-number\":1,"
      "\"summary\":{"
      "\"operation\":\"append\"},\"manifest-list\":\"a\"},{\"snapshot-id\":2,\"parent-snapshot-id\":1,"
      "\"timestamp-ms\":5,"
      "\"sequence-number\":2,\"summary\":{\"operation\":\"append\"},\"manifest-list\":\"b\"},{\"snapshot-"
      "id\":3,"
      "\"timestamp-ms\":5,\"sequence-number\":2,\"summary\":{\"operation\":\"append\"},\"manifest-list\":"
      "\"c\"}]}";
  FIRN_AUTO_METADATA *m = NULL;
  firn_error err = {0};
  CHECK_OK(firn_metadata_read(firn_bytes_of(text), &m, &err));
  const firn_change back = {KIND(ROLLBACK), .at = AT_ID(3)};
  CHECK_STATUS(alter_apply(&m, &back, 1, &err), FIRN_INVALID);
  const firn_change early = {KIND(ROLLBACK), .at = AT_TIME(1)};
  CHECK_STATUS(alter_apply(&m, &early, 1, &err), FIRN_NOT_FOUND);
}

static void every_ref_is_fenced(void **state) {
  (void)state;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err = {0};
  firn_alter_result plan;
  CHECK_OK(make_history(&m, &err));
  const firn_change all[] = {{KIND(RENAME_REF), .name = "dev", .to = "d"}, {KIND(ROLLBACK), .at = AT_ID(1)}};
  CHECK_OK(firn_alter_plan(m, all, 2, 2000, &arena, &plan, &err));
  for (size_t i = 1; i < plan.n_requirements; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_requirement_write(&plan.requirements[i], &w);
  }
  CHECK_BYTES(firn_builder_bytes(&b),
              "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"dev\",\"snapshot-id\":4}"
              "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":3}"
              "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"d\",\"snapshot-id\":null}");
}

static firn_status change_refs(void) {
  static const firn_change all[] = {{KIND(CREATE_BRANCH), .name = "b"},
                                    {KIND(CREATE_TAG), .name = "t", .at = AT_ID(2)},
                                    {KIND(RENAME_REF), .name = "dev", .to = "d"},
                                    {KIND(ROLLBACK), .at = AT_ID(1)},
                                    {KIND(DROP_TAG), .name = "first"}};
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(make_history(&m, NULL));
  return alter_apply(&m, all, FIRN_COUNT_OF(all), NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(change_refs);
}

RUN_TESTS(refs_are_made_moved_and_dropped, a_time_is_looked_up_in_the_history, what_makes_no_sense_is_refused,
          parents_may_run_in_a_circle, every_ref_is_fenced, survives_oom)
