#include "catalogs/catalogs.h"

#include "catalogs/folder/folder.h"
#include "catalogs/memory/memory.h"
#include "catalogs/sql/sql.h"

/* A kind gets what stands behind "SCHEME:". */
typedef struct kind {
  const char *scheme;
  firn_status (*open)(firn_ctx *ctx, const char *rest, const char *warehouse, firn_stores *stores,
                      firn_catalog **out, firn_error *err);
  firn_status (*look)(firn_ctx *ctx, const char *rest, bool *is_there, int64_t *n_tables, firn_error *err);
} kind;

static firn_status look_at_memory(firn_ctx *ctx, const char *rest, bool *is_there, int64_t *n_tables,
                                  firn_error *err) {
  (void)ctx, (void)rest, (void)err;
  *is_there = false; /* it begins with the process */
  *n_tables = 0;
  return FIRN_OK;
}

static const kind kinds[] = {
    {"sqlite", firn_sqlite_catalog_open, firn_sqlite_catalog_look},
    {"folder", firn_folder_catalog_open, firn_folder_catalog_look},
    {"memory", firn_memory_catalog_open, look_at_memory},
};

static firn_status find_kind(const char *uri, const kind **out, const char **rest, firn_error *err) {
  const char *colon = strchr(uri, ':');
  if (colon == NULL) {
    return firn_error_set(err, FIRN_INVALID, "\"%.240s\" names no catalog: write sqlite:PATH", uri);
  }
  size_t len = (size_t)(colon - uri);
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    if (strlen(kinds[i].scheme) == len && strncmp(kinds[i].scheme, uri, len) == 0) {
      *out = &kinds[i];
      *rest = colon + 1;
      return FIRN_OK;
    }
  }
  return firn_error_set(
      err, FIRN_UNSUPPORTED,
      "no catalog of the kind \"%.*s:\" is built in; there are sqlite:, folder: and memory:",
      (int)(len < 40 ? len : 40), uri);
}

/* Finds out now whether the warehouse can be reached at all, and not with the first table. */
static firn_status check_warehouse(const char *warehouse, firn_stores *stores, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *store;
  const char *path;
  firn_status status = firn_stores_find(stores, warehouse, &arena, &store, &path, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "warehouse");
}

firn_status firn_catalog_open(firn_ctx *ctx, const char *uri, const char *warehouse, firn_stores *stores,
                              firn_catalog **out, firn_error *err) {
  const kind *k;
  const char *rest;
  FIRN_TRY(find_kind(uri, &k, &rest, err));
  if (warehouse != NULL) {
    FIRN_TRY(check_warehouse(warehouse, stores, err));
  }
  return k->open(ctx, rest, warehouse, stores, out, err);
}

firn_status firn_catalog_look_at(firn_ctx *ctx, const char *uri, firn_catalog_look *out, firn_error *err) {
  const kind *k;
  const char *rest;
  FIRN_TRY(find_kind(uri, &k, &rest, err));
  return k->look(ctx, rest, &out->is_there, &out->n_tables, err);
}
