#include "formats/avro/avro.h"

static bool is_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool firn_avro_name_is_valid(firn_bytes name) {
  for (size_t i = 0; i < name.len; i++) {
    if (!is_letter(name.data[i]) && !(i > 0 && is_digit(name.data[i]))) {
      return false;
    }
  }
  return name.len > 0;
}

/* The code point at `*at`, which moves on. A byte that begins no whole character counts as itself: names are
 * UTF-8 by then, and another name is better than none. */
static uint32_t next_code_point(firn_bytes text, size_t *at) {
  uint8_t first = text.data[(*at)++];
  unsigned more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0;
  if (more == 0 || first >= 0xF8 || text.len - *at < more) {
    return first;
  }
  uint32_t c = first & (0x3FU >> more);
  for (unsigned i = 0; i < more; i++) {
    uint8_t byte = text.data[*at + i];
    if ((byte & 0xC0) != 0x80) {
      return first;
    }
    c = c << 6 | (byte & 0x3F);
  }
  *at += more;
  return c;
}

void firn_avro_name_sanitize(firn_bytes name, firn_builder *out) {
  bool first = true;
  for (size_t at = 0; at < name.len; first = false) {
    uint32_t c = next_code_point(name, &at);
    if (is_letter(c) || (is_digit(c) && !first)) {
      firn_builder_add_u8(out, (uint8_t)c);
    } else if (is_digit(c)) {
      firn_builder_addf(out, "_%c", (char)c);
    } else if (c < 0x10000) {
      firn_builder_addf(out, "_x%X", (unsigned)c);
    } else { /* two UTF-16 units */
      c -= 0x10000;
      firn_builder_addf(out, "_x%X_x%X", (unsigned)(0xD800 + (c >> 10)), (unsigned)(0xDC00 + (c & 0x3FF)));
    }
  }
  if (name.len == 0) {
    firn_builder_add_u8(out, '_');
  }
}
