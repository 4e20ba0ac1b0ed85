/* Civil time: days and microseconds (or nanoseconds) since 1970-01-01T00:00Z, and their texts.
 *
 * The calendar is the proleptic Gregorian one (ISO 8601), years before 1 included. Divisions floor, so a
 * moment before 1970 belongs to the day, hour or month that it lies in. */
#ifndef FIRN_BASE_TIME_H
#define FIRN_BASE_TIME_H

#include "base/bytes.h"
#include "base/error.h"

#define FIRN_US_PER_SECOND INT64_C(1000000)
#define FIRN_US_PER_HOUR INT64_C(3600000000)
#define FIRN_US_PER_DAY INT64_C(86400000000)
#define FIRN_NS_PER_DAY INT64_C(86400000000000)

/* `divisor` must be above zero. */
static inline int64_t firn_floor_div(int64_t v, int64_t divisor) {
  return v / divisor - (v % divisor < 0);
}
static inline int64_t firn_floor_mod(int64_t v, int64_t divisor) {
  return v % divisor + (v % divisor < 0 ? divisor : 0);
}

typedef struct firn_date {
  int64_t year;
  int month, day; /* from 1 */
} firn_date;

/* Any year whose days fit in 64 bits. */
int64_t firn_days_of_date(firn_date date);
firn_date firn_date_of_days(int64_t days);
/* Whether there is such a day. */
bool firn_date_is_real(firn_date date);

typedef enum firn_time_unit { FIRN_MICROS, FIRN_NANOS } firn_time_unit;

/* RFC 3339, an offset required: years 0000 to 9999, T and Z in either case, any offset up to 23:59. Digits
 * beyond the unit are dropped. Second 60 is taken where UTC may have one, at 23:59:60, and is the following
 * second. FIRN_INVALID for other text and where the unit's 64 bits do not reach. */
FIRN_MUST_USE firn_status firn_rfc3339_parse(firn_bytes text, firn_time_unit unit, int64_t *out,
                                             firn_error *err);

/* The JSON forms of the Iceberg specification (appendix D): 2017-11-16, 22:31:08.123456,
 * 2017-11-16T22:31:08.123456 and, zoned, 2017-11-16T22:31:08.123456+00:00. Years beyond 0000 to 9999 have a
 * sign and four digits or more. Reading takes any offset and any number of fraction digits, none included,
 * and drops those beyond the unit. FIRN_INVALID for other text. */
FIRN_MUST_USE firn_status firn_date_parse(firn_bytes text, int32_t *days, firn_error *err);
FIRN_MUST_USE firn_status firn_time_parse(firn_bytes text, firn_time_unit unit, int64_t *out,
                                          firn_error *err);
FIRN_MUST_USE firn_status firn_timestamp_parse(firn_bytes text, firn_time_unit unit, bool zoned, int64_t *out,
                                               firn_error *err);

/* Room for any of the texts below, their end included. */
enum { FIRN_TIME_TEXT_MAX = 48 };

/* Writing gives all six or nine digits. Each returns the length. A time of day must lie within a day. */
size_t firn_date_text(int32_t days, char out[FIRN_TIME_TEXT_MAX]);
size_t firn_time_text(int64_t time_of_day, firn_time_unit unit, char out[FIRN_TIME_TEXT_MAX]);
size_t firn_timestamp_text(int64_t v, firn_time_unit unit, bool zoned, char out[FIRN_TIME_TEXT_MAX]);

#endif
