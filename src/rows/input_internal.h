/* Bytes of an input, as many at a time as rows need, never more than a bound. What was taken is forgotten
 * when more is read. */
#ifndef FIRN_ROWS_INPUT_INTERNAL_H
#define FIRN_ROWS_INPUT_INTERNAL_H

#include "rows/source.h"

typedef struct firn_input_buffer {
  firn_rows_input input;
  uint8_t *data;
  size_t capacity;
  size_t at, end; /* what is there and not taken */
  bool is_over;   /* the input has no more */
} firn_input_buffer;

static inline firn_bytes firn_input_rest(const firn_input_buffer *b) {
  return (firn_bytes){b->data + b->at, b->end - b->at};
}

/* Reads until at least `wanted` bytes are there, or the input is over. What was there may move. */
FIRN_MUST_USE firn_status firn_input_fill(firn_input_buffer *b, firn_ctx *ctx, size_t wanted,
                                          firn_error *err);
/* At the start: passes over a byte order mark; FIRN_UNSUPPORTED for packed input and UTF-16. */
FIRN_MUST_USE firn_status firn_input_begin(firn_input_buffer *b, firn_ctx *ctx, firn_error *err);
void firn_input_free(firn_input_buffer *b);

#endif
