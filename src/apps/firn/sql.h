/* What the parts of `firn sql` share.
 *
 *   sql.c           the command: options, the engine's library, statements one after the other
 *   sql_prompt.c    statements and dot commands of a person
 *   line.c          lines, with history and completion
 *   sql_progress.c  the bar that shows how far a long query is
 *   output*.c       rows in the form that was asked for */
#ifndef FIRN_APPS_FIRN_SQL_H
#define FIRN_APPS_FIRN_SQL_H

#include "apps/firn/output.h"
#include "services/sql/sql.h"

typedef struct firn_sql_shell {
  firn_app *app;
  firn_ctx ctx; /* of the statement that runs */
  firn_sql_options *options;
  firn_sql *sql;
  firn_sql_session *session;
  firn_format format;
  firn_output *output; /* of `format`; NULL: to be opened */
  FILE *to;
  uint64_t max_rows; /* that a table shows; 0: all */
  bool has_timing;
  bool has_terminal; /* results go to one */
} firn_sql_shell;

/* Runs every statement of the text; the first failure ends it. */
FIRN_MUST_USE firn_status firn_sql_shell_run(firn_sql_shell *s, firn_bytes text, firn_error *err);
FIRN_MUST_USE firn_status firn_sql_shell_set_format(firn_sql_shell *s, const char *name, firn_error *err);

/* Until its input ends or .quit. */
FIRN_MUST_USE firn_status firn_sql_prompt(firn_sql_shell *s, firn_error *err);

/* From start to stop a thread looks now and then how far the session's statement is, and shows it on the
 * app's error stream once it has lasted a while. */
typedef struct firn_sql_progress_bar firn_sql_progress_bar;
FIRN_MUST_USE firn_status firn_sql_progress_start(firn_sql_shell *s, firn_sql_progress_bar **out,
                                                  firn_error *err);
void firn_sql_progress_stop(firn_sql_progress_bar *p); /* NULL is fine; takes the bar away */

#endif
