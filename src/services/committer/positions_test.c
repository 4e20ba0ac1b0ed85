#include "services/committer/positions.h"

#include "test_table.h"

static const char *const log_id = "0197f1a2-0000-7000-8000-00000000c001";
#define PROPERTY "firn.positions.0197f1a2-0000-7000-8000-00000000c001"
#define SUMMARY "firn.log.0197f1a2-0000-7000-8000-00000000c001"

static firn_arena arena = FIRN_ARENA_INIT(0);

static void text_and_back(void **state) {
  (void)state;
  firn_error err;
  firn_log_positions p = {0};
  assert_string_equal(firn_positions_text(&p, &arena), "{}");
  CHECK_OK(firn_positions_raise(&p, 7, 5, &arena, &err));
  CHECK_OK(firn_positions_raise(&p, 0, UINT64_C(9007199254740993), &arena, &err)); /* exact beyond 2^53 */
  CHECK_OK(firn_positions_raise(&p, 3, 1, &arena, &err));
  CHECK_OK(firn_positions_raise(&p, 7, 4, &arena, &err)); /* never back */
  const char *text = firn_positions_text(&p, &arena);
  assert_string_equal(text, "{\"0\":9007199254740993,\"3\":1,\"7\":5}");
  firn_log_positions again;
  CHECK_OK(firn_positions_parse(text, &arena, &again, &err));
  assert_string_equal(firn_positions_text(&again, &arena), text);
  assert_int_equal(firn_positions_get(&again, 0), UINT64_C(9007199254740993));
  assert_int_equal(firn_positions_get(&again, 4), 0);
  CHECK_OK(firn_positions_parse(" { \"2147483647\" : 9223372036854775807 } ", &arena, &again, &err));
  assert_int_equal(firn_positions_get(&again, INT32_MAX), INT64_MAX);
}

static void what_cannot_be_read_is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"",
                                      "17",
                                      "[1]",
                                      "{\"0\":-1}",
                                      "{\"0\":1.5}",
                                      "{\"0\":\"1\"}",
                                      "{\"0\":1e3}",
                                      "{\"00\":1}",
                                      "{\"-1\":1}",
                                      "{\"\":1}",
                                      "{\"2147483648\":1}",
                                      "{\"12345678901\":1}",
                                      "{\"0\":1,\"0\":2}",
                                      "{\"0\":9223372036854775808}",
                                      "{\"0\":null}",
                                      "{\"0\":1}x"};
  for (size_t i = 0; i < FIRN_COUNT_OF(wrong); i++) {
    firn_error err;
    firn_log_positions p;
    CHECK_STATUS(firn_positions_parse(wrong[i], &arena, &p, &err), FIRN_CORRUPT);
    CHECK_SAYS("the positions ");
  }
}

static void counts_what_lies_between(void **state) {
  (void)state;
  firn_error err;
  firn_log_positions from, to;
  CHECK_OK(firn_positions_parse("{\"0\":5,\"2\":9}", &arena, &from, &err));
  CHECK_OK(firn_positions_parse("{\"0\":7,\"1\":3,\"2\":4}", &arena, &to, &err));
  assert_int_equal(firn_positions_distance(&from, &to), 5);
  assert_false(firn_positions_reach(&from, &to));
  CHECK_OK(firn_positions_merge(&from, &to, &arena, &err));
  assert_string_equal(firn_positions_text(&from, &arena), "{\"0\":7,\"1\":3,\"2\":9}");
  assert_true(firn_positions_reach(&from, &to));
  assert_false(firn_positions_reach(&to, &from));
}

/* --- of a table --- */

static void commit_updates(test_catalog *c, firn_ctx *ctx, const firn_update *updates, size_t n) {
  firn_error err;
  const firn_table_commit commit = {.table = test_table_id, .n_updates = n, .updates = updates};
  CHECK_OK(firn_catalog_commit(&c->base, ctx, &commit, 1, NULL, &err));
}

static void append_with(test_catalog *c, firn_ctx *ctx, const char *prefix, const char *summary,
                        const char *property) {
  firn_error err;
  const firn_property in_summary = {SUMMARY, summary}, in_table = {PROPERTY, property};
  const firn_append how = {.summary = {summary != NULL, &in_summary},
                           .properties = {property != NULL, &in_table}};
  CHECK_OK(test_append(c, ctx, prefix, 1, &how, &arena, NULL, &err));
}

static const char *positions_of(const test_catalog *c, const char *branch) {
  firn_error err;
  firn_log_positions p;
  CHECK_OK(firn_positions_of(c->metadata, log_id, branch, &arena, &p, &err));
  return firn_positions_text(&p, &arena);
}

/* D1, D2: each of the two places is dropped by some engine. */
static void the_larger_of_property_and_summaries_counts(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c;
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  assert_string_equal(positions_of(&c, "main"), "{}");
  append_with(&c, ctx, "a", "{\"0\":5,\"1\":8}", "{\"0\":5,\"1\":8}");
  append_with(&c, ctx, "b", "{\"0\":9}", "{\"0\":9,\"1\":8}");
  append_with(&c, ctx, "foreign", NULL, NULL); /* an append that knows nothing of us */
  assert_string_equal(positions_of(&c, "main"), "{\"0\":9,\"1\":8}");

  const char *key = PROPERTY;
  const firn_update drop = {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {1, &key}};
  commit_updates(&c, ctx, &drop, 1);
  assert_string_equal(positions_of(&c, "main"), "{\"0\":9,\"1\":8}"); /* the summaries of all ancestors */

  const firn_property set = {PROPERTY, "{\"1\":20}"};
  const firn_update put = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &set}};
  commit_updates(&c, ctx, &put, 1);
  assert_string_equal(positions_of(&c, "main"), "{\"0\":9,\"1\":20}");
}

/* The property is what a rollback leaves: input is not taken twice. */
static void a_rollback_does_not_rewind(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c;
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  append_with(&c, ctx, "a", "{\"0\":5}", "{\"0\":5}");
  const firn_ref back = {
      .name = "main", .is_branch = true, .snapshot_id = firn_metadata_get(c.metadata)->current_snapshot_id};
  append_with(&c, ctx, "b", "{\"0\":9}", "{\"0\":9}");
  const firn_update rollback = {.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = back};
  commit_updates(&c, ctx, &rollback, 1);
  assert_string_equal(positions_of(&c, "main"), "{\"0\":9}");
}

static void expired_ancestors_end_the_walk(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c;
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  append_with(&c, ctx, "a", "{\"0\":5}", NULL);
  append_with(&c, ctx, "b", NULL, NULL);
  int64_t gone = firn_metadata_get(c.metadata)->snapshots[0].snapshot_id;
  assert_string_equal(positions_of(&c, "main"), "{\"0\":5}");
  const firn_update expire = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOTS, .ids = {1, &gone}};
  commit_updates(&c, ctx, &expire, 1);
  assert_string_equal(positions_of(&c, "main"), "{}");
  assert_string_equal(positions_of(&c, "no-such-branch"), "{}");
}

static void garbage_in_a_table_is_not_guessed_at(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c;
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  append_with(&c, ctx, "a", "{\"0\":5}", "five");
  firn_log_positions p;
  CHECK_STATUS(firn_positions_of(c.metadata, log_id, "main", &arena, &p, &err), FIRN_CORRUPT);
  CHECK_SAYS(PROPERTY ": the positions five");
  CHECK_OK(firn_positions_of(c.metadata, "another", "main", &arena, &p, &err));
  assert_int_equal(p.n, 0);
}

static firn_metadata *of_oom;

static firn_status read_of_oom(void) {
  FIRN_AUTO_ARENA a = FIRN_ARENA_INIT(0);
  firn_log_positions p;
  FIRN_TRY(firn_positions_of(of_oom, log_id, "main", &a, &p, NULL));
  return firn_positions_text(&p, &a) != NULL ? FIRN_OK : FIRN_NOMEM;
}

static void survives_oom(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c;
  CHECK_OK(test_catalog_open(NULL, false, NULL, ctx, &c, &err));
  append_with(&c, ctx, "a", "{\"0\":5,\"3\":1}", "{\"0\":5,\"2\":7}");
  of_oom = c.metadata;
  check_survives_oom(read_of_oom);
  firn_arena_free(&arena);
}

RUN_TESTS(text_and_back, what_cannot_be_read_is_refused, counts_what_lies_between,
          the_larger_of_property_and_summaries_counts, a_rollback_does_not_rewind,
          expired_ancestors_end_the_walk, garbage_in_a_table_is_not_guessed_at, survives_oom)
