#include <stdio.h>

#include "iceberg/meta/manifest.h"
#include "test.h"

static const firn_field_summary summaries[] = {{.contains_null = true,
                                                .has_contains_nan = true,
                                                .lower = {(const uint8_t *)"\1\0\0\0", 4},
                                                .upper = {(const uint8_t *)"", 0}},
                                               {.has_contains_nan = false}};

static firn_manifest_file manifest(const char *path, int64_t sequence) {
  return (firn_manifest_file){.path = path,
                              .size_bytes = 7000,
                              .spec_id = 4,
                              .sequence_number = sequence,
                              .min_sequence_number = sequence,
                              .added_snapshot_id = 77,
                              .has_counts = true,
                              .n_added_files = 1,
                              .n_existing_files = 2,
                              .n_deleted_files = 3,
                              .n_added_rows = INT64_C(1) << 40,
                              .n_existing_rows = 20,
                              .n_deleted_rows = 30,
                              .n_partitions = 2,
                              .partitions = summaries,
                              .key_metadata = FIRN_LITERAL("key")};
}

static firn_manifest_list_options options_of(void) {
  return (firn_manifest_list_options){.format_version = 2,
                                      .snapshot_id = 77,
                                      .has_parent = true,
                                      .parent_snapshot_id = 76,
                                      .sequence_number = 9,
                                      .codec = FIRN_CODEC_DEFLATE,
                                      .env = test_ctx()->env};
}

static firn_status write_list(firn_builder *out, firn_error *err) {
  firn_manifest_file a = manifest("s3://b/m0.avro", -1), b = manifest("s3://b/m1.avro", 3);
  b.added_snapshot_id = 50;
  b.is_deletes = true;
  b.n_partitions = 0;
  b.key_metadata = (firn_bytes){NULL, 0};
  const firn_manifest_file *both[] = {&a, &b};
  firn_manifest_list_options options = options_of();
  return firn_manifest_list_write(&options, both, 2, out, err);
}

typedef struct opened {
  firn_bytes rest;
  firn_manifest_list_reader *reader;
} opened;

static void opened_close(opened *o) {
  firn_manifest_list_close(o->reader);
}
#define AUTO_OPENED FIRN_AUTO(opened_close) opened

static firn_status open_list(opened *o, firn_bytes file, firn_error *err) {
  o->rest = file;
  return firn_manifest_list_open(firn_avro_source_over(&o->rest), test_ctx(), &o->reader, err);
}

static firn_status read_list(firn_bytes file, size_t *n, firn_error *err) {
  AUTO_OPENED o = {0};
  FIRN_TRY(open_list(&o, file, err));
  const firn_manifest_file *m = NULL;
  for (*n = 0;; ++*n) {
    FIRN_TRY(firn_manifest_list_next(o.reader, test_ctx(), &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
  }
}

static void reads_what_it_writes(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_list(&file, &err));
  AUTO_OPENED o = {0};
  CHECK_OK(open_list(&o, firn_builder_bytes(&file), &err));
  assert_int_equal(firn_manifest_list_format_version(o.reader), 2);
  const firn_manifest_file *m = NULL;
  CHECK_OK(firn_manifest_list_next(o.reader, test_ctx(), &m, &err));
  assert_string_equal(m->path, "s3://b/m0.avro");
  assert_int_equal(m->size_bytes, 7000);
  assert_int_equal(m->spec_id, 4);
  assert_false(m->is_deletes);
  assert_int_equal(m->sequence_number, 9); /* given by the list */
  assert_int_equal(m->min_sequence_number, 9);
  assert_int_equal(m->added_snapshot_id, 77);
  assert_true(m->has_counts);
  assert_int_equal(m->n_added_files, 1);
  assert_int_equal(m->n_existing_files, 2);
  assert_int_equal(m->n_deleted_files, 3);
  assert_int_equal(m->n_added_rows, INT64_C(1) << 40);
  assert_int_equal(m->n_existing_rows, 20);
  assert_int_equal(m->n_deleted_rows, 30);
  CHECK_BYTES(m->key_metadata, "key");
  assert_int_equal(m->n_partitions, 2);
  const firn_field_summary *s = m->partitions;
  assert_true(s[0].contains_null && s[0].has_contains_nan && !s[0].contains_nan);
  assert_true(firn_bytes_equal(s[0].lower, summaries[0].lower));
  assert_non_null(s[0].upper.data); /* a text may be empty, and is a bound even so */
  assert_int_equal(s[0].upper.len, 0);
  assert_false(s[1].contains_null || s[1].has_contains_nan);
  assert_null(s[1].lower.data);
  CHECK_OK(firn_manifest_list_next(o.reader, test_ctx(), &m, &err));
  assert_string_equal(m->path, "s3://b/m1.avro");
  assert_true(m->is_deletes);
  assert_int_equal(m->sequence_number, 3); /* its own */
  assert_int_equal(m->added_snapshot_id, 50);
  assert_int_equal(m->n_partitions, 0);
  assert_null(m->key_metadata.data);
  CHECK_OK(firn_manifest_list_next(o.reader, test_ctx(), &m, &err));
  assert_null(m);
}

static void check_refused(const firn_manifest_file *m, firn_status status, const char *says) {
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_list_options options = options_of();
  CHECK_STATUS(firn_manifest_list_write(&options, &m, 1, &file, &err), status);
  CHECK_SAYS(says);
}

static void what_no_reader_could_use_is_not_written(void **state) {
  (void)state;
  firn_manifest_file m = manifest("m.avro", -1);
  m.added_snapshot_id = 5; /* a sequence number may be given to manifests of this snapshot only */
  check_refused(&m, FIRN_INVALID, "is not of snapshot 77");
  m = manifest("m.avro", 1);
  m.has_counts = false;
  check_refused(&m, FIRN_UNSUPPORTED, "rewrite the manifest");
  m = manifest(NULL, 1);
  check_refused(&m, FIRN_INVALID, "without path");
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_list_options options = options_of();
  options.format_version = 3;
  CHECK_STATUS(firn_manifest_list_write(&options, NULL, 0, &file, &err), FIRN_UNSUPPORTED);
}

static void the_head_and_the_ids_are_those_of_the_specification_trap_26_31(void **state) {
  (void)state;
  static const int32_t ids[] = {500, 501, 502, 517, 515, 516, 503, 504, 505, 506, 512, 513, 514, 507, 519};
  static const int32_t summary_ids[] = {509, 518, 510, 511};
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  CHECK_OK(write_list(&file, &err));
  firn_bytes rest = firn_builder_bytes(&file);
  FIRN_AUTO_AVRO_READER *r = NULL;
  CHECK_OK(firn_avro_reader_open(firn_avro_source_over(&rest), test_ctx(), 0, &r, &err));
  CHECK_BYTES(firn_avro_reader_meta(r, "snapshot-id"), "77");
  CHECK_BYTES(firn_avro_reader_meta(r, "parent-snapshot-id"), "76");
  CHECK_BYTES(firn_avro_reader_meta(r, "sequence-number"), "9");
  CHECK_BYTES(firn_avro_reader_meta(r, "format-version"), "2");
  const firn_avro_schema *s = firn_avro_reader_schema(r);
  assert_string_equal(s->name, "manifest_file");
  assert_int_equal(s->n_fields, FIRN_COUNT_OF(ids));
  for (size_t i = 0; i < s->n_fields; i++) {
    assert_int_equal(s->fields[i].field_id, ids[i]);
  }
  const firn_avro_schema *list = firn_avro_field_by_id(s, 507)->schema->items[1];
  assert_int_equal(list->element_id, 508);
  assert_string_equal(list->items[0]->name, "r508");
  for (size_t i = 0; i < FIRN_COUNT_OF(summary_ids); i++) {
    assert_int_equal(list->items[0]->fields[i].field_id, summary_ids[i]);
  }
}

/* A list of another writer: one record of these fields, the numbers of `values` in their order. */
#define LIST(more)                                                     \
  "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["       \
  "{\"name\":\"manifest_path\",\"type\":\"string\",\"field-id\":500}," \
  "{\"name\":\"manifest_length\",\"type\":\"long\",\"field-id\":501}," \
  "{\"name\":\"partition_spec_id\",\"type\":\"int\",\"field-id\":502}" more "]}"

static void write_foreign(const char *schema, const char *version, const int64_t *values, size_t n,
                          firn_builder *file) {
  firn_error err;
  firn_avro_pair pair = {FIRN_LITERAL("format-version"), firn_bytes_of(version)};
  firn_avro_writer_options options = {
      .codec = FIRN_CODEC_NONE, .metadata = &pair, .n_metadata = version != NULL};
  FIRN_AUTO_AVRO_WRITER *w = NULL;
  CHECK_OK(firn_avro_writer_open(firn_bytes_of(schema), &options, firn_avro_sink_onto(file), &w, &err));
  firn_builder *b = firn_avro_writer_begin(w);
  firn_avro_put_text(b, "m.avro");
  for (size_t i = 0; i < n; i++) {
    firn_builder_add_zigzag(b, values[i]);
  }
  CHECK_OK(firn_avro_writer_record(w, &err));
  CHECK_OK(firn_avro_writer_finish(w, NULL, &err));
}

static void a_head_without_version_does_not_make_it_version_1_trap_32(void **state) {
  (void)state;
  static const char v2[] = LIST(
      ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":517},"
      "{\"name\":\"sequence_number\",\"type\":\"long\",\"field-id\":515}");
  static const char v3[] = LIST(",{\"name\":\"first_row_id\",\"type\":\"long\",\"field-id\":520}");
  static const int64_t values[] = {7000, 0, 1, 12};
  firn_error err;
  size_t n;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0), newer = FIRN_BUILDER_INIT(0);
  write_foreign(v2, NULL, values, 4, &file);
  AUTO_OPENED o = {0};
  CHECK_OK(open_list(&o, firn_builder_bytes(&file), &err));
  assert_int_equal(firn_manifest_list_format_version(o.reader), 2);
  const firn_manifest_file *m = NULL;
  CHECK_OK(firn_manifest_list_next(o.reader, test_ctx(), &m, &err));
  assert_true(m->is_deletes);
  assert_int_equal(m->sequence_number, 12);
  write_foreign(v3, NULL, values, 3, &newer);
  CHECK_STATUS(read_list(firn_builder_bytes(&newer), &n, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("format version 3");
}

static void version_1_lacks_what_it_lacks_trap_33(void **state) {
  (void)state;
  static const char v1[] = LIST(
      ",{\"name\":\"added_snapshot_id\",\"type\":\"long\",\"field-id\":503},"
      "{\"name\":\"added_data_files_count\",\"type\":[\"null\",\"int\"],\"field-id\":504}");
  static const int64_t values[] = {7000, 2, 33, 1, 5};
  firn_error err;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  write_foreign(v1, "1", values, 5, &file);
  AUTO_OPENED o = {0};
  CHECK_OK(open_list(&o, firn_builder_bytes(&file), &err));
  assert_int_equal(firn_manifest_list_format_version(o.reader), 1);
  const firn_manifest_file *m = NULL;
  CHECK_OK(firn_manifest_list_next(o.reader, test_ctx(), &m, &err));
  assert_int_equal(m->spec_id, 2);
  assert_int_equal(m->added_snapshot_id, 33);
  assert_int_equal(m->sequence_number, 0);
  assert_int_equal(m->min_sequence_number, 0);
  assert_int_equal(m->n_added_files, 5);
  assert_false(m->is_deletes || m->has_counts); /* some counts are not all */
  assert_int_equal(m->n_partitions, 0);
}

/* Writes one manifest into a list and reads it again. */
static const firn_manifest_file *through_a_list(const firn_manifest_file *m, firn_builder *file, opened *o) {
  firn_error err;
  firn_manifest_list_options options = options_of();
  CHECK_OK(firn_manifest_list_write(&options, &m, 1, file, &err));
  CHECK_OK(open_list(o, firn_builder_bytes(file), &err));
  const firn_manifest_file *read = NULL;
  CHECK_OK(firn_manifest_list_next(o->reader, test_ctx(), &read, &err));
  return read;
}

/* An empty array for a partitioned manifest makes others look for a first field that is not there. */
static void unknown_partitions_do_not_become_none(void **state) {
  (void)state;
  firn_manifest_file m = manifest("m.avro", 1);
  m.n_partitions = 0;
  FIRN_AUTO_BUILDER none = FIRN_BUILDER_INIT(0), unknown = FIRN_BUILDER_INIT(0);
  AUTO_OPENED a = {0}, b = {0};
  assert_non_null(through_a_list(&m, &none, &a)->partitions);
  m.partitions = NULL;
  const firn_manifest_file *read = through_a_list(&m, &unknown, &b);
  assert_null(read->partitions);
  assert_int_equal(read->n_partitions, 0);
}

/* Taken for "no live files", they would take the manifest out of the next append. */
static void counts_below_zero_are_unknown(void **state) {
  (void)state;
  for (int i = 0; i < 6; i++) {
    firn_manifest_file m = manifest("m.avro", 1);
    int32_t *files[] = {&m.n_added_files, &m.n_existing_files, &m.n_deleted_files};
    int64_t *rows[] = {&m.n_added_rows, &m.n_existing_rows, &m.n_deleted_rows};
    if (i < 3) {
      *files[i] = -1;
    } else {
      *rows[i - 3] = -1;
    }
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    AUTO_OPENED o = {0};
    assert_false(through_a_list(&m, &file, &o)->has_counts);
  }
}

static void broken_lists_are_refused(void **state) {
  (void)state;
  static const char v2[] = LIST(",{\"name\":\"content\",\"type\":\"int\",\"field-id\":517}");
  static const struct {
    int64_t values[3];
    firn_status status;
    const char *says;
  } cases[] = {{{-1, 0, 0}, FIRN_CORRUPT, "negative length"},
               {{1, -1, 0}, FIRN_CORRUPT, "negative length, spec id"},
               {{1, 0, 2}, FIRN_UNSUPPORTED, "content 2"},
               {{1, INT64_C(1) << 32, 0}, FIRN_CORRUPT, "manifest list: field partition_spec_id"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_error err;
    size_t n;
    FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
    write_foreign(v2, "2", cases[i].values, 3, &file);
    CHECK_STATUS(read_list(firn_builder_bytes(&file), &n, &err), cases[i].status);
    CHECK_SAYS(cases[i].says);
  }
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  firn_error err;
  size_t n;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  firn_manifest_file a = manifest("m.avro", 2);
  const firn_manifest_file *one = &a;
  firn_manifest_list_options options = options_of();
  options.codec = FIRN_CODEC_NONE;
  CHECK_OK(firn_manifest_list_write(&options, &one, 1, &file, &err));
  size_t n_short = 0;
  for (size_t len = 0; len < file.len; len++) {
    firn_status status = read_list((firn_bytes){file.data, len}, &n, &err);
    n_short += status == FIRN_OK;
    assert_true(status == FIRN_CORRUPT || (status == FIRN_OK && n == 0));
  }
  assert_int_equal(n_short, 1);
  for (size_t at = 0; at < file.len; at++) {
    uint8_t was = file.data[at];
    file.data[at] = (uint8_t)(at % 3 == 0 ? 0xFFU : was ^ 1U << (at % 8));
    (void)read_list(firn_builder_bytes(&file), &n, &err); /* any answer; the sanitizers judge */
    file.data[at] = was;
  }
}

static firn_status write_and_read(void) {
  size_t n;
  FIRN_AUTO_BUILDER file = FIRN_BUILDER_INIT(0);
  FIRN_TRY(write_list(&file, NULL));
  return read_list(firn_builder_bytes(&file), &n, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(write_and_read);
}

RUN_TESTS(reads_what_it_writes, what_no_reader_could_use_is_not_written,
          the_head_and_the_ids_are_those_of_the_specification_trap_26_31,
          a_head_without_version_does_not_make_it_version_1_trap_32, version_1_lacks_what_it_lacks_trap_33,
          unknown_partitions_do_not_become_none, counts_below_zero_are_unknown, broken_lists_are_refused,
          refuses_every_cut_and_survives_every_flip, survives_oom)
