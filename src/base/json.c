#include "base/json.h"

#include <math.h>

#include "base/json_internal.h"
#include "base/number.h"
#include "base/utf8.h"

void firn_json_init(firn_json *j, firn_bytes text) {
  const uint8_t *end = text.data == NULL ? NULL : text.data + text.len;
  *j = (firn_json){.start = text.data, .at = text.data, .end = end, .expect = FIRN_JSON_WANT_VALUE};
}

/* The one place where a reader is chosen. */
#if defined(__x86_64__)
static inline const firn_json_reader *used(void) {
  bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
  return FIRN_LIKELY(has_avx2) ? &firn_json_avx2 : &firn_json_swar;
}
#else
static inline const firn_json_reader *used(void) {
  return &firn_json_swar;
}
#endif

firn_status firn_json_next(firn_json *j, firn_json_token *out, firn_error *err) {
  return used()->next(j, out, err);
}

firn_status firn_json_skip(firn_json *j, firn_bytes *span, firn_error *err) {
  return used()->skip(j, span, err);
}

firn_status firn_json_next_member(firn_json *j, firn_json_token *key, firn_json_token *value,
                                  firn_error *err) {
  return used()->next_member(j, key, value, err);
}

firn_status firn_json_next_item(firn_json *j, firn_json_token *item, firn_error *err) {
  return used()->next_item(j, item, err);
}

bool firn_json_is_valid(firn_bytes text) {
  firn_json j;
  firn_json_init(&j, text);
  firn_bytes span;
  firn_json_token end;
  return firn_json_skip(&j, &span, NULL) == FIRN_OK && firn_json_next(&j, &end, NULL) == FIRN_OK &&
         end.kind == FIRN_JSON_END;
}

static uint32_t hex_digit(uint8_t c) {
  return c <= '9' ? c - (uint32_t)'0' : (c | 0x20u) - 'a' + 10;
}

static uint32_t hex4(const uint8_t *at) {
  return hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 | hex_digit(at[2]) << 4 | hex_digit(at[3]);
}

/* One escape that the reader has checked, `at` behind its backslash. Returns what it took of the input. */
static size_t unescape(const uint8_t *at, uint8_t *to, size_t *written) {
  *written = 1;
  switch (*at) {
    case 'b':
      *to = '\b';
      return 1;
    case 'f':
      *to = '\f';
      return 1;
    case 'n':
      *to = '\n';
      return 1;
    case 'r':
      *to = '\r';
      return 1;
    case 't':
      *to = '\t';
      return 1;
    case 'u':
      break;
    default:
      *to = *at;
      return 1;
  }
  uint32_t unit = hex4(at + 1);
  if (unit < 0xD800 || unit > 0xDFFF) {
    *written = firn_utf8_encode(unit, to);
    return 5;
  }
  *written = firn_utf8_encode(0x10000 + ((unit - 0xD800) << 10) + (hex4(at + 7) - 0xDC00), to);
  return 11;
}

firn_status firn_json_unescape(const firn_json_token *token, firn_arena *arena, firn_bytes *out,
                               firn_error *err) {
  if (token->kind != FIRN_JSON_STRING && token->kind != FIRN_JSON_KEY) {
    return firn_error_set(err, FIRN_INVALID, "the JSON value is no string");
  }
  uint8_t *text = firn_arena_alloc_bytes(arena, token->raw.len); /* unescaped it is never longer */
  if (text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a string of %zu bytes", token->raw.len);
  }
  const uint8_t *at = token->raw.data, *end = at + token->raw.len;
  uint8_t *to = text;
  while (at < end) {
    const uint8_t *slash = memchr(at, '\\', (size_t)(end - at));
    size_t plain = (size_t)((slash == NULL ? end : slash) - at);
    memcpy(to, at, plain);
    to += plain;
    at += plain;
    if (slash != NULL) {
      size_t written;
      at += 1 + unescape(at + 1, to, &written);
      to += written;
    }
  }
  *out = (firn_bytes){text, (size_t)(to - text)};
  return FIRN_OK;
}

firn_status firn_json_int64(const firn_json_token *token, int64_t *out, firn_error *err) {
  if (token->kind != FIRN_JSON_NUMBER || !token->is_integer) {
    return firn_error_set(err, FIRN_INVALID, "the JSON value is no integer");
  }
  const uint8_t *at = token->raw.data, *end = at + token->raw.len;
  bool negative = *at == '-';
  int64_t v = 0; /* built below zero, where one value more fits */
  for (at += negative; at < end; at++) {
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, *at - '0', &v)) {
      return firn_error_set(err, FIRN_INVALID, "the JSON number does not fit in 64 bits");
    }
  }
  if (!negative && __builtin_sub_overflow(0, v, &v)) {
    return firn_error_set(err, FIRN_INVALID, "the JSON number does not fit in 64 bits");
  }
  *out = v;
  return FIRN_OK;
}

static firn_status read_double(firn_bytes text, double *out, firn_error *err) {
  double v;
  if (!firn_number_to_double(text, &v)) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a number of %zu bytes", text.len);
  }
  if (isinf(v)) {
    return firn_error_set(err, FIRN_INVALID, "the JSON number does not fit in a double");
  }
  *out = v;
  return FIRN_OK;
}

firn_status firn_json_double(const firn_json_token *token, double *out, firn_error *err) {
  if (token->kind == FIRN_JSON_NUMBER) {
    return read_double(token->raw, out, err);
  }
  if (token->kind == FIRN_JSON_STRING && firn_bytes_is(token->raw, "NaN")) {
    *out = NAN;
  } else if (token->kind == FIRN_JSON_STRING && firn_bytes_is(token->raw, "Infinity")) {
    *out = INFINITY;
  } else if (token->kind == FIRN_JSON_STRING && firn_bytes_is(token->raw, "-Infinity")) {
    *out = -INFINITY;
  } else {
    return firn_error_set(err, FIRN_INVALID, "the JSON value is no number");
  }
  return FIRN_OK;
}
