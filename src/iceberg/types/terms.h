/* Partition terms, sort terms and types as people write them: "day(ts), bucket(16, id), truncate(name, 4),
 * region", "days(ts)" and the other plurals, "bucket[16](id)", "day(ts) as d"; "ts desc nulls last, id".
 *
 * A number and a column stand in either order ("bucket(id, 16)"). Names may be "quoted" or `quoted`, and
 * dotted; a quoted one is found as it is written only, another one also when its letters differ in case from
 * exactly one column. Texts are hostile: at most FIRN_TERMS_MAX terms, one sentence for what cannot be read
 * (FIRN_INVALID; FIRN_NOT_FOUND: no such column). */
#ifndef FIRN_ICEBERG_TYPES_TERMS_H
#define FIRN_ICEBERG_TYPES_TERMS_H

#include "iceberg/types/spec.h"

enum { FIRN_TERMS_MAX = 1000 };

/* One term, bound to a schema. */
typedef struct firn_term {
  const firn_field *source; /* of the schema; outside of lists and maps, of a type that the transform takes */
  const char *source_name;  /* dotted */
  firn_transform transform;
  const char *name;            /* behind "as"; NULL: none was given */
  bool descending, nulls_last; /* of a sort term */
} firn_term;

/* The terms one by one, for who does more with them than the next two functions. In `arena`. */
FIRN_MUST_USE firn_status firn_partition_terms_read(firn_bytes text, const firn_schema *schema,
                                                    firn_arena *arena, const firn_term **out, size_t *n,
                                                    firn_error *err);

/* How a partition field is called when nobody says. The reference has two ways: in the spec of a new table
 * "id_bucket" and "name_trunc"; when a spec is changed "id_bucket_16" and "name_trunc_4". Both: "ts_day",
 * "region". In `arena`; NULL: no memory. */
const char *firn_term_name(const firn_term *term, bool when_changed, firn_arena *arena);

/* Field ids are given from FIRN_FIRST_PARTITION_ID, names as for a new table unless "as" says another. ""
 * gives an unpartitioned spec. Checked against `schema`. In `arena`. */
FIRN_MUST_USE firn_status firn_partition_terms_parse(firn_bytes text, const firn_schema *schema,
                                                     firn_arena *arena, firn_partition_spec *out,
                                                     firn_error *err);
/* Nulls come first where ascending and last where descending, unless it is said. Order id 1; 0 for "". */
FIRN_MUST_USE firn_status firn_sort_terms_parse(firn_bytes text, const firn_schema *schema, firn_arena *arena,
                                                firn_sort_order *out, firn_error *err);

/* A type as people write it: "long", "decimal(9, 2)", "list<string>", "map<string, list<int>>",
 * "struct<a: int required, \"b c\" string>", where "required" may stand behind any type but a map's key; the
 * colon may be left out. Without ids; `name` and `required` of `out` are left alone. In `arena`. */
FIRN_MUST_USE firn_status firn_type_parse(firn_bytes text, firn_arena *arena, firn_field *out,
                                          firn_error *err);

#endif
