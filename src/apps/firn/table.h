/* What the table commands share: their `run` functions, grouped by file. */
#ifndef FIRN_APPS_FIRN_TABLE_H
#define FIRN_APPS_FIRN_TABLE_H

#include "apps/firn/command.h"

/* table_look.c */
FIRN_MUST_USE firn_status firn_table_list_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_show_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_history_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_snapshots_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_schema_run(firn_app *app, const firn_args *args, firn_error *err);

/* table_rows.c */
FIRN_MUST_USE firn_status firn_table_files_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_cat_run(firn_app *app, const firn_args *args, firn_error *err);

/* The snapshot that --snapshot names; NULL in `*out`: none was named. */
FIRN_MUST_USE firn_status firn_table_snapshot_option(const firn_metadata *m, const firn_args *args,
                                                     const firn_snapshot **out, firn_error *err);

/* table_inspect.c */
FIRN_MUST_USE firn_status firn_table_manifests_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_refs_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_inspect_run(firn_app *app, const firn_args *args, firn_error *err);

/* table_change.c */
FIRN_MUST_USE firn_status firn_table_create_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_drop_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_rename_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_register_run(firn_app *app, const firn_args *args, firn_error *err);

/* table_alter.c */
FIRN_MUST_USE firn_status firn_table_alter_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_properties_run(firn_app *app, const firn_args *args, firn_error *err);

/* table_refs.c */
FIRN_MUST_USE firn_status firn_table_branch_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_tag_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_table_rollback_run(firn_app *app, const firn_args *args, firn_error *err);

#endif
