/* Children of a struct by their names: as written, else in any case (of ASCII letters) where that names just
 * one. For rows and batches whose columns are matched by name, however many there are. Constant once made;
 * threads may share it. */
#ifndef FIRN_COLUMN_NAMES_H
#define FIRN_COLUMN_NAMES_H

#include "column/type.h"

#define FIRN_NO_CHILD UINT32_MAX

typedef struct firn_name_index {
  const firn_field *parent;
  size_t mask;      /* of both tables */
  uint32_t *exact;  /* open addressing: child + 1 */
  uint32_t *folded; /* the same by lower-case names; a name that several have is marked */
} firn_name_index;

/* `parent` is a STRUCT and is borrowed; of children of one name the first is found. In `arena`. */
FIRN_MUST_USE firn_status firn_name_index_new(const firn_field *parent, firn_arena *arena,
                                              firn_name_index *out, firn_error *err);
/* The number of the child; FIRN_NO_CHILD when there is none, or several in other cases. */
uint32_t firn_name_index_find(const firn_name_index *index, firn_bytes name);

#endif
