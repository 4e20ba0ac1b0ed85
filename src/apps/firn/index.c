/* firn index status|rebuild: how far the index is, and making it anew. */
#include "index/index.h"

#include <inttypes.h>
#include <string.h>

#include "apps/firn/command.h"
#include "apps/firn/data.h"
#include "apps/firn/print.h"
#include "apps/firn/settings.h"
#include "base/file.h"
#include "base/json_write.h"
#include "catalogs/catalogs.h"
#include "events/archive.h"
#include "services/indexer/indexer.h"

enum { N_TABLES = 2, FILES_A_PAGE = 1000, PROGRESS_US = 500000 };

static const firn_archive_table archive_tables[N_TABLES] = {FIRN_ARCHIVE_VALID, FIRN_ARCHIVE_PARTIAL};

static const firn_option index_options[] = {
    {"config", "FILE", "the configuration file of `firn up` (FIRN_CONFIG)"},
    {"data", "DIR", "the data directory (default ./firn-data; FIRN_DATA)"},
    {0},
};

/* Where everything is. */
typedef struct places {
  firn_app *app;
  const char *folder, *index, *warehouse;
  firn_stores *stores;
  firn_catalog *catalog;
  firn_table_id tables[N_TABLES];
  const char *names[N_TABLES];
} places;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for an index");
}

static firn_status name_tables(places *p, const char *namespace_name, firn_error *err) {
  for (size_t i = 0; i < N_TABLES; i++) {
    p->names[i] =
        firn_arena_printf(p->app->arena, "%s.%s", namespace_name, firn_archive_table_name(archive_tables[i]));
    if (p->names[i] == NULL) {
      return no_memory(err);
    }
    FIRN_TRY(firn_table_id_parse(p->names[i], p->app->arena, &p->tables[i], err));
  }
  return FIRN_OK;
}

static firn_status find_places(firn_app *app, const firn_args *args, places *p, firn_error *err) {
  firn_settings settings;
  *p = (places){.app = app};
  FIRN_TRY(firn_settings_load(app, args, &settings, err));
  p->folder = firn_app_absolute(app, settings.data);
  if (p->folder == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_data_open(p->folder, false, app->arena, err));
  p->index = firn_arena_printf(app->arena, "%s/index.db", p->folder);
  p->warehouse = settings.warehouse != NULL ? firn_app_absolute(app, settings.warehouse)
                                            : firn_arena_printf(app->arena, "%s/warehouse", p->folder);
  const char *uri = settings.catalog != NULL
                        ? settings.catalog
                        : firn_arena_printf(app->arena, "sqlite:%s/catalog.db", p->folder);
  if (p->index == NULL || p->warehouse == NULL || uri == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(name_tables(p, settings.namespace_name, err));
  FIRN_TRY(firn_app_stores(app, &p->stores, err));
  if (app->catalog == NULL) {
    FIRN_TRY(firn_catalog_open(&app->ctx, uri, p->warehouse, p->stores, &app->catalog, err));
  }
  p->catalog = app->catalog;
  return FIRN_OK;
}

/* --- status --- */

typedef struct table_status {
  firn_indexed_place place;
  bool is_there; /* the table */
  bool has_snapshot;
  int64_t snapshot_id; /* its current one */
  int64_t n_behind;    /* snapshots; -1: not known, for the indexed one is not among its ancestors */
} table_status;

/* Steps from the current snapshot back to the one that is indexed. */
static int64_t count_behind(const firn_metadata *m, const firn_indexed_place *place) {
  const firn_snapshot *s = firn_metadata_current_snapshot(m);
  int64_t n = 0;
  for (; s != NULL; n++) {
    if (!place->is_empty && s->snapshot_id == place->snapshot_id) {
      return n;
    }
    s = s->has_parent ? firn_metadata_snapshot(m, s->parent_snapshot_id) : NULL;
  }
  return place->is_empty ? n : -1;
}

static firn_status look_at_table(places *p, firn_index *index, size_t i, table_status *out, firn_error *err) {
  firn_app *app = p->app;
  FIRN_AUTO_TABLE table = {0};
  *out = (table_status){0};
  FIRN_TRY(firn_indexed_place_of(index, &app->ctx, p->names[i], app->arena, &out->place, err));
  firn_status status = firn_catalog_table_load(p->catalog, &app->ctx, &p->tables[i], &table, err);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  const firn_snapshot *now = firn_metadata_current_snapshot(table.metadata);
  const char *uuid = firn_metadata_get(table.metadata)->table_uuid;
  bool is_it = out->place.is_known && uuid != NULL && strcmp(uuid, out->place.uuid) == 0;
  out->is_there = true;
  out->has_snapshot = now != NULL;
  out->snapshot_id = now == NULL ? 0 : now->snapshot_id;
  out->n_behind = is_it ? count_behind(table.metadata, &out->place) : -1;
  return FIRN_OK;
}

/* Files that are indexed and wait for their commit. */
static firn_status count_pending(places *p, firn_index *index, int64_t *out, firn_error *err) {
  *out = 0;
  for (size_t i = 0; i < N_TABLES; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_index_files files = {.n = FILES_A_PAGE};
    for (const char *after = NULL; files.n == FILES_A_PAGE; *out += (int64_t)files.n) {
      const firn_index_listing page = {
          .table = p->names[i], .pending_only = true, .after = after, .limit = FILES_A_PAGE};
      FIRN_TRY(firn_index_files_of(index, &p->app->ctx, &page, &arena, &files, err));
      after = files.n == 0 ? NULL : files.items[files.n - 1].path;
    }
  }
  return FIRN_OK;
}

typedef struct status_of_all {
  firn_index_count count;
  int64_t n_pending;
  const char *log; /* "<log id> <partition>:<next>,..."; NULL: none is followed */
  table_status tables[N_TABLES];
} status_of_all;

static firn_status print_json(places *p, const status_of_all *s, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  firn_json_add_text(&w, "index", p->index);
  firn_json_add_int64(&w, "rows", (int64_t)s->count.n_rows);
  firn_json_add_int64(&w, "files", (int64_t)s->count.n_files_live);
  firn_json_add_int64(&w, "pending_files", s->n_pending);
  firn_json_add_int64(&w, "gone_files", (int64_t)s->count.n_files_gone);
  firn_json_add_int64(&w, "size_bytes", (int64_t)s->count.size_bytes);
  if (s->log != NULL) {
    firn_json_add_text(&w, "commit_log", s->log);
  }
  firn_json_key(&w, "tables");
  firn_json_begin_array(&w);
  for (size_t i = 0; i < N_TABLES; i++) {
    const table_status *t = &s->tables[i];
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "table", p->names[i]);
    if (t->has_snapshot) {
      firn_json_add_int64(&w, "snapshot", t->snapshot_id);
    }
    if (t->place.is_known && !t->place.is_empty) {
      firn_json_add_int64(&w, "indexed", t->place.snapshot_id);
    }
    if (t->is_there && t->n_behind >= 0) {
      firn_json_add_int64(&w, "behind", t->n_behind);
    }
    firn_json_end_object(&w);
  }
  firn_json_end_array(&w);
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, p->app->out, err);
}

static const char *table_sentence(const table_status *t, firn_arena *arena) {
  if (!t->is_there) {
    return "there is no such table";
  }
  if (t->n_behind == 0) {
    return "up to date";
  }
  if (t->n_behind > 0) {
    return firn_arena_printf(arena, "%" PRId64 " snapshot%s behind", t->n_behind,
                             t->n_behind == 1 ? "" : "s");
  }
  return t->place.is_known ? "behind: its history was changed" : "not indexed yet";
}

static firn_status print_text(places *p, const status_of_all *s, firn_error *err) {
  firn_arena *arena = p->app->arena;
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_builder_addf(&b, "index       %s, %s\n", p->index, firn_print_size(s->count.size_bytes, arena));
  firn_builder_addf(&b, "rows        %s\n", firn_print_count((int64_t)s->count.n_rows, arena));
  firn_builder_addf(&b, "files       %s, %s of them not committed yet; %s gone\n",
                    firn_print_count((int64_t)s->count.n_files_live, arena),
                    firn_print_count(s->n_pending, arena),
                    firn_print_count((int64_t)s->count.n_files_gone, arena));
  firn_builder_addf(&b, "commit log  %s\n", s->log == NULL ? "none followed yet" : s->log);
  for (size_t i = 0; i < N_TABLES; i++) {
    const char *sentence = table_sentence(&s->tables[i], arena);
    firn_builder_addf(&b, "table       %s: %s\n", p->names[i], sentence == NULL ? "?" : sentence);
  }
  return firn_print_builder(&b, p->app->out, err);
}

static firn_status show_status(places *p, firn_index *index, firn_error *err) {
  firn_app *app = p->app;
  status_of_all s;
  FIRN_TRY(firn_index_count_of(index, &app->ctx, &s.count, err));
  FIRN_TRY(count_pending(p, index, &s.n_pending, err));
  FIRN_TRY(firn_index_note(index, &app->ctx, "log", app->arena, &s.log, err));
  for (size_t i = 0; i < N_TABLES; i++) {
    FIRN_TRY(look_at_table(p, index, i, &s.tables[i], err));
  }
  return app->format == FIRN_FORMAT_JSON ? print_json(p, &s, err) : print_text(p, &s, err);
}

static firn_status status_run(firn_app *app, const firn_args *args, firn_error *err) {
  places p;
  firn_file_info info;
  FIRN_TRY(find_places(app, args, &p, err));
  if (firn_file_stat(&app->ctx, p.index, &info, NULL) != FIRN_OK) { /* asking must not make it */
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "there is no index %s: `firn up` makes it, and `firn index rebuild`", p.index);
  }
  FIRN_AUTO_INDEX *index = NULL;
  FIRN_TRY(firn_sqlite_index_open(p.index, &app->ctx, &index, err));
  return show_status(&p, index, err);
}

/* --- rebuild --- */

typedef struct rebuilding {
  firn_app *app;
  int64_t n_files, n_rows, begun_us, told_us;
  char problem[500];
} rebuilding;

static void tell_progress(void *arg, int64_t n_files, int64_t n_rows) {
  rebuilding *r = arg;
  int64_t now = firn_ctx_monotonic_us(&r->app->ctx);
  r->n_files += n_files;
  r->n_rows += n_rows;
  if (!r->app->is_quiet && now - r->told_us >= PROGRESS_US) {
    r->told_us = now;
    (void)fprintf(r->app->errors, "%s rows of %s files indexed\n", firn_print_count(r->n_rows, r->app->arena),
                  firn_print_count(r->n_files, r->app->arena));
  }
}

static void keep_problem(void *arg, const char *text) {
  rebuilding *r = arg;
  (void)snprintf(r->problem, sizeof r->problem, "%s", text == NULL ? "" : text);
}

static firn_status fill(places *p, rebuilding *r, const char *path, firn_error *err) {
  firn_ctx *ctx = &p->app->ctx;
  FIRN_AUTO_INDEX *index = NULL;
  firn_indexer *indexer = NULL;
  int64_t wait_us = 0;
  FIRN_TRY(firn_sqlite_index_open(path, ctx, &index, err));
  const firn_indexer_options options = {.index = index,
                                        .catalog = p->catalog,
                                        .stores = p->stores,
                                        .warehouse = p->warehouse,
                                        .n_tables = N_TABLES,
                                        .tables = p->tables,
                                        .progress = tell_progress,
                                        .problem = keep_problem,
                                        .arg = r};
  FIRN_TRY(firn_indexer_open(&options, ctx, &indexer, err));
  firn_status status = FIRN_OK;
  while (status == FIRN_OK && wait_us != FIRN_STEP_IDLE) {
    status = firn_ctx_check(ctx, err);
    if (status == FIRN_OK) {
      status = firn_indexer_service.step(indexer, ctx, true, &wait_us, err);
    }
  }
  firn_indexer_close(indexer);
  return status;
}

/* A database and what belongs to it; none of them need be there. */
static firn_status remove_database(firn_app *app, const char *path, firn_error *err) {
  static const char *const ends[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < FIRN_COUNT_OF(ends); i++) {
    const char *file = firn_arena_printf(app->arena, "%s%s", path, ends[i]);
    if (file == NULL) {
      return no_memory(err);
    }
    firn_status status = firn_file_unlink(&app->ctx, file, err);
    if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
      return status;
    }
  }
  return FIRN_OK;
}

/* The old one goes first, for its write-ahead log must never meet the new file. Should this process die in
 * between, there is no index, and the next `firn up` makes it. */
static firn_status swap(places *p, const char *made, firn_error *err) {
  FIRN_TRY(remove_database(p->app, p->index, err));
  FIRN_TRY(firn_file_rename(&p->app->ctx, made, p->index, err));
  return firn_folder_sync(&p->app->ctx, p->folder, err);
}

static firn_status rebuild(places *p, firn_error *err) {
  firn_app *app = p->app;
  int64_t now = firn_ctx_monotonic_us(&app->ctx);
  rebuilding r = {.app = app, .begun_us = now, .told_us = now};
  const char *made = firn_arena_printf(app->arena, "%s.new", p->index);
  if (made == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(remove_database(app, made, err));
  firn_status status = fill(p, &r, made, err);
  if (status != FIRN_OK) {
    FIRN_IGNORE(remove_database(app, made, NULL)); /* the next one removes it too */
    return status;
  }
  FIRN_TRY(swap(p, made, err));
  if (r.problem[0] != '\0') {
    (void)fprintf(app->errors, "firn: %s\n", r.problem);
  }
  if (!app->is_quiet) {
    double seconds = (double)(firn_ctx_monotonic_us(&app->ctx) - r.begun_us) / 1e6;
    (void)fprintf(app->errors, "%s rows of %s files are in %s (%.1f s)\n",
                  firn_print_count(r.n_rows, app->arena), firn_print_count(r.n_files, app->arena), p->index,
                  seconds);
  }
  return FIRN_OK;
}

static firn_status rebuild_run(firn_app *app, const firn_args *args, firn_error *err) {
  places p;
  firn_data_lock *lock;
  FIRN_TRY(find_places(app, args, &p, err));
  firn_status status = firn_data_lock_take(p.folder, &app->ctx, app->arena, &lock, err);
  if (status == FIRN_BUSY) { /* it writes to the index that would be replaced under it */
    return firn_error_while(err, status,
                            "the index cannot be made anew while `firn up` keeps it: stop it first");
  }
  FIRN_TRY(status);
  status = rebuild(&p, err);
  firn_data_lock_release(lock);
  return status;
}

const firn_command firn_index_commands[] = {
    {.name = "status",
     .summary = "how many rows it has, and how far behind the tables it is",
     .options = index_options,
     .run = status_run},
    {.name = "rebuild",
     .summary = "makes it anew from the tables",
     .options = index_options,
     .run = rebuild_run},
    {0},
};
