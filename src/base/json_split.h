/* Finds where a JSON value ends in text that comes in pieces, without checking it: to cut the items of a long
 * array, or values that follow each other, out of a stream before a reader looks at each. What is no JSON is
 * cut somewhere, and the reader of the piece will say what is wrong. */
#ifndef FIRN_BASE_JSON_SPLIT_H
#define FIRN_BASE_JSON_SPLIT_H

#include "base/bytes.h"

/* Zero at the first byte of a value, which is no white space. */
typedef struct firn_json_splitter {
  size_t depth;
  uint8_t within; /* private */
} firn_json_splitter;

/* Goes on through `piece`, which continues the value. True when the value ends in it: `*used` bytes of the
 * piece belong to it, and the splitter is zero again. False when all of the piece does, and more may.
 *
 * An object, array or string ends with its last byte; anything else (a number, a word) before the first byte
 * that is white space, a comma or a closing bracket: at the end of the stream the caller knows that it has
 * ended. */
bool firn_json_split(firn_json_splitter *s, firn_bytes piece, size_t *used);

#endif
