#include "base/builder.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

enum { FIRST_CAPACITY = 256, VARINT_MAX = 10 };

static void fail(firn_builder *b, firn_status status) {
  if (b->failed == FIRN_OK) {
    b->failed = status;
  }
}

static bool grow(firn_builder *b, size_t needed) {
  if (b->max_bytes != 0 && needed > b->max_bytes) {
    fail(b, FIRN_LIMIT);
    return false;
  }
  size_t capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : b->capacity + b->capacity / 2;
  capacity = capacity < needed ? needed : capacity;
  if (b->max_bytes != 0 && capacity > b->max_bytes) {
    capacity = b->max_bytes;
  }
  uint8_t *moved = firn_realloc(b->data, capacity);
  if (moved == NULL) {
    fail(b, FIRN_NOMEM);
    return false;
  }
  b->data = moved;
  b->capacity = capacity;
  return true;
}

uint8_t *firn_builder_reserve(firn_builder *b, size_t len) {
  if (b->failed != FIRN_OK) {
    return NULL;
  }
  if (len > SIZE_MAX - b->len) {
    fail(b, FIRN_LIMIT);
    return NULL;
  }
  if ((b->data == NULL || b->capacity - b->len < len) && !grow(b, b->len + len)) {
    return NULL;
  }
  return b->data + b->len;
}

void firn_builder_claim(firn_builder *b, size_t len) {
  assert(b->failed != FIRN_OK || len <= b->capacity - b->len);
  if (b->failed == FIRN_OK) {
    b->len += len;
  }
}

void firn_builder_add(firn_builder *b, firn_bytes bytes) {
  uint8_t *room = firn_builder_reserve(b, bytes.len);
  if (room != NULL && bytes.len > 0) {
    memcpy(room, bytes.data, bytes.len);
    b->len += bytes.len;
  }
}

void firn_builder_add_text(firn_builder *b, const char *text) {
  firn_builder_add(b, firn_bytes_of(text));
}

void firn_builder_addf(firn_builder *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  uint8_t *room = len < 0 ? NULL : firn_builder_reserve(b, (size_t)len + 1);
  if (room == NULL) {
    return;
  }
  va_start(args, format);
  (void)vsnprintf((char *)room, (size_t)len + 1, format, args); /* measured above */
  va_end(args);
  b->len += (size_t)len;
}

void firn_builder_add_u8(firn_builder *b, uint8_t byte) {
  uint8_t *room = firn_builder_reserve(b, 1);
  if (room != NULL) {
    *room = byte;
    b->len += 1;
  }
}

static void add_le(firn_builder *b, uint64_t v, size_t size) {
  uint8_t *room = firn_builder_reserve(b, size);
  if (room == NULL) {
    return;
  }
  for (size_t i = 0; i < size; i++) {
    room[i] = (uint8_t)(v >> (8 * i));
  }
  b->len += size;
}

void firn_builder_add_u32le(firn_builder *b, uint32_t v) {
  add_le(b, v, 4);
}
void firn_builder_add_u64le(firn_builder *b, uint64_t v) {
  add_le(b, v, 8);
}

void firn_builder_add_varint(firn_builder *b, uint64_t v) {
  uint8_t *room = firn_builder_reserve(b, VARINT_MAX);
  if (room == NULL) {
    return;
  }
  size_t n = 0;
  while (v >= 0x80) {
    room[n++] = (uint8_t)(v | 0x80);
    v >>= 7;
  }
  room[n++] = (uint8_t)v;
  b->len += n;
}

void firn_builder_add_zigzag(firn_builder *b, int64_t v) {
  firn_builder_add_varint(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

firn_status firn_builder_finish(const firn_builder *b, firn_bytes *out, firn_error *err) {
  if (b->failed == FIRN_LIMIT) {
    return firn_error_set(err, FIRN_LIMIT, "more than %zu bytes", b->max_bytes);
  }
  if (b->failed != FIRN_OK) {
    return firn_error_set(err, b->failed, "no memory for %zu bytes", b->len);
  }
  *out = firn_builder_bytes(b);
  return FIRN_OK;
}

firn_status firn_builder_finish_copy(const firn_builder *b, firn_arena *arena, firn_bytes *out,
                                     firn_error *err) {
  firn_bytes built;
  FIRN_TRY(firn_builder_finish(b, &built, err));
  firn_bytes copy = firn_arena_copy(arena, built);
  if (copy.data == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes", built.len);
  }
  *out = copy;
  return FIRN_OK;
}

void firn_builder_reset(firn_builder *b) {
  b->len = 0;
  b->failed = FIRN_OK;
}

void firn_builder_free(firn_builder *b) {
  firn_free(b->data);
  *b = (firn_builder)FIRN_BUILDER_INIT(b->max_bytes);
}
