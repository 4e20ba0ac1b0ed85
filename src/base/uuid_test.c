#include "base/uuid.h"

#include "test.h"

static void text_goes_there_and_back(void **state) {
  (void)state;
  firn_error err;
  firn_uuid uuid, back;
  char text[FIRN_UUID_TEXT];
  CHECK_OK(firn_uuid_parse(FIRN_LITERAL("F79C3E09-677c-4BBD-a479-3f349cb785e7"), &uuid, &err));
  assert_int_equal(uuid.bytes[0], 0xF7);
  assert_int_equal(uuid.bytes[15], 0xE7);
  firn_uuid_text(uuid, text);
  assert_string_equal(text, "f79c3e09-677c-4bbd-a479-3f349cb785e7");
  firn_ctx *ctx = test_ctx();
  for (int i = 0; i < 1000; i++) {
    uuid = i % 2 == 0 ? firn_uuid_v4(ctx) : firn_uuid_v7(ctx);
    firn_uuid_text(uuid, text);
    CHECK_OK(firn_uuid_parse(firn_bytes_of(text), &back, &err));
    assert_true(firn_uuid_equal(uuid, back));
  }
}

static void refuses_other_text(void **state) {
  (void)state;
  static const char good[] = "f79c3e09-677c-4bbd-a479-3f349cb785e7";
  firn_uuid uuid;
  for (size_t len = 0; len < sizeof good - 1; len++) {
    CHECK_STATUS(firn_uuid_parse((firn_bytes){(const uint8_t *)good, len}, &uuid, NULL), FIRN_INVALID);
  }
  for (size_t i = 0; i < sizeof good - 1; i++) {
    char text[sizeof good];
    memcpy(text, good, sizeof text);
    text[i] = good[i] == '-' ? 'a' : 'g';
    CHECK_STATUS(firn_uuid_parse(firn_bytes_of(text), &uuid, NULL), FIRN_INVALID);
  }
  CHECK_STATUS(firn_uuid_parse(FIRN_LITERAL("{f79c3e09-677c-4bbd-a479-3f349cb785e7}"), &uuid, NULL),
               FIRN_INVALID);
  CHECK_STATUS(firn_uuid_parse(FIRN_LITERAL("f79c3e09677c4bbda4793f349cb785e7"), &uuid, NULL), FIRN_INVALID);
}

static void versions_are_marked(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  firn_uuid four = firn_uuid_v4(ctx), seven = firn_uuid_v7(ctx);
  assert_int_equal(four.bytes[6] >> 4, 4);
  assert_int_equal(four.bytes[8] >> 6, 2);
  assert_int_equal(seven.bytes[6] >> 4, 7);
  assert_int_equal(seven.bytes[8] >> 6, 2);
  assert_false(firn_uuid_equal(four, firn_uuid_v4(ctx)));
}

static void version_seven_follows_the_clock(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx(); /* a microsecond later at each look */
  firn_uuid before = firn_uuid_v7(ctx);
  assert_memory_equal(before.bytes, "\x01\x97\x73\x75\xf6\x00", 6); /* 2025-06-15T12:00Z in milliseconds */
  for (int i = 0; i < 5000; i++) {
    firn_uuid next = firn_uuid_v7(ctx);
    assert_true(memcmp(before.bytes, next.bytes, 16) < 0);
    before = next;
  }
}

RUN_TESTS(text_goes_there_and_back, refuses_other_text, versions_are_marked, version_seven_follows_the_clock)
