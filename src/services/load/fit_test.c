#include "services/load/fit_internal.h"

#include "test.h"

static firn_status one_column(firn_kind from, firn_kind to, void *values, size_t n, firn_arena *arena,
                              firn_batch *out, firn_fit_gap *gap, firn_error *err) {
  firn_field *fields = firn_new_n(arena, firn_field, 4);
  fields[0] = (firn_field){.name = "x", .kind = from, .precision = 9, .scale = 2};
  fields[1] = (firn_field){.name = "x", .kind = to, .precision = 20, .scale = 4};
  fields[2] = (firn_field){.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &fields[0]};
  fields[3] = (firn_field){.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &fields[1]};
  firn_vector *column = firn_new(arena, firn_vector);
  *column = (firn_vector){.kind = from, .len = n, .values = values};
  firn_batch in = {.schema = &fields[2], .n_rows = n, .columns = column};
  firn_fit *fit = firn_new(arena, firn_fit);
  const firn_field *missing;
  FIRN_TRY(firn_fit_new(&fields[3], &fields[2], (firn_fit_how){.promote = false}, arena, fit, gap, err));
  return gap->refusal != NULL ? FIRN_OK : firn_fit_apply(fit, &in, 1, arena, out, &missing, err);
}

static void widens_exactly(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_batch out;
  firn_fit_gap gap;
  int32_t ints[] = {INT32_MIN, -1, 7};
  int64_t longs[] = {INT64_C(1) << 53, -3};
  float floats[] = {1.5f, -0.0f};
  firn_decimal decimals[] = {-150, 12345};
  int64_t nanos[] = {-1000, 5000};
  CHECK_OK(one_column(FIRN_KIND_INT, FIRN_KIND_LONG, ints, 3, &arena, &out, &gap, &err));
  assert_true(out.columns[0].i64[0] == INT32_MIN && out.columns[0].i64[2] == 7);
  CHECK_OK(one_column(FIRN_KIND_INT, FIRN_KIND_DECIMAL, ints, 3, &arena, &out, &gap, &err));
  assert_true(out.columns[0].dec[1] == -10000);
  CHECK_OK(one_column(FIRN_KIND_LONG, FIRN_KIND_DOUBLE, longs, 2, &arena, &out, &gap, &err));
  assert_true(out.columns[0].f64[0] == 9007199254740992.0);
  CHECK_OK(one_column(FIRN_KIND_FLOAT, FIRN_KIND_DOUBLE, floats, 2, &arena, &out, &gap, &err));
  assert_true(out.columns[0].f64[0] == 1.5);
  CHECK_OK(one_column(FIRN_KIND_DECIMAL, FIRN_KIND_DECIMAL, decimals, 2, &arena, &out, &gap, &err));
  assert_true(out.columns[0].dec[0] == -15000 && out.columns[0].dec[1] == 1234500);
  CHECK_OK(one_column(FIRN_KIND_DECIMAL, FIRN_KIND_DOUBLE, decimals, 2, &arena, &out, &gap, &err));
  assert_true(out.columns[0].f64[0] == -1.5);
  CHECK_OK(one_column(FIRN_KIND_TIMESTAMP_NS, FIRN_KIND_TIMESTAMP, nanos, 2, &arena, &out, &gap, &err));
  assert_true(out.columns[0].i64[0] == -1 && out.columns[0].i64[1] == 5);
  CHECK_OK(one_column(FIRN_KIND_DATE, FIRN_KIND_TIMESTAMP, ints + 1, 1, &arena, &out, &gap, &err));
  assert_true(out.columns[0].i64[0] == INT64_C(-86400000000));
}

static void refuses_what_would_change(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_batch out;
  firn_fit_gap gap;
  int64_t longs[] = {1, INT64_C(9007199254740993)};
  double doubles[] = {0.5, 0.1};
  firn_decimal decimals[] = {100, 101};
  int64_t nanos[] = {1000, 1001};
  CHECK_STATUS(one_column(FIRN_KIND_LONG, FIRN_KIND_INT, longs, 2, &arena, &out, &gap, &err), FIRN_INVALID);
  assert_string_equal(err.text, "row 2, column x: 9007199254740993 is no int");
  CHECK_STATUS(one_column(FIRN_KIND_LONG, FIRN_KIND_DOUBLE, longs, 2, &arena, &out, &gap, &err),
               FIRN_INVALID);
  CHECK_STATUS(one_column(FIRN_KIND_DOUBLE, FIRN_KIND_FLOAT, doubles, 2, &arena, &out, &gap, &err),
               FIRN_INVALID);
  CHECK_STATUS(one_column(FIRN_KIND_DECIMAL, FIRN_KIND_LONG, decimals, 2, &arena, &out, &gap, &err),
               FIRN_INVALID);
  assert_string_equal(err.text, "row 2, column x: \"1.01\" is no long");
  CHECK_STATUS(one_column(FIRN_KIND_TIMESTAMP_NS, FIRN_KIND_TIMESTAMP, nanos, 2, &arena, &out, &gap, &err),
               FIRN_INVALID);
  CHECK_OK(one_column(FIRN_KIND_TIMESTAMP, FIRN_KIND_TIMESTAMPTZ, nanos, 2, &arena, &out, &gap, &err));
  assert_string_equal(gap.refusal,
                      "column x is timestamptz in the table and timestamp in the rows, which it cannot hold");
}

static const firn_field table_inner[] = {{.id = 4, .name = "a", .kind = FIRN_KIND_INT},
                                         {.id = 5, .name = "b", .kind = FIRN_KIND_STRING}};
static const firn_field table_fields[] = {
    {.id = 1, .name = "id", .kind = FIRN_KIND_LONG, .required = true},
    {.id = 2, .name = "Place", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = table_inner},
    {.id = 3, .name = "size", .kind = FIRN_KIND_FLOAT}};
static const firn_field table = {.kind = FIRN_KIND_STRUCT, .n_children = 3, .children = table_fields};

static void says_what_the_table_lacks(void **state) {
  (void)state;
  static const firn_field inner[] = {
      {.id = FIRN_NO_ID, .name = "B", .kind = FIRN_KIND_STRING},
      {.id = FIRN_NO_ID, .name = "c", .kind = FIRN_KIND_UNKNOWN, .required = true}};
  static const firn_field fields[] = {
      {.id = FIRN_NO_ID, .name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = inner},
      {.id = FIRN_NO_ID, .name = "size", .kind = FIRN_KIND_DOUBLE}};
  static const firn_field source = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = fields};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fit fit;
  firn_fit_gap gap;
  CHECK_OK(firn_fit_new(&table, &source, (firn_fit_how){.promote = true}, &arena, &fit, &gap, &err));
  assert_int_equal(gap.n_new, 1);
  assert_string_equal(gap.first_new, "Place.c");
  assert_int_equal(gap.n_promotions, 1);
  assert_int_equal(gap.n_optional, 1);
  assert_string_equal(gap.optional[0], "id");
  assert_null(gap.refusal);
  const firn_field *place = firn_field_child(&gap.wanted, "Place");
  assert_non_null(place);
  assert_string_equal(place->children[0].name, "b");
  assert_int_equal(firn_field_child(place, "c")->kind, FIRN_KIND_STRING);
  assert_false(firn_field_child(place, "c")->required);
  assert_int_equal(firn_field_child(&gap.wanted, "size")->kind, FIRN_KIND_DOUBLE);
  CHECK_OK(firn_fit_new(&table, &source, (firn_fit_how){.promote = false}, &arena, &fit, &gap, &err));
  assert_int_equal(gap.n_promotions, 0);
  assert_int_equal(firn_field_child(&gap.wanted, "size")->kind, FIRN_KIND_FLOAT);
}

static void refuses_two_columns_of_one_name(void **state) {
  (void)state;
  static const firn_field fields[] = {{.name = "ID", .kind = FIRN_KIND_LONG},
                                      {.name = "id", .kind = FIRN_KIND_LONG}};
  static const firn_field source = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = fields};
  static const firn_field twins[] = {{.name = "z", .kind = FIRN_KIND_LONG},
                                     {.name = "z", .kind = FIRN_KIND_LONG}};
  static const firn_field twin = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = twins};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fit fit;
  firn_fit_gap gap;
  CHECK_STATUS(firn_fit_new(&table, &source, (firn_fit_how){.promote = false}, &arena, &fit, &gap, &err),
               FIRN_INVALID);
  CHECK_SAYS("ID and id are both the column id");
  CHECK_STATUS(firn_fit_new(&table, &twin, (firn_fit_how){.promote = false}, &arena, &fit, &gap, &err),
               FIRN_INVALID);
  CHECK_SAYS("there are two columns z");
}

static void a_required_column_needs_values(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fit fit;
  firn_fit_gap gap;
  firn_batch out;
  const firn_field *missing;
  static const firn_field fields[] = {{.name = "id", .kind = FIRN_KIND_LONG}};
  static const firn_field source = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = fields};
  int64_t values[3] = {0};
  uint64_t validity = 5;
  firn_vector column = {.kind = FIRN_KIND_LONG, .len = 3, .validity = &validity, .n_nulls = 1, .i64 = values};
  firn_batch in = {.schema = &source, .n_rows = 3, .columns = &column};
  CHECK_OK(firn_fit_new(&table, &source, (firn_fit_how){.promote = false}, &arena, &fit, &gap, &err));
  CHECK_STATUS(firn_fit_apply(&fit, &in, 11, &arena, &out, &missing, &err), FIRN_INVALID);
  assert_string_equal(err.text, "row 12 has no value for id, which is required");
  assert_ptr_equal(missing, &table_fields[0]);
  column.n_nulls = 0;
  validity = 7;
  CHECK_OK(firn_fit_apply(&fit, &in, 11, &arena, &out, &missing, &err));
  CHECK_OK(firn_batch_check(&out, &err));
  assert_int_equal(out.columns[1].n_nulls, 3);
  assert_int_equal(out.columns[1].children[0].n_nulls, 3);
}

RUN_TESTS(widens_exactly, refuses_what_would_change, says_what_the_table_lacks,
          refuses_two_columns_of_one_name, a_required_column_needs_values)
