/* Some columns of a Parquet file, read together: those that the filter asks about, or all others. */
#ifndef FIRN_ICEBERG_SCAN_FILE_PART_INTERNAL_H
#define FIRN_ICEBERG_SCAN_FILE_PART_INTERNAL_H

#include "formats/parquet/reader.h"
#include "iceberg/scan/project.h"

typedef struct firn_file_part {
  firn_field wanted;           /* a STRUCT: the columns of the table that come from here */
  uint32_t *places;            /* where they stand among all that the scan gives */
  firn_projection columns;     /* one child for each; constants of the file too */
  bool *leaves;                /* of the file: those to read */
  firn_parquet_reader *reader; /* NULL: there are none; rows are counted only */
  int64_t at, ahead;           /* where the reader stands, and how far it may read ahead */
  size_t n_rows;               /* that came last */
  const firn_vector *vectors;  /* of them, as the reader has them */
  firn_arena arena;
  firn_batch batch; /* the same as columns of the table, when they have been asked for */
  bool is_projected;
} firn_file_part;

/* Room for `n` columns and the leaves of the file. */
FIRN_MUST_USE firn_status firn_file_part_init(firn_file_part *p, uint32_t n, uint32_t n_leaves,
                                              firn_arena *arena, firn_error *err);
/* Takes a column of the table that stands at `place` in the scan. */
void firn_file_part_add(firn_file_part *p, const firn_projection *column, uint32_t place);

typedef struct firn_file_part_options {
  const firn_parquet_file *file;
  const firn_field *schema; /* what projections were made with */
  bool whole_groups;        /* rows within row groups will not be passed over */
} firn_file_part_options;

/* Opens a reader of the leaves that are marked in `leaves`, and those of the columns. */
FIRN_MUST_USE firn_status firn_file_part_open(firn_file_part *p, const firn_file_part_options *options,
                                              firn_arena *arena, firn_error *err);
/* At most `max_rows` from row `first` on, all of one row group; `p->n_rows` says how many. Up to row `ahead`
 * others may be read ahead. */
FIRN_MUST_USE firn_status firn_file_part_read(firn_file_part *p, firn_ctx *ctx, int64_t first,
                                              size_t max_rows, int64_t ahead, firn_error *err);
/* The rows that came last as columns of the table. */
FIRN_MUST_USE firn_status firn_file_part_project(firn_file_part *p, const firn_batch **out, firn_error *err);
void firn_file_part_close(firn_file_part *p);

#endif
