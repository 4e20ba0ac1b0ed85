/* Positions of a log in a table: the property, the summaries, and the larger of the two.
 *
 * The property `firn.positions.<log-id>` holds the whole map, the summary of each snapshot, under
 * `firn.log.<log-id>`, what its commit changed. Other engines may drop either: an expiry takes snapshots, a
 * rewrite leaves the key out of its own, a tool sets properties anew. */
#ifndef FIRN_SERVICES_COMMITTER_POSITIONS_H
#define FIRN_SERVICES_COMMITTER_POSITIONS_H

#include "commitlog/commitlog.h"
#include "iceberg/meta/metadata.h"

#define FIRN_POSITIONS_PROPERTY "firn.positions." /* and the log's id */
#define FIRN_POSITIONS_SUMMARY "firn.log."        /* the same */

/* What a table says of the log `log_id` on branch `branch`; in `arena`. Nothing at all is n = 0. FIRN_CORRUPT
 * when a value cannot be read: guessing would lose or double rows. */
FIRN_MUST_USE firn_status firn_positions_of(const firn_metadata *metadata, const char *log_id,
                                            const char *branch, firn_arena *arena, firn_log_positions *out,
                                            firn_error *err);
/* {"0":17}; in `arena`, NULL: no memory. */
const char *firn_positions_text(const firn_log_positions *p, firn_arena *arena);
FIRN_MUST_USE firn_status firn_positions_parse(const char *text, firn_arena *arena, firn_log_positions *out,
                                               firn_error *err);

/* 0 for a partition that is not listed. */
uint64_t firn_positions_get(const firn_log_positions *p, int32_t partition);
/* Makes a partition's position at least `next`; room comes from `arena`. */
FIRN_MUST_USE firn_status firn_positions_raise(firn_log_positions *p, int32_t partition, uint64_t next,
                                               firn_arena *arena, firn_error *err);
/* Raises every partition to what `other` has. */
FIRN_MUST_USE firn_status firn_positions_merge(firn_log_positions *p, const firn_log_positions *other,
                                               firn_arena *arena, firn_error *err);
FIRN_MUST_USE firn_status firn_positions_copy(const firn_log_positions *from, firn_arena *arena,
                                              firn_log_positions *out, firn_error *err);
/* Whether `p` is at `other` or beyond in every partition. */
bool firn_positions_reach(const firn_log_positions *p, const firn_log_positions *other);
/* How many records lie between, in all partitions where `to` is ahead. */
uint64_t firn_positions_distance(const firn_log_positions *from, const firn_log_positions *to);

#endif
