#include <inttypes.h>

#include "base/alloc.h"
#include "base/journal_internal.h"

struct firn_journal_reader {
  firn_journal *j;
  firn_file *file; /* a handle of its own; NULL: none is open */
  uint64_t first;  /* the name of the segment that is open */
  uint64_t until;  /* of it, records before this one may be read */
  uint64_t wanted; /* the next to give */
  firn_journal_scan scan;
};

firn_status firn_journal_reader_open(firn_journal *j, firn_ctx *ctx, uint64_t from, firn_journal_reader **out,
                                     firn_error *err) {
  (void)ctx;
  uint64_t first = firn_journal_first(j), next = firn_journal_next(j);
  if (from < first) {
    return firn_error_set(err, FIRN_NOT_FOUND,
                          "the journal %s begins with record %" PRIu64 ", and record %" PRIu64
                          " is asked for",
                          j->folder, first, from);
  }
  if (from > next) {
    return firn_error_set(err, FIRN_INVALID,
                          "the journal %s ends before record %" PRIu64 ", and record %" PRIu64
                          " is asked for: it is not the journal that it was",
                          j->folder, next, from);
  }
  firn_journal_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a journal's reader");
  }
  r->j = j;
  r->wanted = from;
  r->scan = (firn_journal_scan){.seed = j->seed, .max_record_bytes = j->max_record_bytes};
  *out = r;
  return FIRN_OK;
}

void firn_journal_reader_close(firn_journal_reader *r) {
  if (r != NULL) {
    firn_file_close(r->file);
    firn_journal_scan_free(&r->scan);
    firn_free(r);
  }
}

void firn_journal_reader_close_pointer(firn_journal_reader **r) {
  firn_journal_reader_close(*r);
}

/* Where the wanted record is, as far as the journal knows now. */
typedef struct place {
  uint64_t first, until, end;
  firn_journal_mark near; /* at or before it */
  bool is_durable, is_freed;
} place;

static place find(firn_journal *j, uint64_t wanted) {
  pthread_mutex_lock(&j->lock);
  size_t i = firn_journal_segment_of(j, wanted);
  const firn_journal_segment *segment = &j->segments[i];
  bool is_newest = i + 1 == j->n_segments;
  place p = {.first = segment->first,
             .until = is_newest ? j->durable : segment[1].first,
             .end = is_newest ? j->durable_bytes : segment->size_bytes,
             .near = firn_journal_mark_before(segment, wanted),
             .is_durable = wanted < j->durable,
             .is_freed = wanted < j->first};
  pthread_mutex_unlock(&j->lock);
  return p;
}

static firn_status open_segment(firn_journal_reader *r, firn_ctx *ctx, const place *p, firn_error *err) {
  firn_file_close(r->file);
  r->file = NULL;
  char path[FIRN_JOURNAL_PATH_BYTES];
  FIRN_TRY(firn_journal_path(r->j->folder, p->first, "", path, err));
  FIRN_TRY(firn_file_open(ctx, path, FIRN_FILE_READ, &r->file, err));
  r->first = p->first;
  firn_journal_scan_move(&r->scan, r->file, p->near.offset, p->near.position);
  return FIRN_OK;
}

/* Reads on up to the wanted record and takes it. */
static firn_status take(firn_journal_reader *r, firn_journal_record *out, firn_error *err) {
  firn_journal_record_head head;
  firn_bytes payload;
  do {
    firn_journal_found found;
    FIRN_TRY(firn_journal_scan_next(&r->scan, &head, &payload, &found, err));
    if (found != FIRN_JOURNAL_RECORD) {
      return firn_error_set(
          err, FIRN_CORRUPT,
          "%s/%020" PRIu64 ".log: record %" PRIu64 " at byte %" PRIu64
          " was durable and is damaged (%s): restore this file from a copy, or set the folder "
          "aside and begin anew without what only it holds",
          r->j->folder, r->first, r->scan.position, r->scan.offset,
          found == FIRN_JOURNAL_END ? "it is cut off" : r->scan.why);
    }
  } while (head.position < r->wanted);
  r->wanted++;
  *out = (firn_journal_record){.position = head.position, .bytes = payload};
  return FIRN_OK;
}

firn_status firn_journal_reader_next(firn_journal_reader *r, firn_ctx *ctx, firn_journal_record *out,
                                     bool *is_there, firn_error *err) {
  if (r->file == NULL || r->wanted >= r->until) {
    place p = find(r->j, r->wanted);
    if (p.is_freed) {
      return firn_error_set(err, FIRN_NOT_FOUND, "reading the journal %s: record %" PRIu64 " was freed",
                            r->j->folder, r->wanted);
    }
    if (!p.is_durable) {
      *is_there = false;
      return FIRN_OK;
    }
    if (r->file == NULL || r->first != p.first) {
      FIRN_TRY(open_segment(r, ctx, &p, err));
    }
    r->until = p.until;
    r->scan.end = p.end;
  }
  FIRN_TRY(take(r, out, err));
  *is_there = true;
  return FIRN_OK;
}
