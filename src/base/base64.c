#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NO_DIGIT = 64 };

static unsigned digit_of(uint8_t c) {
  if (c >= 'A' && c <= 'Z') {
    return (unsigned)(c - 'A');
  }
  if (c >= 'a' && c <= 'z') {
    return (unsigned)(c - 'a' + 26);
  }
  if (c >= '0' && c <= '9') {
    return (unsigned)(c - '0' + 52);
  }
  return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

/* Four characters, of which `n` count (the rest is padding), to their 24 bits; false when one is no digit. */
static bool quad_bits(const uint8_t *in, size_t n, uint32_t *out) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 4; i++) {
    unsigned digit = i < n ? digit_of(in[i]) : 0;
    if (digit == NO_DIGIT) {
      return false;
    }
    bits = bits << 6 | digit;
  }
  *out = bits;
  return true;
}

firn_status firn_base64_decode(firn_bytes text, firn_arena *arena, firn_bytes *out, firn_error *err) {
  if (text.len % 4 != 0) {
    return firn_error_set(err, FIRN_CORRUPT, "base64 of %zu characters is not a multiple of four", text.len);
  }
  size_t padding = 0;
  while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
    padding++;
  }
  size_t len = text.len / 4 * 3 - padding;
  uint8_t *into = firn_arena_alloc_bytes(arena, text.len / 4 * 3);
  if (into == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of base64", len);
  }
  for (size_t i = 0; i < text.len; i += 4) {
    size_t digits = i + 4 == text.len ? 4 - padding : 4;
    uint32_t bits;
    if (!quad_bits(text.data + i, digits, &bits)) {
      return firn_error_set(err, FIRN_CORRUPT, "a character near %zu is not base64", i);
    }
    if ((digits == 3 && (bits & 0xFF) != 0) || (digits == 2 && (bits & 0xFFFF) != 0)) {
      return firn_error_set(err, FIRN_CORRUPT, "base64 has bits behind its end");
    }
    uint8_t *to = into + i / 4 * 3;
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
  }
  *out = (firn_bytes){into, len};
  return FIRN_OK;
}

void firn_base64_encode(firn_bytes bytes, firn_builder *out) {
  for (size_t i = 0; i < bytes.len; i += 3) {
    size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
    uint32_t bits = (uint32_t)bytes.data[i] << 16;
    bits |= n > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
    bits |= n > 2 ? bytes.data[i + 2] : 0;
    firn_builder_add_u8(out, (uint8_t)alphabet[bits >> 18]);
    firn_builder_add_u8(out, (uint8_t)alphabet[bits >> 12 & 63]);
    firn_builder_add_u8(out, n > 1 ? (uint8_t)alphabet[bits >> 6 & 63] : '=');
    firn_builder_add_u8(out, n > 2 ? (uint8_t)alphabet[bits & 63] : '=');
  }
}
