#include "formats/parquet/bloom_internal.h"

#include "base/alloc.h"
#include "test.h"

static void admits_what_was_added_and_little_else(void **state) {
  (void)state;
  (void)test_ctx();
  static const double wanted[] = {0.1, 0.01, 0.001};
  for (size_t k = 0; k < FIRN_COUNT_OF(wanted); k++) {
    size_t n = 5000, size = firn_bloom_size(n, wanted[k]), admitted = 0;
    uint8_t *filter = firn_alloc(size);
    for (uint64_t i = 0; i < n; i++) {
      firn_bloom_add(filter, size, firn_bloom_hash((firn_bytes){(const uint8_t *)&i, sizeof i}));
    }
    for (uint64_t i = 0; i < 5 * n; i++) {
      bool may =
          firn_bloom_may_contain(filter, size, firn_bloom_hash((firn_bytes){(const uint8_t *)&i, sizeof i}));
      assert_true(may || i >= n);
      admitted += i >= n && may;
    }
    assert_true((double)admitted < 1.3 * wanted[k] * 4 * (double)n + 5);
    firn_free(filter);
  }
}

static void sizes_follow_the_table_of_the_specification(void **state) {
  (void)state;
  assert_int_equal(firn_bloom_size(0, 0.01), 32);
  size_t million = firn_bloom_size(1000000, 0.01); /* 10.5 bits each, the next power of two */
  assert_int_equal(million, 2 << 20);
  assert_int_equal(firn_bloom_size(1000000, 0), million);
  assert_int_equal(firn_bloom_size((size_t)1 << 40, 0.01), FIRN_BLOOM_MAX_BYTES);
}

static void the_hash_is_xxh64(void **state) {
  (void)state;
  assert_true(firn_bloom_hash(FIRN_LITERAL("")) ==
              UINT64_C(0xEF46DB3751D8E999)); /* from xxHash's documents */
}

RUN_TESTS(admits_what_was_added_and_little_else, sizes_follow_the_table_of_the_specification,
          the_hash_is_xxh64)
