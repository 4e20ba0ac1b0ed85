/* The name that somebody probably meant. */
#ifndef FIRN_BASE_NEAREST_H
#define FIRN_BASE_NEAREST_H

#include "base/bytes.h"

/* How many letters must be put in, left out, replaced or swapped with their neighbour to make one of the
 * other; SIZE_MAX when either is longer than 80 bytes. */
size_t firn_edit_distance(firn_bytes a, firn_bytes b);

/* Of `names`, the one nearest to `written`, the first of several; NULL when none is so near that it could be
 * a slip. NULL names are passed over. */
const char *firn_nearest(firn_bytes written, const char *const *names, size_t n);

#endif
