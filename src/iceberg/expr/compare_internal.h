/* Comparisons of whole columns: one loop for each kind and question, the answer a bit a row. What is null is
 * somebody else's matter; bits beyond the last row are unspecified. */
#ifndef FIRN_ICEBERG_EXPR_COMPARE_INTERNAL_H
#define FIRN_ICEBERG_EXPR_COMPARE_INTERNAL_H

#include "iceberg/expr/expr.h"

/* The questions; the other three are their opposites. */
typedef enum firn_compare_op { FIRN_COMPARE_LT, FIRN_COMPARE_LT_EQ, FIRN_COMPARE_EQ } firn_compare_op;

void firn_compare_i32(const int32_t *v, size_t n, firn_compare_op op, int32_t x, uint64_t *out);
void firn_compare_i64(const int64_t *v, size_t n, firn_compare_op op, int64_t x, uint64_t *out);
void firn_compare_f32(const float *v, size_t n, firn_compare_op op, float x, uint64_t *out);
void firn_compare_f64(const double *v, size_t n, firn_compare_op op, double x, uint64_t *out);
void firn_compare_decimal(const firn_decimal *v, size_t n, firn_compare_op op, firn_decimal x, uint64_t *out);
void firn_compare_bytes(const firn_bytes *v, size_t n, firn_compare_op op, firn_bytes x, uint64_t *out);
void firn_prefix_bytes(const firn_bytes *v, size_t n, firn_bytes prefix, uint64_t *out);
void firn_nan_f32(const float *v, size_t n, uint64_t *out);
void firn_nan_f64(const double *v, size_t n, uint64_t *out);

/* A set of values made ready to be looked up for `n_rows` rows: what costs more to make than it saves is not
 * made. `kind` is that of the column; literals are sorted, each once, at least one. */
typedef struct firn_value_set firn_value_set;
/* NULL: no memory. */
const firn_value_set *firn_value_set_new(firn_kind kind, const firn_literal *literals, size_t n,
                                         size_t n_rows, firn_arena *arena);
/* `values` as a vector of the set's kind has them. */
void firn_value_set_has(const firn_value_set *set, const void *values, size_t n, uint64_t *out);

#endif
