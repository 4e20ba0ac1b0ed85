/* Tables found by path: by hint, by number, moved, and cut short. Spec: File System Tables. */
#include "iceberg/scan/path.h"

#include <stdio.h>

#include "iceberg/scan/scan.h"
#include "test.h"

/* The smallest metadata of a table at `location`, told apart by its column's name. */
static firn_status put_metadata(firn_store *store, firn_ctx *ctx, const char *path, const char *location,
                                const char *column, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_addf(
      &b,
      "{\"format-version\":2,\"table-uuid\":\"f79c3e09-677c-4bbd-a479-3f349cb785e7\",\"location\":\"%s\","
      "\"last-sequence-number\":0,\"last-updated-ms\":1,\"last-column-id\":1,\"current-schema-id\":0,"
      "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"%s\","
      "\"required\":false,\"type\":\"long\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,"
      "\"fields\":[]}],\"last-partition-id\":999,\"default-sort-order-id\":0,"
      "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}]}",
      location, column);
  firn_bytes json;
  FIRN_TRY(firn_builder_finish(&b, &json, err));
  return firn_store_put(store, ctx, path, json, FIRN_PUT_ALWAYS, NULL, err);
}

typedef struct fixture {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_store *store;
  firn_arena arena;
} fixture;

static void fixture_close(fixture *f) {
  firn_stores_take_out(f->stores, f->store);
  firn_stores_close(f->stores);
  firn_store_close(f->store);
  firn_arena_free(&f->arena);
}

#define FIXTURE fixture f FIRN_AUTO(fixture_close)

static void fixture_open(fixture *f) {
  firn_error err;
  f->ctx = test_ctx();
  CHECK_OK(firn_stores_open(f->ctx->env, &f->stores, &err));
  CHECK_OK(firn_memory_store_open(0, &f->store, &err));
  CHECK_OK(firn_stores_add(f->stores, "memory", "m", f->store, &err));
}

static void put(fixture *f, const char *name, const char *column) {
  firn_error err;
  char path[256];
  (void)snprintf(path, sizeof path, "t/metadata/%s", name);
  CHECK_OK(put_metadata(f->store, f->ctx, path, "s3://elsewhere/t", column, &err));
}

static void put_hint(fixture *f, const char *text) {
  firn_error err;
  CHECK_OK(firn_store_put(f->store, f->ctx, "t/metadata/version-hint.text", firn_bytes_of(text),
                          FIRN_PUT_ALWAYS, NULL, &err));
}

/* The table that is found at `path` has this column. */
static void finds(fixture *f, const char *path, const char *column) {
  firn_error err;
  FIRN_AUTO_METADATA *m = NULL;
  const char *location;
  firn_moved moved;
  CHECK_OK(firn_path_table_open(f->stores, f->ctx, path, &f->arena, &m, &location, &moved, &err));
  assert_string_equal(firn_metadata_current_schema(m)->root.children[0].name, column);
  assert_string_equal(firn_moved_location(&moved, "s3://elsewhere/t/data/x.parquet", &f->arena),
                      "memory://m/t/data/x.parquet");
  assert_string_equal(firn_moved_location(&moved, "s3://elsewhere/tt/x", &f->arena), "s3://elsewhere/tt/x");
}

static void the_highest_number_is_the_newest(void **state) {
  (void)state;
  FIXTURE = {0};
  fixture_open(&f);
  put(&f, "v1.metadata.json", "one");
  finds(&f, "memory://m/t", "one");
  put(&f, "v9.metadata.json", "nine");
  put(&f, "v10.metadata.json", "ten");
  put(&f, "00004-f79c3e09.metadata.json", "four");
  put(&f, "v11.metadata.json.tmp", "none");
  put(&f, "snap-99.avro", "none");
  finds(&f, "memory://m/t", "ten");
  finds(&f, "memory://m/t/", "ten");
  finds(&f, "memory://m/t/metadata/v9.metadata.json", "nine");
}

/* The hint is written after the file, so it may be late; a gap ends a table's versions. */
static void a_hint_wins_with_the_versions_that_follow_it(void **state) {
  (void)state;
  FIXTURE = {0};
  fixture_open(&f);
  put(&f, "v1.metadata.json", "one");
  put(&f, "v2.metadata.json", "two");
  put(&f, "v4.metadata.json", "four");
  put(&f, "00007-abc.metadata.json", "seven");
  put_hint(&f, "1");
  finds(&f, "memory://m/t", "two");
  put_hint(&f, "4");
  finds(&f, "memory://m/t", "four");
  put_hint(&f, "2\n");
  finds(&f, "memory://m/t", "two");
  put_hint(&f, "00007-abc.metadata.json");
  finds(&f, "memory://m/t", "seven");
  put_hint(&f, "00007-abc");
  finds(&f, "memory://m/t", "seven");
  static const char *const useless[] = {"", "99", "nonsense", "../v1", "/etc/passwd", "a/b"};
  for (size_t i = 0; i < FIRN_COUNT_OF(useless); i++) {
    put_hint(&f, useless[i]);
    finds(&f, "memory://m/t", "seven");
  }
}

static void what_is_no_table_is_said(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  fixture_open(&f);
  FIRN_AUTO_METADATA *m = NULL;
  const char *location;
  firn_moved moved;
  CHECK_STATUS(firn_path_table_open(f.stores, f.ctx, "memory://m/t", &f.arena, &m, &location, &moved, &err),
               FIRN_NOT_FOUND);
  CHECK_SAYS("memory://m/t holds no table");
  CHECK_STATUS(firn_path_table_open(f.stores, f.ctx, "memory://m/t/metadata/v1.metadata.json", &f.arena, &m,
                                    &location, &moved, &err),
               FIRN_NOT_FOUND);
  CHECK_OK(firn_store_put(f.store, f.ctx, "t/metadata/v1.metadata.json", FIRN_LITERAL("{\"format-version\":"),
                          FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_STATUS(firn_path_table_open(f.stores, f.ctx, "memory://m/t", &f.arena, &m, &location, &moved, &err),
               FIRN_CORRUPT);
  CHECK_SAYS("v1.metadata.json");
}

static void a_table_without_snapshots_has_no_rows(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  fixture_open(&f);
  put(&f, "v1.metadata.json", "one");
  FIRN_AUTO_METADATA *m = NULL;
  const char *location;
  firn_moved moved;
  CHECK_OK(firn_path_table_open(f.stores, f.ctx, "memory://m/t", &f.arena, &m, &location, &moved, &err));
  FIRN_AUTO_SCAN *scan = NULL;
  const firn_batch *batch;
  firn_scan_options options = {.metadata = m, .stores = f.stores, .moved = moved};
  CHECK_OK(firn_scan_open(&options, f.ctx, &scan, &err));
  CHECK_OK(firn_scan_next(scan, f.ctx, &batch, &err));
  assert_null(batch);
  static const char *const columns[] = {"none"};
  options.columns = columns;
  options.n_columns = 1;
  firn_scan *other;
  CHECK_STATUS(firn_scan_open(&options, f.ctx, &other, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("the table has no column none");
}

RUN_TESTS(the_highest_number_is_the_newest, a_hint_wins_with_the_versions_that_follow_it,
          what_is_no_table_is_said, a_table_without_snapshots_has_no_rows)
