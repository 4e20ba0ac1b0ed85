#include "services/ingest/tables.h"

static firn_status need_namespace(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *id,
                                  firn_error *err) {
  firn_status status = firn_catalog_namespace_create(catalog, ctx, &id->ns, NULL, err);
  return status == FIRN_EXISTS ? FIRN_OK : status;
}

static firn_status make_table(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *id,
                              firn_archive_table t, firn_table *out, firn_error *err) {
  firn_table_create how = {
      .schema = firn_archive_schema(t),
      .spec = firn_archive_spec(t),
      .properties = firn_archive_properties(t),
  };
  FIRN_TRY(need_namespace(catalog, ctx, id, err));
  firn_status status = firn_catalog_table_create(catalog, ctx, id, &how, out, err);
  if (status == FIRN_EXISTS) { /* someone was faster */
    status = firn_catalog_table_load(catalog, ctx, id, out, err);
  }
  return status;
}

static firn_status need_table(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *id,
                              firn_archive_table t, firn_table *out, firn_error *err) {
  firn_status status = firn_catalog_table_load(catalog, ctx, id, out, err);
  if (status == FIRN_NOT_FOUND) {
    status = make_table(catalog, ctx, id, t, out, err);
  }
  FIRN_TRY(status);
  status = firn_archive_check(t, out->metadata, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s cannot take events", id->name);
  }
  return FIRN_OK;
}

firn_status firn_archive_tables_load(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *ids,
                                     firn_table *out, firn_error *err) {
  firn_table tables[FIRN_ARCHIVE_N_TABLES] = {0};
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_status status = need_table(catalog, ctx, &ids[t], (firn_archive_table)t, &tables[t], err);
    if (status != FIRN_OK) {
      firn_archive_tables_release(tables);
      return status;
    }
  }
  memcpy(out, tables, sizeof tables);
  return FIRN_OK;
}

void firn_archive_tables_release(firn_table *tables) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_table_release(&tables[t]);
  }
}
