/* Flatbuffers, written: as much as Arrow's messages need. Follows the FlatBuffers internals: tables with
 * vtables, vectors, strings; little endian; every scalar at a multiple of its size.
 *
 * A buffer is built from its end to its beginning, children before parents. A place is a distance from the
 * end, so it stays true while the buffer grows. Failures (no memory, beyond 2 GiB) are remembered and asked
 * for once. */
#ifndef FIRN_FORMATS_ARROW_FLAT_INTERNAL_H
#define FIRN_FORMATS_ARROW_FLAT_INTERNAL_H

#include "base/builder.h"

enum { FIRN_FLAT_MAX_FIELDS = 8 };

typedef uint32_t firn_flat_place; /* 0: none */

typedef struct firn_flat {
  uint8_t *data; /* what is built stands at its end */
  size_t capacity, len;
  size_t alignment; /* the largest so far */
  bool failed;
} firn_flat;

/* One field of a table. */
typedef struct firn_flat_field {
  unsigned size; /* bytes of a scalar: 1, 2, 4, 8; 0: absent */
  bool is_place; /* a reference (size 4) */
  int64_t value; /* scalar or place */
} firn_flat_field;

firn_flat_place firn_flat_text(firn_flat *f, const char *text);
/* References to places already written, in this order. */
firn_flat_place firn_flat_places(firn_flat *f, const firn_flat_place *places, size_t n);
/* Structs of `n_longs` 64-bit numbers each. */
firn_flat_place firn_flat_structs(firn_flat *f, const int64_t *values, size_t n, size_t n_longs);
firn_flat_place firn_flat_table(firn_flat *f, const firn_flat_field *fields, size_t n);
/* Ends the buffer with its root; its length is then a multiple of 8. False after a failure. */
bool firn_flat_finish(firn_flat *f, firn_flat_place root, firn_bytes *out);
void firn_flat_free(firn_flat *f);

#define FIRN_FLAT_SCALAR(bytes, v) ((firn_flat_field){.size = (bytes), .value = (int64_t)(v)})
#define FIRN_FLAT_REFERENCE(place) ((firn_flat_field){.size = 4, .is_place = true, .value = (int64_t)(place)})
#define FIRN_FLAT_ABSENT ((firn_flat_field){0})

#endif
