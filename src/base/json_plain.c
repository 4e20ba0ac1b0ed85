#include "base/json.h"

#include "base/json_internal.h"
#include "base/utf8.h"

static firn_status broken(firn_json *j, const uint8_t *at, const char *what, firn_error *err) {
  j->at = at;
  j->expect = FIRN_JSON_FAILED;
  return firn_error_set(err, FIRN_CORRUPT, "JSON at offset %zu: %s", (size_t)(at - j->start),
                        at == j->end ? "the text ends too early" : what);
}

static void skip_space(firn_json *j) {
  while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\r' || *j->at == '\t')) {
    j->at++;
  }
}

static bool is_digit(const uint8_t *at, const uint8_t *end) {
  return at < end && *at >= '0' && *at <= '9';
}

static void value_done(firn_json *j) {
  j->expect = j->depth == 0 ? FIRN_JSON_WANT_NOTHING : FIRN_JSON_WANT_COMMA_OR_END;
}

/* Four hexadecimal digits; false when they are not there. */
static bool hex4(const uint8_t *at, const uint8_t *end, uint32_t *out) {
  uint32_t v = 0;
  if (end - at < 4) {
    return false;
  }
  for (int i = 0; i < 4; i++) {
    uint32_t lower = at[i] | 0x20u;
    if (at[i] >= '0' && at[i] <= '9') {
      v = v << 4 | (at[i] - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      v = v << 4 | (lower - 'a' + 10);
    } else {
      return false;
    }
  }
  *out = v;
  return true;
}

size_t firn_json_escape_len(const uint8_t *at, const uint8_t *end) {
  if (at == end) {
    return 0;
  }
  switch (*at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return 1;
    case 'u':
      break;
    default:
      return 0;
  }
  uint32_t unit;
  if (!hex4(at + 1, end, &unit) || (unit >= 0xDC00 && unit <= 0xDFFF)) {
    return 0;
  }
  if (unit < 0xD800 || unit > 0xDBFF) {
    return 5;
  }
  bool has_low = end - at >= 11 && at[5] == '\\' && at[6] == 'u' && hex4(at + 7, end, &unit) &&
                 unit >= 0xDC00 && unit <= 0xDFFF;
  return has_low ? 11 : 0;
}

/* A string from its opening quote. */
static firn_status read_string(firn_json *j, firn_json_token *out, firn_error *err) {
  const uint8_t *first = j->at + 1, *at = first;
  bool has_escapes = false;
  while (at < j->end && *at != '"') {
    if (*at < 0x20) {
      return broken(j, at, "a control character in a string", err);
    }
    if (*at == '\\') {
      size_t len = firn_json_escape_len(at + 1, j->end);
      if (len == 0) {
        return broken(j, at, "a wrong escape", err);
      }
      has_escapes = true;
      at += 1 + len;
      continue;
    }
    uint32_t ignored;
    size_t len = firn_utf8_decode(at, j->end, &ignored);
    if (len == 0) {
      return broken(j, at, "the string is not UTF-8", err);
    }
    at += len;
  }
  if (at == j->end) {
    return broken(j, at, "", err);
  }
  j->at = at + 1;
  out->raw = (firn_bytes){first, (size_t)(at - first)};
  out->has_escapes = has_escapes;
  return FIRN_OK;
}

static firn_status read_number(firn_json *j, firn_json_token *out, firn_error *err) {
  const uint8_t *at = j->at + (*j->at == '-');
  bool is_integer = true;
  if (!is_digit(at, j->end)) {
    return broken(j, at, "a digit was expected", err);
  }
  if (*at == '0') {
    at++; /* nothing may follow a leading zero */
  } else {
    while (is_digit(at, j->end)) {
      at++;
    }
  }
  if (at < j->end && *at == '.') {
    is_integer = false;
    at++;
    if (!is_digit(at, j->end)) {
      return broken(j, at, "a digit was expected", err);
    }
    while (is_digit(at, j->end)) {
      at++;
    }
  }
  if (at < j->end && (*at == 'e' || *at == 'E')) {
    is_integer = false;
    at++;
    if (at < j->end && (*at == '+' || *at == '-')) {
      at++;
    }
    if (!is_digit(at, j->end)) {
      return broken(j, at, "a digit was expected", err);
    }
    while (is_digit(at, j->end)) {
      at++;
    }
  }
  *out = (firn_json_token){
      .kind = FIRN_JSON_NUMBER, .raw = {j->at, (size_t)(at - j->at)}, .is_integer = is_integer};
  j->at = at;
  return FIRN_OK;
}

static firn_status read_word(firn_json *j, const char *word, firn_json_kind kind, firn_json_token *out,
                             firn_error *err) {
  size_t len = strlen(word);
  for (size_t i = 0; i < len; i++) {
    if (j->at + i == j->end || j->at[i] != (uint8_t)word[i]) {
      return broken(j, j->at + i, "a value was expected", err);
    }
  }
  *out = (firn_json_token){.kind = kind, .raw = {j->at, len}};
  j->at += len;
  return FIRN_OK;
}

static firn_status open_container(firn_json *j, bool is_object, firn_json_token *out, firn_error *err) {
  if (j->depth == FIRN_JSON_MAX_DEPTH) {
    j->expect = FIRN_JSON_FAILED;
    return firn_error_set(err, FIRN_LIMIT, "JSON at offset %zu: nested deeper than %d", firn_json_offset(j),
                          FIRN_JSON_MAX_DEPTH);
  }
  uint64_t bit = UINT64_C(1) << (j->depth % 64);
  uint64_t *word = &j->in_object[j->depth / 64];
  *word = is_object ? *word | bit : *word & ~bit;
  j->depth++;
  j->expect = is_object ? FIRN_JSON_WANT_KEY_OR_END : FIRN_JSON_WANT_ITEM_OR_END;
  *out = (firn_json_token){.kind = is_object ? FIRN_JSON_OBJECT : FIRN_JSON_ARRAY, .raw = {j->at, 1}};
  j->at++;
  return FIRN_OK;
}

static firn_status close_container(firn_json *j, firn_json_token *out) {
  *out = (firn_json_token){.kind = firn_json_inside_object(j) ? FIRN_JSON_OBJECT_END : FIRN_JSON_ARRAY_END,
                           .raw = {j->at, 1}};
  j->at++;
  j->depth--;
  value_done(j);
  return FIRN_OK;
}

static firn_status read_value(firn_json *j, firn_json_token *out, firn_error *err) {
  if (j->at == j->end) {
    return broken(j, j->at, "", err);
  }
  switch (*j->at) {
    case '{':
      return open_container(j, true, out, err);
    case '[':
      return open_container(j, false, out, err);
    case '"':
      *out = (firn_json_token){.kind = FIRN_JSON_STRING};
      FIRN_TRY(read_string(j, out, err));
      break;
    case 't':
      FIRN_TRY(read_word(j, "true", FIRN_JSON_TRUE, out, err));
      break;
    case 'f':
      FIRN_TRY(read_word(j, "false", FIRN_JSON_FALSE, out, err));
      break;
    case 'n':
      FIRN_TRY(read_word(j, "null", FIRN_JSON_NULL, out, err));
      break;
    default:
      if (*j->at != '-' && !is_digit(j->at, j->end)) {
        return broken(j, j->at, "a value was expected", err);
      }
      FIRN_TRY(read_number(j, out, err));
      break;
  }
  value_done(j);
  return FIRN_OK;
}

static firn_status read_key(firn_json *j, firn_json_token *out, firn_error *err) {
  if (j->at == j->end || *j->at != '"') {
    return broken(j, j->at, "a key was expected", err);
  }
  *out = (firn_json_token){.kind = FIRN_JSON_KEY};
  FIRN_TRY(read_string(j, out, err));
  skip_space(j);
  if (j->at == j->end || *j->at != ':') {
    return broken(j, j->at, "a colon was expected", err);
  }
  j->at++;
  j->expect = FIRN_JSON_WANT_VALUE;
  return FIRN_OK;
}

/* Behind a value inside a container: its end, or a comma and what follows. */
static firn_status read_rest(firn_json *j, firn_json_token *out, firn_error *err) {
  bool in_object = firn_json_inside_object(j);
  if (j->at < j->end && *j->at == (in_object ? '}' : ']')) {
    return close_container(j, out);
  }
  if (j->at == j->end || *j->at != ',') {
    return broken(j, j->at, in_object ? "a comma or } was expected" : "a comma or ] was expected", err);
  }
  j->at++;
  skip_space(j);
  return in_object ? read_key(j, out, err) : read_value(j, out, err);
}

static firn_status next_token(firn_json *j, firn_json_token *out, firn_error *err) {
  skip_space(j);
  switch (j->expect) {
    case FIRN_JSON_WANT_VALUE:
      return read_value(j, out, err);
    case FIRN_JSON_WANT_ITEM_OR_END:
      return j->at < j->end && *j->at == ']' ? close_container(j, out) : read_value(j, out, err);
    case FIRN_JSON_WANT_KEY_OR_END:
      return j->at < j->end && *j->at == '}' ? close_container(j, out) : read_key(j, out, err);
    case FIRN_JSON_WANT_COMMA_OR_END:
      return read_rest(j, out, err);
    case FIRN_JSON_FAILED:
      return firn_error_set(err, FIRN_CORRUPT, "JSON at offset %zu: broken", firn_json_offset(j));
    default:
      if (j->at < j->end) {
        return broken(j, j->at, "something follows the value", err);
      }
      *out = (firn_json_token){.kind = FIRN_JSON_END, .raw = {j->at, 0}};
      return FIRN_OK;
  }
}

static firn_status plain_next(firn_json *j, firn_json_token *out, firn_error *err) {
  firn_json_token token;
  FIRN_TRY(next_token(j, &token, err));
  *out = token;
  return FIRN_OK;
}

static firn_status misused(firn_json *j, const char *what, firn_error *err) {
  j->expect = FIRN_JSON_FAILED;
  return firn_error_set(err, FIRN_INVALID, "JSON at offset %zu: %s", firn_json_offset(j), what);
}

/* `token` begins a value: passes over the rest of it and makes the token all of it. */
static firn_status read_whole(firn_json *j, firn_json_token *token, firn_error *err) {
  if (token->kind != FIRN_JSON_OBJECT && token->kind != FIRN_JSON_ARRAY) {
    return FIRN_OK;
  }
  size_t outside = j->depth - 1;
  while (j->depth > outside) {
    firn_json_token inner;
    FIRN_TRY(next_token(j, &inner, err));
  }
  token->raw.len = (size_t)(j->at - token->raw.data);
  return FIRN_OK;
}

static firn_status plain_skip(firn_json *j, firn_bytes *span, firn_error *err) {
  firn_json_token token;
  FIRN_TRY(next_token(j, &token, err));
  if (token.kind == FIRN_JSON_END || token.kind == FIRN_JSON_KEY || token.kind == FIRN_JSON_OBJECT_END ||
      token.kind == FIRN_JSON_ARRAY_END) {
    return misused(j, "there is no value to skip", err);
  }
  FIRN_TRY(read_whole(j, &token, err));
  const uint8_t *first = token.raw.data - (token.kind == FIRN_JSON_STRING);
  *span = (firn_bytes){first, (size_t)(j->at - first)};
  return FIRN_OK;
}

static firn_status plain_next_member(firn_json *j, firn_json_token *key, firn_json_token *value,
                                     firn_error *err) {
  firn_json_token found_key, found_value;
  FIRN_TRY(next_token(j, &found_key, err));
  if (found_key.kind != FIRN_JSON_OBJECT_END) {
    if (found_key.kind != FIRN_JSON_KEY) {
      return misused(j, "there is no member to read", err);
    }
    FIRN_TRY(next_token(j, &found_value, err));
    FIRN_TRY(read_whole(j, &found_value, err));
    *value = found_value;
  }
  *key = found_key;
  return FIRN_OK;
}

static firn_status plain_next_item(firn_json *j, firn_json_token *item, firn_error *err) {
  firn_json_token found;
  if (j->depth == 0 || firn_json_inside_object(j)) {
    return misused(j, "there is no item to read", err);
  }
  FIRN_TRY(next_token(j, &found, err));
  FIRN_TRY(read_whole(j, &found, err));
  *item = found;
  return FIRN_OK;
}

const firn_json_reader firn_json_plain = {
    .next = plain_next, .skip = plain_skip, .next_member = plain_next_member, .next_item = plain_next_item};
