/* The prompt of firn sql: statements over many lines, and commands that begin with a dot. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/firn/line.h"
#include "apps/firn/sql.h"

enum { TEXT_MAX_BYTES = 64 << 20 };

static const char help_text[] =
    "Statements end with a semicolon and may take many lines. Ctrl-C stops the one that runs.\n"
    "  .help              this text\n"
    "  .tables            the tables of the namespace in use\n"
    "  .namespaces        all namespaces\n"
    "  .describe TABLE    its columns\n"
    "  .format FORM       table, json, csv, markdown\n"
    "  .max-rows N        rows that a table shows; 0: all\n"
    "  .timing on|off     how long each statement took and what its scans looked at\n"
    "  .quit              leaves, as Ctrl-D does\n"
    "firn help sql has the statements.\n";

static atomic_bool interrupted;

static void interrupt(int number) {
  (void)number;
  atomic_store(&interrupted, true);
}

static firn_status complete(void *self, firn_bytes line, firn_arena *arena, const char *const **out,
                            size_t *n, firn_error *err) {
  firn_sql_shell *s = self;
  return firn_sql_complete(s->session, &s->ctx, line, arena, out, n, err);
}

/* $XDG_STATE_HOME/firn/sql_history, its folder made; NULL where there is no home. */
static const char *history_path(firn_app *app) {
  const char *state = app->variable == NULL ? NULL : app->variable("XDG_STATE_HOME");
  const char *home = app->variable == NULL ? NULL : app->variable("HOME");
  const char *folder;
  if (state != NULL && state[0] == '/') {
    folder = firn_arena_printf(app->arena, "%s/firn", state);
  } else if (home != NULL && home[0] == '/') {
    folder = firn_arena_printf(app->arena, "%s/.local/state/firn", home);
  } else {
    return NULL;
  }
  for (const char *at = folder; folder != NULL && (at = strchr(at + 1, '/')) != NULL;) {
    const char *part =
        firn_arena_text(app->arena, (firn_bytes){(const uint8_t *)folder, (size_t)(at - folder)});
    if (part == NULL || (mkdir(part, 0700) != 0 && errno != EEXIST)) {
      return NULL;
    }
  }
  if (folder == NULL || (mkdir(folder, 0700) != 0 && errno != EEXIST)) {
    return NULL;
  }
  return firn_arena_printf(app->arena, "%s/sql_history", folder);
}

static void say(firn_sql_shell *s, const firn_error *err) {
  (void)fflush(s->to);
  (void)fprintf(s->app->errors, "Error: %s\n", err->text);
}

static void run_text(firn_sql_shell *s, firn_bytes text) {
  firn_error err;
  atomic_store(&interrupted, false);
  if (firn_sql_shell_run(s, text, &err) != FIRN_OK) {
    say(s, &err);
  }
  (void)fflush(s->to);
}

/* One that takes the rest of the line, blanks cut off. */
typedef void (*dot_run)(firn_sql_shell *s, const char *argument);

static void dot_help(firn_sql_shell *s, const char *argument) {
  (void)argument;
  (void)fputs(help_text, s->to);
}

static void dot_tables(firn_sql_shell *s, const char *argument) {
  (void)argument;
  run_text(s, firn_bytes_of("SHOW TABLES"));
}

static void dot_namespaces(firn_sql_shell *s, const char *argument) {
  (void)argument;
  run_text(s, firn_bytes_of("SHOW NAMESPACES"));
}

static void dot_describe(firn_sql_shell *s, const char *argument) {
  const char *text = firn_arena_printf(s->app->arena, "DESCRIBE %s", argument);
  if (text != NULL) {
    run_text(s, firn_bytes_of(text));
  }
}

static void dot_format(firn_sql_shell *s, const char *argument) {
  firn_error err;
  if (firn_sql_shell_set_format(s, argument, &err) != FIRN_OK) {
    say(s, &err);
  }
}

static void dot_max_rows(firn_sql_shell *s, const char *argument) {
  char *end;
  unsigned long long n = strtoull(argument, &end, 10);
  if (isdigit((unsigned char)argument[0]) == 0 || *end != '\0') {
    (void)fputs("Error: .max-rows takes a number\n", s->app->errors);
    return;
  }
  s->max_rows = n;
  if (s->output != NULL) {
    s->output->max_rows = n;
  }
}

static void dot_timing(firn_sql_shell *s, const char *argument) {
  s->has_timing = strcmp(argument, "off") != 0;
}

static const struct {
  const char *name;
  dot_run run; /* NULL: leaves */
} dot_commands[] = {
    {".help", dot_help},         {".tables", dot_tables}, {".namespaces", dot_namespaces},
    {".describe", dot_describe}, {".format", dot_format}, {".max-rows", dot_max_rows},
    {".timing", dot_timing},     {".quit", NULL},         {".exit", NULL},
};

/* False: the prompt is to end. */
static bool run_dot(firn_sql_shell *s, const char *line) {
  size_t len = strcspn(line, " \t;");
  const char *rest = line + len + strspn(line + len, " \t");
  char argument[1024];
  (void)snprintf(argument, sizeof argument, "%s", rest);
  argument[strcspn(argument, ";")] = '\0';
  for (size_t i = strlen(argument); i > 0 && isspace((unsigned char)argument[i - 1]) != 0; i--) {
    argument[i - 1] = '\0';
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(dot_commands); i++) {
    if (strlen(dot_commands[i].name) == len && strncmp(dot_commands[i].name, line, len) == 0) {
      if (dot_commands[i].run == NULL) {
        return false;
      }
      dot_commands[i].run(s, argument);
      return true;
    }
  }
  (void)fprintf(s->app->errors, "Error: there is no %.*s; .help says what there is\n", (int)len, line);
  return true;
}

/* Whether there is a whole statement at the start; then it is run and taken away. */
static bool run_whole_statement(firn_sql_shell *s, firn_builder *text) {
  firn_bytes rest = firn_builder_bytes(text);
  firn_bytes statement;
  bool is_open;
  if (!firn_sql_next_statement(&rest, &statement, &is_open) || is_open) {
    return false;
  }
  run_text(s, statement);
  memmove(text->data, rest.data, rest.len);
  text->len = rest.len;
  return true;
}

static bool is_blank(const firn_builder *text) {
  for (size_t i = 0; i < text->len; i++) {
    if (isspace(text->data[i]) == 0) {
      return false;
    }
  }
  return true;
}

/* False: the prompt is to end. `line` stands in `text`, behind what was there before. */
static bool take_line(firn_sql_shell *s, firn_builder *text, bool is_first, const char *line) {
  if (line[0] != '\0' && line[0] != ' ') { /* a blank in front keeps it out, as shells do */
    firn_line_remember(line);
  }
  if (is_first && (line[0] == '.' || strcmp(line, "exit") == 0 || strcmp(line, "quit") == 0)) {
    firn_builder_reset(text);
    return line[0] == '.' && run_dot(s, line);
  }
  while (run_whole_statement(s, text)) {
  }
  return true;
}

/* False: the prompt is to end. */
static bool read_line(firn_sql_shell *s, firn_builder *text, firn_arena *arena) {
  bool is_first = is_blank(text);
  if (is_first) {
    firn_builder_reset(text);
  }
  size_t before = text->len;
  atomic_store(&interrupted, false);
  if (!firn_line_read(is_first ? "firn> " : "   -> ", text)) {
    if (!atomic_load(&interrupted)) {
      return false;
    }
    (void)fputs("\n", s->to); /* Ctrl-C: what was begun is forgotten */
    firn_builder_reset(text);
    return true;
  }
  if (text->failed != FIRN_OK) {
    (void)fputs("Error: the statement is too long\n", s->app->errors);
    return false;
  }
  firn_arena_reset(arena);
  const char *line = firn_arena_text(arena, (firn_bytes){text->data + before, text->len - before - 1});
  return line != NULL && take_line(s, text, is_first, line);
}

firn_status firn_sql_prompt(firn_sql_shell *s, firn_error *err) {
  (void)err;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(TEXT_MAX_BYTES);
  struct sigaction before;
  struct sigaction action = {.sa_handler = interrupt};
  (void)sigaction(SIGINT, &action, &before);
  s->ctx.cancel = &interrupted;
  firn_line_options options = {.history = history_path(s->app), .complete = complete, .self = s};
  firn_line_open(&options);
  (void)fprintf(s->to, "firn %s; .help says what there is\n", FIRN_VERSION);
  while (read_line(s, &text, &arena)) {
  }
  firn_line_close();
  (void)fputs("\n", s->to);
  (void)sigaction(SIGINT, &before, NULL);
  return FIRN_OK;
}
