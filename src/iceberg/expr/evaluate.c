#include "iceberg/expr/evaluate.h"

#include <assert.h>

#include "iceberg/expr/expr_internal.h"

static firn_status eval_predicate(const firn_expr *e, const firn_field *type, const firn_value *values,
                                  bool *out, firn_error *err) {
  if (e->field == NULL || e->op == FIRN_EXPR_NOT) {
    return firn_error_set(err, FIRN_INVALID, "an expression must be bound before it is evaluated");
  }
  for (uint32_t i = 0; i < type->n_children; i++) {
    if (type->children[i].id != e->field->id) {
      continue;
    }
    const firn_field *child = &type->children[i];
    firn_value v, given = values[i];
    if (!given.is_null && (given.kind != child->kind || !firn_value_adapt(&given, child, e->field, &v))) {
      return firn_error_set(err, FIRN_INVALID, "%s is bound as %s and has a %s", child->name,
                            firn_kind_name(e->field->kind), firn_kind_name(given.kind));
    }
    if (given.is_null) {
      v = (firn_value){.kind = e->type.kind, .is_null = true};
    } else if (e->transform.kind != FIRN_TRANSFORM_IDENTITY) {
      firn_arena none = FIRN_ARENA_INIT(0);
      given = v;
      FIRN_TRY(firn_transform_apply(&e->transform, e->field, &given, &none, &v, err));
    }
    *out = firn_predicate_holds(e, &v);
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_NOT_FOUND, "the values have no field with id %d", e->field->id);
}

firn_status firn_expr_eval(const firn_expr *e, const firn_field *type, const firn_value *values, bool *out,
                           firn_error *err) {
  bool is_and = e->op == FIRN_EXPR_AND;
  if (e->op <= FIRN_EXPR_FALSE) {
    *out = e->op == FIRN_EXPR_TRUE;
    return FIRN_OK;
  }
  if (!is_and && e->op != FIRN_EXPR_OR) {
    return eval_predicate(e, type, values, out, err);
  }
  bool first;
  FIRN_TRY(firn_expr_eval(e->left, type, values, &first, err));
  if (first != is_and) {
    *out = first;
    return FIRN_OK;
  }
  return firn_expr_eval(e->right, type, values, out, err);
}
