#include "services/ingest/ingest.h"

#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "iceberg/commit/append.h"
#include "services/ingest/tables.h"

enum {
  DEFAULT_MEMORY = 96 << 20,
  MAX_WORKERS = 64,
  BLOCK_BYTES = 1 << 20, /* larger ones leave the processor's cache: measured */
  LEAST_BLOCK_BYTES = 64 << 10,
  COMMON_EVENT_BYTES = 512,
};

typedef struct worker {
  firn_archive_writer *writer;
  firn_event_block block;
} worker;

struct firn_ingest {
  firn_ingest_options options;
  firn_table tables[FIRN_ARCHIVE_N_TABLES];
  size_t n_workers;
  worker *workers;
  firn_ingest_counts counts; /* of what has been read */
  firn_ingest_counts committed;
  int64_t last_commit_us;
};

/* The order of commits: what people look at comes last, so that what it leaves out is there already. */
static const firn_archive_table commit_order[] = {FIRN_ARCHIVE_DEAD_LETTER, FIRN_ARCHIVE_PARTIAL,
                                                  FIRN_ARCHIVE_VALID};

/* A share of the open files for each worker's table; 0 stays 0. */
static size_t files_of_each(size_t max_open_files, size_t n_workers) {
  size_t share = max_open_files / (n_workers * FIRN_ARCHIVE_N_TABLES);
  return max_open_files > 0 && share == 0 ? 1 : share;
}

static firn_status open_workers(firn_ingest *g, firn_error *err) {
  const firn_ingest_options *o = &g->options;
  size_t n = o->n_workers == 0 ? 1 : o->n_workers > MAX_WORKERS ? MAX_WORKERS : o->n_workers;
  g->workers = firn_alloc(n * sizeof *g->workers);
  if (g->workers == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu workers", n);
  }
  firn_archive_writer_options options = {
      .stores = o->catalog->stores,
      .codec = o->codec,
      .level = o->level,
      .target_file_bytes = o->target_file_bytes,
      .batch_rows = o->batch_rows,
      .memory_bytes = (o->memory_bytes == 0 ? DEFAULT_MEMORY : o->memory_bytes) / n,
      .max_open_files = files_of_each(o->max_open_files, n),
  };
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    options.tables[t] = g->tables[t].metadata;
  }
  for (; g->n_workers < n; g->n_workers++) {
    FIRN_TRY(firn_archive_writer_open(&options, &g->workers[g->n_workers].writer, err));
  }
  return FIRN_OK;
}

firn_status firn_ingest_open(const firn_ingest_options *options, firn_ctx *ctx, firn_ingest **out,
                             firn_error *err) {
  firn_ingest *g = firn_alloc(sizeof *g);
  if (g == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an ingest");
  }
  g->options = *options;
  g->last_commit_us = firn_ctx_monotonic_us(ctx);
  firn_status status = firn_archive_tables_load(options->catalog, ctx, options->tables, g->tables, err);
  if (status == FIRN_OK) {
    status = open_workers(g, err);
  }
  if (status != FIRN_OK) {
    firn_ingest_close(g, ctx);
    return status;
  }
  *out = g;
  return FIRN_OK;
}

static firn_status work(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  firn_ingest *g = arg;
  return firn_archive_writer_add(g->workers[i].writer, ctx, &g->workers[i].block, err);
}

static void count_rows(firn_ingest *g) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    g->counts.n_rows[t] = g->committed.n_rows[t];
    for (size_t i = 0; i < g->n_workers; i++) {
      g->counts.n_rows[t] += firn_archive_writer_rows(g->workers[i].writer, (firn_archive_table)t);
    }
  }
}

static int64_t uncommitted_rows(const firn_ingest *g) {
  int64_t n = 0;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    n += g->counts.n_rows[t] - g->committed.n_rows[t];
  }
  return n;
}

static bool is_commit_due(const firn_ingest *g, firn_ctx *ctx) {
  const firn_ingest_options *o = &g->options;
  return (o->commit_every_rows > 0 && uncommitted_rows(g) >= o->commit_every_rows) ||
         (o->commit_every_us > 0 && firn_ctx_monotonic_us(ctx) - g->last_commit_us >= o->commit_every_us);
}

/* A block for each worker, as far as the input reaches; then they work side by side. */
static firn_status next_round(firn_ingest *g, firn_splitter *splitter, firn_ctx *ctx, bool *is_over,
                              firn_error *err) {
  size_t n = 0;
  while (n < g->n_workers) {
    firn_event_block *block = &g->workers[n].block;
    FIRN_TRY(firn_splitter_next(splitter, ctx, block, err));
    if (block->n_events == 0) {
      break;
    }
    n++;
  }
  *is_over = n < g->n_workers;
  FIRN_TRY(firn_pool_for_each(ctx->env->pool, ctx, n, work, g, err));
  g->counts.bytes_in += splitter->offset;
  count_rows(g);
  return FIRN_OK;
}

/* Commits come between blocks: where one is wanted after few events, blocks are small. */
static size_t block_bytes(const firn_ingest *g) {
  int64_t rows = g->options.commit_every_rows / (int64_t)g->n_workers;
  if (rows == 0 || rows >= BLOCK_BYTES / COMMON_EVENT_BYTES) {
    return g->options.commit_every_rows == 0 || rows > 0 ? BLOCK_BYTES : LEAST_BLOCK_BYTES;
  }
  size_t wanted = (size_t)rows * COMMON_EVENT_BYTES;
  return wanted > LEAST_BLOCK_BYTES ? wanted : LEAST_BLOCK_BYTES;
}

firn_status firn_ingest_input(firn_ingest *g, firn_ctx *ctx, const firn_input *input, firn_error *err) {
  firn_splitter splitter;
  firn_splitter_init(&splitter, input, block_bytes(g), g->options.max_event_bytes);
  uint64_t before = g->counts.bytes_in;
  firn_status status = FIRN_OK;
  for (bool is_over = false; !is_over && status == FIRN_OK;) {
    g->counts.bytes_in = before;
    status = next_round(g, &splitter, ctx, &is_over, err);
    if (status == FIRN_OK && is_commit_due(g, ctx)) {
      status = firn_ingest_commit(g, ctx, err);
    }
    if (status == FIRN_OK && g->options.progress != NULL) {
      g->options.progress(g->options.progress_arg, &g->counts);
    }
  }
  firn_splitter_free(&splitter);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", input->origin);
  }
  return FIRN_OK;
}

/* The files of all workers for one table, in `arena`. */
static firn_status finish_table(firn_ingest *g, firn_ctx *ctx, firn_archive_table t, firn_arena *arena,
                                const firn_data_file **out, size_t *n, firn_error *err) {
  firn_data_file *all = NULL;
  size_t n_all = 0;
  size_t capacity = 0;
  for (size_t i = 0; i < g->n_workers; i++) {
    const firn_data_file *files;
    size_t n_files;
    FIRN_TRY(firn_archive_writer_finish(g->workers[i].writer, ctx, t, &files, &n_files, err));
    for (size_t j = 0; j < n_files; j++) {
      all = firn_arena_grow(arena, all, n_all, &capacity, sizeof *all);
      if (all == NULL) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for the entries of data files");
      }
      all[n_all++] = files[j];
    }
  }
  *out = all;
  *n = n_all;
  return FIRN_OK;
}

static void count_files(firn_ingest_counts *c, firn_archive_table t, const firn_data_file *files, size_t n) {
  c->n_files[t] += (int64_t)n;
  for (size_t i = 0; i < n; i++) {
    c->n_rows[t] += files[i].record_count;
    c->bytes_out += (uint64_t)files[i].size_bytes;
  }
}

static firn_status commit_table(firn_ingest *g, firn_ctx *ctx, firn_archive_table t, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_append append = {0};
  FIRN_TRY(finish_table(g, ctx, t, &arena, &append.files, &append.n_files, err));
  firn_append_result result = {0};
  firn_status status = FIRN_OK;
  if (append.n_files > 0) {
    status =
        firn_append_commit(g->options.catalog, ctx, &g->options.tables[t], &append, &arena, &result, err);
  }
  if (status == FIRN_OK) {
    count_files(&g->committed, t, append.files, append.n_files);
    g->committed.snapshot_id[t] =
        append.n_files > 0 ? result.snapshot.snapshot_id : g->committed.snapshot_id[t];
  }
  /* After a lost answer the table may know the files: they must stay. */
  for (size_t i = 0; i < g->n_workers && (status == FIRN_OK || status == FIRN_UNCERTAIN); i++) {
    firn_archive_writer_keep(g->workers[i].writer, t);
  }
  return status;
}

/* Which tables of a round that failed have their rows all the same: a person must know before trying again.
 */
static firn_status say_what_is_in(const firn_ingest *g, size_t n_done, const int64_t *rows_before,
                                  firn_status status, firn_error *err) {
  const char *names[2] = {NULL, NULL};
  size_t n = 0;
  for (size_t i = 0; i < n_done; i++) {
    firn_archive_table t = commit_order[i];
    if (g->committed.n_rows[t] > rows_before[t]) {
      names[n++] = firn_archive_table_name(t);
    }
  }
  if (n == 0) {
    return status;
  }
  return firn_error_while(err, status, "the rows of %s%s%s are committed, others are not", names[0],
                          n > 1 ? " and " : "", n > 1 ? names[1] : "");
}

firn_status firn_ingest_commit(firn_ingest *g, firn_ctx *ctx, firn_error *err) {
  bool is_any = uncommitted_rows(g) > 0;
  int64_t rows_before[FIRN_ARCHIVE_N_TABLES];
  memcpy(rows_before, g->committed.n_rows, sizeof rows_before);
  for (size_t i = 0; i < FIRN_COUNT_OF(commit_order); i++) {
    firn_status status = commit_table(g, ctx, commit_order[i], err);
    if (status != FIRN_OK) {
      return say_what_is_in(g, i, rows_before, status, err);
    }
  }
  g->committed.bytes_in = g->counts.bytes_in;
  g->committed.n_commits += is_any;
  g->counts.n_commits = g->committed.n_commits;
  g->last_commit_us = firn_ctx_monotonic_us(ctx);
  return FIRN_OK;
}

const firn_ingest_counts *firn_ingest_committed(const firn_ingest *g) {
  return &g->committed;
}

void firn_ingest_close(firn_ingest *g, firn_ctx *ctx) {
  if (g == NULL) {
    return;
  }
  for (size_t i = 0; i < g->n_workers; i++) {
    firn_archive_writer_close(g->workers[i].writer, ctx);
    firn_event_block_free(&g->workers[i].block);
  }
  firn_free(g->workers);
  firn_archive_tables_release(g->tables);
  firn_free(g);
}
