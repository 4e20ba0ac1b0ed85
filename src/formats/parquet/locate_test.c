#include <stdlib.h>

#include "base/builder.h"
#include "base/hash.h"
#include "formats/parquet/reader.h"
#include "formats/parquet/writer.h"
#include "test.h"

enum { ROWS = 60 };

static firn_status sink(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = self;
  firn_builder_add(b, data);
  return b->failed == FIRN_OK ? FIRN_OK : firn_error_set(err, b->failed, "no memory");
}

/* A column of runs, every fifth of them 5,000 bytes, every seventh null (when it may be), beside one of
 * numbers.
 */
static void make_file(bool required, firn_codec codec, firn_arena *arena, firn_builder *file,
                      firn_batch *batch) {
  static firn_field columns[2];
  static firn_field schema;
  firn_error err;
  columns[0] = (firn_field){.id = 1, .name = "n", .required = true, .kind = FIRN_KIND_LONG};
  columns[1] = (firn_field){.id = 2, .name = "data", .required = required, .kind = FIRN_KIND_BINARY};
  schema = (firn_field){.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = columns};
  CHECK_OK(firn_batch_new(&schema, ROWS, arena, batch, &err));
  CHECK_OK(firn_vector_need_validity(&batch->columns[1], ROWS, arena, &err));
  for (size_t i = 0; i < ROWS; i++) {
    size_t len = i % 5 == 0 ? 5000 : 10;
    uint8_t *data = firn_arena_alloc_bytes(arena, len);
    for (size_t k = 0; k < len; k++) {
      data[k] = (uint8_t)test_random();
    }
    batch->columns[0].i64[i] = (int64_t)i;
    firn_bit_set(batch->columns[1].validity, i);
    batch->columns[1].bytes[i] = (firn_bytes){data, len};
    if (!required && i % 7 == 0) {
      batch->columns[1].bytes[i] = (firn_bytes){NULL, 0};
      firn_vector_set_null(&batch->columns[1], i);
    }
  }
  batch->n_rows = batch->columns[0].len = batch->columns[1].len = ROWS;
  static const firn_parquet_column_options plain = {.path = "data", .dictionary = FIRN_DICTIONARY_OFF};
  firn_parquet_writer_options options = {
      .codec = codec, .page_bytes = 1000, .row_group_rows = 25, .n_columns = 1, .columns = &plain};
  FIRN_AUTO_PARQUET_WRITER *w = NULL;
  firn_parquet_file_info info;
  CHECK_OK(firn_parquet_writer_open(&schema, &options, (firn_parquet_sink){sink, file}, &w, &err));
  CHECK_OK(firn_parquet_writer_write(w, batch, &err));
  CHECK_OK(firn_parquet_writer_finish(w, arena, &info, &err));
}

static void large_values_are_found_as_they_lie(void **state) {
  (void)state;
  for (int required = 0; required < 2; required++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    firn_error err;
    firn_batch batch;
    make_file(required == 1, FIRN_CODEC_NONE, &arena, &file, &batch);
    firn_bytes bytes = firn_builder_bytes(&file);
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
    size_t n_plain = 0;
    for (size_t i = 0; i < ROWS; i++) {
      firn_parquet_located l;
      CHECK_OK(firn_parquet_locate(f, test_ctx(), (int64_t)i, 1, 2000, &l, &err));
      bool is_large = i % 5 == 0 && (required == 1 || i % 7 != 0);
      assert_int_equal(l.is_plain, is_large);
      assert_int_equal(l.page_bytes > 0, is_large);
      if (is_large) {
        firn_bytes value = firn_bytes_part(bytes, (size_t)l.offset, (size_t)l.len);
        assert_true(firn_bytes_equal(value, batch.columns[1].bytes[i]));
        assert_true(!l.has_crc || firn_crc32(l.crc_before, value) == l.crc);
        n_plain++;
      }
    }
    assert_true(n_plain >= 8);
    firn_parquet_located l;
    CHECK_OK(firn_parquet_locate(f, test_ctx(), 1, 1, 0, &l, &err)); /* in a page with others */
    assert_false(l.is_plain);
    assert_true(l.page_bytes > 0);
    CHECK_OK(firn_parquet_locate(f, test_ctx(), 1, 0, 0, &l, &err));
    assert_false(l.is_plain);
    CHECK_STATUS(firn_parquet_locate(f, test_ctx(), ROWS, 1, 0, &l, &err), FIRN_NOT_FOUND);
    CHECK_STATUS(firn_parquet_locate(f, test_ctx(), -1, 1, 0, &l, &err), FIRN_NOT_FOUND);
    CHECK_STATUS(firn_parquet_locate(f, test_ctx(), 0, 2, 0, &l, &err), FIRN_INVALID);
  }
}

static void compressed_values_are_not_plain(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch batch;
  make_file(true, FIRN_CODEC_ZSTD, &arena, &file, &batch);
  firn_bytes bytes = firn_builder_bytes(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 0, 0, &f, &err));
  firn_parquet_located l;
  CHECK_OK(firn_parquet_locate(f, test_ctx(), 5, 1, 2000, &l, &err));
  assert_false(l.is_plain);
  assert_in_range(l.page_bytes, 5000, 5100);
}

/* Whatever is broken: what is called plain lies in the file. */
static void broken_files_are_errors_or_lie_inside(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_error err;
  firn_batch batch;
  make_file(false, FIRN_CODEC_NONE, &arena, &file, &batch);
  size_t n_plain = 0;
  for (size_t i = 0; i < file.len; i += i % 5000 < 200 ? 1 : 97) {
    for (unsigned bit = 0; bit < 8; bit += 3) {
      file.data[i] ^= (uint8_t)(1u << bit);
      firn_bytes bytes = firn_builder_bytes(&file);
      FIRN_AUTO_PARQUET_FILE *f = NULL;
      firn_parquet_located l;
      if (firn_parquet_file_open(firn_parquet_source_over(&bytes), test_ctx(), 1, 0, &f, &err) == FIRN_OK &&
          firn_parquet_locate(f, test_ctx(), 5, 1, 0, &l, &err) == FIRN_OK && l.is_plain) {
        n_plain++;
        assert_true(l.offset <= bytes.len && l.len <= bytes.len - l.offset);
      }
      file.data[i] ^= (uint8_t)(1u << bit);
    }
  }
  assert_true(n_plain > 0);
}

static firn_bytes shared;

static firn_status locate_one(void) {
  firn_error err;
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  firn_parquet_located l;
  FIRN_TRY(firn_parquet_file_open(firn_parquet_source_over(&shared), test_ctx(), 1, 0, &f, &err));
  return firn_parquet_locate(f, test_ctx(), 5, 1, 0, &l, &err);
}

static void survives_oom(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_batch batch;
  make_file(false, FIRN_CODEC_NONE, &arena, &file, &batch);
  shared = firn_builder_bytes(&file);
  check_survives_oom(locate_one);
}

RUN_TESTS(large_values_are_found_as_they_lie, compressed_values_are_not_plain,
          broken_files_are_errors_or_lie_inside, survives_oom)
