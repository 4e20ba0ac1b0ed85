#include "net/server.h"

#include <pthread.h>

#include "http.h"

/* What the server under test does: decided by the path.
 *   /quick   "quick", on the polling thread     /work    "work", on a worker
 *   /later   "later", from another thread       /echo    the body, up to 64 KiB
 *   /big     the body's length, up to 64 MiB    /early   403 before the body
 *   /stream, /slow  1 MiB of 'x' in pieces      /broken  a stream that fails in its midst
 *   /hang    deferred until the test answers    /query   the parameter `a`, number 1 */
typedef struct fixture {
  firn_env env;
  firn_ctx ctx;
  firn_http_server *server;
  uint16_t port;
  pthread_mutex_t lock; /* guards the rest */
  pthread_cond_t changed;
  pthread_t answerer;
  bool is_stopping;
  firn_exchange *later, *hanging;
  int n_begun, n_handled, n_ended, n_broken, n_closed_streams, n_notices;
  int last_status;
  uint64_t last_bytes;
  char last_notice[600], last_trace[40];
} fixture;

enum { STREAM_BYTES = 1 << 20 };

typedef struct stream {
  fixture *f;
  size_t left;
  bool breaks;
} stream;

static firn_status read_stream(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                               firn_error *err) {
  (void)ctx;
  stream *s = self;
  if (s->breaks && s->left < STREAM_BYTES / 2) {
    return firn_error_set(err, FIRN_IO, "the disk is on fire");
  }
  *got = s->left < len ? s->left : len;
  memset(into, 'x', *got);
  s->left -= *got;
  return FIRN_OK;
}

static void close_stream(void *self) {
  stream *s = self;
  pthread_mutex_lock(&s->f->lock);
  s->f->n_closed_streams++;
  pthread_mutex_unlock(&s->f->lock);
}

static bool is_path(const firn_exchange *x, const char *path) {
  return strcmp(firn_exchange_path(x), path) == 0;
}

static void begin(void *self, firn_exchange *x) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  f->n_begun++;
  pthread_mutex_unlock(&f->lock);
  if (is_path(x, "/quick")) {
    firn_exchange_be_quick(x);
  } else if (is_path(x, "/early")) {
    firn_exchange_fail(x, 403, "FIRN_DENIED", "not you");
  } else if (is_path(x, "/echo")) {
    firn_exchange_allow_body(x, 64 << 10);
  } else if (is_path(x, "/big")) {
    firn_exchange_allow_body(x, 64 << 20);
  }
}

static void answer_text(firn_exchange *x, const char *text) {
  firn_exchange_answer(x, 200, "text/plain", firn_bytes_of(text), false);
}

static void answer_stream(fixture *f, firn_exchange *x, bool is_slow, bool breaks) {
  stream *s = firn_new(firn_exchange_arena(x), stream);
  assert_non_null(s);
  *s = (stream){f, STREAM_BYTES, breaks};
  bool is_known = firn_exchange_query(x, "known", 0).data != NULL;
  firn_exchange_stream(x, 200, "text/plain", is_known ? STREAM_BYTES : -1,
                       (firn_http_body){read_stream, close_stream, s, is_slow});
}

static void give(fixture *f, firn_exchange **place, firn_exchange *x) {
  firn_exchange_defer(x);
  pthread_mutex_lock(&f->lock);
  while (*place != NULL) {
    pthread_cond_wait(&f->changed, &f->lock);
  }
  *place = x;
  pthread_cond_broadcast(&f->changed);
  pthread_mutex_unlock(&f->lock);
}

static void handle(void *self, firn_exchange *x) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  f->n_handled++;
  pthread_mutex_unlock(&f->lock);
  if (is_path(x, "/later")) {
    give(f, &f->later, x);
  } else if (is_path(x, "/hang")) {
    give(f, &f->hanging, x);
  } else if (is_path(x, "/echo")) {
    firn_exchange_answer(x, 200, "text/plain", firn_exchange_body(x), false);
  } else if (is_path(x, "/big")) {
    answer_text(x, firn_arena_printf(firn_exchange_arena(x), "%zu", firn_exchange_body(x).len));
  } else if (is_path(x, "/stream") || is_path(x, "/slow") || is_path(x, "/broken")) {
    answer_stream(f, x, is_path(x, "/slow"), is_path(x, "/broken"));
  } else if (is_path(x, "/query")) {
    firn_exchange_answer(x, 200, "text/plain", firn_exchange_query(x, "a", 1), false);
  } else if (!is_path(x, "/nobody")) {
    answer_text(x, firn_exchange_path(x) + 1);
  }
}

static void end(void *self, firn_exchange *x, bool is_whole) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  f->n_ended++;
  f->n_broken += !is_whole;
  f->last_status = firn_exchange_status(x);
  f->last_bytes = firn_exchange_answered_bytes(x);
  (void)snprintf(f->last_trace, sizeof f->last_trace, "%s", firn_exchange_ctx(x)->trace_id);
  pthread_cond_broadcast(&f->changed);
  pthread_mutex_unlock(&f->lock);
}

static void notice(void *self, const char *text) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  f->n_notices++;
  (void)snprintf(f->last_notice, sizeof f->last_notice, "%s", text);
  pthread_cond_broadcast(&f->changed);
  pthread_mutex_unlock(&f->lock);
}

static void *answer_later(void *self) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  while (!f->is_stopping) {
    firn_exchange *x = f->later;
    f->later = NULL;
    if (x == NULL) {
      pthread_cond_wait(&f->changed, &f->lock);
      continue;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    answer_text(x, "later");
    pthread_mutex_lock(&f->lock);
  }
  pthread_mutex_unlock(&f->lock);
  return NULL;
}

static void start_with(fixture *f, firn_http_server_options options) {
  firn_error err;
  *f = (fixture){.env = firn_env_system};
  f->ctx = (firn_ctx)FIRN_CTX_INIT(&f->env);
  pthread_mutex_init(&f->lock, NULL);
  pthread_cond_init(&f->changed, NULL);
  options.address = options.address == NULL ? "127.0.0.1" : options.address;
  options.n_workers = 2;
  options.max_connections = options.max_connections == 0 ? 100 : options.max_connections;
  options.handler =
      (firn_http_handler){.begin = begin, .handle = handle, .end = end, .notice = notice, .self = f};
  CHECK_OK(firn_http_server_open(&options, &f->ctx, &f->server, &err));
  f->port = firn_http_server_port(f->server);
  assert_int_equal(pthread_create(&f->answerer, NULL, answer_later, f), 0);
}

static void start(fixture *f) {
  start_with(f, (firn_http_server_options){0});
}

static void stop(fixture *f) {
  pthread_mutex_lock(&f->lock);
  f->is_stopping = true;
  pthread_cond_broadcast(&f->changed);
  pthread_mutex_unlock(&f->lock);
  pthread_join(f->answerer, NULL);
  firn_http_server_close(f->server);
  pthread_cond_destroy(&f->changed);
  pthread_mutex_destroy(&f->lock);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void answers_from_every_thread(void **state) {
  (void)state;
  static const char *const paths[] = {"quick", "work", "later"};
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  for (int i = 0; i < 300; i++) {
    char request[64];
    (void)snprintf(request, sizeof request, GET("/%s"), paths[i % 3]);
    assert_true(http_say(fd, request));
    http_answer a = http_read(fd, false);
    assert_int_equal(a.code, 200);
    assert_string_equal(a.body, paths[i % 3]);
  }
  close(fd);
  stop(&f);
  assert_int_equal(f.n_ended, 300);
  assert_int_equal(f.n_broken, 0);
}

RUN_TESTS(answers_from_every_thread)
