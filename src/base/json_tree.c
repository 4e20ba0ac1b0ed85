#include "base/json_tree.h"

#include <xxhash.h>

enum { FEW_MEMBERS = 16 };

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a JSON tree");
}

static firn_status read_value(firn_json *j, const firn_json_token *token, firn_arena *arena,
                              firn_json_value *out, firn_error *err);

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

static firn_status check_keys(const firn_json_member *members, size_t n, firn_error *err) {
  if (n > FEW_MEMBERS) {
    return check_many_keys(members, n, err);
  }
  for (size_t i = 1; i < n; i++) {
    for (size_t k = 0; k < i; k++) {
      if (firn_bytes_equal(members[i].key, members[k].key)) {
        return twice(members[i].key, err);
      }
    }
  }
  return FIRN_OK;
}

static firn_status read_members(firn_json *j, firn_arena *arena, firn_json_value *out, firn_error *err) {
  firn_json_member *members = NULL;
  size_t n = 0, capacity = 0;
  for (;;) {
    firn_json_token token;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_OBJECT_END) {
      break;
    }
    firn_json_value *value = firn_new(arena, firn_json_value);
    members = firn_arena_grow(arena, members, n, &capacity, sizeof *members);
    if (value == NULL || members == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(firn_json_text(&token, arena, &members[n].key, err));
    FIRN_TRY(firn_json_next(j, &token, err));
    FIRN_TRY(read_value(j, &token, arena, value, err));
    members[n++].value = value;
  }
  out->n_items = n;
  out->members = members;
  return check_keys(members, n, err);
}

static firn_status read_items(firn_json *j, firn_arena *arena, firn_json_value *out, firn_error *err) {
  firn_json_value *items = NULL;
  size_t n = 0, capacity = 0;
  for (;;) {
    firn_json_token token;
    FIRN_TRY(firn_json_next(j, &token, err));
    if (token.kind == FIRN_JSON_ARRAY_END) {
      break;
    }
    items = firn_arena_grow(arena, items, n, &capacity, sizeof *items);
    if (items == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(read_value(j, &token, arena, &items[n++], err));
  }
  out->n_items = n;
  out->items = items;
  return FIRN_OK;
}

/* Recursion is bounded by the reader's depth. */
static firn_status read_value(firn_json *j, const firn_json_token *token, firn_arena *arena,
                              firn_json_value *out, firn_error *err) {
  bool is_string = token->kind == FIRN_JSON_STRING;
  const uint8_t *first = token->raw.data - is_string;
  out->kind = token->kind;
  if (token->kind == FIRN_JSON_OBJECT) {
    FIRN_TRY(read_members(j, arena, out, err));
  } else if (token->kind == FIRN_JSON_ARRAY) {
    FIRN_TRY(read_items(j, arena, out, err));
  } else if (is_string) {
    FIRN_TRY(firn_json_text(token, arena, &out->text, err));
  } else {
    out->text = token->raw;
  }
  out->span = (firn_bytes){first, (size_t)(j->at - first)};
  return FIRN_OK;
}

firn_status firn_json_tree_read(firn_bytes text, firn_arena *arena, const firn_json_value **out,
                                firn_error *err) {
  firn_json j;
  firn_json_init(&j, text);
  firn_json_token token;
  firn_json_value *root = firn_new(arena, firn_json_value);
  if (root == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_json_next(&j, &token, err));
  FIRN_TRY(read_value(&j, &token, arena, root, err));
  FIRN_TRY(firn_json_next(&j, &token, err)); /* FIRN_JSON_END, anything else is an error */
  *out = root;
  return FIRN_OK;
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

static firn_status as_int64(const firn_json_value *v, const char *key, int64_t *out, firn_error *err) {
  bool is_integer = v->kind == FIRN_JSON_NUMBER;
  for (size_t i = 0; i < v->text.len && is_integer; i++) {
    is_integer = v->text.data[i] == '-' || (v->text.data[i] >= '0' && v->text.data[i] <= '9');
  }
  firn_json_token token = {.kind = v->kind, .raw = v->text, .is_integer = is_integer};
  if (firn_json_int64(&token, out, NULL) != FIRN_OK) {
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
