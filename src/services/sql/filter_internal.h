/* From the engine's plan to filters of our scans. */
#ifndef FIRN_SERVICES_SQL_FILTER_INTERNAL_H
#define FIRN_SERVICES_SQL_FILTER_INTERNAL_H

#include "base/json_tree.h"
#include "iceberg/expr/expr.h"

/* What a plan says of the table `name`: rows for which `*filter` (unbound, top-level columns by name) is
 * false cannot change the query's result. Several readings of it are joined by OR. TRUE where a node of the
 * plan is not understood. `*is_summary`: nothing but count, min and max of whole columns is wanted of it,
 * without a filter. In `arena`. */
FIRN_MUST_USE firn_status firn_sql_filter_of(const firn_json_value *plan, const char *name,
                                             const firn_field *schema, firn_arena *arena,
                                             const firn_expr **filter, bool *is_summary, firn_error *err);

#endif
