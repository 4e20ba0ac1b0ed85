/* The tables that a query names, found in its tokens. */
#ifndef FIRN_SERVICES_SQL_QUERY_INTERNAL_H
#define FIRN_SERVICES_SQL_QUERY_INTERNAL_H

#include "services/sql/statement_internal.h"

/* Fills refs and functions of `out` from the query that begins at the parser's place and ends with the
 * statement. FIRN_UNSUPPORTED when something in it changes tables (WITH ... INSERT). */
FIRN_MUST_USE firn_status firn_sql_query_read(firn_parser *p, firn_sql_statement *out, firn_error *err);

/* FOR TIMESTAMP AS OF ..., AT (VERSION => ...) and so on, when one comes next: sets has_choice and passes
 * over it. */
FIRN_MUST_USE firn_status firn_sql_as_of_read(firn_parser *p, firn_sql_ref *ref, firn_error *err);

/* A time: a text, TIMESTAMP 'text', CAST('text' AS TIMESTAMP), a whole number since 1970. */
FIRN_MUST_USE firn_status firn_sql_time_read(firn_parser *p, firn_snapshot_choice *out, firn_error *err);

/* Whether a query begins here: SELECT, WITH, FROM, VALUES, TABLE, PIVOT, ... */
bool firn_sql_query_begins(const firn_parser *p, size_t ahead);

#endif
