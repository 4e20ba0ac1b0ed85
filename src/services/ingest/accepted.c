#include "services/ingest/accepted.h"

#include "base/cursor.h"
#include "base/hash.h"

#define NO_KEY UINT32_MAX

static uint64_t mix(uint64_t so_far, firn_bytes more) {
  uint64_t both[2] = {so_far, firn_xxh64(more)};
  return firn_xxh64((firn_bytes){(const uint8_t *)both, sizeof both});
}

uint64_t firn_accepted_fingerprint(const firn_accepted *a) {
  uint64_t h = mix((uint64_t)a->mode, a->body);
  for (size_t i = 0; i < a->n_headers; i++) {
    h = mix(mix(h, a->headers[i].name), a->headers[i].value);
  }
  return h;
}

static void write_text(firn_builder *out, firn_bytes text) {
  firn_builder_add_u32le(out, (uint32_t)text.len);
  firn_builder_add(out, text);
}

void firn_accepted_write_head(const firn_accepted *a, firn_builder *out) {
  firn_builder_add_u8(out, FIRN_ACCEPTED_VERSION);
  firn_builder_add_u8(out, (uint8_t)a->mode);
  firn_builder_add_u64le(out, (uint64_t)a->received_us);
  firn_builder_add_u32le(out, a->n_events);
  firn_builder_add_u64le(out, a->fingerprint);
  if (a->idempotency_key.data == NULL) {
    firn_builder_add_u32le(out, NO_KEY);
  } else {
    write_text(out, a->idempotency_key);
  }
  write_text(out, a->client);
  firn_builder_add_u32le(out, (uint32_t)a->n_headers);
  for (size_t i = 0; i < a->n_headers; i++) {
    write_text(out, a->headers[i].name);
    write_text(out, a->headers[i].value);
  }
}

static firn_status broken(firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "it is no accepted request");
}

static firn_bytes read_text(firn_cursor *c) {
  return firn_cursor_take(c, firn_cursor_u32le(c));
}

static firn_status read_headers(firn_cursor *c, firn_arena *arena, firn_accepted *out, firn_error *err) {
  enum { LEAST_HEADER_BYTES = 8 };
  uint32_t n = firn_cursor_u32le(c);
  if (c->bad || n > firn_cursor_left(c) / LEAST_HEADER_BYTES) {
    return broken(err);
  }
  if (n == 0) {
    return FIRN_OK;
  }
  firn_event_header *headers = firn_new_n(arena, firn_event_header, n);
  if (headers == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %u headers", (unsigned)n);
  }
  for (uint32_t i = 0; i < n; i++) {
    headers[i].name = read_text(c);
    headers[i].value = read_text(c);
  }
  out->n_headers = n;
  out->headers = headers;
  return FIRN_OK;
}

static firn_bytes read_key(firn_cursor *c) {
  uint32_t len = firn_cursor_u32le(c);
  return len == NO_KEY ? (firn_bytes){NULL, 0} : firn_cursor_take(c, len);
}

firn_status firn_accepted_read(firn_bytes record, firn_arena *arena, firn_accepted *out, firn_error *err) {
  firn_cursor c = firn_cursor_over(record);
  uint8_t version = firn_cursor_u8(&c);
  if (version > FIRN_ACCEPTED_VERSION) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "version %u is newer than this program", version);
  }
  firn_accepted a = {.mode = (firn_event_mode)firn_cursor_u8(&c)};
  a.received_us = (int64_t)firn_cursor_u64le(&c);
  a.n_events = firn_cursor_u32le(&c);
  a.fingerprint = firn_cursor_u64le(&c);
  a.idempotency_key = read_key(&c);
  a.client = read_text(&c);
  FIRN_TRY(read_headers(&c, arena, &a, err));
  a.body = firn_cursor_take(&c, firn_cursor_left(&c));
  if (c.bad || version != FIRN_ACCEPTED_VERSION || a.mode < FIRN_EVENT_STRUCTURED ||
      a.mode > FIRN_EVENT_BINARY) {
    return broken(err);
  }
  *out = a;
  return FIRN_OK;
}
