/* From a schema to JSON. Spec: Appendix C, Schemas. */
#include "iceberg/types/schema.h"
#include "iceberg/types/type_text_internal.h"

static void write_type(const firn_field *field, firn_json_writer *w);

static void write_primitive(const firn_field *field, firn_json_writer *w) {
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_type_add_text(field, &text);
  if (text.failed != FIRN_OK && w->to->failed == FIRN_OK) {
    w->to->failed = text.failed; /* the writer's one check must see it */
  }
  firn_json_write_bytes(w, firn_builder_bytes(&text));
}

static void write_fields(const firn_field *parent, firn_json_writer *w) {
  firn_json_key(w, "fields");
  firn_json_begin_array(w);
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *field = &parent->children[i];
    firn_json_begin_object(w);
    firn_json_add_int64(w, "id", field->id);
    firn_json_add_text(w, "name", field->name);
    firn_json_add_bool(w, "required", field->required);
    firn_json_key(w, "type");
    write_type(field, w);
    if (field->doc != NULL) {
      firn_json_add_text(w, "doc", field->doc);
    }
    if (field->initial_default.len > 0) {
      firn_json_key(w, "initial-default");
      firn_json_write_raw(w, field->initial_default);
    }
    if (field->write_default.len > 0) {
      firn_json_key(w, "write-default");
      firn_json_write_raw(w, field->write_default);
    }
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
}

static void write_list(const firn_field *list, firn_json_writer *w) {
  const firn_field *element = &list->children[0];
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "list");
  firn_json_add_int64(w, "element-id", element->id);
  firn_json_key(w, "element");
  write_type(element, w);
  firn_json_add_bool(w, "element-required", element->required);
  firn_json_end_object(w);
}

static void write_map(const firn_field *map, firn_json_writer *w) {
  const firn_field *key = &map->children[0], *value = &map->children[1];
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "map");
  firn_json_add_int64(w, "key-id", key->id);
  firn_json_key(w, "key");
  write_type(key, w);
  firn_json_add_int64(w, "value-id", value->id);
  firn_json_key(w, "value");
  write_type(value, w);
  firn_json_add_bool(w, "value-required", value->required);
  firn_json_end_object(w);
}

static void write_type(const firn_field *field, firn_json_writer *w) {
  switch (field->kind) {
    case FIRN_KIND_STRUCT:
      firn_json_begin_object(w);
      firn_json_add_text(w, "type", "struct");
      write_fields(field, w);
      firn_json_end_object(w);
      break;
    case FIRN_KIND_LIST:
      write_list(field, w);
      break;
    case FIRN_KIND_MAP:
      write_map(field, w);
      break;
    default:
      write_primitive(field, w);
  }
}

void firn_schema_write(const firn_schema *schema, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "type", "struct");
  firn_json_add_int64(w, "schema-id", schema->schema_id);
  if (schema->n_identifier_ids > 0) {
    firn_json_key(w, "identifier-field-ids");
    firn_json_begin_array(w);
    for (size_t i = 0; i < schema->n_identifier_ids; i++) {
      firn_json_write_int64(w, schema->identifier_ids[i]);
    }
    firn_json_end_array(w);
  }
  write_fields(&schema->root, w);
  firn_json_end_object(w);
}
