#include "iceberg/scan/row_ranges_internal.h"

#include "test.h"

enum { ROWS = 64, NO_ROW = -1 };

/* Random ranges and the same as bits. */
static firn_row_ranges make(firn_arena *arena, uint64_t *bits) {
  firn_error err;
  firn_row_ranges r = {0};
  *bits = 0;
  for (int64_t at = 0; at < ROWS;) {
    int64_t first = at + (int64_t)(test_random() % 20);
    int64_t end = first + (int64_t)(test_random() % 9);
    first = first < ROWS ? first : ROWS;
    end = end < ROWS ? end : ROWS;
    CHECK_OK(firn_row_ranges_add(&r, first, end, arena, &err));
    for (int64_t i = first; i < end; i++) {
      *bits |= UINT64_C(1) << i;
    }
    at = end + 1;
  }
  return r;
}

static void check(const firn_row_ranges *r, uint64_t bits) {
  uint64_t got = 0;
  int64_t last = NO_ROW;
  for (size_t i = 0; i < r->n; i++) {
    assert_true(r->items[i].first > last);
    assert_true(r->items[i].end > r->items[i].first);
    last = r->items[i].end;
    for (int64_t row = r->items[i].first; row < r->items[i].end; row++) {
      got |= UINT64_C(1) << row;
    }
  }
  assert_true(got == bits);
}

static void ranges_are_sets_of_rows(void **state) {
  (void)state;
  (void)test_ctx();
  for (int round = 0; round < 2000; round++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_error err;
    uint64_t a_bits, b_bits;
    firn_row_ranges both, either;
    firn_row_ranges a = make(&arena, &a_bits);
    firn_row_ranges b = make(&arena, &b_bits);
    CHECK_OK(firn_row_ranges_both(&a, &b, &arena, &both, &err));
    CHECK_OK(firn_row_ranges_either(&a, &b, &arena, &either, &err));
    check(&a, a_bits);
    check(&both, a_bits & b_bits);
    check(&either, a_bits | b_bits);
  }
}

static void neighbours_become_one(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_row_ranges r = {0};
  CHECK_OK(firn_row_ranges_add(&r, 3, 5, &arena, &err));
  CHECK_OK(firn_row_ranges_add(&r, 5, 9, &arena, &err));
  CHECK_OK(firn_row_ranges_add(&r, 9, 9, &arena, &err));
  CHECK_OK(firn_row_ranges_add(&r, 4, 6, &arena, &err));
  assert_int_equal(r.n, 1);
  assert_int_equal(r.items[0].first, 3);
  assert_int_equal(r.items[0].end, 9);
}

RUN_TESTS(ranges_are_sets_of_rows, neighbours_become_one)
