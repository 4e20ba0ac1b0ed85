/* From nodes to fields: what a Parquet schema means in the words of column/type.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "formats/parquet/schema_internal.h"

enum { DECIMAL_MAX_PRECISION = 38, UUID_BYTES = 16, HALF_BYTES = 2, INT96_BYTES = 12, UINT64_DIGITS = 20 };

const char *firn_parquet_type_name(firn_parquet_type type) {
  static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                      "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
  return (size_t)type < FIRN_COUNT_OF(names) ? names[type] : "no type";
}

size_t firn_parquet_stored_width(const firn_parquet_node *leaf) {
  switch (leaf->type) {
    case FIRN_PARQUET_INT32:
    case FIRN_PARQUET_FLOAT:
      return 4;
    case FIRN_PARQUET_INT64:
    case FIRN_PARQUET_DOUBLE:
      return 8;
    case FIRN_PARQUET_INT96:
      return INT96_BYTES;
    case FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY:
      return (size_t)leaf->type_length;
    case FIRN_PARQUET_BOOLEAN:
    case FIRN_PARQUET_BYTE_ARRAY:
      break;
  }
  return 0;
}

static firn_status wrong_storage(const firn_parquet_node *leaf, const char *what, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "schema: %s is %s stored as %s", leaf->name, what,
                        firn_parquet_type_name(leaf->type));
}

static firn_status decimal_kind(const firn_parquet_node *leaf, firn_field *field,
                                firn_parquet_convert *convert, firn_error *err) {
  if (leaf->precision < 1 || leaf->scale < 0 || leaf->scale > leaf->precision) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: %s is a decimal(%" PRId32 ", %" PRId32 ")", leaf->name,
                          leaf->precision, leaf->scale);
  }
  if (leaf->precision > DECIMAL_MAX_PRECISION) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "schema: %s is a decimal of %" PRId32 " digits; %d is the most", leaf->name,
                          leaf->precision, DECIMAL_MAX_PRECISION);
  }
  field->kind = FIRN_KIND_DECIMAL;
  field->precision = (uint8_t)leaf->precision;
  field->scale = (uint8_t)leaf->scale;
  switch (leaf->type) {
    case FIRN_PARQUET_INT32:
      *convert = FIRN_CONVERT_DECIMAL4;
      return FIRN_OK;
    case FIRN_PARQUET_INT64:
      *convert = FIRN_CONVERT_DECIMAL8;
      return FIRN_OK;
    case FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY:
      *convert = FIRN_CONVERT_DECIMAL_FIXED;
      return FIRN_OK;
    case FIRN_PARQUET_BYTE_ARRAY:
      *convert = FIRN_CONVERT_DECIMAL_BYTES;
      return FIRN_OK;
    default:
      return wrong_storage(leaf, "a decimal", err);
  }
}

static firn_status time_kind(const firn_parquet_node *leaf, firn_field *field, firn_parquet_convert *convert,
                             firn_error *err) {
  field->kind = FIRN_KIND_TIME;
  if (leaf->unit == FIRN_UNIT_MILLIS && leaf->type == FIRN_PARQUET_INT32) {
    *convert = FIRN_CONVERT_MILLIS4;
    return FIRN_OK;
  }
  *convert = leaf->unit == FIRN_UNIT_NANOS ? FIRN_CONVERT_NANOS8 : FIRN_CONVERT_COPY8;
  bool is_right = leaf->type == FIRN_PARQUET_INT64 && leaf->unit > FIRN_UNIT_MILLIS;
  return is_right ? FIRN_OK : wrong_storage(leaf, "a time", err);
}

static firn_status timestamp_kind(const firn_parquet_node *leaf, firn_field *field,
                                  firn_parquet_convert *convert, firn_error *err) {
  if (leaf->type != FIRN_PARQUET_INT64 || leaf->unit == FIRN_UNIT_NONE) {
    return wrong_storage(leaf, "a timestamp", err);
  }
  bool nanos = leaf->unit == FIRN_UNIT_NANOS;
  if (leaf->is_utc) {
    field->kind = nanos ? FIRN_KIND_TIMESTAMPTZ_NS : FIRN_KIND_TIMESTAMPTZ;
  } else {
    field->kind = nanos ? FIRN_KIND_TIMESTAMP_NS : FIRN_KIND_TIMESTAMP;
  }
  *convert = leaf->unit == FIRN_UNIT_MILLIS ? FIRN_CONVERT_MILLIS8 : FIRN_CONVERT_COPY8;
  return FIRN_OK;
}

static firn_status integer_kind(const firn_parquet_node *leaf, firn_field *field,
                                firn_parquet_convert *convert, firn_error *err) {
  bool is_unsigned = leaf->logical == FIRN_LOGICAL_INTEGER && !leaf->is_signed;
  if (leaf->type == FIRN_PARQUET_INT32) {
    bool widened = is_unsigned && leaf->bit_width == 32;
    field->kind = widened ? FIRN_KIND_LONG : FIRN_KIND_INT;
    *convert = widened ? FIRN_CONVERT_UINT32 : FIRN_CONVERT_COPY4;
    return FIRN_OK;
  }
  if (leaf->type != FIRN_PARQUET_INT64) {
    return wrong_storage(leaf, "an integer", err);
  }
  field->kind = FIRN_KIND_LONG;
  *convert = FIRN_CONVERT_COPY8;
  if (is_unsigned && leaf->bit_width == 64) { /* a decimal holds all of them; a long would lose half */
    field->kind = FIRN_KIND_DECIMAL;
    field->precision = UINT64_DIGITS;
    *convert = FIRN_CONVERT_UINT64;
  }
  return FIRN_OK;
}

/* Leaves that no logical type explains. */
static firn_status plain_kind(const firn_parquet_node *leaf, firn_field *field, firn_parquet_convert *convert,
                              firn_error *err) {
  static const struct {
    firn_kind kind;
    firn_parquet_convert convert;
  } plain[] = {
      [FIRN_PARQUET_BOOLEAN] = {FIRN_KIND_BOOLEAN, FIRN_CONVERT_BITS},
      /* Who still writes INT96 means instants: Spark, Impala, Hive. */
      [FIRN_PARQUET_INT96] = {FIRN_KIND_TIMESTAMPTZ, FIRN_CONVERT_INT96},
      [FIRN_PARQUET_FLOAT] = {FIRN_KIND_FLOAT, FIRN_CONVERT_COPY4},
      [FIRN_PARQUET_DOUBLE] = {FIRN_KIND_DOUBLE, FIRN_CONVERT_COPY8},
      [FIRN_PARQUET_BYTE_ARRAY] = {FIRN_KIND_BINARY, FIRN_CONVERT_BYTES},
      [FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY] = {FIRN_KIND_FIXED, FIRN_CONVERT_FIXED},
  };
  if (leaf->type == FIRN_PARQUET_INT32 || leaf->type == FIRN_PARQUET_INT64) {
    return integer_kind(leaf, field, convert, err);
  }
  field->kind = plain[leaf->type].kind;
  field->width = field->kind == FIRN_KIND_FIXED ? (uint32_t)leaf->type_length : 0;
  *convert = plain[leaf->type].convert;
  return FIRN_OK;
}

static firn_status fixed_kind(const firn_parquet_node *leaf, firn_field *field, firn_parquet_convert *convert,
                              firn_error *err) {
  bool is_uuid = leaf->logical == FIRN_LOGICAL_UUID;
  if (leaf->type != FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY ||
      leaf->type_length != (is_uuid ? UUID_BYTES : HALF_BYTES)) {
    return wrong_storage(leaf, is_uuid ? "a uuid" : "a float16", err);
  }
  field->kind = is_uuid ? FIRN_KIND_UUID : FIRN_KIND_FLOAT;
  *convert = is_uuid ? FIRN_CONVERT_FIXED : FIRN_CONVERT_HALF;
  return FIRN_OK;
}

static firn_status bytes_kind(const firn_parquet_node *leaf, firn_field *field, firn_parquet_convert *convert,
                              firn_error *err) {
  if (leaf->type != FIRN_PARQUET_BYTE_ARRAY) {
    /* Text of a fixed length is seen in the wild; as fixed bytes it loses nothing. */
    return leaf->type == FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY ? plain_kind(leaf, field, convert, err)
                                                           : wrong_storage(leaf, "text", err);
  }
  *convert = FIRN_CONVERT_BYTES;
  switch (leaf->logical) {
    case FIRN_LOGICAL_GEOMETRY:
      field->kind = FIRN_KIND_GEOMETRY;
      break;
    case FIRN_LOGICAL_GEOGRAPHY:
      field->kind = FIRN_KIND_GEOGRAPHY;
      break;
    case FIRN_LOGICAL_BSON:
      field->kind = FIRN_KIND_BINARY;
      break;
    default:
      field->kind = FIRN_KIND_STRING;
      *convert = FIRN_CONVERT_TEXT;
      break;
  }
  field->crs = leaf->crs;
  field->algorithm = leaf->algorithm;
  return FIRN_OK;
}

firn_status firn_parquet_leaf_kind(const firn_parquet_node *leaf, firn_field *field,
                                   firn_parquet_convert *convert, firn_error *err) {
  switch (leaf->logical) {
    case FIRN_LOGICAL_DECIMAL:
      return decimal_kind(leaf, field, convert, err);
    case FIRN_LOGICAL_TIME:
      return time_kind(leaf, field, convert, err);
    case FIRN_LOGICAL_TIMESTAMP:
      return timestamp_kind(leaf, field, convert, err);
    case FIRN_LOGICAL_INTEGER:
      return integer_kind(leaf, field, convert, err);
    case FIRN_LOGICAL_DATE:
      field->kind = FIRN_KIND_DATE;
      *convert = FIRN_CONVERT_COPY4;
      return leaf->type == FIRN_PARQUET_INT32 ? FIRN_OK : wrong_storage(leaf, "a date", err);
    case FIRN_LOGICAL_UNKNOWN:
      field->kind = FIRN_KIND_UNKNOWN;
      *convert = FIRN_CONVERT_NOTHING;
      return FIRN_OK;
    case FIRN_LOGICAL_UUID:
    case FIRN_LOGICAL_FLOAT16:
      return fixed_kind(leaf, field, convert, err);
    case FIRN_LOGICAL_STRING:
    case FIRN_LOGICAL_ENUM:
    case FIRN_LOGICAL_JSON:
    case FIRN_LOGICAL_BSON:
    case FIRN_LOGICAL_GEOMETRY:
    case FIRN_LOGICAL_GEOGRAPHY:
      return bytes_kind(leaf, field, convert, err);
    /* Groups' annotations on a leaf say nothing, and intervals are twelve bytes to us. */
    case FIRN_LOGICAL_NONE:
    case FIRN_LOGICAL_MAP:
    case FIRN_LOGICAL_LIST:
    case FIRN_LOGICAL_VARIANT:
    case FIRN_LOGICAL_INTERVAL:
      break;
  }
  return plain_kind(leaf, field, convert, err);
}

/* Spec: LogicalTypes.md, Lists, backward-compatibility rules 1 to 4: is the repeated node the element? */
static bool repeated_is_element(const firn_parquet_node *list, const firn_parquet_node *repeated) {
  if (repeated->n_children != 1) {
    return true;
  }
  if (repeated->children[0].repetition == FIRN_PARQUET_REPEATED || strcmp(repeated->name, "array") == 0) {
    return true;
  }
  size_t len = strlen(list->name);
  return strncmp(repeated->name, list->name, len) == 0 && strcmp(repeated->name + len, "_tuple") == 0;
}

static void list_shape(const firn_parquet_node *list, const firn_parquet_node *repeated,
                       firn_parquet_shape *out) {
  bool itself = repeated_is_element(list, repeated);
  *out = (firn_parquet_shape){.kind = FIRN_KIND_LIST,
                              .repeated = repeated,
                              .children = {itself ? repeated : &repeated->children[0]},
                              .element_is_repeated = itself};
}

static firn_status map_shape(const firn_parquet_node *map, firn_parquet_shape *out, firn_error *err) {
  const firn_parquet_node *pairs = &map->children[0];
  bool right = map->n_children == 1 && pairs->repetition == FIRN_PARQUET_REPEATED &&
               (pairs->n_children == 1 || pairs->n_children == 2);
  for (uint32_t i = 0; right && i < pairs->n_children; i++) {
    right = pairs->children[i].repetition != FIRN_PARQUET_REPEATED;
  }
  if (!right) {
    return firn_error_set(err, FIRN_CORRUPT, "schema: the map %s is not a repeated group of keys and values",
                          map->name);
  }
  *out = (firn_parquet_shape){
      .kind = FIRN_KIND_MAP, .repeated = pairs, .children = {&pairs->children[0], &pairs->children[1]}};
  if (pairs->n_children == 1) { /* keys alone: a set */
    out->kind = FIRN_KIND_LIST;
    out->children[1] = NULL;
  }
  return FIRN_OK;
}

firn_status firn_parquet_shape_of(const firn_parquet_node *node, bool is_element, firn_parquet_shape *out,
                                  firn_error *err) {
  if (node->repetition == FIRN_PARQUET_REPEATED && !is_element) {
    *out = (firn_parquet_shape){
        .kind = FIRN_KIND_LIST, .repeated = node, .children = {node}, .element_is_repeated = true};
    return FIRN_OK;
  }
  if (node->n_children == 0) {
    *out = (firn_parquet_shape){.kind = FIRN_KIND_UNKNOWN};
    return FIRN_OK;
  }
  if (node->logical == FIRN_LOGICAL_LIST) {
    if (node->n_children != 1 || node->children[0].repetition != FIRN_PARQUET_REPEATED) {
      return firn_error_set(err, FIRN_CORRUPT, "schema: the list %s has no single repeated child",
                            node->name);
    }
    list_shape(node, &node->children[0], out);
    return FIRN_OK;
  }
  if (node->logical == FIRN_LOGICAL_MAP) {
    return map_shape(node, out, err);
  }
  *out = (firn_parquet_shape){.kind = FIRN_KIND_STRUCT};
  return FIRN_OK;
}

static firn_status field_of(const firn_parquet_node *node, bool is_element, firn_arena *arena,
                            firn_field *out, firn_error *err);

static firn_status children_of(const firn_parquet_node *node, const firn_parquet_shape *shape,
                               firn_arena *arena, firn_field *out, firn_error *err) {
  static const char *const names[] = {"key", "value"};
  bool is_struct = shape->kind == FIRN_KIND_STRUCT;
  out->n_children = is_struct ? node->n_children : shape->kind == FIRN_KIND_MAP ? 2 : 1;
  firn_field *children = firn_new_n(arena, firn_field, out->n_children);
  if (children == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
  }
  out->children = children;
  for (uint32_t i = 0; i < out->n_children; i++) {
    const firn_parquet_node *child = is_struct ? &node->children[i] : shape->children[i];
    FIRN_TRY(field_of(child, !is_struct && shape->element_is_repeated, arena, &children[i], err));
    if (!is_struct) {
      children[i].name = shape->kind == FIRN_KIND_MAP ? names[i] : "element";
      if (child == node) { /* the id of a bare repeated field is the list's */
        children[i].id = FIRN_NO_ID;
      }
    }
  }
  return FIRN_OK;
}

static firn_status field_of(const firn_parquet_node *node, bool is_element, firn_arena *arena,
                            firn_field *out, firn_error *err) {
  firn_parquet_shape shape;
  FIRN_TRY(firn_parquet_shape_of(node, is_element, &shape, err));
  *out = (firn_field){.id = node->field_id,
                      .name = node->name,
                      .required = node->repetition != FIRN_PARQUET_OPTIONAL,
                      .kind = shape.kind};
  if (shape.kind == FIRN_KIND_UNKNOWN) {
    firn_parquet_convert convert;
    return firn_parquet_leaf_kind(node, out, &convert, err);
  }
  return children_of(node, &shape, arena, out, err);
}

firn_status firn_parquet_schema_of(const firn_parquet_node *root, firn_arena *arena, const firn_field **out,
                                   firn_error *err) {
  firn_field *field = firn_new(arena, firn_field);
  if (field == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the schema");
  }
  firn_parquet_shape shape = {.kind = FIRN_KIND_STRUCT}; /* whatever the root is annotated as */
  *field = (firn_field){.id = FIRN_NO_ID, .name = root->name, .required = true, .kind = FIRN_KIND_STRUCT};
  FIRN_TRY(children_of(root, &shape, arena, field, err));
  *out = field;
  return FIRN_OK;
}
