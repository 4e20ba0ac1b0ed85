/* Every table metadata file of other projects that we have: read with the right values and written so that it
 * reads back, or refused with a sentence. What is right is looked up in the file's own JSON, or said here. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats/codec/codec.h"
#include "iceberg/meta/metadata.h"
#include "test.h"

/* Files that are valid but for the table's version, or are no table metadata for another reason than their
 * name says. Names with Missing, Invalid, Unsupported, NotFound or NoValid are refused too. */
static const struct {
  const char *part;
  firn_status status;
  const char *says;
} refused[] = {
    {"timestamptz_ns/metadata/v1.metadata.json", FIRN_UNSUPPORTED, "table format version 3 is not supported"},
    {"00002-legacy-bare-dv.metadata.json", FIRN_UNSUPPORTED, "table format version 3 is not supported"},
    {"big_query_error/metadata/v0.metadata.json", FIRN_CORRUPT,
     "format-version"}, /* two properties, no table */
    /* Snapshot 9876543210123456789 is no long; the reference refuses it too. */
    {"equality_delete_cross_partition/warehouse/ns/t/metadata/vfinal.metadata.json", FIRN_CORRUPT,
     "\"snapshot-id\" is not an integer of 64 bits"},
    {"equality_delete_extra_column/warehouse/ns/t/metadata/vfinal.metadata.json", FIRN_CORRUPT,
     "\"snapshot-id\" is not an integer of 64 bits"},
    {"V2MissingLastPartitionId.json", FIRN_CORRUPT, "last-partition-id"},
    {"V2MissingSchemas.json", FIRN_CORRUPT, "schemas"},
    {"V2MissingSortOrder.json", FIRN_CORRUPT, "sort-orders"},
    {"V1NoValidSchema.json", FIRN_CORRUPT, "\"schema\""},
};

/* Files of version 1 that leave something out, and what that means. */
static const struct {
  const char *part;
  int32_t current_schema_id, default_spec_id, last_partition_id;
} old_forms[] = {
    {"TableMetadataV1Valid.json", 0, 0, 1000},
    {"V1SchemasWithoutCurrentId.json", 0, 0, 1000},
    {"V1PartitionSpecsWithoutDefaultId.json", 0, 2, 1001},
};

enum { MAX_FILES = 400 };
static char *found[MAX_FILES];
static size_t n_found;

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int note(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  const char *name = path + where->base;
  bool wanted = ends_with(name, "metadata.json") || strncmp(name, "TableMetadataV", 14) == 0 ||
                strncmp(name, "example_table_metadata", 22) == 0;
  bool view = strstr(name, "view-metadata") != NULL;
  if (kind == FTW_F && wanted && !view && n_found < MAX_FILES) {
    found[n_found++] = strdup(path);
  }
  return 0;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_files(const char *root) {
  static const char *const folders[] = {"iceberg", "iceberg-cpp", "iceberg-go", "iceberg-rust",
                                        "duckdb-iceberg"};
  for (size_t i = 0; i < FIRN_COUNT_OF(folders); i++) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", root, folders[i]);
    assert_int_equal(nftw(path, note, 16, FTW_PHYS), 0);
  }
  qsort(found, n_found, sizeof *found, by_name);
}

static bool is_refused(const char *path, firn_status status, const char *text) {
  for (size_t i = 0; i < FIRN_COUNT_OF(refused); i++) {
    if (ends_with(path, refused[i].part)) {
      assert_int_equal(status, refused[i].status);
      if (strstr(text, refused[i].says) == NULL) {
        fail_msg("%s: \"%s\" does not say \"%s\"", path, text, refused[i].says);
      }
      return true;
    }
  }
  return false;
}

static firn_bytes unpacked(firn_bytes in, firn_builder *b) {
  bool gzip = firn_bytes_has_prefix(in, FIRN_LITERAL("\x1f\x8b"));
  bool zstd = firn_bytes_has_prefix(in, FIRN_LITERAL("\x28\xb5\x2f\xfd"));
  if (!gzip && !zstd) {
    return in;
  }
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  firn_error err;
  CHECK_OK(firn_decompressor_new(&d, &err));
  CHECK_OK(firn_decompress_grow(d, gzip ? FIRN_CODEC_GZIP : FIRN_CODEC_ZSTD, in, b, &err));
  return firn_builder_bytes(b);
}

static void check_int(const firn_json_value *json, const char *key, int64_t got) {
  int64_t wanted = got;
  firn_error err;
  CHECK_OK(firn_json_may_int64(json, key, &wanted, &err));
  if (wanted != got) {
    fail_msg("\"%s\" is %" PRId64 ", not %" PRId64, key, got, wanted);
  }
}

static void check_count(const firn_json_value *json, const char *key, size_t got) {
  const firn_json_value *list = firn_json_get_some(json, key);
  assert_int_equal(got, list == NULL ? 0 : list->n_items);
}

static void check_text(const firn_json_value *json, const char *key, const char *got) {
  const firn_json_value *text = firn_json_get_some(json, key);
  if (text != NULL) {
    CHECK_BYTES(text->text, got);
  }
}

static void check_snapshots(const firn_json_value *json, const firn_metadata_fields *f) {
  const firn_json_value *list = firn_json_get_some(json, "snapshots");
  check_count(json, "snapshots", f->n_snapshots);
  for (size_t i = 0; i < f->n_snapshots; i++) {
    const firn_snapshot *s = &f->snapshots[i];
    const firn_json_value *summary = firn_json_get_some(&list->items[i], "summary");
    check_int(&list->items[i], "snapshot-id", s->snapshot_id);
    check_int(&list->items[i], "parent-snapshot-id", s->parent_snapshot_id);
    check_int(&list->items[i], "timestamp-ms", s->timestamp_ms);
    check_int(&list->items[i], "sequence-number", s->sequence_number);
    check_int(&list->items[i], "schema-id", s->schema_id);
    check_text(&list->items[i], "manifest-list", s->manifest_list);
    check_text(summary, "operation", s->operation);
    for (size_t k = 0; k < s->summary.n; k++) {
      check_text(summary, s->summary.items[k].key, s->summary.items[k].value);
    }
    assert_int_equal(s->summary.n + (s->operation != NULL), summary == NULL ? 0 : summary->n_items);
  }
}

static void check_old_forms(const char *path, const firn_metadata_fields *f) {
  for (size_t i = 0; i < FIRN_COUNT_OF(old_forms); i++) {
    if (ends_with(path, old_forms[i].part)) {
      assert_int_equal(f->current_schema_id, old_forms[i].current_schema_id);
      assert_int_equal(f->default_spec_id, old_forms[i].default_spec_id);
      assert_int_equal(f->last_partition_id, old_forms[i].last_partition_id);
      assert_int_equal(f->n_schemas, 1);
      assert_int_equal(f->schemas[0].root.n_children, 3);
    }
  }
}

static void check_values(const char *path, const firn_json_value *json, const firn_metadata *m) {
  const firn_metadata_fields *f = firn_metadata_get(m);
  check_int(json, "format-version", f->format_version);
  check_text(json, "table-uuid", f->table_uuid);
  check_text(json, "location", f->location);
  check_int(json, "last-sequence-number", f->last_sequence_number);
  check_int(json, "last-updated-ms", f->last_updated_ms);
  if (strstr(path, "example_table_metadata_v2.json") != NULL) {
    assert_int_equal(f->last_column_id, 8); /* it says 3, and has columns up to 8: no id may be given twice */
  } else {
    check_int(json, "last-column-id", f->last_column_id);
  }
  check_int(json, "current-schema-id", f->current_schema_id);
  check_int(json, "default-spec-id", f->default_spec_id);
  check_int(json, "last-partition-id", f->last_partition_id);
  check_int(json, "default-sort-order-id", f->default_sort_order_id);
  check_int(json, "current-snapshot-id", f->has_current_snapshot ? f->current_snapshot_id : -1);
  if (firn_json_get_some(json, "schemas") != NULL) {
    check_count(json, "schemas", f->n_schemas);
  }
  if (firn_json_get_some(json, "partition-specs") != NULL) {
    check_count(json, "partition-specs", f->n_specs);
  }
  check_count(json, "properties", f->properties.n);
  for (size_t i = 0; i < f->properties.n; i++) {
    check_text(firn_json_get(json, "properties"), f->properties.items[i].key, f->properties.items[i].value);
  }
  check_count(json, "snapshot-log", f->n_snapshot_log);
  check_count(json, "metadata-log", f->n_metadata_log);
  check_count(json, "statistics", f->n_statistics);
  check_snapshots(json, f);
  if (f->has_current_snapshot) {
    assert_true(firn_metadata_ref_named(m, "main")->snapshot_id == f->current_snapshot_id);
  }
  check_old_forms(path, f);
}

static firn_bytes written(const firn_metadata *m, firn_builder *b) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_bytes out;
  firn_error err;
  firn_metadata_write(m, &w);
  CHECK_OK(firn_builder_finish(b, &out, &err));
  return out;
}

static void check_round_trip(const firn_metadata *m) {
  FIRN_AUTO_BUILDER once = FIRN_BUILDER_INIT(0), twice = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_METADATA *again = NULL;
  firn_error err;
  firn_bytes text = written(m, &once);
  CHECK_OK(firn_metadata_read(text, &again, &err));
  assert_true(firn_bytes_equal(written(again, &twice), text));
  for (size_t i = 0; i < firn_metadata_get(m)->n_schemas; i++) {
    assert_true(firn_schema_equal(&firn_metadata_get(m)->schemas[i], &firn_metadata_get(again)->schemas[i]));
  }
}

static void every_metadata_file_of_others_is_read_or_refused(void **state) {
  (void)state;
  const char *root = test_shared_data("table metadata of other projects");
  if (root == NULL) {
    skip();
  }
  find_files(root);
  size_t n_read = 0, n_refused = 0;
  for (size_t i = 0; i < n_found; i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_METADATA *m = NULL;
    firn_error err = {0};
    firn_bytes file = test_read_file(found[i]);
    firn_status status = firn_metadata_read(file, &m, &err);
    if (is_refused(found[i], status, err.text)) {
      (void)printf("refused %s: %s\n", found[i], err.text);
      n_refused++;
    } else if (status != FIRN_OK) {
      fail_msg("%s: %s", found[i], err.text);
    } else {
      const firn_json_value *json;
      CHECK_OK(firn_json_tree_read(unpacked(file, &b), &arena, &json, &err));
      check_values(found[i], json, m);
      check_round_trip(m);
      (void)printf("read    %s\n", found[i]);
      n_read++;
    }
    firn_free((void *)(uintptr_t)file.data);
    free(found[i]);
  }
  assert_int_equal(n_refused, 19);
  assert_int_equal(n_read, 61);
}

RUN_TESTS(every_metadata_file_of_others_is_read_or_refused)
