#include "catalogs/pointer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "iceberg/commit/metadata_file.h"
#include "iceberg/commit/table_file.h"

enum { LOAD_TRIES = 5 };

static firn_pointer_catalog *of(firn_catalog *c) {
  return (firn_pointer_catalog *)c;
}

firn_status firn_pointer_lost(firn_error *err) {
  return firn_error_set(err, FIRN_CONFLICT, "Commit conflict - table was modified concurrently");
}

/* A table without its metadata yet. A location alone is no etag: a folder catalog gives it again when a table
 * was dropped and made anew. */
static firn_status name_table(const char *location, const firn_metadata *m, firn_table *out,
                              firn_error *err) {
  size_t size = strlen(location) + 1;
  char *copy = firn_alloc_raw(size);
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a table");
  }
  memcpy(copy, location, size);
  *out = (firn_table){.metadata_location = copy};
  const firn_bytes parts[] = {firn_bytes_of(location), firn_bytes_of(firn_metadata_get(m)->table_uuid)};
  (void)snprintf(out->etag, sizeof out->etag, "%016" PRIx64,
                 firn_xxh3_parts(0, parts, FIRN_COUNT_OF(parts))); /* fits */
  return FIRN_OK;
}

/* What tells the file at a location from others that may have had its name; "" where names are never used
 * again. A store without etags cannot tell: then nothing is remembered. */
static firn_status identify(firn_catalog *c, firn_ctx *ctx, const char *location, firn_arena *arena,
                            char etag[FIRN_ETAG_MAX], bool *is_known, firn_error *err) {
  firn_store *store;
  const char *path;
  firn_object_info info;
  etag[0] = '\0';
  *is_known = of(c)->pointers->name_file == NULL;
  if (*is_known) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_stores_find(c->stores, location, arena, &store, &path, err));
  firn_status status = firn_store_stat(store, ctx, path, &info, err);
  if (status == FIRN_UNCERTAIN || status == FIRN_CONFLICT) { /* no words for a commit's outcome */
    return firn_error_while(err, FIRN_IO, "looking at its metadata");
  }
  FIRN_TRY(status);
  memcpy(etag, info.etag, FIRN_ETAG_MAX);
  *is_known = etag[0] != '\0';
  return FIRN_OK;
}

/* The metadata at a location: remembered, else read and remembered. */
static firn_status read_metadata(firn_catalog *c, firn_ctx *ctx, const char *location, firn_arena *arena,
                                 firn_metadata **out, firn_error *err) {
  char etag[FIRN_ETAG_MAX];
  bool is_known;
  if (of(c)->cache == NULL) {
    return firn_metadata_file_read(c->stores, ctx, location, out, err);
  }
  FIRN_TRY(identify(c, ctx, location, arena, etag, &is_known, err));
  firn_metadata *remembered = is_known ? firn_metadata_cache_get(of(c)->cache, location, etag) : NULL;
  if (remembered != NULL) {
    *out = remembered;
    return FIRN_OK;
  }
  FIRN_AUTO_METADATA *m = NULL;
  firn_metadata_entry *entry;
  FIRN_TRY(firn_metadata_file_read(c->stores, ctx, location, &m, err));
  if (is_known) {
    FIRN_TRY(firn_metadata_entry_new(location, etag, m, &entry, err));
    firn_metadata_cache_put(of(c)->cache, entry);
  }
  *out = FIRN_HAND_OVER(m);
  return FIRN_OK;
}

/* The pointer and what it points to. A file that is gone may have been trimmed by a commit in between: then
 * the pointer has moved and we look again. */
static firn_status load_current(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_arena *arena,
                                const char **location, firn_metadata **out, firn_error *err) {
  const char *before = NULL;
  for (int i = 0; i < LOAD_TRIES; i++) {
    FIRN_TRY(of(c)->pointers->find(c, ctx, id, arena, location, err));
    if (before != NULL && strcmp(before, *location) == 0) {
      return firn_error_set(err, FIRN_CORRUPT, "its metadata file is gone: %s", *location);
    }
    firn_status status = read_metadata(c, ctx, *location, arena, out, err);
    if (status != FIRN_NOT_FOUND) {
      return status;
    }
    before = *location;
  }
  return firn_error_set(err, FIRN_CONFLICT, "it is committed to faster than its metadata can be read");
}

firn_status firn_pointer_table_load(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                                    firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *location;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(load_current(c, ctx, id, &arena, &location, &m, err));
  FIRN_TRY(name_table(location, m, out, err));
  out->metadata = FIRN_HAND_OVER(m);
  return FIRN_OK;
}

firn_status firn_pointer_table_exists(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, bool *out,
                                      firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *location;
  firn_status status = of(c)->pointers->find(c, ctx, id, &arena, &location, err);
  if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
    return status;
  }
  *out = status == FIRN_OK;
  return FIRN_OK;
}

/* --- where new tables go --- */

static firn_status check_folder_name(const char *name, firn_error *err) {
  if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "\"%.80s\" cannot name a folder: give the table a location of its own", name);
  }
  return FIRN_OK;
}

/* `text` without slashes at its end, in `arena`. */
static const char *without_slash(const char *text, firn_arena *arena) {
  size_t len = strlen(text);
  while (len > 1 && text[len - 1] == '/') {
    len--;
  }
  return firn_arena_text(arena, (firn_bytes){(const uint8_t *)text, len});
}

/* The folder of a namespace's tables: its property `location`, else below the warehouse. */
static firn_status namespace_folder(firn_catalog *c, const firn_namespace *ns,
                                    const firn_properties *properties, firn_arena *arena, firn_builder *into,
                                    firn_error *err) {
  const char *own = firn_properties_get(properties, "location");
  if (own != NULL) {
    const char *cleaned = without_slash(own, arena);
    firn_builder_add_text(into, cleaned == NULL ? "" : cleaned);
    return cleaned == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a location") : FIRN_OK;
  }
  if (of(c)->warehouse == NULL) {
    return firn_error_set(err, FIRN_INVALID, "there is no warehouse: give one, or give the table a location");
  }
  firn_builder_add_text(into, of(c)->warehouse);
  for (size_t i = 0; i < ns->n_levels; i++) {
    FIRN_TRY(check_folder_name(ns->levels[i], err));
    firn_builder_addf(into, "/%s", ns->levels[i]);
  }
  return FIRN_OK;
}

/* A renamed table stays where it was, and a new one of its old name must not share its folder: removing the
 * files of one would remove those of the other. */
static firn_status avoid_used(firn_catalog *c, firn_ctx *ctx, firn_arena *arena, const char **location,
                              firn_error *err) {
  const char *folder = firn_arena_printf(arena, "%s/", *location);
  bool is_used;
  if (folder == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a location");
  }
  FIRN_TRY(of(c)->pointers->is_used(c, ctx, folder, &is_used, err));
  if (is_used) {
    uint32_t random;
    firn_ctx_random(ctx, &random, sizeof random);
    *location = firn_arena_printf(arena, "%s-%08" PRIx32, *location, random);
  }
  return *location == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a location") : FIRN_OK;
}

/* `wanted` may be NULL. Also finds out that there is no such namespace before any file is written. */
static firn_status place_table(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, const char *wanted,
                               firn_arena *arena, const char **out, firn_error *err) {
  firn_properties properties;
  FIRN_TRY(c->ops->namespace_load(c, ctx, &id->ns, arena, &properties, err));
  if (wanted != NULL) {
    *out = without_slash(wanted, arena);
    return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a location") : FIRN_OK;
  }
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  firn_bytes folder;
  FIRN_TRY(check_folder_name(id->name, err));
  FIRN_TRY(namespace_folder(c, &id->ns, &properties, arena, &text, err));
  firn_builder_addf(&text, "/%s", id->name);
  FIRN_TRY(firn_builder_finish(&text, &folder, err));
  *out = firn_arena_text(arena, folder);
  return *out == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a location")
                      : avoid_used(c, ctx, arena, out, err);
}

/* --- one change of one table, from the pointer we saw to the one we want --- */

typedef struct change {
  const firn_table_id *table;
  firn_metadata *base; /* NULL: a new table */
  const char *base_location;
  firn_metadata *next;
  const char *next_location;  /* NULL until its file is written; that of the base when nothing changes */
  firn_metadata_entry *entry; /* for the next load; NULL: that one reads the file */
} change;

static bool is_new_file(const change *ch) {
  return ch->next_location != NULL && ch->next_location != ch->base_location;
}

static firn_status apply(firn_catalog *c, firn_ctx *ctx, const firn_update *updates, size_t n,
                         firn_arena *arena, change *ch, firn_error *err) {
  int64_t now_ms = firn_ctx_now_us(ctx) / 1000;
  FIRN_TRY(firn_updates_apply(ch->base, ch->base_location, updates, n, now_ms, &ch->next, err));
  if (ch->next == ch->base) {
    ch->next_location = ch->base_location;
    return FIRN_OK;
  }
  if (of(c)->pointers->name_file != NULL) {
    return of(c)->pointers->name_file(c, ch->table, ch->next, ch->base_location, arena, &ch->next_location,
                                      err);
  }
  return firn_metadata_file_write(c->stores, ctx, ch->next, ch->base_location, arena, &ch->next_location,
                                  err);
}

/* Swaps what changed. */
static firn_status swap(firn_catalog *c, firn_ctx *ctx, const change *changes, size_t n, firn_arena *arena,
                        firn_error *err) {
  firn_pointer_swap *swaps = firn_new_n(arena, firn_pointer_swap, n);
  size_t n_swaps = 0;
  if (swaps == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", n);
  }
  for (size_t i = 0; i < n; i++) {
    if (is_new_file(&changes[i])) {
      swaps[n_swaps++] = (firn_pointer_swap){.table = changes[i].table,
                                             .from = changes[i].base_location,
                                             .to = changes[i].next_location,
                                             .metadata = changes[i].next};
    }
  }
  return n_swaps == 0 ? FIRN_OK : of(c)->pointers->swap(c, ctx, swaps, n_swaps, err);
}

/* After a swap that certainly did not happen, nothing refers to the new files. Where the swap writes them,
 * there is none of ours, and perhaps another's of the same name. */
static void discard(firn_catalog *c, firn_ctx *ctx, const change *changes, size_t n) {
  if (of(c)->pointers->name_file != NULL) {
    return;
  }
  firn_ctx unhurried = FIRN_CTX_INIT(ctx->env); /* perhaps it is the deadline that failed us */
  for (size_t i = 0; i < n; i++) {
    if (is_new_file(&changes[i])) {
      (void)firn_table_file_discard(c->stores, &unhurried,
                                    changes[i].next_location); /* what stays is an orphan */
    }
  }
}

static void release_changes(change *changes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    firn_metadata_unref(FIRN_HAND_OVER(changes[i].base));
    firn_metadata_unref(FIRN_HAND_OVER(changes[i].next));
    firn_metadata_entry_free(FIRN_HAND_OVER(changes[i].entry));
  }
}

/* What a store says of a file that a swap writes is only known afterwards: those are read once. */
static firn_status prepare_entry(firn_catalog *c, change *ch, firn_error *err) {
  if (of(c)->cache == NULL || of(c)->pointers->name_file != NULL || !is_new_file(ch)) {
    return FIRN_OK;
  }
  return firn_metadata_entry_new(ch->next_location, "", ch->next, &ch->entry, err);
}

/* After a swap. What was current is not asked for again, but by those who have it. */
static void remember(firn_catalog *c, change *ch) {
  if (ch->entry != NULL) {
    firn_metadata_cache_put(of(c)->cache, FIRN_HAND_OVER(ch->entry));
  }
  if (is_new_file(ch) && ch->base_location != NULL) {
    firn_metadata_cache_remove(of(c)->cache, ch->base_location);
  }
}

static void release_tables(firn_table *tables, size_t n) {
  for (size_t i = 0; i < n; i++) {
    firn_table_release(&tables[i]);
  }
}

/* Makes the answer ready, so that nothing can fail once the swap has happened; then swaps. */
static firn_status answer_and_swap(firn_catalog *c, firn_ctx *ctx, change *changes, size_t n,
                                   firn_arena *arena, firn_table *out, firn_error *err) {
  firn_status status = FIRN_OK;
  for (size_t i = 0; i < n; i++) {
    out[i] = (firn_table){0};
  }
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    status = name_table(changes[i].next_location, changes[i].next, &out[i], err);
    status = status == FIRN_OK ? prepare_entry(c, &changes[i], err) : status;
  }
  if (status == FIRN_OK) {
    status = swap(c, ctx, changes, n, arena, err);
  }
  if (status != FIRN_OK) {
    release_tables(out, n);
    return status;
  }
  for (size_t i = 0; i < n; i++) {
    out[i].metadata = firn_metadata_ref(changes[i].next);
    remember(c, &changes[i]);
  }
  return FIRN_OK;
}

/* A table that was registered from a file of another's log points there. Who cannot tell keeps it. */
static bool is_current(void *self, firn_ctx *ctx, const char *location) {
  firn_catalog *c = self;
  bool is_used = true;
  return of(c)->pointers->is_used(c, ctx, location, &is_used, NULL) != FIRN_OK || is_used;
}

/* Publishes changes whose files are written, or tidies up after `so_far`, the failure of preparing them. */
static firn_status conclude(firn_catalog *c, firn_ctx *ctx, change *changes, size_t n, firn_status so_far,
                            firn_arena *arena, firn_table *out, firn_error *err) {
  firn_status status = so_far == FIRN_OK ? answer_and_swap(c, ctx, changes, n, arena, out, err) : so_far;
  if (status != FIRN_OK && status != FIRN_UNCERTAIN) {
    discard(c, ctx, changes, n);
  }
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    if (is_new_file(&changes[i]) && changes[i].base != NULL) {
      firn_metadata_file_trim(c->stores, ctx, changes[i].base, changes[i].next, is_current, c);
    }
  }
  release_changes(changes, n);
  return status;
}

/* --- create, register --- */

static firn_status check_free(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id, firn_error *err) {
  bool is_there;
  FIRN_TRY(firn_pointer_table_exists(c, ctx, id, &is_there, err));
  return is_there ? firn_error_set(err, FIRN_EXISTS, "there is a table of this name already") : FIRN_OK;
}

firn_status firn_pointer_table_create(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                      const firn_table_create *how, firn_table *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *location;
  const firn_update *updates;
  size_t n;
  FIRN_TRY(place_table(c, ctx, id, how->location, &arena, &location, err));
  FIRN_TRY(check_free(c, ctx, id, err));
  FIRN_TRY(firn_table_create_updates(how, location, ctx->env, &arena, &updates, &n, err));
  change ch = {.table = id};
  firn_status status = apply(c, ctx, updates, n, &arena, &ch, err);
  return conclude(c, ctx, &ch, 1, status, &arena, out, err);
}

firn_status firn_pointer_table_register(firn_catalog *c, firn_ctx *ctx, const firn_table_id *id,
                                        const char *metadata_location, firn_table *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_properties ignored;
  FIRN_AUTO_METADATA *m = NULL;
  FIRN_TRY(c->ops->namespace_load(c, ctx, &id->ns, &arena, &ignored, err));
  FIRN_TRY(check_free(c, ctx, id, err));
  FIRN_TRY(firn_metadata_file_read(c->stores, ctx, metadata_location, &m, err));
  const char *location = metadata_location;
  if (of(c)->pointers->name_file != NULL) {
    FIRN_TRY(of(c)->pointers->name_file(c, id, m, NULL, &arena, &location, err));
  }
  firn_table named;
  FIRN_TRY(name_table(location, m, &named, err));
  firn_pointer_swap one = {.table = id, .to = location, .metadata = m};
  firn_status status = of(c)->pointers->swap(c, ctx, &one, 1, err);
  if (status != FIRN_OK) {
    firn_table_release(&named);
    return status;
  }
  *out = named;
  out->metadata = FIRN_HAND_OVER(m);
  return FIRN_OK;
}

/* --- commit --- */

static bool asserts_create(const firn_table_commit *commit) {
  for (size_t i = 0; i < commit->n_requirements; i++) {
    if (commit->requirements[i].kind == FIRN_ASSERT_CREATE) {
      return true;
    }
  }
  return false;
}

/* A table may be made by a commit, then it must say so; all others must be there. */
static firn_status load_base(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commit,
                             firn_arena *arena, change *ch, firn_error *err) {
  firn_status status = load_current(c, ctx, &commit->table, arena, &ch->base_location, &ch->base, err);
  if (status == FIRN_NOT_FOUND && asserts_create(commit)) {
    ch->base_location = NULL;
    return FIRN_OK;
  }
  return status;
}

/* The updates of a new table, with a location in front when they set none. */
static firn_status with_location(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commit,
                                 firn_arena *arena, const firn_update **updates, size_t *n, firn_error *err) {
  const char *wanted = NULL;
  for (size_t i = 0; i < commit->n_updates; i++) {
    wanted = commit->updates[i].kind == FIRN_UPDATE_SET_LOCATION ? commit->updates[i].text : wanted;
  }
  const char *location;
  FIRN_TRY(place_table(c, ctx, &commit->table, wanted, arena, &location, err));
  firn_update *all = firn_new_n(arena, firn_update, commit->n_updates + 1);
  if (all == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu updates", commit->n_updates);
  }
  all[0] = (firn_update){.kind = FIRN_UPDATE_SET_LOCATION, .text = location};
  if (commit->n_updates > 0) {
    memcpy(all + 1, commit->updates, commit->n_updates * sizeof *all);
  }
  *updates = wanted == NULL ? all : all + 1;
  *n = commit->n_updates + (wanted == NULL ? 1 : 0);
  return FIRN_OK;
}

static firn_status prepare(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commit, firn_arena *arena,
                           change *ch, firn_error *err) {
  ch->table = &commit->table;
  FIRN_TRY(load_base(c, ctx, commit, arena, ch, err));
  for (size_t i = 0; i < commit->n_requirements; i++) {
    FIRN_TRY(firn_requirement_check(&commit->requirements[i], ch->base, err));
  }
  const firn_update *updates = commit->updates;
  size_t n = commit->n_updates;
  if (ch->base == NULL) {
    FIRN_TRY(with_location(c, ctx, commit, arena, &updates, &n, err));
  }
  return apply(c, ctx, updates, n, arena, ch, err);
}

firn_status firn_pointer_commit(firn_catalog *c, firn_ctx *ctx, const firn_table_commit *commits, size_t n,
                                firn_table *out, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  change *changes = firn_new_n(&arena, change, n);
  if (changes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", n);
  }
  firn_status status = FIRN_OK;
  for (size_t i = 0; i < n && status == FIRN_OK; i++) {
    status = prepare(c, ctx, &commits[i], &arena, &changes[i], err);
    if (status != FIRN_OK && n > 1) {
      status = firn_error_while(err, status, "table %.80s", commits[i].table.name);
    }
  }
  status = conclude(c, ctx, changes, n, status, &arena, out, err);
  if (status == FIRN_EXISTS) { /* a table that this commit makes: the race was lost all the same */
    return firn_pointer_lost(err);
  }
  return status;
}
