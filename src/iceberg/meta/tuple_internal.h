/* Partition tuples in the Avro of manifests (tuple.c, tuple_write.c): which Avro type a kind has, and values
 * in it. Spec: Appendix A, Avro, Data Type Mappings. */
#ifndef FIRN_ICEBERG_META_TUPLE_INTERNAL_H
#define FIRN_ICEBERG_META_TUPLE_INTERNAL_H

#include "formats/avro/avro.h"
#include "iceberg/types/spec.h"

/* What the file says a field is (for columns that were dropped and transforms that nobody knows);
 * FIRN_KIND_UNKNOWN where that is no kind of ours. */
void firn_tuple_type_of_file(const firn_avro_schema *optional, firn_field *out);

/* The Avro schema of the tuple's record "r102". FIRN_UNSUPPORTED when two names become one in Avro. */
FIRN_MUST_USE firn_status firn_tuple_write_schema(const firn_field *type, firn_json_writer *w,
                                                  firn_error *err);

/* One tuple. FIRN_INVALID when a value is not of its field's kind or does not fit in it. */
FIRN_MUST_USE firn_status firn_tuple_write(const firn_field *type, const firn_value *tuple, firn_builder *out,
                                           firn_error *err);

#endif
