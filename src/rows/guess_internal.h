/* What type rows seem to have, from some of them.
 *
 * Numbers: integers are long; those beyond 64 bits decimal(38, 0), beyond that string. With fractions or
 * exponents among them double, but string where that would change integers of 64 bits. Texts: timestamptz,
 * timestamp or date when all of them are that, else string. Objects are structs, arrays lists. Where kinds
 * mix, and where nesting is deep, string, which then holds JSON. Of what is only ever null or empty nothing
 * is known. */
#ifndef FIRN_ROWS_GUESS_INTERNAL_H
#define FIRN_ROWS_GUESS_INTERNAL_H

#include "base/json.h"
#include "column/type.h"

enum { FIRN_GUESS_MAX_FIELDS = 10000 };

typedef struct firn_guess firn_guess;

typedef struct firn_guessing {
  firn_arena arena;
  firn_guess *root;
  size_t n_fields;
} firn_guessing;

FIRN_MUST_USE firn_status firn_guessing_open(firn_guessing *g, firn_error *err);
void firn_guessing_free(firn_guessing *g);

/* One row: an object that has been checked to be JSON. `schema` (may be NULL) tells maps from structs.
 * FIRN_LIMIT when there are too many fields. */
FIRN_MUST_USE firn_status firn_guess_row(firn_guessing *g, firn_bytes object, const firn_field *schema,
                                         firn_error *err);
/* Field number `i` of a row of texts, named by firn_guess_column before; data NULL: null. */
FIRN_MUST_USE firn_status firn_guess_column(firn_guessing *g, firn_bytes name, firn_error *err);
void firn_guess_text(firn_guessing *g, size_t i, firn_bytes text);

/* A STRUCT of what is known, fields optional, without ids; in `arena`. `keep_unknown`: fields of which
 * nothing is known are strings, else they are left out. */
FIRN_MUST_USE firn_status firn_guess_schema(const firn_guessing *g, bool keep_unknown, firn_arena *arena,
                                            firn_field *out, firn_error *err);
/* What rows had and `schema` (a STRUCT) lacks or can be promoted to hold; without children: nothing. */
FIRN_MUST_USE firn_status firn_guess_beyond(const firn_guessing *g, const firn_field *schema,
                                            firn_arena *arena, firn_field *out, firn_error *err);

/* Whether a value tells a type at all: not null, not empty all the way down. `value` is checked JSON. */
bool firn_guess_tells(const firn_json_token *value);

#endif
