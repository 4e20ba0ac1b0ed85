/* A catalog in whose calls other things happen: what would be another thread's, or another process's, doing
 * between two steps of a commit. Everything else is the inner catalog's. */
#ifndef FIRN_TESTS_INTERLEAVED_H
#define FIRN_TESTS_INTERLEAVED_H

#include "iceberg/commit/catalog.h"

/* `inner` is borrowed. `happen` is called before each call that loads or commits a table. */
FIRN_MUST_USE firn_status interleaved_open(firn_catalog *inner, void (*happen)(void *arg), void *arg,
                                           firn_catalog **out, firn_error *err);

#endif
