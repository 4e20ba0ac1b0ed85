#include "services/fetch/fetch.h"

#include "services/fetch/fetch_internal.h"
#include "test_archive.h"

enum { N = 300 };

/* A warehouse in memory with two files of the archive, and what is in them. */
typedef struct world {
  firn_env env;
  firn_ctx ctx;
  firn_metrics *metrics;
  firn_stores *stores;
  firn_store *memory;
  firn_fetch *fetch;
  firn_arena arena;
  firn_event events[N];
} world;

static const char one[] = "cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet";
static const char two[] = "cloudevent/valid/year=2025/month=06/day=16/batch-2.parquet";

static void world_close(world *w) {
  firn_fetch_close(w->fetch);
  if (w->stores != NULL && w->memory != NULL) {
    firn_stores_take_out(w->stores, w->memory);
  }
  firn_stores_close(w->stores);
  firn_store_close(w->memory);
  firn_metrics_close(w->metrics);
  firn_arena_free(&w->arena);
}

static firn_status world_fetch(world *w, size_t cache_bytes, firn_error *err) {
  static const char *const roots[] = {"memory://lake/old", "memory://lake/older"};
  firn_fetch_options options = {.stores = w->stores,
                                .warehouse = "memory://lake/wh",
                                .cache_bytes = cache_bytes,
                                .n_legacy_roots = 2,
                                .legacy_roots = roots};
  firn_fetch_close(w->fetch);
  w->fetch = NULL;
  return firn_fetch_open(&options, &w->ctx, &w->fetch, err);
}

static firn_status put_file(world *w, const char *path, const firn_event *events, size_t n,
                            const test_archive_options *o, firn_error *err) {
  char full[256];
  (void)snprintf(full, sizeof full, "wh/%s", path);
  return test_archive_put(w->memory, &w->ctx, full, events, n, o, err);
}

static firn_status world_open(world *w, firn_error *err) {
  static const firn_metric_set *const sets[] = {&firn_store_metrics, &firn_fetch_metrics};
  *w = (world){.env = *test_ctx()->env};
  w->ctx = (firn_ctx)FIRN_CTX_INIT(&w->env);
  FIRN_TRY(firn_metrics_open(sets, 2, &w->metrics, err));
  w->env.metrics = w->metrics;
  FIRN_TRY(firn_stores_open(&w->env, &w->stores, err));
  FIRN_TRY(firn_memory_store_open(0, &w->memory, err));
  FIRN_TRY(firn_stores_add(w->stores, "memory", "lake", w->memory, err));
  for (size_t i = 0; i < N; i++) {
    w->events[i] = test_archive_event(i, i * 7 % 3000, &w->arena);
  }
  const test_archive_options small_pages = {
      .page_bytes = 1 << 12, .row_group_rows = 120, .has_codec = true, .codec = FIRN_CODEC_NONE};
  FIRN_TRY(put_file(w, one, w->events, N, &small_pages, err));
  FIRN_TRY(put_file(w, two, w->events + 100, 50, &(test_archive_options){0}, err));
  return world_fetch(w, 0, err);
}

static int64_t count_of(const world *w, const char *name) {
  firn_metric_value v;
  for (size_t at = 0; firn_metrics_next(w->metrics, &at, &v);) {
    if (strcmp(v.metric->name, name) == 0) {
      return v.value;
    }
  }
  return -1;
}

static int64_t store_reads(const world *w) {
  return count_of(w, "firn_store_reads_total") + count_of(w, "firn_store_stats_total");
}

static firn_bytes key_of(world *w, const char *path, int64_t row) {
  return firn_bytes_of(firn_fetch_key_text(firn_bytes_of(path), row, &w->arena));
}

static void check_event(const firn_event *got, const firn_event *wanted, unsigned what) {
  if ((what & FIRN_FETCH_DATA) != 0) {
    assert_int_equal(got->has_data, wanted->has_data);
    assert_true(firn_bytes_equal(got->data, wanted->data));
  } else {
    assert_false(got->has_data);
  }
  for (size_t i = 0; i < FIRN_EVENT_N_TEXTS && (what & FIRN_FETCH_HEADER) != 0; i++) {
    assert_int_equal(got->texts[i].data == NULL, wanted->texts[i].data == NULL);
    assert_true(firn_bytes_equal(got->texts[i], wanted->texts[i]));
  }
  if ((what & FIRN_FETCH_HEADER) != 0) {
    assert_int_equal(got->has_time, wanted->has_time);
    assert_int_equal(got->time_us, wanted->time_us);
    assert_int_equal(got->has_tags, wanted->has_tags);
    assert_int_equal(got->n_tags, wanted->n_tags);
    for (size_t i = 0; i < wanted->n_tags; i++) {
      assert_true(firn_bytes_equal(got->tags[i], wanted->tags[i]));
    }
    assert_true(firn_bytes_equal(got->extras, wanted->extras));
  }
}

static void every_row_comes_back_by_its_key(void **state) {
  (void)state;
  firn_error err;
  world w;
  CHECK_OK(world_open(&w, &err));
  static const unsigned whats[] = {FIRN_FETCH_DATA, FIRN_FETCH_HEADER, FIRN_FETCH_DATA | FIRN_FETCH_HEADER};
  for (size_t i = 0; i < N; i++) {
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    firn_event e;
    unsigned what = whats[i % 3];
    CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, (int64_t)i), what, &arena, &e, &err));
    check_event(&e, &w.events[i], what);
  }
  world_close(&w);
}

/* The contract: cold, one read of the end of the file and one of the payload; warm, one. */
static void a_payload_is_one_read(void **state) {
  (void)state;
  firn_error err;
  world w;
  firn_event e;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  int64_t before = store_reads(&w);
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 200), FIRN_FETCH_DATA, &arena, &e, &err));
  check_event(&e, &w.events[200], FIRN_FETCH_DATA);
  assert_int_equal(store_reads(&w) - before, 2);
  before = store_reads(&w);
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 7), FIRN_FETCH_DATA, &arena, &e, &err));
  check_event(&e, &w.events[7], FIRN_FETCH_DATA);
  assert_int_equal(store_reads(&w) - before, 1);
  before = store_reads(&w);
  unsigned all = FIRN_FETCH_DATA | FIRN_FETCH_HEADER;
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 150), all, &arena, &e, &err));
  check_event(&e, &w.events[150], all);
  assert_int_equal(store_reads(&w) - before, 1); /* all columns at once */
  world_close(&w);
}

static void many_keys_come_in_their_order(void **state) {
  (void)state;
  firn_error err;
  world w;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  firn_bytes keys[] = {key_of(&w, two, 3),          key_of(&w, one, 299),   key_of(&w, one, 0),
                       key_of(&w, two, 50),         key_of(&w, one, 41),    key_of(&w, one, 300),
                       key_of(&w, "no.parquet", 1), FIRN_LITERAL("../x#1"), key_of(&w, two, 49),
                       key_of(&w, one, 41)};
  static const int wanted[] = {103,           299, 0, -FIRN_NOT_FOUND, 41, -FIRN_NOT_FOUND, -FIRN_NOT_FOUND,
                               -FIRN_INVALID, 149, 41};
  firn_fetched out[FIRN_COUNT_OF(keys)];
  unsigned all = FIRN_FETCH_DATA | FIRN_FETCH_HEADER;
  int64_t before = store_reads(&w);
  CHECK_OK(firn_fetch_keys(w.fetch, &w.ctx, keys, FIRN_COUNT_OF(keys), all, &arena, out, &err));
  for (size_t i = 0; i < FIRN_COUNT_OF(keys); i++) {
    if (wanted[i] < 0) {
      assert_int_equal(out[i].status, -wanted[i]);
      assert_true(out[i].text[0] != '\0');
      assert_null(strstr(out[i].text, "wh/")); /* places in the store are not told */
    } else {
      assert_int_equal(out[i].status, FIRN_OK);
      check_event(&out[i].event, &w.events[wanted[i]], all);
    }
  }
  /* Two files, each its end and all its rows at once; and one that is not there. */
  assert_int_equal(store_reads(&w) - before, 5);
  world_close(&w);
}

static void hostile_keys_never_reach_the_store(void **state) {
  (void)state;
  firn_error err;
  world w;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  CHECK_OK(
      firn_store_put(w.memory, &w.ctx, "secret.parquet", FIRN_LITERAL("PAR1"), FIRN_PUT_ALWAYS, NULL, &err));
  static const char *const keys[] = {"../secret.parquet#0",
                                     "/secret.parquet#0",
                                     "a/../../secret.parquet#0",
                                     "memory://lake/secret.parquet#0",
                                     "memory://other/x#0",
                                     "secret.parquet#x",
                                     "file:///etc/passwd#0",
                                     "./x#0",
                                     "x//y#0",
                                     "#0",
                                     "",
                                     "x#-1",
                                     "x#9223372036854775808",
                                     "..",
                                     "/etc/passwd",
                                     "memory://lake/secret"};
  int64_t before = store_reads(&w);
  for (size_t i = 0; i < FIRN_COUNT_OF(keys); i++) {
    firn_event e;
    CHECK_STATUS(
        firn_fetch_key_event(w.fetch, &w.ctx, firn_bytes_of(keys[i]), FIRN_FETCH_DATA, &arena, &e, NULL),
        FIRN_INVALID);
  }
  firn_event e;
  firn_bytes zero = {(const uint8_t *)"a\0b#1", 5};
  CHECK_STATUS(firn_fetch_key_event(w.fetch, &w.ctx, zero, FIRN_FETCH_DATA, &arena, &e, NULL), FIRN_INVALID);
  assert_int_equal(store_reads(&w), before);
  world_close(&w);
}

static void a_key_may_have_the_warehouse_before_it(void **state) {
  (void)state;
  firn_error err;
  world w;
  firn_event e;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  char key[256];
  (void)snprintf(key, sizeof key, "memory://lake/wh/%s#12", one);
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, firn_bytes_of(key), FIRN_FETCH_DATA, &arena, &e, &err));
  check_event(&e, &w.events[12], FIRN_FETCH_DATA);
  world_close(&w);
}

/* What is no data file is as good as none; what is broken says so. */
static void what_is_no_event_file_is_not_found(void **state) {
  (void)state;
  firn_error err;
  world w;
  firn_event e;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  CHECK_OK(firn_store_put(w.memory, &w.ctx, "wh/t/v1.metadata.json", FIRN_LITERAL("{\"format-version\":2}"),
                          FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_store_put(w.memory, &w.ctx, "wh/t/x.parquet", FIRN_LITERAL("{\"format-version\":2}"),
                          FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_STATUS(firn_fetch_key_event(w.fetch, &w.ctx, FIRN_LITERAL("t/v1.metadata.json#0"), FIRN_FETCH_DATA,
                                    &arena, &e, &err),
               FIRN_NOT_FOUND);
  CHECK_STATUS(
      firn_fetch_key_event(w.fetch, &w.ctx, FIRN_LITERAL("t/x.parquet#0"), FIRN_FETCH_DATA, &arena, &e, &err),
      FIRN_CORRUPT);
  CHECK_STATUS(firn_fetch_key_event(w.fetch, &w.ctx, FIRN_LITERAL("t#0"), FIRN_FETCH_DATA, &arena, &e, &err),
               FIRN_NOT_FOUND);
  world_close(&w);
}

/* A file that was replaced or removed behind the cache's back is seen at the next read. */
static void a_replaced_file_is_opened_anew(void **state) {
  (void)state;
  firn_error err;
  world w;
  firn_event e;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 5), FIRN_FETCH_DATA, &arena, &e, &err));
  CHECK_OK(put_file(&w, one, w.events + 10, 200, &(test_archive_options){.page_bytes = 100}, &err));
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 5), FIRN_FETCH_DATA, &arena, &e, &err));
  check_event(&e, &w.events[15], FIRN_FETCH_DATA);
  const char *path = "wh/cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet";
  CHECK_OK(firn_store_remove(w.memory, &w.ctx, &path, 1, NULL, &err));
  CHECK_STATUS(firn_fetch_key_event(w.fetch, &w.ctx, key_of(&w, one, 5), FIRN_FETCH_DATA, &arena, &e, &err),
               FIRN_NOT_FOUND);
  CHECK_SAYS("there is no event of the key");
  assert_int_equal(firn_file_cache_counts(w.fetch->cache).n_files, 0);
  world_close(&w);
}

/* ---- legacy objects ---- */

static void legacy_objects_are_looked_for_in_all_roots(void **state) {
  (void)state;
  static const char name[] = "adid:erc721:137:0xbA:42!2024-05-01T00:00:00Z!dimo.status!0xF2!e-1";
  firn_error err;
  world w;
  firn_event e;
  char path[256];
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(world_open(&w, &err));
  firn_bytes key = firn_bytes_of(name);
  CHECK_STATUS(firn_fetch_key_event(w.fetch, &w.ctx, key, FIRN_FETCH_DATA, &arena, &e, &err), FIRN_NOT_FOUND);
  (void)snprintf(path, sizeof path, "older/%s", name);
  CHECK_OK(firn_store_put(w.memory, &w.ctx, path, FIRN_LITERAL("{\"id\":\"older\",\"data\":{\"a\": 1}}"),
                          FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key, FIRN_FETCH_DATA, &arena, &e, &err));
  CHECK_BYTES(e.data, "{\"a\": 1}");
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key, FIRN_FETCH_HEADER, &arena, &e, &err));
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "older");
  assert_false(e.has_data);
  (void)snprintf(path, sizeof path, "old/%s", name); /* the first root wins */
  CHECK_OK(
      firn_store_put(w.memory, &w.ctx, path, FIRN_LITERAL("{\"id\":\"old\"}"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, key, FIRN_FETCH_HEADER, &arena, &e, &err));
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "old");
  (void)snprintf(path, sizeof path, "memory://lake/older/%s", name); /* unless the key names another */
  CHECK_OK(firn_fetch_key_event(w.fetch, &w.ctx, firn_bytes_of(path), FIRN_FETCH_HEADER, &arena, &e, &err));
  CHECK_BYTES(e.texts[FIRN_EVENT_ID], "older");
  CHECK_OK(firn_store_put(w.memory, &w.ctx, "old/broken", FIRN_LITERAL("{"), FIRN_PUT_ALWAYS, NULL, &err));
  CHECK_STATUS(
      firn_fetch_key_event(w.fetch, &w.ctx, FIRN_LITERAL("broken"), FIRN_FETCH_HEADER, &arena, &e, &err),
      FIRN_CORRUPT);
  CHECK_SAYS("the legacy object broken");
  world_close(&w);
}

/* Every call to the store fails once: the key says so, and the next time it is as if nothing had been. */
static void survives_every_failure_of_the_store(void **state) {
  (void)state;
  static const firn_status faults[] = {FIRN_IO, FIRN_BUSY, FIRN_DENIED, FIRN_CONFLICT, FIRN_NOT_FOUND};
  firn_error err;
  world w;
  CHECK_OK(world_open(&w, &err));
  unsigned all = FIRN_FETCH_DATA | FIRN_FETCH_HEADER;
  for (size_t i = 0; i < FIRN_COUNT_OF(faults); i++) {
    for (size_t fail_at = 0;; fail_at++) {
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      firn_store *inner = NULL;
      firn_store *faulty = NULL;
      firn_event e;
      CHECK_OK(firn_memory_store_open(0, &inner, &err));
      CHECK_OK(
          test_archive_put(inner, &w.ctx, "wh/x.parquet", w.events, 50, &(test_archive_options){0}, &err));
      CHECK_OK(firn_faulty_store_open(inner, fail_at, faults[i], &faulty, &err));
      CHECK_OK(firn_stores_add(w.stores, "fault", "lake", faulty, &err));
      firn_fetch_options options = {.stores = w.stores, .warehouse = "fault://lake/wh"};
      FIRN_AUTO_FETCH *f = NULL;
      CHECK_OK(firn_fetch_open(&options, &w.ctx, &f, &err));
      firn_status status =
          firn_fetch_key_event(f, &w.ctx, FIRN_LITERAL("x.parquet#7"), all, &arena, &e, &err);
      bool is_over = firn_faulty_store_calls(faulty) <= fail_at;
      /* What looks like another object is looked at once more, and that is right. */
      bool is_healed = fail_at > 0 && (faults[i] == FIRN_CONFLICT || faults[i] == FIRN_NOT_FOUND);
      assert_int_equal(status, is_over || is_healed ? FIRN_OK : faults[i]);
      if (!is_over) {
        CHECK_OK(firn_fetch_key_event(f, &w.ctx, FIRN_LITERAL("x.parquet#7"), all, &arena, &e, &err));
      }
      check_event(&e, &w.events[7], all);
      firn_fetch_close(FIRN_HAND_OVER(f));
      firn_stores_take_out(w.stores, faulty);
      firn_store_close(faulty);
      if (is_over) {
        assert_int_equal(fail_at, 2);
        break;
      }
    }
  }
  world_close(&w);
}

static world *shared;

static firn_status fetch_some(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  unsigned all = FIRN_FETCH_DATA | FIRN_FETCH_HEADER;
  const firn_bytes keys[] = {FIRN_LITERAL("cloudevent/valid/year=2025/month=06/day=16/batch-2.parquet#7"),
                             FIRN_LITERAL("cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet#299"),
                             FIRN_LITERAL("cloudevent/valid/year=2025/month=06/day=15/batch-1.parquet#3"),
                             FIRN_LITERAL("legacy")};
  firn_fetched out[FIRN_COUNT_OF(keys)];
  FIRN_TRY(world_fetch(shared, 0, &err));
  FIRN_TRY(firn_fetch_keys(shared->fetch, &shared->ctx, keys, FIRN_COUNT_OF(keys), all, &arena, out, &err));
  check_event(&out[0].event, &shared->events[107], all);
  check_event(&out[1].event, &shared->events[299], all);
  check_event(&out[2].event, &shared->events[3], all);
  assert_int_equal(out[3].status, FIRN_OK);
  return FIRN_OK;
}

static void survives_oom(void **state) {
  (void)state;
  world w;
  firn_error err;
  CHECK_OK(world_open(&w, &err));
  CHECK_OK(firn_store_put(w.memory, &w.ctx, "old/legacy", FIRN_LITERAL("{}"), FIRN_PUT_ALWAYS, NULL, &err));
  shared = &w;
  check_survives_oom(fetch_some);
  world_close(&w);
}

static firn_index *shared_index;

static firn_status search_some(void) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_error err;
  firn_fetch_options options = {
      .stores = shared->stores, .warehouse = "memory://lake/wh", .index = shared_index};
  firn_index_query query = {.subject = FIRN_LITERAL("s")};
  firn_index_hits hits = {0};
  firn_fetched *events = NULL;
  FIRN_AUTO_FETCH *f = NULL;
  FIRN_TRY(firn_fetch_open(&options, &shared->ctx, &f, &err));
  FIRN_TRY(firn_fetch_search(f, &shared->ctx, &query, true, &arena, &hits, &events, &err));
  assert_int_equal(hits.n, 2);
  for (size_t i = 0; i < 2; i++) { /* of a file that is there, and of one that is not */
    bool is_there = firn_bytes_has_prefix(firn_bytes_of(hits.items[i].key), firn_bytes_of(two));
    assert_int_equal(events[i].status, is_there ? FIRN_OK : FIRN_NOT_FOUND);
    CHECK_BYTES(events[i].event.texts[FIRN_EVENT_SPECVERSION], "0.3");
    CHECK_BYTES(events[i].event.extras, "{\"x\":1}");
    if (is_there) {
      assert_true(firn_bytes_equal(events[i].event.data, shared->events[103].data));
    }
  }
  return FIRN_OK;
}

static void a_search_survives_oom(void **state) {
  (void)state;
  world w;
  firn_error err;
  char path[512];
  FIRN_AUTO_INDEX_LOAD *load = NULL;
  CHECK_OK(world_open(&w, &err));
  (void)snprintf(path, sizeof path, "%s/index.db", test_folder());
  CHECK_OK(firn_sqlite_index_open(path, &w.ctx, &shared_index, &err));
  CHECK_OK(firn_index_load_begin(shared_index, &w.ctx, &load, &err));
  firn_index_row row = {.subject = FIRN_LITERAL("s"),
                        .has_time = true,
                        .time_us = 1,
                        .id = FIRN_LITERAL("1"),
                        .extras = FIRN_LITERAL("{\"specversion\":\"0.3\",\"x\":1,\"tags\":[\"a\"]}"),
                        .row = 3};
  CHECK_OK(firn_index_load_file(load, &w.ctx, "a.b", two, &err));
  CHECK_OK(firn_index_load_row(load, &w.ctx, &row, &err));
  row.id = FIRN_LITERAL("2");
  CHECK_OK(firn_index_load_file(load, &w.ctx, "a.b", "lost.parquet", &err));
  CHECK_OK(firn_index_load_row(load, &w.ctx, &row, &err));
  CHECK_OK(firn_index_load_commit(load, &w.ctx, &err));
  shared = &w;
  check_survives_oom(search_some);
  firn_index_load_close(FIRN_HAND_OVER(load));
  firn_index_close(shared_index);
  world_close(&w);
}

RUN_TESTS(a_search_survives_oom, every_row_comes_back_by_its_key, a_payload_is_one_read,
          many_keys_come_in_their_order, hostile_keys_never_reach_the_store,
          a_key_may_have_the_warehouse_before_it, what_is_no_event_file_is_not_found,
          a_replaced_file_is_opened_anew, legacy_objects_are_looked_for_in_all_roots,
          survives_every_failure_of_the_store, survives_oom)
