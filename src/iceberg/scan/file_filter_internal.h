/* What a filter says about the rows of one Parquet file before they are read: by the statistics of row
 * groups, their bloom filters, the indexes of their pages. Follows parquet-format: PageIndex.md,
 * BloomFilter.md.
 *
 * What is not there, cannot be trusted or is not understood prunes nothing. Bounds are read as what the file
 * has and promoted to what the table has become. */
#ifndef FIRN_ICEBERG_SCAN_FILE_FILTER_INTERNAL_H
#define FIRN_ICEBERG_SCAN_FILE_FILTER_INTERNAL_H

#include "formats/parquet/reader.h"
#include "iceberg/expr/prune.h"
#include "iceberg/scan/project.h"
#include "iceberg/scan/row_ranges_internal.h"

/* A column that the filter asks about. */
typedef struct firn_filter_column {
  int32_t id;
  firn_field type;               /* the table's, as the filter is bound to it */
  const firn_parquet_node *leaf; /* NULL: not a leaf of the file, or one below a list */
  firn_kind file_kind;
  bool is_constant; /* of all rows of the file */
  firn_value constant;
} firn_filter_column;

/* Belongs to one thread, like the file scan that it is a part of. */
typedef struct firn_file_filter {
  const firn_expr *e; /* bound; neither TRUE nor FALSE */
  const firn_parquet_file *file;
  size_t n_columns;
  firn_filter_column *columns;
  firn_field fields; /* a STRUCT to evaluate the filter over: the columns, in the structs around them */
} firn_file_filter;

/* Finds the columns of `e` in the schemas of the table. In `arena`. */
FIRN_MUST_USE firn_status firn_file_filter_new(const firn_expr *e, const firn_metadata *metadata,
                                               firn_arena *arena, firn_file_filter *out, firn_error *err);
/* Finds them in the file: `projection` is that of `fields`, as it was made with the file's schema. */
void firn_file_filter_find(firn_file_filter *f, const firn_parquet_file *file,
                           const firn_projection *projection);

/* Of a row group: rows that may match, counted over the file; `*surely` when all of them do match. In
 * `arena`. */
FIRN_MUST_USE firn_status firn_file_filter_rows(const firn_file_filter *f, firn_ctx *ctx, size_t group,
                                                firn_arena *arena, firn_row_ranges *out, bool *surely,
                                                firn_error *err);

#endif
