/* Columns: added, dropped, renamed, moved, promoted, described. Spec: Schema Evolution; Identifier Field IDs;
 * Column Projection. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "iceberg/commit/alter_internal.h"

enum { LARGEST_ID = INT32_MAX - 200 }; /* Spec: Reserved Field IDs */

/* --- finding --- */

/* The way from the root to a field: fields[0] is the root, fields[depth] the field. */
typedef struct way {
  size_t depth;
  firn_field *fields[FIRN_TYPE_MAX_DEPTH + 2];
} way;

static bool find_way(firn_field *from, const firn_field *to, size_t depth, way *out) {
  if (depth >= FIRN_COUNT_OF(out->fields)) {
    return false;
  }
  out->fields[depth] = from;
  out->depth = depth;
  if (from == to) {
    return true;
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    if (find_way(firn_alter_field(&from->children[i]), to, depth + 1, out)) {
      return true;
    }
  }
  return false;
}

/* Spec: Schema Evolution: keys of maps never change. */
static firn_status check_no_key(const way *w, const char *name, firn_error *err) {
  for (size_t i = 0; i < w->depth; i++) {
    if (w->fields[i]->kind == FIRN_KIND_MAP && w->fields[i + 1] == &w->fields[i]->children[0]) {
      return firn_error_set(err, FIRN_INVALID, "%.80s is a key of a map: those never change", name);
    }
  }
  return FIRN_OK;
}

static firn_status find_column(firn_altering *a, const char *name, bool any_case, way *out, firn_error *err) {
  const firn_field *found;
  FIRN_TRY(firn_schema_need(&a->schema, name, any_case, &found, err));
  if (!find_way(&a->schema.root, found, 0, out)) {
    return firn_error_set(err, FIRN_LIMIT, "%.80s is nested too deep", name);
  }
  return check_no_key(out, name, err);
}

static firn_field *parent_of(const way *w) {
  return w->fields[w->depth - 1];
}

static uint32_t index_of(const way *w) {
  return (uint32_t)(w->fields[w->depth] - parent_of(w)->children);
}

/* Only fields of structs have names and places of their own. */
static firn_status check_in_struct(const way *w, const char *what, const char *name, firn_error *err) {
  if (parent_of(w)->kind == FIRN_KIND_STRUCT) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_INVALID, "%.80s is a part of a %s and cannot be %s", name,
                        firn_kind_name(parent_of(w)->kind), what);
}

/* The child of that name, as written or, when asked, in any case. */
static const firn_field *find_child(const firn_field *parent, const char *name, bool any_case) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const char *child = parent->children[i].name;
    if (strcmp(child, name) == 0 || (any_case && strcasecmp(child, name) == 0)) {
      return &parent->children[i];
    }
  }
  return NULL;
}

/* --- places --- */

static firn_status find_sibling(firn_altering *a, const firn_change *c, const firn_field *parent,
                                uint32_t *out, firn_error *err) {
  const firn_field *sibling = find_child(parent, c->place.of, false);
  if (sibling == NULL && c->ignore_case) {
    sibling = find_child(parent, c->place.of, true);
  }
  if (sibling == NULL) {
    FIRN_TRY(firn_schema_need(&a->schema, c->place.of, c->ignore_case, &sibling, err));
  }
  if (sibling < parent->children || sibling >= parent->children + parent->n_children) {
    return firn_error_set(err, FIRN_INVALID, "%.80s and %.80s are not in one struct", c->name, c->place.of);
  }
  *out = (uint32_t)(sibling - parent->children);
  return FIRN_OK;
}

/* Before which child of `parent` the place is; `n_children`: at the end. */
static firn_status find_place(firn_altering *a, const firn_change *c, const firn_field *parent, uint32_t *out,
                              firn_error *err) {
  switch (c->place.kind) {
    case FIRN_PLACE_FIRST:
      *out = 0;
      return FIRN_OK;
    case FIRN_PLACE_BEFORE:
      return find_sibling(a, c, parent, out, err);
    case FIRN_PLACE_AFTER:
      FIRN_TRY(find_sibling(a, c, parent, out, err));
      *out += 1;
      return FIRN_OK;
    default:
      *out = parent->n_children;
      return FIRN_OK;
  }
}

/* --- adding --- */

/* What SQL, JSON and callers may have made: parameters that a type can have. */
static firn_status check_type(const firn_field *f, firn_error *err) {
  bool fits = true;
  switch (f->kind) {
    case FIRN_KIND_DECIMAL:
      fits = f->precision >= 1 && f->precision <= 38 && f->scale <= f->precision;
      break;
    case FIRN_KIND_FIXED:
      fits = f->width >= 1 && f->width <= INT32_MAX;
      break;
    case FIRN_KIND_LIST:
      fits = f->n_children == 1;
      break;
    case FIRN_KIND_MAP:
      fits = f->n_children == 2;
      break;
    default:
      break;
  }
  if (!fits) {
    return firn_error_set(err, FIRN_INVALID, "it is no %s that there could be", firn_kind_name(f->kind));
  }
  for (uint32_t i = 0; i < f->n_children; i++) {
    const firn_field *child = &f->children[i];
    if (f->kind == FIRN_KIND_STRUCT) {
      FIRN_TRY(firn_alter_name_check(child->name, "a field's name", err));
    }
    FIRN_TRY(check_type(child, err));
  }
  return FIRN_OK;
}

/* Parts of lists and maps have the names that the specification gives them. */
static void name_parts(firn_field *f) {
  static const char *const names[][2] = {{"element", NULL}, {"key", "value"}};
  for (uint32_t i = 0; i < f->n_children; i++) {
    firn_field *child = firn_alter_field(&f->children[i]);
    if (f->kind == FIRN_KIND_LIST || f->kind == FIRN_KIND_MAP) {
      child->name = names[f->kind == FIRN_KIND_MAP][i];
      child->required = child->required || (f->kind == FIRN_KIND_MAP && i == 0);
      child->doc = NULL; /* there is no place for it */
    }
    name_parts(child);
  }
}

firn_status firn_alter_insert(firn_altering *a, firn_field *parent, uint32_t at, const firn_field *field,
                              const char *name, firn_error *err) {
  firn_status status = check_type(field, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "column %.80s", name);
  }
  if (a->last_column_id >= LARGEST_ID) {
    return firn_error_set(err, FIRN_LIMIT, "there are no field ids beyond %d", LARGEST_ID);
  }
  firn_schema with_ids = {.root = *field};
  with_ids.root.name = name;
  a->last_column_id++;
  int32_t own_id = a->last_column_id;
  FIRN_TRY(firn_schema_assign_ids(&with_ids, &a->last_column_id, a->arena, &with_ids, err));
  with_ids.root.id = own_id;
  name_parts(&with_ids.root);
  firn_field *children = firn_new_n(a->arena, firn_field, (size_t)parent->n_children + 1);
  if (children == NULL) {
    return firn_alter_no_memory(err);
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    children[i < at ? i : i + 1] = parent->children[i];
  }
  children[at] = with_ids.root;
  parent->children = children;
  parent->n_children++;
  return FIRN_OK;
}

/* The parent's dotted name (NULL: the root) and the column's own. */
static firn_status split_name(firn_altering *a, const firn_change *c, const char **parent, const char **own,
                              firn_error *err) {
  size_t len = c->name == NULL ? 0 : strlen(c->name);
  size_t own_len = c->field.name == NULL ? 0 : strlen(c->field.name);
  const char *dot = len == 0 ? NULL : strrchr(c->name, '.');
  *own = dot == NULL ? c->name : dot + 1;
  if (own_len > 0 && own_len <= len && strcmp(c->name + len - own_len, c->field.name) == 0) {
    *own = c->name + len - own_len;
  }
  FIRN_TRY(firn_alter_name_check(*own, "a column's name", err));
  *parent = NULL;
  if (*own == c->name) {
    return FIRN_OK;
  }
  size_t parent_len = (size_t)(*own - c->name) - 1;
  *parent = firn_arena_text(a->arena, (firn_bytes){(const uint8_t *)c->name, parent_len});
  return *parent == NULL ? firn_alter_no_memory(err) : FIRN_OK;
}

static firn_status find_parent(firn_altering *a, const firn_change *c, const char *name, firn_field **out,
                               firn_error *err) {
  way w = {.depth = 0, .fields = {&a->schema.root}};
  if (name != NULL) {
    FIRN_TRY(find_column(a, name, c->ignore_case, &w, err));
  }
  firn_field *parent = w.fields[w.depth];
  if (parent->kind == FIRN_KIND_LIST) {
    parent = firn_alter_field(&parent->children[0]);
  } else if (parent->kind == FIRN_KIND_MAP) {
    parent = firn_alter_field(&parent->children[1]);
  }
  if (parent->kind != FIRN_KIND_STRUCT) {
    return firn_error_set(err, FIRN_INVALID, "%.80s is no struct, so nothing can be added to it", name);
  }
  *out = parent;
  return FIRN_OK;
}

firn_status firn_alter_add_column(firn_altering *a, const firn_change *c, firn_error *err) {
  const char *parent_name, *own;
  firn_field *parent;
  uint32_t at;
  FIRN_TRY(split_name(a, c, &parent_name, &own, err));
  FIRN_TRY(find_parent(a, c, parent_name, &parent, err));
  if (find_child(parent, own, c->ignore_case) != NULL) {
    return c->if_not_exists ? FIRN_OK
                            : firn_error_set(err, FIRN_EXISTS, "there is a column %.80s already", c->name);
  }
  if (c->field.required && c->field.initial_default.len == 0 && !c->force) {
    return firn_error_set(err, FIRN_INVALID,
                          "required column %.80s needs a default, since old rows have no value for it",
                          c->name);
  }
  FIRN_TRY(find_place(a, c, parent, &at, err));
  return firn_alter_insert(a, parent, at, &c->field, own, err);
}

/* --- dropping --- */

/* Who needs a field or one below it; NULL: nobody. */
static const char *who_needs(const firn_altering *a, const firn_field *field) {
  for (size_t i = 0; i < a->n_partitions; i++) {
    const firn_alter_partition *p = &a->partitions[i];
    bool is_live = !p->is_dropped && p->field.transform.kind != FIRN_TRANSFORM_VOID;
    if (is_live && firn_field_find(field, p->field.source_id) != NULL) {
      return "the partition spec";
    }
  }
  for (size_t i = 0; i < a->order.n_fields; i++) {
    if (firn_field_find(field, a->order.fields[i].source_id) != NULL) {
      return "the sort order";
    }
  }
  for (size_t i = 0; i < a->schema.n_identifier_ids; i++) {
    if (firn_field_find(field, a->schema.identifier_ids[i]) != NULL) {
      return "the identifier fields";
    }
  }
  return NULL;
}

firn_status firn_alter_drop_column(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  firn_status status = find_column(a, c->name, c->ignore_case, &w, err);
  if (status == FIRN_NOT_FOUND && c->if_exists) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_TRY(check_in_struct(&w, "dropped", c->name, err));
  const char *user = who_needs(a, w.fields[w.depth]);
  if (user != NULL) {
    return firn_error_set(err, FIRN_INVALID, "column %.80s is used by %s: change that first", c->name, user);
  }
  firn_field *parent = parent_of(&w);
  uint32_t at = index_of(&w);
  memmove(w.fields[w.depth], w.fields[w.depth] + 1, (parent->n_children - at - 1) * sizeof(firn_field));
  parent->n_children--;
  return FIRN_OK;
}

/* --- changing --- */

firn_status firn_alter_rename_column(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  firn_status status = find_column(a, c->name, c->ignore_case, &w, err);
  if (status == FIRN_NOT_FOUND && c->if_exists) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_TRY(check_in_struct(&w, "renamed", c->name, err));
  FIRN_TRY(firn_alter_name_check(c->to, "a column's new name", err));
  const firn_field *other = find_child(parent_of(&w), c->to, c->ignore_case);
  if (other != NULL && other != w.fields[w.depth]) {
    return firn_error_set(err, FIRN_EXISTS, "there is a column %.80s already", c->to);
  }
  w.fields[w.depth]->name = c->to;
  return FIRN_OK;
}

firn_status firn_alter_move_column(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  uint32_t to;
  FIRN_TRY(find_column(a, c->name, c->ignore_case, &w, err));
  FIRN_TRY(check_in_struct(&w, "moved", c->name, err));
  firn_field *parent = parent_of(&w);
  FIRN_TRY(find_place(a, c, parent, &to, err));
  uint32_t from = index_of(&w);
  bool to_itself = (c->place.kind == FIRN_PLACE_BEFORE && to == from) ||
                   (c->place.kind == FIRN_PLACE_AFTER && to == from + 1);
  if (to_itself) {
    return firn_error_set(err, FIRN_INVALID, "%.80s cannot be moved beside itself", c->name);
  }
  firn_field *children = firn_alter_field(parent->children);
  firn_field moved = children[from];
  if (to > from) {
    to--;
    memmove(&children[from], &children[from + 1], (to - from) * sizeof moved);
  } else {
    memmove(&children[to + 1], &children[to], (from - to) * sizeof moved);
  }
  children[to] = moved;
  return FIRN_OK;
}

firn_status firn_alter_set_type(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  FIRN_TRY(find_column(a, c->name, c->ignore_case, &w, err));
  firn_status status = check_type(&c->field, err);
  if (status == FIRN_OK) {
    status = firn_alter_promote(a, w.fields[w.depth], &c->field, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "column %.80s", c->name);
}

firn_status firn_alter_set_required(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  FIRN_TRY(find_column(a, c->name, c->ignore_case, &w, err));
  firn_field *field = w.fields[w.depth];
  bool required = c->kind == FIRN_CHANGE_SET_REQUIRED;
  bool was_added_now = field->id > a->f->last_column_id && field->initial_default.len > 0;
  if (required && !field->required && !c->force && !was_added_now) {
    return firn_error_set(err, FIRN_INVALID,
                          "column %.80s cannot become required: rows that are there may be null in it",
                          c->name);
  }
  field->required = required;
  return FIRN_OK;
}

firn_status firn_alter_set_doc(firn_altering *a, const firn_change *c, firn_error *err) {
  way w;
  FIRN_TRY(find_column(a, c->name, c->ignore_case, &w, err));
  FIRN_TRY(check_in_struct(&w, "described", c->name, err));
  if (c->text != NULL && c->text[0] != '\0') {
    FIRN_TRY(firn_alter_name_check(c->text, "a column's description", err));
  }
  w.fields[w.depth]->doc = c->text;
  return FIRN_OK;
}

/* --- identifiers --- */

static firn_status check_identifier(const way *w, const char *name, firn_error *err) {
  const firn_field *field = w->fields[w->depth];
  for (size_t i = 1; i < w->depth; i++) {
    if (w->fields[i]->kind != FIRN_KIND_STRUCT || !w->fields[i]->required) {
      return firn_error_set(err, FIRN_INVALID,
                            "%.80s cannot be an identifier field: %.80s is no required struct", name,
                            w->fields[i]->name);
    }
  }
  bool is_primitive = !firn_kind_is_nested(field->kind) && field->kind != FIRN_KIND_VARIANT;
  bool is_float = field->kind == FIRN_KIND_FLOAT || field->kind == FIRN_KIND_DOUBLE;
  if (!is_primitive || is_float || !field->required) {
    return firn_error_set(err, FIRN_INVALID, "%.80s cannot be an identifier field: it is %s", name,
                          !field->required ? "not required" : firn_kind_name(field->kind));
  }
  return FIRN_OK;
}

firn_status firn_alter_set_identifiers(firn_altering *a, const firn_change *c, firn_error *err) {
  int32_t *ids = firn_new_n(a->arena, int32_t, c->n_names);
  if (ids == NULL) {
    return firn_alter_no_memory(err);
  }
  size_t n = 0;
  for (size_t i = 0; i < c->n_names; i++) {
    way w;
    FIRN_TRY(find_column(a, c->names[i], c->ignore_case, &w, err));
    FIRN_TRY(check_identifier(&w, c->names[i], err));
    int32_t id = w.fields[w.depth]->id;
    bool is_there = false;
    for (size_t k = 0; k < n && !is_there; k++) {
      is_there = ids[k] == id;
    }
    if (!is_there) {
      ids[n++] = id;
    }
  }
  a->schema.n_identifier_ids = n;
  a->schema.identifier_ids = ids;
  return FIRN_OK;
}

/* --- the whole --- */

typedef struct names {
  firn_arena *arena;
  size_t n, capacity;
  const char **items;
} names;

/* Dotted names of everything below, as readers that go by names know them. */
static firn_status collect_names(const firn_field *parent, const char *prefix, names *out, firn_error *err) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    out->items = firn_arena_grow(out->arena, out->items, out->n, &out->capacity, sizeof *out->items);
    const char *name =
        prefix[0] == '\0' ? child->name : firn_arena_printf(out->arena, "%s.%s", prefix, child->name);
    if (out->items == NULL || name == NULL) {
      return firn_alter_no_memory(err);
    }
    out->items[out->n++] = name;
    FIRN_TRY(collect_names(child, name, out, err));
  }
  return FIRN_OK;
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Others look columns up by their dotted names: a column "a.b" beside a struct "a" with a "b" would make the
 * table unreadable for them. */
static firn_status check_names(const firn_schema *schema, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  names all = {.arena = &scratch};
  FIRN_TRY(collect_names(&schema->root, "", &all, err));
  if (all.n > 1) {
    qsort(all.items, all.n, sizeof *all.items, compare_texts);
  }
  for (size_t i = 1; i < all.n; i++) {
    if (strcmp(all.items[i - 1], all.items[i]) == 0) {
      return firn_error_set(err, FIRN_INVALID, "two columns would be called %.80s", all.items[i]);
    }
  }
  return FIRN_OK;
}

/* Parquet has no group without fields, so a struct keeps one at least; those that came empty may stay. */
static firn_status check_not_emptied(const firn_field *field, const firn_field *base, firn_error *err) {
  const firn_field *before = field->id == FIRN_NO_ID ? base : firn_field_find(base, field->id);
  bool was_empty = before != NULL && before->n_children == 0;
  if (field->kind == FIRN_KIND_STRUCT && field->n_children == 0 && !was_empty) {
    return field->id == FIRN_NO_ID
               ? firn_error_set(err, FIRN_INVALID, "a table keeps one column at least")
               : firn_error_set(err, FIRN_INVALID, "struct %.80s keeps one field at least: drop the whole",
                                field->name);
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(check_not_emptied(&field->children[i], base, err));
  }
  return FIRN_OK;
}

firn_status firn_alter_schema_check(const firn_altering *a, firn_error *err) {
  FIRN_TRY(check_names(&a->schema, err));
  FIRN_TRY(check_not_emptied(&a->schema.root, &firn_metadata_current_schema(a->base)->root, err));
  firn_status status = firn_schema_check(&a->schema, err);
  /* To a reader this would be a broken file; here somebody asked for it. */
  return status == FIRN_CORRUPT ? firn_error_while(err, FIRN_INVALID, "the new schema") : status;
}
