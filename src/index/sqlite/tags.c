#include "base/json.h"
#include "index/sqlite/index_internal.h"

static firn_status add(firn_json_token *item, firn_arena *arena, firn_bytes **tags, size_t *n,
                       size_t *capacity, firn_error *err) {
  if (item->kind != FIRN_JSON_STRING) {
    return FIRN_OK;
  }
  firn_bytes *grown = firn_arena_grow(arena, *tags, *n, capacity, sizeof **tags);
  if (grown == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for tags");
  }
  *tags = grown;
  FIRN_TRY(firn_json_text(item, arena, &(*tags)[*n], err));
  (*n)++;
  return FIRN_OK;
}

static firn_status read_array(firn_bytes json, firn_arena *arena, firn_bytes **tags, size_t *n,
                              firn_error *err) {
  firn_json j;
  firn_json_token item;
  size_t capacity = 0;
  firn_json_init(&j, json);
  FIRN_TRY(firn_json_next(&j, &item, err));
  for (;;) {
    FIRN_TRY(firn_json_next_item(&j, &item, err));
    if (item.kind == FIRN_JSON_ARRAY_END) {
      return FIRN_OK;
    }
    FIRN_TRY(add(&item, arena, tags, n, &capacity, err));
  }
}

static firn_status read_object(firn_bytes extras, firn_arena *arena, firn_bytes **tags, size_t *n,
                               firn_error *err) {
  firn_json j;
  firn_json_token key, value;
  firn_json_init(&j, extras);
  FIRN_TRY(firn_json_next(&j, &key, err));
  if (key.kind != FIRN_JSON_OBJECT) {
    return FIRN_OK;
  }
  for (;;) {
    FIRN_TRY(firn_json_next_member(&j, &key, &value, err));
    if (key.kind == FIRN_JSON_OBJECT_END) {
      return FIRN_OK;
    }
    if (value.kind == FIRN_JSON_ARRAY && firn_bytes_is(key.raw, "tags")) {
      return read_array(value.raw, arena, tags, n, err);
    }
  }
}

firn_status firn_tags_of(firn_bytes extras, firn_arena *arena, firn_bytes **out, size_t *n, firn_error *err) {
  *out = NULL;
  *n = 0;
  static const char key[] = "\"tags\"";
  if (extras.len < sizeof key || memmem(extras.data, extras.len, key, sizeof key - 1) == NULL) {
    return FIRN_OK;
  }
  firn_status status = read_object(extras, arena, out, n, err);
  if (status == FIRN_CORRUPT || status == FIRN_LIMIT) { /* foreign files may hold anything: no tags then */
    *n = 0;
    return FIRN_OK;
  }
  return status;
}
