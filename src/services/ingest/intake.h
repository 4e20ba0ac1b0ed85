/* Intake: accepts events over HTTP into the event journal, and answers once they are durable.
 *
 * POST /v1/events: one event (application/cloudevents+json), a JSON array of them
 * (application/cloudevents-batch+json), either of the two as application/json, one a line
 * (application/x-ndjson), or one in binary mode (`ce-` headers). The answer is 202 with {"accepted": N} after
 * the journal's group sync; of nothing ("[]") it is 202 with 0 at once. Nothing is judged beyond what can be
 * told the client at once: a body that is no JSON is 400 with the place and nothing of it is taken; a
 * well-formed element that is no CloudEvent, and any line of many, is accepted and becomes a dead letter. 413
 * beyond the limit of an event or body, 415 for other content types, 429 with Retry-After while more of the
 * journal than `max_journal_bytes` is not in files yet, 503 when the disk is full or a sync has failed: then
 * nobody knows what became of the requests that waited for it, and the service has stopped.
 *
 * Idempotency-Key (any text of 1 to 256 bytes): a request with a key that is remembered is answered as the
 * first one was, once that is durable, also while it is under way; nothing is added. With another body, mode
 * or ce- header it is 422. A key is remembered from the first request until its events have been safe in
 * files for `remember_us`, also after a crash and a new start; sooner only where `remember_bytes` or
 * `max_keys` do not suffice, then the oldest go first, and 429 before one is forgotten whose events are not
 * in files yet. It may be remembered longer: as long as the journal happens to keep the record. Refused
 * requests and those without events are not remembered.
 *
 * Threads may share it. A service steps it: a step syncs the journal and answers who waits. */
#ifndef FIRN_SERVICES_INGEST_INTAKE_H
#define FIRN_SERVICES_INGEST_INTAKE_H

#include "base/journal.h"
#include "services/common/router.h"
#include "services/common/service.h"
#include "services/ingest/accepted.h"

typedef struct firn_intake_options {
  /* Borrowed, of kind "events". Its limit of a record must be above a body's and that of all bodies that were
   * ever allowed: it keeps them. What is added the intake bounds. */
  firn_journal *journal;
  size_t max_event_bytes;     /* 0: 16 MiB, at most 1 GiB */
  size_t max_body_bytes;      /* 0: 64 MiB, and never less than an event with its frame */
  uint64_t max_journal_bytes; /* not yet in files: beyond it 429. 0: 1 GiB */
  int64_t remember_us; /* how long keys are kept at least after their events are safe in files. 0: 10 min */
  uint64_t remember_bytes; /* of journal kept for that. 0: 256 MiB */
  size_t max_keys;         /* 0: 1,000,000: 80 MB when there are so many */
  /* Called when a step has made something durable (to wake the batches) and when a step has something to do
   * (to wake its service). Any thread; quick; must not call the intake. May be NULL. */
  void (*on_durable)(void *arg);
  void (*on_added)(void *arg);
  void *arg;
} firn_intake_options;

typedef struct firn_intake firn_intake;

/* Reads the journal for the keys in it. */
FIRN_MUST_USE firn_status firn_intake_open(const firn_intake_options *options, firn_ctx *ctx,
                                           firn_intake **out, firn_error *err);
/* The way out: stop it, then its service, then the server, then close it. From here on who waits still, or
 * comes, is answered 503, and nobody is woken. Any thread; NULL is fine. */
void firn_intake_stop(firn_intake *in);
/* NULL is fine. */
void firn_intake_close(firn_intake *in);

/* Without HTTP, and without waiting for the sync: for tests and other sources. Keys are not looked at. */
FIRN_MUST_USE firn_status firn_intake_add(firn_intake *in, firn_ctx *ctx, const firn_accepted *what,
                                          uint64_t *position, firn_error *err);

/* Records before `position` are safe in files: frees what need not be remembered. */
FIRN_MUST_USE firn_status firn_intake_covered(firn_intake *in, firn_ctx *ctx, uint64_t position,
                                              firn_error *err);

extern const firn_service_ops firn_intake_service; /* self: the intake */
firn_route_set firn_intake_routes(firn_intake *in);
extern const firn_metric_set firn_intake_metrics;

#endif
