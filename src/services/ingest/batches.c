#include "services/ingest/batches.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/pool.h"
#include "base/uuid.h"
#include "events/commit_record.h"
#include "events/fetch_key.h"
#include "services/ingest/accepted_writer.h"
#include "services/ingest/resume.h"
#include "services/ingest/tables.h"

enum {
  DEFAULT_MEMORY = 96 << 20,
  DEFAULT_WRITERS = 2,
  DEFAULT_EVENTS = 10000,
  DEFAULT_BYTES = 64 << 20,
  DEFAULT_PERIOD_US = 5000000,
  MAX_RECORD_BYTES = 256 << 20, /* of a commit record */
};

enum { ROWS, BYTES, ROWS_EACH, WRITTEN, FAILED, WRITE_US };
static const firn_metric metrics[] = {
    [ROWS] = {"iceberg_records_written_total", "Events written to files, dead letters included",
              FIRN_METRIC_COUNTER, 1},
    [BYTES] = {"iceberg_bytes_written_total", "Bytes of the files they were written to", FIRN_METRIC_COUNTER,
               1},
    [ROWS_EACH] = {"iceberg_records_per_batch", "Events of a batch", FIRN_METRIC_HISTOGRAM, 1},
    [WRITTEN] = {"firn_batches_written_total", "Batches with a record in the commit log", FIRN_METRIC_COUNTER,
                 1},
    [FAILED] = {"firn_batches_failed_total", "Batches that could not be written and are tried again",
                FIRN_METRIC_COUNTER, 1},
    [WRITE_US] = {"firn_batch_write_seconds", "Time to write the files of a batch", FIRN_METRIC_HISTOGRAM,
                  1e-6},
};
const firn_metric_set firn_batches_metrics = {metrics, FIRN_COUNT_OF(metrics)};

/* A range of the journal on its way into files. */
typedef struct batch {
  uint64_t first, next;
  int64_t n_events;
  uint64_t n_bytes;
  int64_t accepted_us; /* the earliest of its requests */
  int64_t seen_us;     /* monotonic: when the first of them was seen here */
  /* While it is written. */
  firn_archive_writer *writer;
  const firn_data_file *files[FIRN_ARCHIVE_N_TABLES]; /* the writer's */
  size_t n_files[FIRN_ARCHIVE_N_TABLES];
  int64_t n_rows, n_file_bytes;
  firn_status status;
  firn_error error;
} batch;

struct firn_batches {
  firn_batches_options options;
  firn_table tables[FIRN_ARCHIVE_N_TABLES];
  firn_journal_reader *reader; /* at the end of `open`; NULL: to be opened there */
  uint64_t covered;            /* the first record that is in no commit record */
  bool is_told;                /* on_covered knows it */
  batch open;                  /* grows; first == next: empty */
  size_t n_ready;
  batch ready[FIRN_BATCHES_MAX_WRITERS]; /* closed, one behind the other, before `open` */
};

static void set_defaults(firn_batches_options *o) {
  o->memory_bytes = o->memory_bytes == 0 ? DEFAULT_MEMORY : o->memory_bytes;
  o->n_writers = o->n_writers == 0 ? DEFAULT_WRITERS : o->n_writers;
  o->n_writers = o->n_writers > FIRN_BATCHES_MAX_WRITERS ? FIRN_BATCHES_MAX_WRITERS : o->n_writers;
  o->max_events = o->max_events == 0 ? DEFAULT_EVENTS : o->max_events;
  o->max_bytes = o->max_bytes == 0 ? DEFAULT_BYTES : o->max_bytes;
  o->period_us = o->period_us == 0 ? DEFAULT_PERIOD_US : o->period_us;
}

/* A catalog that was copied with its folder names the tables of the first one: to serve it would write there,
 * and remove there what only the first still needs. */
static firn_status check_places(const firn_batches *b, firn_error *err) {
  const firn_batches_options *o = &b->options;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES && o->warehouse != NULL; t++) {
    const char *location = firn_metadata_get(b->tables[t].metadata)->location;
    firn_bytes path;
    if (firn_fetch_key_path(location, o->warehouse, &path, NULL) != FIRN_OK) {
      return firn_error_set(err, FIRN_INVALID,
                            "the files of %s.%s are in %s, and the warehouse is %s: name the warehouse that "
                            "they are in, unless this is a copy of a folder that is still used",
                            o->tables[t].ns.levels[0], o->tables[t].name, location, o->warehouse);
    }
  }
  return FIRN_OK;
}

static firn_status open_parts(firn_batches *b, firn_ctx *ctx, firn_error *err) {
  firn_batches_options *o = &b->options;
  FIRN_TRY(firn_resume_position(o->log, o->journal, ctx, &b->covered, err));
  FIRN_TRY(firn_archive_tables_load(o->catalog, ctx, o->tables, b->tables, err));
  return check_places(b, err);
}

firn_status firn_batches_open(const firn_batches_options *options, firn_ctx *ctx, firn_batches **out,
                              firn_error *err) {
  firn_batches *b = firn_alloc(sizeof *b);
  if (b == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for batches");
  }
  b->options = *options;
  set_defaults(&b->options);
  firn_status status = open_parts(b, ctx, err);
  if (status != FIRN_OK) {
    firn_batches_close(b);
    return status;
  }
  b->open.first = b->open.next = b->covered;
  *out = b;
  return FIRN_OK;
}

uint64_t firn_batches_covered(const firn_batches *b) {
  return b->covered;
}

void firn_batches_close(firn_batches *b) {
  if (b == NULL) {
    return;
  }
  firn_journal_reader_close(b->reader);
  firn_archive_tables_release(b->tables);
  firn_free(b);
}

/* Closes the open batch. There must be room among the ready ones. */
static void close_open(firn_batches *b) {
  b->ready[b->n_ready++] = b->open;
  b->open = (batch){.first = b->open.next, .next = b->open.next};
}

static bool has_room(const firn_batches *b) {
  return b->n_ready < b->options.n_writers;
}

static bool is_empty(const batch *x) {
  return x->first == x->next;
}

static bool is_full(const firn_batches *b) {
  return b->open.n_events >= b->options.max_events || b->open.n_bytes >= b->options.max_bytes;
}

static void add_request(firn_batches *b, firn_ctx *ctx, const firn_accepted *a, uint64_t position) {
  batch *x = &b->open;
  if (is_empty(x)) {
    x->accepted_us = a->received_us;
    x->seen_us = firn_ctx_monotonic_us(ctx);
  }
  x->accepted_us = a->received_us < x->accepted_us ? a->received_us : x->accepted_us;
  x->n_events += a->n_events;
  x->n_bytes += a->body.len;
  x->next = position + 1;
}

/* Takes the next request up. There must be room: with it the open batch may close. */
static firn_status look_at_next(firn_batches *b, firn_ctx *ctx, bool *is_there, firn_error *err) {
  const firn_batches_options *o = &b->options;
  firn_journal_record record;
  firn_accepted a;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_TRY(firn_journal_reader_next(b->reader, ctx, &record, is_there, err));
  if (!*is_there) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_accepted_read(record.bytes, &arena, &a, err));
  bool fits = b->open.n_events + a.n_events <= o->max_events && b->open.n_bytes + a.body.len <= o->max_bytes;
  if (!fits && !is_empty(&b->open)) {
    close_open(b);
  }
  add_request(b, ctx, &a, record.position);
  if (is_full(b) && has_room(b)) {
    close_open(b);
  }
  return FIRN_OK;
}

static firn_status look_at_all(firn_batches *b, firn_ctx *ctx, firn_error *err) {
  if (b->reader == NULL) {
    FIRN_TRY(firn_journal_reader_open(b->options.journal, ctx, b->open.next, &b->reader, err));
  }
  for (bool is_there = true; is_there && has_room(b);) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(look_at_next(b, ctx, &is_there, err));
  }
  return FIRN_OK;
}

/* Until there is enough to write, or nothing more to be seen. */
static firn_status look(firn_batches *b, firn_ctx *ctx, firn_error *err) {
  firn_status status = look_at_all(b, ctx, err);
  if (status != FIRN_OK) {
    firn_journal_reader_close(b->reader); /* it may have passed a request that was not taken up */
    b->reader = NULL;
    return firn_error_while(err, status, "reading the event journal at record %" PRIu64, b->open.next);
  }
  return FIRN_OK;
}

/* How long the open batch may still wait: since its first request arrived, or was seen here. The clock may
 * have been set back in between; then the second keeps it from waiting for so long. */
static int64_t time_left(const firn_batches *b, firn_ctx *ctx) {
  int64_t by_arrival = b->open.accepted_us + b->options.period_us - firn_ctx_now_us(ctx);
  int64_t by_sight = b->open.seen_us + b->options.period_us - firn_ctx_monotonic_us(ctx);
  int64_t left = by_arrival < by_sight ? by_arrival : by_sight;
  return left > 0 ? left : 0;
}

/* Writing. */

static firn_status open_writer(firn_batches *b, batch *x, firn_error *err) {
  const firn_batches_options *o = &b->options;
  firn_archive_writer_options options = {
      .stores = o->catalog->stores,
      .codec = o->codec,
      .level = o->level,
      .memory_bytes = o->memory_bytes / o->n_writers,
  };
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    options.tables[t] = b->tables[t].metadata;
  }
  return firn_archive_writer_open(&options, &x->writer, err);
}

static firn_status write_requests(firn_batches *b, batch *x, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_JOURNAL_READER *reader = NULL;
  FIRN_AUTO_ACCEPTED_WRITER to = FIRN_ACCEPTED_WRITER_INIT(x->writer);
  FIRN_TRY(firn_journal_reader_open(b->options.journal, ctx, x->first, &reader, err));
  for (uint64_t at = x->first; at < x->next; at++) {
    firn_journal_record record;
    bool is_there;
    FIRN_TRY(firn_ctx_check(ctx, err));
    FIRN_TRY(firn_journal_reader_next(reader, ctx, &record, &is_there, err));
    if (!is_there || record.position != at) {
      return firn_error_set(err, FIRN_CORRUPT, "record %" PRIu64 " of the event journal is gone", at);
    }
    FIRN_TRY(firn_accepted_writer_add(&to, ctx, record.bytes, err));
  }
  return firn_accepted_writer_flush(&to, ctx, err);
}

static firn_status finish_files(batch *x, firn_ctx *ctx, firn_error *err) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    FIRN_TRY(
        firn_archive_writer_finish(x->writer, ctx, (firn_archive_table)t, &x->files[t], &x->n_files[t], err));
    for (size_t i = 0; i < x->n_files[t]; i++) {
      x->n_rows += x->files[t][i].record_count;
      x->n_file_bytes += x->files[t][i].size_bytes;
    }
  }
  return FIRN_OK;
}

static firn_status write_files(firn_batches *b, batch *x, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(open_writer(b, x, err));
  FIRN_TRY(write_requests(b, x, ctx, err));
  return finish_files(x, ctx, err);
}

/* A task that never fails: one that does not get through leaves the others alone. */
static firn_status write_batch(void *arg, size_t i, firn_ctx *ctx, firn_error *err) {
  (void)err;
  firn_batches *b = arg;
  batch *x = &b->ready[i];
  int64_t start_us = firn_ctx_monotonic_us(ctx);
  x->status = write_files(b, x, ctx, &x->error);
  if (x->status == FIRN_UNCERTAIN) { /* a file that may be there and has no record is an orphan, no more */
    x->status = FIRN_IO;
  }
  firn_metric_observe(ctx, &firn_batches_metrics, WRITE_US, firn_ctx_monotonic_us(ctx) - start_us);
  return FIRN_OK;
}

/* The batch's commit record, durable when it returns. */
static firn_status append_record(firn_batches *b, const batch *x, firn_ctx *ctx, firn_error *err) {
  FIRN_AUTO_BUILDER json = FIRN_BUILDER_INIT(MAX_RECORD_BYTES);
  firn_commit_record_table tables[FIRN_ARCHIVE_N_TABLES];
  const firn_metadata *metadata[FIRN_ARCHIVE_N_TABLES];
  size_t n = 0;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    const firn_table_id *id = &b->options.tables[t];
    if (x->n_files[t] > 0) {
      metadata[n] = b->tables[t].metadata;
      tables[n++] = (firn_commit_record_table){
          .n_levels = id->ns.n_levels,
          .levels = id->ns.levels,
          .name = id->name,
          .uuid = firn_metadata_get(b->tables[t].metadata)->table_uuid,
          .n_files = x->n_files[t],
          .files = x->files[t],
      };
    }
  }
  firn_commit_record record = {
      .journal = firn_journal_id(b->options.journal),
      .first = x->first,
      .next = x->next,
      .accepted_us = x->accepted_us,
      .written_us = firn_ctx_now_us(ctx),
      .n_tables = n,
      .tables = tables,
  };
  firn_bytes bytes;
  firn_log_position at;
  FIRN_TRY(firn_commit_record_write(&record, metadata, &json, err));
  FIRN_TRY(firn_builder_finish(&json, &bytes, err));
  return firn_commit_log_append(b->options.log, ctx, bytes, &at, err);
}

static void keep_files(batch *x) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_archive_writer_keep(x->writer, (firn_archive_table)t);
  }
}

static void count_batch(const batch *x, firn_ctx *ctx) {
  firn_metric_add(ctx, &firn_batches_metrics, ROWS, x->n_rows);
  firn_metric_add(ctx, &firn_batches_metrics, BYTES, x->n_file_bytes);
  firn_metric_add(ctx, &firn_batches_metrics, WRITTEN, 1);
  firn_metric_observe(ctx, &firn_batches_metrics, ROWS_EACH, x->n_rows);
}

static firn_status record_batch(firn_batches *b, batch *x, firn_ctx *ctx, firn_error *err) {
  if (x->status != FIRN_OK) {
    return firn_error_set(err, x->status, "writing the events of records %" PRIu64 " to %" PRIu64 ": %s",
                          x->first, x->next - 1, x->error.text);
  }
  firn_status status = append_record(b, x, ctx, err);
  if (status == FIRN_OK || status == FIRN_UNCERTAIN) {
    keep_files(x); /* a record knows them, or may */
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "recording the files of records %" PRIu64 " to %" PRIu64, x->first,
                            x->next - 1);
  }
  count_batch(x, ctx);
  b->covered = x->next;
  b->is_told = false;
  if (b->options.on_record != NULL) {
    b->options.on_record(b->options.arg);
  }
  return FIRN_OK;
}

/* What is not recorded loses its files, and stays to be written again. */
static void end_writing(firn_batches *b, size_t n_recorded, firn_ctx *ctx) {
  for (size_t i = 0; i < b->n_ready; i++) {
    batch *x = &b->ready[i];
    firn_archive_writer_close(x->writer, ctx);
    x->writer = NULL;
    memset(x->files, 0, sizeof x->files);
    memset(x->n_files, 0, sizeof x->n_files);
    x->n_rows = x->n_file_bytes = 0;
  }
  firn_metric_add(ctx, &firn_batches_metrics, FAILED, (int64_t)(b->n_ready - n_recorded));
  b->n_ready -= n_recorded;
  memmove(b->ready, b->ready + n_recorded, b->n_ready * sizeof *b->ready);
}

static firn_status tell_covered(firn_batches *b, firn_ctx *ctx, firn_error *err) {
  if (b->is_told || b->options.on_covered == NULL) {
    return FIRN_OK;
  }
  FIRN_TRY(b->options.on_covered(b->options.arg, ctx, b->covered, err));
  b->is_told = true;
  return FIRN_OK;
}

/* Writes all that is ready, side by side, and records it in order as far as it got through. */
static firn_status write_ready(firn_batches *b, firn_ctx *ctx, firn_error *err) {
  size_t n = 0;
  for (size_t i = 0; i < b->n_ready; i++) {
    b->ready[i].status = firn_error_set(&b->ready[i].error, FIRN_CANCELLED, "it was not begun");
  }
  firn_status status = firn_pool_for_each(ctx->env->pool, ctx, b->n_ready, write_batch, b, err);
  while (status == FIRN_OK && n < b->n_ready) {
    status = record_batch(b, &b->ready[n], ctx, err);
    n += status == FIRN_OK;
  }
  end_writing(b, n, ctx);
  return status;
}

static firn_status step(void *self, firn_ctx *ctx, bool is_draining, int64_t *wait_us, firn_error *err) {
  firn_batches *b = self;
  FIRN_TRY(tell_covered(b, ctx, err));
  FIRN_TRY(look(b, ctx, err));
  if (has_room(b) && !is_empty(&b->open) && (is_draining || is_full(b) || time_left(b, ctx) == 0)) {
    close_open(b);
  }
  if (b->n_ready > 0) {
    FIRN_TRY(write_ready(b, ctx, err));
    FIRN_TRY(tell_covered(b, ctx, err));
    *wait_us = 0; /* more may have come meanwhile */
    return FIRN_OK;
  }
  *wait_us = is_empty(&b->open) ? FIRN_STEP_IDLE : time_left(b, ctx);
  return FIRN_OK;
}

const firn_service_ops firn_batches_service = {.name = "batches", .step = step};
