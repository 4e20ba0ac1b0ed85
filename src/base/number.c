#include "base/number.h"

#include <assert.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A number as decimal digits: 0.d1d2d3... times ten to the power `point`. */
typedef struct decimal {
  char digits[20];
  int n_digits;
  int point;
} decimal;

static double read_double(const char *text) {
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant object, nothing is allocated */
  assert(c_locale != (locale_t)0);
  double v = strtod_l(text, NULL, c_locale);
  freelocale(c_locale);
  return v;
}

static float read_float(const char *text) {
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  assert(c_locale != (locale_t)0);
  float v = strtof_l(text, NULL, c_locale);
  freelocale(c_locale);
  return v;
}

/* `v`, above zero, correctly rounded to so many digits. printf's decimal point follows the locale, so only
 * its digits are taken. */
static void round_to(double v, int n_digits, decimal *out) {
  char text[64];
  (void)snprintf(text, sizeof text, "%.*e", n_digits - 1, v); /* at most 17 digits, a point and e-324 */
  const char *at = text;
  out->n_digits = 0;
  for (; *at != 'e'; at++) {
    if (*at >= '0' && *at <= '9') {
      out->digits[out->n_digits++] = *at;
    }
  }
  bool negative = at[1] == '-';
  int exponent = 0;
  for (at += 2; *at != '\0'; at++) {
    exponent = exponent * 10 + (*at - '0');
  }
  out->point = (negative ? -exponent : exponent) + 1;
}

/* The next larger number of as many digits. */
static void step_up(decimal *d) {
  int i = d->n_digits - 1;
  while (i >= 0 && d->digits[i] == '9') {
    d->digits[i--] = '0';
  }
  if (i >= 0) {
    d->digits[i]++;
    return;
  }
  d->digits[0] = '1'; /* 999 became 000, with what was carried 1000 */
  d->point++;
}

static bool reads_back(const decimal *d, double v, bool is_float) {
  char text[64];
  (void)snprintf(text, sizeof text, "%.*se%d", d->n_digits, d->digits, d->point - d->n_digits);
  return is_float ? read_float(text) == (float)v : read_double(text) == v;
}

static const double powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* Numbers such as people write them. What has at most 15 digits is one whole number divided by a power of
 * ten, both exact as doubles, so the division gives what reading the text would give (W. Clinger, 1990); and
 * no other text of as few digits reads as the same double. */
static bool has_few_digits(double v, decimal *out) {
  for (int n_fraction = 0; n_fraction <= 15; n_fraction++) {
    double power = powers_of_ten[n_fraction];
    double scaled = v * power + 0.5;
    if (!(scaled < 1e15)) {
      return false;
    }
    uint64_t whole = (uint64_t)scaled;
    if (whole != 0 && (double)whole / power == v) {
      char text[FIRN_NUMBER_MAX];
      size_t len = firn_number_of_int64((int64_t)whole, text);
      memcpy(out->digits, text, len);
      out->n_digits = (int)len;
      out->point = (int)len - n_fraction;
      return true;
    }
  }
  return false;
}

/* The fewest digits that read back: six (float) and fifteen are always kept, so the nearest text of that many
 * without its last zeros is the shortest for all numbers that need no more. Below a power of two numbers lie
 * twice as dense as above it, so the nearest text of n digits may miss where its upper neighbour does not. */
static void shortest(double v, bool is_float, decimal *out) {
  int most = is_float ? 9 : 17, first = is_float ? 6 : 15;
  if (!is_float && has_few_digits(v, out)) {
    most = 0; /* found: only its zeros remain to be cut */
  } else if (v < (is_float ? (double)FLT_MIN : DBL_MIN)) {
    first = 1; /* subnormal numbers have fewer bits */
  }
  for (int n = first; n <= most; n++) {
    round_to(v, n, out);
    if (n == most || reads_back(out, v, is_float)) {
      break;
    }
    step_up(out);
    if (reads_back(out, v, is_float)) {
      break;
    }
  }
  while (out->n_digits > 1 && out->digits[out->n_digits - 1] == '0') {
    out->n_digits--;
  }
}

static size_t lay_out(const decimal *d, bool negative, char *out) {
  char *to = out;
  if (negative) {
    *to++ = '-';
  }
  if (d->point > 16 || d->point < -3) { /* d.ddde+XX */
    *to++ = d->digits[0];
    if (d->n_digits > 1) {
      *to++ = '.';
      memcpy(to, d->digits + 1, (size_t)d->n_digits - 1);
      to += d->n_digits - 1;
    }
    int len = snprintf(to, 8, "e%+03d", d->point - 1); /* at most e-324 */
    return (size_t)(to - out) + (size_t)len;
  }
  if (d->point <= 0) {
    *to++ = '0';
  }
  for (int i = 0; i < d->point; i++) {
    *to++ = i < d->n_digits ? d->digits[i] : '0';
  }
  *to++ = '.';
  for (int i = d->point; i < 0; i++) {
    *to++ = '0';
  }
  int behind = d->point > 0 ? d->point : 0;
  if (behind >= d->n_digits) {
    *to++ = '0';
  }
  for (int i = behind; i < d->n_digits; i++) {
    *to++ = d->digits[i];
  }
  *to = '\0';
  return (size_t)(to - out);
}

static size_t write_number(double v, bool is_float, char *out) {
  assert(isfinite(v));
  bool negative = signbit(v) != 0;
  decimal d = {.digits = "0", .n_digits = 1, .point = 1};
  if (v != 0) {
    shortest(fabs(v), is_float, &d);
  }
  return lay_out(&d, negative, out);
}

size_t firn_number_of_int64(int64_t v, char out[FIRN_NUMBER_MAX]) {
  uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
  char reversed[FIRN_NUMBER_MAX];
  size_t n = 0, len = 0;
  do {
    reversed[n++] = (char)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (v < 0) {
    out[len++] = '-';
  }
  while (n > 0) {
    out[len++] = reversed[--n];
  }
  out[len] = '\0';
  return len;
}

char *firn_number_put_digits(char *to, uint64_t v, int n_digits) {
  for (int i = n_digits; i-- > 0; v /= 10) {
    to[i] = (char)('0' + v % 10);
  }
  return to + n_digits;
}

size_t firn_number_of_double(double v, char out[FIRN_NUMBER_MAX]) {
  return write_number(v, false, out);
}

size_t firn_number_of_float(float v, char out[FIRN_NUMBER_MAX]) {
  return write_number((double)v, true, out);
}

/* Numbers of at most 15 digits and no exponent, by the same division. */
static bool short_double(firn_bytes text, double *out) {
  uint64_t digits = 0;
  size_t n_digits = 0, n_fraction = 0;
  bool negative = text.data[0] == '-', in_fraction = false;
  for (size_t i = negative; i < text.len; i++) {
    uint8_t c = text.data[i];
    if (c == '.') {
      in_fraction = true;
      continue;
    }
    if (c < '0' || c > '9' || ++n_digits > 15) {
      return false;
    }
    digits = digits * 10 + (uint64_t)(c - '0');
    n_fraction += in_fraction;
  }
  double v = (double)digits / powers_of_ten[n_fraction];
  *out = negative ? -v : v;
  return true;
}

bool firn_number_to_double(firn_bytes text, double *out) {
  assert(text.len > 0);
  if (short_double(text, out)) {
    return true;
  }
  char small[128];
  char *copy = text.len < sizeof small ? small : firn_alloc_raw(text.len + 1);
  if (copy == NULL) {
    return false;
  }
  memcpy(copy, text.data, text.len);
  copy[text.len] = '\0';
  *out = read_double(copy);
  if (copy != small) {
    firn_free(copy);
  }
  return true;
}
