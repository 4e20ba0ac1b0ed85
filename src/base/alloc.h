/* Every allocation of the library goes through here (or through an arena, which comes here).
 *
 * The allocator may be replaced once, before anything else is called; it is the library's only mutable
 * global. */
#ifndef FIRN_BASE_ALLOC_H
#define FIRN_BASE_ALLOC_H

#include <stddef.h>

#include "base/macros.h"

typedef struct firn_allocator {
  void *(*alloc)(void *self, size_t size);
  void *(*realloc)(void *self, void *old, size_t size); /* `old` may be NULL */
  void (*free)(void *self, void *old);                  /* `old` may be NULL */
  void *self;
} firn_allocator;

/* Replaces malloc, realloc and free. Call it before anything else, or never. */
void firn_set_allocator(const firn_allocator *allocator);

/* NULL when there is no memory, and for sizes beyond PTRDIFF_MAX. The bytes are zero. */
FIRN_MUST_USE void *firn_alloc(size_t size);
/* The same without zeroing, for buffers that are filled at once. */
FIRN_MUST_USE void *firn_alloc_raw(size_t size);
/* NULL when there is no memory; `old` is then untouched. New bytes are not zeroed. */
FIRN_MUST_USE void *firn_realloc(void *old, size_t size);
void firn_free(void *old);

/* For FIRN_AUTO: void *buffer FIRN_AUTO(firn_free_pointer) = firn_alloc(...). */
void firn_free_pointer(void *pointer_to_pointer);

#endif
