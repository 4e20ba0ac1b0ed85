#include "iceberg/scan/tasks.h"

#include <pthread.h>

#include "base/alloc.h"

enum {
  READY_MAX = 32,         /* tasks made ahead */
  TASKS_OF_A_FILE = 4096, /* at most about so many, whatever the size that a manifest claims */
  DEFAULT_SPLIT = 128 << 20
};

static const uint64_t open_end = UINT64_MAX;

/* One thread at a time plans: it lists files and makes tasks of them, without the lock; the others take what
 * is ready, or wait for it. */
struct firn_tasks {
  /* Of the thread that plans. */
  firn_files *files;
  size_t split_bytes;
  bool with_statistics;
  const firn_manifest_entry *entry; /* being split; NULL: the next one is wanted */
  uint64_t next_start;
  size_t next_offset; /* the first of its split offsets that is not passed */
  int64_t row_estimate;

  pthread_mutex_t lock;   /* guards what follows */
  pthread_cond_t changed; /* a task is ready, or nobody plans any longer */
  bool is_planning;
  bool is_over; /* no task will be made any more */
  firn_status failed;
  firn_error failure;
  double planned;    /* of all rows */
  double ready_rows; /* of the tasks that are ready */
  size_t first, n;   /* in `ready`, a ring */
  firn_scan_task ready[READY_MAX];
};

firn_status firn_tasks_open(const firn_files_options *options, size_t split_bytes, firn_ctx *ctx,
                            firn_tasks **out, firn_error *err) {
  firn_tasks *t = firn_alloc(sizeof *t);
  if (t == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for the tasks of a scan");
  }
  t->split_bytes = split_bytes == 0 ? DEFAULT_SPLIT : split_bytes;
  t->with_statistics = options->with_statistics;
  if (pthread_mutex_init(&t->lock, NULL) != 0) {
    firn_free(t);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a lock");
  }
  if (pthread_cond_init(&t->changed, NULL) != 0) {
    (void)pthread_mutex_destroy(&t->lock);
    firn_free(t);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a condition");
  }
  FIRN_AUTO_TASKS *owned = t;
  FIRN_TRY(firn_files_open(options, ctx, &owned->files, err));
  owned->row_estimate = firn_files_row_estimate(owned->files);
  *out = FIRN_HAND_OVER(owned);
  return FIRN_OK;
}

/* --- splitting --- */

/* Where the part of the file that begins at `start` ends: behind as many whole row groups as fit in a split,
 * one at least. */
static uint64_t end_of_part(firn_tasks *t, const firn_data_file *f, uint64_t start) {
  uint64_t size = (uint64_t)f->size_bytes;
  uint64_t least = size / TASKS_OF_A_FILE;
  uint64_t split = t->split_bytes > least ? t->split_bytes : least;
  if (size - start <= split) {
    return open_end;
  }
  if (f->n_split_offsets == 0) {
    return start + split;
  }
  size_t at = t->next_offset;
  for (; at < f->n_split_offsets && (uint64_t)f->split_offsets[at] - start <= split; at++) {
    t->next_offset = at + 1;
  }
  /* The first row group, which begins behind a few bytes of head, is never split off from them. */
  bool none_fits = at < 2 || (uint64_t)f->split_offsets[at - 1] <= start;
  if (!none_fits) {
    return (uint64_t)f->split_offsets[at - 1];
  }
  at += at == 0;
  t->next_offset = at + 1;
  return at < f->n_split_offsets ? (uint64_t)f->split_offsets[at] : open_end;
}

static double rows_of(const firn_scan_task *task) {
  const firn_data_file *f = &task->file;
  double length = task->length == open_end - task->start ? (double)f->size_bytes - (double)task->start
                                                         : (double)task->length;
  return f->size_bytes <= 0 ? (double)f->record_count
                            : (double)f->record_count * (length / (double)f->size_bytes);
}

/* The next task, into an empty one; `*is_over` when there is none. */
static firn_status make_task(firn_tasks *t, firn_ctx *ctx, firn_scan_task *task, bool *is_over,
                             firn_error *err) {
  if (t->entry == NULL) {
    FIRN_TRY(firn_files_next(t->files, ctx, &t->entry, err));
    t->next_start = 0;
    t->next_offset = 0;
  }
  *is_over = t->entry == NULL;
  if (*is_over) {
    return FIRN_OK;
  }
  const firn_data_file *file = &t->entry->file;
  uint64_t end = end_of_part(t, file, t->next_start);
  task->start = t->next_start;
  task->length = end - task->start;
  FIRN_TRY(firn_data_file_copy(file, firn_files_spec(t->files)->n_fields, t->with_statistics, &task->arena,
                               &task->file, err));
  FIRN_TRY(firn_files_residual(t->files, &task->arena, &task->residual, err));
  t->next_start = end;
  t->entry = end == open_end ? NULL : t->entry;
  return FIRN_OK;
}

/* --- one plans, all take --- */

/* With the lock held, which is let go while a task is made: makes tasks until some are ready, or there are no
 * more. */
static firn_status plan(firn_tasks *t, firn_ctx *ctx, firn_error *err) {
  t->is_planning = true;
  firn_status status = FIRN_OK;
  while (status == FIRN_OK && !t->is_over && t->n < READY_MAX) {
    firn_scan_task *task = &t->ready[(t->first + t->n) % READY_MAX]; /* nobody else looks at it yet */
    bool is_over = false;
    (void)pthread_mutex_unlock(&t->lock);
    status = make_task(t, ctx, task, &is_over, err);
    (void)pthread_mutex_lock(&t->lock);
    t->is_over = is_over;
    t->planned = firn_files_progress(t->files);
    if (status == FIRN_OK && !is_over) {
      t->n++;
      t->ready_rows += rows_of(task);
      (void)pthread_cond_signal(&t->changed);
    }
  }
  t->is_planning = false;
  (void)pthread_cond_broadcast(&t->changed);
  return status;
}

/* The oldest of those that are ready; its memory and that of `task` change places. */
static void hand_out(firn_tasks *t, firn_scan_task *task) {
  firn_scan_task *ready = &t->ready[t->first];
  firn_arena emptied = task->arena;
  *task = *ready;
  *ready = (firn_scan_task){.arena = emptied};
  t->first = (t->first + 1) % READY_MAX;
  t->n--;
  t->ready_rows -= rows_of(task);
}

static firn_status take(firn_tasks *t, firn_ctx *ctx, firn_scan_task *task, bool *is_over, firn_error *err) {
  for (;;) {
    if (t->failed != FIRN_OK) {
      return firn_error_set(err, t->failed, "%s", t->failure.text);
    }
    if (t->n > 0 || (t->is_over && !t->is_planning)) {
      break;
    }
    if (t->is_planning) {
      (void)pthread_cond_wait(&t->changed, &t->lock);
      continue;
    }
    t->failed = plan(t, ctx, &t->failure);
  }
  *is_over = t->n == 0;
  if (!*is_over) {
    hand_out(t, task);
  }
  return FIRN_OK;
}

firn_status firn_tasks_next(firn_tasks *t, firn_ctx *ctx, firn_scan_task *task, bool *is_over,
                            firn_error *err) {
  FIRN_TRY(firn_ctx_check(ctx, err));
  firn_arena_reset(&task->arena);
  *task = (firn_scan_task){.arena = task->arena};
  (void)pthread_mutex_lock(&t->lock);
  firn_status status = take(t, ctx, task, is_over, err);
  (void)pthread_mutex_unlock(&t->lock);
  return status;
}

int64_t firn_tasks_row_estimate(const firn_tasks *t) {
  return t->row_estimate;
}

double firn_tasks_progress(firn_tasks *t) {
  (void)pthread_mutex_lock(&t->lock);
  double ready = t->row_estimate > 0 ? t->ready_rows / (double)t->row_estimate : 0;
  double done = t->is_over && t->n == 0 ? 1 : t->planned - ready;
  (void)pthread_mutex_unlock(&t->lock);
  return done < 0 ? 0 : done > 1 ? 1 : done;
}

void firn_tasks_close(firn_tasks *t) {
  if (t == NULL) {
    return;
  }
  firn_files_close(t->files);
  for (size_t i = 0; i < READY_MAX; i++) {
    firn_arena_free(&t->ready[i].arena);
  }
  (void)pthread_cond_destroy(&t->changed);
  (void)pthread_mutex_destroy(&t->lock);
  firn_free(t);
}

void firn_tasks_close_pointer(firn_tasks **t) {
  firn_tasks_close(*t);
}
