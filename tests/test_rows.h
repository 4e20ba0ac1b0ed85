/* Readers of rows over a text: what schema they find and what rows they hand out. Header only. */
#ifndef FIRN_TEST_ROWS_H
#define FIRN_TEST_ROWS_H

#include "test.h"

#include "rows/csv.h"
#include "rows/json_rows.h"

/* Hands out at most `piece` bytes at a time. */
typedef struct test_input {
  firn_bytes rest;
  size_t piece;
} test_input;

static FIRN_UNUSED firn_status test_input_read(void *self, firn_ctx *ctx, uint8_t *into, size_t room,
                                               size_t *got, firn_error *err) {
  test_input *in = self;
  (void)ctx;
  (void)err;
  size_t n = in->rest.len < room ? in->rest.len : room;
  *got = n < in->piece ? n : in->piece;
  if (*got > 0) {
    memcpy(into, in->rest.data, *got);
  }
  in->rest = firn_bytes_part(in->rest, *got, in->rest.len);
  return FIRN_OK;
}

static FIRN_UNUSED void test_type_text(const firn_field *f, firn_builder *b) {
  static const char *const brackets[2][2] = {{"struct<", ">"}, {"list<", ">"}};
  if (!firn_kind_is_nested(f->kind)) {
    firn_builder_add_text(b, firn_kind_name(f->kind));
    return;
  }
  const char *const *pair = brackets[f->kind != FIRN_KIND_STRUCT];
  firn_builder_add_text(b, pair[0]);
  for (uint32_t i = 0; i < f->n_children; i++) {
    if (f->kind == FIRN_KIND_STRUCT) {
      firn_builder_addf(b, "%s%s ", i == 0 ? "" : ", ", f->children[i].name);
    }
    test_type_text(&f->children[i], b);
  }
  firn_builder_add_text(b, pair[1]);
}

/* All that a reader yields, as JSON lines behind its schema; unknown fields behind "+" where they come, after
 * which it goes on without them. */
static FIRN_UNUSED firn_status test_rows_text(firn_rows *rows, firn_ctx *ctx, firn_builder *b,
                                              firn_error *err) {
  test_type_text(rows->schema, b);
  firn_builder_add_text(b, "\n");
  for (;;) {
    const firn_batch *batch;
    if (rows->unknown != NULL) {
      firn_builder_add_text(b, "+");
      test_type_text(rows->unknown, b);
      firn_builder_addf(b, " %s\n", rows->unknown_reason);
      return FIRN_OK;
    }
    FIRN_TRY(firn_rows_next(rows, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    FIRN_TRY(firn_batch_check(batch, err));
    firn_json_rows_write(batch, b);
  }
}

typedef struct test_rows_how {
  const firn_csv_options *csv; /* NULL: JSON */
  firn_rows_options options;
  size_t piece; /* 0: everything at once */
} test_rows_how;

static FIRN_UNUSED firn_status test_read_rows(firn_bytes text, const test_rows_how *how, firn_builder *b,
                                              firn_error *err) {
  test_input in = {text, how->piece == 0 ? SIZE_MAX : how->piece};
  firn_rows_input input = {test_input_read, &in};
  firn_ctx *ctx = test_ctx();
  FIRN_AUTO_ROWS *rows = NULL;
  firn_bytes ignored;
  FIRN_TRY(how->csv == NULL ? firn_json_rows_open(input, &how->options, ctx, &rows, err)
                            : firn_csv_open(input, how->csv, &how->options, ctx, &rows, err));
  FIRN_TRY(test_rows_text(rows, ctx, b, err));
  return firn_builder_finish(b, &ignored, err);
}

/* Reads it whole, and in pieces of one and of seven bytes, in batches of one row, too: always the same. */
static FIRN_UNUSED void test_check_rows(firn_bytes text, const test_rows_how *how, const char *wanted,
                                        const char *file, int line) {
  static const size_t pieces[] = {0, 1, 7};
  for (size_t i = 0; i < FIRN_COUNT_OF(pieces) * 2; i++) {
    FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
    firn_error err = {.text = ""};
    test_rows_how each = *how;
    each.piece = pieces[i / 2];
    each.options.batch_rows = i % 2 == 0 ? how->options.batch_rows : 1;
    firn_status status = test_read_rows(text, &each, &b, &err);
    test_check_status(status, FIRN_OK, &err, "reading rows", file, line);
    test_check_bytes(firn_builder_bytes(&b), wanted, file, line);
  }
}

static FIRN_UNUSED void test_check_refused(firn_bytes text, const test_rows_how *how, const char *says,
                                           const char *file, int line) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  firn_error err = {.text = ""};
  firn_status status = test_read_rows(text, how, &b, &err);
  if (status == FIRN_OK) {
    test_check_status(status, FIRN_INVALID, &err, "reading rows", file, line);
  }
  test_check_says(&err, says, file, line);
}

#define CHECK_ROWS(text, how, wanted) test_check_rows(FIRN_LITERAL(text), how, wanted, __FILE__, __LINE__)
#define CHECK_REFUSED(text, how, says) test_check_refused(FIRN_LITERAL(text), how, says, __FILE__, __LINE__)

#endif
