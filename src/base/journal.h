/* A journal: records of bytes in the order they were added, on the local disk, durable in groups.
 *
 *   FOLDER/<position of its first record, 20 digits>.log    segments; each opens with a head
 *   FOLDER/lock                                             held by who has it open
 *
 * A segment's head holds magic, version, the journal's kind and id. A record holds its length, check sums of
 * its head and its payload, and the position up to which everything was known to be durable when it was
 * written; docs/decisions.md has the bytes. That is how an open after a crash tells a torn end (nobody was
 * told that it is safe: it is put aside as <segment>.torn-<n> and forgotten) from damage to what was safe
 * once (FIRN_CORRUPT, with the place): a bad record is damage when any later record knew it to be durable, or
 * when a later segment is there, for a segment is begun only when the one before it is durable.
 *
 * Every open begins a segment with the records that nothing proves to be on the disk, so that afterwards all
 * that it found is durable, also after a sync that failed.
 *
 * Positions count records from 0 and never go back, also when old segments are gone. Threads may share a
 * journal; a reader belongs to one. All files go through base/file.h; nothing depends on the clock. */
#ifndef FIRN_BASE_JOURNAL_H
#define FIRN_BASE_JOURNAL_H

#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/uuid.h"

typedef struct firn_journal firn_journal;
typedef struct firn_journal_reader firn_journal_reader;

typedef struct firn_journal_options {
  const char *folder;      /* made when it is not there */
  const char *kind;        /* "events", "commits": a journal of another kind is refused */
  uint64_t segment_bytes;  /* 0: 64 MiB; a record larger than that has a segment of its own */
  size_t max_record_bytes; /* 0: 64 MiB; larger ones are FIRN_LIMIT, when added and when read */
} firn_journal_options;

/* Opens or makes it. FIRN_CORRUPT as said above, FIRN_UNSUPPORTED for a newer version. */
FIRN_MUST_USE firn_status firn_journal_open(const firn_journal_options *options, firn_ctx *ctx,
                                            firn_journal **out, firn_error *err);
/* What was added and not synced may be lost. NULL is fine. */
void firn_journal_close(firn_journal *j);

/* Where this open put a torn end aside, and how large it was; NULL: there was none. Worth a line in the log.
 * Nothing of it was acknowledged, unless the disk damaged the very last group, which nothing vouches for; the
 * file may be removed. */
const char *firn_journal_torn(const firn_journal *j, uint64_t *size_bytes);

/* Made with the journal, as text; the same for its whole life. */
const char *firn_journal_id(const firn_journal *j);
/* The first record that is still kept; the next to be added; the next to become durable. */
uint64_t firn_journal_first(firn_journal *j);
uint64_t firn_journal_next(firn_journal *j);
uint64_t firn_journal_durable(firn_journal *j);
/* Bytes on the disk from the record at `from` on; up to 64 KiB more, for not every record's place is known to
 * memory. 0 when there is no such record. */
uint64_t firn_journal_bytes(firn_journal *j, uint64_t from);

/* Adds one record, its parts one behind the other, and writes it. It is not durable yet, but outlives the
 * process. After a failure (a full disk) the record is not in the journal and the next may be tried, unless
 * it is FIRN_UNCERTAIN: as with sync. */
FIRN_MUST_USE firn_status firn_journal_add(firn_journal *j, firn_ctx *ctx, const firn_bytes *parts,
                                           size_t n_parts, uint64_t *position, firn_error *err);
/* Makes durable everything that was added before the call. Callers that come while one syncs share the next
 * sync. After a failed sync nothing is known of what is on the disk: the journal answers FIRN_UNCERTAIN from
 * then on, and has to be opened anew. `durable` (may be NULL) gets firn_journal_durable. */
FIRN_MUST_USE firn_status firn_journal_sync(firn_journal *j, firn_ctx *ctx, uint64_t *durable,
                                            firn_error *err);

/* Frees records before `position`: whole segments go when every record in them is before it. The newest
 * stays, for its name keeps the position. After a failure it may be tried again. */
FIRN_MUST_USE firn_status firn_journal_free_before(firn_journal *j, firn_ctx *ctx, uint64_t position,
                                                   firn_error *err);

typedef struct firn_journal_record {
  uint64_t position;
  firn_bytes bytes; /* borrowed until the following next */
} firn_journal_record;

/* Reads from `from` on. FIRN_NOT_FOUND when that record was freed, FIRN_INVALID when it is beyond the next.
 * The journal must outlive the reader; what a reader has yet to read must not be freed. */
FIRN_MUST_USE firn_status firn_journal_reader_open(firn_journal *j, firn_ctx *ctx, uint64_t from,
                                                   firn_journal_reader **out, firn_error *err);
/* Only durable records are given. `*is_there` false: none for now; ask again later. */
FIRN_MUST_USE firn_status firn_journal_reader_next(firn_journal_reader *r, firn_ctx *ctx,
                                                   firn_journal_record *out, bool *is_there, firn_error *err);
void firn_journal_reader_close(firn_journal_reader *r); /* NULL is fine */
void firn_journal_reader_close_pointer(firn_journal_reader **r);
#define FIRN_AUTO_JOURNAL_READER FIRN_AUTO(firn_journal_reader_close_pointer) firn_journal_reader

/* Of all journals together. */
extern const firn_metric_set firn_journal_metrics;

#endif
