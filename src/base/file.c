#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static const firn_file_ops *ops_of(const firn_ctx *ctx) {
  return ctx->env->files != NULL ? ctx->env->files : &firn_file_ops_system;
}

firn_status firn_status_of_errno(int number) {
  switch (number) {
    case 0:
      return FIRN_OK;
    case ENOENT:
    case ENOTDIR:
      return FIRN_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
      return FIRN_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
      return FIRN_DENIED;
    case ENOMEM:
      return FIRN_NOMEM;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case EBUSY:
      return FIRN_BUSY;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
    case ELOOP:
      return FIRN_INVALID;
    case EOPNOTSUPP:
    case ENOSYS:
    case EXDEV:
    case EMLINK:
      return FIRN_UNSUPPORTED;
    case ETIMEDOUT:
      return FIRN_TIMEOUT;
    case EFBIG:
      return FIRN_LIMIT;
    default: /* a full disk and a broken one: nothing that the caller did */
      return FIRN_IO;
  }
}

firn_status firn_file_open(firn_ctx *ctx, const char *path, unsigned flags, firn_file **out,
                           firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->open(ops->self, path, flags, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "opening %s", path);
}

firn_status firn_file_read_at(firn_file *file, uint64_t offset, void *into, size_t len, size_t *got,
                              firn_error *err) {
  firn_status status = file->ops->read_at(file, offset, into, len, got, err);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "reading %zu bytes at %" PRIu64, len, offset);
}

firn_status firn_file_append(firn_file *file, firn_bytes data, firn_error *err) {
  firn_status status = file->ops->append(file, data, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "writing %zu bytes", data.len);
}

firn_status firn_file_write_at(firn_file *file, uint64_t offset, firn_bytes data, firn_error *err) {
  firn_status status = file->ops->write_at(file, offset, data, err);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "writing %zu bytes at %" PRIu64, data.len, offset);
}

firn_status firn_file_sync(firn_file *file, firn_error *err) {
  firn_status status = file->ops->sync(file, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "syncing");
}

firn_status firn_file_truncate(firn_file *file, uint64_t size_bytes, firn_error *err) {
  firn_status status = file->ops->truncate(file, size_bytes, err);
  return status == FIRN_OK ? FIRN_OK
                           : firn_error_while(err, status, "truncating to %" PRIu64 " bytes", size_bytes);
}

firn_status firn_file_info_of(firn_file *file, firn_file_info *out, firn_error *err) {
  firn_status status = file->ops->info(file, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "looking at an open file");
}

firn_status firn_file_lock(firn_file *file, bool wait, firn_error *err) {
  firn_status status = file->ops->lock(file, wait, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "locking");
}

void firn_file_close(firn_file *file) {
  if (file != NULL) {
    file->ops->close(file);
  }
}

void firn_file_close_pointer(firn_file **file) {
  firn_file_close(*file);
}

firn_status firn_file_stat(firn_ctx *ctx, const char *path, firn_file_info *out, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->stat(ops->self, path, out, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "looking at %s", path);
}

firn_status firn_file_rename(firn_ctx *ctx, const char *from, const char *to, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->rename(ops->self, from, to, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "renaming %s to %s", from, to);
}

firn_status firn_file_link(firn_ctx *ctx, const char *from, const char *to, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->link(ops->self, from, to, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "linking %s to %s", from, to);
}

firn_status firn_file_unlink(firn_ctx *ctx, const char *path, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->unlink(ops->self, path, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "removing %s", path);
}

firn_status firn_folder_make(firn_ctx *ctx, const char *path, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->make_folder(ops->self, path, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "making the folder %s", path);
}

firn_status firn_folder_remove(firn_ctx *ctx, const char *path, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->remove_folder(ops->self, path, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "removing the folder %s", path);
}

firn_status firn_folder_sync(firn_ctx *ctx, const char *path, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_status status = ops->sync_folder(ops->self, path, err);
  return status == FIRN_OK ? FIRN_OK : firn_error_while(err, status, "syncing the folder %s", path);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const firn_file_name *)a)->name, ((const firn_file_name *)b)->name);
}

firn_status firn_folder_list(firn_ctx *ctx, const char *path, firn_arena *arena, firn_file_name **out,
                             size_t *n, firn_error *err) {
  const firn_file_ops *ops = ops_of(ctx);
  firn_file_name *names = NULL;
  size_t count = 0;
  firn_status status = ops->list(ops->self, path, arena, &names, &count, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "listing %s", path);
  }
  if (count > 1) {
    qsort(names, count, sizeof *names, by_name);
  }
  *out = names;
  *n = count;
  return FIRN_OK;
}

/* The folder that holds `path`; "." or "/" when it names none. `path` has no slash at its end. */
static void parent_of(const char *path, char *out) {
  const char *slash = strrchr(path, '/');
  while (slash != NULL && slash > path && slash[-1] == '/') {
    slash--;
  }
  size_t len = slash == NULL ? 0 : (size_t)(slash - path);
  memcpy(out, path, len);
  out[len] = '\0';
  if (len == 0) {
    out[0] = slash == NULL ? '.' : '/';
    out[1] = '\0';
  }
}

enum { LONGEST_PATH = 4096 };

static firn_status is_folder(firn_ctx *ctx, const char *path, bool *out, firn_error *err) {
  firn_file_info info;
  firn_status status = firn_file_stat(ctx, path, &info, err);
  if (status != FIRN_OK && status != FIRN_NOT_FOUND) {
    return status;
  }
  *out = status == FIRN_OK;
  return status == FIRN_OK && !info.is_folder
             ? firn_error_set(err, FIRN_EXISTS, "making the folder %s: something else has that name", path)
             : FIRN_OK;
}

/* Makes one folder whose parent is there, and its name durable. That it exists may be known to its maker
 * only, who may have died since, so the parent is synced in either case. When that fails a new folder goes,
 * for the next attempt must make it anew: a second sync might not be told of it. */
static firn_status make_durably(firn_ctx *ctx, const char *path, const char *parent, firn_error *err) {
  bool is_there = false, is_old, is_mine = false;
  FIRN_TRY(is_folder(ctx, path, &is_there, err));
  is_old = is_there;
  if (!is_there) {
    firn_status status = firn_folder_make(ctx, path, err);
    is_mine = status == FIRN_OK;
    if (status == FIRN_EXISTS) { /* somebody was faster */
      status = is_folder(ctx, path, &is_there, err);
    }
    FIRN_TRY(status);
  }
  firn_status status = firn_folder_sync(ctx, parent, err);
  if (status != FIRN_OK && is_mine) {
    FIRN_IGNORE(firn_folder_remove(ctx, path, NULL)); /* unless somebody put something into it */
  }
  return is_old && status == FIRN_DENIED ? FIRN_OK : status;
}

firn_status firn_folder_make_all(firn_ctx *ctx, const char *path, firn_error *err) {
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') {
    len--;
  }
  if (len == 0 || len >= LONGEST_PATH) {
    return firn_error_set(err, FIRN_INVALID, "making a folder: a path of %zu bytes", len);
  }
  char part[LONGEST_PATH], parent[LONGEST_PATH];
  memcpy(part, path, len);
  part[len] = '\0';
  /* From the top; every prefix that ends before a slash. */
  for (size_t i = 1; i <= len; i++) {
    if ((part[i] != '/' && part[i] != '\0') || part[i - 1] == '/') {
      continue;
    }
    char kept = part[i];
    part[i] = '\0';
    parent_of(part, parent);
    FIRN_TRY(make_durably(ctx, part, parent, err));
    part[i] = kept;
  }
  return FIRN_OK;
}

firn_status firn_file_read_all(firn_ctx *ctx, const char *path, size_t max_bytes, firn_arena *arena,
                               firn_bytes *out, firn_error *err) {
  FIRN_AUTO_FILE *file = NULL;
  FIRN_TRY(firn_file_open(ctx, path, FIRN_FILE_READ, &file, err));
  firn_file_info info;
  FIRN_TRY(firn_file_info_of(file, &info, err));
  if (info.size_bytes > max_bytes) {
    return firn_error_set(err, FIRN_LIMIT, "reading %s: %" PRIu64 " bytes, at most %zu", path,
                          info.size_bytes, max_bytes);
  }
  size_t len = (size_t)info.size_bytes, got;
  uint8_t *into = firn_arena_alloc_bytes(arena, len);
  if (into == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "reading %s: no memory for %zu bytes", path, len);
  }
  firn_status status = firn_file_read_at(file, 0, into, len, &got, err);
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "%s", path);
  }
  *out = (firn_bytes){into, got};
  return FIRN_OK;
}
