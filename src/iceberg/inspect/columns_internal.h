/* The columns of the metadata tables: constant ones, and those that follow from the table's own columns and
 * partition specs. */
#ifndef FIRN_ICEBERG_INSPECT_COLUMNS_INTERNAL_H
#define FIRN_ICEBERG_INSPECT_COLUMNS_INTERNAL_H

#include "iceberg/inspect/inspect.h"

/* A column of the partition struct, which all specs of the table share: fields of one id that mean the same
 * are one column. */
typedef struct firn_unified_field {
  firn_field type; /* its name, id and type */
  int32_t source_id;
  firn_transform transform;
} firn_unified_field;

typedef struct firn_unified {
  size_t n;
  const firn_unified_field *fields; /* in the order of their ids */
} firn_unified;

/* A column with statistics: one of a primitive type, wherever it stands in the schema. */
typedef struct firn_measured {
  const char *name; /* dotted */
  const firn_field *field;
} firn_measured;

typedef struct firn_metadata_columns {
  firn_field root; /* a STRUCT of all columns */
  firn_unified partition;
  size_t n_measured;
  const firn_measured *measured; /* in the order of readable_metrics */
} firn_metadata_columns;

/* What the columns hold of `metadata` is borrowed; the rest is in `arena`. */
FIRN_MUST_USE firn_status firn_columns_make(firn_inspect_kind kind, const firn_metadata *metadata,
                                            firn_arena *arena, firn_metadata_columns *out, firn_error *err);

/* Where, in a tuple of `spec`, the unified column stands; -1: the spec does not have it. */
int firn_unified_place(const firn_unified_field *column, const firn_partition_spec *spec);

#endif
