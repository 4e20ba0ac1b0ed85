#include "iceberg/scan/scan.h"

#include <strings.h>

#include "base/alloc.h"
#include "iceberg/scan/name_mapping.h"
#include "iceberg/scan/project.h"

/* The file that is being read. */
typedef struct current_file {
  firn_arena arena;
  const char *location;
  firn_parquet_object object;
  firn_parquet_file *parquet;
  firn_parquet_reader *reader; /* NULL when no column comes from the file */
  firn_projection projection;
  int64_t next_row; /* without a reader: rows are counted only */
} current_file;

struct firn_scan {
  const firn_metadata *metadata;
  firn_stores *stores;
  firn_moved moved;
  size_t batch_rows;
  firn_arena arena; /* schema, name mapping */
  const firn_schema *schema;
  firn_field root; /* the chosen columns */
  const firn_json_value *mapping;
  firn_files *files;          /* NULL: the table is empty */
  const firn_data_file *only; /* instead of `files`; NULL when it has been opened */
  current_file file;
  firn_arena batch_arena;
  firn_batch batch;
};

enum { DEFAULT_BATCH = 4096 };

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
  s->root = s->schema->root;
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
  s->root.children = chosen;
  s->root.n_children = (uint32_t)o->n_columns;
  return FIRN_OK;
}

static firn_status read_mapping(firn_scan *s, firn_error *err) {
  const char *text = firn_metadata_property(s->metadata, "schema.name-mapping.default");
  if (text == NULL) {
    return FIRN_OK;
  }
  firn_status status = firn_json_tree_read(firn_bytes_of(text), &s->arena, &s->mapping, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "property schema.name-mapping.default");
}

firn_status firn_scan_open(const firn_scan_options *options, firn_ctx *ctx, firn_scan **out,
                           firn_error *err) {
  FIRN_AUTO_SCAN *s = firn_alloc(sizeof *s);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a scan");
  }
  s->metadata = options->metadata;
  s->stores = options->stores;
  s->moved = options->moved;
  s->batch_rows = options->batch_rows == 0 ? DEFAULT_BATCH : options->batch_rows;
  const firn_snapshot *snapshot =
      options->snapshot != NULL ? options->snapshot : firn_metadata_current_snapshot(options->metadata);
  s->schema = schema_to_read(options, snapshot);
  FIRN_TRY(choose_columns(s, options, err));
  FIRN_TRY(read_mapping(s, err));
  s->only = options->file;
  if (s->only == NULL && snapshot != NULL) {
    firn_files_options files = {
        .metadata = s->metadata, .snapshot = snapshot, .stores = s->stores, .moved = &s->moved};
    FIRN_TRY(firn_files_open(&files, ctx, &s->files, err));
  }
  *out = FIRN_HAND_OVER(s);
  return FIRN_OK;
}

const firn_field *firn_scan_schema(const firn_scan *s) {
  return &s->root;
}

static void close_file(current_file *f) {
  firn_parquet_reader_close(f->reader);
  firn_parquet_file_close(f->parquet);
  firn_arena_free(&f->arena);
  *f = (current_file){0};
}

/* The file's schema with field ids: its own, or those of the name mapping. */
static firn_status file_schema(firn_scan *s, firn_field *out, firn_error *err) {
  const firn_field *own = firn_parquet_file_metadata(s->file.parquet)->schema;
  *out = *own;
  if (firn_field_has_ids(own)) {
    return FIRN_OK;
  }
  if (s->mapping == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the file has no field ids and the table no schema.name-mapping.default");
  }
  return firn_name_mapping_apply(s->mapping, own, &s->file.arena, out, err);
}

/* Opens a reader over the columns that the projection takes from the file, and renumbers it to what the
 * reader yields. */
static firn_status open_reader(firn_scan *s, firn_error *err) {
  current_file *f = &s->file;
  uint32_t *columns = firn_new_n(&f->arena, uint32_t, s->root.n_children);
  if (columns == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %u columns", s->root.n_children);
  }
  size_t n = 0;
  for (uint32_t i = 0; i < f->projection.n_children; i++) {
    firn_projection *p = &f->projection.children[i];
    if (p->from_file) {
      columns[n] = p->child;
      p->child = (uint32_t)n++;
    }
  }
  if (n == 0) {
    return FIRN_OK;
  }
  firn_parquet_reader_options options = {.n_columns = n, .columns = columns, .batch_rows = s->batch_rows};
  return firn_parquet_reader_open(f->parquet, &options, &f->reader, err);
}

/* Some writers record a wrong size: where the file does not open by it, the store is asked. */
static firn_status open_parquet(firn_scan *s, firn_ctx *ctx, uint64_t recorded_bytes, firn_error *err) {
  current_file *f = &s->file;
  FIRN_TRY(firn_parquet_object_find(s->stores, &s->moved, ctx, f->location, recorded_bytes, &f->arena,
                                    &f->object, err));
  firn_status status =
      firn_parquet_file_open(firn_parquet_object_source(&f->object), ctx, 0, 0, &f->parquet, err);
  if (status != FIRN_CORRUPT) {
    return status;
  }
  firn_object_info info;
  FIRN_TRY(firn_store_stat(f->object.store, ctx, f->object.path, &info, err));
  f->object.size_bytes = info.size_bytes; /* the same again fails the same again, with its reason */
  return firn_parquet_file_open(firn_parquet_object_source(&f->object), ctx, 0, 0, &f->parquet, err);
}

static firn_status open_file(firn_scan *s, firn_ctx *ctx, const firn_data_file *file, firn_error *err) {
  current_file *f = &s->file;
  f->location = firn_arena_text(&f->arena, firn_bytes_of(file->path));
  if (f->location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  if (strcasecmp(file->format, "parquet") != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "data files in %s cannot be read, only Parquet",
                          file->format);
  }
  const firn_partition_spec *spec = firn_metadata_spec(s->metadata, file->spec_id);
  if (spec == NULL) {
    return firn_error_set(err, FIRN_CORRUPT, "the table has no partition spec %d", file->spec_id);
  }
  FIRN_TRY(open_parquet(s, ctx, (uint64_t)file->size_bytes, err));
  firn_field own;
  FIRN_TRY(file_schema(s, &own, err));
  FIRN_TRY(firn_projection_new(&s->root, &own, file, spec, &f->arena, &f->projection, err));
  return open_reader(s, err);
}

static firn_status next_batch(firn_scan *s, firn_ctx *ctx, bool *is_over, firn_error *err) {
  current_file *f = &s->file;
  const firn_vector *vectors = NULL;
  size_t n_rows = 0;
  if (f->reader != NULL) {
    const firn_batch *batch;
    FIRN_TRY(firn_parquet_reader_next(f->reader, ctx, &batch, err));
    if (batch != NULL) {
      vectors = batch->columns;
      n_rows = batch->n_rows;
    }
  } else {
    int64_t left = firn_parquet_file_metadata(f->parquet)->n_rows - f->next_row;
    n_rows = left < (int64_t)s->batch_rows ? (size_t)left : s->batch_rows;
    f->next_row += (int64_t)n_rows;
  }
  *is_over = n_rows == 0;
  firn_arena_reset(&s->batch_arena);
  s->batch = (firn_batch){.schema = &s->root, .n_rows = n_rows};
  s->batch.columns = firn_new_n(&s->batch_arena, firn_vector, s->root.n_children);
  if (s->batch.columns == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a batch");
  }
  for (uint32_t i = 0; i < s->root.n_children && n_rows > 0; i++) {
    FIRN_TRY(firn_projection_apply(&f->projection.children[i], vectors, n_rows, &s->batch_arena,
                                   &s->batch.columns[i], err));
  }
  return FIRN_OK;
}

/* NULL after the last. */
static firn_status next_file(firn_scan *s, firn_ctx *ctx, const firn_data_file **out, firn_error *err) {
  *out = s->only;
  s->only = NULL;
  if (*out == NULL && s->files != NULL) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_files_next(s->files, ctx, &entry, err));
    *out = entry == NULL ? NULL : &entry->file;
  }
  return FIRN_OK;
}

firn_status firn_scan_next(firn_scan *s, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  *out = NULL;
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    firn_status status = FIRN_OK;
    if (s->file.parquet == NULL) {
      const firn_data_file *file;
      FIRN_TRY(next_file(s, ctx, &file, err));
      if (file == NULL) {
        return FIRN_OK;
      }
      status = open_file(s, ctx, file, err);
    }
    bool is_over = false;
    if (status == FIRN_OK) {
      status = next_batch(s, ctx, &is_over, err);
    }
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "data file %s", s->file.location);
    }
    if (!is_over) {
      *out = &s->batch;
      return FIRN_OK;
    }
    close_file(&s->file);
  }
}

void firn_scan_close(firn_scan *s) {
  if (s == NULL) {
    return;
  }
  close_file(&s->file);
  firn_files_close(s->files);
  firn_arena_free(&s->batch_arena);
  firn_arena_free(&s->arena);
  firn_free(s);
}

void firn_scan_close_pointer(firn_scan **s) {
  firn_scan_close(*s);
}
