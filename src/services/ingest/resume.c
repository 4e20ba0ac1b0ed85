#include "services/ingest/resume.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "events/commit_record.h"

/* What the log said last of one journal. */
typedef struct finding {
  const char *journal;
  size_t n_records; /* of any journal */
  bool is_found;
  uint64_t next;
  uint64_t position; /* of that record */
} finding;

static firn_status look_at(const firn_commit_log_record *record, firn_arena *scratch, finding *f,
                           firn_error *err) {
  firn_commit_record r;
  firn_status status = firn_commit_record_read(record->bytes, scratch, &r, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "record %" PRIu64 " of the commit log", record->position);
  }
  f->n_records++;
  if (strcmp(r.journal, f->journal) == 0 && (!f->is_found || r.next > f->next)) {
    f->is_found = true;
    f->next = r.next;
    f->position = record->position;
  }
  return FIRN_OK;
}

static firn_status look_at_all(firn_commit_log_reader *r, firn_ctx *ctx, finding *f, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  for (;;) {
    firn_commit_log_record record;
    bool is_there;
    firn_arena_reset(&scratch);
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_commit_log_reader_next(r, ctx, &record, &is_there, err));
    if (!is_there) {
      return FIRN_OK;
    }
    FIRN_TRY(look_at(&record, &scratch, f, err));
  }
}

/* Whether the log ever had a record. */
static bool was_used(const firn_log_positions *next) {
  for (size_t i = 0; i < next->n; i++) {
    if (next->items[i].next > 0) {
      return true;
    }
  }
  return false;
}

/* A journal that the log does not know is a new one, unless it has freed records already, or the log all that
 * it ever had. */
static firn_status check(const finding *f, bool was_log_used, uint64_t first, uint64_t end, firn_error *err) {
  bool is_log_emptied = was_log_used && f->n_records == 0;
  if (!f->is_found && first < end && (first > 0 || is_log_emptied)) {
    return firn_error_set(
        err, FIRN_CORRUPT,
        "the commit log does not say which records of event journal %s are in files: it keeps "
        "%" PRIu64 " up to %" PRIu64 ", which may be in the tables already",
        f->journal, first, end);
  }
  if (f->is_found && (f->next > end || f->next < first)) {
    return firn_error_set(err, FIRN_CORRUPT,
                          "record %" PRIu64 " of the commit log ends at record %" PRIu64
                          " of journal %s, which keeps %" PRIu64 " to %" PRIu64
                          ": journal and commit log are not of one time",
                          f->position, f->next, f->journal, first, end);
  }
  return FIRN_OK;
}

firn_status firn_resume_position(firn_commit_log *log, firn_journal *journal, firn_ctx *ctx,
                                 uint64_t *position, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_log_positions first;
  firn_log_positions next;
  firn_commit_log_reader *reader;
  finding f = {.journal = firn_journal_id(journal)};
  FIRN_TRY(firn_commit_log_range(log, ctx, &arena, &first, &next, err));
  FIRN_TRY(firn_commit_log_reader_open(log, ctx, &first, &reader, err));
  firn_status status = look_at_all(reader, ctx, &f, err);
  firn_commit_log_reader_close(reader);
  FIRN_TRY(status);
  uint64_t start = firn_journal_first(journal);
  FIRN_TRY(check(&f, was_used(&next), start, firn_journal_next(journal), err));
  *position = f.is_found ? f.next : start;
  return FIRN_OK;
}
