/* Appends against others: refusals, lost answers, other writers, eight threads. */
#include "test_table.h"

#include "iceberg/commit/append.h"

static void check_holds_once(test_catalog *c, firn_ctx *ctx, size_t n_files) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(c->base.stores, ctx, c->metadata, firn_metadata_current_snapshot(c->metadata),
                              &arena, &entries, &err));
  assert_int_equal(entries.n_live, n_files);
  assert_int_equal(entries.n_twice, 0);
}

static const firn_append retries_9 = {.n_retries = 9};
static const firn_append retries_2 = {.n_retries = 2};
static const firn_append no_retries = {.n_retries = FIRN_APPEND_NO_RETRIES};

/* --- refusals --- */

static void a_lost_race_is_run_again_with_the_same_manifests(void **state) {
  (void)state;
  for (int n = 0; n <= 9; n++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TEST_CATALOG c = {0};
    CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
    c.conflicts = n;
    firn_append_result r;
    CHECK_OK(test_append(&c, ctx, "a", 3, &retries_9, &arena, &r, &err));
    assert_int_equal(r.n_attempts, n + 1);
    assert_false(r.was_uncertain);
    check_holds_once(&c, ctx, 3);
    assert_int_equal(test_count_objects(c.store, ctx, "-m"), 1);    /* written once */
    assert_int_equal(test_count_objects(c.store, ctx, "snap-"), 1); /* those of lost attempts are gone */
  }
}

static void a_race_that_is_always_lost_leaves_nothing(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.conflicts = 100;
  CHECK_STATUS(test_append(&c, ctx, "a", 3, &retries_2, &arena, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("3 attempts: test: committing to db.events: injected conflict");
  assert_int_equal(c.n_commits, 3);
  assert_int_equal(test_count_objects(c.store, ctx, ".avro"), 0);
  CHECK_STATUS(test_append(&c, ctx, "a", 3, &no_retries, &arena, NULL, &err), FIRN_CONFLICT);
  assert_int_equal(c.n_commits, 4);
}

static void the_tables_properties_say_how_often_it_is_tried(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property six = {"commit.retry.num-retries", "6"};
  const firn_properties properties = {1, &six};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  c.conflicts = 100;
  CHECK_STATUS(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err), FIRN_CONFLICT);
  assert_int_equal(c.n_commits, 7);
}

static void no_attempt_begins_after_the_total_time(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx(); /* its clock moves by what is slept */
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property slow[] = {{"commit.retry.num-retries", "1000000"},
                                       {"commit.retry.min-wait-ms", "1000"},
                                       {"commit.retry.max-wait-ms", "2000"},
                                       {"commit.retry.total-timeout-ms", "60000"}};
  const firn_properties properties = {4, slow};
  CHECK_OK(test_catalog_open(NULL, true, &properties, ctx, &c, &err));
  c.conflicts = 1000000;
  CHECK_STATUS(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err), FIRN_CONFLICT);
  assert_true(c.n_commits > 20 && c.n_commits < 200); /* a wait is a second on average */
}

static void a_throttled_catalog_is_waited_for(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.busy = 2;
  int64_t before = ctx->env->monotonic_us(ctx->env->self);
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err));
  assert_true(ctx->env->monotonic_us(ctx->env->self) - before > 1000);
  check_holds_once(&c, ctx, 1);
  c.busy = 100;
  CHECK_STATUS(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err), FIRN_BUSY);
}

static void a_refusal_may_be_the_echo_of_our_own_success(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.echoed = 1;
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_true(r.was_uncertain);
  check_holds_once(&c, ctx, 2); /* its manifest list too is still there */
  c.echoed = 1;
  CHECK_OK(test_append(&c, ctx, "b", 2, &no_retries, &arena, &r, &err));
  check_holds_once(&c, ctx, 4);
}

/* --- lost answers --- */

static void an_answer_lost_after_the_swap_is_found_in_the_history(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.lost_after = 1;
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_true(r.was_uncertain);
  assert_int_equal(c.n_commits, 1); /* and not sent again */
  assert_int_equal(r.snapshot.snapshot_id, firn_metadata_get(c.metadata)->current_snapshot_id);
  assert_string_equal(firn_properties_get(&r.snapshot.summary, "added-records"), "20");
  check_holds_once(&c, ctx, 2);
}

static void an_answer_lost_before_the_swap_is_sent_again_with_the_same_files(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.lost_before = 3;
  firn_append_result r;
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, &r, &err));
  assert_int_equal(r.n_attempts, 4);
  assert_false(r.was_uncertain);
  check_holds_once(&c, ctx, 2);
  assert_int_equal(test_count_objects(c.store, ctx, "-m"), 1);
}

static void an_outcome_that_cannot_be_learnt_is_uncertain_and_keeps_every_file(void **state) {
  (void)state;
  for (int after = 0; after < 2; after++) {
    firn_error err;
    firn_ctx *ctx = test_ctx();
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    FIRN_AUTO_TEST_CATALOG c = {0};
    CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
    c.lost_before = !after;
    c.lost_after = after;
    c.failing_loads = 100;
    CHECK_STATUS(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err), FIRN_UNCERTAIN);
    CHECK_SAYS("may or may not be in the table");
    CHECK_SAYS("the catalog does not answer");
    assert_int_equal(test_count_objects(c.store, ctx, "-m"), 1);
    assert_int_equal(test_count_objects(c.store, ctx, "snap-"), 1);
    if (after) {
      check_holds_once(&c, ctx, 2);
    }
  }
}

static void a_catalog_that_is_silent_for_a_while_is_asked_again(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.lost_after = 1;
  c.failing_loads = 3; /* as many as commit.status-check.num-retries forgives */
  CHECK_OK(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err));
  check_holds_once(&c, ctx, 2);
}

static void a_loss_at_the_last_attempt_is_uncertain_while_the_branch_has_not_moved(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.lost_before = 1;
  /* It is not in the table; but it may still be on its way. */
  CHECK_STATUS(test_append(&c, ctx, "a", 2, &no_retries, &arena, NULL, &err), FIRN_UNCERTAIN);
  assert_int_equal(test_count_objects(c.store, ctx, ".avro"), 2);
}

static void a_commit_that_breaks_down_keeps_its_files_in_case_it_happened(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.broken_after = 1;
  CHECK_STATUS(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err), FIRN_IO);
  check_holds_once(&c, ctx, 2); /* the catalog erred; the table is whole */
}

static void a_refusal_that_nobody_could_look_into_keeps_its_files(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.echoed = 1;
  ctx->deadline_us = firn_ctx_monotonic_us(ctx) + 2000; /* over before the wait is */
  CHECK_STATUS(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err), FIRN_TIMEOUT);
  ctx->deadline_us = 0;
  check_holds_once(&c, ctx, 2);
}

/* --- other writers --- */

typedef struct rival {
  firn_ctx *ctx;
  int left;
  bool busy; /* its own commit is going on */
} rival;

static void append_first(test_catalog *c, void *arg) {
  rival *r = arg;
  if (r->busy || r->left == 0) {
    return;
  }
  r->left--;
  r->busy = true;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *prefix = firn_arena_printf(&arena, "rival%d-", r->left);
  CHECK_OK(test_append(c, r->ctx, prefix, 1, NULL, &arena, NULL, &err));
  r->busy = false;
}

static void others_who_come_first_are_built_upon(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  rival r = {.ctx = ctx, .left = 3};
  c.rival = append_first;
  c.rival_arg = &r;
  firn_append_result result;
  CHECK_OK(test_append(&c, ctx, "a", 2, &retries_9, &arena, &result, &err));
  assert_int_equal(result.n_attempts, 4);
  assert_int_equal(result.snapshot.sequence_number, 4);
  assert_string_equal(firn_properties_get(&result.snapshot.summary, "total-data-files"), "5");
  check_holds_once(&c, ctx, 5);
}

static void append_first_and_lose_the_next_answer(test_catalog *c, void *arg) {
  const rival *r = arg;
  bool first = !r->busy && r->left > 0;
  append_first(c, arg);
  c->lost_before = first ? 1 : c->lost_before; /* ours, which comes now */
}

static void a_loss_that_a_rival_has_made_impossible_is_a_lost_race(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  rival r = {.ctx = ctx, .left = 1};
  c.rival = append_first_and_lose_the_next_answer;
  c.rival_arg = &r;
  /* The branch has left the head that our lost attempt expected: it cannot be in, now or ever. */
  CHECK_STATUS(test_append(&c, ctx, "a", 2, &no_retries, &arena, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("injected loss");
  assert_true(c.lost);
  check_holds_once(&c, ctx, 1);
}

typedef struct watcher {
  int n_calls;
  size_t most_snapshots;
  size_t stop_at; /* snapshots */
} watcher;

static firn_status watch(void *arg, const firn_metadata *base, firn_ctx *ctx, firn_error *err) {
  watcher *w = arg;
  (void)ctx;
  w->n_calls++;
  w->most_snapshots = firn_metadata_get(base)->n_snapshots;
  if (w->most_snapshots >= w->stop_at) {
    return firn_error_set(err, FIRN_EXISTS, "these positions are in the table already");
  }
  return FIRN_OK;
}

static void the_callers_hook_sees_every_base_and_can_end_the_append(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  rival r = {.ctx = ctx, .left = 2};
  c.rival = append_first;
  c.rival_arg = &r;
  watcher w = {.stop_at = 2};
  const firn_append watched = {.n_retries = 9, .validate = watch, .validate_arg = &w};
  CHECK_STATUS(test_append(&c, ctx, "a", 2, &watched, &arena, NULL, &err), FIRN_EXISTS);
  CHECK_SAYS("these positions are in the table already");
  assert_int_equal(w.n_calls, 3);
  check_holds_once(&c, ctx, 2);
  assert_int_equal(test_count_objects(c.store, ctx, "-m"), 2); /* the rivals' only */
}

static void replace_table(test_catalog *c, void *arg) {
  firn_error err;
  rival *r = arg;
  if (test_take(&r->left)) {
    firn_metadata_unref(c->metadata);
    CHECK_OK(test_table_new(TEST_LOCATION, true, NULL, r->ctx, &c->metadata, &err));
  }
}

static void another_table_under_the_same_name_is_refused(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  rival r = {.ctx = ctx, .left = 1};
  c.rival = replace_table;
  c.rival_arg = &r;
  CHECK_STATUS(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("table UUID does not match");
  assert_null(firn_metadata_current_snapshot(c.metadata));
}

static void drop_table(test_catalog *c, void *arg) {
  (void)arg;
  firn_metadata_unref(c->metadata);
  c->metadata = NULL;
}

static void a_table_dropped_underneath_is_not_found(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  c.rival = drop_table;
  CHECK_STATUS(test_append(&c, ctx, "a", 2, NULL, &arena, NULL, &err), FIRN_NOT_FOUND);
}

static void a_cancelled_append_ends_while_it_waits(void **state) {
  (void)state;
  firn_error err;
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, NULL, ctx, &c, &err));
  static const firn_append many = {.n_retries = 1000000};
  c.conflicts = 1000000;
  ctx->deadline_us = firn_ctx_monotonic_us(ctx) + 3000000;
  CHECK_STATUS(test_append(&c, ctx, "a", 1, &many, &arena, NULL, &err), FIRN_TIMEOUT);
  assert_true(c.n_commits < 1000);
  /* With a lost answer behind it, it must not claim that nothing happened. */
  ctx->deadline_us = firn_ctx_monotonic_us(ctx) + 300000;
  c.conflicts = 0;
  c.lost_before = 1000000;
  CHECK_STATUS(test_append(&c, ctx, "b", 1, &many, &arena, NULL, &err), FIRN_UNCERTAIN);
}

/* --- eight at once --- */

enum { N_THREADS = 8, N_APPENDS = 12, N_FILES = 3 };

static uint64_t thread_random_state = 1;
static pthread_mutex_t thread_random_lock = PTHREAD_MUTEX_INITIALIZER;

static void thread_random(void *self, void *into, size_t len) {
  (void)self;
  (void)pthread_mutex_lock(&thread_random_lock);
  for (size_t i = 0; i < len; i++) {
    thread_random_state = thread_random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    ((unsigned char *)into)[i] = (unsigned char)(thread_random_state >> 33);
  }
  (void)pthread_mutex_unlock(&thread_random_lock);
}

typedef struct worker {
  pthread_t thread;
  test_catalog *c;
  const firn_env *env;
  int number, n_ok;
  firn_error err;
} worker;

static void *work(void *arg) {
  worker *w = arg;
  static const firn_append stubborn = {.n_retries = 1000};
  for (int i = 0; i < N_APPENDS; i++) {
    firn_ctx ctx = FIRN_CTX_INIT(w->env);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    const char *prefix = firn_arena_printf(&arena, "w%d-%d-", w->number, i);
    if (test_append(w->c, &ctx, prefix, N_FILES, &stubborn, &arena, NULL, &w->err) == FIRN_OK) {
      w->n_ok++;
    }
  }
  return NULL;
}

static void eight_threads_make_one_line_of_history_with_every_file_once(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_env env = firn_env_system;
  env.random = thread_random;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  static const firn_property quick[] = {{"commit.retry.min-wait-ms", "1"},
                                        {"commit.retry.max-wait-ms", "20"},
                                        {"commit.manifest.min-count-to-merge", "10"}};
  const firn_properties properties = {3, quick};
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(test_catalog_open(NULL, true, &properties, &ctx, &c, &err));
  c.lost_after = 3; /* a few answers get lost on the way */
  worker workers[N_THREADS] = {0};
  for (int i = 0; i < N_THREADS; i++) {
    workers[i] = (worker){.c = &c, .env = &env, .number = i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < N_THREADS; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    if (workers[i].n_ok != N_APPENDS) {
      fail_msg("worker %d: %s", i, workers[i].err.text);
    }
  }
  check_holds_once(&c, &ctx, (size_t)N_THREADS * N_APPENDS * N_FILES);
  const firn_metadata_fields *m = firn_metadata_get(c.metadata);
  assert_int_equal(m->n_snapshots, N_THREADS * N_APPENDS);
  assert_int_equal(m->last_sequence_number, N_THREADS * N_APPENDS);
  int n_chain = 0;
  for (const firn_snapshot *s = firn_metadata_current_snapshot(c.metadata); s != NULL; n_chain++) {
    s = s->has_parent ? firn_metadata_snapshot(c.metadata, s->parent_snapshot_id) : NULL;
  }
  assert_int_equal(n_chain, N_THREADS * N_APPENDS);
}

RUN_TESTS(a_lost_race_is_run_again_with_the_same_manifests, a_race_that_is_always_lost_leaves_nothing,
          the_tables_properties_say_how_often_it_is_tried, no_attempt_begins_after_the_total_time,
          a_throttled_catalog_is_waited_for, a_refusal_may_be_the_echo_of_our_own_success,
          an_answer_lost_after_the_swap_is_found_in_the_history,
          an_answer_lost_before_the_swap_is_sent_again_with_the_same_files,
          an_outcome_that_cannot_be_learnt_is_uncertain_and_keeps_every_file,
          a_catalog_that_is_silent_for_a_while_is_asked_again,
          a_loss_at_the_last_attempt_is_uncertain_while_the_branch_has_not_moved,
          a_commit_that_breaks_down_keeps_its_files_in_case_it_happened,
          a_refusal_that_nobody_could_look_into_keeps_its_files, others_who_come_first_are_built_upon,
          a_loss_that_a_rival_has_made_impossible_is_a_lost_race,
          the_callers_hook_sees_every_base_and_can_end_the_append,
          another_table_under_the_same_name_is_refused, a_table_dropped_underneath_is_not_found,
          a_cancelled_append_ends_while_it_waits, eight_threads_make_one_line_of_history_with_every_file_once)
