#include "events/commit_record.h"

#include <inttypes.h>

#include "base/json_write.h"
#include "base/utf8.h"

/* --- writing --- */

static void add_hex(firn_json_writer *w, firn_bytes bytes) {
  static const char digits[] = "0123456789abcdef";
  if (bytes.data == NULL) {
    firn_json_write_null(w);
    return;
  }
  FIRN_AUTO_BUILDER hex = FIRN_BUILDER_INIT(0);
  uint8_t *room = firn_builder_reserve(&hex, 2 * bytes.len);
  if (room == NULL) {
    w->to->failed = hex.failed;
    return;
  }
  for (size_t i = 0; i < bytes.len; i++) {
    room[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
    room[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
  }
  firn_json_write_bytes(w, (firn_bytes){room, 2 * bytes.len});
}

static void add_counts(firn_json_writer *w, const char *key, const firn_id_counts *counts) {
  if (!counts->present) {
    return;
  }
  firn_json_key(w, key);
  firn_json_begin_object(w);
  firn_json_key(w, "keys");
  firn_json_begin_array(w);
  for (size_t i = 0; i < counts->n; i++) {
    firn_json_write_int64(w, counts->items[i].id);
  }
  firn_json_end_array(w);
  firn_json_key(w, "values");
  firn_json_begin_array(w);
  for (size_t i = 0; i < counts->n; i++) {
    firn_json_write_int64(w, counts->items[i].n);
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
}

/* An empty bound is a value, an absent one has no entry. */
static firn_bytes some_bytes(firn_bytes bytes) {
  return bytes.data == NULL ? FIRN_LITERAL("") : bytes;
}

static void add_bounds(firn_json_writer *w, const char *key, const firn_id_bounds *bounds) {
  if (!bounds->present) {
    return;
  }
  firn_json_key(w, key);
  firn_json_begin_object(w);
  firn_json_key(w, "keys");
  firn_json_begin_array(w);
  for (size_t i = 0; i < bounds->n; i++) {
    firn_json_write_int64(w, bounds->items[i].id);
  }
  firn_json_end_array(w);
  firn_json_key(w, "values");
  firn_json_begin_array(w);
  for (size_t i = 0; i < bounds->n; i++) {
    add_hex(w, some_bytes(bounds->items[i].value));
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
}

static firn_status add_partition(firn_json_writer *w, const firn_data_file *file,
                                 const firn_partition_spec *spec, firn_error *err) {
  firn_json_key(w, "partition");
  firn_json_begin_array(w);
  for (size_t i = 0; i < spec->n_fields; i++) {
    const firn_value *v = &file->partition[i];
    FIRN_AUTO_BUILDER bytes = FIRN_BUILDER_INIT(0);
    if (!v->is_null) {
      firn_value_write(v, &bytes);
    }
    firn_bytes binary;
    FIRN_TRY(firn_builder_finish(&bytes, &binary, err));
    add_hex(w, v->is_null ? (firn_bytes){NULL, 0} : some_bytes(binary));
  }
  firn_json_end_array(w);
  return FIRN_OK;
}

static firn_status check_text(const char *text, const char *what, firn_error *err) {
  if (text == NULL || *text == 0 || !firn_utf8_is_valid(firn_bytes_of(text))) {
    return firn_error_set(err, FIRN_INVALID, "a commit record cannot hold this %s: it is %s", what,
                          text == NULL || *text == 0 ? "empty" : "no UTF-8");
  }
  return FIRN_OK;
}

static firn_status add_file(firn_json_writer *w, const firn_data_file *file, const firn_metadata *metadata,
                            firn_error *err) {
  const firn_partition_spec *spec = firn_metadata_spec(metadata, file->spec_id);
  FIRN_TRY(check_text(file->path, "path", err));
  FIRN_TRY(check_text(file->format, "file format", err));
  if (file->content != FIRN_CONTENT_DATA) {
    return firn_error_set(err, FIRN_INVALID, "%s is no data file", file->path);
  }
  if (spec == NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s: its table has no partition spec %" PRId32, file->path,
                          file->spec_id);
  }
  firn_json_begin_object(w);
  firn_json_add_text(w, "content", "data");
  firn_json_add_text(w, "file-path", file->path);
  firn_json_add_text(w, "file-format", file->format);
  firn_json_add_int64(w, "spec-id", file->spec_id);
  FIRN_TRY(add_partition(w, file, spec, err));
  firn_json_add_int64(w, "record-count", file->record_count);
  firn_json_add_int64(w, "file-size-in-bytes", file->size_bytes);
  add_counts(w, "column-sizes", &file->column_sizes);
  add_counts(w, "value-counts", &file->value_counts);
  add_counts(w, "null-value-counts", &file->null_counts);
  add_counts(w, "nan-value-counts", &file->nan_counts);
  add_bounds(w, "lower-bounds", &file->lower_bounds);
  add_bounds(w, "upper-bounds", &file->upper_bounds);
  if (file->key_metadata.data != NULL) {
    firn_json_key(w, "key-metadata");
    add_hex(w, file->key_metadata);
  }
  if (file->n_split_offsets > 0) {
    firn_json_key(w, "split-offsets");
    firn_json_begin_array(w);
    for (size_t i = 0; i < file->n_split_offsets; i++) {
      firn_json_write_int64(w, file->split_offsets[i]);
    }
    firn_json_end_array(w);
  }
  if (file->has_sort_order_id) {
    firn_json_add_int64(w, "sort-order-id", file->sort_order_id);
  }
  firn_json_end_object(w);
  return FIRN_OK;
}

static firn_status add_table(firn_json_writer *w, const firn_commit_record_table *table,
                             const firn_metadata *metadata, firn_error *err) {
  FIRN_TRY(check_text(table->name, "table name", err));
  FIRN_TRY(check_text(table->uuid, "table UUID", err));
  firn_json_begin_object(w);
  firn_json_key(w, "namespace");
  firn_json_begin_array(w);
  for (size_t i = 0; i < table->n_levels; i++) {
    FIRN_TRY(check_text(table->levels[i], "namespace", err));
    firn_json_write_text(w, table->levels[i]);
  }
  firn_json_end_array(w);
  firn_json_add_text(w, "name", table->name);
  firn_json_add_text(w, "uuid", table->uuid);
  firn_json_key(w, "files");
  firn_json_begin_array(w);
  for (size_t i = 0; i < table->n_files; i++) {
    FIRN_TRY(add_file(w, &table->files[i], metadata, err));
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
  return FIRN_OK;
}

firn_status firn_commit_record_write(const firn_commit_record *record, const firn_metadata *const *tables,
                                     firn_builder *out, firn_error *err) {
  FIRN_TRY(check_text(record->journal, "journal id", err));
  if (record->first >= record->next || record->next > INT64_MAX) {
    return firn_error_set(err, FIRN_INVALID, "a commit record cannot cover %" PRIu64 " to %" PRIu64,
                          record->first, record->next);
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_json_begin_object(&w);
  firn_json_add_int64(&w, "version", FIRN_COMMIT_RECORD_VERSION);
  firn_json_add_text(&w, "journal", record->journal);
  firn_json_add_int64(&w, "first", (int64_t)record->first);
  firn_json_add_int64(&w, "next", (int64_t)record->next);
  firn_json_add_int64(&w, "accepted-us", record->accepted_us);
  firn_json_add_int64(&w, "written-us", record->written_us);
  firn_json_key(&w, "tables");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < record->n_tables; i++) {
    FIRN_TRY(add_table(&w, &record->tables[i], tables[i], err));
  }
  firn_json_end_array(&w);
  firn_json_end_object(&w);
  firn_bytes unused;
  return firn_builder_finish(out, &unused, err);
}

/* --- binding --- */

static firn_status bind_file(const firn_commit_record_partition *partition, const firn_metadata *metadata,
                             firn_arena *arena, firn_data_file *file, firn_error *err) {
  const firn_partition_spec *spec = firn_metadata_spec(metadata, file->spec_id);
  const firn_schema *schema = spec == NULL ? NULL : firn_metadata_schema_of_spec(metadata, spec);
  if (spec == NULL) {
    return firn_error_set(err, FIRN_INVALID, "the table has no partition spec %" PRId32 " any more",
                          file->spec_id);
  }
  if (schema == NULL) {
    return firn_error_set(err, FIRN_INVALID,
                          "the table has no schema any more with the columns of its partition spec %" PRId32,
                          file->spec_id);
  }
  if (partition->n != spec->n_fields) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu partition values where spec %" PRId32 " has %zu",
                          partition->n, file->spec_id, spec->n_fields);
  }
  firn_field type;
  FIRN_TRY(firn_partition_type(spec, schema, arena, &type, err));
  firn_value *tuple = firn_new_n(arena, firn_value, spec->n_fields);
  if (tuple == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a partition");
  }
  for (size_t i = 0; i < spec->n_fields; i++) {
    if (partition->values[i].data == NULL) {
      tuple[i] = (firn_value){.kind = type.children[i].kind, .is_null = true};
      continue;
    }
    firn_status status = firn_value_read(partition->values[i], &type.children[i], &tuple[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "partition field %s", spec->fields[i].name);
    }
  }
  file->partition = tuple;
  return FIRN_OK;
}

firn_status firn_commit_record_bind(const firn_commit_record_table *table, const firn_metadata *metadata,
                                    firn_arena *arena, firn_data_file **out, firn_error *err) {
  firn_data_file *files = firn_new_n(arena, firn_data_file, table->n_files);
  if (files == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu files", table->n_files);
  }
  for (size_t i = 0; i < table->n_files; i++) {
    files[i] = table->files[i];
    firn_status status = bind_file(&table->partitions[i], metadata, arena, &files[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "file %s", files[i].path);
    }
  }
  *out = files;
  return FIRN_OK;
}
