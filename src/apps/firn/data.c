#include "apps/firn/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

enum { FORMAT_MAX = 32 };

static firn_status failed(const char *path, const char *what, firn_error *err) {
  return firn_error_set(err, errno == EACCES || errno == EPERM ? FIRN_DENIED : FIRN_IO, "%s cannot be %s: %s",
                        path, what, strerror(errno));
}

/* Writes the whole text and makes it durable. */
static firn_status write_file(const char *path, const char *text, firn_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return failed(path, "made", err);
  }
  size_t len = strlen(text);
  bool is_written = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
  int reason = errno;
  is_written = close(fd) == 0 && is_written;
  errno = reason;
  return is_written ? FIRN_OK : failed(path, "written", err);
}

/* FORMAT appears whole: it is written beside its name, then renamed. */
static firn_status make(const char *folder, const char *format, firn_arena *arena, firn_error *err) {
  if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
    return failed(folder, "made", err);
  }
  const char *beside = firn_arena_printf(arena, "%s.%ld", format, (long)getpid());
  const char *text = firn_arena_printf(arena, "%d\n", FIRN_DATA_FORMAT);
  if (beside == NULL || text == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  FIRN_TRY(write_file(beside, text, err));
  return rename(beside, format) == 0 ? FIRN_OK : failed(format, "made", err);
}

static firn_status check(const char *folder, int fd, firn_error *err) {
  char text[FORMAT_MAX + 1] = {0};
  ssize_t n = read(fd, text, FORMAT_MAX);
  char *end = text;
  long version = n > 0 ? strtol(text, &end, 10) : 0;
  if (end == text || version < 1 || (*end != '\n' && *end != '\0')) {
    return firn_error_set(err, FIRN_CORRUPT, "%s/FORMAT does not hold a version", folder);
  }
  if (version > FIRN_DATA_FORMAT) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "%s has format %ld and this firn knows formats up to %d: use a newer firn", folder,
                          version, FIRN_DATA_FORMAT);
  }
  return FIRN_OK;
}

firn_status firn_data_open(const char *folder, bool may_create, firn_arena *arena, firn_error *err) {
  const char *format = firn_arena_printf(arena, "%s/FORMAT", folder);
  if (format == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  int fd = open(format, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    firn_status status = check(folder, fd, err);
    (void)close(fd); /* it was only read */
    return status;
  }
  if (errno != ENOENT) {
    return failed(format, "read", err);
  }
  struct stat info;
  const char *catalog = firn_arena_printf(arena, "%s/catalog.db", folder);
  if (catalog == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a path");
  }
  if (may_create || stat(catalog, &info) == 0) { /* a catalog that another program put there is taken over */
    return make(folder, format, arena, err);
  }
  return firn_error_set(err, FIRN_NOT_FOUND,
                        "there is no %s: ingest something first, or name a catalog with --catalog", folder);
}

struct firn_data_lock {
  firn_file *file;
};

/* Who has it, for people: the lock holds the number of its process. */
static void read_owner(firn_file *file, char *into, size_t len) {
  size_t got = 0;
  into[0] = '\0';
  if (firn_file_read_at(file, 0, into, len - 1, &got, NULL) == FIRN_OK) {
    into[got] = '\0';
    into[strspn(into, "0123456789")] = '\0';
  }
}

static firn_status take(firn_file *file, const char *folder, firn_error *err) {
  firn_status status = firn_file_lock(file, false, err);
  char text[FORMAT_MAX];
  if (status == FIRN_BUSY) {
    read_owner(file, text, sizeof text);
    return firn_error_set(err, FIRN_BUSY,
                          "%s is served by another firn already%s%s: stop that one, or name another --data",
                          folder, text[0] == '\0' ? "" : ", process ", text);
  }
  FIRN_TRY(status);
  (void)snprintf(text, sizeof text, "%ld\n", (long)getpid());
  FIRN_TRY(firn_file_truncate(file, 0, err));
  return firn_file_append(file, firn_bytes_of(text), err);
}

firn_status firn_data_lock_take(const char *folder, firn_ctx *ctx, firn_arena *arena, firn_data_lock **out,
                                firn_error *err) {
  const char *path = firn_arena_printf(arena, "%s/lock", folder);
  firn_data_lock *lock = firn_alloc(sizeof *lock);
  if (path == NULL || lock == NULL) {
    firn_free(lock);
    return firn_error_set(err, FIRN_NOMEM, "no memory for a lock");
  }
  *lock = (firn_data_lock){0};
  firn_status status =
      firn_file_open(ctx, path, FIRN_FILE_READ | FIRN_FILE_WRITE | FIRN_FILE_CREATE, &lock->file, err);
  if (status == FIRN_OK) {
    status = take(lock->file, folder, err);
  }
  if (status != FIRN_OK) {
    firn_data_lock_release(lock);
    return status;
  }
  *out = lock;
  return FIRN_OK;
}

void firn_data_lock_release(firn_data_lock *lock) {
  if (lock != NULL) {
    firn_file_close(lock->file);
    firn_free(lock);
  }
}
