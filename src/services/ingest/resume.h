/* Where a commit log says that the files of an event journal end. */
#ifndef FIRN_SERVICES_INGEST_RESUME_H
#define FIRN_SERVICES_INGEST_RESUME_H

#include "base/journal.h"
#include "commitlog/commitlog.h"

/* The first record of `journal` that no record of the log covers: behind the newest record of this journal,
 * or, when the log never had a record, the journal's first. FIRN_CORRUPT when the two do not fit together. */
FIRN_MUST_USE firn_status firn_resume_position(firn_commit_log *log, firn_journal *journal, firn_ctx *ctx,
                                               uint64_t *position, firn_error *err);

#endif
