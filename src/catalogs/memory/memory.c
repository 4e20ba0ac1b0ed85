#include "catalogs/memory/memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/builder.h"
#include "catalogs/pointer.h"

enum { NAME_MOST = 200 };

/* Names are flat texts: the levels of a namespace and the table, each ended by a zero byte, so that no two of
 * them are spelled alike and all below one namespace begin alike. */
typedef struct entry {
  struct entry *next;
  bool is_table;
  firn_arena arena; /* holds what follows */
  firn_bytes name;
  const char *location;       /* of a table */
  firn_properties properties; /* of a namespace */
} entry;

typedef struct memory_catalog {
  firn_pointer_catalog base;
  firn_store *own_store; /* NULL when a warehouse was given */
  pthread_mutex_t lock;  /* guards the list; never held while files are read or written */
  entry *first;          /* namespaces and tables, by name */
  char warehouse[];
} memory_catalog;

static memory_catalog *of(firn_catalog *c) {
  return (memory_catalog *)c;
}

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a catalog entry");
}

static firn_status flatten(const firn_namespace *ns, const char *table, firn_arena *arena, firn_bytes *out,
                           firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; ns != NULL && i < ns->n_levels; i++) {
    firn_builder_add_text(&b, ns->levels[i]);
    firn_builder_add_u8(&b, 0);
  }
  if (table != NULL) {
    firn_builder_add_text(&b, table);
    firn_builder_add_u8(&b, 0);
  }
  return firn_builder_finish_copy(&b, arena, out, err);
}

static entry *find(memory_catalog *m, firn_bytes name, bool is_table) {
  for (entry *e = m->first; e != NULL; e = e->next) {
    if (e->is_table == is_table && firn_bytes_equal(e->name, name)) {
      return e;
    }
  }
  return NULL;
}

static void entry_free(entry *e) {
  if (e != NULL) {
    firn_arena_free(&e->arena);
    firn_free(e);
  }
}

static void entry_free_pointer(entry **e) {
  entry_free(*e);
}

static firn_status entry_new(firn_bytes name, bool is_table, entry **out, firn_error *err) {
  entry *e = firn_alloc(sizeof *e);
  if (e == NULL) {
    return no_memory(err);
  }
  *e = (entry){.is_table = is_table, .arena = FIRN_ARENA_INIT(0)};
  e->name = firn_arena_copy(&e->arena, name);
  if (e->name.data == NULL) {
    entry_free(e);
    return no_memory(err);
  }
  *out = e;
  return FIRN_OK;
}

/* Takes `e` over. */
static void insert(memory_catalog *m, entry *e) {
  entry **at = &m->first;
  while (*at != NULL && firn_bytes_compare((*at)->name, e->name) < 0) {
    at = &(*at)->next;
  }
  e->next = *at;
  *at = e;
}

/* Out of the list; the caller's now. */
static void take_out(memory_catalog *m, const entry *e) {
  entry **at = &m->first;
  while (*at != e) {
    at = &(*at)->next;
  }
  *at = e->next;
}

static firn_status no_namespace(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no such namespace");
}

static firn_status no_table(firn_error *err) {
  return firn_error_set(err, FIRN_NOT_FOUND, "there is no such table");
}

/* --- properties --- */

static firn_status copy_properties(const firn_properties *from, firn_arena *arena, firn_properties *out,
                                   firn_error *err) {
  firn_property *items = firn_new_n(arena, firn_property, from->n);
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < from->n; i++) {
    items[i].key = firn_arena_text(arena, firn_bytes_of(from->items[i].key));
    items[i].value = firn_arena_text(arena, firn_bytes_of(from->items[i].value));
    if (items[i].key == NULL || items[i].value == NULL) {
      return no_memory(err);
    }
  }
  *out = (firn_properties){.n = from->n, .items = items};
  return FIRN_OK;
}

static bool is_among(const char *key, const char *const *keys, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(key, keys[i]) == 0) {
      return true;
    }
  }
  return false;
}

/* `old` without `remove` and what is set anew, then `set`; borrowed from both. */
static firn_status merge_properties(const firn_properties *old, const firn_properties *set,
                                    const char *const *remove, size_t n_remove, firn_arena *arena,
                                    firn_properties *out, firn_error *err) {
  firn_property *items = firn_new_n(arena, firn_property, old->n + set->n);
  size_t n = 0;
  if (items == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < old->n; i++) {
    const char *key = old->items[i].key;
    if (!is_among(key, remove, n_remove) && firn_properties_get(set, key) == NULL) {
      items[n++] = old->items[i];
    }
  }
  for (size_t i = 0; i < set->n; i++) {
    items[n++] = set->items[i];
  }
  *out = (firn_properties){.n = n, .items = items};
  return FIRN_OK;
}

/* --- namespaces --- */

/* An entry for the namespace and for each one above it. */
static firn_status make_levels(const firn_namespace *ns, const firn_properties *properties, entry **made,
                               firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < ns->n_levels; i++) {
    firn_namespace above = {.n_levels = i + 1, .levels = ns->levels};
    firn_bytes name;
    FIRN_TRY(flatten(&above, NULL, &scratch, &name, err));
    FIRN_TRY(entry_new(name, false, &made[i], err));
  }
  entry *own = made[ns->n_levels - 1];
  return copy_properties(properties, &own->arena, &own->properties, err);
}

static firn_status namespace_create(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    const firn_properties *properties, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  entry *made[FIRN_NAMESPACE_MAX_LEVELS] = {NULL};
  firn_status status = make_levels(ns, properties, made, err);
  if (status == FIRN_OK) {
    pthread_mutex_lock(&m->lock);
    bool is_there = find(m, made[ns->n_levels - 1]->name, false) != NULL;
    for (size_t i = 0; i < ns->n_levels && !is_there; i++) {
      if (find(m, made[i]->name, false) == NULL) {
        insert(m, FIRN_HAND_OVER(made[i]));
      }
    }
    pthread_mutex_unlock(&m->lock);
    status =
        is_there ? firn_error_set(err, FIRN_EXISTS, "there is a namespace of this name already") : FIRN_OK;
  }
  for (size_t i = 0; i < ns->n_levels; i++) {
    entry_free(made[i]);
  }
  return status;
}

static firn_status namespace_load(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns, firn_arena *arena,
                                  firn_properties *out, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  firn_bytes name;
  FIRN_TRY(flatten(ns, NULL, arena, &name, err));
  pthread_mutex_lock(&m->lock);
  const entry *e = find(m, name, false);
  firn_status status = e == NULL ? no_namespace(err) : copy_properties(&e->properties, arena, out, err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

static firn_status split_name(firn_bytes name, firn_arena *arena, firn_namespace *out, firn_error *err) {
  const char **levels = firn_new_n(arena, const char *, FIRN_NAMESPACE_MAX_LEVELS);
  size_t n = 0;
  if (levels == NULL) {
    return no_memory(err);
  }
  for (size_t at = 0; at < name.len; n++) {
    firn_bytes level = firn_bytes_of((const char *)name.data + at);
    levels[n] = firn_arena_text(arena, level);
    if (levels[n] == NULL) {
      return no_memory(err);
    }
    at += level.len + 1;
  }
  *out = (firn_namespace){.n_levels = n, .levels = levels};
  return FIRN_OK;
}

static size_t n_levels_of(firn_bytes name) {
  size_t n = 0;
  for (size_t i = 0; i < name.len; i++) {
    n += name.data[i] == 0;
  }
  return n;
}

/* Under the lock: entries of one kind one level below `parent`. */
static bool is_child(const entry *e, firn_bytes parent, size_t level, bool is_table) {
  return e->is_table == is_table && firn_bytes_has_prefix(e->name, parent) && n_levels_of(e->name) == level;
}

static firn_status list_children(memory_catalog *m, firn_bytes parent, firn_arena *arena,
                                 firn_namespaces *out, firn_error *err) {
  firn_namespace *items = NULL;
  size_t n = 0;
  size_t capacity = 0;
  size_t level = n_levels_of(parent) + 1;
  for (const entry *e = m->first; e != NULL; e = e->next) {
    if (is_child(e, parent, level, false)) {
      items = firn_arena_grow(arena, items, n, &capacity, sizeof *items);
      if (items == NULL) {
        return no_memory(err);
      }
      FIRN_TRY(split_name(e->name, arena, &items[n++], err));
    }
  }
  *out = (firn_namespaces){.n = n, .items = items};
  return FIRN_OK;
}

static firn_status namespace_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *parent,
                                  firn_arena *arena, firn_namespaces *out, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  firn_bytes name;
  FIRN_TRY(flatten(parent, NULL, arena, &name, err));
  pthread_mutex_lock(&m->lock);
  bool is_there = parent == NULL || find(m, name, false) != NULL;
  firn_status status = is_there ? list_children(m, name, arena, out, err) : no_namespace(err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* Makes `made` the entry in place of the one of its name, whose properties go with it. */
static firn_status update_locked(memory_catalog *m, entry **made, const firn_properties *set,
                                 const char *const *remove, size_t n_remove, firn_error *err) {
  entry *old = find(m, (*made)->name, false);
  firn_properties merged;
  if (old == NULL) {
    return no_namespace(err);
  }
  FIRN_TRY(merge_properties(&old->properties, set, remove, n_remove, &(*made)->arena, &merged, err));
  FIRN_TRY(copy_properties(&merged, &(*made)->arena, &(*made)->properties, err));
  take_out(m, old);
  insert(m, *made);
  *made = old;
  return FIRN_OK;
}

static firn_status namespace_update(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                    const firn_properties *set, const char *const *remove, size_t n_remove,
                                    firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes name;
  entry *e FIRN_AUTO(entry_free_pointer) = NULL;
  FIRN_TRY(flatten(ns, NULL, &scratch, &name, err));
  FIRN_TRY(entry_new(name, false, &e, err));
  pthread_mutex_lock(&m->lock);
  firn_status status = update_locked(m, &e, set, remove, n_remove, err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

static firn_status drop_locked(memory_catalog *m, firn_bytes name, entry **dropped, firn_error *err) {
  entry *found = find(m, name, false);
  if (found == NULL) {
    return no_namespace(err);
  }
  for (const entry *e = m->first; e != NULL; e = e->next) {
    if (e != found && firn_bytes_has_prefix(e->name, name)) {
      return firn_error_set(err, FIRN_CONFLICT, "the namespace is not empty: drop what is in it first");
    }
  }
  take_out(m, found);
  *dropped = found;
  return FIRN_OK;
}

static firn_status namespace_drop(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes name;
  entry *dropped FIRN_AUTO(entry_free_pointer) = NULL;
  FIRN_TRY(flatten(ns, NULL, &scratch, &name, err));
  pthread_mutex_lock(&m->lock);
  firn_status status = drop_locked(m, name, &dropped, err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* --- tables --- */

static firn_status list_tables_locked(memory_catalog *m, firn_bytes ns, firn_arena *arena, firn_names *out,
                                      firn_error *err) {
  firn_table_id *items = NULL;
  size_t n = 0;
  size_t capacity = 0;
  size_t level = n_levels_of(ns) + 1;
  for (const entry *e = m->first; e != NULL; e = e->next) {
    if (is_child(e, ns, level, true)) {
      firn_namespace parts;
      items = firn_arena_grow(arena, items, n, &capacity, sizeof *items);
      if (items == NULL) {
        return no_memory(err);
      }
      FIRN_TRY(split_name(ns, arena, &parts, err));
      items[n].ns = parts;
      items[n].name = firn_arena_text(arena, firn_bytes_of((const char *)e->name.data + ns.len));
      if (items[n++].name == NULL) {
        return no_memory(err);
      }
    }
  }
  *out = (firn_names){.n = n, .items = items};
  return FIRN_OK;
}

static firn_status table_list(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns, firn_arena *arena,
                              firn_names *out, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  firn_bytes name;
  FIRN_TRY(flatten(ns, NULL, arena, &name, err));
  pthread_mutex_lock(&m->lock);
  firn_status status =
      find(m, name, false) == NULL ? no_namespace(err) : list_tables_locked(m, name, arena, out, err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

static firn_status pointer_find(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_arena *arena,
                                const char **location, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  firn_bytes name;
  FIRN_TRY(flatten(&id->ns, id->name, arena, &name, err));
  pthread_mutex_lock(&m->lock);
  const entry *e = find(m, name, true);
  const char *copy = e == NULL ? NULL : firn_arena_text(arena, firn_bytes_of(e->location));
  pthread_mutex_unlock(&m->lock);
  if (e == NULL) {
    return no_table(err);
  }
  *location = copy;
  return copy == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status pointer_is_used(firn_catalog *c, firn_ctx *ctx, const char *folder, bool *out,
                                   firn_error *err) {
  (void)ctx;
  (void)err;
  memory_catalog *m = of(c);
  *out = false;
  pthread_mutex_lock(&m->lock);
  for (const entry *e = m->first; e != NULL; e = e->next) {
    *out |= e->is_table && strncmp(e->location, folder, strlen(folder)) == 0;
  }
  pthread_mutex_unlock(&m->lock);
  return FIRN_OK;
}

static firn_status swap_check(memory_catalog *m, const firn_pointer_swap *s, const entry *made,
                              firn_error *err) {
  const entry *now = find(m, made->name, true);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes ns;
  if (s->from != NULL) {
    return now != NULL && strcmp(now->location, s->from) == 0 ? FIRN_OK : firn_pointer_lost(err);
  }
  if (now != NULL) {
    return firn_error_set(err, FIRN_EXISTS, "there is a table of this name already");
  }
  FIRN_TRY(flatten(&s->table->ns, NULL, &scratch, &ns, err));
  return find(m, ns, false) == NULL ? no_namespace(err) : FIRN_OK;
}

/* Everything that may fail comes before the first change. `made` gets what was replaced. */
static firn_status swap_locked(memory_catalog *m, const firn_pointer_swap *swaps, size_t n, entry **made,
                               firn_error *err) {
  for (size_t i = 0; i < n; i++) {
    FIRN_TRY(swap_check(m, &swaps[i], made[i], err));
  }
  for (size_t i = 0; i < n; i++) {
    entry *old = find(m, made[i]->name, true);
    if (old != NULL) {
      take_out(m, old);
    }
    insert(m, made[i]);
    made[i] = old;
  }
  return FIRN_OK;
}

static firn_status make_entries(const firn_pointer_swap *swaps, size_t n, entry **made, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < n; i++) {
    firn_bytes name;
    FIRN_TRY(flatten(&swaps[i].table->ns, swaps[i].table->name, &scratch, &name, err));
    FIRN_TRY(entry_new(name, true, &made[i], err));
    made[i]->location = firn_arena_text(&made[i]->arena, firn_bytes_of(swaps[i].to));
    if (made[i]->location == NULL) {
      return no_memory(err);
    }
  }
  return FIRN_OK;
}

static firn_status pointer_swap(firn_catalog *c, firn_ctx *ctx, const firn_pointer_swap *swaps, size_t n,
                                firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  entry **made = firn_new_n(&scratch, entry *, n);
  if (made == NULL) {
    return no_memory(err);
  }
  firn_status status = make_entries(swaps, n, made, err);
  if (status == FIRN_OK) {
    pthread_mutex_lock(&m->lock);
    status = swap_locked(m, swaps, n, made, err);
    pthread_mutex_unlock(&m->lock);
  }
  for (size_t i = 0; i < n; i++) {
    entry_free(made[i]);
  }
  return status;
}

static firn_status table_drop(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes name;
  FIRN_TRY(flatten(&id->ns, id->name, &scratch, &name, err));
  pthread_mutex_lock(&m->lock);
  entry *e = find(m, name, true);
  if (e != NULL) {
    take_out(m, e);
  }
  pthread_mutex_unlock(&m->lock);
  entry_free(e);
  return e == NULL ? no_table(err) : FIRN_OK;
}

/* `made` becomes the table; what it replaces is left in its place. */
static firn_status rename_locked(memory_catalog *m, firn_bytes from, firn_bytes to_ns, entry **made,
                                 firn_error *err) {
  entry *old = find(m, from, true);
  if (old == NULL) {
    return no_table(err);
  }
  if (find(m, to_ns, false) == NULL) {
    return no_namespace(err);
  }
  if (find(m, (*made)->name, true) != NULL) {
    return firn_error_set(err, FIRN_EXISTS, "there is a table of this name already");
  }
  (*made)->location = firn_arena_text(&(*made)->arena, firn_bytes_of(old->location));
  if ((*made)->location == NULL) {
    return no_memory(err);
  }
  take_out(m, old);
  insert(m, *made);
  *made = old;
  return FIRN_OK;
}

static firn_status table_rename(firn_catalog *c, firn_ctx *ctx, const firn_table_id *from,
                                const firn_table_id *to, firn_error *err) {
  (void)ctx;
  memory_catalog *m = of(c);
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_bytes old_name;
  firn_bytes new_name;
  firn_bytes to_ns;
  entry *e FIRN_AUTO(entry_free_pointer) = NULL;
  FIRN_TRY(flatten(&from->ns, from->name, &scratch, &old_name, err));
  FIRN_TRY(flatten(&to->ns, to->name, &scratch, &new_name, err));
  FIRN_TRY(flatten(&to->ns, NULL, &scratch, &to_ns, err));
  FIRN_TRY(entry_new(new_name, true, &e, err));
  pthread_mutex_lock(&m->lock);
  firn_status status = rename_locked(m, old_name, to_ns, &e, err);
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* --- open, close --- */

static void memory_catalog_close(firn_catalog *c) {
  memory_catalog *m = of(c);
  for (entry *e = m->first; e != NULL;) {
    entry *next = e->next;
    entry_free(e);
    e = next;
  }
  if (m->own_store != NULL) {
    firn_stores_take_out(c->stores, m->own_store);
    firn_store_close(m->own_store);
  }
  pthread_mutex_destroy(&m->lock);
  firn_metadata_cache_free(m->base.cache);
  firn_free(m);
}

static const firn_catalog_ops memory_ops = {
    .kind = "memory",
    .can = FIRN_CATALOG_MULTI_TABLE | FIRN_CATALOG_NAMESPACE_PROPERTIES,
    .namespace_create = namespace_create,
    .namespace_load = namespace_load,
    .namespace_list = namespace_list,
    .namespace_update = namespace_update,
    .namespace_drop = namespace_drop,
    .table_list = table_list,
    .table_create = firn_pointer_table_create,
    .table_load = firn_pointer_table_load,
    .table_exists = firn_pointer_table_exists,
    .table_register = firn_pointer_table_register,
    .table_rename = table_rename,
    .table_drop = table_drop,
    .commit = firn_pointer_commit,
    .close = memory_catalog_close,
};

static const firn_pointer_ops pointer_ops = {
    .find = pointer_find, .swap = pointer_swap, .is_used = pointer_is_used};

static firn_status serve_own_store(memory_catalog *m, const char *name, firn_stores *stores,
                                   firn_error *err) {
  FIRN_AUTO_STORE *store = NULL;
  FIRN_TRY(firn_memory_store_open(0, &store, err));
  FIRN_TRY(firn_stores_add(stores, "memory", name, store, err));
  m->own_store = FIRN_HAND_OVER(store);
  return FIRN_OK;
}

firn_status firn_memory_catalog_open(firn_ctx *ctx, const char *name, const char *warehouse,
                                     firn_stores *stores, firn_catalog **out, firn_error *err) {
  (void)ctx;
  name = name[0] == '\0' ? "default" : name;
  if (strlen(name) > NAME_MOST || strpbrk(name, "/?#") != NULL) {
    return firn_error_set(err, FIRN_INVALID, "\"%.80s\" is no name for a memory catalog", name);
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  const char *location =
      warehouse != NULL ? warehouse : firn_arena_printf(&scratch, "memory://%s", name); /* NULL: no memory */
  size_t len = location == NULL ? 0 : strlen(location);
  memory_catalog *m = firn_alloc(sizeof *m + len + 1);
  if (m == NULL || location == NULL) {
    firn_free(m);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a catalog");
  }
  int failed = pthread_mutex_init(&m->lock, NULL);
  if (failed != 0) {
    firn_free(m);
    return firn_error_set(err, FIRN_NOMEM, "no lock for a catalog: %s", strerror(failed));
  }
  memcpy(m->warehouse, location, len + 1);
  for (; len > 1 && m->warehouse[len - 1] == '/'; len--) {
    m->warehouse[len - 1] = '\0';
  }
  m->base = (firn_pointer_catalog){
      .base = {.ops = &memory_ops, .stores = stores}, .pointers = &pointer_ops, .warehouse = m->warehouse};
  firn_status status = firn_metadata_cache_new(FIRN_POINTER_CACHE_BYTES, &m->base.cache, err);
  if (status == FIRN_OK && warehouse == NULL) {
    status = serve_own_store(m, name, stores, err);
  }
  if (status != FIRN_OK) {
    memory_catalog_close(&m->base.base);
    return status;
  }
  *out = &m->base.base;
  return FIRN_OK;
}
