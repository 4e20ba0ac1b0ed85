#include "base/time.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"

/* Days are counted from 0000-03-01, so that a leap day ends its year, in eras of 400 years (H. Hinnant,
 * "chrono-compatible low-level date algorithms"). */
enum { DAYS_PER_ERA = 146097, DAYS_TO_1970 = 719468 };

int64_t firn_days_of_date(firn_date date) {
  int64_t year = date.year - (date.month <= 2);
  int64_t era = firn_floor_div(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t month = date.month > 2 ? date.month - 3 : date.month + 9; /* March is 0 */
  int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

firn_date firn_date_of_days(int64_t days) {
  int64_t era = firn_floor_div(days, DAYS_PER_ERA);
  int64_t day_of_era = days - era * DAYS_PER_ERA + DAYS_TO_1970;
  era += day_of_era / DAYS_PER_ERA;
  day_of_era %= DAYS_PER_ERA;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month = (5 * day_of_year + 2) / 153; /* March is 0 */
  int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
  return (firn_date){.year = era * 400 + year_of_era + (month >= 10),
                     .month = (int)(month < 10 ? month + 3 : month - 9),
                     .day = (int)day};
}

bool firn_date_is_real(firn_date date) {
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (date.month < 1 || date.month > 12 || date.day < 1) {
    return false;
  }
  bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
  return date.day <= lengths[date.month - 1] + (leap && date.month == 2);
}

/* A text being read: `bad` remembers the first thing that was wrong. */
typedef struct scan {
  const uint8_t *at, *end;
  const char *bad;
} scan;

static void fail(scan *s, const char *what) {
  if (s->bad == NULL) {
    s->bad = what;
  }
}

static bool next_is(const scan *s, char c) {
  return s->at < s->end && *s->at == (uint8_t)c;
}

static void take_char(scan *s, char c) {
  if (!next_is(s, c)) {
    fail(s, "its form is wrong");
    return;
  }
  s->at++;
}

static bool is_digit(const scan *s) {
  return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

/* Exactly so many digits. */
static int take_digits(scan *s, int n) {
  int v = 0;
  for (int i = 0; i < n; i++) {
    if (!is_digit(s)) {
      fail(s, "its form is wrong");
      return 0;
    }
    v = v * 10 + (*s->at++ - '0');
  }
  return v;
}

/* Four digits, or a sign and five to nine. */
static int64_t take_year(scan *s, bool may_be_long) {
  if (!may_be_long || (!next_is(s, '+') && !next_is(s, '-'))) {
    return take_digits(s, 4);
  }
  bool negative = *s->at++ == '-';
  int64_t year = 0;
  int n = 0;
  for (; n < 9 && is_digit(s); n++) {
    year = year * 10 + (*s->at++ - '0');
  }
  if (n < 4) {
    fail(s, "its form is wrong");
  }
  return negative ? -year : year;
}

static firn_date take_date(scan *s, bool may_be_long) {
  firn_date date;
  date.year = take_year(s, may_be_long);
  take_char(s, '-');
  date.month = take_digits(s, 2);
  take_char(s, '-');
  date.day = take_digits(s, 2);
  if (!firn_date_is_real(date)) {
    fail(s, "there is no such day");
  }
  return date;
}

/* A fraction of a second, if there is one, in millionths or billionths. */
static int64_t take_fraction(scan *s, firn_time_unit unit) {
  int64_t scale = unit == FIRN_NANOS ? 1000000000 : 1000000, v = 0;
  if (!next_is(s, '.')) {
    return 0;
  }
  s->at++;
  if (!is_digit(s)) {
    fail(s, "its form is wrong");
  }
  while (is_digit(s)) {
    scale /= 10; /* 0 behind the last digit that counts */
    v += (*s->at++ - '0') * scale;
  }
  return v;
}

typedef struct clock_time {
  int64_t seconds; /* of the day */
  int64_t fraction;
  bool is_leap; /* second 60 was given and is counted in `seconds` */
} clock_time;

static clock_time take_clock(scan *s, firn_time_unit unit) {
  int hour = take_digits(s, 2);
  take_char(s, ':');
  int minute = take_digits(s, 2);
  take_char(s, ':');
  int second = take_digits(s, 2);
  if (hour > 23 || minute > 59 || second > 60) {
    fail(s, "there is no such time of day");
  }
  return (clock_time){.seconds = hour * 3600 + minute * 60 + second,
                      .fraction = take_fraction(s, unit),
                      .is_leap = second == 60};
}

/* Z or an offset, in seconds east of UTC. */
static int64_t take_offset(scan *s) {
  if (next_is(s, 'Z') || next_is(s, 'z')) {
    s->at++;
    return 0;
  }
  if (!next_is(s, '+') && !next_is(s, '-')) {
    fail(s, s->at == s->end ? "it has no offset from UTC" : "its form is wrong");
    return 0;
  }
  bool west = *s->at++ == '-';
  int hours = take_digits(s, 2);
  take_char(s, ':');
  int minutes = take_digits(s, 2);
  if (hours > 23 || minutes > 59) {
    fail(s, "there is no such offset");
  }
  int64_t offset = hours * 3600 + minutes * 60;
  return west ? -offset : offset;
}

static scan scan_over(firn_bytes text) {
  return (scan){.at = text.data, .end = text.data == NULL ? NULL : text.data + text.len};
}

static firn_status finish(scan *s, const char *what, firn_error *err) {
  if (s->at != s->end) {
    fail(s, "its form is wrong");
  }
  return s->bad == NULL ? FIRN_OK : firn_error_set(err, FIRN_INVALID, "not a %s: %s", what, s->bad);
}

static firn_status parse_moment(firn_bytes text, firn_time_unit unit, bool zoned, bool strict,
                                const char *what, int64_t *out, firn_error *err) {
  scan s = scan_over(text);
  firn_date date = take_date(&s, !strict);
  if (next_is(&s, 't')) {
    s.at++;
  } else {
    take_char(&s, 'T');
  }
  clock_time clock = take_clock(&s, unit);
  int64_t offset = zoned ? take_offset(&s) : 0;
  FIRN_TRY(finish(&s, what, err));
  /* At most nine digits of year: this is far from overflowing. */
  int64_t seconds = firn_days_of_date(date) * 86400 + clock.seconds - offset;
  if (clock.is_leap && firn_floor_mod(seconds, 86400) != 0) {
    return firn_error_set(err, FIRN_INVALID, "not a %s: second 60 is not at the end of a day", what);
  }
  int64_t v, per_second = unit == FIRN_NANOS ? 1000000000 : 1000000;
  /* The fraction is added to what may lie just below the smallest number. */
  if (seconds < 0) {
    seconds += 1;
    clock.fraction -= per_second;
  }
  if (__builtin_mul_overflow(seconds, per_second, &v) || __builtin_add_overflow(v, clock.fraction, &v)) {
    return firn_error_set(err, FIRN_INVALID, "not a %s: it does not fit in 64 bits", what);
  }
  *out = v;
  return FIRN_OK;
}

firn_status firn_rfc3339_parse(firn_bytes text, firn_time_unit unit, int64_t *out, firn_error *err) {
  return parse_moment(text, unit, true, true, "time (RFC 3339)", out, err);
}

firn_status firn_timestamp_parse(firn_bytes text, firn_time_unit unit, bool zoned, int64_t *out,
                                 firn_error *err) {
  const char *what = zoned ? "timestamp with an offset" : "timestamp without an offset";
  return parse_moment(text, unit, zoned, false, what, out, err);
}

firn_status firn_date_parse(firn_bytes text, int32_t *days, firn_error *err) {
  scan s = scan_over(text);
  firn_date date = take_date(&s, true);
  FIRN_TRY(finish(&s, "date", err));
  int64_t wide = firn_days_of_date(date);
  if (wide < INT32_MIN || wide > INT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "not a date: it does not fit in 32 bits");
  }
  *days = (int32_t)wide;
  return FIRN_OK;
}

firn_status firn_time_parse(firn_bytes text, firn_time_unit unit, int64_t *out, firn_error *err) {
  scan s = scan_over(text);
  clock_time clock = take_clock(&s, unit);
  if (clock.is_leap) {
    fail(&s, "there is no such time of day");
  }
  FIRN_TRY(finish(&s, "time of day", err));
  *out = clock.seconds * (unit == FIRN_NANOS ? 1000000000 : 1000000) + clock.fraction;
  return FIRN_OK;
}

size_t firn_date_text(int32_t days, char out[FIRN_TIME_TEXT_MAX]) {
  firn_date date = firn_date_of_days(days);
  if (date.year < 0 || date.year > 9999) {
    int len = snprintf(out, FIRN_TIME_TEXT_MAX, "%+05" PRId64 "-%02d-%02d", date.year, date.month, date.day);
    return (size_t)len;
  }
  char *to = firn_number_put_digits(out, (uint64_t)date.year, 4);
  *to++ = '-';
  to = firn_number_put_digits(to, (uint64_t)date.month, 2);
  *to++ = '-';
  to = firn_number_put_digits(to, (uint64_t)date.day, 2);
  *to = '\0';
  return (size_t)(to - out);
}

size_t firn_time_text(int64_t time_of_day, firn_time_unit unit, char out[FIRN_TIME_TEXT_MAX]) {
  int64_t per_second = unit == FIRN_NANOS ? 1000000000 : 1000000;
  assert(time_of_day >= 0 && time_of_day < 86400 * per_second);
  uint64_t seconds = (uint64_t)(time_of_day / per_second);
  char *to = firn_number_put_digits(out, seconds / 3600, 2);
  *to++ = ':';
  to = firn_number_put_digits(to, seconds / 60 % 60, 2);
  *to++ = ':';
  to = firn_number_put_digits(to, seconds % 60, 2);
  *to++ = '.';
  to = firn_number_put_digits(to, (uint64_t)(time_of_day % per_second), unit == FIRN_NANOS ? 9 : 6);
  *to = '\0';
  return (size_t)(to - out);
}

size_t firn_timestamp_text(int64_t v, firn_time_unit unit, bool zoned, char out[FIRN_TIME_TEXT_MAX]) {
  int64_t per_day = unit == FIRN_NANOS ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY;
  size_t len = firn_date_text((int32_t)firn_floor_div(v, per_day), out);
  out[len++] = 'T';
  char clock[FIRN_TIME_TEXT_MAX];
  size_t clock_len = firn_time_text(firn_floor_mod(v, per_day), unit, clock);
  memcpy(out + len, clock, clock_len + 1);
  len += clock_len;
  if (zoned) {
    memcpy(out + len, "+00:00", 7);
    len += 6;
  }
  return len;
}
