#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "index/sqlite/index_internal.h"

enum {
  FIRST_KEYS = 1 << 10,
  MAX_KEYS = 1 << 18,      /* 18 MiB */
  LARGEST_TAGS = 64 << 20, /* bytes of one row's tags, unescaped */
  HASHED = 5,              /* subject, time, type, source, id */
};
#define MAX_ROW ((int64_t)1 << 40)

/* The statements of a load, by what they do. */
enum {
  FILE_FIND,
  FILE_FORGET,
  FILE_ADD,
  FILE_END,
  FILE_GONE,
  FILE_PENDING,
  EVENT_ADD,
  EVENT_LIST,
  EVENT_REMOVE,
  BY_SUBJECT_ADD,
  BY_SUBJECT_REMOVE,
  BY_ID_ADD,
  BY_ID_REMOVE,
  BY_TIME_ADD,
  BY_TIME_REMOVE,
  TAG_ADD,
  TAG_REMOVE,
  NOTE_PUT,
  N_STATEMENTS
};

static const char *const sql_of[N_STATEMENTS] = {
    [FILE_FIND] = "SELECT first_id, n_ids, state FROM file WHERE path = $1",
    [FILE_FORGET] = "DELETE FROM file WHERE first_id = $1",
    [FILE_ADD] =
        "INSERT INTO file (first_id, path, table_name, state, n_ids, n_rows, pending) "
        "VALUES ($1, $2, $3, $4, 1, 0, '')",
    [FILE_END] = "UPDATE file SET n_ids = $2, n_rows = $3 WHERE first_id = $1",
    [FILE_GONE] = "UPDATE file SET state = $2, n_rows = 0, pending = '' WHERE first_id = $1",
    [FILE_PENDING] = "UPDATE file SET pending = $2 WHERE path = $1 AND state = 1 AND pending <> $2",
    [EVENT_ADD] =
        "INSERT INTO event (event_id, subject, time_us, identity, type, source, id_hash, id, producer, "
        "data_content_type, data_version, extras) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    [EVENT_LIST] =
        "SELECT event_id, subject, time_us, identity, id_hash, extras FROM event "
        "WHERE event_id >= $1 AND event_id < $2",
    [BY_SUBJECT_ADD] =
        "INSERT INTO event_by_subject (subject, time_us, identity, event_id, type, source) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
    [BY_SUBJECT_REMOVE] =
        "DELETE FROM event_by_subject "
        "WHERE subject = $1 AND time_us = $2 AND identity = $3 AND event_id = $4",
    [BY_ID_ADD] = "INSERT INTO event_by_id (id_hash, event_id) VALUES ($1, $2)",
    [BY_ID_REMOVE] = "DELETE FROM event_by_id WHERE id_hash = $1 AND event_id = $2",
    [BY_TIME_ADD] =
        "INSERT INTO event_by_time (time_us, identity, event_id, type, source, producer, "
        "data_version) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    [BY_TIME_REMOVE] = "DELETE FROM event_by_time WHERE time_us = $1 AND identity = $2 AND event_id = $3",
    [EVENT_REMOVE] = "DELETE FROM event WHERE event_id >= $1 AND event_id < $2",
    [TAG_ADD] = "INSERT OR IGNORE INTO event_tag (tag, time_us, identity, event_id) VALUES ($1, $2, $3, $4)",
    [TAG_REMOVE] =
        "DELETE FROM event_tag WHERE tag = $1 AND time_us = $2 AND identity = $3 AND event_id = $4",
    [NOTE_PUT] =
        "INSERT INTO note (name, text) VALUES ($1, $2) "
        "ON CONFLICT (name) DO UPDATE SET text = excluded.text",
};

/* What the trees beside `event` hold of a row. They are filled tree by tree, each in its own order, so that a
 * page is met once for all rows that go into it. */
typedef struct tree_key {
  int64_t subject, time_us, identity, id_hash, event_id;
  int64_t type, source, producer, version;
} tree_key;

typedef struct load {
  firn_index_load base;
  const firn_env *env;
  firn_transaction transaction;
  firn_statement *statements[N_STATEMENTS];
  firn_texts texts;
  firn_arena scratch; /* of one row's tags */
  bool failed;
  int64_t next_id;             /* the first that is free */
  size_t n_keys, key_capacity; /* of rows that are in `event` alone as yet */
  tree_key *keys;
  bool in_file;
  int64_t first_id, n_ids, n_rows; /* of the file that rows go to */
} load;

static firn_sqlite_index *index_of(const load *l) {
  return (firn_sqlite_index *)l->base.index;
}

/* What a failed statement left half done must not be committed. */
static firn_status done(load *l, firn_status status, firn_error *err) {
  if (status == FIRN_OK || status == FIRN_EXISTS) {
    return status;
  }
  l->failed = true;
  return firn_sqlite_index_fail(index_of(l), status, err);
}

static firn_status run(load *l, firn_ctx *ctx, int which, firn_db_values values, firn_error *err) {
  bool is_row;
  FIRN_TRY(firn_statement_bind(l->statements[which], values, err));
  return firn_statement_next(l->statements[which], ctx, &is_row, err);
}

static firn_status read_next_id(load *l, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_db_query(l->transaction.db, ctx,
                         "SELECT first_id + n_ids FROM file ORDER BY first_id DESC LIMIT 1",
                         FIRN_DB_NO_VALUES, &st, err));
  FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  l->next_id = is_row ? firn_statement_int64(st, 0) : 1;
  return FIRN_OK;
}

static firn_status begin(load *l, firn_ctx *ctx, firn_error *err) {
  firn_db *db = index_of(l)->writer;
  FIRN_TRY(firn_db_begin(db, ctx, &l->transaction, err));
  for (int i = 0; i < N_STATEMENTS; i++) {
    FIRN_TRY(firn_db_prepare(db, ctx, sql_of[i], &l->statements[i], err));
  }
  FIRN_TRY(firn_texts_open(db, ctx, &l->texts, err));
  return read_next_id(l, ctx, err);
}

firn_status firn_sqlite_index_load_begin(firn_index *index, firn_ctx *ctx, firn_index_load **out,
                                         firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  if (atomic_exchange(&x->is_loading, true)) {
    return firn_error_set(err, FIRN_BUSY, "another load is under way");
  }
  load *l = firn_alloc(sizeof *l);
  if (l == NULL) {
    atomic_store(&x->is_loading, false);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a load");
  }
  l->base.index = index;
  l->env = ctx->env;
  l->scratch = (firn_arena)FIRN_ARENA_INIT(LARGEST_TAGS);
  firn_status status = begin(l, ctx, err);
  if (status != FIRN_OK) {
    firn_sqlite_index_load_close(&l->base);
    return firn_sqlite_index_fail(x, status, err);
  }
  *out = &l->base;
  return FIRN_OK;
}

void firn_sqlite_index_load_close(firn_index_load *base) {
  load *l = (load *)base;
  firn_sqlite_index *x = index_of(l);
  for (int i = 0; i < N_STATEMENTS; i++) {
    firn_statement_close(l->statements[i]);
  }
  firn_texts_close(&l->texts);
  firn_transaction_undo(&l->transaction);
  firn_arena_free(&l->scratch);
  firn_free(l->keys);
  firn_sqlite_index_rest(x, l->env);
  firn_free(l);
  atomic_store(&x->is_loading, false);
}

/* --- trees --- */

static int by_subject(const void *a, const void *b) {
  const tree_key *x = a, *y = b;
  if (x->subject != y->subject) {
    return x->subject < y->subject ? -1 : 1;
  }
  return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

static int by_id(const void *a, const void *b) {
  const tree_key *x = a, *y = b;
  return (x->id_hash > y->id_hash) - (x->id_hash < y->id_hash);
}

static int by_time(const void *a, const void *b) {
  const tree_key *x = a, *y = b;
  return (x->time_us > y->time_us) - (x->time_us < y->time_us);
}

/* What a statement takes of a key, first of all what the tree is ordered by. */
typedef struct tree {
  int (*order)(const void *, const void *);
  int add, remove; /* statements */
  size_t n_key, n_values;
  size_t values[7]; /* where they stand in a tree_key */
} tree;

#define AT(field) offsetof(tree_key, field)

static const tree trees[] = {
    {by_subject,
     BY_SUBJECT_ADD,
     BY_SUBJECT_REMOVE,
     4,
     6,
     {AT(subject), AT(time_us), AT(identity), AT(event_id), AT(type), AT(source)}},
    {by_id, BY_ID_ADD, BY_ID_REMOVE, 2, 2, {AT(id_hash), AT(event_id)}},
    {by_time,
     BY_TIME_ADD,
     BY_TIME_REMOVE,
     3,
     7,
     {AT(time_us), AT(identity), AT(event_id), AT(type), AT(source), AT(producer), AT(version)}},
};

static firn_status change_tree(load *l, firn_ctx *ctx, const tree *t, bool is_adding, firn_error *err) {
  size_t n = is_adding ? t->n_values : t->n_key;
  qsort(l->keys, l->n_keys, sizeof *l->keys, t->order);
  for (size_t i = 0; i < l->n_keys; i++) {
    firn_db_value values[FIRN_COUNT_OF(t->values)];
    for (size_t j = 0; j < n; j++) {
      int64_t value;
      memcpy(&value, (const char *)&l->keys[i] + t->values[j], sizeof value);
      values[j] = firn_db_int64(value);
    }
    FIRN_TRY(run(l, ctx, is_adding ? t->add : t->remove, (firn_db_values){n, values}, err));
  }
  return FIRN_OK;
}

/* Puts the keys into the trees, or takes them out. */
static firn_status change_trees(load *l, firn_ctx *ctx, bool is_adding, firn_error *err) {
  for (size_t i = 0; l->n_keys > 0 && i < FIRN_COUNT_OF(trees); i++) {
    FIRN_TRY(change_tree(l, ctx, &trees[i], is_adding, err));
  }
  l->n_keys = 0;
  return FIRN_OK;
}

static firn_status keep_key(load *l, firn_ctx *ctx, bool is_adding, const tree_key *key, firn_error *err) {
  if (l->n_keys == MAX_KEYS) {
    FIRN_TRY(change_trees(l, ctx, is_adding, err));
  }
  if (l->n_keys == l->key_capacity) {
    size_t capacity = l->key_capacity == 0 ? FIRST_KEYS : l->key_capacity * 2;
    tree_key *keys = firn_realloc(l->keys, capacity * sizeof *keys);
    if (keys == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu rows", capacity);
    }
    l->keys = keys;
    l->key_capacity = capacity;
  }
  l->keys[l->n_keys++] = *key;
  return FIRN_OK;
}

/* --- files --- */

static firn_status end_file(load *l, firn_ctx *ctx, firn_error *err) {
  if (!l->in_file) {
    return FIRN_OK;
  }
  l->in_file = false;
  l->next_id = l->first_id + l->n_ids;
  return run(l, ctx, FILE_END,
             FIRN_DB_VALUES(firn_db_int64(l->first_id), firn_db_int64(l->n_ids), firn_db_int64(l->n_rows)),
             err);
}

typedef struct known_file {
  bool is_there;
  int64_t first_id, n_ids, state;
} known_file;

static firn_status find_file(load *l, firn_ctx *ctx, const char *path, known_file *out, firn_error *err) {
  firn_statement *st = l->statements[FILE_FIND];
  *out = (known_file){0};
  FIRN_TRY(firn_statement_bind(st, FIRN_DB_VALUES(firn_db_text(path)), err));
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return FIRN_OK;
    }
    *out = (known_file){true, firn_statement_int64(st, 0), firn_statement_int64(st, 1),
                        firn_statement_int64(st, 2)};
  }
}

static firn_status add_file(load *l, firn_ctx *ctx, const char *table, const char *path,
                            firn_index_file_state state, firn_error *err) {
  firn_bytes name = firn_bytes_of(table);
  int64_t table_name;
  FIRN_TRY(firn_texts_put(&l->texts, ctx, name, firn_xxh64(name), &table_name, err));
  FIRN_TRY(run(l, ctx, FILE_ADD,
               FIRN_DB_VALUES(firn_db_int64(l->next_id), firn_db_text(path), firn_db_int64(table_name),
                              firn_db_int64(state)),
               err));
  l->first_id = l->next_id;
  l->n_ids = 1; /* of its own even when it has no rows: its number must be */
  l->n_rows = 0;
  l->next_id++;
  return FIRN_OK;
}

static firn_status load_file(load *l, firn_ctx *ctx, const char *table, const char *path, firn_error *err) {
  known_file known;
  FIRN_TRY(end_file(l, ctx, err));
  FIRN_TRY(find_file(l, ctx, path, &known, err));
  if (known.is_there && known.state == FIRN_INDEX_FILE_LIVE) {
    return firn_error_set(err, FIRN_EXISTS, "%s is in the index already", path);
  }
  if (known.is_there) {
    FIRN_TRY(run(l, ctx, FILE_FORGET, FIRN_DB_VALUES(firn_db_int64(known.first_id)), err));
  }
  FIRN_TRY(add_file(l, ctx, table, path, FIRN_INDEX_FILE_LIVE, err));
  l->in_file = true;
  return FIRN_OK;
}

firn_status firn_sqlite_index_load_file(firn_index_load *base, firn_ctx *ctx, const char *table,
                                        const char *path, firn_error *err) {
  load *l = (load *)base;
  return done(l, load_file(l, ctx, table, path, err), err);
}

firn_status firn_sqlite_index_load_pending(firn_index_load *base, firn_ctx *ctx, const char *path,
                                           const char *pending, firn_error *err) {
  load *l = (load *)base;
  firn_db_values values = FIRN_DB_VALUES(firn_db_text(path), firn_db_text(pending));
  return done(l, run(l, ctx, FILE_PENDING, values, err), err);
}

/* --- rows --- */

typedef struct hashes {
  uint64_t subject, type, source, id, producer, content_type, version;
  int64_t identity;
} hashes;

static void hash_row(const firn_index_row *row, int64_t time_us, hashes *out) {
  *out = (hashes){firn_xxh64(row->subject),      firn_xxh64(row->type),
                  firn_xxh64(row->source),       firn_xxh64(row->id),
                  firn_xxh64(row->producer),     firn_xxh64(row->data_content_type),
                  firn_xxh64(row->data_version), 0};
  const uint64_t all[HASHED] = {out->subject, (uint64_t)time_us, out->type, out->source, out->id};
  uint8_t packed[HASHED * 8];
  for (size_t i = 0; i < sizeof packed; i++) { /* the value is stored: the same on every machine */
    packed[i] = (uint8_t)(all[i / 8] >> (i % 8 * 8));
  }
  out->identity = (int64_t)firn_xxh64((firn_bytes){packed, sizeof packed});
}

static firn_status put_texts(load *l, firn_ctx *ctx, const firn_index_row *row, const hashes *h,
                             firn_db_value *subject, firn_db_value others[5], firn_error *err) {
  const firn_bytes texts[] = {row->type, row->source, row->producer, row->data_content_type,
                              row->data_version};
  const uint64_t all[] = {h->type, h->source, h->producer, h->content_type, h->version};
  int64_t id;
  FIRN_TRY(firn_texts_put(&l->texts, ctx, row->subject, h->subject, &id, err));
  *subject = firn_db_int64(id);
  for (size_t i = 0; i < FIRN_COUNT_OF(texts); i++) {
    FIRN_TRY(firn_texts_put(&l->texts, ctx, texts[i], all[i], &id, err));
    others[i] = firn_db_int64(id);
  }
  return FIRN_OK;
}

/* Adds or removes the tags of an event. */
static firn_status change_tags(load *l, firn_ctx *ctx, int which, firn_bytes extras, const int64_t key[3],
                               firn_error *err) {
  firn_bytes *tags;
  size_t n;
  firn_arena_reset(&l->scratch);
  FIRN_TRY(firn_tags_of(extras, &l->scratch, &tags, &n, err));
  for (size_t i = 0; i < n; i++) {
    int64_t tag;
    FIRN_TRY(firn_texts_put(&l->texts, ctx, tags[i], firn_xxh64(tags[i]), &tag, err));
    FIRN_TRY(run(l, ctx, which,
                 FIRN_DB_VALUES(firn_db_int64(tag), firn_db_int64(key[0]), firn_db_int64(key[1]),
                                firn_db_int64(key[2])),
                 err));
  }
  return FIRN_OK;
}

static firn_status load_row(load *l, firn_ctx *ctx, const firn_index_row *row, firn_error *err) {
  if (!l->in_file || row->row < 0 || row->row >= MAX_ROW) {
    return firn_error_set(err, FIRN_INVALID, "row %" PRId64 " of no file", row->row);
  }
  int64_t time_us = row->has_time ? row->time_us : FIRN_NO_TIME;
  int64_t event_id = l->first_id + row->row;
  firn_bytes extras = firn_bytes_is(row->extras, "{}") ? (firn_bytes){NULL, 0} : row->extras;
  hashes h;
  firn_db_value subject, others[5];
  hash_row(row, time_us, &h);
  FIRN_TRY(put_texts(l, ctx, row, &h, &subject, others, err));
  FIRN_TRY(
      run(l, ctx, EVENT_ADD,
          FIRN_DB_VALUES(firn_db_int64(event_id), subject, firn_db_int64(time_us), firn_db_int64(h.identity),
                         others[0], others[1], firn_db_int64(firn_id_hash(row->id)), firn_text_value(row->id),
                         others[2], others[3], others[4], firn_text_value(extras)),
          err));
  const tree_key key = {subject.i64,   time_us,       h.identity,    firn_id_hash(row->id), event_id,
                        others[0].i64, others[1].i64, others[2].i64, others[4].i64};
  FIRN_TRY(keep_key(l, ctx, true, &key, err));
  FIRN_TRY(change_tags(l, ctx, TAG_ADD, extras, (const int64_t[]){time_us, h.identity, event_id}, err));
  l->n_rows++;
  l->n_ids = row->row >= l->n_ids ? row->row + 1 : l->n_ids;
  return FIRN_OK;
}

firn_status firn_sqlite_index_load_row(firn_index_load *base, firn_ctx *ctx, const firn_index_row *row,
                                       firn_error *err) {
  load *l = (load *)base;
  return done(l, load_row(l, ctx, row, err), err);
}

/* --- what goes --- */

/* All but the rows of `event` themselves. */
static firn_status remove_keys(load *l, firn_ctx *ctx, firn_db_values range, firn_error *err) {
  firn_statement *st = l->statements[EVENT_LIST];
  FIRN_TRY(firn_statement_bind(st, range, err));
  for (;;) {
    bool is_row;
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return change_trees(l, ctx, false, err);
    }
    const tree_key key = {.event_id = firn_statement_int64(st, 0),
                          .subject = firn_statement_int64(st, 1),
                          .time_us = firn_statement_int64(st, 2),
                          .identity = firn_statement_int64(st, 3),
                          .id_hash = firn_statement_int64(st, 4)};
    FIRN_TRY(keep_key(l, ctx, false, &key, err));
    FIRN_TRY(change_tags(l, ctx, TAG_REMOVE, firn_statement_bytes(st, 5),
                         (const int64_t[]){key.time_us, key.identity, key.event_id}, err));
  }
}

static firn_status load_gone(load *l, firn_ctx *ctx, const char *path, firn_error *err) {
  known_file known;
  FIRN_TRY(end_file(l, ctx, err));
  FIRN_TRY(find_file(l, ctx, path, &known, err));
  if (!known.is_there) {
    return add_file(l, ctx, "", path, FIRN_INDEX_FILE_GONE, err);
  }
  if (known.state == FIRN_INDEX_FILE_GONE) {
    return FIRN_OK;
  }
  firn_db_values range =
      FIRN_DB_VALUES(firn_db_int64(known.first_id), firn_db_int64(known.first_id + known.n_ids));
  FIRN_TRY(change_trees(l, ctx, true, err)); /* those that were added before */
  FIRN_TRY(remove_keys(l, ctx, range, err));
  FIRN_TRY(run(l, ctx, EVENT_REMOVE, range, err));
  return run(l, ctx, FILE_GONE,
             FIRN_DB_VALUES(firn_db_int64(known.first_id), firn_db_int64(FIRN_INDEX_FILE_GONE)), err);
}

firn_status firn_sqlite_index_load_gone(firn_index_load *base, firn_ctx *ctx, const char *path,
                                        firn_error *err) {
  load *l = (load *)base;
  return done(l, load_gone(l, ctx, path, err), err);
}

firn_status firn_sqlite_index_load_note(firn_index_load *base, firn_ctx *ctx, const char *name,
                                        const char *text, firn_error *err) {
  load *l = (load *)base;
  return done(l, run(l, ctx, NOTE_PUT, FIRN_DB_VALUES(firn_db_text(name), firn_db_text(text)), err), err);
}

static firn_status commit(load *l, firn_ctx *ctx, firn_error *err) {
  if (l->failed || l->transaction.db == NULL) {
    return firn_error_set(err, FIRN_INVALID, "a load that failed or has ended cannot be committed");
  }
  FIRN_TRY(end_file(l, ctx, err));
  FIRN_TRY(change_trees(l, ctx, true, err));
  return firn_transaction_commit(&l->transaction, ctx, err);
}

firn_status firn_sqlite_index_load_commit(firn_index_load *base, firn_ctx *ctx, firn_error *err) {
  load *l = (load *)base;
  return done(l, commit(l, ctx, err), err);
}
