/* Manifests of which not everything is wanted: what is left out, and that nothing else changes. */
#include "test.h"

#include "iceberg/meta/manifest.h"

enum { N_FILES = 50, MOST_COLUMNS = 90 };

static const firn_field columns[] = {{.id = 1, .name = "region", .kind = FIRN_KIND_STRING}};
static const firn_schema schema = {
    .root = {.id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = columns}};
static const firn_partition_field by_region = {1, 1000, "region", {FIRN_TRANSFORM_IDENTITY, 0, NULL}};
static const firn_partition_spec spec = {.n_fields = 1, .fields = &by_region};

static firn_id_counts random_counts(size_t n, firn_arena *arena) {
  firn_id_count *items = firn_new_n(arena, firn_id_count, n);
  for (size_t i = 0; items != NULL && i < n; i++) {
    items[i] = (firn_id_count){(int32_t)i + 1, (int64_t)(test_random() >> (test_random() % 60 + 2))};
  }
  return (firn_id_counts){true, items == NULL ? 0 : n, items};
}

static firn_id_bounds random_bounds(size_t n, firn_arena *arena) {
  firn_id_bytes *items = firn_new_n(arena, firn_id_bytes, n);
  for (size_t i = 0; items != NULL && i < n; i++) {
    size_t len = test_random() % 4 == 0 ? 0 : test_random() % 200;
    uint8_t *bytes = firn_arena_alloc_bytes(arena, len);
    for (size_t k = 0; bytes != NULL && k < len; k++) {
      bytes[k] = (uint8_t)test_random();
    }
    items[i] = (firn_id_bytes){(int32_t)i + 1, {bytes, bytes == NULL ? 0 : len}};
  }
  return (firn_id_bounds){true, items == NULL ? 0 : n, items};
}

/* Files of random statistics, every third of them deleted. */
static firn_status write_manifest(firn_arena *arena, firn_builder *file, firn_manifest_file *out,
                                  firn_error *err) {
  const firn_manifest_writer_options options = {.format_version = 2,
                                                .schema = &schema,
                                                .spec = &spec,
                                                .snapshot_id = 7,
                                                .codec = FIRN_CODEC_DEFLATE,
                                                .env = test_ctx()->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, firn_avro_sink_onto(file), &w, err));
  for (int i = 0; i < N_FILES; i++) {
    size_t n = test_random() % MOST_COLUMNS;
    static const int64_t offsets[] = {4, 90};
    firn_value region = {.kind = FIRN_KIND_STRING,
                         .bytes = i % 2 == 0 ? FIRN_LITERAL("eu") : FIRN_LITERAL("us")};
    firn_manifest_entry e = {.status = i % 3 == 0 ? FIRN_ENTRY_DELETED : FIRN_ENTRY_ADDED,
                             .snapshot_id = 7,
                             .sequence_number = 3,
                             .file_sequence_number = 3,
                             .file = {.path = firn_arena_printf(arena, "file-%d", i),
                                      .format = "PARQUET",
                                      .partition = &region,
                                      .record_count = i,
                                      .size_bytes = 100,
                                      .column_sizes = random_counts(n, arena),
                                      .value_counts = random_counts(n, arena),
                                      .null_counts = random_counts(n, arena),
                                      .lower_bounds = random_bounds(n, arena),
                                      .upper_bounds = random_bounds(n, arena),
                                      .key_metadata = FIRN_LITERAL("key"),
                                      .n_split_offsets = 2,
                                      .split_offsets = offsets,
                                      .has_sort_order_id = true,
                                      .sort_order_id = 4}};
    FIRN_TRY(firn_manifest_writer_add(w, &e, err));
  }
  FIRN_TRY(firn_manifest_writer_finish(w, arena, out, err));
  out->path = "m.avro";
  out->sequence_number = 3;
  return FIRN_OK;
}

static bool is_kept(const firn_manifest_wishes *w, int32_t id) {
  for (size_t i = 0; i < w->n_columns; i++) {
    if (w->columns[i] == id) {
      return true;
    }
  }
  return false;
}

static void check_counts(const firn_id_counts *all, const firn_id_counts *some,
                         const firn_manifest_wishes *w) {
  assert_true(some->present == (w->n_columns > 0 && all->present));
  size_t n = 0;
  for (size_t i = 0; i < all->n; i++) {
    if (is_kept(w, all->items[i].id)) {
      assert_true(n < some->n);
      assert_int_equal(some->items[n].id, all->items[i].id);
      assert_int_equal(some->items[n++].n, all->items[i].n);
    }
  }
  assert_int_equal(some->n, n);
}

static void check_bounds(const firn_id_bounds *all, const firn_id_bounds *some,
                         const firn_manifest_wishes *w) {
  assert_true(some->present == (w->n_columns > 0 && all->present));
  size_t n = 0;
  for (size_t i = 0; i < all->n; i++) {
    if (is_kept(w, all->items[i].id)) {
      assert_true(n < some->n);
      assert_int_equal(some->items[n].id, all->items[i].id);
      assert_true(firn_bytes_equal(some->items[n++].value, all->items[i].value));
    }
  }
  assert_int_equal(some->n, n);
}

static void check_entry(const firn_manifest_entry *all, const firn_manifest_entry *some,
                        const firn_manifest_wishes *w) {
  const firn_data_file *a = &all->file, *b = &some->file;
  assert_string_equal(a->path, b->path);
  assert_int_equal(all->status, some->status);
  assert_int_equal(all->sequence_number, some->sequence_number);
  assert_int_equal(a->record_count, b->record_count);
  assert_true(firn_value_equal(a->partition, b->partition));
  assert_true(firn_bytes_equal(a->key_metadata, b->key_metadata));
  assert_int_equal(a->n_split_offsets, b->n_split_offsets);
  assert_int_equal(a->sort_order_id, b->sort_order_id);
  assert_false(b->column_sizes.present);
  check_counts(&a->value_counts, &b->value_counts, w);
  check_counts(&a->null_counts, &b->null_counts, w);
  check_bounds(&a->lower_bounds, &b->lower_bounds, w);
  check_bounds(&a->upper_bounds, &b->upper_bounds, w);
}

typedef struct reading {
  firn_bytes rest;
  firn_manifest_reader *reader;
} reading;

static void reading_close(reading *r) {
  firn_manifest_close(r->reader);
}
#define AUTO_READING FIRN_AUTO(reading_close) reading

static firn_status open_for(reading *r, const firn_builder *file, const firn_manifest_file *m,
                            const firn_manifest_wishes *wishes, firn_error *err) {
  r->rest = firn_builder_bytes(file);
  return firn_manifest_open_for(firn_avro_source_over(&r->rest), test_ctx(), m, NULL, wishes, &r->reader,
                                err);
}

static void only_the_columns_that_are_wanted_have_statistics(void **state) {
  (void)state;
  static const int32_t sets[4][6] = {{0}, {5}, {1, 2, 3, 64, 65, 89}, {70, 1000}};
  static const size_t sizes[] = {0, 1, 6, 2};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&arena, &file, &m, &err));
  for (size_t i = 0; i < 4; i++) {
    const firn_manifest_wishes everything = {0};
    const firn_manifest_wishes some = {.only_columns = true, .n_columns = sizes[i], .columns = sets[i]};
    AUTO_READING whole = {0}, part = {0};
    CHECK_OK(open_for(&whole, &file, &m, &everything, &err));
    CHECK_OK(open_for(&part, &file, &m, &some, &err));
    for (int n = 0;; n++) {
      const firn_manifest_entry *a, *b;
      CHECK_OK(firn_manifest_next(whole.reader, test_ctx(), &a, &err));
      CHECK_OK(firn_manifest_next(part.reader, test_ctx(), &b, &err));
      if (a == NULL) {
        assert_null(b);
        assert_int_equal(n, N_FILES);
        break;
      }
      check_entry(a, b, &some);
    }
  }
}

typedef struct asked {
  int n;
  bool is_clean; /* nothing but what is promised was there */
} asked;

/* Live files in "eu". */
static bool wants_eu(void *arg, const firn_manifest_entry *e) {
  asked *a = arg;
  a->n++;
  a->is_clean = a->is_clean && e->snapshot_id == 7 && e->file.size_bytes == 100 && e->file.path != NULL &&
                !e->file.value_counts.present;
  return e->status != FIRN_ENTRY_DELETED && firn_bytes_is(e->file.partition[0].bytes, "eu");
}

static void entries_that_nobody_wants_are_passed_over(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&arena, &file, &m, &err));
  asked a = {.is_clean = true};
  const firn_manifest_wishes wishes = {.wants = wants_eu, .arg = &a};
  AUTO_READING r = {0};
  CHECK_OK(open_for(&r, &file, &m, &wishes, &err));
  for (int i = 0; i < N_FILES; i++) {
    if (i % 3 == 0 || i % 2 != 0) {
      continue;
    }
    const firn_manifest_entry *e;
    CHECK_OK(firn_manifest_next(r.reader, test_ctx(), &e, &err));
    assert_int_equal(e->file.record_count, i);
    assert_true(e->file.value_counts.present);
    assert_int_equal(e->file.sort_order_id, 4);
  }
  const firn_manifest_entry *e;
  CHECK_OK(firn_manifest_next(r.reader, test_ctx(), &e, &err));
  assert_null(e);
  assert_int_equal(a.n, N_FILES);
  assert_true(a.is_clean);
}

static bool wants_odd_sizes(void *arg, const firn_manifest_entry *e) {
  (void)arg;
  return strlen(e->file.path) % 2 == 1;
}

static firn_status read_all(firn_bytes bytes, const firn_manifest_file *m, const firn_manifest_wishes *wishes,
                            firn_error *err) {
  AUTO_READING r = {.rest = bytes};
  FIRN_TRY(
      firn_manifest_open_for(firn_avro_source_over(&r.rest), test_ctx(), m, NULL, wishes, &r.reader, err));
  for (;;) {
    const firn_manifest_entry *e;
    FIRN_TRY(firn_manifest_next(r.reader, test_ctx(), &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
  }
}

/* Without compression, so that what is broken reaches the decoder. */
static firn_status write_plain(firn_arena *arena, firn_builder *file, firn_manifest_file *out,
                               firn_error *err) {
  const firn_manifest_writer_options options = {.format_version = 2,
                                                .schema = &schema,
                                                .spec = &spec,
                                                .snapshot_id = 7,
                                                .codec = FIRN_CODEC_NONE,
                                                .env = test_ctx()->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, firn_avro_sink_onto(file), &w, err));
  for (int i = 0; i < 4; i++) {
    firn_value region = {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("eu")};
    firn_manifest_entry e = {.status = FIRN_ENTRY_ADDED,
                             .snapshot_id = 7,
                             .file = {.path = i % 2 == 0 ? "a" : "bb",
                                      .format = "PARQUET",
                                      .partition = &region,
                                      .record_count = i,
                                      .size_bytes = 100,
                                      .value_counts = random_counts(3, arena),
                                      .lower_bounds = random_bounds(2, arena)}};
    FIRN_TRY(firn_manifest_writer_add(w, &e, err));
  }
  FIRN_TRY(firn_manifest_writer_finish(w, arena, out, err));
  out->path = "m.avro";
  return FIRN_OK;
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  CHECK_OK(write_plain(&arena, &file, &m, &err));
  static const int32_t one[] = {2};
  const firn_manifest_wishes wishes[] = {
      {.only_columns = true, .wants = wants_odd_sizes},
      {.only_columns = true, .n_columns = 1, .columns = one, .wants = wants_odd_sizes}};
  firn_bytes whole = firn_builder_bytes(&file);
  for (size_t w = 0; w < 2; w++) {
    CHECK_OK(read_all(whole, &m, &wishes[w], &err));
    size_t n_whole = 0; /* cut behind its head it is a manifest without entries */
    for (size_t len = 0; len < whole.len; len += whole.len - len > 900 ? 7 : 1) {
      n_whole += read_all((firn_bytes){whole.data, len}, &m, &wishes[w], &err) == FIRN_OK;
    }
    assert_in_range(n_whole, 0, 1);
    for (size_t i = 0; i < whole.len; i += whole.len - i > 900 ? 7 : 1) {
      uint8_t *copy = (uint8_t *)(uintptr_t)whole.data; /* ours, and put back */
      uint8_t was = copy[i];
      copy[i] = (uint8_t)(was ^ 1U << test_random() % 8);
      firn_status status = read_all(whole, &m, &wishes[w], &err);
      assert_true(status == FIRN_OK || err.text[0] != '\0');
      copy[i] = was;
    }
  }
}

static void a_copy_outlives_its_reader(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&arena, &file, &m, &err));
  firn_manifest_entry first = {0}, bare = {0};
  const firn_manifest_wishes everything = {0};
  for (int turn = 0; turn < 2; turn++) {
    AUTO_READING r = {0};
    const firn_manifest_entry *e;
    CHECK_OK(open_for(&r, &file, &m, &everything, &err));
    CHECK_OK(firn_manifest_next(r.reader, test_ctx(), &e, &err));
    firn_manifest_entry *copy = turn == 0 ? &first : &bare;
    *copy = *e;
    CHECK_OK(firn_data_file_copy(&e->file, 1, turn == 0, &arena, &copy->file, &err));
  }
  AUTO_READING r = {0};
  const firn_manifest_entry *e;
  CHECK_OK(open_for(&r, &file, &m, &everything, &err));
  CHECK_OK(firn_manifest_next(r.reader, test_ctx(), &e, &err));
  int32_t all[MOST_COLUMNS];
  for (int32_t i = 0; i < MOST_COLUMNS; i++) {
    all[i] = i + 1;
  }
  const firn_manifest_wishes every_column = {.n_columns = MOST_COLUMNS, .columns = all};
  firn_manifest_entry without_sizes = first;
  assert_true(first.file.column_sizes.present);
  without_sizes.file.column_sizes = (firn_id_counts){0};
  check_entry(e, &without_sizes, &every_column);
  check_entry(e, &bare, &everything);
}

static firn_status copy_without_memory(void) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  FIRN_TRY(write_plain(&arena, &file, &m, &err));
  static const int32_t one[] = {2};
  const firn_manifest_wishes some = {.only_columns = true, .n_columns = 1, .columns = one};
  AUTO_READING r = {0};
  const firn_manifest_entry *e;
  firn_data_file copy;
  FIRN_TRY(open_for(&r, &file, &m, &some, &err));
  FIRN_TRY(firn_manifest_next(r.reader, test_ctx(), &e, &err));
  return firn_data_file_copy(&e->file, 1, true, &arena, &copy, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(copy_without_memory);
}

RUN_TESTS(only_the_columns_that_are_wanted_have_statistics, entries_that_nobody_wants_are_passed_over,
          refuses_every_cut_and_survives_every_flip, a_copy_outlives_its_reader, survives_oom)
