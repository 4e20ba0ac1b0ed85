#include "formats/parquet/hybrid_write_internal.h"

#include "base/cursor.h"
#include "test.h"

/* The plainest reader of the hybrid there can be. */
static void read_back(firn_bytes in, unsigned width, uint32_t *out, size_t n) {
  firn_cursor c = firn_cursor_over(in);
  size_t filled = 0;
  while (filled < n) {
    uint64_t head = firn_cursor_varint(&c);
    assert_false(c.bad);
    if ((head & 1) == 0) {
      assert_true(head >> 1 <= n - filled);
      uint32_t v = (uint32_t)firn_cursor_le(&c, (width + 7) / 8);
      for (uint64_t k = 0; k < head >> 1; k++) {
        out[filled++] = v;
      }
      continue;
    }
    firn_bytes packed = firn_cursor_take(&c, (head >> 1) * width);
    assert_false(c.bad);
    for (size_t k = 0; k < (head >> 1) * 8; k++) {
      uint32_t v = 0;
      for (unsigned bit = 0; bit < width; bit++) {
        size_t i = k * width + bit;
        v |= (uint32_t)((packed.data[i / 8] >> (i % 8)) & 1) << bit;
      }
      if (filled < n) {
        out[filled++] = v;
      } else {
        assert_int_equal(v, 0);
      }
    }
  }
  assert_int_equal(firn_cursor_left(&c), 0);
  assert_false(c.bad);
}

/* Values of `width` bits, in runs whose lengths are up to `longest`. */
static void fill(uint32_t *v, uint8_t *levels, size_t n, unsigned width, size_t longest) {
  uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
  for (size_t i = 0; i < n;) {
    uint32_t value = (uint32_t)test_random() & mask;
    for (size_t run = 1 + test_random() % longest; run > 0 && i < n; run--, i++) {
      v[i] = value;
      levels[i] = (uint8_t)value;
    }
  }
}

static void reads_back_every_width_and_length(void **state) {
  (void)state;
  (void)test_ctx();
  enum { MOST = 700 };
  static const size_t longest[] = {1, 3, 12, 40, 500};
  uint32_t v[MOST], back[MOST];
  uint8_t levels[MOST];
  for (unsigned width = 0; width <= 32; width++) {
    for (size_t k = 0; k < 100; k++) {
      size_t n = k < 20 ? k : test_random() % MOST;
      fill(v, levels, n, width, longest[k % FIRN_COUNT_OF(longest)]);
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0), c = FIRN_BUILDER_INIT(0);
      firn_hybrid_write_indexes(&b, v, n, width);
      read_back(firn_builder_bytes(&b), width, back, n);
      assert_true(n == 0 || memcmp(v, back, n * sizeof v[0]) == 0);
      if (width <= 8) {
        firn_hybrid_write_levels(&c, levels, n, width);
        assert_true(firn_bytes_equal(firn_builder_bytes(&b), firn_builder_bytes(&c)));
      }
    }
  }
}

static void is_never_much_longer_than_packed_bits(void **state) {
  (void)state;
  (void)test_ctx();
  enum { N = 20000 };
  static uint32_t v[N];
  static uint8_t levels[N];
  for (unsigned width = 1; width <= 20; width++) {
    for (size_t longest = 1; longest < 60; longest += 3) {
      fill(v, levels, N, width, longest);
      FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
      firn_hybrid_write_indexes(&b, v, N, width);
      assert_true(b.len <= (size_t)N * width / 8 + N * width / 8 / 50 + 8);
    }
  }
}

static void a_constant_is_one_run(void **state) {
  (void)state;
  static uint8_t ones[100000];
  memset(ones, 1, sizeof ones);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_hybrid_write_levels(&b, ones, sizeof ones, 1);
  assert_int_equal(b.len, 4);
}

static void knows_the_width_of_numbers(void **state) {
  (void)state;
  assert_int_equal(firn_bit_width(0), 0);
  assert_int_equal(firn_bit_width(1), 1);
  assert_int_equal(firn_bit_width(255), 8);
  assert_int_equal(firn_bit_width(256), 9);
  assert_int_equal(firn_bit_width(UINT32_MAX), 32);
}

RUN_TESTS(reads_back_every_width_and_length, is_never_much_longer_than_packed_bits, a_constant_is_one_run,
          knows_the_width_of_numbers)
