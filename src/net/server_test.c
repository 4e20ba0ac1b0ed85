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

/* Waits until as many requests have ended. */
static void wait_for_ends(fixture *f, int n) {
  struct timespec until;
  (void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail */
  until.tv_sec += 10;
  pthread_mutex_lock(&f->lock);
  while (f->n_ended < n && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0) {
  }
  assert_int_equal(f->n_ended, n);
  pthread_mutex_unlock(&f->lock);
}

static void answers_pipelined_requests_in_order(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  static const char *const paths[] = {"later", "quick", "work", "quick", "later"};
  assert_true(http_say(
      fd, GET("/later") GET("/quick")
              GET("/work") "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nquick" GET("/later")));
  for (size_t i = 0; i < 5; i++) {
    http_answer a = http_read(fd, false);
    assert_int_equal(a.code, 200);
    assert_string_equal(a.body, paths[i]);
  }
  close(fd);
  stop(&f);
}

static void answers_head_without_a_body(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "HEAD /work HTTP/1.1\r\nHost: h\r\n\r\n" GET("/quick")));
  http_answer a = http_read(fd, true);
  assert_int_equal(a.code, 200);
  assert_string_equal(http_header(&a, "Content-Length"), "4");
  assert_string_equal(http_read(fd, false).body, "quick");
  close(fd);
  stop(&f);
}

static void closes_when_asked(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "GET /work HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  assert_string_equal(http_read(fd, false).body, "work");
  assert_true(http_is_closed(fd, 2000));
  close(fd);
  fd = http_connect(f.port);
  assert_true(http_say(fd, "GET /work HTTP/1.0\r\n\r\n"));
  assert_string_equal(http_read(fd, false).body, "work");
  assert_true(http_is_closed(fd, 2000));
  close(fd);
  stop(&f);
}

static void answers_who_has_shut_its_side(void **state) {
  (void)state;
  static const char *const requests[] = {GET("/quick"), GET("/work"), GET("/later"),
                                         "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsnow"};
  fixture f;
  start(&f);
  for (size_t i = 0; i < FIRN_COUNT_OF(requests); i++) {
    int fd = http_connect(f.port);
    assert_true(http_say(fd, requests[i]));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(http_read(fd, false).code, 200);
    assert_true(http_is_closed(fd, 2000));
    close(fd);
  }
  stop(&f);
}

static void tells_what_was_asked(void **state) {
  (void)state;
  fixture f;
  start(&f);
  http_answer a = http_ask(f.port, GET("/query?a=1&b=%20&&a=caf%C3%A9+%2B&a=3"));
  assert_string_equal(a.body, "caf\xC3\xA9 +");
  a = http_ask(f.port, GET("http://host:1/work?x"));
  assert_string_equal(a.body, "work");
  a = http_ask(f.port, GET("/nobody"));
  assert_int_equal(a.code, 500);
  assert_string_equal(a.body,
                      "{\"error\":{\"message\":\"nobody answered\",\"type\":\"FIRN_IO\",\"code\":500}}");
  wait_for_ends(&f, 3);
  assert_int_equal(strlen(f.last_trace), 32);
  a = http_ask(f.port,
               "GET /work HTTP/1.1\r\nHost: h\r\n"
               "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
  wait_for_ends(&f, 4);
  assert_string_equal(f.last_trace, "0af7651916cd43dd8448eb211c80319c");
  stop(&f);
}

/* Heads that nobody should get past: each is refused, and the connection ends. */
static void refuses_crooked_heads(void **state) {
  (void)state;
#define HEAD(line, rest) \
  {line " HTTP/1.1\r\nHost: h\r\n" rest "\r\n", sizeof(line " HTTP/1.1\r\nHost: h\r\n" rest "\r\n") - 1}
  static const struct {
    const char *text;
    size_t len;
  } requests[] = {
      HEAD("GET /%", ""),
      HEAD("GET /%4", ""),
      HEAD("GET /%zz", ""),
      HEAD("GET /%00", ""),
      HEAD("GET /work?a=%", ""),
      HEAD("GET /work?%0g=1", ""),
      HEAD("GET work", ""),
      HEAD("GET /wo\0rk", ""),
      HEAD("GET /wo\x01rk", ""),
      HEAD("GET /wo rk", ""),
      HEAD("GET", ""),
      HEAD("GET /work", "Host: i\r\n"),
      HEAD("GET /work", "X: a\0b\r\n"),
      HEAD("GET /work", "X: a\x02z\r\n"),
      HEAD("GET /work", "X: a\r\n b\r\n"),
      HEAD("GET /work", "X y: a\r\n"),
      HEAD("GET /work", "X : a\r\n"),
      HEAD("GET /work", "no colon\r\n"),
      HEAD("GET /work", ": empty\r\n"),
      HEAD("POST /echo", "Content-Length: 3\r\nContent-Length: 3\r\n"),
      HEAD("POST /echo", "Content-Length: 3, 3\r\n"),
      HEAD("POST /echo", "Content-Length: +3\r\n"),
      HEAD("POST /echo", "Content-Length: -3\r\n"),
      HEAD("POST /echo", "Content-Length: 0x3\r\n"),
      HEAD("POST /echo", "Content-Length: \r\n"),
      HEAD("POST /echo", "Content-Length: 99999999999999999999\r\n"),
      HEAD("POST /echo", "Content-Length: 18446744073709551615\r\n"),
      HEAD("POST /echo", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
      HEAD("POST /echo", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
      HEAD("POST /echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      HEAD("POST /echo", "Transfer-Encoding: gzip, chunked\r\n"),
      HEAD("POST /echo", "Transfer-Encoding: identity\r\n"),
      HEAD("POST /echo", "Transfer-Encoding: xchunked\r\n"),
      {"GET /work HTTP/1.1\r\n\r\n", 22},
      {"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 56},
      {"GET /work HTTP/2.0\r\nHost: h\r\n\r\n", 31},
      {"GET /work HTTP/1.1x\r\nHost: h\r\n\r\n", 32},
      {"GET /work\r\n\r\n", 13},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15},
  };
#undef HEAD
  fixture f;
  start(&f);
  for (size_t i = 0; i < FIRN_COUNT_OF(requests); i++) {
    int fd = http_connect(f.port);
    assert_true(http_send(fd, requests[i].text, requests[i].len));
    int64_t started = http_now_ms();
    http_answer a = http_read(fd, false);
    if (http_now_ms() - started > 2000) {
      fail_msg("%d came late to request %zu: %s", a.code, i, requests[i].text);
    }
    if (a.code != 0 && a.code != 400 && a.code != 413 && a.code != 505) {
      fail_msg("%d to request %zu: %s", a.code, i, requests[i].text);
    }
    if (!http_is_closed(fd, 2000)) {
      fail_msg("not closed after request %zu: %s", i, requests[i].text);
    }
    close(fd);
  }
  assert_string_equal(http_ask(f.port, GET("/work")).body, "work"); /* still there */
  assert_int_equal(f.n_handled, 1);
  stop(&f);
}

static void takes_any_head_that_is_straight(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  char request[20000];
  /* Cut into packets of all sizes, so that the library's buffers move about. */
  for (size_t fill = 1; fill < 14000; fill = fill * 3 / 2 + 1) {
    int len =
        snprintf(request, sizeof request, "GET /work HTTP/1.1\r\nHost: h\r\nA:\tb \r\nEmpty:\r\nLong: ");
    memset(request + len, 'l', fill);
    len += (int)fill;
    len += snprintf(request + len, sizeof request - (size_t)len, "\r\nSame: 1\r\nSame: 2\r\n\r\n");
    for (size_t at = 0, step = 1 + fill / 5; at < (size_t)len; at += step) {
      assert_true(http_send(fd, request + at, (size_t)len - at < step ? (size_t)len - at : step));
      usleep(300);
    }
    http_answer a = http_read(fd, false);
    assert_int_equal(a.code, 200);
    assert_string_equal(a.body, "work");
  }
  close(fd);
  stop(&f);
}

static void refuses_a_head_that_is_too_large(void **state) {
  (void)state;
  fixture f;
  start(&f);
  static const size_t sizes[] = {17000, 30000, 300000};
  for (size_t i = 0; i < FIRN_COUNT_OF(sizes); i++) {
    int fd = http_connect(f.port);
    char *long_value = malloc(sizes[i]);
    assert_non_null(long_value);
    memset(long_value, 'l', sizes[i]);
    assert_true(http_say(fd, "GET /work HTTP/1.1\r\nHost: h\r\nLong: "));
    (void)http_send(fd, long_value, sizes[i]); /* it may be closed by now */
    (void)http_say(fd, "\r\n\r\n");
    assert_int_equal(http_read(fd, false).code, 431);
    assert_true(http_is_closed(fd, 3000));
    close(fd);
    free(long_value);
  }
  stop(&f);
}

static void takes_bodies(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
  http_answer a = http_read(fd, false);
  assert_int_equal(a.code, 200);
  assert_int_equal(a.body_len, 0);
  assert_true(http_say(fd,
                       "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
                       "4\r\nsnow\r\n5;x=y\r\n, ice\r\n0\r\nTrailer: t\r\n\r\n"));
  assert_string_equal(http_read(fd, false).body, "snow, ice");
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
  assert_int_equal(http_read(fd, false).body_len, 0);
  enum { MANY = 64 << 10 };
  char *large = malloc(MANY);
  assert_non_null(large);
  for (size_t i = 0; i < MANY; i++) {
    large[i] = (char)('a' + i % 23);
  }
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n"));
  assert_true(http_send(fd, large, MANY));
  a = http_read(fd, false);
  assert_int_equal(a.code, 200);
  assert_int_equal(a.body_len, MANY);
  assert_memory_equal(a.body, large, sizeof a.body - 1);
  free(large);
  close(fd);
  stop(&f);
}

static void refuses_a_gigabyte_before_it_is_sent(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\n\r\n"));
  http_answer a = http_read(fd, false);
  assert_int_equal(a.code, 413);
  assert_true(a.is_whole);
  assert_string_equal(
      a.body, "{\"error\":{\"message\":\"the body is too large\",\"type\":\"FIRN_LIMIT\",\"code\":413}}");
  close(fd);
  a = http_ask(f.port, "POST /work HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
  assert_int_equal(a.code, 413);
  a = http_ask(f.port, "POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
  assert_int_equal(a.code, 403);
  assert_int_equal(f.n_handled, 0);
  stop(&f);
}

/* Who sends first and reads later must find the answer nevertheless, and no reset. */
static void answers_a_client_that_sends_on_regardless(void **state) {
  (void)state;
  fixture f;
  start(&f);
  char *some = calloc(1, 1 << 20);
  assert_non_null(some);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n"));
  for (int i = 0; i < 50; i++) {
    assert_true(http_send(fd, some, 1 << 20));
  }
  http_answer a = http_read(fd, false);
  assert_int_equal(a.code, 413);
  assert_true(a.is_whole);
  close(fd);
  fd = http_connect(f.port);
  assert_true(
      http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1000000\r\n"));
  for (int i = 0; i < 16; i++) {
    assert_true(http_send(fd, some, 1 << 20));
  }
  a = http_read(fd, false);
  assert_int_equal(a.code, 413);
  assert_true(a.is_whole);
  assert_true(http_is_closed(fd, 5000));
  close(fd);
  free(some);
  stop(&f);
}

static void honours_expect_continue(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  assert_true(
      http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  assert_int_equal(http_read(fd, false).code, 100);
  assert_true(http_say(fd, "snow"));
  assert_string_equal(http_read(fd, false).body, "snow");
  assert_true(http_say(
      fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1073741824\r\nExpect: 100-continue\r\n\r\n"));
  assert_int_equal(http_read(fd, false).code, 413);
  close(fd);
  stop(&f);
}

static void refuses_broken_chunks(void **state) {
  (void)state;
  static const char *const bodies[] = {"x\r\n",          "-1\r\n",         "4\r\nsnowy\r\n",
                                       "\r\n",           " 4\r\nsnow\r\n", "11111111111111111\r\n",
                                       "4 \r\nsnow\r\n", "0x4\r\nsnow\r\n"};
  fixture f;
  start(&f);
  for (size_t i = 0; i < FIRN_COUNT_OF(bodies); i++) {
    int fd = http_connect(f.port);
    assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_true(http_say(fd, bodies[i]));
    http_answer a = http_read(fd, false);
    if (a.code != 400 && a.code != 413 && a.code != 0) {
      fail_msg("%d to chunk %s", a.code, bodies[i]);
    }
    assert_true(http_is_closed(fd, 3000));
    close(fd);
  }
  assert_int_equal(f.n_handled, 0);
  stop(&f);
}

static void a_client_that_lies_about_its_length_harms_itself(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.body_timeout_us = 300000});
  /* Less than announced: 408. */
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nsnow"));
  assert_int_equal(http_read(fd, false).code, 408);
  assert_true(http_is_closed(fd, 3000));
  close(fd);
  /* More: the rest is a request, and a bad one. */
  fd = http_connect(f.port);
  assert_true(
      http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsnow and ice\r\n\r\n"));
  assert_string_equal(http_read(fd, false).body, "snow");
  assert_int_not_equal(http_read(fd, false).code, 200);
  assert_true(http_is_closed(fd, 3000));
  close(fd);
  stop(&f);
  assert_int_equal(f.n_handled, 1);
}

/* Sends `text` one byte at a time until the other side has had enough. */
static void trickle(int fd, const char *text, int every_ms) {
  for (size_t i = 0; text[i] != '\0' && http_send(fd, text + i, 1) && !http_is_readable(fd, every_ms); i++) {
  }
}

static void a_trickled_head_has_a_deadline(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.header_timeout_us = 400000, .idle_timeout_us = 900000});
  static const char head[] =
      "GET /work HTTP/1.1\r\nHost: h\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
  int64_t started = http_now_ms();
  int fd = http_connect(f.port);
  trickle(fd, head, 30);
  assert_true(http_is_closed(fd, 0));
  assert_in_range(http_now_ms() - started, 390, 2000); /* all of it would take three seconds */
  close(fd);
  /* On a kept connection too: no longer than idle and head together. */
  fd = http_connect(f.port);
  assert_true(http_say(fd, GET("/work")));
  assert_int_equal(http_read(fd, false).code, 200);
  trickle(fd, head, 50);
  assert_true(http_is_closed(fd, 0));
  close(fd);
  assert_int_equal(f.n_handled, 1);
  stop(&f);
}

static void an_idle_connection_is_closed(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.header_timeout_us = 100000, .idle_timeout_us = 1500000});
  int silent = http_connect(f.port);
  int kept = http_connect(f.port);
  assert_true(http_say(kept, GET("/quick")));
  assert_int_equal(http_read(kept, false).code, 200);
  assert_false(http_is_closed(silent, 250)); /* nothing came: it is idle, not slow */
  assert_false(http_is_closed(kept, 0));
  assert_true(http_is_closed(silent, 5000));
  assert_true(http_is_closed(kept, 5000));
  close(silent);
  close(kept);
  stop(&f);
}

static void a_trickled_body_has_a_deadline(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.body_timeout_us = 400000});
  int64_t started = http_now_ms();
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"));
  trickle(fd, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 30);
  assert_int_equal(http_read(fd, false).code, 408);
  assert_in_range(http_now_ms() - started, 390, 2200);
  assert_true(http_is_closed(fd, 3000));
  close(fd);
  fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
  trickle(
      fd,
      "1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n",
      30);
  assert_int_equal(http_read(fd, false).code, 408);
  close(fd);
  assert_int_equal(f.n_handled, 0);
  stop(&f);
}

static void a_client_that_does_not_read_is_dropped(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.answer_timeout_us = 300000});
  int fd = http_connect(f.port);
  int small = 4096;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* it has a minimum of its own */
  for (int i = 0; i < 20; i++) {                                     /* more than the system's buffers hold */
    (void)http_say(fd, GET("/stream?known"));
  }
  struct timespec until;
  (void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail */
  until.tv_sec += 10;
  pthread_mutex_lock(&f.lock);
  while (f.n_broken == 0) {
    assert_int_equal(pthread_cond_timedwait(&f.changed, &f.lock, &until), 0);
  }
  pthread_mutex_unlock(&f.lock);
  close(fd);
  stop(&f);
  assert_int_equal(f.n_broken, 1);
  assert_int_equal(f.n_closed_streams, f.n_ended);
}

static void survives_clients_that_leave(void **state) {
  (void)state;
  static const char whole[] = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsnow";
  fixture f;
  start(&f);
  for (size_t len = 0; len < sizeof whole - 1; len++) { /* at every byte */
    int fd = http_connect(f.port);
    assert_true(http_send(fd, whole, len));
    if (len % 2 == 0) { /* by a reset */
      struct linger hard = {.l_onoff = 1, .l_linger = 0};
      (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* else it is a plain close */
    }
    close(fd);
  }
  int fd = http_connect(f.port);
  assert_true(http_say(fd, GET("/hang"))); /* while it is deferred */
  while (true) {
    pthread_mutex_lock(&f.lock);
    firn_exchange *x = f.hanging;
    f.hanging = NULL;
    pthread_mutex_unlock(&f.lock);
    if (x != NULL) {
      struct linger hard = {.l_onoff = 1, .l_linger = 0};
      (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      close(fd);
      usleep(20000);
      answer_text(x, "too late");
      break;
    }
    usleep(1000);
  }
  assert_string_equal(http_ask(f.port, GET("/work")).body, "work");
  pthread_mutex_lock(&f.lock);
  int n_begun = f.n_begun;
  pthread_mutex_unlock(&f.lock);
  wait_for_ends(&f, n_begun); /* none stays until its deadline */
  stop(&f);
  assert_true(f.n_broken >= 1);
  assert_int_equal(f.n_handled, 2);
}

static void streams_answers(void **state) {
  (void)state;
  static const char *const requests[] = {GET("/stream"), GET("/slow"), GET("/stream?known"),
                                         GET("/slow?known")};
  fixture f;
  start(&f);
  int fd = http_connect(f.port);
  for (size_t i = 0; i < FIRN_COUNT_OF(requests); i++) {
    assert_true(http_say(fd, requests[i]));
    http_answer a = http_read(fd, false);
    assert_int_equal(a.code, 200);
    assert_true(a.is_whole);
    assert_int_equal(a.body_len, STREAM_BYTES);
    wait_for_ends(&f, (int)i + 1);
    assert_int_equal(f.last_bytes, STREAM_BYTES);
  }
  assert_true(http_say(fd, "HEAD /stream?known HTTP/1.1\r\nHost: h\r\n\r\n"));
  assert_int_equal(http_read(fd, true).code, 200);
  assert_true(http_say(fd, GET("/broken")));
  http_answer a = http_read(fd, false);
  assert_int_equal(a.code, 200);
  assert_false(a.is_whole); /* no end, so that nobody takes it for the whole */
  close(fd);
  assert_false(http_ask(f.port, GET("/broken?known")).is_whole);
  stop(&f);
  assert_int_equal(f.n_closed_streams, 7);
}

/* Four bodies of a megabyte, a little of each at a time, within a budget of one: nobody waits for ever. */
static void bodies_beyond_the_budget_wait_and_end(void **state) {
  (void)state;
  enum { CLIENTS = 4, SIZE = 1 << 20, STEP = 64 << 10 };
  fixture f;
  start_with(&f, (firn_http_server_options){.body_memory_bytes = SIZE});
  char *some = calloc(1, STEP);
  assert_non_null(some);
  int fds[CLIENTS];
  size_t sent[CLIENTS] = {0};
  for (int i = 0; i < CLIENTS; i++) {
    fds[i] = http_connect(f.port);
    assert_true(http_say(fds[i], "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n"));
  }
  int64_t started = http_now_ms();
  for (int left = CLIENTS; left > 0;) {
    left = 0;
    for (int i = 0; i < CLIENTS; i++) {
      if (sent[i] < SIZE) {
        ssize_t n = send(fds[i], some, STEP, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent[i] += n > 0 ? (size_t)n : 0;
        left += sent[i] < SIZE;
      }
    }
    assert_true(http_now_ms() - started < 20000);
  }
  for (int i = 0; i < CLIENTS; i++) {
    http_answer a = http_read(fds[i], false);
    assert_int_equal(a.code, 200);
    assert_string_equal(a.body, "1048576");
    close(fds[i]);
  }
  free(some);
  stop(&f);
}

/* Who holds the memory and stalls is ended; then the others go on, with their time intact. */
static void a_stalled_body_holds_others_no_longer_than_its_deadline(void **state) {
  (void)state;
  fixture f;
  start_with(&f, (firn_http_server_options){.body_memory_bytes = 100000, .body_timeout_us = 1500000});
  char *some = calloc(1, 90000);
  assert_non_null(some);
  int stalled[2];
  for (int i = 0; i < 2; i++) { /* one within the budget, one beyond it */
    stalled[i] = http_connect(f.port);
    assert_true(http_say(stalled[i], "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 90001\r\n\r\n"));
    assert_true(http_send(stalled[i], some, 90000));
  }
  usleep(200000);
  int fd = http_connect(f.port);
  assert_true(http_say(fd, "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n"));
  assert_true(http_send(fd, some, 90000));
  http_answer a = http_read(fd, false);
  assert_int_equal(a.code, 200);
  assert_string_equal(a.body, "90000");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(http_read(stalled[i], false).code, 408);
    close(stalled[i]);
  }
  close(fd);
  free(some);
  stop(&f);
}

static void *drain(void *self) {
  fixture *f = self;
  firn_http_server_drain(f->server, &f->ctx, firn_ctx_monotonic_us(&f->ctx) + 5000000);
  return NULL;
}

static firn_exchange *wait_for_hanging(fixture *f) {
  firn_exchange *x = NULL;
  for (int i = 0; i < 5000 && x == NULL; i++) {
    pthread_mutex_lock(&f->lock);
    x = f->hanging;
    f->hanging = NULL;
    pthread_mutex_unlock(&f->lock);
    usleep(1000);
  }
  assert_non_null(x);
  return x;
}

static void drains_what_is_under_way(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int idle = http_connect(f.port);
  assert_true(http_say(idle, GET("/quick")));
  assert_int_equal(http_read(idle, false).code, 200);
  int busy = http_connect(f.port);
  assert_true(http_say(busy, GET("/hang")));
  firn_exchange *x = wait_for_hanging(&f);
  int half = http_connect(f.port);
  assert_true(http_say(half, "GET /quick HTTP/1.1\r\nHost: h\r\n"));
  usleep(50000);
  pthread_t drainer;
  assert_int_equal(pthread_create(&drainer, NULL, drain, &f), 0);
  assert_true(http_is_closed(idle, 2000));
  assert_true(http_say(half, "\r\n"));
  assert_int_equal(http_read(half, false).code, 503);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int late = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(late, (struct sockaddr *)&to, sizeof to), -1);
  answer_text(x, "done");
  http_answer a = http_read(busy, false);
  assert_string_equal(a.body, "done");
  assert_string_equal(http_header(&a, "Connection"), "close");
  int64_t started = http_now_ms();
  pthread_join(drainer, NULL);
  assert_true(http_now_ms() - started < 4500);
  close(idle);
  close(busy);
  close(half);
  close(late);
  stop(&f);
}

static void a_drain_ends_at_its_deadline(void **state) {
  (void)state;
  fixture f;
  start(&f);
  int busy = http_connect(f.port);
  assert_true(http_say(busy, GET("/hang")));
  firn_exchange *x = wait_for_hanging(&f);
  int64_t started = http_now_ms();
  firn_http_server_drain(f.server, &f.ctx, firn_ctx_monotonic_us(&f.ctx) + 200000);
  assert_in_range(http_now_ms() - started, 190, 10000);
  answer_text(x, "done");
  close(busy);
  stop(&f);
}

static void says_why_it_cannot_listen(void **state) {
  (void)state;
  fixture f;
  start(&f);
  firn_error err;
  firn_http_server *other = NULL;
  firn_http_server_options options = {
      .address = "127.0.0.1", .port = f.port, .handler = {.begin = begin, .handle = handle, .self = &f}};
  CHECK_STATUS(firn_http_server_open(&options, &f.ctx, &other, &err), FIRN_EXISTS);
  CHECK_SAYS("listening on 127.0.0.1 port");
  options.address = "localhost";
  CHECK_STATUS(firn_http_server_open(&options, &f.ctx, &other, &err), FIRN_INVALID);
  CHECK_SAYS("localhost is no IP address");
  options.address = "203.0.113.7";
  CHECK_STATUS(firn_http_server_open(&options, &f.ctx, &other, &err), FIRN_INVALID);
  options.address = "127.0.0.1";
  options.tls_key = "key.pem";
  CHECK_STATUS(firn_http_server_open(&options, &f.ctx, &other, &err), FIRN_INVALID);
  CHECK_SAYS("both a certificate and a key");
  stop(&f);
}

static void serves_many_clients_at_once(void **state) {
  (void)state;
  enum { CLIENTS = 60, ROUNDS = 20 };
  fixture f;
  start(&f);
  int fds[CLIENTS];
  for (int i = 0; i < CLIENTS; i++) {
    fds[i] = http_connect(f.port);
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CLIENTS; i++) {
      assert_true(http_say(fds[i], i % 3 == 0 ? GET("/quick") : i % 3 == 1 ? GET("/work") : GET("/later")));
    }
    for (int i = 0; i < CLIENTS; i++) {
      assert_string_equal(http_read(fds[i], false).body, i % 3 == 0   ? "quick"
                                                         : i % 3 == 1 ? "work"
                                                                      : "later");
    }
  }
  for (int i = 0; i < CLIENTS; i++) {
    close(fds[i]);
  }
  stop(&f);
  assert_int_equal(f.n_ended, CLIENTS * ROUNDS);
  assert_int_equal(f.n_broken, 0);
}

/* Every byte of two requests flipped in several ways: an answer or an end comes at once, and never a crash.
 */
static void survives_every_flipped_byte(void **state) {
  (void)state;
  static const char good[] =
      "POST /echo?a=%20b&c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-continue\r\n\r\n4\r\nsnow\r\n0\r\n\r\n" GET("/later");
  fixture f;
  start(&f);
  for (size_t i = 0; i < sizeof good - 1; i++) {
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xFF};
    for (size_t k = 0; k < FIRN_COUNT_OF(flips); k++) {
      char bad[sizeof good];
      memcpy(bad, good, sizeof good);
      bad[i] = (char)(bad[i] ^ flips[k]);
      int fd = http_connect(f.port);
      (void)http_send(fd, bad, sizeof good - 1); /* it may be closed already */
      (void)shutdown(fd, SHUT_WR);
      if (!http_is_closed(fd, 3000)) {
        fail_msg("nothing came of byte %zu with %02X", i, flips[k]);
      }
      close(fd);
    }
  }
  assert_string_equal(http_ask(f.port, GET("/work")).body, "work");
  stop(&f);
  assert_true(f.n_ended >= f.n_begun); /* `end` comes to those too that were refused before `begin` */
}

/* Connections that do nothing cannot keep others out. */
static void the_last_place_drives_out_an_idle_connection(void **state) {
  (void)state;
  enum { PLACES = 20 };
  fixture f;
  start_with(&f, (firn_http_server_options){.max_connections = PLACES});
  int fds[PLACES * 3];
  for (int i = 0; i < PLACES * 3; i++) {
    fds[i] = http_connect(f.port);
    assert_true(http_say(fds[i], GET("/work")));
    assert_string_equal(http_read(fds[i], false).body, "work");
  }
  int n_closed = 0;
  for (int i = 0; i < PLACES * 3; i++) {
    n_closed += http_is_closed(fds[i], 0);
    close(fds[i]);
  }
  assert_in_range(n_closed, PLACES * 2, PLACES * 3 - PLACES / 2);
  stop(&f);
}

RUN_TESTS(survives_every_flipped_byte, the_last_place_drives_out_an_idle_connection,
          answers_from_every_thread, answers_pipelined_requests_in_order, answers_head_without_a_body,
          closes_when_asked, answers_who_has_shut_its_side, tells_what_was_asked, refuses_crooked_heads,
          takes_any_head_that_is_straight, refuses_a_head_that_is_too_large, takes_bodies,
          refuses_a_gigabyte_before_it_is_sent, answers_a_client_that_sends_on_regardless,
          honours_expect_continue, refuses_broken_chunks, a_client_that_lies_about_its_length_harms_itself,
          a_trickled_head_has_a_deadline, an_idle_connection_is_closed, a_trickled_body_has_a_deadline,
          a_client_that_does_not_read_is_dropped, survives_clients_that_leave, streams_answers,
          bodies_beyond_the_budget_wait_and_end, a_stalled_body_holds_others_no_longer_than_its_deadline,
          drains_what_is_under_way, a_drain_ends_at_its_deadline, says_why_it_cannot_listen,
          serves_many_clients_at_once)
