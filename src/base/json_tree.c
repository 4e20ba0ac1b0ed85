#include "base/json_tree.h"

#include <xxhash.h>

#include "base/alloc.h"

enum { FEW_MEMBERS = 16 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a JSON tree");
}

static firn_status twice(firn_bytes key, firn_error *err) {
  size_t shown = key.len < 100 ? key.len : 100;
  return firn_error_set(err, FIRN_CORRUPT, "JSON: key \"%.*s\" is given twice", (int)shown,
                        (const char *)key.data);
}

/* Large objects: every key through a hash table of member numbers, 0 for a free place. */
static firn_status check_many_keys(const firn_json_member *members, size_t n, firn_error *err) {
  size_t places = 64;
  while (places < n * 2) {
    places *= 2;
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0); /* bounded by the text: a member takes four bytes of it */
  size_t *table = firn_new_n(&scratch, size_t, places);
  if (table == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    firn_bytes key = members[i].key;
    size_t at = (size_t)XXH3_64bits(key.data, key.len) & (places - 1);
    for (; table[at] != 0; at = (at + 1) & (places - 1)) {
      if (firn_bytes_equal(members[table[at] - 1].key, key)) {
        return twice(key, err);
      }
    }
    table[at] = i + 1;
  }
  return FIRN_OK;
}

static uint64_t bit_of(firn_bytes key) {
  return UINT64_C(1) << (key.len == 0 ? 0 : (key.len * 5 + key.data[0] + key.data[key.len - 1] * 3u) % 64);
}

static firn_status check_keys(const firn_json_member *members, size_t n, firn_error *err) {
  if (n > FEW_MEMBERS) {
    return check_many_keys(members, n, err);
  }
  uint64_t seen = 0; /* spares most comparisons */
  for (size_t i = 0; i < n; i++) {
    uint64_t bit = bit_of(members[i].key);
    for (size_t k = 0; k < i && (seen & bit) != 0; k++) {
      if (firn_bytes_equal(members[i].key, members[k].key)) {
        return twice(members[i].key, err);
      }
    }
    seen |= bit;
  }
  return FIRN_OK;
}

typedef struct entry {
  firn_bytes key; /* of a member */
  firn_json_value value;
} entry;

/* What has been read of the containers that are still open lies on a stack; a container that ends takes its
 * own from the top, so that it needs no more of the arena than it has items. */
typedef struct parser {
  firn_json j;
  firn_arena *arena;
  entry *entries;
  size_t n, capacity;
} parser;

static bool push(parser *p, const entry *e) {
  if (p->n == p->capacity) {
    size_t capacity = p->capacity < 32 ? 64 : p->capacity * 2;
    entry *moved = firn_realloc(p->entries, capacity * sizeof *moved);
    if (moved == NULL) {
      return false;
    }
    p->entries = moved;
    p->capacity = capacity;
  }
  p->entries[p->n++] = *e;
  return true;
}

/* Makes everything above `base` the items of `out`. */
static firn_status take_items(parser *p, size_t base, firn_json_value *out, firn_error *err) {
  size_t n = p->n - base;
  p->n = base;
  out->n_items = n;
  if (n == 0) {
    return FIRN_OK; /* there may be no stack yet */
  }
  const entry *from = p->entries + base;
  firn_json_value *items = firn_new_n(p->arena, firn_json_value, n);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    items[i] = from[i].value;
  }
  if (out->kind == FIRN_JSON_ARRAY) {
    out->items = items;
    return FIRN_OK;
  }
  firn_json_member *members = firn_new_n(p->arena, firn_json_member, n);
  if (members == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    members[i] = (firn_json_member){.key = from[i].key, .value = &items[i]};
  }
  out->members = members;
  return check_keys(members, n, err);
}

static firn_status read_value(parser *p, const firn_json_token *token, firn_json_value *out, firn_error *err);

/* The members or items of a container, up to its end. */
static firn_status read_items(parser *p, firn_json_value *out, firn_error *err) {
  size_t base = p->n;
  for (;;) {
    firn_json_token token;
    entry e = {.key = {NULL, 0}};
    FIRN_TRY(firn_json_next(&p->j, &token, err));
    if (token.kind == FIRN_JSON_OBJECT_END || token.kind == FIRN_JSON_ARRAY_END) {
      return take_items(p, base, out, err);
    }
    if (token.kind == FIRN_JSON_KEY) {
      FIRN_TRY(firn_json_text(&token, p->arena, &e.key, err));
      FIRN_TRY(firn_json_next(&p->j, &token, err));
    }
    FIRN_TRY(read_value(p, &token, &e.value, err));
    if (!push(p, &e)) {
      return no_memory(err);
    }
  }
}

/* Recursion is bounded by the reader's depth. */
static firn_status read_value(parser *p, const firn_json_token *token, firn_json_value *out,
                              firn_error *err) {
  bool is_string = token->kind == FIRN_JSON_STRING;
  const uint8_t *first = token->raw.data - is_string;
  *out = (firn_json_value){.kind = token->kind};
  if (is_string) {
    FIRN_TRY(firn_json_text(token, p->arena, &out->text, err));
  } else if (token->kind != FIRN_JSON_OBJECT && token->kind != FIRN_JSON_ARRAY) {
    out->text = token->raw;
  } else {
    FIRN_TRY(read_items(p, out, err));
  }
  out->span = (firn_bytes){first, (size_t)(p->j.at - first)};
  return FIRN_OK;
}

static firn_status read_root(parser *p, firn_json_value *root, firn_error *err) {
  firn_json_token token;
  FIRN_TRY(firn_json_next(&p->j, &token, err));
  FIRN_TRY(read_value(p, &token, root, err));
  return firn_json_next(&p->j, &token, err); /* FIRN_JSON_END, anything else is an error */
}

firn_status firn_json_tree_read(firn_bytes text, firn_arena *arena, const firn_json_value **out,
                                firn_error *err) {
  firn_json_value *root = firn_new(arena, firn_json_value);
  if (root == NULL) {
    return no_memory(err);
  }
  parser p = {.arena = arena};
  firn_json_init(&p.j, text);
  firn_status status = read_root(&p, root, err);
  firn_free(p.entries);
  if (status == FIRN_OK) {
    *out = root;
  }
  return status;
}

const firn_json_value *firn_json_get(const firn_json_value *object, const char *key) {
  if (object == NULL || object->kind != FIRN_JSON_OBJECT) {
    return NULL;
  }
  firn_bytes wanted = firn_bytes_of(key);
  for (size_t i = 0; i < object->n_items; i++) {
    if (firn_bytes_equal(object->members[i].key, wanted)) {
      return object->members[i].value;
    }
  }
  return NULL;
}

const firn_json_value *firn_json_get_some(const firn_json_value *object, const char *key) {
  const firn_json_value *value = firn_json_get(object, key);
  return value == NULL || value->kind == FIRN_JSON_NULL ? NULL : value;
}

static firn_status missing(const char *key, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is missing", key);
}

static firn_status wrong(const char *key, const char *wanted, firn_error *err) {
  return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is not %s", key, wanted);
}

static firn_status as_object(const firn_json_value *v, const char *key, const firn_json_value **out,
                             firn_error *err) {
  if (v->kind != FIRN_JSON_OBJECT) {
    return wrong(key, "an object", err);
  }
  *out = v;
  return FIRN_OK;
}

static firn_status as_array(const firn_json_value *v, const char *key, const firn_json_value **out,
                            firn_error *err) {
  if (v->kind != FIRN_JSON_ARRAY) {
    return wrong(key, "an array", err);
  }
  *out = v;
  return FIRN_OK;
}

static firn_status as_text(const firn_json_value *v, const char *key, firn_arena *arena, const char **out,
                           firn_error *err) {
  if (v->kind != FIRN_JSON_STRING) {
    return wrong(key, "a string", err);
  }
  if (v->text.len > 0 && memchr(v->text.data, '\0', v->text.len) != NULL) {
    return wrong(key, "a string without zero bytes", err);
  }
  const char *copy = firn_arena_text(arena, v->text);
  if (copy == NULL) {
    return no_memory(err);
  }
  *out = copy;
  return FIRN_OK;
}

bool firn_json_value_int64(const firn_json_value *v, int64_t *out) {
  bool is_integer = v->kind == FIRN_JSON_NUMBER;
  for (size_t i = 0; i < v->text.len && is_integer; i++) {
    is_integer = v->text.data[i] == '-' || (v->text.data[i] >= '0' && v->text.data[i] <= '9');
  }
  firn_json_token token = {.kind = v->kind, .raw = v->text, .is_integer = is_integer};
  return firn_json_int64(&token, out, NULL) == FIRN_OK;
}

static firn_status as_int64(const firn_json_value *v, const char *key, int64_t *out, firn_error *err) {
  if (!firn_json_value_int64(v, out)) {
    return wrong(key, "an integer of 64 bits", err);
  }
  return FIRN_OK;
}

static firn_status as_int32(const firn_json_value *v, const char *key, int32_t *out, firn_error *err) {
  int64_t wide;
  if (as_int64(v, key, &wide, NULL) != FIRN_OK || wide < INT32_MIN || wide > INT32_MAX) {
    return wrong(key, "an integer of 32 bits", err);
  }
  *out = (int32_t)wide;
  return FIRN_OK;
}

static firn_status as_bool(const firn_json_value *v, const char *key, bool *out, firn_error *err) {
  if (v->kind != FIRN_JSON_TRUE && v->kind != FIRN_JSON_FALSE) {
    return wrong(key, "true or false", err);
  }
  *out = v->kind == FIRN_JSON_TRUE;
  return FIRN_OK;
}

firn_status firn_json_need_object(const firn_json_value *object, const char *key, const firn_json_value **out,
                                  firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_object(v, key, out, err);
}

firn_status firn_json_need_array(const firn_json_value *object, const char *key, const firn_json_value **out,
                                 firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_array(v, key, out, err);
}

firn_status firn_json_need_text(const firn_json_value *object, const char *key, firn_arena *arena,
                                const char **out, firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_text(v, key, arena, out, err);
}

firn_status firn_json_need_int64(const firn_json_value *object, const char *key, int64_t *out,
                                 firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_int64(v, key, out, err);
}

firn_status firn_json_need_int32(const firn_json_value *object, const char *key, int32_t *out,
                                 firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_int32(v, key, out, err);
}

firn_status firn_json_need_bool(const firn_json_value *object, const char *key, bool *out, firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? missing(key, err) : as_bool(v, key, out, err);
}

firn_status firn_json_may_object(const firn_json_value *object, const char *key, const firn_json_value **out,
                                 firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_object(v, key, out, err);
}

firn_status firn_json_may_array(const firn_json_value *object, const char *key, const firn_json_value **out,
                                firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_array(v, key, out, err);
}

firn_status firn_json_may_text(const firn_json_value *object, const char *key, firn_arena *arena,
                               const char **out, firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_text(v, key, arena, out, err);
}

firn_status firn_json_may_int64(const firn_json_value *object, const char *key, int64_t *out,
                                firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_int64(v, key, out, err);
}

firn_status firn_json_may_int32(const firn_json_value *object, const char *key, int32_t *out,
                                firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_int32(v, key, out, err);
}

firn_status firn_json_may_bool(const firn_json_value *object, const char *key, bool *out, firn_error *err) {
  const firn_json_value *v = firn_json_get_some(object, key);
  return v == NULL ? FIRN_OK : as_bool(v, key, out, err);
}
