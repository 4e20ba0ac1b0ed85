/* Fetch: events back by key or by header fields, each with one read of one page.
 *
 *   GET  /v1/events?...                   search: subject, type, source, producer, id, dataversion, tag,
 * after, before, limit, order, cursor, data GET  /v1/events/latest?...            one payload, or with
 * Accept: application/cloudevents+json the event GET  /v1/events/fetch?key=            the same by key POST
 * /v1/events/fetch                 {"keys": [...]}: many, answered in order GET
 * /v1/vehicle/{latest-index-key,index-keys,latest-object,objects}/{tokenId}    the old paths
 *
 * Footers and page indexes are cached within a budget; a data file never changes, so they never grow old.
 * Threads may share it. */
#ifndef FIRN_SERVICES_FETCH_FETCH_H
#define FIRN_SERVICES_FETCH_FETCH_H

#include "events/event.h"
#include "events/fetch_key.h"
#include "index/index.h"
#include "io/stores.h"
#include "services/common/router.h"

typedef struct firn_fetch_options {
  firn_stores *stores;    /* borrowed */
  const char *warehouse;  /* location */
  firn_index *index;      /* borrowed; NULL: by key only */
  size_t cache_bytes;     /* of footers and indexes; 0: 64 MiB */
  size_t max_event_bytes; /* a larger payload is streamed, and not in an answer of many; 0: 1 MiB */
  size_t answer_bytes;    /* payloads and answers in memory, all together; 0: 256 MiB */
  size_t n_legacy_roots;  /* where legacy objects may be, in this order */
  const char *const *legacy_roots;
  const char *
      subject_format; /* of /v1/vehicle/.../{tokenId}: "did:erc721:137:0x...:%s"; NULL: those paths are 404 */
} firn_fetch_options;

typedef struct firn_fetch firn_fetch;

FIRN_MUST_USE firn_status firn_fetch_open(const firn_fetch_options *options, firn_ctx *ctx, firn_fetch **out,
                                          firn_error *err);
void firn_fetch_close(firn_fetch *f); /* NULL is fine */
void firn_fetch_close_pointer(firn_fetch **f);
#define FIRN_AUTO_FETCH FIRN_AUTO(firn_fetch_close_pointer) firn_fetch

/* What is wanted of an event. The header comes from the index where that has it (an attribute that is there
 * and empty is then left out), else from the file. */
enum { FIRN_FETCH_DATA = 1 << 0, FIRN_FETCH_HEADER = 1 << 1 };

typedef struct firn_fetched {
  firn_status
      status;     /* of this key; FIRN_NOT_FOUND, FIRN_INVALID, FIRN_EXISTS: gone (it was there once), ... */
  char text[256]; /* why, when it is not FIRN_OK */
  firn_event event; /* what was wanted of it is filled; in the arena */
} firn_fetched;

/* One event by its key. FIRN_NOT_FOUND: no such file or row; FIRN_EXISTS: it moved in a rewrite, and the key
 * is known to be old. */
FIRN_MUST_USE firn_status firn_fetch_key_event(firn_fetch *f, firn_ctx *ctx, firn_bytes key, unsigned what,
                                               firn_arena *arena, firn_event *out, firn_error *err);
/* Many, batched by file; `out` has one for each key, in order. Fails only as a whole (no memory, cancelled).
 */
FIRN_MUST_USE firn_status firn_fetch_keys(firn_fetch *f, firn_ctx *ctx, const firn_bytes *keys, size_t n,
                                          unsigned what, firn_arena *arena, firn_fetched *out,
                                          firn_error *err);

/* What the index finds, as events in `arena`: headers from the index, with their data where it is wanted (an
 * event whose data could not be fetched has its header, and a status that says why). FIRN_UNSUPPORTED without
 * an index. */
FIRN_MUST_USE firn_status firn_fetch_search(firn_fetch *f, firn_ctx *ctx, const firn_index_query *query,
                                            bool with_data, firn_arena *arena, firn_index_hits *hits,
                                            firn_fetched **events, firn_error *err);

firn_route_set firn_fetch_routes(firn_fetch *f);
extern const firn_metric_set firn_fetch_metrics;

#endif
