#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_write.h"
#include "net/server_internal.h"

enum { LARGEST_ARENA = 256 << 20 };

firn_exchange *firn_exchange_new(firn_http_server *s, firn_connection *c, struct MHD_Connection *mhd) {
  firn_exchange *x = firn_alloc(sizeof *x);
  if (x != NULL) {
    x->server = s;
    x->connection = c;
    x->mhd = mhd;
    x->arena = (firn_arena)FIRN_ARENA_INIT(LARGEST_ARENA);
    x->ctx = s->ctx;
    x->announced = -1;
  }
  return x;
}

static void close_stream(firn_exchange *x) {
  if (x->has_stream && !x->is_closed && x->stream.close != NULL) {
    x->stream.close(x->stream.self);
  }
  x->is_closed = true;
}

void firn_exchange_free(firn_exchange *x) {
  if (x != NULL) {
    close_stream(x);
    firn_arena_free(&x->arena);
    firn_free(x);
  }
}

void firn_exchange_return(firn_exchange *x) {
  firn_http_server *s = x->server;
  pthread_mutex_lock(&s->lock);
  bool is_first = s->returned == NULL;
  x->next_returned = s->returned;
  s->returned = x;
  pthread_mutex_unlock(&s->lock);
  if (is_first) {
    firn_server_wake(s);
  }
}

bool firn_exchange_handle(firn_exchange *x) {
  bool is_deferred = false;
  x->is_deferred = &is_deferred;
  x->server->options.handler.handle(x->server->options.handler.self, x);
  if (is_deferred) {
    return true; /* it may be gone already */
  }
  x->is_deferred = NULL;
  if (x->status == 0) {
    firn_exchange_fail(x, 500, "FIRN_IO", "nobody answered");
  }
  return false;
}

void firn_exchange_defer(firn_exchange *x) {
  assert(x->is_deferred != NULL && x->status == 0);
  *x->is_deferred = true;
  x->is_deferred = NULL;
  x->is_away = true;
}

const char *firn_exchange_method(const firn_exchange *x) {
  return x->method;
}

const char *firn_exchange_path(const firn_exchange *x) {
  return x->target.path;
}

firn_bytes firn_exchange_query(firn_exchange *x, const char *name, size_t i) {
  for (size_t p = 0; p < x->target.n_params; p++) {
    if (firn_bytes_is(x->target.params[p].name, name) && i-- == 0) {
      return x->target.params[p].value;
    }
  }
  return (firn_bytes){NULL, 0};
}

bool firn_exchange_query_at(const firn_exchange *x, size_t i, firn_http_header *out) {
  if (i >= x->target.n_params) {
    return false;
  }
  *out = x->target.params[i];
  return true;
}

firn_bytes firn_exchange_header(firn_exchange *x, const char *name) {
  const char *value = NULL;
  size_t len = 0;
  if (MHD_lookup_connection_value_n(x->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &len) != MHD_YES) {
    return (firn_bytes){NULL, 0};
  }
  return (firn_bytes){(const uint8_t *)(value == NULL ? "" : value), len};
}

typedef struct header_list {
  firn_http_header *items;
  size_t n, capacity;
} header_list;

static enum MHD_Result add_to_list(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                   const char *value, size_t value_len) {
  (void)kind;
  header_list *list = arg;
  if (list->n < list->capacity) {
    list->items[list->n++] = (firn_http_header){{(const uint8_t *)name, name_len},
                                                {(const uint8_t *)(value == NULL ? "" : value), value_len}};
  }
  return MHD_YES;
}

firn_status firn_exchange_headers(firn_exchange *x, firn_http_header **out, size_t *n, firn_error *err) {
  int count = MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, NULL, NULL);
  header_list list = {.capacity = count > 0 ? (size_t)count : 0};
  list.items = firn_new_n(&x->arena, firn_http_header, list.capacity + 1);
  if (list.items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %d headers", count);
  }
  (void)MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, add_to_list, &list); /* counted above */
  *out = list.items;
  *n = list.n;
  return FIRN_OK;
}

int64_t firn_exchange_body_announced(const firn_exchange *x) {
  return x->announced;
}

firn_bytes firn_exchange_body(const firn_exchange *x) {
  return (firn_bytes){x->body, x->body_len};
}

bool firn_exchange_is_local(const firn_exchange *x) {
  return x->connection->is_local;
}

const char *firn_exchange_client(const firn_exchange *x) {
  return x->connection->client;
}

firn_arena *firn_exchange_arena(firn_exchange *x) {
  return &x->arena;
}

firn_ctx *firn_exchange_ctx(firn_exchange *x) {
  return &x->ctx;
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
  x->max_body = max_bytes;
}

void firn_exchange_be_quick(firn_exchange *x) {
  x->is_quick = true;
}

void firn_exchange_add_header(firn_exchange *x, const char *name, const char *value) {
  firn_answer_header *h = firn_new(&x->arena, firn_answer_header);
  if (h != NULL) {
    h->name = firn_arena_text(&x->arena, firn_bytes_of(name));
    h->value = firn_arena_text(&x->arena, firn_bytes_of(value));
  }
  if (h == NULL || h->name == NULL || h->value == NULL) {
    x->has_lost_header = true;
    return;
  }
  *(x->last_header == NULL ? &x->headers : &x->last_header->next) = h;
  x->last_header = h;
}

/* The answer is complete: whoever gave it is done with the exchange. */
static void answered(firn_exchange *x) {
  if (x->is_away) {
    x->is_away = false;
    firn_exchange_return(x);
  }
}

/* When there is no memory for more. */
static void answer_without_memory(firn_exchange *x) {
  x->status = 503;
  x->content_type = "application/json";
  x->answer = FIRN_LITERAL(
      "{\"error\":{\"message\":\"no memory for the answer\",\"type\":\"FIRN_NOMEM\",\"code\":503}}");
}

void firn_exchange_spoil(firn_exchange *x) {
  close_stream(x);
  x->has_stream = false;
  x->headers = x->last_header = NULL;
  x->has_lost_header = false;
  x->status = 500;
  x->content_type = "application/json";
  x->answer = FIRN_LITERAL(
      "{\"error\":{\"message\":\"the answer could not be sent\",\"type\":\"FIRN_IO\",\"code\":500}}");
}

void firn_exchange_answer(firn_exchange *x, int status, const char *content_type, firn_bytes body,
                          bool is_kept) {
  assert(x->status == 0);
  x->status = status;
  x->content_type = content_type == NULL ? NULL : firn_arena_text(&x->arena, firn_bytes_of(content_type));
  x->answer = is_kept ? body : firn_arena_copy(&x->arena, body);
  if (x->answer.data == NULL && body.len > 0) {
    answer_without_memory(x);
  }
  answered(x);
}

void firn_exchange_stream(firn_exchange *x, int status, const char *content_type, int64_t size_bytes,
                          firn_http_body body) {
  assert(x->status == 0);
  x->status = status;
  x->content_type = content_type == NULL ? NULL : firn_arena_text(&x->arena, firn_bytes_of(content_type));
  x->stream = body;
  x->stream_size = size_bytes;
  x->has_stream = true;
  answered(x);
}

void firn_exchange_fail(firn_exchange *x, int status, const char *type, const char *message) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(16 << 10);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_key(&w, "error");
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "message", message);
  firn_json_add_text(&w, "type", type);
  firn_json_add_int64(&w, "code", status);
  firn_json_end_object(&w);
  firn_json_end_object(&w);
  firn_bytes body = {NULL, 0};
  if (firn_builder_finish(&b, &body, NULL) != FIRN_OK) {
    answer_without_memory(x);
    answered(x);
    return;
  }
  firn_exchange_answer(x, status, "application/json", body, false);
}

int firn_exchange_status(const firn_exchange *x) {
  return x->status;
}

uint64_t firn_exchange_answered_bytes(const firn_exchange *x) {
  return x->answered_bytes;
}
