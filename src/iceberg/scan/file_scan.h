/* One data file to batches of the table's columns: by field id, with promotions, constants and defaults; row
 * groups, pages and rows that the filter excludes are passed over. Follows the Iceberg specification: Column
 * Projection; Schema Evolution; Name Mapping. */
#ifndef FIRN_ICEBERG_SCAN_FILE_SCAN_H
#define FIRN_ICEBERG_SCAN_FILE_SCAN_H

#include "base/json_tree.h"
#include "iceberg/scan/tasks.h"

/* What all files of a scan have in common. Constant once made; threads share it. */
typedef struct firn_reading {
  const firn_metadata *metadata; /* borrowed, like the rest */
  firn_field
      root; /* a STRUCT of the columns wanted: top-level fields of the schema, with the children wanted */
  const firn_json_value *mapping; /* schema.name-mapping.default; NULL: none */
  firn_stores *stores;
  firn_moved moved;
  size_t batch_rows; /* at most; 0: the reader's default */
  bool is_exact;   /* only rows that match come out; else rows that may not match come too, where leaving them
                      out   would cost more than it saves */
  bool never_skip; /* for tests: the filter prunes nothing (it still decides with is_exact) */
  firn_scan_counts *counts; /* NULL: nobody counts */
} firn_reading;

typedef struct firn_file_scan firn_file_scan;

/* `reading` and `task` are borrowed until the close. The filter is the task's residual; its columns need not
 * be among those wanted. */
FIRN_MUST_USE firn_status firn_file_scan_open(const firn_reading *reading, const firn_scan_task *task,
                                              firn_ctx *ctx, firn_file_scan **out, firn_error *err);
/* `*out` is NULL after the last batch, and no batch is empty; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_file_scan_next(firn_file_scan *s, firn_ctx *ctx, const firn_batch **out,
                                              firn_error *err);
/* The number, in the file, of row i of the batch that came last. */
int64_t firn_file_scan_row(const firn_file_scan *s, size_t i);
void firn_file_scan_close(firn_file_scan *s);
void firn_file_scan_close_pointer(firn_file_scan **s);
#define FIRN_AUTO_FILE_SCAN FIRN_AUTO(firn_file_scan_close_pointer) firn_file_scan

#endif
