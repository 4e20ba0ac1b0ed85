#include "iceberg/expr/expr.h"

#include <assert.h>

#include "base/time.h"
#include "iceberg/expr/expr_internal.h"

static const firn_expr always = {.op = FIRN_EXPR_TRUE};
static const firn_expr never = {.op = FIRN_EXPR_FALSE};

const firn_expr *firn_expr_constant(bool value) {
  return value ? &always : &never;
}

static const firn_expr *make(firn_arena *arena, firn_expr e) {
  firn_expr *made = firn_new(arena, firn_expr);
  if (made != NULL) {
    *made = e;
  }
  return made;
}

const firn_expr *firn_expr_not(const firn_expr *e, firn_arena *arena) {
  if (e == NULL) {
    return NULL;
  }
  switch (e->op) {
    case FIRN_EXPR_TRUE:
      return &never;
    case FIRN_EXPR_FALSE:
      return &always;
    case FIRN_EXPR_NOT:
      return e->left;
    default:
      return make(arena, (firn_expr){.op = FIRN_EXPR_NOT, .left = e});
  }
}

/* `neutral` AND x is x, its opposite AND x is that opposite; for OR the other way round. */
static const firn_expr *join(firn_expr_op op, firn_expr_op neutral, const firn_expr *left,
                             const firn_expr *right, firn_arena *arena) {
  if (left == NULL || right == NULL) {
    return NULL;
  }
  if (left->op == neutral || right->op <= FIRN_EXPR_FALSE) {
    return right->op == neutral ? left : right;
  }
  if (left->op <= FIRN_EXPR_FALSE) {
    return left;
  }
  return make(arena, (firn_expr){.op = op, .left = left, .right = right});
}

const firn_expr *firn_expr_and(const firn_expr *left, const firn_expr *right, firn_arena *arena) {
  return join(FIRN_EXPR_AND, FIRN_EXPR_TRUE, left, right, arena);
}

const firn_expr *firn_expr_or(const firn_expr *left, const firn_expr *right, firn_arena *arena) {
  return join(FIRN_EXPR_OR, FIRN_EXPR_FALSE, left, right, arena);
}

const firn_expr *firn_expr_join(firn_expr_op op, const firn_expr *const *operands, size_t n,
                                firn_arena *arena) {
  assert(n > 0 && (op == FIRN_EXPR_AND || op == FIRN_EXPR_OR));
  if (n == 1) {
    return operands[0];
  }
  size_t half = n - n / 2;
  const firn_expr *left = firn_expr_join(op, operands, half, arena);
  const firn_expr *right = firn_expr_join(op, operands + half, n - half, arena);
  return op == FIRN_EXPR_AND ? firn_expr_and(left, right, arena) : firn_expr_or(left, right, arena);
}

const firn_expr *firn_expr_unary(firn_expr_op op, const char *name, firn_arena *arena) {
  assert(firn_op_is_unary(op));
  return name == NULL ? NULL : make(arena, (firn_expr){.op = op, .name = name});
}

const firn_expr *firn_expr_compare(firn_expr_op op, const char *name, firn_literal literal,
                                   firn_arena *arena) {
  assert(op >= FIRN_EXPR_LT && op <= FIRN_EXPR_NOT_STARTS_WITH && !literal.value.is_null);
  firn_literal *kept = firn_new(arena, firn_literal);
  if (kept == NULL || name == NULL) {
    return NULL;
  }
  *kept = literal;
  return make(arena, (firn_expr){.op = op, .name = name, .n_literals = 1, .literals = kept});
}

const firn_expr *firn_expr_in(firn_expr_op op, const char *name, const firn_literal *literals, size_t n,
                              firn_arena *arena) {
  assert(firn_op_is_set(op));
  if (name == NULL || (literals == NULL && n > 0)) {
    return NULL;
  }
  if (n == 0) {
    return firn_expr_constant(op == FIRN_EXPR_NOT_IN);
  }
  return make(arena, (firn_expr){.op = op, .name = name, .n_literals = n, .literals = literals});
}

const firn_expr *firn_expr_like(const firn_expr *from, firn_expr_op op, const firn_literal *literals,
                                size_t n, firn_arena *arena) {
  firn_expr e = *from;
  e.op = op;
  e.literals = literals;
  e.n_literals = n;
  return make(arena, e);
}

firn_literal firn_literal_bool(bool v) {
  return (firn_literal){.value = {.kind = FIRN_KIND_BOOLEAN, .boolean = v}};
}

firn_literal firn_literal_long(int64_t v) {
  return (firn_literal){.value = {.kind = FIRN_KIND_LONG, .i64 = v}};
}

firn_literal firn_literal_double(double v) {
  return (firn_literal){.value = {.kind = FIRN_KIND_DOUBLE, .f64 = v}};
}

firn_literal firn_literal_text(const char *v) {
  return (firn_literal){.value = {.kind = FIRN_KIND_STRING, .bytes = firn_bytes_of(v)}};
}

firn_expr_op firn_op_negated(firn_expr_op op) {
  static const firn_expr_op negated[] = {
      [FIRN_EXPR_TRUE] = FIRN_EXPR_FALSE,
      [FIRN_EXPR_FALSE] = FIRN_EXPR_TRUE,
      [FIRN_EXPR_AND] = FIRN_EXPR_OR,
      [FIRN_EXPR_OR] = FIRN_EXPR_AND,
      [FIRN_EXPR_IS_NULL] = FIRN_EXPR_NOT_NULL,
      [FIRN_EXPR_NOT_NULL] = FIRN_EXPR_IS_NULL,
      [FIRN_EXPR_IS_NAN] = FIRN_EXPR_NOT_NAN,
      [FIRN_EXPR_NOT_NAN] = FIRN_EXPR_IS_NAN,
      [FIRN_EXPR_LT] = FIRN_EXPR_GT_EQ,
      [FIRN_EXPR_LT_EQ] = FIRN_EXPR_GT,
      [FIRN_EXPR_GT] = FIRN_EXPR_LT_EQ,
      [FIRN_EXPR_GT_EQ] = FIRN_EXPR_LT,
      [FIRN_EXPR_EQ] = FIRN_EXPR_NOT_EQ,
      [FIRN_EXPR_NOT_EQ] = FIRN_EXPR_EQ,
      [FIRN_EXPR_STARTS_WITH] = FIRN_EXPR_NOT_STARTS_WITH,
      [FIRN_EXPR_NOT_STARTS_WITH] = FIRN_EXPR_STARTS_WITH,
      [FIRN_EXPR_IN] = FIRN_EXPR_NOT_IN,
      [FIRN_EXPR_NOT_IN] = FIRN_EXPR_IN,
  };
  assert(op != FIRN_EXPR_NOT && (size_t)op < FIRN_COUNT_OF(negated));
  return negated[op];
}

bool firn_value_is_nan(const firn_value *v) {
  return !v->is_null && ((v->kind == FIRN_KIND_FLOAT && v->f32 != v->f32) ||
                         (v->kind == FIRN_KIND_DOUBLE && v->f64 != v->f64));
}

static int order_real(double a, double b) {
  if (a == b) {
    return 0;
  }
  if (a < b || a > b) {
    return a < b ? -1 : 1;
  }
  return (int)(a != a) - (int)(b != b);
}

int firn_value_order(const firn_value *a, const firn_value *b) {
  assert(!a->is_null && !b->is_null);
  if (a->kind == FIRN_KIND_LONG) { /* the commonest, and the compiler then sees a short way */
    return (a->i64 > b->i64) - (a->i64 < b->i64);
  }
  if (a->kind == FIRN_KIND_DOUBLE) {
    return order_real(a->f64, b->f64);
  }
  if (a->kind == FIRN_KIND_FLOAT) {
    return order_real((double)a->f32, (double)b->f32);
  }
  return firn_value_compare(a, b);
}

bool firn_literals_have(const firn_expr *e, const firn_value *v) {
  size_t low = 0, high = e->n_literals;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = firn_value_order(&e->literals[middle].value, v);
    if (order == 0) {
      return true;
    }
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

static bool compare_holds(const firn_expr *e, const firn_value *v) {
  const firn_value *literal = &e->literals[0].value;
  switch (e->op) {
    case FIRN_EXPR_LT:
      return firn_value_order(v, literal) < 0;
    case FIRN_EXPR_LT_EQ:
      return firn_value_order(v, literal) <= 0;
    case FIRN_EXPR_GT:
      return firn_value_order(v, literal) > 0;
    case FIRN_EXPR_GT_EQ:
      return firn_value_order(v, literal) >= 0;
    case FIRN_EXPR_EQ:
      return firn_value_order(v, literal) == 0;
    case FIRN_EXPR_NOT_EQ:
      return firn_value_order(v, literal) != 0;
    case FIRN_EXPR_STARTS_WITH:
      return firn_bytes_has_prefix(v->bytes, literal->bytes);
    default:
      assert(e->op == FIRN_EXPR_NOT_STARTS_WITH);
      return !firn_bytes_has_prefix(v->bytes, literal->bytes);
  }
}

bool firn_predicate_holds(const firn_expr *e, const firn_value *v) {
  switch (e->op) {
    case FIRN_EXPR_IS_NULL:
      return v->is_null;
    case FIRN_EXPR_NOT_NULL:
      return !v->is_null;
    case FIRN_EXPR_IS_NAN:
      return firn_value_is_nan(v);
    case FIRN_EXPR_NOT_NAN:
      return !firn_value_is_nan(v);
    case FIRN_EXPR_IN:
      return !v->is_null && firn_literals_have(e, v);
    case FIRN_EXPR_NOT_IN:
      return v->is_null || !firn_literals_have(e, v);
    default:
      if (v->is_null) {
        return e->op == FIRN_EXPR_NOT_EQ || e->op == FIRN_EXPR_NOT_STARTS_WITH;
      }
      return compare_holds(e, v);
  }
}

static bool is_ns(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP_NS || k == FIRN_KIND_TIMESTAMPTZ_NS;
}

static bool adapt_number(const firn_value *v, firn_kind to, firn_value *out) {
  out->kind = to;
  switch (to) {
    case FIRN_KIND_LONG:
      out->i64 = v->i32;
      return v->kind == FIRN_KIND_INT;
    case FIRN_KIND_INT:
      if (v->kind == FIRN_KIND_LONG) {
        out->i32 = (int32_t)v->i64;
        return v->i64 >= INT32_MIN && v->i64 <= INT32_MAX;
      }
      out->i32 = v->i32;
      return v->kind ==
             FIRN_KIND_DATE; /* the result of `day`: a date for some writers, a number for others */
    case FIRN_KIND_DATE:
      out->i32 = v->i32;
      return v->kind == FIRN_KIND_INT;
    case FIRN_KIND_DOUBLE:
      out->f64 = (double)v->f32;
      return v->kind == FIRN_KIND_FLOAT;
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMP_NS: {
      int64_t per_day = is_ns(to) ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY;
      return v->kind == FIRN_KIND_DATE && !__builtin_mul_overflow((int64_t)v->i32, per_day, &out->i64);
    }
    default:
      return false;
  }
}

bool firn_value_adapt(const firn_value *v, const firn_field *from, const firn_field *to, firn_value *out) {
  *out = *v;
  if (v->is_null) {
    out->kind = to->kind;
    return true;
  }
  if (v->kind != from->kind) {
    return false;
  }
  if (from->kind == to->kind) {
    return from->scale == to->scale && from->width == to->width;
  }
  firn_value in = *v;
  return adapt_number(&in, to->kind, out);
}

static bool same_literal(const firn_literal *a, const firn_literal *b) {
  return a->value.kind == b->value.kind && a->scale == b->scale &&
         firn_value_compare(&a->value, &b->value) == 0;
}

static bool same_predicate(const firn_expr *a, const firn_expr *b) {
  bool bound = a->field != NULL;
  if (a->n_literals != b->n_literals || bound != (b->field != NULL) ||
      !firn_transform_equal(&a->transform, &b->transform) ||
      (bound ? a->field->id != b->field->id || a->type.kind != b->type.kind
             : strcmp(a->name, b->name) != 0)) {
    return false;
  }
  for (size_t i = 0; i < a->n_literals; i++) {
    if (!same_literal(&a->literals[i], &b->literals[i])) {
      return false;
    }
  }
  return true;
}

bool firn_expr_equal(const firn_expr *a, const firn_expr *b) {
  if (a == b) {
    return true;
  }
  if (a->op != b->op) {
    return false;
  }
  switch (a->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return true;
    case FIRN_EXPR_NOT:
      return firn_expr_equal(a->left, b->left);
    case FIRN_EXPR_AND:
    case FIRN_EXPR_OR:
      return firn_expr_equal(a->left, b->left) && firn_expr_equal(a->right, b->right);
    default:
      return same_predicate(a, b);
  }
}

typedef struct id_list {
  firn_arena *arena;
  int32_t *ids;
  size_t n, capacity;
} id_list;

static firn_status add_id(id_list *list, int32_t id, firn_error *err) {
  size_t at = 0;
  while (at < list->n && list->ids[at] < id) {
    at++;
  }
  if (at < list->n && list->ids[at] == id) {
    return FIRN_OK;
  }
  int32_t *room = firn_arena_grow(list->arena, list->ids, list->n, &list->capacity, sizeof *room);
  if (room == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an expression");
  }
  list->ids = room;
  if (at < list->n) {
    memmove(room + at + 1, room + at, (list->n - at) * sizeof *room);
  }
  room[at] = id;
  list->n++;
  return FIRN_OK;
}

static firn_status collect_ids(const firn_expr *e, id_list *list, firn_error *err) {
  if (e->op <= FIRN_EXPR_FALSE) {
    return FIRN_OK;
  }
  if (firn_op_is_predicate(e->op)) {
    assert(e->field != NULL);
    return add_id(list, e->field->id, err);
  }
  FIRN_TRY(collect_ids(e->left, list, err));
  return e->op == FIRN_EXPR_NOT ? FIRN_OK : collect_ids(e->right, list, err);
}

firn_status firn_expr_field_ids(const firn_expr *e, firn_arena *arena, const int32_t **ids, size_t *n,
                                firn_error *err) {
  id_list list = {.arena = arena};
  FIRN_TRY(collect_ids(e, &list, err));
  *ids = list.ids;
  *n = list.n;
  return FIRN_OK;
}
