/* firn sql: queries over the tables of the catalog. */
#include "apps/firn/sql.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/firn/print.h"

const firn_option firn_sql_command_options[] = {
    {"namespace", "NS", "where names without a namespace are looked up"},
    {"format", "FORM", "form of the output: table, json, csv, markdown, arrow or parquet"},
    {"max-rows", "N", "rows that a table shows (default: 1000 on a terminal, else all)"},
    {"memory-limit", "SIZE", "memory of the engine, which spills beyond it (default: 1GB)"},
    {"threads", "N", "threads of the engine (default: as many as processors)"},
    {"timing", NULL, "how long each statement took and what its scans looked at"},
    {0},
};

enum { TEXT_MAX_BYTES = 64 << 20, DEFAULT_TERMINAL_ROWS = 1000 };

static size_t terminal_width(FILE *to) {
  struct winsize size;
  return isatty(fileno(to)) != 0 && ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                                                 : 0;
}

firn_status firn_sql_shell_set_format(firn_sql_shell *s, const char *name, firn_error *err) {
  firn_format format;
  FIRN_TRY(firn_format_of(name, &format, err));
  if (firn_format_is_binary(format) && isatty(fileno(s->to)) != 0) {
    return firn_error_set(err, FIRN_INVALID,
                          "%s is not for a terminal: send the output to a file or a program", name);
  }
  firn_output_close(s->output);
  s->output = NULL;
  s->format = format;
  return FIRN_OK;
}

/* A plan is a picture of many lines: as it is, not in a cell. */
static bool is_picture(const firn_sql_shell *s, const firn_field *schema) {
  return s->format == FIRN_FORMAT_TABLE && schema->n_children == 2 &&
         strcmp(schema->children[0].name, "explain_key") == 0 && schema->children[1].kind == FIRN_KIND_STRING;
}

static firn_status print_picture(firn_sql_shell *s, firn_sql_result *result, firn_error *err) {
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_sql_result_next(result, &s->ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    for (size_t i = 0; i < batch->n_rows; i++) {
      firn_bytes text = batch->columns[1].bytes[i];
      (void)fwrite(text.data, 1, text.len, s->to);
      (void)fputs("\n", s->to);
    }
  }
}

static firn_status print_result(firn_sql_shell *s, firn_sql_result *result, firn_error *err) {
  const firn_field *schema = firn_sql_result_schema(result);
  if (is_picture(s, schema)) {
    return print_picture(s, result, err);
  }
  if (schema->n_children == 0) {
    const firn_batch *none;
    FIRN_TRY(firn_sql_result_next(result, &s->ctx, &none, err));
    const char *message = firn_sql_result_message(result);
    if (message != NULL && !s->app->is_quiet) {
      (void)fprintf(s->app->errors, "%s\n", message);
    }
    return FIRN_OK;
  }
  if (s->output == NULL) {
    FIRN_TRY(firn_output_open(s->format, s->to, 0, &s->output, err));
    s->output->max_rows = s->max_rows;
  }
  s->output->max_width = terminal_width(s->to);
  FIRN_TRY(firn_output_begin(s->output, schema, err));
  for (;;) {
    const firn_batch *batch;
    FIRN_TRY(firn_sql_result_next(result, &s->ctx, &batch, err));
    if (batch == NULL) {
      return firn_output_end(s->output, err);
    }
    FIRN_TRY(firn_output_batch(s->output, batch, err));
  }
}

static void print_timing(firn_sql_shell *s, firn_sql_result *result, int64_t started_us) {
  const firn_scan_counts *c = firn_sql_result_counts(result);
  FILE *to = s->app->errors;
  (void)fprintf(to, "%.3f s", (double)(firn_ctx_monotonic_us(&s->ctx) - started_us) * 1e-6);
  if (c != NULL && c->manifests + c->manifests_skipped > 0) {
    (void)fprintf(to, "; read %" PRId64 " of %" PRId64 " manifests", (int64_t)c->manifests,
                  (int64_t)(c->manifests + c->manifests_skipped));
    (void)fprintf(to, ", %" PRId64 " of %" PRId64 " files", (int64_t)c->files,
                  (int64_t)(c->files + c->files_skipped));
    (void)fprintf(to, ", %" PRId64 " of %" PRId64 " row groups", (int64_t)c->row_groups,
                  (int64_t)(c->row_groups + c->row_groups_skipped));
    (void)fprintf(to, ", %" PRId64 " pages skipped, %" PRId64 " rows", (int64_t)c->pages_skipped,
                  (int64_t)c->rows);
  }
  (void)fputs("\n", to);
}

/* Where there is no data directory yet, the first CREATE makes one; queries make nothing. */
static firn_status make_catalog(firn_sql_shell *s, firn_bytes statement, firn_error *err) {
  static const char create[] = "create";
  size_t at = 0;
  while (at < statement.len && isspace(statement.data[at]) != 0) {
    at++;
  }
  bool makes = s->options->catalog == NULL && statement.len - at > sizeof create - 1 &&
               strncasecmp((const char *)statement.data + at, create, sizeof create - 1) == 0;
  if (!makes) {
    return FIRN_OK;
  }
  FIRN_TRY(firn_app_catalog(s->app, true, &s->options->catalog, err));
  firn_sql_session_close(s->session);
  firn_sql_close(s->sql);
  s->session = NULL;
  s->sql = NULL;
  FIRN_TRY(firn_sql_open(s->options, &s->app->ctx, &s->sql, err));
  return firn_sql_session_open(s->sql, &s->app->ctx, &s->session, err);
}

static firn_status run_statement(firn_sql_shell *s, firn_bytes statement, firn_error *err) {
  FIRN_TRY(make_catalog(s, statement, err));
  int64_t started_us = firn_ctx_monotonic_us(&s->ctx);
  firn_sql_progress_bar *bar;
  FIRN_AUTO_SQL_RESULT *result = NULL;
  FIRN_TRY(firn_sql_progress_start(s, &bar, err));
  firn_status status = firn_sql_run(s->session, &s->ctx, statement, &result, err);
  if (s->has_terminal || status != FIRN_OK) { /* rows and the bar would be mixed */
    firn_sql_progress_stop(bar);
    bar = NULL;
  }
  if (status == FIRN_OK) {
    status = print_result(s, result, err);
  }
  firn_sql_progress_stop(bar);
  if (status == FIRN_OK && s->has_timing) {
    (void)fflush(s->to);
    print_timing(s, result, started_us);
  }
  if (status != FIRN_OK && s->output != NULL) { /* it stopped within a result */
    firn_output_close(s->output);
    s->output = NULL;
  }
  return status;
}

firn_status firn_sql_shell_run(firn_sql_shell *s, firn_bytes text, firn_error *err) {
  firn_bytes statement;
  bool is_open;
  while (firn_sql_next_statement(&text, &statement, &is_open)) {
    FIRN_TRY(run_statement(s, statement, err));
  }
  return FIRN_OK;
}

static firn_status run_input(firn_sql_shell *s, FILE *from, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(TEXT_MAX_BYTES);
  while (feof(from) == 0 && ferror(from) == 0) {
    uint8_t *room = firn_builder_reserve(&b, 1 << 16);
    if (room == NULL) {
      break;
    }
    firn_builder_claim(&b, fread(room, 1, 1 << 16, from));
  }
  firn_bytes text;
  FIRN_TRY(firn_builder_finish(&b, &text, err));
  return firn_sql_shell_run(s, text, err);
}

static firn_status run_shell(firn_sql_shell *s, const firn_args *args, firn_error *err) {
  if (args->n_words > 0) {
    for (size_t i = 0; i < args->n_words; i++) {
      FIRN_TRY(firn_sql_shell_run(s, firn_bytes_of(args->words[i]), err));
    }
    return FIRN_OK;
  }
  return isatty(STDIN_FILENO) != 0 ? firn_sql_prompt(s, err) : run_input(s, stdin, err);
}

/* Where the engine spills: a folder for temporary files. */
static const char *spill_folder(firn_app *app) {
  const char *folder = app->variable == NULL ? NULL : app->variable("TMPDIR");
  return firn_arena_printf(app->arena, "%s/firn-sql-%ld",
                           folder == NULL || folder[0] == '\0' ? "/tmp" : folder, (long)getpid());
}

static firn_status with_session(firn_app *app, const firn_args *args, firn_sql_options *options,
                                firn_error *err) {
  firn_sql_shell shell = {.app = app,
                          .options = options,
                          .ctx = app->ctx,
                          .to = app->out,
                          .has_timing = firn_args_has(args, "timing")};
  shell.has_terminal = isatty(fileno(app->out)) != 0;
  shell.max_rows = shell.has_terminal ? DEFAULT_TERMINAL_ROWS : 0;
  FIRN_TRY(firn_args_count(args, "max-rows", &shell.max_rows, err));
  const char *format = firn_args_value(args, "format");
  if (format != NULL) {
    FIRN_TRY(firn_sql_shell_set_format(&shell, format, err));
  }
  FIRN_TRY(firn_sql_open(options, &app->ctx, &shell.sql, err));
  firn_status status = firn_sql_session_open(shell.sql, &app->ctx, &shell.session, err);
  if (status == FIRN_OK) {
    status = run_shell(&shell, args, err);
  }
  firn_output_close(shell.output);
  firn_sql_session_close(shell.session);
  firn_sql_close(shell.sql);
  return status;
}

firn_status firn_sql_command_run(firn_app *app, const firn_args *args, firn_error *err) {
  firn_sql_options options = {.library = firn_app_sql_library(app), .ns = firn_args_value(args, "namespace")};
  uint64_t n_threads = 0;
  FIRN_TRY(firn_args_count(args, "threads", &n_threads, err));
  if (n_threads > 1024) {
    return firn_error_set(err, FIRN_INVALID, "--threads must be at most 1024");
  }
  options.n_threads = (unsigned)n_threads;
  FIRN_TRY(firn_args_size(args, "memory-limit", &options.memory_bytes, err));
  options.spill_folder = spill_folder(app);
  options.folder = firn_app_absolute(app, ".");
  FIRN_TRY(firn_app_stores(app, &options.stores, err));
  firn_status status = firn_app_catalog(app, false, &options.catalog, err);
  if (status == FIRN_NOT_FOUND && app->catalog_uri == NULL) {
    options.catalog = NULL; /* no data directory here: tables by path, and the engine itself */
  } else if (status != FIRN_OK) {
    return status;
  }
  return with_session(app, args, &options, err);
}
