#include "iceberg/commit/alter.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "iceberg/commit/alter_internal.h"

firn_status firn_alter_no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to change a table");
}

firn_status firn_alter_name_check(const char *name, const char *what, firn_error *err) {
  if (name == NULL || name[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "%s is missing", what);
  }
  firn_bytes text = firn_bytes_of(name);
  if (text.len > FIRN_ALTER_MAX_NAME) {
    return firn_error_set(err, FIRN_LIMIT, "%s has %zu bytes, more than %d", what, text.len,
                          FIRN_ALTER_MAX_NAME);
  }
  /* Metadata is JSON: what is no UTF-8 would come back as something else. */
  return firn_utf8_is_valid(text) ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "%s is not UTF-8", what);
}

/* --- the table as it is --- */

static firn_status begin_partitions(firn_altering *a, firn_error *err) {
  firn_partition_spec spec;
  FIRN_TRY(firn_partition_spec_copy(firn_metadata_default_spec(a->base), a->arena, &spec, err));
  a->capacity_partitions = a->n_partitions = spec.n_fields;
  a->partitions = firn_new_n(a->arena, firn_alter_partition, spec.n_fields);
  if (a->partitions == NULL) {
    return firn_alter_no_memory(err);
  }
  for (size_t i = 0; i < spec.n_fields; i++) {
    a->partitions[i].field = spec.fields[i];
  }
  return FIRN_OK;
}

static firn_status begin_properties(firn_altering *a, firn_error *err) {
  const firn_properties *p = &a->f->properties;
  a->capacity_properties = a->n_properties = p->n;
  a->properties = firn_new_n(a->arena, firn_property, p->n);
  if (a->properties == NULL) {
    return firn_alter_no_memory(err);
  }
  if (p->n > 0) {
    memcpy(a->properties, p->items, p->n * sizeof *p->items);
  }
  return FIRN_OK;
}

static firn_status begin_refs(firn_altering *a, firn_error *err) {
  a->capacity_refs = a->n_refs = a->f->n_refs;
  a->refs = firn_new_n(a->arena, firn_ref, a->n_refs);
  for (size_t i = 0; a->refs != NULL && i < a->n_refs; i++) {
    a->refs[i] = a->f->refs[i];
    a->refs[i].name = firn_arena_text(a->arena, firn_bytes_of(a->refs[i].name));
    if (a->refs[i].name == NULL) {
      return firn_alter_no_memory(err);
    }
  }
  return a->refs != NULL ? FIRN_OK : firn_alter_no_memory(err);
}

static firn_status begin(const firn_metadata *base, firn_arena *arena, firn_altering *out, firn_error *err) {
  const firn_metadata_fields *f = firn_metadata_get(base);
  *out = (firn_altering){.base = base,
                         .f = f,
                         .arena = arena,
                         .version = f->format_version,
                         .last_column_id = f->last_column_id,
                         .last_partition_id = f->last_partition_id,
                         .location = f->location};
  FIRN_TRY(firn_schema_copy(firn_metadata_current_schema(base), arena, &out->schema, err));
  const firn_sort_order *order = firn_metadata_sort_order(base, f->default_sort_order_id);
  FIRN_TRY(firn_sort_order_copy(order, arena, &out->order, err));
  FIRN_TRY(begin_partitions(out, err));
  FIRN_TRY(begin_properties(out, err));
  return begin_refs(out, err);
}

/* --- one change --- */

static firn_status set_location(firn_altering *a, const firn_change *c, firn_error *err) {
  FIRN_TRY(firn_alter_name_check(c->text, "a location", err));
  size_t len = strlen(c->text);
  while (len > 1 && c->text[len - 1] == '/') {
    len--;
  }
  a->location = firn_arena_text(a->arena, (firn_bytes){(const uint8_t *)c->text, len});
  return a->location == NULL ? firn_alter_no_memory(err) : FIRN_OK;
}

typedef firn_status (*changer)(firn_altering *a, const firn_change *c, firn_error *err);

static firn_status upgrade(firn_altering *a, const firn_change *c, firn_error *err) {
  return firn_alter_set_version(a, c->id, err);
}

enum { NEEDS_NAME = 1, NEEDS_TEXT = 2 };

static const struct {
  const char *doing;
  changer change;
  unsigned needs;
} kinds[] = {
    [FIRN_CHANGE_ADD_COLUMN] = {"adding a column", firn_alter_add_column, NEEDS_NAME},
    [FIRN_CHANGE_DROP_COLUMN] = {"dropping a column", firn_alter_drop_column, NEEDS_NAME},
    [FIRN_CHANGE_RENAME_COLUMN] = {"renaming a column", firn_alter_rename_column, NEEDS_NAME},
    [FIRN_CHANGE_MOVE_COLUMN] = {"moving a column", firn_alter_move_column, NEEDS_NAME},
    [FIRN_CHANGE_SET_TYPE] = {"changing a type", firn_alter_set_type, NEEDS_NAME},
    [FIRN_CHANGE_SET_OPTIONAL] = {"making a column optional", firn_alter_set_required, NEEDS_NAME},
    [FIRN_CHANGE_SET_REQUIRED] = {"making a column required", firn_alter_set_required, NEEDS_NAME},
    [FIRN_CHANGE_SET_DOC] = {"describing a column", firn_alter_set_doc, NEEDS_NAME},
    [FIRN_CHANGE_SET_IDENTIFIERS] = {"setting the identifier fields", firn_alter_set_identifiers, 0},
    [FIRN_CHANGE_WIDEN] = {"widening the schema", firn_alter_widen, 0},
    [FIRN_CHANGE_ADD_PARTITION] = {"adding a partition field", firn_alter_add_partition, NEEDS_TEXT},
    [FIRN_CHANGE_DROP_PARTITION] = {"dropping a partition field", firn_alter_drop_partition, NEEDS_TEXT},
    [FIRN_CHANGE_RENAME_PARTITION] = {"renaming a partition field", firn_alter_rename_partition, NEEDS_NAME},
    [FIRN_CHANGE_SET_PARTITIONING] = {"setting the partitioning", firn_alter_set_partitioning, NEEDS_TEXT},
    [FIRN_CHANGE_SET_SORT_ORDER] = {"setting the sort order", firn_alter_set_sort_order, NEEDS_TEXT},
    [FIRN_CHANGE_SET_PROPERTIES] = {"setting properties", firn_alter_set_properties, 0},
    [FIRN_CHANGE_REMOVE_PROPERTIES] = {"removing properties", firn_alter_remove_properties, 0},
    [FIRN_CHANGE_SET_LOCATION] = {"setting the location", set_location, NEEDS_TEXT},
    [FIRN_CHANGE_UPGRADE] = {"upgrading the format", upgrade, 0},
    [FIRN_CHANGE_CREATE_BRANCH] = {"making a branch", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_CREATE_TAG] = {"making a tag", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_REPLACE_BRANCH] = {"replacing a branch", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_REPLACE_TAG] = {"replacing a tag", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_DROP_BRANCH] = {"dropping a branch", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_DROP_TAG] = {"dropping a tag", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_RENAME_REF] = {"renaming a branch or tag", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_SET_RETENTION] = {"setting the retention of a branch or tag", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_FAST_FORWARD] = {"fast-forwarding a branch", firn_alter_ref, NEEDS_NAME},
    [FIRN_CHANGE_ROLLBACK] = {"rolling back", firn_alter_ref, 0},
    [FIRN_CHANGE_SET_CURRENT] = {"setting the current snapshot", firn_alter_ref, 0},
};

static firn_status change(firn_altering *a, const firn_change *c, firn_error *err) {
  if ((size_t)c->kind >= FIRN_COUNT_OF(kinds)) {
    return firn_error_set(err, FIRN_INVALID, "there is no change of kind %d", (int)c->kind);
  }
  unsigned needs = kinds[c->kind].needs;
  firn_status status = FIRN_OK;
  if ((needs & NEEDS_NAME) != 0) {
    status = firn_alter_name_check(c->name, "a name", err);
  } else if ((needs & NEEDS_TEXT) != 0 && c->text == NULL) {
    status = firn_error_set(err, FIRN_INVALID, "nothing is said");
  }
  if (status == FIRN_OK) {
    status = kinds[c->kind].change(a, c, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", kinds[c->kind].doing);
}

/* --- the difference, as updates --- */

typedef struct update_list {
  firn_arena *arena;
  size_t n, capacity;
  firn_update *items;
} update_list;

static firn_status add(update_list *to, firn_update update, firn_error *err) {
  to->items = firn_arena_grow(to->arena, to->items, to->n, &to->capacity, sizeof *to->items);
  if (to->items == NULL) {
    return firn_alter_no_memory(err);
  }
  to->items[to->n++] = update;
  return FIRN_OK;
}

static firn_status add_schema(firn_altering *a, update_list *to, firn_error *err) {
  int32_t id = a->f->current_schema_id;
  if (firn_schema_equal(&a->schema, firn_metadata_current_schema(a->base))) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_alter_schema_check(a, err));
  for (size_t i = 0; i < a->f->n_schemas; i++) {
    if (firn_schema_equal(&a->schema, &a->f->schemas[i])) {
      const firn_update back = {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = a->f->schemas[i].schema_id};
      return add(to, back, err);
    }
    id = a->f->schemas[i].schema_id > id ? a->f->schemas[i].schema_id : id;
  }
  if (id == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "no schema id is left");
  }
  firn_update added = {.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = a->schema};
  added.schema.schema_id = id + 1;
  FIRN_TRY(add(to, added, err));
  return add(to, (firn_update){.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED}, err);
}

static firn_status add_spec(firn_altering *a, update_list *to, firn_error *err) {
  firn_partition_spec spec;
  int32_t id = a->f->default_spec_id;
  FIRN_TRY(firn_alter_spec(a, &spec, err));
  if (firn_partition_spec_equal(&spec, firn_metadata_default_spec(a->base))) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < a->f->n_specs; i++) {
    if (firn_partition_spec_equal(&spec, &a->f->specs[i])) {
      const firn_update back = {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = a->f->specs[i].spec_id};
      return add(to, back, err);
    }
    id = a->f->specs[i].spec_id > id ? a->f->specs[i].spec_id : id;
  }
  if (id == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "no partition spec id is left");
  }
  spec.spec_id = id + 1;
  FIRN_TRY(add(to, (firn_update){.kind = FIRN_UPDATE_ADD_SPEC, .spec = spec}, err));
  return add(to, (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED}, err);
}

static firn_status add_order(firn_altering *a, update_list *to, firn_error *err) {
  int32_t id = 0;
  if (firn_sort_order_equal(&a->order, firn_metadata_sort_order(a->base, a->f->default_sort_order_id))) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < a->f->n_sort_orders; i++) {
    if (firn_sort_order_equal(&a->order, &a->f->sort_orders[i])) {
      const firn_update back = {.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER,
                                .id = a->f->sort_orders[i].order_id};
      return add(to, back, err);
    }
    id = a->f->sort_orders[i].order_id > id ? a->f->sort_orders[i].order_id : id;
  }
  if (id == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "no sort order id is left");
  }
  firn_update added = {.kind = FIRN_UPDATE_ADD_SORT_ORDER, .sort_order = a->order};
  added.sort_order.order_id = a->order.n_fields == 0 ? 0 : id + 1;
  FIRN_TRY(add(to, added, err));
  return add(to, (firn_update){.kind = FIRN_UPDATE_SET_DEFAULT_SORT_ORDER, .id = FIRN_LAST_ADDED}, err);
}

/* Texts of the base do not live as long as the updates may. */
static firn_status add_removed_properties(firn_altering *a, update_list *to, firn_error *err) {
  const firn_properties now = {a->n_properties, a->properties};
  const char **keys = firn_new_n(a->arena, const char *, a->f->properties.n);
  size_t n = 0;
  for (size_t i = 0; keys != NULL && i < a->f->properties.n; i++) {
    const char *key = a->f->properties.items[i].key;
    if (firn_properties_get(&now, key) == NULL) {
      keys[n] = firn_arena_text(a->arena, firn_bytes_of(key));
      if (keys[n++] == NULL) {
        return firn_alter_no_memory(err);
      }
    }
  }
  if (keys == NULL) {
    return firn_alter_no_memory(err);
  }
  const firn_update removed = {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {.n = n, .items = keys}};
  return n == 0 ? FIRN_OK : add(to, removed, err);
}

static firn_status add_set_properties(firn_altering *a, update_list *to, firn_error *err) {
  firn_property *items = firn_new_n(a->arena, firn_property, a->n_properties);
  size_t n = 0;
  for (size_t i = 0; items != NULL && i < a->n_properties; i++) {
    const firn_property *p = &a->properties[i];
    const char *before = firn_properties_get(&a->f->properties, p->key);
    if (before == NULL || strcmp(before, p->value) != 0) {
      items[n].key = firn_arena_text(a->arena, firn_bytes_of(p->key));
      items[n].value = firn_arena_text(a->arena, firn_bytes_of(p->value));
      if (items[n].key == NULL || items[n].value == NULL) {
        return firn_alter_no_memory(err);
      }
      n++;
    }
  }
  if (items == NULL) {
    return firn_alter_no_memory(err);
  }
  const firn_update set = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {n, items}};
  return n == 0 ? FIRN_OK : add(to, set, err);
}

static const firn_ref *find_ref(const firn_ref *refs, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(refs[i].name, name) == 0) {
      return &refs[i];
    }
  }
  return NULL;
}

static bool same_ref(const firn_ref *a, const firn_ref *b) {
  return a->snapshot_id == b->snapshot_id && a->is_branch == b->is_branch &&
         a->min_snapshots_to_keep == b->min_snapshots_to_keep &&
         a->max_snapshot_age_ms == b->max_snapshot_age_ms && a->max_ref_age_ms == b->max_ref_age_ms;
}

static firn_status add_refs(firn_altering *a, update_list *to, firn_error *err) {
  for (size_t i = 0; i < a->f->n_refs; i++) {
    if (find_ref(a->refs, a->n_refs, a->f->refs[i].name) == NULL) {
      const char *name = firn_arena_text(a->arena, firn_bytes_of(a->f->refs[i].name));
      if (name == NULL) {
        return firn_alter_no_memory(err);
      }
      FIRN_TRY(add(to, (firn_update){.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = name}, err));
    }
  }
  for (size_t i = 0; i < a->n_refs; i++) {
    const firn_ref *before = find_ref(a->f->refs, a->f->n_refs, a->refs[i].name);
    if (before == NULL || !same_ref(before, &a->refs[i])) {
      FIRN_TRY(add(to, (firn_update){.kind = FIRN_UPDATE_SET_SNAPSHOT_REF, .ref = a->refs[i]}, err));
    }
  }
  return FIRN_OK;
}

/* In an order in which each finds what it needs: a spec its columns, a sort order too. */
static firn_status make_updates(firn_altering *a, update_list *to, firn_error *err) {
  if (a->version != a->f->format_version) {
    const firn_update up = {.kind = FIRN_UPDATE_UPGRADE_FORMAT_VERSION, .id = a->version};
    FIRN_TRY(add(to, up, err));
  }
  FIRN_TRY(firn_alter_follow_columns(a, err));
  FIRN_TRY(add_schema(a, to, err));
  FIRN_TRY(add_spec(a, to, err));
  FIRN_TRY(add_order(a, to, err));
  if (strcmp(a->location, a->f->location) != 0) {
    FIRN_TRY(add(to, (firn_update){.kind = FIRN_UPDATE_SET_LOCATION, .text = a->location}, err));
  }
  FIRN_TRY(add_removed_properties(a, to, err));
  FIRN_TRY(add_set_properties(a, to, err));
  return add_refs(a, to, err);
}

/* --- requirements --- */

typedef struct requirement_list {
  firn_arena *arena;
  const firn_metadata_fields *f;
  size_t n, capacity;
  firn_requirement *items;
} requirement_list;

/* Each once; REF_SNAPSHOT_ID once for each ref. */
static firn_status require(requirement_list *to, firn_requirement r, firn_error *err) {
  for (size_t i = 0; i < to->n; i++) {
    bool same_text = r.text == NULL || strcmp(r.text, to->items[i].text) == 0;
    if (to->items[i].kind == r.kind && same_text) {
      return FIRN_OK;
    }
  }
  to->items = firn_arena_grow(to->arena, to->items, to->n, &to->capacity, sizeof *to->items);
  if (to->items == NULL) {
    return firn_alter_no_memory(err);
  }
  to->items[to->n++] = r;
  return FIRN_OK;
}

static firn_status require_id(requirement_list *to, firn_requirement_kind kind, int64_t id, firn_error *err) {
  return require(to, (firn_requirement){.kind = kind, .id = id}, err);
}

static firn_status require_ref(requirement_list *to, const char *name, firn_error *err) {
  const firn_ref *ref = find_ref(to->f->refs, to->f->n_refs, name);
  const firn_requirement r = {.kind = FIRN_ASSERT_REF_SNAPSHOT_ID,
                              .text = name,
                              .has_snapshot_id = ref != NULL,
                              .id = ref == NULL ? 0 : ref->snapshot_id};
  return require(to, r, err);
}

/* What the reference asks for, and what keeps names that were looked up here true: a column may have been
 * renamed or dropped in the meantime by who changes the schema, and come into use by who changes the spec. */
static firn_status require_for(requirement_list *to, const firn_update *u, firn_error *err) {
  const firn_metadata_fields *f = to->f;
  switch (u->kind) {
    case FIRN_UPDATE_ADD_SCHEMA:
      FIRN_TRY(require_id(to, FIRN_ASSERT_LAST_ASSIGNED_FIELD_ID, f->last_column_id, err));
      return require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err);
    case FIRN_UPDATE_SET_CURRENT_SCHEMA:
      FIRN_TRY(require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err));
      FIRN_TRY(require_id(to, FIRN_ASSERT_DEFAULT_SPEC_ID, f->default_spec_id, err));
      return require_id(to, FIRN_ASSERT_DEFAULT_SORT_ORDER_ID, f->default_sort_order_id, err);
    case FIRN_UPDATE_ADD_SPEC:
      FIRN_TRY(require_id(to, FIRN_ASSERT_LAST_ASSIGNED_PARTITION_ID, f->last_partition_id, err));
      return require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err);
    case FIRN_UPDATE_SET_DEFAULT_SPEC:
      FIRN_TRY(require_id(to, FIRN_ASSERT_DEFAULT_SPEC_ID, f->default_spec_id, err));
      return require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err);
    case FIRN_UPDATE_ADD_SORT_ORDER:
      return require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err);
    case FIRN_UPDATE_SET_DEFAULT_SORT_ORDER:
      FIRN_TRY(require_id(to, FIRN_ASSERT_DEFAULT_SORT_ORDER_ID, f->default_sort_order_id, err));
      return require_id(to, FIRN_ASSERT_CURRENT_SCHEMA_ID, f->current_schema_id, err);
    case FIRN_UPDATE_SET_SNAPSHOT_REF:
      return require_ref(to, u->ref.name, err);
    case FIRN_UPDATE_REMOVE_SNAPSHOT_REF:
      return require_ref(to, u->text, err);
    default:
      return FIRN_OK;
  }
}

firn_status firn_alter_requirements(const firn_metadata *base, const firn_update *updates, size_t n,
                                    firn_arena *arena, const firn_requirement **out, size_t *n_out,
                                    firn_error *err) {
  requirement_list list = {.arena = arena, .f = firn_metadata_get(base)};
  if (list.f->table_uuid != NULL && n > 0) {
    const char *uuid = firn_arena_text(arena, firn_bytes_of(list.f->table_uuid));
    if (uuid == NULL) {
      return firn_alter_no_memory(err);
    }
    FIRN_TRY(require(&list, (firn_requirement){.kind = FIRN_ASSERT_TABLE_UUID, .text = uuid}, err));
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(require_for(&list, &updates[i], err));
  }
  *out = list.items;
  *n_out = list.n;
  return FIRN_OK;
}

/* --- the whole --- */

/* The updates are tried here, so that a plan is one that a catalog takes. */
static firn_status try_updates(const firn_metadata *base, const update_list *list, int64_t now_ms,
                               firn_error *err) {
  FIRN_AUTO_METADATA *made = NULL;
  return list->n == 0 ? FIRN_OK : firn_updates_apply(base, NULL, list->items, list->n, now_ms, &made, err);
}

firn_status firn_alter_plan(const firn_metadata *base, const firn_change *changes, size_t n, int64_t now_ms,
                            firn_arena *arena, firn_alter_result *out, firn_error *err) {
  firn_altering a;
  firn_alter_result made = {0};
  update_list list = {.arena = arena};
  FIRN_TRY(begin(base, arena, &a, err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(change(&a, &changes[i], err));
  }
  FIRN_TRY(make_updates(&a, &list, err));
  FIRN_TRY(try_updates(base, &list, now_ms, err));
  made.n_updates = list.n;
  made.updates = list.items;
  FIRN_TRY(firn_alter_requirements(base, list.items, list.n, arena, &made.requirements, &made.n_requirements,
                                   err));
  *out = made;
  return FIRN_OK;
}
