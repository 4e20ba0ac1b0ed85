#include "base/json_write.h"

#include <math.h>

#include "base/number.h"
#include "base/utf8.h"

static void new_line(firn_json_writer *w) {
  static const char spaces[] = "                                ";
  firn_builder_add_u8(w->to, '\n');
  for (size_t left = (size_t)w->indent * w->depth; left > 0;) {
    size_t n = left < sizeof spaces - 1 ? left : sizeof spaces - 1;
    firn_builder_add(w->to, (firn_bytes){(const uint8_t *)spaces, n});
    left -= n;
  }
}

/* What must stand before a key, an item, or the value of a key. */
static void begin_item(firn_json_writer *w) {
  if (w->after_key) {
    w->after_key = false;
    return;
  }
  if (w->needs_comma) {
    firn_builder_add_u8(w->to, ',');
  }
  if (w->indent != 0 && w->depth > 0) {
    new_line(w);
  }
}

static void begin(firn_json_writer *w, uint8_t bracket) {
  begin_item(w);
  firn_builder_add_u8(w->to, bracket);
  w->depth++;
  w->needs_comma = false;
}

static void end(firn_json_writer *w, uint8_t bracket) {
  w->depth--;
  if (w->indent != 0 && w->needs_comma) {
    new_line(w);
  }
  firn_builder_add_u8(w->to, bracket);
  w->needs_comma = true;
}

void firn_json_begin_object(firn_json_writer *w) {
  begin(w, '{');
}
void firn_json_end_object(firn_json_writer *w) {
  end(w, '}');
}
void firn_json_begin_array(firn_json_writer *w) {
  begin(w, '[');
}
void firn_json_end_array(firn_json_writer *w) {
  end(w, ']');
}

static void add_escape(firn_builder *b, uint8_t c) {
  static const char hex[] = "0123456789abcdef";
  static const char letters[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
  char letter = c < 32 ? letters[c] : (char)c;
  if (letter != '\0') {
    firn_builder_add(b, (firn_bytes){(const uint8_t[]){'\\', (uint8_t)letter}, 2});
    return;
  }
  const uint8_t text[] = {'\\', 'u', '0', '0', (uint8_t)hex[c >> 4], (uint8_t)hex[c & 15]};
  firn_builder_add(b, (firn_bytes){text, sizeof text});
}

static void add_string(firn_builder *b, firn_bytes text) {
  firn_builder_add_u8(b, '"');
  size_t done = 0; /* what is before it has been written */
  for (size_t i = 0; i < text.len;) {
    uint8_t c = text.data[i];
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      i++;
      continue;
    }
    uint32_t ignored;
    size_t len = c < 0x80 ? 0 : firn_utf8_decode(text.data + i, text.data + text.len, &ignored);
    if (len > 0) {
      i += len;
      continue;
    }
    firn_builder_add(b, (firn_bytes){text.data + done, i - done});
    if (c < 0x80) {
      add_escape(b, c);
    } else {
      firn_builder_add_text(b, "\xEF\xBF\xBD"); /* U+FFFD */
    }
    done = ++i;
  }
  if (done < text.len) {
    firn_builder_add(b, (firn_bytes){text.data + done, text.len - done});
  }
  firn_builder_add_u8(b, '"');
}

void firn_json_key(firn_json_writer *w, const char *key) {
  firn_json_key_bytes(w, firn_bytes_of(key));
}

void firn_json_key_bytes(firn_json_writer *w, firn_bytes key) {
  begin_item(w);
  add_string(w->to, key);
  firn_builder_add_text(w->to, w->indent != 0 ? ": " : ":");
  w->needs_comma = true;
  w->after_key = true;
}

void firn_json_write_raw(firn_json_writer *w, firn_bytes json) {
  begin_item(w);
  firn_builder_add(w->to, json);
  w->needs_comma = true;
}

void firn_json_write_text(firn_json_writer *w, const char *text) {
  firn_json_write_bytes(w, firn_bytes_of(text));
}

void firn_json_write_bytes(firn_json_writer *w, firn_bytes text) {
  begin_item(w);
  add_string(w->to, text);
  w->needs_comma = true;
}

void firn_json_write_int64(firn_json_writer *w, int64_t v) {
  char text[FIRN_NUMBER_MAX];
  size_t len = firn_number_of_int64(v, text);
  firn_json_write_raw(w, (firn_bytes){(const uint8_t *)text, len});
}

/* NaN and the infinities, which JSON has no numbers for. */
static void write_special(firn_json_writer *w, double v) {
  firn_json_write_text(w, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

void firn_json_write_double(firn_json_writer *w, double v) {
  char text[FIRN_NUMBER_MAX];
  if (!isfinite(v)) {
    write_special(w, v);
    return;
  }
  size_t len = firn_number_of_double(v, text);
  firn_json_write_raw(w, (firn_bytes){(const uint8_t *)text, len});
}

void firn_json_write_float(firn_json_writer *w, float v) {
  char text[FIRN_NUMBER_MAX];
  if (!isfinite(v)) {
    write_special(w, (double)v);
    return;
  }
  size_t len = firn_number_of_float(v, text);
  firn_json_write_raw(w, (firn_bytes){(const uint8_t *)text, len});
}

void firn_json_write_bool(firn_json_writer *w, bool v) {
  firn_json_write_raw(w, v ? FIRN_LITERAL("true") : FIRN_LITERAL("false"));
}

void firn_json_write_null(firn_json_writer *w) {
  firn_json_write_raw(w, FIRN_LITERAL("null"));
}

void firn_json_add_text(firn_json_writer *w, const char *key, const char *text) {
  firn_json_key(w, key);
  firn_json_write_text(w, text);
}

void firn_json_add_int64(firn_json_writer *w, const char *key, int64_t v) {
  firn_json_key(w, key);
  firn_json_write_int64(w, v);
}

void firn_json_add_bool(firn_json_writer *w, const char *key, bool v) {
  firn_json_key(w, key);
  firn_json_write_bool(w, v);
}
