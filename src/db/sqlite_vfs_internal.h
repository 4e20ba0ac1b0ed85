/* SQLite's files through firn_env.files: for environments whose files are not the system's own, a simulated
 * disk above all. (For the system's own SQLite's code is better: it knows every trick of locks between
 * processes.)
 *
 * Locks, and the memory that a write-ahead log shares, hold among the connections of this process that use
 * the same table of files. Time, naps and random numbers come from the environment too, but for the one
 * generator of random numbers that SQLite has for the whole process. */
#ifndef FIRN_DB_SQLITE_VFS_INTERNAL_H
#define FIRN_DB_SQLITE_VFS_INTERNAL_H

#include "base/ctx.h"
#include "base/error.h"

typedef struct firn_sqlite_vfs firn_sqlite_vfs;

/* NULL in `*out` when the environment's files are the system's own. What `env` points to must outlive it, and
 * one table of files has one of these: it is shared by whoever has it open. */
FIRN_MUST_USE firn_status firn_sqlite_vfs_open(const firn_env *env, firn_sqlite_vfs **out, firn_error *err);
/* For sqlite3_open_v2; NULL, which is SQLite's own, for NULL. */
const char *firn_sqlite_vfs_name(const firn_sqlite_vfs *v);
/* Every connection that uses it is closed. NULL is fine. */
void firn_sqlite_vfs_close(firn_sqlite_vfs *v);

#endif
