/* Sources of a catalog's tables: the rows of one snapshot, a metadata table, rows that are in memory. */
#ifndef FIRN_SERVICES_SQL_SOURCES_INTERNAL_H
#define FIRN_SERVICES_SQL_SOURCES_INTERNAL_H

#include "iceberg/inspect/inspect.h"
#include "iceberg/scan/file_scan.h"
#include "services/sql/source_internal.h"

/* What a source reads; all borrowed until its close. */
typedef struct firn_table_view {
  const firn_metadata *metadata;
  const char *metadata_location;
  const char *table_name;        /* as people write it */
  const firn_snapshot *snapshot; /* NULL: the table has none, and no rows */
  const firn_schema *schema;
  firn_stores *stores;
  firn_moved moved;
  unsigned n_threads;
  firn_scan_counts *counts;
} firn_table_view;

/* The rows of the snapshot. `filter` of the source must be bound to the view's schema. */
FIRN_MUST_USE firn_status firn_table_source_open(const firn_table_view *view, firn_sql_source **out,
                                                 firn_error *err);
/* A metadata table. */
FIRN_MUST_USE firn_status firn_inspect_source_open(const firn_table_view *view, firn_inspect_kind kind,
                                                   firn_ctx *ctx, firn_sql_source **out, firn_error *err);
/* The schema that a table source's filter is bound to; NULL: it takes no filter. */
const firn_schema *firn_source_filter_schema(const firn_sql_source *source);
void firn_source_close(firn_sql_source *source); /* NULL is fine */

#endif
