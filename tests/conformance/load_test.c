/* Loads into tables: made, widened, sorted, partitioned; failing stores, no memory, others at work. */
#include "services/load/load.h"

#include "base/builder.h"
#include "catalogs/catalogs.h"
#include "iceberg/scan/scan.h"
#include "rows/json_rows.h"
#include "test.h"

/* A catalog in memory whose warehouse is a store that fails on purpose. */
typedef struct world {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_store *faulty;
  firn_catalog *catalog;
  firn_load_options options;
} world;

static void world_close(world *w) {
  firn_catalog_close(w->catalog);
  if (w->stores != NULL && w->faulty != NULL) {
    firn_stores_take_out(w->stores, w->faulty);
  }
  firn_stores_close(w->stores);
  firn_store_close(w->faulty);
}
#define AUTO_WORLD FIRN_AUTO(world_close) world

static firn_status world_open(size_t fail_at, firn_status fault, world *w, firn_error *err) {
  static const char *const level = "db";
  firn_store *memory;
  w->ctx = test_ctx();
  FIRN_TRY(firn_stores_open(w->ctx->env, &w->stores, err));
  FIRN_TRY(firn_memory_store_open(0, &memory, err));
  FIRN_TRY(firn_faulty_store_open(memory, fail_at, fault, &w->faulty, err)); /* takes the other one */
  FIRN_TRY(firn_stores_add(w->stores, "fault", "x", w->faulty, err));
  FIRN_TRY(firn_catalog_open(w->ctx, "memory:test", "fault://x/lake", w->stores, &w->catalog, err));
  w->options = (firn_load_options){
      .catalog = w->catalog, .table = {.ns = {1, &level}, .name = "t"}, .make_namespace = true};
  return FIRN_OK;
}

/* All rows of the table as JSON lines, in `arena`. */
static firn_status table_text(world *w, firn_arena *arena, firn_bytes *out, firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_load(w->catalog, w->ctx, &w->options.table, &table, err));
  firn_scan_options options = {.metadata = table.metadata, .stores = w->stores};
  FIRN_AUTO_SCAN *scan = NULL;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_scan_open(&options, w->ctx, &scan, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_scan_next(scan, w->ctx, &batch, err));
    if (batch == NULL) {
      return firn_builder_finish_copy(&b, arena, out, err);
    }
    firn_json_rows_write(batch, &b);
  }
}

static void check_table(world *w, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_bytes text;
  CHECK_OK(table_text(w, &arena, &text, &err));
  CHECK_BYTES(text, wanted);
}

static bool has_table(world *w) {
  bool is_there = false;
  firn_error err;
  CHECK_OK(firn_catalog_table_exists(w->catalog, w->ctx, &w->options.table, &is_there, &err));
  return is_there;
}

static size_t count_objects(world *w) {
  firn_listing *listing = NULL;
  firn_error err;
  size_t n = 0;
  CHECK_OK(firn_store_list(w->faulty, w->ctx, "lake", &listing, &err));
  for (;;) {
    const firn_listed *object;
    CHECK_OK(firn_listing_next(listing, w->ctx, &object, &err));
    if (object == NULL) {
      break;
    }
    n++;
  }
  firn_listing_close(listing);
  return n;
}

/* A batch of two rows: a number and a text each. */
typedef struct pair {
  firn_field fields[2];
  firn_field schema;
  int64_t numbers[2];
  firn_bytes texts[2];
  firn_vector columns[2];
  firn_batch batch;
} pair;

static void make_pair(pair *p, const char *number, int64_t a, int64_t b, const char *text, const char *x,
                      const char *y) {
  p->fields[0] = (firn_field){.id = FIRN_NO_ID, .name = number, .kind = FIRN_KIND_LONG};
  p->fields[1] = (firn_field){.id = FIRN_NO_ID, .name = text, .kind = FIRN_KIND_STRING};
  p->schema = (firn_field){.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = p->fields};
  p->numbers[0] = a;
  p->numbers[1] = b;
  p->texts[0] = firn_bytes_of(x);
  p->texts[1] = firn_bytes_of(y);
  p->columns[0] = (firn_vector){.kind = FIRN_KIND_LONG, .len = 2, .i64 = p->numbers};
  p->columns[1] = (firn_vector){.kind = FIRN_KIND_STRING, .len = 2, .bytes = p->texts};
  p->batch = (firn_batch){.schema = &p->schema, .n_rows = 2, .columns = p->columns};
}

/* One whole load of one batch. */
static firn_status load_pair(world *w, const pair *p, firn_load_result *result, firn_error *err) {
  firn_load *l;
  FIRN_TRY(firn_load_open(&w->options, w->ctx, &l, err));
  firn_status status = firn_load_batch(l, w->ctx, &p->batch, err);
  if (status == FIRN_OK) {
    status = firn_load_finish(l, w->ctx, result, err);
  }
  firn_load_close(l, w->ctx);
  return status;
}

static void makes_a_table_of_the_first_batch(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  assert_true(result.made_table);
  assert_int_equal(result.n_rows, 2);
  assert_int_equal(result.n_files, 1);
  assert_int_equal(result.n_commits, 1);
  assert_true(result.bytes_written > 0 && result.snapshot_id != 0);
  check_table(&w, "{\"id\":1,\"name\":\"ice\"}\n{\"id\":2,\"name\":\"snow\"}\n");
}

static void appends_by_name_in_any_case_and_order(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  make_pair(&p, "ID", 3, 4, "Name", "firn", "névé");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  assert_false(result.made_table);
  check_table(&w,
              "{\"id\":3,\"name\":\"firn\"}\n{\"id\":4,\"name\":\"névé\"}\n"
              "{\"id\":1,\"name\":\"ice\"}\n{\"id\":2,\"name\":\"snow\"}\n");
}

static void a_load_that_is_given_up_leaves_nothing(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load *l;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(firn_load_open(&w.options, w.ctx, &l, &err));
  CHECK_OK(firn_load_batch(l, w.ctx, &p.batch, &err));
  assert_true(has_table(&w));
  firn_load_close(l, w.ctx);
  assert_false(has_table(&w));
  assert_int_equal(count_objects(&w), 0);
}

static void a_load_without_rows_makes_the_table_that_is_asked_for(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load *l;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  CHECK_OK(firn_load_open(&w.options, w.ctx, &l, &err));
  CHECK_STATUS(firn_load_finish(l, w.ctx, &result, &err), FIRN_INVALID);
  firn_load_close(l, w.ctx);
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  firn_schema schema = {.root = p.schema};
  w.options.schema = &schema;
  CHECK_OK(firn_load_open(&w.options, w.ctx, &l, &err));
  CHECK_OK(firn_load_finish(l, w.ctx, &result, &err));
  firn_load_close(l, w.ctx);
  assert_int_equal(result.n_commits, 0);
  check_table(&w, "");
}

static void strict_refuses_a_new_column(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  make_pair(&p, "id", 3, 4, "title", "firn", "rime");
  w.options.evolution = FIRN_LOAD_STRICT;
  CHECK_STATUS(load_pair(&w, &p, &result, &err), FIRN_INVALID);
  CHECK_SAYS("Schema evolution not allowed in strict mode: the table has no column title");
}

static void add_columns_adds_them(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  make_pair(&p, "id", 3, 4, "title", "firn", "rime");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  assert_int_equal(result.n_columns_added, 1);
  check_table(&w,
              "{\"id\":3,\"name\":null,\"title\":\"firn\"}\n{\"id\":4,\"name\":null,\"title\":\"rime\"}\n"
              "{\"id\":1,\"name\":\"ice\",\"title\":null}\n{\"id\":2,\"name\":\"snow\",\"title\":null}\n");
}

static void a_type_that_the_table_cannot_hold_is_refused(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(load_pair(&w, &p, &result, &err));
  make_pair(&p, "name", 3, 4, "id", "firn", "rime");
  CHECK_STATUS(load_pair(&w, &p, &result, &err), FIRN_INVALID);
  CHECK_SAYS("is long in the table and string in the rows");
}

/* Every call of the store fails once: the load says so, and the table has all of a commit or nothing. */
static void failing_stores_leave_all_or_nothing(void **state) {
  (void)state;
  for (size_t at = 0;; at++) {
    AUTO_WORLD w = {0};
    firn_error err;
    firn_load_result result = {0};
    pair p;
    CHECK_OK(world_open(at, FIRN_IO, &w, &err));
    make_pair(&p, "id", 1, 2, "name", "ice", "snow");
    firn_status status = load_pair(&w, &p, &result, &err);
    if (firn_faulty_store_calls(w.faulty) <= at) {
      CHECK_OK(status);
      assert_true(at > 5);
      return;
    }
    if (status == FIRN_OK) { /* the failure did not matter */
      check_table(&w, "{\"id\":1,\"name\":\"ice\"}\n{\"id\":2,\"name\":\"snow\"}\n");
    } else {
      assert_false(has_table(&w));
    }
  }
}

static firn_status load_twice(void) {
  AUTO_WORLD w = {0};
  firn_load_result result;
  pair p;
  FIRN_TRY(world_open(SIZE_MAX, FIRN_OK, &w, NULL));
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  w.options.partition_by = "bucket(4, id)";
  FIRN_TRY(load_pair(&w, &p, &result, NULL));
  make_pair(&p, "id", 3, 4, "title", "firn", "rime");
  return load_pair(&w, &p, &result, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(load_twice);
}

RUN_TESTS(makes_a_table_of_the_first_batch, appends_by_name_in_any_case_and_order,
          a_load_that_is_given_up_leaves_nothing, a_load_without_rows_makes_the_table_that_is_asked_for,
          strict_refuses_a_new_column, add_columns_adds_them, a_type_that_the_table_cannot_hold_is_refused,
          failing_stores_leave_all_or_nothing, survives_oom)
