/* firn ingest TABLE [FILE...]: structured CloudEvents from files or standard input into the archive. */
#include "services/ingest/ingest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/firn/command.h"
#include "apps/firn/print.h"
#include "base/json_write.h"

enum {
  PROGRESS_EVERY_US = 200000,
  MAX_THREADS = 64,
  LEAST_MEMORY = 1 << 20,
  OTHER_FILES = 64, /* descriptors for inputs, the catalog, the terminal */
  MOST_FILES = 1 << 14,
};

const firn_option firn_ingest_command_options[] = {
    {"from", "FORM", "form of the input: cloudevents"},
    {"target-file-size", "SIZE", "a data file is closed at about this size (default 128MB)"},
    {"commit-every", "N|TIME",
     "commit after so many events (100000) or so long (30s, 5m); default: once, at the end"},
    {"compression", "CODEC", "zstd, zstd:LEVEL, snappy, gzip, lz4, brotli or none (default zstd)"},
    {"threads", "N", "how many workers write side by side, each to files of its own (default 1)"},
    {"memory", "SIZE", "budget of all open files (default 96MB, at least 1MB)"},
    {"max-event-size", "SIZE", "a larger event ends the run (default 16MB, at most 1GB)"},
    {0},
};

/* An open file descriptor as an input. */
typedef struct file_input {
  int fd;
  bool is_stdin;
} file_input;

static firn_status read_file(void *self, firn_ctx *ctx, uint8_t *into, size_t len, size_t *got,
                             firn_error *err) {
  file_input *f = self;
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

/* The progress line of a terminal. */
typedef struct progress {
  firn_app *app;
  int64_t started_us, shown_us;
} progress;

static void show_progress(void *arg, const firn_ingest_counts *so_far) {
  progress *p = arg;
  int64_t now = firn_ctx_monotonic_us(&p->app->ctx);
  if (now - p->shown_us < PROGRESS_EVERY_US) {
    return;
  }
  p->shown_us = now;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(1 << 16);
  int64_t n = so_far->n_rows[FIRN_ARCHIVE_VALID] + so_far->n_rows[FIRN_ARCHIVE_PARTIAL] +
              so_far->n_rows[FIRN_ARCHIVE_DEAD_LETTER];
  double seconds = (double)(now - p->started_us + 1) / 1e6;
  (void)fprintf(p->app->errors, "\r%s events, %s read, %s a second\033[K", firn_print_count(n, &arena),
                firn_print_size(so_far->bytes_in, &arena),
                firn_print_count((int64_t)((double)n / seconds), &arena));
  (void)fflush(p->app->errors);
}

static firn_status parse_compression(const char *text, firn_codec *codec, int *level, firn_error *err) {
  firn_status status = firn_codec_parse(text == NULL ? "zstd" : text, codec, level, err);
  return status == FIRN_OK ? status : firn_error_while(err, status, "--compression");
}

/* "100000" events, or "30s", "5m", "1h", "500ms". */
static firn_status parse_commit_every(const char *text, firn_ingest_options *o, firn_error *err) {
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
    o->commit_every_rows = n;
    return FIRN_OK;
  }
  for (size_t i = 0; is_number && i < FIRN_COUNT_OF(units); i++) {
    if (strcmp(text + consumed, units[i].unit) == 0) {
      o->commit_every_us = n * units[i].us;
      return FIRN_OK;
    }
  }
  return firn_error_set(err, FIRN_INVALID,
                        "--commit-every must be a number of events or a time such as 30s, not \"%s\"", text);
}

/* NAMESPACE.valid names the archive; its siblings have their names from the contract. */
static firn_status name_tables(firn_app *app, const char *text, firn_table_id tables[FIRN_ARCHIVE_N_TABLES],
                               firn_error *err) {
  firn_table_id id;
  FIRN_TRY(firn_table_id_parse(text, app->arena, &id, err));
  if (strcmp(id.name, firn_archive_table_name(FIRN_ARCHIVE_VALID)) != 0 || id.ns.n_levels == 0) {
    return firn_error_set(
        err, FIRN_UNSUPPORTED,
        "%s: only an archive of CloudEvents can be ingested into yet; name its table of valid events, "
        "such as cloudevent.valid",
        text);
  }
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    tables[t] = (firn_table_id){.ns = id.ns, .name = firn_archive_table_name((firn_archive_table)t)};
  }
  return FIRN_OK;
}

/* How many data files may be open at a time: as many as the system lets this program have. */
static size_t descriptors(void) {
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

static firn_status read_options(firn_app *app, const firn_args *args, firn_ingest_options *o,
                                firn_error *err) {
  const char *form = firn_args_value(args, "from");
  if (form != NULL && strcmp(form, "cloudevents") != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "--from %s is not built yet; there is cloudevents", form);
  }
  uint64_t threads = 1;
  uint64_t memory = 0;
  uint64_t max_event = 0;
  FIRN_TRY(firn_args_size(args, "target-file-size", &o->target_file_bytes, err));
  FIRN_TRY(firn_args_size(args, "memory", &memory, err));
  FIRN_TRY(firn_args_size(args, "max-event-size", &max_event, err));
  FIRN_TRY(firn_args_count(args, "threads", &threads, err));
  if (threads < 1 || threads > MAX_THREADS) {
    return firn_error_set(err, FIRN_INVALID, "--threads must be from 1 to %d", MAX_THREADS);
  }
  if (max_event > (1 << 30)) {
    return firn_error_set(err, FIRN_INVALID, "--max-event-size may be 1GB at most");
  }
  if (firn_args_has(args, "memory") && memory < LEAST_MEMORY) {
    return firn_error_set(err, FIRN_INVALID, "--memory must be 1MB at least");
  }
  o->memory_bytes = memory;
  o->max_open_files = descriptors();
  o->max_event_bytes = max_event;
  o->n_workers = (unsigned)threads;
  FIRN_TRY(parse_compression(firn_args_value(args, "compression"), &o->codec, &o->level, err));
  FIRN_TRY(parse_commit_every(firn_args_value(args, "commit-every"), o, err));
  FIRN_TRY(name_tables(app, args->words[0], o->tables, err));
  return firn_app_catalog(app, true, &o->catalog, err);
}

static firn_status ingest_stdin(firn_app *app, firn_ingest *g, firn_error *err) {
  file_input f = {.fd = STDIN_FILENO};
  firn_input input = {.origin = "stdin", .read = read_file, .self = &f};
  return firn_ingest_input(g, &app->ctx, &input, err);
}

static firn_status ingest_file(firn_app *app, firn_ingest *g, const char *path, firn_error *err) {
  if (strcmp(path, "-") == 0) {
    return ingest_stdin(app, g, err);
  }
  file_input f = {.fd = open(path, O_RDONLY | O_CLOEXEC)};
  if (f.fd < 0) {
    return firn_error_set(err, errno == ENOENT ? FIRN_NOT_FOUND : FIRN_IO, "%s cannot be opened: %s", path,
                          strerror(errno));
  }
  firn_input input = {.origin = path, .read = read_file, .self = &f};
  firn_status status = firn_ingest_input(g, &app->ctx, &input, err);
  (void)close(f.fd); /* it was only read */
  return status;
}

static firn_status ingest_words(firn_app *app, firn_ingest *g, const firn_args *args, firn_error *err) {
  if (args->n_words == 1) {
    FIRN_TRY(ingest_stdin(app, g, err));
  }
  for (size_t i = 1; i < args->n_words; i++) {
    FIRN_TRY(ingest_file(app, g, args->words[i], err));
  }
  return firn_ingest_commit(g, &app->ctx, err);
}

static firn_status print_json(firn_app *app, const firn_ingest_counts *c, const firn_table_id *tables,
                              double seconds, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(1 << 16);
  firn_json_writer w = FIRN_JSON_WRITER_INIT(&b);
  firn_json_begin_object(&w);
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_json_key(&w, tables[t].name);
    firn_json_begin_object(&w);
    firn_json_add_text(&w, "table", firn_table_id_text(&tables[t], app->arena));
    firn_json_add_int64(&w, "rows", c->n_rows[t]);
    firn_json_add_int64(&w, "files", c->n_files[t]);
    firn_json_key(&w, "snapshot-id");
    if (c->snapshot_id[t] != 0) {
      firn_json_write_int64(&w, c->snapshot_id[t]);
    } else {
      firn_json_write_null(&w);
    }
    firn_json_end_object(&w);
  }
  firn_json_add_int64(&w, "bytes-read", (int64_t)c->bytes_in);
  firn_json_add_int64(&w, "bytes-written", (int64_t)c->bytes_out);
  firn_json_add_int64(&w, "commits", c->n_commits);
  firn_json_key(&w, "seconds");
  firn_json_write_double(&w, seconds);
  firn_json_end_object(&w);
  firn_builder_add_u8(&b, '\n');
  return firn_print_builder(&b, app->out, err);
}

static void print_text(firn_app *app, const firn_ingest_counts *c, const firn_table_id *tables,
                       double seconds) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    if (t == FIRN_ARCHIVE_VALID || c->n_rows[t] > 0) {
      (void)fprintf(app->out, "%s: %s rows in %s files\n", firn_table_id_text(&tables[t], app->arena),
                    firn_print_count(c->n_rows[t], app->arena), firn_print_count(c->n_files[t], app->arena));
    }
  }
  (void)fprintf(app->out, "%s read, %s written, %s commits, %.2f s\n",
                firn_print_size(c->bytes_in, app->arena), firn_print_size(c->bytes_out, app->arena),
                firn_print_count(c->n_commits, app->arena), seconds);
}

firn_status firn_ingest_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  progress p = {.app = app, .started_us = firn_ctx_monotonic_us(&app->ctx)};
  firn_ingest_options options = {0};
  FIRN_TRY(read_options(app, args, &options, err));
  bool is_shown = !app->is_quiet && isatty(fileno(app->errors)) == 1;
  options.progress = is_shown ? show_progress : NULL;
  options.progress_arg = &p;
  FIRN_TRY(firn_pool_open(options.n_workers - 1, &app->env.pool, err));
  firn_ingest *g;
  FIRN_TRY(firn_ingest_open(&options, &app->ctx, &g, err));
  firn_status status = ingest_words(app, g, args, err);
  firn_ingest_counts counts = *firn_ingest_committed(g);
  firn_ingest_close(g, &app->ctx);
  if (is_shown && p.shown_us != 0) {
    (void)fputs("\r\033[K", app->errors);
  }
  if (status != FIRN_OK) {
    return counts.n_commits == 0
               ? status
               : firn_error_while(err, status, "after %" PRId64 " commits, which stay", counts.n_commits);
  }
  double seconds = (double)(firn_ctx_monotonic_us(&app->ctx) - p.started_us) / 1e6;
  if (app->format == FIRN_FORMAT_JSON) {
    return print_json(app, &counts, options.tables, seconds, err);
  }
  print_text(app, &counts, options.tables, seconds);
  return FIRN_OK;
}
