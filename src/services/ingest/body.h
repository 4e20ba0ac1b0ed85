/* What can be told a client at once about the events it sends: whether its body is JSON, how many events that
 * are, and whether one of them is too large. Whether they are CloudEvents is seen later, and no reason to
 * refuse them; nor is a line that is no JSON, of many: it becomes a dead letter, as it does from a file. */
#ifndef FIRN_SERVICES_INGEST_BODY_H
#define FIRN_SERVICES_INGEST_BODY_H

#include "events/event_http.h"

/* FIRN_CORRUPT: it is no JSON, with the place; FIRN_LIMIT names the event, counted from 0, that is larger
 * than `max_event_bytes`. */
FIRN_MUST_USE firn_status firn_body_check(firn_event_mode mode, firn_bytes body, size_t max_event_bytes,
                                          uint32_t *n_events, firn_error *err);

#endif
