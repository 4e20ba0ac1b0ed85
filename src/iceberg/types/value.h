/* Single values: of partitions, bounds, defaults, filters. Follows the Iceberg specification, Appendix D
 * (binary and JSON single-value serialization).
 *
 * A firn_value is small and passed by pointer or copied; what `bytes` borrows must live as long. */
#ifndef FIRN_ICEBERG_TYPES_VALUE_H
#define FIRN_ICEBERG_TYPES_VALUE_H

#include "base/builder.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "column/vector.h"

typedef struct firn_value {
  firn_kind kind;
  bool is_null;
  union {
    bool boolean;
    int32_t i32; /* INT, DATE */
    int64_t i64; /* LONG, TIME, TIMESTAMP... */
    float f32;
    double f64;
    firn_decimal dec; /* unscaled, at the field's scale */
    firn_bytes bytes; /* STRING, BINARY, UUID, FIXED */
  };
} firn_value;

/* Value `i` of a vector; nested kinds are not single values. */
firn_value firn_value_at(const firn_vector *v, size_t i);

/* Null first; NaN after every number; -0.0 before +0.0; bytes unsigned. Both must be of one kind. */
int firn_value_compare(const firn_value *a, const firn_value *b);
/* For partition tuples: floats by their bits with one canonical NaN, null equals null. */
bool firn_value_equal(const firn_value *a, const firn_value *b);
uint64_t firn_value_hash(const firn_value *v); /* agrees with firn_value_equal; not Iceberg's bucket hash */

FIRN_MUST_USE firn_status firn_value_copy(const firn_value *from, firn_arena *arena, firn_value *out,
                                          firn_error *err);

/* Binary form (bounds). A value of the write type before a promotion is understood by its length (4 bytes for
 * long and double; a date for timestamps). FIRN_CORRUPT when the length fits nothing: the caller then ignores
 * the bound. */
FIRN_MUST_USE firn_status firn_value_read(firn_bytes in, const firn_field *type, firn_value *out,
                                          firn_error *err);
void firn_value_write(const firn_value *v, firn_builder *out);

/* JSON form. `type` gives scale, width. Struct values are for defaults only and stay JSON
 * (firn_field.initial_default). */
FIRN_MUST_USE firn_status firn_value_read_json(const firn_json_value *json, const firn_field *type,
                                               firn_arena *arena, firn_value *out, firn_error *err);
void firn_value_write_json(const firn_value *v, const firn_field *type, firn_json_writer *w);

/* Value `i` of any vector as JSON: nested kinds too, structs keyed by field name ("for people"). */
void firn_vector_write_json(const firn_vector *v, const firn_field *type, size_t i, firn_json_writer *w);

/* Lower and upper bounds of text and binary, cut to `n` code points or bytes. The upper one is incremented;
 * false when no upper bound exists (everything is at its maximum). In `arena`. */
FIRN_MUST_USE firn_status firn_bound_lower(firn_kind kind, firn_bytes value, size_t n, firn_bytes *out,
                                           firn_error *err);
FIRN_MUST_USE firn_status firn_bound_upper(firn_kind kind, firn_bytes value, size_t n, firn_arena *arena,
                                           firn_bytes *out, bool *exists, firn_error *err);

#endif
