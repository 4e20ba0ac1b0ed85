/* The journal on a disk that forgets: whatever happens, what was said to be durable is there afterwards, each
 * record as it was added, and no other. */
#include "base/journal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sim/disk.h"
#include "test.h"

enum { MOST_RECORDS = 4096, LARGEST = 90000, N_SEEDS = 150, N_LIVES = 6 };

static firn_error err;

/* What ought to be in the journal: what each record was made from; and what was promised. */
typedef struct model {
  uint64_t random;
  disk *d;
  firn_env env;
  firn_ctx ctx;
  firn_journal *j;
  char id[64];
  uint64_t nonces[MOST_RECORDS];
  uint64_t next;    /* added without an error, or found by an open */
  uint64_t maybe;   /* 1: the record at `next` may be there, for an add was uncertain */
  uint64_t durable; /* promised */
  uint64_t freed;   /* allowed to go */
} model;

static uint64_t draw(model *m, uint64_t below) { /* splitmix64 */
  m->random += UINT64_C(0x9E3779B97F4A7C15);
  uint64_t z = m->random;
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return (z ^ (z >> 31)) % below;
}

static firn_bytes payload_of(uint64_t position, uint64_t nonce) {
  static uint8_t bytes[LARGEST];
  size_t len = nonce % 20 == 0 ? 0 : nonce % 20 == 1 ? nonce / 20 % LARGEST : nonce / 20 % 700;
  for (size_t i = 0; i < len; i++) {
    bytes[i] = (uint8_t)(nonce >> (i % 8 * 8)) ^ (uint8_t)(position + i / 8);
  }
  return (firn_bytes){bytes, len};
}

/* Everything that is durable reads as it was added. */
static void check_reading(model *m, uint64_t from) {
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  CHECK_OK(firn_journal_reader_open(m->j, &m->ctx, from, &r, &err));
  for (;; from++) {
    firn_journal_record record;
    bool is_there;
    CHECK_OK(firn_journal_reader_next(r, &m->ctx, &record, &is_there, &err));
    if (!is_there) {
      break;
    }
    assert_int_equal(record.position, from);
    assert_true(firn_bytes_equal(record.bytes, payload_of(from, m->nonces[from])));
  }
  assert_int_equal(from, firn_journal_durable(m->j));
}

static bool open_journal(model *m) {
  firn_journal_options options = {.folder = "/data/events", .kind = "events", .segment_bytes = 6000};
  firn_status status = firn_journal_open(&options, &m->ctx, &m->j, &err);
  if (status != FIRN_OK) { /* never because of what was found */
    test_check_status(status, FIRN_IO, &err, "an open while the disk fails", __FILE__, __LINE__);
    m->j = NULL;
    return false;
  }
  assert_true(m->id[0] == '\0' || m->next == 0 || strcmp(m->id, firn_journal_id(m->j)) == 0);
  (void)snprintf(m->id, sizeof m->id, "%s", firn_journal_id(m->j));
  uint64_t next = firn_journal_next(m->j), first = firn_journal_first(m->j);
  assert_in_range(next, m->durable, m->next + m->maybe);
  assert_int_equal(firn_journal_durable(m->j), next);
  assert_true(first <= m->freed);
  m->next = m->durable = next;
  m->maybe = 0;
  if (!disk_is_cut(m->d)) { /* in the last step, which need not succeed */
    check_reading(m, first);
  }
  return true;
}

static bool add(model *m) {
  uint64_t position, nonce = draw(m, UINT64_MAX);
  firn_bytes payload = payload_of(m->next, nonce);
  size_t cut = payload.len == 0 ? 0 : (size_t)draw(m, payload.len);
  firn_bytes parts[] = {firn_bytes_part(payload, 0, cut), firn_bytes_part(payload, cut, SIZE_MAX)};
  m->nonces[m->next] = nonce;
  firn_status status = firn_journal_add(m->j, &m->ctx, parts, 2, &position, &err);
  if (status == FIRN_OK) {
    assert_int_equal(position, m->next);
    m->next++;
  } else {
    m->maybe = status == FIRN_UNCERTAIN;
    assert_int_equal(firn_journal_next(m->j), m->next);
  }
  return status != FIRN_UNCERTAIN;
}

static bool sync(model *m) {
  uint64_t durable = 0, before = m->next;
  firn_status status = firn_journal_sync(m->j, &m->ctx, &durable, &err);
  if (status == FIRN_OK) {
    assert_int_equal(durable, before);
    m->durable = durable;
  } else {
    test_check_status(status, FIRN_UNCERTAIN, &err, "a sync that fails", __FILE__, __LINE__);
  }
  return status == FIRN_OK;
}

/* False: the journal has failed or the power is gone. */
static bool step(model *m) {
  uint64_t what = draw(m, 100);
  if (what < 60) {
    return add(m);
  }
  if (what < 85) {
    return sync(m);
  }
  if (what < 93) { /* what a reader has seen is promised too: begin_next_segment syncs by itself */
    m->durable = firn_journal_durable(m->j);
    if (!disk_is_cut(m->d)) {
      check_reading(m, firn_journal_first(m->j));
    }
    return true;
  }
  if (m->durable > m->freed) {
    m->freed += draw(m, m->durable - m->freed + 1);
  }
  return firn_journal_free_before(m->j, &m->ctx, m->freed, &err) == FIRN_OK || !disk_is_cut(m->d);
}

/* A life of the process: from an open to its end by whatever comes. */
static void live(model *m) {
  uint64_t now = disk_n_operations(m->d), fault = draw(m, 5);
  disk_cut_power_at(m->d, fault < 3 ? now + 1 + draw(m, 150) : 0);
  disk_fail_sync_at(m->d, fault == 3 ? now + 1 + draw(m, 100) : 0);
  disk_fill_at(m->d, fault == 4 ? now + 1 + draw(m, 100) : 0, 1 + draw(m, 6));
  if (open_journal(m)) {
    uint64_t n_steps = 20 + draw(m, 150);
    for (uint64_t i = 0; i < n_steps && m->next + 1 < MOST_RECORDS && step(m); i++) {
    }
    if (!disk_is_cut(m->d)) { /* a reader may have seen what a segment's end made durable */
      m->durable = firn_journal_durable(m->j);
    }
    firn_journal_close(m->j);
  }
  if (disk_is_cut(m->d) || draw(m, 2) == 0) {
    disk_crash(m->d, draw(m, UINT64_MAX));
  }
}

static void run_seed(uint64_t seed) {
  static model m;
  m = (model){.random = seed, .d = disk_new(seed)};
  disk_trace(m.d, getenv("FIRN_TRACE") != NULL ? stderr : NULL);
  m.env = *test_ctx()->env;
  m.env.files = disk_ops(m.d);
  m.ctx = (firn_ctx)FIRN_CTX_INIT(&m.env);
  for (int i = 0; i < N_LIVES; i++) {
    live(&m);
  }
  /* At last without any fault. */
  disk_cut_power_at(m.d, 0);
  disk_fail_sync_at(m.d, 0);
  disk_fill_at(m.d, 0, 0);
  disk_crash(m.d, seed);
  assert_true(open_journal(&m));
  firn_journal_close(m.j);
  disk_free(m.d);
}

static void nothing_durable_is_lost(void **state) {
  (void)state;
  const char *one = getenv("FIRN_SEED");
  uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1, n = one != NULL ? 1 : N_SEEDS;
  const char *many = getenv("FIRN_SEEDS");
  n = many != NULL ? strtoull(many, NULL, 10) : n;
  for (uint64_t seed = first; seed < first + n; seed++) {
    (void)fprintf(stderr, "\rseed %" PRIu64, seed); /* the last that is seen is the one that failed */
    run_seed(seed);
  }
  (void)fprintf(stderr, "\n");
}

RUN_TESTS(nothing_durable_is_lost)
