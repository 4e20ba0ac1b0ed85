/* Types of columns: one type system for files, tables and memory. Its words are those of the Iceberg
 * specification (Schemas and Data Types); what Parquet, Avro and Arrow call them is said where those are read
 * and written.
 *
 * A firn_field is a plain tree that lives in whatever arena made it; once made it is constant and threads may
 * share it. */
#ifndef FIRN_COLUMN_TYPE_H
#define FIRN_COLUMN_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

typedef enum firn_kind {
  FIRN_KIND_UNKNOWN = 0, /* v3: always null */
  FIRN_KIND_BOOLEAN,
  FIRN_KIND_INT,  /* 32 bits */
  FIRN_KIND_LONG, /* 64 bits */
  FIRN_KIND_FLOAT,
  FIRN_KIND_DOUBLE,
  FIRN_KIND_DECIMAL,        /* precision 1 to 38, scale */
  FIRN_KIND_DATE,           /* int32: days since 1970-01-01 */
  FIRN_KIND_TIME,           /* int64: microseconds since midnight */
  FIRN_KIND_TIMESTAMP,      /* int64: microseconds since 1970-01-01T00:00, no zone */
  FIRN_KIND_TIMESTAMPTZ,    /* int64: microseconds since 1970-01-01T00:00Z */
  FIRN_KIND_TIMESTAMP_NS,   /* int64: nanoseconds */
  FIRN_KIND_TIMESTAMPTZ_NS, /* int64: nanoseconds, UTC */
  FIRN_KIND_STRING,         /* UTF-8 */
  FIRN_KIND_UUID,           /* 16 bytes, big endian */
  FIRN_KIND_FIXED,          /* `width` bytes */
  FIRN_KIND_BINARY,
  FIRN_KIND_STRUCT,
  FIRN_KIND_LIST, /* children: element */
  FIRN_KIND_MAP,  /* children: key, value */
  FIRN_KIND_VARIANT,
  FIRN_KIND_GEOMETRY,
  FIRN_KIND_GEOGRAPHY,
} firn_kind;

enum { FIRN_NO_ID = -1, FIRN_TYPE_MAX_DEPTH = 64 };

typedef struct firn_field firn_field;

struct firn_field {
  int32_t id; /* field id; FIRN_NO_ID where there is none */
  const char *name;
  bool required; /* never null */
  firn_kind kind;
  uint8_t precision, scale; /* DECIMAL */
  uint32_t width;           /* FIXED: bytes */
  uint32_t n_children;      /* STRUCT: fields; LIST: 1; MAP: 2 */
  const firn_field *children;
  const char *doc;             /* NULL: none */
  firn_bytes initial_default;  /* single-value JSON as text; empty: none */
  firn_bytes write_default;    /* the same */
  const char *crs, *algorithm; /* GEOMETRY, GEOGRAPHY; NULL: the default */
};

static inline bool firn_kind_is_nested(firn_kind k) {
  return k == FIRN_KIND_STRUCT || k == FIRN_KIND_LIST || k == FIRN_KIND_MAP;
}

/* Kinds whose values are runs of bytes in a vector: string, binary, uuid, fixed, variant, geometry,
 * geography. */
bool firn_kind_is_bytes(firn_kind k);

/* "long", "timestamptz", ...: the specification's name without parameters. */
const char *firn_kind_name(firn_kind k);

/* Bytes of one value in a vector's `values`: 0 for boolean (bits) and for nested kinds, sizeof(firn_bytes)
 * for runs of bytes. */
size_t firn_kind_value_size(firn_kind k);

/* The child of a struct by name or id; NULL when there is none. */
const firn_field *firn_field_child(const firn_field *parent, const char *name);
const firn_field *firn_field_child_by_id(const firn_field *parent, int32_t id);
/* Any field of the tree by id, `root` included. */
const firn_field *firn_field_find(const firn_field *root, int32_t id);

/* Same kinds, parameters and children; names, ids, docs and defaults are not looked at. */
bool firn_field_same_type(const firn_field *a, const firn_field *b);

/* A deep copy. */
FIRN_MUST_USE firn_status firn_field_copy(const firn_field *from, firn_arena *arena, firn_field *out,
                                          firn_error *err);

/* How many bytes a decimal of this precision takes at least, two's complement: 1 to 16. */
unsigned firn_decimal_width(unsigned precision);

#endif
