#include "iceberg/expr/evaluate.h"

#include "filters.h"
#include "iceberg/expr/compare_internal.h"

enum { ROWS = 300 };

/* What is asked of a batch, row by row: the oracle. */
static void check_filter(const char *filter, const firn_schema *schema, const firn_batch *batch,
                         firn_arena *arena) {
  const firn_expr *e = bound(filter, schema, arena);
  firn_error err;
  for (size_t n = 0; n <= batch->n_rows; n += n < 70 ? 1 : 77) {
    firn_batch part = *batch;
    part.n_rows = n;
    uint64_t *bits = firn_new_n(arena, uint64_t, firn_bit_words(n) + 1);
    CHECK_OK(firn_expr_filter(e, &part, false, arena, bits, &err));
    for (size_t i = 0; i < n; i++) {
      firn_value values[8];
      bool wanted;
      for (uint32_t c = 0; c < batch->schema->n_children; c++) {
        values[c] = firn_value_at(&batch->columns[c], i);
      }
      CHECK_OK(firn_expr_eval(e, batch->schema, values, &wanted, &err));
      if (firn_bit(bits, i) != wanted) {
        fail_msg("%s: row %zu of %zu is %d", filter, i, n, !wanted);
      }
    }
  }
}

static const char columns[] =
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["
    "{\"id\":1,\"name\":\"i\",\"required\":false,\"type\":\"int\"},"
    "{\"id\":2,\"name\":\"l\",\"required\":false,\"type\":\"long\"},"
    "{\"id\":3,\"name\":\"f\",\"required\":false,\"type\":\"float\"},"
    "{\"id\":4,\"name\":\"d\",\"required\":false,\"type\":\"double\"},"
    "{\"id\":5,\"name\":\"dec\",\"required\":false,\"type\":\"decimal(38, 2)\"},"
    "{\"id\":6,\"name\":\"b\",\"required\":false,\"type\":\"boolean\"},"
    "{\"id\":7,\"name\":\"s\",\"required\":false,\"type\":\"string\"},"
    "{\"id\":8,\"name\":\"ts\",\"required\":false,\"type\":\"timestamptz\"}]}";

static void set_value(firn_vector *v, size_t i) {
  static const double reals[] = {-1.5, -0.0, 0.0, 1.0, 2.5, 1e300};
  static const char *const texts[] = {"",
                                      "a",
                                      "ab",
                                      "abcdefgh",
                                      "abcdefghi",
                                      "abcdefgz",
                                      "b",
                                      "abcdefghabcdefghabcdefgh",
                                      "abcdefghabcdefghabcdefgz",
                                      "\303\251"};
  int64_t number = (int64_t)(test_random() % 41) - 20;
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      if (number % 2 == 0) {
        firn_bit_set(v->bits, i);
      }
      break;
    case FIRN_KIND_INT:
      v->i32[i] = number == 20 ? INT32_MAX : number == -20 ? INT32_MIN : (int32_t)number;
      break;
    case FIRN_KIND_FLOAT:
      v->f32[i] = number == 20 ? (float)(0.0 / 0.0) : (float)reals[test_random() % 5];
      break;
    case FIRN_KIND_DOUBLE:
      v->f64[i] = number == 20 ? 0.0 / 0.0 : reals[test_random() % 6];
      break;
    case FIRN_KIND_DECIMAL:
      v->dec[i] = (firn_decimal)number * (number % 3 == 0 ? (firn_decimal)1 << 80 : 1);
      break;
    case FIRN_KIND_STRING:
      v->bytes[i] = firn_bytes_of(texts[test_random() % FIRN_COUNT_OF(texts)]);
      break;
    default:
      v->i64[i] = number == 20 ? INT64_MAX : number == -20 ? INT64_MIN : number;
  }
}

static firn_batch batch_of(const firn_schema *schema, bool with_nulls, firn_arena *arena) {
  firn_batch batch;
  firn_error err;
  (void)test_ctx();
  CHECK_OK(firn_batch_new(&schema->root, ROWS, arena, &batch, &err));
  for (uint32_t c = 0; c < schema->root.n_children; c++) {
    firn_vector *v = &batch.columns[c];
    v->len = ROWS;
    if (with_nulls) {
      CHECK_OK(firn_vector_need_validity(v, ROWS, arena, &err));
    }
    for (size_t i = 0; i < ROWS; i++) {
      if (with_nulls && test_random() % 4 == 0) {
        firn_vector_set_null(v, i);
      } else {
        set_value(v, i);
      }
    }
  }
  batch.n_rows = ROWS;
  return batch;
}

static void filters_agree_with_rows_one_by_one(void **state) {
  (void)state;
  static const char *const literals[][4] = {
      {"i", "3", "2147483647", "-2147483648"}, {"l", "3", "9223372036854775807", "-9223372036854775808"},
      {"f", "1", "0.0e0", "infinity"},         {"d", "1", "-0.0e0", "2.5"},
      {"dec", "0.03", "0", "-0.05"},           {"b", "true", "false", "true"},
      {"s", "'ab'", "'abcdefgh'", "''"},       {"ts", "3", "9223372036854775807", "0"},
  };
  static const char *const ops[] = {"<", "<=", ">", ">=", "=", "!="};
  for (int with_nulls = 0; with_nulls < 2; with_nulls++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_schema schema = schema_of(columns, &arena);
    firn_batch batch = batch_of(&schema, with_nulls == 1, &arena);
    for (size_t c = 0; c < FIRN_COUNT_OF(literals); c++) {
      const char *name = literals[c][0];
      for (size_t k = 1; k < 4; k++) {
        for (size_t o = 0; o < FIRN_COUNT_OF(ops); o++) {
          check_filter(firn_arena_printf(&arena, "%s %s %s", name, ops[o], literals[c][k]), &schema, &batch,
                       &arena);
        }
      }
      const char *list =
          firn_arena_printf(&arena, "(%s, %s, %s)", literals[c][1], literals[c][2], literals[c][3]);
      check_filter(firn_arena_printf(&arena, "%s in %s", name, list), &schema, &batch, &arena);
      check_filter(firn_arena_printf(&arena, "%s not in %s", name, list), &schema, &batch, &arena);
      check_filter(firn_arena_printf(&arena, "%s is null", name), &schema, &batch, &arena);
      check_filter(firn_arena_printf(&arena, "%s is not null", name), &schema, &batch, &arena);
    }
  }
}

static void other_predicates_agree_too(void **state) {
  (void)state;
  static const char *const filters[] = {
      "true",
      "false",
      "d is nan",
      "d is not nan",
      "f is nan",
      "f is not nan",
      "s like 'ab%'",
      "s not like 'ab%'",
      "s like 'abcdefgh%'",
      /* sets: a few, numbers close together, numbers far apart, texts by hash, reals and decimals */
      "i in (1, 2, 3, 4, 5, 6, 7, 8, 9)",
      "i not in (-20, -15, -10, -5, 0, 5, 10, 15)",
      "i in (1, 2, 3, 4, 5, 6, 7, 2147483647, -2147483648)",
      "l in (1, 2, 3, 4, 5, 6, 7, 9223372036854775807, -9223372036854775808)",
      "l not in (-3, 1, 2, 3, 4, 5, 6, 7, 8, 1000000000000)",
      "ts in (1, 2, 3, 4, 5, 6, 7, 8)",
      "s in ('', 'a', 'ab', 'abcdefgh', 'x', 'y', 'z', 'zz')",
      "s in ('abcdefgi', 'bbcdefgh', 'abcdefghi', 'abcdefghabcdefghabcdefgz', 'y', 'z', 'zz')",
      "s = 'abcdefghi'",
      "s = 'abcdefghabcdefghabcdefgh'",
      "s not in ('b', 'a', 'ab', 'abcdefghi', 'x', 'y', 'z', 'zz')",
      "d in (1, 2, 3, 4, 5, 6, 7, 0)",
      "f not in (-1.5, 2, 3, 4, 5, 6, 7, 0)",
      "dec in (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08)",
      "b in (true, false)",
      "b not in (true, false)",
      /* terms */
      "truncate[8](i) in (8, -8, -2147483648)",
      "truncate[2](s) = 'ab'",
      "bucket[4](l) = 2",
      "day(ts) < 0",
      "day(ts) is null",
      /* joined */
      "i < 3 and l < 3",
      "i < 3 or l < 3",
      "(i < 3 or d is nan) and (s like 'a%' or b = true) and not l = 5",
      "i < 3 and i > 5",
      "i < 3 or i >= 3 or i is null",
  };
  for (int with_nulls = 0; with_nulls < 2; with_nulls++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_schema schema = schema_of(columns, &arena);
    firn_batch batch = batch_of(&schema, with_nulls == 1, &arena);
    for (size_t i = 0; i < FIRN_COUNT_OF(filters); i++) {
      check_filter(filters[i], &schema, &batch, &arena);
    }
  }
}

/* More literals than rows: nothing is made ready for so few. */
static void a_set_may_be_larger_than_the_batch(void **state) {
  (void)state;
  static const char *const names[] = {"i", "l", "f", "d", "dec", "ts", "s"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(columns, &arena);
  firn_batch batch = batch_of(&schema, true, &arena);
  for (size_t c = 0; c < FIRN_COUNT_OF(names); c++) {
    const char *quote = c == 6 ? "'" : "", *list = firn_arena_printf(&arena, "%s%s%s", quote, "1", quote);
    for (int i = 2; i < 80; i += 2) {
      list = firn_arena_printf(&arena, "%s, %s%d%s", list, quote, i, quote);
    }
    check_filter(firn_arena_printf(&arena, "%s in (%s)", names[c], list), &schema, &batch, &arena);
    check_filter(firn_arena_printf(&arena, "%s not in (%s)", names[c], list), &schema, &batch, &arena);
  }
}

static void nan_is_greater_than_every_number(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(columns, &arena);
  static const struct {
    const char *filter;
    bool matches;
  } cases[] = {{"d > 1e300", true},      {"d >= infinity", true}, {"d < 1", false},
               {"d <= infinity", false}, {"d = 1", false},        {"d != 1", true},
               {"d in (1, 2)", false},   {"d = nan", true},       {"d not in (1, 2)", true},
               {"d >= nan", true},       {"d < nan", false},      {"d <= nan", true}};
  double nan = 0.0 / 0.0;
  firn_vector columns_of[8] = {{0}};
  for (size_t i = 0; i < 8; i++) {
    columns_of[i].kind = schema.root.children[i].kind;
  }
  columns_of[3] = (firn_vector){.kind = FIRN_KIND_DOUBLE, .len = 1, .f64 = &nan};
  firn_batch batch = {.schema = &schema.root, .n_rows = 1, .columns = columns_of};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    uint64_t bits;
    firn_error err;
    CHECK_OK(firn_expr_filter(bound(cases[i].filter, &schema, &arena), &batch, false, &arena, &bits, &err));
    assert_int_equal(bits & 1, cases[i].matches);
  }
}

static void a_column_below_structs_is_null_where_they_are(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  static const firn_field inner[] = {{.id = 19, .name = "x", .required = true, .kind = FIRN_KIND_LONG},
                                     {.id = 20, .name = "Y", .kind = FIRN_KIND_STRING}};
  static const firn_field outer[] = {
      {.id = 18, .name = "st", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = inner}};
  static const firn_field root = {
      .id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = outer};
  int64_t x[] = {1, 2, 1, 2};
  firn_bytes y[] = {FIRN_LITERAL("a"), FIRN_LITERAL("a"), FIRN_LITERAL("b"), FIRN_LITERAL("b")};
  uint64_t outer_validity = 0xB, y_validity = 0x7; /* row 2 has no struct, row 3 no Y */
  firn_vector inner_vectors[] = {
      {.kind = FIRN_KIND_LONG, .len = 4, .i64 = x},
      {.kind = FIRN_KIND_STRING, .len = 4, .validity = &y_validity, .n_nulls = 1, .bytes = y}};
  firn_vector vectors[] = {{.kind = FIRN_KIND_STRUCT,
                            .len = 4,
                            .validity = &outer_validity,
                            .n_nulls = 1,
                            .n_children = 2,
                            .children = inner_vectors}};
  firn_batch batch = {.schema = &root, .n_rows = 4, .columns = vectors};
  static const struct {
    const char *filter;
    uint64_t wanted;
  } cases[] = {{"st.x = 1", 0x1},       {"st.x != 1", 0xE},        {"st.Y = 'a'", 0x3},
               {"st.Y is null", 0xC},   {"st.Y is not null", 0x3}, {"st is null", 0x4},
               {"st is not null", 0xB}, {"st.x is null", 0x4}};
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    uint64_t bits;
    firn_error err;
    CHECK_OK(firn_expr_filter(bound(cases[i].filter, &schema, &arena), &batch, false, &arena, &bits, &err));
    assert_int_equal(bits & 0xF, cases[i].wanted);
  }
}

static void a_missing_column_matches_or_is_named(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  int64_t l[] = {1, 2};
  firn_vector vector = {.kind = FIRN_KIND_LONG, .len = 2, .i64 = l};
  firn_field column = *firn_schema_find(&schema, "l");
  firn_field root = {
      .id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column};
  firn_batch batch = {.schema = &root, .n_rows = 2, .columns = &vector};
  uint64_t bits;
  firn_error err;
  const firn_expr *e = bound("l = 1 and (i = 5 or not s like 'a%')", &schema, &arena);
  CHECK_OK(firn_expr_filter(e, &batch, true, &arena, &bits, &err));
  assert_int_equal(bits & 3, 1);
  CHECK_STATUS(firn_expr_filter(e, &batch, false, &arena, &bits, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("no column with id 1");
  firn_value value = {.kind = FIRN_KIND_LONG, .i64 = 1};
  bool matches;
  CHECK_STATUS(firn_expr_eval(e, &root, &value, &matches, &err), FIRN_NOT_FOUND);
}

static void refuses_what_is_bound_to_another_type_or_not_at_all(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema = schema_of(all_kinds, &arena);
  int32_t i[] = {1};
  firn_vector vector = {.kind = FIRN_KIND_INT, .len = 1, .i32 = i};
  firn_field column = {.id = 2, .name = "l", .kind = FIRN_KIND_INT};
  firn_field root = {
      .id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &column};
  firn_batch batch = {.schema = &root, .n_rows = 1, .columns = &vector};
  uint64_t bits;
  bool matches;
  firn_error err;
  firn_value value = {.kind = FIRN_KIND_INT, .i32 = 1}, text = {.kind = FIRN_KIND_STRING};
  const firn_expr *e = bound("l = 1", &schema, &arena), *loose = parsed("l = 1", &arena);
  CHECK_STATUS(firn_expr_filter(e, &batch, false, &arena, &bits, &err), FIRN_INVALID);
  CHECK_SAYS("column l is bound as long and the batch has int");
  CHECK_STATUS(firn_expr_filter(loose, &batch, false, &arena, &bits, &err), FIRN_INVALID);
  CHECK_STATUS(firn_expr_eval(loose, &root, &value, &matches, &err), FIRN_INVALID);
  CHECK_OK(firn_expr_eval(e, &root, &value, &matches, &err)); /* an int is a long */
  assert_true(matches);
  CHECK_STATUS(firn_expr_eval(e, &root, &text, &matches, &err), FIRN_INVALID);
}

static firn_status filter_much(void) {
  static const firn_field column = {.id = 1, .name = "a", .kind = FIRN_KIND_LONG};
  static const firn_schema schema = {.root = {.id = FIRN_NO_ID,
                                              .name = "",
                                              .required = true,
                                              .kind = FIRN_KIND_STRUCT,
                                              .n_children = 1,
                                              .children = &column}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  int64_t values[] = {1, 2};
  firn_vector vector = {.kind = FIRN_KIND_LONG, .len = 2, .i64 = values};
  firn_batch batch = {.schema = &schema.root, .n_rows = 2, .columns = &vector};
  uint64_t bits;
  const firn_expr *e;
  FIRN_TRY(
      firn_expr_parse(FIRN_LITERAL("a in (1, 2, 3, 4, 5, 6, 7, 8) and a in (1, 2, 3, 4, 5, 6, 7, 99999999)"),
                      &arena, &e, NULL));
  FIRN_TRY(firn_expr_bind(e, &schema, false, &arena, &e, NULL));
  return firn_expr_filter(e, &batch, false, &arena, &bits, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(filter_much);
}

RUN_TESTS(filters_agree_with_rows_one_by_one, other_predicates_agree_too, a_set_may_be_larger_than_the_batch,
          nan_is_greater_than_every_number, a_column_below_structs_is_null_where_they_are,
          a_missing_column_matches_or_is_named, refuses_what_is_bound_to_another_type_or_not_at_all,
          survives_oom)
