/* Compression of whole blocks: Parquet pages, Avro blocks, gzipped metadata. One function table a codec,
 * listed once in codecs.c; files name codecs in their own way and map to these.
 *
 * A firn_compressor keeps a codec's state between blocks; it belongs to one thread. */
#ifndef FIRN_FORMATS_CODEC_CODEC_H
#define FIRN_FORMATS_CODEC_CODEC_H

#include "base/builder.h"
#include "base/bytes.h"
#include "base/error.h"

typedef enum firn_codec {
  FIRN_CODEC_NONE = 0,
  FIRN_CODEC_SNAPPY,  /* raw block format */
  FIRN_CODEC_GZIP,    /* RFC 1952; reads several members */
  FIRN_CODEC_DEFLATE, /* RFC 1951, without a head: Avro */
  FIRN_CODEC_LZ4_RAW, /* one LZ4 block without a frame */
  FIRN_CODEC_ZSTD,
  FIRN_CODEC_BROTLI,
} firn_codec;

enum { FIRN_CODEC_COUNT = 7, FIRN_LEVEL_DEFAULT = -1000 };

typedef struct firn_compressor firn_compressor;

/* "zstd", "gzip", ...; NULL for a number that is no codec. */
const char *firn_codec_name(firn_codec codec);
/* By name, lower or upper case; FIRN_INVALID names those there are. "lz4" means lz4_raw, "uncompressed" none.
 */
FIRN_MUST_USE firn_status firn_codec_by_name(const char *name, firn_codec *out, firn_error *err);
/* The same with a level, as people write it: "zstd", "zstd:9". */
FIRN_MUST_USE firn_status firn_codec_parse(const char *text, firn_codec *codec, int *level, firn_error *err);

/* `level` 0 or FIRN_LEVEL_DEFAULT: zstd 3, gzip and deflate 6, brotli 5; the others have no levels. A level
 * the codec does not have is FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_compressor_new(firn_codec codec, int level, firn_compressor **out,
                                              firn_error *err);
void firn_compressor_free(firn_compressor *c);
void firn_compressor_free_pointer(firn_compressor **c);
#define FIRN_AUTO_COMPRESSOR FIRN_AUTO(firn_compressor_free_pointer) firn_compressor

/* Bytes that it holds; what libraries do not tell is left out. */
size_t firn_compressor_memory(const firn_compressor *c);
/* Bytes that a block of `len` may become at most. */
size_t firn_compress_bound(const firn_compressor *c, size_t len);
/* Appends the compressed block to `out`. While it works, `out` holds firn_compress_bound more bytes. */
FIRN_MUST_USE firn_status firn_compress(firn_compressor *c, firn_bytes in, firn_builder *out,
                                        firn_error *err);

typedef struct firn_decompressor firn_decompressor;
/* State that is worth keeping between blocks (zstd); it belongs to one thread and serves every codec. */
FIRN_MUST_USE firn_status firn_decompressor_new(firn_decompressor **out, firn_error *err);
void firn_decompressor_free(firn_decompressor *d);
void firn_decompressor_free_pointer(firn_decompressor **d);
#define FIRN_AUTO_DECOMPRESSOR FIRN_AUTO(firn_decompressor_free_pointer) firn_decompressor

/* Fills `into` with exactly `size` bytes; FIRN_CORRUPT when the block holds more, fewer or nonsense. No bytes
 * at all are a block of size 0 in every codec: some writers leave out the frame of an empty page. */
FIRN_MUST_USE firn_status firn_decompress(firn_decompressor *d, firn_codec codec, firn_bytes in,
                                          uint8_t *into, size_t size, firn_error *err);

/* For formats that do not say how large a block becomes (Avro, gzip files): appends to `out`; a block that
 * grows beyond its bound is FIRN_LIMIT. */
FIRN_MUST_USE firn_status firn_decompress_grow(firn_decompressor *d, firn_codec codec, firn_bytes in,
                                               firn_builder *out, firn_error *err);

#endif
