/* An HTTP/1.1 server over libmicrohttpd: connections, limits, deadlines, TLS. It knows no route and no
 * service (services/common/router.h does).
 *
 * One thread polls all connections and never waits for anything else. A request whose body is complete is
 * suspended and given to one of the server's workers; whoever has the answer, on whatever thread, resumes it.
 * Deadlines are total: a head or a body that is not complete in time ends its connection, however busily it
 * trickles. It needs the system's own clock. Bodies are held in memory, all of them together within a budget:
 * beyond it reading waits. */
#ifndef FIRN_NET_SERVER_H
#define FIRN_NET_SERVER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"
#include "base/metrics.h"

typedef struct firn_http_server firn_http_server;

/* One request and its answer. It belongs to one thread at a time: the polling one in `begin`, a worker in
 * `handle`, and after firn_exchange_defer whoever answers. */
typedef struct firn_exchange firn_exchange;

/* What becomes of requests. */
typedef struct firn_http_handler {
  /* The head is there. On the polling thread: must not wait. It says how large a body may be
   * (firn_exchange_allow_body, else none) or answers at once; then the body is not read. */
  void (*begin)(void *self, firn_exchange *x);
  /* The request is complete. On a worker: answers, or defers. */
  void (*handle)(void *self, firn_exchange *x);
  /* The last byte has gone, or the connection broke: for log and metrics. Also for requests that were refused
   * before `begin`. On the polling thread: must not wait. May be NULL. */
  void (*end)(void *self, firn_exchange *x, bool is_whole);
  /* Something that the operator should know: a sentence. On any thread. May be NULL. */
  void (*notice)(void *self, const char *text);
  void *self;
} firn_http_handler;

typedef struct firn_http_server_options {
  const char *address;       /* "127.0.0.1", "::1", "0.0.0.0"; names are not looked up */
  uint16_t port;             /* 0: any free one */
  unsigned n_workers;        /* 0: 8 */
  unsigned max_connections;  /* 0: 10,000, within what the system allows */
  size_t max_header_bytes;   /* 0: 16 KiB */
  size_t body_memory_bytes;  /* all bodies together; 0: 64 MiB. One body may go beyond it, so that it ends */
  int64_t header_timeout_us; /* from the connection, or from the request line on a kept one; 0: 10 s */
  int64_t idle_timeout_us;   /* between requests, and for connections on which nothing came; 0: 60 s */
  int64_t body_timeout_us;   /* 0: 60 s; and a second more for each MiB */
  int64_t answer_timeout_us; /* 0: 60 s without a byte taken by the client */
  const char *tls_certificate; /* PEM files; both or none. Read again when they change */
  const char *tls_key;
  int64_t tls_look_us; /* how often they are looked at; 0: 5 s */
  firn_http_handler handler;
} firn_http_server_options;

enum { FIRN_SERVER_CONNECTIONS, FIRN_SERVER_BODY_BYTES, FIRN_SERVER_BODY_WAITS, FIRN_SERVER_EVICTED };
extern const firn_metric_set firn_server_metrics;

/* Listens and serves. Texts of the options must outlive it. FIRN_EXISTS: the address is taken; FIRN_DENIED:
 * not allowed to. */
FIRN_MUST_USE firn_status firn_http_server_open(const firn_http_server_options *options, firn_ctx *ctx,
                                                firn_http_server **out, firn_error *err);
uint16_t firn_http_server_port(const firn_http_server *s);
/* Takes no new connections and requests; what is under way may finish until `deadline_us` (monotonic). */
void firn_http_server_drain(firn_http_server *s, firn_ctx *ctx, int64_t deadline_us);
void firn_http_server_close(firn_http_server *s); /* NULL is fine; no exchange may be deferred any more */

/* The request; everything borrowed until it ends. */
const char *firn_exchange_method(const firn_exchange *x);
const char *firn_exchange_path(const firn_exchange *x); /* still percent-encoded, without the query */
/* Decoded. data NULL: not given. With several of a name, number `i`. */
firn_bytes firn_exchange_query(firn_exchange *x, const char *name, size_t i);
firn_bytes firn_exchange_header(firn_exchange *x, const char *name); /* any case; data NULL: not given */
typedef struct firn_http_header {
  firn_bytes name, value;
} firn_http_header;
/* Parameter number `i` of the query, decoded; false: there are no more. For who must know them all. */
bool firn_exchange_query_at(const firn_exchange *x, size_t i, firn_http_header *out);
/* All headers, in the exchange's arena. */
FIRN_MUST_USE firn_status firn_exchange_headers(firn_exchange *x, firn_http_header **out, size_t *n,
                                                firn_error *err);
int64_t firn_exchange_body_announced(const firn_exchange *x); /* Content-Length; -1: not said */
firn_bytes firn_exchange_body(const firn_exchange *x);        /* complete from `handle` on */
bool firn_exchange_is_local(const firn_exchange *x);          /* the client is on the loopback */
const char *firn_exchange_client(const firn_exchange *x);     /* its address */
firn_arena *firn_exchange_arena(firn_exchange *x);            /* lives as long as the exchange */
firn_ctx *firn_exchange_ctx(firn_exchange *x);                /* the server's environment, with a trace id */
int64_t firn_exchange_started_us(const firn_exchange *x);     /* monotonic: when the head was there */
/* For whoever handles it: one pointer of its own. */
void firn_exchange_set_data(firn_exchange *x, void *data);
void *firn_exchange_data(const firn_exchange *x);
/* And one for who stands between it and the server (the router). */
void firn_exchange_set_frame(firn_exchange *x, void *frame);
void *firn_exchange_frame(const firn_exchange *x);

/* In `begin`. More is answered 413: at once when it is announced, else when it has come. */
void firn_exchange_allow_body(firn_exchange *x, size_t max_bytes);
/* In `begin`: `handle` will be so quick that it may run on the polling thread. */
void firn_exchange_be_quick(firn_exchange *x);

/* The answer. Headers first, then one of the three ways to give a body; exactly one answer for each request.
 */
void firn_exchange_add_header(firn_exchange *x, const char *name, const char *value); /* copied */
/* The body is copied, or in the exchange's arena and `is_kept`. */
void firn_exchange_answer(firn_exchange *x, int status, const char *content_type, firn_bytes body,
                          bool is_kept);
/* A body in pieces, of `size_bytes` (-1: unknown, then chunked). `read` fills `into`, 0 in `*got` is the end;
 * it runs on the polling thread and must be quick, or the piece is fetched by a worker: `is_slow`. `close` is
 * called once, whatever happens. */
typedef struct firn_http_body {
  firn_status (*read)(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got, firn_error *err);
  void (*close)(void *self);
  void *self;
  bool is_slow;
} firn_http_body;
void firn_exchange_stream(firn_exchange *x, int status, const char *content_type, int64_t size_bytes,
                          firn_http_body body);
/* An error: {"error": {"message": ..., "type": ..., "code": ...}}. */
void firn_exchange_fail(firn_exchange *x, int status, const char *type, const char *message);
int firn_exchange_status(const firn_exchange *x); /* of the answer; 0: none yet */
uint64_t firn_exchange_answered_bytes(const firn_exchange *x);

/* In `handle`, before another thread gets to know `x`: the answer comes later. From then on `x` is not the
 * handler's any more, and whoever answers it must not touch it after that. */
void firn_exchange_defer(firn_exchange *x);

#endif
