/* Type promotion, and a whole struct taken into a table's schema by name. Spec: Schema Evolution. */
#include <string.h>
#include <strings.h>

#include "iceberg/commit/alter_internal.h"

static bool is_primitive(const firn_field *f) {
  return !firn_kind_is_nested(f->kind) && f->kind != FIRN_KIND_VARIANT;
}

bool firn_type_may_become(const firn_field *from, const firn_field *to, int32_t format_version) {
  if (from->kind == FIRN_KIND_UNKNOWN) {
    return format_version >= 3 && is_primitive(to);
  }
  switch (to->kind) {
    case FIRN_KIND_LONG:
      return from->kind == FIRN_KIND_INT;
    case FIRN_KIND_DOUBLE:
      return from->kind == FIRN_KIND_FLOAT;
    case FIRN_KIND_DECIMAL:
      return from->kind == FIRN_KIND_DECIMAL && from->scale == to->scale && from->precision <= to->precision;
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMP_NS:
      return from->kind == FIRN_KIND_DATE && format_version >= 3;
    default:
      return false;
  }
}

/* "decimal(9, 2)"; long ones are cut. */
typedef struct shown {
  char text[48];
} shown;

static shown show(const firn_field *type) {
  shown s = {0};
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  const char *text = firn_type_text(type, &scratch);
  text = text == NULL ? firn_kind_name(type->kind) : text;
  size_t len = strlen(text);
  memcpy(s.text, text, len < sizeof s.text - 1 ? len : sizeof s.text - 1);
  return s;
}

/* Spec: Schema Evolution: no promotion where a partition transform would give another value. A date's year,
 * month and day stay the same, the date itself and its hash do not. */
static bool moves_partitions(const firn_altering *a, const firn_field *column, const firn_field *to) {
  if (column->kind != FIRN_KIND_DATE || to->kind == FIRN_KIND_DATE) {
    return false; /* numbers hash and truncate alike when they are wider */
  }
  for (size_t i = 0; i < a->n_partitions; i++) {
    firn_transform_kind t = a->partitions[i].field.transform.kind;
    bool is_same = t == FIRN_TRANSFORM_YEAR || t == FIRN_TRANSFORM_MONTH || t == FIRN_TRANSFORM_DAY ||
                   t == FIRN_TRANSFORM_VOID;
    if (a->partitions[i].field.source_id == column->id && !a->partitions[i].is_dropped && !is_same) {
      return true;
    }
  }
  return false;
}

firn_status firn_alter_promote(firn_altering *a, firn_field *column, const firn_field *to, firn_error *err) {
  if (is_primitive(column) && firn_field_same_type(column, to)) {
    return FIRN_OK;
  }
  if (!is_primitive(column) || !firn_type_may_become(column, to, a->version)) {
    shown from = show(column), wanted = show(to);
    return firn_error_set(err, FIRN_INVALID, "%s cannot become %s", from.text, wanted.text);
  }
  if (moves_partitions(a, column, to)) {
    return firn_error_set(err, FIRN_INVALID, "the partition spec uses it in a way that %s would change",
                          firn_kind_name(to->kind));
  }
  column->kind = to->kind;
  column->precision = to->precision;
  column->scale = to->scale;
  column->width = to->width;
  return FIRN_OK;
}

/* --- by name --- */

static firn_status widen(firn_altering *a, firn_field *mine, const firn_field *theirs, const firn_change *c,
                         bool is_key, firn_error *err);

static firn_field *find_child(const firn_field *parent, const char *name, bool any_case) {
  const firn_field *same = name == NULL ? NULL : firn_field_child(parent, name);
  for (uint32_t i = 0; same == NULL && any_case && name != NULL && i < parent->n_children; i++) {
    if (strcasecmp(parent->children[i].name, name) == 0) {
      same = &parent->children[i];
    }
  }
  return firn_alter_field(same);
}

static firn_status widen_child(firn_altering *a, firn_field *mine, const firn_field *theirs,
                               const firn_change *c, bool is_key, firn_error *err) {
  firn_field *child = find_child(mine, theirs->name, c->ignore_case);
  return child == NULL ? FIRN_OK : widen(a, child, theirs, c, is_key, err);
}

/* A field for old rows to be null in, where there is none of that name. */
static firn_status add_missing(firn_altering *a, firn_field *mine, const firn_field *theirs,
                               const firn_change *c, bool is_key, firn_error *err) {
  FIRN_TRY(firn_alter_name_check(theirs->name, "a column's name", err));
  if (find_child(mine, theirs->name, c->ignore_case) != NULL) {
    return FIRN_OK;
  }
  if (is_key) {
    return firn_error_set(err, FIRN_INVALID, "keys of maps never change");
  }
  firn_field added = *theirs;
  added.required = false;
  return firn_alter_insert(a, mine, mine->n_children, &added, theirs->name, err);
}

/* What is below first, then what is missing here: so the reference gives ids. */
static firn_status widen_struct(firn_altering *a, firn_field *mine, const firn_field *theirs,
                                const firn_change *c, bool is_key, firn_error *err) {
  firn_status (*const steps[])(firn_altering *, firn_field *, const firn_field *, const firn_change *, bool,
                               firn_error *) = {widen_child, add_missing};
  for (size_t step = 0; step < FIRN_COUNT_OF(steps); step++) {
    for (uint32_t i = 0; i < theirs->n_children; i++) {
      firn_status status = steps[step](a, mine, &theirs->children[i], c, is_key, err);
      if (status != FIRN_OK) {
        return firn_error_while(err, status, "column %.80s", theirs->children[i].name);
      }
    }
  }
  return FIRN_OK;
}

static firn_status widen_primitive(firn_altering *a, firn_field *mine, const firn_field *theirs, bool is_key,
                                   firn_error *err) {
  bool is_wider = is_primitive(mine) && firn_type_may_become(theirs, mine, a->version);
  bool is_same = firn_field_same_type(mine, theirs);
  if (is_wider || is_same) {
    return FIRN_OK;
  }
  return is_key ? firn_error_set(err, FIRN_INVALID, "keys of maps never change")
                : firn_alter_promote(a, mine, theirs, err);
}

static firn_status widen(firn_altering *a, firn_field *mine, const firn_field *theirs, const firn_change *c,
                         bool is_key, firn_error *err) {
  if (theirs->kind == FIRN_KIND_UNKNOWN) {
    return FIRN_OK; /* always null: fits anything */
  }
  mine->required = mine->required && (theirs->required || !c->force || is_key);
  if (theirs->doc != NULL && !is_key) {
    mine->doc = theirs->doc;
  }
  if (!firn_kind_is_nested(mine->kind) || mine->kind != theirs->kind) {
    return widen_primitive(a, mine, theirs, is_key, err);
  }
  if (mine->kind == FIRN_KIND_STRUCT) {
    return widen_struct(a, mine, theirs, c, is_key, err);
  }
  for (uint32_t i = 0; i < mine->n_children && i < theirs->n_children; i++) {
    bool child_is_key = is_key || (mine->kind == FIRN_KIND_MAP && i == 0);
    firn_field part = theirs->children[i];
    part.doc = NULL; /* there is no place for it */
    FIRN_TRY(widen(a, firn_alter_field(&mine->children[i]), &part, c, child_is_key, err));
  }
  return FIRN_OK;
}

firn_status firn_alter_widen(firn_altering *a, const firn_change *c, firn_error *err) {
  if (c->field.kind != FIRN_KIND_STRUCT) {
    return firn_error_set(err, FIRN_INVALID, "a schema is widened by a struct");
  }
  return widen_struct(a, &a->schema.root, &c->field, c, false, err);
}
