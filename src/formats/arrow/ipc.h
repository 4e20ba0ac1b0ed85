/* Arrow IPC streams: batches to bytes that every Arrow implementation reads. Follows the Arrow specification:
 * Columnar Format; Serialization and Interprocess Communication (the streaming format, metadata version 5).
 * Uncompressed, little endian, buffers aligned to 8 bytes; no dictionaries. One thread at a time. */
#ifndef FIRN_FORMATS_ARROW_IPC_H
#define FIRN_FORMATS_ARROW_IPC_H

#include "base/builder.h"
#include "column/vector.h"

/* Appends the schema message. `field` is a STRUCT; kinds become the Arrow types that column/arrow.h exports.
 */
FIRN_MUST_USE firn_status firn_arrow_ipc_write_schema(const firn_field *field, firn_builder *out,
                                                      firn_error *err);
/* Appends a record batch message of this schema; any number of rows. */
FIRN_MUST_USE firn_status firn_arrow_ipc_write_batch(const firn_batch *batch, firn_builder *out,
                                                     firn_error *err);
/* Appends the end of the stream. */
void firn_arrow_ipc_write_end(firn_builder *out);

#endif
