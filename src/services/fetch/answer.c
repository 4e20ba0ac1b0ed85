#include "services/fetch/answer_internal.h"

#include <strings.h>

firn_status firn_fetch_read_query(firn_exchange *x, unsigned takes, firn_fetch_query *out, firn_error *err) {
  *out = (firn_fetch_query){.takes = takes};
  firn_http_header param;
  for (size_t i = 0; firn_exchange_query_at(x, i, &param); i++) {
    FIRN_TRY(firn_fetch_query_add(out, param.name, param.value, firn_exchange_arena(x), err));
  }
  return FIRN_OK;
}

firn_status firn_fetch_answer_json(firn_exchange *x, const firn_builder *b, firn_error *err) {
  firn_bytes body;
  FIRN_TRY(firn_builder_finish_copy(b, firn_exchange_arena(x), &body, err));
  firn_exchange_add_header(x, "Cache-Control", "no-store");
  firn_exchange_answer(x, 200, "application/json", body, true);
  return FIRN_OK;
}

/* ---- failures ---- */

/* The code of a status that means something else for a key than for other requests; 0: it does not. */
static int code_of(firn_status status) {
  switch (status) {
    case FIRN_EXISTS:
      return 410;
    case FIRN_CORRUPT:
    case FIRN_CONFLICT:
      return 500;
    default:
      return 0;
  }
}

static int code_in_list(firn_status status) {
  int code = code_of(status);
  switch (status) {
    case FIRN_INVALID:
      return 400;
    case FIRN_NOT_FOUND:
      return 404;
    case FIRN_LIMIT:
      return 413;
    case FIRN_BUSY:
      return 429;
    case FIRN_UNSUPPORTED:
      return 501;
    default:
      return code != 0 ? code : 503;
  }
}

static const char *type_of(firn_status status) {
  return status == FIRN_EXISTS ? "FIRN_GONE" : firn_status_name(status);
}

firn_status firn_fetch_answer_failure(firn_exchange *x, firn_status status, const firn_error *err) {
  int code = code_of(status);
  if (code == 0) {
    return status; /* the router's to answer */
  }
  firn_exchange_fail(x, code, type_of(status), err->text);
  return FIRN_OK;
}

void firn_fetch_write_error(const firn_fetched *fetched, firn_json_writer *w) {
  firn_json_key(w, "error");
  firn_json_begin_object(w);
  firn_json_add_text(w, "message", fetched->text);
  firn_json_add_text(w, "type", type_of(fetched->status));
  firn_json_add_int64(w, "code", code_in_list(fetched->status));
  firn_json_end_object(w);
}

/* ---- conditions and preferences ---- */

static firn_bytes trimmed(firn_bytes text) {
  while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
    text = firn_bytes_part(text, 1, text.len);
  }
  while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
    text.len--;
  }
  return text;
}

/* Cuts the text before the next `separator` off `rest`; false when there is nothing left. */
static bool next_item(firn_bytes *rest, char separator, firn_bytes *item) {
  if (rest->data == NULL) {
    return false;
  }
  const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
  size_t len = end == NULL ? rest->len : (size_t)(end - rest->data);
  *item = trimmed(firn_bytes_part(*rest, 0, len));
  *rest = end == NULL ? (firn_bytes){NULL, 0} : firn_bytes_part(*rest, len + 1, rest->len);
  return true;
}

static bool is_name(firn_bytes text, const char *name) {
  return text.len == strlen(name) && strncasecmp((const char *)text.data, name, text.len) == 0;
}

/* "q=0", "q=0.000": not wanted. */
static bool is_refused(firn_bytes parameters) {
  firn_bytes item;
  while (next_item(&parameters, ';', &item)) {
    bool is_weight = item.len >= 3 && (item.data[0] | 0x20) == 'q' && item.data[1] == '=';
    bool is_zero = is_weight;
    for (size_t i = 2; i < item.len && is_zero; i++) {
      is_zero = item.data[i] == '0' || item.data[i] == '.';
    }
    if (is_zero) {
      return true;
    }
  }
  return false;
}

/* Whether the client asks for events as JSON; that its library takes anything (a star) is no such wish. */
static bool wants_event(firn_exchange *x) {
  firn_bytes rest = firn_exchange_header(x, "Accept");
  firn_bytes range;
  while (next_item(&rest, ',', &range)) {
    firn_bytes type;
    if (next_item(&range, ';', &type) && is_name(type, "application/cloudevents+json")) {
      return !is_refused(range);
    }
  }
  return false;
}

/* The key as it may stand in a header, percent-encoded; in `arena`. NULL: no memory. */
static const char *key_text(firn_bytes key, firn_arena *arena) {
  static const char hex[] = "0123456789ABCDEF";
  char *text = (char *)firn_arena_alloc_bytes(arena, 3 * key.len + 1);
  char *to = text;
  for (size_t i = 0; i < key.len && text != NULL; i++) {
    uint8_t c = key.data[i];
    if (c > 0x20 && c < 0x7f && c != '"' && c != '%' && c != ',') {
      *to++ = (char)c;
    } else {
      *to++ = '%';
      *to++ = hex[c >> 4];
      *to++ = hex[c & 15];
    }
  }
  if (text != NULL) {
    *to = '\0';
  }
  return text;
}

/* If-None-Match (RFC 9110, 13.1.2): the weak comparison. */
static bool client_has(firn_exchange *x, const char *etag) {
  firn_bytes rest = firn_exchange_header(x, "If-None-Match");
  firn_bytes item;
  while (next_item(&rest, ',', &item)) {
    if (firn_bytes_has_prefix(item, FIRN_LITERAL("W/"))) {
      item = firn_bytes_part(item, 2, item.len);
    }
    if (firn_bytes_is(item, etag) || firn_bytes_is(item, "*")) {
      return true;
    }
  }
  return false;
}

/* ---- one event ---- */

static firn_status answer_event(firn_exchange *x, const firn_event *e, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_event_write_json(e, true, &w);
  firn_bytes body;
  FIRN_TRY(firn_builder_finish_copy(&b, firn_exchange_arena(x), &body, err));
  firn_exchange_answer(x, 200, "application/cloudevents+json; charset=utf-8", body, true);
  return FIRN_OK;
}

/* Events come from anybody, and so does their content type: a browser must neither guess another nor run what
 * is in them in the name of this server. */
static void add_safety(firn_exchange *x) {
  firn_exchange_add_header(x, "X-Content-Type-Options", "nosniff");
  firn_exchange_add_header(x, "Content-Security-Policy", "default-src 'none'; sandbox");
}

static firn_status answer_payload(firn_exchange *x, const firn_event *e, firn_error *err) {
  firn_event_header *headers = NULL;
  size_t n = 0;
  FIRN_TRY(firn_event_write_headers(e, firn_exchange_arena(x), &headers, &n, err));
  for (size_t i = 1; i < n; i++) {
    firn_exchange_add_header(x, (const char *)headers[i].name.data, (const char *)headers[i].value.data);
  }
  add_safety(x);
  if (!e->has_data) {
    firn_exchange_answer(x, 204, NULL, (firn_bytes){NULL, 0}, true);
  } else {
    firn_exchange_answer(x, 200, (const char *)headers[0].value.data, e->data, true);
  }
  return FIRN_OK;
}

firn_status firn_fetch_answer_key(firn_fetch *f, firn_exchange *x, firn_ctx *ctx, firn_bytes key,
                                  firn_error *err) {
  firn_arena *arena = firn_exchange_arena(x);
  bool as_event = wants_event(x);
  firn_event e;
  firn_status status = firn_fetch_key_event(f, ctx, key, FIRN_FETCH_DATA | FIRN_FETCH_HEADER, arena, &e, err);
  if (status != FIRN_OK) {
    return firn_fetch_answer_failure(x, status, err);
  }
  const char *name = key_text(key, arena);
  const char *etag =
      name == NULL ? NULL : firn_arena_printf(arena, "\"%s%s\"", name, as_event ? ";event" : "");
  if (etag == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an answer");
  }
  firn_exchange_add_header(x, "ETag", etag);
  firn_exchange_add_header(x, "Vary", "Accept");
  firn_exchange_add_header(x, "Cache-Control", "private, no-cache"); /* kept, and asked for again */
  firn_exchange_add_header(x, "Firn-Key", name);
  if (client_has(x, etag)) {
    firn_exchange_answer(x, 304, NULL, (firn_bytes){NULL, 0}, true);
    return FIRN_OK;
  }
  return as_event ? answer_event(x, &e, err) : answer_payload(x, &e, err);
}
