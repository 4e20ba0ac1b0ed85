/* JSON values into columns. */
#ifndef FIRN_ROWS_JSON_VALUE_INTERNAL_H
#define FIRN_ROWS_JSON_VALUE_INTERNAL_H

#include "base/json.h"
#include "rows/columns_internal.h"

typedef struct firn_json_filling {
  firn_columns *columns;
  uint64_t stamp;       /* counts objects, against keys given twice */
  bool stop_at_unknown; /* a field that the schema lacks, and that tells a type, ends the row */
  /* Where a row ended before its end: */
  bool is_unknown;
  const firn_column *column; /* that the value does not fit; or whose member is not known */
  firn_bytes key;            /* that is not known, as written */
  firn_bytes value;          /* as written */
  firn_json_kind value_kind;
} firn_json_filling;

/* One row. FIRN_CORRUPT: no JSON, or no object, `err` says why. FIRN_INVALID with an empty `err`: a value
 * does not fit, or a field is not known; with a text: a key is given twice. */
FIRN_MUST_USE firn_status firn_json_fill_row(firn_json_filling *f, size_t row, firn_bytes object,
                                             firn_error *err);
/* A value of any type. */
FIRN_MUST_USE firn_status firn_json_fill(firn_json_filling *f, firn_column *column, size_t i,
                                         const firn_json_token *value, firn_error *err);

#endif
