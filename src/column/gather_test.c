#include "column/gather.h"

#include "random_batch.h"
#include "test.h"

enum { N_BATCHES = 4, MAX_ROWS = 50, MANY = 150 };

static firn_status gather_some(uint64_t seed, bool *as_they_were) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  random_source r = {.state = seed};
  firn_field schema;
  firn_batch batches[N_BATCHES], out;
  firn_row_ref rows[MANY];
  if (!random_schema(&r, &arena, 5, &schema)) {
    return FIRN_NOMEM;
  }
  for (size_t i = 0; i < N_BATCHES; i++) {
    if (!random_batch(&r, &schema, 1 + random_below(&r, MAX_ROWS), &arena, &batches[i])) {
      return FIRN_NOMEM;
    }
  }
  for (size_t i = 0; i < MANY; i++) {
    rows[i].batch = (uint32_t)random_below(&r, N_BATCHES);
    rows[i].row = (uint32_t)random_below(&r, batches[rows[i].batch].n_rows);
  }
  FIRN_TRY(firn_batches_gather(batches, N_BATCHES, rows, MANY, &arena, &out, NULL));
  FIRN_TRY(firn_batch_check(&out, NULL));
  for (uint32_t c = 0; c < schema.n_children; c++) {
    for (size_t i = 0; i < MANY; i++) {
      const firn_vector *from = &batches[rows[i].batch].columns[c];
      *as_they_were = *as_they_were && same_value(&schema.children[c], from, rows[i].row, &out.columns[c], i);
    }
  }
  return FIRN_OK;
}

static void rows_of_any_type_come_in_any_order(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    bool as_they_were = true;
    CHECK_STATUS(gather_some(seed, &as_they_were), FIRN_OK);
    assert_true(as_they_were);
  }
}

static firn_status gather_once(void) {
  bool ignored = true;
  return gather_some(7, &ignored);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(gather_once);
}

RUN_TESTS(rows_of_any_type_come_in_any_order, survives_oom)
