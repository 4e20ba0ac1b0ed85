/* Binding: names become fields, literals values of their types, NOT goes down to the predicates. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/literal_internal.h"
#include "iceberg/types/spec.h"

typedef struct binder {
  const firn_schema *schema;
  bool any_case;
  firn_arena *arena;
} binder;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an expression");
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* How much of `dotted` is `name` in any case; 0 when it does not begin with it. */
static size_t prefix_in_any_case(const char *name, const char *dotted) {
  size_t i = 0;
  for (; name[i] != '\0'; i++) {
    if (lower(name[i]) != lower(dotted[i])) {
      return 0;
    }
  }
  return i;
}

/* Counts the fields that the name fits in any case; `*found` is the last of them. */
static void find_in_any_case(const firn_field *parent, const char *dotted, const firn_field **found,
                             size_t *n_found) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    size_t len = prefix_in_any_case(child->name, dotted);
    if (len > 0 && dotted[len] == '\0') {
      *found = child;
      (*n_found)++;
    } else if (len > 0 && dotted[len] == '.') {
      find_in_any_case(child, dotted + len + 1, found, n_found);
    }
  }
}

/* Whether each struct on the way to the field, and the field, is required. */
static bool is_never_null(const firn_field *parent, const firn_field *field) {
  for (uint32_t i = 0; i < parent->n_children; i++) {
    const firn_field *child = &parent->children[i];
    if (child == field) {
      return field->required;
    }
    if (child->kind == FIRN_KIND_STRUCT && child->required && is_never_null(child, field)) {
      return true;
    }
  }
  return false;
}

static firn_status find_column(const binder *b, const firn_expr *e, const firn_field **out, firn_error *err) {
  const firn_field *found;
  size_t n_found = 0;
  if (e->field != NULL) {
    found = firn_spec_source(b->schema, e->field->id);
    if (found == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND, "there is no column with id %d", e->field->id);
    }
    *out = found;
    return FIRN_OK;
  }
  found = firn_schema_find(b->schema, e->name);
  if (found == NULL && b->any_case) {
    find_in_any_case(&b->schema->root, e->name, &found, &n_found);
  }
  if (n_found > 1) {
    return firn_error_set(err, FIRN_INVALID, "the name %.200s fits %zu columns", e->name, n_found);
  }
  if (found == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no column %.200s", e->name);
  }
  if (firn_spec_source(b->schema, found->id) != found) {
    return firn_error_set(err, FIRN_INVALID,
                          "column %.200s lies in a list or a map: it has no one value a row", e->name);
  }
  *out = found;
  return FIRN_OK;
}

/* Which predicates a type takes. */
static firn_status check_op(const firn_expr *e, const firn_field *type, firn_error *err) {
  bool is_single = !firn_kind_is_nested(type->kind) && type->kind < FIRN_KIND_VARIANT;
  if (e->op == FIRN_EXPR_IS_NULL || e->op == FIRN_EXPR_NOT_NULL) {
    return FIRN_OK;
  }
  if (!is_single) {
    return firn_error_set(err, FIRN_INVALID, "column %.200s is a %s: it can only be null or not null",
                          e->name, firn_kind_name(type->kind));
  }
  bool asks_nan = e->op == FIRN_EXPR_IS_NAN || e->op == FIRN_EXPR_NOT_NAN;
  if (asks_nan && !firn_kind_is_real(type->kind) && type->kind != FIRN_KIND_UNKNOWN) {
    return firn_error_set(err, FIRN_INVALID, "column %.200s is a %s, which is never NaN", e->name,
                          firn_kind_name(type->kind));
  }
  bool asks_prefix = e->op == FIRN_EXPR_STARTS_WITH || e->op == FIRN_EXPR_NOT_STARTS_WITH;
  if (asks_prefix && type->kind != FIRN_KIND_STRING && type->kind != FIRN_KIND_UNKNOWN) {
    return firn_error_set(err, FIRN_INVALID, "column %.200s is a %s: only text starts with something",
                          e->name, firn_kind_name(type->kind));
  }
  return FIRN_OK;
}

/* A predicate whose column and type are known, on its way to be bound. */
typedef struct bound {
  const binder *b;
  firn_expr base; /* field, type, name, transform */
  bool never_null;
} bound;

static firn_status give(const firn_expr *made, const firn_expr **out, firn_error *err) {
  *out = made;
  return made == NULL ? no_memory(err) : FIRN_OK;
}

static const firn_expr *unary(const bound *p, firn_expr_op op) {
  if (p->never_null && (op == FIRN_EXPR_IS_NULL || op == FIRN_EXPR_NOT_NULL)) {
    return firn_expr_constant(op == FIRN_EXPR_NOT_NULL);
  }
  return firn_expr_like(&p->base, op, NULL, 0, p->b->arena);
}

static const firn_expr *with_value(const bound *p, firn_expr_op op, firn_value v) {
  firn_literal *literal = firn_new(p->b->arena, firn_literal);
  if (literal == NULL) {
    return NULL;
  }
  *literal = (firn_literal){.value = v, .precision = p->base.type.precision, .scale = p->base.type.scale};
  return firn_expr_like(&p->base, op, literal, 1, p->b->arena);
}

/* A comparison with a literal that lies above or below all values of the type. Floats have infinities and
 * NaN out there. */
static const firn_expr *beyond(const bound *p, firn_expr_op op, firn_fit fit) {
  bool wants_less = op == FIRN_EXPR_LT || op == FIRN_EXPR_LT_EQ;
  if (op == FIRN_EXPR_EQ || op == FIRN_EXPR_NOT_EQ) {
    return firn_expr_constant(op == FIRN_EXPR_NOT_EQ);
  }
  if (firn_kind_is_real(p->base.type.kind)) {
    double end = fit == FIRN_FIT_ABOVE ? (double)INFINITY : -(double)INFINITY;
    firn_value v = {.kind = p->base.type.kind};
    if (v.kind == FIRN_KIND_FLOAT) {
      v.f32 = (float)end;
    } else {
      v.f64 = end;
    }
    if (wants_less) {
      return with_value(p, fit == FIRN_FIT_ABOVE ? FIRN_EXPR_LT : FIRN_EXPR_LT_EQ, v);
    }
    return with_value(p, fit == FIRN_FIT_ABOVE ? FIRN_EXPR_GT_EQ : FIRN_EXPR_GT, v);
  }
  if (wants_less == (fit == FIRN_FIT_ABOVE)) {
    return unary(p, FIRN_EXPR_NOT_NULL);
  }
  return firn_expr_constant(false);
}

/* A comparison with a literal between `floor` and the next value of the type. */
static const firn_expr *between(const bound *p, firn_expr_op op, firn_value floor_value) {
  switch (op) {
    case FIRN_EXPR_EQ:
    case FIRN_EXPR_NOT_EQ:
      return firn_expr_constant(op == FIRN_EXPR_NOT_EQ);
    case FIRN_EXPR_LT:
    case FIRN_EXPR_LT_EQ:
      return with_value(p, FIRN_EXPR_LT_EQ, floor_value);
    default:
      return with_value(p, FIRN_EXPR_GT, floor_value);
  }
}

/* NaN is greater than every number and equal to itself. */
static const firn_expr *compare_with_nan(const bound *p, firn_expr_op op) {
  switch (op) {
    case FIRN_EXPR_EQ:
    case FIRN_EXPR_GT_EQ:
      return unary(p, FIRN_EXPR_IS_NAN);
    case FIRN_EXPR_NOT_EQ:
      return unary(p, FIRN_EXPR_NOT_NAN);
    case FIRN_EXPR_LT_EQ:
      return unary(p, FIRN_EXPR_NOT_NULL);
    case FIRN_EXPR_LT:
      return firn_expr_and(unary(p, FIRN_EXPR_NOT_NULL), unary(p, FIRN_EXPR_NOT_NAN), p->b->arena);
    default:
      return firn_expr_constant(false);
  }
}

static firn_status bind_compare(const bound *p, const firn_expr *e, firn_expr_op op, const firn_expr **out,
                                firn_error *err) {
  firn_value v;
  firn_fit fit;
  FIRN_TRY(firn_literal_convert(&e->literals[0], &p->base.type, p->b->arena, &v, &fit, err));
  bool is_prefix = op == FIRN_EXPR_STARTS_WITH || op == FIRN_EXPR_NOT_STARTS_WITH;
  if (is_prefix && v.bytes.len == 0) { /* every text begins with nothing */
    return give(unary(p, op == FIRN_EXPR_STARTS_WITH ? FIRN_EXPR_NOT_NULL : FIRN_EXPR_IS_NULL), out, err);
  }
  if (fit >= FIRN_FIT_BELOW) {
    return give(beyond(p, op, fit), out, err);
  }
  if (fit == FIRN_FIT_BETWEEN) {
    return give(between(p, op, v), out, err);
  }
  return give(firn_value_is_nan(&v) ? compare_with_nan(p, op) : with_value(p, op, v), out, err);
}

static int by_value(const void *a, const void *b) {
  return firn_value_order(&((const firn_literal *)a)->value, &((const firn_literal *)b)->value);
}

/* Sorts, and keeps each value once. */
static size_t distinct(firn_literal *literals, size_t n) {
  if (n == 0) {
    return 0;
  }
  qsort(literals, n, sizeof *literals, by_value);
  size_t kept = 1;
  for (size_t i = 1; i < n; i++) {
    if (by_value(&literals[kept - 1], &literals[i]) != 0) {
      literals[kept++] = literals[i];
    }
  }
  return kept;
}

static firn_status bind_set(const bound *p, const firn_expr *e, firn_expr_op op, const firn_expr **out,
                            firn_error *err) {
  firn_arena *arena = p->b->arena;
  bool is_in = op == FIRN_EXPR_IN, has_nan = false;
  size_t n = 0;
  firn_literal *kept = firn_new_n(arena, firn_literal, e->n_literals);
  if (kept == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < e->n_literals; i++) {
    firn_value v;
    firn_fit fit;
    FIRN_TRY(firn_literal_convert(&e->literals[i], &p->base.type, arena, &v, &fit, err));
    if (fit == FIRN_FIT_EXACT && firn_value_is_nan(&v)) {
      has_nan = true;
    } else if (fit == FIRN_FIT_EXACT) {
      kept[n++] =
          (firn_literal){.value = v, .precision = p->base.type.precision, .scale = p->base.type.scale};
    }
  }
  n = distinct(kept, n);
  const firn_expr *set = n == 0   ? firn_expr_constant(!is_in)
                         : n == 1 ? with_value(p, is_in ? FIRN_EXPR_EQ : FIRN_EXPR_NOT_EQ, kept[0].value)
                                  : firn_expr_like(&p->base, op, kept, n, arena);
  if (has_nan && is_in) {
    set = firn_expr_or(set, unary(p, FIRN_EXPR_IS_NAN), arena);
  } else if (has_nan) {
    set = firn_expr_and(set, unary(p, FIRN_EXPR_NOT_NAN), arena);
  }
  return give(set, out, err);
}

/* Of a column that is always null. */
static bool holds_for_null(firn_expr_op op) {
  return op == FIRN_EXPR_IS_NULL || op == FIRN_EXPR_NOT_NAN || op == FIRN_EXPR_NOT_EQ ||
         op == FIRN_EXPR_NOT_STARTS_WITH || op == FIRN_EXPR_NOT_IN;
}

static firn_status bind_predicate(const binder *b, const firn_expr *e, firn_expr_op op, const firn_expr **out,
                                  firn_error *err) {
  const firn_field *field;
  FIRN_TRY(find_column(b, e, &field, err));
  bound p = {.b = b, .base = {.name = e->name, .transform = e->transform, .field = field}};
  p.base.type = *field;
  if (e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
    if (e->transform.kind == FIRN_TRANSFORM_UNKNOWN || !firn_transform_takes(&e->transform, field)) {
      char text[64];
      firn_transform_text(&e->transform, text);
      return firn_error_set(err, FIRN_INVALID, "transform %s takes no %s, the type of %.200s", text,
                            firn_kind_name(field->kind), e->name);
    }
    firn_transform_result(&e->transform, field, &p.base.type);
  }
  p.never_null = e->transform.kind != FIRN_TRANSFORM_VOID && is_never_null(&b->schema->root, field);
  p.base.type.required = p.never_null;
  FIRN_TRY(check_op(e, &p.base.type, err));
  if (p.base.type.kind == FIRN_KIND_UNKNOWN || e->transform.kind == FIRN_TRANSFORM_VOID) {
    *out = firn_expr_constant(holds_for_null(op));
    return FIRN_OK;
  }
  if (firn_op_is_unary(op)) {
    return give(unary(&p, op), out, err);
  }
  firn_status status = firn_op_is_set(op) ? bind_set(&p, e, op, out, err) : bind_compare(&p, e, op, out, err);
  return status == FIRN_INVALID ? firn_error_while(err, status, "column %.200s", e->name) : status;
}

typedef struct operand {
  const firn_expr *e;
  bool negated;
} operand;

typedef struct operand_list {
  operand *items;
  size_t n, capacity;
} operand_list;

static bool push(operand_list *list, const firn_expr *e, bool negated, firn_arena *arena) {
  operand *room = firn_arena_grow(arena, list->items, list->n, &list->capacity, sizeof *room);
  if (room == NULL) {
    return false;
  }
  list->items = room;
  list->items[list->n++] = (operand){e, negated};
  return true;
}

static void strip_not(operand *o) {
  while (o->e->op == FIRN_EXPR_NOT) {
    o->e = o->e->left;
    o->negated = !o->negated;
  }
}

/* What the op is when NOT has come down to it. */
static firn_expr_op op_of(const operand *o) {
  return o->negated ? firn_op_negated(o->e->op) : o->e->op;
}

/* The operands of a chain that may lie around or below a NOT or come out of a predicate; what binding makes
 * of one goes into `bound_ones`. */
typedef struct chain {
  const binder *b;
  firn_expr_op op;
  unsigned depth;
  operand_list open, bound_ones;
} chain;

static firn_status bind_node(const binder *b, operand o, unsigned depth, const firn_expr **out,
                             firn_error *err);

/* What an operand became may be a chain of the same operator: a predicate that is two now, or what was left
 * when the other side of an operator folded away. Its depth is small, for it has been joined evenly. */
static bool keep(chain *c, const firn_expr *made) {
  if (made->op == c->op) {
    return keep(c, made->left) && keep(c, made->right);
  }
  if (made->op == (c->op == FIRN_EXPR_AND ? FIRN_EXPR_TRUE : FIRN_EXPR_FALSE)) {
    return true; /* says nothing here, and would unbalance the rest */
  }
  return push(&c->bound_ones, made, false, c->b->arena);
}

static firn_status take_operand(chain *c, operand o, firn_error *err) {
  const firn_expr *made;
  FIRN_TRY(bind_node(c->b, o, c->depth + 1, &made, err));
  return keep(c, made) ? FIRN_OK : no_memory(err);
}

/* A chain of one operator is as deep as it is long however it was built: its operands are found without
 * recursion, and joined again evenly. */
static firn_status bind_chain(const binder *b, operand first, unsigned depth, const firn_expr **out,
                              firn_error *err) {
  chain c = {.b = b, .op = op_of(&first), .depth = depth};
  if (!push(&c.open, first.e, first.negated, b->arena)) {
    return no_memory(err);
  }
  while (c.open.n > 0) {
    operand o = c.open.items[--c.open.n];
    strip_not(&o);
    if (op_of(&o) != c.op) {
      FIRN_TRY(take_operand(&c, o, err));
    } else if (!push(&c.open, o.e->right, o.negated, b->arena) ||
               !push(&c.open, o.e->left, o.negated, b->arena)) {
      return no_memory(err);
    }
  }
  if (c.bound_ones.n == 0) {
    *out = firn_expr_constant(c.op == FIRN_EXPR_AND);
    return FIRN_OK;
  }
  const firn_expr **operands = firn_new_n(b->arena, const firn_expr *, c.bound_ones.n);
  if (operands == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < c.bound_ones.n; i++) {
    operands[i] = c.bound_ones.items[i].e;
  }
  return give(firn_expr_join(c.op, operands, c.bound_ones.n, b->arena), out, err);
}

static firn_status bind_node(const binder *b, operand o, unsigned depth, const firn_expr **out,
                             firn_error *err) {
  if (depth > FIRN_EXPR_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "an expression is nested more than %d deep", FIRN_EXPR_MAX_DEPTH);
  }
  strip_not(&o);
  if (o.e->op == FIRN_EXPR_AND || o.e->op == FIRN_EXPR_OR) {
    return bind_chain(b, o, depth, out, err);
  }
  firn_expr_op op = op_of(&o);
  if (!firn_op_is_predicate(op)) {
    *out = firn_expr_constant(op == FIRN_EXPR_TRUE);
    return FIRN_OK;
  }
  return bind_predicate(b, o.e, op, out, err);
}

firn_status firn_expr_bind(const firn_expr *e, const firn_schema *schema, bool any_case, firn_arena *arena,
                           const firn_expr **out, firn_error *err) {
  const firn_expr *made = NULL;
  binder b = {schema, any_case, arena};
  FIRN_TRY(bind_node(&b, (operand){e, false}, 0, &made, err));
  *out = made;
  return FIRN_OK;
}
