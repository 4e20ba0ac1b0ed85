#include "services/ingest/accepted_writer.h"

#include "base/json.h"
#include "base/time.h"

enum {
  HOLD_BYTES = 1 << 20,  /* copies that are kept; more would leave the processor's cache */
  COPY_BYTES = 64 << 10, /* larger requests are written from where they are */
};

/* One request being taken apart. */
typedef struct taking {
  firn_archive_writer *to;
  firn_ctx *ctx;
  firn_event_place place; /* number: of the event that is next */
} taking;

static firn_status add_event(taking *t, firn_bytes json, firn_error *err) {
  FIRN_TRY(firn_archive_writer_add_json(t->to, t->ctx, json, &t->place, err));
  t->place.number++;
  return FIRN_OK;
}

/* What intake has checked cannot be broken; what came in another way may be, and is kept all the same. */
static firn_status add_broken(taking *t, firn_bytes rest, const firn_error *why, firn_error *err) {
  FIRN_TRY(firn_archive_writer_add_dead(t->to, t->ctx, rest, why->text, &t->place, err));
  t->place.number++;
  return FIRN_OK;
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static firn_bytes trim(firn_bytes text) {
  while (text.len > 0 && is_space(text.data[0])) {
    text.data++;
    text.len--;
  }
  while (text.len > 0 && is_space(text.data[text.len - 1])) {
    text.len--;
  }
  return text;
}

/* The whole item as it stands, a text's quotes included. */
static firn_bytes span_of(const firn_json_token *item) {
  return item->kind == FIRN_JSON_STRING ? (firn_bytes){item->raw.data - 1, item->raw.len + 2} : item->raw;
}

static firn_status add_items(taking *t, firn_bytes body, firn_error *err) {
  firn_error why;
  firn_json j;
  firn_json_token item;
  firn_json_init(&j, body);
  firn_status status = firn_json_next(&j, &item, &why);
  if (status == FIRN_OK && item.kind != FIRN_JSON_ARRAY) {
    status = firn_error_set(&why, FIRN_CORRUPT, "a batch must be a JSON array");
  }
  size_t done = 0; /* bytes of the body whose events are written */
  while (status == FIRN_OK) {
    status = firn_json_next_item(&j, &item, &why);
    if (status == FIRN_OK && item.kind == FIRN_JSON_ARRAY_END) {
      return FIRN_OK;
    }
    if (status == FIRN_OK) {
      FIRN_TRY(add_event(t, span_of(&item), err));
      done = firn_json_offset(&j);
    }
  }
  return add_broken(t, firn_bytes_part(body, done, body.len), &why, err);
}

static firn_status add_lines(taking *t, firn_bytes body, firn_error *err) {
  while (body.len > 0) {
    const uint8_t *end = memchr(body.data, '\n', body.len);
    size_t len = end == NULL ? body.len : (size_t)(end - body.data);
    firn_bytes line = firn_bytes_part(body, 0, len);
    line.len -= line.len > 0 && line.data[line.len - 1] == '\r'; /* else as it stands, as from a file */
    if (trim(line).len > 0) {
      FIRN_TRY(add_event(t, line, err));
    }
    body = firn_bytes_part(body, len + 1, body.len);
  }
  return FIRN_OK;
}

static firn_status add_request(taking *t, const firn_accepted *a, firn_error *err) {
  switch (a->mode) {
    case FIRN_EVENT_BATCHED:
      return add_items(t, a->body, err);
    case FIRN_EVENT_LINES:
      return add_lines(t, a->body, err);
    case FIRN_EVENT_BINARY:
      return firn_archive_writer_add_binary(t->to, t->ctx, a->headers, a->n_headers, a->body, &t->place, err);
    case FIRN_EVENT_STRUCTURED:
      break;
  }
  return add_event(t, trim(a->body), err);
}

static firn_status take_apart(firn_accepted_writer *w, firn_ctx *ctx, firn_bytes record, firn_error *err) {
  firn_accepted a;
  char time[FIRN_TIME_TEXT_MAX];
  FIRN_TRY(firn_accepted_read(record, &w->held, &a, err));
  firn_bytes within = {(const uint8_t *)time, firn_timestamp_text(a.received_us, FIRN_MICROS, true, time)};
  taking t = {
      .to = w->to,
      .ctx = ctx,
      .place = {.origin = a.client, .within = within, .unit = "event", .received_us = a.received_us},
  };
  return add_request(&t, &a, err);
}

firn_status firn_accepted_writer_add(firn_accepted_writer *w, firn_ctx *ctx, firn_bytes record,
                                     firn_error *err) {
  if (record.len > COPY_BYTES) {
    FIRN_TRY(take_apart(w, ctx, record, err));
    return firn_accepted_writer_flush(w, ctx, err);
  }
  if (w->held_bytes + record.len > HOLD_BYTES) {
    FIRN_TRY(firn_accepted_writer_flush(w, ctx, err));
  }
  firn_bytes copy = firn_arena_copy(&w->held, record);
  if (copy.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a request of %zu bytes", record.len);
  }
  w->held_bytes += record.len;
  return take_apart(w, ctx, copy, err);
}

firn_status firn_accepted_writer_flush(firn_accepted_writer *w, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(firn_archive_writer_flush(w->to, ctx, err));
  firn_arena_reset(&w->held);
  w->held_bytes = 0;
  return FIRN_OK;
}

void firn_accepted_writer_free(firn_accepted_writer *w) {
  firn_arena_free(&w->held);
}
