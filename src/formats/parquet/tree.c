/* The schema of a footer: a list in depth-first order made into a tree. */
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/parquet/schema_internal.h"

enum { NO_VALUE = -1 };

/* A SchemaElement as it is stored. */
typedef struct element {
  firn_bytes name;
  int32_t type, type_length, repetition, n_children, converted, scale, precision, field_id;
  firn_parquet_node logical; /* only what says the logical type */
  bool has_logical;
} element;

typedef struct tree {
  const element *elements;
  size_t n_elements;
  size_t at;        /* the next element */
  size_t unclaimed; /* elements that no group has counted among its children yet */
  firn_arena *arena;
  const firn_parquet_node **leaves;
  uint32_t n_leaves;
} tree;

static firn_parquet_unit read_unit(firn_thrift_reader *r) {
  firn_parquet_unit unit = FIRN_UNIT_NONE;
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    if (f.id >= 1 && f.id <= 3) {
      unit = (firn_parquet_unit)(FIRN_UNIT_MILLIS + f.id - 1);
    }
    firn_thrift_skip(r, f.type);
  }
  firn_thrift_struct_end(r);
  return unit;
}

static const char *copy_name(firn_arena *arena, firn_bytes name, firn_thrift_reader *r) {
  if (name.len > 0 && memchr(name.data, 0, name.len) != NULL) {
    r->in.bad = true;
    return NULL;
  }
  return firn_arena_text(arena, name);
}

/* The parameters of a logical type: each struct is small, and their field numbers do not clash within one. */
static void read_parameters(firn_thrift_reader *r, firn_arena *arena, firn_parquet_node *n) {
  static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer", "karney"};
  bool is_time = n->logical == FIRN_LOGICAL_TIME || n->logical == FIRN_LOGICAL_TIMESTAMP;
  bool is_geo = n->logical == FIRN_LOGICAL_GEOMETRY || n->logical == FIRN_LOGICAL_GEOGRAPHY;
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    if (n->logical == FIRN_LOGICAL_DECIMAL && f.id == 1) {
      n->scale = firn_thrift_i32(r, f);
    } else if (n->logical == FIRN_LOGICAL_DECIMAL && f.id == 2) {
      n->precision = firn_thrift_i32(r, f);
    } else if (is_time && f.id == 1) {
      n->is_utc = firn_thrift_bool(r, f);
    } else if (is_time && f.id == 2 && f.type == FIRN_THRIFT_STRUCT) {
      n->unit = read_unit(r);
    } else if (n->logical == FIRN_LOGICAL_INTEGER && f.id == 1) {
      n->bit_width = (uint8_t)firn_thrift_i32(r, f);
    } else if (n->logical == FIRN_LOGICAL_INTEGER && f.id == 2) {
      n->is_signed = firn_thrift_bool(r, f);
    } else if (is_geo && f.id == 1) {
      n->crs = copy_name(arena, firn_thrift_binary(r, f), r);
    } else if (n->logical == FIRN_LOGICAL_GEOGRAPHY && f.id == 2) {
      int32_t algorithm = firn_thrift_i32(r, f);
      bool known = algorithm >= 0 && algorithm < (int32_t)FIRN_COUNT_OF(algorithms);
      n->algorithm = known ? algorithms[algorithm] : NULL;
    } else {
      firn_thrift_skip(r, f.type);
    }
  }
  firn_thrift_struct_end(r);
}

/* The union LogicalType. One that we do not know leaves the physical type to speak for itself. */
static void read_logical(firn_thrift_reader *r, firn_arena *arena, element *e) {
  static const firn_parquet_logical by_field[] = {
      [1] = FIRN_LOGICAL_STRING,    [2] = FIRN_LOGICAL_MAP,       [3] = FIRN_LOGICAL_LIST,
      [4] = FIRN_LOGICAL_ENUM,      [5] = FIRN_LOGICAL_DECIMAL,   [6] = FIRN_LOGICAL_DATE,
      [7] = FIRN_LOGICAL_TIME,      [8] = FIRN_LOGICAL_TIMESTAMP, [10] = FIRN_LOGICAL_INTEGER,
      [11] = FIRN_LOGICAL_UNKNOWN,  [12] = FIRN_LOGICAL_JSON,     [13] = FIRN_LOGICAL_BSON,
      [14] = FIRN_LOGICAL_UUID,     [15] = FIRN_LOGICAL_FLOAT16,  [16] = FIRN_LOGICAL_VARIANT,
      [17] = FIRN_LOGICAL_GEOMETRY, [18] = FIRN_LOGICAL_GEOGRAPHY};
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    bool known = f.id > 0 && f.id < (int16_t)FIRN_COUNT_OF(by_field) && f.type == FIRN_THRIFT_STRUCT;
    if (known && by_field[f.id] != FIRN_LOGICAL_NONE) {
      e->logical.logical = by_field[f.id];
      e->has_logical = true;
      read_parameters(r, arena, &e->logical);
    } else {
      firn_thrift_skip(r, f.type);
    }
  }
  firn_thrift_struct_end(r);
}

static element read_element(firn_thrift_reader *r, firn_arena *arena) {
  element e = {.type = NO_VALUE, .repetition = NO_VALUE, .converted = NO_VALUE, .field_id = FIRN_NO_ID};
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        e.type = firn_thrift_i32(r, f);
        break;
      case 2:
        e.type_length = firn_thrift_i32(r, f);
        break;
      case 3:
        e.repetition = firn_thrift_i32(r, f);
        break;
      case 4:
        e.name = firn_thrift_binary(r, f);
        break;
      case 5:
        e.n_children = firn_thrift_i32(r, f);
        break;
      case 6:
        e.converted = firn_thrift_i32(r, f);
        break;
      case 7:
        e.scale = firn_thrift_i32(r, f);
        break;
      case 8:
        e.precision = firn_thrift_i32(r, f);
        break;
      case 9:
        e.field_id = firn_thrift_i32(r, f);
        break;
      case 10:
        if (f.type == FIRN_THRIFT_STRUCT) {
          read_logical(r, arena, &e);
          break;
        }
        firn_thrift_skip(r, f.type);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
  return e;
}

/* What a converted type means as a logical type. Spec: LogicalTypes.md, the tables of compatibility. */
static void apply_converted(const element *e, firn_parquet_node *n) {
  static const struct {
    firn_parquet_logical logical;
    firn_parquet_unit unit;
    uint8_t bit_width;
    bool is_signed;
  } meanings[] = {
      {FIRN_LOGICAL_STRING, 0, 0, false},
      {FIRN_LOGICAL_MAP, 0, 0, false},
      {FIRN_LOGICAL_MAP, 0, 0, false}, /* MAP_KEY_VALUE */
      {FIRN_LOGICAL_LIST, 0, 0, false},
      {FIRN_LOGICAL_ENUM, 0, 0, false},
      {FIRN_LOGICAL_DECIMAL, 0, 0, false},
      {FIRN_LOGICAL_DATE, 0, 0, false},
      {FIRN_LOGICAL_TIME, FIRN_UNIT_MILLIS, 0, false},
      {FIRN_LOGICAL_TIME, FIRN_UNIT_MICROS, 0, false},
      {FIRN_LOGICAL_TIMESTAMP, FIRN_UNIT_MILLIS, 0, false},
      {FIRN_LOGICAL_TIMESTAMP, FIRN_UNIT_MICROS, 0, false},
      {FIRN_LOGICAL_INTEGER, 0, 8, false},
      {FIRN_LOGICAL_INTEGER, 0, 16, false},
      {FIRN_LOGICAL_INTEGER, 0, 32, false},
      {FIRN_LOGICAL_INTEGER, 0, 64, false},
      {FIRN_LOGICAL_INTEGER, 0, 8, true},
      {FIRN_LOGICAL_INTEGER, 0, 16, true},
      {FIRN_LOGICAL_INTEGER, 0, 32, true},
      {FIRN_LOGICAL_INTEGER, 0, 64, true},
      {FIRN_LOGICAL_JSON, 0, 0, false},
      {FIRN_LOGICAL_BSON, 0, 0, false},
      {FIRN_LOGICAL_INTERVAL, 0, 0, false},
  };
  if (e->converted < 0 || e->converted >= (int32_t)FIRN_COUNT_OF(meanings)) {
    return;
  }
  n->logical = meanings[e->converted].logical;
  n->unit = meanings[e->converted].unit;
  n->bit_width = meanings[e->converted].bit_width;
  n->is_signed = meanings[e->converted].is_signed;
  /* Converted times are instants: the specification maps them to isAdjustedToUTC = true. */
  n->is_utc = n->logical == FIRN_LOGICAL_TIME || n->logical == FIRN_LOGICAL_TIMESTAMP;
  n->scale = e->scale;
  n->precision = e->precision;
}

static firn_status make_leaf(tree *t, const element *e, firn_parquet_node *n, firn_error *err) {
  if (e->type < 0 || e->type > FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s has no children and physical type %" PRId32, n->name,
                          e->type);
  }
  if (e->type == FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY && e->type_length <= 0) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s is of fixed length %" PRId32, n->name,
                          e->type_length);
  }
  if (t->n_leaves == FIRN_PARQUET_MAX_LEAVES) {
    return firn_error_set(err, FIRN_LIMIT, "schema: more than %d columns", FIRN_PARQUET_MAX_LEAVES);
  }
  n->type = (firn_parquet_type)e->type;
  n->type_length = n->type == FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY ? e->type_length : 0;
  n->leaf = t->n_leaves;
  t->leaves[t->n_leaves++] = n;
  return FIRN_OK;
}

static firn_status fill_node(tree *t, const element *e, bool is_root, firn_parquet_node *n, firn_error *err) {
  firn_parquet_node parent = *n; /* holds the levels of the parent */
  *n = e->logical;
  n->max_def = parent.max_def;
  n->max_rep = parent.max_rep;
  if (!firn_utf8_is_valid(e->name) || (e->name.len > 0 && memchr(e->name.data, 0, e->name.len) != NULL)) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: element %zu has a name that is no text", t->at - 1);
  }
  n->name = firn_arena_text(t->arena, e->name);
  if (n->name == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
  }
  if (!e->has_logical) {
    apply_converted(e, n);
  }
  n->field_id = e->field_id;
  n->repetition = is_root ? FIRN_PARQUET_REQUIRED : (firn_parquet_repetition)e->repetition;
  if (!is_root && (e->repetition < 0 || e->repetition > FIRN_PARQUET_REPEATED)) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s has repetition %" PRId32, n->name, e->repetition);
  }
  n->max_def = (int16_t)(n->max_def + (n->repetition != FIRN_PARQUET_REQUIRED));
  n->max_rep = (int16_t)(n->max_rep + (n->repetition == FIRN_PARQUET_REPEATED));
  return FIRN_OK;
}

static firn_status make_node(tree *t, int depth, firn_parquet_node *n, firn_error *err) {
  if (t->at == t->n_elements) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: a group counts more children than there are elements");
  }
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "schema: nested deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  const element *e = &t->elements[t->at++];
  FIRN_TRY(fill_node(t, e, depth == 0, n, err));
  if (e->n_children < 0 || (size_t)e->n_children > t->unclaimed) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s counts %" PRId32 " children of %zu", n->name,
                          e->n_children, t->unclaimed);
  }
  if (e->n_children == 0 && depth > 0) {
    return make_leaf(t, e, n, err);
  }
  t->unclaimed -= (size_t)e->n_children;
  n->n_children = (uint32_t)e->n_children;
  firn_parquet_node *children = firn_new_n(t->arena, firn_parquet_node, n->n_children);
  if (children == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
  }
  n->children = children;
  for (uint32_t i = 0; i < n->n_children; i++) {
    children[i].max_def = n->max_def;
    children[i].max_rep = n->max_rep;
    FIRN_TRY(make_node(t, depth + 1, &children[i], err));
  }
  return FIRN_OK;
}

static firn_status read_elements(firn_thrift_reader *r, firn_thrift_field f, firn_arena *scratch, tree *t,
                                 firn_error *err) {
  size_t n = firn_thrift_list_begin(r, f, FIRN_THRIFT_STRUCT);
  size_t capacity = 0;
  element *elements = NULL;
  for (size_t i = 0; i < n && !r->in.bad; i++) {
    elements = firn_arena_grow(scratch, elements, i, &capacity, sizeof *elements);
    if (elements == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
    }
    elements[i] = read_element(r, t->arena);
  }
  if (r->in.bad || n == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s",
                          r->in.bad ? "not a list of schema elements" : "no elements");
  }
  t->elements = elements;
  t->n_elements = n;
  t->unclaimed = n - 1;
  return FIRN_OK;
}

firn_status firn_parquet_tree_read(firn_thrift_reader *r, firn_thrift_field f, firn_arena *arena,
                                   firn_parquet_metadata *out, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* the elements; the nodes outlive them */
  tree t = {.arena = arena};
  FIRN_TRY(read_elements(r, f, &scratch, &t, err));
  firn_parquet_node *root = firn_new(arena, firn_parquet_node);
  t.leaves = firn_new_n(arena, const firn_parquet_node *, t.n_elements);
  if (root == NULL || t.leaves == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
  }
  FIRN_TRY(make_node(&t, 0, root, err));
  if (t.at != t.n_elements) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %zu of %zu elements belong to no group",
                          t.n_elements - t.at, t.n_elements);
  }
  out->root = root;
  out->leaves = t.leaves;
  out->n_leaves = t.n_leaves;
  return FIRN_OK;
}
