/* How Avro's blocks are compressed: the names of codecs in its files, and snappy's own check sum. */
#ifndef FIRN_FORMATS_AVRO_CODEC_INTERNAL_H
#define FIRN_FORMATS_AVRO_CODEC_INTERNAL_H

#include "formats/codec/codec.h"

/* "null" (also when `name` has no data), "deflate", "snappy", "zstandard"; others are FIRN_UNSUPPORTED. */
FIRN_MUST_USE firn_status firn_avro_codec_by_name(firn_bytes name, firn_codec *out, firn_error *err);
/* NULL for a codec that Avro does not have. */
const char *firn_avro_codec_name(firn_codec codec);

FIRN_MUST_USE firn_status firn_avro_block_decompress(firn_decompressor *d, firn_codec codec, firn_bytes in,
                                                     firn_builder *out, firn_error *err);
FIRN_MUST_USE firn_status firn_avro_block_compress(firn_compressor *c, firn_codec codec, firn_bytes in,
                                                   firn_builder *out, firn_error *err);

#endif
