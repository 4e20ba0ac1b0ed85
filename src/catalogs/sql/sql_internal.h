/* What the files of this folder share. */
#ifndef FIRN_CATALOGS_SQL_SQL_INTERNAL_H
#define FIRN_CATALOGS_SQL_SQL_INTERNAL_H

#include "catalogs/pointer.h"
#include "db/connections.h"

/* The VARCHARs of the tables, in characters. */
enum { FIRN_SQL_NAME_MOST = 255, FIRN_SQL_VALUE_MOST = 1000 };

typedef struct firn_sql_catalog {
  firn_pointer_catalog base;
  firn_arena arena; /* the texts below */
  firn_connections *connections;
  const char *path; /* of the SQLite file */
  const char *name; /* the catalog's name in its rows */
  bool has_type;    /* iceberg_tables has the column iceberg_type; without it all rows are tables */
} firn_sql_catalog;

/* FIRN_INVALID when `text` is longer than its column. */
FIRN_MUST_USE firn_status firn_sql_check_length(const char *what, const char *text, size_t most,
                                                firn_error *err);

/* The levels joined by dots, in `arena`; FIRN_INVALID when a level contains one or all are too long. */
FIRN_MUST_USE firn_status firn_sql_namespace_text(const firn_namespace *ns, firn_arena *arena,
                                                  const char **out, firn_error *err);

/* Whether it, or a namespace below it, has a row. */
FIRN_MUST_USE firn_status firn_sql_namespace_exists(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx,
                                                    const char *ns, bool *out, firn_error *err);
/* FIRN_NOT_FOUND when it has none. */
FIRN_MUST_USE firn_status firn_sql_namespace_check(firn_sql_catalog *s, firn_db *db, firn_ctx *ctx,
                                                   const char *ns, firn_error *err);

/* Members of firn_catalog_ops, in namespace.c. */
FIRN_MUST_USE firn_status firn_sql_namespace_create(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                    const firn_properties *properties, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_namespace_load(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                  firn_arena *arena, firn_properties *out, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_namespace_list(firn_catalog *c, firn_ctx *ctx,
                                                  const firn_namespace *parent, firn_arena *arena,
                                                  firn_namespaces *out, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_namespace_update(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                    const firn_properties *set, const char *const *remove,
                                                    size_t n_remove, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_namespace_drop(firn_catalog *c, firn_ctx *ctx, const firn_namespace *ns,
                                                  firn_error *err);

#endif
