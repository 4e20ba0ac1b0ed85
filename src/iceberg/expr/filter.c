/* Expressions over batches: each predicate makes a bitmap of its whole column, AND and OR join bitmaps. */
#include <assert.h>

#include "iceberg/expr/compare_internal.h"
#include "iceberg/expr/evaluate.h"
#include "iceberg/expr/expr_internal.h"

typedef struct filtering {
  const firn_batch *batch;
  bool missing_matches;
  firn_arena *arena;
  size_t n_words;
} filtering;

/* A column of the batch, below structs too. */
typedef struct column {
  const firn_field *field;
  const firn_vector *vector;
  const uint64_t *validity; /* of the structs around it too; NULL: none is null */
} column;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to filter a batch");
}

static void fill(uint64_t *out, size_t n_words, bool value) {
  if (n_words > 0) {
    memset(out, value ? 0xFF : 0, n_words * sizeof *out);
  }
}

static uint64_t *new_bits(const filtering *f, firn_error *err) {
  uint64_t *bits = firn_new_n(f->arena, uint64_t, f->n_words + 1);
  if (bits == NULL) {
    (void)no_memory(err);
  }
  return bits;
}

/* Rows where both the column and what is around it are there. */
static firn_status join_validity(const filtering *f, const uint64_t *around, column *c, firn_error *err) {
  if (around == NULL || c->validity == NULL) {
    c->validity = around == NULL ? c->validity : around;
    return FIRN_OK;
  }
  uint64_t *both = new_bits(f, err);
  if (both == NULL) {
    return FIRN_NOMEM;
  }
  for (size_t i = 0; i < f->n_words; i++) {
    both[i] = around[i] & c->validity[i];
  }
  c->validity = both;
  return FIRN_OK;
}

static firn_status find_column(const filtering *f, const firn_field *parent, const firn_vector *vectors,
                               const uint64_t *around, int32_t id, column *out, firn_error *err) {
  for (uint32_t i = 0; i < parent->n_children && out->vector == NULL; i++) {
    const firn_field *child = &parent->children[i];
    column c = {child, &vectors[i], vectors[i].validity};
    if (child->id == id) {
      FIRN_TRY(join_validity(f, around, &c, err));
      *out = c;
    } else if (child->kind == FIRN_KIND_STRUCT && firn_field_find(child, id) != NULL) {
      FIRN_TRY(join_validity(f, around, &c, err));
      FIRN_TRY(find_column(f, child, vectors[i].children, c.validity, id, out, err));
    }
  }
  return FIRN_OK;
}

/* LT, LT_EQ or EQ, and whether the answer is to be turned round. */
static firn_compare_op question_of(firn_expr_op op, bool *turned) {
  *turned = op == FIRN_EXPR_GT || op == FIRN_EXPR_GT_EQ || op == FIRN_EXPR_NOT_EQ || op == FIRN_EXPR_NOT_IN ||
            op == FIRN_EXPR_NOT_STARTS_WITH || op == FIRN_EXPR_NOT_NAN;
  switch (op) {
    case FIRN_EXPR_LT:
    case FIRN_EXPR_GT_EQ:
      return FIRN_COMPARE_LT;
    case FIRN_EXPR_LT_EQ:
    case FIRN_EXPR_GT:
      return FIRN_COMPARE_LT_EQ;
    default:
      return FIRN_COMPARE_EQ;
  }
}

/* Booleans are bits already: false < true. */
static void compare_bits(const uint64_t *v, size_t n_words, firn_compare_op op, bool x, uint64_t *out) {
  for (size_t i = 0; i < n_words; i++) {
    switch (op) {
      case FIRN_COMPARE_LT:
        out[i] = x ? ~v[i] : 0;
        break;
      case FIRN_COMPARE_LT_EQ:
        out[i] = x ? ~UINT64_C(0) : ~v[i];
        break;
      default:
        out[i] = x ? v[i] : ~v[i];
    }
  }
}

static void compare(const filtering *f, const firn_vector *v, firn_compare_op op, const firn_value *x,
                    uint64_t *out) {
  size_t n = f->batch->n_rows;
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      compare_bits(v->bits, f->n_words, op, x->boolean, out);
      break;
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      firn_compare_i32(v->i32, n, op, x->i32, out);
      break;
    case FIRN_KIND_FLOAT:
      firn_compare_f32(v->f32, n, op, x->f32, out);
      break;
    case FIRN_KIND_DOUBLE:
      firn_compare_f64(v->f64, n, op, x->f64, out);
      break;
    case FIRN_KIND_DECIMAL:
      firn_compare_decimal(v->dec, n, op, x->dec, out);
      break;
    default:
      if (firn_kind_is_bytes(v->kind)) {
        firn_compare_bytes(v->bytes, n, op, x->bytes, out);
      } else {
        firn_compare_i64(v->i64, n, op, x->i64, out);
      }
  }
}

/* Where every row is there. IN of booleans is EQ or everything by the time it comes here, unless both are in
 * it. */
static firn_status ask(const filtering *f, const firn_expr *e, const firn_vector *v, uint64_t *out,
                       bool *turned, firn_error *err) {
  size_t n = f->batch->n_rows;
  firn_compare_op op = question_of(e->op, turned);
  switch (e->op) {
    case FIRN_EXPR_IS_NAN:
    case FIRN_EXPR_NOT_NAN:
      if (v->kind == FIRN_KIND_FLOAT) {
        firn_nan_f32(v->f32, n, out);
      } else {
        firn_nan_f64(v->f64, n, out);
      }
      return FIRN_OK;
    case FIRN_EXPR_STARTS_WITH:
    case FIRN_EXPR_NOT_STARTS_WITH:
      firn_prefix_bytes(v->bytes, n, e->literals[0].value.bytes, out);
      return FIRN_OK;
    case FIRN_EXPR_IN:
    case FIRN_EXPR_NOT_IN: {
      if (v->kind == FIRN_KIND_BOOLEAN) {
        fill(out, f->n_words, true);
        return FIRN_OK;
      }
      const firn_value_set *set = firn_value_set_new(v->kind, e->literals, e->n_literals, n, f->arena);
      if (set == NULL) {
        return no_memory(err);
      }
      firn_value_set_has(set, v->values, n, out);
      return FIRN_OK;
    }
    default:
      compare(f, v, op, &e->literals[0].value, out);
      return FIRN_OK;
  }
}

/* Null has an answer of its own: false, or true for the opposites. */
static void settle(const filtering *f, firn_expr_op op, const uint64_t *validity, bool turned,
                   uint64_t *out) {
  bool null_matches = op == FIRN_EXPR_NOT_EQ || op == FIRN_EXPR_NOT_IN || op == FIRN_EXPR_NOT_STARTS_WITH ||
                      op == FIRN_EXPR_NOT_NAN;
  uint64_t flip = turned ? ~UINT64_C(0) : 0;
  if (validity == NULL) {
    for (size_t i = 0; turned && i < f->n_words; i++) {
      out[i] = ~out[i];
    }
    return;
  }
  for (size_t i = 0; i < f->n_words; i++) {
    uint64_t answer = out[i] ^ flip;
    out[i] = null_matches ? answer | ~validity[i] : answer & validity[i];
  }
}

/* Terms that are a transform of the column: value by value. */
static firn_status ask_transformed(const filtering *f, const firn_expr *e, const column *c, uint64_t *out,
                                   firn_error *err) {
  firn_arena none = FIRN_ARENA_INIT(0);
  fill(out, f->n_words, false);
  for (size_t i = 0; i < f->batch->n_rows; i++) {
    firn_value in = {.kind = c->field->kind, .is_null = true}, v = {.kind = e->type.kind, .is_null = true};
    if (c->validity == NULL || firn_bit(c->validity, i)) {
      in = firn_value_at(c->vector, i);
      FIRN_TRY(firn_transform_apply(&e->transform, e->field, &in, &none, &v, err));
    }
    if (firn_predicate_holds(e, &v)) {
      firn_bit_set(out, i);
    }
  }
  return FIRN_OK;
}

static bool is_same_type(const firn_field *bound, const firn_field *there) {
  return bound->kind == there->kind && bound->scale == there->scale && bound->width == there->width;
}

static firn_status filter_predicate(const filtering *f, const firn_expr *e, uint64_t *out, firn_error *err) {
  column c = {NULL, NULL, NULL};
  if (e->field == NULL || e->op == FIRN_EXPR_NOT) {
    return firn_error_set(err, FIRN_INVALID, "an expression must be bound before it is evaluated");
  }
  FIRN_TRY(find_column(f, f->batch->schema, f->batch->columns, NULL, e->field->id, &c, err));
  if (c.vector == NULL && !f->missing_matches) {
    return firn_error_set(err, FIRN_NOT_FOUND, "the batch has no column with id %d", e->field->id);
  }
  if (c.vector == NULL) {
    fill(out, f->n_words, true);
    return FIRN_OK;
  }
  if (c.vector->kind == FIRN_KIND_UNKNOWN) { /* all null */
    firn_value null = {.kind = e->type.kind, .is_null = true};
    fill(out, f->n_words, firn_predicate_holds(e, &null));
    return FIRN_OK;
  }
  if (e->op == FIRN_EXPR_IS_NULL || e->op == FIRN_EXPR_NOT_NULL) {
    bool wants_null = e->op == FIRN_EXPR_IS_NULL;
    for (size_t i = 0; i < f->n_words; i++) {
      uint64_t valid = c.validity == NULL ? ~UINT64_C(0) : c.validity[i];
      out[i] = wants_null ? ~valid : valid;
    }
    return FIRN_OK;
  }
  if (c.vector->kind != e->field->kind || !is_same_type(e->field, c.field)) {
    return firn_error_set(err, FIRN_INVALID, "column %s is bound as %s and the batch has %s", e->field->name,
                          firn_kind_name(e->field->kind), firn_kind_name(c.vector->kind));
  }
  if (e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
    return ask_transformed(f, e, &c, out, err);
  }
  bool turned;
  FIRN_TRY(ask(f, e, c.vector, out, &turned, err));
  settle(f, e->op, c.validity, turned, out);
  return FIRN_OK;
}

/* Whether the rows of the batch all have the answer `value`, so that nothing can change it. */
static bool is_all(const filtering *f, const uint64_t *bits, bool value) {
  size_t whole = f->batch->n_rows / 64, rest = f->batch->n_rows % 64;
  uint64_t wanted = value ? ~UINT64_C(0) : 0;
  for (size_t i = 0; i < whole; i++) {
    if (bits[i] != wanted) {
      return false;
    }
  }
  return rest == 0 || ((bits[whole] ^ wanted) & ((UINT64_C(1) << rest) - 1)) == 0;
}

static firn_status filter_node(const filtering *f, const firn_expr *e, uint64_t *out, firn_error *err) {
  if (e->op <= FIRN_EXPR_FALSE) {
    fill(out, f->n_words, e->op == FIRN_EXPR_TRUE);
    return FIRN_OK;
  }
  if (e->op != FIRN_EXPR_AND && e->op != FIRN_EXPR_OR) {
    return filter_predicate(f, e, out, err);
  }
  bool is_and = e->op == FIRN_EXPR_AND;
  FIRN_TRY(filter_node(f, e->left, out, err));
  if (is_all(f, out, !is_and)) {
    return FIRN_OK;
  }
  uint64_t *other = new_bits(f, err);
  if (other == NULL) {
    return FIRN_NOMEM;
  }
  FIRN_TRY(filter_node(f, e->right, other, err));
  for (size_t i = 0; i < f->n_words; i++) {
    out[i] = is_and ? out[i] & other[i] : out[i] | other[i];
  }
  return FIRN_OK;
}

firn_status firn_expr_filter(const firn_expr *e, const firn_batch *batch, bool missing_matches,
                             firn_arena *arena, uint64_t *out, firn_error *err) {
  filtering f = {batch, missing_matches, arena, firn_bit_words(batch->n_rows)};
  return filter_node(&f, e, out, err);
}
