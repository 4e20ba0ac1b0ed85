/* Namespaces and the names of tables: what folders there are, as far as a store of objects can tell. */
#include <stdlib.h>

#include "catalogs/folder/folder_internal.h"

/* A store knows no empty folders, so a namespace that is made here is an object of this name in its folder.
 */
#define MARKER ".firn-namespace"

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for the names of a catalog");
}

static firn_status no_namespace(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no such namespace");
}

/* --- paths --- */

static firn_status check_name(const char *name, firn_error *err) {
  if (strchr(name, '/') != NULL || name[0] == '.') {
    return firn_error_set(err, FIRN_INVALID,
                          "\"%.80s\" can name no folder: leave out slashes, and dots at the front", name);
  }
  return FIRN_OK;
}

firn_status firn_folder_path(const firn_folder_catalog *c, const firn_namespace *ns, const char *name,
                             firn_arena *arena, const char **out, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_bytes text;
  firn_builder_add_text(&b, c->root);
  for (size_t i = 0; i < ns->n_levels; i++) {
    FIRN_TRY(check_name(ns->levels[i], err));
    firn_builder_addf(&b, "%s%s", b.len == 0 ? "" : "/", ns->levels[i]);
  }
  if (name != NULL) {
    FIRN_TRY(check_name(name, err));
    firn_builder_addf(&b, "%s%s", b.len == 0 ? "" : "/", name);
  }
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  *out = firn_arena_text(arena, text);
  return *out == NULL ? no_memory(err) : FIRN_OK;
}

const char *firn_folder_location(const firn_folder_catalog *c, const char *path, firn_arena *arena) {
  const char *below = path + strlen(c->root);
  return firn_arena_printf(arena, "%s/%s", c->base.warehouse, below + (below[0] == '/'));
}

/* --- what a listing shows --- */

/* One object below a folder, as far as it tells of namespaces and tables: "x/<MARKER>" of namespace x,
 * "x/metadata/v1.metadata.json" of table x. */
typedef struct sign {
  bool is_table, is_namespace;
  size_t owner_len; /* of the path that is one */
} sign;

static sign sign_of(const char *path) {
  const char *name = strrchr(path, '/');
  static const char folder[] = "/metadata";
  size_t len = name == NULL ? 0 : (size_t)(name - path);
  if (name == NULL) {
    return (sign){0};
  }
  if (strcmp(name + 1, MARKER) == 0) {
    return (sign){.is_namespace = true, .owner_len = len};
  }
  if (len > sizeof folder - 1 && memcmp(path + len - (sizeof folder - 1), folder, sizeof folder - 1) == 0 &&
      firn_folder_version_of(name + 1) > 0) {
    return (sign){.is_table = true, .owner_len = len - (sizeof folder - 1)};
  }
  return (sign){0};
}

/* Whether any part of the path begins with a dot: such folders are no namespaces. */
static bool is_hidden(const char *path, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (path[i] == '.' && (i == 0 || path[i - 1] == '/')) {
      return true;
    }
  }
  return false;
}

/* Goes through what is below a folder; `path` "" is all of the store. */
typedef struct walk {
  firn_listing *listing;
  size_t skip; /* of paths: the folder and its slash */
} walk;

static void walk_end(walk *w) {
  firn_listing_close(w->listing);
}

static firn_status walk_begin(walk *w, firn_store *store, firn_ctx *ctx, const char *path, firn_arena *arena,
                              firn_error *err) {
  const char *prefix = path[0] == '\0' ? "" : firn_arena_printf(arena, "%s/", path);
  if (prefix == NULL) {
    return no_memory(err);
  }
  w->skip = strlen(prefix);
  return firn_folder_certain(firn_store_list(store, ctx, prefix, &w->listing, err), err);
}

/* The next object that tells something; `*path` NULL: there is none. */
static firn_status walk_next(walk *w, firn_ctx *ctx, const char **path, sign *out, firn_error *err) {
  for (;;) {
    const firn_listed *item;
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_folder_certain(firn_listing_next(w->listing, ctx, &item, err), err));
    *path = item == NULL ? NULL : item->path + w->skip;
    if (item == NULL) {
      return FIRN_OK;
    }
    *out = sign_of(*path);
    if ((out->is_table || out->is_namespace) && !is_hidden(*path, out->owner_len)) {
      return FIRN_OK;
    }
  }
}

static firn_status marker_is_there(const firn_folder_catalog *c, firn_ctx *ctx, const char *path,
                                   firn_arena *arena, bool *out, firn_error *err) {
  const char *marker = firn_arena_printf(arena, "%s%s" MARKER, path, path[0] == '\0' ? "" : "/");
  firn_object_info info;
  if (marker == NULL) {
    return no_memory(err);
  }
  firn_status status = firn_store_stat(c->store, ctx, marker, &info, err);
  *out = status == FIRN_OK;
  return status == FIRN_NOT_FOUND ? FIRN_OK : firn_folder_certain(status, err);
}

/* Whether any namespace or table lies below the path. */
static firn_status has_children(const firn_folder_catalog *c, firn_ctx *ctx, const char *path,
                                firn_arena *arena, bool *out, firn_error *err) {
  walk w FIRN_AUTO(walk_end) = {0};
  *out = false;
  FIRN_TRY(walk_begin(&w, c->store, ctx, path, arena, err));
  for (;;) {
    const char *found;
    sign s;
    FIRN_TRY(walk_next(&w, ctx, &found, &s, err));
    *out = found != NULL && s.owner_len > 0; /* 0: the path itself */
    if (found == NULL || *out) {
      return FIRN_OK;
    }
  }
}

firn_status firn_folder_count_tables(firn_store *store, firn_ctx *ctx, const char *path, int64_t *out,
                                     bool *has_any, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  walk w FIRN_AUTO(walk_end) = {0};
  FIRN_AUTO_BUILDER last =
      FIRN_BUILDER_INIT(0); /* the table that was seen last: its versions come together */
  *out = 0;
  *has_any = false;
  FIRN_TRY(walk_begin(&w, store, ctx, path, &arena, err));
  for (;;) {
    const char *found;
    sign s;
    FIRN_TRY(walk_next(&w, ctx, &found, &s, err));
    if (found == NULL) {
      return FIRN_OK;
    }
    firn_bytes owner = {(const uint8_t *)found, s.owner_len};
    *has_any = true;
    if (s.is_table && !firn_bytes_equal(firn_builder_bytes(&last), owner)) {
      *out += 1;
      firn_builder_reset(&last);
      firn_builder_add(&last, owner);
    }
  }
}

/* --- namespaces --- */

firn_status firn_folder_namespace_is_there(const firn_folder_catalog *c, firn_ctx *ctx, const char *path,
                                           bool *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_TRY(marker_is_there(c, ctx, path, &arena, out, err));
  return *out ? FIRN_OK : has_children(c, ctx, path, &arena, out, err);
}

firn_status firn_folder_check_levels(const firn_folder_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                     firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t n = 1; n <= ns->n_levels; n++) {
    const firn_namespace part = {n, ns->levels};
    const char *path;
    firn_folder_version version;
    FIRN_TRY(firn_folder_path(c, &part, NULL, &arena, &path, err));
    FIRN_TRY(firn_folder_newest(c->store, ctx, path, &arena, &version, err));
    if (version.number > 0) {
      return firn_error_set(err, FIRN_EXISTS, "the folder %s is a table's", path);
    }
  }
  return FIRN_OK;
}

static const firn_folder_catalog *of(firn_catalog *c) {
  return (const firn_folder_catalog *)c;
}

static firn_status put_marker(const firn_folder_catalog *c, firn_ctx *ctx, const char *path,
                              firn_arena *arena, firn_error *err) {
  const char *marker = firn_arena_printf(arena, "%s/" MARKER, path);
  if (marker == NULL) {
    return no_memory(err);
  }
  firn_status status =
      firn_store_put(c->store, ctx, marker, FIRN_LITERAL("{\"version\":1}\n"), FIRN_PUT_IF_ABSENT, NULL, err);
  return status == FIRN_EXISTS ? firn_error_set(err, status, "there is a namespace of this name already")
                               : status;
}

/* The levels above come with it. Its own marker is last: who makes a namespace finds what is above it. */
firn_status firn_folder_namespace_create(firn_catalog *catalog, firn_ctx *ctx, const firn_namespace *ns,
                                         const firn_properties *properties, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_folder_catalog *c = of(catalog);
  const char *path;
  bool is_there;
  if (properties->n > 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "a folder catalog keeps no properties of namespaces");
  }
  FIRN_TRY(firn_folder_path(c, ns, NULL, &arena, &path, err));
  FIRN_TRY(firn_folder_check_levels(c, ctx, ns, err));
  FIRN_TRY(firn_folder_namespace_is_there(c, ctx, path, &is_there, err));
  if (is_there) {
    return firn_error_set(err, FIRN_EXISTS, "there is a namespace of this name already");
  }
  for (size_t n = 1; n < ns->n_levels; n++) {
    const firn_namespace above = {n, ns->levels};
    const char *above_path;
    FIRN_TRY(firn_folder_path(c, &above, NULL, &arena, &above_path, err));
    firn_status status = put_marker(c, ctx, above_path, &arena, err);
    if (status != FIRN_OK && status != FIRN_EXISTS) {
      return status;
    }
  }
  return put_marker(c, ctx, path, &arena, err);
}

firn_status firn_folder_namespace_load(firn_catalog *catalog, firn_ctx *ctx, const firn_namespace *ns,
                                       firn_arena *arena, firn_properties *out, firn_error *err) {
  const char *path;
  bool is_there;
  firn_folder_version version;
  FIRN_TRY(firn_folder_path(of(catalog), ns, NULL, arena, &path, err));
  FIRN_TRY(firn_folder_namespace_is_there(of(catalog), ctx, path, &is_there, err));
  if (!is_there) {
    return no_namespace(err);
  }
  FIRN_TRY(firn_folder_newest(of(catalog)->store, ctx, path, arena, &version, err));
  if (version.number > 0) {
    return no_namespace(err);
  }
  *out = (firn_properties){0};
  return FIRN_OK;
}

firn_status firn_folder_namespace_drop(firn_catalog *catalog, firn_ctx *ctx, const firn_namespace *ns,
                                       firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_folder_catalog *c = of(catalog);
  firn_properties ignored;
  const char *path;
  bool is_used;
  FIRN_TRY(firn_folder_namespace_load(catalog, ctx, ns, &arena, &ignored, err));
  FIRN_TRY(firn_folder_path(c, ns, NULL, &arena, &path, err));
  FIRN_TRY(has_children(c, ctx, path, &arena, &is_used, err));
  if (is_used) {
    return firn_error_set(err, FIRN_CONFLICT, "the namespace is not empty: drop what is in it first");
  }
  const char *marker = firn_arena_printf(&arena, "%s/" MARKER, path);
  return marker == NULL ? no_memory(err) : firn_store_remove(c->store, ctx, &marker, 1, NULL, err);
}

/* --- lists --- */

typedef struct child {
  const char *name;
  bool is_table; /* else a namespace */
} child;

typedef struct children {
  child *items;
  size_t n, capacity;
} children;

static int by_name(const void *a, const void *b) {
  const child *x = a;
  const child *y = b;
  int order = strcmp(x->name, y->name);
  return order != 0 ? order : (int)y->is_table - (int)x->is_table;
}

static firn_status add_child(children *all, firn_bytes name, bool is_table, firn_arena *arena,
                             firn_error *err) {
  if (all->n > 0 && firn_bytes_is(name, all->items[all->n - 1].name) &&
      all->items[all->n - 1].is_table == is_table) {
    return FIRN_OK; /* objects of one folder come together */
  }
  all->items = firn_arena_grow(arena, all->items, all->n, &all->capacity, sizeof *all->items);
  const char *copy = all->items == NULL ? NULL : firn_arena_text(arena, name);
  if (copy == NULL) {
    return no_memory(err);
  }
  all->items[all->n++] = (child){copy, is_table};
  return FIRN_OK;
}

/* Sorted, each name once; a folder that has a table's metadata is a table, whatever else is in it. */
static void settle(children *all) {
  size_t n = 0;
  if (all->n > 1) {
    qsort(all->items, all->n, sizeof *all->items, by_name);
  }
  for (size_t i = 0; i < all->n; i++) {
    if (n == 0 || strcmp(all->items[n - 1].name, all->items[i].name) != 0) {
      all->items[n++] = all->items[i];
    }
  }
  all->n = n;
}

static firn_status collect(const firn_folder_catalog *c, firn_ctx *ctx, const char *path, firn_arena *arena,
                           children *out, firn_error *err) {
  walk w FIRN_AUTO(walk_end) = {0};
  FIRN_TRY(walk_begin(&w, c->store, ctx, path, arena, err));
  for (;;) {
    const char *found;
    sign s;
    FIRN_TRY(walk_next(&w, ctx, &found, &s, err));
    if (found == NULL) {
      break;
    }
    size_t len = strcspn(found, "/");
    if (s.owner_len > 0) {
      FIRN_TRY(add_child(out, (firn_bytes){(const uint8_t *)found, len}, s.is_table && s.owner_len == len,
                         arena, err));
    }
  }
  settle(out);
  return FIRN_OK;
}

firn_status firn_folder_namespace_list(firn_catalog *catalog, firn_ctx *ctx, const firn_namespace *parent,
                                       firn_arena *arena, firn_namespaces *out, firn_error *err) {
  const firn_namespace top = {0};
  const firn_namespace *ns = parent == NULL ? &top : parent;
  children all = {0};
  firn_properties ignored;
  const char *path;
  if (parent != NULL) {
    FIRN_TRY(firn_folder_namespace_load(catalog, ctx, parent, arena, &ignored, err));
  }
  FIRN_TRY(firn_folder_path(of(catalog), ns, NULL, arena, &path, err));
  FIRN_TRY(collect(of(catalog), ctx, path, arena, &all, err));
  firn_namespace *items = firn_new_n(arena, firn_namespace, all.n);
  size_t n = 0;
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < all.n; i++) {
    const char **levels = firn_new_n(arena, const char *, ns->n_levels + 1);
    if (levels == NULL) {
      return no_memory(err);
    }
    for (size_t k = 0; k < ns->n_levels; k++) {
      levels[k] = ns->levels[k];
    }
    levels[ns->n_levels] = all.items[i].name;
    if (!all.items[i].is_table) {
      items[n++] = (firn_namespace){ns->n_levels + 1, levels};
    }
  }
  *out = (firn_namespaces){.n = n, .items = items};
  return FIRN_OK;
}

static firn_status copy_levels(const firn_namespace *ns, firn_arena *arena, firn_namespace *out,
                               firn_error *err) {
  const char **levels = firn_new_n(arena, const char *, ns->n_levels);
  for (size_t i = 0; levels != NULL && i < ns->n_levels; i++) {
    levels[i] = firn_arena_text(arena, firn_bytes_of(ns->levels[i]));
    if (levels[i] == NULL) {
      return no_memory(err);
    }
  }
  *out = (firn_namespace){ns->n_levels, levels};
  return levels == NULL ? no_memory(err) : FIRN_OK;
}

firn_status firn_folder_table_list(firn_catalog *catalog, firn_ctx *ctx, const firn_namespace *ns,
                                   firn_arena *arena, firn_names *out, firn_error *err) {
  children all = {0};
  firn_properties ignored;
  firn_namespace copy;
  const char *path;
  FIRN_TRY(firn_folder_namespace_load(catalog, ctx, ns, arena, &ignored, err));
  FIRN_TRY(firn_folder_path(of(catalog), ns, NULL, arena, &path, err));
  FIRN_TRY(collect(of(catalog), ctx, path, arena, &all, err));
  FIRN_TRY(copy_levels(ns, arena, &copy, err));
  firn_table_id *items = firn_new_n(arena, firn_table_id, all.n);
  size_t n = 0;
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < all.n; i++) {
    if (all.items[i].is_table) {
      items[n++] = (firn_table_id){.ns = copy, .name = all.items[i].name};
    }
  }
  *out = (firn_names){.n = n, .items = items};
  return FIRN_OK;
}
