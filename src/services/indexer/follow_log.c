#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "events/commit_record.h"
#include "events/fetch_key.h"
#include "services/indexer/indexer_internal.h"

enum { RECORD_MEMORY = 256 << 20 };

/* --- the place --- */

/* What the log has now: from there on all is read again, and what is known is passed over. What came before
 * is in the tables. */
static firn_status begin_anew(firn_indexer *x, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_log_positions first, next;
  FIRN_TRY(firn_commit_log_range(x->options.log, ctx, &arena, &first, &next, err));
  return firn_place_copy(&first, &x->place, err);
}

static firn_status read_place(firn_indexer *x, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *note;
  FIRN_TRY(firn_index_note(x->options.index, ctx, "log", &arena, &note, err));
  if (note == NULL || !firn_place_parse(note, x->options.log->id, &x->place)) {
    return begin_anew(x, ctx, err);
  }
  return FIRN_OK;
}

static firn_status open_reader(firn_indexer *x, firn_ctx *ctx, firn_error *err) {
  firn_log_positions from = firn_place_positions(&x->place);
  firn_status status = firn_commit_log_reader_open(x->options.log, ctx, &from, &x->reader, err);
  if (status != FIRN_NOT_FOUND && status != FIRN_INVALID) {
    return status;
  }
  /* The index or the log is an older one than it was, put back by somebody. The index is a view: nothing is
   * lost by looking at everything once more. */
  FIRN_LOG_WITH(ctx, FIRN_LOG_WARN, "the index begins at the start of the commit log",
                FIRN_LOG_TEXT("reason", err->text));
  FIRN_TRY(begin_anew(x, ctx, err));
  from = firn_place_positions(&x->place);
  return firn_commit_log_reader_open(x->options.log, ctx, &from, &x->reader, err);
}

firn_status firn_indexer_know_place(firn_indexer *x, firn_ctx *ctx, firn_error *err) {
  if (x->options.log == NULL) {
    return FIRN_OK;
  }
  if (!x->is_known) {
    FIRN_TRY(read_place(x, ctx, err));
    x->is_known = true;
  }
  if (x->reader == NULL) {
    FIRN_TRY(open_reader(x, ctx, err));
    x->reading = x->place;
  }
  if (x->consumer == NULL) {
    firn_log_positions from = firn_place_positions(&x->place);
    FIRN_TRY(firn_commit_log_consumer_add(x->options.log, ctx, "indexer", &from, &x->consumer, err));
  }
  return FIRN_OK;
}

/* --- records --- */

static firn_indexed_table *find_table(firn_indexer *x, const firn_commit_record_table *table) {
  const firn_table_id id = {.ns = {table->n_levels, table->levels}, .name = table->name};
  for (size_t i = 0; i < x->options.n_tables; i++) {
    if (firn_table_id_equal(x->tables[i].id, &id)) {
      return &x->tables[i];
    }
  }
  return NULL;
}

static bool is_of(const firn_indexed_table *t, const char *uuid) {
  const char *own = t->metadata == NULL ? NULL : firn_metadata_get(t->metadata)->table_uuid;
  return own != NULL && uuid != NULL && strcmp(own, uuid) == 0;
}

/* The table of the files, and their partitions. `*files` NULL: it is not there, or is another one by now;
 * should it come back, its snapshots bring them. */
static firn_status bind_files(firn_indexing *g, firn_indexed_table *t, const firn_commit_record_table *of,
                              firn_arena *arena, firn_data_file **files, firn_error *err) {
  *files = NULL;
  if (is_of(t, of->uuid)) {
    firn_status status = firn_commit_record_bind(of, t->metadata, arena, files, err);
    if (!firn_indexer_is_local(status)) {
      return status;
    }
    *files = NULL;
  }
  FIRN_TRY(firn_indexed_table_load(g->x, g->ctx, t, err)); /* it may have changed since */
  if (t->metadata == NULL) {
    return FIRN_OK;
  }
  if (!is_of(t, of->uuid)) {
    (void)snprintf(t->problem, sizeof t->problem,
                   "table %s is another one than that for which files were written: they are not indexed",
                   t->name);
    return FIRN_OK;
  }
  return firn_commit_record_bind(of, t->metadata, arena, files, err);
}

/* A file of ours that cannot be read is waited for, unless its table has taken it over (its snapshots then
 * bring it, or have removed it) or is gone: then it is passed over, in a load that begins `*again`. `err`
 * says what is wrong with it. */
static firn_status judge_unread(firn_indexing *g, firn_indexed_table *t, const char *path,
                                const firn_commit_log_record *record, bool *again, firn_error *err) {
  firn_indexer *x = g->x;
  const firn_error reason = *err;
  FIRN_TRY(firn_indexed_table_load(x, g->ctx, t, err));
  bool is_over = true;
  if (t->metadata != NULL) {
    FIRN_TRY(firn_record_is_committed(t->metadata, x->options.log->id, record->partition, record->position,
                                      &is_over, err));
  }
  if (!is_over) {
    return firn_error_set(err, FIRN_IO, "record %" PRIu64 " of the commit log cannot be indexed: %s",
                          record->position, reason.text);
  }
  firn_indexer_warn(x, g->ctx, path, &reason);
  const char *copy = firn_arena_text(&x->passed_arena, firn_bytes_of(path));
  if (copy == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  *again = true;
  return firn_path_set_add(&x->passed, copy, err);
}

static firn_status add_file(firn_indexing *g, firn_indexed_table *t, const firn_data_file *file,
                            const firn_commit_log_record *record, bool *again, firn_error *err) {
  if (firn_path_set_has(&g->x->passed, firn_bytes_of(file->path))) {
    return FIRN_OK;
  }
  firn_file_outcome outcome;
  firn_status status = firn_indexing_add(g, t, t->metadata, file, &outcome, err);
  if (status != FIRN_OK) {
    return outcome == FIRN_FILE_UNREAD ? judge_unread(g, t, file->path, record, again, err) : status;
  }
  if (outcome != FIRN_FILE_ADDED) {
    return FIRN_OK;
  }
  char pending[FIRN_RECORD_TEXT];
  firn_bytes path;
  firn_record_text(record->partition, record->position, pending);
  FIRN_TRY(firn_fetch_key_path(file->path, g->x->options.warehouse, &path, err));
  return firn_index_load_pending(g->load, g->ctx, (const char *)path.data, pending, err);
}

static firn_status add_record(firn_indexing *g, const firn_commit_log_record *from, bool *again,
                              firn_error *err) {
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(RECORD_MEMORY);
  firn_commit_record record;
  FIRN_TRY(firn_commit_record_read(from->bytes, &arena, &record, err));
  for (size_t i = 0; i < record.n_tables; i++) {
    const firn_commit_record_table *of = &record.tables[i];
    firn_indexed_table *t = find_table(g->x, of);
    firn_data_file *files = NULL;
    if (t != NULL) { /* dead letters are not indexed */
      FIRN_TRY(bind_files(g, t, of, &arena, &files, err));
    }
    for (size_t j = 0; files != NULL && j < of->n_files && !*again; j++) {
      FIRN_TRY(add_file(g, t, &files[j], from, again, err));
    }
  }
  return FIRN_OK;
}

/* All records that are there, or as many as one load takes. */
static firn_status add_records(firn_indexing *g, bool *again, bool *more, firn_error *err) {
  firn_indexer *x = g->x;
  while (!*again && !*more) {
    firn_commit_log_record record;
    bool is_there;
    FIRN_TRY(firn_ctx_check(g->ctx, err));
    FIRN_TRY(firn_commit_log_reader_next(x->reader, g->ctx, &record, &is_there, err));
    if (!is_there) {
      return FIRN_OK;
    }
    if (g->load == NULL) {
      FIRN_TRY(firn_indexing_begin(x, g->ctx, g, err));
    }
    firn_status status = add_record(g, &record, again, err);
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "record %" PRIu64 " of the commit log", record.position);
    }
    FIRN_TRY(firn_place_set(&x->reading, record.partition, record.position + 1, err));
    *more = firn_indexing_is_full(g);
  }
  return FIRN_OK;
}

/* The consumer passes only what is durable in the index. */
static firn_status finish(firn_indexing *g, firn_error *err) {
  firn_indexer *x = g->x;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *note = firn_place_text(&x->reading, x->options.log->id, &arena);
  if (note == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a place in the log");
  }
  FIRN_TRY(firn_index_load_note(g->load, g->ctx, "log", note, err));
  FIRN_TRY(firn_indexing_commit(g, err));
  firn_path_set_free(&x->passed);
  firn_arena_reset(&x->passed_arena);
  x->place = x->reading;
  firn_log_positions to = firn_place_positions(&x->place);
  return firn_commit_log_consumer_advance(x->consumer, g->ctx, &to, err);
}

firn_status firn_indexer_follow_log(firn_indexer *x, firn_ctx *ctx, bool *more, firn_error *err) {
  *more = false;
  if (x->options.log == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_indexer_know_place(x, ctx, err));
  FIRN_AUTO_INDEXING g = {.x = x, .ctx = ctx};
  bool again = false;
  FIRN_TRY(add_records(&g, &again, more, err));
  if (again) { /* the reader goes back to where the index is */
    firn_commit_log_reader_close(x->reader);
    x->reader = NULL;
    *more = true;
    return FIRN_OK;
  }
  return g.load == NULL ? FIRN_OK : finish(&g, err);
}
