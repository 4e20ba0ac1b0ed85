#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#if defined(__SANITIZE_ADDRESS__)
#define SEPARATE_BLOCKS 1
#else
#define SEPARATE_BLOCKS 0
#endif

enum { FIRST_BLOCK = 4096, LARGEST_GROWTH = 1 << 20, ALIGNMENT = 16 };

typedef struct firn_arena_block {
  struct firn_arena_block *older;
  size_t size; /* of the bytes behind this head */
  alignas(ALIGNMENT) uint8_t bytes[];
} block;

static block *add_block(firn_arena *arena, size_t size) {
  if (size > SIZE_MAX / 2 || (arena->max_bytes != 0 && size > arena->max_bytes - arena->used_bytes)) {
    return NULL;
  }
  block *made = firn_alloc_raw(sizeof(block) + size);
  if (made == NULL) {
    return NULL;
  }
  made->older = arena->newest;
  made->size = size;
  arena->newest = made;
  arena->used_bytes += size;
  return made;
}

/* How large the next block should be to hold `size`: doubling up to a step, cut to what the bound leaves. */
static size_t next_size(const firn_arena *arena, size_t size) {
  size_t wanted = arena->newest == NULL ? FIRST_BLOCK : arena->newest->size * 2;
  if (wanted > LARGEST_GROWTH) {
    wanted = LARGEST_GROWTH;
  }
  if (arena->max_bytes != 0 && wanted > arena->max_bytes - arena->used_bytes) {
    wanted = arena->max_bytes - arena->used_bytes;
  }
  return wanted > size ? wanted : size;
}

static uint8_t *take(firn_arena *arena, size_t size, size_t align) {
  if (SEPARATE_BLOCKS) {
    block *own = add_block(arena, size);
    return own == NULL ? NULL : own->bytes;
  }
  uintptr_t start = ((uintptr_t)arena->at + (align - 1)) & ~(uintptr_t)(align - 1);
  if (arena->at != NULL && start <= (uintptr_t)arena->end && size <= (uintptr_t)arena->end - start) {
    arena->at = (uint8_t *)start + size;
    return (uint8_t *)start;
  }
  block *more = add_block(arena, next_size(arena, size));
  if (more == NULL) {
    return NULL;
  }
  arena->at = more->bytes + size;
  arena->end = more->bytes + more->size;
  return more->bytes;
}

void *firn_arena_alloc(firn_arena *arena, size_t size) {
  uint8_t *taken = take(arena, size, ALIGNMENT);
  if (taken != NULL) {
    memset(taken, 0, size);
  }
  return taken;
}

uint8_t *firn_arena_alloc_bytes(firn_arena *arena, size_t size) {
  return take(arena, size, 1);
}

void *firn_arena_alloc_n(firn_arena *arena, size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    return NULL;
  }
  return firn_arena_alloc(arena, total);
}

char *firn_arena_text(firn_arena *arena, firn_bytes text) {
  char *copy = (char *)firn_arena_alloc_bytes(arena, text.len + 1);
  if (copy == NULL) {
    return NULL;
  }
  if (text.len > 0) {
    memcpy(copy, text.data, text.len);
  }
  copy[text.len] = '\0';
  return copy;
}

char *firn_arena_printf(firn_arena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0) {
    return NULL;
  }
  char *text = (char *)firn_arena_alloc_bytes(arena, (size_t)len + 1);
  if (text == NULL) {
    return NULL;
  }
  va_start(args, format);
  (void)vsnprintf(text, (size_t)len + 1, format, args); /* measured above */
  va_end(args);
  return text;
}

firn_bytes firn_arena_copy(firn_arena *arena, firn_bytes bytes) {
  uint8_t *copy = firn_arena_alloc_bytes(arena, bytes.len);
  if (copy == NULL) {
    return (firn_bytes){NULL, 0};
  }
  if (bytes.len > 0) {
    memcpy(copy, bytes.data, bytes.len);
  }
  return (firn_bytes){copy, bytes.len};
}

void *firn_arena_grow(firn_arena *arena, void *items, size_t count, size_t *capacity, size_t item_size) {
  assert(count <= *capacity);
  if (count < *capacity) {
    return items;
  }
  size_t wanted = *capacity < 8 ? 8 : *capacity * 2;
  void *moved = firn_arena_alloc_n(arena, wanted, item_size);
  if (moved == NULL) {
    return NULL;
  }
  if (count > 0) {
    memcpy(moved, items, count * item_size);
  }
  *capacity = wanted;
  return moved;
}

void firn_arena_reset(firn_arena *arena) {
  block *kept = SEPARATE_BLOCKS ? NULL : arena->newest;
  for (block *b = arena->newest; b != NULL && !SEPARATE_BLOCKS; b = b->older) {
    kept = b->size > kept->size ? b : kept;
  }
  for (block *b = arena->newest; b != NULL;) {
    block *older = b->older;
    if (b != kept) {
      firn_free(b);
    }
    b = older;
  }
  arena->newest = kept;
  arena->used_bytes = 0;
  arena->at = arena->end = NULL;
  if (kept != NULL) {
    kept->older = NULL;
    arena->used_bytes = kept->size;
    arena->at = kept->bytes;
    arena->end = kept->bytes + kept->size;
  }
}

void firn_arena_free(firn_arena *arena) {
  for (block *b = arena->newest; b != NULL;) {
    block *older = b->older;
    firn_free(b);
    b = older;
  }
  *arena = (firn_arena)FIRN_ARENA_INIT(arena->max_bytes);
}
