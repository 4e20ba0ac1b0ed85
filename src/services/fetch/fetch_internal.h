/* The inside of fetch, for its own files. */
#ifndef FIRN_SERVICES_FETCH_FETCH_INTERNAL_H
#define FIRN_SERVICES_FETCH_FETCH_INTERNAL_H

#include "services/fetch/cache_internal.h"
#include "services/fetch/fetch.h"

struct firn_fetch {
  firn_fetch_options options; /* texts are copies in `arena`, nothing is left at its default */
  firn_arena arena;
  firn_store *store; /* the warehouse's, and its path in it */
  const char *base;
  firn_file_cache *cache;
};

/* Reads a key; `*root` is the legacy root that its text begins with, NULL: any. */
FIRN_MUST_USE firn_status firn_fetch_parse(const firn_fetch *f, firn_bytes text, firn_fetch_key *out,
                                           const char **root, firn_error *err);

/* search.c: a row of the index as an event without data; borrows from the row. */
FIRN_MUST_USE firn_status firn_fetch_row_event(const firn_index_row *row, firn_arena *arena, firn_event *out,
                                               firn_error *err);

/* legacy.c: the event of a legacy JSON object, looked for in `root`, or, NULL, in all roots in their order.
 */
FIRN_MUST_USE firn_status firn_fetch_legacy(firn_fetch *f, firn_ctx *ctx, firn_bytes name, const char *root,
                                            unsigned what, firn_arena *arena, firn_event *out,
                                            firn_error *err);

#endif
