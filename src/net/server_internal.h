/* The insides of the HTTP server.
 *
 * All of libmicrohttpd, every connection and the budget of bodies belong to the polling thread. Other threads
 * meet it in two places only: the workers' queue, and the list of exchanges that want it again (`returned`).
 * So the library is never called by two threads, and a connection needs no lock. */
#ifndef FIRN_NET_SERVER_INTERNAL_H
#define FIRN_NET_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/metrics.h"
#include "net/server.h"
#include "net/target_internal.h"
#include "net/tls_internal.h"
#include "net/workers_internal.h"

enum { FIRN_ADDRESS_TEXT = 48, FIRN_TRACE_ID_TEXT = 33 };

/* What a connection is doing, and so what its deadline means. */
typedef enum firn_connection_phase {
  FIRN_CONNECTION_NEW,  /* nothing is known to have come */
  FIRN_CONNECTION_IDLE, /* kept between requests, or nothing has come since it was opened */
  FIRN_CONNECTION_HEAD, /* the request line is there */
  FIRN_CONNECTION_BODY,
  FIRN_CONNECTION_HELD,   /* waits for us: for memory, a worker, an answer. No deadline */
  FIRN_CONNECTION_ANSWER, /* the client reads */
  FIRN_CONNECTION_DOOMED, /* shut down; libmicrohttpd will notice */
} firn_connection_phase;

typedef struct firn_connection {
  struct firn_connection *previous, *next; /* of the server's, oldest first */
  struct firn_connection *previous_suspect, *next_suspect;
  bool is_suspect;
  firn_http_server *server;
  firn_exchange *exchange; /* of the request that is being read or answered */
  firn_connection_phase phase;
  int fd;
  int64_t deadline_us; /* monotonic; 0: none */
  int64_t opened_us;
  uint64_t traffic; /* bytes taken by the client, when it was last looked at */
  uint64_t number;  /* counted over all connections */
  bool is_local;
  bool must_linger; /* the client may still be sending: see linger_internal.h */
  char client[FIRN_ADDRESS_TEXT];
} firn_connection;

typedef enum firn_exchange_state {
  FIRN_EXCHANGE_HEAD,     /* the head is not complete */
  FIRN_EXCHANGE_BODY,     /* `begin` was called */
  FIRN_EXCHANGE_HANDLED,  /* with a worker, or deferred */
  FIRN_EXCHANGE_ANSWERED, /* there is an answer; libmicrohttpd does not have it yet */
  FIRN_EXCHANGE_SENT,     /* libmicrohttpd has it */
} firn_exchange_state;

typedef struct firn_answer_header {
  struct firn_answer_header *next;
  const char *name, *value;
} firn_answer_header;

struct firn_exchange {
  firn_work work; /* with the workers: to be handled, or a piece of the answer to be read */
  firn_exchange *next_returned;
  firn_http_server *server;
  firn_connection *connection;
  struct MHD_Connection *mhd;
  firn_exchange_state state;
  firn_arena arena;
  firn_ctx ctx;
  char trace_id[FIRN_TRACE_ID_TEXT];
  int64_t started_us;
  void *data, *frame;

  const char *raw_at; /* where libmicrohttpd has the target, which it cuts up */
  firn_bytes raw;     /* as it came */
  const char *method;
  firn_target target;
  firn_status target_status;
  bool has_begun, is_quick;

  int64_t announced; /* -1: not said */
  bool is_chunked;
  size_t max_body, body_len, body_capacity;
  uint8_t *body;
  size_t wanted_bytes; /* more of the budget, while it waits */
  firn_exchange *next_waiting;
  int64_t held_since_us, held_us; /* time that we kept the client from sending */

  int status; /* of the answer; 0: none yet */
  const char *content_type;
  firn_answer_header *headers, *last_header;
  firn_bytes answer;
  bool has_stream, is_closed, must_close, has_lost_header;
  bool *is_deferred; /* while a handler runs: where to say that it is */
  bool is_away;      /* deferred: the answer returns it */
  firn_http_body stream;
  int64_t stream_size;
  uint64_t answered_bytes;
  uint8_t *piece; /* of a slow stream */
  size_t piece_at, piece_len;
  bool is_piece_ready;
  firn_status piece_status;
};

/* Memory for bodies. An exchange takes what it needs as its body arrives. When there is no more, one may go
 * beyond the limit, so that it surely ends and gives back; the others wait in line. */
typedef struct firn_body_budget {
  size_t limit, used;
  firn_exchange *beyond; /* who may */
  firn_exchange *first, *last;
} firn_body_budget;

typedef struct firn_linger firn_linger;

/* The look at the certificate's files, which a worker does. */
typedef struct firn_tls_job {
  firn_work work;
  firn_http_server *server;
  atomic_bool is_away; /* with a worker */
  int64_t next_us;
  char last_text[sizeof((firn_error *)0)->text]; /* of the last failure that was told */
} firn_tls_job;

struct firn_http_server {
  firn_http_server_options options;
  firn_ctx ctx;
  struct MHD_Daemon *mhd;
  firn_workers *workers;
  firn_tls *tls; /* NULL: without */
  firn_tls_job tls_job;
  int listener, epoll, wake;
  uint16_t port;
  unsigned max_connections;
  pthread_t thread;
  bool has_thread;

  /* The polling thread's alone. */
  firn_connection *first, *last;
  firn_connection *suspects; /* who may have ended without being noticed */
  uint64_t n_connections_ever;
  size_t n_connections;
  size_t n_begun;      /* exchanges between `begin` and `end` */
  int64_t sweep_at_us; /* 0: nothing is due */
  firn_body_budget budget;
  firn_linger *linger;
  bool has_resumed; /* connections that libmicrohttpd has to look at without being told by epoll */
  bool is_quiet;    /* takes no new connections and requests */
  bool is_closing;  /* nothing goes on */

  pthread_mutex_t lock; /* guards what follows; never held while anything else is called */
  pthread_cond_t drained;
  firn_exchange *returned; /* newest first */
  bool is_draining, is_drained, is_stopping;
};

/* server.c */
void firn_server_wake(firn_http_server *s);
int64_t firn_server_now_us(const firn_http_server *s);

/* exchange.c */
firn_exchange *firn_exchange_new(firn_http_server *s, firn_connection *c, struct MHD_Connection *mhd);
void firn_exchange_free(firn_exchange *x); /* NULL is fine */
/* Back to the polling thread. */
void firn_exchange_return(firn_exchange *x);
/* Runs `handle`, and sees to it that there is an answer or that one will come. True: it is deferred, and not
 * ours any more. */
bool firn_exchange_handle(firn_exchange *x);
/* Puts a 500 in place of an answer that cannot be given. */
void firn_exchange_spoil(firn_exchange *x);

/* connections.c: the callbacks of libmicrohttpd. */
void firn_connection_opened_or_closed(void *server, struct MHD_Connection *mhd, void **socket_context,
                                      enum MHD_ConnectionNotificationCode what);
void *firn_connection_request_line(void *server, const char *target, struct MHD_Connection *mhd);
enum MHD_Result firn_connection_request(void *server, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version, const char *data,
                                        size_t *len, void **exchange);
void firn_connection_request_ended(void *server, struct MHD_Connection *mhd, void **exchange,
                                   enum MHD_RequestTerminationCode how);
void firn_connection_set(firn_connection *c, firn_connection_phase phase, int64_t deadline_us);
void firn_connection_resume(firn_connection *c);
void firn_connections_look_at_suspects(firn_http_server *s);
/* When a body must be complete. */
int64_t firn_connection_body_deadline(const firn_exchange *x);

/* head.c: what libmicrohttpd lets pass and we do not. FIRN_INVALID with a sentence. `method` and `version`
 * are where they stand in its buffer. */
FIRN_MUST_USE firn_status firn_head_check(firn_exchange *x, const char *method, const char *version,
                                          firn_error *err);

/* body.c */
typedef enum firn_body_taken {
  FIRN_BODY_TAKEN,
  FIRN_BODY_MUST_WAIT,
  FIRN_BODY_TOO_LARGE,
  FIRN_BODY_NOMEM
} firn_body_taken;
/* After FIRN_BODY_MUST_WAIT it stands in line, and is resumed to try again. */
firn_body_taken firn_body_take(firn_exchange *x, const char *data, size_t len);
/* Gives back what the exchange has; resumes who can go on. */
void firn_body_release(firn_exchange *x);

/* answer.c */
enum MHD_Result firn_answer_queue(firn_exchange *x);
/* Sends an error where libmicrohttpd will not take one any more: in the midst of a body. */
void firn_answer_raw(firn_exchange *x, int status, const char *type, const char *message);

/* linger.c: connections that we close while the client may still be sending. Data that nobody reads would
 * make the system answer with a reset, which may overtake our last answer. So their sockets are kept a while,
 * and what comes is thrown away. */
FIRN_MUST_USE firn_status firn_linger_open(int epoll, firn_linger **out, firn_error *err);
void firn_linger_add(firn_linger *l, int fd, int64_t now_us); /* keeps a duplicate of `fd`, if it can */
/* `is_ready`: epoll named it. Gives back when to call at the latest; 0: nothing lingers. */
int64_t firn_linger_run(firn_linger *l, int64_t now_us);
void firn_linger_close(firn_linger *l); /* NULL is fine */

/* deadlines.c */
void firn_deadlines_sweep(firn_http_server *s, int64_t now_us);
void firn_connection_doom(firn_connection *c);
void firn_connections_doom_idle(firn_http_server *s);
/* Dooms the oldest that is idle. */
void firn_connections_make_room(firn_http_server *s);

#endif
