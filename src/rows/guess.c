#include "rows/guess_internal.h"

#include "base/hash.h"
#include "base/number.h"
#include "column/names.h"
#include "rows/text_internal.h"

enum {
  MAX_NESTING = 24, /* deeper values stay JSON */
  MAX_DECIMAL = 38,
  FEW_MEMBERS = 8,
  MAX_NAME = 1024,
};

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

enum { SAW_BOOLEAN = 1, SAW_INTEGER = 2, SAW_FRACTION = 4, SAW_TEXT = 8, SAW_OBJECT = 16, SAW_ARRAY = 32 };
enum { DATE = 1, TIMESTAMP = 2, TIMESTAMPTZ = 4, ALL_TIMES = 7 };

struct firn_guess {
  firn_bytes name;
  unsigned saw;
  unsigned times;     /* what all texts may be */
  bool needs_integer; /* one that a double would change */
  bool beyond_int, beyond_long, beyond_float, beyond_decimal;
  bool is_deep;            /* something below it was not looked at */
  unsigned before, behind; /* the most digits of numbers */
  firn_guess *element;     /* of arrays; of maps */
  size_t n_members, capacity;
  firn_guess **members; /* in the order in which they came */
  size_t n_slots;       /* of the table below; 0 while there are few */
  uint32_t *slots;      /* open addressing: member + 1 */
  size_t expected;      /* the member that probably comes next */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to look at a sample of the rows");
}

static firn_guess *new_guess(firn_guessing *g) {
  firn_guess *made = firn_new(&g->arena, firn_guess);
  if (made != NULL) {
    made->times = ALL_TIMES;
  }
  return made;
}

firn_status firn_guessing_open(firn_guessing *g, firn_error *err) {
  *g = (firn_guessing){0};
  g->root = new_guess(g);
  return g->root == NULL ? no_memory(err) : FIRN_OK;
}

void firn_guessing_free(firn_guessing *g) {
  firn_arena_free(&g->arena);
}

/* --- members --- */

static void put_slot(firn_guess *of, uint32_t member) {
  size_t at = (size_t)firn_xxh3(0, of->members[member]->name) & (of->n_slots - 1);
  while (of->slots[at] != 0) {
    at = (at + 1) & (of->n_slots - 1);
  }
  of->slots[at] = member + 1;
}

static bool make_slots(firn_guessing *g, firn_guess *of) {
  if (of->n_members < FEW_MEMBERS || of->n_members * 2 < of->n_slots) {
    return true;
  }
  size_t n = of->n_slots == 0 ? FEW_MEMBERS * 4 : of->n_slots * 2;
  uint32_t *slots = firn_new_n(&g->arena, uint32_t, n);
  if (slots == NULL) {
    return false;
  }
  of->slots = slots;
  of->n_slots = n;
  for (uint32_t i = 0; i < of->n_members; i++) {
    put_slot(of, i);
  }
  return true;
}

static size_t find_member(const firn_guess *of, firn_bytes name) {
  if (of->expected < of->n_members && firn_bytes_equal(of->members[of->expected]->name, name)) {
    return of->expected;
  }
  if (of->n_slots == 0) {
    for (size_t i = 0; i < of->n_members; i++) {
      if (firn_bytes_equal(of->members[i]->name, name)) {
        return i;
      }
    }
    return SIZE_MAX;
  }
  for (size_t at = (size_t)firn_xxh3(0, name) & (of->n_slots - 1); of->slots[at] != 0;
       at = (at + 1) & (of->n_slots - 1)) {
    if (firn_bytes_equal(of->members[of->slots[at] - 1]->name, name)) {
      return of->slots[at] - 1;
    }
  }
  return SIZE_MAX;
}

static firn_status check_name(firn_bytes name, firn_error *err) {
  if (name.len > MAX_NAME) {
    return firn_error_set(err, FIRN_LIMIT, "the name of a field has %zu bytes, more than %d", name.len,
                          MAX_NAME);
  }
  if (name.len > 0 && memchr(name.data, '\0', name.len) != NULL) {
    return firn_error_set(err, FIRN_INVALID, "the name of a field holds a zero byte");
  }
  return FIRN_OK;
}

static firn_status need_member(firn_guessing *g, firn_guess *of, firn_bytes name, firn_guess **out,
                               firn_error *err) {
  size_t found = find_member(of, name);
  if (found != SIZE_MAX) {
    of->expected = found + 1;
    *out = of->members[found];
    return FIRN_OK;
  }
  if (g->n_fields == FIRN_GUESS_MAX_FIELDS) {
    return firn_error_set(
        err, FIRN_LIMIT,
        "the rows have more than %d different fields; give a schema, in which an object with "
        "many keys may be a map",
        FIRN_GUESS_MAX_FIELDS);
  }
  FIRN_TRY(check_name(name, err));
  firn_guess *made = new_guess(g);
  firn_guess **members =
      firn_arena_grow(&g->arena, of->members, of->n_members, &of->capacity, sizeof *members);
  if (made == NULL || members == NULL) {
    return no_memory(err);
  }
  made->name = firn_arena_copy(&g->arena, name);
  of->members = members;
  of->members[of->n_members++] = made;
  of->expected = of->n_members;
  g->n_fields++;
  if (made->name.data == NULL || !make_slots(g, of)) {
    return no_memory(err);
  }
  if (of->n_slots > 0 && of->n_members > 0 && find_member(of, name) == SIZE_MAX) {
    put_slot(of, (uint32_t)of->n_members - 1);
  }
  *out = made;
  return FIRN_OK;
}

/* --- values --- */

static void see_number(firn_guess *g, firn_bytes number, bool is_integer) {
  firn_json_token token = {.kind = FIRN_JSON_NUMBER, .raw = number, .is_integer = is_integer};
  unsigned before = 0, behind = 0;
  int64_t v = 0;
  bool is_long = is_integer && firn_json_int64(&token, &v, NULL) == FIRN_OK;
  g->saw |= is_integer ? SAW_INTEGER : SAW_FRACTION;
  g->beyond_long |= is_integer && !is_long;
  g->beyond_int |= is_long && (v < INT32_MIN || v > INT32_MAX);
  g->needs_integer |= is_long && (v > EXACT_IN_DOUBLE || v < -EXACT_IN_DOUBLE) && (int64_t)(double)v != v;
  if (is_long && number.len < MAX_DECIMAL / 2) {
    before = (unsigned)number.len;
  } else if (!firn_number_digits(number, &before, &behind)) {
    g->beyond_decimal = true;
  }
  g->before = before > g->before ? before : g->before;
  g->behind = behind > g->behind ? behind : g->behind;
  double d;
  if (before > MAX_DECIMAL || g->beyond_decimal) { /* rare: only then a float may be too small */
    g->beyond_float |=
        firn_number_to_double(number, &d) && (d > (double)__FLT_MAX__ || d < -(double)__FLT_MAX__);
  }
}

static void see_text(firn_guess *g, firn_bytes text) {
  int32_t date;
  int64_t moment;
  g->saw |= SAW_TEXT;
  if (g->times & DATE && !firn_text_date(text, &date)) {
    g->times &= ~(unsigned)DATE;
  }
  if (g->times & TIMESTAMP && !firn_text_timestamp(text, FIRN_KIND_TIMESTAMP, &moment)) {
    g->times &= ~(unsigned)TIMESTAMP;
  }
  if (g->times & TIMESTAMPTZ && !firn_text_timestamp(text, FIRN_KIND_TIMESTAMPTZ, &moment)) {
    g->times &= ~(unsigned)TIMESTAMPTZ;
  }
}

static firn_status see_value(firn_guessing *g, firn_guess *at, const firn_json_token *value,
                             const firn_field *schema, int depth, firn_error *err);

static const firn_field *child_named(const firn_field *schema, firn_bytes name, char *room, size_t size) {
  if (schema == NULL || schema->kind != FIRN_KIND_STRUCT || name.len >= size) {
    return NULL;
  }
  memcpy(room, name.data, name.len);
  room[name.len] = '\0';
  return firn_field_child(schema, room);
}

static firn_status see_object(firn_guessing *g, firn_guess *at, firn_bytes object, const firn_field *schema,
                              int depth, firn_error *err) {
  firn_json j;
  firn_json_token key, value;
  char room[256];
  bool is_map = schema != NULL && schema->kind == FIRN_KIND_MAP;
  at->saw |= SAW_OBJECT;
  firn_json_init(&j, object);
  FIRN_TRY(firn_json_next(&j, &key, err));
  for (at->expected = 0;;) {
    FIRN_TRY(firn_json_next_member(&j, &key, &value, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    if (is_map) { /* its keys are data */
      continue;
    }
    firn_bytes name;
    firn_guess *member;
    FIRN_TRY(firn_json_text(&key, &g->arena, &name, err));
    FIRN_TRY(need_member(g, at, name, &member, err));
    FIRN_TRY(see_value(g, member, &value, child_named(schema, name, room, sizeof room), depth + 1, err));
  }
}

static firn_status see_array(firn_guessing *g, firn_guess *at, firn_bytes array, const firn_field *schema,
                             int depth, firn_error *err) {
  firn_json j;
  firn_json_token item;
  bool is_list = schema != NULL && schema->kind == FIRN_KIND_LIST;
  at->saw |= SAW_ARRAY;
  at->element = at->element == NULL ? new_guess(g) : at->element;
  if (at->element == NULL) {
    return no_memory(err);
  }
  firn_json_init(&j, array);
  FIRN_TRY(firn_json_next(&j, &item, err));
  for (;;) {
    FIRN_TRY(firn_json_next_item(&j, &item, err));
    if (item.kind == FIRN_JSON_ARRAY_END) {
      return FIRN_OK;
    }
    FIRN_TRY(see_value(g, at->element, &item, is_list ? &schema->children[0] : NULL, depth + 1, err));
  }
}

static firn_status see_value(firn_guessing *g, firn_guess *at, const firn_json_token *value,
                             const firn_field *schema, int depth, firn_error *err) {
  switch (value->kind) {
    case FIRN_JSON_NULL:
      return FIRN_OK;
    case FIRN_JSON_TRUE:
    case FIRN_JSON_FALSE:
      at->saw |= SAW_BOOLEAN;
      return FIRN_OK;
    case FIRN_JSON_NUMBER:
      see_number(at, value->raw, value->is_integer);
      return FIRN_OK;
    case FIRN_JSON_STRING:
      if (value->has_escapes) { /* no time is written so */
        at->saw |= SAW_TEXT;
        at->times = 0;
      } else {
        see_text(at, value->raw);
      }
      return FIRN_OK;
    default:
      break;
  }
  if (depth >= MAX_NESTING) {
    at->is_deep = true;
    return FIRN_OK;
  }
  return value->kind == FIRN_JSON_OBJECT ? see_object(g, at, value->raw, schema, depth, err)
                                         : see_array(g, at, value->raw, schema, depth, err);
}

firn_status firn_guess_row(firn_guessing *g, firn_bytes object, const firn_field *schema, firn_error *err) {
  return see_object(g, g->root, object, schema, 0, err);
}

firn_status firn_guess_column(firn_guessing *g, firn_bytes name, firn_error *err) {
  firn_guess *made;
  size_t before = g->root->n_members;
  FIRN_TRY(need_member(g, g->root, name, &made, err));
  if (g->root->n_members == before) {
    return firn_error_set(err, FIRN_INVALID, "there are two columns %.*s", FIRN_FORMAT_BYTES(name));
  }
  return FIRN_OK;
}

void firn_guess_text(firn_guessing *g, size_t i, firn_bytes text) {
  firn_guess *at = g->root->members[i];
  bool is_integer;
  if (text.data == NULL) {
    return;
  }
  if (firn_bytes_is(text, "true") || firn_bytes_is(text, "false") || firn_bytes_is(text, "TRUE") ||
      firn_bytes_is(text, "FALSE") || firn_bytes_is(text, "True") || firn_bytes_is(text, "False")) {
    at->saw |= SAW_BOOLEAN;
  } else if (firn_text_is_number(text, &is_integer)) {
    see_number(at, text, is_integer);
  } else {
    see_text(at, text);
  }
}

/* --- from what was seen to types --- */

static firn_kind kind_of_times(unsigned times) {
  return times & DATE          ? FIRN_KIND_DATE
         : times & TIMESTAMP   ? FIRN_KIND_TIMESTAMP
         : times & TIMESTAMPTZ ? FIRN_KIND_TIMESTAMPTZ
                               : FIRN_KIND_STRING;
}

/* UNKNOWN: nothing is known. */
static firn_kind kind_of(const firn_guess *g) {
  if (g->is_deep) {
    return FIRN_KIND_STRING;
  }
  switch (g->saw) {
    case 0:
      return FIRN_KIND_UNKNOWN;
    case SAW_BOOLEAN:
      return FIRN_KIND_BOOLEAN;
    case SAW_INTEGER:
      return !g->beyond_long                                ? FIRN_KIND_LONG
             : g->beyond_decimal || g->before > MAX_DECIMAL ? FIRN_KIND_STRING
                                                            : FIRN_KIND_DECIMAL;
    case SAW_FRACTION:
    case SAW_INTEGER | SAW_FRACTION:
      return g->needs_integer ? FIRN_KIND_STRING : FIRN_KIND_DOUBLE;
    case SAW_TEXT:
      return kind_of_times(g->times);
    case SAW_OBJECT:
      return FIRN_KIND_STRUCT;
    case SAW_ARRAY:
      return FIRN_KIND_LIST;
    default:
      return FIRN_KIND_STRING;
  }
}

typedef struct resolving {
  firn_arena *arena;
  bool keep_unknown;
} resolving;

static firn_status resolve(const resolving *r, const firn_guess *g, firn_field *out, firn_error *err);

static firn_status resolve_members(const resolving *r, const firn_guess *g, firn_field *out,
                                   firn_error *err) {
  firn_field *children = firn_new_n(r->arena, firn_field, g->n_members);
  uint32_t n = 0;
  if (children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < g->n_members; i++) {
    FIRN_TRY(resolve(r, g->members[i], &children[n], err));
    if (children[n].kind == FIRN_KIND_UNKNOWN) {
      continue;
    }
    children[n].name = firn_arena_text(r->arena, g->members[i]->name);
    if (children[n].name == NULL) {
      return no_memory(err);
    }
    n++;
  }
  out->children = children;
  out->n_children = n;
  out->kind = n == 0 ? FIRN_KIND_UNKNOWN : FIRN_KIND_STRUCT;
  return FIRN_OK;
}

static firn_status resolve_element(const resolving *r, const firn_guess *g, firn_field *out,
                                   firn_error *err) {
  firn_field *element = firn_new(r->arena, firn_field);
  if (element == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(resolve(r, g->element, element, err));
  element->name = "element";
  out->children = element;
  out->n_children = 1;
  out->kind = element->kind == FIRN_KIND_UNKNOWN ? FIRN_KIND_UNKNOWN : FIRN_KIND_LIST;
  return FIRN_OK;
}

static firn_status resolve(const resolving *r, const firn_guess *g, firn_field *out, firn_error *err) {
  *out = (firn_field){.id = FIRN_NO_ID, .kind = kind_of(g)};
  if (out->kind == FIRN_KIND_STRUCT) {
    FIRN_TRY(resolve_members(r, g, out, err));
  } else if (out->kind == FIRN_KIND_LIST) {
    FIRN_TRY(resolve_element(r, g, out, err));
  } else if (out->kind == FIRN_KIND_DECIMAL) {
    out->precision = MAX_DECIMAL;
  }
  if (out->kind == FIRN_KIND_UNKNOWN && r->keep_unknown) {
    *out = (firn_field){.id = FIRN_NO_ID, .kind = FIRN_KIND_STRING};
  }
  return FIRN_OK;
}

firn_status firn_guess_schema(const firn_guessing *g, bool keep_unknown, firn_arena *arena, firn_field *out,
                              firn_error *err) {
  resolving r = {arena, keep_unknown};
  *out = (firn_field){.id = FIRN_NO_ID};
  FIRN_TRY(resolve_members(&r, g->root, out, err));
  out->kind = FIRN_KIND_STRUCT;
  return FIRN_OK;
}

/* --- what a schema lacks --- */

/* A wider type that a table can be promoted to. */
static bool is_promoted(const firn_guess *g, const firn_field *schema, firn_field *out) {
  bool is_number = g->saw != 0 && (g->saw & ~(unsigned)(SAW_INTEGER | SAW_FRACTION)) == 0;
  *out = (firn_field){.id = FIRN_NO_ID, .name = schema->name, .kind = schema->kind};
  if (!is_number) {
    return false;
  }
  switch (schema->kind) {
    case FIRN_KIND_INT:
      out->kind = FIRN_KIND_LONG;
      return g->beyond_int && !g->beyond_long && g->behind == 0;
    case FIRN_KIND_FLOAT:
      out->kind = FIRN_KIND_DOUBLE;
      return g->beyond_float;
    case FIRN_KIND_DECIMAL:
      out->scale = schema->scale;
      out->precision = (uint8_t)(g->before + schema->scale);
      return !g->beyond_decimal && g->behind <= schema->scale && g->before + schema->scale <= MAX_DECIMAL &&
             out->precision > schema->precision;
    default:
      return false;
  }
}

static firn_status beyond_members(const firn_guess *g, const firn_field *schema, firn_arena *arena,
                                  firn_field *out, firn_error *err);

/* What lies below a field that the schema has; kind UNKNOWN: nothing new. */
static firn_status beyond(const firn_guess *g, const firn_field *schema, firn_arena *arena, firn_field *out,
                          firn_error *err) {
  *out = (firn_field){.id = FIRN_NO_ID, .name = schema->name};
  if (schema->kind == FIRN_KIND_STRUCT && g->saw & SAW_OBJECT) {
    return beyond_members(g, schema, arena, out, err);
  }
  if (schema->kind == FIRN_KIND_LIST && g->saw & SAW_ARRAY) {
    firn_field *element = firn_new(arena, firn_field);
    if (element == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(beyond(g->element, &schema->children[0], arena, element, err));
    out->kind = element->kind == FIRN_KIND_UNKNOWN ? FIRN_KIND_UNKNOWN : FIRN_KIND_LIST;
    out->n_children = 1;
    out->children = element;
    return FIRN_OK;
  }
  firn_field wider;
  if (is_promoted(g, schema, &wider)) {
    *out = wider;
  }
  return FIRN_OK;
}

static firn_status beyond_members(const firn_guess *g, const firn_field *schema, firn_arena *arena,
                                  firn_field *out, firn_error *err) {
  resolving r = {arena, false};
  firn_name_index names;
  firn_field *children = firn_new_n(arena, firn_field, g->n_members);
  uint32_t n = 0;
  if (children == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_name_index_new(schema, arena, &names, err));
  for (size_t i = 0; i < g->n_members; i++) {
    uint32_t found = firn_name_index_find(&names, g->members[i]->name);
    if (found != FIRN_NO_CHILD) {
      FIRN_TRY(beyond(g->members[i], &schema->children[found], arena, &children[n], err));
    } else {
      FIRN_TRY(resolve(&r, g->members[i], &children[n], err));
      children[n].name = firn_arena_text(arena, g->members[i]->name);
    }
    if (children[n].name == NULL) {
      return no_memory(err);
    }
    n += children[n].kind != FIRN_KIND_UNKNOWN;
  }
  out->children = children;
  out->n_children = n;
  out->kind = n == 0 ? FIRN_KIND_UNKNOWN : FIRN_KIND_STRUCT;
  return FIRN_OK;
}

firn_status firn_guess_beyond(const firn_guessing *g, const firn_field *schema, firn_arena *arena,
                              firn_field *out, firn_error *err) {
  *out = (firn_field){.id = FIRN_NO_ID};
  FIRN_TRY(beyond_members(g->root, schema, arena, out, err));
  out->kind = FIRN_KIND_STRUCT;
  return FIRN_OK;
}

/* --- values that tell nothing --- */

bool firn_guess_tells(const firn_json_token *value) {
  if (value->kind != FIRN_JSON_OBJECT && value->kind != FIRN_JSON_ARRAY) {
    return value->kind != FIRN_JSON_NULL;
  }
  firn_json j; /* any token that is no bracket, no key and no null: checked JSON, so no errors are to come */
  firn_json_token token;
  firn_json_init(&j, value->raw);
  while (firn_json_next(&j, &token, NULL) == FIRN_OK && token.kind != FIRN_JSON_END) {
    if (token.kind == FIRN_JSON_STRING || token.kind == FIRN_JSON_NUMBER || token.kind == FIRN_JSON_TRUE ||
        token.kind == FIRN_JSON_FALSE) {
      return true;
    }
  }
  return false;
}
