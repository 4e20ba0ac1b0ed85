/* Positions of a log in a table: the property, the summaries, and the larger of the two. */
#ifndef FIRN_SERVICES_COMMITTER_POSITIONS_H
#define FIRN_SERVICES_COMMITTER_POSITIONS_H

#include "commitlog/commitlog.h"
#include "iceberg/meta/metadata.h"

/* What a table says of the log `log_id` on branch `branch`; in `arena`. Nothing at all is n = 0. FIRN_CORRUPT
 * when a value cannot be read: guessing would lose or double rows. */
FIRN_MUST_USE firn_status firn_positions_of(const firn_metadata *metadata, const char *log_id,
                                            const char *branch, firn_arena *arena, firn_log_positions *out,
                                            firn_error *err);
/* {"0": 17}; in `arena`, NULL: no memory. */
const char *firn_positions_text(const firn_log_positions *p, firn_arena *arena);
FIRN_MUST_USE firn_status firn_positions_parse(const char *text, firn_arena *arena, firn_log_positions *out,
                                               firn_error *err);
/* 0 for a partition that is not listed. */
uint64_t firn_positions_get(const firn_log_positions *p, int32_t partition);

#endif
