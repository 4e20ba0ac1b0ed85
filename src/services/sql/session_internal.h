/* What the files of a session share: the session, and the result of a statement while it is made. */
#ifndef FIRN_SERVICES_SQL_SESSION_INTERNAL_H
#define FIRN_SERVICES_SQL_SESSION_INTERNAL_H

#include <stdatomic.h>

#include "services/sql/engine_internal.h"
#include "services/sql/names_internal.h"
#include "services/sql/sql.h"
#include "services/sql/statement_internal.h"

struct firn_sql {
  firn_sql_options options; /* its texts are copied below */
  firn_arena arena;
  firn_engine *engine;
  unsigned n_threads;
};

struct firn_sql_session {
  firn_sql *sql;
  firn_engine_link *link;
  firn_arena ns_arena;
  firn_namespace ns; /* no levels: none is in use */
  bool has_result;
  bool has_own_settings;  /* its queries may mean something else than the planner thinks */
  atomic_bool is_running; /* in the engine: there is a progress to ask for */
};

struct firn_sql_result {
  firn_sql_session *session;
  firn_arena arena;
  firn_sql_statement statement;
  firn_sql_names names;
  const char **generated, **shown; /* of each reference; generated NULL: as written */
  firn_sql_source **sources;       /* the same; NULL: the engine's own */
  firn_engine_rows *rows;          /* NULL: the rows, if any, are `own` */
  const firn_batch *own;           /* one batch, handed out once */
  bool own_is_given;
  firn_field no_columns;
  const char *message;
  firn_scan_counts counts;
};

/* A statement of a kind that firn carries out itself; fills the result. One function for each kind. */
FIRN_MUST_USE firn_status firn_sql_describe(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_show_namespaces(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_show_tables(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_use(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_change(firn_sql_result *r, firn_ctx *ctx, firn_error *err);

/* For names as this session understands them. */
void firn_sql_session_names(const firn_sql_session *s, firn_arena *arena, firn_scan_counts *counts,
                            firn_sql_names *names);
/* Puts a copy of `ns` in use. */
FIRN_MUST_USE firn_status firn_sql_session_keep_ns(firn_sql_session *s, const firn_namespace *ns,
                                                   firn_error *err);

/* Opens the tables that the statement reads, under generated names. */
FIRN_MUST_USE firn_status firn_sql_refs_open(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
/* Gives the open tables the filters that the statement's query has for them. */
FIRN_MUST_USE firn_status firn_sql_filters_set(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
/* Starts a statement of the engine's; its rows are the result's. */
FIRN_MUST_USE firn_status firn_sql_engine_start(firn_sql_result *r, firn_ctx *ctx, const char *sql,
                                                firn_error *err);
/* All three: the text from `at` on, `len` bytes of it. */
FIRN_MUST_USE firn_status firn_sql_query_start(firn_sql_result *r, firn_ctx *ctx, size_t at, size_t len,
                                               firn_error *err);
/* Whether the engine itself has a table or view of that name. */
FIRN_MUST_USE firn_status firn_sql_engine_has(firn_sql_result *r, firn_ctx *ctx, const firn_sql_ref *ref,
                                              bool *out, firn_error *err);

#endif
