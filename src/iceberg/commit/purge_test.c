#include "iceberg/commit/purge.h"

#include "test_table.h"

/* Data files as objects, so that a purge has something to remove. */
static firn_status put_data(test_catalog *c, firn_ctx *ctx, const char *prefix, size_t n, firn_arena *arena,
                            firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    const char *path = firn_arena_printf(arena, "db/events/data/%s%zu.parquet", prefix, i);
    if (path == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory");
    }
    FIRN_TRY(firn_store_put(c->store, ctx, path, FIRN_LITERAL("PAR1"), FIRN_PUT_ALWAYS, NULL, err));
  }
  return FIRN_OK;
}

/* Three snapshots, some merged, with statistics, and a stranger's file beside them. */
static firn_status fill(test_catalog *c, firn_store *store, firn_ctx *ctx, const firn_properties *properties,
                        firn_error *err) {
  static const char *const prefixes[] = {"a", "b", "c"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_TRY(test_catalog_open(store, true, properties, ctx, c, err));
  firn_append_result r = {0};
  for (size_t i = 0; i < 3; i++) {
    FIRN_TRY(put_data(c, ctx, prefixes[i], 4, &arena, err));
    FIRN_TRY(test_append(c, ctx, prefixes[i], 4, NULL, &arena, &r, err));
  }
  const char *json = firn_arena_printf(&arena,
                                       "{\"snapshot-id\":%lld,\"statistics-path\":\"" TEST_LOCATION
                                       "/metadata/s.puffin\",\"file-size-in-bytes\":4,"
                                       "\"file-footer-size-in-bytes\":4,\"blob-metadata\":[]}",
                                       (long long)r.snapshot.snapshot_id);
  if (json == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  const firn_update update = {
      .kind = FIRN_UPDATE_SET_STATISTICS,
      .statistics = {.snapshot_id = r.snapshot.snapshot_id, .json = firn_bytes_of(json)}};
  const firn_table_commit commit = {.table = test_table_id, .n_updates = 1, .updates = &update};
  FIRN_TRY(firn_catalog_commit(&c->base, ctx, &commit, 1, NULL, err));
  FIRN_TRY(firn_store_put(c->store, ctx, "db/events/metadata/s.puffin", FIRN_LITERAL("PFA1"), FIRN_PUT_ALWAYS,
                          NULL, err));
  return firn_store_put(c->store, ctx, "db/events/data/stranger.parquet", FIRN_LITERAL("PAR1"),
                        FIRN_PUT_ALWAYS, NULL, err);
}

static const firn_property at_2[] = {{"commit.manifest.min-count-to-merge", "2"}};
static const firn_properties merging = {1, at_2};

static void everything_that_the_metadata_reaches_goes_and_nothing_else(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(fill(&c, NULL, ctx, &merging, &err));
  firn_purge_result r;
  CHECK_OK(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err));
  assert_int_equal(r.n_failed, 0);
  assert_int_equal(r.n_data_files, 24); /* as often as a manifest names them: 4, 4 + 4, 4 + 4 + 4 */
  assert_false(r.kept_data);
  assert_int_equal(test_count_objects(c.store, ctx, ""), 1);
  assert_int_equal(test_count_objects(c.store, ctx, "stranger"), 1);
}

static void manifests_that_snapshots_share_are_read_once(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(fill(&c, NULL, ctx, NULL, &err));
  firn_purge_result r;
  CHECK_OK(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err));
  assert_int_equal(r.n_failed, 0);
  assert_int_equal(r.n_data_files, 12);
  /* 3 manifests, 3 lists, 1 statistics file, 5 metadata files */
  assert_int_equal(r.n_metadata_files, 12);
  assert_int_equal(test_count_objects(c.store, ctx, ""), 1);
}

static void without_gc_the_data_stays(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property off = {"gc.enabled", "false"};
  const firn_properties properties = {1, &off};
  CHECK_OK(fill(&c, NULL, ctx, &properties, &err));
  firn_purge_result r;
  CHECK_OK(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err));
  assert_true(r.kept_data);
  assert_int_equal(r.n_data_files, 0);
  assert_int_equal(test_count_objects(c.store, ctx, "/data/"), 13);
  assert_int_equal(test_count_objects(c.store, ctx, "/metadata/"), 0);
}

static void a_second_purge_goes_on_where_the_first_one_failed(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_CANCELLED};
  for (size_t k = 0; k < FIRN_COUNT_OF(faults); k++) {
    size_t n_before = 0, n_tried = 0;
    for (bool is_over = false; !is_over; n_tried++) {
      firn_error err;
      firn_ctx *ctx = test_ctx();
      firn_store *memory = NULL, *faulty = NULL;
      FIRN_AUTO_TEST_CATALOG c = {0};
      CHECK_OK(firn_memory_store_open(0, &memory, &err));
      CHECK_OK(firn_faulty_store_open(memory, n_before == 0 ? SIZE_MAX : n_before + n_tried, faults[k],
                                      &faulty, &err));
      CHECK_OK(fill(&c, faulty, ctx, &merging, &err));
      if (n_before == 0) { /* the first run only counts what filling takes */
        n_before = firn_faulty_store_calls(faulty);
        n_tried = SIZE_MAX; /* begins at 0 */
        continue;
      }
      firn_purge_result r;
      firn_status status = firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err);
      is_over = firn_faulty_store_calls(faulty) <= n_before + n_tried;
      if (is_over) {
        CHECK_OK(status);
        break;
      }
      assert_true(status == faults[k] || (status == FIRN_OK && r.n_failed > 0));
      if (r.n_failed > 0) {
        assert_non_null(strstr(r.first_failure.text, "injected fault"));
      }
      CHECK_OK(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err));
      assert_int_equal(r.n_failed, 0);
      assert_int_equal(test_count_objects(c.store, ctx, ""), 1);
    }
    assert_true(n_tried > 10);
  }
}

static void a_broken_manifest_keeps_what_leads_to_it(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(fill(&c, NULL, ctx, NULL, &err));
  firn_listing *listing = NULL;
  char broken[FIRN_PATH_MAX + 1] = "";
  CHECK_OK(firn_store_list(c.store, ctx, "", &listing, &err));
  for (const firn_listed *listed; broken[0] == '\0';) {
    CHECK_OK(firn_listing_next(listing, ctx, &listed, &err));
    if (strstr(listed->path, "-m0.avro") != NULL) {
      memcpy(broken, listed->path, strlen(listed->path) + 1);
    }
  }
  firn_listing_close(listing);
  CHECK_OK(firn_store_put(c.store, ctx, broken, FIRN_LITERAL("Obj\1nonsense"), FIRN_PUT_ALWAYS, NULL, &err));
  firn_purge_result r;
  CHECK_OK(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, &err));
  assert_int_equal(r.n_failed, 1);
  assert_int_equal(test_count_objects(c.store, ctx, "-m0.avro"), 1);
  assert_int_equal(test_count_objects(c.store, ctx, "snap-"), 1);
  assert_int_equal(test_count_objects(c.store, ctx, ".metadata.json"), 1); /* the table's own */
  assert_int_equal(test_count_objects(c.store, ctx, "/data/"), 5);
}

static firn_status purge_once(void) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  FIRN_TRY(test_catalog_open(NULL, true, NULL, ctx, &c, NULL));
  FIRN_TRY(put_data(&c, ctx, "a", 1, &arena, NULL));
  FIRN_TRY(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, NULL));
  firn_purge_result r;
  FIRN_TRY(firn_table_purge(c.base.stores, ctx, c.metadata, c.location, &r, NULL));
  return r.n_failed == 0 ? FIRN_OK : FIRN_CORRUPT;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(purge_once);
}

RUN_TESTS(everything_that_the_metadata_reaches_goes_and_nothing_else,
          manifests_that_snapshots_share_are_read_once, without_gc_the_data_stays,
          a_second_purge_goes_on_where_the_first_one_failed, a_broken_manifest_keeps_what_leads_to_it,
          survives_oom)
