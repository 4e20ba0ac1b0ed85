/* Partition specs and sort orders as JSON. Spec: Appendix C, Partition Specs, Sort Orders. */
#include "iceberg/types/spec.h"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a partition spec or sort order");
}

/* Version 3 may name the one source in a list; several make a transform that nobody has yet. */
static firn_status read_source(const firn_json_value *json, int32_t *out, firn_error *err) {
  const firn_json_value *list = NULL;
  FIRN_TRY(firn_json_may_array(json, "source-ids", &list, err));
  if (list == NULL || firn_json_get_some(json, "source-id") != NULL) {
    return firn_json_need_int32(json, "source-id", out, err);
  }
  if (list->n_items != 1) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "transforms of %zu sources are not supported",
                          list->n_items);
  }
  static const firn_field id_type = {.kind = FIRN_KIND_INT};
  firn_value id;
  firn_status status = firn_value_read_json(&list->items[0], &id_type, NULL, &id, err);
  if (status != FIRN_OK || id.is_null) {
    return firn_error_set(err, FIRN_CORRUPT, "\"source-ids\" is no list of ids");
  }
  *out = id.i32;
  return FIRN_OK;
}

static firn_status read_transform(const firn_json_value *json, firn_arena *arena, firn_transform *out,
                                  firn_error *err) {
  const char *text;
  FIRN_TRY(firn_json_need_text(json, "transform", arena, &text, err));
  return firn_transform_read(firn_bytes_of(text), arena, out, err);
}

static firn_status read_partition_field(const firn_json_value *json, size_t i, firn_arena *arena,
                                        firn_partition_field *out, firn_error *err) {
  FIRN_TRY(firn_json_need_text(json, "name", arena, &out->name, err));
  firn_status status = read_source(json, &out->source_id, err);
  if (status == FIRN_OK) {
    out->field_id = FIRN_FIRST_PARTITION_ID + (int32_t)i; /* v1 gives none */
    status = firn_json_may_int32(json, "field-id", &out->field_id, err);
  }
  if (status == FIRN_OK) {
    status = read_transform(json, arena, &out->transform, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "partition field %s", out->name);
}

firn_status firn_partition_fields_read(const firn_json_value *json, firn_arena *arena,
                                       firn_partition_spec *out, firn_error *err) {
  if (json == NULL || json->kind != FIRN_JSON_ARRAY || json->n_items > INT32_MAX / 2) {
    return firn_error_set(err, FIRN_CORRUPT, "partition fields are no array");
  }
  firn_partition_field *fields = firn_new_n(arena, firn_partition_field, json->n_items);
  if (fields == NULL) {
    return no_memory(err);
  }
  size_t with_id = 0;
  for (size_t i = 0; i < json->n_items; i++) {
    FIRN_TRY(read_partition_field(&json->items[i], i, arena, &fields[i], err));
    with_id += firn_json_get_some(&json->items[i], "field-id") != NULL;
  }
  if (with_id != 0 && with_id != json->n_items) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu of %zu partition fields lack a \"field-id\"",
                          json->n_items - with_id, json->n_items);
  }
  *out = (firn_partition_spec){.n_fields = json->n_items, .fields = fields};
  return FIRN_OK;
}

firn_status firn_partition_spec_read(const firn_json_value *json, firn_arena *arena, firn_partition_spec *out,
                                     firn_error *err) {
  int32_t spec_id;
  FIRN_TRY(firn_json_may_int32(json, "spec-id", &spec_id, err)); /* a new spec has none yet */
  firn_status status = firn_partition_fields_read(firn_json_get(json, "fields"), arena, out, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "partition spec %d", spec_id);
  }
  out->spec_id = spec_id;
  return FIRN_OK;
}

void firn_partition_fields_write(const firn_partition_spec *spec, firn_json_writer *w) {
  firn_json_begin_array(w);
  for (size_t i = 0; i < spec->n_fields; i++) {
    const firn_partition_field *field = &spec->fields[i];
    char transform[64];
    firn_transform_text(&field->transform, transform);
    firn_json_begin_object(w);
    firn_json_add_text(w, "name", field->name);
    firn_json_add_text(w, "transform", transform);
    firn_json_add_int64(w, "source-id", field->source_id);
    firn_json_add_int64(w, "field-id", field->field_id);
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
}

void firn_partition_spec_write(const firn_partition_spec *spec, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_int64(w, "spec-id", spec->spec_id);
  firn_json_key(w, "fields");
  firn_partition_fields_write(spec, w);
  firn_json_end_object(w);
}

/* One of two words. */
static firn_status read_word(const firn_json_value *json, const char *key, const char *when_false,
                             const char *when_true, bool *out, firn_error *err) {
  const firn_json_value *word = firn_json_get(json, key);
  bool text = word != NULL && word->kind == FIRN_JSON_STRING;
  if (!text || (!firn_bytes_is(word->text, when_false) && !firn_bytes_is(word->text, when_true))) {
    return firn_error_set(err, FIRN_CORRUPT, "\"%s\" is neither \"%s\" nor \"%s\"", key, when_false,
                          when_true);
  }
  *out = firn_bytes_is(word->text, when_true);
  return FIRN_OK;
}

static firn_status read_sort_field(const firn_json_value *json, firn_arena *arena, firn_sort_field *out,
                                   firn_error *err) {
  FIRN_TRY(read_source(json, &out->source_id, err));
  FIRN_TRY(read_transform(json, arena, &out->transform, err));
  FIRN_TRY(read_word(json, "direction", "asc", "desc", &out->descending, err));
  return read_word(json, "null-order", "nulls-first", "nulls-last", &out->nulls_last, err);
}

firn_status firn_sort_order_read(const firn_json_value *json, firn_arena *arena, firn_sort_order *out,
                                 firn_error *err) {
  int32_t order_id;
  const firn_json_value *list;
  FIRN_TRY(firn_json_need_int32(json, "order-id", &order_id, err));
  FIRN_TRY(firn_json_need_array(json, "fields", &list, err));
  if ((order_id == 0) != (list->n_items == 0)) {
    return firn_error_set(err, FIRN_CORRUPT, "sort order %d has %zu fields: 0, and only 0, is unsorted",
                          order_id, list->n_items);
  }
  firn_sort_field *fields = firn_new_n(arena, firn_sort_field, list->n_items);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < list->n_items; i++) {
    firn_status status = read_sort_field(&list->items[i], arena, &fields[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "sort order %d: field %zu", order_id, i + 1);
    }
  }
  *out = (firn_sort_order){order_id, list->n_items, fields};
  return FIRN_OK;
}

void firn_sort_order_write(const firn_sort_order *order, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_int64(w, "order-id", order->order_id);
  firn_json_key(w, "fields");
  firn_json_begin_array(w);
  for (size_t i = 0; i < order->n_fields; i++) {
    const firn_sort_field *field = &order->fields[i];
    char transform[64];
    firn_transform_text(&field->transform, transform);
    firn_json_begin_object(w);
    firn_json_add_text(w, "transform", transform);
    firn_json_add_int64(w, "source-id", field->source_id);
    firn_json_add_text(w, "direction", field->descending ? "desc" : "asc");
    firn_json_add_text(w, "null-order", field->nulls_last ? "nulls-last" : "nulls-first");
    firn_json_end_object(w);
  }
  firn_json_end_array(w);
  firn_json_end_object(w);
}
