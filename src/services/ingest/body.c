#include "services/ingest/body.h"

#include "base/json.h"

/* What JSON says of its own limits is the body's fault like any other. */
static firn_status no_json(const firn_error *why, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "the body is no JSON: %s", why->text);
}

static firn_status check_size(size_t len, size_t number, size_t max_event_bytes, firn_error *err) {
  if (len > max_event_bytes) {
    return firn_error_set(
        err, FIRN_LIMIT,
        "event %zu has %zu bytes, and at most %zu are taken; nothing of the request was taken", number, len,
        max_event_bytes);
  }
  return FIRN_OK;
}

/* Exactly one value. */
static firn_status check_value(firn_bytes text, firn_bytes *span, firn_error *why) {
  firn_json j;
  firn_json_token token;
  firn_json_init(&j, text);
  FIRN_TRY(firn_json_skip(&j, span, why));
  FIRN_TRY(firn_json_next(&j, &token, why));
  return token.kind == FIRN_JSON_END
             ? FIRN_OK
             : firn_error_set(why, FIRN_CORRUPT, "more follows at offset %zu", firn_json_offset(&j));
}

static firn_status check_one(firn_bytes body, size_t max_event_bytes, uint32_t *n_events, firn_error *err) {
  firn_error why;
  firn_bytes span;
  *n_events = 1;
  if (check_value(body, &span, &why) != FIRN_OK) {
    return no_json(&why, err);
  }
  return check_size(span.len, 0, max_event_bytes, err);
}

static firn_status check_items(firn_bytes body, size_t max_event_bytes, uint32_t *n_events, firn_error *err) {
  firn_error why;
  firn_json j;
  firn_json_token token;
  size_t n = 0;
  firn_json_init(&j, body);
  if (firn_json_next(&j, &token, &why) != FIRN_OK) {
    return no_json(&why, err);
  }
  if (token.kind != FIRN_JSON_ARRAY) {
    return firn_error_set(err, FIRN_CORRUPT, "a batch must be a JSON array");
  }
  for (;; n++) {
    if (firn_json_next_item(&j, &token, &why) != FIRN_OK) {
      return no_json(&why, err);
    }
    if (token.kind == FIRN_JSON_ARRAY_END) {
      break;
    }
    size_t quotes = token.kind == FIRN_JSON_STRING ? 2 : 0;
    FIRN_TRY(check_size(token.raw.len + quotes, n, max_event_bytes, err));
  }
  if (firn_json_next(&j, &token, &why) != FIRN_OK) {
    return no_json(&why, err);
  }
  *n_events = (uint32_t)n;
  return FIRN_OK;
}

static bool is_space(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_blank(firn_bytes line) {
  size_t i = 0;
  while (i < line.len && is_space(line.data[i])) {
    i++;
  }
  return i == line.len;
}

/* Lines stand alone: one that is no JSON becomes a dead letter, as it does from a file, and refuses no other.
 */
static firn_status check_lines(firn_bytes body, size_t max_event_bytes, uint32_t *n_events, firn_error *err) {
  size_t n = 0;
  while (body.len > 0) {
    const uint8_t *end = memchr(body.data, '\n', body.len);
    size_t len = end == NULL ? body.len : (size_t)(end - body.data);
    firn_bytes line = firn_bytes_part(body, 0, len);
    if (!is_blank(line)) {
      FIRN_TRY(check_size(line.len, n++, max_event_bytes, err));
    }
    body = firn_bytes_part(body, len + 1, body.len);
  }
  *n_events = (uint32_t)n;
  return FIRN_OK;
}

firn_status firn_body_check(firn_event_mode mode, firn_bytes body, size_t max_event_bytes, uint32_t *n_events,
                            firn_error *err) {
  switch (mode) {
    case FIRN_EVENT_BATCHED:
      return check_items(body, max_event_bytes, n_events, err);
    case FIRN_EVENT_LINES:
      return check_lines(body, max_event_bytes, n_events, err);
    case FIRN_EVENT_BINARY:
      *n_events = 1;
      return check_size(body.len, 0, max_event_bytes, err);
    case FIRN_EVENT_STRUCTURED:
      break;
  }
  return check_one(body, max_event_bytes, n_events, err);
}
