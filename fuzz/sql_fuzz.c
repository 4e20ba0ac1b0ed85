/* SQL text: whatever it is, it is read or refused with a sentence, and every table that it names lies where
 * the statement says. What a rewriting leaves is read again, and names what was put in. */
#include <stdlib.h>

#include "services/sql/rewrite_internal.h"
#include "services/sql/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

static void check_refs(const firn_sql_statement *s) {
  size_t end = 0;
  for (size_t i = 0; i < s->n_refs; i++) {
    const firn_sql_ref *r = &s->refs[i];
    check(r->at >= end && r->len > 0 && r->at + r->len <= s->text.len && r->n_parts > 0);
    check(r->n_parts == 1 || !(r->is_path || r->is_text));
    end = r->at + r->len;
  }
  check(s->query_at + s->query_len <= s->text.len);
}

static void rewrite(const firn_sql_statement *s, firn_arena *arena) {
  const char **generated = firn_new_n(arena, const char *, s->n_refs + 1);
  const char *text = NULL;
  check(generated != NULL);
  for (size_t i = 0; i < s->n_refs; i++) {
    generated[i] = "firn_ref_";
  }
  check(firn_sql_rewrite(s, 0, s->text.len, generated, arena, &text, NULL) == FIRN_OK);
  bool can_be_planned;
  (void)firn_sql_asks_for_time(s, &can_be_planned);
  firn_sql_statement again;
  if (s->kind != FIRN_SQL_QUERY ||
      firn_sql_statement_read(firn_bytes_of(text), arena, &again, NULL) != FIRN_OK) {
    return; /* a longer name may go beyond a limit */
  }
  check(again.kind == FIRN_SQL_QUERY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(256 << 20);
  firn_bytes rest = {data, size}, statement = {0};
  bool is_open = false;
  while (firn_sql_next_statement(&rest, &statement, &is_open)) {
    firn_sql_statement s;
    firn_error err = {0};
    firn_arena_reset(&arena);
    firn_status status = firn_sql_statement_read(statement, &arena, &s, &err);
    check((status == FIRN_OK) == (err.text[0] == 0));
    check(status == FIRN_OK || status == FIRN_INVALID || status == FIRN_LIMIT || status == FIRN_UNSUPPORTED ||
          status == FIRN_NOT_FOUND);
    if (status == FIRN_OK) {
      check_refs(&s);
      rewrite(&s, &arena);
      (void)!firn_sql_read_only_check(&s, NULL);
    }
  }
  return 0;
}
