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

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void takes_the_rest_of_a_path(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  assert_string_equal(http_ask(f.port, GET("/files/")).body, "");
  assert_string_equal(http_ask(f.port, GET("/files/a")).body, "a");
  assert_string_equal(http_ask(f.port, GET("/files/a/b%2Fc/d%20e/")).body, "a/b/c/d e/");
  assert_string_equal(http_ask(f.port, GET("/files/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t")).body,
                      "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t");
  assert_int_equal(http_ask(f.port, GET("/files")).code, 404);
  stop(&f);
}

static void tells_which_methods_there_are(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  http_answer a = http_ask(f.port, "DELETE /v1/events HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(a.code, 405);
  assert_string_equal(http_header(&a, "Allow"), "GET, HEAD, POST");
  a = http_ask(f.port, "POST /v1/events/latest HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}");
  assert_int_equal(a.code, 405);
  assert_string_equal(http_header(&a, "Allow"), "GET, HEAD");
  a = http_ask(f.port, "HEAD /v1/events/latest HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(a.code, 200);
  assert_string_equal(http_header(&a, "Content-Length"), "4");
  a = http_ask(f.port, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  assert_int_equal(a.code, 404);
  stop(&f);
}

static void a_failure_becomes_an_answer(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  http_answer a = http_ask(f.port, GET("/v1/busy"));
  assert_int_equal(a.code, 429);
  assert_string_equal(http_header(&a, "Retry-After"), "1");
  assert_string_equal(http_header(&a, "Content-Type"), "application/json");
  assert_string_equal(
      a.body,
      "{\"error\":{\"message\":\"the \\\"journal\\\" is full\",\"type\":\"FIRN_BUSY\",\"code\":429}}");
  a = http_ask(f.port, GET("/nothing"));
  assert_int_equal(a.code, 404);
  assert_string_equal(
      a.body,
      "{\"error\":{\"message\":\"there is nothing at this path\",\"type\":\"FIRN_NOT_FOUND\",\"code\":404}}");
  assert_int_equal(http_ask(f.port, GET("/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t")).code, 404);
  assert_int_equal(http_ask(f.port, GET("/v1/events/%00")).code, 400);
  stop(&f);
}

static firn_status check_token(void *self, firn_exchange *x, const firn_route *route, firn_error *err) {
  atomic_int *n = self;
  atomic_fetch_add(n, 1);
  assert_string_equal(route->name, "events.post");
  return firn_bytes_is(firn_exchange_header(x, "authorization"), "Bearer right")
             ? FIRN_OK
             : firn_error_set(err, FIRN_DENIED, "no");
}

static void asks_who_asks(void **state) {
  (void)state;
  fixture f;
  atomic_int n = 0;
  firn_auth auth = {.check = check_token, .self = &n};
  start(&f, &auth);
  assert_int_equal(http_ask(f.port, GET("/healthz")).code, 200);
  assert_int_equal(http_ask(f.port, GET("/nothing")).code, 404);
  assert_int_equal(atomic_load(&n), 0);
#define POST(headers) "POST /v1/events HTTP/1.1\r\nHost: h\r\n" headers "Content-Length: 4\r\n\r\nsnow"
  http_answer a = http_ask(f.port, POST(""));
  assert_int_equal(a.code, 401);
  assert_string_equal(http_header(&a, "WWW-Authenticate"), "Bearer");
  assert_int_equal(http_ask(f.port, POST("Authorization: Bearer wrong\r\n")).code, 403);
  assert_string_equal(http_ask(f.port, POST("Authorization: Bearer right\r\n")).body, "snow");
  assert_int_equal(atomic_load(&n), 3);
  stop(&f);
}

static void says_how_the_services_are(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  assert_string_equal(http_ask(f.port, GET("/healthz")).body, "ok\n");
  http_answer a = http_ask(f.port, GET("/readyz"));
  assert_int_equal(a.code, 503);
  assert_string_equal(a.body,
                      "{\"ready\":false,\"services\":[{\"name\":\"tester\",\"state\":\"starting\"}]}");
  firn_health_set(f.health, f.service, FIRN_HEALTH_READY, NULL);
  a = http_ask(f.port, GET("/readyz"));
  assert_int_equal(a.code, 200);
  assert_string_equal(a.body, "{\"ready\":true,\"services\":[{\"name\":\"tester\",\"state\":\"ready\"}]}");
  stop(&f);
}

static void check_has(const char *text, const char *part) {
  if (strstr(text, part) == NULL) {
    fail_msg("no \"%s\" in %s", part, text);
  }
}

static void counts_by_route_and_code(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(http_ask(f.port, GET("/v1/events/a?secret=1")).code, 200);
  }
  assert_int_equal(http_ask(f.port, GET("/v1/busy")).code, 429);
  assert_int_equal(http_ask(f.port, GET("/secret")).code, 404);
  usleep(50000); /* the last answer is counted after the client has it */
  http_answer a = http_ask(f.port, GET("/metrics"));
  assert_int_equal(a.code, 200);
  assert_string_equal(http_header(&a, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  check_has(a.body, "\nfirn_http_requests_total 5\n");
  check_has(a.body, "\nfirn_http_connections 1\n");
  check_has(a.body, "\nfirn_http_request_seconds_count 5\n");
  check_has(a.body, "\nfirn_http_route_requests_total{route=\"events.get\",code=\"200\"} 3\n");
  check_has(a.body, "\nfirn_http_route_requests_total{route=\"busy\",code=\"429\"} 1\n");
  check_has(a.body, "\nfirn_http_route_requests_total{route=\"-\",code=\"404\"} 1\n");
  check_has(a.body, "\nfirn_http_route_seconds_count{route=\"events.get\"} 3\n");
  assert_null(strstr(a.body, "secret"));
  stop(&f);
}

static void logs_a_line_for_each_request(void **state) {
  (void)state;
  fixture f;
  start(&f, NULL);
  (void)http_ask(f.port,
                 "GET /v1/events/a%20b?subject=secret&x=%41 HTTP/1.1\r\nHost: h\r\nAuthorization: secret\r\n"
                 "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
  (void)http_ask(f.port, "POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nsecret");
  (void)http_ask(f.port, GET("/%"));
  stop(&f);
  f.lines[f.lines_len] = '\0';
  check_has(f.lines,
            " info request trace=0af7651916cd43dd8448eb211c80319c method=GET route=events.get "
            "path=/v1/events/a%20b status=200 bytes=3 us=");
  check_has(f.lines, " method=POST route=events.post path=/v1/events status=200 bytes=6 us=");
  check_has(f.lines, " method=GET route=- path=/% status=400 ");
  check_has(f.lines, " client=127.0.0.1\n");
  assert_null(strstr(f.lines, "secret"));
}

static void refuses_routes_that_cannot_be_told_apart(void **state) {
  (void)state;
  static const struct {
    const char *paths[2];
    firn_status wanted;
  } cases[] = {
      {{"/a/{x}", "/a/{y}"}, FIRN_INVALID}, {{"/a", "/a"}, FIRN_INVALID},
      {{"/healthz", "/a"}, FIRN_INVALID},   {{"a", "/b"}, FIRN_INVALID},
      {{"/{x...}/b", "/b"}, FIRN_INVALID},  {{"/{x...}", "/{y}"}, FIRN_OK},
      {{"/{x}/b", "/a/{y}"}, FIRN_OK},
  };
  firn_error err;
  firn_health *health = NULL;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  CHECK_OK(firn_health_open(&health, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    firn_route two[2];
    for (int k = 0; k < 2; k++) {
      two[k] = (firn_route){.method = "GET", .path = cases[i].paths[k], .handle = answer_name, .name = "x"};
    }
    firn_route_set set = {.routes = two, .n = 2};
    firn_router *r = NULL;
    CHECK_STATUS(firn_router_open(&set, 1, NULL, health, &ctx, &r, &err), cases[i].wanted);
    firn_router_close(cases[i].wanted == FIRN_OK ? r : NULL);
  }
  firn_health_close(health);
}

static firn_status open_one(void) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_health *health = NULL;
  firn_router *r = NULL;
  FIRN_TRY(firn_health_open(&health, NULL));
  firn_status status = firn_router_open(sets, 1, NULL, health, &ctx, &r, NULL);
  firn_router_close(status == FIRN_OK ? r : NULL);
  firn_health_close(health);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(open_one);
}

RUN_TESTS(finds_the_most_particular_route, takes_the_rest_of_a_path, tells_which_methods_there_are,
          a_failure_becomes_an_answer, asks_who_asks, says_how_the_services_are, counts_by_route_and_code,
          logs_a_line_for_each_request, refuses_routes_that_cannot_be_told_apart, survives_oom)
