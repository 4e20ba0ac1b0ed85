/* One router for all services: each gives constant tables of routes, the router finds the one for a request,
 * checks who asks, limits the body, turns failures into answers, logs and counts.
 *
 * A failed handler's status and text become {"error": {"message": ..., "type": ..., "code": ...}} with the
 * status's HTTP code: INVALID and CORRUPT 400, DENIED 403, NOT_FOUND 404, EXISTS and CONFLICT 409, LIMIT 413,
 * UNSUPPORTED 415 where the body is meant, else 406 or 501, BUSY 429 with Retry-After, TIMEOUT 504, IO and
 * the rest 500 or 503. A path that exists with other methods is 405 with Allow; HEAD is answered as GET
 * without its body. Constant once made; threads may share it. */
#ifndef FIRN_SERVICES_COMMON_ROUTER_H
#define FIRN_SERVICES_COMMON_ROUTER_H

#include "net/server.h"
#include "services/common/health.h"
#include "services/common/prometheus.h"

/* Answers or defers `x`, or fails before it did either. */
typedef firn_status (*firn_route_handler)(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err);

typedef struct firn_route {
  const char *method; /* "GET" */
  const char *path;   /* "/v1/events/{id}": a part in braces matches one part; "/{rest...}" at the end all */
  firn_route_handler handle;
  const char *name; /* for metrics and log, never the path itself: "events.post" */
  bool takes_body;  /* up to the set's max_body_bytes */
  bool is_open;     /* health and the like: asked without a token */
  bool is_quick;    /* never waits and is done in microseconds: runs on the polling thread itself */
} firn_route;

typedef struct firn_route_set {
  const firn_route *routes;
  size_t n;
  void *service;
  size_t max_body_bytes;
} firn_route_set;

/* Who asks. The hook is called for every route that is not open, before the body is read and on the polling
 * thread, so it must not wait; FIRN_DENIED is 401 without credentials and
 * 403 with wrong ones. NULL: everybody may, and the program has refused to listen beyond the loopback. */
typedef struct firn_auth {
  firn_status (*check)(void *self, firn_exchange *x, const firn_route *route, firn_error *err);
  void *self;
} firn_auth;

typedef struct firn_router firn_router;

/* `sets`, and what they point to, must outlive it. /healthz, /readyz and /metrics are the router's own. Of
 * two routes that match a path the one with the earlier literal part wins, and a part wins over "{rest...}";
 * two that differ only in the names of their braces are FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_router_open(const firn_route_set *sets, size_t n_sets, const firn_auth *auth,
                                           firn_health *health, firn_ctx *ctx, firn_router **out,
                                           firn_error *err);
void firn_router_close(firn_router *r); /* NULL is fine; after the server */
/* For firn_http_server_options. */
firn_http_handler firn_router_handler(firn_router *r);

/* The decoded part of the path that a brace matched, in the exchange's arena; data NULL: no such brace. */
firn_bytes firn_route_part(firn_exchange *x, const char *name);
/* Answers with a status's error body; for deferred exchanges. */
void firn_route_fail(firn_exchange *x, firn_status status, const firn_error *err);
/* The same with another code: 415, 422, 410, ... */
void firn_route_fail_as(firn_exchange *x, int code, firn_status status, const char *text);

/* Requests, their times and sizes, by route and code. */
extern const firn_metric_set firn_http_metrics;

#endif
