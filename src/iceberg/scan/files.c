#include "iceberg/scan/files.h"

#include <inttypes.h>

#include "base/alloc.h"

enum { MANIFEST_MAX = 256 << 20, LIST_MAX = 256 << 20 };

struct firn_files {
  const firn_metadata *metadata;
  firn_stores *stores;
  firn_moved moved;
  firn_arena arena; /* the manifests of the snapshot */
  const firn_manifest_file *manifests;
  size_t n_manifests, next_manifest;
  firn_arena manifest_arena; /* the bytes of the one being read */
  firn_bytes rest;
  const char *path;
  firn_manifest_reader *reader;
  int64_t row_estimate; /* -1: unknown */
  int64_t rows_passed;
};

static const firn_expr every_row = {.op = FIRN_EXPR_TRUE};

/* Old v1 snapshots name their manifests one by one. Spec: Snapshots, `manifests`. */
static firn_status inline_manifests(const firn_snapshot *snapshot, firn_arena *arena,
                                    const firn_manifest_file **out, size_t *n, firn_error *err) {
  firn_manifest_file *files = firn_new_n(arena, firn_manifest_file, snapshot->n_manifests);
  if (files == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", snapshot->n_manifests);
  }
  for (size_t i = 0; i < snapshot->n_manifests; i++) {
    files[i] = (firn_manifest_file){
        .path = snapshot->manifests[i], .spec_id = -1, .added_snapshot_id = snapshot->snapshot_id};
  }
  *out = files;
  *n = snapshot->n_manifests;
  return FIRN_OK;
}

static firn_status read_list(firn_bytes bytes, firn_ctx *ctx, firn_arena *arena,
                             const firn_manifest_file **out, size_t *n, firn_error *err) {
  FIRN_AUTO_MANIFEST_LIST_READER *reader = NULL;
  FIRN_TRY(firn_manifest_list_open(firn_avro_source_over(&bytes), ctx, &reader, err));
  firn_manifest_file *files = NULL;
  size_t count = 0;
  size_t capacity = 0;
  for (;;) {
    const firn_manifest_file *file;
    FIRN_TRY(firn_manifest_list_next(reader, ctx, &file, err));
    if (file == NULL) {
      break;
    }
    files = firn_arena_grow(arena, files, count, &capacity, sizeof *files);
    if (files == NULL) {
      return firn_error_set(err, FIRN_NOMEM, "no memory for %zu manifests", count);
    }
    FIRN_TRY(firn_manifest_file_copy(file, arena, &files[count++], err));
  }
  *out = files;
  *n = count;
  return FIRN_OK;
}

firn_status firn_snapshot_manifests(const firn_snapshot *snapshot, firn_stores *stores,
                                    const firn_moved *moved, firn_ctx *ctx, firn_arena *arena,
                                    const firn_manifest_file **out, size_t *n, firn_error *err) {
  if (snapshot->manifest_list == NULL) {
    return inline_manifests(snapshot, arena, out, n, err);
  }
  FIRN_AUTO_ARENA bytes_arena = FIRN_ARENA_INIT(0);
  firn_bytes bytes;
  firn_status status =
      firn_object_read(stores, moved, ctx, snapshot->manifest_list, LIST_MAX, &bytes_arena, &bytes, err);
  if (status == FIRN_OK) {
    status = read_list(bytes, ctx, arena, out, n, err);
  }
  if (status != FIRN_OK) {
    return firn_error_while(err, status, "manifest list %s", snapshot->manifest_list);
  }
  return FIRN_OK;
}

static int64_t estimate_rows(const firn_files *f) {
  int64_t sum = 0;
  for (size_t i = 0; i < f->n_manifests; i++) {
    const firn_manifest_file *m = &f->manifests[i];
    if (!m->is_deletes && (!m->has_counts || __builtin_add_overflow(sum, m->n_added_rows, &sum) ||
                           __builtin_add_overflow(sum, m->n_existing_rows, &sum))) {
      return -1;
    }
  }
  return sum;
}

firn_status firn_files_open(const firn_files_options *options, firn_ctx *ctx, firn_files **out,
                            firn_error *err) {
  if (options->filter != NULL || options->is_incremental) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "filters and incremental scans are not built yet");
  }
  FIRN_AUTO_FILES *f = firn_alloc(sizeof *f);
  if (f == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory to list data files");
  }
  f->metadata = options->metadata;
  f->stores = options->stores;
  f->moved = options->moved == NULL ? (firn_moved){0} : *options->moved;
  if (options->snapshot != NULL) {
    FIRN_TRY(firn_snapshot_manifests(options->snapshot, options->stores, options->moved, ctx, &f->arena,
                                     &f->manifests, &f->n_manifests, err));
  }
  for (size_t i = 0; i < f->n_manifests; i++) {
    if (f->manifests[i].is_deletes && (!f->manifests[i].has_counts || f->manifests[i].n_added_files > 0 ||
                                       f->manifests[i].n_existing_files > 0)) {
      return firn_error_set(err, FIRN_UNSUPPORTED,
                            "snapshot %" PRId64 " has delete files, which are not applied yet: manifest %s",
                            options->snapshot->snapshot_id, f->manifests[i].path);
    }
  }
  f->row_estimate = estimate_rows(f);
  *out = FIRN_HAND_OVER(f);
  return FIRN_OK;
}

static firn_status open_manifest(firn_files *f, firn_ctx *ctx, const firn_manifest_file *manifest,
                                 firn_error *err) {
  firn_arena_reset(&f->manifest_arena);
  f->path = manifest->path;
  FIRN_TRY(firn_object_read(f->stores, &f->moved, ctx, manifest->path, MANIFEST_MAX, &f->manifest_arena,
                            &f->rest, err));
  return firn_manifest_open(firn_avro_source_over(&f->rest), ctx, manifest, f->metadata, &f->reader, err);
}

static firn_status next_entry(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out,
                              firn_error *err) {
  for (;;) {
    FIRN_TRY(firn_manifest_next(f->reader, ctx, out, err));
    if (*out == NULL) {
      firn_manifest_close(f->reader);
      f->reader = NULL;
      return FIRN_OK;
    }
    if ((*out)->status == FIRN_ENTRY_DELETED) {
      continue;
    }
    if ((*out)->file.content != FIRN_CONTENT_DATA) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "%s is a delete file, which is not applied yet",
                            (*out)->file.path);
    }
    int64_t passed;
    f->rows_passed =
        __builtin_add_overflow(f->rows_passed, (*out)->file.record_count, &passed) ? INT64_MAX : passed;
    return FIRN_OK;
  }
}

firn_status firn_files_next(firn_files *f, firn_ctx *ctx, const firn_manifest_entry **out, firn_error *err) {
  *out = NULL;
  while (*out == NULL) {
    FIRN_TRY(firn_ctx_check(ctx, err));
    firn_status status = FIRN_OK;
    if (f->reader == NULL) {
      if (f->next_manifest == f->n_manifests) {
        return FIRN_OK;
      }
      const firn_manifest_file *manifest = &f->manifests[f->next_manifest++];
      if (manifest->is_deletes) {
        continue;
      }
      status = open_manifest(f, ctx, manifest, err);
    }
    if (status == FIRN_OK) {
      status = next_entry(f, ctx, out, err);
    }
    if (status != FIRN_OK) {
      return firn_error_while(err, status, "manifest %s", f->path);
    }
  }
  return FIRN_OK;
}

firn_status firn_files_residual(firn_files *f, firn_arena *arena, const firn_expr **out, firn_error *err) {
  (void)f;
  (void)arena;
  (void)err;
  *out = &every_row;
  return FIRN_OK;
}

const firn_partition_spec *firn_files_spec(const firn_files *f) {
  return firn_manifest_spec(f->reader);
}

int64_t firn_files_row_estimate(const firn_files *f) {
  return f->row_estimate;
}

double firn_files_progress(const firn_files *f) {
  if (f->next_manifest == f->n_manifests && f->reader == NULL) {
    return 1;
  }
  double done = f->row_estimate > 0 ? (double)f->rows_passed / (double)f->row_estimate
                                    : (double)f->next_manifest / (double)(f->n_manifests + 1);
  return done < 1 ? done : 1;
}

void firn_files_close(firn_files *f) {
  if (f == NULL) {
    return;
  }
  firn_manifest_close(f->reader);
  firn_arena_free(&f->manifest_arena);
  firn_arena_free(&f->arena);
  firn_free(f);
}

void firn_files_close_pointer(firn_files **f) {
  firn_files_close(*f);
}
