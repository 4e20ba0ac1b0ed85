/* A JSON text as a tree in an arena, for documents that are read once and in any order (table metadata, REST
 * bodies). For events use the pull reader.
 *
 * The tree is constant; its strings point into the text or the arena, so both must live as long. Threads may
 * share it. */
#ifndef FIRN_BASE_JSON_TREE_H
#define FIRN_BASE_JSON_TREE_H

#include "base/json.h"

typedef struct firn_json_value firn_json_value;

typedef struct firn_json_member {
  firn_bytes key; /* unescaped */
  const firn_json_value *value;
} firn_json_member;

struct firn_json_value {
  firn_json_kind kind; /* OBJECT, ARRAY, STRING, NUMBER, TRUE, FALSE or NULL */
  size_t n_items;      /* ARRAY and OBJECT; 0 for others */
  firn_bytes span;     /* the whole value as written */
  union {
    firn_bytes text; /* STRING: unescaped; NUMBER, TRUE, FALSE, NULL: as written */
    const firn_json_value *items;
    const firn_json_member *members;
  };
};

/* Reads one value and nothing after it. A key given twice in one object is FIRN_CORRUPT. */
FIRN_MUST_USE firn_status firn_json_tree_read(firn_bytes text, firn_arena *arena, const firn_json_value **out,
                                              firn_error *err);

/* The member of that name, NULL when there is none or `object` is NULL or no object. A member that is null
 * counts as there. */
const firn_json_value *firn_json_get(const firn_json_value *object, const char *key);
/* The same, but a null counts as absent. */
const firn_json_value *firn_json_get_some(const firn_json_value *object, const char *key);

/* A number without fraction and exponent that fits: an array's item. Else false. */
bool firn_json_value_int64(const firn_json_value *v, int64_t *out);

/* Typed members. FIRN_CORRUPT with the key's name when it is absent, null or of another type. */
FIRN_MUST_USE firn_status firn_json_need_object(const firn_json_value *object, const char *key,
                                                const firn_json_value **out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_need_array(const firn_json_value *object, const char *key,
                                               const firn_json_value **out, firn_error *err);
/* `out` is a terminated copy in `arena`; a text with a zero byte inside is refused. */
FIRN_MUST_USE firn_status firn_json_need_text(const firn_json_value *object, const char *key,
                                              firn_arena *arena, const char **out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_need_int64(const firn_json_value *object, const char *key, int64_t *out,
                                               firn_error *err);
FIRN_MUST_USE firn_status firn_json_need_int32(const firn_json_value *object, const char *key, int32_t *out,
                                               firn_error *err);
FIRN_MUST_USE firn_status firn_json_need_bool(const firn_json_value *object, const char *key, bool *out,
                                              firn_error *err);

/* The same for members that may be absent or null: then `*out` is left as it was. A wrong type is still
 * FIRN_CORRUPT. */
FIRN_MUST_USE firn_status firn_json_may_object(const firn_json_value *object, const char *key,
                                               const firn_json_value **out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_may_array(const firn_json_value *object, const char *key,
                                              const firn_json_value **out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_may_text(const firn_json_value *object, const char *key,
                                             firn_arena *arena, const char **out, firn_error *err);
FIRN_MUST_USE firn_status firn_json_may_int64(const firn_json_value *object, const char *key, int64_t *out,
                                              firn_error *err);
FIRN_MUST_USE firn_status firn_json_may_int32(const firn_json_value *object, const char *key, int32_t *out,
                                              firn_error *err);
FIRN_MUST_USE firn_status firn_json_may_bool(const firn_json_value *object, const char *key, bool *out,
                                             firn_error *err);

#endif
