/* Where rows come from, whatever form they have: batches of one schema, given or inferred. A reader belongs
 * to one thread. */
#ifndef FIRN_ROWS_SOURCE_H
#define FIRN_ROWS_SOURCE_H

#include "base/builder.h"
#include "base/ctx.h"
#include "column/vector.h"

/* Bytes of an input: fills `into`, `*got` 0 at its end. */
typedef struct firn_rows_input {
  firn_status (*read)(void *self, firn_ctx *ctx, uint8_t *into, size_t room, size_t *got, firn_error *err);
  void *self;
} firn_rows_input;

/* A row that does not fit the schema: its number from 1 (the line, where rows are lines), the reason, and its
 * bytes. FIRN_OK goes on without it. */
typedef firn_status (*firn_rows_refused)(void *self, uint64_t row, const char *reason, firn_bytes raw,
                                         firn_error *err);

typedef struct firn_rows_options {
  const firn_field *schema; /* a STRUCT, borrowed; NULL: inferred from the first `sample_bytes` */
  size_t sample_bytes;      /* 0: 4 MiB */
  size_t batch_rows;        /* 0: 8,192 */
  size_t max_row_bytes;     /* 0: 16 MiB; longer ones are FIRN_LIMIT */
  /* Fields that `schema` lacks: with `note_unknown` their inferred types are kept for firn_rows_unknown and
   * the batch is cut before the first row that has a new one; else they are passed over. */
  bool note_unknown;
  firn_rows_refused refused; /* NULL: the first one is an error */
  void *refused_self;
} firn_rows_options;

typedef struct firn_rows firn_rows;

typedef struct firn_rows_ops {
  firn_status (*next)(firn_rows *r, firn_ctx *ctx, const firn_batch **out, firn_error *err);
  /* Continues with another schema, from the first row that has not been handed out. Borrowed. */
  firn_status (*set_schema)(firn_rows *r, const firn_field *schema, firn_error *err);
  void (*close)(firn_rows *r);
} firn_rows_ops;

struct firn_rows { /* first member of every reader's own struct */
  const firn_rows_ops *ops;
  const firn_field *schema;   /* of the batches; fields that were inferred are optional, without ids */
  const firn_field *unknown;  /* a STRUCT of the fields that rows had and the schema lacks or cannot hold;
                                 NULL: none since set_schema */
  const char *unknown_reason; /* where and why, with `unknown`: "line 17 has a field x" */
  uint64_t n_rows;            /* handed out so far */
};

/* `*out` is NULL after the last batch; borrowed until the following next. With `unknown` set the schema must
 * be widened before the following row can be read; the batch may then be empty. */
FIRN_MUST_USE firn_status firn_rows_next(firn_rows *r, firn_ctx *ctx, const firn_batch **out,
                                         firn_error *err);
FIRN_MUST_USE firn_status firn_rows_set_schema(firn_rows *r, const firn_field *schema, firn_error *err);
void firn_rows_close(firn_rows *r);
void firn_rows_close_pointer(firn_rows **r);
#define FIRN_AUTO_ROWS FIRN_AUTO(firn_rows_close_pointer) firn_rows

#endif
