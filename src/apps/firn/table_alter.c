/* firn table alter|properties: changes of a table's columns, partitioning, order and properties. */
#include "apps/firn/table_alter.h"

#include <string.h>

#include "apps/firn/print.h"
#include "apps/firn/rows.h"
#include "apps/firn/table.h"
#include "base/time.h"

enum { LINE_MAX_BYTES = 64 << 20 };

/* --- committing --- */

static firn_status print_plan(firn_app *app, const firn_alter_result *plan, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
  for (size_t i = 0; i < plan->n_requirements; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_requirement_write(&plan->requirements[i], &w);
    firn_builder_add_u8(&b, '\n');
  }
  for (size_t i = 0; i < plan->n_updates; i++) {
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_update_write(&plan->updates[i], &w);
    firn_builder_add_u8(&b, '\n');
  }
  return firn_print_builder(&b, app->out, err);
}

firn_status firn_table_commit_changes(firn_app *app, const firn_args *args, const firn_change *changes,
                                      size_t n, firn_error *err) {
  const char *name = args->words[0];
  bool dry_run = firn_args_has(args, "dry-run");
  firn_catalog *catalog;
  firn_table_id id;
  firn_alter_result result;
  if (strchr(name, '/') != NULL) {
    return firn_error_set(
        err, FIRN_INVALID,
        "%s: a table that is named by its path is only read; firn table register takes it into "
        "a catalog",
        name);
  }
  FIRN_TRY(firn_app_catalog(app, false, &catalog, err));
  FIRN_TRY(firn_table_id_parse(name, app->arena, &id, err));
  const firn_alter alter = {.n_changes = n, .changes = changes, .dry_run = dry_run};
  firn_status status = firn_alter_commit(catalog, &app->ctx, &id, &alter, app->arena, &result, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", name);
  }
  if (dry_run) {
    return print_plan(app, &result, err);
  }
  if (!result.is_committed && !app->is_quiet) {
    (void)fprintf(app->errors, "%s is so already: nothing had to change\n", name);
  }
  return FIRN_OK;
}

firn_status firn_table_alter_run(firn_app *app, const firn_args *args, firn_error *err) {
  const firn_change *changes;
  size_t n;
  FIRN_TRY(firn_change_words_read(app, args, 1, &changes, &n, err));
  return firn_table_commit_changes(app, args, changes, n, err);
}

/* --- properties --- */

firn_status firn_properties_split(firn_app *app, const char *const *pairs, size_t n, firn_properties *out,
                                  firn_error *err) {
  firn_property *items = firn_new_n(app->arena, firn_property, n);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", n);
  }
  for (size_t i = 0; i < n; i++) {
    size_t len = strcspn(pairs[i], "=");
    if (len == 0 || pairs[i][len] == '\0') {
      return firn_error_set(err, FIRN_INVALID, "\"%s\" is not KEY=VALUE", pairs[i]);
    }
    items[i].key = firn_arena_text(app->arena, (firn_bytes){(const uint8_t *)pairs[i], len});
    items[i].value = pairs[i] + len + 1;
    if (items[i].key == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", n);
    }
  }
  *out = (firn_properties){n, items};
  return FIRN_OK;
}

static firn_status print_properties(firn_app *app, const firn_metadata *m, firn_error *err) {
  static const char *const heads[] = {"property", "value"};
  const firn_properties *properties = &firn_metadata_get(m)->properties;
  if (app->format == FIRN_FORMAT_JSON) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(LINE_MAX_BYTES);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
    firn_properties_write(properties, &w);
    firn_builder_add_u8(&b, '\n');
    return firn_print_builder(&b, app->out, err);
  }
  firn_table_printer p = FIRN_TABLE_PRINTER_INIT(app->arena, heads);
  for (size_t i = 0; i < properties->n; i++) {
    const char *cells[] = {properties->items[i].key, properties->items[i].value};
    FIRN_TRY(firn_table_printer_add(&p, cells, err));
  }
  firn_table_printer_print(&p, app->out);
  return FIRN_OK;
}

static firn_status show_properties(firn_app *app, const char *name, firn_error *err) {
  firn_app_table_found found;
  FIRN_TRY(firn_app_table(app, name, &found, err));
  firn_status status = print_properties(app, found.metadata, err);
  firn_metadata_unref(found.metadata);
  return status;
}

firn_status firn_table_properties_run(firn_app *app, const firn_args *args, firn_error *err) {
  const char *removed = firn_args_value(args, "remove");
  firn_change changes[] = {{.kind = FIRN_CHANGE_REMOVE_PROPERTIES}, {.kind = FIRN_CHANGE_SET_PROPERTIES}};
  if (args->n_words == 1 && removed == NULL) {
    return show_properties(app, args->words[0], err);
  }
  FIRN_TRY(firn_split_names(removed, app->arena, &changes[0].names, &changes[0].n_names, err));
  FIRN_TRY(firn_properties_split(app, args->words + 1, args->n_words - 1, &changes[1].properties, err));
  return firn_table_commit_changes(app, args, changes, 2, err);
}

/* --- times --- */

firn_status firn_moment_read(const char *text, firn_arena *arena, int64_t *out, firn_error *err) {
  firn_bytes given = firn_bytes_of(text);
  int32_t days;
  int64_t us;
  if (firn_date_parse(given, &days, NULL) == FIRN_OK) {
    *out = (int64_t)days * (FIRN_US_PER_DAY / 1000);
    return FIRN_OK;
  }
  char *with_t = firn_arena_text(arena, given);
  if (with_t == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a time");
  }
  char *blank = strchr(with_t, ' ');
  if (blank != NULL) {
    *blank = 'T';
  }
  given = firn_bytes_of(with_t);
  if (firn_rfc3339_parse(given, FIRN_MICROS, &us, NULL) != FIRN_OK &&
      firn_timestamp_parse(given, FIRN_MICROS, false, &us, NULL) != FIRN_OK) {
    return firn_error_set(
        err, FIRN_INVALID,
        "\"%s\" is no time such as 2024-06-15, 2024-06-15T12:00:00 or 2024-06-15T12:00:00+02:00", text);
  }
  *out = firn_floor_div(us, 1000);
  return FIRN_OK;
}
