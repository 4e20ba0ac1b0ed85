/* Gzip members and headless deflate, both by libdeflate. Its allocations do not go through base/alloc.h: the
 * versions in use take an allocator only as a global, which is not ours to set. */
#include <libdeflate.h>

#include "formats/codec/codec_internal.h"

enum { LEVEL_MIN = 1, LEVEL_MAX = 12, LEVEL_DEFAULT = 6, RATIO_MAX = 1032, MEMBER_MIN = 18, ADLER_BYTES = 4 };

static firn_status deflate_open(int level, void **state, firn_error *err) {
  *state = libdeflate_alloc_compressor(level);
  if (*state == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "deflate: no memory for a compressor");
  }
  return FIRN_OK;
}

static void deflate_close(void *state) {
  libdeflate_free_compressor(state);
}

static size_t gzip_bound(size_t len) {
  return libdeflate_gzip_compress_bound(NULL, len);
}

static size_t deflate_bound(size_t len) {
  return libdeflate_deflate_compress_bound(NULL, len);
}

static firn_status gzip_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                 firn_error *err) {
  *len = libdeflate_gzip_compress(state, in.data, in.len, into, room);
  if (*len == 0) {
    return firn_error_set(err, FIRN_LIMIT, "gzip: no room in %zu bytes", room);
  }
  return FIRN_OK;
}

static firn_status deflate_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                    firn_error *err) {
  *len = libdeflate_deflate_compress(state, in.data, in.len, into, room);
  if (*len == 0) {
    return firn_error_set(err, FIRN_LIMIT, "deflate: no room in %zu bytes", room);
  }
  return FIRN_OK;
}

static firn_status answer(enum libdeflate_result result, firn_error *err) {
  switch (result) {
    case LIBDEFLATE_SUCCESS:
      return FIRN_OK;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      return firn_error_set(err, FIRN_LIMIT, "deflate: no room");
    default:
      return firn_error_set(err, FIRN_CORRUPT, "deflate: the block is broken");
  }
}

static firn_status decompressor(void **state, firn_error *err) {
  if (*state == NULL) {
    *state = libdeflate_alloc_decompressor();
  }
  if (*state == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "deflate: no memory for a decompressor");
  }
  return FIRN_OK;
}

static firn_status deflate_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                      firn_error *err) {
  FIRN_TRY(decompressor(state, err));
  size_t read = 0;
  FIRN_TRY(answer(libdeflate_deflate_decompress_ex(*state, in.data, in.len, into, room, &read, len), err));
  /* Writers of Avro (PyIceberg) make such blocks of zlib's and leave some of its check sum behind them. */
  if (in.len - read > ADLER_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "deflate: %zu bytes are left over", in.len - read);
  }
  return FIRN_OK;
}

/* Members follow each other; together they are one block. */
static firn_status gzip_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                   firn_error *err) {
  FIRN_TRY(decompressor(state, err));
  size_t at = 0, filled = 0;
  do {
    size_t read = 0, made = 0;
    FIRN_TRY(answer(libdeflate_gzip_decompress_ex(*state, in.data + at, in.len - at, into + filled,
                                                  room - filled, &read, &made),
                    err));
    at += read;
    filled += made;
  } while (at < in.len);
  *len = filled;
  return FIRN_OK;
}

static void deflate_forget(void *state) {
  libdeflate_free_decompressor(state);
}

/* The last four bytes are the size of the last member, modulo 2^32. */
static uint64_t gzip_hint(firn_bytes in) {
  if (in.len < MEMBER_MIN) {
    return 0;
  }
  const uint8_t *size = in.data + in.len - 4;
  return (uint64_t)size[0] | (uint64_t)size[1] << 8 | (uint64_t)size[2] << 16 | (uint64_t)size[3] << 24;
}

const firn_codec_ops firn_codec_gzip = {.name = "gzip",
                                        .level_min = LEVEL_MIN,
                                        .level_max = LEVEL_MAX,
                                        .level_default = LEVEL_DEFAULT,
                                        .open = deflate_open,
                                        .close = deflate_close,
                                        .bound = gzip_bound,
                                        .compress = gzip_compress,
                                        .decompress = gzip_decompress,
                                        .forget = deflate_forget,
                                        .max_ratio = RATIO_MAX,
                                        .hint = gzip_hint};

const firn_codec_ops firn_codec_deflate = {.name = "deflate",
                                           .level_min = LEVEL_MIN,
                                           .level_max = LEVEL_MAX,
                                           .level_default = LEVEL_DEFAULT,
                                           .open = deflate_open,
                                           .close = deflate_close,
                                           .bound = deflate_bound,
                                           .compress = deflate_compress,
                                           .decompress = deflate_decompress,
                                           .forget = deflate_forget,
                                           .max_ratio = RATIO_MAX};
