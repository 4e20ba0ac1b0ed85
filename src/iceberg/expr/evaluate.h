/* Bound expressions on rows that are there: a single row's values, or a batch at a time. */
#ifndef FIRN_ICEBERG_EXPR_EVALUATE_H
#define FIRN_ICEBERG_EXPR_EVALUATE_H

#include "column/vector.h"
#include "iceberg/expr/expr.h"

/* On a tuple: values[i] belongs to child i of `type`, by whose ids the expression was bound. Exact. */
FIRN_MUST_USE firn_status firn_expr_eval(const firn_expr *e, const firn_field *type, const firn_value *values,
                                         bool *out, firn_error *err);

/* Which rows match: bit i of `out` (room for batch->n_rows bits, bits beyond them unspecified) is set where
 * row i does. Fields are found in batch->schema by id, below structs too. A column that is not in the batch
 * is taken as matching when `missing_matches`, else FIRN_NOT_FOUND; one of another type than it was bound to
 * is FIRN_INVALID. Scratch memory comes from `arena`. */
FIRN_MUST_USE firn_status firn_expr_filter(const firn_expr *e, const firn_batch *batch, bool missing_matches,
                                           firn_arena *arena, uint64_t *out, firn_error *err);

#endif
