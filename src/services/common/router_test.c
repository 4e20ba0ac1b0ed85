#include "services/common/router.h"

#include <pthread.h>

#include "base/log.h"
#include "http.h"

static firn_status answer_name(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "text/plain", firn_bytes_of(service), true);
  return FIRN_OK;
}

static firn_status answer_id(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "text/plain", firn_route_part(x, "id"), false);
  return FIRN_OK;
}

static firn_status answer_rest(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "text/plain", firn_route_part(x, "rest"), false);
  return FIRN_OK;
}

static firn_status echo(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "text/plain", firn_exchange_body(x), false);
  return FIRN_OK;
}

static firn_status fail_busy(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)x;
  (void)ctx;
  return firn_error_set(err, FIRN_BUSY, "the \"journal\" is full");
}

static const firn_route routes[] = {
    {.method = "GET", .path = "/v1/events", .handle = answer_name, .name = "events.list"},
    {"POST", "/v1/events", echo, "events.post", .takes_body = true},
    {"GET", "/v1/events/latest", answer_name, "events.latest", .is_quick = true},
    {.method = "GET", .path = "/v1/events/{id}", .handle = answer_id, .name = "events.get"},
    {.method = "GET", .path = "/v1/busy", .handle = fail_busy, .name = "busy"},
    {.method = "GET", .path = "/files/{rest...}", .handle = answer_rest, .name = "files"},
};
static const firn_route_set sets[] = {
    {.routes = routes,
     .n = FIRN_COUNT_OF(routes),
     .service = (void *)(uintptr_t)"here",
     .max_body_bytes = 10},
};

typedef struct fixture {
  firn_env env;
  firn_ctx ctx;
  firn_metrics *metrics;
  firn_log *log;
  pthread_mutex_t lock;
  char lines[16384];
  size_t lines_len;
  firn_health *health;
  size_t service;
  firn_router *router;
  firn_http_server *server;
  uint16_t port;
} fixture;

static void keep_line(void *self, firn_bytes line) {
  fixture *f = self;
  pthread_mutex_lock(&f->lock);
  if (line.len < sizeof f->lines - f->lines_len) {
    memcpy(f->lines + f->lines_len, line.data, line.len);
    f->lines_len += line.len;
  }
  pthread_mutex_unlock(&f->lock);
}

static void start(fixture *f, const firn_auth *auth) {
  firn_error err;
  static const firn_metric_set *const metric_sets[] = {&firn_http_metrics, &firn_server_metrics};
  *f = (fixture){.env = firn_env_system};
  pthread_mutex_init(&f->lock, NULL);
  CHECK_OK(firn_metrics_open(metric_sets, 2, &f->metrics, &err));
  CHECK_OK(firn_log_open(FIRN_LOG_INFO, FIRN_LOG_AS_TEXT, keep_line, f, &f->log, &err));
  f->env.metrics = f->metrics;
  f->env.log = f->log;
  f->ctx = (firn_ctx)FIRN_CTX_INIT(&f->env);
  CHECK_OK(firn_health_open(&f->health, &err));
  CHECK_OK(firn_health_add(f->health, "tester", &f->service, &err));
  CHECK_OK(firn_router_open(sets, 1, auth, f->health, &f->ctx, &f->router, &err));
  firn_http_server_options options = {
      .address = "127.0.0.1", .n_workers = 2, .handler = firn_router_handler(f->router)};
  CHECK_OK(firn_http_server_open(&options, &f->ctx, &f->server, &err));
  f->port = firn_http_server_port(f->server);
}

static void stop(fixture *f) {
  firn_http_server_close(f->server);
  firn_router_close(f->router);
  firn_health_close(f->health);
  firn_log_close(f->log);
  firn_metrics_close(f->metrics);
  pthread_mutex_destroy(&f->lock);
}

static void finds_the_most_particular_route(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  http_answer a = http_ask(f.port, "GET /v1/events/latest?x=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(a.code, 200);
  assert_string_equal(a.body, "here");
  a = http_ask(f.port, "GET /v1/events/a%2Fb%20c HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(a.code, 200);
  assert_string_equal(a.body, "a/b c");
  assert_int_equal(http_ask(f.port, "GET /v1/%65vents HTTP/1.1\r\nHost: h\r\n\r\n").code, 200);
  assert_int_equal(http_ask(f.port, "GET /v1/events/ HTTP/1.1\r\nHost: h\r\n\r\n").code, 404);
  assert_int_equal(http_ask(f.port, "GET /v1/events/a/b HTTP/1.1\r\nHost: h\r\n\r\n").code, 404);
  assert_int_equal(http_ask(f.port, "GET /v1/event HTTP/1.1\r\nHost: h\r\n\r\n").code, 404);
  a = http_ask(f.port, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nsnow");
  assert_string_equal(a.body, "snow");
  a = http_ask(f.port, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nsnow and ice");
  assert_int_equal(a.code, 413);
  stop(&f);
}

RUN_TESTS(finds_the_most_particular_route)
