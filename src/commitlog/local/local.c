/* The commit log of one process: partition 0 in a journal. Consumers live in memory; each says anew where it
 * stands when it is added, from what it has stored itself. */
#include <inttypes.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/journal.h"
#include "commitlog/commitlog.h"

enum {
  SEGMENT_BYTES = 4 << 20,     /* records are small and short-lived */
  MOST_RECORD_BYTES = 1 << 30, /* but one request may hold events of as many days as it has events */
};

typedef struct local_consumer {
  firn_commit_log_consumer base;
  struct local_consumer *after;
  char *name;
  uint64_t next;
  bool is_open;
} local_consumer;

typedef struct local_log {
  firn_commit_log base;
  firn_journal *journal;
  pthread_mutex_t lock; /* guards the consumers; not held in I/O */
  local_consumer *consumers;
} local_log;

typedef struct local_reader {
  firn_commit_log_reader base;
  firn_journal_reader *reader;
} local_reader;

static local_log *log_of(firn_commit_log *log) {
  return (local_log *)log;
}

/* The position of partition 0: where the log begins when none is given. */
static firn_status one_position(local_log *log, const firn_log_positions *positions, uint64_t *out,
                                firn_error *err) {
  uint64_t next = firn_journal_first(log->journal);
  for (size_t i = 0; positions != NULL && i < positions->n; i++) {
    if (positions->items[i].partition != 0) {
      return firn_error_set(err, FIRN_INVALID,
                            "a position of partition %" PRId32 ", and a local log has 0 alone",
                            positions->items[i].partition);
    }
    next = positions->items[i].next;
  }
  *out = next;
  return FIRN_OK;
}

static firn_status local_append(firn_commit_log *log, firn_ctx *ctx, firn_bytes record, firn_log_position *at,
                                firn_error *err) {
  firn_journal *j = log_of(log)->journal;
  uint64_t position;
  FIRN_TRY(firn_journal_add(j, ctx, &record, 1, &position, err));
  FIRN_TRY(firn_journal_sync(j, ctx, NULL, err));
  *at = (firn_log_position){.partition = 0, .next = position};
  return FIRN_OK;
}

static firn_status local_range(firn_commit_log *log, firn_ctx *ctx, firn_arena *arena,
                               firn_log_positions *first, firn_log_positions *next, firn_error *err) {
  (void)ctx;
  firn_log_position *both = firn_new_n(arena, firn_log_position, 2);
  if (both == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the range of a log");
  }
  both[0].next = firn_journal_first(log_of(log)->journal);
  both[1].next = firn_journal_durable(log_of(log)->journal);
  *first = (firn_log_positions){.n = 1, .items = &both[0]};
  *next = (firn_log_positions){.n = 1, .items = &both[1]};
  return FIRN_OK;
}

static firn_status local_reader_open(firn_commit_log *log, firn_ctx *ctx, const firn_log_positions *from,
                                     firn_commit_log_reader **out, firn_error *err) {
  uint64_t position;
  FIRN_TRY(one_position(log_of(log), from, &position, err));
  local_reader *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a reader");
  }
  firn_status status = firn_journal_reader_open(log_of(log)->journal, ctx, position, &r->reader, err);
  if (status != FIRN_OK) {
    firn_free(r);
    return status;
  }
  r->base.log = log;
  *out = &r->base;
  return FIRN_OK;
}

static firn_status local_reader_next(firn_commit_log_reader *reader, firn_ctx *ctx,
                                     firn_commit_log_record *out, bool *is_there, firn_error *err) {
  firn_journal_record record;
  FIRN_TRY(firn_journal_reader_next(((local_reader *)reader)->reader, ctx, &record, is_there, err));
  if (*is_there) {
    *out = (firn_commit_log_record){.partition = 0, .position = record.position, .bytes = record.bytes};
  }
  return FIRN_OK;
}

static void local_reader_close(firn_commit_log_reader *reader) {
  firn_journal_reader_close(((local_reader *)reader)->reader);
  firn_free(reader);
}

/* --- consumers --- */

static local_consumer *find_consumer(local_log *log, const char *name) {
  local_consumer *c = log->consumers;
  while (c != NULL && strcmp(c->name, name) != 0) {
    c = c->after;
  }
  return c;
}

static void free_consumer(local_consumer *c) {
  if (c != NULL) {
    firn_free(c->name);
    firn_free(c);
  }
}

static local_consumer *new_consumer(local_log *log, const char *name) {
  local_consumer *c = firn_alloc(sizeof *c);
  size_t len = strlen(name);
  if (c != NULL && (c->name = firn_alloc(len + 1)) == NULL) {
    firn_free(c);
    c = NULL;
  }
  if (c != NULL) {
    memcpy(c->name, name, len);
    c->base.log = &log->base;
  }
  return c;
}

/* One that was closed comes back; its records have been kept. */
static firn_status add_consumer(local_log *log, const char *name, uint64_t next, local_consumer **out,
                                firn_error *err) {
  local_consumer *fresh = new_consumer(log, name);
  if (fresh == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a consumer");
  }
  firn_status status = FIRN_OK;
  pthread_mutex_lock(&log->lock);
  local_consumer *c = find_consumer(log, name);
  if (c == NULL) {
    c = fresh;
    c->after = log->consumers;
    log->consumers = FIRN_HAND_OVER(fresh);
  } else if (c->is_open) {
    status = firn_error_set(err, FIRN_EXISTS, "there is one of that name");
  }
  if (status == FIRN_OK) {
    c->next = next;
    c->is_open = true;
    *out = c;
  }
  pthread_mutex_unlock(&log->lock);
  free_consumer(fresh);
  return status;
}

static firn_status local_consumer_add(firn_commit_log *log, firn_ctx *ctx, const char *name,
                                      const firn_log_positions *from, firn_commit_log_consumer **out,
                                      firn_error *err) {
  local_log *local = log_of(log);
  uint64_t next;
  FIRN_TRY(one_position(local, from, &next, err));
  FIRN_AUTO_JOURNAL_READER *reader = NULL; /* refuses what is before the start or beyond the end */
  FIRN_TRY(firn_journal_reader_open(local->journal, ctx, next, &reader, err));
  local_consumer *c;
  FIRN_TRY(add_consumer(local, name, next, &c, err));
  *out = &c->base;
  return FIRN_OK;
}

static firn_status local_consumer_advance(firn_commit_log_consumer *consumer, firn_ctx *ctx,
                                          const firn_log_positions *to, firn_error *err) {
  local_log *log = log_of(consumer->log);
  local_consumer *c = (local_consumer *)consumer;
  uint64_t next;
  FIRN_TRY(one_position(log, to, &next, err));
  if (next > firn_journal_durable(log->journal)) {
    return firn_error_set(err, FIRN_INVALID,
                          "the commit log's consumer %s is to pass record %" PRIu64 ", which is not there",
                          c->name, next - 1);
  }
  pthread_mutex_lock(&log->lock);
  c->next = next > c->next ? next : c->next; /* what it has passed may be gone: there is no way back */
  uint64_t passed = c->next;
  for (const local_consumer *other = log->consumers; other != NULL; other = other->after) {
    passed = other->next < passed ? other->next : passed;
  }
  pthread_mutex_unlock(&log->lock);
  /* The newest record stays, even where a segment behind it was begun and holds none yet: it says where the
   * writers go on. */
  return passed == 0 ? FIRN_OK : firn_journal_free_before(log->journal, ctx, passed - 1, err);
}

static void local_consumer_close(firn_commit_log_consumer *consumer) {
  local_log *log = log_of(consumer->log);
  pthread_mutex_lock(&log->lock);
  ((local_consumer *)consumer)->is_open = false;
  pthread_mutex_unlock(&log->lock);
}

/* --- the log --- */

static void local_close(firn_commit_log *log) {
  local_log *local = log_of(log);
  while (local->consumers != NULL) {
    local_consumer *c = local->consumers;
    local->consumers = c->after;
    free_consumer(c);
  }
  firn_journal_close(local->journal);
  FIRN_IGNORE(pthread_mutex_destroy(&local->lock));
  firn_free(local);
}

static const firn_commit_log_ops local_ops = {
    .kind = "local",
    .append = local_append,
    .range = local_range,
    .reader_open = local_reader_open,
    .reader_next = local_reader_next,
    .reader_close = local_reader_close,
    .consumer_add = local_consumer_add,
    .consumer_advance = local_consumer_advance,
    .consumer_close = local_consumer_close,
    .close = local_close,
};

firn_status firn_local_commit_log_look(const char *folder, firn_ctx *ctx, bool *is_there, firn_error *err) {
  static const char ending[] = ".log";
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  firn_file_name *names = NULL;
  size_t n = 0;
  bool is_any = false;
  firn_status status = firn_folder_list(ctx, folder, &arena, &names, &n, err);
  if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
    return status;
  }
  for (size_t i = 0; status == FIRN_OK && i < n; i++) {
    size_t len = strlen(names[i].name);
    is_any = is_any || (len >= strlen(ending) && strcmp(names[i].name + len - strlen(ending), ending) == 0);
  }
  *is_there = is_any;
  return FIRN_OK;
}

firn_status firn_local_commit_log_open(const char *folder, firn_ctx *ctx, firn_commit_log **out,
                                       firn_error *err) {
  local_log *log = firn_alloc(sizeof *log);
  if (log == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a commit log");
  }
  firn_journal_options options = {.folder = folder,
                                  .kind = "commits",
                                  .segment_bytes = SEGMENT_BYTES,
                                  .max_record_bytes = MOST_RECORD_BYTES};
  firn_status status = firn_journal_open(&options, ctx, &log->journal, err);
  if (status != FIRN_OK) {
    firn_free(log);
    return status;
  }
  FIRN_IGNORE(pthread_mutex_init(&log->lock, NULL)); /* on Linux it cannot fail */
  log->base = (firn_commit_log){.ops = &local_ops, .id = firn_journal_id(log->journal)};
  *out = &log->base;
  return FIRN_OK;
}
