#include "iceberg/types/schema.h"

#include <assert.h>
#include <strings.h>

#include "base/nearest.h"

enum { LARGEST_ID = INT32_MAX - 200 }; /* Spec: Reserved Field IDs */

static int32_t last_id_of(const firn_field *field) {
  int32_t last = 0;
  for (uint32_t i = 0; i < field->n_children; i++) {
    const firn_field *child = &field->children[i];
    int32_t below = last_id_of(child);
    int32_t here = child->id > below ? child->id : below;
    last = here > last ? here : last;
  }
  return last;
}

int32_t firn_schema_last_id(const firn_schema *schema) {
  return last_id_of(&schema->root);
}

firn_status firn_schema_copy(const firn_schema *from, firn_arena *arena, firn_schema *out, firn_error *err) {
  firn_schema copy = *from;
  FIRN_TRY(firn_field_copy(&from->root, arena, &copy.root, err));
  int32_t *ids = firn_new_n(arena, int32_t, from->n_identifier_ids);
  if (ids == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  if (from->n_identifier_ids > 0) {
    memcpy(ids, from->identifier_ids, from->n_identifier_ids * sizeof *ids);
  }
  copy.identifier_ids = ids;
  *out = copy;
  return FIRN_OK;
}

typedef struct assignment {
  int32_t last;
  const firn_schema *from;
  int32_t *identifiers; /* those of `from`, made new as their fields are met */
} assignment;

/* New ids for the children of `field`, then for theirs. The tree is a fresh copy, so it may be written. */
static firn_status assign_below(assignment *a, const firn_field *field, firn_error *err) {
  firn_field *children = (firn_field *)(uintptr_t)field->children;
  for (uint32_t i = 0; i < field->n_children; i++) {
    if (a->last >= LARGEST_ID) {
      return firn_error_set(err, FIRN_LIMIT, "there are no field ids beyond %d", LARGEST_ID);
    }
    a->last++;
    for (size_t k = 0; k < a->from->n_identifier_ids; k++) {
      if (children[i].id != FIRN_NO_ID && a->from->identifier_ids[k] == children[i].id) {
        a->identifiers[k] = a->last;
      }
    }
    children[i].id = a->last;
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    FIRN_TRY(assign_below(a, &children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_schema_assign_ids(const firn_schema *schema, int32_t *last_id, firn_arena *arena,
                                   firn_schema *out, firn_error *err) {
  assert(*last_id >= 0);
  firn_schema copy;
  FIRN_TRY(firn_schema_copy(schema, arena, &copy, err));
  assignment a = {*last_id, schema, (int32_t *)(uintptr_t)copy.identifier_ids};
  FIRN_TRY(assign_below(&a, &copy.root, err));
  *last_id = a.last;
  *out = copy;
  return FIRN_OK;
}

/* Names may hold dots themselves, so a name is tried as a whole before it is cut. */
static const firn_field *find_below(const firn_field *parent, const char *dotted) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    if (strcmp(parent->children[i].name, dotted) == 0) {
      return &parent->children[i];
    }
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    size_t len = strlen(child->name);
    if (strncmp(child->name, dotted, len) == 0 && dotted[len] == '.') {
      const firn_field *found = find_below(child, dotted + len + 1);
      if (found != NULL) {
        return found;
      }
    }
  }
  return NULL;
}

const firn_field *firn_schema_find(const firn_schema *schema, const char *dotted) {
  return find_below(&schema->root, dotted);
}

/* Counts the fields that answer to a name, and keeps the first. */
static size_t count_below(const firn_field *parent, const char *dotted, const firn_field **first) {
  size_t n = 0;
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    size_t len = strlen(child->name);
    if (strncasecmp(child->name, dotted, len) != 0) {
      continue;
    }
    if (dotted[len] == '\0') {
      *first = *first == NULL ? child : *first;
      n++;
    } else if (dotted[len] == '.') {
      n += count_below(child, dotted + len + 1, first);
    }
  }
  return n;
}

const firn_field *firn_schema_find_any_case(const firn_schema *schema, const char *dotted) {
  const firn_field *found = NULL;
  return count_below(&schema->root, dotted, &found) == 1 ? found : NULL;
}

static firn_status no_such_column(const firn_schema *schema, const char *name, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  const firn_field *root = &schema->root;
  const char **names = firn_new_n(&scratch, const char *, root->n_children);
  for (uint32_t i = 0; names != NULL && i < root->n_children; i++) {
    names[i] = root->children[i].name;
  }
  const char *meant = names == NULL ? NULL : firn_nearest(firn_bytes_of(name), names, root->n_children);
  if (meant == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no column %.80s", name);
  }
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no column %.80s; is %.80s meant?", name, meant);
}

firn_status firn_schema_need(const firn_schema *schema, const char *dotted, bool any_case,
                             const firn_field **out, firn_error *err) {
  const firn_field *found = firn_schema_find(schema, dotted);
  if (found == NULL && any_case) {
    found = firn_schema_find_any_case(schema, dotted);
  }
  if (found == NULL) {
    return no_such_column(schema, dotted, err);
  }
  *out = found;
  return FIRN_OK;
}

static const char *name_below(const firn_field *parent, int32_t id, firn_arena *arena) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    if (child->id == id) {
      return firn_arena_text(arena, firn_bytes_of(child->name));
    }
    if (firn_field_find(child, id) != NULL) {
      const char *rest = name_below(child, id, arena);
      return rest == NULL ? NULL : firn_arena_printf(arena, "%s.%s", child->name, rest);
    }
  }
  return NULL;
}

const char *firn_schema_name_of(const firn_schema *schema, int32_t id, firn_arena *arena) {
  return id == FIRN_NO_ID ? NULL : name_below(&schema->root, id, arena);
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_children(const firn_field *a, const firn_field *b);

/* Ids, names and what hangs on them; types are compared once, from the root. */
static bool same_field(const firn_field *a, const firn_field *b) {
  if (a->id != b->id || a->required != b->required || !same_text(a->name, b->name) ||
      !same_text(a->doc, b->doc) || !same_text(a->crs, b->crs) || !same_text(a->algorithm, b->algorithm) ||
      !firn_bytes_equal(a->initial_default, b->initial_default) ||
      !firn_bytes_equal(a->write_default, b->write_default)) {
    return false;
  }
  return same_children(a, b);
}

static bool same_children(const firn_field *a, const firn_field *b) {
  for (uint32_t i = 0; i < a->n_children; i++) {
    if (!same_field(&a->children[i], &b->children[i])) {
      return false;
    }
  }
  return true;
}

bool firn_schema_equal(const firn_schema *a, const firn_schema *b) {
  if (a->n_identifier_ids != b->n_identifier_ids || !firn_field_same_type(&a->root, &b->root)) {
    return false;
  }
  for (size_t i = 0; i < a->n_identifier_ids; i++) {
    if (a->identifier_ids[i] != b->identifier_ids[i]) {
      return false;
    }
  }
  return same_children(&a->root, &b->root);
}
