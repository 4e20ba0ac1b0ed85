#include "formats/parquet/statistics.h"

#include <math.h>

#include "column/vector.h"
#include "test.h"

typedef union value {
  int32_t i32;
  int64_t i64;
  float f32;
  double f64;
  firn_decimal dec;
  firn_bytes bytes;
  uint8_t boolean;
} value;

#define BYTES(...)                                                         \
  (firn_bytes) {                                                           \
    (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}) \
  }

static bool read_bound(firn_parquet_node leaf, firn_bytes stored, value *out) {
  memset(out, 0, sizeof *out);
  return firn_parquet_bound_read(&leaf, stored, true, out);
}

static void bounds_become_values_of_the_kind(void **state) {
  (void)state;
  value v;
  firn_parquet_node leaf = {.name = "c", .type = FIRN_PARQUET_INT32};
  assert_true(read_bound(leaf, BYTES(0xFE, 0xFF, 0xFF, 0xFF), &v) && v.i32 == -2);
  leaf.logical = FIRN_LOGICAL_INTEGER;
  leaf.bit_width = 32;
  assert_true(read_bound(leaf, BYTES(0xFE, 0xFF, 0xFF, 0xFF), &v) && v.i64 == 4294967294); /* unsigned */
  leaf = (firn_parquet_node){
      .name = "c", .type = FIRN_PARQUET_INT64, .logical = FIRN_LOGICAL_TIMESTAMP, .unit = FIRN_UNIT_MILLIS};
  assert_true(read_bound(leaf, BYTES(2, 0, 0, 0, 0, 0, 0, 0), &v) && v.i64 == 2000);
  assert_false(read_bound(leaf, BYTES(0, 0, 0, 0, 0, 0, 0, 0x7F), &v)); /* too many microseconds */
  leaf = (firn_parquet_node){.name = "c",
                             .type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY,
                             .type_length = 2,
                             .logical = FIRN_LOGICAL_DECIMAL,
                             .precision = 4};
  assert_true(read_bound(leaf, BYTES(0xFF, 0xFE), &v) && v.dec == -2);
  assert_false(read_bound(leaf, BYTES(0xFF, 0xFE, 0), &v));
  leaf = (firn_parquet_node){.name = "c", .type = FIRN_PARQUET_BOOLEAN};
  assert_true(read_bound(leaf, BYTES(1), &v) && v.boolean == 1);
  assert_false(read_bound(leaf, BYTES(2), &v));
  leaf = (firn_parquet_node){.name = "c", .type = FIRN_PARQUET_BYTE_ARRAY, .logical = FIRN_LOGICAL_STRING};
  assert_true(read_bound(leaf, FIRN_LITERAL("abc"), &v));
  CHECK_BYTES(v.bytes, "abc");
  leaf = (firn_parquet_node){.name = "c", .type = FIRN_PARQUET_INT96};
  assert_false(read_bound(leaf, BYTES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), &v));
}

static void a_bound_of_another_width_says_nothing(void **state) {
  (void)state;
  static const firn_parquet_type types[] = {FIRN_PARQUET_INT32, FIRN_PARQUET_INT64, FIRN_PARQUET_FLOAT,
                                            FIRN_PARQUET_DOUBLE};
  static const uint8_t zeroes[16] = {0};
  for (size_t i = 0; i < FIRN_COUNT_OF(types); i++) {
    for (size_t len = 0; len <= sizeof zeroes; len++) {
      value v;
      firn_parquet_node leaf = {.name = "c", .type = types[i]};
      assert_true(read_bound(leaf, (firn_bytes){zeroes, len}, &v) == (len == (i % 2 == 0 ? 4U : 8U)));
    }
  }
}

static void zeroes_are_widened_and_nan_is_no_bound(void **state) {
  (void)state;
  double numbers[] = {0.0, -0.0, (double)NAN, 1.5};
  firn_parquet_node leaf = {.name = "c", .type = FIRN_PARQUET_DOUBLE};
  for (size_t i = 0; i < FIRN_COUNT_OF(numbers); i++) {
    firn_bytes stored = {(const uint8_t *)&numbers[i], sizeof numbers[i]};
    value low = {0}, high = {0};
    bool is_number = i != 2;
    assert_true(firn_parquet_bound_read(&leaf, stored, true, &low) == is_number);
    assert_true(firn_parquet_bound_read(&leaf, stored, false, &high) == is_number);
    if (i < 2) {
      assert_true(low.f64 == 0 && signbit(low.f64) != 0);
      assert_true(high.f64 == 0 && signbit(high.f64) == 0);
    }
  }
}

static bool stored_form(firn_parquet_node leaf, value v, uint8_t room[FIRN_PARQUET_VALUE_MAX],
                        firn_bytes *out) {
  return firn_parquet_stored_form(&leaf, &v, room, out);
}

static void values_have_one_stored_form_or_none(void **state) {
  (void)state;
  uint8_t room[FIRN_PARQUET_VALUE_MAX];
  firn_bytes out;
  firn_parquet_node leaf = {.name = "c", .type = FIRN_PARQUET_INT32};
  assert_true(stored_form(leaf, (value){.i32 = -2}, room, &out));
  assert_true(firn_bytes_equal(out, BYTES(0xFE, 0xFF, 0xFF, 0xFF)));
  leaf.logical = FIRN_LOGICAL_DECIMAL;
  leaf.precision = 9;
  assert_true(stored_form(leaf, (value){.dec = -2}, room, &out));
  assert_true(firn_bytes_equal(out, BYTES(0xFE, 0xFF, 0xFF, 0xFF)));
  assert_false(stored_form(leaf, (value){.dec = (firn_decimal)1 << 31}, room, &out));
  leaf.type = FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY;
  leaf.type_length = 3;
  leaf.precision = 6;
  assert_true(stored_form(leaf, (value){.dec = -2}, room, &out));
  assert_true(firn_bytes_equal(out, BYTES(0xFF, 0xFF, 0xFE)));
  assert_true(stored_form(leaf, (value){.dec = 0x7FFFFF}, room, &out));
  assert_false(stored_form(leaf, (value){.dec = 0x800000}, room, &out));
  leaf = (firn_parquet_node){.name = "c", .type = FIRN_PARQUET_DOUBLE};
  assert_true(stored_form(leaf, (value){.f64 = 1.5}, room, &out));
  assert_false(stored_form(leaf, (value){.f64 = 0.0}, room, &out)); /* or -0.0 */
  assert_false(stored_form(leaf, (value){.f64 = (double)NAN}, room, &out));
  leaf = (firn_parquet_node){
      .name = "c", .type = FIRN_PARQUET_INT64, .logical = FIRN_LOGICAL_TIMESTAMP, .unit = FIRN_UNIT_MILLIS};
  assert_false(stored_form(leaf, (value){.i64 = 1000}, room, &out)); /* not as it stands */
}

RUN_TESTS(bounds_become_values_of_the_kind, a_bound_of_another_width_says_nothing,
          zeroes_are_widened_and_nan_is_no_bound, values_have_one_stored_form_or_none)
