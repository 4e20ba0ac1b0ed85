/* Rows of a batch, cell by cell: each call adds one value to the end of one vector. A lack of memory is
 * remembered and asked for once, at the end of a batch. A column that nobody wants is NULL, and every call
 * passes over it. */
#ifndef FIRN_ICEBERG_INSPECT_CELLS_INTERNAL_H
#define FIRN_ICEBERG_INSPECT_CELLS_INTERNAL_H

#include "iceberg/meta/metadata.h"

typedef struct firn_cells {
  firn_arena *arena; /* of the batch: all that is added is copied into it */
  size_t capacity;   /* rows that the batch's columns have room for; a power of two */
  bool failed;       /* no memory */
} firn_cells;

void firn_cell_null(firn_cells *c, firn_vector *v);
void firn_cell_bool(firn_cells *c, firn_vector *v, bool value);
void firn_cell_int(firn_cells *c, firn_vector *v, int32_t value);
void firn_cell_long(firn_cells *c, firn_vector *v, int64_t value);
/* Milliseconds as a TIMESTAMPTZ. */
void firn_cell_time_ms(firn_cells *c, firn_vector *v, int64_t ms);
void firn_cell_text(firn_cells *c, firn_vector *v, const char *text);  /* NULL: null */
void firn_cell_bytes(firn_cells *c, firn_vector *v, firn_bytes bytes); /* data NULL: null */
/* A value of a kind that can become the column's, else null. */
void firn_cell_value(firn_cells *c, firn_vector *v, const firn_value *value);
void firn_cell_properties(firn_cells *c, firn_vector *v, const firn_properties *p);

/* A list's or map's next entry: adds to the vector's children after this has answered true; then, when all
 * entries are in, the value itself. Structs: their children, then firn_cell_struct. */
bool firn_cell_entry(firn_cells *c, firn_vector *v);
void firn_cell_list(firn_cells *c, firn_vector *v);
void firn_cell_struct(firn_cells *c, firn_vector *v);

#endif
