/* firn table ...: the group's commands and their options. */
#include "apps/firn/table.h"

static const firn_option snapshot_options[] = {
    {"snapshot", "ID", "the snapshot to look at (default: the current one)"},
    {0},
};

static const firn_option inspect_options[] = {
    {"columns", "A,B,...", "only these columns, in this order"},
    {"snapshot", "ID", "of which snapshot (default: the current one)"},
    {0},
};

static const firn_option cat_options[] = {
    {"columns", "A,B,...", "only these columns, in this order"},
    {"limit", "N", "at most so many rows"},
    {"snapshot", "ID", "the snapshot to read (default: the current one)"},
    {0},
};

static const firn_option create_options[] = {
    {"schema", "FILE", "the schema as Iceberg JSON; - is standard input"},
    {"partition-spec", "FILE", "the partition spec as Iceberg JSON (source ids are those of the schema)"},
    {"location", "LOCATION", "where the table goes (default: below the warehouse)"},
    {"properties", "K=V,...", "table properties"},
    {0},
};

static const firn_option drop_options[] = {
    {"purge", NULL, "delete the table's files too"},
    {0},
};

const firn_command firn_table_commands[] = {
    {"list", "[NAMESPACE]", "the tables of all namespaces, or of one", 0, 1, NULL, firn_table_list_run, NULL},
    {"show", "TABLE", "where it is, its columns, partitioning, properties and size", 1, 1, NULL,
     firn_table_show_run, NULL},
    {"schema", "TABLE", "its columns", 1, 1, NULL, firn_table_schema_run, NULL},
    {"snapshots", "TABLE", "its snapshots", 1, 1, NULL, firn_table_snapshots_run, NULL},
    {"history", "TABLE", "which snapshot was current when", 1, 1, NULL, firn_table_history_run, NULL},
    {"files", "TABLE", "the data files of a snapshot", 1, 1, snapshot_options, firn_table_files_run, NULL},
    {"manifests", "TABLE", "the manifests of a snapshot", 1, 1, snapshot_options, firn_table_manifests_run,
     NULL},
    {"refs", "TABLE", "its branches and tags", 1, 1, NULL, firn_table_refs_run, NULL},
    {"inspect", "TABLE METADATA-TABLE", "one of its metadata tables, as one JSON object a line", 2, 2,
     inspect_options, firn_table_inspect_run, NULL},
    {"cat", "TABLE", "its rows, as one JSON object a line", 1, 1, cat_options, firn_table_cat_run, NULL},
    {"create", "TABLE", "a new table; its namespace is made when it is missing", 1, 1, create_options,
     firn_table_create_run, NULL},
    {"drop", "TABLE", "forgets a table", 1, 1, drop_options, firn_table_drop_run, NULL},
    {"rename", "TABLE NEW-NAME", "gives a table another name", 2, 2, NULL, firn_table_rename_run, NULL},
    {"register", "TABLE METADATA-FILE", "takes a table that exists into the catalog", 2, 2, NULL,
     firn_table_register_run, NULL},
    {0},
};
