/* firn table create|drop|rename|register: changes of the catalog. */
#include <errno.h>
#include <inttypes.h>

#include "apps/firn/rows.h"
#include "apps/firn/table.h"
#include "base/json_tree.h"
#include "iceberg/commit/purge.h"

static firn_status read_properties(firn_app *app, const char *text, firn_properties *out, firn_error *err) {
  const char *const *pairs;
  size_t n;
  FIRN_TRY(firn_split_names(text, app->arena, &pairs, &n, err));
  firn_property *items = firn_new_n(app->arena, firn_property, n);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu properties", n);
  }
  for (size_t i = 0; i < n; i++) {
    size_t len = strcspn(pairs[i], "=");
    if (len == 0 || pairs[i][len] == '\0') {
      return firn_error_set(err, FIRN_INVALID, "--properties: \"%s\" is not KEY=VALUE", pairs[i]);
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

firn_status firn_table_create_run(firn_app *app, const firn_args *args, firn_error *err) {
  const char *schema_path = firn_args_value(args, "schema");
  const char *spec_path = firn_args_value(args, "partition-spec");
  if (schema_path == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a table needs columns: give --schema FILE");
  }
  const firn_json_value *json;
  firn_schema schema;
  firn_partition_spec spec;
  firn_table_create how = {.schema = &schema};
  const char *location = firn_args_value(args, "location");
  if (location != NULL) {
    how.location = firn_app_absolute(app, location);
    if (how.location == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    }
  }
  FIRN_TRY(firn_app_read_json(app, schema_path, &json, err));
  firn_status status = firn_schema_read(json, app->arena, &schema, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", schema_path);
  }
  if (spec_path != NULL) {
    FIRN_TRY(firn_app_read_json(app, spec_path, &json, err));
    status = firn_partition_spec_read(json, app->arena, &spec, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "%s", spec_path);
    }
    how.spec = &spec;
  }
  FIRN_TRY(read_properties(app, firn_args_value(args, "properties"), &how.properties, err));
  firn_catalog *catalog;
  firn_table_id id;
  FIRN_TRY(firn_app_catalog(app, true, &catalog, err));
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &id, err));
  status = firn_catalog_namespace_create(catalog, &app->ctx, &id.ns, NULL, err);
  if (status != FIRN_OK && status != FIRN_EXISTS) {
    return status;
  }
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_create(catalog, &app->ctx, &id, &how, &table, err));
  (void)fprintf(app->out, "%s\n", table.metadata_location);
  return FIRN_OK;
}

firn_status firn_table_drop_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_catalog *catalog;
  firn_table_id id;
  FIRN_TRY(firn_app_catalog(app, false, &catalog, err));
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &id, err));
  if (!firn_args_has(args, "purge")) {
    return firn_catalog_table_drop(catalog, &app->ctx, &id, err);
  }
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_catalog_table_load(catalog, &app->ctx, &id, &table, err));
  FIRN_TRY(firn_catalog_table_drop(catalog, &app->ctx, &id, err));
  firn_purge_result result;
  FIRN_TRY(
      firn_table_purge(catalog->stores, &app->ctx, table.metadata, table.metadata_location, &result, err));
  return FIRN_OK;
}

firn_status firn_table_rename_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_catalog *catalog;
  firn_table_id from;
  firn_table_id to;
  FIRN_TRY(firn_app_catalog(app, false, &catalog, err));
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &from, err));
  FIRN_TRY(firn_table_id_parse(args->words[1], app->arena, &to, err));
  return firn_catalog_table_rename(catalog, &app->ctx, &from, &to, err);
}

firn_status firn_table_register_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_catalog *catalog;
  firn_table_id id;
  FIRN_TRY(firn_app_catalog(app, true, &catalog, err));
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &id, err));
  firn_status status = firn_catalog_namespace_create(catalog, &app->ctx, &id.ns, NULL, err);
  if (status != FIRN_OK && status != FIRN_EXISTS) {
    return status;
  }
  const char *metadata = firn_app_absolute(app, args->words[1]);
  if (metadata == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  return firn_catalog_table_register(catalog, &app->ctx, &id, metadata, NULL, err);
}
