/* From the text of events to files of the archive: one worker's share. It reads each event, sorts it into
 * valid, partial or dead letter, and writes all three through the writer stack.
 *
 * One thread at a time; several workers write side by side, each to files of its own. */
#ifndef FIRN_SERVICES_INGEST_ARCHIVE_WRITER_H
#define FIRN_SERVICES_INGEST_ARCHIVE_WRITER_H

#include "events/archive.h"
#include "events/event_http.h"
#include "iceberg/commit/catalog.h"
#include "services/ingest/split.h"

typedef struct firn_archive_writer_options {
  firn_stores *stores;
  const firn_metadata *tables[FIRN_ARCHIVE_N_TABLES]; /* borrowed: locations, specs, schemas */
  firn_codec codec;
  int level;
  uint64_t target_file_bytes; /* 0: 128 MB */
  size_t memory_bytes;        /* of all its writers */
  size_t max_open_files;      /* of each of its tables; 0: 64 */
  size_t batch_rows;          /* 0: 1,024 */
} firn_archive_writer_options;

typedef struct firn_archive_writer firn_archive_writer;

/* `options` is copied, what it points to borrowed. */
FIRN_MUST_USE firn_status firn_archive_writer_open(const firn_archive_writer_options *options,
                                                   firn_archive_writer **out, firn_error *err);

/* All events of a block. The block may be used again afterwards. */
FIRN_MUST_USE firn_status firn_archive_writer_add(firn_archive_writer *w, firn_ctx *ctx,
                                                  const firn_event_block *block, firn_error *err);

/* Where an event came from: what its dead letter says if it becomes one. */
typedef struct firn_event_place {
  firn_bytes origin;   /* the file, topic, address */
  firn_bytes within;   /* what it stands in there, if anything: "2025-06-15T12:00:00.123456+00:00" */
  const char *unit;    /* what `number` counts: "offset", "event" */
  uint64_t number;     /* the position reads "2025-06-15T12:00:00.123456+00:00, event 17" */
  int64_t received_us; /* 0: now */
} firn_event_place;

/* Single events: in structured mode, in binary mode, and bytes that are known to be no event. What they are
 * made of is borrowed until the next flush, and of that only what was added since the last one is needed. */
FIRN_MUST_USE firn_status firn_archive_writer_add_json(firn_archive_writer *w, firn_ctx *ctx, firn_bytes json,
                                                       const firn_event_place *place, firn_error *err);
/* As a dead letter it is an HTTP message: its headers, an empty line, its body. */
FIRN_MUST_USE firn_status firn_archive_writer_add_binary(firn_archive_writer *w, firn_ctx *ctx,
                                                         const firn_event_header *headers, size_t n_headers,
                                                         firn_bytes body, const firn_event_place *place,
                                                         firn_error *err);
FIRN_MUST_USE firn_status firn_archive_writer_add_dead(firn_archive_writer *w, firn_ctx *ctx,
                                                       firn_bytes payload, const char *reason,
                                                       const firn_event_place *place, firn_error *err);
FIRN_MUST_USE firn_status firn_archive_writer_flush(firn_archive_writer *w, firn_ctx *ctx, firn_error *err);

/* Rows since the last keep. */
int64_t firn_archive_writer_rows(const firn_archive_writer *w, firn_archive_table t);

/* Closes the files of one table and hands their entries over: borrowed until firn_archive_writer_keep or the
 * close. */
FIRN_MUST_USE firn_status firn_archive_writer_finish(firn_archive_writer *w, firn_ctx *ctx,
                                                     firn_archive_table t, const firn_data_file **files,
                                                     size_t *n_files, firn_error *err);
/* After a finish: the files stay, the table knows them or may know them. */
void firn_archive_writer_keep(firn_archive_writer *w, firn_archive_table t);
/* Closes, and removes files that were not kept. NULL is fine. */
void firn_archive_writer_close(firn_archive_writer *w, firn_ctx *ctx);

#endif
