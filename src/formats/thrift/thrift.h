/* The thrift compact protocol, as far as Parquet needs it: structs, lists, integers, binaries, booleans,
 * doubles.
 *
 * The reader is a cursor that remembers the first fault; the writer sits on a builder. Unknown fields are
 * skipped, depth is bounded. Values on the stack, one thread. */
#ifndef FIRN_FORMATS_THRIFT_THRIFT_H
#define FIRN_FORMATS_THRIFT_THRIFT_H

#include "base/builder.h"
#include "base/bytes.h"
#include "base/cursor.h"

typedef enum firn_thrift_type {
  FIRN_THRIFT_STOP = 0,
  FIRN_THRIFT_TRUE = 1,
  FIRN_THRIFT_FALSE = 2,
  FIRN_THRIFT_I8 = 3,
  FIRN_THRIFT_I16 = 4,
  FIRN_THRIFT_I32 = 5,
  FIRN_THRIFT_I64 = 6,
  FIRN_THRIFT_DOUBLE = 7,
  FIRN_THRIFT_BINARY = 8,
  FIRN_THRIFT_LIST = 9,
  FIRN_THRIFT_SET = 10,
  FIRN_THRIFT_MAP = 11,
  FIRN_THRIFT_STRUCT = 12,
} firn_thrift_type;

enum { FIRN_THRIFT_MAX_DEPTH = 24 };

typedef struct firn_thrift_reader {
  firn_cursor in; /* `in.bad` after the first fault */
  int depth;
} firn_thrift_reader;

typedef struct firn_thrift_field {
  int16_t id;
  firn_thrift_type type;
} firn_thrift_field;

static inline firn_thrift_reader firn_thrift_reader_over(firn_bytes in) {
  return (firn_thrift_reader){firn_cursor_over(in), 0};
}

/* A struct is read like this; a field that is not read must be skipped:
 *
 *   firn_thrift_struct_begin(&r);
 *   for (firn_thrift_field f = {0}; firn_thrift_field_next(&r, &f);) {
 *     switch (f.id) {
 *       case 1: x = firn_thrift_i64(&r, f); break;
 *       ...
 *       default: firn_thrift_skip(&r, f.type);
 *     }
 *   }
 *   firn_thrift_struct_end(&r);
 *
 * A field of type STRUCT is read in the same way, in its case. */
void firn_thrift_struct_begin(firn_thrift_reader *r);
void firn_thrift_struct_end(firn_thrift_reader *r);
/* False at the end of the struct and after a fault. `f` must be the field before (zero at first): ids are
 * deltas. */
bool firn_thrift_field_next(firn_thrift_reader *r, firn_thrift_field *f);

/* Values of a field; a field of another type is a fault, as is an integer beyond the range asked. Integers of
 * narrower types are taken. */
bool firn_thrift_bool(firn_thrift_reader *r, firn_thrift_field f);
int32_t firn_thrift_i32(firn_thrift_reader *r, firn_thrift_field f);
int64_t firn_thrift_i64(firn_thrift_reader *r, firn_thrift_field f);
double firn_thrift_double(firn_thrift_reader *r, firn_thrift_field f);
firn_bytes firn_thrift_binary(firn_thrift_reader *r, firn_thrift_field f); /* borrowed from the input */
void firn_thrift_skip(firn_thrift_reader *r, firn_thrift_type type);

/* The head of a list field: how many elements, all of `element` type (booleans count as one type). The count
 * never exceeds the bytes that are left. Elements are read with the _element functions, or as structs. */
size_t firn_thrift_list_begin(firn_thrift_reader *r, firn_thrift_field f, firn_thrift_type element);
int32_t firn_thrift_i32_element(firn_thrift_reader *r);
int64_t firn_thrift_i64_element(firn_thrift_reader *r);
bool firn_thrift_bool_element(firn_thrift_reader *r);
firn_bytes firn_thrift_binary_element(firn_thrift_reader *r);

typedef struct firn_thrift_writer {
  firn_builder *to;
  int16_t last_id[FIRN_THRIFT_MAX_DEPTH];
  int depth;
} firn_thrift_writer;

#define FIRN_THRIFT_WRITER_INIT(builder) {.to = (builder)}

/* Fields of a struct must come in the order of their ids. */
void firn_thrift_write_begin(firn_thrift_writer *w); /* a struct: the outermost, or an element of a list */
void firn_thrift_write_end(firn_thrift_writer *w);
void firn_thrift_write_bool(firn_thrift_writer *w, int16_t id, bool v);
void firn_thrift_write_i8(firn_thrift_writer *w, int16_t id, int8_t v);
void firn_thrift_write_i16(firn_thrift_writer *w, int16_t id, int16_t v);
void firn_thrift_write_i32(firn_thrift_writer *w, int16_t id, int32_t v);
void firn_thrift_write_i64(firn_thrift_writer *w, int16_t id, int64_t v);
void firn_thrift_write_double(firn_thrift_writer *w, int16_t id, double v);
void firn_thrift_write_binary(firn_thrift_writer *w, int16_t id, firn_bytes v);
/* Then its fields, then firn_thrift_write_end. */
void firn_thrift_write_struct(firn_thrift_writer *w, int16_t id);
/* Then its elements. */
void firn_thrift_write_list(firn_thrift_writer *w, int16_t id, firn_thrift_type element, size_t n);
void firn_thrift_write_i32_element(firn_thrift_writer *w, int32_t v);
void firn_thrift_write_i64_element(firn_thrift_writer *w, int64_t v);
void firn_thrift_write_bool_element(firn_thrift_writer *w, bool v);
void firn_thrift_write_binary_element(firn_thrift_writer *w, firn_bytes v);

#endif
