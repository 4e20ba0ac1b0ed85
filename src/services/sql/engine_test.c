/* The engine over rows in memory. */
#include "services/sql/engine_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "iceberg/types/value.h"
#include "test.h"

/* A source of numbered rows: `id` long, `name` (long text and short), `even` boolean that is null for every
 * seventh, `names` a list of structs with the name as `n`, once or twice. What it hands out is wiped and
 * given back before the following batch, as strictly as a reader may do it. */
typedef struct numbers {
  firn_sql_source base;
  int64_t n;
  int64_t fails_at; /* this row cannot be read; -1: all can */
  atomic_int n_open, n_read;
  atomic_size_t n_columns; /* of the last opening */
} numbers;

typedef struct numbers_scan {
  numbers *source;
  uint32_t columns[8];
  size_t n_columns;
  atomic_int_fast64_t next;
} numbers_scan;

typedef struct numbers_reader {
  numbers_scan *scan;
  firn_field fields[8], schema;
  firn_batch batch;
  uint8_t *text; /* of the batch */
  size_t text_len;
  firn_arena arena;
} numbers_reader;

static const firn_field names_member = {.id = 6, .name = "n", .kind = FIRN_KIND_STRING};
static const firn_field names_element = {
    .id = 5, .name = "element", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &names_member};
static const firn_field number_columns[] = {
    {.id = 1, .name = "id", .required = true, .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "name", .kind = FIRN_KIND_STRING},
    {.id = 3, .name = "even", .kind = FIRN_KIND_BOOLEAN},
    {.id = 4, .name = "names", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &names_element},
};
static const firn_field number_schema = {
    .id = FIRN_NO_ID, .name = "t", .kind = FIRN_KIND_STRUCT, .n_children = 4, .children = number_columns};

static firn_status numbers_open(const firn_sql_source *s, const uint32_t *columns, size_t n, firn_ctx *ctx,
                                firn_sql_scan **out, firn_error *err) {
  (void)ctx;
  numbers *source = (numbers *)(uintptr_t)s;
  numbers_scan *scan = firn_alloc(sizeof *scan);
  if (scan == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  scan->source = source;
  scan->n_columns = n;
  memcpy(scan->columns, columns, n * sizeof *columns);
  source->n_open++;
  source->n_columns = n;
  *out = (firn_sql_scan *)scan;
  return FIRN_OK;
}

static double numbers_progress(firn_sql_scan *s) {
  numbers_scan *scan = (numbers_scan *)s;
  return (double)scan->next / (double)scan->source->n;
}

static void numbers_close(firn_sql_scan *s) {
  ((numbers_scan *)s)->source->n_open--;
  firn_free(s);
}

static firn_status numbers_reader_open(firn_sql_scan *s, firn_ctx *ctx, firn_sql_reader **out,
                                       firn_error *err) {
  (void)ctx;
  numbers_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  r->scan = (numbers_scan *)s;
  for (size_t i = 0; i < r->scan->n_columns; i++) {
    r->fields[i] = number_columns[r->scan->columns[i]];
  }
  r->schema = (firn_field){
      .kind = FIRN_KIND_STRUCT, .n_children = (uint32_t)r->scan->n_columns, .children = r->fields};
  *out = (firn_sql_reader *)r;
  return FIRN_OK;
}

static size_t name_of(int64_t id, char out[64]) {
  return (size_t)snprintf(out, 64, id % 3 == 0 ? "n%" PRId64 : "a name that is long enough %" PRId64, id);
}

static void numbers_wipe(numbers_reader *r) {
  if (r->text != NULL) {
    memset(r->text, '#', r->text_len);
  }
  firn_free(r->text);
  r->text = NULL;
  firn_arena_reset(&r->arena);
}

static firn_status numbers_fill_names(numbers_reader *r, int64_t from, size_t n, firn_vector *v,
                                      firn_error *err) {
  firn_vector *structs = &v->children[0];
  FIRN_TRY(firn_vector_new(&names_element, 2 * n, &r->arena, structs, err));
  v->len = n;
  for (size_t i = 0; i < n; i++) {
    char *name = (char *)r->text + i * 64;
    size_t len = name_of(from + (int64_t)i, name);
    for (size_t k = 0; k < 1 + i % 2; k++) {
      structs->children[0].bytes[structs->len++] = (firn_bytes){(uint8_t *)name, len};
    }
    v->offsets[i + 1] = (int32_t)structs->len;
  }
  structs->children[0].len = structs->len;
  return FIRN_OK;
}

static firn_status numbers_fill(numbers_reader *r, int64_t from, size_t n, firn_error *err) {
  FIRN_TRY(firn_batch_new(&r->schema, n, &r->arena, &r->batch, err));
  r->text_len = n * 64;
  r->text = firn_alloc(r->text_len);
  if (r->text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  r->batch.n_rows = n;
  for (size_t c = 0; c < r->scan->n_columns; c++) {
    firn_vector *v = &r->batch.columns[c];
    if (r->scan->columns[c] == 3) {
      FIRN_TRY(numbers_fill_names(r, from, n, v, err));
      continue;
    }
    v->len = n;
    FIRN_TRY(firn_vector_need_validity(v, n, &r->arena, err));
    for (size_t i = 0; i < n; i++) {
      int64_t id = from + (int64_t)i;
      char *name = (char *)r->text + i * 64;
      if (r->scan->columns[c] == 0) {
        v->i64[i] = id;
      } else if (r->scan->columns[c] == 1) {
        v->bytes[i] = (firn_bytes){(uint8_t *)name, name_of(id, name)};
      } else if (id % 7 == 0) {
        firn_vector_set_null(v, i);
      } else if (id % 2 == 0) {
        firn_bit_set(v->bits, i);
      }
    }
  }
  return FIRN_OK;
}

static firn_status numbers_next(firn_sql_reader *reader, firn_ctx *ctx, const firn_batch **out,
                                firn_error *err) {
  (void)ctx;
  numbers_reader *r = (numbers_reader *)reader;
  numbers *source = r->scan->source;
  numbers_wipe(r);
  int64_t from = atomic_fetch_add(&r->scan->next, 1000), n = source->n - from;
  if (n <= 0) {
    *out = NULL;
    return FIRN_OK;
  }
  n = n > 1000 ? 1000 : n;
  if (source->fails_at >= from && source->fails_at < from + n) {
    return firn_error_set(err, FIRN_CORRUPT, "file:///t.parquet: page 7: the checksum does not match");
  }
  source->n_read++;
  FIRN_TRY(numbers_fill(r, from, (size_t)n, err));
  *out = &r->batch;
  return FIRN_OK;
}

static void numbers_reader_close(firn_sql_reader *reader) {
  numbers_reader *r = (numbers_reader *)reader;
  numbers_wipe(r);
  firn_arena_free(&r->arena);
  firn_free(r);
}

static const firn_sql_source_ops numbers_ops = {.open = numbers_open,
                                                .progress = numbers_progress,
                                                .close = numbers_close,
                                                .reader_open = numbers_reader_open,
                                                .next = numbers_next,
                                                .reader_close = numbers_reader_close};

static void numbers_init(numbers *s, int64_t n) {
  *s = (numbers){.base = {.ops = &numbers_ops, .schema = &number_schema, .n_rows = n, .max_readers = 4},
                 .n = n,
                 .fails_at = -1};
}

static firn_engine *engine;
static firn_engine_link *link_;

static firn_engine_options options(void) {
  const char *library = getenv("FIRN_DUCKDB");
  return (firn_engine_options){.library = library != NULL ? library : ".cache/duckdb/libduckdb.so",
                               .memory_bytes = 256 << 20,
                               .n_threads = 2};
}

static void open_all(void) {
  firn_error err;
  firn_engine_options o = options();
  CHECK_OK(firn_engine_open(&o, test_ctx(), &engine, &err));
  CHECK_OK(firn_engine_link_open(engine, test_ctx(), &link_, &err));
}

static void close_all(void) {
  firn_engine_link_close(link_);
  firn_engine_close(engine);
}

/* All rows as JSON, one a line. */
static firn_status answer(firn_engine_link *l, const char *sql, firn_builder *out, firn_error *err) {
  firn_engine_rows *rows;
  const firn_batch *batch;
  FIRN_TRY(firn_engine_query(l, test_ctx(), sql, &rows, err));
  firn_status status;
  while ((status = firn_engine_rows_next(rows, test_ctx(), &batch, err)) == FIRN_OK && batch != NULL) {
    assert_int_equal(firn_batch_check(batch, err), FIRN_OK);
    for (size_t i = 0; i < batch->n_rows; i++) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
      firn_json_begin_array(&w);
      for (uint32_t c = 0; c < batch->schema->n_children; c++) {
        firn_vector_write_json(&batch->columns[c], &batch->schema->children[c], i, &w);
      }
      firn_json_end_array(&w);
      firn_builder_add_text(out, "\n");
    }
  }
  firn_engine_rows_close(rows);
  return status;
}

static void expect(const char *sql, const char *wanted) {
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  test_check_status(answer(link_, sql, &b, &err), FIRN_OK, &err, sql, __FILE__, __LINE__);
  test_check_bytes(firn_builder_bytes(&b), wanted, sql, __LINE__);
}

static void expect_failure(const char *sql, firn_status wanted, const char *sentence) {
  firn_error err;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  test_check_status(answer(link_, sql, &b, &err), wanted, &err, sql, __FILE__, __LINE__);
  assert_string_equal(err.text, sentence);
}

static void answers_over_bound_rows(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 10000);
  CHECK_OK(firn_engine_bind(link_, "t1", &t.base, &err));
  expect("SELECT count(*), sum(id), min(name), max(name) FROM t1",
         "[10000,\"49995000\",\"a name that is long enough 1\",\"n9999\"]\n");
  assert_int_equal(t.n_columns, 2);
  expect("SELECT count(*) FROM t1", "[10000]\n");
  assert_int_equal(t.n_columns, 0);
  expect("SELECT even, count(*) FROM t1 GROUP BY 1 ORDER BY 1 NULLS FIRST",
         "[null,1429]\n[false,4286]\n[true,4285]\n");
  assert_int_equal(t.n_open, 0);
  close_all();
}

/* Whatever the engine keeps it has copied: the rows are wiped as soon as the next are asked for. */
static void keeps_nothing_of_a_batch(void **state) {
  (void)state;
  firn_error err;
  numbers t, u;
  open_all();
  numbers_init(&t, 5000);
  numbers_init(&u, 5000);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  CHECK_OK(firn_engine_bind(link_, "u", &u.base, &err));
  static const char *const right[] = {
      /* sort, top n, hash join, window, aggregates that keep values, lists, CTEs, sets, sampling */
      "SELECT id, name FROM t ORDER BY name DESC, id",
      "SELECT id, name FROM t ORDER BY name DESC, id LIMIT 1000",
      "SELECT t.id, u.name FROM t JOIN u ON t.name = u.name",
      "SELECT u.id, u.name FROM t RIGHT JOIN u ON t.id = u.id + 10000",
      "SELECT t.id, u.name FROM t, u WHERE t.id = u.id AND t.name LIKE '%9%'",
      "SELECT id, lag(name, 0) OVER (ORDER BY id) FROM t",
      "SELECT id, lag(name, 0) OVER () FROM t",
      "SELECT id, first_value(name) OVER (PARTITION BY id) FROM t",
      "SELECT any_value(id), name FROM t GROUP BY name",
      "SELECT id, max(name) FROM t GROUP BY id",
      "SELECT id, arg_min(name, name) FROM t GROUP BY id",
      "SELECT id, mode(name) FROM t GROUP BY id",
      "SELECT id, list(name)[1] FROM t GROUP BY id",
      "SELECT id, string_agg(name, ',') FROM t GROUP BY id",
      "SELECT id, median(name) FROM t GROUP BY id",
      "SELECT id, map_keys(histogram(name))[1] FROM t GROUP BY id",
      "SELECT unnest(list(id)), unnest(list(name)) FROM t",
      "WITH c AS MATERIALIZED (SELECT * FROM t) SELECT a.id, b.name FROM c a JOIN c b USING (id)",
      "SELECT id, name FROM t UNION SELECT id, name FROM u",
      "SELECT id, name FROM t INTERSECT SELECT id, name FROM u",
      "SELECT DISTINCT ON (id) id, name FROM t",
      "SELECT id, name FROM t",
      "SELECT id, name FROM t POSITIONAL JOIN (SELECT even FROM u)",
      "SELECT t.id, u.name FROM t ASOF JOIN u ON t.id >= u.id",
      "SELECT id, name FROM t WHERE id % 100 = 7 OR id % 100 <> 7",
      "SELECT id, (SELECT name FROM u WHERE u.id = t.id) FROM t",
      "SELECT id, s.n FROM (SELECT id, {'n': name} AS s FROM t)",
      "SELECT id, name FROM t USING SAMPLE reservoir(5000 ROWS)",
      "SELECT id, last(name) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND CURRENT ROW) FROM t",
      "SELECT r.id, r.name FROM (SELECT unnest(arg_max(struct_pack(id, name), id, 5000)) AS r FROM t)",
      "SELECT id, min(name) FILTER (name <> '') FROM t GROUP BY id",
      "SELECT id, approx_top_k(name, 1)[1] FROM t GROUP BY id",
      "WITH RECURSIVE r AS (SELECT id, name FROM t UNION ALL SELECT id, name FROM r WHERE false) FROM r",
      "SELECT id, l.name FROM t, LATERAL (SELECT t.name) l",
      "SELECT id, string_split(name, '|')[1] FROM t ORDER BY id",
      "SELECT id, names[1].n FROM t ORDER BY names",
      "SELECT id, list(names)[1][1].n FROM t GROUP BY id",
      "SELECT any_value(id), names[1].n FROM t GROUP BY names",
      "SELECT t.id, u.names[-1].n FROM t JOIN u USING (id)",
      "SELECT id, e.n FROM (SELECT DISTINCT id, unnest(names) AS e FROM t)",
      "SELECT id, first_value(names) OVER (PARTITION BY id)[1].n FROM t",
      "SELECT id, max(names)[1].n FROM t GROUP BY id",
      "SELECT id, arg_max(names[1], id).n FROM t GROUP BY id",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(right); i++) {
    char sql[1024];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*), count(DISTINCT id), "
                   "count(*) FILTER (name IS DISTINCT FROM CASE WHEN id %% 3 = 0 THEN 'n' || id "
                   "ELSE 'a name that is long enough ' || id END) FROM (%s) AS q(id, name)",
                   right[i]);
    bool is_positional = strstr(right[i], "POSITIONAL") != NULL;
    if (is_positional) {
      (void)snprintf(sql, sizeof sql,
                     "SELECT count(*), count(DISTINCT id), count(*) FILTER (name NOT LIKE 'n' || id AND name "
                     "NOT LIKE 'a name that is long enough ' || id) FROM (%s)",
                     right[i]);
    }
    const char *wanted = strstr(right[i], "LIMIT 1000") != NULL ? "[1000,1000,0]\n"
                         : strstr(right[i], "'%9%'") != NULL    ? "[1355,1355,0]\n"
                                                                : "[5000,5000,0]\n";
    expect(sql, wanted);
  }
  close_all();
}

/* What is streamed out, too, while the sources are read on. */
static void streams_rows_that_stay_right(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 50000);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  firn_engine_rows *rows;
  const firn_batch *batch;
  CHECK_OK(firn_engine_query(link_, test_ctx(), "SELECT name, id FROM t", &rows, &err));
  assert_string_equal(firn_engine_rows_schema(rows)->children[0].name, "name");
  int64_t id = 0;
  for (;;) {
    CHECK_OK(firn_engine_rows_next(rows, test_ctx(), &batch, &err));
    if (batch == NULL) {
      break;
    }
    for (size_t i = 0; i < batch->n_rows; i++, id++) {
      char name[64];
      size_t len = name_of(id, name);
      assert_int_equal(batch->columns[1].i64[i], id); /* in order, too */
      assert_true(firn_bytes_equal(batch->columns[0].bytes[i], (firn_bytes){(uint8_t *)name, len}));
    }
  }
  assert_int_equal(id, 50000);
  firn_engine_rows_close(rows);
  close_all();
}

static void stops_reading_when_rows_are_closed(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, INT64_C(1) << 40);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  firn_engine_rows *rows;
  const firn_batch *batch;
  CHECK_OK(firn_engine_query(link_, test_ctx(), "SELECT * FROM t", &rows, &err));
  CHECK_OK(firn_engine_rows_next(rows, test_ctx(), &batch, &err));
  assert_true(t.n_open == 1);
  assert_true(firn_engine_progress(link_) >= 0);
  firn_engine_rows_close(rows);
  assert_int_equal(t.n_open, 0);
  expect("SELECT id FROM t LIMIT 2", "[0]\n[1]\n");
  firn_engine_unbind_all(link_);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_STATUS(answer(link_, "SELECT id FROM t", &b, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("Table with name t does not exist; Did you mean");
  close_all();
}

static void a_failing_source_speaks_for_itself(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 10000);
  t.fails_at = 5500;
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  static const char *const statements[] = {"SELECT sum(id) FROM t", "SELECT * FROM t",
                                           "SELECT * FROM t ORDER BY name"};
  for (size_t i = 0; i < FIRN_COUNT_OF(statements); i++) {
    expect_failure(statements[i], FIRN_CORRUPT, "file:///t.parquet: page 7: the checksum does not match");
  }
  t.fails_at = -1;
  expect("SELECT count(*) FROM t", "[10000]\n");
  close_all();
}

static void says_in_one_sentence_what_is_wrong(void **state) {
  (void)state;
  open_all();
  expect_failure("SELECT 1 +", FIRN_INVALID, "syntax error at end of input");
  expect_failure("selct 1", FIRN_INVALID, "syntax error at or near \"selct\"");
  expect_failure("SELECT x FROM (SELECT 1 AS y)", FIRN_INVALID,
                 "Referenced column \"x\" not found in FROM clause; Candidate bindings: \"y\"");
  expect_failure("SELECT 'a'::INT", FIRN_INVALID, "Could not convert string 'a' to INT32");
  expect_failure("SELECT error('boom')", FIRN_INVALID, "boom");
  expect_failure("", FIRN_INVALID, "there is no statement");
  expect_failure("SELECT 1; SELECT 2", FIRN_INVALID, "several statements where one is expected");
  expect_failure("CREATE TABLE a(i INT); CREATE TABLE a(i INT)", FIRN_INVALID,
                 "several statements where one is expected");
  expect_failure("SELECT * FROM firn_scan(1)", FIRN_NOT_FOUND,
                 "the tables of an earlier statement can be read no more");
  expect("PIVOT (SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, 'y') ON b USING sum(a)", "[\"1\",\"2\"]\n");
  close_all();
}

/* A statement that was prepared over tables that are gone reads nothing that is freed. */
/* What is kept in tables of the engine's own, too. */
static void tables_of_the_engine_keep_copies(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 3000);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  expect("CREATE TEMP TABLE kept AS SELECT * FROM t", "");
  firn_engine_unbind_all(link_);
  expect(
      "SELECT count(*) FILTER (name IN ('n' || id, 'a name that is long enough ' || id)), "
      "count(*) FILTER (names[1].n = name) FROM kept",
      "[3000,3000]\n");
  close_all();
}

static void a_failed_transaction_lets_go(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 10000);
  t.fails_at = 9000;
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  expect("BEGIN", "");
  expect_failure("SELECT sum(id) FROM t", FIRN_CORRUPT,
                 "file:///t.parquet: page 7: the checksum does not match");
  assert_int_equal(t.n_open, 0);
  expect("ROLLBACK", "");
  firn_engine_unbind_all(link_);
  close_all();
}

static void stays_within_its_memory(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  firn_engine_options o = options();
  o.memory_bytes = 40 << 20;
  static const char sql[] =
      "SELECT count(*), sum(n) FROM (SELECT name || name || id AS key, count(*) AS n FROM t GROUP BY 1)";
  for (int spills = 0; spills < 2; spills++) {
    o.spill_folder = spills == 1 ? test_folder() : NULL;
    CHECK_OK(firn_engine_open(&o, test_ctx(), &engine, &err));
    CHECK_OK(firn_engine_link_open(engine, test_ctx(), &link_, &err));
    numbers_init(&t, 500000);
    CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
    if (spills == 1) {
      expect(sql, "[500000,\"500000\"]\n");
    } else {
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      CHECK_STATUS(answer(link_, sql, &b, &err), FIRN_LIMIT);
      CHECK_SAYS("memory");
      assert_null(strchr(err.text, '\n'));
    }
    close_all();
  }
}

/* Its third batch interrupts the statement, as another thread would. */
static firn_status interrupting_next(firn_sql_reader *reader, firn_ctx *ctx, const firn_batch **out,
                                     firn_error *err) {
  if (((numbers_reader *)reader)->scan->next > 2000) {
    firn_engine_interrupt(link_);
  }
  return numbers_next(reader, ctx, out, err);
}

static void an_interrupt_ends_a_statement(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  firn_sql_source_ops ops = numbers_ops;
  ops.next = interrupting_next;
  open_all();
  numbers_init(&t, INT64_C(1) << 40);
  t.base.ops = &ops;
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  expect_failure("SELECT sum(id) FROM t", FIRN_CANCELLED, "the statement was interrupted");
  expect_failure("SELECT * FROM t", FIRN_CANCELLED, "the statement was interrupted");
  expect("SELECT 1", "[1]\n");
  close_all();
}

static void deep_types_are_refused(void **state) {
  (void)state;
  char sql[512] = "SELECT ";
  for (int i = 0; i < 80; i++) {
    sql[7 + i] = '[';
    sql[88 + i] = ']';
  }
  sql[87] = '1';
  open_all();
  expect_failure(sql, FIRN_LIMIT, "a column's type is nested deeper than 64 levels");
  close_all();
}

static void forgets_prepared_sources(void **state) {
  (void)state;
  firn_error err;
  open_all();
  numbers *t = firn_alloc(sizeof *t);
  assert_non_null(t);
  numbers_init(t, 100);
  CHECK_OK(firn_engine_bind(link_, "t", &t->base, &err));
  expect("PREPARE p AS SELECT count(*) FROM t", "");
  expect("EXECUTE p", "[100]\n");
  firn_engine_unbind_all(link_);
  firn_free(t);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_STATUS(answer(link_, "EXECUTE p", &b, &err), FIRN_NOT_FOUND);
  close_all();
}

static void links_do_not_see_each_others_tables(void **state) {
  (void)state;
  firn_error err;
  numbers t, u;
  open_all();
  firn_engine_link *other;
  CHECK_OK(firn_engine_link_open(engine, test_ctx(), &other, &err));
  numbers_init(&t, 10);
  numbers_init(&u, 20);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  CHECK_OK(firn_engine_bind(other, "t", &u.base, &err));
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  CHECK_OK(answer(other, "SELECT count(*) FROM t", &b, &err));
  test_check_bytes(firn_builder_bytes(&b), "[20]\n", __FILE__, __LINE__);
  expect("SELECT count(*) FROM t", "[10]\n");
  for (int i = 1; i < 3; i++) { /* one of them is the other's */
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM firn_scan(%d)", i);
    firn_builder_reset(&b);
    bool works = answer(other, sql, &b, &err) == FIRN_OK;
    assert_int_equal(works, firn_bytes_is(firn_builder_bytes(&b), "[20]\n"));
  }
  firn_engine_link_close(other);
  close_all();
}

static void stops_at_the_deadline(void **state) {
  (void)state;
  firn_error err;
  open_all();
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  ctx.deadline_us = firn_ctx_monotonic_us(&ctx) + 50000;
  firn_engine_rows *rows;
  CHECK_STATUS(firn_engine_query(link_, &ctx, "SELECT count(*) FROM range(100000000000) a", &rows, &err),
               FIRN_TIMEOUT);
  atomic_bool cancel = true;
  ctx = (firn_ctx)FIRN_CTX_INIT(&firn_env_system);
  ctx.cancel = &cancel;
  CHECK_STATUS(firn_engine_query(link_, &ctx, "SELECT count(*) FROM range(100000000000) a", &rows, &err),
               FIRN_CANCELLED);
  expect("SELECT 1", "[1]\n");
  /* Once rows come, too: the second one never does. */
  ctx = (firn_ctx)FIRN_CTX_INIT(&firn_env_system);
  ctx.deadline_us = firn_ctx_monotonic_us(&ctx) + 100000;
  static const char endless[] = "SELECT i FROM range(100000000000) t(i) WHERE i < 5000 OR hash(i) = 1";
  const firn_batch *batch;
  firn_status status = firn_engine_query(link_, &ctx, endless, &rows, &err);
  if (status == FIRN_OK) {
    do {
      status = firn_engine_rows_next(rows, &ctx, &batch, &err);
    } while (status == FIRN_OK && batch != NULL);
    firn_engine_rows_close(rows);
  }
  CHECK_STATUS(status, FIRN_TIMEOUT);
  expect("SELECT 1", "[1]\n");
  close_all();
}

static void a_closed_engine_opens_nothing(void **state) {
  (void)state;
  firn_error err;
  firn_engine_options o = options();
  o.is_closed = true;
  CHECK_OK(firn_engine_open(&o, test_ctx(), &engine, &err));
  CHECK_OK(firn_engine_link_open(engine, test_ctx(), &link_, &err));
  static const char *const refused[] = {
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM read_text('/etc/passwd')",
      "SELECT * FROM glob('/etc/*')",
      "COPY (SELECT 1) TO '/tmp/firn-must-not-be.csv'",
      "ATTACH '/tmp/firn-must-not-be.db'",
      "INSTALL httpfs",
      "LOAD httpfs",
      "SET enable_external_access = true",
      "SET threads = 64",
      "SET memory_limit = '100GB'",
      "SET GLOBAL temp_directory = '/tmp'",
      "RESET lock_configuration",
      "EXPORT DATABASE '/tmp/firn-must-not-be'",
      "SELECT * FROM read_parquet('/etc/passwd')",
      "SELECT * FROM sniff_csv('/etc/passwd')",
      "SELECT getenv('HOME')",
      "CREATE SECRET s (TYPE s3)",
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(refused); i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_status status = answer(link_, refused[i], &b, &err);
    if (status == FIRN_OK) {
      print_error("%s is let through\n", refused[i]);
    }
    assert_int_not_equal(status, FIRN_OK);
    assert_null(strchr(err.text, '\n'));
  }
  assert_int_not_equal(access("/tmp/firn-must-not-be.csv", F_OK), 0);
  assert_int_not_equal(access("/tmp/firn-must-not-be.db", F_OK), 0);
  assert_int_not_equal(access("/tmp/firn-must-not-be", F_OK), 0);
  expect("SELECT current_setting('TimeZone')", "[\"UTC\"]\n");
  close_all();
}

static void plans_with_filters_pushed_down(void **state) {
  (void)state;
  firn_error err;
  numbers t;
  open_all();
  numbers_init(&t, 100);
  CHECK_OK(firn_engine_bind(link_, "t", &t.base, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *plan;
  CHECK_OK(
      firn_engine_plan(link_, "SELECT name FROM t WHERE id > 3 AND name LIKE 'a%'", &arena, &plan, &err));
  const firn_json_value *plans = firn_json_get(plan, "plans");
  assert_int_equal(plans->n_items, 1);
  assert_non_null(memmem(plans->span.data, plans->span.len, "COMPARE_GREATERTHAN", 19));
  assert_non_null(memmem(plans->span.data, plans->span.len, "\"table\":\"t\"", 11));
  CHECK_STATUS(firn_engine_plan(link_, "SELECT nothing FROM t", &arena, &plan, &err), FIRN_UNSUPPORTED);
  CHECK_STATUS(firn_engine_plan(link_, "SELECT '", &arena, &plan, &err), FIRN_UNSUPPORTED);
  assert_int_equal(t.n_open, 0);
  close_all();
}

static void says_how_to_get_the_library(void **state) {
  (void)state;
  firn_error err;
  firn_engine_options o = {.library = "/nowhere/libduckdb.so"};
  CHECK_STATUS(firn_engine_open(&o, test_ctx(), &engine, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("/nowhere/libduckdb.so");
  CHECK_SAYS("tools/setup sql");
  o.library = "libz.so.1";
  CHECK_STATUS(firn_engine_open(&o, test_ctx(), &engine, &err), FIRN_UNSUPPORTED);
}

int main(void) {
  if (access(options().library, R_OK) != 0) {
    (void)fprintf(stderr, "SKIPPED without %s (`tools/setup sql` fetches it): the SQL engine\n",
                  options().library);
    return 77;
  }
  static void (*const bodies[])(void **) = {
      answers_over_bound_rows,
      keeps_nothing_of_a_batch,
      streams_rows_that_stay_right,
      stops_reading_when_rows_are_closed,
      a_failing_source_speaks_for_itself,
      says_in_one_sentence_what_is_wrong,
      tables_of_the_engine_keep_copies,
      a_failed_transaction_lets_go,
      stays_within_its_memory,
      an_interrupt_ends_a_statement,
      deep_types_are_refused,
      forgets_prepared_sources,
      links_do_not_see_each_others_tables,
      stops_at_the_deadline,
      a_closed_engine_opens_nothing,
      plans_with_filters_pushed_down,
      says_how_to_get_the_library,
  };
  return test_run(
      "answers_over_bound_rows, keeps_nothing_of_a_batch, streams_rows_that_stay_right, "
      "stops_reading_when_rows_are_closed, a_failing_source_speaks_for_itself, "
      "says_in_one_sentence_what_is_wrong, tables_of_the_engine_keep_copies, a_failed_transaction_lets_go, "
      "stays_within_its_memory, an_interrupt_ends_a_statement, deep_types_are_refused, "
      "forgets_prepared_sources, "
      "links_do_not_see_each_others_tables, stops_at_the_deadline, a_closed_engine_opens_nothing, "
      "plans_with_filters_pushed_down, says_how_to_get_the_library",
      bodies, FIRN_COUNT_OF(bodies));
}
