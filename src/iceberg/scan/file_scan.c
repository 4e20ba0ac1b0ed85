#include "iceberg/scan/file_scan.h"

#include <strings.h>

#include "base/alloc.h"
#include "iceberg/scan/name_mapping.h"
#include "iceberg/scan/project.h"

enum { DEFAULT_BATCH = 4096 };

struct firn_file_scan {
  const firn_reading *reading;
  const firn_scan_task *task;
  size_t batch_rows;
  firn_arena arena; /* what lives as long as the file is open */
  firn_parquet_object object;
  firn_parquet_file *parquet;
  firn_projection projection;
  size_t n_columns; /* that come from the file */
  uint32_t *columns;
  size_t next_group;           /* the first row group that has not been looked at */
  int64_t next_row, end_row;   /* of the run of row groups that is being read */
  firn_parquet_reader *reader; /* over that run; NULL: no column comes from the file, or the run is over */
  int64_t first_row;           /* of the batch that came last */
  firn_arena batch_arena;
  firn_batch batch;
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to read a data file");
}

/* Some writers record a wrong size: where the file does not open by it, the store is asked. */
static firn_status open_parquet(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  const firn_data_file *file = &s->task->file;
  FIRN_TRY(firn_parquet_object_find(s->reading->stores, &s->reading->moved, ctx, file->path,
                                    (uint64_t)file->size_bytes, &s->arena, &s->object, err));
  firn_status status =
      firn_parquet_file_open(firn_parquet_object_source(&s->object), ctx, 0, 0, &s->parquet, err);
  if (status != FIRN_CORRUPT) {
    return status;
  }
  firn_object_info info;
  FIRN_TRY(firn_store_stat(s->object.store, ctx, s->object.path, &info, err));
  s->object.size_bytes = info.size_bytes; /* the same again fails the same again, with its reason */
  return firn_parquet_file_open(firn_parquet_object_source(&s->object), ctx, 0, 0, &s->parquet, err);
}

/* The file's schema with field ids: its own, or those of the name mapping. */
static firn_status file_schema(firn_file_scan *s, firn_field *out, firn_error *err) {
  const firn_field *own = firn_parquet_file_metadata(s->parquet)->schema;
  *out = *own;
  if (firn_field_has_ids(own)) {
    return FIRN_OK;
  }
  if (s->reading->mapping == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the file has no field ids and the table no schema.name-mapping.default");
  }
  return firn_name_mapping_apply(s->reading->mapping, own, &s->arena, out, err);
}

/* Which columns the projection takes from the file; renumbers it to what a reader of just those yields. */
static firn_status choose_columns(firn_file_scan *s, firn_error *err) {
  s->columns = firn_new_n(&s->arena, uint32_t, s->reading->root.n_children);
  if (s->columns == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < s->projection.n_children; i++) {
    firn_projection *p = &s->projection.children[i];
    if (p->from_file) {
      s->columns[s->n_columns] = p->child;
      p->child = (uint32_t)s->n_columns++;
    }
  }
  return FIRN_OK;
}

static firn_status open_all(firn_file_scan *s, firn_ctx *ctx, firn_error *err) {
  const firn_data_file *file = &s->task->file;
  if (strcasecmp(file->format, "parquet") != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "data files in %s cannot be read, only Parquet",
                          file->format);
  }
  const firn_partition_spec *spec = firn_metadata_spec(s->reading->metadata, file->spec_id);
  if (spec == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "the table has no partition spec %d", file->spec_id);
  }
  if (s->reading->is_exact && s->task->residual != NULL && s->task->residual->op != FIRN_EXPR_TRUE) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "rows are not filtered yet");
  }
  FIRN_TRY(open_parquet(s, ctx, err));
  firn_field own;
  FIRN_TRY(file_schema(s, &own, err));
  FIRN_TRY(firn_projection_new(&s->reading->root, &own, file, spec, &s->arena, &s->projection, err));
  return choose_columns(s, err);
}

firn_status firn_file_scan_open(const firn_reading *reading, const firn_scan_task *task, firn_ctx *ctx,
                                firn_file_scan **out, firn_error *err) {
  FIRN_AUTO_FILE_SCAN *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return no_memory(err);
  }
  s->reading = reading;
  s->task = task;
  s->batch_rows = reading->batch_rows == 0 ? DEFAULT_BATCH : reading->batch_rows;
  firn_status status = open_all(s, ctx, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "data file %s", task->file.path);
  }
  *out = FIRN_HAND_OVER(s);
  return FIRN_OK;
}

/* Whether a row group belongs to the task: it begins within its part of the file. A place behind the recorded
 * end is taken as the last byte, so that some task of the file has it. */
static bool is_of_task(const firn_file_scan *s, const firn_parquet_row_group *g) {
  uint64_t at = firn_parquet_file_metadata(s->parquet)->n_leaves == 0 ? 0 : (uint64_t)g->chunks[0].offset;
  uint64_t size = (uint64_t)s->task->file.size_bytes;
  at = size > 0 && at >= size ? size - 1 : at;
  return at >= s->task->start && at - s->task->start < s->task->length;
}

/* The next run of row groups of the task; `*found` false when there is none. */
static firn_status next_run(firn_file_scan *s, bool *found, firn_error *err) {
  const firn_parquet_metadata *m = firn_parquet_file_metadata(s->parquet);
  while (s->next_group < m->n_row_groups &&
         (m->row_groups[s->next_group].n_rows == 0 || !is_of_task(s, &m->row_groups[s->next_group]))) {
    s->next_group++;
  }
  *found = s->next_group < m->n_row_groups;
  if (!*found) {
    return FIRN_OK;
  }
  s->next_row = s->end_row = m->row_groups[s->next_group].first_row;
  while (s->next_group < m->n_row_groups && is_of_task(s, &m->row_groups[s->next_group])) {
    s->end_row += m->row_groups[s->next_group].n_rows;
    s->next_group++;
    if (s->reading->counts != NULL) {
      s->reading->counts->row_groups++;
    }
  }
  firn_parquet_reader_close(s->reader);
  s->reader = NULL;
  firn_parquet_reader_options options = {.n_columns = s->n_columns,
                                         .columns = s->columns,
                                         .batch_rows = s->batch_rows,
                                         .first_row = s->next_row,
                                         .n_rows = s->end_row - s->next_row};
  return s->n_columns == 0 ? FIRN_OK : firn_parquet_reader_open(s->parquet, &options, &s->reader, err);
}

/* The next rows of the run; `*n_rows` 0 when it is over. */
static firn_status read_rows(firn_file_scan *s, firn_ctx *ctx, const firn_vector **vectors, size_t *n_rows,
                             firn_error *err) {
  *vectors = NULL;
  *n_rows = 0;
  if (s->reader != NULL) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(s->reader, ctx, &batch, err));
    if (batch != NULL) {
      *vectors = batch->columns;
      *n_rows = batch->n_rows;
    }
  } else {
    int64_t left = s->end_row - s->next_row;
    *n_rows = left < (int64_t)s->batch_rows ? (size_t)left : s->batch_rows;
  }
  s->first_row = s->next_row;
  s->next_row += (int64_t)*n_rows;
  return FIRN_OK;
}

static firn_status project(firn_file_scan *s, const firn_vector *vectors, size_t n_rows, firn_error *err) {
  firn_arena_reset(&s->batch_arena);
  s->batch = (firn_batch){.schema = &s->reading->root, .n_rows = n_rows};
  s->batch.columns = firn_new_n(&s->batch_arena, firn_vector, s->projection.n_children);
  if (s->batch.columns == NULL) {
    return no_memory(err);
  }
  for (uint32_t i = 0; i < s->projection.n_children; i++) {
    FIRN_TRY(firn_projection_apply(&s->projection.children[i], vectors, n_rows, &s->batch_arena,
                                   &s->batch.columns[i], err));
  }
  return FIRN_OK;
}

static firn_status next(firn_file_scan *s, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  *out = NULL;
  FIRN_TRY(firn_ctx_check(ctx, err));
  for (;;) {
    const firn_vector *vectors;
    size_t n_rows;
    FIRN_TRY(read_rows(s, ctx, &vectors, &n_rows, err));
    if (n_rows > 0) {
      FIRN_TRY(project(s, vectors, n_rows, err));
      *out = &s->batch;
      return FIRN_OK;
    }
    bool found;
    FIRN_TRY(next_run(s, &found, err));
    if (!found) {
      return FIRN_OK;
    }
  }
}

firn_status firn_file_scan_next(firn_file_scan *s, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  firn_status status = next(s, ctx, out, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "data file %s", s->task->file.path);
  }
  if (*out != NULL && s->reading->counts != NULL) {
    s->reading->counts->rows += (int_fast64_t)(*out)->n_rows;
  }
  return FIRN_OK;
}

int64_t firn_file_scan_row(const firn_file_scan *s, size_t i) {
  return s->first_row + (int64_t)i;
}

void firn_file_scan_close(firn_file_scan *s) {
  if (s == NULL) {
    return;
  }
  firn_parquet_reader_close(s->reader);
  firn_parquet_file_close(s->parquet);
  firn_arena_free(&s->batch_arena);
  firn_arena_free(&s->arena);
  firn_free(s);
}

void firn_file_scan_close_pointer(firn_file_scan **s) {
  firn_file_scan_close(*s);
}
