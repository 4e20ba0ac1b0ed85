/* Literals as somebody wrote them become values of a column's type. */
#ifndef FIRN_ICEBERG_EXPR_LITERAL_INTERNAL_H
#define FIRN_ICEBERG_EXPR_LITERAL_INTERNAL_H

#include "iceberg/expr/expr.h"

/* Where a literal lies among the values of a type. */
typedef enum firn_fit {
  FIRN_FIT_EXACT,
  FIRN_FIT_BETWEEN, /* above the value given, which is the largest below it */
  FIRN_FIT_BELOW,   /* below all of them */
  FIRN_FIT_ABOVE,
} firn_fit;

/* Whole numbers, decimals, dates and times are compared exactly; for float and double the nearest value is
 * taken, as engines do. Whole numbers are days for a date and microseconds for times. A time without an
 * offset is UTC. Bytes that are made anew are in `arena`. FIRN_INVALID where no value can be meant. */
FIRN_MUST_USE firn_status firn_literal_convert(const firn_literal *in, const firn_field *type,
                                               firn_arena *arena, firn_value *out, firn_fit *fit,
                                               firn_error *err);

/* Decimal digits as somebody wrote them: an optional sign, digits, one point, an exponent. False when the
 * text is no number or has more than 38 digits in front of its zeros. */
bool firn_decimal_literal(firn_bytes text, firn_decimal *unscaled, int *exponent);

#endif
