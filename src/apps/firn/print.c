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

/* Combining marks and other characters that stand on the one before; East Asian wide ones and pictures. The
 * large blocks of Unicode, not every one of its exceptions. */
static size_t width_of_code_point(uint32_t c) {
  static const struct {
    uint32_t first, last;
    size_t width;
  } blocks[] = {{0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x0610, 0x061A, 0},
                {0x064B, 0x065F, 0},   {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},
                {0x200B, 0x200F, 0},   {0x202A, 0x202E, 0},   {0x2060, 0x2064, 0},   {0x20D0, 0x20FF, 0},
                {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xA960, 0xA97C, 2},   {0xAC00, 0xD7A3, 2},
                {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},
                {0xFEFF, 0xFEFF, 0},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2},
                {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2}, {0xE0100, 0xE01EF, 0}};
  for (size_t i = 0; i < FIRN_COUNT_OF(blocks) && blocks[i].first <= c; i++) {
    if (c <= blocks[i].last) {
      return blocks[i].width;
    }
  }
  return 1;
}

firn_bytes firn_print_clip(const char *text, size_t width, size_t *taken) {
  firn_bytes all = firn_bytes_of(text);
  size_t at = 0;
  *taken = 0;
  while (at < all.len) {
    uint32_t c = FIRN_UTF8_REPLACEMENT;
    size_t len = firn_utf8_decode(all.data + at, all.data + all.len, &c);
    size_t columns = width_of_code_point(c);
    if (*taken + columns > width) {
      break;
    }
    *taken += columns;
    at += len == 0 ? 1 : len;
  }
  return (firn_bytes){all.data, at};
}

size_t firn_print_width(const char *text) {
  size_t width;
  (void)firn_print_clip(text, SIZE_MAX / 2, &width);
  return width;
}

static void print_cell(const char *text, size_t width, bool is_right, bool is_last, FILE *to) {
  int padding = width > firn_print_width(text) ? (int)(width - firn_print_width(text)) : 0;
  if (is_right) {
    (void)fprintf(to, "%*s%s", padding, "", text);
  } else {
    (void)fprintf(to, "%s%*s", text, is_last ? 0 : padding, "");
  }
  (void)fputs(is_last ? "\n" : "  ", to);
}

/* Of the head and of all cells that are not too wide. */
static size_t column_width(const firn_table_printer *p, size_t column) {
  size_t width = firn_print_width(p->heads[column] + (p->heads[column][0] == '>'));
  for (size_t row = 0; row < p->n_rows; row++) {
    size_t cell = firn_print_width(p->cells[row * p->n_columns + column]);
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
