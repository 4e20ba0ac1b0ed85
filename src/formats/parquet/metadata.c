#include "formats/parquet/metadata.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "formats/parquet/schema_internal.h"

enum { ENCODINGS_KNOWN = 32 };

/* A ColumnChunk and its ColumnMetaData as they are stored. */
typedef struct stored_chunk {
  firn_parquet_chunk chunk;
  int32_t type;
  bool has_metadata;
  firn_bytes old_min, old_max; /* the deprecated pair */
  bool has_old_min, has_old_max;
} stored_chunk;

typedef struct decoder {
  firn_thrift_reader in;
  uint64_t data_end; /* offsets of pages and indexes lie below */
  firn_arena *arena;
  firn_parquet_metadata *out;
  size_t capacity_groups, capacity_pairs;
  firn_parquet_row_group *groups;
  firn_parquet_key_value *pairs;
  size_t n_ordered;
  const bool *type_ordered; /* by leaf: min_value and max_value follow the order of the type */
} decoder;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the footer");
}

static void read_statistics(firn_thrift_reader *r, stored_chunk *s) {
  firn_parquet_statistics *stats = &s->chunk.statistics;
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        s->old_max = firn_thrift_binary(r, f);
        s->has_old_max = true;
        break;
      case 2:
        s->old_min = firn_thrift_binary(r, f);
        s->has_old_min = true;
        break;
      case 3:
        stats->n_nulls = firn_thrift_i64(r, f);
        break;
      case 5:
        stats->max = firn_thrift_binary(r, f);
        stats->has_max = true;
        break;
      case 6:
        stats->min = firn_thrift_binary(r, f);
        stats->has_min = true;
        break;
      case 7:
        stats->max_exact = firn_thrift_bool(r, f);
        break;
      case 8:
        stats->min_exact = firn_thrift_bool(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
}

static void read_encodings(firn_thrift_reader *r, firn_thrift_field f, firn_parquet_chunk *c) {
  size_t n = firn_thrift_list_begin(r, f, FIRN_THRIFT_I32);
  for (size_t i = 0; i < n && !r->in.bad; i++) {
    int32_t encoding = firn_thrift_i32_element(r);
    if (encoding >= 0 && encoding < ENCODINGS_KNOWN) {
      c->encodings |= UINT32_C(1) << encoding;
    }
  }
}

static void read_codec(int32_t number, firn_parquet_chunk *c) {
  static const struct {
    bool known;
    firn_codec codec;
  } codecs[] = {{true, FIRN_CODEC_NONE},  {true, FIRN_CODEC_SNAPPY}, {true, FIRN_CODEC_GZIP},
                {false, FIRN_CODEC_NONE}, {true, FIRN_CODEC_BROTLI}, {false, FIRN_CODEC_NONE},
                {true, FIRN_CODEC_ZSTD},  {true, FIRN_CODEC_LZ4_RAW}};
  c->codec_number = number;
  c->codec_known = number >= 0 && number < (int32_t)FIRN_COUNT_OF(codecs) && codecs[number].known;
  c->codec = c->codec_known ? codecs[number].codec : FIRN_CODEC_NONE;
}

/* A number that came late to the format: writers have used its field for things of their own. */
static int64_t optional_i64(firn_thrift_reader *r, firn_thrift_field f) {
  if (f.type == FIRN_THRIFT_I32 || f.type == FIRN_THRIFT_I64) {
    return firn_thrift_i64(r, f);
  }
  firn_thrift_skip(r, f.type);
  return 0;
}

static void read_column_metadata(firn_thrift_reader *r, stored_chunk *s) {
  firn_parquet_chunk *c = &s->chunk;
  s->has_metadata = true;
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        s->type = firn_thrift_i32(r, f);
        break;
      case 2:
        read_encodings(r, f, c);
        break;
      case 4:
        read_codec(firn_thrift_i32(r, f), c);
        break;
      case 5:
        c->n_values = firn_thrift_i64(r, f);
        break;
      case 6:
        c->uncompressed_bytes = firn_thrift_i64(r, f);
        break;
      case 7:
        c->compressed_bytes = firn_thrift_i64(r, f);
        break;
      case 9:
        c->data_page_offset = firn_thrift_i64(r, f);
        break;
      case 11:
        c->dictionary_page_offset = firn_thrift_i64(r, f);
        break;
      case 12:
        if (f.type == FIRN_THRIFT_STRUCT) {
          read_statistics(r, s);
          break;
        }
        firn_thrift_skip(r, f.type);
        break;
      case 14:
        c->bloom_filter_offset = optional_i64(r, f);
        break;
      case 15:
        c->bloom_filter_bytes = (int32_t)optional_i64(r, f);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
}

static stored_chunk read_chunk(firn_thrift_reader *r) {
  stored_chunk s = {.chunk = {.codec_known = true, .statistics = {.n_nulls = -1}}, .type = -1};
  firn_parquet_chunk *c = &s.chunk;
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    switch (f.id) {
      case 1:
        if (firn_thrift_binary(r, f).len > 0) {
          c->refused = "lies in another file";
        }
        break;
      case 3:
        if (f.type == FIRN_THRIFT_STRUCT) {
          read_column_metadata(r, &s);
          break;
        }
        firn_thrift_skip(r, f.type);
        break;
      case 4:
        c->offset_index_offset = optional_i64(r, f);
        break;
      case 5:
        c->offset_index_bytes = (int32_t)optional_i64(r, f);
        break;
      case 6:
        c->column_index_offset = optional_i64(r, f);
        break;
      case 7:
        c->column_index_bytes = (int32_t)optional_i64(r, f);
        break;
      case 8:
      case 9:
        c->refused = "is encrypted";
        firn_thrift_skip(r, f.type);
        break;
      default:
        firn_thrift_skip(r, f.type);
        break;
    }
  }
  firn_thrift_struct_end(r);
  return s;
}

static bool fits(int64_t offset, int64_t len, uint64_t end) {
  return offset >= 0 && len >= 0 && (uint64_t)offset <= end && (uint64_t)len <= end - (uint64_t)offset;
}

/* Indexes are a help, not the data: one that cannot be there counts as missing. */
static void check_indexes(firn_parquet_chunk *c, uint64_t end) {
  if (c->offset_index_offset <= 0 || c->offset_index_bytes <= 0 ||
      !fits(c->offset_index_offset, c->offset_index_bytes, end)) {
    c->offset_index_offset = c->offset_index_bytes = 0;
  }
  if (c->column_index_offset <= 0 || c->column_index_bytes <= 0 ||
      !fits(c->column_index_offset, c->column_index_bytes, end)) {
    c->column_index_offset = c->column_index_bytes = 0;
  }
  if (c->bloom_filter_offset <= 0 || c->bloom_filter_bytes < 0 ||
      !fits(c->bloom_filter_offset, c->bloom_filter_bytes, end)) {
    c->bloom_filter_offset = c->bloom_filter_bytes = 0;
  }
}

static firn_status check_chunk(stored_chunk *s, const firn_parquet_node *leaf, uint64_t end,
                               firn_error *err) {
  firn_parquet_chunk *c = &s->chunk;
  c->leaf = leaf;
  if (!s->has_metadata) {
    return c->refused != NULL ? FIRN_OK
                              : firn_error_set(err, FIRN_CORRUPT, "column %s has no metadata", leaf->name);
  }
  if (s->type != (int32_t)leaf->type) {
    return firn_error_set(err, FIRN_CORRUPT, "column %s has type %" PRId32 " where the schema says %s",
                          leaf->name, s->type, firn_parquet_type_name(leaf->type));
  }
  if (c->dictionary_page_offset < 0 || c->data_page_offset < 0 || c->n_values < 0 ||
      c->uncompressed_bytes < 0 || c->compressed_bytes < 0) {
    return firn_error_set(err, FIRN_CORRUPT, "column %s has a negative size", leaf->name);
  }
  bool dictionary_first = c->dictionary_page_offset > 0 && c->dictionary_page_offset < c->data_page_offset;
  c->offset = dictionary_first ? c->dictionary_page_offset : c->data_page_offset;
  if (c->refused == NULL && !fits(c->offset, c->compressed_bytes, end)) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "column %s: %" PRId64 " bytes at %" PRId64 " are not in the file", leaf->name,
                          c->compressed_bytes, c->offset);
  }
  check_indexes(c, end);
  return FIRN_OK;
}

/* Whether a minimum or maximum has the width of its type and is a number. */
static bool is_usable(const firn_parquet_node *leaf, firn_bytes v) {
  size_t width = leaf->type == FIRN_PARQUET_BOOLEAN ? 1 : firn_parquet_stored_width(leaf);
  if (width != 0 && v.len != width) {
    return false;
  }
  if (leaf->type == FIRN_PARQUET_FLOAT) {
    float f;
    memcpy(&f, v.data, sizeof f);
    return !isnan(f);
  }
  if (leaf->type == FIRN_PARQUET_DOUBLE) {
    double d;
    memcpy(&d, v.data, sizeof d);
    return !isnan(d);
  }
  if (leaf->logical == FIRN_LOGICAL_FLOAT16) {
    return (v.data[1] & 0x7C) != 0x7C || ((v.data[1] & 0x03) == 0 && v.data[0] == 0);
  }
  return true;
}

/* The deprecated pair was compared as signed values, and bytes as signed bytes: it may be used where that is
 * the type's order. Bytes are not trusted even where both are equal: parquet-mr before 1.8 kept a buffer that
 * was written again, and so the last value as both (PARQUET-251). Spec: parquet.thrift, Statistics and
 * ColumnOrder. */
static bool old_order_is_right(const firn_parquet_node *leaf) {
  switch (leaf->type) {
    case FIRN_PARQUET_BOOLEAN:
    case FIRN_PARQUET_FLOAT:
    case FIRN_PARQUET_DOUBLE:
      return true;
    case FIRN_PARQUET_INT32:
    case FIRN_PARQUET_INT64:
      return leaf->logical != FIRN_LOGICAL_INTEGER || leaf->is_signed;
    case FIRN_PARQUET_BYTE_ARRAY:
    case FIRN_PARQUET_FIXED_LEN_BYTE_ARRAY:
    case FIRN_PARQUET_INT96:
      break;
  }
  return false;
}

/* Spec: a zero bound of a float may stand for either zero, so a minimum becomes -0.0 and a maximum +0.0. */
static firn_bytes widen_zero(const firn_parquet_node *leaf, firn_bytes v, bool is_min, firn_arena *arena) {
  bool is_float = leaf->type == FIRN_PARQUET_FLOAT || leaf->type == FIRN_PARQUET_DOUBLE ||
                  leaf->logical == FIRN_LOGICAL_FLOAT16;
  if (!is_float || v.len == 0) {
    return firn_arena_copy(arena, v);
  }
  uint8_t sum = v.data[v.len - 1] & 0x7F;
  for (size_t i = 0; i + 1 < v.len; i++) {
    sum |= v.data[i];
  }
  firn_bytes copy = firn_arena_copy(arena, v);
  if (sum == 0 && copy.data != NULL) {
    uint8_t *into = firn_arena_alloc_bytes(arena, v.len);
    if (into == NULL) {
      return (firn_bytes){NULL, 0};
    }
    memset(into, 0, v.len);
    into[v.len - 1] = is_min ? 0x80 : 0;
    copy.data = into;
  }
  return copy;
}

/* Keeps of the statistics what the specification lets a reader trust, copied into the arena. */
static firn_status trust_statistics(stored_chunk *s, bool type_ordered, firn_arena *arena, firn_error *err) {
  firn_parquet_statistics *stats = &s->chunk.statistics;
  const firn_parquet_node *leaf = s->chunk.leaf;
  bool has_order = leaf->type != FIRN_PARQUET_INT96 && leaf->logical != FIRN_LOGICAL_INTERVAL &&
                   leaf->logical != FIRN_LOGICAL_GEOMETRY && leaf->logical != FIRN_LOGICAL_GEOGRAPHY &&
                   leaf->logical != FIRN_LOGICAL_UNKNOWN;
  bool new_pair = stats->has_min || stats->has_max;
  if (!new_pair && s->has_old_min && s->has_old_max && old_order_is_right(leaf)) {
    stats->min = s->old_min;
    stats->max = s->old_max;
    stats->has_min = stats->has_max = true;
  } else if (new_pair && !type_ordered) {
    has_order = false;
  }
  if (stats->n_nulls < 0 || stats->n_nulls > s->chunk.n_values) {
    stats->n_nulls = -1;
  }
  stats->has_min = stats->has_min && has_order && is_usable(leaf, stats->min);
  stats->has_max = stats->has_max && has_order && is_usable(leaf, stats->max);
  stats->min = stats->has_min ? widen_zero(leaf, stats->min, true, arena) : (firn_bytes){NULL, 0};
  stats->max = stats->has_max ? widen_zero(leaf, stats->max, false, arena) : (firn_bytes){NULL, 0};
  if ((stats->has_min && stats->min.data == NULL) || (stats->has_max && stats->max.data == NULL)) {
    return no_memory(err);
  }
  return FIRN_OK;
}

static firn_status read_chunks(decoder *d, firn_thrift_field f, firn_parquet_row_group *group,
                               firn_error *err) {
  uint32_t n_leaves = d->out->n_leaves;
  size_t n = firn_thrift_list_begin(&d->in, f, FIRN_THRIFT_STRUCT);
  if (d->in.in.bad || n != n_leaves || group->chunks != NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "%zu column chunks for %" PRIu32 " columns", n, n_leaves);
  }
  firn_parquet_chunk *chunks = firn_new_n(d->arena, firn_parquet_chunk, n);
  if (chunks == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    stored_chunk s = read_chunk(&d->in);
    if (d->in.in.bad) {
      return firn_error_set(err, FIRN_CORRUPT, "column chunk %zu ends early", i);
    }
    FIRN_TRY(check_chunk(&s, d->out->leaves[i], d->data_end, err));
    FIRN_TRY(trust_statistics(&s, i < d->n_ordered && d->type_ordered[i], d->arena, err));
    chunks[i] = s.chunk;
  }
  group->chunks = chunks;
  return FIRN_OK;
}

static firn_status read_row_group(decoder *d, firn_parquet_row_group *group, firn_error *err) {
  *group = (firn_parquet_row_group){.n_rows = -1, .first_row = d->out->n_rows};
  firn_thrift_struct_begin(&d->in);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&d->in, &f);) {
    switch (f.id) {
      case 1:
        FIRN_TRY(read_chunks(d, f, group, err));
        break;
      case 2:
        group->total_bytes = firn_thrift_i64(&d->in, f);
        break;
      case 3:
        group->n_rows = firn_thrift_i64(&d->in, f);
        break;
      default:
        firn_thrift_skip(&d->in, f.type);
        break;
    }
  }
  firn_thrift_struct_end(&d->in);
  if (d->in.in.bad || group->n_rows < 0 || (group->chunks == NULL && d->out->n_leaves > 0)) {
    return firn_error_set(err, FIRN_CORRUPT, "not a row group");
  }
  if (__builtin_add_overflow(d->out->n_rows, group->n_rows, &d->out->n_rows)) {
    return firn_error_set(err, FIRN_CORRUPT, "more rows than can be counted");
  }
  return FIRN_OK;
}

static firn_status read_row_groups(decoder *d, firn_thrift_field f, firn_error *err) {
  if (d->out->root == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "row groups stand before the schema");
  }
  size_t n = firn_thrift_list_begin(&d->in, f, FIRN_THRIFT_STRUCT);
  for (size_t i = 0; i < n && !d->in.in.bad; i++) {
    firn_parquet_row_group *groups =
        firn_arena_grow(d->arena, d->groups, i, &d->capacity_groups, sizeof *groups);
    if (groups == NULL) {
      return no_memory(err);
    }
    d->groups = groups;
    firn_status status = read_row_group(d, &groups[i], err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "row group %zu", i);
    }
    d->out->n_row_groups = i + 1;
  }
  d->out->row_groups = d->groups;
  return FIRN_OK;
}

static firn_status read_key_values(decoder *d, firn_thrift_field list, firn_error *err) {
  size_t n = firn_thrift_list_begin(&d->in, list, FIRN_THRIFT_STRUCT);
  for (size_t i = 0; i < n && !d->in.in.bad; i++) {
    firn_parquet_key_value *pairs = firn_arena_grow(d->arena, d->pairs, i, &d->capacity_pairs, sizeof *pairs);
    if (pairs == NULL) {
      return no_memory(err);
    }
    d->pairs = pairs;
    firn_bytes key = {NULL, 0};
    firn_bytes value = {NULL, 0};
    firn_thrift_struct_begin(&d->in);
    for (firn_thrift_field f = {0}; firn_thrift_field_next(&d->in, &f);) {
      switch (f.id) {
        case 1:
          key = firn_thrift_binary(&d->in, f);
          break;
        case 2:
          value = firn_thrift_binary(&d->in, f);
          break;
        default:
          firn_thrift_skip(&d->in, f.type);
          break;
      }
    }
    firn_thrift_struct_end(&d->in);
    pairs[i] = (firn_parquet_key_value){firn_arena_copy(d->arena, key), firn_arena_copy(d->arena, value)};
    if (pairs[i].key.data == NULL || pairs[i].value.data == NULL) {
      return no_memory(err);
    }
    d->out->n_key_values = i + 1;
  }
  d->out->key_values = d->pairs;
  return FIRN_OK;
}

/* ColumnOrders stand behind the row groups that need them, so they are looked for first. A fault is left for
 * the second pass to find. */
static firn_status find_orders(decoder *d, firn_bytes footer, firn_error *err) {
  firn_thrift_reader r = firn_thrift_reader_over(footer);
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    if (f.id != 7 || f.type != FIRN_THRIFT_LIST) {
      firn_thrift_skip(&r, f.type);
      continue;
    }
    size_t n = firn_thrift_list_begin(&r, f, FIRN_THRIFT_STRUCT);
    bool *ordered = firn_new_n(d->arena, bool, n);
    if (ordered == NULL) {
      return no_memory(err);
    }
    for (size_t i = 0; i < n && !r.in.bad; i++) {
      firn_thrift_struct_begin(&r);
      for (firn_thrift_field order = {0}; firn_thrift_field_next(&r, &order);) {
        ordered[i] = ordered[i] || order.id == 1; /* TYPE_ORDER */
        firn_thrift_skip(&r, order.type);
      }
      firn_thrift_struct_end(&r);
    }
    d->type_ordered = ordered;
    d->n_ordered = n;
    d->out->type_ordered = ordered;
    d->out->n_ordered = n;
  }
  return FIRN_OK;
}

/* parquet-mr before 1.2.9 left the head of the dictionary page out of a chunk's sizes (IMPALA-694). */
static bool counts_no_dictionary_heads(firn_bytes created_by) {
  static const char name[] = "parquet-mr";
  static const char version[] = "parquet-mr version 1.";
  if (!firn_bytes_has_prefix(created_by, firn_bytes_of(name)) || created_by.len == sizeof name - 1) {
    return created_by.len == sizeof name - 1 && firn_bytes_is(created_by, name);
  }
  if (!firn_bytes_has_prefix(created_by, firn_bytes_of(version))) {
    return false;
  }
  const uint8_t *minor = created_by.data + sizeof version - 1;
  size_t left = created_by.len - (sizeof version - 1);
  bool one_digit = left >= 2 && minor[1] == '.';
  return one_digit && (minor[0] < '2' || (minor[0] == '2' && left >= 3 && minor[2] < '9' &&
                                          (left == 3 || minor[3] < '0' || minor[3] > '9')));
}

/* Gives every chunk room for a head that was not counted. Reading ends with the last value, so a little too
 * much does no harm. */
static void lengthen_chunks(decoder *d) {
  enum { HEAD_MAX = 100 };
  for (size_t g = 0; g < d->out->n_row_groups; g++) {
    /* The arena's own memory, const only for those who come later. */
    firn_parquet_chunk *chunks = (firn_parquet_chunk *)(uintptr_t)d->groups[g].chunks;
    for (uint32_t i = 0; i < d->out->n_leaves; i++) {
      firn_parquet_chunk *c = &chunks[i];
      int64_t left = (int64_t)d->data_end - c->offset - c->compressed_bytes;
      c->compressed_bytes += left < HEAD_MAX ? (left < 0 ? 0 : left) : HEAD_MAX;
      c->uncompressed_bytes += HEAD_MAX;
    }
  }
}

static firn_status read_footer(decoder *d, firn_error *err) {
  int64_t n_rows = -1;
  firn_thrift_struct_begin(&d->in);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&d->in, &f);) {
    switch (f.id) {
      case 1:
        d->out->version = firn_thrift_i32(&d->in, f);
        break;
      case 2:
        if (d->out->root != NULL) {
          return firn_error_set(err, FIRN_CORRUPT, "two schemas");
        }
        FIRN_TRY(firn_parquet_tree_read(&d->in, f, d->arena, d->out, err));
        FIRN_TRY(firn_parquet_schema_of(d->out->root, d->arena, &d->out->schema, err));
        break;
      case 3:
        n_rows = firn_thrift_i64(&d->in, f);
        break;
      case 4:
        FIRN_TRY(read_row_groups(d, f, err));
        break;
      case 5:
        FIRN_TRY(read_key_values(d, f, err));
        break;
      case 6:
        d->out->created_by = firn_arena_copy(d->arena, firn_thrift_binary(&d->in, f));
        if (d->out->created_by.data == NULL) {
          return no_memory(err);
        }
        break;
      default:
        firn_thrift_skip(&d->in, f.type);
        break;
    }
  }
  firn_thrift_struct_end(&d->in);
  if (d->in.in.bad || d->out->root == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "%s",
                          d->in.in.bad ? "the thrift structures are broken" : "no schema");
  }
  if (counts_no_dictionary_heads(d->out->created_by)) {
    lengthen_chunks(d);
  }
  if (n_rows != d->out->n_rows) {
    return firn_error_set(err, FIRN_CORRUPT, "%" PRId64 " rows are claimed, the row groups have %" PRId64,
                          n_rows, d->out->n_rows);
  }
  return FIRN_OK;
}

firn_status firn_parquet_metadata_read(firn_bytes footer, uint64_t file_bytes, firn_arena *arena,
                                       const firn_parquet_metadata **out, firn_error *err) {
  firn_parquet_metadata *metadata = firn_new(arena, firn_parquet_metadata);
  if (metadata == NULL) {
    return no_memory(err);
  }
  decoder d = {.in = firn_thrift_reader_over(footer),
               .data_end = file_bytes > footer.len ? file_bytes - footer.len : 0,
               .arena = arena,
               .out = metadata};
  FIRN_TRY(find_orders(&d, footer, err));
  FIRN_TRY(read_footer(&d, err));
  *out = metadata;
  return FIRN_OK;
}
