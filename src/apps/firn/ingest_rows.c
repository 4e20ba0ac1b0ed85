/* firn ingest --from json|csv|parquet: rows into any table. */
#include "apps/firn/ingest.h"

#include <inttypes.h>
#include <string.h>

#include "apps/firn/print.h"
#include "base/json_write.h"
#include "iceberg/scan/object.h"
#include "services/load/load.h"

enum { LEAST_MEMORY = 1 << 20 };

static void show_progress(void *arg, uint64_t n_rows, uint64_t bytes_read) {
  firn_ingest_progress_show(arg, (int64_t)n_rows, bytes_read);
}

static firn_status read_evolution(const firn_args *args, firn_load_evolution *out, firn_error *err) {
  static const struct {
    const char *name;
    firn_load_evolution mode;
  } modes[] = {
      {"strict", FIRN_LOAD_STRICT}, {"add_columns", FIRN_LOAD_ADD_COLUMNS}, {"full", FIRN_LOAD_FULL}};
  const char *text = firn_args_value(args, "schema-evolution");
  for (size_t i = 0; text != NULL && i < FIRN_COUNT_OF(modes); i++) {
    if (strcmp(text, modes[i].name) == 0) {
      *out = modes[i].mode;
      return FIRN_OK;
    }
  }
  return text == NULL
             ? FIRN_OK
             : firn_error_set(err, FIRN_INVALID,
                              "--schema-evolution must be strict, add_columns or full, not \"%s\"", text);
}

static firn_status read_delimiter(const firn_args *args, firn_csv_options *out, firn_error *err) {
  const char *text = firn_args_value(args, "delimiter");
  out->no_header = firn_args_has(args, "no-header");
  if (text == NULL) {
    return FIRN_OK;
  }
  bool is_tab = strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0;
  if (!is_tab && (strlen(text) != 1 || (text[0] & 0x80) != 0)) {
    return firn_error_set(err, FIRN_INVALID, "--delimiter must be one character, not \"%s\"", text);
  }
  out->delimiter = is_tab ? '\t' : text[0];
  return FIRN_OK;
}

static firn_status read_schema(firn_app *app, const firn_args *args, const firn_schema **out,
                               firn_error *err) {
  const char *path = firn_args_value(args, "schema");
  if (path == NULL) {
    return FIRN_OK;
  }
  const firn_json_value *json;
  firn_schema *schema = firn_new(app->arena, firn_schema);
  if (schema == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  FIRN_TRY(firn_app_read_json(app, path, &json, err));
  firn_status status = firn_schema_read(json, app->arena, schema, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", path);
  }
  *out = schema;
  return FIRN_OK;
}

static firn_status read_sizes(const firn_args *args, firn_load_options *o, firn_error *err) {
  uint64_t memory = 0;
  uint64_t row = 0;
  int64_t rows = 0;
  FIRN_TRY(firn_args_size(args, "target-file-size", &o->target_file_bytes, err));
  FIRN_TRY(firn_args_size(args, "memory", &memory, err));
  FIRN_TRY(firn_args_size(args, "max-row-size", &row, err));
  FIRN_TRY(firn_ingest_commit_every(firn_args_value(args, "commit-every"), &rows, &o->commit_every_us, err));
  if (firn_args_has(args, "memory") && memory < LEAST_MEMORY) {
    return firn_error_set(err, FIRN_INVALID, "--memory must be 1MB at least");
  }
  if (row > (1 << 30)) {
    return firn_error_set(err, FIRN_INVALID, "--max-row-size may be 1GB at most");
  }
  o->memory_bytes = memory;
  o->max_row_bytes = row;
  o->commit_every = (uint64_t)rows;
  o->max_open_files = firn_ingest_max_open_files();
  return FIRN_OK;
}

static firn_status read_options(firn_app *app, const firn_args *args, firn_load_options *o, firn_error *err) {
  o->partition_by = firn_args_value(args, "partition-by");
  o->sort_by = firn_args_value(args, "sort-by");
  o->make_namespace = true;
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &o->table, err));
  FIRN_TRY(read_evolution(args, &o->evolution, err));
  FIRN_TRY(read_delimiter(args, &o->csv, err));
  FIRN_TRY(read_sizes(args, o, err));
  FIRN_TRY(read_schema(app, args, &o->schema, err));
  return firn_app_catalog(app, true, &o->catalog, err);
}

static firn_status load_parquet(firn_app *app, firn_load *l, const char *path, firn_error *err) {
  firn_stores *stores;
  firn_parquet_object object;
  if (strcmp(path, "-") == 0) {
    return firn_error_set(err, FIRN_INVALID, "Parquet is read from its end: name a file, not standard input");
  }
  const char *location = firn_app_absolute(app, path);
  if (location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  FIRN_TRY(firn_app_stores(app, &stores, err));
  FIRN_TRY(firn_parquet_object_find(stores, NULL, &app->ctx, location, 0, app->arena, &object, err));
  return firn_load_parquet(l, &app->ctx, path, firn_parquet_object_source(&object), err);
}

static firn_status load_file(firn_app *app, firn_load *l, const char *form, const char *path,
                             firn_error *err) {
  if (strcmp(form, "parquet") == 0) {
    return load_parquet(app, l, path, err);
  }
  firn_ingest_file f;
  FIRN_TRY(firn_ingest_file_open(path, &f, err));
  firn_rows_input input = {.read = firn_ingest_file_read, .self = &f};
  const char *name = f.is_stdin ? "stdin" : path;
  firn_status status = strcmp(form, "csv") == 0 ? firn_load_csv(l, &app->ctx, name, input, err)
                                                : firn_load_json(l, &app->ctx, name, input, err);
  firn_ingest_file_close(&f);
  return status;
}

static firn_status load_words(firn_app *app, firn_load *l, const char *form, const firn_args *args,
                              firn_load_result *result, firn_error *err) {
  if (args->n_words == 1) {
    FIRN_TRY(load_file(app, l, form, "-", err));
  }
  for (size_t i = 1; i < args->n_words; i++) {
    FIRN_TRY(load_file(app, l, form, args->words[i], err));
  }
  return firn_load_finish(l, &app->ctx, result, err);
}

static firn_status print_json(firn_app *app, const char *table, const firn_load_result *r, double seconds,
                              firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 16);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "table", table);
  firn_json_add_bool(&w, "created", r->made_table);
  firn_json_add_int64(&w, "rows", (int64_t)r->n_rows);
  firn_json_add_int64(&w, "files", (int64_t)r->n_files);
  firn_json_add_int64(&w, "columns-added", (int64_t)r->n_columns_added);
  firn_json_key(&w, "snapshot-id");
  if (r->snapshot_id != 0) {
    firn_json_write_int64(&w, r->snapshot_id);
  } else {
    firn_json_write_null(&w);
  }
  firn_json_add_int64(&w, "bytes-read", (int64_t)r->bytes_read);
  firn_json_add_int64(&w, "bytes-written", (int64_t)r->bytes_written);
  firn_json_add_int64(&w, "commits", (int64_t)r->n_commits);
  firn_json_key(&w, "seconds");
  firn_json_write_double(&w, seconds);
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, app->out, err);
}

static void print_text(firn_app *app, const char *table, const firn_load_result *r, double seconds) {
  (void)fprintf(app->out, "%s: %s rows in %s files%s", table,
                firn_print_count((int64_t)r->n_rows, app->arena),
                firn_print_count((int64_t)r->n_files, app->arena), r->made_table ? ", a new table" : "");
  if (r->n_columns_added > 0) {
    (void)fprintf(app->out, ", %s columns added", firn_print_count((int64_t)r->n_columns_added, app->arena));
  }
  (void)fprintf(app->out, "\n%s read, %s written, %s commits, %.2f s\n",
                firn_print_size(r->bytes_read, app->arena), firn_print_size(r->bytes_written, app->arena),
                firn_print_count((int64_t)r->n_commits, app->arena), seconds);
}

firn_status firn_ingest_rows_run(firn_app *app, const firn_args *args, const char *form, firn_error *err) {
  firn_ingest_progress p;
  firn_load_options options = {0};
  firn_load_result result = {0};
  firn_load *l;
  firn_ingest_progress_start(&p, app, "rows");
  FIRN_TRY(read_options(app, args, &options, err));
  options.progress = p.is_shown ? show_progress : NULL;
  options.progress_arg = &p;
  FIRN_TRY(firn_load_open(&options, &app->ctx, &l, err));
  firn_status status = load_words(app, l, form, args, &result, err);
  uint64_t n_commits = firn_load_so_far(l)->n_commits;
  firn_load_close(l, &app->ctx);
  double seconds = firn_ingest_progress_end(&p);
  if (status != FIRN_OK) {
    return n_commits == 0 ? status
                          : firn_error_while(err, status, "after %" PRIu64 " commits, which stay", n_commits);
  }
  if (app->format == FIRN_FORMAT_JSON) {
    return print_json(app, args->words[0], &result, seconds, err);
  }
  print_text(app, args->words[0], &result, seconds);
  return FIRN_OK;
}
