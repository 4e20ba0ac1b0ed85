#include "iceberg/commit/holds.h"

#include "test_table.h"

static const char *const sought[] = {TEST_LOCATION "/data/a0.parquet", TEST_LOCATION "/data/a1.parquet",
                                     TEST_LOCATION "/data/b0.parquet", TEST_LOCATION "/data/c0.parquet"};

static void finds_the_files_that_are_live(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c;
  bool held[FIRN_COUNT_OF(sought)];
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err));
  CHECK_OK(test_append(&c, ctx, "c", 1, NULL, &arena, NULL, &err));
  CHECK_OK(firn_snapshot_holds(c.base.stores, ctx, c.metadata, firn_metadata_current_snapshot(c.metadata),
                               sought, FIRN_COUNT_OF(sought), held, &err));
  assert_true(held[0] && held[1] && !held[2] && held[3]);
  CHECK_OK(firn_snapshot_holds(c.base.stores, ctx, c.metadata, &firn_metadata_get(c.metadata)->snapshots[0],
                               sought, FIRN_COUNT_OF(sought), held, &err));
  assert_true(held[0] && held[1] && !held[2] && !held[3]);
}

static test_catalog of_oom;

static firn_status look(void) {
  bool held[FIRN_COUNT_OF(sought)];
  return firn_snapshot_holds(of_oom.base.stores, test_ctx(), of_oom.metadata,
                             firn_metadata_current_snapshot(of_oom.metadata), sought, FIRN_COUNT_OF(sought),
                             held, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &of_oom, &err));
  CHECK_OK(test_append(&of_oom, ctx, "a", 2, NULL, &arena, NULL, &err));
  check_survives_oom(look);
  test_catalog_close(&of_oom);
}

static void a_store_that_fails_says_so(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c;
  bool held[FIRN_COUNT_OF(sought)];
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err));
  const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata);
  const char *path = s->manifest_list + strlen("memory://lake/");
  CHECK_OK(firn_store_remove(c.store, ctx, &path, 1, NULL, &err));
  CHECK_STATUS(
      firn_snapshot_holds(c.base.stores, ctx, c.metadata, s, sought, FIRN_COUNT_OF(sought), held, &err),
      FIRN_NOT_FOUND);
  CHECK_SAYS("manifest list memory://lake/");
}

RUN_TESTS(finds_the_files_that_are_live, survives_oom, a_store_that_fails_says_so)
