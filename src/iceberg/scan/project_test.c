#include "iceberg/scan/project.h"

#include "iceberg/scan/name_mapping.h"
#include "test.h"

#define FIELD(number, text, type) {.id = (number), .name = (text), .kind = (type)}

/* What a file of an older schema holds: an int, a float, a struct of two, a list of ints. */
static const firn_field file_inner[] = {FIELD(5, "x", FIRN_KIND_INT), FIELD(6, "y", FIRN_KIND_STRING)};
static const firn_field file_element = FIELD(8, "element", FIRN_KIND_INT);
static const firn_field file_columns[] = {
    FIELD(1, "id", FIRN_KIND_INT),
    FIELD(2, "ratio", FIRN_KIND_FLOAT),
    FIELD(3, "old_name", FIRN_KIND_STRING),
    {.id = 4, .name = "pair", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = file_inner},
    {.id = 7, .name = "list", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &file_element},
};
static const firn_field file = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(file_columns), .children = file_columns};

/* What the table has become: promoted, renamed, reordered, widened. */
static const firn_field inner[] = {FIELD(9, "z", FIRN_KIND_LONG), FIELD(5, "x", FIRN_KIND_LONG)};
static const firn_field element = FIELD(8, "element", FIRN_KIND_LONG);
static const firn_field columns[] = {
    FIELD(3, "new_name", FIRN_KIND_STRING),
    FIELD(1, "id", FIRN_KIND_LONG),
    FIELD(2, "ratio", FIRN_KIND_DOUBLE),
    {.id = 4, .name = "pair", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = inner},
    {.id = 7, .name = "list", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &element},
    FIELD(10, "added", FIRN_KIND_STRING),
    {.id = 11, .name = "with_default", .kind = FIRN_KIND_INT, .initial_default = {(const uint8_t *)"42", 2}},
    FIELD(12, "region", FIRN_KIND_STRING),
};
static const firn_field wanted = {
    .kind = FIRN_KIND_STRUCT, .n_children = FIRN_COUNT_OF(columns), .children = columns};

static const firn_partition_field by_region = {
    .source_id = 12, .field_id = 1000, .name = "region", .transform = {.kind = FIRN_TRANSFORM_IDENTITY}};
static const firn_partition_spec spec = {.n_fields = 1, .fields = &by_region};

enum { ROWS = 3 };

static firn_status fill(firn_arena *arena, firn_batch *b, firn_error *err) {
  FIRN_TRY(firn_batch_new(&file, ROWS, arena, b, err));
  b->n_rows = ROWS;
  for (uint32_t i = 0; i < file.n_children; i++) {
    b->columns[i].len = ROWS;
  }
  for (int32_t i = 0; i < ROWS; i++) {
    b->columns[0].i32[i] = -i;
    b->columns[1].f32[i] = 0.5f * (float)i;
    b->columns[2].bytes[i] = FIRN_LITERAL("text");
    b->columns[3].children[0].i32[i] = 10 + i;
    b->columns[3].children[1].bytes[i] = FIRN_LITERAL("y");
    b->columns[4].children[0].i32[i] = 100 + i;
    b->columns[4].offsets[i + 1] = i + 1;
  }
  b->columns[3].children[0].len = b->columns[3].children[1].len = ROWS;
  b->columns[4].children[0].len = ROWS;
  return FIRN_OK;
}

static firn_status project(const firn_field *to, firn_arena *arena, firn_vector *out, firn_error *err) {
  static const firn_value tuple = {.kind = FIRN_KIND_STRING, .bytes = {(const uint8_t *)"eu", 2}};
  static const firn_data_file entry = {.partition = &tuple};
  firn_projection p;
  firn_batch b;
  FIRN_TRY(fill(arena, &b, err));
  FIRN_TRY(firn_projection_new(to, &file, &entry, &spec, arena, &p, err));
  for (uint32_t i = 0; i < p.n_children; i++) {
    FIRN_TRY(firn_projection_apply(&p.children[i], b.columns, ROWS, arena, &out[i], err));
  }
  return FIRN_OK;
}

static void resolves_columns_by_id(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector v[FIRN_COUNT_OF(columns)];
  CHECK_OK(project(&wanted, &arena, v, &err));
  firn_batch batch = {.schema = &wanted, .n_rows = ROWS, .columns = v};
  CHECK_OK(firn_batch_check(&batch, &err));
  for (size_t i = 0; i < ROWS; i++) {
    CHECK_BYTES(v[0].bytes[i], "text");
    assert_int_equal(v[1].i64[i], -(int64_t)i);
    assert_true(v[2].f64[i] == 0.5 * (double)i);
    assert_true(firn_vector_is_null(&v[3].children[0], i));
    assert_int_equal(v[3].children[1].i64[i], 10 + i);
    assert_int_equal(v[4].children[0].i64[i], 100 + i);
    assert_true(firn_vector_is_null(&v[5], i));
    assert_int_equal(v[6].i32[i], 42);
    CHECK_BYTES(v[7].bytes[i], "eu");
  }
}

static void refuses_a_type_that_cannot_become_the_tables(void **state) {
  (void)state;
  static const firn_field text_for_int = FIELD(1, "id", FIRN_KIND_STRING);
  static const firn_field narrowed = FIELD(2, "ratio", FIRN_KIND_INT);
  const firn_field *bad[] = {&text_for_int, &narrowed};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_vector v;
    firn_field to = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = bad[i]};
    CHECK_STATUS(project(&to, &arena, &v, &err), FIRN_CORRUPT);
    CHECK_SAYS("in the file and");
  }
}

static void a_required_field_that_is_missing_is_named(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_field needed = {.id = 77, .name = "needed", .required = true, .kind = FIRN_KIND_INT};
  firn_field to = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &needed};
  firn_vector v;
  CHECK_STATUS(project(&to, &arena, &v, &err), FIRN_CORRUPT);
  CHECK_SAYS("required field needed (id 77) is missing");
}

/* Trap 61: names level by level, dots are no paths; a file with some ids uses ids only. */
static void names_are_mapped_level_by_level(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const char text[] =
      "[{\"field-id\":1,\"names\":[\"number\",\"id\"]},{\"field-id\":4,\"names\":[\"pair\"],\"fields\":["
      "{\"field-id\":5,\"names\":[\"x\"]}]},{\"field-id\":6,\"names\":[\"pair.y\"]},"
      "{\"field-id\":7,\"names\":[\"list\"],\"fields\":[{\"field-id\":8,\"names\":[\"element\"]}]}]";
  firn_field nameless_inner[2] = {file_inner[0], file_inner[1]};
  firn_field nameless_element = file_element;
  firn_field nameless[FIRN_COUNT_OF(file_columns)];
  nameless_inner[0].id = nameless_inner[1].id = nameless_element.id = FIRN_NO_ID;
  nameless_element.name = "item";
  for (size_t i = 0; i < FIRN_COUNT_OF(file_columns); i++) {
    nameless[i] = file_columns[i];
    nameless[i].id = FIRN_NO_ID;
  }
  nameless[3].children = nameless_inner;
  nameless[4].children = &nameless_element;
  firn_field root = {.id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = 5, .children = nameless};
  assert_true(firn_field_has_ids(&file));
  assert_false(firn_field_has_ids(&root));
  const firn_json_value *mapping;
  firn_field mapped;
  CHECK_OK(firn_json_tree_read(firn_bytes_of(text), &arena, &mapping, &err));
  CHECK_OK(firn_name_mapping_apply(mapping, &root, &arena, &mapped, &err));
  assert_int_equal(mapped.children[0].id, 1);
  assert_int_equal(mapped.children[1].id, FIRN_NO_ID);
  assert_int_equal(mapped.children[3].id, 4);
  assert_int_equal(mapped.children[3].children[0].id, 5);
  assert_int_equal(mapped.children[3].children[1].id, FIRN_NO_ID);
  assert_int_equal(mapped.children[4].children[0].id, 8);
}

static firn_status promote_dates(firn_kind to, const int32_t *days, bool has_null, firn_vector *out,
                                 firn_arena *arena, firn_error *err) {
  static const firn_field date = FIELD(1, "at", FIRN_KIND_DATE);
  const firn_field from = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &date};
  const firn_field time = FIELD(1, "at", to);
  const firn_field wanted_time = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &time};
  static const firn_partition_spec none = {0};
  firn_projection p;
  firn_batch b;
  FIRN_TRY(firn_batch_new(&from, 2, arena, &b, err));
  b.n_rows = b.columns[0].len = 2;
  memcpy(b.columns[0].i32, days, 2 * sizeof *days);
  if (has_null) {
    FIRN_TRY(firn_vector_need_validity(&b.columns[0], 2, arena, err));
    firn_vector_set_null(&b.columns[0], 1);
  }
  FIRN_TRY(firn_projection_new(&wanted_time, &from, NULL, &none, arena, &p, err));
  return firn_projection_apply(&p.children[0], b.columns, 2, arena, out, err);
}

/* Spec: Schema Evolution, v3: date to timestamp and timestamp_ns, but not to those with a zone. */
static void dates_become_timestamps(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector v;
  static const int32_t days[] = {-1, 19000}, far[] = {0, INT32_MAX};
  CHECK_OK(promote_dates(FIRN_KIND_TIMESTAMP, days, false, &v, &arena, &err));
  assert_true(v.i64[0] == -86400000000 && v.i64[1] == 19000 * 86400000000);
  CHECK_OK(promote_dates(FIRN_KIND_TIMESTAMP_NS, days, false, &v, &arena, &err));
  assert_true(v.i64[0] == -86400000000000 && v.i64[1] == 19000 * 86400000000000);
  CHECK_STATUS(promote_dates(FIRN_KIND_TIMESTAMP, far, false, &v, &arena, &err), FIRN_CORRUPT);
  CHECK_OK(promote_dates(FIRN_KIND_TIMESTAMP, far, true, &v, &arena, &err)); /* null: nothing is there */
  CHECK_STATUS(promote_dates(FIRN_KIND_TIMESTAMPTZ, days, false, &v, &arena, &err), FIRN_CORRUPT);
}

/* Bounds go the way of the values, and what has no place in the table's type says nothing. */
static void values_are_promoted_like_columns(void **state) {
  (void)state;
  firn_value v = {.kind = FIRN_KIND_INT, .i32 = -5};
  assert_true(firn_value_promote(&v, FIRN_KIND_LONG).i64 == -5);
  v = (firn_value){.kind = FIRN_KIND_FLOAT, .f32 = 0.5F};
  assert_true(firn_value_promote(&v, FIRN_KIND_DOUBLE).f64 == 0.5);
  v = (firn_value){.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = -1};
  assert_true(firn_value_promote(&v, FIRN_KIND_TIMESTAMP).i64 == -1);
  v = (firn_value){.kind = FIRN_KIND_DATE, .i32 = INT32_MAX};
  assert_true(firn_value_promote(&v, FIRN_KIND_TIMESTAMP).is_null);
  v = (firn_value){.kind = FIRN_KIND_LONG, .i64 = 1};
  assert_true(firn_value_promote(&v, FIRN_KIND_STRING).is_null);
}

/* The leaves of the file: id, ratio, old_name, pair.x, pair.y, list.element. */
static void only_the_leaves_that_are_wanted_are_marked(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_partition_spec none = {0};
  static const firn_field y[] = {FIELD(6, "y", FIRN_KIND_STRING)}, z[] = {FIELD(9, "z", FIRN_KIND_LONG)};
  const firn_field some[] = {
      {.id = 4, .name = "pair", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = y},
      FIELD(2, "ratio", FIRN_KIND_DOUBLE),
  };
  firn_field to = {.kind = FIRN_KIND_STRUCT, .n_children = 2, .children = some};
  firn_projection p;
  bool leaves[6] = {false};
  CHECK_OK(firn_projection_new(&to, &file, NULL, &none, &arena, &p, &err));
  firn_projection_mark(&p, &file, leaves);
  assert_true(!leaves[0] && leaves[1] && !leaves[2] && !leaves[3] && leaves[4] && !leaves[5]);
  firn_projection_renumber(&p, &file, leaves);
  assert_int_equal(p.children[1].child, 0); /* ratio, now the first column */
  assert_int_equal(p.children[0].child, 1);
  assert_int_equal(p.children[0].children[0].child, 0);
  /* A struct of which the file has no child that is wanted: whether it is null is still in its leaves. */
  const firn_field other = {
      .id = 4, .name = "pair", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = z};
  to = (firn_field){.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &other};
  memset(leaves, 0, sizeof leaves);
  CHECK_OK(firn_projection_new(&to, &file, NULL, &none, &arena, &p, &err));
  firn_projection_mark(&p, &file, leaves);
  assert_true(leaves[3] && !leaves[4] && !leaves[0]);
}

/* A filter that asks whether a struct is null, when all that the struct holds is a map. */
static void a_map_whose_nulls_are_wanted_needs_keys_and_values(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_partition_spec none = {0};
  static const firn_field key_value[] = {FIELD(3, "key", FIRN_KIND_STRING),
                                         FIELD(4, "value", FIRN_KIND_LONG)};
  static const firn_field map = {
      .id = 2, .name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = key_value};
  static const firn_field holder = {
      .id = 1, .name = "s", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &map};
  static const firn_field bare = {.id = 1, .name = "s", .kind = FIRN_KIND_STRUCT};
  const firn_field own = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &holder};
  const firn_field to = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &bare};
  firn_projection p;
  bool leaves[2] = {false};
  CHECK_OK(firn_projection_new(&to, &own, NULL, &none, &arena, &p, &err));
  firn_projection_mark(&p, &own, leaves);
  assert_true(leaves[0] && leaves[1]);
}

static firn_status project_all(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_vector v[FIRN_COUNT_OF(columns)];
  return project(&wanted, &arena, v, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(project_all);
}

RUN_TESTS(resolves_columns_by_id, refuses_a_type_that_cannot_become_the_tables,
          a_required_field_that_is_missing_is_named, names_are_mapped_level_by_level, dates_become_timestamps,
          values_are_promoted_like_columns, only_the_leaves_that_are_wanted_are_marked,
          a_map_whose_nulls_are_wanted_needs_keys_and_values, survives_oom)
