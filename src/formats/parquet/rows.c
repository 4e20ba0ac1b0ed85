/* Rows by their numbers. One row is a reader over its pages; for many, all their pages are read in one call
 * to the source first. */
#include <inttypes.h>
#include <stdlib.h>

#include "column/take.h"
#include "formats/parquet/assemble_internal.h"
#include "formats/parquet/file_internal.h"

enum {
  MOST_AHEAD = 32 << 20, /* beyond it, each row reads for itself */
  GAP = 4 << 10,         /* read over: cheaper than another range */
  NEAR = 16,             /* rows so near each other are decoded together */
  MOST_TOGETHER = 1024,
};

typedef struct run {
  uint64_t at, end;
  uint8_t *data;
} run;

/* What has been read ahead, and the file that it is of. */
typedef struct ahead {
  const firn_parquet_file *file;
  firn_arena *arena;
  size_t n, capacity;
  run *runs;
} ahead;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for rows");
}

static firn_status want(ahead *a, uint64_t at, uint64_t end, firn_error *err) {
  if (a->n > 0 && a->runs[a->n - 1].at == at && a->runs[a->n - 1].end == end) {
    return FIRN_OK; /* the page of the row before */
  }
  run *moved = firn_arena_grow(a->arena, a->runs, a->n, &a->capacity, sizeof *moved);
  if (moved == NULL) {
    return no_memory(err);
  }
  a->runs = moved;
  a->runs[a->n++] = (run){.at = at, .end = end};
  return FIRN_OK;
}

static size_t page_of(const firn_parquet_offset_index *index, int64_t row) {
  size_t low = 0;
  size_t high = index->n_pages;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (index->pages[middle].first_row <= row) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/* The pages of one leaf that rows [from, to) of the wanted ones lie in, and its dictionary; all of the chunk
 * where it has no index. */
static firn_status want_leaf(ahead *a, firn_ctx *ctx, size_t group, uint32_t leaf, const int64_t *rows,
                             size_t n, firn_error *err) {
  const firn_parquet_row_group *g = &a->file->metadata->row_groups[group];
  const firn_parquet_chunk *c = &g->chunks[leaf];
  firn_parquet_offset_index index = {0};
  firn_status status = firn_parquet_file_offset_index(a->file, ctx, group, leaf, a->arena, &index, err);
  uint64_t start = (uint64_t)c->offset;
  if (status == FIRN_NOT_FOUND || status == FIRN_CORRUPT || (status == FIRN_OK && index.n_pages == 0)) {
    return want(a, start, start + (uint64_t)c->compressed_bytes, err);
  }
  FIRN_TRY(status);
  if ((uint64_t)index.pages[0].offset > start) {
    FIRN_TRY(want(a, start, (uint64_t)index.pages[0].offset, err));
  }
  for (size_t i = 0; i < n; i++) {
    const firn_parquet_page_location *p = &index.pages[page_of(&index, rows[i] - g->first_row)];
    FIRN_TRY(want(a, (uint64_t)p->offset, (uint64_t)p->offset + (uint64_t)p->compressed_bytes, err));
  }
  return FIRN_OK;
}

static uint32_t first_leaf(const firn_parquet_node *node) {
  while (node->n_children > 0) {
    node = &node->children[0];
  }
  return node->leaf;
}

static firn_status want_group(ahead *a, firn_ctx *ctx, size_t group, const firn_parquet_rows *what,
                              size_t from, size_t to, firn_error *err) {
  const firn_parquet_node *root = a->file->metadata->root;
  for (size_t i = 0; i < what->n_columns; i++) {
    if (what->columns[i] >= root->n_children) {
      return firn_error_set(err, FIRN_INVALID, "column %" PRIu32 " of %" PRIu32, what->columns[i],
                            root->n_children);
    }
    const firn_parquet_node *column = &root->children[what->columns[i]];
    uint32_t first = first_leaf(column);
    for (uint32_t leaf = first; leaf < first + firn_parquet_count_leaves(column); leaf++) {
      FIRN_TRY(want_leaf(a, ctx, group, leaf, what->rows + from, to - from, err));
    }
  }
  return FIRN_OK;
}

static int compare_runs(const void *x, const void *y) {
  const run *a = x;
  const run *b = y;
  return (a->at > b->at) - (a->at < b->at);
}

/* Sorts the runs and joins those that overlap or nearly touch; how many bytes they are. */
static uint64_t join_runs(ahead *a) {
  size_t n = 0;
  uint64_t bytes = 0;
  if (a->n > 1) {
    qsort(a->runs, a->n, sizeof *a->runs, compare_runs);
  }
  for (size_t i = 0; i < a->n; i++) {
    run *last = n == 0 ? NULL : &a->runs[n - 1];
    if (last != NULL && a->runs[i].at <= last->end + GAP) {
      last->end = a->runs[i].end > last->end ? a->runs[i].end : last->end;
    } else {
      a->runs[n++] = a->runs[i];
    }
  }
  a->n = n;
  for (size_t i = 0; i < n; i++) {
    bytes += a->runs[i].end - a->runs[i].at;
  }
  return bytes;
}

static firn_status read_runs(ahead *a, firn_ctx *ctx, firn_error *err) {
  firn_parquet_range *ranges = firn_new_n(a->arena, firn_parquet_range, a->n);
  if (ranges == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < a->n; i++) {
    size_t len = (size_t)(a->runs[i].end - a->runs[i].at);
    a->runs[i].data = firn_arena_alloc_bytes(a->arena, len);
    if (a->runs[i].data == NULL) {
      return no_memory(err);
    }
    ranges[i] = (firn_parquet_range){.offset = a->runs[i].at, .len = len, .into = a->runs[i].data};
  }
  return a->n == 0 ? FIRN_OK : firn_parquet_file_fetch(a->file, ctx, ranges, a->n, err);
}

/* The run that holds a range; NULL: none. */
static const run *holding(const ahead *a, const firn_parquet_range *r) {
  for (size_t low = 0, high = a->n; low < high;) {
    size_t middle = low + (high - low) / 2;
    const run *m = &a->runs[middle];
    if (r->offset < m->at) {
      high = middle;
    } else if (r->offset >= m->end) {
      low = middle + 1;
    } else {
      return r->len <= m->end - r->offset ? m : NULL;
    }
  }
  return NULL;
}

/* The source of a file that has been read ahead. What is not there is asked of the file's own. */
static firn_status read_ahead_source(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                                     firn_error *err) {
  const ahead *a = self;
  for (size_t i = 0; i < n; i++) {
    const run *r = holding(a, &ranges[i]);
    if (r == NULL) {
      FIRN_TRY(firn_parquet_file_fetch(a->file, ctx, &ranges[i], 1, err));
    } else if (ranges[i].len > 0) {
      memcpy(ranges[i].into, r->data + (ranges[i].offset - r->at), ranges[i].len);
    }
  }
  return FIRN_OK;
}

/* Row groups ascend, and so do the rows. */
static firn_status plan(ahead *a, firn_ctx *ctx, const firn_parquet_rows *what, firn_error *err) {
  const firn_parquet_metadata *m = a->file->metadata;
  size_t from = 0;
  for (size_t group = 0; group < m->n_row_groups && from < what->n; group++) {
    const firn_parquet_row_group *g = &m->row_groups[group];
    size_t to = from;
    while (to < what->n && what->rows[to] < g->first_row + g->n_rows) {
      to++;
    }
    if (to > from) {
      FIRN_TRY(want_group(a, ctx, group, what, from, to, err));
    }
    from = to;
  }
  return FIRN_OK;
}

/* Rows [from, to) of the wanted ones, which lie near each other. */
static firn_status read_together(const firn_parquet_file *f, firn_ctx *ctx, const firn_parquet_rows *what,
                                 size_t from, size_t to, firn_arena *arena, firn_batch *out,
                                 firn_error *err) {
  firn_parquet_reader_options options = {.n_columns = what->n_columns,
                                         .columns = what->columns,
                                         .first_row = what->rows[from],
                                         .n_rows = what->rows[to - 1] - what->rows[from] + 1,
                                         .max_page_bytes = what->max_page_bytes};
  FIRN_AUTO_PARQUET_READER *r = NULL;
  FIRN_TRY(firn_parquet_reader_open(f, &options, &r, err));
  for (size_t i = from; i < to;) {
    const firn_batch *batch = NULL;
    FIRN_TRY(firn_parquet_reader_next(r, ctx, &batch, err));
    if (batch == NULL) {
      return firn_error_set(err, FIRN_CORRUPT, "row %" PRId64 " is counted but not there", what->rows[i]);
    }
    int64_t first = firn_parquet_reader_row(r);
    for (; i < to && what->rows[i] < first + (int64_t)batch->n_rows; i++) {
      FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
      firn_batch one;
      uint32_t at = (uint32_t)(what->rows[i] - first);
      FIRN_TRY(firn_batch_take(batch, &at, 1, &scratch, &one, err));
      FIRN_TRY(firn_batch_copy(&one, arena, &out[i], err));
    }
  }
  return FIRN_OK;
}

static firn_status read_all(const firn_parquet_file *f, firn_ctx *ctx, const firn_parquet_rows *what,
                            firn_arena *arena, firn_batch *out, firn_error *err) {
  for (size_t from = 0, to; from < what->n; from = to) {
    for (to = from + 1; to < what->n && what->rows[to] - what->rows[to - 1] <= NEAR &&
                        what->rows[to] - what->rows[from] < MOST_TOGETHER;) {
      to++;
    }
    FIRN_TRY(read_together(f, ctx, what, from, to, arena, out, err));
  }
  return FIRN_OK;
}

firn_status firn_parquet_read_rows(const firn_parquet_file *f, firn_ctx *ctx, const firn_parquet_rows *what,
                                   firn_arena *arena, firn_batch *out, firn_error *err) {
  for (size_t i = 0; i < what->n; i++) {
    if (what->rows[i] < (i == 0 ? 0 : what->rows[i - 1])) {
      return firn_error_set(err, FIRN_INVALID, "rows that do not ascend");
    }
    if (what->rows[i] >= f->metadata->n_rows) {
      return firn_error_set(err, FIRN_NOT_FOUND, "row %" PRId64 " of %" PRId64, what->rows[i],
                            f->metadata->n_rows);
    }
  }
  if (what->n <= 1) {
    return read_all(f, ctx, what, arena, out, err);
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  ahead a = {.file = f, .arena = &scratch};
  FIRN_TRY(plan(&a, ctx, what, err));
  if (join_runs(&a) > MOST_AHEAD) {
    return read_all(f, ctx, what, arena, out, err);
  }
  FIRN_TRY(read_runs(&a, ctx, err));
  firn_parquet_file over = *f; /* the same file by another source: borrows everything */
  over.source.read = read_ahead_source;
  over.source.self = &a;
  return read_all(&over, ctx, what, arena, out, err);
}
