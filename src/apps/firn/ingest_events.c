/* firn ingest --from cloudevents: structured CloudEvents into the archive. */
#include "apps/firn/ingest.h"

#include <inttypes.h>
#include <string.h>

#include "apps/firn/print.h"
#include "base/json_write.h"
#include "services/ingest/ingest.h"

enum { MAX_THREADS = 64, LEAST_MEMORY = 1 << 20 };

static void show_progress(void *arg, const firn_ingest_counts *so_far) {
  int64_t n = so_far->n_rows[FIRN_ARCHIVE_VALID] + so_far->n_rows[FIRN_ARCHIVE_PARTIAL] +
              so_far->n_rows[FIRN_ARCHIVE_DEAD_LETTER];
  firn_ingest_progress_show(arg, n, so_far->bytes_in);
}

static firn_status parse_compression(const char *text, firn_codec *codec, int *level, firn_error *err) {
  firn_status status = firn_codec_parse(text == NULL ? "zstd" : text, codec, level, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "--compression");
}

/* NAMESPACE.valid names the archive; its siblings have their names from the contract. */
static firn_status name_tables(firn_app *app, const char *text, firn_table_id tables[FIRN_ARCHIVE_N_TABLES],
                               firn_error *err) {
  firn_table_id id;
  FIRN_TRY(firn_table_id_parse(text, app->arena, &id, err));
  if (strcmp(id.name, firn_archive_table_name(FIRN_ARCHIVE_VALID)) != 0 || id.ns.n_levels == 0) {
    return firn_error_set(
        err, FIRN_UNSUPPORTED,
        "%s is no archive of CloudEvents: name its table of valid events, such as cloudevent.valid, or say "
        "what rows are in the input (--from json, csv or parquet)",
        text);
  }
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    tables[t] = (firn_table_id){.ns = id.ns, .name = firn_archive_table_name((firn_archive_table)t)};
  }
  return FIRN_OK;
}

static firn_status read_options(firn_app *app, const firn_args *args, firn_ingest_options *o,
                                firn_error *err) {
  uint64_t threads = 1;
  uint64_t memory = 0;
  uint64_t max_event = 0;
  FIRN_TRY(firn_args_size(args, "target-file-size", &o->target_file_bytes, err));
  FIRN_TRY(firn_args_size(args, "memory", &memory, err));
  FIRN_TRY(firn_args_size(args, "max-event-size", &max_event, err));
  FIRN_TRY(firn_args_count(args, "threads", &threads, err));
  if (threads < 1 || threads > MAX_THREADS) {
    return firn_error_set(err, FIRN_INVALID, "--threads must be from 1 to %d", MAX_THREADS);
  }
  if (max_event > (1 << 30)) {
    return firn_error_set(err, FIRN_INVALID, "--max-event-size may be 1GB at most");
  }
  if (firn_args_has(args, "memory") && memory < LEAST_MEMORY) {
    return firn_error_set(err, FIRN_INVALID, "--memory must be 1MB at least");
  }
  o->memory_bytes = memory;
  o->max_open_files = firn_ingest_max_open_files();
  o->max_event_bytes = max_event;
  o->n_workers = (unsigned)threads;
  FIRN_TRY(parse_compression(firn_args_value(args, "compression"), &o->codec, &o->level, err));
  FIRN_TRY(firn_ingest_commit_every(firn_args_value(args, "commit-every"), &o->commit_every_rows,
                                    &o->commit_every_us, err));
  FIRN_TRY(name_tables(app, args->words[0], o->tables, err));
  return firn_app_catalog(app, true, &o->catalog, err);
}

static firn_status ingest_file(firn_app *app, firn_ingest *g, const char *path, firn_error *err) {
  firn_ingest_file f;
  FIRN_TRY(firn_ingest_file_open(path, &f, err));
  firn_input input = {.origin = f.is_stdin ? "stdin" : path, .read = firn_ingest_file_read, .self = &f};
  firn_status status = firn_ingest_input(g, &app->ctx, &input, err);
  firn_ingest_file_close(&f);
  return status;
}

static firn_status ingest_words(firn_app *app, firn_ingest *g, const firn_args *args, firn_error *err) {
  if (args->n_words == 1) {
    FIRN_TRY(ingest_file(app, g, "-", err));
  }
  for (size_t i = 1; i < args->n_words; i++) {
    FIRN_TRY(ingest_file(app, g, args->words[i], err));
  }
  return firn_ingest_commit(g, &app->ctx, err);
}

static firn_status print_json(firn_app *app, const firn_ingest_counts *c, const firn_table_id *tables,
                              double seconds, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 16);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_json_key(&w, tables[t].name);
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "table", firn_table_id_text(&tables[t], app->arena));
    firn_json_add_int64(&w, "rows", c->n_rows[t]);
    firn_json_add_int64(&w, "files", c->n_files[t]);
    firn_json_key(&w, "snapshot-id");
    if (c->snapshot_id[t] != 0) {
      firn_json_write_int64(&w, c->snapshot_id[t]);
    } else {
      firn_json_write_null(&w);
    }
    firn_json_end_object(&w);
  }
  firn_json_add_int64(&w, "bytes-read", (int64_t)c->bytes_in);
  firn_json_add_int64(&w, "bytes-written", (int64_t)c->bytes_out);
  firn_json_add_int64(&w, "commits", c->n_commits);
  firn_json_key(&w, "seconds");
  firn_json_write_double(&w, seconds);
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, app->out, err);
}

static void print_text(firn_app *app, const firn_ingest_counts *c, const firn_table_id *tables,
                       double seconds) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    if (t == FIRN_ARCHIVE_VALID || c->n_rows[t] > 0) {
      (void)fprintf(app->out, "%s: %s rows in %s files\n", firn_table_id_text(&tables[t], app->arena),
                    firn_print_count(c->n_rows[t], app->arena), firn_print_count(c->n_files[t], app->arena));
    }
  }
  (void)fprintf(app->out, "%s read, %s written, %s commits, %.2f s\n",
                firn_print_size(c->bytes_in, app->arena), firn_print_size(c->bytes_out, app->arena),
                firn_print_count(c->n_commits, app->arena), seconds);
}

firn_status firn_ingest_events_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_ingest_progress p;
  firn_ingest_options options = {0};
  firn_ingest_progress_start(&p, app, "events");
  FIRN_TRY(read_options(app, args, &options, err));
  options.progress = p.is_shown ? show_progress : NULL;
  options.progress_arg = &p;
  FIRN_TRY(firn_pool_open(options.n_workers - 1, &app->env.pool, err));
  firn_ingest *g;
  FIRN_TRY(firn_ingest_open(&options, &app->ctx, &g, err));
  firn_status status = ingest_words(app, g, args, err);
  firn_ingest_counts counts = *firn_ingest_committed(g);
  firn_ingest_close(g, &app->ctx);
  double seconds = firn_ingest_progress_end(&p);
  if (status != FIRN_OK) {
    return counts.n_commits == 0
               ? status
               : firn_error_while(err, status, "after %" PRId64 " commits, which stay", counts.n_commits);
  }
  if (app->format == FIRN_FORMAT_JSON) {
    return print_json(app, &counts, options.tables, seconds, err);
  }
  print_text(app, &counts, options.tables, seconds);
  return FIRN_OK;
}
