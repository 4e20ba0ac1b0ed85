#include "base/json_tree.h"

#include "base/builder.h"
#include "test.h"

#define DOCUMENT                                                                 \
  "{\"name\":\"t\\u00e9\",\"big\":9007199254740993,\"small\":-7,\"yes\":true,"   \
  "\"none\":null,\"list\":[1,[2],{\"a\":3}],\"object\":{\"k\":\"v\"},\"f\":1.5," \
  "\"zero\":\"a\\u0000b\"}"

static void reads_typed_members(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root, *v;
  CHECK_OK(firn_json_tree_read(FIRN_LITERAL(DOCUMENT), &arena, &root, &err));
  assert_int_equal(root->n_items, 9);
  CHECK_BYTES(root->span, DOCUMENT);

  const char *text;
  int64_t big;
  int32_t small;
  bool yes;
  CHECK_OK(firn_json_need_text(root, "name", &arena, &text, &err));
  assert_string_equal(text, "t\xC3\xA9");
  CHECK_OK(firn_json_need_int64(root, "big", &big, &err));
  assert_true(big == INT64_C(9007199254740993));
  CHECK_OK(firn_json_need_int32(root, "small", &small, &err));
  assert_int_equal(small, -7);
  CHECK_OK(firn_json_need_bool(root, "yes", &yes, &err));
  assert_true(yes);
  CHECK_OK(firn_json_need_array(root, "list", &v, &err));
  assert_int_equal(v->n_items, 3);
  CHECK_BYTES(v->span, "[1,[2],{\"a\":3}]");
  CHECK_BYTES(v->items[1].items[0].text, "2");
  CHECK_BYTES(firn_json_get(&v->items[2], "a")->span, "3");
  CHECK_OK(firn_json_need_object(root, "object", &v, &err));
  CHECK_BYTES(firn_json_get(v, "k")->span, "\"v\"");
}

static void tells_absent_from_null(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root;
  CHECK_OK(firn_json_tree_read(FIRN_LITERAL(DOCUMENT), &arena, &root, &err));
  assert_non_null(firn_json_get(root, "none"));
  assert_null(firn_json_get_some(root, "none"));
  assert_null(firn_json_get(root, "nobody"));
  assert_null(firn_json_get(NULL, "a"));
  assert_null(firn_json_get(firn_json_get(root, "list"), "a"));

  const char *text = "as it was";
  int64_t wide = 7;
  int32_t narrow = 8;
  bool flag = true;
  const firn_json_value *v = root;
  static const char *const keys[] = {"none", "nobody"};
  for (size_t i = 0; i < 2; i++) {
    CHECK_OK(firn_json_may_text(root, keys[i], &arena, &text, &err));
    CHECK_OK(firn_json_may_int64(root, keys[i], &wide, &err));
    CHECK_OK(firn_json_may_int32(root, keys[i], &narrow, &err));
    CHECK_OK(firn_json_may_bool(root, keys[i], &flag, &err));
    CHECK_OK(firn_json_may_object(root, keys[i], &v, &err));
    CHECK_OK(firn_json_may_array(root, keys[i], &v, &err));
    CHECK_STATUS(firn_json_need_text(root, keys[i], &arena, &text, &err), FIRN_CORRUPT);
    CHECK_SAYS("is missing");
    CHECK_SAYS(keys[i]);
    CHECK_STATUS(firn_json_need_int64(root, keys[i], &wide, NULL), FIRN_CORRUPT);
    CHECK_STATUS(firn_json_need_int32(root, keys[i], &narrow, NULL), FIRN_CORRUPT);
    CHECK_STATUS(firn_json_need_bool(root, keys[i], &flag, NULL), FIRN_CORRUPT);
    CHECK_STATUS(firn_json_need_object(root, keys[i], &v, NULL), FIRN_CORRUPT);
    CHECK_STATUS(firn_json_need_array(root, keys[i], &v, NULL), FIRN_CORRUPT);
  }
  assert_string_equal(text, "as it was");
  assert_true(wide == 7 && narrow == 8 && flag && v == root);
}

static void refuses_wrong_types(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root, *v;
  CHECK_OK(firn_json_tree_read(FIRN_LITERAL(DOCUMENT), &arena, &root, &err));
  const char *text;
  int64_t wide;
  int32_t narrow;
  bool flag;
  CHECK_STATUS(firn_json_may_text(root, "small", &arena, &text, &err), FIRN_CORRUPT);
  assert_string_equal(err.text, "\"small\" is not a string");
  CHECK_STATUS(firn_json_may_text(root, "zero", &arena, &text, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_int64(root, "f", &wide, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_int64(root, "name", &wide, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_int32(root, "big", &narrow, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_bool(root, "small", &flag, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_object(root, "list", &v, NULL), FIRN_CORRUPT);
  CHECK_STATUS(firn_json_may_array(root, "object", &v, NULL), FIRN_CORRUPT);
}

static void build_wide(firn_builder *b, int n, int again) {
  firn_builder_add_text(b, "{");
  for (int i = 0; i < n; i++) {
    firn_builder_addf(b, "%s\"key-%d\":%d", i > 0 ? "," : "", i == n - 1 ? again : i, i);
  }
  firn_builder_add_text(b, "}");
}

static void refuses_a_key_given_twice(void **state) {
  (void)state;
  static const int sizes[] = {2, 3, 16, 17, 18, 100, 3000};
  for (size_t i = 0; i < FIRN_COUNT_OF(sizes); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    const firn_json_value *root;
    int n = sizes[i];
    build_wide(&b, n, n / 2 == n - 1 ? 0 : n / 2);
    CHECK_STATUS(firn_json_tree_read(firn_builder_bytes(&b), &arena, &root, &err), FIRN_CORRUPT);
    CHECK_SAYS("given twice");
    firn_builder_reset(&b);
    build_wide(&b, n, n - 1);
    CHECK_OK(firn_json_tree_read(firn_builder_bytes(&b), &arena, &root, &err));
    assert_int_equal(root->n_items, n);
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root;
  CHECK_STATUS(firn_json_tree_read(FIRN_LITERAL("{\"a\":1,\"\\u0061\":2}"), &arena, &root, NULL),
               FIRN_CORRUPT);
}

static void refuses_every_cut_and_what_follows(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root;
  for (size_t len = 0; len < sizeof DOCUMENT - 1; len++) {
    CHECK_STATUS(firn_json_tree_read((firn_bytes){(const uint8_t *)DOCUMENT, len}, &arena, &root, NULL),
                 FIRN_CORRUPT);
    firn_arena_reset(&arena);
  }
  CHECK_STATUS(firn_json_tree_read(FIRN_LITERAL("{} 1"), &arena, &root, NULL), FIRN_CORRUPT);
}

static void reads_to_the_largest_depth(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_json_value *root;
  char text[2 * FIRN_JSON_MAX_DEPTH + 2];
  memset(text, '[', FIRN_JSON_MAX_DEPTH);
  memset(text + FIRN_JSON_MAX_DEPTH, ']', FIRN_JSON_MAX_DEPTH);
  firn_bytes whole = {(const uint8_t *)text, 2 * FIRN_JSON_MAX_DEPTH};
  CHECK_OK(firn_json_tree_read(whole, &arena, &root, &err));
  memset(text, '[', FIRN_JSON_MAX_DEPTH + 1);
  CHECK_STATUS(firn_json_tree_read(whole, &arena, &root, &err), FIRN_LIMIT);
}

static firn_status read_document(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  const firn_json_value *root;
  const char *name;
  FIRN_TRY(firn_json_tree_read(FIRN_LITERAL(DOCUMENT), &arena, &root, NULL));
  FIRN_TRY(firn_json_need_text(root, "name", &arena, &name, NULL));
  build_wide(&b, 20, 19);
  firn_bytes wide;
  FIRN_TRY(firn_builder_finish(&b, &wide, NULL));
  return firn_json_tree_read(wide, &arena, &root, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(read_document);
}

RUN_TESTS(reads_typed_members, tells_absent_from_null, refuses_wrong_types, refuses_a_key_given_twice,
          refuses_every_cut_and_what_follows, reads_to_the_largest_depth, survives_oom)
