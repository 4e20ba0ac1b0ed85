#include <stdlib.h>

#include "base/builder.h"
#include "formats/parquet/reader.h"
#include "formats/parquet/writer.h"
#include "test.h"

#include "random_batch.h"

enum { ROWS = 700, COLUMNS = 7 };

static firn_status sink(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = self;
  firn_builder_add(b, data);
  return b->failed == FIRN_OK ? FIRN_OK : firn_error_set(err, b->failed, "no memory");
}

/* A file of random rows in many small pages and several row groups. */
static void make_file(uint64_t seed, firn_arena *arena, firn_builder *file, firn_batch *batch) {
  firn_error err;
  random_source r = {.state = seed};
  firn_field *schema = firn_new(arena, firn_field);
  assert_true(random_schema(&r, arena, COLUMNS, schema));
  assert_true(random_batch(&r, schema, ROWS, arena, batch));
  firn_parquet_writer_options options = {.codec = seed % 2 == 0 ? FIRN_CODEC_NONE : FIRN_CODEC_ZSTD,
                                         .page_bytes = 200 + seed % 7 * 300,
                                         .page_rows = 40,
                                         .row_group_rows = 256};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_open(schema, &options, (firn_parquet_sink){sink, file}, &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, batch, &err));
  CHECK_OK(firn_parquet_writer_finish(w, arena, &info, &err));
}

typedef struct counted {
  firn_bytes file;
  size_t n_reads;
} counted;

static firn_status read_counted(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                                firn_error *err) {
  counted *c = self;
  firn_parquet_source inner = firn_parquet_source_over(&c->file);
  c->n_reads++;
  return inner.read(inner.self, ctx, ranges, n, err);
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a;
  int64_t y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void many_rows_are_read_at_once(void **state) {
  (void)state;
  (void)test_ctx();
  for (uint64_t seed = 0; seed < 40; seed++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    firn_error err;
    firn_batch batch;
    make_file(seed, &arena, &file, &batch);
    counted c = {.file = firn_builder_bytes(&file)};
    firn_parquet_source source = {.read = read_counted, .self = &c, .size_bytes = c.file.len};
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    CHECK_OK(firn_parquet_file_open(source, test_ctx(), 1 << 20, 0, &f, &err)); /* all of it is the tail */
    FIRN_AUTO_PARQUET_FILE *g = NULL;
    CHECK_OK(firn_parquet_file_open(source, test_ctx(), 1, 0, &g, &err)); /* nothing but the footer is */
    for (uint32_t leaf = 0; leaf < firn_parquet_file_metadata(g)->n_leaves; leaf += 1 + (uint32_t)seed % 2) {
      CHECK_OK(firn_parquet_file_keep_index(g, test_ctx(), leaf, &err));
    }
    int64_t rows[32];
    uint32_t columns[COLUMNS];
    size_t n = test_random() % 33;
    size_t n_columns = test_random() % (COLUMNS + 1);
    for (size_t i = 0; i < n; i++) { /* some near each other, some twice */
      rows[i] =
          i % 3 == 0 ? (int64_t)(test_random() % ROWS) : (rows[i - 1] + (int64_t)(test_random() % 5)) % ROWS;
    }
    qsort(rows, n, sizeof *rows, ascending);
    for (size_t i = 0; i < n_columns; i++) {
      columns[i] = (uint32_t)((i + seed) % COLUMNS);
    }
    firn_parquet_rows what = {.n = n, .rows = rows, .n_columns = n_columns, .columns = columns};
    firn_batch out[2][32];
    CHECK_OK(firn_parquet_read_rows(f, test_ctx(), &what, &arena, out[0], &err));
    c.n_reads = 0;
    CHECK_OK(firn_parquet_read_rows(g, test_ctx(), &what, &arena, out[1], &err));
    for (size_t i = 0; i < n; i++) {
      for (size_t k = 0; k < n_columns; k++) {
        const firn_field *field = &batch.schema->children[columns[k]];
        assert_int_equal(out[0][i].n_rows, 1);
        assert_true(same_value(field, &batch.columns[columns[k]], (size_t)rows[i], &out[0][i].columns[k], 0));
        assert_true(same_value(field, &batch.columns[columns[k]], (size_t)rows[i], &out[1][i].columns[k], 0));
      }
    }
  }
}

/* All pages of all rows in one call, beside the indexes, which a file that keeps its tail has in memory. */
static void the_source_is_asked_once(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch batch;
  make_file(6, &arena, &file, &batch);
  counted c = {.file = firn_builder_bytes(&file)};
  firn_parquet_source source = {.read = read_counted, .self = &c, .size_bytes = c.file.len};
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(source, test_ctx(), 1, 0, &f, &err));
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f);
  uint64_t first_index = c.file.len;
  for (size_t g = 0; g < m->n_row_groups; g++) {
    uint64_t at = (uint64_t)m->row_groups[g].chunks[0].offset_index_offset;
    first_index = at < first_index ? at : first_index;
  }
  FIRN_AUTO_PARQUET_FILE *indexed = NULL;
  CHECK_OK(firn_parquet_file_open(source, test_ctx(), c.file.len - first_index, 0, &indexed, &err));
  static const int64_t rows[] = {3, 3, 60, 300, 301, 699};
  static const uint32_t columns[] = {0, 3, 6};
  firn_parquet_rows what = {.n = FIRN_COUNT_OF(rows), .rows = rows, .n_columns = 3, .columns = columns};
  firn_batch out[FIRN_COUNT_OF(rows)];
  c.n_reads = 0;
  CHECK_OK(firn_parquet_read_rows(indexed, test_ctx(), &what, &arena, out, &err));
  assert_int_equal(c.n_reads, 1);
}

static void rows_that_are_not_there_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch batch;
  make_file(1, &arena, &file, &batch);
  firn_bytes bytes = firn_builder_bytes(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
  static const uint32_t column = 0;
  static const uint32_t no_column = COLUMNS;
  firn_batch out[2];
  firn_parquet_rows beyond = {.n = 2, .rows = (const int64_t[]){1, ROWS}, .n_columns = 1, .columns = &column};
  CHECK_STATUS(firn_parquet_read_rows(f, test_ctx(), &beyond, &arena, out, &err), FIRN_NOT_FOUND);
  firn_parquet_rows mixed = {.n = 2, .rows = (const int64_t[]){2, 1}, .n_columns = 1, .columns = &column};
  CHECK_STATUS(firn_parquet_read_rows(f, test_ctx(), &mixed, &arena, out, &err), FIRN_INVALID);
  firn_parquet_rows below = {.n = 1, .rows = (const int64_t[]){-1}, .n_columns = 1, .columns = &column};
  CHECK_STATUS(firn_parquet_read_rows(f, test_ctx(), &below, &arena, out, &err), FIRN_INVALID);
  firn_parquet_rows none = {.n = 2, .rows = (const int64_t[]){1, 2}, .n_columns = 1, .columns = &no_column};
  CHECK_STATUS(firn_parquet_read_rows(f, test_ctx(), &none, &arena, out, &err), FIRN_INVALID);
}

/* A flipped byte is an error or the same file: nothing is read where nothing is. */
static void broken_files_are_errors(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch batch;
  make_file(3, &arena, &file, &batch);
  static const int64_t rows[] = {0, 1, 255, 256, 600};
  static const uint32_t columns[] = {0, 1, 2, 3, 4, 5, 6};
  firn_parquet_rows what = {.n = FIRN_COUNT_OF(rows),
                            .rows = rows,
                            .n_columns = COLUMNS,
                            .columns = columns,
                            .max_page_bytes = 1 << 20};
  for (size_t i = 0; i < file.len; i += 11 + i % 31) {
    FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(64 << 20);
    file.data[i] ^= (uint8_t)(1u << (i % 8));
    firn_bytes bytes = firn_builder_bytes(&file);
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    firn_batch out[FIRN_COUNT_OF(rows)];
    if (firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 1, 0, &f, &err) == FIRN_OK) {
      FIRN_IGNORE(firn_parquet_read_rows(f, test_ctx(), &what, &scratch, out, &err)); /* it must not crash */
    }
    file.data[i] ^= (uint8_t)(1u << (i % 8));
  }
}

static firn_bytes shared;

static firn_status read_some(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  static const int64_t rows[] = {0, 7, 300};
  static const uint32_t columns[] = {0, 2, 5};
  firn_parquet_rows what = {.n = 3, .rows = rows, .n_columns = 3, .columns = columns};
  firn_batch out[3];
  FIRN_TRY(firn_parquet_file_open(firn_parquet_source_over(&shared), test_ctx(), 1, 0, &f, &err));
  return firn_parquet_read_rows(f, test_ctx(), &what, &arena, out, &err);
}

static void survives_oom(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  make_file(5, &arena, &file, &batch);
  shared = firn_builder_bytes(&file);
  check_survives_oom(read_some);
}

RUN_TESTS(many_rows_are_read_at_once, the_source_is_asked_once, rows_that_are_not_there_are_refused,
          broken_files_are_errors, survives_oom)
