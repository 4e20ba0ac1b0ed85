/* Statements that change a catalog or its tables. */
#include "services/sql/session_internal.h"

firn_status firn_sql_change(firn_sql_result *r, firn_ctx *ctx, firn_error *err) {
  (void)r;
  (void)ctx;
  return firn_error_set(err, FIRN_UNSUPPORTED, "this statement is not built yet");
}
