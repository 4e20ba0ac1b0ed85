/* The dictionary of a column chunk while it is written: every distinct value once, in the order of
 * appearance, already as the PLAIN page that it becomes.
 *
 * Open addressing on a hash of our own; a row of probes that gets long ends the dictionary instead of slowing
 * it down, so that nobody can make it slow by choosing values. Failures are remembered in `failed`. */
#ifndef FIRN_FORMATS_PARQUET_DICTIONARY_INTERNAL_H
#define FIRN_FORMATS_PARQUET_DICTIONARY_INTERNAL_H

#include "base/builder.h"

typedef struct firn_dictionary_entry firn_dictionary_entry;

typedef struct firn_dictionary {
  firn_builder plain;
  firn_builder offsets; /* of runs of bytes: uint32_t a value, where its length stands in `plain` */
  size_t width;         /* of every value; 0: runs of bytes with their length in front */
  size_t max_bytes;     /* of `plain` */
  uint32_t n;
  firn_dictionary_entry *table;
  size_t capacity; /* a power of two, or 0 */
  bool is_full;    /* a value did not fit */
  bool hashes_all; /* every byte of a run; at first only some, which is nearly always enough */
  firn_status failed;
} firn_dictionary;

void firn_dictionary_init(firn_dictionary *d, size_t width, size_t max_bytes);

/* Look values up, add those that are new, and write an index for each. They return for how many: fewer than
 * `n` when the next value does not fit any more, or after a failure. */
size_t firn_dictionary_add4(firn_dictionary *d, const uint32_t *values, size_t n, uint32_t *indexes);
size_t firn_dictionary_add8(firn_dictionary *d, const uint64_t *values, size_t n, uint32_t *indexes);
/* Runs of bytes, of `width` each unless that is 0. */
size_t firn_dictionary_add_bytes(firn_dictionary *d, const firn_bytes *values, size_t n, uint32_t *indexes);

static inline firn_bytes firn_dictionary_value(const firn_dictionary *d, uint32_t index) {
  if (d->width != 0) {
    return (firn_bytes){d->plain.data + index * d->width, d->width};
  }
  uint32_t at, len;
  memcpy(&at, d->offsets.data + index * sizeof at, sizeof at);
  memcpy(&len, d->plain.data + at, sizeof len);
  return (firn_bytes){d->plain.data + at + sizeof len, len};
}

size_t firn_dictionary_memory(const firn_dictionary *d);
/* Empties it and gives its memory back. */
void firn_dictionary_reset(firn_dictionary *d);

#endif
