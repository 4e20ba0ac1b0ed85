#include "column/names.h"

#include <stdio.h>

#include "test.h"

static uint32_t find(const firn_name_index *index, const char *name) {
  return firn_name_index_find(index, firn_bytes_of(name));
}

static void finds_as_written_then_in_any_case(void **state) {
  (void)state;
  static const firn_field fields[] = {
      {.name = "id"}, {.name = "Name"}, {.name = "A"}, {.name = "a"}, {.name = "Ä"}};
  static const firn_field parent = {
      .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(fields), .children = fields};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_name_index index;
  firn_error err;
  CHECK_OK(firn_name_index_new(&parent, &arena, &index, &err));
  assert_int_equal(find(&index, "id"), 0);
  assert_int_equal(find(&index, "ID"), 0);
  assert_int_equal(find(&index, "name"), 1);
  assert_int_equal(find(&index, "A"), 2);
  assert_int_equal(find(&index, "a"), 3);
  assert_int_equal(find(&index, "Ä"), 4);
  assert_int_equal(find(&index, "ä"), FIRN_NO_CHILD);
  assert_int_equal(find(&index, ""), FIRN_NO_CHILD);
  assert_int_equal(find(&index, "i"), FIRN_NO_CHILD);
}

static void an_ambiguous_case_names_nothing(void **state) {
  (void)state;
  static const firn_field fields[] = {{.name = "aB"}, {.name = "Ab"}, {.name = "AB"}, {.name = "x"}};
  static const firn_field parent = {
      .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(fields), .children = fields};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_name_index index;
  firn_error err;
  CHECK_OK(firn_name_index_new(&parent, &arena, &index, &err));
  assert_int_equal(find(&index, "ab"), FIRN_NO_CHILD);
  assert_int_equal(find(&index, "Ab"), 1);
  assert_int_equal(find(&index, "AB"), 2);
  assert_int_equal(find(&index, "X"), 3);
}

static firn_status index_many(void) {
  enum { N = 1000 };
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field *fields = firn_new_n(&arena, firn_field, N);
  if (fields == NULL) {
    return FIRN_NOMEM;
  }
  for (int i = 0; i < N; i++) {
    fields[i].name = firn_arena_printf(&arena, "Column_%d", i);
    if (fields[i].name == NULL) {
      return FIRN_NOMEM;
    }
  }
  firn_field parent = {.kind = FIRN_KIND_STRUCT, .n_children = N, .children = fields};
  firn_name_index index;
  FIRN_TRY(firn_name_index_new(&parent, &arena, &index, NULL));
  for (uint32_t i = 0; i < N; i++) {
    char name[32];
    int len = snprintf(name, sizeof name, "cOLUMN_%u", i);
    assert_int_equal(firn_name_index_find(&index, (firn_bytes){(const uint8_t *)name, (size_t)len}), i);
  }
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(index_many);
}

RUN_TESTS(finds_as_written_then_in_any_case, an_ambiguous_case_names_nothing, survives_oom)
