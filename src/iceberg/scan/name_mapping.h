/* Name mapping: field ids for files that have none. Follows the Iceberg specification: Column Projection,
 * Name Mapping Serialization. Names are literal (a dot is no path) and are looked up level by level. */
#ifndef FIRN_ICEBERG_SCAN_NAME_MAPPING_H
#define FIRN_ICEBERG_SCAN_NAME_MAPPING_H

#include "base/json_tree.h"
#include "column/type.h"

/* Whether any field of the tree has an id. A file with some ids uses ids only. */
bool firn_field_has_ids(const firn_field *root);

/* A copy of `file` with the ids that `mapping` (the property schema.name-mapping.default, parsed) gives its
 * names. Fields without a name there keep no id. */
FIRN_MUST_USE firn_status firn_name_mapping_apply(const firn_json_value *mapping, const firn_field *file,
                                                  firn_arena *arena, firn_field *out, firn_error *err);

#endif
