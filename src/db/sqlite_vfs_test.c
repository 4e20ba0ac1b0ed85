#include "db/sqlite_vfs_internal.h"

#include <sqlite3.h>
#include <stdio.h>

#include "base/file.h"
#include "db/sqlite.h"
#include "test.h"

/* The tests of sqlite_test.c and of the catalogs run on it too (FIRN_TEST_FILES); here is what they do not
 * see. */

static char path[4200];
static firn_file_ops files;
static firn_env env;
static firn_ctx ctx;

static void begin(void) {
  env = *test_ctx()->env;
  files = firn_file_ops_system;
  env.files = &files;
  ctx = (firn_ctx)FIRN_CTX_INIT(&env);
  (void)snprintf(path, sizeof path, "%s/t.db", test_folder());
}

static firn_db *open_db(void) {
  firn_error err;
  firn_db *db = NULL;
  const firn_sqlite_options options = {.busy_wait_us = 1000};
  CHECK_OK(firn_sqlite_open(path, &options, &ctx, &db, &err));
  return db;
}

static int64_t sum(firn_db *db) {
  firn_error err;
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, &ctx, "SELECT SUM(v) FROM t", FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, &ctx, &is_row, &err));
  return firn_statement_int64(st, 0);
}

static void the_system_s_files_are_sqlite_s_own_affair(void **state) {
  (void)state;
  firn_error err;
  firn_env system = *test_ctx()->env;
  firn_sqlite_vfs *v = NULL;
  system.files = NULL;
  CHECK_OK(firn_sqlite_vfs_open(&system, &v, &err));
  assert_null(v);
  system.files = &firn_file_ops_system;
  CHECK_OK(firn_sqlite_vfs_open(&system, &v, &err));
  assert_null(v);
  assert_null(firn_sqlite_vfs_name(v));
  firn_sqlite_vfs_close(v);
}

static void one_table_of_files_has_one_vfs_while_it_is_used(void **state) {
  (void)state;
  firn_error err;
  begin();
  firn_sqlite_vfs *a = NULL, *b = NULL;
  CHECK_OK(firn_sqlite_vfs_open(&env, &a, &err));
  CHECK_OK(firn_sqlite_vfs_open(&env, &b, &err));
  assert_ptr_equal(a, b);
  char name[64];
  (void)snprintf(name, sizeof name, "%s", firn_sqlite_vfs_name(a));
  firn_sqlite_vfs_close(a);
  assert_non_null(sqlite3_vfs_find(name));
  firn_sqlite_vfs_close(b);
  assert_null(sqlite3_vfs_find(name));
}

static void readers_see_the_last_commit_while_another_writes(void **state) {
  (void)state;
  firn_error err;
  begin();
  FIRN_AUTO_DB *writer = open_db(), *reader = open_db(), *other = open_db();
  CHECK_OK(firn_db_script(writer, &ctx, "CREATE TABLE t (v); INSERT INTO t VALUES (1)", &err));
  FIRN_AUTO_TRANSACTION t = {0}, second = {0};
  CHECK_OK(firn_db_begin(writer, &ctx, &t, &err));
  CHECK_OK(firn_db_script(writer, &ctx, "INSERT INTO t VALUES (10)", &err));
  assert_int_equal(sum(reader), 1);
  CHECK_STATUS(firn_db_begin(other, &ctx, &second, &err), FIRN_BUSY);
  CHECK_OK(firn_transaction_commit(&t, &ctx, &err));
  assert_int_equal(sum(reader), 11);
  CHECK_OK(firn_db_begin(other, &ctx, &second, &err));
}

/* The log grows until it is copied back, and what is copied is right. */
static void the_log_is_copied_back(void **state) {
  (void)state;
  firn_error err;
  begin();
  FIRN_AUTO_DB *db = open_db(), *reader = open_db();
  CHECK_OK(firn_db_script(db, &ctx, "CREATE TABLE t (v, pad)", &err));
  for (int i = 0; i < 300; i++) {
    CHECK_OK(firn_db_script(db, &ctx, "INSERT INTO t VALUES (1, ZEROBLOB(20000))", &err));
    assert_int_equal(sum(reader), i + 1);
  }
  firn_file_info info;
  CHECK_OK(firn_file_stat(&ctx, path, &info, &err));
  assert_true(info.size_bytes > 4000000);
  firn_db_close(FIRN_HAND_OVER(reader));
  firn_db_close(FIRN_HAND_OVER(db));
  char log[4300];
  (void)snprintf(log, sizeof log, "%s-wal", path);
  CHECK_STATUS(firn_file_stat(&ctx, log, &info, &err), FIRN_NOT_FOUND);
  FIRN_AUTO_DB *again = open_db();
  assert_int_equal(sum(again), 300);
  firn_db_close(FIRN_HAND_OVER(again));
  firn_env system = env;
  system.files = NULL;
  firn_ctx plain = FIRN_CTX_INIT(&system);
  FIRN_AUTO_DB *by_sqlite = NULL; /* SQLite's own code reads it too */
  CHECK_OK(firn_sqlite_open(path, NULL, &plain, &by_sqlite, &err));
  assert_int_equal(sum(by_sqlite), 300);
}

static void large_sorts_need_no_file(void **state) {
  (void)state;
  firn_error err;
  begin();
  FIRN_AUTO_DB *db = open_db();
  CHECK_OK(firn_db_script(db, &ctx,
                          "CREATE TABLE t (v, pad);"
                          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)"
                          " INSERT INTO t SELECT i * 7919 % 20011, ZEROBLOB(500) FROM n;"
                          "CREATE TABLE s AS SELECT * FROM t ORDER BY v, pad;"
                          "CREATE INDEX x ON s (pad, v); UPDATE s SET v = v + 1",
                          &err));
}

static void takes_time_from_the_environment(void **state) {
  (void)state;
  firn_error err;
  begin();
  FIRN_AUTO_DB *db = open_db();
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, &ctx, "SELECT DATETIME('now')", FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, &ctx, &is_row, &err));
  CHECK_BYTES(firn_statement_bytes(st, 0), "2025-06-15 12:00:00");
}

RUN_TESTS(the_system_s_files_are_sqlite_s_own_affair, one_table_of_files_has_one_vfs_while_it_is_used,
          readers_see_the_last_commit_while_another_writes, the_log_is_copied_back, large_sorts_need_no_file,
          takes_time_from_the_environment)
