/* firn table manifests|refs|inspect: metadata tables. */
#include <inttypes.h>

#include "apps/firn/print.h"
#include "apps/firn/rows.h"
#include "apps/firn/table.h"
#include "iceberg/inspect/inspect.h"
#include "iceberg/types/value.h"

/* What people see of a metadata table: some of its columns, under heads of their own. */
typedef struct view {
  firn_inspect_kind kind;
  size_t n;
  const char *const *columns;
  const char *const *heads;
} view;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a metadata table");
}

/* Text as it is, everything else as JSON; NULL: there is none. */
static firn_status cell_text(const firn_vector *v, const firn_field *type, size_t row, firn_arena *arena,
                             const char **out, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_bytes text;
  *out = NULL;
  if (firn_vector_is_null(v, row)) {
    return FIRN_OK;
  }
  firn_vector_write_json(v, type, row, &w);
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  *out = firn_arena_text(arena, v->kind == FIRN_KIND_STRING ? v->bytes[row] : text);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status print_people(firn_app *app, firn_inspect *inspect, const view *shown, firn_error *err) {
  firn_table_printer p = {.arena = app->arena, .n_columns = shown->n, .heads = shown->heads};
  const char **cells = firn_new_n(app->arena, const char *, shown->n);
  if (cells == NULL) {
    return no_memory(err);
  }
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_inspect_next(inspect, &app->ctx, &batch, err));
    if (batch == NULL) {
      break;
    }
    for (size_t row = 0; row < batch->n_rows; row++) {
      for (size_t i = 0; i < shown->n; i++) {
        FIRN_TRY(cell_text(&batch->columns[i], &batch->schema->children[i], row, app->arena, &cells[i], err));
      }
      FIRN_TRY(firn_table_printer_add(&p, cells, err));
    }
  }
  firn_table_printer_print(&p, app->out);
  return FIRN_OK;
}

static firn_status print_json(firn_app *app, firn_inspect *inspect, firn_error *err) {
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_inspect_next(inspect, &app->ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_print_rows(app, batch, batch->n_rows, err));
  }
}

/* From names of columns to their places. */
static firn_status choose(firn_inspect_options *o, const char *const *names, size_t n, firn_arena *arena,
                          firn_error *err) {
  firn_field all;
  FIRN_TRY(firn_inspect_columns(o->kind, o->metadata, arena, &all, err));
  uint32_t *places = firn_new_n(arena, uint32_t, n);
  if (places == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < n; i++) {
    const firn_field *column = firn_field_child(&all, names[i]);
    if (column == NULL) {
      return firn_error_set(err, FIRN_NOT_FOUND, "%s has no column %s", firn_inspect_name(o->kind), names[i]);
    }
    places[i] = (uint32_t)(column - all.children);
  }
  o->columns = places;
  o->n_columns = n;
  return FIRN_OK;
}

static firn_status open_table(firn_app *app, const firn_app_table_found *found, const firn_args *args,
                              const view *shown, firn_inspect **out, firn_error *err) {
  firn_inspect_options o = {.kind = shown->kind,
                            .table_name = args->words[0],
                            .metadata = found->metadata,
                            .metadata_location = found->metadata_location,
                            .stores = found->stores,
                            .moved = &found->moved};
  FIRN_TRY(firn_table_snapshot_option(found->metadata, args, &o.snapshot, err));
  if (o.snapshot == NULL) {
    o.snapshot = firn_metadata_current_snapshot(found->metadata);
  } else if (!firn_inspect_is_of_snapshot(shown->kind)) {
    return firn_error_set(err, FIRN_INVALID, "%s is not of one snapshot: leave --snapshot out",
                          firn_inspect_name(shown->kind));
  }
  if (shown->columns != NULL) {
    FIRN_TRY(choose(&o, shown->columns, shown->n, app->arena, err));
  }
  return firn_inspect_open(&o, &app->ctx, out, err);
}

/* `heads` of `shown` NULL: always JSON. */
static firn_status show(firn_app *app, const firn_app_table_found *found, const firn_args *args,
                        const view *shown, firn_error *err) {
  FIRN_AUTO_INSPECT *inspect = NULL;
  bool for_people = shown->heads != NULL && app->format != FIRN_FORMAT_JSON;
  view all = {.kind = shown->kind};
  FIRN_TRY(open_table(app, found, args, for_people || shown->heads == NULL ? shown : &all, &inspect, err));
  return for_people ? print_people(app, inspect, shown, err) : print_json(app, inspect, err);
}

static firn_status run(firn_app *app, const firn_args *args, const view *shown, firn_error *err) {
  firn_app_table_found found;
  FIRN_TRY(firn_app_table(app, args->words[0], &found, err));
  firn_status status = show(app, &found, args, shown, err);
  firn_metadata_unref(found.metadata);
  return status == FIRN_OK ? status : firn_error_while(err, status, "%s", args->words[0]);
}

firn_status firn_table_manifests_run(firn_app *app, const firn_args *args, firn_error *err) {
  static const char *const columns[] = {"content",
                                        "added_data_files_count",
                                        "existing_data_files_count",
                                        "deleted_data_files_count",
                                        "partition_spec_id",
                                        "length",
                                        "path"};
  static const char *const heads[] = {">content", ">added", ">existing", ">deleted",
                                      ">spec",    ">bytes", "path"};
  const view shown = {FIRN_INSPECT_MANIFESTS, FIRN_COUNT_OF(columns), columns, heads};
  return run(app, args, &shown, err);
}

firn_status firn_table_refs_run(firn_app *app, const firn_args *args, firn_error *err) {
  static const char *const columns[] = {"name",
                                        "type",
                                        "snapshot_id",
                                        "max_reference_age_in_ms",
                                        "min_snapshots_to_keep",
                                        "max_snapshot_age_in_ms"};
  static const char *const heads[] = {
      "name", "type", ">snapshot id", ">max ref age ms", ">min snapshots", ">max snapshot age ms"};
  const view shown = {FIRN_INSPECT_REFS, FIRN_COUNT_OF(columns), columns, heads};
  return run(app, args, &shown, err);
}

static firn_status unknown_kind(const char *name, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(4096);
  firn_bytes text;
  for (int k = FIRN_INSPECT_HISTORY; k <= FIRN_INSPECT_ALL_ENTRIES; k++) {
    firn_builder_addf(&b, "%s%s", k == FIRN_INSPECT_HISTORY ? "" : ", ",
                      firn_inspect_name((firn_inspect_kind)k));
  }
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  return firn_error_set(err, FIRN_INVALID, "there is no metadata table %.80s, but %.*s", name,
                        FIRN_FORMAT_BYTES(text));
}

firn_status firn_table_inspect_run(firn_app *app, const firn_args *args, firn_error *err) {
  view shown = {0};
  if (!firn_inspect_kind_of(firn_bytes_of(args->words[1]), &shown.kind)) {
    return unknown_kind(args->words[1], err);
  }
  FIRN_TRY(firn_split_names(firn_args_value(args, "columns"), app->arena, &shown.columns, &shown.n, err));
  return run(app, args, &shown, err);
}
