/* One value of a configuration: from text by its key's type, and back. config.c knows where values are. */
#ifndef FIRN_BASE_CONFIG_INTERNAL_H
#define FIRN_BASE_CONFIG_INTERNAL_H

#include "base/config.h"

/* Puts the value that `text` writes into the caller's struct. The error names the key, the value (unless it
 * is secret) and what is allowed; the caller says where it stands. Not for TEXTS. */
FIRN_MUST_USE firn_status firn_config_put(const firn_config_key *key, firn_bytes text, firn_arena *arena,
                                          void *into, firn_error *err);
FIRN_MUST_USE firn_status firn_config_put_texts(const firn_config_key *key, const firn_bytes *texts, size_t n,
                                                firn_arena *arena, void *into, firn_error *err);

/* The value as it would be written in the file; false when there is none. */
bool firn_config_add_value(const firn_config_key *key, const void *from, firn_builder *out);

/* Replaces "${X}", "${X:default}" and "$$". `out` borrows from `text` when there is nothing to replace, else
 * it is in `arena`. */
FIRN_MUST_USE firn_status firn_config_expand(firn_bytes text, const firn_config_sources *sources,
                                             firn_arena *arena, firn_bytes *out, firn_error *err);

#endif
