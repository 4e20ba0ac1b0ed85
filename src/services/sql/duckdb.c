#include "services/sql/duckdb_internal.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION_WANTED "v1.5."
#define REMEDY \
  "`tools/setup sql` fetches DuckDB 1.5.5, the option --duckdb or FIRN_DUCKDB names another place"

static const char *const function_names[] = {
#define DUCK_NAME(gives, name, parameters) "duckdb_" #name,
    DUCK_FUNCTIONS(DUCK_NAME)};

_Static_assert(sizeof(duck_api) == sizeof function_names, "a pointer for each function, nothing else");

/* The one mutable global here: the engine hands its callbacks nothing by which they could find the table, and
 * a library of threads and static objects cannot be unloaded anyway. Filled once, under the mutex. */
static struct {
  pthread_mutex_t mutex;
  void *library;
  duck_api api;
} loaded = {.mutex = PTHREAD_MUTEX_INITIALIZER};

const duck_api *firn_duck_api(void) {
  return &loaded.api;
}

static firn_status look_up(void *library, const char *path, duck_api *out, firn_error *err) {
  for (size_t i = 0; i < FIRN_COUNT_OF(function_names); i++) {
    void *at = dlsym(library, function_names[i]);
    if (at == NULL) {
      return firn_error_set(err, FIRN_UNSUPPORTED, "%s lacks the function %s: it is no DuckDB 1.5; " REMEDY,
                            path, function_names[i]);
    }
    memcpy((char *)out + i * sizeof at, &at, sizeof at); /* C has no cast from data to functions */
  }
  const char *version = out->library_version();
  if (version == NULL || strncmp(version, VERSION_WANTED, strlen(VERSION_WANTED)) != 0) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s is DuckDB %s, and firn knows the 1.5 line only; " REMEDY,
                          path, version == NULL ? "of no version" : version);
  }
  return FIRN_OK;
}

/* RTLD_NODELETE: static objects of a C++ library with threads must not vanish under them. */
static void *open_library(const char *path) {
  return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* "FOLDER OF THE PROGRAM/below" when there is such a file. */
static bool beside_program(const char *below, char *out, size_t size) {
  char program[PATH_MAX];
  ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
  if (len <= 0) {
    return false;
  }
  program[len] = '\0';
  char *slash = strrchr(program, '/');
  if (slash == NULL) {
    return false;
  }
  *slash = '\0';
  int written = snprintf(out, size, "%s/%s", program, below);
  return written > 0 && (size_t)written < size && access(out, R_OK) == 0;
}

static void *open_found(const char *path) {
  static const char *const places[] = {"libduckdb.so", "../lib/libduckdb.so"};
  if (path != NULL) {
    return open_library(path);
  }
  for (size_t i = 0; i < FIRN_COUNT_OF(places); i++) {
    char found[PATH_MAX + 32];
    if (beside_program(places[i], found, sizeof found)) {
      return open_library(found);
    }
  }
  return open_library("libduckdb.so");
}

static firn_status keep(void *library, const char *path, firn_error *err) {
  if (loaded.library == library) {
    return FIRN_OK;
  }
  if (loaded.library != NULL) {
    return firn_error_set(err, FIRN_UNSUPPORTED, "%s: another DuckDB is open in this program", path);
  }
  duck_api api;
  FIRN_TRY(look_up(library, path, &api, err));
  loaded.api = api;
  loaded.library = library;
  return FIRN_OK;
}

firn_status firn_duck_api_load(const char *path, const duck_api **out, firn_error *err) {
  void *library = open_found(path);
  if (library == NULL) {
    const char *why = dlerror();
    return firn_error_set(err, FIRN_NOT_FOUND, "opening DuckDB, which answers SQL: %s; " REMEDY,
                          why == NULL ? "no reason is known" : why);
  }
  (void)pthread_mutex_lock(&loaded.mutex);
  firn_status status = keep(library, path == NULL ? "libduckdb.so" : path, err);
  (void)pthread_mutex_unlock(&loaded.mutex);
  (void)dlclose(library); /* it stays, see RTLD_NODELETE */
  FIRN_TRY(status);
  *out = &loaded.api;
  return FIRN_OK;
}
