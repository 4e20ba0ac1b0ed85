/* Idempotency keys of requests that the journal keeps: which record holds the request of a key.
 *
 * Keys are remembered by a hash of 128 bits with a secret of this process, in the order in which they came.
 * Not for threads: the intake locks. */
#ifndef FIRN_SERVICES_INGEST_KEYS_H
#define FIRN_SERVICES_INGEST_KEYS_H

#include "base/bytes.h"
#include "base/ctx.h"

#define FIRN_KEY_PENDING UINT64_MAX /* the position of a request that is being added */

enum { FIRN_KEY_MAX_BYTES = 256, FIRN_KEY_SECRET_BYTES = 16 };

typedef struct firn_key {
  uint64_t hash[2];
  uint64_t fingerprint; /* of its request */
  uint64_t floor;       /* its record is not before this one; ascending from key to key */
  uint64_t position;
  int64_t covered_us; /* monotonic; when its events were safe in files, once they are */
  uint32_t n_events;
  bool is_gone;
} firn_key;

typedef struct firn_keys {
  uint8_t secret[FIRN_KEY_SECRET_BYTES];
  size_t max_keys;
  firn_key *ring;
  size_t capacity;        /* of the ring: a power of two; the table has twice as many slots */
  uint64_t begin, end;    /* number of the oldest key and of the next one; in the ring modulo capacity */
  uint64_t begin_pending; /* keys before this one are covered */
  uint32_t *table;        /* place in the ring + 1; 0: empty */
} firn_keys;

void firn_keys_init(firn_keys *k, firn_ctx *ctx, size_t max_keys);
void firn_keys_free(firn_keys *k);

/* NULL: not remembered. Valid until the next call that changes something. */
firn_key *firn_keys_find(firn_keys *k, firn_bytes key);
/* Remembers a key that is not remembered, as pending. FIRN_BUSY when there are too many, none of which is
 * covered; else the oldest is forgotten for it. */
FIRN_MUST_USE firn_status firn_keys_add(firn_keys *k, firn_bytes key, uint64_t fingerprint, uint32_t n_events,
                                        uint64_t floor, firn_key **out, firn_error *err);
void firn_keys_remove(firn_keys *k, firn_bytes key);

/* Keys of records before `position` are safe in files since `now_us`, unless they were before. */
void firn_keys_cover(firn_keys *k, uint64_t position, int64_t now_us);
/* Forgets keys that have been covered since `until_us` or longer. */
void firn_keys_forget_before(firn_keys *k, int64_t until_us);
/* Forgets the oldest `n` keys that are covered. False: there is none. */
bool firn_keys_forget_oldest(firn_keys *k, size_t n);
/* When the oldest covered key was covered; INT64_MAX: none is. */
int64_t firn_keys_oldest_us(const firn_keys *k);
/* No record of a remembered key is before this one, and it is not behind `end`. */
uint64_t firn_keys_floor(const firn_keys *k, uint64_t end);

#endif
