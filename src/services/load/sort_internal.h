/* Rows in memory until they are as many as may be held, then in the order of the table: partition by
 * partition, within each by its sort order. Follows the Iceberg specification: Sorting (nulls first or last;
 * -0.0 before +0.0, NaN last; texts by their bytes).
 *
 * Each row gets a key of bytes that compare as the rows do. */
#ifndef FIRN_SERVICES_LOAD_SORT_INTERNAL_H
#define FIRN_SERVICES_LOAD_SORT_INTERNAL_H

#include "base/ctx.h"
#include "column/vector.h"
#include "iceberg/types/spec.h"

typedef struct firn_sorter firn_sorter;

/* All borrowed. */
FIRN_MUST_USE firn_status firn_sorter_open(const firn_schema *schema, const firn_partition_spec *spec,
                                           const firn_sort_order *order, firn_sorter **out, firn_error *err);
/* Keeps a copy. */
FIRN_MUST_USE firn_status firn_sorter_add(firn_sorter *s, const firn_batch *batch, firn_error *err);
size_t firn_sorter_memory(const firn_sorter *s);
size_t firn_sorter_rows(const firn_sorter *s);
/* Sorts what was added and hands it to `write`, batch by batch; then it is empty. */
FIRN_MUST_USE firn_status firn_sorter_drain(firn_sorter *s, firn_ctx *ctx,
                                            firn_status (*write)(void *arg, firn_ctx *ctx,
                                                                 const firn_batch *batch, firn_error *err),
                                            void *arg, firn_error *err);
void firn_sorter_close(firn_sorter *s); /* NULL is fine */

/* Whether rows can be sorted by an order at all: its sources are there, its transforms known. */
bool firn_sorter_knows(const firn_schema *schema, const firn_sort_order *order);

#endif
