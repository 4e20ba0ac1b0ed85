/* Specification: Optimistic Concurrency. Appends to one table of the memory catalog from eight threads: the
 * history is one line, and every file is in the table once. */
#include "test_table.h"

#include "catalogs/catalogs.h"

enum { N_THREADS = 8, N_APPENDS = 10, N_FILES = 3 };

typedef struct worker {
  pthread_t thread;
  firn_catalog *catalog;
  int number, n_ok;
  firn_error err;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  static const firn_append stubborn = {.n_retries = 1000};
  for (int i = 0; i < N_APPENDS; i++) {
    firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const char *prefix = firn_arena_printf(&arena, "w%d-%d-", w->number, i);
    if (test_append_to(w->catalog, &ctx, prefix, N_FILES, &stubborn, &arena, NULL, &w->err) == FIRN_OK) {
      w->n_ok++;
    }
  }
  return NULL;
}

static void make_table(firn_catalog *catalog, firn_ctx *ctx) {
  static const firn_property quick[] = {{"commit.retry.min-wait-ms", "1"},
                                        {"commit.retry.max-wait-ms", "20"},
                                        {"commit.manifest.min-count-to-merge", "10"}};
  static const firn_partition_field by_day = {
      .source_id = 2, .name = "at_day", .transform = {.kind = FIRN_TRANSFORM_DAY}};
  const firn_partition_spec spec = {.n_fields = 1, .fields = &by_day};
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema schema;
  CHECK_OK(test_schema_read(TEST_SCHEMA, &arena, &schema, &err));
  const firn_table_create how = {.schema = &schema, .spec = &spec, .properties = {3, quick}};
  CHECK_OK(firn_catalog_namespace_create(catalog, ctx, &test_table_id.ns, NULL, &err));
  CHECK_OK(firn_catalog_table_create(catalog, ctx, &test_table_id, &how, NULL, &err));
}

static void eight_threads_make_one_line_of_history_with_every_file_once(void **state) {
  (void)state;
  firn_error err;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  CHECK_OK(firn_stores_open(&firn_env_system, &stores, &err));
  CHECK_OK(firn_catalog_open(&ctx, "memory:", NULL, stores, &catalog, &err));
  make_table(catalog, &ctx);
  worker workers[N_THREADS] = {0};
  for (int i = 0; i < N_THREADS; i++) {
    workers[i] = (worker){.catalog = catalog, .number = i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    if (workers[i].n_ok != N_APPENDS) {
      fail_msg("worker %d: %s", i, workers[i].err.text);
    }
  }
  FIRN_AUTO_TABLE table = {0};
  test_entries entries;
  CHECK_OK(firn_catalog_table_load(catalog, &ctx, &test_table_id, &table, &err));
  const firn_snapshot *head = firn_metadata_current_snapshot(table.metadata);
  CHECK_OK(test_read_snapshot(stores, &ctx, table.metadata, head, &arena, &entries, &err));
  assert_int_equal(entries.n_live, N_THREADS * N_APPENDS * N_FILES);
  assert_int_equal(entries.n_twice, 0);
  int n_chain = 0;
  for (const firn_snapshot *s = head; s != NULL; n_chain++) {
    assert_int_equal(s->sequence_number, N_THREADS * N_APPENDS - n_chain);
    s = s->has_parent ? firn_metadata_snapshot(table.metadata, s->parent_snapshot_id) : NULL;
  }
  assert_int_equal(n_chain, N_THREADS * N_APPENDS);
}

RUN_TESTS(eight_threads_make_one_line_of_history_with_every_file_once)
