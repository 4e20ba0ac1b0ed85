/* Batches over the library's edge: the Arrow C data and C stream interfaces, out and in. Follows the Arrow
 * specification: "The Arrow C data interface", "The Arrow C stream interface", "Arrow Columnar Format".
 *
 * Out: what is exported owns its memory (a copy) and is given back by its `release`, as the interface
 * demands; children may be moved out and outlive their parent. Text and binary take the large form (64-bit
 * offsets) or the view form. Field ids travel as the metadata PARQUET:field_id, UUIDs as the extension
 * arrow.uuid; geometries are plain binary there, and variants are FIRN_UNSUPPORTED.
 *
 * In: values are borrowed where layouts agree and copied where not; small and unsigned integers widen
 * (unsigned 64 bits to decimal(20, 0)), float16 becomes float, seconds and milliseconds become microseconds,
 * dictionaries are looked up, every form of text, binary, list and list view is understood. What has no kind
 * here (intervals, durations, unions, run ends, 256-bit decimals) is FIRN_UNSUPPORTED by name. Text is
 * checked to be UTF-8; offsets are checked; lengths of buffers cannot be, the interface does not tell them.
 */
#ifndef FIRN_COLUMN_ARROW_H
#define FIRN_COLUMN_ARROW_H

#include "column/vector.h"

/* The specification asks every implementation to declare these under these guards. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

#endif

typedef enum firn_arrow_form {
  FIRN_ARROW_LARGE = 0, /* large_utf8, large_binary */
  FIRN_ARROW_VIEW,      /* utf8_view, binary_view */
} firn_arrow_form;

/* A schema (a STRUCT) or any other field. */
FIRN_MUST_USE firn_status firn_arrow_schema_export(const firn_field *field, firn_arrow_form form,
                                                   struct ArrowSchema *out, firn_error *err);
/* A batch as a struct array. */
FIRN_MUST_USE firn_status firn_arrow_batch_export(const firn_batch *batch, firn_arrow_form form,
                                                  struct ArrowArray *out, firn_error *err);

/* Where the batches of a stream come from: an iterator in the house's shape, and what ends it. */
typedef struct firn_batch_source {
  firn_status (*next)(void *self, const firn_batch **out, firn_error *err); /* borrowed until the next call */
  void (*close)(void *self);                                                /* NULL: nothing to do */
  void *self;
} firn_batch_source;

/* Makes a stream of what `source` yields, and owns it from then on, also when this fails. */
FIRN_MUST_USE firn_status firn_arrow_stream_export(const firn_field *schema, firn_batch_source source,
                                                   firn_arrow_form form, struct ArrowArrayStream *out,
                                                   firn_error *err);

/* The field that a schema means, in `arena`. */
FIRN_MUST_USE firn_status firn_arrow_schema_import(const struct ArrowSchema *schema, firn_arena *arena,
                                                   firn_field *out, firn_error *err);
/* A struct array as a batch of `field`, which firn_arrow_schema_import made of `schema`. It borrows from
 * `array` and lives in `arena`; neither is released. */
FIRN_MUST_USE firn_status firn_arrow_batch_import(const struct ArrowArray *array,
                                                  const struct ArrowSchema *schema, const firn_field *field,
                                                  firn_arena *arena, firn_batch *out, firn_error *err);

/* Reads a stream batch by batch. */
typedef struct firn_arrow_reader firn_arrow_reader;

/* Moves `stream` into the reader, also when this fails: the caller's struct is released then. */
FIRN_MUST_USE firn_status firn_arrow_reader_open(struct ArrowArrayStream *stream, firn_arrow_reader **out,
                                                 firn_error *err);
const firn_field *firn_arrow_reader_schema(const firn_arrow_reader *r);
/* `*out` is NULL after the last batch; borrowed until the following next. */
FIRN_MUST_USE firn_status firn_arrow_reader_next(firn_arrow_reader *r, const firn_batch **out,
                                                 firn_error *err);
void firn_arrow_reader_close(firn_arrow_reader *r);
void firn_arrow_reader_close_pointer(firn_arrow_reader **r);
#define FIRN_AUTO_ARROW_READER FIRN_AUTO(firn_arrow_reader_close_pointer) firn_arrow_reader

#endif
