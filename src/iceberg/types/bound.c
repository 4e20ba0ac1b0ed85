/* Bounds that are cut. Spec: Manifests (lower_bounds, upper_bounds): text is cut at a code point. */
#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "iceberg/types/value.h"

enum { LAST_CODE_POINT = 0x10FFFF, FIRST_SURROGATE = 0xD800, AFTER_SURROGATES = 0xE000, UTF8_MAX = 4 };

/* The first `n` code points; a byte that begins none counts as one, so that any text has a prefix. */
static firn_bytes text_prefix(firn_bytes text, size_t n) {
  size_t at = 0;
  for (size_t i = 0; i < n && at < text.len; i++) {
    uint32_t ignored;
    size_t len = firn_utf8_decode(text.data + at, text.data + text.len, &ignored);
    at += len == 0 ? 1 : len;
  }
  return firn_bytes_part(text, 0, at);
}

firn_bytes firn_bound_prefix(firn_kind kind, firn_bytes value, size_t n) {
  return kind == FIRN_KIND_STRING ? text_prefix(value, n) : firn_bytes_part(value, 0, n);
}

static firn_status check_kind(firn_kind kind, firn_error *err) {
  if (kind != FIRN_KIND_STRING && kind != FIRN_KIND_BINARY && kind != FIRN_KIND_FIXED) {
    return firn_error_set(err, FIRN_INVALID, "bounds of %s are not cut", firn_kind_name(kind));
  }
  return FIRN_OK;
}

firn_status firn_bound_lower(firn_kind kind, firn_bytes value, size_t n, firn_bytes *out, firn_error *err) {
  FIRN_TRY(check_kind(kind, err));
  *out = firn_bound_prefix(kind, value, n);
  return FIRN_OK;
}

/* The last byte that can grow, grown; what follows it is left away. 0: there is none. */
static size_t increment_bytes(uint8_t *bytes, size_t len) {
  while (len > 0 && bytes[len - 1] == 0xFF) {
    len--;
  }
  if (len > 0) {
    bytes[len - 1]++;
  }
  return len;
}

/* The same for code points of valid text; `text` has room for one that grows longer. */
static size_t increment_text(uint8_t *text, size_t len) {
  while (len > 0) {
    size_t start = len - 1;
    while (start > 0 && (text[start] & 0xC0) == 0x80) {
      start--;
    }
    uint32_t point = 0;
    size_t decoded = firn_utf8_decode(text + start, text + len, &point);
    assert(decoded == len - start);
    (void)decoded;
    if (point < LAST_CODE_POINT) {
      point = point + 1 == FIRST_SURROGATE ? AFTER_SURROGATES : point + 1;
      return start + firn_utf8_encode(point, text + start);
    }
    len = start;
  }
  return 0;
}

firn_status firn_bound_upper(firn_kind kind, firn_bytes value, size_t n, firn_arena *arena, firn_bytes *out,
                             bool *exists, firn_error *err) {
  FIRN_TRY(check_kind(kind, err));
  firn_bytes prefix = firn_bound_prefix(kind, value, n);
  if (prefix.len == value.len) {
    *out = value;
    *exists = true;
    return FIRN_OK;
  }
  if (kind == FIRN_KIND_STRING && !firn_utf8_is_valid(prefix)) {
    *exists = false; /* no text is known to be beyond what is no text */
    return FIRN_OK;
  }
  uint8_t *bytes = firn_arena_alloc_bytes(arena, prefix.len + UTF8_MAX);
  if (bytes == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a bound");
  }
  if (prefix.len > 0) {
    memcpy(bytes, prefix.data, prefix.len);
  }
  size_t len =
      kind == FIRN_KIND_STRING ? increment_text(bytes, prefix.len) : increment_bytes(bytes, prefix.len);
  *exists = len > 0;
  if (*exists) {
    *out = (firn_bytes){bytes, len};
  }
  return FIRN_OK;
}
