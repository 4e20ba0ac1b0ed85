/* The schema tree that we write. Spec: LogicalTypes.md; Iceberg: Appendix A, Parquet. */
#include <assert.h>

#include "formats/parquet/metadata.h"

/* Levels are kept in bytes; a depth of 64 makes two definition levels each at most. */
enum { LEVEL_MAX = 2 * FIRN_TYPE_MAX_DEPTH + 2 };

typedef struct maker {
  firn_arena *arena;
  const firn_parquet_node **leaves; /* NULL while they are only counted */
  uint32_t n_leaves;
} maker;

static firn_status make(maker *m, const firn_field *field, const firn_parquet_node *parent, int depth,
                        firn_parquet_node *out, firn_error *err);

static firn_status no_memory(const char *name, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the Parquet schema of %s", name);
}

static const char *name_of(const firn_field *field, const char *fallback) {
  return field->name == NULL || field->name[0] == '\0' ? fallback : field->name;
}

/* Levels from the parent's and the node's own repetition. */
static void set_levels(firn_parquet_node *n, const firn_parquet_node *parent) {
  int16_t def = parent == NULL ? 0 : parent->max_def, rep = parent == NULL ? 0 : parent->max_rep;
  n->max_def = (int16_t)(def + (n->repetition == FIRN_PARQUET_REQUIRED ? 0 : 1));
  n->max_rep = (int16_t)(rep + (n->repetition == FIRN_PARQUET_REPEATED ? 1 : 0));
  assert(n->max_def <= LEVEL_MAX);
}

static void set_time(firn_parquet_node *n, firn_parquet_logical logical, firn_parquet_unit unit,
                     bool is_utc) {
  n->type = FIRN_PARQUET_INT64;
  n->logical = logical;
  n->unit = unit;
  n->is_utc = is_utc;
}

static firn_status set_decimal(const firn_field *field, firn_parquet_node *n, firn_error *err) {
  enum { INT32_DIGITS = 9, INT64_DIGITS = 18, DIGITS_MAX = 38 };
  if (field->precision < 1 || field->precision > DIGITS_MAX || field->scale > field->precision) {
    return firn_error_set(err, FIRN_INVALID, "%s: there is no decimal(%u, %u)", n->name, field->precision,
                          field->scale);
  }
  n->logical = FIRN_LOGICAL_DECIMAL;
  n->precision = field->precision;
  n->scale = field->scale;
  if (field->precision <= INT32_DIGITS) {
    n->type = FIRN_PARQUET_INT32;
  } else if (field->precision <= INT64_DIGITS) {
    n->type = FIRN_PARQUET_INT64;
  } else {
    n->type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
    n->type_length = (int32_t)firn_decimal_width(field->precision);
  }
  return FIRN_OK;
}

static firn_status set_fixed(const firn_field *field, firn_parquet_node *n, firn_error *err) {
  if (field->width == 0 || field->width > INT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "%s: fixed[%u] cannot be stored", n->name, field->width);
  }
  n->type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
  n->type_length = (int32_t)field->width;
  return FIRN_OK;
}

static firn_status set_unknown(const firn_field *field, firn_parquet_node *n, firn_error *err) {
  if (field->required) {
    return firn_error_set(err, FIRN_INVALID, "%s: a column of type unknown is always null, never required",
                          n->name);
  }
  n->type = FIRN_PARQUET_INT32; /* any will do; this is the one that Arrow takes */
  n->logical = FIRN_LOGICAL_UNKNOWN;
  return FIRN_OK;
}

/* long: one line for each kind. */
static firn_status set_leaf(const firn_field *field, firn_parquet_node *n, firn_error *err) {
  switch (field->kind) {
    case FIRN_KIND_UNKNOWN:
      return set_unknown(field, n, err);
    case FIRN_KIND_BOOLEAN:
      n->type = FIRN_PARQUET_BOOLEAN;
      return FIRN_OK;
    case FIRN_KIND_INT:
      n->type = FIRN_PARQUET_INT32;
      return FIRN_OK;
    case FIRN_KIND_LONG:
      n->type = FIRN_PARQUET_INT64;
      return FIRN_OK;
    case FIRN_KIND_FLOAT:
      n->type = FIRN_PARQUET_FLOAT;
      return FIRN_OK;
    case FIRN_KIND_DOUBLE:
      n->type = FIRN_PARQUET_DOUBLE;
      return FIRN_OK;
    case FIRN_KIND_DECIMAL:
      return set_decimal(field, n, err);
    case FIRN_KIND_DATE:
      n->type = FIRN_PARQUET_INT32;
      n->logical = FIRN_LOGICAL_DATE;
      return FIRN_OK;
    case FIRN_KIND_TIME:
      set_time(n, FIRN_LOGICAL_TIME, FIRN_UNIT_MICROS, false);
      return FIRN_OK;
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
      set_time(n, FIRN_LOGICAL_TIMESTAMP, FIRN_UNIT_MICROS, field->kind == FIRN_KIND_TIMESTAMPTZ);
      return FIRN_OK;
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
      set_time(n, FIRN_LOGICAL_TIMESTAMP, FIRN_UNIT_NANOS, field->kind == FIRN_KIND_TIMESTAMPTZ_NS);
      return FIRN_OK;
    case FIRN_KIND_STRING:
      n->type = FIRN_PARQUET_BYTE_ARRAY;
      n->logical = FIRN_LOGICAL_STRING;
      return FIRN_OK;
    case FIRN_KIND_UUID:
      n->type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
      n->type_length = 16;
      n->logical = FIRN_LOGICAL_UUID;
      return FIRN_OK;
    case FIRN_KIND_FIXED:
      return set_fixed(field, n, err);
    case FIRN_KIND_BINARY:
      n->type = FIRN_PARQUET_BYTE_ARRAY;
      return FIRN_OK;
    case FIRN_KIND_GEOMETRY:
    case FIRN_KIND_GEOGRAPHY:
      n->type = FIRN_PARQUET_BYTE_ARRAY;
      n->logical = field->kind == FIRN_KIND_GEOMETRY ? FIRN_LOGICAL_GEOMETRY : FIRN_LOGICAL_GEOGRAPHY;
      n->crs = field->crs;
      n->algorithm = field->algorithm;
      return FIRN_OK;
    default:
      return firn_error_set(err, FIRN_UNSUPPORTED, "%s: columns of type %s cannot be written to Parquet yet",
                            n->name, firn_kind_name(field->kind));
  }
}

static firn_status add_leaf(maker *m, const firn_field *field, firn_parquet_node *n, firn_error *err) {
  FIRN_TRY(set_leaf(field, n, err));
  n->leaf = m->n_leaves++;
  if (m->leaves != NULL) {
    m->leaves[n->leaf] = n;
  }
  return FIRN_OK;
}

static firn_status make_struct(maker *m, const firn_field *field, int depth, firn_parquet_node *n,
                               firn_error *err) {
  if (field->n_children == 0) {
    return firn_error_set(err, FIRN_INVALID, "%s: Parquet has no struct without fields", n->name);
  }
  firn_parquet_node *children = firn_new_n(m->arena, firn_parquet_node, field->n_children);
  if (children == NULL) {
    return no_memory(n->name, err);
  }
  n->n_children = field->n_children;
  n->children = children;
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(make(m, &field->children[i], n, depth + 1, &children[i], err));
  }
  return FIRN_OK;
}

/* Lists and maps: a group, in it a repeated group, in it element, or key and value. The names of both are
 * given by the specification, whatever the field calls them. */
static firn_status make_repeated(maker *m, const firn_field *field, int depth, firn_parquet_node *n,
                                 firn_error *err) {
  static const char *const names[] = {"key", "value"};
  bool is_map = field->kind == FIRN_KIND_MAP;
  assert(field->n_children == (is_map ? 2U : 1U));
  firn_parquet_node *middle = firn_new(m->arena, firn_parquet_node);
  firn_parquet_node *children = firn_new_n(m->arena, firn_parquet_node, field->n_children);
  if (middle == NULL || children == NULL) {
    return no_memory(n->name, err);
  }
  if (is_map && !field->children[0].required) {
    return firn_error_set(err, FIRN_INVALID, "%s: keys of a map are required", n->name);
  }
  n->logical = is_map ? FIRN_LOGICAL_MAP : FIRN_LOGICAL_LIST;
  n->n_children = 1;
  n->children = middle;
  *middle = (firn_parquet_node){.name = is_map ? "key_value" : "list",
                                .repetition = FIRN_PARQUET_REPEATED,
                                .field_id = FIRN_NO_ID,
                                .n_children = field->n_children,
                                .children = children};
  set_levels(middle, n);
  for (uint32_t i = 0; i < field->n_children; i++) {
    firn_field child = field->children[i];
    child.name = is_map ? names[i] : "element";
    FIRN_TRY(make(m, &child, middle, depth + 1, &children[i], err));
  }
  return FIRN_OK;
}

static firn_status make(maker *m, const firn_field *field, const firn_parquet_node *parent, int depth,
                        firn_parquet_node *out, firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "the schema is deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  *out = (firn_parquet_node){
      .name = name_of(field, parent == NULL ? "table" : ""),
      .repetition = field->required || parent == NULL ? FIRN_PARQUET_REQUIRED : FIRN_PARQUET_OPTIONAL,
      .field_id = parent == NULL ? FIRN_NO_ID : field->id};
  if (out->name[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "%s has a field without a name", parent->name);
  }
  set_levels(out, parent);
  switch (field->kind) {
    case FIRN_KIND_STRUCT:
      return make_struct(m, field, depth, out, err);
    case FIRN_KIND_LIST:
    case FIRN_KIND_MAP:
      return make_repeated(m, field, depth, out, err);
    default:
      return add_leaf(m, field, out, err);
  }
}

firn_status firn_parquet_nodes_of(const firn_field *schema, firn_arena *arena, const firn_parquet_node **root,
                                  uint32_t *n_leaves, const firn_parquet_node *const **leaves,
                                  firn_error *err) {
  if (schema->kind != FIRN_KIND_STRUCT) {
    return firn_error_set(err, FIRN_INVALID, "a Parquet schema is a struct, not %s",
                          firn_kind_name(schema->kind));
  }
  maker m = {.arena = arena};
  firn_parquet_node *made = firn_new(arena, firn_parquet_node);
  if (made == NULL) {
    return no_memory("the file", err);
  }
  FIRN_TRY(make(&m, schema, NULL, 0, made, err)); /* counts the leaves ... */
  m.leaves = firn_new_n(arena, const firn_parquet_node *, m.n_leaves);
  if (m.leaves == NULL) {
    return no_memory(made->name, err);
  }
  m.n_leaves = 0;
  FIRN_TRY(make(&m, schema, NULL, 0, made, err)); /* ... and points at them */
  *root = made;
  *n_leaves = m.n_leaves;
  *leaves = m.leaves;
  return FIRN_OK;
}
