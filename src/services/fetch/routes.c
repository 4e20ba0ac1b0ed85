/* The routes of fetch, but for the old ones (vehicle.c). */
#include "base/json_tree.h"
#include "base/nearest.h"
#include "services/fetch/answer_internal.h"

enum {
  MAX_BODY = 4 << 20, /* of many keys */
};

/* One hit of a search: {"key": ..., "event": ..., "error": ...}. */
static void write_hit(firn_bytes key, const firn_fetched *fetched, bool has_event, bool with_data,
                      firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_key(w, "key");
  firn_json_write_bytes(w, key);
  if (has_event) {
    firn_json_key(w, "event");
    firn_event_write_json(&fetched->event, with_data && fetched->status == FIRN_OK, w);
  }
  if (fetched->status != FIRN_OK) {
    firn_fetch_write_error(fetched, w);
  }
  firn_json_end_object(w);
}

static firn_status write_found(const firn_index_hits *hits, const firn_fetched *events, bool with_data,
                               firn_builder *b, firn_error *err) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_bytes json;
  firn_json_begin_object(&w);
  firn_json_key(&w, "events");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < hits->n; i++) {
    write_hit(firn_bytes_of(hits->items[i].key), &events[i], true, with_data, &w);
  }
  firn_json_end_array(&w);
  firn_json_key(&w, "cursor");
  if (hits->cursor != NULL) {
    firn_json_write_text(&w, hits->cursor);
  } else {
    firn_json_write_null(&w);
  }
  firn_json_end_object(&w);
  return firn_builder_finish(b, &json, err);
}

static firn_status get_events(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_fetch *f = self;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_fetch_query q;
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  FIRN_TRY(firn_fetch_read_query(x, FIRN_QUERY_PAGING, &q, err));
  if (q.with_data && q.index.limit > FIRN_FETCH_MAX_KEYS) {
    return firn_error_set(err, FIRN_INVALID, "the parameter limit may be %d at most with data=true",
                          (int)FIRN_FETCH_MAX_KEYS);
  }
  firn_fetch_request r = {.arena = &arena, .is_bounded = true};
  r.what = q.with_data ? (unsigned)FIRN_FETCH_DATA : 0u;
  firn_status status = firn_fetch_find(f, ctx, &q.index, &r, &hits, &events, err);
  status = status == FIRN_OK ? write_found(&hits, events, q.with_data, &b, err) : status;
  firn_fetch_release(f, r.reserved);
  return status == FIRN_OK ? firn_fetch_answer_json(f, x, &b, err) : status;
}

static firn_status get_latest(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_fetch *f = self;
  firn_fetch_query q;
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  FIRN_TRY(firn_fetch_read_query(x, 0, &q, err));
  q.index.limit = 1;
  FIRN_TRY(firn_fetch_search(f, ctx, &q.index, false, firn_exchange_arena(x), &hits, &events, err));
  if (hits.n == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "no event matches");
  }
  return firn_fetch_answer_key(f, x, ctx, firn_bytes_of(hits.items[0].key), firn_fetch_wants_event(x), err);
}

static firn_status get_key(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_http_header param;
  firn_bytes key = {NULL, 0};
  for (size_t i = 0; firn_exchange_query_at(x, i, &param); i++) {
    if (!firn_bytes_is(param.name, "key") || key.data != NULL) {
      return firn_error_set(err, FIRN_INVALID, "this path takes one parameter, key, once");
    }
    key = param.value;
  }
  if (key.data == NULL) {
    return firn_error_set(err, FIRN_INVALID,
                          "the parameter key is missing: <path>#<row>, where # is %%23 in a URL");
  }
  return firn_fetch_answer_key(self, x, ctx, key, firn_fetch_wants_event(x), err);
}

/* ---- many keys ---- */

typedef struct many {
  size_t n;
  firn_bytes *keys;
  bool with_data;
} many;

static firn_status read_keys(const firn_json_value *list, firn_arena *arena, many *out, firn_error *err) {
  if (list->n_items > FIRN_FETCH_MAX_KEYS) {
    return firn_error_set(err, FIRN_INVALID, "%zu keys; %d are the most of one request", list->n_items,
                          (int)FIRN_FETCH_MAX_KEYS);
  }
  out->keys = firn_new_n(arena, firn_bytes, list->n_items + 1);
  if (out->keys == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu keys", list->n_items);
  }
  for (size_t i = 0; i < list->n_items; i++) {
    if (list->items[i].kind != FIRN_JSON_STRING) {
      return firn_error_set(err, FIRN_INVALID, "key %zu is no text", i);
    }
    out->keys[i] = list->items[i].text;
  }
  out->n = list->n_items;
  return FIRN_OK;
}

/* {"keys": [...], "data": true} */
static firn_status read_body(firn_bytes body, firn_arena *arena, many *out, firn_error *err) {
  static const char *const known[] = {"keys", "data"};
  const firn_json_value *json = NULL;
  const firn_json_value *list = NULL;
  *out = (many){.with_data = true};
  firn_status status = firn_json_tree_read(body, arena, &json, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status == FIRN_NOMEM ? status : FIRN_INVALID, "the body");
  }
  for (size_t i = 0; json->kind == FIRN_JSON_OBJECT && i < json->n_items; i++) {
    firn_bytes name = json->members[i].key;
    if (!firn_bytes_is(name, "keys") && !firn_bytes_is(name, "data")) {
      const char *nearest = firn_nearest(name, known, FIRN_COUNT_OF(known));
      return firn_error_set(err, FIRN_INVALID, "the body has a member \"%.*s\"; there are keys and data%s%s",
                            FIRN_FORMAT_BYTES(firn_bytes_part(name, 0, 64)),
                            nearest == NULL ? "" : ", and you may mean ", nearest == NULL ? "" : nearest);
    }
  }
  status = firn_json_need_array(json, "keys", &list, err);
  status = status == FIRN_OK ? firn_json_may_bool(json, "data", &out->with_data, err) : status;
  if (status != FIRN_OK) {
    return firn_error_while(err, status == FIRN_NOMEM ? status : FIRN_INVALID, "the body");
  }
  return read_keys(list, arena, out, err);
}

static firn_status write_many(const many *m, const firn_fetched *out, firn_builder *b, firn_error *err) {
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  firn_bytes json;
  firn_json_begin_object(&w);
  firn_json_key(&w, "events");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < m->n; i++) {
    write_hit(m->keys[i], &out[i], out[i].status == FIRN_OK, m->with_data, &w);
  }
  firn_json_end_array(&w);
  firn_json_end_object(&w);
  return firn_builder_finish(b, &json, err);
}

static firn_status post_keys(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  firn_fetch *f = self;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  many m;
  firn_http_header param;
  if (firn_exchange_query_at(x, 0, &param)) {
    return firn_error_set(err, FIRN_INVALID, "this path takes no parameters: keys are in the body");
  }
  FIRN_TRY(read_body(firn_exchange_body(x), &arena, &m, err));
  firn_fetched *out = firn_new_n(&arena, firn_fetched, m.n + 1);
  if (out == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu events", m.n);
  }
  firn_fetch_request r = {.keys = m.keys, .n = m.n, .arena = &arena, .is_bounded = true};
  r.what = FIRN_FETCH_HEADER | (m.with_data ? (unsigned)FIRN_FETCH_DATA : 0u);
  firn_status status = firn_fetch_run(f, ctx, &r, out, err);
  status = status == FIRN_OK ? write_many(&m, out, &b, err) : status;
  firn_fetch_release(f, r.reserved);
  return status == FIRN_OK ? firn_fetch_answer_json(f, x, &b, err) : status;
}

#define ROUTE(verb, at, handler, called) \
  {.method = (verb), .path = (at), .handle = (handler), .name = (called)}
/* The older service takes both methods there. */
#define VEHICLE(what, handler, called)                                        \
  ROUTE("GET", "/v1/vehicle/" what "/{tokenId}", handler, "vehicle." called), \
      ROUTE("POST", "/v1/vehicle/" what "/{tokenId}", handler, "vehicle." called ".post")

static const firn_route routes[] = {
    ROUTE("GET", "/v1/events", get_events, "events.search"),
    ROUTE("GET", "/v1/events/latest", get_latest, "events.latest"),
    ROUTE("GET", "/v1/events/fetch", get_key, "events.fetch"),
    {"POST", "/v1/events/fetch", post_keys, "events.fetch_many", .takes_body = true},
    VEHICLE("latest-index-key", firn_fetch_vehicle_latest_key, "latest_index_key"),
    VEHICLE("index-keys", firn_fetch_vehicle_keys, "index_keys"),
    VEHICLE("latest-object", firn_fetch_vehicle_latest, "latest_object"),
    VEHICLE("objects", firn_fetch_vehicle_objects, "objects"),
};

firn_route_set firn_fetch_routes(firn_fetch *f) {
  return (firn_route_set){
      .routes = routes, .n = FIRN_COUNT_OF(routes), .service = f, .max_body_bytes = MAX_BODY};
}
