#include "iceberg/scan/file_scan.h"

#include <inttypes.h>
#include <stdio.h>

#include "formats/parquet/writer.h"
#include "iceberg/scan/scan.h"
#include "test_lake.h"

/* What the table has become. The file is older: its types are narrower, and it lacks `region`, by whose
 * identity the table is partitioned, and `added`. */
static const char table[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
    "\"location\":\"" LAKE
    "\",\"last-sequence-number\":1,\"last-updated-ms\":1,\"last-column-id\":12,"
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":2,\"name\":\"ratio\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":3,\"name\":\"amount\",\"required\":false,\"type\":\"decimal(18, 2)\"},"
    "{\"id\":4,\"name\":\"at\",\"required\":false,\"type\":\"timestamp\"},"
    "{\"id\":5,\"name\":\"name\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":6,\"name\":\"st\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
    "{\"id\":7,\"name\":\"x\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":8,\"name\":\"y\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":13,\"name\":\"new\",\"required\":false,\"type\":\"string\"}]}},"
    "{\"id\":9,\"name\":\"mix\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":10,\"name\":\"region\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":11,\"name\":\"added\",\"required\":false,\"type\":\"int\",\"initial-default\":7}]}],"
    "\"current-schema-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":["
    "{\"source-id\":10,\"field-id\":1000,\"name\":\"region\",\"transform\":\"identity\"}]}],"
    "\"default-spec-id\":0,\"last-partition-id\":1000,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0}";

#define FIELD(number, text, type) {.id = (number), .name = (text), .kind = (type)}

static const firn_field in_struct[] = {FIELD(7, "x", FIRN_KIND_INT), FIELD(8, "y", FIRN_KIND_STRING)};
static const firn_field columns[] = {
    FIELD(1, "id", FIRN_KIND_INT),
    FIELD(2, "ratio", FIRN_KIND_FLOAT),
    {.id = 3, .name = "amount", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    FIELD(4, "at", FIRN_KIND_DATE),
    FIELD(5, "name", FIRN_KIND_STRING),
    {.id = 6, .name = "st", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = in_struct},
    FIELD(9, "mix", FIRN_KIND_INT),
};
static const firn_field file_schema = {.id = FIRN_NO_ID,
                                       .name = "t",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = FIRN_COUNT_OF(columns),
                                       .children = columns};

enum { ROWS = 1000, GROUP_ROWS = 250, PAGE_ROWS = 25 };

static firn_status sink(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = self;
  firn_builder_add(b, data);
  return b->failed == FIRN_OK ? FIRN_OK : firn_error_set(err, b->failed, "no memory");
}

/* Row i has i everywhere, in order; `mix` has the even numbers below 2,000 in another order. Every tenth
 * struct is null. */
static void fill(firn_batch *b, firn_arena *arena) {
  firn_error err;
  CHECK_OK(firn_batch_new(&file_schema, ROWS, arena, b, &err));
  b->n_rows = ROWS;
  for (uint32_t c = 0; c < file_schema.n_children; c++) {
    b->columns[c].len = ROWS;
  }
  firn_vector *st = &b->columns[5];
  st->children[0].len = st->children[1].len = ROWS;
  CHECK_OK(firn_vector_need_validity(st, ROWS, arena, &err));
  for (int32_t i = 0; i < ROWS; i++) {
    b->columns[0].i32[i] = b->columns[3].i32[i] = i;
    b->columns[1].f32[i] = (float)i / 4;
    b->columns[2].dec[i] = i * 10;
    b->columns[4].bytes[i] = firn_bytes_of(firn_arena_printf(arena, "n%04d", i));
    st->children[0].i32[i] = 2 * i;
    st->children[1].bytes[i] = FIRN_LITERAL("a text that nobody wants to read");
    if (i % 10 == 0) {
      firn_vector_set_null(st, (size_t)i);
    }
    b->columns[6].i32[i] = i * 7919 % 1000 * 2;
  }
}

static void make_file(firn_parquet_bounds bounds, firn_arena *arena, firn_builder *file) {
  firn_error err;
  firn_batch batch;
  fill(&batch, arena);
  const firn_parquet_column_options each[] = {{.path = "mix", .bloom_filter = true, .bounds = bounds},
                                              {.path = "id", .bounds = bounds}};
  firn_parquet_writer_options options = {.codec = FIRN_CODEC_NONE,
                                         .page_rows = PAGE_ROWS,
                                         .row_group_rows = GROUP_ROWS,
                                         .n_columns = FIRN_COUNT_OF(each),
                                         .columns = each};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_open(&file_schema, &options, (firn_parquet_sink){sink, file}, &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, &batch, &err));
  CHECK_OK(firn_parquet_writer_finish(w, arena, &info, &err));
}

static const firn_value in_europe = {.kind = FIRN_KIND_STRING, .bytes = {(const uint8_t *)"eu", 2}};

typedef struct question {
  const char *filter;  /* NULL: none */
  const char *columns; /* one of them; NULL: `name` */
  bool is_loose, never_skip;
  uint64_t start, length; /* 0: all */
  size_t batch_rows;
} question;

typedef struct answer {
  size_t n;
  int64_t rows[ROWS];
  firn_scan_counts counts;
} answer;

/* Whether value i is that of its row. */
static bool is_right(const firn_batch *batch, size_t i, int64_t row) {
  const firn_vector *v = &batch->columns[0];
  char name[16];
  (void)snprintf(name, sizeof name, "n%04" PRId64, row);
  switch (batch->schema->children[0].id) {
    case 1:
      return v->i64[i] == row;
    case 4:
      return v->i64[i] == row * 86400 * 1000000;
    case 5:
      return firn_bytes_is(v->bytes[i], name);
    case 6:
      return firn_vector_is_null(v, i) ? row % 10 == 0 : row % 10 != 0 && v->children[0].i64[i] == row * 2;
    case 11:
      return v->i32[i] == 7;
    default:
      return firn_bytes_is(v->bytes[i], "eu");
  }
}

static firn_status read_rows(firn_file_scan *scan, firn_ctx *ctx, answer *out, firn_error *err) {
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_file_scan_next(scan, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_batch_check(batch, err));
    for (size_t i = 0; i < batch->n_rows; i++) {
      int64_t row = firn_file_scan_row(scan, i);
      if (row < 0 || row >= ROWS || out->n == ROWS || (out->n > 0 && row <= out->rows[out->n - 1]) ||
          !is_right(batch, i, row)) {
        return firn_error_set(err, FIRN_INVALID, "row %" PRId64 " has other values", row);
      }
      out->rows[out->n++] = row;
    }
  }
}

static firn_status ask(test_lake *l, const question *q, answer *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_schema *schema = firn_metadata_current_schema(l->metadata);
  const firn_field *wanted = firn_field_child(&schema->root, q->columns == NULL ? "name" : q->columns);
  firn_field part = *wanted; /* of a struct its first child alone */
  part.n_children = part.n_children > 0 ? 1 : 0;
  firn_scan_task task = {.file = {.path = LAKE "/a.parquet", .format = "PARQUET", .partition = &in_europe},
                         .start = q->start,
                         .length = q->length == 0 ? UINT64_MAX : q->length};
  firn_reading reading = {.metadata = l->metadata,
                          .root = schema->root,
                          .stores = l->stores,
                          .batch_rows = q->batch_rows,
                          .is_exact = !q->is_loose,
                          .never_skip = q->never_skip,
                          .counts = &out->counts};
  reading.root.n_children = 1;
  reading.root.children = &part;
  if (q->filter != NULL) {
    FIRN_TRY(firn_expr_parse(firn_bytes_of(q->filter), &arena, &task.residual, err));
    FIRN_TRY(firn_expr_bind(task.residual, schema, false, &arena, &task.residual, err));
  }
  FIRN_AUTO_FILE_SCAN *scan = NULL;
  FIRN_TRY(firn_file_scan_open(&reading, &task, l->ctx, &scan, err));
  return read_rows(scan, l->ctx, out, err);
}

static void open_lake(test_lake *l, firn_parquet_bounds bounds, firn_builder *file) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  make_file(bounds, &arena, file);
  CHECK_OK(test_lake_open(table, l, &err));
  CHECK_OK(test_lake_put(l, LAKE "/a.parquet", firn_builder_bytes(file), &err));
}

static void check_rows(const answer *a, int64_t first, int64_t n) {
  assert_int_equal(a->n, n);
  for (int64_t i = 0; i < n; i++) {
    assert_int_equal(a->rows[i], first + i);
  }
}

#define LAKE_OF_A_FILE(bounds)                   \
  firn_error err;                                \
  FIRN_AUTO_LAKE lake = {0};                     \
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0); \
  open_lake(&lake, (bounds), &file)

static void all_rows_come_without_a_filter(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  static const char *const wanted[] = {"name", "id", "at", "st", "region", "added"};
  for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
    answer a = {0};
    question q = {.columns = wanted[i], .batch_rows = i * 7};
    CHECK_OK(ask(&lake, &q, &a, &err));
    check_rows(&a, 0, ROWS);
    assert_int_equal(a.counts.rows, ROWS);
    assert_int_equal(a.counts.row_groups, 4);
    assert_int_equal(a.counts.row_groups_skipped, 0);
  }
}

/* Each of these is one page of one row group in the column of the filter and in that of the names. */
static void pages_of_promoted_columns_are_passed_over(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  static const char *const filters[] = {"id = 251",
                                        "ratio = 62.75",
                                        "amount = 25.10",
                                        "at = '1970-09-09T00:00:00'",
                                        "name = 'n0251'",
                                        "st.x = 502",
                                        "id in (251, 3000000000)",
                                        "id > 250 and at < '1970-09-10T00:00:00'",
                                        "name like 'n0251%'"};
  for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
    answer a = {0};
    question q = {.filter = filters[i]};
    CHECK_OK(ask(&lake, &q, &a, &err));
    check_rows(&a, 251, 1);
    bool has_two_columns = strstr(filters[i], " and ") != NULL;
    bool is_of_name = strstr(filters[i], "name") != NULL;
    int64_t n_columns = has_two_columns ? 3 : is_of_name ? 1 : 2;
    assert_int_equal(a.counts.row_groups, 1);
    assert_int_equal(a.counts.row_groups_skipped, 3);
    assert_int_equal(a.counts.pages, n_columns);
    assert_int_equal(a.counts.pages_skipped, 9 * n_columns);
    answer all = {0};
    q.never_skip = true;
    CHECK_OK(ask(&lake, &q, &all, &err));
    check_rows(&all, 251, 1);
    assert_int_equal(all.counts.row_groups_skipped, 0);
    assert_int_equal(all.counts.pages_skipped, 0);
  }
}

/* The filter's own column has no bounds here, so all of it is read; the names only where rows match. */
static void other_columns_are_read_where_rows_match(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_NONE);
  answer a = {0};
  question q = {.filter = "id between 240 and 260", .batch_rows = 20};
  CHECK_OK(ask(&lake, &q, &a, &err));
  check_rows(&a, 240, 21);
  assert_int_equal(a.counts.row_groups_skipped, 0);
  assert_int_equal(a.counts.pages, 40 + 2); /* of the names those with matches */
  assert_int_equal(a.counts.pages_skipped, 20 - 2);
}

static void ranges_cross_pages_and_row_groups(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  answer a = {0};
  question q = {.filter = "id between 240 and 260"};
  CHECK_OK(ask(&lake, &q, &a, &err));
  check_rows(&a, 240, 21);
  assert_int_equal(a.counts.row_groups_skipped, 2);
  assert_int_equal(a.counts.pages, 4);
  assert_int_equal(a.counts.pages_skipped, 36);
  /* Who asks again gets the rest of what was read, and no more. */
  answer loose = {0};
  q.is_loose = true;
  q.filter = "id between 230 and 270";
  CHECK_OK(ask(&lake, &q, &loose, &err));
  check_rows(&loose, 225, 50);
  assert_int_equal(loose.counts.pages_skipped, 36);
  answer picked = {0}; /* of few matches it gets just those */
  q.filter = "id between 240 and 260";
  CHECK_OK(ask(&lake, &q, &picked, &err));
  check_rows(&picked, 240, 21);
  answer few = {0};
  q.filter = "id = 240 or id = 730";
  CHECK_OK(ask(&lake, &q, &few, &err));
  assert_int_equal(few.n, 2);
}

static void bloom_filters_exclude_what_bounds_do_not(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  static const char *const none[] = {"mix = 11", "mix in (11, 13, 17)", "mix = 11 and id < 300",
                                     "mix = 11 or mix = 1001", "mix = 3000000000"};
  for (size_t i = 0; i < FIRN_COUNT_OF(none); i++) {
    answer a = {0};
    question q = {.filter = none[i]};
    CHECK_OK(ask(&lake, &q, &a, &err));
    assert_int_equal(a.n, 0);
    assert_int_equal(a.counts.row_groups_skipped, 4);
  }
  answer one = {0};
  question q = {.filter = "mix = 1838"}; /* row 1: the other row groups do not have it */
  CHECK_OK(ask(&lake, &q, &one, &err));
  check_rows(&one, 1, 1);
  assert_int_equal(one.counts.row_groups_skipped, 3);
}

static void constants_of_a_file_decide(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  static const char *const none[] = {"region = 'us'", "region is null", "added = 8",
                                     "added is null", "st.new = 'x'",   "st.new is not null"};
  static const char *const all[] = {"region = 'eu'", "added in (1, 7)", "st.new is null"};
  for (size_t i = 0; i < FIRN_COUNT_OF(none); i++) {
    answer a = {0};
    question q = {.filter = none[i]};
    CHECK_OK(ask(&lake, &q, &a, &err));
    assert_int_equal(a.n, 0);
    assert_int_equal(a.counts.row_groups_skipped, 4);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    answer a = {0};
    question q = {.filter = all[i]};
    CHECK_OK(ask(&lake, &q, &a, &err));
    check_rows(&a, 0, ROWS);
  }
}

static void nulls_of_structs_are_found(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  static const char *const filters[] = {"st is null", "st.x is null", "not (st.y is not null)"};
  for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
    answer a = {0};
    question q = {.filter = filters[i], .columns = "st"};
    CHECK_OK(ask(&lake, &q, &a, &err));
    assert_int_equal(a.n, ROWS / 10);
    for (size_t k = 0; k < a.n; k++) {
      assert_int_equal(a.rows[k], k * 10);
    }
  }
}

/* Of the struct one leaf is read for what is wanted, and one for the filter. */
static void only_wanted_leaves_are_read(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  answer a = {0};
  question q = {.filter = "id = 251", .columns = "st"};
  CHECK_OK(ask(&lake, &q, &a, &err));
  check_rows(&a, 251, 1);
  assert_int_equal(a.counts.pages, 2);
  assert_int_equal(a.counts.pages_skipped, 18);
}

static void parts_of_a_file_are_disjoint(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  uint64_t size = firn_builder_bytes(&file).len;
  static const char *const filters[] = {NULL, "id >= 100 and id < 900"};
  for (uint64_t step = size / 9; step < size; step += size / 5) {
    for (size_t f = 0; f < FIRN_COUNT_OF(filters); f++) {
      answer a = {0};
      for (uint64_t at = 0; at < size; at += step) {
        question q = {.filter = filters[f], .start = at, .length = step};
        CHECK_OK(ask(&lake, &q, &a, &err));
      }
      check_rows(&a, f == 0 ? 0 : 100, f == 0 ? ROWS : 800);
      assert_int_equal(a.counts.row_groups + a.counts.row_groups_skipped, 4);
    }
  }
}

/* Asked of some batches only, once it has let many pass; and still nothing that matches is lost. */
static void a_filter_that_passes_everything_is_asked_less(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_NONE);
  answer a = {0};
  question q = {.filter = "id >= 0 and id < 900", .is_loose = true, .batch_rows = 5};
  CHECK_OK(ask(&lake, &q, &a, &err));
  assert_in_range(a.n, 900, ROWS);
  for (int64_t i = 0; i < 900; i++) {
    assert_int_equal(a.rows[i], i);
  }
}

static void a_filter_that_is_always_false_reads_nothing(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  answer a = {0};
  question q = {.filter = "false"};
  CHECK_OK(ask(&lake, &q, &a, &err));
  assert_int_equal(a.n, 0);
  assert_int_equal(a.counts.row_groups_skipped, 4);
  q.never_skip = true;
  CHECK_OK(ask(&lake, &q, &a, &err));
  assert_int_equal(a.n, 0);
}

/* Whatever is changed in indexes, bloom filters and footer: rows that are handed out have the values of their
 * numbers, or there is an error. Bounds that lie may lose rows; nobody can see that. */
static void damaged_indexes_are_errors_or_give_right_rows(void **state) {
  (void)state;
  LAKE_OF_A_FILE(FIRN_BOUNDS_TRUNCATED);
  firn_bytes bytes = firn_builder_bytes(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), lake.ctx, 0, 0, &f, &err));
  const firn_parquet_chunk *last =
      &firn_parquet_file_metadata(f)->row_groups[3].chunks[firn_parquet_file_metadata(f)->n_leaves - 1];
  size_t data_end = (size_t)(last->offset + last->compressed_bytes);
  size_t footer = (size_t)(last->offset_index_offset + last->offset_index_bytes);
  assert_true(data_end < footer && footer < bytes.len);
  uint8_t *copy = firn_arena_alloc_bytes(&lake.arena, bytes.len);
  memcpy(copy, bytes.data, bytes.len);
  size_t n_errors = 0;
  for (size_t at = data_end; at < bytes.len; at += 1 + test_random() % 24) {
    copy[at] ^= (uint8_t)(1U << (test_random() % 8));
    CHECK_OK(test_lake_put(&lake, LAKE "/a.parquet", (firn_bytes){copy, bytes.len}, &err));
    answer a = {0};
    question q = {.filter = "id between 240 and 260 or mix = 1838 or st.x = 1998", .batch_rows = 16};
    firn_status status = ask(&lake, &q, &a, &err);
    assert_true(at >= footer || status != FIRN_INVALID);
    n_errors += status != FIRN_OK;
    copy[at] = bytes.data[at];
  }
  assert_true(n_errors > 10);
}

static test_lake shared;

static firn_status ask_once(void) {
  firn_error err;
  static answer a;
  a = (answer){0};
  question q = {.filter = "id between 240 and 260 or mix = 1838 or st.x = 1998", .columns = "st"};
  return ask(&shared, &q, &a, &err);
}

static void survives_oom(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  open_lake(&shared, FIRN_BOUNDS_TRUNCATED, &file);
  check_survives_oom(ask_once);
  test_lake_close(&shared);
}

RUN_TESTS(all_rows_come_without_a_filter, pages_of_promoted_columns_are_passed_over,
          other_columns_are_read_where_rows_match, ranges_cross_pages_and_row_groups,
          bloom_filters_exclude_what_bounds_do_not, constants_of_a_file_decide, nulls_of_structs_are_found,
          only_wanted_leaves_are_read, parts_of_a_file_are_disjoint,
          a_filter_that_passes_everything_is_asked_less, a_filter_that_is_always_false_reads_nothing,
          damaged_indexes_are_errors_or_give_right_rows, survives_oom)
