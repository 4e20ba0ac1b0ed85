/* A catalog in this process's memory. Threads may share it; nothing outlives it but the files of a warehouse
 * that was given. */
#ifndef FIRN_CATALOGS_MEMORY_MEMORY_H
#define FIRN_CATALOGS_MEMORY_MEMORY_H

#include "iceberg/commit/catalog.h"

/* `name` may be empty: `default`. Without a warehouse it serves memory://NAME/ in `stores` from a store of
 * its own; FIRN_EXISTS when that name is taken. */
FIRN_MUST_USE firn_status firn_memory_catalog_open(firn_ctx *ctx, const char *name, const char *warehouse,
                                                   firn_stores *stores, firn_catalog **out, firn_error *err);

#endif
