/* Base64 (RFC 4648, section 4): the standard alphabet, padded, nothing between. */
#ifndef FIRN_BASE_BASE64_H
#define FIRN_BASE_BASE64_H

#include "base/arena.h"
#include "base/builder.h"
#include "base/error.h"

/* FIRN_CORRUPT for a length, character or padding that is not base64, and for bits behind the end that are
 * not zero. */
FIRN_MUST_USE firn_status firn_base64_decode(firn_bytes text, firn_arena *arena, firn_bytes *out,
                                             firn_error *err);
void firn_base64_encode(firn_bytes bytes, firn_builder *out);

#endif
