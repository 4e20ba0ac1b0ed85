#include "db/sqlite.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/migrate.h"
#include "index/sqlite/index_internal.h"

/* What the ledger's table is to a person with sqlite3: its columns, in its order, one row for rows that are
 * one. Times are UTC with microseconds; those beyond SQLite's calendar are shown as microseconds since 1970.
 */
#define CLOUD_EVENT                                                                                          \
  "CREATE VIEW cloud_event AS SELECT "                                                                       \
  "(SELECT text FROM text WHERE text_id = e.subject) AS subject, "                                           \
  "CASE WHEN e.time_us > -9223372036854775808 THEN coalesce("                                                \
  "datetime((e.time_us - ((e.time_us % 1000000 + 1000000) % 1000000)) / 1000000, 'unixepoch') "              \
  "|| printf('.%06d', (e.time_us % 1000000 + 1000000) % 1000000), e.time_us) END AS event_time, "            \
  "(SELECT text FROM text WHERE text_id = e.type) AS event_type, "                                           \
  "e.id AS id, "                                                                                             \
  "(SELECT text FROM text WHERE text_id = e.source) AS source, "                                             \
  "(SELECT text FROM text WHERE text_id = e.producer) AS producer, "                                         \
  "(SELECT text FROM text WHERE text_id = e.data_content_type) AS data_content_type, "                       \
  "(SELECT text FROM text WHERE text_id = e.data_version) AS data_version, "                                 \
  "CASE e.extras WHEN '' THEN '{}' ELSE e.extras END AS extras, "                                            \
  "(SELECT path || '#' || (e.event_id - first_id) FROM file WHERE first_id <= e.event_id "                   \
  "ORDER BY first_id DESC LIMIT 1) AS index_key "                                                            \
  "FROM event e WHERE NOT EXISTS (SELECT 1 FROM event_by_subject n JOIN event m ON m.event_id = n.event_id " \
  "WHERE n.subject = e.subject AND n.time_us = e.time_us AND n.identity = e.identity "                       \
  "AND n.event_id > e.event_id AND n.type = e.type AND n.source = e.source AND m.id = e.id);"

/* long: the schema, a sentence for each table */
static const char *const migrations[] = {
    "CREATE TABLE text (text_id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX text_by_hash ON text (hash);"
    "INSERT INTO text (text_id, hash, text) VALUES (0, 0, '');"
    "CREATE TABLE file (first_id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, table_name INTEGER NOT "
    "NULL, "
    "state INTEGER NOT NULL, n_ids INTEGER NOT NULL, n_rows INTEGER NOT NULL, pending TEXT NOT NULL);"
    "CREATE INDEX file_pending ON file (table_name) WHERE pending <> '';"
    "CREATE TABLE event (event_id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, time_us INTEGER NOT NULL, "
    "identity INTEGER NOT NULL, type INTEGER NOT NULL, source INTEGER NOT NULL, id_hash INTEGER NOT NULL, "
    "id TEXT NOT NULL, "
    "producer INTEGER NOT NULL, data_content_type INTEGER NOT NULL, data_version INTEGER NOT NULL, "
    "extras TEXT NOT NULL);"
    "CREATE TABLE event_by_subject (subject INTEGER NOT NULL, time_us INTEGER NOT NULL, "
    "identity INTEGER NOT NULL, event_id INTEGER NOT NULL, type INTEGER NOT NULL, source INTEGER NOT NULL, "
    "PRIMARY KEY (subject, time_us, identity, event_id)) WITHOUT ROWID;"
    "CREATE TABLE event_by_id (id_hash INTEGER NOT NULL, event_id INTEGER NOT NULL, "
    "PRIMARY KEY (id_hash, event_id)) WITHOUT ROWID;"
    "CREATE TABLE event_by_time (time_us INTEGER NOT NULL, identity INTEGER NOT NULL, "
    "event_id INTEGER NOT NULL, type INTEGER NOT NULL, source INTEGER NOT NULL, producer INTEGER NOT NULL, "
    "data_version INTEGER NOT NULL, PRIMARY KEY (time_us, identity, event_id)) WITHOUT ROWID;"
    "CREATE TABLE event_tag (tag INTEGER NOT NULL, time_us INTEGER NOT NULL, identity INTEGER NOT NULL, "
    "event_id INTEGER NOT NULL, PRIMARY KEY (tag, time_us, identity, event_id)) WITHOUT ROWID;"
    "CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;" CLOUD_EVENT,
};

firn_status firn_sqlite_index_fail(const firn_sqlite_index *x, firn_status status, firn_error *err) {
  return status == FIRN_CORRUPT || status == FIRN_UNSUPPORTED
             ? firn_error_while(err, status, "%s (delete it, or run `firn index rebuild`: it is made anew)",
                                x->path)
             : status;
}

/* --- opening --- */

/* The cache (KiB) is what a load may hold, and given back when it ends. The write-ahead log of a large load
 * does not stay as large as it was. */
#define WRITER_SETTINGS "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 16777216"
#define READER_SETTINGS "PRAGMA query_only = ON; PRAGMA cache_size = -1024"

/* A database of something else must not become an index as well. One that has only its versions was begun by
 * a process that died. */
static firn_status check_kind(firn_db *db, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(
      firn_db_query(db, ctx,
                    "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name <> 'firn_versions') "
                    "OR EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = 'cloud_event')",
                    FIRN_DB_NO_VALUES, &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  return is_row && firn_statement_int64(st, 0) != 0
             ? FIRN_OK
             : firn_error_set(err, FIRN_CORRUPT, "it is a database of something else, no index");
}

/* Of the file beside it; 0 where there is none. */
static firn_status size_beside(const firn_sqlite_index *x, firn_ctx *ctx, const char *tail, uint64_t *out,
                               firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *path = firn_arena_printf(&arena, "%s%s", x->path, tail);
  if (path == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  firn_file_info info = {0};
  firn_status status = firn_file_stat(ctx, path, &info, err);
  *out = info.size_bytes;
  return status == FIRN_NOT_FOUND ? FIRN_OK : status;
}

/* Where the write-ahead log, which may hold the rest, and the rollback journal of a file that was being made
 * are empty, a file ends with a whole page. SQLite would take what is missing of the last one for zeros. */
static firn_status check_end(const firn_sqlite_index *x, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_FILE *file = NULL;
  firn_file_info info;
  uint8_t head[18]; /* the page's size stands at its end, big endian; 1 means 65536 */
  size_t got;
  uint64_t log_bytes, journal_bytes;
  FIRN_TRY(size_beside(x, ctx, "-wal", &log_bytes, err));
  FIRN_TRY(size_beside(x, ctx, "-journal", &journal_bytes, err));
  firn_status status = firn_file_open(ctx, x->path, FIRN_FILE_READ, &file, err);
  if (log_bytes > 0 || journal_bytes > 0 || status == FIRN_NOT_FOUND) {
    return FIRN_OK;
  }
  FIRN_TRY(status);
  FIRN_TRY(firn_file_info_of(file, &info, err));
  FIRN_TRY(firn_file_read_at(file, 0, head, sizeof head, &got, err));
  uint64_t page_bytes = (uint64_t)(head[16] << 8 | head[17]);
  page_bytes = page_bytes == 1 ? 65536 : page_bytes;
  return got < sizeof head || page_bytes == 0 || info.size_bytes % page_bytes == 0
             ? FIRN_OK /* or SQLite sees it */
             : firn_error_set(err, FIRN_CORRUPT, "its end is missing");
}

static firn_status connect(const void *self, firn_ctx *ctx, firn_db **out, firn_error *err) {
  const firn_sqlite_index *x = self;
  FIRN_AUTO_DB *db = NULL;
  FIRN_TRY(firn_sqlite_open(x->path, &(firn_sqlite_options){.must_exist = true}, ctx, &db, err));
  FIRN_TRY(firn_db_script(db, ctx, READER_SETTINGS, err));
  *out = FIRN_HAND_OVER(db);
  return FIRN_OK;
}

static firn_status set_up(firn_sqlite_index *x, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(firn_connections_new(connect, x, &x->readers, err));
  FIRN_TRY(check_end(x, ctx, err));
  FIRN_TRY(firn_sqlite_open(x->path, NULL, ctx, &x->writer, err));
  FIRN_TRY(firn_db_script(x->writer, ctx, WRITER_SETTINGS, err));
  FIRN_TRY(check_kind(x->writer, ctx, err));
  return firn_db_migrate(x->writer, ctx, "index", migrations, FIRN_COUNT_OF(migrations), err);
}

static void sqlite_close(firn_index *index) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  firn_connections_free(x->readers);
  firn_db_close(x->writer);
  firn_free(x);
}

void firn_sqlite_index_rest(firn_sqlite_index *x, const firn_env *env) {
  firn_ctx ctx = FIRN_CTX_INIT(env);
  FIRN_IGNORE(firn_db_script(x->writer, &ctx, "PRAGMA shrink_memory", NULL)); /* it only frees */
}

/* --- what is known --- */

static firn_status read_state(firn_db *db, firn_ctx *ctx, firn_bytes path, firn_index_file_state *out,
                              firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_db_query(db, ctx, "SELECT state FROM file WHERE path = $1",
                         FIRN_DB_VALUES(firn_text_value(path)), &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  *out = is_row ? (firn_index_file_state)firn_statement_int64(st, 0) : FIRN_INDEX_FILE_UNKNOWN;
  return FIRN_OK;
}

static firn_status sqlite_file_state(firn_index *index, firn_ctx *ctx, firn_bytes path,
                                     firn_index_file_state *out, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  FIRN_AUTO_CONNECTION c = {0};
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  return firn_sqlite_index_fail(x, read_state(c.db, ctx, path, out, err), err);
}

static firn_status read_count(firn_db *db, firn_ctx *ctx, firn_index_count *out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_db_query(db, ctx, "SELECT state, COUNT(*), SUM(n_rows) FROM file GROUP BY state",
                         FIRN_DB_NO_VALUES, &st, err));
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return FIRN_OK;
    }
    bool is_live = firn_statement_int64(st, 0) == FIRN_INDEX_FILE_LIVE;
    *(is_live ? &out->n_files_live : &out->n_files_gone) = (uint64_t)firn_statement_int64(st, 1);
    out->n_rows += is_live ? (uint64_t)firn_statement_int64(st, 2) : 0;
  }
}

static firn_status measure(const firn_sqlite_index *x, firn_ctx *ctx, uint64_t *out, firn_error *err) {
  firn_file_info info;
  uint64_t log_bytes;
  FIRN_TRY(firn_file_stat(ctx, x->path, &info, err));
  FIRN_TRY(size_beside(x, ctx, "-wal", &log_bytes, err));
  *out = info.size_bytes + log_bytes;
  return FIRN_OK;
}

static firn_status sqlite_count(firn_index *index, firn_ctx *ctx, firn_index_count *out, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  FIRN_AUTO_CONNECTION c = {0};
  firn_index_count count = {0};
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  firn_status status = read_count(c.db, ctx, &count, err);
  if (status == FIRN_OK) {
    status = measure(x, ctx, &count.size_bytes, err);
  }
  if (status != FIRN_OK) {
    return firn_sqlite_index_fail(x, status, err);
  }
  *out = count;
  return FIRN_OK;
}

static firn_status read_note(firn_db *db, firn_ctx *ctx, const char *name, firn_arena *arena,
                             const char **out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_db_query(db, ctx, "SELECT text FROM note WHERE name = $1", FIRN_DB_VALUES(firn_db_text(name)),
                         &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  const char *text = is_row ? firn_arena_text(arena, firn_statement_bytes(st, 0)) : NULL;
  if (is_row && text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a note");
  }
  *out = text;
  return FIRN_OK;
}

static firn_status sqlite_note(firn_index *index, firn_ctx *ctx, const char *name, firn_arena *arena,
                               const char **out, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  FIRN_AUTO_CONNECTION c = {0};
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  return firn_sqlite_index_fail(x, read_note(c.db, ctx, name, arena, out, err), err);
}

static firn_status add_file(firn_statement *st, firn_arena *arena, size_t *capacity, firn_index_files *out,
                            firn_error *err) {
  out->items = firn_arena_grow(arena, out->items, out->n, capacity, sizeof *out->items);
  if (out->items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for files");
  }
  firn_index_file *file = &out->items[out->n++];
  file->path = firn_arena_text(arena, firn_statement_bytes(st, 0));
  file->pending = firn_arena_text(arena, firn_statement_bytes(st, 1));
  return file->path == NULL || file->pending == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for files")
                                                     : FIRN_OK;
}

static firn_status list_files(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                              firn_arena *arena, firn_index_files *out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  size_t capacity = 0;
  *out = (firn_index_files){0};
  FIRN_TRY(firn_db_query(db, ctx, sql, values, &st, err));
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return FIRN_OK;
    }
    FIRN_TRY(add_file(st, arena, &capacity, out, err));
  }
}

static firn_status sqlite_files(firn_index *index, firn_ctx *ctx, const firn_index_listing *which,
                                firn_arena *arena, firn_index_files *out, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  FIRN_AUTO_CONNECTION c = {0};
  int64_t table;
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  firn_status status = firn_text_find(c.db, ctx, firn_bytes_of(which->table), &table, err);
  if (status == FIRN_OK) {
    const char *sql = which->pending_only ? "SELECT path, pending FROM file WHERE table_name = $1 AND "
                                            "pending <> '' AND state = 1 AND path > $2 ORDER BY path LIMIT $3"
                                          : "SELECT path, pending FROM file WHERE table_name = $1 AND "
                                            "state = 1 AND path > $2 ORDER BY path LIMIT $3";
    const char *after = which->after == NULL ? "" : which->after;
    status = list_files(
        c.db, ctx, sql,
        FIRN_DB_VALUES(firn_db_int64(table), firn_db_text(after), firn_db_int64((int64_t)which->limit)),
        arena, out, err);
  }
  return firn_sqlite_index_fail(x, status, err);
}

static const firn_index_ops sqlite_index_ops = {
    .kind = "sqlite",
    .search = firn_sqlite_index_search,
    .row = firn_sqlite_index_row,
    .file_state = sqlite_file_state,
    .count = sqlite_count,
    .note_read = sqlite_note,
    .files = sqlite_files,
    .load_begin = firn_sqlite_index_load_begin,
    .load_file = firn_sqlite_index_load_file,
    .load_pending = firn_sqlite_index_load_pending,
    .load_row = firn_sqlite_index_load_row,
    .load_gone = firn_sqlite_index_load_gone,
    .load_note = firn_sqlite_index_load_note,
    .load_commit = firn_sqlite_index_load_commit,
    .load_close = firn_sqlite_index_load_close,
    .close = sqlite_close,
};

firn_status firn_sqlite_index_open(const char *path, firn_ctx *ctx, firn_index **out, firn_error *err) {
  size_t len = strlen(path);
  firn_sqlite_index *x = firn_alloc(sizeof *x + len + 1);
  if (x == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an index");
  }
  memcpy(x->path, path, len + 1);
  x->base.ops = &sqlite_index_ops;
  atomic_init(&x->is_loading, false);
  firn_status status = set_up(x, ctx, err);
  if (status != FIRN_OK) {
    status = firn_sqlite_index_fail(x, status, err);
    sqlite_close(&x->base);
    return firn_error_while(err, status, "opening the index");
  }
  *out = &x->base;
  return FIRN_OK;
}
