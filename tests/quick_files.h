/* The system's files without waiting for the disk, for tests that are not about losing power. */
#ifndef FIRN_TESTS_QUICK_FILES_H
#define FIRN_TESTS_QUICK_FILES_H

#include "base/file.h"

static firn_status quick_open(void *self, const char *path, unsigned flags, firn_file **out, firn_error *err);

static firn_status quick_sync(firn_file *file, firn_error *err) {
  (void)file;
  (void)err;
  return FIRN_OK;
}

static firn_status quick_sync_folder(void *self, const char *path, firn_error *err) {
  (void)self;
  (void)path;
  (void)err;
  return FIRN_OK;
}

static const firn_file_ops *quick_files(void) {
  static firn_file_ops ops;
  ops = firn_file_ops_system;
  ops.open = quick_open;
  ops.sync = quick_sync;
  ops.sync_folder = quick_sync_folder;
  return &ops;
}

static firn_status quick_open(void *self, const char *path, unsigned flags, firn_file **out,
                              firn_error *err) {
  FIRN_TRY(firn_file_ops_system.open(self, path, flags, out, err));
  (*out)->ops = quick_files();
  return FIRN_OK;
}

#endif
