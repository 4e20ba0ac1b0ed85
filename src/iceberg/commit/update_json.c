/* The JSON of updates. Follows open-api/rest-catalog-open-api.yaml, TableUpdate. */
#include <strings.h>

#include "iceberg/commit/update.h"

/* What an update carries beside its name; most carry one value under one key. */
typedef enum payload {
  TEXT,
  ID32,
  SCHEMA,
  SPEC,
  SORT_ORDER,
  SNAPSHOT,
  REF,
  STRING_MAP,
  STRINGS,
  IDS,    /* an array */
  ONE_ID, /* a number, kept as an array of one */
  STATISTICS,
  WHOLE_JSON,
} payload;

/* By kind: the name on the wire, what it carries, under which key. `old_key` is what early clients wrote. */
static const struct {
  const char *action;
  payload payload;
  const char *key;
  const char *old_key;
} kinds[] = {
    [FIRN_UPDATE_ASSIGN_UUID] = {"assign-uuid", TEXT, "uuid", NULL},
    [FIRN_UPDATE_UPGRADE_FORMAT_VERSION] = {"upgrade-format-version", ID32, "format-version", NULL},
    [FIRN_UPDATE_ADD_SCHEMA] = {"add-schema", SCHEMA, "schema", NULL},
    [FIRN_UPDATE_SET_CURRENT_SCHEMA] = {"set-current-schema", ID32, "schema-id", NULL},
    [FIRN_UPDATE_ADD_SPEC] = {"add-spec", SPEC, "spec", NULL},
    [FIRN_UPDATE_SET_DEFAULT_SPEC] = {"set-default-spec", ID32, "spec-id", NULL},
    [FIRN_UPDATE_ADD_SORT_ORDER] = {"add-sort-order", SORT_ORDER, "sort-order", NULL},
    [FIRN_UPDATE_SET_DEFAULT_SORT_ORDER] = {"set-default-sort-order", ID32, "sort-order-id", NULL},
    [FIRN_UPDATE_ADD_SNAPSHOT] = {"add-snapshot", SNAPSHOT, "snapshot", NULL},
    [FIRN_UPDATE_SET_SNAPSHOT_REF] = {"set-snapshot-ref", REF, NULL, NULL},
    [FIRN_UPDATE_REMOVE_SNAPSHOTS] = {"remove-snapshots", IDS, "snapshot-ids", NULL},
    [FIRN_UPDATE_REMOVE_SNAPSHOT_REF] = {"remove-snapshot-ref", TEXT, "ref-name", NULL},
    [FIRN_UPDATE_SET_LOCATION] = {"set-location", TEXT, "location", NULL},
    [FIRN_UPDATE_SET_PROPERTIES] = {"set-properties", STRING_MAP, "updates", "updated"},
    [FIRN_UPDATE_REMOVE_PROPERTIES] = {"remove-properties", STRINGS, "removals", "removed"},
    [FIRN_UPDATE_SET_STATISTICS] = {"set-statistics", STATISTICS, "statistics", NULL},
    [FIRN_UPDATE_REMOVE_STATISTICS] = {"remove-statistics", ONE_ID, "snapshot-id", NULL},
    [FIRN_UPDATE_SET_PARTITION_STATISTICS] = {"set-partition-statistics", STATISTICS, "partition-statistics",
                                              NULL},
    [FIRN_UPDATE_REMOVE_PARTITION_STATISTICS] = {"remove-partition-statistics", ONE_ID, "snapshot-id", NULL},
    [FIRN_UPDATE_REMOVE_PARTITION_SPECS] = {"remove-partition-specs", IDS, "spec-ids", NULL},
    [FIRN_UPDATE_REMOVE_SCHEMAS] = {"remove-schemas", IDS, "schema-ids", NULL},
    [FIRN_UPDATE_ADD_ENCRYPTION_KEY] = {"add-encryption-key", WHOLE_JSON, "encryption-key", NULL},
    [FIRN_UPDATE_REMOVE_ENCRYPTION_KEY] = {"remove-encryption-key", TEXT, "key-id", NULL},
};

/* --- reading --- */

static firn_status read_schema(const firn_json_value *json, const char *key, firn_arena *arena,
                               firn_schema *out, firn_error *err) {
  const firn_json_value *schema;
  FIRN_TRY(firn_json_need_object(json, key, &schema, err));
  return firn_schema_read(schema, arena, out, err);
}

/* A client may leave field ids to the catalog. The reader of specs numbers such fields as version 1 does,
 * which is wrong here: mark them, so that applying the update gives them ids. */
static firn_status read_spec(const firn_json_value *json, const char *key, firn_arena *arena,
                             firn_partition_spec *out, firn_error *err) {
  const firn_json_value *spec, *fields;
  FIRN_TRY(firn_json_need_object(json, key, &spec, err));
  FIRN_TRY(firn_json_need_array(spec, "fields", &fields, err));
  FIRN_TRY(firn_partition_fields_read(fields, arena, out, err));
  FIRN_TRY(firn_json_may_int32(spec, "spec-id", &out->spec_id, err)); /* the table gives it one of its own */
  firn_partition_field *own = firn_new_n(arena, firn_partition_field, out->n_fields);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition fields", out->n_fields);
  }
  for (size_t i = 0; i < out->n_fields; i++) {
    own[i] = out->fields[i];
    if (firn_json_get_some(&fields->items[i], "field-id") == NULL) {
      own[i].field_id = FIRN_NO_ID;
    }
  }
  out->fields = own;
  return FIRN_OK;
}

static firn_status read_sort_order(const firn_json_value *json, const char *key, firn_arena *arena,
                                   firn_sort_order *out, firn_error *err) {
  const firn_json_value *order;
  FIRN_TRY(firn_json_need_object(json, key, &order, err));
  return firn_sort_order_read(order, arena, out, err);
}

static firn_status read_snapshot(const firn_json_value *json, const char *key, firn_arena *arena,
                                 firn_snapshot *out, firn_error *err) {
  const firn_json_value *snapshot;
  FIRN_TRY(firn_json_need_object(json, key, &snapshot, err));
  return firn_snapshot_read(snapshot, arena, out, err);
}

/* A retention number that is there must be positive: 0 means "not set" in a firn_ref. */
static firn_status read_positive(const firn_json_value *json, const char *key, int64_t *out,
                                 firn_error *err) {
  *out = 0;
  FIRN_TRY(firn_json_may_int64(json, key, out, err));
  if (firn_json_get_some(json, key) != NULL && *out <= 0) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" must be greater than 0", key);
  }
  return FIRN_OK;
}

static firn_status read_ref(const firn_json_value *json, firn_arena *arena, firn_ref *out, firn_error *err) {
  const char *type;
  FIRN_TRY(firn_json_need_text(json, "ref-name", arena, &out->name, err));
  FIRN_TRY(firn_json_need_int64(json, "snapshot-id", &out->snapshot_id, err));
  FIRN_TRY(firn_json_need_text(json, "type", arena, &type, err));
  out->is_branch = strcasecmp(type, "branch") == 0;
  if (!out->is_branch && strcasecmp(type, "tag") != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "a ref is a branch or a tag, not \"%.40s\"", type);
  }
  FIRN_TRY(read_positive(json, "min-snapshots-to-keep", &out->min_snapshots_to_keep, err));
  FIRN_TRY(read_positive(json, "max-snapshot-age-ms", &out->max_snapshot_age_ms, err));
  return read_positive(json, "max-ref-age-ms", &out->max_ref_age_ms, err);
}

static firn_status read_strings(const firn_json_value *json, const char *key, firn_arena *arena,
                                firn_update *out, firn_error *err) {
  const firn_json_value *array;
  FIRN_TRY(firn_json_need_array(json, key, &array, err));
  const char **items = firn_new_n(arena, const char *, array->n_items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu texts", array->n_items);
  }
  for (size_t i = 0; i < array->n_items; i++) {
    if (array->items[i].kind != FIRN_JSON_STRING) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds something that is no text", key);
    }
    items[i] = firn_arena_text(arena, array->items[i].text);
    if (items[i] == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu texts", array->n_items);
    }
  }
  out->keys.n = array->n_items;
  out->keys.items = items;
  return FIRN_OK;
}

static firn_status read_ids(const firn_json_value *json, const char *key, firn_arena *arena, firn_update *out,
                            firn_error *err) {
  const firn_json_value *array;
  FIRN_TRY(firn_json_need_array(json, key, &array, err));
  int64_t *items = firn_new_n(arena, int64_t, array->n_items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu ids", array->n_items);
  }
  firn_json again; /* over the array's own text: the tree has no numbers, only their spans */
  firn_json_token token;
  firn_json_init(&again, array->span);
  FIRN_TRY(firn_json_next(&again, &token, err));
  for (size_t i = 0; i < array->n_items; i++) {
    if (array->items[i].kind != FIRN_JSON_NUMBER) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds something that is no id", key);
    }
    FIRN_TRY(firn_json_next(&again, &token, err));
    if (firn_json_int64(&token, &items[i], NULL) != FIRN_OK) {
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" holds a number that is no id", key);
    }
  }
  out->ids.n = array->n_items;
  out->ids.items = items;
  return FIRN_OK;
}

static firn_status read_one_id(const firn_json_value *json, const char *key, firn_arena *arena,
                               firn_update *out, firn_error *err) {
  int64_t *id = firn_new(arena, int64_t);
  if (id == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an id");
  }
  FIRN_TRY(firn_json_need_int64(json, key, id, err));
  out->ids.n = 1;
  out->ids.items = id;
  return FIRN_OK;
}

static firn_status copy_span(const firn_json_value *json, const char *key, firn_arena *arena, firn_bytes *out,
                             firn_error *err) {
  const firn_json_value *object;
  FIRN_TRY(firn_json_need_object(json, key, &object, err));
  *out = firn_arena_copy(arena, object->span);
  return out->data != NULL ? FIRN_OK
                           : firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes", object->span.len);
}

static firn_status read_statistics(const firn_json_value *json, const char *key, firn_arena *arena,
                                   firn_statistics_file *out, firn_error *err) {
  const firn_json_value *object;
  const char *path;
  FIRN_TRY(firn_json_need_object(json, key, &object, err));
  FIRN_TRY(firn_json_need_int64(object, "snapshot-id", &out->snapshot_id, err));
  FIRN_TRY(firn_json_need_text(object, "statistics-path", arena, &path, err));
  return copy_span(json, key, arena, &out->json, err);
}

static firn_status read_string_map(const firn_json_value *json, const char *key, firn_arena *arena,
                                   firn_properties *out, firn_error *err) {
  const firn_json_value *object;
  FIRN_TRY(firn_json_need_object(json, key, &object, err));
  return firn_properties_read(object, arena, out, err);
}

static firn_status read_payload(const firn_json_value *json, firn_arena *arena, firn_update *out,
                                firn_error *err) {
  const char *key = kinds[out->kind].key;
  const char *old_key = kinds[out->kind].old_key;
  if (old_key != NULL && firn_json_get(json, key) == NULL && firn_json_get(json, old_key) != NULL) {
    key = old_key;
  }
  switch (kinds[out->kind].payload) {
    case TEXT:
      return firn_json_need_text(json, key, arena, &out->text, err);
    case ID32:
      return firn_json_need_int32(json, key, &out->id, err);
    case SCHEMA:
      return read_schema(json, key, arena, &out->schema, err);
    case SPEC:
      return read_spec(json, key, arena, &out->spec, err);
    case SORT_ORDER:
      return read_sort_order(json, key, arena, &out->sort_order, err);
    case SNAPSHOT:
      return read_snapshot(json, key, arena, &out->snapshot, err);
    case REF:
      return read_ref(json, arena, &out->ref, err);
    case STRING_MAP:
      return read_string_map(json, key, arena, &out->properties, err);
    case STRINGS:
      return read_strings(json, key, arena, out, err);
    case IDS:
      return read_ids(json, key, arena, out, err);
    case ONE_ID:
      return read_one_id(json, key, arena, out, err);
    case STATISTICS:
      return read_statistics(json, key, arena, &out->statistics, err);
    case WHOLE_JSON:
      return copy_span(json, key, arena, &out->json, err);
  }
  return FIRN_OK;
}

firn_status firn_update_read(const firn_json_value *json, firn_arena *arena, firn_update *out,
                             firn_error *err) {
  const char *action;
  FIRN_TRY(firn_json_need_text(json, "action", arena, &action, err));
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    if (strcasecmp(action, kinds[i].action) != 0) {
      continue;
    }
    firn_update read = {.kind = (firn_update_kind)i};
    firn_status status = read_payload(json, arena, &read, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "update %s", kinds[i].action);
    }
    *out = read;
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_UNSUPPORTED, "unknown update \"%.80s\"", action);
}

const char *firn_update_name(firn_update_kind kind) {
  return (size_t)kind < FIRN_COUNT_OF(kinds) ? kinds[kind].action : "?";
}

/* --- writing --- */

static void write_spec(const firn_partition_spec *spec, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_int64(w, "spec-id", spec->spec_id);
  firn_json_key(w, "fields");
  firn_json_begin_array(w);
  for (size_t i = 0; i < spec->n_fields; i++) {
    const firn_partition_field *f = &spec->fields[i];
    char transform[64];
    firn_transform_text(&f->transform, transform);
    firn_json_begin_object(w);
    firn_json_add_text(w, "name", f->name);
    firn_json_add_text(w, "transform", transform);
    firn_json_add_int64(w, "source-id", f->source_id);
    if (f->field_id != FIRN_NO_ID) {
      firn_json_add_int64(w, "field-id", f->field_id);
    }
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
}

static void write_positive(firn_json_writer *w, const char *key, int64_t v) {
  if (v > 0) {
    firn_json_add_int64(w, key, v);
  }
}

static void write_ref(const firn_ref *ref, firn_json_writer *w) {
  firn_json_add_text(w, "ref-name", ref->name);
  firn_json_add_int64(w, "snapshot-id", ref->snapshot_id);
  firn_json_add_text(w, "type", ref->is_branch ? "branch" : "tag");
  write_positive(w, "min-snapshots-to-keep", ref->min_snapshots_to_keep);
  write_positive(w, "max-snapshot-age-ms", ref->max_snapshot_age_ms);
  write_positive(w, "max-ref-age-ms", ref->max_ref_age_ms);
}

static void write_array(const firn_update *u, firn_json_writer *w) {
  bool texts = kinds[u->kind].payload == STRINGS;
  firn_json_begin_array(w);
  for (size_t i = 0; i < (texts ? u->keys.n : u->ids.n); i++) {
    if (texts) {
      firn_json_write_text(w, u->keys.items[i]);
    } else {
      firn_json_write_int64(w, u->ids.items[i]);
    }
  }
  firn_json_end_array(w);
}

/* Fields that the specification calls deprecated and the reference still reads. */
static void write_old_fields(const firn_update *u, firn_json_writer *w) {
  if (u->kind == FIRN_UPDATE_ADD_SCHEMA) {
    firn_json_add_int64(w, "last-column-id", firn_schema_last_id(&u->schema));
  } else if (u->kind == FIRN_UPDATE_SET_STATISTICS) {
    firn_json_add_int64(w, "snapshot-id", u->statistics.snapshot_id);
  }
}

static void write_value(const firn_update *u, firn_json_writer *w) {
  switch (kinds[u->kind].payload) {
    case TEXT:
      firn_json_write_text(w, u->text);
      break;
    case ID32:
      firn_json_write_int64(w, u->id);
      break;
    case SCHEMA:
      firn_schema_write(&u->schema, w);
      break;
    case SPEC:
      write_spec(&u->spec, w);
      break;
    case SORT_ORDER:
      firn_sort_order_write(&u->sort_order, w);
      break;
    case SNAPSHOT:
      /* The wire has one form for all versions; readers of version 1 pass over the number. */
      firn_snapshot_write(&u->snapshot, 2, w);
      break;
    case STRING_MAP:
      firn_properties_write(&u->properties, w);
      break;
    case STRINGS:
    case IDS:
      write_array(u, w);
      break;
    case ONE_ID:
      firn_json_write_int64(w, u->ids.items[0]);
      break;
    case STATISTICS:
      firn_json_write_raw(w, u->statistics.json);
      break;
    case WHOLE_JSON:
      firn_json_write_raw(w, u->json);
      break;
    case REF:
      break; /* several keys: written by firn_update_write */
  }
}

void firn_update_write(const firn_update *u, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "action", kinds[u->kind].action);
  if (kinds[u->kind].payload == REF) {
    write_ref(&u->ref, w);
  } else {
    firn_json_key(w, kinds[u->kind].key);
    write_value(u, w);
    write_old_fields(u, w);
  }
  firn_json_end_object(w);
}
