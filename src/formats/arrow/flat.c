#include "formats/arrow/flat_internal.h"

#include <string.h>

#include "base/alloc.h"

enum { MAX_BYTES = INT32_MAX, FIRST_CAPACITY = 1024 };

/* Room for `n` more bytes in front; NULL after a failure. */
static uint8_t *grow(firn_flat *f, size_t n) {
  if (f->failed || n > MAX_BYTES - f->len) {
    f->failed = true;
    return NULL;
  }
  if (f->len + n > f->capacity) {
    size_t capacity = f->capacity == 0 ? FIRST_CAPACITY : f->capacity;
    while (capacity < f->len + n) {
      capacity *= 2;
    }
    uint8_t *data = firn_alloc_raw(capacity);
    if (data == NULL) {
      f->failed = true;
      return NULL;
    }
    if (f->len > 0) {
      memcpy(data + capacity - f->len, f->data + f->capacity - f->len, f->len);
    }
    firn_free(f->data);
    f->data = data;
    f->capacity = capacity;
  }
  f->len += n;
  return f->data + f->capacity - f->len;
}

/* Pads so that, once `n` more bytes are in front, the front is a multiple of `alignment` from the end. */
static void align(firn_flat *f, size_t n, size_t alignment) {
  f->alignment = alignment > f->alignment ? alignment : f->alignment;
  size_t padding = (alignment - (f->len + n) % alignment) % alignment;
  uint8_t *at = grow(f, padding);
  if (at != NULL) {
    memset(at, 0, padding);
  }
}

static void put(uint8_t *at, int64_t value, unsigned size) {
  for (unsigned i = 0; i < size; i++) {
    at[i] = (uint8_t)((uint64_t)value >> (8 * i));
  }
}

static void add(firn_flat *f, int64_t value, unsigned size) {
  uint8_t *at = grow(f, size);
  if (at != NULL) {
    put(at, value, size);
  }
}

/* A reference that is about to stand in front counts from its own first byte. */
static void add_reference(firn_flat *f, firn_flat_place place) {
  add(f, (int64_t)(f->len + 4) - (int64_t)place, 4);
}

firn_flat_place firn_flat_text(firn_flat *f, const char *text) {
  size_t len = strlen(text) + 1; /* the zero counts for nobody but is there */
  align(f, len, 4);
  uint8_t *at = grow(f, len);
  if (at != NULL) {
    memcpy(at, text, len);
  }
  add(f, (int64_t)len - 1, 4);
  return (firn_flat_place)f->len;
}

firn_flat_place firn_flat_places(firn_flat *f, const firn_flat_place *places, size_t n) {
  align(f, 0, 4);
  for (size_t i = n; i > 0; i--) {
    add_reference(f, places[i - 1]);
  }
  add(f, (int64_t)n, 4);
  return (firn_flat_place)f->len;
}

firn_flat_place firn_flat_structs(firn_flat *f, const int64_t *values, size_t n, size_t n_longs) {
  align(f, 0, 8); /* the elements; the count before them needs only 4 */
  for (size_t i = n * n_longs; i > 0; i--) {
    add(f, values[i - 1], 8);
  }
  add(f, (int64_t)n, 4);
  return (firn_flat_place)f->len;
}

firn_flat_place firn_flat_table(firn_flat *f, const firn_flat_field *fields, size_t n) {
  size_t end = f->len;
  size_t places[FIRN_FLAT_MAX_FIELDS] = {0}; /* distance from the buffer's end; 0: absent */
  for (size_t i = 0; i < n && i < FIRN_FLAT_MAX_FIELDS; i++) {
    const firn_flat_field *field = &fields[i];
    if (field->size == 0) {
      continue;
    }
    align(f, field->size, field->size);
    if (field->is_place) {
      add_reference(f, (firn_flat_place)field->value);
    } else {
      add(f, field->value, field->size);
    }
    places[i] = f->len;
  }
  align(f, 4, 4);
  size_t table = f->len + 4; /* where the table's first word, the way to its vtable, will begin */
  /* The vtable stands right in front of the table: that word is its length. */
  add(f, (int64_t)(4 + 2 * n), 4);
  for (size_t i = n; i > 0; i--) {
    add(f, places[i - 1] == 0 ? 0 : (int64_t)(table - places[i - 1]), 2);
  }
  add(f, (int64_t)(table - end), 2);
  add(f, (int64_t)(4 + 2 * n), 2);
  return (firn_flat_place)table;
}

bool firn_flat_finish(firn_flat *f, firn_flat_place root, firn_bytes *out) {
  align(f, 4, f->alignment < 8 ? 8 : f->alignment);
  add_reference(f, root);
  *out = f->failed ? (firn_bytes){0} : (firn_bytes){f->data + f->capacity - f->len, f->len};
  return !f->failed;
}

void firn_flat_free(firn_flat *f) {
  firn_free(f->data);
  *f = (firn_flat){0};
}
