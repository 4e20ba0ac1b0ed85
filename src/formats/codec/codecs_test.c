#include "base/alloc.h"
#include "formats/codec/codec.h"
#include "test.h"

static const firn_codec all[] = {FIRN_CODEC_NONE,    FIRN_CODEC_SNAPPY, FIRN_CODEC_GZIP,  FIRN_CODEC_DEFLATE,
                                 FIRN_CODEC_LZ4_RAW, FIRN_CODEC_ZSTD,   FIRN_CODEC_BROTLI};

/* Text-like bytes for odd seeds, noise for even ones. */
static void fill(uint8_t *into, size_t len, unsigned kind) {
  for (size_t i = 0; i < len; i++) {
    uint64_t r = test_random();
    into[i] = (uint8_t)(kind % 2 == 1 ? 'a' + (r % 5) * (i % 3) : r);
  }
}

static void pack(firn_codec codec, int level, firn_bytes in, firn_builder *out) {
  firn_error err;
  FIRN_AUTO_COMPRESSOR *c = NULL;
  CHECK_OK(firn_compressor_new(codec, level, &c, &err));
  CHECK_OK(firn_compress(c, in, out, &err));
}

static void gives_back_what_it_packed(void **state) {
  (void)state;
  (void)test_ctx();
  static const size_t sizes[] = {0, 1, 2, 17, 255, 4096, 70001, 300000};
  firn_error err;
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (unsigned k = 0; k < FIRN_COUNT_OF(all) * FIRN_COUNT_OF(sizes) * 2; k++) {
    firn_codec codec = all[k / 2 % FIRN_COUNT_OF(all)];
    size_t size = sizes[k / 2 / FIRN_COUNT_OF(all)];
    uint8_t *bytes = firn_alloc(size), *back = firn_alloc(size);
    fill(bytes, size, k);
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0);
    firn_builder_add_text(&packed, "x"); /* it appends */
    pack(codec, FIRN_LEVEL_DEFAULT, (firn_bytes){bytes, size}, &packed);
    firn_bytes block = {packed.data + 1, packed.len - 1};
    CHECK_OK(firn_decompress(d, codec, block, back, size, &err));
    assert_memory_equal(bytes, back, size);
    FIRN_AUTO_BUILDER grown = FIRN_BUILDER_INIT(0);
    firn_builder_add_text(&grown, "y");
    CHECK_OK(firn_decompress_grow(d, codec, block, &grown, &err));
    assert_int_equal(grown.len, size + 1);
    assert_memory_equal(bytes, grown.data + 1, size);
    firn_free(bytes);
    firn_free(back);
  }
}

static void wants_the_exact_size(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  uint8_t bytes[1000], back[2000];
  fill(bytes, sizeof bytes, 1);
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0);
    pack(all[i], 0, (firn_bytes){bytes, sizeof bytes}, &packed);
    firn_bytes block = firn_builder_bytes(&packed);
    CHECK_STATUS(firn_decompress(d, all[i], block, back, 999, &err), FIRN_CORRUPT);
    CHECK_STATUS(firn_decompress(d, all[i], block, back, 1001, &err), FIRN_CORRUPT);
    CHECK_STATUS(firn_decompress(d, all[i], block, NULL, 0, &err), FIRN_CORRUPT);
    CHECK_OK(firn_decompress(d, all[i], block, back, 1000, &err));
    CHECK_OK(firn_decompress(d, all[i], (firn_bytes){NULL, 0}, NULL, 0, &err));
  }
}

static void keeps_the_bound_of_the_builder(void **state) {
  (void)state;
  firn_error err;
  uint8_t *zeros = firn_alloc(1 << 20);
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0);
    pack(all[i], 0, (firn_bytes){zeros, 1 << 20}, &packed);
    FIRN_AUTO_BUILDER small = FIRN_BUILDER_INIT((1 << 20) - 1), enough = FIRN_BUILDER_INIT(1 << 20);
    CHECK_STATUS(firn_decompress_grow(d, all[i], firn_builder_bytes(&packed), &small, &err), FIRN_LIMIT);
    CHECK_OK(firn_decompress_grow(d, all[i], firn_builder_bytes(&packed), &enough, &err));
    assert_int_equal(enough.len, 1 << 20);
  }
  firn_free(zeros);
}

static void refuses_every_cut_and_survives_every_flip(void **state) {
  (void)state;
  (void)test_ctx();
  firn_error err;
  uint8_t bytes[600], back[600];
  fill(bytes, sizeof bytes, 1);
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0);
    pack(all[i], 0, (firn_bytes){bytes, sizeof bytes}, &packed);
    for (size_t len = 0; len < packed.len; len++) {
      uint8_t *cut = firn_alloc(len); /* its own block, so that ASan sees a read beyond */
      memcpy(cut, packed.data, len);
      CHECK_STATUS(firn_decompress(d, all[i], (firn_bytes){cut, len}, back, sizeof back, &err), FIRN_CORRUPT);
      FIRN_AUTO_BUILDER grown = FIRN_BUILDER_INIT(1 << 20);
      firn_status s = firn_decompress_grow(d, all[i], (firn_bytes){cut, len}, &grown, &err);
      assert_true(s == FIRN_CORRUPT || (s == FIRN_OK && grown.len < sizeof bytes));
      firn_free(cut);
    }
    for (size_t at = 0; at < packed.len; at++) {
      for (unsigned bit = 0; bit < 8; bit++) {
        packed.data[at] ^= (uint8_t)(1U << bit);
        firn_status s = firn_decompress(d, all[i], firn_builder_bytes(&packed), back, sizeof back, &err);
        assert_true(s == FIRN_OK || s == FIRN_CORRUPT);
        packed.data[at] ^= (uint8_t)(1U << bit);
      }
    }
  }
}

static void refuses_levels_that_are_not_there(void **state) {
  (void)state;
  firn_error err;
  firn_compressor *c = NULL;
  CHECK_STATUS(firn_compressor_new(FIRN_CODEC_ZSTD, 23, &c, &err), FIRN_INVALID);
  CHECK_SAYS("zstd has levels -50 to 22, 23 was asked");
  CHECK_STATUS(firn_compressor_new(FIRN_CODEC_SNAPPY, 3, &c, &err), FIRN_INVALID);
  CHECK_SAYS("snappy has no levels");
  CHECK_STATUS(firn_compressor_new(FIRN_CODEC_GZIP, 13, &c, &err), FIRN_INVALID);
  CHECK_STATUS(firn_compressor_new(FIRN_CODEC_BROTLI, -1, &c, &err), FIRN_INVALID);
  CHECK_STATUS(firn_compressor_new((firn_codec)7, 0, &c, &err), FIRN_INVALID);
  assert_null(c);
}

static void packs_tighter_at_a_higher_level(void **state) {
  (void)state;
  (void)test_ctx();
  uint8_t *bytes = firn_alloc(50000);
  fill(bytes, 50000, 1);
  static const struct {
    firn_codec codec;
    int low, high;
  } levels[] = {{FIRN_CODEC_ZSTD, 1, 19}, {FIRN_CODEC_GZIP, 1, 12}, {FIRN_CODEC_BROTLI, 1, 9}};
  for (size_t i = 0; i < FIRN_COUNT_OF(levels); i++) {
    FIRN_AUTO_BUILDER low = FIRN_BUILDER_INIT(0), high = FIRN_BUILDER_INIT(0);
    pack(levels[i].codec, levels[i].low, (firn_bytes){bytes, 50000}, &low);
    pack(levels[i].codec, levels[i].high, (firn_bytes){bytes, 50000}, &high);
    assert_true(high.len < low.len);
  }
  firn_free(bytes);
}

static void knows_codecs_by_name(void **state) {
  (void)state;
  firn_error err;
  firn_codec codec;
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    CHECK_OK(firn_codec_by_name(firn_codec_name(all[i]), &codec, &err));
    assert_int_equal(codec, all[i]);
  }
  CHECK_OK(firn_codec_by_name("ZSTD", &codec, &err));
  assert_int_equal(codec, FIRN_CODEC_ZSTD);
  CHECK_OK(firn_codec_by_name("lz4", &codec, &err));
  assert_int_equal(codec, FIRN_CODEC_LZ4_RAW);
  CHECK_OK(firn_codec_by_name("Uncompressed", &codec, &err));
  assert_int_equal(codec, FIRN_CODEC_NONE);
  CHECK_STATUS(firn_codec_by_name("lzo", &codec, &err), FIRN_INVALID);
  CHECK_SAYS("there is no codec \"lzo\"; there are none, snappy");
  assert_null(firn_codec_name((firn_codec)7));
  int level = 0;
  CHECK_OK(firn_codec_parse("zstd:9", &codec, &level, &err));
  assert_int_equal(codec, FIRN_CODEC_ZSTD);
  assert_int_equal(level, 9);
  CHECK_OK(firn_codec_parse("snappy", &codec, &level, &err));
  assert_int_equal(level, FIRN_LEVEL_DEFAULT);
  CHECK_STATUS(firn_codec_parse("zstd:", &codec, &level, &err), FIRN_INVALID);
  CHECK_STATUS(firn_codec_parse("zstd:3x", &codec, &level, &err), FIRN_INVALID);
  CHECK_STATUS(firn_codec_parse("abcdefghijklmnopqrstuvwxyz", &codec, &level, &err), FIRN_INVALID);
}

/* "firn firn firn firn" by Python's gzip (two members) and zlib, the others by pyarrow. */
static void reads_what_others_wrote(void **state) {
  (void)state;
  static const uint8_t gzip[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x4b,
                                 0xcb, 0x2c, 0xca, 0x53, 0x48, 0x03, 0x11, 0x00, 0x66, 0x6f, 0xda,
                                 0x3a, 0x0a, 0x00, 0x00, 0x00, 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00,
                                 0x00, 0x00, 0x02, 0x03, 0x4b, 0xcb, 0x2c, 0xca, 0x53, 0x48, 0x03,
                                 0x12, 0x00, 0x67, 0xd8, 0x54, 0x60, 0x09, 0x00, 0x00, 0x00};
  static const uint8_t deflate[] = {0x4b, 0xcb, 0x2c, 0xca, 0x53, 0x48, 0x43, 0x21, 0x00};
  static const uint8_t snappy[] = {0x13, 0x48, 0x66, 0x69, 0x72, 0x6e, 0x20, 0x66, 0x69, 0x72, 0x6e,
                                   0x20, 0x66, 0x69, 0x72, 0x6e, 0x20, 0x66, 0x69, 0x72, 0x6e};
  static const uint8_t lz4[] = {0x55, 0x66, 0x69, 0x72, 0x6e, 0x20, 0x05,
                                0x00, 0x50, 0x20, 0x66, 0x69, 0x72, 0x6e};
  static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x13, 0x5d, 0x00, 0x00, 0x28,
                                 0x66, 0x69, 0x72, 0x6e, 0x20, 0x01, 0x00, 0x90, 0x8b, 0x16};
  static const uint8_t brotli[] = {0x1b, 0x12, 0x00, 0x00, 0x04, 0x26, 0x72, 0xa4, 0x39,
                                   0xb5, 0x25, 0x87, 0x87, 0x3a, 0x51, 0x60, 0x1f};
  const struct {
    firn_codec codec;
    firn_bytes block;
  } blocks[] = {{FIRN_CODEC_GZIP, {gzip, sizeof gzip}},       {FIRN_CODEC_DEFLATE, {deflate, sizeof deflate}},
                {FIRN_CODEC_SNAPPY, {snappy, sizeof snappy}}, {FIRN_CODEC_LZ4_RAW, {lz4, sizeof lz4}},
                {FIRN_CODEC_ZSTD, {zstd, sizeof zstd}},       {FIRN_CODEC_BROTLI, {brotli, sizeof brotli}}};
  firn_error err;
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(blocks); i++) {
    FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(1000);
    CHECK_OK(firn_decompress_grow(d, blocks[i].codec, blocks[i].block, &out, &err));
    CHECK_BYTES(firn_builder_bytes(&out), "firn firn firn firn");
  }
}

/* Gzip's last four bytes are the size of the last member, a zstd frame begins with its own: room for what
 * they say is room for nothing, and nothing doubled stays nothing. */
static void an_empty_frame_beside_a_full_one_ends(void **state) {
  (void)state;
  static const firn_codec codecs[] = {FIRN_CODEC_GZIP, FIRN_CODEC_ZSTD};
  firn_error err;
  uint8_t bytes[5000];
  (void)test_ctx();
  fill(bytes, sizeof bytes, 1);
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  CHECK_OK(firn_decompressor_new(&d, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(codecs); i++) {
    for (int full_first = 0; full_first < 2; full_first++) {
      FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0), grown = FIRN_BUILDER_INIT(1 << 20);
      pack(codecs[i], 0, (firn_bytes){bytes, full_first ? sizeof bytes : (size_t)0}, &packed);
      pack(codecs[i], 0, (firn_bytes){bytes, full_first ? (size_t)0 : sizeof bytes}, &packed);
      CHECK_OK(firn_decompress_grow(d, codecs[i], firn_builder_bytes(&packed), &grown, &err));
      assert_int_equal(grown.len, sizeof bytes);
      assert_memory_equal(grown.data, bytes, sizeof bytes);
    }
  }
}

static firn_status pack_and_unpack(void) {
  uint8_t bytes[3000], back[3000];
  fill(bytes, sizeof bytes, 1);
  FIRN_AUTO_DECOMPRESSOR *d = NULL;
  FIRN_TRY(firn_decompressor_new(&d, NULL));
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    FIRN_AUTO_COMPRESSOR *c = NULL;
    FIRN_AUTO_BUILDER packed = FIRN_BUILDER_INIT(0), grown = FIRN_BUILDER_INIT(0);
    FIRN_TRY(firn_compressor_new(all[i], 0, &c, NULL));
    FIRN_TRY(firn_compress(c, (firn_bytes){bytes, sizeof bytes}, &packed, NULL));
    FIRN_TRY(firn_decompress(d, all[i], firn_builder_bytes(&packed), back, sizeof back, NULL));
    FIRN_TRY(firn_decompress_grow(d, all[i], firn_builder_bytes(&packed), &grown, NULL));
  }
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(pack_and_unpack);
}

RUN_TESTS(gives_back_what_it_packed, wants_the_exact_size, keeps_the_bound_of_the_builder,
          refuses_every_cut_and_survives_every_flip, refuses_levels_that_are_not_there,
          packs_tighter_at_a_higher_level, knows_codecs_by_name, reads_what_others_wrote,
          an_empty_frame_beside_a_full_one_ends, survives_oom)
