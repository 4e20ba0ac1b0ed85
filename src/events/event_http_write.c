/* Events on their way out: as JSON (JSON Event Format 1.0.2), and as headers (HTTP Protocol Binding 1.0.2,
 * 3.1.3). */
#include "events/event_http.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"

enum {
  /* What clients take: Python's stop at 100 headers and 64 KiB a line, many proxies at 8 KiB for one and 32
   * KiB for all. */
  MAX_HEADERS = 64,
  MAX_HEADER_BYTES = 8 << 10,
  MAX_ALL_BYTES = 24 << 10,
  MAX_NAME_BYTES = 64,
  /* A payload nested as deeply as readers go could not be read any more inside an event in a list of them. */
  MAX_DATA_DEPTH = FIRN_JSON_MAX_DEPTH - 16,
};

/* The text attributes as they are called in events, in the order in which people look for them. */
static const struct {
  firn_event_text which;
  const char *name;
} names[] = {
    {FIRN_EVENT_SPECVERSION, "specversion"}, {FIRN_EVENT_ID, "id"},
    {FIRN_EVENT_SOURCE, "source"},           {FIRN_EVENT_TYPE, "type"},
    {FIRN_EVENT_SUBJECT, "subject"},         {FIRN_EVENT_DATA_CONTENT_TYPE, "datacontenttype"},
    {FIRN_EVENT_DATASCHEMA, "dataschema"},   {FIRN_EVENT_DATA_VERSION, "dataversion"},
    {FIRN_EVENT_PRODUCER, "producer"},       {FIRN_EVENT_SIGNATURE, "signature"},
};
enum { N_NAMES = sizeof names / sizeof names[0] };

static bool has_text(const firn_event *e, firn_event_text which) {
  return e->texts[which].data != NULL;
}

/* RFC 3339 in UTC: the specification's own text, but with a Z. */
static size_t time_text(int64_t time_us, char out[FIRN_TIME_TEXT_MAX]) {
  size_t len = firn_timestamp_text(time_us, FIRN_MICROS, false, out);
  out[len++] = 'Z';
  out[len] = '\0';
  return len;
}

/* Whether the event has an attribute of that name in a column of its own: such a member of extras (which only
 * files that firn did not write can have) must not be written a second time. */
static bool is_written(const firn_event *e, firn_bytes key) {
  for (size_t i = 0; i < N_NAMES; i++) {
    if (firn_bytes_is(key, names[i].name)) {
      return has_text(e, names[i].which);
    }
  }
  return (e->has_time && firn_bytes_is(key, "time")) || (e->has_tags && firn_bytes_is(key, "tags"));
}

static bool is_data_key(firn_bytes key) {
  return firn_bytes_is(key, "data") || firn_bytes_is(key, "data_base64");
}

/* The members of extras, one after the other. */
typedef struct extras_reader {
  firn_json json;
  firn_arena *arena;
} extras_reader;

static bool has_extras(const firn_event *e) {
  return e->extras.len > 0 && !firn_bytes_is(e->extras, "{}");
}

/* False: it is no JSON object. Else the members can be read without a failure other than FIRN_NOMEM. */
static bool extras_begin(extras_reader *r, const firn_event *e, firn_arena *arena) {
  firn_json_token token;
  r->arena = arena;
  firn_json_init(&r->json, e->extras);
  return firn_json_is_valid(e->extras) && firn_json_next(&r->json, &token, NULL) == FIRN_OK &&
         token.kind == FIRN_JSON_OBJECT;
}

/* `*is_over` after the last. */
static firn_status extras_next(extras_reader *r, firn_bytes *key, firn_json_token *value, bool *is_over,
                               firn_error *err) {
  firn_json_token token;
  FIRN_TRY(firn_json_next_member(&r->json, &token, value, err));
  *is_over = token.kind == FIRN_JSON_OBJECT_END;
  return *is_over ? FIRN_OK : firn_json_text(&token, r->arena, key, err);
}

static firn_bytes span_of(const firn_json_token *value) {
  if (value->kind != FIRN_JSON_STRING) {
    return value->raw;
  }
  return (firn_bytes){value->raw.data - 1, value->raw.len + 2};
}

static firn_status write_extras(const firn_event *e, bool may_have_data, firn_json_writer *w) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  extras_reader r;
  if (!has_extras(e)) {
    return FIRN_OK;
  }
  if (!extras_begin(&r, e, &scratch)) { /* nothing that firn wrote: kept as it is */
    firn_json_key(w, "extras");
    firn_json_write_bytes(w, e->extras);
    return FIRN_OK;
  }
  for (;;) {
    firn_bytes key;
    firn_json_token value;
    bool is_over = false;
    FIRN_TRY(extras_next(&r, &key, &value, &is_over, NULL));
    if (is_over) {
      return FIRN_OK;
    }
    if (!is_written(e, key) && (may_have_data || !is_data_key(key))) {
      firn_json_key_bytes(w, key);
      firn_json_write_raw(w, span_of(&value));
    }
  }
}

static bool is_too_deep(firn_bytes json) {
  size_t n_open = 0; /* no fewer than it is deep */
  for (size_t i = 0; i < json.len; i++) {
    n_open += json.data[i] == '[' || json.data[i] == '{';
  }
  firn_json j;
  firn_json_token token = {.kind = FIRN_JSON_NULL};
  firn_json_init(&j, json);
  while (n_open > MAX_DATA_DEPTH && j.depth <= MAX_DATA_DEPTH && token.kind != FIRN_JSON_END) {
    if (firn_json_next(&j, &token, NULL) != FIRN_OK) {
      return true;
    }
  }
  return j.depth > MAX_DATA_DEPTH;
}

static bool is_text_type(firn_bytes content_type) {
  static const char text[] = "text/";
  if (content_type.len < sizeof text - 1) {
    return false;
  }
  for (size_t i = 0; i < sizeof text - 1; i++) {
    if ((content_type.data[i] | (text[i] == '/' ? 0 : 0x20)) != text[i]) {
      return false;
    }
  }
  return true;
}

static void write_data(const firn_event *e, firn_json_writer *w) {
  firn_bytes type = e->texts[FIRN_EVENT_DATA_CONTENT_TYPE];
  bool is_json = firn_content_type_is_json(type);
  if (is_json && firn_json_is_valid(e->data) && !is_too_deep(e->data)) {
    firn_json_key(w, "data");
    firn_json_write_raw(w, e->data);
  } else if (!is_json && is_text_type(type) && firn_utf8_is_valid(e->data)) {
    firn_json_key(w, "data");
    firn_json_write_bytes(w, e->data);
  } else {
    firn_json_key(w, "data_base64");
    firn_json_write_raw(w, FIRN_LITERAL("\""));
    firn_base64_encode(e->data, w->to);
    firn_builder_add_u8(w->to, '"');
  }
}

static void write_tags(const firn_event *e, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (size_t i = 0; i < e->n_tags; i++) {
    firn_json_write_bytes(w, e->tags[i]);
  }
  firn_json_end_array(w);
}

void firn_event_write_json(const firn_event *e, bool with_data, firn_json_writer *w) {
  firn_json_begin_object(w);
  for (size_t i = 0; i < N_NAMES; i++) {
    if (has_text(e, names[i].which)) {
      firn_json_key(w, names[i].name);
      firn_json_write_bytes(w, e->texts[names[i].which]);
    }
  }
  if (e->has_time) {
    char text[FIRN_TIME_TEXT_MAX];
    (void)time_text(e->time_us, text);
    firn_json_add_text(w, "time", text);
  }
  if (e->has_tags) {
    firn_json_key(w, "tags");
    write_tags(e, w);
  }
  firn_status status = write_extras(e, with_data && !e->has_data, w);
  if (status != FIRN_OK && w->to->failed == FIRN_OK) {
    w->to->failed = status;
  }
  if (with_data && e->has_data) {
    write_data(e, w);
  }
  firn_json_end_object(w);
}

/* ---- headers ---- */

typedef struct header_list {
  firn_arena *arena;
  firn_event_header *items;
  size_t n, n_bytes;
} header_list;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an event's headers");
}

/* HTTP Protocol Binding 3.1.3.2: everything but printable ASCII, and the space, the quotation mark and the
 * percent sign, is percent-encoded. So no value ends a header. */
static bool is_plain(uint8_t c) {
  return c > 0x20 && c < 0x7f && c != '"' && c != '%';
}

static size_t encoded_len(firn_bytes value) {
  size_t len = value.len;
  for (size_t i = 0; i < value.len; i++) {
    len += is_plain(value.data[i]) ? 0 : 2;
  }
  return len;
}

static void encode(firn_bytes value, uint8_t *to) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < value.len; i++) {
    uint8_t c = value.data[i];
    if (is_plain(c)) {
      *to++ = c;
    } else {
      *to++ = '%';
      *to++ = (uint8_t)hex[c >> 4];
      *to++ = (uint8_t)hex[c & 15];
    }
  }
}

/* Adds "ce-<name>", unless that is more than clients take. */
static firn_status add_header(header_list *l, firn_bytes name, firn_bytes value, firn_error *err) {
  size_t len = encoded_len(value);
  size_t all = sizeof "ce-: \r\n" + name.len + len;
  if (l->n == MAX_HEADERS || len > MAX_HEADER_BYTES || l->n_bytes + all > MAX_ALL_BYTES) {
    return FIRN_OK;
  }
  char *full = firn_arena_printf(l->arena, "ce-%.*s", FIRN_FORMAT_BYTES(name));
  uint8_t *text = firn_arena_alloc_bytes(l->arena, len + 1);
  if (full == NULL || text == NULL) {
    return no_memory(err);
  }
  encode(value, text);
  text[len] = '\0';
  l->items[l->n++] = (firn_event_header){.name = firn_bytes_of(full), .value = {text, len}};
  l->n_bytes += all;
  return FIRN_OK;
}

static firn_status add_tags(header_list *l, const firn_event *e, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(MAX_HEADER_BYTES);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_bytes json;
  if (!e->has_tags || e->n_tags > MAX_HEADER_BYTES) {
    return FIRN_OK;
  }
  write_tags(e, &w);
  firn_status status = firn_builder_finish(&b, &json, err);
  if (status == FIRN_LIMIT) {
    return FIRN_OK;
  }
  return status == FIRN_OK ? add_header(l, FIRN_LITERAL("tags"), json, err) : status;
}

/* Names of attributes are lower-case letters and digits (CloudEvents 3.1); others would come back as another
 * name, or break the header. */
static bool is_attribute_name(firn_bytes name) {
  bool right = name.len > 0 && name.len <= MAX_NAME_BYTES;
  for (size_t i = 0; i < name.len && right; i++) {
    uint8_t c = name.data[i];
    right = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  }
  return right;
}

static firn_status add_extra(header_list *l, firn_bytes key, const firn_json_token *value, firn_error *err) {
  firn_bytes text = value->raw;
  switch (value->kind) {
    case FIRN_JSON_STRING:
      FIRN_TRY(firn_json_text(value, l->arena, &text, err));
      break;
    case FIRN_JSON_NUMBER:
    case FIRN_JSON_TRUE:
    case FIRN_JSON_FALSE:
      break;
    default:
      return FIRN_OK;
  }
  return add_header(l, key, text, err);
}

static firn_status add_extras(header_list *l, const firn_event *e, firn_error *err) {
  extras_reader r;
  if (!has_extras(e) || !extras_begin(&r, e, l->arena)) {
    return FIRN_OK;
  }
  for (;;) {
    firn_bytes key;
    firn_json_token value;
    bool is_over = false;
    FIRN_TRY(extras_next(&r, &key, &value, &is_over, err));
    if (is_over) {
      return FIRN_OK;
    }
    bool is_own = is_written(e, key) || is_data_key(key) || firn_bytes_is(key, "datacontenttype");
    if (!is_own && is_attribute_name(key)) {
      FIRN_TRY(add_extra(l, key, &value, err));
    }
  }
}

static bool is_token(firn_bytes text) {
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
      return false;
    }
  }
  return text.len > 0;
}

/* RFC 9110, 8.3.1: type/subtype and parameters, of which only the bytes are looked at. */
static bool is_content_type(firn_bytes text) {
  enum { LONGEST = 255 };
  const uint8_t *slash = text.len == 0 ? NULL : memchr(text.data, '/', text.len);
  if (slash == NULL || text.len > LONGEST) {
    return false;
  }
  size_t at = (size_t)(slash - text.data);
  firn_bytes rest = firn_bytes_part(text, at + 1, text.len);
  size_t end = 0;
  while (end < rest.len && rest.data[end] != ';' && rest.data[end] != ' ') {
    end++;
  }
  for (size_t i = end; i < rest.len; i++) {
    if (rest.data[i] < 0x20 || rest.data[i] > 0x7e) {
      return false;
    }
  }
  return is_token(firn_bytes_part(text, 0, at)) && is_token(firn_bytes_part(rest, 0, end));
}

firn_bytes firn_event_content_type(const firn_event *e) {
  firn_bytes type = e->texts[FIRN_EVENT_DATA_CONTENT_TYPE];
  if (is_content_type(type)) {
    return type;
  }
  if (type.len == 0 && e->has_data && firn_json_is_valid(e->data)) {
    return FIRN_LITERAL("application/json");
  }
  return FIRN_LITERAL("application/octet-stream");
}

firn_status firn_event_write_headers(const firn_event *e, firn_arena *arena, firn_event_header **out,
                                     size_t *n, firn_error *err) {
  header_list l = {.arena = arena, .items = firn_new_n(arena, firn_event_header, MAX_HEADERS + 1)};
  if (l.items == NULL) {
    return no_memory(err);
  }
  firn_bytes type = firn_event_content_type(e);
  char *type_text = firn_arena_text(arena, type);
  if (type_text == NULL) {
    return no_memory(err);
  }
  l.items[l.n++] = (firn_event_header){FIRN_LITERAL("content-type"), {(const uint8_t *)type_text, type.len}};
  for (size_t i = 0; i < N_NAMES; i++) {
    if (has_text(e, names[i].which) && names[i].which != FIRN_EVENT_DATA_CONTENT_TYPE) {
      FIRN_TRY(add_header(&l, firn_bytes_of(names[i].name), e->texts[names[i].which], err));
    }
  }
  if (e->has_time) {
    char text[FIRN_TIME_TEXT_MAX];
    size_t len = time_text(e->time_us, text);
    FIRN_TRY(add_header(&l, FIRN_LITERAL("time"), (firn_bytes){(const uint8_t *)text, len}, err));
  }
  FIRN_TRY(add_tags(&l, e, err));
  FIRN_TRY(add_extras(&l, e, err));
  *out = l.items;
  *n = l.n;
  return FIRN_OK;
}
