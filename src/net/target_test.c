#include "net/percent.h"
#include "net/target_internal.h"
#include "test.h"

static firn_status parse(const char *raw, firn_arena *arena, firn_target *out, firn_error *err) {
  return firn_target_parse(firn_bytes_of(raw), arena, out, err);
}

static void takes_a_target_apart(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_target t;
  CHECK_OK(parse("/v1/a%2Fb?x=1&&y=%3D+%2B&x&=z&x=a=b&q=?", &arena, &t, &err));
  assert_string_equal(t.path, "/v1/a%2Fb");
  static const char *const wanted[][2] = {{"x", "1"}, {"y", "= +"}, {"x", ""},
                                          {"", "z"},  {"x", "a=b"}, {"q", "?"}};
  assert_int_equal(t.n_params, FIRN_COUNT_OF(wanted));
  for (size_t i = 0; i < t.n_params; i++) {
    CHECK_BYTES(t.params[i].name, wanted[i][0]);
    CHECK_BYTES(t.params[i].value, wanted[i][1]);
  }
  CHECK_OK(parse("/?", &arena, &t, &err));
  assert_int_equal(t.n_params, 0);
  CHECK_OK(parse("*", &arena, &t, &err));
  assert_string_equal(t.path, "*");
}

static void the_absolute_form_loses_its_host(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_target t;
  CHECK_OK(parse("http://host:8080/a?b=c", &arena, &t, &err));
  assert_string_equal(t.path, "/a");
  CHECK_BYTES(t.params[0].value, "c");
  CHECK_OK(parse("https://host", &arena, &t, &err));
  assert_string_equal(t.path, "/");
}

static void refuses_what_is_no_target(void **state) {
  (void)state;
  static const char *const bad[] = {"",       "a",       "?a=b",         "/a b",   "/a\tb", "/\x7F",
                                    "/%",     "/%4",     "/%4g",         "/%g4",   "/%00",  "/?%",
                                    "/?a=%f", "/?a=%00", "ftp://host/a", "http:/a"};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_target t;
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    CHECK_STATUS(parse(bad[i], &arena, &t, &err), FIRN_INVALID);
  }
}

static void survives_any_bytes(void **state) {
  (void)state;
  (void)test_ctx(); /* the seed */
  for (int i = 0; i < 20000; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    uint8_t raw[32];
    size_t len = test_random() % sizeof raw;
    for (size_t k = 0; k < len; k++) {
      raw[k] = (uint8_t)(test_random() % 3 == 0 ? "%&=?/+0"[test_random() % 7] : (char)test_random());
    }
    firn_target t;
    firn_status status = firn_target_parse((firn_bytes){raw, len}, &arena, &t, NULL);
    assert_true(status == FIRN_OK || status == FIRN_INVALID);
  }
}

static void decodes_percents(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes out;
  CHECK_OK(firn_percent_decode(FIRN_LITERAL("a%20%C3%a9+b"), false, &arena, &out, &err));
  CHECK_BYTES(out, "a \xC3\xA9+b");
  CHECK_OK(firn_percent_decode(FIRN_LITERAL("a+b"), true, &arena, &out, &err));
  CHECK_BYTES(out, "a b");
  firn_bytes plain = FIRN_LITERAL("plain");
  CHECK_OK(firn_percent_decode(plain, true, &arena, &out, &err));
  assert_ptr_equal(out.data, plain.data); /* as it was */
}

static firn_status parse_once(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_target t;
  return parse("/a%20?b=%20&c=d", &arena, &t, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(parse_once);
}

RUN_TESTS(takes_a_target_apart, the_absolute_form_loses_its_host, refuses_what_is_no_target,
          survives_any_bytes, decodes_percents, survives_oom)
