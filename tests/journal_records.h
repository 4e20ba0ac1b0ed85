/* Records for tests of journals: each is made from its position, so that any can be checked alone. */
#ifndef FIRN_TESTS_JOURNAL_RECORDS_H
#define FIRN_TESTS_JOURNAL_RECORDS_H

#include "base/journal.h"
#include "test.h"

enum { JOURNAL_RECORD_MOST = 500 };

static inline size_t journal_record(uint64_t position, uint8_t *into) {
  size_t len = (size_t)(position * 37 % JOURNAL_RECORD_MOST);
  for (size_t k = 0; k < len; k++) {
    into[k] = (uint8_t)(position * 7 + k);
  }
  return len;
}

/* The next record, in three parts. */
static inline firn_status journal_record_add(firn_journal *j, firn_ctx *ctx, firn_error *e) {
  uint8_t bytes[JOURNAL_RECORD_MOST];
  uint64_t expected = firn_journal_next(j), position = UINT64_MAX;
  size_t len = journal_record(expected, bytes), half = len / 2;
  firn_bytes parts[] = {{bytes, half}, {NULL, 0}, {bytes + half, len - half}};
  FIRN_TRY(firn_journal_add(j, ctx, parts, 3, &position, e));
  assert_int_equal(position, expected);
  return FIRN_OK;
}

/* Every durable record from `*from` on must be right; `*from` becomes the position behind the last. */
static inline firn_status journal_records_read(firn_journal *j, firn_ctx *ctx, uint64_t *from,
                                               firn_error *e) {
  FIRN_AUTO_JOURNAL_READER *r = NULL;
  FIRN_TRY(firn_journal_reader_open(j, ctx, *from, &r, e));
  for (;; (*from)++) {
    firn_journal_record record;
    bool is_there;
    FIRN_TRY(firn_journal_reader_next(r, ctx, &record, &is_there, e));
    if (!is_there) {
      return FIRN_OK;
    }
    uint8_t bytes[JOURNAL_RECORD_MOST];
    size_t len = journal_record(*from, bytes);
    assert_int_equal(record.position, *from);
    assert_true(firn_bytes_equal(record.bytes, (firn_bytes){bytes, len}));
  }
}

#endif
