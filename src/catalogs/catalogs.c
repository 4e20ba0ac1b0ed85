#include "catalogs/catalogs.h"

#include "catalogs/memory/memory.h"
#include "catalogs/sql/sql.h"

/* A kind gets what stands behind "SCHEME:". */
typedef struct kind {
  const char *scheme;
  firn_status (*open)(firn_ctx *ctx, const char *rest, const char *warehouse, firn_stores *stores,
                      firn_catalog **out, firn_error *err);
} kind;

static const kind kinds[] = {
    {"sqlite", firn_sqlite_catalog_open},
    {"memory", firn_memory_catalog_open},
};

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
  const char *colon = strchr(uri, ':');
  if (colon == NULL) {
    return firn_error_set(err, FIRN_INVALID, "\"%.240s\" names no catalog: write sqlite:PATH", uri);
  }
  if (warehouse != NULL) {
    FIRN_TRY(check_warehouse(warehouse, stores, err));
  }
  size_t len = (size_t)(colon - uri);
  for (size_t i = 0; i < FIRN_COUNT_OF(kinds); i++) {
    if (strlen(kinds[i].scheme) == len && strncmp(kinds[i].scheme, uri, len) == 0) {
      return kinds[i].open(ctx, colon + 1, warehouse, stores, out, err);
    }
  }
  return firn_error_set(err, FIRN_UNSUPPORTED,
                        "no catalog of the kind \"%.*s:\" is built in; there are sqlite: and memory:",
                        (int)(len < 40 ? len : 40), uri);
}
