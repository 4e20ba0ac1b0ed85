/* What the parts of the JSON reader share: the states of a reader and the two twins behind json.h. */
#ifndef FIRN_BASE_JSON_INTERNAL_H
#define FIRN_BASE_JSON_INTERNAL_H

#include "base/json.h"

/* What may come next (firn_json.expect). */
enum {
  FIRN_JSON_WANT_VALUE,        /* a value */
  FIRN_JSON_WANT_ITEM_OR_END,  /* behind '[': a value or ']' */
  FIRN_JSON_WANT_KEY_OR_END,   /* behind '{': a key or '}' */
  FIRN_JSON_WANT_COMMA_OR_END, /* behind a value in a container */
  FIRN_JSON_WANT_NOTHING,      /* behind the whole value */
  FIRN_JSON_FAILED,            /* an error was answered; every later call answers one too */
};

static inline bool firn_json_inside_object(const firn_json *j) {
  size_t top = j->depth - 1;
  return j->depth > 0 && (j->in_object[top / 64] >> (top % 64) & 1) != 0;
}

/* The plain reader, one byte after the other: the oracle that the fast one is tested against. */
FIRN_MUST_USE firn_status firn_json_plain_next(firn_json *j, firn_json_token *out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_plain_skip(firn_json *j, firn_bytes *span, firn_error *err);
FIRN_MUST_USE firn_status firn_json_plain_next_member(firn_json *j, firn_json_token *key,
                                                      firn_json_token *value, firn_error *err);
FIRN_MUST_USE firn_status firn_json_plain_next_item(firn_json *j, firn_json_token *item, firn_error *err);

#endif
