/* The paths of the older fetch service: events of one vehicle, whose subject is made of a token's number.
 *
 *   /v1/vehicle/latest-index-key/{tokenId}   the newest event's header, with {"key": ...} as its data
 *   /v1/vehicle/index-keys/{tokenId}         an array of those
 *   /v1/vehicle/latest-object/{tokenId}      the newest event
 *   /v1/vehicle/objects/{tokenId}            an array of events
 *
 * docs/decisions.md says where the answers differ from the older ones. */
#include "services/fetch/answer_internal.h"

enum { TOKEN_DIGITS = 20 };

typedef struct shape {
  bool is_list, with_data;
} shape;

/* The subject of a token: the format's one %s replaced by its number. */
static firn_status subject_of(const firn_fetch *f, firn_exchange *x, firn_bytes *out, firn_error *err) {
  firn_bytes token = firn_route_part(x, "tokenId");
  bool right = token.len > 0 && token.len <= TOKEN_DIGITS;
  for (size_t i = 0; i < token.len && right; i++) {
    right = token.data[i] >= '0' && token.data[i] <= '9';
  }
  if (!right) {
    return firn_error_set(err, FIRN_INVALID, "the number of the token is no number");
  }
  const char *format = f->options.subject_format;
  const char *place = strstr(format, "%s");
  size_t before = place == NULL ? strlen(format) : (size_t)(place - format);
  const char *after = place == NULL ? "" : place + 2;
  char *text = firn_arena_printf(firn_exchange_arena(x), "%.*s%.*s%s", (int)before, format,
                                 FIRN_FORMAT_BYTES(token), after);
  if (text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a subject");
  }
  *out = firn_bytes_of(text);
  return FIRN_OK;
}

/* The header with its key as data. */
static firn_status write_index(const firn_event *e, const char *key, firn_arena *arena, firn_json_writer *w,
                               firn_error *err) {
  FIRN_AUTO_BUILDER data = FIRN_BUILDER_INIT(0);
  firn_json_writer inner = FIRN_JSON_WRITER_INIT(&data);
  firn_json_begin_object(&inner);
  firn_json_add_text(&inner, "key", key);
  firn_json_end_object(&inner);
  firn_event index = *e;
  index.has_data = true;
  index.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = FIRN_LITERAL("application/json");
  FIRN_TRY(firn_builder_finish_copy(&data, arena, &index.data, err));
  firn_event_write_json(&index, true, w);
  return FIRN_OK;
}

static firn_status write_all(const firn_index_hits *hits, const firn_fetched *events, shape s,
                             firn_arena *arena, firn_json_writer *w, firn_error *err) {
  if (s.is_list) {
    firn_json_begin_array(w);
  }
  for (size_t i = 0; i < hits->n; i++) {
    if (!s.with_data) {
      FIRN_TRY(write_index(&events[i].event, hits->items[i].key, arena, w, err));
    } else {
      firn_event_write_json(&events[i].event, true, w);
    }
  }
  if (s.is_list) {
    firn_json_end_array(w);
  }
  return FIRN_OK;
}

/* These answers have no place for an event that failed: the whole does. */
static firn_status first_failure(const firn_fetched *events, size_t n, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (events[i].status != FIRN_OK) {
      return firn_error_set(err, events[i].status, "%s", events[i].text);
    }
  }
  return FIRN_OK;
}

static firn_status check_some(const firn_index_hits *hits, firn_error *err) {
  return hits->n > 0 ? FIRN_OK : firn_error_set(err, FIRN_NOT_FOUND, "no event matches");
}

/* One whole event, however large. */
static firn_status answer_latest(firn_fetch *f, firn_exchange *x, firn_ctx *ctx,
                                 const firn_index_query *query, firn_error *err) {
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  FIRN_TRY(firn_fetch_search(f, ctx, query, false, firn_exchange_arena(x), &hits, &events, err));
  FIRN_TRY(check_some(&hits, err));
  return firn_fetch_answer_key(f, x, ctx, firn_bytes_of(hits.items[0].key), true, err);
}

/* The events of the answer, written into `b`. */
static firn_status find_all(firn_fetch *f, firn_ctx *ctx, const firn_index_query *query, shape s,
                            firn_fetch_request *r, firn_builder *b, firn_error *err) {
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  firn_json_writer w = FIRN_JSON_WRITER_INIT(b);
  r->what = s.with_data ? (unsigned)FIRN_FETCH_DATA : 0u;
  FIRN_TRY(firn_fetch_find(f, ctx, query, r, &hits, &events, err));
  if (!s.is_list) {
    FIRN_TRY(check_some(&hits, err));
  }
  FIRN_TRY(first_failure(events, hits.n, err));
  return write_all(&hits, events, s, r->arena, &w, err);
}

static firn_status answer(firn_fetch *f, firn_exchange *x, firn_ctx *ctx, shape s, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_fetch_query q;
  if (f->options.subject_format == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "the paths of vehicles are not served here: fetch.subject_format is not set");
  }
  FIRN_TRY(firn_fetch_read_query(x, FIRN_QUERY_LIMIT, &q, err));
  if (q.index.subject.data != NULL) {
    return firn_error_set(err, FIRN_INVALID, "the subject is in the path, it is no parameter here");
  }
  FIRN_TRY(subject_of(f, x, &q.index.subject, err));
  q.index.limit = s.is_list ? q.index.limit : 1;
  if (s.with_data && q.index.limit > FIRN_FETCH_MAX_KEYS) {
    return firn_error_set(err, FIRN_INVALID, "the parameter limit may be %d at most here",
                          (int)FIRN_FETCH_MAX_KEYS);
  }
  if (!s.is_list && s.with_data) {
    return answer_latest(f, x, ctx, &q.index, err);
  }
  firn_fetch_request r = {.arena = &arena, .is_bounded = true};
  firn_status status = find_all(f, ctx, &q.index, s, &r, &b, err);
  firn_fetch_release(f, r.reserved);
  return status == FIRN_OK ? firn_fetch_answer_json(f, x, &b, err)
                           : firn_fetch_answer_failure(x, status, err);
}

firn_status firn_fetch_vehicle_latest_key(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  return answer(self, x, ctx, (shape){0}, err);
}
firn_status firn_fetch_vehicle_keys(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  return answer(self, x, ctx, (shape){.is_list = true}, err);
}
firn_status firn_fetch_vehicle_latest(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  return answer(self, x, ctx, (shape){.with_data = true}, err);
}
firn_status firn_fetch_vehicle_objects(void *self, firn_exchange *x, firn_ctx *ctx, firn_error *err) {
  return answer(self, x, ctx, (shape){.is_list = true, .with_data = true}, err);
}
