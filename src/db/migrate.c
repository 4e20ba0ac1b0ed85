#include "db/migrate.h"

#include <inttypes.h>

/* `*version` is 0 when there is no such table or no such row. */
static firn_status read_version(firn_db *db, firn_ctx *ctx, const char *part, int64_t *version,
                                firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  *version = 0;
  FIRN_TRY(firn_db_query(db, ctx, "SELECT version FROM firn_versions WHERE part = $1",
                         FIRN_DB_VALUES(firn_db_text(part)), &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  if (is_row) {
    *version = firn_statement_int64(st, 0);
  }
  return FIRN_OK;
}

static firn_status check_version(int64_t version, const char *part, size_t n, firn_error *err) {
  if (version < 0 || (uint64_t)version > n) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "its part '%s' has version %" PRId64
                          ", and this firn knows versions up to %zu: use the newer firn that made it",
                          part, version, n);
  }
  return FIRN_OK;
}

/* One step, under the lock of a transaction, for another process may have been quicker. */
static firn_status migrate_once(firn_db *db, firn_ctx *ctx, const char *part, const char *const *scripts,
                                size_t n, int64_t *version, firn_error *err) {
  FIRN_AUTO_TRANSACTION t = {0};
  FIRN_TRY(firn_db_begin(db, ctx, &t, err));
  FIRN_TRY(read_version(db, ctx, part, version, err));
  FIRN_TRY(check_version(*version, part, n, err));
  if ((uint64_t)*version == n) {
    return FIRN_OK;
  }
  firn_status status = firn_db_script(db, ctx, scripts[*version], err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "migration %" PRId64 " of '%s'", *version + 1, part);
  }
  FIRN_TRY(firn_db_run(db, ctx,
                       "INSERT INTO firn_versions (part, version) VALUES ($1, $2) "
                       "ON CONFLICT (part) DO UPDATE SET version = excluded.version",
                       FIRN_DB_VALUES(firn_db_text(part), firn_db_int64(*version + 1)), NULL, err));
  FIRN_TRY(firn_transaction_commit(&t, ctx, err));
  (*version)++;
  return FIRN_OK;
}

firn_status firn_db_migrate(firn_db *db, firn_ctx *ctx, const char *part, const char *const *scripts,
                            size_t n, firn_error *err) {
  FIRN_TRY(firn_db_script(db, ctx,
                          "CREATE TABLE IF NOT EXISTS firn_versions "
                          "(part VARCHAR(64) NOT NULL PRIMARY KEY, version BIGINT NOT NULL)",
                          err));
  int64_t version;
  FIRN_TRY(read_version(db, ctx, part, &version, err)); /* mostly all is done and no lock is needed */
  FIRN_TRY(check_version(version, part, n, err));
  while ((uint64_t)version < n) {
    FIRN_TRY(migrate_once(db, ctx, part, scripts, n, &version, err));
  }
  return FIRN_OK;
}

firn_status firn_db_version_check(firn_db *db, firn_ctx *ctx, const char *part, size_t n, int64_t *version,
                                  firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool has_versions;
  FIRN_TRY(firn_db_query(db, ctx,
                         "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'firn_versions'",
                         FIRN_DB_NO_VALUES, &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &has_versions, err));
  *version = 0;
  if (has_versions) {
    FIRN_TRY(read_version(db, ctx, part, version, err));
  }
  return check_version(*version, part, n, err);
}
