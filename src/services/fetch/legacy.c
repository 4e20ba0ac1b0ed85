/* Legacy objects: one JSON event each, under a key without a row, in one of several roots. */
#include "services/fetch/fetch_internal.h"

enum { MOST_BYTES = 64 << 20 /* of one object: it has to be read as a whole */ };

static firn_status read_object(firn_fetch *f, firn_ctx *ctx, const char *root, firn_bytes name,
                               firn_arena *arena, firn_bytes *out, firn_error *err) {
  firn_store *store = NULL;
  const char *base = NULL;
  FIRN_TRY(firn_stores_find(f->options.stores, root, arena, &store, &base, err));
  const char *path =
      firn_arena_printf(arena, "%s%s%.*s", base, base[0] == '\0' ? "" : "/", FIRN_FORMAT_BYTES(name));
  if (path == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  return firn_store_read_all(store, ctx, path, MOST_BYTES, arena, out, err);
}

static firn_status read_event(firn_bytes json, unsigned what, firn_arena *arena, firn_event *out,
                              firn_error *err) {
  FIRN_TRY(firn_event_read(json, arena, out, err));
  if ((what & FIRN_FETCH_DATA) == 0) {
    out->has_data = false;
    out->data = (firn_bytes){NULL, 0};
  }
  return FIRN_OK;
}

firn_status firn_fetch_legacy(firn_fetch *f, firn_ctx *ctx, firn_bytes name, const char *root, unsigned what,
                              firn_arena *arena, firn_event *out, firn_error *err) {
  for (size_t i = 0; i < f->options.n_legacy_roots; i++) {
    firn_bytes json;
    const char *at = f->options.legacy_roots[i];
    if (root != NULL && at != root) {
      continue;
    }
    firn_status status = read_object(f, ctx, at, name, arena, &json, err);
    if (status == FIRN_NOT_FOUND) {
      continue;
    }
    FIRN_TRY(status);
    status = read_event(json, what, arena, out, err);
    return status == FIRN_OK
               ? FIRN_OK
               : firn_error_while(err, status, "the legacy object %.*s", FIRN_FORMAT_BYTES(name));
  }
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no legacy object of the key %.*s",
                        FIRN_FORMAT_BYTES(name));
}
