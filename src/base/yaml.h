/* YAML into a JSON-like tree that remembers lines: for configuration files. By libyaml; anchors and aliases
 * are resolved within bounds, duplicate keys, tags and several documents are refused. Scalars stay text: what
 * they mean is for the table of keys (base/config.h) to say, never guessed. */
#ifndef FIRN_BASE_YAML_H
#define FIRN_BASE_YAML_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

typedef struct firn_yaml firn_yaml;

typedef struct firn_yaml_member {
  firn_bytes key;
  uint32_t line; /* from 1 */
  const firn_yaml *value;
} firn_yaml_member;

struct firn_yaml {
  enum { FIRN_YAML_NULL = 0, FIRN_YAML_SCALAR, FIRN_YAML_LIST, FIRN_YAML_MAP } kind;
  uint32_t line, column; /* from 1 */
  bool is_quoted;        /* SCALAR: so it is text, whatever it looks like */
  firn_bytes text;       /* SCALAR */
  size_t n;              /* LIST, MAP */
  const firn_yaml *const *items;
  const firn_yaml_member *members;
};

/* One document, in `arena`, at most 64 levels deep and `max_bytes` long. FIRN_CORRUPT names line and column.
 */
FIRN_MUST_USE firn_status firn_yaml_read(firn_bytes text, size_t max_bytes, firn_arena *arena,
                                         const firn_yaml **out, firn_error *err);

#endif
