#include "base/json_split.h"

enum { ELSEWHERE, A_STRING, BEHIND_A_BACKSLASH, A_WORD };

/* To the first quote or backslash, eight bytes at a time where neither is among them. */
static const uint8_t *to_quote(const uint8_t *at, const uint8_t *end) {
  const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);
  while (end - at >= 8) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\'; /* a zero byte where it stands */
    if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & tops) {
      break;
    }
    at += 8;
  }
  while (at < end && *at != '"' && *at != '\\') {
    at++;
  }
  return at;
}

static bool ends_word(uint8_t c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == ']' || c == '}';
}

static bool done(firn_json_splitter *s, size_t len, size_t *used) {
  *s = (firn_json_splitter){0};
  *used = len;
  return true;
}

/* From inside a string through its end; `*at` is then behind the quote. False when the piece ends first. */
static bool end_string(firn_json_splitter *s, const uint8_t **at, const uint8_t *end) {
  while (*at < end) {
    if (s->within == BEHIND_A_BACKSLASH) {
      s->within = A_STRING;
      ++*at;
      continue;
    }
    *at = to_quote(*at, end);
    if (*at == end) {
      return false;
    }
    bool is_quote = *(*at)++ == '"';
    s->within = is_quote ? ELSEWHERE : BEHIND_A_BACKSLASH;
    if (is_quote) {
      return true;
    }
  }
  return false;
}

bool firn_json_split(firn_json_splitter *s, firn_bytes piece, size_t *used) {
  const uint8_t *at = piece.data, *end = piece.len == 0 ? at : at + piece.len;
  while (at < end) {
    if (s->within == A_STRING || s->within == BEHIND_A_BACKSLASH) {
      if (end_string(s, &at, end) && s->depth == 0) {
        return done(s, (size_t)(at - piece.data), used);
      }
      continue;
    }
    uint8_t c = *at;
    if (s->within == A_WORD) {
      if (ends_word(c)) {
        return done(s, (size_t)(at - piece.data), used);
      }
      at++;
      continue;
    }
    at++;
    if (c == '"') {
      s->within = A_STRING;
    } else if (c == '{' || c == '[') {
      s->depth++;
    } else if (c == '}' || c == ']') {
      if (s->depth <= 1) { /* an end without a beginning is cut off alone */
        return done(s, (size_t)(at - piece.data), used);
      }
      s->depth--;
    } else if (s->depth == 0) {
      s->within = A_WORD;
    }
  }
  return false;
}
