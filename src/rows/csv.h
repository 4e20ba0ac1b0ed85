/* Rows as CSV (RFC 4180): batches to text, and text to batches of a schema, or the schema that a text seems
 * to have.
 *
 * Fields may be quoted, quotes doubled, lines end with LF or CRLF, quoted fields hold line ends; a byte order
 * mark is passed over. An empty field that is not quoted is null; "" is an empty text, and null in columns of
 * other types. Lines on which nothing stands are passed over, but where there is only one column. Rows must
 * have as many fields as there are columns. Nested values are JSON. */
#ifndef FIRN_ROWS_CSV_H
#define FIRN_ROWS_CSV_H

#include "rows/source.h"

typedef struct firn_csv_options {
  char delimiter; /* 0: ',' for writing; for reading the one of , ; tab | that the first lines have most */
  bool no_header;
} firn_csv_options;

/* Names of the columns, one line. */
void firn_csv_write_header(const firn_field *schema, const firn_csv_options *options, firn_builder *out);
/* Values in the text of their JSON form; nested values as JSON. A text that looks like null (empty) is
 * quoted. */
void firn_csv_write_batch(const firn_batch *batch, const firn_csv_options *options, firn_builder *out);

/* Reads from `input`, which is borrowed. */
FIRN_MUST_USE firn_status firn_csv_open(firn_rows_input input, const firn_csv_options *options,
                                        const firn_rows_options *rows, firn_ctx *ctx, firn_rows **out,
                                        firn_error *err);

#endif
