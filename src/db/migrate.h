/* Numbered migrations. A part of a database ("index", "log", ...) is a set of tables that belong together and
 * have one version: the number of migrations that were applied, kept in the table firn_versions. */
#ifndef FIRN_DB_MIGRATE_H
#define FIRN_DB_MIGRATE_H

#include "db/db.h"

/* Brings `part` to version `n` by running the scripts that it lacks, each in one transaction with its number,
 * in order. Version 0 is a database that knows nothing of the part. What was released is never edited, only
 * added to. Processes may do it at once. A version beyond `n` is FIRN_UNSUPPORTED: a newer firn was here. */
FIRN_MUST_USE firn_status firn_db_migrate(firn_db *db, firn_ctx *ctx, const char *part,
                                          const char *const *scripts, size_t n, firn_error *err);

/* The version of `part`, 0 when the database knows nothing of it, FIRN_UNSUPPORTED beyond `n`. Changes
 * nothing.
 */
FIRN_MUST_USE firn_status firn_db_version_check(firn_db *db, firn_ctx *ctx, const char *part, size_t n,
                                                int64_t *version, firn_error *err);

#endif
