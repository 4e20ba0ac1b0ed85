#include "apps/firn/command.h"

const firn_command firn_commands[] = {
    {.name = "ingest",
     .usage = "TABLE [FILE...]",
     .summary = "files or standard input into a table: structured CloudEvents, one a line or a JSON array",
     .min_words = 1,
     .max_words = SIZE_MAX,
     .options = firn_ingest_command_options,
     .run = firn_ingest_command_run},
    {.name = "check",
     .summary = "whether firn up could serve with a configuration, changing nothing",
     .options = firn_check_command_options,
     .run = firn_check_command_run},
    {.name = "table", .summary = "look at and change tables", .commands = firn_table_commands},
    {.name = "parquet", .summary = "look inside Parquet files", .commands = firn_parquet_commands},
    {.name = "avro", .summary = "look inside Avro files", .commands = firn_avro_commands},
    {0},
};
