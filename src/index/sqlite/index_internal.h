/* The parts of the SQLite index.
 *
 * Ids of events are given in runs, one for each file: an event's id is that of its file's first row plus its
 * row, so neither file nor row is stored with it, and a file's rows are one range. Texts that repeat stand
 * once in `text` and are known by number; 0 is the empty one. Rows without a time have FIRN_NO_TIME, the
 * least of all. `identity` is a hash of what makes rows one; it orders rows of one time, so that paging has a
 * place to go on from that no later change moves. */
#ifndef FIRN_INDEX_SQLITE_INDEX_INTERNAL_H
#define FIRN_INDEX_SQLITE_INDEX_INTERNAL_H

#include <stdatomic.h>

#include "db/connections.h"
#include "index/index.h"

#define FIRN_NO_TIME INT64_MIN

typedef struct firn_sqlite_index {
  firn_index base;
  firn_connections *readers;
  firn_db *writer; /* of the load that has set is_loading */
  atomic_bool is_loading;
  char path[];
} firn_sqlite_index;

/* Names the index and, where it is damaged or not one, the remedy. */
FIRN_MUST_USE firn_status firn_sqlite_index_fail(const firn_sqlite_index *x, firn_status status,
                                                 firn_error *err);

/* Gives the writer's cache back. */
void firn_sqlite_index_rest(firn_sqlite_index *x, const firn_env *env);

/* 32 bits of a hash: rows that share them are told apart by their ids. */
int64_t firn_id_hash(firn_bytes id);

/* --- text.c: texts by number --- */

static inline firn_db_value firn_text_value(firn_bytes text) {
  return (firn_db_value){.kind = FIRN_DB_TEXT, .bytes = text};
}

typedef struct firn_text_known {
  uint64_t hash;
  int64_t id;
  uint32_t len;
  uint8_t text[108]; /* longer ones are asked for each time */
} firn_text_known;

/* Finds texts, and adds them. What was found last is remembered. */
typedef struct firn_texts {
  firn_statement *find, *add;
  firn_text_known *known; /* FIRN_TEXTS_KNOWN slots */
} firn_texts;

FIRN_MUST_USE firn_status firn_texts_open(firn_db *db, firn_ctx *ctx, firn_texts *out, firn_error *err);
void firn_texts_close(firn_texts *t); /* fine on {0} */
FIRN_MUST_USE firn_status firn_texts_put(firn_texts *t, firn_ctx *ctx, firn_bytes text, uint64_t hash,
                                         int64_t *id, firn_error *err);
/* The number of a text, without adding it; `*id` below 0: there is none. */
FIRN_MUST_USE firn_status firn_text_find(firn_db *db, firn_ctx *ctx, firn_bytes text, int64_t *id,
                                         firn_error *err);

/* --- tags.c --- */

/* The texts of the member `tags` of a JSON object, in `arena`; none where it is no array or `extras` no
 * object.
 */
FIRN_MUST_USE firn_status firn_tags_of(firn_bytes extras, firn_arena *arena, firn_bytes **out, size_t *n,
                                       firn_error *err);

/* --- load.c, search.c, by_key.c: the ops --- */

FIRN_MUST_USE firn_status firn_sqlite_index_load_begin(firn_index *index, firn_ctx *ctx,
                                                       firn_index_load **out, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_file(firn_index_load *l, firn_ctx *ctx, const char *table,
                                                      const char *path, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_pending(firn_index_load *l, firn_ctx *ctx, const char *path,
                                                         const char *pending, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_row(firn_index_load *l, firn_ctx *ctx,
                                                     const firn_index_row *row, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_gone(firn_index_load *l, firn_ctx *ctx, const char *path,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_note(firn_index_load *l, firn_ctx *ctx, const char *name,
                                                      const char *text, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_load_commit(firn_index_load *l, firn_ctx *ctx, firn_error *err);
void firn_sqlite_index_load_close(firn_index_load *l);

FIRN_MUST_USE firn_status firn_sqlite_index_row(firn_index *index, firn_ctx *ctx, firn_bytes path,
                                                int64_t row, firn_arena *arena, firn_index_row *out,
                                                bool *is_there, firn_error *err);
FIRN_MUST_USE firn_status firn_sqlite_index_search(firn_index *index, firn_ctx *ctx,
                                                   const firn_index_query *query, firn_arena *arena,
                                                   firn_index_hits *out, firn_error *err);

#endif
