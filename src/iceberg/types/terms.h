/* Partition terms and sort terms as people write them: "day(ts), bucket(16, id), truncate(name, 4), region",
 * "days(ts)" and the other plurals, "bucket[16](id)", "day(ts) as d"; for sorting "ts desc nulls last, id".
 * Names may be "quoted" or `quoted`, and dotted. */
#ifndef FIRN_ICEBERG_TYPES_TERMS_H
#define FIRN_ICEBERG_TYPES_TERMS_H

#include "iceberg/types/spec.h"

/* Field ids are given from FIRN_FIRST_PARTITION_ID, names as the reference gives them ("ts_day", "id_bucket",
 * "name_trunc", "region") unless "as" says another. "" gives an unpartitioned spec. Checked against `schema`.
 * In `arena`. */
FIRN_MUST_USE firn_status firn_partition_terms_parse(firn_bytes text, const firn_schema *schema,
                                                     firn_arena *arena, firn_partition_spec *out,
                                                     firn_error *err);
/* Nulls come first where ascending and last where descending, unless it is said. Order id 1; 0 for "". */
FIRN_MUST_USE firn_status firn_sort_terms_parse(firn_bytes text, const firn_schema *schema, firn_arena *arena,
                                                firn_sort_order *out, firn_error *err);

#endif
