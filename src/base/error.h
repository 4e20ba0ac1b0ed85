/* Errors: a status says what the caller can do, a text says what happened.
 *
 * The firn_error lives on the caller's stack and costs no allocation; every `err` may be NULL. A person reads
 * the text as one sentence, from the outermost deed to the innermost fact: scanning db.events: manifest
 * s3://b/m7.avro: block 3: sync marker does not match Quote paths and numbers, never secrets or values of
 * rows. */
#ifndef FIRN_BASE_ERROR_H
#define FIRN_BASE_ERROR_H

#include "base/macros.h"

typedef enum firn_status {
  FIRN_OK = 0,
  FIRN_INVALID,     /* the caller asked for something that makes no sense */
  FIRN_NOT_FOUND,   /* no such table, file, column, ... */
  FIRN_EXISTS,      /* it is already there */
  FIRN_CONFLICT,    /* someone else won the race: reload and try again */
  FIRN_UNCERTAIN,   /* a write may or may not have happened: look before trying again */
  FIRN_CORRUPT,     /* the bytes break the format */
  FIRN_UNSUPPORTED, /* valid, but we do not do it (yet) */
  FIRN_DENIED,      /* not allowed */
  FIRN_BUSY,        /* throttled or overloaded: wait, then try again */
  FIRN_TIMEOUT,
  FIRN_CANCELLED,
  FIRN_LIMIT, /* larger than a bound that was set */
  FIRN_IO,
  FIRN_NOMEM
} firn_status;

typedef struct firn_error {
  firn_status status;
  char text[504]; /* always terminated; cut with "..." when too long */
} firn_error;

/* firn_error_set(err, status, format, ...) fills `err` (may be NULL) and gives `status` back. */
#define firn_error_set(err, status, ...)                                                           \
  __extension__({                                                                                  \
    firn_status given_ = (status);                                                                 \
    firn_error_write((err), given_, __VA_ARGS__);                                                  \
    given_; /* known here to be what it was: the compiler then sees that a failure was returned */ \
  })

/* firn_error_while(err, status, doing, ...) puts what was being done before the text that is already there
 * ("DOING: TEXT") and gives `status` back. */
#define firn_error_while(err, status, ...)         \
  __extension__({                                  \
    firn_status given_ = (status);                 \
    firn_error_prefix((err), given_, __VA_ARGS__); \
    given_;                                        \
  })

/* What the two do; call those. */
void firn_error_write(firn_error *err, firn_status status, const char *format, ...) FIRN_PRINTF(3, 4);
void firn_error_prefix(firn_error *err, firn_status status, const char *doing, ...) FIRN_PRINTF(3, 4);

/* "FIRN_CORRUPT" and so on, for logs and tests. */
const char *firn_status_name(firn_status status);

/* Passes a failure up as it is. The only macro that hides a `return`. */
#define FIRN_TRY(call)                \
  do {                                \
    firn_status try_status_ = (call); \
    if (try_status_ != FIRN_OK) {     \
      return try_status_;             \
    }                                 \
  } while (0)

#endif
