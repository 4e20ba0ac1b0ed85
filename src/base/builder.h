/* A builder: bytes and text that grow at the end. It is born with its largest size, remembers the first
 * failure (out of memory, too large), ignores what is added after that, and is asked once, at the end.
 *
 * One thread at a time. Its bytes stay valid until the next addition. */
#ifndef FIRN_BASE_BUILDER_H
#define FIRN_BASE_BUILDER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

typedef struct firn_builder {
  uint8_t *data;
  size_t len;
  size_t capacity;
  size_t max_bytes; /* 0: no bound */
  firn_status failed;
} firn_builder;

#define FIRN_BUILDER_INIT(max) {.max_bytes = (max)}
#define FIRN_AUTO_BUILDER FIRN_AUTO(firn_builder_free) firn_builder

void firn_builder_add(firn_builder *b, firn_bytes bytes);
void firn_builder_add_text(firn_builder *b, const char *text);
void firn_builder_addf(firn_builder *b, const char *format, ...) FIRN_PRINTF(2, 3);
void firn_builder_add_u8(firn_builder *b, uint8_t byte);
void firn_builder_add_u32le(firn_builder *b, uint32_t v);
void firn_builder_add_u64le(firn_builder *b, uint64_t v);
/* LEB128 without a sign, and with zigzag. */
void firn_builder_add_varint(firn_builder *b, uint64_t v);
void firn_builder_add_zigzag(firn_builder *b, int64_t v);

/* Room for `len` bytes at the end, which the caller fills and then claims with firn_builder_claim. NULL after
 * a failure. */
uint8_t *firn_builder_reserve(firn_builder *b, size_t len);
void firn_builder_claim(firn_builder *b, size_t len);

static inline firn_bytes firn_builder_bytes(const firn_builder *b) {
  return (firn_bytes){b->data, b->len};
}

/* The one check: the status of the first failure, or what was built, borrowed. */
FIRN_MUST_USE firn_status firn_builder_finish(const firn_builder *b, firn_bytes *out, firn_error *err);
/* The same, copied into `arena`. */
FIRN_MUST_USE firn_status firn_builder_finish_copy(const firn_builder *b, firn_arena *arena, firn_bytes *out,
                                                   firn_error *err);

void firn_builder_reset(firn_builder *b);
void firn_builder_free(firn_builder *b);

#endif
