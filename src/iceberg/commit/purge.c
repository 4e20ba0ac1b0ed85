#include "iceberg/commit/purge.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "iceberg/commit/property.h"
#include "iceberg/commit/table_file.h"
#include "iceberg/meta/manifest.h"

enum { BATCH_MAX = 1000, SEEN_FIRST = 1024 };

static const size_t manifest_max_bytes = (size_t)1 << 30;

/* Manifests that are done, by a hash of their path: snapshots share most of theirs. */
typedef struct seen_set {
  size_t n, size;
  uint64_t *hashes; /* 0: free */
} seen_set;

typedef struct purge {
  firn_stores *stores;
  firn_ctx *ctx;
  const firn_metadata *metadata;
  bool keeps_data;
  firn_purge_result result;
  seen_set seen;
  /* Data files waiting to be removed together. */
  firn_arena batch_arena;
  firn_store *batch_store;
  size_t n_batch;
  const char *batch[BATCH_MAX];
} purge;

static void note_failure(purge *p, const firn_error *err) {
  if (p->result.n_failed == 0) {
    p->result.first_failure = *err;
  }
  p->result.n_failed++;
}

/* What ends the whole purge instead of being counted. */
static bool ends_purge(firn_status status) {
  return status == FIRN_NOMEM || status == FIRN_CANCELLED || status == FIRN_TIMEOUT;
}

static firn_status pass_on(firn_error *err, firn_status status, const firn_error *failure) {
  if (err != NULL) {
    *err = *failure;
  }
  return status;
}

/* --- manifests seen --- */

static bool seen_grow(seen_set *s) {
  size_t size = s->size == 0 ? SEEN_FIRST : s->size * 2;
  uint64_t *hashes = firn_alloc(size * sizeof *hashes);
  if (hashes == NULL) {
    return false;
  }
  for (size_t i = 0; i < s->size; i++) {
    size_t at = s->hashes[i] & (size - 1);
    while (s->hashes[i] != 0 && hashes[at] != 0) {
      at = (at + 1) & (size - 1);
    }
    hashes[at] = s->hashes[i] != 0 ? s->hashes[i] : hashes[at];
  }
  firn_free(s->hashes);
  s->hashes = hashes;
  s->size = size;
  return true;
}

static firn_status seen_add(seen_set *s, const char *path, bool *is_new, firn_error *err) {
  if (s->n * 2 >= s->size && !seen_grow(s)) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to remember %zu manifests", s->n + 1);
  }
  uint64_t hash = firn_xxh64(firn_bytes_of(path)) | 1;
  size_t at = hash & (s->size - 1);
  while (s->hashes[at] != 0 && s->hashes[at] != hash) {
    at = (at + 1) & (s->size - 1);
  }
  *is_new = s->hashes[at] == 0;
  s->hashes[at] = hash;
  s->n += *is_new;
  return FIRN_OK;
}

/* --- removing --- */

static firn_status remove_batch(purge *p, firn_error *err) {
  if (p->n_batch == 0) {
    return FIRN_OK;
  }
  firn_status each[BATCH_MAX];
  firn_error failure = {0};
  firn_status status = firn_store_remove(p->batch_store, p->ctx, p->batch, p->n_batch, each, &failure);
  if (ends_purge(status)) {
    return pass_on(err, status, &failure);
  }
  for (size_t i = 0; i < p->n_batch; i++) {
    if (each[i] == FIRN_OK) {
      p->result.n_data_files++;
    } else {
      note_failure(p, &failure);
    }
  }
  p->n_batch = 0;
  firn_arena_reset(&p->batch_arena);
  return FIRN_OK;
}

static firn_status queue_data_file(purge *p, const char *location, firn_error *err) {
  firn_store *store;
  const char *path;
  firn_error failure = {0};
  if (p->n_batch == BATCH_MAX) {
    FIRN_TRY(remove_batch(p, err));
  }
  firn_status status = firn_stores_find(p->stores, location, &p->batch_arena, &store, &path, &failure);
  if (ends_purge(status)) {
    return pass_on(err, status, &failure);
  }
  if (status != FIRN_OK) {
    note_failure(p, &failure);
    return FIRN_OK;
  }
  if (p->n_batch > 0 && store != p->batch_store) {
    FIRN_TRY(remove_batch(p, err)); /* which empties the arena that `path` was in: once more */
    return queue_data_file(p, location, err);
  }
  p->batch_store = store;
  p->batch[p->n_batch++] = path;
  return FIRN_OK;
}

static firn_status remove_metadata_file(purge *p, const char *location, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *store;
  const char *path;
  firn_error failure = {0};
  firn_status status = firn_stores_find(p->stores, location, &arena, &store, &path, &failure);
  if (status == FIRN_OK) {
    status = firn_store_remove(store, p->ctx, &path, 1, NULL, &failure);
  }
  if (ends_purge(status)) {
    return pass_on(err, status, &failure);
  }
  if (status == FIRN_OK) {
    p->result.n_metadata_files++;
  } else {
    note_failure(p, &failure);
  }
  return FIRN_OK;
}

/* --- manifests --- */

static firn_status queue_entries(purge *p, const firn_manifest_file *m, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(p->stores, p->ctx, m->path, manifest_max_bytes, &arena, &bytes, err));
  FIRN_AUTO_MANIFEST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&bytes), p->ctx, m, p->metadata, &reader, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_ctx_check(p->ctx, err));
    FIRN_TRY(firn_manifest_next(reader, p->ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    /* Entries of status DELETED too: their files stay until every snapshot that had them has gone. */
    FIRN_TRY(queue_data_file(p, entry->file.path, err));
  }
}

static firn_status purge_manifest(purge *p, const firn_manifest_file *m, firn_error *err) {
  bool is_new;
  FIRN_TRY(seen_add(&p->seen, m->path, &is_new, err));
  if (!is_new) {
    return FIRN_OK;
  }
  uint64_t failed_before = p->result.n_failed;
  if (!p->keeps_data) {
    firn_error failure = {0};
    firn_status status = queue_entries(p, m, &failure);
    if (status == FIRN_NOT_FOUND) {
      return FIRN_OK; /* an earlier purge was here */
    }
    if (ends_purge(status)) {
      return pass_on(err, status, &failure);
    }
    if (status != FIRN_OK) {
      note_failure(p, &failure);
    }
    FIRN_TRY(remove_batch(p, err));
  }
  return p->result.n_failed == failed_before ? remove_metadata_file(p, m->path, err) : FIRN_OK;
}

static firn_status purge_list(purge *p, const char *location, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  FIRN_TRY(firn_table_file_read(p->stores, p->ctx, location, manifest_max_bytes, &arena, &bytes, err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), p->ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, p->ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(purge_manifest(p, m, err));
  }
}

static firn_status purge_snapshot(purge *p, const firn_snapshot *s, firn_error *err) {
  uint64_t failed_before = p->result.n_failed;
  firn_error failure = {0};
  for (size_t i = 0; i < s->n_manifests && s->manifest_list == NULL; i++) {
    const firn_manifest_file m = {.path = s->manifests[i], .spec_id = -1};
    FIRN_TRY(purge_manifest(p, &m, err));
  }
  if (s->manifest_list == NULL) {
    return FIRN_OK;
  }
  firn_status status = purge_list(p, s->manifest_list, &failure);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK;
  }
  if (ends_purge(status)) {
    return pass_on(err, status, &failure);
  }
  if (status != FIRN_OK) {
    note_failure(p, &failure);
  }
  return p->result.n_failed == failed_before ? remove_metadata_file(p, s->manifest_list, err) : FIRN_OK;
}

/* --- everything --- */

static firn_status purge_statistics(purge *p, const firn_statistics_file *files, size_t n, firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const firn_json_value *json;
    const char *path;
    firn_error failure = {0};
    firn_status status = firn_json_tree_read(files[i].json, &arena, &json, &failure);
    if (status == FIRN_OK) {
      status = firn_json_need_text(json, "statistics-path", &arena, &path, &failure);
    }
    if (ends_purge(status)) {
      return pass_on(err, status, &failure);
    }
    if (status != FIRN_OK) {
      note_failure(p, &failure);
      continue;
    }
    FIRN_TRY(remove_metadata_file(p, path, err));
  }
  return FIRN_OK;
}

static firn_status purge_all(purge *p, const char *location, firn_error *err) {
  const firn_metadata_fields *m = firn_metadata_get(p->metadata);
  for (size_t i = 0; i < m->n_snapshots; i++) {
    FIRN_TRY(purge_snapshot(p, &m->snapshots[i], err));
  }
  FIRN_TRY(purge_statistics(p, m->statistics, m->n_statistics, err));
  FIRN_TRY(purge_statistics(p, m->partition_statistics, m->n_partition_statistics, err));
  for (size_t i = 0; i < m->n_metadata_log; i++) {
    FIRN_TRY(remove_metadata_file(p, m->metadata_log[i].metadata_file, err));
  }
  if (location != NULL && p->result.n_failed == 0) {
    FIRN_TRY(remove_metadata_file(p, location, err));
  }
  return FIRN_OK;
}

firn_status firn_table_purge(firn_stores *stores, firn_ctx *ctx, const firn_metadata *metadata,
                             const char *location, firn_purge_result *result, firn_error *err) {
  purge *p = firn_alloc(sizeof *p);
  if (p == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a purge");
  }
  p->stores = stores;
  p->ctx = ctx;
  p->metadata = metadata;
  p->keeps_data =
      !firn_property_bool(&firn_metadata_get(metadata)->properties, FIRN_PROPERTY_GC_ENABLED, true);
  p->result.kept_data = p->keeps_data;
  firn_status status = purge_all(p, location, err);
  *result = p->result; /* how far it came, however it ended */
  firn_arena_free(&p->batch_arena);
  firn_free(p->seen.hashes);
  firn_free(p);
  return status;
}
