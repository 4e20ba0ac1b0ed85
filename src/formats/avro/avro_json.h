/* Avro values as JSON, for people and for `firn avro cat`: the form of the Iceberg specification's single
 * values (Appendix D), with records keyed by field name. Decimals, dates, times and UUIDs are text, bytes are
 * hexadecimal, maps are {"keys": [...], "values": [...]}, unions are their value. Timestamps carry +00:00
 * where the schema says "adjust-to-utc", no offset elsewhere. */
#ifndef FIRN_FORMATS_AVRO_AVRO_JSON_H
#define FIRN_FORMATS_AVRO_AVRO_JSON_H

#include "base/json_write.h"
#include "formats/avro/avro.h"

void firn_avro_value_write_json(const firn_avro_value *v, firn_json_writer *w);

/* The next record as a line of JSON, its end included, appended to `out`; `*more` false after the last.
 * `arena` is reset. */
FIRN_MUST_USE firn_status firn_avro_reader_next_json(firn_avro_reader *r, firn_ctx *ctx, firn_arena *arena,
                                                     firn_builder *out, bool *more, firn_error *err);

#endif
