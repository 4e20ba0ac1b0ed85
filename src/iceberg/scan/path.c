#include "iceberg/scan/path.h"

#include <inttypes.h>

enum { METADATA_MAX = 1 << 30, HINT_MAX = 4096 };

static bool has_suffix(const char *text, const char *suffix) {
  size_t len = strlen(text);
  size_t n = strlen(suffix);
  return len >= n && strcmp(text + len - n, suffix) == 0;
}

static bool is_metadata_file(const char *name) {
  return has_suffix(name, ".metadata.json") || has_suffix(name, ".gz.metadata.json") ||
         has_suffix(name, ".metadata.json.gz");
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
}

/* The number that a metadata file's name begins with: "v12.metadata.json", "00012-<uuid>.metadata.json". -1:
 * none. */
static int64_t version_of(const char *name) {
  const char *at = name[0] == 'v' ? name + 1 : name;
  int64_t version = at[0] >= '0' && at[0] <= '9' ? 0 : -1;
  for (; *at >= '0' && *at <= '9' && version < INT64_MAX / 10 - 10; at++) {
    version = version * 10 + (*at - '0');
  }
  return version;
}

typedef struct newest {
  int64_t version, modified_us;
  const char *name;
} newest;

static firn_status find_newest(firn_store *store, firn_ctx *ctx, const char *folder, firn_arena *arena,
                               newest *out, firn_error *err) {
  FIRN_AUTO_LISTING *listing = NULL;
  size_t skip = strlen(folder);
  FIRN_TRY(firn_store_list(store, ctx, folder, &listing, err));
  for (;;) {
    const firn_listed *object;
    FIRN_TRY(firn_listing_next(listing, ctx, &object, err));
    if (object == NULL) {
      return FIRN_OK;
    }
    const char *name = object->path + skip;
    int64_t version = version_of(name);
    bool is_newer =
        version > out->version || (version == out->version && object->modified_us > out->modified_us);
    if (!is_metadata_file(name) || strchr(name, '/') != NULL || (out->name != NULL && !is_newer)) {
      continue;
    }
    *out = (newest){version, object->modified_us, firn_arena_text(arena, firn_bytes_of(name))};
    if (out->name == NULL) {
      return no_memory(err);
    }
  }
}

/* What version-hint.text says: a number, or a whole name; "" when there is no hint. */
static firn_status read_hint(firn_store *store, firn_ctx *ctx, const char *folder, firn_arena *arena,
                             const char **out, firn_error *err) {
  *out = "";
  const char *path = firn_arena_printf(arena, "%sversion-hint.text", folder);
  if (path == NULL) {
    return no_memory(err);
  }
  firn_bytes hint;
  firn_status status = firn_store_read_all(store, ctx, path, HINT_MAX, arena, &hint, err);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  while (hint.len > 0 && (hint.data[hint.len - 1] == '\n' || hint.data[hint.len - 1] == '\r' ||
                          hint.data[hint.len - 1] == ' ')) {
    hint.len--;
  }
  *out = firn_arena_text(arena, hint);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

/* The file that a hint means, when it is there. */
static firn_status follow_hint(firn_store *store, firn_ctx *ctx, const char *folder, const char *hint,
                               firn_arena *arena, const char **name, firn_error *err) {
  static const char *const forms[] = {"v%s.metadata.json", "v%s.gz.metadata.json", "v%s.metadata.json.gz",
                                      "%s.metadata.json", "%s"};
  bool is_plain = hint[0] != '\0' && strchr(hint, '/') == NULL && strstr(hint, "..") == NULL;
  for (size_t i = 0; is_plain && i < FIRN_COUNT_OF(forms); i++) {
    const char *at = strchr(forms[i], '%');
    const char *tried = firn_arena_printf(arena, "%.*s%s%s", (int)(at - forms[i]), forms[i], hint, at + 2);
    const char *path = tried == NULL ? NULL : firn_arena_printf(arena, "%s%s", folder, tried);
    if (path == NULL) {
      return no_memory(err);
    }
    firn_object_info info;
    firn_status status = firn_store_stat(store, ctx, path, &info, err);
    if (status == FIRN_OK) {
      *name = tried;
      return FIRN_OK;
    }
    if (status != FIRN_NOT_FOUND) {
      return status;
    }
  }
  return FIRN_OK;
}

/* A numbered file may have successors that the hint does not know yet: it is written after them. */
static firn_status follow_successors(firn_store *store, firn_ctx *ctx, const char *folder, firn_arena *arena,
                                     const char **name, firn_error *err) {
  int64_t version = (*name)[0] == 'v' ? version_of(*name) : -1;
  while (version >= 0 && version < INT32_MAX) {
    const char *next = NULL;
    const char *hint = firn_arena_printf(arena, "%" PRId64, version + 1);
    if (hint == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(follow_hint(store, ctx, folder, hint, arena, &next, err));
    if (next == NULL || next[0] != 'v') {
      return FIRN_OK;
    }
    *name = next;
    version++;
  }
  return FIRN_OK;
}

/* The location of the newest metadata file of the table in `folder`. */
static firn_status find_metadata(firn_stores *stores, firn_ctx *ctx, const char *folder, firn_arena *arena,
                                 const char **out, firn_error *err) {
  const char *location = firn_arena_printf(arena, "%s/metadata", folder);
  if (location == NULL) {
    return no_memory(err);
  }
  firn_store *store;
  const char *path;
  FIRN_TRY(firn_stores_find(stores, location, arena, &store, &path, err));
  const char *inside = firn_arena_printf(arena, "%s/", path);
  if (inside == NULL) {
    return no_memory(err);
  }
  const char *hint;
  const char *name = NULL;
  FIRN_TRY(read_hint(store, ctx, inside, arena, &hint, err));
  FIRN_TRY(follow_hint(store, ctx, inside, hint, arena, &name, err));
  if (name != NULL) {
    FIRN_TRY(follow_successors(store, ctx, inside, arena, &name, err));
  } else {
    newest found = {.version = -1};
    FIRN_TRY(find_newest(store, ctx, inside, arena, &found, err));
    name = found.name;
  }
  if (name == NULL) {
    return firn_error_set(err, FIRN_NOT_FOUND, "%s holds no table: there is no metadata file in %s", folder,
                          location);
  }
  *out = firn_arena_printf(arena, "%s/%s", location, name);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

/* The folder of a table from the location of a metadata file in it. */
static const char *folder_of(const char *metadata_location, firn_arena *arena) {
  firn_bytes text = firn_bytes_of(metadata_location);
  for (int level = 0; level < 2; level++) {
    while (text.len > 0 && text.data[text.len - 1] != '/') {
      text.len--;
    }
    text.len -= text.len > 1;
  }
  return firn_arena_text(arena, text);
}

static const char *without_end_slashes(const char *path, firn_arena *arena) {
  firn_bytes text = firn_bytes_of(path);
  while (text.len > 1 && text.data[text.len - 1] == '/') {
    text.len--;
  }
  return firn_arena_text(arena, text);
}

firn_status firn_path_table_open(firn_stores *stores, firn_ctx *ctx, const char *path, firn_arena *arena,
                                 firn_metadata **out, const char **metadata_location, firn_moved *moved,
                                 firn_error *err) {
  const char *folder = without_end_slashes(path, arena);
  if (folder == NULL) {
    return no_memory(err);
  }
  const char *location = folder;
  if (is_metadata_file(folder)) {
    folder = folder_of(location, arena);
  } else {
    FIRN_TRY(find_metadata(stores, ctx, folder, arena, &location, err));
  }
  firn_bytes json;
  FIRN_AUTO_METADATA *metadata = NULL;
  firn_status status = firn_object_read(stores, NULL, ctx, location, METADATA_MAX, arena, &json, err);
  if (status == FIRN_OK) {
    status = firn_metadata_read(json, &metadata, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "metadata %s", location);
  }
  const char *recorded = without_end_slashes(firn_metadata_get(metadata)->location, arena);
  if (folder == NULL || recorded == NULL) {
    return no_memory(err);
  }
  *moved = strcmp(recorded, folder) == 0 ? (firn_moved){0} : (firn_moved){recorded, folder};
  *metadata_location = location;
  *out = FIRN_HAND_OVER(metadata);
  return FIRN_OK;
}
