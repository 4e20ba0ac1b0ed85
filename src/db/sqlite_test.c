#include "db/sqlite.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/file.h"
#include "db/connections.h"
#include "db/migrate.h"
#include "db/sqlite_internal.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char path[4200];

/* A fresh file's path, and a context. */
static void begin(void) {
  ctx = test_ctx();
  (void)snprintf(path, sizeof path, "%s/t.db", test_folder());
}

static firn_db *open_db(void) {
  firn_db *db = NULL;
  CHECK_OK(firn_sqlite_open(path, NULL, ctx, &db, &err));
  return db;
}

static firn_db *open_with_table(void) {
  begin();
  firn_db *db = open_db();
  CHECK_OK(
      firn_db_script(db, ctx, "CREATE TABLE t (k TEXT PRIMARY KEY, v BIGINT); CREATE TABLE u (x, y)", &err));
  return db;
}

static void insert(firn_db *db, const char *k, int64_t v) {
  CHECK_OK(firn_db_run(db, ctx, "INSERT INTO t (k, v) VALUES ($1, $2)",
                       FIRN_DB_VALUES(firn_db_text(k), firn_db_int64(v)), NULL, &err));
}

static int64_t count(firn_db *db) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, ctx, "SELECT COUNT(*) FROM t", FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  assert_true(is_row);
  return firn_statement_int64(st, 0);
}

static void gives_back_what_was_bound(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  static const uint8_t zeros[] = {0, 1, 0, 255};
  const firn_db_value values[] = {
      firn_db_int64(INT64_MIN),
      firn_db_int64(INT64_MAX),
      firn_db_double(0.1),
      firn_db_text("it's \"quoted\"; -- $1 \xE2\x9D\x84"),
      firn_db_text(""),
      firn_db_bytes((firn_bytes){zeros, sizeof zeros}),
      firn_db_bytes((firn_bytes){NULL, 0}),
      firn_db_null(),
      firn_db_text(NULL),
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(values); i++) {
    CHECK_OK(firn_db_run(db, ctx, "INSERT INTO u (x, y) VALUES ($2, $1)",
                         FIRN_DB_VALUES(values[i], firn_db_int64((int64_t)i)), NULL, &err));
  }
  FIRN_AUTO_STATEMENT *st = NULL;
  CHECK_OK(firn_db_query(db, ctx, "SELECT y FROM u ORDER BY x", FIRN_DB_NO_VALUES, &st, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(values); i++) {
    bool is_row;
    CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
    assert_true(is_row);
    firn_db_value got = firn_statement_value(st, 0);
    assert_int_equal(got.kind, values[i].kind);
    assert_int_equal(firn_statement_is_null(st, 0), i >= 7);
    if (got.kind == FIRN_DB_INT64) {
      assert_true(firn_statement_int64(st, 0) == values[i].i64);
    } else if (got.kind == FIRN_DB_DOUBLE) {
      assert_true(got.f64 == values[i].f64);
    } else {
      assert_true(firn_bytes_equal(firn_statement_bytes(st, 0),
                                   values[i].kind == FIRN_DB_NULL ? (firn_bytes){NULL, 0} : values[i].bytes));
    }
  }
  bool is_row = true;
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  assert_false(is_row);
}

static void statements_are_bound_again_and_again(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_prepare(db, ctx, "INSERT INTO t (k, v) VALUES ($1, $2)", &st, &err));
  for (int64_t i = 0; i < 100; i++) {
    char k[8];
    (void)snprintf(k, sizeof k, "%d", (int)i);
    CHECK_OK(firn_statement_bind(st, FIRN_DB_VALUES(firn_db_text(k), firn_db_int64(i)), &err));
    CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  }
  assert_int_equal(count(db), 100);
  CHECK_STATUS(firn_statement_bind(st, FIRN_DB_VALUES(firn_db_text("one")), &err), FIRN_INVALID);
  CHECK_SAYS("1 values for 2 parameters");
}

static void a_long_statement_keeps_its_deadline(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  firn_ctx hurried = *ctx;
  static const char forever[] =
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT COUNT(*) FROM n";
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, &hurried, forever, FIRN_DB_NO_VALUES, &st, &err));
  hurried.deadline_us = firn_ctx_monotonic_us(&hurried) + 100; /* each look at the clock is a microsecond */
  CHECK_STATUS(firn_statement_next(st, &hurried, &is_row, &err), FIRN_TIMEOUT);
  insert(db, "a", 1); /* the connection is as good as before */
  assert_int_equal(count(db), 1);
}

static void says_how_many_rows_changed(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  insert(db, "a", 1);
  insert(db, "b", 1);
  uint64_t n = 99;
  CHECK_OK(
      firn_db_run(db, ctx, "UPDATE t SET v = 2 WHERE v = $1", FIRN_DB_VALUES(firn_db_int64(1)), &n, &err));
  assert_int_equal(n, 2);
  CHECK_OK(
      firn_db_run(db, ctx, "UPDATE t SET v = 2 WHERE v = $1", FIRN_DB_VALUES(firn_db_int64(1)), &n, &err));
  assert_int_equal(n, 0);
}

static void a_constraint_is_a_conflict(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  insert(db, "a", 1);
  CHECK_STATUS(
      firn_db_run(db, ctx, "INSERT INTO t (k) VALUES ($1)", FIRN_DB_VALUES(firn_db_text("a")), NULL, &err),
      FIRN_CONFLICT);
  CHECK_SAYS("sqlite: ");
  CHECK_SAYS("t.k");
  CHECK_STATUS(firn_db_script(db, ctx, "SELECT nothing FROM nowhere", &err), FIRN_INVALID);
}

static void a_transaction_is_undone_unless_committed(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  for (int committed = 0; committed < 2; committed++) {
    FIRN_AUTO_TRANSACTION t = {0};
    CHECK_OK(firn_db_begin(db, ctx, &t, &err));
    insert(db, "a", 1);
    if (committed) {
      CHECK_OK(firn_transaction_commit(&t, ctx, &err));
    }
    firn_transaction_undo(&t);
    assert_int_equal(count(db), committed);
  }
}

static void a_locked_database_is_busy(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  FIRN_AUTO_DB *other = open_db();
  FIRN_AUTO_TRANSACTION t = {0};
  CHECK_OK(firn_db_begin(db, ctx, &t, &err));
  firn_transaction u = {0};
  int64_t before = ctx->env->monotonic_us(NULL);
  CHECK_STATUS(firn_db_begin(other, ctx, &u, &err), FIRN_BUSY);
  CHECK_SAYS("locked by others for more than 5000 ms");
  int64_t waited = ctx->env->monotonic_us(NULL) - before;
  assert_true(waited >= 5000000 && waited < 5200000);
  assert_int_equal(count(other), 0); /* readers are not in its way */

  firn_ctx hurried = *ctx;
  hurried.deadline_us = ctx->env->monotonic_us(NULL) + 100000;
  CHECK_STATUS(firn_db_begin(other, &hurried, &u, &err), FIRN_TIMEOUT);
  CHECK_OK(firn_transaction_commit(&t, ctx, &err));
  CHECK_OK(firn_db_begin(other, ctx, &u, &err));
  firn_transaction_undo(&u);
}

static void keeps_commits_in_a_write_ahead_log_that_is_synced(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  static const struct {
    const char *sql, *wanted;
  } settings[] = {{"SELECT journal_mode FROM pragma_journal_mode", "wal"},
                  {"SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous", "3"}};
  for (size_t i = 0; i < FIRN_COUNT_OF(settings); i++) {
    FIRN_AUTO_STATEMENT *st = NULL;
    bool is_row;
    CHECK_OK(firn_db_query(db, ctx, settings[i].sql, FIRN_DB_NO_VALUES, &st, &err));
    CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
    CHECK_BYTES(firn_statement_bytes(st, 0), settings[i].wanted);
  }
}

static void refuses_places_that_cannot_hold_it(void **state) {
  (void)state;
  begin();
  firn_db *db = NULL;
  char bad[4300];
  static const firn_sqlite_options must_exist = {.must_exist = true};
  CHECK_STATUS(firn_sqlite_open(path, &must_exist, ctx, &db, &err), FIRN_NOT_FOUND);
  assert_int_not_equal(access(path, F_OK), 0);
  (void)snprintf(bad, sizeof bad, "%s/none/t.db", test_folder());
  CHECK_STATUS(firn_sqlite_open(bad, NULL, ctx, &db, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("none: make it first");
  CHECK_STATUS(firn_sqlite_open(test_folder(), NULL, ctx, &db, &err), FIRN_INVALID);
  CHECK_STATUS(firn_sqlite_open("", NULL, ctx, &db, &err), FIRN_INVALID);
  CHECK_STATUS(firn_sqlite_open(":memory:", NULL, ctx, &db, &err), FIRN_INVALID);
}

static size_t n_folder_syncs;

static firn_status counted_folder_sync(void *self, const char *folder, firn_error *e) {
  n_folder_syncs++;
  return firn_file_ops_system.sync_folder(self, folder, e);
}

/* Else the name of the catalog may be lost with the power, and with it every table. */
static void the_folder_of_a_new_file_is_synced(void **state) {
  (void)state;
  begin();
  firn_file_ops files = firn_file_ops_system;
  files.sync_folder = counted_folder_sync;
  firn_env env = *ctx->env;
  env.files = &files;
  firn_ctx counting = FIRN_CTX_INIT(&env);
  n_folder_syncs = 0;
  for (int i = 0; i < 2; i++) {
    FIRN_AUTO_DB *db = NULL;
    CHECK_OK(firn_sqlite_open(path, NULL, &counting, &db, &err));
    assert_int_equal(n_folder_syncs,
                     3); /* SQLite's with its journal and after it, and ours; later it is not new */
  }
}

static void knows_network_file_systems(void **state) {
  (void)state;
  assert_string_equal(firn_sqlite_network_name(0x6969), "NFS");
  assert_string_equal(firn_sqlite_network_name(0xFF534D42), "CIFS");
  assert_string_equal(firn_sqlite_network_name(0x01021997), "9P");
  assert_null(firn_sqlite_network_name(0xEF53));     /* ext4 */
  assert_null(firn_sqlite_network_name(0x01021994)); /* tmpfs */
}

static void write_file(const char *text, size_t len) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
}

static void refuses_a_file_that_is_no_database(void **state) {
  (void)state;
  begin();
  static char text[8192];
  memset(text, 'x', sizeof text);
  write_file(text, sizeof text);
  firn_db *db = NULL;
  CHECK_STATUS(firn_sqlite_open(path, NULL, ctx, &db, &err), FIRN_CORRUPT);
  CHECK_SAYS("t.db: the file is no SQLite database");
}

static void refuses_a_damaged_database(void **state) {
  (void)state;
  firn_db *db = open_with_table();
  for (int i = 0; i < 2000; i++) {
    char k[16];
    (void)snprintf(k, sizeof k, "key %d", i);
    insert(db, k, i);
  }
  firn_db_close(db);
  firn_bytes whole = test_read_file(path);
  for (size_t i = 4096 + 100; i < whole.len;
       i += 4096) { /* every page behind the first loses its beginning */
    memset((uint8_t *)(uintptr_t)whole.data + i - 100, 0xEE, 60);
  }
  write_file((const char *)whole.data, whole.len);
  firn_free((void *)(uintptr_t)whole.data);
  FIRN_AUTO_DB *damaged = open_db();
  CHECK_STATUS(firn_db_script(damaged, ctx, "SELECT SUM(v) FROM t", &err), FIRN_CORRUPT);
  CHECK_SAYS("restore it from a backup");
}

static const char *const scripts[] = {
    "CREATE TABLE m (a TEXT); INSERT INTO m VALUES ('one')",
    "ALTER TABLE m ADD COLUMN b TEXT",
    "UPDATE m SET b = a; CREATE TABLE broken (",
};

static void migrations_run_once_and_in_order(void **state) {
  (void)state;
  begin();
  FIRN_AUTO_DB *db = open_db();
  CHECK_OK(firn_db_migrate(db, ctx, "part", scripts, 1, &err));
  CHECK_OK(firn_db_migrate(db, ctx, "part", scripts, 2, &err));
  CHECK_OK(firn_db_migrate(db, ctx, "part", scripts, 2, &err));
  CHECK_STATUS(firn_db_migrate(db, ctx, "part", scripts, 3, &err), FIRN_INVALID);
  CHECK_SAYS("migration 3 of 'part'");
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, ctx, "SELECT a, b FROM m", FIRN_DB_NO_VALUES, &st,
                         &err)); /* the third left nothing */
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  CHECK_BYTES(firn_statement_bytes(st, 0), "one");
  assert_true(firn_statement_is_null(st, 1));
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  assert_false(is_row);
  CHECK_STATUS(firn_db_migrate(db, ctx, "part", scripts, 1, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("has version 2");
}

static void *hammer(void *arg) {
  static _Thread_local firn_error why;
  firn_connections *connections = arg;
  firn_env env = firn_env_system; /* its clock, for locks are waited for */
  env.files = ctx->env->files;
  firn_ctx own = FIRN_CTX_INIT(&env);
  for (int i = 0; i < 20; i++) {
    FIRN_AUTO_CONNECTION c = {0};
    FIRN_AUTO_TRANSACTION t = {0};
    if (firn_connections_borrow(connections, &own, &c, &why) != FIRN_OK ||
        firn_db_begin(c.db, &own, &t, &why) != FIRN_OK ||
        firn_db_run(c.db, &own, "UPDATE t SET v = v + 1", FIRN_DB_NO_VALUES, NULL, &why) != FIRN_OK ||
        firn_transaction_commit(&t, &own, &why) != FIRN_OK) {
      print_error("%s\n", why.text);
      return "failed";
    }
  }
  return NULL;
}

static firn_status connect_path(const void *self, firn_ctx *c, firn_db **out, firn_error *e) {
  return firn_sqlite_open(self, NULL, c, out, e);
}

static void threads_share_connections(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  insert(db, "a", 0);
  firn_connections *connections = NULL;
  CHECK_OK(firn_connections_new(connect_path, path, &connections, &err));
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, hammer, connections), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    void *failed = NULL;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
  firn_connections_free(connections);
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, ctx, "SELECT v FROM t", FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  assert_int_equal(firn_statement_int64(st, 0), 80);
}

/* A process that dies in the middle of a transaction leaves nothing of it. */
static void a_killed_process_leaves_whole_transactions(void **state) {
  (void)state;
  firn_db *db = open_with_table();
  insert(db, "a", 1);
  firn_db_close(db);
  pid_t child = fork();
  if (child == 0) {
    firn_transaction t = {0};
    firn_db *own = NULL;
    bool ok =
        firn_sqlite_open(path, NULL, ctx, &own, NULL) == FIRN_OK &&
        firn_db_begin(own, ctx, &t, NULL) == FIRN_OK &&
        firn_db_run(own, ctx, "INSERT INTO t (k) VALUES ('b')", FIRN_DB_NO_VALUES, NULL, NULL) == FIRN_OK;
    _exit(ok ? 0 : 1);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  FIRN_AUTO_DB *again = open_db();
  assert_int_equal(count(again), 1);
}

static void a_full_disk_is_said_and_leaves_nothing(void **state) {
  (void)state;
  begin();
  if (ctx->env->files != NULL) { /* only SQLite's own files tell a full disk from a broken one */
    return;
  }
  const char *disk = test_small_disk(1 << 20, "a full disk under SQLite");
  if (disk == NULL) {
    return;
  }
  (void)snprintf(path, sizeof path, "%s/t.db", disk);
  FIRN_AUTO_DB *db = open_db();
  CHECK_OK(firn_db_script(db, ctx, "CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB)", &err));
  static uint8_t large[2 << 20];
  firn_db_values values = FIRN_DB_VALUES(firn_db_bytes((firn_bytes){large, sizeof large}));
  for (int in_transaction = 0; in_transaction < 2; in_transaction++) {
    FIRN_AUTO_TRANSACTION t = {0};
    if (in_transaction) {
      CHECK_OK(firn_db_begin(db, ctx, &t, &err));
    }
    firn_status status = firn_db_run(db, ctx, "INSERT INTO t VALUES ('big', $1)", values, NULL, &err);
    if (in_transaction && status == FIRN_OK) { /* the pages wait for the commit */
      status = firn_transaction_commit(&t, ctx, &err);
    }
    CHECK_STATUS(status, FIRN_IO);
    CHECK_SAYS("the disk is full: free some space");
  }
  assert_int_equal(count(db), 0);
  CHECK_OK(firn_db_script(db, ctx, "INSERT INTO t VALUES ('small', 'x')", &err));
  assert_int_equal(count(db), 1);
}

static firn_status open_and_ask(void) {
  FIRN_AUTO_DB *db = NULL;
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_sqlite_open(path, NULL, ctx, &db, NULL));
  FIRN_TRY(firn_db_query(db, ctx, "SELECT $1", FIRN_DB_VALUES(firn_db_int64(1)), &st, NULL));
  return firn_statement_next(st, ctx, &is_row, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  begin();
  check_survives_oom(open_and_ask);
}

/* What SQLite says when the disk fails under it, and what a later opening finds: a commit that is said to
 * have failed must never come back, and one that is said to have happened must be there. */

/* --- the system's files, whose n-th write or sync fails --- */

static struct {
  size_t calls, fail_at;
  int code;     /* what the failing call answers */
  bool is_dead; /* all later calls fail too, as for a process that is about to die */
} fault;

/* Databases and logs have methods of their own. */
typedef struct methods {
  sqlite3_io_methods faulty; /* first: a file points here */
  const sqlite3_io_methods *real;
} methods;

static methods kinds[4];
static sqlite3_vfs faulty_vfs;
static sqlite3_vfs *real_vfs;

static const sqlite3_io_methods *real_of(const sqlite3_file *f) {
  return ((const methods *)f->pMethods)->real;
}

static bool is_hit(void) {
  size_t call = fault.calls++;
  return call == fault.fail_at || (fault.is_dead && call > fault.fail_at);
}

static int faulty_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset) {
  return is_hit() ? (fault.code == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE)
                  : real_of(f)->xWrite(f, data, len, offset);
}

/* A sync that fails may have brought the bytes to the disk, or not: here it has. */
static int faulty_sync(sqlite3_file *f, int flags) {
  return is_hit() ? SQLITE_IOERR_FSYNC : real_of(f)->xSync(f, flags);
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return is_hit() ? SQLITE_IOERR_TRUNCATE : real_of(f)->xTruncate(f, size);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
  (void)vfs;
  int code = real_vfs->xOpen(real_vfs, name, f, flags, out_flags);
  for (size_t i = 0; code == SQLITE_OK && f->pMethods != NULL; i++) {
    assert_true(i < FIRN_COUNT_OF(kinds));
    if (kinds[i].real != NULL && kinds[i].real != f->pMethods) {
      continue;
    }
    kinds[i] = (methods){.faulty = *f->pMethods, .real = f->pMethods};
    kinds[i].faulty.xWrite = faulty_write;
    kinds[i].faulty.xSync = faulty_sync;
    kinds[i].faulty.xTruncate = faulty_truncate;
    f->pMethods = &kinds[i].faulty;
    break;
  }
  return code;
}

static void install(void) {
  if (real_vfs == NULL) {
    real_vfs = sqlite3_vfs_find(NULL);
    assert_non_null(real_vfs);
    faulty_vfs = *real_vfs;
    faulty_vfs.zName = "faulty";
    faulty_vfs.xOpen = faulty_open;
    assert_int_equal(sqlite3_vfs_register(&faulty_vfs, 1), SQLITE_OK);
  }
}

static void arm(size_t fail_at, int code, bool is_dead) {
  fault.calls = 0;
  fault.fail_at = fail_at;
  fault.code = code;
  fault.is_dead = is_dead;
}

static void disarm(void) {
  fault.fail_at = SIZE_MAX;
  fault.is_dead = false;
}

/* --- one transaction on it --- */

static void remove_database(void) {
  static const char *const tails[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < FIRN_COUNT_OF(tails); i++) {
    char whole[4300];
    (void)snprintf(whole, sizeof whole, "%s%s", path, tails[i]);
    (void)remove(whole); /* may not be there */
  }
}

static bool is_there(firn_db *db) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, ctx, "SELECT 1 FROM t WHERE k = 'new'", FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, ctx, &is_row, &err));
  return is_row;
}

/* Several pages, so that the log gets several frames. */
static firn_status change(firn_db *db) {
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_db_begin(db, ctx, &t, &err));
  FIRN_TRY(
      firn_db_run(db, ctx, "INSERT INTO t VALUES ('new', ZEROBLOB(9000))", FIRN_DB_NO_VALUES, NULL, &err));
  FIRN_TRY(
      firn_db_run(db, ctx, "UPDATE t SET v = ZEROBLOB(10) WHERE k = 'old'", FIRN_DB_NO_VALUES, NULL, &err));
  return firn_transaction_commit(&t, ctx, &err);
}

static struct {
  size_t n_certain, n_uncertain, n_came_back;
} seen;

/* Fails call `n`, looks again with another connection, and, when the process is to die, after that. False
 * when there was no such call. */
static bool try_fault(size_t n, int code, bool is_dead) {
  remove_database();
  disarm();
  firn_db *db = open_db();
  CHECK_OK(firn_db_script(
      db, ctx, "CREATE TABLE t (k TEXT PRIMARY KEY, v BLOB); INSERT INTO t VALUES ('old', 'x')", &err));
  arm(n, code, is_dead);
  firn_status status = change(db);
  bool was_hit = fault.calls > n;
  firn_db_close(db); /* dead: cannot tidy the log away either */
  disarm();
  FIRN_AUTO_DB *again = open_db();
  bool found = is_there(again);
  if (status == FIRN_OK) {
    assert_true(found);
  } else if (status != FIRN_UNCERTAIN) {
    if (found) {
      print_error("call %zu, code %d, dead %d: said %s, and came back: %s\n", n, code, is_dead,
                  firn_status_name(status), err.text);
    }
    assert_false(found);
    seen.n_certain++;
  } else {
    CHECK_SAYS("the commit may or may not have happened");
    seen.n_uncertain++;
    seen.n_came_back += found;
  }
  return was_hit;
}

static void what_failed_for_certain_never_comes_back(void **state) {
  (void)state;
  ctx = test_ctx();
  (void)test_folder();
  if (ctx->env->files != NULL) { /* the faults are in SQLite's own files */
    return;
  }
  const char *disk = test_small_disk(32 << 20, "nothing, but syncing to a real disk takes longer");
  (void)snprintf(path, sizeof path, "%s/t.db", disk != NULL ? disk : test_folder());
  install();
  static const int codes[] = {SQLITE_FULL, SQLITE_IOERR};
  for (size_t c = 0; c < FIRN_COUNT_OF(codes); c++) {
    for (int is_dead = 0; is_dead < 2; is_dead++) {
      size_t n = 0;
      while (try_fault(n, codes[c], is_dead == 1)) {
        n++;
      }
      assert_true(n > 5);
    }
  }
  disarm();
  print_message("  %zu certain failures, %zu uncertain ones, of which %zu came back\n", seen.n_certain,
                seen.n_uncertain, seen.n_came_back);
  assert_true(seen.n_certain > 0);
  assert_true(seen.n_uncertain > 0);
  assert_true(seen.n_came_back > 0); /* the uncertainty is real */
}

/* The names in the folder of `path`, and the bytes of the file itself. */
static firn_bytes state_of_folder(firn_arena *arena) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  char folder[sizeof path];
  firn_file_name *names;
  size_t n;
  firn_bytes text;
  (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
  CHECK_OK(firn_folder_list(ctx, folder, arena, &names, &n, &err));
  for (size_t i = 0; i < n; i++) {
    firn_builder_addf(&b, "%s ", names[i].name);
  }
  if (firn_file_read_all(ctx, path, 1 << 20, arena, &text, &err) == FIRN_OK) {
    firn_builder_add(&b, text);
  }
  CHECK_OK(firn_builder_finish_copy(&b, arena, &text, &err));
  return text;
}

static void a_look_changes_nothing(void **state) {
  (void)state;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_sqlite_options look = {.is_read_only = true};
  static const char *const names[] = {"t.db", "a?b#c %20\xC3\xA4.db"};
  for (size_t i = 0; i < FIRN_COUNT_OF(names); i++) {
    begin();
    if (ctx->env->files != NULL) {
      return; /* the folder is not looked at through them */
    }
    (void)snprintf(path, sizeof path, "%s/%s", test_folder(), names[i]);
    firn_db *db = NULL;
    CHECK_STATUS(firn_sqlite_open(path, &look, ctx, &db, &err), FIRN_NOT_FOUND);
    CHECK_BYTES(state_of_folder(&arena), "");
    firn_db *writer = open_db();
    CHECK_OK(firn_db_script(writer, ctx, "CREATE TABLE t (k TEXT PRIMARY KEY, v BIGINT)", &err));
    insert(writer, "a", 1);
    firn_db_close(writer);
    for (int is_open = 0; is_open < 2; is_open++) {
      writer = is_open ? open_db() : NULL; /* another has it open, with a log beside it */
      if (is_open) {
        insert(writer, "b", 2);
      }
      firn_bytes before = state_of_folder(&arena);
      CHECK_OK(firn_sqlite_open(path, &look, ctx, &db, &err));
      assert_int_equal(count(db), 1 + is_open);
      CHECK_STATUS(firn_db_script(db, ctx, "INSERT INTO t VALUES ('x', 1)", &err), FIRN_DENIED);
      firn_db_close(db);
      assert_true(firn_bytes_equal(before, state_of_folder(&arena)));
      firn_db_close(writer);
    }
  }
}

static void versions_are_read_without_a_migration(void **state) {
  (void)state;
  FIRN_AUTO_DB *db = open_with_table();
  static const char *const mine[] = {"CREATE TABLE p (x)", "CREATE TABLE q (x)"};
  int64_t version = -1;
  CHECK_OK(firn_db_version_check(db, ctx, "part", 2, &version, &err));
  assert_int_equal(version, 0);
  CHECK_OK(firn_db_migrate(db, ctx, "part", mine, 2, &err));
  CHECK_OK(firn_db_version_check(db, ctx, "part", 2, &version, &err));
  assert_int_equal(version, 2);
  CHECK_OK(firn_db_version_check(db, ctx, "other", 0, &version, &err));
  CHECK_STATUS(firn_db_version_check(db, ctx, "part", 1, &version, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("use the newer firn");
}

static void says_whether_it_could_be_written(void **state) {
  (void)state;
  begin();
  CHECK_OK(firn_sqlite_check_writable(path, &err)); /* it would be made */
  firn_db_close(open_db());
  CHECK_OK(firn_sqlite_check_writable(path, &err));
  CHECK_STATUS(firn_sqlite_check_writable("/no/such/folder/t.db", &err), FIRN_NOT_FOUND);
  if (geteuid() != 0) { /* root may write anywhere */
    assert_int_equal(chmod(path, 0400), 0);
    CHECK_STATUS(firn_sqlite_check_writable(path, &err), FIRN_DENIED);
    CHECK_SAYS("cannot be written");
  }
}

RUN_TESTS(a_look_changes_nothing, versions_are_read_without_a_migration, says_whether_it_could_be_written,
          gives_back_what_was_bound, statements_are_bound_again_and_again,
          a_long_statement_keeps_its_deadline, says_how_many_rows_changed, a_constraint_is_a_conflict,
          a_transaction_is_undone_unless_committed, a_locked_database_is_busy,
          keeps_commits_in_a_write_ahead_log_that_is_synced, refuses_places_that_cannot_hold_it,
          the_folder_of_a_new_file_is_synced, knows_network_file_systems, refuses_a_file_that_is_no_database,
          refuses_a_damaged_database, migrations_run_once_and_in_order, threads_share_connections,
          a_killed_process_leaves_whole_transactions, a_full_disk_is_said_and_leaves_nothing, survives_oom,
          what_failed_for_certain_never_comes_back)
