/* Files and folders of the operating system, behind one small table that a simulator can replace
 * (firn_env.files). Nothing else in firn opens a file.
 *
 * Only what durable storage is made of: positioned reads, appends or positioned writes, sync, and names that
 * appear, move and go. A name is durable once its folder has been synced. Paths are the system's, terminated.
 * An open file belongs to one thread at a time, but several may read from it, also while it grows, and one
 * may sync it while another appends. */
#ifndef FIRN_BASE_FILE_H
#define FIRN_BASE_FILE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/ctx.h"

typedef struct firn_file firn_file;

enum {
  FIRN_FILE_READ = 1 << 0,
  FIRN_FILE_WRITE = 1 << 1,
  FIRN_FILE_CREATE = 1 << 2,   /* if it is not there */
  FIRN_FILE_NEW = 1 << 3,      /* with CREATE: FIRN_EXISTS if it is there */
  FIRN_FILE_IN_PLACE = 1 << 4, /* with WRITE: written with firn_file_write_at, and never appended to */
};

typedef struct firn_file_info {
  uint64_t size_bytes;
  int64_t modified_ns; /* since 1970, UTC */
  uint64_t device, inode;
  bool is_folder; /* neither this nor a file: a device, a socket, ... */
  bool is_file;
} firn_file_info;

typedef struct firn_file_name {
  const char *name; /* without its folder */
  bool is_folder;   /* a link to a folder is none */
} firn_file_name;

/* The operating system as firn sees it. Statuses: FIRN_NOT_FOUND, FIRN_EXISTS, FIRN_DENIED, FIRN_IO (a full
 * disk too), ... The dispatch functions below add the path to the text. */
typedef struct firn_file_ops {
  void *self;
  firn_status (*open)(void *self, const char *path, unsigned flags, firn_file **out, firn_error *);
  firn_status (*stat)(void *self, const char *path, firn_file_info *out, firn_error *);
  firn_status (*rename)(void *self, const char *from, const char *to, firn_error *);
  firn_status (*link)(void *self, const char *from, const char *to, firn_error *);
  firn_status (*unlink)(void *self, const char *path, firn_error *);
  firn_status (*make_folder)(void *self, const char *path, firn_error *);
  firn_status (*remove_folder)(void *self, const char *path, firn_error *);
  firn_status (*sync_folder)(void *self, const char *path, firn_error *);
  firn_status (*list)(void *self, const char *path, firn_arena *, firn_file_name **out, size_t *n,
                      firn_error *);

  firn_status (*read_at)(firn_file *, uint64_t offset, void *into, size_t len, size_t *got, firn_error *);
  firn_status (*append)(firn_file *, firn_bytes data, firn_error *);
  firn_status (*write_at)(firn_file *, uint64_t offset, firn_bytes data, firn_error *);
  firn_status (*sync)(firn_file *, firn_error *);
  firn_status (*truncate)(firn_file *, uint64_t size_bytes, firn_error *);
  firn_status (*info)(firn_file *, firn_file_info *out, firn_error *);
  firn_status (*lock)(firn_file *, bool wait, firn_error *);
  void (*close)(firn_file *);
} firn_file_ops;

struct firn_file {
  const firn_file_ops *ops; /* first member of every implementation's own struct */
};

/* The system's own. */
extern const firn_file_ops firn_file_ops_system;

FIRN_MUST_USE firn_status firn_file_open(firn_ctx *ctx, const char *path, unsigned flags, firn_file **out,
                                         firn_error *err);
/* Reads until `len` bytes or the end; `got` says how many came. */
FIRN_MUST_USE firn_status firn_file_read_at(firn_file *file, uint64_t offset, void *into, size_t len,
                                            size_t *got, firn_error *err);
/* Writes all of `data` behind the end of the file. After a failure part of it may be there. */
FIRN_MUST_USE firn_status firn_file_append(firn_file *file, firn_bytes data, firn_error *err);
/* Writes all of `data` at `offset`, which may be beyond the end: what lies between is zeros. For files opened
 * with FIRN_FILE_IN_PLACE. After a failure part of it may be there. */
FIRN_MUST_USE firn_status firn_file_write_at(firn_file *file, uint64_t offset, firn_bytes data,
                                             firn_error *err);
/* What was written and the size are on the disk when it returns. After a failure nothing is known about what
 * was written since the last success: do not try again, read or write it anew. */
FIRN_MUST_USE firn_status firn_file_sync(firn_file *file, firn_error *err);
FIRN_MUST_USE firn_status firn_file_truncate(firn_file *file, uint64_t size_bytes, firn_error *err);
FIRN_MUST_USE firn_status firn_file_info_of(firn_file *file, firn_file_info *out, firn_error *err);
/* Takes the file for this opening of it, against other processes and other openings here; closing lets go.
 * FIRN_BUSY when another has it and `wait` is not set. Advisory. */
FIRN_MUST_USE firn_status firn_file_lock(firn_file *file, bool wait, firn_error *err);
void firn_file_close(firn_file *file); /* NULL is fine */
void firn_file_close_pointer(firn_file **file);
#define FIRN_AUTO_FILE FIRN_AUTO(firn_file_close_pointer) firn_file

/* Follows links. FIRN_NOT_FOUND when there is nothing of that name. */
FIRN_MUST_USE firn_status firn_file_stat(firn_ctx *ctx, const char *path, firn_file_info *out,
                                         firn_error *err);
/* In one step; replaces a file that is there. */
FIRN_MUST_USE firn_status firn_file_rename(firn_ctx *ctx, const char *from, const char *to, firn_error *err);
/* A second name for a file, in one step; FIRN_EXISTS when `to` is there. FIRN_UNSUPPORTED where the file
 * system has no links. */
FIRN_MUST_USE firn_status firn_file_link(firn_ctx *ctx, const char *from, const char *to, firn_error *err);
FIRN_MUST_USE firn_status firn_file_unlink(firn_ctx *ctx, const char *path, firn_error *err);

FIRN_MUST_USE firn_status firn_folder_make(firn_ctx *ctx, const char *path, firn_error *err);
/* With the folders above it; one that is there is fine. All of them are durable when it returns, also those
 * that somebody made and did not live to sync. (Folders above that we may not read are somebody else's.) */
FIRN_MUST_USE firn_status firn_folder_make_all(firn_ctx *ctx, const char *path, firn_error *err);
/* An empty one; else FIRN_EXISTS. */
FIRN_MUST_USE firn_status firn_folder_remove(firn_ctx *ctx, const char *path, firn_error *err);
/* Makes the names in a folder durable. */
FIRN_MUST_USE firn_status firn_folder_sync(firn_ctx *ctx, const char *path, firn_error *err);
/* The names in a folder, without `.` and `..`, in the order of their bytes. */
FIRN_MUST_USE firn_status firn_folder_list(firn_ctx *ctx, const char *path, firn_arena *arena,
                                           firn_file_name **out, size_t *n, firn_error *err);

/* The whole file into `arena`; FIRN_LIMIT when it is larger than `max_bytes`. */
FIRN_MUST_USE firn_status firn_file_read_all(firn_ctx *ctx, const char *path, size_t max_bytes,
                                             firn_arena *arena, firn_bytes *out, firn_error *err);

/* The status for a value of errno. */
FIRN_MUST_USE firn_status firn_status_of_errno(int number);

#endif
