#include "events/event.h"

#include <strings.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"
#include "events/event_internal.h"

enum {
  MAX_TAGS = 1 << 16, /* more stay raw: three bytes of input would take a hundred of memory */
  TIME = FIRN_EVENT_IS_TIME,
  TAGS = FIRN_EVENT_IS_TAGS,
  DATA = FIRN_EVENT_IS_DATA,
  DATA_BASE64 = FIRN_EVENT_IS_DATA_BASE64,
  OTHER = FIRN_EVENT_IS_OTHER,
};

typedef struct member {
  firn_bytes raw_key; /* as written, without quotes */
  firn_bytes key;
  firn_json_token value;
} member;

typedef struct reading {
  firn_arena *arena;
  firn_event *event;
  uint32_t seen;                     /* a bit for each known attribute */
  firn_json_token data, data_base64; /* END: absent */
  member *others;                    /* what goes to extras, unless found to be known and right */
  size_t n_others, capacity;
} reading;

static bool is_key(firn_bytes key, const char *name, size_t len) {
  return key.len == len && memcmp(key.data, name, len) == 0;
}

int firn_event_attribute_of(firn_bytes key) {
#define NAMED(name, attribute)               \
  if (is_key(key, name, sizeof(name) - 1)) { \
    return attribute;                        \
  }
  switch (key.len) {
    case 2:
      NAMED("id", FIRN_EVENT_ID)
      break;
    case 4:
      NAMED("type", FIRN_EVENT_TYPE)
      NAMED("time", TIME)
      NAMED("data", DATA)
      NAMED("tags", TAGS)
      break;
    case 6:
      NAMED("source", FIRN_EVENT_SOURCE)
      break;
    case 7:
      NAMED("subject", FIRN_EVENT_SUBJECT)
      break;
    case 8:
      NAMED("producer", FIRN_EVENT_PRODUCER)
      break;
    case 9:
      NAMED("signature", FIRN_EVENT_SIGNATURE)
      break;
    case 10:
      NAMED("dataschema", FIRN_EVENT_DATASCHEMA)
      break;
    case 11:
      NAMED("specversion", FIRN_EVENT_SPECVERSION)
      NAMED("dataversion", FIRN_EVENT_DATA_VERSION)
      NAMED("data_base64", DATA_BASE64)
      break;
    case 15:
      NAMED("datacontenttype", FIRN_EVENT_DATA_CONTENT_TYPE)
      break;
    default:
      break;
  }
#undef NAMED
  return OTHER;
}

/* The exact span of a value, quotes included. */
static firn_bytes span_of(const firn_json_token *value) {
  if (value->kind != FIRN_JSON_STRING) {
    return value->raw;
  }
  return (firn_bytes){value->raw.data - 1, value->raw.len + 2};
}

static bool is_text(const firn_json_token *value) {
  return value->kind == FIRN_JSON_STRING;
}
static bool is_null(const firn_json_token *value) {
  return value->kind == FIRN_JSON_NULL;
}

static firn_status keep_other(reading *r, const member *m, firn_error *err) {
  member *moved = firn_arena_grow(r->arena, r->others, r->n_others, &r->capacity, sizeof *moved);
  if (moved == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an event's attributes");
  }
  r->others = moved;
  r->others[r->n_others++] = *m;
  return FIRN_OK;
}

static firn_status given_twice(firn_bytes key, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "attribute \"%.*s\" is given twice",
                        FIRN_FORMAT_BYTES(firn_bytes_part(key, 0, 64)));
}

firn_status firn_event_read_tags(firn_bytes array, firn_arena *arena, firn_event *event, bool *is_list,
                                 firn_error *err) {
  firn_bytes *tags = NULL;
  size_t n = 0;
  size_t capacity = 0;
  firn_json j;
  firn_json_token token;
  *is_list = true;
  firn_json_init(&j, array);
  FIRN_TRY(firn_json_next(&j, &token, err));
  for (;;) {
    FIRN_TRY(firn_json_next(&j, &token, err));
    if (token.kind == FIRN_JSON_ARRAY_END) {
      break;
    }
    if (token.kind != FIRN_JSON_STRING || n == MAX_TAGS) {
      *is_list = false;
      return FIRN_OK;
    }
    tags = firn_arena_grow(arena, tags, n, &capacity, sizeof *tags);
    if (tags == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for an event's tags");
    }
    FIRN_TRY(firn_json_text(&token, arena, &tags[n++], err));
  }
  event->has_tags = true;
  event->n_tags = n;
  event->tags = tags;
  return FIRN_OK;
}

static firn_status read_time(reading *r, const firn_json_token *value, bool *kept, firn_error *err) {
  firn_bytes text;
  *kept = is_text(value);
  if (*kept) {
    FIRN_TRY(firn_json_text(value, r->arena, &text, err));
    *kept = firn_rfc3339_parse(text, FIRN_MICROS, &r->event->time_us, NULL) == FIRN_OK;
  }
  r->event->has_time = *kept;
  return FIRN_OK;
}

static firn_status read_text(reading *r, int attribute, const firn_json_token *value, bool *kept,
                             firn_error *err) {
  *kept = is_text(value);
  if (!*kept) {
    return FIRN_OK;
  }
  firn_bytes *text = &r->event->texts[attribute];
  FIRN_TRY(firn_json_text(value, r->arena, text, err));
  text->data = text->data != NULL ? text->data : value->raw.data; /* an empty text is there all the same */
  return FIRN_OK;
}

/* A known attribute: into its column when the type is right. `kept` false: it goes to extras. */
static firn_status read_attribute(reading *r, int attribute, const member *m, bool *kept, firn_error *err) {
  *kept = true;
  switch (attribute) {
    case TIME:
      return read_time(r, &m->value, kept, err);
    case TAGS:
      *kept = m->value.kind == FIRN_JSON_ARRAY;
      return *kept ? firn_event_read_tags(m->value.raw, r->arena, r->event, kept, err) : FIRN_OK;
    case DATA:
      r->data = m->value;
      return FIRN_OK;
    case DATA_BASE64:
      r->data_base64 = m->value;
      return FIRN_OK;
    default:
      return read_text(r, attribute, &m->value, kept, err);
  }
}

static firn_status read_member(reading *r, const member *m, firn_error *err) {
  int attribute = firn_event_attribute_of(m->key);
  if (attribute == OTHER) {
    for (size_t i = 0; i < r->n_others; i++) {
      if (firn_bytes_equal(r->others[i].key, m->key)) {
        return given_twice(m->key, err);
      }
    }
    /* JSON Event Format 2.2: null means that it is not set. It stays in the search for names given twice. */
    return keep_other(r, m, err);
  }
  if ((r->seen & (UINT32_C(1) << attribute)) != 0) {
    return given_twice(m->key, err);
  }
  r->seen |= UINT32_C(1) << attribute;
  if (is_null(&m->value) && attribute != DATA) {
    return FIRN_OK;
  }
  bool kept;
  FIRN_TRY(read_attribute(r, attribute, m, &kept, err));
  return kept ? FIRN_OK : keep_other(r, m, err);
}

static char lower(uint8_t c) {
  return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool ends_with(firn_bytes text, const char *end) {
  size_t len = strlen(end);
  if (text.len < len) {
    return false;
  }
  for (size_t i = 0; i < len; i++) {
    if (lower(text.data[text.len - len + i]) != end[i]) {
      return false;
    }
  }
  return true;
}

bool firn_content_type_is_json(firn_bytes content_type) {
  const uint8_t *parameters = content_type.len == 0 ? NULL : memchr(content_type.data, ';', content_type.len);
  if (parameters != NULL) {
    content_type.len = (size_t)(parameters - content_type.data);
  }
  while (content_type.len > 0 && content_type.data[content_type.len - 1] == ' ') {
    content_type.len--;
  }
  return content_type.len == 0 || ends_with(content_type, "/json") || ends_with(content_type, "+json");
}

static firn_status read_base64(reading *r, firn_error *err) {
  firn_event *e = r->event;
  firn_bytes text;
  firn_status status = FIRN_CORRUPT;
  if (is_text(&r->data_base64)) {
    FIRN_TRY(firn_json_text(&r->data_base64, r->arena, &text, err));
    status = firn_base64_decode(text, r->arena, &e->data, err);
  }
  if (status == FIRN_CORRUPT) { /* a wrong type like another: it goes to extras as it came */
    member m = {.raw_key = FIRN_LITERAL("data_base64"), .value = r->data_base64};
    return keep_other(r, &m, err);
  }
  e->has_data = status == FIRN_OK;
  return status;
}

/* The payload: the exact span of JSON; or, when the content type is another, a string's own text; or base64
 * decoded. */
static firn_status read_data(reading *r, firn_error *err) {
  firn_event *e = r->event;
  bool has_data = r->data.kind != FIRN_JSON_END;
  bool has_base64 = r->data_base64.kind != FIRN_JSON_END;
  if (has_data && has_base64) {
    return firn_error_set(err, FIRN_CORRUPT, "data and data_base64 are both given");
  }
  if (has_base64) {
    return read_base64(r, err);
  }
  e->has_data = has_data;
  if (has_data && is_text(&r->data) && !firn_content_type_is_json(e->texts[FIRN_EVENT_DATA_CONTENT_TYPE])) {
    return firn_json_text(&r->data, r->arena, &e->data, err);
  }
  e->data = has_data ? span_of(&r->data) : (firn_bytes){NULL, 0};
  return FIRN_OK;
}

static firn_status write_extras(reading *r, firn_error *err) {
  size_t len = 2;
  size_t n = 0;
  for (size_t i = 0; i < r->n_others; i++) {
    if (!is_null(&r->others[i].value)) {
      len += r->others[i].raw_key.len + span_of(&r->others[i].value).len + 4;
      n++;
    }
  }
  if (n == 0) {
    r->event->extras = FIRN_LITERAL("{}");
    return FIRN_OK;
  }
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(len);
  for (size_t i = 0; i < r->n_others; i++) {
    const member *m = &r->others[i];
    if (!is_null(&m->value)) {
      firn_builder_add_text(&b, b.len == 0 ? "{\"" : ",\"");
      firn_builder_add(&b, m->raw_key);
      firn_builder_add_text(&b, "\":");
      firn_builder_add(&b, span_of(&m->value));
    }
  }
  firn_builder_add_u8(&b, '}');
  return firn_builder_finish_copy(&b, r->arena, &r->event->extras, err);
}

firn_status firn_event_read(firn_bytes json, firn_arena *arena, firn_event *out, firn_error *err) {
  firn_event event = {0};
  reading r = {.arena = arena, .event = &event};
  firn_json j;
  firn_json_init(&j, json);
  firn_json_token token;
  FIRN_TRY(firn_json_next(&j, &token, err));
  if (token.kind != FIRN_JSON_OBJECT) {
    return firn_error_set(err, FIRN_CORRUPT, "an event must be a JSON object");
  }
  for (size_t n = 0;; n++) {
    member m;
    FIRN_TRY(firn_json_next_member(&j, &token, &m.value, err));
    if (token.kind == FIRN_JSON_OBJECT_END) {
      break;
    }
    if (n == FIRN_EVENT_MAX_ATTRIBUTES) {
      return firn_error_set(err, FIRN_CORRUPT, "an event with more than %d attributes",
                            FIRN_EVENT_MAX_ATTRIBUTES);
    }
    m.raw_key = token.raw;
    FIRN_TRY(firn_json_text(&token, arena, &m.key, err));
    FIRN_TRY(read_member(&r, &m, err));
  }
  FIRN_TRY(firn_json_next(&j, &token, err));
  if (token.kind != FIRN_JSON_END) {
    return firn_error_set(err, FIRN_CORRUPT, "more follows the event at offset %zu", firn_json_offset(&j));
  }
  FIRN_TRY(read_data(&r, err));
  FIRN_TRY(write_extras(&r, err));
  *out = event;
  return FIRN_OK;
}

bool firn_event_is_valid(const firn_event *e) {
  return e->has_time && e->texts[FIRN_EVENT_ID].len > 0 && e->texts[FIRN_EVENT_SOURCE].len > 0 &&
         e->texts[FIRN_EVENT_TYPE].len > 0 && e->texts[FIRN_EVENT_SPECVERSION].len > 0 &&
         e->texts[FIRN_EVENT_SUBJECT].len > 0;
}
