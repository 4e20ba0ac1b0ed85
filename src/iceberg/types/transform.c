#include "iceberg/types/transform.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"

enum { MAX_TEXT = 63, MONTHS_PER_YEAR = 12, EPOCH_YEAR = 1970 };

static const struct {
  const char *name;
  firn_transform_kind kind;
} plain[] = {
    {"identity", FIRN_TRANSFORM_IDENTITY}, {"year", FIRN_TRANSFORM_YEAR}, {"month", FIRN_TRANSFORM_MONTH},
    {"day", FIRN_TRANSFORM_DAY},           {"hour", FIRN_TRANSFORM_HOUR}, {"void", FIRN_TRANSFORM_VOID},
};

/* "[16]" behind a name: the number, 0 when it is none between 1 and INT32_MAX. */
static int32_t width_of(firn_bytes rest) {
  int64_t width = 0;
  if (rest.len < 3 || rest.data[0] != '[' || rest.data[rest.len - 1] != ']') {
    return 0;
  }
  for (size_t i = 1; i + 1 < rest.len; i++) {
    if (rest.data[i] < '0' || rest.data[i] > '9') {
      return 0;
    }
    width = width * 10 + (rest.data[i] - '0');
    if (width > INT32_MAX) {
      return 0;
    }
  }
  return (int32_t)width;
}

static firn_status read_wide(firn_bytes text, firn_bytes name, firn_transform_kind kind, firn_transform *out,
                             firn_error *err) {
  int32_t width = width_of(firn_bytes_part(text, name.len, text.len - name.len));
  if (width == 0) {
    return firn_error_set(err, FIRN_CORRUPT, "transform %.*s needs a positive 32-bit number in brackets",
                          FIRN_FORMAT_BYTES(firn_bytes_part(text, 0, MAX_TEXT)));
  }
  *out = (firn_transform){.kind = kind, .width = width};
  return FIRN_OK;
}

firn_status firn_transform_read(firn_bytes text, firn_arena *arena, firn_transform *out, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(plain); i++) {
    if (firn_bytes_is(text, plain[i].name)) {
      *out = (firn_transform){.kind = plain[i].kind};
      return FIRN_OK;
    }
  }
  if (firn_bytes_is(text, "bucket") || firn_bytes_has_prefix(text, FIRN_LITERAL("bucket["))) {
    return read_wide(text, FIRN_LITERAL("bucket"), FIRN_TRANSFORM_BUCKET, out, err);
  }
  if (firn_bytes_is(text, "truncate") || firn_bytes_has_prefix(text, FIRN_LITERAL("truncate["))) {
    return read_wide(text, FIRN_LITERAL("truncate"), FIRN_TRANSFORM_TRUNCATE, out, err);
  }
  if (text.len == 0 || text.len > MAX_TEXT) {
    return firn_error_set(err, FIRN_CORRUPT, "the name of a transform has %zu bytes, not 1 to %d", text.len,
                          MAX_TEXT);
  }
  const char *kept = firn_arena_text(arena, text);
  if (kept == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a transform");
  }
  *out = (firn_transform){.kind = FIRN_TRANSFORM_UNKNOWN, .text = kept};
  return FIRN_OK;
}

void firn_transform_text(const firn_transform *t, char into[64]) {
  switch (t->kind) {
    case FIRN_TRANSFORM_BUCKET:
      (void)snprintf(into, MAX_TEXT + 1, "bucket[%" PRId32 "]", t->width);
      return;
    case FIRN_TRANSFORM_TRUNCATE:
      (void)snprintf(into, MAX_TEXT + 1, "truncate[%" PRId32 "]", t->width);
      return;
    case FIRN_TRANSFORM_UNKNOWN:
      (void)snprintf(into, MAX_TEXT + 1, "%s", t->text);
      return;
    default:
      break;
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(plain); i++) {
    if (plain[i].kind == t->kind) {
      (void)snprintf(into, MAX_TEXT + 1, "%s", plain[i].name);
    }
  }
}

bool firn_transform_equal(const firn_transform *a, const firn_transform *b) {
  char text_a[MAX_TEXT + 1], text_b[MAX_TEXT + 1];
  firn_transform_text(a, text_a);
  firn_transform_text(b, text_b);
  return strcmp(text_a, text_b) == 0;
}

static bool is_timestamp(firn_kind k) {
  return k == FIRN_KIND_TIMESTAMP || k == FIRN_KIND_TIMESTAMPTZ || k == FIRN_KIND_TIMESTAMP_NS ||
         k == FIRN_KIND_TIMESTAMPTZ_NS;
}

/* Spec: Partition Transforms, the column of source types. */
bool firn_transform_takes(const firn_transform *t, const firn_field *source) {
  firn_kind k = source->kind;
  switch (t->kind) {
    case FIRN_TRANSFORM_IDENTITY:
      return !firn_kind_is_nested(k) && k != FIRN_KIND_VARIANT && k != FIRN_KIND_GEOMETRY &&
             k != FIRN_KIND_GEOGRAPHY;
    case FIRN_TRANSFORM_BUCKET:
      return k == FIRN_KIND_INT || k == FIRN_KIND_LONG || k == FIRN_KIND_DECIMAL || k == FIRN_KIND_DATE ||
             k == FIRN_KIND_TIME || is_timestamp(k) || k == FIRN_KIND_STRING || k == FIRN_KIND_UUID ||
             k == FIRN_KIND_FIXED || k == FIRN_KIND_BINARY;
    case FIRN_TRANSFORM_TRUNCATE:
      return k == FIRN_KIND_INT || k == FIRN_KIND_LONG || k == FIRN_KIND_DECIMAL || k == FIRN_KIND_STRING ||
             k == FIRN_KIND_BINARY;
    case FIRN_TRANSFORM_YEAR:
    case FIRN_TRANSFORM_MONTH:
    case FIRN_TRANSFORM_DAY:
      return k == FIRN_KIND_DATE || is_timestamp(k);
    case FIRN_TRANSFORM_HOUR:
      return is_timestamp(k);
    default:
      return true;
  }
}

void firn_transform_result(const firn_transform *t, const firn_field *source, firn_field *out) {
  out->precision = out->scale = 0;
  out->width = 0;
  switch (t->kind) {
    case FIRN_TRANSFORM_BUCKET:
    case FIRN_TRANSFORM_YEAR:
    case FIRN_TRANSFORM_MONTH:
    case FIRN_TRANSFORM_HOUR:
      out->kind = FIRN_KIND_INT;
      break;
    case FIRN_TRANSFORM_DAY:
      out->kind = FIRN_KIND_DATE;
      break;
    case FIRN_TRANSFORM_UNKNOWN:
      out->kind = FIRN_KIND_UNKNOWN;
      break;
    default:
      out->kind = source->kind;
      out->precision = source->precision;
      out->scale = source->scale;
      out->width = source->width;
  }
}

static int64_t units_per_day(firn_kind k) {
  bool ns = k == FIRN_KIND_TIMESTAMP_NS || k == FIRN_KIND_TIMESTAMPTZ_NS;
  return ns ? FIRN_NS_PER_DAY : FIRN_US_PER_DAY;
}

static int64_t days_of(const firn_value *v) {
  return v->kind == FIRN_KIND_DATE ? v->i32 : firn_floor_div(v->i64, units_per_day(v->kind));
}

static firn_status apply_time(const firn_transform *t, const firn_value *in, firn_value *out,
                              firn_error *err) {
  if (t->kind == FIRN_TRANSFORM_HOUR) {
    int64_t hour = firn_floor_div(in->i64, units_per_day(in->kind) / 24);
    if (hour < INT32_MIN || hour > INT32_MAX) {
      return firn_error_set(err, FIRN_LIMIT, "the hour of a time does not fit in 32 bits");
    }
    out->i32 = (int32_t)hour;
    return FIRN_OK;
  }
  int64_t days = days_of(in);
  firn_date date = firn_date_of_days(days);
  int64_t years = date.year - EPOCH_YEAR;
  if (t->kind == FIRN_TRANSFORM_YEAR) {
    out->i32 = (int32_t)years; /* 32 bits of days are 5.9 million years, 64 of microseconds 292 thousand */
  } else if (t->kind == FIRN_TRANSFORM_MONTH) {
    out->i32 = (int32_t)(years * MONTHS_PER_YEAR + date.month - 1);
  } else {
    out->i32 = (int32_t)days;
  }
  return FIRN_OK;
}

/* Spec: Truncate Transform Details: v - (((v % W) + W) % W); wide enough that nothing overflows. */
static firn_decimal truncated(firn_decimal v, int32_t width) {
  return v - (v % width + width) % width;
}

/* The first `n` code points; a byte that begins none counts as one, so that any text has a prefix. */
static firn_bytes text_prefix(firn_bytes text, size_t n) {
  size_t at = 0;
  for (size_t i = 0; i < n && at < text.len; i++) {
    uint32_t ignored;
    size_t len = firn_utf8_decode(text.data + at, text.data + text.len, &ignored);
    at += len == 0 ? 1 : len;
  }
  return firn_bytes_part(text, 0, at);
}

static firn_status apply_truncate(const firn_transform *t, const firn_field *source, const firn_value *in,
                                  firn_value *out, firn_error *err) {
  firn_decimal result;
  bool fits;
  switch (in->kind) {
    case FIRN_KIND_INT:
      result = truncated(in->i32, t->width);
      fits = result >= INT32_MIN;
      out->i32 = (int32_t)result;
      break;
    case FIRN_KIND_LONG:
      result = truncated(in->i64, t->width);
      fits = result >= INT64_MIN;
      out->i64 = (int64_t)result;
      break;
    case FIRN_KIND_DECIMAL:
      result = truncated(in->dec, t->width);
      fits = firn_decimal_fits(result, source->precision);
      out->dec = result;
      break;
    default:
      fits = true;
      out->bytes = in->kind == FIRN_KIND_STRING ? text_prefix(in->bytes, (size_t)t->width)
                                                : firn_bytes_part(in->bytes, 0, (size_t)t->width);
  }
  if (!fits) {
    return firn_error_set(err, FIRN_LIMIT,
                          "a %s truncated to a multiple of %" PRId32 " does not fit its type",
                          firn_kind_name(in->kind), t->width);
  }
  return FIRN_OK;
}

firn_status firn_transform_apply(const firn_transform *t, const firn_field *source, const firn_value *in,
                                 firn_arena *arena, firn_value *out, firn_error *err) {
  (void)arena; /* every text result so far is a part of its input */
  firn_field type = {0};
  firn_transform_result(t, source, &type);
  firn_value made = {.kind = type.kind, .is_null = in->is_null};
  assert(in->is_null || in->kind == source->kind);
  if (t->kind == FIRN_TRANSFORM_UNKNOWN) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "transform %s is not known: its partitions cannot be written", t->text);
  }
  if (!firn_transform_takes(t, source)) {
    char text[MAX_TEXT + 1];
    firn_transform_text(t, text);
    return firn_error_set(err, FIRN_INVALID, "transform %s takes no %s", text, firn_kind_name(source->kind));
  }
  if (in->is_null || t->kind == FIRN_TRANSFORM_VOID) {
    made.is_null = true;
  } else if (t->kind == FIRN_TRANSFORM_IDENTITY) {
    made = *in;
  } else if (t->kind == FIRN_TRANSFORM_BUCKET) {
    made.i32 = (int32_t)((firn_bucket_hash(in) & INT32_MAX) % (uint32_t)t->width);
  } else if (t->kind == FIRN_TRANSFORM_TRUNCATE) {
    FIRN_TRY(apply_truncate(t, source, in, &made, err));
  } else {
    FIRN_TRY(apply_time(t, in, &made, err));
  }
  *out = made;
  return FIRN_OK;
}
