/* From the columns of a file to the columns of the table: by field id, with promotions; what a file lacks is
 * a partition value, a default or null. Follows the Iceberg specification: Column Projection; Schema
 * Evolution. */
#ifndef FIRN_ICEBERG_SCAN_PROJECT_H
#define FIRN_ICEBERG_SCAN_PROJECT_H

#include "iceberg/meta/manifest.h"

typedef struct firn_projection firn_projection;

struct firn_projection {
  const firn_field *wanted;
  bool from_file;
  uint32_t child;      /* from_file: which child of the file's parent field */
  firn_kind file_kind; /* from_file: what the file has, when it must be promoted */
  firn_value constant; /* else: of every row */
  uint32_t n_children; /* of nested kinds: one for each child of `wanted` */
  firn_projection *children;
};

/* `wanted` and `file` are STRUCTs. `entry` (may be NULL) and `spec` give identity partition values.
 * FIRN_CORRUPT where a type cannot become the table's, or a required field is missing. In `arena`. */
FIRN_MUST_USE firn_status firn_projection_new(const firn_field *wanted, const firn_field *file,
                                              const firn_data_file *entry, const firn_partition_spec *spec,
                                              firn_arena *arena, firn_projection *out, firn_error *err);

/* One vector of the table from the vectors of the file's fields. Arrays are shared where nothing changes,
 * else in `arena`. */
FIRN_MUST_USE firn_status firn_projection_apply(const firn_projection *p, const firn_vector *file_vectors,
                                                size_t n_rows, firn_arena *arena, firn_vector *out,
                                                firn_error *err);

/* A value of a file's field as one of the table's, such as a bound: by promotion; null where it cannot be
 * one. Order is kept. */
firn_value firn_value_promote(const firn_value *from, firn_kind wanted);

/* Which leaves of the file, counted in the order of its schema, the projection reads: sets leaves[i], and
 * clears none. A struct of which no child is wanted still needs one, to be null or not. `file` is the STRUCT
 * that the projection was made with. */
void firn_projection_mark(const firn_projection *p, const firn_field *file, bool *leaves);
/* From the children of `file` to those of a reader of just the columns that have a marked leaf. */
void firn_projection_renumber(firn_projection *p, const firn_field *file, const bool *leaves);
/* How many leaves lie below a field; 1 for a leaf itself. */
uint32_t firn_field_leaves(const firn_field *field);

#endif
