/* The three tables of the archive in a catalog. */
#ifndef FIRN_SERVICES_INGEST_TABLES_H
#define FIRN_SERVICES_INGEST_TABLES_H

#include "events/archive.h"
#include "iceberg/commit/catalog.h"

/* Loads them, and makes, with their namespace, those that are not there. `ids` and `out` have
 * FIRN_ARCHIVE_N_TABLES items. FIRN_INVALID when one that is there cannot take events. */
FIRN_MUST_USE firn_status firn_archive_tables_load(firn_catalog *catalog, firn_ctx *ctx,
                                                   const firn_table_id *ids, firn_table *out,
                                                   firn_error *err);
void firn_archive_tables_release(firn_table *tables); /* fine on {0}, and twice */

#endif
