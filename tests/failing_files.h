/* Files that fail when they are told to: a table over another one (the system's), which counts what is asked
 * of it.
 *
 *   failing_files files = {0};
 *   failing_files_init(&files, test_ctx());
 *   for (size_t n = 0;; n++) {
 *     failing_files_fail(&files, n, 1);
 *     status = body(&files.ctx);
 *     if (!failing_files_has_failed(&files)) break;
 *   }
 *
 * Closing never fails and is not counted. Threads may share it while nobody tells it anything. */
#ifndef FIRN_TESTS_FAILING_FILES_H
#define FIRN_TESTS_FAILING_FILES_H

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/file.h"

typedef struct failing_files {
  firn_file_ops ops;
  firn_env env;
  firn_ctx ctx; /* over these files */
  const firn_file_ops *inner;
  _Atomic size_t n_calls;
  size_t fail_at, n_failing;
  const char *only;       /* counts calls of this name alone ("append", "sync", ...); NULL: all */
  firn_status status;     /* the answer; FIRN_OK stands for FIRN_IO */
  bool tears;             /* a failing append or write has written half */
  bool does_it_anyway;    /* what fails has been done */
  bool skips_sync;        /* syncs succeed and do nothing: for tests of many openings */
  _Atomic size_t n_syncs; /* of files */
} failing_files;

typedef struct failing_file {
  firn_file base;
  firn_file *inner;
  failing_files *files;
} failing_file;

static inline bool failing_now(failing_files *f, const char *what) {
  if (f->only != NULL && strcmp(f->only, what) != 0) {
    return false;
  }
  size_t call = atomic_fetch_add(&f->n_calls, 1);
  return call >= f->fail_at && call - f->fail_at < f->n_failing;
}

static inline firn_status failing_answer(const failing_files *f, firn_error *e) {
  return firn_error_set(e, f->status == FIRN_OK ? FIRN_IO : f->status, "injected fault");
}

/* Does `call`, or fails, or both. */
#define FAILING_DO(files, what, call, e)                                \
  do {                                                                  \
    failing_files *failing_ = (files);                                  \
    if (!failing_now(failing_, (what))) {                               \
      return (call);                                                    \
    }                                                                   \
    if (failing_->does_it_anyway) {                                     \
      FIRN_IGNORE(call); /* the answer is the fault's in either case */ \
    }                                                                   \
    return failing_answer(failing_, (e));                               \
  } while (0)

static inline failing_files *failing_of(firn_file *file) {
  return ((failing_file *)file)->files;
}
static inline firn_file *failing_inner(firn_file *file) {
  return ((failing_file *)file)->inner;
}

static inline firn_status failing_open(void *self, const char *path, unsigned flags, firn_file **out,
                                       firn_error *e) {
  failing_files *f = self;
  if (failing_now(f, (flags & FIRN_FILE_NEW) != 0 ? "new" : "open")) {
    return failing_answer(f, e);
  }
  failing_file *file = firn_alloc(sizeof *file);
  if (file == NULL) {
    return firn_error_set(e, FIRN_NOMEM, "no memory for an open file");
  }
  firn_status status = f->inner->open(f->inner->self, path, flags, &file->inner, e);
  if (status != FIRN_OK) {
    firn_free(file);
    return status;
  }
  file->files = f;
  file->base.ops = &f->ops;
  *out = &file->base;
  return FIRN_OK;
}

static inline firn_status failing_stat(void *self, const char *path, firn_file_info *out, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "stat", f->inner->stat(f->inner->self, path, out, e), e);
}
static inline firn_status failing_rename(void *self, const char *from, const char *to, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "rename", f->inner->rename(f->inner->self, from, to, e), e);
}
static inline firn_status failing_link(void *self, const char *from, const char *to, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "link", f->inner->link(f->inner->self, from, to, e), e);
}
static inline firn_status failing_unlink(void *self, const char *path, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "unlink", f->inner->unlink(f->inner->self, path, e), e);
}
static inline firn_status failing_make_folder(void *self, const char *path, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "mkdir", f->inner->make_folder(f->inner->self, path, e), e);
}
static inline firn_status failing_remove_folder(void *self, const char *path, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "rmdir", f->inner->remove_folder(f->inner->self, path, e), e);
}
static inline firn_status failing_sync_folder(void *self, const char *path, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "sync-folder", f->skips_sync ? FIRN_OK : f->inner->sync_folder(f->inner->self, path, e), e);
}
static inline firn_status failing_list(void *self, const char *path, firn_arena *arena, firn_file_name **out,
                                       size_t *n, firn_error *e) {
  failing_files *f = self;
  FAILING_DO(f, "list", f->inner->list(f->inner->self, path, arena, out, n, e), e);
}

static inline firn_status failing_read_at(firn_file *file, uint64_t offset, void *into, size_t len,
                                          size_t *got, firn_error *e) {
  firn_file *inner = failing_inner(file);
  FAILING_DO(failing_of(file), "read", inner->ops->read_at(inner, offset, into, len, got, e), e);
}
static inline firn_status failing_append(firn_file *file, firn_bytes data, firn_error *e) {
  firn_file *inner = failing_inner(file);
  failing_files *f = failing_of(file);
  if (!failing_now(f, "append")) {
    return inner->ops->append(inner, data, e);
  }
  if (f->tears || f->does_it_anyway) {
    FIRN_IGNORE(
        inner->ops->append(inner, firn_bytes_part(data, 0, f->tears ? data.len / 2 : data.len), NULL));
  }
  return failing_answer(f, e);
}
static inline firn_status failing_write_at(firn_file *file, uint64_t offset, firn_bytes data, firn_error *e) {
  firn_file *inner = failing_inner(file);
  failing_files *f = failing_of(file);
  if (!failing_now(f, "write")) {
    return inner->ops->write_at(inner, offset, data, e);
  }
  if (f->tears || f->does_it_anyway) {
    firn_bytes part = firn_bytes_part(data, 0, f->tears ? data.len / 2 : data.len);
    FIRN_IGNORE(inner->ops->write_at(inner, offset, part, NULL));
  }
  return failing_answer(f, e);
}
static inline firn_status failing_sync(firn_file *file, firn_error *e) {
  firn_file *inner = failing_inner(file);
  failing_files *f = failing_of(file);
  atomic_fetch_add(&f->n_syncs, 1);
  FAILING_DO(f, "sync", f->skips_sync ? FIRN_OK : inner->ops->sync(inner, e), e);
}
static inline firn_status failing_truncate(firn_file *file, uint64_t size, firn_error *e) {
  firn_file *inner = failing_inner(file);
  FAILING_DO(failing_of(file), "truncate", inner->ops->truncate(inner, size, e), e);
}
static inline firn_status failing_info(firn_file *file, firn_file_info *out, firn_error *e) {
  firn_file *inner = failing_inner(file);
  FAILING_DO(failing_of(file), "info", inner->ops->info(inner, out, e), e);
}
static inline firn_status failing_lock(firn_file *file, bool wait, firn_error *e) {
  firn_file *inner = failing_inner(file);
  FAILING_DO(failing_of(file), "lock", inner->ops->lock(inner, wait, e), e);
}
static inline void failing_close(firn_file *file) {
  firn_file *inner = failing_inner(file);
  inner->ops->close(inner);
  firn_free(file);
}

/* Calls from `at` on (counted from 0), `n` of them, fail: SIZE_MAX as after a crash. */
static inline void failing_files_fail(failing_files *f, size_t at, size_t n) {
  f->n_calls = 0;
  f->fail_at = at;
  f->n_failing = n;
}
static inline bool failing_files_has_failed(failing_files *f) {
  return f->n_failing > 0 && f->n_calls > f->fail_at;
}

/* Nothing fails yet. Over the files of `ctx`, whose clock and random numbers stay. */
static inline void failing_files_init(failing_files *f, const firn_ctx *ctx) {
  *f = (failing_files){.inner = ctx->env->files != NULL ? ctx->env->files : &firn_file_ops_system};
  f->ops = (firn_file_ops){.self = f,
                           .open = failing_open,
                           .stat = failing_stat,
                           .rename = failing_rename,
                           .link = failing_link,
                           .unlink = failing_unlink,
                           .make_folder = failing_make_folder,
                           .remove_folder = failing_remove_folder,
                           .sync_folder = failing_sync_folder,
                           .list = failing_list,
                           .read_at = failing_read_at,
                           .append = failing_append,
                           .write_at = failing_write_at,
                           .sync = failing_sync,
                           .truncate = failing_truncate,
                           .info = failing_info,
                           .lock = failing_lock,
                           .close = failing_close};
  f->env = *ctx->env;
  f->env.files = &f->ops;
  f->ctx = *ctx;
  f->ctx.env = &f->env;
}

#endif
