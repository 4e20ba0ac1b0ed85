#include "iceberg/expr/expr.h"

#include "iceberg/expr/evaluate.h"
#include "test.h"

static void constants_fold(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_expr *yes = firn_expr_constant(true), *no = firn_expr_constant(false);
  const firn_expr *x = firn_expr_compare(FIRN_EXPR_EQ, "x", firn_literal_long(1), &arena);
  assert_ptr_equal(firn_expr_and(x, yes, &arena), x);
  assert_ptr_equal(firn_expr_and(yes, x, &arena), x);
  assert_ptr_equal(firn_expr_and(x, no, &arena), no);
  assert_ptr_equal(firn_expr_and(no, x, &arena), no);
  assert_ptr_equal(firn_expr_or(x, no, &arena), x);
  assert_ptr_equal(firn_expr_or(no, x, &arena), x);
  assert_ptr_equal(firn_expr_or(x, yes, &arena), yes);
  assert_ptr_equal(firn_expr_or(yes, x, &arena), yes);
  assert_ptr_equal(firn_expr_not(yes, &arena), no);
  assert_ptr_equal(firn_expr_not(firn_expr_not(x, &arena), &arena), x);
  assert_ptr_equal(firn_expr_in(FIRN_EXPR_IN, "x", NULL, 0, &arena), no);
  assert_ptr_equal(firn_expr_in(FIRN_EXPR_NOT_IN, "x", NULL, 0, &arena), yes);
}

static void null_operands_are_passed_on(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_expr *yes = firn_expr_constant(true);
  assert_null(firn_expr_and(NULL, yes, &arena));
  assert_null(firn_expr_or(yes, NULL, &arena));
  assert_null(firn_expr_not(NULL, &arena));
  assert_null(firn_expr_unary(FIRN_EXPR_IS_NULL, NULL, &arena));
}

static const firn_field columns[] = {
    {.id = 1, .name = "a", .kind = FIRN_KIND_INT},
    {.id = 2, .name = "s", .kind = FIRN_KIND_STRING},
};
static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                            .name = "",
                                            .required = true,
                                            .kind = FIRN_KIND_STRUCT,
                                            .n_children = 2,
                                            .children = columns}};

static void a_chain_of_a_thousand_becomes_shallow(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_expr *e = firn_expr_constant(false), *bound;
  for (int i = 0; i < 5000; i++) {
    e = firn_expr_or(e, firn_expr_compare(FIRN_EXPR_EQ, "a", firn_literal_long(i), &arena), &arena);
  }
  CHECK_OK(firn_expr_bind(e, &schema, false, &arena, &bound, &err));
  for (int i = -1; i <= 5000; i++) {
    bool matches;
    firn_value values[2] = {{.kind = FIRN_KIND_INT, .i32 = i}, {.kind = FIRN_KIND_STRING, .is_null = true}};
    CHECK_OK(firn_expr_eval(bound, &schema.root, values, &matches, &err));
    assert_int_equal(matches, i >= 0 && i < 5000);
  }
}

static void field_ids_come_once_and_ascending(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_expr *s = firn_expr_unary(FIRN_EXPR_IS_NULL, "s", &arena);
  const firn_expr *a = firn_expr_unary(FIRN_EXPR_IS_NULL, "a", &arena);
  const firn_expr *e = firn_expr_or(firn_expr_and(s, a, &arena), s, &arena), *bound;
  const int32_t *ids;
  size_t n;
  CHECK_OK(firn_expr_bind(e, &schema, false, &arena, &bound, &err));
  CHECK_OK(firn_expr_field_ids(bound, &arena, &ids, &n, &err));
  assert_int_equal(n, 2);
  assert_int_equal(ids[0], 1);
  assert_int_equal(ids[1], 2);
}

RUN_TESTS(constants_fold, null_operands_are_passed_on, a_chain_of_a_thousand_becomes_shallow,
          field_ids_come_once_and_ascending)
