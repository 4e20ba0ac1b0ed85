/* firn table files|cat: what a snapshot holds. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "apps/firn/print.h"
#include "apps/firn/rows.h"
#include "apps/firn/table.h"
#include "base/json_write.h"
#include "iceberg/scan/scan.h"

enum { LINE_MAX_BYTES = 64 << 20 };

firn_status firn_table_snapshot_option(const firn_metadata *m, const firn_args *args,
                                       const firn_snapshot **out, firn_error *err) {
  const char *text = firn_args_value(args, "snapshot");
  *out = NULL;
  if (text == NULL) {
    return FIRN_OK;
  }
  char *end;
  errno = 0;
  long long id = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') {
    return firn_error_set(err, FIRN_INVALID, "--snapshot must be a snapshot's id, not \"%s\"", text);
  }
  *out = firn_metadata_snapshot(m, id);
  return *out != NULL ? FIRN_OK : firn_error_set(err, FIRN_NOT_FOUND, "the table has no snapshot %lld", id);
}

static void write_file(const firn_data_file *f, const char *partition, firn_json_writer *w) {
  firn_json_begin_object(w);
  firn_json_add_text(w, "path", f->path);
  firn_json_add_text(w, "format", f->format);
  firn_json_add_int64(w, "spec-id", f->spec_id);
  firn_json_add_text(w, "partition", partition);
  firn_json_add_int64(w, "records", f->record_count);
  firn_json_add_int64(w, "bytes", f->size_bytes);
  firn_json_end_object(w);
}

static firn_status print_files(firn_app *app, const firn_app_table_found *found, firn_files *files,
                               firn_error *err) {
  static const char *const heads[] = {">rows", ">bytes", "partition", "path"};
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  const firn_schema *schema = firn_metadata_current_schema(found->metadata);
  for (;;) {
    const firn_manifest_entry *entry;
    FIRN_TRY(firn_files_next(files, &app->ctx, &entry, err));
    if (entry == NULL) {
      break;
    }
    const firn_data_file *f = &entry->file;
    const firn_partition_spec *spec = firn_metadata_spec(found->metadata, f->spec_id);
    const char *partition = spec == NULL ? "?" : firn_partition_path(spec, schema, f->partition, app->arena);
    if (app->format == FIRN_FORMAT_JSON) {
      firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
      write_file(f, partition == NULL ? "?" : partition, &w);
      firn_builder_add_u8(&b, '\n');
      FIRN_TRY(firn_print_builder(&b, app->out, err));
      continue;
    }
    const char *cells[] = {firn_print_count(f->record_count, app->arena),
                           firn_print_count(f->size_bytes, app->arena), partition,
                           firn_arena_text(app->arena, firn_bytes_of(f->path))};
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  if (app->format != FIRN_FORMAT_JSON) {
    firn_table_printer_print(&p, app->out);
  }
  return FIRN_OK;
}

static firn_status files_of(firn_app *app, const firn_app_table_found *found, const firn_args *args,
                            firn_error *err) {
  const firn_snapshot *snapshot;
  FIRN_TRY(firn_table_snapshot_option(found->metadata, args, &snapshot, err));
  snapshot = snapshot != NULL ? snapshot : firn_metadata_current_snapshot(found->metadata);
  if (snapshot == NULL) {
    return FIRN_OK;
  }
  FIRN_AUTO_FILES *files = NULL;
  firn_files_options options = {.metadata = found->metadata,
                                .snapshot = snapshot,
                                .stores = found->stores,
                                .moved = &found->moved,
                                .with_statistics = true};
  FIRN_TRY(firn_files_open(&options, &app->ctx, &files, err));
  return print_files(app, found, files, err);
}

firn_status firn_table_files_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_app_table_found found;
  FIRN_TRY(firn_app_table(app, args->words[0], &found, err));
  firn_status status = files_of(app, &found, args, err);
  firn_metadata_unref(found.metadata);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", args->words[0]);
}

static firn_status print_rows(firn_app *app, firn_scan *scan, uint64_t limit, firn_error *err) {
  uint64_t left = limit;
  while (left > 0) {
    const firn_batch *batch;
    FIRN_TRY(firn_scan_next(scan, &app->ctx, &batch, err));
    if (batch == NULL) {
      break;
    }
    size_t n = batch->n_rows < left ? batch->n_rows : (size_t)left;
    FIRN_TRY(firn_print_rows(app, batch, n, err));
    left -= n;
  }
  return FIRN_OK;
}

static firn_status cat(firn_app *app, const firn_app_table_found *found, const firn_args *args,
                       firn_error *err) {
  firn_scan_options options = {.metadata = found->metadata, .stores = found->stores, .moved = found->moved};
  uint64_t limit = UINT64_MAX;
  FIRN_TRY(firn_args_count(args, "limit", &limit, err));
  FIRN_TRY(firn_split_names(firn_args_value(args, "columns"), app->arena, &options.columns,
                            &options.n_columns, err));
  FIRN_TRY(firn_table_snapshot_option(found->metadata, args, &options.snapshot, err));
  FIRN_AUTO_SCAN *scan = NULL;
  FIRN_TRY(firn_scan_open(&options, &app->ctx, &scan, err));
  return print_rows(app, scan, limit, err);
}

firn_status firn_table_cat_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_app_table_found found;
  FIRN_TRY(firn_app_table(app, args->words[0], &found, err));
  firn_status status = cat(app, &found, args, err);
  firn_metadata_unref(found.metadata);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", args->words[0]);
}
