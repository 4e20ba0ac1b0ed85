#include "services/ingest/keys.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { FIRST_CAPACITY = 256 };

void firn_keys_init(firn_keys *k, firn_ctx *ctx, size_t max_keys) {
  *k = (firn_keys){.max_keys = max_keys};
  firn_ctx_random(ctx, k->secret, sizeof k->secret);
}

void firn_keys_free(firn_keys *k) {
  firn_free(k->ring);
  firn_free(k->table);
  k->ring = NULL;
  k->table = NULL;
}

/* Half of the secret before the key, half of it behind: nobody outside can make two keys of one hash. */
static void hash_key(const firn_keys *k, firn_bytes key, uint64_t hash[2]) {
  enum { HALF = FIRN_KEY_SECRET_BYTES / 2 };
  uint8_t text[FIRN_KEY_MAX_BYTES + FIRN_KEY_SECRET_BYTES];
  assert(key.len <= FIRN_KEY_MAX_BYTES);
  memcpy(text, k->secret, HALF);
  if (key.len > 0) {
    memcpy(text + HALF, key.data, key.len);
  }
  memcpy(text + HALF + key.len, k->secret + HALF, HALF);
  size_t len = key.len + FIRN_KEY_SECRET_BYTES;
  hash[0] = firn_xxh64((firn_bytes){text, len});
  memcpy(text, k->secret + HALF, HALF);
  hash[1] = firn_xxh64((firn_bytes){text, len});
}

static size_t table_mask(const firn_keys *k) {
  return k->capacity * 2 - 1;
}

static firn_key *at(const firn_keys *k, uint64_t number) {
  return &k->ring[number & (k->capacity - 1)];
}

/* The slot of a hash, or the empty one where it would be. */
static size_t slot_of(const firn_keys *k, const uint64_t hash[2]) {
  size_t slot = (size_t)hash[0] & table_mask(k);
  while (k->table[slot] != 0) {
    const firn_key *e = &k->ring[k->table[slot] - 1];
    if (e->hash[0] == hash[0] && e->hash[1] == hash[1]) {
      break;
    }
    slot = (slot + 1) & table_mask(k);
  }
  return slot;
}

static void put(firn_keys *k, uint64_t number) {
  k->table[slot_of(k, at(k, number)->hash)] = (uint32_t)(number & (k->capacity - 1)) + 1;
}

/* Empties a slot and closes the gap: what stands behind it and could stand in it moves up. */
static void take_out(firn_keys *k, size_t slot) {
  size_t mask = table_mask(k);
  size_t gap = slot;
  k->table[gap] = 0;
  for (size_t i = (slot + 1) & mask; k->table[i] != 0; i = (i + 1) & mask) {
    size_t home = (size_t)k->ring[k->table[i] - 1].hash[0] & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      k->table[gap] = k->table[i];
      k->table[i] = 0;
      gap = i;
    }
  }
}

static firn_status grow(firn_keys *k, firn_error *err) {
  firn_keys wider = *k;
  wider.capacity = k->capacity == 0 ? FIRST_CAPACITY : k->capacity * 2;
  wider.ring = firn_alloc(wider.capacity * sizeof *wider.ring);
  wider.table = firn_alloc(wider.capacity * 2 * sizeof *wider.table);
  if (wider.ring == NULL || wider.table == NULL) {
    firn_keys_free(&wider);
    return firn_error_set(err, FIRN_NOMEM, "no memory for idempotency keys");
  }
  for (uint64_t i = k->begin; i < k->end; i++) {
    *at(&wider, i) = *at(k, i);
    if (!at(k, i)->is_gone) {
      put(&wider, i);
    }
  }
  firn_keys_free(k);
  *k = wider;
  return FIRN_OK;
}

static firn_key *find(firn_keys *k, const uint64_t hash[2], size_t *slot) {
  if (k->table == NULL) {
    return NULL;
  }
  *slot = slot_of(k, hash);
  return k->table[*slot] == 0 ? NULL : &k->ring[k->table[*slot] - 1];
}

firn_key *firn_keys_find(firn_keys *k, firn_bytes key) {
  uint64_t hash[2];
  size_t slot;
  hash_key(k, key, hash);
  return find(k, hash, &slot);
}

firn_status firn_keys_add(firn_keys *k, firn_bytes key, uint64_t fingerprint, uint32_t n_events,
                          uint64_t floor, firn_key **out, firn_error *err) {
  if (k->end - k->begin >= k->max_keys && !firn_keys_forget_oldest(k, 1)) {
    return firn_error_set(err, FIRN_BUSY, "%zu idempotency keys are of events not yet in files", k->max_keys);
  }
  if (k->end - k->begin == k->capacity) {
    FIRN_TRY(grow(k, err));
  }
  firn_key *e = at(k, k->end);
  *e = (firn_key){
      .fingerprint = fingerprint, .floor = floor, .position = FIRN_KEY_PENDING, .n_events = n_events};
  hash_key(k, key, e->hash);
  put(k, k->end++);
  *out = e;
  return FIRN_OK;
}

void firn_keys_remove(firn_keys *k, firn_bytes key) {
  uint64_t hash[2];
  size_t slot;
  hash_key(k, key, hash);
  firn_key *e = find(k, hash, &slot);
  if (e != NULL) {
    take_out(k, slot);
    e->is_gone = true;
  }
}

void firn_keys_cover(firn_keys *k, uint64_t position, int64_t now_us) {
  for (; k->begin_pending < k->end; k->begin_pending++) {
    firn_key *e = at(k, k->begin_pending);
    if (!e->is_gone && (e->position == FIRN_KEY_PENDING || e->position >= position)) {
      return;
    }
    e->covered_us = now_us;
  }
}

static void forget_first(firn_keys *k) {
  firn_key *e = at(k, k->begin);
  size_t slot;
  if (!e->is_gone && find(k, e->hash, &slot) == e) {
    take_out(k, slot);
  }
  k->begin++;
}

bool firn_keys_forget_oldest(firn_keys *k, size_t n) {
  bool is_any = k->begin < k->begin_pending;
  for (; n > 0 && k->begin < k->begin_pending; n--) {
    forget_first(k);
  }
  return is_any;
}

void firn_keys_forget_before(firn_keys *k, int64_t until_us) {
  while (k->begin < k->begin_pending &&
         (at(k, k->begin)->is_gone || at(k, k->begin)->covered_us <= until_us)) {
    forget_first(k);
  }
}

int64_t firn_keys_oldest_us(const firn_keys *k) {
  return k->begin < k->begin_pending ? at(k, k->begin)->covered_us : INT64_MAX;
}

uint64_t firn_keys_floor(const firn_keys *k, uint64_t end) {
  return k->begin < k->end && at(k, k->begin)->floor < end ? at(k, k->begin)->floor : end;
}
