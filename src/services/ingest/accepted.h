/* What the event journal holds: one record for each accepted request, as it came.
 *
 *   version (1 byte), mode (1 byte), time of arrival (8 bytes, us), number of events (4 bytes),
 *   fingerprint (8 bytes), idempotency key, client's address, headers (binary mode: their count, then name
 * and value of each), body
 *
 * Texts and counts have a length of 4 bytes before them, only the body goes to the end of the record; an
 * idempotency key that was not given has length 0xFFFFFFFF. Numbers are little-endian. */
#ifndef FIRN_SERVICES_INGEST_ACCEPTED_H
#define FIRN_SERVICES_INGEST_ACCEPTED_H

#include "base/arena.h"
#include "base/builder.h"
#include "events/event_http.h"

enum { FIRN_ACCEPTED_VERSION = 1 };

typedef struct firn_accepted {
  firn_event_mode mode;
  int64_t received_us;
  uint32_t n_events;
  uint64_t fingerprint;       /* with a key: firn_accepted_fingerprint; else 0 */
  firn_bytes idempotency_key; /* data NULL: none */
  firn_bytes client;          /* the origin of its dead letters: "http 127.0.0.1" */
  size_t n_headers;           /* BINARY */
  const firn_event_header *headers;
  firn_bytes body;
} firn_accepted;

/* By which a repeated request is told from another with the same key: a hash of mode, headers and body. It is
 * stored, and may not change. */
uint64_t firn_accepted_fingerprint(const firn_accepted *a);

/* Everything before the body: the journal takes head and body as two parts. */
void firn_accepted_write_head(const firn_accepted *a, firn_builder *out);
/* Borrows from `record`; headers in `arena`. FIRN_UNSUPPORTED for a record of a newer version, FIRN_CORRUPT
 * for what is none. */
FIRN_MUST_USE firn_status firn_accepted_read(firn_bytes record, firn_arena *arena, firn_accepted *out,
                                             firn_error *err);

#endif
