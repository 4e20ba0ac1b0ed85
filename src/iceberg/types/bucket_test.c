/* The vectors of the specification: Appendix B, 32-bit Hash Requirements. */
#include "iceberg/types/transform.h"
#include "test.h"

static int32_t hash(firn_value v) {
  return (int32_t)firn_bucket_hash(&v);
}

static int32_t hash_bytes(firn_kind kind, const void *data, size_t len) {
  return hash((firn_value){.kind = kind, .bytes = {data, len}});
}

enum { DAY_2017_11_16 = 17486 };
static const int64_t us_22_31_08 = INT64_C(81068000000);

static int64_t timestamp_us(void) {
  return DAY_2017_11_16 * INT64_C(86400000000) + us_22_31_08;
}

static void an_int_hashes_like_the_long_it_may_become(void **state) {
  (void)state;
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_INT, .i32 = 34}), 2017239379);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_LONG, .i64 = 34}), 2017239379);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_INT, .i32 = 1}), 1392991556);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_BOOLEAN, .boolean = true}), 1392991556);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_INT, .i32 = -5}),
                   hash((firn_value){.kind = FIRN_KIND_LONG, .i64 = -5}));
}

static void a_date_hashes_as_eight_bytes_never_four(void **state) {
  (void)state;
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DATE, .i32 = DAY_2017_11_16}), -653330422);
}

static void times_hash_as_microseconds(void **state) {
  (void)state;
  int64_t us = timestamp_us();
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIME, .i64 = us_22_31_08}), -662762989);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = us}), -2047944441);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMPTZ, .i64 = us}), -2047944441);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = us + 1}), -1207196810);
}

static void a_nanosecond_time_hashes_at_microseconds(void **state) {
  (void)state;
  int64_t ns = timestamp_us() * 1000;
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = ns}), -2047944441);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = ns + 1001}), -1207196810);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMPTZ_NS, .i64 = ns + 1999}), -1207196810);
  /* Before 1970 too it is the microsecond that the moment lies in. */
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_TIMESTAMP_NS, .i64 = -1}),
                   hash((firn_value){.kind = FIRN_KIND_TIMESTAMP, .i64 = -1}));
}

static void a_decimal_hashes_its_fewest_bytes(void **state) {
  (void)state;
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DECIMAL, .dec = 1420}), -500754589);
  /* 128 needs two bytes (its first bit is not the sign), -128 one. */
  const uint8_t two[] = {0x00, 0x80}, one[] = {0x80};
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DECIMAL, .dec = 128}),
                   hash_bytes(FIRN_KIND_BINARY, two, 2));
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DECIMAL, .dec = -128}),
                   hash_bytes(FIRN_KIND_BINARY, one, 1));
  const uint8_t zero[] = {0};
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DECIMAL, .dec = 0}),
                   hash_bytes(FIRN_KIND_BINARY, zero, 1));
}

static void text_and_bytes_hash_as_they_are(void **state) {
  (void)state;
  const uint8_t bytes[] = {0, 1, 2, 3};
  assert_int_equal(hash_bytes(FIRN_KIND_STRING, "iceberg", 7), 1210000089);
  assert_int_equal(hash_bytes(FIRN_KIND_FIXED, bytes, 4), -188683207);
  assert_int_equal(hash_bytes(FIRN_KIND_BINARY, bytes, 4), -188683207);
  assert_int_equal(hash_bytes(FIRN_KIND_STRING, NULL, 0), 0);
}

static void a_uuid_hashes_big_endian(void **state) {
  (void)state;
  const uint8_t uuid[] = {0xF7, 0x9C, 0x3E, 0x09, 0x67, 0x7C, 0x4B, 0xBD,
                          0xA4, 0x79, 0x3F, 0x34, 0x9C, 0xB7, 0x85, 0xE7};
  assert_int_equal(hash_bytes(FIRN_KIND_UUID, uuid, 16), 1488055340);
}

static void floats_hash_as_doubles_with_one_zero_and_one_nan(void **state) {
  (void)state;
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_FLOAT, .f32 = 1.0f}), -142385009);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = 1.0}), -142385009);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_FLOAT, .f32 = 0.0f}), 1669671676);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_FLOAT, .f32 = -0.0f}), 1669671676);
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = -0.0}), 1669671676);
  double quiet = __builtin_nan("");
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = quiet}),
                   hash((firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = -quiet}));
  assert_int_equal(hash((firn_value){.kind = FIRN_KIND_DOUBLE, .f64 = quiet}),
                   hash((firn_value){.kind = FIRN_KIND_LONG, .i64 = INT64_C(0x7FF8000000000000)}));
}

RUN_TESTS(an_int_hashes_like_the_long_it_may_become, a_date_hashes_as_eight_bytes_never_four,
          times_hash_as_microseconds, a_nanosecond_time_hashes_at_microseconds,
          a_decimal_hashes_its_fewest_bytes, text_and_bytes_hash_as_they_are, a_uuid_hashes_big_endian,
          floats_hash_as_doubles_with_one_zero_and_one_nan)
