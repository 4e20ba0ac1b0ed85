/* Records on their way from the log to the tables. */
#include <inttypes.h>

#include "services/committer/committer_internal.h"

enum {
  BEHIND_FACTOR = 16, /* who is far behind takes so many times as many files at once */
  MAX_RECORDS = 10000,
  MAX_BYTES = 16 << 20, /* of JSON; one record is taken however large it is */
};

void firn_pending_clear(firn_committer *c) {
  firn_arena_reset(&c->pending.arena);
  c->pending = (firn_pending){.arena = c->pending.arena};
  for (size_t i = 0; i < c->n_tables; i++) {
    c->tables[i].is_done = false;
  }
}

static bool is_full(const firn_committer *c) {
  const firn_pending *p = &c->pending;
  return p->n_files >= (size_t)c->options.max_files * BEHIND_FACTOR || p->n >= MAX_RECORDS ||
         p->n_bytes >= MAX_BYTES;
}

static firn_status add(firn_committer *c, firn_ctx *ctx, const firn_commit_log_record *from,
                       firn_error *err) {
  firn_pending *p = &c->pending;
  firn_pending_record *items = firn_arena_grow(&p->arena, p->items, p->n, &p->capacity, sizeof *p->items);
  if (items == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu records", p->n + 1);
  }
  p->items = items;
  firn_pending_record *r = &items[p->n];
  *r = (firn_pending_record){.partition = from->partition, .position = from->position};
  FIRN_TRY(firn_commit_record_read(from->bytes, &p->arena, &r->record, err));
  size_t n_files = 0;
  size_t *tables = firn_new_n(&p->arena, size_t, r->record.n_tables);
  if (tables == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu tables", r->record.n_tables);
  }
  r->tables = tables;
  for (size_t i = 0; i < r->record.n_tables; i++) {
    const firn_commit_record_table *t = &r->record.tables[i];
    const firn_table_id id = {.ns = {t->n_levels, t->levels}, .name = t->name};
    FIRN_TRY(firn_committer_follow(c, &id, &tables[i], err));
    n_files += t->n_files;
  }
  FIRN_TRY(firn_positions_raise(&c->next, from->partition, from->position + 1, &c->state, err));
  if (p->n == 0) {
    p->since_us = firn_ctx_monotonic_us(ctx);
  }
  p->n++;
  p->n_files += n_files;
  p->n_bytes += from->bytes.len;
  for (size_t i = 0; i < c->n_tables; i++) {
    c->tables[i].is_done = false; /* what came after a commit that did not reach every table */
  }
  return FIRN_OK;
}

static firn_status read_on(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  if (c->reader == NULL) {
    FIRN_TRY(firn_commit_log_reader_open(c->options.log, ctx, &c->next, &c->reader, err));
  }
  c->has_more = true;
  while (!is_full(c)) {
    firn_commit_log_record record;
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_commit_log_reader_next(c->reader, ctx, &record, &c->has_more, err));
    if (!c->has_more) {
      return FIRN_OK;
    }
    firn_status status = add(c, ctx, &record, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "record %" PRIu64 " of partition %" PRId32 " of the commit log",
                              record.position, record.partition);
    }
  }
  return FIRN_OK;
}

firn_status firn_pending_read(firn_committer *c, firn_ctx *ctx, firn_error *err) {
  firn_status status = read_on(c, ctx, err);
  if (status != FIRN_OK) { /* a reader that failed may have passed the record: the next begins at it again */
    firn_commit_log_reader_close(c->reader);
    c->reader = NULL;
    c->has_more = true;
  }
  return status;
}
