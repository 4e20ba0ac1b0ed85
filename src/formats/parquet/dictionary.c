#include "formats/parquet/dictionary_internal.h"

#include <assert.h>

#include "base/alloc.h"

enum {
  FIRST_CAPACITY = 64,
  MAX_ENTRIES = 1 << 17,
  MAX_PROBES = 256,    /* random values come nowhere near it */
  PROBES_OF_SOME = 32, /* as long as not all bytes are hashed */
  LENGTH = sizeof(uint32_t),
  BLOCK = 64,          /* values that are looked for together */
  FITS_THE_CACHE = 256 /* entries whose table and values stay in the nearest cache */
};

/* What is compared first: the value itself where it is that small, else its hash. */
struct firn_dictionary_entry {
  uint64_t key;
  uint32_t at;  /* runs of bytes: where the value begins in `plain` */
  uint32_t tag; /* index + 1; 0: empty */
};

static const uint64_t SALT_A = UINT64_C(0xA0761D6478BD642F), SALT_B = UINT64_C(0xE7037ED1A0B428DB);

void firn_dictionary_init(firn_dictionary *d, size_t width, size_t max_bytes) {
  *d = (firn_dictionary){.width = width, .max_bytes = max_bytes > UINT32_MAX ? UINT32_MAX : max_bytes};
}

static inline uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load8(const uint8_t *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static inline uint64_t load4(const uint8_t *at) {
  uint32_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

/* Two words that together contain every byte of a run of at most 16. */
static inline void load_short(firn_bytes v, uint64_t *a, uint64_t *b) {
  if (v.len >= 8) {
    *a = load8(v.data);
    *b = load8(v.data + v.len - 8);
  } else if (v.len >= 4) {
    *a = load4(v.data);
    *b = load4(v.data + v.len - 4);
  } else {
    *a = v.len == 0 ? 0 : (uint64_t)v.data[0] << 16 | (uint64_t)v.data[v.len / 2] << 8 | v.data[v.len - 1];
    *b = 0;
  }
}

/* `all` bytes, or the beginning, the middle and the end. */
static inline uint64_t hash_bytes(firn_bytes v, bool all) {
  uint64_t a, b, seed = SALT_B ^ v.len;
  if (v.len <= 16) {
    load_short(v, &a, &b);
    return fold(a ^ SALT_A, b ^ seed);
  }
  if (!all) {
    return fold(load8(v.data) ^ SALT_A, load8(v.data + v.len - 8) ^ seed) ^
           fold(load8(v.data + v.len / 2 - 4) ^ SALT_B, load8(v.data + v.len - 16) ^ SALT_A);
  }
  size_t i = 0;
  for (; i + 16 < v.len; i += 16) {
    seed = fold(load8(v.data + i) ^ SALT_A, load8(v.data + i + 8) ^ seed);
  }
  return fold(load8(v.data + v.len - 16) ^ SALT_A, load8(v.data + v.len - 8) ^ seed);
}

static inline uint64_t differ16(const uint8_t *a, const uint8_t *b) {
  return (load8(a) ^ load8(b)) | (load8(a + 8) ^ load8(b + 8));
}

static inline bool same_bytes(const uint8_t *a, firn_bytes b) {
  if (b.len > 16) {
    for (size_t i = 0; i + 16 < b.len; i += 16) {
      if (differ16(a + i, b.data + i) != 0) {
        return false;
      }
    }
    return differ16(a + b.len - 16, b.data + b.len - 16) == 0;
  }
  uint64_t a1, a2, b1, b2;
  load_short((firn_bytes){a, b.len}, &a1, &a2);
  load_short(b, &b1, &b2);
  return a1 == b1 && a2 == b2;
}

/* The slot to begin at. Keys of runs of bytes are hashes already. */
static inline size_t slot_of(uint64_t key, size_t capacity) {
  return (size_t)(key ^ key >> 32) & (capacity - 1);
}

static inline uint64_t scramble(uint64_t value) {
  return fold(value ^ SALT_A, SALT_B);
}

static size_t home(const firn_dictionary *d, uint64_t key, bool is_hash) {
  return slot_of(is_hash ? key : scramble(key), d->capacity);
}

/* Doubles the table, which is kept at most half full. */
static bool grow(firn_dictionary *d, bool is_hash) {
  size_t capacity = d->capacity == 0 ? FIRST_CAPACITY : d->capacity * 2;
  firn_dictionary_entry *old = d->table, *made = firn_alloc(capacity * sizeof *made);
  size_t n_old = d->capacity;
  if (made == NULL) {
    d->failed = FIRN_NOMEM;
    return false;
  }
  d->table = made;
  d->capacity = capacity;
  for (size_t i = 0; i < n_old; i++) {
    if (old[i].tag == 0) {
      continue;
    }
    size_t slot = home(d, old[i].key, is_hash);
    while (made[slot].tag != 0) {
      slot = (slot + 1) & (capacity - 1);
    }
    made[slot] = old[i];
  }
  firn_free(old);
  return true;
}

/* Room in `plain` for one more value that takes `size` bytes there; NULL when it is full or memory is. */
static uint8_t *room_for(firn_dictionary *d, size_t size) {
  if (size > d->max_bytes - d->plain.len || d->n == MAX_ENTRIES) {
    d->is_full = true;
    return NULL;
  }
  uint8_t *room = firn_builder_reserve(&d->plain, size);
  if (room == NULL) {
    d->failed = d->plain.failed;
  }
  return room;
}

static bool add_number(firn_dictionary *d, firn_dictionary_entry *e, uint64_t value) {
  uint8_t *room = room_for(d, d->width);
  if (room == NULL) {
    return false;
  }
  memcpy(room, &value, d->width); /* little endian, like the file */
  firn_builder_claim(&d->plain, d->width);
  *e = (firn_dictionary_entry){.key = value, .tag = ++d->n};
  return true;
}

static bool add_run(firn_dictionary *d, firn_dictionary_entry *e, uint64_t hash, firn_bytes value) {
  size_t head = d->width == 0 ? LENGTH : 0;
  uint8_t *room = room_for(d, head + value.len); /* which bounds the length too */
  if (room == NULL) {
    return false;
  }
  uint32_t len = (uint32_t)value.len, at = (uint32_t)d->plain.len;
  if (head != 0) {
    firn_builder_add(&d->offsets, (firn_bytes){(const uint8_t *)&at, sizeof at});
    if (d->offsets.failed != FIRN_OK) {
      d->failed = d->offsets.failed;
      return false;
    }
    memcpy(room, &len, sizeof len);
  }
  if (len > 0) {
    memcpy(room + head, value.data, len);
  }
  firn_builder_claim(&d->plain, head + len);
  *e = (firn_dictionary_entry){.key = hash, .at = at + (uint32_t)head, .tag = ++d->n};
  return true;
}

/* The entry of a number: its own or the free one where it belongs; NULL after too many probes. */
static inline firn_dictionary_entry *find_number(const firn_dictionary *d, uint64_t value) {
  size_t slot = slot_of(scramble(value), d->capacity);
  for (int probes = 0; probes < MAX_PROBES; probes++) {
    firn_dictionary_entry *e = &d->table[slot];
    if (e->tag == 0 || e->key == value) {
      return e;
    }
    slot = (slot + 1) & (d->capacity - 1);
  }
  return NULL;
}

static inline bool is_run(const firn_dictionary *d, const firn_dictionary_entry *e, uint64_t hash,
                          firn_bytes value) {
  if (e->key != hash) {
    return false;
  }
  const uint8_t *at = d->plain.data + e->at;
  if (d->width == 0) {
    uint32_t len;
    memcpy(&len, at - LENGTH, sizeof len);
    if (len != value.len) {
      return false;
    }
  }
  return same_bytes(at, value);
}

static inline firn_dictionary_entry *find_run(const firn_dictionary *d, uint64_t hash, firn_bytes value) {
  size_t slot = slot_of(hash, d->capacity);
  for (int probes = d->hashes_all ? 0 : MAX_PROBES - PROBES_OF_SOME; probes < MAX_PROBES; probes++) {
    firn_dictionary_entry *e = &d->table[slot];
    if (e->tag == 0 || is_run(d, e, hash, value)) {
      return e;
    }
    slot = (slot + 1) & (d->capacity - 1);
  }
  return NULL;
}

/* Asks for what the values of a block will be compared with, so that they do not wait for memory one after
 * the other. */
static inline void fetch_early(const firn_dictionary *d, const uint64_t *hashes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    __builtin_prefetch(&d->table[slot_of(hashes[i], d->capacity)]);
  }
  for (size_t i = 0; i < n; i++) {
    const firn_dictionary_entry *e = &d->table[slot_of(hashes[i], d->capacity)];
    const uint8_t *at = d->plain.data + e->at;
    __builtin_prefetch(at - LENGTH);
    __builtin_prefetch(at + 48); /* the next line, where values of the usual length end */
  }
}

static inline bool has_room(firn_dictionary *d, bool is_hash) {
  return d->n < d->capacity / 2 || grow(d, is_hash);
}

static inline size_t add_numbers(firn_dictionary *d, const uint32_t *fours, const uint64_t *eights, size_t n,
                                 uint32_t *indexes) {
  if (d->failed != FIRN_OK || !has_room(d, false)) {
    return 0;
  }
  for (size_t i = 0; i < n; i++) {
    uint64_t value = fours != NULL ? fours[i] : eights[i];
    firn_dictionary_entry *e = find_number(d, value);
    if (FIRN_UNLIKELY(e == NULL)) {
      return i;
    }
    if (FIRN_UNLIKELY(e->tag == 0)) {
      if (!add_number(d, e, value)) {
        return i;
      }
      indexes[i] = d->n - 1;
      if (!has_room(d, false)) {
        return i + 1;
      }
      continue;
    }
    indexes[i] = e->tag - 1;
  }
  return n;
}

size_t firn_dictionary_add4(firn_dictionary *d, const uint32_t *values, size_t n, uint32_t *indexes) {
  assert(d->width == sizeof *values);
  return add_numbers(d, values, NULL, n, indexes);
}

size_t firn_dictionary_add8(firn_dictionary *d, const uint64_t *values, size_t n, uint32_t *indexes) {
  assert(d->width == sizeof *values);
  return add_numbers(d, NULL, values, n, indexes);
}

/* Some bytes were not enough: from here on all of them are hashed. */
static bool hash_all(firn_dictionary *d) {
  firn_dictionary_entry *made = firn_alloc(d->capacity * sizeof *made);
  if (made == NULL) {
    d->failed = FIRN_NOMEM;
    return false;
  }
  for (uint32_t i = 0; i < d->n; i++) {
    firn_bytes v = firn_dictionary_value(d, i);
    uint64_t hash = hash_bytes(v, true);
    size_t slot = slot_of(hash, d->capacity);
    while (made[slot].tag != 0) {
      slot = (slot + 1) & (d->capacity - 1);
    }
    made[slot] = (firn_dictionary_entry){.key = hash, .at = (uint32_t)(v.data - d->plain.data), .tag = i + 1};
  }
  firn_free(d->table);
  d->table = made;
  d->hashes_all = true;
  return true;
}

/* Up to a block of them. */
static inline size_t add_block(firn_dictionary *d, const firn_bytes *values, size_t n, uint32_t *indexes) {
  uint64_t hashes[BLOCK];
  for (size_t i = 0; i < n; i++) {
    hashes[i] = hash_bytes(values[i], d->hashes_all);
  }
  if (d->n > FITS_THE_CACHE) {
    fetch_early(d, hashes, n);
  }
  for (size_t i = 0; i < n; i++) {
    firn_dictionary_entry *e = find_run(d, hashes[i], values[i]);
    if (FIRN_UNLIKELY(e == NULL)) {
      return i;
    }
    if (FIRN_UNLIKELY(e->tag == 0)) {
      if (!add_run(d, e, hashes[i], values[i])) {
        return i;
      }
      indexes[i] = d->n - 1;
      if (!has_room(d, true)) {
        return i + 1;
      }
      continue;
    }
    indexes[i] = e->tag - 1;
  }
  return n;
}

/* How many values at the start are all the same as the one before. */
static inline size_t count_repeats(firn_bytes before, const firn_bytes *values, size_t n) {
  size_t i = 0;
  if (before.len >= 8 || before.len == 0) {
    while (i < n && values[i].len == before.len &&
           (before.len == 0 || load8(values[i].data) == load8(before.data)) &&
           same_bytes(before.data, values[i])) {
      i++;
    }
    return i;
  }
  uint64_t a, b, a1, b1;
  load_short(before, &a, &b);
  for (; i < n && values[i].len == before.len; i++) {
    load_short((firn_bytes){values[i].data, before.len}, &a1, &b1);
    if (a != a1 || b != b1) {
      break;
    }
  }
  return i;
}

size_t firn_dictionary_add_bytes(firn_dictionary *d, const firn_bytes *values, size_t n, uint32_t *indexes) {
  if (d->failed != FIRN_OK || !has_room(d, true)) {
    return 0;
  }
  for (size_t i = 0; i < n;) {
    size_t block = n - i < BLOCK ? n - i : BLOCK;
    size_t repeats = i == 0 ? 0 : count_repeats(values[i - 1], values + i, block);
    if (repeats == block) { /* one value again and again needs no looking up */
      for (size_t k = 0; k < block; k++) {
        indexes[i + k] = indexes[i - 1];
      }
      i += block;
      continue;
    }
    for (size_t k = i + block; k < n && k < i + 2 * BLOCK; k++) { /* the block after this one */
      __builtin_prefetch(values[k].data);
      __builtin_prefetch(values[k].data + 56);
    }
    bool hashed_all = d->hashes_all;
    size_t done = add_block(d, values + i, block, indexes + i);
    i += done;
    if (done < block && (hashed_all || d->failed != FIRN_OK || d->is_full || !hash_all(d))) {
      return i;
    }
  }
  return n;
}

size_t firn_dictionary_memory(const firn_dictionary *d) {
  return d->plain.capacity + d->offsets.capacity + d->capacity * sizeof *d->table;
}

void firn_dictionary_reset(firn_dictionary *d) {
  firn_builder_free(&d->plain);
  firn_builder_free(&d->offsets);
  firn_free(d->table);
  firn_dictionary_init(d, d->width, d->max_bytes);
}
