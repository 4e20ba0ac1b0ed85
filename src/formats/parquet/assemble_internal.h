/* From the levels of leaves to vectors of structs, lists and maps: the tree of a reader's columns. */
#ifndef FIRN_FORMATS_PARQUET_ASSEMBLE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_ASSEMBLE_INTERNAL_H

#include "formats/parquet/leaf_internal.h"

/* A column, or a part of a nested one. A place for one of its values (a slot) is a level of its first leaf
 * with `rep` at most `slot_rep` and `def` at least `slot_def`; the value is not null where `def` is at least
 * `valid_def`. A list has an entry at each level with `rep` at most `entry_rep` and `def` at least
 * `entry_def`. */
typedef struct firn_parquet_column {
  firn_kind kind;
  bool nullable;
  uint8_t slot_rep, slot_def, valid_def, entry_rep, entry_def;
  uint32_t n_children;
  struct firn_parquet_column *children;
  firn_parquet_leaf *leaf; /* its own, or the first below it */
  firn_vector *vector;     /* where its values go */
  firn_parquet_buffer validity, offsets;
} firn_parquet_column;

/* How many leaves lie below a node, and the number of the first of them. */
uint32_t firn_parquet_count_leaves(const firn_parquet_node *node);
uint32_t firn_parquet_first_leaf(const firn_parquet_node *node);
/* How many of them are wanted: wanted[i] says it of leaf i of the file. NULL: all. */
uint32_t firn_parquet_wanted_leaves(const firn_parquet_node *node, const bool *wanted);

/* Makes the column of a node of the schema, of the leaves that are wanted; takes one off `*leaves` for each.
 */
FIRN_MUST_USE firn_status firn_parquet_column_init(firn_parquet_column *c, const firn_parquet_node *node,
                                                   const bool *wanted, firn_vector *vector,
                                                   firn_parquet_leaf **leaves, firn_arena *arena,
                                                   firn_error *err);
void firn_parquet_column_free(firn_parquet_column *c);

/* Fills the vectors of all nested parts, leaves having been read for `n_rows` rows. */
FIRN_MUST_USE firn_status firn_parquet_column_assemble(firn_parquet_column *c, size_t n_rows,
                                                       firn_error *err);

#endif
