/* Accepted requests into an archive writer: takes a record of the event journal apart into its events.
 *
 * It keeps copies of small requests until there are enough rows to be written at once, for a journal's reader
 * lends each record only until the next. One thread. */
#ifndef FIRN_SERVICES_INGEST_ACCEPTED_WRITER_H
#define FIRN_SERVICES_INGEST_ACCEPTED_WRITER_H

#include "services/ingest/accepted.h"
#include "services/ingest/archive_writer.h"

typedef struct firn_accepted_writer {
  firn_archive_writer *to; /* borrowed */
  firn_arena held;         /* what the rows in `to` borrow */
  size_t held_bytes;
} firn_accepted_writer;

#define FIRN_ACCEPTED_WRITER_INIT(writer) {.to = (writer)}
#define FIRN_AUTO_ACCEPTED_WRITER FIRN_AUTO(firn_accepted_writer_free) firn_accepted_writer

/* All events of one request. `record` is borrowed during the call. */
FIRN_MUST_USE firn_status firn_accepted_writer_add(firn_accepted_writer *w, firn_ctx *ctx, firn_bytes record,
                                                   firn_error *err);
FIRN_MUST_USE firn_status firn_accepted_writer_flush(firn_accepted_writer *w, firn_ctx *ctx, firn_error *err);
void firn_accepted_writer_free(firn_accepted_writer *w);

#endif
