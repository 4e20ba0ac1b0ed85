/* How nodes of a Parquet schema become fields and values: shared by metadata, the reader and the statistics.
 * Follows parquet-format: LogicalTypes.md, with its backward-compatibility rules for lists and maps. */
#ifndef FIRN_FORMATS_PARQUET_SCHEMA_INTERNAL_H
#define FIRN_FORMATS_PARQUET_SCHEMA_INTERNAL_H

#include "base/cursor.h"
#include "formats/parquet/metadata.h"
#include "formats/thrift/thrift.h"

enum { FIRN_PARQUET_MAX_LEVEL = 255, FIRN_PARQUET_MAX_LEAVES = 1 << 17 };

/* What is done to the stored values of a leaf to make values of its kind. */
typedef enum firn_parquet_convert {
  FIRN_CONVERT_BITS,          /* booleans */
  FIRN_CONVERT_COPY4,         /* int, date, float */
  FIRN_CONVERT_COPY8,         /* long, double, times in their own unit */
  FIRN_CONVERT_UINT32,        /* to long */
  FIRN_CONVERT_UINT64,        /* to decimal(20, 0) */
  FIRN_CONVERT_HALF,          /* float16 to float */
  FIRN_CONVERT_MILLIS4,       /* time */
  FIRN_CONVERT_MILLIS8,       /* timestamp */
  FIRN_CONVERT_NANOS8,        /* time; only whole microseconds */
  FIRN_CONVERT_INT96,         /* timestamp of Julian day and nanoseconds */
  FIRN_CONVERT_DECIMAL4,      /* from INT32 */
  FIRN_CONVERT_DECIMAL8,      /* from INT64 */
  FIRN_CONVERT_DECIMAL_FIXED, /* from big-endian bytes of one width */
  FIRN_CONVERT_FIXED,         /* views of one width */
  FIRN_CONVERT_BYTES,         /* views */
  FIRN_CONVERT_TEXT,          /* views of what must be UTF-8 */
  FIRN_CONVERT_DECIMAL_BYTES, /* from big-endian bytes of any width */
  FIRN_CONVERT_NOTHING,       /* the unknown kind: there are no values */
} firn_parquet_convert;

/* Kind, parameters and conversion of a leaf. */
FIRN_MUST_USE firn_status firn_parquet_leaf_kind(const firn_parquet_node *leaf, firn_field *field,
                                                 firn_parquet_convert *convert, firn_error *err);

/* What a node is once legacy shapes are resolved. */
typedef struct firn_parquet_shape {
  firn_kind kind; /* STRUCT, LIST, MAP, or UNKNOWN for a leaf */
  /* LIST, MAP: the repeated node below, whose levels say where elements are. */
  const firn_parquet_node *repeated;
  /* LIST: the element, which may be `repeated` itself. MAP: keys and values. */
  const firn_parquet_node *children[2];
  bool element_is_repeated; /* LIST: children[0] is `repeated`, taken as one element */
} firn_parquet_shape;

/* `is_element`: `node` is a repeated node that a list above has already accounted for. */
FIRN_MUST_USE firn_status firn_parquet_shape_of(const firn_parquet_node *node, bool is_element,
                                                firn_parquet_shape *out, firn_error *err);

/* Reads the list of SchemaElements and makes the tree of it, levels and leaves filled in. */
FIRN_MUST_USE firn_status firn_parquet_tree_read(firn_thrift_reader *r, firn_thrift_field f,
                                                 firn_arena *arena, firn_parquet_metadata *out,
                                                 firn_error *err);

/* "INT32", "a time in nanoseconds"... for messages. */
const char *firn_parquet_type_name(firn_parquet_type type);

/* Bytes of one stored value; 0 for BOOLEAN and BYTE_ARRAY. */
size_t firn_parquet_stored_width(const firn_parquet_node *leaf);

#endif
