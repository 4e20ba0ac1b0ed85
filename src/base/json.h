/* A pull reader for JSON (RFC 8259) over bytes in memory. It gives spans of its input, so a payload can be
 * kept byte for byte; it never copies and never allocates.
 *
 * Everything it yields has been checked: grammar, UTF-8, escapes, lone surrogates (refused), control
 * characters in strings, depth. Numbers are spans too; int64 is exact. The reader is a value on the caller's
 * stack, for one thread. */
#ifndef FIRN_BASE_JSON_H
#define FIRN_BASE_JSON_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { FIRN_JSON_MAX_DEPTH = 512 }; /* deeper input is FIRN_LIMIT */

typedef enum firn_json_kind {
  FIRN_JSON_END, /* the text is over */
  FIRN_JSON_OBJECT,
  FIRN_JSON_OBJECT_END,
  FIRN_JSON_ARRAY,
  FIRN_JSON_ARRAY_END,
  FIRN_JSON_KEY,
  FIRN_JSON_STRING,
  FIRN_JSON_NUMBER,
  FIRN_JSON_TRUE,
  FIRN_JSON_FALSE,
  FIRN_JSON_NULL,
} firn_json_kind;

typedef struct firn_json_token {
  firn_json_kind kind;
  firn_bytes raw;   /* the token as written; for KEY and STRING what stands between the quotes */
  bool has_escapes; /* KEY and STRING: `raw` holds a backslash */
  bool is_integer;  /* NUMBER: no fraction, no exponent */
} firn_json_token;

typedef struct firn_json {
  const uint8_t *start, *at, *end;
  size_t depth;
  uint8_t expect;                               /* what may come next; private */
  uint64_t in_object[FIRN_JSON_MAX_DEPTH / 64]; /* a bit for each open container: is it an object */
} firn_json;

/* `text` is borrowed while the reader is used. A byte order mark is refused. */
void firn_json_init(firn_json *j, firn_bytes text);

/* The next token. Errors (FIRN_CORRUPT, FIRN_LIMIT) name the offset in the text; after one the reader only
 * answers errors. */
FIRN_MUST_USE firn_status firn_json_next(firn_json *j, firn_json_token *out, firn_error *err);

/* Where a value is due: checks and passes over one whole value and yields its exact span, without white space
 * around it. FIRN_INVALID where none is due. */
FIRN_MUST_USE firn_status firn_json_skip(firn_json *j, firn_bytes *span, firn_error *err);

/* Inside an object, behind its OBJECT token: the next member, its value passed over as a whole. `value->kind`
 * says what the value is; `value->raw` is the token, of an OBJECT or ARRAY all of it, ends included. After
 * the last member `key->kind` is FIRN_JSON_OBJECT_END and `value` is left alone. The fastest way through an
 * object. FIRN_INVALID elsewhere. */
FIRN_MUST_USE firn_status firn_json_next_member(firn_json *j, firn_json_token *key, firn_json_token *value,
                                                firn_error *err);
/* The same inside an array: its next item; `item->kind` is FIRN_JSON_ARRAY_END after the last. */
FIRN_MUST_USE firn_status firn_json_next_item(firn_json *j, firn_json_token *item, firn_error *err);

/* The text of a KEY or STRING token, unescaped into `arena`. firn_json_text spares the call where nothing is.
 */
FIRN_MUST_USE firn_status firn_json_unescape(const firn_json_token *token, firn_arena *arena, firn_bytes *out,
                                             firn_error *err);

/* The text of a KEY or STRING token: its span where nothing is escaped, else unescaped into `arena`. */
FIRN_MUST_USE static inline firn_status firn_json_text(const firn_json_token *token, firn_arena *arena,
                                                       firn_bytes *out, firn_error *err) {
  if ((token->kind == FIRN_JSON_STRING || token->kind == FIRN_JSON_KEY) && !token->has_escapes) {
    *out = token->raw;
    return FIRN_OK;
  }
  return firn_json_unescape(token, arena, out, err);
}

/* A NUMBER token's value; FIRN_INVALID when it is no number, has a fraction or exponent, or does not fit. */
FIRN_MUST_USE firn_status firn_json_int64(const firn_json_token *token, int64_t *out, firn_error *err);
/* The nearest double, whatever the locale; the strings "NaN", "Infinity" and "-Infinity" count too.
 * FIRN_INVALID for other tokens and for numbers beyond the largest double. */
FIRN_MUST_USE firn_status firn_json_double(const firn_json_token *token, double *out, firn_error *err);

/* Whether `text` is exactly one JSON value, white space around it allowed. */
bool firn_json_is_valid(firn_bytes text);

static inline size_t firn_json_offset(const firn_json *j) {
  return (size_t)(j->at - j->start);
}

#endif
