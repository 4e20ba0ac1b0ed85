/* From JSON to table metadata. Spec: Table Metadata Fields; Appendix C; Appendix E, reading version 1. What
 * version 1 leaves out gets the values that the specification and the reference give it. */
#include <inttypes.h>

#include "base/uuid.h"
#include "formats/codec/codec.h"
#include "iceberg/meta/metadata_internal.h"

enum { MAX_UNPACKED_BYTES = 1 << 30, MAX_MEMBERS = 1000 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for table metadata");
}

static firn_status read_uuid(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                             firn_error *err) {
  const char *given = NULL;
  FIRN_TRY(firn_json_may_text(json, "table-uuid", arena, &given, err));
  if (given == NULL) {
    return FIRN_OK;
  }
  firn_uuid uuid;
  char *text = (char *)firn_arena_alloc_bytes(arena, FIRN_UUID_TEXT);
  if (text == NULL) {
    return no_memory(err);
  }
  if (firn_uuid_parse(firn_bytes_of(given), &uuid, NULL) != FIRN_OK) {
    return firn_error_set(err, FIRN_CORRUPT, "\"table-uuid\" is no UUID");
  }
  firn_uuid_text(uuid, text);
  f->table_uuid = text;
  return FIRN_OK;
}

/* Without slashes at the end, unless they are the whole path: paths are joined with one. */
static firn_status read_location(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                 firn_error *err) {
  const char *given;
  FIRN_TRY(firn_json_need_text(json, "location", arena, &given, err));
  size_t len = strlen(given);
  while (len > 1 && given[len - 1] == '/' && !(len > 2 && memcmp(given + len - 3, "://", 3) == 0)) {
    len--;
  }
  f->location = firn_arena_text(arena, (firn_bytes){(const uint8_t *)given, len});
  return f->location == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_scalars(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                firn_error *err) {
  FIRN_TRY(read_uuid(json, arena, f, err));
  FIRN_TRY(read_location(json, arena, f, err));
  if (f->format_version > 1) {
    FIRN_TRY(firn_json_need_int64(json, "last-sequence-number", &f->last_sequence_number, err));
  }
  FIRN_TRY(firn_json_need_int64(json, "last-updated-ms", &f->last_updated_ms, err));
  return firn_json_need_int32(json, "last-column-id", &f->last_column_id, err);
}

/* The current schema of an old file that does not say which it is: what "schema" repeats. It joins the list
 * when it is not in it. `schemas` has room for one more. */
static firn_status choose_schema(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                 firn_schema *schemas, firn_error *err) {
  const firn_json_value *old;
  FIRN_TRY(firn_json_need_object(json, "schema", &old, err));
  firn_schema schema;
  FIRN_TRY(firn_schema_read(old, arena, &schema, err));
  for (size_t i = 0; i < f->n_schemas; i++) {
    if (firn_schema_equal(&schemas[i], &schema)) {
      f->current_schema_id = schemas[i].schema_id;
      return FIRN_OK;
    }
  }
  for (size_t i = 0; i < f->n_schemas; i++) {
    if (schemas[i].schema_id == schema.schema_id) {
      return firn_error_set(err, FIRN_CORRUPT, "\"schema\" is not the schema %d of \"schemas\"",
                            schema.schema_id);
    }
  }
  schemas[f->n_schemas++] = schema;
  f->current_schema_id = schema.schema_id;
  return FIRN_OK;
}

static firn_status read_schemas(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                firn_error *err) {
  const firn_json_value *list = NULL;
  bool old = f->format_version == 1;
  FIRN_TRY(old ? firn_json_may_array(json, "schemas", &list, err)
               : firn_json_need_array(json, "schemas", &list, err));
  f->n_schemas = list == NULL ? 0 : list->n_items;
  firn_schema *schemas = firn_new_n(arena, firn_schema, f->n_schemas + 1);
  if (schemas == NULL) {
    return no_memory(err);
  }
  f->schemas = schemas;
  for (size_t i = 0; i < f->n_schemas; i++) {
    FIRN_TRY(firn_schema_read(&list->items[i], arena, &schemas[i], err));
  }
  bool chosen = list != NULL && firn_json_get_some(json, "current-schema-id") != NULL;
  FIRN_TRY(chosen || !old ? firn_json_need_int32(json, "current-schema-id", &f->current_schema_id, err)
                          : choose_schema(json, arena, f, schemas, err));
  for (size_t i = 0; i < f->n_schemas; i++) {
    int32_t last = firn_schema_last_id(&schemas[i]);
    f->last_column_id = last > f->last_column_id ? last : f->last_column_id; /* never give an id twice */
  }
  return FIRN_OK;
}

/* The default spec of an old file that does not say which it is: what "partition-spec" repeats, else the
 * newest. */
static firn_status choose_spec(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                               firn_partition_spec *specs, firn_error *err) {
  const firn_json_value *old = NULL;
  firn_partition_spec spec = {0};
  FIRN_TRY(firn_json_may_array(json, "partition-spec", &old, err));
  if (old != NULL) {
    FIRN_TRY(firn_partition_fields_read(old, arena, &spec, err));
  }
  if (f->n_specs == 0) {
    if (old == NULL) {
      return firn_error_set(err, FIRN_CORRUPT, "neither \"partition-specs\" nor \"partition-spec\" is there");
    }
    specs[f->n_specs++] = spec;
    f->default_spec_id = spec.spec_id;
    return FIRN_OK;
  }
  f->default_spec_id = specs[0].spec_id;
  for (size_t i = 0; i < f->n_specs; i++) {
    if (old != NULL && firn_partition_spec_equal(&specs[i], &spec)) {
      f->default_spec_id = specs[i].spec_id;
      return FIRN_OK;
    }
    f->default_spec_id = specs[i].spec_id > f->default_spec_id ? specs[i].spec_id : f->default_spec_id;
  }
  return FIRN_OK;
}

static firn_status read_specs(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                              firn_error *err) {
  const firn_json_value *list = NULL;
  bool old = f->format_version == 1;
  FIRN_TRY(old ? firn_json_may_array(json, "partition-specs", &list, err)
               : firn_json_need_array(json, "partition-specs", &list, err));
  f->n_specs = list == NULL ? 0 : list->n_items;
  firn_partition_spec *specs = firn_new_n(arena, firn_partition_spec, f->n_specs + 1);
  if (specs == NULL) {
    return no_memory(err);
  }
  f->specs = specs;
  for (size_t i = 0; i < f->n_specs; i++) {
    FIRN_TRY(firn_partition_spec_read(&list->items[i], arena, &specs[i], err));
  }
  bool chosen = list != NULL && firn_json_get_some(json, "default-spec-id") != NULL;
  FIRN_TRY(chosen || !old ? firn_json_need_int32(json, "default-spec-id", &f->default_spec_id, err)
                          : choose_spec(json, arena, f, specs, err));
  f->last_partition_id = FIRN_FIRST_PARTITION_ID - 1;
  FIRN_TRY(old ? firn_json_may_int32(json, "last-partition-id", &f->last_partition_id, err)
               : firn_json_need_int32(json, "last-partition-id", &f->last_partition_id, err));
  for (size_t i = 0; i < f->n_specs; i++) {
    int32_t last = firn_partition_spec_last_id(&specs[i]);
    f->last_partition_id = last > f->last_partition_id ? last : f->last_partition_id;
  }
  return FIRN_OK;
}

static firn_status read_sort_orders(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                    firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(f->format_version == 1 ? firn_json_may_array(json, "sort-orders", &list, err)
                                  : firn_json_need_array(json, "sort-orders", &list, err));
  size_t n = list == NULL ? 0 : list->n_items;
  firn_sort_order *orders = firn_new_n(arena, firn_sort_order, n + 1);
  if (orders == NULL) {
    return no_memory(err);
  }
  if (list != NULL) {
    FIRN_TRY(firn_json_need_int32(json, "default-sort-order-id", &f->default_sort_order_id, err));
  }
  bool found = f->default_sort_order_id != 0;
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_sort_order_read(&list->items[i], arena, &orders[i], err));
    found = found || orders[i].order_id == 0;
  }
  f->sort_orders = orders;
  f->n_sort_orders = n + !found; /* order 0, unsorted, exists even where nobody wrote it down */
  return FIRN_OK;
}

static firn_status read_current(const firn_json_value *json, firn_metadata_fields *f, firn_error *err) {
  firn_snapshot *snapshots = (firn_snapshot *)(uintptr_t)f->snapshots; /* read just now, frozen later */
  for (size_t i = 0; i < f->n_snapshots && f->format_version == 1; i++) {
    snapshots[i].sequence_number = 0; /* Spec: Appendix E: it has none, whatever a writer thought */
  }
  f->current_snapshot_id = -1;
  FIRN_TRY(firn_json_may_int64(json, "current-snapshot-id", &f->current_snapshot_id, err));
  f->has_current_snapshot = f->current_snapshot_id != -1; /* Spec: Appendix F: -1 is none */
  return FIRN_OK;
}

/* A number that must be positive where it is given. */
static firn_status read_retention(const firn_json_value *json, const char *key, int64_t *out,
                                  firn_error *err) {
  if (firn_json_get_some(json, key) == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_json_need_int64(json, key, out, err));
  return *out > 0 ? FIRN_OK : firn_error_set(err, FIRN_CORRUPT, "\"%s\" is not positive", key);
}

firn_status firn_ref_read(const char *name, const firn_json_value *json, firn_ref *out, firn_error *err) {
  firn_ref ref = {.name = name};
  const firn_json_value *type = firn_json_get(json, "type");
  FIRN_TRY(firn_json_need_int64(json, "snapshot-id", &ref.snapshot_id, err));
  bool text = type != NULL && type->kind == FIRN_JSON_STRING;
  ref.is_branch = text && firn_bytes_is(type->text, "branch");
  if (!ref.is_branch && !(text && firn_bytes_is(type->text, "tag"))) {
    return firn_error_set(err, FIRN_CORRUPT, "\"type\" is neither \"branch\" nor \"tag\"");
  }
  FIRN_TRY(read_retention(json, "min-snapshots-to-keep", &ref.min_snapshots_to_keep, err));
  FIRN_TRY(read_retention(json, "max-snapshot-age-ms", &ref.max_snapshot_age_ms, err));
  FIRN_TRY(read_retention(json, "max-ref-age-ms", &ref.max_ref_age_ms, err));
  *out = ref;
  return FIRN_OK;
}

/* Spec: there is always a branch main at the current snapshot, whatever "refs" says of it. */
static firn_status read_refs(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                             firn_error *err) {
  const firn_json_value *map = NULL;
  FIRN_TRY(firn_json_may_object(json, "refs", &map, err));
  size_t n = map == NULL ? 0 : map->n_items;
  firn_ref *refs = firn_new_n(arena, firn_ref, n + 1);
  if (refs == NULL) {
    return no_memory(err);
  }
  bool has_main = false;
  for (size_t i = 0; i < n; i++) {
    firn_bytes key = map->members[i].key;
    const char *name = firn_arena_text(arena, key);
    if (name == NULL) {
      return no_memory(err);
    }
    if (strlen(name) != key.len) {
      return firn_error_set(err, FIRN_CORRUPT, "the name of a ref holds a zero character");
    }
    firn_status status = firn_ref_read(name, map->members[i].value, &refs[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "ref %s", name);
    }
    has_main = has_main || strcmp(name, "main") == 0;
  }
  if (!has_main && f->has_current_snapshot) {
    refs[n++] = (firn_ref){.name = "main", .snapshot_id = f->current_snapshot_id, .is_branch = true};
  }
  f->n_refs = n;
  f->refs = refs;
  return FIRN_OK;
}

static firn_status read_snapshot_log(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                     firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_array(json, "snapshot-log", &list, err));
  size_t n = list == NULL ? 0 : list->n_items;
  firn_snapshot_log_entry *log = firn_new_n(arena, firn_snapshot_log_entry, n);
  if (log == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_json_need_int64(&list->items[i], "timestamp-ms", &log[i].timestamp_ms, err));
    FIRN_TRY(firn_json_need_int64(&list->items[i], "snapshot-id", &log[i].snapshot_id, err));
  }
  f->n_snapshot_log = n;
  f->snapshot_log = log;
  return FIRN_OK;
}

static firn_status read_metadata_log(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                                     firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_array(json, "metadata-log", &list, err));
  size_t n = list == NULL ? 0 : list->n_items;
  firn_metadata_log_entry *log = firn_new_n(arena, firn_metadata_log_entry, n);
  if (log == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_json_need_int64(&list->items[i], "timestamp-ms", &log[i].timestamp_ms, err));
    FIRN_TRY(firn_json_need_text(&list->items[i], "metadata-file", arena, &log[i].metadata_file, err));
  }
  f->n_metadata_log = n;
  f->metadata_log = log;
  return FIRN_OK;
}

static firn_status read_statistics(const firn_json_value *json, const char *key, firn_arena *arena,
                                   const firn_statistics_file **out, size_t *n_out, firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_array(json, key, &list, err));
  size_t n = list == NULL ? 0 : list->n_items;
  firn_statistics_file *files = firn_new_n(arena, firn_statistics_file, n);
  if (files == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    firn_status status = firn_json_need_int64(&list->items[i], "snapshot-id", &files[i].snapshot_id, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "\"%s\"", key);
    }
    files[i].json = firn_arena_copy(arena, list->items[i].span);
    if (files[i].json.data == NULL) {
      return no_memory(err);
    }
  }
  *out = files;
  *n_out = n;
  return FIRN_OK;
}

static firn_status read_fields(const firn_json_value *json, firn_arena *arena, firn_metadata_fields *f,
                               firn_error *err) {
  FIRN_TRY(firn_json_need_int32(json, "format-version", &f->format_version, err));
  if (f->format_version < 1) {
    return firn_error_set(err, FIRN_CORRUPT, "\"format-version\" is %d", f->format_version);
  }
  if (f->format_version > 2) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "table format version %d is not supported (1 and 2 are)",
                          f->format_version);
  }
  FIRN_TRY(read_scalars(json, arena, f, err));
  FIRN_TRY(read_schemas(json, arena, f, err));
  FIRN_TRY(read_specs(json, arena, f, err));
  FIRN_TRY(read_sort_orders(json, arena, f, err));
  const firn_json_value *properties = NULL;
  FIRN_TRY(firn_json_may_object(json, "properties", &properties, err));
  if (properties != NULL) {
    firn_status status = firn_properties_read(properties, arena, &f->properties, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "\"properties\"");
    }
  }
  FIRN_TRY(read_current(json, f, err));
  FIRN_TRY(read_refs(json, arena, f, err));
  FIRN_TRY(read_snapshot_log(json, arena, f, err));
  FIRN_TRY(read_metadata_log(json, arena, f, err));
  FIRN_TRY(read_statistics(json, "statistics", arena, &f->statistics, &f->n_statistics, err));
  return read_statistics(json, "partition-statistics", arena, &f->partition_statistics,
                         &f->n_partition_statistics, err);
}

/* The value of "snapshots", in `scratch` as it grows, then in `arena`. */
static firn_status read_snapshots(firn_json *j, firn_arena *scratch, firn_arena *arena,
                                  firn_metadata_fields *f, firn_error *err) {
  firn_snapshot *growing = NULL;
  size_t n = 0, capacity = 0;
  firn_json_token token;
  FIRN_TRY(firn_json_next(j, &token, err));
  if (token.kind == FIRN_JSON_NULL) {
    return FIRN_OK;
  }
  if (token.kind != FIRN_JSON_ARRAY) {
    return firn_error_set(err, FIRN_CORRUPT, "\"snapshots\" is not an array");
  }
  for (;;) {
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_ARRAY_END) {
      break;
    }
    growing = firn_arena_grow(scratch, growing, n, &capacity, sizeof *growing);
    if (growing == NULL) {
      return no_memory(err);
    }
    if (token.kind != FIRN_JSON_OBJECT) {
      return firn_error_set(err, FIRN_CORRUPT, "a snapshot is no object");
    }
    FIRN_TRY(firn_snapshot_next(j, n == 0 ? NULL : &growing[n - 1], arena, &growing[n], err));
    n++;
  }
  firn_snapshot *snapshots = firn_new_n(arena, firn_snapshot, n);
  if (snapshots == NULL) {
    return no_memory(err);
  }
  if (n > 0) {
    memcpy(snapshots, growing, n * sizeof *snapshots);
  }
  f->n_snapshots = n;
  f->snapshots = snapshots;
  return FIRN_OK;
}

typedef struct members {
  firn_json_member *items;
  size_t n, capacity;
} members;

/* Makes room for one more and looks whether the name is new. */
static firn_status add_member(members *m, firn_bytes key, firn_arena *scratch, firn_error *err) {
  if (m->n == MAX_MEMBERS) {
    return firn_error_set(err, FIRN_LIMIT, "table metadata has more than %d members", MAX_MEMBERS);
  }
  for (size_t i = 0; i < m->n; i++) {
    if (firn_bytes_equal(m->items[i].key, key)) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%.*s\" is given twice",
                            FIRN_FORMAT_BYTES(firn_bytes_part(key, 0, 100)));
    }
  }
  m->items = firn_arena_grow(scratch, m->items, m->n, &m->capacity, sizeof *m->items);
  if (m->items == NULL) {
    return no_memory(err);
  }
  static const firn_json_value null = {.kind = FIRN_JSON_NULL};
  m->items[m->n++] = (firn_json_member){key, &null};
  return FIRN_OK;
}

/* One object: its snapshots straight into `f`, since they are most of the text; all else as a tree. */
static firn_status read_members(firn_json *j, firn_arena *scratch, firn_arena *arena, members *m,
                                firn_metadata_fields *f, firn_error *err) {
  for (;;) {
    firn_json_token token;
    firn_bytes key, span;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_json_text(&token, scratch, &key, err));
    FIRN_TRY(add_member(m, key, scratch, err));
    if (firn_bytes_is(key, "snapshots")) {
      FIRN_TRY(read_snapshots(j, scratch, arena, f, err));
    } else {
      FIRN_TRY(firn_json_skip(j, &span, err));
      FIRN_TRY(firn_json_tree_read(span, scratch, &m->items[m->n - 1].value, err));
    }
  }
}

static firn_status read_text(firn_bytes text, firn_metadata **out, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* bounded by the text */
  FIRN_AUTO_METADATA *m = NULL;
  members found = {0};
  firn_json j;
  firn_json_token token;
  FIRN_TRY(firn_metadata_blank(&m, err));
  firn_json_init(&j, text);
  FIRN_TRY(firn_json_next(&j, &token, err));
  if (token.kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "table metadata is no JSON object");
  }
  FIRN_TRY(read_members(&j, &scratch, &m->arena, &found, &m->f, err));
  FIRN_TRY(firn_json_next(&j, &token, err)); /* the end, anything else is an error */
  firn_json_value json = {.kind = FIRN_JSON_OBJECT, .n_items = found.n, .members = found.items};
  FIRN_TRY(read_fields(&json, &m->arena, &m->f, err));
  FIRN_TRY(firn_metadata_freeze(m, FIRN_CORRUPT, err));
  *out = FIRN_HAND_OVER(m);
  return FIRN_OK;
}

/* Names of files do not tell reliably, so the first bytes do. zstd is beyond the specification, but written.
 */
static firn_codec codec_of(firn_bytes in) {
  if (firn_bytes_has_prefix(in, FIRN_LITERAL("\x1f\x8b"))) {
    return FIRN_CODEC_GZIP;
  }
  return firn_bytes_has_prefix(in, FIRN_LITERAL("\x28\xb5\x2f\xfd")) ? FIRN_CODEC_ZSTD : FIRN_CODEC_NONE;
}

firn_status firn_metadata_read(firn_bytes in, firn_metadata **out, firn_error *err) {
  firn_codec codec = codec_of(in);
  if (codec == FIRN_CODEC_NONE) {
    return read_text(in, out, err);
  }
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(MAX_UNPACKED_BYTES);
  FIRN_TRY(firn_decompressor_new(&d, err));
  firn_status status = firn_decompress_grow(d, codec, in, &text, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "unpacking table metadata");
  }
  return read_text(firn_builder_bytes(&text), out, err);
}
