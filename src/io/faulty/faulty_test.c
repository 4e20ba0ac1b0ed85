#include "io/stores.h"
#include "test.h"

static firn_error err;

static const firn_bytes data = {(const uint8_t *)"two tags", 8};

static firn_store *open_faulty(size_t fail_at, firn_status status) {
  firn_store *memory = NULL;
  firn_store *store = NULL;
  CHECK_OK(firn_memory_store_open(0, &memory, &err));
  CHECK_OK(firn_faulty_store_open(memory, fail_at, status, &store, &err));
  return store;
}

static void a_lost_answer_is_uncertain(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = open_faulty(0, FIRN_UNCERTAIN);
  CHECK_STATUS(firn_store_put(store, ctx, "v1.json", data, FIRN_PUT_IF_ABSENT, NULL, &err), FIRN_UNCERTAIN);
  assert_string_equal(err.text, "faulty: writing v1.json: injected fault");
  CHECK_STATUS(firn_store_put(store, ctx, "v1.json", data, FIRN_PUT_IF_ABSENT, NULL, &err),
               FIRN_EXISTS); /* it had landed */
}

static void a_failed_call_did_nothing(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = open_faulty(0, FIRN_IO);
  CHECK_STATUS(firn_store_put(store, ctx, "v1.json", data, FIRN_PUT_IF_ABSENT, NULL, &err), FIRN_IO);
  CHECK_OK(firn_store_put(store, ctx, "v1.json", data, FIRN_PUT_IF_ABSENT, NULL, &err));
  assert_int_equal(firn_faulty_store_calls(store), 2);
}

static void a_lost_finish_has_landed(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = open_faulty(2, FIRN_UNCERTAIN);
  FIRN_AUTO_WRITER *w = NULL;
  CHECK_OK(firn_store_write(store, ctx, "f", FIRN_PUT_ALWAYS, &w, &err));
  CHECK_OK(firn_writer_write(w, ctx, data, &err));
  CHECK_STATUS(firn_writer_finish(w, ctx, NULL, &err), FIRN_UNCERTAIN);
  firn_object_info info;
  CHECK_OK(firn_store_stat(store, ctx, "f", &info, &err));
  assert_int_equal(info.size_bytes, data.len);
}

static void a_lost_remove_has_removed(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = open_faulty(1, FIRN_UNCERTAIN);
  CHECK_OK(firn_store_put(store, ctx, "f", data, FIRN_PUT_ALWAYS, NULL, &err));
  const char *const paths[] = {"f"};
  firn_status each[1] = {FIRN_OK};
  CHECK_STATUS(firn_store_remove(store, ctx, paths, 1, each, &err), FIRN_UNCERTAIN);
  assert_int_equal(each[0], FIRN_UNCERTAIN);
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(store, ctx, "f", &info, &err), FIRN_NOT_FOUND);
}

/* One of every call; what a failed one leaves must be what was there before, or, for a lost answer, what
 * should have come. */
static firn_status every_call(firn_store *store, firn_ctx *ctx) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_WRITER *w = NULL;
  FIRN_AUTO_LISTING *l = NULL;
  firn_object_info info;
  firn_bytes got;
  const firn_listed *item;
  static const char *const paths[] = {"a/1"};
  FIRN_TRY(firn_store_put(store, ctx, "a/1", data, FIRN_PUT_IF_ABSENT, &info, NULL));
  FIRN_TRY(firn_store_stat(store, ctx, "a/1", &info, NULL));
  FIRN_TRY(firn_store_write(store, ctx, "a/2", FIRN_PUT_ALWAYS, &w, NULL));
  FIRN_TRY(firn_writer_write(w, ctx, data, NULL));
  FIRN_TRY(firn_writer_finish(w, ctx, &info, NULL));
  FIRN_TRY(firn_store_read_all(store, ctx, "a/2", 100, &arena, &got, NULL));
  FIRN_TRY(firn_store_list(store, ctx, "a/", &l, NULL));
  do {
    FIRN_TRY(firn_listing_next(l, ctx, &item, NULL));
  } while (item != NULL);
  return firn_store_remove(store, ctx, paths, 1, NULL, NULL);
}

static void every_call_fails_once(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  static const firn_status statuses[] = {FIRN_IO, FIRN_UNCERTAIN, FIRN_BUSY, FIRN_NOMEM};
  for (size_t k = 0; k < FIRN_COUNT_OF(statuses); k++) {
    size_t n = 0;
    for (;; n++) {
      FIRN_AUTO_STORE *store = open_faulty(n, statuses[k]);
      firn_status status = every_call(store, ctx);
      if (firn_faulty_store_calls(store) <= n) {
        CHECK_STATUS(status, FIRN_OK);
        break;
      }
      CHECK_STATUS(status, statuses[k]);
      firn_object_info info;
      CHECK_STATUS(firn_store_stat(store, ctx, "a/1", &info, NULL),
                   n == 0 && statuses[k] != FIRN_UNCERTAIN    ? FIRN_NOT_FOUND
                   : n == 10 && statuses[k] == FIRN_UNCERTAIN ? FIRN_NOT_FOUND
                                                              : FIRN_OK);
    }
    assert_int_equal(n, 11);
  }
}

static void a_broken_listing_does_not_look_complete(void **state) {
  (void)state;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_STORE *store = open_faulty(2, FIRN_IO);
  FIRN_AUTO_LISTING *l = NULL;
  const firn_listed *item;
  CHECK_OK(firn_store_put(store, ctx, "f", data, FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_store_list(store, ctx, "", &l, &err));
  CHECK_STATUS(firn_listing_next(l, ctx, &item, &err), FIRN_IO);
  CHECK_STATUS(firn_listing_next(l, ctx, &item, &err), FIRN_IO);
}

RUN_TESTS(a_lost_answer_is_uncertain, a_failed_call_did_nothing, a_lost_finish_has_landed,
          a_lost_remove_has_removed, every_call_fails_once, a_broken_listing_does_not_look_complete)
