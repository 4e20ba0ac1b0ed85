/* Lines from a person at a terminal, with history and completion: libedit behind a face of ours. libedit
 * keeps its state for the whole process, so there is one editor at a time, on one thread. */
#ifndef FIRN_APPS_FIRN_LINE_H
#define FIRN_APPS_FIRN_LINE_H

#include "apps/firn/command.h"

typedef struct firn_line_options {
  const char *history; /* a file that is read and written; NULL: none is kept */
  /* What may stand for the last word of `line_so_far`: whole replacements, in `arena`. */
  firn_status (*complete)(void *self, firn_bytes line_so_far, firn_arena *arena, const char *const **out,
                          size_t *n, firn_error *err);
  void *self;
} firn_line_options;

void firn_line_open(const firn_line_options *options);
/* Adds the next line and a line end to `to`; false at the end of input, and when a signal came, which is for
 * the caller to know. */
bool firn_line_read(const char *prompt, firn_builder *to);
void firn_line_remember(const char *line);
void firn_line_close(void); /* writes the history, for nobody else to read */

#endif
