#include "io/local/folders_internal.h"

#include <pthread.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"

enum { N_SLOTS = 4096, MOST = N_SLOTS / 2 }; /* more, and it starts over: to ask again costs little */

struct firn_known_folders {
  pthread_mutex_t lock; /* guards what follows */
  size_t n;
  firn_arena arena;
  const char *slots[N_SLOTS]; /* by hash, the next free one when it is taken */
};

firn_status firn_known_folders_new(firn_known_folders **out, firn_error *err) {
  firn_known_folders *k = firn_alloc(sizeof *k);
  if (k == NULL || pthread_mutex_init(&k->lock, NULL) != 0) {
    firn_free(k);
    return firn_error_set(err, FIRN_NOMEM, "no memory for the names of folders");
  }
  *out = k;
  return FIRN_OK;
}

void firn_known_folders_free(firn_known_folders *k) {
  if (k != NULL) {
    firn_arena_free(&k->arena);
    pthread_mutex_destroy(&k->lock);
    firn_free(k);
  }
}

/* Where it is or would be. */
static size_t slot_of(const firn_known_folders *k, const char *folder) {
  size_t i = (size_t)(firn_xxh64(firn_bytes_of(folder)) % N_SLOTS);
  while (k->slots[i] != NULL && strcmp(k->slots[i], folder) != 0) {
    i = (i + 1) % N_SLOTS;
  }
  return i;
}

bool firn_known_folders_has(firn_known_folders *k, const char *folder) {
  pthread_mutex_lock(&k->lock);
  bool has = k->slots[slot_of(k, folder)] != NULL;
  pthread_mutex_unlock(&k->lock);
  return has;
}

static bool add(firn_known_folders *k, const char *folder) {
  if (k->n == MOST) {
    memset(k->slots, 0, sizeof k->slots);
    firn_arena_reset(&k->arena);
    k->n = 0;
  }
  size_t i = slot_of(k, folder);
  if (k->slots[i] == NULL) {
    k->slots[i] = firn_arena_text(&k->arena, firn_bytes_of(folder));
    k->n += k->slots[i] != NULL;
  }
  return k->slots[i] != NULL;
}

firn_status firn_known_folders_add(firn_known_folders *k, const char *folder, firn_error *err) {
  pthread_mutex_lock(&k->lock);
  bool done = add(k, folder);
  pthread_mutex_unlock(&k->lock);
  return done ? FIRN_OK : firn_error_set(err, FIRN_NOMEM, "no memory for the name of a folder");
}
