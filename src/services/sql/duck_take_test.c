/* Values of every kind through the engine and back. */
#include "services/sql/duck_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "batch_source.h"
#include "iceberg/types/value.h"
#include "random_batch.h"
#include "services/sql/engine_internal.h"
#include "test.h"

static firn_engine *engine;
static firn_engine_link *link_;

static const char *library(void) {
  const char *path = getenv("FIRN_DUCKDB");
  return path != NULL ? path : ".cache/duckdb/libduckdb.so";
}

static void open_all(void) {
  firn_error err;
  firn_engine_options o = {.library = library(), .memory_bytes = 256 << 20, .n_threads = 1};
  CHECK_OK(firn_engine_open(&o, test_ctx(), &engine, &err));
  CHECK_OK(firn_engine_link_open(engine, test_ctx(), &link_, &err));
}

static void close_all(void) {
  firn_engine_link_close(link_);
  firn_engine_close(engine);
}

/* Rows in their order must be those of the batches. */
static void check_rows(const firn_batch *batches, size_t n, const char *sql, uint64_t seed) {
  firn_error err;
  firn_engine_rows *rows;
  const firn_batch *got;
  CHECK_OK(firn_engine_query(link_, test_ctx(), sql, &rows, &err));
  size_t at = 0, row = 0;
  for (;;) {
    CHECK_OK(firn_engine_rows_next(rows, test_ctx(), &got, &err));
    if (got == NULL) {
      break;
    }
    CHECK_OK(firn_batch_check(got, &err));
    assert_int_equal(got->schema->n_children, batches[0].schema->n_children);
    for (size_t i = 0; i < got->n_rows; i++) {
      while (at < n && row == batches[at].n_rows) {
        at++;
        row = 0;
      }
      assert_true(at < n);
      for (uint32_t c = 0; c < got->schema->n_children; c++) {
        const firn_field *field = &batches[0].schema->children[c];
        if (!same_value(field, &batches[at].columns[c], row, &got->columns[c], i)) {
          fail_msg("seed %d: column %s (%s), row %zu of batch %zu is not what it was", (int)seed, field->name,
                   firn_kind_name(field->kind), row, at);
        }
      }
      row++;
    }
  }
  firn_engine_rows_close(rows);
  assert_true(n == 0 || (at + 1 == n && row == batches[at].n_rows) || at == n);
}

static void all_kinds_come_back_the_same(void **state) {
  (void)state;
  open_all();
  for (uint64_t seed = 1; seed <= 25; seed++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    random_source r = {.state = seed};
    firn_field schema;
    firn_batch batches[4];
    assert_true(random_schema(&r, &arena, 1 + (uint32_t)random_below(&r, 12), &schema));
    for (size_t i = 0; i < 4; i++) {
      size_t n = i == 0 ? FIRN_SQL_BATCH_ROWS : 1 + random_below(&r, 300);
      assert_true(random_batch(&r, &schema, n, &arena, &batches[i]));
    }
    batch_source source;
    batch_source_init(&source, &schema, batches, 4);
    CHECK_OK(firn_engine_bind(link_, "t", &source.base, &err));
    check_rows(batches, 4, "SELECT * FROM t", seed);
    /* Through the engine's own memory, too: a sort that changes nothing. */
    check_rows(batches, 4, "SELECT * FROM t ORDER BY 1 + 1", seed);
    FIRN_AUTO_ARENA plan_arena = FIRN_ARENA_INIT(0);
    const firn_json_value *plan;
    CHECK_OK(firn_engine_plan(link_, "SELECT * FROM t WHERE c0 IS NULL", &plan_arena, &plan, &err));
    firn_engine_unbind_all(link_);
  }
  close_all();
}

static void expect(const char *expression, const char *wanted) {
  firn_error err;
  firn_engine_rows *rows;
  const firn_batch *batch;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  char sql[4096];
  (void)snprintf(sql, sizeof sql, "SELECT %s", expression);
  test_check_status(firn_engine_query(link_, test_ctx(), sql, &rows, &err), FIRN_OK, &err, sql, __FILE__,
                    __LINE__);
  for (;;) {
    CHECK_OK(firn_engine_rows_next(rows, test_ctx(), &batch, &err));
    if (batch == NULL) {
      break;
    }
    CHECK_OK(firn_batch_check(batch, &err));
    for (size_t i = 0; i < batch->n_rows; i++) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
      firn_vector_write_json(&batch->columns[0], &batch->schema->children[0], i, &w);
      firn_builder_add_text(&b, i + 1 < batch->n_rows ? " " : "");
    }
  }
  firn_engine_rows_close(rows);
  test_check_bytes(firn_builder_bytes(&b), wanted, expression, __LINE__);
}

static void results_of_every_type_are_shown(void **state) {
  (void)state;
  open_all();
  static const char *const right[][2] = {
      {"true", "true"},
      {"-7::TINYINT", "-7"},
      {"250::UTINYINT", "250"},
      {"-300::SMALLINT", "-300"},
      {"60000::USMALLINT", "60000"},
      {"4000000000::UINTEGER", "4000000000"},
      {"18446744073709551615::UBIGINT", "\"18446744073709551615\""},
      {"-99999999999999999999999999999999999999::HUGEINT", "\"-99999999999999999999999999999999999999\""},
      {"99999999999999999999999999999999999999::UHUGEINT", "\"99999999999999999999999999999999999999\""},
      {"sum(i) FROM range(10) t(i)", "\"45\""},
      {"1.5::FLOAT", "1.5"},
      {"'nan'::DOUBLE", "\"NaN\""},
      {"1.25::DECIMAL(4,2)", "\"1.25\""},
      {"-12345.67::DECIMAL(9,2)", "\"-12345.67\""},
      {"-123456789.01::DECIMAL(18,2)", "\"-123456789.01\""},
      {"-1234567890123456789012345.01::DECIMAL(38,2)", "\"-1234567890123456789012345.01\""},
      {"DATE '1969-12-31'", "\"1969-12-31\""},
      {"TIME '12:34:56.789'", "\"12:34:56.789000\""},
      {"TIMESTAMP '2024-02-29 01:02:03.456789'", "\"2024-02-29T01:02:03.456789\""},
      {"TIMESTAMP_S '2024-02-29 01:02:03'", "\"2024-02-29T01:02:03.000000\""},
      {"TIMESTAMP_MS '2024-02-29 01:02:03.5'", "\"2024-02-29T01:02:03.500000\""},
      {"TIMESTAMP_NS '2024-02-29 01:02:03.123456789'", "\"2024-02-29T01:02:03.123456789\""},
      {"TIMESTAMPTZ '2024-02-29 01:02:03+02'", "\"2024-02-28T23:02:03.000000+00:00\""},
      {"'snow'", "\"snow\""},
      {"'a text that is longer than twelve'", "\"a text that is longer than twelve\""},
      {"''", "\"\""},
      {"'\\xDE\\xAD'::BLOB", "\"dead\""},
      {"'12345678-9abc-def0-1234-56789abcdef0'::UUID", "\"12345678-9abc-def0-1234-56789abcdef0\""},
      {"INTERVAL '14 months -3 days 04:05:06.5'", "\"1 year 2 months -3 days 04:05:06.5\""},
      {"INTERVAL '-1 second'", "\"-00:00:01\""},
      {"INTERVAL '0 days'", "\"00:00:00\""},
      {"'01:02:03.5+01:30'::TIMETZ", "\"01:02:03.5+01:30\""},
      {"'01:02:03-15:59:59'::TIMETZ", "\"01:02:03-15:59:59\""},
      {"'12:34:56.123456789'::TIME_NS", "\"12:34:56.123456789\""},
      {"'0101101010101'::BIT", "\"0101101010101\""},
      {"'123456789012345678901234567890123456789012345678901234567890'::BIGNUM",
       "\"123456789012345678901234567890123456789012345678901234567890\""},
      {"'-1000000000000000000'::BIGNUM", "\"-1000000000000000000\""},
      {"'0'::BIGNUM", "\"0\""},
      {"'-1'::BIGNUM", "\"-1\""},
      {"'b'::ENUM('a', 'b')", "\"b\""},
      {"union_value(num := 2)", "\"2\""},
      {"union_value(str := 'two')", "\"two\""},
      {"x::UNION(n INTEGER, s VARCHAR) FROM (VALUES (NULL::INTEGER), (7)) t(x)", "null \"7\""},
      {"[1, NULL, 3]", "[1,null,3]"},
      {"[]::INTEGER[]", "[]"},
      {"[[1], [], NULL, [2, 3]]", "[[1],[],null,[2,3]]"},
      {"array_value(1, 2)", "[1,2]"},
      {"x FROM (VALUES (array_value(1, 2)), (NULL), (array_value(3, 4))) t(x)", "[1,2] null [3,4]"},
      {"{'a': 1, 'b': 'x'}", "{\"a\":1,\"b\":\"x\"}"},
      {"row(1, 2)", "{\"v1\":1,\"v2\":2}"},
      {"MAP {'k': 1, 'l': NULL}", "{\"keys\":[\"k\",\"l\"],\"values\":[1,null]}"},
      {"NULL", "null"},
      {"[NULL]", "[null]"},
      {"{'a': NULL}", "{\"a\":null}"},
      {"'{\"a\": [1]}'::JSON", "\"{\\\"a\\\": [1]}\""},
      /* what hands over vectors that are shared, repeated or turned around */
      {"list(x ORDER BY x DESC) FROM (VALUES ([1]), ([2, 3]), ([])) t(x)", "[[2,3],[1],[]]"},
      {"x FROM (SELECT unnest([[1, 2], [3], NULL]) AS x) ORDER BY len(x)", "[3] [1,2] null"},
      {"list_reverse(x) FROM (VALUES ([1, 2]), ([3])) t(x)", "[2,1] [3]"},
      {"'x' FROM range(3)", "\"x\" \"x\" \"x\""},
      {"[1, 2] FROM range(3)", "[1,2] [1,2] [1,2]"},
      {"{'a': [i]} FROM range(2) t(i)", "{\"a\":[0]} {\"a\":[1]}"},
      {"CASE WHEN i % 2 = 0 THEN [i] END FROM range(4) t(i)", "[0] null [2] null"},
      {"CASE WHEN i % 2 = 0 THEN {'a': i} END FROM range(3) t(i)", "{\"a\":0} null {\"a\":2}"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(right); i++) {
    expect(right[i][0], right[i][1]);
  }
  close_all();
}

static void what_cannot_be_shown_is_named(void **state) {
  (void)state;
  firn_error err;
  open_all();
  static const char *const wrong[][2] = {
      {"SELECT 'infinity'::DATE", "infinite"},
      {"SELECT '-infinity'::TIMESTAMP", "infinite"},
      {"SELECT 170141183460469231731687303715884105727::HUGEINT AS h", "column h"},
      {"SELECT 340282366920938463463374607431768211455::UHUGEINT AS u", "column u"},
      {"SELECT 42::VARIANT AS v", "column v is a VARIANT"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(wrong); i++) {
    firn_engine_rows *rows = NULL;
    const firn_batch *batch;
    firn_status status = firn_engine_query(link_, test_ctx(), wrong[i][0], &rows, &err);
    if (status == FIRN_OK) {
      status = firn_engine_rows_next(rows, test_ctx(), &batch, &err);
      firn_engine_rows_close(rows);
    }
    CHECK_STATUS(status, FIRN_UNSUPPORTED);
    CHECK_SAYS(wrong[i][1]);
  }
  close_all();
}

/* A struct that is null has children that are: the engine looks at these alone. */
static void nulls_of_structs_reach_their_children(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_field child = {.id = 2, .name = "a", .kind = FIRN_KIND_INT};
  const firn_field column = {
      .id = 1, .name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &child};
  const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column};
  firn_batch batch;
  open_all();
  CHECK_OK(firn_batch_new(&schema, 3, &arena, &batch, &err));
  batch.n_rows = batch.columns[0].len = batch.columns[0].children[0].len = 3;
  CHECK_OK(firn_vector_need_validity(&batch.columns[0], 3, &arena, &err));
  firn_vector_set_null(&batch.columns[0], 1);
  for (int i = 0; i < 3; i++) {
    batch.columns[0].children[0].i32[i] = 40 + i;
  }
  batch_source source;
  batch_source_init(&source, &schema, &batch, 1);
  CHECK_OK(firn_engine_bind(link_, "t", &source.base, &err));
  expect("s.a FROM t", "40 null 42");
  expect("s FROM t", "{\"a\":40} null {\"a\":42}");
  expect("count(s.a) FROM t", "2");
  close_all();
}

static void columns_with_any_name_are_read(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char *const names[] = {"_", "select", "a \"quoted\" one", "A", "a", "__", "naïve ☃"};
  firn_field columns[7];
  for (int i = 0; i < 7; i++) {
    columns[i] = (firn_field){.id = i + 1, .name = names[i], .kind = FIRN_KIND_INT};
  }
  const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 7, .children = columns};
  firn_batch batch;
  open_all();
  CHECK_OK(firn_batch_new(&schema, 1, &arena, &batch, &err));
  batch.n_rows = 1;
  for (int i = 0; i < 7; i++) {
    batch.columns[i].len = 1;
    batch.columns[i].i32[0] = i;
  }
  batch_source source;
  batch_source_init(&source, &schema, &batch, 1);
  CHECK_OK(firn_engine_bind(link_, "t", &source.base, &err));
  expect("\"select\" + \"a \"\"quoted\"\" one\" + \"naïve ☃\" FROM t", "9");
  expect("_ + __ FROM t", "5");
  expect("count(*) FROM t", "1");
  close_all();
}

static void text_that_is_none_is_refused(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_field column = {.id = 1, .name = "s", .kind = FIRN_KIND_STRING};
  const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column};
  firn_batch batch;
  open_all();
  CHECK_OK(firn_batch_new(&schema, 1, &arena, &batch, &err));
  batch.n_rows = batch.columns[0].len = 1;
  batch.columns[0].bytes[0] = FIRN_LITERAL("no UTF-8 at its end: \xF0\x9F");
  batch_source source;
  batch_source_init(&source, &schema, &batch, 1);
  CHECK_OK(firn_engine_bind(link_, "t", &source.base, &err));
  firn_engine_rows *rows;
  const firn_batch *got;
  firn_status status = firn_engine_query(link_, test_ctx(), "SELECT upper(s) FROM t", &rows, &err);
  if (status == FIRN_OK) {
    status = firn_engine_rows_next(rows, test_ctx(), &got, &err);
    firn_engine_rows_close(rows);
  }
  CHECK_STATUS(status, FIRN_CORRUPT);
  CHECK_SAYS("not UTF-8");
  close_all();
}

/* On one thread: which allocation fails is the same each time. */
static firn_status read_all(const char *sql) {
  firn_engine_rows *rows;
  const firn_batch *batch;
  FIRN_TRY(firn_engine_query(link_, test_ctx(), sql, &rows, NULL));
  firn_status status;
  do {
    status = firn_engine_rows_next(rows, test_ctx(), &batch, NULL);
  } while (status == FIRN_OK && batch != NULL);
  firn_engine_rows_close(rows);
  return status;
}

static const firn_batch *some_rows;

static firn_status bind_and_read(void) {
  batch_source source;
  batch_source_init(&source, some_rows->schema, some_rows, 1);
  FIRN_TRY(firn_engine_bind(link_, "t", &source.base, NULL));
  firn_status status = read_all("SELECT *, [1, 2], 'b'::ENUM('a', 'b'), '1 day'::INTERVAL FROM t ORDER BY 1");
  firn_engine_unbind_all(link_);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  random_source r = {.state = 11};
  firn_field schema;
  firn_batch batch;
  assert_true(random_schema(&r, &arena, 6, &schema));
  assert_true(random_batch(&r, &schema, 20, &arena, &batch));
  some_rows = &batch;
  open_all();
  check_survives_oom(bind_and_read);
  close_all();
}

int main(void) {
  if (access(library(), R_OK) != 0) {
    (void)fprintf(stderr, "SKIPPED without %s (`tools/setup sql` fetches it): values of the SQL engine\n",
                  library());
    return 77;
  }
  static void (*const bodies[])(void **) = {
      all_kinds_come_back_the_same,
      results_of_every_type_are_shown,
      what_cannot_be_shown_is_named,
      nulls_of_structs_reach_their_children,
      columns_with_any_name_are_read,
      text_that_is_none_is_refused,
      survives_oom,
  };
  return test_run(
      "all_kinds_come_back_the_same, results_of_every_type_are_shown, "
      "what_cannot_be_shown_is_named, nulls_of_structs_reach_their_children, "
      "columns_with_any_name_are_read, text_that_is_none_is_refused, survives_oom",
      bodies, FIRN_COUNT_OF(bodies));
}
