#include "db/sqlite_vfs_internal.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"

enum { SECTOR = 4096, PATH_MOST = PATH_MAX };

typedef struct vfs_file vfs_file;

/* What the connections to one file share. Guarded by the lock of the VFS. */
typedef struct shared {
  struct shared *next;
  char *path;
  size_t n_files;
  size_t n_readers;       /* hold SQLITE_LOCK_SHARED or more */
  const vfs_file *writer; /* holds RESERVED or more, or waits for the readers (PENDING) */
  bool is_pending;        /* no new readers */
  size_t n_mapped;        /* files that use the memory below */
  void **regions;
  int n_regions;
  struct {
    unsigned n_shared;
    bool is_exclusive;
  } memory_locks[SQLITE_SHM_NLOCK];
} shared;

struct firn_sqlite_vfs {
  sqlite3_vfs base;
  char name[40];
  firn_env env;
  size_t n_users;       /* guarded by SQLite's static mutex */
  pthread_mutex_t lock; /* guards the list and what is in it */
  shared *files;
};

struct vfs_file {
  sqlite3_file base;
  firn_sqlite_vfs *vfs;
  firn_file *file;
  shared *shared; /* NULL: no main database, nobody else opens it */
  int level;      /* of lock */
  bool is_mapped;
  bool is_new; /* its name is not durable yet */
  uint8_t memory_shared, memory_exclusive;
  char path[];
};

static vfs_file *of(sqlite3_file *f) {
  return (vfs_file *)f;
}

static firn_sqlite_vfs *vfs_of(sqlite3_vfs *base) {
  return base->pAppData;
}

static firn_status sync_folder_of(firn_sqlite_vfs *v, const char *path) {
  char folder[PATH_MOST];
  firn_ctx ctx = FIRN_CTX_INIT(&v->env);
  const char *slash = strrchr(path, '/');
  int len = slash == NULL ? 0 : slash == path ? 1 : (int)(slash - path);
  (void)snprintf(folder, sizeof folder, "%.*s", len, path); /* paths are shorter */
  return firn_folder_sync(&ctx, len == 0 ? "." : folder, NULL);
}

/* ---- reading and writing ---- */

static int vfs_read(sqlite3_file *f, void *into, int len, sqlite3_int64 offset) {
  size_t got;
  if (firn_file_read_at(of(f)->file, (uint64_t)offset, into, (size_t)len, &got, NULL) != FIRN_OK) {
    return SQLITE_IOERR_READ;
  }
  if (got == (size_t)len) {
    return SQLITE_OK;
  }
  memset((uint8_t *)into + got, 0, (size_t)len - got); /* SQLite insists */
  return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset) {
  firn_bytes bytes = {data, (size_t)len};
  return firn_file_write_at(of(f)->file, (uint64_t)offset, bytes, NULL) == FIRN_OK ? SQLITE_OK
                                                                                   : SQLITE_IOERR_WRITE;
}

static int vfs_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return firn_file_truncate(of(f)->file, (uint64_t)size, NULL) == FIRN_OK ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int vfs_sync(sqlite3_file *base, int flags) {
  (void)flags; /* there is one way to sync */
  vfs_file *f = of(base);
  if (firn_file_sync(f->file, NULL) != FIRN_OK) {
    return SQLITE_IOERR_FSYNC;
  }
  if (f->is_new && sync_folder_of(f->vfs, f->path) != FIRN_OK) {
    return SQLITE_IOERR_DIR_FSYNC;
  }
  f->is_new = false;
  return SQLITE_OK;
}

static int vfs_size(sqlite3_file *f, sqlite3_int64 *out) {
  firn_file_info info;
  if (firn_file_info_of(of(f)->file, &info, NULL) != FIRN_OK) {
    return SQLITE_IOERR_FSTAT;
  }
  *out = (sqlite3_int64)info.size_bytes;
  return SQLITE_OK;
}

static int vfs_control(sqlite3_file *f, int what, void *arg) {
  (void)f;
  (void)what;
  (void)arg;
  return SQLITE_NOTFOUND;
}

static int vfs_sector_size(sqlite3_file *f) {
  (void)f;
  return SECTOR;
}

/* What SQLite assumes of every disk by itself: a torn write harms no byte beside it. */
static int vfs_characteristics(sqlite3_file *f) {
  (void)f;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* ---- locks ---- */

static int lock_shared(vfs_file *f, shared *s) {
  if (s->is_pending && s->writer != f) {
    return SQLITE_BUSY;
  }
  s->n_readers++;
  f->level = SQLITE_LOCK_SHARED;
  return SQLITE_OK;
}

static int lock_for_writing(vfs_file *f, shared *s, int level) {
  if (s->writer != NULL && s->writer != f) {
    return SQLITE_BUSY;
  }
  s->writer = f;
  if (level == SQLITE_LOCK_RESERVED) {
    f->level = level;
    return SQLITE_OK;
  }
  s->is_pending = true;
  f->level = s->n_readers > 1 ? SQLITE_LOCK_PENDING : level;
  return s->n_readers > 1 ? SQLITE_BUSY : SQLITE_OK;
}

static int vfs_lock(sqlite3_file *base, int level) {
  vfs_file *f = of(base);
  if (f->shared == NULL || f->level >= level) {
    return SQLITE_OK;
  }
  pthread_mutex_lock(&f->vfs->lock);
  int code = level == SQLITE_LOCK_SHARED ? lock_shared(f, f->shared) : lock_for_writing(f, f->shared, level);
  pthread_mutex_unlock(&f->vfs->lock);
  return code;
}

static int vfs_unlock(sqlite3_file *base, int level) {
  vfs_file *f = of(base);
  shared *s = f->shared;
  if (s == NULL || f->level <= level) {
    return SQLITE_OK;
  }
  pthread_mutex_lock(&f->vfs->lock);
  if (s->writer == f) {
    s->writer = NULL;
    s->is_pending = false;
  }
  if (level == SQLITE_LOCK_NONE) {
    s->n_readers--;
  }
  f->level = level;
  pthread_mutex_unlock(&f->vfs->lock);
  return SQLITE_OK;
}

static int vfs_check_reserved(sqlite3_file *base, int *out) {
  vfs_file *f = of(base);
  *out = 0;
  if (f->shared != NULL) {
    pthread_mutex_lock(&f->vfs->lock);
    *out = f->shared->writer != NULL;
    pthread_mutex_unlock(&f->vfs->lock);
  }
  return SQLITE_OK;
}

/* ---- memory that connections share ---- */

static int add_regions(shared *s, int upto, int size) {
  void **regions = firn_realloc(s->regions, (size_t)upto * sizeof *regions);
  if (regions == NULL) {
    return SQLITE_NOMEM;
  }
  s->regions = regions;
  while (s->n_regions < upto) {
    void *region = firn_alloc((size_t)size);
    if (region == NULL) {
      return SQLITE_NOMEM;
    }
    s->regions[s->n_regions++] = region;
  }
  return SQLITE_OK;
}

static int vfs_map(sqlite3_file *base, int region, int size, int extends, void volatile **out) {
  vfs_file *f = of(base);
  shared *s = f->shared;
  int code = SQLITE_OK;
  pthread_mutex_lock(&f->vfs->lock);
  s->n_mapped += !f->is_mapped;
  f->is_mapped = true;
  if (region >= s->n_regions && extends != 0) {
    code = add_regions(s, region + 1, size);
  }
  *out = region < s->n_regions ? s->regions[region] : NULL;
  pthread_mutex_unlock(&f->vfs->lock);
  return code;
}

static void forget_memory(shared *s) {
  for (int i = 0; i < s->n_regions; i++) {
    firn_free(s->regions[i]);
  }
  firn_free(s->regions);
  s->regions = NULL;
  s->n_regions = 0;
}

/* What is in the memory is made anew from the log, so nothing is kept when nobody uses it. */
static int vfs_unmap(sqlite3_file *base, int deletes) {
  (void)deletes;
  vfs_file *f = of(base);
  pthread_mutex_lock(&f->vfs->lock);
  if (f->is_mapped && --f->shared->n_mapped == 0) {
    forget_memory(f->shared);
  }
  f->is_mapped = false;
  pthread_mutex_unlock(&f->vfs->lock);
  return SQLITE_OK;
}

static bool is_free(const vfs_file *f, int i, bool exclusively) {
  unsigned mine = f->memory_shared >> i & 1U;
  bool is_others = f->shared->memory_locks[i].is_exclusive && (f->memory_exclusive >> i & 1U) == 0;
  return !is_others && (!exclusively || f->shared->memory_locks[i].n_shared == mine);
}

static void set_memory_lock(vfs_file *f, int i, int flags) {
  uint8_t bit = (uint8_t)(1U << i);
  bool locks = (flags & SQLITE_SHM_LOCK) != 0;
  if ((flags & SQLITE_SHM_EXCLUSIVE) != 0) {
    f->shared->memory_locks[i].is_exclusive = locks;
    f->memory_exclusive = (uint8_t)(locks ? f->memory_exclusive | bit : f->memory_exclusive & ~bit);
  } else if (locks == ((f->memory_shared & bit) == 0)) {
    f->shared->memory_locks[i].n_shared += locks ? 1U : -1U;
    f->memory_shared = (uint8_t)(f->memory_shared ^ bit);
  }
}

static int vfs_lock_memory(sqlite3_file *base, int first, int n, int flags) {
  vfs_file *f = of(base);
  bool is_ok = true;
  pthread_mutex_lock(&f->vfs->lock);
  for (int i = first; i < first + n && (flags & SQLITE_SHM_LOCK) != 0; i++) {
    is_ok = is_ok && is_free(f, i, (flags & SQLITE_SHM_EXCLUSIVE) != 0);
  }
  for (int i = first; i < first + n && is_ok; i++) {
    set_memory_lock(f, i, flags);
  }
  pthread_mutex_unlock(&f->vfs->lock);
  return is_ok ? SQLITE_OK : SQLITE_BUSY;
}

static void vfs_barrier(sqlite3_file *base) {
  vfs_file *f = of(base);
  atomic_thread_fence(memory_order_seq_cst);
  pthread_mutex_lock(&f->vfs->lock); /* as SQLite's own do: tools that look for races know it */
  pthread_mutex_unlock(&f->vfs->lock);
}

/* ---- opening and closing ---- */

static shared *find_or_make(firn_sqlite_vfs *v, const char *path) {
  for (shared *s = v->files; s != NULL; s = s->next) {
    if (strcmp(s->path, path) == 0) {
      return s;
    }
  }
  shared *s = firn_alloc(sizeof *s + strlen(path) + 1);
  if (s != NULL) {
    s->path = (char *)(s + 1);
    memcpy(s->path, path, strlen(path) + 1);
    s->next = v->files;
    v->files = s;
  }
  return s;
}

static void leave(firn_sqlite_vfs *v, shared *left) {
  if (--left->n_files > 0) {
    return;
  }
  shared **at = &v->files;
  while (*at != left) {
    at = &(*at)->next;
  }
  *at = left->next;
  forget_memory(left);
  firn_free(left);
}

static int vfs_close(sqlite3_file *base) {
  vfs_file *f = of(base);
  if (f->shared != NULL) {
    (void)vfs_unlock(base, SQLITE_LOCK_NONE); /* cannot fail */
    (void)vfs_unmap(base, 0);                 /* the same */
    pthread_mutex_lock(&f->vfs->lock);
    leave(f->vfs, f->shared);
    pthread_mutex_unlock(&f->vfs->lock);
  }
  firn_file_close(f->file);
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector_size,
    .xDeviceCharacteristics = vfs_characteristics,
    .xShmMap = vfs_map,
    .xShmLock = vfs_lock_memory,
    .xShmBarrier = vfs_barrier,
    .xShmUnmap = vfs_unmap,
};

static int code_of_open(firn_status status) {
  return status == FIRN_NOMEM ? SQLITE_NOMEM : SQLITE_CANTOPEN;
}

static int share(vfs_file *f) {
  pthread_mutex_lock(&f->vfs->lock);
  f->shared = find_or_make(f->vfs, f->path);
  if (f->shared != NULL) {
    f->shared->n_files++;
  }
  pthread_mutex_unlock(&f->vfs->lock);
  return f->shared == NULL ? SQLITE_NOMEM : SQLITE_OK;
}

static int vfs_open(sqlite3_vfs *base, sqlite3_filename path, sqlite3_file *out, int flags, int *out_flags) {
  vfs_file *f = of(out);
  out->pMethods = NULL;
  if (path == NULL) { /* a temporary file; connections are told to keep those in memory */
    return SQLITE_CANTOPEN;
  }
  memset(f, 0, sizeof *f);
  f->vfs = vfs_of(base);
  (void)snprintf(f->path, PATH_MOST, "%s", path); /* vfs_full_path has seen to its length */
  firn_ctx ctx = FIRN_CTX_INIT(&f->vfs->env);
  unsigned how = FIRN_FILE_READ | FIRN_FILE_WRITE | FIRN_FILE_IN_PLACE;
  how |= (flags & SQLITE_OPEN_CREATE) != 0 ? FIRN_FILE_CREATE : 0U;
  how |= (flags & SQLITE_OPEN_EXCLUSIVE) != 0 ? FIRN_FILE_NEW : 0U;
  firn_status status = firn_file_open(&ctx, path, how, &f->file, NULL);
  if (status == FIRN_DENIED) {
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    status = firn_file_open(&ctx, path, FIRN_FILE_READ, &f->file, NULL);
  }
  if (status != FIRN_OK) {
    return code_of_open(status);
  }
  int kinds_with_folder = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  f->is_new = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kinds_with_folder) != 0;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && share(f) != SQLITE_OK) {
    firn_file_close(f->file);
    return SQLITE_NOMEM;
  }
  if (out_flags != NULL) {
    *out_flags = flags;
  }
  out->pMethods = &methods;
  return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int syncs) {
  firn_sqlite_vfs *v = vfs_of(base);
  firn_ctx ctx = FIRN_CTX_INIT(&v->env);
  firn_status status = firn_file_unlink(&ctx, path, NULL);
  if (status != FIRN_OK) {
    return status == FIRN_NOT_FOUND ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  }
  return syncs == 0 || sync_folder_of(v, path) == FIRN_OK ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

/* A journal without content is none. */
static int vfs_access(sqlite3_vfs *base, const char *path, int what, int *out) {
  (void)what; /* who may write is seen when it is opened */
  firn_ctx ctx = FIRN_CTX_INIT(&vfs_of(base)->env);
  firn_file_info info;
  firn_status status = firn_file_stat(&ctx, path, &info, NULL);
  *out = status == FIRN_OK && (!info.is_file || info.size_bytes > 0);
  return status == FIRN_OK || status == FIRN_NOT_FOUND ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

static int vfs_full_path(sqlite3_vfs *base, const char *path, int n_out, char *out) {
  (void)base;
  int len = snprintf(out, (size_t)n_out, "%s", path);
  return len < 0 || len >= n_out || len >= PATH_MOST ? SQLITE_CANTOPEN : SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *base, int len, char *out) {
  const firn_env *env = &vfs_of(base)->env;
  env->random(env->self, out, (size_t)len);
  return len;
}

static int vfs_sleep(sqlite3_vfs *base, int us) {
  const firn_env *env = &vfs_of(base)->env;
  env->sleep_us(env->self, us);
  return us;
}

/* Milliseconds since noon in Greenwich on the 24th of November, 4714 BC. */
static int vfs_now(sqlite3_vfs *base, sqlite3_int64 *out) {
  const firn_env *env = &vfs_of(base)->env;
  *out = INT64_C(210866760000000) + env->now_us(env->self) / 1000;
  return SQLITE_OK;
}

static int vfs_now_in_days(sqlite3_vfs *base, double *out) {
  sqlite3_int64 ms;
  (void)vfs_now(base, &ms); /* cannot fail */
  *out = (double)ms / 86400000.0;
  return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *base, int n, char *out) {
  (void)base;
  if (n > 0) {
    out[0] = '\0';
  }
  return 0;
}

/* ---- registering ---- */

static firn_status make(const firn_env *env, const char *name, firn_sqlite_vfs **out, firn_error *err) {
  firn_sqlite_vfs *v = firn_alloc(sizeof *v);
  if (v == NULL || pthread_mutex_init(&v->lock, NULL) != 0) {
    firn_free(v);
    return firn_error_set(err, FIRN_NOMEM, "no memory for SQLite's files");
  }
  (void)snprintf(v->name, sizeof v->name, "%s", name);
  v->env = *env;
  v->base = (sqlite3_vfs){
      .iVersion = 2,
      .szOsFile = (int)(sizeof(vfs_file) + PATH_MOST),
      .mxPathname = PATH_MOST - 1,
      .zName = v->name,
      .pAppData = v,
      .xOpen = vfs_open,
      .xDelete = vfs_delete,
      .xAccess = vfs_access,
      .xFullPathname = vfs_full_path,
      .xRandomness = vfs_random,
      .xSleep = vfs_sleep,
      .xCurrentTime = vfs_now_in_days,
      .xGetLastError = vfs_last_error,
      .xCurrentTimeInt64 = vfs_now,
  };
  (void)sqlite3_vfs_register(&v->base, 0); /* SQLite is initialized: nothing can go wrong */
  *out = v;
  return FIRN_OK;
}

static sqlite3_mutex *registry(void) {
  return sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_APP1); /* nothing is allocated for a static one */
}

firn_status firn_sqlite_vfs_open(const firn_env *env, firn_sqlite_vfs **out, firn_error *err) {
  *out = NULL;
  if (env->files == NULL || env->files == &firn_file_ops_system) {
    return FIRN_OK;
  }
  if (sqlite3_initialize() != SQLITE_OK) {
    return firn_error_set(err, FIRN_NOMEM, "SQLite cannot be initialized");
  }
  char name[40];
  (void)snprintf(name, sizeof name, "firn-%p", (const void *)env->files);
  firn_status status = FIRN_OK;
  sqlite3_mutex_enter(registry());
  sqlite3_vfs *known = sqlite3_vfs_find(name);
  firn_sqlite_vfs *v = known != NULL ? vfs_of(known) : NULL;
  if (v == NULL) {
    status = make(env, name, &v, err);
  }
  if (status == FIRN_OK) {
    v->n_users++;
    *out = v;
  }
  sqlite3_mutex_leave(registry());
  return status;
}

const char *firn_sqlite_vfs_name(const firn_sqlite_vfs *v) {
  return v == NULL ? NULL : v->name;
}

void firn_sqlite_vfs_close(firn_sqlite_vfs *v) {
  if (v == NULL) {
    return;
  }
  sqlite3_mutex_enter(registry());
  bool is_last = --v->n_users == 0;
  if (is_last) {
    (void)sqlite3_vfs_unregister(&v->base); /* it is registered: nothing can go wrong */
  }
  sqlite3_mutex_leave(registry());
  if (is_last) {
    pthread_mutex_destroy(&v->lock);
    firn_free(v);
  }
}
