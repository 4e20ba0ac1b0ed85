#include "apps/firn/print.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/time.h"
#include "base/utf8.h"

enum { WIDEST_CELL = 60, MAX_COLUMNS = 32 };

firn_status firn_table_printer_add(firn_table_printer *p, const char *const *cells, firn_error *err) {
  size_t used = p->n_rows * p->n_columns;
  while (p->capacity < used + p->n_columns) {
    const char **moved = firn_arena_grow(p->arena, p->cells, p->capacity, &p->capacity, sizeof *moved);
    if (moved == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu rows of output", p->n_rows);
    }
    p->cells = moved;
  }
  for (size_t i = 0; i < p->n_columns; i++) {
    p->cells[used + i] = cells[i] == NULL ? "-" : cells[i];
  }
  p->n_rows++;
  return FIRN_OK;
}

static size_t width_of(const char *text) {
  return firn_utf8_count(firn_bytes_of(text));
}

static void print_cell(const char *text, size_t width, bool is_right, bool is_last, FILE *to) {
  int padding = width > width_of(text) ? (int)(width - width_of(text)) : 0;
  if (is_right) {
    (void)fprintf(to, "%*s%s", padding, "", text);
  } else {
    (void)fprintf(to, "%s%*s", text, is_last ? 0 : padding, "");
  }
  (void)fputs(is_last ? "\n" : "  ", to);
}

/* Of the head and of all cells that are not too wide. */
static size_t column_width(const firn_table_printer *p, size_t column) {
  size_t width = width_of(p->heads[column] + (p->heads[column][0] == '>'));
  for (size_t row = 0; row < p->n_rows; row++) {
    size_t cell = width_of(p->cells[row * p->n_columns + column]);
    width = cell > width && cell <= WIDEST_CELL ? cell : width;
  }
  return width;
}

void firn_table_printer_print(const firn_table_printer *p, FILE *to) {
  size_t widths[MAX_COLUMNS];
  assert(p->n_columns <= MAX_COLUMNS);
  for (size_t i = 0; i < p->n_columns; i++) {
    widths[i] = column_width(p, i);
  }
  for (size_t row = 0; row <= p->n_rows; row++) {
    for (size_t i = 0; i < p->n_columns; i++) {
      bool is_right = p->heads[i][0] == '>';
      const char *text = row == 0 ? p->heads[i] + is_right : p->cells[(row - 1) * p->n_columns + i];
      print_cell(text, widths[i], is_right, i + 1 == p->n_columns, to);
    }
  }
}

const char *firn_print_size(uint64_t bytes, firn_arena *arena) {
  static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
  const char *text;
  if (bytes < 1000) {
    text = firn_arena_printf(arena, "%" PRIu64 " bytes", bytes);
  } else {
    double size = (double)bytes / 1000;
    size_t unit = 0;
    while (size >= 999.95 && unit + 1 < FIRN_COUNT_OF(units)) {
      size /= 1000;
      unit++;
    }
    text = firn_arena_printf(arena, "%.1f %s", size, units[unit]);
  }
  return text == NULL ? "?" : text;
}

const char *firn_print_count(int64_t n, firn_arena *arena) {
  const char *digits = firn_arena_printf(arena, "%" PRId64, n);
  if (digits == NULL) {
    return "?";
  }
  size_t len = strlen(digits);
  size_t sign = digits[0] == '-';
  char *text = (char *)firn_arena_alloc_bytes(arena, len + len / 3 + 1);
  if (text == NULL) {
    return digits;
  }
  size_t at = 0;
  for (size_t i = 0; i < len; i++) {
    if (i > sign && (len - i) % 3 == 0) {
      text[at++] = ',';
    }
    text[at++] = digits[i];
  }
  text[at] = '\0';
  return text;
}

const char *firn_print_time_ms(int64_t ms, firn_arena *arena) {
  int64_t days = firn_floor_div(ms, 86400000);
  int64_t rest = firn_floor_mod(ms, 86400000);
  firn_date d = firn_date_of_days(days);
  const char *text = firn_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)d.year, d.month,
                                       d.day, (int)(rest / 3600000), (int)(rest / 60000 % 60),
                                       (int)(rest / 1000 % 60), (int)(rest % 1000));
  return text == NULL ? "?" : text;
}

firn_status firn_print_builder(firn_builder *b, FILE *to, firn_error *err) {
  firn_bytes built;
  FIRN_TRY(firn_builder_finish(b, &built, err));
  if (built.len > 0 && fwrite(built.data, 1, built.len, to) != built.len) { /* empty has no address */
    if (errno == EPIPE) { /* `| head` has seen enough: end as every program does */
      (void)signal(SIGPIPE, SIG_DFL);
      (void)raise(SIGPIPE);
    }
    return firn_error_set(err, FIRN_IO, "the output cannot be written: %s", strerror(errno));
  }
  firn_builder_reset(b);
  return FIRN_OK;
}
