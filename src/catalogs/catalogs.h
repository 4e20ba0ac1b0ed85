/* Every kind of catalog, by one URI:
 *
 *   sqlite:PATH?name=N   a SQLite file that PyIceberg's SqlCatalog can share; N is the catalog's name in it,
 *                        `default` when not given. The file's folder must exist; the file is made.
 *   folder:URI           the folders of a warehouse, an absolute path or a URI, and nothing else: the layout
 * of the reference's Hadoop catalog. memory:NAME          in this process, for tests and trials; NAME may be
 * empty (`default`).
 *
 * `catalogs.c` lists them in one array. */
#ifndef FIRN_CATALOGS_CATALOGS_H
#define FIRN_CATALOGS_CATALOGS_H

#include "iceberg/commit/catalog.h"

/* `warehouse` is the location below which tables are made that name none: an absolute path or a URI. NULL:
 * such tables are refused, but a memory catalog then makes a store of its own, memory://NAME/; a folder
 * catalog is its own warehouse. `stores` is
 * borrowed and must outlive the catalog. */
FIRN_MUST_USE firn_status firn_catalog_open(firn_ctx *ctx, const char *uri, const char *warehouse,
                                            firn_stores *stores, firn_catalog **out, firn_error *err);

/* What is found where a URI points, without making or changing anything. */
typedef struct firn_catalog_look {
  bool is_there;    /* false: an opening makes it, and may */
  int64_t n_tables; /* of this catalog */
} firn_catalog_look;

/* Fails as firn_catalog_open would, FIRN_DENIED too when it cannot be written. */
FIRN_MUST_USE firn_status firn_catalog_look_at(firn_ctx *ctx, const char *uri, firn_catalog_look *out,
                                               firn_error *err);

#endif
