/* Decimals as text and their bounds. */
#include <string.h>

#include "iceberg/types/value.h"

enum { MAX_PRECISION = 38 };

__extension__ typedef unsigned __int128 magnitude;

static magnitude magnitude_of(firn_decimal v) {
  return v < 0 ? -(magnitude)v : (magnitude)v;
}

static magnitude power_of_ten(unsigned n) {
  magnitude p = 1;
  for (unsigned i = 0; i < n; i++) {
    p *= 10;
  }
  return p;
}

bool firn_decimal_fits(firn_decimal v, unsigned precision) {
  return magnitude_of(v) < power_of_ten(precision > MAX_PRECISION ? MAX_PRECISION : precision);
}

size_t firn_decimal_text(firn_decimal v, unsigned scale, char out[FIRN_DECIMAL_TEXT_MAX]) {
  char reversed[FIRN_DECIMAL_TEXT_MAX];
  size_t n = 0;
  magnitude rest = magnitude_of(v);
  for (unsigned digits = 0; rest != 0 || digits <= scale; digits++) {
    if (digits == scale && scale > 0) {
      reversed[n++] = '.';
    }
    reversed[n++] = (char)('0' + (int)(rest % 10));
    rest /= 10;
  }
  if (v < 0) {
    reversed[n++] = '-';
  }
  for (size_t i = 0; i < n; i++) {
    out[i] = reversed[n - 1 - i];
  }
  out[n] = '\0';
  return n;
}

bool firn_decimal_of_text(firn_bytes text, unsigned precision, unsigned scale, firn_decimal *out) {
  bool negative = text.len > 0 && text.data[0] == '-';
  size_t at = text.len > 0 && (negative || text.data[0] == '+') ? 1 : 0;
  magnitude limit = power_of_ten(precision > MAX_PRECISION ? MAX_PRECISION : precision), v = 0;
  size_t digits = 0, behind_point = 0;
  bool point = false;
  for (; at < text.len; at++) {
    uint8_t c = text.data[at];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') {
      return false;
    }
    v = v * 10u + (uint8_t)(c - '0');
    if (v >= limit) {
      return false;
    }
    digits++;
    behind_point += point;
  }
  if (digits == 0 || behind_point != scale || (point && scale == 0)) {
    return false;
  }
  *out = negative ? -(firn_decimal)v : (firn_decimal)v;
  return true;
}
