#include "formats/parquet/assemble_internal.h"

uint32_t firn_parquet_count_leaves(const firn_parquet_node *node) {
  uint32_t n = node->n_children == 0;
  for (uint32_t i = 0; i < node->n_children; i++) {
    n += firn_parquet_count_leaves(&node->children[i]);
  }
  return n;
}

uint32_t firn_parquet_first_leaf(const firn_parquet_node *node) {
  while (node->n_children > 0) {
    node = &node->children[0];
  }
  return node->leaf;
}

uint32_t firn_parquet_wanted_leaves(const firn_parquet_node *node, const bool *wanted) {
  uint32_t count = firn_parquet_count_leaves(node);
  if (wanted == NULL) {
    return count;
  }
  const bool *below = wanted + firn_parquet_first_leaf(node);
  uint32_t n = 0;
  for (uint32_t i = 0; i < count; i++) {
    n += below[i];
  }
  return n;
}

/* What all columns of a reader have in common. */
typedef struct making {
  const bool *wanted;
  firn_parquet_leaf **leaves;
  firn_arena *arena;
} making;

static firn_status init_column(const making *m, firn_parquet_column *c, const firn_parquet_node *node,
                               bool is_element, const firn_parquet_column *above, firn_vector *vector,
                               firn_error *err);

static firn_status init_leaf(firn_parquet_column *c, const firn_parquet_node *node,
                             firn_parquet_leaf **leaves, firn_error *err) {
  c->leaf = (*leaves)++;
  FIRN_TRY(firn_parquet_leaf_init(c->leaf, node, err));
  c->leaf->slot_def = c->slot_def;
  c->leaf->keeps_levels = node->max_def > 1 || node->repetition != FIRN_PARQUET_OPTIONAL;
  c->kind = c->leaf->kind;
  c->vector->kind = c->kind;
  c->leaf->vector = c->vector;
  return FIRN_OK;
}

static firn_status init_children(const making *m, firn_parquet_column *c, const firn_parquet_node *node,
                                 const firn_parquet_shape *shape, firn_error *err) {
  bool is_struct = c->kind == FIRN_KIND_STRUCT;
  uint32_t n = is_struct ? node->n_children : c->kind == FIRN_KIND_MAP ? 2 : 1;
  c->children = firn_new_n(m->arena, firn_parquet_column, n);
  firn_vector *vectors = firn_new_n(m->arena, firn_vector, n);
  if (c->children == NULL || vectors == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the columns");
  }
  c->leaf = *m->leaves;
  c->vector->children = vectors;
  for (uint32_t i = 0; i < n; i++) {
    const firn_parquet_node *child = is_struct ? &node->children[i] : shape->children[i];
    if (firn_parquet_wanted_leaves(child, m->wanted) == 0) {
      if (!is_struct) {
        return firn_error_set(err, FIRN_INVALID, "no leaf of an entry of %s is wanted", node->name);
      }
      continue;
    }
    uint32_t at = c->n_children++;
    FIRN_TRY(init_column(m, &c->children[at], child, !is_struct && shape->element_is_repeated, c,
                         &vectors[at], err));
  }
  c->vector->n_children = c->n_children;
  return FIRN_OK;
}

static firn_status init_column(const making *m, firn_parquet_column *c, const firn_parquet_node *node,
                               bool is_element, const firn_parquet_column *above, firn_vector *vector,
                               firn_error *err) {
  firn_parquet_shape shape;
  FIRN_TRY(firn_parquet_shape_of(node, is_element, &shape, err));
  if (node->max_def > FIRN_PARQUET_MAX_LEVEL || node->max_rep > FIRN_PARQUET_MAX_LEVEL) {
    return firn_error_set(err, FIRN_LIMIT, "column %s nests deeper than %d levels", node->name,
                          FIRN_PARQUET_MAX_LEVEL);
  }
  c->vector = vector;
  if (above != NULL) { /* a slot is an entry of the nearest list */
    bool in_list = above->kind == FIRN_KIND_LIST || above->kind == FIRN_KIND_MAP;
    c->slot_rep = in_list ? above->entry_rep : above->slot_rep;
    c->slot_def = in_list ? above->entry_def : above->slot_def;
  }
  c->nullable = node->repetition == FIRN_PARQUET_OPTIONAL;
  c->valid_def = (uint8_t)node->max_def;
  if (shape.kind == FIRN_KIND_UNKNOWN) {
    return init_leaf(c, node, m->leaves, err);
  }
  c->kind = vector->kind = shape.kind;
  if (shape.kind != FIRN_KIND_STRUCT) {
    c->entry_rep = (uint8_t)shape.repeated->max_rep;
    c->entry_def = (uint8_t)shape.repeated->max_def;
  }
  return init_children(m, c, node, &shape, err);
}

firn_status firn_parquet_column_init(firn_parquet_column *c, const firn_parquet_node *node,
                                     const bool *wanted, firn_vector *vector, firn_parquet_leaf **leaves,
                                     firn_arena *arena, firn_error *err) {
  making m = {wanted, leaves, arena};
  return init_column(&m, c, node, false, NULL, vector, err);
}

void firn_parquet_column_free(firn_parquet_column *c) {
  for (uint32_t i = 0; c->children != NULL && i < c->n_children; i++) {
    firn_parquet_column_free(&c->children[i]);
  }
  firn_parquet_buffer_free(&c->validity);
  firn_parquet_buffer_free(&c->offsets);
}

/* Writes bits one after the other, a word at a time. The last word is written by bits_end. */
typedef struct bit_writer {
  uint64_t *words; /* NULL: only counted */
  uint64_t word;
  size_t n, n_clear;
} bit_writer;

static void bits_add(bit_writer *b, bool set) {
  b->word |= (uint64_t)set << (b->n % 64);
  b->n_clear += !set;
  if (++b->n % 64 == 0) {
    if (b->words != NULL) {
      b->words[b->n / 64 - 1] = b->word;
    }
    b->word = 0;
  }
}

static void bits_end(bit_writer *b) {
  if (b->words != NULL && b->n % 64 != 0) {
    b->words[b->n / 64] = b->word;
  }
}

/* Levels of the column's first leaf; `rep` is NULL where they are all 0. */
typedef struct levels {
  const uint8_t *def, *rep;
  size_t n;
} levels;

static levels levels_of(const firn_parquet_column *c) {
  const firn_parquet_leaf *l = c->leaf;
  return (levels){l->def_levels.data, l->max_rep > 0 ? l->rep_levels.data : NULL, l->n_levels};
}

static void set_validity(firn_parquet_column *c, size_t n_nulls) {
  c->vector->n_nulls = n_nulls;
  c->vector->validity = n_nulls > 0 ? (uint64_t *)(void *)c->validity.data : NULL;
}

static firn_status assemble_struct(firn_parquet_column *c, size_t n_rows, firn_error *err) {
  levels l = levels_of(c);
  bit_writer bits = {0};
  c->vector->len = n_rows;
  set_validity(c, 0);
  if (c->slot_def == 0 && !c->nullable) { /* one for every row */
    return FIRN_OK;
  }
  if (c->nullable) {
    FIRN_TRY(firn_parquet_buffer_reserve(&c->validity, firn_bit_words(l.n) * sizeof *bits.words, err));
    bits.words = (uint64_t *)(void *)c->validity.data;
  }
  for (size_t i = 0; i < l.n; i++) {
    if ((l.rep == NULL || l.rep[i] <= c->slot_rep) && l.def[i] >= c->slot_def) {
      bits_add(&bits, !c->nullable || l.def[i] >= c->valid_def);
    }
  }
  bits_end(&bits);
  c->vector->len = bits.n;
  set_validity(c, bits.n_clear);
  return FIRN_OK;
}

static firn_status assemble_list(firn_parquet_column *c, firn_error *err) {
  levels l = levels_of(c);
  FIRN_TRY(firn_parquet_buffer_reserve(&c->offsets, (l.n + 1) * sizeof(int32_t), err));
  FIRN_TRY(firn_parquet_buffer_reserve(&c->validity, firn_bit_words(l.n) * sizeof(uint64_t), err));
  int32_t *offsets = (int32_t *)(void *)c->offsets.data;
  bit_writer bits = {.words = (uint64_t *)(void *)c->validity.data};
  int32_t n_entries = 0;
  for (size_t i = 0; i < l.n; i++) {
    uint8_t rep = l.rep[i];
    uint8_t def = l.def[i];
    if (rep <= c->slot_rep && def >= c->slot_def) {
      offsets[bits.n] = n_entries;
      bits_add(&bits, !c->nullable || def >= c->valid_def);
    }
    if (rep <= c->entry_rep && def >= c->entry_def) {
      if (bits.n == 0) {
        return firn_error_set(err, FIRN_CORRUPT, "an entry of a list that has not begun");
      }
      n_entries++;
    }
  }
  bits_end(&bits);
  offsets[bits.n] = n_entries;
  c->vector->len = bits.n;
  c->vector->offsets = offsets;
  set_validity(c, bits.n_clear);
  return FIRN_OK;
}

firn_status firn_parquet_column_assemble(firn_parquet_column *c, size_t n_rows, firn_error *err) {
  if (c->n_children == 0) {
    return FIRN_OK;
  }
  bool is_struct = c->kind == FIRN_KIND_STRUCT;
  FIRN_TRY(is_struct ? assemble_struct(c, n_rows, err) : assemble_list(c, err));
  size_t n = is_struct ? c->vector->len : (size_t)c->vector->offsets[c->vector->len];
  for (uint32_t i = 0; i < c->n_children; i++) {
    FIRN_TRY(firn_parquet_column_assemble(&c->children[i], n_rows, err));
    if (c->children[i].vector->len != n) {
      return firn_error_set(err, FIRN_CORRUPT, "its parts do not agree on how many values there are");
    }
  }
  return FIRN_OK;
}
