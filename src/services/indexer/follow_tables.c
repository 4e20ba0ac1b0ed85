#include <inttypes.h>
#include <stdio.h>

#include "events/fetch_key.h"
#include "services/indexer/indexer_internal.h"

enum { FILES_A_PAGE = 1000, REMOVALS_A_LOAD = 1000 };

/* --- where the index is in a table --- */

static const char *note_name(const char *table, firn_arena *arena) {
  return firn_arena_printf(arena, "table.%s", table);
}

static const char *place_text(const firn_metadata *metadata, firn_arena *arena) {
  const char *uuid = firn_metadata_get(metadata)->table_uuid;
  const firn_snapshot *now = firn_metadata_current_snapshot(metadata);
  uuid = uuid == NULL ? "-" : uuid; /* an old table without one */
  return now == NULL ? firn_arena_printf(arena, "%s -", uuid)
                     : firn_arena_printf(arena, "%s %" PRId64, uuid, now->snapshot_id);
}

static firn_status read_place(const char *note, firn_arena *arena, firn_indexed_place *out, firn_error *err) {
  const char *blank = note == NULL ? NULL : strchr(note, ' ');
  *out = (firn_indexed_place){0};
  if (blank == NULL) {
    return FIRN_OK;
  }
  out->uuid = firn_arena_text(arena, (firn_bytes){(const uint8_t *)note, (size_t)(blank - note)});
  out->is_empty = strcmp(blank, " -") == 0;
  out->is_known = out->is_empty || sscanf(blank, " %" SCNd64, &out->snapshot_id) == 1;
  return out->uuid == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a place in a table") : FIRN_OK;
}

firn_status firn_indexed_place_of(firn_index *index, firn_ctx *ctx, const char *table, firn_arena *arena,
                                  firn_indexed_place *out, firn_error *err) {
  const char *name = note_name(table, arena), *note;
  if (name == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a place in a table");
  }
  FIRN_TRY(firn_index_note(index, ctx, name, arena, &note, err));
  return read_place(note, arena, out, err);
}

/* The snapshot that is indexed; NULL: none, or the table does not have it any more, or is another one. */
static const firn_snapshot *indexed_snapshot(const firn_metadata *metadata, const firn_indexed_place *place) {
  const char *uuid = firn_metadata_get(metadata)->table_uuid;
  bool is_it = place->is_known && !place->is_empty && uuid != NULL && strcmp(place->uuid, uuid) == 0;
  return is_it ? firn_metadata_snapshot(metadata, place->snapshot_id) : NULL;
}

/* --- what has changed --- */

static firn_status read_changes(firn_indexer *x, firn_ctx *ctx, const firn_metadata *metadata,
                                const firn_indexed_place *place, firn_changes *out, firn_error *err) {
  const firn_snapshot *now = firn_metadata_current_snapshot(metadata);
  const firn_snapshot *from = indexed_snapshot(metadata, place);
  firn_status status = firn_changes_read(metadata, from, now, x->options.stores, ctx, out, err);
  if (status == FIRN_NOT_FOUND && from != NULL) { /* its manifests are gone, as expiry leaves it */
    status = firn_changes_read(metadata, NULL, now, x->options.stores, ctx, out, err);
  }
  return status;
}

/* The path below the warehouse, NULL for a file elsewhere. */
static const char *key_path(const firn_indexer *x, const char *location) {
  firn_bytes path;
  return firn_fetch_key_path(location, x->options.warehouse, &path, NULL) == FIRN_OK ? (const char *)path.data
                                                                                     : NULL;
}

/* Without a snapshot to compare with: what the index has and the table has not. Files that are waited for are
 * judged elsewhere. */
static firn_status find_removed(firn_indexer *x, firn_ctx *ctx, firn_catch_up *c, firn_error *err) {
  firn_changes *changes = &c->changes;
  size_t capacity = 0;
  const char *after = NULL;
  for (;;) {
    firn_index_files files;
    const firn_index_listing page = {.table = c->table->name, .after = after, .limit = FILES_A_PAGE};
    FIRN_TRY(firn_index_files_of(x->options.index, ctx, &page, &changes->arena, &files, err));
    for (size_t i = 0; i < files.n; i++) {
      after = files.items[i].path;
      if (files.items[i].pending[0] != '\0' || firn_path_set_has(&c->live, firn_bytes_of(after))) {
        continue;
      }
      changes->removed = firn_arena_grow(&changes->arena, changes->removed, changes->n_removed, &capacity,
                                         sizeof *changes->removed);
      if (changes->removed == NULL) {
        return firn_error_set(err, FIRN_NOMEM, "no memory for files");
      }
      changes->removed[changes->n_removed++] = after;
    }
    if (files.n < FILES_A_PAGE) {
      return FIRN_OK;
    }
  }
}

/* Paths of files become those of keys. */
static firn_status prepare(firn_indexer *x, firn_ctx *ctx, firn_catch_up *c, firn_error *err) {
  firn_changes *changes = &c->changes;
  for (size_t i = 0; i < changes->n_added; i++) {
    const char *path = key_path(x, changes->added[i].path);
    if (path != NULL) {
      FIRN_TRY(firn_path_set_add(&c->live, path, err));
    }
  }
  if (changes->is_whole) {
    return find_removed(x, ctx, c, err);
  }
  size_t n = 0;
  for (size_t i = 0; i < changes->n_removed; i++) {
    const char *path = key_path(x, changes->removed[i]);
    if (path != NULL) {
      changes->removed[n++] = path;
    }
  }
  changes->n_removed = n;
  return FIRN_OK;
}

void firn_catch_up_end(firn_catch_up *c) {
  firn_metadata_unref(c->metadata);
  firn_changes_free(&c->changes);
  firn_path_set_free(&c->live);
  firn_path_set_free(&c->unread);
  *c = (firn_catch_up){0};
}

/* The index has what the table has, but for one thing. */
static void tell_is_done(firn_indexed_table *t, const firn_metadata *metadata) {
  const firn_snapshot *now = firn_metadata_current_snapshot(metadata);
  const char *n = now == NULL ? NULL : firn_properties_get(&now->summary, "total-delete-files");
  bool has_deletes = n != NULL && strcmp(n, "0") != 0;
  t->problem[0] = '\0';
  if (has_deletes) {
    (void)snprintf(t->problem, sizeof t->problem,
                   "table %s has delete files: the rows that they delete stay in the index", t->name);
  }
}

static firn_status look_at(firn_indexer *x, firn_ctx *ctx, firn_indexed_table *t, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_catch_up *c = &x->catch_up;
  FIRN_TRY(firn_indexed_table_load(x, ctx, t, err));
  if (t->metadata == NULL) {
    return FIRN_OK;
  }
  const char *name = note_name(t->name, &arena), *now = place_text(t->metadata, &arena), *note;
  if (name == NULL || now == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a place in a table");
  }
  FIRN_TRY(firn_index_note(x->options.index, ctx, name, &arena, &note, err));
  if (note != NULL && strcmp(note, now) == 0) {
    tell_is_done(t, t->metadata);
    return FIRN_OK;
  }
  firn_indexed_place place;
  FIRN_TRY(read_place(note, &arena, &place, err));
  firn_status status = read_changes(x, ctx, t->metadata, &place, &c->changes, err);
  if (firn_indexer_is_local(status)) {
    (void)snprintf(t->problem, sizeof t->problem, "table %s is not followed: %.300s", t->name, err->text);
    return FIRN_OK;
  }
  FIRN_TRY(status);
  c->table = t;
  c->metadata = firn_metadata_ref(t->metadata);
  return prepare(x, ctx, c, err);
}

/* --- a load of it --- */

static firn_status add_files(firn_indexing *g, firn_catch_up *c, bool *again, firn_error *err) {
  while (c->next_added < c->changes.n_added && !firn_indexing_is_full(g)) {
    const firn_data_file *file = &c->changes.added[c->next_added];
    firn_file_outcome outcome = FIRN_FILE_ADDED;
    FIRN_TRY(firn_ctx_check(g->ctx, err));
    firn_status status = FIRN_OK;
    if (!firn_path_set_has(&c->unread, firn_bytes_of(file->path))) {
      status = firn_indexing_add(g, c->table, c->metadata, file, &outcome, err);
    }
    if (status != FIRN_OK && outcome == FIRN_FILE_UNREAD) {
      firn_indexer_warn(g->x, g->ctx, file->path, err);
      *again = true;
      return firn_path_set_add(&c->unread, file->path, err);
    }
    FIRN_TRY(status);
    if (outcome == FIRN_FILE_KNOWN) { /* the log brought it; now it is in its table */
      FIRN_TRY(firn_index_load_pending(g->load, g->ctx, key_path(g->x, file->path), "", err));
    }
    c->next_added++;
  }
  return FIRN_OK;
}

static firn_status remove_files(firn_indexing *g, firn_catch_up *c, firn_error *err) {
  for (size_t n = 0; c->next_removed < c->changes.n_removed && n < REMOVALS_A_LOAD; n++) {
    FIRN_TRY(firn_indexing_remove(g, c->changes.removed[c->next_removed++], err));
  }
  return FIRN_OK;
}

/* Files from the log whose records the table has, and that are not in its snapshot: they came and went
 * between two looks. */
static firn_status remove_missed(firn_indexing *g, firn_catch_up *c, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_commit_log *log = g->x->options.log;
  const char *after = NULL;
  if (log == NULL) {
    return FIRN_OK;
  }
  for (;;) {
    firn_index_files files;
    const firn_index_listing page = {
        .table = c->table->name, .pending_only = true, .after = after, .limit = FILES_A_PAGE};
    FIRN_TRY(firn_index_files_of(g->x->options.index, g->ctx, &page, &arena, &files, err));
    for (size_t i = 0; i < files.n; i++) {
      int32_t partition;
      uint64_t position;
      bool is_over = false;
      after = files.items[i].path;
      if (!firn_path_set_has(&c->live, firn_bytes_of(after)) &&
          firn_record_parse(files.items[i].pending, &partition, &position)) {
        FIRN_TRY(firn_record_is_committed(c->metadata, log->id, partition, position, &is_over, err));
      }
      if (is_over) {
        FIRN_TRY(firn_indexing_remove(g, after, err));
      }
    }
    if (files.n < FILES_A_PAGE) {
      return FIRN_OK;
    }
  }
}

/* While a file could not be read the note stays where it is, so that the next look meets the file again. */
static firn_status note_place(firn_indexing *g, firn_catch_up *c, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  if (c->unread.n > 0) {
    (void)snprintf(c->table->problem, sizeof c->table->problem,
                   "%zu files of table %s cannot be read and are not in the index", c->unread.n,
                   c->table->name);
    return FIRN_OK;
  }
  const char *name = note_name(c->table->name, &arena), *text = place_text(c->metadata, &arena);
  if (name == NULL || text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a place in a table");
  }
  tell_is_done(c->table, c->metadata);
  return firn_index_load_note(g->load, g->ctx, name, text, err);
}

static firn_status load_some(firn_indexer *x, firn_ctx *ctx, firn_catch_up *c, firn_error *err) {
  FIRN_AUTO_INDEXING g = {0};
  bool again = false;
  size_t begun_at = c->next_added;
  FIRN_TRY(firn_indexing_begin(x, ctx, &g, err));
  FIRN_TRY(add_files(&g, c, &again, err));
  if (again) { /* without the file that could not be read */
    c->next_added = begun_at;
    return FIRN_OK;
  }
  bool is_over = c->next_added == c->changes.n_added && !firn_indexing_is_full(&g);
  if (is_over) {
    FIRN_TRY(remove_files(&g, c, err));
    is_over = c->next_removed == c->changes.n_removed;
  }
  if (is_over) {
    FIRN_TRY(remove_missed(&g, c, err));
    FIRN_TRY(note_place(&g, c, err));
  }
  FIRN_TRY(firn_indexing_commit(&g, err));
  if (is_over) {
    firn_catch_up_end(c);
  }
  return FIRN_OK;
}

firn_status firn_indexer_follow_tables(firn_indexer *x, firn_ctx *ctx, bool *more, firn_error *err) {
  if (x->catch_up.table != NULL) {
    FIRN_TRY(load_some(x, ctx, &x->catch_up, err));
  } else if (x->next_table < x->options.n_tables) {
    FIRN_TRY(look_at(x, ctx, &x->tables[x->next_table++], err));
  }
  *more = x->catch_up.table != NULL || x->next_table < x->options.n_tables;
  return FIRN_OK;
}
