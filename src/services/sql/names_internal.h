/* From names in a statement to tables: namespaces are searched, metadata tables, branches and tags that stand
 * behind a dot are understood, paths are opened. One per statement: a table is loaded once however often it
 * is named, so that all its references see one state of it. */
#ifndef FIRN_SERVICES_SQL_NAMES_INTERNAL_H
#define FIRN_SERVICES_SQL_NAMES_INTERNAL_H

#include "services/sql/sources_internal.h"
#include "services/sql/sql.h"
#include "services/sql/statement_internal.h"

typedef struct firn_sql_opened firn_sql_opened;

typedef struct firn_sql_names {
  firn_catalog *catalog; /* NULL: only paths */
  firn_stores *stores;
  const char *folder; /* where relative paths begin, absolute; NULL: they are refused */
  firn_namespace ns;  /* names are looked up here too; no levels: none */
  unsigned n_threads;
  firn_scan_counts *counts;
  firn_arena *arena;
  /* Whether the engine itself has a table or view of that name; NULL: nothing is the engine's. */
  firn_status (*engine_has)(void *arg, firn_ctx *ctx, const firn_sql_ref *ref, bool *out, firn_error *err);
  void *arg;
  firn_sql_opened *opened; /* what is to be released */
} firn_sql_names;

/* One reference as a source. `*source` is NULL where the engine knows the name itself. `*shown` is the name
 * as people write it. FIRN_NOT_FOUND names what is nearest. */
FIRN_MUST_USE firn_status firn_sql_ref_open(firn_sql_names *names, firn_ctx *ctx, const firn_sql_ref *ref,
                                            firn_sql_source **source, const char **shown, firn_error *err);

/* A table that is there, by the parts of its name (or one path): loaded. `*id` is empty for a path. */
typedef struct firn_sql_found {
  firn_table_id id;
  const firn_metadata *metadata;
  const char *metadata_location, *shown;
} firn_sql_found;
FIRN_MUST_USE firn_status firn_sql_table_find(firn_sql_names *names, firn_ctx *ctx, const char *const *parts,
                                              size_t n, bool is_path, firn_sql_found *out, firn_error *err);

/* A namespace that is there. */
FIRN_MUST_USE firn_status firn_sql_namespace_find(firn_sql_names *names, firn_ctx *ctx,
                                                  const char *const *parts, size_t n, firn_namespace *out,
                                                  firn_error *err);

/* Where a new table or namespace is to be: what stands before its last part must be there. */
FIRN_MUST_USE firn_status firn_sql_new_table_id(firn_sql_names *names, firn_ctx *ctx,
                                                const char *const *parts, size_t n, firn_table_id *out,
                                                firn_error *err);
FIRN_MUST_USE firn_status firn_sql_new_namespace(firn_sql_names *names, firn_ctx *ctx,
                                                 const char *const *parts, size_t n, firn_namespace *out,
                                                 firn_error *err);

/* Releases tables and sources. Fine on what was never used. */
void firn_sql_names_close(firn_sql_names *names);

#endif
