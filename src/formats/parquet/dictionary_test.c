#include "formats/parquet/dictionary_internal.h"

#include <stdio.h>

#include "test.h"

enum { N = 3000 };

static void check_bytes(const firn_dictionary *d, const firn_bytes *values, const uint32_t *indexes,
                        size_t n) {
  for (size_t i = 0; i < n; i++) {
    assert_true(indexes[i] < d->n);
    assert_true(firn_bytes_equal(firn_dictionary_value(d, indexes[i]), values[i]));
  }
}

/* Runs of every short length, most of them several times, some differing in one byte only. */
static void gives_equal_runs_one_index(void **state) {
  (void)state;
  (void)test_ctx();
  static uint8_t text[N][40];
  firn_bytes values[N];
  uint32_t indexes[N];
  for (size_t i = 0; i < N; i++) {
    size_t len = i % 40;
    memset(text[i], 'x', sizeof text[i]);
    if (len > 0) {
      text[i][test_random() % len] = (uint8_t)(test_random() % 3);
    }
    values[i] = (firn_bytes){text[i], len};
  }
  firn_dictionary d;
  firn_dictionary_init(&d, 0, 1 << 20);
  assert_int_equal(firn_dictionary_add_bytes(&d, values, N / 2, indexes), N / 2);
  assert_int_equal(firn_dictionary_add_bytes(&d, values + N / 2, N / 2, indexes + N / 2), N / 2);
  check_bytes(&d, values, indexes, N);
  for (uint32_t a = 0; a < d.n; a++) {
    for (uint32_t b = 0; b < a; b++) {
      assert_false(firn_bytes_equal(firn_dictionary_value(&d, a), firn_dictionary_value(&d, b)));
    }
  }
  assert_true(d.n < N);
  firn_dictionary_reset(&d);
  assert_int_equal(d.n, 0);
  assert_int_equal(firn_dictionary_memory(&d), 0);
}

static void gives_equal_numbers_one_index(void **state) {
  (void)state;
  (void)test_ctx();
  uint32_t fours[N], indexes[N];
  uint64_t eights[N];
  for (size_t i = 0; i < N; i++) {
    fours[i] = (uint32_t)(test_random() % 1500);
    eights[i] = fours[i] * UINT64_C(0x100000001);
  }
  firn_dictionary d;
  firn_dictionary_init(&d, 4, 1 << 20);
  assert_int_equal(firn_dictionary_add4(&d, fours, N, indexes), N);
  for (size_t i = 0; i < N; i++) {
    assert_memory_equal(firn_dictionary_value(&d, indexes[i]).data, &fours[i], 4);
  }
  uint32_t n = d.n;
  assert_true(n > 1000 && n <= 1500);
  firn_dictionary_reset(&d);
  firn_dictionary_init(&d, 8, 1 << 20);
  assert_int_equal(firn_dictionary_add8(&d, eights, N, indexes), N);
  assert_int_equal(d.n, n);
  firn_dictionary_reset(&d);
}

static void stops_before_its_bound(void **state) {
  (void)state;
  uint32_t fours[100], indexes[100];
  for (uint32_t i = 0; i < 100; i++) {
    fours[i] = i % 60;
  }
  firn_dictionary d;
  firn_dictionary_init(&d, 4, 50 * 4);
  assert_int_equal(firn_dictionary_add4(&d, fours, 100, indexes), 50);
  assert_int_equal(firn_dictionary_add4(&d, fours, 50, indexes), 50); /* those it knows */
  assert_int_equal(d.n, 50);
  assert_int_equal(d.failed, FIRN_OK);
  firn_dictionary_reset(&d);
  firn_dictionary_init(&d, 0, 20);
  firn_bytes values[] = {FIRN_LITERAL("0123456789"), FIRN_LITERAL(""), FIRN_LITERAL("0123456789"),
                         FIRN_LITERAL("ab")};
  assert_int_equal(firn_dictionary_add_bytes(&d, values, 4, indexes), 3);
  assert_int_equal(d.plain.len, 18);
  firn_dictionary_reset(&d);
}

/* Chance alone never makes a row of probes so long that it ends the dictionary. */
static void takes_many_values(void **state) {
  (void)state;
  enum { MANY = 100000 };
  static uint64_t numbers[MANY];
  static uint32_t indexes[MANY];
  static char text[MANY][8];
  static firn_bytes values[MANY];
  for (uint32_t i = 0; i < MANY; i++) {
    numbers[i] = i * UINT64_C(4096);
    (void)snprintf(text[i], sizeof text[i], "%u", i);
    values[i] = firn_bytes_of(text[i]);
  }
  firn_dictionary d;
  firn_dictionary_init(&d, 0, 1 << 24);
  assert_int_equal(firn_dictionary_add_bytes(&d, values, MANY, indexes), MANY);
  check_bytes(&d, values, indexes, MANY);
  assert_int_equal(d.n, MANY);
  firn_dictionary_reset(&d);
  firn_dictionary_init(&d, 8, 1 << 24);
  assert_int_equal(firn_dictionary_add8(&d, numbers, MANY, indexes), MANY);
  firn_dictionary_reset(&d);
}

/* Values that differ only where not every byte is looked at first. */
static void values_that_hash_alike_are_kept_apart(void **state) {
  (void)state;
  enum { ALIKE = 5000, LEN = 60 };
  static char text[ALIKE][LEN + 1];
  static firn_bytes values[ALIKE];
  static uint32_t indexes[ALIKE];
  for (uint32_t i = 0; i < ALIKE; i++) {
    memset(text[i], 'x', LEN);
    (void)snprintf(text[i] + 10, 9, "%08u", i);
    text[i][18] = 'x';
    values[i] = (firn_bytes){(const uint8_t *)text[i], LEN};
  }
  firn_dictionary d;
  firn_dictionary_init(&d, 0, 1 << 24);
  assert_int_equal(firn_dictionary_add_bytes(&d, values, ALIKE, indexes), ALIKE);
  assert_true(d.hashes_all);
  check_bytes(&d, values, indexes, ALIKE);
  assert_int_equal(firn_dictionary_add_bytes(&d, values, ALIKE, indexes), ALIKE);
  assert_int_equal(d.n, ALIKE);
  firn_dictionary_reset(&d);
}

static void runs_of_one_width_have_no_length(void **state) {
  (void)state;
  firn_bytes values[] = {FIRN_LITERAL("abc"), FIRN_LITERAL("abd"), FIRN_LITERAL("abc")};
  uint32_t indexes[3];
  firn_dictionary d;
  firn_dictionary_init(&d, 3, 100);
  assert_int_equal(firn_dictionary_add_bytes(&d, values, 3, indexes), 3);
  CHECK_BYTES(firn_builder_bytes(&d.plain), "abcabd");
  assert_int_equal(indexes[2], 0);
  firn_dictionary_reset(&d);
}

static firn_status fill_many(void) {
  firn_dictionary d;
  firn_dictionary_init(&d, 0, 1 << 20);
  size_t done = 0;
  for (uint32_t i = 0; i < 3000 && d.failed == FIRN_OK; i++) {
    uint32_t index;
    done += firn_dictionary_add_bytes(&d, &(firn_bytes){(const uint8_t *)&i, sizeof i}, 1, &index);
  }
  firn_status status = d.failed;
  firn_dictionary_reset(&d);
  return status == FIRN_OK && done != 3000 ? FIRN_INVALID : status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(fill_many);
}

RUN_TESTS(gives_equal_runs_one_index, gives_equal_numbers_one_index, stops_before_its_bound,
          takes_many_values, values_that_hash_alike_are_kept_apart, runs_of_one_width_have_no_length,
          survives_oom)
