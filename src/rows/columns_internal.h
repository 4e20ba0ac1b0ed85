/* The vectors of the batch that a reader fills: row by row, any column of a row at any time or not at all.
 *
 * What is not set is null, so a row costs only what it holds. One thread. */
#ifndef FIRN_ROWS_COLUMNS_INTERNAL_H
#define FIRN_ROWS_COLUMNS_INTERNAL_H

#include "column/names.h"
#include "column/vector.h"

typedef struct firn_column firn_column;

struct firn_column {
  const firn_field *field;
  const firn_column *parent; /* NULL: top level */
  firn_vector *v;
  size_t capacity;
  size_t n_entries; /* LIST, MAP: so far */
  size_t n_filled;  /* LIST, MAP: offsets that are right */
  uint64_t stamp;   /* of the row or entry that had it last: the reader's, against keys given twice */
  firn_column *children;
  firn_name_index names; /* STRUCT */
  uint32_t expected;     /* STRUCT: the child that probably comes next */
};

typedef struct firn_columns {
  firn_arena plan;  /* the tree */
  firn_arena arena; /* one batch: vectors, and texts that were unescaped */
  firn_column root; /* of the schema itself; its vector is unused */
  size_t capacity;  /* rows */
  firn_batch batch;
} firn_columns;

/* `schema` is a STRUCT and is borrowed. At most `max_rows` rows a batch; fewer when there are very many
 * columns. `c` is empty ({0}) or was used before. */
FIRN_MUST_USE firn_status firn_columns_open(firn_columns *c, const firn_field *schema, size_t max_rows,
                                            firn_error *err);
/* An empty batch. What the one before borrowed is gone. */
FIRN_MUST_USE firn_status firn_columns_begin(firn_columns *c, firn_error *err);
/* Takes back everything of this row and the following ones. */
void firn_columns_undo(firn_columns *c, size_t row);
/* The batch of `n_rows` rows; borrowed until the next begin. */
FIRN_MUST_USE firn_status firn_columns_finish(firn_columns *c, size_t n_rows, const firn_batch **out,
                                              firn_error *err);
void firn_columns_free(firn_columns *c);

/* Room for value `i` of the children of a LIST or MAP. */
FIRN_MUST_USE firn_status firn_column_need(firn_columns *c, firn_column *column, size_t i, firn_error *err);
/* Value `i` of a LIST or MAP is not null and begins with the entry that comes next. */
void firn_column_begin_list(firn_column *column, size_t i);
/* It ends with the entry that came last. */
void firn_column_end_list(firn_column *column, size_t i);

static inline void firn_column_set_valid(firn_column *column, size_t i) {
  firn_bit_set(column->v->validity, i);
}

/* A BOOLEAN's value. */
static inline void firn_column_set_bit(firn_column *column, size_t i, bool v) {
  if (v) {
    firn_bit_set(column->v->bits, i);
  } else {
    firn_bit_clear(column->v->bits, i); /* of a row that was taken back */
  }
}

/* "a.b.c", in `arena`; "?" when there is no memory. */
const char *firn_column_path(const firn_column *column, firn_arena *arena);

#endif
