/* Objects of a table, by location: whole, or as the source of a Parquet file. */
#ifndef FIRN_ICEBERG_SCAN_OBJECT_H
#define FIRN_ICEBERG_SCAN_OBJECT_H

#include "formats/avro/avro.h"
#include "formats/parquet/reader.h"
#include "io/stores.h"

/* A table that was found elsewhere than its metadata says: paths below `recorded` are read below `found`.
 * Zero: it was not. */
typedef struct firn_moved {
  const char *recorded, *found;
} firn_moved;

/* The location to read, in `arena` or `location` itself; NULL: no memory. `moved` may be NULL. */
const char *firn_moved_location(const firn_moved *moved, const char *location, firn_arena *arena);

/* The whole object at `location`, in `arena`; FIRN_LIMIT beyond `max_bytes`. */
FIRN_MUST_USE firn_status firn_object_read(firn_stores *stores, const firn_moved *moved, firn_ctx *ctx,
                                           const char *location, size_t max_bytes, firn_arena *arena,
                                           firn_bytes *out, firn_error *err);

/* The bytes of an object from front to back, a part at a time: objects of any size in bounded memory, those
 * of the usual size of a manifest in one request. Zero: none is open; opening the next one reuses its memory.
 */
typedef struct firn_object_stream {
  firn_arena arena; /* of the path */
  firn_store *store;
  const char *path;
  uint8_t *part; /* [at, len) of it is still to be read */
  size_t at, len, capacity;
  uint64_t next_offset;
  bool at_end; /* nothing comes behind the part */
} firn_object_stream;

/* Reads the first part. `size_bytes` is what somebody says of the object's size, 0: nobody does. */
FIRN_MUST_USE firn_status firn_object_stream_open(firn_object_stream *s, firn_stores *stores,
                                                  const firn_moved *moved, firn_ctx *ctx,
                                                  const char *location, uint64_t size_bytes, firn_error *err);
firn_avro_source firn_object_stream_source(firn_object_stream *s);
/* Gives its memory back. */
void firn_object_stream_close(firn_object_stream *s);
#define FIRN_AUTO_OBJECT_STREAM FIRN_AUTO(firn_object_stream_close) firn_object_stream

/* A Parquet file in a store. What it holds is borrowed; threads may share it. */
typedef struct firn_parquet_object {
  firn_store *store;
  const char *path;
  uint64_t size_bytes;
} firn_parquet_object;

/* Finds the object; `size_bytes` 0: asks the store. Texts are in `arena`. */
FIRN_MUST_USE firn_status firn_parquet_object_find(firn_stores *stores, const firn_moved *moved,
                                                   firn_ctx *ctx, const char *location, uint64_t size_bytes,
                                                   firn_arena *arena, firn_parquet_object *out,
                                                   firn_error *err);
/* `object` must outlive the source. */
firn_parquet_source firn_parquet_object_source(firn_parquet_object *object);

#endif
