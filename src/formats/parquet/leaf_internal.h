/* Reads one leaf column: from the pages of its chunks to levels and values for a batch of rows.
 *
 * A flat leaf (not below a list or map) has one value a row, and goes straight into a vector. Below lists,
 * how many values a row has is known only from its levels: they are read into a backlog until enough rows are
 * complete, and then taken from it. */
#ifndef FIRN_FORMATS_PARQUET_LEAF_INTERNAL_H
#define FIRN_FORMATS_PARQUET_LEAF_INTERNAL_H

#include "column/vector.h"
#include "formats/parquet/pages_internal.h"
#include "formats/parquet/values_internal.h"

/* Memory that grows and is kept between batches. */
typedef struct firn_parquet_buffer {
  uint8_t *data;
  size_t capacity;
} firn_parquet_buffer;

/* Room for `size` bytes; what is there stays. New bytes are zero. */
FIRN_MUST_USE firn_status firn_parquet_buffer_reserve(firn_parquet_buffer *b, size_t size, firn_error *err);
void firn_parquet_buffer_free(firn_parquet_buffer *b);

typedef struct firn_parquet_leaf {
  const firn_parquet_node *node;
  const char *path;
  firn_kind kind;
  firn_vector *vector; /* where its values go */
  uint8_t max_def, max_rep;
  bool keeps_levels; /* flat: something above it is optional too, so vectors above need its levels */
  int16_t
      slot_def; /* definition level from which on there is a place for a value: that of the nearest list */

  firn_parquet_pages pages;
  firn_parquet_values values;
  firn_page_buffer *dictionary_page;
  firn_parquet_buffer dictionary;
  bool has_dictionary;

  bool is_whole;         /* the chunk is read from its start to its end, so its count of values must be met */
  bool pages_begin_rows; /* no row straddles pages */
  int64_t n_loaded;      /* values of the pages loaded or passed over */
  int64_t n_rows;        /* of the row group; the reader says it */
  const firn_parquet_page_location *next_location; /* what the offset index says of the next page... */
  const firn_parquet_page_location *end_location;  /* ... and of those after it */
  int64_t n_pages_read;                            /* of those that an index names, in all chunks so far */
  size_t page_left;                                /* values left in the page */
  firn_rle def, rep;

  /* The batch: `n_levels` levels, and values: one for each of `len` slots. */
  size_t n_levels;
  firn_parquet_buffer def_levels, rep_levels; /* bytes */
  firn_parquet_buffer slots, validity;

  /* Below lists: the backlog, of which the first `n_levels` and `n_dense_taken` belong to the batch. */
  size_t n_pending, n_dense, n_dense_taken, n_rows_begun;
  firn_parquet_buffer dense; /* values without places for nulls */
  size_t n_older;            /* levels of the backlog that are not of the newest page */
} firn_parquet_leaf;

FIRN_MUST_USE firn_status firn_parquet_leaf_init(firn_parquet_leaf *l, const firn_parquet_node *node,
                                                 firn_error *err);
void firn_parquet_leaf_free(firn_parquet_leaf *l);

/* Begins the chunk of a row group, from its start to its end. */
FIRN_MUST_USE firn_status firn_parquet_leaf_begin(firn_parquet_leaf *l, const firn_parquet_chunk *chunk,
                                                  firn_error *err);
/* Begins it at the page that has row `from` and ends it behind the one that has row `to` - 1; `*skip` rows of
 * the first page come before `from`. `index` must live as long as the chunk is read. */
FIRN_MUST_USE firn_status firn_parquet_leaf_begin_at(firn_parquet_leaf *l, const firn_parquet_chunk *chunk,
                                                     const firn_parquet_offset_index *index, int64_t from,
                                                     int64_t to, size_t *skip, firn_error *err);

/* Goes on in the same chunk, from row `at` where reading stands, to row `from` at or behind it, and ends
 * behind the page that has row `to` - 1; `*skip` rows come before `from`. Pages between are neither read nor
 * decoded where there is an index; it may be empty. */
FIRN_MUST_USE firn_status firn_parquet_leaf_go_on(firn_parquet_leaf *l,
                                                  const firn_parquet_offset_index *index, int64_t at,
                                                  int64_t from, int64_t to, size_t *skip, firn_error *err);

/* Forgets the batch before: its values are no longer looked at. */
void firn_parquet_leaf_next_batch(firn_parquet_leaf *l);

/* Flat: how many of `n_rows` rows can be read without holding much more than `max_bytes` of pages; at
 * least 1. */
FIRN_MUST_USE firn_status firn_parquet_leaf_rows_at_hand(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows,
                                                         size_t max_bytes, size_t *out, firn_error *err);
/* Flat: the next rows into `out`, and levels where they are kept. */
FIRN_MUST_USE firn_status firn_parquet_leaf_read(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows,
                                                 firn_vector *out, firn_error *err);
FIRN_MUST_USE firn_status firn_parquet_leaf_skip(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows,
                                                 firn_error *err);

/* Below lists: reads until `n_rows` rows are complete, or as many as `max_bytes` of pages hold, but at least
 * 1;
 * `*out` says how many. */
FIRN_MUST_USE firn_status firn_parquet_leaf_fill(firn_parquet_leaf *l, firn_ctx *ctx, size_t n_rows,
                                                 size_t max_bytes, size_t *out, firn_error *err);
/* Below lists: makes the first `n_rows` of the complete rows the batch, values into `out`. */
FIRN_MUST_USE firn_status firn_parquet_leaf_take(firn_parquet_leaf *l, size_t n_rows, firn_vector *out,
                                                 firn_error *err);

/* After the last row: whether the chunk had just the values that it should. */
FIRN_MUST_USE firn_status firn_parquet_leaf_finish(firn_parquet_leaf *l, firn_error *err);

#endif
