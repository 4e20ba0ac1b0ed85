#include "catalogs/folder/folder.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "catalogs/folder/folder_internal.h"

#define METADATA_PATH "write.metadata.path"

static firn_folder_catalog *of(firn_catalog *c) {
  return (firn_folder_catalog *)c;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a folder catalog");
}

static firn_status no_table(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no such table");
}

/* --- pointers: names of files --- */

static firn_status pointer_find(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_arena *arena,
                                const char **location, firn_error *err) {
  const char *path;
  firn_folder_version newest;
  FIRN_TRY(firn_folder_path(of(c), &id->ns, id->name, arena, &path, err));
  FIRN_TRY(firn_folder_newest(of(c)->store, ctx, path, arena, &newest, err));
  if (newest.number == 0) {
    return no_table(err);
  }
  *location = firn_folder_location(of(c), newest.path, arena);
  return *location == NULL ? no_memory(err) : FIRN_OK;
}

static int32_t version_of(const char *location) {
  const char *slash = strrchr(location, '/');
  return firn_folder_version_of(slash == NULL ? location : slash + 1);
}

/* A table that says that it lies elsewhere was moved or copied: what is read and written for it would be in
 * the old place. */
static firn_status check_place(firn_folder_catalog *c, const char *path, const firn_metadata *m,
                               firn_arena *arena, firn_error *err) {
  const char *location = firn_metadata_get(m)->location;
  firn_store *store;
  const char *said;
  FIRN_TRY(firn_stores_find(c->base.base.stores, location, arena, &store, &said, err));
  if (store != c->store || strcmp(said, path) != 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "its location %s is not its folder in this catalog: a folder catalog's tables lie "
                          "nowhere else, and one that was moved is read by its path",
                          location);
  }
  return FIRN_OK;
}

/* A table that is registered has a log, whose names must not be used again: trimming would take a new file
 * for an old one. */
static int32_t last_in_log(const firn_metadata *m) {
  const firn_metadata_fields *f = firn_metadata_get(m);
  int32_t last = 0;
  for (size_t i = 0; i < f->n_metadata_log; i++) {
    int32_t version = version_of(f->metadata_log[i].metadata_file);
    last = version > last ? version : last;
  }
  return last;
}

static firn_status pointer_name(firn_catalog *c, const firn_table_id *id, const firn_metadata *next,
                                const char *before, firn_arena *arena, const char **out, firn_error *err) {
  const char *path;
  int32_t number = before == NULL ? last_in_log(next) : version_of(before);
  FIRN_TRY(firn_folder_path(of(c), &id->ns, id->name, arena, &path, err));
  FIRN_TRY(check_place(of(c), path, next, arena, err));
  if (firn_metadata_property(next, METADATA_PATH) != NULL) {
    return firn_error_set(err, FIRN_INVALID,
                          METADATA_PATH " cannot be set: a folder catalog's table has its metadata in it");
  }
  if (number == INT32_MAX) {
    return firn_error_set(err, FIRN_LIMIT, "there is no version after %" PRId32, number);
  }
  const char *file = firn_folder_version_path(path, number + 1, arena);
  *out = file == NULL ? NULL : firn_folder_location(of(c), file, arena);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

/* The path in the store of a metadata file of this catalog. */
static const char *path_of(const firn_folder_catalog *c, const char *location, firn_arena *arena) {
  const char *below = location + strlen(c->base.warehouse) + 1;
  return c->root[0] == '\0' ? below : firn_arena_printf(arena, "%s/%s", c->root, below);
}

static firn_status publish(firn_folder_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                           const firn_metadata *m, int32_t number, const char *before, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT((size_t)1 << 30);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&json);
  firn_bytes text;
  const char *path;
  firn_metadata_write(m, &w);
  FIRN_TRY(firn_builder_finish(&json, &text, err));
  FIRN_TRY(firn_folder_path(c, &id->ns, id->name, &arena, &path, err));
  if (before != NULL) {
    before = path_of(c, before, &arena);
    if (before == NULL) {
      return no_memory(err);
    }
  }
  return firn_folder_publish(c->store, ctx, path, number, before, text, err);
}

/* One folder is one thing: a table, a namespace, or what a dropped table has left. */
static firn_status check_new(firn_folder_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                             firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *path;
  bool is_namespace;
  firn_folder_version version;
  FIRN_TRY(firn_folder_path(c, &id->ns, id->name, &arena, &path, err));
  FIRN_TRY(firn_folder_check_levels(c, ctx, &id->ns, err));
  FIRN_TRY(firn_folder_newest(c->store, ctx, path, &arena, &version, err));
  if (version.number > 0) {
    return firn_error_set(err, FIRN_EXISTS, "there is a table of this name already");
  }
  FIRN_TRY(firn_folder_namespace_is_there(c, ctx, path, &is_namespace, err));
  return is_namespace ? firn_error_set(err, FIRN_EXISTS, "there is a namespace of this name already")
                      : FIRN_OK;
}

static firn_status pointer_swap(firn_catalog *c, firn_ctx *ctx, const firn_pointer_swap *swaps, size_t n,
                                firn_error *err) {
  if (n != 1) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "a folder catalog changes one table at a time");
  }
  const char *from = swaps[0].from;
  if (from == NULL) {
    FIRN_TRY(check_new(of(c), ctx, swaps[0].table, err));
  }
  firn_status status =
      publish(of(c), ctx, swaps[0].table, swaps[0].metadata, version_of(swaps[0].to), from, err);
  if (status == FIRN_EXISTS) {
    return from == NULL ? firn_error_set(err, FIRN_EXISTS, "there is a table of this name already")
                        : firn_pointer_lost(err);
  }
  return status;
}

/* A table's folder is its own, whatever a dropped one of that name has left there. Trimming asks for files:
 * those elsewhere, which a log may name after a register, are not ours to remove. */
static firn_status pointer_is_used(firn_catalog *c, firn_ctx *ctx, const char *folder, bool *out,
                                   firn_error *err) {
  (void)ctx;
  (void)err;
  size_t len = strlen(of(c)->base.warehouse);
  *out = strncmp(folder, of(c)->base.warehouse, len) != 0 || folder[len] != '/';
  return FIRN_OK;
}

/* --- tables --- */

static firn_status table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                              firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  const char *path;
  FIRN_TRY(firn_folder_path(of(c), &id->ns, id->name, &arena, &path, err));
  FIRN_TRY(firn_pointer_table_load(c, ctx, id, &table, err));
  FIRN_TRY(check_place(of(c), path, table.metadata, &arena, err));
  *out = table;
  table = (firn_table){0};
  return FIRN_OK;
}

static firn_status table_drop(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *path;
  FIRN_TRY(firn_folder_path(of(c), &id->ns, id->name, &arena, &path, err));
  return firn_folder_forget(of(c)->store, ctx, path, err);
}

/* --- open, close --- */

static void folder_catalog_close(firn_catalog *c) {
  firn_metadata_cache_free(of(c)->base.cache);
  firn_free(c);
}

#define FOLDER_OPS(capabilities)                        \
  {                                                     \
      .kind = "folder",                                 \
      .can = (capabilities),                            \
      .namespace_create = firn_folder_namespace_create, \
      .namespace_load = firn_folder_namespace_load,     \
      .namespace_list = firn_folder_namespace_list,     \
      .namespace_drop = firn_folder_namespace_drop,     \
      .table_list = firn_folder_table_list,             \
      .table_create = firn_pointer_table_create,        \
      .table_load = table_load,                         \
      .table_exists = firn_pointer_table_exists,        \
      .table_register = firn_pointer_table_register,    \
      .table_drop = table_drop,                         \
      .commit = firn_pointer_commit,                    \
      .close = folder_catalog_close,                    \
  }

static const firn_catalog_ops durable_ops = FOLDER_OPS(FIRN_CATALOG_DURABLE);
static const firn_catalog_ops folder_ops = FOLDER_OPS(0);

static const firn_pointer_ops pointer_ops = {
    .find = pointer_find, .swap = pointer_swap, .is_used = pointer_is_used, .name_file = pointer_name};

static firn_bytes without_slash(const char *text) {
  firn_bytes out = firn_bytes_of(text);
  while (out.len > 1 && out.data[out.len - 1] == '/') {
    out.len--;
  }
  return out;
}

firn_status firn_folder_catalog_open(firn_ctx *ctx, const char *location, const char *warehouse,
                                     firn_stores *stores, firn_catalog **out, firn_error *err) {
  (void)ctx;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes own = without_slash(location);
  firn_store *store;
  const char *root;
  if (warehouse != NULL && !firn_bytes_equal(without_slash(warehouse), own)) {
    return firn_error_set(err, FIRN_INVALID,
                          "a folder catalog is its own warehouse: leave the warehouse %s out", warehouse);
  }
  FIRN_TRY(firn_stores_find(stores, location, &arena, &store, &root, err));
  if (!firn_store_can(store, FIRN_STORE_IF_ABSENT)) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the store of %s has no conditional writes, without which commits would be lost",
                          location);
  }
  size_t root_size = strlen(root) + 1;
  firn_folder_catalog *c = firn_alloc(sizeof *c + root_size + own.len + 1);
  if (c == NULL) {
    return no_memory(err);
  }
  memcpy(c->texts, root, root_size);
  memcpy(c->texts + root_size, own.data, own.len); /* firn_alloc has set the end */
  c->base = (firn_pointer_catalog){.pointers = &pointer_ops, .warehouse = c->texts + root_size};
  c->base.base = (firn_catalog){.ops = firn_store_can(store, FIRN_STORE_DURABLE) ? &durable_ops : &folder_ops,
                                .stores = stores};
  c->store = store;
  c->root = c->texts;
  firn_status status = firn_metadata_cache_new(FIRN_POINTER_CACHE_BYTES, &c->base.cache, err);
  if (status != FIRN_OK) {
    folder_catalog_close(&c->base.base);
    return status;
  }
  *out = &c->base.base;
  return FIRN_OK;
}

firn_status firn_folder_catalog_look(firn_ctx *ctx, const char *location, bool *is_there, int64_t *n_tables,
                                     firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  firn_store *store;
  const char *root;
  FIRN_TRY(firn_stores_open(ctx->env, &stores, err));
  FIRN_TRY(firn_stores_find(stores, location, &arena, &store, &root, err));
  return firn_folder_count_tables(store, ctx, root, n_tables, is_there, err);
}
