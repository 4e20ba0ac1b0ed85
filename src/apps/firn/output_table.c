/* Tables for people: columns as wide as their values and together no wider than the terminal; one value a
 * line where that cannot be. And the same as Markdown. */
#include <inttypes.h>

#include "apps/firn/output.h"
#include "apps/firn/print.h"
#include "base/alloc.h"
#include "base/utf8.h"
#include "iceberg/types/value.h"

/* The widths are those of the first rows. */
enum { SAMPLE_ROWS = 1000, NARROWEST = 8, SEPARATOR_WIDTH = 3 };

typedef struct table_output {
  firn_output base;
  firn_arena arena; /* cells of the sample */
  const char **cells;
  size_t n_sampled;
  bool is_laid_out;
  bool is_upright; /* a value a line */
  size_t *widths;
  uint64_t n_shown;
} table_output;

/* A value as people read it: text without quotes, what a terminal would obey escaped, nested values as JSON.
 */
static void add_escaped(firn_builder *to, firn_bytes text) {
  const uint8_t *end = text.data + text.len;
  for (const uint8_t *at = text.data; at < end;) {
    uint32_t c = FIRN_UTF8_REPLACEMENT;
    size_t len = firn_utf8_decode(at, end, &c);
    if (c == '\n' || c == '\t' || c == '\r') {
      firn_builder_add_text(to, c == '\n' ? "\\n" : c == '\t' ? "\\t" : "\\r");
    } else if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
      firn_builder_addf(to, "\\x%02x", (unsigned)c);
    } else if (len == 0) {
      firn_builder_add_text(to, "\xEF\xBF\xBD");
    } else {
      firn_builder_add(to, (firn_bytes){at, len});
    }
    at += len == 0 ? 1 : len;
  }
}

static void add_value(const firn_vector *v, const firn_field *type, size_t row, firn_builder *scratch,
                      firn_builder *to) {
  if (firn_vector_is_null(v, row)) {
    firn_builder_add_text(to, "NULL");
  } else if (type->kind == FIRN_KIND_STRING) {
    add_escaped(to, v->bytes[row]);
  } else {
    firn_builder_reset(scratch);
    firn_json_writer w = FIRN_JSON_WRITER_INIT(scratch);
    firn_vector_write_json(v, type, row, &w);
    firn_bytes json = firn_builder_bytes(scratch);
    bool is_text = json.len >= 2 && json.data[0] == '"';
    add_escaped(to, is_text ? (firn_bytes){json.data + 1, json.len - 2} : json);
  }
}

static firn_status cell_text(const firn_batch *batch, uint32_t column, size_t row, firn_arena *arena,
                             const char **out, firn_error *err) {
  FIRN_AUTO_BUILDER scratch = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER text = FIRN_BUILDER_INIT(0);
  add_value(&batch->columns[column], &batch->schema->children[column], row, &scratch, &text);
  firn_builder_add_u8(&text, '\0');
  firn_bytes built;
  FIRN_TRY(firn_builder_finish_copy(&text, arena, &built, err));
  *out = (const char *)built.data;
  return scratch.failed == FIRN_OK ? FIRN_OK
                                   : firn_error_set(err, FIRN_NOMEM, "no memory for a row of output");
}

static bool is_number(const firn_field *type) {
  switch (type->kind) {
    case FIRN_KIND_INT:
    case FIRN_KIND_LONG:
    case FIRN_KIND_FLOAT:
    case FIRN_KIND_DOUBLE:
    case FIRN_KIND_DECIMAL:
      return true;
    default:
      return false;
  }
}

static void add_spaces(firn_builder *to, size_t n) {
  for (size_t i = 0; i < n; i++) {
    firn_builder_add_u8(to, ' ');
  }
}

/* `text` in `width` columns; what is too long ends with "…". */
static void add_cell(firn_builder *to, const char *text, size_t width, bool is_right, bool is_last) {
  size_t has = firn_print_width(text);
  firn_bytes shown = firn_bytes_of(text);
  if (has > width) {
    shown = firn_print_clip(text, width - 1, &has);
    has++;
  }
  add_spaces(to, is_right ? width - has : 0);
  firn_builder_add(to, shown);
  if (shown.len < strlen(text)) {
    firn_builder_add_text(to, "…");
  }
  add_spaces(to, is_right || is_last ? 0 : width - has);
}

static const char *name_of(const table_output *t, uint32_t i) {
  return t->base.schema->children[i].name;
}

/* Narrows the widest columns until a line fits; false when it cannot. */
static bool narrow(size_t *widths, size_t n, size_t max_width) {
  size_t total = n == 0 ? 0 : (n - 1) * SEPARATOR_WIDTH;
  for (size_t i = 0; i < n; i++) {
    total += widths[i];
  }
  while (total > max_width) {
    size_t widest = 0;
    for (size_t i = 1; i < n; i++) {
      widest = widths[i] > widths[widest] ? i : widest;
    }
    if (widths[widest] <= NARROWEST) {
      return false;
    }
    widths[widest]--;
    total--;
  }
  return true;
}

static firn_status lay_out(table_output *t, firn_error *err) {
  uint32_t n = t->base.schema->n_children;
  t->widths = firn_new_n(&t->arena, size_t, n);
  if (t->widths == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %u columns", n);
  }
  for (uint32_t i = 0; i < n; i++) {
    t->widths[i] = firn_print_width(name_of(t, i));
    for (size_t row = 0; row < t->n_sampled; row++) {
      size_t width = firn_print_width(t->cells[row * n + i]);
      t->widths[i] = width > t->widths[i] ? width : t->widths[i];
    }
  }
  t->is_upright = t->base.max_width > 0 && !narrow(t->widths, n, t->base.max_width);
  t->is_laid_out = true;
  return FIRN_OK;
}

static void add_head(table_output *t) {
  firn_builder *to = &t->base.text;
  uint32_t n = t->base.schema->n_children;
  for (uint32_t i = 0; i < n; i++) {
    firn_builder_add_text(to, i == 0 ? "" : " | ");
    add_cell(to, name_of(t, i), t->widths[i], is_number(&t->base.schema->children[i]), i + 1 == n);
  }
  firn_builder_add_u8(to, '\n');
  for (uint32_t i = 0; i < n; i++) {
    firn_builder_add_text(to, i == 0 ? "" : "-+-");
    for (size_t j = 0; j < t->widths[i]; j++) {
      firn_builder_add_u8(to, '-');
    }
  }
  firn_builder_add_u8(to, '\n');
}

static void add_upright_row(table_output *t, const char *const *cells) {
  uint32_t n = t->base.schema->n_children;
  size_t width = 0;
  for (uint32_t i = 0; i < n; i++) {
    size_t name = firn_print_width(name_of(t, i));
    width = name > width ? name : width;
  }
  firn_builder_addf(&t->base.text, "-- row %" PRIu64 "\n", t->n_shown + 1);
  for (uint32_t i = 0; i < n; i++) {
    add_cell(&t->base.text, name_of(t, i), width, false, false);
    firn_builder_addf(&t->base.text, " | %s\n", cells[i]);
  }
}

static void add_row(table_output *t, const char *const *cells) {
  uint32_t n = t->base.schema->n_children;
  if (t->base.max_rows > 0 && t->n_shown >= t->base.max_rows) {
    return;
  }
  if (t->is_upright) {
    add_upright_row(t, cells);
  } else {
    for (uint32_t i = 0; i < n; i++) {
      firn_builder_add_text(&t->base.text, i == 0 ? "" : " | ");
      add_cell(&t->base.text, cells[i], t->widths[i], is_number(&t->base.schema->children[i]), i + 1 == n);
    }
    firn_builder_add_u8(&t->base.text, '\n');
  }
  t->n_shown++;
}

/* The sample is over: its rows and all that follow can be shown. */
static firn_status show_sample(table_output *t, firn_error *err) {
  FIRN_TRY(lay_out(t, err));
  if (!t->is_upright) {
    add_head(t);
  }
  for (size_t row = 0; row < t->n_sampled; row++) {
    add_row(t, &t->cells[row * t->base.schema->n_children]);
  }
  return FIRN_OK;
}

static firn_status table_begin(firn_output *o, firn_error *err) {
  table_output *t = (table_output *)o;
  firn_arena_reset(&t->arena);
  t->n_sampled = 0;
  t->n_shown = 0;
  t->is_laid_out = false;
  t->cells = firn_new_n(&t->arena, const char *, (size_t)SAMPLE_ROWS * o->schema->n_children);
  return t->cells == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a table") : FIRN_OK;
}

static firn_status table_row(table_output *t, const firn_batch *batch, size_t row, firn_error *err) {
  uint32_t n = batch->schema->n_children;
  if (!t->is_laid_out) {
    const char **cells = &t->cells[t->n_sampled * n];
    for (uint32_t i = 0; i < n; i++) {
      FIRN_TRY(cell_text(batch, i, row, &t->arena, &cells[i], err));
    }
    return ++t->n_sampled == SAMPLE_ROWS ? show_sample(t, err) : FIRN_OK;
  }
  if (t->base.max_rows > 0 && t->n_shown >= t->base.max_rows) {
    return FIRN_OK;
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char **cells = firn_new_n(&arena, const char *, n);
  if (cells == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a row of output");
  }
  for (uint32_t i = 0; i < n; i++) {
    FIRN_TRY(cell_text(batch, i, row, &arena, &cells[i], err));
  }
  add_row(t, cells);
  return FIRN_OK;
}

static firn_status table_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  for (size_t row = 0; row < batch->n_rows; row++) {
    FIRN_TRY(table_row((table_output *)o, batch, row, err));
  }
  return FIRN_OK;
}

static firn_status table_end(firn_output *o, firn_error *err) {
  table_output *t = (table_output *)o;
  if (!t->is_laid_out) {
    FIRN_TRY(show_sample(t, err));
  }
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  const char *rows = firn_print_count((int64_t)o->n_rows, &arena);
  if (t->n_shown < o->n_rows) {
    firn_builder_addf(&o->text, "(%s rows, %s of them shown)\n", rows,
                      firn_print_count((int64_t)t->n_shown, &arena));
  } else {
    firn_builder_addf(&o->text, "(%s row%s)\n", rows, o->n_rows == 1 ? "" : "s");
  }
  return FIRN_OK;
}

static void table_close(firn_output *o) {
  firn_arena_free(&((table_output *)o)->arena);
}

static const firn_output_ops table_ops = {table_begin, table_batch, table_end, table_close};

firn_output *firn_output_table_new(void) {
  table_output *t = firn_alloc(sizeof *t);
  if (t == NULL) {
    return NULL;
  }
  t->base.ops = &table_ops;
  return &t->base;
}

/* Markdown */

static void add_markdown(firn_builder *to, firn_bytes text) {
  for (size_t i = 0; i < text.len; i++) {
    if (text.data[i] == '|' || text.data[i] == '\\') {
      firn_builder_add_u8(to, '\\');
    }
    firn_builder_add_u8(to, text.data[i]);
  }
}

static firn_status markdown_begin(firn_output *o, firn_error *err) {
  (void)err;
  for (uint32_t i = 0; i < o->schema->n_children; i++) {
    firn_builder_add_text(&o->text, i == 0 ? "| " : " | ");
    add_markdown(&o->text, firn_bytes_of(o->schema->children[i].name));
  }
  firn_builder_add_text(&o->text, " |\n|");
  for (uint32_t i = 0; i < o->schema->n_children; i++) {
    firn_builder_add_text(&o->text, is_number(&o->schema->children[i]) ? "---:|" : "---|");
  }
  firn_builder_add_u8(&o->text, '\n');
  return FIRN_OK;
}

static firn_status markdown_batch(firn_output *o, const firn_batch *batch, firn_error *err) {
  FIRN_AUTO_BUILDER scratch = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER value = FIRN_BUILDER_INIT(0);
  for (size_t row = 0; row < batch->n_rows; row++) {
    for (uint32_t i = 0; i < batch->schema->n_children; i++) {
      firn_builder_reset(&value);
      add_value(&batch->columns[i], &batch->schema->children[i], row, &scratch, &value);
      firn_builder_add_text(&o->text, i == 0 ? "| " : " | ");
      add_markdown(&o->text, firn_builder_bytes(&value));
    }
    firn_builder_add_text(&o->text, " |\n");
  }
  return scratch.failed == FIRN_OK && value.failed == FIRN_OK
             ? FIRN_OK
             : firn_error_set(err, FIRN_NOMEM, "no memory for a row of output");
}

static const firn_output_ops markdown_ops = {.begin = markdown_begin, .batch = markdown_batch};

firn_output *firn_output_markdown_new(void) {
  firn_output *o = firn_alloc(sizeof *o);
  if (o != NULL) {
    o->ops = &markdown_ops;
  }
  return o;
}
