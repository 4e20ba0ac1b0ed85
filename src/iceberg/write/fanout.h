/* Which partition each row of a batch belongs to. Follows the Iceberg specification: Partitioning. */
#ifndef FIRN_ICEBERG_WRITE_FANOUT_H
#define FIRN_ICEBERG_WRITE_FANOUT_H

#include "column/vector.h"
#include "iceberg/types/spec.h"

typedef struct firn_partition_group {
  const firn_value *tuple; /* one value for each field of the spec */
  size_t n_rows;
  const uint32_t *rows; /* NULL: all rows of the batch */
} firn_partition_group;

/* The groups of a batch, each partition once, in the order of their first rows; in `arena`, texts borrowed
 * from the batch or in `arena`. */
FIRN_MUST_USE firn_status firn_partition_groups(const firn_partition_spec *spec, const firn_schema *schema,
                                                const firn_batch *batch, firn_arena *arena,
                                                const firn_partition_group **out, size_t *n, firn_error *err);

/* Whether two tuples are of one partition. */
bool firn_partition_tuple_equal(const firn_value *a, const firn_value *b, size_t n);
uint64_t firn_partition_tuple_hash(const firn_value *tuple, size_t n);

#endif
