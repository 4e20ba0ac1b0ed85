#include <assert.h>

#include "base/alloc.h"
#include "iceberg/meta/manifest_internal.h"
#include "iceberg/meta/record_program_internal.h"
#include "iceberg/meta/tuple_internal.h"

enum {
  MAX_ENTRY_BYTES = 256 << 20, /* of memory, for one entry */
  NEWEST_VERSION_READ = 2
};

/* An entry as it stands in the file, nulls and all. */
typedef struct raw_entry {
  int32_t status, content, sort_order_id;
  int64_t snapshot_id, sequence_number, file_sequence_number;
  int64_t content_offset;
  firn_int_list equality_ids;
  firn_long_list split_offsets;
  firn_data_file file; /* what needs no second look goes here at once */
} raw_entry;

/* Bits of `present`. */
enum {
  STATUS,
  SNAPSHOT_ID,
  SEQUENCE_NUMBER,
  FILE_SEQUENCE_NUMBER,
  DATA_FILE,
  CONTENT,
  FILE_PATH,
  FILE_FORMAT,
  PARTITION,
  RECORD_COUNT,
  FILE_SIZE,
  COLUMN_SIZES,
  VALUE_COUNTS,
  NULL_VALUE_COUNTS,
  NAN_VALUE_COUNTS,
  LOWER_BOUNDS,
  UPPER_BOUNDS,
  KEY_METADATA,
  SPLIT_OFFSETS,
  EQUALITY_IDS,
  SORT_ORDER_ID,
  REFERENCED_DATA_FILE,
  CONTENT_OFFSET,
};

#define SLOT(number, text, what, place, at, ...) \
  {.id = (number),                               \
   .name = (text),                               \
   .kind = FIRN_SLOT_##what,                     \
   .bit = (at),                                  \
   .offset = offsetof(raw_entry, place),         \
   ##__VA_ARGS__}

/* Spec: Manifests, Data File Fields. */
static const firn_slot file_slots[] = {
    SLOT(134, "content", INT, content, CONTENT, .judged = true),
    SLOT(100, "file_path", TEXT, file.path, FILE_PATH, .required = true, .judged = true),
    SLOT(101, "file_format", TEXT, file.format, FILE_FORMAT, .required = true),
    SLOT(102, "partition", TUPLE, file.partition, PARTITION, .judged = true),
    SLOT(103, "record_count", LONG, file.record_count, RECORD_COUNT, .required = true, .judged = true),
    SLOT(104, "file_size_in_bytes", LONG, file.size_bytes, FILE_SIZE, .required = true, .judged = true),
    SLOT(108, "column_sizes", COUNTS, file.column_sizes, COLUMN_SIZES),
    SLOT(109, "value_counts", COUNTS, file.value_counts, VALUE_COUNTS),
    SLOT(110, "null_value_counts", COUNTS, file.null_counts, NULL_VALUE_COUNTS),
    SLOT(137, "nan_value_counts", COUNTS, file.nan_counts, NAN_VALUE_COUNTS),
    SLOT(125, "lower_bounds", BOUNDS, file.lower_bounds, LOWER_BOUNDS),
    SLOT(128, "upper_bounds", BOUNDS, file.upper_bounds, UPPER_BOUNDS),
    SLOT(131, "key_metadata", BYTES, file.key_metadata, KEY_METADATA),
    SLOT(132, "split_offsets", LONGS, split_offsets, SPLIT_OFFSETS),
    SLOT(135, "equality_ids", INTS, equality_ids, EQUALITY_IDS),
    SLOT(140, "sort_order_id", INT, sort_order_id, SORT_ORDER_ID),
    SLOT(143, "referenced_data_file", TEXT, file.referenced_data_file, REFERENCED_DATA_FILE),
    SLOT(144, "content_offset", LONG, content_offset, CONTENT_OFFSET),
};

/* Spec: Manifests, Manifest Entry Fields. */
static const firn_slot entry_slots[] = {
    SLOT(0, "status", INT, status, STATUS, .required = true, .judged = true),
    SLOT(1, "snapshot_id", LONG, snapshot_id, SNAPSHOT_ID, .judged = true),
    SLOT(3, "sequence_number", LONG, sequence_number, SEQUENCE_NUMBER),
    SLOT(4, "file_sequence_number", LONG, file_sequence_number, FILE_SEQUENCE_NUMBER),
    SLOT(2, "data_file", RECORD, file, DATA_FILE, .required = true, .n_inner = FIRN_COUNT_OF(file_slots),
         .inner = file_slots),
};

struct firn_manifest_reader {
  firn_avro_reader *avro;
  firn_arena arena; /* of the reader */
  firn_manifest_file manifest;
  int32_t format_version;
  bool has_sequence_numbers; /* the column is there */
  firn_partition_spec spec;
  firn_field partition_type;
  const firn_record_program *program;
  firn_manifest_wishes wishes;
  firn_arena entry_arena;
  firn_manifest_entry entry;
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest reader");
}

/* The record of field `id`, optional or not; NULL when there is none. */
static const firn_avro_schema *record_in(const firn_avro_schema *record, int32_t id, const char *name) {
  const firn_avro_field *f = record == NULL ? NULL : firn_record_find(record, id, name);
  const firn_avro_schema *found = NULL;
  int null_branch;
  bool is_one = f != NULL && firn_avro_optional(f->schema, &found, &null_branch);
  return is_one && found->type == FIRN_AVRO_RECORD ? found : NULL;
}

static const firn_avro_schema *tuple_in(const firn_avro_schema *entry) {
  return record_in(record_in(entry, 2, "data_file"), 102, "partition");
}

static bool small_number(firn_bytes text, int32_t *out) {
  int64_t v = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9' || v > INT32_MAX) {
      return false;
    }
    v = v * 10 + (text.data[i] - '0');
  }
  *out = (int32_t)v;
  return text.len > 0 && v <= INT32_MAX;
}

firn_status firn_manifest_version_of(firn_bytes text, int32_t guess, int32_t *out, firn_error *err) {
  *out = guess;
  if (text.data != NULL && !small_number(text, out)) {
    return firn_error_set(err, FIRN_CORRUPT, "\"format-version\" is no number");
  }
  if (*out < 1 || *out > NEWEST_VERSION_READ) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "it is of format version %d; versions 1 to %d are read",
                          (int)*out, NEWEST_VERSION_READ);
  }
  return FIRN_OK;
}

/* Spec: Manifests: "format-version" is optional in version 1. Without it the columns tell. */
static firn_status read_version(firn_manifest_reader *r, firn_error *err) {
  const firn_avro_schema *entry = firn_avro_reader_schema(r->avro);
  const firn_avro_schema *file = record_in(entry, 2, "data_file");
  r->has_sequence_numbers = firn_record_find(entry, 3, "sequence_number") != NULL;
  bool is_v3 = file != NULL && firn_record_find(file, 142, "first_row_id") != NULL;
  return firn_manifest_version_of(firn_avro_reader_meta(r->avro, "format-version"),
                                  is_v3                     ? 3
                                  : r->has_sequence_numbers ? 2
                                                            : 1,
                                  &r->format_version, err);
}

/* Trap: a manifest of deletes that is taken for data, or the reverse, gives wrong rows. */
static firn_status check_content(const firn_manifest_reader *r, firn_error *err) {
  firn_bytes content = firn_avro_reader_meta(r->avro, "content");
  if (content.data != NULL && !firn_bytes_is(content, "data") && !firn_bytes_is(content, "deletes")) {
    return firn_error_set(err, FIRN_CORRUPT, "\"content\" is neither \"data\" nor \"deletes\"");
  }
  if (content.data != NULL && firn_bytes_is(content, "deletes") != r->manifest.is_deletes) {
    return firn_error_set(err, FIRN_CORRUPT, "the manifest list says it holds %s, its head says %.*s",
                          r->manifest.is_deletes ? "deletes" : "data", FIRN_FORMAT_BYTES(content));
  }
  return FIRN_OK;
}

static firn_status read_json(firn_manifest_reader *r, const char *key, const firn_json_value **out,
                             firn_error *err) {
  firn_bytes text = firn_avro_reader_meta(r->avro, key);
  *out = NULL;
  if (text.data == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_tree_read(text, &r->arena, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "\"%s\"", key);
}

/* The spec: of the table's metadata, else of the manifest's head. */
static firn_status find_spec(firn_manifest_reader *r, const firn_metadata *metadata, firn_error *err) {
  firn_bytes id = firn_avro_reader_meta(r->avro, "partition-spec-id");
  if (r->manifest.spec_id < 0 && !small_number(id, &r->manifest.spec_id)) {
    r->manifest.spec_id = 0; /* version 1: only the first spec has no id */
  }
  const firn_partition_spec *known =
      metadata == NULL ? NULL : firn_metadata_spec(metadata, r->manifest.spec_id);
  if (known != NULL) {
    r->spec = *known;
    return FIRN_OK;
  }
  const firn_json_value *json = NULL;
  FIRN_TRY(read_json(r, "partition-spec", &json, err));
  const firn_avro_schema *tuple = tuple_in(firn_avro_reader_schema(r->avro));
  if (json == NULL && (tuple == NULL || tuple->n_fields == 0)) {
    r->spec = (firn_partition_spec){.spec_id = r->manifest.spec_id};
    return FIRN_OK;
  }
  if (json == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "its head has no \"partition-spec\"");
  }
  firn_status status = json->kind == FIRN_JSON_OBJECT
                           ? firn_partition_spec_read(json, &r->arena, &r->spec, err)
                           : firn_partition_fields_read(json, &r->arena, &r->spec, err);
  r->spec.spec_id = r->manifest.spec_id;
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "\"partition-spec\"");
}

/* Gives the fields of `type` that have no type yet the one they have under `schema`. */
static firn_status fill_types(firn_manifest_reader *r, const firn_schema *schema, firn_field *type,
                              firn_error *err) {
  firn_field found;
  FIRN_TRY(firn_partition_type(&r->spec, schema, &r->arena, &found, err));
  assert(found.n_children == r->spec.n_fields);
  firn_field *children = (firn_field *)(uintptr_t)type->children; /* ours */
  for (uint32_t i = 0; i < found.n_children; i++) {
    if (children[i].kind == FIRN_KIND_UNKNOWN && r->spec.fields[i].transform.kind != FIRN_TRANSFORM_UNKNOWN) {
      children[i] = found.children[i];
    }
  }
  return FIRN_OK;
}

static bool has_untyped(const firn_field *type) {
  for (uint32_t i = 0; i < type->n_children; i++) {
    if (type->children[i].kind == FIRN_KIND_UNKNOWN) {
      return true;
    }
  }
  return false;
}

/* The schema in the manifest's head, if it is one: several writers put something else there. */
static firn_status fill_from_head(firn_manifest_reader *r, firn_field *type, firn_error *err) {
  const firn_json_value *json = NULL;
  firn_schema schema;
  firn_status status = read_json(r, "schema", &json, NULL);
  if (status == FIRN_OK && json != NULL) {
    status = firn_schema_read(json, &r->arena, &schema, NULL);
  }
  if (status == FIRN_NOMEM) {
    return no_memory(err);
  }
  return status == FIRN_OK && json != NULL ? fill_types(r, &schema, type, err) : FIRN_OK;
}

static void fill_from_file(const firn_avro_schema *tuple, firn_field *type) {
  firn_field *children = (firn_field *)(uintptr_t)type->children;
  for (uint32_t i = 0; tuple != NULL && i < type->n_children; i++) {
    const firn_avro_field *field = firn_record_find(tuple, children[i].id, children[i].name);
    if (children[i].kind == FIRN_KIND_UNKNOWN && field != NULL) {
      firn_tuple_type_of_file(field->schema, &children[i]);
    }
  }
}

static firn_status find_type(firn_manifest_reader *r, const firn_metadata *metadata, firn_error *err) {
  firn_field *children = firn_new_n(&r->arena, firn_field, r->spec.n_fields);
  if (children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < r->spec.n_fields; i++) {
    children[i] = (firn_field){.id = r->spec.fields[i].field_id, .name = r->spec.fields[i].name};
  }
  r->partition_type = (firn_field){.id = FIRN_NO_ID,
                                   .name = "partition",
                                   .required = true,
                                   .kind = FIRN_KIND_STRUCT,
                                   .n_children = (uint32_t)r->spec.n_fields,
                                   .children = children};
  firn_field *type = &r->partition_type;
  if (metadata != NULL) {
    const firn_metadata_fields *all = firn_metadata_get(metadata);
    FIRN_TRY(fill_types(r, firn_metadata_current_schema(metadata), type, err));
    for (size_t i = all->n_schemas; i-- > 0 && has_untyped(type);) {
      FIRN_TRY(fill_types(r, &all->schemas[i], type, err));
    }
  }
  if (has_untyped(type)) {
    FIRN_TRY(fill_from_head(r, type, err));
  }
  fill_from_file(tuple_in(firn_avro_reader_schema(r->avro)), type);
  return FIRN_OK;
}

static bool has(uint64_t present, int bit) {
  return (present >> bit & 1) != 0;
}

/* While the entry is being decoded: what the caller may look at to say whether he wants the rest. */
static bool judge(void *arg, const void *base, uint64_t present) {
  firn_manifest_reader *r = arg;
  const raw_entry *raw = base;
  bool is_sound = raw->status >= FIRN_ENTRY_EXISTING && raw->status <= FIRN_ENTRY_DELETED &&
                  raw->content == FIRN_CONTENT_DATA && raw->file.record_count >= 0 &&
                  raw->file.size_bytes >= 0 && (raw->file.partition != NULL || r->spec.n_fields == 0);
  if (!is_sound) {
    return true; /* decoded to its end, and complained of */
  }
  r->entry = (firn_manifest_entry){
      .status = (firn_entry_status)raw->status,
      .snapshot_id = has(present, SNAPSHOT_ID) ? raw->snapshot_id : r->manifest.added_snapshot_id,
      .sequence_number = -1,
      .file_sequence_number = -1,
      .file = {.path = raw->file.path,
               .spec_id = r->manifest.spec_id,
               .partition = raw->file.partition,
               .record_count = raw->file.record_count,
               .size_bytes = raw->file.size_bytes}};
  return r->wishes.wants(r->wishes.arg, &r->entry);
}

static firn_status make_program(firn_manifest_reader *r, firn_error *err) {
  const firn_manifest_wishes *w = &r->wishes;
  const firn_record_wishes wishes = {.tuple = &r->partition_type,
                                     .only_keys = w->only_columns,
                                     .n_keys = w->n_columns,
                                     .keys = w->columns,
                                     .unwanted = w->only_columns ? UINT64_C(1) << COLUMN_SIZES : 0,
                                     .judge = w->wants == NULL ? NULL : judge,
                                     .judge_arg = r};
  return firn_record_program_make(firn_avro_reader_schema(r->avro), entry_slots, FIRN_COUNT_OF(entry_slots),
                                  &wishes, &r->arena, &r->program, err);
}

static firn_status open_reader(firn_manifest_reader *r, firn_avro_source source, firn_ctx *ctx,
                               const firn_metadata *metadata, firn_error *err) {
  if (r->manifest.key_metadata.data != NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "it is encrypted");
  }
  FIRN_TRY(firn_avro_reader_open(source, ctx, 0, &r->avro, err));
  if (firn_avro_reader_schema(r->avro)->type != FIRN_AVRO_RECORD) {
    return firn_error_set(err, FIRN_CORRUPT, "it holds no records");
  }
  FIRN_TRY(read_version(r, err));
  FIRN_TRY(check_content(r, err));
  FIRN_TRY(find_spec(r, metadata, err));
  FIRN_TRY(find_type(r, metadata, err));
  return make_program(r, err);
}

firn_status firn_manifest_open_for(firn_avro_source source, firn_ctx *ctx, const firn_manifest_file *manifest,
                                   const firn_metadata *metadata, const firn_manifest_wishes *wishes,
                                   firn_manifest_reader **out, firn_error *err) {
  FIRN_AUTO_MANIFEST_READER *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return no_memory(err);
  }
  r->manifest = *manifest;
  r->manifest.partitions = NULL; /* borrowed, and not needed */
  r->wishes = *wishes;
  r->entry_arena.max_bytes = MAX_ENTRY_BYTES;
  r->manifest.path = firn_arena_text(&r->arena, firn_bytes_of(manifest->path == NULL ? "" : manifest->path));
  if (r->manifest.path == NULL) {
    return no_memory(err);
  }
  firn_status status = open_reader(r, source, ctx, metadata, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "manifest %s", r->manifest.path);
  }
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

firn_status firn_manifest_open(firn_avro_source source, firn_ctx *ctx, const firn_manifest_file *manifest,
                               const firn_metadata *metadata, firn_manifest_reader **out, firn_error *err) {
  const firn_manifest_wishes everything = {0};
  return firn_manifest_open_for(source, ctx, manifest, metadata, &everything, out, err);
}

const firn_partition_spec *firn_manifest_spec(const firn_manifest_reader *r) {
  return &r->spec;
}

const firn_field *firn_manifest_partition_type(const firn_manifest_reader *r) {
  return &r->partition_type;
}

/* Spec: Sequence Number Inheritance; Manifest Entry Fields. */
static firn_status inherit(const firn_manifest_reader *r, const raw_entry *raw, uint64_t present,
                           firn_manifest_entry *out, firn_error *err) {
  const firn_manifest_file *m = &r->manifest;
  out->status = (firn_entry_status)raw->status;
  out->snapshot_id = has(present, SNAPSHOT_ID) ? raw->snapshot_id : m->added_snapshot_id;
  out->keeps_sequence_number = false;
  if (!r->has_sequence_numbers) { /* version 1 */
    out->sequence_number = out->file_sequence_number = 0;
    return FIRN_OK;
  }
  bool inherits = out->status == FIRN_ENTRY_ADDED || m->sequence_number == 0;
  int64_t inherited = inherits ? m->sequence_number : -1;
  out->sequence_number = has(present, SEQUENCE_NUMBER) ? raw->sequence_number : inherited;
  out->file_sequence_number = has(present, FILE_SEQUENCE_NUMBER) ? raw->file_sequence_number : inherited;
  out->keeps_sequence_number = out->status == FIRN_ENTRY_ADDED && has(present, SEQUENCE_NUMBER);
  if (out->sequence_number < 0 && out->status == FIRN_ENTRY_EXISTING) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "data file %s is EXISTING and has no sequence number, which only ADDED may inherit",
                          raw->file.path);
  }
  return FIRN_OK;
}

static firn_status check_deletes(const firn_manifest_reader *r, const raw_entry *raw, uint64_t present,
                                 firn_error *err) {
  bool is_deletes = raw->content != FIRN_CONTENT_DATA;
  if (has(present, CONTENT_OFFSET) || strcmp(raw->file.format, "PUFFIN") == 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s holds a deletion vector, which version 3 has",
                          raw->file.path);
  }
  if (is_deletes != r->manifest.is_deletes) {
    return firn_error_set(err, FIRN_CORRUPT, "%s is a %s file in a manifest of %s", raw->file.path,
                          is_deletes ? "delete" : "data", r->manifest.is_deletes ? "deletes" : "data files");
  }
  if (raw->content == FIRN_CONTENT_EQUALITY_DELETES && raw->equality_ids.n == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "equality delete file %s has no equality ids", raw->file.path);
  }
  return FIRN_OK;
}

static firn_status check_entry(const firn_manifest_reader *r, const raw_entry *raw, uint64_t present,
                               firn_error *err) {
  if (raw->status < FIRN_ENTRY_EXISTING || raw->status > FIRN_ENTRY_DELETED) {
    return firn_error_set(err, FIRN_CORRUPT, "%s has status %d", raw->file.path, (int)raw->status);
  }
  if (raw->content < FIRN_CONTENT_DATA || raw->content > FIRN_CONTENT_EQUALITY_DELETES) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s has content %d", raw->file.path, (int)raw->content);
  }
  if (raw->file.record_count < 0 || raw->file.size_bytes < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "%s has %lld rows in %lld bytes", raw->file.path,
                          (long long)raw->file.record_count, (long long)raw->file.size_bytes);
  }
  if (raw->file.partition == NULL && r->spec.n_fields > 0) {
    return firn_error_set(err, FIRN_CORRUPT, "%s has no partition tuple", raw->file.path);
  }
  return check_deletes(r, raw, present, err);
}

/* Spec: Data File Fields: split offsets ascend; writers are known whose last lies beyond the file. */
static bool are_split_offsets(const firn_long_list *offsets, int64_t size_bytes) {
  for (size_t i = 0; i < offsets->n; i++) {
    if (offsets->items[i] < 0 || offsets->items[i] >= size_bytes ||
        (i > 0 && offsets->items[i] <= offsets->items[i - 1])) {
      return false;
    }
  }
  return true;
}

static void upper_case(const char *text) {
  for (char *at = (char *)(uintptr_t)text; *at != '\0'; at++) { /* a copy of ours */
    *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
  }
}

static firn_status make_entry(firn_manifest_reader *r, raw_entry *raw, uint64_t present, firn_error *err) {
  upper_case(raw->file.format);
  FIRN_TRY(check_entry(r, raw, present, err));
  FIRN_TRY(inherit(r, raw, present, &r->entry, err));
  firn_data_file *file = &r->entry.file;
  *file = raw->file;
  file->content = (firn_content)raw->content;
  file->spec_id = r->manifest.spec_id;
  if (are_split_offsets(&raw->split_offsets, file->size_bytes)) {
    file->n_split_offsets = raw->split_offsets.n;
    file->split_offsets = raw->split_offsets.items;
  }
  if (file->content == FIRN_CONTENT_EQUALITY_DELETES) {
    file->n_equality_ids = raw->equality_ids.n;
    file->equality_ids = raw->equality_ids.items;
  }
  file->has_sort_order_id = has(present, SORT_ORDER_ID) && file->content != FIRN_CONTENT_POSITION_DELETES;
  file->sort_order_id = file->has_sort_order_id ? raw->sort_order_id : 0;
  return FIRN_OK;
}

/* The next entry, `*is_wanted` or not. */
static firn_status next(firn_manifest_reader *r, firn_ctx *ctx, const firn_manifest_entry **out,
                        bool *is_wanted, firn_error *err) {
  firn_cursor *c = NULL;
  *is_wanted = true;
  FIRN_TRY(firn_avro_reader_record(r->avro, ctx, &c, err));
  if (c == NULL) {
    *out = NULL;
    return FIRN_OK;
  }
  raw_entry raw = {0};
  uint64_t present = 0;
  firn_arena_reset(&r->entry_arena);
  FIRN_TRY(firn_record_program_run(r->program, c, &r->entry_arena, &raw, &present, err));
  *is_wanted = (present & FIRN_RECORD_PASSED) == 0;
  if (!*is_wanted) {
    return FIRN_OK;
  }
  FIRN_TRY(make_entry(r, &raw, present, err));
  if ((present & FIRN_RECORD_JUDGED) == 0 && r->wishes.wants != NULL &&
      r->entry.file.content == FIRN_CONTENT_DATA) {
    *is_wanted = r->wishes.wants(r->wishes.arg, &r->entry);
  }
  *out = &r->entry;
  return FIRN_OK;
}

firn_status firn_manifest_next(firn_manifest_reader *r, firn_ctx *ctx, const firn_manifest_entry **out,
                               firn_error *err) {
  firn_status status = FIRN_OK;
  for (bool is_wanted = false; status == FIRN_OK && !is_wanted;) {
    status = next(r, ctx, out, &is_wanted, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest %s", r->manifest.path);
}

void firn_manifest_close(firn_manifest_reader *r) {
  if (r == NULL) {
    return;
  }
  firn_avro_reader_close(r->avro);
  firn_arena_free(&r->entry_arena);
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_manifest_close_pointer(firn_manifest_reader **r) {
  firn_manifest_close(*r);
}

bool firn_id_counts_get(const firn_id_counts *counts, int32_t id, int64_t *n) {
  for (size_t i = 0; i < counts->n; i++) {
    if (counts->items[i].id == id) {
      *n = counts->items[i].n;
      return true;
    }
  }
  return false;
}

bool firn_id_bounds_get(const firn_id_bounds *bounds, int32_t id, firn_bytes *value) {
  for (size_t i = 0; i < bounds->n; i++) {
    if (bounds->items[i].id == id) {
      *value = bounds->items[i].value;
      return true;
    }
  }
  return false;
}
