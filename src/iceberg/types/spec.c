/* Partition specs. Spec: Partitioning. */
#include "iceberg/types/spec.h"

#include <assert.h>

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a partition spec");
}

/* A field reached through structs alone: what partitions and sort orders may be made from. */
static const firn_field *find_source(const firn_field *parent, int32_t id) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    if (child->id == id) {
      return child;
    }
    if (child->kind == FIRN_KIND_STRUCT) {
      const firn_field *found = find_source(child, id);
      if (found != NULL) {
        return found;
      }
    }
  }
  return NULL;
}

const firn_field *firn_spec_source(const firn_schema *schema, int32_t source_id) {
  return source_id == FIRN_NO_ID ? NULL : find_source(&schema->root, source_id);
}

firn_status firn_spec_source_check(const firn_schema *schema, int32_t source_id, const firn_transform *t,
                                   firn_error *err) {
  char text[64];
  firn_transform_text(t, text);
  if (t->kind == FIRN_TRANSFORM_UNKNOWN) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "transform %s is not known", text);
  }
  const firn_field *source = firn_spec_source(schema, source_id);
  if (source == NULL && t->kind == FIRN_TRANSFORM_VOID) {
    return FIRN_OK; /* Spec: Partition Evolution: how v1 tables drop a field, whose column may be gone */
  }
  if (source == NULL) {
    return firn_error_set(err, FIRN_INVALID, "source %d is no column outside of lists and maps", source_id);
  }
  bool primitive = !firn_kind_is_nested(source->kind) && source->kind != FIRN_KIND_VARIANT;
  if (!primitive || !firn_transform_takes(t, source)) {
    bool is_of_time = t->kind >= FIRN_TRANSFORM_YEAR && t->kind <= FIRN_TRANSFORM_HOUR;
    return firn_error_set(err, FIRN_INVALID, "transform %s takes no %s, the type of %s%s", text,
                          firn_kind_name(source->kind), source->name,
                          primitive && is_of_time && t->kind != FIRN_TRANSFORM_HOUR
                              ? "; a date or timestamp has that, other columns can be taken as they are, "
                                "truncated or in buckets"
                              : "");
  }
  return FIRN_OK;
}

/* Spec: Partitioning; the reference lets only identity (and void) have the name of a column: their own. */
static firn_status check_name(const firn_partition_field *field, const firn_schema *schema, firn_error *err) {
  if (field->name[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "it has no name");
  }
  const firn_field *column = firn_schema_find(schema, field->name);
  bool own = field->transform.kind == FIRN_TRANSFORM_IDENTITY || field->transform.kind == FIRN_TRANSFORM_VOID;
  if (column != NULL && !(own && column->id == field->source_id)) {
    return firn_error_set(err, FIRN_INVALID, "a column has its name");
  }
  return FIRN_OK;
}

static firn_status check_field(const firn_partition_spec *spec, size_t i, const firn_schema *schema,
                               firn_error *err) {
  const firn_partition_field *field = &spec->fields[i];
  for (size_t k = 0; k < i; k++) {
    if (strcmp(spec->fields[k].name, field->name) == 0) {
      return firn_error_set(err, FIRN_INVALID, "two fields have this name");
    }
    if (spec->fields[k].field_id == field->field_id) {
      return firn_error_set(err, FIRN_INVALID, "two fields have the id %d", field->field_id);
    }
  }
  FIRN_TRY(check_name(field, schema, err));
  return firn_spec_source_check(schema, field->source_id, &field->transform, err);
}

firn_status firn_partition_spec_check(const firn_partition_spec *spec, const firn_schema *schema,
                                      firn_error *err) {
  for (size_t i = 0; i < spec->n_fields; i++) {
    firn_status status = check_field(spec, i, schema, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "partition field %s", spec->fields[i].name);
    }
  }
  return FIRN_OK;
}

firn_status firn_partition_type(const firn_partition_spec *spec, const firn_schema *schema, firn_arena *arena,
                                firn_field *out, firn_error *err) {
  firn_field *children = firn_new_n(arena, firn_field, spec->n_fields);
  if (children == NULL || spec->n_fields > UINT32_MAX) {
    return no_memory(err);
  }
  for (size_t i = 0; i < spec->n_fields; i++) {
    const firn_partition_field *field = &spec->fields[i];
    const firn_field *source = firn_spec_source(schema, field->source_id);
    static const firn_field dropped = {.kind = FIRN_KIND_UNKNOWN};
    children[i].id = field->field_id;
    children[i].name = field->name;
    firn_transform_result(&field->transform, source == NULL ? &dropped : source, &children[i]);
  }
  *out = (firn_field){.id = FIRN_NO_ID,
                      .name = "",
                      .required = true,
                      .kind = FIRN_KIND_STRUCT,
                      .n_children = (uint32_t)spec->n_fields,
                      .children = children};
  return FIRN_OK;
}

bool firn_partition_spec_equal(const firn_partition_spec *a, const firn_partition_spec *b) {
  if (a->n_fields != b->n_fields) {
    return false;
  }
  for (size_t i = 0; i < a->n_fields; i++) {
    const firn_partition_field *x = &a->fields[i], *y = &b->fields[i];
    if (x->source_id != y->source_id || strcmp(x->name, y->name) != 0 ||
        !firn_transform_equal(&x->transform, &y->transform)) {
      return false;
    }
  }
  return true;
}

int32_t firn_partition_spec_last_id(const firn_partition_spec *spec) {
  int32_t last = FIRN_FIRST_PARTITION_ID - 1;
  for (size_t i = 0; i < spec->n_fields; i++) {
    last = spec->fields[i].field_id > last ? spec->fields[i].field_id : last;
  }
  return last;
}

static firn_status copy_transform(const firn_transform *from, firn_arena *arena, firn_transform *out,
                                  firn_error *err) {
  *out = *from;
  if (from->text != NULL) {
    out->text = firn_arena_text(arena, firn_bytes_of(from->text));
    return out->text == NULL ? no_memory(err) : FIRN_OK;
  }
  return FIRN_OK;
}

firn_status firn_partition_spec_copy(const firn_partition_spec *from, firn_arena *arena,
                                     firn_partition_spec *out, firn_error *err) {
  firn_partition_field *fields = firn_new_n(arena, firn_partition_field, from->n_fields);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < from->n_fields; i++) {
    fields[i] = from->fields[i];
    fields[i].name = firn_arena_text(arena, firn_bytes_of(from->fields[i].name));
    if (fields[i].name == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(copy_transform(&from->fields[i].transform, arena, &fields[i].transform, err));
  }
  *out = (firn_partition_spec){from->spec_id, from->n_fields, fields};
  return FIRN_OK;
}

firn_status firn_sort_order_copy(const firn_sort_order *from, firn_arena *arena, firn_sort_order *out,
                                 firn_error *err) {
  firn_sort_field *fields = firn_new_n(arena, firn_sort_field, from->n_fields);
  if (fields == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < from->n_fields; i++) {
    fields[i] = from->fields[i];
    FIRN_TRY(copy_transform(&from->fields[i].transform, arena, &fields[i].transform, err));
  }
  *out = (firn_sort_order){from->order_id, from->n_fields, fields};
  return FIRN_OK;
}

firn_status firn_sort_order_check(const firn_sort_order *order, const firn_schema *schema, firn_error *err) {
  for (size_t i = 0; i < order->n_fields; i++) {
    const firn_sort_field *field = &order->fields[i];
    firn_status status = firn_spec_source_check(schema, field->source_id, &field->transform, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "sort field %zu", i + 1);
    }
  }
  return FIRN_OK;
}

bool firn_sort_order_equal(const firn_sort_order *a, const firn_sort_order *b) {
  if (a->n_fields != b->n_fields) {
    return false;
  }
  for (size_t i = 0; i < a->n_fields; i++) {
    const firn_sort_field *x = &a->fields[i], *y = &b->fields[i];
    if (x->source_id != y->source_id || x->descending != y->descending || x->nulls_last != y->nulls_last ||
        !firn_transform_equal(&x->transform, &y->transform)) {
      return false;
    }
  }
  return true;
}

/* As forms are encoded (application/x-www-form-urlencoded), which is what the reference does. */
static void add_encoded(firn_builder *to, const char *text) {
  for (; *text != '\0'; text++) {
    uint8_t c = (uint8_t)*text;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                 c == '-' || c == '*' || c == '_';
    if (plain) {
      firn_builder_add_u8(to, c);
    } else if (c == ' ') {
      firn_builder_add_u8(to, '+');
    } else {
      firn_builder_addf(to, "%%%02X", c);
    }
  }
}

const char *firn_partition_path(const firn_partition_spec *spec, const firn_schema *schema,
                                const firn_value *tuple, firn_arena *arena) {
  FIRN_AUTO_BUILDER path = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < spec->n_fields; i++) {
    const firn_partition_field *field = &spec->fields[i];
    const firn_field *source = firn_spec_source(schema, field->source_id);
    const char *value = firn_transform_human(&field->transform, source, &tuple[i], arena);
    if (value == NULL) {
      return NULL;
    }
    if (i > 0) {
      firn_builder_add_u8(&path, '/');
    }
    add_encoded(&path, field->name);
    firn_builder_add_u8(&path, '=');
    add_encoded(&path, value);
  }
  firn_bytes built;
  return firn_builder_finish(&path, &built, NULL) == FIRN_OK ? firn_arena_text(arena, built) : NULL;
}
