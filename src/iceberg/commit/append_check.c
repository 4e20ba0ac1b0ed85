#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "iceberg/commit/append_internal.h"

static int compare_texts(const void *a, const void *b) {
  const char *left, *right;
  memcpy(&left, a, sizeof left);
  memcpy(&right, b, sizeof right);
  return strcmp(left, right);
}

/* A path twice in one snapshot is a row twice in the table. */
static firn_status check_paths(const firn_append *append, firn_error *err) {
  const char **paths FIRN_AUTO(firn_free_pointer) = firn_alloc((append->n_files + 1) * sizeof *paths);
  if (paths == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for %zu paths", append->n_files);
  }
  for (size_t i = 0; i < append->n_files; i++) {
    paths[i] = append->files[i].path;
  }
  qsort(paths, append->n_files, sizeof *paths, compare_texts);
  for (size_t i = 1; i < append->n_files; i++) {
    if (strcmp(paths[i - 1], paths[i]) == 0) {
      return firn_error_set(err, FIRN_INVALID, "the file %s is in this append twice", paths[i]);
    }
  }
  return FIRN_OK;
}

static firn_status check_file(const firn_data_file *file, const firn_metadata *base, firn_error *err) {
  if (file->path == NULL || file->path[0] == '\0') {
    return firn_error_set(err, FIRN_INVALID, "a data file has no path");
  }
  if (file->content != FIRN_CONTENT_DATA) {
    return firn_error_set(err, FIRN_INVALID, "%s holds deletes: an append takes data files", file->path);
  }
  if (file->record_count < 0 || file->size_bytes < 0) {
    return firn_error_set(err, FIRN_INVALID, "%s: %" PRId64 " records in %" PRId64 " bytes", file->path,
                          file->record_count, file->size_bytes);
  }
  const firn_partition_spec *spec = firn_metadata_spec(base, file->spec_id);
  if (spec == NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s: the table has no partition spec %" PRId32, file->path,
                          file->spec_id);
  }
  if (spec->n_fields > 0 && file->partition == NULL) {
    return firn_error_set(err, FIRN_INVALID, "%s has no partition values", file->path);
  }
  return FIRN_OK;
}

static firn_status check_table(const firn_append *append, const firn_metadata *base, firn_error *err) {
  if (firn_metadata_get(base)->format_version != 2) {
    return firn_error_set(err, FIRN_UNSUPPORTED,
                          "the table has format version %" PRId32
                          ", which is read but not written; version 1 can be upgraded to 2",
                          firn_metadata_get(base)->format_version);
  }
  const firn_ref *ref = append->branch == NULL ? NULL : firn_metadata_ref_named(base, append->branch);
  if (ref != NULL && !ref->is_branch) {
    return firn_error_set(err, FIRN_INVALID, "%s is a tag, and only branches take appends", append->branch);
  }
  return FIRN_OK;
}

firn_status firn_append_check(const firn_append *append, const firn_metadata *base, firn_error *err) {
  FIRN_TRY(check_table(append, base, err));
  for (size_t i = 0; i < append->summary.n; i++) {
    if (firn_append_makes_key(append->summary.items[i].key)) {
      return firn_error_set(err, FIRN_INVALID, "the commit itself writes %s into the summary",
                            append->summary.items[i].key);
    }
  }
  for (size_t i = 0; i < append->n_files; i++) {
    FIRN_TRY(check_file(&append->files[i], base, err));
  }
  return check_paths(append, err);
}
