/* The index: from header fields of events to fetch keys. A view over tables: it may be deleted and made anew.
 *
 * Rows of one (subject, time, type, source, id) are one: the one added last is what is found. Where its file
 * goes, the one before it is found again, for it is still in its table. sqlite/ keeps an index in a file;
 * ClickHouse comes later behind the same table of functions. Threads may share an index; a load belongs to
 * one thread. */
#ifndef FIRN_INDEX_INDEX_H
#define FIRN_INDEX_INDEX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"

typedef struct firn_index firn_index;
typedef struct firn_index_load firn_index_load;

enum { FIRN_INDEX_DEFAULT_LIMIT = 10, FIRN_INDEX_MAX_LIMIT = 10000, FIRN_INDEX_MAX_TAGS = 100 };

/* One row of it: the ledger's columns. Missing texts are empty (data NULL is fine). */
typedef struct firn_index_row {
  firn_bytes subject;
  bool has_time;
  int64_t time_us;
  firn_bytes type, id, source, producer, data_content_type, data_version;
  firn_bytes extras; /* a JSON object: everything else of the header, `tags`, `dataschema`, `signature`,
                        `specversion` (where it is not 1.0) with it; empty means {} */
  int64_t row;       /* in its file, from 0 */
} firn_index_row;

/* A data file whose rows are, or were, in the index. */
typedef enum firn_index_file_state {
  FIRN_INDEX_FILE_UNKNOWN = 0,
  FIRN_INDEX_FILE_LIVE,
  FIRN_INDEX_FILE_GONE, /* the table has it no more: its keys answer "gone" */
} firn_index_file_state;

/* A live file, as those who load see it. */
typedef struct firn_index_file {
  const char *path;
  const char *pending; /* what firn_index_load_pending said; "": nothing */
} firn_index_file;

/* Which ones: the live files of a table in the order of their paths. */
typedef struct firn_index_listing {
  const char *table;
  bool pending_only;
  const char *after; /* those behind this path; NULL: from the first */
  size_t limit;
} firn_index_listing;

typedef struct firn_index_files {
  size_t n;
  firn_index_file *items;
} firn_index_files;

/* What to look for: empty (data NULL) fields ask nothing. */
typedef struct firn_index_query {
  firn_bytes subject, type, source, producer, id, data_version;
  size_t n_tags; /* any of them; at most FIRN_INDEX_MAX_TAGS */
  const firn_bytes *tags;
  bool has_after, has_before;
  int64_t after_us, before_us; /* both exclusive */
  bool is_ascending;           /* by time; else the newest first. Rows without a time come last */
  uint32_t limit;              /* 0: FIRN_INDEX_DEFAULT_LIMIT; at most FIRN_INDEX_MAX_LIMIT */
  const char *cursor;          /* where an earlier answer in the same direction ended; NULL: from the start */
} firn_index_query;

typedef struct firn_index_hit {
  firn_index_row row;
  const char *key; /* <path>#<row> */
} firn_index_hit;

typedef struct firn_index_hits {
  size_t n;
  firn_index_hit *items;
  const char *cursor; /* NULL: that was all */
} firn_index_hits;

typedef struct firn_index_count {
  uint64_t n_rows; /* of live files, those that a later one stands before included */
  uint64_t n_files_live, n_files_gone, size_bytes;
} firn_index_count;

typedef struct firn_index_ops {
  const char *kind; /* "sqlite" */
  firn_status (*search)(firn_index *, firn_ctx *, const firn_index_query *, firn_arena *,
                        firn_index_hits *out, firn_error *);
  firn_status (*row)(firn_index *, firn_ctx *, firn_bytes path, int64_t row, firn_arena *,
                     firn_index_row *out, bool *is_there, firn_error *);
  firn_status (*file_state)(firn_index *, firn_ctx *, firn_bytes path, firn_index_file_state *out,
                            firn_error *);
  firn_status (*count)(firn_index *, firn_ctx *, firn_index_count *out, firn_error *);
  firn_status (*note_read)(firn_index *, firn_ctx *, const char *name, firn_arena *, const char **out,
                           firn_error *);
  firn_status (*files)(firn_index *, firn_ctx *, const firn_index_listing *, firn_arena *,
                       firn_index_files *out, firn_error *);
  firn_status (*load_begin)(firn_index *, firn_ctx *, firn_index_load **out, firn_error *);
  firn_status (*load_file)(firn_index_load *, firn_ctx *, const char *table, const char *path, firn_error *);
  firn_status (*load_pending)(firn_index_load *, firn_ctx *, const char *path, const char *pending,
                              firn_error *);
  firn_status (*load_row)(firn_index_load *, firn_ctx *, const firn_index_row *, firn_error *);
  firn_status (*load_gone)(firn_index_load *, firn_ctx *, const char *path, firn_error *);
  firn_status (*load_note)(firn_index_load *, firn_ctx *, const char *name, const char *text, firn_error *);
  firn_status (*load_commit)(firn_index_load *, firn_ctx *, firn_error *);
  void (*load_close)(firn_index_load *);
  void (*close)(firn_index *);
} firn_index_ops;

struct firn_index { /* first member of every backend's own struct */
  const firn_index_ops *ops;
};
struct firn_index_load { /* the same */
  firn_index *index;
};

/* Hits are in `arena`. FIRN_INVALID for a cursor that is none of ours. Paging is stable: a row that is there
 * all the time is seen once, whatever is added or removed meanwhile. */
FIRN_MUST_USE firn_status firn_index_search(firn_index *index, firn_ctx *ctx, const firn_index_query *query,
                                            firn_arena *arena, firn_index_hits *out, firn_error *err);
/* The row of that number of a live file, also where a later one stands before it in a search; `*is_there`
 * false: it is not in the index. In `arena`. */
FIRN_MUST_USE firn_status firn_index_row_at(firn_index *index, firn_ctx *ctx, firn_bytes path, int64_t row,
                                            firn_arena *arena, firn_index_row *out, bool *is_there,
                                            firn_error *err);
/* What is known of a file, by its path below the warehouse. */
FIRN_MUST_USE firn_status firn_index_file_state_of(firn_index *index, firn_ctx *ctx, firn_bytes path,
                                                   firn_index_file_state *out, firn_error *err);
FIRN_MUST_USE firn_status firn_index_count_of(firn_index *index, firn_ctx *ctx, firn_index_count *out,
                                              firn_error *err);
/* A text that was kept with the rows (positions); NULL: none. In `arena`. */
FIRN_MUST_USE firn_status firn_index_note(firn_index *index, firn_ctx *ctx, const char *name,
                                          firn_arena *arena, const char **out, firn_error *err);

/* In `arena`. */
FIRN_MUST_USE firn_status firn_index_files_of(firn_index *index, firn_ctx *ctx,
                                              const firn_index_listing *which, firn_arena *arena,
                                              firn_index_files *out, firn_error *err);

/* A load is one transaction: rows of files, files that are gone, notes. Undone unless committed; durable when
 * the commit says FIRN_OK. One at a time, else FIRN_BUSY. After a failure (but FIRN_EXISTS of a file) it can
 * only be closed. */
FIRN_MUST_USE firn_status firn_index_load_begin(firn_index *index, firn_ctx *ctx, firn_index_load **out,
                                                firn_error *err);
/* The rows that follow are of this file, in any order; one that is live is FIRN_EXISTS (and its rows are
 * there). One that was gone is live again. */
FIRN_MUST_USE firn_status firn_index_load_file(firn_index_load *l, firn_ctx *ctx, const char *table,
                                               const char *path, firn_error *err);
/* A live file is waited for in its table, and `pending` says what for; "": it is there. Nothing for a file
 * that is not known. */
FIRN_MUST_USE firn_status firn_index_load_pending(firn_index_load *l, firn_ctx *ctx, const char *path,
                                                  const char *pending, firn_error *err);
FIRN_MUST_USE firn_status firn_index_load_row(firn_index_load *l, firn_ctx *ctx, const firn_index_row *row,
                                              firn_error *err);
/* Its rows go; its path is remembered as gone. */
FIRN_MUST_USE firn_status firn_index_load_gone(firn_index_load *l, firn_ctx *ctx, const char *path,
                                               firn_error *err);
FIRN_MUST_USE firn_status firn_index_load_note(firn_index_load *l, firn_ctx *ctx, const char *name,
                                               const char *text, firn_error *err);
FIRN_MUST_USE firn_status firn_index_load_commit(firn_index_load *l, firn_ctx *ctx, firn_error *err);
void firn_index_load_close(firn_index_load *l); /* NULL is fine */
void firn_index_load_close_pointer(firn_index_load **l);
#define FIRN_AUTO_INDEX_LOAD FIRN_AUTO(firn_index_load_close_pointer) firn_index_load

void firn_index_close(firn_index *index); /* NULL is fine; nobody may use it any more */
void firn_index_close_pointer(firn_index **index);
#define FIRN_AUTO_INDEX FIRN_AUTO(firn_index_close_pointer) firn_index

/* sqlite/: opens or makes it. FIRN_UNSUPPORTED for a newer version, FIRN_CORRUPT for what is no index: the
 * text says that it may be deleted, and `firn index rebuild` makes it anew. */
FIRN_MUST_USE firn_status firn_sqlite_index_open(const char *path, firn_ctx *ctx, firn_index **out,
                                                 firn_error *err);

#endif
