/* Rows of any bytes: the same whatever pieces the input comes in, batches that hold together, one sentence
 * when it fails. */
#ifndef FIRN_FUZZ_ROWS_FUZZ_H
#define FIRN_FUZZ_ROWS_FUZZ_H

#include <stdlib.h>

#include "base/builder.h"
#include "rows/csv.h"
#include "rows/json_rows.h"

typedef struct fuzz_input {
  firn_bytes rest;
  size_t piece;
} fuzz_input;

static inline void fuzz_check(bool holds) {
  if (!holds) {
    abort(); /* what a fuzzer looks for */
  }
}

static firn_status fuzz_read(void *self, firn_ctx *ctx, uint8_t *into, size_t room, size_t *got,
                             firn_error *err) {
  fuzz_input *in = self;
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

/* All rows as JSON lines; ends where the schema would have to be widened. */
static firn_status fuzz_drain(firn_rows *rows, firn_ctx *ctx, firn_builder *b, firn_error *err) {
  for (;;) {
    const firn_batch *batch;
    if (rows->unknown != NULL) {
      fuzz_check(rows->unknown->n_children > 0 && rows->unknown_reason != NULL);
      return FIRN_OK;
    }
    FIRN_TRY(firn_rows_next(rows, ctx, &batch, err));
    if (batch == NULL) {
      return FIRN_OK;
    }
    firn_error broken;
    fuzz_check(firn_batch_check(batch, &broken) == FIRN_OK);
    firn_json_rows_write(batch, b);
  }
}

typedef firn_status (*fuzz_open)(firn_rows_input input, const firn_rows_options *options, firn_ctx *ctx,
                                 firn_rows **out, firn_error *err);

static firn_status fuzz_rows(fuzz_open open, firn_bytes text, size_t piece, const firn_rows_options *options,
                             firn_builder *b, firn_error *err) {
  fuzz_input in = {text, piece};
  firn_ctx ctx = FIRN_CTX_INIT(&firn_env_system);
  FIRN_AUTO_ROWS *rows = NULL;
  FIRN_TRY(open((firn_rows_input){fuzz_read, &in}, options, &ctx, &rows, err));
  return fuzz_drain(rows, &ctx, b, err);
}

static void fuzz_both(fuzz_open open, firn_bytes text, const firn_rows_options *options) {
  FIRN_AUTO_BUILDER whole = FIRN_BUILDER_INIT(0);
  FIRN_AUTO_BUILDER pieces = FIRN_BUILDER_INIT(0);
  firn_error first = {.text = ""}, second = {.text = ""};
  firn_rows_options single = *options;
  single.batch_rows = 1;
  firn_status status = fuzz_rows(open, text, SIZE_MAX, options, &whole, &first);
  fuzz_check(fuzz_rows(open, text, 3, &single, &pieces, &second) == status);
  fuzz_check(status != FIRN_OK || firn_bytes_equal(firn_builder_bytes(&whole), firn_builder_bytes(&pieces)));
  fuzz_check((status == FIRN_OK) == (first.text[0] == '\0') && strcmp(first.text, second.text) == 0);
}

/* A schema with something of everything. */
static const firn_field fuzz_map[] = {{.name = "key", .kind = FIRN_KIND_STRING, .required = true},
                                      {.name = "value", .kind = FIRN_KIND_DOUBLE}};
static const firn_field fuzz_inner[] = {{.name = "x", .kind = FIRN_KIND_INT},
                                        {.name = "y", .kind = FIRN_KIND_STRING}};
static const firn_field fuzz_element = {
    .name = "element", .kind = FIRN_KIND_STRUCT, .n_children = 2, .children = fuzz_inner};
static const firn_field fuzz_fields[] = {
    {.name = "a", .kind = FIRN_KIND_INT},
    {.name = "b", .kind = FIRN_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.name = "c", .kind = FIRN_KIND_STRING},
    {.name = "d", .kind = FIRN_KIND_DATE},
    {.name = "t", .kind = FIRN_KIND_TIMESTAMPTZ},
    {.name = "u", .kind = FIRN_KIND_UUID},
    {.name = "h", .kind = FIRN_KIND_BINARY},
    {.name = "f", .kind = FIRN_KIND_FLOAT},
    {.name = "o", .kind = FIRN_KIND_BOOLEAN},
    {.name = "m", .kind = FIRN_KIND_MAP, .n_children = 2, .children = fuzz_map},
    {.name = "l", .kind = FIRN_KIND_LIST, .n_children = 1, .children = &fuzz_element},
};
static const firn_field fuzz_schema = {.kind = FIRN_KIND_STRUCT,
                                       .n_children = sizeof fuzz_fields / sizeof fuzz_fields[0],
                                       .children = fuzz_fields};

static void fuzz_rows_of(fuzz_open open, firn_bytes text) {
  const firn_rows_options hows[] = {{.batch_rows = 16},
                                    {.schema = &fuzz_schema, .batch_rows = 16},
                                    {.schema = &fuzz_schema, .batch_rows = 16, .note_unknown = true}};
  for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
    fuzz_both(open, text, &hows[i]);
  }
}

#endif
