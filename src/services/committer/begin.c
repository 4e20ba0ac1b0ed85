/* Where to go on. */
#include <inttypes.h>

#include "services/committer/committer_internal.h"

/* --- tables --- */

static firn_status copy_id(const firn_table_id *from, firn_arena *arena, firn_followed *out,
                           firn_error *err) {
  const char **levels = firn_new_n(arena, const char *, from->ns.n_levels);
  bool complete = levels != NULL;
  for (size_t i = 0; complete && i < from->ns.n_levels; i++) {
    levels[i] = firn_arena_text(arena, firn_bytes_of(from->ns.levels[i]));
    complete = levels[i] != NULL;
  }
  const char *name = firn_arena_text(arena, firn_bytes_of(from->name));
  const char *text = firn_table_id_text(from, arena);
  if (!complete || name == NULL || text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a table's name");
  }
  *out = (firn_followed){.id = {.ns = {from->ns.n_levels, levels}, .name = name}, .name = text};
  return FIRN_OK;
}

firn_status firn_committer_follow(firn_committer *c, const firn_table_id *id, size_t *out, firn_error *err) {
  for (size_t i = 0; i < c->n_tables; i++) {
    if (firn_table_id_equal(&c->tables[i].id, id)) {
      *out = i;
      return FIRN_OK;
    }
  }
  firn_followed *tables =
      firn_arena_grow(&c->arena, c->tables, c->n_tables, &c->capacity_tables, sizeof *c->tables);
  if (tables == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", c->n_tables + 1);
  }
  c->tables = tables;
  FIRN_TRY(copy_id(id, &c->arena, &tables[c->n_tables], err));
  *out = c->n_tables++;
  return FIRN_OK;
}

/* --- a table's positions against the log --- */

static firn_status check_end(const firn_committer *c, firn_ctx *ctx, const firn_followed *t,
                             const firn_log_positions *stored, firn_error *err) {
  if (firn_positions_reach(&c->next, stored)) {
    return FIRN_OK; /* the common case: what we have read is there */
  }
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions first, end;
  FIRN_TRY(firn_commit_log_range(c->options.log, ctx, &scratch, &first, &end, err));
  for (size_t i = 0; i < stored->n; i++) {
    uint64_t has = firn_positions_get(&end, stored->items[i].partition);
    if (stored->items[i].next > has) {
      return firn_error_set(
          err, FIRN_INVALID,
          "%s has records up to %" PRIu64 " of commit log %s, which ends at %" PRIu64
          ": the log was put back to an older state. Bring back the newer one, or begin anew: move its "
          "folder away, and with it that of the event journal, whose events are in the tables",
          t->name, stored->items[i].next, c->options.log->id, has);
    }
  }
  return FIRN_OK;
}

/* Only what the table mentions: where it says nothing, nothing was ever committed to it. */
static firn_status check_start(const firn_committer *c, const firn_followed *t,
                               const firn_log_positions *stored, const firn_log_positions *first,
                               firn_error *err) {
  for (size_t i = 0; i < stored->n; i++) {
    int32_t partition = stored->items[i].partition;
    uint64_t begins = firn_positions_get(first, partition);
    if (stored->items[i].next < begins) {
      return firn_error_set(err, FIRN_INVALID,
                            "%s has records up to %" PRIu64 " of commit log %s, which begins at %" PRIu64
                            ": what lies between is lost to it. To go on without, set the table's "
                            "property " FIRN_POSITIONS_PROPERTY "%s to {\"%" PRId32 "\":%" PRIu64 "}",
                            t->name, stored->items[i].next, c->options.log->id, begins, c->options.log->id,
                            partition, begins);
    }
  }
  return FIRN_OK;
}

firn_status firn_committer_look(firn_committer *c, firn_ctx *ctx, const firn_followed *t,
                                const firn_metadata *metadata, firn_arena *arena, firn_log_positions *out,
                                firn_error *err) {
  firn_log_positions stored;
  firn_status status =
      firn_positions_of(metadata, c->options.log->id, FIRN_COMMITTER_BRANCH, arena, &stored, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", t->name);
  }
  if (!firn_positions_reach(&stored, &t->stored)) {
    c->has_begun = false;
    return firn_error_set(err, FIRN_CONFLICT,
                          "%s went back in commit log %s: its records are read again from there", t->name,
                          c->options.log->id);
  }
  FIRN_TRY(check_end(c, ctx, t, &stored, err));
  *out = stored;
  return FIRN_OK;
}

firn_status firn_committer_note(firn_committer *c, firn_followed *t, const firn_log_positions *stored,
                                firn_error *err) {
  t->is_there = true;
  return firn_positions_merge(&t->stored, stored, &c->state, err);
}

/* --- beginning --- */

static firn_status begin_table(firn_committer *c, firn_ctx *ctx, firn_followed *t,
                               const firn_log_positions *first, firn_error *err) {
  FIRN_AUTO_TABLE table = {0};
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions stored;
  t->is_there = false;
  firn_status status = firn_catalog_table_load(c->options.catalog, ctx, &t->id, &table, err);
  if (status == FIRN_NOT_FOUND) {
    return FIRN_OK; /* perhaps its first file makes it; a record that needs it will tell */
  }
  FIRN_TRY(status);
  FIRN_TRY(firn_committer_look(c, ctx, t, table.metadata, &scratch, &stored, err));
  if (t < c->tables + c->options.n_tables) { /* nobody kept up the others */
    FIRN_TRY(check_start(c, t, &stored, first, err));
  }
  return firn_committer_note(c, t, &stored, err);
}

/* The smallest position of any table, and the log's start where a table says nothing. */
static firn_status find_start(firn_committer *c, const firn_log_positions *first, firn_log_positions *out,
                              firn_error *err) {
  firn_log_positions start = {0};
  for (size_t p = 0; p < first->n; p++) {
    int32_t partition = first->items[p].partition;
    uint64_t least = c->n_tables == 0 ? 0 : UINT64_MAX;
    for (size_t i = 0; i < c->n_tables; i++) {
      uint64_t stored = firn_positions_get(&c->tables[i].stored, partition);
      least = stored < least ? stored : least;
    }
    least = least > first->items[p].next ? least : first->items[p].next;
    FIRN_TRY(firn_positions_raise(&start, partition, least, &c->state, err));
  }
  *out = start;
  return FIRN_OK;
}

static void forget(firn_committer *c) {
  firn_pending_clear(c);
  firn_commit_log_reader_close(c->reader);
  c->reader = NULL;
  for (size_t i = 0; i < c->n_tables; i++) {
    c->tables[i].stored = (firn_log_positions){0};
  }
  c->freed = c->done = c->next = (firn_log_positions){0};
  firn_arena_reset(&c->state);
}

firn_status firn_committer_begin(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  firn_log_positions first, end, start;
  forget(c);
  FIRN_TRY(firn_commit_log_range(c->options.log, ctx, &scratch, &first, &end, err));
  for (size_t i = 0; i < c->n_tables; i++) {
    FIRN_TRY(begin_table(c, ctx, &c->tables[i], &first, err));
  }
  FIRN_TRY(find_start(c, &first, &start, err));
  FIRN_TRY(firn_positions_copy(&first, &c->state, &c->freed, err));
  FIRN_TRY(firn_positions_copy(&start, &c->state, &c->done, err));
  FIRN_TRY(firn_positions_copy(&start, &c->state, &c->next, err));
  c->has_begun = true;
  return FIRN_OK;
}
