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

/* Answers with the event of a key: its payload, or, when the client prefers it, the event as JSON. With an
 * ETag; 304 when the client has it already. */
FIRN_MUST_USE firn_status firn_fetch_answer_key(firn_fetch *f, firn_exchange *x, firn_ctx *ctx,
                                                firn_bytes key, firn_error *err);

/* "error": {"message": ..., "type": ..., "code": ...} */
void firn_fetch_write_error(const firn_fetched *fetched, firn_json_writer *w);

/* Answers with what `b` holds. */
FIRN_MUST_USE firn_status firn_fetch_answer_json(firn_exchange *x, const firn_builder *b, firn_error *err);

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
