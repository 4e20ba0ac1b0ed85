/* Words of the text form. */
#ifndef FIRN_ICEBERG_EXPR_WORDS_INTERNAL_H
#define FIRN_ICEBERG_EXPR_WORDS_INTERNAL_H

#include "iceberg/expr/expr.h"

static inline bool firn_is_name_start(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}
static inline bool firn_is_name_char(uint8_t c) {
  return firn_is_name_start(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Whether `word` is `lower` in any case. */
bool firn_word_is(firn_bytes word, const char *lower);
/* A word that cannot be a name without quotes. */
bool firn_word_is_reserved(firn_bytes word);

#endif
