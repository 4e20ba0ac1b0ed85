/* What the parts of the JSON reader share: the states of a reader, and its twins behind json.h. */
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

/* What follows the backslash before `at`, when it makes a whole escape: its length, with a surrogate pair's
 * second half; else 0. */
size_t firn_json_escape_len(const uint8_t *at, const uint8_t *end);

/* A reader: the functions of json.h. All give the same answers, to the letter. */
typedef struct firn_json_reader {
  firn_status (*next)(firn_json *j, firn_json_token *out, firn_error *err);
  firn_status (*skip)(firn_json *j, firn_bytes *span, firn_error *err);
  firn_status (*next_member)(firn_json *j, firn_json_token *key, firn_json_token *value, firn_error *err);
  firn_status (*next_item)(firn_json *j, firn_json_token *item, firn_error *err);
} firn_json_reader;

/* One byte after the other: the oracle. */
extern const firn_json_reader firn_json_plain;
/* Eight bytes at a time, on any machine. */
extern const firn_json_reader firn_json_swar;
/* Thirty-two at a time; there on x86-64 only, and to be used where the processor has AVX2 and BMI. */
extern const firn_json_reader firn_json_avx2;

#endif
