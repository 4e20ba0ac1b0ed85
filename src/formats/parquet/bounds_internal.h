/* Minimum and maximum: orders, and shortening that stays right. Spec: parquet.thrift, ColumnOrder and
 * Statistics; Iceberg: Appendix D (bounds) and truncate.
 *
 * Values are bytes as in a file: little endian for numbers, without a length in front for runs of bytes. */
#ifndef FIRN_FORMATS_PARQUET_BOUNDS_INTERNAL_H
#define FIRN_FORMATS_PARQUET_BOUNDS_INTERNAL_H

#include "formats/parquet/metadata.h"

typedef enum firn_bound_order {
  FIRN_BOUND_NONE = 0, /* no minimum and maximum */
  FIRN_BOUND_BOOLEAN,
  FIRN_BOUND_INT32,
  FIRN_BOUND_INT64,
  FIRN_BOUND_FLOAT,
  FIRN_BOUND_DOUBLE,
  FIRN_BOUND_BYTES,   /* unsigned, byte by byte */
  FIRN_BOUND_TEXT,    /* the same, and shortened at code points */
  FIRN_BOUND_DECIMAL, /* big-endian two's complement, all of one length */
} firn_bound_order;

firn_bound_order firn_bound_order_of(const firn_parquet_node *leaf);

/* Below 0, 0, above 0. NaN never comes here; -0.0 and +0.0 are equal. */
int firn_bound_compare(firn_bound_order order, firn_bytes a, firn_bytes b);

/* What a bound may be at most; 0: no limit. */
typedef struct firn_bound_limit {
  size_t bytes;
  size_t code_points; /* of text */
} firn_bound_limit;

/* An incremented code point may need one more byte than the one before. */
enum { FIRN_BOUND_ROOM = 80 };

/* The longest prefix within the limit: at most `v`. False when `v` is text and not UTF-8: there is no bound
 * then. */
bool firn_bound_lower(firn_bound_order order, firn_bytes v, firn_bound_limit limit, firn_bytes *out);

/* The least value within the limit that is at least every value that begins like `v`; `v` itself when it is
 * within the limit. In `room` when it is not a part of `v`; limits are at most 64 bytes or 16 code points.
 * False when there is none. */
bool firn_bound_upper(firn_bound_order order, firn_bytes v, firn_bound_limit limit,
                      uint8_t room[FIRN_BOUND_ROOM], firn_bytes *out);

/* Iceberg's single-value serialization of a bound; in `room` when it is not a part of `v`. */
firn_bytes firn_bound_single_value(const firn_parquet_node *leaf, firn_bytes v,
                                   uint8_t room[FIRN_BOUND_ROOM]);

#endif
