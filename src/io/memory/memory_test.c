#include <pthread.h>
#include <stdio.h>

#include "io/stores.h"
#include "test.h"

static firn_error err;

static void holds_no_more_than_its_bound(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = NULL;
  CHECK_OK(firn_memory_store_open(10, &store, &err));
  CHECK_OK(firn_store_put(store, ctx, "a", FIRN_LITERAL("123456"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_STATUS(firn_store_put(store, ctx, "b", FIRN_LITERAL("12345"), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_LIMIT);
  CHECK_SAYS("memory: writing b: the store is full");
  CHECK_OK(firn_store_put(store, ctx, "a", FIRN_LITERAL("1234567890"), FIRN_PUT_ALWAYS, NULL, &err));
  const char *const paths[] = {"a"};
  CHECK_OK(firn_store_remove(store, ctx, paths, 1, NULL, &err));
  CHECK_OK(firn_store_put(store, ctx, "b", FIRN_LITERAL("12345"), FIRN_PUT_ALWAYS, NULL, &err));
  FIRN_AUTO_WRITER *w = NULL;
  CHECK_OK(firn_store_write(store, ctx, "c", FIRN_PUT_ALWAYS, &w, &err));
  CHECK_STATUS(firn_writer_write(w, ctx, FIRN_LITERAL("12345678901"), &err), FIRN_LIMIT);
}

enum { THREADS = 4, ROUNDS = 200 };

typedef struct racer {
  firn_store *store;
  int won;
} racer;

/* All try to make the same objects; each object has one winner. */
static void *race(void *arg) {
  racer *r = arg;
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  for (int i = 0; i < ROUNDS; i++) {
    char path[32];
    (void)snprintf(path, sizeof path, "v%d", i);
    firn_status status =
        firn_store_put(r->store, &ctx, path, FIRN_LITERAL("x"), FIRN_PUT_IF_ABSENT, NULL, NULL);
    r->won += status == FIRN_OK;
  }
  return NULL;
}

static void threads_may_share_it(void **state) {
  (void)state;
  FIRN_AUTO_STORE *store = NULL;
  CHECK_OK(firn_memory_store_open(0, &store, &err));
  pthread_t threads[THREADS];
  racer racers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    racers[i] = (racer){store, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
  }
  int won = 0;
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    won += racers[i].won;
  }
  assert_int_equal(won, ROUNDS);
}

static void objects_may_come_and_go_while_listed(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = NULL;
  FIRN_AUTO_LISTING *l = NULL;
  const firn_listed *item;
  CHECK_OK(firn_memory_store_open(0, &store, &err));
  CHECK_OK(firn_store_put(store, ctx, "a", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_store_put(store, ctx, "c", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_store_list(store, ctx, "", &l, &err));
  CHECK_OK(firn_listing_next(l, ctx, &item, &err));
  assert_string_equal(item->path, "a");
  const char *const paths[] = {"a", "c"};
  CHECK_OK(firn_store_remove(store, ctx, paths, 2, NULL, &err));
  CHECK_OK(firn_store_put(store, ctx, "b", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_listing_next(l, ctx, &item, &err));
  assert_string_equal(item->path, "b");
  CHECK_OK(firn_listing_next(l, ctx, &item, &err));
  assert_null(item);
}

RUN_TESTS(holds_no_more_than_its_bound, threads_may_share_it, objects_may_come_and_go_while_listed)
