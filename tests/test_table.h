/* A table and a catalog for tests that commit: everything in one memory store, and answers that go wrong when
 * a test asks for it. Header only, so that each test program takes what it needs. */
#ifndef FIRN_TEST_TABLE_H
#define FIRN_TEST_TABLE_H

#include "test.h"

#include <pthread.h>
#include <stdio.h>

#include "iceberg/commit/append.h"
#include "iceberg/commit/metadata_file.h"

#define TEST_LOCATION "memory://lake/db/events"

/* id long, day date, name string; partitioned by day when asked. */
#define TEST_SCHEMA                                                         \
  "{\"type\":\"struct\",\"schema-id\":0,\"fields\":["                       \
  "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"         \
  "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"}," \
  "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"}]}"

/* A catalog of one table. The store is its own. */
typedef struct test_catalog {
  firn_catalog base;
  firn_store *store;
  pthread_mutex_t lock;    /* guards what follows */
  firn_metadata *metadata; /* NULL: no table */
  char *location;
  int n_commits, n_loads; /* calls so far */
  /* What goes wrong. Counted down at each commit, after the first `skip`. */
  int skip;
  int conflicts;     /* that many commits are refused */
  int busy;          /* that many commits are throttled */
  int lost_before;   /* that many answers are lost, the commit not done */
  int lost_after;    /* that many answers are lost, the commit done */
  int echoed;        /* that many commits are done, and refused by an echo of themselves */
  int broken_after;  /* that many commits are done and then answered with FIRN_IO, against the contract */
  int failing_loads; /* loads that fail once an answer has been lost */
  bool lost;
  /* Called before a commit is looked at, without the lock: another writer that comes first. */
  void (*rival)(struct test_catalog *c, void *arg);
  void (*rival_at_load)(struct test_catalog *c, void *arg); /* the same before a load */
  void *rival_arg;
} test_catalog;

static FIRN_UNUSED firn_status test_schema_read(const char *text, firn_arena *arena, firn_schema *out,
                                                firn_error *err) {
  const firn_json_value *json;
  FIRN_TRY(firn_json_tree_read(firn_bytes_of(text), arena, &json, err));
  return firn_schema_read(json, arena, out, err);
}

/* The metadata of a new table, partitioned by day(at) or not at all. */
static FIRN_UNUSED firn_status test_table_new(const char *location, bool partitioned,
                                              const firn_properties *properties, firn_ctx *ctx,
                                              firn_metadata **out, firn_error *err) {
  static const firn_partition_field by_day = {
      .source_id = 2, .name = "at_day", .transform = {.kind = FIRN_TRANSFORM_DAY}};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &by_day};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  FIRN_TRY(test_schema_read(TEST_SCHEMA, &arena, &schema, err));
  firn_table_create how = {.schema = &schema, .spec = partitioned ? &spec : NULL};
  if (properties != NULL) {
    how.properties = *properties;
  }
  const firn_update *updates;
  size_t n;
  FIRN_TRY(firn_table_create_updates(&how, location, ctx->env, &arena, &updates, &n, err));
  return firn_updates_apply(NULL, NULL, updates, n, firn_ctx_now_us(ctx) / 1000, out, err);
}

static firn_status test_catalog_load(firn_catalog *self, firn_ctx *ctx, const firn_table_id *id,
                                     firn_table *out, firn_error *err) {
  test_catalog *c = (test_catalog *)self;
  (void)ctx;
  if (c->rival_at_load != NULL) {
    c->rival_at_load(c, c->rival_arg);
  }
  (void)pthread_mutex_lock(&c->lock);
  c->n_loads++;
  firn_status status = FIRN_OK;
  if (c->lost && c->failing_loads > 0) {
    c->failing_loads--;
    status = firn_error_set(err, FIRN_IO, "the catalog does not answer");
  } else if (c->metadata == NULL) {
    status = firn_error_set(err, FIRN_NOT_FOUND, "no table %s", id->name);
  } else {
    firn_arena arena = FIRN_ARENA_INIT(0);
    out->metadata_location = firn_alloc(strlen(c->location) + 1);
    if (out->metadata_location == NULL) {
      status = firn_error_set(err, FIRN_NOMEM, "no memory");
    } else {
      memcpy(out->metadata_location, c->location, strlen(c->location) + 1);
      out->metadata = firn_metadata_ref(c->metadata);
    }
    firn_arena_free(&arena);
  }
  (void)pthread_mutex_unlock(&c->lock);
  return status;
}

/* What a catalog that keeps a pointer does: check, apply, write, swap. */
static firn_status test_catalog_swap(test_catalog *c, firn_ctx *ctx, const firn_table_commit *commit,
                                     firn_table *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < commit->n_requirements; i++) {
    FIRN_TRY(firn_requirement_check(&commit->requirements[i], c->metadata, err));
  }
  FIRN_AUTO_METADATA *after = NULL;
  const char *location;
  FIRN_TRY(firn_updates_apply(c->metadata, c->location, commit->updates, commit->n_updates,
                              firn_ctx_now_us(ctx) / 1000, &after, err));
  FIRN_TRY(firn_metadata_file_write(c->base.stores, ctx, after, c->location, &arena, &location, err));
  char *copy = firn_alloc(strlen(location) + 1);
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  memcpy(copy, location, strlen(location) + 1);
  if (c->metadata != NULL) {
    firn_metadata_file_trim(c->base.stores, ctx, c->metadata, after, NULL, NULL);
  }
  firn_metadata_unref(c->metadata);
  firn_free(c->location);
  c->metadata = FIRN_HAND_OVER(after);
  c->location = copy;
  out->metadata = firn_metadata_ref(c->metadata);
  return FIRN_OK;
}

static bool test_take(int *left) {
  if (*left == 0) {
    return false;
  }
  (*left)--;
  return true;
}

static firn_status test_catalog_commit(firn_catalog *self, firn_ctx *ctx, const firn_table_commit *commits,
                                       size_t n, firn_table *out, firn_error *err) {
  test_catalog *c = (test_catalog *)self;
  (void)n;
  if (c->rival != NULL) {
    c->rival(c, c->rival_arg);
  }
  (void)pthread_mutex_lock(&c->lock);
  c->n_commits++;
  firn_status status;
  if (test_take(&c->skip)) {
    status = test_catalog_swap(c, ctx, commits, out, err);
  } else if (test_take(&c->conflicts)) {
    status = firn_error_set(err, FIRN_CONFLICT, "injected conflict");
  } else if (test_take(&c->busy)) {
    status = firn_error_set(err, FIRN_BUSY, "injected throttle");
  } else if (test_take(&c->lost_before)) {
    c->lost = true;
    status = firn_error_set(err, FIRN_UNCERTAIN, "injected loss before the swap");
  } else {
    status = test_catalog_swap(c, ctx, commits, out, err);
    if (status == FIRN_OK && test_take(&c->lost_after)) {
      c->lost = true;
      status = firn_error_set(err, FIRN_UNCERTAIN, "injected loss after the swap");
    } else if (status == FIRN_OK && test_take(&c->echoed)) {
      status = firn_error_set(err, FIRN_CONFLICT, "injected echo");
    } else if (status == FIRN_OK && test_take(&c->broken_after)) {
      status = firn_error_set(err, FIRN_IO, "injected breakdown");
    }
  }
  if (status != FIRN_OK) {
    firn_table_release(out);
  }
  (void)pthread_mutex_unlock(&c->lock);
  return status;
}

static FIRN_UNUSED void test_catalog_close(test_catalog *c) {
  firn_metadata_unref(c->metadata);
  firn_free(c->location);
  firn_stores_close(c->base.stores);
  firn_store_close(c->store);
  (void)pthread_mutex_destroy(&c->lock);
  *c = (test_catalog){0};
}

#define FIRN_AUTO_TEST_CATALOG FIRN_AUTO(test_catalog_close) test_catalog

/* A catalog with one table. `store` NULL: a memory store; else it becomes the catalog's (and is closed when
 * this fails). */
static FIRN_UNUSED firn_status test_catalog_open(firn_store *store, bool partitioned,
                                                 const firn_properties *properties, firn_ctx *ctx,
                                                 test_catalog *c, firn_error *err) {
  static const firn_catalog_ops ops = {
      .kind = "test", .table_load = test_catalog_load, .commit = test_catalog_commit};
  *c = (test_catalog){.base.ops = &ops, .store = store, .lock = PTHREAD_MUTEX_INITIALIZER};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  if (c->store == NULL) {
    FIRN_TRY(firn_memory_store_open(0, &c->store, err));
  }
  FIRN_TRY(firn_stores_open(ctx->env, &c->base.stores, err));
  FIRN_TRY(firn_stores_add(c->base.stores, "memory", "lake", c->store, err));
  FIRN_TRY(test_table_new(TEST_LOCATION, partitioned, properties, ctx, &c->metadata, err));
  const char *location;
  FIRN_TRY(firn_metadata_file_write(c->base.stores, ctx, c->metadata, NULL, &arena, &location, err));
  c->location = firn_alloc(strlen(location) + 1);
  if (c->location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  memcpy(c->location, location, strlen(location) + 1);
  return FIRN_OK;
}

static const char *const test_levels[] = {"db"};
static FIRN_UNUSED const firn_table_id test_table_id = {.ns = {1, test_levels}, .name = "events"};

/* A data file's entry; the file itself is never looked at by a commit. `day` below 0: no partition value. */
static FIRN_UNUSED firn_data_file test_data_file(const char *path, int32_t day, firn_arena *arena) {
  firn_value *tuple = firn_new(arena, firn_value);
  if (tuple != NULL) {
    *tuple = (firn_value){.kind = FIRN_KIND_DATE, .is_null = day < 0, .i32 = day};
  }
  return (firn_data_file){.content = FIRN_CONTENT_DATA,
                          .path = path,
                          .format = "PARQUET",
                          .partition = tuple,
                          .record_count = 10,
                          .size_bytes = 1000};
}

/* One append of files "<prefix>0" ... to the test table. `append` may be NULL. */
static FIRN_UNUSED firn_status test_append_to(firn_catalog *catalog, firn_ctx *ctx, const char *prefix,
                                              size_t n, const firn_append *how, firn_arena *arena,
                                              firn_append_result *result, firn_error *err) {
  firn_data_file *files = firn_new_n(arena, firn_data_file, n);
  if (files == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  for (size_t i = 0; i < n; i++) {
    const char *path = firn_arena_printf(arena, TEST_LOCATION "/data/%s%zu.parquet", prefix, i);
    files[i] = test_data_file(path, (int32_t)(20000 + i), arena);
    if (path == NULL || files[i].partition == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory");
    }
  }
  firn_append append = how == NULL ? (firn_append){0} : *how;
  append.n_files = n;
  append.files = files;
  return firn_append_commit(catalog, ctx, &test_table_id, &append, arena, result, err);
}

static FIRN_UNUSED firn_status test_append(test_catalog *c, firn_ctx *ctx, const char *prefix, size_t n,
                                           const firn_append *how, firn_arena *arena,
                                           firn_append_result *result, firn_error *err) {
  return test_append_to(&c->base, ctx, prefix, n, how, arena, result, err);
}

/* --- reading back --- */

typedef struct test_entries {
  size_t n_live, n_deleted, n_manifests;
  size_t n_twice; /* paths that are live more than once */
  int64_t rows;
  size_t capacity;
  const char **paths; /* of live files */
  int64_t *sequence_numbers, *snapshot_ids;
} test_entries;

static firn_status test_note_entry(test_entries *out, const firn_manifest_entry *e, firn_arena *arena,
                                   firn_error *err) {
  if (e->status == FIRN_ENTRY_DELETED) {
    out->n_deleted++;
    return FIRN_OK;
  }
  for (size_t i = 0; i < out->n_live; i++) {
    out->n_twice += strcmp(out->paths[i], e->file.path) == 0;
  }
  size_t numbers = out->capacity, ids = out->capacity;
  out->paths = firn_arena_grow(arena, out->paths, out->n_live, &out->capacity, sizeof *out->paths);
  out->sequence_numbers =
      firn_arena_grow(arena, out->sequence_numbers, out->n_live, &numbers, sizeof *out->sequence_numbers);
  out->snapshot_ids = firn_arena_grow(arena, out->snapshot_ids, out->n_live, &ids, sizeof *out->snapshot_ids);
  if (out->paths == NULL || out->sequence_numbers == NULL || out->snapshot_ids == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  out->paths[out->n_live] = firn_arena_text(arena, firn_bytes_of(e->file.path));
  out->sequence_numbers[out->n_live] = e->sequence_number;
  out->snapshot_ids[out->n_live] = e->snapshot_id;
  out->rows += e->file.record_count;
  out->n_live++;
  return out->paths[out->n_live - 1] != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory");
}

static firn_status test_read_location(firn_stores *stores, firn_ctx *ctx, const char *location,
                                      firn_arena *arena, firn_bytes *out, firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(stores, location, arena, &store, &path, err));
  return firn_store_read_all(store, ctx, path, 1 << 30, arena, out, err);
}

static firn_status test_read_manifest(firn_stores *stores, firn_ctx *ctx, const firn_metadata *metadata,
                                      const firn_manifest_file *m, firn_arena *arena, test_entries *out,
                                      firn_error *err) {
  firn_bytes bytes;
  FIRN_TRY(test_read_location(stores, ctx, m->path, arena, &bytes, err));
  FIRN_AUTO_MANIFEST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_open(firn_avro_source_over(&bytes), ctx, m, metadata, &reader, err));
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_manifest_next(reader, ctx, &entry, err));
    if (entry == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(test_note_entry(out, entry, arena, err));
  }
}

/* Every file that is live in a snapshot. */
static FIRN_UNUSED firn_status test_read_snapshot(firn_stores *stores, firn_ctx *ctx,
                                                  const firn_metadata *metadata,
                                                  const firn_snapshot *snapshot, firn_arena *arena,
                                                  test_entries *out, firn_error *err) {
  *out = (test_entries){0};
  if (snapshot == NULL) {
    return FIRN_OK;
  }
  firn_bytes bytes;
  FIRN_TRY(test_read_location(stores, ctx, snapshot->manifest_list, arena, &bytes, err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), ctx, &reader, err));
  for (;;) {
    const firn_manifest_file *m;
    FIRN_TRY(firn_manifest_list_next(reader, ctx, &m, err));
    if (m == NULL) {
      return FIRN_OK;
    }
    out->n_manifests++;
    FIRN_TRY(test_read_manifest(stores, ctx, metadata, m, arena, out, err));
  }
}

/* How many objects of the table's metadata folder have `part` in their names. */
static FIRN_UNUSED size_t test_count_objects(firn_store *store, firn_ctx *ctx, const char *part) {
  firn_error err;
  firn_listing *listing = NULL;
  size_t n = 0;
  CHECK_OK(firn_store_list(store, ctx, "", &listing, &err));
  for (;;) {
    const firn_listed *listed;
    CHECK_OK(firn_listing_next(listing, ctx, &listed, &err));
    if (listed == NULL) {
      break;
    }
    n += strstr(listed->path, part) != NULL;
  }
  firn_listing_close(listing);
  return n;
}

#endif
