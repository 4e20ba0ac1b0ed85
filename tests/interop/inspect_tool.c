/* What inspect_test.py asks of firn: inspect_tool TABLE_FOLDER KIND [SNAPSHOT_ID]
 * The schema of the metadata table as JSON on a line, then one row a line. Exit status 1 with a sentence. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "iceberg/inspect/inspect.h"
#include "iceberg/scan/path.h"

static int failed(const firn_error *err) {
  (void)fprintf(stderr, "%s\n", err->text);
  return 1;
}

static firn_status print_line(const firn_builder *b, firn_error *err) {
  firn_bytes out;
  FIRN_TRY(firn_builder_finish(b, &out, err));
  (void)fwrite(out.data, 1, out.len, stdout);
  (void)putchar('\n');
  return FIRN_OK;
}

static firn_status print_schema(const firn_field *root, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  const firn_schema schema = {.root = *root};
  firn_schema_write(&schema, &w);
  return print_line(&b, err);
}

static firn_status print_batch(const firn_batch *batch, firn_error *err) {
  FIRN_TRY(firn_batch_check(batch, err));
  for (size_t i = 0; i < batch->n_rows; i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_json_begin_object(&w);
    for (uint32_t k = 0; k < batch->schema->n_children; k++) {
      firn_json_key(&w, batch->schema->children[k].name);
      firn_vector_write_json(&batch->columns[k], &batch->schema->children[k], i, &w);
    }
    firn_json_end_object(&w);
    FIRN_TRY(print_line(&b, err));
  }
  return FIRN_OK;
}

static firn_status run(const char *path, const char *kind, const char *snapshot, firn_error *err) {
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_METADATA *metadata = NULL;
  FIRN_AUTO_INSPECT *inspect = NULL;
  firn_moved moved;
  firn_inspect_options o = {.table_name = "db.t", .moved = &moved};
  if (!firn_inspect_kind_of(firn_bytes_of(kind), &o.kind)) {
    return firn_error_set(err, FIRN_INVALID, "no metadata table %s", kind);
  }
  FIRN_TRY(firn_stores_open(&firn_env_system, &stores, err));
  FIRN_TRY(firn_path_table_open(stores, &ctx, path, &arena, &metadata, &o.metadata_location, &moved, err));
  o.stores = stores;
  o.metadata = metadata;
  o.snapshot = snapshot == NULL ? firn_metadata_current_snapshot(metadata)
                                : firn_metadata_snapshot(metadata, strtoll(snapshot, NULL, 10));
  FIRN_TRY(firn_inspect_open(&o, &ctx, &inspect, err));
  FIRN_TRY(print_schema(firn_inspect_schema(inspect), err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_inspect_next(inspect, &ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(print_batch(batch, err));
  }
}

int main(int argc, char **argv) {
  firn_error err;
  if (argc != 3 && argc != 4) {
    (void)fputs("usage: inspect_tool TABLE_FOLDER KIND [SNAPSHOT_ID]\n", stderr);
    return 2;
  }
  return run(argv[1], argv[2], argc == 4 ? argv[3] : NULL, &err) == FIRN_OK ? 0 : failed(&err);
}
