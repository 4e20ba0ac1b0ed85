#include "iceberg/scan/name_mapping.h"

bool firn_field_has_ids(const firn_field *root) {
  for (uint32_t i = 0; i < root->n_children; i++) {
    if (root->children[i].id != FIRN_NO_ID || firn_field_has_ids(&root->children[i])) {
      return true;
    }
  }
  return false;
}

static const firn_json_value *entry_of(const firn_json_value *mapping, const char *name) {
  for (size_t i = 0; mapping != NULL && i < mapping->n_items; i++) {
    const firn_json_value *names = firn_json_get(&mapping->items[i], "names");
    for (size_t j = 0; names != NULL && j < names->n_items; j++) {
      if (firn_bytes_is(names->items[j].text, name)) {
        return &mapping->items[i];
      }
    }
  }
  return NULL;
}

static firn_status apply(const firn_json_value *mapping, firn_field *field, firn_arena *arena,
                         firn_error *err) {
  firn_field *children = firn_new_n(arena, firn_field, field->n_children);
  if (children == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to map names to field ids");
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    firn_field *child = &children[i];
    *child = field->children[i];
    /* Files name the parts of lists and maps as they like; mappings name them as the specification does. */
    const char *name = field->kind == FIRN_KIND_LIST  ? "element"
                       : field->kind == FIRN_KIND_MAP ? (i == 0 ? "key" : "value")
                                                      : child->name;
    const firn_json_value *entry = entry_of(mapping, name);
    const firn_json_value *below = NULL;
    if (entry != NULL) {
      FIRN_TRY(firn_json_may_int32(entry, "field-id", &child->id, err));
      FIRN_TRY(firn_json_may_array(entry, "fields", &below, err));
    }
    FIRN_TRY(apply(below, child, arena, err));
  }
  field->children = children;
  return FIRN_OK;
}

firn_status firn_name_mapping_apply(const firn_json_value *mapping, const firn_field *file, firn_arena *arena,
                                    firn_field *out, firn_error *err) {
  if (mapping->kind != FIRN_JSON_ARRAY) {
    return firn_error_set(err, FIRN_CORRUPT, "a name mapping must be a JSON array");
  }
  *out = *file;
  return apply(mapping, out, arena, err);
}
