/* The commit log: commit records (events/commit_record.h) on their way from the writers to the committer and
 * the indexer, ordered within a partition and durable. What a record means is not known here.
 *
 * local/ keeps one partition in a journal; Kafka comes later behind the same table of functions. Threads may
 * share a log; a reader belongs to one thread. */
#ifndef FIRN_COMMITLOG_COMMITLOG_H
#define FIRN_COMMITLOG_COMMITLOG_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"

typedef struct firn_commit_log firn_commit_log;
typedef struct firn_commit_log_reader firn_commit_log_reader;
typedef struct firn_commit_log_consumer firn_commit_log_consumer;

/* The next record to take of one partition. */
typedef struct firn_log_position {
  int32_t partition;
  uint64_t next;
} firn_log_position;

/* Ascending by partition; a partition that is not listed is at its start. */
typedef struct firn_log_positions {
  size_t n;
  firn_log_position *items;
} firn_log_positions;

typedef struct firn_commit_log_record {
  int32_t partition;
  uint64_t position;
  firn_bytes bytes; /* borrowed until the following next */
} firn_commit_log_record;

typedef struct firn_commit_log_ops {
  const char *kind; /* "local" */
  firn_status (*append)(firn_commit_log *, firn_ctx *, firn_bytes record, firn_log_position *at,
                        firn_error *);
  firn_status (*range)(firn_commit_log *, firn_ctx *, firn_arena *, firn_log_positions *first,
                       firn_log_positions *next, firn_error *);
  firn_status (*reader_open)(firn_commit_log *, firn_ctx *, const firn_log_positions *from,
                             firn_commit_log_reader **out, firn_error *);
  firn_status (*reader_next)(firn_commit_log_reader *, firn_ctx *, firn_commit_log_record *out,
                             bool *is_there, firn_error *);
  void (*reader_close)(firn_commit_log_reader *);
  firn_status (*consumer_add)(firn_commit_log *, firn_ctx *, const char *name, const firn_log_positions *from,
                              firn_commit_log_consumer **out, firn_error *);
  firn_status (*consumer_advance)(firn_commit_log_consumer *, firn_ctx *, const firn_log_positions *to,
                                  firn_error *);
  void (*consumer_close)(firn_commit_log_consumer *);
  void (*close)(firn_commit_log *);
} firn_commit_log_ops;

struct firn_commit_log { /* first member of every backend's own struct */
  const firn_commit_log_ops *ops;
  const char *id; /* in the names of positions: a UUID for a local log */
};
struct firn_commit_log_reader { /* the same */
  firn_commit_log *log;
};
struct firn_commit_log_consumer { /* the same */
  firn_commit_log *log;
};

/* Appends one record. When it says FIRN_OK the record is durable; FIRN_UNCERTAIN: nobody knows, and the log
 * must be opened anew. */
FIRN_MUST_USE firn_status firn_commit_log_append(firn_commit_log *log, firn_ctx *ctx, firn_bytes record,
                                                 firn_log_position *at, firn_error *err);
/* What is kept: of every partition the first record and the one to come. In `arena`. */
FIRN_MUST_USE firn_status firn_commit_log_range(firn_commit_log *log, firn_ctx *ctx, firn_arena *arena,
                                                firn_log_positions *first, firn_log_positions *next,
                                                firn_error *err);

/* Reads on from `from`. FIRN_NOT_FOUND: a position before the log's start; FIRN_INVALID: one beyond its end.
 * Both mean that the log or the position is not what it was, and somebody has to look. */
FIRN_MUST_USE firn_status firn_commit_log_reader_open(firn_commit_log *log, firn_ctx *ctx,
                                                      const firn_log_positions *from,
                                                      firn_commit_log_reader **out, firn_error *err);
/* `*is_there` false: none for now; ask again later. */
FIRN_MUST_USE firn_status firn_commit_log_reader_next(firn_commit_log_reader *r, firn_ctx *ctx,
                                                      firn_commit_log_record *out, bool *is_there,
                                                      firn_error *err);
void firn_commit_log_reader_close(firn_commit_log_reader *r); /* NULL is fine */
void firn_commit_log_reader_close_pointer(firn_commit_log_reader **r);
#define FIRN_AUTO_COMMIT_LOG_READER FIRN_AUTO(firn_commit_log_reader_close_pointer) firn_commit_log_reader

/* Those that a record waits for: it is freed once every consumer has passed it, and not before there is one.
 * All of them are added before the first advances. Closing a consumer lets its records be kept (it is not
 * done) until one of that name is added again, or the log is closed. FIRN_NOT_FOUND and FIRN_INVALID as
 * above; FIRN_EXISTS for a name that is open. To advance to where it has been is nothing; beyond the end is
 * FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_commit_log_consumer_add(firn_commit_log *log, firn_ctx *ctx, const char *name,
                                                       const firn_log_positions *from,
                                                       firn_commit_log_consumer **out, firn_error *err);
FIRN_MUST_USE firn_status firn_commit_log_consumer_advance(firn_commit_log_consumer *c, firn_ctx *ctx,
                                                           const firn_log_positions *to, firn_error *err);
void firn_commit_log_consumer_close(firn_commit_log_consumer *c); /* NULL is fine */

/* Its readers and consumers are closed. NULL is fine. */
void firn_commit_log_close(firn_commit_log *log);

/* local/: one partition, 0, in a journal of kind "commits" in `folder`. A new one is made where none is; for
 * those whose events tell that there must be one, `*is_there` says whether there is. */
FIRN_MUST_USE firn_status firn_local_commit_log_look(const char *folder, firn_ctx *ctx, bool *is_there,
                                                     firn_error *err);
FIRN_MUST_USE firn_status firn_local_commit_log_open(const char *folder, firn_ctx *ctx, firn_commit_log **out,
                                                     firn_error *err);

#endif
