#include "base/hash.h"

#include "test.h"

/* Iceberg specification, appendix B: how values are hashed. */
static void murmur3_is_the_specifications(void **state) {
  (void)state;
  assert_int_equal((int32_t)firn_murmur3(FIRN_LITERAL("iceberg")), 1210000089);
  assert_int_equal((int32_t)firn_murmur3(FIRN_LITERAL("\x22\0\0\0\0\0\0\0")), 2017239379); /* 34 */
  assert_int_equal((int32_t)firn_murmur3(FIRN_LITERAL("\x05\x8C")), -500754589);           /* 14.20 */
  assert_int_equal((int32_t)firn_murmur3(FIRN_LITERAL("\0\x01\x02\x03")), -188683207);     /* bytes */
  assert_int_equal((int32_t)firn_murmur3(FIRN_LITERAL("\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34"
                                                      "\x9c\xb7\x85\xe7")),
                   1488055340); /* a UUID */
  assert_int_equal(firn_murmur3((firn_bytes){NULL, 0}), 0);
}

static void crc32_is_the_usual_one(void **state) {
  (void)state;
  assert_int_equal(firn_crc32(0, FIRN_LITERAL("123456789")), 0xCBF43926);
  assert_int_equal(firn_crc32(firn_crc32(0, FIRN_LITERAL("1234")), FIRN_LITERAL("56789")), 0xCBF43926);
  assert_int_equal(firn_crc32(0, (firn_bytes){NULL, 0}), 0);
  assert_int_equal(firn_crc32(7, (firn_bytes){NULL, 0}), 7);
}

static void xxh64_is_the_usual_one(void **state) {
  (void)state;
  assert_true(firn_xxh64((firn_bytes){NULL, 0}) == UINT64_C(0xEF46DB3751D8E999));
  assert_true(firn_xxh64(FIRN_LITERAL("abc")) == UINT64_C(0x44BC2CF5AD770999));
}

static void xxh3_is_the_usual_one_also_in_parts(void **state) {
  (void)state;
  assert_true(firn_xxh3(0, (firn_bytes){NULL, 0}) == UINT64_C(0x2D06800538D394C2));
  assert_true(firn_xxh3(0, FIRN_LITERAL("abc")) == UINT64_C(0x78AF5F94892F3950));
  assert_true(firn_xxh3(42, FIRN_LITERAL("abc")) != firn_xxh3(0, FIRN_LITERAL("abc")));
  uint8_t bytes[2000];
  for (size_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)test_random();
  }
  for (size_t len = 0; len <= sizeof bytes; len += len < 300 ? 1 : 97) {
    size_t cut = len / 3;
    firn_bytes parts[] = {{bytes, cut}, {NULL, 0}, {bytes + cut, len - cut}};
    assert_true(firn_xxh3_parts(len, parts, 3) == firn_xxh3(len, (firn_bytes){bytes, len}));
  }
  assert_true(firn_xxh3_parts(7, NULL, 0) == firn_xxh3(7, (firn_bytes){NULL, 0}));
}

RUN_TESTS(murmur3_is_the_specifications, crc32_is_the_usual_one, xxh64_is_the_usual_one,
          xxh3_is_the_usual_one_also_in_parts)
