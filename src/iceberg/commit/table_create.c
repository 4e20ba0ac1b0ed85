/* The updates that make a new table, as the reference makes one (TableMetadata.newTableMetadata): field ids
 * anew, spec and order rebuilt on them, a few properties that are not stored but obeyed. */
#include <inttypes.h>
#include <string.h>

#include "base/uuid.h"
#include "iceberg/commit/metadata_file.h"
#include "iceberg/commit/property.h"

enum { N_UPDATES = 10 };

/* Both trees have one shape: the second is the first with other ids. */
static const firn_field *counterpart(const firn_field *old_parent, const firn_field *new_parent, int32_t id) {
  for (uint32_t i = 0; i < old_parent->n_children; i++) {
    const firn_field *old_child = &old_parent->children[i];
    const firn_field *new_child = &new_parent->children[i];
    const firn_field *found = old_child->id == id ? new_child : counterpart(old_child, new_child, id);
    if (found != NULL) {
      return found;
    }
  }
  return NULL;
}

static firn_status new_id(const firn_table_create *how, const firn_schema *fresh, int32_t old_id,
                          int32_t *out, firn_error *err) {
  const firn_field *found = counterpart(&how->schema->root, &fresh->root, old_id);
  if (found == NULL) {
    return firn_error_set(err, FIRN_INVALID, "the schema has no field %" PRId32 " to partition or sort by",
                          old_id);
  }
  *out = found->id;
  return FIRN_OK;
}

static firn_status fresh_spec(const firn_table_create *how, const firn_schema *fresh, firn_arena *arena,
                              firn_partition_spec *out, firn_error *err) {
  size_t n = how->spec == NULL ? 0 : how->spec->n_fields;
  firn_partition_field *fields = firn_new_n(arena, firn_partition_field, n);
  if (fields == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu partition fields", n);
  }
  for (size_t i = 0; i < n; i++) {
    fields[i] = how->spec->fields[i];
    fields[i].field_id = FIRN_FIRST_PARTITION_ID + (int32_t)i;
    FIRN_TRY(new_id(how, fresh, fields[i].source_id, &fields[i].source_id, err));
  }
  *out = (firn_partition_spec){.spec_id = 0, .n_fields = n, .fields = fields};
  return FIRN_OK;
}

static firn_status fresh_order(const firn_table_create *how, const firn_schema *fresh, firn_arena *arena,
                               firn_sort_order *out, firn_error *err) {
  size_t n = how->sort_order == NULL ? 0 : how->sort_order->n_fields;
  firn_sort_field *fields = firn_new_n(arena, firn_sort_field, n);
  if (fields == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu sort fields", n);
  }
  for (size_t i = 0; i < n; i++) {
    fields[i] = how->sort_order->fields[i];
    FIRN_TRY(new_id(how, fresh, fields[i].source_id, &fields[i].source_id, err));
  }
  *out = (firn_sort_order){.order_id = n == 0 ? 0 : 1, .n_fields = n, .fields = fields};
  return FIRN_OK;
}

/* --- properties --- */

static firn_status stored_properties(const firn_table_create *how, firn_arena *arena, firn_properties *out,
                                     firn_error *err) {
  /* Set on new tables only: old ones without it mean gzip. */
  static const firn_property codec = {"write.parquet.compression-codec", "zstd"};
  firn_property *items = firn_new_n(arena, firn_property, how->properties.n + 1);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", how->properties.n);
  }
  size_t n = 0;
  if (firn_properties_get(&how->properties, codec.key) == NULL) {
    items[n++] = codec;
  }
  for (size_t i = 0; i < how->properties.n; i++) {
    if (!firn_property_is_reserved(how->properties.items[i].key)) {
      items[n++] = how->properties.items[i];
    }
  }
  *out = (firn_properties){.n = n, .items = items};
  return FIRN_OK;
}

static int32_t wanted_version(const firn_table_create *how) {
  if (how->format_version != 0) {
    return how->format_version;
  }
  int64_t asked = firn_property_int64(&how->properties, "format-version", 2);
  return asked < 1 || asked > INT32_MAX ? INT32_MAX : (int32_t)asked; /* refused when it is applied */
}

/* --- the list --- */

firn_status firn_table_create_updates(const firn_table_create *how, const char *location, const firn_env *env,
                                      firn_arena *arena, const firn_update **updates, size_t *n,
                                      firn_error *err) {
  firn_update *list = firn_new_n(arena, firn_update, N_UPDATES);
  char *uuid = firn_new_n(arena, char, FIRN_UUID_TEXT);
  if (list == NULL || uuid == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the updates of a new table");
  }
  const firn_ctx ctx = FIRN_CTX_INIT(env);
  firn_uuid_text(firn_uuid_v4(&ctx), uuid);
  firn_schema schema;
  firn_partition_spec spec;
  firn_sort_order order;
  firn_properties properties;
  int32_t last_id = 0;
  FIRN_TRY(firn_schema_assign_ids(how->schema, &last_id, arena, &schema, err));
  schema.schema_id = 0;
  FIRN_TRY(fresh_spec(how, &schema, arena, &spec, err));
  FIRN_TRY(fresh_order(how, &schema, arena, &order, err));
  FIRN_TRY(stored_properties(how, arena, &properties, err));

  size_t at = 0;
  list[at++] = (firn_update){.kind = FIRN_UPDATE_ASSIGN_UUID, .text = uuid};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_UPGRADE_FORMAT_VERSION, .id = wanted_version(how)};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = schema};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_ADD_SPEC, .spec = spec};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_ADD_SORT_ORDER, .sort_order = order};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = FIRN_LAST_ADDED};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_SET_LOCATION, .text = location};
  list[at++] = (firn_update){.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = properties};
  *updates = list;
  *n = at;
  return FIRN_OK;
}
