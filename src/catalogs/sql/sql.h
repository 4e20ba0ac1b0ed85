/* firn's catalog in a SQL database, in the tables of PyIceberg's SqlCatalog (and of Iceberg's JdbcCatalog):
 * both can work on one file at once. Facts of that layout: namespace levels are joined by dots, so a level
 * must not contain one; a namespace is there when it, or one below it, has a row; columns are VARCHARs, whose
 * sizes hold even where SQLite would not mind. */
#ifndef FIRN_CATALOGS_SQL_SQL_H
#define FIRN_CATALOGS_SQL_SQL_H

#include "iceberg/commit/catalog.h"

/* `rest` is "PATH?name=N" (see catalogs.h). */
FIRN_MUST_USE firn_status firn_sqlite_catalog_open(firn_ctx *ctx, const char *rest, const char *warehouse,
                                                   firn_stores *stores, firn_catalog **out, firn_error *err);

/* Whether it is there and how many tables it has, changing nothing. FIRN_DENIED when it could not be written.
 */
FIRN_MUST_USE firn_status firn_sqlite_catalog_look(firn_ctx *ctx, const char *rest, bool *is_there,
                                                   int64_t *n_tables, firn_error *err);

#endif
