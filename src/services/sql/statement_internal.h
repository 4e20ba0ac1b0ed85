/* What a statement says, as far as firn must know: its kind, and every table that it names with the place
 * where the name stands. Everything else is the engine's. */
#ifndef FIRN_SERVICES_SQL_STATEMENT_INTERNAL_H
#define FIRN_SERVICES_SQL_STATEMENT_INTERNAL_H

#include "iceberg/commit/alter.h"
#include "iceberg/inspect/inspect.h"
#include "iceberg/scan/choose.h"

enum {
  FIRN_SQL_MAX_BYTES = 64 << 20, /* of a statement */
  FIRN_SQL_MAX_DEPTH = 1000,     /* of its parentheses: the engine's parser recurses */
  FIRN_SQL_MAX_REFS = 10000,
};

typedef enum firn_token_kind {
  FIRN_TOKEN_END = 0,
  FIRN_TOKEN_WORD,   /* identifier or keyword, not quoted */
  FIRN_TOKEN_QUOTED, /* "identifier" or `identifier` */
  FIRN_TOKEN_TEXT,   /* 'text', E'text', $$text$$ */
  FIRN_TOKEN_NUMBER,
  FIRN_TOKEN_MARK, /* everything else, one operator or bracket at a time */
} firn_token_kind;

typedef struct firn_token {
  firn_token_kind kind;
  size_t at, len; /* bytes of the statement */
} firn_token;

/* Splits into tokens, comments left out. FIRN_INVALID: a quote or comment that does not end, too deep, no
 * UTF-8. */
FIRN_MUST_USE firn_status firn_sql_tokens(firn_bytes text, firn_arena *arena, const firn_token **out,
                                          size_t *n, firn_error *err);

/* One place where a table is named. */
typedef struct firn_sql_ref {
  size_t at, len; /* name and time travel: what a generated name replaces */
  bool has_alias; /* else the table's own name must be given as one */
  size_t n_parts; /* the parts of the name, unquoted */
  const char *const *parts;
  bool is_path; /* one part, that contains a '/' */
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
  size_t n_refs; /* tables that are read, in the order of the text */
  const firn_sql_ref *refs;
  /* Of statements that are ours: */
  size_t n_target; /* the parts of the namespace or table that is made, changed, dropped */
  const char *const *target;
  size_t n_to; /* RENAME */
  const char *const *to;
  bool if_exists, if_not_exists, or_replace, cascade, purge;
  size_t query_at, query_len; /* CREATE TABLE AS, INSERT: the query; len 0: none */
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

#endif
