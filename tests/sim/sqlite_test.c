/* SQLite on a disk that forgets. */
#include "db/sqlite.h"

#include <inttypes.h>

#include "sim/world.h"
#include "test.h"

static firn_status open_db(world *w, firn_db **out) {
  FIRN_TRY(firn_folder_make_all(&w->ctx, "/data", NULL));
  return firn_sqlite_open("/data/t.db", NULL, &w->ctx, out, NULL);
}

/* Adds row `n`; FIRN_OK: it is promised. */
static firn_status add(firn_db *db, world *w, int64_t n) {
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_db_begin(db, &w->ctx, &t, NULL));
  FIRN_TRY(firn_db_run(db, &w->ctx, "INSERT INTO t VALUES ($1, ZEROBLOB(3000))",
                       FIRN_DB_VALUES(firn_db_int64(n)), NULL, NULL));
  return firn_transaction_commit(&t, &w->ctx, NULL);
}

/* Rows from 1 on, one a transaction; how many were promised. */
static int64_t live(world *w, int64_t n_rows) {
  FIRN_AUTO_DB *db = NULL;
  int64_t n = 0;
  if (open_db(w, &db) != FIRN_OK ||
      firn_db_script(db, &w->ctx, "CREATE TABLE IF NOT EXISTS t (n INTEGER, pad)", NULL) != FIRN_OK) {
    return 0;
  }
  while (n < n_rows && add(db, w, n + 1) == FIRN_OK) {
    n++;
  }
  return n;
}

/* All rows up to the last that is there; how many. The database must be sound. */
static int64_t count(world *w) {
  firn_error err;
  FIRN_AUTO_DB *db = NULL;
  CHECK_OK(open_db(w, &db));
  CHECK_OK(firn_db_script(db, &w->ctx, "CREATE TABLE IF NOT EXISTS t (n INTEGER, pad)", &err));
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  CHECK_OK(firn_db_query(db, &w->ctx,
                         "SELECT COUNT(*), COALESCE(MAX(n), 0), (SELECT GROUP_CONCAT(integrity_check) FROM "
                         "pragma_integrity_check) FROM t",
                         FIRN_DB_NO_VALUES, &st, &err));
  CHECK_OK(firn_statement_next(st, &w->ctx, &is_row, &err));
  CHECK_BYTES(firn_statement_bytes(st, 2), "ok");
  int64_t n = firn_statement_int64(st, 0);
  assert_int_equal(n, firn_statement_int64(st, 1));
  return n;
}

static void promised_rows_survive_a_cut_at_every_operation(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 500; seed++) {
    world w;
    world_open(&w, "sqlite", seed);
    disk_cut_power_at(w.disk, seed % 167 + 1);
    int64_t promised = live(&w, 30);
    disk_crash(w.disk, seed);
    int64_t there = count(&w);
    if (there != promised && there != promised + 1) {
      fail_msg("seed %" PRIu64 ": %" PRId64 " rows promised, %" PRId64 " there", seed, promised, there);
    }
    world_close(&w);
  }
}

/* SQLite says "wal" then and keeps rollback journals, whose commits are durable with EXTRA only. */
static void a_sync_that_fails_while_the_log_is_switched_on_loses_nothing(void **state) {
  (void)state;
  size_t n_promised = 0;
  for (uint64_t seed = 1; seed < 400; seed++) {
    world w;
    world_open(&w, "sqlite", seed);
    disk_fail_sync_at(w.disk, seed % 20 + 1);
    int64_t promised = live(&w, 3);
    disk_crash(w.disk, seed);
    int64_t there = count(&w);
    if (there != promised && there != promised + 1) {
      fail_msg("seed %" PRIu64 ": %" PRId64 " rows promised, %" PRId64 " there", seed, promised, there);
    }
    n_promised += (size_t)promised;
    world_close(&w);
  }
  assert_true(n_promised > 200);
}

RUN_TESTS(promised_rows_survive_a_cut_at_every_operation,
          a_sync_that_fails_while_the_log_is_switched_on_loses_nothing)
