#include "column/names.h"

#include "base/hash.h"

#define SEVERAL UINT32_MAX

static uint8_t lower(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static uint64_t folded_hash(firn_bytes name) {
  uint8_t piece[128];
  uint64_t hash = name.len;
  for (size_t at = 0; at < name.len;) {
    size_t n = 0;
    while (n < sizeof piece && at < name.len) {
      piece[n++] = lower(name.data[at++]);
    }
    hash = firn_xxh3(hash, (firn_bytes){piece, n});
  }
  return hash;
}

static bool folded_equal(firn_bytes a, firn_bytes b) {
  if (a.len != b.len) {
    return false;
  }
  for (size_t i = 0; i < a.len; i++) {
    if (lower(a.data[i]) != lower(b.data[i])) {
      return false;
    }
  }
  return true;
}

static firn_bytes name_of(const firn_name_index *index, uint32_t child) {
  return firn_bytes_of(index->parent->children[child].name);
}

static void add_exact(firn_name_index *index, uint32_t child) {
  firn_bytes name = name_of(index, child);
  size_t at = (size_t)firn_xxh3(0, name) & index->mask;
  for (; index->exact[at] != 0; at = (at + 1) & index->mask) {
    if (firn_bytes_equal(name_of(index, index->exact[at] - 1), name)) {
      return;
    }
  }
  index->exact[at] = child + 1;
}

/* `first` keeps, beside each place, the child that gave it its name: the mark alone would forget that. */
static void add_folded(firn_name_index *index, uint32_t *first, uint32_t child) {
  firn_bytes name = name_of(index, child);
  size_t at = (size_t)folded_hash(name) & index->mask;
  for (; index->folded[at] != 0; at = (at + 1) & index->mask) {
    if (folded_equal(name_of(index, first[at]), name)) {
      index->folded[at] = SEVERAL;
      return;
    }
  }
  index->folded[at] = child + 1;
  first[at] = child;
}

firn_status firn_name_index_new(const firn_field *parent, firn_arena *arena, firn_name_index *out,
                                firn_error *err) {
  size_t n_places = 8;
  while (n_places <= (size_t)parent->n_children * 2) {
    n_places *= 2;
  }
  firn_name_index made = {.parent = parent, .mask = n_places - 1};
  made.exact = firn_new_n(arena, uint32_t, n_places);
  made.folded = firn_new_n(arena, uint32_t, n_places * 2); /* the second half is `first` */
  if (made.exact == NULL || made.folded == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the names of %u columns", parent->n_children);
  }
  for (uint32_t i = 0; i < parent->n_children; i++) {
    add_exact(&made, i);
    add_folded(&made, made.folded + n_places, i);
  }
  *out = made;
  return FIRN_OK;
}

uint32_t firn_name_index_find(const firn_name_index *index, firn_bytes name) {
  const uint32_t *first = index->folded + index->mask + 1;
  for (size_t at = (size_t)firn_xxh3(0, name) & index->mask; index->exact[at] != 0;
       at = (at + 1) & index->mask) {
    if (firn_bytes_equal(name_of(index, index->exact[at] - 1), name)) {
      return index->exact[at] - 1;
    }
  }
  for (size_t at = (size_t)folded_hash(name) & index->mask; index->folded[at] != 0;
       at = (at + 1) & index->mask) {
    if (folded_equal(name_of(index, first[at]), name)) {
      return index->folded[at] == SEVERAL ? FIRN_NO_CHILD : index->folded[at] - 1;
    }
  }
  return FIRN_NO_CHILD;
}
