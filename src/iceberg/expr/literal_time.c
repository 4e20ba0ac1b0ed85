#include "iceberg/expr/literal_time_internal.h"

#include "base/time.h"

enum { NS_PER_US = 1000, DATE_CHARS = 10, MAX_TEXT = 63 };

static bool is_ns(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP_NS || k == FIRN_KIND_TIMESTAMPTZ_NS;
}
static bool is_zoned(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMPTZ || k == FIRN_KIND_TIMESTAMPTZ_NS;
}
static bool is_timestamp(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP || k == FIRN_KIND_TIMESTAMP_NS || is_zoned(k);
}

static bool beyond(bool negative, firn_fit *fit) {
  *fit = negative ? FIRN_FIT_BELOW : FIRN_FIT_ABOVE;
  return true;
}

/* Times `factor`, which 64 bits may not hold. */
static bool scaled(int64_t v, int64_t factor, firn_value *out, firn_fit *fit) {
  return !__builtin_mul_overflow(v, factor, &out->i64) || beyond(v < 0, fit);
}

static bool divided(int64_t v, int64_t divisor, int64_t *out, firn_fit *fit) {
  *out = firn_floor_div(v, divisor);
  *fit = firn_floor_mod(v, divisor) != 0 ? FIRN_FIT_BETWEEN : FIRN_FIT_EXACT;
  return true;
}

static bool days(int64_t v, firn_value *out, firn_fit *fit) {
  if (v < INT32_MIN || v > INT32_MAX) {
    return beyond(v < 0, fit);
  }
  out->i32 = (int32_t)v;
  return true;
}

/* "2024-06-15 12:00:00" as "2024-06-15T12:00:00", a zone added where one is needed and none is written; a
 * date alone is its midnight. Empty when it is too long to be a time. */
static firn_bytes tidy(firn_bytes text, bool zoned, char into[MAX_TEXT + 16]) {
  if (text.len > MAX_TEXT || text.len < DATE_CHARS) {
    return (firn_bytes){NULL, 0};
  }
  memcpy(into, text.data, text.len);
  size_t n = text.len, time_at = 0;
  for (size_t i = DATE_CHARS; i < n && time_at == 0; i++) {
    if (into[i] == ' ' || into[i] == 'T' || into[i] == 't') {
      into[i] = 'T';
      time_at = i;
    }
  }
  if (time_at == 0) {
    static const char midnight[] = "T00:00:00";
    memcpy(into + n, midnight, sizeof midnight);
    time_at = n;
    n += sizeof midnight - 1;
  }
  bool has_zone = into[n - 1] == 'Z' || into[n - 1] == 'z';
  for (size_t i = time_at; i < n; i++) {
    has_zone = has_zone || into[i] == '+' || into[i] == '-';
  }
  if (zoned && !has_zone) {
    into[n++] = 'Z';
  }
  return (firn_bytes){(const uint8_t *)into, n};
}

/* Whether the fraction has anything but zeros behind the last digit that the unit keeps. */
static bool has_rest(firn_bytes text, firn_time_unit unit) {
  size_t point = 0, kept = unit == FIRN_MICROS ? 6 : 9;
  while (point < text.len && text.data[point] != '.') {
    point++;
  }
  for (size_t i = point + 1; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
    if (i > point + kept && text.data[i] != '0') {
      return true;
    }
  }
  return false;
}

static bool timestamp_of_text(firn_bytes text, firn_kind kind, firn_value *out, firn_fit *fit) {
  char room[MAX_TEXT + 16];
  bool zoned = is_zoned(kind);
  firn_time_unit unit = is_ns(kind) ? FIRN_NANOS : FIRN_MICROS;
  firn_bytes tidied = tidy(text, zoned, room);
  int64_t us;
  if (firn_timestamp_parse(tidied, unit, zoned, &out->i64, NULL) == FIRN_OK) {
    *fit = has_rest(tidied, unit) ? FIRN_FIT_BETWEEN : FIRN_FIT_EXACT;
    return true;
  }
  if (unit == FIRN_NANOS && firn_timestamp_parse(tidied, FIRN_MICROS, zoned, &us, NULL) == FIRN_OK) {
    return beyond(us < 0, fit); /* a real time that nanoseconds do not reach */
  }
  return false;
}

static bool of_text(firn_bytes text, firn_kind kind, firn_value *out, firn_fit *fit) {
  if (kind == FIRN_KIND_DATE) {
    return firn_date_parse(text, &out->i32, NULL) == FIRN_OK;
  }
  if (kind == FIRN_KIND_TIME) {
    *fit = has_rest(text, FIRN_MICROS) ? FIRN_FIT_BETWEEN : FIRN_FIT_EXACT;
    return firn_time_parse(text, FIRN_MICROS, &out->i64, NULL) == FIRN_OK;
  }
  return timestamp_of_text(text, kind, out, fit);
}

static bool of_timestamp(const firn_value *in, firn_kind kind, firn_value *out, firn_fit *fit) {
  if (kind == FIRN_KIND_DATE) {
    int64_t day = 0;
    (void)divided(in->i64, is_ns(in->kind) ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY, &day, fit);
    firn_fit in_range = FIRN_FIT_EXACT;
    (void)days(day, out, &in_range);
    *fit = in_range == FIRN_FIT_EXACT ? *fit : in_range;
    return true;
  }
  if (!is_timestamp(kind)) {
    return false;
  }
  if (is_ns(in->kind) == is_ns(kind)) {
    out->i64 = in->i64;
    return true;
  }
  return is_ns(kind) ? scaled(in->i64, NS_PER_US, out, fit) : divided(in->i64, NS_PER_US, &out->i64, fit);
}

static bool of_whole(int64_t v, firn_kind kind, firn_value *out, firn_fit *fit) {
  if (kind == FIRN_KIND_DATE) {
    return days(v, out, fit);
  }
  return scaled(v, is_ns(kind) ? NS_PER_US : 1, out, fit);
}

bool firn_literal_time(const firn_value *in, firn_kind kind, firn_value *out, firn_fit *fit) {
  *fit = FIRN_FIT_EXACT;
  switch (in->kind) {
    case FIRN_KIND_STRING:
      return of_text(in->bytes, kind, out, fit);
    case FIRN_KIND_INT:
      return of_whole(in->i32, kind, out, fit);
    case FIRN_KIND_LONG:
      return of_whole(in->i64, kind, out, fit);
    case FIRN_KIND_DATE:
      if (kind == FIRN_KIND_DATE) {
        out->i32 = in->i32;
        return true;
      }
      return is_timestamp(kind) && scaled(in->i32, is_ns(kind) ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY, out, fit);
    case FIRN_KIND_TIME:
      out->i64 = in->i64;
      return kind == FIRN_KIND_TIME;
    default:
      return is_timestamp(in->kind) && of_timestamp(in, kind, out, fit);
  }
}
