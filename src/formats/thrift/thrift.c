#include "formats/thrift/thrift.h"

#include <assert.h>

enum { LONG_LIST = 15, DELTA_MAX = 15 };

static void fault(firn_thrift_reader *r) {
  r->in.bad = true;
}

void firn_thrift_struct_begin(firn_thrift_reader *r) {
  if (r->depth >= FIRN_THRIFT_MAX_DEPTH) {
    fault(r);
    return;
  }
  r->depth++;
}

void firn_thrift_struct_end(firn_thrift_reader *r) {
  if (r->depth > 0) { /* else the begin was a fault already */
    r->depth--;
  }
}

bool firn_thrift_field_next(firn_thrift_reader *r, firn_thrift_field *f) {
  uint8_t head = firn_cursor_u8(&r->in);
  if (r->in.bad || head == FIRN_THRIFT_STOP) {
    return false;
  }
  unsigned type = head & 0x0F;
  int64_t id = (head >> 4) != 0 ? f->id + (head >> 4) : firn_cursor_zigzag(&r->in);
  if (r->in.bad || type == FIRN_THRIFT_STOP || type > FIRN_THRIFT_STRUCT || id < INT16_MIN ||
      id > INT16_MAX) {
    fault(r);
    return false;
  }
  f->id = (int16_t)id;
  f->type = (firn_thrift_type)type;
  return true;
}

bool firn_thrift_bool(firn_thrift_reader *r, firn_thrift_field f) {
  if (f.type != FIRN_THRIFT_TRUE && f.type != FIRN_THRIFT_FALSE) {
    fault(r);
  }
  return f.type == FIRN_THRIFT_TRUE;
}

/* An integer of one of the types up to `widest`, in the range of that one. */
static int64_t integer(firn_thrift_reader *r, firn_thrift_type type, firn_thrift_type widest) {
  if (type < FIRN_THRIFT_I8 || type > widest) {
    fault(r);
    return 0;
  }
  if (type == FIRN_THRIFT_I8) {
    return (int8_t)firn_cursor_u8(&r->in);
  }
  int64_t v = firn_cursor_zigzag(&r->in);
  if (widest == FIRN_THRIFT_I32 && (v < INT32_MIN || v > INT32_MAX)) {
    fault(r);
    return 0;
  }
  return v;
}

int32_t firn_thrift_i32(firn_thrift_reader *r, firn_thrift_field f) {
  return (int32_t)integer(r, f.type, FIRN_THRIFT_I32);
}

int64_t firn_thrift_i64(firn_thrift_reader *r, firn_thrift_field f) {
  return integer(r, f.type, FIRN_THRIFT_I64);
}

double firn_thrift_double(firn_thrift_reader *r, firn_thrift_field f) {
  if (f.type != FIRN_THRIFT_DOUBLE) {
    fault(r);
  }
  uint64_t bits = firn_cursor_u64le(&r->in);
  double v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

firn_bytes firn_thrift_binary_element(firn_thrift_reader *r) {
  uint64_t len = firn_cursor_varint(&r->in);
  return firn_cursor_take(&r->in, len);
}

firn_bytes firn_thrift_binary(firn_thrift_reader *r, firn_thrift_field f) {
  if (f.type != FIRN_THRIFT_BINARY) {
    fault(r);
  }
  return firn_thrift_binary_element(r);
}

static size_t list_head(firn_thrift_reader *r, unsigned *element) {
  uint8_t head = firn_cursor_u8(&r->in);
  uint64_t n = head >> 4;
  if (n == LONG_LIST) {
    n = firn_cursor_varint(&r->in);
  }
  *element = head & 0x0F;
  if (r->in.bad || n > firn_cursor_left(&r->in)) { /* every element takes a byte at least */
    fault(r);
    return 0;
  }
  return (size_t)n;
}

size_t firn_thrift_list_begin(firn_thrift_reader *r, firn_thrift_field f, firn_thrift_type element) {
  unsigned found;
  if (f.type != FIRN_THRIFT_LIST && f.type != FIRN_THRIFT_SET) {
    fault(r);
    return 0;
  }
  size_t n = list_head(r, &found);
  found = found == FIRN_THRIFT_FALSE ? FIRN_THRIFT_TRUE : found;
  element = element == FIRN_THRIFT_FALSE ? FIRN_THRIFT_TRUE : element;
  if (n > 0 && found != element) {
    fault(r);
    return 0;
  }
  return n;
}

int32_t firn_thrift_i32_element(firn_thrift_reader *r) {
  return (int32_t)integer(r, FIRN_THRIFT_I32, FIRN_THRIFT_I32);
}

int64_t firn_thrift_i64_element(firn_thrift_reader *r) {
  return firn_cursor_zigzag(&r->in);
}

bool firn_thrift_bool_element(firn_thrift_reader *r) {
  return firn_cursor_u8(&r->in) == FIRN_THRIFT_TRUE;
}

static void skip_value(firn_thrift_reader *r, unsigned type, bool element);

static void skip_values(firn_thrift_reader *r, size_t n, unsigned first, unsigned second) {
  firn_thrift_struct_begin(r); /* lists and maps count for the depth too */
  for (size_t i = 0; i < n && !r->in.bad; i++) {
    skip_value(r, first, true);
    if (second != FIRN_THRIFT_STOP) {
      skip_value(r, second, true);
    }
  }
  firn_thrift_struct_end(r);
}

static void skip_list(firn_thrift_reader *r) {
  unsigned element;
  size_t n = list_head(r, &element);
  skip_values(r, n, element, FIRN_THRIFT_STOP);
}

static void skip_map(firn_thrift_reader *r) {
  uint64_t n = firn_cursor_varint(&r->in);
  if (n == 0) {
    return;
  }
  uint8_t types = firn_cursor_u8(&r->in);
  if (n > firn_cursor_left(&r->in) || (types & 0x0F) == FIRN_THRIFT_STOP) {
    fault(r);
    return;
  }
  skip_values(r, (size_t)n, types >> 4, types & 0x0F);
}

static void skip_struct(firn_thrift_reader *r) {
  firn_thrift_struct_begin(r);
  for (firn_thrift_field f = {0}; firn_thrift_field_next(r, &f);) {
    skip_value(r, f.type, false);
  }
  firn_thrift_struct_end(r);
}

/* A boolean lives in the head of its field, but in a list it has a byte. */
static void skip_value(firn_thrift_reader *r, unsigned type, bool element) {
  switch (type) {
    case FIRN_THRIFT_TRUE:
    case FIRN_THRIFT_FALSE:
      if (element) {
        (void)firn_cursor_u8(&r->in);
      }
      return;
    case FIRN_THRIFT_I8:
      (void)firn_cursor_u8(&r->in);
      return;
    case FIRN_THRIFT_I16:
    case FIRN_THRIFT_I32:
    case FIRN_THRIFT_I64:
      (void)firn_cursor_varint(&r->in);
      return;
    case FIRN_THRIFT_DOUBLE:
      (void)firn_cursor_take(&r->in, 8);
      return;
    case FIRN_THRIFT_BINARY:
      (void)firn_thrift_binary_element(r);
      return;
    case FIRN_THRIFT_LIST:
    case FIRN_THRIFT_SET:
      skip_list(r);
      return;
    case FIRN_THRIFT_MAP:
      skip_map(r);
      return;
    case FIRN_THRIFT_STRUCT:
      skip_struct(r);
      return;
    default:
      fault(r);
  }
}

void firn_thrift_skip(firn_thrift_reader *r, firn_thrift_type type) {
  skip_value(r, type, false);
}

void firn_thrift_write_begin(firn_thrift_writer *w) {
  assert(w->depth < FIRN_THRIFT_MAX_DEPTH);
  w->last_id[w->depth++] = 0;
}

void firn_thrift_write_end(firn_thrift_writer *w) {
  assert(w->depth > 0);
  w->depth--;
  firn_builder_add_u8(w->to, FIRN_THRIFT_STOP);
}

static void field(firn_thrift_writer *w, int16_t id, firn_thrift_type type) {
  assert(w->depth > 0);
  int16_t *last = &w->last_id[w->depth - 1];
  assert(id > *last);
  int delta = id - *last;
  if (delta <= DELTA_MAX) {
    firn_builder_add_u8(w->to, (uint8_t)(delta << 4 | (int)type));
  } else {
    firn_builder_add_u8(w->to, (uint8_t)type);
    firn_builder_add_zigzag(w->to, id);
  }
  *last = id;
}

void firn_thrift_write_bool(firn_thrift_writer *w, int16_t id, bool v) {
  field(w, id, v ? FIRN_THRIFT_TRUE : FIRN_THRIFT_FALSE);
}

void firn_thrift_write_i8(firn_thrift_writer *w, int16_t id, int8_t v) {
  field(w, id, FIRN_THRIFT_I8);
  firn_builder_add_u8(w->to, (uint8_t)v);
}

void firn_thrift_write_i16(firn_thrift_writer *w, int16_t id, int16_t v) {
  field(w, id, FIRN_THRIFT_I16);
  firn_builder_add_zigzag(w->to, v);
}

void firn_thrift_write_i32(firn_thrift_writer *w, int16_t id, int32_t v) {
  field(w, id, FIRN_THRIFT_I32);
  firn_builder_add_zigzag(w->to, v);
}

void firn_thrift_write_i64(firn_thrift_writer *w, int16_t id, int64_t v) {
  field(w, id, FIRN_THRIFT_I64);
  firn_builder_add_zigzag(w->to, v);
}

void firn_thrift_write_double(firn_thrift_writer *w, int16_t id, double v) {
  uint64_t bits;
  memcpy(&bits, &v, sizeof bits);
  field(w, id, FIRN_THRIFT_DOUBLE);
  firn_builder_add_u64le(w->to, bits);
}

void firn_thrift_write_binary(firn_thrift_writer *w, int16_t id, firn_bytes v) {
  field(w, id, FIRN_THRIFT_BINARY);
  firn_thrift_write_binary_element(w, v);
}

void firn_thrift_write_struct(firn_thrift_writer *w, int16_t id) {
  field(w, id, FIRN_THRIFT_STRUCT);
  firn_thrift_write_begin(w);
}

void firn_thrift_write_list(firn_thrift_writer *w, int16_t id, firn_thrift_type element, size_t n) {
  field(w, id, FIRN_THRIFT_LIST);
  /* parquet-mr and thrift itself write lists of booleans with FALSE's number. */
  unsigned type = element == FIRN_THRIFT_TRUE ? FIRN_THRIFT_FALSE : element;
  if (n < LONG_LIST) {
    firn_builder_add_u8(w->to, (uint8_t)(n << 4 | type));
    return;
  }
  firn_builder_add_u8(w->to, (uint8_t)(LONG_LIST << 4 | type));
  firn_builder_add_varint(w->to, n);
}

void firn_thrift_write_i32_element(firn_thrift_writer *w, int32_t v) {
  firn_builder_add_zigzag(w->to, v);
}

void firn_thrift_write_i64_element(firn_thrift_writer *w, int64_t v) {
  firn_builder_add_zigzag(w->to, v);
}

void firn_thrift_write_bool_element(firn_thrift_writer *w, bool v) {
  firn_builder_add_u8(w->to, v ? FIRN_THRIFT_TRUE : FIRN_THRIFT_FALSE);
}

void firn_thrift_write_binary_element(firn_thrift_writer *w, firn_bytes v) {
  firn_builder_add_varint(w->to, v.len);
  firn_builder_add(w->to, v);
}
