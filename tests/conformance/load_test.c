/* Loads into tables: made, widened, sorted, partitioned; failing stores, no memory, others at work. */
#include "services/load/load.h"

#include "base/builder.h"
#include "catalogs/catalogs.h"
#include "iceberg/commit/alter.h"
#include "iceberg/scan/scan.h"
#include "rows/json_rows.h"
#include "test_rows.h"

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
  firn_batch none = {.schema = &p.schema};
  CHECK_OK(firn_load_open(&w.options, w.ctx, &l, &err));
  CHECK_OK(firn_load_batch(l, w.ctx, &none, &err));
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

/* --- rows of text --- */

typedef firn_status (*load_form)(firn_load *l, firn_ctx *ctx, const char *name, firn_rows_input input,
                                 firn_error *err);

static firn_status load_text(world *w, load_form form, firn_bytes text, firn_load_result *result,
                             firn_error *err) {
  test_input in = {text, 1000};
  firn_load *l;
  FIRN_TRY(firn_load_open(&w->options, w->ctx, &l, err));
  firn_status status = form(l, w->ctx, "rows", (firn_rows_input){test_input_read, &in}, err);
  if (status == FIRN_OK) {
    status = firn_load_finish(l, w->ctx, result, err);
  }
  *result = *firn_load_so_far(l);
  firn_load_close(l, w->ctx);
  return status;
}

static firn_status load_json(world *w, const char *text, firn_load_result *result, firn_error *err) {
  return load_text(w, firn_load_json, firn_bytes_of(text), result, err);
}

static void set_schema(world *w, const char *json, firn_arena *arena, firn_schema *schema) {
  const firn_json_value *value;
  firn_error err;
  CHECK_OK(firn_json_tree_read(firn_bytes_of(json), arena, &value, &err));
  CHECK_OK(firn_schema_read(value, arena, schema, &err));
  w->options.schema = schema;
}

static void columns_come_while_rows_do(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  CHECK_OK(load_json(&w, "{\"id\":1}\n", &result, &err));
  CHECK_OK(load_json(&w, "{\"id\":2}\n{\"id\":3,\"name\":\"x\"}\n{\"ID\":4,\"place\":{\"lat\":1.5}}\n",
                     &result, &err));
  assert_int_equal(result.n_columns_added, 2);
  assert_int_equal(result.n_commits, 1);
  CHECK_OK(load_json(&w, "{\"id\":5,\"place\":{\"lon\":2,\"lat\":0}}\n", &result, &err));
  check_table(&w,
              "{\"id\":5,\"name\":null,\"place\":{\"lat\":0.0,\"lon\":2}}\n"
              "{\"id\":3,\"name\":\"x\",\"place\":null}\n"
              "{\"id\":4,\"name\":null,\"place\":{\"lat\":1.5,\"lon\":null}}\n"
              "{\"id\":2,\"name\":null,\"place\":null}\n"
              "{\"id\":1,\"name\":null,\"place\":null}\n");
}

/* Ledger ERR-03, SCH-01, SCH-02. */
static void evolution_decides_what_rows_may_change(void **state) {
  (void)state;
  static const char schema_text[] =
      "{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"i\",\"required\":true,\"type\":\"int\"},"
      "{\"id\":2,\"name\":\"d\",\"required\":false,\"type\":\"decimal(4, 2)\"},"
      "{\"id\":3,\"name\":\"f\",\"required\":false,\"type\":\"float\"}]}";
  AUTO_WORLD w = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  set_schema(&w, schema_text, &arena, &schema);
  CHECK_OK(load_json(&w, "{\"i\":1,\"d\":1.5,\"f\":0.5}\n", &result, &err));
  w.options.schema = NULL;
  static const char wider[] = "{\"i\":2}\n{\"i\":3000000000,\"d\":12345.5,\"f\":1e300}\n";
  w.options.evolution = FIRN_LOAD_STRICT;
  CHECK_STATUS(load_json(&w, wider, &result, &err), FIRN_INVALID);
  CHECK_SAYS("rows: Schema evolution not allowed in strict mode: line 2: i is 3000000000, which is no int");
  w.options.evolution = FIRN_LOAD_ADD_COLUMNS;
  CHECK_STATUS(load_json(&w, wider, &result, &err), FIRN_INVALID);
  CHECK_SAYS("rows: line 2: i is 3000000000, which is no int; --schema-evolution full promotes the column");
  CHECK_STATUS(load_json(&w, "{\"d\":1}\n", &result, &err), FIRN_INVALID);
  CHECK_SAYS("row 1 has no value for i, which is required");
  w.options.evolution = FIRN_LOAD_FULL;
  CHECK_OK(load_json(&w, wider, &result, &err));
  CHECK_OK(load_json(&w, "{\"i\":4}\n{\"d\":1}\n", &result, &err));
  CHECK_STATUS(load_json(&w, "{\"i\":1.5}\n", &result, &err), FIRN_INVALID);
  CHECK_SAYS("line 1: i is 1.5, which is no long; a table's columns can only become wider");
  check_table(&w,
              "{\"i\":4,\"d\":null,\"f\":null}\n{\"i\":null,\"d\":\"1.00\",\"f\":null}\n"
              "{\"i\":3000000000,\"d\":\"12345.50\",\"f\":1e+300}\n{\"i\":2,\"d\":null,\"f\":null}\n"
              "{\"i\":1,\"d\":\"1.50\",\"f\":0.5}\n");
}

static void a_first_guess_that_was_wrong_is_said(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  for (int i = 0; i < 300000; i++) { /* more than the sample */
    firn_builder_addf(&text, "{\"price\":%d}\n", i);
  }
  firn_builder_add_text(&text, "{\"price\":0.5}\n");
  CHECK_STATUS(load_text(&w, firn_load_json, firn_builder_bytes(&text), &result, &err), FIRN_INVALID);
  CHECK_SAYS(
      "line 300001: price is 0.5, which is no long; types are those of the first rows unless a schema is "
      "given");
  assert_false(has_table(&w));
  assert_int_equal(count_objects(&w), 0);
}

static void partitions_and_orders_are_the_table_s(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  w.options.partition_by = "month(date_key)"; /* ledger CH-14 */
  CHECK_STATUS(load_json(&w, "{\"date_key\":20240101}\n", &result, &err), FIRN_INVALID);
  CHECK_SAYS("transform month takes no long, the type of date_key; a date or timestamp has that");
  assert_false(has_table(&w));
  w.options.partition_by = "region, bucket(2, id)";
  w.options.sort_by = "id desc nulls last";
  static const char rows[] =
      "{\"id\":1,\"region\":\"eu\"}\n{\"id\":null,\"region\":\"eu\"}\n{\"id\":5,\"region\":\"us\"}\n"
      "{\"id\":3,\"region\":\"eu\"}\n{\"id\":2,\"region\":\"eu\"}\n";
  CHECK_OK(load_json(&w, rows, &result, &err));
  w.options.partition_by = "region,bucket[2](ID)";
  CHECK_OK(load_json(&w, rows, &result, &err));
  w.options.partition_by = "region";
  CHECK_STATUS(load_json(&w, rows, &result, &err), FIRN_INVALID);
  CHECK_SAYS("partitioned otherwise than by \"region\"");
  w.options.partition_by = NULL;
  w.options.sort_by = "id";
  CHECK_STATUS(load_json(&w, rows, &result, &err), FIRN_INVALID);
  CHECK_SAYS("sorted otherwise than by \"id\"");
}

/* The order of every file, over many runs. */
static void files_are_sorted_whatever_memory_there_is(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  for (int i = 0; i < 20000; i++) {
    firn_builder_addf(&text, "{\"id\":%d,\"name\":\"n%d\"}\n", (i * 7919) % 10007, i % 13);
  }
  w.options.sort_by = "id, name desc";
  w.options.memory_bytes = 1 << 20;
  CHECK_OK(load_text(&w, firn_load_json, firn_builder_bytes(&text), &result, &err));
  assert_int_equal(result.n_rows, 20000);
  assert_true(result.n_files > 1);
  FIRN_AUTO_TABLE table = {0};
  CHECK_OK(firn_catalog_table_load(w.catalog, w.ctx, &w.options.table, &table, &err));
  firn_files_options options = {.metadata = table.metadata,
                                .snapshot = firn_metadata_current_snapshot(table.metadata),
                                .stores = w.stores};
  FIRN_AUTO_FILES *files = NULL;
  CHECK_OK(firn_files_open(&options, w.ctx, &files, &err));
  size_t n_files = 0;
  for (;;) {
    const firn_manifest_entry *entry;
    CHECK_OK(firn_files_next(files, w.ctx, &entry, &err));
    if (entry == NULL) {
      break;
    }
    assert_int_equal(entry->file.sort_order_id, 1);
    firn_scan_options scanning = {.metadata = table.metadata, .stores = w.stores, .file = &entry->file};
    FIRN_AUTO_SCAN *scan = NULL;
    CHECK_OK(firn_scan_open(&scanning, w.ctx, &scan, &err));
    int64_t last = -1;
    for (;;) {
      const firn_batch *batch;
      CHECK_OK(firn_scan_next(scan, w.ctx, &batch, &err));
      if (batch == NULL) {
        break;
      }
      for (size_t i = 0; i < batch->n_rows; i++) {
        assert_true(batch->columns[0].i64[i] >= last);
        last = batch->columns[0].i64[i];
      }
    }
    n_files++;
  }
  assert_int_equal(n_files, result.n_files);
}

/* What somebody else does to the table between two commits of a load. */
typedef struct meddler {
  world *w;
  firn_change change;
  bool is_done, drops;
  size_t served; /* bytes of the text so far */
  firn_bytes text;
} meddler;

static firn_status read_and_meddle(void *self, firn_ctx *ctx, uint8_t *into, size_t room, size_t *got,
                                   firn_error *err) {
  meddler *m = self;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  bool is_half = m->served > m->text.len / 2;
  if (is_half && !m->is_done) {
    m->is_done = true;
    if (m->drops) {
      FIRN_TRY(firn_catalog_table_drop(m->w->catalog, ctx, &m->w->options.table, err));
    } else {
      const firn_alter alter = {.n_changes = 1, .changes = &m->change};
      FIRN_TRY(firn_alter_commit(m->w->catalog, ctx, &m->w->options.table, &alter, &arena, NULL, err));
    }
  }
  size_t n = m->text.len - m->served < room ? m->text.len - m->served : room;
  *got = n < 50000 ? n : 50000;
  memcpy(into, m->text.data + m->served, *got);
  m->served += *got;
  return FIRN_OK;
}

static firn_status load_meddled(meddler *m, firn_load_result *result, firn_error *err) {
  world *w = m->w;
  firn_load *l;
  FIRN_TRY(firn_load_open(&w->options, w->ctx, &l, err));
  firn_status status = firn_load_json(l, w->ctx, "rows", (firn_rows_input){read_and_meddle, m}, err);
  if (status == FIRN_OK) {
    status = firn_load_finish(l, w->ctx, result, err);
  }
  firn_load_close(l, w->ctx);
  return status;
}

enum { MEDDLED_ROWS = 100000 };

static void make_rows(firn_builder *text) {
  for (int i = 0; i < MEDDLED_ROWS; i++) {
    firn_builder_addf(text, "{\"id\":%d,\"name\":\"some name or other %d\"}\n", i, i % 10);
  }
}

static void columns_that_others_rename_are_found_by_their_ids(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  CHECK_OK(load_json(&w, "{\"id\":-1,\"name\":\"x\"}\n", &result, &err));
  make_rows(&text);
  meddler m = {.w = &w,
               .text = firn_builder_bytes(&text),
               .change = {.kind = FIRN_CHANGE_RENAME_COLUMN, .name = "name", .to = "title"}};
  w.options.commit_every = 10000;
  CHECK_OK(load_meddled(&m, &result, &err));
  assert_true(m.is_done);
  assert_int_equal(result.n_rows, MEDDLED_ROWS);
  assert_true(result.n_commits > 5);
  assert_int_equal(result.n_columns_added, 0);
  firn_bytes all;
  CHECK_OK(table_text(&w, &arena, &all, &err));
  size_t n_rows = 0;
  for (size_t i = 0; i < all.len; i++) {
    n_rows += all.data[i] == '\n';
  }
  assert_int_equal(n_rows, MEDDLED_ROWS + 1);
  assert_null(memmem(all.data, all.len, "null", 4));
  assert_non_null(memmem(all.data, all.len, "\"title\":\"some name or other 9\"", 30));
}

static void a_table_that_is_gone_ends_the_load(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  CHECK_OK(load_json(&w, "{\"id\":-1,\"name\":\"x\"}\n", &result, &err));
  make_rows(&text);
  meddler m = {.w = &w, .text = firn_builder_bytes(&text), .drops = true};
  CHECK_STATUS(load_meddled(&m, &result, &err), FIRN_NOT_FOUND);
}

/* Commits on the way: after every failure the table has the rows of whole commits. */
static void commits_on_the_way_stay(void **state) {
  (void)state;
  static const char rows[] = "{\"id\":1}\n{\"id\":2}\n{\"id\":\"x\"}\n";
  static const firn_field field = {.id = 1, .name = "id", .kind = FIRN_KIND_LONG};
  static const firn_schema schema = {
      .root = {.kind = FIRN_KIND_STRUCT, .required = true, .n_children = 1, .children = &field}};
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  pair p;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  w.options.commit_every = 1;
  w.options.schema = &schema;
  CHECK_STATUS(load_json(&w, rows, &result, &err), FIRN_INVALID); /* one batch: nothing was committed */
  assert_false(has_table(&w));
  w.options.schema = NULL;
  firn_load *l;
  make_pair(&p, "id", 1, 2, "name", "ice", "snow");
  CHECK_OK(firn_load_open(&w.options, w.ctx, &l, &err));
  CHECK_OK(firn_load_batch(l, w.ctx, &p.batch, &err));
  assert_int_equal(firn_load_so_far(l)->n_commits, 1);
  make_pair(&p, "name", 1, 2, "id", "ice", "snow");
  CHECK_STATUS(firn_load_batch(l, w.ctx, &p.batch, &err), FIRN_INVALID);
  CHECK_STATUS(firn_load_finish(l, w.ctx, &result, &err), FIRN_INVALID);
  CHECK_SAYS("an earlier batch failed");
  firn_load_close(l, w.ctx);
  check_table(&w, "{\"id\":1,\"name\":\"ice\"}\n{\"id\":2,\"name\":\"snow\"}\n");
}

/* A lost answer never loses or doubles rows silently: the load fails, or the rows are there once. */
static void lost_answers_double_nothing(void **state) {
  (void)state;
  for (size_t at = 0;; at++) {
    AUTO_WORLD w = {0};
    firn_error err;
    firn_load_result result = {0};
    pair p;
    CHECK_OK(world_open(at, FIRN_UNCERTAIN, &w, &err));
    make_pair(&p, "id", 1, 2, "name", "ice", "snow");
    firn_status status = load_pair(&w, &p, &result, &err);
    if (firn_faulty_store_calls(w.faulty) <= at) {
      CHECK_OK(status);
      return;
    }
    if (status == FIRN_OK) {
      check_table(&w, "{\"id\":1,\"name\":\"ice\"}\n{\"id\":2,\"name\":\"snow\"}\n");
    }
  }
}

static void csv_goes_the_same_way(void **state) {
  (void)state;
  AUTO_WORLD w = {0};
  firn_error err;
  firn_load_result result;
  CHECK_OK(world_open(SIZE_MAX, FIRN_OK, &w, &err));
  CHECK_OK(load_text(&w, firn_load_csv, FIRN_LITERAL("name,size\n"), &result, &err));
  check_table(&w, "");
  CHECK_OK(firn_catalog_table_drop(w.catalog, w.ctx, &w.options.table, &err));
  CHECK_OK(load_text(&w, firn_load_csv, FIRN_LITERAL("id,day\n1,2024-01-01\n"), &result, &err));
  CHECK_OK(load_text(&w, firn_load_csv, FIRN_LITERAL("ID;extra\n2;x\n"), &result, &err));
  assert_int_equal(result.n_columns_added, 1);
  CHECK_STATUS(load_text(&w, firn_load_csv, FIRN_LITERAL("id,day\n3,no day\n"), &result, &err), FIRN_INVALID);
  CHECK_SAYS("rows: line 2: day is \"no day\", which is no date");
  check_table(&w,
              "{\"id\":2,\"day\":null,\"extra\":\"x\"}\n{\"id\":1,\"day\":\"2024-01-01\",\"extra\":null}\n");
}

static firn_status load_rows_twice(void) {
  AUTO_WORLD w = {0};
  firn_load_result result;
  FIRN_TRY(world_open(SIZE_MAX, FIRN_OK, &w, NULL));
  w.options.sort_by = "id";
  FIRN_TRY(load_json(&w, "{\"id\":1}\n", &result, NULL));
  return load_json(&w, "{\"id\":2,\"t\":[{\"x\":1}]}\n", &result, NULL);
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
  check_survives_oom(load_rows_twice);
}

RUN_TESTS(makes_a_table_of_the_first_batch, appends_by_name_in_any_case_and_order,
          a_load_that_is_given_up_leaves_nothing, a_load_without_rows_makes_the_table_that_is_asked_for,
          strict_refuses_a_new_column, add_columns_adds_them, a_type_that_the_table_cannot_hold_is_refused,
          failing_stores_leave_all_or_nothing, columns_come_while_rows_do,
          evolution_decides_what_rows_may_change, a_first_guess_that_was_wrong_is_said,
          partitions_and_orders_are_the_table_s, files_are_sorted_whatever_memory_there_is,
          columns_that_others_rename_are_found_by_their_ids, a_table_that_is_gone_ends_the_load,
          commits_on_the_way_stay, lost_answers_double_nothing, csv_goes_the_same_way, survives_oom)
