/* An arena: memory that is given back all at once. Who makes it decides how long things live; who fills it
 * does not care.
 *
 * It belongs to one thread at a time. It has a bound; an allocation beyond it, like one that the system
 * refuses, yields NULL and the caller answers FIRN_NOMEM. In sanitizer builds every allocation is a block of
 * its own, so that ASan finds reads beyond its end and after a reset. */
#ifndef FIRN_BASE_ARENA_H
#define FIRN_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

typedef struct firn_arena {
  struct firn_arena_block *newest;
  uint8_t *at, *end; /* free part of the newest block */
  size_t max_bytes;  /* 0: no bound */
  size_t used_bytes; /* what blocks hold, their free parts included */
} firn_arena;

#define FIRN_ARENA_INIT(max) {.max_bytes = (max)}
#define FIRN_AUTO_ARENA FIRN_AUTO(firn_arena_free) firn_arena

/* Sixteen-byte aligned, zeroed; NULL when there is no memory or the bound is reached. */
FIRN_MUST_USE void *firn_arena_alloc(firn_arena *arena, size_t size);
/* The same, not zeroed, any alignment: for bytes. */
FIRN_MUST_USE uint8_t *firn_arena_alloc_bytes(firn_arena *arena, size_t size);
/* `count` things of `size` bytes, guarding the product. */
FIRN_MUST_USE void *firn_arena_alloc_n(firn_arena *arena, size_t count, size_t size);

#define firn_new(arena, type) ((type *)firn_arena_alloc((arena), sizeof(type)))
#define firn_new_n(arena, type, count) ((type *)firn_arena_alloc_n((arena), (count), sizeof(type)))

/* Copies; NULL when there is no memory. The text forms are terminated. */
FIRN_MUST_USE char *firn_arena_text(firn_arena *arena, firn_bytes text);
FIRN_MUST_USE char *firn_arena_printf(firn_arena *arena, const char *format, ...) FIRN_PRINTF(2, 3);
/* `out->data` is NULL only when there is no memory: empty bytes get an address too. */
FIRN_MUST_USE firn_bytes firn_arena_copy(firn_arena *arena, firn_bytes bytes);

/* Makes a growing array in an arena: when `count` has reached `*capacity`, moves the items to twice the room.
 * NULL when there is no memory; the old items stay. */
FIRN_MUST_USE void *firn_arena_grow(firn_arena *arena, void *items, size_t count, size_t *capacity,
                                    size_t item_size);

/* Empties it for reuse; its largest block stays. */
void firn_arena_reset(firn_arena *arena);
void firn_arena_free(firn_arena *arena);

#endif
