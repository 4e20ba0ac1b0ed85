#include "iceberg/expr/prune.h"

#include <assert.h>

#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/prune_internal.h"

/* The filter's tree once more, each node with what it says of partitions. */
typedef struct node {
  const firn_expr *e;
  const firn_expr *inclusive, *strict;
  const struct node *left, *right; /* AND, OR */
} node;

struct firn_prune {
  firn_field type; /* of tuples */
  const node *root;
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a filter");
}

typedef struct maker {
  const firn_partition_spec *spec;
  const firn_field *type;
  firn_arena *arena;
} maker;

/* All partition fields made from the predicate's column have their say. */
static firn_status project_predicate(const maker *m, node *n, firn_error *err) {
  n->inclusive = firn_expr_constant(true);
  n->strict = firn_expr_constant(false);
  for (size_t i = 0; i < m->spec->n_fields; i++) {
    const firn_partition_field *field = &m->spec->fields[i];
    const firn_expr *inclusive, *strict;
    if (field->source_id != n->e->field->id) {
      continue;
    }
    const firn_field *child = &m->type->children[i];
    FIRN_TRY(firn_predicate_project(n->e, field, child, false, m->arena, &inclusive, err));
    FIRN_TRY(firn_predicate_project(n->e, field, child, true, m->arena, &strict, err));
    n->inclusive = firn_expr_and(n->inclusive, inclusive, m->arena);
    n->strict = firn_expr_or(n->strict, strict, m->arena);
    if (n->inclusive == NULL || n->strict == NULL) {
      return no_memory(err);
    }
  }
  return FIRN_OK;
}

static firn_status make_node(const maker *m, const firn_expr *e, const node **out, firn_error *err) {
  node *n = firn_new(m->arena, node);
  if (n == NULL) {
    return no_memory(err);
  }
  n->e = e;
  if (e->op == FIRN_EXPR_AND || e->op == FIRN_EXPR_OR) {
    FIRN_TRY(make_node(m, e->left, &n->left, err));
    FIRN_TRY(make_node(m, e->right, &n->right, err));
    bool is_and = e->op == FIRN_EXPR_AND;
    n->inclusive = is_and ? firn_expr_and(n->left->inclusive, n->right->inclusive, m->arena)
                          : firn_expr_or(n->left->inclusive, n->right->inclusive, m->arena);
    n->strict = is_and ? firn_expr_and(n->left->strict, n->right->strict, m->arena)
                       : firn_expr_or(n->left->strict, n->right->strict, m->arena);
    if (n->inclusive == NULL || n->strict == NULL) {
      return no_memory(err);
    }
  } else if (e->op <= FIRN_EXPR_FALSE) {
    n->inclusive = n->strict = e;
  } else if (e->op == FIRN_EXPR_NOT || e->field == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a filter must be bound before anything is pruned by it");
  } else {
    FIRN_TRY(project_predicate(m, n, err));
  }
  *out = n;
  return FIRN_OK;
}

firn_status firn_prune_new(const firn_expr *filter, const firn_partition_spec *spec,
                           const firn_schema *schema, firn_arena *arena, const firn_prune **out,
                           firn_error *err) {
  firn_prune *p = firn_new(arena, firn_prune);
  if (p == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_partition_type(spec, schema, arena, &p->type, err));
  maker m = {spec, &p->type, arena};
  FIRN_TRY(make_node(&m, filter, &p->root, err));
  *out = p;
  return FIRN_OK;
}

firn_status firn_expr_project_inclusive(const firn_expr *e, const firn_partition_spec *spec,
                                        const firn_schema *schema, firn_arena *arena, const firn_expr **out,
                                        firn_error *err) {
  const firn_prune *p;
  FIRN_TRY(firn_prune_new(e, spec, schema, arena, &p, err));
  *out = p->root->inclusive;
  return FIRN_OK;
}

firn_status firn_expr_project_strict(const firn_expr *e, const firn_partition_spec *spec,
                                     const firn_schema *schema, firn_arena *arena, const firn_expr **out,
                                     firn_error *err) {
  const firn_prune *p;
  FIRN_TRY(firn_prune_new(e, spec, schema, arena, &p, err));
  *out = p->root->strict;
  return FIRN_OK;
}

/* A projected predicate on a tuple; `unknown` where the tuple's value is none of its type (a spec of before a
 * promotion, a foreign writer's idea of a type). */
static bool holds_on(const firn_prune *p, const firn_expr *e, const firn_value *tuple, bool unknown) {
  const firn_value *given = &tuple[e->field - p->type.children];
  firn_field as_given = *e->field;
  firn_value v;
  as_given.kind = given->kind;
  if (!firn_value_adapt(given, &as_given, e->field, &v)) {
    return unknown;
  }
  if (e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
    firn_arena none = FIRN_ARENA_INIT(0);
    firn_value in = v;
    if (firn_transform_apply(&e->transform, e->field, &in, &none, &v, NULL) != FIRN_OK) {
      return unknown;
    }
  }
  return firn_predicate_holds(e, &v);
}

static bool tuple_says(const firn_prune *p, const firn_expr *e, const firn_value *tuple, bool unknown) {
  switch (e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return tuple_says(p, e->left, tuple, unknown) && tuple_says(p, e->right, tuple, unknown);
    case FIRN_EXPR_OR:
      return tuple_says(p, e->left, tuple, unknown) || tuple_says(p, e->right, tuple, unknown);
    default:
      return tuple == NULL ? unknown : holds_on(p, e, tuple, unknown);
  }
}

bool firn_prune_partition(const firn_prune *p, const firn_value *tuple) {
  return tuple_says(p, p->root->inclusive, tuple, true);
}

/* Items ascend by id as a rule, and without gaps: so the first guess is right most of the time. */
static bool find_count(const firn_id_counts *counts, int32_t id, int64_t *n) {
  if (!counts->present || counts->n == 0) {
    return false;
  }
  int64_t guess = (int64_t)id - counts->items[0].id;
  if (guess >= 0 && (uint64_t)guess < counts->n && counts->items[guess].id == id) {
    *n = counts->items[guess].n;
    return true;
  }
  return firn_id_counts_get(counts, id, n);
}

static bool find_bound(const firn_id_bounds *bounds, const firn_field *field, firn_value *v) {
  if (!bounds->present || bounds->n == 0) {
    return false;
  }
  int64_t guess = (int64_t)field->id - bounds->items[0].id;
  firn_bytes found;
  if (guess >= 0 && (uint64_t)guess < bounds->n && bounds->items[guess].id == field->id) {
    found = bounds->items[guess].value;
  } else if (!firn_id_bounds_get(bounds, field->id, &found)) {
    return false;
  }
  return firn_bound_read(found, field, v);
}

static void stats_of_file(const firn_data_file *file, const firn_expr *e, firn_column_stats *out) {
  const firn_field *field = e->field;
  out->type = field;
  out->n_values = out->n_nulls = out->n_nans = -1;
  (void)find_count(&file->value_counts, field->id, &out->n_values);
  (void)find_count(&file->null_counts, field->id, &out->n_nulls);
  (void)find_count(&file->nan_counts, field->id, &out->n_nans);
  if (out->n_values >= 0 && file->record_count >= 0 && out->n_values != file->record_count) {
    out->n_values = out->n_nulls = out->n_nans =
        -1; /* a row has one value here: they counted something else */
  }
  bool asks_bounds = !firn_op_is_unary(e->op);
  out->has_lower = asks_bounds && find_bound(&file->lower_bounds, field, &out->lower);
  out->has_upper = asks_bounds && find_bound(&file->upper_bounds, field, &out->upper);
}

/* Partition and statistics have their say about each predicate, so that (day = 1 AND x > 5) OR (day = 2 AND
 * x < 3) is decided by both. */
static bool file_may(const firn_prune *p, const node *n, const firn_data_file *file) {
  switch (n->e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return n->e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return file_may(p, n->left, file) && file_may(p, n->right, file);
    case FIRN_EXPR_OR:
      return file_may(p, n->left, file) || file_may(p, n->right, file);
    default: {
      if (!tuple_says(p, n->inclusive, file->partition, true)) {
        return false;
      }
      firn_column_stats stats;
      stats_of_file(file, n->e, &stats);
      return firn_predicate_may(n->e, &stats);
    }
  }
}

bool firn_prune_file(const firn_prune *p, const firn_data_file *file) {
  return file->record_count != 0 && file_may(p, p->root, file);
}

static bool file_must(const firn_prune *p, const node *n, const firn_data_file *file) {
  switch (n->e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return n->e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return file_must(p, n->left, file) && file_must(p, n->right, file);
    case FIRN_EXPR_OR:
      return file_must(p, n->left, file) || file_must(p, n->right, file);
    default: {
      if (tuple_says(p, n->strict, file->partition, false)) {
        return true;
      }
      firn_column_stats stats;
      stats_of_file(file, n->e, &stats);
      return firn_predicate_must(n->e, &stats);
    }
  }
}

bool firn_prune_file_surely(const firn_prune *p, const firn_data_file *file) {
  return file->record_count == 0 || file_must(p, p->root, file);
}

/* What a summary says, in the terms of statistics. Spec: Manifest Lists, field summary: bounds are null when
 * all values are null or NaN. */
static void stats_of_summary(const firn_field_summary *s, const firn_field *field, firn_column_stats *out) {
  bool is_real = firn_kind_is_real(field->kind);
  out->type = field;
  out->n_values = -1;
  out->n_nulls = s->contains_null ? -1 : 0;
  out->n_nans = !is_real || (s->has_contains_nan && !s->contains_nan) ? 0 : -1;
  out->has_lower = firn_bound_read(s->lower, field, &out->lower);
  out->has_upper = firn_bound_read(s->upper, field, &out->upper);
  bool has_bounds = s->lower.data != NULL || s->upper.data != NULL;
  bool knows_nans = !is_real || s->has_contains_nan;
  bool has_nans = is_real && s->has_contains_nan && s->contains_nan;
  if (!has_bounds && knows_nans && (s->contains_null || has_nans)) {
    out->n_nulls = s->contains_null;
    out->n_nans = has_nans;
    out->n_values = out->n_nulls + out->n_nans;
  }
}

static bool summaries_may(const firn_prune *p, const firn_expr *e, const firn_field_summary *summaries) {
  switch (e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return summaries_may(p, e->left, summaries) && summaries_may(p, e->right, summaries);
    case FIRN_EXPR_OR:
      return summaries_may(p, e->left, summaries) || summaries_may(p, e->right, summaries);
    default: {
      firn_column_stats stats;
      stats_of_summary(&summaries[e->field - p->type.children], e->field, &stats);
      return firn_predicate_may(e, &stats);
    }
  }
}

bool firn_prune_manifest(const firn_prune *p, const firn_manifest_file *manifest) {
  if (manifest->partitions == NULL || manifest->n_partitions != p->type.n_children) {
    return p->root->inclusive->op != FIRN_EXPR_FALSE;
  }
  return summaries_may(p, p->root->inclusive, manifest->partitions);
}

static const firn_expr *residual(const firn_prune *p, const node *n, const firn_value *tuple,
                                 firn_arena *arena);

static const firn_expr *residual_of_both(const firn_prune *p, const node *n, const firn_value *tuple,
                                         firn_arena *arena) {
  const firn_expr *left = residual(p, n->left, tuple, arena);
  const firn_expr *right = residual(p, n->right, tuple, arena);
  if (left == n->left->e && right == n->right->e) {
    return n->e;
  }
  return n->e->op == FIRN_EXPR_AND ? firn_expr_and(left, right, arena) : firn_expr_or(left, right, arena);
}

static const firn_expr *residual(const firn_prune *p, const node *n, const firn_value *tuple,
                                 firn_arena *arena) {
  switch (n->e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return n->e;
    case FIRN_EXPR_AND:
    case FIRN_EXPR_OR:
      return residual_of_both(p, n, tuple, arena);
    default:
      if (tuple_says(p, n->strict, tuple, false)) {
        return firn_expr_constant(true);
      }
      return tuple_says(p, n->inclusive, tuple, true) ? n->e : firn_expr_constant(false);
  }
}

firn_status firn_prune_residual(const firn_prune *p, const firn_value *tuple, firn_arena *arena,
                                const firn_expr **out, firn_error *err) {
  const firn_expr *made = residual(p, p->root, tuple, arena);
  if (made == NULL) {
    return no_memory(err);
  }
  *out = made;
  return FIRN_OK;
}
