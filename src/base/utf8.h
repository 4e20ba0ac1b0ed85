/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#ifndef FIRN_BASE_UTF8_H
#define FIRN_BASE_UTF8_H

#include "base/bytes.h"

#define FIRN_UTF8_REPLACEMENT 0xFFFDu

/* The code point that begins at `at` and its length in bytes, 1 to 4; 0 when there is none or it is not UTF-8
 * (`*out` is then untouched). */
size_t firn_utf8_decode(const uint8_t *at, const uint8_t *end, uint32_t *out);

/* Writes a code point, which must be one, and returns its length. */
size_t firn_utf8_encode(uint32_t code_point, uint8_t out[4]);

bool firn_utf8_is_valid(firn_bytes text);
/* How many bytes at the start are valid: `text.len` when all are. */
size_t firn_utf8_valid_len(firn_bytes text);

/* Code points in valid text. */
size_t firn_utf8_count(firn_bytes text);
/* The first `n_code_points` of valid text. */
firn_bytes firn_utf8_prefix(firn_bytes text, size_t n_code_points);

#endif
