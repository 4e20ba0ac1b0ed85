/* Rows as JSON: one object a line, or one array of objects. Values follow the Iceberg specification's JSON
 * single-value form where it is exact, and what people write besides: RFC 3339 times with any offset or a
 * blank instead of T, numbers in text for decimals, objects for maps with string keys. */
#ifndef FIRN_ROWS_JSON_ROWS_H
#define FIRN_ROWS_JSON_ROWS_H

#include "rows/source.h"

/* One object a line, keyed by column name. */
void firn_json_rows_write(const firn_batch *batch, firn_builder *out);

FIRN_MUST_USE firn_status firn_json_rows_open(firn_rows_input input, const firn_rows_options *rows,
                                              firn_ctx *ctx, firn_rows **out, firn_error *err);

#endif
