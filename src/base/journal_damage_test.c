/* What an open makes of a journal that was cut, changed or half written, and of a disk that fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/journal_internal.h"
#include "failing_files.h"
#include "journal_records.h"
#include "test.h"

static firn_error err;
static failing_files files; /* over the system's, without syncs unless said otherwise */
static char folder[4200];

static void fresh_folder(void) {
  failing_files_init(&files, test_ctx());
  files.skips_sync = true;
  (void)snprintf(folder, sizeof folder, "%s/events", test_folder());
}

static firn_status open_journal(firn_journal **out) {
  firn_journal_options options = {.folder = folder, .kind = "events", .segment_bytes = 3000};
  return firn_journal_open(&options, &files.ctx, out, &err);
}

/* --- a journal to be damaged --- */

enum { GROUP = 4, MOST_SEGMENTS = 16, N_RECORDS = 46 };

typedef struct image {
  uint64_t next;
  size_t n;
  uint64_t first[MOST_SEGMENTS];
  firn_bytes bytes[MOST_SEGMENTS];
} image;

static void path_of(uint64_t first, const char *ending, char *out) {
  CHECK_OK(firn_journal_path(folder, first, ending, out, &err));
}

static void write_file(const char *path, firn_bytes bytes) {
  (void)unlink(path); /* to shorten it would make some file systems write it out */
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes.data, 1, bytes.len, f), bytes.len);
  assert_int_equal(fclose(f), 0);
}

/* Records in synced groups of four, as files. Of journals of other numbers the ids differ. */
static void make_image_of(int number, image *out, uint64_t n_records) {
  fresh_folder();
  for (int i = 0; i < number; i++) {
    (void)test_random();
  }
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  for (uint64_t i = 0; i < n_records; i++) {
    CHECK_OK(journal_record_add(j, &files.ctx, &err));
    if (i % GROUP == GROUP - 1) {
      CHECK_OK(firn_journal_sync(j, &files.ctx, NULL, &err));
    }
  }
  *out = (image){.next = n_records, .n = j->n_segments};
  assert_in_range(j->n_segments, 3, MOST_SEGMENTS);
  for (size_t i = 0; i < j->n_segments; i++) {
    char path[FIRN_JOURNAL_PATH_BYTES];
    out->first[i] = j->segments[i].first;
    path_of(out->first[i], "", path);
    out->bytes[i] = test_read_file(path);
  }
  firn_journal_close(j);
}

static void make_image(image *out, uint64_t n_records) {
  make_image_of(0, out, n_records);
}

static void free_image(image *m) {
  for (size_t i = 0; i < m->n; i++) {
    firn_free((void *)(uintptr_t)m->bytes[i].data);
  }
}

/* The folder holds the image and nothing else. */
static void put_back(const image *m) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_file_name *names = NULL;
  size_t n = 0;
  char path[2 * FIRN_JOURNAL_PATH_BYTES];
  CHECK_OK(firn_folder_list(test_ctx(), folder, &arena, &names, &n, &err));
  for (size_t i = 0; i < n; i++) {
    (void)snprintf(path, sizeof path, "%s/%s", folder, names[i].name);
    assert_int_equal(unlink(path), 0);
  }
  for (size_t i = 0; i < m->n; i++) {
    path_of(m->first[i], "", path);
    write_file(path, m->bytes[i]);
  }
}

static void put_segment(const image *m, size_t i, firn_bytes bytes) {
  char path[FIRN_JOURNAL_PATH_BYTES];
  path_of(m->first[i], "", path);
  write_file(path, bytes);
}

/* It opens, holds just the records before `next`, and goes on. `torn` is what was put aside. */
static void check_opens(uint64_t first, uint64_t next, firn_bytes torn) {
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  assert_int_equal(firn_journal_first(j), first);
  assert_int_equal(firn_journal_next(j), next);
  uint64_t size_bytes;
  const char *path = firn_journal_torn(j, &size_bytes);
  assert_int_equal(path != NULL, torn.len > 0);
  if (path != NULL) {
    firn_bytes aside = test_read_file(path);
    assert_true(firn_bytes_equal(aside, torn));
    assert_int_equal(size_bytes, torn.len);
    firn_free((void *)(uintptr_t)aside.data);
  }
  CHECK_OK(journal_record_add(j, &files.ctx, &err));
  CHECK_OK(firn_journal_sync(j, &files.ctx, NULL, &err));
  uint64_t from = first;
  CHECK_OK(journal_records_read(j, &files.ctx, &from, &err));
  assert_int_equal(from, next + 1);
  firn_journal_close(j);
}

static void check_is_corrupt(const char *says) {
  firn_journal *j = NULL;
  CHECK_STATUS(open_journal(&j), FIRN_CORRUPT);
  CHECK_SAYS(folder);
  CHECK_SAYS(says);
}

/* Where the records of a segment stand; a further one for its end. */
static size_t offsets_of(const image *m, size_t i, size_t *offsets) {
  size_t n = 0, at = FIRN_JOURNAL_HEAD_BYTES;
  while (at < m->bytes[i].len) {
    uint8_t unused[JOURNAL_RECORD_MOST];
    offsets[n] = at;
    at += (size_t)firn_journal_record_bytes(journal_record(m->first[i] + n++, unused));
  }
  assert_int_equal(at, m->bytes[i].len);
  offsets[n] = at;
  return n;
}

/* --- damage --- */

static void every_cut_of_the_newest_is_a_torn_end(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  size_t last = m.n - 1, offsets[64], n = offsets_of(&m, last, offsets), whole = 0;
  assert_true(n > 4);
  for (size_t len = 0; len < m.bytes[last].len; len++) {
    put_back(&m);
    put_segment(&m, last, (firn_bytes){m.bytes[last].data, len});
    if (len < FIRN_JOURNAL_HEAD_BYTES) {
      check_is_corrupt("too few for the head");
      continue;
    }
    whole = offsets[whole + 1] <= len ? whole + 1 : whole;
    check_opens(0, m.first[last] + whole,
                firn_bytes_part(m.bytes[last], offsets[whole], len - offsets[whole]));
  }
  free_image(&m);
}

static void every_cut_elsewhere_is_damage(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  for (size_t len = FIRN_JOURNAL_HEAD_BYTES; len < m.bytes[1].len; len += 11) {
    put_back(&m);
    put_segment(&m, 1, (firn_bytes){m.bytes[1].data, len});
    check_is_corrupt("from a copy");
  }
  free_image(&m);
}

/* What a changed byte at `at` in the newest segment must come to. */
static void check_flip_in_newest(const image *m, size_t at, const size_t *offsets, size_t n, firn_bytes now) {
  if (at < FIRN_JOURNAL_HEAD_BYTES) {
    check_is_corrupt("the head is damaged");
    return;
  }
  size_t i = 0;
  while (offsets[i + 1] <= at) {
    i++;
  }
  uint64_t position = m->first[m->n - 1] + i, known = (m->next - 1) / GROUP * GROUP; /* by the last record */
  if (position < known && i + 1 < n) {
    char says[64];
    (void)snprintf(says, sizeof says, "record %" PRIu64 " at byte %zu was durable", position, offsets[i]);
    check_is_corrupt(says);
  } else {
    check_opens(0, position, firn_bytes_part(now, offsets[i], SIZE_MAX));
  }
}

static void every_changed_byte_is_found(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  size_t offsets[64], n = offsets_of(&m, m.n - 1, offsets);
  for (size_t segment = 0; segment < m.n; segment++) {
    bool is_last = segment + 1 == m.n;
    for (size_t at = 0; at < m.bytes[segment].len; at += is_last ? 1 : 11) {
      firn_bytes was = m.bytes[segment];
      uint8_t *changed = firn_alloc_raw(was.len);
      assert_non_null(changed);
      memcpy(changed, was.data, was.len);
      changed[at] ^= (uint8_t)(1U << at % 8);
      put_back(&m);
      put_segment(&m, segment, (firn_bytes){changed, was.len});
      if (is_last) {
        check_flip_in_newest(&m, at, offsets, n, (firn_bytes){changed, was.len});
      } else {
        check_is_corrupt("from a copy");
      }
      firn_free(changed);
    }
  }
  free_image(&m);
}

/* Sectors arrive in any order: one that was not synced may be missing before one that arrived. */
static void an_unsynced_record_may_be_missing_before_another(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS); /* the last two are not synced, nor known to be */
  size_t last = m.n - 1, offsets[64], n = offsets_of(&m, last, offsets);
  firn_bytes was = m.bytes[last];
  uint8_t *changed = firn_alloc_raw(was.len);
  assert_non_null(changed);
  memcpy(changed, was.data, was.len);
  memset(changed + offsets[n - 2], 0, offsets[n - 1] - offsets[n - 2]);
  put_segment(&m, last, (firn_bytes){changed, was.len});
  check_opens(0, N_RECORDS - 2, (firn_bytes){changed + offsets[n - 2], was.len - offsets[n - 2]});
  /* The one before was synced, and both of these know it. */
  memcpy(changed, was.data, was.len);
  memset(changed + offsets[n - 3], 0, offsets[n - 2] - offsets[n - 3]);
  put_back(&m);
  put_segment(&m, last, (firn_bytes){changed, was.len});
  check_is_corrupt("record 43 at byte");
  firn_free(changed);
  free_image(&m);
}

static void what_lies_behind_the_end_is_no_record(void **state) {
  (void)state;
  image m, other;
  make_image_of(1, &other, N_RECORDS + 4); /* the same records and more, in another journal */
  make_image(&m, N_RECORDS);
  size_t last = m.n - 1, offsets[64], n = offsets_of(&m, last, offsets);
  firn_bytes was = m.bytes[last], foreign = other.bytes[last];
  assert_int_equal(m.first[last], other.first[last]);
  assert_true(foreign.len > was.len);
  static uint8_t longer[20000];
  const firn_bytes behind[] = {
      FIRN_LITERAL("x"),
      {(const uint8_t[100]){0}, 100},
      firn_bytes_part(was, offsets[0], SIZE_MAX),     /* its own records once more */
      firn_bytes_part(was, offsets[n - 1], SIZE_MAX), /* the newest of them */
      firn_bytes_part(foreign, was.len, SIZE_MAX),    /* right behind the last, were it not for the id */
  };
  for (size_t i = 0; i < FIRN_COUNT_OF(behind); i++) {
    memcpy(longer, was.data, was.len);
    memcpy(longer + was.len, behind[i].data, behind[i].len);
    put_back(&m);
    put_segment(&m, last, (firn_bytes){longer, was.len + behind[i].len});
    check_opens(0, N_RECORDS, behind[i]);
  }
  free_image(&m);
  free_image(&other);
}

/* Somebody posts a journal into the journal, and the write is torn: what is in it proves nothing. */
static void a_record_within_a_payload_is_none(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  put_back(&m);
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  uint64_t position;
  firn_bytes payload = m.bytes[m.n - 1];
  CHECK_OK(firn_journal_add(j, &files.ctx, &payload, 1, &position, &err));
  uint64_t first = j->segments[j->n_segments - 1].first,
           size_bytes = j->segments[j->n_segments - 1].size_bytes;
  firn_journal_close(j);
  char path[FIRN_JOURNAL_PATH_BYTES];
  path_of(first, "", path);
  assert_int_equal(truncate(path, (off_t)size_bytes - 8), 0);
  CHECK_OK(open_journal(&j));
  assert_int_equal(firn_journal_next(j), N_RECORDS);
  firn_journal_close(j);
  free_image(&m);
}

static void a_missing_segment_is_damage(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  char path[FIRN_JOURNAL_PATH_BYTES];
  for (size_t i = 1; i + 1 < m.n; i++) {
    put_back(&m);
    path_of(m.first[i], "", path);
    assert_int_equal(unlink(path), 0);
    check_is_corrupt("restore what is missing");
  }
  put_back(&m);
  path_of(m.first[0], "", path);
  assert_int_equal(unlink(path), 0);
  check_opens(m.first[1], N_RECORDS, (firn_bytes){NULL, 0}); /* as after a free */
  free_image(&m);
}

static void a_segment_of_another_journal_is_refused(void **state) {
  (void)state;
  image m, other;
  make_image(&other, N_RECORDS);
  make_image(&m, N_RECORDS);
  assert_int_equal(m.first[1], other.first[1]);
  uint8_t *bytes = firn_alloc_raw(other.bytes[1].len);
  assert_non_null(bytes);
  memcpy(bytes, other.bytes[1].data, other.bytes[1].len);
  firn_journal_head head;
  CHECK_OK(firn_journal_head_read(other.bytes[1], &head, &err));
  head.id.bytes[3] ^= 1;
  firn_journal_head_write(&head, bytes);
  put_segment(&m, 1, (firn_bytes){bytes, other.bytes[1].len});
  check_is_corrupt("belongs to another journal");
  firn_free(bytes);
  put_back(&m);
  put_segment(&m, 1, m.bytes[0]);
  check_is_corrupt("its head says that it begins with record 0");
  free_image(&m);
  free_image(&other);
}

static void a_newer_version_is_refused(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  uint8_t *bytes = (uint8_t *)(uintptr_t)m.bytes[0].data;
  bytes[8]++;
  uint64_t check = firn_xxh3(0, (firn_bytes){bytes, 56});
  for (size_t i = 0; i < 8; i++) {
    bytes[56 + i] = (uint8_t)(check >> (8 * i));
  }
  put_back(&m);
  firn_journal *j = NULL;
  CHECK_STATUS(open_journal(&j), FIRN_UNSUPPORTED);
  CHECK_SAYS("by a newer firn");
  free_image(&m);
}

/* What a crash can leave of a segment that was being made, or freed, is nothing. */
static void half_made_and_half_freed_segments_go(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  put_back(&m);
  char path[FIRN_JOURNAL_PATH_BYTES];
  path_of(N_RECORDS, ".new", path);
  write_file(path, firn_bytes_part(m.bytes[0], 0, 40));
  put_segment(&m, 0, (firn_bytes){(const uint8_t *)"", 0});
  put_segment(&m, 1, FIRN_LITERAL("-"));
  check_opens(m.first[2], N_RECORDS, (firn_bytes){NULL, 0});
  assert_int_not_equal(access(path, F_OK), 0);
  path_of(m.first[0], "", path);
  assert_int_not_equal(access(path, F_OK), 0);
  put_back(&m);
  put_segment(&m, 1, (firn_bytes){(const uint8_t *)"", 0}); /* the first is whole: this one was not freed */
  check_is_corrupt("too few for the head");
  free_image(&m);
}

static void damage_after_the_open_is_found_by_a_reader(void **state) {
  (void)state;
  image m;
  make_image(&m, 40);
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  char path[FIRN_JOURNAL_PATH_BYTES];
  uint64_t from = 0;
  path_of(0, "", path);
  assert_int_equal(truncate(path, (off_t)m.bytes[0].len - 8), 0);
  CHECK_STATUS(journal_records_read(j, &files.ctx, &from, &err), FIRN_CORRUPT);
  CHECK_SAYS("was durable and is damaged");
  assert_int_equal(from, m.first[1] - 1); /* those before it were right */
  firn_journal_close(j);
  free_image(&m);
}

/* What firn has written in version 1 of the format it reads forever. */
static void opens_a_journal_of_version_1(void **state) {
  (void)state;
  fresh_folder();
  CHECK_OK(firn_folder_make(&files.ctx, folder, &err));
  static const uint64_t firsts[] = {11, 13, 20, 24, 27};
  for (size_t i = 0; i < FIRN_COUNT_OF(firsts); i++) {
    char path[FIRN_JOURNAL_PATH_BYTES];
    CHECK_OK(firn_journal_path("tests/data/journal.v1", firsts[i], "", path, &err));
    firn_bytes bytes = test_read_file(path);
    path_of(firsts[i], "", path);
    write_file(path, bytes);
    firn_free((void *)(uintptr_t)bytes.data);
  }
  for (uint64_t next = 30; next < 32; next++) { /* again with what is written now behind it */
    firn_journal *j = NULL;
    CHECK_OK(open_journal(&j));
    assert_string_equal(firn_journal_id(j), "9312db52-3cce-4a2d-90ba-34384320325b");
    firn_journal_close(j);
    check_opens(11, next, (firn_bytes){NULL, 0});
  }
}

/* --- a disk that fails --- */

typedef struct life {
  uint64_t next, durable, freed;
  bool is_uncertain; /* the record at `next` may be there */
} life;

/* Adds, syncs, frees and reads as long as there is a journal. */
static firn_status live(life *l) {
  firn_journal *j = NULL;
  FIRN_TRY(open_journal(&j));
  l->next = l->durable = firn_journal_next(j);
  firn_status status = FIRN_OK;
  for (int i = 0; i < 24 && status != FIRN_UNCERTAIN; i++) {
    status = journal_record_add(j, &files.ctx, &err);
    l->is_uncertain = status == FIRN_UNCERTAIN;
    l->next += status == FIRN_OK;
    assert_int_equal(firn_journal_next(j), l->next);
    if (i % GROUP == 0 && status != FIRN_UNCERTAIN) {
      status = firn_journal_sync(j, &files.ctx, &l->durable, &err);
      assert_true(status == FIRN_OK || status == FIRN_UNCERTAIN);
    }
    if (i == 20) {
      l->freed = l->durable;
      FIRN_IGNORE(firn_journal_free_before(j, &files.ctx, l->freed, &err)); /* what could not go stays */
    }
  }
  if (status == FIRN_UNCERTAIN) { /* and it stays so */
    CHECK_STATUS(journal_record_add(j, &files.ctx, &err), FIRN_UNCERTAIN);
    CHECK_STATUS(firn_journal_sync(j, &files.ctx, NULL, &err), FIRN_UNCERTAIN);
    CHECK_SAYS("has to be opened anew");
  }
  l->durable = firn_journal_durable(j);
  firn_journal_close(j);
  return status;
}

/* After whatever has failed: nothing durable is gone, and what there is, is right. */
static void check_after(const life *l) {
  failing_files_fail(&files, 0, 0);
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  assert_in_range(firn_journal_next(j), l->durable, l->next + l->is_uncertain);
  assert_true(firn_journal_first(j) <= l->freed);
  uint64_t from = firn_journal_first(j);
  CHECK_OK(journal_records_read(j, &files.ctx, &from, &err));
  assert_int_equal(from, firn_journal_next(j));
  firn_journal_close(j);
}

/* One call after the other fails: alone, with the next, or with all that follow; undone, half done or done.
 */
static void every_failing_call(size_t n_failing, bool tears, bool does_it_anyway) {
  bool has_failed = true;
  for (size_t call = 0; has_failed; call++) {
    fresh_folder();
    life first = {0}, second = {0};
    CHECK_OK(live(&first));
    files.tears = tears;
    files.does_it_anyway = does_it_anyway;
    failing_files_fail(&files, call, n_failing);
    second = first;
    firn_status status = live(&second);
    has_failed = failing_files_has_failed(&files);
    assert_true(has_failed || status == FIRN_OK);
    check_after(&second);
  }
}

static void survives_every_failing_call(void **state) {
  (void)state;
  every_failing_call(1, false, false);
  every_failing_call(1, true, false);
  every_failing_call(1, false, true);
}

static void survives_two_failing_calls(void **state) {
  (void)state;
  every_failing_call(2, true, false);
}

static void survives_a_disk_that_dies(void **state) {
  (void)state;
  every_failing_call(SIZE_MAX, true, false);
}

static void a_failed_sync_is_never_tried_again(void **state) {
  (void)state;
  fresh_folder();
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  CHECK_OK(journal_record_add(j, &files.ctx, &err));
  files.only = "sync";
  failing_files_fail(&files, 0, 1);
  size_t before = files.n_syncs;
  CHECK_STATUS(firn_journal_sync(j, &files.ctx, NULL, &err), FIRN_UNCERTAIN);
  CHECK_SAYS("injected fault");
  CHECK_STATUS(firn_journal_sync(j, &files.ctx, NULL, &err), FIRN_UNCERTAIN);
  CHECK_STATUS(journal_record_add(j, &files.ctx, &err), FIRN_UNCERTAIN);
  CHECK_STATUS(firn_journal_free_before(j, &files.ctx, 0, &err), FIRN_OK); /* nothing to free: nothing done */
  assert_int_equal(files.n_syncs - before, 1);
  assert_int_equal(firn_journal_durable(j), 0);
  firn_journal_close(j);
}

static void a_folder_that_may_not_be_written_is_said(void **state) {
  (void)state;
  image m;
  make_image(&m, N_RECORDS);
  files.status = FIRN_DENIED;
  static const char *const denied[] = {"open", "new", "append", "rename"};
  for (size_t i = 0; i < FIRN_COUNT_OF(denied); i++) {
    firn_journal *j = NULL;
    files.only = denied[i];
    failing_files_fail(&files, 0, SIZE_MAX);
    CHECK_STATUS(open_journal(&j), FIRN_DENIED);
    CHECK_SAYS(folder);
  }
  files.only = NULL;
  failing_files_fail(&files, 0, 0);
  check_opens(0, N_RECORDS, (firn_bytes){NULL, 0});
  free_image(&m);
}

/* On a real one. What does not fit is refused, all else is kept, and once there is room it goes on. */
static void a_full_disk_refuses_records_and_keeps_the_others(void **state) {
  (void)state;
  fresh_folder();
  const char *disk = test_small_disk(1 << 20, "the journal on a full disk");
  if (disk == NULL) {
    skip();
  }
  files.skips_sync = false;
  char filler[4300];
  (void)snprintf(filler, sizeof filler, "%s/filler", disk);
  (void)snprintf(folder, sizeof folder, "%s/events", disk);
  write_file(filler, (firn_bytes){(const uint8_t[400000]){0}, 400000});
  firn_journal *j = NULL;
  CHECK_OK(open_journal(&j));
  firn_status status = FIRN_OK;
  while (status == FIRN_OK) {
    status = journal_record_add(j, &files.ctx, &err);
    if (status == FIRN_OK && firn_journal_next(j) % 7 == 0) {
      status = firn_journal_sync(j, &files.ctx, NULL, &err);
    }
  }
  assert_int_equal(status, FIRN_IO);
  CHECK_SAYS("No space left");
  uint64_t kept = firn_journal_next(j), from = 0;
  assert_true(kept > 100);
  CHECK_OK(firn_journal_sync(j, &files.ctx, NULL, &err));
  CHECK_STATUS(
      firn_journal_add(j, &files.ctx, &(firn_bytes){(const uint8_t[90000]){0}, 90000}, 1, &from, &err),
      FIRN_IO);
  assert_int_equal(unlink(filler), 0);
  for (int i = 0; i < 100; i++) {
    CHECK_OK(journal_record_add(j, &files.ctx, &err));
  }
  CHECK_OK(firn_journal_sync(j, &files.ctx, NULL, &err));
  firn_journal_close(j);
  CHECK_OK(open_journal(&j));
  from = 0;
  CHECK_OK(journal_records_read(j, &files.ctx, &from, &err));
  assert_int_equal(from, kept + 100);
  firn_journal_close(j);
}

RUN_TESTS(every_cut_of_the_newest_is_a_torn_end, every_cut_elsewhere_is_damage, every_changed_byte_is_found,
          an_unsynced_record_may_be_missing_before_another, what_lies_behind_the_end_is_no_record,
          a_record_within_a_payload_is_none, a_missing_segment_is_damage,
          a_segment_of_another_journal_is_refused, a_newer_version_is_refused,
          half_made_and_half_freed_segments_go, damage_after_the_open_is_found_by_a_reader,
          opens_a_journal_of_version_1, survives_every_failing_call, survives_two_failing_calls,
          survives_a_disk_that_dies, a_failed_sync_is_never_tried_again,
          a_folder_that_may_not_be_written_is_said, a_full_disk_refuses_records_and_keeps_the_others)
