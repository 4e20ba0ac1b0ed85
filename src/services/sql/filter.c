#include "services/sql/filter_internal.h"

firn_status firn_sql_filter_of(const firn_json_value *plan, const char *name, const firn_field *schema,
                               firn_arena *arena, const firn_expr **filter, bool *is_summary,
                               firn_error *err) {
  (void)plan;
  (void)name;
  (void)schema;
  (void)arena;
  (void)err;
  *filter = firn_expr_constant(true);
  *is_summary = false;
  return FIRN_OK;
}
