#include "base/hash.h"
#include "services/indexer/changes_internal.h"

enum { FIRST_SLOTS = 64 };

/* The slot of a path: its own, or the free one where it would go. */
static size_t slot_of(const char **slots, size_t n_slots, firn_bytes path) {
  size_t i = (size_t)firn_xxh64(path) & (n_slots - 1);
  while (slots[i] != NULL && !firn_bytes_is(path, slots[i])) {
    i = (i + 1) & (n_slots - 1);
  }
  return i;
}

static firn_status grow(firn_path_set *set, firn_error *err) {
  size_t n_slots = set->n_slots == 0 ? FIRST_SLOTS : set->n_slots * 2;
  firn_arena arena = FIRN_ARENA_INIT(0);
  const char **slots = firn_new_n(&arena, const char *, n_slots);
  if (slots == NULL) {
    firn_arena_free(&arena);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a set of %zu files", n_slots);
  }
  for (size_t i = 0; i < set->n_slots; i++) {
    if (set->slots[i] != NULL) {
      slots[slot_of(slots, n_slots, firn_bytes_of(set->slots[i]))] = set->slots[i];
    }
  }
  firn_arena_free(&set->arena);
  *set = (firn_path_set){.arena = arena, .n = set->n, .n_slots = n_slots, .slots = slots};
  return FIRN_OK;
}

firn_status firn_path_set_add(firn_path_set *set, const char *path, firn_error *err) {
  if (set->n * 2 >= set->n_slots) {
    FIRN_TRY(grow(set, err));
  }
  size_t i = slot_of(set->slots, set->n_slots, firn_bytes_of(path));
  set->n += set->slots[i] == NULL;
  set->slots[i] = path;
  return FIRN_OK;
}

bool firn_path_set_has(const firn_path_set *set, firn_bytes path) {
  return set->n > 0 && set->slots[slot_of(set->slots, set->n_slots, path)] != NULL;
}

void firn_path_set_free(firn_path_set *set) {
  firn_arena_free(&set->arena);
  *set = (firn_path_set){0};
}
