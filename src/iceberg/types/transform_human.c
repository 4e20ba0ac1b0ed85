/* Partition values as people and paths write them; the forms are those of the reference implementation, so
 * that folders of one partition have one name whoever writes it. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "base/uuid.h"
#include "iceberg/types/transform.h"

enum { MONTHS_PER_YEAR = 12, HOURS_PER_DAY = 24, EPOCH_YEAR = 1970 };

static const char *human_day(int32_t days, firn_arena *arena) {
  char text[FIRN_TIME_TEXT_MAX];
  size_t len = firn_date_text(days, text);
  return firn_arena_text(arena, (firn_bytes){(const uint8_t *)text, len});
}

static const char *human_hour(int32_t hours, firn_arena *arena) {
  char day[FIRN_TIME_TEXT_MAX];
  (void)firn_date_text((int32_t)firn_floor_div(hours, HOURS_PER_DAY), day);
  return firn_arena_printf(arena, "%s-%02d", day, (int)firn_floor_mod(hours, HOURS_PER_DAY));
}

/* Without the zeros at the end of the fraction, and without the fraction where it is zero. */
static const char *human_time(const firn_value *v, firn_arena *arena) {
  char text[FIRN_TIME_TEXT_MAX];
  bool ns = v->kind == FIRN_KIND_TIMESTAMP_NS || v->kind == FIRN_KIND_TIMESTAMPTZ_NS;
  bool utc = v->kind == FIRN_KIND_TIMESTAMPTZ || v->kind == FIRN_KIND_TIMESTAMPTZ_NS;
  size_t len;
  if (v->kind != FIRN_KIND_TIME) {
    len = firn_timestamp_text(v->i64, ns ? FIRN_NANOS : FIRN_MICROS, false, text);
  } else if (v->i64 >= 0 && v->i64 < FIRN_US_PER_DAY) {
    len = firn_time_text(v->i64, FIRN_MICROS, text);
  } else {
    return firn_arena_printf(arena, "%" PRId64, v->i64); /* no time of any day */
  }
  while (text[len - 1] == '0') {
    len--;
  }
  len -= text[len - 1] == '.';
  return firn_arena_printf(arena, "%.*s%s", (int)len, text, utc ? "+00:00" : "");
}

static const char *base64(firn_bytes in, firn_arena *arena) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (in.len > SIZE_MAX / 2) {
    return NULL;
  }
  char *text = (char *)firn_arena_alloc_bytes(arena, (in.len + 2) / 3 * 4 + 1);
  if (text == NULL) {
    return NULL;
  }
  size_t n = 0;
  for (size_t i = 0; i < in.len; i += 3) {
    size_t left = in.len - i;
    uint32_t group = (uint32_t)in.data[i] << 16 | (left > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) |
                     (left > 2 ? in.data[i + 2] : 0);
    text[n++] = digits[group >> 18];
    text[n++] = digits[group >> 12 & 63];
    text[n++] = left > 1 ? digits[group >> 6 & 63] : '=';
    text[n++] = left > 2 ? digits[group & 63] : '=';
  }
  text[n] = '\0';
  return text;
}

static const char *human_uuid(firn_bytes b, firn_arena *arena) {
  char text[FIRN_UUID_TEXT];
  firn_uuid uuid;
  assert(b.len == sizeof uuid.bytes);
  memcpy(uuid.bytes, b.data, sizeof uuid.bytes);
  firn_uuid_text(uuid, text);
  return firn_arena_text(arena, firn_bytes_of(text));
}

static const char *human_number(double v, bool is_float, firn_arena *arena) {
  char text[FIRN_NUMBER_MAX];
  if (v - v != 0) {
    return v != v ? "NaN" : v < 0 ? "-Infinity" : "Infinity";
  }
  size_t len = is_float ? firn_number_of_float((float)v, text) : firn_number_of_double(v, text);
  return firn_arena_text(arena, (firn_bytes){(const uint8_t *)text, len});
}

/* `scale` is that of the source column; the rest is the value's own. */
static const char *human_value(const firn_value *v, unsigned scale, firn_arena *arena) {
  char decimal[FIRN_DECIMAL_TEXT_MAX];
  switch (v->kind) {
    case FIRN_KIND_BOOLEAN:
      return v->boolean ? "true" : "false";
    case FIRN_KIND_INT:
      return firn_arena_printf(arena, "%" PRId32, v->i32);
    case FIRN_KIND_LONG:
      return firn_arena_printf(arena, "%" PRId64, v->i64);
    case FIRN_KIND_DATE:
      return human_day(v->i32, arena);
    case FIRN_KIND_FLOAT:
      return human_number((double)v->f32, true, arena);
    case FIRN_KIND_DOUBLE:
      return human_number(v->f64, false, arena);
    case FIRN_KIND_DECIMAL:
      (void)firn_decimal_text(v->dec, scale, decimal);
      return firn_arena_text(arena, firn_bytes_of(decimal));
    case FIRN_KIND_STRING:
      return firn_arena_text(arena, v->bytes);
    case FIRN_KIND_UUID:
      return human_uuid(v->bytes, arena);
    default:
      return firn_kind_is_bytes(v->kind) ? base64(v->bytes, arena) : human_time(v, arena);
  }
}

const char *firn_transform_human(const firn_transform *t, const firn_field *source, const firn_value *result,
                                 firn_arena *arena) {
  if (result->is_null || result->kind == FIRN_KIND_UNKNOWN) {
    return "null";
  }
  switch (t->kind) {
    case FIRN_TRANSFORM_YEAR:
      return firn_arena_printf(arena, "%04d", (int)(EPOCH_YEAR + (int64_t)result->i32));
    case FIRN_TRANSFORM_MONTH: {
      int64_t years = firn_floor_div(result->i32, MONTHS_PER_YEAR);
      return firn_arena_printf(arena, "%04d-%02d", (int)(EPOCH_YEAR + years),
                               (int)(result->i32 - years * MONTHS_PER_YEAR + 1));
    }
    case FIRN_TRANSFORM_DAY: /* a date, or the int that old writers made of it */
      return human_day(result->i32, arena);
    case FIRN_TRANSFORM_HOUR:
      return human_hour(result->i32, arena);
    default:
      return human_value(result, source == NULL ? 0 : source->scale, arena);
  }
}
