/* The operating system behind base/file.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

typedef struct system_file {
  firn_file base;
  int fd;
  bool is_in_place;
} system_file;

static int fd_of(const firn_file *file) {
  return ((const system_file *)file)->fd;
}

/* What one can do about it, behind the system's own words. */
static const char *remedy(int number) {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return ": free some space, then try again";
    case EACCES:
    case EPERM:
      return ": look at the permissions there";
    case EMFILE:
    case ENFILE:
      return ": raise the limit of open files (ulimit -n)";
    default:
      return "";
  }
}

static firn_status failed(firn_error *err) {
  int number = errno;
  return firn_error_set(err, firn_status_of_errno(number), "%s%s", strerrordesc_np(number), remedy(number));
}

static firn_status result(int returned, firn_error *err) {
  return returned == 0 ? FIRN_OK : failed(err);
}

static firn_status system_open(void *self, const char *path, unsigned flags, firn_file **out,
                               firn_error *err) {
  (void)self;
  bool reads = (flags & FIRN_FILE_READ) != 0, writes = (flags & FIRN_FILE_WRITE) != 0;
  int how = O_CLOEXEC | (reads && writes ? O_RDWR : writes ? O_WRONLY : O_RDONLY);
  bool is_in_place = (flags & FIRN_FILE_IN_PLACE) != 0; /* with O_APPEND Linux heeds no position */
  how |= writes && !is_in_place ? O_APPEND : 0;
  how |= (flags & FIRN_FILE_CREATE) != 0 ? O_CREAT : 0;
  how |= (flags & FIRN_FILE_NEW) != 0 ? O_EXCL : 0;
  system_file *file = firn_alloc(sizeof *file);
  if (file == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for an open file");
  }
  do {
    file->fd = open(path, how, 0666);
  } while (file->fd < 0 && errno == EINTR);
  if (file->fd < 0) {
    firn_status status = failed(err);
    firn_free(file);
    return status;
  }
  file->base.ops = &firn_file_ops_system;
  file->is_in_place = is_in_place;
  *out = &file->base;
  return FIRN_OK;
}

static void fill_info(const struct stat *s, firn_file_info *out) {
  *out = (firn_file_info){
      .size_bytes = (uint64_t)s->st_size,
      .modified_ns = (int64_t)s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec,
      .device = (uint64_t)s->st_dev,
      .inode = (uint64_t)s->st_ino,
      .is_folder = S_ISDIR(s->st_mode),
      .is_file = S_ISREG(s->st_mode),
  };
}

static firn_status system_stat(void *self, const char *path, firn_file_info *out, firn_error *err) {
  (void)self;
  struct stat s;
  FIRN_TRY(result(stat(path, &s), err));
  fill_info(&s, out);
  return FIRN_OK;
}

static firn_status system_rename(void *self, const char *from, const char *to, firn_error *err) {
  (void)self;
  return result(rename(from, to), err);
}

static firn_status system_link(void *self, const char *from, const char *to, firn_error *err) {
  (void)self;
  if (link(from, to) == 0) {
    return FIRN_OK;
  }
  if (errno == EPERM) { /* this is how link(2) says that a file system has none */
    return firn_error_set(err, FIRN_UNSUPPORTED, "the file system has no hard links");
  }
  return failed(err);
}

static firn_status system_unlink(void *self, const char *path, firn_error *err) {
  (void)self;
  return result(unlink(path), err);
}

static firn_status system_make_folder(void *self, const char *path, firn_error *err) {
  (void)self;
  return result(mkdir(path, 0777), err);
}

static firn_status system_remove_folder(void *self, const char *path, firn_error *err) {
  (void)self;
  return result(rmdir(path), err);
}

static firn_status system_sync_folder(void *self, const char *path, firn_error *err) {
  (void)self;
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return failed(err);
  }
  firn_status status = FIRN_OK;
  if (fsync(fd) != 0 &&
      errno != EINVAL) { /* EINVAL: this file system keeps names durable by itself, or never */
    status = failed(err);
  }
  (void)close(fd); /* only read */
  return status;
}

/* Whether a name of `folder` is a folder, for file systems that do not say so in the listing. */
static bool is_folder(DIR *folder, const struct dirent *entry) {
  if (entry->d_type != DT_UNKNOWN) {
    return entry->d_type == DT_DIR;
  }
  struct stat s;
  return fstatat(dirfd(folder), entry->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(s.st_mode);
}

static firn_status list_open(DIR *folder, firn_arena *arena, firn_file_name **out, size_t *n,
                             firn_error *err) {
  firn_file_name *names = NULL;
  size_t count = 0, capacity = 0;
  for (;;) {
    errno = 0;
    const struct dirent *entry = readdir(folder);
    if (entry == NULL) {
      break;
    }
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    names = firn_arena_grow(arena, names, count, &capacity, sizeof *names);
    const char *name = firn_arena_text(arena, firn_bytes_of(entry->d_name));
    if (names == NULL || name == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu names", count + 1);
    }
    names[count++] = (firn_file_name){.name = name, .is_folder = is_folder(folder, entry)};
  }
  if (errno != 0) {
    return failed(err);
  }
  *out = names;
  *n = count;
  return FIRN_OK;
}

static firn_status system_list(void *self, const char *path, firn_arena *arena, firn_file_name **out,
                               size_t *n, firn_error *err) {
  (void)self;
  DIR *folder = opendir(path);
  if (folder == NULL) {
    return failed(err);
  }
  firn_status status = list_open(folder, arena, out, n, err);
  (void)closedir(folder); /* only read */
  return status;
}

static firn_status system_read_at(firn_file *file, uint64_t offset, void *into, size_t len, size_t *got,
                                  firn_error *err) {
  size_t done = 0;
  if (offset > INT64_MAX) {
    return firn_error_set(err, FIRN_INVALID, "an offset beyond 63 bits");
  }
  while (done < len && offset + done <= INT64_MAX) {
    ssize_t n = pread(fd_of(file), (uint8_t *)into + done, len - done, (off_t)(offset + done));
    if (n == 0) {
      break;
    }
    if (n > 0) {
      done += (size_t)n;
    } else if (errno != EINTR) {
      return failed(err);
    }
  }
  *got = done;
  return FIRN_OK;
}

static firn_status check_way(const firn_file *file, bool in_place, firn_error *err) {
  bool is_in_place = ((const system_file *)file)->is_in_place;
  return is_in_place == in_place ? FIRN_OK
                                 : firn_error_set(err, FIRN_INVALID, "the file was opened to be %s",
                                                  is_in_place ? "written in place" : "appended to");
}

static firn_status system_append(firn_file *file, firn_bytes data, firn_error *err) {
  size_t done = 0;
  FIRN_TRY(check_way(file, false, err));
  while (done < data.len) {
    ssize_t n = write(fd_of(file), data.data + done, data.len - done);
    if (n >= 0) {
      done += (size_t)n;
    } else if (errno != EINTR) {
      return failed(err);
    }
  }
  return FIRN_OK;
}

static firn_status system_write_at(firn_file *file, uint64_t offset, firn_bytes data, firn_error *err) {
  size_t done = 0;
  FIRN_TRY(check_way(file, true, err));
  if (offset > INT64_MAX || data.len > INT64_MAX - offset) {
    return firn_error_set(err, FIRN_INVALID, "an offset beyond 63 bits");
  }
  while (done < data.len) {
    ssize_t n = pwrite(fd_of(file), data.data + done, data.len - done, (off_t)(offset + done));
    if (n >= 0) {
      done += (size_t)n;
    } else if (errno != EINTR) {
      return failed(err);
    }
  }
  return FIRN_OK;
}

static firn_status system_sync(firn_file *file, firn_error *err) {
  return result(fdatasync(fd_of(file)), err);
}

static firn_status system_truncate(firn_file *file, uint64_t size_bytes, firn_error *err) {
  if (size_bytes > INT64_MAX) {
    return firn_error_set(err, FIRN_INVALID, "a size beyond 63 bits");
  }
  return result(ftruncate(fd_of(file), (off_t)size_bytes), err);
}

static firn_status system_info(firn_file *file, firn_file_info *out, firn_error *err) {
  struct stat s;
  FIRN_TRY(result(fstat(fd_of(file), &s), err));
  fill_info(&s, out);
  return FIRN_OK;
}

static firn_status system_lock(firn_file *file, bool wait, firn_error *err) {
  int returned;
  do {
    returned = flock(fd_of(file), wait ? LOCK_EX : LOCK_EX | LOCK_NB);
  } while (returned != 0 && errno == EINTR);
  if (returned != 0 && errno == EWOULDBLOCK) {
    return firn_error_set(err, FIRN_BUSY, "another process has it");
  }
  return result(returned, err);
}

static void system_close(firn_file *file) {
  (void)close(fd_of(file)); /* whoever cares has synced */
  firn_free(file);
}

const firn_file_ops firn_file_ops_system = {
    .open = system_open,
    .stat = system_stat,
    .rename = system_rename,
    .link = system_link,
    .unlink = system_unlink,
    .make_folder = system_make_folder,
    .remove_folder = system_remove_folder,
    .sync_folder = system_sync_folder,
    .list = system_list,
    .read_at = system_read_at,
    .append = system_append,
    .write_at = system_write_at,
    .sync = system_sync,
    .truncate = system_truncate,
    .info = system_info,
    .lock = system_lock,
    .close = system_close,
};
