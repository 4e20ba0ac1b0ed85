/* Commands of the program: what they are called, what they take, what they run. One const table (commands.c)
 * drives parsing, help and the wrong-usage sentences; a command is a file with a firn_command (or a group of
 * them) that the table lists.
 *
 * A command's `run` prints its results to app->out and answers a status; main prints the error as one
 * sentence. */
#ifndef FIRN_APPS_FIRN_COMMAND_H
#define FIRN_APPS_FIRN_COMMAND_H

#include <stdio.h>

#include "base/ctx.h"
#include "base/json_tree.h"
#include "base/pool.h"
#include "iceberg/commit/catalog.h"
#include "iceberg/scan/path.h"

/* One option of a command. Tables of them end with {0}. */
typedef struct firn_option {
  const char *name;     /* "--limit" is "limit" */
  const char *argument; /* "N"; NULL: a switch */
  const char *help;
} firn_option;

typedef struct firn_app firn_app;
typedef struct firn_args firn_args;

typedef struct firn_command {
  const char *name;            /* "ingest"; within a group "show" */
  const char *usage;           /* what stands behind the name: "TABLE [FILE...]" */
  const char *summary;         /* one line */
  size_t min_words, max_words; /* how many words it takes; SIZE_MAX: any number */
  const firn_option *options;  /* NULL: none of its own */
  firn_status (*run)(firn_app *app, const firn_args *args, firn_error *err); /* NULL: a group */
  const struct firn_command *commands;                                       /* of a group; ends with {0} */
} firn_command;

typedef enum firn_format {
  FIRN_FORMAT_TABLE = 0,
  FIRN_FORMAT_JSON,
  FIRN_FORMAT_CSV, /* this and what follows: of firn sql alone */
  FIRN_FORMAT_MARKDOWN,
  FIRN_FORMAT_ARROW,
  FIRN_FORMAT_PARQUET,
} firn_format;

struct firn_app {
  firn_env env;
  firn_ctx ctx;
  FILE *out;                                 /* results */
  FILE *errors;                              /* progress and errors */
  firn_arena *arena;                         /* lives as long as the command */
  firn_format format;                        /* --format */
  const char *(*variable)(const char *name); /* of the environment; NULL: there is none */
  const char *catalog_flag, *warehouse_flag; /* --catalog, --warehouse; NULL: not given */
  const char *catalog_uri; /* the flag, FIRN_CATALOG, ICEBERG_CATALOG_URI; NULL: the data directory */
  const char *warehouse;   /* the flag, FIRN_WAREHOUSE, ICEBERG_WAREHOUSE; NULL: the data directory's */
  bool is_quiet;
  firn_stores *stores;   /* made at the first use */
  firn_catalog *catalog; /* the same */
};

/* What stood behind the command's name. */
struct firn_args {
  size_t n_words;
  const char *const *words;
  const firn_option *options;
  const char *const *values; /* one for each of `options`; NULL: not given; switches: "" */
};

extern const firn_command firn_commands[];

/* Finds the command that `argv` names, parses its options and runs it; the exit status: 0 done, 1 failed, 2
 * wrong usage. */
int firn_app_run(firn_app *app, int argc, char **argv);

/* An option's value by name; NULL when it was not given. */
const char *firn_args_value(const firn_args *args, const char *name);
bool firn_args_has(const firn_args *args, const char *name);
/* A count, or a size with K, M, G (powers of 1024, "128MB" and "128MiB" too); `*out` stays when the option
 * was not given. */
FIRN_MUST_USE firn_status firn_args_count(const firn_args *args, const char *name, uint64_t *out,
                                          firn_error *err);
FIRN_MUST_USE firn_status firn_args_size(const firn_args *args, const char *name, uint64_t *out,
                                         firn_error *err);

/* A path on this machine (also as "file:/...") made absolute and rid of "." and "..", in the app's arena:
 * metadata must not depend on where the program was started. URIs stay as they are. NULL: no memory. */
const char *firn_app_absolute(firn_app *app, const char *location);

/* A folder catalog is its own warehouse: its path is made absolute, and the warehouse where none was given
 * (NULL). Every other URI is left as it is. */
FIRN_MUST_USE firn_status firn_app_folder_catalog(firn_app *app, const char **uri, const char **warehouse,
                                                  firn_error *err);

/* Opens what --catalog and --warehouse name, or ./firn-data, which `may_create` makes; kept in `app`. */
FIRN_MUST_USE firn_status firn_app_stores(firn_app *app, firn_stores **out, firn_error *err);
FIRN_MUST_USE firn_status firn_app_catalog(firn_app *app, bool may_create, firn_catalog **out,
                                           firn_error *err);

/* A JSON file, or standard input ("-"), in the app's arena. */
FIRN_MUST_USE firn_status firn_app_read_json(firn_app *app, const char *path, const firn_json_value **out,
                                             firn_error *err);

/* A table for reading. */
typedef struct firn_app_table_found {
  firn_metadata *metadata; /* the caller's reference */
  const char *metadata_location;
  firn_stores *stores;
  firn_moved moved; /* when it was found by path, elsewhere than it says */
} firn_app_table_found;

/* By name from the catalog, or, when `name` contains a '/', by the path of its folder or metadata file. */
FIRN_MUST_USE firn_status firn_app_table(firn_app *app, const char *name, firn_app_table_found *out,
                                         firn_error *err);

/* The library of the SQL engine: FIRN_DUCKDB, beside the program, where tools/setup puts it in a build tree;
 * NULL: where the system looks. */
const char *firn_app_sql_library(firn_app *app);

/* The commands themselves, each in its file. */
extern const firn_command firn_table_commands[];
extern const firn_command firn_index_commands[];
extern const firn_command firn_parquet_commands[];
extern const firn_command firn_avro_commands[];
FIRN_MUST_USE firn_status firn_up_command_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_ingest_command_run(firn_app *app, const firn_args *args, firn_error *err);
extern const firn_option firn_ingest_command_options[];
FIRN_MUST_USE firn_status firn_check_command_run(firn_app *app, const firn_args *args, firn_error *err);
extern const firn_option firn_check_command_options[];
FIRN_MUST_USE firn_status firn_fetch_command_run(firn_app *app, const firn_args *args, firn_error *err);
extern const firn_option firn_fetch_command_options[];
FIRN_MUST_USE firn_status firn_sql_command_run(firn_app *app, const firn_args *args, firn_error *err);
extern const firn_option firn_sql_command_options[];

#endif
