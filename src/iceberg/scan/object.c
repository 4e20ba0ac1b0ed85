#include "iceberg/scan/object.h"

#include "base/alloc.h"

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

/* --- streams --- */

enum {
  FIRST_PART = 256 << 10, /* of an object of unknown size */
  LARGEST_PART = 9 << 20, /* a manifest of the usual 8 MiB, and the block that made it so large */
  GROWTH = 6              /* of the part, when the object is larger than was known */
};

static firn_status make_room(firn_object_stream *s, size_t wanted, firn_error *err) {
  if (wanted <= s->capacity) {
    return FIRN_OK;
  }
  firn_free(s->part);
  s->capacity = 0;
  s->part = firn_alloc_raw(wanted);
  if (s->part == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of %s", wanted, s->path);
  }
  s->capacity = wanted;
  return FIRN_OK;
}

/* A part that is not full is the last. */
static firn_status read_part(firn_object_stream *s, firn_ctx *ctx, firn_error *err) {
  firn_range range = {.offset = s->next_offset, .len = s->capacity, .into = s->part};
  FIRN_TRY(firn_store_read(s->store, ctx, s->path, &range, 1, NULL, err));
  s->at = 0;
  s->len = range.got;
  s->next_offset += range.got;
  s->at_end = range.got < s->capacity;
  return FIRN_OK;
}

firn_status firn_object_stream_open(firn_object_stream *s, firn_stores *stores, const firn_moved *moved,
                                    firn_ctx *ctx, const char *location, uint64_t size_bytes,
                                    firn_error *err) {
  firn_arena_reset(&s->arena);
  FIRN_TRY(find(stores, moved, location, &s->arena, &s->store, &s->path, err));
  /* A byte more than it is said to have, so that its end is seen by the same request. */
  size_t wanted = size_bytes >= LARGEST_PART ? LARGEST_PART : (size_t)size_bytes + 1;
  FIRN_TRY(make_room(s, size_bytes == 0 ? FIRST_PART : wanted, err));
  s->next_offset = 0;
  return read_part(s, ctx, err);
}

static firn_status read_on(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                           firn_error *err) {
  firn_object_stream *s = self;
  if (s->at == s->len && !s->at_end) {
    size_t larger = s->capacity * GROWTH < LARGEST_PART ? s->capacity * GROWTH : LARGEST_PART;
    FIRN_TRY(make_room(s, larger, err));
    FIRN_TRY(read_part(s, ctx, err));
  }
  *got = len < s->len - s->at ? len : s->len - s->at;
  if (*got > 0) {
    memcpy(into, s->part + s->at, *got);
    s->at += *got;
  }
  return FIRN_OK;
}

firn_avro_source firn_object_stream_source(firn_object_stream *s) {
  return (firn_avro_source){.read = read_on, .self = s};
}

void firn_object_stream_close(firn_object_stream *s) {
  firn_free(s->part);
  firn_arena_free(&s->arena);
  *s = (firn_object_stream){0};
}

/* --- Parquet files --- */

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
