/* A cursor over borrowed bytes that nobody may read beyond. It remembers the first overrun in `bad`; after
 * that every take yields zero or nothing. Ask `bad` once, at the end, and before trusting a count. */
#ifndef FIRN_BASE_CURSOR_H
#define FIRN_BASE_CURSOR_H

#include "base/bytes.h"

typedef struct firn_cursor {
  const uint8_t *start, *at, *end;
  bool bad;
} firn_cursor;

static inline firn_cursor firn_cursor_over(firn_bytes in) {
  return (firn_cursor){in.data, in.data, in.data == NULL ? NULL : in.data + in.len, false};
}

static inline size_t firn_cursor_left(const firn_cursor *c) {
  return c->bad ? 0 : (size_t)(c->end - c->at);
}
static inline size_t firn_cursor_offset(const firn_cursor *c) {
  return (size_t)(c->at - c->start);
}

/* The next `len` bytes, borrowed from the input. */
static inline firn_bytes firn_cursor_take(firn_cursor *c, uint64_t len) {
  if (c->bad || len > (uint64_t)(c->end - c->at)) {
    c->bad = true;
    return (firn_bytes){NULL, 0};
  }
  firn_bytes taken = {c->at, (size_t)len};
  c->at += len;
  return taken;
}

static inline uint8_t firn_cursor_u8(firn_cursor *c) {
  if (c->bad || c->at == c->end) {
    c->bad = true;
    return 0;
  }
  return *c->at++;
}

static inline uint64_t firn_cursor_le(firn_cursor *c, size_t size) {
  firn_bytes b = firn_cursor_take(c, size);
  uint64_t v = 0;
  for (size_t i = 0; i < b.len; i++) {
    v |= (uint64_t)b.data[i] << (8 * i);
  }
  return v;
}

static inline uint32_t firn_cursor_u32le(firn_cursor *c) {
  return (uint32_t)firn_cursor_le(c, 4);
}
static inline uint64_t firn_cursor_u64le(firn_cursor *c) {
  return firn_cursor_le(c, 8);
}

/* LEB128, at most ten bytes; one that does not fit in 64 bits is bad. */
static inline uint64_t firn_cursor_varint(firn_cursor *c) {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = firn_cursor_u8(c);
    if (shift == 63 && byte > 1) {
      break;
    }
    v |= (uint64_t)(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) {
      return v;
    }
  }
  c->bad = true;
  return 0;
}

static inline int64_t firn_cursor_zigzag(firn_cursor *c) {
  uint64_t v = firn_cursor_varint(c);
  return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
