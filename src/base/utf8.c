#include "base/utf8.h"

#include <assert.h>

static inline bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

size_t firn_utf8_decode(const uint8_t *at, const uint8_t *end, uint32_t *out) {
  if (at == end) {
    return 0;
  }
  size_t left = (size_t)(end - at);
  uint8_t lead = at[0];
  if (lead < 0x80) {
    *out = lead;
    return 1;
  }
  if (lead < 0xC2 || left < 2 || !is_continuation(at[1])) { /* C0 and C1 could only begin overlong forms */
    return 0;
  }
  if (lead < 0xE0) {
    *out = (uint32_t)(lead & 0x1F) << 6 | (at[1] & 0x3Fu);
    return 2;
  }
  if (left < 3 || !is_continuation(at[2])) {
    return 0;
  }
  if (lead < 0xF0) {
    uint32_t c = (uint32_t)(lead & 0x0F) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)) {
      return 0;
    }
    *out = c;
    return 3;
  }
  if (left < 4 || !is_continuation(at[3]) || lead > 0xF4) {
    return 0;
  }
  uint32_t c = (uint32_t)(lead & 0x07) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
  if (c < 0x10000 || c > 0x10FFFF) {
    return 0;
  }
  *out = c;
  return 4;
}

size_t firn_utf8_encode(uint32_t code_point, uint8_t out[4]) {
  assert(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
  if (code_point < 0x80) {
    out[0] = (uint8_t)code_point;
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = (uint8_t)(0xC0 | code_point >> 6);
    out[1] = (uint8_t)(0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = (uint8_t)(0xE0 | code_point >> 12);
    out[1] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code_point & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | code_point >> 18);
  out[1] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (code_point & 0x3F));
  return 4;
}

/* Passes over eight ASCII bytes at a time: most text is ASCII. */
static const uint8_t *skip_ascii(const uint8_t *at, const uint8_t *end) {
  while (end - at >= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    if ((word & UINT64_C(0x8080808080808080)) != 0) {
      break;
    }
    at += 8;
  }
  while (at < end && *at < 0x80) {
    at++;
  }
  return at;
}

size_t firn_utf8_valid_len(firn_bytes text) {
  if (text.len == 0) {
    return 0;
  }
  const uint8_t *at = text.data, *end = text.data + text.len;
  for (;;) {
    at = skip_ascii(at, end);
    uint32_t ignored;
    size_t len = firn_utf8_decode(at, end, &ignored);
    if (len == 0) {
      return (size_t)(at - text.data);
    }
    at += len;
  }
}

bool firn_utf8_is_valid(firn_bytes text) {
  return firn_utf8_valid_len(text) == text.len;
}

size_t firn_utf8_count(firn_bytes text) {
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    n += !is_continuation(text.data[i]);
  }
  return n;
}

firn_bytes firn_utf8_prefix(firn_bytes text, size_t n_code_points) {
  size_t n = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (!is_continuation(text.data[i]) && n++ == n_code_points) {
      return (firn_bytes){text.data, i};
    }
  }
  return text;
}
