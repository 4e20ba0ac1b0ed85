#include "rows/json_rows.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "rows/guess_internal.h"
#include "rows/input_internal.h"
#include "rows/json_value_internal.h"

enum {
  DEFAULT_SAMPLE = 4 << 20,
  DEFAULT_BATCH = 8192,
  DEFAULT_ROW_BYTES = 16 << 20,
  BLOCK_BYTES = 1 << 20,
  FULL_BATCH_BYTES = 64 << 20, /* of texts and lists, before the rows are as many as asked */
  SHOWN = 60,                  /* bytes of a value in a sentence */
};

typedef enum form {
  LINES,    /* an object a line */
  SEQUENCE, /* objects that hold line ends, one after the other */
  ARRAY,
} form;

/* Where the next row begins. Small, so that one can look ahead with a copy. */
typedef struct place {
  size_t at;        /* in the buffer */
  uint64_t row;     /* the number of that row, from 1; LINES: of the line */
  bool is_in_array; /* ARRAY: a row or an end is due, else a comma or an end */
  bool is_behind;   /* ARRAY: behind its end */
} place;

typedef struct json_rows {
  firn_rows base;
  firn_rows_options options;
  firn_input_buffer input;
  form form;
  place next;
  firn_columns columns;
  firn_json_filling filling;
  firn_arena schema_arena; /* an inferred schema */
  firn_arena unknown_arena;
} json_rows;

/* --- where rows begin and end --- */

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t pass_blanks(const firn_input_buffer *b, size_t at) {
  while (at < b->end && is_blank(b->data[at])) {
    at++;
  }
  return at;
}

/* The end of the value that begins at `at`, SIZE_MAX when it is not there. What the value is made of is the
 * JSON reader's affair. */
static size_t value_end(const firn_input_buffer *b, size_t at) {
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = at; i < b->end; i++) {
    uint8_t c = b->data[i];
    if (in_text) {
      i += c == '\\';
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if (c == '}' || c == ']') {
      if (depth == 0) {
        return i; /* of what surrounds a scalar */
      }
      if (--depth == 0) {
        return i + 1;
      }
    } else if (depth == 0 && (c == ',' || (is_blank(c) && i > at))) {
      return i;
    }
  }
  return b->is_over ? b->end : SIZE_MAX;
}

/* A line that is not blank. */
static bool find_line(const json_rows *r, place *p, firn_bytes *row, size_t *behind) {
  const firn_input_buffer *b = &r->input;
  for (;;) {
    const uint8_t *start = b->data + p->at;
    const uint8_t *end = p->at == b->end ? NULL : memchr(start, '\n', b->end - p->at);
    size_t stop = end != NULL ? (size_t)(end - b->data) : b->end;
    if (end == NULL && (!b->is_over || stop == p->at)) {
      return false;
    }
    *behind = stop + (end != NULL);
    if (pass_blanks(b, p->at) < stop) {
      *row = (firn_bytes){start, stop - p->at};
      return true;
    }
    p->at = *behind;
    p->row++;
  }
}

static bool find_value(const json_rows *r, place *p, firn_bytes *row, size_t *behind) {
  const firn_input_buffer *b = &r->input;
  size_t at = pass_blanks(b, p->at);
  size_t end = at == b->end ? SIZE_MAX : value_end(b, at);
  if (at == b->end || end == SIZE_MAX) {
    return false;
  }
  end += end == at; /* a bracket or comma alone: no row, but something to refuse */
  *row = (firn_bytes){b->data + at, end - at};
  *behind = end;
  return true;
}

/* In an array: passes over a comma, or its end. */
static firn_status find_item(const json_rows *r, place *p, firn_bytes *row, size_t *behind, bool *found,
                             firn_error *err) {
  const firn_input_buffer *b = &r->input;
  *found = false;
  size_t at = pass_blanks(b, p->at);
  if (at == b->end) {
    return b->is_over && !p->is_behind
               ? firn_error_set(err, FIRN_CORRUPT, "the array ends early, behind row %" PRIu64, p->row - 1)
               : FIRN_OK;
  }
  if (p->is_behind) {
    return firn_error_set(err, FIRN_CORRUPT, "something stands behind the end of the array");
  }
  bool is_first = p->row == 1;
  if (p->is_in_array && b->data[at] == ']' && is_first) {
    p->at = at + 1;
    p->is_behind = true;
    return find_item(r, p, row, behind, found, err);
  }
  if (!p->is_in_array) {
    if (b->data[at] != ',' && b->data[at] != ']') {
      return firn_error_set(err, FIRN_CORRUPT, "row %" PRIu64 ": no comma stands before it", p->row);
    }
    p->is_behind = b->data[at] == ']';
    p->is_in_array = true;
    p->at = at + 1;
    return find_item(r, p, row, behind, found, err);
  }
  *found = find_value(r, p, row, behind);
  return FIRN_OK;
}

static firn_status find_row(const json_rows *r, place *p, firn_bytes *row, size_t *behind, bool *found,
                            firn_error *err) {
  switch (r->form) {
    case LINES:
      *found = find_line(r, p, row, behind);
      return FIRN_OK;
    case SEQUENCE:
      *found = find_value(r, p, row, behind);
      return FIRN_OK;
    default:
      return find_item(r, p, row, behind, found, err);
  }
}

static void pass_row(const json_rows *r, place *p, size_t behind) {
  p->at = behind;
  p->row++;
  p->is_in_array = false;
  (void)r;
}

static const char *unit(const json_rows *r) {
  return r->form == LINES ? "line" : "row";
}

/* A whole row, reading as much as it takes; `*found` false: there is none any more. */
static firn_status read_row(json_rows *r, firn_ctx *ctx, firn_bytes *row, size_t *behind, bool *found,
                            firn_error *err) {
  for (;;) {
    r->input.at = 0; /* places count from the start of the buffer */
    FIRN_TRY(find_row(r, &r->next, row, behind, found, err));
    size_t rest = *found ? row->len : r->input.end - r->next.at;
    bool is_short = rest <= r->options.max_row_bytes;
    if (is_short && (*found || r->input.is_over)) {
      return FIRN_OK;
    }
    if (!is_short) {
      return firn_error_set(err, FIRN_LIMIT, "%s %" PRIu64 " is longer than %zu bytes", unit(r), r->next.row,
                            r->options.max_row_bytes);
    }
    r->input.at = r->next.at;
    r->next.at = 0;
    size_t more = rest < BLOCK_BYTES ? BLOCK_BYTES : rest;
    FIRN_TRY(firn_input_fill(&r->input, ctx, rest + more, err));
  }
}

/* --- what schema --- */

/* Looks at the rows that are in the buffer. Rows that are no JSON are refused when they are read. */
static firn_status guess(const json_rows *r, firn_guessing *g, const firn_field *schema, firn_error *err) {
  place p = r->next;
  for (;;) {
    firn_bytes row;
    size_t behind;
    bool found;
    if (find_row(r, &p, &row, &behind, &found, NULL) != FIRN_OK || !found) {
      return FIRN_OK;
    }
    size_t at = 0;
    while (at < row.len && is_blank(row.data[at])) {
      at++;
    }
    if (at < row.len && row.data[at] == '{' && firn_json_is_valid(row)) {
      FIRN_TRY(firn_guess_row(g, row, schema, err));
    }
    pass_row(r, &p, behind);
  }
}

static firn_status infer(json_rows *r, firn_error *err) {
  firn_guessing g;
  firn_field *schema = firn_new(&r->schema_arena, firn_field);
  if (schema == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  FIRN_TRY(firn_guessing_open(&g, err));
  firn_status status = guess(r, &g, NULL, err);
  if (status == FIRN_OK) {
    status = firn_guess_schema(&g, false, &r->schema_arena, schema, err);
  }
  firn_guessing_free(&g);
  r->base.schema = schema;
  return status;
}

static firn_status note_unknown(json_rows *r, bool *is_any, firn_error *err) {
  firn_guessing g;
  firn_arena_reset(&r->unknown_arena);
  firn_field *unknown = firn_new(&r->unknown_arena, firn_field);
  if (unknown == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a schema");
  }
  FIRN_TRY(firn_guessing_open(&g, err));
  firn_status status = guess(r, &g, r->base.schema, err);
  if (status == FIRN_OK) {
    status = firn_guess_beyond(&g, r->base.schema, &r->unknown_arena, unknown, err);
  }
  firn_guessing_free(&g);
  *is_any = status == FIRN_OK && unknown->n_children > 0;
  r->base.unknown = *is_any ? unknown : NULL;
  return status;
}

/* --- rows that do not fit --- */

static void say_why(const json_rows *r, const firn_error *told, firn_error *why) {
  const firn_json_filling *f = &r->filling;
  FIRN_AUTO_ARENA arena = FIRN_ARENA_INIT(0);
  if (told->text[0] != '\0') {
    (void)firn_error_set(why, told->status, "%s %" PRIu64 ": %s%s", unit(r), r->next.row,
                         told->status == FIRN_CORRUPT ? "no JSON that is a row: " : "", told->text);
  } else if (f->is_unknown) {
    const char *within =
        f->column->parent == NULL && f->column == &r->columns.root ? "" : firn_column_path(f->column, &arena);
    (void)firn_error_set(why, FIRN_INVALID, "%s %" PRIu64 " has a field %s%s%.*s that the schema lacks",
                         unit(r), r->next.row, within, within[0] == '\0' ? "" : ".",
                         FIRN_FORMAT_BYTES(firn_bytes_part(f->key, 0, SHOWN)));
  } else {
    bool is_text = f->value_kind == FIRN_JSON_STRING;
    (void)firn_error_set(why, FIRN_INVALID, "%s %" PRIu64 ": %s is %s%.*s%s%s, which is no %s", unit(r),
                         r->next.row, firn_column_path(f->column, &arena), is_text ? "\"" : "",
                         FIRN_FORMAT_BYTES(firn_bytes_part(f->value, 0, SHOWN)), is_text ? "\"" : "",
                         f->value.len > SHOWN ? "..." : "", firn_kind_name(f->column->field->kind));
  }
}

/* `*is_cut`: the schema must be widened before the row can be read. */
static firn_status judge(json_rows *r, size_t row, firn_bytes raw, const firn_error *told, bool *is_cut,
                         firn_error *err) {
  firn_error why;
  say_why(r, told, &why);
  firn_columns_undo(&r->columns, row);
  if (told->text[0] == '\0' && r->options.note_unknown) {
    FIRN_TRY(note_unknown(r, is_cut, err));
  }
  if (*is_cut) {
    r->base.unknown_reason = firn_arena_text(&r->unknown_arena, firn_bytes_of(why.text));
    return r->base.unknown_reason == NULL ? firn_error_set(err, FIRN_NOMEM, "no memory for a reason")
                                          : FIRN_OK;
  }
  if (r->options.refused == NULL) {
    return firn_error_set(err, why.status, "%s", why.text);
  }
  return r->options.refused(r->options.refused_self, r->next.row, why.text, raw, err);
}

static bool is_rows_fault(firn_status status) {
  return status == FIRN_CORRUPT || status == FIRN_INVALID || status == FIRN_LIMIT;
}

/* --- batches --- */

/* One row into the batch. */
static firn_status take_row(json_rows *r, size_t *n, firn_bytes row, size_t behind, bool *is_cut,
                            firn_error *err) {
  firn_error told = {.text = ""};
  firn_status status = firn_json_fill_row(&r->filling, *n, row, &told);
  if (status == FIRN_OK) {
    ++*n;
  } else if (is_rows_fault(status)) {
    FIRN_TRY(judge(r, *n, row, &told, is_cut, err));
  } else {
    return firn_error_set(err, status, "%s", told.text);
  }
  if (!*is_cut) {
    pass_row(r, &r->next, behind);
  }
  return FIRN_OK;
}

static firn_status json_next(firn_rows *rows, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  json_rows *r = (json_rows *)rows;
  size_t n = 0;
  bool is_cut = false;
  bool is_over = false;
  FIRN_TRY(firn_columns_begin(&r->columns, err));
  size_t full = r->columns.arena.used_bytes + FULL_BATCH_BYTES;
  while (n < r->columns.capacity && !is_cut && r->columns.arena.used_bytes < full) {
    firn_bytes row;
    size_t behind;
    bool found;
    if (n == 0) { /* texts of earlier rows are borrowed from the buffer */
      FIRN_TRY(read_row(r, ctx, &row, &behind, &found, err));
      is_over = !found;
    } else {
      FIRN_TRY(find_row(r, &r->next, &row, &behind, &found, err));
    }
    if (!found) {
      break;
    }
    FIRN_TRY(take_row(r, &n, row, behind, &is_cut, err));
  }
  if (is_over) {
    *out = NULL;
    return FIRN_OK;
  }
  return firn_columns_finish(&r->columns, n, out, err);
}

static firn_status json_set_schema(firn_rows *rows, const firn_field *schema, firn_error *err) {
  json_rows *r = (json_rows *)rows;
  r->filling.columns = &r->columns;
  r->filling.stop_at_unknown = r->options.note_unknown;
  return firn_columns_open(&r->columns, schema, r->options.batch_rows, err);
}

static void json_close(firn_rows *rows) {
  json_rows *r = (json_rows *)rows;
  firn_columns_free(&r->columns);
  firn_input_free(&r->input);
  firn_arena_free(&r->schema_arena);
  firn_arena_free(&r->unknown_arena);
  firn_free(r);
}

static const firn_rows_ops json_ops = {json_next, json_set_schema, json_close};

/* An object whose first line does not end it is one of a sequence. */
static void find_form(json_rows *r) {
  firn_input_buffer *b = &r->input;
  r->next = (place){.at = b->at, .row = 1};
  size_t at = pass_blanks(b, b->at);
  if (at < b->end && b->data[at] == '[') {
    r->form = ARRAY;
    r->next.at = at + 1;
    r->next.is_in_array = true;
    return;
  }
  const uint8_t *line_end = at == b->end ? NULL : memchr(b->data + at, '\n', b->end - at);
  firn_input_buffer line = *b;
  line.end = line_end == NULL ? b->end : (size_t)(line_end - b->data);
  line.is_over = false;
  bool is_open = line_end != NULL && b->data[at] == '{' && value_end(&line, at) == SIZE_MAX;
  r->form = is_open ? SEQUENCE : LINES;
}

static firn_status start(json_rows *r, firn_ctx *ctx, firn_error *err) {
  size_t wanted = r->base.schema == NULL ? r->options.sample_bytes : BLOCK_BYTES;
  FIRN_TRY(firn_input_begin(&r->input, ctx, err));
  FIRN_TRY(firn_input_fill(&r->input, ctx, wanted, err));
  find_form(r);
  if (r->base.schema == NULL) {
    FIRN_TRY(infer(r, err));
  }
  return json_set_schema(&r->base, r->base.schema, err);
}

firn_status firn_json_rows_open(firn_rows_input input, const firn_rows_options *rows, firn_ctx *ctx,
                                firn_rows **out, firn_error *err) {
  json_rows *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a reader of JSON");
  }
  r->base = (firn_rows){.ops = &json_ops, .schema = rows->schema};
  r->options = *rows;
  r->input.input = input;
  firn_rows_options *o = &r->options;
  o->sample_bytes = o->sample_bytes == 0 ? DEFAULT_SAMPLE : o->sample_bytes;
  o->batch_rows = o->batch_rows == 0 ? DEFAULT_BATCH : o->batch_rows;
  o->max_row_bytes = o->max_row_bytes == 0 ? DEFAULT_ROW_BYTES : o->max_row_bytes;
  firn_status status = start(r, ctx, err);
  if (status != FIRN_OK) {
    json_close(&r->base);
    return status;
  }
  *out = &r->base;
  return FIRN_OK;
}
