/* The search against a naive filter over an array, at random. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "index/index.h"
#include "test.h"

enum { FILES = 60, MAX_ROWS = 40, MAX_EVENTS = FILES * MAX_ROWS, TAGS = 4, SEARCHES = 200 };

static firn_error err;
static firn_ctx *ctx;

typedef struct event {
  firn_index_row row;
  char texts[6][16];
  char extras[64];
  unsigned tags; /* a bit for each */
  int file;
  bool is_visible; /* its file is live, and no later event stands before it */
  bool is_seen;    /* by the walk under way */
} event;

typedef struct model {
  firn_index *index;
  int n_files;
  bool is_live[FILES];
  size_t n; /* in the order in which they were added */
  event events[MAX_EVENTS];
} model;

static model all;

static firn_bytes text(char into[16], const char *prefix, uint64_t of) {
  uint64_t n = test_random() % of;
  (void)snprintf(into, 16, n == 0 ? "" : "%s%" PRIu64, prefix, n); /* empty: missing */
  return firn_bytes_of(into);
}

static void make_event(event *e, int file, int64_t row) {
  *e = (event){.file = file, .tags = (unsigned)(test_random() % (1 << TAGS))};
  const char *comma = "";
  size_t len = (size_t)snprintf(e->extras, sizeof e->extras, "{\"tags\":[");
  for (unsigned i = 0; i < TAGS; i++) {
    if ((e->tags >> i & 1) != 0) {
      len += (size_t)snprintf(e->extras + len, sizeof e->extras - len, "%s\"tag%u\"", comma, i);
      comma = ",";
    }
  }
  (void)snprintf(e->extras + len, sizeof e->extras - len, "]}");
  e->row = (firn_index_row){.subject = text(e->texts[0], "subject", 5),
                            .has_time = test_random() % 8 != 0,
                            .type = text(e->texts[1], "type", 4),
                            .source = text(e->texts[2], "source", 3),
                            .id = text(e->texts[3], "id", 6),
                            .producer = text(e->texts[4], "producer", 3),
                            .data_version = text(e->texts[5], "v", 3),
                            .extras = e->tags == 0 ? FIRN_LITERAL("{}") : firn_bytes_of(e->extras),
                            .row = row};
  e->row.time_us = e->row.has_time ? (int64_t)(test_random() % 12) - 4 : 0;
}

static bool is_one(const event *a, const event *b) {
  const firn_index_row *x = &a->row, *y = &b->row;
  return firn_bytes_equal(x->subject, y->subject) && x->has_time == y->has_time && x->time_us == y->time_us &&
         firn_bytes_equal(x->type, y->type) && firn_bytes_equal(x->source, y->source) &&
         firn_bytes_equal(x->id, y->id);
}

static bool is_hidden(size_t i) {
  for (size_t j = i + 1; j < all.n; j++) {
    if (all.is_live[all.events[j].file] && is_one(&all.events[i], &all.events[j])) {
      return true;
    }
  }
  return false;
}

/* After every change. */
static void judge(void) {
  for (size_t i = 0; i < all.n; i++) {
    all.events[i].is_visible = all.is_live[all.events[i].file] && !is_hidden(i);
  }
}

static bool is_visible(size_t i) {
  return all.events[i].is_visible;
}

static bool has(firn_bytes asked, firn_bytes got) {
  return asked.data == NULL || firn_bytes_equal(asked, got);
}

static bool matches(const firn_index_query *q, unsigned tags, const event *e) {
  const firn_index_row *r = &e->row;
  bool in_time =
      (!q->has_after && !q->has_before) || (r->has_time && (!q->has_after || r->time_us > q->after_us) &&
                                            (!q->has_before || r->time_us < q->before_us));
  return in_time && has(q->subject, r->subject) && has(q->type, r->type) && has(q->source, r->source) &&
         has(q->producer, r->producer) && has(q->id, r->id) && has(q->data_version, r->data_version) &&
         (q->n_tags == 0 || (e->tags & tags) != 0);
}

static void add_file(void) {
  firn_index_load *l = NULL;
  char path[32];
  int file = all.n_files++;
  (void)snprintf(path, sizeof path, "f%d.parquet", file);
  CHECK_OK(firn_index_load_begin(all.index, ctx, &l, &err));
  CHECK_OK(firn_index_load_file(l, ctx, "t", path, &err));
  all.is_live[file] = true;
  int64_t n = (int64_t)(test_random() % MAX_ROWS);
  for (int64_t row = 0; row < n; row++) {
    make_event(&all.events[all.n], file, row);
    CHECK_OK(firn_index_load_row(l, ctx, &all.events[all.n].row, &err));
    all.n++;
  }
  CHECK_OK(firn_index_load_commit(l, ctx, &err));
  firn_index_load_close(l);
  judge();
}

static void remove_file(void) {
  firn_index_load *l = NULL;
  char path[32];
  int file = (int)(test_random() % (uint64_t)all.n_files);
  (void)snprintf(path, sizeof path, "f%d.parquet", file);
  CHECK_OK(firn_index_load_begin(all.index, ctx, &l, &err));
  CHECK_OK(firn_index_load_gone(l, ctx, path, &err));
  CHECK_OK(firn_index_load_commit(l, ctx, &err));
  firn_index_load_close(l);
  all.is_live[file] = false;
  judge();
}

typedef struct question {
  firn_index_query query;
  char texts[6][16];
  firn_bytes tags[3];
  char tag_texts[3][16];
  unsigned tag_bits;
} question;

static void ask(question *q) {
  *q = (question){.query = {.is_ascending = test_random() % 2, .limit = (uint32_t)(test_random() % 30)}};
  firn_bytes *const fields[] = {&q->query.subject, &q->query.type,     &q->query.source,
                                &q->query.id,      &q->query.producer, &q->query.data_version};
  static const char *const prefixes[] = {"subject", "type", "source", "id", "producer", "v"};
  static const uint64_t ranges[] = {6, 5, 4, 7, 4, 4};
  for (size_t i = 0; i < FIRN_COUNT_OF(fields); i++) {
    if (test_random() % 3 == 0) {
      *fields[i] = text(q->texts[i], prefixes[i], ranges[i]);
    }
  }
  q->query.n_tags = test_random() % 3 == 0 ? 1 + test_random() % 3 : 0;
  q->query.tags = q->tags;
  for (size_t i = 0; i < q->query.n_tags; i++) {
    unsigned bit = (unsigned)(test_random() % (TAGS + 1));
    (void)snprintf(q->tag_texts[i], sizeof q->tag_texts[i], "tag%u", bit);
    q->tags[i] = firn_bytes_of(q->tag_texts[i]);
    q->tag_bits |= 1u << bit;
  }
  q->query.has_after = test_random() % 4 == 0;
  q->query.has_before = test_random() % 4 == 0;
  q->query.after_us = (int64_t)(test_random() % 12) - 5;
  q->query.before_us = (int64_t)(test_random() % 12) - 3;
}

static size_t find_event(const firn_index_hit *hit) {
  for (size_t i = 0; i < all.n; i++) {
    char key[64];
    (void)snprintf(key, sizeof key, "f%d.parquet#%" PRId64, all.events[i].file, all.events[i].row.row);
    if (strcmp(key, hit->key) == 0) {
      return i;
    }
  }
  fail_msg("no event has the key %s", hit->key);
  return 0;
}

static void check_order(const firn_index_query *q, const event *before, const event *e) {
  if (before == NULL || !e->row.has_time) {
    return;
  }
  assert_true(before->row.has_time); /* those without come last */
  assert_true(q->is_ascending ? before->row.time_us <= e->row.time_us
                              : before->row.time_us >= e->row.time_us);
}

/* Walks all pages; with `is_changing` files come and go between them. Whether each row was seen at most once
 * is looked at here; the number of rows seen is the answer. */
static size_t walk(question *q, bool is_changing) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const event *last = NULL;
  size_t n = 0;
  for (size_t i = 0; i < all.n; i++) {
    all.events[i].is_seen = false;
  }
  q->query.cursor = NULL;
  do {
    firn_index_hits hits;
    CHECK_OK(firn_index_search(all.index, ctx, &q->query, &arena, &hits, &err));
    uint32_t limit = q->query.limit == 0 ? FIRN_INDEX_DEFAULT_LIMIT : q->query.limit;
    assert_true(hits.n <= limit && (hits.cursor == NULL || hits.n == limit));
    for (size_t i = 0; i < hits.n; i++) {
      size_t at = find_event(&hits.items[i]);
      event *e = &all.events[at];
      assert_true(is_visible(at) && matches(&q->query, q->tag_bits, e) && !e->is_seen);
      assert_true(firn_bytes_equal(hits.items[i].row.extras, e->row.extras));
      check_order(&q->query, last, e);
      e->is_seen = true;
      last = e;
    }
    n += hits.n;
    q->query.cursor = hits.cursor;
    if (is_changing && all.n_files < FILES) {
      add_file();
      remove_file();
    }
  } while (q->query.cursor != NULL);
  return n;
}

static void begin(void) {
  char path[4200];
  ctx = test_ctx();
  all = (model){0};
  (void)snprintf(path, sizeof path, "%s/index.db", test_folder());
  CHECK_OK(firn_sqlite_index_open(path, ctx, &all.index, &err));
}

static void finds_what_a_naive_filter_finds(void **state) {
  (void)state;
  begin();
  for (int round = 0; round < SEARCHES; round++) {
    if (all.n_files < FILES && round % 8 == 0) {
      add_file();
      if (all.n_files % 3 == 0) {
        remove_file();
      }
    }
    question q;
    size_t wanted = 0;
    ask(&q);
    for (size_t i = 0; i < all.n; i++) {
      wanted += matches(&q.query, q.tag_bits, &all.events[i]) && is_visible(i);
    }
    assert_int_equal(walk(&q, false), wanted);
  }
  firn_index_close(all.index);
}

static void paging_is_stable_under_changes(void **state) {
  (void)state;
  for (int round = 0; round < 10; round++) {
    begin();
    for (int i = 0; i < 10; i++) {
      add_file();
    }
    bool was_visible[MAX_EVENTS] = {0};
    size_t n = all.n;
    question q = {.query = {.limit = 7, .is_ascending = round % 2}};
    for (size_t i = 0; i < n; i++) {
      was_visible[i] = is_visible(i);
    }
    (void)walk(&q, true);
    for (size_t i = 0; i < n; i++) { /* what was there all the time has been seen, it or what replaced it */
      assert_true(!was_visible[i] || !is_visible(i) || all.events[i].is_seen);
    }
    firn_index_close(all.index);
  }
}

RUN_TESTS(finds_what_a_naive_filter_finds, paging_is_stable_under_changes)
