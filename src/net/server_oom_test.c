/* A server whose allocations fail one after the other: a request is answered, or refused, or its connection
 * ends; nothing is lost and nothing leaks. */
#include "http.h"
#include "net/server.h"

static void begin(void *self, firn_exchange *x) {
  (void)self;
  firn_exchange_allow_body(x, 1 << 20);
}

static firn_status read_once(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  (void)ctx;
  (void)err;
  bool *is_read = self;
  *got = *is_read || len < 4 ? 0 : 4;
  memcpy(into, "snow", *got);
  *is_read = true;
  return FIRN_OK;
}

static void handle(void *self, firn_exchange *x) {
  (void)self;
  if (strcmp(firn_exchange_path(x), "/echo") == 0) {
    firn_exchange_add_header(x, "X-One", "1");
    firn_exchange_answer(x, 200, "text/plain", firn_exchange_body(x), false);
    return;
  }
  bool *is_read = firn_new(firn_exchange_arena(x), bool);
  if (is_read == NULL) {
    firn_exchange_fail(x, 503, "FIRN_NOMEM", "no memory");
    return;
  }
  firn_exchange_stream(x, 200, "text/plain", -1,
                       (firn_http_body){.read = read_once, .self = is_read, .is_slow = true});
}

static firn_status ask_once(const char *request, const char *wanted) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  firn_http_server *server = NULL;
  firn_http_server_options options = {.address = "127.0.0.1",
                                      .n_workers = 1,
                                      .max_connections = 10,
                                      .handler = {begin, handle, NULL, NULL, NULL}};
  FIRN_TRY(firn_http_server_open(&options, &ctx, &server, NULL));
  http_answer a = http_ask(firn_http_server_port(server), request);
  firn_http_server_close(server);
  if (a.code != 200 || !a.is_whole) {
    assert_true(a.code == 0 || a.code == 200 || a.code >= 500);
    return FIRN_NOMEM;
  }
  assert_string_equal(a.body, wanted);
  return FIRN_OK;
}

static firn_status post(void) {
  return ask_once("POST /echo?a=%20&b=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nice", "ice");
}

static firn_status stream(void) {
  return ask_once("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n", "snow");
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(post);
  check_survives_oom(stream);
}

RUN_TESTS(survives_oom)
