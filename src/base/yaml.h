/* YAML into a JSON-like tree that remembers lines: for configuration files. By libyaml, which keeps its own
 * buffers with malloc. Scalars stay text: what they mean is for the table of keys (base/config.h) to say,
 * never guessed.
 *
 * One document of maps, lists and scalars. Refused, though YAML has them: a second document, tags, merge keys
 * ("<<"), keys that are no plain text, a key given twice. An alias is the very node that its anchor names, so
 * the tree may share parts; what it would be when written out is bounded too.
 *
 * A tree is constant once read; threads may share it. */
#ifndef FIRN_BASE_YAML_H
#define FIRN_BASE_YAML_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum {
  FIRN_YAML_MAX_DEPTH = 64,     /* maps and lists within each other, through aliases too */
  FIRN_YAML_MAX_NODES = 100000, /* all aliases written out */
  FIRN_YAML_MAX_ANCHORS = 1000,
  FIRN_YAML_MAX_DIRECTIVES = 100, /* lines that begin with % */
};

typedef struct firn_yaml firn_yaml;

typedef struct firn_yaml_member {
  firn_bytes key;
  uint32_t line; /* from 1 */
  const firn_yaml *value;
} firn_yaml_member;

struct firn_yaml {
  /* NULL is nothing at all, as in "key:"; a plain `~` or `null` is a scalar like any other. */
  enum { FIRN_YAML_NULL = 0, FIRN_YAML_SCALAR, FIRN_YAML_LIST, FIRN_YAML_MAP } kind;
  uint32_t line, column; /* from 1 */
  bool is_quoted;        /* SCALAR: so it is text, whatever it looks like */
  firn_bytes text;       /* SCALAR: UTF-8 without a zero byte */
  size_t n;              /* LIST, MAP */
  const firn_yaml *const *items;
  const firn_yaml_member *members; /* in their order, each key once */
};

/* One document, in `arena`; a text without one is a NULL. It borrows nothing from `text`. FIRN_CORRUPT for
 * what is no YAML, FIRN_UNSUPPORTED for what is refused, both with line and column; FIRN_LIMIT beyond
 * `max_bytes` or the bounds above. */
FIRN_MUST_USE firn_status firn_yaml_read(firn_bytes text, size_t max_bytes, firn_arena *arena,
                                         const firn_yaml **out, firn_error *err);

/* The value of that key; NULL when there is none or `map` is NULL or no map. */
const firn_yaml *firn_yaml_get(const firn_yaml *map, const char *key);

#endif
