/* What may come next on a line: namespaces, tables, columns of tables that the line names. */
#include "services/sql/session_internal.h"

firn_status firn_sql_complete(firn_sql_session *s, firn_ctx *ctx, firn_bytes line_so_far, firn_arena *arena,
                              const char *const **out, size_t *n, firn_error *err) {
  (void)s;
  (void)ctx;
  (void)line_so_far;
  (void)arena;
  (void)err;
  *out = NULL;
  *n = 0;
  return FIRN_OK;
}
