#include "events/event_http.h"

#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "events/event_internal.h"

static uint8_t lower(uint8_t c) {
  return (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool has_prefix(firn_bytes text, const char *prefix) {
  size_t len = strlen(prefix);
  if (text.len < len) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if (lower(text.data[i]) != (uint8_t)prefix[i]) {
      return false;
    }
  }
  return true;
}

static bool is_name(firn_bytes text, const char *name) {
  return text.len == strlen(name) && has_prefix(text, name);
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t';
}

static firn_bytes trim(firn_bytes text) {
  while (text.len > 0 && is_blank(text.data[0])) {
    text.data++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.data[text.len - 1])) {
    text.len--;
  }
  return text;
}

/* Splits what stands before the first `at` off; `rest` is what is behind it. */
static firn_bytes take_until(firn_bytes *rest, char at) {
  const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, at, rest->len);
  firn_bytes first = {rest->data, end == NULL ? rest->len : (size_t)(end - rest->data)};
  *rest = end == NULL ? (firn_bytes){NULL, 0} : firn_bytes_part(*rest, first.len + 1, rest->len);
  return first;
}

bool firn_event_is_attribute_header(firn_bytes name) {
  return has_prefix(name, "ce-");
}

/* The one content type; data NULL: none. */
static firn_status content_type_of(const firn_event_header *headers, size_t n, firn_bytes *out,
                                   firn_error *err) {
  *out = (firn_bytes){NULL, 0};
  for (size_t i = 0; i < n; i++) {
    if (!is_name(headers[i].name, "content-type")) {
      continue;
    }
    if (out->data != NULL) {
      return firn_error_set(err, FIRN_CORRUPT, "the content type is given twice");
    }
    firn_bytes value = headers[i].value;
    *out = value.data == NULL ? FIRN_LITERAL("") : value;
  }
  return FIRN_OK;
}

/* JSON is UTF-8 here: another `charset` cannot be read. */
static firn_status check_charset(firn_bytes parameters, firn_error *err) {
  while (parameters.data != NULL) {
    firn_bytes value = take_until(&parameters, ';');
    firn_bytes name = trim(take_until(&value, '='));
    value = trim(value);
    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"') {
      value = firn_bytes_part(value, 1, value.len - 2);
    }
    if (is_name(name, "charset") && !is_name(value, "utf-8") && !is_name(value, "us-ascii")) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "events in charset %.*s: send UTF-8",
                            FIRN_FORMAT_BYTES(firn_bytes_part(value, 0, 64)));
    }
  }
  return FIRN_OK;
}

static firn_event_mode mode_of_body(firn_bytes body) {
  for (size_t i = 0; i < body.len; i++) {
    if (!is_blank(body.data[i]) && body.data[i] != '\n' && body.data[i] != '\r') {
      return body.data[i] == '[' ? FIRN_EVENT_BATCHED : FIRN_EVENT_STRUCTURED;
    }
  }
  return FIRN_EVENT_STRUCTURED;
}

firn_status firn_event_mode_of(const firn_event_header *headers, size_t n, firn_bytes body,
                               firn_event_mode *out, firn_error *err) {
  firn_bytes parameters;
  if (content_type_of(headers, n, &parameters, err) != FIRN_OK) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the content type is given twice");
  }
  firn_bytes type = trim(take_until(&parameters, ';'));
  bool is_binary = false;
  for (size_t i = 0; i < n && !is_binary; i++) {
    is_binary = firn_event_is_attribute_header(headers[i].name);
  }
  /* HTTP Protocol Binding 3: this prefix decides before any header does. */
  bool is_event = has_prefix(type, "application/cloudevents");
  if (is_binary && !is_event) {
    *out = FIRN_EVENT_BINARY;
    return FIRN_OK;
  }
  if (is_name(type, "application/cloudevents+json")) {
    *out = FIRN_EVENT_STRUCTURED;
  } else if (is_name(type, "application/cloudevents-batch+json")) {
    *out = FIRN_EVENT_BATCHED;
  } else if (is_name(type, "application/x-ndjson")) {
    *out = FIRN_EVENT_LINES;
  } else if (is_name(type, "application/json") || type.len == 0) {
    *out = mode_of_body(body);
  } else {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "content type %.*s: send application/cloudevents+json, "
                          "application/cloudevents-batch+json, application/json or application/x-ndjson, "
                          "or the attributes as ce- headers",
                          FIRN_FORMAT_BYTES(firn_bytes_part(type, 0, 100)));
  }
  return check_charset(parameters, err);
}

/* One event on its way from headers. */
typedef struct reading {
  firn_arena *arena;
  firn_event *event;
  uint32_t seen; /* a bit for each known attribute */
  size_t n_others, capacity;
  firn_event_header *others; /* what goes to extras: names in lower case, values decoded */
} reading;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an event's headers");
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Spec: HTTP Protocol Binding 3.1.3.2. A double-quoted value is unquoted first; then one round of percent
 * decoding. A percent sign without two hex digits stays: older senders did not encode it. */
static firn_status decode(firn_bytes value, firn_arena *arena, firn_bytes *out, firn_error *err) {
  bool is_quoted = value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"';
  if (!is_quoted && (value.len == 0 || memchr(value.data, '%', value.len) == NULL)) {
    *out = value.len == 0 ? FIRN_LITERAL("") : value;
    return FIRN_OK;
  }
  uint8_t *text = firn_arena_alloc_bytes(arena, value.len);
  if (text == NULL) {
    return no_memory(err);
  }
  size_t len = 0;
  size_t end = is_quoted ? value.len - 1 : value.len;
  for (size_t i = is_quoted ? 1 : 0; i < end; i++) {
    i += is_quoted && value.data[i] == '\\' && i + 1 < end;
    text[len++] = value.data[i];
  }
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    text[n++] = (uint8_t)(low >= 0 ? high << 4 | low : text[i]);
    i += low >= 0 ? 2 : 0;
  }
  *out = (firn_bytes){text, n};
  return FIRN_OK;
}

/* The attribute's name in lower case. */
static firn_status attribute_name(firn_bytes header, firn_arena *arena, firn_bytes *out, firn_error *err) {
  firn_bytes name = firn_bytes_part(header, strlen("ce-"), header.len);
  if (name.len == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "a header ce- without a name");
  }
  uint8_t *text = firn_arena_alloc_bytes(arena, name.len);
  if (text == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < name.len; i++) {
    text[i] = lower(name.data[i]);
  }
  *out = (firn_bytes){text, name.len};
  return FIRN_OK;
}

static firn_status given_twice(firn_bytes name, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "attribute \"%.*s\" is given twice",
                        FIRN_FORMAT_BYTES(firn_bytes_part(name, 0, 64)));
}

static firn_status keep_other(reading *r, firn_bytes name, firn_bytes value, firn_error *err) {
  for (size_t i = 0; i < r->n_others; i++) {
    if (firn_bytes_equal(r->others[i].name, name)) {
      return given_twice(name, err);
    }
  }
  firn_event_header *moved = firn_arena_grow(r->arena, r->others, r->n_others, &r->capacity, sizeof *moved);
  if (moved == NULL) {
    return no_memory(err);
  }
  r->others = moved;
  r->others[r->n_others++] = (firn_event_header){name, value};
  return FIRN_OK;
}

/* Into its column when the value is right for it, else to extras, as in JSON. */
static firn_status read_attribute(reading *r, firn_bytes name, firn_bytes value, firn_error *err) {
  int attribute = firn_event_attribute_of(name);
  bool is_kept = true;
  if (attribute == FIRN_EVENT_IS_OTHER) {
    return keep_other(r, name, value, err);
  }
  if (attribute == FIRN_EVENT_IS_DATA || attribute == FIRN_EVENT_IS_DATA_BASE64) {
    return firn_error_set(err, FIRN_CORRUPT, "data in a header, where the body is the data");
  }
  if ((r->seen & (UINT32_C(1) << attribute)) != 0) {
    return given_twice(name, err);
  }
  r->seen |= UINT32_C(1) << attribute;
  if (attribute == FIRN_EVENT_IS_TIME) {
    is_kept = firn_rfc3339_parse(value, FIRN_MICROS, &r->event->time_us, NULL) == FIRN_OK;
    r->event->has_time = is_kept;
  } else if (attribute == FIRN_EVENT_IS_TAGS) {
    firn_error reason;
    is_kept = value.len > 0 && value.data[0] == '[' && firn_json_is_valid(value);
    if (is_kept && firn_event_read_tags(value, r->arena, r->event, &is_kept, &reason) != FIRN_OK) {
      return firn_error_set(err, reason.status, "%s", reason.text);
    }
  } else {
    r->event->texts[attribute] = value;
  }
  return is_kept ? FIRN_OK : keep_other(r, name, value, err);
}

static firn_status read_header(reading *r, const firn_event_header *h, firn_error *err) {
  firn_bytes name;
  firn_bytes value;
  FIRN_TRY(attribute_name(h->name, r->arena, &name, err));
  FIRN_TRY(decode(h->value, r->arena, &value, err));
  if (!firn_utf8_is_valid(name) || !firn_utf8_is_valid(value)) {
    return firn_error_set(err, FIRN_CORRUPT, "a ce- header that is no UTF-8");
  }
  return read_attribute(r, name, value, err);
}

static firn_status read_content_type(reading *r, firn_bytes content_type, firn_error *err) {
  if (content_type.data == NULL) {
    return FIRN_OK;
  }
  if (r->event->texts[FIRN_EVENT_DATA_CONTENT_TYPE].data != NULL) {
    return given_twice(FIRN_LITERAL("datacontenttype"), err);
  }
  if (!firn_utf8_is_valid(content_type)) {
    return firn_error_set(err, FIRN_CORRUPT, "a content type that is no UTF-8");
  }
  r->event->texts[FIRN_EVENT_DATA_CONTENT_TYPE] = content_type;
  return FIRN_OK;
}

static firn_status write_extras(const reading *r, firn_error *err) {
  r->event->extras = FIRN_LITERAL("{}");
  if (r->n_others == 0) {
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  for (size_t i = 0; i < r->n_others; i++) {
    firn_json_key_bytes(&w, r->others[i].name);
    firn_json_write_bytes(&w, r->others[i].value);
  }
  firn_json_end_object(&w);
  return firn_builder_finish_copy(&b, r->arena, &r->event->extras, err);
}

firn_status firn_event_read_binary(const firn_event_header *headers, size_t n, firn_bytes body,
                                   firn_arena *arena, firn_event *out, firn_error *err) {
  firn_event event = {0};
  firn_bytes content_type;
  reading r = {.arena = arena, .event = &event};
  size_t n_attributes = 0;
  FIRN_TRY(content_type_of(headers, n, &content_type, err));
  for (size_t i = 0; i < n; i++) {
    if (!firn_event_is_attribute_header(headers[i].name)) {
      continue;
    }
    if (n_attributes++ == FIRN_EVENT_MAX_ATTRIBUTES) {
      return firn_error_set(err, FIRN_CORRUPT, "an event with more than %d attributes",
                            FIRN_EVENT_MAX_ATTRIBUTES);
    }
    FIRN_TRY(read_header(&r, &headers[i], err));
  }
  FIRN_TRY(read_content_type(&r, content_type, err));
  FIRN_TRY(write_extras(&r, err));
  event.has_data = body.len > 0 || content_type.data != NULL;
  event.data = event.has_data && body.data == NULL ? FIRN_LITERAL("") : body;
  *out = event;
  return FIRN_OK;
}
