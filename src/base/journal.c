#include "base/journal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/journal_internal.h"

enum {
  SCRATCH_BYTES = 64 << 10, /* records up to this are put together and written at once */
  MARK_BYTES = 64 << 10,
};
enum { RECORDS, BYTES, SYNC_US, RECORDS_PER_SYNC };
static const firn_metric journal_metrics[] = {
    [RECORDS] = {"firn_journal_records_total", "Records added to journals", FIRN_METRIC_COUNTER, 1},
    [BYTES] = {"firn_journal_bytes_total", "Bytes added to journals", FIRN_METRIC_COUNTER, 1},
    [SYNC_US] = {"firn_journal_sync_seconds", "Time of a sync", FIRN_METRIC_HISTOGRAM, 1e-6},
    [RECORDS_PER_SYNC] = {"firn_journal_records_per_sync", "Records that a sync made durable",
                          FIRN_METRIC_HISTOGRAM, 1},
};
const firn_metric_set firn_journal_metrics = {journal_metrics, FIRN_COUNT_OF(journal_metrics)};

static const uint64_t default_segment_bytes = 64 << 20;
static const size_t default_max_record_bytes = 64 << 20;

/* --- segments and marks --- */

firn_status firn_journal_reserve_segment(firn_journal *j, firn_error *err) {
  if (j->n_segments == j->segments_capacity) {
    size_t capacity = j->segments_capacity == 0 ? 16 : 2 * j->segments_capacity;
    void *segments = firn_realloc(j->segments, capacity * sizeof *j->segments);
    if (segments == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu segments", capacity);
    }
    j->segments = segments;
    j->segments_capacity = capacity;
  }
  return FIRN_OK;
}

firn_status firn_journal_reserve_mark(firn_journal_segment *segment, firn_error *err) {
  if (segment->n_marks == segment->marks_capacity) {
    size_t capacity = segment->marks_capacity == 0 ? 16 : 2 * segment->marks_capacity;
    void *marks = firn_realloc(segment->marks, capacity * sizeof *segment->marks);
    if (marks == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu places in a journal", capacity);
    }
    segment->marks = marks;
    segment->marks_capacity = capacity;
  }
  return FIRN_OK;
}

void firn_journal_mark_record(firn_journal_segment *segment, uint64_t position, uint64_t offset) {
  uint64_t last = segment->n_marks == 0 ? 0 : segment->marks[segment->n_marks - 1].offset;
  if (segment->n_marks == 0 || offset - last >= MARK_BYTES) {
    segment->marks[segment->n_marks++] = (firn_journal_mark){position, offset};
  }
}

firn_journal_mark firn_journal_mark_before(const firn_journal_segment *segment, uint64_t position) {
  size_t low = 0, high = segment->n_marks;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (segment->marks[middle].position <= position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > 0 ? segment->marks[low - 1] : (firn_journal_mark){segment->first, FIRN_JOURNAL_HEAD_BYTES};
}

size_t firn_journal_segment_of(const firn_journal *j, uint64_t position) {
  size_t low = 0, high = j->n_segments;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (j->segments[middle].first <= position) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

static firn_journal_segment *newest_of(firn_journal *j) {
  return &j->segments[j->n_segments - 1];
}

/* --- open and close --- */

static firn_status new_journal(const firn_journal_options *options, firn_journal **out, firn_error *err) {
  if (options->kind == NULL || options->kind[0] == '\0' || strlen(options->kind) > FIRN_JOURNAL_KIND_BYTES) {
    return firn_error_set(err, FIRN_INVALID, "the kind of a journal has 1 to %d letters",
                          FIRN_JOURNAL_KIND_BYTES);
  }
  if (options->max_record_bytes > UINT32_MAX) {
    return firn_error_set(err, FIRN_INVALID, "records of a journal have less than 4 GiB");
  }
  firn_journal *j = firn_alloc(sizeof *j);
  if (j == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a journal");
  }
  FIRN_IGNORE(pthread_mutex_init(&j->lock, NULL)); /* on Linux these cannot fail */
  FIRN_IGNORE(pthread_cond_init(&j->writer_left, NULL));
  FIRN_IGNORE(pthread_cond_init(&j->freer_left, NULL));
  FIRN_IGNORE(pthread_cond_init(&j->round_ended[0], NULL));
  FIRN_IGNORE(pthread_cond_init(&j->round_ended[1], NULL));
  memcpy(j->kind, options->kind, strlen(options->kind));
  j->segment_bytes = options->segment_bytes > 0 ? options->segment_bytes : default_segment_bytes;
  j->max_record_bytes = options->max_record_bytes > 0 ? options->max_record_bytes : default_max_record_bytes;
  size_t len = strlen(options->folder);
  j->folder = firn_alloc_raw(len + 1);
  j->scratch = firn_alloc_raw(SCRATCH_BYTES);
  if (j->folder == NULL || j->scratch == NULL) {
    firn_journal_close(j);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a journal");
  }
  memcpy(j->folder, options->folder, len + 1);
  *out = j;
  return FIRN_OK;
}

/* Against another process, and another opening in this one. */
static firn_status take_folder(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(firn_folder_make_all(ctx, j->folder, err));
  char path[FIRN_JOURNAL_PATH_BYTES];
  int len = snprintf(path, sizeof path, "%s/lock", j->folder);
  if (len < 0 || (size_t)len >= sizeof path) {
    return firn_error_set(err, FIRN_INVALID, "the path of its folder is too long");
  }
  FIRN_TRY(
      firn_file_open(ctx, path, FIRN_FILE_READ | FIRN_FILE_WRITE | FIRN_FILE_CREATE, &j->lock_file, err));
  firn_status status = firn_file_lock(j->lock_file, false, err);
  if (status == FIRN_BUSY) {
    return firn_error_set(err, FIRN_BUSY,
                          "it is open already, here or in another process: stop that one first");
  }
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "%s", path);
}

firn_status firn_journal_open(const firn_journal_options *options, firn_ctx *ctx, firn_journal **out,
                              firn_error *err) {
  firn_journal *j = NULL;
  FIRN_TRY(new_journal(options, &j, err));
  firn_status status = take_folder(j, ctx, err);
  if (status == FIRN_OK) {
    status = firn_journal_recover(j, ctx, err);
  }
  if (status != FIRN_OK) {
    firn_journal_close(j);
    return firn_error_while(err, status, "opening the journal %s", options->folder);
  }
  *out = j;
  return FIRN_OK;
}

void firn_journal_close(firn_journal *j) {
  if (j == NULL) {
    return;
  }
  firn_file_close(j->file);
  firn_file_close(j->lock_file);
  for (size_t i = 0; i < j->n_segments; i++) {
    firn_free(j->segments[i].marks);
  }
  firn_free(j->segments);
  firn_free(j->scratch);
  firn_free(j->folder);
  FIRN_IGNORE(pthread_cond_destroy(&j->writer_left));
  FIRN_IGNORE(pthread_cond_destroy(&j->freer_left));
  FIRN_IGNORE(pthread_cond_destroy(&j->round_ended[0]));
  FIRN_IGNORE(pthread_cond_destroy(&j->round_ended[1]));
  FIRN_IGNORE(pthread_mutex_destroy(&j->lock));
  firn_free(j);
}

const char *firn_journal_id(const firn_journal *j) {
  return j->id;
}

const char *firn_journal_torn(const firn_journal *j, uint64_t *size_bytes) {
  *size_bytes = j->torn_bytes;
  return j->torn_bytes > 0 ? j->torn : NULL;
}

/* --- what it holds --- */

uint64_t firn_journal_first(firn_journal *j) {
  pthread_mutex_lock(&j->lock);
  uint64_t first = j->first;
  pthread_mutex_unlock(&j->lock);
  return first;
}

uint64_t firn_journal_next(firn_journal *j) {
  pthread_mutex_lock(&j->lock);
  uint64_t next = j->next;
  pthread_mutex_unlock(&j->lock);
  return next;
}

uint64_t firn_journal_durable(firn_journal *j) {
  pthread_mutex_lock(&j->lock);
  uint64_t durable = j->durable;
  pthread_mutex_unlock(&j->lock);
  return durable;
}

uint64_t firn_journal_bytes(firn_journal *j, uint64_t from) {
  pthread_mutex_lock(&j->lock);
  uint64_t bytes = 0;
  if (from < j->next) {
    size_t i = firn_journal_segment_of(j, from);
    bytes = j->segments[i].size_bytes - firn_journal_mark_before(&j->segments[i], from).offset;
    for (i++; i < j->n_segments; i++) {
      bytes += j->segments[i].size_bytes;
    }
  }
  pthread_mutex_unlock(&j->lock);
  return bytes;
}

/* --- the one who writes, and the one who syncs --- */

/* What follows is called and left with the lock, unless it says otherwise, and lets go of it during I/O. */

static firn_status fail_as_before(firn_journal *j, firn_error *err) {
  return firn_error_set(err, FIRN_UNCERTAIN,
                        "the journal %s has failed and has to be opened anew; what was not synced is "
                        "uncertain: %s",
                        j->folder, j->failure.text);
}

/* From now on nothing is written. */
static firn_status fail_for_good(firn_journal *j, const firn_error *why, firn_error *err) {
  j->has_failed = true;
  j->failure = *why;
  return fail_as_before(j, err);
}

/* Takes the right to change the file and to add segments. */
static firn_status enter_as_writer(firn_journal *j, firn_error *err) {
  while (j->has_writer) {
    pthread_cond_wait(&j->writer_left, &j->lock);
  }
  if (j->has_failed) {
    pthread_cond_signal(&j->writer_left); /* whoever waits behind this one hears it too */
    return fail_as_before(j, err);
  }
  j->has_writer = true;
  return FIRN_OK;
}

static void leave_as_writer(firn_journal *j) {
  j->has_writer = false;
  pthread_cond_signal(&j->writer_left);
}

/* Without the lock. Nothing but a metric depends on the clock. */
static firn_status sync_counted(firn_file *file, firn_ctx *ctx, uint64_t n_records, firn_error *err) {
  bool counts = ctx->env->metrics != NULL;
  int64_t before_us = counts ? firn_ctx_monotonic_us(ctx) : 0;
  firn_status status = firn_file_sync(file, err);
  if (counts) {
    firn_metric_observe(ctx, &firn_journal_metrics, SYNC_US, firn_ctx_monotonic_us(ctx) - before_us);
    firn_metric_observe(ctx, &firn_journal_metrics, RECORDS_PER_SYNC, (int64_t)n_records);
  }
  return status;
}

/* Syncs the newest segment; records added before are durable then. Nobody else syncs. */
static firn_status sync_file(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  uint64_t round = ++j->sync_round, next = j->next, size_bytes = newest_of(j)->size_bytes;
  j->sync_next = next;
  firn_file *file = j->file; /* whoever replaces it waits for the end of this */
  uint64_t n_records = next - j->durable;
  j->is_syncing = true;
  pthread_mutex_unlock(&j->lock);
  firn_error why;
  firn_status status = sync_counted(file, ctx, n_records, &why);
  pthread_mutex_lock(&j->lock);
  j->is_syncing = false;
  if (status == FIRN_OK) {
    j->durable = next;
    j->durable_bytes = size_bytes;
  } else {
    status = fail_for_good(j, &why, err);
  }
  /* Who waited for this round is done, and one of those who came during it begins the next. */
  pthread_cond_broadcast(&j->round_ended[round % 2]);
  pthread_cond_signal(&j->round_ended[(round + 1) % 2]);
  return status;
}

/* Until the first `wanted` records are durable. */
static firn_status sync_to(firn_journal *j, firn_ctx *ctx, uint64_t wanted, firn_error *err) {
  while (j->durable < wanted) {
    if (j->has_failed) {
      pthread_cond_broadcast(&j->round_ended[0]); /* those who wait for a round that nobody will begin */
      pthread_cond_broadcast(&j->round_ended[1]);
      return fail_as_before(j, err);
    }
    if (!j->is_syncing) {
      FIRN_TRY(sync_file(j, ctx, err));
    } else { /* what was added after it began is in the next round only */
      uint64_t round = wanted <= j->sync_next ? j->sync_round : j->sync_round + 1;
      pthread_cond_wait(&j->round_ended[round % 2], &j->lock);
    }
  }
  return FIRN_OK;
}

firn_status firn_journal_sync(firn_journal *j, firn_ctx *ctx, uint64_t *durable, firn_error *err) {
  /* The deadline is not looked at: a sync takes as long as it takes, and its end is worth knowing. */
  pthread_mutex_lock(&j->lock);
  firn_status status = j->has_failed ? fail_as_before(j, err) : sync_to(j, ctx, j->next, err);
  if (status == FIRN_OK && durable != NULL) {
    *durable = j->durable;
  }
  pthread_mutex_unlock(&j->lock);
  return status;
}

/* --- adding --- */

/* The file of a segment that begins with the next record. Without the lock. */
static firn_status make_segment(firn_journal *j, firn_ctx *ctx, firn_file **out, bool *is_uncertain,
                                firn_error *err) {
  *is_uncertain = false;
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(firn_journal_begin_segment(j, ctx, j->next, &file, err));
  FIRN_TRY(firn_journal_finish_segment(j, ctx, j->next, file, is_uncertain, err));
  *out = FIRN_HAND_OVER(file);
  return FIRN_OK;
}

/* Ends the newest segment, durably, and begins another. By the writer. */
static firn_status begin_next_segment(firn_journal *j, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(firn_journal_reserve_segment(j, err));
  FIRN_TRY(sync_to(j, ctx, j->next, err)); /* then nobody syncs any more until something is added */
  j->must_begin = true;
  pthread_mutex_unlock(&j->lock);
  firn_file *old = j->file, *fresh = NULL;
  bool is_uncertain;
  firn_error why = {.status = FIRN_OK};
  firn_status status = make_segment(j, ctx, &fresh, &is_uncertain, &why);
  if (status == FIRN_OK) {
    firn_file_close(old);
  }
  pthread_mutex_lock(&j->lock);
  if (is_uncertain) {
    return fail_for_good(j, &why, err);
  }
  if (status != FIRN_OK) {
    return firn_error_set(err, status, "%s", why.text);
  }
  j->file = fresh;
  j->segments[j->n_segments++] =
      (firn_journal_segment){.first = j->next, .size_bytes = FIRN_JOURNAL_HEAD_BYTES};
  j->durable_bytes = FIRN_JOURNAL_HEAD_BYTES;
  j->must_begin = false;
  return FIRN_OK;
}

typedef struct record {
  uint32_t length;
  uint64_t check;
  const firn_bytes *parts;
  size_t n_parts;
} record;

/* Head, parts and what aligns the next record, in one piece where it is small. Without the lock. */
static firn_status append_record(firn_journal *j, const record *r, const uint8_t *head, firn_error *err) {
  size_t size = (size_t)firn_journal_record_bytes(r->length);
  firn_bytes padding = {(const uint8_t[FIRN_JOURNAL_ALIGNMENT]){0},
                        size - r->length - FIRN_JOURNAL_RECORD_HEAD_BYTES};
  if (size <= SCRATCH_BYTES) {
    uint8_t *at = j->scratch;
    memcpy(at, head, FIRN_JOURNAL_RECORD_HEAD_BYTES);
    at += FIRN_JOURNAL_RECORD_HEAD_BYTES;
    for (size_t i = 0; i < r->n_parts; i++) {
      if (r->parts[i].len > 0) {
        memcpy(at, r->parts[i].data, r->parts[i].len);
        at += r->parts[i].len;
      }
    }
    memcpy(at, padding.data, padding.len);
    return firn_file_append(j->file, (firn_bytes){j->scratch, size}, err);
  }
  FIRN_TRY(firn_file_append(j->file, (firn_bytes){head, FIRN_JOURNAL_RECORD_HEAD_BYTES}, err));
  for (size_t i = 0; i < r->n_parts; i++) {
    if (r->parts[i].len > 0) {
      FIRN_TRY(firn_file_append(j->file, r->parts[i], err));
    }
  }
  return padding.len == 0 ? FIRN_OK : firn_file_append(j->file, padding, err);
}

/* Writes it behind the newest segment; after a failure what came of it is cut off. By the writer. */
static firn_status write_record(firn_journal *j, const record *r, uint64_t *position, firn_error *err) {
  firn_journal_segment *segment = newest_of(j);
  FIRN_TRY(firn_journal_reserve_mark(segment, err));
  uint64_t offset = segment->size_bytes;
  firn_journal_record_head said = {
      .length = r->length, .position = j->next, .durable = j->durable, .check = r->check};
  pthread_mutex_unlock(&j->lock);
  uint8_t head[FIRN_JOURNAL_RECORD_HEAD_BYTES];
  firn_journal_record_head_write(&said, j->seed, offset, head);
  firn_error why, why_not_cut;
  firn_status status = append_record(j, r, head, &why);
  bool is_cut = status == FIRN_OK || firn_file_truncate(j->file, offset, &why_not_cut) == FIRN_OK;
  pthread_mutex_lock(&j->lock);
  if (!is_cut) {
    return fail_for_good(j, &why_not_cut, err);
  }
  if (status != FIRN_OK) {
    return firn_error_set(err, status, "%s", why.text);
  }
  segment = newest_of(j); /* it has moved when some were freed */
  firn_journal_mark_record(segment, said.position, offset);
  segment->size_bytes = offset + firn_journal_record_bytes(r->length);
  j->next++;
  *position = said.position;
  return FIRN_OK;
}

static firn_status add_as_writer(firn_journal *j, firn_ctx *ctx, const record *r, uint64_t *position,
                                 firn_error *err) {
  uint64_t taken = newest_of(j)->size_bytes, size = firn_journal_record_bytes(r->length);
  bool is_full = taken >= j->segment_bytes || size > j->segment_bytes - taken;
  if (j->must_begin || (is_full && taken > FIRN_JOURNAL_HEAD_BYTES)) {
    FIRN_TRY(begin_next_segment(j, ctx, err));
  }
  return write_record(j, r, position, err);
}

/* Without the lock. */
firn_status firn_journal_add(firn_journal *j, firn_ctx *ctx, const firn_bytes *parts, size_t n_parts,
                             uint64_t *position, firn_error *err) {
  size_t length = 0;
  for (size_t i = 0; i < n_parts; i++) {
    if (parts[i].len > j->max_record_bytes - length) {
      return firn_error_set(err, FIRN_LIMIT, "a record of more than %zu bytes for the journal %s",
                            j->max_record_bytes, j->folder);
    }
    length += parts[i].len;
  }
  record r = {.length = (uint32_t)length,
              .check = firn_xxh3_parts(j->seed, parts, n_parts),
              .parts = parts,
              .n_parts = n_parts};
  pthread_mutex_lock(&j->lock);
  firn_status status = enter_as_writer(j, err);
  if (status == FIRN_OK) {
    status = add_as_writer(j, ctx, &r, position, err);
    leave_as_writer(j);
  }
  pthread_mutex_unlock(&j->lock);
  if (status == FIRN_OK) {
    firn_metric_add(ctx, &firn_journal_metrics, RECORDS, 1);
    firn_metric_add(ctx, &firn_journal_metrics, BYTES, (int64_t)length);
    return FIRN_OK;
  }
  return status == FIRN_UNCERTAIN ? status
                                  : firn_error_while(err, status, "adding to the journal %s", j->folder);
}

/* --- freeing --- */

/* One thread frees at a time, beside the one who writes. */
static firn_status free_segments(firn_journal *j, firn_ctx *ctx, uint64_t position, firn_error *err) {
  /* The newest stays, for its name says which position comes next. */
  while (j->n_segments > 1 && j->segments[1].first <= position) {
    uint64_t oldest = j->segments[0].first;
    j->first = j->segments[1].first;
    pthread_mutex_unlock(&j->lock);
    firn_status status = firn_journal_remove_segment(j, ctx, oldest, err);
    pthread_mutex_lock(&j->lock);
    FIRN_TRY(status);
    firn_journal_forget_oldest(j);
  }
  return FIRN_OK;
}

firn_status firn_journal_free_before(firn_journal *j, firn_ctx *ctx, uint64_t position, firn_error *err) {
  pthread_mutex_lock(&j->lock);
  while (j->is_freeing) {
    pthread_cond_wait(&j->freer_left, &j->lock);
  }
  j->is_freeing = true;
  firn_status status = free_segments(j, ctx, position, err);
  j->is_freeing = false;
  pthread_cond_signal(&j->freer_left);
  pthread_mutex_unlock(&j->lock);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "freeing records of the journal %s", j->folder);
}
