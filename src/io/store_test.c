/* What store.h promises, asked of every kind of store. */
#include "io/store.h"

#include <stdio.h>

#include "base/builder.h"
#include "io/stores.h"
#include "test.h"

static firn_error err;
static firn_ctx *ctx;

static firn_store *open_memory(void) {
  firn_store *store = NULL;
  CHECK_OK(firn_memory_store_open(0, &store, &err));
  return store;
}

static firn_store *open_faulty(void) {
  firn_store *store = NULL;
  CHECK_OK(firn_faulty_store_open(open_memory(), SIZE_MAX, FIRN_IO, &store, &err));
  return store;
}

static firn_store *open_local(void) {
  firn_store *store = NULL;
  CHECK_OK(firn_local_store_open(test_folder(), ctx->env, &store, &err));
  return store;
}

static firn_store *open_faulty_local(void) {
  firn_store *store = NULL;
  CHECK_OK(firn_faulty_store_open(open_local(), SIZE_MAX, FIRN_IO, &store, &err));
  return store;
}

static firn_store *(*const openers[])(void) = {open_memory, open_faulty, open_local, open_faulty_local};

static void for_each_kind(void (*body)(firn_store *)) {
  for (size_t i = 0; i < FIRN_COUNT_OF(openers); i++) {
    ctx = test_ctx();
    FIRN_AUTO_STORE *store = openers[i]();
    print_message("  on %s\n", store->ops->scheme);
    body(store);
  }
}

#define ON_EVERY_KIND(name)        \
  static void name(void **state) { \
    (void)state;                   \
    for_each_kind(name##_on);      \
  }

static void put(firn_store *store, const char *path, const char *text) {
  CHECK_OK(firn_store_put(store, ctx, path, firn_bytes_of(text), FIRN_PUT_ALWAYS, NULL, &err));
}

static void check_content(firn_store *store, const char *path, const char *wanted) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_bytes got;
  CHECK_OK(firn_store_read_all(store, ctx, path, 1 << 20, &arena, &got, &err));
  CHECK_BYTES(got, wanted);
}

static void check_absent(firn_store *store, const char *path) {
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(store, ctx, path, &info, NULL), FIRN_NOT_FOUND);
}

/* "a,b,c," of what a listing shows. */
static void check_list(firn_store *store, const char *prefix, const char *wanted) {
  FIRN_AUTO_LISTING *l = NULL;
  FIRN_AUTO_BUILDER names = FIRN_BUILDER_INIT(0);
  CHECK_OK(firn_store_list(store, ctx, prefix, &l, &err));
  for (;;) {
    const firn_listed *item;
    CHECK_OK(firn_listing_next(l, ctx, &item, &err));
    if (item == NULL) {
      break;
    }
    firn_builder_addf(&names, "%s,", item->path);
  }
  CHECK_BYTES(firn_builder_bytes(&names), wanted);
  const firn_listed *after;
  CHECK_OK(firn_listing_next(l, ctx, &after, &err));
  assert_null(after);
}

static void keeps_what_it_is_given_on(firn_store *store) {
  firn_object_info put_info;
  firn_object_info info;
  CHECK_OK(
      firn_store_put(store, ctx, "db/events/1.avro", FIRN_LITERAL("snow"), FIRN_PUT_ALWAYS, &put_info, &err));
  assert_int_equal(put_info.size_bytes, 4);
  CHECK_OK(firn_store_stat(store, ctx, "db/events/1.avro", &info, &err));
  assert_int_equal(info.size_bytes, 4);
  assert_string_equal(info.etag, put_info.etag);
  assert_true(put_info.modified_us == 0 || put_info.modified_us == info.modified_us);
  check_content(store, "db/events/1.avro", "snow");
  put(store, "db/events/1.avro", "ice and more ice");
  check_content(store, "db/events/1.avro", "ice and more ice");
  CHECK_OK(firn_store_stat(store, ctx, "db/events/1.avro", &info, &err));
  assert_string_not_equal(info.etag, put_info.etag);
  put(store, "empty", "");
  check_content(store, "empty", "");
}
ON_EVERY_KIND(keeps_what_it_is_given)

static void says_what_is_not_there_on(firn_store *store) {
  firn_object_info info;
  CHECK_STATUS(firn_store_stat(store, ctx, "db/none", &info, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("looking at ");
  CHECK_SAYS("db/none: ");
  firn_range r = {.len = 0};
  CHECK_STATUS(firn_store_read(store, ctx, "db/none", &r, 1, NULL, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("reading ");
  put(store, "db/x/y", "1");
  CHECK_STATUS(firn_store_stat(store, ctx, "db/x", &info, &err), FIRN_NOT_FOUND); /* a folder is no object */
  CHECK_STATUS(firn_store_stat(store, ctx, "db/x/y/z", &info, &err), FIRN_NOT_FOUND);
}
ON_EVERY_KIND(says_what_is_not_there)

static void reads_many_ranges_on(firn_store *store) {
  put(store, "digits", "0123456789");
  uint8_t into[7][12];
  firn_range r[] = {
      {.offset = 3, .len = 2, .into = into[0]},
      {.offset = 5, .len = 3, .into = into[1]},
      {.offset = 8, .len = 12, .into = into[2]},
      {.offset = 10, .len = 1, .into = into[3]},
      {.offset = INT64_MAX - 12, .len = 12, .into = into[4]},
      {.len = 4, .from_end = true, .into = into[5]},
      {.len = 12, .from_end = true, .into = into[6]},
  };
  static const char *const wanted[] = {"34", "567", "89", "", "", "6789", "0123456789"};
  firn_object_info info;
  CHECK_OK(firn_store_read(store, ctx, "digits", r, FIRN_COUNT_OF(r), &info, &err));
  assert_int_equal(info.size_bytes, 10);
  for (size_t i = 0; i < FIRN_COUNT_OF(r); i++) {
    CHECK_BYTES(((firn_bytes){into[i], r[i].got}), wanted[i]);
  }
  firn_range beyond = {.offset = INT64_MAX, .len = 1, .into = into[0]};
  CHECK_STATUS(firn_store_read(store, ctx, "digits", &beyond, 1, NULL, &err), FIRN_INVALID);
  CHECK_OK(firn_store_read(store, ctx, "digits", NULL, 0, &info, &err));
  assert_int_equal(info.size_bytes, 10);
}
ON_EVERY_KIND(reads_many_ranges)

static void reads_random_ranges_like_memcpy_on(firn_store *store) {
  enum { SIZE = 100000, N = 50, LARGEST = 3000 };
  static uint8_t data[SIZE], into[N][LARGEST];
  for (size_t i = 0; i < SIZE; i++) {
    data[i] = (uint8_t)test_random();
  }
  CHECK_OK(firn_store_put(store, ctx, "r", (firn_bytes){data, SIZE}, FIRN_PUT_ALWAYS, NULL, &err));
  for (int round = 0; round < 20; round++) {
    firn_range r[N];
    for (size_t i = 0; i < N; i++) {
      r[i] = (firn_range){
          .offset = test_random() % (SIZE + 10), .len = test_random() % LARGEST, .into = into[i]};
      if (i > 0 && i % 3 == 0) { /* adjacent to the one before */
        r[i].offset = r[i - 1].offset + r[i - 1].len;
      }
    }
    CHECK_OK(firn_store_read(store, ctx, "r", r, N, NULL, &err));
    for (size_t i = 0; i < N; i++) {
      firn_bytes wanted = firn_bytes_part((firn_bytes){data, SIZE}, (size_t)r[i].offset, r[i].len);
      assert_true(firn_bytes_equal((firn_bytes){into[i], r[i].got}, wanted));
    }
  }
}
ON_EVERY_KIND(reads_random_ranges_like_memcpy)

static void reads_whole_objects_up_to_a_limit_on(firn_store *store) {
  enum { SIZE = (64 << 10) * 3 + 1 };
  static uint8_t data[SIZE];
  memset(data, 'x', SIZE);
  for (size_t size = SIZE; size > 0; size /= 3) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_bytes got;
    CHECK_OK(firn_store_put(store, ctx, "x", (firn_bytes){data, size}, FIRN_PUT_ALWAYS, NULL, &err));
    CHECK_OK(firn_store_read_all(store, ctx, "x", size, &arena, &got, &err));
    assert_true(firn_bytes_equal(got, (firn_bytes){data, size}));
    CHECK_STATUS(firn_store_read_all(store, ctx, "x", size - 1, &arena, &got, &err), FIRN_LIMIT);
    CHECK_SAYS("x: ");
  }
}
ON_EVERY_KIND(reads_whole_objects_up_to_a_limit)

static void puts_only_what_is_absent_on(firn_store *store) {
  assert_true(firn_store_can(store, FIRN_STORE_IF_ABSENT));
  CHECK_OK(firn_store_put(store, ctx, "a/v1", FIRN_LITERAL("one"), FIRN_PUT_IF_ABSENT, NULL, &err));
  CHECK_STATUS(firn_store_put(store, ctx, "a/v1", FIRN_LITERAL("two"), FIRN_PUT_IF_ABSENT, NULL, &err),
               FIRN_EXISTS);
  CHECK_SAYS("writing ");
  check_content(store, "a/v1", "one");
  check_list(store, "", "a/v1,");

  FIRN_AUTO_WRITER *w = NULL;
  CHECK_OK(firn_store_write(store, ctx, "a/v1", FIRN_PUT_IF_ABSENT, &w, &err));
  CHECK_OK(firn_writer_write(w, ctx, FIRN_LITERAL("three"), &err));
  CHECK_STATUS(firn_writer_finish(w, ctx, NULL, &err), FIRN_EXISTS);
  check_content(store, "a/v1", "one");
}
ON_EVERY_KIND(puts_only_what_is_absent)

static void puts_only_over_what_is_unchanged_on(firn_store *store) {
  firn_object_info one;
  CHECK_OK(firn_store_put(store, ctx, "h", FIRN_LITERAL("1"), FIRN_PUT_ALWAYS, &one, &err));
  firn_put_if unchanged = FIRN_PUT_IF_MATCH(one.etag);
  if (!firn_store_can(store, FIRN_STORE_IF_MATCH)) {
    CHECK_STATUS(firn_store_put(store, ctx, "h", FIRN_LITERAL("2"), unchanged, NULL, &err), FIRN_UNSUPPORTED);
    check_content(store, "h", "1");
    return;
  }
  CHECK_OK(firn_store_put(store, ctx, "h", FIRN_LITERAL("2"), unchanged, NULL, &err));
  CHECK_STATUS(firn_store_put(store, ctx, "h", FIRN_LITERAL("3"), unchanged, NULL, &err), FIRN_CONFLICT);
  CHECK_STATUS(firn_store_put(store, ctx, "none", FIRN_LITERAL("3"), unchanged, NULL, &err), FIRN_CONFLICT);
  CHECK_STATUS(firn_store_put(store, ctx, "h", FIRN_LITERAL("3"), FIRN_PUT_IF_MATCH(""), NULL, &err),
               FIRN_INVALID);
  check_content(store, "h", "2");
  FIRN_AUTO_WRITER *w = NULL;
  CHECK_OK(firn_store_write(store, ctx, "h", unchanged, &w, &err));
  memset(one.etag, 'x', sizeof one.etag - 1); /* the condition was the caller's for the call only */
  CHECK_STATUS(firn_writer_finish(w, ctx, NULL, &err), FIRN_CONFLICT);
}
ON_EVERY_KIND(puts_only_over_what_is_unchanged)

static void streams_and_shows_nothing_before_the_finish_on(firn_store *store) {
  FIRN_AUTO_WRITER *w = NULL;
  firn_object_info info;
  CHECK_OK(firn_store_write(store, ctx, "d/e/f.parquet", FIRN_PUT_ALWAYS, &w, &err));
  for (int i = 0; i < 1000; i++) {
    CHECK_OK(firn_writer_write(w, ctx, FIRN_LITERAL("firn"), &err));
  }
  assert_int_equal(w->written_bytes, 4000);
  check_absent(store, "d/e/f.parquet");
  check_list(store, "", "");
  CHECK_OK(firn_writer_finish(w, ctx, &info, &err));
  assert_int_equal(info.size_bytes, 4000);
  check_list(store, "", "d/e/f.parquet,");
  CHECK_STATUS(firn_writer_write(w, ctx, FIRN_LITERAL("more"), &err), FIRN_INVALID);
  CHECK_STATUS(firn_writer_finish(w, ctx, NULL, &err), FIRN_INVALID);
  firn_object_info again;
  CHECK_OK(firn_store_stat(store, ctx, "d/e/f.parquet", &again, &err));
  assert_int_equal(info.size_bytes, again.size_bytes);
  assert_string_equal(info.etag, again.etag);
}
ON_EVERY_KIND(streams_and_shows_nothing_before_the_finish)

static void an_aborted_write_leaves_nothing_on(firn_store *store) {
  put(store, "t/kept", "as it was");
  for (int i = 0; i < 2; i++) {
    FIRN_AUTO_WRITER *w = NULL;
    CHECK_OK(firn_store_write(store, ctx, i == 0 ? "t/kept" : "t/new", FIRN_PUT_ALWAYS, &w, &err));
    CHECK_OK(firn_writer_write(w, ctx, FIRN_LITERAL("half"), &err));
  }
  check_list(store, "", "t/kept,");
  check_content(store, "t/kept", "as it was");
}
ON_EVERY_KIND(an_aborted_write_leaves_nothing)

static void lists_below_a_prefix_in_byte_order_on(firn_store *store) {
  assert_true(firn_store_can(store, FIRN_STORE_LIST_ORDERED));
  /* '-' and '.' come before '/', '0' after it: the order of whole paths is not that of folders. */
  static const char *const paths[] = {"b/c/2", "b/c-d/1", "b/c.x",      "b/c0", "b/c/10",
                                      "a",     "b-1",     "c/\xC3\xA9", "c/z"};
  for (size_t i = 0; i < FIRN_COUNT_OF(paths); i++) {
    put(store, paths[i], "x");
  }
  check_list(store, "", "a,b-1,b/c-d/1,b/c.x,b/c/10,b/c/2,b/c0,c/z,c/\xC3\xA9,");
  check_list(store, "b", "b-1,b/c-d/1,b/c.x,b/c/10,b/c/2,b/c0,");
  check_list(store, "b/", "b/c-d/1,b/c.x,b/c/10,b/c/2,b/c0,");
  check_list(store, "b/c", "b/c-d/1,b/c.x,b/c/10,b/c/2,b/c0,");
  check_list(store, "b/c/", "b/c/10,b/c/2,");
  check_list(store, "b/c/1", "b/c/10,");
  check_list(store, "b/c/2", "b/c/2,");
  check_list(store, "b/d", "");
  check_list(store, "a/", "");
  check_list(store, "none/below/", "");
}
ON_EVERY_KIND(lists_below_a_prefix_in_byte_order)

static void removes_many_on(firn_store *store) {
  static const char *const paths[] = {"x/1", "x/none", "x/2", "y/none/at/all"};
  put(store, "x/1", "1");
  put(store, "x/2", "2");
  put(store, "x/3", "3");
  firn_status each[4] = {FIRN_IO, FIRN_IO, FIRN_IO, FIRN_IO};
  CHECK_OK(firn_store_remove(store, ctx, paths, 4, each, &err));
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(each[i], FIRN_OK);
  }
  check_list(store, "", "x/3,");
  CHECK_OK(firn_store_remove(store, ctx, NULL, 0, NULL, &err));
  static const char *const bad[] = {"x/3", "../x"};
  CHECK_STATUS(firn_store_remove(store, ctx, bad, 2, each, &err), FIRN_INVALID);
  check_list(store, "", "x/3,");
}
ON_EVERY_KIND(removes_many)

static void refuses_bad_paths_on(firn_store *store) {
  static char long_path[FIRN_PATH_MAX + 2];
  memset(long_path, 'p', FIRN_PATH_MAX + 1);
  const char *const bad[] = {"", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a/..", "../a", long_path};
  for (size_t i = 0; i < FIRN_COUNT_OF(bad); i++) {
    firn_object_info info;
    firn_writer *w;
    const char *const one[] = {bad[i]};
    CHECK_STATUS(firn_store_stat(store, ctx, bad[i], &info, &err), FIRN_INVALID);
    CHECK_STATUS(firn_store_read(store, ctx, bad[i], NULL, 0, NULL, &err), FIRN_INVALID);
    CHECK_STATUS(firn_store_put(store, ctx, bad[i], FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err),
                 FIRN_INVALID);
    CHECK_STATUS(firn_store_write(store, ctx, bad[i], FIRN_PUT_ALWAYS, &w, &err), FIRN_INVALID);
    CHECK_STATUS(firn_store_remove(store, ctx, one, 1, NULL, &err), FIRN_INVALID);
  }
  firn_listing *l;
  CHECK_STATUS(firn_store_list(store, ctx, "/", &l, &err), FIRN_INVALID);
  CHECK_STATUS(firn_store_list(store, ctx, "a/../", &l, &err), FIRN_INVALID);
  put(store, "a..b/...c/.d", "fine");
  check_content(store, "a..b/...c/.d", "fine");
}
ON_EVERY_KIND(refuses_bad_paths)

static void stops_when_cancelled_on(firn_store *store) {
  atomic_bool cancel = true;
  firn_ctx cancelled = *ctx;
  cancelled.cancel = &cancel;
  CHECK_STATUS(firn_store_put(store, &cancelled, "a", FIRN_LITERAL(""), FIRN_PUT_ALWAYS, NULL, &err),
               FIRN_CANCELLED);
  check_list(store, "", "");
  firn_ctx late = *ctx;
  late.deadline_us = 1;
  CHECK_STATUS(firn_store_read(store, &late, "a", NULL, 0, NULL, &err), FIRN_TIMEOUT);
}
ON_EVERY_KIND(stops_when_cancelled)

static void check_metric(const firn_metrics *all, const char *name, int64_t value, uint64_t count) {
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(all, &at, &v);) {
    if (strcmp(v.metric->name, name) == 0) {
      assert_true(value < 0 || v.value == value);
      assert_int_equal(v.count, count);
      return;
    }
  }
  fail_msg("no metric %s", name);
}

static void counts_what_it_does_on(firn_store *store) {
  const firn_metric_set *const sets[] = {&firn_store_metrics};
  firn_metrics *all = NULL;
  CHECK_OK(firn_metrics_open(sets, 1, &all, &err));
  firn_env env = *ctx->env;
  env.metrics = all;
  firn_ctx counting = FIRN_CTX_INIT(&env);
  const char *const paths[] = {"a", "b"};
  uint8_t into[4];
  firn_range r[] = {{.len = 4, .into = into}, {.offset = 2, .len = 4, .into = into}};
  firn_object_info info;
  CHECK_OK(firn_store_put(store, &counting, "a", FIRN_LITERAL("snow"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_store_read(store, &counting, "a", r, 2, NULL, &err));
  CHECK_STATUS(firn_store_stat(store, &counting, "b", &info, &err), FIRN_NOT_FOUND);
  {
    FIRN_AUTO_WRITER *w = NULL;
    CHECK_OK(firn_store_write(store, &counting, "b", FIRN_PUT_ALWAYS, &w, &err));
    CHECK_OK(firn_writer_write(w, &counting, FIRN_LITERAL("0123456789"), &err));
    CHECK_OK(firn_writer_finish(w, &counting, NULL, &err));
  }
  CHECK_OK(firn_store_remove(store, &counting, paths, 2, NULL, &err));
  check_metric(all, "firn_store_reads_total", 1, 0);
  check_metric(all, "firn_store_read_bytes_total", 6, 0);
  check_metric(all, "firn_store_read_seconds", -1, 1);
  check_metric(all, "firn_store_writes_total", 2, 0);
  check_metric(all, "firn_store_written_bytes_total", 14, 0);
  check_metric(all, "firn_store_write_seconds", -1, 2);
  check_metric(all, "firn_store_stats_total", 1, 0);
  check_metric(all, "firn_store_removed_total", 2, 0);
  check_metric(all, "firn_store_failures_total", 0, 0);
  firn_metrics_close(all);
}
ON_EVERY_KIND(counts_what_it_does)

/* Every call once, for runs in which an allocation or a call fails: nothing is asked of the answers. */
static firn_status whole_life(firn_store *store) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_WRITER *w = NULL;
  FIRN_AUTO_LISTING *l = NULL;
  firn_bytes got;
  const firn_listed *item;
  static const char *const paths[] = {"a/1", "a/2"};
  FIRN_TRY(firn_store_put(store, ctx, "a/1", FIRN_LITERAL("one"), FIRN_PUT_IF_ABSENT, NULL, NULL));
  FIRN_TRY(firn_store_write(store, ctx, "a/2", FIRN_PUT_ALWAYS, &w, NULL));
  FIRN_TRY(firn_writer_write(w, ctx, FIRN_LITERAL("two"), NULL));
  FIRN_TRY(firn_writer_finish(w, ctx, NULL, NULL));
  FIRN_TRY(firn_store_read_all(store, ctx, "a/2", 100, &arena, &got, NULL));
  FIRN_TRY(firn_store_list(store, ctx, "a/", &l, NULL));
  do {
    FIRN_TRY(firn_listing_next(l, ctx, &item, NULL));
  } while (item != NULL);
  return firn_store_remove(store, ctx, paths, 2, NULL, NULL);
}

static firn_status life_of_memory(void) {
  FIRN_AUTO_STORE *store = NULL;
  FIRN_TRY(firn_memory_store_open(0, &store, NULL));
  return whole_life(store);
}

static firn_status life_of_faulty(void) {
  FIRN_AUTO_STORE *store = NULL;
  firn_store *inner;
  FIRN_TRY(firn_memory_store_open(0, &inner, NULL));
  FIRN_TRY(firn_faulty_store_open(inner, SIZE_MAX, FIRN_IO, &store, NULL));
  return whole_life(store);
}

static firn_status life_of_local(void) {
  FIRN_AUTO_STORE *store = NULL;
  FIRN_TRY(firn_local_store_open(test_folder(), ctx->env, &store, NULL));
  return whole_life(store);
}

static void survives_oom(void **state) {
  (void)state;
  ctx = test_ctx();
  check_survives_oom(life_of_local);
  check_survives_oom(life_of_memory);
  check_survives_oom(life_of_faulty);
}

RUN_TESTS(keeps_what_it_is_given, says_what_is_not_there, reads_many_ranges, reads_random_ranges_like_memcpy,
          reads_whole_objects_up_to_a_limit, puts_only_what_is_absent, puts_only_over_what_is_unchanged,
          streams_and_shows_nothing_before_the_finish, an_aborted_write_leaves_nothing,
          lists_below_a_prefix_in_byte_order, removes_many, refuses_bad_paths, stops_when_cancelled,
          counts_what_it_does, survives_oom)
