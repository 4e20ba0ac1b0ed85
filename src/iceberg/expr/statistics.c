/* Predicates against statistics of columns. Every bound is inclusive and perhaps not exact, so all that is
 * concluded must follow from lower <= x <= upper alone; what is not understood concludes nothing. */
#include <assert.h>

#include "base/utf8.h"
#include "iceberg/expr/expr_internal.h"
#include "iceberg/expr/prune_internal.h"

/* What is sure of the values of a predicate's term. */
typedef struct facts {
  bool no_nulls, no_nans;
  bool only_nulls, only_nans, only_nulls_and_nans; /* and there is at least one */
  bool has_lower, has_upper;
  bool is_ordered; /* bounds say something about <; not of UUIDs, whose order is disputed */
  firn_value lower, upper;
} facts;

static bool is_consistent(const firn_column_stats *s) {
  int64_t nulls = s->n_nulls < 0 ? 0 : s->n_nulls, nans = s->n_nans < 0 ? 0 : s->n_nans;
  return s->n_values < 0 || (nulls <= s->n_values && nans <= s->n_values - nulls);
}

static void count(const firn_column_stats *s, const firn_expr *e, facts *f) {
  bool is_real = firn_kind_is_real(e->field->kind);
  f->no_nulls = e->type.required;
  f->no_nans = !is_real;
  if (!is_consistent(s)) {
    return; /* somebody's counts are wrong: none is believed */
  }
  int64_t n_nans = is_real ? s->n_nans : 0;
  f->no_nulls = f->no_nulls || s->n_nulls == 0;
  f->no_nans = n_nans == 0;
  if (s->n_values <= 0) {
    return;
  }
  f->only_nulls = s->n_nulls == s->n_values;
  f->only_nans = n_nans == s->n_values;
  f->only_nulls_and_nans =
      f->only_nulls || f->only_nans || (s->n_nulls >= 0 && n_nans >= 0 && s->n_nulls + n_nans == s->n_values);
}

/* Whether a <= b makes t(a) <= t(b). */
static bool keeps_order(const firn_transform *t) {
  return t->kind == FIRN_TRANSFORM_IDENTITY || t->kind == FIRN_TRANSFORM_TRUNCATE ||
         (t->kind >= FIRN_TRANSFORM_YEAR && t->kind <= FIRN_TRANSFORM_HOUR);
}

/* A bound of the column as a bound of the term. */
static bool bound_of_term(const firn_expr *e, const firn_value *given, const firn_field *type,
                          firn_value *out) {
  firn_value v = *given;
  if (given->is_null || (type != e->field && !firn_value_adapt(given, type, e->field, &v)) ||
      firn_value_is_nan(&v)) {
    return false;
  }
  if (e->transform.kind == FIRN_TRANSFORM_IDENTITY) {
    *out = v;
    return true;
  }
  if (v.kind == FIRN_KIND_STRING && !firn_utf8_is_valid(v.bytes)) {
    return false; /* cut within a character: its first characters are not those of a value */
  }
  firn_arena none = FIRN_ARENA_INIT(0);
  return keeps_order(&e->transform) &&
         firn_transform_apply(&e->transform, e->field, &v, &none, out, NULL) == FIRN_OK;
}

static facts facts_of(const firn_expr *e, const firn_column_stats *s) {
  facts f = {.is_ordered = e->type.kind != FIRN_KIND_UUID};
  count(s, e, &f);
  f.has_lower = s->has_lower && bound_of_term(e, &s->lower, s->type, &f.lower);
  f.has_upper = s->has_upper && bound_of_term(e, &s->upper, s->type, &f.upper);
  if (f.has_lower && f.has_upper && f.is_ordered && firn_value_order(&f.lower, &f.upper) > 0) {
    f.has_lower = f.has_upper = false; /* bounds the wrong way round bound nothing */
  }
  return f;
}

/* All values are the same one (nulls and NaN apart): lower <= x <= upper leaves no other, exact or not. */
static bool is_one_value(const facts *f) {
  return f->has_lower && f->has_upper && firn_value_order(&f->lower, &f->upper) == 0;
}

/* The order that the reference gave UUIDs for years: two signed numbers of 64 bits. */
static int order_signed(const firn_value *a, const firn_value *b) {
  for (size_t at = 0; at < 16; at += 8) {
    int first = (a->bytes.data[at] ^ 0x80) - (b->bytes.data[at] ^ 0x80);
    int order = first != 0 ? first : memcmp(a->bytes.data + at, b->bytes.data + at, 8);
    if (order != 0) {
      return order;
    }
  }
  return 0;
}

static bool is_outside(const facts *f, const firn_value *v) {
  bool outside = (f->has_lower && firn_value_order(v, &f->lower) < 0) ||
                 (f->has_upper && firn_value_order(v, &f->upper) > 0);
  if (f->is_ordered || !outside) {
    return outside;
  }
  return (f->has_lower && order_signed(v, &f->lower) < 0) || (f->has_upper && order_signed(v, &f->upper) > 0);
}

/* Whether no literal of an IN lies within the bounds. */
static bool are_all_outside(const firn_expr *e, const facts *f) {
  size_t low = 0, high = e->n_literals;
  if (!f->is_ordered || !f->has_lower) {
    for (size_t i = 0; i < e->n_literals; i++) {
      if (!is_outside(f, &e->literals[i].value)) {
        return false;
      }
    }
    return true;
  }
  while (low < high) { /* the first that is not below the lower bound */
    size_t middle = low + (high - low) / 2;
    if (firn_value_order(&e->literals[middle].value, &f->lower) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == e->n_literals || is_outside(f, &e->literals[low].value);
}

static bool begins_with(const firn_value *v, const firn_value *prefix) {
  return firn_bytes_has_prefix(v->bytes, prefix->bytes);
}

/* No text within the bounds begins with the prefix. */
static bool excludes_prefix(const facts *f, const firn_value *prefix) {
  return (f->has_upper && firn_value_order(&f->upper, prefix) < 0) ||
         (f->has_lower && firn_value_order(&f->lower, prefix) > 0 && !begins_with(&f->lower, prefix));
}

/* All of them do. */
static bool implies_prefix(const facts *f, const firn_value *prefix) {
  return f->has_lower && f->has_upper && begins_with(&f->lower, prefix) && begins_with(&f->upper, prefix);
}

static bool upper_below(const facts *f, const firn_value *v, int at_most) {
  return f->is_ordered && f->has_upper && firn_value_order(&f->upper, v) <= at_most;
}

static bool lower_above(const facts *f, const firn_value *v, int at_least) {
  return f->is_ordered && f->has_lower && firn_value_order(&f->lower, v) >= at_least;
}

/* Comparisons of a value that is there. NaN counts as greater than all others and lies outside the bounds. */
static bool compare_may(const firn_expr *e, const facts *f) {
  const firn_value *literal = &e->literals[0].value;
  if (f->only_nulls) {
    return false;
  }
  switch (e->op) {
    case FIRN_EXPR_LT:
      return !f->only_nulls_and_nans && !lower_above(f, literal, 0);
    case FIRN_EXPR_LT_EQ:
      return !f->only_nulls_and_nans && !lower_above(f, literal, 1);
    case FIRN_EXPR_GT:
      return !(f->no_nans && upper_below(f, literal, 0));
    case FIRN_EXPR_GT_EQ:
      return !(f->no_nans && upper_below(f, literal, -1));
    case FIRN_EXPR_EQ:
      return !f->only_nulls_and_nans && !is_outside(f, literal);
    case FIRN_EXPR_IN:
      return !f->only_nulls_and_nans && !are_all_outside(e, f);
    default:
      assert(e->op == FIRN_EXPR_STARTS_WITH);
      return !excludes_prefix(f, literal);
  }
}

bool firn_predicate_may(const firn_expr *e, const firn_column_stats *s) {
  facts f = facts_of(e, s);
  switch (e->op) {
    case FIRN_EXPR_IS_NULL:
      return !f.no_nulls;
    case FIRN_EXPR_NOT_NULL:
      return !f.only_nulls;
    case FIRN_EXPR_IS_NAN:
      return !f.no_nans && !f.only_nulls;
    case FIRN_EXPR_NOT_NAN:
      return !f.only_nans;
    case FIRN_EXPR_NOT_EQ:
      return !(f.no_nulls && f.no_nans && is_one_value(&f) &&
               firn_value_order(&f.lower, &e->literals[0].value) == 0);
    case FIRN_EXPR_NOT_IN:
      return !(f.no_nulls && f.no_nans && is_one_value(&f) && firn_literals_have(e, &f.lower));
    case FIRN_EXPR_NOT_STARTS_WITH:
      return !(f.no_nulls && implies_prefix(&f, &e->literals[0].value));
    default:
      return compare_may(e, &f);
  }
}

static bool compare_must(const firn_expr *e, const facts *f) {
  const firn_value *literal = &e->literals[0].value;
  if (!f->no_nulls || !f->no_nans) {
    return false;
  }
  switch (e->op) {
    case FIRN_EXPR_LT:
      return upper_below(f, literal, -1);
    case FIRN_EXPR_LT_EQ:
      return upper_below(f, literal, 0);
    case FIRN_EXPR_GT:
      return lower_above(f, literal, 1);
    case FIRN_EXPR_GT_EQ:
      return lower_above(f, literal, 0);
    case FIRN_EXPR_EQ:
      return is_one_value(f) && firn_value_order(&f->lower, literal) == 0;
    case FIRN_EXPR_IN:
      return is_one_value(f) && firn_literals_have(e, &f->lower);
    default:
      assert(e->op == FIRN_EXPR_STARTS_WITH);
      return implies_prefix(f, literal);
  }
}

/* `!=` and its like hold for null and for NaN; a column that merely has some of them proves nothing. */
bool firn_predicate_must(const firn_expr *e, const firn_column_stats *s) {
  facts f = facts_of(e, s);
  switch (e->op) {
    case FIRN_EXPR_IS_NULL:
      return f.only_nulls;
    case FIRN_EXPR_NOT_NULL:
      return f.no_nulls;
    case FIRN_EXPR_IS_NAN:
      return f.only_nans;
    case FIRN_EXPR_NOT_NAN:
      return f.no_nans || f.only_nulls;
    case FIRN_EXPR_NOT_EQ:
      return f.only_nulls_and_nans || is_outside(&f, &e->literals[0].value);
    case FIRN_EXPR_NOT_IN:
      return f.only_nulls_and_nans || are_all_outside(e, &f);
    case FIRN_EXPR_NOT_STARTS_WITH:
      return f.only_nulls || excludes_prefix(&f, &e->literals[0].value);
    default:
      return compare_must(e, &f);
  }
}

bool firn_expr_may_match(const firn_expr *e, firn_stats_of stats, void *arg) {
  switch (e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return firn_expr_may_match(e->left, stats, arg) && firn_expr_may_match(e->right, stats, arg);
    case FIRN_EXPR_OR:
      return firn_expr_may_match(e->left, stats, arg) || firn_expr_may_match(e->right, stats, arg);
    case FIRN_EXPR_NOT:
      return true; /* not bound: nothing is known */
    default: {
      firn_column_stats s;
      return e->field == NULL || !stats(arg, e->field->id, &s) || firn_predicate_may(e, &s);
    }
  }
}

bool firn_expr_must_match(const firn_expr *e, firn_stats_of stats, void *arg) {
  switch (e->op) {
    case FIRN_EXPR_TRUE:
    case FIRN_EXPR_FALSE:
      return e->op == FIRN_EXPR_TRUE;
    case FIRN_EXPR_AND:
      return firn_expr_must_match(e->left, stats, arg) && firn_expr_must_match(e->right, stats, arg);
    case FIRN_EXPR_OR:
      return firn_expr_must_match(e->left, stats, arg) || firn_expr_must_match(e->right, stats, arg);
    case FIRN_EXPR_NOT:
      return false;
    default: {
      firn_column_stats s;
      return e->field != NULL && stats(arg, e->field->id, &s) && firn_predicate_must(e, &s);
    }
  }
}
