/* A place in a statement's tokens, for the hand-written readers of statements: look, take, complain. */
#ifndef FIRN_SERVICES_SQL_PARSER_INTERNAL_H
#define FIRN_SERVICES_SQL_PARSER_INTERNAL_H

#include "services/sql/token_internal.h"

typedef struct firn_parser {
  firn_bytes text;
  const firn_token *tokens; /* the last is END */
  size_t n, at;
  firn_arena *arena;
} firn_parser;

static inline const firn_token *firn_parser_token(const firn_parser *p, size_t ahead) {
  return &p->tokens[p->at + ahead < p->n ? p->at + ahead : p->n];
}
static inline firn_bytes firn_parser_bytes(const firn_parser *p, const firn_token *t) {
  return (firn_bytes){p->text.data + t->at, t->len};
}
static inline bool firn_parser_is_over(const firn_parser *p) {
  return p->at >= p->n;
}

/* Whether the token `ahead` of the place is this word, in any case (never a quoted one), or this mark. */
bool firn_parser_sees(const firn_parser *p, size_t ahead, const char *word_or_mark);
/* Whether these words and marks, apart from each other by blanks, come next. */
bool firn_parser_sees_all(const firn_parser *p, const char *words);
/* The same, and passes over them. */
bool firn_parser_takes(firn_parser *p, const char *words);

/* FIRN_INVALID: "line 1, column 8: WANTED is expected, not ...". */
FIRN_MUST_USE firn_status firn_parser_fail(const firn_parser *p, const char *wanted, firn_error *err);
/* Passes over them or fails. */
FIRN_MUST_USE firn_status firn_parser_need(firn_parser *p, const char *words, firn_error *err);
FIRN_MUST_USE firn_status firn_parser_need_end(const firn_parser *p, firn_error *err);

/* A name: a word or a quoted name, unquoted. `what` for the complaint. */
FIRN_MUST_USE firn_status firn_parser_name(firn_parser *p, const char *what, const char **out,
                                           firn_error *err);
/* Names joined by dots, at most FIRN_SQL_MAX_PARTS. */
enum { FIRN_SQL_MAX_PARTS = 24 };
FIRN_MUST_USE firn_status firn_parser_names(firn_parser *p, const char *what, size_t *n,
                                            const char *const **out, firn_error *err);
/* A text: 'in quotes'. */
FIRN_MUST_USE firn_status firn_parser_quoted_text(firn_parser *p, const char *what, const char **out,
                                                  firn_error *err);
/* A whole number, perhaps with a minus before it. */
FIRN_MUST_USE firn_status firn_parser_whole(firn_parser *p, const char *what, int64_t *out, firn_error *err);

/* Passes over one bracket and all that is in it; the place must be at an opening bracket. */
FIRN_MUST_USE firn_status firn_parser_skip_brackets(firn_parser *p, firn_error *err);

/* Words that can be no alias without AS; words that can be no name without quotes. */
bool firn_parser_is_no_alias(firn_bytes word);
bool firn_parser_is_reserved(firn_bytes word);

#endif
