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

/* A bound of a manifest: false when it says nothing (absent, of a length that fits nothing, NaN). */
bool firn_bound_read(firn_bytes in, const firn_field *type, firn_value *out);

/* Decimals: the fewest bytes of two's complement, big endian (1 to 16); whether it has at most `precision`
 * digits; its text, as many digits behind the point as the scale says; and back (the scale must be exact). */
enum { FIRN_DECIMAL_TEXT_MAX = 44 };
size_t firn_decimal_bytes(firn_decimal v, uint8_t out[16]);
bool firn_decimal_fits(firn_decimal v, unsigned precision);
size_t firn_decimal_text(firn_decimal v, unsigned scale, char out[FIRN_DECIMAL_TEXT_MAX]);
bool firn_decimal_of_text(firn_bytes text, unsigned precision, unsigned scale, firn_decimal *out);

/* JSON form. `type` gives scale, width. Struct values are for defaults only and stay JSON
 * (firn_field.initial_default). */
FIRN_MUST_USE firn_status firn_value_read_json(const firn_json_value *json, const firn_field *type,
                                               firn_arena *arena, firn_value *out, firn_error *err);
void firn_value_write_json(const firn_value *v, const firn_field *type, firn_json_writer *w);

/* Value `i` of any vector as JSON, nested kinds too. One encoder, two faces: structs keyed by field name,
 * every field shown ("for people"), or keyed by field id, nulls left out, as the specification has it. */
void firn_vector_write_json(const firn_vector *v, const firn_field *type, size_t i, firn_json_writer *w);
void firn_vector_write_json_by_id(const firn_vector *v, const firn_field *type, size_t i,
                                  firn_json_writer *w);

#endif
