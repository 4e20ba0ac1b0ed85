/* A disk in memory that forgets, behind the table of base/file.h: what a program has not synced may be lost
 * when the power is cut.
 *
 * What is kept for certain: the content and size of a file at its last sync, and the names in a folder at its
 * last sync; two facts that have nothing to do with each other. Of everything else a crash keeps what it
 * likes, as far as POSIX and real file systems allow it:
 *   - content by sectors of 512 bytes: each is as it was after any of the writes since the sync, or before
 *     all of them; where the file has grown it may be zeros;
 *   - a file's size is what it was after any of them, or somewhere on the way;
 *   - names made, removed and renamed, all of them, those up to some moment, or any of them; a renamed file
 *     is under its new name or the old one or both, never under none.
 * What it does not do: change bytes that were synced and not written since.
 *
 * It belongs to one thread. Paths are absolute; there are no links to folders. Whatever goes wrong in the
 * disk itself ends the program. */
#ifndef FIRN_TESTS_DISK_H
#define FIRN_TESTS_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/file.h"

typedef struct disk disk;

/* Empty, with only the folder "/". `seed` decides how much of a write gets through when the disk is full, and
 * whether the operation at which the power goes is still done. */
disk *disk_new(uint64_t seed);
void disk_free(disk *d); /* NULL is fine; every file is closed */
const firn_file_ops *disk_ops(disk *d);
/* What files are stamped with; without it by the number of operations. */
void disk_set_clock(disk *d, int64_t (*now_us)(void *), void *arg);
/* Every operation in a line, for whoever looks for a fault; NULL: none. */
void disk_trace(disk *d, FILE *to);

/* Of all operations and what they were about: two runs of one story have the same. */
uint64_t disk_digest(const disk *d);
/* How many operations there have been that change or sync something. */
uint64_t disk_n_operations(const disk *d);

/* The power goes at the operation of this number (counted from 1; 0: never), which may or may not be done
 * still; it, and everything after it, reading too, answers FIRN_IO. */
void disk_cut_power_at(disk *d, uint64_t operation);
/* The same at the `nth` (from 1) operation from now on that is called `what` ("create", "append", "write",
 * "truncate", "sync", "rename", "link", "unlink", "mkdir", "rmdir", "syncdir"; NULL: any) and has `where` in
 * its path. */
void disk_cut_power_at_one(disk *d, const char *what, const char *where, uint64_t nth);
void disk_cut_power(disk *d); /* now */
bool disk_is_cut(const disk *d);
/* Only the process died: the disk goes on as it was, with what is not durable yet. Every file is closed. */
void disk_revive(disk *d);
/* After the power was cut, or without that: what the disk is found with when the power is back. Every file
 * must be closed. */
void disk_crash(disk *d, uint64_t seed);

/* In these operations whatever takes space fails, and of what is written only a part arrives. */
void disk_fill_at(disk *d, uint64_t operation, uint64_t n_operations);
/* The first sync from this operation on fails, once. What of a file's content it should have made durable is
 * decided then: some has got through, the rest never will, although reading still shows it. Names that it
 * should have made durable wait for the next. */
void disk_fail_sync_at(disk *d, uint64_t operation);
bool disk_has_failed_sync(const disk *d); /* since the last crash */

/* Writes everything below `from` on the disk, as a program sees it, into a folder of the real system. */
void disk_export(disk *d, const char *from, const char *to);

#endif
