#include <stdio.h>

#include "base/log.h"
#include "events/fetch_key.h"
#include "services/indexer/event_rows_internal.h"
#include "services/indexer/indexer_internal.h"

enum { MAX_WARNED = 10000 };

bool firn_indexer_is_local(firn_status status) {
  switch (status) {
    case FIRN_INVALID:
    case FIRN_NOT_FOUND:
    case FIRN_CORRUPT:
    case FIRN_UNSUPPORTED:
    case FIRN_DENIED:
    case FIRN_LIMIT:
    case FIRN_IO:
      return true;
    default:
      return false;
  }
}

/* Each file once: a path is remembered as long as there is room and memory for it. */
void firn_indexer_warn(firn_indexer *x, firn_ctx *ctx, const char *path, const firn_error *err) {
  firn_metric_add(ctx, &firn_indexer_metrics, FIRN_INDEXER_UNREAD, 1);
  if (firn_path_set_has(&x->warned, firn_bytes_of(path))) {
    return;
  }
  FIRN_LOG_WITH(ctx, FIRN_LOG_WARN, "a data file is not indexed", FIRN_LOG_TEXT("file", path),
                FIRN_LOG_TEXT("reason", err->text));
  const char *copy = x->warned.n < MAX_WARNED ? firn_arena_text(&x->warned_arena, firn_bytes_of(path)) : NULL;
  if (copy != NULL) {
    FIRN_IGNORE(firn_path_set_add(&x->warned, copy, NULL)); /* else it is told again */
  }
}

firn_status firn_indexing_begin(firn_indexer *x, firn_ctx *ctx, firn_indexing *out, firn_error *err) {
  *out = (firn_indexing){.x = x, .ctx = ctx, .begun_us = firn_ctx_monotonic_us(ctx)};
  return firn_index_load_begin(x->options.index, ctx, &out->load, err);
}

bool firn_indexing_is_full(const firn_indexing *g) {
  return g->n_rows >= g->x->options.max_rows;
}

firn_status firn_indexing_commit(firn_indexing *g, firn_error *err) {
  firn_indexer *x = g->x;
  FIRN_TRY(firn_index_load_commit(g->load, g->ctx, err));
  firn_metric_add(g->ctx, &firn_indexer_metrics, FIRN_INDEXER_FILES, g->n_files);
  firn_metric_add(g->ctx, &firn_indexer_metrics, FIRN_INDEXER_ROWS, g->n_rows);
  firn_metric_add(g->ctx, &firn_indexer_metrics, FIRN_INDEXER_GONE, g->n_gone);
  firn_metric_observe(g->ctx, &firn_indexer_metrics, FIRN_INDEXER_LOAD_US,
                      firn_ctx_monotonic_us(g->ctx) - g->begun_us);
  if (x->options.progress != NULL) {
    x->options.progress(x->options.arg, g->n_files, g->n_rows);
  }
  return FIRN_OK;
}

void firn_indexing_end(firn_indexing *g) {
  firn_index_load_close(g->load);
  g->load = NULL;
}

static firn_status add_rows(firn_indexing *g, firn_event_rows *rows, bool *is_files_fault, firn_error *err) {
  for (;;) {
    const firn_index_row *row;
    firn_status status = firn_event_rows_next(rows, g->ctx, &row, err);
    if (status != FIRN_OK) {
      *is_files_fault = firn_indexer_is_local(status);
      return status;
    }
    if (row == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_index_load_row(g->load, g->ctx, row, err));
    g->n_rows++;
  }
}

firn_status firn_indexing_add(firn_indexing *g, const firn_indexed_table *table,
                              const firn_metadata *metadata, const firn_data_file *file,
                              firn_file_outcome *out, firn_error *err) {
  firn_bytes path;
  *out = FIRN_FILE_ADDED;
  if (firn_fetch_key_path(file->path, g->x->options.warehouse, &path, err) != FIRN_OK) {
    firn_indexer_warn(g->x, g->ctx, file->path, err);
    *out = FIRN_FILE_FOREIGN;
    return FIRN_OK;
  }
  firn_status status = firn_index_load_file(g->load, g->ctx, table->name, (const char *)path.data, err);
  if (status == FIRN_EXISTS) {
    *out = FIRN_FILE_KNOWN;
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_AUTO_EVENT_ROWS *rows = NULL;
  bool is_files_fault = false;
  status = firn_event_rows_open(metadata, g->x->options.stores, file, g->ctx, &rows, err);
  if (status != FIRN_OK) {
    is_files_fault = firn_indexer_is_local(status);
  } else {
    status = add_rows(g, rows, &is_files_fault, err);
  }
  if (is_files_fault) {
    *out = FIRN_FILE_UNREAD;
  }
  g->n_files += status == FIRN_OK;
  return status;
}

firn_status firn_indexing_remove(firn_indexing *g, const char *path, firn_error *err) {
  g->n_gone++;
  return firn_index_load_gone(g->load, g->ctx, path, err);
}

static void keep_problem(firn_indexed_table *t, const firn_error *err) {
  (void)snprintf(t->problem, sizeof t->problem, "table %s is not followed: %.300s", t->name, err->text);
}

firn_status firn_indexed_table_load(firn_indexer *x, firn_ctx *ctx, firn_indexed_table *t, firn_error *err) {
  firn_error own; /* of this table only */
  FIRN_AUTO_TABLE table = {0};
  firn_metadata_unref(t->metadata);
  t->metadata = NULL;
  firn_status status = firn_catalog_table_load(x->options.catalog, ctx, t->id, &table, &own);
  if (status == FIRN_OK) {
    t->metadata = FIRN_HAND_OVER(table.metadata);
    return FIRN_OK;
  }
  if (!firn_indexer_is_local(status)) {
    return firn_error_set(err, status, "%s", own.text);
  }
  keep_problem(t, &own);
  return FIRN_OK;
}
