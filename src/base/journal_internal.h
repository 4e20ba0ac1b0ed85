/* What the journal's four files share: its bytes on disk, the walk over a segment, recovery, and the journal
 * itself. docs/decisions.md has the format in a table. */
#ifndef FIRN_BASE_JOURNAL_INTERNAL_H
#define FIRN_BASE_JOURNAL_INTERNAL_H

#include <pthread.h>

#include "base/file.h"
#include "base/journal.h"

enum {
  FIRN_JOURNAL_VERSION = 1,
  FIRN_JOURNAL_HEAD_BYTES = 64,
  FIRN_JOURNAL_RECORD_HEAD_BYTES = 32,
  FIRN_JOURNAL_ALIGNMENT = 8,
  FIRN_JOURNAL_KIND_BYTES = 16,
  FIRN_JOURNAL_PATH_BYTES = 4096,
};

/* --- journal_format.c: bytes --- */

typedef struct firn_journal_head {
  firn_uuid id;
  uint64_t first;
  char kind[FIRN_JOURNAL_KIND_BYTES + 1];
} firn_journal_head;

void firn_journal_head_write(const firn_journal_head *head, uint8_t out[FIRN_JOURNAL_HEAD_BYTES]);
/* FIRN_CORRUPT, or FIRN_UNSUPPORTED for a newer version. */
FIRN_MUST_USE firn_status firn_journal_head_read(firn_bytes bytes, firn_journal_head *out, firn_error *err);

typedef struct firn_journal_record_head {
  uint32_t length; /* of the payload */
  uint64_t position;
  uint64_t durable; /* the next to become durable when it was written */
  uint64_t check;   /* of the payload: firn_xxh3 with the journal's seed */
} firn_journal_record_head;

/* From the id, so that a record of another journal is none here. */
uint64_t firn_journal_seed(firn_uuid id);
/* The head's own check sum depends on where it stands: a copy of a record elsewhere, in a payload for
 * instance, is none. */
void firn_journal_record_head_write(const firn_journal_record_head *head, uint64_t seed, uint64_t offset,
                                    uint8_t out[FIRN_JOURNAL_RECORD_HEAD_BYTES]);
bool firn_journal_record_head_read(const uint8_t *bytes, uint64_t seed, uint64_t offset,
                                   firn_journal_record_head *out);
/* With its head and what aligns the next. */
uint64_t firn_journal_record_bytes(uint64_t length);

/* The path of the segment that begins with `first`, and `ending` behind it. */
FIRN_MUST_USE firn_status firn_journal_path(const char *folder, uint64_t first, const char *ending,
                                            char out[FIRN_JOURNAL_PATH_BYTES], firn_error *err);

/* --- journal_scan.c: the walk over the records of one segment --- */

typedef enum firn_journal_found {
  FIRN_JOURNAL_RECORD,
  FIRN_JOURNAL_END,
  FIRN_JOURNAL_BAD
} firn_journal_found;

typedef struct firn_journal_scan {
  firn_file *file; /* borrowed */
  uint64_t seed;
  size_t max_record_bytes;
  uint64_t offset;   /* of the next record */
  uint64_t position; /* of the next record */
  uint64_t end;      /* nothing is read from here on */
  const char *why;   /* it is bad */
  uint8_t *block;    /* read ahead */
  size_t block_capacity, block_len;
  uint64_t block_at;
} firn_journal_scan;

/* A record: the scan stands behind it, `payload` is borrowed until the following call. End and bad: the scan
 * stands before it. FIRN_LIMIT for a good one that is too large. */
FIRN_MUST_USE firn_status firn_journal_scan_next(firn_journal_scan *s, firn_journal_record_head *head,
                                                 firn_bytes *payload, firn_journal_found *found,
                                                 firn_error *err);
/* Looks behind a bad record for the largest position that a later record's head knew to be durable. */
FIRN_MUST_USE firn_status firn_journal_scan_known_durable(firn_journal_scan *s, uint64_t *durable,
                                                          firn_error *err);
/* Forgets what was read ahead. */
void firn_journal_scan_move(firn_journal_scan *s, firn_file *file, uint64_t offset, uint64_t position);
void firn_journal_scan_free(firn_journal_scan *s);

/* --- the journal --- */

/* Where some record stands; there is one for every 64 KiB or so. */
typedef struct firn_journal_mark {
  uint64_t position, offset;
} firn_journal_mark;

typedef struct firn_journal_segment {
  uint64_t first;
  uint64_t size_bytes; /* head and whole records */
  firn_journal_mark *marks;
  size_t n_marks, marks_capacity;
} firn_journal_segment;

struct firn_journal {
  /* Constant once it is open. */
  char *folder;
  char kind[FIRN_JOURNAL_KIND_BYTES + 1];
  firn_uuid uuid;
  char id[FIRN_UUID_TEXT];
  uint64_t seed;
  uint64_t segment_bytes;
  size_t max_record_bytes;
  firn_file *lock_file;
  char torn[FIRN_JOURNAL_PATH_BYTES]; /* where a torn end was put; "": there was none */
  uint64_t torn_bytes;

  pthread_mutex_t lock; /* guards what follows; never held in I/O */
  pthread_cond_t writer_left, freer_left;
  pthread_cond_t round_ended[2];  /* of syncs, by the last bit of their number */
  uint64_t sync_round, sync_next; /* the sync under way, or the last: its number; records before are in it */
  bool is_freeing;                /* a thread removes segments */
  bool has_writer;                /* a thread adds a record or begins a segment */
  bool is_syncing;                /* a thread syncs `file` */
  bool has_failed;                /* for good; `failure` says why */
  firn_error failure;
  uint64_t first; /* to be read; the segments before its own are on their way out */
  uint64_t next, durable;
  uint64_t durable_bytes;         /* of the newest segment */
  firn_journal_segment *segments; /* oldest first, one at least */
  size_t n_segments, segments_capacity;

  /* The writer's. */
  firn_file *file; /* the newest segment, for appending; who syncs uses it too */
  bool must_begin; /* a segment, before anything is added: an attempt failed, and its name may be there */
  uint8_t *scratch;
};

/* Room for one more; what is there stays on failure. */
FIRN_MUST_USE firn_status firn_journal_reserve_segment(firn_journal *j, firn_error *err);
FIRN_MUST_USE firn_status firn_journal_reserve_mark(firn_journal_segment *segment, firn_error *err);
/* Remembers where a record stands if the last mark is far enough; never fails after a reserve. */
void firn_journal_mark_record(firn_journal_segment *segment, uint64_t position, uint64_t offset);
/* The last mark at or before a record of the segment. */
firn_journal_mark firn_journal_mark_before(const firn_journal_segment *segment, uint64_t position);
/* The segment that holds a position, or would; the first when it was freed. */
size_t firn_journal_segment_of(const firn_journal *j, uint64_t position);

/* --- journal_recover.c: from files to a journal whose records are all durable --- */

/* Fills what the files say: id, segments, next, durable, and opens the newest. */
FIRN_MUST_USE firn_status firn_journal_recover(firn_journal *j, firn_ctx *ctx, firn_error *err);

/* A segment appears whole: its head (and what recovery puts behind it) is written to <first>.log.new, and
 * finish makes that durable, then its name <first>.log, replacing one of that name. Hence a segment whose
 * head cannot be read is always damage. Finish:
 * `*is_uncertain`, also on failure: nobody knows whether the name is durable. */
FIRN_MUST_USE firn_status firn_journal_begin_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first,
                                                     firn_file **out, firn_error *err);
FIRN_MUST_USE firn_status firn_journal_finish_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first,
                                                      firn_file *file, bool *is_uncertain, firn_error *err);

/* Removes the file of a segment, the oldest. It is emptied first, durably: were its name back after a crash,
 * and a later segment gone, there would be a hole. A segment before all others that is shorter than a head
 * was freed. */
FIRN_MUST_USE firn_status firn_journal_remove_segment(const firn_journal *j, firn_ctx *ctx, uint64_t first,
                                                      firn_error *err);
void firn_journal_forget_oldest(firn_journal *j);

#endif
