#include "iceberg/commit/table_file.h"

#include <string.h>

#include "iceberg/commit/property.h"

enum { WRITE_ATTEMPTS = 3, NAME_ARENA = 1 << 16 };

const char *firn_table_file_location(const firn_metadata *m, const char *name, firn_arena *arena) {
  const char *folder = firn_metadata_property(m, FIRN_PROPERTY_METADATA_PATH);
  if (folder == NULL || folder[0] == '\0') {
    return firn_arena_printf(arena, "%s/metadata/%s", firn_metadata_get(m)->location, name);
  }
  size_t len = strlen(folder);
  while (len > 1 && folder[len - 1] == '/') {
    len--;
  }
  return firn_arena_printf(arena, "%.*s/%s", (int)len, folder, name);
}

firn_status firn_table_file_read(firn_stores *stores, firn_ctx *ctx, const char *location, size_t max_bytes,
                                 firn_arena *arena, firn_bytes *out, firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(stores, location, arena, &store, &path, err));
  firn_status status = firn_store_read_all(store, ctx, path, max_bytes, arena, out, err);
  if (status == FIRN_UNCERTAIN || status == FIRN_CONFLICT) {
    return firn_error_while(err, FIRN_IO, "a file that never changes"); /* no words for a commit's outcome */
  }
  return status;
}

firn_status firn_table_file_write(firn_stores *stores, firn_ctx *ctx, const char *location, firn_bytes data,
                                  firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(NAME_ARENA);
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(stores, location, &arena, &store, &path, err));
  firn_status status = FIRN_UNCERTAIN;
  for (int i = 0; status == FIRN_UNCERTAIN && i < WRITE_ATTEMPTS; i++) {
    status = firn_store_put(store, ctx, path, data, FIRN_PUT_ALWAYS, NULL, err);
  }
  if (status == FIRN_UNCERTAIN) {
    return firn_error_while(err, FIRN_IO, "%d answers were lost", WRITE_ATTEMPTS);
  }
  return status;
}

bool firn_table_file_discard(firn_stores *stores, firn_ctx *ctx, const char *location) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(NAME_ARENA);
  firn_store *store;
  const char *path;
  firn_ctx unhurried = FIRN_CTX_INIT(ctx->env); /* perhaps it is the deadline that brought us here */
  return firn_stores_find(stores, location, &arena, &store, &path, NULL) == FIRN_OK &&
         firn_store_remove(store, &unhurried, &path, 1, NULL, NULL) == FIRN_OK;
}
