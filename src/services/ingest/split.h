/* Cuts an input of structured CloudEvents into blocks of whole events: one a line, or the elements of one
 * JSON array.
 *
 * It finds where events begin and end and does not judge them: what is broken is somebody's event still, so
 * that nothing is lost. Which of the two forms an input has is told by its first byte that is no white space.
 * One thread. */
#ifndef FIRN_SERVICES_INGEST_SPLIT_H
#define FIRN_SERVICES_INGEST_SPLIT_H

#include "base/bytes.h"
#include "base/ctx.h"

/* Where events come from, front to back. `*got` 0 is the end. */
typedef struct firn_input {
  const char *origin; /* for people and dead letters: a path, "stdin" */
  firn_status (*read)(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got, firn_error *err);
  void *self;
} firn_input;

typedef struct firn_event_span {
  size_t at, len; /* in the block's data */
} firn_event_span;

typedef struct firn_event_block {
  const char *origin;
  uint64_t offset; /* of `data` in the input */
  uint8_t *data;
  size_t len, capacity;
  size_t n_events, events_capacity;
  firn_event_span *events;
} firn_event_block;

void firn_event_block_free(firn_event_block *b); /* fine on {0} */

typedef struct firn_splitter {
  const firn_input *input;
  size_t block_bytes, max_event_bytes;
  uint64_t offset; /* of the bytes carried over */
  uint8_t *carry;
  size_t carry_len, carry_capacity;
  enum { FIRN_SPLIT_UNKNOWN = 0, FIRN_SPLIT_LINES, FIRN_SPLIT_ARRAY, FIRN_SPLIT_AFTER_ARRAY } form;
  bool has_elements; /* of the array: one that follows a comma may not be left out */
  bool is_over;
} firn_splitter;

/* `block_bytes` 0: 4 MiB; `max_event_bytes` 0: 16 MiB. `input` is borrowed. */
void firn_splitter_init(firn_splitter *s, const firn_input *input, size_t block_bytes,
                        size_t max_event_bytes);

/* Fills `block`, whose memory is used again. No events: the input is over. FIRN_LIMIT names the offset of an
 * event that is too large. */
FIRN_MUST_USE firn_status firn_splitter_next(firn_splitter *s, firn_ctx *ctx, firn_event_block *block,
                                             firn_error *err);
void firn_splitter_free(firn_splitter *s);

#endif
