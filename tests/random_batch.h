/* Random schemas and batches, from a seed: every kind, any nesting, nulls anywhere, values that are hard on
 * writers. For unit tests and for the programs of tests/interop; all functions are static, so that either can
 * take what it needs. */
#ifndef FIRN_RANDOM_BATCH_H
#define FIRN_RANDOM_BATCH_H

#include <math.h>

#include "column/vector.h"

typedef struct random_source {
  uint64_t state;
  int32_t next_id;
} random_source;

FIRN_UNUSED static uint64_t random_next(random_source *r) { /* splitmix64 */
  r->state += UINT64_C(0x9E3779B97F4A7C15);
  uint64_t z = r->state;
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

FIRN_UNUSED static size_t random_below(random_source *r, size_t n) {
  return (size_t)(random_next(r) % n);
}

FIRN_UNUSED static firn_kind random_kind(random_source *r, int depth) {
  static const firn_kind flat[] = {
      FIRN_KIND_BOOLEAN,   FIRN_KIND_INT,         FIRN_KIND_LONG,           FIRN_KIND_FLOAT,
      FIRN_KIND_DOUBLE,    FIRN_KIND_DECIMAL,     FIRN_KIND_DATE,           FIRN_KIND_TIME,
      FIRN_KIND_TIMESTAMP, FIRN_KIND_TIMESTAMPTZ, FIRN_KIND_TIMESTAMP_NS,   FIRN_KIND_STRING,
      FIRN_KIND_STRING,    FIRN_KIND_UUID,        FIRN_KIND_FIXED,          FIRN_KIND_BINARY,
      FIRN_KIND_DECIMAL,   FIRN_KIND_STRING,      FIRN_KIND_TIMESTAMPTZ_NS, FIRN_KIND_UNKNOWN};
  static const firn_kind nested[] = {FIRN_KIND_STRUCT, FIRN_KIND_LIST, FIRN_KIND_MAP};
  if (depth < 4 && random_below(r, 3) == 0) {
    return nested[random_below(r, FIRN_COUNT_OF(nested))];
  }
  return flat[random_below(r, FIRN_COUNT_OF(flat))];
}

/* A field of any type; false when there is no memory. */
FIRN_UNUSED static bool random_field(random_source *r, firn_arena *arena, const char *name, firn_kind kind,
                                     int depth, firn_field *out) {
  static const char *const map_names[] = {"key", "value"};
  *out = (firn_field){.id = r->next_id++,
                      .name = name,
                      .kind = kind,
                      .required = kind != FIRN_KIND_UNKNOWN && random_below(r, 3) == 0};
  if (kind == FIRN_KIND_DECIMAL) {
    out->precision = (uint8_t)(1 + random_below(r, 38));
    out->scale = (uint8_t)random_below(r, out->precision + 1U);
  }
  out->width = kind == FIRN_KIND_FIXED ? 1 + (uint32_t)random_below(r, 30) : 0;
  if (!firn_kind_is_nested(kind)) {
    return true;
  }
  out->n_children = kind == FIRN_KIND_LIST ? 1 : kind == FIRN_KIND_MAP ? 2 : 1 + (uint32_t)random_below(r, 3);
  firn_field *children = firn_new_n(arena, firn_field, out->n_children);
  out->children = children;
  for (uint32_t i = 0; children != NULL && i < out->n_children; i++) {
    const char *child = kind == FIRN_KIND_LIST  ? "element"
                        : kind == FIRN_KIND_MAP ? map_names[i]
                                                : firn_arena_printf(arena, "f%u", i);
    bool is_key = kind == FIRN_KIND_MAP && i == 0;
    firn_kind child_kind = is_key ? FIRN_KIND_STRING : random_kind(r, depth + 1);
    if (child == NULL || !random_field(r, arena, child, child_kind, depth + 1, &children[i])) {
      return false;
    }
    children[i].required = children[i].required || is_key;
  }
  return children != NULL;
}

FIRN_UNUSED static bool random_schema(random_source *r, firn_arena *arena, uint32_t n, firn_field *out) {
  firn_field *columns = firn_new_n(arena, firn_field, n);
  r->next_id = 1;
  *out = (firn_field){
      .id = FIRN_NO_ID, .name = "t", .kind = FIRN_KIND_STRUCT, .n_children = n, .children = columns};
  for (uint32_t i = 0; i < n; i++) {
    const char *name = firn_arena_printf(arena, "c%u", i);
    if (columns == NULL || name == NULL || !random_field(r, arena, name, random_kind(r, 0), 0, &columns[i])) {
      return false;
    }
  }
  return true;
}

/* Text of a style: few and many distinct, unique, long with a common beginning, code points at the edges. */
FIRN_UNUSED static firn_bytes random_text(random_source *r, int style, firn_arena *arena) {
  static const char *const edges[] = {"\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF", "a",
                                      "\x7F",         "\xC3\xBC",     "\xF0\x9F\x90\xA7"};
  const char *text = NULL;
  switch (style % 6) {
    case 0:
      return FIRN_LITERAL("constant");
    case 1:
      text = firn_arena_printf(arena, "kind-%zu", random_below(r, 7));
      break;
    case 2:
      text = firn_arena_printf(arena, "did:erc721:137:0x%zu", random_below(r, 500));
      break;
    case 3:
      text = firn_arena_printf(arena, "%016llx", (unsigned long long)random_next(r));
      break;
    case 4:
      text = firn_arena_printf(arena, "%0*zu", (int)random_below(r, 120), random_below(r, 100));
      break;
    default: {
      char *joined = (char *)firn_arena_alloc_bytes(arena, 20 * 4 + 1);
      size_t len = 0;
      for (size_t n = random_below(r, 20); joined != NULL && n > 0; n--) {
        const char *edge = edges[random_below(r, random_below(r, 2) == 0 ? FIRN_COUNT_OF(edges) : 3)];
        memcpy(joined + len, edge, strlen(edge));
        len += strlen(edge);
      }
      return (firn_bytes){(const uint8_t *)joined, len};
    }
  }
  return firn_bytes_of(text);
}

FIRN_UNUSED static firn_bytes random_bytes(random_source *r, size_t len, int style, firn_arena *arena) {
  uint8_t *bytes = firn_arena_alloc_bytes(arena, len);
  for (size_t i = 0; bytes != NULL && i < len; i++) {
    uint64_t byte = random_next(r);
    bytes[i] = style % 2 == 0 ? (uint8_t)byte : (uint8_t)(byte % 5 == 0 ? 0x01 : 0xFF);
  }
  return (firn_bytes){bytes, bytes == NULL ? 0 : len};
}

FIRN_UNUSED static double random_real(random_source *r, int style) {
  static const double edges[] = {0.0, -0.0, 1.5, -2.25, 1e30, -1e30};
  size_t pick = random_below(r, 12);
  if (style % 3 == 0) {
    return edges[pick % 2];
  }
  if (pick < FIRN_COUNT_OF(edges)) {
    return edges[pick];
  }
  return pick == 6 ? (double)NAN : pick == 7 ? (double)INFINITY : (double)(int64_t)random_next(r) / 1e9;
}

FIRN_UNUSED static firn_decimal random_decimal(random_source *r, unsigned precision) {
  firn_decimal end = 1;
  for (unsigned i = 0; i < precision; i++) {
    end *= 10;
  }
  firn_decimal v = (firn_decimal)(random_next(r) >> 1) << 62 | (firn_decimal)(random_next(r) >> 2);
  v %= random_below(r, 4) == 0 ? 100 : end;
  v %= end;
  return random_below(r, 2) == 0 ? v : -v;
}

FIRN_UNUSED static int64_t random_number(random_source *r, firn_kind kind, int style) {
  const int64_t day_us = INT64_C(86400000000), years_us = INT64_C(365) * 200 * day_us;
  int64_t v = (int64_t)(random_next(r) >> 1);
  int64_t sign = random_below(r, 2) == 0 ? 1 : -1;
  switch (kind) {
    case FIRN_KIND_TIME:
      return v % day_us;
    case FIRN_KIND_DATE:
      return sign * (v % 100000);
    case FIRN_KIND_TIMESTAMP:
    case FIRN_KIND_TIMESTAMPTZ:
      return sign * (v % years_us);
    case FIRN_KIND_INT:
      return style % 2 == 0 ? sign * (v % 50) : (int32_t)v;
    default:
      return style % 2 == 0 ? sign * (v % 50) : sign * v;
  }
}

/* Values are the same in style for all batches of a column: the style follows from its id. */
FIRN_UNUSED static void random_values(random_source *r, const firn_field *f, firn_vector *v,
                                      firn_arena *arena) {
  int style = f->id * 7 / 3;
  for (size_t i = 0; i < v->len; i++) {
    switch (f->kind) {
      case FIRN_KIND_BOOLEAN:
        if (random_below(r, 3) == 0) {
          firn_bit_set(v->bits, i);
        }
        break;
      case FIRN_KIND_INT:
      case FIRN_KIND_DATE:
        v->i32[i] = (int32_t)random_number(r, f->kind, style);
        break;
      case FIRN_KIND_FLOAT:
        v->f32[i] = (float)random_real(r, style);
        break;
      case FIRN_KIND_DOUBLE:
        v->f64[i] = random_real(r, style);
        break;
      case FIRN_KIND_DECIMAL:
        v->dec[i] = random_decimal(r, f->precision);
        break;
      case FIRN_KIND_STRING:
        v->bytes[i] = random_text(r, style, arena);
        break;
      case FIRN_KIND_UUID:
        v->bytes[i] = random_bytes(r, 16, 0, arena);
        break;
      case FIRN_KIND_FIXED:
        v->bytes[i] = random_bytes(r, f->width, style, arena);
        break;
      case FIRN_KIND_BINARY:
        v->bytes[i] = random_bytes(r, random_below(r, style % 5 == 0 ? 3 : 90), style, arena);
        break;
      default:
        v->i64[i] = random_number(r, f->kind, style);
    }
  }
}

FIRN_UNUSED static bool random_vector(random_source *r, const firn_field *f, size_t len, firn_arena *arena,
                                      firn_vector *out);

FIRN_UNUSED static bool random_entries(random_source *r, const firn_field *f, firn_arena *arena,
                                       firn_vector *v) {
  size_t n = 0, most = 1 + random_below(r, 5);
  for (size_t i = 0; i < v->len; i++) {
    n += random_below(r, 4) == 0 ? 0 : random_below(r, most + 1);
    v->offsets[i + 1] = (int32_t)n;
  }
  for (uint32_t i = 0; i < f->n_children; i++) {
    if (!random_vector(r, &f->children[i], n, arena, &v->children[i])) {
      return false;
    }
  }
  for (size_t i = 0; f->kind == FIRN_KIND_MAP && i < v->len; i++) { /* keys of a map differ */
    for (int32_t e = v->offsets[i]; e < v->offsets[i + 1]; e++) {
      firn_bytes *key = &v->children[0].bytes[e];
      *key = firn_bytes_of(
          firn_arena_printf(arena, "%.*s %d", FIRN_FORMAT_BYTES(*key), (int)(e - v->offsets[i])));
    }
  }
  return true;
}

FIRN_UNUSED static bool random_nulls(random_source *r, firn_vector *v, firn_arena *arena) {
  static const size_t one_in[] = {0, 20, 3, 1};
  size_t odds = one_in[random_below(r, FIRN_COUNT_OF(one_in))];
  if (odds == 0 || v->len == 0) {
    return true;
  }
  if (firn_vector_need_validity(v, v->len, arena, NULL) != FIRN_OK) {
    return false;
  }
  for (size_t i = 0; i < v->len; i++) {
    if (random_below(r, odds) == 0) {
      firn_vector_set_null(v, i);
    }
  }
  return true;
}

FIRN_UNUSED static bool random_vector(random_source *r, const firn_field *f, size_t len, firn_arena *arena,
                                      firn_vector *out) {
  firn_field alone = *f;
  alone.n_children = 0; /* children are made here, with lengths of their own */
  if (firn_vector_new(&alone, len, arena, out, NULL) != FIRN_OK) {
    return false;
  }
  out->len = len;
  out->n_children = f->n_children;
  if (f->kind == FIRN_KIND_UNKNOWN) {
    out->n_nulls = len;
    return true;
  }
  if (!f->required && !random_nulls(r, out, arena)) {
    return false;
  }
  if (!firn_kind_is_nested(f->kind)) {
    random_values(r, f, out, arena);
    return true;
  }
  out->children = firn_new_n(arena, firn_vector, f->n_children);
  if (out->children == NULL) {
    return false;
  }
  if (f->kind != FIRN_KIND_STRUCT) {
    return random_entries(r, f, arena, out);
  }
  for (uint32_t i = 0; i < f->n_children; i++) {
    if (!random_vector(r, &f->children[i], len, arena, &out->children[i])) {
      return false;
    }
  }
  return true;
}

FIRN_UNUSED static bool random_batch(random_source *r, const firn_field *schema, size_t n_rows,
                                     firn_arena *arena, firn_batch *out) {
  *out = (firn_batch){
      .schema = schema, .n_rows = n_rows, .columns = firn_new_n(arena, firn_vector, schema->n_children)};
  for (uint32_t i = 0; i < schema->n_children; i++) {
    if (out->columns == NULL || !random_vector(r, &schema->children[i], n_rows, arena, &out->columns[i])) {
      return false;
    }
  }
  return true;
}

/* Whether two values are the same, bit by bit; what is null looks like anything. */
FIRN_UNUSED static bool same_value(const firn_field *f, const firn_vector *a, size_t i, const firn_vector *b,
                                   size_t j) {
  bool is_null = firn_vector_is_null(a, i);
  if (is_null || firn_vector_is_null(b, j)) {
    return is_null == firn_vector_is_null(b, j);
  }
  if (f->kind == FIRN_KIND_BOOLEAN) {
    return firn_bit(a->bits, i) == firn_bit(b->bits, j);
  }
  if (firn_kind_is_bytes(f->kind)) {
    return firn_bytes_equal(a->bytes[i], b->bytes[j]);
  }
  size_t first_a = i, first_b = j, n = 1;
  if (f->kind == FIRN_KIND_LIST || f->kind == FIRN_KIND_MAP) {
    first_a = (size_t)a->offsets[i];
    first_b = (size_t)b->offsets[j];
    n = (size_t)(a->offsets[i + 1] - a->offsets[i]);
    if (n != (size_t)(b->offsets[j + 1] - b->offsets[j])) {
      return false;
    }
  } else if (f->kind != FIRN_KIND_STRUCT) {
    size_t size = firn_kind_value_size(f->kind);
    return memcmp((const uint8_t *)a->values + i * size, (const uint8_t *)b->values + j * size, size) == 0;
  }
  for (uint32_t c = 0; c < f->n_children; c++) {
    for (size_t k = 0; k < n; k++) {
      if (!same_value(&f->children[c], &a->children[c], first_a + k, &b->children[c], first_b + k)) {
        return false;
      }
    }
  }
  return true;
}

#endif
