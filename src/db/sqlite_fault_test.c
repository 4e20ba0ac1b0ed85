/* What SQLite says when the disk fails under it, and what a later opening finds: a commit that is said to
 * have failed must never come back, and one that is said to have happened must be there. */
#include <sqlite3.h>
#include <stdio.h>

#include "db/sqlite.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;
static char path[4200];

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

static firn_db *open_db(void) {
  firn_db *db = NULL;
  CHECK_OK(firn_sqlite_open(path, NULL, ctx, &db, &err));
  return db;
}

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

RUN_TESTS(what_failed_for_certain_never_comes_back)
