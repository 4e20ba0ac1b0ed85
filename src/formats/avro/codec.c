#include "formats/avro/codec_internal.h"

#include "base/hash.h"

enum { CRC_BYTES = 4 };

static const struct {
  const char *name;
  firn_codec codec;
} codecs[] = {{"null", FIRN_CODEC_NONE},
              {"deflate", FIRN_CODEC_DEFLATE},
              {"snappy", FIRN_CODEC_SNAPPY},
              {"zstandard", FIRN_CODEC_ZSTD}};

firn_status firn_avro_codec_by_name(firn_bytes name, firn_codec *out, firn_error *err) {
  if (name.data == NULL) {
    *out = FIRN_CODEC_NONE;
    return FIRN_OK;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(codecs); i++) {
    if (firn_bytes_is(name, codecs[i].name)) {
      *out = codecs[i].codec;
      return FIRN_OK;
    }
  }
  return firn_error_set(
      err, FIRN_UNSUPPORTED,
      "the blocks are compressed with \"%.*s\"; null, deflate, snappy and zstandard are read",
      FIRN_FORMAT_BYTES(firn_bytes_part(name, 0, 40)));
}

const char *firn_avro_codec_name(firn_codec codec) {
  for (size_t i = 0; i < FIRN_COUNT_OF(codecs); i++) {
    if (codecs[i].codec == codec) {
      return codecs[i].name;
    }
  }
  return NULL;
}

/* Snappy's blocks end in the check sum of what they become, big endian. */
static firn_status snappy_decompress(firn_decompressor *d, firn_bytes in, firn_builder *out,
                                     firn_error *err) {
  if (in.len < CRC_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "snappy: %zu bytes hold no check sum", in.len);
  }
  size_t before = out->len;
  firn_bytes packed = firn_bytes_part(in, 0, in.len - CRC_BYTES);
  FIRN_TRY(firn_decompress_grow(d, FIRN_CODEC_SNAPPY, packed, out, err));
  const uint8_t *sum = in.data + packed.len;
  uint32_t wanted = (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
  if (firn_crc32(0, firn_bytes_part(firn_builder_bytes(out), before, SIZE_MAX)) != wanted) {
    return firn_error_set(err, FIRN_CORRUPT, "snappy: the check sum does not match");
  }
  return FIRN_OK;
}

firn_status firn_avro_block_decompress(firn_decompressor *d, firn_codec codec, firn_bytes in,
                                       firn_builder *out, firn_error *err) {
  return codec == FIRN_CODEC_SNAPPY ? snappy_decompress(d, in, out, err)
                                    : firn_decompress_grow(d, codec, in, out, err);
}

firn_status firn_avro_block_compress(firn_compressor *c, firn_codec codec, firn_bytes in, firn_builder *out,
                                     firn_error *err) {
  FIRN_TRY(firn_compress(c, in, out, err));
  if (codec == FIRN_CODEC_SNAPPY) {
    uint32_t sum = firn_crc32(0, in);
    firn_builder_add_u32le(out, sum >> 24 | (sum >> 8 & 0xFF00) | (sum << 8 & 0xFF0000) | sum << 24);
  }
  return FIRN_OK;
}
