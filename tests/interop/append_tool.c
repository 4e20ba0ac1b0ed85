/* Appends data files to tables for append_test.py, and purges.
 *   append_tool CATALOG WAREHOUSE append TABLE LIST [BRANCH]
 *   append_tool CATALOG WAREHOUSE purge TABLE
 * LIST is a file of JSON objects, one a line: path, rows, size, spec (id), day (or null; left out where the
 * spec has no field), lower and upper (of field 1, a long). The answer is a line of JSON. A failure is one
 * line "STATUS: text" on standard error and exit status 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "catalogs/catalogs.h"
#include "iceberg/commit/append.h"
#include "iceberg/commit/purge.h"

typedef struct tool {
  firn_catalog *catalog;
  firn_stores *stores;
  firn_ctx *ctx;
  firn_arena *arena;
} tool;

static firn_status nomem(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory");
}

static firn_status bound(const firn_json_value *json, const char *key, firn_arena *arena, firn_id_bounds *out,
                         firn_error *err) {
  firn_id_bytes *item = firn_new(arena, firn_id_bytes);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_value v = {.kind = FIRN_KIND_LONG};
  FIRN_TRY(firn_json_need_int64(json, key, &v.i64, err));
  firn_value_write(&v, &b);
  if (item == NULL) {
    return nomem(err);
  }
  item->id = 1;
  FIRN_TRY(firn_builder_finish_copy(&b, arena, &item->value, err));
  *out = (firn_id_bounds){.present = true, .n = 1, .items = item};
  return FIRN_OK;
}

static firn_status read_file(const firn_json_value *json, firn_arena *arena, firn_data_file *out,
                             firn_error *err) {
  firn_value *tuple = firn_new(arena, firn_value);
  if (tuple == NULL) {
    return nomem(err);
  }
  *out = (firn_data_file){.format = "PARQUET", .partition = tuple};
  *tuple = (firn_value){.kind = FIRN_KIND_DATE, .is_null = firn_json_get_some(json, "day") == NULL};
  FIRN_TRY(firn_json_may_int32(json, "day", &tuple->i32, err));
  FIRN_TRY(firn_json_need_text(json, "path", arena, &out->path, err));
  FIRN_TRY(firn_json_need_int64(json, "rows", &out->record_count, err));
  FIRN_TRY(firn_json_need_int64(json, "size", &out->size_bytes, err));
  FIRN_TRY(firn_json_may_int32(json, "spec", &out->spec_id, err));
  FIRN_TRY(bound(json, "lower", arena, &out->lower_bounds, err));
  return bound(json, "upper", arena, &out->upper_bounds, err);
}

static firn_status read_list(const char *path, firn_arena *arena, firn_append *append, firn_error *err) {
  FILE *in = fopen(path, "r");
  char *line = NULL;
  size_t size = 0, capacity = 0;
  firn_data_file *files = NULL;
  firn_status status = in == NULL ? firn_error_set(err, FIRN_NOT_FOUND, "cannot read %s", path) : FIRN_OK;
  for (ssize_t len; status == FIRN_OK && (len = getline(&line, &size, in)) > 0;) {
    const firn_json_value *json;
    firn_bytes text = {(const uint8_t *)firn_arena_text(arena, (firn_bytes){(uint8_t *)line, (size_t)len}),
                       (size_t)len};
    files = firn_arena_grow(arena, files, append->n_files, &capacity, sizeof *files);
    status = files == NULL || text.data == NULL ? nomem(err) : firn_json_tree_read(text, arena, &json, err);
    if (status == FIRN_OK) {
      status = read_file(json, arena, &files[append->n_files++], err);
    }
  }
  free(line);
  if (in != NULL) {
    (void)fclose(in);
  }
  append->files = files;
  return status;
}

static firn_status append_list(const tool *t, const firn_table_id *id, char **words, int n_words,
                               firn_error *err) {
  firn_append append = {.branch = n_words > 1 ? words[1] : NULL, .n_retries = 50};
  firn_append_result r;
  FIRN_TRY(n_words < 1 ? firn_error_set(err, FIRN_INVALID, "no list") : FIRN_OK);
  FIRN_TRY(read_list(words[0], t->arena, &append, err));
  FIRN_TRY(firn_append_commit(t->catalog, t->ctx, id, &append, t->arena, &r, err));
  (void)printf("{\"snapshot-id\":%" PRId64 ",\"attempts\":%d,\"manifests\":%zu}\n", r.snapshot.snapshot_id,
               r.n_attempts, r.n_manifests);
  return FIRN_OK;
}

static firn_status purge(const tool *t, const firn_table_id *id, firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  firn_purge_result r;
  FIRN_TRY(firn_catalog_table_load(t->catalog, t->ctx, id, &table, err));
  FIRN_TRY(firn_catalog_table_drop(t->catalog, t->ctx, id, err));
  FIRN_TRY(firn_table_purge(t->stores, t->ctx, table.metadata, table.metadata_location, &r, err));
  (void)printf("{\"data\":%" PRIu64 ",\"metadata\":%" PRIu64 ",\"failed\":%" PRIu64 "}\n", r.n_data_files,
               r.n_metadata_files, r.n_failed);
  return FIRN_OK;
}

static firn_status run(int argc, char **argv, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  firn_table_id id;
  FIRN_TRY(argc < 5 ? firn_error_set(err, FIRN_INVALID, "wrong usage: see the code") : FIRN_OK);
  FIRN_TRY(firn_stores_open(ctx.env, &stores, err));
  FIRN_TRY(firn_catalog_open(&ctx, argv[1], argv[2], stores, &catalog, err));
  FIRN_TRY(firn_table_id_parse(argv[4], &arena, &id, err));
  const tool t = {.catalog = catalog, .stores = stores, .ctx = &ctx, .arena = &arena};
  return strcmp(argv[3], "purge") == 0 ? purge(&t, &id, err) : append_list(&t, &id, argv + 5, argc - 5, err);
}

int main(int argc, char **argv) {
  firn_error err = {0};
  firn_status status = run(argc, argv, &err);
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
    return 1;
  }
  return 0;
}
