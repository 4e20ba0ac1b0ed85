#include "services/ingest/archive_writer.h"

#include <inttypes.h>

#include "base/alloc.h"

enum { BATCH_ROWS = 1024, DEAD_BATCH_ROWS = 256 };

struct firn_archive_writer {
  firn_archive_writer_options options;
  firn_archive_batch batches[FIRN_ARCHIVE_N_TABLES];
  firn_table_writer *writers[FIRN_ARCHIVE_N_TABLES];
  firn_arena scratch; /* what the batches borrow beside the block: unescaped texts, extras, reasons */
};

/* Half of the budget is for the valid events, which are most; never 0, which would ask for the default. */
static size_t share_of(size_t memory_bytes, firn_archive_table t) {
  size_t share = memory_bytes / (t == FIRN_ARCHIVE_VALID ? 2 : 4);
  return share > 0 ? share : 1;
}

static firn_status open_writer(firn_archive_writer *w, firn_archive_table t, firn_error *err) {
  const firn_metadata *table = w->options.tables[t];
  firn_table_writer_options options = {
      .schema = firn_archive_schema(t), /* what others have added to the table is null in our files */
      .spec = firn_archive_spec_in(t, table),
      .location = firn_metadata_get(table)->location,
      .namer = firn_archive_file_name,
      .target_file_bytes = w->options.target_file_bytes,
      .memory_bytes = share_of(w->options.memory_bytes, t),
      .max_open_files = w->options.max_open_files,
      .stores = w->options.stores,
  };
  firn_archive_parquet_options(t, w->options.codec, w->options.level, &options.parquet);
  return firn_table_writer_open(&options, &w->writers[t], err);
}

firn_status firn_archive_writer_open(const firn_archive_writer_options *options, firn_archive_writer **out,
                                     firn_error *err) {
  firn_archive_writer *w = firn_alloc(sizeof *w);
  if (w == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a writer of the archive");
  }
  w->options = *options;
  firn_status status = FIRN_OK;
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES && status == FIRN_OK; t++) {
    size_t rows = options->batch_rows != 0  ? options->batch_rows
                  : t == FIRN_ARCHIVE_VALID ? BATCH_ROWS
                                            : DEAD_BATCH_ROWS;
    status = firn_archive_batch_open((firn_archive_table)t, rows, &w->batches[t], err);
    if (status == FIRN_OK) {
      status = open_writer(w, (firn_archive_table)t, err);
    }
  }
  if (status != FIRN_OK) {
    firn_archive_writer_close(w, NULL); /* no file was made: no context is needed */
    return status;
  }
  *out = w;
  return FIRN_OK;
}

firn_status firn_archive_writer_flush(firn_archive_writer *w, firn_ctx *ctx, firn_error *err) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_archive_batch *b = &w->batches[t];
    if (b->batch.n_rows > 0) {
      FIRN_TRY(firn_table_writer_write(w->writers[t], ctx, &b->batch, err));
      firn_archive_batch_reset(b);
    }
  }
  firn_arena_reset(&w->scratch);
  return FIRN_OK;
}

/* Room for a row in each batch: before an event is read into the scratch that a flush empties. */
static firn_status make_room(firn_archive_writer *w, firn_ctx *ctx, firn_error *err) {
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    if (firn_archive_batch_is_full(&w->batches[t])) {
      return firn_archive_writer_flush(w, ctx, err);
    }
  }
  return FIRN_OK;
}

static firn_status keep_dead(firn_archive_writer *w, firn_ctx *ctx, firn_bytes payload, const char *reason,
                             const firn_event_place *place, firn_error *err) {
  const char *position = firn_arena_printf(&w->scratch, "%.*s%s%s %" PRIu64, FIRN_FORMAT_BYTES(place->within),
                                           place->within.len > 0 ? ", " : "", place->unit, place->number);
  const char *kept_reason = firn_arena_text(&w->scratch, firn_bytes_of(reason));
  if (position == NULL || kept_reason == NULL) {
    return firn_error_set(err, FIRN_NOMEM, "no memory for a dead letter");
  }
  firn_dead_letter letter = {
      .received_us = place->received_us != 0 ? place->received_us : firn_ctx_now_us(ctx),
      .origin = place->origin,
      .position = firn_bytes_of(position),
      .reason = firn_bytes_of(kept_reason),
      .payload = payload,
  };
  firn_archive_batch_add_dead(&w->batches[FIRN_ARCHIVE_DEAD_LETTER], &letter);
  return FIRN_OK;
}

firn_status firn_archive_writer_add_dead(firn_archive_writer *w, firn_ctx *ctx, firn_bytes payload,
                                         const char *reason, const firn_event_place *place, firn_error *err) {
  FIRN_TRY(make_room(w, ctx, err));
  return keep_dead(w, ctx, payload, reason, place, err);
}

/* Whether a failed reading is the event's own fault. */
static bool is_events_fault(firn_status status) {
  return status == FIRN_CORRUPT || status == FIRN_LIMIT;
}

static firn_status keep_event(firn_archive_writer *w, const firn_event *event, firn_error *err) {
  firn_archive_table t = firn_event_is_valid(event) ? FIRN_ARCHIVE_VALID : FIRN_ARCHIVE_PARTIAL;
  return firn_archive_batch_add(&w->batches[t], event, err);
}

firn_status firn_archive_writer_add_json(firn_archive_writer *w, firn_ctx *ctx, firn_bytes json,
                                         const firn_event_place *place, firn_error *err) {
  firn_event event;
  firn_error reason;
  FIRN_TRY(make_room(w, ctx, err));
  firn_status status = firn_event_read(json, &w->scratch, &event, &reason);
  if (is_events_fault(status)) {
    return keep_dead(w, ctx, json, reason.text, place, err);
  }
  if (status != FIRN_OK) {
    return firn_error_set(err, status, "%s", reason.text);
  }
  return keep_event(w, &event, err);
}

/* Headers and body as they came, so that nothing of them is lost. */
static firn_status message_of(const firn_event_header *headers, size_t n_headers, firn_bytes body,
                              firn_arena *arena, firn_bytes *out, firn_error *err) {
  FIRN_AUTO_BUILDER b = FIRN_BUILDER_INIT(0);
  for (size_t i = 0; i < n_headers; i++) {
    firn_builder_add(&b, headers[i].name);
    firn_builder_add_text(&b, ": ");
    firn_builder_add(&b, headers[i].value);
    firn_builder_add_text(&b, "\r\n");
  }
  firn_builder_add_text(&b, "\r\n");
  firn_builder_add(&b, body);
  return firn_builder_finish_copy(&b, arena, out, err);
}

firn_status firn_archive_writer_add_binary(firn_archive_writer *w, firn_ctx *ctx,
                                           const firn_event_header *headers, size_t n_headers,
                                           firn_bytes body, const firn_event_place *place, firn_error *err) {
  firn_event event;
  firn_error reason;
  FIRN_TRY(make_room(w, ctx, err));
  firn_status status = firn_event_read_binary(headers, n_headers, body, &w->scratch, &event, &reason);
  if (is_events_fault(status)) {
    firn_bytes message;
    FIRN_TRY(message_of(headers, n_headers, body, &w->scratch, &message, err));
    return keep_dead(w, ctx, message, reason.text, place, err);
  }
  if (status != FIRN_OK) {
    return firn_error_set(err, status, "%s", reason.text);
  }
  return keep_event(w, &event, err);
}

firn_status firn_archive_writer_add(firn_archive_writer *w, firn_ctx *ctx, const firn_event_block *block,
                                    firn_error *err) {
  firn_event_place place = {.origin = firn_bytes_of(block->origin), .unit = "offset"};
  for (size_t i = 0; i < block->n_events; i++) {
    const firn_event_span *span = &block->events[i];
    place.number = block->offset + span->at;
    FIRN_TRY(
        firn_archive_writer_add_json(w, ctx, (firn_bytes){block->data + span->at, span->len}, &place, err));
  }
  return firn_archive_writer_flush(w, ctx, err);
}

int64_t firn_archive_writer_rows(const firn_archive_writer *w, firn_archive_table t) {
  return firn_table_writer_rows(w->writers[t]);
}

firn_status firn_archive_writer_finish(firn_archive_writer *w, firn_ctx *ctx, firn_archive_table t,
                                       const firn_data_file **files, size_t *n_files, firn_error *err) {
  return firn_table_writer_finish(w->writers[t], ctx, files, n_files, err);
}

void firn_archive_writer_keep(firn_archive_writer *w, firn_archive_table t) {
  firn_table_writer_keep(w->writers[t]);
}

void firn_archive_writer_close(firn_archive_writer *w, firn_ctx *ctx) {
  if (w == NULL) {
    return;
  }
  for (int t = 0; t < FIRN_ARCHIVE_N_TABLES; t++) {
    firn_table_writer_close(w->writers[t], ctx);
    firn_archive_batch_close(&w->batches[t]);
  }
  firn_arena_free(&w->scratch);
  firn_free(w);
}
