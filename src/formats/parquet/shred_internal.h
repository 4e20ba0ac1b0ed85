/* From vectors to leaves: repetition and definition levels, and the values that are there. Spec: README.md,
 * Nested Encoding.
 *
 * One column at a time and one step of its path at a time: each step turns an array of places (level, level,
 * position in a vector) into the next, so nothing recurses over rows. */
#ifndef FIRN_FORMATS_PARQUET_SHRED_INTERNAL_H
#define FIRN_FORMATS_PARQUET_SHRED_INTERNAL_H

#include "base/builder.h"
#include "column/vector.h"
#include "formats/parquet/metadata.h"

/* One vector on the way to a leaf. */
typedef struct firn_leaf_step {
  firn_kind kind;
  bool optional;
  uint32_t child; /* where to go on; the last step is the leaf itself */
} firn_leaf_step;

typedef struct firn_leaf_path {
  const firn_parquet_node *leaf;
  const firn_field *field; /* of the leaf */
  uint32_t column;
  size_t n_steps;
  const firn_leaf_step *steps;
  const char **names; /* from the root's child to the leaf, lists' and maps' middle groups included */
  size_t n_names;
  const char *dotted; /* the same as one text */
} firn_leaf_path;

/* The paths of all leaves of a schema, in their order; they live in `arena`. */
FIRN_MUST_USE firn_status firn_leaf_paths_of(const firn_field *schema, const firn_parquet_node *const *leaves,
                                             uint32_t n_leaves, firn_arena *arena, const firn_leaf_path **out,
                                             firn_error *err);

/* Some rows of one leaf. */
typedef struct firn_leaf_run {
  size_t n_rows, n_levels, n_values;
  const uint8_t *rep; /* NULL: all 0 */
  const uint8_t *def; /* NULL: all at their maximum */
  /* The values that are there, as they are stored: BOOLEAN a uint8_t, INT32 and FLOAT four bytes, INT64 and
   * DOUBLE eight, BYTE_ARRAY and FIXED_LEN_BYTE_ARRAY a firn_bytes each. */
  const void *values;
} firn_leaf_run;

/* Room that is used again and again. */
typedef struct firn_shredder {
  firn_builder rep[2], def[2], positions[2];
  firn_builder values, digits;
} firn_shredder;

void firn_shredder_free(firn_shredder *s);
size_t firn_shredder_memory(const firn_shredder *s);

/* Rows [first, first + n) of one leaf. `out` is borrowed from `s` and the batch until the next call. */
FIRN_MUST_USE firn_status firn_shred(firn_shredder *s, const firn_leaf_path *path, const firn_batch *batch,
                                     size_t first, size_t n, firn_leaf_run *out, firn_error *err);

/* What must hold before a row is taken: columns of the right kind and length, no null where none may be,
 * fixed values of their width, decimals of their precision. FIRN_INVALID names the column and row. */
FIRN_MUST_USE firn_status firn_batch_check_for_write(const firn_field *schema, const firn_batch *batch,
                                                     firn_error *err);

/* Bytes of text and binary in rows [first, first + n), to see large rows before they are taken. */
size_t firn_batch_text_bytes(const firn_batch *batch, size_t first, size_t n);

#endif
