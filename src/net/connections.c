/* The callbacks of libmicrohttpd, all on the polling thread. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "net/server_internal.h"

void firn_connection_set(firn_connection *c, firn_connection_phase phase, int64_t deadline_us) {
  if (c->phase == FIRN_CONNECTION_DOOMED) {
    return; /* there is no way back */
  }
  c->phase = phase;
  c->deadline_us = deadline_us;
  firn_http_server *s = c->server;
  if (deadline_us != 0 && (s->sweep_at_us == 0 || deadline_us < s->sweep_at_us)) {
    s->sweep_at_us = deadline_us;
  }
}

void firn_connection_resume(firn_connection *c) {
  c->server->has_resumed = true;
  MHD_resume_connection(c->exchange->mhd);
}

/* A client may shut its side together with what it sends, and then libmicrohttpd does not look again: epoll
 * tells it once. So connections that had something to read are looked at when the turn is over. */
static void suspect(firn_connection *c) {
  firn_http_server *s = c->server;
  if (!c->is_suspect) {
    c->is_suspect = true;
    c->previous_suspect = NULL;
    c->next_suspect = s->suspects;
    if (s->suspects != NULL) {
      s->suspects->previous_suspect = c;
    }
    s->suspects = c;
  }
}

static void clear(firn_connection *c) {
  if (c->is_suspect) {
    c->is_suspect = false;
    *(c->previous_suspect == NULL ? &c->server->suspects : &c->previous_suspect->next_suspect) =
        c->next_suspect;
    if (c->next_suspect != NULL) {
      c->next_suspect->previous_suspect = c->previous_suspect;
    }
  }
}

static bool has_ended(int fd) {
  char byte;
  return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void firn_connections_look_at_suspects(firn_http_server *s) {
  while (s->suspects != NULL) {
    firn_connection *c = s->suspects;
    clear(c);
    bool waits_for_client = c->phase == FIRN_CONNECTION_NEW || c->phase == FIRN_CONNECTION_IDLE ||
                            c->phase == FIRN_CONNECTION_HEAD || c->phase == FIRN_CONNECTION_BODY;
    if (waits_for_client && has_ended(c->fd)) {
      firn_connection_doom(c);
    }
  }
}

static void note_client(firn_connection *c, const struct sockaddr *address) {
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    (void)inet_ntop(AF_INET, &v4->sin_addr, c->client, sizeof c->client); /* the text fits */
    c->is_local = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  } else if (address->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, c->client, sizeof c->client);
    c->is_local = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
                  (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127);
  }
}

static firn_connection *connection_opened(firn_http_server *s, struct MHD_Connection *mhd) {
  firn_connection *c = firn_alloc(sizeof *c);
  if (c == NULL) {
    return NULL;
  }
  c->server = s;
  c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  c->opened_us = firn_server_now_us(s);
  c->number = s->n_connections_ever++;
  note_client(c, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
  c->previous = s->last;
  *(s->last == NULL ? &s->first : &s->last->next) = c;
  s->last = c;
  if (++s->n_connections >= s->max_connections) {
    firn_connections_make_room(s);
  }
  firn_connection_set(c, FIRN_CONNECTION_NEW, c->opened_us + s->options.header_timeout_us);
  if (s->tls != NULL) {
    gnutls_session_set_ptr(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session, s);
  }
  firn_metric_add(&s->ctx, &firn_server_metrics, FIRN_SERVER_CONNECTIONS, 1);
  return c;
}

static bool has_unread(int fd) {
  int n = 0;
  return ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

static void connection_closed(firn_connection *c) {
  firn_http_server *s = c->server;
  if (!s->is_closing && (c->must_linger || (c->phase != FIRN_CONNECTION_DOOMED && has_unread(c->fd)))) {
    firn_linger_add(s->linger, c->fd, firn_server_now_us(s));
  }
  clear(c);
  *(c->previous == NULL ? &s->first : &c->previous->next) = c->next;
  *(c->next == NULL ? &s->last : &c->next->previous) = c->previous;
  firn_exchange_free(c->exchange); /* NULL: libmicrohttpd has told us about its end */
  firn_free(c);
  s->n_connections--;
  firn_tls_forget(s->tls, s->first == NULL ? UINT64_MAX : s->first->number);
  firn_metric_add(&s->ctx, &firn_server_metrics, FIRN_SERVER_CONNECTIONS, -1);
}

void firn_connection_opened_or_closed(void *server, struct MHD_Connection *mhd, void **socket_context,
                                      enum MHD_ConnectionNotificationCode what) {
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    *socket_context = connection_opened(server, mhd);
  } else if (*socket_context != NULL) {
    connection_closed(*socket_context);
    *socket_context = NULL;
  }
}

static firn_connection *connection_of(struct MHD_Connection *mhd) {
  return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *firn_connection_request_line(void *server, const char *target, struct MHD_Connection *mhd) {
  firn_http_server *s = server;
  firn_connection *c = connection_of(mhd);
  firn_exchange *x = c == NULL ? NULL : firn_exchange_new(s, c, mhd);
  if (x == NULL) {
    return NULL; /* the connection is closed when the head is complete */
  }
  x->raw_at = target == NULL ? "" : target;
  x->raw = firn_arena_copy(&x->arena, firn_bytes_of(x->raw_at));
  if (x->raw.data == NULL) {
    firn_exchange_free(x);
    return NULL;
  }
  c->exchange = x;
  /* A new connection has had its time for the head since it was opened. */
  if (c->phase == FIRN_CONNECTION_IDLE) {
    firn_connection_set(c, FIRN_CONNECTION_HEAD, firn_server_now_us(s) + s->options.header_timeout_us);
  }
  suspect(c);
  return x;
}

/* The trace id of a `traceparent` (W3C Trace Context), or one of our own. */
static void set_trace_id(firn_exchange *x) {
  firn_bytes given = firn_exchange_header(x, "traceparent");
  bool is_good = given.len >= 55 && given.data[2] == '-' && given.data[35] == '-';
  bool is_zero = true;
  for (size_t i = 3; i < 35 && is_good; i++) {
    uint8_t c = given.data[i];
    is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    is_zero = is_zero && c == '0';
  }
  if (is_good && !is_zero) {
    memcpy(x->trace_id, given.data + 3, FIRN_TRACE_ID_TEXT - 1);
  } else {
    uint8_t made[(FIRN_TRACE_ID_TEXT - 1) / 2];
    firn_ctx_random(&x->ctx, made, sizeof made);
    for (size_t i = 0; i < sizeof made; i++) {
      x->trace_id[2 * i] = "0123456789abcdef"[made[i] >> 4];
      x->trace_id[2 * i + 1] = "0123456789abcdef"[made[i] & 15];
    }
  }
  x->trace_id[FIRN_TRACE_ID_TEXT - 1] = '\0';
  x->ctx.trace_id = x->trace_id;
}

static void refuse(firn_exchange *x, int status, const char *type, const char *message) {
  x->must_close = true;
  firn_exchange_fail(x, status, type, message);
}

/* Refuses what no handler should see. */
static void check_head(firn_exchange *x, const char *method, const char *version) {
  firn_http_server *s = x->server;
  size_t size = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
  firn_error err = {.status = FIRN_OK};
  firn_status status = firn_head_check(x, method, version, &err);
  status = status == FIRN_OK ? firn_target_parse(x->raw, &x->arena, &x->target, &err) : status;
  if (x->target.path == NULL) {
    x->target.path = "";
  }
  if (status != FIRN_OK) {
    refuse(x, status == FIRN_NOMEM ? 503 : 400, firn_status_name(status), err.text);
  } else if (size > s->options.max_header_bytes) {
    refuse(x, 431, "FIRN_LIMIT", "the head of the request is too large");
  } else if (s->is_quiet) {
    refuse(x, 503, "FIRN_BUSY", "the server is stopping");
  }
}

static bool has_body(const firn_exchange *x) {
  return x->announced > 0 || x->is_chunked;
}

static void check_body(firn_exchange *x) {
  if (has_body(x) && x->max_body == 0) {
    refuse(x, 413, "FIRN_LIMIT", "no body is taken here");
  } else if (x->announced > 0 && (uint64_t)x->announced > x->max_body) {
    refuse(x, 413, "FIRN_LIMIT", "the body is too large");
  }
}

int64_t firn_connection_body_deadline(const firn_exchange *x) {
  uint64_t bytes = x->announced > 0 ? (uint64_t)x->announced : x->body_len;
  return x->started_us + x->server->options.body_timeout_us + (int64_t)(bytes >> 20) * 1000000 + x->held_us;
}

/* The head is complete. */
static enum MHD_Result begin(firn_exchange *x, const char *method, const char *version) {
  firn_http_server *s = x->server;
  x->started_us = firn_server_now_us(s);
  x->method = firn_arena_text(&x->arena, firn_bytes_of(method));
  if (x->method == NULL) {
    return MHD_NO;
  }
  set_trace_id(x);
  check_head(x, method, version);
  x->has_begun = true;
  s->n_begun++;
  if (x->status == 0) {
    s->options.handler.begin(s->options.handler.self, x);
  }
  if (x->status == 0) {
    check_body(x);
  }
  x->state = x->status == 0 ? FIRN_EXCHANGE_BODY : FIRN_EXCHANGE_ANSWERED;
  if (x->status != 0 && (has_body(x) || x->must_close)) {
    x->connection->must_linger = true;
    return firn_answer_queue(x);
  }
  if (!has_body(x)) {
    return MHD_YES; /* called again at once: an answer given now would end the connection */
  }
  firn_connection_set(x->connection, FIRN_CONNECTION_BODY, firn_connection_body_deadline(x));
  suspect(x->connection);
  return MHD_YES;
}

static enum MHD_Result take_body(firn_exchange *x, const char *data, size_t *len) {
  switch (firn_body_take(x, data, *len)) {
    case FIRN_BODY_TAKEN:
      *len = 0;
      if (x->is_chunked) {
        x->connection->deadline_us = firn_connection_body_deadline(x);
      }
      suspect(x->connection);
      return MHD_YES;
    case FIRN_BODY_MUST_WAIT:
      x->held_since_us = firn_server_now_us(x->server);
      firn_connection_set(x->connection, FIRN_CONNECTION_HELD, 0);
      MHD_suspend_connection(x->mhd);
      return MHD_YES;
    case FIRN_BODY_TOO_LARGE:
      firn_answer_raw(x, 413, "FIRN_LIMIT", "the body is too large");
      return MHD_NO;
    case FIRN_BODY_NOMEM:
      break;
  }
  firn_answer_raw(x, 503, "FIRN_NOMEM", "no memory for the body");
  return MHD_NO;
}

/* On a worker. */
static void handle(firn_work *work) {
  firn_exchange *x = (firn_exchange *)work;
  if (!firn_exchange_handle(x)) {
    firn_exchange_return(x);
  }
}

/* The request is complete. */
static enum MHD_Result dispatch(firn_exchange *x) {
  struct MHD_Connection *mhd = x->mhd;
  firn_connection *c = x->connection;
  x->state = FIRN_EXCHANGE_HANDLED;
  if (x->is_quick && !firn_exchange_handle(x)) {
    return firn_answer_queue(x);
  }
  /* An answer that another thread gives already is looked at after this: by this very thread. */
  firn_connection_set(c, FIRN_CONNECTION_HELD, 0);
  MHD_suspend_connection(mhd);
  if (!x->is_quick) {
    x->work.run = handle;
    firn_workers_give(c->server->workers, &x->work);
  }
  return MHD_YES;
}

enum MHD_Result firn_connection_request(void *server, struct MHD_Connection *mhd, const char *url,
                                        const char *method, const char *version, const char *data,
                                        size_t *len, void **exchange) {
  (void)url;
  firn_http_server *s = server;
  firn_exchange *x = *exchange;
  if (x == NULL || s->is_closing) {
    return MHD_NO;
  }
  switch (x->state) {
    case FIRN_EXCHANGE_HEAD:
      return begin(x, method, version);
    case FIRN_EXCHANGE_BODY:
      return *len > 0 ? take_body(x, data, len) : dispatch(x);
    case FIRN_EXCHANGE_ANSWERED:
      return firn_answer_queue(x);
    case FIRN_EXCHANGE_HANDLED: /* it is suspended and nobody resumed it */
    case FIRN_EXCHANGE_SENT:
      break;
  }
  (void)mhd;
  return MHD_NO;
}

void firn_connection_request_ended(void *server, struct MHD_Connection *mhd, void **exchange,
                                   enum MHD_RequestTerminationCode how) {
  (void)mhd;
  firn_http_server *s = server;
  firn_exchange *x = *exchange;
  *exchange = NULL;
  if (x == NULL) {
    return;
  }
  firn_connection *c = x->connection;
  c->exchange = NULL;
  c->must_linger |= how != MHD_REQUEST_TERMINATED_COMPLETED_OK && how != MHD_REQUEST_TERMINATED_CLIENT_ABORT;
  firn_connection_set(c, FIRN_CONNECTION_IDLE, firn_server_now_us(s) + s->options.idle_timeout_us);
  suspect(c);
  if (x->has_begun) {
    s->n_begun--;
    if (s->options.handler.end != NULL) {
      s->options.handler.end(s->options.handler.self, x, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    }
  }
  firn_body_release(x);
  firn_exchange_free(x);
}
