/* What the halves of pruning share: one predicate against statistics, one predicate through one transform. */
#ifndef FIRN_ICEBERG_EXPR_PRUNE_INTERNAL_H
#define FIRN_ICEBERG_EXPR_PRUNE_INTERNAL_H

#include "iceberg/expr/prune.h"

/* A bound predicate (no AND, OR, constant) against what is known of its column: whether a row may match,
 * whether every row must. */
bool firn_predicate_may(const firn_expr *e, const firn_column_stats *s);
bool firn_predicate_must(const firn_expr *e, const firn_column_stats *s);

/* What a bound predicate says of the values of one partition field (a child of a partition type, bound as its
 * column is): TRUE when nothing inclusively, FALSE when nothing strictly. */
FIRN_MUST_USE firn_status firn_predicate_project(const firn_expr *e, const firn_partition_field *field,
                                                 const firn_field *partition_child, bool strict,
                                                 firn_arena *arena, const firn_expr **out, firn_error *err);

#endif
