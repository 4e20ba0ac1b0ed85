/* Partition transforms. Follows the Iceberg specification: Partition Transforms; Appendix B (bucket hash). */
#ifndef FIRN_ICEBERG_TYPES_TRANSFORM_H
#define FIRN_ICEBERG_TYPES_TRANSFORM_H

#include "iceberg/types/value.h"

typedef enum firn_transform_kind {
  FIRN_TRANSFORM_IDENTITY = 0,
  FIRN_TRANSFORM_BUCKET,
  FIRN_TRANSFORM_TRUNCATE,
  FIRN_TRANSFORM_YEAR,
  FIRN_TRANSFORM_MONTH,
  FIRN_TRANSFORM_DAY,
  FIRN_TRANSFORM_HOUR,
  FIRN_TRANSFORM_VOID,
  FIRN_TRANSFORM_UNKNOWN, /* of a newer specification: readable, never pruned by, never written */
} firn_transform_kind;

typedef struct firn_transform {
  firn_transform_kind kind;
  int32_t width;    /* BUCKET: number of buckets; TRUNCATE: width */
  const char *text; /* UNKNOWN: as written */
} firn_transform;

/* "bucket[16]", "day", ... An unknown name is FIRN_TRANSFORM_UNKNOWN, not an error; a bad width is. */
FIRN_MUST_USE firn_status firn_transform_read(firn_bytes text, firn_arena *arena, firn_transform *out,
                                              firn_error *err);
/* At most 63 characters and a zero. */
void firn_transform_text(const firn_transform *t, char into[64]);
bool firn_transform_equal(const firn_transform *a, const firn_transform *b);

/* Whether it may be applied to values of this type. */
bool firn_transform_takes(const firn_transform *t, const firn_field *source);
/* The result's type: name, id and requiredness of `out` are left alone. */
void firn_transform_result(const firn_transform *t, const firn_field *source, firn_field *out);

/* Null gives null. Text results point into `arena` or into `in`. FIRN_LIMIT when an hour does not fit in 32
 * bits, or a truncated number in its type. `in` is null or of the kind of `source`. */
FIRN_MUST_USE firn_status firn_transform_apply(const firn_transform *t, const firn_field *source,
                                               const firn_value *in, firn_arena *arena, firn_value *out,
                                               firn_error *err);

/* murmur3_x86_32, seed 0, of the value as Appendix B says. */
uint32_t firn_bucket_hash(const firn_value *v);

/* What people read in a partition path: "2024-06-15-13" for an hour, "2024-06" for a month, ...; in `arena`,
 * NULL: no memory. `source` NULL (a dropped column) shows decimals unscaled. */
const char *firn_transform_human(const firn_transform *t, const firn_field *source, const firn_value *result,
                                 firn_arena *arena);

#endif
