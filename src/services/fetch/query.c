#include "services/fetch/query.h"

#include "base/nearest.h"
#include "base/time.h"

typedef enum param {
  SUBJECT = 0,
  TYPE,
  SOURCE,
  PRODUCER,
  ID,
  DATA_VERSION,
  TAG,
  AFTER,
  BEFORE,
  LIMIT,
  ORDER,
  CURSOR,
  DATA,
  N_PARAMS
} param;

static const char *const names[N_PARAMS] = {
    [SUBJECT] = "subject",   [TYPE] = "type",   [SOURCE] = "source",
    [PRODUCER] = "producer", [ID] = "id",       [DATA_VERSION] = "dataversion",
    [TAG] = "tag",           [AFTER] = "after", [BEFORE] = "before",
    [LIMIT] = "limit",       [ORDER] = "order", [CURSOR] = "cursor",
    [DATA] = "data",
};

static bool is_taken(const firn_fetch_query *q, param p) {
  if (p < LIMIT) {
    return true;
  }
  return (q->takes & FIRN_QUERY_PAGING) != 0 || (p == LIMIT && (q->takes & FIRN_QUERY_LIMIT) != 0);
}

static firn_status unknown(const firn_fetch_query *q, firn_bytes name, firn_error *err) {
  const char *known[N_PARAMS] = {NULL};
  for (int p = 0; p < N_PARAMS; p++) {
    known[p] = is_taken(q, (param)p) ? names[p] : NULL;
  }
  const char *nearest = firn_nearest(name, known, N_PARAMS);
  return firn_error_set(err, FIRN_INVALID, "there is no parameter \"%.*s\" here%s%s%s",
                        FIRN_FORMAT_BYTES(firn_bytes_part(name, 0, 64)),
                        nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "?");
}

static firn_status find(const firn_fetch_query *q, firn_bytes name, param *out, firn_error *err) {
  for (int p = 0; p < N_PARAMS; p++) {
    if (firn_bytes_is(name, names[p]) && is_taken(q, (param)p)) {
      *out = (param)p;
      return FIRN_OK;
    }
  }
  return unknown(q, name, err);
}

/* An empty text asks nothing of the index: an empty value would find everything that nobody asked for. */
static firn_status read_text(param p, firn_bytes value, firn_bytes *out, firn_error *err) {
  if (value.len == 0) {
    return firn_error_set(err, FIRN_INVALID, "the parameter %s is empty", names[p]);
  }
  *out = value;
  return FIRN_OK;
}

static firn_status read_time(param p, firn_bytes value, bool *has, int64_t *out, firn_error *err) {
  if (firn_rfc3339_parse(value, FIRN_MICROS, out, NULL) != FIRN_OK) {
    return firn_error_set(err, FIRN_INVALID,
                          "the parameter %s is no time such as 2025-06-15T12:00:00Z (a '+' in a URL is %%2B)",
                          names[p]);
  }
  *has = true;
  return FIRN_OK;
}

static firn_status read_limit(firn_bytes value, uint32_t *out, firn_error *err) {
  uint32_t n = 0;
  bool right = value.len > 0 && value.len <= 5;
  for (size_t i = 0; i < value.len && right; i++) {
    right = value.data[i] >= '0' && value.data[i] <= '9';
    n = n * 10 + (uint32_t)(value.data[i] - '0');
  }
  if (!right || n == 0 || n > FIRN_INDEX_MAX_LIMIT) {
    return firn_error_set(err, FIRN_INVALID, "the parameter limit is no number from 1 to %d",
                          (int)FIRN_INDEX_MAX_LIMIT);
  }
  *out = n;
  return FIRN_OK;
}

/* One of two words. */
static firn_status read_choice(param p, firn_bytes value, const char *yes, const char *no, bool *out,
                               firn_error *err) {
  *out = firn_bytes_is(value, yes);
  if (!*out && !firn_bytes_is(value, no)) {
    return firn_error_set(err, FIRN_INVALID, "the parameter %s is either %s or %s", names[p], yes, no);
  }
  return FIRN_OK;
}

static firn_status add_tag(firn_fetch_query *q, firn_bytes value, firn_arena *arena, firn_error *err) {
  firn_bytes tag;
  FIRN_TRY(read_text(TAG, value, &tag, err));
  if (q->index.n_tags == FIRN_INDEX_MAX_TAGS) {
    return firn_error_set(err, FIRN_INVALID, "more than %d tags", (int)FIRN_INDEX_MAX_TAGS);
  }
  q->tags = firn_arena_grow(arena, q->tags, q->index.n_tags, &q->tag_capacity, sizeof *q->tags);
  if (q->tags == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for tags");
  }
  q->tags[q->index.n_tags++] = tag;
  q->index.tags = q->tags;
  return FIRN_OK;
}

static firn_status read_cursor(firn_fetch_query *q, firn_bytes value, firn_arena *arena, firn_error *err) {
  FIRN_TRY(read_text(CURSOR, value, &value, err));
  q->index.cursor = firn_arena_text(arena, value);
  return q->index.cursor != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for a cursor");
}

static firn_status read_param(firn_fetch_query *q, param p, firn_bytes value, firn_arena *arena,
                              firn_error *err) {
  firn_index_query *i = &q->index;
  switch (p) {
    case SUBJECT:
      return read_text(p, value, &i->subject, err);
    case TYPE:
      return read_text(p, value, &i->type, err);
    case SOURCE:
      return read_text(p, value, &i->source, err);
    case PRODUCER:
      return read_text(p, value, &i->producer, err);
    case ID:
      return read_text(p, value, &i->id, err);
    case DATA_VERSION:
      return read_text(p, value, &i->data_version, err);
    case TAG:
      return add_tag(q, value, arena, err);
    case AFTER:
      return read_time(p, value, &i->has_after, &i->after_us, err);
    case BEFORE:
      return read_time(p, value, &i->has_before, &i->before_us, err);
    case LIMIT:
      return read_limit(value, &i->limit, err);
    case ORDER:
      return read_choice(p, value, "asc", "desc", &i->is_ascending, err);
    case CURSOR:
      return read_cursor(q, value, arena, err);
    case DATA:
      return read_choice(p, value, "true", "false", &q->with_data, err);
    default:
      return FIRN_OK; /* there is no other: find */
  }
}

firn_status firn_fetch_query_add(firn_fetch_query *q, firn_bytes name, firn_bytes value, firn_arena *arena,
                                 firn_error *err) {
  param p = N_PARAMS;
  FIRN_TRY(find(q, name, &p, err));
  if (p != TAG && (q->given >> p & 1) != 0) {
    return firn_error_set(err, FIRN_INVALID, "the parameter %s is given twice", names[p]);
  }
  q->given |= 1u << p;
  return read_param(q, p, value, arena, err);
}
