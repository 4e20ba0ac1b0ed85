/* From the columns of somebody's batches to those of a table, by name (column/names.h), at any depth.
 *
 * A value becomes the table's type only when it stays what it was: integers and decimals of any width that
 * hold it, float as double, integers as double where they are exact, a decimal as the nearest double (as its
 * text would be read), a date as the start of its day, nanoseconds as whole microseconds. Else it is refused
 * with the row. */
#ifndef FIRN_SERVICES_LOAD_FIT_INTERNAL_H
#define FIRN_SERVICES_LOAD_FIT_INTERNAL_H

#include "column/vector.h"

typedef struct firn_fit firn_fit;

struct firn_fit {
  const firn_field *to;
  const firn_field *from; /* NULL: null in every row */
  uint32_t child;         /* of the parent of `from` */
  firn_fit *children;     /* one for each child of `to` */
};

/* What stands in the way, and what the table would have to be. */
typedef struct firn_fit_gap {
  firn_field
      wanted;   /* a STRUCT for FIRN_CHANGE_WIDEN: with new columns, and promoted types where `promote` */
  size_t n_new; /* columns and nested fields that the table lacks */
  const char *first_new; /* the dotted name of one; NULL: none */
  size_t n_promotions;   /* types that the table can be promoted to */
  size_t n_optional;     /* required columns that the source lacks */
  const char *const *optional;
  const char *refusal; /* the sentence about a type that cannot become the table's; NULL: none */
} firn_fit_gap;

typedef struct firn_fit_how {
  bool promote; /* wider types of the source count as promotions instead of being judged value by value */
  bool by_id; /* the source is an earlier form of the table: its fields are found by id, where they have one,
                 else by name */
} firn_fit_how;

/* `to` and `from` are STRUCTs. FIRN_INVALID when two columns of the source would be one. In `arena`,
 * borrowing both fields. `out` may be applied when there is no gap. */
FIRN_MUST_USE firn_status firn_fit_new(const firn_field *to, const firn_field *from, firn_fit_how how,
                                       firn_arena *arena, firn_fit *out, firn_fit_gap *gap, firn_error *err);

/* The batch as the table has it: shared where nothing changes, else in `arena`. `first_row` is the number of
 * its first row in error texts. FIRN_INVALID when a value does not fit, or is missing: `*missing` is then
 * the field that needs it, else NULL. */
FIRN_MUST_USE firn_status firn_fit_apply(const firn_fit *fit, const firn_batch *from, uint64_t first_row,
                                         firn_arena *arena, firn_batch *out, const firn_field **missing,
                                         firn_error *err);

/* The schema of a new table for such batches: every field optional, types that tables do not have (of version
 * 2) as the nearest that they have. In `arena`. */
FIRN_MUST_USE firn_status firn_fit_schema(const firn_field *from, firn_arena *arena, firn_field *out,
                                          firn_error *err);

/* `n` values of a type that is not nested; `from` NULL: nulls, of nested types too. FIRN_INVALID says why a
 * value does not fit, and `*bad_row` which one it is. */
FIRN_MUST_USE firn_status firn_fit_convert(const firn_vector *from, const firn_field *from_type,
                                           const firn_field *to, size_t n, firn_arena *arena,
                                           firn_vector *out, size_t *bad_row, firn_error *err);
/* Whether values of one type may become those of another at all. Both not nested. */
bool firn_fit_may_convert(const firn_field *from, const firn_field *to);

#endif
