/* What the parts of the indexer share. */
#ifndef FIRN_SERVICES_INDEXER_INDEXER_INTERNAL_H
#define FIRN_SERVICES_INDEXER_INDEXER_INTERNAL_H

#include <stdatomic.h>

#include "services/indexer/changes_internal.h"
#include "services/indexer/indexer.h"
#include "services/indexer/place_internal.h"

enum {
  FIRN_INDEXER_FILES,
  FIRN_INDEXER_ROWS,
  FIRN_INDEXER_GONE,
  FIRN_INDEXER_UNREAD,
  FIRN_INDEXER_LOAD_US,
  FIRN_INDEXER_N_METRICS,
};

enum { FIRN_PROBLEM_MAX = 400 };

typedef struct firn_indexed_table {
  const firn_table_id *id;
  const char *name;               /* of the keys of notes and in texts: its parts joined by dots */
  firn_metadata *metadata;        /* as last loaded; NULL: never, or there is no such table */
  char problem[FIRN_PROBLEM_MAX]; /* why it cannot be followed; "": it can */
} firn_indexed_table;

/* One table on its way from the snapshot that is indexed to the one that it has. */
typedef struct firn_catch_up {
  firn_indexed_table *table; /* NULL: none is under way */
  firn_metadata *metadata;
  firn_changes changes;
  firn_path_set live; /* keys' paths of changes.added */
  size_t next_added, next_removed;
  firn_path_set unread; /* of the added ones; some files could not be read, so the snapshot is not done */
} firn_catch_up;

struct firn_indexer {
  firn_indexer_options options;
  firn_arena arena; /* names */
  firn_indexed_table *tables;
  char told[FIRN_PROBLEM_MAX]; /* what `problem` was told last */
  /* the log */
  bool is_known;      /* `place` is what the index says */
  firn_place place;   /* next records to index */
  firn_place reading; /* behind those that the load under way has */
  firn_commit_log_reader *reader;
  firn_commit_log_consumer *consumer;
  firn_path_set passed; /* files of records that nobody waits for any more */
  firn_arena passed_arena;
  /* the tables */
  atomic_bool must_look;
  bool looked_while_draining;
  int64_t next_look_us; /* monotonic */
  size_t next_table;    /* of the look under way; n_tables: none is */
  firn_catch_up catch_up;
  firn_path_set warned; /* of files that could not be read, so that each is told once */
  firn_arena warned_arena;
};

/* One load while it is filled. */
typedef struct firn_indexing {
  firn_indexer *x;
  firn_ctx *ctx;
  firn_index_load *load;
  int64_t n_files, n_rows, n_gone;
  int64_t begun_us;
} firn_indexing;

/* Inside the indexer `err` is never NULL. */
FIRN_MUST_USE firn_status firn_indexing_begin(firn_indexer *x, firn_ctx *ctx, firn_indexing *out,
                                              firn_error *err);
bool firn_indexing_is_full(const firn_indexing *g);
/* Counts and tells about it. */
FIRN_MUST_USE firn_status firn_indexing_commit(firn_indexing *g, firn_error *err);
void firn_indexing_end(firn_indexing *g); /* undoes what is not committed; fine on {0} */
#define FIRN_AUTO_INDEXING FIRN_AUTO(firn_indexing_end) firn_indexing

typedef enum firn_file_outcome {
  FIRN_FILE_ADDED,
  FIRN_FILE_KNOWN,   /* its rows were there */
  FIRN_FILE_FOREIGN, /* it lies outside of the warehouse and has no keys */
  FIRN_FILE_UNREAD,  /* the reason is the status; the load can only be ended */
} firn_file_outcome;

/* A file's rows, unless they are there. With FIRN_FILE_UNREAD the status is not FIRN_OK, and the file is to
 * blame. */
FIRN_MUST_USE firn_status firn_indexing_add(firn_indexing *g, const firn_indexed_table *table,
                                            const firn_metadata *metadata, const firn_data_file *file,
                                            firn_file_outcome *out, firn_error *err);
FIRN_MUST_USE firn_status firn_indexing_remove(firn_indexing *g, const char *path, firn_error *err);

/* Loads a table; FIRN_NOT_FOUND and the like are its problem, and then `metadata` is NULL and FIRN_OK said.
 */
FIRN_MUST_USE firn_status firn_indexed_table_load(firn_indexer *x, firn_ctx *ctx, firn_indexed_table *t,
                                                  firn_error *err);
/* Whether a failure is that of one table or file, beside which work goes on. */
bool firn_indexer_is_local(firn_status status);
void firn_indexer_warn(firn_indexer *x, firn_ctx *ctx, const char *path, const firn_error *err);

/* follow_log.c: the place that the index says, a reader and a consumer from there. Nothing without a log. */
FIRN_MUST_USE firn_status firn_indexer_know_place(firn_indexer *x, firn_ctx *ctx, firn_error *err);
/* One load of records at most; `*more`: it was full. */
FIRN_MUST_USE firn_status firn_indexer_follow_log(firn_indexer *x, firn_ctx *ctx, bool *more,
                                                  firn_error *err);
/* follow_tables.c: one table looked at, or one load of it; `*more`: this look is not over. */
FIRN_MUST_USE firn_status firn_indexer_follow_tables(firn_indexer *x, firn_ctx *ctx, bool *more,
                                                     firn_error *err);
void firn_catch_up_end(firn_catch_up *c); /* fine on {0} */

#endif
