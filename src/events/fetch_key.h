/* The key of one row of an archive: "<path relative to the warehouse>#<row, counted from 0>", split at the
 * last '#'. A key without '#' names a legacy JSON object.
 *
 * Keys come from outside and are read as hostile: empty parts, `.` and `..`, absolute paths, URIs of other
 * places, control bytes, text that is no UTF-8, and rows that are not written as a number is written (digits,
 * no zero in front) are refused, so that a key that was taken never leads out of the warehouse and one row
 * has one key. Pure functions; nothing is allocated but what says so. */
#ifndef FIRN_EVENTS_FETCH_KEY_H
#define FIRN_EVENTS_FETCH_KEY_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"

enum { FIRN_FETCH_KEY_MAX = 2048 /* bytes; longer than any path of a store with its row */ };

typedef struct firn_fetch_key {
  firn_bytes path; /* borrowed from the text */
  bool is_legacy;  /* no '#': path is the name of an object */
  int64_t row;
} firn_fetch_key;

/* A key that begins with the warehouse's own location ("s3://bucket/warehouse/...", as older writers made
 * them) is taken as relative to it; `warehouse` may be NULL. FIRN_INVALID says what is wrong. */
FIRN_MUST_USE firn_status firn_fetch_key_parse(firn_bytes text, const char *warehouse, firn_fetch_key *out,
                                               firn_error *err);
/* The path of a file below the warehouse; FIRN_INVALID when it lies elsewhere. Borrowed from `location`. */
FIRN_MUST_USE firn_status firn_fetch_key_path(const char *location, const char *warehouse, firn_bytes *out,
                                              firn_error *err);
/* In `arena`; NULL: no memory. */
const char *firn_fetch_key_text(firn_bytes path, int64_t row, firn_arena *arena);

#endif
