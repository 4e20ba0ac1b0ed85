#include "base/base64.h"

#include "test.h"

static void knows_the_vectors_of_rfc_4648(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"", ""},
                                         {"f", "Zg=="},
                                         {"fo", "Zm8="},
                                         {"foo", "Zm9v"},
                                         {"foob", "Zm9vYg=="},
                                         {"fooba", "Zm9vYmE="},
                                         {"foobar", "Zm9vYmFy"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(pairs); i++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
    firn_base64_encode(firn_bytes_of(pairs[i][0]), &text);
    CHECK_BYTES(firn_builder_bytes(&text), pairs[i][1]);
    firn_bytes back;
    CHECK_OK(firn_base64_decode(firn_bytes_of(pairs[i][1]), &arena, &back, &err));
    CHECK_BYTES(back, pairs[i][0]);
  }
}

static void reads_back_random_bytes(void **state) {
  (void)state;
  (void)test_ctx();
  for (size_t len = 0; len < 200; len++) {
    firn_error err;
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
    uint8_t bytes[200];
    for (size_t i = 0; i < len; i++) {
      bytes[i] = (uint8_t)test_random();
    }
    firn_base64_encode((firn_bytes){bytes, len}, &text);
    firn_bytes back;
    CHECK_OK(firn_base64_decode(firn_builder_bytes(&text), &arena, &back, &err));
    assert_true(firn_bytes_equal(back, (firn_bytes){bytes, len}));
  }
}

static void refuses_what_is_not_base64(void **state) {
  (void)state;
  static const char *const bad[] = {
      "Z", "Zg=", "Zg==Zg==", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9-", "Zg==\n"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_bytes out;
    CHECK_STATUS(firn_base64_decode(firn_bytes_of(bad[i]), &arena, &out, NULL), FIRN_CORRUPT);
  }
}

RUN_TESTS(knows_the_vectors_of_rfc_4648, reads_back_random_bytes, refuses_what_is_not_base64)
