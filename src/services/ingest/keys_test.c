#include "services/ingest/keys.h"

#include <stdio.h>

#include "test.h"

static firn_bytes name_of(unsigned i, char text[16]) {
  return (firn_bytes){(const uint8_t *)text, (size_t)snprintf(text, 16, "key-%u", i)};
}

static firn_key *add(firn_keys *k, unsigned i, uint64_t position) {
  firn_error err;
  firn_key *key;
  char text[16];
  CHECK_OK(firn_keys_add(k, name_of(i, text), i, i, position, &key, &err));
  key->position = position;
  return key;
}

static firn_key *find(firn_keys *k, unsigned i) {
  char text[16];
  return firn_keys_find(k, name_of(i, text));
}

static void remembers_many(void **state) {
  (void)state;
  enum { N = 5000 };
  firn_keys k;
  firn_keys_init(&k, test_ctx(), SIZE_MAX);
  for (unsigned i = 0; i < N; i++) {
    assert_null(find(&k, i));
    (void)add(&k, i, i * 2);
  }
  for (unsigned i = 0; i < N; i++) {
    const firn_key *key = find(&k, i);
    assert_non_null(key);
    assert_int_equal(key->fingerprint, i);
    assert_int_equal(key->n_events, i);
    assert_int_equal(key->position, i * 2);
  }
  assert_null(find(&k, N));
  firn_keys_free(&k);
}

static void any_bytes_are_a_key(void **state) {
  (void)state;
  firn_error err;
  firn_key *key;
  firn_keys k;
  uint8_t bytes[FIRN_KEY_MAX_BYTES] = {0};
  firn_keys_init(&k, test_ctx(), SIZE_MAX);
  for (size_t len = 0; len <= sizeof bytes; len++) { /* all zero: only their lengths differ */
    assert_null(firn_keys_find(&k, (firn_bytes){bytes, len}));
    CHECK_OK(firn_keys_add(&k, (firn_bytes){bytes, len}, len, 1, 0, &key, &err));
  }
  for (size_t len = 0; len <= sizeof bytes; len++) {
    assert_int_equal(firn_keys_find(&k, (firn_bytes){bytes, len})->fingerprint, len);
  }
  firn_keys_free(&k);
}

/* Keys of records before a position are covered; a pending one holds up those behind it. */
static void forgets_what_has_been_covered_for_long_enough(void **state) {
  (void)state;
  firn_keys k;
  firn_keys_init(&k, test_ctx(), SIZE_MAX);
  for (unsigned i = 0; i < 10; i++) {
    (void)add(&k, i, i);
  }
  find(&k, 6)->position = FIRN_KEY_PENDING;
  assert_true(firn_keys_oldest_us(&k) == INT64_MAX);
  firn_keys_cover(&k, 3, 100);
  firn_keys_cover(&k, 9, 200);
  assert_int_equal(firn_keys_oldest_us(&k), 100);
  firn_keys_forget_before(&k, 99);
  assert_non_null(find(&k, 0));
  firn_keys_forget_before(&k, 100);
  assert_null(find(&k, 2));
  assert_non_null(find(&k, 3));
  assert_int_equal(firn_keys_floor(&k, 99), 3);
  assert_int_equal(firn_keys_floor(&k, 1), 1);
  firn_keys_forget_before(&k, 1000);
  assert_null(find(&k, 5));
  assert_non_null(find(&k, 6));
  assert_non_null(find(&k, 7));
  assert_false(firn_keys_forget_oldest(&k, 1));
  firn_keys_free(&k);
}

static void too_many_make_room_or_are_refused(void **state) {
  (void)state;
  firn_error err;
  firn_key *key;
  char text[16];
  firn_keys k;
  firn_keys_init(&k, test_ctx(), 3);
  for (unsigned i = 0; i < 3; i++) {
    (void)add(&k, i, i);
  }
  CHECK_STATUS(firn_keys_add(&k, name_of(3, text), 3, 1, 3, &key, &err), FIRN_BUSY);
  assert_null(find(&k, 3));
  firn_keys_cover(&k, 1, 1);
  (void)add(&k, 3, 3);
  assert_null(find(&k, 0));
  assert_non_null(find(&k, 1));
  firn_keys_free(&k);
}

/* Against an array, in random order, on a ring that wraps often. */
static void agrees_with_a_plain_list(void **state) {
  (void)state;
  enum { NAMES = 300, ROUNDS = 20000 };
  static int64_t position_of[NAMES]; /* -1: not remembered */
  char text[16];
  firn_keys k;
  uint64_t next = 0;
  firn_keys_init(&k, test_ctx(), SIZE_MAX);
  memset(position_of, -1, sizeof position_of);
  for (int round = 0; round < ROUNDS; round++) {
    unsigned i = (unsigned)(test_random() % NAMES);
    switch (test_random() % 8) {
      case 0:
        firn_keys_remove(&k, name_of(i, text));
        position_of[i] = -1;
        break;
      case 1: {
        uint64_t until = next - (next > 50 ? test_random() % 50 : 0);
        firn_keys_cover(&k, until, round);
        firn_keys_forget_before(&k, round);
        for (unsigned n = 0; n < NAMES; n++) {
          position_of[n] = position_of[n] < (int64_t)until ? -1 : position_of[n];
        }
        break;
      }
      default:
        if (position_of[i] < 0) {
          (void)add(&k, i, next);
          position_of[i] = (int64_t)next++;
        }
    }
    for (unsigned n = 0; n < NAMES; n += 1 + (unsigned)(test_random() % 20)) {
      const firn_key *key = find(&k, n);
      assert_int_equal(key == NULL ? -1 : (int64_t)key->position, position_of[n]);
    }
    assert_true(k.end - k.begin <= NAMES * 4 + 64);
  }
  firn_keys_free(&k);
}

static firn_status add_some(void) {
  firn_keys k;
  firn_key *key;
  char text[16];
  firn_keys_init(&k, test_ctx(), SIZE_MAX);
  firn_status status = FIRN_OK;
  for (unsigned i = 0; i < 300 && status == FIRN_OK; i++) { /* it grows once */
    status = firn_keys_add(&k, name_of(i, text), 1, 1, i, &key, NULL);
  }
  firn_keys_free(&k);
  return status;
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(add_some);
}

RUN_TESTS(remembers_many, any_bytes_are_a_key, forgets_what_has_been_covered_for_long_enough,
          too_many_make_room_or_are_refused, agrees_with_a_plain_list, survives_oom)
