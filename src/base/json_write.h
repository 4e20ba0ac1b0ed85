/* A JSON writer onto a builder. It places commas and colons, escapes text, and remembers failures in the
 * builder; ask firn_builder_finish once, at the end. Compact; `indent` spaces a level when not zero. */
#ifndef FIRN_BASE_JSON_WRITE_H
#define FIRN_BASE_JSON_WRITE_H

#include "base/builder.h"

typedef struct firn_json_writer {
  firn_builder *to;
  unsigned indent;
  unsigned depth;
  bool needs_comma; /* private, as is the next */
  bool after_key;
} firn_json_writer;

#define FIRN_JSON_WRITER_INIT(builder) {.to = (builder)}

void firn_json_begin_object(firn_json_writer *w);
void firn_json_end_object(firn_json_writer *w);
void firn_json_begin_array(firn_json_writer *w);
void firn_json_end_array(firn_json_writer *w);
void firn_json_key(firn_json_writer *w, const char *key);
void firn_json_key_bytes(firn_json_writer *w, firn_bytes key);

/* Text must be UTF-8; what is not is written as U+FFFD. */
void firn_json_write_text(firn_json_writer *w, const char *text);
void firn_json_write_bytes(firn_json_writer *w, firn_bytes text);
void firn_json_write_int64(firn_json_writer *w, int64_t v);
/* The shortest text that reads back the same; NaN and infinities as the strings "NaN", "Infinity",
 * "-Infinity". */
void firn_json_write_double(firn_json_writer *w, double v);
void firn_json_write_float(firn_json_writer *w, float v);
void firn_json_write_bool(firn_json_writer *w, bool v);
void firn_json_write_null(firn_json_writer *w);
/* A value that is JSON already. */
void firn_json_write_raw(firn_json_writer *w, firn_bytes json);

/* Key and value in one line, for the most common kinds. */
void firn_json_add_text(firn_json_writer *w, const char *key, const char *text);
void firn_json_add_int64(firn_json_writer *w, const char *key, int64_t v);
void firn_json_add_bool(firn_json_writer *w, const char *key, bool v);

#endif
