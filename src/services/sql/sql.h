/* SQL over the tables of a catalog. The engine is DuckDB, opened with dlopen when the first session is made;
 * firn itself resolves names, snapshots and metadata tables, reads and prunes the files, and carries out what
 * changes tables. docs/man/sql.md has the statements.
 *
 * Threads may share a firn_sql; a session belongs to one thread at a time (but for firn_sql_interrupt), and
 * has one result at a time. */
#ifndef FIRN_SERVICES_SQL_SQL_H
#define FIRN_SERVICES_SQL_SQL_H

#include "iceberg/commit/catalog.h"
#include "iceberg/scan/files.h"

typedef struct firn_sql_options {
  const char *library; /* path of libduckdb; NULL: looked for beside the program and where the system looks */
  firn_catalog *catalog;    /* borrowed; NULL: only tables by path */
  firn_stores *stores;      /* borrowed */
  const char *ns;           /* where names without a namespace are looked up; NULL: nowhere */
  const char *folder;       /* where relative paths of tables begin, absolute; NULL: they are refused */
  uint64_t memory_bytes;    /* of the engine; 0: 1 GiB. Beyond it, it spills */
  const char *spill_folder; /* NULL: nothing is spilled */
  unsigned n_threads;       /* 0: as many as there are processors */
  bool is_read_only;        /* nothing changes, and no table by path, file function, COPY, ATTACH, SET: for
                               statements from a network */
} firn_sql_options;

typedef struct firn_sql firn_sql;
typedef struct firn_sql_session firn_sql_session;
typedef struct firn_sql_result firn_sql_result;

/* FIRN_NOT_FOUND says how to get the engine when its library is not there; FIRN_UNSUPPORTED when it is of a
 * version that firn does not know. */
FIRN_MUST_USE firn_status firn_sql_open(const firn_sql_options *options, firn_ctx *ctx, firn_sql **out,
                                        firn_error *err);
void firn_sql_close(firn_sql *sql); /* NULL is fine; after its sessions */

FIRN_MUST_USE firn_status firn_sql_session_open(firn_sql *sql, firn_ctx *ctx, firn_sql_session **out,
                                                firn_error *err);
void firn_sql_session_close(firn_sql_session *s);
/* Looks names up in this namespace ("a.b") from now on, as the statement USE does. FIRN_NOT_FOUND when it is
 * not there. */
FIRN_MUST_USE firn_status firn_sql_session_use(firn_sql_session *s, firn_ctx *ctx, const char *ns,
                                               firn_error *err);

/* Runs one statement, without the ';' at its end (firn_sql_next_statement finds it). The result is the
 * caller's; the deadline and cancellation of `ctx` hold for the rows too, which come while the query runs. */
FIRN_MUST_USE firn_status firn_sql_run(firn_sql_session *s, firn_ctx *ctx, firn_bytes statement,
                                       firn_sql_result **out, firn_error *err);

/* Cuts the next statement off `*rest`: false at the end. Quotes, comments and dollar quotes are understood;
 * `*is_open` says that the text ends within one, or without a ';'. */
bool firn_sql_next_statement(firn_bytes *rest, firn_bytes *statement, bool *is_open);

/* A STRUCT of the columns; without children when the statement yields no rows. Types that Iceberg lacks are
 * shown as the nearest that it has (hugeint as decimal(38, 0)), else as text. */
const firn_field *firn_sql_result_schema(const firn_sql_result *r);
/* `*out` is NULL after the last batch; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_sql_result_next(firn_sql_result *r, firn_ctx *ctx, const firn_batch **out,
                                               firn_error *err);
/* What was done, for statements that change something: "3 rows inserted into a.b"; NULL: nothing to say. */
const char *firn_sql_result_message(const firn_sql_result *r);
/* What the scans of the statement looked at and passed over, so far. */
const firn_scan_counts *firn_sql_result_counts(const firn_sql_result *r);
void firn_sql_result_close(firn_sql_result *r); /* NULL is fine; stops a query that still runs */
void firn_sql_result_close_pointer(firn_sql_result **r);
#define FIRN_AUTO_SQL_RESULT FIRN_AUTO(firn_sql_result_close_pointer) firn_sql_result

/* From any thread: the statement that runs ends with FIRN_CANCELLED. */
void firn_sql_interrupt(firn_sql_session *s);
/* 0 to 1; negative: unknown. From any thread. */
double firn_sql_progress(firn_sql_session *s);

/* For completion: what the last word of the line (letters, digits, "_", "$" and dots) may become, as a whole
 * word: keywords, namespaces, tables, metadata tables, and columns of tables that the line names. In `arena`.
 */
FIRN_MUST_USE firn_status firn_sql_complete(firn_sql_session *s, firn_ctx *ctx, firn_bytes line_so_far,
                                            firn_arena *arena, const char *const **out, size_t *n,
                                            firn_error *err);

#endif
