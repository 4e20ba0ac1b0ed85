#include "db/db.h"

#include <assert.h>

static firn_status fail(const firn_db *db, firn_status status, firn_error *err) {
  return firn_error_while(err, status, "%s: %s", db->ops->kind, db->name);
}

firn_status firn_db_script(firn_db *db, firn_ctx *ctx, const char *sql, firn_error *err) {
  firn_status status = db->ops->script(db, ctx, sql, err);
  return status == FIRN_OK ? FIRN_OK : fail(db, status, err);
}

firn_status firn_db_prepare(firn_db *db, firn_ctx *ctx, const char *sql, firn_statement **out,
                            firn_error *err) {
  firn_status status = db->ops->prepare(db, ctx, sql, out, err);
  return status == FIRN_OK ? FIRN_OK : fail(db, status, err);
}

firn_status firn_db_query(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                          firn_statement **out, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_db_prepare(db, ctx, sql, &st, err));
  FIRN_TRY(firn_statement_bind(st, values, err));
  *out = FIRN_HAND_OVER(st);
  return FIRN_OK;
}

firn_status firn_db_run(firn_db *db, firn_ctx *ctx, const char *sql, firn_db_values values,
                        uint64_t *n_changed, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  bool is_row;
  FIRN_TRY(firn_db_query(db, ctx, sql, values, &st, err));
  do {
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
  } while (is_row);
  if (n_changed != NULL) {
    *n_changed = db->ops->n_changed(st);
  }
  return FIRN_OK;
}

firn_status firn_statement_bind(firn_statement *st, firn_db_values values, firn_error *err) {
  firn_status status = st->db->ops->bind(st, &values, err);
  return status == FIRN_OK ? FIRN_OK : fail(st->db, status, err);
}

firn_status firn_statement_next(firn_statement *st, firn_ctx *ctx, bool *is_row, firn_error *err) {
  firn_status status = firn_ctx_check(ctx, err);
  if (status == FIRN_OK) {
    status = st->db->ops->next(st, ctx, is_row, err);
  }
  return status == FIRN_OK ? FIRN_OK : fail(st->db, status, err);
}

firn_db_value firn_statement_value(firn_statement *st, size_t column) {
  assert(column < st->db->ops->n_columns(st));
  return st->db->ops->column(st, column);
}

firn_bytes firn_statement_bytes(firn_statement *st, size_t column) {
  firn_db_value v = firn_statement_value(st, column);
  bool has_bytes = v.kind == FIRN_DB_TEXT || v.kind == FIRN_DB_BYTES;
  return has_bytes ? v.bytes : (firn_bytes){NULL, 0};
}

bool firn_statement_is_null(firn_statement *st, size_t column) {
  return firn_statement_value(st, column).kind == FIRN_DB_NULL;
}

int64_t firn_statement_int64(firn_statement *st, size_t column) {
  firn_db_value v = firn_statement_value(st, column);
  return v.kind == FIRN_DB_INT64 ? v.i64 : 0;
}

void firn_statement_close(firn_statement *st) {
  if (st != NULL) {
    st->db->ops->statement_close(st);
  }
}

void firn_statement_close_pointer(firn_statement **st) {
  firn_statement_close(*st);
}

firn_status firn_db_begin(firn_db *db, firn_ctx *ctx, firn_transaction *out, firn_error *err) {
  assert(!db->in_transaction);
  firn_status status = firn_ctx_check(ctx, err);
  if (status == FIRN_OK) {
    status = db->ops->begin(db, ctx, err);
  }
  if (status != FIRN_OK) {
    return fail(db, status, err);
  }
  db->in_transaction = true;
  out->db = db;
  return FIRN_OK;
}

firn_status firn_transaction_commit(firn_transaction *t, firn_ctx *ctx, firn_error *err) {
  assert(t->db != NULL && t->db->in_transaction);
  firn_db *db = t->db;
  firn_status status = db->ops->commit(db, ctx, err);
  if (status != FIRN_OK) {
    firn_transaction_undo(t);
    return fail(db, status, err);
  }
  db->in_transaction = false;
  t->db = NULL;
  return FIRN_OK;
}

void firn_transaction_undo(firn_transaction *t) {
  if (t->db != NULL) {
    t->db->ops->rollback(t->db);
    t->db->in_transaction = false;
    t->db = NULL;
  }
}

void firn_db_close(firn_db *db) {
  if (db != NULL) {
    db->ops->close(db);
  }
}

void firn_db_close_pointer(firn_db **db) {
  firn_db_close(*db);
}
