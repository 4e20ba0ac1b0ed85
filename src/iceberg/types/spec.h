/* Partition specs and sort orders. Follows the Iceberg specification: Partitioning; Sorting; Appendix C. */
#ifndef FIRN_ICEBERG_TYPES_SPEC_H
#define FIRN_ICEBERG_TYPES_SPEC_H

#include "iceberg/types/schema.h"
#include "iceberg/types/transform.h"

enum { FIRN_FIRST_PARTITION_ID = 1000 };

typedef struct firn_partition_field {
  int32_t source_id;
  int32_t field_id;
  const char *name;
  firn_transform transform;
} firn_partition_field;

typedef struct firn_partition_spec {
  int32_t spec_id;
  size_t n_fields;
  const firn_partition_field *fields;
} firn_partition_spec;

typedef struct firn_sort_field {
  int32_t source_id;
  firn_transform transform;
  bool descending;
  bool nulls_last;
} firn_sort_field;

typedef struct firn_sort_order {
  int32_t order_id; /* 0: unsorted */
  size_t n_fields;
  const firn_sort_field *fields;
} firn_sort_order;

/* An object {"spec-id", "fields"}; fields without "field-id" (v1) get 1000, 1001, ... in order. */
FIRN_MUST_USE firn_status firn_partition_spec_read(const firn_json_value *json, firn_arena *arena,
                                                   firn_partition_spec *out, firn_error *err);
/* Only the array of fields, as v1's "partition-spec" and manifests have it. */
FIRN_MUST_USE firn_status firn_partition_fields_read(const firn_json_value *json, firn_arena *arena,
                                                     firn_partition_spec *out, firn_error *err);
void firn_partition_spec_write(const firn_partition_spec *spec, firn_json_writer *w);
void firn_partition_fields_write(const firn_partition_spec *spec, firn_json_writer *w);

FIRN_MUST_USE firn_status firn_sort_order_read(const firn_json_value *json, firn_arena *arena,
                                               firn_sort_order *out, firn_error *err);
void firn_sort_order_write(const firn_sort_order *order, firn_json_writer *w);

/* Deep copies. */
FIRN_MUST_USE firn_status firn_partition_spec_copy(const firn_partition_spec *from, firn_arena *arena,
                                                   firn_partition_spec *out, firn_error *err);
FIRN_MUST_USE firn_status firn_sort_order_copy(const firn_sort_order *from, firn_arena *arena,
                                               firn_sort_order *out, firn_error *err);

/* The source column: one that is in no list or map. NULL: there is none (any more). */
const firn_field *firn_spec_source(const firn_schema *schema, int32_t source_id);
/* FIRN_INVALID when the source does not exist or the transform does not take it, FIRN_UNSUPPORTED when the
 * transform is unknown. A void one may outlive its source. */
FIRN_MUST_USE firn_status firn_spec_source_check(const firn_schema *schema, int32_t source_id,
                                                 const firn_transform *t, firn_error *err);

/* Sources exist in `schema`, transforms take them, names are unique and clash with no column (but identity on
 * its own). */
FIRN_MUST_USE firn_status firn_partition_spec_check(const firn_partition_spec *spec,
                                                    const firn_schema *schema, firn_error *err);
FIRN_MUST_USE firn_status firn_sort_order_check(const firn_sort_order *order, const firn_schema *schema,
                                                firn_error *err);

/* The struct type of the spec's tuples, fields optional, ids the partition field ids. A source that was
 * dropped from the schema, or an unknown transform, gives an UNKNOWN field. */
FIRN_MUST_USE firn_status firn_partition_type(const firn_partition_spec *spec, const firn_schema *schema,
                                              firn_arena *arena, firn_field *out, firn_error *err);

/* Equal by (source ids, transforms, names), ids not looked at. */
bool firn_partition_spec_equal(const firn_partition_spec *a, const firn_partition_spec *b);
bool firn_sort_order_equal(const firn_sort_order *a, const firn_sort_order *b);

/* The largest field id, 999 for an empty spec. */
int32_t firn_partition_spec_last_id(const firn_partition_spec *spec);

/* "day=2024-06-15/region=eu", names and values encoded as the reference does (a blank is "+"); "" when
 * unpartitioned. NULL: no memory. */
const char *firn_partition_path(const firn_partition_spec *spec, const firn_schema *schema,
                                const firn_value *tuple, firn_arena *arena);

#endif
