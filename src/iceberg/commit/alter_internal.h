/* One list of changes at work: shared by the alter*.c files.
 *
 *   alter.c            the list applied, the difference to the table as updates, requirements
 *   alter_column.c     columns one by one, identifiers
 *   alter_widen.c      type promotion; a whole struct by name
 *   alter_partition.c  partition spec and sort order
 *   alter_ref.c        branches, tags, rollback
 *   alter_property.c   properties; those that speak of columns; the name mapping
 *   alter_commit.c     attempts against others
 *
 * Every part of the table is copied here, changed change by change, and compared with what it was at the
 * end: so the order of changes counts, and changes that undo each other are none. */
#ifndef FIRN_ICEBERG_COMMIT_ALTER_INTERNAL_H
#define FIRN_ICEBERG_COMMIT_ALTER_INTERNAL_H

#include "iceberg/commit/alter.h"

enum { FIRN_ALTER_MAX_NAME = 64 << 10 }; /* bytes of a column's or ref's name */

#define FIRN_MAIN_BRANCH "main"

/* A partition field at work. Dropped ones stay, since version 1 keeps them as void, and one that is added
 * again takes its place. */
typedef struct firn_alter_partition {
  firn_partition_field field;
  bool is_dropped, is_new;
} firn_alter_partition;

typedef struct firn_altering {
  const firn_metadata *base;
  const firn_metadata_fields *f; /* of `base` */
  firn_arena *arena;
  int32_t version;
  firn_schema schema; /* a copy, whose tree may be written */
  int32_t last_column_id;
  size_t n_partitions, capacity_partitions;
  firn_alter_partition *partitions;
  int32_t last_partition_id;
  firn_sort_order order;
  size_t n_properties, capacity_properties;
  firn_property *properties;
  const char *location;
  size_t n_refs, capacity_refs;
  firn_ref *refs;
} firn_altering;

/* FIRN_INVALID unless it is UTF-8, not empty and not too long. `what`: "a column's name". */
FIRN_MUST_USE firn_status firn_alter_name_check(const char *name, const char *what, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_no_memory(firn_error *err);

FIRN_MUST_USE firn_status firn_alter_add_column(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_drop_column(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_rename_column(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_move_column(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_type(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_required(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_doc(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_identifiers(firn_altering *a, const firn_change *c, firn_error *err);
/* What every schema that leaves here must be; FIRN_INVALID. */
FIRN_MUST_USE firn_status firn_alter_schema_check(const firn_altering *a, firn_error *err);

/* The tree of `a->schema` is its own: the field, to be written. */
static inline firn_field *firn_alter_field(const firn_field *f) {
  return (firn_field *)(uintptr_t)f;
}
/* A new child of a struct of that tree, with new ids throughout. */
FIRN_MUST_USE firn_status firn_alter_insert(firn_altering *a, firn_field *parent, uint32_t at,
                                            const firn_field *field, const char *name, firn_error *err);

/* Spec: Schema Evolution, the table of type promotions. */
bool firn_type_may_become(const firn_field *from, const firn_field *to, int32_t format_version);
/* Gives a column another type, where it may have it. */
FIRN_MUST_USE firn_status firn_alter_promote(firn_altering *a, firn_field *column, const firn_field *to,
                                             firn_error *err);
FIRN_MUST_USE firn_status firn_alter_widen(firn_altering *a, const firn_change *c, firn_error *err);

FIRN_MUST_USE firn_status firn_alter_add_partition(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_drop_partition(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_rename_partition(firn_altering *a, const firn_change *c,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_partitioning(firn_altering *a, const firn_change *c,
                                                      firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_sort_order(firn_altering *a, const firn_change *c, firn_error *err);
/* The fields as a spec would have them. */
FIRN_MUST_USE firn_status firn_alter_spec(const firn_altering *a, firn_partition_spec *out, firn_error *err);

FIRN_MUST_USE firn_status firn_alter_ref(firn_altering *a, const firn_change *c, firn_error *err);

FIRN_MUST_USE firn_status firn_alter_set_properties(firn_altering *a, const firn_change *c, firn_error *err);
FIRN_MUST_USE firn_status firn_alter_remove_properties(firn_altering *a, const firn_change *c,
                                                       firn_error *err);
FIRN_MUST_USE firn_status firn_alter_set_property(firn_altering *a, const char *key, const char *value,
                                                  firn_error *err);
void firn_alter_remove_property(firn_altering *a, const char *key);
FIRN_MUST_USE firn_status firn_alter_set_version(firn_altering *a, int64_t version, firn_error *err);
/* Carries properties that name columns, and the name mapping, over to the new schema. */
FIRN_MUST_USE firn_status firn_alter_follow_columns(firn_altering *a, firn_error *err);

/* The requirements under which these updates mean on the table what they meant on `base`. */
FIRN_MUST_USE firn_status firn_alter_requirements(const firn_metadata *base, const firn_update *updates,
                                                  size_t n, firn_arena *arena, const firn_requirement **out,
                                                  size_t *n_out, firn_error *err);

#endif
