/* What a Parquet file says of itself: the footer (FileMetaData), page indexes and bloom filter heads, as
 * decoded structs. Follows parquet-format: parquet.thrift, PageIndex.md, BloomFilter.md, LogicalTypes.md.
 *
 * Decoded metadata lives in one arena, never changes, and threads may share it. All counts and offsets have
 * been checked against the file's size before anyone sees them. */
#ifndef FIRN_FORMATS_PARQUET_METADATA_H
#define FIRN_FORMATS_PARQUET_METADATA_H

#include "base/arena.h"
#include "base/builder.h"
#include "column/type.h"
#include "formats/codec/codec.h"

typedef enum firn_parquet_type {
  FIRN_PARQUET_BOOLEAN = 0,
  FIRN_PARQUET_INT32 = 1,
  FIRN_PARQUET_INT64 = 2,
  FIRN_PARQUET_INT96 = 3,
  FIRN_PARQUET_FLOAT = 4,
  FIRN_PARQUET_DOUBLE = 5,
  FIRN_PARQUET_BYTE_ARRAY = 6,
  FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY = 7,
} firn_parquet_type;

typedef enum firn_parquet_encoding {
  FIRN_PARQUET_PLAIN = 0,
  FIRN_PARQUET_PLAIN_DICTIONARY = 2,
  FIRN_PARQUET_RLE = 3,
  FIRN_PARQUET_BIT_PACKED = 4,
  FIRN_PARQUET_DELTA_BINARY_PACKED = 5,
  FIRN_PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
  FIRN_PARQUET_DELTA_BYTE_ARRAY = 7,
  FIRN_PARQUET_RLE_DICTIONARY = 8,
  FIRN_PARQUET_BYTE_STREAM_SPLIT = 9,
} firn_parquet_encoding;

typedef enum firn_parquet_repetition {
  FIRN_PARQUET_REQUIRED = 0,
  FIRN_PARQUET_OPTIONAL = 1,
  FIRN_PARQUET_REPEATED = 2,
} firn_parquet_repetition;

/* How the physical values of a leaf become values of a firn_kind. */
typedef enum firn_parquet_unit {
  FIRN_UNIT_NONE = 0,
  FIRN_UNIT_MILLIS,
  FIRN_UNIT_MICROS,
  FIRN_UNIT_NANOS
} firn_parquet_unit;

typedef enum firn_parquet_logical {
  FIRN_LOGICAL_NONE = 0,
  FIRN_LOGICAL_STRING,
  FIRN_LOGICAL_MAP,
  FIRN_LOGICAL_LIST,
  FIRN_LOGICAL_ENUM,
  FIRN_LOGICAL_DECIMAL,
  FIRN_LOGICAL_DATE,
  FIRN_LOGICAL_TIME,
  FIRN_LOGICAL_TIMESTAMP,
  FIRN_LOGICAL_INTEGER,
  FIRN_LOGICAL_UNKNOWN,
  FIRN_LOGICAL_JSON,
  FIRN_LOGICAL_BSON,
  FIRN_LOGICAL_UUID,
  FIRN_LOGICAL_FLOAT16,
  FIRN_LOGICAL_VARIANT,
  FIRN_LOGICAL_GEOMETRY,
  FIRN_LOGICAL_GEOGRAPHY,
  FIRN_LOGICAL_INTERVAL, /* converted type only */
} firn_parquet_logical;

/* A node of the schema tree. Converted types are read as the logical type they mean. */
typedef struct firn_parquet_node firn_parquet_node;
struct firn_parquet_node {
  const char *name;
  firn_parquet_repetition repetition;
  int32_t field_id; /* FIRN_NO_ID: none */
  firn_parquet_logical logical;
  firn_parquet_unit unit;      /* TIME, TIMESTAMP */
  bool is_utc;                 /* TIME, TIMESTAMP: isAdjustedToUTC */
  uint8_t bit_width;           /* INTEGER */
  bool is_signed;              /* INTEGER */
  int32_t precision, scale;    /* DECIMAL */
  const char *crs, *algorithm; /* GEOMETRY, GEOGRAPHY */
  uint32_t n_children;         /* 0: a leaf */
  const firn_parquet_node *children;
  /* Of leaves: */
  firn_parquet_type type;
  int32_t type_length; /* FIXED_LEN_BYTE_ARRAY: bytes */
  uint32_t leaf;       /* index among the leaves, from 0 */
  /* Of all, from the root: */
  int16_t max_def, max_rep;
};

typedef struct firn_parquet_statistics {
  bool has_min, has_max, min_exact, max_exact;
  firn_bytes min,
      max;         /* plain-encoded, as in the file; only those that the specification lets a reader trust */
  int64_t n_nulls; /* -1: unknown */
} firn_parquet_statistics;

typedef struct firn_parquet_chunk {
  const firn_parquet_node *leaf;
  const char *refused; /* why the chunk cannot be read (it is encrypted, or in another file); NULL: it can */
  firn_codec codec;
  bool codec_known; /* false: `codec_number` is one we do not have (LZO, the deprecated LZ4) */
  int32_t codec_number;
  uint32_t encodings; /* a bit for each firn_parquet_encoding */
  int64_t n_values;
  int64_t compressed_bytes, uncompressed_bytes; /* page heads included */
  int64_t offset;                               /* of its first page, whatever that is */
  int64_t data_page_offset;
  int64_t dictionary_page_offset; /* 0: none */
  firn_parquet_statistics statistics;
  int64_t offset_index_offset, column_index_offset, bloom_filter_offset; /* 0: none */
  int32_t offset_index_bytes, column_index_bytes,
      bloom_filter_bytes; /* bloom: 0 where the file does not say */
} firn_parquet_chunk;

typedef struct firn_parquet_row_group {
  int64_t n_rows;
  int64_t first_row;                /* counted over the file */
  int64_t total_bytes;              /* uncompressed */
  const firn_parquet_chunk *chunks; /* one for each leaf */
} firn_parquet_row_group;

typedef struct firn_parquet_key_value {
  firn_bytes key, value;
} firn_parquet_key_value;

typedef struct firn_parquet_metadata {
  int32_t version;
  firn_bytes created_by;
  const firn_parquet_node *root;
  uint32_t n_leaves;
  const firn_parquet_node *const *leaves;
  size_t
      n_ordered; /* of the leaves, in their order: whether the file says that bounds have the type's order */
  const bool *type_ordered;
  int64_t n_rows;
  size_t n_row_groups;
  const firn_parquet_row_group *row_groups;
  size_t n_key_values;
  const firn_parquet_key_value *key_values;
  /* What the schema means, legacy list and map shapes resolved: a STRUCT of columns. */
  const firn_field *schema;
} firn_parquet_metadata;

/* Decodes the thrift bytes of a footer (without length and magic). `file_bytes` bounds every offset. */
FIRN_MUST_USE firn_status firn_parquet_metadata_read(firn_bytes footer, uint64_t file_bytes,
                                                     firn_arena *arena, const firn_parquet_metadata **out,
                                                     firn_error *err);

/* The tree that a writer makes of a schema (three-level lists, key_value maps), levels and leaves filled in.
 * Names, crs and algorithm are borrowed from the schema. What cannot be written is FIRN_UNSUPPORTED or
 * FIRN_INVALID by name. */
FIRN_MUST_USE firn_status firn_parquet_nodes_of(const firn_field *schema, firn_arena *arena,
                                                const firn_parquet_node **root, uint32_t *n_leaves,
                                                const firn_parquet_node *const **leaves, firn_error *err);
/* And back: legacy lists and maps resolved, converted types understood. What has no firn_kind is
 * FIRN_UNSUPPORTED by name. */
FIRN_MUST_USE firn_status firn_parquet_schema_of(const firn_parquet_node *root, firn_arena *arena,
                                                 const firn_field **out, firn_error *err);

typedef struct firn_parquet_page_location {
  int64_t offset;
  int32_t compressed_bytes; /* head included */
  int64_t first_row;        /* counted over the row group */
} firn_parquet_page_location;

typedef struct firn_parquet_offset_index {
  size_t n_pages;
  const firn_parquet_page_location *pages;
} firn_parquet_offset_index;

typedef struct firn_parquet_column_index {
  size_t n_pages;
  const bool *null_pages;
  const firn_bytes *mins, *maxes;
  const int64_t *n_nulls; /* NULL: unknown */
  enum { FIRN_ORDER_NONE = 0, FIRN_ORDER_ASCENDING, FIRN_ORDER_DESCENDING } order;
} firn_parquet_column_index;

FIRN_MUST_USE firn_status firn_parquet_offset_index_read(firn_bytes in, int64_t n_rows, uint64_t file_bytes,
                                                         firn_arena *arena, firn_parquet_offset_index *out,
                                                         firn_error *err);
FIRN_MUST_USE firn_status firn_parquet_column_index_read(firn_bytes in, firn_arena *arena,
                                                         firn_parquet_column_index *out, firn_error *err);

#endif
