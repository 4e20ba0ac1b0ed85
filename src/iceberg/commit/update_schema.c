/* Updates of schemas, partition specs and sort orders. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/update_internal.h"

/* The smallest id from `least` that is larger than `used`, which others may have driven to the end. */
static firn_status id_after(int32_t used, int32_t least, int32_t *out, firn_error *err) {
  if (used == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "no id is left after %" PRId32, used);
  }
  *out = used + 1 > least ? used + 1 : least;
  return FIRN_OK;
}

/* --- schemas --- */

/* firn writes version 2; these came with version 3. */
static const char *newer_than_2(const firn_field *f) {
  switch (f->kind) {
    case FIRN_KIND_UNKNOWN:
    case FIRN_KIND_TIMESTAMP_NS:
    case FIRN_KIND_TIMESTAMPTZ_NS:
    case FIRN_KIND_VARIANT:
    case FIRN_KIND_GEOMETRY:
    case FIRN_KIND_GEOGRAPHY:
      return firn_kind_name(f->kind);
    default:
      return f->initial_default.len > 0 || f->write_default.len > 0 ? "a default" : NULL;
  }
}

static firn_status check_version(const firn_field *parent, firn_error *err) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *f = &parent->children[i];
    const char *what = newer_than_2(f);
    if (what != NULL) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "column %s: %s needs format version 3", f->name, what);
    }
    FIRN_TRY(check_version(f, err)); /* no deeper than FIRN_TYPE_MAX_DEPTH: the reader saw to it */
  }
  return FIRN_OK;
}

static const firn_schema *find_schema(const firn_draft *d, int32_t id) {
  for (size_t i = 0; i < d->f.n_schemas; i++) {
    if (d->f.schemas[i].schema_id == id) {
      return &d->f.schemas[i];
    }
  }
  return NULL;
}

static void note_schema(firn_draft *d, int32_t id) {
  d->has_last_schema = true;
  d->last_schema = id;
}

firn_status firn_draft_add_schema(firn_draft *d, const firn_schema *schema, firn_error *err) {
  FIRN_TRY(check_version(&schema->root, err));
  int32_t last_id = firn_schema_last_id(schema);
  int32_t id = d->f.current_schema_id;
  for (size_t i = 0; i < d->f.n_schemas; i++) {
    if (firn_schema_equal(&d->f.schemas[i], schema)) {
      /* It is there already; "the last added" means it, as the client expects. */
      note_schema(d, d->f.schemas[i].schema_id);
      return FIRN_OK;
    }
    FIRN_TRY(id_after(d->f.schemas[i].schema_id, id, &id, err));
  }
  firn_schema *own = firn_draft_room(d, d->f.schemas, d->f.n_schemas, &d->capacity.schemas, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu schemas", d->f.n_schemas + 1);
  }
  own[d->f.n_schemas] = *schema;
  own[d->f.n_schemas].schema_id = id;
  d->f.schemas = own;
  d->f.n_schemas++;
  d->f.last_column_id = last_id > d->f.last_column_id ? last_id : d->f.last_column_id;
  d->changed = true;
  note_schema(d, id);
  return FIRN_OK;
}

firn_status firn_draft_set_schema(firn_draft *d, int32_t id, firn_error *err) {
  if (id == FIRN_LAST_ADDED) {
    if (!d->has_last_schema) {
      return firn_error_set(err, FIRN_INVALID, "Cannot set last added schema: no schema has been added");
    }
    id = d->last_schema;
  }
  if (find_schema(d, id) == NULL) {
    return firn_error_set(err, FIRN_INVALID, "Cannot set current schema to unknown schema: %" PRId32, id);
  }
  if (d->f.current_schema_id != id) {
    d->f.current_schema_id = id;
    d->changed = true;
    d->checks_defaults = true;
  }
  return FIRN_OK;
}

firn_status firn_draft_remove_schemas(firn_draft *d, const int64_t *ids, size_t n, firn_error *err) {
  firn_id_set removed;
  FIRN_TRY(firn_id_set_make(ids, n, d->arena, &removed, err));
  if (firn_id_set_has(&removed, d->f.current_schema_id)) {
    return firn_error_set(err, FIRN_INVALID, "Cannot remove the current schema");
  }
  firn_schema *own = firn_draft_own(d, d->f.schemas, d->f.n_schemas, &d->capacity.schemas, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu schemas", d->f.n_schemas);
  }
  size_t kept = 0;
  for (size_t i = 0; i < d->f.n_schemas; i++) {
    if (!firn_id_set_has(&removed, d->f.schemas[i].schema_id)) {
      own[kept++] = d->f.schemas[i];
    }
  }
  d->changed = d->changed || kept != d->f.n_schemas;
  d->f.schemas = own;
  d->f.n_schemas = kept;
  return FIRN_OK;
}

/* --- partition specs --- */

static bool same_transform(const firn_transform *a, const firn_transform *b) {
  if (a->kind != b->kind) {
    return false;
  }
  if (a->kind == FIRN_TRANSFORM_UNKNOWN) {
    return strcmp(a->text, b->text) == 0;
  }
  bool has_width = a->kind == FIRN_TRANSFORM_BUCKET || a->kind == FIRN_TRANSFORM_TRUNCATE;
  return !has_width || a->width == b->width;
}

/* The id that an equivalent field of any spec has; FIRN_NO_ID when there is none. */
static int32_t equivalent_id(const firn_draft *d, const firn_partition_field *wanted) {
  for (size_t i = 0; i < d->f.n_specs; i++) {
    for (size_t k = 0; k < d->f.specs[i].n_fields; k++) {
      const firn_partition_field *f = &d->f.specs[i].fields[k];
      if (f->source_id == wanted->source_id && same_transform(&f->transform, &wanted->transform)) {
        return f->field_id;
      }
    }
  }
  return FIRN_NO_ID;
}

/* Fields that came without an id get that of an equivalent field, else the next free one. In version 1 the
 * place in the spec decides. */
static firn_status assign_field_ids(const firn_draft *d, firn_partition_field *fields, size_t n,
                                    firn_error *err) {
  int32_t last = d->f.last_partition_id;
  for (size_t i = 0; i < n; i++) {
    last = fields[i].field_id > last ? fields[i].field_id : last;
  }
  for (size_t i = 0; i < n; i++) {
    if (fields[i].field_id == FIRN_NO_ID) {
      int32_t id =
          d->f.format_version == 1 ? FIRN_FIRST_PARTITION_ID + (int32_t)i : equivalent_id(d, &fields[i]);
      if (id == FIRN_NO_ID) {
        FIRN_TRY(id_after(last, FIRN_FIRST_PARTITION_ID, &last, err));
        id = last;
      }
      fields[i].field_id = id;
    }
  }
  return FIRN_OK;
}

static firn_status check_field_ids(const firn_draft *d, const firn_partition_field *fields, size_t n,
                                   firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    if (fields[i].transform.kind == FIRN_TRANSFORM_UNKNOWN) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "partition field %s: unknown transform \"%.60s\"",
                            fields[i].name, fields[i].transform.text);
    }
    if (d->f.format_version == 1 && fields[i].field_id != FIRN_FIRST_PARTITION_ID + (int32_t)i) {
      return firn_error_set(err, FIRN_INVALID,
                            "Spec does not use sequential IDs that are required in v1: field %s has %" PRId32,
                            fields[i].name, fields[i].field_id);
    }
    for (size_t k = 0; k < i; k++) {
      if (fields[i].field_id == fields[k].field_id) {
        return firn_error_set(err, FIRN_INVALID, "partition fields %s and %s share the id %" PRId32,
                              fields[k].name, fields[i].name, fields[i].field_id);
      }
    }
  }
  return FIRN_OK;
}

/* Version 1 keeps a dropped field as `void`, whose source may be gone: such fields are not looked at. */
static firn_status check_spec(const firn_draft *d, const firn_partition_spec *spec, firn_error *err) {
  const firn_schema *schema = find_schema(d, d->f.current_schema_id);
  if (schema == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a partition spec needs a schema before it");
  }
  firn_partition_field *live = firn_new_n(d->arena, firn_partition_field, spec->n_fields);
  if (live == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition fields", spec->n_fields);
  }
  firn_partition_spec without_void = {.spec_id = spec->spec_id, .fields = live};
  for (size_t i = 0; i < spec->n_fields; i++) {
    if (spec->fields[i].transform.kind != FIRN_TRANSFORM_VOID) {
      live[without_void.n_fields++] = spec->fields[i];
    }
  }
  return firn_partition_spec_check(&without_void, schema, err);
}

static void note_spec(firn_draft *d, int32_t id) {
  d->has_last_spec = true;
  d->last_spec = id;
}

static firn_status append_spec(firn_draft *d, const firn_partition_spec *spec, firn_error *err) {
  firn_partition_spec *own = firn_draft_room(d, d->f.specs, d->f.n_specs, &d->capacity.specs, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition specs", d->f.n_specs + 1);
  }
  own[d->f.n_specs] = *spec;
  d->f.specs = own;
  d->f.n_specs++;
  int32_t last_id = firn_partition_spec_last_id(spec);
  d->f.last_partition_id = last_id > d->f.last_partition_id ? last_id : d->f.last_partition_id;
  d->changed = true;
  note_spec(d, spec->spec_id);
  return FIRN_OK;
}

firn_status firn_draft_add_spec(firn_draft *d, const firn_partition_spec *spec, firn_error *err) {
  int32_t id = 0;
  for (size_t i = 0; i < d->f.n_specs; i++) {
    if (firn_partition_spec_equal(&d->f.specs[i], spec)) {
      note_spec(d, d->f.specs[i].spec_id);
      return FIRN_OK;
    }
    FIRN_TRY(id_after(d->f.specs[i].spec_id, id, &id, err));
  }
  firn_partition_field *fields = firn_new_n(d->arena, firn_partition_field, spec->n_fields);
  if (fields == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition fields", spec->n_fields);
  }
  if (spec->n_fields > 0) {
    memcpy(fields, spec->fields, spec->n_fields * sizeof *fields);
  }
  firn_partition_spec made = {.spec_id = id, .n_fields = spec->n_fields, .fields = fields};
  FIRN_TRY(assign_field_ids(d, fields, made.n_fields, err));
  FIRN_TRY(check_field_ids(d, fields, made.n_fields, err));
  FIRN_TRY(check_spec(d, &made, err));
  return append_spec(d, &made, err);
}

static const firn_partition_spec *find_spec(const firn_draft *d, int32_t id) {
  for (size_t i = 0; i < d->f.n_specs; i++) {
    if (d->f.specs[i].spec_id == id) {
      return &d->f.specs[i];
    }
  }
  return NULL;
}

firn_status firn_draft_set_spec(firn_draft *d, int32_t id, firn_error *err) {
  if (id == FIRN_LAST_ADDED) {
    if (!d->has_last_spec) {
      return firn_error_set(err, FIRN_INVALID, "Cannot set last added spec: no spec has been added");
    }
    id = d->last_spec;
  }
  if (find_spec(d, id) == NULL) {
    return firn_error_set(err, FIRN_INVALID, "Cannot set default partition spec to unknown spec: %" PRId32,
                          id);
  }
  if (d->f.default_spec_id != id) {
    d->f.default_spec_id = id;
    d->changed = true;
    d->checks_defaults = true;
  }
  return FIRN_OK;
}

firn_status firn_draft_remove_specs(firn_draft *d, const int64_t *ids, size_t n, firn_error *err) {
  firn_id_set removed;
  FIRN_TRY(firn_id_set_make(ids, n, d->arena, &removed, err));
  if (firn_id_set_has(&removed, d->f.default_spec_id)) {
    return firn_error_set(err, FIRN_INVALID, "Cannot remove the default partition spec");
  }
  firn_partition_spec *own = firn_draft_own(d, d->f.specs, d->f.n_specs, &d->capacity.specs, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition specs", d->f.n_specs);
  }
  size_t kept = 0;
  for (size_t i = 0; i < d->f.n_specs; i++) {
    if (!firn_id_set_has(&removed, d->f.specs[i].spec_id)) {
      own[kept++] = d->f.specs[i];
    }
  }
  d->changed = d->changed || kept != d->f.n_specs;
  d->f.specs = own;
  d->f.n_specs = kept;
  return FIRN_OK;
}

/* --- sort orders --- */

static const firn_sort_order *find_order(const firn_draft *d, int32_t id) {
  for (size_t i = 0; i < d->f.n_sort_orders; i++) {
    if (d->f.sort_orders[i].order_id == id) {
      return &d->f.sort_orders[i];
    }
  }
  return NULL;
}

static void note_order(firn_draft *d, int32_t id) {
  d->has_last_order = true;
  d->last_order = id;
}

/* Spec: Sorting. 0 is the unsorted order's and nobody else's. */
static firn_status append_order(firn_draft *d, const firn_sort_order *order, int32_t id, firn_error *err) {
  firn_sort_order *own =
      firn_draft_room(d, d->f.sort_orders, d->f.n_sort_orders, &d->capacity.sort_orders, sizeof *own);
  if (own == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu sort orders", d->f.n_sort_orders + 1);
  }
  own[d->f.n_sort_orders] = *order;
  own[d->f.n_sort_orders].order_id = id;
  d->f.sort_orders = own;
  d->f.n_sort_orders++;
  d->changed = true;
  note_order(d, id);
  return FIRN_OK;
}

static firn_status check_order(const firn_draft *d, const firn_sort_order *order, firn_error *err) {
  const firn_schema *schema = find_schema(d, d->f.current_schema_id);
  if (schema == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a sort order needs a schema before it");
  }
  return firn_sort_order_check(order, schema, err);
}

firn_status firn_draft_add_order(firn_draft *d, const firn_sort_order *order, firn_error *err) {
  int32_t id = 1;
  for (size_t i = 0; i < d->f.n_sort_orders; i++) {
    if (firn_sort_order_equal(&d->f.sort_orders[i], order)) {
      note_order(d, d->f.sort_orders[i].order_id);
      return FIRN_OK;
    }
    FIRN_TRY(id_after(d->f.sort_orders[i].order_id, id, &id, err));
  }
  FIRN_TRY(check_order(d, order, err));
  return append_order(d, order, order->n_fields == 0 ? 0 : id, err);
}

firn_status firn_draft_set_order(firn_draft *d, int32_t id, firn_error *err) {
  if (id == FIRN_LAST_ADDED) {
    if (!d->has_last_order) {
      return firn_error_set(err, FIRN_INVALID,
                            "Cannot set last added sort order: no sort order has been added");
    }
    id = d->last_order;
  }
  if (find_order(d, id) == NULL) {
    return firn_error_set(err, FIRN_INVALID, "Cannot set default sort order to unknown order: %" PRId32, id);
  }
  if (d->f.default_sort_order_id != id) {
    d->f.default_sort_order_id = id;
    d->changed = true;
    d->checks_defaults = true;
  }
  return FIRN_OK;
}

/* --- at the end --- */

firn_status firn_draft_finish_schemas(firn_draft *d, firn_error *err) {
  static const firn_partition_spec unpartitioned = {0};
  static const firn_sort_order unsorted = {0};
  if (find_schema(d, d->f.current_schema_id) == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a new table needs a schema");
  }
  if (d->f.n_specs == 0) {
    FIRN_TRY(append_spec(d, &unpartitioned, err));
  }
  if (d->f.n_sort_orders == 0) {
    FIRN_TRY(append_order(d, &unsorted, 0, err));
  }
  const firn_partition_spec *spec = find_spec(d, d->f.default_spec_id);
  const firn_sort_order *order = find_order(d, d->f.default_sort_order_id);
  if (spec == NULL || order == NULL) {
    return firn_error_set(err, FIRN_INVALID, "no default %s has been set",
                          spec == NULL ? "partition spec" : "sort order");
  }
  if (!d->checks_defaults) {
    return FIRN_OK;
  }
  firn_status status = check_spec(d, spec, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "the default partition spec and the current schema");
  }
  status = check_order(d, order, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "the default sort order and the current schema");
  }
  return FIRN_OK;
}
