/* Rows as JSON lines, for every command that prints rows. */
#ifndef FIRN_APPS_FIRN_ROWS_H
#define FIRN_APPS_FIRN_ROWS_H

#include "apps/firn/command.h"
#include "column/vector.h"

/* The first `n` rows of a batch, one JSON object a line, keyed by column name. */
FIRN_MUST_USE firn_status firn_print_rows(firn_app *app, const firn_batch *batch, size_t n, firn_error *err);

/* "a,b,c" in `arena`; NULL text gives NULL names. */
FIRN_MUST_USE firn_status firn_split_names(const char *text, firn_arena *arena, const char *const **out,
                                           size_t *n, firn_error *err);

#endif
