#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "apps/firn/command.h"
#include "apps/firn/data.h"
#include "catalogs/catalogs.h"

/* The working directory, in the app's arena; NULL when it cannot be told. */
static const char *working_directory(firn_app *app) {
  char folder[PATH_MAX];
  return getcwd(folder, sizeof folder) == NULL ? NULL : firn_arena_text(app->arena, firn_bytes_of(folder));
}

/* Where new data goes when nothing is said: ./firn-data, as an absolute path. */
static const char *data_path(firn_app *app, const char *below) {
  const char *folder = working_directory(app);
  return folder == NULL ? NULL : firn_arena_printf(app->arena, "%s/firn-data%s", folder, below);
}

const char *firn_app_absolute(firn_app *app, const char *location) {
  return firn_location_absolute(working_directory(app), location, app->arena);
}

firn_status firn_app_stores(firn_app *app, firn_stores **out, firn_error *err) {
  if (app->stores == NULL) {
    FIRN_TRY(firn_stores_open(&app->env, &app->stores, err));
  }
  *out = app->stores;
  return FIRN_OK;
}

firn_status firn_app_folder_catalog(firn_app *app, const char **uri, const char **warehouse,
                                    firn_error *err) {
  static const char scheme[] = "folder:";
  if (*uri == NULL || strncmp(*uri, scheme, sizeof scheme - 1) != 0) {
    return FIRN_OK;
  }
  const char *location = firn_app_absolute(app, *uri + sizeof scheme - 1);
  *uri = location == NULL ? NULL : firn_arena_printf(app->arena, "%s%s", scheme, location);
  *warehouse = *warehouse == NULL ? location : *warehouse;
  return *uri == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a path") : FIRN_OK;
}

/* ./firn-data, checked or made, unless catalog and warehouse are both elsewhere. */
static firn_status default_places(firn_app *app, bool may_create, const char **uri, const char **warehouse,
                                  firn_error *err) {
  *uri = app->catalog_uri != NULL && app->catalog_uri[0] != '\0' ? app->catalog_uri : NULL;
  *warehouse =
      app->warehouse != NULL && app->warehouse[0] != '\0' ? firn_app_absolute(app, app->warehouse) : NULL;
  FIRN_TRY(firn_app_folder_catalog(app, uri, warehouse, err));
  if (*uri == NULL) {
    const char *folder = data_path(app, "");
    if (folder == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    }
    FIRN_TRY(firn_data_open(folder, may_create, app->arena, err));
    *uri = firn_arena_printf(app->arena, "sqlite:%s/catalog.db", folder);
  }
  if (*warehouse == NULL) {
    *warehouse = data_path(app, "/warehouse");
  }
  return *uri == NULL || *warehouse == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a path")
                                            : FIRN_OK;
}

firn_status firn_app_catalog(firn_app *app, bool may_create, firn_catalog **out, firn_error *err) {
  if (app->catalog == NULL) {
    firn_stores *stores;
    const char *uri;
    const char *warehouse;
    FIRN_TRY(firn_app_stores(app, &stores, err));
    FIRN_TRY(default_places(app, may_create, &uri, &warehouse, err));
    FIRN_TRY(firn_catalog_open(&app->ctx, uri, warehouse, stores, &app->catalog, err));
  }
  *out = app->catalog;
  return FIRN_OK;
}

firn_status firn_app_table(firn_app *app, const char *name, firn_app_table_found *out, firn_error *err) {
  *out = (firn_app_table_found){0};
  FIRN_TRY(firn_app_stores(app, &out->stores, err));
  if (strchr(name, '/') != NULL) {
    const char *path = firn_app_absolute(app, name);
    if (path == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
    }
    const char *location;
    FIRN_TRY(firn_path_table_open(out->stores, &app->ctx, path, app->arena, &out->metadata, &location,
                                  &out->moved, err));
    out->metadata_location = location;
    return FIRN_OK;
  }
  firn_catalog *catalog;
  firn_table_id id;
  FIRN_AUTO_TABLE table = {0};
  FIRN_TRY(firn_app_catalog(app, false, &catalog, err));
  FIRN_TRY(firn_table_id_parse(name, app->arena, &id, err));
  FIRN_TRY(firn_catalog_table_load(catalog, &app->ctx, &id, &table, err));
  out->metadata_location = firn_arena_text(app->arena, firn_bytes_of(table.metadata_location));
  if (out->metadata_location == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  out->metadata = firn_metadata_ref(table.metadata);
  return FIRN_OK;
}

const char *firn_app_sql_library(firn_app *app) {
  static const char *const beside[] = {"libduckdb.so", "../lib/firn/libduckdb.so", "../lib/libduckdb.so",
                                       "../.cache/duckdb/libduckdb.so"};
  const char *named = app->variable == NULL ? NULL : app->variable("FIRN_DUCKDB");
  if (named != NULL && named[0] != '\0') {
    return named;
  }
  char program[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
  if (len <= 0) {
    return NULL;
  }
  program[len] = '\0';
  *strrchr(program, '/') = '\0';
  for (size_t i = 0; i < FIRN_COUNT_OF(beside); i++) {
    const char *path = firn_arena_printf(app->arena, "%s/%s", program, beside[i]);
    if (path != NULL && access(path, R_OK) == 0) {
      return path;
    }
  }
  return NULL;
}
