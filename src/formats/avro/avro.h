/* Avro object container files (Avro 1.12 specification: Binary Encoding, Object Container Files), decoded by
 * the schema that stands in the file. Field ids, logical types and file metadata are kept: Iceberg's
 * manifests need them.
 *
 * Values are decoded one record at a time into a tree of firn_avro_value, in an arena that the caller resets.
 * A schema is constant after parsing; threads may share it. Readers and writers belong to one thread. */
#ifndef FIRN_FORMATS_AVRO_AVRO_H
#define FIRN_FORMATS_AVRO_AVRO_H

#include "base/arena.h"
#include "base/builder.h"
#include "base/ctx.h"
#include "formats/codec/codec.h"

typedef enum firn_avro_type {
  FIRN_AVRO_NULL,
  FIRN_AVRO_BOOLEAN,
  FIRN_AVRO_INT,
  FIRN_AVRO_LONG,
  FIRN_AVRO_FLOAT,
  FIRN_AVRO_DOUBLE,
  FIRN_AVRO_BYTES,
  FIRN_AVRO_STRING,
  FIRN_AVRO_FIXED,
  FIRN_AVRO_ENUM,
  FIRN_AVRO_RECORD,
  FIRN_AVRO_ARRAY,
  FIRN_AVRO_MAP, /* string keys */
  FIRN_AVRO_UNION,
} firn_avro_type;

typedef struct firn_avro_schema firn_avro_schema;

typedef struct firn_avro_field {
  const char *name;
  const char *true_name; /* "iceberg-field-name" where the name had to be sanitized, else `name` */
  int32_t field_id;      /* "field-id"; -1: none */
  const firn_avro_schema *schema;
  bool has_default;
  firn_bytes default_json;
  const char *doc;
} firn_avro_field;

struct firn_avro_schema {
  firn_avro_type type;
  const char *name;         /* full name of records, enums, fixeds */
  const char *logical_type; /* NULL: none */
  int32_t precision, scale; /* decimal */
  bool adjust_to_utc;       /* "adjust-to-utc", false where absent */
  uint32_t size;            /* FIXED */
  int32_t element_id;       /* ARRAY; -1: none */
  int32_t key_id, value_id; /* MAP; -1: none */
  size_t n_fields;          /* RECORD */
  const firn_avro_field *fields;
  size_t n_items; /* UNION: branches; ARRAY, MAP: 1; */
  const firn_avro_schema *const *items;
  size_t n_symbols; /* ENUM */
  const char *const *symbols;
};

/* Parses a schema in JSON, named types resolved. Bounds: depth 64, 10,000 nodes. A type that contains itself
 * without a union or array between is refused. */
FIRN_MUST_USE firn_status firn_avro_schema_read(firn_bytes json, firn_arena *arena,
                                                const firn_avro_schema **out, firn_error *err);

typedef struct firn_avro_value firn_avro_value;
struct firn_avro_value {
  const firn_avro_schema *schema; /* of the value itself: unions have been resolved to their branch */
  union {
    bool boolean;
    int64_t number;   /* INT, LONG; ENUM: the symbol's index */
    double real;      /* FLOAT (widened), DOUBLE */
    firn_bytes bytes; /* BYTES, STRING, FIXED: borrowed from the block until the following next */
    struct {
      size_t n_items; /* RECORD: fields; ARRAY: items; MAP: 2 times its entries, key, value, key, value ... */
      const firn_avro_value *items;
    };
  };
};

typedef struct firn_avro_pair {
  firn_bytes key, value;
} firn_avro_pair;

/* Where the file's bytes come from, front to back. `*got` 0 is the end. */
typedef struct firn_avro_source {
  firn_status (*read)(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got, firn_error *err);
  void *self;
} firn_avro_source;

/* A source over bytes in memory: `rest` is what has not been read yet. */
firn_avro_source firn_avro_source_over(firn_bytes *rest);

typedef struct firn_avro_reader firn_avro_reader;

/* Reads the head. `max_block_bytes` bounds a block before and after decompression (0: 64 MiB). */
FIRN_MUST_USE firn_status firn_avro_reader_open(firn_avro_source source, firn_ctx *ctx,
                                                size_t max_block_bytes, firn_avro_reader **out,
                                                firn_error *err);
const firn_avro_schema *firn_avro_reader_schema(const firn_avro_reader *r);
/* A value of the file's metadata; data is NULL when there is none of that key. */
firn_bytes firn_avro_reader_meta(const firn_avro_reader *r, const char *key);
const firn_avro_pair *firn_avro_reader_pairs(const firn_avro_reader *r, size_t *n);
/* The next record, in `arena`; `*out` NULL after the last. What it borrows lives until the following next. */
FIRN_MUST_USE firn_status firn_avro_reader_next(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena,
                                                const firn_avro_value **out, firn_error *err);
void firn_avro_reader_close(firn_avro_reader *r);
void firn_avro_reader_close_pointer(firn_avro_reader **r);
#define FIRN_AUTO_AVRO_READER FIRN_AUTO(firn_avro_reader_close_pointer) firn_avro_reader

/* A writer takes records that the caller encodes onto a builder (firn_builder_add_zigzag for int and long,
 * ...) and makes blocks of about 64 KiB of them. */
typedef struct firn_avro_sink {
  firn_status (*write)(void *self, firn_bytes data, firn_error *err);
  void *self;
} firn_avro_sink;

typedef struct firn_avro_writer firn_avro_writer;

typedef struct firn_avro_writer_options {
  firn_codec codec; /* NONE, DEFLATE, SNAPPY or ZSTD */
  int level;
  size_t block_bytes;             /* 0: 64 KiB */
  const firn_avro_pair *metadata; /* "avro.schema" and "avro.codec" are added */
  size_t n_metadata;
  uint8_t sync[16];
} firn_avro_writer_options;

/* `schema_json` goes into the file as it is. */
FIRN_MUST_USE firn_status firn_avro_writer_open(firn_bytes schema_json,
                                                const firn_avro_writer_options *options, firn_avro_sink sink,
                                                firn_avro_writer **out, firn_error *err);
/* The caller encodes one record onto the builder, then calls firn_avro_writer_record. */
firn_builder *firn_avro_writer_begin(firn_avro_writer *w);
FIRN_MUST_USE firn_status firn_avro_writer_record(firn_avro_writer *w, firn_error *err);
uint64_t firn_avro_writer_size(
    const firn_avro_writer *w); /* bytes so far, the open block counted uncompressed */
/* Writes the last block. `size_bytes` (may be NULL) gets the file's size. */
FIRN_MUST_USE firn_status firn_avro_writer_finish(firn_avro_writer *w, uint64_t *size_bytes, firn_error *err);
void firn_avro_writer_close(firn_avro_writer *w);
void firn_avro_writer_close_pointer(firn_avro_writer **w);
#define FIRN_AUTO_AVRO_WRITER FIRN_AUTO(firn_avro_writer_close_pointer) firn_avro_writer

#endif
