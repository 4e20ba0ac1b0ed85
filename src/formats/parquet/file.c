#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "formats/parquet/bloom_internal.h"
#include "formats/parquet/file_internal.h"
#include "formats/thrift/thrift.h"

enum {
  TAIL_DEFAULT = 64 << 10,
  FOOTER_MAX_DEFAULT = 256 << 20,
  MAGIC_BYTES = 4,
  TRAILER_BYTES = 8, /* length of the footer, magic */
  BLOOM_HEAD_BYTES = 256,
};

static firn_status read_bytes(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                              firn_error *err) {
  const firn_bytes *file = self;
  (void)ctx;
  for (size_t i = 0; i < n; i++) {
    if (ranges[i].offset > file->len || ranges[i].len > file->len - ranges[i].offset) {
      return firn_error_set(err, FIRN_IO, "bytes beyond the end at %" PRIu64, ranges[i].offset);
    }
    if (ranges[i].len > 0) {
      memcpy(ranges[i].into, file->data + ranges[i].offset, ranges[i].len);
    }
  }
  return FIRN_OK;
}

firn_parquet_source firn_parquet_source_over(const firn_bytes *file) {
  return (firn_parquet_source){.read = read_bytes, .self = (void *)(uintptr_t)file, .size_bytes = file->len};
}

static bool in_tail(const firn_parquet_file *f, const firn_parquet_range *r) {
  return r->offset >= f->tail_offset && r->len <= f->tail.len &&
         r->offset - f->tail_offset <= f->tail.len - r->len;
}

firn_status firn_parquet_file_fetch(const firn_parquet_file *f, firn_ctx *ctx, firn_parquet_range *ranges,
                                    size_t n, firn_error *err) {
  size_t n_left = 0; /* those that the tail does not have move to the front */
  for (size_t i = 0; i < n; i++) {
    firn_parquet_range r = ranges[i];
    if (!in_tail(f, &r)) {
      ranges[i] = ranges[n_left];
      ranges[n_left++] = r;
    } else if (r.len > 0) {
      memcpy(r.into, f->tail.data + (r.offset - f->tail_offset), r.len);
    }
  }
  return n_left == 0 ? FIRN_OK : f->source.read(f->source.self, ctx, ranges, n_left, err);
}

/* Makes the last `len` bytes of the file the tail. */
static firn_status read_tail(firn_parquet_file *f, firn_ctx *ctx, size_t len, firn_error *err) {
  uint8_t *into = firn_arena_alloc_bytes(&f->arena, len);
  if (into == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the last %zu bytes", len);
  }
  firn_parquet_range range = {.offset = f->source.size_bytes - len, .len = len, .into = into};
  FIRN_TRY(f->source.read(f->source.self, ctx, &range, 1, err));
  f->tail = (firn_bytes){into, len};
  f->tail_offset = f->source.size_bytes - len;
  return FIRN_OK;
}

static firn_status footer_size(const firn_parquet_file *f, size_t max_bytes, size_t *out, firn_error *err) {
  firn_bytes trailer = firn_bytes_part(f->tail, f->tail.len - TRAILER_BYTES, TRAILER_BYTES);
  firn_cursor c = firn_cursor_over(trailer);
  uint64_t size = firn_cursor_u32le(&c);
  firn_bytes magic = firn_cursor_take(&c, MAGIC_BYTES);
  if (firn_bytes_is(magic, "PARE")) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "the footer is encrypted");
  }
  if (!firn_bytes_is(magic, "PAR1")) {
    return firn_error_set(err, FIRN_CORRUPT, "not a Parquet file: it does not end with PAR1");
  }
  if (size > f->source.size_bytes - TRAILER_BYTES - MAGIC_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "a footer of %" PRIu64 " bytes in a file of %" PRIu64, size,
                          f->source.size_bytes);
  }
  if (size > max_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "a footer of %" PRIu64 " bytes; %zu are the most", size,
                          max_bytes);
  }
  *out = (size_t)size;
  return FIRN_OK;
}

static firn_status read_footer(firn_parquet_file *f, firn_ctx *ctx, size_t tail_bytes, size_t max_bytes,
                               firn_error *err) {
  uint64_t file_bytes = f->source.size_bytes;
  if (file_bytes < TRAILER_BYTES + MAGIC_BYTES) {
    return firn_error_set(err, FIRN_CORRUPT, "%" PRIu64 " bytes are too few for a Parquet file", file_bytes);
  }
  tail_bytes = tail_bytes < TRAILER_BYTES ? TRAILER_BYTES : tail_bytes;
  FIRN_TRY(read_tail(f, ctx, tail_bytes < file_bytes ? tail_bytes : (size_t)file_bytes, err));
  size_t size = 0;
  FIRN_TRY(footer_size(f, max_bytes, &size, err));
  if (size > f->tail.len - TRAILER_BYTES) {
    FIRN_TRY(read_tail(f, ctx, size + TRAILER_BYTES, err));
  }
  firn_bytes footer = firn_bytes_part(f->tail, f->tail.len - TRAILER_BYTES - size, size);
  firn_status status =
      firn_parquet_metadata_read(footer, file_bytes - TRAILER_BYTES, &f->arena, &f->metadata, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "footer");
}

firn_status firn_parquet_file_open(firn_parquet_source source, firn_ctx *ctx, size_t tail_bytes,
                                   size_t max_footer_bytes, firn_parquet_file **out, firn_error *err) {
  FIRN_AUTO_PARQUET_FILE *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a file");
  }
  f->source = source;
  FIRN_TRY(read_footer(f, ctx, tail_bytes == 0 ? TAIL_DEFAULT : tail_bytes,
                       max_footer_bytes == 0 ? FOOTER_MAX_DEFAULT : max_footer_bytes, err));
  *out = FIRN_HAND_OVER(f);
  return FIRN_OK;
}

const firn_parquet_metadata *firn_parquet_file_metadata(const firn_parquet_file *f) {
  return f->metadata;
}

size_t firn_parquet_file_memory(const firn_parquet_file *f) {
  return sizeof *f + f->arena.used_bytes;
}

void firn_parquet_file_close(firn_parquet_file *f) {
  if (f != NULL) {
    firn_arena_free(&f->arena);
    firn_free(f);
  }
}

void firn_parquet_file_close_pointer(firn_parquet_file **f) {
  firn_parquet_file_close(*f);
}

static firn_status find_chunk(const firn_parquet_file *f, size_t row_group, uint32_t leaf,
                              const firn_parquet_chunk **out, firn_error *err) {
  if (row_group >= f->metadata->n_row_groups || leaf >= f->metadata->n_leaves) {
    return firn_error_set(err, FIRN_INVALID, "no column %" PRIu32 " in row group %zu", leaf, row_group);
  }
  *out = &f->metadata->row_groups[row_group].chunks[leaf];
  return FIRN_OK;
}

/* A run of the file, in the tail or read into `arena`. */
static firn_status fetch_run(const firn_parquet_file *f, firn_ctx *ctx, int64_t offset, size_t len,
                             firn_arena *arena, firn_bytes *out, firn_error *err) {
  firn_parquet_range range = {.offset = (uint64_t)offset, .len = len};
  if (in_tail(f, &range)) {
    *out = firn_bytes_part(f->tail, (size_t)(range.offset - f->tail_offset), len);
    return FIRN_OK;
  }
  range.into = firn_arena_alloc_bytes(arena, len);
  if (range.into == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an index of %zu bytes", len);
  }
  FIRN_TRY(firn_parquet_file_fetch(f, ctx, &range, 1, err));
  *out = (firn_bytes){range.into, len};
  return FIRN_OK;
}

firn_status firn_parquet_file_offset_index(const firn_parquet_file *f, firn_ctx *ctx, size_t row_group,
                                           uint32_t leaf, firn_arena *arena, firn_parquet_offset_index *out,
                                           firn_error *err) {
  const firn_parquet_chunk *chunk = NULL;
  firn_bytes in;
  FIRN_TRY(find_chunk(f, row_group, leaf, &chunk, err));
  const firn_parquet_offset_index *kept = firn_parquet_file_kept_index(f, row_group, leaf);
  if (kept != NULL) {
    *out = *kept;
    return FIRN_OK;
  }
  if (chunk->offset_index_offset == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "column %s has no offset index", chunk->leaf->name);
  }
  FIRN_TRY(fetch_run(f, ctx, chunk->offset_index_offset, (size_t)chunk->offset_index_bytes, arena, &in, err));
  return firn_parquet_offset_index_read(in, f->metadata->row_groups[row_group].n_rows, f->source.size_bytes,
                                        arena, out, err);
}

const firn_parquet_offset_index *firn_parquet_file_kept_index(const firn_parquet_file *f, size_t row_group,
                                                              uint32_t leaf) {
  bool is_kept = f->kept != NULL && row_group < f->metadata->n_row_groups && leaf < f->metadata->n_leaves &&
                 f->kept[leaf] != NULL && f->kept[leaf][row_group].n_pages > 0;
  return is_kept ? &f->kept[leaf][row_group] : NULL;
}

firn_status firn_parquet_file_keep_index(firn_parquet_file *f, firn_ctx *ctx, uint32_t leaf,
                                         firn_error *err) {
  size_t n = f->metadata->n_row_groups;
  if (leaf >= f->metadata->n_leaves) {
    return firn_error_set(err, FIRN_INVALID, "no column %" PRIu32, leaf);
  }
  if (f->kept == NULL) {
    f->kept = firn_new_n(&f->arena, firn_parquet_offset_index *, f->metadata->n_leaves);
  }
  firn_parquet_offset_index *indexes = firn_new_n(&f->arena, firn_parquet_offset_index, n);
  if (f->kept == NULL || indexes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for indexes");
  }
  for (size_t g = 0; g < n; g++) {
    FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
    firn_parquet_offset_index decoded = {0};
    firn_status status = firn_parquet_file_offset_index(f, ctx, g, leaf, &scratch, &decoded, err);
    if (status == FIRN_NOT_FOUND || status == FIRN_CORRUPT) {
      continue;
    }
    FIRN_TRY(status);
    firn_parquet_page_location *pages = firn_new_n(&f->arena, firn_parquet_page_location, decoded.n_pages);
    if (pages == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu pages", decoded.n_pages);
    }
    if (decoded.n_pages > 0) {
      memcpy(pages, decoded.pages, decoded.n_pages * sizeof *pages);
    }
    indexes[g] = (firn_parquet_offset_index){.n_pages = decoded.n_pages, .pages = pages};
  }
  f->kept[leaf] = indexes;
  return FIRN_OK;
}

firn_status firn_parquet_file_column_index(const firn_parquet_file *f, firn_ctx *ctx, size_t row_group,
                                           uint32_t leaf, firn_arena *arena, firn_parquet_column_index *out,
                                           firn_error *err) {
  const firn_parquet_chunk *chunk = NULL;
  firn_bytes in;
  FIRN_TRY(find_chunk(f, row_group, leaf, &chunk, err));
  if (chunk->column_index_offset == 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "column %s has no column index", chunk->leaf->name);
  }
  FIRN_TRY(fetch_run(f, ctx, chunk->column_index_offset, (size_t)chunk->column_index_bytes, arena, &in, err));
  return firn_parquet_column_index_read(in, arena, out, err);
}

/* Bytes of a bloom filter's bits, from its head; 0 when it is of a kind that we do not know. `*head` gets the
 * length of the head. Spec: BloomFilter.md, parquet.thrift: BloomFilterHeader. */
static uint32_t read_bloom_head(firn_bytes in, size_t *head) {
  firn_thrift_reader r = firn_thrift_reader_over(in);
  int32_t n_bytes = 0;
  bool known[3] = {false, false, false}; /* algorithm, hash, compression: the first member of each union */
  firn_thrift_struct_begin(&r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
    if (f.id == 1) {
      n_bytes = firn_thrift_i32(&r, f);
    } else if (f.id >= 2 && f.id <= 4 && f.type == FIRN_THRIFT_STRUCT) {
      firn_thrift_struct_begin(&r);
      for (firn_thrift_field member = {0}; firn_thrift_field_next(&r, &member);) {
        known[f.id - 2] = member.id == 1;
        firn_thrift_skip(&r, member.type);
      }
      firn_thrift_struct_end(&r);
    } else {
      firn_thrift_skip(&r, f.type);
    }
  }
  *head = firn_cursor_offset(&r.in);
  bool usable = !r.in.bad && known[0] && known[1] && known[2];
  return usable && n_bytes >= FIRN_BLOOM_BLOCK && n_bytes % FIRN_BLOOM_BLOCK == 0 ? (uint32_t)n_bytes : 0;
}

firn_status firn_parquet_file_may_contain(const firn_parquet_file *f, firn_ctx *ctx, size_t row_group,
                                          uint32_t leaf, firn_bytes value, bool *out, firn_error *err) {
  const firn_parquet_chunk *chunk = NULL;
  FIRN_TRY(find_chunk(f, row_group, leaf, &chunk, err));
  *out = true;
  if (chunk->bloom_filter_offset == 0) {
    return FIRN_OK;
  }
  uint64_t at = (uint64_t)chunk->bloom_filter_offset;
  uint8_t buffer[BLOOM_HEAD_BYTES];
  size_t len =
      sizeof buffer < f->source.size_bytes - at ? sizeof buffer : (size_t)(f->source.size_bytes - at);
  firn_parquet_range range = {.offset = at, .len = len, .into = buffer};
  FIRN_TRY(firn_parquet_file_fetch(f, ctx, &range, 1, err));
  size_t head = 0;
  uint64_t n_bytes = read_bloom_head((firn_bytes){buffer, len}, &head);
  if (n_bytes == 0 || n_bytes + head > f->source.size_bytes - at) {
    return FIRN_OK; /* a filter that cannot be used admits everything */
  }
  uint64_t hash = firn_bloom_hash(value);
  uint64_t block = ((hash >> 32) * (n_bytes / FIRN_BLOOM_BLOCK)) >> 32;
  range = (firn_parquet_range){
      .offset = at + head + block * FIRN_BLOOM_BLOCK, .len = FIRN_BLOOM_BLOCK, .into = buffer};
  FIRN_TRY(firn_parquet_file_fetch(f, ctx, &range, 1, err));
  *out = firn_bloom_may_contain(buffer, FIRN_BLOOM_BLOCK, hash); /* a filter of its one block */
  return FIRN_OK;
}
