#include "iceberg/write/table_writer.h"

#include "formats/parquet/reader.h"
#include "test.h"

static const firn_field columns[] = {
    {.id = 1, .name = "region", .kind = FIRN_KIND_STRING},
    {.id = 2, .name = "n", .kind = FIRN_KIND_LONG},
    {.id = 3, .name = "ratio", .kind = FIRN_KIND_DOUBLE},
    {.id = 4, .name = "text", .kind = FIRN_KIND_STRING},
};
static const firn_schema schema = {
    .root = {.kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(columns), .children = columns}};
static const firn_partition_field by_region = {
    .source_id = 1, .field_id = 1000, .name = "region", .transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
static const firn_partition_spec spec = {.spec_id = 7, .n_fields = 1, .fields = &by_region};

/* A writer over a store in memory. */
typedef struct fixture {
  firn_ctx *ctx;
  firn_stores *stores;
  firn_store *store;
  firn_table_writer_options options;
  firn_table_writer *writer;
} fixture;

static void fixture_close(fixture *f) {
  firn_table_writer_close(f->writer, f->ctx);
  if (f->stores != NULL && f->store != NULL) {
    firn_stores_take_out(f->stores, f->store);
  }
  firn_stores_close(f->stores);
  firn_store_close(f->store);
}

#define FIXTURE fixture f FIRN_AUTO(fixture_close)

static firn_status fixture_open(fixture *f, size_t fail_at, firn_error *err) {
  firn_store *memory;
  f->ctx = test_ctx();
  FIRN_TRY(firn_stores_open(f->ctx->env, &f->stores, err));
  FIRN_TRY(firn_memory_store_open(0, &memory, err));
  FIRN_TRY(firn_faulty_store_open(memory, fail_at, FIRN_IO, &f->store, err));
  FIRN_TRY(firn_stores_add(f->stores, "memory", "test", f->store, err));
  f->options = (firn_table_writer_options){.schema = &schema,
                                           .spec = &spec,
                                           .sort_order_id = 3,
                                           .location = "memory://test/table",
                                           .stores = f->stores,
                                           .parquet = {.codec = FIRN_CODEC_NONE}};
  return FIRN_OK;
}

/* `n` rows from `first` on; row i belongs to region i % n_regions, with a null region where that is 9. */
static firn_status make_rows(size_t first, size_t n, size_t n_regions, firn_arena *arena, firn_batch *b,
                             firn_error *err) {
  static const char *const regions[] = {"a", "b/c", "d", "e", "f", "g", "h", "i", "j", "null"};
  FIRN_TRY(firn_batch_new(&schema.root, n, arena, b, err));
  FIRN_TRY(firn_vector_need_validity(&b->columns[0], n, arena, err));
  b->n_rows = n;
  for (size_t c = 0; c < FIRN_COUNT_OF(columns); c++) {
    b->columns[c].len = n;
  }
  for (size_t i = 0; i < n; i++) {
    size_t region = (first + i) % n_regions;
    b->columns[0].bytes[i] = firn_bytes_of(regions[region]);
    if (region == 9) {
      firn_bit_clear(b->columns[0].validity, i);
      b->columns[0].n_nulls++;
    }
    b->columns[1].i64[i] = (int64_t)(first + i);
    b->columns[2].f64[i] = i % 2 == 0 ? __builtin_nan("") : -1.5;
    uint64_t noise = test_random();
    uint8_t *text = firn_arena_alloc_bytes(arena, 64);
    if (text == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a text");
    }
    for (size_t j = 0; j < 64; j++) {
      text[j] = (uint8_t)('a' + (noise >> j % 60) % 16);
    }
    b->columns[3].bytes[i] = (firn_bytes){text, 64};
  }
  return FIRN_OK;
}

static firn_status write_rows(fixture *f, size_t first, size_t n, size_t n_regions, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  FIRN_TRY(make_rows(first, n, n_regions, &arena, &b, err));
  return firn_table_writer_write(f->writer, f->ctx, &b, err);
}

static size_t count_objects(fixture *f) {
  firn_error err;
  size_t n = 0;
  FIRN_AUTO_LISTING *listing = NULL;
  CHECK_OK(firn_store_list(f->store, f->ctx, "", &listing, &err));
  for (;;) {
    const firn_listed *listed;
    CHECK_OK(firn_listing_next(listing, f->ctx, &listed, &err));
    if (listed == NULL) {
      return n;
    }
    n++;
  }
}

/* Sum of column n in a file, read back; also that every row is of the file's partition. */
static int64_t sum_of_file(fixture *f, const firn_data_file *file) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *store;
  const char *path;
  firn_bytes bytes;
  int64_t sum = 0;
  int64_t n_rows = 0;
  CHECK_OK(firn_stores_find(f->stores, file->path, &arena, &store, &path, &err));
  CHECK_OK(firn_store_read_all(store, f->ctx, path, 1 << 30, &arena, &bytes, &err));
  assert_int_equal(bytes.len, file->size_bytes);
  FIRN_AUTO_PARQUET_FILE *parquet = NULL;
  FIRN_AUTO_PARQUET_READER *reader = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&bytes), f->ctx, 0, 0, &parquet, &err));
  CHECK_OK(firn_parquet_reader_open(parquet, &(firn_parquet_reader_options){0}, &reader, &err));
  for (;;) {
    const firn_batch *b;
    CHECK_OK(firn_parquet_reader_next(reader, f->ctx, &b, &err));
    if (b == NULL) {
      break;
    }
    for (size_t i = 0; i < b->n_rows; i++) {
      firn_value region = firn_value_at(&b->columns[0], i);
      assert_true(firn_value_equal(&region, &file->partition[0]));
      sum += b->columns[1].i64[i];
    }
    n_rows += (int64_t)b->n_rows;
  }
  assert_int_equal(n_rows, file->record_count);
  return sum;
}

static void check_files(fixture *f, const firn_data_file *files, size_t n, size_t n_rows) {
  int64_t sum = 0;
  int64_t rows = 0;
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(files[i].spec_id, 7);
    assert_int_equal(files[i].sort_order_id, 3);
    assert_string_equal(files[i].format, "PARQUET");
    rows += files[i].record_count;
    sum += sum_of_file(f, &files[i]);
  }
  assert_int_equal(rows, n_rows);
  assert_int_equal(sum, n_rows * (n_rows - 1) / 2);
}

static void every_partition_has_a_file_of_its_own(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  for (size_t first = 0; first < 1000; first += 100) {
    CHECK_OK(write_rows(&f, first, 100, 10, &err));
  }
  assert_int_equal(firn_table_writer_rows(f.writer), 1000);
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_int_equal(n, 10);
  check_files(&f, files, n, 1000);
  bool has_encoded = false;
  bool has_null = false;
  for (size_t i = 0; i < n; i++) {
    assert_non_null(strstr(files[i].path, "memory://test/table/data/region="));
    has_encoded = has_encoded || strstr(files[i].path, "region=b%2Fc/") != NULL;
    has_null = has_null || (strstr(files[i].path, "region=null/") != NULL && files[i].partition[0].is_null);
  }
  assert_true(has_encoded && has_null);
}

static void metrics_describe_the_columns(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  CHECK_OK(write_rows(&f, 0, 100, 1, &err));
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_int_equal(n, 1);
  const firn_data_file *file = &files[0];
  assert_true(file->value_counts.present && file->value_counts.n == 4);
  assert_int_equal(file->value_counts.items[1].id, 2);
  assert_int_equal(file->value_counts.items[1].n, 100);
  assert_int_equal(file->null_counts.items[0].n, 0);
  assert_int_equal(file->nan_counts.n, 1);
  assert_int_equal(file->nan_counts.items[0].id, 3);
  assert_int_equal(file->nan_counts.items[0].n, 50);
  firn_value low;
  CHECK_OK(firn_value_read(file->lower_bounds.items[1].value, &columns[1], &low, &err));
  assert_int_equal(low.i64, 0);
  assert_int_equal(file->upper_bounds.items[3].value.len, 16); /* text is cut to 16 code points */
  assert_true(file->n_split_offsets >= 1 && file->split_offsets[0] == 4);
}

static void files_roll_at_their_target_size(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  f.options.target_file_bytes = 20000;
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  for (size_t first = 0; first < 2000; first += 50) {
    CHECK_OK(write_rows(&f, first, 50, 2, &err));
  }
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_true(n >= 6 && n <= 16);
  check_files(&f, files, n, 2000);
}

static void memory_stays_within_the_budget(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  size_t most = 0;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  f.options.memory_bytes = 1 << 20;
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  for (size_t first = 0; first < 60000; first += 2000) {
    CHECK_OK(write_rows(&f, first, 2000, 3, &err));
    size_t now = firn_table_writer_memory(f.writer);
    most = now > most ? now : most;
  }
  assert_true(most <= (1 << 20));
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  check_files(&f, files, n, 60000);
}

/* Entries of finished files once counted as memory of open ones: from some number on each batch became a
 * file. */
static void many_finished_files_leave_room_for_open_ones(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  f.options.memory_bytes = 128 << 10;
  f.options.max_open_files = 1;
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  for (size_t first = 0; first < 200;
       first += 2) { /* two regions in turn: each write closes the other's file */
    CHECK_OK(write_rows(&f, first, 2, 2, &err));
  }
  assert_true(firn_table_writer_memory(f.writer) > (128 << 10));
  for (size_t first = 200; first < 250; first++) {
    CHECK_OK(write_rows(&f, first, 1, 1, &err));
  }
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_int_equal(n, 201); /* 200, and one of all the rest */
  assert_int_equal(files[n - 1].record_count, 50);
}

static void few_files_are_open_at_a_time(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  f.options.max_open_files = 2;
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  CHECK_OK(write_rows(&f, 0, 100, 5, &err));
  CHECK_OK(write_rows(&f, 100, 100, 5, &err));
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_true(n > 5);
  check_files(&f, files, n, 200);
}

static void files_that_are_not_kept_are_removed(void **state) {
  (void)state;
  firn_error err;
  FIXTURE = {0};
  const firn_data_file *files;
  size_t n;
  CHECK_OK(fixture_open(&f, SIZE_MAX, &err));
  f.options.max_open_files = 1;
  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  CHECK_OK(write_rows(&f, 0, 10, 2, &err)); /* one file is finished, one is open */
  assert_int_equal(count_objects(&f), 1);
  firn_table_writer_close(f.writer, f.ctx);
  f.writer = NULL;
  assert_int_equal(count_objects(&f), 0);

  CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
  CHECK_OK(write_rows(&f, 0, 10, 2, &err));
  CHECK_OK(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err));
  assert_int_equal(n, 2);
  firn_table_writer_keep(f.writer);
  CHECK_OK(write_rows(&f, 0, 10, 2, &err)); /* it may be used again */
  firn_table_writer_close(f.writer, f.ctx);
  f.writer = NULL;
  assert_int_equal(count_objects(&f), 2);
}

/* A finish after a failed write once handed over entries that lacked the rows of the failed file. */
static void after_a_failed_write_nothing_is_handed_over(void **state) {
  (void)state;
  for (size_t fail_at = 0; fail_at < 6; fail_at++) {
    firn_error err;
    FIXTURE = {0};
    const firn_data_file *files;
    size_t n;
    CHECK_OK(fixture_open(&f, fail_at, &err));
    f.options.target_file_bytes = 1; /* a file is finished at once */
    CHECK_OK(firn_table_writer_open(&f.options, &f.writer, &err));
    size_t written = 0;
    while (written < 10 && write_rows(&f, written, 1, 2, NULL) == FIRN_OK) {
      written++;
    }
    assert_true(written < 10);
    CHECK_STATUS(write_rows(&f, written, 1, 2, &err), FIRN_IO);
    CHECK_STATUS(firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err), FIRN_IO);
    CHECK_SAYS("an earlier write failed");
    firn_table_writer_close(f.writer, f.ctx);
    f.writer = NULL;
    assert_int_equal(count_objects(&f), 0);
  }
}

/* `n_left` (may be NULL) gets what a failed run leaves in the store. */
static firn_status write_and_close(size_t fail_at, size_t *n_left) {
  firn_error err;
  FIXTURE = {0};
  FIRN_TRY(fixture_open(&f, fail_at, &err));
  f.options.max_open_files = 2;
  f.options.target_file_bytes = 4000;
  FIRN_TRY(firn_table_writer_open(&f.options, &f.writer, &err));
  const firn_data_file *files;
  size_t n;
  firn_status status = write_rows(&f, 0, 200, 4, &err);
  if (status == FIRN_OK) {
    status = firn_table_writer_finish(f.writer, f.ctx, &files, &n, &err);
  }
  firn_table_writer_close(f.writer, f.ctx);
  f.writer = NULL;
  if (n_left != NULL && status != FIRN_OK) {
    *n_left = count_objects(&f);
  }
  return status;
}

static void every_failing_store_call_leaves_nothing(void **state) {
  (void)state;
  size_t n = 0;
  for (;; n++) {
    size_t n_left = 0;
    firn_status status = write_and_close(n, &n_left);
    if (status == FIRN_OK) {
      break;
    }
    assert_int_equal(status, FIRN_IO);
    assert_int_equal(n_left, 0);
  }
  assert_true(n > 10); /* it did go through all of them */
}

static firn_status write_once(void) {
  return write_and_close(SIZE_MAX, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_once);
}

RUN_TESTS(every_partition_has_a_file_of_its_own, metrics_describe_the_columns,
          files_roll_at_their_target_size, memory_stays_within_the_budget,
          many_finished_files_leave_room_for_open_ones, few_files_are_open_at_a_time,
          files_that_are_not_kept_are_removed, after_a_failed_write_nothing_is_handed_over,
          every_failing_store_call_leaves_nothing, survives_oom)
