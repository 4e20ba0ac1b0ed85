#include "test_table.h"

#include "iceberg/commit/append.h"

static test_entries read_current(test_catalog *c, firn_ctx *ctx, firn_arena *arena) {
  firn_error err;
  test_entries entries;
  CHECK_OK(test_read_snapshot(c->base.stores, ctx, c->metadata, firn_metadata_current_snapshot(c->metadata),
                              arena, &entries, &err));
  return entries;
}

static const char *summary(const test_catalog *c, const char *key) {
  const char *value = firn_properties_get(&firn_metadata_current_snapshot(c->metadata)->summary, key);
  return value == NULL ? "(none)" : value;
}

static void append_rounds(test_catalog *c, firn_ctx *ctx, int n, const firn_append *how) {
  for (int i = 0; i < n; i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const char *prefix = firn_arena_printf(&arena, "r%d-", i);
    CHECK_OK(test_append(c, ctx, prefix, 2, how, &arena, NULL, &err));
  }
}

static const firn_property at_4[] = {{"commit.manifest.min-count-to-merge", "4"}};
static const firn_properties merge_at_4 = {1, at_4};

static void manifests_are_merged_when_there_are_enough(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
  append_rounds(&c, ctx, 3, NULL);
  assert_int_equal(read_current(&c, ctx, &arena).n_manifests, 3);
  append_rounds(&c, ctx, 1, NULL); /* the same paths again: the caller's affair */
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_manifests, 1);
  assert_int_equal(entries.n_live, 8);
  assert_string_equal(summary(&c, "manifests-created"), "1");
  assert_string_equal(summary(&c, "manifests-kept"), "0");
  assert_string_equal(summary(&c, "manifests-replaced"), "3");
}

static void merged_entries_keep_their_sequence_numbers(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
  append_rounds(&c, ctx, 7, NULL); /* merged at 4, and the result merged again at 7 */
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_manifests, 1);
  assert_int_equal(entries.n_live, 14);
  assert_int_equal(entries.n_twice, 0);
  for (size_t i = 0; i < entries.n_live; i++) {
    const char *name = strstr(entries.paths[i], "/r") + 2; /* r<round>-<n>.parquet */
    assert_int_equal(entries.sequence_numbers[i], name[0] - '0' + 1);
    assert_int_equal(entries.snapshot_ids[i],
                     firn_metadata_get(c.metadata)->snapshots[name[0] - '0'].snapshot_id);
  }
  /* The manifest that our own files came in was folded into another and is gone. */
  assert_int_equal(test_count_objects(c.store, ctx, "-m"), 7);
}

static void a_fast_append_and_a_table_that_says_so_never_merge(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG fast = {0};
  static const firn_append in_haste = {.fast = true};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &fast, &err));
  append_rounds(&fast, ctx, 6, &in_haste);
  assert_int_equal(read_current(&fast, ctx, &arena).n_manifests, 6);
  static const firn_property never[] = {{"commit.manifest.min-count-to-merge", "4"},
                                        {"commit.manifest-merge.enabled", "false"}};
  const firn_properties properties = {2, never};
  FIRN_AUTO_TEST_CATALOG off = {0};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &off, &err));
  append_rounds(&off, ctx, 6, NULL);
  assert_int_equal(read_current(&off, ctx, &arena).n_manifests, 6);
}

static void a_hundred_are_kept_where_the_table_says_nothing(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  append_rounds(&c, ctx, 99, NULL);
  assert_int_equal(read_current(&c, ctx, &arena).n_manifests, 99);
  append_rounds(&c, ctx, 1, NULL);
  assert_int_equal(read_current(&c, ctx, &arena).n_manifests, 1);
  assert_int_equal(read_current(&c, ctx, &arena).n_live, 200);
}

static void what_does_not_fit_together_stays_apart(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  /* A manifest takes some thousand bytes here: one fits, two do not. */
  static const firn_property tight[] = {{"commit.manifest.min-count-to-merge", "2"},
                                        {"commit.manifest.target-size-bytes", "4096"}};
  const firn_properties properties = {2, tight};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  append_rounds(&c, ctx, 5, NULL);
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 10);
  assert_int_equal(entries.n_twice, 0);
  assert_true(entries.n_manifests > 1);
}

static void only_manifests_of_one_spec_are_merged(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
  append_rounds(&c, ctx, 3, NULL);
  const firn_update updates[] = {{.kind = FIRN_UPDATE_ADD_SPEC},
                                 {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 2, .updates = updates};
  CHECK_OK(firn_catalog_commit(&c.base, ctx, &commit, 1, NULL, &err));
  for (int i = 0; i < 4; i++) {
    firn_data_file file = test_data_file(firn_arena_printf(&arena, "memory://lake/flat%d", i), -1, &arena);
    file.spec_id = 1;
    file.partition = NULL;
    const firn_append append = {.n_files = 1, .files = &file};
    CHECK_OK(firn_append_commit(&c.base, ctx, &test_table_id, &append, &arena, NULL, &err));
  }
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 10);
  assert_int_equal(entries.n_manifests,
                   2); /* three old ones in one, which waited for nobody; four new in one */
}

static void manifests_without_live_files_are_left_behind(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "", 0, NULL, &arena, NULL, &err));
  append_rounds(&c, ctx, 1, NULL);
  assert_int_equal(read_current(&c, ctx, &arena).n_manifests, 1);
}

static void a_merge_is_not_done_again_after_a_lost_race(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
  append_rounds(&c, ctx, 3, NULL);
  c.conflicts = 3;
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "last", 2, NULL, &arena, &r, &err));
  assert_int_equal(r.n_attempts, 4);
  assert_int_equal(r.n_manifests, 1);
  assert_int_equal(read_current(&c, ctx, &arena).n_live, 8);
  /* Three of before and the merged one, which is the second that this append wrote. */
  assert_int_equal(test_count_objects(c.store, ctx, "-m"), 4);
  assert_int_equal(test_count_objects(c.store, ctx, "-m1.avro"), 1);
  assert_int_equal(test_count_objects(c.store, ctx, "-m2.avro"), 0);
}

static void a_lost_answer_to_a_merging_append_doubles_nothing(void **state) {
  (void)state;
  for (int after = 0; after < 2; after++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TEST_CATALOG c = {0};
    CHECK_OK(test_catalog_open(NULL, true, &merge_at_4, ctx, &c, &err));
    append_rounds(&c, ctx, 3, NULL);
    c.lost_before = !after;
    c.lost_after = after;
    CHECK_OK(test_append(&c, ctx, "last", 2, NULL, &arena, NULL, &err));
    test_entries entries = read_current(&c, ctx, &arena);
    assert_int_equal(entries.n_live, 8);
    assert_int_equal(entries.n_twice, 0);
  }
}

/* Forgets the snapshot of a lost answer before its writer looks: what an eager expiry does. */
static void expire_all_but_the_head(test_catalog *c, firn_ctx *ctx) {
  firn_error err;
  const firn_metadata_fields *m = firn_metadata_get(c->metadata);
  int64_t *ids = firn_alloc((m->n_snapshots + 1) * sizeof *ids);
  assert_non_null(ids);
  size_t n = 0;
  for (size_t i = 0; i < m->n_snapshots; i++) {
    if (m->snapshots[i].snapshot_id != m->current_snapshot_id) {
      ids[n++] = m->snapshots[i].snapshot_id;
    }
  }
  const firn_update update = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOTS, .ids = {n, ids}};
  firn_metadata *after = NULL;
  CHECK_OK(firn_updates_apply(c->metadata, NULL, &update, 1, firn_ctx_now_us(ctx) / 1000, &after, &err));
  firn_metadata_unref(c->metadata);
  c->metadata = after;
  firn_free(ids);
}

/* Our commit is done and its answer lost; before we look, somebody appends and expires. */
static firn_status load_after_expiry(firn_catalog *self, firn_ctx *ctx, const firn_table_id *id,
                                     firn_table *out, firn_error *err) {
  test_catalog *c = (test_catalog *)self;
  if (c->lost) {
    c->lost = false;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_TRY(test_append(c, ctx, "other", 1, NULL, &arena, NULL, err));
    expire_all_but_the_head(c, ctx);
  }
  return test_catalog_load(self, ctx, id, out, err);
}

static void a_snapshot_that_expired_before_we_looked_is_known_by_its_manifests(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  firn_catalog_ops ops = *c.base.ops;
  ops.table_load = load_after_expiry;
  c.base.ops = &ops;
  c.lost_after = 1;
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_true(r.was_uncertain);
  test_entries entries = read_current(&c, ctx, &arena);
  assert_int_equal(entries.n_live, 3);
  assert_int_equal(entries.n_twice, 0);
  assert_int_equal(firn_metadata_get(c.metadata)->n_snapshots, 1);
}

RUN_TESTS(manifests_are_merged_when_there_are_enough, merged_entries_keep_their_sequence_numbers,
          a_fast_append_and_a_table_that_says_so_never_merge, a_hundred_are_kept_where_the_table_says_nothing,
          what_does_not_fit_together_stays_apart, only_manifests_of_one_spec_are_merged,
          manifests_without_live_files_are_left_behind, a_merge_is_not_done_again_after_a_lost_race,
          a_lost_answer_to_a_merging_append_doubles_nothing,
          a_snapshot_that_expired_before_we_looked_is_known_by_its_manifests)
