/* Answers of fetch over HTTP: one payload, one event, many events. */
#ifndef FIRN_SERVICES_FETCH_ANSWER_INTERNAL_H
#define FIRN_SERVICES_FETCH_ANSWER_INTERNAL_H

#include "events/event_http.h"
#include "services/fetch/fetch_internal.h"
#include "services/fetch/query.h"

enum { FIRN_FETCH_MAX_KEYS = 1000 /* of one request, with their data */ };

/* The request's parameters as a query; `takes` is FIRN_QUERY_... */
FIRN_MUST_USE firn_status firn_fetch_read_query(firn_exchange *x, unsigned takes, firn_fetch_query *out,
                                                firn_error *err);

/* Whether the client asks for events as JSON; that its library takes anything (a star) is no such wish. */
bool firn_fetch_wants_event(firn_exchange *x);

/* Answers with the event of a key: its payload, or the event as JSON. With an ETag; 304 when the client has
 * it already. */
FIRN_MUST_USE firn_status firn_fetch_answer_key(firn_fetch *f, firn_exchange *x, firn_ctx *ctx,
                                                firn_bytes key, bool as_event, firn_error *err);

/* "error": {"message": ..., "type": ..., "code": ...} */
void firn_fetch_write_error(const firn_fetched *fetched, firn_json_writer *w);

/* Answers with the JSON that `b` holds, and takes it. */
FIRN_MUST_USE firn_status firn_fetch_answer_json(firn_fetch *f, firn_exchange *x, firn_builder *b,
                                                 firn_error *err);

/* body.c: bodies that do not live in the exchange. */

/* Memory that is answered and then given back: an arena, a builder, and what was reserved for them. */
typedef struct firn_held {
  firn_fetch *fetch;
  firn_arena arena;
  firn_builder builder;
  size_t reserved;
  firn_bytes left; /* what has not been sent yet */
} firn_held;

FIRN_MUST_USE firn_held *firn_held_new(firn_fetch *f); /* NULL: no memory */
void firn_held_free(firn_held *h);                     /* NULL is fine */
void firn_held_free_pointer(firn_held **h);
#define FIRN_AUTO_HELD FIRN_AUTO(firn_held_free_pointer) firn_held
/* Answers with `body`, which `h` holds; takes `h`. */
void firn_held_answer(firn_held *h, firn_exchange *x, const char *content_type, firn_bytes body);

/* Answers with a payload that lies in its file as it is, piece by piece. Takes the hold, failures included.
 */
FIRN_MUST_USE firn_status firn_fetch_stream(firn_fetch *f, firn_exchange *x, firn_cached_file *hold,
                                            const firn_parquet_located *at, const char *content_type,
                                            firn_error *err);

/* Answers with a failure to fetch by key: as the router does, but 410 for what is gone and 500 for what is
 * broken here. */
FIRN_MUST_USE firn_status firn_fetch_answer_failure(firn_exchange *x, firn_status status,
                                                    const firn_error *err);

/* vehicle.c: handlers of the old paths. */
FIRN_MUST_USE firn_status firn_fetch_vehicle_latest_key(void *self, firn_exchange *x, firn_ctx *ctx,
                                                        firn_error *err);
FIRN_MUST_USE firn_status firn_fetch_vehicle_keys(void *self, firn_exchange *x, firn_ctx *ctx,
                                                  firn_error *err);
FIRN_MUST_USE firn_status firn_fetch_vehicle_latest(void *self, firn_exchange *x, firn_ctx *ctx,
                                                    firn_error *err);
FIRN_MUST_USE firn_status firn_fetch_vehicle_objects(void *self, firn_exchange *x, firn_ctx *ctx,
                                                     firn_error *err);

#endif
