/* SQL text as tokens: words, quoted names, texts, numbers, marks. Comments and blanks are left out.
 *
 * Quotes are those of the engine ('text', E'text', $tag$text$tag$, "name"), and Spark's `name` too. */
#ifndef FIRN_SERVICES_SQL_TOKEN_INTERNAL_H
#define FIRN_SERVICES_SQL_TOKEN_INTERNAL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum {
  FIRN_SQL_MAX_BYTES = 64 << 20, /* of a statement */
  FIRN_SQL_MAX_TOKENS = 8 << 20,
  /* Of brackets within each other, CASE too. The engine recurses: its parser and binder take about 5 kB of
   * stack for a level, and more than linear time. */
  FIRN_SQL_MAX_DEPTH = 200,
  /* Of "x -> y -> z" in one expression: the engine tries each arrow as a lambda and as an operator, which
   * doubles its work. */
  FIRN_SQL_MAX_ARROWS = 16,
};

typedef enum firn_token_kind {
  FIRN_TOKEN_END = 0,
  FIRN_TOKEN_WORD,   /* identifier or keyword, not quoted */
  FIRN_TOKEN_QUOTED, /* "identifier" or `identifier` */
  FIRN_TOKEN_TEXT,   /* 'text', E'text', $$text$$ */
  FIRN_TOKEN_NUMBER,
  FIRN_TOKEN_MARK, /* everything else, one operator or bracket at a time */
} firn_token_kind;

typedef struct firn_token {
  firn_token_kind kind;
  uint32_t at, len; /* bytes of the statement */
} firn_token;

/* Splits into tokens; the last is END, and `*n` does not count it. FIRN_INVALID, with line and column: a
 * quote or comment that does not end, too deep, no UTF-8, a zero byte. */
FIRN_MUST_USE firn_status firn_sql_tokens(firn_bytes text, firn_arena *arena, const firn_token **out,
                                          size_t *n, firn_error *err);

/* Line and column (in code points) of a place, both counted from 1. */
typedef struct firn_sql_place {
  size_t line, column;
} firn_sql_place;
firn_sql_place firn_sql_place_of(firn_bytes text, size_t at);

/* What a QUOTED, TEXT or WORD token says, quotes undone, in `arena`: a zero byte within (E'\0') is
 * FIRN_INVALID. Words are as written. */
FIRN_MUST_USE firn_status firn_token_text(firn_bytes text, const firn_token *t, firn_arena *arena,
                                          const char **out, firn_error *err);

#endif
