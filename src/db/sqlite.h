/* SQLite databases. WAL mode and synchronous=EXTRA (FULL, and in rollback journals as durable): what a commit
 * has answered survives a loss of power. WAL shares memory between processes, so the file must lie on a local
 * disk; a network file system is refused with that reason. Any number of processes may use a file at once. */
#ifndef FIRN_DB_SQLITE_H
#define FIRN_DB_SQLITE_H

#include "db/db.h"

typedef struct firn_sqlite_options {
  bool must_exist;   /* FIRN_NOT_FOUND instead of a new file */
  bool is_read_only; /* to look, not to work: it must exist, and nothing is made or changed, neither WAL mode
                        nor the files beside it; what another process has not closed properly is unseen */
  int64_t busy_wait_us; /* how long to wait for others' locks; 0: five seconds. The deadline of a call counts
                           too */
} firn_sqlite_options;

/* Opens or creates the file at `path`; its folder must exist. A new file is durable in its folder. `options`
 * may be NULL. */
FIRN_MUST_USE firn_status firn_sqlite_open(const char *path, const firn_sqlite_options *options,
                                           firn_ctx *ctx, firn_db **out, firn_error *err);

/* Whether this process may write the file, or may make it where there is none. FIRN_DENIED says what hinders;
 * FIRN_NOT_FOUND: it has no folder. Asks, changes nothing. */
FIRN_MUST_USE firn_status firn_sqlite_check_writable(const char *path, firn_error *err);

#endif
