#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/server_internal.h"

enum {
  DEFAULT_WORKERS = 8,
  DEFAULT_CONNECTIONS = 10000,
  DEFAULT_HEADER_BYTES = 16 << 10,
  DEFAULT_BODY_MEMORY = 64 << 20,
  SECOND_US = 1000000,
  OTHER_FILES = 256, /* descriptors that we leave to the rest of the process */
  LEAST_CONNECTIONS = 16,
  EVENTS_A_TURN = 16,
};

static const firn_metric server_metrics[] = {
    [FIRN_SERVER_CONNECTIONS] = {"firn_http_connections", "Open connections", FIRN_METRIC_GAUGE, 1},
    [FIRN_SERVER_BODY_BYTES] = {"firn_http_body_memory_bytes", "Memory that holds bodies of requests",
                                FIRN_METRIC_GAUGE, 1},
    [FIRN_SERVER_BODY_WAITS] = {"firn_http_body_waits_total", "Bodies that had to wait for that memory",
                                FIRN_METRIC_COUNTER, 1},
    [FIRN_SERVER_EVICTED] = {"firn_http_evicted_connections_total",
                             "Idle connections closed to make room for others", FIRN_METRIC_COUNTER, 1},
};
const firn_metric_set firn_server_metrics = {server_metrics, FIRN_COUNT_OF(server_metrics)};

int64_t firn_server_now_us(const firn_http_server *s) {
  return firn_ctx_monotonic_us(&s->ctx);
}

void firn_server_wake(firn_http_server *s) {
  uint64_t one = 1;
  (void)!write(s->wake, &one, sizeof one); /* fails only when it is awake 2^64 times already */
}

static void notice(firn_http_server *s, const char *text) {
  const firn_http_handler *h = &s->options.handler;
  if (h->notice != NULL) {
    h->notice(h->self, text);
  }
}

static void set_defaults(firn_http_server_options *o) {
  o->n_workers = o->n_workers != 0 ? o->n_workers : DEFAULT_WORKERS;
  o->max_connections = o->max_connections != 0 ? o->max_connections : DEFAULT_CONNECTIONS;
  o->max_header_bytes = o->max_header_bytes != 0 ? o->max_header_bytes : DEFAULT_HEADER_BYTES;
  o->body_memory_bytes = o->body_memory_bytes != 0 ? o->body_memory_bytes : DEFAULT_BODY_MEMORY;
  o->header_timeout_us = o->header_timeout_us != 0 ? o->header_timeout_us : 10 * SECOND_US;
  o->idle_timeout_us = o->idle_timeout_us != 0 ? o->idle_timeout_us : 60 * SECOND_US;
  o->body_timeout_us = o->body_timeout_us != 0 ? o->body_timeout_us : 60 * SECOND_US;
  o->answer_timeout_us = o->answer_timeout_us != 0 ? o->answer_timeout_us : 60 * SECOND_US;
  o->tls_look_us = o->tls_look_us != 0 ? o->tls_look_us : 5 * SECOND_US;
}

/* The address as the system wants it. */
static firn_status parse_address(const firn_http_server_options *o, struct sockaddr_storage *out,
                                 socklen_t *len, firn_error *err) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(o->port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(o->port)};
  *out = (struct sockaddr_storage){0};
  if (inet_pton(AF_INET, o->address, &v4.sin_addr) == 1) {
    memcpy(out, &v4, sizeof v4);
    *len = sizeof v4;
  } else if (inet_pton(AF_INET6, o->address, &v6.sin6_addr) == 1) {
    memcpy(out, &v6, sizeof v6);
    *len = sizeof v6;
  } else {
    return firn_error_set(err, FIRN_INVALID, "%s is no IP address to listen on", o->address);
  }
  return FIRN_OK;
}

static firn_status errno_error(const firn_http_server *s, const char *doing, firn_error *err) {
  int number = errno;
  firn_status status = number == EADDRINUSE                    ? FIRN_EXISTS
                       : number == EACCES || number == EPERM   ? FIRN_DENIED
                       : number == EADDRNOTAVAIL               ? FIRN_INVALID
                       : number == EMFILE || number == ENFILE  ? FIRN_LIMIT
                       : number == ENOMEM || number == ENOBUFS ? FIRN_NOMEM
                                                               : FIRN_IO;
  return firn_error_set(err, status, "%s %s port %u: %s", doing, s->options.address, s->options.port,
                        strerrordesc_np(number));
}

static firn_status listen_on(firn_http_server *s, firn_error *err) {
  struct sockaddr_storage address;
  socklen_t len;
  FIRN_TRY(parse_address(&s->options, &address, &len, err));
  s->listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int one = 1;
  if (s->listener < 0 || setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      bind(s->listener, (struct sockaddr *)&address, len) != 0 || listen(s->listener, SOMAXCONN) != 0 ||
      getsockname(s->listener, (struct sockaddr *)&address, &len) != 0) {
    return errno_error(s, "listening on", err);
  }
  in_port_t port;
  memcpy(&port, (const char *)&address + offsetof(struct sockaddr_in, sin_port), sizeof port); /* of both */
  s->port = ntohs(port);
  return FIRN_OK;
}

/* Every connection is a descriptor, and one more while it lingers. */
static void raise_limit(firn_http_server *s) {
  struct rlimit limit;
  rlim_t wanted = (rlim_t)s->options.max_connections + OTHER_FILES;
  s->max_connections = s->options.max_connections;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) {
    return;
  }
  struct rlimit raised = {.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max,
                          .rlim_max = limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
    limit = raised;
  }
  if (limit.rlim_cur < wanted) {
    s->max_connections = limit.rlim_cur > OTHER_FILES + LEAST_CONNECTIONS
                             ? (unsigned)(limit.rlim_cur - OTHER_FILES)
                             : LEAST_CONNECTIONS;
    firn_error text;
    firn_error_write(&text, FIRN_LIMIT,
                     "the system allows %llu open files, so that at most %u of %u connections are served; "
                     "raise the limit (ulimit -n) for more",
                     (unsigned long long)limit.rlim_cur, s->max_connections, s->options.max_connections);
    notice(s, text.text);
  }
}

static firn_status watch(firn_http_server *s, int fd, firn_error *err) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? FIRN_OK : errno_error(s, "polling", err);
}

/* Never called by libmicrohttpd's own decoding: paths stay as they came. */
static size_t leave_encoded(void *self, struct MHD_Connection *mhd, char *text) {
  (void)self;
  (void)mhd;
  return strlen(text);
}

static int give_certificate(gnutls_session_t session, const gnutls_datum_t *authorities, int n_authorities,
                            const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
                            gnutls_pcert_st **certificates, unsigned *n, gnutls_privkey_t *key) {
  (void)authorities;
  (void)n_authorities;
  (void)algorithms;
  (void)n_algorithms;
  firn_http_server *s = gnutls_session_get_ptr(session);
  firn_tls_current(s->tls, certificates, n, key);
  return 0;
}

static firn_status start_mhd(firn_http_server *s, firn_error *err) {
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)give_certificate},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
      {MHD_OPTION_END, 0, NULL}};
  struct MHD_OptionItem nothing[] = {{MHD_OPTION_END, 0, NULL}};
  /* Beside the head, a connection's memory holds what libmicrohttpd notes about it, and the head of the
   * answer. */
  size_t memory = s->options.max_header_bytes + (8 << 10);
  s->mhd = MHD_start_daemon(
      s->tls != NULL ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, firn_connection_request, s,
      MHD_OPTION_LISTEN_SOCKET, s->listener, MHD_OPTION_CONNECTION_LIMIT, s->max_connections,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_TIMEOUT, 0U,
      MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, firn_connection_request_line, s,
      MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL, MHD_OPTION_NOTIFY_COMPLETED,
      firn_connection_request_ended, s, MHD_OPTION_NOTIFY_CONNECTION, firn_connection_opened_or_closed, s,
      MHD_OPTION_ARRAY, s->tls != NULL ? tls : nothing, MHD_OPTION_END);
  if (s->mhd == NULL) {
    return firn_error_set(err, FIRN_IO, "starting the HTTP server on %s port %u failed", s->options.address,
                          s->port);
  }
  return watch(s, MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, err);
}

static void look_at_certificate(firn_work *work) {
  firn_tls_job *job = (firn_tls_job *)work;
  firn_http_server *s = job->server;
  firn_error err = {.status = FIRN_OK};
  bool has_changed = false;
  if (firn_tls_look(s->tls, &s->ctx, &has_changed, &err) != FIRN_OK) {
    /* Once for each thing that goes wrong, not every few seconds. */
    if (strcmp(job->last_text, err.text) != 0) {
      memcpy(job->last_text, err.text, sizeof job->last_text);
      (void)firn_error_while(&err, err.status, "the old certificate stays");
      notice(s, err.text);
    }
  } else if (has_changed) {
    job->last_text[0] = '\0';
    notice(s, "the certificate was read again");
  }
  atomic_store_explicit(&job->is_away, false, memory_order_release);
}

/* Gives back when to look again. */
static int64_t keep_certificate(firn_http_server *s, int64_t now_us) {
  firn_tls_swap(s->tls, s->n_connections_ever);
  if (now_us >= s->tls_job.next_us && !atomic_load_explicit(&s->tls_job.is_away, memory_order_acquire)) {
    atomic_store_explicit(&s->tls_job.is_away, true, memory_order_relaxed);
    s->tls_job.next_us = now_us + s->options.tls_look_us;
    s->tls_job.work.run = look_at_certificate;
    firn_workers_give(s->workers, &s->tls_job.work);
  }
  return s->tls_job.next_us;
}

/* Exchanges that come back, in the order in which they did. */
static void take_returned(firn_http_server *s, bool *is_draining, bool *is_stopping) {
  pthread_mutex_lock(&s->lock);
  firn_exchange *newest = s->returned;
  s->returned = NULL;
  *is_draining = s->is_draining;
  *is_stopping = s->is_stopping;
  pthread_mutex_unlock(&s->lock);
  firn_exchange *oldest = NULL;
  while (newest != NULL) {
    firn_exchange *next = newest->next_returned;
    newest->next_returned = oldest;
    oldest = newest;
    newest = next;
  }
  for (firn_exchange *x = oldest; x != NULL; x = x->next_returned) {
    if (x->state == FIRN_EXCHANGE_HANDLED) {
      x->state = FIRN_EXCHANGE_ANSWERED;
    }
    int64_t deadline = firn_server_now_us(s) + s->options.answer_timeout_us;
    firn_connection_set(x->connection, FIRN_CONNECTION_ANSWER, deadline);
    firn_connection_resume(x->connection);
  }
}

static void quiesce(firn_http_server *s) {
  s->is_quiet = true;
  (void)MHD_quiesce_daemon(s->mhd); /* gives back our own listener */
  (void)close(s->listener);
  s->listener = -1;
}

static void drain(firn_http_server *s) {
  if (!s->is_quiet) {
    quiesce(s);
  }
  firn_connections_doom_idle(s);
  if (s->n_begun == 0) {
    pthread_mutex_lock(&s->lock);
    s->is_drained = true;
    pthread_cond_broadcast(&s->drained);
    pthread_mutex_unlock(&s->lock);
  }
}

static int64_t sooner(int64_t a, int64_t b) {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

static int wait_ms(firn_http_server *s, int64_t next_us) {
  MHD_UNSIGNED_LONG_LONG mhd_ms = 0;
  if (s->has_resumed || (MHD_get_timeout(s->mhd, &mhd_ms) == MHD_YES && mhd_ms == 0)) {
    return 0;
  }
  int64_t at_us = sooner(next_us, s->sweep_at_us);
  if (at_us == 0) {
    return -1;
  }
  int64_t left_us = at_us - firn_server_now_us(s);
  return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

/* What connections still hold is given up. */
static void end_all(firn_http_server *s) {
  s->is_closing = true;
  s->budget.first = s->budget.last = NULL;
  if (!s->is_quiet) {
    quiesce(s);
  }
  for (firn_connection *c = s->first; c != NULL; c = c->next) {
    if (c->phase == FIRN_CONNECTION_HELD) {
      firn_connection_resume(c);
    }
  }
  (void)MHD_run(s->mhd); /* whatever it says: now it ends */
  MHD_stop_daemon(s->mhd);
  s->mhd = NULL;
}

static void *poll_connections(void *arg) {
  firn_http_server *s = arg;
  int64_t next_us = s->tls != NULL ? firn_server_now_us(s) + s->options.tls_look_us : 0;
  s->tls_job.next_us = next_us;
  for (;;) {
    struct epoll_event events[EVENTS_A_TURN];
    int n = epoll_wait(s->epoll, events, EVENTS_A_TURN, wait_ms(s, next_us));
    uint64_t woken;
    for (int i = 0; i < n; i++) {
      if (events[i].data.fd == s->wake) {
        (void)!read(s->wake, &woken, sizeof woken); /* its number does not matter */
      }
    }
    bool is_draining, is_stopping;
    take_returned(s, &is_draining, &is_stopping);
    if (is_stopping) {
      end_all(s);
      return NULL;
    }
    s->has_resumed = false;
    (void)MHD_run(s->mhd); /* fails only when it is not running */
    firn_connections_look_at_suspects(s);
    if (is_draining) {
      drain(s);
    }
    int64_t now_us = firn_server_now_us(s);
    next_us = firn_linger_run(s->linger, now_us);
    if (s->tls != NULL) {
      next_us = sooner(next_us, keep_certificate(s, now_us));
    }
    if (s->sweep_at_us != 0 && s->sweep_at_us <= now_us) {
      firn_deadlines_sweep(s, now_us);
    }
  }
}

/* Signals are for the application's own threads. */
static firn_status start_polling(firn_http_server *s, firn_error *err) {
  sigset_t all, before;
  (void)sigfillset(&all);
  int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = failed != 0 ? failed : pthread_create(&s->thread, NULL, poll_connections, s);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as it was; cannot fail */
  s->has_thread = failed == 0;
  return failed == 0
             ? FIRN_OK
             : firn_error_set(err, FIRN_LIMIT, "starting the polling thread: %s", strerrordesc_np(failed));
}

static firn_status open_all(firn_http_server *s, firn_error *err) {
  if ((s->options.tls_certificate == NULL) != (s->options.tls_key == NULL)) {
    return firn_error_set(err, FIRN_INVALID, "TLS needs both a certificate and a key");
  }
  if (s->options.tls_certificate != NULL) {
    FIRN_TRY(firn_tls_open(s->options.tls_certificate, s->options.tls_key, &s->ctx, &s->tls, err));
  }
  raise_limit(s);
  FIRN_TRY(listen_on(s, err));
  s->epoll = epoll_create1(EPOLL_CLOEXEC);
  s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (s->epoll < 0 || s->wake < 0) {
    return errno_error(s, "polling", err);
  }
  FIRN_TRY(watch(s, s->wake, err));
  FIRN_TRY(firn_linger_open(s->epoll, &s->linger, err));
  FIRN_TRY(firn_workers_open(s->options.n_workers, &s->workers, err));
  FIRN_TRY(start_mhd(s, err));
  return start_polling(s, err);
}

firn_status firn_http_server_open(const firn_http_server_options *options, firn_ctx *ctx,
                                  firn_http_server **out, firn_error *err) {
  firn_http_server *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an HTTP server");
  }
  s->options = *options;
  set_defaults(&s->options);
  s->ctx = (firn_ctx)FIRN_CTX_INIT(ctx->env);
  s->listener = s->epoll = s->wake = -1;
  s->budget.limit = s->options.body_memory_bytes;
  s->tls_job.server = s;
  (void)pthread_mutex_init(&s->lock, NULL); /* neither can fail with default attributes */
  (void)pthread_cond_init(&s->drained, NULL);
  firn_status status = open_all(s, err);
  if (status != FIRN_OK) {
    firn_http_server_close(s);
    return status;
  }
  *out = s;
  return FIRN_OK;
}

uint16_t firn_http_server_port(const firn_http_server *s) {
  return s->port;
}

void firn_http_server_drain(firn_http_server *s, firn_ctx *ctx, int64_t deadline_us) {
  (void)ctx;
  struct timespec until = {.tv_sec = deadline_us / 1000000, .tv_nsec = deadline_us % 1000000 * 1000};
  pthread_mutex_lock(&s->lock);
  s->is_draining = true;
  pthread_mutex_unlock(&s->lock);
  firn_server_wake(s);
  pthread_mutex_lock(&s->lock);
  while (!s->is_drained &&
         pthread_cond_clockwait(&s->drained, &s->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT) {
  }
  pthread_mutex_unlock(&s->lock);
}

static void close_fd(int fd) {
  if (fd >= 0) {
    (void)close(fd); /* nothing was written to it that matters */
  }
}

void firn_http_server_close(firn_http_server *s) {
  if (s == NULL) {
    return;
  }
  if (s->workers != NULL) {
    firn_workers_stop(s->workers);
  }
  if (s->has_thread) {
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_mutex_unlock(&s->lock);
    firn_server_wake(s);
    (void)pthread_join(s->thread, NULL); /* ours and joinable */
  } else if (s->mhd != NULL) {
    end_all(s);
  }
  firn_workers_close(s->workers);
  firn_linger_close(s->linger);
  firn_tls_close(s->tls);
  close_fd(s->listener);
  close_fd(s->wake);
  close_fd(s->epoll);
  pthread_cond_destroy(&s->drained);
  pthread_mutex_destroy(&s->lock);
  firn_free(s);
}
