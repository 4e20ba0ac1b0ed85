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
    {"columns", "LIST", "\"id long required, ts timestamptz, tags list<string>\""},
    {"schema", "FILE", "the schema as Iceberg JSON instead; - is standard input"},
    {"partition-by", "TERMS", "\"day(ts), bucket(16, id)\""},
    {"partition-spec", "FILE", "the partition spec as Iceberg JSON instead (source ids are the schema's)"},
    {"sort-by", "TERMS", "\"ts desc nulls last, id\""},
    {"location", "LOCATION", "where the table goes (default: below the warehouse)"},
    {"properties", "K=V,...", "table properties"},
    {0},
};

static const firn_option drop_options[] = {
    {"purge", NULL, "delete the table's files too"},
    {0},
};

#define DRY_RUN {"dry-run", NULL, "print the requirements and updates as JSON lines, change nothing"}

static const firn_option alter_options[] = {
    {"if-exists", NULL, "what is dropped or renamed need not be there"},
    {"if-not-exists", NULL, "what is added may be there"},
    {"force", NULL, "allow what old rows may break: a required column"},
    DRY_RUN,
    {0},
};

static const firn_option properties_options[] = {
    {"remove", "K,...", "take properties away"},
    DRY_RUN,
    {0},
};

static const firn_option branch_options[] = {
    {"at", "SNAPSHOT|REF", "where it points (default: the current snapshot)"},
    {"time", "TIME", "where it points: what was current then"},
    {"replace", NULL, "it is there, and moves"},
    {"fast-forward", "REF", "it is there, and moves to a descendant of where it points"},
    {"rename", "NEW-NAME", "it is there, and is called otherwise"},
    {"retain", NULL, "it is there; only its retention changes"},
    {"drop", NULL, "it goes"},
    {"min-snapshots", "N", "expiry keeps so many of its snapshots"},
    {"max-snapshot-age", "AGE", "expiry keeps its snapshots so long (7d, 12h, ...; default)"},
    {"max-age", "AGE", "expiry keeps it so long"},
    {"if-exists", NULL, "what is dropped need not be there"},
    {"if-not-exists", NULL, "what is made may be there"},
    DRY_RUN,
    {0},
};

static const firn_option tag_options[] = {
    {"at", "SNAPSHOT|REF", "where it points (default: the current snapshot)"},
    {"time", "TIME", "where it points: what was current then"},
    {"replace", NULL, "it is there, and moves"},
    {"rename", "NEW-NAME", "it is there, and is called otherwise"},
    {"retain", NULL, "it is there; only its retention changes"},
    {"drop", NULL, "it goes"},
    {"max-age", "AGE", "expiry keeps it so long (7d, 12h, ...; default)"},
    {"if-exists", NULL, "what is dropped need not be there"},
    {"if-not-exists", NULL, "what is made may be there"},
    DRY_RUN,
    {0},
};

static const firn_option rollback_options[] = {
    {"time", "TIME", "to the newest snapshot from before then"},
    {"any", NULL, "to any snapshot of the table, be it no ancestor"},
    DRY_RUN,
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
    {"alter", "TABLE CHANGE [, CHANGE...]", "columns, partitioning, sort order, location, format version", 2,
     SIZE_MAX, alter_options, firn_table_alter_run, NULL},
    {"properties", "TABLE [KEY=VALUE...]", "shows or changes its properties", 1, SIZE_MAX, properties_options,
     firn_table_properties_run, NULL},
    {"branch", "TABLE NAME", "makes, moves or drops a branch", 2, 2, branch_options, firn_table_branch_run,
     NULL},
    {"tag", "TABLE NAME", "makes, moves or drops a tag", 2, 2, tag_options, firn_table_tag_run, NULL},
    {"rollback", "TABLE [SNAPSHOT|REF]", "makes an earlier snapshot the current one", 1, 2, rollback_options,
     firn_table_rollback_run, NULL},
    {"drop", "TABLE", "forgets a table", 1, 1, drop_options, firn_table_drop_run, NULL},
    {"rename", "TABLE NEW-NAME", "gives a table another name", 2, 2, NULL, firn_table_rename_run, NULL},
    {"register", "TABLE METADATA-FILE", "takes a table that exists into the catalog", 2, 2, NULL,
     firn_table_register_run, NULL},
    {0},
};
