/* What the files of this room share: the order of values in predicates, predicates on one value, trees. */
#ifndef FIRN_ICEBERG_EXPR_EXPR_INTERNAL_H
#define FIRN_ICEBERG_EXPR_EXPR_INTERNAL_H

#include "iceberg/expr/expr.h"

/* IS_NULL and NOT_NULL have no literal, IN and NOT_IN any number, the other predicates one. */
static inline bool firn_op_is_predicate(firn_expr_op op) {
  return op >= FIRN_EXPR_IS_NULL;
}
static inline bool firn_op_is_unary(firn_expr_op op) {
  return op >= FIRN_EXPR_IS_NULL && op <= FIRN_EXPR_NOT_NAN;
}
static inline bool firn_op_is_set(firn_expr_op op) {
  return op == FIRN_EXPR_IN || op == FIRN_EXPR_NOT_IN;
}
static inline bool firn_kind_is_real(firn_kind k) {
  return k == FIRN_KIND_FLOAT || k == FIRN_KIND_DOUBLE;
}

/* LT for GT_EQ, NOT_IN for IN, AND for OR, ...; of all but NOT. */
firn_expr_op firn_op_negated(firn_expr_op op);

bool firn_value_is_nan(const firn_value *v);

/* The order of predicates, of values that are not null and of one kind: as firn_value_compare, but the two
 * zeros are equal, as they are in every query language. */
int firn_value_order(const firn_value *a, const firn_value *b);

/* Whether a bound IN's list has the value: by halving. */
bool firn_literals_have(const firn_expr *e, const firn_value *v);

/* A bound predicate on one value of its term, null or of the kind of `e->type`. */
bool firn_predicate_holds(const firn_expr *e, const firn_value *v);

/* `v`, null or of type `from`, as a value of type `to`, where a promotion leads there (or the reverse of one,
 * without loss). False: nothing is known of it. */
bool firn_value_adapt(const firn_value *v, const firn_field *from, const firn_field *to, firn_value *out);

/* Operands joined by AND or OR, halved again and again, so that a thousand of them make a tree of depth ten.
 * At least one; NULL: no memory. */
const firn_expr *firn_expr_join(firn_expr_op op, const firn_expr *const *operands, size_t n,
                                firn_arena *arena);

/* A predicate like `from` with another op and other literals. */
const firn_expr *firn_expr_like(const firn_expr *from, firn_expr_op op, const firn_literal *literals,
                                size_t n, firn_arena *arena);

#endif
