/* Between firn's columns and DuckDB's: types both ways, batches into chunks, chunks into batches.
 *
 * There and back the same: every kind but unknown (an integer that is null), fixed (binary), variant,
 * geometry and geography (binary, as they lie in the file), timestamptz_ns (timestamp_ns, in UTC). */
#ifndef FIRN_SERVICES_SQL_DUCK_INTERNAL_H
#define FIRN_SERVICES_SQL_DUCK_INTERNAL_H

#include "base/alloc.h"
#include "base/builder.h"
#include "column/vector.h"
#include "services/sql/duckdb_internal.h"

/* The type under which a field is shown to the engine; destroy it. NULL: no memory. */
duck_type firn_duck_type_of(const duck_api *api, const firn_field *field);
/* The same as text of the engine's language; and the columns of a struct, between parentheses, for CREATE
 * TABLE. */
void firn_duck_type_text(const firn_field *field, firn_builder *out);
void firn_duck_columns_text(const firn_field *parent, firn_builder *out);
/* The names under which the children of a struct are shown: their own, but for the later of two that differ
 * in case alone. In `arena`; NULL: no memory. */
const char **firn_duck_names(const firn_field *parent, firn_arena *arena);
/* A name between double quotes. */
void firn_duck_name_text(const char *name, firn_builder *out);

/* A column of a result: what the engine has, and the field that it becomes. */
typedef struct firn_duck_column firn_duck_column;
struct firn_duck_column {
  duck_type_id id;
  firn_field field;
  duck_type_id codes;           /* ENUM: unsigned integers of which type */
  const firn_bytes *dictionary; /* ENUM */
  size_t n_dictionary;
  size_t array_size;   /* ARRAY */
  uint32_t n_children; /* LIST, ARRAY: element; MAP: key, value; STRUCT, UNION: members */
  firn_duck_column *children;
};

/* In `arena`. FIRN_UNSUPPORTED for what has no form outside the engine, with a remedy. */
FIRN_MUST_USE firn_status firn_duck_column_of(const duck_api *api, duck_type type, const char *name,
                                              firn_arena *arena, firn_duck_column *out, firn_error *err);

/* Writes a vector of `field` into a vector of a chunk. Text longer than twelve bytes is not copied: the chunk
 * points to what `from` points to, which must stay until the engine asks for the next one. Text that nobody
 * has checked to be UTF-8 is checked. */
FIRN_MUST_USE firn_status firn_duck_fill(const duck_api *api, const firn_vector *from,
                                         const firn_field *field, bool is_text_checked, duck_vector into,
                                         firn_error *err);

/* `n` values of a result's column as a vector of `column->field`. Borrows from the chunk, the rest is in
 * `arena`; numbers where the chunk is null become zero in it. */
FIRN_MUST_USE firn_status firn_duck_take(const duck_api *api, duck_vector from,
                                         const firn_duck_column *column, size_t n, firn_arena *arena,
                                         firn_vector *out, firn_error *err);

#endif
