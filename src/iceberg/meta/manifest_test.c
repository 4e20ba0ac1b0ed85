#include "iceberg/meta/manifest.h"

#include <math.h>
#include <stdio.h>

#include "test.h"

/* A table to write for: a column for each kind that a partition may have. */
static const firn_field columns[] = {
    {.id = 1, .name = "flag", .kind = FIRN_KIND_BOOLEAN},
    {.id = 2, .name = "i", .kind = FIRN_KIND_INT},
    {.id = 3, .name = "l", .kind = FIRN_KIND_LONG},
    {.id = 4, .name = "f", .kind = FIRN_KIND_FLOAT},
    {.id = 5, .name = "d", .kind = FIRN_KIND_DOUBLE},
    {.id = 6, .name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.id = 7, .name = "huge", .kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 0},
    {.id = 8, .name = "day", .kind = FIRN_KIND_DATE},
    {.id = 9, .name = "clock", .kind = FIRN_KIND_TIME},
    {.id = 10, .name = "ts", .kind = FIRN_KIND_TIMESTAMP},
    {.id = 11, .name = "tz", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 12, .name = "s", .kind = FIRN_KIND_STRING},
    {.id = 13, .name = "u", .kind = FIRN_KIND_UUID},
    {.id = 14, .name = "x", .kind = FIRN_KIND_FIXED, .width = 3},
    {.id = 15, .name = "b", .kind = FIRN_KIND_BINARY},
    {.id = 16, .name = "u2", .kind = FIRN_KIND_UUID},
};
enum { N_COLUMNS = FIRN_COUNT_OF(columns) };

static const firn_schema schema = {.schema_id = 3,
                                   .root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = N_COLUMNS,
                                            .children = columns}};

static const firn_partition_spec unpartitioned = {0};
static const firn_partition_field by_string_field[] = {
    {.source_id = 12, .field_id = 1000, .name = "9s.x", .transform = {FIRN_TRANSFORM_IDENTITY, 0, NULL}}};
static const firn_partition_spec by_string = {.spec_id = 0, .n_fields = 1, .fields = by_string_field};
static const firn_partition_field by_day_field[] = {
    {.source_id = 11, .field_id = 1005, .name = "tz_day", .transform = {FIRN_TRANSFORM_DAY, 0, NULL}}};
static const firn_partition_spec by_day = {.spec_id = 4, .n_fields = 1, .fields = by_day_field};

/* Identity of every column. */
static firn_partition_spec by_everything(firn_partition_field fields[N_COLUMNS]) {
  for (int i = 0; i < N_COLUMNS; i++) {
    fields[i] =
        (firn_partition_field){columns[i].id, 1000 + i, columns[i].name, {FIRN_TRANSFORM_IDENTITY, 0, NULL}};
  }
  return (firn_partition_spec){.spec_id = 7, .n_fields = N_COLUMNS, .fields = fields};
}

static firn_value text_value(const char *text) {
  return (firn_value){.kind = FIRN_KIND_STRING, .bytes = firn_bytes_of(text)};
}

static firn_manifest_writer_options options_for(const firn_partition_spec *spec) {
  return (firn_manifest_writer_options){.format_version = 2,
                                        .schema = &schema,
                                        .spec = spec,
                                        .snapshot_id = 77,
                                        .codec = FIRN_CODEC_DEFLATE,
                                        .env = test_ctx()->env};
}

static firn_status write_manifest(const firn_manifest_writer_options *options,
                                  const firn_manifest_entry *entries, size_t n, firn_arena *arena,
                                  firn_builder *file, firn_manifest_file *out, firn_error *err) {
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(options, firn_avro_sink_onto(file), &w, err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_manifest_writer_add(w, &entries[i], err));
  }
  FIRN_TRY(firn_manifest_writer_finish(w, arena, out, err));
  out->path = "m0.avro";
  return FIRN_OK;
}

/* A reader over bytes, which it needs at a steady address. */
typedef struct opened {
  firn_bytes rest;
  firn_manifest_reader *reader;
} opened;

static firn_status open_manifest(opened *o, firn_bytes file, const firn_manifest_file *m, firn_error *err) {
  o->rest = file;
  return firn_manifest_open(firn_avro_source_over(&o->rest), test_ctx(), m, NULL, &o->reader, err);
}

static void opened_close(opened *o) {
  firn_manifest_close(o->reader);
}
#define AUTO_OPENED FIRN_AUTO(opened_close) opened

static firn_status read_manifest(firn_bytes file, const firn_manifest_file *m, size_t *n, firn_error *err) {
  AUTO_OPENED o = {0};
  FIRN_TRY(open_manifest(&o, file, m, err));
  const firn_manifest_entry *e = NULL;
  for (*n = 0;; ++*n) {
    FIRN_TRY(firn_manifest_next(o.reader, test_ctx(), &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
  }
}

static const firn_id_count two_counts[] = {{1, 10}, {12, 1000000}};
static const firn_id_bytes two_bounds[] = {{1, {(const uint8_t *)"\1", 1}}, {12, {(const uint8_t *)"", 0}}};

static firn_data_file plain_file(const firn_value *partition) {
  return (firn_data_file){.path = "s3://b/t/data/0.parquet",
                          .format = "parquet",
                          .partition = partition,
                          .record_count = 100,
                          .size_bytes = 5000};
}

static firn_data_file full_file(const firn_value *partition) {
  static const int64_t offsets[] = {4, 300, 4000};
  firn_data_file f = plain_file(partition);
  f.column_sizes = (firn_id_counts){true, 2, two_counts};
  f.value_counts = (firn_id_counts){true, 1, two_counts};
  f.null_counts = (firn_id_counts){true, 0, NULL};
  f.lower_bounds = (firn_id_bounds){true, 2, two_bounds};
  f.upper_bounds = (firn_id_bounds){true, 1, two_bounds};
  f.key_metadata = FIRN_LITERAL("\0k");
  f.n_split_offsets = 3;
  f.split_offsets = offsets;
  f.has_sort_order_id = true;
  f.sort_order_id = 5;
  return f;
}

static void reads_what_it_writes(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_value tuple[] = {text_value("eu")};
  firn_manifest_entry entries[] = {
      {.status = FIRN_ENTRY_ADDED, .sequence_number = 3, .file = full_file(tuple)},
      {.status = FIRN_ENTRY_EXISTING,
       .snapshot_id = 50,
       .sequence_number = 7,
       .file_sequence_number = 8,
       .file = plain_file(tuple)},
      {.status = FIRN_ENTRY_DELETED,
       .snapshot_id = 50,
       .sequence_number = 2,
       .file_sequence_number = -1,
       .file = plain_file(tuple)}};
  firn_manifest_writer_options options = options_for(&by_string);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, entries, 3, &arena, &file, &m, &err));
  assert_int_equal(m.size_bytes, file.len);
  assert_int_equal(m.sequence_number, -1);
  assert_int_equal(m.min_sequence_number, 7); /* of those that live */
  assert_int_equal(m.added_snapshot_id, 77);
  assert_true(m.has_counts);
  assert_int_equal(m.n_added_files, 1);
  assert_int_equal(m.n_existing_files, 1);
  assert_int_equal(m.n_deleted_files, 1);
  assert_int_equal(m.n_added_rows, 100);
  assert_int_equal(m.n_partitions, 1);

  m.sequence_number = 9;
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  assert_int_equal(firn_manifest_spec(o.reader)->n_fields, 1);
  assert_string_equal(firn_manifest_partition_type(o.reader)->children[0].name, "9s.x");
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->status, FIRN_ENTRY_ADDED);
  assert_int_equal(e->snapshot_id, 77);
  assert_int_equal(e->sequence_number, 9);
  assert_int_equal(e->file_sequence_number, 9);
  assert_string_equal(e->file.path, "s3://b/t/data/0.parquet");
  assert_string_equal(e->file.format, "PARQUET");
  assert_int_equal(e->file.record_count, 100);
  assert_int_equal(e->file.size_bytes, 5000);
  CHECK_BYTES(e->file.partition[0].bytes, "eu");
  assert_int_equal(e->file.column_sizes.n, 2);
  assert_int_equal(e->file.column_sizes.items[1].n, 1000000);
  CHECK_BYTES(e->file.lower_bounds.items[0].value, "\1");
  assert_non_null(e->file.lower_bounds.items[1].value.data);
  assert_int_equal(e->file.lower_bounds.items[1].value.len, 0);
  assert_true(firn_bytes_equal(e->file.key_metadata, FIRN_LITERAL("\0k")));
  assert_int_equal(e->file.n_split_offsets, 3);
  assert_int_equal(e->file.split_offsets[2], 4000);
  assert_true(e->file.has_sort_order_id);
  assert_int_equal(e->file.sort_order_id, 5);
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->status, FIRN_ENTRY_EXISTING);
  assert_int_equal(e->snapshot_id, 50);
  assert_int_equal(e->sequence_number, 7);
  assert_int_equal(e->file_sequence_number, 8);
  assert_null(e->file.key_metadata.data);
  assert_false(e->file.has_sort_order_id);
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->status, FIRN_ENTRY_DELETED);
  assert_int_equal(e->snapshot_id, 77); /* that of the snapshot that deletes */
  assert_int_equal(e->sequence_number, 2);
  assert_int_equal(e->file_sequence_number, -1);
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_null(e);
}

static void fill_everything(firn_value tuple[N_COLUMNS], int sign) {
  static const uint8_t uuid[16] = {0xF7, 0x9C, 0x3E, 9, 0x67, 0x7C, 0x4B, 0xBD, 1, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < N_COLUMNS; i++) {
    tuple[i] = (firn_value){.kind = columns[i].kind};
  }
  firn_decimal huge = 1;
  for (int i = 0; i < 37; i++) {
    huge *= 10;
  }
  tuple[0].boolean = sign > 0;
  tuple[1].i32 = sign * INT32_MAX;
  tuple[2].i64 = sign * INT64_MAX;
  tuple[3].f32 = (float)sign * 0.5f;
  tuple[4].f64 = sign * 1e300;
  tuple[5].dec = sign * 1420;
  tuple[6].dec = sign * huge * 9;
  tuple[7].i32 = sign * 20000;
  tuple[8].i64 = sign > 0 ? 86399999999 : 0;
  tuple[9].i64 = sign * 1510871468000001;
  tuple[10].i64 = sign * 1510871468000001;
  tuple[11].bytes = sign > 0 ? FIRN_LITERAL("z\xC3\xBCrich") : FIRN_LITERAL("");
  tuple[12].bytes = tuple[15].bytes = (firn_bytes){uuid, 16};
  tuple[13].bytes = sign > 0 ? FIRN_LITERAL("\xFF\0\1") : FIRN_LITERAL("\0\0\0");
  tuple[14].bytes = sign > 0 ? FIRN_LITERAL("\xFF\0") : FIRN_LITERAL("");
}

static void tuples_of_every_kind_come_back(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_partition_field fields[N_COLUMNS];
  firn_partition_spec spec = by_everything(fields);
  firn_value tuples[3][N_COLUMNS];
  fill_everything(tuples[0], 1);
  fill_everything(tuples[1], -1);
  for (int i = 0; i < N_COLUMNS; i++) {
    tuples[2][i] = (firn_value){.kind = columns[i].kind, .is_null = true};
  }
  firn_manifest_entry entries[3];
  for (int i = 0; i < 3; i++) {
    entries[i] = (firn_manifest_entry){.status = FIRN_ENTRY_ADDED, .file = plain_file(tuples[i])};
  }
  firn_manifest_writer_options options = options_for(&spec);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, entries, 3, &arena, &file, &m, &err));
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  for (int k = 0; k < 3; k++) {
    const firn_manifest_entry *e = NULL;
    CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
    for (int i = 0; i < N_COLUMNS; i++) {
      assert_int_equal(e->file.partition[i].kind, columns[i].kind);
      assert_true(firn_value_equal(&e->file.partition[i], &tuples[k][i]));
    }
  }
  for (int i = 0; i < N_COLUMNS; i++) { /* and what the list will say of them */
    const firn_field_summary *s = &m.partitions[i];
    firn_value lower, upper;
    assert_true(s->contains_null && s->has_contains_nan && !s->contains_nan);
    CHECK_OK(firn_value_read(s->lower, &columns[i], &lower, &err));
    CHECK_OK(firn_value_read(s->upper, &columns[i], &upper, &err));
    assert_true(firn_value_equal(&lower, &tuples[1][i]));
    assert_true(firn_value_equal(&upper, &tuples[0][i]));
  }
}

static void summaries_leave_nan_out_and_order_zeros(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  const firn_partition_field field = {4, 1000, "f", {FIRN_TRANSFORM_IDENTITY, 0, NULL}};
  const firn_partition_spec spec = {.spec_id = 1, .n_fields = 1, .fields = &field};
  firn_value values[] = {{.kind = FIRN_KIND_FLOAT, .f32 = 0.0f},
                         {.kind = FIRN_KIND_FLOAT, .f32 = NAN},
                         {.kind = FIRN_KIND_FLOAT, .f32 = -0.0f}};
  firn_manifest_entry entries[3];
  for (int i = 0; i < 3; i++) {
    entries[i] = (firn_manifest_entry){.status = FIRN_ENTRY_ADDED, .file = plain_file(&values[i])};
  }
  firn_manifest_writer_options options = options_for(&spec);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, entries, 3, &arena, &file, &m, &err));
  assert_false(m.partitions[0].contains_null);
  assert_true(m.partitions[0].contains_nan);
  assert_true(firn_bytes_equal(m.partitions[0].lower, FIRN_LITERAL("\0\0\0\x80")));
  assert_true(firn_bytes_equal(m.partitions[0].upper, FIRN_LITERAL("\0\0\0\0")));
  firn_builder_reset(&file);
  CHECK_OK(write_manifest(&options, &entries[1], 1, &arena, &file, &m, &err));
  assert_null(m.partitions[0].lower.data); /* nothing but NaN */
  assert_null(m.partitions[0].upper.data);
}

/* What stands in the head of a manifest that we wrote. */
typedef struct head {
  firn_bytes rest;
  firn_avro_reader *avro;
} head;

static void head_close(head *h) {
  firn_avro_reader_close(h->avro);
}
#define AUTO_HEAD FIRN_AUTO(head_close) head

static void write_and_open(const firn_partition_spec *spec, const firn_value *tuple, firn_builder *file,
                           head *h) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED, .file = full_file(tuple)};
  firn_manifest_writer_options options = options_for(spec);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, &entry, 1, &arena, file, &m, &err));
  h->rest = firn_builder_bytes(file);
  CHECK_OK(firn_avro_reader_open(firn_avro_source_over(&h->rest), test_ctx(), 0, &h->avro, &err));
}

static const firn_avro_schema *optional(const firn_avro_schema *s) {
  assert_int_equal(s->type, FIRN_AVRO_UNION);
  assert_int_equal(s->n_items, 2);
  assert_int_equal(s->items[0]->type, FIRN_AVRO_NULL);
  return s->items[1];
}

static void every_field_has_its_id_trap_26(void **state) {
  (void)state;
  static const int32_t entry_ids[] = {0, 1, 3, 4, 2};
  static const int32_t file_ids[] = {134, 100, 101, 102, 103, 104, 108, 109, 110,
                                     137, 125, 128, 131, 132, 135, 140, 143};
  static const struct {
    int32_t map, key, value;
  } maps[] = {{108, 117, 118}, {109, 119, 120}, {110, 121, 122},
              {137, 138, 139}, {125, 126, 127}, {128, 129, 130}};
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_value tuple[] = {text_value("eu")};
  write_and_open(&by_string, tuple, &file, &h);
  const firn_avro_schema *entry = firn_avro_reader_schema(h.avro);
  assert_int_equal(entry->n_fields, FIRN_COUNT_OF(entry_ids));
  for (size_t i = 0; i < entry->n_fields; i++) {
    assert_int_equal(entry->fields[i].field_id, entry_ids[i]);
  }
  const firn_avro_schema *data_file = entry->fields[4].schema;
  assert_int_equal(data_file->n_fields, FIRN_COUNT_OF(file_ids));
  for (size_t i = 0; i < data_file->n_fields; i++) {
    assert_int_equal(data_file->fields[i].field_id, file_ids[i]);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(maps); i++) {
    const firn_avro_schema *pair = optional(firn_avro_field_by_id(data_file, maps[i].map)->schema)->items[0];
    assert_int_equal(pair->fields[0].field_id, maps[i].key);
    assert_int_equal(pair->fields[1].field_id, maps[i].value);
  }
  assert_int_equal(optional(firn_avro_field_by_id(data_file, 132)->schema)->element_id, 133);
  assert_int_equal(optional(firn_avro_field_by_id(data_file, 135)->schema)->element_id, 136);
  assert_int_equal(firn_avro_field_by_id(data_file, 102)->schema->fields[0].field_id, 1000);
}

static void maps_are_arrays_of_pairs_trap_27(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  write_and_open(&unpartitioned, NULL, &file, &h);
  const firn_avro_schema *data_file = firn_avro_reader_schema(h.avro)->fields[4].schema;
  const firn_avro_schema *map = optional(firn_avro_field_by_id(data_file, 125)->schema);
  assert_int_equal(map->type, FIRN_AVRO_ARRAY);
  assert_string_equal(map->logical_type, "map");
  assert_string_equal(map->items[0]->fields[0].name, "key");
  assert_string_equal(map->items[0]->fields[1].name, "value");
}

static bool holds(firn_bytes text, const char *part) {
  return memmem(text.data, text.len, part, strlen(part)) != NULL;
}

static void unions_begin_with_null_and_primitives_are_bare_trap_28(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_value tuple[] = {text_value("eu")};
  write_and_open(&by_string, tuple, &file, &h);
  static const char *const nested[] = {"{\"type\":\"int\"}", "{\"type\":\"long\"}", "{\"type\":\"string\"}",
                                       "{\"type\":\"bytes\"}"};
  for (size_t i = 0; i < FIRN_COUNT_OF(nested); i++) {
    assert_false(holds(firn_avro_reader_meta(h.avro, "avro.schema"), nested[i]));
  }
  const firn_avro_schema *entry = firn_avro_reader_schema(h.avro), *data_file = entry->fields[4].schema;
  const firn_avro_schema *records[] = {entry, data_file, firn_avro_field_by_id(data_file, 102)->schema};
  int n_unions = 0;
  for (size_t r = 0; r < FIRN_COUNT_OF(records); r++) {
    for (size_t i = 0; i < records[r]->n_fields; i++) {
      const firn_avro_field *f = &records[r]->fields[i];
      if (f->schema->type == FIRN_AVRO_UNION) {
        (void)optional(f->schema);
        assert_true(f->has_default);
        CHECK_BYTES(f->default_json, "null");
        n_unions++;
      }
    }
  }
  assert_int_equal(n_unions, 3 + 11 + 1);
}

static void records_have_the_names_that_readers_know_trap_29(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  write_and_open(&unpartitioned, NULL, &file, &h);
  const firn_avro_schema *entry = firn_avro_reader_schema(h.avro), *data_file = entry->fields[4].schema;
  assert_string_equal(entry->name, "manifest_entry");
  assert_string_equal(data_file->name, "r2");
  assert_string_equal(firn_avro_field_by_id(data_file, 102)->schema->name, "r102");
  assert_string_equal(optional(firn_avro_field_by_id(data_file, 108)->schema)->items[0]->name, "k117_v118");
}

static void names_of_partitions_are_sanitized_trap_30(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_value tuple[] = {text_value("eu")};
  write_and_open(&by_string, tuple, &file, &h);
  const firn_avro_schema *data_file = firn_avro_reader_schema(h.avro)->fields[4].schema;
  const firn_avro_field *f = &firn_avro_field_by_id(data_file, 102)->schema->fields[0];
  assert_string_equal(f->name, "_9s_x2Ex");
  assert_string_equal(f->true_name, "9s.x");

  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_partition_field fields[] = {{12, 1000, "a.b", {FIRN_TRANSFORM_IDENTITY, 0, NULL}},
                                         {15, 1001, "a_x2Eb", {FIRN_TRANSFORM_IDENTITY, 0, NULL}}};
  const firn_partition_spec clash = {.spec_id = 1, .n_fields = 2, .fields = fields};
  firn_manifest_writer_options options = options_for(&clash);
  firn_manifest_file m;
  CHECK_STATUS(write_manifest(&options, NULL, 0, &arena, &file, &m, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("a.b and a_x2Eb");
}

static void the_head_has_its_keys_trap_31(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_value tuple[] = {{.kind = FIRN_KIND_DATE, .i32 = 3}};
  write_and_open(&by_day, tuple, &file, &h);
  CHECK_BYTES(firn_avro_reader_meta(h.avro, "schema-id"), "3");
  CHECK_BYTES(firn_avro_reader_meta(h.avro, "partition-spec-id"), "4");
  CHECK_BYTES(firn_avro_reader_meta(h.avro, "format-version"), "2");
  CHECK_BYTES(firn_avro_reader_meta(h.avro, "content"), "data");
  CHECK_BYTES(firn_avro_reader_meta(h.avro, "avro.codec"), "deflate");
  const firn_json_value *json = NULL;
  CHECK_OK(firn_json_tree_read(firn_avro_reader_meta(h.avro, "partition-spec"), &arena, &json, &err));
  assert_int_equal(json->kind, FIRN_JSON_ARRAY); /* the fields only */
  CHECK_BYTES(firn_json_get(&json->items[0], "transform")->text, "day");
  firn_schema read;
  CHECK_OK(firn_json_tree_read(firn_avro_reader_meta(h.avro, "schema"), &arena, &json, &err));
  CHECK_OK(firn_schema_read(json, &arena, &read, &err)); /* the table's, not the manifest's */
  assert_true(firn_schema_equal(&read, &schema));
  assert_int_equal(read.schema_id, 3);
}

static void day_is_written_as_a_date_trap_11(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_value tuple[] = {{.kind = FIRN_KIND_DATE, .i32 = -1}};
  write_and_open(&by_day, tuple, &file, &h);
  const firn_avro_schema *data_file = firn_avro_reader_schema(h.avro)->fields[4].schema;
  const firn_avro_schema *day = optional(firn_avro_field_by_id(data_file, 102)->schema->fields[0].schema);
  assert_int_equal(day->type, FIRN_AVRO_INT);
  assert_string_equal(day->logical_type, "date");
}

static void timestamps_say_whether_they_are_utc_trap_59(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  firn_partition_field fields[N_COLUMNS];
  firn_partition_spec spec = by_everything(fields);
  firn_value tuple[N_COLUMNS];
  fill_everything(tuple, 1);
  write_and_open(&spec, tuple, &file, &h);
  const firn_avro_schema *data_file = firn_avro_reader_schema(h.avro)->fields[4].schema;
  const firn_avro_schema *types = firn_avro_field_by_id(data_file, 102)->schema;
  for (int i = 9; i <= 10; i++) {
    const firn_avro_schema *t = optional(types->fields[i].schema);
    assert_string_equal(t->logical_type, "timestamp-micros");
    assert_int_equal(t->adjust_to_utc, columns[i].kind == FIRN_KIND_TIMESTAMPTZ);
  }
  assert_string_equal(optional(types->fields[8].schema)->logical_type, "time-micros");
  /* Two of one type are defined twice: some readers know no references. */
  assert_string_equal(optional(types->fields[12].schema)->name, "uuid_fixed");
  assert_string_equal(optional(types->fields[15].schema)->name, "uuid_fixed_1015");
}

static void decimals_are_fixed_and_sign_extended_trap_56(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  AUTO_HEAD h = {0};
  const firn_partition_field field = {6, 1000, "price", {FIRN_TRANSFORM_IDENTITY, 0, NULL}};
  const firn_partition_spec spec = {.spec_id = 1, .n_fields = 1, .fields = &field};
  firn_value tuple[] = {{.kind = FIRN_KIND_DECIMAL, .dec = -1}};
  write_and_open(&spec, tuple, &file, &h);
  const firn_avro_value *v = NULL;
  CHECK_OK(firn_avro_reader_next(h.avro, test_ctx(), &arena, &v, &err));
  const firn_avro_value *price =
      firn_avro_value_by_id(firn_avro_value_by_id(firn_avro_value_by_id(v, 2), 102), 1000);
  assert_int_equal(price->schema->type, FIRN_AVRO_FIXED);
  assert_string_equal(price->schema->name, "decimal_9_2");
  CHECK_BYTES(price->bytes, "\xFF\xFF\xFF\xFF"); /* 9 digits take 4 bytes */

  firn_manifest_writer_options options = options_for(&spec);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options,
                          &(firn_manifest_entry){.status = FIRN_ENTRY_ADDED, .file = plain_file(tuple)}, 1,
                          &arena, &file, &m, &err));
  CHECK_BYTES(m.partitions[0].lower, "\xFF"); /* bounds have as few bytes as can be */
  tuple[0].dec = INT64_C(1) << 31;
  CHECK_STATUS(
      write_manifest(&options, &(firn_manifest_entry){.status = FIRN_ENTRY_ADDED, .file = plain_file(tuple)},
                     1, &arena, &file, &m, &err),
      FIRN_INVALID);
  CHECK_SAYS("partition field price is no decimal");
}

/* Manifests of other writers, made by hand: a schema, the pairs of the head, one record. */
#define REQUIRED_FIELDS                                              \
  "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"   \
  "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101}," \
  "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"  \
  "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104}"
#define PARTITION(fields)                                                                        \
  ",{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[" fields \
  "]},\"field-id\":102}"
#define SEQUENCES                                                               \
  "{\"name\":\"snapshot_id\",\"type\":[\"null\",\"long\"],\"field-id\":1},"     \
  "{\"name\":\"sequence_number\",\"type\":[\"null\",\"long\"],\"field-id\":3}," \
  "{\"name\":\"file_sequence_number\",\"type\":[\"null\",\"long\"],\"field-id\":4},"
#define MANIFEST(more, file_fields)                                                                     \
  "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[{\"name\":\"status\",\"type\":\"int\"," \
  "\"field-id\":0}," more                                                                               \
  "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\","                              \
  "\"fields\":[" REQUIRED_FIELDS file_fields "]},\"field-id\":2}]}"

static void put_required(firn_builder *b, const char *format) {
  firn_avro_put_text(b, "p");
  firn_avro_put_text(b, format);
  firn_builder_add_zigzag(b, 5);
  firn_builder_add_zigzag(b, 5000);
}

static void write_foreign(const char *avro_schema, const firn_avro_pair *pairs, size_t n_pairs,
                          const firn_builder *record, firn_builder *file) {
  firn_error err;
  firn_avro_writer_options options = {.codec = FIRN_CODEC_NONE, .metadata = pairs, .n_metadata = n_pairs};
  FIRN_AUTO_AVRO_WRITER *w = NULL;
  CHECK_OK(firn_avro_writer_open(firn_bytes_of(avro_schema), &options, firn_avro_sink_onto(file), &w, &err));
  firn_builder_add(firn_avro_writer_begin(w), firn_builder_bytes(record));
  CHECK_OK(firn_avro_writer_record(w, &err));
  CHECK_OK(firn_avro_writer_finish(w, NULL, &err));
}

typedef struct foreign {
  const char *avro_schema;
  const char *version; /* NULL: the head does not say */
  const char *content;
  const char *spec_json; /* NULL: unpartitioned */
  const firn_builder *record;
  firn_manifest_file manifest;
  firn_status status; /* of open, or of the first next */
  const char *says;
} foreign;

static const char columns_json[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"i\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":2,\"name\":\"ts\",\"required\":false,\"type\":\"timestamptz\"},"
    "{\"id\":3,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9,2)\"}]}";

/* Reads the first entry of such a manifest into `*entry`, which lives as long as `o` and `file`. */
static void read_foreign(const foreign *f, firn_builder *file, opened *o, const firn_manifest_entry **entry) {
  firn_error err = {0};
  firn_avro_pair pairs[5] = {{FIRN_LITERAL("schema"), firn_bytes_of(columns_json)},
                             {FIRN_LITERAL("partition-spec"),
                              f->spec_json == NULL ? FIRN_LITERAL("[]") : firn_bytes_of(f->spec_json)},
                             {FIRN_LITERAL("partition-spec-id"), FIRN_LITERAL("0")}};
  size_t n = 3;
  if (f->version != NULL) {
    pairs[n++] = (firn_avro_pair){FIRN_LITERAL("format-version"), firn_bytes_of(f->version)};
  }
  if (f->content != NULL) {
    pairs[n++] = (firn_avro_pair){FIRN_LITERAL("content"), firn_bytes_of(f->content)};
  }
  write_foreign(f->avro_schema, pairs, n, f->record, file);
  firn_manifest_file m = f->manifest;
  m.path = "foreign.avro";
  *entry = NULL;
  firn_status status = open_manifest(o, firn_builder_bytes(file), &m, &err);
  status = status == FIRN_OK ? firn_manifest_next(o->reader, test_ctx(), entry, &err) : status;
  test_check_status(status, f->status, &err, "reading a foreign manifest", __FILE__, __LINE__);
  if (f->says != NULL) {
    CHECK_SAYS("manifest foreign.avro: ");
    CHECK_SAYS(f->says);
  }
}

static void day_is_read_from_int_and_date_trap_11(void **state) {
  (void)state;
  static const char *const schemas[] = {
      MANIFEST("", PARTITION("{\"name\":\"d\",\"type\":\"int\",\"field-id\":1000}")),
      MANIFEST("",
               PARTITION("{\"name\":\"d\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],"
                         "\"field-id\":1000}")),
      MANIFEST("", PARTITION("{\"name\":\"d\",\"type\":[\"int\",\"null\"],\"field-id\":1000}"))};
  for (size_t i = 0; i < FIRN_COUNT_OF(schemas); i++) {
    FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
    firn_builder_add_zigzag(&record, 1);
    put_required(&record, "parquet");
    if (i > 0) {
      firn_builder_add_zigzag(&record, i == 1);
    }
    firn_builder_add_zigzag(&record, -3);
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(
        &(foreign){.avro_schema = schemas[i],
                   .spec_json = "[{\"name\":\"d\",\"transform\":\"day\",\"source-id\":2,\"field-id\":1000}]",
                   .record = &record},
        &file, &o, &e);
    assert_int_equal(e->file.partition[0].kind, FIRN_KIND_DATE);
    assert_int_equal(e->file.partition[0].i32, -3);
  }
}

/* Bounds are bytes until someone who knows the type looks at them; whatever length they have. */
static void bounds_are_kept_as_they_are_trap_14_15_16(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  const firn_id_bytes bounds[] = {{3, FIRN_LITERAL("\7\0\0\0")}, /* an int from before a promotion to long */
                                  {10, FIRN_LITERAL("\1\2\3")},  /* no timestamp */
                                  {7, FIRN_LITERAL("0123456789abcdefg")}, /* a decimal of 17 bytes */
                                  {1, FIRN_LITERAL("")},
                                  {999, FIRN_LITERAL("no such column")}};
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED, .file = plain_file(NULL)};
  entry.file.lower_bounds = (firn_id_bounds){true, FIRN_COUNT_OF(bounds), bounds};
  firn_manifest_writer_options options = options_for(&unpartitioned);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, &entry, 1, &arena, &file, &m, &err));
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  firn_value v;
  firn_bytes bound;
  for (size_t i = 0; i < FIRN_COUNT_OF(bounds); i++) {
    assert_true(firn_id_bounds_get(&e->file.lower_bounds, bounds[i].id, &bound));
    assert_true(firn_bytes_equal(bound, bounds[i].value));
    const firn_field *column = firn_field_find(&schema.root, bounds[i].id);
    assert_int_equal(column != NULL && firn_bound_read(bound, column, &v), i == 0);
  }
  assert_true(firn_id_bounds_get(&e->file.lower_bounds, 3, &bound) &&
              firn_bound_read(bound, &columns[2], &v));
  assert_int_equal(v.i64, 7);
}

static void what_is_missing_is_unknown_and_not_zero_trap_24(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED, .file = full_file(NULL)};
  firn_manifest_writer_options options = options_for(&unpartitioned);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, &entry, 1, &arena, &file, &m, &err));
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  int64_t n = -9;
  assert_false(e->file.nan_counts.present); /* no map at all */
  assert_false(firn_id_counts_get(&e->file.nan_counts, 1, &n));
  assert_true(e->file.null_counts.present); /* an empty map */
  assert_false(firn_id_counts_get(&e->file.null_counts, 1, &n));
  assert_false(firn_id_counts_get(&e->file.value_counts, 12, &n)); /* a map without the key */
  assert_int_equal(n, -9);
  assert_true(firn_id_counts_get(&e->file.value_counts, 1, &n));
  assert_int_equal(n, 10);
}

static firn_manifest_entry delete_entry(firn_content content) {
  static const int32_t ids[] = {2, 12};
  firn_manifest_entry e = {.status = FIRN_ENTRY_ADDED, .file = full_file(NULL)};
  e.file.content = content;
  e.file.n_equality_ids = content == FIRN_CONTENT_EQUALITY_DELETES ? 2 : 0;
  e.file.equality_ids = ids;
  return e;
}

/* Readers of deletes come later; entries of them are read already, and whole. */
static void delete_files_keep_their_metrics_and_sequence_trap_25_36(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  const char *path = "s3://bucket/a/path/that/is/longer/than/any/bound/would/be/cut/to/00000-0-data.parquet";
  const firn_id_bytes bound = {2147483546, firn_bytes_of(path)};
  firn_manifest_entry entries[] = {delete_entry(FIRN_CONTENT_POSITION_DELETES),
                                   delete_entry(FIRN_CONTENT_EQUALITY_DELETES)};
  entries[0].file.lower_bounds = entries[0].file.upper_bounds = (firn_id_bounds){true, 1, &bound};
  entries[0].file.referenced_data_file = path;
  firn_manifest_writer_options options = options_for(&unpartitioned);
  options.is_deletes = true;
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, entries, 2, &arena, &file, &m, &err));
  assert_true(m.is_deletes);
  m.sequence_number = 6;
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->file.content, FIRN_CONTENT_POSITION_DELETES);
  assert_int_equal(e->sequence_number, 6);
  assert_string_equal(e->file.referenced_data_file, path);
  CHECK_BYTES(e->file.upper_bounds.items[0].value, path);
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->file.content, FIRN_CONTENT_EQUALITY_DELETES);
  assert_int_equal(e->file.n_equality_ids, 2);
  assert_int_equal(e->file.equality_ids[1], 12);
  assert_int_equal(e->sequence_number, 6);
}

static void position_deletes_have_no_sort_order_trap_62(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_entry entry = delete_entry(FIRN_CONTENT_POSITION_DELETES);
  firn_manifest_writer_options options = options_for(&unpartitioned);
  options.is_deletes = true;
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, &entry, 1, &arena, &file, &m, &err));
  AUTO_HEAD h = {.rest = firn_builder_bytes(&file)};
  CHECK_OK(firn_avro_reader_open(firn_avro_source_over(&h.rest), test_ctx(), 0, &h.avro, &err));
  const firn_avro_value *v = NULL;
  CHECK_OK(firn_avro_reader_next(h.avro, test_ctx(), &arena, &v, &err));
  assert_int_equal(firn_avro_value_by_id(firn_avro_value_by_id(v, 2), 140)->schema->type, FIRN_AVRO_NULL);

  /* and one that a foreign writer gave is not looked at */
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), other = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  put_required(&record, "parquet");
  firn_builder_add_zigzag(&record, 1); /* content */
  firn_builder_add_zigzag(&record, 8); /* sort order */
  AUTO_OPENED o = {0};
  const firn_manifest_entry *e;
  read_foreign(&(foreign){.avro_schema = MANIFEST(
                              "",
                              ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":134},"
                              "{\"name\":\"sort_order_id\",\"type\":\"int\",\"field-id\":140}" PARTITION("")),
                          .content = "deletes",
                          .record = &record,
                          .manifest = {.is_deletes = true}},
               &other, &o, &e);
  assert_false(e->file.has_sort_order_id);
}

static void split_offsets_beyond_the_file_are_dropped_trap_63(void **state) {
  (void)state;
  static const struct {
    int64_t offsets[3];
    size_t n_kept;
  } cases[] = {{{4, 50, 4999}, 3}, {{4, 50, 5000}, 0}, {{4, 4, 50}, 0}, {{50, 4, 60}, 0}, {{-1, 4, 50}, 0}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
    firn_builder_add_zigzag(&record, 1);
    put_required(&record, "parquet");
    for (int k = 0; k < 3; k++) { /* a block for each */
      firn_builder_add_zigzag(&record, 1);
      firn_builder_add_zigzag(&record, cases[i].offsets[k]);
    }
    firn_builder_add_zigzag(&record, 0);
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(
        &(foreign){.avro_schema = MANIFEST("",
                                           ",{\"name\":\"split_offsets\",\"type\":{\"type\":\"array\","
                                           "\"items\":\"long\"},\"field-id\":132}" PARTITION("")),
                   .record = &record},
        &file, &o, &e);
    assert_int_equal(e->file.n_split_offsets, cases[i].n_kept);
  }
}

static void version_1_has_sequence_number_0_trap_33(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  firn_builder_add_zigzag(&record, 55); /* snapshot_id */
  put_required(&record, "avro");
  AUTO_OPENED o = {0};
  const firn_manifest_entry *e;
  /* listed by a version 2 table, at sequence number 9 */
  read_foreign(&(foreign){.avro_schema = MANIFEST(
                              "{\"name\":\"snapshot_id\",\"type\":\"long\",\"field-id\":1},", PARTITION("")),
                          .record = &record,
                          .manifest = {.sequence_number = 9, .added_snapshot_id = 66}},
               &file, &o, &e);
  assert_int_equal(e->sequence_number, 0);
  assert_int_equal(e->file_sequence_number, 0);
  assert_int_equal(e->snapshot_id, 55);
  assert_int_equal(e->file.content, FIRN_CONTENT_DATA);
  assert_string_equal(e->file.format, "AVRO");
  assert_false(e->file.value_counts.present);
}

static void put_sequences(firn_builder *b, int64_t snapshot_id, int64_t sequence, int64_t file_sequence) {
  const int64_t all[] = {snapshot_id, sequence, file_sequence};
  for (int i = 0; i < 3; i++) {
    firn_builder_add_zigzag(b, all[i] >= 0);
    if (all[i] >= 0) {
      firn_builder_add_zigzag(b, all[i]);
    }
  }
}

static void only_added_files_inherit_sequence_numbers_trap_34_35(void **state) {
  (void)state;
  static const struct {
    firn_entry_status entry;
    int64_t list, snapshot_id, sequence, file_sequence; /* -1: null; `list`: of the manifest in its list */
    firn_status status;
    int64_t snapshot_id_read, sequence_read, file_sequence_read;
  } cases[] = {
      {FIRN_ENTRY_ADDED, 9, -1, -1, -1, FIRN_OK, 66, 9, 9},
      {FIRN_ENTRY_ADDED, 9, 5, 4, -1, FIRN_OK, 5, 4, 9}, /* rows older than their file */
      {FIRN_ENTRY_EXISTING, 9, 5, 3, 4, FIRN_OK, 5, 3, 4},
      {FIRN_ENTRY_EXISTING, 9, -1, 3, -1, FIRN_OK, 66, 3, -1},
      {FIRN_ENTRY_EXISTING, 9, 5, -1, 4, FIRN_CORRUPT, 0, 0, 0},
      {FIRN_ENTRY_EXISTING, 0, 5, -1, -1, FIRN_OK, 5, 0, 0}, /* from before sequence numbers */
      {FIRN_ENTRY_DELETED, 9, 5, -1, -1, FIRN_OK, 5, -1, -1},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
    firn_builder_add_zigzag(&record, cases[i].entry);
    put_sequences(&record, cases[i].snapshot_id, cases[i].sequence, cases[i].file_sequence);
    put_required(&record, "PARQUET");
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(&(foreign){.avro_schema = MANIFEST(SEQUENCES, PARTITION("")),
                            .version = "2",
                            .content = "data",
                            .record = &record,
                            .manifest = {.sequence_number = cases[i].list, .added_snapshot_id = 66},
                            .status = cases[i].status,
                            .says = cases[i].status == FIRN_OK ? NULL : "which only ADDED may inherit"},
                 &file, &o, &e);
    if (cases[i].status == FIRN_OK) {
      assert_int_equal(e->snapshot_id, cases[i].snapshot_id_read);
      assert_int_equal(e->sequence_number, cases[i].sequence_read);
      assert_int_equal(e->file_sequence_number, cases[i].file_sequence_read);
      assert_int_equal(e->keeps_sequence_number, i == 1);
    }
  }
}

static void an_added_file_may_keep_its_sequence_number_trap_34(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED, .sequence_number = 0, .file = plain_file(NULL)};
  firn_manifest_writer_options options = options_for(&unpartitioned);
  firn_manifest_file m;
  for (int keeps = 0; keeps < 2; keeps++) {
    entry.keeps_sequence_number = keeps;
    firn_builder_reset(&file);
    CHECK_OK(write_manifest(&options, &entry, 1, &arena, &file, &m, &err));
    assert_int_equal(m.min_sequence_number, keeps ? 0 : -1);
    m.sequence_number = 5;
    AUTO_OPENED o = {0};
    CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
    const firn_manifest_entry *e = NULL;
    CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
    assert_int_equal(e->sequence_number, keeps ? 0 : 5);
    assert_int_equal(e->file_sequence_number, 5);
  }
  entry =
      (firn_manifest_entry){.status = FIRN_ENTRY_EXISTING, .sequence_number = -1, .file = plain_file(NULL)};
  CHECK_STATUS(write_manifest(&options, &entry, 1, &arena, &file, &m, &err), FIRN_INVALID);
  CHECK_SAYS("is not new and has no sequence number");
}

static void spec_0_may_be_partitioned_trap_37(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_value tuple[] = {text_value("eu")};
  firn_manifest_entry entry = {.status = FIRN_ENTRY_ADDED, .file = plain_file(tuple)};
  firn_manifest_writer_options options = options_for(&by_string);
  firn_manifest_file m;
  CHECK_OK(write_manifest(&options, &entry, 1, &arena, &file, &m, &err));
  assert_int_equal(m.spec_id, 0);
  m.spec_id = -1; /* the head says it too */
  AUTO_OPENED o = {0};
  CHECK_OK(open_manifest(&o, firn_builder_bytes(&file), &m, &err));
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->file.spec_id, 0);
  CHECK_BYTES(e->file.partition[0].bytes, "eu");
}

static void deletion_vectors_and_version_3_are_refused_trap_38_39(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), puffin = FIRN_BUILDER_INIT(0), old = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  put_required(&record, "PARQUET");
  firn_builder_add_zigzag(&record, 1); /* content */
  firn_builder_add_zigzag(&record, 4); /* content_offset */
  firn_builder_add_zigzag(&puffin, 1);
  put_required(&puffin, "puffin");
  firn_builder_add_zigzag(&puffin, 1);
  firn_builder_add_zigzag(&old, 1);
  put_required(&old, "PARQUET");
  const char *vector =
      MANIFEST("",
               ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":134},"
               "{\"name\":\"content_offset\",\"type\":\"long\",\"field-id\":144}" PARTITION(""));
  const char *content =
      MANIFEST("", ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":134}" PARTITION(""));
  const char *row_ids =
      MANIFEST("", ",{\"name\":\"first_row_id\",\"type\":\"null\",\"field-id\":142}" PARTITION(""));
  const foreign cases[] = {
      {vector, "2", "deletes", NULL, &record, {.is_deletes = true}, FIRN_UNSUPPORTED, "deletion vector"},
      {content, "2", "deletes", NULL, &puffin, {.is_deletes = true}, FIRN_UNSUPPORTED, "deletion vector"},
      {MANIFEST("", PARTITION("")), "3", NULL, NULL, &old, {0}, FIRN_UNSUPPORTED, "format version 3"},
      {MANIFEST("", PARTITION("")), "4", NULL, NULL, &old, {0}, FIRN_UNSUPPORTED, "format version 4"},
      {row_ids, NULL, NULL, NULL, &old, {0}, FIRN_UNSUPPORTED, "format version 3"},
      {MANIFEST("", PARTITION("")), "two", NULL, NULL, &old, {0}, FIRN_CORRUPT, "is no number"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(&cases[i], &file, &o, &e);
  }
}

static void deletes_and_data_do_not_mix(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER data = FIRN_BUILDER_INIT(0), equality = FIRN_BUILDER_INIT(0), odd = FIRN_BUILDER_INIT(0);
  firn_builder *all[] = {&data, &equality, &odd};
  static const int contents[] = {0, 2, 3};
  for (int i = 0; i < 3; i++) {
    firn_builder_add_zigzag(all[i], 1);
    put_required(all[i], "PARQUET");
    firn_builder_add_zigzag(all[i], contents[i]);
  }
  const char *avro = MANIFEST("", ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":134}" PARTITION(""));
  const foreign cases[] = {
      {avro,
       "2",
       "data",
       NULL,
       &data,
       {.is_deletes = true},
       FIRN_CORRUPT,
       "the manifest list says it holds deletes"},
      {avro, "2", "rows", NULL, &data, {0}, FIRN_CORRUPT, "\"content\" is neither"},
      {avro,
       "2",
       NULL,
       NULL,
       &data,
       {.is_deletes = true},
       FIRN_CORRUPT,
       "p is a data file in a manifest of deletes"},
      {avro, "2", "data", NULL, &equality, {0}, FIRN_CORRUPT, "p is a delete file in a manifest of data"},
      {avro, "2", "deletes", NULL, &equality, {.is_deletes = true}, FIRN_CORRUPT, "has no equality ids"},
      {avro, "2", "data", NULL, &odd, {0}, FIRN_UNSUPPORTED, "content 3"},
      {avro,
       "2",
       "data",
       NULL,
       &data,
       {.key_metadata = {(const uint8_t *)"k", 1}},
       FIRN_UNSUPPORTED,
       "encrypted"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(&cases[i], &file, &o, &e);
  }

  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_entry entry = delete_entry(FIRN_CONTENT_EQUALITY_DELETES);
  firn_manifest_writer_options options = options_for(&unpartitioned);
  firn_manifest_file m;
  CHECK_STATUS(write_manifest(&options, &entry, 1, &arena, &file, &m, &err), FIRN_INVALID);
}

/* Without ids, what some writers lose, names are all there is. */
static void without_ids_names_count_trap_26(void **state) {
  (void)state;
  static const char avro[] =
      "{\"type\":\"record\",\"name\":\"x\",\"fields\":[{\"name\":\"data_file\",\"type\":{\"type\":\"record\","
      "\"name\":"
      "\"y\",\"fields\":[{\"name\":\"file_size_in_bytes\",\"type\":\"int\"},{\"name\":\"colour\",\"type\":"
      "\"string\"},"
      "{\"name\":\"file_path\",\"type\":\"string\"},{\"name\":\"file_format\",\"type\":\"string\"},"
      "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"z\",\"fields\":[{\"name\":\"i\","
      "\"type\":"
      "[\"null\",\"int\"]}]}},{\"name\":\"record_count\",\"type\":\"long\"}]}},{\"name\":\"status\",\"type\":"
      "\"int\"}]}";
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 5000);
  firn_avro_put_text(&record, "white");
  firn_avro_put_text(&record, "p");
  firn_avro_put_text(&record, "orc");
  firn_builder_add_zigzag(&record, 1);
  firn_builder_add_zigzag(&record, 42);
  firn_builder_add_zigzag(&record, 5);
  firn_builder_add_zigzag(&record, 2);
  AUTO_OPENED o = {0};
  const firn_manifest_entry *e;
  read_foreign(&(foreign){.avro_schema = avro,
                          .spec_json = "[{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":1}]",
                          .record = &record},
               &file, &o, &e);
  assert_int_equal(e->status, FIRN_ENTRY_DELETED);
  assert_int_equal(e->file.size_bytes, 5000);
  assert_int_equal(e->file.record_count, 5);
  assert_string_equal(e->file.format, "ORC");
  assert_int_equal(e->file.partition[0].i32, 42);
}

/* BigQuery's way: everything is optional, items of arrays and the partition too. */
static void what_is_required_may_be_optional(void **state) {
  (void)state;
  static const char avro[] = MANIFEST(
      "",
      ",{\"name\":\"value_counts\",\"type\":[\"null\",{\"type\":\"array\",\"logicalType\":\"map\",\"items\":"
      "[\"null\",{\"type\":\"record\",\"name\":\"e0\",\"fields\":["
      "{\"name\":\"key\",\"type\":[\"null\",\"int\"]},{\"name\":\"value\",\"type\":[\"null\",\"long\"]}]}]}],"
      "\"field-id\":109},{\"name\":\"split_offsets\",\"type\":{\"type\":\"array\",\"items\":[\"null\","
      "\"long\"]},"
      "\"field-id\":132},{\"name\":\"partition\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"p\","
      "\"fields\":[]}],\"field-id\":102}");
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  put_required(&record, "PARQUET");
  /* a map of three: a null, 7 of which nothing is known, 8 of which there are 9; offsets null and 4; no tuple
   */
  static const int64_t numbers[] = {1, 3, 0, 1, 1, 7, 0, 1, 1, 8, 1, 9, 0, 2, 0, 1, 4, 0, 0};
  for (size_t i = 0; i < FIRN_COUNT_OF(numbers); i++) {
    firn_builder_add_zigzag(&record, numbers[i]);
  }
  AUTO_OPENED o = {0};
  const firn_manifest_entry *e;
  read_foreign(&(foreign){.avro_schema = avro, .record = &record}, &file, &o, &e);
  int64_t n = 0;
  assert_int_equal(e->file.value_counts.n, 1);
  assert_true(firn_id_counts_get(&e->file.value_counts, 8, &n));
  assert_int_equal(n, 9);
  assert_int_equal(e->file.n_split_offsets, 1);
  assert_int_equal(e->file.split_offsets[0], 4);
}

static void unknown_transforms_have_the_type_of_the_file(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0), file = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  put_required(&record, "PARQUET");
  firn_builder_add_zigzag(&record, 1);
  firn_builder_add_zigzag(&record, 12345);
  firn_builder_add_zigzag(&record, 1);
  firn_avro_put_text(&record, "dropped");
  AUTO_OPENED o = {0};
  const firn_manifest_entry *e;
  read_foreign(
      &(foreign){
          .avro_schema =
              MANIFEST("", PARTITION("{\"name\":\"h\",\"type\":[\"null\",\"long\"],\"field-id\":1000},"
                                     "{\"name\":\"g\",\"type\":[\"null\",\"string\"],\"field-id\":1001}")),
          .spec_json = "[{\"name\":\"h\",\"transform\":\"hilbert[3]\",\"source-id\":1,\"field-id\":1000},"
                       "{\"name\":\"g\",\"transform\":\"identity\",\"source-id\":99,\"field-id\":1001}]",
          .record = &record},
      &file, &o, &e);
  assert_int_equal(e->file.partition[0].kind, FIRN_KIND_LONG);
  assert_int_equal(e->file.partition[0].i64, 12345);
  assert_int_equal(e->file.partition[1].kind, FIRN_KIND_STRING);
  CHECK_BYTES(e->file.partition[1].bytes, "dropped");
  assert_int_equal(firn_manifest_spec(o.reader)->fields[0].transform.kind, FIRN_TRANSFORM_UNKNOWN);
}

/* A table whose column i was an int when spec 0 was new, and is a long now; whose column g is gone since. */
static const char table_json[] =
    "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\",\"location\":\"s3://b/t\","
    "\"last-sequence-number\":0,\"last-updated-ms\":1,\"last-column-id\":2,\"schemas\":["
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"i\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":2,\"name\":\"g\",\"required\":false,\"type\":\"date\"}]},"
    "{\"type\":\"struct\",\"schema-id\":1,\"fields\":["
    "{\"id\":1,\"name\":\"i\",\"required\":false,\"type\":\"long\"}]}],"
    "\"current-schema-id\":1,\"partition-specs\":[{\"spec-id\":0,\"fields\":["
    "{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
    "{\"name\":\"g\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1001}]},"
    "{\"spec-id\":1,\"fields\":[]}],\"default-spec-id\":1,\"last-partition-id\":1001,"
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0}";

/* The head is as some writers leave it: the manifest's own schema where the table's should be, and no spec.
 */
static void write_poor_head(firn_builder *file) {
  FIRN_AUTO_BUILDER record = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&record, 1);
  put_required(&record, "PARQUET");
  firn_builder_add_zigzag(&record, -7);
  firn_builder_add_zigzag(&record, 100);
  const firn_avro_pair pairs[] = {
      {FIRN_LITERAL("schema"),
       FIRN_LITERAL("{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[]}")}};
  write_foreign(MANIFEST("", PARTITION("{\"name\":\"i\",\"type\":\"int\",\"field-id\":1000},"
                                       "{\"name\":\"g\",\"type\":\"int\",\"field-id\":1001}")),
                pairs, 1, &record, file);
}

static void the_table_knows_what_the_head_does_not_trap_31(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *table = NULL;
  CHECK_OK(firn_metadata_read(firn_bytes_of(table_json), &table, &err));
  write_poor_head(&file);
  firn_manifest_file m = {.path = "poor.avro"};
  AUTO_OPENED without = {0};
  CHECK_STATUS(open_manifest(&without, firn_builder_bytes(&file), &m, &err), FIRN_CORRUPT);
  CHECK_SAYS("manifest poor.avro: its head has no \"partition-spec\"");

  AUTO_OPENED o = {.rest = firn_builder_bytes(&file)};
  CHECK_OK(firn_manifest_open(firn_avro_source_over(&o.rest), test_ctx(), &m, table, &o.reader, &err));
  const firn_manifest_entry *e = NULL;
  CHECK_OK(firn_manifest_next(o.reader, test_ctx(), &e, &err));
  assert_int_equal(e->file.partition[0].kind, FIRN_KIND_LONG); /* promoted */
  assert_int_equal(e->file.partition[0].i64, -7);
  assert_int_equal(e->file.partition[1].kind, FIRN_KIND_DATE); /* of the last schema that had it */
  assert_int_equal(e->file.partition[1].i32, 100);

  /* Merging: what was read is written again, though the column is gone. */
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER merged = FIRN_BUILDER_INIT(0);
  firn_manifest_entry kept = *e;
  kept.status = FIRN_ENTRY_EXISTING;
  firn_manifest_writer_options options = options_for(firn_manifest_spec(o.reader));
  options.schema = firn_metadata_current_schema(table);
  firn_manifest_file made;
  CHECK_STATUS(write_manifest(&options, &kept, 1, &arena, &merged, &made, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("partition field g");
  options.partition_type = firn_manifest_partition_type(o.reader);
  firn_builder_reset(&merged);
  CHECK_OK(write_manifest(&options, &kept, 1, &arena, &merged, &made, &err));
  AUTO_OPENED again = {0};
  CHECK_OK(open_manifest(&again, firn_builder_bytes(&merged), &made, &err));
  CHECK_OK(firn_manifest_next(again.reader, test_ctx(), &e, &err));
  assert_int_equal(e->file.partition[0].i64, -7);
  assert_int_equal(e->file.partition[1].kind, FIRN_KIND_DATE); /* the file says it, for the head cannot */
  assert_int_equal(e->file.partition[1].i32, 100);
}

static void foreign_tuples_that_fit_no_type_are_refused(void **state) {
  (void)state;
  FIRN_AUTO_BUILDER none = FIRN_BUILDER_INIT(0), text = FIRN_BUILDER_INIT(0), bare = FIRN_BUILDER_INIT(0);
  firn_builder_add_zigzag(&bare, 1);
  put_required(&bare, "PARQUET");
  firn_builder_add_zigzag(&none, 1);
  put_required(&none, "PARQUET");
  firn_builder_add_zigzag(&none, 0); /* a decimal of no bytes */
  firn_builder_add_zigzag(&text, 1);
  put_required(&text, "PARQUET");
  firn_avro_put_text(&text, "seven");
  const char *by_price =
      "[{\"name\":\"price\",\"transform\":\"identity\",\"source-id\":3,\"field-id\":1000}]";
  const char *by_i = "[{\"name\":\"i\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000}]";
  const foreign cases[] = {
      {MANIFEST("", PARTITION("{\"name\":\"price\",\"type\":\"bytes\",\"field-id\":1000}")),
       NULL,
       NULL,
       by_price,
       &none,
       {0},
       FIRN_CORRUPT,
       "partition field price has a value that is no decimal"},
      {MANIFEST("", PARTITION("{\"name\":\"i\",\"type\":\"string\",\"field-id\":1000}")),
       NULL,
       NULL,
       by_i,
       &text,
       {0},
       FIRN_CORRUPT,
       "partition field i of type int stands there as Avro string"},
      {MANIFEST("", ""), NULL, NULL, by_i, &bare, {0}, FIRN_CORRUPT, "p has no partition tuple"},
      {"{\"type\":\"record\",\"name\":\"a\",\"fields\":[]}",
       NULL,
       NULL,
       NULL,
       &(firn_builder){0},
       {0},
       FIRN_CORRUPT,
       "no field status (0)"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    AUTO_OPENED o = {0};
    const firn_manifest_entry *e;
    read_foreign(&cases[i], &file, &o, &e);
  }
}

static firn_status write_everything(firn_builder *file, firn_codec codec, firn_arena *arena,
                                    firn_manifest_file *m, firn_error *err) {
  firn_partition_field fields[N_COLUMNS];
  firn_partition_spec spec = by_everything(fields);
  firn_value tuple[N_COLUMNS];
  fill_everything(tuple, -1);
  firn_manifest_entry entries[] = {{.status = FIRN_ENTRY_ADDED, .file = full_file(tuple)},
                                   {.status = FIRN_ENTRY_DELETED, .file = full_file(tuple)}};
  firn_manifest_writer_options options = options_for(&spec);
  options.codec = codec;
  return write_manifest(&options, entries, 2, arena, file, m, err);
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  firn_error err;
  size_t n = 0;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  CHECK_OK(write_everything(&file, FIRN_CODEC_NONE, &arena, &m, &err));
  m.sequence_number = 1;
  CHECK_OK(read_manifest(firn_builder_bytes(&file), &m, &n, &err));
  assert_int_equal(n, 2);
  size_t n_short = 0; /* cut behind the head there is a manifest of no entries */
  for (size_t len = 0; len < file.len; len++) {
    firn_status status = read_manifest((firn_bytes){file.data, len}, &m, &n, &err);
    n_short += status == FIRN_OK;
    assert_true(status == FIRN_CORRUPT || (status == FIRN_OK && n == 0));
  }
  assert_int_equal(n_short, 1);
  for (size_t at = 0; at < file.len; at++) {
    uint8_t was = file.data[at];
    file.data[at] = (uint8_t)(at % 3 == 0 ? 0xFFU : was ^ 1U << (at % 8));
    (void)read_manifest(firn_builder_bytes(&file), &m, &n, &err); /* any answer; the sanitizers judge */
    file.data[at] = was;
  }
}

static firn_status write_and_read(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file m;
  FIRN_TRY(write_everything(&file, FIRN_CODEC_DEFLATE, &arena, &m, NULL));
  m.sequence_number = 1;
  size_t n;
  return read_manifest(firn_builder_bytes(&file), &m, &n, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_and_read);
}

RUN_TESTS(reads_what_it_writes, tuples_of_every_kind_come_back, summaries_leave_nan_out_and_order_zeros,
          every_field_has_its_id_trap_26, maps_are_arrays_of_pairs_trap_27,
          unions_begin_with_null_and_primitives_are_bare_trap_28,
          records_have_the_names_that_readers_know_trap_29, names_of_partitions_are_sanitized_trap_30,
          the_head_has_its_keys_trap_31, day_is_written_as_a_date_trap_11,
          timestamps_say_whether_they_are_utc_trap_59, decimals_are_fixed_and_sign_extended_trap_56,
          day_is_read_from_int_and_date_trap_11, bounds_are_kept_as_they_are_trap_14_15_16,
          what_is_missing_is_unknown_and_not_zero_trap_24,
          delete_files_keep_their_metrics_and_sequence_trap_25_36,
          position_deletes_have_no_sort_order_trap_62, split_offsets_beyond_the_file_are_dropped_trap_63,
          version_1_has_sequence_number_0_trap_33, only_added_files_inherit_sequence_numbers_trap_34_35,
          an_added_file_may_keep_its_sequence_number_trap_34, spec_0_may_be_partitioned_trap_37,
          deletion_vectors_and_version_3_are_refused_trap_38_39, deletes_and_data_do_not_mix,
          without_ids_names_count_trap_26, what_is_required_may_be_optional,
          unknown_transforms_have_the_type_of_the_file, the_table_knows_what_the_head_does_not_trap_31,
          foreign_tuples_that_fit_no_type_are_refused, refuses_every_cut_and_survives_every_flip,
          survives_oom)
