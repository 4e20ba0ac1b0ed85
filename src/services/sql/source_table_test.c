/* Sources of a table: what a summary makes up must give what reading gives. */
#include "services/sql/summary_internal.h"

#include <pthread.h>
#include <stdio.h>

#include "catalogs/catalogs.h"
#include "random_batch.h"
#include "services/load/load.h"
#include "test.h"

static const firn_field fields[] = {
    {.id = 1, .name = "id", .required = true, .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "i", .kind = FIRN_KIND_INT},
    {.id = 3, .name = "d", .kind = FIRN_KIND_DATE},
    {.id = 4, .name = "t", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 5, .name = "amount", .kind = FIRN_KIND_DECIMAL, .precision = 12, .scale = 2},
    {.id = 6, .name = "wide", .kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 4},
    {.id = 7, .name = "at", .kind = FIRN_KIND_TIME},
    {.id = 8, .name = "s", .kind = FIRN_KIND_STRING},
    {.id = 9, .name = "f", .kind = FIRN_KIND_DOUBLE},
    {.id = 10, .name = "b", .kind = FIRN_KIND_BOOLEAN},
};
enum { N_FIELDS = FIRN_COUNT_OF(fields), N_TOLD = 7 /* whose bounds are exact */, N_FILES = 5 };
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "t",
                                            .required = true,
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = N_FIELDS,
                                            .children = fields}};

typedef struct fixture {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_arena arena;
  firn_table table;
  firn_table_view view;
  firn_scan_counts counts;
} fixture;

static void add_file(fixture *f, const firn_table_id *id, const firn_batch *batch) {
  firn_error err;
  firn_load_options options = {
      .catalog = f->catalog, .table = *id, .schema = &schema, .make_namespace = true};
  firn_load *load;
  firn_load_result done;
  CHECK_OK(firn_load_open(&options, f->ctx, &load, &err));
  CHECK_OK(firn_load_batch(load, f->ctx, batch, &err));
  CHECK_OK(firn_load_finish(load, f->ctx, &done, &err));
  firn_load_close(load, f->ctx);
}

static void open_table(fixture *f, uint64_t seed, const size_t rows[N_FILES]) {
  static unsigned n_opened;
  char uri[32];
  firn_error err;
  (void)snprintf(uri, sizeof uri, "memory:source%u", n_opened++);
  *f = (fixture){.ctx = test_ctx()};
  CHECK_OK(firn_stores_open(f->ctx->env, &f->stores, &err));
  CHECK_OK(firn_catalog_open(f->ctx, uri, NULL, f->stores, &f->catalog, &err));
  firn_table_id id;
  CHECK_OK(firn_table_id_parse("a.t", &f->arena, &id, &err));
  random_source r = {.state = seed};
  for (size_t i = 0; i < N_FILES && rows[i] > 0; i++) {
    firn_batch batch;
    assert_true(random_batch(&r, &schema.root, rows[i], &f->arena, &batch));
    add_file(f, &id, &batch);
  }
  CHECK_OK(firn_catalog_table_load(f->catalog, f->ctx, &id, &f->table, &err));
  f->view = (firn_table_view){
      .metadata = f->table.metadata,
      .metadata_location = f->table.metadata_location,
      .table_name = "a.t",
      .snapshot = firn_metadata_current_snapshot(f->table.metadata),
      .schema = firn_metadata_current_schema(f->table.metadata),
      .stores = f->stores,
      .n_threads = 2,
      .counts = &f->counts,
  };
}

static void close_table(fixture *f) {
  firn_table_release(&f->table);
  firn_arena_free(&f->arena);
  firn_catalog_close(f->catalog);
  firn_stores_close(f->stores);
}

typedef struct told {
  int64_t n_rows;
  uint64_t sum; /* of the first column, where it is LONG */
  int64_t n_valid[N_FIELDS];
  firn_value min[N_FIELDS], max[N_FIELDS];
} told;

static void look(const firn_batch *batch, told *t) {
  t->n_rows += (int64_t)batch->n_rows;
  for (uint32_t c = 0; c < batch->schema->n_children; c++) {
    for (size_t i = 0; i < batch->n_rows; i++) {
      if (firn_vector_is_null(&batch->columns[c], i)) {
        continue;
      }
      firn_value v = firn_value_at(&batch->columns[c], i);
      if (firn_kind_is_bytes(v.kind)) {
        v.bytes.len = 0; /* its memory goes with the batch; only counted here */
      }
      t->sum += c == 0 && v.kind == FIRN_KIND_LONG ? (uint64_t)v.i64 : 0;
      bool is_first = t->n_valid[c]++ == 0;
      t->min[c] = is_first || firn_value_compare(&v, &t->min[c]) < 0 ? v : t->min[c];
      t->max[c] = is_first || firn_value_compare(&v, &t->max[c]) > 0 ? v : t->max[c];
    }
  }
}

/* Counts, smallest and largest of what the source yields, by two readers in turn. */
static told read_source(fixture *f, firn_sql_source *s, const uint32_t *columns, size_t n) {
  firn_error err;
  firn_sql_scan *scan;
  firn_sql_reader *readers[2];
  told t = {0};
  CHECK_OK(s->ops->open(s, columns, n, f->ctx, &scan, &err));
  for (int i = 0; i < 2; i++) {
    CHECK_OK(s->ops->reader_open(scan, f->ctx, &readers[i], &err));
  }
  for (int i = 0, n_over = 0; n_over < 2; i = 1 - i) {
    const firn_batch *batch;
    CHECK_OK(s->ops->next(readers[i], f->ctx, &batch, &err));
    if (batch == NULL) {
      n_over++;
      continue;
    }
    CHECK_OK(firn_batch_check(batch, &err));
    assert_true(batch->n_rows > 0 && batch->n_rows <= FIRN_SQL_BATCH_ROWS);
    assert_int_equal(batch->schema->n_children, n);
    look(batch, &t);
    n_over = 0;
  }
  assert_true(s->ops->progress(scan) >= 0 && s->ops->progress(scan) <= 1);
  for (int i = 0; i < 2; i++) {
    s->ops->reader_close(readers[i]);
  }
  s->ops->close(scan);
  return t;
}

static void check_same(const told *a, const told *b, size_t n) {
  assert_int_equal(a->n_rows, b->n_rows);
  for (size_t c = 0; c < n; c++) {
    assert_int_equal(a->n_valid[c], b->n_valid[c]);
    if (a->n_valid[c] > 0) {
      assert_int_equal(firn_value_compare(&a->min[c], &b->min[c]), 0);
      assert_int_equal(firn_value_compare(&a->max[c], &b->max[c]), 0);
    }
  }
}

static void summaries_give_what_reading_gives(void **state) {
  (void)state;
  static const size_t sizes[][N_FILES] = {{3000, 1, 2, 500, 40}, {1, 1, 1, 1, 1}, {5, 2048, 2049, 1, 7}};
  for (uint64_t seed = 1; seed <= 9; seed++) {
    firn_error err;
    fixture f;
    open_table(&f, seed, sizes[seed % 3]);
    firn_sql_source *source;
    CHECK_OK(firn_table_source_open(&f.view, &source, &err));
    for (uint32_t round = 0; round < 20; round++) {
      uint32_t columns[N_FIELDS];
      size_t n = round % 6; /* none, too */
      for (size_t i = 0; i < n; i++) {
        columns[i] = (uint32_t)(test_random() % (round < 12 ? N_TOLD : N_FIELDS));
      }
      f.counts = (firn_scan_counts){0};
      source->is_summary = true;
      told made = read_source(&f, source, columns, n);
      bool was_read = f.counts.row_groups > 0;
      bool is_told = true;
      for (size_t i = 0; i < n; i++) {
        is_told = is_told && columns[i] < N_TOLD;
      }
      assert_int_equal(was_read, !is_told);
      assert_int_equal(f.counts.files, is_told ? 0 : N_FILES);
      assert_int_equal(f.counts.files_skipped, is_told ? N_FILES : 0);
      source->is_summary = false;
      told read = read_source(&f, source, columns, n);
      check_same(&made, &read, n);
    }
    firn_source_close(source);
    close_table(&f);
  }
}

typedef struct worker {
  fixture *f;
  firn_sql_source *source;
  firn_sql_scan *scan;
  firn_status status;
  int64_t n_rows;
  uint64_t sum;
} worker;

static firn_status work(worker *w) {
  firn_sql_reader *reader;
  const firn_batch *batch = NULL;
  FIRN_TRY(w->source->ops->reader_open(w->scan, w->f->ctx, &reader, NULL));
  firn_status status;
  do {
    status = w->source->ops->next(reader, w->f->ctx, &batch, NULL);
    for (size_t i = 0; status == FIRN_OK && batch != NULL && i < batch->n_rows; i++) {
      w->sum += (uint64_t)batch->columns[0].i64[i];
      w->n_rows++;
    }
    (void)w->source->ops->progress(w->scan);
  } while (status == FIRN_OK && batch != NULL);
  w->source->ops->reader_close(reader);
  return status;
}

static void *run_worker(void *arg) {
  worker *w = arg;
  w->status = work(w);
  return NULL;
}

/* Every row comes once, whoever gets it; the same for rows that are made up. */
static void threads_share_a_reading(void **state) {
  (void)state;
  enum { N_THREADS = 4 };
  firn_error err;
  fixture f;
  open_table(&f, 7, (const size_t[N_FILES]){4000, 3000, 5000, 100, 2500});
  firn_sql_source *source;
  CHECK_OK(firn_table_source_open(&f.view, &source, &err));
  for (int round = 0; round < 2; round++) {
    static const uint32_t column = 0;
    firn_sql_scan *scan;
    pthread_t threads[N_THREADS];
    worker workers[N_THREADS];
    source->is_summary = round == 1;
    told alone = read_source(&f, source, &column, 1);
    CHECK_OK(source->ops->open(source, &column, 1, f.ctx, &scan, &err));
    for (int i = 0; i < N_THREADS; i++) {
      workers[i] = (worker){.f = &f, .source = source, .scan = scan};
      assert_int_equal(pthread_create(&threads[i], NULL, run_worker, &workers[i]), 0);
    }
    int64_t n_rows = 0;
    uint64_t sum = 0;
    for (int i = 0; i < N_THREADS; i++) {
      assert_int_equal(pthread_join(threads[i], NULL), 0);
      CHECK_STATUS(workers[i].status, FIRN_OK);
      n_rows += workers[i].n_rows;
      sum += workers[i].sum;
    }
    assert_int_equal(n_rows, alone.n_rows);
    assert_true(round == 1 || sum == alone.sum);
    source->ops->close(scan);
  }
  firn_source_close(source);
  close_table(&f);
}

static void a_table_without_snapshot_has_no_rows(void **state) {
  (void)state;
  firn_error err;
  fixture f;
  open_table(&f, 1, (const size_t[N_FILES]){1, 1, 1, 1, 1});
  f.view.snapshot = NULL;
  firn_sql_source *source;
  CHECK_OK(firn_table_source_open(&f.view, &source, &err));
  assert_int_equal(source->n_rows, 0);
  for (int i = 0; i < 2; i++) {
    static const uint32_t column = 7;
    source->is_summary = i == 1;
    assert_int_equal(read_source(&f, source, &column, 1).n_rows, 0);
    assert_int_equal(read_source(&f, source, &column, 0).n_rows, 0);
  }
  firn_source_close(source);
  close_table(&f);
}

/* A filter that metadata cannot decide is left to the engine: everything comes that may match. */
static void a_filter_is_no_summary(void **state) {
  (void)state;
  firn_error err;
  fixture f;
  open_table(&f, 3, (const size_t[N_FILES]){300, 200, 100, 50, 1});
  firn_sql_source *source;
  CHECK_OK(firn_table_source_open(&f.view, &source, &err));
  const firn_expr *filter;
  CHECK_OK(firn_expr_parse(firn_bytes_of("s is null"), &f.arena, &filter, &err));
  CHECK_OK(firn_expr_bind(filter, f.view.schema, false, &f.arena, &source->filter, &err));
  told t = read_source(&f, source, NULL, 0);
  source->filter = NULL;
  static const uint32_t column = 7;
  told all = read_source(&f, source, &column, 1);
  assert_true(t.n_rows >= all.n_rows - all.n_valid[0] && t.n_rows <= all.n_rows);
  assert_true(f.counts.row_groups > 0);
  firn_source_close(source);
  close_table(&f);
}

static void survives_a_summary_of_any_counts(void **state) {
  (void)state;
  /* What a hostile manifest may claim: more rows than there can be, in the middle and at the end. */
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_summary_column column = {.field = &fields[0], .n_valid = INT64_MAX - 3};
  column.lower = (firn_value){.kind = FIRN_KIND_LONG, .i64 = -5};
  column.upper = (firn_value){.kind = FIRN_KIND_LONG, .i64 = 9};
  firn_summary s = {.n_rows = INT64_MAX, .n_columns = 1, .columns = &column};
  const firn_field root = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = fields};
  firn_batch batch;
  CHECK_OK(firn_summary_batch_new(&s, &root, &arena, &batch, &err));
  firn_summary_rows(&s, 0, &batch);
  assert_int_equal(batch.n_rows, FIRN_SQL_BATCH_ROWS);
  assert_int_equal(batch.columns[0].i64[0], 9);
  assert_int_equal(batch.columns[0].i64[1], -5);
  firn_summary_rows(&s, INT64_MAX - 5, &batch);
  assert_int_equal(batch.n_rows, 5);
  assert_int_equal(batch.columns[0].n_nulls, 3);
  CHECK_OK(firn_batch_check(&batch, &err));
  firn_summary_rows(&s, INT64_MAX, &batch);
  assert_int_equal(batch.n_rows, 0);
}

static fixture *for_oom;

static firn_status read_some(firn_sql_source *s, const uint32_t *columns, size_t n) {
  firn_sql_scan *scan;
  firn_sql_reader *reader = NULL;
  const firn_batch *batch;
  FIRN_TRY(s->ops->open(s, columns, n, for_oom->ctx, &scan, NULL));
  firn_status status = s->ops->reader_open(scan, for_oom->ctx, &reader, NULL);
  if (status == FIRN_OK) {
    do {
      status = s->ops->next(reader, for_oom->ctx, &batch, NULL);
    } while (status == FIRN_OK && batch != NULL);
    s->ops->reader_close(reader);
  }
  s->ops->close(scan);
  return status;
}

static firn_status read_and_sum(void) {
  static const uint32_t columns[] = {0, 4};
  firn_sql_source *source;
  FIRN_TRY(firn_table_source_open(&for_oom->view, &source, NULL));
  firn_status status = read_some(source, columns, 2);
  if (status == FIRN_OK) {
    source->is_summary = true;
    status = read_some(source, columns, 2);
  }
  firn_source_close(source);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  fixture f;
  open_table(&f, 5, (const size_t[N_FILES]){3});
  for_oom = &f;
  check_survives_oom(read_and_sum);
  close_table(&f);
}

RUN_TESTS(summaries_give_what_reading_gives, threads_share_a_reading, a_table_without_snapshot_has_no_rows,
          a_filter_is_no_summary, survives_a_summary_of_any_counts, survives_oom)
