/* What the readers and writers of manifests and of manifest lists share. */
#ifndef FIRN_ICEBERG_META_MANIFEST_INTERNAL_H
#define FIRN_ICEBERG_META_MANIFEST_INTERNAL_H

#include "iceberg/meta/manifest.h"

/* The format version in the head of a file, `guess` where it has none (`text.data` NULL); FIRN_UNSUPPORTED
 * when it is one that is not read. */
FIRN_MUST_USE firn_status firn_manifest_version_of(firn_bytes text, int32_t guess, int32_t *out,
                                                   firn_error *err);

/* What a manifest list says of the partitions in a manifest: field by field, whether there are nulls and
 * NaNs, and the bounds of the rest. */
typedef struct firn_summary_builder firn_summary_builder;

FIRN_MUST_USE firn_status firn_summary_builder_new(const firn_field *type, firn_summary_builder **out,
                                                   firn_error *err);
void firn_summary_builder_free(firn_summary_builder *b);
FIRN_MUST_USE firn_status firn_summary_builder_add(firn_summary_builder *b, const firn_value *tuple,
                                                   firn_error *err);
/* As many as the type has fields, in `arena`. */
FIRN_MUST_USE firn_status firn_summary_builder_finish(const firn_summary_builder *b, firn_arena *arena,
                                                      const firn_field_summary **out, firn_error *err);

#endif
