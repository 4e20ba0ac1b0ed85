/* Stored values one by one: minimum and maximum as values, and values as they are stored. For those who
 * decide by a file's statistics and filters what need not be read.
 *
 * A value stands in memory as in a vector of the leaf's kind: 4, 8 or 16 bytes, a firn_bytes for runs of
 * bytes; a boolean is one byte, 0 or 1. */
#ifndef FIRN_FORMATS_PARQUET_STATISTICS_H
#define FIRN_FORMATS_PARQUET_STATISTICS_H

#include "formats/parquet/metadata.h"

enum { FIRN_PARQUET_VALUE_MAX = 16 };

/* Whether minimum and maximum of page indexes can be trusted: their order is the type's own. Those of chunks
 * have been looked at already. */
bool firn_parquet_has_order(const firn_parquet_metadata *m, const firn_parquet_node *leaf);

/* A minimum, or a maximum, into FIRN_PARQUET_VALUE_MAX aligned bytes; views borrow `stored`. False when it
 * says nothing: it has not the width of its type, is NaN, or no value at all. A zero of a real number becomes
 * the zero that is farther out. */
bool firn_parquet_bound_read(const firn_parquet_node *leaf, firn_bytes stored, bool is_min, void *out);

/* The one form in which a value of the leaf's kind is stored, as bloom filters hash it; in `room` or a part
 * of the value. False where it can be stored in more ways than one, or not at all. */
bool firn_parquet_stored_form(const firn_parquet_node *leaf, const void *value,
                              uint8_t room[FIRN_PARQUET_VALUE_MAX], firn_bytes *out);

#endif
