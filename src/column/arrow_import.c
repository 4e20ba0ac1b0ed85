/* Batches in, from the Arrow C data and stream interfaces. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "column/arrow.h"
#include "column/take.h"

enum { UUID_BYTES = 16, VIEW_BYTES = 16, VIEW_INLINE = 12, HALF_BYTES = 2, LONGEST_METADATA = 1 << 24 };

/* How values lie in an array. */
typedef enum layout {
  LAYOUT_NONE = 0, /* the null type */
  LAYOUT_BITS,
  LAYOUT_NUMBERS, /* `width` bytes each */
  LAYOUT_OFFSETS32,
  LAYOUT_OFFSETS64,
  LAYOUT_VIEWS,
  LAYOUT_FIXED, /* runs of `width` bytes */
  LAYOUT_STRUCT,
  LAYOUT_LIST32,
  LAYOUT_LIST64,
  LAYOUT_LIST_FIXED, /* `width` elements each */
  LAYOUT_LIST_VIEW32,
  LAYOUT_LIST_VIEW64,
} layout;

/* What is done to numbers. */
typedef enum conversion {
  SAME = 0,
  SIGNED,   /* widened */
  UNSIGNED, /* widened */
  HALF,
  DAYS_OF_MILLIS,
  TIMES, /* by `factor` */
  MICROS_OF_NANOS,
} conversion;

typedef struct shape {
  firn_kind kind;
  layout layout;
  conversion conversion;
  size_t width;
  int64_t factor;
  uint8_t precision, scale;
} shape;

static const struct {
  const char *format;
  shape shape;
} shapes[] = {
    {"n", {FIRN_KIND_UNKNOWN, LAYOUT_NONE, SAME, 0, 0, 0, 0}},
    {"b", {FIRN_KIND_BOOLEAN, LAYOUT_BITS, SAME, 0, 0, 0, 0}},
    {"c", {FIRN_KIND_INT, LAYOUT_NUMBERS, SIGNED, 1, 0, 0, 0}},
    {"C", {FIRN_KIND_INT, LAYOUT_NUMBERS, UNSIGNED, 1, 0, 0, 0}},
    {"s", {FIRN_KIND_INT, LAYOUT_NUMBERS, SIGNED, 2, 0, 0, 0}},
    {"S", {FIRN_KIND_INT, LAYOUT_NUMBERS, UNSIGNED, 2, 0, 0, 0}},
    {"i", {FIRN_KIND_INT, LAYOUT_NUMBERS, SAME, 4, 0, 0, 0}},
    {"I", {FIRN_KIND_LONG, LAYOUT_NUMBERS, UNSIGNED, 4, 0, 0, 0}},
    {"l", {FIRN_KIND_LONG, LAYOUT_NUMBERS, SAME, 8, 0, 0, 0}},
    {"L", {FIRN_KIND_DECIMAL, LAYOUT_NUMBERS, UNSIGNED, 8, 0, 20, 0}},
    {"e", {FIRN_KIND_FLOAT, LAYOUT_NUMBERS, HALF, 2, 0, 0, 0}},
    {"f", {FIRN_KIND_FLOAT, LAYOUT_NUMBERS, SAME, 4, 0, 0, 0}},
    {"g", {FIRN_KIND_DOUBLE, LAYOUT_NUMBERS, SAME, 8, 0, 0, 0}},
    {"z", {FIRN_KIND_BINARY, LAYOUT_OFFSETS32, SAME, 0, 0, 0, 0}},
    {"Z", {FIRN_KIND_BINARY, LAYOUT_OFFSETS64, SAME, 0, 0, 0, 0}},
    {"vz", {FIRN_KIND_BINARY, LAYOUT_VIEWS, SAME, 0, 0, 0, 0}},
    {"u", {FIRN_KIND_STRING, LAYOUT_OFFSETS32, SAME, 0, 0, 0, 0}},
    {"U", {FIRN_KIND_STRING, LAYOUT_OFFSETS64, SAME, 0, 0, 0, 0}},
    {"vu", {FIRN_KIND_STRING, LAYOUT_VIEWS, SAME, 0, 0, 0, 0}},
    {"tdD", {FIRN_KIND_DATE, LAYOUT_NUMBERS, SAME, 4, 0, 0, 0}},
    {"tdm", {FIRN_KIND_DATE, LAYOUT_NUMBERS, DAYS_OF_MILLIS, 8, 0, 0, 0}},
    {"tts", {FIRN_KIND_TIME, LAYOUT_NUMBERS, TIMES, 4, 1000000, 0, 0}},
    {"ttm", {FIRN_KIND_TIME, LAYOUT_NUMBERS, TIMES, 4, 1000, 0, 0}},
    {"ttu", {FIRN_KIND_TIME, LAYOUT_NUMBERS, SAME, 8, 0, 0, 0}},
    {"ttn", {FIRN_KIND_TIME, LAYOUT_NUMBERS, MICROS_OF_NANOS, 8, 0, 0, 0}},
    {"+s", {FIRN_KIND_STRUCT, LAYOUT_STRUCT, SAME, 0, 0, 0, 0}},
    {"+l", {FIRN_KIND_LIST, LAYOUT_LIST32, SAME, 0, 0, 0, 0}},
    {"+L", {FIRN_KIND_LIST, LAYOUT_LIST64, SAME, 0, 0, 0, 0}},
    {"+vl", {FIRN_KIND_LIST, LAYOUT_LIST_VIEW32, SAME, 0, 0, 0, 0}},
    {"+vL", {FIRN_KIND_LIST, LAYOUT_LIST_VIEW64, SAME, 0, 0, 0, 0}},
    {"+m", {FIRN_KIND_MAP, LAYOUT_LIST32, SAME, 0, 0, 0, 0}},
};

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory to import from Arrow");
}

static firn_status broken(const char *what, firn_error *err) {
  return firn_error_set(err, FIRN_INVALID, "%s", what);
}

/* Timestamps: "ts", a unit, a colon, a zone that may be empty. */
static bool timestamp_shape(const char *format, shape *out) {
  if (strncmp(format, "ts", 2) != 0 || format[2] == '\0' || format[3] != ':') {
    return false;
  }
  bool zoned = format[4] != '\0';
  *out = (shape){
      .kind = zoned ? FIRN_KIND_TIMESTAMPTZ : FIRN_KIND_TIMESTAMP, .layout = LAYOUT_NUMBERS, .width = 8};
  switch (format[2]) {
    case 's':
    case 'm':
      out->conversion = TIMES;
      out->factor = format[2] == 's' ? 1000000 : 1000;
      return true;
    case 'u':
      return true;
    case 'n':
      out->kind = zoned ? FIRN_KIND_TIMESTAMPTZ_NS : FIRN_KIND_TIMESTAMP_NS;
      return true;
    default:
      return false;
  }
}

static bool number_at(const char **at, long min, long max, long *out) {
  char *end;
  errno = 0;
  long v = strtol(*at, &end, 10);
  if (end == *at || errno != 0 || v < min || v > max) {
    return false;
  }
  *at = end;
  *out = v;
  return true;
}

/* Steps over a comma when one is there. */
static bool comma_at(const char **at) {
  bool is_there = **at == ',';
  *at += is_there;
  return is_there;
}

/* "d:precision,scale" and perhaps ",bits"; "w:bytes"; "+w:elements". */
static bool parameter_shape(const char *format, shape *out) {
  long first = 0;
  long second = 0;
  long bits = 128;
  const char *at = format + 2;
  if (strncmp(format, "d:", 2) == 0) {
    bool read = number_at(&at, 1, 38, &first) && comma_at(&at) && number_at(&at, 0, first, &second);
    if (read && comma_at(&at)) {
      read = number_at(&at, 32, 128, &bits) && (bits == 32 || bits == 64 || bits == 128);
    }
    *out = (shape){.kind = FIRN_KIND_DECIMAL,
                   .layout = LAYOUT_NUMBERS,
                   .conversion = bits == 128 ? SAME : SIGNED,
                   .width = (size_t)bits / 8,
                   .precision = (uint8_t)first,
                   .scale = (uint8_t)second};
    return read && *at == '\0';
  }
  bool is_list = strncmp(format, "+w:", 3) == 0;
  at = format + (is_list ? 3 : 2);
  if ((!is_list && strncmp(format, "w:", 2) != 0) || !number_at(&at, 0, INT32_MAX, &first) || *at != '\0') {
    return false;
  }
  *out = (shape){.kind = is_list ? FIRN_KIND_LIST : FIRN_KIND_FIXED,
                 .layout = is_list ? LAYOUT_LIST_FIXED : LAYOUT_FIXED,
                 .width = (size_t)first};
  return true;
}

static int32_t load_int32(const char *at) {
  int32_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

/* The value of a key of a schema's metadata; empty when there is none. */
static firn_bytes metadata_of(const struct ArrowSchema *s, const char *key) {
  const char *at = s->metadata;
  int32_t n = at == NULL ? 0 : load_int32(at);
  at += at == NULL ? 0 : sizeof n;
  for (int32_t i = 0; i < n; i++) {
    firn_bytes parts[2];
    for (int p = 0; p < 2; p++) {
      int32_t len = load_int32(at);
      if (len < 0 || len > LONGEST_METADATA) {
        return (firn_bytes){NULL, 0};
      }
      parts[p] = (firn_bytes){(const uint8_t *)at + sizeof len, (size_t)len};
      at += sizeof len + (size_t)len;
    }
    if (firn_bytes_is(parts[0], key)) {
      return parts[1];
    }
  }
  return (firn_bytes){NULL, 0};
}

static firn_status shape_of(const struct ArrowSchema *s, shape *out, firn_error *err) {
  const char *format = s->format == NULL ? "" : s->format;
  bool known = timestamp_shape(format, out) || parameter_shape(format, out);
  for (size_t i = 0; !known && i < FIRN_COUNT_OF(shapes); i++) {
    if (strcmp(format, shapes[i].format) == 0) {
      *out = shapes[i].shape;
      known = true;
    }
  }
  if (!known) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s has the Arrow type %s, which has no counterpart here",
                          s->name == NULL ? "a field" : s->name, format);
  }
  if (out->layout == LAYOUT_FIXED && out->width == UUID_BYTES &&
      firn_bytes_is(metadata_of(s, "ARROW:extension:name"), "arrow.uuid")) {
    out->kind = FIRN_KIND_UUID;
  }
  return FIRN_OK;
}

/* ---- schemas ---- */

/* The children of the field, which for a map are those of its entries. */
static firn_status children_of(const struct ArrowSchema *s, const shape *sh, struct ArrowSchema ***out,
                               size_t *n, firn_error *err) {
  int64_t wanted = sh->kind == FIRN_KIND_STRUCT ? s->n_children : firn_kind_is_nested(sh->kind) ? 1 : 0;
  if (s->n_children != wanted || wanted < 0 || (wanted > 0 && s->children == NULL)) {
    return broken("an Arrow schema has a wrong number of children", err);
  }
  *out = s->children;
  *n = (size_t)wanted;
  if (sh->kind == FIRN_KIND_MAP) {
    const struct ArrowSchema *entries = s->children[0];
    if (entries == NULL || entries->n_children != 2 || entries->children == NULL || entries->format == NULL ||
        strcmp(entries->format, "+s") != 0) {
      return broken("an Arrow map has no entries of key and value", err);
    }
    *out = entries->children;
    *n = 2;
  }
  return FIRN_OK;
}

static int32_t id_of(const struct ArrowSchema *s) {
  firn_bytes text = metadata_of(s, "PARQUET:field_id");
  char copy[16] = {0};
  if (text.len == 0 || text.len >= sizeof copy) {
    return FIRN_NO_ID;
  }
  memcpy(copy, text.data, text.len);
  const char *at = copy;
  long id;
  return number_at(&at, 0, INT32_MAX, &id) && *at == '\0' ? (int32_t)id : FIRN_NO_ID;
}

static firn_status import_schema(const struct ArrowSchema *s, int depth, firn_arena *arena, firn_field *out,
                                 firn_error *err) {
  static const char *const entry_names[] = {"key", "value"};
  /* A dictionary-encoded field has the type of what it looks up. */
  const struct ArrowSchema *type = s->dictionary != NULL ? s->dictionary : s;
  struct ArrowSchema **children = NULL;
  size_t n = 0;
  shape sh = {0};
  if (depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  FIRN_TRY(shape_of(type, &sh, err));
  if (s->dictionary != NULL && (firn_kind_is_nested(sh.kind) || type->dictionary != NULL)) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s is a dictionary of nested values",
                          s->name == NULL ? "a field" : s->name);
  }
  FIRN_TRY(children_of(type, &sh, &children, &n, err));
  assert(sh.kind != FIRN_KIND_MAP || n == FIRN_COUNT_OF(entry_names));
  firn_bytes name = firn_bytes_of(s->name == NULL ? "" : s->name);
  *out = (firn_field){.id = id_of(s),
                      .name = firn_arena_text(arena, name),
                      .required = (s->flags & ARROW_FLAG_NULLABLE) == 0 && sh.kind != FIRN_KIND_UNKNOWN,
                      .kind = sh.kind,
                      .precision = sh.precision,
                      .scale = sh.scale,
                      .width = sh.kind == FIRN_KIND_FIXED ? (uint32_t)sh.width : 0,
                      .n_children = (uint32_t)n};
  firn_field *fields = firn_new_n(arena, firn_field, n);
  if (out->name == NULL || fields == NULL) {
    return no_memory(err);
  }
  out->children = fields;
  if (!firn_utf8_is_valid(name)) {
    return broken("an Arrow field has a name that is not UTF-8", err);
  }
  for (size_t i = 0; i < n; i++) {
    if (children[i] == NULL) {
      return broken("an Arrow schema has a child that is not there", err);
    }
    FIRN_TRY(import_schema(children[i], depth + 1, arena, &fields[i], err));
    if (sh.kind == FIRN_KIND_LIST || sh.kind == FIRN_KIND_MAP) {
      fields[i].name = sh.kind == FIRN_KIND_LIST ? "element" : entry_names[i];
    }
  }
  return FIRN_OK;
}

firn_status firn_arrow_schema_import(const struct ArrowSchema *schema, firn_arena *arena, firn_field *out,
                                     firn_error *err) {
  firn_field field;
  FIRN_TRY(import_schema(schema, 0, arena, &field, err));
  *out = field;
  return FIRN_OK;
}

/* ---- arrays ---- */

/* A part of an array: values [at, at + n), counted in its buffers. */
typedef struct part {
  const struct ArrowSchema *schema;
  const struct ArrowArray *array;
  const firn_field *field;
  size_t at, n;
  int depth;
} part;

/* 64 bits from bit `at` on of `n` bits that end in the last byte that may be read. */
static uint64_t bits_at(const uint8_t *bits, size_t at, size_t n) {
  uint8_t bytes[16] = {0};
  size_t first = at / 8;
  size_t last = (at + (n < 64 ? n : 64) + 7) / 8;
  uint64_t low;
  memcpy(bytes, bits + first, last - first);
  memcpy(&low, bytes, sizeof low);
  return at % 8 == 0 ? low : low >> (at % 8) | (uint64_t)bytes[8] << (64 - at % 8);
}

static firn_status copy_bits(const uint8_t *bits, size_t at, size_t n, firn_arena *arena, uint64_t **out,
                             size_t *n_set, firn_error *err) {
  uint64_t *words = firn_new_n(arena, uint64_t, firn_bit_words(n));
  if (words == NULL) {
    return no_memory(err);
  }
  *n_set = 0;
  for (size_t i = 0; i < n; i += 64) {
    size_t k = n - i < 64 ? n - i : 64;
    uint64_t word = bits_at(bits, at + i, n - i);
    word &= k == 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1;
    words[i / 64] = word;
    *n_set += (size_t)__builtin_popcountll(word);
  }
  *out = words;
  return FIRN_OK;
}

static firn_status import_validity(const part *p, firn_arena *arena, firn_vector *out, firn_error *err) {
  const uint8_t *bits = p->array->n_buffers > 0 ? p->array->buffers[0] : NULL;
  if (bits == NULL || p->array->null_count == 0 || p->n == 0) {
    return FIRN_OK;
  }
  size_t n_set;
  FIRN_TRY(copy_bits(bits, p->at, p->n, arena, &out->validity, &n_set, err));
  out->n_nulls = p->n - n_set;
  if (out->n_nulls == 0) {
    out->validity = NULL;
  }
  return FIRN_OK;
}

static bool divide_down(int64_t v, int64_t by, int64_t *out) {
  *out = v / by - (v % by < 0);
  return true;
}

static float half_to_float(uint16_t half) {
  _Static_assert(sizeof(float) == 4, "IEEE 754 single precision");
  uint32_t exponent = (half >> 10) & 0x1F;
  uint32_t mantissa = half & 0x3FF;
  uint32_t bits;
  if (exponent == 0) { /* zero, or a multiple of 2^-24 */
    float small = (float)mantissa * 0x1p-24F;
    memcpy(&bits, &small, sizeof bits);
  } else {
    bits = (exponent == 0x1F ? UINT32_C(0xFF) : exponent + 112) << 23 | mantissa << 13;
  }
  bits |= (uint32_t)(half >> 15) << 31;
  float out;
  memcpy(&out, &bits, sizeof out);
  return out;
}

static int64_t load_number(const uint8_t *at, size_t width, bool is_signed) {
  uint64_t v = 0;
  memcpy(&v, at, width); /* the interface is in the machine's byte order, and we run on little-endian ones */
  unsigned unused = (unsigned)(64 - 8 * width);
  return is_signed ? (int64_t)(v << unused) >> unused : (int64_t)v;
}

/* Writes number `i` of the vector; false when it does not fit its kind. */
static bool store_number(firn_vector *out, size_t i, const shape *sh, const uint8_t *from) {
  int64_t v = load_number(from, sh->width, sh->conversion != UNSIGNED);
  switch (sh->conversion) {
    case HALF:
      out->f32[i] = half_to_float((uint16_t)v);
      return true;
    case DAYS_OF_MILLIS:
      return divide_down(v, INT64_C(86400000), &v) && v >= INT32_MIN && v <= INT32_MAX &&
             (out->i32[i] = (int32_t)v, true);
    case TIMES:
      return !__builtin_mul_overflow(v, sh->factor, &out->i64[i]);
    case MICROS_OF_NANOS:
      out->i64[i] = v / 1000;
      return v % 1000 == 0;
    default:
      break;
  }
  switch (out->kind) {
    case FIRN_KIND_INT:
      out->i32[i] = (int32_t)v;
      return true;
    case FIRN_KIND_DECIMAL:
      out->dec[i] = sh->conversion == UNSIGNED ? (firn_decimal)(uint64_t)v : (firn_decimal)v;
      return true;
    default:
      out->i64[i] = v;
      return true;
  }
}

static firn_status import_numbers(const part *p, const shape *sh, firn_arena *arena, firn_vector *out,
                                  firn_error *err) {
  const uint8_t *from = (const uint8_t *)p->array->buffers[1] + p->at * sh->width;
  if (sh->conversion == SAME) {
    if ((uintptr_t)from % sh->width == 0) {
      out->values = (void *)(uintptr_t)from; /* borrowed: nobody writes to an imported batch */
      return FIRN_OK;
    }
    out->values = firn_arena_alloc_n(arena, p->n, sh->width);
    if (out->values == NULL) {
      return no_memory(err);
    }
    memcpy(out->values, from, p->n * sh->width);
    return FIRN_OK;
  }
  out->values = firn_arena_alloc_n(arena, p->n, firn_kind_value_size(out->kind));
  if (out->values == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < p->n; i++) {
    if (!firn_vector_is_null(out, i) && !store_number(out, i, sh, from + i * sh->width)) {
      return firn_error_set(err, sh->conversion == MICROS_OF_NANOS ? FIRN_UNSUPPORTED : FIRN_INVALID,
                            sh->conversion == MICROS_OF_NANOS
                                ? "a time has nanoseconds; times have microseconds here"
                                : "value %zu is outside the range of its type",
                            i);
    }
  }
  return FIRN_OK;
}

/* Value `at` of a buffer of offsets. */
static int64_t offset_at(const void *offsets, bool wide, size_t at) {
  return wide ? ((const int64_t *)offsets)[at] : ((const int32_t *)offsets)[at];
}

static firn_status view_at(const part *p, size_t i, firn_bytes *out, firn_error *err) {
  const uint8_t *view = (const uint8_t *)p->array->buffers[1] + i * VIEW_BYTES;
  int32_t parts[4];
  memcpy(parts, view, sizeof parts);
  if (parts[0] < 0) {
    return broken("an Arrow view has a negative length", err);
  }
  if (parts[0] <= VIEW_INLINE) {
    *out = (firn_bytes){view + 4, (size_t)parts[0]};
    return FIRN_OK;
  }
  int64_t n_buffers = p->array->n_buffers - 3;
  if (parts[2] < 0 || parts[2] >= n_buffers || parts[3] < 0) {
    return broken("an Arrow view points to a buffer that is not there", err);
  }
  const int64_t *sizes = p->array->buffers[p->array->n_buffers - 1];
  if ((int64_t)parts[3] + parts[0] > sizes[parts[2]]) {
    return broken("an Arrow view points beyond its buffer", err);
  }
  *out = (firn_bytes){(const uint8_t *)p->array->buffers[2 + parts[2]] + parts[3], (size_t)parts[0]};
  return FIRN_OK;
}

static firn_status run_at(const part *p, const shape *sh, size_t i, firn_bytes *out, firn_error *err) {
  if (sh->layout == LAYOUT_VIEWS) {
    return view_at(p, i, out, err);
  }
  if (sh->layout == LAYOUT_FIXED) {
    *out = (firn_bytes){(const uint8_t *)p->array->buffers[1] + i * sh->width, sh->width};
    return FIRN_OK;
  }
  bool wide = sh->layout == LAYOUT_OFFSETS64;
  int64_t from = offset_at(p->array->buffers[1], wide, i);
  int64_t to = offset_at(p->array->buffers[1], wide, i + 1);
  if (from < 0 || to < from || (to > from && p->array->buffers[2] == NULL)) {
    return broken("Arrow offsets do not ascend", err);
  }
  *out = (firn_bytes){(const uint8_t *)p->array->buffers[2] + from, (size_t)(to - from)};
  return FIRN_OK;
}

static firn_status import_runs(const part *p, const shape *sh, firn_arena *arena, firn_vector *out,
                               firn_error *err) {
  out->bytes = firn_new_n(arena, firn_bytes, p->n);
  if (out->bytes == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < p->n; i++) {
    if (firn_vector_is_null(out, i)) {
      continue; /* zeroed above */
    }
    FIRN_TRY(run_at(p, sh, p->at + i, &out->bytes[i], err));
    if (sh->kind == FIRN_KIND_STRING && !firn_utf8_is_valid(out->bytes[i])) {
      return firn_error_set(err, FIRN_INVALID, "text %zu is not UTF-8", i);
    }
  }
  return FIRN_OK;
}

static firn_status import_part(const part *p, firn_arena *arena, firn_vector *out, firn_error *err);

/* A child of `p`: its schema, array, field and values [at, at + n), counted from the child's own start. */
static firn_status import_child(const part *p, part child, firn_arena *arena, firn_vector *out,
                                firn_error *err) {
  const struct ArrowArray *array = child.array;
  if (array == NULL || array->length < 0 || array->offset < 0 || child.at > (size_t)array->length ||
      child.n > (size_t)array->length - child.at) {
    return broken("an Arrow array is shorter than what refers to it", err);
  }
  child.at += (size_t)array->offset;
  child.depth = p->depth + 1;
  firn_status status = import_part(&child, arena, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", child.field->name);
}

static firn_status import_struct(const part *p, firn_arena *arena, firn_vector *out, firn_error *err) {
  for (uint32_t i = 0; i < out->n_children; i++) {
    /* A struct's offset holds for its children too. */
    FIRN_TRY(import_child(
        p, (part){p->schema->children[i], p->array->children[i], &p->field->children[i], p->at, p->n, 0},
        arena, &out->children[i], err));
  }
  return FIRN_OK;
}

/* Where the entries of value `i` begin and how many they are. */
static bool entries_at(const part *p, const shape *sh, size_t i, int64_t *from, int64_t *n) {
  bool wide = sh->layout == LAYOUT_LIST64 || sh->layout == LAYOUT_LIST_VIEW64;
  switch (sh->layout) {
    case LAYOUT_LIST_FIXED:
      *from = (int64_t)(i * sh->width);
      *n = (int64_t)sh->width;
      break;
    case LAYOUT_LIST_VIEW32:
    case LAYOUT_LIST_VIEW64:
      *from = offset_at(p->array->buffers[1], wide, i);
      *n = offset_at(p->array->buffers[2], wide, i);
      break;
    default:
      *from = offset_at(p->array->buffers[1], wide, i);
      *n = offset_at(p->array->buffers[1], wide, i + 1) - *from;
      break;
  }
  return *from >= 0 && *n >= 0;
}

/* Where an entry of ours stands among the entries of the array: lists of nulls and list views leave gaps. */
static firn_status find_entries(const part *p, const shape *sh, firn_arena *arena, firn_vector *out,
                                bool *in_order, int64_t *first, firn_error *err) {
  int64_t total = 0;
  int64_t expected = -1;
  out->offsets = firn_new_n(arena, int32_t, p->n + 1);
  if (out->offsets == NULL) {
    return no_memory(err);
  }
  *in_order = true;
  *first = 0;
  for (size_t i = 0; i < p->n; i++) {
    int64_t from = 0;
    int64_t n = 0;
    if (!firn_vector_is_null(out, i) && !entries_at(p, sh, p->at + i, &from, &n)) {
      return broken("Arrow offsets do not ascend", err);
    }
    if (n > 0) {
      *first = expected < 0 ? from : *first;
      *in_order = *in_order && (expected < 0 || from == expected);
      expected = from + n;
    }
    total += n;
    if (total > INT32_MAX) {
      return firn_error_set(err, FIRN_LIMIT, "more than %d entries in the lists of one batch", INT32_MAX);
    }
    out->offsets[i + 1] = (int32_t)total;
  }
  return FIRN_OK;
}

/* Rows `rows` of a vector. */
static firn_status take_rows(const firn_vector *from, const firn_field *field, const uint32_t *rows, size_t n,
                             firn_arena *arena, firn_vector *out, firn_error *err) {
  firn_field schema = {.kind = FIRN_KIND_STRUCT, .n_children = 1, .children = field};
  firn_vector column = *from;
  firn_batch all = {.schema = &schema, .n_rows = from->len, .columns = &column};
  firn_batch taken;
  FIRN_TRY(firn_batch_take(&all, rows, n, arena, &taken, err));
  *out = taken.columns[0];
  return FIRN_OK;
}

/* Entries that do not lie one behind the other: all of the child is imported, and what is referred to taken.
 */
static firn_status gather_entries(const part *p, const shape *sh, firn_arena *arena, firn_vector *out,
                                  firn_error *err) {
  const struct ArrowArray *array = p->array->children[0];
  size_t total = (size_t)out->offsets[p->n];
  uint32_t *rows = firn_new_n(arena, uint32_t, total);
  if (rows == NULL) {
    return no_memory(err);
  }
  if (array == NULL || array->length < 0 || array->length > UINT32_MAX) {
    return broken("an Arrow list has no entries, or too many", err);
  }
  size_t at = 0;
  for (size_t i = 0; i < p->n; i++) {
    int64_t from = 0;
    int64_t n = 0;
    if (firn_vector_is_null(out, i) || !entries_at(p, sh, p->at + i, &from, &n)) {
      continue;
    }
    if (from > array->length - n) {
      return broken("an Arrow array is shorter than what refers to it", err);
    }
    for (int64_t k = 0; k < n; k++) {
      rows[at++] = (uint32_t)(from + k);
    }
  }
  firn_vector all = {0};
  FIRN_TRY(import_child(
      p, (part){p->schema->children[0], array, &p->field->children[0], 0, (size_t)array->length, 0}, arena,
      &all, err));
  return take_rows(&all, &p->field->children[0], rows, total, arena, &out->children[0], err);
}

static firn_status import_entries(const part *p, const shape *sh, firn_arena *arena, firn_vector *out,
                                  firn_error *err) {
  bool in_order;
  int64_t first;
  FIRN_TRY(find_entries(p, sh, arena, out, &in_order, &first, err));
  size_t n = (size_t)out->offsets[p->n];
  const struct ArrowArray *array = p->array->children[0];
  if (sh->kind == FIRN_KIND_LIST) {
    return in_order
               ? import_child(
                     p, (part){p->schema->children[0], array, &p->field->children[0], (size_t)first, n, 0},
                     arena, &out->children[0], err)
               : gather_entries(p, sh, arena, out, err);
  }
  if (array == NULL || array->n_children != 2 || array->children == NULL || array->offset < 0 || !in_order) {
    return broken("an Arrow map has no entries of key and value in order", err);
  }
  for (uint32_t i = 0; i < 2; i++) {
    FIRN_TRY(import_child(p,
                          (part){p->schema->children[0]->children[i], array->children[i],
                                 &p->field->children[i], (size_t)array->offset + (size_t)first, n, 0},
                          arena, &out->children[i], err));
  }
  return FIRN_OK;
}

/* Indexes into a dictionary: its values are imported once and looked up. */
static firn_status import_dictionary(const part *p, firn_arena *arena, firn_vector *out, firn_error *err) {
  const struct ArrowArray *dictionary = p->array->dictionary;
  static const char widths[] = "cCsSiIlL";
  const char *format = p->schema->format == NULL ? "" : p->schema->format;
  const char *found = format[0] == '\0' || format[1] != '\0' ? NULL : strchr(widths, format[0]);
  if (found == NULL || dictionary == NULL || p->array->n_buffers != 2 ||
      (p->n > 0 && p->array->buffers[1] == NULL)) {
    return broken("an Arrow dictionary array is broken", err);
  }
  size_t width = (size_t)1 << ((found - widths) / 2);
  firn_vector values = {0};
  firn_vector nulls = {.kind = FIRN_KIND_INT, .len = p->n};
  uint32_t *rows = firn_new_n(arena, uint32_t, p->n);
  FIRN_TRY(import_child(p,
                        (part){p->schema->dictionary, dictionary, p->field, 0, (size_t)dictionary->length, 0},
                        arena, &values, err));
  FIRN_TRY(import_validity(p, arena, &nulls, err));
  if (rows == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < p->n; i++) {
    const uint8_t *at = (const uint8_t *)p->array->buffers[1] + (p->at + i) * width;
    uint64_t index = (uint64_t)load_number(at, width, (found - widths) % 2 == 0);
    if (!firn_vector_is_null(&nulls, i) && index >= values.len) {
      return broken("an Arrow index is beyond its dictionary", err);
    }
    rows[i] = firn_vector_is_null(&nulls, i) ? 0 : (uint32_t)index;
  }
  if (values.len == 0) { /* every index is null, so what is looked up does not matter */
    FIRN_TRY(firn_vector_new(p->field, p->n, arena, out, err));
    out->len = p->n;
  } else {
    FIRN_TRY(take_rows(&values, p->field, rows, p->n, arena, out, err));
  }
  for (size_t i = 0; i < p->n && nulls.validity != NULL; i++) {
    if (firn_bit(nulls.validity, i)) {
      continue;
    }
    FIRN_TRY(firn_vector_need_validity(out, p->n, arena, err));
    if (firn_bit(out->validity, i)) {
      firn_vector_set_null(out, i);
    }
    if (firn_kind_is_bytes(out->kind)) {
      out->bytes[i] = (firn_bytes){NULL, 0};
    }
  }
  return FIRN_OK;
}

/* Whether the array has the buffers and children that its layout wants. */
static firn_status check_array(const part *p, const shape *sh, firn_error *err) {
  static const uint8_t buffers[] = {
      [LAYOUT_NONE] = 0,       [LAYOUT_BITS] = 2,   [LAYOUT_NUMBERS] = 2,    [LAYOUT_OFFSETS32] = 3,
      [LAYOUT_OFFSETS64] = 3,  [LAYOUT_VIEWS] = 3,  [LAYOUT_FIXED] = 2,      [LAYOUT_STRUCT] = 1,
      [LAYOUT_LIST32] = 2,     [LAYOUT_LIST64] = 2, [LAYOUT_LIST_FIXED] = 1, [LAYOUT_LIST_VIEW32] = 3,
      [LAYOUT_LIST_VIEW64] = 3};
  const struct ArrowArray *a = p->array;
  int64_t wanted = buffers[sh->layout];
  bool right = sh->layout == LAYOUT_VIEWS ? a->n_buffers >= wanted : a->n_buffers == wanted;
  right = right && a->n_children == p->schema->n_children && (a->n_children == 0 || a->children != NULL) &&
          (a->n_buffers == 0 || a->buffers != NULL);
  /* Offsets and numbers; the bytes that offsets point into are looked at where they are. */
  size_t needed = sh->layout == LAYOUT_LIST_VIEW32 || sh->layout == LAYOUT_LIST_VIEW64 ? 3 : 2;
  for (size_t i = 1; right && i < needed && (int64_t)i < wanted && p->n > 0; i++) {
    right = a->buffers[i] != NULL || (sh->layout == LAYOUT_FIXED && sh->width == 0);
  }
  return right ? FIRN_OK : broken("an Arrow array does not have the buffers or children of its type", err);
}

static firn_status import_part(const part *p, firn_arena *arena, firn_vector *out, firn_error *err) {
  shape sh = {0};
  if (p->depth > FIRN_TYPE_MAX_DEPTH) {
    return firn_error_set(err, FIRN_LIMIT, "types nest deeper than %d", FIRN_TYPE_MAX_DEPTH);
  }
  if (p->schema->dictionary != NULL) {
    return import_dictionary(p, arena, out, err);
  }
  FIRN_TRY(shape_of(p->schema, &sh, err));
  FIRN_TRY(check_array(p, &sh, err));
  *out = (firn_vector){.kind = sh.kind, .len = p->n, .n_children = p->field->n_children};
  out->children = firn_new_n(arena, firn_vector, out->n_children);
  if (out->children == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(import_validity(p, arena, out, err));
  switch (sh.layout) {
    case LAYOUT_NONE:
      out->n_nulls = p->n;
      return FIRN_OK;
    case LAYOUT_STRUCT:
      return import_struct(p, arena, out, err);
    case LAYOUT_LIST32:
    case LAYOUT_LIST64:
    case LAYOUT_LIST_FIXED:
    case LAYOUT_LIST_VIEW32:
    case LAYOUT_LIST_VIEW64:
      return import_entries(p, &sh, arena, out, err);
    default:
      break;
  }
  if (p->n == 0) {
    out->values = firn_arena_alloc(arena, sizeof(firn_bytes)); /* an address for nothing */
    return out->values == NULL ? no_memory(err) : FIRN_OK;
  }
  if (sh.layout == LAYOUT_BITS) {
    size_t n_set;
    return copy_bits(p->array->buffers[1], p->at, p->n, arena, &out->bits, &n_set, err);
  }
  return sh.layout == LAYOUT_NUMBERS ? import_numbers(p, &sh, arena, out, err)
                                     : import_runs(p, &sh, arena, out, err);
}

firn_status firn_arrow_batch_import(const struct ArrowArray *array, const struct ArrowSchema *schema,
                                    const firn_field *field, firn_arena *arena, firn_batch *out,
                                    firn_error *err) {
  firn_vector all = {0};
  part top = {.schema = schema, .field = field};
  if (field->kind != FIRN_KIND_STRUCT || array->length < 0 || array->offset < 0 ||
      schema->dictionary != NULL) {
    return broken("an Arrow batch must be a struct array", err);
  }
  top.array = array;
  top.at = (size_t)array->offset;
  top.n = (size_t)array->length;
  FIRN_TRY(import_part(&top, arena, &all, err));
  if (all.n_nulls > 0) {
    return broken("a row of an Arrow batch is null", err);
  }
  *out = (firn_batch){.schema = field, .n_rows = all.len, .columns = all.children};
  return FIRN_OK;
}

/* ---- streams ---- */

struct firn_arrow_reader {
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray array;
  firn_arena arena; /* the field */
  firn_arena batch_arena;
  firn_field field;
  firn_batch batch;
};

static firn_status stream_failed(firn_arrow_reader *r, int code, firn_error *err) {
  const char *text = r->stream.get_last_error(&r->stream);
  firn_status status = code == ENOMEM ? FIRN_NOMEM : code == ECANCELED ? FIRN_CANCELLED : FIRN_IO;
  return firn_error_set(err, status, "an Arrow stream failed: %s", text == NULL ? strerror(code) : text);
}

firn_status firn_arrow_reader_open(struct ArrowArrayStream *stream, firn_arrow_reader **out,
                                   firn_error *err) {
  FIRN_AUTO_ARROW_READER *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    stream->release(stream);
    return no_memory(err);
  }
  r->stream = *stream;
  stream->release = NULL;
  int code = r->stream.get_schema(&r->stream, &r->schema);
  if (code != 0) {
    r->schema.release = NULL;
    return stream_failed(r, code, err);
  }
  FIRN_TRY(firn_arrow_schema_import(&r->schema, &r->arena, &r->field, err));
  if (r->field.kind != FIRN_KIND_STRUCT) {
    return broken("an Arrow stream must be one of structs", err);
  }
  *out = FIRN_HAND_OVER(r);
  return FIRN_OK;
}

const firn_field *firn_arrow_reader_schema(const firn_arrow_reader *r) {
  return &r->field;
}

static void release_batch(firn_arrow_reader *r) {
  if (r->array.release != NULL) {
    r->array.release(&r->array);
  }
  r->array = (struct ArrowArray){0};
  firn_arena_reset(&r->batch_arena);
}

firn_status firn_arrow_reader_next(firn_arrow_reader *r, const firn_batch **out, firn_error *err) {
  release_batch(r);
  int code = r->stream.get_next(&r->stream, &r->array);
  if (code != 0) {
    r->array.release = NULL;
    return stream_failed(r, code, err);
  }
  if (r->array.release == NULL) {
    *out = NULL;
    return FIRN_OK;
  }
  FIRN_TRY(firn_arrow_batch_import(&r->array, &r->schema, &r->field, &r->batch_arena, &r->batch, err));
  *out = &r->batch;
  return FIRN_OK;
}

void firn_arrow_reader_close(firn_arrow_reader *r) {
  if (r == NULL) {
    return;
  }
  release_batch(r);
  if (r->schema.release != NULL) {
    r->schema.release(&r->schema);
  }
  if (r->stream.release != NULL) {
    r->stream.release(&r->stream);
  }
  firn_arena_free(&r->batch_arena);
  firn_arena_free(&r->arena);
  firn_free(r);
}

void firn_arrow_reader_close_pointer(firn_arrow_reader **r) {
  firn_arrow_reader_close(*r);
}
