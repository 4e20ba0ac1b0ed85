/* Expressions over rows: filters of scans, of metadata, of deletes. Follows the Iceberg REST specification
 * (Expression and what it refers to) for shape and JSON, and the table specification (Scan Planning,
 * Partition Transforms) for meaning.
 *
 * An expression is a constant tree in the arena that made it; threads may share it. It is made unbound (names
 * and literals as somebody wrote them), and bound to a schema before anything is evaluated: a bound one has
 * field ids, literals of the field's own type, and no NOT above a predicate.
 *
 * Nulls and NaN: a comparison, IN and STARTS_WITH are false for null; their negations NOT_EQ, NOT_IN,
 * NOT_STARTS_WITH are true for it, as the reference has it. NOT of a predicate is the opposite predicate: not
 * x < 5 is x >= 5, false for null. Whoever wants SQL's three values says NOT_NULL beside them. NaN is equal
 * to itself and greater than every number; the two zeros are equal. */
#ifndef FIRN_ICEBERG_EXPR_EXPR_H
#define FIRN_ICEBERG_EXPR_EXPR_H

#include "iceberg/types/schema.h"
#include "iceberg/types/transform.h"

typedef enum firn_expr_op {
  FIRN_EXPR_TRUE = 0,
  FIRN_EXPR_FALSE,
  FIRN_EXPR_NOT, /* left */
  FIRN_EXPR_AND, /* left, right */
  FIRN_EXPR_OR,
  FIRN_EXPR_IS_NULL, /* predicates of one term */
  FIRN_EXPR_NOT_NULL,
  FIRN_EXPR_IS_NAN,
  FIRN_EXPR_NOT_NAN,
  FIRN_EXPR_LT, /* one literal */
  FIRN_EXPR_LT_EQ,
  FIRN_EXPR_GT,
  FIRN_EXPR_GT_EQ,
  FIRN_EXPR_EQ,
  FIRN_EXPR_NOT_EQ,
  FIRN_EXPR_STARTS_WITH,
  FIRN_EXPR_NOT_STARTS_WITH,
  FIRN_EXPR_IN, /* any number of literals; bound: sorted, each once */
  FIRN_EXPR_NOT_IN,
} firn_expr_op;

enum {
  FIRN_EXPR_MAX_DEPTH = 256,   /* of a tree that comes from outside */
  FIRN_EXPR_MAX_NODES = 65536, /* literals count */
};

/* A literal as somebody wrote it. Text may become anything when it is bound ('2024-01-01' a date, '00ff'
 * binary; a time without an offset is UTC), a whole number any number, the days of a date, the microseconds
 * of a time; a decimal carries its scale. Dates, times, UUIDs and binary may be given as what they are. */
typedef struct firn_literal {
  firn_value value;         /* never null */
  uint8_t precision, scale; /* DECIMAL */
} firn_literal;

typedef struct firn_expr firn_expr;

struct firn_expr {
  firn_expr_op op;
  const firn_expr *left, *right; /* NOT, AND, OR */
  /* Of predicates: */
  const char *name;         /* dotted name of the column, as written */
  firn_transform transform; /* of the term: identity where it is the column itself */
  size_t n_literals;
  const firn_literal *literals;
  /* After binding: */
  const firn_field *field; /* the source column; NULL: unbound */
  firn_field type; /* of the term's result: that of `field`, transformed; the literals' kind is its kind;
                      `required`: no struct around the column is ever null either */
};

/* Makers. All of them answer NULL when there is no memory, and NULL for a NULL operand, so that calls may be
 * nested and checked once. Constants fold: x AND TRUE is x. Names, literals and operands are borrowed. */
const firn_expr *firn_expr_constant(bool value);
const firn_expr *firn_expr_not(const firn_expr *e, firn_arena *arena);
const firn_expr *firn_expr_and(const firn_expr *left, const firn_expr *right, firn_arena *arena);
const firn_expr *firn_expr_or(const firn_expr *left, const firn_expr *right, firn_arena *arena);
const firn_expr *firn_expr_unary(firn_expr_op op, const char *name, firn_arena *arena);
const firn_expr *firn_expr_compare(firn_expr_op op, const char *name, firn_literal literal,
                                   firn_arena *arena);
const firn_expr *firn_expr_in(firn_expr_op op, const char *name, const firn_literal *literals, size_t n,
                              firn_arena *arena);

firn_literal firn_literal_bool(bool v);
firn_literal firn_literal_long(int64_t v);
firn_literal firn_literal_double(double v);
firn_literal firn_literal_text(const char *v);

/* A small text form, for options and tests:
 *
 *   ts >= '2024-01-01' and (region in ('eu', 'us') or not name like 'test%') and bucket[16](id) = 3
 *
 * =, !=, <>, <, <=, >, >=, [not] in, [not] between, is [not] null, is [not] nan, [not] like 'prefix%', and,
 * or, not, true, false; names may be "quoted" and dotted; keywords in any case. Literals: 5, 1.50 (a
 * decimal), 1.5e0 (a double), 'it''s', x'00ff', true, false, nan, infinity. Terms: bucket[16](id) or
 * bucket(16, id), day(ts) or days(ts). One sentence with the place where it goes wrong; bounded by
 * FIRN_EXPR_MAX_DEPTH and _NODES. */
FIRN_MUST_USE firn_status firn_expr_parse(firn_bytes text, firn_arena *arena, const firn_expr **out,
                                          firn_error *err);
/* And back: parsing it again gives the same tree. In `arena`; NULL: no memory. */
const char *firn_expr_text(const firn_expr *e, firn_arena *arena);

/* JSON of the REST specification (Expression). Bound expressions are written by column name. Unknown types of
 * expression, columns by id and functions are FIRN_UNSUPPORTED. */
FIRN_MUST_USE firn_status firn_expr_read(const firn_json_value *json, firn_arena *arena,
                                         const firn_expr **out, firn_error *err);
void firn_expr_write(const firn_expr *e, firn_json_writer *w);

/* Binds to a schema: finds columns (FIRN_NOT_FOUND names the one that is not there; a name in another case is
 * found when `any_case`, FIRN_INVALID when that fits two), converts literals exactly (a literal that the type
 * cannot hold folds the predicate: int < 3000000000 is TRUE for what is not null; '2024-13-01' for a date is
 * FIRN_INVALID; for float and double the nearest value), pushes NOT down, folds. Chains of AND and of OR,
 * however long, become even trees; what is still nested deeper than FIRN_EXPR_MAX_DEPTH is FIRN_LIMIT. A
 * predicate on a nested kind other than IS_NULL and NOT_NULL, and on a column in a list or a map, is
 * FIRN_INVALID. `schema` is borrowed. A bound expression may be bound anew, by field id; to the same schema
 * it stays as it is. */
FIRN_MUST_USE firn_status firn_expr_bind(const firn_expr *e, const firn_schema *schema, bool any_case,
                                         firn_arena *arena, const firn_expr **out, firn_error *err);

/* The ids of the source columns of a bound expression, each once, ascending. In `arena`. */
FIRN_MUST_USE firn_status firn_expr_field_ids(const firn_expr *e, firn_arena *arena, const int32_t **ids,
                                              size_t *n, firn_error *err);

/* Equal as trees (for tests and folding), bound or not. */
bool firn_expr_equal(const firn_expr *a, const firn_expr *b);

#endif
