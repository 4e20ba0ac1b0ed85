#include "base/alloc.h"
#include "base/hash.h"
#include "index/sqlite/index_internal.h"

enum { KNOWN_SLOTS = 8192 };

#define FIND "SELECT text_id FROM text WHERE hash = $1 AND text = $2"

int64_t firn_id_hash(firn_bytes id) {
  return (int32_t)(uint32_t)firn_xxh64(id); /* four bytes in SQLite */
}

firn_status firn_texts_open(firn_db *db, firn_ctx *ctx, firn_texts *out, firn_error *err) {
  firn_texts t = {.known = firn_alloc(KNOWN_SLOTS * sizeof *t.known)};
  if (t.known == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for texts");
  }
  firn_status status = firn_db_prepare(db, ctx, FIND, &t.find, err);
  if (status == FIRN_OK) {
    status = firn_db_prepare(db, ctx, "INSERT INTO text (hash, text) VALUES ($1, $2) RETURNING text_id",
                             &t.add, err);
  }
  if (status != FIRN_OK) {
    firn_texts_close(&t);
    return status;
  }
  *out = t;
  return FIRN_OK;
}

void firn_texts_close(firn_texts *t) {
  firn_statement_close(t->find);
  firn_statement_close(t->add);
  firn_free(t->known);
  *t = (firn_texts){0};
}

/* The first column of the only row, if there is one; the statement is then at its end and holds nothing. */
static firn_status step_once(firn_statement *st, firn_ctx *ctx, int64_t *id, firn_error *err) {
  bool is_row;
  *id = -1;
  for (;;) {
    FIRN_TRY(firn_statement_next(st, ctx, &is_row, err));
    if (!is_row) {
      return FIRN_OK;
    }
    *id = firn_statement_int64(st, 0);
  }
}

static void remember(firn_text_known *slot, firn_bytes text, uint64_t hash, int64_t id) {
  if (text.len <= sizeof slot->text) {
    *slot = (firn_text_known){.hash = hash, .id = id, .len = (uint32_t)text.len};
    memcpy(slot->text, text.data, text.len);
  }
}

firn_status firn_texts_put(firn_texts *t, firn_ctx *ctx, firn_bytes text, uint64_t hash, int64_t *id,
                           firn_error *err) {
  if (text.len == 0) {
    *id = 0;
    return FIRN_OK;
  }
  firn_text_known *slot = &t->known[hash % KNOWN_SLOTS];
  if (slot->hash == hash && firn_bytes_equal((firn_bytes){slot->text, slot->len}, text)) {
    *id = slot->id;
    return FIRN_OK;
  }
  firn_db_values both = FIRN_DB_VALUES(firn_db_int64((int64_t)hash), firn_text_value(text));
  FIRN_TRY(firn_statement_bind(t->find, both, err));
  FIRN_TRY(step_once(t->find, ctx, id, err));
  if (*id < 0) {
    FIRN_TRY(firn_statement_bind(t->add, both, err));
    FIRN_TRY(step_once(t->add, ctx, id, err));
  }
  remember(slot, text, hash, *id);
  return FIRN_OK;
}

firn_status firn_text_find(firn_db *db, firn_ctx *ctx, firn_bytes text, int64_t *id, firn_error *err) {
  if (text.len == 0) {
    *id = 0;
    return FIRN_OK;
  }
  FIRN_AUTO_STATEMENT *st = NULL;
  FIRN_TRY(firn_db_query(db, ctx, FIND,
                         FIRN_DB_VALUES(firn_db_int64((int64_t)firn_xxh64(text)), firn_text_value(text)), &st,
                         err));
  return step_once(st, ctx, id, err);
}
