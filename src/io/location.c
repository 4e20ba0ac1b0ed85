#include <string.h>

#include "io/stores.h"

/* The length of a path without its last part and the slash before it. */
static size_t without_last_part(const char *path, size_t len) {
  while (len > 0 && path[len - 1] != '/') {
    len--;
  }
  return len > 0 ? len - 1 : 0;
}

/* An absolute path without the parts "", "." and "..", which stores refuse. */
static const char *tidy_path(const char *path, firn_arena *arena) {
  char *out = firn_arena_printf(arena, "%s/", path);
  size_t len = 0;
  for (const char *at = path; out != NULL && *at != '\0';) {
    size_t n = strcspn(at, "/");
    if (n == 2 && memcmp(at, "..", 2) == 0) {
      len = without_last_part(out, len);
    } else if (n > 0 && !(n == 1 && at[0] == '.')) {
      out[len++] = '/';
      memcpy(out + len, at, n);
      len += n;
    }
    at += n + (at[n] == '/');
  }
  if (out != NULL) {
    memcpy(out + len, len == 0 ? "/" : "", len == 0 ? 2 : 1);
  }
  return out;
}

const char *firn_location_absolute(const char *folder, const char *location, firn_arena *arena) {
  static const char bare_file[] = "file:/"; /* as Hadoop writes it */
  if (strstr(location, "://") != NULL) {
    return location;
  }
  if (strncmp(location, bare_file, sizeof bare_file - 1) == 0) {
    location += sizeof bare_file - 2;
  }
  if (location[0] == '/') {
    return tidy_path(location, arena);
  }
  const char *path = folder == NULL ? NULL : firn_arena_printf(arena, "%s/%s", folder, location);
  return path == NULL ? NULL : tidy_path(path, arena);
}
