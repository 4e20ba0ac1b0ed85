#include "column/type.h"

#include "test.h"

static const firn_field point_fields[] = {
    {.id = 4, .name = "x", .required = true, .kind = FIRN_KIND_DOUBLE},
    {.id = 5, .name = "y", .required = true, .kind = FIRN_KIND_DOUBLE},
};
static const firn_field list_fields[] = {
    {.id = 3, .name = "element", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = point_fields},
};
static const firn_field root_fields[] = {
    {.id = 1, .name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2, .doc = "in EUR"},
    {.id = 2, .name = "track", .kind = FIRN_KIND_LIST, .n_children = 1, .children = list_fields},
    {.id = FIRN_NO_ID, .name = "hash", .kind = FIRN_KIND_FIXED, .width = 20},
};
static const firn_field root = {
    .id = FIRN_NO_ID, .name = "r", .kind = FIRN_KIND_STRUCT, .n_children = 3, .children = root_fields};

static void finds_fields_by_name_and_id(void **state) {
  (void)state;
  assert_ptr_equal(firn_field_child(&root, "track"), &root_fields[1]);
  assert_null(firn_field_child(&root, "y"));
  assert_ptr_equal(firn_field_child_by_id(&root, 1), &root_fields[0]);
  assert_null(firn_field_child_by_id(&root, 5));
  assert_null(firn_field_child_by_id(&root, FIRN_NO_ID));
  assert_ptr_equal(firn_field_find(&root, 5), &point_fields[1]);
  assert_null(firn_field_find(&root, 9));
  assert_null(firn_field_find(&root, FIRN_NO_ID));
}

static void copies_are_deep(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field copy;
  CHECK_OK(firn_field_copy(&root, &arena, &copy, &err));
  assert_true(firn_field_same_type(&root, &copy));
  assert_string_equal(copy.children[0].doc, "in EUR");
  assert_ptr_not_equal(copy.children[0].doc, root_fields[0].doc);
  assert_string_equal(copy.children[1].children[0].children[1].name, "y");
  assert_int_equal(copy.children[1].children[0].children[1].id, 5);
}

static void parameters_make_types_differ(void **state) {
  (void)state;
  firn_field a = root_fields[0];
  firn_field b = a;
  b.name = "other";
  b.id = 77;
  assert_true(firn_field_same_type(&a, &b));
  b.scale = 3;
  assert_false(firn_field_same_type(&a, &b));
  a = root_fields[2];
  b = a;
  b.width = 21;
  assert_false(firn_field_same_type(&a, &b));
}

static void refuses_types_that_never_end(void **state) {
  (void)state;
  firn_field deep[FIRN_TYPE_MAX_DEPTH + 2];
  for (size_t i = 0; i < FIRN_COUNT_OF(deep); i++) {
    bool last = i + 1 == FIRN_COUNT_OF(deep);
    deep[i] = (firn_field){.name = "l",
                           .kind = last ? FIRN_KIND_INT : FIRN_KIND_LIST,
                           .n_children = last ? 0 : 1,
                           .children = last ? NULL : &deep[i + 1]};
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field copy;
  CHECK_STATUS(firn_field_copy(&deep[0], &arena, &copy, NULL), FIRN_LIMIT);
}

static void decimal_widths_are_minimal(void **state) {
  (void)state;
  static const uint8_t wanted[] = {1, 1, 2,  2,  3,  3,  4,  4,  4,  5,  5,  6,  6,  6,  7,  7,  8,  8,  9,
                                   9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};
  for (unsigned p = 1; p <= 38; p++) {
    assert_int_equal(firn_decimal_width(p), wanted[p - 1]);
  }
}

static void kinds_know_their_size(void **state) {
  (void)state;
  assert_int_equal(firn_kind_value_size(FIRN_KIND_DECIMAL), 16);
  assert_false(firn_kind_is_bytes(FIRN_KIND_DECIMAL));
  assert_true(firn_kind_is_bytes(FIRN_KIND_UUID));
  assert_int_equal(firn_kind_value_size(FIRN_KIND_BOOLEAN), 0);
  assert_string_equal(firn_kind_name(FIRN_KIND_TIMESTAMPTZ_NS), "timestamptz_ns");
  assert_string_equal(firn_kind_name((firn_kind)99), "no kind");
}

static firn_status copy_once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_field copy;
  return firn_field_copy(&root, &arena, &copy, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(copy_once);
}

RUN_TESTS(finds_fields_by_name_and_id, copies_are_deep, parameters_make_types_differ,
          refuses_types_that_never_end, decimal_widths_are_minimal, kinds_know_their_size, survives_oom)
