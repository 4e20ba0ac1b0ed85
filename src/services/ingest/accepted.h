/* What the event journal holds: one record for each accepted request, as it came.
 *
 *   version (1 byte), mode (1 byte), time of arrival (8 bytes, us), number of events (4 bytes),
 *   idempotency key (length, bytes), client's address (length, bytes), headers (binary mode: count, then name
 * and value), body
 *
 * Numbers are little-endian. */
#ifndef FIRN_SERVICES_INGEST_ACCEPTED_H
#define FIRN_SERVICES_INGEST_ACCEPTED_H

#include "base/arena.h"
#include "base/builder.h"
#include "events/event_http.h"

typedef struct firn_accepted {
  firn_event_mode mode;
  int64_t received_us;
  uint32_t n_events;
  firn_bytes idempotency_key; /* data NULL: none */
  firn_bytes client;          /* the origin of its dead letters: "http 127.0.0.1" */
  size_t n_headers;           /* BINARY */
  const firn_event_header *headers;
  firn_bytes body;
} firn_accepted;

/* Everything before the body: the journal takes head and body as two parts. */
void firn_accepted_write_head(const firn_accepted *a, firn_builder *out);
/* Borrows from `record`; headers in `arena`. */
FIRN_MUST_USE firn_status firn_accepted_read(firn_bytes record, firn_arena *arena, firn_accepted *out,
                                             firn_error *err);

#endif
