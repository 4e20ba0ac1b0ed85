#include "formats/parquet/writer.h"

#include <math.h>

#include "formats/parquet/reader.h"
#include "random_batch.h"
#include "test.h"

/* A sink into memory that can be told to fail at some write. */
typedef struct memory_sink {
  firn_builder file;
  size_t n_writes, fails_at; /* 0: never */
} memory_sink;

static firn_status memory_write(void *self, firn_bytes data, firn_error *err) {
  memory_sink *s = self;
  s->n_writes++;
  if (s->n_writes == s->fails_at) {
    return firn_error_set(err, FIRN_IO, "the disk is full");
  }
  firn_bytes built;
  firn_builder_add(&s->file, data);
  return firn_builder_finish(&s->file, &built, err);
}

static firn_parquet_sink sink_of(memory_sink *s) {
  return (firn_parquet_sink){memory_write, s};
}

static void free_sink(memory_sink *s) {
  firn_builder_free(&s->file);
}

#define AUTO_SINK FIRN_AUTO(free_sink) memory_sink

static const firn_field flat_columns[] = {{.id = 1, .name = "id", .kind = FIRN_KIND_LONG, .required = true},
                                          {.id = 2, .name = "name", .kind = FIRN_KIND_STRING},
                                          {.id = 3, .name = "score", .kind = FIRN_KIND_DOUBLE},
                                          {.id = 4, .name = "payload", .kind = FIRN_KIND_BINARY}};
static const firn_field flat = {.kind = FIRN_KIND_STRUCT, .n_children = 4, .children = flat_columns};

typedef struct flat_rows {
  firn_arena arena;
  firn_batch batch;
} flat_rows;

static void free_rows(flat_rows *r) {
  firn_arena_free(&r->arena);
}

#define AUTO_ROWS FIRN_AUTO(free_rows) flat_rows

/* id counts, name is one of `n_names`, score is id / 2, payload has `payload` random bytes. */
static void make_rows(flat_rows *r, size_t n, size_t n_names, size_t payload) {
  firn_error err;
  CHECK_OK(firn_batch_new(&flat, n, &r->arena, &r->batch, &err));
  r->batch.n_rows = n;
  for (uint32_t c = 0; c < flat.n_children; c++) {
    r->batch.columns[c].len = n;
  }
  for (size_t i = 0; i < n; i++) {
    r->batch.columns[0].i64[i] = (int64_t)i;
    r->batch.columns[1].bytes[i] =
        firn_bytes_of(firn_arena_printf(&r->arena, "name-%06zu", test_random() % n_names));
    r->batch.columns[2].f64[i] = (double)i / 2;
    uint8_t *bytes = firn_arena_alloc_bytes(&r->arena, payload);
    for (size_t k = 0; k < payload; k++) {
      bytes[k] = (uint8_t)test_random();
    }
    r->batch.columns[3].bytes[i] = (firn_bytes){bytes, payload};
  }
}

static void write_all(const firn_field *schema, const firn_parquet_writer_options *options,
                      const firn_batch *batches, size_t n, memory_sink *sink, firn_arena *arena,
                      firn_parquet_file_info *info) {
  firn_error err;
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  CHECK_OK(firn_parquet_writer_open(schema, options, sink_of(sink), &w, &err));
  for (size_t i = 0; i < n; i++) {
    CHECK_OK(firn_parquet_writer_write(w, &batches[i], &err));
  }
  CHECK_OK(firn_parquet_writer_finish(w, arena, info, &err));
  assert_int_equal(info->size_bytes, sink->file.len);
}

/* Reads the file and compares it with what was written. */
static void check_same(const memory_sink *sink, const firn_batch *batches, size_t n) {
  firn_error err;
  firn_bytes file = firn_builder_bytes(&sink->file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&file), test_ctx(), 0, 0, &f, &err));
  FIRN_AUTO_PARQUET_READER *r = NULL;
  CHECK_OK(firn_parquet_reader_open(f, &(firn_parquet_reader_options){.batch_rows = 777}, &r, &err));
  size_t batch = 0, row = 0;
  for (;;) {
    const firn_batch *got;
    CHECK_OK(firn_parquet_reader_next(r, test_ctx(), &got, &err));
    if (got == NULL) {
      break;
    }
    for (size_t i = 0; i < got->n_rows; i++, row++) {
      while (batch < n && row == batches[batch].n_rows) {
        batch++;
        row = 0;
      }
      assert_true(batch < n);
      const firn_field *schema = batches[batch].schema;
      for (uint32_t c = 0; c < schema->n_children; c++) {
        if (!same_value(&schema->children[c], &batches[batch].columns[c], row, &got->columns[c], i)) {
          fail_msg("column %s, batch %zu, row %zu differs", schema->children[c].name, batch, row);
        }
      }
    }
  }
  while (batch < n && row == batches[batch].n_rows) {
    batch++;
    row = 0;
  }
  assert_int_equal(batch, n);
}

static void random_tables_come_back(void **state) {
  (void)state;
  static const firn_codec codecs[] = {FIRN_CODEC_NONE,    FIRN_CODEC_SNAPPY, FIRN_CODEC_GZIP,
                                      FIRN_CODEC_LZ4_RAW, FIRN_CODEC_ZSTD,   FIRN_CODEC_BROTLI};
  for (uint64_t seed = 0; seed < 60; seed++) {
    random_source r = {.state = seed};
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_field schema;
    firn_batch batches[3];
    assert_true(random_schema(&r, &arena, 1 + (uint32_t)random_below(&r, 6), &schema));
    for (size_t i = 0; i < FIRN_COUNT_OF(batches); i++) {
      assert_true(
          random_batch(&r, &schema, random_below(&r, seed % 7 == 0 ? 3000 : 300), &arena, &batches[i]));
    }
    firn_parquet_writer_options options = {.codec = codecs[seed % FIRN_COUNT_OF(codecs)],
                                           .page_bytes = 100 << random_below(&r, 8),
                                           .page_rows = 1 + random_below(&r, 500),
                                           .row_group_rows = 50 + random_below(&r, 2000),
                                           .dictionary_bytes = 20 << random_below(&r, 10),
                                           .skip_incompressible = seed % 2 == 0};
    AUTO_SINK sink = {0};
    firn_parquet_file_info info;
    write_all(&schema, &options, batches, FIRN_COUNT_OF(batches), &sink, &arena, &info);
    check_same(&sink, batches, FIRN_COUNT_OF(batches));
  }
}

typedef struct opened {
  firn_bytes bytes;
  firn_parquet_file *file;
  const firn_parquet_metadata *metadata;
} opened;

static void close_opened(opened *o) {
  firn_parquet_file_close(o->file);
}

static void open_sink(const memory_sink *sink, opened *o) {
  firn_error err;
  o->bytes = firn_builder_bytes(&sink->file);
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&o->bytes), test_ctx(), 0, 0, &o->file, &err));
  o->metadata = firn_parquet_file_metadata(o->file);
}

#define AUTO_OPENED FIRN_AUTO(close_opened) opened

static const firn_parquet_chunk *chunk_of(const opened *o, size_t group, uint32_t leaf) {
  return &o->metadata->row_groups[group].chunks[leaf];
}

static bool has_encoding(const firn_parquet_chunk *c, firn_parquet_encoding e) {
  return (c->encodings >> e & 1) != 0;
}

static void an_empty_file_is_a_file(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  write_all(&flat, NULL, NULL, 0, &sink, &arena, &info);
  check_same(&sink, NULL, 0);
  assert_int_equal(info.n_rows, 0);
  assert_int_equal(info.n_columns, 4);
  assert_false(info.columns[0].has_bounds);
}

static void pages_hold_whole_rows_and_keep_their_size(void **state) {
  (void)state;
  (void)test_ctx();
  enum { ROWS = 3000, PAGE = 4096, LARGE = 1777 };
  AUTO_ROWS rows = {0};
  make_rows(&rows, ROWS, 40, 50);
  uint8_t *large = firn_arena_alloc(&rows.arena, 3 * PAGE);
  rows.batch.columns[3].bytes[LARGE] = (firn_bytes){large, 3 * PAGE};
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  firn_parquet_writer_options options = {.page_bytes = PAGE, .page_rows = 900};
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  for (uint32_t leaf = 0; leaf < 4; leaf++) {
    firn_error err;
    firn_parquet_offset_index index;
    CHECK_OK(firn_parquet_file_offset_index(o.file, test_ctx(), 0, leaf, &rows.arena, &index, &err));
    assert_true(index.n_pages >= ROWS / 900);
    for (size_t i = 0; i < index.n_pages; i++) {
      int64_t first = index.pages[i].first_row;
      int64_t end = i + 1 < index.n_pages ? index.pages[i + 1].first_row : ROWS;
      assert_true(end - first <= 900);
      if (leaf == 3 && first <= LARGE && LARGE < end) {
        assert_int_equal(end - first, 1); /* alone */
      } else {
        assert_true(index.pages[i].compressed_bytes <= PAGE + 64);
      }
    }
  }
  check_same(&sink, &rows.batch, 1);
}

static void a_dictionary_is_kept_only_where_it_pays(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 4000, 30, 20);
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  firn_parquet_writer_options options = {.page_bytes = 1 << 12};
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  const firn_parquet_chunk *id = chunk_of(&o, 0, 0), *name = chunk_of(&o, 0, 1);
  assert_true(has_encoding(name, FIRN_PARQUET_RLE_DICTIONARY) && name->dictionary_page_offset > 0);
  assert_false(has_encoding(id, FIRN_PARQUET_RLE_DICTIONARY) || id->dictionary_page_offset > 0);
  assert_true(name->compressed_bytes < 4000);
}

/* It pays at first and then fills up: pages of indexes, then plain ones, in one chunk. */
static void a_full_dictionary_is_followed_by_plain_pages(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 6000, 5, 20);
  for (size_t i = 3000; i < 6000; i++) {
    rows.batch.columns[1].bytes[i] = firn_bytes_of(firn_arena_printf(&rows.arena, "unique-%zu", i));
  }
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  firn_parquet_writer_options options = {.dictionary_bytes = 1000, .page_rows = 500};
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  const firn_parquet_chunk *name = chunk_of(&o, 0, 1);
  assert_true(has_encoding(name, FIRN_PARQUET_RLE_DICTIONARY) && has_encoding(name, FIRN_PARQUET_PLAIN));
  check_same(&sink, &rows.batch, 1);
}

static void a_null_in_a_required_column_is_refused(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  AUTO_ROWS good = {0}, bad = {0};
  make_rows(&good, 10, 3, 5);
  make_rows(&bad, 10, 3, 5);
  CHECK_OK(firn_vector_need_validity(&bad.batch.columns[0], 10, &bad.arena, &err));
  firn_vector_set_null(&bad.batch.columns[0], 7);
  AUTO_SINK sink = {0};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  CHECK_OK(firn_parquet_writer_open(&flat, NULL, sink_of(&sink), &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, &good.batch, &err));
  CHECK_STATUS(firn_parquet_writer_write(w, &bad.batch, &err), FIRN_INVALID);
  CHECK_SAYS("id: value 7 is null and the column is required");
  CHECK_OK(firn_parquet_writer_write(w, &good.batch, &err));
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_finish(w, &good.arena, &info, &err));
  assert_int_equal(info.n_rows, 20);
  firn_batch both[] = {good.batch, good.batch};
  check_same(&sink, both, 2);
  CHECK_STATUS(firn_parquet_writer_write(w, &good.batch, &err), FIRN_INVALID); /* it is finished */
}

/* A required field below a struct that is null has no value, and that is no fault. */
static void required_fields_below_a_null_are_not_missed(void **state) {
  (void)state;
  firn_error err;
  static const firn_field x[] = {{.id = 2, .name = "x", .kind = FIRN_KIND_INT, .required = true}};
  static const firn_field p[] = {
      {.id = 1, .name = "p", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = x}};
  static const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = p};
  int32_t xs[] = {1, 2, 3};
  uint64_t p_valid = 0x5, x_valid = 0x5;
  firn_vector below = {.kind = FIRN_KIND_INT, .len = 3, .i32 = xs, .validity = &x_valid, .n_nulls = 1};
  firn_vector column = {.kind = FIRN_KIND_STRUCT,
                        .len = 3,
                        .validity = &p_valid,
                        .n_nulls = 1,
                        .n_children = 1,
                        .children = &below};
  firn_batch batch = {.schema = &schema, .n_rows = 3, .columns = &column};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  write_all(&schema, NULL, &batch, 1, &sink, &arena, &info);
  check_same(&sink, &batch, 1);
  x_valid = 0x1; /* now one is missing */
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  CHECK_OK(firn_parquet_writer_open(&schema, NULL, sink_of(&sink), &w, &err));
  CHECK_STATUS(firn_parquet_writer_write(w, &batch, &err), FIRN_INVALID);
  CHECK_SAYS("p: x: value 2 is null");
}

static void values_that_do_not_fit_are_refused(void **state) {
  (void)state;
  firn_error err;
  static const firn_field columns[] = {{.id = 1, .name = "d", .kind = FIRN_KIND_DECIMAL, .precision = 3},
                                       {.id = 2, .name = "u", .kind = FIRN_KIND_UUID}};
  static const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = columns};
  firn_decimal d = 999;
  firn_bytes u = FIRN_LITERAL("0123456789abcdef");
  firn_vector vectors[] = {{.kind = FIRN_KIND_DECIMAL, .len = 1, .dec = &d},
                           {.kind = FIRN_KIND_UUID, .len = 1, .bytes = &u}};
  firn_batch batch = {.schema = &schema, .n_rows = 1, .columns = vectors};
  AUTO_SINK sink = {0};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  CHECK_OK(firn_parquet_writer_open(&schema, NULL, sink_of(&sink), &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, &batch, &err));
  d = -1000;
  CHECK_STATUS(firn_parquet_writer_write(w, &batch, &err), FIRN_INVALID);
  CHECK_SAYS("d: value 0 does not fit in decimal(3, 0)");
  d = 0;
  u.len = 15;
  CHECK_STATUS(firn_parquet_writer_write(w, &batch, &err), FIRN_INVALID);
  CHECK_SAYS("u: value 0 has 15 bytes, not 16");
}

static void options_for_no_column_are_refused(void **state) {
  (void)state;
  firn_error err;
  AUTO_SINK sink = {0};
  firn_parquet_writer *w = NULL;
  firn_parquet_column_options column = {.path = "nothing"};
  firn_parquet_writer_options options = {.n_columns = 1, .columns = &column};
  CHECK_STATUS(firn_parquet_writer_open(&flat, &options, sink_of(&sink), &w, &err), FIRN_INVALID);
  CHECK_SAYS("there is no column nothing");
  options = (firn_parquet_writer_options){.codec = FIRN_CODEC_DEFLATE};
  CHECK_STATUS(firn_parquet_writer_open(&flat, &options, sink_of(&sink), &w, &err), FIRN_INVALID);
  CHECK_SAYS("Parquet has no codec deflate");
  options = (firn_parquet_writer_options){.codec = FIRN_CODEC_ZSTD, .level = 99};
  CHECK_STATUS(firn_parquet_writer_open(&flat, &options, sink_of(&sink), &w, &err), FIRN_INVALID);
  CHECK_SAYS("id: zstd has levels");
  assert_null(w);
}

static void row_groups_are_cut_and_memory_is_told(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  AUTO_ROWS rows = {0};
  make_rows(&rows, 20000, 50, 100);
  AUTO_SINK sink = {0};
  firn_parquet_writer_options options = {
      .row_group_bytes = 300000, .page_bytes = 16384, .dictionary_bytes = 65536};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  CHECK_OK(firn_parquet_writer_open(&flat, &options, sink_of(&sink), &w, &err));
  size_t most = 0;
  for (int i = 0; i < 3; i++) {
    CHECK_OK(firn_parquet_writer_write(w, &rows.batch, &err));
    size_t held = firn_parquet_writer_memory(w);
    most = held > most ? held : most;
    uint64_t size = firn_parquet_writer_size(w);
    assert_true(size >= sink.file.len && size < sink.file.len + 600000);
  }
  assert_true(most < 2000000);
  assert_int_equal(firn_parquet_writer_rows(w), 60000);
  CHECK_OK(firn_parquet_writer_flush(w, &err));
  size_t flushed = sink.file.len;
  CHECK_OK(firn_parquet_writer_flush(w, &err)); /* nothing is left */
  assert_int_equal(sink.file.len, flushed);
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_finish(w, &rows.arena, &info, &err));
  assert_true(info.n_row_groups >= 60000 * 110 / 400000 && info.n_row_groups < 60000 * 130 / 250000);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  for (size_t g = 0; g < info.n_row_groups; g++) {
    assert_true(o.metadata->row_groups[g].total_bytes < 400000);
    assert_true(g == 0 || info.split_offsets[g] > info.split_offsets[g - 1]);
  }
  firn_batch thrice[] = {rows.batch, rows.batch, rows.batch};
  check_same(&sink, thrice, 3);
}

static void the_end_stands_in_its_order(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 3000, 50, 10);
  AUTO_SINK sink = {0};
  firn_parquet_column_options columns[] = {{.path = "name", .bloom_filter = true},
                                           {.path = "id", .bloom_filter = true}};
  firn_parquet_writer_options options = {.row_group_rows = 1000, .n_columns = 2, .columns = columns};
  firn_parquet_file_info info;
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  int64_t data_end = 0, blooms = INT64_MAX, blooms_end = 0, columns_at = INT64_MAX, columns_end = 0,
          offsets = INT64_MAX;
  for (size_t g = 0; g < 3; g++) {
    for (uint32_t leaf = 0; leaf < 4; leaf++) {
      const firn_parquet_chunk *c = chunk_of(&o, g, leaf);
      int64_t start = c->dictionary_page_offset > 0 ? c->dictionary_page_offset : c->data_page_offset;
      data_end = start + c->compressed_bytes > data_end ? start + c->compressed_bytes : data_end;
      if (c->bloom_filter_offset > 0) {
        blooms = c->bloom_filter_offset < blooms ? c->bloom_filter_offset : blooms;
        blooms_end = c->bloom_filter_offset + c->bloom_filter_bytes;
      }
      columns_at = c->column_index_offset < columns_at ? c->column_index_offset : columns_at;
      columns_end = c->column_index_offset + c->column_index_bytes;
      offsets = c->offset_index_offset < offsets ? c->offset_index_offset : offsets;
    }
  }
  assert_int_equal(data_end, blooms);
  assert_int_equal(blooms_end, columns_at);
  assert_int_equal(columns_end, offsets);
}

static void filters_admit_what_is_there(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  AUTO_ROWS rows = {0};
  make_rows(&rows, 3000, 50, 10);
  AUTO_SINK sink = {0};
  firn_parquet_column_options columns[] = {{.path = "name", .bloom_filter = true},
                                           {.path = "id", .bloom_filter = true}};
  firn_parquet_writer_options options = {.n_columns = 2, .columns = columns};
  firn_parquet_file_info info;
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  size_t strangers = 0;
  for (size_t i = 0; i < 3000; i++) {
    bool may;
    int64_t id = (int64_t)i, other = id + 1000000;
    firn_bytes id_bytes = {(const uint8_t *)&id, sizeof id},
               other_bytes = {(const uint8_t *)&other, sizeof id};
    CHECK_OK(firn_parquet_file_may_contain(o.file, test_ctx(), 0, 0, id_bytes, &may, &err));
    assert_true(may);
    CHECK_OK(
        firn_parquet_file_may_contain(o.file, test_ctx(), 0, 1, rows.batch.columns[1].bytes[i], &may, &err));
    assert_true(may);
    CHECK_OK(firn_parquet_file_may_contain(o.file, test_ctx(), 0, 0, other_bytes, &may, &err));
    strangers += may;
  }
  assert_true(strangers < 60);
}

static void noise_is_not_compressed(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 3000, 50, 100);
  AUTO_SINK sink = {0};
  firn_parquet_writer_options options = {
      .codec = FIRN_CODEC_ZSTD, .skip_incompressible = true, .page_bytes = 8192};
  firn_parquet_file_info info;
  write_all(&flat, &options, &rows.batch, 1, &sink, &rows.arena, &info);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  assert_int_equal(chunk_of(&o, 0, 0)->codec, FIRN_CODEC_ZSTD);
  assert_int_equal(chunk_of(&o, 0, 3)->codec, FIRN_CODEC_NONE);
  check_same(&sink, &rows.batch, 1);
}

/* Traps 20 and 22: NaN is no bound, -0.0 comes before +0.0, and a page of nothing but NaN takes the index
 * away. */
static void bounds_of_reals_know_nan_and_zero(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 4, 2, 1);
  double *v = rows.batch.columns[2].f64;
  v[0] = 0.0;
  v[1] = (double)NAN;
  v[2] = 0.0;
  v[3] = (double)NAN;
  for (size_t page_rows = 1; page_rows <= 4; page_rows += 3) {
    AUTO_SINK sink = {0};
    firn_parquet_file_info info;
    write_all(&flat, &(firn_parquet_writer_options){.page_rows = page_rows}, &rows.batch, 1, &sink,
              &rows.arena, &info);
    assert_int_equal(info.columns[2].n_nans, 2);
    assert_int_equal(info.columns[0].n_nans, -1);
    double low, high;
    memcpy(&low, info.columns[2].lower.data, sizeof low);
    memcpy(&high, info.columns[2].upper.data, sizeof high);
    assert_true(low == 0 && signbit(low) && high == 0 && !signbit(high));
    AUTO_OPENED o = {0};
    open_sink(&sink, &o);
    const firn_parquet_statistics *s = &chunk_of(&o, 0, 2)->statistics;
    assert_true(s->has_min && s->has_max && s->min.data[7] == 0x80 && s->max.data[7] == 0x00);
    assert_int_equal(chunk_of(&o, 0, 2)->column_index_bytes > 0, page_rows == 4);
  }
  for (size_t i = 0; i < 4; i++) {
    v[i] = (double)NAN;
  }
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  write_all(&flat, NULL, &rows.batch, 1, &sink, &rows.arena, &info);
  assert_false(info.columns[2].has_bounds);
  assert_int_equal(info.columns[2].n_nans, 4);
}

static void the_caller_learns_icebergs_bounds(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 3, 1, 40);
  rows.batch.columns[1].bytes[0] = FIRN_LITERAL("seventeen letters");
  rows.batch.columns[1].bytes[1] = FIRN_LITERAL("zz");
  rows.batch.columns[1].bytes[2] = FIRN_LITERAL("zyxwvutsrqponmlkjihg");
  firn_parquet_column_options columns[] = {{.path = "payload", .bounds = FIRN_BOUNDS_NONE},
                                           {.path = "name", .bounds = FIRN_BOUNDS_FULL}};
  for (size_t n = 1; n <= 2; n++) {
    AUTO_SINK sink = {0};
    firn_parquet_file_info info;
    write_all(&flat, &(firn_parquet_writer_options){.n_columns = n, .columns = columns}, &rows.batch, 1,
              &sink, &rows.arena, &info);
    CHECK_BYTES(info.columns[1].lower, n == 1 ? "seventeen letter" : "seventeen letters");
    CHECK_BYTES(info.columns[1].upper, "zz");
    assert_int_equal(info.columns[0].lower.len, 8);
    assert_int_equal(info.columns[0].upper.data[0], 2);
    assert_false(info.columns[3].has_bounds);
    assert_int_equal(info.columns[3].n_values, 3);
    AUTO_OPENED o = {0};
    open_sink(&sink, &o);
    assert_false(chunk_of(&o, 0, 3)->statistics.has_min || chunk_of(&o, 0, 3)->statistics.has_max);
    assert_int_equal(chunk_of(&o, 0, 3)->column_index_offset, 0);
    assert_true(chunk_of(&o, 0, 3)->offset_index_offset > 0);
  }
}

static void text_that_is_not_utf8_has_no_bounds(void **state) {
  (void)state;
  (void)test_ctx();
  AUTO_ROWS rows = {0};
  make_rows(&rows, 3, 1, 4);
  rows.batch.columns[1].bytes[1] = FIRN_LITERAL("\xFF\xFE");
  AUTO_SINK sink = {0};
  firn_parquet_file_info info;
  write_all(&flat, NULL, &rows.batch, 1, &sink, &rows.arena, &info);
  assert_false(info.columns[1].has_bounds);
  AUTO_OPENED o = {0};
  open_sink(&sink, &o);
  assert_false(chunk_of(&o, 0, 1)->statistics.has_min);
  assert_int_equal(chunk_of(&o, 0, 1)->column_index_offset, 0);
}

static void footers_are_bounded(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  AUTO_ROWS rows = {0};
  make_rows(&rows, 10, 5, 10);
  AUTO_SINK sink = {0};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_writer_options options = {.row_group_rows = 1, .footer_bytes = 20000};
  CHECK_OK(firn_parquet_writer_open(&flat, &options, sink_of(&sink), &w, &err));
  size_t batches = 0;
  for (; !firn_parquet_writer_is_full(w); batches++) {
    assert_true(batches < 100);
    CHECK_OK(firn_parquet_writer_write(
        w, &(firn_batch){.schema = &flat, .n_rows = 1, .columns = rows.batch.columns}, &err));
  }
  assert_true(batches > 5);
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_finish(w, &rows.arena, &info, &err));
  uint32_t footer;
  memcpy(&footer, sink.file.data + sink.file.len - 8, sizeof footer);
  assert_true(footer <= 20000 && footer > 5000);
}

static firn_status write_small(memory_sink *sink, bool hold_on) {
  static const firn_field map_fields[] = {
      {.id = 4, .name = "key", .kind = FIRN_KIND_STRING, .required = true},
      {.id = 5, .name = "value", .kind = FIRN_KIND_DECIMAL, .precision = 30}};
  static const firn_field columns[] = {
      {.id = 1, .name = "t", .kind = FIRN_KIND_STRING},
      {.id = 2, .name = "n", .kind = FIRN_KIND_INT},
      {.id = 3, .name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = map_fields}};
  static const firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 3, .children = columns};
  static const firn_parquet_column_options own = {.path = "t", .bloom_filter = true};
  firn_parquet_writer_options options = {.codec = FIRN_CODEC_ZSTD,
                                         .level = 1,
                                         .page_rows = 40,
                                         .row_group_rows = 150,
                                         .dictionary_bytes = 300,
                                         .skip_incompressible = true,
                                         .n_columns = 1,
                                         .columns = &own};
  random_source r = {.state = 5};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch batch;
  if (!random_batch(&r, &schema, 200, &arena, &batch)) {
    return FIRN_NOMEM;
  }
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  FIRN_TRY(firn_parquet_writer_open(&schema, &options, sink_of(sink), &w, NULL));
  firn_status status = firn_parquet_writer_write(w, &batch, NULL);
  if (status != FIRN_OK && hold_on) { /* a writer that failed says so again */
    assert_int_equal(firn_parquet_writer_write(w, &batch, NULL), FIRN_INVALID);
    assert_int_equal(firn_parquet_writer_finish(w, &arena, &info, NULL), FIRN_INVALID);
  }
  FIRN_TRY(status);
  return firn_parquet_writer_finish(w, &arena, &info, NULL);
}

static firn_status write_once(void) {
  AUTO_SINK sink = {0};
  return write_small(&sink, false);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_once);
}

static void survives_every_failing_write(void **state) {
  (void)state;
  AUTO_SINK whole = {0};
  assert_int_equal(write_small(&whole, false), FIRN_OK);
  assert_true(whole.n_writes > 10);
  for (size_t at = 1; at <= whole.n_writes; at++) {
    AUTO_SINK sink = {.fails_at = at};
    assert_int_equal(write_small(&sink, true), FIRN_IO);
    assert_true(sink.file.len < whole.file.len);
  }
}

RUN_TESTS(random_tables_come_back, an_empty_file_is_a_file, pages_hold_whole_rows_and_keep_their_size,
          a_dictionary_is_kept_only_where_it_pays, a_full_dictionary_is_followed_by_plain_pages,
          a_null_in_a_required_column_is_refused, required_fields_below_a_null_are_not_missed,
          values_that_do_not_fit_are_refused, options_for_no_column_are_refused,
          row_groups_are_cut_and_memory_is_told, the_end_stands_in_its_order, filters_admit_what_is_there,
          noise_is_not_compressed, bounds_of_reals_know_nan_and_zero, the_caller_learns_icebergs_bounds,
          text_that_is_not_utf8_has_no_bounds, footers_are_bounded, survives_oom,
          survives_every_failing_write)
