#include "apps/firn/line.h"

#include <editline/readline.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HISTORY_LINES = 10000 };

/* libedit's callbacks have no place for an argument. */
static struct {
  firn_line_options options;
  firn_arena arena;
  const char *const *found;
  size_t n_found, next;
} editor;

static char *next_found(const char *text, int state) {
  (void)text;
  if (state == 0) {
    editor.next = 0;
  }
  return editor.next < editor.n_found ? strdup(editor.found[editor.next++]) : NULL; /* libedit frees it */
}

static char **complete(const char *text, int start, int end) {
  (void)start;
  firn_error err;
  firn_arena_reset(&editor.arena);
  editor.n_found = 0;
  rl_attempted_completion_over = 1;
  firn_bytes line = {(const uint8_t *)rl_line_buffer, (size_t)end};
  firn_status status =
      editor.options.complete(editor.options.self, line, &editor.arena, &editor.found, &editor.n_found, &err);
  return status == FIRN_OK ? rl_completion_matches(text, next_found) : NULL;
}

void firn_line_open(const firn_line_options *options) {
  static char word_breaks[] = " \t\n\\`@><=;|&{(,)";
  editor.options = *options;
  rl_readline_name = "firn";
  rl_attempted_completion_function = complete;
  rl_completer_word_break_characters = word_breaks;
  using_history();
  stifle_history(HISTORY_LINES);
  if (options->history != NULL) {
    (void)read_history(options->history); /* there is none the first time */
  }
}

bool firn_line_read(const char *prompt, firn_builder *to) {
  char *line = readline(prompt);
  if (line == NULL) {
    return false;
  }
  firn_builder_add_text(to, line);
  firn_builder_add_u8(to, '\n');
  free(line); /* libedit's, from malloc */
  return true;
}

void firn_line_remember(const char *line) {
  (void)add_history(line);
}

void firn_line_close(void) {
  const char *path = editor.options.history;
  if (path != NULL && write_history(path) == 0) {
    (void)chmod(path, S_IRUSR | S_IWUSR);
  }
  firn_arena_free(&editor.arena);
}
