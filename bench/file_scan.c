/* How fast a filter reads a Parquet file of flat columns: file_scan FILE COLUMN,COLUMN,... [FILTER [ROUNDS
 * [BATCH_ROWS]]]. One thread, the file in the page cache; with the filter as a consumer would ask it who asks
 * again, and exactly. peers: file_scan_peer.py, the same words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "iceberg/scan/scan.h"

static double now_s(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct table {
  firn_arena arena;
  firn_stores *stores;
  firn_metadata *metadata;
  const firn_json_value *mapping;
  firn_field root;
} table;

/* A table of the file's columns, numbered from 1, found in it by name. */
static firn_status describe(table *t, const firn_field *file, firn_error *err) {
  firn_schema schema = {.root = *file};
  firn_field *columns = firn_new_n(&t->arena, firn_field, file->n_children);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER m = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_writer names = FIRN_JSON_WRITER_INIT(&m);
  firn_json_begin_array(&names);
  for (uint32_t i = 0; i < file->n_children; i++) {
    columns[i] = file->children[i];
    columns[i].id = (int32_t)i + 1;
    firn_json_begin_object(&names);
    firn_json_add_int64(&names, "field-id", columns[i].id);
    firn_json_key(&names, "names");
    firn_json_begin_array(&names);
    firn_json_write_text(&names, columns[i].name);
    firn_json_end_array(&names);
    firn_json_end_object(&names);
  }
  firn_json_end_array(&names);
  schema.root.children = columns;
  firn_builder_addf(
      &b,
      "{\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
      "\"location\":\"file:///lake\",\"last-sequence-number\":1,\"last-updated-ms\":1,"
      "\"last-column-id\":%u,\"current-schema-id\":0,\"default-spec-id\":0,"
      "\"last-partition-id\":999,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
      "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0,\"schemas\":[",
      file->n_children);
  firn_schema_write(&schema, &w);
  firn_builder_addf(&b, "]}");
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  FIRN_TRY(firn_metadata_read(text, &t->metadata, err));
  FIRN_TRY(firn_builder_finish(&m, &text, err));
  return firn_json_tree_read(firn_arena_copy(&t->arena, text), &t->arena, &t->mapping, err);
}

static firn_status choose(table *t, const char *names, firn_error *err) {
  const firn_field *all = &firn_metadata_current_schema(t->metadata)->root;
  firn_field *columns = firn_new_n(&t->arena, firn_field, all->n_children);
  t->root = *all;
  t->root.children = columns;
  t->root.n_children = 0;
  for (const char *at = names; *at != '\0' && t->root.n_children < all->n_children;) {
    size_t len = strcspn(at, ",");
    const char *name = firn_arena_text(&t->arena, (firn_bytes){(const uint8_t *)at, len});
    const firn_field *field = firn_field_child(all, name);
    if (field == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND, "no column %s", name);
    }
    columns[t->root.n_children++] = *field;
    at += len + (at[len] == ',');
  }
  return FIRN_OK;
}

static firn_status open_table(table *t, firn_ctx *ctx, const char *path, const char *names, firn_error *err) {
  firn_parquet_object object;
  FIRN_AUTO_PARQUET_FILE *f = NULL;
  FIRN_TRY(firn_stores_open(ctx->env, &t->stores, err));
  FIRN_TRY(firn_parquet_object_find(t->stores, NULL, ctx, path, 0, &t->arena, &object, err));
  FIRN_TRY(firn_parquet_file_open(firn_parquet_object_source(&object), ctx, 0, 0, &f, err));
  FIRN_TRY(describe(t, firn_parquet_file_metadata(f)->schema, err));
  return choose(t, names, err);
}

static firn_status read_once(table *t, firn_ctx *ctx, const firn_scan_task *task, firn_reading *reading,
                             uint64_t *rows, firn_error *err) {
  FIRN_AUTO_FILE_SCAN *scan = NULL;
  FIRN_TRY(firn_file_scan_open(reading, task, ctx, &scan, err));
  (void)t;
  for (*rows = 0;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_file_scan_next(scan, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    *rows += batch->n_rows;
  }
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static firn_status measure(table *t, firn_ctx *ctx, const char *path, int argc, char **argv,
                           firn_error *err) {
  enum { MOST = 99 };
  firn_scan_task task = {.file = {.path = path, .format = "PARQUET"}, .length = UINT64_MAX};
  int rounds = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 5;
  rounds = rounds < 1 ? 1 : rounds < MOST ? rounds : MOST;
  if (argc > 3 && argv[3][0] != '\0') {
    FIRN_TRY(firn_expr_parse(firn_bytes_of(argv[3]), &t->arena, &task.residual, err));
    FIRN_TRY(firn_expr_bind(task.residual, firn_metadata_current_schema(t->metadata), false, &t->arena,
                            &task.residual, err));
  }
  for (int exact = 0; exact < 2; exact++) {
    double wall[MOST], cpu[MOST];
    uint64_t rows = 0;
    firn_scan_counts counts = {0};
    for (int i = 0; i < rounds; i++) {
      firn_reading reading = {.metadata = t->metadata,
                              .root = t->root,
                              .mapping = t->mapping,
                              .stores = t->stores,
                              .batch_rows = argc > 5 ? (size_t)strtoull(argv[5], NULL, 10) : 2048,
                              .is_exact = exact == 1,
                              .counts = i == 0 ? &counts : NULL};
      double w = now_s(CLOCK_MONOTONIC);
      double c = now_s(CLOCK_PROCESS_CPUTIME_ID);
      FIRN_TRY(read_once(t, ctx, &task, &reading, &rows, err));
      wall[i] = now_s(CLOCK_MONOTONIC) - w;
      cpu[i] = now_s(CLOCK_PROCESS_CPUTIME_ID) - c;
    }
    qsort(wall, (size_t)rounds, sizeof *wall, by_size);
    qsort(cpu, (size_t)rounds, sizeof *cpu, by_size);
    (void)printf("%s %9" PRIu64 " rows: best %.4f s, median %.4f s; processor %.4f s; row groups %" PRIdFAST64
                 " of %" PRIdFAST64 " and pages %" PRIdFAST64 " of %" PRIdFAST64 " skipped\n",
                 exact == 1 ? "exact" : "loose", rows, wall[0], wall[rounds / 2], cpu[rounds / 2],
                 (int_fast64_t)counts.row_groups_skipped, (int_fast64_t)counts.row_groups,
                 (int_fast64_t)counts.pages_skipped, (int_fast64_t)counts.pages);
  }
  return FIRN_OK;
}

int main(int argc, char **argv) {
  char path[4096];
  if (argc < 3 || realpath(argv[1], path) == NULL) {
    (void)fprintf(stderr, "usage: file_scan FILE COLUMN,COLUMN,... [FILTER [ROUNDS [BATCH_ROWS]]]\n");
    return 2;
  }
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  table t = {0};
  firn_error err = {0};
  firn_status status = open_table(&t, &ctx, path, argv[2], &err);
  if (status == FIRN_OK) {
    status = measure(&t, &ctx, path, argc, argv, &err);
  }
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", err.text);
  }
  firn_metadata_unref(t.metadata);
  firn_stores_close(t.stores);
  firn_arena_free(&t.arena);
  return status == FIRN_OK ? 0 : 1;
}
