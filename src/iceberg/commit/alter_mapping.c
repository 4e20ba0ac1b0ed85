#include "iceberg/commit/alter_mapping_internal.h"

#include <string.h>

/* One level of both schemas. */
typedef struct level {
  const firn_field *before; /* NULL: the parent is new */
  const firn_field *after;  /* NULL: the parent is gone */
} level;

static const firn_field *child_by_id(const firn_field *parent, int32_t id) {
  return parent == NULL ? NULL : firn_field_child_by_id(parent, id);
}

/* New here, or called otherwise than before. */
static bool has_new_name(const level *l, const firn_field *child) {
  const firn_field *was = child_by_id(l->before, child->id);
  return was == NULL || strcmp(was->name, child->name) != 0;
}

/* Whether a name was given to another field than `id`. */
static bool is_given_away(const level *l, firn_bytes name, int32_t id) {
  for (uint32_t i = 0; l->after != NULL && i < l->after->n_children; i++) {
    const firn_field *child = &l->after->children[i];
    if (child->id != id && firn_bytes_is(name, child->name) && has_new_name(l, child)) {
      return true;
    }
  }
  return false;
}

static int32_t id_of(const firn_json_value *entry) {
  int32_t id = FIRN_NO_ID;
  return firn_json_may_int32(entry, "field-id", &id, NULL) == FIRN_OK ? id : FIRN_NO_ID;
}

static bool is_mapped(const firn_json_value *entries, int32_t id) {
  for (size_t i = 0; entries != NULL && entries->kind == FIRN_JSON_ARRAY && i < entries->n_items; i++) {
    if (id_of(&entries->items[i]) == id) {
      return true;
    }
  }
  return false;
}

static bool has_additions(const level *l) {
  for (uint32_t i = 0; l->after != NULL && i < l->after->n_children; i++) {
    if (child_by_id(l->before, l->after->children[i].id) == NULL) {
      return true;
    }
  }
  return false;
}

/* --- writing --- */

/* A field that no mapping knows yet. */
static void write_new(const firn_field *field, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_int64(w, "field-id", field->id);
  firn_json_key(w, "names");
  firn_json_begin_array(w);
  firn_json_write_text(w, field->name);
  firn_json_end_array(w);
  if (field->n_children > 0) {
    firn_json_key(w, "fields");
    firn_json_begin_array(w);
    for (uint32_t i = 0; i < field->n_children; i++) {
      write_new(&field->children[i], w);
    }
    firn_json_end_array(w);
  }
  firn_json_end_object(w);
}

/* The names that an entry keeps and the one that it gets; without a writer they are only counted. */
static size_t write_names(const level *l, const firn_json_value *entry, int32_t id, firn_json_writer *w) {
  const firn_field *child = child_by_id(l->after, id);
  const firn_json_value *names = firn_json_get_some(entry, "names");
  bool lacks_own = child != NULL && has_new_name(l, child);
  size_t n = 0;
  for (size_t i = 0; names != NULL && names->kind == FIRN_JSON_ARRAY && i < names->n_items; i++) {
    bool is_text = names->items[i].kind == FIRN_JSON_STRING;
    if (!is_text || is_given_away(l, names->items[i].text, id)) {
      continue;
    }
    lacks_own = lacks_own && !firn_bytes_is(names->items[i].text, child->name);
    n++;
    if (w != NULL) {
      firn_json_write_bytes(w, names->items[i].text);
    }
  }
  if (lacks_own && w != NULL) {
    firn_json_write_text(w, child->name);
  }
  return n + lacks_own;
}

static void write_entries(const level *l, const firn_json_value *entries, firn_json_writer *w);

static void write_entry(const level *l, const firn_json_value *entry, firn_json_writer *w) {
  int32_t id = id_of(entry);
  const firn_json_value *below = firn_json_get_some(entry, "fields");
  level next = {child_by_id(l->before, id), child_by_id(l->after, id)};
  if (write_names(l, entry, id, NULL) == 0) {
    return; /* all its names belong to others now */
  }
  firn_json_begin_object(w);
  if (id != FIRN_NO_ID) {
    firn_json_add_int64(w, "field-id", id);
  }
  firn_json_key(w, "names");
  firn_json_begin_array(w);
  (void)write_names(l, entry, id, w);
  firn_json_end_array(w);
  if (below != NULL || has_additions(&next)) {
    firn_json_key(w, "fields");
    write_entries(&next, below, w);
  }
  firn_json_end_object(w);
}

/* No deeper than JSON trees may be. */
static void write_entries(const level *l, const firn_json_value *entries, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (size_t i = 0; entries != NULL && entries->kind == FIRN_JSON_ARRAY && i < entries->n_items; i++) {
    write_entry(l, &entries->items[i], w);
  }
  for (uint32_t i = 0; l->after != NULL && i < l->after->n_children; i++) {
    const firn_field *child = &l->after->children[i];
    if (child_by_id(l->before, child->id) == NULL && !is_mapped(entries, child->id)) {
      write_new(child, w);
    }
  }
  firn_json_end_array(w);
}

firn_status firn_alter_mapping_update(const char *mapping, const firn_schema *before,
                                      const firn_schema *after, firn_arena *arena, const char **out,
                                      firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_json_value *entries;
  firn_status status = firn_json_tree_read(firn_bytes_of(mapping), &scratch, &entries, err);
  if (status == FIRN_NOMEM) {
    return status;
  }
  *out = mapping;
  if (status != FIRN_OK || entries->kind != FIRN_JSON_ARRAY) {
    return FIRN_OK; /* the reference goes on, too: what nobody can read misleads nobody */
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  level top = {&before->root, &after->root};
  write_entries(&top, entries, &w);
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  *out = firn_arena_text(arena, text);
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a name mapping") : FIRN_OK;
}
