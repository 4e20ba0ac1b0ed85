#include "services/indexer/changes_internal.h"

#include "iceberg/scan/files.h"

enum { MANIFEST_MAX = 256 << 20 };

/* The data manifests of one snapshot. */
typedef struct manifests {
  size_t n;
  const firn_manifest_file *items;
  firn_path_set paths;
} manifests;

typedef struct reading {
  const firn_metadata *metadata;
  firn_stores *stores;
  firn_ctx *ctx;
  firn_changes *out;
  size_t added_capacity, removed_capacity;
  firn_path_set added; /* paths of out->added, while removed ones are looked for */
} reading;

typedef firn_status (*on_file)(reading *r, const firn_data_file *file, firn_error *err);

static firn_status list_manifests(reading *r, const firn_snapshot *snapshot, firn_arena *arena,
                                  manifests *out, firn_error *err) {
  if (snapshot == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_snapshot_manifests(snapshot, r->stores, NULL, r->ctx, arena, &out->items, &out->n, err));
  for (size_t i = 0; i < out->n; i++) {
    FIRN_TRY(firn_path_set_add(&out->paths, out->items[i].path, err));
  }
  return FIRN_OK;
}

static firn_status read_entries(reading *r, const firn_manifest_file *manifest, firn_bytes bytes,
                                on_file each, firn_error *err) {
  FIRN_AUTO_MANIFEST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&bytes), r->ctx, manifest, r->metadata, &reader, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_ctx_check(r->ctx, err));
    FIRN_TRY(firn_manifest_next(reader, r->ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    if (entry->status != FIRN_ENTRY_DELETED && entry->file.content == FIRN_CONTENT_DATA) {
      FIRN_TRY(each(r, &entry->file, err));
    }
  }
}

static firn_status read_manifest(reading *r, const firn_manifest_file *manifest, on_file each,
                                 firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  firn_status status =
      firn_object_read(r->stores, NULL, r->ctx, manifest->path, MANIFEST_MAX, &arena, &bytes, err);
  if (status == FIRN_OK) {
    status = read_entries(r, manifest, bytes, each, err);
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest %s", manifest->path);
}

/* The live files of those manifests that `others` do not have. */
static firn_status read_manifests(reading *r, const manifests *m, const manifests *others, on_file each,
                                  firn_error *err) {
  for (size_t i = 0; i < m->n; i++) {
    const firn_manifest_file *manifest = &m->items[i];
    if (!manifest->is_deletes && !firn_path_set_has(&others->paths, firn_bytes_of(manifest->path))) {
      FIRN_TRY(read_manifest(r, manifest, each, err));
    }
  }
  return FIRN_OK;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the files of a snapshot");
}

static firn_status copy_tuple(const reading *r, firn_data_file *file, firn_error *err) {
  const firn_partition_spec *spec = firn_metadata_spec(r->metadata, file->spec_id);
  size_t n = spec == NULL || file->partition == NULL ? 0 : spec->n_fields;
  firn_value *tuple = firn_new_n(&r->out->arena, firn_value, n);
  if (tuple == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_value_copy(&file->partition[i], &r->out->arena, &tuple[i], err));
  }
  file->partition = tuple;
  return FIRN_OK;
}

static firn_status add_file(reading *r, const firn_data_file *from, firn_error *err) {
  firn_changes *out = r->out;
  firn_data_file file = {.content = from->content,
                         .path = firn_arena_text(&out->arena, firn_bytes_of(from->path)),
                         .format = firn_arena_text(&out->arena, firn_bytes_of(from->format)),
                         .spec_id = from->spec_id,
                         .partition = from->partition,
                         .record_count = from->record_count,
                         .size_bytes = from->size_bytes};
  out->added = firn_arena_grow(&out->arena, out->added, out->n_added, &r->added_capacity, sizeof *out->added);
  if (out->added == NULL || file.path == NULL || file.format == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(copy_tuple(r, &file, err));
  out->added[out->n_added++] = file;
  return firn_path_set_add(&r->added, file.path, err);
}

static firn_status remove_file(reading *r, const firn_data_file *file, firn_error *err) {
  firn_changes *out = r->out;
  if (firn_path_set_has(&r->added, firn_bytes_of(file->path))) {
    return FIRN_OK; /* it went into another manifest */
  }
  out->removed =
      firn_arena_grow(&out->arena, out->removed, out->n_removed, &r->removed_capacity, sizeof *out->removed);
  const char *path = firn_arena_text(&out->arena, firn_bytes_of(file->path));
  if (out->removed == NULL || path == NULL) {
    return no_memory(err);
  }
  out->removed[out->n_removed++] = path;
  return FIRN_OK;
}

static firn_status compare(reading *r, const firn_snapshot *from, const firn_snapshot *to, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  manifests before = {0}, after = {0};
  firn_status status = list_manifests(r, from, &arena, &before, err);
  if (status == FIRN_OK) {
    status = list_manifests(r, to, &arena, &after, err);
  }
  if (status == FIRN_OK) {
    status = read_manifests(r, &after, &before, add_file, err);
  }
  if (status == FIRN_OK) {
    status = read_manifests(r, &before, &after, remove_file, err);
  }
  firn_path_set_free(&before.paths);
  firn_path_set_free(&after.paths);
  return status;
}

firn_status firn_changes_read(const firn_metadata *metadata, const firn_snapshot *from,
                              const firn_snapshot *to, firn_stores *stores, firn_ctx *ctx, firn_changes *out,
                              firn_error *err) {
  firn_changes changes = {.arena = FIRN_ARENA_INIT(0), .is_whole = from == NULL};
  reading r = {.metadata = metadata, .stores = stores, .ctx = ctx, .out = &changes};
  firn_status status = compare(&r, from, to, err);
  firn_path_set_free(&r.added);
  if (status != FIRN_OK) {
    firn_changes_free(&changes);
    return status;
  }
  *out = changes;
  return FIRN_OK;
}

void firn_changes_free(firn_changes *c) {
  firn_arena_free(&c->arena);
  *c = (firn_changes){0};
}
