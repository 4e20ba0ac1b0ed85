/* For the constructors that take an allocator. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/alloc.h"
#include "formats/codec/codec_internal.h"

enum { LEVEL_MIN = -50, LEVEL_MAX = 22, LEVEL_DEFAULT = 3 };

/* For blocks of up to 128 KiB level 1 takes a hash table as large as the whole nearest cache; half of it is
 * 15 percent faster and within 1 percent in size (bench/README.md). */
enum { FASTEST_LEVEL = 1, SMALL_BLOCK = 128 << 10, SMALL_HASH_LOG = 12 };

typedef struct compressor {
  ZSTD_CCtx *zstd;
  bool is_fastest;
} compressor;

static void *take(void *self, size_t size) {
  (void)self;
  return firn_alloc_raw(size);
}

static void give(void *self, void *old) {
  (void)self;
  firn_free(old);
}

static const ZSTD_customMem memory = {take, give, NULL};

static firn_status answer(size_t code, firn_error *err) {
  switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_no_error:
      return FIRN_OK;
    case ZSTD_error_memory_allocation:
      return firn_error_set(err, FIRN_NOMEM, "zstd: no memory");
    case ZSTD_error_dstSize_tooSmall:
      return firn_error_set(err, FIRN_LIMIT, "zstd: no room");
    default:
      return firn_error_set(err, FIRN_CORRUPT, "zstd: %s", ZSTD_getErrorName(code));
  }
}

static void zstd_close(void *state) {
  compressor *c = state;
  (void)ZSTD_freeCCtx(c->zstd); /* never fails */
  firn_free(c);
}

static firn_status zstd_open(int level, void **state, firn_error *err) {
  compressor *c = firn_alloc(sizeof *c);
  if (c == NULL || (c->zstd = ZSTD_createCCtx_advanced(memory)) == NULL) {
    firn_free(c);
    return firn_error_set(err, FIRN_NOMEM, "zstd: no memory for a compressor");
  }
  c->is_fastest = level == FASTEST_LEVEL;
  firn_status status = answer(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, level), err);
  if (status != FIRN_OK) {
    zstd_close(c);
    return status;
  }
  *state = c;
  return FIRN_OK;
}

static size_t zstd_memory(const void *state) {
  return ZSTD_sizeof_CCtx(((const compressor *)state)->zstd);
}

static size_t zstd_bound(size_t len) {
  return ZSTD_compressBound(len);
}

static firn_status zstd_compress(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                 firn_error *err) {
  compressor *c = state;
  if (c->is_fastest) {
    int hash_log = in.len <= SMALL_BLOCK ? SMALL_HASH_LOG : 0; /* 0: what the level says */
    FIRN_TRY(answer(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_hashLog, hash_log), err));
  }
  size_t made = ZSTD_compress2(c->zstd, into, room, in.data, in.len);
  FIRN_TRY(answer(made, err));
  *len = made;
  return FIRN_OK;
}

static firn_status zstd_decompress(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                                   firn_error *err) {
  if (*state == NULL) {
    *state = ZSTD_createDCtx_advanced(memory);
  }
  if (*state == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "zstd: no memory for a decompressor");
  }
  size_t made = ZSTD_decompressDCtx(*state, into, room, in.data, in.len);
  FIRN_TRY(answer(made, err));
  *len = made;
  return FIRN_OK;
}

static void zstd_forget(void *state) {
  (void)ZSTD_freeDCtx(state); /* never fails */
}

static uint64_t zstd_hint(firn_bytes in) {
  unsigned long long size = ZSTD_getFrameContentSize(in.data, in.len);
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) {
    return in.len * 4 + 256;
  }
  return size;
}

const firn_codec_ops firn_codec_zstd = {.name = "zstd",
                                        .level_min = LEVEL_MIN,
                                        .level_max = LEVEL_MAX,
                                        .level_default = LEVEL_DEFAULT,
                                        .open = zstd_open,
                                        .close = zstd_close,
                                        .bound = zstd_bound,
                                        .memory = zstd_memory,
                                        .compress = zstd_compress,
                                        .decompress = zstd_decompress,
                                        .forget = zstd_forget,
                                        .hint = zstd_hint};
