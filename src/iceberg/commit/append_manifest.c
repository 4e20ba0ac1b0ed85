/* The manifests of an append: new ones written, those of the parent read. */
#include <inttypes.h>
#include <string.h>

#include "iceberg/commit/append_manifest_internal.h"
#include "iceberg/commit/property.h"

enum { DEFAULT_TARGET = 4 << 20, SMALLEST_TARGET = 1 << 10, LARGEST_TARGET = 64 << 20 };

static const size_t list_max_bytes = (size_t)1 << 30;

firn_status firn_manifest_array_add(firn_manifest_array *a, const firn_manifest_file *m, firn_arena *arena,
                                    firn_error *err) {
  const firn_manifest_file **items = firn_arena_grow(arena, a->items, a->n, &a->capacity, sizeof *a->items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", a->n + 1);
  }
  items[a->n++] = m;
  a->items = items;
  return FIRN_OK;
}

firn_status firn_appending_wrote(firn_appending *a, const char *location, firn_error *err) {
  const char **items =
      firn_arena_grow(a->arena, a->written, a->n_written, &a->capacity_written, sizeof *a->written);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", a->n_written + 1);
  }
  items[a->n_written++] = location;
  a->written = items;
  return FIRN_OK;
}

/* --- a row of manifests being written --- */

static firn_status into_builder(void *self, firn_bytes data, firn_error *err) {
  firn_builder *b = self;
  firn_bytes unused;
  firn_builder_add(b, data);
  return firn_builder_finish(b, &unused, err);
}

size_t firn_manifest_target(const firn_metadata *base) {
  int64_t asked = firn_property_int64(&firn_metadata_get(base)->properties,
                                      FIRN_PROPERTY_MANIFEST_TARGET_BYTES, DEFAULT_TARGET);
  if (asked < SMALLEST_TARGET) {
    return SMALLEST_TARGET;
  }
  return asked > LARGEST_TARGET ? LARGEST_TARGET : (size_t)asked; /* one is held in memory while it is made */
}

void firn_manifest_row_close(firn_manifest_row *row) {
  firn_manifest_writer_close(row->writer);
  firn_builder_free(&row->bytes);
  row->writer = NULL;
}

static firn_status open_writer(firn_manifest_row *row, firn_error *err) {
  const firn_manifest_writer_options options = {
      .format_version = 2,
      .schema = row->schema,
      .spec = row->spec,
      .snapshot_id = row->a->snapshot_id,
      .codec = FIRN_CODEC_DEFLATE,
      .env = row->a->ctx->env,
  };
  firn_builder_reset(&row->bytes);
  return firn_manifest_writer_open(&options, (firn_avro_sink){into_builder, &row->bytes}, &row->writer, err);
}

firn_status firn_manifest_row_finish(firn_manifest_row *row, firn_error *err) {
  if (row->writer == NULL) {
    return FIRN_OK;
  }
  firn_appending *a = row->a;
  firn_manifest_file *made = firn_new(a->arena, firn_manifest_file);
  char *name = firn_arena_printf(a->arena, "%s-m%u.avro", a->uuid, a->n_manifest_files);
  const char *location = name == NULL ? NULL : firn_table_file_location(row->base, name, a->arena);
  if (made == NULL || location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a manifest");
  }
  a->n_manifest_files++;
  FIRN_TRY(firn_manifest_writer_finish(row->writer, a->arena, made, err));
  firn_manifest_writer_close(row->writer);
  row->writer = NULL;
  made->path = location;
  firn_bytes bytes;
  FIRN_TRY(firn_builder_finish(&row->bytes, &bytes, err));
  FIRN_TRY(firn_appending_wrote(a, location, err)); /* before it is there: a failed write may leave it */
  firn_status status = firn_table_file_write(a->catalog->stores, a->ctx, location, bytes, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "writing manifest %s", location);
  }
  return firn_manifest_array_add(row->into, made, a->arena, err);
}

firn_status firn_manifest_row_add(firn_manifest_row *row, const firn_manifest_entry *entry, firn_error *err) {
  if (row->writer == NULL) {
    FIRN_TRY(open_writer(row, err));
  }
  FIRN_TRY(firn_manifest_writer_add(row->writer, entry, err));
  if (firn_manifest_writer_size(row->writer) >= row->target_bytes) {
    return firn_manifest_row_finish(row, err);
  }
  return FIRN_OK;
}

/* --- the manifests of the new files --- */

static firn_status write_files_of(firn_appending *a, const firn_metadata *base,
                                  const firn_partition_spec *spec, firn_error *err) {
  FIRN_AUTO_MANIFEST_ROW row = {.a = a,
                                .base = base,
                                .spec = spec,
                                .schema = firn_metadata_schema_of_spec(base, spec),
                                .target_bytes = firn_manifest_target(base),
                                .into = &a->added};
  for (size_t i = 0; i < a->append->n_files; i++) {
    if (a->append->files[i].spec_id != spec->spec_id) {
      continue;
    }
    if (row.schema == NULL) {
      return firn_error_set(err, FIRN_INVALID, "partition spec %" PRId32 " is over a column that is gone",
                            spec->spec_id);
    }
    firn_manifest_entry entry = {
        .status = FIRN_ENTRY_ADDED, .snapshot_id = a->snapshot_id, .file = a->append->files[i]};
    FIRN_TRY(firn_manifest_row_add(&row, &entry, err));
  }
  return firn_manifest_row_finish(&row, err);
}

firn_status firn_append_write_manifests(firn_appending *a, const firn_metadata *base, firn_error *err) {
  if (a->has_manifests) {
    return FIRN_OK;
  }
  const firn_metadata_fields *m = firn_metadata_get(base);
  for (size_t i = m->n_specs; i > 0; i--) { /* newest spec first, as merging orders them */
    FIRN_TRY(write_files_of(a, base, &m->specs[i - 1], err));
  }
  a->has_manifests = true;
  return FIRN_OK;
}

/* --- the manifests of the parent --- */

firn_status firn_manifest_read_all(firn_appending *a, const firn_metadata *base, const firn_manifest_file *m,
                                   firn_entry_visit visit, void *arg, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(a->catalog->stores, a->ctx, m->path, list_max_bytes, &arena, &bytes, err));
  FIRN_AUTO_MANIFEST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&bytes), a->ctx, m, base, &reader, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_manifest_next(reader, a->ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(visit(arg, entry, err));
  }
}

static firn_status count_entry(void *arg, const firn_manifest_entry *entry, firn_error *err) {
  firn_manifest_file *m = arg;
  int32_t *files = entry->status == FIRN_ENTRY_ADDED      ? &m->n_added_files
                   : entry->status == FIRN_ENTRY_EXISTING ? &m->n_existing_files
                                                          : &m->n_deleted_files;
  int64_t *rows = entry->status == FIRN_ENTRY_ADDED      ? &m->n_added_rows
                  : entry->status == FIRN_ENTRY_EXISTING ? &m->n_existing_rows
                                                         : &m->n_deleted_rows;
  if (*files == INT32_MAX || __builtin_add_overflow(*rows, entry->file.record_count, rows)) {
    return firn_error_set(err, FIRN_CORRUPT, "more files or rows than can be counted");
  }
  *files += 1;
  return FIRN_OK;
}

/* Version 1 lists need not say what a manifest holds, version 2 must: then it is read and counted. */
static firn_status count_entries(firn_appending *a, const firn_metadata *base, firn_manifest_file *m,
                                 firn_error *err) {
  if (m->has_counts) {
    return FIRN_OK;
  }
  m->n_added_files = m->n_existing_files = m->n_deleted_files = 0;
  m->n_added_rows = m->n_existing_rows = m->n_deleted_rows = 0;
  firn_status status = firn_manifest_read_all(a, base, m, count_entry, m, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "counting the entries of manifest %s", m->path);
  }
  m->has_counts = true;
  return FIRN_OK;
}

static bool wrote(const firn_appending *a, const char *location) {
  for (size_t i = 0; i < a->n_written; i++) {
    if (strcmp(a->written[i], location) == 0) {
      return true;
    }
  }
  return false;
}

static firn_status read_parent(firn_appending *a, firn_append_attempt *attempt, firn_arena *scratch,
                               firn_manifest_array *data, firn_manifest_array *deletes, firn_error *err) {
  const firn_snapshot *parent = &attempt->parent;
  if (parent->manifest_list == NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "snapshot %" PRId64 " has no manifest list, as only old version 1 tables",
                          parent->snapshot_id);
  }
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(a->catalog->stores, a->ctx, parent->manifest_list, list_max_bytes, scratch,
                                &bytes, err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), a->ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, a->ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    firn_manifest_file *copy = firn_new(scratch, firn_manifest_file);
    if (copy == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for an entry of a manifest list");
    }
    FIRN_TRY(firn_manifest_file_copy(m, scratch, copy, err));
    FIRN_TRY(count_entries(a, attempt->base, copy, err));
    attempt->is_in_already = attempt->is_in_already || wrote(a, copy->path);
    FIRN_TRY(firn_manifest_array_add(copy->is_deletes ? deletes : data, copy, scratch, err));
  }
}

firn_status firn_append_gather(firn_appending *a, firn_append_attempt *attempt, firn_arena *scratch,
                               firn_error *err) {
  firn_manifest_array data = {0}, deletes = {0};
  for (size_t i = 0; i < a->added.n; i++) {
    FIRN_TRY(firn_manifest_array_add(&data, a->added.items[i], scratch, err));
  }
  if (attempt->has_parent) {
    firn_status status = read_parent(a, attempt, scratch, &data, &deletes, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "manifest list %s",
                              attempt->parent.manifest_list == NULL ? "" : attempt->parent.manifest_list);
    }
  }
  if (!a->append->fast &&
      firn_property_bool(&firn_metadata_get(attempt->base)->properties, FIRN_PROPERTY_MERGE_ENABLED, true)) {
    FIRN_TRY(firn_append_merge(a, attempt, &data, scratch, err));
  }
  for (size_t i = 0; i < deletes.n; i++) {
    FIRN_TRY(firn_manifest_array_add(&data, deletes.items[i], scratch, err));
  }
  attempt->manifests = data;
  return FIRN_OK;
}
