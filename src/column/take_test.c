#include "column/take.h"

#include "test.h"

/* A batch of every shape: row i holds i, "i" (null where i % 3 is 0), a list of i numbers, a struct of a
 * bool. */
enum { ROWS = 20 };

static const firn_field element = {.id = 4, .name = "element", .kind = FIRN_KIND_INT};
static const firn_field flag = {.id = 6, .name = "flag", .kind = FIRN_KIND_BOOLEAN};
static const firn_field columns[] = {
    {.id = 1, .name = "n", .kind = FIRN_KIND_LONG},
    {.id = 2, .name = "text", .kind = FIRN_KIND_STRING},
    {.id = 3, .name = "list", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
    {.id = 5, .name = "pair", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &flag},
    {.id = 7, .name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 20, .scale = 2},
    {.id = 8, .name = "day", .kind = FIRN_KIND_DATE},
};
static const firn_field schema = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(columns), .children = columns};

static firn_status fill(firn_arena *arena, firn_batch *b, firn_error *err) {
  static const char digits[] = "0123456789";
  FIRN_TRY(firn_batch_new(&schema, ROWS * ROWS, arena, b, err));
  b->n_rows = ROWS;
  for (uint32_t i = 0; i < schema.n_children; i++) {
    b->columns[i].len = ROWS;
  }
  FIRN_TRY(firn_vector_need_validity(&b->columns[1], ROWS, arena, err));
  b->columns[2].children[0].len = 0;
  b->columns[3].children[0].len = ROWS;
  for (int32_t i = 0; i < ROWS; i++) {
    b->columns[0].i64[i] = i;
    b->columns[1].bytes[i] = (firn_bytes){(const uint8_t *)digits, (size_t)i % 10};
    if (i % 3 == 0) {
      firn_bit_clear(b->columns[1].validity, (size_t)i);
      b->columns[1].n_nulls++;
    }
    for (int32_t j = 0; j < i; j++) {
      b->columns[2].children[0].i32[b->columns[2].children[0].len++] = i * 100 + j;
    }
    b->columns[2].offsets[i + 1] = (int32_t)b->columns[2].children[0].len;
    if (i % 2 == 1) {
      firn_bit_set(b->columns[3].children[0].bits, (size_t)i);
    }
    b->columns[4].dec[i] = (firn_decimal)i << 70;
    b->columns[5].i32[i] = -i;
  }
  return FIRN_OK;
}

static void takes_rows_in_any_order(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch all;
  firn_batch some;
  static const uint32_t rows[] = {19, 0, 3, 3, 8, 13};
  CHECK_OK(fill(&arena, &all, &err));
  CHECK_OK(firn_batch_take(&all, rows, FIRN_COUNT_OF(rows), &arena, &some, &err));
  CHECK_OK(firn_batch_check(&some, &err));
  assert_int_equal(some.n_rows, FIRN_COUNT_OF(rows));
  for (size_t i = 0; i < FIRN_COUNT_OF(rows); i++) {
    int32_t row = (int32_t)rows[i];
    assert_int_equal(some.columns[0].i64[i], row);
    assert_int_equal(firn_vector_is_null(&some.columns[1], i), row % 3 == 0);
    assert_int_equal(some.columns[1].bytes[i].len, row % 10);
    int32_t from = some.columns[2].offsets[i];
    assert_int_equal(some.columns[2].offsets[i + 1] - from, row);
    for (int32_t j = 0; j < row; j++) {
      assert_int_equal(some.columns[2].children[0].i32[from + j], row * 100 + j);
    }
    assert_int_equal(firn_bit(some.columns[3].children[0].bits, i), row % 2 == 1);
    assert_true(some.columns[4].dec[i] == (firn_decimal)row << 70);
    assert_int_equal(some.columns[5].i32[i], -row);
  }
  assert_int_equal(some.columns[1].n_nulls, 3);
}

static void takes_no_rows(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch all;
  firn_batch none;
  CHECK_OK(fill(&arena, &all, &err));
  CHECK_OK(firn_batch_take(&all, NULL, 0, &arena, &none, &err));
  CHECK_OK(firn_batch_check(&none, &err));
  assert_int_equal(none.n_rows, 0);
}

static void taken_rows_of_the_unknown_kind_are_counted_as_null(void **state) {
  (void)state;
  static const firn_field nothing = {.name = "n", .kind = FIRN_KIND_UNKNOWN};
  static const firn_field row = {.name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &nothing};
  static const uint32_t rows[] = {2, 0};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector column = {.kind = FIRN_KIND_UNKNOWN, .len = 3, .n_nulls = 3};
  firn_batch all = {.schema = &row, .n_rows = 3, .columns = &column}, some;
  CHECK_OK(firn_batch_take(&all, rows, 2, &arena, &some, &err));
  CHECK_OK(firn_batch_check(&some, &err));
  assert_int_equal(some.columns[0].n_nulls, 2);
}

static firn_status fill_and_take(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch all;
  firn_batch some;
  static const uint32_t rows[] = {5, 4};
  FIRN_TRY(fill(&arena, &all, NULL));
  return firn_batch_take(&all, rows, 2, &arena, &some, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(fill_and_take);
}

RUN_TESTS(takes_rows_in_any_order, takes_no_rows, taken_rows_of_the_unknown_kind_are_counted_as_null,
          survives_oom)
