/* SQL databases behind one face: SQLite now (sqlite.h), PostgreSQL later.
 *
 * A firn_db is one connection and belongs to one thread at a time; several threads share a firn_connections
 * (connections.h). Statements are written once for every kind: parameters are $1, $2, ... and values are
 * always bound, never printed into SQL. Error texts begin with the kind and the database ("sqlite:
 * /lake/catalog.db: ...").
 *
 * What a failure means: FIRN_BUSY (locked by others for too long: nothing happened), FIRN_CONFLICT (a
 * constraint: unique, not null, ...), FIRN_CORRUPT (not a database, or a damaged one), FIRN_DENIED, FIRN_IO
 * (the disk is full, or fails), FIRN_INVALID (SQL that this database does not understand). FIRN_UNCERTAIN
 * comes from a commit only: the database could not say whether it happened. */
#ifndef FIRN_DB_DB_H
#define FIRN_DB_DB_H

#include "base/bytes.h"
#include "base/ctx.h"
#include "base/error.h"

typedef struct firn_db firn_db;
typedef struct firn_statement firn_statement;

typedef enum firn_db_kind {
  FIRN_DB_NULL = 0,
  FIRN_DB_INT64,
  FIRN_DB_DOUBLE,
  FIRN_DB_TEXT,
  FIRN_DB_BYTES,
} firn_db_kind;

/* A parameter, or a column of a row. */
typedef struct firn_db_value {
  firn_db_kind kind;
  union {
    int64_t i64;
    double f64;
    firn_bytes bytes; /* TEXT, BYTES */
  };
} firn_db_value;

static inline firn_db_value firn_db_null(void) {
  return (firn_db_value){.kind = FIRN_DB_NULL};
}
static inline firn_db_value firn_db_int64(int64_t v) {
  return (firn_db_value){.kind = FIRN_DB_INT64, .i64 = v};
}
static inline firn_db_value firn_db_double(double v) {
  return (firn_db_value){.kind = FIRN_DB_DOUBLE, .f64 = v};
}
/* NULL is the null value. */
static inline firn_db_value firn_db_text(const char *text) {
  return (firn_db_value){.kind = text == NULL ? FIRN_DB_NULL : FIRN_DB_TEXT, .bytes = firn_bytes_of(text)};
}
static inline firn_db_value firn_db_bytes(firn_bytes bytes) {
  return (firn_db_value){.kind = FIRN_DB_BYTES, .bytes = bytes};
}

typedef struct firn_db_values {
  size_t n;
  const firn_db_value *items;
} firn_db_values;

/* FIRN_DB_VALUES(firn_db_text(name), firn_db_int64(7)): $1, $2. */
#define FIRN_DB_VALUES(...)                                                               \
  ((firn_db_values){sizeof((const firn_db_value[]){__VA_ARGS__}) / sizeof(firn_db_value), \
                    (const firn_db_value[]){__VA_ARGS__}})
#define FIRN_DB_NO_VALUES ((firn_db_values){0, NULL})

typedef struct firn_db_ops {
  const char *kind; /* "sqlite" */
  firn_status (*script)(firn_db *, firn_ctx *, const char *sql, firn_error *);
  firn_status (*prepare)(firn_db *, firn_ctx *, const char *sql, firn_statement **out, firn_error *);
  firn_status (*bind)(firn_statement *, const firn_db_values *, firn_error *);
  firn_status (*next)(firn_statement *, firn_ctx *, bool *is_row, firn_error *);
  size_t (*n_columns)(const firn_statement *);
  firn_db_value (*column)(firn_statement *, size_t i);
  uint64_t (*n_changed)(const firn_statement *);
  void (*statement_close)(firn_statement *);
  firn_status (*begin)(firn_db *, firn_ctx *, firn_error *);
  firn_status (*commit)(firn_db *, firn_ctx *, firn_error *);
  void (*rollback)(firn_db *);
  void (*close)(firn_db *);
} firn_db_ops;

struct firn_db { /* first member of every backend's own struct */
  const firn_db_ops *ops;
  const char *name; /* for error texts: a path, never a password */
  bool in_transaction;
};

struct firn_statement { /* first member of every backend's own struct */
  firn_db *db;
};

/* Several statements without parameters and rows, divided by semicolons. They are one transaction only inside
 * of one. */
FIRN_MUST_USE firn_status firn_db_script(firn_db *db, firn_ctx *ctx, const char *sql, firn_error *err);

/* One statement without rows. `n_changed` (may be NULL) gets the number of rows it inserted, changed or
 * deleted. */
FIRN_MUST_USE firn_status firn_db_run(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                                      uint64_t *n_changed, firn_error *err);

/* One statement, ready for firn_statement_next; and the same without values, to be bound again and again. A
 * statement must be closed before its connection. */
FIRN_MUST_USE firn_status firn_db_query(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                                        firn_statement **out, firn_error *err);
FIRN_MUST_USE firn_status firn_db_prepare(firn_db *db, firn_ctx *ctx, const char *sql, firn_statement **out,
                                          firn_error *err);

/* Starts over with these values, which are copied. Their number must be that of the parameters. */
FIRN_MUST_USE firn_status firn_statement_bind(firn_statement *st, firn_db_values values, firn_error *err);
/* Steps to the next row; `*is_row` false after the last. */
FIRN_MUST_USE firn_status firn_statement_next(firn_statement *st, firn_ctx *ctx, bool *is_row,
                                              firn_error *err);

/* Columns of the row, from 0; borrowed until the following next, bind or close. */
firn_db_value firn_statement_value(firn_statement *st, size_t column);
/* The bytes of a text or binary column, and nothing for every other kind. */
firn_bytes firn_statement_bytes(firn_statement *st, size_t column);
bool firn_statement_is_null(firn_statement *st, size_t column);
int64_t firn_statement_int64(firn_statement *st, size_t column); /* 0 for every other kind */
void firn_statement_close(firn_statement *st);                   /* NULL is fine */
void firn_statement_close_pointer(firn_statement **st);
#define FIRN_AUTO_STATEMENT FIRN_AUTO(firn_statement_close_pointer) firn_statement

/* A transaction that will write: others who want to write wait until it ends. It is undone on every way out
 * of its block but firn_transaction_commit. No transaction in a transaction. FIRN_AUTO_TRANSACTION t = {0};
 *   FIRN_TRY(firn_db_begin(db, ctx, &t, err));
 *   ...
 *   FIRN_TRY(firn_transaction_commit(&t, ctx, err)); */
typedef struct firn_transaction {
  firn_db *db; /* NULL: none, or ended */
} firn_transaction;

FIRN_MUST_USE firn_status firn_db_begin(firn_db *db, firn_ctx *ctx, firn_transaction *out, firn_error *err);
/* FIRN_UNCERTAIN when it may or may not have happened; after any other failure it did not. */
FIRN_MUST_USE firn_status firn_transaction_commit(firn_transaction *t, firn_ctx *ctx, firn_error *err);
void firn_transaction_undo(firn_transaction *t); /* fine on one that has ended */
#define FIRN_AUTO_TRANSACTION FIRN_AUTO(firn_transaction_undo) firn_transaction

void firn_db_close(firn_db *db); /* NULL is fine */
void firn_db_close_pointer(firn_db **db);
#define FIRN_AUTO_DB FIRN_AUTO(firn_db_close_pointer) firn_db

#endif
