/* Manifests and manifest lists for manifest_test.py: shows those of others, writes some of ours.
 * manifest_tool avro FILE                                     every record of any Avro file
 * manifest_tool list FILE                                     every manifest of a list
 * manifest_tool manifest FILE SPEC SEQUENCE SNAPSHOT DELETES  every entry, inheriting from these (SPEC -1:
 * its own) manifest_tool write FOLDER                                  m0.avro (all kinds of partitions),
 * m1.avro (deletes), list.avro One JSON object a line. Exit status 1 and one sentence on standard error when
 * a file is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "formats/avro/avro_json.h"
#include "iceberg/meta/manifest.h"

static firn_status read_stream(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                               firn_error *err) {
  (void)ctx;
  *got = fread(into, 1, len, self);
  return ferror(self) ? firn_error_set(err, FIRN_IO, "cannot read") : FIRN_OK;
}

static firn_status write_stream(void *self, firn_bytes data, firn_error *err) {
  return fwrite(data.data, 1, data.len, self) == data.len ? FIRN_OK
                                                          : firn_error_set(err, FIRN_IO, "cannot write");
}

static firn_status print_line(firn_builder *b, firn_error *err) {
  firn_bytes line;
  FIRN_TRY(firn_builder_finish(b, &line, err));
  (void)fwrite(line.data, 1, line.len, stdout);
  (void)fputc('\n', stdout);
  firn_builder_reset(b);
  return FIRN_OK;
}

static firn_status show_avro(firn_avro_source source, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_AVRO_READER *r = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER line = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_avro_reader_open(source, ctx, 0, &r, err));
  for (bool more = true; more;) {
    firn_builder_reset(&line);
    FIRN_TRY(firn_avro_reader_next_json(r, ctx, &arena, &line, &more, err));
    (void)fwrite(line.data, 1, line.len, stdout);
  }
  return FIRN_OK;
}

static void add_hex(firn_json_writer *w, const char *key, firn_bytes bytes) {
  FIRN_AUTO_BUILDER hex = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < bytes.len; i++) {
    firn_builder_addf(&hex, "%02x", bytes.data[i]);
  }
  firn_json_key(w, key);
  if (bytes.data == NULL) {
    firn_json_write_null(w);
  } else {
    firn_json_write_bytes(w, firn_builder_bytes(&hex));
  }
}

static void add_optional(firn_json_writer *w, const char *key, bool there, int64_t v) {
  firn_json_key(w, key);
  if (there) {
    firn_json_write_int64(w, v);
  } else {
    firn_json_write_null(w);
  }
}

static void add_counts(firn_json_writer *w, const char *key, const firn_id_counts *counts) {
  firn_json_key(w, key);
  if (!counts->present) {
    firn_json_write_null(w);
    return;
  }
  firn_json_begin_object(w);
  for (size_t i = 0; i < counts->n; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "%d", (int)counts->items[i].id);
    firn_json_add_int64(w, id, counts->items[i].n);
  }
  firn_json_end_object(w);
}

static void add_bounds(firn_json_writer *w, const char *key, const firn_id_bounds *bounds) {
  firn_json_key(w, key);
  if (!bounds->present) {
    firn_json_write_null(w);
    return;
  }
  firn_json_begin_object(w);
  for (size_t i = 0; i < bounds->n; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "%d", (int)bounds->items[i].id);
    add_hex(w, id, bounds->items[i].value);
  }
  firn_json_end_object(w);
}

static void show_summaries(const firn_manifest_file *m, firn_json_writer *w) {
  firn_json_key(w, "partitions");
  firn_json_begin_array(w);
  for (size_t i = 0; i < m->n_partitions; i++) {
    const firn_field_summary *s = &m->partitions[i];
    firn_json_begin_object(w);
    firn_json_add_bool(w, "contains_null", s->contains_null);
    firn_json_key(w, "contains_nan");
    if (s->has_contains_nan) {
      firn_json_write_bool(w, s->contains_nan);
    } else {
      firn_json_write_null(w);
    }
    add_hex(w, "lower_bound", s->lower);
    add_hex(w, "upper_bound", s->upper);
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
}

static void show_manifest_file(const firn_manifest_file *m, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "manifest_path", m->path);
  firn_json_add_int64(w, "manifest_length", m->size_bytes);
  firn_json_add_int64(w, "partition_spec_id", m->spec_id);
  firn_json_add_int64(w, "content", m->is_deletes);
  firn_json_add_int64(w, "sequence_number", m->sequence_number);
  firn_json_add_int64(w, "min_sequence_number", m->min_sequence_number);
  firn_json_add_int64(w, "added_snapshot_id", m->added_snapshot_id);
  add_optional(w, "added_files_count", m->has_counts, m->n_added_files);
  add_optional(w, "existing_files_count", m->has_counts, m->n_existing_files);
  add_optional(w, "deleted_files_count", m->has_counts, m->n_deleted_files);
  add_optional(w, "added_rows_count", m->has_counts, m->n_added_rows);
  add_optional(w, "existing_rows_count", m->has_counts, m->n_existing_rows);
  add_optional(w, "deleted_rows_count", m->has_counts, m->n_deleted_rows);
  show_summaries(m, w);
  add_hex(w, "key_metadata", m->key_metadata);
  firn_json_end_object(w);
}

static firn_status show_list(firn_avro_source source, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_MANIFEST_LIST_READER *r = NULL;
  FIRN_AUTO_BUILDER line = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_manifest_list_open(source, ctx, &r, err));
  for (;;) {
    const firn_manifest_file *m = NULL;
    FIRN_TRY(firn_manifest_list_next(r, ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&line);
    show_manifest_file(m, &w);
    FIRN_TRY(print_line(&line, err));
  }
}

static void show_tuple(const firn_field *type, const firn_value *tuple, firn_json_writer *w) {
  firn_json_key(w, "partition");
  firn_json_begin_object(w);
  for (uint32_t i = 0; i < type->n_children; i++) {
    firn_json_key(w, type->children[i].name);
    firn_value_write_json(&tuple[i], &type->children[i], w);
  }
  firn_json_end_object(w);
}

static void show_entry(const firn_manifest_entry *e, const firn_field *type, firn_json_writer *w) {
  const firn_data_file *f = &e->file;
  firn_json_begin_object(w);
  firn_json_add_int64(w, "status", e->status);
  firn_json_add_int64(w, "snapshot_id", e->snapshot_id);
  firn_json_add_int64(w, "sequence_number", e->sequence_number);
  firn_json_add_int64(w, "file_sequence_number", e->file_sequence_number);
  firn_json_add_int64(w, "content", f->content);
  firn_json_add_text(w, "file_path", f->path);
  firn_json_add_text(w, "file_format", f->format);
  firn_json_add_int64(w, "spec_id", f->spec_id);
  show_tuple(type, f->partition, w);
  firn_json_add_int64(w, "record_count", f->record_count);
  firn_json_add_int64(w, "file_size_in_bytes", f->size_bytes);
  add_counts(w, "column_sizes", &f->column_sizes);
  add_counts(w, "value_counts", &f->value_counts);
  add_counts(w, "null_value_counts", &f->null_counts);
  add_counts(w, "nan_value_counts", &f->nan_counts);
  add_bounds(w, "lower_bounds", &f->lower_bounds);
  add_bounds(w, "upper_bounds", &f->upper_bounds);
  add_hex(w, "key_metadata", f->key_metadata);
  firn_json_key(w, "split_offsets");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_split_offsets; i++) {
    firn_json_write_int64(w, f->split_offsets[i]);
  }
  firn_json_end_array(w);
  firn_json_key(w, "equality_ids");
  firn_json_begin_array(w);
  for (size_t i = 0; i < f->n_equality_ids; i++) {
    firn_json_write_int64(w, f->equality_ids[i]);
  }
  firn_json_end_array(w);
  add_optional(w, "sort_order_id", f->has_sort_order_id, f->sort_order_id);
  firn_json_end_object(w);
}

static firn_status show_manifest(firn_avro_source source, firn_ctx *ctx, char **words, firn_error *err) {
  FIRN_AUTO_MANIFEST_READER *r = NULL;
  FIRN_AUTO_BUILDER line = FIRN_BUILDER_INIT(0);
  firn_manifest_file m = {.path = words[0],
                          .spec_id = (int32_t)strtol(words[1], NULL, 10),
                          .sequence_number = strtoll(words[2], NULL, 10),
                          .added_snapshot_id = strtoll(words[3], NULL, 10),
                          .is_deletes = words[4][0] == '1'};
  FIRN_TRY(firn_manifest_open(source, ctx, &m, NULL, &r, err));
  for (;;) {
    const firn_manifest_entry *e = NULL;
    FIRN_TRY(firn_manifest_next(r, ctx, &e, err));
    if (e == NULL) {
      return FIRN_OK;
    }
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&line);
    show_entry(e, firn_manifest_partition_type(r), &w);
    FIRN_TRY(print_line(&line, err));
  }
}

/* What is written: a partition field for each kind, and a name that Avro does not take. */
static const firn_field columns[] = {
    {.id = 1, .name = "flag", .kind = FIRN_KIND_BOOLEAN},
    {.id = 2, .name = "i", .kind = FIRN_KIND_INT},
    {.id = 3, .name = "l", .kind = FIRN_KIND_LONG},
    {.id = 4, .name = "f", .kind = FIRN_KIND_FLOAT},
    {.id = 5, .name = "d", .kind = FIRN_KIND_DOUBLE},
    {.id = 6, .name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.id = 7, .name = "huge", .kind = FIRN_KIND_DECIMAL, .precision = 38, .scale = 0},
    {.id = 8, .name = "on", .kind = FIRN_KIND_DATE},
    {.id = 9, .name = "clock", .kind = FIRN_KIND_TIME},
    {.id = 10, .name = "ts", .kind = FIRN_KIND_TIMESTAMP},
    {.id = 11, .name = "tz", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 12, .name = "9 s.x", .kind = FIRN_KIND_STRING},
    {.id = 13, .name = "u", .kind = FIRN_KIND_UUID},
    {.id = 14, .name = "x", .kind = FIRN_KIND_FIXED, .width = 3},
    {.id = 15, .name = "b", .kind = FIRN_KIND_BINARY},
    {.id = 16, .name = "u2", .kind = FIRN_KIND_UUID},
};
enum { N_COLUMNS = FIRN_COUNT_OF(columns) };

static void fill(firn_value tuple[N_COLUMNS], int sign) {
  static const uint8_t uuid[16] = {0xF7, 0x9C, 0x3E, 9, 0x67, 0x7C, 0x4B, 0xBD, 0xA4, 2, 3, 4, 5, 6, 7, 8};
  for (int i = 0; i < N_COLUMNS; i++) {
    tuple[i] = (firn_value){.kind = columns[i].kind, .is_null = sign == 0};
  }
  if (sign == 0) {
    return;
  }
  firn_decimal huge = 9;
  for (int i = 0; i < 37; i++) {
    huge *= 10;
  }
  tuple[0].boolean = sign > 0;
  tuple[1].i32 = sign * INT32_MAX;
  tuple[2].i64 = sign * INT64_MAX;
  tuple[3].f32 = (float)sign * 0.5f;
  /* PyIceberg 0.12 reads doubles as floats: this one is in their range. */
  tuple[4].f64 = sign > 0 ? 1.5e30 : -0.0;
  tuple[5].dec = sign * 1420;
  tuple[6].dec = sign * huge;
  tuple[7].i32 = sign * 7000;
  tuple[8].i64 = sign > 0 ? 86399999999 : 0;
  tuple[9].i64 = sign * 1510871468000001;
  tuple[10].i64 = sign * 1510871468000001;
  tuple[11].bytes = sign > 0 ? FIRN_LITERAL("z\xC3\xBCrich") : FIRN_LITERAL("");
  tuple[12].bytes = tuple[15].bytes = (firn_bytes){uuid, 16};
  tuple[13].bytes = sign > 0 ? FIRN_LITERAL("\xFF\0\1") : FIRN_LITERAL("\0\0\0");
  tuple[14].bytes = sign > 0 ? FIRN_LITERAL("\xFF\0") : FIRN_LITERAL("");
}

static firn_data_file data_file(const firn_value *tuple) {
  static const firn_id_count counts[] = {{1, 10}, {2, INT64_C(1) << 40}};
  static const firn_id_bytes bounds[] = {{2, {(const uint8_t *)"\1\0\0\0", 4}},
                                         {12, {(const uint8_t *)"", 0}}};
  static const int64_t offsets[] = {4, 3000};
  return (firn_data_file){.path = "file:///w/data/0.parquet",
                          .format = "parquet",
                          .partition = tuple,
                          .record_count = 100,
                          .size_bytes = 5000,
                          .column_sizes = {true, 2, counts},
                          .value_counts = {true, 2, counts},
                          .null_counts = {true, 0, NULL},
                          .lower_bounds = {true, 2, bounds},
                          .upper_bounds = {true, 1, bounds},
                          .key_metadata = FIRN_LITERAL("key"),
                          .n_split_offsets = 2,
                          .split_offsets = offsets,
                          .has_sort_order_id = true,
                          .sort_order_id = 1};
}

/* Writes FOLDER/NAME and describes it in `out`. */
static firn_status write_one(const char *folder, const char *name, bool is_deletes,
                             const firn_manifest_entry *entries, size_t n, firn_arena *arena,
                             firn_manifest_file *out, firn_error *err) {
  firn_partition_field fields[N_COLUMNS];
  for (int i = 0; i < N_COLUMNS; i++) {
    fields[i] =
        (firn_partition_field){columns[i].id, 1000 + i, columns[i].name, {FIRN_TRANSFORM_IDENTITY, 0, NULL}};
  }
  const firn_partition_spec spec = {.spec_id = 7, .n_fields = N_COLUMNS, .fields = fields};
  const firn_schema schema = {.schema_id = 3,
                              .root = {.id = FIRN_NO_ID,
                                       .name = "",
                                       .kind = FIRN_KIND_STRUCT,
                                       .n_children = N_COLUMNS,
                                       .children = columns}};
  firn_manifest_writer_options options = {.format_version = 2,
                                          .schema = &schema,
                                          .spec = &spec,
                                          .is_deletes = is_deletes,
                                          .snapshot_id = 77,
                                          .codec = FIRN_CODEC_DEFLATE,
                                          .env = &firn_env_system};
  const char *path = firn_arena_printf(arena, "%s/%s", folder, name);
  FILE *f = path == NULL ? NULL : fopen(path, "wb");
  if (f == NULL) {
    return firn_error_set(err, FIRN_IO, "cannot make %s/%s", folder, name);
  }
  firn_avro_sink sink = {write_stream, f};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  firn_status status = firn_manifest_writer_open(&options, sink, &w, err);
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    status = firn_manifest_writer_add(w, &entries[i], err);
  }
  status = status == FIRN_OK ? firn_manifest_writer_finish(w, arena, out, err) : status;
  out->path = path;
  return fclose(f) == 0 ? status : firn_error_set(err, FIRN_IO, "cannot write %s", path);
}

static firn_status write_all(const char *folder, firn_error *err) {
  static const int32_t ids[] = {2, 12};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER list = FIRN_BUILDER_INIT(0);
  firn_value tuples[3][N_COLUMNS];
  for (int i = 0; i < 3; i++) {
    fill(tuples[i], 1 - i);
  }
  firn_manifest_entry data[] = {{.status = FIRN_ENTRY_ADDED, .file = data_file(tuples[0])},
                                {.status = FIRN_ENTRY_EXISTING,
                                 .snapshot_id = 50,
                                 .sequence_number = 3,
                                 .file_sequence_number = 4,
                                 .file = data_file(tuples[1])},
                                {.status = FIRN_ENTRY_DELETED,
                                 .sequence_number = 2,
                                 .file_sequence_number = 2,
                                 .file = data_file(tuples[2])}};
  firn_manifest_entry deletes[] = {{.status = FIRN_ENTRY_ADDED, .file = data_file(tuples[0])},
                                   {.status = FIRN_ENTRY_ADDED, .file = data_file(tuples[0])}};
  deletes[0].file.content = FIRN_CONTENT_POSITION_DELETES;
  deletes[1].file.content = FIRN_CONTENT_EQUALITY_DELETES;
  deletes[1].file.n_equality_ids = 2;
  deletes[1].file.equality_ids = ids;
  firn_manifest_file manifests[2] = {0};
  FIRN_TRY(write_one(folder, "m0.avro", false, data, 3, &arena, &manifests[0], err));
  FIRN_TRY(write_one(folder, "m1.avro", true, deletes, 2, &arena, &manifests[1], err));
  const firn_manifest_file *both[] = {&manifests[0], &manifests[1]};
  firn_manifest_list_options options = {.format_version = 2,
                                        .snapshot_id = 77,
                                        .sequence_number = 9,
                                        .codec = FIRN_CODEC_DEFLATE,
                                        .env = &firn_env_system};
  FIRN_TRY(firn_manifest_list_write(&options, both, 2, &list, err));
  const char *path = firn_arena_printf(&arena, "%s/list.avro", folder);
  FILE *f = path == NULL ? NULL : fopen(path, "wb");
  if (f == NULL || fwrite(list.data, 1, list.len, f) != list.len || fclose(f) != 0) {
    return firn_error_set(err, FIRN_IO, "cannot write %s/list.avro", folder);
  }
  return FIRN_OK;
}

static firn_status run(int argc, char **argv, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  if (argc == 3 && strcmp(argv[1], "write") == 0) {
    return write_all(argv[2], err);
  }
  FILE *f = argc >= 3 ? fopen(argv[2], "rb") : NULL;
  if (f == NULL) {
    return firn_error_set(err, FIRN_INVALID, "usage: see the head of manifest_tool.c");
  }
  firn_avro_source source = {read_stream, f};
  firn_status status = FIRN_INVALID;
  if (strcmp(argv[1], "avro") == 0) {
    status = show_avro(source, &ctx, err);
  } else if (strcmp(argv[1], "list") == 0) {
    status = show_list(source, &ctx, err);
  } else if (strcmp(argv[1], "manifest") == 0 && argc == 7) {
    status = show_manifest(source, &ctx, argv + 2, err);
  }
  (void)fclose(f);
  return status;
}

int main(int argc, char **argv) {
  firn_error err = {0};
  if (run(argc, argv, &err) == FIRN_OK) {
    return 0;
  }
  (void)fprintf(stderr, "%s\n", err.text);
  return 1;
}
