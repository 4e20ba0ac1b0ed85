#include <assert.h>

#include "base/json_tree.h"
#include "formats/avro/avro.h"

/* Sums of least sizes stop here: no block is as long. */
#define LEAST_CEILING (UINT64_C(1) << 48)

typedef struct named_type {
  const firn_avro_schema *schema;
  bool is_open;      /* a record whose fields are being read */
  size_t n_breakers; /* unions, arrays and maps around its opening */
} named_type;

typedef struct parser {
  firn_arena *arena;
  named_type *named;
  size_t n_named, named_capacity;
  size_t n_nodes;
  size_t n_breakers; /* unions, arrays and maps around the place that is being read */
  unsigned depth;
  firn_error *err;
} parser;

static const char *const type_names[] = {"null",   "boolean", "int",  "long",   "float", "double", "bytes",
                                         "string", "fixed",   "enum", "record", "array", "map",    "union"};
enum { N_PRIMITIVES = FIRN_AVRO_STRING + 1 };

const char *firn_avro_type_name(firn_avro_type type) {
  assert((size_t)type < FIRN_COUNT_OF(type_names));
  return type_names[type];
}

static firn_status read_type(parser *p, const firn_json_value *json, const char *space,
                             const firn_avro_schema **out);

static firn_status no_memory(parser *p) {
  return firn_error_set(p->err, FIRN_NOMEM, "no memory for an Avro schema");
}

static uint64_t add_least(uint64_t a, uint64_t b) {
  return a + b < LEAST_CEILING ? a + b : LEAST_CEILING;
}

static firn_status new_node(parser *p, firn_avro_type type, firn_avro_schema **out) {
  static const uint8_t least[] = {0, 1, 1, 1, 4, 8, 1, 1, 0, 1, 0, 1, 1, 1};
  if (++p->n_nodes > FIRN_AVRO_MAX_SCHEMA_NODES) {
    return firn_error_set(p->err, FIRN_LIMIT, "more than %d types in an Avro schema",
                          FIRN_AVRO_MAX_SCHEMA_NODES);
  }
  firn_avro_schema *s = firn_new(p->arena, firn_avro_schema);
  if (s == NULL) {
    return no_memory(p);
  }
  s->type = type;
  s->element_id = s->key_id = s->value_id = -1;
  s->least_bytes = least[type];
  s->always_least = type == FIRN_AVRO_NULL || type == FIRN_AVRO_BOOLEAN || type == FIRN_AVRO_FLOAT ||
                    type == FIRN_AVRO_DOUBLE || type == FIRN_AVRO_FIXED;
  *out = s;
  return FIRN_OK;
}

/* A name with a dot is full already; others belong to the namespace around them. */
static firn_status full_name(parser *p, const char *name, const char *space, const char **out) {
  if (strchr(name, '.') != NULL || space == NULL || space[0] == '\0') {
    *out = name;
    return FIRN_OK;
  }
  *out = firn_arena_printf(p->arena, "%s.%s", space, name);
  return *out == NULL ? no_memory(p) : FIRN_OK;
}

static named_type *find_named(parser *p, const char *full) {
  for (size_t i = 0; i < p->n_named; i++) {
    if (strcmp(p->named[i].schema->name, full) == 0) {
      return &p->named[i];
    }
  }
  return NULL;
}

static firn_status add_named(parser *p, const firn_avro_schema *s, size_t *index) {
  if (find_named(p, s->name) != NULL) {
    return firn_error_set(p->err, FIRN_CORRUPT, "Avro type \"%s\" is defined twice", s->name);
  }
  named_type *grown = firn_arena_grow(p->arena, p->named, p->n_named, &p->named_capacity, sizeof(named_type));
  if (grown == NULL) {
    return no_memory(p);
  }
  p->named = grown;
  *index = p->n_named++;
  p->named[*index] = (named_type){s, s->type == FIRN_AVRO_RECORD, p->n_breakers};
  return FIRN_OK;
}

/* "int", "a.b.Name": a primitive, or a type that was named before. */
static firn_status read_reference(parser *p, firn_bytes text, const char *space,
                                  const firn_avro_schema **out) {
  for (int i = 0; i < N_PRIMITIVES; i++) {
    if (firn_bytes_is(text, type_names[i])) {
      firn_avro_schema *s;
      FIRN_TRY(new_node(p, (firn_avro_type)i, &s));
      *out = s;
      return FIRN_OK;
    }
  }
  const char *name = firn_arena_text(p->arena, text);
  const char *full = NULL;
  if (name == NULL) {
    return no_memory(p);
  }
  FIRN_TRY(full_name(p, name, space, &full));
  const named_type *found = find_named(p, full);
  found = found == NULL ? find_named(p, name) : found;
  if (found == NULL) {
    return firn_error_set(p->err, FIRN_CORRUPT, "there is no Avro type \"%s\"", full);
  }
  if (found->is_open && found->n_breakers == p->n_breakers) {
    return firn_error_set(p->err, FIRN_CORRUPT, "Avro record \"%s\" contains itself", full);
  }
  *out = found->schema;
  return FIRN_OK;
}

static firn_status read_union(parser *p, const firn_json_value *json, const char *space,
                              const firn_avro_schema **out) {
  firn_avro_schema *s;
  FIRN_TRY(new_node(p, FIRN_AVRO_UNION, &s));
  const firn_avro_schema **branches = firn_new_n(p->arena, const firn_avro_schema *, json->n_items);
  if (branches == NULL) {
    return no_memory(p);
  }
  p->n_breakers++;
  for (size_t i = 0; i < json->n_items; i++) {
    FIRN_TRY(read_type(p, &json->items[i], space, &branches[i]));
    if (branches[i]->type == FIRN_AVRO_UNION) {
      return firn_error_set(p->err, FIRN_CORRUPT, "an Avro union holds a union");
    }
  }
  p->n_breakers--;
  s->n_items = json->n_items;
  s->items = branches;
  *out = s;
  return FIRN_OK;
}

static firn_status read_name(parser *p, const firn_json_value *json, const char *space, const char **out) {
  const char *name = NULL;
  const char *own_space = space;
  FIRN_TRY(firn_json_need_text(json, "name", p->arena, &name, p->err));
  FIRN_TRY(firn_json_may_text(json, "namespace", p->arena, &own_space, p->err));
  if (name[0] == '\0') {
    return firn_error_set(p->err, FIRN_CORRUPT, "an Avro type has an empty name");
  }
  return full_name(p, name, own_space, out);
}

/* The namespace of a full name: what stands before its last dot. */
static firn_status space_of(parser *p, const char *full, const char **out) {
  const char *dot = strrchr(full, '.');
  size_t len = dot == NULL ? 0 : (size_t)(dot - full);
  *out = firn_arena_text(p->arena, (firn_bytes){(const uint8_t *)full, len});
  return *out == NULL ? no_memory(p) : FIRN_OK;
}

static firn_status read_field(parser *p, const firn_json_value *json, const char *space,
                              firn_avro_field *out) {
  if (json->kind != FIRN_JSON_OBJECT) {
    return firn_error_set(p->err, FIRN_CORRUPT, "a field of an Avro record is no object");
  }
  out->field_id = -1;
  FIRN_TRY(firn_json_need_text(json, "name", p->arena, &out->name, p->err));
  out->true_name = out->name;
  FIRN_TRY(firn_json_may_text(json, "iceberg-field-name", p->arena, &out->true_name, p->err));
  FIRN_TRY(firn_json_may_int32(json, "field-id", &out->field_id, p->err));
  FIRN_TRY(firn_json_may_text(json, "doc", p->arena, &out->doc, p->err));
  const firn_json_value *type = firn_json_get(json, "type");
  if (type == NULL) {
    return firn_error_set(p->err, FIRN_CORRUPT, "Avro field \"%s\" has no type", out->name);
  }
  const firn_json_value *fallback = firn_json_get(json, "default");
  if (fallback != NULL) {
    out->has_default = true;
    out->default_json = firn_arena_copy(p->arena, fallback->span);
    if (out->default_json.data == NULL) {
      return no_memory(p);
    }
  }
  firn_status status = read_type(p, type, space, &out->schema);
  if (status != FIRN_OK) {
    return firn_error_while(p->err, status, "field \"%s\"", out->name);
  }
  return FIRN_OK;
}

static firn_status read_record(parser *p, const firn_json_value *json, const char *space,
                               firn_avro_schema *s) {
  FIRN_TRY(read_name(p, json, space, &s->name));
  size_t index;
  FIRN_TRY(add_named(p, s, &index));
  const char *inner = NULL;
  FIRN_TRY(space_of(p, s->name, &inner));
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_need_array(json, "fields", &list, p->err));
  if (list->n_items > FIRN_AVRO_MAX_SCHEMA_NODES) {
    return firn_error_set(p->err, FIRN_LIMIT, "Avro record \"%s\" has %zu fields", s->name, list->n_items);
  }
  firn_avro_field *fields = firn_new_n(p->arena, firn_avro_field, list->n_items);
  if (fields == NULL) {
    return no_memory(p);
  }
  s->always_least = true;
  for (size_t i = 0; i < list->n_items; i++) {
    FIRN_TRY(read_field(p, &list->items[i], inner, &fields[i]));
    s->least_bytes = add_least(s->least_bytes, fields[i].schema->least_bytes);
    /* A record that is still open (there is a union or the like on the way here) does not know yet that its
     * size varies. It takes a byte at least, for what stands between. */
    s->always_least = s->always_least && fields[i].schema->always_least &&
                      !(fields[i].schema->type == FIRN_AVRO_RECORD && fields[i].schema->fields == NULL);
  }
  if (!s->always_least && s->least_bytes == 0) {
    s->least_bytes = 1;
  }
  s->n_fields = list->n_items;
  s->fields = fields;
  p->named[index].is_open = false;
  return FIRN_OK;
}

static firn_status read_fixed(parser *p, const firn_json_value *json, const char *space,
                              firn_avro_schema *s) {
  int64_t size = 0;
  size_t index;
  FIRN_TRY(read_name(p, json, space, &s->name));
  FIRN_TRY(firn_json_need_int64(json, "size", &size, p->err));
  if (size < 0 || size > INT32_MAX) {
    return firn_error_set(p->err, FIRN_CORRUPT, "Avro fixed \"%s\" of %lld bytes", s->name, (long long)size);
  }
  s->size = (uint32_t)size;
  s->least_bytes = s->size;
  return add_named(p, s, &index);
}

static firn_status read_enum(parser *p, const firn_json_value *json, const char *space, firn_avro_schema *s) {
  const firn_json_value *list = NULL;
  size_t index;
  FIRN_TRY(read_name(p, json, space, &s->name));
  FIRN_TRY(firn_json_need_array(json, "symbols", &list, p->err));
  const char **symbols = firn_new_n(p->arena, const char *, list->n_items);
  if (symbols == NULL) {
    return no_memory(p);
  }
  for (size_t i = 0; i < list->n_items; i++) {
    if (list->items[i].kind != FIRN_JSON_STRING) {
      return firn_error_set(p->err, FIRN_CORRUPT, "a symbol of Avro enum \"%s\" is no string", s->name);
    }
    symbols[i] = firn_arena_text(p->arena, list->items[i].text);
    if (symbols[i] == NULL) {
      return no_memory(p);
    }
  }
  s->n_symbols = list->n_items;
  s->symbols = symbols;
  return add_named(p, s, &index);
}

/* "items" of an array, "values" of a map. */
static firn_status read_inner(parser *p, const firn_json_value *json, const char *key, const char *space,
                              firn_avro_schema *s) {
  const firn_json_value *inner = firn_json_get(json, key);
  const firn_avro_schema **items = firn_new(p->arena, const firn_avro_schema *);
  if (inner == NULL) {
    return firn_error_set(p->err, FIRN_CORRUPT, "an Avro %s without \"%s\"", firn_avro_type_name(s->type),
                          key);
  }
  if (items == NULL) {
    return no_memory(p);
  }
  p->n_breakers++;
  FIRN_TRY(read_type(p, inner, space, items));
  p->n_breakers--;
  s->n_items = 1;
  s->items = items;
  return FIRN_OK;
}

static firn_status read_attributes(parser *p, const firn_json_value *json, firn_avro_schema *s) {
  FIRN_TRY(firn_json_may_text(json, "logicalType", p->arena, &s->logical_type, p->err));
  FIRN_TRY(firn_json_may_int32(json, "precision", &s->precision, p->err));
  FIRN_TRY(firn_json_may_int32(json, "scale", &s->scale, p->err));
  FIRN_TRY(firn_json_may_bool(json, "adjust-to-utc", &s->adjust_to_utc, p->err));
  FIRN_TRY(firn_json_may_int32(json, "element-id", &s->element_id, p->err));
  FIRN_TRY(firn_json_may_int32(json, "key-id", &s->key_id, p->err));
  return firn_json_may_int32(json, "value-id", &s->value_id, p->err);
}

static bool type_by_name(firn_bytes text, firn_avro_type *out) {
  for (size_t i = 0; i < FIRN_AVRO_UNION; i++) {
    if (firn_bytes_is(text, type_names[i])) {
      *out = (firn_avro_type)i;
      return true;
    }
  }
  *out = FIRN_AVRO_RECORD;
  return firn_bytes_is(text, "error"); /* of protocols: encoded like a record */
}

static firn_status read_object(parser *p, const firn_json_value *json, const char *space,
                               const firn_avro_schema **out) {
  const firn_json_value *type = firn_json_get(json, "type");
  if (type == NULL) {
    return firn_error_set(p->err, FIRN_CORRUPT, "an Avro type without \"type\"");
  }
  firn_avro_type known;
  if (type->kind != FIRN_JSON_STRING || !type_by_name(type->text, &known)) {
    return read_type(p, type, space, out); /* {"type": {...}} or {"type": "Name"} */
  }
  firn_avro_schema *s;
  FIRN_TRY(new_node(p, known, &s));
  FIRN_TRY(read_attributes(p, json, s));
  *out = s;
  switch (known) {
    case FIRN_AVRO_RECORD:
      return read_record(p, json, space, s);
    case FIRN_AVRO_FIXED:
      return read_fixed(p, json, space, s);
    case FIRN_AVRO_ENUM:
      return read_enum(p, json, space, s);
    case FIRN_AVRO_ARRAY:
      return read_inner(p, json, "items", space, s);
    case FIRN_AVRO_MAP:
      return read_inner(p, json, "values", space, s);
    default:
      return FIRN_OK;
  }
}

static firn_status read_type(parser *p, const firn_json_value *json, const char *space,
                             const firn_avro_schema **out) {
  if (p->depth == FIRN_AVRO_MAX_SCHEMA_DEPTH) {
    return firn_error_set(p->err, FIRN_LIMIT, "an Avro schema is nested deeper than %d",
                          FIRN_AVRO_MAX_SCHEMA_DEPTH);
  }
  p->depth++;
  firn_status status = FIRN_OK;
  if (json->kind == FIRN_JSON_STRING) {
    status = read_reference(p, json->text, space, out);
  } else if (json->kind == FIRN_JSON_ARRAY) {
    status = read_union(p, json, space, out);
  } else if (json->kind == FIRN_JSON_OBJECT) {
    status = read_object(p, json, space, out);
  } else {
    status = firn_error_set(p->err, FIRN_CORRUPT, "an Avro type is neither text, list nor object");
  }
  p->depth--;
  return status;
}

firn_status firn_avro_schema_read(firn_bytes json, firn_arena *arena, const firn_avro_schema **out,
                                  firn_error *err) {
  parser p = {.arena = arena, .err = err};
  const firn_json_value *tree = NULL;
  FIRN_TRY(firn_json_tree_read(json, arena, &tree, err));
  return read_type(&p, tree, "", out);
}

const firn_avro_field *firn_avro_field_by_id(const firn_avro_schema *record, int32_t field_id) {
  for (size_t i = 0; record->type == FIRN_AVRO_RECORD && i < record->n_fields; i++) {
    if (record->fields[i].field_id == field_id) {
      return &record->fields[i];
    }
  }
  return NULL;
}
