/* The rows of a table's snapshot: the engine's threads take files, and parts of large ones, from one list.
 * Where rows are only counted, or their metadata tells what is wanted of them, no file is opened. */
#include "services/sql/sources_internal.h"

#include "base/alloc.h"
#include "services/sql/summary_internal.h"

enum {
  SPLIT_MIN = 8 << 20,
  SPLIT_MAX = 128 << 20,
  PARTS_OF_A_THREAD = 4, /* about, so that none waits long for the last */
};

typedef struct table_source {
  firn_sql_source base;
  firn_table_view view;
} table_source;

typedef struct table_scan {
  firn_arena arena;
  firn_reading reading;
  firn_tasks *tasks;            /* NULL: there is no snapshot, or a summary of it instead */
  firn_summary summary;         /* of no use unless it is exact */
  atomic_int_fast64_t next_row; /* of the summary */
} table_scan;

typedef struct table_reader {
  table_scan *scan;
  firn_scan_task task;
  firn_file_scan *file; /* NULL: the next task is to be taken */
  firn_arena arena;     /* of `summary` */
  firn_batch summary;   /* a batch of it */
} table_reader;

static void scan_free(table_scan *s) {
  if (s != NULL) {
    firn_tasks_close(s->tasks);
    firn_arena_free(&s->arena);
    firn_free(s);
  }
}

static void scan_close(firn_sql_scan *scan) {
  scan_free((table_scan *)scan);
}

static firn_status choose_columns(table_scan *s, const firn_table_view *view, const uint32_t *columns,
                                  size_t n, firn_error *err) {
  firn_field *chosen = firn_new_n(&s->arena, firn_field, n + 1);
  if (chosen == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu columns", n);
  }
  for (size_t i = 0; i < n; i++) {
    chosen[i] = view->schema->root.children[columns[i]];
  }
  s->reading.root = view->schema->root;
  s->reading.root.children = chosen;
  s->reading.root.n_children = (uint32_t)n;
  return FIRN_OK;
}

static firn_status read_mapping(table_scan *s, firn_error *err) {
  const char *text = firn_metadata_property(s->reading.metadata, "schema.name-mapping.default");
  if (text == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_tree_read(firn_bytes_of(text), &s->arena, &s->reading.mapping, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "property schema.name-mapping.default");
}

static firn_files_options files_of(const table_source *t) {
  return (firn_files_options){
      .metadata = t->view.metadata,
      .snapshot = t->view.snapshot,
      .stores = t->view.stores,
      .moved = &t->view.moved,
      .schema = t->view.schema,
      .filter = t->base.filter,
      .counts = t->view.counts,
  };
}

/* A number of the snapshot's summary; a hint, nothing more. -1: it does not say. */
static int64_t summary_number(const firn_snapshot *snapshot, const char *key) {
  const char *text = firn_properties_get(&snapshot->summary, key);
  int64_t n = 0;
  for (const char *at = text; at != NULL && *at != 0; at++) {
    if (*at < '0' || *at > '9' || n > INT64_MAX / 10 - 1) {
      return -1;
    }
    n = n * 10 + (*at - '0');
  }
  return text == NULL || *text == 0 ? -1 : n;
}

/* Files are cut so that all threads have work until the end, and no finer: each part reads the footer again.
 */
static size_t split_of(const firn_table_view *view) {
  int64_t bytes = summary_number(view->snapshot, "total-files-size");
  int64_t parts = (int64_t)view->n_threads * PARTS_OF_A_THREAD;
  int64_t split = bytes < 0 || view->n_threads < 2 ? SPLIT_MAX : bytes / parts;
  return (size_t)(split < SPLIT_MIN ? SPLIT_MIN : split > SPLIT_MAX ? SPLIT_MAX : split);
}

static firn_status scan_prepare(table_scan *s, const table_source *t, const uint32_t *columns, size_t n,
                                firn_ctx *ctx, firn_error *err) {
  s->reading = (firn_reading){
      .metadata = t->view.metadata,
      .stores = t->view.stores,
      .moved = t->view.moved,
      .batch_rows = FIRN_SQL_BATCH_ROWS,
      .counts = t->view.counts,
  };
  FIRN_TRY(choose_columns(s, &t->view, columns, n, err));
  FIRN_TRY(read_mapping(s, err));
  if (n == 0 || t->base.is_summary) {
    FIRN_TRY(firn_summary_make(&t->view, t->base.filter, columns, n, ctx, &s->arena, &s->summary, err));
  }
  if (t->view.snapshot == NULL || s->summary.is_exact) {
    return FIRN_OK;
  }
  firn_files_options files = files_of(t);
  return firn_tasks_open(&files, split_of(&t->view), ctx, &s->tasks, err);
}

static firn_status scan_open(const firn_sql_source *source, const uint32_t *columns, size_t n, firn_ctx *ctx,
                             firn_sql_scan **out, firn_error *err) {
  const table_source *t = (const table_source *)source;
  table_scan *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a scan");
  }
  firn_status status = scan_prepare(s, t, columns, n, ctx, err);
  if (status != FIRN_OK) {
    scan_free(s);
    return firn_error_while(err, status, "table %s", t->view.table_name);
  }
  *out = (firn_sql_scan *)s;
  return FIRN_OK;
}

static double scan_progress(firn_sql_scan *scan) {
  table_scan *s = (table_scan *)scan;
  if (s->summary.is_exact && s->summary.n_rows > 0) {
    double done = (double)s->next_row / (double)s->summary.n_rows;
    return done < 1 ? done : 1;
  }
  return s->tasks == NULL ? 1 : firn_tasks_progress(s->tasks);
}

static void reader_close(firn_sql_reader *reader) {
  table_reader *r = (table_reader *)reader;
  if (r != NULL) {
    firn_file_scan_close(r->file);
    firn_arena_free(&r->task.arena);
    firn_arena_free(&r->arena);
    firn_free(r);
  }
}

static firn_status reader_open(firn_sql_scan *scan, firn_ctx *ctx, firn_sql_reader **out, firn_error *err) {
  (void)ctx;
  table_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to read a table");
  }
  r->scan = (table_scan *)scan;
  if (r->scan->summary.is_exact) {
    firn_status status =
        firn_summary_batch_new(&r->scan->summary, &r->scan->reading.root, &r->arena, &r->summary, err);
    if (status != FIRN_OK) {
      reader_close((firn_sql_reader *)r);
      return status;
    }
  }
  *out = (firn_sql_reader *)r;
  return FIRN_OK;
}

static void next_of_summary(table_reader *r, const firn_batch **out) {
  int64_t first = atomic_fetch_add(&r->scan->next_row, FIRN_SQL_BATCH_ROWS);
  firn_summary_rows(&r->scan->summary, first, &r->summary);
  *out = r->summary.n_rows == 0 ? NULL : &r->summary;
}

static firn_status next_file(table_reader *r, firn_ctx *ctx, bool *is_over, firn_error *err) {
  *is_over = r->scan->tasks == NULL;
  if (*is_over) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_tasks_next(r->scan->tasks, ctx, &r->task, is_over, err));
  return *is_over ? FIRN_OK : firn_file_scan_open(&r->scan->reading, &r->task, ctx, &r->file, err);
}

static firn_status reader_next(firn_sql_reader *reader, firn_ctx *ctx, const firn_batch **out,
                               firn_error *err) {
  table_reader *r = (table_reader *)reader;
  *out = NULL;
  if (r->scan->summary.is_exact) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    next_of_summary(r, out);
    return FIRN_OK;
  }
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    if (r->file == NULL) {
      bool is_over;
      FIRN_TRY(next_file(r, ctx, &is_over, err));
      if (is_over) {
        return FIRN_OK;
      }
    }
    FIRN_TRY(firn_file_scan_next(r->file, ctx, out, err));
    if (*out != NULL) {
      return FIRN_OK;
    }
    firn_file_scan_close(r->file);
    r->file = NULL;
  }
}

static const firn_sql_source_ops table_ops = {
    .open = scan_open,
    .progress = scan_progress,
    .close = scan_close,
    .reader_open = reader_open,
    .next = reader_next,
    .reader_close = reader_close,
};

firn_status firn_table_source_open(const firn_table_view *view, firn_sql_source **out, firn_error *err) {
  table_source *t = firn_alloc(sizeof *t);
  if (t == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the table %s", view->table_name);
  }
  t->view = *view;
  t->base = (firn_sql_source){
      .ops = &table_ops,
      .schema = &view->schema->root,
      .n_rows = view->snapshot == NULL ? 0 : summary_number(view->snapshot, "total-records"),
      .max_readers = view->n_threads == 0 ? 1 : view->n_threads,
      .is_text_checked = true,
  };
  *out = &t->base;
  return FIRN_OK;
}

const firn_schema *firn_source_filter_schema(const firn_sql_source *source) {
  return source->ops == &table_ops ? ((const table_source *)source)->view.schema : NULL;
}
