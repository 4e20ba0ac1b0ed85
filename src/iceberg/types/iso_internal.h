/* Dates and times as ISO 8601 texts, in the proleptic Gregorian calendar, UTC. Years outside 0 to 9999 carry
 * a sign. Used by JSON values (Spec: Appendix D) and partition paths. */
#ifndef FIRN_ICEBERG_TYPES_ISO_INTERNAL_H
#define FIRN_ICEBERG_TYPES_ISO_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

enum { FIRN_ISO_MAX = 64 };

static inline int64_t firn_floor_div(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

typedef struct firn_civil {
  int64_t year;
  unsigned month, day; /* from 1 */
} firn_civil;

firn_civil firn_civil_of_days(int64_t days);

/* How the fraction of a second is written: `digits` of it (6: the value counts microseconds, 9: nanoseconds),
 * its zeros at the end left out when `short_fraction`. */
typedef struct firn_iso_form {
  unsigned digits;
  bool short_fraction;
  bool utc; /* "+00:00" follows a timestamp, and must when it is read */
} firn_iso_form;

void firn_iso_write_day(int64_t days, char out[FIRN_ISO_MAX]);
void firn_iso_write_time(int64_t of_day, firn_iso_form form, char out[FIRN_ISO_MAX]);
void firn_iso_write_timestamp(int64_t since_1970, firn_iso_form form, char out[FIRN_ISO_MAX]);

/* False when `text` is no such thing or does not fit. Digits of a second beyond the form's are dropped. */
bool firn_iso_read_day(firn_bytes text, int64_t *days);
bool firn_iso_read_time(firn_bytes text, firn_iso_form form, int64_t *of_day);
bool firn_iso_read_timestamp(firn_bytes text, firn_iso_form form, int64_t *since_1970);

#endif
