#include "services/load/fit_internal.h"

#include <inttypes.h>

#include "column/names.h"
#include "iceberg/types/schema.h"

typedef struct fitting {
  firn_arena *arena;
  firn_fit_how how;
  firn_fit_gap *gap;
  size_t optional_capacity;
  const char **optional;
} fitting;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to match columns");
}

static const char *type_text(const firn_field *field, firn_arena *arena) {
  const char *text = firn_type_text(field, arena);
  return text == NULL ? firn_kind_name(field->kind) : text;
}

/* --- the schema of a new table --- */

/* What version 2 of the format has for a kind of version 3. */
static firn_kind storable(firn_kind k) {
  switch (k) {
    case FIRN_KIND_TIMESTAMP_NS:
      return FIRN_KIND_TIMESTAMP;
    case FIRN_KIND_TIMESTAMPTZ_NS:
      return FIRN_KIND_TIMESTAMPTZ;
    case FIRN_KIND_UNKNOWN: /* nobody knows yet what will come: text holds everything */
      return FIRN_KIND_STRING;
    default:
      return k;
  }
}

firn_status firn_fit_schema(const firn_field *from, firn_arena *arena, firn_field *out, firn_error *err) {
  *out = *from;
  out->kind = storable(from->kind);
  out->id = FIRN_NO_ID;
  out->doc = NULL;
  out->initial_default = out->write_default = (firn_bytes){NULL, 0};
  out->required = false;
  if (from->n_children == 0) {
    return FIRN_OK;
  }
  firn_field *children = firn_new_n(arena, firn_field, from->n_children);
  if (children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    FIRN_TRY(firn_fit_schema(&from->children[i], arena, &children[i], err));
    children[i].required = from->kind == FIRN_KIND_MAP && i == 0; /* a map's key is never null */
  }
  out->children = children;
  return FIRN_OK;
}

/* --- matching --- */

static const char *dotted(fitting *f, const char *path, const char *name) {
  return firn_arena_printf(f->arena, "%s%s%s", path, path[0] == '\0' ? "" : ".", name);
}

/* Spec: Schema Evolution, type promotion in version 2. */
static bool is_promotion(const firn_field *table, const firn_field *to) {
  return (table->kind == FIRN_KIND_INT && to->kind == FIRN_KIND_LONG) ||
         (table->kind == FIRN_KIND_FLOAT && to->kind == FIRN_KIND_DOUBLE) ||
         (table->kind == FIRN_KIND_DECIMAL && to->kind == FIRN_KIND_DECIMAL && table->scale == to->scale &&
          to->precision > table->precision);
}

static firn_status refuse_type(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                               firn_error *err) {
  if (f->gap->refusal != NULL) {
    return FIRN_OK; /* one is enough */
  }
  f->gap->refusal =
      firn_arena_printf(f->arena, "column %s is %s in the table and %s in the rows, which it cannot hold",
                        path, type_text(to, f->arena), type_text(from, f->arena));
  return f->gap->refusal == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status match(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                         firn_fit *out, firn_field *wanted, firn_error *err);

/* A field that the table lacks. */
static firn_status want_new(fitting *f, const char *path, const firn_field *from, firn_field *wanted,
                            firn_error *err) {
  f->gap->n_new++;
  if (f->gap->first_new == NULL) {
    f->gap->first_new = path;
  }
  return firn_fit_schema(from, f->arena, wanted, err);
}

static firn_status note_optional(fitting *f, const char *path, firn_error *err) {
  f->optional =
      firn_arena_grow(f->arena, f->optional, f->gap->n_optional, &f->optional_capacity, sizeof *f->optional);
  if (f->optional == NULL) {
    return no_memory(err);
  }
  f->optional[f->gap->n_optional++] = path;
  f->gap->optional = f->optional;
  return FIRN_OK;
}

static uint32_t counterpart(const fitting *f, const firn_field *to, const firn_name_index *names,
                            const firn_field *from) {
  for (uint32_t i = 0; f->how.by_id && from->id != FIRN_NO_ID && i < to->n_children; i++) {
    if (to->children[i].id == from->id) {
      return i;
    }
  }
  return firn_name_index_find(names, firn_bytes_of(from->name));
}

/* Finds, for each child of `to`, the child of `from` (FIRN_NO_CHILD: none); and for each of `from` whether it
 * was found. */
static firn_status pair_children(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                                 uint32_t *from_of, bool *is_known, firn_error *err) {
  firn_name_index names;
  FIRN_TRY(firn_name_index_new(to, f->arena, &names, err));
  for (uint32_t i = 0; i < to->n_children; i++) {
    from_of[i] = FIRN_NO_CHILD;
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    uint32_t found = counterpart(f, to, &names, &from->children[i]);
    if (found == FIRN_NO_CHILD) {
      continue;
    }
    if (from_of[found] != FIRN_NO_CHILD) {
      return firn_error_set(err, FIRN_INVALID, "%s and %s are both the column %s%s%s",
                            from->children[from_of[found]].name, from->children[i].name, path,
                            path[0] == '\0' ? "" : ".", to->children[found].name);
    }
    from_of[found] = i;
    is_known[i] = true;
  }
  return FIRN_OK;
}

static firn_status check_unique(const firn_field *parent, firn_arena *arena, firn_error *err) {
  firn_name_index names;
  FIRN_TRY(firn_name_index_new(parent, arena, &names, err));
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const char *name = parent->children[i].name;
    if (name == NULL || name[0] == '\0') {
      return firn_error_set(err, FIRN_INVALID, "column %" PRIu32 " has no name", i + 1);
    }
    if (firn_name_index_find(&names, firn_bytes_of(name)) != i) {
      return firn_error_set(err, FIRN_INVALID, "there are two columns %s", name);
    }
  }
  return FIRN_OK;
}

static firn_status match_struct(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                                firn_fit *out, firn_field *wanted, firn_error *err) {
  size_t n_wanted = 0;
  firn_field *children = firn_new_n(f->arena, firn_field, (size_t)to->n_children + from->n_children);
  uint32_t *from_of = firn_new_n(f->arena, uint32_t, to->n_children);
  bool *is_known = firn_new_n(f->arena, bool, from->n_children);
  out->children = firn_new_n(f->arena, firn_fit, to->n_children);
  if (children == NULL || from_of == NULL || is_known == NULL || out->children == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(check_unique(from, f->arena, err));
  FIRN_TRY(pair_children(f, path, to, from, from_of, is_known, err));
  for (uint32_t i = 0; i < to->n_children; i++) {
    const firn_field *child = &to->children[i];
    const char *below = dotted(f, path, child->name);
    if (below == NULL) {
      return no_memory(err);
    }
    out->children[i] = (firn_fit){.to = child, .child = from_of[i]};
    if (from_of[i] == FIRN_NO_CHILD) {
      FIRN_TRY(child->required ? note_optional(f, below, err) : FIRN_OK);
      continue;
    }
    FIRN_TRY(
        match(f, below, child, &from->children[from_of[i]], &out->children[i], &children[n_wanted++], err));
  }
  for (uint32_t i = 0; i < from->n_children; i++) {
    const char *below = is_known[i] ? "" : dotted(f, path, from->children[i].name);
    if (below == NULL) {
      return no_memory(err);
    }
    if (!is_known[i]) {
      FIRN_TRY(want_new(f, below, &from->children[i], &children[n_wanted++], err));
    }
  }
  wanted->n_children = (uint32_t)n_wanted;
  wanted->children = children;
  return FIRN_OK;
}

/* Lists and maps: their children by place. */
static firn_status match_items(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                               firn_fit *out, firn_field *wanted, firn_error *err) {
  firn_field *children = firn_new_n(f->arena, firn_field, to->n_children);
  out->children = firn_new_n(f->arena, firn_fit, to->n_children);
  if (children == NULL || out->children == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < to->n_children; i++) {
    const char *below = dotted(f, path, to->children[i].name);
    if (below == NULL) {
      return no_memory(err);
    }
    out->children[i].child = i;
    FIRN_TRY(match(f, below, &to->children[i], &from->children[i], &out->children[i], &children[i], err));
  }
  wanted->children = children;
  return FIRN_OK;
}

static firn_status match(fitting *f, const char *path, const firn_field *to, const firn_field *from,
                         firn_fit *out, firn_field *wanted, firn_error *err) {
  uint32_t child = out->child;
  *out = (firn_fit){.to = to, .from = from, .child = child};
  *wanted = *to;
  if (to->kind == FIRN_KIND_STRUCT && from->kind == FIRN_KIND_STRUCT) {
    return match_struct(f, path, to, from, out, wanted, err);
  }
  if (firn_kind_is_nested(to->kind) && to->kind == from->kind) {
    return match_items(f, path, to, from, out, wanted, err);
  }
  if (f->how.promote && is_promotion(to, from)) {
    f->gap->n_promotions++;
    wanted->kind = from->kind;
    wanted->precision = from->precision;
    return FIRN_OK;
  }
  if (from->kind == FIRN_KIND_UNKNOWN) {
    out->from = NULL;
    return FIRN_OK;
  }
  bool is_nested = firn_kind_is_nested(to->kind) || firn_kind_is_nested(from->kind);
  return is_nested || !firn_fit_may_convert(from, to) ? refuse_type(f, path, to, from, err) : FIRN_OK;
}

firn_status firn_fit_new(const firn_field *to, const firn_field *from, firn_fit_how how, firn_arena *arena,
                         firn_fit *out, firn_fit_gap *gap, firn_error *err) {
  fitting f = {.arena = arena, .how = how, .gap = gap};
  *gap = (firn_fit_gap){0};
  *out = (firn_fit){0};
  return match(&f, "", to, from, out, &gap->wanted, err);
}

/* --- applying --- */

typedef struct applying {
  uint64_t first_row;
  firn_arena *arena;
  const firn_field **missing;
} applying;

/* The first null of a column that may have none; a null above it is another matter. */
static firn_status check_required(const applying *a, const firn_field *to, const firn_vector *v,
                                  const firn_vector *parent, firn_error *err) {
  for (size_t i = 0; to->required && v->n_nulls > 0 && i < v->len; i++) {
    bool is_above = parent != NULL && parent->kind == FIRN_KIND_STRUCT && firn_vector_is_null(parent, i);
    if (firn_vector_is_null(v, i) && !is_above) {
      *a->missing = to;
      bool is_flat = parent == NULL || parent->kind == FIRN_KIND_STRUCT;
      return firn_error_set(err, FIRN_INVALID, "%s %" PRIu64 " has no value for %s, which is required",
                            is_flat ? "row" : "entry", is_flat ? a->first_row + i : (uint64_t)i, to->name);
    }
  }
  return FIRN_OK;
}

static firn_status apply(const applying *a, const firn_fit *fit, const firn_vector *from, size_t n,
                         firn_vector *out, firn_error *err);

static firn_status apply_children(const applying *a, const firn_fit *fit, const firn_vector *from,
                                  firn_vector *out, firn_error *err) {
  const firn_field *to = fit->to;
  *out = *from;
  out->n_children = to->n_children;
  out->children = firn_new_n(a->arena, firn_vector, to->n_children);
  if (out->children == NULL) {
    return no_memory(err);
  }
  size_t n = to->kind == FIRN_KIND_STRUCT ? from->len : from->children[0].len;
  for (uint32_t i = 0; i < to->n_children; i++) {
    const firn_fit *child = &fit->children[i];
    const firn_vector *below = child->child == FIRN_NO_CHILD ? NULL : &from->children[child->child];
    FIRN_TRY(apply(a, child, below, n, &out->children[i], err));
    FIRN_TRY(check_required(a, child->to, &out->children[i], out, err));
  }
  return FIRN_OK;
}

static firn_status apply(const applying *a, const firn_fit *fit, const firn_vector *from, size_t n,
                         firn_vector *out, firn_error *err) {
  if (fit->from != NULL && firn_kind_is_nested(fit->to->kind)) {
    return apply_children(a, fit, from, out, err);
  }
  size_t bad = 0;
  firn_status status =
      firn_fit_convert(fit->from == NULL ? NULL : from, fit->from, fit->to, n, a->arena, out, &bad, err);
  if (status == FIRN_INVALID) {
    return firn_error_while(err, status, "row %" PRIu64 ", column %s", a->first_row + bad, fit->to->name);
  }
  return status;
}

firn_status firn_fit_apply(const firn_fit *fit, const firn_batch *from, uint64_t first_row, firn_arena *arena,
                           firn_batch *out, const firn_field **missing, firn_error *err) {
  applying a = {first_row, arena, missing};
  *missing = NULL;
  firn_batch made = {.schema = fit->to, .n_rows = from->n_rows};
  made.columns = firn_new_n(arena, firn_vector, fit->to->n_children);
  if (made.columns == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < fit->to->n_children; i++) {
    const firn_fit *child = &fit->children[i];
    const firn_vector *below = child->child == FIRN_NO_CHILD ? NULL : &from->columns[child->child];
    FIRN_TRY(apply(&a, child, below, from->n_rows, &made.columns[i], err));
    FIRN_TRY(check_required(&a, child->to, &made.columns[i], NULL, err));
  }
  *out = made;
  return FIRN_OK;
}
