/* The inside of fetch, for its own files. */
#ifndef FIRN_SERVICES_FETCH_FETCH_INTERNAL_H
#define FIRN_SERVICES_FETCH_FETCH_INTERNAL_H

#include <stdatomic.h>

#include "services/fetch/cache_internal.h"
#include "services/fetch/fetch.h"

struct firn_fetch {
  firn_fetch_options options; /* texts are copies in `arena`, nothing is left at its default */
  firn_arena arena;
  firn_store *store; /* the warehouse's, and its path in it */
  const char *base;
  firn_file_cache *cache;
  atomic_size_t held_bytes;                    /* of answers: options.answer_bytes is the most */
  atomic_size_t counted_bytes, counted_opened; /* what metrics know of the cache */
};

/* Takes bytes of what all answers together may hold; false: there are not so many left. */
bool firn_fetch_reserve(firn_fetch *f, size_t bytes);
void firn_fetch_release(firn_fetch *f, size_t bytes);

/* Payloads of one request that is bounded; what would be more is FIRN_LIMIT, key by key. */
enum { FIRN_FETCH_MOST_BYTES = 32 << 20 };

typedef struct firn_fetch_request {
  const firn_bytes *keys;
  size_t n;
  unsigned what;
  firn_arena *arena;
  /* For answers over the network: no page larger than firn_fetch_page_bound is read, and payloads are
   * reserved. `reserved` has to be released by the caller, after failures too. FIRN_BUSY: there is no room.
   */
  bool is_bounded;
  size_t reserved;
} firn_fetch_request;

/* The largest page that is read for a bounded request. */
size_t firn_fetch_page_bound(const firn_fetch *f);

/* What firn_fetch_keys does; fetch.c counts, read.c works. `err` is not NULL. */
FIRN_MUST_USE firn_status firn_fetch_run(firn_fetch *f, firn_ctx *ctx, firn_fetch_request *r,
                                         firn_fetched *out, firn_error *err);
FIRN_MUST_USE firn_status firn_fetch_read(firn_fetch *f, firn_ctx *ctx, firn_fetch_request *r,
                                          firn_fetched *out, firn_error *err);

/* read.c: the path of an object in the warehouse's store, in `arena`. NULL: no memory. */
const char *firn_fetch_path(const firn_fetch *f, firn_bytes path, firn_arena *arena);
/* What a failure means to who asked by key: a file that the index knows as gone is FIRN_EXISTS, an object
 * that is no data file is as good as none. Places in the store are not told. */
FIRN_MUST_USE firn_status firn_fetch_explain(const firn_fetch *f, firn_ctx *ctx, const firn_fetch_key *key,
                                             firn_status status, firn_error *err);

/* Reads a key; `*root` is the legacy root that its text begins with, NULL: any. */
FIRN_MUST_USE firn_status firn_fetch_parse(const firn_fetch *f, firn_bytes text, firn_fetch_key *out,
                                           const char **root, firn_error *err);

/* search.c: a row of the index as an event without data; borrows from the row. */
FIRN_MUST_USE firn_status firn_fetch_row_event(const firn_index_row *row, firn_arena *arena, firn_event *out,
                                               firn_error *err);

/* search.c: firn_fetch_search; `r` says whether data is wanted, and how. */
FIRN_MUST_USE firn_status firn_fetch_find(firn_fetch *f, firn_ctx *ctx, const firn_index_query *query,
                                          firn_fetch_request *r, firn_index_hits *hits, firn_fetched **out,
                                          firn_error *err);

/* legacy.c: the event of a legacy JSON object, looked for in `root`, or, NULL, in all roots in their order.
 */
FIRN_MUST_USE firn_status firn_fetch_legacy(firn_fetch *f, firn_ctx *ctx, firn_bytes name, const char *root,
                                            unsigned what, firn_arena *arena, firn_event *out,
                                            firn_error *err);

#endif
