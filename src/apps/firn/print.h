/* Results for people: a text table whose columns fit, and nothing else. Results for programs are JSON lines
 * (base/json_write.h). */
#ifndef FIRN_APPS_FIRN_PRINT_H
#define FIRN_APPS_FIRN_PRINT_H

#include <stdio.h>

#include "base/arena.h"
#include "base/builder.h"
#include "base/error.h"

typedef struct firn_table_printer {
  firn_arena *arena;
  size_t n_columns;
  const char *const *heads;
  size_t n_rows, capacity;
  const char **cells; /* n_rows times n_columns */
} firn_table_printer;

/* Heads that begin with '>' are of right-aligned columns. */
#define FIRN_TABLE_PRINTER_INIT(in_arena, column_heads) \
  {.arena = (in_arena), .n_columns = FIRN_COUNT_OF(column_heads), .heads = (column_heads)}

/* A row of `n_columns` texts, kept by pointer; NULL is printed as "-". */
FIRN_MUST_USE firn_status firn_table_printer_add(firn_table_printer *p, const char *const *cells,
                                                 firn_error *err);
void firn_table_printer_print(const firn_table_printer *p, FILE *to);

/* "1.2 GB", "386 MB", "17 bytes" (powers of 1000), in `arena`. */
const char *firn_print_size(uint64_t bytes, firn_arena *arena);
/* "1,000,000". */
const char *firn_print_count(int64_t n, firn_arena *arena);
/* "2025-06-15T12:00:00.123Z", in `arena`. */
const char *firn_print_time_ms(int64_t ms, firn_arena *arena);

/* Columns that the text takes in a terminal: wide characters two, combining ones none. */
size_t firn_print_width(const char *text);
/* The beginning that takes at most `width` columns; `*taken` is how many it takes. */
firn_bytes firn_print_clip(const char *text, size_t width, size_t *taken);

/* Writes what `b` holds and empties it; FIRN_IO when the file refuses (a closed pipe, a full disk). */
FIRN_MUST_USE firn_status firn_print_builder(firn_builder *b, FILE *to, firn_error *err);

#endif
