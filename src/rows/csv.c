#include "rows/csv.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "rows/csv_record_internal.h"
#include "rows/guess_internal.h"
#include "rows/input_internal.h"
#include "rows/json_value_internal.h"
#include "rows/text_internal.h"

enum {
  DEFAULT_SAMPLE = 4 << 20,
  DEFAULT_BATCH = 8192,
  DEFAULT_ROW_BYTES = 16 << 20,
  BLOCK_BYTES = 1 << 20,
  FULL_BATCH_BYTES = 64 << 20,
  SHOWN = 60,
};

typedef struct place {
  size_t at;     /* in the buffer */
  uint64_t line; /* where the record there begins, from 1 */
} place;

typedef struct csv_rows {
  firn_rows base;
  firn_rows_options options;
  uint8_t delimiter;
  firn_input_buffer input;
  place next;
  size_t n_columns; /* of the input */
  firn_bytes *names;
  firn_column **into; /* where each goes; NULL: nowhere */
  firn_csv_record record;
  firn_columns columns;
  firn_json_filling filling; /* nested values are JSON */
  firn_arena arena;          /* names, an inferred schema */
  firn_arena unknown_arena;
  const firn_field *seen; /* a STRUCT of all columns of the input, types from the sample */
} csv_rows;

static firn_status no_memory(firn_error *err) {
  return firn_error_set(err, FIRN_NOMEM, "no memory for a reader of CSV");
}

/* --- records --- */

/* Nothing on a line: no record, but where there is only one column it is a null. */
static bool is_blank_line(const csv_rows *r, const firn_csv_record *record) {
  return r->n_columns != 1 && record->n_fields == 1 && record->is_empty;
}

/* The next record of the buffer. */
static firn_csv_found find_record(csv_rows *r, place *p) {
  for (;;) {
    firn_bytes rest = {r->input.data + p->at, r->input.end - p->at};
    firn_csv_found found = firn_csv_split(rest, r->delimiter, r->input.is_over, &r->record);
    if (found != FIRN_CSV_RECORD || !is_blank_line(r, &r->record)) {
      return found;
    }
    p->at += r->record.len;
    p->line += r->record.n_lines;
  }
}

static void pass_record(csv_rows *r, place *p) {
  p->at += r->record.len;
  p->line += r->record.n_lines;
}

/* The next record, reading as much as it takes; `*found` false: there is none any more. */
static firn_status read_record(csv_rows *r, firn_ctx *ctx, bool *found, firn_error *err) {
  for (;;) {
    r->input.at = 0; /* places count from the start of the buffer */
    firn_csv_found status = find_record(r, &r->next);
    size_t rest = status == FIRN_CSV_RECORD ? r->record.len : r->input.end - r->next.at;
    if (status == FIRN_CSV_BAD_QUOTE) {
      return firn_error_set(err, FIRN_CORRUPT, "line %" PRIu64 ": something stands behind a closing quote",
                            r->next.line);
    }
    if (rest > r->options.max_row_bytes) {
      return firn_error_set(err, FIRN_LIMIT,
                            "line %" PRIu64 ": the row is longer than %zu bytes; is a quote not closed?",
                            r->next.line, r->options.max_row_bytes);
    }
    *found = status == FIRN_CSV_RECORD;
    if (*found) {
      return FIRN_OK;
    }
    if (r->input.is_over) {
      return rest == 0
                 ? FIRN_OK
                 : firn_error_set(err, FIRN_CORRUPT, "line %" PRIu64 ": a quote is not closed", r->next.line);
    }
    r->input.at = r->next.at;
    r->next.at = 0;
    FIRN_TRY(firn_input_fill(&r->input, ctx, rest + (rest < BLOCK_BYTES ? BLOCK_BYTES : rest), err));
  }
}

/* --- names and types --- */

static firn_status name_columns(csv_rows *r, bool has_header, firn_error *err) {
  r->names = firn_new_n(&r->arena, firn_bytes, r->n_columns);
  r->into = firn_new_n(&r->arena, firn_column *, r->n_columns);
  if (r->names == NULL || r->into == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < r->n_columns; i++) {
    firn_bytes name = {NULL, 0};
    if (has_header && r->record.fields[i].text.len > 0) {
      name = firn_csv_text(&r->record.fields[i], &r->arena);
    } else if (!has_header && r->options.schema != NULL && i < r->options.schema->n_children) {
      name = firn_bytes_of(r->options.schema->children[i].name);
    } else {
      name = firn_bytes_of(firn_arena_printf(&r->arena, "column_%zu", i + 1));
    }
    if (!firn_utf8_is_valid(name)) {
      return firn_error_set(err, FIRN_CORRUPT, "the name of column %zu is not UTF-8", i + 1);
    }
    r->names[i] = firn_arena_copy(&r->arena, name); /* the buffer will go on */
    if (name.data == NULL || r->names[i].data == NULL) {
      return no_memory(err);
    }
  }
  return FIRN_OK;
}

static firn_status check_count(const csv_rows *r, firn_error *err) {
  if (r->record.n_fields == r->n_columns) {
    return FIRN_OK;
  }
  return firn_error_set(err, FIRN_INVALID, "it has %zu fields, and there are %zu columns", r->record.n_fields,
                        r->n_columns);
}

/* Looks at the records in the buffer; those that do not fit are refused when they are read. */
static firn_status guess(csv_rows *r, firn_guessing *g, firn_error *err) {
  FIRN_AUTO_ARENA scratch = FIRN_ARENA_INIT(0);
  place p = r->next;
  for (size_t i = 0; i < r->n_columns; i++) {
    FIRN_TRY(firn_guess_column(g, r->names[i], err));
  }
  for (; find_record(r, &p) == FIRN_CSV_RECORD; pass_record(r, &p)) {
    firn_arena_reset(&scratch);
    for (size_t i = 0; r->record.n_fields == r->n_columns && i < r->n_columns; i++) {
      if (r->record.fields[i].text.len > 0) { /* "" is a text in a column of texts, else null */
        firn_bytes text = firn_csv_text(&r->record.fields[i], &scratch);
        if (text.data == NULL) {
          return no_memory(err);
        }
        firn_guess_text(g, i, text);
      }
    }
  }
  return FIRN_OK;
}

/* Types of the columns as the sample has them. */
static firn_status look(csv_rows *r, firn_error *err) {
  firn_guessing g;
  firn_field *seen = firn_new(&r->arena, firn_field);
  if (seen == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_guessing_open(&g, err));
  firn_status status = guess(r, &g, err);
  if (status == FIRN_OK) {
    status = firn_guess_schema(&g, true, &r->arena, seen, err);
  }
  firn_guessing_free(&g);
  r->seen = seen;
  return status;
}

/* Types that are too narrow for rows in the buffer. */
static firn_status note_wider(csv_rows *r, bool *is_any, firn_error *err) {
  firn_guessing g;
  firn_arena_reset(&r->unknown_arena);
  firn_field *unknown = firn_new(&r->unknown_arena, firn_field);
  if (unknown == NULL) {
    return no_memory(err);
  }
  FIRN_TRY(firn_guessing_open(&g, err));
  firn_status status = guess(r, &g, err);
  if (status == FIRN_OK) {
    status = firn_guess_beyond(&g, r->base.schema, &r->unknown_arena, unknown, err);
  }
  firn_guessing_free(&g);
  *is_any = status == FIRN_OK && unknown->n_children > 0;
  r->base.unknown = *is_any ? unknown : NULL;
  return status;
}

/* Columns of the input that the schema lacks. */
static firn_status note_columns(csv_rows *r, firn_error *err) {
  firn_field *unknown = firn_new(&r->unknown_arena, firn_field);
  firn_field *children = firn_new_n(&r->unknown_arena, firn_field, r->n_columns);
  uint32_t n = 0;
  if (unknown == NULL || children == NULL) {
    return no_memory(err);
  }
  for (size_t i = 0; i < r->n_columns; i++) {
    if (r->into[i] == NULL) {
      children[n++] = r->seen->children[i];
    }
  }
  if (n == 0) {
    return FIRN_OK;
  }
  *unknown = (firn_field){.id = FIRN_NO_ID, .kind = FIRN_KIND_STRUCT, .n_children = n, .children = children};
  r->base.unknown_reason = firn_arena_printf(
      &r->unknown_arena, "the input has a column %s that the schema lacks", children[0].name);
  r->base.unknown = unknown;
  return r->base.unknown_reason == NULL ? no_memory(err) : FIRN_OK;
}

static firn_status csv_set_schema(firn_rows *rows, const firn_field *schema, firn_error *err) {
  csv_rows *r = (csv_rows *)rows;
  r->filling = (firn_json_filling){.columns = &r->columns};
  FIRN_TRY(firn_columns_open(&r->columns, schema, r->options.batch_rows, err));
  for (size_t i = 0; i < r->n_columns; i++) {
    uint32_t found = firn_name_index_find(&r->columns.root.names, r->names[i]);
    r->into[i] = found == FIRN_NO_CHILD ? NULL : &r->columns.root.children[found];
    for (size_t k = 0; r->into[i] != NULL && k < i; k++) {
      if (r->into[k] == r->into[i]) {
        return firn_error_set(err, FIRN_INVALID, "%.*s and %.*s are both the column %s",
                              FIRN_FORMAT_BYTES(r->names[k]), FIRN_FORMAT_BYTES(r->names[i]),
                              r->into[i]->field->name);
      }
    }
  }
  return FIRN_OK;
}

/* --- values --- */

static bool is_ascii(firn_bytes text) {
  uint64_t all = 0;
  size_t i = 0;
  for (; i + 8 <= text.len; i += 8) {
    uint64_t v;
    memcpy(&v, text.data + i, sizeof v);
    all |= v;
  }
  for (; i < text.len; i++) {
    all |= text.data[i];
  }
  return (all & UINT64_C(0x8080808080808080)) == 0;
}

static firn_status fill_nested(csv_rows *r, firn_column *column, size_t row, firn_bytes text) {
  firn_json j;
  firn_json_token token;
  firn_bytes span;
  firn_json_init(&j, text);
  if (!firn_json_is_valid(text) || firn_json_next(&j, &token, NULL) != FIRN_OK) {
    return FIRN_INVALID;
  }
  firn_json_init(&j, text);
  firn_status status = firn_json_skip(&j, &span, NULL);
  token.raw = token.kind == FIRN_JSON_OBJECT || token.kind == FIRN_JSON_ARRAY ? span : token.raw;
  return status == FIRN_OK ? firn_json_fill(&r->filling, column, row, &token, NULL) : status;
}

/* FIRN_INVALID with a text: the whole row is wrong; without: field `*bad` does not fit. */
static firn_status fill_row(csv_rows *r, size_t row, size_t *bad, firn_error *err) {
  firn_bytes raw = {r->input.data + r->next.at, r->record.len};
  FIRN_TRY(check_count(r, err));
  if (!is_ascii(raw) && !firn_utf8_is_valid(raw)) {
    return firn_error_set(err, FIRN_CORRUPT, "it is not UTF-8");
  }
  for (size_t i = 0; i < r->n_columns; i++) {
    firn_column *column = r->into[i];
    const firn_csv_field *field = &r->record.fields[i];
    if (column == NULL || field->text.data == NULL ||
        (field->text.len == 0 && column->field->kind != FIRN_KIND_STRING)) {
      continue;
    }
    firn_bytes text = firn_csv_text(field, &r->columns.arena);
    if (text.data == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for a field");
    }
    *bad = i;
    FIRN_TRY(firn_kind_is_nested(column->field->kind)
                 ? fill_nested(r, column, row, text)
                 : firn_column_set_text(&r->columns, column, row, text, err));
  }
  return FIRN_OK;
}

/* --- rows that do not fit --- */

static void say_why(const csv_rows *r, const firn_error *told, size_t bad, firn_error *why) {
  if (told->text[0] != '\0') {
    (void)firn_error_set(why, told->status, "line %" PRIu64 ": %s", r->next.line, told->text);
    return;
  }
  firn_bytes value = r->record.fields[bad].text;
  (void)firn_error_set(why, FIRN_INVALID, "line %" PRIu64 ": %.*s is \"%.*s\"%s, which is no %s",
                       r->next.line, FIRN_FORMAT_BYTES(firn_bytes_part(r->names[bad], 0, SHOWN)),
                       FIRN_FORMAT_BYTES(firn_bytes_part(value, 0, SHOWN)), value.len > SHOWN ? "..." : "",
                       firn_kind_name(r->into[bad]->field->kind));
}

static firn_status judge(csv_rows *r, size_t row, size_t bad, const firn_error *told, bool *is_cut,
                         firn_error *err) {
  firn_error why;
  firn_bytes raw = {r->input.data + r->next.at, r->record.len};
  say_why(r, told, bad, &why);
  firn_columns_undo(&r->columns, row);
  if (told->text[0] == '\0' && r->options.note_unknown) {
    FIRN_TRY(note_wider(r, is_cut, err));
  }
  if (*is_cut) {
    r->base.unknown_reason = firn_arena_text(&r->unknown_arena, firn_bytes_of(why.text));
    return r->base.unknown_reason == NULL ? no_memory(err) : FIRN_OK;
  }
  if (r->options.refused == NULL) {
    return firn_error_set(err, why.status, "%s", why.text);
  }
  /* The record was split anew by whoever looked ahead. */
  (void)find_record(r, &r->next);
  return r->options.refused(r->options.refused_self, r->next.line, why.text, raw, err);
}

static firn_status take_record(csv_rows *r, size_t *n, bool *is_cut, firn_error *err) {
  firn_error told = {.text = ""};
  size_t bad = 0;
  firn_status status = fill_row(r, *n, &bad, &told);
  if (status == FIRN_OK) {
    ++*n;
  } else if (status == FIRN_INVALID || status == FIRN_CORRUPT) {
    FIRN_TRY(judge(r, *n, bad, &told, is_cut, err));
  } else {
    return firn_error_set(err, status, "%s", told.text);
  }
  if (!*is_cut) {
    pass_record(r, &r->next);
  }
  return FIRN_OK;
}

static firn_status csv_next(firn_rows *rows, firn_ctx *ctx, const firn_batch **out, firn_error *err) {
  csv_rows *r = (csv_rows *)rows;
  size_t n = 0;
  bool is_cut = false;
  bool found = true;
  FIRN_TRY(firn_columns_begin(&r->columns, err));
  size_t full = r->columns.arena.used_bytes + FULL_BATCH_BYTES;
  while (n < r->columns.capacity && !is_cut && r->columns.arena.used_bytes < full) {
    if (n == 0) { /* texts of earlier rows are borrowed from the buffer */
      FIRN_TRY(read_record(r, ctx, &found, err));
    } else if (find_record(r, &r->next) != FIRN_CSV_RECORD) {
      break;
    }
    if (!found) {
      *out = NULL;
      return FIRN_OK;
    }
    FIRN_TRY(take_record(r, &n, &is_cut, err));
  }
  return firn_columns_finish(&r->columns, n, out, err);
}

static void csv_close(firn_rows *rows) {
  csv_rows *r = (csv_rows *)rows;
  firn_columns_free(&r->columns);
  firn_input_free(&r->input);
  firn_free(r->record.fields);
  firn_arena_free(&r->arena);
  firn_arena_free(&r->unknown_arena);
  firn_free(r);
}

static const firn_rows_ops csv_ops = {csv_next, csv_set_schema, csv_close};

static firn_status first_record(csv_rows *r, firn_ctx *ctx, bool has_header, firn_error *err) {
  bool found = false;
  FIRN_TRY(read_record(r, ctx, &found, err)); /* without room for fields it only counts them */
  if (!found) {
    return firn_error_set(err, FIRN_INVALID, "the input is empty: not even a header is there");
  }
  if (r->record.n_fields > FIRN_GUESS_MAX_FIELDS) {
    return firn_error_set(err, FIRN_LIMIT, "there are %zu columns, more than %d", r->record.n_fields,
                          FIRN_GUESS_MAX_FIELDS);
  }
  r->record.capacity = r->record.n_fields;
  r->record.fields = firn_alloc_raw(r->record.capacity * sizeof *r->record.fields);
  if (r->record.fields == NULL) {
    return no_memory(err);
  }
  (void)find_record(r, &r->next);
  r->n_columns = r->record.n_fields;
  FIRN_TRY(name_columns(r, has_header, err));
  if (has_header) {
    pass_record(r, &r->next);
  }
  return FIRN_OK;
}

static firn_status start(csv_rows *r, const firn_csv_options *options, firn_ctx *ctx, firn_error *err) {
  FIRN_TRY(firn_input_begin(&r->input, ctx, err));
  FIRN_TRY(firn_input_fill(&r->input, ctx, r->options.sample_bytes, err));
  bool is_said = options != NULL && options->delimiter != '\0';
  r->delimiter = is_said ? (uint8_t)options->delimiter : firn_csv_sniff(firn_input_rest(&r->input));
  if (r->delimiter == '"' || r->delimiter == '\n' || r->delimiter == '\r') {
    return firn_error_set(err, FIRN_INVALID, "a delimiter cannot be a quote or a line end");
  }
  r->next = (place){.at = r->input.at, .line = 1};
  FIRN_TRY(first_record(r, ctx, options == NULL || !options->no_header, err));
  FIRN_TRY(look(r, err));
  if (r->base.schema == NULL) {
    r->base.schema = r->seen;
  }
  FIRN_TRY(csv_set_schema(&r->base, r->base.schema, err));
  return r->options.note_unknown ? note_columns(r, err) : FIRN_OK;
}

firn_status firn_csv_open(firn_rows_input input, const firn_csv_options *options,
                          const firn_rows_options *rows, firn_ctx *ctx, firn_rows **out, firn_error *err) {
  csv_rows *r = firn_alloc(sizeof *r);
  if (r == NULL) {
    return no_memory(err);
  }
  r->base = (firn_rows){.ops = &csv_ops, .schema = rows->schema};
  r->options = *rows;
  r->input.input = input;
  firn_rows_options *o = &r->options;
  o->sample_bytes = o->sample_bytes == 0 ? DEFAULT_SAMPLE : o->sample_bytes;
  o->batch_rows = o->batch_rows == 0 ? DEFAULT_BATCH : o->batch_rows;
  o->max_row_bytes = o->max_row_bytes == 0 ? DEFAULT_ROW_BYTES : o->max_row_bytes;
  firn_status status = start(r, options, ctx, err);
  if (status != FIRN_OK) {
    csv_close(&r->base);
    return status;
  }
  *out = &r->base;
  return FIRN_OK;
}
