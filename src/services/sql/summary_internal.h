/* What a snapshot's metadata alone say of whole columns, for statements that want nothing but count, min and
 * max of them: as many rows as there are, made up so that these come out exact, without opening a file.
 *
 * Only where every file tells its count of nulls and both bounds, and only for kinds whose bounds are values
 * that occur: whole numbers, decimals, dates and times. Text and binary are cut, and numbers with a fraction
 * have NaN and two zeros. */
#ifndef FIRN_SERVICES_SQL_SUMMARY_INTERNAL_H
#define FIRN_SERVICES_SQL_SUMMARY_INTERNAL_H

#include "services/sql/sources_internal.h"

typedef struct firn_summary_column {
  const firn_field *field;
  int64_t n_valid;
  firn_value lower, upper; /* where n_valid is not 0 */
} firn_summary_column;

typedef struct firn_summary {
  bool is_exact; /* false: some file does not tell, or some of its rows may not match; nothing else is said */
  int64_t n_rows;
  size_t n_columns;
  firn_summary_column *columns;
} firn_summary;

/* Of the columns wanted (children of the view's schema), over the files that `filter` (bound; NULL: none)
 * leaves, in `arena`. */
FIRN_MUST_USE firn_status firn_summary_make(const firn_table_view *view, const firn_expr *filter,
                                            const uint32_t *columns, size_t n, firn_ctx *ctx,
                                            firn_arena *arena, firn_summary *out, firn_error *err);

/* Makes room for FIRN_SQL_BATCH_ROWS of `root`, whose children are the summary's columns. */
FIRN_MUST_USE firn_status firn_summary_batch_new(const firn_summary *s, const firn_field *root,
                                                 firn_arena *arena, firn_batch *out, firn_error *err);
/* The rows from `first` on, at most FIRN_SQL_BATCH_ROWS. */
void firn_summary_rows(const firn_summary *s, int64_t first, firn_batch *batch);

#endif
