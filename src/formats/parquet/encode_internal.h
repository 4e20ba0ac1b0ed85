/* Thrift structs that we write: page heads, page indexes, the footer. Spec: parquet.thrift. */
#ifndef FIRN_FORMATS_PARQUET_ENCODE_INTERNAL_H
#define FIRN_FORMATS_PARQUET_ENCODE_INTERNAL_H

#include "formats/parquet/metadata.h"
#include "formats/parquet/shred_internal.h"

typedef struct firn_page_head {
  bool is_dictionary;
  firn_parquet_encoding encoding;
  size_t n_values; /* nulls included */
  size_t uncompressed_bytes, compressed_bytes;
} firn_page_head;

void firn_encode_page_head(const firn_page_head *head, firn_builder *to);

/* A data page after it is written. */
typedef struct firn_page_entry {
  uint8_t *data; /* head and body, as in the file; owned by the chunk */
  size_t bytes;
  int64_t first_row; /* in the row group */
  int64_t n_nulls, n_nans;
  bool is_null;                /* holds nothing but nulls */
  uint32_t lower_at, upper_at; /* in the chunk's bounds */
  uint32_t lower_len, upper_len;
} firn_page_entry;

/* `offsets`: where each page stands in the file. */
void firn_encode_offset_index(const firn_page_entry *pages, size_t n, const int64_t *offsets,
                              firn_builder *to);

typedef struct firn_column_index_parts {
  const firn_page_entry *pages;
  size_t n;
  const uint8_t *bounds;
  int order; /* FIRN_ORDER_... */
  bool has_nans;
} firn_column_index_parts;

void firn_encode_column_index(const firn_column_index_parts *parts, firn_builder *to);

/* A column chunk as the footer describes it. */
typedef struct firn_chunk_entry {
  firn_parquet_chunk chunk;
  int64_t n_nans; /* -1: not of floats */
  int32_t dictionary_pages, indexed_pages, plain_pages;
} firn_chunk_entry;

typedef struct firn_row_group_entry {
  int64_t n_rows, first_byte;
  firn_chunk_entry *chunks; /* one for each leaf */
} firn_row_group_entry;

typedef struct firn_footer_parts {
  const firn_parquet_node *root;
  uint32_t n_leaves;
  const firn_leaf_path *paths;
  size_t n_row_groups;
  const firn_row_group_entry *row_groups;
  size_t n_key_values;
  const firn_parquet_key_value *key_values;
  const char *created_by;
} firn_footer_parts;

void firn_encode_footer(const firn_footer_parts *parts, firn_builder *to);

/* The number that the file has for a codec; deflate has none: -1. */
int32_t firn_parquet_codec_number(firn_codec codec);

#endif
