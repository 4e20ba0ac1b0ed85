#include "iceberg/write/fanout.h"

/* Where a partition field's source stands in the batch: a path through structs. */
typedef struct source {
  const firn_field *field;
  const firn_transform *transform;
  size_t depth;
  uint32_t path[FIRN_TYPE_MAX_DEPTH];
} source;

bool firn_partition_tuple_equal(const firn_value *a, const firn_value *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!firn_value_equal(&a[i], &b[i])) {
      return false;
    }
  }
  return true;
}

uint64_t firn_partition_tuple_hash(const firn_value *tuple, size_t n) {
  uint64_t hash = 0;
  for (size_t i = 0; i < n; i++) {
    hash = (hash ^ firn_value_hash(&tuple[i])) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
  }
  return hash;
}

static bool find_source(const firn_field *parent, int32_t id, source *out) {
  if (parent->kind != FIRN_KIND_STRUCT || out->depth == FIRN_TYPE_MAX_DEPTH) {
    return false;
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    out->path[out->depth++] = i;
    if (child->id == id) {
      out->field = child;
      return true;
    }
    if (find_source(child, id, out)) {
      return true;
    }
    out->depth--;
  }
  return false;
}

/* The vector that holds the source's values; NULL-ness of the structs above is looked at row by row. */
static const firn_vector *source_vector(const source *s, const firn_batch *batch) {
  const firn_vector *v = &batch->columns[s->path[0]];
  for (size_t i = 1; i < s->depth; i++) {
    v = &v->children[s->path[i]];
  }
  return v;
}

static firn_value source_value(const source *s, const firn_batch *batch, size_t row) {
  const firn_vector *v = &batch->columns[s->path[0]];
  for (size_t i = 1; i < s->depth; i++) {
    if (firn_vector_is_null(v, row)) {
      return (firn_value){.kind = s->field->kind, .is_null = true};
    }
    v = &v->children[s->path[i]];
  }
  return firn_value_at(v, row);
}

static bool keeps_order(const firn_transform *t) {
  return t->kind != FIRN_TRANSFORM_BUCKET && t->kind != FIRN_TRANSFORM_UNKNOWN;
}

/* Whether all rows have one and the same value after the transform. Only looks where that is cheap to see:
 * 64-bit columns without nulls under a transform that keeps the order, by their smallest and largest value.
 */
static firn_status is_constant(const source *s, const firn_batch *batch, firn_arena *arena, bool *yes,
                               firn_value *value, firn_error *err) {
  const firn_vector *v = source_vector(s, batch);
  *yes = false;
  if (s->depth != 1 || v->n_nulls > 0 || !keeps_order(s->transform) || firn_kind_is_bytes(v->kind) ||
      firn_kind_value_size(v->kind) != sizeof(int64_t) || v->kind == FIRN_KIND_DOUBLE) {
    return FIRN_OK;
  }
  int64_t least = v->i64[0];
  int64_t most = v->i64[0];
  for (size_t i = 1; i < batch->n_rows; i++) {
    least = v->i64[i] < least ? v->i64[i] : least;
    most = v->i64[i] > most ? v->i64[i] : most;
  }
  firn_value ends[2] = {{.kind = v->kind, .i64 = least}, {.kind = v->kind, .i64 = most}};
  firn_value last;
  FIRN_TRY(firn_transform_apply(s->transform, s->field, &ends[0], arena, value, err));
  FIRN_TRY(firn_transform_apply(s->transform, s->field, &ends[1], arena, &last, err));
  *yes = firn_value_equal(value, &last);
  return FIRN_OK;
}

typedef struct grouping {
  firn_arena *arena;
  size_t n_fields;
  firn_partition_group *groups;
  uint32_t *heads; /* open addressing: group number + 1 */
  size_t n_heads;  /* a power of two, more than twice the rows */
  size_t n_groups;
} grouping;

/* The number of the tuple's group; a tuple not seen before gets the next. */
static size_t group_of(grouping *g, const firn_value *tuple) {
  size_t at = (size_t)firn_partition_tuple_hash(tuple, g->n_fields) & (g->n_heads - 1);
  while (g->heads[at] != 0) {
    size_t group = g->heads[at] - 1;
    if (firn_partition_tuple_equal(g->groups[group].tuple, tuple, g->n_fields)) {
      return group;
    }
    at = (at + 1) & (g->n_heads - 1);
  }
  g->groups[g->n_groups].tuple = tuple;
  g->heads[at] = (uint32_t)++g->n_groups;
  return g->n_groups - 1;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to split a batch by partition");
}

/* From the group of every row to the rows of every group, in order. */
static firn_status collect_rows(grouping *g, const uint32_t *group_of_row, size_t n_rows, firn_error *err) {
  uint32_t *rows = firn_new_n(g->arena, uint32_t, n_rows);
  size_t *next = firn_new_n(g->arena, size_t, g->n_groups + 1);
  if (rows == NULL || next == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n_rows; i++) {
    g->groups[group_of_row[i]].n_rows++;
  }
  for (size_t i = 0; i < g->n_groups; i++) {
    g->groups[i].rows = rows + next[i];
    next[i + 1] = next[i] + g->groups[i].n_rows;
  }
  for (size_t i = 0; i < n_rows; i++) {
    rows[next[group_of_row[i]]++] = (uint32_t)i;
  }
  return FIRN_OK;
}

static firn_status group_rows(const source *sources, size_t n_fields, const firn_batch *batch,
                              firn_arena *arena, const firn_partition_group **out, size_t *n,
                              firn_error *err) {
  grouping g = {.arena = arena, .n_fields = n_fields, .n_heads = 16};
  while (g.n_heads <= batch->n_rows * 2) {
    g.n_heads *= 2;
  }
  g.groups = firn_new_n(arena, firn_partition_group, batch->n_rows);
  g.heads = firn_new_n(arena, uint32_t, g.n_heads);
  uint32_t *group_of_row = firn_new_n(arena, uint32_t, batch->n_rows);
  firn_value *tuples = firn_new_n(arena, firn_value, batch->n_rows * n_fields);
  if (g.groups == NULL || g.heads == NULL || group_of_row == NULL || tuples == NULL) {
    return no_memory(err);
  }
  for (size_t row = 0; row < batch->n_rows; row++) {
    firn_value *tuple = tuples + row * n_fields;
    for (size_t i = 0; i < n_fields; i++) {
      firn_value value = source_value(&sources[i], batch, row);
      FIRN_TRY(firn_transform_apply(sources[i].transform, sources[i].field, &value, arena, &tuple[i], err));
    }
    bool as_before = row > 0 && firn_partition_tuple_equal(tuple, tuple - n_fields, n_fields);
    group_of_row[row] = as_before ? group_of_row[row - 1] : (uint32_t)group_of(&g, tuple);
  }
  FIRN_TRY(collect_rows(&g, group_of_row, batch->n_rows, err));
  if (g.n_groups == 1) {
    g.groups[0].rows = NULL;
  }
  *out = g.groups;
  *n = g.n_groups;
  return FIRN_OK;
}

firn_status firn_partition_groups(const firn_partition_spec *spec, const firn_schema *schema,
                                  const firn_batch *batch, firn_arena *arena,
                                  const firn_partition_group **out, size_t *n, firn_error *err) {
  *n = 0;
  if (batch->n_rows == 0) {
    return FIRN_OK;
  }
  source *sources = firn_new_n(arena, source, spec->n_fields);
  firn_value *tuple = firn_new_n(arena, firn_value, spec->n_fields);
  firn_partition_group *only = firn_new(arena, firn_partition_group);
  if (sources == NULL || tuple == NULL || only == NULL) {
    return no_memory(err);
  }
  bool all_constant = true;
  for (size_t i = 0; i < spec->n_fields; i++) {
    sources[i].transform = &spec->fields[i].transform;
    if (!find_source(&schema->root, spec->fields[i].source_id, &sources[i])) {
      return firn_error_set(err, FIRN_INVALID, "partition field %s: the schema has no field %d",
                            spec->fields[i].name, spec->fields[i].source_id);
    }
    if (all_constant) {
      FIRN_TRY(is_constant(&sources[i], batch, arena, &all_constant, &tuple[i], err));
    }
  }
  if (!all_constant) {
    return group_rows(sources, spec->n_fields, batch, arena, out, n, err);
  }
  *only = (firn_partition_group){.tuple = tuple, .n_rows = batch->n_rows};
  *out = only;
  *n = 1;
  return FIRN_OK;
}
