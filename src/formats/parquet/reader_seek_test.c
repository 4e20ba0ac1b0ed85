#include "base/builder.h"
#include "formats/parquet/reader.h"
#include "formats/parquet/writer.h"
#include "test.h"

#include "random_batch.h"

enum { ROWS = 900, COLUMNS = 6 };

static firn_status sink(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = self;
  firn_builder_add(b, data);
  return b->failed == FIRN_OK ? FIRN_OK : firn_error_set(err, b->failed, "no memory");
}

static void write_file(const firn_batch *batch, const firn_parquet_writer_options *options, firn_arena *arena,
                       firn_builder *file) {
  firn_error err;
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_open(batch->schema, options, (firn_parquet_sink){sink, file}, &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, batch, &err));
  CHECK_OK(firn_parquet_writer_finish(w, arena, &info, &err));
}

/* A file of random rows in many small pages and several row groups. */
static void make_file(uint64_t seed, firn_arena *arena, firn_builder *file, firn_batch *batch) {
  random_source r = {.state = seed};
  firn_field *schema = firn_new(arena, firn_field);
  assert_true(random_schema(&r, arena, COLUMNS, schema));
  assert_true(random_batch(&r, schema, ROWS, arena, batch));
  firn_parquet_writer_options options = {.codec = seed % 2 == 0 ? FIRN_CODEC_NONE : FIRN_CODEC_ZSTD,
                                         .page_bytes = 200 + seed % 7 * 300,
                                         .page_rows = 30,
                                         .row_group_rows = 400};
  write_file(batch, &options, arena, file);
}

/* Whether row `i` of a column that lacks some children is row `j` of the whole one. */
static bool same_part(const firn_field *part, const firn_vector *p, size_t i, const firn_field *whole,
                      const firn_vector *w, size_t j) {
  if (part->n_children == 0) {
    return same_value(part, p, i, w, j);
  }
  if (firn_vector_is_null(p, i) != firn_vector_is_null(w, j)) {
    return false;
  }
  bool is_struct = part->kind == FIRN_KIND_STRUCT;
  if (firn_vector_is_null(p, i)) {
    return true;
  }
  size_t n = is_struct ? 1 : (size_t)(p->offsets[i + 1] - p->offsets[i]);
  if (!is_struct && n != (size_t)(w->offsets[j + 1] - w->offsets[j])) {
    return false;
  }
  for (uint32_t c = 0; c < part->n_children; c++) {
    uint32_t from = 0;
    while (whole->children[from].id != part->children[c].id) {
      from++;
    }
    for (size_t k = 0; k < n; k++) {
      size_t a = is_struct ? i : (size_t)p->offsets[i] + k;
      size_t b = is_struct ? j : (size_t)w->offsets[j] + k;
      if (!same_part(&part->children[c], &p->children[c], a, &whole->children[from], &w->children[from], b)) {
        return false;
      }
    }
  }
  return true;
}

/* Drops leaves at random, but none that its parent cannot do without. `*leaf` counts them. */
static void drop_leaves(const firn_field *f, bool may_drop, bool *wanted, uint32_t *leaf) {
  if (f->n_children == 0) {
    wanted[(*leaf)++] = !may_drop || test_random() % 3 != 0;
    return;
  }
  for (uint32_t i = 0; i < f->n_children; i++) {
    bool is_needed = f->kind != FIRN_KIND_STRUCT || i == 0;
    drop_leaves(&f->children[i], may_drop && !is_needed, wanted, leaf);
  }
}

/* Reads from one range of rows to another, now with its own end, now as if all behind it would come. */
static void seek_about(const firn_parquet_file *f, const firn_batch *whole, const bool *wanted) {
  firn_error err;
  FIRN_AUTO_PARQUET_READER *r = NULL;
  firn_parquet_reader_options options = {.seeks = true, .leaves = wanted};
  CHECK_OK(firn_parquet_reader_open(f, &options, &r, &err));
  const firn_field *schema = firn_parquet_reader_schema(r);
  for (size_t at = 0; at < ROWS;) {
    size_t first = at + test_random() % (test_random() % 4 == 0 ? 300 : 9);
    first = first < ROWS ? first : ROWS;
    size_t end = first + test_random() % (test_random() % 4 == 0 ? 300 : 20);
    end = end < ROWS ? end : ROWS;
    bool goes_on = test_random() % 3 == 0;
    CHECK_OK(firn_parquet_reader_seek(r, (int64_t)first, goes_on ? ROWS : (int64_t)end, &err));
    for (at = first; at < end;) {
      const firn_batch *batch;
      size_t most = 1 + test_random() % (goes_on ? end - at : 64);
      CHECK_OK(firn_parquet_reader_next_rows(r, test_ctx(), most, &batch, &err));
      assert_non_null(batch);
      assert_int_equal(firn_parquet_reader_row(r), at);
      assert_in_range(batch->n_rows, 1, most);
      CHECK_OK(firn_batch_check(batch, &err));
      for (uint32_t c = 0; c < schema->n_children; c++) {
        for (size_t i = 0; i < batch->n_rows; i++) {
          assert_true(same_part(&schema->children[c], &batch->columns[c], i, &whole->schema->children[c],
                                &whole->columns[c], at + i));
        }
      }
      at += batch->n_rows;
    }
    const firn_batch *none;
    if (!goes_on) {
      CHECK_OK(firn_parquet_reader_next(r, test_ctx(), &none, &err));
      assert_null(none);
    }
  }
}

static void any_ranges_have_their_rows(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 60; seed++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    firn_error err;
    firn_batch batch;
    make_file(seed, &arena, &file, &batch);
    firn_bytes bytes = firn_builder_bytes(&file);
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 1, 0, &f, &err));
    bool *wanted = firn_new_n(&arena, bool, firn_parquet_file_metadata(f)->n_leaves);
    uint32_t leaf = 0;
    for (uint32_t i = 0; i < COLUMNS; i++) {
      const firn_field *column = &batch.schema->children[i];
      drop_leaves(column, column->n_children > 0, wanted, &leaf);
    }
    assert_int_equal(leaf, firn_parquet_file_metadata(f)->n_leaves);
    seek_about(f, &batch, NULL);
    seek_about(f, &batch, wanted);
  }
}

typedef struct counted {
  firn_bytes file;
  size_t n_reads, n_bytes;
} counted;

static firn_status read_counted(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                                firn_error *err) {
  counted *c = self;
  firn_parquet_source inner = firn_parquet_source_over(&c->file);
  c->n_reads++;
  for (size_t i = 0; i < n; i++) {
    c->n_bytes += ranges[i].len;
  }
  return inner.read(inner.self, ctx, ranges, n, err);
}

/* 1,000 numbers in ten pages, and lists of them. */
static void make_numbers(firn_arena *arena, firn_builder *file, firn_batch *batch) {
  static const firn_field element = {.id = 3, .name = "element", .kind = FIRN_KIND_LONG};
  static const firn_field columns[] = {
      {.id = 1, .name = "n", .required = true, .kind = FIRN_KIND_LONG},
      {.id = 2, .name = "l", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element}};
  static const firn_field schema = {
      .id = FIRN_NO_ID, .name = "t", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = columns};
  firn_error err;
  CHECK_OK(firn_batch_new(&schema, 1000, arena, batch, &err));
  batch->n_rows = batch->columns[0].len = batch->columns[1].len = batch->columns[1].children[0].len = 1000;
  for (int32_t i = 0; i < 1000; i++) {
    batch->columns[0].i64[i] = batch->columns[1].children[0].i64[i] = i * INT64_C(1000003);
    batch->columns[1].offsets[i + 1] = i + 1;
  }
  firn_parquet_writer_options options = {.codec = FIRN_CODEC_NONE, .page_rows = 100};
  write_file(batch, &options, arena, file);
}

static void only_the_pages_of_the_ranges_are_read(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch whole;
  make_numbers(&arena, &file, &whole);
  for (uint32_t column = 0; column < 2; column++) {
    counted c = {.file = firn_builder_bytes(&file)};
    firn_parquet_source source = {.read = read_counted, .self = &c, .size_bytes = c.file.len};
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    FIRN_AUTO_PARQUET_READER *r = NULL;
    CHECK_OK(firn_parquet_file_open(source, test_ctx(), 1, 0, &f, &err));
    firn_parquet_offset_index index;
    CHECK_OK(firn_parquet_file_offset_index(f, test_ctx(), 0, column, &arena, &index, &err));
    assert_int_equal(index.n_pages, 10);
    firn_parquet_reader_options options = {.seeks = true, .n_columns = 1, .columns = &column};
    CHECK_OK(firn_parquet_reader_open(f, &options, &r, &err));
    c.n_bytes = 0;
    static const int64_t wanted[][2] = {{120, 130}, {150, 199}, {720, 910}}; /* pages 1, and 7 to 9 */
    size_t bytes = (size_t)firn_parquet_file_metadata(f)->row_groups[0].chunks[column].offset_index_bytes;
    for (size_t i = 0; i < FIRN_COUNT_OF(wanted); i++) {
      CHECK_OK(firn_parquet_reader_seek(r, wanted[i][0], wanted[i][1], &err));
      for (int64_t at = wanted[i][0]; at < wanted[i][1];) {
        const firn_batch *batch;
        CHECK_OK(firn_parquet_reader_next(r, test_ctx(), &batch, &err));
        const firn_vector *v = column == 0 ? &batch->columns[0] : &batch->columns[0].children[0];
        assert_int_equal(v->i64[0], at * INT64_C(1000003));
        at += (int64_t)batch->n_rows;
      }
    }
    for (size_t p = 1; p < 10; p += p == 1 ? 6 : 1) {
      bytes += (size_t)index.pages[p].compressed_bytes;
    }
    int64_t n_pages, n_read;
    firn_parquet_reader_pages(r, &n_pages, &n_read);
    assert_int_equal(n_pages, 10);
    assert_int_equal(n_read, 4);
    assert_int_equal(c.n_bytes, bytes);
  }
}

static void what_was_read_cannot_be_sought(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch whole;
  make_numbers(&arena, &file, &whole);
  firn_bytes bytes = firn_builder_bytes(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_AUTO_PARQUET_READER *r = NULL;
  const firn_batch *batch;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
  CHECK_OK(firn_parquet_reader_open(f, &(firn_parquet_reader_options){.seeks = true}, &r, &err));
  CHECK_OK(firn_parquet_reader_next(r, test_ctx(), &batch, &err));
  assert_null(batch);
  CHECK_OK(firn_parquet_reader_seek(r, 10, 20, &err));
  CHECK_OK(firn_parquet_reader_next(r, test_ctx(), &batch, &err));
  assert_int_equal(batch->n_rows, 10);
  CHECK_STATUS(firn_parquet_reader_seek(r, 19, 30, &err), FIRN_INVALID);
  CHECK_STATUS(firn_parquet_reader_seek(r, 30, 29, &err), FIRN_INVALID);
  CHECK_STATUS(firn_parquet_reader_seek(r, 30, 1001, &err), FIRN_INVALID);
  FIRN_AUTO_PARQUET_READER *plain = NULL;
  CHECK_OK(firn_parquet_reader_open(f, NULL, &plain, &err));
  CHECK_STATUS(firn_parquet_reader_seek(plain, 0, 1, &err), FIRN_INVALID);
  bool none[2] = {false, false};
  FIRN_AUTO_PARQUET_READER *empty = NULL;
  CHECK_STATUS(firn_parquet_reader_open(f, &(firn_parquet_reader_options){.leaves = none}, &empty, &err),
               FIRN_INVALID);
}

/* Reads some ranges; every value must be that of its row, or there must be an error. */
static firn_status read_ranges(firn_bytes bytes) {
  static const int64_t ranges[][2] = {{120, 130}, {350, 351}, {399, 520}, {990, 1000}};
  firn_error err;
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_AUTO_PARQUET_READER *r = NULL;
  firn_parquet_reader_options options = {.seeks = true};
  FIRN_TRY(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 1, 0, &f, &err));
  if (firn_parquet_file_metadata(f)->n_rows != 1000) {
    return FIRN_CORRUPT;
  }
  FIRN_TRY(firn_parquet_reader_open(f, &options, &r, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(ranges); i++) {
    FIRN_TRY(firn_parquet_reader_seek(r, ranges[i][0], ranges[i][1], &err));
    for (int64_t at = ranges[i][0]; at < ranges[i][1];) {
      const firn_batch *batch;
      FIRN_TRY(firn_parquet_reader_next(r, test_ctx(), &batch, &err));
      if (batch == NULL) {
        return FIRN_CORRUPT;
      }
      const firn_vector *list = &batch->columns[1];
      for (size_t k = 0; k < batch->n_rows; k++, at++) {
        assert_int_equal(batch->columns[0].i64[k], at * INT64_C(1000003));
        assert_int_equal(list->children[0].i64[list->offsets[k]], at * INT64_C(1000003));
      }
    }
  }
  return FIRN_OK;
}

static void an_index_that_lies_gives_an_error_or_the_right_rows(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch whole;
  make_numbers(&arena, &file, &whole);
  firn_bytes bytes = firn_builder_bytes(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
  uint8_t *copy = firn_arena_alloc_bytes(&arena, bytes.len);
  memcpy(copy, bytes.data, bytes.len);
  size_t n_errors = 0;
  assert_int_equal(read_ranges((firn_bytes){copy, bytes.len}), FIRN_OK);
  for (uint32_t leaf = 0; leaf < 2; leaf++) {
    const firn_parquet_chunk *chunk = &firn_parquet_file_metadata(f)->row_groups[0].chunks[leaf];
    for (int32_t i = 0; i < chunk->offset_index_bytes; i++) {
      for (unsigned change = 1; change < 256; change += change < 8 ? 1 : 23) {
        copy[chunk->offset_index_offset + i] ^= (uint8_t)change;
        n_errors += read_ranges((firn_bytes){copy, bytes.len}) != FIRN_OK;
        copy[chunk->offset_index_offset + i] ^= (uint8_t)change;
      }
    }
  }
  assert_true(n_errors > 100);
}

static firn_bytes shared;

static firn_status read_shared(void) {
  return read_ranges(shared);
}

static void survives_oom(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  make_numbers(&arena, &file, &batch);
  shared = firn_builder_bytes(&file);
  check_survives_oom(read_shared);
}

RUN_TESTS(any_ranges_have_their_rows, only_the_pages_of_the_ranges_are_read, what_was_read_cannot_be_sought,
          an_index_that_lies_gives_an_error_or_the_right_rows, survives_oom)
