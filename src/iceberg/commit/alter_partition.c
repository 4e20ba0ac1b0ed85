/* Partition spec and sort order. Spec: Partition Evolution; Sorting. Field ids and names are given as the
 * reference does: a field that the table once had comes back with its id. */
#include <stdlib.h>
#include <string.h>

#include "iceberg/commit/alter_internal.h"
#include "iceberg/types/terms.h"

static bool is_time(const firn_transform *t) {
  return t->kind == FIRN_TRANSFORM_YEAR || t->kind == FIRN_TRANSFORM_MONTH || t->kind == FIRN_TRANSFORM_DAY ||
         t->kind == FIRN_TRANSFORM_HOUR;
}

static bool is_of(const firn_partition_field *f, const firn_term *term) {
  return f->source_id == term->source->id && firn_transform_equal(&f->transform, &term->transform);
}

static bool is_gone(const firn_alter_partition *p) {
  return p->is_dropped || p->field.transform.kind == FIRN_TRANSFORM_VOID;
}

static firn_alter_partition *find_named(firn_altering *a, const char *name) {
  for (size_t i = 0; i < a->n_partitions; i++) {
    if (strcmp(a->partitions[i].field.name, name) == 0) {
      return &a->partitions[i];
    }
  }
  return NULL;
}

static firn_alter_partition *find_term(firn_altering *a, const firn_term *term) {
  for (size_t i = 0; i < a->n_partitions; i++) {
    if (is_of(&a->partitions[i].field, term)) {
      return &a->partitions[i];
    }
  }
  return NULL;
}

/* --- names --- */

/* Makes room for a name: a dropped field that has it gets its id behind it (version 1 keeps it, as void). */
static firn_status free_name(firn_altering *a, const char *name, const firn_alter_partition *whose,
                             firn_error *err) {
  firn_alter_partition *other = find_named(a, name);
  if (other == NULL || other == whose) {
    return FIRN_OK;
  }
  if (!is_gone(other)) {
    return firn_error_set(err, FIRN_EXISTS, "there is a partition field %.80s already", name);
  }
  other->field.name = firn_arena_printf(a->arena, "%s_%d", name, other->field.field_id);
  return other->field.name == NULL ? firn_alter_no_memory(err) : FIRN_OK;
}

static firn_status rename_field(firn_altering *a, firn_alter_partition *p, const char *to, firn_error *err) {
  FIRN_TRY(firn_alter_name_check(to, "a partition field's name", err));
  FIRN_TRY(free_name(a, to, p, err));
  p->field.name = to;
  return FIRN_OK;
}

firn_status firn_alter_rename_partition(firn_altering *a, const firn_change *c, firn_error *err) {
  firn_alter_partition *p = find_named(a, c->name);
  if (p == NULL || is_gone(p)) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no partition field %.80s", c->name);
  }
  return rename_field(a, p, c->to, err);
}

/* --- adding --- */

/* A field of any spec that does the same and, when a name is asked for, has it. */
static const firn_partition_field *find_former(const firn_altering *a, const firn_term *term) {
  for (size_t i = 0; i < a->f->n_specs && a->version > 1; i++) {
    for (size_t k = 0; k < a->f->specs[i].n_fields; k++) {
      const firn_partition_field *f = &a->f->specs[i].fields[k];
      if (is_of(f, term) && (term->name == NULL || strcmp(term->name, f->name) == 0)) {
        return f;
      }
    }
  }
  return NULL;
}

static firn_status make_field(firn_altering *a, const firn_term *term, firn_partition_field *out,
                              firn_error *err) {
  const firn_partition_field *former = find_former(a, term);
  *out = (firn_partition_field){.source_id = term->source->id, .transform = term->transform};
  if (former != NULL) {
    out->field_id = former->field_id;
    out->name = firn_arena_text(a->arena, firn_bytes_of(former->name));
  } else if (a->last_partition_id == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "there are no partition field ids beyond %d", INT32_MAX);
  } else {
    out->field_id = ++a->last_partition_id;
    out->name = term->name != NULL ? term->name : firn_term_name(term, true, a->arena);
  }
  return out->name == NULL ? firn_alter_no_memory(err) : FIRN_OK;
}

/* Of the fields added in one list of changes a column has one time transform. Those of before may stay: that
 * is how tables go from days to hours. */
static firn_status check_redundant(const firn_altering *a, const firn_term *term, firn_error *err) {
  for (size_t i = 0; i < a->n_partitions && is_time(&term->transform); i++) {
    const firn_alter_partition *p = &a->partitions[i];
    bool is_live = p->is_new && !p->is_dropped;
    if (is_live && p->field.source_id == term->source->id && is_time(&p->field.transform)) {
      return firn_error_set(err, FIRN_INVALID, "partition field %.80s makes another time of %.80s redundant",
                            p->field.name, term->source_name);
    }
  }
  return FIRN_OK;
}

static firn_status add_field(firn_altering *a, const firn_term *term, firn_error *err) {
  firn_alter_partition made = {.is_new = true};
  FIRN_TRY(check_redundant(a, term, err));
  FIRN_TRY(make_field(a, term, &made.field, err));
  FIRN_TRY(free_name(a, made.field.name, NULL, err));
  a->partitions =
      firn_arena_grow(a->arena, a->partitions, a->n_partitions, &a->capacity_partitions, sizeof made);
  if (a->partitions == NULL) {
    return firn_alter_no_memory(err);
  }
  a->partitions[a->n_partitions++] = made;
  return FIRN_OK;
}

/* Adds a field, or takes back that it was dropped. */
static firn_status add_term(firn_altering *a, const firn_term *term, bool if_not_exists, firn_error *err) {
  firn_alter_partition *same = find_term(a, term);
  if (same == NULL) {
    return add_field(a, term, err);
  }
  if (!same->is_dropped) {
    return if_not_exists ? FIRN_OK
                         : firn_error_set(err, FIRN_EXISTS, "partition field %.80s does that already",
                                          same->field.name);
  }
  FIRN_TRY(free_name(a, term->name != NULL ? term->name : same->field.name, same, err));
  same->is_dropped = false;
  return term->name == NULL ? FIRN_OK : rename_field(a, same, term->name, err);
}

static firn_status read_terms(firn_altering *a, const char *text, const firn_term **terms, size_t *n,
                              firn_error *err) {
  return firn_partition_terms_read(firn_bytes_of(text), &a->schema, a->arena, terms, n, err);
}

firn_status firn_alter_add_partition(firn_altering *a, const firn_change *c, firn_error *err) {
  const firn_term *terms;
  size_t n;
  FIRN_TRY(read_terms(a, c->text, &terms, &n, err));
  if (n == 0) {
    return firn_error_set(err, FIRN_INVALID, "no partition field is named");
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(add_term(a, &terms[i], c->if_not_exists, err));
  }
  return FIRN_OK;
}

/* --- dropping --- */

static void drop(firn_altering *a, firn_alter_partition *p) {
  if (!p->is_new) {
    p->is_dropped = true;
    return;
  }
  size_t at = (size_t)(p - a->partitions); /* added and dropped in one list: it never was */
  memmove(p, p + 1, (a->n_partitions - at - 1) * sizeof *p);
  a->n_partitions--;
}

static firn_status no_such_field(const firn_change *c, firn_error *err) {
  return c->if_exists ? FIRN_OK
                      : firn_error_set(err, FIRN_NOT_FOUND, "there is no partition field %.80s", c->text);
}

firn_status firn_alter_drop_partition(firn_altering *a, const firn_change *c, firn_error *err) {
  firn_alter_partition *named = find_named(a, c->text);
  if (named != NULL && !is_gone(named)) {
    drop(a, named);
    return FIRN_OK;
  }
  const firn_term *terms;
  size_t n;
  firn_status status = read_terms(a, c->text, &terms, &n, err);
  if (status == FIRN_NOT_FOUND || (status == FIRN_OK && n == 0)) {
    return no_such_field(c, err);
  }
  FIRN_TRY(status);
  for (size_t i = 0; i < n; i++) {
    firn_alter_partition *p = find_term(a, &terms[i]);
    if (p == NULL || is_gone(p)) {
      FIRN_TRY(no_such_field(c, err));
    } else {
      drop(a, p);
    }
  }
  return FIRN_OK;
}

/* --- all at once --- */

/* Version 2 has the fields in the order of the terms; version 1 keeps places, since they are its ids. */
static void order_by_terms(firn_altering *a, const firn_term *terms, size_t n) {
  size_t at = 0;
  for (size_t i = 0; i < n && a->version > 1; i++) {
    firn_alter_partition *p = find_term(a, &terms[i]);
    firn_alter_partition moved = *p;
    size_t from = (size_t)(p - a->partitions);
    if (from > at) {
      memmove(&a->partitions[at + 1], &a->partitions[at], (from - at) * sizeof moved);
      a->partitions[at] = moved;
    }
    at++;
  }
}

/* A whole spec is judged as that of a new table. */
static firn_status check_all(const firn_term *terms, size_t n, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++) {
      bool both_times = is_time(&terms[i].transform) && is_time(&terms[k].transform);
      if (both_times && terms[i].source == terms[k].source) {
        return firn_error_set(err, FIRN_INVALID, "two times of %.80s are redundant", terms[i].source_name);
      }
    }
  }
  return FIRN_OK;
}

firn_status firn_alter_set_partitioning(firn_altering *a, const firn_change *c, firn_error *err) {
  const firn_term *terms;
  size_t n;
  FIRN_TRY(read_terms(a, c->text, &terms, &n, err));
  FIRN_TRY(check_all(terms, n, err));
  for (size_t i = a->n_partitions; i > 0; i--) {
    if (a->partitions[i - 1].field.transform.kind != FIRN_TRANSFORM_VOID) {
      drop(a, &a->partitions[i - 1]);
    }
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(add_term(a, &terms[i], false, err));
  }
  order_by_terms(a, terms, n);
  return FIRN_OK;
}

firn_status firn_alter_spec(const firn_altering *a, firn_partition_spec *out, firn_error *err) {
  firn_partition_field *fields = firn_new_n(a->arena, firn_partition_field, a->n_partitions);
  if (fields == NULL) {
    return firn_alter_no_memory(err);
  }
  size_t n = 0;
  for (size_t i = 0; i < a->n_partitions; i++) {
    const firn_alter_partition *p = &a->partitions[i];
    if (p->is_dropped && a->version > 1) {
      continue;
    }
    fields[n] = p->field;
    if (p->is_dropped) {
      fields[n].transform = (firn_transform){.kind = FIRN_TRANSFORM_VOID};
    }
    n++;
  }
  *out = (firn_partition_spec){.n_fields = n, .fields = fields};
  return FIRN_OK;
}

/* --- sort order --- */

firn_status firn_alter_set_sort_order(firn_altering *a, const firn_change *c, firn_error *err) {
  return firn_sort_terms_parse(firn_bytes_of(c->text), &a->schema, a->arena, &a->order, err);
}
