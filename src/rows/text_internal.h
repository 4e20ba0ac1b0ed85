/* Single values written as text, as CSV fields and JSON strings have them, into a column.
 *
 * Times: the Iceberg specification's JSON forms (base/time.h), a blank instead of T, an offset of hours alone
 * ("+00", as PostgreSQL writes it); digits beyond microseconds are dropped. */
#ifndef FIRN_ROWS_TEXT_INTERNAL_H
#define FIRN_ROWS_TEXT_INTERNAL_H

#include "rows/columns_internal.h"

/* Sets value `i`. FIRN_INVALID when the text is no such value; `err` is left alone then. Texts are borrowed,
 * so they must live as long as the batch. Nested kinds are FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_column_set_text(firn_columns *c, firn_column *column, size_t i,
                                               firn_bytes text, firn_error *err);
/* The same for a number as JSON writes it. `is_integer`: it has no fraction and no exponent. */
FIRN_MUST_USE firn_status firn_column_set_number(firn_column *column, size_t i, firn_bytes number,
                                                 bool is_integer, firn_error *err);

/* An exact decimal: digits, a point, an exponent; zeros behind its last digit do not count against the scale.
 */
bool firn_decimal_of_number(firn_bytes text, unsigned precision, unsigned scale, firn_decimal *out);
/* How many digits it has before and behind the point, zeros at the ends left out; false: more than 76 or so.
 */
bool firn_number_digits(firn_bytes text, unsigned *before, unsigned *behind);
/* Whether a text is a number as JSON writes it, and without a fraction and exponent. */
bool firn_text_is_number(firn_bytes text, bool *is_integer);

/* Which times a text may be. */
bool firn_text_date(firn_bytes text, int32_t *out);
bool firn_text_timestamp(firn_bytes text, firn_kind kind, int64_t *out);

#endif
