#include "base/nearest.h"

enum { MAX_LEN = 80, LONGEST_SLIP = 3 };

static size_t least_of(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Optimal string alignment: three rows of the table of distances between prefixes. */
size_t firn_edit_distance(firn_bytes a, firn_bytes b) {
  size_t rows[3][MAX_LEN + 1];
  if (a.len > MAX_LEN || b.len > MAX_LEN) {
    return SIZE_MAX;
  }
  for (size_t j = 0; j <= b.len; j++) {
    rows[0][j] = j;
  }
  for (size_t i = 1; i <= a.len; i++) {
    size_t *row = rows[i % 3];
    const size_t *above = rows[(i + 2) % 3];
    const size_t *above_that = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.len; j++) {
      size_t other = a.data[i - 1] != b.data[j - 1];
      row[j] = least_of(above[j - 1] + other, least_of(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1]) {
        row[j] = least_of(row[j], above_that[j - 2] + other);
      }
    }
  }
  return rows[a.len % 3][b.len];
}

const char *firn_nearest(firn_bytes written, const char *const *names, size_t n) {
  const char *best = NULL;
  /* A third of the letters may be wrong: of three one, of nine or more three. */
  size_t allowed = least_of(written.len / 3 > 0 ? written.len / 3 : 1, LONGEST_SLIP);
  for (size_t i = 0; i < n; i++) {
    size_t distance = names[i] == NULL ? SIZE_MAX : firn_edit_distance(written, firn_bytes_of(names[i]));
    if (distance <= allowed && distance < firn_bytes_of(names[i]).len) {
      best = names[i];
      allowed = distance == 0 ? 0 : distance - 1;
      if (distance == 0) {
        break;
      }
    }
  }
  return best;
}
