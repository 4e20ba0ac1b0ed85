/* Rows of queries in the form that was asked for: a table for people, CSV, JSON lines and Markdown as text,
 * Arrow IPC and Parquet as bytes. Rows are written as they come; nothing is held but what a table needs to
 * know how wide its columns are. */
#ifndef FIRN_APPS_FIRN_OUTPUT_H
#define FIRN_APPS_FIRN_OUTPUT_H

#include "apps/firn/command.h"
#include "column/vector.h"

typedef struct firn_output firn_output;

typedef struct firn_output_ops {
  firn_status (*begin)(firn_output *o, firn_error *err); /* `schema` is set */
  firn_status (*batch)(firn_output *o, const firn_batch *batch, firn_error *err);
  firn_status (*end)(firn_output *o, firn_error *err);
  void (*close)(firn_output *o); /* NULL: there is nothing of its own */
} firn_output_ops;

struct firn_output { /* first member of every form's own struct */
  const firn_output_ops *ops;
  FILE *to;
  firn_builder text; /* what has not been written yet */
  const firn_field *schema;
  uint64_t n_rows;
  size_t max_width;  /* of lines of a table; 0: none */
  uint64_t max_rows; /* that a table shows; 0: all. The others are counted */
};

/* `width` is that of the terminal, 0 when `to` is none. */
FIRN_MUST_USE firn_status firn_output_open(firn_format format, FILE *to, size_t width, firn_output **out,
                                           firn_error *err);
/* One result after the other: begin, batches, end. `schema` is borrowed until the end. */
FIRN_MUST_USE firn_status firn_output_begin(firn_output *o, const firn_field *schema, firn_error *err);
FIRN_MUST_USE firn_status firn_output_batch(firn_output *o, const firn_batch *batch, firn_error *err);
FIRN_MUST_USE firn_status firn_output_end(firn_output *o, firn_error *err);
void firn_output_close(firn_output *o); /* NULL is fine */
/* "table", "csv", ...: FIRN_INVALID says what there is. */
FIRN_MUST_USE firn_status firn_format_of(const char *text, firn_format *out, firn_error *err);
bool firn_format_is_binary(firn_format format);

/* For tables, in output_table.c. */
firn_output *firn_output_table_new(void);
firn_output *firn_output_markdown_new(void);

#endif
