#include "formats/parquet/reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "formats/parquet/assemble_internal.h"

enum {
  BATCH_ROWS_DEFAULT = 4096,
  PAGE_MAX_DEFAULT = 1 << 30,
  READ_AHEAD_DEFAULT = 8 << 20,
  WINDOW_MIN = 32 << 10,
  PAGES_PER_BATCH_BYTES = 4 << 20, /* of one column, beside the page that it is in */
};

struct firn_parquet_reader {
  const firn_parquet_file *file;
  firn_arena arena; /* what lives as long as the reader */
  firn_decompressor *decompressor;
  size_t batch_rows;
  firn_field schema;
  firn_vector *vectors;
  uint32_t n_columns;
  firn_parquet_column *columns;
  uint32_t n_leaves;
  firn_parquet_leaf *leaves;
  firn_parquet_range *ranges; /* two for each leaf */
  firn_parquet_offset_index *indexes;
  size_t *skips; /* rows that each leaf must pass over to stand where the wanted ones begin */
  firn_batch batch;

  bool seeks, may_skip;
  bool is_moved;             /* the wanted rows of the group have changed; its leaves stand at `leaf_row` */
  int64_t leaf_row;          /* counted over the file */
  int64_t n_pages;           /* that the indexes of begun chunks name */
  int64_t next_row, end_row; /* counted over the file */
  size_t next_group;         /* the row group after the one being read */
  bool in_group;
  int64_t group_end; /* counted over the file: where the wanted rows of the group end */
  firn_arena index_arena;
  int64_t batch_first; /* row of the batch that came last */
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a reader");
}

/* How many leaves lie below a field. */
static uint32_t leaves_below(const firn_field *f) {
  uint32_t n = f->n_children == 0;
  for (uint32_t i = 0; i < f->n_children; i++) {
    n += leaves_below(&f->children[i]);
  }
  return n;
}

static bool wants_any(const bool *wanted, uint32_t first, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (wanted[first + i]) {
      return true;
    }
  }
  return false;
}

/* The field without the children that are not wanted; `*leaf` counts the leaves of the file. */
static firn_status choose_leaves(const firn_field *field, const bool *wanted, uint32_t *leaf,
                                 firn_arena *arena, firn_field *out, firn_error *err) {
  *out = *field;
  if (wanted == NULL || field->n_children == 0) {
    *leaf += leaves_below(field);
    return FIRN_OK;
  }
  firn_field *children = firn_new_n(arena, firn_field, field->n_children);
  if (children == NULL) {
    return no_memory(err);
  }
  out->children = children;
  out->n_children = 0;
  for (uint32_t i = 0; i < field->n_children; i++) {
    uint32_t n = leaves_below(&field->children[i]);
    if (wants_any(wanted, *leaf, n)) {
      FIRN_TRY(choose_leaves(&field->children[i], wanted, leaf, arena, &children[out->n_children++], err));
    } else {
      *leaf += n;
    }
  }
  return FIRN_OK;
}

static firn_status choose_columns(firn_parquet_reader *r, const firn_parquet_reader_options *o,
                                  firn_error *err) {
  const firn_field *all = firn_parquet_file_metadata(r->file)->schema;
  size_t n = o->columns == NULL ? all->n_children : o->n_columns;
  firn_field *chosen = firn_new_n(&r->arena, firn_field, n);
  if (chosen == NULL || n > UINT32_MAX) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    size_t from = o->columns == NULL ? i : o->columns[i];
    if (from >= all->n_children) {
      return firn_error_set(err, FIRN_INVALID, "column %zu of %" PRIu32, from, all->n_children);
    }
    const firn_parquet_node *node = &r->file->metadata->root->children[from];
    uint32_t n_wanted = firn_parquet_wanted_leaves(node, o->leaves);
    uint32_t leaf = firn_parquet_first_leaf(node);
    if (n_wanted == 0) {
      return firn_error_set(err, FIRN_INVALID, "no leaf of column %s is wanted", node->name);
    }
    FIRN_TRY(choose_leaves(&all->children[from], o->leaves, &leaf, &r->arena, &chosen[i], err));
    r->n_leaves += n_wanted;
  }
  r->schema = *all;
  r->schema.n_children = (uint32_t)n;
  r->schema.children = chosen;
  r->n_columns = (uint32_t)n;
  return FIRN_OK;
}

/* The dotted path of the leaf `index` below `node`, in `arena`. */
static const char *path_of(const firn_parquet_node *node, uint32_t leaf, const char *above,
                           firn_arena *arena) {
  const char *path = above[0] == '\0' ? node->name : firn_arena_printf(arena, "%s.%s", above, node->name);
  if (path == NULL || node->n_children == 0) {
    return path;
  }
  for (uint32_t i = 0; i < node->n_children; i++) {
    const firn_parquet_node *child = &node->children[i];
    const firn_parquet_node *first = child;
    while (first->n_children > 0) {
      first = &first->children[0];
    }
    if (leaf < first->leaf + firn_parquet_count_leaves(child)) {
      return path_of(child, leaf, path, arena);
    }
  }
  return NULL;
}

static firn_status init_leaves(firn_parquet_reader *r, const firn_parquet_reader_options *o,
                               firn_error *err) {
  size_t ahead = o->read_ahead_bytes == 0 ? READ_AHEAD_DEFAULT : o->read_ahead_bytes;
  size_t window = r->n_leaves == 0 ? ahead : ahead / r->n_leaves;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    r->leaves[i].pages = (firn_parquet_pages){
        .file = r->file,
        .decompressor = r->decompressor,
        .max_page_bytes = o->max_page_bytes == 0 ? PAGE_MAX_DEFAULT : o->max_page_bytes,
        .window_bytes = window > WINDOW_MIN ? window : WINDOW_MIN,
        .skip_checksums = o->skip_checksums,
    };
  }
  const firn_parquet_node *root = r->file->metadata->root;
  firn_parquet_leaf *leaf = r->leaves;
  for (uint32_t i = 0; i < r->n_columns; i++) {
    size_t from = o->columns == NULL ? i : o->columns[i];
    FIRN_TRY(firn_parquet_column_init(&r->columns[i], &root->children[from], o->leaves, &r->vectors[i], &leaf,
                                      &r->arena, err));
    for (firn_parquet_leaf *l = r->columns[i].leaf; l < leaf; l++) {
      l->path = path_of(&root->children[from], l->node->leaf, "", &r->arena);
      if (l->path == NULL) {
        return no_memory(err);
      }
    }
  }
  return FIRN_OK;
}

static firn_status init_rows(firn_parquet_reader *r, const firn_parquet_reader_options *o, firn_error *err) {
  int64_t n_rows = r->file->metadata->n_rows;
  if (o->first_row < 0 || o->n_rows < 0) {
    return firn_error_set(err, FIRN_INVALID, "rows %" PRId64 " and %" PRId64 " after it", o->first_row,
                          o->n_rows);
  }
  r->seeks = o->seeks;
  r->may_skip = o->seeks && !o->whole_groups;
  if (o->seeks) { /* no rows yet */
    return FIRN_OK;
  }
  r->next_row = o->first_row < n_rows ? o->first_row : n_rows;
  r->end_row = o->n_rows == 0 || o->n_rows > n_rows - r->next_row ? n_rows : r->next_row + o->n_rows;
  return FIRN_OK;
}

firn_status firn_parquet_reader_open(const firn_parquet_file *f, const firn_parquet_reader_options *options,
                                     firn_parquet_reader **out, firn_error *err) {
  static const firn_parquet_reader_options defaults = {0};
  const firn_parquet_reader_options *o = options == NULL ? &defaults : options;
  FIRN_AUTO_PARQUET_READER *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return no_memory(err);
  }
  r->file = f;
  r->batch_rows = o->batch_rows == 0 ? BATCH_ROWS_DEFAULT : o->batch_rows;
  FIRN_TRY(firn_decompressor_new(&r->decompressor, err));
  FIRN_TRY(choose_columns(r, o, err));
  FIRN_TRY(init_rows(r, o, err));
  r->vectors = firn_new_n(&r->arena, firn_vector, r->n_columns);
  r->columns = firn_new_n(&r->arena, firn_parquet_column, r->n_columns);
  r->leaves = firn_new_n(&r->arena, firn_parquet_leaf, r->n_leaves);
  r->ranges = firn_new_n(&r->arena, firn_parquet_range, (size_t)r->n_leaves * 2);
  r->indexes = firn_new_n(&r->arena, firn_parquet_offset_index, r->n_leaves);
  r->skips = firn_new_n(&r->arena, size_t, r->n_leaves);
  if (r->skips == NULL || r->vectors == NULL || r->columns == NULL || r->leaves == NULL ||
      r->ranges == NULL || r->indexes == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(init_leaves(r, o, err));
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

const firn_field *firn_parquet_reader_schema(const firn_parquet_reader *r) {
  return &r->schema;
}

int64_t firn_parquet_reader_row(const firn_parquet_reader *r) {
  return r->batch_first;
}

void firn_parquet_reader_close(firn_parquet_reader *r) {
  if (r == NULL) {
    return;
  }
  for (uint32_t i = 0; r->leaves != NULL && i < r->n_leaves; i++) {
    firn_parquet_leaf_free(&r->leaves[i]);
  }
  for (uint32_t i = 0; r->columns != NULL && i < r->n_columns; i++) {
    firn_parquet_column_free(&r->columns[i]);
  }
  firn_decompressor_free(r->decompressor);
  firn_arena_free(&r->index_arena);
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_parquet_reader_close_pointer(firn_parquet_reader **r) {
  firn_parquet_reader_close(*r);
}

static const firn_parquet_chunk *chunk_of(const firn_parquet_reader *r, size_t group,
                                          const firn_parquet_leaf *l) {
  return &r->file->metadata->row_groups[group].chunks[l->node->leaf];
}

static firn_status in_column(const firn_parquet_leaf *l, firn_status status, firn_error *err) {
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "column %s", l->path);
}

static firn_status check_chunk(const firn_parquet_chunk *c, const firn_parquet_leaf *l, int64_t n_rows,
                               firn_error *err) {
  if (c->refused != NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "it %s", c->refused);
  }
  if (!c->codec_known) {
    const char *name = c->codec_number == 3   ? "LZO"
                       : c->codec_number == 5 ? "LZ4 of Hadoop"
                                              : "an unknown codec";
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "it is compressed by %s (%" PRId32 "), which is not read yet", name,
                          c->codec_number);
  }
  if (l->max_rep == 0 && c->n_values != n_rows) {
    return firn_error_set(err, FIRN_CORRUPT, "%" PRId64 " values in a row group of %" PRId64 " rows",
                          c->n_values, n_rows);
  }
  return FIRN_OK;
}

/* Whether the offset indexes of a row group's wanted leaves could lie side by side in the file. If not, a
 * small file names one run of bytes as the index of each of many columns. */
static bool indexes_fit(const firn_parquet_reader *r, size_t group) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    total += (uint64_t)chunk_of(r, group, &r->leaves[i])->offset_index_bytes;
  }
  return total <= r->file->source.size_bytes;
}

/* Asks for the offset indexes of all leaves at once, and decodes them. A leaf whose index is missing or
 * broken gets none, and is read from the start of its chunk. */
static firn_status load_indexes(firn_parquet_reader *r, firn_ctx *ctx, size_t group, firn_error *err) {
  size_t n = 0;
  firn_arena_reset(&r->index_arena);
  firn_bytes *raw = firn_new_n(&r->index_arena, firn_bytes, r->n_leaves);
  if (raw == NULL) {
    return no_memory(err);
  }
  bool fit = indexes_fit(r, group);
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    const firn_parquet_chunk *c = chunk_of(r, group, &r->leaves[i]);
    const firn_parquet_offset_index *kept =
        firn_parquet_file_kept_index(r->file, group, r->leaves[i].node->leaf);
    r->indexes[i] = kept == NULL ? (firn_parquet_offset_index){0} : *kept;
    bool is_read = c->offset_index_offset != 0 && fit && kept == NULL;
    size_t len = is_read ? (size_t)c->offset_index_bytes : 0;
    uint8_t *into = len == 0 ? NULL : firn_arena_alloc_bytes(&r->index_arena, len);
    if (len > 0 && into == NULL) {
      return no_memory(err);
    }
    raw[i] = (firn_bytes){into, len};
    if (len > 0) {
      r->ranges[n++] = (firn_parquet_range){(uint64_t)c->offset_index_offset, len, into};
    }
  }
  FIRN_TRY(firn_parquet_file_fetch(r->file, ctx, r->ranges, n, err));
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    if (raw[i].len == 0) {
      continue;
    }
    firn_status status =
        firn_parquet_offset_index_read(raw[i], r->file->metadata->row_groups[group].n_rows,
                                       r->file->source.size_bytes, &r->index_arena, &r->indexes[i], err);
    if (status == FIRN_NOMEM) {
      return status;
    }
  }
  return FIRN_OK;
}

/* One call to the source for all columns, when one of them is about to lack its next page. */
static firn_status read_ahead(firn_parquet_reader *r, firn_ctx *ctx, size_t n_rows, firn_error *err) {
  bool lacks = false;
  for (uint32_t i = 0; i < r->n_leaves && !lacks; i++) {
    lacks = r->leaves[i].page_left < n_rows && firn_parquet_pages_lack(&r->leaves[i].pages);
  }
  if (!lacks) {
    return FIRN_OK;
  }
  size_t n = 0;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    FIRN_TRY(firn_parquet_pages_want(&r->leaves[i].pages, err));
    n += firn_parquet_pages_ranges(&r->leaves[i].pages, r->ranges + n);
  }
  FIRN_TRY(firn_parquet_file_fetch(r->file, ctx, r->ranges, n, err));
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    firn_parquet_pages_filled(&r->leaves[i].pages);
  }
  return FIRN_OK;
}

static firn_status skip_rows(firn_ctx *ctx, firn_parquet_leaf *l, size_t n, firn_error *err) {
  if (l->max_rep == 0) {
    return firn_parquet_leaf_skip(l, ctx, n, err);
  }
  while (n > 0) {
    firn_vector dropped;
    size_t got = 0;
    size_t step = n < BATCH_ROWS_DEFAULT ? n : BATCH_ROWS_DEFAULT;
    FIRN_TRY(firn_parquet_leaf_fill(l, ctx, step, PAGES_PER_BATCH_BYTES, &got, err));
    FIRN_TRY(firn_parquet_leaf_take(l, got, &dropped, err));
    firn_parquet_leaf_next_batch(l);
    n -= got;
  }
  return FIRN_OK;
}

/* Begins the chunk of one leaf where the wanted rows begin; `*skip` of the rows there come before them. */
static firn_status begin_leaf(firn_parquet_reader *r, uint32_t i, size_t group, int64_t from, int64_t to,
                              size_t *skip, firn_error *err) {
  firn_parquet_leaf *l = &r->leaves[i];
  const firn_parquet_row_group *g = &r->file->metadata->row_groups[group];
  const firn_parquet_chunk *chunk = chunk_of(r, group, l);
  FIRN_TRY(check_chunk(chunk, l, g->n_rows, err));
  l->n_rows = g->n_rows;
  bool is_part = from > 0 || to < g->n_rows || r->may_skip;
  if (is_part && r->indexes[i].n_pages > 0) {
    r->n_pages += (int64_t)r->indexes[i].n_pages;
    return firn_parquet_leaf_begin_at(l, chunk, &r->indexes[i], from, to, skip, err);
  }
  *skip = (size_t)from;
  return firn_parquet_leaf_begin(l, chunk, err);
}

static firn_status begin_group(firn_parquet_reader *r, firn_ctx *ctx, size_t group, firn_error *err) {
  const firn_parquet_row_group *g = &r->file->metadata->row_groups[group];
  int64_t from = r->next_row - g->first_row;
  int64_t to = r->end_row - g->first_row < g->n_rows ? r->end_row - g->first_row : g->n_rows;
  r->group_end = g->first_row + to;
  if (from > 0 || to < g->n_rows || r->may_skip) {
    FIRN_TRY(load_indexes(r, ctx, group, err));
  }
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    FIRN_TRY(in_column(&r->leaves[i], begin_leaf(r, i, group, from, to, &r->skips[i], err), err));
  }
  FIRN_TRY(read_ahead(r, ctx, 1, err));
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    FIRN_TRY(in_column(&r->leaves[i], skip_rows(ctx, &r->leaves[i], r->skips[i], err), err));
  }
  r->in_group = true;
  r->is_moved = false;
  r->leaf_row = r->next_row;
  return FIRN_OK;
}

/* Takes the leaves from where they stand to the rows that are wanted now. */
static firn_status move_in_group(firn_parquet_reader *r, firn_ctx *ctx, firn_error *err) {
  const firn_parquet_row_group *g = &r->file->metadata->row_groups[r->next_group - 1];
  int64_t to = r->end_row - g->first_row < g->n_rows ? r->end_row - g->first_row : g->n_rows;
  r->group_end = g->first_row + to;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    firn_parquet_leaf *l = &r->leaves[i];
    firn_parquet_leaf_next_batch(l);
    FIRN_TRY(in_column(l,
                       firn_parquet_leaf_go_on(l, &r->indexes[i], r->leaf_row - g->first_row,
                                               r->next_row - g->first_row, to, &r->skips[i], err),
                       err));
  }
  if (r->next_row < r->group_end) {
    FIRN_TRY(read_ahead(r, ctx, 1, err));
  }
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    FIRN_TRY(in_column(&r->leaves[i], skip_rows(ctx, &r->leaves[i], r->skips[i], err), err));
  }
  r->is_moved = false;
  r->leaf_row = r->next_row;
  return FIRN_OK;
}

static firn_status finish_group(firn_parquet_reader *r, firn_error *err) {
  const firn_parquet_row_group *g = &r->file->metadata->row_groups[r->next_group - 1];
  r->in_group = false;
  for (uint32_t i = 0; i < r->n_leaves && r->group_end == g->first_row + g->n_rows; i++) {
    FIRN_TRY(in_column(&r->leaves[i], firn_parquet_leaf_finish(&r->leaves[i], err), err));
  }
  return FIRN_OK;
}

/* Goes to the next row group that has wanted rows; `*found` false when there is none. */
static firn_status next_group(firn_parquet_reader *r, firn_ctx *ctx, bool *found, firn_error *err) {
  const firn_parquet_metadata *m = r->file->metadata;
  *found = false;
  if (r->in_group && r->is_moved) {
    firn_status status = move_in_group(r, ctx, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "row group %zu", r->next_group - 1);
    }
  }
  if (r->in_group && r->next_row < r->group_end) {
    *found = true;
    return FIRN_OK;
  }
  if (r->in_group && r->seeks && r->next_row == r->end_row) {
    return FIRN_OK; /* the rest of the group may be sought yet */
  }
  if (r->in_group) {
    FIRN_TRY(finish_group(r, err));
  }
  while (r->next_group < m->n_row_groups && r->next_row < r->end_row) {
    const firn_parquet_row_group *g = &m->row_groups[r->next_group++];
    if (g->n_rows > 0 && r->next_row < g->first_row + g->n_rows) {
      firn_status status = begin_group(r, ctx, r->next_group - 1, err);
      *found = true;
      return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "row group %zu", r->next_group - 1);
    }
  }
  return FIRN_OK;
}

/* How many rows the next batch has: as many as all columns can give without holding too many pages. */
static firn_status rows_of_batch(firn_parquet_reader *r, firn_ctx *ctx, size_t max_rows, size_t *out,
                                 firn_error *err) {
  int64_t left = r->group_end - r->next_row;
  size_t n = (uint64_t)left < max_rows ? (size_t)left : max_rows;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    firn_parquet_leaf *l = &r->leaves[i];
    firn_status status = l->max_rep == 0
                             ? firn_parquet_leaf_rows_at_hand(l, ctx, n, PAGES_PER_BATCH_BYTES, &n, err)
                             : firn_parquet_leaf_fill(l, ctx, n, PAGES_PER_BATCH_BYTES, &n, err);
    FIRN_TRY(in_column(l, status, err));
  }
  *out = n;
  return FIRN_OK;
}

static firn_status read_batch(firn_parquet_reader *r, firn_ctx *ctx, size_t max_rows, firn_error *err) {
  size_t n = 0;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    firn_parquet_leaf_next_batch(&r->leaves[i]);
  }
  FIRN_TRY(read_ahead(r, ctx, max_rows, err));
  FIRN_TRY(rows_of_batch(r, ctx, max_rows, &n, err));
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    firn_parquet_leaf *l = &r->leaves[i];
    FIRN_TRY(in_column(l,
                       l->max_rep == 0 ? firn_parquet_leaf_read(l, ctx, n, l->vector, err)
                                       : firn_parquet_leaf_take(l, n, l->vector, err),
                       err));
  }
  for (uint32_t i = 0; i < r->n_columns; i++) {
    firn_parquet_column *c = &r->columns[i];
    firn_status status = firn_parquet_column_assemble(c, n, err);
    if (status == FIRN_OK && c->vector->len != n) {
      status = firn_error_set(err, FIRN_CORRUPT, "%zu values for %zu rows", c->vector->len, n);
    }
    FIRN_TRY(in_column(c->leaf, status, err));
  }
  r->batch = (firn_batch){.schema = &r->schema, .n_rows = n, .columns = r->vectors};
  r->batch_first = r->next_row;
  r->next_row += (int64_t)n;
  r->leaf_row = r->next_row;
  return FIRN_OK;
}

firn_status firn_parquet_reader_next(firn_parquet_reader *r, firn_ctx *ctx, const firn_batch **out,
                                     firn_error *err) {
  return firn_parquet_reader_next_rows(r, ctx, r->batch_rows, out, err);
}

firn_status firn_parquet_reader_seek(firn_parquet_reader *r, int64_t first, int64_t end, firn_error *err) {
  if (!r->seeks || first < r->next_row || end < first || end > r->file->metadata->n_rows) {
    return firn_error_set(err, FIRN_INVALID, "rows %" PRId64 " to %" PRId64 " cannot be sought at %" PRId64,
                          first, end, r->next_row);
  }
  if (r->in_group) {
    const firn_parquet_row_group *g = &r->file->metadata->row_groups[r->next_group - 1];
    int64_t group_end = g->first_row + g->n_rows;
    r->is_moved = first < group_end;
    if (!r->is_moved && r->next_row == group_end) {
      FIRN_TRY(finish_group(r, err));
    }
    r->in_group = r->is_moved; /* else the rest of the group is not looked at */
  }
  r->next_row = first;
  r->end_row = end;
  return FIRN_OK;
}

void firn_parquet_reader_pages(const firn_parquet_reader *r, int64_t *n_pages, int64_t *n_read) {
  *n_pages = r->n_pages;
  *n_read = 0;
  for (uint32_t i = 0; i < r->n_leaves; i++) {
    *n_read += r->leaves[i].n_pages_read;
  }
}

firn_status firn_parquet_reader_next_rows(firn_parquet_reader *r, firn_ctx *ctx, size_t max_rows,
                                          const firn_batch **out, firn_error *err) {
  bool found = false;
  FIRN_TRY(firn_ctx_check(ctx, err));
  FIRN_TRY(next_group(r, ctx, &found, err));
  if (!found) {
    *out = NULL;
    return FIRN_OK;
  }
  firn_status status = read_batch(r, ctx, max_rows, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "row group %zu", r->next_group - 1);
  }
  *out = &r->batch;
  return FIRN_OK;
}

firn_status firn_parquet_read_row(const firn_parquet_file *f, firn_ctx *ctx, int64_t row,
                                  const uint32_t *columns, size_t n_columns, firn_arena *arena,
                                  firn_batch *out, firn_error *err) {
  if (row < 0 || row >= f->metadata->n_rows) {
    return firn_error_set(err, FIRN_NOT_FOUND, "row %" PRId64 " of %" PRId64, row, f->metadata->n_rows);
  }
  firn_parquet_reader_options options = {
      .n_columns = n_columns, .columns = columns, .first_row = row, .n_rows = 1, .batch_rows = 1};
  FIRN_AUTO_PARQUET_READER *r = NULL;
  const firn_batch *batch = NULL;
  FIRN_TRY(firn_parquet_reader_open(f, &options, &r, err));
  FIRN_TRY(firn_parquet_reader_next(r, ctx, &batch, err));
  if (batch == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "row %" PRId64 " is counted but not there", row);
  }
  return firn_batch_copy(batch, arena, out, err);
}
