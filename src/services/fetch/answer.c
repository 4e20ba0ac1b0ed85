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

bool firn_fetch_wants_event(firn_exchange *x) {
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

/* An answer in the making. */
typedef struct answering {
  firn_fetch *f;
  firn_exchange *x;
  firn_ctx *ctx;
  firn_bytes key;
  bool as_event;
} answering;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an answer");
}

/* Events come from anybody, and so does their content type: a browser must neither guess another nor run what
 * is in them in the name of this server. */
static void add_safety(firn_exchange *x) {
  firn_exchange_add_header(x, "X-Content-Type-Options", "nosniff");
  firn_exchange_add_header(x, "Content-Security-Policy", "default-src 'none'; sandbox");
}

/* Key, ETag and what caches may do; `*is_known`: the client has it, and was told so. */
static firn_status add_names(answering *a, bool *is_known, firn_error *err) {
  firn_arena *arena = firn_exchange_arena(a->x);
  const char *name = key_text(a->key, arena);
  const char *etag =
      name == NULL ? NULL : firn_arena_printf(arena, "\"%s%s\"", name, a->as_event ? ";event" : "");
  if (etag == NULL) {
    return no_memory(err);
  }
  firn_exchange_add_header(a->x, "ETag", etag);
  firn_exchange_add_header(a->x, "Vary", "Accept");
  firn_exchange_add_header(a->x, "Cache-Control", "private, no-cache"); /* kept, and asked for again */
  firn_exchange_add_header(a->x, "Firn-Key", name);
  *is_known = client_has(a->x, etag);
  if (*is_known) {
    firn_exchange_answer(a->x, 304, NULL, (firn_bytes){NULL, 0}, true);
  }
  return FIRN_OK;
}

/* The event's own headers; `*type` gets its content type, in the exchange's arena. */
static firn_status add_event_headers(answering *a, const firn_event *e, const char **type, firn_error *err) {
  firn_event_header *headers = NULL;
  size_t n = 0;
  FIRN_TRY(firn_event_write_headers(e, firn_exchange_arena(a->x), &headers, &n, err));
  for (size_t i = 1; i < n; i++) {
    firn_exchange_add_header(a->x, (const char *)headers[i].name.data, (const char *)headers[i].value.data);
  }
  add_safety(a->x);
  *type = (const char *)headers[0].value.data;
  return FIRN_OK;
}

/* The JSON form; `h` holds the event, and is taken. */
static firn_status answer_event(answering *a, firn_held *held, const firn_event *e, firn_error *err) {
  FIRN_AUTO_HELD *h = held;
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&h->builder);
  firn_bytes body;
  firn_event_write_json(e, true, &w);
  FIRN_TRY(firn_builder_finish(&h->builder, &body, err));
  if (!firn_fetch_reserve(a->f, h->builder.capacity)) {
    return firn_error_set(err, FIRN_BUSY, "too much is being answered at the moment: try again");
  }
  h->reserved += h->builder.capacity;
  firn_held_answer(FIRN_HAND_OVER(h), a->x, "application/cloudevents+json; charset=utf-8", body);
  return FIRN_OK;
}

/* Answers with an event that `held` holds, and takes it. */
static firn_status answer_held(answering *a, firn_held *held, const firn_event *e, firn_error *err) {
  FIRN_AUTO_HELD *h = held;
  const char *type = NULL;
  bool is_known = false;
  FIRN_TRY(add_names(a, &is_known, err));
  if (is_known) {
    return FIRN_OK;
  }
  if (a->as_event) {
    return answer_event(a, FIRN_HAND_OVER(h), e, err);
  }
  FIRN_TRY(add_event_headers(a, e, &type, err));
  if (!e->has_data) {
    firn_exchange_answer(a->x, 204, NULL, (firn_bytes){NULL, 0}, true);
    return FIRN_OK;
  }
  firn_held_answer(FIRN_HAND_OVER(h), a->x, type, e->data);
  return FIRN_OK;
}

/* ---- one large event ---- */

/* A payload that cannot be read in pieces is read whole, when there is room for it. */
static firn_status hold_large(answering *a, const firn_parquet_located *at, firn_error *err) {
  FIRN_AUTO_HELD *h = firn_held_new(a->f);
  /* The page as it is in the file, decompressed, and the value; one more of it as text of an event. */
  size_t most = at->stored_bytes + 2 * at->page_bytes;
  if (h == NULL) {
    return no_memory(err);
  }
  if (at->page_bytes == 0 || most > a->f->options.answer_bytes) {
    return firn_error_set(
        err, FIRN_LIMIT,
        "a compressed payload of %zu bytes cannot be streamed, and is more than answers may "
        "hold: `firn fetch` writes it",
        at->page_bytes);
  }
  if (!firn_fetch_reserve(a->f, most)) {
    return firn_error_set(err, FIRN_BUSY, "too much is being fetched at the moment: try again");
  }
  h->reserved = most;
  firn_event e;
  FIRN_TRY(
      firn_fetch_key_event(a->f, a->ctx, a->key, FIRN_FETCH_DATA | FIRN_FETCH_HEADER, &h->arena, &e, err));
  return answer_held(a, FIRN_HAND_OVER(h), &e, err);
}

/* The file of a key, open, and where the payload lies in it. */
static firn_status locate(answering *a, firn_cached_file **hold, firn_parquet_located *at, firn_error *err) {
  firn_fetch_key key;
  const char *root = NULL;
  FIRN_TRY(firn_fetch_parse(a->f, a->key, &key, &root, err));
  const char *path = firn_fetch_path(a->f, key.path, firn_exchange_arena(a->x));
  if (path == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_file_cache_get(a->f->cache, a->ctx, a->f->store, path, hold, err));
  firn_status status = firn_archive_file_locate(firn_cached_file_of(*hold), a->ctx, key.row, at, err);
  if (status != FIRN_OK) {
    firn_file_cache_release(a->f->cache, *hold);
  }
  return status;
}

/* The header alone, then the payload as it lies in the file. Takes the hold. */
static firn_status stream_large(answering *a, firn_cached_file *hold, const firn_parquet_located *at,
                                firn_error *err) {
  firn_event e;
  const char *type = NULL;
  bool is_known = false;
  firn_status status =
      firn_fetch_key_event(a->f, a->ctx, a->key, FIRN_FETCH_HEADER, firn_exchange_arena(a->x), &e, err);
  status = status == FIRN_OK ? add_names(a, &is_known, err) : status;
  if (status == FIRN_OK && !is_known) {
    status = add_event_headers(a, &e, &type, err);
  }
  if (status != FIRN_OK || is_known) {
    firn_file_cache_release(a->f->cache, hold);
    return status;
  }
  return firn_fetch_stream(a->f, a->x, hold, at, type, err);
}

static firn_status answer_large(answering *a, firn_error *err) {
  firn_cached_file *hold = NULL;
  firn_parquet_located at = {0};
  FIRN_TRY(locate(a, &hold, &at, err));
  if (at.is_plain && !a->as_event) {
    return stream_large(a, hold, &at, err);
  }
  firn_file_cache_release(a->f->cache, hold);
  return hold_large(a, &at, err);
}

/* Fetches into memory of its own; what is too large for that is FIRN_LIMIT. */
static firn_status answer_small(answering *a, firn_error *err) {
  FIRN_AUTO_HELD *h = firn_held_new(a->f);
  firn_fetched fetched;
  if (h == NULL) {
    return no_memory(err);
  }
  firn_fetch_request r = {.keys = &a->key,
                          .n = 1,
                          .what = FIRN_FETCH_DATA | FIRN_FETCH_HEADER,
                          .arena = &h->arena,
                          .is_bounded = true};
  firn_status status = firn_fetch_run(a->f, a->ctx, &r, &fetched, err);
  h->reserved = r.reserved;
  FIRN_TRY(status);
  if (fetched.status != FIRN_OK) {
    return firn_error_set(err, fetched.status, "%s", fetched.text);
  }
  return answer_held(a, FIRN_HAND_OVER(h), &fetched.event, err);
}

firn_status firn_fetch_answer_key(firn_fetch *f, firn_exchange *x, firn_ctx *ctx, firn_bytes key,
                                  bool as_event, firn_error *err) {
  answering a = {.f = f, .x = x, .ctx = ctx, .key = key, .as_event = as_event};
  firn_status status = answer_small(&a, err);
  if (status == FIRN_LIMIT) {
    status = answer_large(&a, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_fetch_answer_failure(x, status, err);
}
