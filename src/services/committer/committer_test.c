#include "services/committer/committer.h"

#include <stdio.h>

#include "events/commit_record.h"
#include "services/committer/positions.h"
#include "test_log.h"
#include "test_table.h"

#define LOG_ID "0197f1a2-0000-7000-8000-00000000c001"
#define PROPERTY "firn.positions." LOG_ID
#define SUMMARY "firn.log." LOG_ID

/* A log, a table, a committer. */
typedef struct rig {
  firn_ctx *ctx;
  test_catalog catalog;
  test_log log;
  firn_committer *committer;
  firn_committer_options options;
  int n_files; /* put so far: files are called by their number */
  int n_told;  /* on_commit */
} rig;

static void told(void *arg) {
  ((rig *)arg)->n_told++;
}

static firn_status rig_start(rig *r, firn_error *err) {
  r->options.log = &r->log.base;
  r->options.catalog = &r->catalog.base;
  r->options.n_tables = 1;
  r->options.tables = &test_table_id;
  r->options.on_commit = told;
  r->options.arg = r;
  r->options.snapshot_age_us = r->options.snapshot_age_us == 0 ? -1 : r->options.snapshot_age_us;
  return firn_committer_open(&r->options, r->ctx, &r->committer, err);
}

static firn_status rig_open(rig *r, firn_store *store, firn_error *err) {
  *r = (rig){.ctx = test_ctx(), .options = r->options};
  test_log_init(&r->log);
  FIRN_TRY(test_catalog_open(store, true, NULL, r->ctx, &r->catalog, err));
  return rig_start(r, err);
}

static void rig_stop(rig *r) {
  firn_committer_close(FIRN_HAND_OVER(r->committer));
}

static void rig_close(rig *r) {
  rig_stop(r);
  test_log_free(&r->log);
  if (r->catalog.base.ops != NULL) {
    test_catalog_close(&r->catalog);
  }
}
#define FIRN_AUTO_RIG FIRN_AUTO(rig_close) rig

static firn_status put_for(rig *r, const char *uuid, size_t n_files, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_data_file *files = firn_new_n(&arena, firn_data_file, n_files);
  if (files == NULL) {
    return FIRN_NOMEM;
  }
  for (size_t i = 0; i < n_files; i++) {
    const char *path = firn_arena_printf(&arena, TEST_LOCATION "/data/%d.parquet", r->n_files++);
    files[i] = test_data_file(path, 20254, &arena);
    if (path == NULL || files[i].partition == NULL) {
      return FIRN_NOMEM;
    }
  }
  const firn_commit_record_table table = {.n_levels = 1,
                                          .levels = test_levels,
                                          .name = "events",
                                          .uuid = uuid,
                                          .n_files = n_files,
                                          .files = files};
  const firn_commit_record record = {.journal = "j",
                                     .first = r->log.next,
                                     .next = r->log.next + 1,
                                     .accepted_us = firn_ctx_now_us(r->ctx),
                                     .n_tables = 1,
                                     .tables = &table};
  const firn_metadata *metadata = r->catalog.metadata;
  firn_log_position at;
  FIRN_TRY(firn_commit_record_write(&record, &metadata, &b, err));
  return firn_commit_log_append(&r->log.base, r->ctx, firn_builder_bytes(&b), &at, err);
}

static firn_status put_files(rig *r, size_t n_files, firn_error *err) {
  return put_for(r, firn_metadata_get(r->catalog.metadata)->table_uuid, n_files, err);
}

static void put(rig *r, size_t n_files) {
  firn_error err;
  CHECK_OK(put_files(r, n_files, &err));
}

static firn_status step(rig *r, bool is_draining, int64_t *wait_us, firn_error *err) {
  return firn_committer_service.step(r->committer, r->ctx, is_draining, wait_us, err);
}

/* Steps until nothing is left. */
static void drain(rig *r) {
  firn_error err;
  for (int64_t wait_us = 0; wait_us != FIRN_STEP_IDLE;) {
    CHECK_OK(step(r, true, &wait_us, &err));
  }
}

/* The same over failures that a service tries again; how many there were. */
static int drain_stubbornly(rig *r) {
  firn_error err;
  int n_failures = 0;
  for (int64_t wait_us = 0; wait_us != FIRN_STEP_IDLE;) {
    firn_status status = step(r, true, &wait_us, &err);
    if (status != FIRN_OK) {
      bool is_tried_again = status == FIRN_BUSY || status == FIRN_TIMEOUT || status == FIRN_CONFLICT ||
                            status == FIRN_IO || status == FIRN_NOMEM;
      if (!is_tried_again || ++n_failures > 20) {
        CHECK_OK(status);
      }
      wait_us = 0;
    }
  }
  return n_failures;
}

static const firn_metadata_fields *table(const rig *r) {
  return firn_metadata_get(r->catalog.metadata);
}

/* Every file that was put, once; a history without branches. */
static void check_right(rig *r) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(r->catalog.base.stores, r->ctx, r->catalog.metadata,
                              firn_metadata_current_snapshot(r->catalog.metadata), &arena, &entries, &err));
  assert_int_equal(entries.n_live, r->n_files);
  assert_int_equal(entries.n_twice, 0);
  assert_int_equal(entries.rows, 10 * r->n_files);
  for (size_t i = 1; i < table(r)->n_snapshots; i++) { /* in the order of their time */
    assert_true(table(r)->snapshots[i].has_parent);
    assert_int_equal(table(r)->snapshots[i].parent_snapshot_id, table(r)->snapshots[i - 1].snapshot_id);
  }
}

static const char *property_of(const rig *r) {
  return firn_metadata_property(r->catalog.metadata, PROPERTY);
}

static const char *summary_of(const rig *r, const char *key) {
  return firn_properties_get(&firn_metadata_current_snapshot(r->catalog.metadata)->summary, key);
}

/* --- what it does --- */

static void what_waited_becomes_one_append(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 2);
  put(&r, 0); /* a range that made nothing for this table */
  put(&r, 3);
  drain(&r);
  check_right(&r);
  assert_int_equal(table(&r)->n_snapshots, 1);
  assert_string_equal(property_of(&r), "{\"0\":3}");
  assert_string_equal(summary_of(&r, SUMMARY), "{\"0\":3}");
  assert_int_equal(strlen(summary_of(&r, "firn.commit-id")), 36);
  assert_int_equal(r.n_told, 1);
  assert_int_equal(r.log.first, 3); /* and the log is told */
  put(&r, 1);
  drain(&r);
  check_right(&r);
  assert_string_equal(property_of(&r), "{\"0\":4}");
  drain(&r);
  assert_int_equal(table(&r)->n_snapshots, 2); /* nothing came, nothing is committed */
}

static int64_t skew_us;
static const firn_env *true_env;

static int64_t skewed_clock(void *self) {
  return true_env->now_us(self) + skew_us;
}

static void a_commit_waits_for_files_or_the_period(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {.options = {.max_files = 5, .period_us = 1000000}};
  CHECK_OK(rig_open(&r, NULL, &err));
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  put(&r, 2);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_in_range(wait_us, 990000, 1000000);
  put(&r, 2);
  r.ctx->env->sleep_us(r.ctx->env->self, 400000);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_in_range(wait_us, 590000, 600000); /* since the first */
  assert_int_equal(table(&r)->n_snapshots, 0);
  put(&r, 1);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(table(&r)->n_snapshots, 1); /* five files */
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  put(&r, 1);
  CHECK_OK(step(&r, false, &wait_us, &err));
  r.ctx->env->sleep_us(r.ctx->env->self, wait_us);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(table(&r)->n_snapshots, 2); /* its time */
  check_right(&r);
}

static void a_clock_that_goes_back_an_hour_delays_nothing(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {.options = {.period_us = 1000000}};
  skew_us = 0;
  CHECK_OK(rig_open(&r, NULL, &err));
  true_env = r.ctx->env;
  firn_env env = *true_env;
  env.now_us = skewed_clock;
  firn_ctx skewed = FIRN_CTX_INIT(&env);
  r.ctx = &skewed;
  put(&r, 2);
  CHECK_OK(step(&r, false, &wait_us, &err));
  skew_us = -INT64_C(3600) * 1000000;
  r.ctx->env->sleep_us(r.ctx->env->self, wait_us);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(table(&r)->n_snapshots, 1);
  int64_t before_ms = table(&r)->snapshots[0].timestamp_ms;
  skew_us -= INT64_C(3600) * 1000000;
  put(&r, 2);
  drain(&r);
  assert_int_equal(table(&r)->n_snapshots, 2);
  assert_true(table(&r)->snapshots[1].timestamp_ms >= before_ms); /* time goes forward in a table */
  check_right(&r);
}

static void who_is_far_behind_takes_more_at_once_within_a_bound(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {.options = {.max_files = 2}};
  CHECK_OK(rig_open(&r, NULL, &err));
  for (int i = 0; i < 50; i++) {
    put(&r, 1);
  }
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(table(&r)->n_snapshots, 1);
  assert_string_equal(property_of(&r), "{\"0\":32}");
  assert_int_equal(wait_us, 0);
  CHECK_OK(step(&r, false, &wait_us, &err));
  assert_int_equal(table(&r)->n_snapshots, 2);
  assert_int_equal(wait_us, FIRN_STEP_IDLE);
  check_right(&r);
}

static void it_goes_on_where_the_table_says(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 2);
  drain(&r);
  put(&r, 1);
  rig_stop(&r);
  r.log.first = 0; /* a log that keeps more than it must: nothing is taken twice */
  r.log.records[0] = (firn_bytes){firn_alloc(1), 0};
  CHECK_OK(rig_start(&r, &err));
  drain(&r);
  check_right(&r);
  assert_string_equal(property_of(&r), "{\"0\":2}");
}

/* --- answers that get lost, refusals --- */

static void a_lost_answer_doubles_nothing(void **state) {
  (void)state;
  for (int n = 0; n < 6; n++) {
    firn_error err;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    put(&r, 2);
    drain(&r);
    put(&r, 3);
    r.catalog.lost_after = n % 2;
    r.catalog.lost_before = n % 2 == 0;
    r.catalog.failing_loads = n * 3; /* more than an append asks: FIRN_UNCERTAIN reaches the committer */
    int n_failures = drain_stubbornly(&r);
    assert_true(n < 3 || n_failures > 0);
    check_right(&r);
    assert_string_equal(property_of(&r), "{\"0\":2}");
  }
}

static void lost_races_are_run_again(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 2);
  r.catalog.conflicts = 12; /* more than one append tries */
  assert_true(drain_stubbornly(&r) > 0);
  check_right(&r);
  put(&r, 2);
  r.catalog.echoed = 1;
  drain(&r);
  check_right(&r);
  put(&r, 2);
  r.catalog.broken_after = 1; /* done and denied */
  assert_true(drain_stubbornly(&r) > 0);
  check_right(&r);
}

/* "catalog locked for a minute" */
static void a_catalog_that_is_locked_for_a_minute_is_tried_again(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 2);
  r.catalog.busy = 12;
  firn_status status = step(&r, true, &wait_us, &err);
  assert_int_equal(status, FIRN_BUSY);
  put(&r, 1); /* the log goes on meanwhile */
  assert_true(drain_stubbornly(&r) > 0);
  check_right(&r);
  assert_int_equal(table(&r)->n_snapshots, 1);
}

/* --- faults at every call --- */

static void work_with_faults(rig *r) {
  put(r, 2);
  (void)drain_stubbornly(r);
  put(r, 1);
  put(r, 1);
  (void)drain_stubbornly(r);
}

static void check_worked(rig *r) {
  check_right(r);
  assert_string_equal(property_of(r), "{\"0\":3}");
  assert_int_equal(r->log.first, 3);
}

static void every_call_of_the_log_may_fail(void **state) {
  (void)state;
  static const firn_status statuses[] = {FIRN_IO, FIRN_NOMEM, FIRN_BUSY};
  size_t n_calls = 1; /* of a run without a failure, once it is known */
  for (size_t at = 0; at < n_calls * FIRN_COUNT_OF(statuses); at++) {
    firn_error err;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    r.log.n_calls = 0;
    r.log.fail_at = at == 0 ? SIZE_MAX : at / FIRN_COUNT_OF(statuses);
    r.log.fail_with = statuses[at % FIRN_COUNT_OF(statuses)];
    work_with_faults(&r);
    n_calls = at == 0 ? r.log.n_calls : n_calls;
    check_worked(&r);
  }
  assert_true(n_calls > 6);
}

static void every_call_of_the_store_may_fail(void **state) {
  (void)state;
  static const firn_status statuses[] = {FIRN_IO, FIRN_BUSY, FIRN_UNCERTAIN, FIRN_NOMEM};
  size_t n_calls = 1;
  for (size_t at = 0; at < n_calls * FIRN_COUNT_OF(statuses); at++) {
    firn_error err;
    firn_store *memory = NULL, *faulty = NULL;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(firn_memory_store_open(0, &memory, &err));
    CHECK_OK(firn_faulty_store_open(memory, at == 0 ? SIZE_MAX : 1 + at / FIRN_COUNT_OF(statuses),
                                    statuses[at % FIRN_COUNT_OF(statuses)], &faulty, &err));
    CHECK_OK(rig_open(&r, faulty, &err)); /* call 0 makes the table */
    work_with_faults(&r);
    n_calls = at == 0 ? firn_faulty_store_calls(faulty) - 1 : n_calls;
    check_worked(&r);
  }
  assert_true(n_calls > 6);
}

/* Every commit in turn: refused, throttled, lost before and after, broken. */
static void every_commit_may_go_wrong(void **state) {
  (void)state;
  for (int kind = 0; kind < 6; kind++) {
    for (int nth = 0; nth < 3; nth++) {
      firn_error err;
      FIRN_AUTO_RIG r = {0};
      CHECK_OK(rig_open(&r, NULL, &err));
      for (int i = 0; i < 3; i++) {
        put(&r, 2);
        int *fault[] = {&r.catalog.conflicts,  &r.catalog.busy,   &r.catalog.lost_before,
                        &r.catalog.lost_after, &r.catalog.echoed, &r.catalog.broken_after};
        *fault[kind] = i == nth ? 1 + 5 * (kind < 2) : 0;
        r.catalog.failing_loads = i == nth ? 20 : 0;
        (void)drain_stubbornly(&r);
        r.catalog.lost = false;
      }
      check_right(&r);
      assert_int_equal(table(&r)->n_snapshots, 3);
    }
  }
}

/* --- others --- */

static void wait_for(rig *r, int64_t us) {
  r->ctx->env->sleep_us(r->ctx->env->self, us);
}

typedef struct rivalry {
  rig *r;
  firn_committer *other;
  bool is_draining;
  int at; /* at that call */
  int so_far;
} rivalry;

/* Another committer of the same log comes in just before a call of the catalog: `at` counts loads and
 * commits. */
static void rival_commits(test_catalog *c, void *arg) {
  rivalry *v = arg;
  if (v->so_far++ == v->at) {
    int64_t wait_us;
    firn_error err;
    c->rival = c->rival_at_load = NULL; /* it comes once */
    CHECK_OK(firn_committer_service.step(v->other, v->r->ctx, v->is_draining, &wait_us, &err));
  }
}

/* Six records, the other committer coming in at call `at` of each round; how many calls there were. */
static int meet(int at, bool is_draining) {
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {.options = {.max_files = 3, .snapshot_age_us = 1, .keep_up_records = 1}};
  CHECK_OK(rig_open(&r, NULL, &err));
  firn_committer_options options = r.options;
  rivalry v = {.r = &r, .is_draining = is_draining};
  int most = 0;
  options.consumer = "other";
  CHECK_OK(firn_committer_open(&options, r.ctx, &v.other, &err));
  for (int i = 0; i < 6; i++) {
    put(&r, (size_t)i % 3);
    wait_for(&r, 70 * 1000000); /* so that snapshots are expired in between */
    v.so_far = 0;
    v.at = at;
    r.catalog.rival = r.catalog.rival_at_load = rival_commits;
    r.catalog.rival_arg = &v;
    (void)drain_stubbornly(&r);
    most = v.so_far > most ? v.so_far : most;
  }
  r.catalog.rival = r.catalog.rival_at_load = NULL;
  put(&r, 2);
  CHECK_OK(firn_committer_service.step(v.other, r.ctx, true, &wait_us, &err));
  drain(&r);
  check_right(&r);
  assert_string_equal(property_of(&r), "{\"0\":7}");
  firn_committer_close(v.other);
  return most;
}

static void two_committers_double_nothing_wherever_they_meet(void **state) {
  (void)state;
  int at = 0;
  for (; meet(at, true) > at; at++) { /* until a round has no such call */
    (void)meet(at, false);
  }
  assert_true(at > 5);
}

/* One that is behind the other: its records are covered when its turn comes. */
static void what_another_has_committed_is_dropped(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  firn_committer_options options = r.options;
  firn_committer *other = NULL;
  options.consumer = "other";
  CHECK_OK(firn_committer_open(&options, r.ctx, &other, &err));
  put(&r, 1);
  CHECK_OK(step(&r, false, &wait_us, &err)); /* holds the first */
  put(&r, 1);
  CHECK_OK(firn_committer_service.step(other, r.ctx, true, &wait_us, &err)); /* commits both */
  put(&r, 1);
  drain(&r);
  check_right(&r);
  assert_int_equal(table(&r)->n_snapshots, 2);
  firn_committer_close(other);
}

static void commit_updates(rig *r, const firn_update *updates, size_t n) {
  firn_error err;
  const firn_table_commit commit = {.table = test_table_id, .n_updates = n, .updates = updates};
  CHECK_OK(firn_catalog_commit(&r->catalog.base, r->ctx, &commit, 1, NULL, &err));
}

static void drop_property(rig *r) {
  const char *key = PROPERTY;
  const firn_update drop = {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {1, &key}};
  commit_updates(r, &drop, 1);
}

/* An append that carries nothing of ours, then everything before it is expired. */
static void foreign_append_and_expiry(rig *r) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(test_append(&r->catalog, r->ctx, "foreign", 1, NULL, &arena, NULL, &err));
  size_t n = table(r)->n_snapshots - 1;
  int64_t *ids = firn_new_n(&arena, int64_t, n);
  for (size_t i = 0; i < n; i++) {
    ids[i] = table(r)->snapshots[i].snapshot_id;
  }
  const firn_update expire = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOTS, .ids = {n, ids}};
  commit_updates(r, &expire, 1);
  r->n_files++; /* the foreign one */
}

static void positions_that_others_drop_are_in_the_other_place(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    firn_error err;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    put(&r, 2);
    put(&r, 2);
    drain(&r);
    if (which == 0) {
      drop_property(&r);
    } else {
      foreign_append_and_expiry(&r);
    }
    rig_stop(&r);
    put(&r, 1);
    CHECK_OK(rig_start(&r, &err));
    drain(&r);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    test_entries entries;
    CHECK_OK(test_read_snapshot(r.catalog.base.stores, r.ctx, r.catalog.metadata,
                                firn_metadata_current_snapshot(r.catalog.metadata), &arena, &entries, &err));
    assert_int_equal(entries.n_live, r.n_files);
    assert_int_equal(entries.n_twice, 0);
    assert_string_equal(property_of(&r), "{\"0\":3}");
  }
}

/* Somebody takes the table back, positions and all: what the log still has is brought again. */
static void a_table_that_goes_back_is_read_again_from_there(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  put(&r, 1);
  firn_commit_log_consumer *keeper = NULL; /* holds the records as an indexer would */
  firn_log_position zero = {0};
  const firn_log_positions start = {1, &zero};
  CHECK_OK(firn_commit_log_consumer_add(&r.log.base, r.ctx, "keeper", &start, &keeper, &err));
  drain(&r);
  check_right(&r);
  const firn_update remove_main = {.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "main"};
  commit_updates(&r, &remove_main, 1);
  drop_property(&r);
  put(&r, 1);
  assert_int_equal(drain_stubbornly(&r), 1);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(r.catalog.base.stores, r.ctx, r.catalog.metadata,
                              firn_metadata_current_snapshot(r.catalog.metadata), &arena, &entries, &err));
  assert_int_equal(entries.n_live, 3);
  assert_int_equal(entries.n_twice, 0);
}

/* Both places at once, and the log still has the records. */
static void positions_that_are_dropped_altogether_stop_it(void **state) {
  (void)state;
  for (int restarted = 0; restarted < 2; restarted++) {
    firn_error err;
    int64_t wait_us;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    firn_commit_log_consumer *keeper = NULL;
    firn_log_position zero = {0};
    const firn_log_positions start = {1, &zero};
    CHECK_OK(firn_commit_log_consumer_add(&r.log.base, r.ctx, "keeper", &start, &keeper, &err));
    put(&r, 1);
    put(&r, 1);
    drain(&r);
    foreign_append_and_expiry(&r);
    drop_property(&r);
    put(&r, 1);
    if (restarted) {
      rig_stop(&r);
      CHECK_OK(rig_start(&r, &err));
    } else {
      CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_CONFLICT);
      CHECK_SAYS("db.events went back in commit log");
    }
    CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_INVALID);
    CHECK_SAYS("db.events has files of commit log " LOG_ID " and no longer says how many");
    const firn_property two = {PROPERTY, "{\"0\":2}"}; /* as it says */
    const firn_update set = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &two}};
    commit_updates(&r, &set, 1);
    drain(&r);
    FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
    test_entries entries;
    CHECK_OK(test_read_snapshot(r.catalog.base.stores, r.ctx, r.catalog.metadata,
                                firn_metadata_current_snapshot(r.catalog.metadata), &arena, &entries, &err));
    assert_int_equal(entries.n_live, r.n_files);
    assert_int_equal(entries.n_twice, 0);
  }
}

/* Its first files from here come into a table that has others. */
static void a_table_that_was_made_in_another_way_is_committed_to(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  CHECK_OK(test_append(&r.catalog, r.ctx, "foreign", 3, NULL, &arena, NULL, &err));
  r.n_files += 3;
  put(&r, 2);
  drain(&r);
  check_right(&r);
}

/* --- what cannot go on says so and stops --- */

static void set_position(rig *r, const char *text) {
  const firn_property set = {PROPERTY, text};
  const firn_update put_it = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &set}};
  commit_updates(r, &put_it, 1);
}

static void a_position_before_the_logs_start_stops_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  put(&r, 1);
  drain(&r);
  rig_stop(&r);
  const char *key = PROPERTY;
  const firn_update drop[] = {{.kind = FIRN_UPDATE_REMOVE_SNAPSHOT_REF, .text = "main"},
                              {.kind = FIRN_UPDATE_REMOVE_PROPERTIES, .keys = {1, &key}}};
  commit_updates(&r, drop, 2);
  set_position(&r, "{\"0\":1}");
  CHECK_OK(rig_start(&r, &err));
  CHECK_STATUS(step(&r, false, &wait_us, &err), FIRN_INVALID);
  assert_string_equal(err.text,
                      "db.events has records up to 1 of commit log " LOG_ID
                      ", which begins at 2: what lies between is lost to it. To go on without, set the "
                      "table's property " PROPERTY " to {\"0\":2}");
  set_position(&r, "{\"0\":2}"); /* as it says */
  drain(&r);
}

static void a_position_beyond_the_logs_end_stops_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  set_position(&r, "{\"0\":2}");
  CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_INVALID);
  CHECK_SAYS("db.events has records up to 2 of commit log " LOG_ID ", which ends at 1: the log was put back");
  assert_int_equal(table(&r)->n_snapshots, 0);
}

static void positions_that_cannot_be_read_stop_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  set_position(&r, "one");
  CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_CORRUPT);
  CHECK_SAYS("db.events: " PROPERTY ": the positions one");
}

static void a_table_that_is_gone_stops_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  drain(&r);
  put(&r, 1);
  firn_metadata *was = FIRN_HAND_OVER(r.catalog.metadata);
  CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_NOT_FOUND);
  assert_string_equal(err.text,
                      "db.events is gone (dropped or renamed), and the commit log has files for it, from "
                      "record 1 on: bring it back under this name, by firn table rename or firn table "
                      "register");
  r.catalog.metadata = was; /* as it says */
  drain(&r);
  check_right(&r);
}

/* Under the committer, between its look and its commit. */
static void rival_drops(test_catalog *c, void *arg) {
  (void)arg;
  c->rival = NULL;
  firn_metadata_unref(FIRN_HAND_OVER(c->metadata));
}

static void a_table_dropped_under_a_commit_stops_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  r.catalog.rival = rival_drops;
  firn_status status = step(&r, true, &wait_us, &err);
  if (status == FIRN_CONFLICT) { /* the fence held; the next look tells */
    status = step(&r, true, &wait_us, &err);
  }
  assert_int_equal(status, FIRN_NOT_FOUND);
  CHECK_SAYS("db.events is gone");
}

static void rival_replaces(test_catalog *c, void *arg) {
  firn_error err;
  firn_metadata *other = NULL;
  c->rival = NULL;
  CHECK_OK(test_table_new(TEST_LOCATION, true, NULL, arg, &other, &err));
  firn_metadata_unref(c->metadata);
  c->metadata = other;
}

static void a_table_that_was_replaced_stops_it(void **state) {
  (void)state;
  for (int under_the_commit = 0; under_the_commit < 2; under_the_commit++) {
    firn_error err;
    int64_t wait_us;
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    put(&r, 1);
    if (under_the_commit == 1) {
      r.catalog.rival = rival_replaces;
      r.catalog.rival_arg = r.ctx;
    } else {
      rival_replaces(&r.catalog, r.ctx);
    }
    firn_status status = step(&r, true, &wait_us, &err);
    for (int i = 0; i < 3 && status == FIRN_CONFLICT; i++) {
      status = step(&r, true, &wait_us, &err);
    }
    assert_int_equal(status, FIRN_INVALID);
    CHECK_SAYS("db.events is another table now (UUID ");
    CHECK_SAYS("set the new one's property " PROPERTY " to {\"0\":1}");
    assert_int_equal(table(&r)->n_snapshots, 0);
    set_position(&r, "{\"0\":1}"); /* as it says */
    put(&r, 2);
    drain(&r);
    r.n_files--; /* the first is forgotten on purpose */
    check_right(&r);
  }
}

static void a_record_that_cannot_be_read_stops_it_after_what_came_before(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  firn_log_position at;
  put(&r, 2);
  put(&r, 1);
  CHECK_OK(firn_commit_log_append(&r.log.base, r.ctx, FIRN_LITERAL("{\"version\":1,"), &at, &err));
  put(&r, 1);
  for (int i = 0; i < 3; i++) { /* however often it is asked */
    CHECK_STATUS(step(&r, false, &wait_us, &err), FIRN_CORRUPT);
    CHECK_SAYS("record 2 of partition 0 of the commit log: commit record: ");
  }
  r.n_files--;
  check_right(&r);
  assert_string_equal(property_of(&r), "{\"0\":2}");
  CHECK_OK(firn_commit_log_append(&r.log.base, r.ctx, FIRN_LITERAL("{}"), &at, &err));
}

static void a_record_of_a_newer_version_stops_it(void **state) {
  (void)state;
  firn_error err;
  int64_t wait_us;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  firn_log_position at;
  CHECK_OK(firn_commit_log_append(&r.log.base, r.ctx, FIRN_LITERAL("{\"version\":2}"), &at, &err));
  CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_UNSUPPORTED);
  CHECK_SAYS("it has version 2");
}

/* --- schemas and specs that change --- */

static void files_of_an_older_spec_are_taken_while_the_table_has_it(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 2);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_schema wider;
  CHECK_OK(
      test_schema_read("{\"type\":\"struct\",\"schema-id\":1,\"fields\":["
                       "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"},"
                       "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"
                       "{\"id\":3,\"name\":\"name\",\"required\":false,\"type\":\"string\"},"
                       "{\"id\":4,\"name\":\"more\",\"required\":false,\"type\":\"int\"}]}",
                       &arena, &wider, &err));
  static const firn_partition_field by_month = {
      .source_id = 2, .field_id = -1, .name = "at_month", .transform = {.kind = FIRN_TRANSFORM_MONTH}};
  const firn_update changes[] = {
      {.kind = FIRN_UPDATE_ADD_SCHEMA, .schema = wider},
      {.kind = FIRN_UPDATE_SET_CURRENT_SCHEMA, .id = FIRN_LAST_ADDED},
      {.kind = FIRN_UPDATE_ADD_SPEC, .spec = {.spec_id = 1, .n_fields = 1, .fields = &by_month}},
      {.kind = FIRN_UPDATE_SET_DEFAULT_SPEC, .id = FIRN_LAST_ADDED}};
  commit_updates(&r, changes, FIRN_COUNT_OF(changes));
  drain(&r);
  check_right(&r);
  put(&r, 1); /* writers that have not noticed yet */
  const int64_t gone = 0;
  const firn_update remove = {.kind = FIRN_UPDATE_REMOVE_PARTITION_SPECS, .ids = {1, &gone}};
  commit_updates(&r, &remove, 1);
  int64_t wait_us;
  CHECK_STATUS(step(&r, true, &wait_us, &err), FIRN_INVALID);
  CHECK_SAYS("db.events cannot take record 1 of the commit log: file ");
  CHECK_SAYS("the table has no partition spec 0 any more");
}

/* --- old snapshots --- */

static void old_snapshots_are_expired_once_a_minute(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {.options = {.snapshot_age_us = INT64_C(120) * 1000000}};
  CHECK_OK(rig_open(&r, NULL, &err));
  size_t most = 0;
  for (int i = 0; i < 60; i++) {
    put(&r, 1);
    drain(&r);
    wait_for(&r, 10 * 1000000);
    most = table(&r)->n_snapshots > most ? table(&r)->n_snapshots : most;
  }
  assert_in_range(most, 14, 20); /* two minutes, and what waits for the next look */
  assert_int_equal(test_count_objects(r.catalog.store, r.ctx, "snap-"), table(&r)->n_snapshots);
  check_right(&r);
  assert_string_equal(property_of(&r), "{\"0\":60}");
}

static void a_tables_own_age_wins(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {.options = {.snapshot_age_us = 1}};
  CHECK_OK(rig_open(&r, NULL, &err));
  const firn_property hour = {"history.expire.max-snapshot-age-ms", "3600000"};
  const firn_update set = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &hour}};
  commit_updates(&r, &set, 1);
  for (int i = 0; i < 5; i++) {
    put(&r, 1);
    drain(&r);
    wait_for(&r, 70 * 1000000);
  }
  assert_int_equal(table(&r)->n_snapshots, 5);
  const firn_property second = {"history.expire.max-snapshot-age-ms", "1000"};
  const firn_update set_shorter = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &second}};
  commit_updates(&r, &set_shorter, 1);
  put(&r, 1);
  drain(&r);
  assert_int_equal(table(&r)->n_snapshots, 1);
  const firn_property kept = {"gc.enabled", "false"};
  const firn_update keep = {.kind = FIRN_UPDATE_SET_PROPERTIES, .properties = {1, &kept}};
  commit_updates(&r, &keep, 1);
  for (int i = 0; i < 3; i++) {
    wait_for(&r, 70 * 1000000);
    put(&r, 1);
    drain(&r);
  }
  assert_int_equal(table(&r)->n_snapshots, 4);
}

static void an_expiry_that_fails_stops_nothing(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r = {.options = {.snapshot_age_us = 1}};
  CHECK_OK(rig_open(&r, NULL, &err));
  put(&r, 1);
  drain(&r);
  for (int i = 0; i < 4; i++) {
    wait_for(&r, 70 * 1000000);
    put(&r, 1);
    r.catalog.rival = NULL;
    r.catalog.skip = 1; /* the append */
    r.catalog.lost_after = i == 0;
    r.catalog.conflicts = i == 1;
    r.catalog.broken_after = i == 2;
    drain(&r); /* as if nothing had been */
    assert_int_equal(r.catalog.lost_after + r.catalog.conflicts + r.catalog.broken_after, 0);
  }
  assert_int_equal(table(&r)->n_snapshots, 1);
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  test_entries entries;
  CHECK_OK(test_read_snapshot(r.catalog.base.stores, r.ctx, r.catalog.metadata,
                              firn_metadata_current_snapshot(r.catalog.metadata), &arena, &entries, &err));
  assert_int_equal(entries.n_live, 5);
  assert_int_equal(entries.n_twice, 0);
}

/* --- memory --- */

static firn_status a_whole_life(void) {
  firn_error err;
  FIRN_AUTO_RIG r = {0};
  int64_t wait_us = 0;
  FIRN_TRY(rig_open(&r, NULL, &err));
  FIRN_TRY(put_files(&r, 1, &err));
  return step(&r, true, &wait_us, &err);
}

static void survives_oom(void **state) {
  (void)state;
  check_survives_oom(a_whole_life);
}

/* A failed allocation loses and doubles nothing when the step is tried again: each one in turn. */
static void no_memory_is_tried_again(void **state) {
  (void)state;
  firn_error err;
  for (size_t n = 0;; n += 7) {
    FIRN_AUTO_RIG r = {0};
    CHECK_OK(rig_open(&r, NULL, &err));
    put(&r, 2);
    int64_t wait_us;
    test_fail_allocation(n);
    firn_status status = step(&r, true, &wait_us, &err);
    bool failed = test_fail_allocation(SIZE_MAX);
    assert_true(failed || status == FIRN_OK);
    (void)drain_stubbornly(&r);
    check_right(&r);
    if (!failed) {
      break;
    }
  }
}

RUN_TESTS(what_waited_becomes_one_append, a_commit_waits_for_files_or_the_period,
          a_clock_that_goes_back_an_hour_delays_nothing, who_is_far_behind_takes_more_at_once_within_a_bound,
          it_goes_on_where_the_table_says, a_lost_answer_doubles_nothing, lost_races_are_run_again,
          a_catalog_that_is_locked_for_a_minute_is_tried_again, every_call_of_the_log_may_fail,
          every_call_of_the_store_may_fail, every_commit_may_go_wrong,
          two_committers_double_nothing_wherever_they_meet, what_another_has_committed_is_dropped,
          positions_that_others_drop_are_in_the_other_place, a_table_that_goes_back_is_read_again_from_there,
          positions_that_are_dropped_altogether_stop_it, a_table_that_was_made_in_another_way_is_committed_to,
          a_position_before_the_logs_start_stops_it, a_position_beyond_the_logs_end_stops_it,
          positions_that_cannot_be_read_stop_it, a_table_that_is_gone_stops_it,
          a_table_dropped_under_a_commit_stops_it, a_table_that_was_replaced_stops_it,
          a_record_that_cannot_be_read_stops_it_after_what_came_before, a_record_of_a_newer_version_stops_it,
          files_of_an_older_spec_are_taken_while_the_table_has_it, old_snapshots_are_expired_once_a_minute,
          a_tables_own_age_wins, an_expiry_that_fails_stops_nothing, survives_oom, no_memory_is_tried_again)
