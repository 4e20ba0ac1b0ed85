/* A whole lakehouse in this process: what `firn up` starts, and the order in which it comes and goes.
 *
 *   HTTP ─► intake ─► event journal ─► batches ─► commit log ─► committer ─► catalog
 *                                                          └──► indexer ──► index ◄── fetch ◄─ HTTP
 *
 * Opened from the end of the stream to its beginning, so that everything has somewhere to go; drained the
 * other way. */
#ifndef FIRN_APPS_FIRN_SERVE_H
#define FIRN_APPS_FIRN_SERVE_H

#include "apps/firn/settings.h"

typedef struct firn_serving firn_serving;

/* Takes the data directory (FIRN_BUSY when another process serves it), opens everything, starts the services,
 * listens. `on_failed` is called, on any thread, when a service has stopped for good. */
FIRN_MUST_USE firn_status firn_serving_open(firn_app *app, const firn_settings *settings,
                                            void (*on_failed)(void *arg), void *arg, firn_serving **out,
                                            firn_error *err);
/* Where it is: "http://127.0.0.1:8181", and the data directory. */
const char *firn_serving_url(const firn_serving *s);
const char *firn_serving_data(const firn_serving *s);
/* Stops listening, then commits and indexes what has been accepted. FIRN_TIMEOUT: some of it stays in the
 * journals for the next start; the first service's failure if one has stopped. */
FIRN_MUST_USE firn_status firn_serving_drain(firn_serving *s, firn_error *err);
void firn_serving_close(firn_serving *s); /* NULL is fine */

#endif
