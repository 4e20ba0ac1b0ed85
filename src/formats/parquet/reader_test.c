#include "formats/parquet/reader.h"

#include <stdio.h>

#include "test.h"

static const char *const seeds[] = {"flat", "flat_v2", "nested", "nested_v2", "odd"};

static firn_bytes load(const char *seed) {
  char path[256];
  (void)snprintf(path, sizeof path, "fuzz/seeds/parquet/%s.parquet", seed);
  return test_read_file(path);
}

static void unload(firn_bytes file) {
  firn_free((void *)(uintptr_t)file.data);
}

static bool same_value(const firn_vector *a, size_t i, const firn_vector *b, size_t j);

static bool same_entries(const firn_vector *a, size_t i, const firn_vector *b, size_t j) {
  int32_t n = a->offsets[i + 1] - a->offsets[i];
  if (n != b->offsets[j + 1] - b->offsets[j]) {
    return false;
  }
  for (uint32_t c = 0; c < a->n_children; c++) {
    for (int32_t k = 0; k < n; k++) {
      if (!same_value(&a->children[c], (size_t)(a->offsets[i] + k), &b->children[c],
                      (size_t)(b->offsets[j] + k))) {
        return false;
      }
    }
  }
  return true;
}

static bool same_value(const firn_vector *a, size_t i, const firn_vector *b, size_t j) {
  if (a->kind != b->kind || firn_vector_is_null(a, i) != firn_vector_is_null(b, j)) {
    return false;
  }
  size_t size = firn_kind_value_size(a->kind);
  if (firn_vector_is_null(a, i)) {
    return true;
  }
  if (a->kind == FIRN_KIND_BOOLEAN) {
    return firn_bit(a->bits, i) == firn_bit(b->bits, j);
  }
  if (firn_kind_is_bytes(a->kind)) {
    return firn_bytes_equal(a->bytes[i], b->bytes[j]);
  }
  if (a->kind == FIRN_KIND_LIST || a->kind == FIRN_KIND_MAP) {
    return same_entries(a, i, b, j);
  }
  for (uint32_t c = 0; c < a->n_children; c++) {
    if (!same_value(&a->children[c], i, &b->children[c], j)) {
      return false;
    }
  }
  return size == 0 || memcmp((uint8_t *)a->values + i * size, (uint8_t *)b->values + j * size, size) == 0;
}

/* Every row of a file as a batch of its own, in `arena`. */
typedef struct rows {
  size_t n;
  firn_batch *items;
} rows;

static firn_status read_rows(firn_bytes file, const firn_parquet_reader_options *options, firn_arena *arena,
                             rows *out, firn_error *err) {
  firn_parquet_source source = firn_parquet_source_over(&file);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_AUTO_PARQUET_READER *r = NULL;
  FIRN_TRY(firn_parquet_file_open(source, test_ctx(), 0, 0, &f, err));
  FIRN_TRY(firn_parquet_reader_open(f, options, &r, err));
  size_t capacity = 0;
  *out = (rows){0};
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(r, test_ctx(), &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_batch_check(batch, err));
    out->items = firn_arena_grow(arena, out->items, out->n, &capacity, sizeof *out->items);
    if (out->items == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory");
    }
    FIRN_TRY(firn_batch_copy(batch, arena, &out->items[out->n++], err));
  }
}

static void check_same_rows(const rows *whole, size_t first, const rows *parts) {
  size_t at = first;
  size_t batch = 0;
  while (at > 0 && at >= whole->items[batch].n_rows) { /* batches end where row groups do */
    at -= whole->items[batch++].n_rows;
  }
  for (size_t p = 0; p < parts->n; p++) {
    for (size_t i = 0; i < parts->items[p].n_rows; i++) {
      assert_true(batch < whole->n);
      for (uint32_t c = 0; c < whole->items[batch].schema->n_children; c++) {
        assert_true(same_value(&whole->items[batch].columns[c], at, &parts->items[p].columns[c], i));
      }
      if (++at == whole->items[batch].n_rows) {
        at = 0;
        batch++;
      }
    }
  }
}

static void any_batch_size_gives_the_same_rows(void **state) {
  (void)state;
  firn_error err;
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_bytes file = load(seeds[s]);
    rows whole;
    CHECK_OK(read_rows(file, NULL, &arena, &whole, &err));
    for (size_t n = 1; n < 9; n++) {
      rows parts;
      firn_parquet_reader_options options = {.batch_rows = n, .read_ahead_bytes = 1};
      CHECK_OK(read_rows(file, &options, &arena, &parts, &err));
      check_same_rows(&whole, 0, &parts);
    }
    unload(file);
  }
}

static void any_range_of_rows_is_that_part(void **state) {
  (void)state;
  firn_error err;
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_bytes file = load(seeds[s]);
    rows whole;
    CHECK_OK(read_rows(file, NULL, &arena, &whole, &err));
    size_t total = 0;
    for (size_t i = 0; i < whole.n; i++) {
      total += whole.items[i].n_rows;
    }
    for (size_t first = 0; first < total; first++) {
      for (size_t n = 1; n <= total - first; n++) {
        rows part;
        firn_parquet_reader_options options = {.first_row = (int64_t)first, .n_rows = (int64_t)n};
        CHECK_OK(read_rows(file, &options, &arena, &part, &err));
        size_t got = 0;
        for (size_t i = 0; i < part.n; i++) {
          got += part.items[i].n_rows;
        }
        assert_int_equal(got, n);
        check_same_rows(&whole, first, &part);
      }
    }
    unload(file);
  }
}

static void the_values_are_right(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes file = load("flat");
  rows r;
  CHECK_OK(read_rows(file, NULL, &arena, &r, &err));
  assert_int_equal(r.n, 2); /* row groups of 8 and 4 */
  const firn_vector *c = r.items[0].columns;
  assert_true(firn_bit(c[0].bits, 0));
  assert_false(firn_bit(c[0].bits, 1));
  assert_true(firn_vector_is_null(&c[0], 2));
  assert_int_equal(c[1].i32[7], 7);
  assert_null(c[1].validity);
  CHECK_BYTES(c[3].bytes[7], "n\xC3\xA9v\xC3\xA9");
  assert_int_equal(c[3].n_nulls, 2);
  assert_int_equal(c[4].bytes[4].data[0], 4);
  assert_int_equal(c[5].kind, FIRN_KIND_TIMESTAMPTZ);
  assert_int_equal(c[5].i64[1], -59000000);
  assert_true(c[6].dec[0] == -6);
  unload(file);
  file = load("nested");
  CHECK_OK(read_rows(file, NULL, &arena, &r, &err));
  c = r.items[0].columns;
  assert_memory_equal(c[0].offsets, ((int32_t[]){0, 2, 2, 2, 3, 6}), 6 * sizeof(int32_t));
  assert_true(firn_vector_is_null(&c[0], 2));
  assert_false(firn_vector_is_null(&c[0], 1));
  CHECK_BYTES(c[0].children[0].bytes[5], "e");
  assert_true(firn_vector_is_null(&c[1], 1));
  assert_true(firn_vector_is_null(&c[1].children[0], 2));
  assert_int_equal(c[1].children[1].i32[3], 4);
  assert_string_equal(r.items[0].schema->children[3].children[1].children[0].name, "element");
  unload(file);
}

static void chosen_columns_come_in_the_order_asked_for(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes file = load("nested");
  rows r;
  firn_parquet_reader_options options = {.n_columns = 2, .columns = (const uint32_t[]){3, 1}};
  CHECK_OK(read_rows(file, &options, &arena, &r, &err));
  assert_int_equal(r.items[0].schema->n_children, 2);
  assert_string_equal(r.items[0].schema->children[0].name, "m");
  assert_int_equal(r.items[0].columns[0].kind, FIRN_KIND_MAP);
  assert_int_equal(r.items[0].columns[1].kind, FIRN_KIND_STRUCT);
  options.n_columns = 0; /* rows can be counted without a column */
  CHECK_OK(read_rows(file, &options, &arena, &r, &err));
  assert_int_equal(r.items[0].n_rows, 5);
  assert_int_equal(r.items[0].schema->n_children, 0);
  options = (firn_parquet_reader_options){.n_columns = 1, .columns = (const uint32_t[]){5}};
  CHECK_STATUS(read_rows(file, &options, &arena, &r, &err), FIRN_INVALID);
  options = (firn_parquet_reader_options){.first_row = -1};
  CHECK_STATUS(read_rows(file, &options, &arena, &r, &err), FIRN_INVALID);
  options = (firn_parquet_reader_options){.first_row = 99};
  CHECK_OK(read_rows(file, &options, &arena, &r, &err));
  assert_int_equal(r.n, 0);
  unload(file);
}

typedef struct counted {
  firn_bytes file;
  size_t n_reads, n_bytes;
} counted;

static firn_status read_counted(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                                firn_error *err) {
  counted *c = self;
  firn_parquet_source plain = firn_parquet_source_over(&c->file);
  c->n_reads++;
  for (size_t i = 0; i < n; i++) {
    c->n_bytes += ranges[i].len;
  }
  return plain.read(plain.self, ctx, ranges, n, err);
}

static void one_row_takes_few_reads(void **state) {
  (void)state;
  firn_error err;
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    counted c = {.file = load(seeds[s])};
    firn_parquet_source source = {read_counted, &c, c.file.len};
    FIRN_AUTO_PARQUET_FILE *f = NULL;
    rows whole;
    CHECK_OK(read_rows(c.file, NULL, &arena, &whole, &err));
    CHECK_OK(firn_parquet_file_open(source, test_ctx(), 8, 0, &f, &err)); /* the tail holds no index */
    assert_int_equal(c.n_reads, 2);
    int64_t n_rows = firn_parquet_file_metadata(f)->n_rows;
    for (int64_t row = 0; row < n_rows; row++) {
      firn_batch one;
      c.n_reads = c.n_bytes = 0;
      CHECK_OK(firn_parquet_read_row(f, test_ctx(), row, NULL, 0, &arena, &one, &err));
      assert_int_equal(one.n_rows, 1);
      check_same_rows(&whole, (size_t)row, &(rows){1, &one});
      bool has_index = firn_parquet_file_metadata(f)->row_groups[0].chunks[0].offset_index_offset > 0;
      assert_int_equal(c.n_reads, has_index ? 2 : 1); /* indexes, pages */
    }
    firn_batch none;
    CHECK_STATUS(firn_parquet_read_row(f, test_ctx(), n_rows, NULL, 0, &arena, &none, NULL), FIRN_NOT_FOUND);
    CHECK_STATUS(firn_parquet_read_row(f, test_ctx(), -1, NULL, 0, &arena, &none, NULL), FIRN_NOT_FOUND);
    unload(c.file);
  }
}

static void columns_that_share_one_large_index_do_not_multiply_it(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  counted c = {.file = load("nested")};
  firn_parquet_source source = {read_counted, &c, c.file.len};
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  rows whole;
  firn_batch one;
  CHECK_OK(read_rows(c.file, NULL, &arena, &whole, &err));
  CHECK_OK(firn_parquet_file_open(source, test_ctx(), 8, 0, &f, &err));
  const firn_parquet_metadata *m = firn_parquet_file_metadata(f);
  for (uint32_t i = 0; i < m->n_leaves; i++) { /* as a hostile footer would have it */
    firn_parquet_chunk *chunk = (firn_parquet_chunk *)(uintptr_t)&m->row_groups[0].chunks[i];
    chunk->offset_index_offset = 4;
    chunk->offset_index_bytes = (int32_t)(c.file.len - 100);
  }
  assert_true(m->n_leaves > 3);
  c.n_bytes = 0;
  CHECK_OK(firn_parquet_read_row(f, test_ctx(), 1, NULL, 0, &arena, &one, &err));
  check_same_rows(&whole, 1, &(rows){1, &one});
  assert_true(c.n_bytes < 2 * c.file.len);
  unload(c.file);
}

static void indexes_agree_with_the_pages(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes file = load("flat");
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&file), test_ctx(), 0, 0, &f, &err));
  firn_parquet_offset_index offsets;
  firn_parquet_column_index columns;
  CHECK_OK(firn_parquet_file_offset_index(f, test_ctx(), 0, 1, &arena, &offsets, &err));
  CHECK_OK(firn_parquet_file_column_index(f, test_ctx(), 0, 1, &arena, &columns, &err));
  assert_true(offsets.n_pages > 1);
  assert_int_equal(offsets.n_pages, columns.n_pages);
  for (size_t p = 0; p < columns.n_pages; p++) {
    int32_t min;
    assert_int_equal(columns.mins[p].len, 4);
    memcpy(&min, columns.mins[p].data, 4);
    assert_int_equal(min, offsets.pages[p].first_row); /* the column counts rows */
    assert_int_equal(columns.n_nulls[p], 0);
  }
  const firn_parquet_statistics *s = &firn_parquet_file_metadata(f)->row_groups[1].chunks[1].statistics;
  assert_true(s->has_min && s->has_max);
  assert_int_equal(s->min.data[0], 8);
  assert_int_equal(s->max.data[0], 11);
  assert_int_equal(s->n_nulls, 0);
  CHECK_STATUS(firn_parquet_file_offset_index(f, test_ctx(), 2, 0, &arena, &offsets, NULL), FIRN_INVALID);
  unload(file);
}

static void refuses_every_cut(void **state) {
  (void)state;
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    firn_bytes file = load(seeds[s]);
    for (size_t len = 0; len < file.len; len++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      uint8_t *copy = firn_alloc(len);
      assert_non_null(copy);
      memcpy(copy, file.data, len);
      rows r;
      firn_error err;
      CHECK_STATUS(read_rows((firn_bytes){copy, len}, NULL, &arena, &r, &err), FIRN_CORRUPT);
      firn_free(copy);
    }
    unload(file);
  }
}

static void survives_every_changed_byte(void **state) {
  (void)state;
  firn_parquet_reader_options options = {.max_page_bytes = 1 << 20};
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    firn_bytes file = load(seeds[s]);
    uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
    size_t n_refused = 0;
    for (size_t at = 0; at < file.len; at++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      static const uint8_t changes[] = {0xFF, 0x01, 0x80, 0x10};
      uint8_t was = bytes[at];
      bytes[at] ^= changes[at % FIRN_COUNT_OF(changes)];
      rows r;
      firn_error err;
      firn_status status = read_rows(file, &options, &arena, &r, &err);
      n_refused += status != FIRN_OK;
      assert_true(status == FIRN_OK || status == FIRN_CORRUPT || status == FIRN_UNSUPPORTED ||
                  status == FIRN_LIMIT);
      bytes[at] = was;
    }
    assert_true(n_refused > file.len / 8);
    unload(file);
  }
}

static void a_changed_page_fails_its_checksum(void **state) {
  (void)state;
  firn_error err;
  firn_bytes file = load("flat");
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_OK(firn_parquet_file_open(firn_parquet_source_over(&file), test_ctx(), 0, 0, &f, &err));
  firn_parquet_offset_index index;
  CHECK_OK(firn_parquet_file_offset_index(f, test_ctx(), 0, 1, &arena, &index, &err));
  size_t last = (size_t)(index.pages[0].offset + index.pages[0].compressed_bytes - 1);
  ((uint8_t *)(uintptr_t)file.data)[last] ^= 1;
  rows r;
  CHECK_STATUS(read_rows(file, NULL, &arena, &r, &err), FIRN_CORRUPT);
  CHECK_SAYS("row group 0: column i: page at ");
  CHECK_SAYS("the checksum does not match");
  unload(file);
}

static void large_pages_meet_their_bound(void **state) {
  (void)state;
  firn_error err;
  firn_bytes file = load("odd");
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  rows r;
  firn_parquet_reader_options options = {.max_page_bytes = 7};
  CHECK_STATUS(read_rows(file, &options, &arena, &r, &err), FIRN_LIMIT);
  CHECK_SAYS("7 are the most");
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  CHECK_STATUS(firn_parquet_file_open(firn_parquet_source_over(&file), test_ctx(), 0, 100, &f, &err),
               FIRN_LIMIT);
  unload(file);
}

static firn_bytes oom_file;

static firn_status read_once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  rows r;
  firn_parquet_reader_options options = {.first_row = 1};
  return read_rows(oom_file, &options, &arena, &r, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  for (size_t s = 0; s < FIRN_COUNT_OF(seeds); s++) {
    oom_file = load(seeds[s]);
    check_survives_oom(read_once);
    unload(oom_file);
  }
}

RUN_TESTS(any_batch_size_gives_the_same_rows, any_range_of_rows_is_that_part, the_values_are_right,
          chosen_columns_come_in_the_order_asked_for, one_row_takes_few_reads,
          columns_that_share_one_large_index_do_not_multiply_it, indexes_agree_with_the_pages,
          refuses_every_cut, survives_every_changed_byte, a_changed_page_fails_its_checksum,
          large_pages_meet_their_bound, survives_oom)
