/* What the statements that change something share. */
#ifndef FIRN_SERVICES_SQL_CHANGE_INTERNAL_H
#define FIRN_SERVICES_SQL_CHANGE_INTERNAL_H

#include "services/sql/session_internal.h"

/* Keeps the message, which is in the result's arena; NULL: no memory. */
FIRN_MUST_USE firn_status firn_sql_say(firn_sql_result *r, const char *message, firn_error *err);

/* The statement's target, which must be there. `*is_engines`: not in the catalog, but the engine has it. */
FIRN_MUST_USE firn_status firn_sql_target_find(firn_sql_result *r, firn_ctx *ctx, firn_sql_found *out,
                                               bool *is_engines, firn_error *err);

FIRN_MUST_USE firn_status firn_sql_create_table(firn_sql_result *r, firn_ctx *ctx, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_insert(firn_sql_result *r, firn_ctx *ctx, firn_error *err);

/* All rows of the query that runs go into the table, in one commit. `to` (NULL: as they are): the column that
 * each of theirs goes to. */
FIRN_MUST_USE firn_status firn_sql_rows_load(firn_sql_result *r, firn_ctx *ctx, const firn_table_id *table,
                                             const firn_field *const *to, uint64_t *n_rows, firn_error *err);

#endif
