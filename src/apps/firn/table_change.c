/* firn table create|drop|rename|register: changes of the catalog. */
#include <errno.h>
#include <inttypes.h>

#include "apps/firn/rows.h"
#include "apps/firn/table.h"
#include "apps/firn/table_alter.h"
#include "base/json_tree.h"
#include "iceberg/commit/purge.h"
#include "iceberg/types/terms.h"

static firn_status read_properties(firn_app *app, const char *text, firn_properties *out, firn_error *err) {
  const char *const *pairs;
  size_t n;
  FIRN_TRY(firn_split_names(text, app->arena, &pairs, &n, err));
  firn_status status = firn_properties_split(app, pairs, n, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "--properties");
}

/* From a list of columns, or from a file; one of the two must be given. */
static firn_status read_schema(firn_app *app, const firn_args *args, firn_schema *out, firn_error *err) {
  const char *columns = firn_args_value(args, "columns");
  const char *path = firn_args_value(args, "schema");
  const firn_json_value *json;
  if ((columns == NULL) == (path == NULL)) {
    return firn_error_set(err, FIRN_INVALID,
                          "a table needs columns: give either --columns LIST or --schema FILE");
  }
  if (path != NULL) {
    FIRN_TRY(firn_app_read_json(app, path, &json, err));
    firn_status status = firn_schema_read(json, app->arena, out, err);
    return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", path);
  }
  const char *text = firn_arena_printf(app->arena, "struct<%s>", columns);
  if (text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  int32_t last_id = 0;
  *out = (firn_schema){.root = {.id = FIRN_NO_ID, .name = "", .required = true}};
  FIRN_TRY(firn_type_parse(firn_bytes_of(text), app->arena, &out->root, err));
  FIRN_TRY(firn_schema_assign_ids(out, &last_id, app->arena, out, err));
  return firn_schema_check(out, err);
}

static firn_status read_partitioning(firn_app *app, const firn_args *args, const firn_schema *schema,
                                     firn_partition_spec *out, firn_error *err) {
  const char *terms = firn_args_value(args, "partition-by");
  const char *path = firn_args_value(args, "partition-spec");
  const firn_json_value *json;
  if (terms != NULL && path != NULL) {
    return firn_error_set(err, FIRN_INVALID, "--partition-by and --partition-spec exclude each other");
  }
  if (path == NULL) {
    return firn_partition_terms_parse(firn_bytes_of(terms), schema, app->arena, out, err);
  }
  FIRN_TRY(firn_app_read_json(app, path, &json, err));
  firn_status status = firn_partition_spec_read(json, app->arena, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", path);
}

firn_status firn_table_create_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_schema schema;
  firn_partition_spec spec;
  firn_sort_order order;
  firn_table_create how = {.schema = &schema, .spec = &spec, .sort_order = &order};
  const char *location = firn_args_value(args, "location");
  if (location != NULL) {
    how.location = firn_app_absolute(app, location);
    if (how.location == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    }
  }
  FIRN_TRY(read_schema(app, args, &schema, err));
  FIRN_TRY(read_partitioning(app, args, &schema, &spec, err));
  FIRN_TRY(firn_sort_terms_parse(firn_bytes_of(firn_args_value(args, "sort-by")), &schema, app->arena, &order,
                                 err));
  FIRN_TRY(read_properties(app, firn_args_value(args, "properties"), &how.properties, err));
  firn_catalog *catalog;
  firn_table_id id;
  FIRN_TRY(firn_app_catalog(app, true, &catalog, err));
  FIRN_TRY(firn_table_id_parse(args->words[0], app->arena, &id, err));
  firn_status status = firn_catalog_namespace_create(catalog, &app->ctx, &id.ns, NULL, err);
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
