/* What plan_test.py asks of firn:
 *   plan_tool METADATA SNAPSHOT   for each filter, a line of standard input (empty: none), a line of JSON:
 * the files that may hold matches, with what is left to be asked of each, and what was passed over; or
 * {"error": ...} SNAPSHOT is as people write it ("" the current one), or "A..B" for what was appended after A
 * until B. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json_write.h"
#include "iceberg/scan/choose.h"
#include "iceberg/scan/path.h"
#include "iceberg/scan/tasks.h"

enum { LINE_MAX_BYTES = 1 << 20 };

typedef struct table {
  firn_stores *stores;
  firn_metadata *metadata;
  firn_moved moved;
  const firn_schema *schema;
  firn_files_options options;
} table;

static firn_status choose(table *t, char *text, firn_arena *arena, firn_error *err) {
  t->options = (firn_files_options){.metadata = t->metadata, .stores = t->stores, .moved = &t->moved};
  firn_snapshot_choice choice = {0};
  char *dots = strstr(text, "..");
  if (dots != NULL) {
    t->options.is_incremental = true;
    t->options.after_snapshot_id = strtoll(text, NULL, 10);
    text = dots + 2;
  }
  if (text[0] != '\0') {
    FIRN_TRY(firn_snapshot_choice_of_version(firn_bytes_of(text), arena, &choice, err));
  }
  FIRN_TRY(firn_snapshot_choose(t->metadata, &choice, &t->options.snapshot, &t->schema, err));
  t->options.schema = t->schema;
  return FIRN_OK;
}

static firn_status write_tasks(firn_files_options *options, firn_ctx *ctx, firn_json_writer *w,
                               firn_error *err) {
  FIRN_AUTO_TASKS *tasks = NULL;
  firn_scan_task task = {0};
  firn_status status = firn_tasks_open(options, SIZE_MAX, ctx, &tasks, err);
  for (bool is_over = false; status == FIRN_OK;) {
    status = firn_tasks_next(tasks, ctx, &task, &is_over, err);
    if (status != FIRN_OK || is_over) {
      break;
    }
    const char *residual = firn_expr_text(task.residual, &task.arena);
    firn_json_begin_array(w);
    firn_json_write_text(w, task.file.path);
    firn_json_write_text(w, residual == NULL ? "?" : residual);
    firn_json_end_array(w);
  }
  firn_arena_free(&task.arena);
  return status;
}

static firn_status plan(const table *t, firn_bytes filter, firn_ctx *ctx, firn_builder *out,
                        firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_files_options options = t->options;
  firn_scan_counts counts;
  memset(&counts, 0, sizeof counts);
  options.counts = &counts;
  if (filter.len > 0) {
    FIRN_TRY(firn_expr_parse(filter, &arena, &options.filter, err));
    FIRN_TRY(firn_expr_bind(options.filter, t->schema, false, &arena, &options.filter, err));
  }
  firn_json_writer w = FIRN_JSON_WRITER_INIT(out);
  firn_json_begin_object(&w);
  firn_json_key(&w, "files");
  firn_json_begin_array(&w);
  FIRN_TRY(write_tasks(&options, ctx, &w, err));
  firn_json_end_array(&w);
  firn_json_add_int64(&w, "manifests", counts.manifests);
  firn_json_add_int64(&w, "manifests-skipped", counts.manifests_skipped);
  firn_json_add_int64(&w, "files-skipped", counts.files_skipped);
  firn_json_end_object(&w);
  return FIRN_OK;
}

static firn_status open_table(table *t, char **argv, firn_ctx *ctx, firn_arena *arena, firn_error *err) {
  const char *location;
  FIRN_TRY(firn_stores_open(ctx->env, &t->stores, err));
  FIRN_TRY(firn_path_table_open(t->stores, ctx, argv[1], arena, &t->metadata, &location, &t->moved, err));
  return choose(t, argv[2], arena, err);
}

static void answer(const table *t, firn_bytes filter, firn_ctx *ctx) {
  firn_error err;
  FIRN_AUTO_BUILDER out = FIRN_BUILDER_INIT(0), refused = FIRN_BUILDER_INIT(0);
  firn_bytes line;
  firn_status status = plan(t, filter, ctx, &out, &err);
  if (status == FIRN_OK) {
    status = firn_builder_finish(&out, &line, &err);
  }
  if (status != FIRN_OK) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&refused);
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "error", err.text);
    firn_json_end_object(&w);
    line = firn_builder_bytes(&refused);
  }
  (void)printf("%.*s\n", FIRN_FORMAT_BYTES(line));
}

int main(int argc, char **argv) {
  static char line[LINE_MAX_BYTES];
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err = {0};
  table t = {0};
  if (argc != 3 || open_table(&t, argv, &ctx, &arena, &err) != FIRN_OK) {
    (void)fprintf(stderr, "%s\n", argc != 3 ? "usage: plan_tool METADATA SNAPSHOT" : err.text);
    return 1;
  }
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    answer(&t, firn_bytes_of(line), &ctx);
  }
  firn_metadata_unref(t.metadata);
  firn_stores_close(t.stores);
  return 0;
}
