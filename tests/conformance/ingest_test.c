/* Ingest from text to tables while stores fail, memory runs out, and others change the tables underneath. */
#include "services/ingest/ingest.h"

#include "base/builder.h"
#include "base/pool.h"
#include "catalogs/catalogs.h"
#include "iceberg/scan/scan.h"
#include "test.h"

/* Two days, one event without a subject, one line that is no event. */
static const char lines[] =
    "{\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"a\",\"time\":\"2025-"
    "06-15T23:00:00Z\",\"data\":{}}\n"
    "{\"id\":\"2\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"b\",\"time\":\"2025-"
    "06-16T01:00:00Z\"}\n"
    "{\"id\":\"3\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"time\":\"2025-06-16T01:00:00Z\"}"
    "\n"
    "broken\n";
static const size_t wanted_rows[FIRN_ARCHIVE_N_TABLES] = {2, 1, 1};

/* A catalog in memory whose warehouse is a store that fails on purpose. */
typedef struct world {
  firn_stores *stores;
  firn_store *faulty;
  firn_catalog *catalog;
  firn_ingest_options options;
} world;

static void world_close(world *w) {
  firn_catalog_close(w->catalog);
  if (w->stores != NULL && w->faulty != NULL) {
    firn_stores_take_out(w->stores, w->faulty);
  }
  firn_stores_close(w->stores);
  firn_store_close(w->faulty);
}

static firn_status world_open(size_t fail_at, firn_status fault, firn_ctx *ctx, world *w, firn_error *err) {
  static const char *const level = "cloudevent";
  firn_store *memory;
  FIRN_TRY(firn_stores_open(ctx->env, &w->stores, err));
  FIRN_TRY(firn_memory_store_open(0, &memory, err));
  FIRN_TRY(firn_faulty_store_open(memory, fail_at, fault, &w->faulty,
                                  err)); /* takes the other one, whatever comes */
  FIRN_TRY(firn_stores_add(w->stores, "fault", "x", w->faulty, err));
  FIRN_TRY(firn_catalog_open(ctx, "memory:test", "fault://x/warehouse", w->stores, &w->catalog, err));
  w->options = (firn_ingest_options){
      .catalog = w->catalog, .codec = FIRN_CODEC_ZSTD, .level = FIRN_LEVEL_DEFAULT, .batch_rows = 4};
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    w->options.tables[t] =
        (firn_table_id){.ns = {1, &level}, .name = firn_archive_table_name((firn_archive_table)t)};
  }
  return FIRN_OK;
}

static firn_status read_lines(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                              firn_error *err) {
  (void)ctx;
  (void)err;
  firn_bytes *rest = self;
  *got = len < rest->len ? len : rest->len;
  if (*got > 0) {
    memcpy(into, rest->data, *got);
  }
  *rest = firn_bytes_part(*rest, *got, rest->len);
  return FIRN_OK;
}

/* One whole ingest; `before_commit` may change the world. */
static firn_status ingest(world *w, firn_ctx *ctx, void (*before_commit)(world *, firn_ctx *),
                          firn_error *err) {
  firn_bytes rest = firn_bytes_of(lines);
  firn_input input = {.origin = "lines", .read = read_lines, .self = &rest};
  firn_ingest *g;
  FIRN_TRY(firn_ingest_open(&w->options, ctx, &g, err));
  firn_status status = firn_ingest_input(g, ctx, &input, err);
  if (status == FIRN_OK && before_commit != NULL) {
    before_commit(w, ctx);
  }
  if (status == FIRN_OK) {
    status = firn_ingest_commit(g, ctx, err);
  }
  firn_ingest_close(g, ctx);
  return status;
}

static firn_status count_rows(world *w, firn_ctx *ctx, firn_archive_table t, size_t *n, firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  *n = 0;
  firn_status status = firn_catalog_table_load(w->catalog, ctx, &w->options.tables[t], &table, err);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_AUTO_SCAN *scan = NULL;
  firn_scan_options options = {.metadata = table.metadata, .stores = w->stores};
  FIRN_TRY(firn_scan_open(&options, ctx, &scan, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_scan_next(scan, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    *n += batch->n_rows;
  }
}

/* Data files in the store, whoever knows them. */
static size_t count_data_files(world *w, firn_ctx *ctx) {
  firn_error err;
  size_t n = 0;
  FIRN_AUTO_LISTING *listing = NULL;
  CHECK_OK(firn_store_list(w->faulty, ctx, "", &listing, &err));
  for (;;) {
    const firn_listed *listed;
    CHECK_OK(firn_listing_next(listing, ctx, &listed, &err));
    if (listed == NULL) {
      return n;
    }
    n += strstr(listed->path, ".parquet") != NULL;
  }
}

/* What a run left behind: each table has all of its rows or none, and no data file is there that no table
 * has. */
static size_t check_tables(world *w, firn_ctx *ctx) {
  firn_error err;
  size_t n_files = 0;
  size_t n_full = 0;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    size_t n;
    CHECK_OK(count_rows(w, ctx, (firn_archive_table)t, &n, &err));
    assert_true(n == 0 || n == wanted_rows[t]);
    n_full += n > 0;
    n_files += n == 0 ? 0 : t == FIRN_ARCHIVE_VALID ? 2 : 1;
  }
  assert_int_equal(count_data_files(w, ctx), n_files);
  return n_full;
}

static void every_line_is_in_a_table(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, ctx, &w, &err));
  CHECK_OK(ingest(&w, ctx, NULL, &err));
  assert_int_equal(check_tables(&w, ctx), FIRN_ARCHIVE_N_TABLES);
}

/* Store call `fail_at` fails. True when there was no such call any more. */
static bool run_with_fault(size_t fail_at, firn_status fault) {
  firn_error err;
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(fail_at, fault, ctx, &w, &err));
  firn_status status = ingest(&w, ctx, NULL, &err);
  if (firn_faulty_store_calls(w.faulty) <= fail_at) {
    CHECK_OK(status);
    return true;
  }
  size_t n_full = check_tables(&w, ctx);
  if (status == FIRN_OK) {
    assert_int_equal(n_full, FIRN_ARCHIVE_N_TABLES);
  } else {
    assert_true(n_full < FIRN_ARCHIVE_N_TABLES);
  }
  return false;
}

static void every_failing_store_call_leaves_whole_tables(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_DENIED, FIRN_UNCERTAIN};
  for (size_t k = 0; k < FIRN_COUNT_OF(faults); k++) {
    size_t n = 0;
    while (!run_with_fault(n, faults[k])) {
      n++;
    }
    assert_true(n > 30); /* it did go through all of them */
  }
}

/* Three workers, many small blocks and commits on the way: every event is in the table once. */
static void workers_side_by_side_lose_and_double_nothing(void **state) {
  (void)state;
  enum { N = 6000 };
  firn_error err;
  firn_ctx *ctx = test_ctx();
  firn_env env = *ctx->env;
  firn_ctx with_pool = {.env = &env};
  CHECK_OK(firn_pool_open(2, &env.pool, &err));
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, &with_pool, &w, &err));
  w.options.n_workers = 3;
  w.options.batch_rows = 100;
  w.options.commit_every_rows = 1000;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  for (int i = 0; i < N; i++) {
    firn_builder_addf(
        &text,
        "{\"id\":\"%d\",\"source\":\"s\",\"type\":\"t\",\"specversion\":\"1.0\",\"subject\":\"s%d\","
        "\"time\":\"2025-06-%02dT23:00:00Z\",\"data\":\"%0100d\"}\n",
        i, i % 50, 1 + i % 3, i);
  }
  firn_bytes rest = firn_builder_bytes(&text);
  firn_input input = {.origin = "lines", .read = read_lines, .self = &rest};
  firn_ingest *g;
  CHECK_OK(firn_ingest_open(&w.options, &with_pool, &g, &err));
  CHECK_OK(firn_ingest_input(g, &with_pool, &input, &err));
  CHECK_OK(firn_ingest_commit(g, &with_pool, &err));
  const firn_ingest_counts *counts = firn_ingest_committed(g);
  assert_int_equal(counts->n_rows[FIRN_ARCHIVE_VALID], N);
  assert_true(counts->n_commits > 2);
  assert_int_equal(counts->bytes_in, text.len);
  firn_ingest_close(g, &with_pool);
  size_t n;
  CHECK_OK(count_rows(&w, &with_pool, FIRN_ARCHIVE_VALID, &n, &err));
  assert_int_equal(n, N);
  firn_pool_close(env.pool);
}

static void drop_valid(world *w, firn_ctx *ctx) {
  firn_error err;
  CHECK_OK(firn_catalog_table_drop(w->catalog, ctx, &w->options.tables[FIRN_ARCHIVE_VALID], &err));
}

static void a_table_dropped_underneath_is_said_and_its_files_are_removed(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, ctx, &w, &err));
  CHECK_STATUS(ingest(&w, ctx, drop_valid, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("the rows of dead_letter and partial are committed, others are not");
  CHECK_SAYS("cloudevent.valid");
  assert_int_equal(check_tables(&w, ctx), 2);
}

static void a_cancelled_run_leaves_nothing(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  atomic_bool cancel = false;
  firn_ctx cancelled = {.env = ctx->env, .cancel = &cancel};
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, ctx, &w, &err));
  firn_bytes rest = firn_bytes_of(lines);
  firn_input input = {.origin = "lines", .read = read_lines, .self = &rest};
  firn_ingest *g;
  CHECK_OK(firn_ingest_open(&w.options, &cancelled, &g, &err));
  CHECK_OK(firn_ingest_input(g, &cancelled, &input, &err));
  cancel = true;
  CHECK_STATUS(firn_ingest_commit(g, &cancelled, &err), FIRN_CANCELLED);
  firn_ingest_close(g, &cancelled);
  assert_int_equal(check_tables(&w, ctx), 0);
}

static void set_a_property(world *w, firn_ctx *ctx) {
  static const firn_property property = {"who", "someone else"};
  static const firn_update update = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &property}};
  firn_error err;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_table_commit commit = {.table = w->options.tables[t], .n_updates = 1, .updates = &update};
    CHECK_OK(firn_catalog_commit(w->catalog, ctx, &commit, 1, NULL, &err));
  }
}

static void tables_committed_to_underneath_take_the_rows_all_the_same(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, ctx, &w, &err));
  CHECK_OK(ingest(&w, ctx, set_a_property, &err));
  assert_int_equal(check_tables(&w, ctx), FIRN_ARCHIVE_N_TABLES);
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(w.catalog, ctx, &w.options.tables[0], &table, &err));
  assert_string_equal(firn_metadata_property(table.metadata, "who"), "someone else");
}

static void a_table_of_other_columns_is_refused(void **state) {
  (void)state;
  static const firn_field column = {.id = 1, .name = "x", .kind = FIRN_KIND_LONG};
  static const firn_schema schema = {
      .root = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column}};
  static const firn_table_create how = {.schema = &schema};
  firn_error err;
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  CHECK_OK(world_open(SIZE_MAX, FIRN_IO, ctx, &w, &err));
  CHECK_OK(firn_catalog_namespace_create(w.catalog, ctx, &w.options.tables[0].ns, NULL, &err));
  CHECK_OK(
      firn_catalog_table_create(w.catalog, ctx, &w.options.tables[FIRN_ARCHIVE_PARTIAL], &how, NULL, &err));
  CHECK_STATUS(ingest(&w, ctx, NULL, &err), FIRN_INVALID);
  CHECK_SAYS(
      "partial cannot take events: the table has no optional column with id 1 that is the archive's string "
      "subject");
}

static firn_status ingest_once(void) {
  firn_ctx *ctx = test_ctx();
  world w FIRN_AUTO(world_close) = {0};
  FIRN_TRY(world_open(SIZE_MAX, FIRN_IO, ctx, &w, NULL));
  FIRN_TRY(ingest(&w, ctx, NULL, NULL));
  size_t n;
  FIRN_TRY(count_rows(&w, ctx, FIRN_ARCHIVE_VALID, &n, NULL));
  return n == 2 ? FIRN_OK : FIRN_CORRUPT;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(ingest_once);
}

RUN_TESTS(every_line_is_in_a_table, every_failing_store_call_leaves_whole_tables,
          workers_side_by_side_lose_and_double_nothing,
          a_table_dropped_underneath_is_said_and_its_files_are_removed,
          tables_committed_to_underneath_take_the_rows_all_the_same, a_cancelled_run_leaves_nothing,
          a_table_of_other_columns_is_refused, survives_oom)
