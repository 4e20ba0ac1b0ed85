/* What a codec must do; codecs.c lists all of them and does what is common. */
#ifndef FIRN_FORMATS_CODEC_CODEC_INTERNAL_H
#define FIRN_FORMATS_CODEC_CODEC_INTERNAL_H

#include "formats/codec/codec.h"

typedef struct firn_codec_ops {
  const char *name;
  int level_min, level_max, level_default; /* all 0: there are no levels */

  /* The compressing half. `open` is NULL where there is no state. */
  firn_status (*open)(int level, void **state, firn_error *err);
  void (*close)(void *state);
  size_t (*bound)(size_t len);
  size_t (*memory)(const void *state); /* NULL: the library does not tell */
  /* `room` is at least bound(in.len). */
  firn_status (*compress)(void *state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                          firn_error *err);

  /* The other half; what it keeps between blocks it puts into `*state`, which is NULL at first. FIRN_LIMIT
   * (the text does not matter) when `room` is too small. */
  firn_status (*decompress)(void **state, firn_bytes in, uint8_t *into, size_t room, size_t *len,
                            firn_error *err);
  void (*forget)(void *state); /* NULL: keeps nothing */
  /* How many bytes a byte of input can become at most; 0: no useful bound. */
  size_t max_ratio;
  /* What the block says of its own size, not to be trusted; NULL: blocks say nothing. */
  uint64_t (*hint)(firn_bytes in);
} firn_codec_ops;

extern const firn_codec_ops firn_codec_snappy;
extern const firn_codec_ops firn_codec_gzip;
extern const firn_codec_ops firn_codec_deflate;
extern const firn_codec_ops firn_codec_lz4_raw;
extern const firn_codec_ops firn_codec_zstd;
extern const firn_codec_ops firn_codec_brotli;

#endif
