/* One row by the key that a search would give it: its file and its number there. */
#include "index/sqlite/index_internal.h"

enum { TIME, SUBJECT, TYPE, ID, SOURCE, PRODUCER, CONTENT_TYPE, VERSION, EXTRAS };

static const char sql[] =
    "SELECT e.time_us, (SELECT text FROM text WHERE text_id = e.subject), "
    "(SELECT text FROM text WHERE text_id = e.type), e.id, "
    "(SELECT text FROM text WHERE text_id = e.source), "
    "(SELECT text FROM text WHERE text_id = e.producer), "
    "(SELECT text FROM text WHERE text_id = e.data_content_type), "
    "(SELECT text FROM text WHERE text_id = e.data_version), e.extras "
    "FROM file f CROSS JOIN event e ON e.event_id = f.first_id + $2 "
    "WHERE f.path = $1 AND $2 < f.n_ids AND f.state = $3";

static firn_status copy_text(firn_statement *st, size_t column, firn_arena *arena, firn_bytes *out,
                             firn_error *err) {
  *out = firn_arena_copy(arena, firn_statement_bytes(st, column));
  return out->data == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a row") : FIRN_OK;
}

static firn_status read_row(firn_statement *st, firn_arena *arena, firn_index_row *row, firn_error *err) {
  row->time_us = firn_statement_int64(st, TIME);
  row->has_time = row->time_us != FIRN_NO_TIME;
  row->time_us = row->has_time ? row->time_us : 0;
  FIRN_TRY(copy_text(st, SUBJECT, arena, &row->subject, err));
  FIRN_TRY(copy_text(st, TYPE, arena, &row->type, err));
  FIRN_TRY(copy_text(st, ID, arena, &row->id, err));
  FIRN_TRY(copy_text(st, SOURCE, arena, &row->source, err));
  FIRN_TRY(copy_text(st, PRODUCER, arena, &row->producer, err));
  FIRN_TRY(copy_text(st, CONTENT_TYPE, arena, &row->data_content_type, err));
  FIRN_TRY(copy_text(st, VERSION, arena, &row->data_version, err));
  FIRN_TRY(copy_text(st, EXTRAS, arena, &row->extras, err));
  if (row->extras.len == 0) {
    row->extras = FIRN_LITERAL("{}");
  }
  return FIRN_OK;
}

static firn_status find(firn_db *db, firn_ctx *ctx, firn_bytes path, int64_t row, firn_arena *arena,
                        firn_index_row *out, bool *is_there, firn_error *err) {
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_db_query(
      db, ctx, sql,
      FIRN_DB_VALUES(firn_text_value(path), firn_db_int64(row), firn_db_int64(FIRN_INDEX_FILE_LIVE)), &st,
      err));
  FIRN_TRY(firn_statement_next(st, ctx, is_there, err));
  out->row = row;
  return *is_there ? read_row(st, arena, out, err) : FIRN_OK;
}

firn_status firn_sqlite_index_row(firn_index *index, firn_ctx *ctx, firn_bytes path, int64_t row,
                                  firn_arena *arena, firn_index_row *out, bool *is_there, firn_error *err) {
  firn_sqlite_index *x = (firn_sqlite_index *)index;
  FIRN_AUTO_CONNECTION c = {0};
  firn_index_row found = {0};
  FIRN_TRY(firn_connections_borrow(x->readers, ctx, &c, err));
  firn_status status = find(c.db, ctx, path, row, arena, &found, is_there, err);
  if (status != FIRN_OK) {
    return firn_sqlite_index_fail(x, status, err);
  }
  *out = found;
  return FIRN_OK;
}
