/* From JSON to a schema, and the checks that every schema passes. Spec: Schemas and Data Types; Identifier
 * Field IDs; Appendix C, Schemas. */
#include <stdlib.h>

#include "iceberg/types/schema.h"
#include "iceberg/types/value.h"

static firn_status read_type(const firn_json_value *json, unsigned depth, firn_arena *arena, firn_field *out,
                             firn_error *err);

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
}

static firn_status read_id(const firn_json_value *json, const char *key, int32_t *out, firn_error *err) {
  FIRN_TRY(firn_json_need_int32(json, key, out, err));
  if (*out < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is %d: ids are not negative", key, *out);
  }
  return FIRN_OK;
}

/* Spec: Default values. They stay JSON; those of primitives are read once to see that they fit. */
static firn_status read_default(const firn_json_value *json, const char *key, const firn_field *field,
                                firn_arena *arena, firn_bytes *out, firn_error *err) {
  const firn_json_value *given = firn_json_get_some(json, key);
  if (given == NULL) {
    return FIRN_OK;
  }
  switch (field->kind) {
    case FIRN_KIND_UNKNOWN:
    case FIRN_KIND_VARIANT:
    case FIRN_KIND_GEOMETRY:
    case FIRN_KIND_GEOGRAPHY:
      return firn_error_set(err, FIRN_CORRUPT, "\"%s\" must be null for %s", key,
                            firn_kind_name(field->kind));
    case FIRN_KIND_STRUCT:
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
      break;
    default: {
      FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
      firn_value value;
      firn_status status = firn_value_read_json(given, field, &scratch, &value, err);
      if (status != FIRN_OK) {
        return firn_error_while(err, status, "\"%s\"", key);
      }
    }
  }
  *out = firn_arena_copy(arena, given->span);
  return out->data == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status read_field(const firn_json_value *json, unsigned depth, firn_arena *arena, firn_field *out,
                              firn_error *err) {
  FIRN_TRY(read_id(json, "id", &out->id, err));
  FIRN_TRY(firn_json_need_text(json, "name", arena, &out->name, err));
  FIRN_TRY(firn_json_need_bool(json, "required", &out->required, err));
  FIRN_TRY(firn_json_may_text(json, "doc", arena, &out->doc, err));
  const firn_json_value *type = firn_json_get(json, "type");
  firn_status status = read_type(type, depth, arena, out, err);
  if (status == FIRN_OK) {
    status = read_default(json, "initial-default", out, arena, &out->initial_default, err);
  }
  if (status == FIRN_OK) {
    status = read_default(json, "write-default", out, arena, &out->write_default, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "field %s", out->name);
}

static firn_status read_struct(const firn_json_value *json, unsigned depth, firn_arena *arena,
                               firn_field *out, firn_error *err) {
  const firn_json_value *fields;
  FIRN_TRY(firn_json_need_array(json, "fields", &fields, err));
  if (fields->n_items > INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "%zu fields are too many", fields->n_items);
  }
  firn_field *children = firn_new_n(arena, firn_field, fields->n_items);
  if (children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < fields->n_items; i++) {
    FIRN_TRY(read_field(&fields->items[i], depth + 1, arena, &children[i], err));
  }
  out->kind = FIRN_KIND_STRUCT;
  out->n_children = (uint32_t)fields->n_items;
  out->children = children;
  return FIRN_OK;
}

static firn_status read_list(const firn_json_value *json, unsigned depth, firn_arena *arena, firn_field *out,
                             firn_error *err) {
  firn_field *element = firn_new(arena, firn_field);
  if (element == NULL) {
    return no_memory(err);
  }
  element->name = "element";
  FIRN_TRY(read_id(json, "element-id", &element->id, err));
  FIRN_TRY(firn_json_need_bool(json, "element-required", &element->required, err));
  firn_status status = read_type(firn_json_get(json, "element"), depth + 1, arena, element, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "element");
  }
  out->kind = FIRN_KIND_LIST;
  out->n_children = 1;
  out->children = element;
  return FIRN_OK;
}

static firn_status read_map(const firn_json_value *json, unsigned depth, firn_arena *arena, firn_field *out,
                            firn_error *err) {
  firn_field *children = firn_new_n(arena, firn_field, 2);
  if (children == NULL) {
    return no_memory(err);
  }
  firn_field *key = &children[0], *value = &children[1];
  key->name = "key";
  key->required = true;
  FIRN_TRY(read_id(json, "key-id", &key->id, err));
  value->name = "value";
  FIRN_TRY(read_id(json, "value-id", &value->id, err));
  FIRN_TRY(firn_json_need_bool(json, "value-required", &value->required, err));
  firn_status status = read_type(firn_json_get(json, "key"), depth + 1, arena, key, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "key");
  }
  status = read_type(firn_json_get(json, "value"), depth + 1, arena, value, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "value");
  }
  out->kind = FIRN_KIND_MAP;
  out->n_children = 2;
  out->children = children;
  return FIRN_OK;
}

/* Fills what is the type's in `out`; id, name and the like are left alone. */
static firn_status read_type(const firn_json_value *json, unsigned depth, firn_arena *arena, firn_field *out,
                             firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types are nested deeper than %d levels", FIRN_TYPE_MAX_DEPTH);
  }
  if (json != NULL && json->kind == FIRN_JSON_STRING) {
    return firn_type_read(json->text, arena, out, err);
  }
  const firn_json_value *name = firn_json_get(json, "type");
  if (name != NULL && name->kind == FIRN_JSON_STRING) {
    if (firn_bytes_is(name->text, "struct")) {
      return read_struct(json, depth, arena, out, err);
    }
    if (firn_bytes_is(name->text, "list")) {
      return read_list(json, depth, arena, out, err);
    }
    if (firn_bytes_is(name->text, "map")) {
      return read_map(json, depth, arena, out, err);
    }
  }
  return firn_error_set(err, FIRN_CORRUPT,
                        "\"type\" is neither a text nor an object of type struct, list or map");
}

static int compare_names(const void *a, const void *b) {
  return strcmp((*(const firn_field *const *)a)->name, (*(const firn_field *const *)b)->name);
}

static int compare_ids(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static firn_status check_names(const firn_field *parent, firn_arena *scratch, firn_error *err) {
  if (parent->kind == FIRN_KIND_STRUCT && parent->n_children > 1) {
    const firn_field **sorted = firn_new_n(scratch, const firn_field *, parent->n_children);
    if (sorted == NULL) {
      return no_memory(err);
    }
    for (uint32_t i = 0; i < parent->n_children; i++) {
      sorted[i] = &parent->children[i];
    }
    qsort(sorted, parent->n_children, sizeof(firn_field *), compare_names);
    for (uint32_t i = 1; i < parent->n_children; i++) {
      if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0) {
        return firn_error_set(err, FIRN_CORRUPT, "two fields are called %s", sorted[i]->name);
      }
    }
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    FIRN_TRY(check_names(&parent->children[i], scratch, err));
  }
  return FIRN_OK;
}

static size_t count_fields(const firn_field *field) {
  size_t n = field->n_children;
  for (uint32_t i = 0; i < field->n_children; i++) {
    n += count_fields(&field->children[i]);
  }
  return n;
}

static int32_t *collect_ids(const firn_field *field, int32_t *to) {
  for (uint32_t i = 0; i < field->n_children; i++) {
    *to++ = field->children[i].id;
    to = collect_ids(&field->children[i], to);
  }
  return to;
}

static firn_status check_ids(const firn_field *root, firn_arena *scratch, firn_error *err) {
  size_t n = count_fields(root);
  int32_t *ids = firn_new_n(scratch, int32_t, n);
  if (ids == NULL) {
    return no_memory(err);
  }
  (void)collect_ids(root, ids);
  qsort(ids, n, sizeof *ids, compare_ids);
  for (size_t i = 1; i < n; i++) {
    if (ids[i - 1] == ids[i]) {
      return firn_error_set(err, FIRN_CORRUPT, "two fields have the id %d", ids[i]);
    }
  }
  return FIRN_OK;
}

/* The field below `parent` that is reached through required structs only: where identifiers may be. */
static const firn_field *find_identifier(const firn_field *parent, int32_t id) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    if (child->id == id) {
      return child;
    }
    if (child->kind == FIRN_KIND_STRUCT && child->required) {
      const firn_field *found = find_identifier(child, id);
      if (found != NULL) {
        return found;
      }
    }
  }
  return NULL;
}

/* Spec: Identifier Field IDs. */
static firn_status check_identifiers(const firn_schema *schema, firn_error *err) {
  for (size_t i = 0; i < schema->n_identifier_ids; i++) {
    int32_t id = schema->identifier_ids[i];
    const firn_field *field = find_identifier(&schema->root, id);
    if (field == NULL) {
      return firn_error_set(err, FIRN_CORRUPT,
                            "identifier field %d is no field of the schema or of its required structs", id);
    }
    bool primitive = !firn_kind_is_nested(field->kind) && field->kind != FIRN_KIND_VARIANT;
    if (!field->required || !primitive || field->kind == FIRN_KIND_FLOAT || field->kind == FIRN_KIND_DOUBLE) {
      return firn_error_set(err, FIRN_CORRUPT,
                            "identifier field %s must be required, primitive and no float or double",
                            field->name);
    }
  }
  return FIRN_OK;
}

firn_status firn_schema_check(const firn_schema *schema, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  FIRN_TRY(check_names(&schema->root, &scratch, err));
  FIRN_TRY(check_ids(&schema->root, &scratch, err));
  return check_identifiers(schema, err);
}

static firn_status read_identifiers(const firn_json_value *json, firn_arena *arena, firn_schema *out,
                                    firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_array(json, "identifier-field-ids", &list, err));
  if (list == NULL || list->n_items == 0) {
    return FIRN_OK;
  }
  int32_t *ids = firn_new_n(arena, int32_t, list->n_items);
  if (ids == NULL) {
    return no_memory(err);
  }
  static const firn_field id_type = {.kind = FIRN_KIND_INT};
  for (size_t i = 0; i < list->n_items; i++) {
    firn_value id;
    firn_status status = firn_value_read_json(&list->items[i], &id_type, arena, &id, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "\"identifier-field-ids\"");
    }
    ids[i] = id.i32;
  }
  out->n_identifier_ids = list->n_items;
  out->identifier_ids = ids;
  return FIRN_OK;
}

firn_status firn_schema_read(const firn_json_value *json, firn_arena *arena, firn_schema *out,
                             firn_error *err) {
  firn_schema made = {.root = {.id = FIRN_NO_ID, .name = "", .required = true}};
  const firn_json_value *type = firn_json_get(json, "type");
  if (type == NULL || type->kind != FIRN_JSON_STRING || !firn_bytes_is(type->text, "struct")) {
    return firn_error_set(err, FIRN_CORRUPT, "a schema is no object of type struct");
  }
  FIRN_TRY(firn_json_may_int32(json, "schema-id", &made.schema_id, err)); /* v1 may lack it: 0 */
  firn_status status = read_struct(json, 0, arena, &made.root, err);
  if (status == FIRN_OK) {
    status = read_identifiers(json, arena, &made, err);
  }
  if (status == FIRN_OK) {
    status = firn_schema_check(&made, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "schema %d", made.schema_id);
  }
  *out = made;
  return FIRN_OK;
}
