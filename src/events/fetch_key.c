#include "events/fetch_key.h"

#include <inttypes.h>

#include "base/utf8.h"

/* A local place may be written as "/lake", "file:/lake" and "file:///lake": all become the first. */
static firn_bytes without_file_scheme(firn_bytes location) {
  if (firn_bytes_has_prefix(location, FIRN_LITERAL("file:///"))) {
    return firn_bytes_part(location, 7, location.len);
  }
  if (firn_bytes_has_prefix(location, FIRN_LITERAL("file:/"))) {
    return firn_bytes_part(location, 5, location.len);
  }
  return location;
}

/* What follows `root` and a slash in `location`; false when that does not lie below it. */
static bool strip_root(firn_bytes location, firn_bytes root, firn_bytes *rest) {
  firn_bytes l = without_file_scheme(location);
  firn_bytes r = without_file_scheme(root);
  while (r.len > 0 && r.data[r.len - 1] == '/') {
    r.len--;
  }
  /* An empty root is "/", which the place must then begin with. */
  if (root.len == 0 || !firn_bytes_has_prefix(l, r) || l.len == r.len || l.data[r.len] != '/') {
    return false;
  }
  *rest = firn_bytes_part(l, r.len + 1, l.len);
  return true;
}

/* RFC 3986: a scheme and "://". A legacy name has colons too ("adid:erc721:..."), but no slashes behind. */
static bool has_scheme(firn_bytes text) {
  size_t i = 0;
  while (i < text.len) {
    uint8_t c = text.data[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && !(other && i > 0)) {
      break;
    }
    i++;
  }
  return i > 0 && firn_bytes_has_prefix(firn_bytes_part(text, i, text.len), FIRN_LITERAL("://"));
}

static firn_status check_parts(firn_bytes path, firn_error *err) {
  for (size_t at = 0; at <= path.len;) {
    firn_bytes rest = firn_bytes_part(path, at, path.len);
    const uint8_t *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.data);
    firn_bytes part = firn_bytes_part(rest, 0, len);
    if (len == 0 || firn_bytes_is(part, ".") || firn_bytes_is(part, "..")) {
      return firn_error_set(err, FIRN_INVALID, "a key whose path has an empty part, \".\" or \"..\"");
    }
    at += len + 1;
  }
  return FIRN_OK;
}

static firn_status check_path(firn_bytes path, firn_error *err) {
  if (path.len == 0) {
    return firn_error_set(err, FIRN_INVALID, "a key without a path");
  }
  if (path.data[0] == '/' || has_scheme(path)) {
    return firn_error_set(err, FIRN_INVALID, "a key whose path is not relative to the warehouse");
  }
  return check_parts(path, err);
}

static firn_status check_text(firn_bytes text, firn_error *err) {
  if (text.len == 0 || text.len > FIRN_FETCH_KEY_MAX) {
    return firn_error_set(err, FIRN_INVALID, "a key of %zu bytes; 1 to %d are allowed", text.len,
                          (int)FIRN_FETCH_KEY_MAX);
  }
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
      return firn_error_set(err, FIRN_INVALID, "a key with a control character at byte %zu", i);
    }
  }
  if (!firn_utf8_is_valid(text)) {
    return firn_error_set(err, FIRN_INVALID, "a key that is no UTF-8");
  }
  return FIRN_OK;
}

static firn_status read_row(firn_bytes text, int64_t *out, firn_error *err) {
  int64_t row = 0;
  bool right = text.len > 0 && (text.data[0] != '0' || text.len == 1);
  for (size_t i = 0; i < text.len && right; i++) {
    int64_t digit = (int64_t)text.data[i] - '0';
    right = digit >= 0 && digit <= 9 && row <= (INT64_MAX - digit) / 10;
    row = right ? row * 10 + digit : 0;
  }
  if (!right) {
    return firn_error_set(err, FIRN_INVALID,
                          "a key whose row (behind the last '#') is no number of a row, as in path#0");
  }
  *out = row;
  return FIRN_OK;
}

/* Where the last '#' is; text.len when there is none. */
static size_t find_hash(firn_bytes text) {
  for (size_t i = text.len; i > 0; i--) {
    if (text.data[i - 1] == '#') {
      return i - 1;
    }
  }
  return text.len;
}

firn_status firn_fetch_key_parse(firn_bytes text, const char *warehouse, firn_fetch_key *out,
                                 firn_error *err) {
  firn_fetch_key key = {0};
  FIRN_TRY(check_text(text, err));
  size_t hash = find_hash(text);
  key.is_legacy = hash == text.len;
  key.path = firn_bytes_part(text, 0, hash);
  (void)strip_root(key.path, firn_bytes_of(warehouse), &key.path); /* one that is relative stays as it is */
  FIRN_TRY(check_path(key.path, err));
  if (!key.is_legacy) {
    FIRN_TRY(read_row(firn_bytes_part(text, hash + 1, text.len), &key.row, err));
  }
  *out = key;
  return FIRN_OK;
}

firn_status firn_fetch_key_path(const char *location, const char *warehouse, firn_bytes *out,
                                firn_error *err) {
  firn_bytes path;
  if (!strip_root(firn_bytes_of(location), firn_bytes_of(warehouse), &path)) {
    return firn_error_set(err, FIRN_INVALID, "%s is not below the warehouse %s", location, warehouse);
  }
  firn_status status = check_path(path, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", location);
  }
  *out = path;
  return FIRN_OK;
}

const char *firn_fetch_key_text(firn_bytes path, int64_t row, firn_arena *arena) {
  return firn_arena_printf(arena, "%.*s#%" PRId64, FIRN_FORMAT_BYTES(path), row);
}
