/* The table property schema.name-mapping.default: by which names columns are found in files without field
 * ids. Spec: Name Mapping Serialization. */
#ifndef FIRN_ICEBERG_COMMIT_ALTER_MAPPING_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_ALTER_MAPPING_INTERNAL_H

#include "iceberg/types/schema.h"

/* The mapping after a change of schema, as the reference keeps it: a renamed column gets its new name beside
 * the old ones, an added one is entered, and a name that is given away leaves whom it belonged to. What
 * cannot be read stays as it is. `*out` is in `arena`, or `mapping` itself. */
FIRN_MUST_USE firn_status firn_alter_mapping_update(const char *mapping, const firn_schema *before,
                                                    const firn_schema *after, firn_arena *arena,
                                                    const char **out, firn_error *err);

#endif
