#include <snappy-c.h>

#include "formats/codec/codec_internal.h"

/* A copy of up to 64 bytes takes three bytes of input. */
enum { RATIO_MAX = 22 };

static size_t snappy_bound(size_t len) {
  return snappy_max_compressed_length(len);
}

static firn_status snappy_pack(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                               firn_error *err) {
  (void)state;
  *len = room;
  if (snappy_compress((const char *)in.data, in.len, (char *)into, len) != SNAPPY_OK) {
    return firn_error_set(err, FIRN_LIMIT, "snappy: no room in %zu bytes", room);
  }
  return FIRN_OK;
}

static firn_status snappy_unpack(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                 firn_error *err) {
  (void)state;
  size_t size = 0;
  if (snappy_uncompressed_length((const char *)in.data, in.len, &size) != SNAPPY_OK ||
      size / RATIO_MAX > in.len) {
    return firn_error_set(err, FIRN_CORRUPT, "snappy: the block's size is broken");
  }
  if (size > room) {
    return firn_error_set(err, FIRN_LIMIT, "snappy: no room");
  }
  *len = room;
  if (snappy_uncompress((const char *)in.data, in.len, (char *)into, len) != SNAPPY_OK) {
    return firn_error_set(err, FIRN_CORRUPT, "snappy: the block is broken");
  }
  return FIRN_OK;
}

static uint64_t snappy_hint(firn_bytes in) {
  size_t size = 0;
  return snappy_uncompressed_length((const char *)in.data, in.len, &size) == SNAPPY_OK ? size : 0;
}

const firn_codec_ops firn_codec_snappy = {.name = "snappy",
                                          .bound = snappy_bound,
                                          .compress = snappy_pack,
                                          .decompress = snappy_unpack,
                                          .max_ratio = RATIO_MAX,
                                          .hint = snappy_hint};
