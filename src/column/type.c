#include "column/type.h"

#include <string.h>

#include "column/vector.h"

static const struct {
  const char *name;
  size_t value_size;
} kinds[] = {
    [FIRN_KIND_UNKNOWN] = {"unknown", 0},
    [FIRN_KIND_BOOLEAN] = {"boolean", 0},
    [FIRN_KIND_INT] = {"int", sizeof(int32_t)},
    [FIRN_KIND_LONG] = {"long", sizeof(int64_t)},
    [FIRN_KIND_FLOAT] = {"float", sizeof(float)},
    [FIRN_KIND_DOUBLE] = {"double", sizeof(double)},
    [FIRN_KIND_DECIMAL] = {"decimal", sizeof(firn_decimal)},
    [FIRN_KIND_DATE] = {"date", sizeof(int32_t)},
    [FIRN_KIND_TIME] = {"time", sizeof(int64_t)},
    [FIRN_KIND_TIMESTAMP] = {"timestamp", sizeof(int64_t)},
    [FIRN_KIND_TIMESTAMPTZ] = {"timestamptz", sizeof(int64_t)},
    [FIRN_KIND_TIMESTAMP_NS] = {"timestamp_ns", sizeof(int64_t)},
    [FIRN_KIND_TIMESTAMPTZ_NS] = {"timestamptz_ns", sizeof(int64_t)},
    [FIRN_KIND_STRING] = {"string", sizeof(firn_bytes)},
    [FIRN_KIND_UUID] = {"uuid", sizeof(firn_bytes)},
    [FIRN_KIND_FIXED] = {"fixed", sizeof(firn_bytes)},
    [FIRN_KIND_BINARY] = {"binary", sizeof(firn_bytes)},
    [FIRN_KIND_STRUCT] = {"struct", 0},
    [FIRN_KIND_LIST] = {"list", 0},
    [FIRN_KIND_MAP] = {"map", 0},
    [FIRN_KIND_VARIANT] = {"variant", sizeof(firn_bytes)},
    [FIRN_KIND_GEOMETRY] = {"geometry", sizeof(firn_bytes)},
    [FIRN_KIND_GEOGRAPHY] = {"geography", sizeof(firn_bytes)},
};

bool firn_kind_is_bytes(firn_kind k) {
  return firn_kind_value_size(k) == sizeof(firn_bytes) && k != FIRN_KIND_DECIMAL;
}

const char *firn_kind_name(firn_kind k) {
  return (size_t)k < FIRN_COUNT_OF(kinds) ? kinds[k].name : "no kind";
}

size_t firn_kind_value_size(firn_kind k) {
  return (size_t)k < FIRN_COUNT_OF(kinds) ? kinds[k].value_size : 0;
}

const firn_field *firn_field_child(const firn_field *parent, const char *name) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    if (parent->children[i].name != NULL && strcmp(parent->children[i].name, name) == 0) {
      return &parent->children[i];
    }
  }
  return NULL;
}

const firn_field *firn_field_child_by_id(const firn_field *parent, int32_t id) {
  for (uint32_t i = 0; i < parent->n_children && id != FIRN_NO_ID; i++) {
    if (parent->children[i].id == id) {
      return &parent->children[i];
    }
  }
  return NULL;
}

const firn_field *firn_field_find(const firn_field *root, int32_t id) {
  if (id == FIRN_NO_ID) {
    return NULL;
  }
  if (root->id == id) {
    return root;
  }
  for (uint32_t i = 0; i < root->n_children; i++) {
    const firn_field *found = firn_field_find(&root->children[i], id);
    if (found != NULL) {
      return found;
    }
  }
  return NULL;
}

bool firn_field_same_type(const firn_field *a, const firn_field *b) {
  if (a->kind != b->kind || a->n_children != b->n_children) {
    return false;
  }
  if (a->kind == FIRN_KIND_DECIMAL && (a->precision != b->precision || a->scale != b->scale)) {
    return false;
  }
  if (a->kind == FIRN_KIND_FIXED && a->width != b->width) {
    return false;
  }
  for (uint32_t i = 0; i < a->n_children; i++) {
    if (!firn_field_same_type(&a->children[i], &b->children[i])) {
      return false;
    }
  }
  return true;
}

static bool copy_text(const char *from, firn_arena *arena, const char **to) {
  *to = from == NULL ? NULL : firn_arena_text(arena, firn_bytes_of(from));
  return from == NULL || *to != NULL;
}

static bool copy_bytes(firn_bytes from, firn_arena *arena, firn_bytes *to) {
  *to = from.len == 0 ? (firn_bytes){NULL, 0} : firn_arena_copy(arena, from);
  return from.len == 0 || to->data != NULL;
}

static firn_status copy_field(const firn_field *from, int depth, firn_arena *arena, firn_field *to,
                              firn_error *err) {
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  *to = *from;
  firn_field *children = firn_new_n(arena, firn_field, from->n_children);
  bool copied = children != NULL && copy_text(from->name, arena, &to->name) &&
                copy_text(from->doc, arena, &to->doc) && copy_text(from->crs, arena, &to->crs) &&
                copy_text(from->algorithm, arena, &to->algorithm) &&
                copy_bytes(from->initial_default, arena, &to->initial_default) &&
                copy_bytes(from->write_default, arena, &to->write_default);
  if (!copied) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to copy a field");
  }
  to->children = children;
  for (uint32_t i = 0; i < from->n_children; i++) {
    FIRN_TRY(copy_field(&from->children[i], depth + 1, arena, &children[i], err));
  }
  return FIRN_OK;
}

firn_status firn_field_copy(const firn_field *from, firn_arena *arena, firn_field *out, firn_error *err) {
  firn_field copy;
  FIRN_TRY(copy_field(from, 0, arena, &copy, err));
  *out = copy;
  return FIRN_OK;
}

unsigned firn_decimal_width(unsigned precision) {
  /* The largest precision whose values fit in 1, 2, ... 16 bytes: floor(log10(2^(8n - 1) - 1)). */
  static const uint8_t fits[] = {2, 4, 6, 9, 11, 14, 16, 18, 21, 23, 26, 28, 31, 33, 35, 38};
  unsigned width = 1;
  while (width < FIRN_COUNT_OF(fits) && fits[width - 1] < precision) {
    width++;
  }
  return width;
}
