#include "iceberg/commit/holds.h"

#include <string.h>

#include "iceberg/commit/table_file.h"

static const size_t file_max_bytes = (size_t)1 << 30;

typedef struct looking {
  firn_stores *stores;
  firn_ctx *ctx;
  const firn_metadata *metadata;
  const char *const *paths;
  size_t n;
  bool *held;
} looking;

static void look_for(const looking *l, const char *path) {
  size_t low = 0, high = l->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(path, l->paths[middle]);
    if (order == 0) {
      l->held[middle] = true;
      return;
    }
    low = order > 0 ? middle + 1 : low;
    high = order < 0 ? middle : high;
  }
}

static firn_status look_into(const looking *l, const firn_manifest_file *m, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(l->stores, l->ctx, m->path, file_max_bytes, &arena, &bytes, err));
  FIRN_AUTO_MANIFEST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&bytes), l->ctx, m, l->metadata, &reader, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_ctx_check(l->ctx, err));
    FIRN_TRY(firn_manifest_next(reader, l->ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    if (entry->status != FIRN_ENTRY_DELETED) {
      look_for(l, entry->file.path);
    }
  }
}

static firn_status look_into_manifest(const looking *l, const firn_manifest_file *m, firn_error *err) {
  if (m->is_deletes) {
    return FIRN_OK;
  }
  firn_status status = look_into(l, m, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "manifest %s", m->path);
}

static firn_status look_into_list(const looking *l, const char *list, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(l->stores, l->ctx, list, file_max_bytes, &arena, &bytes, err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), l->ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, l->ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(look_into_manifest(l, m, err));
  }
}

firn_status firn_snapshot_holds(firn_stores *stores, firn_ctx *ctx, const firn_metadata *metadata,
                                const firn_snapshot *snapshot, const char *const *paths, size_t n, bool *held,
                                firn_error *err) {
  const looking l = {
      .stores = stores, .ctx = ctx, .metadata = metadata, .paths = paths, .n = n, .held = held};
  memset(held, 0, n * sizeof *held);
  for (size_t i = 0; snapshot->manifest_list == NULL && i < snapshot->n_manifests; i++) {
    const firn_manifest_file m = {.path = snapshot->manifests[i], .spec_id = -1};
    FIRN_TRY(look_into_manifest(&l, &m, err));
  }
  if (snapshot->manifest_list == NULL) {
    return FIRN_OK;
  }
  firn_status status = look_into_list(&l, snapshot->manifest_list, err);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "manifest list %s", snapshot->manifest_list);
}
