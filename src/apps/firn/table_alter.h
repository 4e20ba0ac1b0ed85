/* What the commands that change a table share. */
#ifndef FIRN_APPS_FIRN_TABLE_ALTER_H
#define FIRN_APPS_FIRN_TABLE_ALTER_H

#include "apps/firn/command.h"
#include "iceberg/commit/alter.h"

/* The words behind a table's name as changes ("add-column", "zip", "int", ",", "drop-column", "x"); in the
 * app's arena. */
FIRN_MUST_USE firn_status firn_change_words_read(firn_app *app, const firn_args *args, size_t from,
                                                 const firn_change **out, size_t *n, firn_error *err);

/* Commits to the table that the first word names; with --dry-run prints the requirements and updates as JSON
 * lines instead. */
FIRN_MUST_USE firn_status firn_table_commit_changes(firn_app *app, const firn_args *args,
                                                    const firn_change *changes, size_t n, firn_error *err);

/* Milliseconds since 1970 of "2024-06-15", "2024-06-15 12:00:00", "2024-06-15T12:00:00.5+02:00"; UTC where
 * there is no offset. */
FIRN_MUST_USE firn_status firn_moment_read(const char *text, firn_arena *arena, int64_t *out,
                                           firn_error *err);

/* K=V,... */
FIRN_MUST_USE firn_status firn_properties_split(firn_app *app, const char *const *pairs, size_t n,
                                                firn_properties *out, firn_error *err);

#endif
