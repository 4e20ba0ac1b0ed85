/* Borrowed runs of bytes, text included (UTF-8, not terminated). Small values, passed by value. */
#ifndef FIRN_BASE_BYTES_H
#define FIRN_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct firn_bytes {
  const uint8_t *data; /* NULL when empty is fine */
  size_t len;
} firn_bytes;

/* The bytes of a string literal, without its end. */
#define FIRN_LITERAL(text) ((firn_bytes){(const uint8_t *)("" text), sizeof(text) - 1})

static inline firn_bytes firn_bytes_of(const char *text) {
  return (firn_bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

static inline bool firn_bytes_equal(firn_bytes a, firn_bytes b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool firn_bytes_is(firn_bytes a, const char *text) {
  return firn_bytes_equal(a, firn_bytes_of(text));
}

/* Unsigned, byte by byte, shorter first: the order of UTF-8 code points too. */
static inline int firn_bytes_compare(firn_bytes a, firn_bytes b) {
  size_t shorter = a.len < b.len ? a.len : b.len;
  int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
  return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool firn_bytes_has_prefix(firn_bytes a, firn_bytes prefix) {
  return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.data, prefix.data, prefix.len) == 0);
}

/* `from` and `len` are cut to what is there. */
static inline firn_bytes firn_bytes_part(firn_bytes a, size_t from, size_t len) {
  if (from >= a.len) {
    return (firn_bytes){a.data, 0};
  }
  return (firn_bytes){a.data + from, len < a.len - from ? len : a.len - from};
}

/* For printf's "%.*s". Long text is the caller's to cut. */
#define FIRN_FORMAT_BYTES(b) (int)(b).len, (const char *)((b).data == NULL ? (const uint8_t *)"" : (b).data)

#endif
