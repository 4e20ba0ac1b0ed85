#include "sim/clients.h"

#include <inttypes.h>
#include <stdlib.h>

#include "events/event_http.h"
#include "sim/exchange.h"

enum { MOST_REQUESTS = 4096 };

typedef struct request {
  uint64_t first;
  size_t n;
  firn_event_mode mode;
  bool has_key;
  bool may_be_there; /* an answer was lost, or was 202: it counts, whatever is said later */
  int64_t sent_us;   /* first, by the clock that never jumps */
  firn_exchange *waiting;
} request;

struct clients {
  story *story;
  int64_t remember_us;
  size_t n;
  request requests[MOST_REQUESTS];
};

clients *clients_new(story *s) {
  clients *c = calloc(1, sizeof *c);
  if (c == NULL) {
    world_fail(s->world, "no memory for clients");
  }
  c->story = s;
  c->remember_us = INT64_C(600000000) >> world_below(s->world, 12);
  return c;
}

int64_t clients_remember_us(const clients *c) {
  return c->remember_us;
}

void clients_free(clients *c) {
  if (c != NULL) {
    clients_hang_up(c);
    free(c);
  }
}

/* ---- what is sent ---- */

static void write_body(const story *s, const request *r, firn_builder *out) {
  if (r->mode == FIRN_EVENT_BINARY) {
    story_write_data(s, r->first, out);
    return;
  }
  firn_builder_add_text(out, r->mode == FIRN_EVENT_BATCHED ? "[" : "");
  for (size_t i = 0; i < r->n; i++) {
    firn_builder_add_text(out, i == 0 ? "" : r->mode == FIRN_EVENT_BATCHED ? ", " : "\n");
    story_write(s, r->first + i, out);
  }
  firn_builder_add_text(out, r->mode == FIRN_EVENT_BATCHED ? "]" : "");
}

static const char *content_type(firn_event_mode mode) {
  switch (mode) {
    case FIRN_EVENT_STRUCTURED:
      return "application/cloudevents+json";
    case FIRN_EVENT_BATCHED:
      return "application/cloudevents-batch+json";
    case FIRN_EVENT_LINES:
      return "application/x-ndjson";
    case FIRN_EVENT_BINARY:
      break;
  }
  return "application/json";
}

typedef struct head {
  firn_http_header items[12];
  size_t n;
  firn_arena arena;
} head;

static void add(head *h, const char *name, const char *value) {
  const char *copy = firn_arena_text(&h->arena, firn_bytes_of(value));
  h->items[h->n++] = (firn_http_header){firn_bytes_of(name), firn_bytes_of(copy)};
}

static void write_head(const story *s, const request *r, head *h) {
  char text[64];
  add(h, "Content-Type", content_type(r->mode));
  if (r->has_key) {
    (void)snprintf(text, sizeof text, "key-%" PRIu64, r->first);
    add(h, "Idempotency-Key", text);
  }
  if (r->mode != FIRN_EVENT_BINARY) {
    return;
  }
  story_header e = story_header_of(s, r->first);
  add(h, "ce-specversion", "1.0");
  add(h, "ce-id", e.id);
  add(h, "ce-source", e.source);
  add(h, "ce-type", e.type);
  if (e.has_subject) {
    add(h, "ce-subject", e.subject);
  }
  if (e.has_time) {
    story_time_text(e.time_us, text);
    add(h, "ce-time", text);
  }
  if (story_table(s, r->first) == FIRN_ARCHIVE_DEAD_LETTER) {
    add(h, "ce-id", "twice");
  }
}

static void send(clients *c, request *r, const firn_route_set *routes) {
  world *w = c->story->world;
  FIRN_AUTO_BUILDER body = FIRN_BUILDER_INIT(0);
  firn_error err = {0};
  head h = {.n = 0};
  write_head(c->story, r, &h);
  write_body(c->story, r, &body);
  exchange_request what = {.method = "POST",
                           .path = "/v1/events",
                           .n_headers = h.n,
                           .headers = h.items,
                           .body = firn_builder_bytes(&body)};
  r->waiting = exchange_new(&w->ctx, &what);
  for (size_t i = 0; i < r->n; i++) {
    story_sent(c->story, r->first + i, 1);
  }
  firn_status status = routes->routes[0].handle(routes->service, r->waiting, &w->ctx, &err);
  if (status != FIRN_OK) {
    firn_exchange_fail(r->waiting, 500, firn_status_name(status), err.text);
  }
  firn_arena_free(&h.arena);
}

static firn_event_mode some_mode(world *w) {
  static const firn_event_mode modes[] = {FIRN_EVENT_BATCHED, FIRN_EVENT_BATCHED, FIRN_EVENT_STRUCTURED,
                                          FIRN_EVENT_LINES, FIRN_EVENT_BINARY};
  return modes[world_below(w, FIRN_COUNT_OF(modes))];
}

static request *new_request(clients *c) {
  world *w = c->story->world;
  if (c->n == MOST_REQUESTS) {
    return NULL;
  }
  request *r = &c->requests[c->n++];
  *r = (request){.mode = some_mode(w), .has_key = world_chance(w, 2), .sent_us = w->monotonic_us};
  bool is_one = r->mode == FIRN_EVENT_STRUCTURED || r->mode == FIRN_EVENT_BINARY;
  r->n = is_one ? 1 : 1 + (size_t)world_below(w, UINT64_C(1) << world_below(w, 6));
  r->first = c->story->n;
  for (size_t i = 0; i < r->n; i++) {
    uint64_t number = story_next(c->story, r->first);
    c->story->events[number].is_headers = r->mode == FIRN_EVENT_BINARY;
  }
  return r;
}

/* One whose answer was lost, or that was refused, and that firn must know again if it has taken it. */
static request *old_request(clients *c) {
  world *w = c->story->world;
  for (int i = 0; i < 8 && c->n > 0; i++) {
    request *r = &c->requests[world_below(w, c->n)];
    bool is_recent = w->monotonic_us - r->sent_us < c->remember_us;
    if (r->waiting == NULL && r->has_key && is_recent) { /* also an answered one: it was a nervous client */
      return r;
    }
  }
  return NULL;
}

void clients_post(clients *c, const firn_route_set *routes) {
  request *r = world_chance(c->story->world, 4) ? old_request(c) : NULL;
  r = r != NULL ? r : new_request(c);
  if (r != NULL) {
    send(c, r, routes);
  }
}

/* ---- what is answered ---- */

/* A refusal that promises that nothing was taken. */
static bool is_clean(const request *r, int status) {
  static const char promise[] = "nothing of the request was taken";
  firn_bytes text = exchange_answer(r->waiting);
  return status == 429 || memmem(text.data, text.len, promise, sizeof promise - 1) != NULL;
}

static void look_at(clients *c, request *r, bool may_refuse) {
  world *w = c->story->world;
  int status = firn_exchange_status(r->waiting);
  if (status == 202) {
    for (size_t i = 0; i < r->n; i++) {
      story_answered(c->story, r->first + i);
    }
    r->may_be_there = true;
  } else if (status != 429 && !(status == 503 && may_refuse)) {
    world_fail(w, "a request is answered %d: %.*s", status, FIRN_FORMAT_BYTES(exchange_answer(r->waiting)));
  } else if (disk_is_cut(w->disk) || !is_clean(r, status)) { /* with the power the answer goes too */
    r->may_be_there = true;
  } else if (!r->may_be_there) {
    for (size_t i = 0; i < r->n; i++) {
      story_sent(c->story, r->first + i, 0);
    }
  }
  exchange_free(r->waiting);
  r->waiting = NULL;
}

void clients_look(clients *c, bool may_refuse) {
  may_refuse = may_refuse || disk_is_cut(c->story->world->disk);
  for (size_t i = 0; i < c->n; i++) {
    request *r = &c->requests[i];
    if (r->waiting != NULL && firn_exchange_status(r->waiting) != 0) {
      look_at(c, r, may_refuse);
    }
  }
}

void clients_hang_up(clients *c) {
  clients_look(c, true);
  for (size_t i = 0; i < c->n; i++) {
    request *r = &c->requests[i];
    r->may_be_there = r->may_be_there || r->waiting != NULL;
    exchange_free(r->waiting);
    r->waiting = NULL;
  }
}

size_t clients_n_waiting(const clients *c) {
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++) {
    n += c->requests[i].waiting != NULL;
  }
  return n;
}
