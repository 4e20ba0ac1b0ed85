#include <string.h>

#include "base/alloc.h"
#include "net/server_internal.h"

enum { FIRST_CAPACITY = 64 << 10 };

/* How large the buffer should be for `len` more bytes: no larger than what was announced. */
static size_t next_capacity(const firn_exchange *x, size_t len) {
  size_t needed = x->body_len + len;
  size_t wanted = x->body_capacity == 0 ? FIRST_CAPACITY : x->body_capacity * 2;
  size_t most = x->announced >= 0 ? (size_t)x->announced : x->max_body;
  wanted = wanted < most ? wanted : most;
  return wanted > needed ? wanted : needed;
}

static void count(firn_exchange *x, size_t i, int64_t delta) {
  firn_metric_add(&x->server->ctx, &firn_server_metrics, i, delta);
}

static bool take_from_budget(firn_exchange *x, size_t bytes) {
  firn_body_budget *b = &x->server->budget;
  if (bytes > b->limit || b->used > b->limit - bytes) {
    if (b->beyond != NULL && b->beyond != x) {
      return false;
    }
    b->beyond = x;
  }
  b->used += bytes;
  count(x, FIRN_SERVER_BODY_BYTES, (int64_t)bytes);
  return true;
}

static void give_back(firn_exchange *x, size_t bytes) {
  x->server->budget.used -= bytes;
  count(x, FIRN_SERVER_BODY_BYTES, -(int64_t)bytes);
}

static void wait_in_line(firn_exchange *x, size_t bytes) {
  firn_body_budget *b = &x->server->budget;
  x->wanted_bytes = bytes;
  x->next_waiting = NULL;
  *(b->last == NULL ? &b->first : &b->last->next_waiting) = x;
  b->last = x;
  count(x, FIRN_SERVER_BODY_WAITS, 1);
}

firn_body_taken firn_body_take(firn_exchange *x, const char *data, size_t len) {
  if (len > x->max_body - x->body_len) {
    return FIRN_BODY_TOO_LARGE;
  }
  if (len > x->body_capacity - x->body_len) {
    size_t capacity = next_capacity(x, len);
    size_t more = capacity - x->body_capacity;
    if (!take_from_budget(x, more)) {
      wait_in_line(x, more);
      return FIRN_BODY_MUST_WAIT;
    }
    uint8_t *moved = firn_realloc(x->body, capacity);
    if (moved == NULL) {
      give_back(x, more);
      return FIRN_BODY_NOMEM;
    }
    x->body = moved;
    x->body_capacity = capacity;
  }
  memcpy(x->body + x->body_len, data, len);
  x->body_len += len;
  return FIRN_BODY_TAKEN;
}

/* Whether the first in line would get what it waits for. `promised`: to those who were resumed just now. */
static bool may_go_on(firn_body_budget *b, size_t promised) {
  size_t wanted = b->first->wanted_bytes;
  if (wanted <= b->limit && promised <= b->limit - wanted && b->used <= b->limit - wanted - promised) {
    return true;
  }
  if (b->beyond == NULL) {
    b->beyond = b->first;
    return true;
  }
  return false;
}

static void resume_waiting(firn_http_server *s) {
  firn_body_budget *b = &s->budget;
  size_t promised = 0;
  while (b->first != NULL && may_go_on(b, promised)) {
    firn_exchange *x = b->first;
    b->first = x->next_waiting;
    b->last = b->first == NULL ? NULL : b->last;
    promised += x->wanted_bytes;
    x->wanted_bytes = 0;
    x->held_us += firn_server_now_us(s) - x->held_since_us;
    firn_connection_set(x->connection, FIRN_CONNECTION_BODY, firn_connection_body_deadline(x));
    firn_connection_resume(x->connection);
  }
}

void firn_body_release(firn_exchange *x) {
  firn_http_server *s = x->server;
  firn_free(x->body);
  x->body = NULL;
  give_back(x, x->body_capacity);
  x->body_capacity = x->body_len = 0;
  if (s->budget.beyond == x) {
    s->budget.beyond = NULL;
  }
  resume_waiting(s);
}
