#include "iceberg/types/spec.h"

#include "test.h"

static const firn_field city[] = {{.id = 8, .name = "city", .kind = FIRN_KIND_STRING}};
static const firn_field element[] = {{.id = 9, .name = "element", .kind = FIRN_KIND_STRING}};
static const firn_field columns[] = {
    {.id = 1, .name = "id", .kind = FIRN_KIND_INT},
    {.id = 2, .name = "data", .kind = FIRN_KIND_STRING},
    {.id = 3, .name = "ts", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.id = 4, .name = "price", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.id = 5, .name = "place", .kind = FIRN_KIND_STRUCT, .n_children = 1, .children = city},
    {.id = 6, .name = "tags", .kind = FIRN_KIND_LIST, .n_children = 1, .children = element},
    {.id = 7, .name = "raw", .kind = FIRN_KIND_BINARY}};
static const firn_schema schema = {
    .root = {.id = FIRN_NO_ID, .name = "", .kind = FIRN_KIND_STRUCT, .n_children = 7, .children = columns}};

static firn_status read_spec(const char *json, firn_arena *arena, firn_partition_spec *out, firn_error *err) {
  const firn_json_value *tree;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(json), arena, &tree, err));
  return tree->kind == FIRN_JSON_ARRAY ? firn_partition_fields_read(tree, arena, out, err)
                                       : firn_partition_spec_read(tree, arena, out, err);
}

static firn_status read_order(const char *json, firn_arena *arena, firn_sort_order *out, firn_error *err) {
  const firn_json_value *tree;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(json), arena, &tree, err));
  return firn_sort_order_read(tree, arena, out, err);
}

static const char spec_json[] =
    "{\"spec-id\":2,\"fields\":["
    "{\"name\":\"ts_day\",\"transform\":\"day\",\"source-id\":3,\"field-id\":1003},"
    "{\"name\":\"id_bucket\",\"transform\":\"bucket[16]\",\"source-id\":1,\"field-id\":1001},"
    "{\"name\":\"curve\",\"transform\":\"hilbert[9]\",\"source-id\":1,\"field-id\":1004}]}";
static const char order_json[] =
    "{\"order-id\":1,\"fields\":["
    "{\"transform\":\"identity\",\"source-id\":2,\"direction\":\"asc\",\"null-order\":\"nulls-first\"},"
    "{\"transform\":\"bucket[4]\",\"source-id\":3,\"direction\":\"desc\",\"null-order\":\"nulls-last\"}]}";

static void reads_what_it_writes(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_error err;
  firn_partition_spec spec, copy;
  firn_sort_order order, order_copy;
  CHECK_OK(read_spec(spec_json, &arena, &spec, &err));
  assert_int_equal(spec.spec_id, 2);
  assert_int_equal(firn_partition_spec_last_id(&spec), 1004);
  CHECK_OK(firn_partition_spec_copy(&spec, &arena, &copy, &err));
  assert_true(firn_partition_spec_equal(&spec, &copy));
  firn_partition_spec_write(&copy, &w);
  CHECK_BYTES(firn_builder_bytes(&b), spec_json);
  firn_builder_reset(&b);
  w = (firn_json_writer)FIRN_JSON_WRITER_INIT(&b);
  CHECK_OK(read_order(order_json, &arena, &order, &err));
  CHECK_OK(firn_sort_order_copy(&order, &arena, &order_copy, &err));
  assert_true(firn_sort_order_equal(&order, &order_copy));
  firn_sort_order_write(&order_copy, &w);
  CHECK_BYTES(firn_builder_bytes(&b), order_json);
}

static void partition_ids_of_version_1_count_from_1000(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_partition_spec spec;
  CHECK_OK(read_spec(
      "[{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1},{\"name\":\"b\",\"transform\":\"void\","
      "\"source-id\":2}]",
      &arena, &spec, &err));
  assert_int_equal(spec.spec_id, 0);
  assert_int_equal(spec.fields[0].field_id, 1000);
  assert_int_equal(spec.fields[1].field_id, 1001);
  CHECK_OK(read_spec("{\"spec-id\":0,\"fields\":[]}", &arena, &spec, &err));
  assert_int_equal(firn_partition_spec_last_id(&spec), 999);
  CHECK_STATUS(read_spec("[{\"name\":\"a\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000},"
                         "{\"name\":\"b\",\"transform\":\"void\",\"source-id\":2}]",
                         &arena, &spec, NULL),
               FIRN_CORRUPT);
}

static void two_specs_are_equal_by_sources_transforms_and_names(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_partition_spec spec, other;
  CHECK_OK(read_spec(spec_json, &arena, &spec, &err));
  static const struct {
    const char *from, *to;
    bool equal;
  } changes[] = {{"\"spec-id\":2", "\"spec-id\":7", true},
                 {"1003", "1009", true},
                 {"ts_day", "ts_d", false},
                 {"bucket[16]", "bucket[8]", false},
                 {"\"source-id\":3", "\"source-id\":4", false},
                 {"hilbert[9]", "hilbert[8]", false}};
  for (size_t i = 0; i < FIRN_COUNT_OF(changes); i++) {
    const char *at = strstr(spec_json, changes[i].from);
    CHECK_OK(read_spec(firn_arena_printf(&arena, "%.*s%s%s", (int)(at - spec_json), spec_json, changes[i].to,
                                         at + strlen(changes[i].from)),
                       &arena, &other, &err));
    assert_int_equal(firn_partition_spec_equal(&spec, &other), changes[i].equal);
  }
}

static void a_transform_of_one_source_may_name_it_in_a_list(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_partition_spec spec;
  CHECK_OK(read_spec("[{\"name\":\"a\",\"transform\":\"day\",\"source-ids\":[3],\"field-id\":1000}]", &arena,
                     &spec, &err));
  assert_int_equal(spec.fields[0].source_id, 3);
  CHECK_STATUS(read_spec("[{\"name\":\"a\",\"transform\":\"day\",\"source-ids\":[3,4],\"field-id\":1000}]",
                         &arena, &spec, NULL),
               FIRN_UNSUPPORTED);
  CHECK_STATUS(read_spec("[{\"name\":\"a\",\"transform\":\"day\",\"source-ids\":[null],\"field-id\":1000}]",
                         &arena, &spec, NULL),
               FIRN_CORRUPT);
}

static void refuses_sort_orders_that_make_no_sense(void **state) {
  (void)state;
  static const char *const bad[] = {
      "{\"order-id\":1,\"fields\":[]}",
      "{\"fields\":[]}",
      "{\"order-id\":1}",
      "{\"order-id\":0,\"fields\":[{\"transform\":\"day\",\"source-id\":3,\"direction\":\"asc\",\"null-"
      "order\":\"nulls-first\"}]}",
      "{\"order-id\":1,\"fields\":[{\"transform\":\"day\",\"source-id\":3,\"direction\":\"up\",\"null-"
      "order\":\"nulls-first\"}]}",
      "{\"order-id\":1,\"fields\":[{\"transform\":\"day\",\"source-id\":3,\"direction\":\"asc\",\"null-"
      "order\":\"first\"}]}",
      "{\"order-id\":1,\"fields\":[{\"transform\":\"day\",\"source-id\":3,\"direction\":\"asc\"}]}",
      "{\"order-id\":1,\"fields\":[{\"source-id\":3,\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}",
      "{\"order-id\":1,\"fields\":[1]}"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_sort_order order;
    CHECK_STATUS(read_order(bad[i], &arena, &order, NULL), FIRN_CORRUPT);
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_sort_order order;
  CHECK_OK(read_order("{\"order-id\":0,\"fields\":[]}", &arena, &order, &err));
}

static firn_status checked(firn_partition_field field) {
  firn_partition_field fields[] = {{
                                       1,
                                       1000,
                                       "id_bucket",
                                       {.kind = FIRN_TRANSFORM_BUCKET, .width = 4},
                                   },
                                   field};
  firn_partition_spec spec = {.n_fields = 2, .fields = fields};
  return firn_partition_spec_check(&spec, &schema, NULL);
}

static void checks_specs_against_their_schema(void **state) {
  (void)state;
  const firn_transform identity = {.kind = FIRN_TRANSFORM_IDENTITY}, day = {.kind = FIRN_TRANSFORM_DAY},
                       gone = {.kind = FIRN_TRANSFORM_VOID},
                       unknown = {.kind = FIRN_TRANSFORM_UNKNOWN, .text = "hilbert"};
  CHECK_STATUS(checked((firn_partition_field){3, 1001, "ts_day", day}), FIRN_OK);
  CHECK_STATUS(checked((firn_partition_field){2, 1001, "data", identity}), FIRN_OK);    /* its own name */
  CHECK_STATUS(checked((firn_partition_field){8, 1001, "city", identity}), FIRN_OK);    /* in a struct */
  CHECK_STATUS(checked((firn_partition_field){99, 1001, "old", gone}), FIRN_OK);        /* dropped in v1 */
  CHECK_STATUS(checked((firn_partition_field){2, 1001, "id", identity}), FIRN_INVALID); /* another's name */
  CHECK_STATUS(checked((firn_partition_field){3, 1001, "data", day}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){3, 1001, "", day}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){3, 1001, "id_bucket", day}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){3, 1000, "ts_day", day}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){2, 1001, "data_day", day}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){9, 1001, "tag", identity}), FIRN_INVALID); /* in a list */
  CHECK_STATUS(checked((firn_partition_field){5, 1001, "place", identity}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){99, 1001, "x", identity}), FIRN_INVALID);
  CHECK_STATUS(checked((firn_partition_field){3, 1001, "x", unknown}), FIRN_UNSUPPORTED); /* never written */
  firn_sort_field sort = {.source_id = 5, .transform = identity};
  CHECK_STATUS(firn_sort_order_check(&(firn_sort_order){1, 1, &sort}, &schema, NULL), FIRN_INVALID);
  sort.source_id = 3;
  CHECK_STATUS(firn_sort_order_check(&(firn_sort_order){1, 1, &sort}, &schema, NULL), FIRN_OK);
}

static void a_partition_tuple_has_the_types_of_its_transforms(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  const firn_partition_field fields[] = {
      {3, 1000, "ts_day", {.kind = FIRN_TRANSFORM_DAY}},
      {4, 1001, "price", {.kind = FIRN_TRANSFORM_IDENTITY}},
      {99, 1002, "gone", {.kind = FIRN_TRANSFORM_IDENTITY}},
      {8, 1003, "city_trunc", {.kind = FIRN_TRANSFORM_TRUNCATE, .width = 3}}};
  firn_partition_spec spec = {.n_fields = 4, .fields = fields};
  firn_field type;
  CHECK_OK(firn_partition_type(&spec, &schema, &arena, &type, &err));
  assert_int_equal(type.n_children, 4);
  assert_int_equal(type.children[0].kind, FIRN_KIND_DATE);
  assert_int_equal(type.children[0].id, 1000);
  assert_false(type.children[0].required);
  assert_int_equal(type.children[1].kind, FIRN_KIND_DECIMAL);
  assert_int_equal(type.children[1].scale, 2);
  assert_int_equal(type.children[2].kind, FIRN_KIND_UNKNOWN);
  assert_int_equal(type.children[3].kind, FIRN_KIND_STRING);
}

static void partition_paths_are_those_of_the_reference(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_partition_field fields[] = {{3, 1000, "ts_hour", {.kind = FIRN_TRANSFORM_HOUR}},
                                         {1, 1001, "id_bucket", {.kind = FIRN_TRANSFORM_BUCKET, .width = 10}},
                                         {2, 1002, "\"esc\"#1", {.kind = FIRN_TRANSFORM_IDENTITY}},
                                         {7, 1003, "raw", {.kind = FIRN_TRANSFORM_IDENTITY}},
                                         {4, 1004, "price", {.kind = FIRN_TRANSFORM_IDENTITY}}};
  firn_partition_spec spec = {.n_fields = 5, .fields = fields};
  firn_value tuple[] = {{.kind = FIRN_KIND_INT, .i32 = 420034},
                        {.kind = FIRN_KIND_INT, .i32 = 6},
                        {.kind = FIRN_KIND_STRING, .bytes = FIRN_LITERAL("a/b c\xc3\xa9~*")},
                        {.kind = FIRN_KIND_BINARY, .bytes = FIRN_LITERAL("ab\xff\xfe")},
                        {.kind = FIRN_KIND_DECIMAL, .is_null = true}};
  assert_string_equal(
      firn_partition_path(&spec, &schema, tuple, &arena),
      "ts_hour=2017-12-01-10/id_bucket=6/%22esc%22%231=a%2Fb+c%C3%A9%7E*/raw=YWL%2F%2Fg%3D%3D/"
      "price=null");
  spec.n_fields = 0;
  assert_string_equal(firn_partition_path(&spec, &schema, tuple, &arena), "");
}

static void broken_json_is_an_error_and_never_a_crash(void **state) {
  (void)state;
  size_t len = strlen(spec_json);
  char *text = firn_alloc(len + 1);
  for (size_t i = 0; i < len; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_partition_spec spec;
    memcpy(text, spec_json, len);
    text[i] = '\0';
    CHECK_STATUS(read_spec(text, &arena, &spec, NULL), FIRN_CORRUPT);
    memcpy(text, spec_json, len + 1);
    text[i] ^= 0x11;
    firn_status status = read_spec(text, &arena, &spec, NULL);
    assert_true(status == FIRN_OK || status == FIRN_CORRUPT);
  }
  firn_free(text);
}

static firn_status use_everything(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_partition_spec spec, copy;
  firn_sort_order order, order_copy;
  firn_field type;
  FIRN_TRY(read_spec(spec_json, &arena, &spec, NULL));
  FIRN_TRY(firn_partition_spec_copy(&spec, &arena, &copy, NULL));
  FIRN_TRY(read_order(order_json, &arena, &order, NULL));
  FIRN_TRY(firn_sort_order_copy(&order, &arena, &order_copy, NULL));
  FIRN_TRY(firn_partition_type(&spec, &schema, &arena, &type, NULL));
  firn_value tuple[] = {{.kind = FIRN_KIND_DATE}, {.kind = FIRN_KIND_INT}, {.kind = FIRN_KIND_UNKNOWN}};
  const char *path = firn_partition_path(&copy, &schema, tuple, &arena);
  if (path == NULL) {
    return FIRN_NOMEM;
  }
  assert_string_equal(path, "ts_day=1970-01-01/id_bucket=0/curve=null");
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(use_everything);
}

RUN_TESTS(reads_what_it_writes, partition_ids_of_version_1_count_from_1000,
          two_specs_are_equal_by_sources_transforms_and_names,
          a_transform_of_one_source_may_name_it_in_a_list, refuses_sort_orders_that_make_no_sense,
          checks_specs_against_their_schema, a_partition_tuple_has_the_types_of_its_transforms,
          partition_paths_are_those_of_the_reference, broken_json_is_an_error_and_never_a_crash, survives_oom)
