/* Which snapshot of a table is meant: by id, by time, by branch or tag. Follows the Iceberg specification:
 * Point in Time Reads (Time Travel); Snapshot References. */
#ifndef FIRN_ICEBERG_SCAN_CHOOSE_H
#define FIRN_ICEBERG_SCAN_CHOOSE_H

#include "iceberg/meta/metadata.h"

typedef struct firn_snapshot_choice {
  enum {
    FIRN_CHOOSE_CURRENT = 0,
    FIRN_CHOOSE_ID,   /* else, with `ref`: the branch or tag of that name, which is all digits */
    FIRN_CHOOSE_TIME, /* what the snapshot log says was current then */
    FIRN_CHOOSE_REF,  /* a branch or a tag; a time where there is none of that name and it reads as one */
  } kind;
  int64_t id;
  int64_t timestamp_ms;
  const char *ref;
} firn_snapshot_choice;

/* `*snapshot` is NULL for a table without one (only when the current one, or branch main, is asked for).
 * `*schema` is the snapshot's own for an id, a time and a tag, the table's current one for the current
 * snapshot and a branch. FIRN_NOT_FOUND names what is there instead: the oldest time of the log, the nearest
 * ref. Both are borrowed from `metadata`. */
FIRN_MUST_USE firn_status firn_snapshot_choose(const firn_metadata *metadata,
                                               const firn_snapshot_choice *choice,
                                               const firn_snapshot **snapshot, const firn_schema **schema,
                                               firn_error *err);

/* The schema that was current when the snapshot was made; the table's current one where it does not say. */
const firn_schema *firn_snapshot_schema(const firn_metadata *metadata, const firn_snapshot *snapshot);

/* What people write where a snapshot is asked for: digits are an id, anything else is a name, or a time where
 * nothing has that name (which firn_snapshot_choose finds out). The texts are in `arena`. */
FIRN_MUST_USE firn_status firn_snapshot_choice_of_version(firn_bytes text, firn_arena *arena,
                                                          firn_snapshot_choice *out, firn_error *err);
/* A time: "2024-06-15", "2024-06-15 12:00[:00[.ffffff]]", with T or a space between, and then nothing, Z,
 * UTC, or an offset (+02:00, +0200, +02). UTC without an offset; what is finer than milliseconds is dropped.
 */
FIRN_MUST_USE firn_status firn_snapshot_choice_of_time(firn_bytes text, firn_snapshot_choice *out,
                                                       firn_error *err);

#endif
