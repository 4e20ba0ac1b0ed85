/* One predicate through one partition transform. Spec: Scan Planning (inclusive projection); Partition
 * Transforms. */
#include <assert.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/prune_internal.h"

/* A predicate on its way to another: the op and values that the partition field is to be compared with. */
typedef struct image {
  enum { NOTHING, EVERY, NONE, SAYS } says; /* EVERY: what is not null; NONE: no value */
  firn_expr_op op;
  size_t n;
  firn_value *values; /* room for twice as many as the predicate has */
} image;

typedef struct projection {
  const firn_expr *e;
  const firn_partition_field *field;
  const firn_field *child;
  bool strict;
  firn_arena *arena;
} projection;

static bool is_time_transform(firn_transform_kind k) {
  return k >= FIRN_TRANSFORM_YEAR && k <= FIRN_TRANSFORM_HOUR;
}

static bool is_text(firn_kind k) {
  return firn_kind_is_bytes(k);
}

/* The literal before or behind `v`; false when the type ends there. */
static bool step(const firn_value *v, int by, firn_value *out) {
  *out = *v;
  switch (v->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_DATE:
      return !__builtin_add_overflow(v->i32, by, &out->i32);
    case FIRN_KIND_DECIMAL:
      return !__builtin_add_overflow(v->dec, (firn_decimal)by, &out->dec);
    default:
      return !__builtin_add_overflow(v->i64, (int64_t)by, &out->i64);
  }
}

/* t(v) as the only value of the image, or NOTHING where t does not reach. */
static void through(const projection *p, const firn_value *v, firn_expr_op op, image *out) {
  firn_arena none = FIRN_ARENA_INIT(0);
  if (firn_transform_apply(&p->field->transform, p->e->field, v, &none, &out->values[out->n], NULL) !=
      FIRN_OK) {
    out->says = NOTHING;
    return;
  }
  out->says = SAYS;
  out->op = op;
  out->n++;
}

/* Through a transform that keeps order and has a value before and behind each. */
static void project_numbers(const projection *p, image *out) {
  const firn_value *v = &p->e->literals[0].value;
  firn_value next;
  switch (p->e->op) {
    case FIRN_EXPR_LT:
      if (p->strict) {
        through(p, v, FIRN_EXPR_LT, out);
      } else if (step(v, -1, &next)) {
        through(p, &next, FIRN_EXPR_LT_EQ, out);
      } else {
        out->says = NONE;
      }
      break;
    case FIRN_EXPR_LT_EQ:
      if (!p->strict) {
        through(p, v, FIRN_EXPR_LT_EQ, out);
      } else if (step(v, 1, &next)) {
        through(p, &next, FIRN_EXPR_LT, out);
      } else {
        out->says = EVERY;
      }
      break;
    case FIRN_EXPR_GT:
      if (p->strict) {
        through(p, v, FIRN_EXPR_GT, out);
      } else if (step(v, 1, &next)) {
        through(p, &next, FIRN_EXPR_GT_EQ, out);
      } else {
        out->says = NONE;
      }
      break;
    case FIRN_EXPR_GT_EQ:
      if (!p->strict) {
        through(p, v, FIRN_EXPR_GT_EQ, out);
      } else if (step(v, -1, &next)) {
        through(p, &next, FIRN_EXPR_GT, out);
      } else {
        out->says = EVERY;
      }
      break;
    default:
      out->says = NOTHING;
  }
}

/* A prefix that truncation leaves whole is asked of the truncated text as it is; a longer one is cut, and
 * then says only where it is not. */
static void project_prefix(const projection *p, image *out) {
  const firn_value *prefix = &p->e->literals[0].value;
  size_t width = (size_t)p->field->transform.width, len = firn_utf8_count(prefix->bytes);
  bool wants = p->e->op == FIRN_EXPR_STARTS_WITH;
  if (len <= width) {
    *out = (image){SAYS, p->e->op, 1, out->values};
    out->values[0] = *prefix;
    if (len == width) {
      out->op = wants ? FIRN_EXPR_EQ : FIRN_EXPR_NOT_EQ;
    }
  } else if (wants != p->strict) {
    through(p, prefix, wants ? FIRN_EXPR_EQ : FIRN_EXPR_NOT_EQ, out);
  }
}

static void project_text(const projection *p, image *out) {
  const firn_value *v = &p->e->literals[0].value;
  if (v->kind == FIRN_KIND_STRING && !firn_utf8_is_valid(v->bytes)) {
    return;
  }
  switch (p->e->op) {
    case FIRN_EXPR_LT:
    case FIRN_EXPR_LT_EQ:
      through(p, v, p->strict ? FIRN_EXPR_LT : FIRN_EXPR_LT_EQ, out);
      break;
    case FIRN_EXPR_GT:
    case FIRN_EXPR_GT_EQ:
      through(p, v, p->strict ? FIRN_EXPR_GT : FIRN_EXPR_GT_EQ, out);
      break;
    case FIRN_EXPR_STARTS_WITH:
    case FIRN_EXPR_NOT_STARTS_WITH:
      project_prefix(p, out);
      break;
    default:
      break;
  }
}

/* Equality goes through any function: what is equal stays equal, what differs after it differed before. */
static void project_equality(const projection *p, image *out) {
  bool wants = p->e->op == FIRN_EXPR_EQ || p->e->op == FIRN_EXPR_IN;
  if (wants == p->strict) {
    return;
  }
  for (size_t i = 0; i < p->e->n_literals; i++) {
    through(p, &p->e->literals[i].value, p->e->op, out);
    if (out->says != SAYS) {
      return;
    }
  }
}

/* Early Java writers rounded times before 1970 towards zero, so a file may lie one partition after its own.
 * What is asked of partitions of 1969 and before is widened by that one. */
static void allow_wrong_times(bool strict, image *out) {
  if (out->says != SAYS) {
    return;
  }
  size_t n = out->n;
  switch (out->op) {
    case FIRN_EXPR_LT:
    case FIRN_EXPR_LT_EQ:
      out->values[0].i32 += !strict && out->values[0].i32 < 0;
      break;
    case FIRN_EXPR_GT:
    case FIRN_EXPR_GT_EQ:
      out->values[0].i32 += strict && out->values[0].i32 <= 0;
      break;
    default:
      if ((out->op == FIRN_EXPR_EQ || out->op == FIRN_EXPR_IN) == strict) {
        out->says = NOTHING;
        return;
      }
      for (size_t i = 0; i < n; i++) {
        if (out->values[i].i32 < 0) {
          out->values[out->n] = out->values[i];
          out->values[out->n++].i32++;
        }
      }
  }
}

static int by_value(const void *a, const void *b) {
  return firn_value_order(&((const firn_literal *)a)->value, &((const firn_literal *)b)->value);
}

/* The predicate that the image is, with as few literals as say the same. */
static const firn_expr *predicate_of(const projection *p, const firn_expr *base, const image *im) {
  firn_literal *literals = firn_new_n(p->arena, firn_literal, im->n);
  if (literals == NULL) {
    return NULL;
  }
  for (size_t i = 0; i < im->n; i++) {
    literals[i] =
        (firn_literal){.value = im->values[i], .precision = base->type.precision, .scale = base->type.scale};
  }
  size_t n = im->n;
  firn_expr_op op = im->op;
  if (n > 1) {
    bool wants = op == FIRN_EXPR_EQ || op == FIRN_EXPR_IN;
    qsort(literals, n, sizeof *literals, by_value);
    size_t kept = 1;
    for (size_t i = 1; i < n; i++) {
      if (by_value(&literals[kept - 1], &literals[i]) != 0) {
        literals[kept++] = literals[i];
      }
    }
    n = kept;
    op = wants ? FIRN_EXPR_IN : FIRN_EXPR_NOT_IN;
  }
  if (n == 1 && firn_op_is_set(op)) {
    op = op == FIRN_EXPR_IN ? FIRN_EXPR_EQ : FIRN_EXPR_NOT_EQ;
  }
  return firn_expr_like(base, op, literals, n, p->arena);
}

static firn_status give(const projection *p, const firn_expr *base, const image *im, const firn_expr **out,
                        firn_error *err) {
  switch (im->says) {
    case NOTHING:
      *out = firn_expr_constant(!p->strict);
      break;
    case NONE:
      *out = firn_expr_constant(false);
      break;
    case EVERY:
      *out = firn_expr_like(base, FIRN_EXPR_NOT_NULL, NULL, 0, p->arena);
      break;
    default:
      *out = predicate_of(p, base, im);
  }
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for an expression") : FIRN_OK;
}

static void take_as_is(const firn_expr *e, image *out) {
  *out = (image){SAYS, e->op, e->n_literals, out->values};
  for (size_t i = 0; i < e->n_literals; i++) {
    out->values[i] = e->literals[i].value;
  }
}

/* Only a date's day needs nothing rounded: it is the date. */
static bool may_be_wrong(const projection *p) {
  bool is_day_of_date = p->field->transform.kind == FIRN_TRANSFORM_DAY && p->e->field->kind == FIRN_KIND_DATE;
  return is_time_transform(p->field->transform.kind) && !is_day_of_date;
}

static void project_values(const projection *p, image *out) {
  const firn_expr *e = p->e;
  const firn_transform *t = &p->field->transform;
  bool is_equality =
      e->op >= FIRN_EXPR_EQ && e->op != FIRN_EXPR_STARTS_WITH && e->op != FIRN_EXPR_NOT_STARTS_WITH;
  if (firn_transform_equal(&e->transform, t)) {
    take_as_is(e, out);
  } else if (e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
    return;
  } else if (is_equality) {
    project_equality(p, out);
  } else if (t->kind == FIRN_TRANSFORM_TRUNCATE && is_text(e->field->kind)) {
    project_text(p, out);
  } else if (t->kind == FIRN_TRANSFORM_TRUNCATE || is_time_transform(t->kind)) {
    project_numbers(p, out);
  }
  if (may_be_wrong(p)) {
    allow_wrong_times(p->strict, out);
  }
}

static const firn_expr *compare(const firn_expr *base, firn_expr_op op, int64_t v, firn_arena *arena) {
  firn_literal *literal = firn_new(arena, firn_literal);
  if (literal == NULL) {
    return NULL;
  }
  literal->value = (firn_value){.kind = base->type.kind};
  if (base->type.kind == FIRN_KIND_INT) {
    literal->value.i32 = (int32_t)v;
  } else {
    literal->value.i64 = v;
  }
  return firn_expr_like(base, op, literal, 1, arena);
}

/* Whether a partition lies within a width of the largest number. */
static const firn_expr *is_highest(const firn_expr *base, int64_t most, int64_t width, firn_arena *arena) {
  const firn_expr *above = compare(base, FIRN_EXPR_GT, most - width, arena);
  bool is_end = base->type.kind == FIRN_KIND_INT || most == INT64_MAX;
  return is_end ? above : firn_expr_and(above, compare(base, FIRN_EXPR_LT_EQ, most, arena), arena);
}

static const firn_expr *is_not_highest(const firn_expr *base, int64_t most, int64_t width,
                                       firn_arena *arena) {
  const firn_expr *below = compare(base, FIRN_EXPR_LT_EQ, most - width, arena);
  bool is_end = base->type.kind == FIRN_KIND_INT || most == INT64_MAX;
  return is_end ? below : firn_expr_or(below, compare(base, FIRN_EXPR_GT, most, arena), arena);
}

/* Below the smallest numbers there is nothing to truncate to. Other writers let that wrap around: rows with
 * -2^31 or -2^63 lie among the highest partitions (of int those of 2^31, also after the column became a
 * long). They are let in where small numbers are asked for, and are not sure where large ones are. */
static firn_status allow_wrapped(const projection *p, const firn_expr *base, const image *im,
                                 const firn_expr **out, firn_error *err) {
  bool is_whole = base->type.kind == FIRN_KIND_INT || base->type.kind == FIRN_KIND_LONG;
  bool is_low = im->op == FIRN_EXPR_LT || im->op == FIRN_EXPR_LT_EQ;
  bool is_high = im->op == FIRN_EXPR_GT || im->op == FIRN_EXPR_GT_EQ;
  if (!is_whole || im->says != SAYS || p->field->transform.kind != FIRN_TRANSFORM_TRUNCATE ||
      !(p->strict ? is_high : is_low)) {
    return FIRN_OK;
  }
  int64_t width = p->field->transform.width;
  const int64_t ends[] = {INT32_MAX, INT64_MAX};
  size_t n = base->type.kind == FIRN_KIND_INT ? 1 : 2;
  for (size_t i = 0; i < n && *out != NULL; i++) {
    *out = p->strict ? firn_expr_and(*out, is_not_highest(base, ends[i], width, p->arena), p->arena)
                     : firn_expr_or(*out, is_highest(base, ends[i], width, p->arena), p->arena);
  }
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for an expression") : FIRN_OK;
}

firn_status firn_predicate_project(const firn_expr *e, const firn_partition_field *field,
                                   const firn_field *child, bool strict, firn_arena *arena,
                                   const firn_expr **out, firn_error *err) {
  projection p = {e, field, child, strict, arena};
  image im = {NOTHING, e->op, 0, NULL};
  firn_expr base = {.name = child->name, .field = child, .type = *child};
  firn_transform_kind kind = field->transform.kind;
  assert(e->field != NULL && e->field->id == field->source_id);
  bool says_nothing = kind == FIRN_TRANSFORM_VOID || kind == FIRN_TRANSFORM_UNKNOWN ||
                      child->kind == FIRN_KIND_UNKNOWN || !firn_transform_takes(&field->transform, e->field);
  bool by_null = e->op == FIRN_EXPR_IS_NULL || e->op == FIRN_EXPR_NOT_NULL;
  if (says_nothing) {
    return give(&p, &base, &im, out, err);
  }
  im.values = firn_new_n(arena, firn_value, e->n_literals * 2 + 1);
  if (im.values == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an expression");
  }
  if (kind == FIRN_TRANSFORM_IDENTITY || by_null) { /* each value is its own partition; null is null's */
    take_as_is(e, &im);
    base.transform = by_null ? base.transform : e->transform;
    base.type = by_null ? *child : e->type;
  } else {
    project_values(&p, &im);
  }
  if (im.says == SAYS && im.n == 0) {
    *out = firn_expr_like(&base, im.op, NULL, 0, arena);
    return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for an expression") : FIRN_OK;
  }
  FIRN_TRY(give(&p, &base, &im, out, err));
  return allow_wrapped(&p, &base, &im, out, err);
}
