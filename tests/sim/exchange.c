#include "sim/exchange.h"

#include <stdlib.h>
#include <strings.h>

struct firn_exchange {
  firn_ctx *ctx;
  firn_arena arena;
  exchange_request request;
  firn_http_header *headers;
  int64_t started_us;
  void *data, *frame;
  bool is_deferred;
  int status;
  firn_bytes answer;
};

static firn_bytes copy(firn_exchange *x, firn_bytes bytes) {
  firn_bytes copied = firn_arena_copy(&x->arena, bytes);
  if (copied.data == NULL) {
    abort();
  }
  return copied;
}

firn_exchange *exchange_new(firn_ctx *ctx, const exchange_request *request) {
  firn_exchange *x = calloc(1, sizeof *x);
  if (x == NULL) {
    abort();
  }
  x->ctx = ctx;
  x->started_us = firn_ctx_monotonic_us(ctx);
  x->headers = firn_new_n(&x->arena, firn_http_header, request->n_headers + 1);
  if (x->headers == NULL) {
    abort();
  }
  for (size_t i = 0; i < request->n_headers; i++) {
    x->headers[i] = (firn_http_header){copy(x, request->headers[i].name), copy(x, request->headers[i].value)};
  }
  x->request = *request;
  x->request.body = copy(x, request->body);
  return x;
}

void exchange_free(firn_exchange *x) {
  if (x != NULL) {
    firn_arena_free(&x->arena);
    free(x);
  }
}

bool exchange_is_deferred(const firn_exchange *x) {
  return x->is_deferred;
}

firn_bytes exchange_answer(const firn_exchange *x) {
  return x->answer;
}

/* ---- net/server.h ---- */

const char *firn_exchange_method(const firn_exchange *x) {
  return x->request.method;
}

const char *firn_exchange_path(const firn_exchange *x) {
  return x->request.path;
}

firn_bytes firn_exchange_query(firn_exchange *x, const char *name, size_t i) {
  (void)x;
  (void)name;
  (void)i;
  return (firn_bytes){NULL, 0};
}

bool firn_exchange_query_at(const firn_exchange *x, size_t i, firn_http_header *out) {
  (void)x;
  (void)i;
  (void)out;
  return false;
}

firn_bytes firn_exchange_header(firn_exchange *x, const char *name) {
  for (size_t i = 0; i < x->request.n_headers; i++) {
    firn_bytes known = x->headers[i].name;
    if (known.len == strlen(name) && strncasecmp((const char *)known.data, name, known.len) == 0) {
      return x->headers[i].value;
    }
  }
  return (firn_bytes){NULL, 0};
}

firn_status firn_exchange_headers(firn_exchange *x, firn_http_header **out, size_t *n, firn_error *err) {
  (void)err;
  *out = x->headers;
  *n = x->request.n_headers;
  return FIRN_OK;
}

int64_t firn_exchange_body_announced(const firn_exchange *x) {
  return (int64_t)x->request.body.len;
}

firn_bytes firn_exchange_body(const firn_exchange *x) {
  return x->request.body;
}

bool firn_exchange_is_local(const firn_exchange *x) {
  (void)x;
  return true;
}

const char *firn_exchange_client(const firn_exchange *x) {
  (void)x;
  return "127.0.0.1";
}

firn_arena *firn_exchange_arena(firn_exchange *x) {
  return &x->arena;
}

firn_ctx *firn_exchange_ctx(firn_exchange *x) {
  return x->ctx;
}

int64_t firn_exchange_started_us(const firn_exchange *x) {
  return x->started_us;
}

void firn_exchange_set_data(firn_exchange *x, void *data) {
  x->data = data;
}

void *firn_exchange_data(const firn_exchange *x) {
  return x->data;
}

void firn_exchange_set_frame(firn_exchange *x, void *frame) {
  x->frame = frame;
}

void *firn_exchange_frame(const firn_exchange *x) {
  return x->frame;
}

void firn_exchange_allow_body(firn_exchange *x, size_t max_bytes) {
  (void)x;
  (void)max_bytes;
}

void firn_exchange_be_quick(firn_exchange *x) {
  (void)x;
}

void firn_exchange_add_header(firn_exchange *x, const char *name, const char *value) {
  (void)x;
  (void)name;
  (void)value;
}

void firn_exchange_answer(firn_exchange *x, int status, const char *content_type, firn_bytes body,
                          bool is_kept) {
  (void)content_type;
  (void)is_kept;
  if (x->status != 0) { /* exactly one answer */
    abort();
  }
  x->status = status;
  x->answer = copy(x, body);
}

void firn_exchange_stream(firn_exchange *x, int status, const char *content_type, int64_t size_bytes,
                          firn_http_body body) {
  (void)size_bytes;
  body.close(body.self); /* nobody reads it */
  firn_exchange_answer(x, status, content_type, (firn_bytes){NULL, 0}, false);
}

void firn_exchange_fail(firn_exchange *x, int status, const char *type, const char *message) {
  (void)type;
  firn_exchange_answer(x, status, "application/json", firn_bytes_of(message), false);
}

int firn_exchange_status(const firn_exchange *x) {
  return x->status;
}

uint64_t firn_exchange_answered_bytes(const firn_exchange *x) {
  return x->answer.len;
}

void firn_exchange_defer(firn_exchange *x) {
  x->is_deferred = true;
}
