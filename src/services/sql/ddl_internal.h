/* Readers of the statements that change a catalog or a table, and what they share. The parser stands behind
 * the words named; each reads to the end of the statement. */
#ifndef FIRN_SERVICES_SQL_DDL_INTERNAL_H
#define FIRN_SERVICES_SQL_DDL_INTERNAL_H

#include "services/sql/query_internal.h"

/* A type as DuckDB, Spark or Trino write it: sets kind, children, precision, ... of `out`. Children get ids
 * counted from `*last_id` + 1. */
FIRN_MUST_USE firn_status firn_sql_type_read(firn_parser *p, int32_t *last_id, firn_field *out,
                                             firn_error *err);
/* One column: name, type, NOT NULL, COMMENT 'text'. `is_identifier` (may be NULL): PRIMARY KEY stood there.
 */
FIRN_MUST_USE firn_status firn_sql_column_read(firn_parser *p, int32_t *last_id, firn_field *out,
                                               bool *is_identifier, firn_error *err);

/* The text between the bracket at the place and the one that closes it; passes over both. */
FIRN_MUST_USE firn_status firn_sql_bracketed_text(firn_parser *p, const char **out, firn_error *err);
/* From the place to a word that ends it (at the outermost level) or the end of the statement. */
FIRN_MUST_USE firn_status firn_sql_text_until(firn_parser *p, const char *word, const char **out,
                                              firn_error *err);
/* ('key' = 'value', key.with.dots = value, ...). */
FIRN_MUST_USE firn_status firn_sql_properties_read(firn_parser *p, firn_properties *out, firn_error *err);

/* Behind CREATE [OR REPLACE] TABLE. */
FIRN_MUST_USE firn_status firn_sql_create_table_read(firn_parser *p, firn_sql_statement *out,
                                                     firn_error *err);
/* Behind ALTER TABLE. */
FIRN_MUST_USE firn_status firn_sql_alter_read(firn_parser *p, firn_sql_statement *out, firn_error *err);
/* Behind CALL; leaves the kind ENGINE where it is no procedure of Iceberg's. */
FIRN_MUST_USE firn_status firn_sql_call_read(firn_parser *p, firn_sql_statement *out, firn_error *err);
/* Behind INSERT. */
FIRN_MUST_USE firn_status firn_sql_insert_read(firn_parser *p, firn_sql_statement *out, firn_error *err);
/* Behind COMMENT ON. */
FIRN_MUST_USE firn_status firn_sql_comment_read(firn_parser *p, firn_sql_statement *out, firn_error *err);

#endif
