/* Constants and casts of the engine's plans. */
#ifndef FIRN_SERVICES_SQL_FILTER_VALUE_INTERNAL_H
#define FIRN_SERVICES_SQL_FILTER_VALUE_INTERNAL_H

#include "base/json_tree.h"
#include "iceberg/expr/expr.h"

/* A column, or a value made of it by a cast that loses nothing or is one of the known roundings. */
typedef struct firn_filter_term {
  const firn_field *field;
  const char *name;     /* dotted */
  firn_bytes cast_type; /* "TIMESTAMP"; empty: none */
} firn_filter_term;

/* {"type", "is_null", "value"} as a literal. False: not understood, null, or too large. */
bool firn_filter_literal(const firn_json_value *constant, firn_arena *arena, firn_literal *out);

/* Whether comparisons of `cast(field as type)` can be told of the field itself. */
bool firn_filter_cast_is_known(const firn_field *field, const firn_json_value *type);

/* term op literal: true for every row for which the engine finds it true. `*is_exact`: and for no other.
 * NULL: no memory; TRUE where it is not known. */
const firn_expr *firn_filter_compare(const firn_filter_term *term, firn_expr_op op, firn_literal literal,
                                     firn_arena *arena, bool *is_exact);

#endif
