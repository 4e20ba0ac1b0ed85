#include "iceberg/types/iso_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400, DAYS_TO_1970 = 719468, MAX_YEAR_DIGITS = 7 };

__extension__ typedef __int128 wide;

/* The usual trick: years that begin in March, so that the leap day is the last of a year. */
firn_civil firn_civil_of_days(int64_t days) {
  int64_t shifted = days + DAYS_TO_1970;
  int64_t era = firn_floor_div(shifted, DAYS_PER_ERA);
  int64_t day_of_era = shifted - era * DAYS_PER_ERA;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month_from_march = (5 * day_of_year + 2) / 153;
  unsigned day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  unsigned month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  return (firn_civil){year_of_era + era * YEARS_PER_ERA + (month <= 2), month, day};
}

static int64_t days_of_civil(int64_t year, unsigned month, unsigned day) {
  int64_t shifted = year - (month <= 2);
  int64_t era = firn_floor_div(shifted, YEARS_PER_ERA);
  int64_t year_of_era = shifted - era * YEARS_PER_ERA;
  int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
  int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static int64_t units_per_second(firn_iso_form form) {
  return form.digits == 9 ? INT64_C(1000000000) : 1000000;
}

static size_t put_day(int64_t days, char *out, size_t room) {
  firn_civil c = firn_civil_of_days(days);
  const char *sign = c.year < 0 ? "-" : c.year > 9999 ? "+" : "";
  int64_t year = c.year < 0 ? -c.year : c.year;
  int len = snprintf(out, room, "%s%04" PRId64 "-%02u-%02u", sign, year, c.month, c.day);
  return len < 0 ? 0 : (size_t)len;
}

static size_t put_time(int64_t of_day, firn_iso_form form, char *out, size_t room) {
  int64_t unit = units_per_second(form);
  int64_t second = of_day / unit, fraction = of_day % unit;
  int len = snprintf(out, room, "%02d:%02d:%02d.%0*" PRId64, (int)(second / 3600), (int)(second / 60 % 60),
                     (int)(second % 60), (int)form.digits, fraction);
  size_t end = len < 0 ? 0 : (size_t)len;
  while (form.short_fraction && end > 0 && out[end - 1] == '0' && fraction != 0) {
    end--;
  }
  if (form.short_fraction && fraction == 0) {
    end -= form.digits + 1;
  }
  out[end] = '\0';
  return end;
}

void firn_iso_write_day(int64_t days, char out[FIRN_ISO_MAX]) {
  (void)put_day(days, out, FIRN_ISO_MAX);
}

void firn_iso_write_time(int64_t of_day, firn_iso_form form, char out[FIRN_ISO_MAX]) {
  (void)put_time(of_day, form, out, FIRN_ISO_MAX);
}

void firn_iso_write_timestamp(int64_t since_1970, firn_iso_form form, char out[FIRN_ISO_MAX]) {
  int64_t per_day = 86400 * units_per_second(form);
  int64_t days = firn_floor_div(since_1970, per_day);
  size_t at = put_day(days, out, FIRN_ISO_MAX);
  out[at++] = 'T';
  int64_t of_day = since_1970 % per_day; /* not by `days`: that product may not fit */
  at += put_time(of_day < 0 ? of_day + per_day : of_day, form, out + at, FIRN_ISO_MAX - at);
  if (form.utc) {
    memcpy(out + at, "+00:00", sizeof "+00:00");
  }
}

/* Takes `n` digits off the front of `text`. */
static bool take_digits(firn_bytes *text, size_t n, int64_t *out) {
  int64_t v = 0;
  if (text->len < n) {
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    if (text->data[i] < '0' || text->data[i] > '9') {
      return false;
    }
    v = v * 10 + (text->data[i] - '0');
  }
  *text = firn_bytes_part(*text, n, text->len - n);
  *out = v;
  return true;
}

static bool take_char(firn_bytes *text, char wanted) {
  if (text->len == 0 || text->data[0] != (uint8_t)wanted) {
    return false;
  }
  *text = firn_bytes_part(*text, 1, text->len - 1);
  return true;
}

static bool take_year(firn_bytes *text, int64_t *out) {
  bool negative = take_char(text, '-');
  bool has_sign = negative || take_char(text, '+');
  size_t n = 0;
  while (n < text->len && n <= MAX_YEAR_DIGITS && text->data[n] >= '0' && text->data[n] <= '9') {
    n++;
  }
  if (n < 4 || n > MAX_YEAR_DIGITS || (n > 4 && !has_sign) || !take_digits(text, n, out)) {
    return false;
  }
  *out = negative ? -*out : *out;
  return true;
}

static bool take_day(firn_bytes *text, int64_t *days) {
  int64_t year, month, day;
  if (!take_year(text, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) ||
      !take_char(text, '-') || !take_digits(text, 2, &day) || month < 1 || month > 12 || day < 1) {
    return false;
  }
  int64_t made = days_of_civil(year, (unsigned)month, (unsigned)day);
  if (firn_civil_of_days(made).day != (unsigned)day) {
    return false; /* February 30 and the like */
  }
  *days = made;
  return true;
}

static bool take_fraction(firn_bytes *text, firn_iso_form form, int64_t *out) {
  *out = 0;
  if (!take_char(text, '.')) {
    return true;
  }
  size_t n = 0;
  for (int64_t digit; take_digits(text, 1, &digit); n++) {
    if (n < form.digits) {
      *out = *out * 10 + digit;
    }
  }
  for (size_t i = n; i < form.digits; i++) {
    *out *= 10;
  }
  return n > 0;
}

static bool take_time(firn_bytes *text, firn_iso_form form, int64_t *of_day) {
  int64_t hour, minute, second = 0, fraction = 0;
  if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute)) {
    return false;
  }
  if (take_char(text, ':') && (!take_digits(text, 2, &second) || !take_fraction(text, form, &fraction))) {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  *of_day = ((hour * 60 + minute) * 60 + second) * units_per_second(form) + fraction;
  return true;
}

bool firn_iso_read_day(firn_bytes text, int64_t *days) {
  int64_t made;
  if (!take_day(&text, &made) || text.len != 0) {
    return false;
  }
  *days = made;
  return true;
}

bool firn_iso_read_time(firn_bytes text, firn_iso_form form, int64_t *of_day) {
  int64_t made;
  if (!take_time(&text, form, &made) || text.len != 0) {
    return false;
  }
  *of_day = made;
  return true;
}

bool firn_iso_read_timestamp(firn_bytes text, firn_iso_form form, int64_t *since_1970) {
  int64_t days, of_day;
  if (!take_day(&text, &days) || !take_char(&text, 'T') || !take_time(&text, form, &of_day)) {
    return false;
  }
  bool zone = firn_bytes_is(text, "+00:00") || firn_bytes_is(text, "Z");
  if (form.utc ? !zone : text.len != 0) {
    return false;
  }
  wide made = (wide)days * (86400 * units_per_second(form)) + of_day;
  if (made < INT64_MIN || made > INT64_MAX) {
    return false;
  }
  *since_1970 = (int64_t)made;
  return true;
}
