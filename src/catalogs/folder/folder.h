/* A catalog that is nothing but folders: namespaces are folders of the warehouse, a table is the folder
 * <warehouse>/<namespace>/.../<table>/, and its current metadata is the file metadata/v<N>.metadata.json with
 * the highest N. Follows the Iceberg specification, File System Tables, and the layout of the reference's
 * Hadoop catalog, so that both can be used on one warehouse, and whoever reads tables by path reads these.
 *
 * A commit creates v<N+1> under the condition that it is not there, so a store must keep that condition:
 * local folders do, and object stores that know conditional writes. Then version-hint.text is written, for
 * readers; it may be late, so a load goes on upward from it. Each version's file is written once; but a table
 * that is dropped and made anew uses its names again, so a name alone is no proof of content.
 *
 * There is no rename, no location of a table's own, no property of a namespace, no commit of several tables.
 * Threads and processes may share it. */
#ifndef FIRN_CATALOGS_FOLDER_FOLDER_H
#define FIRN_CATALOGS_FOLDER_FOLDER_H

#include "iceberg/commit/catalog.h"

/* `location` is the warehouse: an absolute path or a URI. `warehouse` must be NULL or the same. */
FIRN_MUST_USE firn_status firn_folder_catalog_open(firn_ctx *ctx, const char *location, const char *warehouse,
                                                   firn_stores *stores, firn_catalog **out, firn_error *err);

FIRN_MUST_USE firn_status firn_folder_catalog_look(firn_ctx *ctx, const char *location, bool *is_there,
                                                   int64_t *n_tables, firn_error *err);

#endif
