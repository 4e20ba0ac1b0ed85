/* Appends while memory runs out and stores fail, call by call. */
#include "test_table.h"

#include "iceberg/commit/append.h"

static const firn_property at_2[] = {{"commit.manifest.min-count-to-merge", "2"},
                                     {"write.metadata.delete-after-commit.enabled", "true"},
                                     {"write.metadata.previous-versions-max", "1"}};
static const firn_properties properties = {3, at_2};

/* Two appends, of which the second merges. `n_ok` counts those that are in. */
static firn_status append_two(test_catalog *c, firn_ctx *ctx, size_t *n_ok, firn_error *err) {
  static const char *const prefixes[] = {"a", "b"};
  for (size_t i = 0; i < 2; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_TRY(test_append(c, ctx, prefixes[i], 2, NULL, &arena, NULL, err));
    (*n_ok)++;
  }
  return FIRN_OK;
}

/* --- memory --- */

static firn_status count_objects(test_catalog *c, firn_ctx *ctx, const char *part, size_t *n) {
  FIRN_AUTO_LISTING *listing = NULL;
  FIRN_TRY(firn_store_list(c->store, ctx, "", &listing, NULL));
  for (*n = 0;;) {
    const firn_listed *listed;
    FIRN_TRY(firn_listing_next(listing, ctx, &listed, NULL));
    if (listed == NULL) {
      return FIRN_OK;
    }
    *n += strstr(listed->path, part) != NULL;
  }
}

static firn_status append_and_read(void) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  size_t n_ok = 0, n_manifests, n_metadata;
  test_entries entries;
  FIRN_TRY(test_catalog_open(NULL, true, &properties, ctx, &c, NULL));
  FIRN_TRY(append_two(&c, ctx, &n_ok, NULL));
  FIRN_TRY(test_read_snapshot(c.base.stores, ctx, c.metadata, firn_metadata_current_snapshot(c.metadata),
                              &arena, &entries, NULL));
  FIRN_TRY(count_objects(&c, ctx, "-m", &n_manifests));
  FIRN_TRY(count_objects(&c, ctx, ".metadata.json", &n_metadata));
  if (entries.n_live != 4 || entries.n_twice != 0 || entries.n_manifests != 1) {
    return FIRN_CORRUPT;
  }
  /* An allocation that fails while a commit that has happened tidies up fails nobody; all it leaves is a file
   * too many, and that is how the loop learns of it. */
  return n_manifests == 2 && n_metadata == 2 ? FIRN_OK : FIRN_NOMEM;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(append_and_read);
}

/* --- stores --- */

static size_t count_files(test_catalog *c, firn_ctx *ctx) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(c->base.stores, ctx, c->metadata, firn_metadata_current_snapshot(c->metadata),
                              &arena, &entries, &err));
  assert_int_equal(entries.n_twice, 0);
  return entries.n_live;
}

/* Store call `fail_at` after the table was made fails. True when there was no such call any more. */
static bool run_with_fault(size_t fail_at, firn_status fault) {
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *memory = NULL, *faulty = NULL;
  FIRN_AUTO_TEST_CATALOG c = {0};
  size_t n_before;
  { /* how many calls making the table takes */
    FIRN_AUTO_TEST_CATALOG probe = {0};
    CHECK_OK(firn_memory_store_open(0, &memory, &err));
    CHECK_OK(firn_faulty_store_open(memory, SIZE_MAX, fault, &faulty, &err));
    CHECK_OK(test_catalog_open(faulty, true, &properties, ctx, &probe, &err));
    n_before = firn_faulty_store_calls(faulty);
  }
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, n_before + fail_at, fault, &faulty, &err));
  CHECK_OK(test_catalog_open(faulty, true, &properties, ctx, &c, &err));

  size_t n_ok = 0;
  firn_status status = append_two(&c, ctx, &n_ok, &err);
  if (firn_faulty_store_calls(faulty) <= n_before + fail_at) {
    CHECK_OK(status);
    return true;
  }
  if (status != FIRN_OK) {
    assert_int_equal(status, fault == FIRN_UNCERTAIN ? FIRN_IO : fault);
  }
  /* What was said to be in is in, what failed is not: a failing file is no uncertain commit. */
  assert_int_equal(count_files(&c, ctx), 2 * n_ok);
  assert_int_equal(firn_metadata_get(c.metadata)->n_snapshots, n_ok);
  /* And the table takes the rest. */
  CHECK_OK(test_append(&c, ctx, "again", 2, NULL, &arena, NULL, &err));
  assert_int_equal(count_files(&c, ctx), 2 * n_ok + 2);
  return false;
}

static void every_failing_store_call_leaves_a_right_table(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_UNCERTAIN, FIRN_TIMEOUT, FIRN_DENIED};
  for (size_t k = 0; k < FIRN_COUNT_OF(faults); k++) {
    size_t n = 0;
    while (!run_with_fault(n, faults[k])) {
      n++;
    }
    assert_true(n > 10); /* it did go through all of them */
  }
}

static void a_lost_answer_of_a_store_is_never_an_uncertain_commit(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  firn_store *memory = NULL, *faulty = NULL;
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, 3, FIRN_UNCERTAIN, &faulty, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(faulty, true, &properties, ctx, &c, &err));
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_true(firn_faulty_store_calls(faulty) > 3);
  assert_false(r.was_uncertain);
  assert_int_equal(r.n_attempts, 1);
  assert_int_equal(count_files(&c, ctx), 2);
}

RUN_TESTS(survives_oom, every_failing_store_call_leaves_a_right_table,
          a_lost_answer_of_a_store_is_never_an_uncertain_commit)
