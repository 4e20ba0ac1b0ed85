/* Changes against others: refusals, lost answers, echoes, other writers, threads. */
#include "test_alter.h"

#define KIND(k) .kind = FIRN_CHANGE_##k

static const firn_change add_zip = {KIND(ADD_COLUMN), .name = "zip", .field = {.kind = FIRN_KIND_INT}};

static firn_status commit(test_catalog *c, firn_ctx *ctx, const firn_change *changes, size_t n,
                          firn_arena *arena, firn_alter_result *out, firn_error *err) {
  const firn_alter alter = {.n_changes = n, .changes = changes};
  return firn_alter_commit(&c->base, ctx, &test_table_id, &alter, arena, out, err);
}

static firn_status open_catalog(const firn_property *items, size_t n, firn_ctx *ctx, test_catalog *c,
                                firn_error *err) {
  const firn_properties properties = {n, items};
  return test_catalog_open(NULL, false, &properties, ctx, c, err);
}

static bool has_column(const test_catalog *c, const char *name) {
  return firn_schema_find(firn_metadata_current_schema(c->metadata), name) != NULL;
}

static void a_change_is_committed(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  firn_alter_result r;
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  CHECK_OK(commit(&c, ctx, &add_zip, 1, &arena, &r, &err));
  assert_true(r.is_committed);
  assert_int_equal(r.n_updates, 2);
  assert_true(has_column(&c, "zip"));
  assert_int_equal(c.n_commits, 1);
  CHECK_STATUS(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err), FIRN_EXISTS);
  assert_int_equal(c.n_commits, 1);
  CHECK_OK(commit(&c, ctx, NULL, 0, &arena, NULL, &err)); /* nothing to do */
  assert_int_equal(c.n_commits, 1);
}

static void a_dry_run_commits_nothing(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  firn_alter_result r;
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  const firn_alter dry = {.n_changes = 1, .changes = &add_zip, .dry_run = true};
  CHECK_OK(firn_alter_commit(&c.base, ctx, &test_table_id, &dry, &arena, &r, &err));
  assert_false(r.is_committed);
  assert_int_equal(r.n_updates, 2);
  assert_string_equal(r.updates[0].schema.root.children[3].name, "zip"); /* and outlives the table */
  assert_false(has_column(&c, "zip"));
  assert_int_equal(c.n_commits, 0);
}

static void a_lost_race_is_planned_anew(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  c.conflicts = 2;
  c.busy = 2;
  CHECK_OK(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err));
  assert_int_equal(c.n_commits, 5);
  c.conflicts = 100;
  const firn_change drop = {KIND(DROP_COLUMN), .name = "zip"};
  CHECK_STATUS(commit(&c, ctx, &drop, 1, &arena, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("5 attempts: test: committing to db.events: injected conflict");
  assert_true(has_column(&c, "zip"));
  c.conflicts = 0;
  c.busy = 100;
  CHECK_STATUS(commit(&c, ctx, &drop, 1, &arena, NULL, &err), FIRN_BUSY);
}

static void the_tables_properties_say_how_often_it_is_tried(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property none = {"commit.retry.num-retries", "0"};
  CHECK_OK(open_catalog(&none, 1, ctx, &c, &err));
  c.conflicts = 100;
  CHECK_STATUS(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err), FIRN_CONFLICT);
  assert_int_equal(c.n_commits, 1);
}

/* --- others --- */

/* Adds a column of its own before our first commit. */
static void rival_adds(test_catalog *c, void *arg) {
  const firn_change *change = arg;
  firn_error err = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  c->rival = NULL;
  CHECK_OK(commit(c, test_ctx(), change, 1, &arena, NULL, &err));
}

static void both_columns_are_there_with_ids_of_their_own(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  firn_change theirs = {KIND(ADD_COLUMN), .name = "town", .field = {.kind = FIRN_KIND_STRING}};
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  c.rival = rival_adds;
  c.rival_arg = &theirs;
  CHECK_OK(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err));
  assert_string_equal(alter_fields(c.metadata, &arena),
                      "1 id long!, 2 at timestamptz, 3 name string, 4 town string, 5 zip int");
}

static void what_a_name_means_is_fenced(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  firn_change theirs = {KIND(DROP_COLUMN), .name = "at"};
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  c.rival = rival_adds;
  c.rival_arg = &theirs;
  const firn_change ours = {KIND(ADD_PARTITION), .text = "day(at)"};
  CHECK_STATUS(commit(&c, ctx, &ours, 1, &arena, NULL, &err), FIRN_NOT_FOUND);
  CHECK_SAYS("there is no column at");
  /* and the other way round */
  theirs = (firn_change){KIND(ADD_PARTITION), .text = "name"};
  c.rival = rival_adds;
  const firn_change drop = {KIND(DROP_COLUMN), .name = "name"};
  CHECK_STATUS(commit(&c, ctx, &drop, 1, &arena, NULL, &err), FIRN_INVALID);
  CHECK_SAYS("column name is used by the partition spec");
}

static void a_tag_that_somebody_made_first_is_not_moved(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  CHECK_OK(test_append(&c, ctx, "a", 1, NULL, &arena, NULL, &err));
  int64_t first = firn_metadata_get(c.metadata)->current_snapshot_id;
  CHECK_OK(test_append(&c, ctx, "b", 1, NULL, &arena, NULL, &err));
  firn_change theirs = {KIND(CREATE_TAG), .name = "t", .at = {FIRN_AT_ID, first, NULL}};
  c.rival = rival_adds;
  c.rival_arg = &theirs;
  const firn_change ours = {KIND(CREATE_TAG), .name = "t"};
  CHECK_STATUS(commit(&c, ctx, &ours, 1, &arena, NULL, &err), FIRN_EXISTS);
  assert_int_equal(firn_metadata_ref_named(c.metadata, "t")->snapshot_id, first);
}

static void another_table_under_the_name_is_left_alone(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0}, other = {0};
  CHECK_OK(open_catalog(NULL, 0, ctx, &c, &err));
  CHECK_OK(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err));
  CHECK_OK(open_catalog(NULL, 0, ctx, &other, &err));
  firn_metadata *mine = c.metadata;
  const firn_change ours[] = {{KIND(RENAME_COLUMN), .name = "name", .to = "who"}};
  firn_alter_result r;
  const firn_alter dry = {.n_changes = 1, .changes = ours, .dry_run = true};
  CHECK_OK(firn_alter_commit(&c.base, ctx, &test_table_id, &dry, &arena, &r, &err));
  const firn_table_commit late = {.table = test_table_id,
                                  .n_requirements = r.n_requirements,
                                  .requirements = r.requirements,
                                  .n_updates = r.n_updates,
                                  .updates = r.updates};
  c.metadata = other.metadata;
  CHECK_STATUS(firn_catalog_commit(&c.base, ctx, &late, 1, NULL, &err), FIRN_CONFLICT);
  CHECK_SAYS("UUID does not match");
  c.metadata = mine;
}

/* --- lost answers --- */

/* Every kind of change, so that each is recognised. */
static const firn_property one_property = {"x", "y"};
static const char *const old_key = "commit.retry.min-wait-ms";
static const firn_change of_each_kind[] = {
    {KIND(ADD_COLUMN), .name = "zip", .field = {.kind = FIRN_KIND_INT}},
    {KIND(ADD_PARTITION), .text = "bucket(4, id)"},
    {KIND(SET_SORT_ORDER), .text = "id desc"},
    {KIND(SET_PROPERTIES), .properties = {1, &one_property}},
    {KIND(REMOVE_PROPERTIES), .n_names = 1, .names = &old_key},
    {KIND(SET_LOCATION), .text = TEST_LOCATION "/elsewhere"},
    {KIND(CREATE_TAG), .name = "t"},
    {KIND(CREATE_BRANCH), .name = "b", .min_snapshots_to_keep = 2},
    {KIND(ROLLBACK), .at = {FIRN_AT_REF, 0, "first"}},
    {KIND(DROP_TAG), .name = "first"},
};

static firn_status open_with_history(firn_ctx *ctx, test_catalog *c, firn_error *err) {
  static const firn_property wait = {"commit.retry.min-wait-ms", "10"};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const firn_change tag = {KIND(CREATE_TAG), .name = "first"};
  FIRN_TRY(open_catalog(&wait, 1, ctx, c, err));
  FIRN_TRY(test_append(c, ctx, "a", 1, NULL, &arena, NULL, err));
  FIRN_TRY(commit(c, ctx, &tag, 1, &arena, NULL, err));
  FIRN_TRY(test_append(c, ctx, "b", 1, NULL, &arena, NULL, err));
  c->n_commits = 0;
  return FIRN_OK;
}

static void a_lost_answer_is_found_in_the_table(void **state) {
  (void)state;
  for (size_t i = 0; i < FIRN_COUNT_OF(of_each_kind); i++) {
    for (int how = 0; how < 3; how++) {
      firn_error err = {0};
      firn_ctx *ctx = test_ctx();
      FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
      FIRN_AUTO_TEST_CATALOG c = {0};
      firn_alter_result r;
      CHECK_OK(open_with_history(ctx, &c, &err));
      (how == 0 ? (void)(c.lost_after = 1) : how == 1 ? (void)(c.lost_before = 1) : (void)(c.echoed = 1));
      CHECK_OK(commit(&c, ctx, &of_each_kind[i], 1, &arena, &r, &err));
      assert_true(r.is_committed);
      assert_int_equal(c.n_commits, how == 1 ? 2 : 1); /* sent again only when it had not happened */
      CHECK_OK(firn_alter_plan(c.metadata, NULL, 0, 0, &arena, &r, &err));
      assert_int_equal(firn_metadata_get(c.metadata)->n_schemas, i == 0 ? 2 : 1);
      assert_int_equal(firn_metadata_get(c.metadata)->n_specs, i == 1 ? 2 : 1);
      assert_int_equal(firn_metadata_get(c.metadata)->n_sort_orders, i == 2 ? 2 : 1);
    }
  }
}

static void an_answer_lost_for_good_is_uncertain(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(open_with_history(ctx, &c, &err));
  c.lost_before = 100;
  CHECK_STATUS(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err), FIRN_UNCERTAIN);
  CHECK_SAYS("the answer to a commit was lost");
  assert_false(has_column(&c, "zip"));
  c.lost_before = 0;
  c.lost = false;
  c.lost_after = 1;
  c.failing_loads = 100;
  CHECK_STATUS(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err), FIRN_UNCERTAIN);
  assert_true(has_column(&c, "zip"));
}

/* The answer is lost, and then somebody else comes first: our attempt cannot happen any more. */
static void rival_at_load(test_catalog *c, void *arg) {
  if (c->n_commits == 1) {
    c->rival_at_load = NULL;
    rival_adds(c, arg);
  }
}

static void a_lost_answer_may_be_refuted_by_others(void **state) {
  (void)state;
  firn_error err = {0};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  static const firn_property none = {"commit.retry.num-retries", "0"};
  firn_change theirs = {KIND(ADD_COLUMN), .name = "town", .field = {.kind = FIRN_KIND_STRING}};
  CHECK_OK(open_catalog(&none, 1, ctx, &c, &err));
  c.lost_before = 1;
  c.rival_at_load = rival_at_load;
  c.rival_arg = &theirs;
  CHECK_STATUS(commit(&c, ctx, &add_zip, 1, &arena, NULL, &err), FIRN_CONFLICT);
  assert_true(has_column(&c, "town"));
  assert_false(has_column(&c, "zip"));
}

/* --- threads --- */

enum { N_WORKERS = 4, N_CHANGES = 12 };

static uint64_t random_state = 1;
static pthread_mutex_t random_lock = PTHREAD_MUTEX_INITIALIZER;

static void thread_random(void *self, void *into, size_t len) {
  (void)self;
  (void)pthread_mutex_lock(&random_lock);
  for (size_t i = 0; i < len; i++) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    ((unsigned char *)into)[i] = (unsigned char)(random_state >> 33);
  }
  (void)pthread_mutex_unlock(&random_lock);
}

typedef struct worker {
  pthread_t thread;
  test_catalog *c;
  const firn_env *env;
  int number, n_ok;
  firn_error err;
} worker;

/* Worker 0 appends, the others change columns, specs and tags. */
static firn_status work_once(worker *w, int i) {
  firn_ctx ctx = FIRN_CTX_INIT(w->env);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  static const firn_append stubborn = {.n_retries = 1000};
  const char *name = firn_arena_printf(&arena, "w%d_%d", w->number, i);
  const firn_property p = {name, "x"};
  const firn_change changes[] = {
      {KIND(ADD_COLUMN), .name = name, .field = {.kind = FIRN_KIND_INT}},
      {KIND(SET_PROPERTIES), .properties = {1, &p}},
      {KIND(ADD_PARTITION), .text = firn_arena_printf(&arena, "bucket(%d, id)", 100 * w->number + i + 1)},
  };
  return w->number == 0 ? test_append(w->c, &ctx, name, 1, &stubborn, &arena, NULL, &w->err)
                        : commit(w->c, &ctx, changes, i % 3 == 0 ? 3 : 2, &arena, NULL, &w->err);
}

static void *work(void *arg) {
  worker *w = arg;
  for (int i = 0; i < N_CHANGES; i++) {
    w->n_ok += work_once(w, i) == FIRN_OK;
  }
  return NULL;
}

static void nothing_is_lost_between_threads(void **state) {
  (void)state;
  firn_error err = {0};
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_env env = firn_env_system;
  env.random = thread_random;
  firn_ctx ctx = FIRN_CTX_INIT(&env);
  static const firn_property quick[] = {{"commit.retry.num-retries", "1000"},
                                        {"commit.retry.min-wait-ms", "1"},
                                        {"commit.retry.max-wait-ms", "10"}};
  FIRN_AUTO_TEST_CATALOG c = {0};
  CHECK_OK(open_catalog(quick, 3, &ctx, &c, &err));
  worker workers[N_WORKERS];
  for (int i = 0; i < N_WORKERS; i++) {
    workers[i] = (worker){.c = &c, .env = &env, .number = i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < N_WORKERS; i++) {
    (void)pthread_join(workers[i].thread, NULL);
    if (workers[i].n_ok != N_CHANGES) {
      print_error("worker %d: %s\n", i, workers[i].err.text);
    }
    assert_int_equal(workers[i].n_ok, N_CHANGES);
  }
  for (int i = 1; i < N_WORKERS; i++) {
    for (int k = 0; k < N_CHANGES; k++) {
      const char *name = firn_arena_printf(&arena, "w%d_%d", i, k);
      assert_true(has_column(&c, name));
      assert_string_equal(firn_metadata_property(c.metadata, name), "x");
    }
  }
  assert_int_equal(firn_metadata_get(c.metadata)->last_column_id, 3 + (N_WORKERS - 1) * N_CHANGES);
  assert_int_equal(firn_metadata_default_spec(c.metadata)->n_fields, (N_WORKERS - 1) * N_CHANGES / 3);
  test_entries entries;
  CHECK_OK(test_read_snapshot(c.base.stores, &ctx, c.metadata, firn_metadata_current_snapshot(c.metadata),
                              &arena, &entries, &err));
  assert_int_equal(entries.n_live, N_CHANGES);
}

static firn_status commit_twice(void) {
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TEST_CATALOG c = {0};
  FIRN_TRY(open_catalog(NULL, 0, ctx, &c, NULL));
  c.conflicts = 1;
  return commit(&c, ctx, &add_zip, 1, &arena, NULL, NULL);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(commit_twice);
}

RUN_TESTS(a_change_is_committed, a_dry_run_commits_nothing, a_lost_race_is_planned_anew,
          the_tables_properties_say_how_often_it_is_tried, both_columns_are_there_with_ids_of_their_own,
          what_a_name_means_is_fenced, a_tag_that_somebody_made_first_is_not_moved,
          another_table_under_the_name_is_left_alone, a_lost_answer_is_found_in_the_table,
          an_answer_lost_for_good_is_uncertain, a_lost_answer_may_be_refuted_by_others,
          nothing_is_lost_between_threads, survives_oom)
