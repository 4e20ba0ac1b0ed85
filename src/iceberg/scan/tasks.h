/* The work of a scan in pieces that threads take one after the other: files, and parts of large files. */
#ifndef FIRN_ICEBERG_SCAN_TASKS_H
#define FIRN_ICEBERG_SCAN_TASKS_H

#include "iceberg/scan/files.h"

/* A file, or the row groups of it that begin within `length` bytes from `start` on; the last task of a file
 * reaches beyond its end, wherever that is. Two tasks never have a row group in common and all tasks of a
 * file have all of them, whatever split_offsets say. Its own memory is in `arena`; free it when the task is
 * done, or use the same struct for the next one. Zero: none yet. */
typedef struct firn_scan_task {
  firn_arena arena;
  firn_data_file file; /* statistics only where the options say so */
  uint64_t start, length;
  const firn_expr *residual; /* TRUE: all rows match */
} firn_scan_task;

typedef struct firn_tasks firn_tasks;

/* `split_bytes` 0: 128 MB; SIZE_MAX: files stay whole. */
FIRN_MUST_USE firn_status firn_tasks_open(const firn_files_options *options, size_t split_bytes,
                                          firn_ctx *ctx, firn_tasks **out, firn_error *err);
/* Threads may call it at once, each with a task of its own, whose file comes in the order of the manifests.
 * `*is_over`: there was none left. Whatever fails for one thread fails for all of them from then on. */
FIRN_MUST_USE firn_status firn_tasks_next(firn_tasks *t, firn_ctx *ctx, firn_scan_task *task, bool *is_over,
                                          firn_error *err);
int64_t firn_tasks_row_estimate(const firn_tasks *t); /* an upper bound; -1: unknown */
/* Handed out of all, 0 to 1, by rows; for progress. Threads may ask. */
double firn_tasks_progress(firn_tasks *t);
void firn_tasks_close(firn_tasks *t);
void firn_tasks_close_pointer(firn_tasks **t);
#define FIRN_AUTO_TASKS FIRN_AUTO(firn_tasks_close_pointer) firn_tasks

#endif
