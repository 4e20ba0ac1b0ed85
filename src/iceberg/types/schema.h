/* Schemas and their JSON. Follows the Iceberg specification: Schemas and Data Types; Appendix C, Schemas.
 *
 * A schema is a constant tree in the arena that made it; threads may share it. */
#ifndef FIRN_ICEBERG_TYPES_SCHEMA_H
#define FIRN_ICEBERG_TYPES_SCHEMA_H

#include "base/json_tree.h"
#include "base/json_write.h"
#include "column/type.h"

typedef struct firn_schema {
  int32_t schema_id;
  firn_field root; /* a STRUCT, required, without an id */
  size_t n_identifier_ids;
  const int32_t *identifier_ids;
} firn_schema;

/* Checks what the specification demands: unique ids, unique names (per level), depth, identifier fields that
 * exist, are required, primitive and no floats. Type strings may hold spaces ("decimal(9, 2)"). */
FIRN_MUST_USE firn_status firn_schema_read(const firn_json_value *json, firn_arena *arena, firn_schema *out,
                                           firn_error *err);
void firn_schema_write(const firn_schema *schema, firn_json_writer *w);
/* The same checks for a schema that was made in memory. */
FIRN_MUST_USE firn_status firn_schema_check(const firn_schema *schema, firn_error *err);
FIRN_MUST_USE firn_status firn_schema_copy(const firn_schema *from, firn_arena *arena, firn_schema *out,
                                           firn_error *err);

/* "decimal(9, 2)", "fixed[16]", ... for primitives. */
FIRN_MUST_USE firn_status firn_type_read(firn_bytes text, firn_arena *arena, firn_field *out,
                                         firn_error *err);
/* The specification's text of a primitive, in `arena`; NULL when there is no memory. For nested types
 * "struct", "list", "map". */
const char *firn_type_text(const firn_field *field, firn_arena *arena);

/* The largest field id. */
int32_t firn_schema_last_id(const firn_schema *schema);

/* A copy with new ids, a whole level before its children (level of one struct, list or map at a time, as the
 * reference does), counted from `*last_id` + 1; `*last_id` becomes the largest. Identifier fields follow. */
FIRN_MUST_USE firn_status firn_schema_assign_ids(const firn_schema *schema, int32_t *last_id,
                                                 firn_arena *arena, firn_schema *out, firn_error *err);

/* A field by its dotted name ("tags.element", "m.value.x"); NULL when there is none. */
const firn_field *firn_schema_find(const firn_schema *schema, const char *dotted);
/* The same, ASCII letters in any case; NULL when there is none, or more than one. */
const firn_field *firn_schema_find_any_case(const firn_schema *schema, const char *dotted);
/* As it is written, else, with `any_case`, in any case; else FIRN_NOT_FOUND with the name that may be meant.
 */
FIRN_MUST_USE firn_status firn_schema_need(const firn_schema *schema, const char *dotted, bool any_case,
                                           const firn_field **out, firn_error *err);

/* The dotted name of the field with this id, in `arena`; NULL when there is none or no memory. */
const char *firn_schema_name_of(const firn_schema *schema, int32_t id, firn_arena *arena);

/* Same fields in the same order with the same ids, names, types, requiredness, docs and defaults; the
 * schema's id is not looked at. */
bool firn_schema_equal(const firn_schema *a, const firn_schema *b);

#endif
