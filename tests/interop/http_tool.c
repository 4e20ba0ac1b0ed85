/* An HTTP server for http_test.py: `http_tool [CERTIFICATE KEY]` prints its port and serves until its
 * standard input ends; its log goes to standard error.
 *
 *   GET /hello          "hello", on the polling thread     POST /echo      the body, up to 1 MiB
 *   GET /work           "work", on a worker                POST /count     the body's length, up to 256 MiB
 *   GET /bytes/{n}      n bytes in pieces, from a worker   GET /chunks/{n} the same, their number not told */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "services/common/router.h"

static firn_status answer_text(firn_exchange *x, const char *text) {
  firn_exchange_answer(x, 200, "text/plain", firn_bytes_of(text), false);
  return FIRN_OK;
}

static firn_status hello(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  return answer_text(x, "hello");
}

static firn_status work(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  return answer_text(x, "work");
}

static firn_status echo(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  firn_exchange_answer(x, 200, "application/octet-stream", firn_exchange_body(x), false);
  return FIRN_OK;
}

static firn_status count(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  (void)err;
  char text[32];
  (void)snprintf(text, sizeof text, "%zu", firn_exchange_body(x).len);
  return answer_text(x, text);
}

typedef struct pieces {
  uint64_t at, size;
} pieces;

static firn_status read_pieces(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                               firn_error *err) {
  (void)ctx;
  (void)err;
  pieces *p = self;
  *got = p->size - p->at < len ? (size_t)(p->size - p->at) : len;
  for (size_t i = 0; i < *got; i++) {
    into[i] = (uint8_t)('a' + (p->at + i) % 26);
  }
  p->at += *got;
  return FIRN_OK;
}

static firn_status stream(firn_exchange *x, bool is_known, firn_error *err) {
  pieces *p = firn_new(firn_exchange_arena(x), pieces);
  char *n = firn_arena_text(firn_exchange_arena(x), firn_route_part(x, "n"));
  if (p == NULL || n == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  p->size = strtoull(n, NULL, 10);
  firn_exchange_stream(x, 200, "text/plain", is_known ? (int64_t)p->size : -1,
                       (firn_http_body){.read = read_pieces, .self = p, .is_slow = true});
  return FIRN_OK;
}

static firn_status bytes(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  return stream(x, true, err);
}

static firn_status chunks(void *service, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  (void)service;
  (void)ctx;
  return stream(x, false, err);
}

static const firn_route small[] = {
    {.method = "GET", .path = "/hello", .handle = hello, .name = "hello", .is_quick = true},
    {.method = "GET", .path = "/work", .handle = work, .name = "work"},
    {.method = "POST", .path = "/echo", .handle = echo, .name = "echo", .takes_body = true},
    {.method = "GET", .path = "/bytes/{n}", .handle = bytes, .name = "bytes"},
    {.method = "GET", .path = "/chunks/{n}", .handle = chunks, .name = "chunks"},
};
static const firn_route large[] = {
    {.method = "POST", .path = "/count", .handle = count, .name = "count", .takes_body = true},
};
static const firn_route_set sets[] = {
    {.routes = small, .n = FIRN_COUNT_OF(small), .max_body_bytes = 1 << 20},
    {.routes = large, .n = FIRN_COUNT_OF(large), .max_body_bytes = 256 << 20},
};
static const firn_metric_set *const metric_sets[] = {&firn_http_metrics, &firn_server_metrics};

static firn_status serve(firn_env *env, firn_health *health, const char *certificate, const char *key,
                         firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(env);
  firn_router *router = NULL;
  FIRN_TRY(firn_router_open(sets, FIRN_COUNT_OF(sets), NULL, health, &ctx, &router, err));
  firn_http_server_options options = {.address = "127.0.0.1",
                                      .max_connections = 10100,
                                      .tls_certificate = certificate,
                                      .tls_key = key,
                                      .handler = firn_router_handler(router)};
  firn_http_server *server = NULL;
  firn_status status = firn_http_server_open(&options, &ctx, &server, err);
  if (status == FIRN_OK) {
    char byte;
    printf("%u\n", firn_http_server_port(server));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    firn_http_server_drain(server, &ctx, firn_ctx_monotonic_us(&ctx) + 5000000);
  }
  firn_http_server_close(server);
  firn_router_close(router);
  return status;
}

int main(int argc, char **argv) {
  firn_error err;
  firn_env env = firn_env_system;
  firn_health *health = NULL;
  firn_metrics *metrics = NULL;
  firn_log *log = NULL;
  firn_status status = firn_metrics_open(metric_sets, FIRN_COUNT_OF(metric_sets), &metrics, &err);
  status = status == FIRN_OK ? firn_health_open(&health, &err) : status;
  status = status == FIRN_OK ? firn_log_open_fd(FIRN_LOG_INFO, FIRN_LOG_AS_TEXT, STDERR_FILENO, &log, &err)
                             : status;
  env.metrics = metrics;
  env.log = log;
  status = status == FIRN_OK ? serve(&env, health, argc > 2 ? argv[1] : NULL, argc > 2 ? argv[2] : NULL, &err)
                             : status;
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
  }
  firn_log_close(log);
  firn_health_close(health);
  firn_metrics_close(metrics);
  return status == FIRN_OK ? 0 : 1;
}
