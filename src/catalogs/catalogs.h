/* Every kind of catalog, by one URI:
 *
 *   sqlite:PATH?name=N   a SQLite file that PyIceberg's SqlCatalog can share; N is the catalog's name in it,
 *                        `default` when not given. The file's folder must exist; the file is made.
 *   memory:NAME          in this process, for tests and trials; NAME may be empty (`default`).
 *
 * `catalogs.c` lists them in one array. */
#ifndef FIRN_CATALOGS_CATALOGS_H
#define FIRN_CATALOGS_CATALOGS_H

#include "iceberg/commit/catalog.h"

/* `warehouse` is the location below which tables are made that name none: an absolute path or a URI. NULL:
 * such tables are refused, but a memory catalog then makes a store of its own, memory://NAME/. `stores` is
 * borrowed and must outlive the catalog. */
FIRN_MUST_USE firn_status firn_catalog_open(firn_ctx *ctx, const char *uri, const char *warehouse,
                                            firn_stores *stores, firn_catalog **out, firn_error *err);

#endif
