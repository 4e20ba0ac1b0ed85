/* What a statement says, as far as firn must know: its kind, and every table that it names with the place
 * where the name stands. Everything else is the engine's. */
#ifndef FIRN_SERVICES_SQL_STATEMENT_INTERNAL_H
#define FIRN_SERVICES_SQL_STATEMENT_INTERNAL_H

#include "iceberg/commit/alter.h"
#include "iceberg/inspect/inspect.h"
#include "iceberg/scan/choose.h"
#include "services/sql/parser_internal.h"

enum {
  FIRN_SQL_MAX_REFS = 1000,
  FIRN_SQL_MAX_CTES = 1000,
  FIRN_SQL_MAX_LOOKUPS = 20000, /* names in FROM, those of common table expressions among them */
};

/* One place where a table is named. */
typedef struct firn_sql_ref {
  size_t at, len;      /* name and time travel: what a generated name replaces */
  size_t scope;        /* refs of one FROM have the same */
  bool has_alias;      /* else the table's own name must be given as one */
  bool takes_no_alias; /* TABLE t, SUMMARIZE t: none may stand here */
  size_t n_parts;      /* the parts of the name, unquoted */
  const char *const *parts;
  bool is_path; /* one part, that contains a '/' */
  bool is_text; /* it stood in 'quotes': a path or a file */
  bool has_choice;
  firn_snapshot_choice choice;
} firn_sql_ref;

typedef enum firn_sql_kind {
  FIRN_SQL_QUERY = 0, /* SELECT, WITH, FROM, VALUES, EXPLAIN, DESCRIBE a query, SUMMARIZE, PIVOT, ... */
  FIRN_SQL_ENGINE,    /* the engine's own: SET, PRAGMA, COPY, temporary tables, macros, ATTACH, ... */
  FIRN_SQL_DESCRIBE,  /* a table */
  FIRN_SQL_SHOW_NAMESPACES,
  FIRN_SQL_SHOW_TABLES,
  FIRN_SQL_USE,
  FIRN_SQL_CREATE_NAMESPACE,
  FIRN_SQL_DROP_NAMESPACE,
  FIRN_SQL_CREATE_TABLE, /* with or without AS */
  FIRN_SQL_DROP_TABLE,
  FIRN_SQL_RENAME_TABLE,
  FIRN_SQL_ALTER_TABLE, /* changes */
  FIRN_SQL_INSERT,
  FIRN_SQL_REFUSED, /* DELETE, UPDATE, MERGE, TRUNCATE: not yet, and says so */
} firn_sql_kind;

typedef struct firn_sql_statement {
  firn_sql_kind kind;
  firn_bytes text;
  size_t n_tokens; /* without END */
  const firn_token *tokens;
  bool is_explained; /* QUERY: EXPLAIN, DESCRIBE, SUMMARIZE stands before it */
  size_t n_refs;     /* tables that are read, in the order of the text */
  const firn_sql_ref *refs;
  size_t n_functions; /* table functions: the tokens of their names */
  const uint32_t *functions;
  /* Of statements that are ours: */
  size_t n_target; /* the parts of the namespace or table that is made, changed, dropped, described */
  const char *const *target;
  bool target_is_path; /* DESCRIBE 'path/of/table' */
  size_t n_to;         /* RENAME */
  const char *const *to;
  bool if_exists, if_not_exists, or_replace, cascade, purge;
  size_t query_at, query_len; /* the query within: of CREATE TABLE AS, INSERT, EXPLAIN; len 0: none */
  size_t n_columns;           /* INSERT: the columns named; 0: all */
  const char *const *columns;
  bool by_name;       /* INSERT ... BY NAME */
  firn_schema schema; /* CREATE TABLE (...): without ids; no children: of the query */
  const char *partition_by, *sort_by, *location, *comment; /* CREATE TABLE; NULL: not said */
  firn_properties properties;
  size_t n_changes; /* ALTER TABLE */
  const firn_change *changes;
  const char *refusal; /* REFUSED: the sentence */
} firn_sql_statement;

/* In `arena`; borrows `text`. FIRN_INVALID is one sentence with line and column. What only the engine can
 * judge is left to it. */
FIRN_MUST_USE firn_status firn_sql_statement_read(firn_bytes text, firn_arena *arena, firn_sql_statement *out,
                                                  firn_error *err);

/* FIRN_DENIED unless the statement only reads tables of the catalog: no other kind, no table function but
 * those that make rows of their arguments, no function that tells of the machine. That its tables are
 * tables of the catalog is for who resolves them. */
FIRN_MUST_USE firn_status firn_sql_read_only_check(const firn_sql_statement *s, firn_error *err);

#endif
