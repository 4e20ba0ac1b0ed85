/* A committer for committer_test.py: brings data files into a table through a commit log of its own.
 *   committer_tool CATALOG WAREHOUSE LOG-FOLDER TABLE LIST PACE-MS [SNAPSHOT-AGE-MS]
 * LIST is a file of JSON objects, one a line: path, rows, size. Record i of the log is line i; the log gets
 * one every PACE-MS, going on where it ended. The tool steps the committer as a service does and ends when
 * every line is in the table: {"commits": ..., "retries": ...}. What stops the committer is one line "STATUS:
 * text" on standard error and exit status 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "catalogs/catalogs.h"
#include "events/commit_record.h"
#include "services/committer/committer.h"

enum { PAUSE_US = 5000, MAX_RETRIES = 1000 };

typedef struct tool tool;

/* One log for several processes: what it holds is told by the clock that they share. */
typedef struct shared_log {
  firn_commit_log base;
  tool *tool;
  int64_t start_us;
} shared_log;

typedef struct shared_reader {
  firn_commit_log_reader base;
  uint64_t next;
  firn_builder record;
} shared_reader;

struct tool {
  firn_ctx *ctx;
  firn_arena *arena;
  firn_catalog *catalog;
  firn_commit_log *log;
  shared_log shared;
  firn_table_id id;
  firn_table table;
  size_t n_files, capacity;
  firn_data_file *files;
  int64_t pace_us, began_us;
  uint64_t first, next; /* records: where this run began, the next to be put */
  int n_retries;
};

static void release_tool(tool *t) {
  firn_table_release(&t->table);
}

static firn_status add_file(tool *t, const char *line, size_t len, firn_error *err) {
  const firn_json_value *json;
  firn_bytes text = firn_arena_copy(t->arena, (firn_bytes){(const uint8_t *)line, len});
  t->files = firn_arena_grow(t->arena, t->files, t->n_files, &t->capacity, sizeof *t->files);
  if (t->files == NULL || text.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  firn_data_file *f = &t->files[t->n_files];
  *f = (firn_data_file){.format = "PARQUET"};
  FIRN_TRY(firn_json_tree_read(text, t->arena, &json, err));
  FIRN_TRY(firn_json_need_text(json, "path", t->arena, &f->path, err));
  FIRN_TRY(firn_json_need_int64(json, "rows", &f->record_count, err));
  FIRN_TRY(firn_json_need_int64(json, "size", &f->size_bytes, err));
  t->n_files++;
  return FIRN_OK;
}

static firn_status read_list(tool *t, const char *path, firn_error *err) {
  FILE *in = fopen(path, "r");
  char *line = NULL;
  size_t size = 0;
  firn_status status = in == NULL ? firn_error_set(err, FIRN_NOT_FOUND, "cannot read %s", path) : FIRN_OK;
  for (ssize_t len; status == FIRN_OK && (len = getline(&line, &size, in)) > 0;) {
    status = add_file(t, line, (size_t)len, err);
  }
  free(line);
  if (in != NULL) {
    (void)fclose(in);
  }
  return status;
}

static firn_status write_record(const tool *t, uint64_t i, firn_builder *json, firn_error *err) {
  const firn_commit_record_table table = {.n_levels = t->id.ns.n_levels,
                                          .levels = t->id.ns.levels,
                                          .name = t->id.name,
                                          .uuid = firn_metadata_get(t->table.metadata)->table_uuid,
                                          .n_files = 1,
                                          .files = &t->files[i]};
  const firn_commit_record record = {.journal = "j",
                                     .first = i,
                                     .next = i + 1,
                                     .accepted_us = firn_ctx_now_us(t->ctx),
                                     .n_tables = 1,
                                     .tables = &table};
  const firn_metadata *metadata = t->table.metadata;
  return firn_commit_record_write(&record, &metadata, json, err);
}

/* --- the shared log --- */

static uint64_t shared_end(const shared_log *log) {
  int64_t passed_us = firn_ctx_now_us(log->tool->ctx) - log->start_us;
  uint64_t n = passed_us < 0 ? 0 : (uint64_t)(passed_us / log->tool->pace_us);
  return n < log->tool->n_files ? n : log->tool->n_files;
}

static firn_status shared_range(firn_commit_log *self, firn_ctx *ctx, firn_arena *arena,
                                firn_log_positions *first, firn_log_positions *next, firn_error *err) {
  firn_log_position *both = firn_new_n(arena, firn_log_position, 2);
  (void)ctx;
  if (both == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  both[1].next = shared_end((shared_log *)self);
  *first = (firn_log_positions){1, &both[0]};
  *next = (firn_log_positions){1, &both[1]};
  return FIRN_OK;
}

static firn_status shared_reader_open(firn_commit_log *self, firn_ctx *ctx, const firn_log_positions *from,
                                      firn_commit_log_reader **out, firn_error *err) {
  shared_reader *r = firn_alloc(sizeof *r);
  (void)ctx;
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory");
  }
  *r = (shared_reader){.base.log = self, .next = from->items[0].next, .record = FIRN_BUILDER_INIT(0)};
  *out = &r->base;
  return FIRN_OK;
}

static firn_status shared_reader_next(firn_commit_log_reader *self, firn_ctx *ctx,
                                      firn_commit_log_record *out, bool *is_there, firn_error *err) {
  shared_reader *r = (shared_reader *)self;
  shared_log *log = (shared_log *)self->log;
  (void)ctx;
  *is_there = r->next < shared_end(log);
  if (*is_there) {
    firn_builder_reset(&r->record);
    FIRN_TRY(write_record(log->tool, r->next, &r->record, err));
    *out = (firn_commit_log_record){.position = r->next++, .bytes = firn_builder_bytes(&r->record)};
  }
  return FIRN_OK;
}

static void shared_reader_close(firn_commit_log_reader *self) {
  firn_builder_free(&((shared_reader *)self)->record);
  firn_free(self);
}

static firn_commit_log_consumer shared_consumer;

static firn_status shared_consumer_add(firn_commit_log *self, firn_ctx *ctx, const char *name,
                                       const firn_log_positions *from, firn_commit_log_consumer **out,
                                       firn_error *err) {
  (void)ctx, (void)name, (void)from, (void)err;
  shared_consumer.log = self;
  *out = &shared_consumer;
  return FIRN_OK;
}

static firn_status shared_consumer_advance(firn_commit_log_consumer *c, firn_ctx *ctx,
                                           const firn_log_positions *to, firn_error *err) {
  (void)c, (void)ctx, (void)to, (void)err;
  return FIRN_OK;
}

static void shared_consumer_close(firn_commit_log_consumer *c) {
  (void)c;
}

static void shared_close(firn_commit_log *self) {
  (void)self;
}

static void open_shared(tool *t, const char *start) {
  static const firn_commit_log_ops ops = {.kind = "shared",
                                          .range = shared_range,
                                          .reader_open = shared_reader_open,
                                          .reader_next = shared_reader_next,
                                          .reader_close = shared_reader_close,
                                          .consumer_add = shared_consumer_add,
                                          .consumer_advance = shared_consumer_advance,
                                          .consumer_close = shared_consumer_close,
                                          .close = shared_close};
  t->shared = (shared_log){.base = {.ops = &ops, .id = "0197f1a2-0000-7000-8000-00000000c001"},
                           .tool = t,
                           .start_us = strtoll(start, NULL, 10) * 1000};
  t->log = &t->shared.base;
}

/* --- work --- */

static firn_status put_record(tool *t, firn_error *err) {
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(0);
  firn_log_position at;
  FIRN_TRY(write_record(t, t->next, &json, err));
  FIRN_TRY(firn_commit_log_append(t->log, t->ctx, firn_builder_bytes(&json), &at, err));
  t->next++;
  return FIRN_OK;
}

/* What is due by now. */
static firn_status put_records(tool *t, firn_error *err) {
  if (t->log == &t->shared.base) {
    t->next = shared_end(&t->shared);
    return FIRN_OK;
  }
  int64_t passed_us = firn_ctx_monotonic_us(t->ctx) - t->began_us;
  uint64_t due = t->pace_us == 0 ? t->n_files : t->first + (uint64_t)(passed_us / t->pace_us) + 1;
  while (t->next < due && t->next < t->n_files) {
    FIRN_TRY(put_record(t, err));
  }
  return FIRN_OK;
}

static bool is_tried_again(firn_status status) {
  return status == FIRN_BUSY || status == FIRN_TIMEOUT || status == FIRN_CONFLICT || status == FIRN_IO ||
         status == FIRN_NOMEM;
}

static firn_status work(tool *t, firn_committer *c, firn_error *err) {
  for (;;) {
    int64_t wait_us = 0;
    FIRN_TRY(put_records(t, err));
    bool is_last = t->next == t->n_files;
    firn_status status = firn_committer_service.step(c, t->ctx, is_last, &wait_us, err);
    if (status != FIRN_OK && (!is_tried_again(status) || ++t->n_retries > MAX_RETRIES)) {
      return status;
    }
    if (status == FIRN_OK && is_last && wait_us == FIRN_STEP_IDLE) {
      return FIRN_OK;
    }
    t->ctx->env->sleep_us(t->ctx->env->self, PAUSE_US);
  }
}

static int64_t commits_of(const firn_metrics *metrics) {
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(metrics, &at, &v);) {
    if (strcmp(v.metric->name, "iceberg_batches_committed_total") == 0) {
      return v.value;
    }
  }
  return -1;
}

static firn_status open_log(tool *t, const char *folder, firn_error *err) {
  firn_log_positions first, next;
  if (strncmp(folder, "shared:", 7) == 0) {
    open_shared(t, folder + 7);
    return FIRN_OK;
  }
  FIRN_TRY(firn_local_commit_log_open(folder, t->ctx, &t->log, err));
  FIRN_TRY(firn_commit_log_range(t->log, t->ctx, t->arena, &first, &next, err));
  t->first = t->next = next.items[0].next;
  t->began_us = firn_ctx_monotonic_us(t->ctx);
  return FIRN_OK;
}

static void close_log(firn_commit_log **log) {
  firn_commit_log_close(*log);
}

static void close_committer(firn_committer **c) {
  firn_committer_close(*c);
}

static firn_status run(int argc, char **argv, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_CATALOG *catalog = NULL;
  firn_commit_log *log FIRN_AUTO(close_log) = NULL;
  firn_committer *committer FIRN_AUTO(close_committer) = NULL;
  tool t FIRN_AUTO(release_tool) = {.ctx = ctx, .arena = &arena};
  FIRN_TRY(argc < 7 ? firn_error_set(err, FIRN_INVALID, "wrong usage: see the code") : FIRN_OK);
  FIRN_TRY(firn_stores_open(ctx->env, &stores, err));
  FIRN_TRY(firn_catalog_open(ctx, argv[1], argv[2], stores, &catalog, err));
  FIRN_TRY(firn_table_id_parse(argv[4], &arena, &t.id, err));
  FIRN_TRY(firn_catalog_table_load(catalog, ctx, &t.id, &t.table, err));
  FIRN_TRY(read_list(&t, argv[5], err));
  t.pace_us = strtoll(argv[6], NULL, 10) * 1000;
  firn_status status = open_log(&t, argv[3], err);
  log = t.log;
  FIRN_TRY(status);
  const firn_committer_options options = {
      .log = log,
      .catalog = catalog,
      .n_tables = 1,
      .tables = &t.id,
      .max_files = 16,
      .period_us = 250 * 1000,
      .snapshot_age_us = argc > 7 ? strtoll(argv[7], NULL, 10) * 1000 : -1,
  };
  FIRN_TRY(firn_committer_open(&options, ctx, &committer, err));
  FIRN_TRY(work(&t, committer, err));
  (void)printf("{\"commits\":%" PRId64 ",\"retries\":%d}\n", commits_of(ctx->env->metrics), t.n_retries);
  return FIRN_OK;
}

int main(int argc, char **argv) {
  firn_error err = {0};
  static const firn_metric_set *const sets[] = {&firn_committer_metrics};
  firn_env env = firn_env_system;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  firn_status status = firn_metrics_open(sets, 1, &env.metrics, &err);
  if (status == FIRN_OK) {
    status = run(argc, argv, &ctx, &err);
  }
  firn_metrics_close(env.metrics);
  if (status != FIRN_OK) {
    (void)fprintf(stderr, "%s: %s\n", firn_status_name(status), err.text);
    return 1;
  }
  return 0;
}
