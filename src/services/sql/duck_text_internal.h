/* Values of the engine's types that have no firn kind, as text. */
#ifndef FIRN_SERVICES_SQL_DUCK_TEXT_INTERNAL_H
#define FIRN_SERVICES_SQL_DUCK_TEXT_INTERNAL_H

#include "services/sql/duck_internal.h"

/* The bytes of a value, in the vector itself or where it points. */
static inline firn_bytes firn_duck_text_bytes(const duck_text *text) {
  return (firn_bytes){(const uint8_t *)(text->len <= DUCK_TEXT_INLINE ? text->inlined : text->far.at),
                      text->len};
}

/* Value `i` of INTERVAL, TIME_TZ, TIME_NS, BIT or BIGNUM, in `arena`. */
FIRN_MUST_USE firn_status firn_duck_show(duck_type_id id, const void *data, size_t i, firn_arena *arena,
                                         firn_bytes *out, firn_error *err);
/* A value of a firn vector: text as it is, anything else as its JSON. */
FIRN_MUST_USE firn_status firn_duck_show_value(const firn_vector *v, const firn_field *field, size_t i,
                                               firn_arena *arena, firn_bytes *out, firn_error *err);

#endif
