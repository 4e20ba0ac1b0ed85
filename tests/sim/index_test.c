/* The index on a disk that forgets: rows and notes never part, and what a commit promised is there. */
#include "index/index.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/world.h"
#include "test.h"

enum { ROWS = 40, LOADS = 12 };

static firn_status open_index(world *w, firn_index **out) {
  FIRN_TRY(firn_folder_make_all(&w->ctx, "/data", NULL));
  return firn_sqlite_index_open("/data/index.db", &w->ctx, out, NULL);
}

static firn_status add_row(firn_index_load *l, world *w, int64_t file, int64_t row) {
  char id[32];
  (void)snprintf(id, sizeof id, "%" PRId64 "-%" PRId64, file, row);
  const firn_index_row r = {
      .subject = FIRN_LITERAL("s"),
      .has_time = true,
      .time_us = file * ROWS + row,
      .type = FIRN_LITERAL("t"),
      .id = firn_bytes_of(id),
      .extras = row % 2 == 0 ? FIRN_LITERAL("{\"tags\":[\"even\"]}") : FIRN_LITERAL("{}"),
      .row = row};
  return firn_index_load_row(l, &w->ctx, &r, NULL);
}

static void path_of(int64_t n, char path[32]) {
  (void)snprintf(path, 32, "%" PRId64 ".parquet", n);
}

/* File `n` comes, file n - 2 goes, the note says so. */
static firn_status load(firn_index *index, world *w, int64_t n) {
  firn_index_load *begun = NULL;
  char path[32], note[32];
  FIRN_TRY(firn_index_load_begin(index, &w->ctx, &begun, NULL));
  FIRN_AUTO_INDEX_LOAD *l = begun;
  path_of(n, path);
  FIRN_TRY(firn_index_load_file(l, &w->ctx, "t", path, NULL));
  for (int64_t row = 0; row < ROWS; row++) {
    FIRN_TRY(add_row(l, w, n, row));
  }
  path_of(n - 2, path);
  FIRN_TRY(firn_index_load_gone(l, &w->ctx, path, NULL));
  (void)snprintf(note, sizeof note, "%" PRId64, n);
  FIRN_TRY(firn_index_load_note(l, &w->ctx, "n", note, NULL));
  return firn_index_load_commit(l, &w->ctx, NULL);
}

/* Loads from 1 on; how many were promised. */
static int64_t live(world *w) {
  firn_index *opened = NULL;
  int64_t n = 0;
  if (open_index(w, &opened) != FIRN_OK) {
    return 0;
  }
  FIRN_AUTO_INDEX *index = opened;
  while (n < LOADS && load(index, w, n + 1) == FIRN_OK) {
    n++;
  }
  return n;
}

static size_t found(firn_index *index, world *w, firn_index_query q) {
  firn_error err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_index_hits hits;
  q.limit = FIRN_INDEX_MAX_LIMIT;
  CHECK_OK(firn_index_search(index, &w->ctx, &q, &arena, &hits, &err));
  return hits.n;
}

/* How many loads are there, with all that they brought and nothing else. */
static int64_t check(world *w) {
  firn_error err;
  FIRN_AUTO_INDEX *index = NULL;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *note;
  CHECK_OK(open_index(w, &index));
  CHECK_OK(firn_index_note(index, &w->ctx, "n", &arena, &note, &err));
  int64_t n = note == NULL ? 0 : strtoll(note, NULL, 10);
  size_t n_live = n > 2 ? 2 : (size_t)n;
  const firn_bytes even = FIRN_LITERAL("even");
  assert_int_equal(found(index, w, (firn_index_query){0}), n_live * ROWS);
  assert_int_equal(found(index, w, (firn_index_query){.subject = FIRN_LITERAL("s")}), n_live * ROWS);
  assert_int_equal(found(index, w, (firn_index_query){.n_tags = 1, .tags = &even}), n_live * ROWS / 2);
  for (int64_t i = -1; i <= LOADS; i++) {
    char path[32];
    firn_index_file_state file;
    path_of(i, path);
    CHECK_OK(firn_index_file_state_of(index, &w->ctx, firn_bytes_of(path), &file, &err));
    firn_index_file_state wanted = i > n       ? FIRN_INDEX_FILE_UNKNOWN
                                   : i > n - 2 ? FIRN_INDEX_FILE_LIVE
                                               : FIRN_INDEX_FILE_GONE;
    if (i > 0 || n > 0) { /* before the first load nothing is gone */
      assert_int_equal(file, i <= 0 && i > n - 2 ? FIRN_INDEX_FILE_UNKNOWN : wanted);
    }
  }
  return n;
}

static void rows_and_notes_survive_a_cut_at_every_operation(void **state) {
  (void)state;
  int64_t n_promised = 0;
  for (uint64_t seed = 1; seed < 300; seed++) {
    world w;
    world_open(&w, "index", seed);
    disk_cut_power_at(w.disk, seed % 150 + 1);
    int64_t promised = live(&w);
    disk_crash(w.disk, seed);
    int64_t there = check(&w);
    if (there != promised && there != promised + 1) {
      fail_msg("seed %" PRIu64 ": %" PRId64 " loads promised, %" PRId64 " there", seed, promised, there);
    }
    n_promised += promised;
    world_close(&w);
  }
  assert_true(n_promised > 300);
}

static void a_full_disk_leaves_what_was_there(void **state) {
  (void)state;
  int64_t n_promised = 0;
  for (uint64_t seed = 1; seed < 150; seed++) {
    world w;
    world_open(&w, "index", seed);
    disk_fill_at(w.disk, seed, 3);
    int64_t promised = live(&w);
    disk_fill_at(w.disk, 0, 0); /* somebody has made room */
    int64_t there = check(&w);
    assert_true(there == promised || there == promised + 1); /* one whose answer was uncertain */
    n_promised += promised;
    world_close(&w);
  }
  assert_true(n_promised > 150);
}

/* A part of its first page was taken for a file whose end is missing, and firn did not start any more. */
static void an_index_that_the_power_cut_while_it_was_made_is_made_anew(void **state) {
  (void)state;
  firn_error err;
  for (uint64_t seed = 0; seed < 900; seed++) {
    world w;
    firn_index *index = NULL;
    world_open(&w, "index", seed);
    disk_cut_power_at_one(w.disk, NULL, "/index.db", seed % 3 + 7); /* its first page */
    if (open_index(&w, &index) == FIRN_OK) {
      firn_index_close(index);
    }
    disk_crash(w.disk, seed);
    CHECK_OK(firn_folder_make_all(&w.ctx, "/data", &err));
    CHECK_OK(firn_sqlite_index_open("/data/index.db", &w.ctx, &index, &err));
    firn_index_close(index);
    world_close(&w);
  }
}

RUN_TESTS(an_index_that_the_power_cut_while_it_was_made_is_made_anew,
          rows_and_notes_survive_a_cut_at_every_operation, a_full_disk_leaves_what_was_there)
