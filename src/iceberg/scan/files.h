/* The live data files of a snapshot that may hold matches: manifest list, manifests, entries, one at a time.
 * Follows the Iceberg specification: Scan Planning.
 *
 * The filter is asked of a manifest's partition summaries, of an entry's partition, and of its statistics,
 * each before more is decoded. Manifests are read a part at a time, so memory is that of the list's chosen
 * entries and of one part (of a few, read ahead, where there is a pool), whatever the table's size.
 *
 * Delete files are not applied yet: a snapshot that has any is refused with FIRN_UNSUPPORTED, never read
 * wrong. */
#ifndef FIRN_ICEBERG_SCAN_FILES_H
#define FIRN_ICEBERG_SCAN_FILES_H

#include <stdatomic.h>

#include "iceberg/expr/prune.h"
#include "iceberg/meta/manifest.h"
#include "iceberg/scan/object.h"

/* What a scan read, and what it passed over instead; the threads of a scan count into one. */
typedef struct firn_scan_counts {
  atomic_int_fast64_t manifests, manifests_skipped;
  atomic_int_fast64_t files, files_skipped; /* of the manifests that were read */
  atomic_int_fast64_t row_groups, row_groups_skipped;
  atomic_int_fast64_t pages, pages_skipped; /* of the row groups that were read, where an index tells */
  atomic_int_fast64_t rows;                 /* handed out */
} firn_scan_counts;

/* All borrowed until the close. */
typedef struct firn_files_options {
  const firn_metadata *metadata;
  const firn_snapshot *snapshot; /* NULL: a table without one, which has no files */
  firn_stores *stores;
  const firn_moved *moved;   /* NULL: nothing moved */
  const firn_schema *schema; /* that `filter` is bound to; NULL: the current one */
  const firn_expr *filter;   /* bound; NULL: all files */
  bool with_statistics; /* entries carry counts, sizes and bounds of columns; else decoding passes over what
                           the filter does not need */
  /* Only what snapshots after this one, an ancestor, appended, oldest first: entries ADDED by them, whatever
   * became of them later; snapshots that replace or delete are passed over, an overwrite is FIRN_UNSUPPORTED.
   * Spec: Snapshots, operation. */
  bool is_incremental;
  int64_t after_snapshot_id;
  bool never_skip;          /* for tests: the filter prunes nothing, and is the residual of every file */
  firn_scan_counts *counts; /* NULL: nobody counts */
} firn_files_options;

typedef struct firn_files firn_files;

FIRN_MUST_USE firn_status firn_files_open(const firn_files_options *options, firn_ctx *ctx, firn_files **out,
                                          firn_error *err);
/* `*out` is NULL after the last; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_files_next(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out,
                                          firn_error *err);
/* Of the entry that came last, in `arena` (and borrowing the filter): what must still be asked of its rows;
 * TRUE when every row matches. */
FIRN_MUST_USE firn_status firn_files_residual(firn_files *f, firn_arena *arena, const firn_expr **out,
                                              firn_error *err);
/* The partition spec of the entry that came last. */
const firn_partition_spec *firn_files_spec(const firn_files *f);
/* Rows of the manifests that are to be read, as their list says; -1: it does not. An upper bound. */
int64_t firn_files_row_estimate(const firn_files *f);
/* How much of them has been passed, 0 to 1; by manifests where rows are not known. */
double firn_files_progress(const firn_files *f);
void firn_files_close(firn_files *f);
void firn_files_close_pointer(firn_files **f);
#define FIRN_AUTO_FILES FIRN_AUTO(firn_files_close_pointer) firn_files

/* The manifests of a snapshot, in `arena`: from its list, or, in old v1 tables, one by one. */
FIRN_MUST_USE firn_status firn_snapshot_manifests(const firn_snapshot *snapshot, firn_stores *stores,
                                                  const firn_moved *moved, firn_ctx *ctx, firn_arena *arena,
                                                  const firn_manifest_file **out, size_t *n, firn_error *err);

#endif
