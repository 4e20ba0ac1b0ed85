/* The text of a type without an arena, for writers of JSON. */
#ifndef FIRN_ICEBERG_TYPES_TYPE_TEXT_INTERNAL_H
#define FIRN_ICEBERG_TYPES_TYPE_TEXT_INTERNAL_H

#include "base/builder.h"
#include "column/type.h"

/* Adds what firn_type_text says to `to`. */
void firn_type_add_text(const firn_field *field, firn_builder *to);

#endif
