#include "iceberg/scan/files.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "iceberg/scan/files_internal.h"

enum {
  AHEAD_MAX = 8,         /* manifests whose first parts are read at once, where there is a pool */
  AHEAD_BYTES = 16 << 20 /* and together, about */
};

/* The filter, made ready for one partition spec. */
typedef struct spec_prune {
  int32_t spec_id;
  const firn_prune *prune;
} spec_prune;

struct firn_files {
  firn_files_options options;
  firn_moved moved;
  const firn_schema *schema;
  const firn_expr *filter; /* NULL: prunes nothing */
  firn_arena arena;        /* the chosen manifests, the filter's projections */
  size_t n_columns;
  const int32_t *columns; /* that the filter asks for */
  size_t n_prunes, capacity_prunes;
  spec_prune *prunes;

  firn_chosen_manifests manifests;
  size_t next_manifest; /* the first that is not read */
  size_t next_stream;   /* of `streams`: of the manifest that is read next */
  size_t n_streams;     /* of them are open */
  firn_object_stream streams[AHEAD_MAX];

  const firn_chosen_manifest *manifest; /* being read */
  firn_manifest_reader *reader;
  const firn_prune *prune; /* of its spec; NULL: prunes nothing */
  const firn_manifest_entry *entry;
  int64_t row_estimate; /* -1: unknown */
  int64_t rows_passed;
};

static const firn_expr every_row = {.op = FIRN_EXPR_TRUE};

static void count(atomic_int_fast64_t *counter) {
  (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void count_skipped(firn_files *f) {
  if (f->options.counts != NULL) {
    count(&f->options.counts->files_skipped);
  }
}

/* --- the filter --- */

/* For the spec, made when it is met first. A spec that the table does not know says nothing of partitions. */
static firn_status prune_for(firn_files *f, int32_t spec_id, const firn_prune **out, firn_error *err) {
  static const firn_partition_spec no_fields = {0};
  *out = NULL;
  if (f->filter == NULL) {
    return FIRN_OK;
  }
  for (size_t i = 0; i < f->n_prunes; i++) {
    if (f->prunes[i].spec_id == spec_id) {
      *out = f->prunes[i].prune;
      return FIRN_OK;
    }
  }
  const firn_partition_spec *spec = firn_metadata_spec(f->options.metadata, spec_id);
  spec_prune *prunes =
      firn_arena_grow(&f->arena, f->prunes, f->n_prunes, &f->capacity_prunes, sizeof *f->prunes);
  if (prunes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a filter");
  }
  f->prunes = prunes;
  FIRN_TRY(firn_prune_new(f->filter, spec == NULL ? &no_fields : spec, f->schema, &f->arena, out, err));
  prunes[f->n_prunes++] = (spec_prune){spec_id, *out};
  return FIRN_OK;
}

static firn_status may_hold_matches(void *arg, const firn_manifest_file *m, bool *may, firn_error *err) {
  firn_files *f = arg;
  bool has_live = !m->has_counts || m->n_added_files > 0 || m->n_existing_files > 0;
  *may = has_live && (f->filter == NULL || f->filter->op != FIRN_EXPR_FALSE);
  if (!*may || f->filter == NULL || m->spec_id < 0) {
    return FIRN_OK;
  }
  const firn_prune *prune;
  FIRN_TRY(prune_for(f, m->spec_id, &prune, err));
  *may = firn_prune_manifest(prune, m);
  return FIRN_OK;
}

static firn_status take_filter(firn_files *f, const firn_files_options *options, firn_error *err) {
  f->schema = options->schema != NULL ? options->schema : firn_metadata_current_schema(options->metadata);
  if (options->filter == NULL || options->filter->op == FIRN_EXPR_TRUE || options->never_skip) {
    return FIRN_OK;
  }
  f->filter = options->filter;
  return firn_expr_field_ids(f->filter, &f->arena, &f->columns, &f->n_columns, err);
}

/* --- opening --- */

static int64_t estimate_rows(const firn_files *f) {
  int64_t sum = 0;
  for (size_t i = 0; i < f->manifests.n; i++) {
    const firn_manifest_file *m = &f->manifests.items[i].file;
    int64_t existing = f->options.is_incremental ? 0 : m->n_existing_rows;
    if (!m->has_counts || __builtin_add_overflow(sum, m->n_added_rows, &sum) ||
        __builtin_add_overflow(sum, existing, &sum)) {
      return -1;
    }
  }
  return sum;
}

firn_status firn_files_open(const firn_files_options *options, firn_ctx *ctx, firn_files **out,
                            firn_error *err) {
  FIRN_AUTO_FILES *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to list data files");
  }
  f->options = *options;
  f->moved = options->moved == NULL ? (firn_moved){0} : *options->moved;
  FIRN_TRY(take_filter(f, options, err));
  FIRN_TRY(firn_manifests_choose(options, may_hold_matches, f, ctx, &f->arena, &f->manifests, err));
  f->row_estimate = estimate_rows(f);
  *out = FIRN_HAND_OVER(f);
  return FIRN_OK;
}

/* --- manifests --- */

static firn_status open_stream(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  firn_files *f = arg;
  const firn_manifest_file *m = &f->manifests.items[f->next_manifest + i].file;
  uint64_t size = m->size_bytes > 0 ? (uint64_t)m->size_bytes : 0;
  firn_status status =
      firn_object_stream_open(&f->streams[i], f->options.stores, &f->moved, ctx, m->path, size, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest %s", m->path);
}

/* Asks for the next manifests, several at once where others can help to wait. */
static firn_status open_streams(firn_files *f, firn_ctx *ctx, firn_error *err) {
  size_t n = 0;
  uint64_t bytes = 0;
  size_t most = ctx->env->pool == NULL ? 1 : AHEAD_MAX;
  while (n < most && f->next_manifest + n < f->manifests.n && (n == 0 || bytes < AHEAD_BYTES)) {
    bytes += (uint64_t)f->manifests.items[f->next_manifest + n++].file.size_bytes;
  }
  f->next_stream = 0;
  f->n_streams = 0;
  FIRN_TRY(firn_pool_for_each(ctx->env->pool, ctx, n, open_stream, f, err));
  f->n_streams = n;
  return FIRN_OK;
}

/* Asked of each entry while it is decoded. */
static bool is_wanted(void *arg, const firn_manifest_entry *entry) {
  firn_files *f = arg;
  bool is_added = entry->status == FIRN_ENTRY_ADDED && entry->snapshot_id == f->manifest->snapshot_id;
  if (f->options.is_incremental ? !is_added : entry->status == FIRN_ENTRY_DELETED) {
    return false;
  }
  int64_t passed;
  f->rows_passed =
      __builtin_add_overflow(f->rows_passed, entry->file.record_count, &passed) ? INT64_MAX : passed;
  if (f->prune != NULL && !firn_prune_partition(f->prune, entry->file.partition)) {
    count_skipped(f);
    return false;
  }
  return true;
}

static firn_status open_reader(firn_files *f, firn_ctx *ctx, firn_error *err) {
  if (f->next_stream == f->n_streams) {
    FIRN_TRY(open_streams(f, ctx, err));
  }
  f->manifest = &f->manifests.items[f->next_manifest++];
  f->prune = NULL; /* the spec is known when the head has been read */
  const firn_manifest_wishes wishes = {.only_columns = !f->options.with_statistics,
                                       .n_columns = f->n_columns,
                                       .columns = f->columns,
                                       .wants = is_wanted,
                                       .arg = f};
  firn_avro_source source = firn_object_stream_source(&f->streams[f->next_stream++]);
  FIRN_TRY(
      firn_manifest_open_for(source, ctx, &f->manifest->file, f->options.metadata, &wishes, &f->reader, err));
  return prune_for(f, firn_manifest_spec(f->reader)->spec_id, &f->prune, err);
}

static void close_reader(firn_files *f) {
  firn_manifest_close(f->reader);
  f->reader = NULL;
  f->entry = NULL;
}

/* --- entries --- */

/* The next entry of the manifest that may hold matches; NULL after its last. */
static firn_status next_entry(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out,
                              firn_error *err) {
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_manifest_next(f->reader, ctx, &entry, err));
    if (entry != NULL && entry->file.content != FIRN_CONTENT_DATA) {
      return firn_error_set(err, FIRN_UNSUPPORTED,
                            "manifest %s: %s is a delete file, which is not applied yet",
                            f->manifest->file.path, entry->file.path);
    }
    if (entry != NULL && f->prune != NULL && !firn_prune_file(f->prune, &entry->file)) {
      count_skipped(f);
      continue;
    }
    *out = entry;
    return FIRN_OK;
  }
}

firn_status firn_files_next(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out, firn_error *err) {
  *out = f->entry = NULL;
  while (f->entry == NULL) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    if (f->reader == NULL && f->next_manifest == f->manifests.n) {
      return FIRN_OK;
    }
    if (f->reader == NULL) {
      FIRN_TRY(open_reader(f, ctx, err));
    }
    FIRN_TRY(next_entry(f, ctx, &f->entry, err));
    if (f->entry == NULL) {
      close_reader(f);
    }
  }
  if (f->options.counts != NULL) {
    count(&f->options.counts->files);
  }
  *out = f->entry;
  return FIRN_OK;
}

firn_status firn_files_residual(firn_files *f, firn_arena *arena, const firn_expr **out, firn_error *err) {
  if (f->prune == NULL) {
    *out = f->options.filter == NULL ? &every_row : f->options.filter; /* TRUE, or never to be skipped by */
    return FIRN_OK;
  }
  if (firn_prune_file_surely(f->prune, &f->entry->file)) {
    *out = &every_row;
    return FIRN_OK;
  }
  return firn_prune_residual(f->prune, f->entry->file.partition, arena, out, err);
}

const firn_partition_spec *firn_files_spec(const firn_files *f) {
  return firn_manifest_spec(f->reader);
}

int64_t firn_files_row_estimate(const firn_files *f) {
  return f->row_estimate;
}

double firn_files_progress(const firn_files *f) {
  if (f->next_manifest == f->manifests.n && f->reader == NULL) {
    return 1;
  }
  double done = f->row_estimate > 0 ? (double)f->rows_passed / (double)f->row_estimate
                                    : (double)f->next_manifest / (double)(f->manifests.n + 1);
  return done < 1 ? done : 1;
}

void firn_files_close(firn_files *f) {
  if (f == NULL) {
    return;
  }
  firn_manifest_close(f->reader);
  for (size_t i = 0; i < AHEAD_MAX; i++) {
    firn_object_stream_close(&f->streams[i]);
  }
  firn_arena_free(&f->arena);
  firn_free(f);
}

void firn_files_close_pointer(firn_files **f) {
  firn_files_close(*f);
}
