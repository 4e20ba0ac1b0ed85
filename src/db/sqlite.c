#include "db/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/sqlite_internal.h"
#include "db/sqlite_vfs_internal.h"

enum { STEPS_BETWEEN_LOOKS = 20000, DEFAULT_BUSY_WAIT_US = 5000000, LONGEST_NAP_US = 50000 };

typedef struct sqlite_db {
  firn_db base;
  sqlite3 *handle;
  firn_sqlite_vfs *vfs; /* NULL: SQLite's own */
  firn_ctx *ctx;        /* of the call that runs: whose clock the wait for a lock goes by */
  int64_t busy_wait_us;
  int64_t busy_since_us;
  char path[];
} sqlite_db;

typedef struct sqlite_statement {
  firn_statement base;
  sqlite3_stmt *handle;
  int n_places;
  int places[]; /* of $1, $2, ...: SQLite counts parameters by first appearance. 0: there is none of that name
                 */
} sqlite_statement;

static sqlite_db *of(const firn_db *db) {
  return (sqlite_db *)(uintptr_t)db;
}

static firn_status status_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return FIRN_BUSY;
    case SQLITE_CONSTRAINT:
      return FIRN_CONFLICT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return FIRN_CORRUPT;
    case SQLITE_NOMEM:
      return FIRN_NOMEM;
    case SQLITE_TOOBIG:
      return FIRN_LIMIT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return FIRN_DENIED;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
      return FIRN_INVALID;
    default:
      return FIRN_IO;
  }
}

static firn_status fail_open(int error, firn_error *err) {
  firn_status status = error == EACCES || error == EPERM || error == EROFS ? FIRN_DENIED : FIRN_IO;
  return firn_error_set(err, status, "it cannot be opened for writing (%s): look at its folder's permissions",
                        error != 0 ? strerror(error) : "reason unknown");
}

/* What went wrong, and what one can do about it. */
static firn_status fail(sqlite_db *s, int code, firn_error *err) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
      FIRN_TRY(firn_ctx_check(s->ctx, err)); /* it was not worth waiting longer */
      return firn_error_set(err, FIRN_BUSY,
                            "it was locked by others for more than %" PRId64
                            " ms: try again, or see who holds it",
                            s->busy_wait_us / 1000);
    case SQLITE_INTERRUPT:
      FIRN_TRY(firn_ctx_check(s->ctx, err)); /* on_progress asked the same */
      return firn_error_set(err, FIRN_CANCELLED, "it was interrupted");
    case SQLITE_FULL:
      return firn_error_set(err, FIRN_IO, "the disk is full: free some space, then try again");
    case SQLITE_NOTADB:
      return firn_error_set(err, FIRN_CORRUPT, "the file is no SQLite database");
    case SQLITE_CORRUPT:
      return firn_error_set(err, FIRN_CORRUPT, "the database is damaged (%s): restore it from a backup",
                            sqlite3_errmsg(s->handle));
    case SQLITE_CANTOPEN:
      return fail_open(sqlite3_system_errno(s->handle), err);
    case SQLITE_IOERR: {
      int error = sqlite3_system_errno(s->handle);
      return firn_error_set(err, FIRN_IO, "%s", error != 0 ? strerror(error) : sqlite3_errmsg(s->handle));
    }
    default:
      return firn_error_set(err, status_of(code), "%s", sqlite3_errmsg(s->handle));
  }
}

/* SQLite asks before the n-th try to get a lock; 0 gives up. */
static int on_busy(void *arg, int n_tries) {
  sqlite_db *s = arg;
  const firn_env *env = s->ctx->env;
  int64_t now = firn_ctx_monotonic_us(s->ctx);
  if (n_tries == 0) {
    s->busy_since_us = now;
  }
  if (now - s->busy_since_us >= s->busy_wait_us || firn_ctx_check(s->ctx, NULL) != FIRN_OK) {
    return 0;
  }
  int64_t nap = n_tries < 10 ? (int64_t)500 << n_tries : LONGEST_NAP_US;
  env->sleep_us(env->self, nap < LONGEST_NAP_US ? nap : LONGEST_NAP_US);
  return 1;
}

/* SQLite asks from time to time while a statement runs; 1 ends it. */
static int on_progress(void *arg) {
  const sqlite_db *s = arg;
  return firn_ctx_check(s->ctx, NULL) != FIRN_OK;
}

static firn_status sqlite_script(firn_db *db, firn_ctx *ctx, const char *sql, firn_error *err) {
  sqlite_db *s = of(db);
  s->ctx = ctx;
  int code = sqlite3_exec(s->handle, sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? FIRN_OK : fail(s, code, err);
}

static void find_places(sqlite_statement *st) {
  for (int i = 0; i < st->n_places; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "$%d", i + 1);
    st->places[i] = sqlite3_bind_parameter_index(st->handle, name);
  }
}

static firn_status sqlite_prepare(firn_db *db, firn_ctx *ctx, const char *sql, firn_statement **out,
                                  firn_error *err) {
  sqlite_db *s = of(db);
  s->ctx = ctx;
  sqlite3_stmt *handle;
  const char *rest;
  int code = sqlite3_prepare_v2(s->handle, sql, -1, &handle, &rest);
  if (code != SQLITE_OK) {
    return fail(s, code, err);
  }
  assert(*rest == '\0' && handle != NULL); /* one statement */
  int n = sqlite3_bind_parameter_count(handle);
  sqlite_statement *st = firn_alloc(sizeof *st + (size_t)n * sizeof *st->places);
  if (st == NULL) {
    (void)sqlite3_finalize(handle);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a statement");
  }
  st->base.db = db;
  st->handle = handle;
  st->n_places = n;
  find_places(st);
  *out = &st->base;
  return FIRN_OK;
}

static int bind_one(sqlite3_stmt *handle, int at, const firn_db_value *v) {
  const void *data = v->bytes.data == NULL ? (const void *)"" : v->bytes.data; /* NULL would bind a null */
  switch (v->kind) {
    case FIRN_DB_INT64:
      return sqlite3_bind_int64(handle, at, v->i64);
    case FIRN_DB_DOUBLE:
      return sqlite3_bind_double(handle, at, v->f64);
    case FIRN_DB_TEXT:
      return sqlite3_bind_text64(handle, at, data, v->bytes.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    case FIRN_DB_BYTES:
      return sqlite3_bind_blob64(handle, at, data, v->bytes.len, SQLITE_TRANSIENT);
    case FIRN_DB_NULL:
      break;
  }
  return sqlite3_bind_null(handle, at);
}

static firn_status sqlite_bind(firn_statement *base, const firn_db_values *values, firn_error *err) {
  sqlite_statement *st = (sqlite_statement *)base;
  (void)sqlite3_reset(st->handle); /* repeats the error of the last step, which was told then */
  if (values->n != (size_t)st->n_places) {
    return firn_error_set(err, FIRN_INVALID, "%zu values for %d parameters", values->n, st->n_places);
  }
  for (size_t i = 0; i < values->n; i++) {
    int at = st->places[i];
    int code = at == 0 ? SQLITE_RANGE : bind_one(st->handle, at, &values->items[i]);
    if (code != SQLITE_OK) {
      return firn_error_set(err, status_of(code), "parameter $%zu: %s", i + 1, sqlite3_errstr(code));
    }
  }
  return FIRN_OK;
}

static firn_status sqlite_next(firn_statement *base, firn_ctx *ctx, bool *is_row, firn_error *err) {
  sqlite_statement *st = (sqlite_statement *)base;
  sqlite_db *s = of(base->db);
  s->ctx = ctx;
  int code = sqlite3_step(st->handle);
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    return fail(s, code, err);
  }
  *is_row = code == SQLITE_ROW;
  return FIRN_OK;
}

static size_t sqlite_n_columns(const firn_statement *base) {
  return (size_t)sqlite3_column_count(((const sqlite_statement *)base)->handle);
}

static firn_db_value sqlite_column(firn_statement *base, size_t i) {
  sqlite3_stmt *handle = ((sqlite_statement *)base)->handle;
  int column = (int)i;
  switch (sqlite3_column_type(handle, column)) {
    case SQLITE_INTEGER:
      return firn_db_int64(sqlite3_column_int64(handle, column));
    case SQLITE_FLOAT:
      return firn_db_double(sqlite3_column_double(handle, column));
    case SQLITE_TEXT: {
      const uint8_t *text = sqlite3_column_text(handle, column); /* first: the length is that of this form */
      return (firn_db_value){.kind = FIRN_DB_TEXT,
                             .bytes = {text, (size_t)sqlite3_column_bytes(handle, column)}};
    }
    case SQLITE_BLOB: {
      const uint8_t *data = sqlite3_column_blob(handle, column);
      return firn_db_bytes((firn_bytes){data, (size_t)sqlite3_column_bytes(handle, column)});
    }
    default:
      return firn_db_null();
  }
}

static uint64_t sqlite_n_changed(const firn_statement *base) {
  return (uint64_t)sqlite3_changes64(of(base->db)->handle);
}

static void sqlite_statement_close(firn_statement *base) {
  sqlite_statement *st = (sqlite_statement *)base;
  (void)sqlite3_finalize(st->handle); /* repeats the error of the last step */
  firn_free(st);
}

/* IMMEDIATE takes the lock for writing now: a transaction that starts with reading could not get it any more
 * once another one has written. */
static firn_status sqlite_begin(firn_db *db, firn_ctx *ctx, firn_error *err) {
  return sqlite_script(db, ctx, "BEGIN IMMEDIATE", err);
}

/* The write-ahead log holds the commit once its last frame is written whole. These failures come before that;
 * after all others a recovery might still find the frame. */
static bool is_certain(int code) {
  int primary = code & 0xFF;
  return primary == SQLITE_BUSY || primary == SQLITE_FULL || primary == SQLITE_CONSTRAINT ||
         primary == SQLITE_READONLY;
}

static firn_status sqlite_commit(firn_db *db, firn_ctx *ctx, firn_error *err) {
  sqlite_db *s = of(db);
  s->ctx = ctx;
  int code = sqlite3_exec(s->handle, "COMMIT", NULL, NULL, NULL);
  if (code == SQLITE_OK) {
    return FIRN_OK;
  }
  firn_status status = fail(s, code, err);
  return is_certain(code) ? status
                          : firn_error_while(err, FIRN_UNCERTAIN, "the commit may or may not have happened");
}

static void sqlite_rollback(firn_db *db) {
  sqlite_db *s = of(db);
  if (sqlite3_get_autocommit(s->handle) == 0) { /* some failures end a transaction by themselves */
    (void)sqlite3_exec(s->handle, "ROLLBACK", NULL, NULL,
                       NULL); /* what is not committed goes with the handle */
  }
}

static void sqlite_close(firn_db *db) {
  sqlite_db *s = of(db);
  int code = sqlite3_close(s->handle);
  assert(code == SQLITE_OK); /* else a statement is still open */
  (void)code;
  firn_sqlite_vfs_close(s->vfs);
  firn_free(s);
}

static const firn_db_ops sqlite_ops = {
    .kind = "sqlite",
    .script = sqlite_script,
    .prepare = sqlite_prepare,
    .bind = sqlite_bind,
    .next = sqlite_next,
    .n_columns = sqlite_n_columns,
    .column = sqlite_column,
    .n_changed = sqlite_n_changed,
    .statement_close = sqlite_statement_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .close = sqlite_close,
};

const char *firn_sqlite_network_name(uint32_t magic) {
  static const struct {
    uint32_t magic;
    const char *name;
  } all[] = {
      {0x6969, "NFS"},       {0x517B, "SMB"},        {0xFF534D42, "CIFS"},   {0xFE534D42, "SMB2"},
      {0x01021997, "9P"},    {0x5346414F, "AFS"},    {0x6B414653, "AFS"},    {0x73757245, "Coda"},
      {0x564C, "NCP"},       {0x00C36400, "Ceph"},   {0x0BD00BD0, "Lustre"}, {0x01161970, "GFS2"},
      {0x7461636F, "OCFS2"}, {0x786F4256, "vboxsf"}, {0x19830326, "BeeGFS"}, {0x47504653, "GPFS"},
      {0xAAD7AAEA, "PanFS"},
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(all); i++) {
    if (all[i].magic == magic) {
      return all[i].name;
    }
  }
  return NULL;
}

static void folder_of(const char *path, char into[PATH_MAX]) {
  const char *slash = strrchr(path, '/');
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  if (slash == path) {
    len = 1;
  }
  (void)snprintf(into, PATH_MAX, "%.*s", (int)len, path);
  if (slash == NULL) {
    (void)snprintf(into, PATH_MAX, ".");
  }
}

static firn_status check_local(const struct statfs *fs, firn_error *err) {
  const char *network = firn_sqlite_network_name((uint32_t)fs->f_type);
  return network == NULL
             ? FIRN_OK
             : firn_error_set(
                   err, FIRN_UNSUPPORTED,
                   "it lies on a network file system (%s), where SQLite's write-ahead log, which is memory "
                   "shared by processes, does not work: use a local disk",
                   network);
}

/* Where a link leads may be elsewhere than its folder, so both are asked. */
static firn_status check_is_local(const char *place, firn_error *err) {
  struct statfs fs;
  return statfs(place, &fs) != 0 ? FIRN_OK : check_local(&fs, err); /* what is wrong with it is seen later */
}

/* `*is_new`: there is no file yet. */
static firn_status check_place(sqlite_db *s, firn_ctx *ctx, const char *folder, bool must_exist, bool *is_new,
                               firn_error *err) {
  firn_file_info info;
  firn_status status = firn_file_stat(ctx, folder, &info, err);
  if (status == FIRN_NOT_FOUND) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no folder %s: make it first", folder);
  }
  FIRN_TRY(status);
  FIRN_TRY(s->vfs == NULL ? check_is_local(folder, err) : FIRN_OK);
  status = firn_file_stat(ctx, s->path, &info, err);
  *is_new = status == FIRN_NOT_FOUND;
  if (*is_new) {
    return must_exist ? firn_error_set(err, FIRN_NOT_FOUND, "there is no such file") : FIRN_OK;
  }
  FIRN_TRY(status);
  if (!info.is_file) {
    return firn_error_set(err, FIRN_INVALID, "it is no regular file");
  }
  return s->vfs == NULL ? check_is_local(s->path, err) : FIRN_OK;
}

/* Changing to WAL needs every other process out for a moment, and SQLite asks no busy handler about it. */
static firn_status set_wal(sqlite_db *s, firn_ctx *ctx, firn_error *err) {
  for (int n_tries = 0;; n_tries++) {
    FIRN_AUTO_STATEMENT *st = NULL;
    bool is_row = false;
    FIRN_TRY(sqlite_prepare(&s->base, ctx, "PRAGMA journal_mode = WAL", &st, err));
    firn_status status = sqlite_next(st, ctx, &is_row, err);
    if (status == FIRN_OK && is_row && firn_bytes_is(firn_statement_bytes(st, 0), "wal")) {
      return FIRN_OK;
    }
    if (status == FIRN_OK) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "its file system does not allow a write-ahead log");
    }
    if (status != FIRN_BUSY || !on_busy(s, n_tries)) {
      return status;
    }
  }
}

/* "file:PATH?immutable=1" */
static char *immutable_uri(const char *path) {
  static const char hex[] = "0123456789ABCDEF";
  static const char before[] = "file:", after[] = "?immutable=1";
  char *uri = firn_alloc(sizeof before + sizeof after + 3 * strlen(path));
  if (uri == NULL) {
    return NULL;
  }
  memcpy(uri, before, sizeof before);
  char *to = uri + sizeof before - 1;
  for (; *path != '\0'; path++) {
    uint8_t c = (uint8_t)*path;
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                    c == '.' || c == '-' || c == '_';
    if (is_plain) {
      *to++ = (char)c;
    } else {
      *to++ = '%';
      *to++ = hex[c >> 4];
      *to++ = hex[c & 15];
    }
  }
  memcpy(to, after, sizeof after);
  return uri;
}

/* A reader of a database in WAL mode makes its two files again, and leaves them there. Where nobody has it
 * open they are not there, and SQLite may be told that nothing will change. */
static int open_to_look(sqlite_db *s) {
  char wal[PATH_MAX + 8];
  (void)snprintf(wal, sizeof wal, "%s-wal", s->path);
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (s->vfs != NULL || access(wal, F_OK) == 0) {
    return sqlite3_open_v2(s->path, &s->handle, flags, firn_sqlite_vfs_name(s->vfs));
  }
  char *uri = immutable_uri(s->path);
  int code = uri == NULL ? SQLITE_NOMEM : sqlite3_open_v2(uri, &s->handle, flags | SQLITE_OPEN_URI, NULL);
  firn_free(uri);
  return code;
}

static firn_status set_up(sqlite_db *s, firn_ctx *ctx, const firn_sqlite_options *options, firn_error *err) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
              (options->must_exist ? 0 : SQLITE_OPEN_CREATE);
  int code = options->is_read_only
                 ? open_to_look(s)
                 : sqlite3_open_v2(s->path, &s->handle, flags, firn_sqlite_vfs_name(s->vfs));
  if (code != SQLITE_OK) {
    return s->handle == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a connection")
                             : fail(s, code, err);
  }
  (void)sqlite3_busy_handler(s->handle, on_busy, s); /* cannot fail on an open handle */
  sqlite3_progress_handler(s->handle, STEPS_BETWEEN_LOOKS, on_progress, s);
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL); /* known to 3.26 and later */
  (void)sqlite3_db_config(s->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
                          (int *)NULL); /* known to 3.31 and later */
  if (s->vfs != NULL) {                 /* it makes no temporary files */
    FIRN_TRY(sqlite_script(&s->base, ctx, "PRAGMA temp_store = MEMORY", err));
  }
  if (options->is_read_only) {
    return FIRN_OK;
  }
  /* In a write-ahead log EXTRA is FULL. But a sync that fails while the mode is changed leaves SQLite in the
   * mode of rollback journals, although it says "wal"; there FULL does not sync the folder after a commit. */
  FIRN_TRY(sqlite_script(&s->base, ctx, "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON", err));
  return set_wal(s, ctx, err);
}

static firn_status open_in(sqlite_db *s, const firn_sqlite_options *options, firn_ctx *ctx, firn_error *err) {
  char folder[PATH_MAX];
  bool is_new;
  folder_of(s->path, folder);
  FIRN_TRY(firn_sqlite_vfs_open(ctx->env, &s->vfs, err));
  FIRN_TRY(check_place(s, ctx, folder, options->must_exist || options->is_read_only, &is_new, err));
  FIRN_TRY(set_up(s, ctx, options, err));
  return is_new ? firn_folder_sync(ctx, folder, err) : FIRN_OK;
}

static firn_status open_checked(const char *path, const firn_sqlite_options *options, firn_ctx *ctx,
                                firn_db **out, firn_error *err) {
  if (path[0] == '\0' || path[0] == ':' || strlen(path) >= PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "this is no path of a file");
  }
  sqlite_db *s = firn_alloc(sizeof *s + strlen(path) + 1);
  if (s == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a connection");
  }
  memcpy(s->path, path, strlen(path) + 1);
  s->base = (firn_db){.ops = &sqlite_ops, .name = s->path};
  s->ctx = ctx;
  s->busy_wait_us = options->busy_wait_us != 0 ? options->busy_wait_us : DEFAULT_BUSY_WAIT_US;
  firn_status status = open_in(s, options, ctx, err);
  if (status != FIRN_OK) {
    sqlite_close(&s->base);
    return status;
  }
  *out = &s->base;
  return FIRN_OK;
}

firn_status firn_sqlite_open(const char *path, const firn_sqlite_options *options, firn_ctx *ctx,
                             firn_db **out, firn_error *err) {
  static const firn_sqlite_options defaults = {0};
  firn_status status = open_checked(path, options == NULL ? &defaults : options, ctx, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "sqlite: opening %s", path);
}

firn_status firn_sqlite_check_writable(const char *path, firn_error *err) {
  char folder[PATH_MAX];
  if (strlen(path) >= PATH_MAX) {
    return firn_error_set(err, FIRN_INVALID, "this is no path of a file");
  }
  folder_of(path, folder);
  if (access(folder, F_OK) != 0) {
    return firn_error_set(err, FIRN_NOT_FOUND, "there is no folder %s: make it first", folder);
  }
  if (access(folder, W_OK) != 0) { /* the log lies beside the file */
    return firn_error_set(err, FIRN_DENIED, "%s cannot be written: %s", folder, strerror(errno));
  }
  if (access(path, W_OK) != 0 && errno != ENOENT) {
    return firn_error_set(err, FIRN_DENIED, "%s cannot be written: %s", path, strerror(errno));
  }
  return FIRN_OK;
}
