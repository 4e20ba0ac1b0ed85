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

/* "E-9" at the end: minus nine. Small exponents only; 0 and false when there is none that can be meant. */
static bool take_exponent(firn_bytes text, int *exponent) {
  size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
  int v = 0;
  if (at == text.len || text.len - at > 2) {
    return false;
  }
  for (size_t i = at; i < text.len; i++) {
    if (text.data[i] < '0' || text.data[i] > '9') {
      return false;
    }
    v = v * 10 + (text.data[i] - '0');
  }
  *exponent = text.data[0] == '-' ? -v : v;
  return true;
}

/* Digits with at most one point among them: their number without it, and how many stand behind it. */
static bool take_digits(firn_bytes text, magnitude limit, magnitude *out, int *behind_point) {
  magnitude v = 0;
  bool point = false, digit = false;
  *behind_point = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.data[i];
    if (c == '.' && !point && i + 1 < text.len) {
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
    digit = true;
    *behind_point += point;
  }
  *out = v;
  return digit;
}

bool firn_decimal_of_text(firn_bytes text, unsigned precision, unsigned scale, firn_decimal *out) {
  bool negative = text.len > 0 && text.data[0] == '-';
  size_t start = text.len > 0 && (negative || text.data[0] == '+') ? 1 : 0;
  size_t end = start;
  while (end < text.len && text.data[end] != 'E' && text.data[end] != 'e') {
    end++;
  }
  int behind_point, exponent = 0;
  magnitude v, limit = power_of_ten(precision > MAX_PRECISION ? MAX_PRECISION : precision);
  if (end < text.len && !take_exponent(firn_bytes_part(text, end + 1, text.len - end - 1), &exponent)) {
    return false;
  }
  if (!take_digits(firn_bytes_part(text, start, end - start), limit, &v, &behind_point) ||
      behind_point - exponent != (int)scale) {
    return false;
  }
  *out = negative ? -(firn_decimal)v : (firn_decimal)v;
  return true;
}
