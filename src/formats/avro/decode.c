/* Values by the schema that wrote them: read into trees, or passed over. */
#include "formats/avro/avro.h"

/* Values that take no bytes (null, empty records) which one record may hold beside one for each byte. */
enum { FREE_VALUES = 1 << 20 };

typedef struct decoder {
  firn_cursor *c;
  firn_arena *arena;
  size_t free_left; /* values that take no bytes are bounded by counting them */
  firn_error *err;
} decoder;

static firn_status read_value(decoder *d, const firn_avro_schema *s, unsigned depth, firn_avro_value *out);

static firn_status ends_early(decoder *d) {
  d->c->bad = true;
  return firn_error_set(d->err, FIRN_CORRUPT, "a value is broken or ends early");
}

static firn_status no_memory(decoder *d) {
  return firn_error_set(d->err, FIRN_NOMEM, "no memory for an Avro value");
}

/* The count of the next block of an array or map, 0 after the last. A negative count stands before the
 * block's size in bytes, which only helps to skip: `*bytes`, else -1. */
static int64_t next_count(firn_cursor *c, int64_t *bytes) {
  int64_t count = firn_cursor_zigzag(c);
  *bytes = -1;
  if (count < 0) {
    *bytes = firn_cursor_zigzag(c);
    c->bad = c->bad || *bytes < 0 || count == INT64_MIN;
    count = c->bad ? 0 : -count;
  }
  return c->bad ? 0 : count;
}

/* Room for `more` values behind the `n` that are there. */
static firn_status make_room(decoder *d, firn_avro_value **items, size_t n, size_t *capacity, size_t more) {
  if (more <= *capacity - n) {
    return FIRN_OK;
  }
  size_t wanted = n + more < *capacity * 2 ? *capacity * 2 : n + more;
  firn_avro_value *moved = firn_new_n(d->arena, firn_avro_value, wanted);
  if (moved == NULL) {
    return no_memory(d);
  }
  if (n > 0) {
    memcpy(moved, *items, n * sizeof *moved);
  }
  *items = moved;
  *capacity = wanted;
  return FIRN_OK;
}

static firn_status read_items(decoder *d, const firn_avro_schema *s, unsigned depth, firn_avro_value *out) {
  static const firn_avro_schema key_schema = {
      .type = FIRN_AVRO_STRING, .element_id = -1, .key_id = -1, .value_id = -1, .least_bytes = 1};
  const firn_avro_schema *item = s->items[0];
  bool is_map = s->type == FIRN_AVRO_MAP;
  uint64_t least = item->least_bytes + (is_map ? 1 : 0);
  firn_avro_value *items = NULL;
  size_t n = 0, capacity = 0;
  int64_t bytes;
  for (int64_t count; (count = next_count(d->c, &bytes)) > 0;) {
    uint64_t most = least == 0 ? d->free_left : firn_cursor_left(d->c) / least;
    if ((uint64_t)count > most) {
      d->c->bad = true;
      return firn_error_set(d->err, least == 0 ? FIRN_LIMIT : FIRN_CORRUPT,
                            "an Avro %s of %lld items in %zu bytes", firn_avro_type_name(s->type),
                            (long long)count, firn_cursor_left(d->c));
    }
    size_t before = firn_cursor_left(d->c);
    FIRN_TRY(make_room(d, &items, n, &capacity, (size_t)count * (is_map ? 2 : 1)));
    for (int64_t i = 0; i < count; i++) {
      if (is_map) {
        FIRN_TRY(read_value(d, &key_schema, depth, &items[n++]));
      }
      FIRN_TRY(read_value(d, item, depth, &items[n++]));
    }
    if (bytes >= 0 && (uint64_t)bytes != before - firn_cursor_left(d->c)) {
      d->c->bad = true; /* or who skips the block would go on elsewhere */
    }
  }
  out->n_items = n;
  out->items = items;
  return d->c->bad ? ends_early(d) : FIRN_OK;
}

static firn_status read_record(decoder *d, const firn_avro_schema *s, unsigned depth, firn_avro_value *out) {
  firn_avro_value *items = firn_new_n(d->arena, firn_avro_value, s->n_fields);
  if (items == NULL) {
    return no_memory(d);
  }
  for (size_t i = 0; i < s->n_fields; i++) {
    FIRN_TRY(read_value(d, s->fields[i].schema, depth, &items[i]));
  }
  out->n_items = s->n_fields;
  out->items = items;
  return FIRN_OK;
}

static firn_status read_length(decoder *d, firn_bytes *out) {
  int64_t len = firn_cursor_zigzag(d->c);
  d->c->bad = d->c->bad || len < 0;
  *out = firn_cursor_take(d->c, (uint64_t)len);
  return d->c->bad ? ends_early(d) : FIRN_OK;
}

static firn_status read_number(decoder *d, const firn_avro_schema *s, int64_t *out) {
  *out = firn_cursor_zigzag(d->c);
  bool fits =
      s->type == FIRN_AVRO_LONG || (s->type == FIRN_AVRO_INT ? *out >= INT32_MIN && *out <= INT32_MAX
                                                             : *out >= 0 && (uint64_t)*out < s->n_symbols);
  if (d->c->bad) {
    return ends_early(d);
  }
  if (!fits) {
    d->c->bad = true;
    return firn_error_set(d->err, FIRN_CORRUPT, "%lld is no Avro %s", (long long)*out,
                          firn_avro_type_name(s->type));
  }
  return FIRN_OK;
}

static firn_status read_branch(decoder *d, const firn_avro_schema *s, unsigned depth, firn_avro_value *out) {
  int64_t branch = firn_cursor_zigzag(d->c);
  if (d->c->bad || branch < 0 || (uint64_t)branch >= s->n_items) {
    d->c->bad = true;
    return firn_error_set(d->err, FIRN_CORRUPT, "an Avro union of %zu has no branch %lld", s->n_items,
                          (long long)branch);
  }
  return read_value(d, s->items[branch], depth, out);
}

static double real_of(firn_cursor *c, firn_avro_type type) {
  if (type == FIRN_AVRO_DOUBLE) {
    uint64_t bits = firn_cursor_u64le(c);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
  }
  uint32_t bits = firn_cursor_u32le(c);
  float v;
  memcpy(&v, &bits, sizeof v);
  return (double)v;
}

static firn_status read_value(decoder *d, const firn_avro_schema *s, unsigned depth, firn_avro_value *out) {
  if (d->c->bad || firn_cursor_left(d->c) < s->least_bytes) {
    return ends_early(d);
  }
  if (depth == FIRN_AVRO_MAX_VALUE_DEPTH) {
    return firn_error_set(d->err, FIRN_LIMIT, "an Avro value is nested deeper than %d",
                          FIRN_AVRO_MAX_VALUE_DEPTH);
  }
  if (s->least_bytes == 0 && d->free_left-- == 0) {
    d->free_left = 0;
    return firn_error_set(d->err, FIRN_LIMIT, "an Avro record of more than %d empty values", FREE_VALUES);
  }
  out->schema = s;
  switch (s->type) {
    case FIRN_AVRO_NULL:
      return FIRN_OK;
    case FIRN_AVRO_BOOLEAN:
      out->boolean = firn_cursor_u8(d->c) != 0;
      return FIRN_OK;
    case FIRN_AVRO_INT:
    case FIRN_AVRO_LONG:
    case FIRN_AVRO_ENUM:
      return read_number(d, s, &out->number);
    case FIRN_AVRO_FLOAT:
    case FIRN_AVRO_DOUBLE:
      out->real = real_of(d->c, s->type);
      return FIRN_OK;
    case FIRN_AVRO_BYTES:
    case FIRN_AVRO_STRING:
      return read_length(d, &out->bytes);
    case FIRN_AVRO_FIXED:
      out->bytes = firn_cursor_take(d->c, s->size);
      return FIRN_OK;
    case FIRN_AVRO_RECORD:
      return read_record(d, s, depth + 1, out);
    case FIRN_AVRO_ARRAY:
    case FIRN_AVRO_MAP:
      return read_items(d, s, depth + 1, out);
    case FIRN_AVRO_UNION:
      return read_branch(d, s, depth + 1, out);
  }
  return firn_error_set(d->err, FIRN_CORRUPT, "no Avro type");
}

firn_status firn_avro_value_read(firn_cursor *c, const firn_avro_schema *schema, firn_arena *arena,
                                 firn_avro_value *out, firn_error *err) {
  decoder d = {.c = c, .arena = arena, .free_left = firn_cursor_left(c) + FREE_VALUES, .err = err};
  return read_value(&d, schema, 0, out);
}

static bool skip(firn_cursor *c, const firn_avro_schema *s, unsigned depth);

static bool skip_items(firn_cursor *c, const firn_avro_schema *s, unsigned depth) {
  int64_t bytes;
  for (int64_t count; (count = next_count(c, &bytes)) > 0;) {
    if (bytes >= 0) {
      (void)firn_cursor_take(c, (uint64_t)bytes);
      continue;
    }
    if (s->type == FIRN_AVRO_ARRAY && s->items[0]->always_least) {
      uint64_t each = s->items[0]->least_bytes;
      c->bad = c->bad || (each != 0 && (uint64_t)count > firn_cursor_left(c) / each);
      (void)firn_cursor_take(c, c->bad ? 0 : (uint64_t)count * each);
      continue;
    }
    for (int64_t i = 0; i < count && !c->bad; i++) {
      if (s->type == FIRN_AVRO_MAP) {
        int64_t len = firn_cursor_zigzag(c);
        c->bad = c->bad || len < 0;
        (void)firn_cursor_take(c, (uint64_t)len);
      }
      (void)skip(c, s->items[0], depth); /* `bad` says it */
    }
  }
  return !c->bad;
}

static bool skip(firn_cursor *c, const firn_avro_schema *s, unsigned depth) {
  if (c->bad || depth == FIRN_AVRO_MAX_VALUE_DEPTH || firn_cursor_left(c) < s->least_bytes) {
    c->bad = true;
    return false;
  }
  if (s->always_least) {
    (void)firn_cursor_take(c, s->least_bytes);
    return true;
  }
  int64_t number;
  switch (s->type) {
    case FIRN_AVRO_BYTES:
    case FIRN_AVRO_STRING:
      number = firn_cursor_zigzag(c);
      c->bad = c->bad || number < 0;
      (void)firn_cursor_take(c, (uint64_t)number);
      return !c->bad;
    case FIRN_AVRO_RECORD:
      for (size_t i = 0; i < s->n_fields && skip(c, s->fields[i].schema, depth + 1); i++) {
      }
      return !c->bad;
    case FIRN_AVRO_ARRAY:
    case FIRN_AVRO_MAP:
      return skip_items(c, s, depth + 1);
    case FIRN_AVRO_UNION:
      number = firn_cursor_zigzag(c);
      c->bad = c->bad || number < 0 || (uint64_t)number >= s->n_items;
      return !c->bad && skip(c, s->items[number], depth + 1);
    default: /* INT, LONG, ENUM */
      (void)firn_cursor_zigzag(c);
      return !c->bad;
  }
}

bool firn_avro_skip(firn_cursor *c, const firn_avro_schema *schema) {
  return skip(c, schema, 0);
}

const firn_avro_value *firn_avro_value_by_id(const firn_avro_value *record, int32_t field_id) {
  const firn_avro_schema *s = record->schema;
  for (size_t i = 0; s->type == FIRN_AVRO_RECORD && i < s->n_fields; i++) {
    if (s->fields[i].field_id == field_id) {
      return &record->items[i];
    }
  }
  return NULL;
}

const firn_avro_value *firn_avro_value_by_name(const firn_avro_value *record, const char *true_name) {
  const firn_avro_schema *s = record->schema;
  for (size_t i = 0; s->type == FIRN_AVRO_RECORD && i < s->n_fields; i++) {
    if (strcmp(s->fields[i].true_name, true_name) == 0) {
      return &record->items[i];
    }
  }
  return NULL;
}
