/* firn ingest TABLE [FILE...]: files or standard input into tables, whatever form they have. */
#include "apps/firn/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/firn/print.h"

enum {
  PROGRESS_EVERY_US = 200000,
  OTHER_FILES = 64, /* descriptors for inputs, the catalog, the terminal */
  MOST_FILES = 1 << 14,
};

const firn_option firn_ingest_command_options[] = {
    {"from", "FORM", "form of the input: cloudevents (the default), json, csv or parquet"},
    {"target-file-size", "SIZE", "a data file is closed at about this size (default 128MB)"},
    {"commit-every", "N|TIME",
     "commit after so many events or rows (100000) or so long (30s, 5m); default: once, at the end"},
    {"memory", "SIZE", "budget of all open files (default 96MB, of rows 256MB; at least 1MB)"},
    {"compression", "CODEC",
     "cloudevents: zstd, zstd:LEVEL, snappy, gzip, lz4, brotli or none (default zstd)"},
    {"threads", "N",
     "cloudevents: how many workers write side by side, each to files of its own (default 1)"},
    {"max-event-size", "SIZE", "cloudevents: a larger event ends the run (default 16MB, at most 1GB)"},
    {"schema", "FILE",
     "json, csv: the schema of the rows, and of a new table, as Iceberg JSON; default: inferred"},
    {"partition-by", "TERMS", "of a new table: \"day(ts), bucket(16, id), region\""},
    {"sort-by", "TERMS", "of a new table: \"ts, id desc nulls last\""},
    {"schema-evolution", "MODE",
     "what rows may change of the table: strict (nothing), add_columns (the default), full (types, too)"},
    {"delimiter", "C",
     "csv: what stands between fields (\\t for a tab); default: the one of , ; tab | that the "
     "first line has most"},
    {"no-header", NULL, "csv: the first line holds values, not names"},
    {"max-row-size", "SIZE", "json, csv: a larger row ends the run (default 16MB, at most 1GB)"},
    {0},
};

/* --- inputs --- */

firn_status firn_ingest_file_open(const char *path, firn_ingest_file *out, firn_error *err) {
  if (strcmp(path, "-") == 0) {
    *out = (firn_ingest_file){.fd = STDIN_FILENO, .is_stdin = true};
    return FIRN_OK;
  }
  *out = (firn_ingest_file){.fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (out->fd < 0) {
    return firn_error_set(err, errno == ENOENT ? FIRN_NOT_FOUND : FIRN_IO, "%s cannot be opened: %s", path,
                          strerror(errno));
  }
  return FIRN_OK;
}

void firn_ingest_file_close(firn_ingest_file *f) {
  if (!f->is_stdin) {
    (void)close(f->fd); /* it was only read */
  }
}

firn_status firn_ingest_file_read(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                                  firn_error *err) {
  firn_ingest_file *f = self;
  for (;;) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    ssize_t n = read(f->fd, into, len);
    if (n >= 0) {
      *got = (size_t)n;
      return FIRN_OK;
    }
    if (errno != EINTR) {
      return firn_error_set(err, FIRN_IO, "cannot be read: %s", strerror(errno));
    }
  }
}

size_t firn_ingest_max_open_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 0;
  }
  if (limit.rlim_cur < limit.rlim_max) {
    struct rlimit raised = {.rlim_cur = limit.rlim_max < MOST_FILES ? limit.rlim_max : MOST_FILES,
                            .rlim_max = limit.rlim_max};
    limit = raised.rlim_cur > limit.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised : limit;
  }
  size_t n = limit.rlim_cur < MOST_FILES ? (size_t)limit.rlim_cur : MOST_FILES;
  return n > OTHER_FILES ? n - OTHER_FILES : 1;
}

firn_status firn_ingest_commit_every(const char *text, int64_t *rows, int64_t *us, firn_error *err) {
  static const struct {
    const char *unit;
    int64_t us;
  } units[] = {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)}};
  if (text == NULL) {
    return FIRN_OK;
  }
  int64_t n;
  int consumed = 0;
  bool is_number = sscanf(text, "%" SCNd64 "%n", &n, &consumed) == 1 && n > 0 && n < INT64_C(1000000000);
  if (is_number && text[consumed] == '\0') {
    *rows = n;
    return FIRN_OK;
  }
  for (size_t i = 0; is_number && i < FIRN_COUNT_OF(units); i++) {
    if (strcmp(text + consumed, units[i].unit) == 0) {
      *us = n * units[i].us;
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_INVALID,
                        "--commit-every must be a number of events or a time such as 30s, not \"%s\"", text);
}

/* --- progress --- */

void firn_ingest_progress_start(firn_ingest_progress *p, firn_app *app, const char *what) {
  *p = (firn_ingest_progress){.app = app, .what = what, .started_us = firn_ctx_monotonic_us(&app->ctx)};
  p->is_shown = !app->is_quiet && isatty(fileno(app->errors)) == 1;
}

void firn_ingest_progress_show(firn_ingest_progress *p, int64_t n, uint64_t bytes_in) {
  int64_t now = firn_ctx_monotonic_us(&p->app->ctx);
  if (!p->is_shown || now - p->shown_us < PROGRESS_EVERY_US) {
    return;
  }
  p->shown_us = now;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(1 << 16);
  double seconds = (double)(now - p->started_us + 1) / 1e6;
  (void)fprintf(p->app->errors, "\r%s %s, %s read, %s a second\033[K", firn_print_count(n, &arena), p->what,
                firn_print_size(bytes_in, &arena), firn_print_count((int64_t)((double)n / seconds), &arena));
  (void)fflush(p->app->errors);
}

double firn_ingest_progress_end(firn_ingest_progress *p) {
  if (p->is_shown && p->shown_us != 0) {
    (void)fputs("\r\033[K", p->app->errors);
  }
  return (double)(firn_ctx_monotonic_us(&p->app->ctx) - p->started_us) / 1e6;
}

/* --- forms --- */

/* Options that mean nothing for a form are refused: whoever gives one expects something. */
static firn_status check_options(const firn_args *args, const char *form, firn_error *err) {
  static const char *const of_events[] = {"compression", "threads", "max-event-size", NULL};
  static const char *const of_rows[] = {"schema",    "partition-by", "sort-by",      "schema-evolution",
                                        "delimiter", "no-header",    "max-row-size", NULL};
  const char *const *others = strcmp(form, "cloudevents") == 0 ? of_rows : of_events;
  for (size_t i = 0; others[i] != NULL; i++) {
    if (firn_args_has(args, others[i])) {
      return firn_error_set(err, FIRN_INVALID, "--%s is not for --from %s", others[i], form);
    }
  }
  bool is_csv = strcmp(form, "csv") == 0;
  if (!is_csv && (firn_args_has(args, "delimiter") || firn_args_has(args, "no-header"))) {
    return firn_error_set(err, FIRN_INVALID, "--delimiter and --no-header are for --from csv");
  }
  if (strcmp(form, "parquet") == 0 && firn_args_has(args, "max-row-size")) {
    return firn_error_set(err, FIRN_INVALID, "--max-row-size is for --from json and csv");
  }
  return FIRN_OK;
}

firn_status firn_ingest_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  static const char *const forms[] = {"cloudevents", "json", "csv", "parquet"};
  const char *form = firn_args_value(args, "from");
  form = form == NULL ? "cloudevents" : form;
  for (size_t i = 0; i < FIRN_COUNT_OF(forms); i++) {
    if (strcmp(form, forms[i]) == 0) {
      FIRN_TRY(check_options(args, form, err));
      return i == 0 ? firn_ingest_events_run(app, args, err) : firn_ingest_rows_run(app, args, form, err);
    }
  }
  return firn_error_set(err, FIRN_INVALID, "--from must be cloudevents, json, csv or parquet, not \"%s\"",
                        form);
}
