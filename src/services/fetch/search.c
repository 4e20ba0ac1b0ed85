/* From what the index finds to events. */
#include "base/json.h"
#include "services/fetch/fetch_internal.h"

static firn_bytes some_text(firn_bytes text) {
  return text.len == 0 ? (firn_bytes){NULL, 0} : text;
}

/* Whether extras say what specversion was: the index leaves it out where it is 1.0. */
static firn_bytes specversion_of(const firn_event *e) {
  bool is_said = e->texts[FIRN_EVENT_SPECVERSION].data != NULL;
  return is_said ? e->texts[FIRN_EVENT_SPECVERSION] : FIRN_LITERAL("1.0");
}

firn_status firn_fetch_row_event(const firn_index_row *row, firn_arena *arena, firn_event *out,
                                 firn_error *err) {
  firn_event e;
  /* What has no column in the index is in its extras as it would be in an event. */
  firn_status status = firn_event_read(row->extras, arena, &e, err);
  if (status == FIRN_NOMEM) {
    return status;
  }
  if (status != FIRN_OK) {
    e = (firn_event){.extras = row->extras};
  }
  e.has_data = false;
  e.data = (firn_bytes){NULL, 0};
  e.texts[FIRN_EVENT_SPECVERSION] = specversion_of(&e);
  e.texts[FIRN_EVENT_SUBJECT] = some_text(row->subject);
  e.texts[FIRN_EVENT_TYPE] = some_text(row->type);
  e.texts[FIRN_EVENT_ID] = some_text(row->id);
  e.texts[FIRN_EVENT_SOURCE] = some_text(row->source);
  e.texts[FIRN_EVENT_PRODUCER] = some_text(row->producer);
  e.texts[FIRN_EVENT_DATA_CONTENT_TYPE] = some_text(row->data_content_type);
  e.texts[FIRN_EVENT_DATA_VERSION] = some_text(row->data_version);
  e.has_time = row->has_time;
  e.time_us = row->time_us;
  *out = e;
  return FIRN_OK;
}

/* Adds the data of all hits to their headers. */
static firn_status add_data(firn_fetch *f, firn_ctx *ctx, const firn_index_hits *hits, firn_fetch_request *r,
                            firn_fetched *events, firn_error *err) {
  firn_arena *arena = r->arena;
  firn_bytes *keys = firn_new_n(arena, firn_bytes, hits->n);
  firn_fetched *data = firn_new_n(arena, firn_fetched, hits->n);
  if (keys == NULL || data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu events", hits->n);
  }
  for (size_t i = 0; i < hits->n; i++) {
    keys[i] = firn_bytes_of(hits->items[i].key);
  }
  r->keys = keys;
  r->n = hits->n;
  FIRN_TRY(firn_fetch_run(f, ctx, r, data, err));
  for (size_t i = 0; i < hits->n; i++) {
    events[i].status = data[i].status;
    memcpy(events[i].text, data[i].text, sizeof events[i].text);
    if (data[i].status == FIRN_OK) {
      events[i].event.has_data = data[i].event.has_data;
      events[i].event.data = data[i].event.data;
    }
  }
  return FIRN_OK;
}

firn_status firn_fetch_find(firn_fetch *f, firn_ctx *ctx, const firn_index_query *query,
                            firn_fetch_request *r, firn_index_hits *hits, firn_fetched **out,
                            firn_error *err) {
  if (f->options.index == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "there is no index here: events are to be had by key only");
  }
  firn_index_hits found = {0};
  FIRN_TRY(firn_index_search(f->options.index, ctx, query, r->arena, &found, err));
  firn_fetched *events = firn_new_n(r->arena, firn_fetched, found.n + 1);
  if (events == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu events", found.n);
  }
  for (size_t i = 0; i < found.n; i++) {
    FIRN_TRY(firn_fetch_row_event(&found.items[i].row, r->arena, &events[i].event, err));
  }
  if ((r->what & FIRN_FETCH_DATA) != 0 && found.n > 0) {
    FIRN_TRY(add_data(f, ctx, &found, r, events, err));
  }
  *hits = found;
  *out = events;
  return FIRN_OK;
}

firn_status firn_fetch_search(firn_fetch *f, firn_ctx *ctx, const firn_index_query *query, bool with_data,
                              firn_arena *arena, firn_index_hits *hits, firn_fetched **out, firn_error *err) {
  firn_fetch_request r = {.what = with_data ? (unsigned)FIRN_FETCH_DATA : 0u, .arena = arena};
  return firn_fetch_find(f, ctx, query, &r, hits, out, err);
}
