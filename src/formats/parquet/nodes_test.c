#include "formats/parquet/metadata.h"
#include "test.h"

static const firn_field point[] = {{.id = 31, .name = "x", .kind = FIRN_KIND_DOUBLE, .required = true},
                                   {.id = 32, .name = "y", .kind = FIRN_KIND_DOUBLE}};
static const firn_field tags[] = {{.id = 21, .name = "item", .kind = FIRN_KIND_STRING}};
static const firn_field prices[] = {
    {.id = 41, .name = "k", .kind = FIRN_KIND_STRING, .required = true},
    {.id = 42, .name = "v", .kind = FIRN_KIND_LIST, .required = true, .n_children = 1, .children = tags}};
static const firn_field columns[] = {
    {.id = 1, .name = "a", .kind = FIRN_KIND_LONG, .required = true},
    {.id = 2, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = tags},
    {.id = 3, .name = "p", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = point},
    {.id = 4, .name = "prices", .kind = FIRN_KIND_MAP, .n_children = 2, .children = prices}};
static const firn_field schema = {.id = 77, .kind = FIRN_KIND_STRUCT, .n_children = 4, .children = columns};

static void makes_the_shapes_of_the_specification(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_parquet_node *root, *const *leaves;
  uint32_t n;
  CHECK_OK(firn_parquet_nodes_of(&schema, &arena, &root, &n, &leaves, &err));
  assert_int_equal(n, 6);
  assert_int_equal(root->field_id, FIRN_NO_ID);
  static const struct {
    const char *name;
    int32_t id;
    int16_t def, rep;
  } wanted[] = {{"a", 1, 0, 0},  {"element", 21, 3, 1}, {"x", 31, 1, 0},
                {"y", 32, 2, 0}, {"key", 41, 2, 1},     {"element", 21, 4, 2}};
  for (uint32_t i = 0; i < n; i++) {
    assert_int_equal(leaves[i]->leaf, i);
    assert_string_equal(leaves[i]->name, wanted[i].name);
    assert_int_equal(leaves[i]->field_id, wanted[i].id);
    assert_int_equal(leaves[i]->max_def, wanted[i].def);
    assert_int_equal(leaves[i]->max_rep, wanted[i].rep);
  }
  const firn_parquet_node *list = &root->children[1];
  assert_int_equal(list->logical, FIRN_LOGICAL_LIST);
  assert_string_equal(list->children[0].name, "list");
  assert_int_equal(list->children[0].repetition, FIRN_PARQUET_REPEATED);
  const firn_parquet_node *map = &root->children[3];
  assert_int_equal(map->logical, FIRN_LOGICAL_MAP);
  assert_string_equal(map->children[0].name, "key_value");
  assert_int_equal(map->children[0].children[0].repetition, FIRN_PARQUET_REQUIRED);
  assert_string_equal(map->children[0].children[1].name, "value");
}

static void knows_every_type(void **state) {
  (void)state;
  static const struct {
    firn_field field;
    firn_parquet_type type;
    int32_t length;
    firn_parquet_logical logical;
    firn_parquet_unit unit;
    bool utc;
  } kinds[] = {
      {{.kind = FIRN_KIND_BOOLEAN}, FIRN_PARQUET_BOOLEAN, 0, 0, 0, 0},
      {{.kind = FIRN_KIND_INT}, FIRN_PARQUET_INT32, 0, 0, 0, 0},
      {{.kind = FIRN_KIND_FLOAT}, FIRN_PARQUET_FLOAT, 0, 0, 0, 0},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 9}, FIRN_PARQUET_INT32, 0, FIRN_LOGICAL_DECIMAL, 0, 0},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 18}, FIRN_PARQUET_INT64, 0, FIRN_LOGICAL_DECIMAL, 0, 0},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 19},
       FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY,
       9,
       FIRN_LOGICAL_DECIMAL,
       0,
       0},
      {{.kind = FIRN_KIND_DECIMAL, .precision = 38},
       FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY,
       16,
       FIRN_LOGICAL_DECIMAL,
       0,
       0},
      {{.kind = FIRN_KIND_DATE}, FIRN_PARQUET_INT32, 0, FIRN_LOGICAL_DATE, 0, 0},
      {{.kind = FIRN_KIND_TIME}, FIRN_PARQUET_INT64, 0, FIRN_LOGICAL_TIME, FIRN_UNIT_MICROS, false},
      {{.kind = FIRN_KIND_TIMESTAMP}, FIRN_PARQUET_INT64, 0, FIRN_LOGICAL_TIMESTAMP, FIRN_UNIT_MICROS, false},
      {{.kind = FIRN_KIND_TIMESTAMPTZ},
       FIRN_PARQUET_INT64,
       0,
       FIRN_LOGICAL_TIMESTAMP,
       FIRN_UNIT_MICROS,
       true},
      {{.kind = FIRN_KIND_TIMESTAMP_NS},
       FIRN_PARQUET_INT64,
       0,
       FIRN_LOGICAL_TIMESTAMP,
       FIRN_UNIT_NANOS,
       false},
      {{.kind = FIRN_KIND_TIMESTAMPTZ_NS},
       FIRN_PARQUET_INT64,
       0,
       FIRN_LOGICAL_TIMESTAMP,
       FIRN_UNIT_NANOS,
       true},
      {{.kind = FIRN_KIND_STRING}, FIRN_PARQUET_BYTE_ARRAY, 0, FIRN_LOGICAL_STRING, 0, 0},
      {{.kind = FIRN_KIND_BINARY}, FIRN_PARQUET_BYTE_ARRAY, 0, 0, 0, 0},
      {{.kind = FIRN_KIND_UUID}, FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY, 16, FIRN_LOGICAL_UUID, 0, 0},
      {{.kind = FIRN_KIND_FIXED, .width = 5}, FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY, 5, 0, 0, 0},
      {{.kind = FIRN_KIND_UNKNOWN}, FIRN_PARQUET_INT32, 0, FIRN_LOGICAL_UNKNOWN, 0, 0},
      {{.kind = FIRN_KIND_GEOMETRY}, FIRN_PARQUET_BYTE_ARRAY, 0, FIRN_LOGICAL_GEOMETRY, 0, 0},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_field field = kinds[i].field;
    field.name = "f";
    firn_field only = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &field};
    const firn_parquet_node *root, *const *leaves;
    uint32_t n;
    CHECK_OK(firn_parquet_nodes_of(&only, &arena, &root, &n, &leaves, &err));
    assert_int_equal(n, 1);
    assert_int_equal(leaves[0]->type, kinds[i].type);
    assert_int_equal(leaves[0]->type_length, kinds[i].length);
    assert_int_equal(leaves[0]->logical, kinds[i].logical);
    assert_int_equal(leaves[0]->unit, kinds[i].unit);
    assert_int_equal(leaves[0]->is_utc, kinds[i].utc);
  }
}

static void refuses_what_cannot_be_stored(void **state) {
  (void)state;
  static const firn_field optional_key[] = {{.name = "k", .kind = FIRN_KIND_INT},
                                            {.name = "v", .kind = FIRN_KIND_INT}};
  static const struct {
    firn_field field;
    firn_status status;
    const char *says;
  } bad[] = {
      {{.name = "v", .kind = FIRN_KIND_VARIANT}, FIRN_UNSUPPORTED, "v: columns of type variant"},
      {{.name = "d", .kind = FIRN_KIND_DECIMAL, .precision = 39}, FIRN_INVALID, "no decimal(39, 0)"},
      {{.name = "d", .kind = FIRN_KIND_DECIMAL, .precision = 2, .scale = 3}, FIRN_INVALID, "decimal(2, 3)"},
      {{.name = "f", .kind = FIRN_KIND_FIXED}, FIRN_INVALID, "fixed[0]"},
      {{.name = "s", .kind = FIRN_KIND_STRUCT}, FIRN_INVALID, "s: Parquet has no struct without fields"},
      {{.name = "u", .kind = FIRN_KIND_UNKNOWN, .required = true}, FIRN_INVALID, "always null"},
      {{.name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = optional_key}, FIRN_INVALID, "keys"},
      {{.name = "", .kind = FIRN_KIND_INT}, FIRN_INVALID, "without a name"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_field only = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &bad[i].field};
    const firn_parquet_node *root, *const *leaves;
    uint32_t n;
    CHECK_STATUS(firn_parquet_nodes_of(&only, &arena, &root, &n, &leaves, &err), bad[i].status);
    CHECK_SAYS(bad[i].says);
  }
}

static firn_status once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_parquet_node *root, *const *leaves;
  uint32_t n;
  return firn_parquet_nodes_of(&schema, &arena, &root, &n, &leaves, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(once);
}

RUN_TESTS(makes_the_shapes_of_the_specification, knows_every_type, refuses_what_cannot_be_stored,
          survives_oom)
