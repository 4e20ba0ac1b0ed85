/* A table that is committed to every ten seconds, for as long as a test likes: the archive's own table in a
 * memory catalog, a commit log in memory, a committer, a clock that is moved on. Header only. */
#ifndef FIRN_BUSY_TABLE_H
#define FIRN_BUSY_TABLE_H

#include "test_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "catalogs/catalogs.h"
#include "events/archive.h"
#include "events/commit_record.h"
#include "services/committer/committer.h"

enum { BUSY_COLUMNS = 14 };

typedef struct busy_table {
  firn_ctx *ctx;
  firn_store *store;
  firn_stores *stores;
  firn_catalog *catalog;
  test_log log;
  firn_committer *committer;
  firn_table_id ids[FIRN_ARCHIVE_N_TABLES];
  firn_metadata *metadata; /* of the table of valid events, as it was made */
  int64_t n_commits;
  int64_t slowest_us; /* of all commits, in real time */
  int64_t total_us;
} busy_table;

static int64_t busy_real_us(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void busy_close(busy_table *b) {
  firn_committer_close(b->committer);
  test_log_free(&b->log);
  firn_metadata_unref(b->metadata);
  firn_catalog_close(b->catalog);
  firn_stores_close(b->stores);
  firn_store_close(b->store);
}
#define FIRN_AUTO_BUSY_TABLE FIRN_AUTO(busy_close) busy_table

/* `keep_up_records` 0: as a committer does by itself. */
static void busy_open(busy_table *b, int64_t snapshot_age_us, unsigned keep_up_records) {
  static const char *const levels[] = {"cloudevent"};
  firn_error err;
  *b = (busy_table){.ctx = test_ctx()};
  test_log_init(&b->log);
  CHECK_OK(firn_memory_store_open(0, &b->store, &err));
  CHECK_OK(firn_stores_open(b->ctx->env, &b->stores, &err));
  CHECK_OK(firn_stores_add(b->stores, "memory", "lake", b->store, &err));
  CHECK_OK(firn_catalog_open(b->ctx, "memory:", "memory://lake", b->stores, &b->catalog, &err));
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    b->ids[t] = (firn_table_id){.ns = {1, levels}, .name = firn_archive_table_name((firn_archive_table)t)};
  }
  CHECK_OK(firn_catalog_namespace_create(b->catalog, b->ctx, &b->ids[0].ns, NULL, &err));
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    const firn_archive_table kind = (firn_archive_table)t;
    const firn_table_create how = {.schema = firn_archive_schema(kind),
                                   .spec = firn_archive_spec(kind),
                                   .properties = firn_archive_properties(kind)};
    FIRN_AUTO_TABLE table = {0};
    CHECK_OK(firn_catalog_table_create(b->catalog, b->ctx, &b->ids[t], &how, &table, &err));
    if (t == FIRN_ARCHIVE_VALID) {
      b->metadata = firn_metadata_ref(table.metadata);
    }
  }
  const firn_committer_options options = {.log = &b->log.base,
                                          .catalog = b->catalog,
                                          .n_tables = FIRN_ARCHIVE_N_TABLES,
                                          .tables = b->ids,
                                          .snapshot_age_us = snapshot_age_us,
                                          .keep_up_records = keep_up_records};
  CHECK_OK(firn_committer_open(&options, b->ctx, &b->committer, &err));
}

/* A file with the statistics that the archive's writer gives. */
static void busy_put(busy_table *b) {
  firn_error err;
  static const uint8_t text[16] = "0123456789abcde";
  firn_id_count counts[BUSY_COLUMNS], sizes[BUSY_COLUMNS];
  firn_id_bytes bounds[BUSY_COLUMNS - 1];
  for (int i = 0; i < BUSY_COLUMNS; i++) {
    counts[i] = (firn_id_count){i + 1, 10000};
    sizes[i] = (firn_id_count){i + 1, 20000 + b->n_commits * 7 % 1000 + i};
  }
  for (int i = 0; i < BUSY_COLUMNS - 1; i++) {
    bounds[i] = (firn_id_bytes){i + 1, {text, i == 1 ? 8 : 16}};
  }
  int64_t now_us = firn_ctx_now_us(b->ctx);
  const firn_value day = {.kind = FIRN_KIND_DATE, .i32 = (int32_t)(now_us / INT64_C(86400000000))};
  const int64_t split = 4;
  char path[128];
  (void)snprintf(path, sizeof path,
                 "memory://lake/cloudevent/valid/year=2025/month=06/day=15/batch-%lld.parquet",
                 (long long)b->n_commits);
  const firn_data_file file = {.path = path,
                               .format = "PARQUET",
                               .partition = &day,
                               .record_count = 10000,
                               .size_bytes = 5000000,
                               .column_sizes = {true, BUSY_COLUMNS, sizes},
                               .value_counts = {true, BUSY_COLUMNS, counts},
                               .null_counts = {true, BUSY_COLUMNS, counts},
                               .lower_bounds = {true, BUSY_COLUMNS - 1, bounds},
                               .upper_bounds = {true, BUSY_COLUMNS - 1, bounds},
                               .n_split_offsets = 1,
                               .split_offsets = &split};
  const firn_commit_record_table table = {.n_levels = 1,
                                          .levels = b->ids[0].ns.levels,
                                          .name = b->ids[FIRN_ARCHIVE_VALID].name,
                                          .uuid = firn_metadata_get(b->metadata)->table_uuid,
                                          .n_files = 1,
                                          .files = &file};
  const firn_commit_record record = {.journal = "j",
                                     .first = b->log.next,
                                     .next = b->log.next + 1,
                                     .accepted_us = now_us,
                                     .n_tables = 1,
                                     .tables = &table};
  const firn_metadata *metadata = b->metadata;
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(0);
  firn_log_position at;
  CHECK_OK(firn_commit_record_write(&record, &metadata, &json, &err));
  CHECK_OK(firn_commit_log_append(&b->log.base, b->ctx, firn_builder_bytes(&json), &at, &err));
}

/* `n` commits of ten seconds each. */
static void busy_run(busy_table *b, int64_t n) {
  for (int64_t i = 0; i < n; i++, b->n_commits++) {
    firn_error err;
    int64_t wait_us;
    busy_put(b);
    int64_t before_us = busy_real_us();
    CHECK_OK(firn_committer_service.step(b->committer, b->ctx, true, &wait_us, &err));
    int64_t took_us = busy_real_us() - before_us;
    b->slowest_us = took_us > b->slowest_us ? took_us : b->slowest_us;
    b->total_us += took_us;
    b->ctx->env->sleep_us(b->ctx->env->self, 10 * 1000000);
  }
}

/* How the table is now. */
typedef struct busy_state {
  size_t n_snapshots, n_manifests, n_metadata_files, metadata_bytes, n_objects, objects_bytes;
  int64_t n_files; /* that the newest snapshot has */
  int64_t load_us;
} busy_state;

static void busy_look_at_objects(busy_table *b, busy_state *out) {
  firn_error err;
  firn_listing *listing = NULL;
  CHECK_OK(firn_store_list(b->store, b->ctx, "cloudevent/valid/metadata/", &listing, &err));
  for (;;) {
    const firn_listed *listed;
    CHECK_OK(firn_listing_next(listing, b->ctx, &listed, &err));
    if (listed == NULL) {
      break;
    }
    out->n_objects++;
    out->objects_bytes += listed->size_bytes;
    out->n_metadata_files += strstr(listed->path, ".metadata.json") != NULL;
  }
  firn_listing_close(listing);
}

static busy_state busy_look(busy_table *b) {
  firn_error err;
  busy_state s = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  int64_t before_us = busy_real_us();
  CHECK_OK(firn_catalog_table_load(b->catalog, b->ctx, &b->ids[FIRN_ARCHIVE_VALID], &table, &err));
  s.load_us = busy_real_us() - before_us;
  const firn_metadata_fields *m = firn_metadata_get(table.metadata);
  s.n_snapshots = m->n_snapshots;
  firn_bytes bytes;
  firn_store *store;
  const char *path;
  CHECK_OK(firn_stores_find(b->stores, table.metadata_location, &arena, &store, &path, &err));
  CHECK_OK(firn_store_read_all(store, b->ctx, path, 1 << 30, &arena, &bytes, &err));
  s.metadata_bytes = bytes.len;
  const firn_snapshot *head = firn_metadata_current_snapshot(table.metadata);
  CHECK_OK(firn_stores_find(b->stores, head->manifest_list, &arena, &store, &path, &err));
  CHECK_OK(firn_store_read_all(store, b->ctx, path, 1 << 30, &arena, &bytes, &err));
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  CHECK_OK(firn_manifest_list_open(firn_avro_source_over(&bytes), b->ctx, &reader, &err));
  for (;;) {
    const firn_manifest_file *manifest;
    CHECK_OK(firn_manifest_list_next(reader, b->ctx, &manifest, &err));
    if (manifest == NULL) {
      break;
    }
    s.n_manifests++;
    s.n_files += manifest->n_added_files + manifest->n_existing_files;
  }
  busy_look_at_objects(b, &s);
  return s;
}

#endif
