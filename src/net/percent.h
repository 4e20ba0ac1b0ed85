/* Percent-encoding (RFC 3986, section 2.1), decoded. */
#ifndef FIRN_NET_PERCENT_H
#define FIRN_NET_PERCENT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

/* Into `arena`; text without '%' is not copied. With `is_form` a '+' is a space, as in queries. FIRN_INVALID
 * for a '%' that two hexadecimal digits do not follow, and for an encoded NUL: nothing here may contain one.
 */
FIRN_MUST_USE firn_status firn_percent_decode(firn_bytes text, bool is_form, firn_arena *arena,
                                              firn_bytes *out, firn_error *err);

#endif
