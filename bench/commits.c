/* commits CATALOG SNAPSHOTS N: loads of, and appends to, a table with that many snapshots, N of each, one
 * after the other. CATALOG is a URI; the warehouse is memory, but of a folder catalog. Prints milliseconds
 * and memory as a line of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "catalogs/catalogs.h"
#include "iceberg/commit/append.h"
#include "iceberg/commit/metadata_file.h"

static const char *const levels[] = {"db"};
static const firn_table_id table_id = {.ns = {1, levels}, .name = "t"};

static firn_status create(firn_catalog *c, firn_ctx *ctx, firn_error *err) {
  static const firn_field id = {.id = 1, .name = "id", .kind = FIRN_KIND_LONG};
  const firn_schema schema = {.root = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = &id}};
  const firn_table_create how = {.schema = &schema};
  FIRN_TRY(firn_catalog_namespace_create(c, ctx, &table_id.ns, NULL, err));
  return firn_catalog_table_create(c, ctx, &table_id, &how, NULL, err);
}

static firn_status append(firn_catalog *c, firn_ctx *ctx, int i, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_data_file file = {.path = firn_arena_printf(&arena, "memory://bench/data/%d.parquet", i),
                               .format = "PARQUET",
                               .record_count = 10,
                               .size_bytes = 1000};
  const firn_append how = {.n_files = 1, .files = &file};
  return firn_append_commit(c, ctx, &table_id, &how, &arena, NULL, err);
}

/* The table again, with its snapshot repeated `n` times, as commits of a year would leave it. */
static firn_status repeat(firn_catalog *c, firn_ctx *ctx, size_t n, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_load(c, ctx, &table_id, &table, err));
  firn_metadata_fields m = *firn_metadata_get(table.metadata);
  firn_snapshot *snapshots = firn_new_n(&arena, firn_snapshot, n);
  firn_snapshot_log_entry *log = firn_new_n(&arena, firn_snapshot_log_entry, n);
  const firn_snapshot *last = &m.snapshots[0];
  for (size_t i = 0; i < n; i++) {
    snapshots[i] = *last;
    snapshots[i].snapshot_id = i + 1 == n ? last->snapshot_id : (int64_t)(i + 1);
    snapshots[i].sequence_number = (int64_t)i + 1;
    snapshots[i].has_parent = i > 0;
    snapshots[i].parent_snapshot_id = (int64_t)i;
    log[i] = (firn_snapshot_log_entry){last->timestamp_ms, snapshots[i].snapshot_id};
  }
  m.snapshots = snapshots;
  m.snapshot_log = log;
  m.n_snapshots = m.n_snapshot_log = n;
  m.last_sequence_number = (int64_t)n;
  FIRN_AUTO_METADATA *made = NULL;
  const char *location;
  FIRN_TRY(firn_metadata_new(&m, &made, err));
  FIRN_TRY(firn_metadata_file_write(c->stores, ctx, made, NULL, &arena, &location, err));
  FIRN_TRY(firn_catalog_table_drop(c, ctx, &table_id, err));
  return firn_catalog_table_register(c, ctx, &table_id, location, NULL, err);
}

static double since(firn_ctx *ctx, int64_t start_us, int n) {
  return (double)(firn_ctx_monotonic_us(ctx) - start_us) / 1000 / n;
}

static firn_status run(const char *uri, size_t n_snapshots, int n, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *memory = NULL; /* serves memory://bench */
  FIRN_AUTO_CATALOG *c = NULL;
  bool is_folder = strncmp(uri, "folder:", 7) == 0;
  FIRN_TRY(firn_stores_open(ctx.env, &stores, err));
  FIRN_TRY(firn_catalog_open(&ctx, "memory:bench", NULL, stores, &memory, err));
  FIRN_TRY(firn_catalog_open(&ctx, uri, is_folder ? NULL : "memory://bench", stores, &c, err));
  FIRN_TRY(create(c, &ctx, err));
  FIRN_TRY(append(c, &ctx, -1, err));
  FIRN_TRY(repeat(c, &ctx, n_snapshots, err));
  int64_t start = firn_ctx_monotonic_us(&ctx);
  for (int i = 0; i < n; i++) {
    FIRN_AUTO_TABLE table = {0};
    FIRN_TRY(firn_catalog_table_load(c, &ctx, &table_id, &table, err));
  }
  double load_ms = since(&ctx, start, n);
  start = firn_ctx_monotonic_us(&ctx);
  for (int i = 0; i < n; i++) {
    FIRN_TRY(append(c, &ctx, i, err));
  }
  double append_ms = since(&ctx, start, n);
  struct rusage used;
  (void)getrusage(RUSAGE_SELF, &used);
  (void)printf(
      "{\"catalog\":\"%s\",\"snapshots\":%zu,\"load_ms\":%.3f,\"append_ms\":%.3f,\"peak_mib\":%ld}\n", uri,
      n_snapshots, load_ms, append_ms, used.ru_maxrss / 1024);
  return FIRN_OK;
}

int main(int argc, char **argv) {
  firn_error err;
  if (argc != 4) {
    (void)fputs("usage: commits CATALOG SNAPSHOTS N\n", stderr);
    return 2;
  }
  if (run(argv[1], (size_t)strtoul(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10), &err) != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  return 0;
}
