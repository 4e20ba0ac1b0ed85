#include "formats/parquet/shred_internal.h"

#include <assert.h>

enum { DEAD = -1 }; /* a place where something above is null or empty */

typedef struct path_maker {
  const firn_parquet_node *const *leaves;
  firn_leaf_path *paths;
  uint32_t next;
  firn_arena *arena;
  firn_leaf_step steps[FIRN_TYPE_MAX_DEPTH + 1];
  const char *names[2 * FIRN_TYPE_MAX_DEPTH + 2];
} path_maker;

static const char *join(const char *const *names, size_t n, firn_arena *arena) {
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < n; i++) {
    firn_builder_add_text(&text, i == 0 ? "" : ".");
    firn_builder_add_text(&text, names[i]);
  }
  firn_bytes joined;
  if (firn_builder_finish(&text, &joined, NULL) != FIRN_OK) {
    return NULL;
  }
  return firn_arena_text(arena, joined);
}

static firn_status finish_path(path_maker *m, const firn_field *field, uint32_t column, size_t n_steps,
                               size_t n_names, firn_error *err) {
  firn_leaf_path *p = &m->paths[m->next];
  firn_leaf_step *steps = firn_new_n(m->arena, firn_leaf_step, n_steps);
  const char **names = firn_new_n(m->arena, const char *, n_names);
  const char *dotted = join(m->names, n_names, m->arena);
  if (steps == NULL || names == NULL || dotted == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the paths of a Parquet schema");
  }
  memcpy(steps, m->steps, n_steps * sizeof *steps);
  memcpy(names, m->names, n_names * sizeof *names);
  *p = (firn_leaf_path){.leaf = m->leaves[m->next],
                        .field = field,
                        .column = column,
                        .n_steps = n_steps,
                        .steps = steps,
                        .names = names,
                        .n_names = n_names,
                        .dotted = dotted};
  m->next++;
  return FIRN_OK;
}

/* `name` is what the file calls the field. */
static firn_status make_paths(path_maker *m, const firn_field *field, const char *name, uint32_t column,
                              size_t n_steps, size_t n_names, firn_error *err) {
  static const char *const map_names[] = {"key", "value"};
  assert(n_steps <= FIRN_TYPE_MAX_DEPTH);
  assert(field->kind != FIRN_KIND_MAP || field->n_children == FIRN_COUNT_OF(map_names));
  firn_leaf_step *step = &m->steps[n_steps];
  *step = (firn_leaf_step){.kind = field->kind, .optional = !field->required};
  m->names[n_names++] = name;
  n_steps++;
  if (!firn_kind_is_nested(field->kind)) {
    return finish_path(m, field, column, n_steps, n_names, err);
  }
  if (field->kind != FIRN_KIND_STRUCT) {
    m->names[n_names++] = field->kind == FIRN_KIND_MAP ? "key_value" : "list";
  }
  for (uint32_t i = 0; i < field->n_children; i++) {
    const char *child = field->kind == FIRN_KIND_STRUCT ? field->children[i].name
                        : field->kind == FIRN_KIND_MAP  ? map_names[i]
                                                        : "element";
    step->child = i;
    FIRN_TRY(make_paths(m, &field->children[i], child, column, n_steps, n_names, err));
  }
  return FIRN_OK;
}

firn_status firn_leaf_paths_of(const firn_field *schema, const firn_parquet_node *const *leaves,
                               uint32_t n_leaves, firn_arena *arena, const firn_leaf_path **out,
                               firn_error *err) {
  path_maker m = {.leaves = leaves, .arena = arena, .paths = firn_new_n(arena, firn_leaf_path, n_leaves)};
  if (m.paths == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the paths of a Parquet schema");
  }
  for (uint32_t i = 0; i < schema->n_children; i++) {
    FIRN_TRY(make_paths(&m, &schema->children[i], schema->children[i].name, i, 0, 0, err));
  }
  assert(m.next == n_leaves);
  *out = m.paths;
  return FIRN_OK;
}

void firn_shredder_free(firn_shredder *s) {
  for (int i = 0; i < 2; i++) {
    firn_builder_free(&s->rep[i]);
    firn_builder_free(&s->def[i]);
    firn_builder_free(&s->positions[i]);
  }
  firn_builder_free(&s->values);
  firn_builder_free(&s->digits);
}

size_t firn_shredder_memory(const firn_shredder *s) {
  size_t sum = s->values.capacity + s->digits.capacity;
  for (int i = 0; i < 2; i++) {
    sum += s->rep[i].capacity + s->def[i].capacity + s->positions[i].capacity;
  }
  return sum;
}

/* Room for `n` things in a builder that is used as an array. */
static void *room(firn_builder *b, size_t n, size_t size) {
  firn_builder_reset(b);
  return n > SIZE_MAX / size ? NULL : firn_builder_reserve(b, n * size);
}

static firn_status no_memory(size_t n, firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the levels of %zu values", n);
}

/* Places on the way to a leaf. */
typedef struct places {
  size_t n;
  uint8_t *rep, *def;
  int64_t *at; /* in the vector of this step, or DEAD */
} places;

static firn_status places_new(firn_shredder *s, int side, size_t n, places *out, firn_error *err) {
  *out = (places){.n = n,
                  .rep = room(&s->rep[side], n, sizeof *out->rep),
                  .def = room(&s->def[side], n, sizeof *out->def),
                  .at = room(&s->positions[side], n, sizeof *out->at)};
  return out->rep == NULL || out->def == NULL || out->at == NULL ? no_memory(n, err) : FIRN_OK;
}

/* Places whose value is null die with the level they have; the others go up by one. */
static void pass_nulls(places *p, const firn_vector *v) {
  for (size_t i = 0; i < p->n; i++) {
    if (p->at[i] == DEAD) {
      continue;
    }
    if (firn_vector_is_null(v, (size_t)p->at[i])) {
      p->at[i] = DEAD;
    } else {
      p->def[i]++;
    }
  }
}

/* How many places there are after the entries of lists have been laid out; none is one place still. */
static size_t count_entries(const places *p, const int32_t *offsets) {
  size_t n = 0;
  for (size_t i = 0; i < p->n; i++) {
    int64_t at = p->at[i];
    int64_t entries = at == DEAD ? 0 : offsets[at + 1] - offsets[at];
    n += entries < 1 ? 1 : (size_t)entries;
  }
  return n;
}

static void lay_out(const places *from, const int32_t *offsets, uint8_t rep, places *to) {
  size_t k = 0;
  for (size_t i = 0; i < from->n; i++) {
    int64_t at = from->at[i];
    int64_t first = at == DEAD ? 0 : offsets[at], end = at == DEAD ? 0 : offsets[at + 1];
    to->rep[k] = from->rep[i];
    to->def[k] = from->def[i];
    to->at[k] = DEAD;
    if (first >= end) {
      k++;
      continue;
    }
    for (int64_t e = first; e < end; e++, k++) {
      to->rep[k] = e == first ? from->rep[i] : rep;
      to->def[k] = (uint8_t)(from->def[i] + 1);
      to->at[k] = e;
    }
  }
  assert(k == to->n);
}

/* All steps of a nested column. `*v` becomes the leaf's vector. */
static firn_status walk(firn_shredder *s, const firn_leaf_path *path, const firn_vector **v, size_t first,
                        size_t n, places *out, firn_error *err) {
  places p;
  int side = 0;
  uint8_t rep = 0;
  FIRN_TRY(places_new(s, side, n, &p, err));
  memset(p.rep, 0, n);
  memset(p.def, 0, n);
  for (size_t i = 0; i < n; i++) {
    p.at[i] = (int64_t)(first + i);
  }
  for (size_t k = 0; k < path->n_steps; k++) {
    const firn_leaf_step *step = &path->steps[k];
    if (step->optional) {
      pass_nulls(&p, *v);
    }
    if (step->kind == FIRN_KIND_LIST || step->kind == FIRN_KIND_MAP) {
      places next;
      side = 1 - side;
      FIRN_TRY(places_new(s, side, count_entries(&p, (*v)->offsets), &next, err));
      lay_out(&p, (*v)->offsets, ++rep, &next);
      p = next;
    }
    if (k + 1 < path->n_steps) {
      *v = &(*v)->children[step->child];
    }
  }
  *out = p;
  return FIRN_OK;
}

/* What values are gathered from: `at[i]` of the leaf's vector, or all from `first` when `at` is NULL. */
typedef struct source {
  const firn_vector *v;
  const int64_t *at;
  size_t first, n;
} source;

static inline size_t source_at(source s, size_t i) {
  return s.at == NULL ? s.first + i : (size_t)s.at[i];
}

static void *gather_bits(source s, uint8_t *out) {
  for (size_t i = 0; i < s.n; i++) {
    out[i] = firn_bit(s.v->bits, source_at(s, i));
  }
  return out;
}

static void *gather4(source s, uint32_t *out) {
  for (size_t i = 0; i < s.n; i++) {
    memcpy(&out[i], &s.v->i32[s.at[i]], sizeof *out); /* a float keeps its bits */
  }
  return out;
}

static void *gather8(source s, uint64_t *out) {
  for (size_t i = 0; i < s.n; i++) {
    memcpy(&out[i], &s.v->i64[s.at[i]], sizeof *out);
  }
  return out;
}

static void *gather_bytes(source s, firn_bytes *out) {
  for (size_t i = 0; i < s.n; i++) {
    out[i] = s.v->bytes[s.at[i]];
  }
  return out;
}

static void *gather_decimal4(source s, int32_t *out) {
  for (size_t i = 0; i < s.n; i++) {
    out[i] = (int32_t)s.v->dec[source_at(s, i)];
  }
  return out;
}

static void *gather_decimal8(source s, int64_t *out) {
  for (size_t i = 0; i < s.n; i++) {
    out[i] = (int64_t)s.v->dec[source_at(s, i)];
  }
  return out;
}

static void *gather_wide_decimals(source s, size_t width, uint8_t *digits, firn_bytes *out) {
  for (size_t i = 0; i < s.n; i++) {
    firn_decimal v = s.v->dec[source_at(s, i)];
    for (size_t k = width; k-- > 0;) {
      digits[k] = (uint8_t)v;
      v >>= 8;
    }
    out[i] = (firn_bytes){digits, width};
    digits += width;
  }
  return out;
}

static size_t size_of_value(const firn_leaf_path *path) {
  switch (path->leaf->type) {
    case FIRN_PARQUET_BOOLEAN:
      return sizeof(uint8_t);
    case FIRN_PARQUET_INT32:
    case FIRN_PARQUET_FLOAT:
      return sizeof(uint32_t);
    case FIRN_PARQUET_INT64:
    case FIRN_PARQUET_DOUBLE:
      return sizeof(uint64_t);
    default:
      return sizeof(firn_bytes);
  }
}

/* Values as they lie in the vector need no gathering when all are wanted. */
static const void *in_place(source s, size_t size) {
  return s.v->values == NULL ? NULL : (const uint8_t *)s.v->values + s.first * size;
}

static firn_status gather(firn_shredder *s, const firn_leaf_path *path, source from, const void **out,
                          firn_error *err) {
  bool is_decimal = path->field->kind == FIRN_KIND_DECIMAL;
  firn_parquet_type type = path->leaf->type;
  size_t size = size_of_value(path);
  if (from.n == 0) {
    *out = NULL;
    return FIRN_OK;
  }
  if (from.at == NULL && !is_decimal && type != FIRN_PARQUET_BOOLEAN) {
    *out = in_place(from, size);
    return FIRN_OK;
  }
  void *values = room(&s->values, from.n, size);
  if (values == NULL) {
    return no_memory(from.n, err);
  }
  if (type == FIRN_PARQUET_BOOLEAN) {
    *out = gather_bits(from, values);
  } else if (type == FIRN_PARQUET_INT32 || type == FIRN_PARQUET_FLOAT) {
    *out = is_decimal ? gather_decimal4(from, values) : gather4(from, values);
  } else if (type == FIRN_PARQUET_INT64 || type == FIRN_PARQUET_DOUBLE) {
    *out = is_decimal ? gather_decimal8(from, values) : gather8(from, values);
  } else if (!is_decimal) {
    *out = gather_bytes(from, values);
  } else {
    size_t width = (size_t)path->leaf->type_length;
    uint8_t *digits = room(&s->digits, from.n, width);
    if (digits == NULL) {
      return no_memory(from.n, err);
    }
    *out = gather_wide_decimals(from, width, digits, values);
  }
  return FIRN_OK;
}

/* 64 bits of a bitmap from any bit on; what lies beyond `end` does not matter. */
static inline uint64_t bits_at(const uint64_t *bits, size_t at, size_t end) {
  uint64_t low = bits[at / 64] >> (at % 64);
  bool spills = at % 64 != 0 && at / 64 + 1 < firn_bit_words(end);
  return spills ? low | bits[at / 64 + 1] << (64 - at % 64) : low;
}

/* Definition levels and places of what is there, of a column whose level is 0 or 1. */
static size_t spread_validity(const firn_vector *v, size_t first, size_t n, places *p) {
  size_t n_values = 0;
  for (size_t i = 0; i < n; i += 64) {
    size_t len = n - i < 64 ? n - i : 64;
    uint64_t mask = len == 64 ? UINT64_MAX : (UINT64_C(1) << len) - 1;
    uint64_t word = v->kind == FIRN_KIND_UNKNOWN ? 0 : bits_at(v->validity, first + i, first + n) & mask;
    if (word == 0 || word == mask) { /* nulls come in long rows, and so does their absence */
      memset(p->def + i, word != 0, len);
      for (size_t k = 0; k < len && word != 0; k++) {
        p->at[n_values++] = (int64_t)(first + i + k);
      }
      continue;
    }
    for (size_t k = 0; k < len; k++) {
      p->def[i + k] = word >> k & 1;
      p->at[n_values] = (int64_t)(first + i + k);
      n_values += word >> k & 1;
    }
  }
  return n_values;
}

static bool has_null(const firn_vector *v, size_t first, size_t n) {
  if (v->kind == FIRN_KIND_UNKNOWN) {
    return n > 0;
  }
  for (size_t i = 0; i < n && v->validity != NULL; i += 64) {
    uint64_t mask = n - i < 64 ? (UINT64_C(1) << (n - i)) - 1 : UINT64_MAX;
    if ((bits_at(v->validity, first + i, first + n) & mask) != mask) {
      return true;
    }
  }
  return false;
}

/* Columns that are no struct, list or map, which are most: no places are needed. */
static firn_status shred_flat(firn_shredder *s, const firn_leaf_path *path, const firn_vector *v,
                              size_t first, size_t n, firn_leaf_run *out, firn_error *err) {
  *out = (firn_leaf_run){.n_rows = n, .n_levels = n, .n_values = n};
  source from = {.v = v, .first = first, .n = n};
  if (path->steps[0].optional && has_null(v, first, n)) {
    places p;
    FIRN_TRY(places_new(s, 0, n, &p, err));
    size_t n_values = spread_validity(v, first, n, &p);
    out->def = p.def;
    out->n_values = n_values;
    from.at = p.at;
    from.n = n_values;
  }
  return gather(s, path, from, &out->values, err);
}

firn_status firn_shred(firn_shredder *s, const firn_leaf_path *path, const firn_batch *batch, size_t first,
                       size_t n, firn_leaf_run *out, firn_error *err) {
  const firn_vector *v = &batch->columns[path->column];
  if (path->n_steps == 1) {
    return shred_flat(s, path, v, first, n, out, err);
  }
  places p;
  FIRN_TRY(walk(s, path, &v, first, n, &p, err));
  size_t n_values = 0;
  for (size_t i = 0; i < p.n; i++) { /* what is there moves together */
    p.at[n_values] = p.at[i];
    n_values += p.at[i] != DEAD;
  }
  *out = (firn_leaf_run){.n_rows = n,
                         .n_levels = p.n,
                         .n_values = n_values,
                         .rep = path->leaf->max_rep == 0 ? NULL : p.rep,
                         .def = n_values == p.n ? NULL : p.def};
  return gather(s, path, (source){.v = v, .at = p.at, .n = n_values}, &out->values, err);
}
