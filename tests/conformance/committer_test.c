/* The committer with several tables, a real catalog and a log on the disk. */
#include <stdio.h>

#include "catalogs/catalogs.h"
#include "events/archive.h"
#include "events/commit_record.h"
#include "services/committer/committer.h"
#include "services/committer/positions.h"
#include "test_table.h"

/* Passes on to another catalog; commits to one table go wrong when a test asks for it. */
typedef struct hurdle {
  firn_catalog base;
  firn_catalog *inner;
  const char *name; /* of the table */
  firn_status status;
  bool is_done; /* the commit is carried out all the same */
  int n_times;
} hurdle;

static firn_status hurdle_load(firn_catalog *self, firn_ctx *ctx, const firn_table_id *id, firn_table *out,
                               firn_error *err) {
  hurdle *h = (hurdle *)self;
  return h->inner->ops->table_load(h->inner, ctx, id, out, err);
}

static firn_status hurdle_commit(firn_catalog *self, firn_ctx *ctx, const firn_table_commit *commits,
                                 size_t n, firn_table *out, firn_error *err) {
  hurdle *h = (hurdle *)self;
  if (h->n_times == 0 || strcmp(commits->table.name, h->name) != 0) {
    return h->inner->ops->commit(h->inner, ctx, commits, n, out, err);
  }
  h->n_times--;
  if (h->is_done) {
    CHECK_STATUS(h->inner->ops->commit(h->inner, ctx, commits, n, out, err), FIRN_OK);
    firn_table_release(out);
  }
  return firn_error_set(err, h->status, "a hurdle");
}

static const firn_catalog_ops hurdle_ops = {
    .kind = "hurdle", .table_load = hurdle_load, .commit = hurdle_commit};

typedef struct rig {
  firn_ctx *ctx;
  char folder[4096];
  firn_store *store;
  firn_stores *stores;
  firn_catalog *catalog;
  hurdle hurdle;
  firn_commit_log *log;
  firn_committer *committer;
  firn_table_id ids[FIRN_ARCHIVE_N_TABLES];
  size_t n_followed;
  uint64_t n_records;
  int n_files[FIRN_ARCHIVE_N_TABLES];
} rig;

static void rig_start(rig *r) {
  firn_error err;
  CHECK_OK(firn_local_commit_log_open(r->folder, r->ctx, &r->log, &err));
  const firn_committer_options options = {.log = r->log,
                                          .catalog = &r->hurdle.base,
                                          .n_tables = r->n_followed,
                                          .tables = r->ids,
                                          .keep_up_records = 8,
                                          .snapshot_age_us = -1};
  CHECK_OK(firn_committer_open(&options, r->ctx, &r->committer, &err));
}

static void rig_stop(rig *r) {
  firn_committer_close(FIRN_HAND_OVER(r->committer));
  firn_commit_log_close(FIRN_HAND_OVER(r->log));
}

static void rig_close(rig *r) {
  rig_stop(r);
  firn_catalog_close(r->catalog);
  firn_stores_close(r->stores);
  firn_store_close(r->store);
}
#define FIRN_AUTO_RIG FIRN_AUTO(rig_close) rig

static void rig_open(rig *r, size_t n_followed) {
  static const char *const levels[] = {"cloudevent"};
  firn_error err;
  *r = (rig){.ctx = test_ctx(), .n_followed = n_followed};
  (void)snprintf(r->folder, sizeof r->folder, "%s/commits", test_folder());
  CHECK_OK(firn_memory_store_open(0, &r->store, &err));
  CHECK_OK(firn_stores_open(r->ctx->env, &r->stores, &err));
  CHECK_OK(firn_stores_add(r->stores, "memory", "lake", r->store, &err));
  CHECK_OK(firn_catalog_open(r->ctx, "memory:", "memory://lake", r->stores, &r->catalog, &err));
  r->hurdle = (hurdle){.base = {.ops = &hurdle_ops, .stores = r->stores}, .inner = r->catalog};
  const firn_namespace ns = {1, levels};
  CHECK_OK(firn_catalog_namespace_create(r->catalog, r->ctx, &ns, NULL, &err));
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    const firn_archive_table kind = (firn_archive_table)t;
    r->ids[t] = (firn_table_id){.ns = ns, .name = firn_archive_table_name(kind)};
    const firn_table_create how = {.schema = firn_archive_schema(kind), .spec = firn_archive_spec(kind)};
    CHECK_OK(firn_catalog_table_create(r->catalog, r->ctx, &r->ids[t], &how, NULL, &err));
  }
  rig_start(r);
}

/* A record with so many files for each table. */
static void put(rig *r, const int n_files[FIRN_ARCHIVE_N_TABLES]) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_table loaded[FIRN_ARCHIVE_N_TABLES] = {0};
  firn_commit_record_table tables[FIRN_ARCHIVE_N_TABLES];
  const firn_metadata *metadata[FIRN_ARCHIVE_N_TABLES];
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    CHECK_OK(firn_catalog_table_load(r->catalog, r->ctx, &r->ids[t], &loaded[t], &err));
    firn_data_file *files = firn_new_n(&arena, firn_data_file, (size_t)n_files[t]);
    for (int i = 0; i < n_files[t]; i++) {
      files[i] = test_data_file(
          firn_arena_printf(&arena, "memory://lake/%s/%d.parquet", r->ids[t].name, r->n_files[t]++), 20254,
          &arena);
    }
    metadata[t] = loaded[t].metadata;
    tables[t] = (firn_commit_record_table){.n_levels = 1,
                                           .levels = r->ids[t].ns.levels,
                                           .name = r->ids[t].name,
                                           .uuid = firn_metadata_get(metadata[t])->table_uuid,
                                           .n_files = (size_t)n_files[t],
                                           .files = files};
  }
  const firn_commit_record record = {.journal = "j",
                                     .first = r->n_records,
                                     .next = r->n_records + 1,
                                     .accepted_us = firn_ctx_now_us(r->ctx),
                                     .n_tables = FIRN_ARCHIVE_N_TABLES,
                                     .tables = tables};
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(0);
  firn_log_position at;
  CHECK_OK(firn_commit_record_write(&record, metadata, &json, &err));
  CHECK_OK(firn_commit_log_append(r->log, r->ctx, firn_builder_bytes(&json), &at, &err));
  assert_int_equal(at.next, r->n_records);
  r->n_records++;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_table_release(&loaded[t]);
  }
}

static firn_status drain(rig *r, firn_error *err) {
  for (int64_t wait_us = 0; wait_us != FIRN_STEP_IDLE;) {
    FIRN_TRY(firn_committer_service.step(r->committer, r->ctx, true, &wait_us, err));
  }
  return FIRN_OK;
}

static size_t count_files(rig *r, int t) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  test_entries entries;
  CHECK_OK(firn_catalog_table_load(r->catalog, r->ctx, &r->ids[t], &table, &err));
  CHECK_OK(test_read_snapshot(r->stores, r->ctx, table.metadata,
                              firn_metadata_current_snapshot(table.metadata), &arena, &entries, &err));
  assert_int_equal(entries.n_twice, 0);
  return entries.n_live;
}

static void check_right(rig *r) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    assert_int_equal(count_files(r, t), r->n_files[t]);
  }
}

static uint64_t stored_of(rig *r, int t) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_TABLE table = {0};
  firn_log_positions p;
  CHECK_OK(firn_catalog_table_load(r->catalog, r->ctx, &r->ids[t], &table, &err));
  CHECK_OK(firn_positions_of(table.metadata, r->log->id, "main", &arena, &p, &err));
  return firn_positions_get(&p, 0);
}

/* --- tests --- */

static const int one_each[] = {1, 1, 1}, two_valid[] = {2, 0, 0}, dead[] = {0, 0, 1};

static void every_file_goes_to_its_table(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r;
  rig_open(&r, FIRN_ARCHIVE_N_TABLES);
  put(&r, one_each);
  put(&r, two_valid);
  put(&r, dead);
  CHECK_OK(drain(&r, &err));
  check_right(&r);
  assert_int_equal(stored_of(&r, FIRN_ARCHIVE_VALID), 3);
  assert_int_equal(stored_of(&r, FIRN_ARCHIVE_PARTIAL), 3);
  assert_int_equal(stored_of(&r, FIRN_ARCHIVE_DEAD_LETTER), 3);
}

/* Each table in turn, each failure: the others go on, and nothing is doubled when it comes after. */
static void a_table_that_fails_holds_up_no_other(void **state) {
  (void)state;
  static const firn_status statuses[] = {FIRN_BUSY, FIRN_IO, FIRN_DENIED, FIRN_UNCERTAIN};
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    for (size_t s = 0; s < 2 * FIRN_COUNT_OF(statuses); s++) {
      firn_error err;
      if (statuses[s / 2] == FIRN_DENIED && s % 2 == 1) {
        continue; /* who is denied may be sure that nothing happened */
      }
      FIRN_AUTO_RIG r;
      rig_open(&r, FIRN_ARCHIVE_N_TABLES);
      put(&r, one_each);
      CHECK_OK(drain(&r, &err));
      put(&r, one_each);
      r.hurdle.name = r.ids[t].name;
      r.hurdle.n_times = 100;
      r.hurdle.status = statuses[s / 2];
      r.hurdle.is_done = s % 2 == 1;
      firn_status status = drain(&r, &err);
      assert_true(status != FIRN_OK || r.hurdle.is_done);
      for (int other = 0; other < FIRN_ARCHIVE_N_TABLES; other++) {
        assert_true(other == t || count_files(&r, other) == 2);
      }
      put(&r, two_valid);
      r.hurdle.n_times = 0;
      CHECK_OK(drain(&r, &err));
      check_right(&r);
    }
  }
}

static void a_restart_takes_what_is_left(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r;
  rig_open(&r, FIRN_ARCHIVE_N_TABLES);
  for (int i = 0; i < 30; i++) {
    put(&r, i % 10 == 3 ? one_each : two_valid);
    if (i % 3 == 0) {
      CHECK_OK(drain(&r, &err));
    }
    if (i % 7 == 0) {
      rig_stop(&r);
      rig_start(&r);
    }
  }
  CHECK_OK(drain(&r, &err));
  check_right(&r);
  /* Idle tables are kept within eight records of the end. */
  assert_true(stored_of(&r, FIRN_ARCHIVE_DEAD_LETTER) + 8 >= 30);
}

/* Tables that nobody named are committed to when a record has files for them. */
static void tables_that_are_met_in_the_log_are_committed_to(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r;
  rig_open(&r, 0);
  put(&r, one_each);
  CHECK_OK(drain(&r, &err));
  rig_stop(&r);
  rig_start(&r);
  put(&r, dead);
  CHECK_OK(drain(&r, &err));
  check_right(&r);
}

/* A table that is not there yet, and for which nothing comes, does no harm. */
static void a_table_that_is_not_there_is_not_waited_for(void **state) {
  (void)state;
  firn_error err;
  FIRN_AUTO_RIG r;
  rig_open(&r, FIRN_ARCHIVE_N_TABLES);
  CHECK_OK(firn_catalog_table_drop(r.catalog, r.ctx, &r.ids[FIRN_ARCHIVE_PARTIAL], &err));
  const firn_table_id later = {.ns = r.ids[0].ns, .name = "partial"};
  const firn_table_create how = {.schema = firn_archive_schema(FIRN_ARCHIVE_PARTIAL),
                                 .spec = firn_archive_spec(FIRN_ARCHIVE_PARTIAL)};
  CHECK_OK(drain(&r, &err));
  CHECK_OK(firn_catalog_table_create(r.catalog, r.ctx, &later, &how, NULL, &err));
  for (int i = 0; i < 12; i++) {
    put(&r, two_valid);
    CHECK_OK(drain(&r, &err));
  }
  put(&r, one_each);
  CHECK_OK(drain(&r, &err));
  check_right(&r);
}

RUN_TESTS(every_file_goes_to_its_table, a_table_that_fails_holds_up_no_other, a_restart_takes_what_is_left,
          tables_that_are_met_in_the_log_are_committed_to, a_table_that_is_not_there_is_not_waited_for)
