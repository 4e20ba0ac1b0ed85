/* The data directory: where everything lives when nothing else is said. docs/decisions.md has its layout.
 *
 *   firn-data/FORMAT      the version of the layout, in digits; a newer one is refused
 *   firn-data/catalog.db  the catalog, shared with command-line tools through SQLite
 *   firn-data/warehouse/  the tables
 *   firn-data/lock        taken by the process that serves; guards the following
 *   firn-data/events/     the event journal
 *   firn-data/commits/    the commit log
 *   firn-data/index.db    the index, a view that can be made anew */
#ifndef FIRN_APPS_FIRN_DATA_H
#define FIRN_APPS_FIRN_DATA_H

#include "base/arena.h"
#include "base/ctx.h"
#include "base/error.h"

enum { FIRN_DATA_FORMAT = 1 };

/* Checks the directory, or, with `may_create`, makes one that is not there. FIRN_NOT_FOUND when there is
 * none, FIRN_UNSUPPORTED when its format is newer than this program. */
FIRN_MUST_USE firn_status firn_data_open(const char *folder, bool may_create, firn_arena *arena,
                                         firn_error *err);

/* Takes the directory for this process, until it is released or the process ends, however it ends. FIRN_BUSY
 * names the process that has it. */
typedef struct firn_data_lock firn_data_lock;
FIRN_MUST_USE firn_status firn_data_lock_take(const char *folder, firn_ctx *ctx, firn_arena *arena,
                                              firn_data_lock **out, firn_error *err);
void firn_data_lock_release(firn_data_lock *lock); /* NULL is fine */

#endif
