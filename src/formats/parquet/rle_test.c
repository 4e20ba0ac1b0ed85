#include "formats/parquet/rle_internal.h"

#include "formats/parquet/hybrid_write_internal.h"
#include "test.h"

enum { N = 3000 };

/* Values in runs and out of them, of a width. */
static void make_values(uint32_t *values, size_t n, unsigned width) {
  uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
  for (size_t i = 0; i < n;) {
    size_t run = test_random() % 3 == 0 ? 1 + test_random() % 100 : 1;
    uint32_t v = (uint32_t)test_random() & mask;
    for (; run > 0 && i < n; run--) {
      values[i++] = v;
    }
  }
}

/* The bytes with the padding that the reader asks for, in memory of just that size. */
static firn_bytes padded(firn_bytes bytes) {
  uint8_t *copy = firn_alloc(bytes.len + FIRN_RLE_PADDING);
  assert_non_null(copy);
  if (bytes.len > 0) {
    memcpy(copy, bytes.data, bytes.len);
  }
  return (firn_bytes){copy, bytes.len};
}

static firn_bytes encoded(const uint32_t *values, size_t n, unsigned width) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_hybrid_write_indexes(&b, values, n, width);
  return padded(firn_builder_bytes(&b));
}

static void reads_levels_that_were_written(void **state) {
  (void)state;
  (void)test_ctx();
  static uint32_t values[N];
  static uint8_t got[N];
  for (unsigned width = 1; width <= 8; width++) {
    make_values(values, N, width);
    firn_bytes in = encoded(values, N, width);
    firn_rle r = firn_rle_over(in, width);
    for (size_t at = 0; at < N;) {
      size_t n = 1 + test_random() % 200;
      n = n < N - at ? n : N - at;
      if (test_random() % 4 == 0) {
        assert_true(firn_rle_skip(&r, n));
        for (size_t i = at; i < at + n; i++) {
          got[i] = (uint8_t)values[i];
        }
      } else {
        assert_true(firn_rle_read_u8(&r, 255, got + at, n));
      }
      at += n;
    }
    for (size_t i = 0; i < N; i++) {
      assert_int_equal(got[i], values[i]);
    }
    firn_free((void *)(uintptr_t)in.data);
  }
}

static void unpacks_every_width_at_every_offset(void **state) {
  (void)state;
  (void)test_ctx();
  uint32_t values[64];
  uint32_t got[64];
  for (unsigned width = 1; width <= 32; width++) {
    uint8_t packed[64 * 4 + FIRN_RLE_PADDING] = {0};
    uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    for (size_t i = 0; i < 64; i++) {
      values[i] = (uint32_t)test_random() & mask;
      for (unsigned bit = 0; bit < width; bit++) { /* the oracle: bit by bit */
        size_t at = i * width + bit;
        packed[at / 8] |= (uint8_t)(((values[i] >> bit) & 1) << (at % 8));
      }
    }
    for (size_t first = 0; first < 64; first++) {
      firn_unpack_u32(packed, first, width, got, 64 - first);
      assert_memory_equal(got, values + first, (64 - first) * sizeof *got);
    }
  }
}

static void reads_bits_to_any_place(void **state) {
  (void)state;
  (void)test_ctx();
  static uint32_t values[N];
  make_values(values, N, 1);
  firn_bytes in = encoded(values, N, 1);
  for (size_t start = 0; start < 130; start += 13) {
    uint64_t bits[(N + 256) / 64];
    memset(bits, 0xA5, sizeof bits);
    size_t n_set = 0;
    size_t wanted = 0;
    firn_rle r = firn_rle_over(in, 1);
    for (size_t at = 0; at < N; at += 250) {
      assert_true(firn_rle_read_bits(&r, bits, start + at, 250, &n_set));
    }
    for (size_t i = 0; i < N; i++) {
      assert_int_equal((bits[(start + i) / 64] >> ((start + i) % 64)) & 1, values[i]);
      wanted += values[i];
    }
    assert_int_equal(n_set, wanted);
    for (size_t i = 0; i < start; i++) { /* what stood before is untouched */
      assert_int_equal((bits[i / 64] >> (i % 64)) & 1, (0xA5 >> (i % 8)) & 1);
    }
  }
  firn_free((void *)(uintptr_t)in.data);
}

static void fills_only_the_bits_it_was_given(void **state) {
  (void)state;
  for (size_t at = 0; at < 200; at += 7) {
    for (size_t n = 0; n < 200; n += 11) {
      uint64_t bits[8] = {0};
      firn_bits_fill(bits, at, n, true);
      for (size_t i = 0; i < 512; i++) {
        assert_int_equal((bits[i / 64] >> (i % 64)) & 1, i >= at && i < at + n);
      }
    }
  }
}

static void refuses_every_cut(void **state) {
  (void)state;
  (void)test_ctx();
  static uint32_t values[N];
  static uint8_t got[N];
  make_values(values, N, 3);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_hybrid_write_indexes(&b, values, N, 3);
  for (size_t len = 0; len + 1 < b.len; len++) { /* the last byte may hold padding alone */
    firn_bytes in = padded((firn_bytes){b.data, len});
    firn_rle r = firn_rle_over(in, 3);
    assert_false(firn_rle_read_u8(&r, 7, got, N));
    firn_free((void *)(uintptr_t)in.data);
  }
}

static void refuses_levels_beyond_the_largest(void **state) {
  (void)state;
  uint8_t got[8];
  firn_bytes run = padded((firn_bytes){(const uint8_t[]){8 << 1, 3}, 2});
  firn_bytes packed = padded((firn_bytes){(const uint8_t[]){3, 0xFF, 0xFF}, 3});
  firn_rle r = firn_rle_over(run, 2);
  assert_false(firn_rle_read_u8(&r, 2, got, 8));
  r = firn_rle_over(packed, 2);
  assert_false(firn_rle_read_u8(&r, 2, got, 8));
  r = firn_rle_over(packed, 2);
  assert_true(firn_rle_read_u8(&r, 3, got, 8));
  r = firn_rle_over(run, 1); /* a run of 3 where one bit is said to be enough */
  uint64_t bits = 0;
  assert_false(firn_rle_read_bits(&r, &bits, 0, 8, NULL));
  firn_free((void *)(uintptr_t)run.data);
  firn_free((void *)(uintptr_t)packed.data);
}

static void values_without_bits_need_no_input(void **state) {
  (void)state;
  uint8_t got[100];
  memset(got, 7, sizeof got);
  firn_rle r = firn_rle_over((firn_bytes){NULL, 0}, 0);
  assert_true(firn_rle_read_u8(&r, 0, got, sizeof got));
  for (size_t i = 0; i < sizeof got; i++) {
    assert_int_equal(got[i], 0);
  }
}

RUN_TESTS(reads_levels_that_were_written, unpacks_every_width_at_every_offset, reads_bits_to_any_place,
          fills_only_the_bits_it_was_given, refuses_every_cut, refuses_levels_beyond_the_largest,
          values_without_bits_need_no_input)
