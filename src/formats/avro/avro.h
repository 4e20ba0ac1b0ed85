/* Avro object container files (Avro 1.12 specification: Binary Encoding, Object Container Files), decoded by
 * the schema that stands in the file. Field ids, logical types and file metadata are kept: Iceberg's
 * manifests need them (Iceberg specification, Appendix A, Avro).
 *
 * Values are decoded one record at a time into a tree of firn_avro_value, in an arena that the caller resets;
 * or the caller decodes the bytes of a record himself, with the file's schema in hand.
 * A schema is constant after parsing; threads may share it. Readers and writers belong to one thread. */
#ifndef FIRN_FORMATS_AVRO_AVRO_H
#define FIRN_FORMATS_AVRO_AVRO_H

#include "base/arena.h"
#include "base/builder.h"
#include "base/ctx.h"
#include "base/cursor.h"
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

enum {
  FIRN_AVRO_MAX_SCHEMA_DEPTH = 64,
  FIRN_AVRO_MAX_SCHEMA_NODES = 10000,
  FIRN_AVRO_MAX_VALUE_DEPTH = 256 /* of values of recursive types */
};

typedef struct firn_avro_schema firn_avro_schema;

typedef struct firn_avro_field {
  const char *name;
  const char *true_name; /* "iceberg-field-name" where the name had to be sanitized, else `name` */
  int32_t field_id;      /* "field-id"; -1: none */
  const firn_avro_schema *schema;
  bool has_default;
  firn_bytes default_json;
  const char *doc; /* NULL: none */
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
  size_t n_items; /* UNION: branches; ARRAY, MAP: 1 */
  const firn_avro_schema *const *items;
  size_t n_symbols; /* ENUM */
  const char *const *symbols;
  uint64_t least_bytes; /* no value takes fewer when encoded */
  bool always_least;    /* every value takes exactly that; others take one byte at least */
};

/* Parses a schema in JSON, named types resolved. Bounds: depth 64, 10,000 nodes. A type that contains itself
 * without a union, array or map between is refused. */
FIRN_MUST_USE firn_status firn_avro_schema_read(firn_bytes json, firn_arena *arena,
                                                const firn_avro_schema **out, firn_error *err);

/* What a type is called in a schema: "int", "record", ... */
const char *firn_avro_type_name(firn_avro_type type);

/* The field with that id; NULL when there is none or `record` is no record. */
const firn_avro_field *firn_avro_field_by_id(const firn_avro_schema *record, int32_t field_id);

/* Whether a name is one that Avro allows: [A-Za-z_][A-Za-z0-9_]*. */
bool firn_avro_name_is_valid(firn_bytes name);
/* Makes such a name of any text, as Iceberg's writers do: a leading digit gets `_` before it, every UTF-16
 * unit that is not allowed becomes `_x` and its number in hexadecimal ("a.b" is "a_x2Eb"). The true name then
 * belongs into "iceberg-field-name". */
void firn_avro_name_sanitize(firn_bytes name, firn_builder *out);

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

/* The value of a record's field by its id or true name; NULL when there is none. */
const firn_avro_value *firn_avro_value_by_id(const firn_avro_value *record, int32_t field_id);
const firn_avro_value *firn_avro_value_by_name(const firn_avro_value *record, const char *true_name);

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

/* Reads the head. `max_block_bytes` bounds the head, and a block before and after decompression (0: 64 MiB);
 * beyond it is FIRN_LIMIT. */
FIRN_MUST_USE firn_status firn_avro_reader_open(firn_avro_source source, firn_ctx *ctx,
                                                size_t max_block_bytes, firn_avro_reader **out,
                                                firn_error *err);
/* Of the reader, as is what the next two return: gone when it is closed. */
const firn_avro_schema *firn_avro_reader_schema(const firn_avro_reader *r);
/* A value of the file's metadata; data is NULL when there is none of that key. */
firn_bytes firn_avro_reader_meta(const firn_avro_reader *r, const char *key);
const firn_avro_pair *firn_avro_reader_pairs(const firn_avro_reader *r, size_t *n);
/* The next record, in `arena`, whose bound is the one on its size in memory; `*out` NULL after the last. What
 * it borrows lives until the following next. */
FIRN_MUST_USE firn_status firn_avro_reader_next(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena,
                                                const firn_avro_value **out, firn_error *err);
/* For those who decode records themselves: `*out` stands at the start of the next record, and the caller
 * moves it to that record's end; NULL after the last. Bytes taken from it live until the following call,
 * which is also the one that complains of a cursor that went bad and of bytes left over in a block. */
FIRN_MUST_USE firn_status firn_avro_reader_record(firn_avro_reader *r, firn_ctx *ctx, firn_cursor **out,
                                                  firn_error *err);
void firn_avro_reader_close(firn_avro_reader *r);
void firn_avro_reader_close_pointer(firn_avro_reader **r);
#define FIRN_AUTO_AVRO_READER FIRN_AUTO(firn_avro_reader_close_pointer) firn_avro_reader

/* One value. `err` says what is wrong; the cursor may be bad then. */
FIRN_MUST_USE firn_status firn_avro_value_read(firn_cursor *c, const firn_avro_schema *schema,
                                               firn_arena *arena, firn_avro_value *out, firn_error *err);
/* Passes over one value. False (and the cursor is bad) when the bytes are no such value. */
bool firn_avro_skip(firn_cursor *c, const firn_avro_schema *schema);

/* A writer takes records that the caller encodes onto a builder (firn_builder_add_zigzag for int and long,
 * firn_avro_put_bytes for text and bytes, ...) and makes blocks of about 64 KiB of them. */
typedef struct firn_avro_sink {
  firn_status (*write)(void *self, firn_bytes data, firn_error *err);
  void *self;
} firn_avro_sink;

/* A sink that appends to a builder. */
firn_avro_sink firn_avro_sink_onto(firn_builder *b);

typedef struct firn_avro_writer firn_avro_writer;

typedef struct firn_avro_writer_options {
  firn_codec codec; /* NONE, DEFLATE, SNAPPY or ZSTD */
  int level;
  size_t block_bytes;             /* 0: 64 KiB */
  const firn_avro_pair *metadata; /* "avro.schema" and "avro.codec" are added */
  size_t n_metadata;
  uint8_t sync[16];
} firn_avro_writer_options;

/* `schema_json` goes into the file as it is. Writes the head. */
FIRN_MUST_USE firn_status firn_avro_writer_open(firn_bytes schema_json,
                                                const firn_avro_writer_options *options, firn_avro_sink sink,
                                                firn_avro_writer **out, firn_error *err);
/* The caller encodes one record onto the builder, then calls firn_avro_writer_record. */
firn_builder *firn_avro_writer_begin(firn_avro_writer *w);
FIRN_MUST_USE firn_status firn_avro_writer_record(firn_avro_writer *w, firn_error *err);
/* Bytes so far, the open block counted uncompressed. */
uint64_t firn_avro_writer_size(const firn_avro_writer *w);
/* Writes the last block. `size_bytes` (may be NULL) gets the file's size. */
FIRN_MUST_USE firn_status firn_avro_writer_finish(firn_avro_writer *w, uint64_t *size_bytes, firn_error *err);
void firn_avro_writer_close(firn_avro_writer *w);
void firn_avro_writer_close_pointer(firn_avro_writer **w);
#define FIRN_AUTO_AVRO_WRITER FIRN_AUTO(firn_avro_writer_close_pointer) firn_avro_writer

/* "string" and "bytes": the length, then the bytes. */
void firn_avro_put_bytes(firn_builder *b, firn_bytes bytes);
static inline void firn_avro_put_text(firn_builder *b, const char *text) {
  firn_avro_put_bytes(b, firn_bytes_of(text));
}

#endif
