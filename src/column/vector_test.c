#include "column/vector.h"

#include "test.h"

static const firn_field element = {.name = "element", .kind = FIRN_KIND_STRING};
static const firn_field inner[] = {
    {.name = "a", .kind = FIRN_KIND_INT},
    {.name = "b", .kind = FIRN_KIND_BOOLEAN},
};
static const firn_field columns[] = {
    {.name = "n", .kind = FIRN_KIND_LONG},
    {.name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
    {.name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = inner},
    {.name = "u", .kind = FIRN_KIND_UUID},
    {.name = "nothing", .kind = FIRN_KIND_UNKNOWN},
};
static const firn_field schema = {.name = "", .kind = FIRN_KIND_STRUCT, .n_children = 5, .children = columns};

/* Three rows: the middle `n` is null, tags are [x], [], [y, z]. */
static firn_status three_rows(firn_arena *arena, firn_batch *out, firn_error *err) {
  static const uint8_t uuid[16] = {1, 2, 3};
  firn_batch b;
  FIRN_TRY(firn_batch_new(&schema, 3, arena, &b, err));
  FIRN_TRY(firn_vector_need_validity(&b.columns[0], 3, arena, err));
  b.n_rows = 3;
  for (size_t i = 0; i < 3; i++) {
    b.columns[0].i64[i] = (int64_t)i * 10;
    b.columns[2].children[0].i32[i] = (int32_t)i;
    b.columns[3].bytes[i] = (firn_bytes){uuid, 16};
  }
  firn_vector_set_null(&b.columns[0], 1);
  memcpy(b.columns[1].offsets, (int32_t[]){0, 1, 1, 3}, 4 * sizeof(int32_t));
  firn_vector *tags = &b.columns[1].children[0];
  tags->bytes[0] = FIRN_LITERAL("x");
  tags->bytes[1] = FIRN_LITERAL("y");
  tags->bytes[2] = FIRN_LITERAL("z");
  for (uint32_t c = 0; c < schema.n_children; c++) {
    b.columns[c].len = 3;
  }
  tags->len = 3;
  b.columns[2].children[0].len = b.columns[2].children[1].len = 3;
  b.columns[4].n_nulls = 3;
  *out = b;
  return FIRN_OK;
}

static void a_right_batch_passes_its_check(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  CHECK_OK(three_rows(&arena, &b, &err));
  CHECK_OK(firn_batch_check(&b, &err));
  assert_true(firn_vector_is_null(&b.columns[0], 1));
  assert_false(firn_vector_is_null(&b.columns[0], 2));
  assert_true(firn_vector_is_null(&b.columns[4], 0));
}

static void the_check_finds_each_mistake(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (int mistake = 0; mistake < 9; mistake++) {
    firn_batch b;
    CHECK_OK(three_rows(&arena, &b, &err));
    switch (mistake) {
      case 0:
        b.columns[0].n_nulls = 2;
        break;
      case 1:
        b.columns[1].offsets[2] = 0;
        break;
      case 2:
        b.columns[1].children[0].len = 2;
        break;
      case 3:
        b.columns[2].children[1].len = 4;
        break;
      case 4:
        b.columns[3].bytes[1].len = 15;
        break;
      case 5:
        b.columns[0].kind = FIRN_KIND_DOUBLE;
        break;
      case 6:
        b.columns[1].children[0].bytes[0].data = NULL;
        break;
      case 7:
        b.columns[1].offsets[0] = 1;
        break;
      default:
        b.columns[0].values = NULL;
        break;
    }
    CHECK_STATUS(firn_batch_check(&b, &err), FIRN_INVALID);
  }
  CHECK_SAYS("n: no values");
}

static void a_required_uuid_may_be_empty_only_where_its_struct_is_null(void **state) {
  (void)state;
  static const firn_field uuid = {.name = "u", .required = true, .kind = FIRN_KIND_UUID};
  static const firn_field s = {.name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &uuid};
  static const firn_field row = {.name = "", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &s};
  static const uint8_t value[16] = {1};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  CHECK_OK(firn_batch_new(&row, 2, &arena, &b, &err));
  b.n_rows = b.columns[0].len = b.columns[0].children[0].len = 2;
  b.columns[0].children[0].bytes[0] = (firn_bytes){value, sizeof value};
  CHECK_STATUS(firn_batch_check(&b, &err), FIRN_INVALID);
  CHECK_SAYS("s: u: value 1 has 0 bytes, not 16");
  CHECK_OK(firn_vector_need_validity(&b.columns[0], 2, &arena, &err));
  firn_vector_set_null(&b.columns[0], 1);
  CHECK_OK(firn_batch_check(&b, &err));
}

static void grows_without_losing_values(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  CHECK_OK(three_rows(&arena, &b, &err));
  for (uint32_t c = 0; c < schema.n_children; c++) {
    CHECK_OK(firn_vector_grow(&b.columns[c], 1000, &arena, &err));
  }
  CHECK_OK(firn_batch_check(&b, &err));
  assert_int_equal(b.columns[0].i64[2], 20);
  assert_true(firn_vector_is_null(&b.columns[0], 1));
  for (size_t i = 3; i < 1000; i++) { /* room, and valid */
    b.columns[0].i64[i] = 1;
    b.columns[2].children[0].i32[i] = 1;
    b.columns[1].offsets[i + 1] = 3;
    assert_false(firn_vector_is_null(&b.columns[0], i));
  }
  CHECK_STATUS(firn_vector_grow(&b.columns[0], 2, &arena, NULL), FIRN_INVALID);
}

static void refuses_sizes_beyond_memory(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector v;
  for (uint32_t c = 0; c < 4; c++) {
    CHECK_STATUS(firn_vector_new(&columns[c], SIZE_MAX / 4, &arena, &v, NULL), FIRN_NOMEM);
  }
}

static firn_status make_and_grow(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  FIRN_TRY(three_rows(&arena, &b, NULL));
  FIRN_TRY(firn_vector_grow(&b.columns[0], 100, &arena, NULL));
  return firn_vector_grow(&b.columns[2], 100, &arena, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(make_and_grow);
}

RUN_TESTS(a_right_batch_passes_its_check, the_check_finds_each_mistake,
          a_required_uuid_may_be_empty_only_where_its_struct_is_null, grows_without_losing_values,
          refuses_sizes_beyond_memory, survives_oom)
