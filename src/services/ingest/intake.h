/* Intake: accepts events over HTTP into the event journal, and answers once they are durable.
 *
 * POST /v1/events. 202 with {"accepted": N} after the journal's group sync. Nothing is judged beyond what can
 * be told the client at once: a body that is no JSON (structured, batched) is 400 and nothing of it is taken;
 * a well-formed element that is no CloudEvent is accepted and becomes a dead letter. 413 beyond the limit of
 * an event or body, 415 for other content types, 429 with Retry-After while the journal is full, 503 when the
 * disk is.
 *
 * Idempotency-Key: a key that the journal still keeps is answered as the first time, also while that is under
 * way; with another body it is 422. Keys are found again when the journal is opened.
 *
 * Threads may share it. A service steps it: a step syncs the journal and answers who waits. */
#ifndef FIRN_SERVICES_INGEST_INTAKE_H
#define FIRN_SERVICES_INGEST_INTAKE_H

#include "base/journal.h"
#include "services/common/router.h"
#include "services/common/service.h"
#include "services/ingest/accepted.h"

typedef struct firn_intake_options {
  firn_journal *journal;      /* borrowed, of kind "events" */
  size_t max_event_bytes;     /* 0: 16 MiB, at most 1 GiB */
  size_t max_body_bytes;      /* 0: 64 MiB, and never less than an event with its frame */
  uint64_t max_journal_bytes; /* not yet in files: beyond it 429. 0: 1 GiB */
  int64_t remember_us; /* how long keys are kept at least after their events are safe in files. 0: 10 min */
  uint64_t remember_bytes; /* of journal kept for that. 0: 256 MiB */
  /* Called when something was added (to wake the batches) and when a step has something to do (to wake its
   * service). May be NULL. */
  void (*on_durable)(void *arg);
  void (*on_added)(void *arg);
  void *arg;
} firn_intake_options;

typedef struct firn_intake firn_intake;

FIRN_MUST_USE firn_status firn_intake_open(const firn_intake_options *options, firn_ctx *ctx,
                                           firn_intake **out, firn_error *err);
void firn_intake_close(firn_intake *in); /* NULL is fine; its steps are over */

/* Without HTTP, and without waiting for the sync: for tests and other sources. */
FIRN_MUST_USE firn_status firn_intake_add(firn_intake *in, firn_ctx *ctx, const firn_accepted *what,
                                          uint64_t *position, firn_error *err);

/* Records before `position` are safe in files: frees what need not be remembered. */
FIRN_MUST_USE firn_status firn_intake_covered(firn_intake *in, firn_ctx *ctx, uint64_t position,
                                              firn_error *err);

extern const firn_service_ops firn_intake_service; /* self: the intake */
firn_route_set firn_intake_routes(firn_intake *in);
extern const firn_metric_set firn_intake_metrics;

#endif
