#include "base/json_split.h"

#include "base/json.h"
#include "test.h"

typedef struct cut {
  const char *text;
  size_t len; /* of the value at its start; 0: it goes on */
} cut;

static const cut cuts[] = {
    {"{}", 2},
    {"{} ", 2},
    {"[1,[2,{\"a\":\"]\"}]],3", 17},
    {"{\"a\":\"}\\\"}\",\"b\":\"\\\\\"},", 21},
    {"\"a\\\"b\",1", 6},
    {"\"a long string of more than eight bytes \\\\\"x", 43},
    {"\"\"", 2},
    {"12,", 2},
    {"12 ", 2},
    {"true]", 4},
    {"-1.5e3\n", 6},
    {"null}", 4},
    {"12", 0},
    {"[1,2", 0},
    {"\"abc", 0},
    {"\"abc\\", 0},
    {"\"abc\\\"", 0},
    {"", 0},
    {"]]", 1},
    {",1 ", 2},
    {"{\"caf\xC3\xA9\":[[[\"\xF0\x9F\x98\x80\"]]]}{", 22},
};

static void finds_where_a_value_ends(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(cuts); i++) {
    firn_json_splitter s = {0};
    size_t used = 0;
    bool ended = firn_json_split(&s, firn_bytes_of(cuts[i].text), &used);
    if (ended != (cuts[i].len != 0) || used != cuts[i].len) {
      fail_msg("%s: %zu, not %zu", cuts[i].text, used, cuts[i].len);
    }
  }
  firn_json_splitter s = {0};
  size_t used;
  assert_false(firn_json_split(&s, (firn_bytes){NULL, 0}, &used));
}

static void pieces_may_be_cut_anywhere(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(cuts); i++) {
    firn_bytes text = firn_bytes_of(cuts[i].text);
    for (size_t first = 0; first <= text.len; first++) {
      firn_json_splitter s = {0};
      size_t used = 0, at = 0;
      bool ended = firn_json_split(&s, firn_bytes_part(text, 0, first), &used);
      if (!ended) {
        at = first;
        ended = firn_json_split(&s, firn_bytes_part(text, first, text.len), &used);
      }
      assert_int_equal(ended, cuts[i].len != 0);
      assert_int_equal(ended ? at + used : 0, cuts[i].len);
      assert_true(!ended || (s.depth == 0 && s.within == 0));
    }
  }
}

static void agrees_with_the_reader(void **state) {
  (void)state;
  static const char text[] =
      "{\"id\":\"961e090f-a025-438c-8cc6-c8153f3e5ac3\",\"data\":{\"speed\":95.8,\"loc\":[{},[],"
      "\"a\\\\\\\"]}\"]}} , 7";
  firn_json j;
  firn_bytes span;
  firn_json_splitter s = {0};
  size_t used;
  firn_json_init(&j, firn_bytes_of(text));
  CHECK_STATUS(firn_json_skip(&j, &span, NULL), FIRN_OK);
  assert_true(firn_json_split(&s, firn_bytes_of(text), &used));
  assert_int_equal(used, span.len);
}

RUN_TESTS(finds_where_a_value_ends, pieces_may_be_cut_anywhere, agrees_with_the_reader)
