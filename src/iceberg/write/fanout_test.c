#include "iceberg/write/fanout.h"

#include "test.h"

static const firn_field inner = {.id = 4, .name = "region", .kind = FIRN_KIND_STRING};
static const firn_field columns[] = {
    {.id = 1, .name = "ts", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 2, .name = "id", .kind = FIRN_KIND_LONG},
    {.id = 3, .name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &inner},
};
static const firn_schema schema = {
    .root = {.kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(columns), .children = columns}};

static const firn_partition_field by_day = {
    .source_id = 1, .field_id = 1000, .name = "ts_day", .transform = {.kind = FIRN_TRANSFORM_DAY}};
static const firn_partition_field by_place[] = {
    {.source_id = 4, .field_id = 1000, .name = "region", .transform = {.kind = FIRN_TRANSFORM_IDENTITY}},
    {.source_id = 2,
     .field_id = 1001,
     .name = "id_bucket",
     .transform = {.kind = FIRN_TRANSFORM_BUCKET, .width = 4}},
};

static const int64_t day_us = INT64_C(86400000000);

static firn_status make(size_t n, firn_arena *arena, firn_batch *b, firn_error *err) {
  FIRN_TRY(firn_batch_new(&schema.root, n, arena, b, err));
  b->n_rows = n;
  for (size_t i = 0; i < FIRN_COUNT_OF(columns); i++) {
    b->columns[i].len = n;
  }
  b->columns[2].children[0].len = n;
  for (size_t i = 0; i < n; i++) {
    static const char *const regions[] = {"eu", "us", "ap"};
    b->columns[0].i64[i] = (int64_t)(i / 10) * day_us - 1; /* the first ten lie in the day before 1970 */
    b->columns[1].i64[i] = (int64_t)i;
    b->columns[2].children[0].bytes[i] = firn_bytes_of(regions[i % 3]);
  }
  return FIRN_OK;
}

static void an_unpartitioned_table_has_one_group(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  CHECK_OK(make(30, &arena, &b, &err));
  CHECK_OK(firn_partition_groups(&(firn_partition_spec){0}, &schema, &b, &arena, &groups, &n, &err));
  assert_int_equal(n, 1);
  assert_null(groups[0].rows);
  assert_int_equal(groups[0].n_rows, 30);
}

static void a_batch_of_one_day_is_not_split(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec = {.n_fields = 1, .fields = &by_day};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  CHECK_OK(make(10, &arena, &b, &err));
  CHECK_OK(firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, &err));
  assert_int_equal(n, 1);
  assert_null(groups[0].rows);
  assert_int_equal(groups[0].tuple[0].i32, -1);
}

static void a_batch_that_spans_days_is_split_in_order(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec = {.n_fields = 1, .fields = &by_day};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  CHECK_OK(make(35, &arena, &b, &err));
  b.columns[0].i64[34] = -1; /* back to the first day */
  CHECK_OK(firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, &err));
  assert_int_equal(n, 4);
  for (size_t g = 0; g < n; g++) {
    assert_int_equal(groups[g].tuple[0].i32, (int)g - 1);
    assert_int_equal(groups[g].n_rows, g == 0 ? 11 : g == 3 ? 4 : 10);
    assert_int_equal(groups[g].rows[0], g * 10);
  }
  assert_int_equal(groups[0].rows[10], 34);
}

static void nulls_have_a_group_of_their_own(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec = {.n_fields = 1, .fields = &by_day};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  CHECK_OK(make(10, &arena, &b, &err));
  CHECK_OK(firn_vector_need_validity(&b.columns[0], 10, &arena, &err));
  firn_bit_clear(b.columns[0].validity, 5);
  b.columns[0].n_nulls = 1;
  CHECK_OK(firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, &err));
  assert_int_equal(n, 2);
  assert_true(groups[1].tuple[0].is_null);
  assert_int_equal(groups[1].n_rows, 1);
  assert_int_equal(groups[1].rows[0], 5);
}

static void every_row_is_in_just_the_group_of_its_tuple(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec = {.n_fields = 2, .fields = by_place};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  enum { N = 500 };
  bool seen[N] = {false};
  CHECK_OK(make(N, &arena, &b, &err));
  CHECK_OK(firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, &err));
  assert_int_equal(n, 12);
  for (size_t g = 0; g < n; g++) {
    for (size_t i = 0; i < groups[g].n_rows; i++) {
      uint32_t row = groups[g].rows[i];
      assert_false(seen[row]);
      seen[row] = true;
      assert_true(i == 0 || groups[g].rows[i - 1] < row);
      assert_true(firn_bytes_equal(groups[g].tuple[0].bytes, b.columns[2].children[0].bytes[row]));
      firn_value id = {.kind = FIRN_KIND_LONG, .i64 = row};
      assert_int_equal(groups[g].tuple[1].i32, (firn_bucket_hash(&id) & 0x7FFFFFFF) % 4);
    }
  }
  for (size_t i = 0; i < N; i++) {
    assert_true(seen[i]);
  }
}

static void a_source_that_is_missing_is_named(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_field field = by_day;
  field.source_id = 99;
  firn_partition_spec spec = {.n_fields = 1, .fields = &field};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  CHECK_OK(make(1, &arena, &b, &err));
  CHECK_STATUS(firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, &err), FIRN_INVALID);
  CHECK_SAYS("partition field ts_day: the schema has no field 99");
}

static firn_status make_and_group(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec = {.n_fields = 2, .fields = by_place};
  firn_batch b;
  const firn_partition_group *groups;
  size_t n;
  FIRN_TRY(make(40, &arena, &b, NULL));
  return firn_partition_groups(&spec, &schema, &b, &arena, &groups, &n, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(make_and_group);
}

RUN_TESTS(an_unpartitioned_table_has_one_group, a_batch_of_one_day_is_not_split,
          a_batch_that_spans_days_is_split_in_order, nulls_have_a_group_of_their_own,
          every_row_is_in_just_the_group_of_its_tuple, a_source_that_is_missing_is_named, survives_oom)
