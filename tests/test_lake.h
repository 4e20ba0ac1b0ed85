/* Snapshots made by hand for tests of planning: manifests and manifest lists of whatever entries a test
 * wants, in a memory store, beside metadata from its JSON. Header only, so that each test program takes what
 * it needs. */
#ifndef FIRN_TEST_LAKE_H
#define FIRN_TEST_LAKE_H

#include "test.h"

#include "iceberg/meta/manifest.h"
#include "io/stores.h"

#define LAKE "memory://lake/t"

typedef struct test_lake {
  firn_ctx *ctx;
  firn_store *store;
  firn_stores *stores;
  firn_metadata *metadata;
  firn_arena arena; /* what the manifests of a list hold */
} test_lake;

static FIRN_UNUSED void test_lake_close(test_lake *l) {
  firn_metadata_unref(l->metadata);
  firn_stores_close(l->stores);
  firn_store_close(l->store);
  firn_arena_free(&l->arena);
  *l = (test_lake){0};
}

#define FIRN_AUTO_LAKE FIRN_AUTO(test_lake_close) test_lake

static FIRN_UNUSED firn_status test_lake_open(const char *metadata_json, test_lake *l, firn_error *err) {
  *l = (test_lake){.ctx = test_ctx()};
  FIRN_TRY(firn_memory_store_open(0, &l->store, err));
  FIRN_TRY(firn_stores_open(l->ctx->env, &l->stores, err));
  FIRN_TRY(firn_stores_add(l->stores, "memory", "lake", l->store, err));
  return firn_metadata_read(firn_bytes_of(metadata_json), &l->metadata, err);
}

static FIRN_UNUSED firn_status test_lake_put(test_lake *l, const char *location, firn_bytes bytes,
                                             firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(l->stores, location, &l->arena, &store, &path, err));
  return firn_store_put(store, l->ctx, path, bytes, FIRN_PUT_ALWAYS, NULL, err);
}

static FIRN_UNUSED firn_status test_lake_sink(void *self, firn_bytes data, firn_error *err) {
  firn_bytes all;
  firn_builder_add(self, data);
  return firn_builder_finish(self, &all, err);
}

/* A manifest of the spec at `location`, of deletes when its first entry is one. */
static FIRN_UNUSED firn_status test_lake_manifest(test_lake *l, const char *location, int32_t spec_id,
                                                  int64_t snapshot_id, const firn_manifest_entry *entries,
                                                  size_t n, firn_manifest_file *out, firn_error *err) {
  FIRN_AUTO_BUILDER bytes = FIRN_BUILDER_INIT(0);
  const firn_partition_spec *spec = firn_metadata_spec(l->metadata, spec_id);
  const firn_manifest_writer_options options = {
      .format_version = 2,
      .schema = firn_metadata_schema_of_spec(l->metadata, spec),
      .spec = spec,
      .is_deletes = n > 0 && entries[0].file.content != FIRN_CONTENT_DATA,
      .snapshot_id = snapshot_id,
      .codec = FIRN_CODEC_DEFLATE,
      .env = l->ctx->env};
  FIRN_AUTO_MANIFEST_WRITER *w = NULL;
  FIRN_TRY(firn_manifest_writer_open(&options, (firn_avro_sink){test_lake_sink, &bytes}, &w, err));
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(firn_manifest_writer_add(w, &entries[i], err));
  }
  FIRN_TRY(firn_manifest_writer_finish(w, &l->arena, out, err));
  out->path = location;
  return test_lake_put(l, location, firn_builder_bytes(&bytes), err);
}

/* The manifest list of a snapshot at `location`. */
static FIRN_UNUSED firn_status test_lake_list(test_lake *l, const char *location, int64_t snapshot_id,
                                              const firn_manifest_file *const *manifests, size_t n,
                                              firn_error *err) {
  const firn_manifest_list_options options = {.format_version = 2,
                                              .snapshot_id = snapshot_id,
                                              .sequence_number = snapshot_id,
                                              .codec = FIRN_CODEC_DEFLATE,
                                              .env = l->ctx->env};
  FIRN_AUTO_BUILDER list = FIRN_BUILDER_INIT(0);
  FIRN_TRY(firn_manifest_list_write(&options, manifests, n, &list, err));
  return test_lake_put(l, location, firn_builder_bytes(&list), err);
}

#endif
