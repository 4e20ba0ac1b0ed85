#include "iceberg/scan/object.h"

const char *firn_moved_location(const firn_moved *moved, const char *location, firn_arena *arena) {
  if (moved == NULL || moved->recorded == NULL) {
    return location;
  }
  size_t len = strlen(moved->recorded);
  if (strncmp(location, moved->recorded, len) != 0 || (location[len] != '/' && location[len] != '\0')) {
    return location;
  }
  return firn_arena_printf(arena, "%s%s", moved->found, location + len);
}

static firn_status find(firn_stores *stores, const firn_moved *moved, const char *location, firn_arena *arena,
                        firn_store **store, const char **path, firn_error *err) {
  const char *found = firn_moved_location(moved, location, arena);
  if (found == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  return firn_stores_find(stores, found, arena, store, path, err);
}

firn_status firn_object_read(firn_stores *stores, const firn_moved *moved, firn_ctx *ctx,
                             const char *location, size_t max_bytes, firn_arena *arena, firn_bytes *out,
                             firn_error *err) {
  firn_store *store;
  const char *path;
  FIRN_TRY(find(stores, moved, location, arena, &store, &path, err));
  return firn_store_read_all(store, ctx, path, max_bytes, arena, out, err);
}

firn_status firn_parquet_object_find(firn_stores *stores, const firn_moved *moved, firn_ctx *ctx,
                                     const char *location, uint64_t size_bytes, firn_arena *arena,
                                     firn_parquet_object *out, firn_error *err) {
  firn_parquet_object object = {.size_bytes = size_bytes};
  FIRN_TRY(find(stores, moved, location, arena, &object.store, &object.path, err));
  if (size_bytes == 0) {
    firn_object_info info;
    FIRN_TRY(firn_store_stat(object.store, ctx, object.path, &info, err));
    object.size_bytes = info.size_bytes;
  }
  *out = object;
  return FIRN_OK;
}

enum { RANGES_AT_ONCE = 64 };

static firn_status read_ranges(void *self, firn_ctx *ctx, firn_parquet_range *ranges, size_t n,
                               firn_error *err) {
  firn_parquet_object *object = self;
  for (size_t done = 0; done < n;) {
    firn_range part[RANGES_AT_ONCE];
    size_t count = n - done < RANGES_AT_ONCE ? n - done : RANGES_AT_ONCE;
    for (size_t i = 0; i < count; i++) {
      const firn_parquet_range *r = &ranges[done + i];
      part[i] = (firn_range){.offset = r->offset, .len = r->len, .into = r->into};
    }
    FIRN_TRY(firn_store_read(object->store, ctx, object->path, part, count, NULL, err));
    for (size_t i = 0; i < count; i++) {
      if (part[i].got != part[i].len) {
        return firn_error_set(err, FIRN_CORRUPT, "%s is shorter than it should be", object->path);
      }
    }
    done += count;
  }
  return FIRN_OK;
}

firn_parquet_source firn_parquet_object_source(firn_parquet_object *object) {
  return (firn_parquet_source){.read = read_ranges, .self = object, .size_bytes = object->size_bytes};
}
