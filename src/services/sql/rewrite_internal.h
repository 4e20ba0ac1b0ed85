/* A statement for the engine: tables under generated names, columns that were written with a namespace
 * without it, `names` in Spark's quotes in the engine's. */
#ifndef FIRN_SERVICES_SQL_REWRITE_INTERNAL_H
#define FIRN_SERVICES_SQL_REWRITE_INTERNAL_H

#include "base/builder.h"
#include "services/sql/statement_internal.h"

/* Whether the query asks for the time (now(), current_date, ...): what is planned before it runs would then
 * be planned for another time. `*can_be_planned` false: it asks for something that only the query itself can
 * know. */
bool firn_sql_asks_for_time(const firn_sql_statement *s, bool *can_be_planned);

/* The text from `at` on, `len` bytes of it, with generated[i] for the reference i; NULL there: as written.
 * Terminated, in `arena`. */
FIRN_MUST_USE firn_status firn_sql_rewrite(const firn_sql_statement *s, size_t at, size_t len,
                                           const char *const *generated, firn_arena *arena, const char **out,
                                           firn_error *err);
/* The same, for a plan: `now_us` stands where the query asks for the time. */
FIRN_MUST_USE firn_status firn_sql_rewrite_at(const firn_sql_statement *s, size_t at, size_t len,
                                              const char *const *generated, int64_t now_us, firn_arena *arena,
                                              const char **out, firn_error *err);

#endif
