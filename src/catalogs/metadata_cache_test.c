#include "catalogs/metadata_cache.h"

#include <stdio.h>

#include "test_table.h"

static firn_error err;

static firn_metadata *metadata_of(const char *location) {
  firn_metadata *m = NULL;
  CHECK_OK(test_table_new(location, false, NULL, test_ctx(), &m, &err));
  return m;
}

static void put(firn_metadata_cache *cache, const char *location, const char *etag, firn_metadata *m) {
  firn_metadata_entry *entry;
  CHECK_OK(firn_metadata_entry_new(location, etag, m, &entry, &err));
  firn_metadata_cache_put(cache, entry);
}

static bool has(firn_metadata_cache *cache, const char *location, const char *etag, const firn_metadata *m) {
  firn_metadata *found = firn_metadata_cache_get(cache, location, etag);
  firn_metadata_unref(found);
  return found != NULL && found == m;
}

static void what_was_put_in_is_found(void **state) {
  (void)state;
  firn_metadata_cache *cache;
  FIRN_AUTO_METADATA *m = metadata_of("memory://lake/a");
  FIRN_AUTO_METADATA *other = metadata_of("memory://lake/b");
  CHECK_OK(firn_metadata_cache_new(1 << 20, &cache, &err));
  assert_false(has(cache, "a", "", m));
  put(cache, "a", "", m);
  put(cache, "b", "1", other);
  assert_true(has(cache, "a", "", m));
  assert_true(has(cache, "b", "1", other));
  assert_false(has(cache, "b", "2", other)); /* another file of that name */
  put(cache, "b", "2", m);
  assert_true(has(cache, "b", "2", m));
  assert_false(has(cache, "b", "1", other));
  firn_metadata_cache_remove(cache, "a");
  firn_metadata_cache_remove(cache, "never");
  assert_false(has(cache, "a", "", m));
  firn_metadata_cache_free(cache);
  assert_null(firn_metadata_cache_get(NULL, "a", ""));
  firn_metadata_cache_remove(NULL, "a");
}

static void what_was_used_longest_ago_goes_first(void **state) {
  (void)state;
  firn_metadata_cache *cache;
  FIRN_AUTO_METADATA *m = metadata_of("memory://lake/a");
  size_t one = firn_metadata_size(m) + 200;
  CHECK_OK(firn_metadata_cache_new(3 * one, &cache, &err));
  put(cache, "a", "", m);
  put(cache, "b", "", m);
  put(cache, "c", "", m);
  assert_true(has(cache, "a", "", m));
  put(cache, "d", "", m);
  assert_true(has(cache, "a", "", m));
  assert_false(has(cache, "b", "", m));
  assert_true(has(cache, "c", "", m));
  assert_true(has(cache, "d", "", m));
  firn_metadata_cache_free(cache);
  CHECK_OK(firn_metadata_cache_new(firn_metadata_size(m) / 2, &cache, &err));
  put(cache, "large", "", m); /* does not fit */
  assert_false(has(cache, "large", "", m));
  firn_metadata_cache_free(cache);
  CHECK_OK(firn_metadata_cache_new(SIZE_MAX, &cache, &err)); /* many small ones are bounded too */
  size_t n_there = 0;
  for (int i = 0; i < 200; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "n%d", i);
    put(cache, name, "", m);
  }
  for (int i = 0; i < 200; i++) {
    char name[16];
    (void)snprintf(name, sizeof name, "n%d", i);
    n_there += has(cache, name, "", m);
    assert_true(i < 190 || has(cache, name, "", m));
  }
  assert_int_equal(n_there, 64);
  firn_metadata_cache_free(cache);
}

typedef struct user {
  firn_metadata_cache *cache;
  firn_metadata *metadata;
  uint64_t seed;
  bool failed;
} user;

static void *use(void *arg) {
  user *u = arg;
  for (int i = 0; i < 3000; i++) {
    char name[16];
    u->seed = u->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    (void)snprintf(name, sizeof name, "n%d", (int)(u->seed >> 40) % 80);
    firn_metadata *found = firn_metadata_cache_get(u->cache, name, "");
    u->failed |= found != NULL && strcmp(firn_metadata_get(found)->location, "memory://lake/a") != 0;
    firn_metadata_unref(found);
    firn_metadata_entry *entry;
    if (found == NULL && firn_metadata_entry_new(name, "", u->metadata, &entry, NULL) == FIRN_OK) {
      firn_metadata_cache_put(u->cache, entry);
    } else if (i % 5 == 0) {
      firn_metadata_cache_remove(u->cache, name);
    }
  }
  return NULL;
}

static void threads_share_it(void **state) {
  (void)state;
  firn_metadata_cache *cache;
  FIRN_AUTO_METADATA *m = metadata_of("memory://lake/a");
  CHECK_OK(firn_metadata_cache_new(40 * (firn_metadata_size(m) + 200), &cache, &err));
  pthread_t threads[4];
  user users[4];
  for (size_t i = 0; i < 4; i++) {
    users[i] = (user){.cache = cache, .metadata = m, .seed = i};
    assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(users[i].failed);
  }
  firn_metadata_cache_free(cache);
}

RUN_TESTS(what_was_put_in_is_found, what_was_used_longest_ago_goes_first, threads_share_it)
