/* A table that is committed to every ten seconds stays quick to load: at a smaller scale what
 * busy_table_full_test.c shows for a week. */
#include "busy_table.h"

enum { ROUND = 150, SNAPSHOTS = 30, KEEP_UP = 60 };

static const int64_t age_us = INT64_C(10) * SNAPSHOTS * 1000000;

/* A commit more or less: what the last look of a minute left, what the next will take. */
static void check_like(size_t now, size_t before, size_t more) {
  assert_true(now <= before + more && before <= now + more);
}

static void commits_every_ten_seconds_leave_a_table_that_is_quick_to_load(void **state) {
  (void)state;
  FIRN_AUTO_BUSY_TABLE b;
  busy_open(&b, age_us, 0);
  busy_run(&b, ROUND);
  busy_state first = busy_look(&b);
  busy_run(&b, 2 * ROUND);
  busy_state second = busy_look(&b);
  assert_int_equal(second.n_files, b.n_commits); /* every file, of course */
  assert_in_range(second.n_snapshots, SNAPSHOTS, SNAPSHOTS + 8);
  check_like(second.n_snapshots, first.n_snapshots, 7);
  assert_true(second.n_manifests <= 102);                                     /* merged at a hundred */
  assert_true(first.n_metadata_files <= 21 && second.n_metadata_files <= 21); /* twenty before the newest */
  check_like(second.metadata_bytes, first.metadata_bytes, 8 * 1000);
  /* Lists and small manifests of what is kept, manifests that they were merged into, metadata files: */
  assert_true(second.n_objects <= second.n_snapshots + (second.n_snapshots + 100) + 4 + 21);
}

/* The tables for which nothing comes do not hold the log, nor are they left behind its start. */
static void idle_tables_keep_up_with_the_log(void **state) {
  (void)state;
  FIRN_AUTO_BUSY_TABLE b;
  busy_open(&b, age_us, KEEP_UP);
  size_t n_property_commits = 0;
  for (int i = 0; i < 16; i++) {
    firn_error err;
    FIRN_AUTO_TABLE table = {0};
    busy_run(&b, 5);
    CHECK_OK(firn_catalog_table_load(b.catalog, b.ctx, &b.ids[FIRN_ARCHIVE_PARTIAL], &table, &err));
    assert_int_equal(firn_metadata_get(table.metadata)->n_snapshots, 0); /* never a snapshot for it */
    n_property_commits = firn_metadata_get(table.metadata)->n_metadata_log;
    const char *property =
        firn_metadata_property(table.metadata, "firn.positions.0197f1a2-0000-7000-8000-00000000c001");
    uint64_t stored = property == NULL ? 0 : strtoull(property + strlen("{\"0\":"), NULL, 10);
    assert_int_equal(b.log.first, stored); /* what the log has freed, the idle table has passed */
    assert_true(b.log.next - stored <= KEEP_UP);
  }
  assert_int_equal(n_property_commits, 1); /* lazily: once in so many records */
}

RUN_TESTS(commits_every_ten_seconds_leave_a_table_that_is_quick_to_load, idle_tables_keep_up_with_the_log)
