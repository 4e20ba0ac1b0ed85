#include "formats/parquet/encode_internal.h"

#include <assert.h>

#include "formats/thrift/thrift.h"

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2, FILE_VERSION = 1 };

enum {
  CONVERTED_NONE = -1,
  CONVERTED_UTF8 = 0,
  CONVERTED_MAP = 1,
  CONVERTED_LIST = 3,
  CONVERTED_DECIMAL = 5,
  CONVERTED_DATE = 6,
  CONVERTED_TIME_MICROS = 8,
  CONVERTED_TIMESTAMP_MICROS = 10,
};

int32_t firn_parquet_codec_number(firn_codec codec) {
  static const int8_t numbers[FIRN_CODEC_COUNT] = {
      [FIRN_CODEC_NONE] = 0,    [FIRN_CODEC_SNAPPY] = 1, [FIRN_CODEC_GZIP] = 2,   [FIRN_CODEC_DEFLATE] = -1,
      [FIRN_CODEC_LZ4_RAW] = 7, [FIRN_CODEC_ZSTD] = 6,   [FIRN_CODEC_BROTLI] = 4,
  };
  return numbers[codec];
}

void firn_encode_page_head(const firn_page_head *head, firn_builder *to) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(to);
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, head->is_dictionary ? PAGE_DICTIONARY : PAGE_DATA);
  firn_thrift_write_i32(&w, 2, (int32_t)head->uncompressed_bytes);
  firn_thrift_write_i32(&w, 3, (int32_t)head->compressed_bytes);
  firn_thrift_write_struct(&w, head->is_dictionary ? 7 : 5);
  firn_thrift_write_i32(&w, 1, (int32_t)head->n_values);
  firn_thrift_write_i32(&w, 2, head->encoding);
  if (!head->is_dictionary) {
    firn_thrift_write_i32(&w, 3, FIRN_PARQUET_RLE);
    firn_thrift_write_i32(&w, 4, FIRN_PARQUET_RLE);
  }
  firn_thrift_write_end(&w);
  firn_thrift_write_end(&w);
}

void firn_encode_offset_index(const firn_page_entry *pages, size_t n, const int64_t *offsets,
                              firn_builder *to) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(to);
  firn_thrift_write_begin(&w);
  firn_thrift_write_list(&w, 1, FIRN_THRIFT_STRUCT, n);
  for (size_t i = 0; i < n; i++) {
    firn_thrift_write_begin(&w);
    firn_thrift_write_i64(&w, 1, offsets[i]);
    firn_thrift_write_i32(&w, 2, (int32_t)pages[i].bytes);
    firn_thrift_write_i64(&w, 3, pages[i].first_row);
    firn_thrift_write_end(&w);
  }
  firn_thrift_write_end(&w);
}

void firn_encode_column_index(const firn_column_index_parts *parts, firn_builder *to) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(to);
  const firn_page_entry *pages = parts->pages;
  firn_thrift_write_begin(&w);
  firn_thrift_write_list(&w, 1, FIRN_THRIFT_TRUE, parts->n);
  for (size_t i = 0; i < parts->n; i++) {
    firn_thrift_write_bool_element(&w, pages[i].is_null);
  }
  firn_thrift_write_list(&w, 2, FIRN_THRIFT_BINARY, parts->n);
  for (size_t i = 0; i < parts->n; i++) {
    firn_thrift_write_binary_element(&w, (firn_bytes){parts->bounds + pages[i].lower_at, pages[i].lower_len});
  }
  firn_thrift_write_list(&w, 3, FIRN_THRIFT_BINARY, parts->n);
  for (size_t i = 0; i < parts->n; i++) {
    firn_thrift_write_binary_element(&w, (firn_bytes){parts->bounds + pages[i].upper_at, pages[i].upper_len});
  }
  firn_thrift_write_i32(&w, 4, parts->order);
  firn_thrift_write_list(&w, 5, FIRN_THRIFT_I64, parts->n);
  for (size_t i = 0; i < parts->n; i++) {
    firn_thrift_write_i64_element(&w, pages[i].n_nulls);
  }
  if (parts->has_nans) {
    firn_thrift_write_list(&w, 8, FIRN_THRIFT_I64, parts->n);
    for (size_t i = 0; i < parts->n; i++) {
      firn_thrift_write_i64_element(&w, pages[i].n_nans);
    }
  }
  firn_thrift_write_end(&w);
}

static int32_t converted_of(const firn_parquet_node *n) {
  switch (n->logical) {
    case FIRN_LOGICAL_STRING:
      return CONVERTED_UTF8;
    case FIRN_LOGICAL_MAP:
      return CONVERTED_MAP;
    case FIRN_LOGICAL_LIST:
      return CONVERTED_LIST;
    case FIRN_LOGICAL_DECIMAL:
      return CONVERTED_DECIMAL;
    case FIRN_LOGICAL_DATE:
      return CONVERTED_DATE;
    /* Spec: local times too must carry the old annotation, though it meant UTC. */
    case FIRN_LOGICAL_TIME:
      return n->unit == FIRN_UNIT_MICROS ? CONVERTED_TIME_MICROS : CONVERTED_NONE;
    case FIRN_LOGICAL_TIMESTAMP:
      return n->unit == FIRN_UNIT_MICROS ? CONVERTED_TIMESTAMP_MICROS : CONVERTED_NONE;
    default:
      return CONVERTED_NONE;
  }
}

static void write_empty(firn_thrift_writer *w, int16_t id) {
  firn_thrift_write_struct(w, id);
  firn_thrift_write_end(w);
}

static void write_time(firn_thrift_writer *w, const firn_parquet_node *n) {
  firn_thrift_write_bool(w, 1, n->is_utc);
  firn_thrift_write_struct(w, 2);
  write_empty(w, (int16_t)(n->unit - FIRN_UNIT_MILLIS + 1));
  firn_thrift_write_end(w);
}

static void write_geo(firn_thrift_writer *w, const firn_parquet_node *n) {
  static const char *const algorithms[] = {"spherical", "vincenty", "thomas", "andoyer", "karney"};
  if (n->crs != NULL) {
    firn_thrift_write_binary(w, 1, firn_bytes_of(n->crs));
  }
  for (size_t i = 0; n->algorithm != NULL && i < FIRN_COUNT_OF(algorithms); i++) {
    if (strcmp(algorithms[i], n->algorithm) == 0) {
      firn_thrift_write_i32(w, 2, (int32_t)i);
    }
  }
}

/* The union LogicalType: which field of it, and what is in there. */
static void write_logical(firn_thrift_writer *w, const firn_parquet_node *n) {
  static const int8_t fields[] = {
      [FIRN_LOGICAL_STRING] = 1,    [FIRN_LOGICAL_MAP] = 2,        [FIRN_LOGICAL_LIST] = 3,
      [FIRN_LOGICAL_DECIMAL] = 5,   [FIRN_LOGICAL_DATE] = 6,       [FIRN_LOGICAL_TIME] = 7,
      [FIRN_LOGICAL_TIMESTAMP] = 8, [FIRN_LOGICAL_UNKNOWN] = 11,   [FIRN_LOGICAL_UUID] = 14,
      [FIRN_LOGICAL_GEOMETRY] = 17, [FIRN_LOGICAL_GEOGRAPHY] = 18,
  };
  if (n->logical == FIRN_LOGICAL_NONE) {
    return;
  }
  assert((size_t)n->logical < FIRN_COUNT_OF(fields) && fields[n->logical] != 0);
  firn_thrift_write_struct(w, 10);
  firn_thrift_write_struct(w, fields[n->logical]);
  if (n->logical == FIRN_LOGICAL_DECIMAL) {
    firn_thrift_write_i32(w, 1, n->scale);
    firn_thrift_write_i32(w, 2, n->precision);
  } else if (n->logical == FIRN_LOGICAL_TIME || n->logical == FIRN_LOGICAL_TIMESTAMP) {
    write_time(w, n);
  } else if (n->logical == FIRN_LOGICAL_GEOMETRY || n->logical == FIRN_LOGICAL_GEOGRAPHY) {
    write_geo(w, n);
  }
  firn_thrift_write_end(w);
  firn_thrift_write_end(w);
}

static size_t count_nodes(const firn_parquet_node *n) {
  size_t sum = 1;
  for (uint32_t i = 0; i < n->n_children; i++) {
    sum += count_nodes(&n->children[i]);
  }
  return sum;
}

static void write_node(firn_thrift_writer *w, const firn_parquet_node *n, bool is_root) {
  int32_t converted = converted_of(n);
  firn_thrift_write_begin(w);
  if (n->n_children == 0) {
    firn_thrift_write_i32(w, 1, n->type);
    if (n->type == FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY) {
      firn_thrift_write_i32(w, 2, n->type_length);
    }
  }
  if (!is_root) {
    firn_thrift_write_i32(w, 3, n->repetition);
  }
  firn_thrift_write_binary(w, 4, firn_bytes_of(n->name));
  if (n->n_children > 0) {
    firn_thrift_write_i32(w, 5, (int32_t)n->n_children);
  }
  if (converted != CONVERTED_NONE) {
    firn_thrift_write_i32(w, 6, converted);
  }
  if (n->logical == FIRN_LOGICAL_DECIMAL) {
    firn_thrift_write_i32(w, 7, n->scale);
    firn_thrift_write_i32(w, 8, n->precision);
  }
  if (n->field_id != FIRN_NO_ID) {
    firn_thrift_write_i32(w, 9, n->field_id);
  }
  write_logical(w, n);
  firn_thrift_write_end(w);
  for (uint32_t i = 0; i < n->n_children; i++) {
    write_node(w, &n->children[i], false);
  }
}

static void write_statistics(firn_thrift_writer *w, const firn_chunk_entry *e) {
  const firn_parquet_statistics *s = &e->chunk.statistics;
  firn_thrift_write_struct(w, 12);
  firn_thrift_write_i64(w, 3, s->n_nulls);
  if (s->has_max) {
    firn_thrift_write_binary(w, 5, s->max);
  }
  if (s->has_min) {
    firn_thrift_write_binary(w, 6, s->min);
  }
  if (s->has_max) {
    firn_thrift_write_bool(w, 7, s->max_exact);
  }
  if (s->has_min) {
    firn_thrift_write_bool(w, 8, s->min_exact);
  }
  if (e->n_nans >= 0) {
    firn_thrift_write_i64(w, 9, e->n_nans);
  }
  firn_thrift_write_end(w);
}

static void write_page_count(firn_thrift_writer *w, int32_t type, firn_parquet_encoding encoding, int32_t n) {
  if (n == 0) {
    return;
  }
  firn_thrift_write_begin(w);
  firn_thrift_write_i32(w, 1, type);
  firn_thrift_write_i32(w, 2, encoding);
  firn_thrift_write_i32(w, 3, n);
  firn_thrift_write_end(w);
}

static void write_page_counts(firn_thrift_writer *w, const firn_chunk_entry *e) {
  size_t n = (size_t)(e->dictionary_pages > 0) + (e->indexed_pages > 0) + (e->plain_pages > 0);
  firn_thrift_write_list(w, 13, FIRN_THRIFT_STRUCT, n);
  write_page_count(w, PAGE_DICTIONARY, FIRN_PARQUET_PLAIN, e->dictionary_pages);
  write_page_count(w, PAGE_DATA, FIRN_PARQUET_RLE_DICTIONARY, e->indexed_pages);
  write_page_count(w, PAGE_DATA, FIRN_PARQUET_PLAIN, e->plain_pages);
}

static void write_encodings(firn_thrift_writer *w, uint32_t encodings) {
  firn_thrift_write_list(w, 2, FIRN_THRIFT_I32, (size_t)__builtin_popcount(encodings));
  for (int32_t i = 0; i < 32; i++) {
    if ((encodings >> i & 1) != 0) {
      firn_thrift_write_i32_element(w, i);
    }
  }
}

static void write_column_metadata(firn_thrift_writer *w, const firn_chunk_entry *e,
                                  const firn_leaf_path *path) {
  const firn_parquet_chunk *c = &e->chunk;
  firn_thrift_write_struct(w, 3);
  firn_thrift_write_i32(w, 1, c->leaf->type);
  write_encodings(w, c->encodings);
  firn_thrift_write_list(w, 3, FIRN_THRIFT_BINARY, path->n_names);
  for (size_t i = 0; i < path->n_names; i++) {
    firn_thrift_write_binary_element(w, firn_bytes_of(path->names[i]));
  }
  firn_thrift_write_i32(w, 4, c->codec_number);
  firn_thrift_write_i64(w, 5, c->n_values);
  firn_thrift_write_i64(w, 6, c->uncompressed_bytes);
  firn_thrift_write_i64(w, 7, c->compressed_bytes);
  firn_thrift_write_i64(w, 9, c->data_page_offset);
  if (c->dictionary_page_offset != 0) {
    firn_thrift_write_i64(w, 11, c->dictionary_page_offset);
  }
  write_statistics(w, e);
  write_page_counts(w, e);
  if (c->bloom_filter_offset != 0) {
    firn_thrift_write_i64(w, 14, c->bloom_filter_offset);
    firn_thrift_write_i32(w, 15, c->bloom_filter_bytes);
  }
  firn_thrift_write_end(w);
}

static void write_chunk(firn_thrift_writer *w, const firn_chunk_entry *e, const firn_leaf_path *path) {
  const firn_parquet_chunk *c = &e->chunk;
  firn_thrift_write_begin(w);
  firn_thrift_write_i64(w, 2, 0); /* Spec: deprecated, 0 when there is no second copy of the metadata */
  write_column_metadata(w, e, path);
  firn_thrift_write_i64(w, 4, c->offset_index_offset);
  firn_thrift_write_i32(w, 5, c->offset_index_bytes);
  if (c->column_index_offset != 0) {
    firn_thrift_write_i64(w, 6, c->column_index_offset);
    firn_thrift_write_i32(w, 7, c->column_index_bytes);
  }
  firn_thrift_write_end(w);
}

static void write_row_group(firn_thrift_writer *w, const firn_footer_parts *parts, size_t number) {
  const firn_row_group_entry *g = &parts->row_groups[number];
  int64_t uncompressed = 0, compressed = 0;
  firn_thrift_write_begin(w);
  firn_thrift_write_list(w, 1, FIRN_THRIFT_STRUCT, parts->n_leaves);
  for (uint32_t i = 0; i < parts->n_leaves; i++) {
    write_chunk(w, &g->chunks[i], &parts->paths[i]);
    uncompressed += g->chunks[i].chunk.uncompressed_bytes;
    compressed += g->chunks[i].chunk.compressed_bytes;
  }
  firn_thrift_write_i64(w, 2, uncompressed);
  firn_thrift_write_i64(w, 3, g->n_rows);
  firn_thrift_write_i64(w, 5, g->first_byte);
  firn_thrift_write_i64(w, 6, compressed);
  if (number <= INT16_MAX) {
    firn_thrift_write_i16(w, 7, (int16_t)number);
  }
  firn_thrift_write_end(w);
}

static void write_key_values(firn_thrift_writer *w, const firn_footer_parts *parts) {
  if (parts->n_key_values == 0) {
    return;
  }
  firn_thrift_write_list(w, 5, FIRN_THRIFT_STRUCT, parts->n_key_values);
  for (size_t i = 0; i < parts->n_key_values; i++) {
    firn_thrift_write_begin(w);
    firn_thrift_write_binary(w, 1, parts->key_values[i].key);
    firn_thrift_write_binary(w, 2, parts->key_values[i].value);
    firn_thrift_write_end(w);
  }
}

void firn_encode_footer(const firn_footer_parts *parts, firn_builder *to) {
  firn_thrift_writer w = FIRN_THRIFT_WRITER_INIT(to);
  int64_t n_rows = 0;
  for (size_t i = 0; i < parts->n_row_groups; i++) {
    n_rows += parts->row_groups[i].n_rows;
  }
  firn_thrift_write_begin(&w);
  firn_thrift_write_i32(&w, 1, FILE_VERSION);
  firn_thrift_write_list(&w, 2, FIRN_THRIFT_STRUCT, count_nodes(parts->root));
  write_node(&w, parts->root, true);
  firn_thrift_write_i64(&w, 3, n_rows);
  firn_thrift_write_list(&w, 4, FIRN_THRIFT_STRUCT, parts->n_row_groups);
  for (size_t i = 0; i < parts->n_row_groups; i++) {
    write_row_group(&w, parts, i);
  }
  write_key_values(&w, parts);
  firn_thrift_write_binary(&w, 6, firn_bytes_of(parts->created_by));
  firn_thrift_write_list(&w, 7, FIRN_THRIFT_STRUCT, parts->n_leaves);
  for (uint32_t i = 0; i < parts->n_leaves; i++) {
    firn_thrift_write_begin(&w);
    write_empty(&w, 1); /* TypeDefinedOrder */
    firn_thrift_write_end(&w);
  }
  firn_thrift_write_end(&w);
}
