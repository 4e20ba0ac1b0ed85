#include "iceberg/scan/scan.h"

#include "base/alloc.h"

struct firn_scan {
  firn_arena arena; /* schema, name mapping */
  firn_reading reading;
  const firn_schema *schema;
  const firn_expr *filter;    /* bound; NULL: none */
  firn_tasks *tasks;          /* NULL: the table is empty */
  const firn_data_file *only; /* instead of `tasks`; NULL when it has been opened */
  firn_scan_task task;        /* the file that is being read */
  firn_file_scan *file;
};

static const firn_schema *schema_to_read(const firn_scan_options *o, const firn_snapshot *snapshot) {
  if (o->snapshot != NULL && snapshot->has_schema_id) {
    const firn_schema *schema = firn_metadata_schema(o->metadata, snapshot->schema_id);
    if (schema != NULL) {
      return schema;
    }
  }
  return firn_metadata_current_schema(o->metadata);
}

static firn_status choose_columns(firn_scan *s, const firn_scan_options *o, firn_error *err) {
  firn_field *root = &s->reading.root;
  *root = s->schema->root;
  if (o->columns == NULL) {
    return FIRN_OK;
  }
  firn_field *chosen = firn_new_n(&s->arena, firn_field, o->n_columns);
  if (chosen == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu columns", o->n_columns);
  }
  for (size_t i = 0; i < o->n_columns; i++) {
    const firn_field *field = firn_field_child(&s->schema->root, o->columns[i]);
    if (field == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND, "the table has no column %s", o->columns[i]);
    }
    chosen[i] = *field;
  }
  root->children = chosen;
  root->n_children = (uint32_t)o->n_columns;
  return FIRN_OK;
}

static firn_status read_mapping(firn_scan *s, firn_error *err) {
  const char *text = firn_metadata_property(s->reading.metadata, "schema.name-mapping.default");
  if (text == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_tree_read(firn_bytes_of(text), &s->arena, &s->reading.mapping, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "property schema.name-mapping.default");
}

firn_status firn_scan_open(const firn_scan_options *options, firn_ctx *ctx, firn_scan **out,
                           firn_error *err) {
  FIRN_AUTO_SCAN *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a scan");
  }
  s->reading = (firn_reading){.metadata = options->metadata,
                              .stores = options->stores,
                              .moved = options->moved,
                              .batch_rows = options->batch_rows,
                              .is_exact = true,
                              .never_skip = options->never_skip,
                              .counts = options->counts};
  const firn_snapshot *snapshot =
      options->snapshot != NULL ? options->snapshot : firn_metadata_current_snapshot(options->metadata);
  s->schema = schema_to_read(options, snapshot);
  FIRN_TRY(choose_columns(s, options, err));
  FIRN_TRY(read_mapping(s, err));
  if (options->filter != NULL) {
    FIRN_TRY(firn_expr_bind(options->filter, s->schema, false, &s->arena, &s->filter, err));
  }
  s->only = options->file;
  if (s->only == NULL && snapshot != NULL) {
    firn_files_options files = {.metadata = s->reading.metadata,
                                .snapshot = snapshot,
                                .stores = s->reading.stores,
                                .moved = &s->reading.moved,
                                .schema = s->schema,
                                .filter = options->never_skip ? NULL : s->filter,
                                .counts = options->counts};
    FIRN_TRY(firn_tasks_open(&files, SIZE_MAX, ctx, &s->tasks, err));
  }
  *out = FIRN_HAND_OVER(s);
  return FIRN_OK;
}

const firn_field *firn_scan_schema(const firn_scan *s) {
  return &s->reading.root;
}

static firn_status next_file(firn_scan *s, firn_ctx *ctx, bool *is_over, firn_error *err) {
  *is_over = true;
  if (s->only != NULL) {
    s->task.file = *s->only;
    s->task.length = UINT64_MAX;
    s->task.residual = s->filter;
    s->only = NULL;
    *is_over = false;
  } else if (s->tasks != NULL) {
    FIRN_TRY(firn_tasks_next(s->tasks, ctx, &s->task, is_over, err));
    s->task.residual = s->reading.never_skip ? s->filter : s->task.residual;
  }
  return *is_over ? FIRN_OK : firn_file_scan_open(&s->reading, &s->task, ctx, &s->file, err);
}

firn_status firn_scan_next(firn_scan *s, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  *out = NULL;
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    if (s->file == NULL) {
      bool is_over;
      FIRN_TRY(next_file(s, ctx, &is_over, err));
      if (is_over) {
        return FIRN_OK;
      }
    }
    FIRN_TRY(firn_file_scan_next(s->file, ctx, out, err));
    if (*out != NULL) {
      return FIRN_OK;
    }
    firn_file_scan_close(s->file);
    s->file = NULL;
  }
}

void firn_scan_close(firn_scan *s) {
  if (s == NULL) {
    return;
  }
  firn_file_scan_close(s->file);
  firn_tasks_close(s->tasks);
  firn_arena_free(&s->task.arena);
  firn_arena_free(&s->arena);
  firn_free(s);
}

void firn_scan_close_pointer(firn_scan **s) {
  firn_scan_close(*s);
}
