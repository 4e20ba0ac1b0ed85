#include "formats/parquet/writer.h"

#include <assert.h>

#include "base/alloc.h"
#include "formats/parquet/chunk_internal.h"

enum {
  DEFAULT_PAGE_BYTES = 1 << 20,
  DEFAULT_PAGE_ROWS = 20000,
  DEFAULT_ROW_GROUP_BYTES = 128 << 20,
  DEFAULT_ROW_GROUP_ROWS = 1 << 20,
  DEFAULT_DICTIONARY_BYTES = 1 << 20,
  DEFAULT_FOOTER_BYTES = 8 << 20,
  SLICE_ROWS = 32768, /* rows that go through one leaf after the other: many, so that its dictionary is
                         fetched into the cache seldom */
  ENTRY_BYTES = 160,  /* of a chunk in the footer, without names and bounds */
};

#ifndef FIRN_BUILD
#define FIRN_BUILD "0"
#endif

static const char magic[] = {'P', 'A', 'R', '1'};

typedef struct shared_compressor {
  firn_codec codec;
  int level;
  firn_compressor *compressor;
} shared_compressor;

struct firn_parquet_writer {
  firn_arena arena; /* schema, options, what the footer will say */
  firn_field schema;
  firn_parquet_writer_options options;
  firn_parquet_sink sink;
  const firn_leaf_path *paths;
  firn_footer_parts footer; /* row_groups is `groups` */
  firn_row_group_entry *groups;
  size_t groups_capacity;
  size_t footer_bytes; /* an estimate that is not too small */

  firn_shredder shredder;
  firn_chunk_scratch scratch;
  firn_chunk_writer *chunks;
  uint32_t n_chunks;
  shared_compressor *compressors;
  size_t n_compressors;

  uint64_t written_bytes;
  size_t group_rows, slice_rows;
  int64_t n_rows;
  /* They stand at the end of the file. */
  firn_builder blooms, column_indexes, offset_indexes;
  bool failed; /* the file is void */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a Parquet writer");
}

static void set_defaults(firn_parquet_writer_options *o) {
  o->page_bytes = o->page_bytes == 0 ? DEFAULT_PAGE_BYTES : o->page_bytes;
  o->page_rows = o->page_rows == 0 ? DEFAULT_PAGE_ROWS : o->page_rows;
  o->row_group_bytes = o->row_group_bytes == 0 ? DEFAULT_ROW_GROUP_BYTES : o->row_group_bytes;
  o->row_group_rows = o->row_group_rows == 0 ? DEFAULT_ROW_GROUP_ROWS : o->row_group_rows;
  o->dictionary_bytes = o->dictionary_bytes == 0 ? DEFAULT_DICTIONARY_BYTES : o->dictionary_bytes;
  o->footer_bytes = o->footer_bytes == 0 ? DEFAULT_FOOTER_BYTES : o->footer_bytes;
}

static firn_status copy_key_values(firn_parquet_writer *w, firn_error *err) {
  size_t n = w->options.n_key_values;
  firn_parquet_key_value *copies = firn_new_n(&w->arena, firn_parquet_key_value, n);
  if (copies == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    copies[i].key = firn_arena_copy(&w->arena, w->options.key_values[i].key);
    copies[i].value = firn_arena_copy(&w->arena, w->options.key_values[i].value);
    if (copies[i].key.data == NULL || copies[i].value.data == NULL) {
      return no_memory(err);
    }
  }
  w->footer.key_values = copies;
  w->footer.n_key_values = n;
  return FIRN_OK;
}

static firn_status copy_schema(firn_parquet_writer *w, const firn_field *schema, firn_error *err) {
  const firn_parquet_node *const *leaves;
  const char *created_by = w->options.created_by;
  FIRN_TRY(firn_field_copy(schema, &w->arena, &w->schema, err));
  FIRN_TRY(firn_parquet_nodes_of(&w->schema, &w->arena, &w->footer.root, &w->footer.n_leaves, &leaves, err));
  FIRN_TRY(firn_leaf_paths_of(&w->schema, leaves, w->footer.n_leaves, &w->arena, &w->paths, err));
  if (created_by == NULL) {
    created_by = "firn version " FIRN_VERSION " (build " FIRN_BUILD ")";
  }
  w->footer.created_by = firn_arena_text(&w->arena, firn_bytes_of(created_by));
  if (w->footer.created_by == NULL) {
    return no_memory(err);
  }
  w->footer.paths = w->paths;
  return copy_key_values(w, err);
}

static const firn_parquet_column_options *options_of(const firn_parquet_writer *w, const char *path) {
  for (size_t i = 0; i < w->options.n_columns; i++) {
    if (strcmp(w->options.columns[i].path, path) == 0) {
      return &w->options.columns[i];
    }
  }
  return NULL;
}

/* Options for a column that is not there are a mistake that should be heard of. */
static firn_status check_columns(const firn_parquet_writer *w, firn_error *err) {
  for (size_t i = 0; i < w->options.n_columns; i++) {
    bool found = false;
    for (uint32_t k = 0; k < w->footer.n_leaves; k++) {
      found = found || strcmp(w->paths[k].dotted, w->options.columns[i].path) == 0;
    }
    if (!found) {
      return firn_error_set(err, FIRN_INVALID, "there is no column %s to set options for",
                            w->options.columns[i].path);
    }
  }
  return FIRN_OK;
}

/* One compressor serves all leaves of a codec and level: it may hold megabytes. */
static firn_status compressor_for(firn_parquet_writer *w, firn_codec codec, int level, firn_compressor **out,
                                  firn_error *err) {
  if ((unsigned)codec >= FIRN_CODEC_COUNT || firn_parquet_codec_number(codec) < 0) {
    return firn_error_set(err, FIRN_INVALID, "Parquet has no codec %s",
                          firn_codec_name(codec) == NULL ? "of that number" : firn_codec_name(codec));
  }
  *out = NULL;
  if (codec == FIRN_CODEC_NONE) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < w->n_compressors; i++) {
    if (w->compressors[i].codec == codec && w->compressors[i].level == level) {
      *out = w->compressors[i].compressor;
      return FIRN_OK;
    }
  }
  shared_compressor *c = &w->compressors[w->n_compressors];
  FIRN_TRY(firn_compressor_new(codec, level, &c->compressor, err));
  c->codec = codec;
  c->level = level;
  w->n_compressors++;
  *out = c->compressor;
  return FIRN_OK;
}

static firn_status open_chunk(firn_parquet_writer *w, uint32_t leaf, firn_error *err) {
  const firn_parquet_writer_options *o = &w->options;
  const firn_parquet_column_options *own = options_of(w, w->paths[leaf].dotted);
  static const firn_parquet_column_options none = {0};
  own = own == NULL ? &none : own;
  firn_chunk_settings s = {.page_bytes = own->page_bytes == 0 ? o->page_bytes : own->page_bytes,
                           .page_rows = o->page_rows,
                           .dictionary_bytes = o->dictionary_bytes,
                           .try_dictionary = own->dictionary == FIRN_DICTIONARY_AUTO,
                           .skip_incompressible = o->skip_incompressible,
                           .bloom_filter = own->bloom_filter,
                           .bloom_fpp = own->bloom_fpp,
                           .bounds = own->bounds,
                           .codec = own->has_codec ? own->codec : o->codec};
  firn_status status = compressor_for(w, s.codec, own->has_codec ? own->level : o->level, &s.compressor, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", w->paths[leaf].dotted);
  }
  if (s.bloom_filter && w->paths[leaf].leaf->type == FIRN_PARQUET_BOOLEAN) {
    return firn_error_set(err, FIRN_INVALID, "%s: Parquet has no bloom filters of booleans",
                          w->paths[leaf].dotted);
  }
  firn_chunk_init(&w->chunks[leaf], &w->paths[leaf], &s, &w->scratch);
  return FIRN_OK;
}

/* What the footer takes without row groups. */
static firn_status measure_footer(firn_parquet_writer *w, firn_error *err) {
  FIRN_AUTO_BUILDER footer = FIRN_BUILDER_INIT(0);
  firn_bytes made;
  firn_encode_footer(&w->footer, &footer);
  FIRN_TRY(firn_builder_finish(&footer, &made, err));
  w->footer_bytes = made.len;
  return FIRN_OK;
}

/* What a row group adds to it; of the next one, which is not known yet, the most. */
static size_t row_group_entry_bytes(const firn_parquet_writer *w, const firn_chunk_entry *chunks) {
  size_t sum = 64;
  for (uint32_t i = 0; i < w->footer.n_leaves; i++) {
    sum += ENTRY_BYTES + strlen(w->paths[i].dotted) + w->paths[i].n_names;
    sum += chunks == NULL ? 2 * FIRN_BOUND_ROOM
                          : chunks[i].chunk.statistics.min.len + chunks[i].chunk.statistics.max.len;
  }
  return sum;
}

static firn_status open_writer(firn_parquet_writer *w, const firn_field *schema, firn_error *err) {
  set_defaults(&w->options);
  FIRN_TRY(copy_schema(w, schema, err));
  FIRN_TRY(check_columns(w, err));
  w->compressors = firn_new_n(&w->arena, shared_compressor, w->footer.n_leaves);
  w->chunks = firn_new_n(&w->arena, firn_chunk_writer, w->footer.n_leaves);
  if (w->compressors == NULL || w->chunks == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < w->footer.n_leaves; i++) {
    FIRN_TRY(open_chunk(w, i, err));
    w->n_chunks++;
  }
  /* Borrowed from the caller; all that matters of them has been copied. */
  w->options.columns = NULL;
  w->options.key_values = NULL;
  w->options.created_by = NULL;
  return measure_footer(w, err);
}

firn_status firn_parquet_writer_open(const firn_field *schema, const firn_parquet_writer_options *options,
                                     firn_parquet_sink sink, firn_parquet_writer **out, firn_error *err) {
  FIRN_AUTO_PARQUET_WRITER *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return no_memory(err);
  }
  w->sink = sink;
  w->slice_rows = SLICE_ROWS;
  if (options != NULL) {
    w->options = *options;
  }
  FIRN_TRY(open_writer(w, schema, err));
  *out = FIRN_HAND_OVER(w);
  return FIRN_OK;
}

void firn_parquet_writer_close(firn_parquet_writer *w) {
  if (w == NULL) {
    return;
  }
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    firn_chunk_free(&w->chunks[i]);
  }
  for (size_t i = 0; i < w->n_compressors; i++) {
    firn_compressor_free(w->compressors[i].compressor);
  }
  firn_shredder_free(&w->shredder);
  firn_chunk_scratch_free(&w->scratch);
  firn_builder_free(&w->blooms);
  firn_builder_free(&w->column_indexes);
  firn_builder_free(&w->offset_indexes);
  firn_arena_free(&w->arena);
  firn_free(w);
}

void firn_parquet_writer_close_pointer(firn_parquet_writer **w) {
  firn_parquet_writer_close(*w);
}

static firn_status put(firn_parquet_writer *w, firn_bytes data, firn_error *err) {
  if (data.len == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(w->sink.write(w->sink.self, data, err));
  w->written_bytes += data.len;
  return FIRN_OK;
}

static firn_status put_magic_first(firn_parquet_writer *w, firn_error *err) {
  if (w->written_bytes > 0) {
    return FIRN_OK;
  }
  return put(w, (firn_bytes){(const uint8_t *)magic, sizeof magic}, err);
}

static firn_status keep_bounds(firn_parquet_writer *w, firn_parquet_statistics *s, firn_error *err) {
  if (s->has_min) {
    s->min = firn_arena_copy(&w->arena, s->min);
  }
  if (s->has_max) {
    s->max = firn_arena_copy(&w->arena, s->max);
  }
  if ((s->has_min && s->min.data == NULL) || (s->has_max && s->max.data == NULL)) {
    return no_memory(err);
  }
  return FIRN_OK;
}

/* Offsets of what stands at the end of the file count from the start of each kind until that is known. */
static firn_status write_chunk(firn_parquet_writer *w, firn_chunk_writer *c, bool more_comes,
                               firn_chunk_entry *e, firn_error *err) {
  int64_t offset = (int64_t)w->written_bytes;
  FIRN_TRY(firn_chunk_finish(c, err));
  FIRN_TRY(firn_chunk_write(c, w->sink, offset, e, err));
  w->written_bytes += (uint64_t)e->chunk.compressed_bytes;
  FIRN_TRY(keep_bounds(w, &e->chunk.statistics, err));
  size_t columns = w->column_indexes.len, offsets = w->offset_indexes.len, blooms = w->blooms.len;
  FIRN_TRY(firn_chunk_indexes(c, offset, &w->column_indexes, &w->offset_indexes, err));
  FIRN_TRY(firn_chunk_bloom(c, &w->blooms, err));
  e->chunk.column_index_offset = (int64_t)columns;
  e->chunk.column_index_bytes = (int32_t)(w->column_indexes.len - columns);
  e->chunk.offset_index_offset = (int64_t)offsets;
  e->chunk.offset_index_bytes = (int32_t)(w->offset_indexes.len - offsets);
  e->chunk.bloom_filter_offset = (int64_t)blooms;
  e->chunk.bloom_filter_bytes = (int32_t)(w->blooms.len - blooms);
  firn_chunk_reset(c, more_comes);
  return FIRN_OK;
}

/* `more_comes`: the next row group follows at once and may have the memory of this one. */
static firn_status write_row_group(firn_parquet_writer *w, bool more_comes, firn_error *err) {
  if (w->group_rows == 0) {
    return FIRN_OK;
  }
  FIRN_TRY(put_magic_first(w, err));
  firn_row_group_entry *groups =
      firn_arena_grow(&w->arena, w->groups, w->footer.n_row_groups, &w->groups_capacity, sizeof *groups);
  firn_chunk_entry *chunks = firn_new_n(&w->arena, firn_chunk_entry, w->footer.n_leaves);
  if (groups == NULL || chunks == NULL) {
    return no_memory(err);
  }
  w->groups = groups;
  w->footer.row_groups = groups;
  firn_row_group_entry *g = &groups[w->footer.n_row_groups];
  *g = (firn_row_group_entry){
      .n_rows = (int64_t)w->group_rows, .first_byte = (int64_t)w->written_bytes, .chunks = chunks};
  for (uint32_t i = 0; i < w->footer.n_leaves; i++) {
    FIRN_TRY(write_chunk(w, &w->chunks[i], more_comes, &chunks[i], err));
  }
  w->footer.n_row_groups++;
  w->footer_bytes += row_group_entry_bytes(w, chunks);
  w->group_rows = 0;
  return FIRN_OK;
}

static firn_status check_usable(const firn_parquet_writer *w, firn_error *err) {
  return w->failed
             ? firn_error_set(err, FIRN_INVALID, "the Parquet writer has failed before; its file is void")
             : FIRN_OK;
}

firn_status firn_parquet_writer_flush(firn_parquet_writer *w, firn_error *err) {
  FIRN_TRY(check_usable(w, err));
  firn_status status = write_row_group(w, false, err);
  w->failed = status != FIRN_OK;
  return status;
}

static size_t encoded_bytes(const firn_parquet_writer *w) {
  size_t sum = 0;
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    sum += firn_chunk_encoded_bytes(&w->chunks[i]);
  }
  return sum;
}

/* How many rows to take at once: fewer where they are so large that a row group would grow far beyond its
 * bound. What was right for the last rows is tried first. */
static size_t slice_rows(firn_parquet_writer *w, const firn_batch *batch, size_t first) {
  size_t bound = w->options.row_group_bytes / 8;
  size_t most = batch->n_rows - first, room = w->options.row_group_rows - w->group_rows;
  most = most < room ? most : room;
  size_t n = most < w->slice_rows ? most : w->slice_rows;
  size_t bytes = firn_batch_text_bytes(batch, first, n);
  while (n > 1 && bytes > bound) {
    n /= 2;
    bytes = firn_batch_text_bytes(batch, first, n);
    w->slice_rows = n;
  }
  if (bytes < bound / 2 && n == w->slice_rows && n < SLICE_ROWS) {
    w->slice_rows *= 2;
  }
  return n;
}

static firn_status add_rows(firn_parquet_writer *w, const firn_batch *batch, size_t first, size_t n,
                            firn_error *err) {
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    firn_leaf_run run;
    FIRN_TRY(firn_shred(&w->shredder, &w->paths[i], batch, first, n, &run, err));
    FIRN_TRY(firn_chunk_add(&w->chunks[i], &run, err));
  }
  w->group_rows += n;
  w->n_rows += (int64_t)n;
  if (w->group_rows >= w->options.row_group_rows || encoded_bytes(w) >= w->options.row_group_bytes) {
    return write_row_group(w, true, err);
  }
  return FIRN_OK;
}

firn_status firn_parquet_writer_write(firn_parquet_writer *w, const firn_batch *batch, firn_error *err) {
  FIRN_TRY(check_usable(w, err));
  FIRN_TRY(firn_batch_check_for_write(&w->schema, batch, err));
  for (size_t first = 0, n; first < batch->n_rows; first += n) {
    n = slice_rows(w, batch, first);
    firn_status status = add_rows(w, batch, first, n, err);
    if (status != FIRN_OK) {
      w->failed = true;
      return status;
    }
  }
  return FIRN_OK;
}

size_t firn_parquet_writer_memory(const firn_parquet_writer *w) {
  size_t sum = sizeof *w + w->arena.used_bytes + firn_shredder_memory(&w->shredder) +
               firn_chunk_scratch_memory(&w->scratch) + w->blooms.capacity + w->column_indexes.capacity +
               w->offset_indexes.capacity;
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    sum += firn_chunk_memory(&w->chunks[i]);
  }
  for (size_t i = 0; i < w->n_compressors; i++) {
    sum += firn_compressor_memory(w->compressors[i].compressor);
  }
  return sum;
}

uint64_t firn_parquet_writer_size(const firn_parquet_writer *w) {
  uint64_t sum = w->written_bytes + w->blooms.len + w->column_indexes.len + w->offset_indexes.len +
                 w->footer_bytes + 3 * sizeof magic;
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    sum += firn_chunk_file_bytes(&w->chunks[i]);
  }
  return sum;
}

int64_t firn_parquet_writer_rows(const firn_parquet_writer *w) {
  return w->n_rows;
}

bool firn_parquet_writer_is_full(const firn_parquet_writer *w) {
  return w->footer_bytes + row_group_entry_bytes(w, NULL) > w->options.footer_bytes;
}

/* From offsets within each kind to offsets in the file, now that both are known; 0 stands for none. */
static void place_indexes(firn_parquet_writer *w, int64_t blooms, int64_t columns, int64_t offsets) {
  for (size_t g = 0; g < w->footer.n_row_groups; g++) {
    for (uint32_t i = 0; i < w->footer.n_leaves; i++) {
      firn_parquet_chunk *c = &w->groups[g].chunks[i].chunk;
      c->bloom_filter_offset = c->bloom_filter_bytes == 0 ? 0 : blooms + c->bloom_filter_offset;
      c->column_index_offset = c->column_index_bytes == 0 ? 0 : columns + c->column_index_offset;
      c->offset_index_offset += offsets;
    }
  }
}

static firn_status write_end(firn_parquet_writer *w, firn_error *err) {
  FIRN_TRY(put_magic_first(w, err));
  int64_t blooms = (int64_t)w->written_bytes;
  int64_t columns = blooms + (int64_t)w->blooms.len;
  place_indexes(w, blooms, columns, columns + (int64_t)w->column_indexes.len);
  FIRN_TRY(put(w, firn_builder_bytes(&w->blooms), err));
  FIRN_TRY(put(w, firn_builder_bytes(&w->column_indexes), err));
  FIRN_TRY(put(w, firn_builder_bytes(&w->offset_indexes), err));
  FIRN_AUTO_BUILDER footer = FIRN_BUILDER_INIT(0);
  firn_bytes made;
  firn_encode_footer(&w->footer, &footer);
  size_t len = footer.len;
  firn_builder_add_u32le(&footer, (uint32_t)len);
  firn_builder_add(&footer, (firn_bytes){(const uint8_t *)magic, sizeof magic});
  FIRN_TRY(firn_builder_finish(&footer, &made, err));
  return put(w, made, err);
}

/* Iceberg's bounds: truncated for text, binary and fixed, in single-value form. */
static firn_status describe_bounds(const firn_chunk_writer *c, firn_arena *arena,
                                   firn_parquet_column_info *info, firn_error *err) {
  static const firn_bound_limit none = {0}, text = {.code_points = 16}, bytes = {.bytes = 16};
  uint8_t low_room[FIRN_BOUND_ROOM], high_room[FIRN_BOUND_ROOM];
  firn_bytes low = firn_builder_bytes(&c->file.bounds.lower),
             high = firn_builder_bytes(&c->file.bounds.upper);
  if (!c->file.bounds.any || c->file.bounds.broken || info->in_list) {
    return FIRN_OK;
  }
  firn_bound_limit limit = c->order == FIRN_BOUND_TEXT ? text : bytes;
  if (c->settings.bounds == FIRN_BOUNDS_FULL || c->path->field->kind == FIRN_KIND_UUID) {
    limit = none;
  }
  info->has_bounds = firn_bound_lower(c->order, low, limit, &low);
  info->has_upper = info->has_bounds && firn_bound_upper(c->order, high, limit, high_room, &high);
  low = firn_bound_single_value(c->path->leaf, low, low_room);
  info->lower = firn_arena_copy(arena, low);
  if (info->has_upper) {
    high = firn_bound_single_value(c->path->leaf, high, high_room);
    info->upper = firn_arena_copy(arena, high);
  }
  if (info->lower.data == NULL || (info->has_upper && info->upper.data == NULL)) {
    return no_memory(err);
  }
  return FIRN_OK;
}

static firn_status describe_columns(const firn_parquet_writer *w, firn_arena *arena,
                                    firn_parquet_file_info *info, firn_error *err) {
  firn_parquet_column_info *columns = firn_new_n(arena, firn_parquet_column_info, w->n_chunks);
  int64_t *offsets = firn_new_n(arena, int64_t, w->footer.n_row_groups);
  if (columns == NULL || offsets == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < w->footer.n_row_groups; i++) {
    offsets[i] = w->groups[i].first_byte;
  }
  for (uint32_t i = 0; i < w->n_chunks; i++) {
    const firn_chunk_writer *c = &w->chunks[i];
    columns[i] = (firn_parquet_column_info){.field_id = c->path->leaf->field_id,
                                            .kind = c->path->field->kind,
                                            .in_list = c->path->leaf->max_rep > 0,
                                            .compressed_bytes = c->file.compressed_bytes,
                                            .n_values = c->file.n_values,
                                            .n_nulls = c->file.n_nulls,
                                            .n_nans = c->file.n_nans};
    FIRN_TRY(describe_bounds(c, arena, &columns[i], err));
  }
  *info = (firn_parquet_file_info){.size_bytes = w->written_bytes,
                                   .n_rows = w->n_rows,
                                   .n_row_groups = w->footer.n_row_groups,
                                   .split_offsets = offsets,
                                   .n_columns = w->n_chunks,
                                   .columns = columns};
  return FIRN_OK;
}

firn_status firn_parquet_writer_finish(firn_parquet_writer *w, firn_arena *arena,
                                       firn_parquet_file_info *info, firn_error *err) {
  FIRN_TRY(check_usable(w, err));
  w->failed = true; /* whatever happens, nothing can be added any more */
  FIRN_TRY(write_row_group(w, false, err));
  FIRN_TRY(write_end(w, err));
  return describe_columns(w, arena, info, err);
}
