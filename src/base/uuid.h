/* UUIDs (RFC 9562). Small values, passed by value. */
#ifndef FIRN_BASE_UUID_H
#define FIRN_BASE_UUID_H

#include "base/bytes.h"
#include "base/ctx.h"

typedef struct firn_uuid {
  uint8_t bytes[16]; /* in the order of the text */
} firn_uuid;

enum { FIRN_UUID_TEXT = 37 /* 36 characters and the end */ };

/* Random. */
firn_uuid firn_uuid_v4(const firn_ctx *ctx);
/* Ordered by the clock, to the microsecond, then random. */
firn_uuid firn_uuid_v7(const firn_ctx *ctx);

/* Lower case, with hyphens. */
void firn_uuid_text(firn_uuid uuid, char out[FIRN_UUID_TEXT]);
/* That form, either case, nothing around it; FIRN_INVALID otherwise. */
FIRN_MUST_USE firn_status firn_uuid_parse(firn_bytes text, firn_uuid *out, firn_error *err);

static inline bool firn_uuid_equal(firn_uuid a, firn_uuid b) {
  return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

#endif
