/* From a snapshot to batches on one thread: the live files that may hold matches, in the order of the
 * manifests, columns resolved by field id. Who has threads takes tasks (tasks.h) and reads them with
 * file_scan.h; this is the same for one.
 *
 * Deletes have their place here and are not built yet. */
#ifndef FIRN_ICEBERG_SCAN_SCAN_H
#define FIRN_ICEBERG_SCAN_SCAN_H

#include "iceberg/scan/choose.h"
#include "iceberg/scan/file_scan.h"

typedef struct firn_scan_options {
  const firn_metadata *metadata; /* borrowed */
  const firn_snapshot
      *snapshot; /* NULL: the current one, with the current schema; else with the snapshot's */
  firn_stores *stores;
  const firn_data_file
      *file; /* this one alone, whether a snapshot has it or not; NULL: those of the snapshot */
  firn_moved moved;
  const char *const *columns; /* top-level names in the order wanted; NULL: all */
  size_t n_columns;
  size_t batch_rows;        /* 0: the reader's default */
  const firn_expr *filter;  /* unbound; only rows that match come out. NULL: all */
  bool never_skip;          /* for tests: the filter prunes nothing */
  firn_scan_counts *counts; /* NULL: nobody counts */
} firn_scan_options;

typedef struct firn_scan firn_scan;

FIRN_MUST_USE firn_status firn_scan_open(const firn_scan_options *options, firn_ctx *ctx, firn_scan **out,
                                         firn_error *err);
/* A STRUCT of the chosen columns, as the table's schema has them. */
const firn_field *firn_scan_schema(const firn_scan *s);
/* `*out` is NULL after the last batch; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_scan_next(firn_scan *s, firn_ctx *ctx, const firn_batch **out,
                                         firn_error *err);
void firn_scan_close(firn_scan *s);
void firn_scan_close_pointer(firn_scan **s);
#define FIRN_AUTO_SCAN FIRN_AUTO(firn_scan_close_pointer) firn_scan

#endif
