#include "net/percent.h"

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool needs_decoding(firn_bytes text, bool is_form) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '%' || (is_form && text.data[i] == '+')) {
      return true;
    }
  }
  return false;
}

firn_status firn_percent_decode(firn_bytes text, bool is_form, firn_arena *arena, firn_bytes *out,
                                firn_error *err) {
  if (!needs_decoding(text, is_form)) {
    *out = text;
    return FIRN_OK;
  }
  uint8_t *decoded = firn_arena_alloc_bytes(arena, text.len);
  if (decoded == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu bytes of a URL", text.len);
  }
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    if (c == '%') {
      int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
      int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
      if (high < 0 || low < 0 || high + low == 0) {
        return firn_error_set(err, FIRN_INVALID, "malformed percent-encoding in the URL");
      }
      c = (uint8_t)(high * 16 + low);
      i += 2;
    } else if (c == '+' && is_form) {
      c = ' ';
    }
    decoded[len++] = c;
  }
  *out = (firn_bytes){decoded, len};
  return FIRN_OK;
}
