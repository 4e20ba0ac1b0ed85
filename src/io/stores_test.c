#include "io/stores.h"

#include <pthread.h>

#include "test.h"

static firn_error err;

static void finds_what_was_added(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_STORE *memory = NULL;
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_stores_add(stores, "memory", "lake", memory, &err));
  CHECK_STATUS(firn_stores_add(stores, "memory", "lake", memory, &err), FIRN_EXISTS);

  firn_store *found = NULL;
  const char *path = NULL;
  CHECK_OK(firn_stores_find(stores, "memory://lake/db/t/v1.json", &arena, &found, &path, &err));
  assert_ptr_equal(found, memory);
  assert_string_equal(path, "db/t/v1.json");
  CHECK_OK(firn_stores_find(stores, "Memory://lake", &arena, &found, &path, &err));
  assert_string_equal(path, "");
  CHECK_OK(firn_stores_find(stores, "memory://lake/a//b/", &arena, &found, &path, &err));
  assert_string_equal(path, "a//b"); /* another name than a/b; the store will say so */

  firn_stores_take_out(stores, memory);
  CHECK_STATUS(firn_stores_find(stores, "memory://lake/db", &arena, &found, &path, &err), FIRN_UNSUPPORTED);
  assert_string_equal(err.text, "the location memory://lake/db: no store serves memory://lake");
}

static void all_spellings_of_a_local_path_are_one(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  static const char *const spellings[] = {
      "/lake/t", "file:///lake/t", "file:/lake/t", "file://localhost/lake/t", "FILE:///lake//t/", "//lake/t"};
  firn_store *first = NULL;
  for (size_t i = 0; i < FIRN_COUNT_OF(spellings); i++) {
    firn_store *found = NULL;
    const char *path = NULL;
    CHECK_OK(firn_stores_find(stores, spellings[i], &arena, &found, &path, &err));
    assert_string_equal(path, "lake/t");
    assert_true(first == NULL || first == found);
    first = found;
  }
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(first, ctx, "no/such%20file", &info, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("file: looking at /no/such%20file: ");
}

static void refuses_what_is_no_location(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  CHECK_OK(firn_stores_open(ctx->env, &stores, &err));
  firn_store *found;
  const char *path;
  static const char *const bad[] = {"",
                                    "lake/t",
                                    "./lake",
                                    "://x",
                                    "s3:/bucket",
                                    "file:lake/t",
                                    "file://host/lake",
                                    "memory:x",
                                    "averyveryverylongscheme://x"};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    CHECK_STATUS(firn_stores_find(stores, bad[i], &arena, &found, &path, &err), FIRN_INVALID);
    CHECK_SAYS(bad[i]);
  }
  CHECK_STATUS(firn_stores_find(stores, "gopher://x/y", &arena, &found, &path, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("gopher");
}

static void *find_root(void *arg) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_store *found = NULL;
  const char *path;
  return firn_stores_find(arg, "/lake", &arena, &found, &path, NULL) == FIRN_OK ? found : NULL;
}

static void threads_find_the_same_store(void **state) {
  (void)state;
  FIRN_AUTO_STORES *stores = NULL;
  CHECK_OK(firn_stores_open(&firn_env_system, &stores, &err));
  pthread_t threads[4];
  void *found[4];
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, find_root, stores), 0);
  }
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], &found[i]), 0);
    assert_non_null(found[i]);
    assert_ptr_equal(found[i], found[0]);
  }
}

static void locations_are_made_absolute(void **state) {
  (void)state;
  static const struct {
    const char *folder, *given, *absolute;
  } cases[] = {{"/w", "t", "/w/t"},
               {"/w", "./a/../t//", "/w/t"},
               {"/w/x", "../t", "/w/t"},
               {"/w", "/a/./b/..", "/a"},
               {"/w", "../../..", "/"},
               {"/w", "file:/a/b", "/a/b"},
               {"/w", "s3://b/../k", "s3://b/../k"},
               {NULL, "/t", "/t"},
               {NULL, "t", NULL}};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  for (size_t i = 0; i < FIRN_COUNT_OF(cases); i++) {
    const char *made = firn_location_absolute(cases[i].folder, cases[i].given, &arena);
    if (cases[i].absolute == NULL) {
      assert_null(made);
    } else {
      assert_string_equal(made, cases[i].absolute);
    }
  }
}

static firn_status find_local(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  firn_store *found;
  const char *path;
  FIRN_TRY(firn_stores_open(&firn_env_system, &stores, NULL));
  return firn_stores_find(stores, "/lake", &arena, &found, &path, NULL);
}

static firn_status find_one(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_STORES *stores = NULL;
  FIRN_AUTO_STORE *memory = NULL;
  firn_store *found;
  const char *path;
  FIRN_TRY(firn_stores_open(&firn_env_system, &stores, NULL));
  FIRN_TRY(firn_memory_store_open(0, &memory, NULL));
  FIRN_TRY(firn_stores_add(stores, "memory", "lake", memory, NULL));
  return firn_stores_find(stores, "memory://lake/db", &arena, &found, &path, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(find_one);
  check_survives_oom(find_local);
}

RUN_TESTS(finds_what_was_added, all_spellings_of_a_local_path_are_one, refuses_what_is_no_location,
          threads_find_the_same_store, locations_are_made_absolute, survives_oom)
