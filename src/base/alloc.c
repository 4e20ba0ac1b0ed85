#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *system_alloc(void *self, size_t size) {
  (void)self;
  return malloc(size);
}

static void *system_realloc(void *self, void *old, size_t size) {
  (void)self;
  return realloc(old, size);
}

static void system_free(void *self, void *old) {
  (void)self;
  free(old);
}

static firn_allocator current = {system_alloc, system_realloc, system_free, NULL};

void firn_set_allocator(const firn_allocator *allocator) {
  current = *allocator;
}

void *firn_alloc_raw(size_t size) {
  if (size > PTRDIFF_MAX) {
    return NULL;
  }
  return current.alloc(current.self, size == 0 ? 1 : size);
}

void *firn_alloc(size_t size) {
  void *made = firn_alloc_raw(size);
  if (made != NULL) {
    memset(made, 0, size);
  }
  return made;
}

void *firn_realloc(void *old, size_t size) {
  if (size > PTRDIFF_MAX) {
    return NULL;
  }
  return current.realloc(current.self, old, size == 0 ? 1 : size);
}

void firn_free(void *old) {
  current.free(current.self, old);
}

void firn_free_pointer(void *pointer_to_pointer) {
  void *old;
  memcpy(&old, pointer_to_pointer, sizeof old);
  firn_free(old);
}
