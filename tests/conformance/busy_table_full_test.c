/* A week of commits every ten seconds: what the table is like then. Prints the figures that the documents
 * quote. An hour of snapshots is kept, and in the second test six, which is the default. */
#include "busy_table.h"

enum { WEEK = 7 * 24 * 360, DAY = 24 * 360, HOUR = 360 };

static void print_state(const busy_table *b, const busy_state *s, int64_t n) {
  (void)printf(
      "%6lld commits: %5zu snapshots, %3zu manifests, metadata %7zu bytes, %5zu objects of %9zu bytes, "
      "load %5lld us, commit %5lld us, slowest %6lld us\n",
      (long long)b->n_commits, s->n_snapshots, s->n_manifests, s->metadata_bytes, s->n_objects,
      s->objects_bytes, (long long)s->load_us, (long long)(b->total_us / n), (long long)b->slowest_us);
  (void)fflush(stdout);
}

static void run(int64_t n, int64_t stride, int64_t hours) {
  FIRN_AUTO_BUSY_TABLE b;
  busy_open(&b, hours * INT64_C(3600) * 1000000, 0);
  for (int64_t done = 0; done < n; done += stride) {
    b.total_us = b.slowest_us = 0;
    busy_run(&b, stride);
    busy_state s = busy_look(&b);
    print_state(&b, &s, stride);
    assert_int_equal(s.n_files, b.n_commits);
    assert_in_range(s.n_snapshots, hours * HOUR, hours * HOUR + 10);
    assert_true(s.n_metadata_files <= 21);
    assert_true(s.n_manifests <= 110); /* a hundred, and full ones */
    assert_true(s.n_objects <= 2 * s.n_snapshots + 100 + 30 + 21);
  }
}

static void a_week_of_commits_leaves_a_table_that_is_quick(void **state) {
  (void)state;
  run(WEEK, DAY, 1);
}

static void a_day_with_six_hours_of_snapshots(void **state) {
  (void)state;
  run(DAY, DAY / 4, 6);
}

RUN_TESTS(a_week_of_commits_leaves_a_table_that_is_quick, a_day_with_six_hours_of_snapshots)
