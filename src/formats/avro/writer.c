#include "base/alloc.h"
#include "formats/avro/avro.h"
#include "formats/avro/codec_internal.h"

enum {
  SYNC_BYTES = 16,
  DEFAULT_BLOCK = 64 << 10,
  LARGEST_BLOCK = 64 << 20, /* what readers take by default */
  LARGEST_PACKED = LARGEST_BLOCK + (LARGEST_BLOCK >> 4) + 64
};

struct firn_avro_writer {
  firn_avro_sink sink;
  firn_codec codec;
  firn_compressor *compressor;
  size_t block_bytes;
  uint8_t sync[SYNC_BYTES];
  firn_builder block;  /* records of the open block */
  firn_builder packed; /* a block on its way out */
  int64_t n_records;   /* in the open block */
  uint64_t size_bytes; /* given to the sink */
};

static firn_status append(void *self, firn_bytes data, firn_error *err) {
  firn_bytes all;
  firn_builder_add(self, data);
  return firn_builder_finish(self, &all, err);
}

firn_avro_sink firn_avro_sink_onto(firn_builder *b) {
  return (firn_avro_sink){append, b};
}

void firn_avro_put_bytes(firn_builder *b, firn_bytes bytes) {
  firn_builder_add_zigzag(b, (int64_t)bytes.len);
  firn_builder_add(b, bytes);
}

static firn_status give(firn_avro_writer *w, firn_bytes data, firn_error *err) {
  FIRN_TRY(w->sink.write(w->sink.self, data, err));
  w->size_bytes += data.len;
  return FIRN_OK;
}

static firn_status write_head(firn_avro_writer *w, firn_bytes schema_json,
                              const firn_avro_writer_options *options, firn_error *err) {
  firn_builder *b = &w->packed;
  firn_builder_add(b, FIRN_LITERAL("Obj\1"));
  firn_builder_add_zigzag(b, (int64_t)options->n_metadata + 2);
  for (size_t i = 0; i < options->n_metadata; i++) {
    firn_avro_put_bytes(b, options->metadata[i].key);
    firn_avro_put_bytes(b, options->metadata[i].value);
  }
  firn_avro_put_text(b, "avro.schema");
  firn_avro_put_bytes(b, schema_json);
  firn_avro_put_text(b, "avro.codec");
  firn_avro_put_text(b, firn_avro_codec_name(w->codec));
  firn_builder_add_zigzag(b, 0);
  firn_builder_add(b, (firn_bytes){w->sync, SYNC_BYTES});
  firn_bytes head;
  FIRN_TRY(firn_builder_finish(b, &head, err));
  return give(w, head, err);
}

firn_status firn_avro_writer_open(firn_bytes schema_json, const firn_avro_writer_options *options,
                                  firn_avro_sink sink, firn_avro_writer **out, firn_error *err) {
  if (firn_avro_codec_name(options->codec) == NULL) {
    const char *name = firn_codec_name(options->codec);
    return firn_error_set(err, FIRN_INVALID, "Avro files are not compressed with %s", name ? name : "that");
  }
  FIRN_AUTO_AVRO_WRITER *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an Avro writer");
  }
  w->sink = sink;
  w->codec = options->codec;
  w->block_bytes = options->block_bytes == 0 ? DEFAULT_BLOCK : options->block_bytes;
  w->block.max_bytes = LARGEST_BLOCK;
  w->packed.max_bytes = LARGEST_PACKED;
  memcpy(w->sync, options->sync, SYNC_BYTES);
  FIRN_TRY(firn_compressor_new(w->codec, options->level, &w->compressor, err));
  FIRN_TRY(write_head(w, schema_json, options, err));
  *out = FIRN_HAND_OVER(w);
  return FIRN_OK;
}

static firn_status write_block(firn_avro_writer *w, firn_error *err) {
  if (w->n_records == 0) {
    return FIRN_OK;
  }
  firn_bytes packed, head;
  firn_builder_reset(&w->packed);
  FIRN_TRY(firn_avro_block_compress(w->compressor, w->codec, firn_builder_bytes(&w->block), &w->packed, err));
  size_t packed_len = w->packed.len;
  firn_builder_add(&w->packed, (firn_bytes){w->sync, SYNC_BYTES});
  FIRN_TRY(firn_builder_finish(&w->packed, &packed, err));
  firn_builder_reset(&w->block);
  firn_builder_add_zigzag(&w->block, w->n_records);
  firn_builder_add_zigzag(&w->block, (int64_t)packed_len);
  FIRN_TRY(firn_builder_finish(&w->block, &head, err));
  FIRN_TRY(give(w, head, err));
  FIRN_TRY(give(w, packed, err));
  firn_builder_reset(&w->block);
  w->n_records = 0;
  return FIRN_OK;
}

firn_builder *firn_avro_writer_begin(firn_avro_writer *w) {
  return &w->block;
}

firn_status firn_avro_writer_record(firn_avro_writer *w, firn_error *err) {
  firn_bytes all;
  firn_status status = firn_builder_finish(&w->block, &all, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "an Avro block");
  }
  w->n_records++;
  return all.len < w->block_bytes ? FIRN_OK : write_block(w, err);
}

uint64_t firn_avro_writer_size(const firn_avro_writer *w) {
  return w->size_bytes + w->block.len;
}

firn_status firn_avro_writer_finish(firn_avro_writer *w, uint64_t *size_bytes, firn_error *err) {
  FIRN_TRY(write_block(w, err));
  if (size_bytes != NULL) {
    *size_bytes = w->size_bytes;
  }
  return FIRN_OK;
}

void firn_avro_writer_close(firn_avro_writer *w) {
  if (w == NULL) {
    return;
  }
  firn_compressor_free(w->compressor);
  firn_builder_free(&w->block);
  firn_builder_free(&w->packed);
  firn_free(w);
}

void firn_avro_writer_close_pointer(firn_avro_writer **w) {
  firn_avro_writer_close(*w);
}
