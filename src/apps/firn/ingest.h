/* firn ingest: what its forms of input share. */
#ifndef FIRN_APPS_FIRN_INGEST_H
#define FIRN_APPS_FIRN_INGEST_H

#include "apps/firn/command.h"

/* A file or standard input as bytes. */
typedef struct firn_ingest_file {
  int fd;
  bool is_stdin;
} firn_ingest_file;

/* "-": standard input. */
FIRN_MUST_USE firn_status firn_ingest_file_open(const char *path, firn_ingest_file *out, firn_error *err);
void firn_ingest_file_close(firn_ingest_file *f);
/* The `read` of inputs; `self` is the file. */
FIRN_MUST_USE firn_status firn_ingest_file_read(void *self, firn_ctx *ctx, uint8_t *into, size_t len,
                                                size_t *got, firn_error *err);

/* How many data files may be open at a time: as many as the system lets this program have. */
size_t firn_ingest_max_open_files(void);

/* "100000" rows, or "30s", "5m", "1h", "500ms"; NULL: neither. */
FIRN_MUST_USE firn_status firn_ingest_commit_every(const char *text, int64_t *rows, int64_t *us,
                                                   firn_error *err);

/* The progress line of a terminal. */
typedef struct firn_ingest_progress {
  firn_app *app;
  const char *what; /* "events" */
  bool is_shown;
  int64_t started_us, shown_us;
} firn_ingest_progress;

void firn_ingest_progress_start(firn_ingest_progress *p, firn_app *app, const char *what);
void firn_ingest_progress_show(firn_ingest_progress *p, int64_t n, uint64_t bytes_in);
/* Takes the line away; the seconds since the start. */
double firn_ingest_progress_end(firn_ingest_progress *p);

/* The forms of input. */
FIRN_MUST_USE firn_status firn_ingest_events_run(firn_app *app, const firn_args *args, firn_error *err);
FIRN_MUST_USE firn_status firn_ingest_rows_run(firn_app *app, const firn_args *args, const char *form,
                                               firn_error *err);

#endif
