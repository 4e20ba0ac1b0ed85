/* Reading commit records. The tree of the JSON lives in a scratch arena; what is kept is copied. */
#include <inttypes.h>

#include "base/json_tree.h"
#include "base/uuid.h"
#include "events/commit_record.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a commit record");
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex, or null where that may be: then `out->data` is NULL. */
static firn_status read_hex(const firn_json_value *v, bool may_be_null, const char *what, firn_arena *arena,
                            firn_bytes *out, firn_error *err) {
  if (v->kind == FIRN_JSON_NULL && may_be_null) {
    *out = (firn_bytes){NULL, 0};
    return FIRN_OK;
  }
  if (v->kind != FIRN_JSON_STRING || v->text.len % 2 != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds what is no hex", what);
  }
  size_t n = v->text.len / 2;
  uint8_t *bytes = firn_arena_alloc_bytes(arena, n == 0 ? 1 : n);
  if (bytes == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    int high = hex_digit(v->text.data[2 * i]), low = hex_digit(v->text.data[2 * i + 1]);
    if (high < 0 || low < 0) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds what is no hex", what);
    }
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  *out = (firn_bytes){bytes, n};
  return FIRN_OK;
}

static firn_status number_of(const firn_json_value *v, const char *what, int64_t min, int64_t max,
                             int64_t *out, firn_error *err) {
  int64_t n;
  if (!firn_json_value_int64(v, &n) || n < min || n > max) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds what is no such number", what);
  }
  *out = n;
  return FIRN_OK;
}

static firn_status need_number(const firn_json_value *object, const char *key, int64_t min, int64_t *out,
                               firn_error *err) {
  int64_t n;
  FIRN_TRY(firn_json_need_int64(object, key, &n, err));
  if (n < min) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is %" PRId64, key, n);
  }
  *out = n;
  return FIRN_OK;
}

/* Text that is not empty. */
static firn_status need_name(const firn_json_value *object, const char *key, firn_arena *arena,
                             const char **out, firn_error *err) {
  const char *text;
  FIRN_TRY(firn_json_need_text(object, key, arena, &text, err));
  if (*text == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is empty", key);
  }
  *out = text;
  return FIRN_OK;
}

/* --- a file --- */

/* {"keys": [...], "values": [...]} of one length; NULL where there is none. */
static firn_status read_map(const firn_json_value *file, const char *name, const firn_json_value **keys,
                            const firn_json_value **values, firn_error *err) {
  const firn_json_value *map = NULL;
  *keys = *values = NULL;
  FIRN_TRY(firn_json_may_object(file, name, &map, err));
  if (map == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_need_array(map, "keys", keys, err);
  if (status == FIRN_OK) {
    status = firn_json_need_array(map, "values", values, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "\"%s\"", name);
  }
  if ((*keys)->n_items != (*values)->n_items) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" has %zu keys and %zu values", name, (*keys)->n_items,
                          (*values)->n_items);
  }
  return FIRN_OK;
}

static firn_status read_counts(const firn_json_value *file, const char *name, firn_arena *arena,
                               firn_id_counts *out, firn_error *err) {
  const firn_json_value *keys, *values;
  FIRN_TRY(read_map(file, name, &keys, &values, err));
  if (keys == NULL) {
    return FIRN_OK;
  }
  firn_id_count *items = firn_new_n(arena, firn_id_count, keys->n_items);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < keys->n_items; i++) {
    int64_t id;
    FIRN_TRY(number_of(&keys->items[i], name, 0, INT32_MAX, &id, err));
    FIRN_TRY(number_of(&values->items[i], name, INT64_MIN, INT64_MAX, &items[i].n, err));
    items[i].id = (int32_t)id;
  }
  *out = (firn_id_counts){true, keys->n_items, items};
  return FIRN_OK;
}

static firn_status read_bounds(const firn_json_value *file, const char *name, firn_arena *arena,
                               firn_id_bounds *out, firn_error *err) {
  const firn_json_value *keys, *values;
  FIRN_TRY(read_map(file, name, &keys, &values, err));
  if (keys == NULL) {
    return FIRN_OK;
  }
  firn_id_bytes *items = firn_new_n(arena, firn_id_bytes, keys->n_items);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < keys->n_items; i++) {
    int64_t id;
    FIRN_TRY(number_of(&keys->items[i], name, 0, INT32_MAX, &id, err));
    FIRN_TRY(read_hex(&values->items[i], false, name, arena, &items[i].value, err));
    items[i].id = (int32_t)id;
  }
  *out = (firn_id_bounds){true, keys->n_items, items};
  return FIRN_OK;
}

static firn_status read_partition(const firn_json_value *file, firn_arena *arena,
                                  firn_commit_record_partition *out, firn_error *err) {
  const firn_json_value *json;
  FIRN_TRY(firn_json_need_array(file, "partition", &json, err));
  firn_bytes *values = firn_new_n(arena, firn_bytes, json->n_items);
  if (values == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < json->n_items; i++) {
    FIRN_TRY(read_hex(&json->items[i], true, "partition", arena, &values[i], err));
  }
  *out = (firn_commit_record_partition){json->n_items, values};
  return FIRN_OK;
}

static firn_status read_split_offsets(const firn_json_value *file, firn_arena *arena, firn_data_file *out,
                                      firn_error *err) {
  const firn_json_value *json = NULL;
  FIRN_TRY(firn_json_may_array(file, "split-offsets", &json, err));
  if (json == NULL || json->n_items == 0) {
    return FIRN_OK;
  }
  int64_t *offsets = firn_new_n(arena, int64_t, json->n_items);
  if (offsets == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < json->n_items; i++) {
    FIRN_TRY(number_of(&json->items[i], "split-offsets", 0, INT64_MAX, &offsets[i], err));
  }
  out->n_split_offsets = json->n_items;
  out->split_offsets = offsets;
  return FIRN_OK;
}

static firn_status read_metrics(const firn_json_value *json, firn_arena *arena, firn_data_file *out,
                                firn_error *err) {
  FIRN_TRY(read_counts(json, "column-sizes", arena, &out->column_sizes, err));
  FIRN_TRY(read_counts(json, "value-counts", arena, &out->value_counts, err));
  FIRN_TRY(read_counts(json, "null-value-counts", arena, &out->null_counts, err));
  FIRN_TRY(read_counts(json, "nan-value-counts", arena, &out->nan_counts, err));
  FIRN_TRY(read_bounds(json, "lower-bounds", arena, &out->lower_bounds, err));
  return read_bounds(json, "upper-bounds", arena, &out->upper_bounds, err);
}

/* All but the path. */
static firn_status read_file_fields(const firn_json_value *json, firn_arena *arena, firn_data_file *out,
                                    firn_commit_record_partition *partition, firn_error *err) {
  const char *content;
  FIRN_TRY(firn_json_need_text(json, "content", arena, &content, err));
  if (strcmp(content, "data") != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "its content is \"%s\"", content);
  }
  FIRN_TRY(need_name(json, "file-format", arena, &out->format, err));
  FIRN_TRY(firn_json_need_int32(json, "spec-id", &out->spec_id, err));
  FIRN_TRY(read_partition(json, arena, partition, err));
  FIRN_TRY(need_number(json, "record-count", 0, &out->record_count, err));
  FIRN_TRY(need_number(json, "file-size-in-bytes", 0, &out->size_bytes, err));
  FIRN_TRY(read_metrics(json, arena, out, err));
  FIRN_TRY(read_split_offsets(json, arena, out, err));
  const firn_json_value *key = firn_json_get_some(json, "key-metadata");
  if (key != NULL) {
    FIRN_TRY(read_hex(key, false, "key-metadata", arena, &out->key_metadata, err));
  }
  if (firn_json_get_some(json, "sort-order-id") != NULL) {
    FIRN_TRY(firn_json_need_int32(json, "sort-order-id", &out->sort_order_id, err));
    out->has_sort_order_id = true;
  }
  return FIRN_OK;
}

static firn_status read_file(const firn_json_value *json, firn_arena *arena, firn_data_file *out,
                             firn_commit_record_partition *partition, firn_error *err) {
  *out = (firn_data_file){.content = FIRN_CONTENT_DATA};
  FIRN_TRY(need_name(json, "file-path", arena, &out->path, err));
  firn_status status = read_file_fields(json, arena, out, partition, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "file %s", out->path);
}

/* --- a table, the record --- */

static firn_status read_namespace(const firn_json_value *json, firn_arena *arena,
                                  firn_commit_record_table *out, firn_error *err) {
  const firn_json_value *levels;
  FIRN_TRY(firn_json_need_array(json, "namespace", &levels, err));
  const char **names = firn_new_n(arena, const char *, levels->n_items);
  if (names == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < levels->n_items; i++) {
    const firn_json_value *v = &levels->items[i];
    if (v->kind != FIRN_JSON_STRING || v->text.len == 0 || memchr(v->text.data, 0, v->text.len) != NULL) {
      return firn_error_set(err, FIRN_CORRUPT, "\"namespace\" holds what is no name");
    }
    names[i] = firn_arena_text(arena, v->text);
    if (names[i] == NULL) {
      return no_memory(err);
    }
  }
  out->n_levels = levels->n_items;
  out->levels = names;
  return FIRN_OK;
}

static firn_status read_uuid(const firn_json_value *json, firn_arena *arena, const char **out,
                             firn_error *err) {
  const char *text;
  firn_uuid uuid;
  FIRN_TRY(firn_json_need_text(json, "uuid", arena, &text, err));
  if (firn_uuid_parse(firn_bytes_of(text), &uuid, NULL) != FIRN_OK) {
    return firn_error_set(err, FIRN_CORRUPT, "\"uuid\" is no UUID");
  }
  char *lower = firn_arena_text(arena, firn_bytes_of(text));
  if (lower == NULL) {
    return no_memory(err);
  }
  firn_uuid_text(uuid, lower); /* as long as what was parsed */
  *out = lower;
  return FIRN_OK;
}

static firn_status read_table(const firn_json_value *json, firn_arena *arena, firn_commit_record_table *out,
                              firn_error *err) {
  const firn_json_value *json_files;
  *out = (firn_commit_record_table){0};
  FIRN_TRY(read_namespace(json, arena, out, err));
  FIRN_TRY(need_name(json, "name", arena, &out->name, err));
  FIRN_TRY(read_uuid(json, arena, &out->uuid, err));
  FIRN_TRY(firn_json_need_array(json, "files", &json_files, err));
  size_t n = json_files->n_items;
  firn_data_file *files = firn_new_n(arena, firn_data_file, n);
  firn_commit_record_partition *partitions = firn_new_n(arena, firn_commit_record_partition, n);
  if (files == NULL || partitions == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(read_file(&json_files->items[i], arena, &files[i], &partitions[i], err));
  }
  out->n_files = n;
  out->files = files;
  out->partitions = partitions;
  return FIRN_OK;
}

static firn_status check_version(const firn_json_value *json, firn_error *err) {
  int64_t version;
  FIRN_TRY(need_number(json, "version", 1, &version, err));
  if (version > FIRN_COMMIT_RECORD_VERSION) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "it has version %" PRId64
                          ", and this program knows versions up to %d: run the "
                          "newer program that wrote it",
                          version, FIRN_COMMIT_RECORD_VERSION);
  }
  return FIRN_OK;
}

static firn_status read_record(firn_bytes in, firn_arena *arena, firn_commit_record *out, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* bounded by the text */
  const firn_json_value *json, *json_tables;
  int64_t first, next;
  FIRN_TRY(firn_json_tree_read(in, &scratch, &json, err));
  FIRN_TRY(check_version(json, err));
  firn_commit_record record = {0};
  FIRN_TRY(need_name(json, "journal", arena, &record.journal, err));
  FIRN_TRY(need_number(json, "first", 0, &first, err));
  FIRN_TRY(need_number(json, "next", first + (first < INT64_MAX), &next, err));
  FIRN_TRY(firn_json_need_int64(json, "accepted-us", &record.accepted_us, err));
  FIRN_TRY(firn_json_need_int64(json, "written-us", &record.written_us, err));
  FIRN_TRY(firn_json_need_array(json, "tables", &json_tables, err));
  size_t n = json_tables->n_items;
  firn_commit_record_table *tables = firn_new_n(arena, firn_commit_record_table, n);
  if (tables == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    firn_status status = read_table(&json_tables->items[i], arena, &tables[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "table %zu", i);
    }
  }
  record.first = (uint64_t)first;
  record.next = (uint64_t)next;
  record.n_tables = n;
  record.tables = tables;
  *out = record;
  return FIRN_OK;
}

firn_status firn_commit_record_read(firn_bytes json, firn_arena *arena, firn_commit_record *out,
                                    firn_error *err) {
  firn_status status = read_record(json, arena, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "commit record");
}
