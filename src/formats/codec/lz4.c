#include <lz4.h>

#include "base/alloc.h"
#include "formats/codec/codec_internal.h"

enum { RATIO_MAX = 256 };

static firn_status lz4_open(int level, void **state, firn_error *err) {
  (void)level;
  *state = firn_alloc_raw((size_t)LZ4_sizeofState());
  if (*state == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "lz4_raw: no memory for a compressor");
  }
  return FIRN_OK;
}

static size_t lz4_memory(const void *state) {
  (void)state;
  return (size_t)LZ4_sizeofState();
}

static size_t lz4_bound(size_t len) {
  return len + len / 255 + 16; /* LZ4_COMPRESSBOUND, which answers 0 for what is too large */
}

static firn_status lz4_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                firn_error *err) {
  if (in.len > LZ4_MAX_INPUT_SIZE || room > INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "lz4_raw: a block of %zu bytes is too large", in.len);
  }
  int made =
      LZ4_compress_fast_extState(state, (const char *)in.data, (char *)into, (int)in.len, (int)room, 1);
  if (made <= 0) {
    return firn_error_set(err, FIRN_LIMIT, "lz4_raw: no room in %zu bytes", room);
  }
  *len = (size_t)made;
  return FIRN_OK;
}

static firn_status lz4_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                  firn_error *err) {
  (void)state;
  if (in.len > INT32_MAX) {
    return firn_error_set(err, FIRN_CORRUPT, "lz4_raw: a block of %zu bytes", in.len);
  }
  int made = LZ4_decompress_safe((const char *)in.data, (char *)into, (int)in.len,
                                 room > INT32_MAX ? INT32_MAX : (int)room);
  if (made < 0) { /* which of both it is, it does not tell; firn_decompress takes either as corrupt */
    return firn_error_set(err, FIRN_LIMIT, "lz4_raw: no room, or broken");
  }
  *len = (size_t)made;
  return FIRN_OK;
}

const firn_codec_ops firn_codec_lz4_raw = {.name = "lz4_raw",
                                           .open = lz4_open,
                                           .close = firn_free,
                                           .bound = lz4_bound,
                                           .memory = lz4_memory,
                                           .compress = lz4_compress,
                                           .decompress = lz4_decompress,
                                           .max_ratio = RATIO_MAX};
