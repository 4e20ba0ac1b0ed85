/* Changes to a table that a person or a program asks for: columns, partitioning, sort order, properties,
 * branches, tags, rollback. Follows the Iceberg specification: Schema Evolution; Partition Evolution;
 * Sorting; Snapshot References; Appendix C.
 *
 * A list of changes is applied in order to the table's current metadata, becomes updates and requirements
 * (iceberg/commit/update.h), and is committed; when somebody else was first it is made anew on what they
 * left. Nothing rewrites data. Plain structs; runs on the caller's thread. */
#ifndef FIRN_ICEBERG_COMMIT_ALTER_H
#define FIRN_ICEBERG_COMMIT_ALTER_H

#include "iceberg/commit/catalog.h"

typedef enum firn_change_kind {
  FIRN_CHANGE_ADD_COLUMN = 0,  /* name: dotted, its parent a struct (or "list.element", "map.value", which may
                                  be left out); field; place. Where field.name is given too it is the
                                  column's own name, dots and all; what stands before it is the parent */
  FIRN_CHANGE_DROP_COLUMN,     /* name. A source of the spec, sort order or an identifier is refused */
  FIRN_CHANGE_RENAME_COLUMN,   /* name; to: the last part only */
  FIRN_CHANGE_MOVE_COLUMN,     /* name; place */
  FIRN_CHANGE_SET_TYPE,        /* name; field: its type. Only promotions of the specification */
  FIRN_CHANGE_SET_OPTIONAL,    /* name */
  FIRN_CHANGE_SET_REQUIRED,    /* name; refused unless `force`: old rows may be null */
  FIRN_CHANGE_SET_DOC,         /* name; text, NULL: none */
  FIRN_CHANGE_SET_IDENTIFIERS, /* names */
  FIRN_CHANGE_WIDEN, /* field: a STRUCT. Columns that the table lacks are added at the end (optional), at
                        any depth, by name; types that the table can be promoted to are; narrower ones
                        are left alone, docs taken over. Required columns stay so unless `force` */
  FIRN_CHANGE_ADD_PARTITION, /* text: terms as firn_partition_terms_read takes them, "day(ts) as d" names one.
                                A field that the table once had is taken up again */
  FIRN_CHANGE_DROP_PARTITION,    /* text: a field's name, or terms. Version 1 keeps it as void */
  FIRN_CHANGE_RENAME_PARTITION,  /* name; to */
  FIRN_CHANGE_SET_PARTITIONING,  /* text: all terms; "" for none */
  FIRN_CHANGE_SET_SORT_ORDER,    /* text: "ts desc nulls last, bucket(16, id)"; "" for none */
  FIRN_CHANGE_SET_PROPERTIES,    /* properties. "format-version" upgrades; other reserved keys are refused */
  FIRN_CHANGE_REMOVE_PROPERTIES, /* names */
  FIRN_CHANGE_SET_LOCATION,      /* text */
  FIRN_CHANGE_UPGRADE,           /* id: format version */
  FIRN_CHANGE_CREATE_BRANCH,     /* name; at (none: the current snapshot); retention */
  FIRN_CHANGE_CREATE_TAG,        /* the same; a tag has no retention but max_ref_age_ms */
  FIRN_CHANGE_REPLACE_BRANCH,    /* name; at; retention, where given */
  FIRN_CHANGE_REPLACE_TAG,
  FIRN_CHANGE_DROP_BRANCH, /* name; `if_exists` */
  FIRN_CHANGE_DROP_TAG,
  FIRN_CHANGE_RENAME_REF,    /* name; to; main keeps its name */
  FIRN_CHANGE_SET_RETENTION, /* name; retention */
  FIRN_CHANGE_FAST_FORWARD,  /* name: a branch; to: the ref it moves to, a descendant of it */
  FIRN_CHANGE_ROLLBACK,      /* at: an ancestor of main's head, or the newest one from before a time */
  FIRN_CHANGE_SET_CURRENT,   /* at: any snapshot of the table */
} firn_change_kind;

typedef struct firn_column_place {
  enum { FIRN_PLACE_LAST = 0, FIRN_PLACE_FIRST, FIRN_PLACE_BEFORE, FIRN_PLACE_AFTER } kind;
  const char *of; /* BEFORE, AFTER: the sibling's name, or its whole dotted name */
} firn_column_place;

/* Where a ref is to point. */
typedef struct firn_change_at {
  enum { FIRN_AT_CURRENT = 0, FIRN_AT_ID, FIRN_AT_TIME, FIRN_AT_REF } kind;
  int64_t id; /* ID: snapshot; TIME: milliseconds since 1970 */
  const char *ref;
} firn_change_at;

enum { FIRN_RETENTION_DEFAULT = -1 }; /* takes a ref's own value away: the table's properties decide again */

typedef struct firn_change {
  firn_change_kind kind;
  const char *name, *to, *text;
  size_t n_names;
  const char *const *names;
  firn_field field;
  firn_column_place place;
  firn_properties properties;
  firn_change_at at;
  int64_t id;
  int64_t min_snapshots_to_keep, max_snapshot_age_ms, max_ref_age_ms; /* 0: not said */
  bool if_exists;     /* DROP_..., RENAME_COLUMN: nothing to do when it is not there */
  bool if_not_exists; /* ADD_COLUMN, ADD_PARTITION, CREATE_...: nothing to do when it is */
  bool force;
  bool ignore_case; /* of columns: names are found in any case, and one that differs in case alone is there */
} firn_change;

typedef struct firn_alter {
  size_t n_changes;
  const firn_change *changes;
  bool dry_run;
} firn_alter;

typedef struct firn_alter_result {
  size_t n_requirements, n_updates; /* of the last attempt, in the caller's arena */
  const firn_requirement *requirements;
  const firn_update *updates;
  bool is_committed; /* false: a dry run, or nothing had to change */
} firn_alter_result;

/* What the changes would be on `base`. FIRN_NOT_FOUND, FIRN_EXISTS, FIRN_INVALID with the name in the text.
 * No updates at all when nothing changes. In `arena`; borrows from `base` and `changes`. */
FIRN_MUST_USE firn_status firn_alter_plan(const firn_metadata *base, const firn_change *changes, size_t n,
                                          int64_t now_ms, firn_arena *arena, firn_alter_result *out,
                                          firn_error *err);

/* Plans and commits, and plans anew on a lost race (commit.retry.num-retries of the table). An answer that
 * was lost is FIRN_UNCERTAIN unless the table tells. `out` may be NULL; what it holds is in `arena`. */
FIRN_MUST_USE firn_status firn_alter_commit(firn_catalog *catalog, firn_ctx *ctx, const firn_table_id *table,
                                            const firn_alter *alter, firn_arena *arena,
                                            firn_alter_result *out, firn_error *err);

#endif
